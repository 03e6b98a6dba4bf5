"""Forms of rational functions of exponentials and hyperbolic functions.

All of them are rational functions of exp(u), in which FLINT cancels and factors.  A factor whose coefficients read the same from both
ends, or the negative, is a power of exp times a sum of hyperbolic cosines, or sines, of multiples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.rational import RationalTerm
from symnum.rewriting.forms.region import degree_bound, replaced
from symnum.rewriting.views import (
    call_of,
    head_of,
    is_value,
    item_keys,
    product_of,
    product_view,
    sum_of,
    sum_view,
)

ROLES = {
    "cosine": "cosh", "sine": "sinh",
    "sinh": "sin", "cosh": "cos", "tanh": "tan", "coth": "cot", "sech": "sec", "csch": "csc", "exp": "exp",
}  # fmt: skip
"""What each function is in terms of (hyperbolic) cosine and sine, named as the circular one."""

MOST_DEGREE = 48

HEADS = frozenset(["sinh", "cosh", "tanh", "coth", "sech", "csch", "exp"])


def hyperbolic_forms(term: Any, calls: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, form) for a term whose region has the hyperbolic or exponential ``calls`` among its atoms."""
    if degree_bound(term, {interface.key(interface.args(c)[0]): 1 for c in calls}) > MOST_DEGREE:
        return
    new = {
        interface.key(c): _in_exponentials(term, interface.head(c), interface.args(c)[0])
        for c in calls
        if interface.head(c) != "exp"
    }
    inside = replaced(term, new)
    read = RationalTerm(inside)
    coefficient, factors = read.factor_list()
    if coefficient == 0:
        yield "exponential zero", interface.make_number(term, 0)
        return
    written = [(_written(term, b), e) for b, e in factors]
    yield (
        "hyperbolic factors",
        _joined(term, coefficient, [(b, w * e) for parts, e in written for b, w in parts]),
    )
    if new:
        yield "exponential factors", _joined(term, coefficient, factors)
    if len(factors) > 1:
        above, below = _over(read.cancelled())
        items = [*_written(term, above), *[(b, -w) for b, w in _written(term, below)]]
        yield "hyperbolic sums", _joined(term, 1, items)


def _joined(like: Any, coefficient: Any, items: Sequence[tuple[Any, Any]]) -> Any:
    """Return a product with all its exponentials in one."""
    angles, rest = [], []
    for b, e in items:
        inner, parts = product_view(b)
        rest.append((interface.make_number(like, inner), e))
        for base, power in parts:
            if head_of(base) == "exp" and is_value(power) and is_value(e):
                angles.append((interface.args(base)[0], power * e))
            else:
                rest.append((base, power * e if is_value(power) else sum_of(like, 0, [(power, e)])))
    if angles:
        rest.append((call_of(like, "exp", (_flat(like, angles),)), 1))
    return product_of(like, coefficient, rest)


def _flat(like: Any, pairs: Sequence[tuple[Any, Any]]) -> Any:
    """Return a sum of multiples, multiplied out."""
    constant: Any = 0
    found = []
    for part, weight in pairs:
        inner, addends = sum_view(part)
        if len(addends) == 1 and head_of(addends[0][0]) in ("+", "-"):  # 2*(x + y) is one addend
            nested, addends = sum_view(addends[0][0]), [addends[0]]
            inner += nested[0] * addends[0][1]
            addends = [(t, c * addends[0][1]) for t, c in nested[1]]
        constant += inner * weight
        found += [(t, numbers.normal(c * weight)) for t, c in addends]
    return sum_of(like, numbers.normal(constant), found)


def _in_exponentials(like: Any, head: str, angle: Any) -> Any:
    """Return a hyperbolic function as a rational function of exponentials."""
    plus, minus = (call_of(like, "exp", (_flat(like, [(angle, sign)]),)) for sign in (1, -1))
    double = product_of(like, 1, [(plus, 2)])
    sine = sum_of(like, 0, [(plus, Fraction(1, 2)), (minus, Fraction(-1, 2))])
    cosine = sum_of(like, 0, [(plus, Fraction(1, 2)), (minus, Fraction(1, 2))])
    top, bottom = sum_of(like, -1, [(double, 1)]), sum_of(like, 1, [(double, 1)])
    parts = {
        "sinh": [(sine, 1)],
        "cosh": [(cosine, 1)],
        "tanh": [(top, 1), (bottom, -1)],
        "coth": [(bottom, 1), (top, -1)],
        "sech": [(cosine, -1)],
        "csch": [(sine, -1)],
    }
    return product_of(like, 1, parts[head])


def _over(fraction: Any) -> tuple[Any, Any]:
    """Return numerator and denominator; powers of exp count as numerator."""
    coefficient, items = product_view(fraction)
    below = [(b, -e) for b, e in items if type(e) is int and e < 0 and head_of(b) != "exp"]
    above = [(b, e) for b, e in items if not (type(e) is int and e < 0 and head_of(b) != "exp")]
    return product_of(fraction, coefficient, above), product_of(fraction, 1, below)


def _written(like: Any, base: Any) -> list[tuple[Any, Any]]:
    """Return a polynomial in exponentials as factors with hyperbolic functions, where it is symmetric about its middle."""
    outside, summed = _common_exponential(base)
    constant, pairs = sum_view(summed)
    groups: dict[Any, tuple[list[tuple[Any, Any]], list[tuple[dict[Any, Fraction], Any]]]] = {}
    parts: dict[Any, Any] = {}
    for part, weight in [*pairs, *([(None, constant)] if constant != 0 else [])]:
        coefficient, items = (1, []) if part is None else product_view(part)
        row: dict[Any, Fraction] = {}
        others = []
        for b, e in items:
            if head_of(b) != "exp" or type(e) is not int:
                others.append((b, e))
                continue
            inner, angles = sum_view(interface.args(b)[0])
            if type(inner) is float or any(type(c) is float for _, c in angles):
                return [(base, 1)]
            if inner != 0:
                angles = [*angles, (interface.make_number(like, 1), inner)]
            for t, c in angles:
                parts[interface.key(t)] = t
                row[interface.key(t)] = row.get(interface.key(t), Fraction(0)) + Fraction(c) * e
        identity = item_keys(others)
        groups.setdefault(identity, (others, []))[1].append((row, numbers.times(weight, coefficient)))
    if not parts:
        return [(base, 1)]
    middle = {}
    for k in parts:
        shares = [row.get(k, Fraction(0)) for _, rows in groups.values() for row, _ in rows]
        middle[k] = (min(shares) + max(shares)) / 2
    summands = []
    for others, rows in groups.values():
        waves = {tuple([row.get(k, Fraction(0)) - middle[k] for k in parts]): c for row, c in rows}
        total = _waves(like, waves, list(parts.values()))
        if total is None:
            return [(base, 1)]
        summands.append((product_of(like, 1, [*others, (total, 1)]), 1))
    angle = sum_of(like, 0, [(parts[k], numbers.normal(q)) for k, q in middle.items()])
    return [*outside, (call_of(like, "exp", (angle,)), 1), (sum_of(like, 0, summands), 1)]


def _common_exponential(base: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """Split a product of exponentials and one sum into these; any other term is its own sum."""
    coefficient, items = product_view(base)
    sums = [b for b, e in items if e == 1 and head_of(b) in ("+", "-")]
    if len(sums) != 1 or (len(items) == 1 and coefficient == 1):
        return [], base
    return [
        (interface.make_number(base, coefficient), 1),
        *((b, e) for b, e in items if b is not sums[0]),
    ], sums[0]


def _waves(like: Any, waves: dict[tuple[Fraction, ...], Any], parts: Sequence[Any]) -> Any | None:
    """Return a sum of exponentials as hyperbolic cosines or sines, or None when it is neither even nor odd."""
    for sign, head in ((1, "cosh"), (-1, "sinh")):
        if all(waves.get(tuple([-q for q in v])) == sign * c for v, c in waves.items()):
            pairs = []
            constant = 0
            for v, c in waves.items():
                lead = next((q for q in v if q), 0)
                if lead == 0:
                    constant = c
                elif lead > 0:
                    angle = sum_of(like, 0, [(p, numbers.normal(q)) for p, q in zip(parts, v) if q])
                    pairs.append((call_of(like, head, (angle,)), numbers.normal(2 * c)))
            return sum_of(like, constant, pairs)
    return None
