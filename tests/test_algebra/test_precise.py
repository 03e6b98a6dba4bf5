"""evaluate(..., precision=n): digits that are right, and refusals where they cannot be known."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import mpmath  # type: ignore[import-untyped]  # it ships no types
import pytest

import symnum as sn
from symnum.operators import OPERATORS

x, y = sn.symbols("x y")

_MPMATH = {
    "sqrt": mpmath.sqrt,
    "cbrt": lambda a: mpmath.sign(a) * mpmath.cbrt(abs(a)), "exp": mpmath.exp, "expm1": mpmath.expm1, "log": mpmath.log,
    "log1p": lambda a: mpmath.log(1 + a), "log2": lambda a: mpmath.log(a, 2), "log10": mpmath.log10, "sin": mpmath.sin, "cos": mpmath.cos,
    "tan": mpmath.tan, "cot": mpmath.cot, "sec": mpmath.sec, "csc": mpmath.csc, "asin": mpmath.asin, "acos": mpmath.acos,
    "atan": mpmath.atan, "acot": lambda a: mpmath.atan(1 / a), "asec": lambda a: mpmath.acos(1 / a), "acsc": lambda a: mpmath.asin(1 / a),
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "coth": mpmath.coth, "sech": mpmath.sech, "csch": mpmath.csch,
    "asinh": mpmath.asinh, "acosh": mpmath.acosh, "atanh": mpmath.atanh, "abs": abs, "sign": mpmath.sign, "floor": mpmath.floor,
    "ceil": mpmath.ceil, "erf": mpmath.erf, "gamma": mpmath.gamma, "lgamma": lambda a: mpmath.log(abs(mpmath.gamma(a))),
    "digamma": mpmath.digamma, "trigamma": lambda a: mpmath.psi(1, a), "neg": lambda a: -a, "hold": lambda a: a,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(_MPMATH))
def test_every_operator_has_right_digits(name: str) -> None:
    checked = 0
    for text in ("-5/2", "-3/7", "1/3", "7/3"):
        point = Fraction(text)
        found = sn.evaluate(sn.call(name, x), {x: point}, precision=40)
        with mpmath.workdps(60):
            try:
                expected = _MPMATH[name](mpmath.mpf(point.numerator) / point.denominator)
            except ValueError:
                expected = mpmath.nan
            if isinstance(expected, mpmath.mpc) or not mpmath.isfinite(expected):
                assert found.is_nan()
                continue
            assert found == Decimal(mpmath.nstr(expected, 40, strip_zeros=False)), (name, text)
            checked += 1
    assert checked > 0


def test_every_real_operator_is_covered() -> None:
    spelled = {
        n
        for n, row in OPERATORS.items()
        if row.arity == (1, 1) and row.argument_sorts == ("real",) and row.arb
    }
    assert {n for n in spelled if not n.startswith("algebra_test")} - set(_MPMATH) == set()


@pytest.mark.parametrize(
    ("term", "point", "digits", "expected"),
    [
        (sn.exp(x), 1, 30, "2.71828182845904523536028747135"),
        (x / 3, 1, 5, "0.33333"),
        (x * 2, Fraction(1, 3), 3, "0.667"),
        (x, "0.1", 20, "0.1"),
        (x, 0.1, 20, "0.10000000000000000555"),
        (sn.exp(sn.log(x)), "2.5", 1, "2"),  # a tie, decided by the middle of the ball: half to even
        (sn.exp(sn.exp(x)), 20, 10, "1.506554339E+210704567"),
        (x**1000000, 2, 5, "9.9007E+301029"),
        (sn.atan2(x, -1), 1, 20, "2.3561944901923449288"),
        (sn.mod(sn.exp(x), 2), 3, 20, "0.085536923187667740929"),
        (sn.min(sn.exp(x), 2, sn.pi), 1, 20, "2.0000000000000000000"),
        (sn.log(x), 0, 5, "-Infinity"),
        (sn.log(x), -1, 5, "NaN"),
        (sn.atan(x), math.inf, 10, "1.570796327"),
        (sn.sin(x), math.inf, 10, "NaN"),
        (sn.sqrt(x - 1), 1, 10, "0"),
    ],
)
def test_values(term: object, point: object, digits: int, expected: str) -> None:
    assert str(sn.evaluate(term, {x: point}, precision=digits)) == expected


def test_lost_digits_are_won_back() -> None:
    tiny = sn.exp(x) - 1 - x - x**2 / 2
    found = sn.evaluate(tiny, {x: Fraction(1, 10**30)}, precision=20)
    assert str(found) == "1.6666666666666666667E-91"
    e = x
    for _ in range(200):
        e = 4 * e * (1 - e)
    with mpmath.workdps(200):
        value = mpmath.mpf(1) / 10
        for _ in range(200):
            value = 4 * value * (1 - value)
        assert sn.evaluate(e, {x: "0.1"}, precision=25) == Decimal(mpmath.nstr(value, 25))


def test_what_cannot_be_told_from_zero_is_a_zero_with_its_size() -> None:
    found = sn.evaluate(sn.sin(sn.pi), {}, precision=50)
    assert found == 0 and found.as_tuple().exponent < -1000


def test_conditions_are_decided_or_refused() -> None:
    assert sn.evaluate(sn.exp(x) < 3, {x: 1}, precision=10) is True
    assert sn.evaluate(sn.ifelse(sn.exp(x) < 3, 1, sn.log(-x)), {x: 1}, precision=10) == 1
    # Kleene's logic: one true side decides an or, whatever the other is
    undecided = sn.exp(sn.log(x)) < 3
    assert sn.evaluate(undecided | (x > 2), {x: 3}, precision=10) is True
    with pytest.raises(ArithmeticError, match="comparison cannot be decided"):
        sn.evaluate(undecided, {x: 3}, precision=10)
    with pytest.raises(ArithmeticError, match="condition of an ifelse"):
        sn.evaluate(sn.ifelse(undecided, 1, 2), {x: 3}, precision=10)
    with pytest.raises(ArithmeticError, match="jump of floor"):
        sn.evaluate(sn.floor(sn.exp(sn.log(x))), {x: 3}, precision=10)
    with pytest.raises(ArithmeticError, match="'tan' cannot be bounded"):
        sn.evaluate(sn.tan(sn.pi / 2), {}, precision=10)


def test_refusals() -> None:
    for bad in (0, -3, 2.5, True, 10**9):
        with pytest.raises(ValueError, match="write precision=50"):
            sn.evaluate(x, {x: 1}, precision=bad)
    with pytest.raises(OverflowError, match="beyond what Decimal holds"):
        sn.evaluate(sn.exp(sn.exp(sn.exp(x))), {x: 5}, precision=10)
    with pytest.raises(ZeroDivisionError, match="exact 0"):
        sn.evaluate(1 / x, {x: 0}, precision=10)
    sn.register_operator("algebra_test_plain", 1, numpy="numpy.sin({0})")
    with pytest.raises(ValueError, match="no Arb spelling.*arb="):
        sn.evaluate(sn.call("algebra_test_plain", x), {x: 1}, precision=10)
    sn.register_operator("algebra_test_balls", 1, numpy="numpy.sin({0})", arb="{0}.sin()")
    assert str(sn.evaluate(sn.call("algebra_test_balls", x), {x: 1}, precision=10)) == "0.8414709848"


def test_deep_terms() -> None:
    e, value = x, mpmath.mpf(1)
    with mpmath.workdps(40):
        for _ in range(10_000):
            e, value = sn.sin(e) + y, mpmath.sin(value) + 1
        assert sn.evaluate(e, {x: 1, y: 1}, precision=20) == Decimal(mpmath.nstr(value, 20))
