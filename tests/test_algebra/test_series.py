"""series: Taylor and Laurent polynomials."""

from __future__ import annotations

import random
from decimal import Decimal

import mpmath  # type: ignore[import-untyped]  # it ships no types
import pytest
import sympy

import symnum as sn
from symnum.operators import OPERATORS
from symnum.symbols import convert

x, y, a = sn.symbols("x y a")
half = sn.number(1) / 2


@pytest.mark.parametrize(
    ("term", "point", "n", "expected"),
    [
        (sn.sin(x), 0, 6, "x - x^3/6 + x^5/120"),
        (sn.exp(x), 0, 4, "1 + x + x^2/2 + x^3/6"),
        (sn.tan(x), 0, 8, "x + x^3/3 + 2*x^5/15 + 17*x^7/315"),
        (1 / sn.sin(x), 0, 4, "1/x + x/6 + 7*x^3/360"),
        (1 / sn.sin(x) - 1 / x, 0, 4, "x/6 + 7*x^3/360"),
        (1 / (x**2 * (1 + x)), 0, 2, "1/x^2 - 1/x + 1 - x"),
        (sn.log(x), 1, 3, "x - 1 - (x - 1)^2/2"),
        (sn.exp(a * x) * y, 0, 3, "y + a*x*y + a^2*x^2*y/2"),
        ((1 + x) ** a, 0, 3, "1 + a*x + x^2*(a^2/2 - a/2)"),
        (sn.sqrt(y + x), 0, 2, "sqrt(y) + x/(2*sqrt(y))"),
        (sn.sin(x), sn.pi, 2, "-(x - pi)"),
        (sn.tan(x), sn.pi / 2, 2, "-1/(x - pi/2) + (x - pi/2)/3"),
        (sn.erf(x), 0, 4, "2*x/sqrt(pi) - 2*x^3/(3*sqrt(pi))"),
        (sn.cbrt(x**3 + x**4), 0, 3, "x + x^2/3"),
        (sn.cbrt(x - 8), 0, 2, "-2 + x/12"),
        (sn.abs(x - 1), 0, 3, "1 - x"),
        (sn.abs(x**2 * (x - 1)), 0, 5, "x^2 - x^3"),
        (sn.max(x, 1, -x), 0, 3, "1"),
        (sn.floor(x) + sn.mod(x, 3), half, 3, "x"),
        (sn.ifelse(x > -1, sn.cos(x), 1 / x), 0, 3, "1 - x^2/2"),
        (x**x, 1, 3, "x + (x - 1)^2"),
        (sn.lgamma(1 + x), 0, 3, "x*digamma(1) + x^2*trigamma(1)/2"),
        ((x + y) ** 3, 0, 2, "y^3 + 3*x*y^2"),
        (sn.sin(x) / x, 0, 5, "1 - x^2/6 + x^4/120"),
        (x**5, 0, 3, "0"),
        (sn.number(2), 0, 3, "2"),
        (sn.exp(x), 0.5, 2, "1.6487212707001282*(x - 0.5) + 1.6487212707001282"),
    ],
)
def test_series(term: object, point: object, n: int, expected: str) -> None:
    assert sn.expand(sn.series(term, x, point, n)) is sn.expand(sn.parse(expected))


def test_series_agrees_with_sympy_on_random_terms() -> None:
    rng = random.Random(9)
    heads = ("sin", "cos", "exp", "atan", "sinh", "tanh", "sec")
    done = 0
    for _ in range(12):
        e = x
        for _ in range(rng.randint(1, 3)):
            e = sn.call(rng.choice(heads), e)
            e = rng.choice((e, e * (1 + x), e * x + x**2, e / (1 + x)))
        ours = sn.series(e, x, 0, 6)
        theirs = sympy.series(sn.to_sympy(e), sn.to_sympy(x), 0, 6).removeO()
        difference = (sn.to_sympy(ours) - theirs).subs(sn.to_sympy(x), sympy.Rational(3, 7))
        assert abs(sympy.re(sympy.N(difference, 40, chop=True))) < 1e-30
        done += 1
    assert done == 12


@pytest.mark.parametrize(
    "name",
    sorted(
        n
        for n, row in OPERATORS.items()
        if row.arity == (1, 1) and row.derivative and row.derivative != ("0",) and row.argument_sorts == ("real",) and row.arb
        and not n.startswith("algebra_test")
    ),
)  # fmt: skip
def test_every_differentiable_operator_has_a_series(name: str) -> None:
    point = 3 if name in ("acosh", "asec", "acsc", "lgamma", "gamma", "digamma") else half / 2
    n = 2 if name == "digamma" else 3 if name in ("gamma", "lgamma") else 6
    found = sn.series(sn.call(name, x), x, point, n)
    step = sn.number(1) / 10**6
    exact = sn.evaluate(sn.call(name, x), {x: sn.evaluate(point + step, {})}, precision=60)
    close = sn.evaluate(found, {x: sn.evaluate(point + step, {})}, precision=60)
    assert abs(exact - close) < Decimal(10) ** (-6 * n + 6)


def test_nested_functions_need_no_repeated_differentiation() -> None:
    found = sn.series(sn.sin(sn.cos(1 + x)), x, 0, 15)
    with mpmath.workdps(60):
        expected = mpmath.taylor(lambda t: mpmath.sin(mpmath.cos(1 + t)), 0, 14)
        value = sn.evaluate(sn.expand(found), {x: "1/100"}, precision=40)
        assert (
            abs(mpmath.mpf(str(value)) - mpmath.polyval(expected[::-1], mpmath.mpf(1) / 100))
            < mpmath.mpf(10) ** -38
        )
    deep = x
    for _ in range(10_000):
        deep = sn.sin(deep)
    assert sn.series(deep, x, 0, 4) is sn.parse("x - 5000*x^3/3")


def test_two_arguments_and_users_operators() -> None:
    found = sn.series(sn.atan2(x, 1 + x), x, 0, 4)
    assert found is sn.parse("x - x^2 + 2*x^3/3")
    sn.register_operator(
        "algebra_test_logistic",
        1,
        "f*(1 - f)",
        numpy="1.0 / (1.0 + numpy.exp(-{0}))",
        values={0: sn.number(1).value},
    )
    found = sn.series(sn.call("algebra_test_logistic", x), x, 0, 4)
    # f(0) = 1 by its row, so that every derivative f*(1 - f) is 0
    assert found == 1


def test_tree_backend() -> None:
    u = sn.symbols("u", backend="tree")
    found = sn.series(sn.sin(u) / u, u, 0, 4)
    assert found.backend == "tree" and convert(found) is sn.parse("1 - u^2/6")


@pytest.mark.parametrize(
    ("term", "point", "words"),
    [
        (sn.abs(x), 0, "changes its sign"),
        (sn.sign(x), 0, "changes its sign"),
        (sn.sqrt(x), 0, "branch point"),
        (sn.sqrt(x**2), 0, "kink"),
        (sn.sqrt(x - 1), 0, "negative there"),
        (sn.log(x), 0, "logarithm is zero or infinite"),
        (sn.log(x - 1), 0, "logarithm is negative"),
        (sn.exp(1 / x), 0, "argument of exp has a pole"),
        (sn.atan(1 / x), 0, "argument of atan has a pole"),
        (sn.asin(x), 1, "branch point"),
        (sn.asin(x), 2, "not a real number"),
        (sn.floor(x), 0, "floor jumps"),
        (sn.max(x, -x), 0, "not decided"),
        (sn.ifelse(x > 0, x, -x), 0, "not decided"),
        (sn.ifelse(a > 0, x, -x), 0, "give its symbols values"),
        (x**a, 0, "vanishes or has a pole"),
        (x**x, 0, "logarithm is zero"),
        (sn.cbrt(x), 0, "cbrt vanishes"),
        (sn.trigamma(x), 1, "'trigamma' has no derivative rule"),
        (1 / ((x + 1) ** 2 - x**2 - 2 * x - 1), 0, "seems to be zero"),
        (sn.gamma(x), 0, "real number|outside the domain"),
    ],
)
def test_points_without_a_series_are_refused(term: object, point: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sn.series(term, x, point, 4)


def test_bad_arguments() -> None:
    for bad in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="order n as an int > 0"):
            sn.series(x, x, 0, bad)
    with pytest.raises(ValueError, match="symbol as its variable"):
        sn.series(x, x + 1)
    with pytest.raises(ValueError, match="put 1/t for the variable"):
        sn.series(x, x, float("inf"))
    with pytest.raises(ValueError, match="holds the variable"):
        sn.series(y, x, x + 1)
