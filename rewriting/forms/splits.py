"""Powers whose exponent is a term, over a base that may be 0: there b^(n + 1) is 1 at b = 0, n = -1, and b*b^n is not defined."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum import term as interface
from symnum.fold import fold
from symnum.rewriting.facts import Facts
from symnum.rewriting.sign_sets import ZERO
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    head_of,
    is_value,
    product_of,
    product_view,
    sum_of,
    view_parts,
)

Powers = dict[Hashable, tuple[Any, list[Any]]]
"""{key of a base: (base, its exponents)}."""


def has_raised(root: Any, memo: dict[Hashable, bool]) -> bool:
    """Tell whether a term has a power whose exponent is a term; ``memo`` keeps what is known of parts."""

    def visit(node: Any, below: list[bool]) -> bool:
        if True in below:
            return True
        return head_of(node) in PRODUCT_HEADS and not all(is_value(e) for _, e in product_view(node)[1])

    return fold(root, visit, parts=view_parts, memo=memo)


def powers_of(root: Any, facts: Facts, memo: dict[Hashable, bool] | None = None) -> Powers:
    """Return the exponents with which each base that may be 0 occurs, where one of them is a term and none is a negative number.

    ``memo`` is that of :func:`has_raised`, whose keys stay alive with the caller's terms.
    """
    found: Powers = {}
    if not has_raised(root, {} if memo is None else memo):
        return found

    def visit(node: Any, _: list[None]) -> None:
        if head_of(node) in PRODUCT_HEADS:
            for base, exponent in product_view(node)[1]:
                found.setdefault(interface.key(base), (base, []))[1].append(exponent)

    fold(root, visit, parts=view_parts)
    return {
        key: (base, exponents)
        for key, (base, exponents) in found.items()
        if not all(map(is_value, exponents))
        and not any(is_value(e) and e < 0 for e in exponents)
        and facts.signs(base) & ZERO
    }


def splits_power(before: Powers, after: Any, facts: Facts) -> bool:
    """Tell whether a term has a power of one of the bases before that is neither one of the powers before nor a product of two.

    >>> import symnum as sn
    >>> x, n = sn.symbols("x n")
    >>> facts = Facts()
    >>> before = powers_of(x**(-n - 1) * (x + x**(n + 1)), facts)
    >>> splits_power(before, x**(-n) * (1 + x**n), facts)
    True
    """
    if not before:
        return False
    for key, (_, new) in powers_of(after, facts).items():
        if key not in before:
            continue
        base, old = before[key]
        allowed = {_key(base, e) for e in old}
        allowed |= {_key(base, _sum(base, e, f)) for e in old for f in old}
        if not all(is_value(e) or _key(base, e) in allowed for e in new):
            return True
    return False


def _sum(base: Any, a: Any, b: Any) -> Any:
    """Return a + b in the normal form of the base's backend, for exponents that are numbers or terms."""
    return sum_of(base, 0, [(interface.make_number(base, e) if is_value(e) else e, 1) for e in (a, b)])


def _key(base: Any, exponent: Any) -> Hashable:
    return interface.key(product_of(base, 1, [(base, exponent)]))
