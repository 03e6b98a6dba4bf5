"""Forms of terms with roots: squares taken out of a root, and roots removed from a denominator by its conjugate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.polynomial import cancel, expand, factor
from symnum.algebra.ring import SUM, view
from symnum.rewriting.facts import Facts
from symnum.rewriting.sign_sets import NEGATIVE, ZERO
from symnum.rewriting.views import call_of, head_of, is_value, product_of, product_view, sum_of, sum_view

MOST_ADDENDS = 6
MOST_ROOTS = 3


def radical_forms(term: Any, facts: Facts, generic: bool) -> Iterator[tuple[str, Any]]:
    """Yield (name, form) for a product or a power."""
    coefficient, items = product_view(term)
    taken = [_without_squares(term, b, e, facts, generic) for b, e in items]
    if any(t is not None for t in taken):
        yield (
            "squares out of roots",
            product_of(
                term, coefficient, [(t, 1) if t is not None else pair for t, pair in zip(taken, items)]
            ),
        )
    below = [(b, e) for b, e in items if e == -1 and _roots(b)]
    if len(below) == 1 and len(sum_view(below[0][0])[1]) <= MOST_ADDENDS:
        base = below[0][0]
        rest = product_of(term, coefficient, [pair for pair in items if pair[0] is not base])
        found = _rationalised(rest, base)
        if found is not None and (generic or _is_defined_below(found, facts)):
            yield "conjugate", found


def _without_squares(like: Any, base: Any, exponent: Any, facts: Facts, generic: bool) -> Any | None:
    """Return a root of a sum with its square factors taken out, or None."""
    if type(exponent) is not Fraction or view(base)[0] != SUM or len(sum_view(base)[1]) > 20:
        return None
    try:
        content, factors = product_view(factor(base))
    except (ValueError, ZeroDivisionError):
        return None
    outside: list[tuple[Any, Any]] = []
    inside: list[tuple[Any, Any]] = []
    for b, e in factors:
        if type(e) is not int or e % 2:
            inside.append((b, e))
        else:
            outside.append((call_of(like, "abs", (b,)), numbers.normal(e * exponent)))
    if not outside or content < 0:
        return None
    rest = product_of(like, content, inside)
    # at a zero of what is taken out the rest must have a root too
    if not generic and facts.signs(rest) & NEGATIVE:
        return None
    return product_of(like, 1, [(rest, exponent), *outside])


def _roots(base: Any) -> list[Any]:
    """Return the distinct square roots among the factors of a sum's addends."""
    found: dict[Any, Any] = {}
    if head_of(base) not in ("+", "-"):
        return []
    for part, _ in sum_view(base)[1]:
        for b, e in product_view(part)[1]:
            if is_value(e) and type(e) is Fraction and e.denominator == 2:
                found[interface.key(b)] = b
    return list(found.values())


def _rationalised(above: Any, below: Any) -> Any | None:
    """Return above/below with the roots in ``below`` removed one by one, in lowest terms."""
    top, bottom = above, below
    for _ in range(MOST_ROOTS):
        roots = _roots(bottom)
        if not roots:
            break
        identity = interface.key(roots[0])
        constant, pairs = sum_view(bottom)
        turned = [
            (
                t,
                -c
                if any(interface.key(b) == identity and type(e) is Fraction for b, e in product_view(t)[1])
                else c,
            )
            for t, c in pairs
        ]
        conjugate = sum_of(below, constant, turned)
        try:
            bottom = expand(product_of(below, 1, [(bottom, 1), (conjugate, 1)]), deep=False)
        except ValueError:
            return None
        if interface.is_number(bottom) and interface.value(bottom) == 0:
            return None
        top = product_of(below, 1, [(top, 1), (conjugate, 1)])
    else:
        return None
    try:
        return cancel(product_of(below, 1, [(top, 1), (bottom, -1)]))
    except (ValueError, ZeroDivisionError):
        return None


def _is_defined_below(term: Any, facts: Facts) -> bool:
    """Tell whether no sum in a denominator can be zero: the conjugate may have zeros of its own."""
    return all(
        not (is_value(e) and e < 0) or not facts.signs(b) & ZERO
        for part, _ in [(term, 1), *sum_view(term)[1]]
        for b, e in product_view(part)[1]
    )
