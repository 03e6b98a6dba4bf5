"""Random terms over the whole table: tree against interned, and derivatives against differences, at 40 digits."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import terms

import symnum as sn
from symnum import term

DIGITS = 40
SMOOTH = (
    "+ - * / ^ neg sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan cot sec csc asin acos atan acot asec acsc atan2 "
    "sinh cosh tanh coth sech csch asinh acosh atanh abs min max erf gamma lgamma digamma ifelse < <= > >= and or not pi"
).split()
fractions = st.fractions(Fraction(1, 7), Fraction(13, 5), max_denominator=40)


def precise(e: Any, at: dict[Any, Any]) -> Decimal | None:
    """Return the value to 40 digits, or None where it is undefined, undecidable, a condition, or out of all proportion."""
    needed = {s: at[term.name(s)] for s in term.free_symbols(e)}
    try:
        value = sn.evaluate(e, needed, precision=DIGITS)
    except (ArithmeticError, ValueError):
        return None
    if isinstance(value, bool) or not value.is_finite() or abs(value) > Decimal(10) ** 200:
        return None
    return value


def point(draw: Any) -> dict[str, Any]:
    """Draw a value for every symbol of the strategy, inside its assumptions."""
    at: dict[str, Any] = {name: draw(fractions) for name in ("x", "y", "z1", "p")}
    whole = {"n": draw(st.integers(-3, 4)), "m": draw(st.integers(0, 4))}
    return {**at, **whole, "flag": draw(st.booleans()), "other_flag": draw(st.booleans())}


def close(a: Decimal, b: Decimal, digits: int) -> bool:
    return abs(a - b) <= Decimal(10) ** -digits * max(abs(a), abs(b), Decimal(1))


@given(terms(backend="tree", floats=False), st.data())
@settings(max_examples=300)
def test_a_tree_keeps_its_value_when_it_is_made_canonical(written: Any, data: Any) -> None:
    at = point(data.draw)
    before = precise(written, at)
    if before is None:
        return
    after = precise(sn.convert(written), at)
    assert after is not None and close(before, after, DIGITS - 6), str(written)


@pytest.mark.parametrize("backend", ["interned", "tree"])
def test_derivatives_equal_differences(backend: str) -> None:
    checked = undefined = 0

    @given(terms(backend=backend, floats=False, operators=SMOOTH), st.data())
    @settings(max_examples=200)
    def check(e: Any, data: Any) -> None:
        nonlocal checked, undefined
        real = [s for s in term.free_symbols(e) if term.sort_of(s) == "real"]
        if not real or term.sort_of(e) == "boolean":
            return
        x = real[0]
        at, h = point(data.draw), Fraction(1, 10**15)
        middle = at[term.name(x)]
        values = [precise(e, {**at, term.name(x): middle + k * h}) for k in (-2, -1, 0, 1, 2)]
        if any(v is None for v in values):
            return
        left2, left, _, right, right2 = (v for v in values if v is not None)
        # the two differences disagree where the term jumps, has a kink, or is too steep to be measured
        near, far = (right - left) / Decimal("2e-15"), (right2 - left2) / Decimal("4e-15")
        if abs(near) > 10**6 or not close(near, far, 12):
            return
        slope = precise(sn.diff(e, x), at)
        if slope is None:  # the rule has a hole where the slope has none: 0^x, or sqrt(a) at a root of a
            undefined += 1
        else:
            assert close(near, slope, 10), str(e)
            checked += 1

    check()
    assert checked > 20 and undefined < checked / 5
