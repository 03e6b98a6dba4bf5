"""Values of the trigonometric functions and their inverses at special points, as templates of rules."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.rewriting.views import call_of, product_of, sum_of, sum_view


def _coefficient_of_pi(angle: Any) -> tuple[Any, Any] | None:
    """Return an angle as (rational multiple of pi, rest), or None when it holds no such multiple."""
    constant, pairs = sum_view(angle)
    for term, coefficient in pairs:
        if interface.is_call(term) and interface.head(term) == "pi" and type(coefficient) is not float:
            rest = sum_of(angle, constant, [(t, c) for t, c in pairs if t is not term])
            return coefficient, rest
    return None


SINES: dict[Fraction, tuple[int, Fraction]] = {
    Fraction(0): (0, Fraction(0)),
    Fraction(1, 6): (1, Fraction(1, 2)),
    Fraction(1, 4): (2, Fraction(1, 2)),
    Fraction(1, 3): (3, Fraction(1, 2)),
    Fraction(1, 2): (1, Fraction(1)),
}
"""sin(q*pi) for q from 0 to 1/2 as {q: (n, c)} with the value c*sqrt(n)."""

TANGENTS: dict[Fraction, tuple[int, Fraction]] = {
    Fraction(0): (0, Fraction(0)),
    Fraction(1, 6): (3, Fraction(1, 3)),
    Fraction(1, 4): (1, Fraction(1)),
    Fraction(1, 3): (3, Fraction(1)),
}
"""tan(q*pi) for q from 0 below 1/2, in the same form."""


def _surd(like: Any, entry: tuple[int, Fraction], sign: int) -> Any:
    n, c = entry
    value = c * sign
    return product_of(
        like,
        value.numerator if value.denominator == 1 else value,
        [(interface.make_number(like, n), Fraction(1, 2))],
    )


def _sine_at(a: Any, quarter: int) -> Any | None:
    """Return sin(a + quarter*pi/2) for an angle a that holds a special multiple of pi."""
    found = _coefficient_of_pi(a)
    if found is None:
        return None
    turns = (Fraction(found[0]) + Fraction(quarter, 2)) % 2
    rest, sign = found[1], 1
    if turns >= 1:
        turns, sign = turns - 1, -1
    if interface.is_number(rest) and interface.value(rest) == 0:
        entry = SINES.get(min(turns, 1 - turns))
        return None if entry is None else _surd(a, entry, sign)
    if turns * 2 != int(turns * 2):
        return None
    head = "sin" if turns == 0 else "cos"
    return product_of(a, sign, [(call_of(a, head, [rest]), 1)])


def sine(a: Any) -> Any | None:
    """Return sin(a) for an angle with a special multiple of pi, or None."""
    return _sine_at(a, 0)


def cosine(a: Any) -> Any | None:
    """Return cos(a) for an angle with a special multiple of pi, or None."""
    return _sine_at(a, 1)


def tangent(a: Any) -> Any | None:
    """Return tan(a) for an angle with a special multiple of pi, or None."""
    found = _coefficient_of_pi(a)
    if found is None:
        return None
    turns = Fraction(found[0]) % 1
    if interface.is_number(found[1]) and interface.value(found[1]) == 0:
        entry, sign = (TANGENTS.get(turns), 1) if turns < Fraction(1, 2) else (TANGENTS.get(1 - turns), -1)
        return None if entry is None else _surd(a, entry, sign)
    return call_of(a, "tan", [found[1]]) if turns == 0 else None


def inverse_of(table: dict[Fraction, tuple[int, Fraction]], start: int) -> Callable[..., Any]:
    """Return the inverse of a table of sines (start 0), cosines (start 1: acos = pi/2 - asin) or tangents."""

    def inverse(a: Any) -> Any | None:
        for turns, entry in table.items():
            for sign in (1, -1):
                if interface.key(_surd(a, entry, sign)) == interface.key(a):
                    angle = turns * sign if start == 0 else Fraction(1, 2) - turns * sign
                    value = angle.numerator if angle.denominator == 1 else angle
                    return product_of(a, value, [(call_of(a, "pi", []), 1)])
        return None

    return inverse
