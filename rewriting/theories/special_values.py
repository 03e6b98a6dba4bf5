"""Values of the circular functions and their inverses at special points, as templates of rules.

Angles are reduced modulo their period for every rational multiple of pi; the values at multiples of pi/4 and pi/6 are square roots.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.views import call_of, product_of, product_view, sum_of, sum_view

Surd = tuple[int, Fraction]
"""(n, c) for c*sqrt(n)."""

SINES: dict[Fraction, Surd] = {
    Fraction(0): (0, Fraction(0)),
    Fraction(1, 6): (1, Fraction(1, 2)),
    Fraction(1, 4): (2, Fraction(1, 2)),
    Fraction(1, 3): (3, Fraction(1, 2)),
    Fraction(1, 2): (1, Fraction(1)),
}
"""sin(q*pi) for q from 0 to 1/2."""

TANGENTS: dict[Fraction, Surd] = {
    Fraction(0): (0, Fraction(0)),
    Fraction(1, 6): (3, Fraction(1, 3)),
    Fraction(1, 4): (1, Fraction(1)),
    Fraction(1, 3): (3, Fraction(1)),
}
"""tan(q*pi) for q from 0 below 1/2."""

TWELFTHS: dict[Fraction, Fraction] = {Fraction(1, 12): Fraction(-1, 4), Fraction(5, 12): Fraction(1, 4)}
"""sin(q*pi) = sqrt(6)/4 + c*sqrt(2)."""


def _coefficient_of_pi(angle: Any) -> tuple[Fraction, Any] | None:
    """Return an angle as (rational multiple of pi, rest), or None when it holds no such multiple."""
    constant, pairs = sum_view(angle)
    for term, coefficient in pairs:
        if interface.is_call(term) and interface.head(term) == "pi" and type(coefficient) is not float:
            rest = sum_of(angle, constant, [(t, c) for t, c in pairs if t is not term])
            return Fraction(coefficient), rest
    return None


def _is_zero(term: Any) -> bool:
    return interface.is_number(term) and interface.value(term) == 0


def _surd(like: Any, entry: Surd, sign: int = 1) -> Any:
    n, c = entry
    return product_of(like, numbers.normal(c * sign), [(interface.make_number(like, n), Fraction(1, 2))])


def surd_of_sine(like: Any, turns: Fraction) -> Any:
    """Return sin(turns*pi) as square roots; ``turns`` is a multiple of 1/12."""
    turns %= 2
    sign = 1
    if turns >= 1:
        turns, sign = turns - 1, -1
    turns = min(turns, 1 - turns)
    if turns in SINES:
        return _surd(like, SINES[turns], sign)
    six, two = (product_of(like, 1, [(interface.make_number(like, n), Fraction(1, 2))]) for n in (6, 2))
    return sum_of(like, 0, [(six, Fraction(sign, 4)), (two, TWELFTHS[turns] * sign)])


def _sine_at(a: Any, quarter: int) -> Any | None:
    """Return sin(a + quarter*pi/2) with the multiple of pi in the angle made as small as it can be."""
    found = _coefficient_of_pi(a)
    if found is None:
        return None
    turns, sign = (found[0] + Fraction(quarter, 2)) % 2, 1
    rest = found[1]
    if turns >= 1:
        turns, sign = turns - 1, -1
    if _is_zero(rest):
        turns = min(turns, 1 - turns)
        entry = SINES.get(turns)
        if entry is not None:
            return _surd(a, entry, sign)
        head = "sin"
        if turns > Fraction(1, 4):
            head, turns = "cos", Fraction(1, 2) - turns
    elif turns * 2 == int(turns * 2):
        return product_of(a, sign, [(call_of(a, "sin" if turns == 0 else "cos", (rest,)), 1)])
    else:
        head = "sin"
        if turns > Fraction(1, 2):
            turns, sign = turns - 1, -sign
        if quarter:
            head, turns = "cos", turns - Fraction(1, 2)
            if turns <= Fraction(-1, 2):
                turns, sign = turns + 1, -sign
    angle = sum_of(a, 0, [(rest, 1), (call_of(a, "pi", ()), numbers.normal(turns))])
    return product_of(a, sign, [(call_of(a, head, (angle,)), 1)])


def sine(a: Any) -> Any | None:
    """Return sin(a) for an angle with a multiple of pi in its smallest form, or None."""
    return _sine_at(a, 0)


def cosine(a: Any) -> Any | None:
    """Return cos(a) for an angle with a multiple of pi in its smallest form, or None."""
    return _sine_at(a, 1)


def _reciprocal(function: Callable[[Any], Any | None], a: Any) -> Any | None:
    """Return the reciprocal of a function; it is declined at its poles."""
    value = function(a)
    return None if value is None or _is_zero(value) else product_of(a, 1, [(value, -1)])


def tangent(a: Any) -> Any | None:
    """Return tan(a) for an angle with a multiple of pi in its smallest form, or None."""
    found = _coefficient_of_pi(a)
    if found is None:
        return None
    turns, rest = found[0] % 1, found[1]
    if _is_zero(rest):
        sign = 1 if turns < Fraction(1, 2) else -1
        turns = min(turns, 1 - turns)
        if turns == Fraction(1, 2):
            return None
        entry = TANGENTS.get(turns)
        if entry is not None:
            return _surd(a, entry, sign)
        angle = product_of(a, numbers.normal(turns), [(call_of(a, "pi", ()), 1)])
        return product_of(a, sign, [(call_of(a, "tan", (angle,)), 1)])
    if turns == 0:
        return call_of(a, "tan", (rest,))
    if turns == Fraction(1, 2):
        return product_of(a, -1, [(call_of(a, "cot", (rest,)), 1)])
    turns -= turns > Fraction(1, 2)
    return call_of(a, "tan", (sum_of(a, 0, [(rest, 1), (call_of(a, "pi", ()), numbers.normal(turns))]),))


def cotangent(a: Any) -> Any | None:
    """Return cot(a) for an angle with a multiple of pi in its smallest form, or None."""
    found = _coefficient_of_pi(a)
    if found is None:
        return None
    turns, rest = found[0] % 1, found[1]
    if _is_zero(rest) and turns == 0:
        return None
    if _is_zero(rest) or turns == Fraction(1, 2):
        shifted = sum_of(a, 0, [(call_of(a, "pi", ()), Fraction(1, 2)), (a, -1)])
        return tangent(shifted)
    if turns == 0:
        return call_of(a, "cot", (rest,))
    turns -= turns > Fraction(1, 2)
    return call_of(a, "cot", (sum_of(a, 0, [(rest, 1), (call_of(a, "pi", ()), numbers.normal(turns))]),))


def inverse_of(table: dict[Fraction, Surd], start: int, a: Any) -> Any | None:
    """Return the inverse of a table of sines (start 0), cosines (start 1: acos = pi/2 - asin) or tangents."""
    if not all([interface.is_number(base) for base, _ in product_view(a)[1]]):
        return None  # the values are multiples of roots of numbers
    for turns, entry in table.items():
        for sign in (1, -1):
            if interface.key(_surd(a, entry, sign)) == interface.key(a):
                angle = turns * sign if start == 0 else Fraction(1, 2) - turns * sign
                return product_of(a, numbers.normal(angle), [(call_of(a, "pi", ()), 1)])
    return None


special_values = RuleSet(
    [
        rule("sin(pi*n::integer) -> 0"),
        rule("tan(pi*n::integer) -> 0"),
        rule("(-1)^(2*n::integer) -> 1"),
        rule("sin(a)", sine, name="sin at multiples of pi"),
        rule("cos(a)", cosine, name="cos at multiples of pi"),
        rule("tan(a)", tangent, name="tan at multiples of pi"),
        rule("cot(a)", cotangent, name="cot at multiples of pi"),
        rule("sec(a)", partial(_reciprocal, cosine), name="sec at multiples of pi"),
        rule("csc(a)", partial(_reciprocal, sine), name="csc at multiples of pi"),
        rule("asin(a)", partial(inverse_of, SINES, 0), name="asin at special values"),
        rule("acos(a)", partial(inverse_of, SINES, 1), name="acos at special values"),
        rule("atan(a)", partial(inverse_of, TANGENTS, 0), name="atan at special values"),
    ],
    "special_values",
)
