"""Functions of their inverses: with u = asin(a) the sine of u is a and its cosine is sqrt(1 - a^2), and so on (DLMF 4.24 and 4.38)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.rewriting.views import head_of, product_of, sum_of, sum_view

HALF = Fraction(1, 2)
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
    """Return (hyperbolic cosine, sine) of an inverse hyperbolic function or a logarithm, or None."""
    head = head_of(unit)
    if head not in ("asinh", "acosh", "atanh", "log"):
        return None
    (a,) = interface.args(unit)
    if head == "asinh":
        return _root(a, _square_plus(a, 1, 1)), a
    if head == "acosh":
        return a, _root(a, _square_plus(a, -1, 1))
    if head == "atanh":
        cosine = _root(a, _square_plus(a, 1, -1), -HALF)
        return cosine, product_of(a, 1, [(a, 1), (cosine, 1)])
    inverse = product_of(a, 1, [(a, -1)])
    return sum_of(a, 0, [(a, HALF), (inverse, HALF)]), sum_of(a, 0, [(a, HALF), (inverse, -HALF)])
