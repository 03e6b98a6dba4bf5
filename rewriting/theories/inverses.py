"""Inverse functions (DLMF 4.24 and 4.38, Abramowitz and Stegun 4.4 and 4.6); compositions with multiples are found by ``forms``."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.theories.domains import FINITE
from symnum.rewriting.views import call_of, sum_of


def _sum_of_arctangents(a: Any, b: Any) -> Any | None:
    """Return atan(a) + atan(b) of rational numbers as one arctangent and a multiple of pi."""
    return _joined_arctangents(a, b, 1)


def _difference_of_arctangents(a: Any, b: Any) -> Any | None:
    return _joined_arctangents(a, b, -1)


def _joined_arctangents(a: Any, b: Any, sign: int) -> Any | None:
    if not (interface.is_number(a) and interface.is_number(b)):
        return None
    p, q = interface.value(a), interface.value(b)
    if type(p) not in (int, Fraction) or type(q) not in (int, Fraction):
        return None
    p, q = Fraction(p), Fraction(q) * sign
    if p * q == 1:
        return sum_of(a, 0, [(call_of(a, "pi", ()), Fraction(1 if p > 0 else -1, 2))])
    value = numbers.normal((p + q) / (1 - p * q))
    turns = 0 if p * q < 1 else 1 if p > 0 else -1
    angle = call_of(a, "atan", (interface.make_number(a, value),))
    return sum_of(a, 0, [(angle, 1), (call_of(a, "pi", ()), turns)])


def _double_arctangent(a: Any) -> Any | None:
    """Return 2*atan(a) of a rational number as one arctangent and a multiple of pi."""
    return _joined_arctangents(a, a, 1)


inverses = RuleSet(
    [
        rule("sin(asin(a)) -> a"),
        rule("cos(acos(a)) -> a"),
        rule("tan(atan(a)) -> a"),
        rule("cot(acot(a)) -> a"),
        rule("sec(asec(a)) -> a"),
        rule("csc(acsc(a)) -> a"),
        rule("sin(acos(a)) -> sqrt(1 - a^2)"),
        rule("cos(asin(a)) -> sqrt(1 - a^2)"),
        rule("tan(asin(a)) -> a/sqrt(1 - a^2)"),
        rule("cos(atan(a)) -> 1/sqrt(1 + a^2)"),
        *[rule("sin(atan(a)) -> a/sqrt(1 + a^2)", condition=c, holds=h) for c, h in FINITE],
        rule("tan(acot(a)) -> 1/a"),
        rule("cot(atan(a)) -> 1/a"),
        rule("sinh(asinh(a)) -> a"),
        rule("asinh(sinh(a)) -> a"),
        rule("cosh(acosh(a)) -> a"),
        rule("acosh(cosh(a)) -> abs(a)"),
        rule("tanh(atanh(a)) -> a"),
        rule("atanh(tanh(a)) -> a"),
        rule("cosh(asinh(a)) -> sqrt(1 + a^2)"),
        *[rule("tanh(asinh(a)) -> a/sqrt(1 + a^2)", condition=c, holds=h) for c, h in FINITE],
        rule("sinh(acosh(a)) -> sqrt(a^2 - 1)"),
        rule("asin(a) + acos(a) -> 1/2*pi"),
        rule("acos(-a) + acos(a) -> pi"),
        rule("acot(a) -> atan(1/a)"),
        rule("asec(a) -> acos(1/a)"),
        rule("acsc(a) -> asin(1/a)"),
        rule("atan(1/a) -> acot(a)"),
        rule("acos(1/a) -> asec(a)"),
        rule("asin(1/a) -> acsc(a)"),
        rule("asec(a) + acsc(a) -> 1/2*pi"),
        rule("atan(a::positive) + atan(1/a) -> 1/2*pi"),
        rule("atan(a::positive) + acot(a) -> 1/2*pi"),
        rule("atan(a::negative) + acot(a) -> -1/2*pi"),
        rule(
            "atan(a) + atan(b)",
            _sum_of_arctangents,
            name="atan(p) + atan(q) -> atan((p + q)/(1 - p*q)) + k*pi",
        ),
        rule(
            "atan(a) - atan(b)",
            _difference_of_arctangents,
            name="atan(p) - atan(q) -> atan((p - q)/(1 + p*q)) + k*pi",
        ),
        rule("2*atan(a)", _double_arctangent, name="2*atan(p) -> atan(2*p/(1 - p^2)) + k*pi"),
        *[rule("exp(asinh(a)) -> a + sqrt(1 + a^2)", condition=c, holds=h) for c, h in FINITE],
        rule("exp(acosh(a)) -> a + sqrt(a^2 - 1)"),
        *[rule("atan2(a, b::positive) -> atan(a/b)", condition=c, holds=h) for c, h in FINITE],
        rule("atan(a) + atan(b) -> atan((a + b)/(1 - a*b))", holds="generic"),
        rule("atan(a) - atan(b) -> atan((a - b)/(1 + a*b))", holds="generic"),
        rule("asin(sin(a)) -> a", holds="generic"),
        rule("acos(cos(a)) -> a", holds="generic"),
        rule("atan(tan(a)) -> a", holds="generic"),
    ],
    "inverses",
)
