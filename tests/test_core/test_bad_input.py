"""Wrong input is refused with what is wrong, where, and what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import symnum as sn

x, y = sn.symbols("x y")
t = sn.symbols("x", backend="tree")

VAGUE: dict[str, Any] = {"positive": "yes"}

MIXED: list[Callable[[], Any]] = [
    lambda: x + t,
    lambda: sn.diff(x**2, t),
    lambda: sn.diff(t**2, x),
    lambda: sn.gradient(x**2, [x, t]),
    lambda: sn.jacobian([x, t], [x]),
    lambda: sn.hessian(x**2, [t]),
    lambda: sn.jacobian_sparsity([x], [t]),
    lambda: sn.hessian_sparsity(x**2, [t]),
    lambda: sn.series(sn.sin(x), t, 0, 3),
    lambda: sn.substitute(x + 1, {t: 2}),
    lambda: sn.substitute(x + 1, {x: t}),
    lambda: sn.evaluate(x + 1, {t: 2}),
    lambda: sn.degree(x**2, t),
    lambda: sn.collect(x * y, t),
    lambda: sn.gcd(x**2, t),
    lambda: sn.solve(x - 1, t),
    lambda: sn.compile(x, [t]),
    lambda: sn.ifelse(x > 0, x, t),
]


@pytest.mark.parametrize("mix", MIXED)
def test_backends_do_not_mix(mix: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, ValueError), match="backend"):
        mix()


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: sn.diff(x, "x"), TypeError, r"the text 'x'; give the symbol: symnum.symbols\('x'\)"),
        (lambda: sn.diff(x, x, 1.5), TypeError, "order of a derivative is an int, but got 1.5"),
        (lambda: sn.diff(sn.sin(x), x, 10**9), ValueError, "order 1000000000 is more than 10000"),
        (lambda: sn.series(sn.exp(x), x, 0, 10**9), ValueError, "an order up to 10000"),
        (
            lambda: sn.gradient([x, y], [x]),
            TypeError,
            r"take one term, but got a list of 2; write symnum.jacobian",
        ),
        (lambda: sn.hessian([x, y], [x]), TypeError, "take one term"),
        (lambda: x ^ 2, TypeError, r"Python's \^ is no power: write x\*\*n"),
        (lambda: x // 2, TypeError, r"write symnum.floor\(a / b\)"),
        (lambda: sn.max([x, y]), TypeError, "one by one, but got a list"),
        (lambda: sn.symbols("p", **VAGUE), TypeError, "positive='yes'; write positive=True"),
        (lambda: sn.symbols("True"), ValueError, "word of the formula language"),
        (lambda: sn.parse("x + True"), ValueError, "True"),
        (lambda: sn.parse("foo(x)"), ValueError, "foo"),
        (lambda: sn.parse("sin(x"), ValueError, r"\)"),
        (lambda: sn.parse("1e999"), ValueError, "too large"),
        (lambda: sn.parse("sin(x, y)"), ValueError, "takes 1 argument, but 2 were given"),
        (lambda: sn.parse("x::boolean and x > 1"), ValueError, "x"),
        (lambda: sn.evaluate(x + y, {x: 1}), ValueError, "y"),
        (lambda: sn.sin(x, y), TypeError, "takes 1 argument, but 2 were given"),
        (lambda: sn.call("sinn", x), LookupError, "did you mean 'sin'"),
    ],
)
def test_mistakes_teach(wrong: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wrong()


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "-" * 100_000, "sin(" * 100_000, "__import__('os').system('true')", "9" * 10**6]
)
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        sn.parse(text)


def test_zero_over_zero_is_no_number() -> None:
    assert math.isnan(sn.evaluate(sn.parse("0/0"), {}))
    assert sn.parse("0*x/0") is sn.number(math.nan)
    assert str(sn.parse("1/0")) == "0^(-1)"
    assert sn.parse("1/0 - 1/0") is sn.number(math.nan)


def test_zero_to_an_open_power_is_taken_from_itself() -> None:
    assert sn.parse("0^(3^x) - 0^(3^x)") is sn.number(0)  # 0 at every real x
    assert sn.parse("y*0^x - y*0^x") is sn.number(0)


def test_a_derivative_that_has_vanished_stays_so() -> None:
    assert sn.diff(x**3, x, 9_999) is sn.number(0)
