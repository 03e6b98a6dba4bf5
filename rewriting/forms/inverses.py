"""Functions of their inverses: with u = asin(a) the sine of u is a and its cosine is sqrt(1 - a^2), and so on (DLMF 4.24 and 4.38)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.views import call_of, head_of, product_of, sum_of, sum_view

HALF = Fraction(1, 2)
MOST_ARCTANGENTS = 128
"""Arctangents that are joined, each counted as often as its coefficient says; what comes out has as many factors."""

INVERSES = frozenset(["asin", "acos", "atan", "asec", "acsc", "asinh", "acosh", "atanh", "log"])


def inverse_inside(calls: Iterable[Any]) -> bool:
    """Tell whether an addend of an argument is a call of an inverse function."""
    return any(
        head_of(part) in INVERSES for call in calls for part, _ in sum_view(interface.args(call)[0])[1]
    )


def _square_plus(a: Any, constant: int, sign: int) -> Any:
    return sum_of(a, constant, [(product_of(a, 1, [(a, 2)]), sign)])


def _root(a: Any, inside: Any, exponent: Fraction = HALF) -> Any:
    return product_of(a, 1, [(inside, exponent)])


def circular_values(unit: Any) -> tuple[Any, Any] | None:
    """Return (cosine, sine) of an inverse circular function, or None."""
    head = head_of(unit)
    if head not in ("asin", "acos", "atan", "asec", "acsc"):
        return None
    (a,) = interface.args(unit)
    if head in ("asec", "acsc"):
        a = product_of(a, 1, [(a, -1)])
        head = "acos" if head == "asec" else "asin"
    if head == "atan":
        cosine = _root(a, _square_plus(a, 1, 1), -HALF)
        return cosine, product_of(a, 1, [(a, 1), (cosine, 1)])
    other = _root(a, _square_plus(a, 1, -1))
    return (other, a) if head == "asin" else (a, other)


def hyperbolic_values(unit: Any) -> tuple[Any, Any] | None:
    """Return (hyperbolic cosine, sine) of an inverse hyperbolic function or a multiple of a logarithm, or None."""
    constant, pairs = sum_view(unit)
    times: Any = 1
    if constant == 0 and len(pairs) == 1 and head_of(pairs[0][0]) == "log":
        ((unit, times),) = pairs
    head = head_of(unit)
    if head not in ("asinh", "acosh", "atanh", "log"):
        return None
    (a,) = interface.args(unit)
    if head == "log" and interface.is_number(a) and not interface.value(a) > 0:
        return None  # infinite or undefined
    if head == "asinh":
        return _root(a, _square_plus(a, 1, 1)), a
    if head == "acosh":
        return a, _root(a, _square_plus(a, -1, 1))
    if head == "atanh":
        cosine = _root(a, _square_plus(a, 1, -1), -HALF)
        return cosine, product_of(a, 1, [(a, 1), (cosine, 1)])
    power, inverse = product_of(a, 1, [(a, times)]), product_of(a, 1, [(a, -times)])
    return sum_of(a, 0, [(power, HALF), (inverse, HALF)]), sum_of(a, 0, [(power, HALF), (inverse, -HALF)])


def arctangents_joined(term: Any) -> Iterator[tuple[str, Any]]:
    """Yield a sum with whole multiples of arctangents of rational numbers as one: n*atan(p/q) is the argument of (q + i*p)^n."""
    constant, pairs = sum_view(term)
    rest, real, imaginary, angle, count = [], 1, 0, 0.0, 0
    for part, weight in pairs:
        inner = interface.args(part)[0] if head_of(part) == "atan" else None
        value: Any = interface.value(inner) if inner is not None and interface.is_number(inner) else None
        if type(value) not in (int, Fraction) or type(weight) is not int:
            rest.append((part, weight))
            continue
        count += abs(weight)
        if count > MOST_ARCTANGENTS:
            return
        p, q = value.numerator * (1 if weight > 0 else -1), value.denominator
        for _ in range(abs(weight)):
            real, imaginary = real * q - imaginary * p, real * p + imaginary * q
        angle += weight * math.atan(value)
    if len(pairs) - len(rest) < 2:
        return
    if real == 0:
        halves = 2 * round(angle / math.pi - 0.5) + 1
    else:
        ratio = numbers.normal(Fraction(imaginary, real))
        halves = 2 * round((angle - math.atan(ratio)) / math.pi)
        rest.append((call_of(term, "atan", (interface.make_number(term, ratio),)), 1))
    rest.append((call_of(term, "pi", ()), numbers.normal(Fraction(halves, 2))))
    yield "one arctangent", sum_of(term, constant, rest)
