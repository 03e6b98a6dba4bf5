"""Exponentials and logarithms (DLMF 4.2 and 4.8, Abramowitz and Stegun 4.1 and 4.2)."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.theories.domains import FINITE, defined_or_fixed
from symnum.rewriting.views import call_of, product_of, sum_of

exponentials = RuleSet(
    [
        rule("exp(log(a)) -> a"),
        rule("exp(b*log(a)) -> a^b"),
        rule("exp(a)*exp(b) -> exp(a + b)"),
        rule("exp(a)^n -> exp(n*a)", condition=defined_or_fixed("n")),
        rule("exp(a)^n -> exp(n*a)", holds="generic"),
        rule("exp(a + log(b)) -> b*exp(a)"),
        rule("exp(a + c*log(b)) -> b^c*exp(a)"),
        rule("2^log2(a) -> a"),
        rule("10^log10(a) -> a"),
        rule("expm1(log(a)) -> a - 1"),
        rule("exp(log1p(a)) -> 1 + a"),
        rule("expm1(log1p(a)) -> a"),
        rule("expm1(a) + 1 -> exp(a)"),
    ],
    "exponentials",
)


def _integer_power(n: int) -> tuple[int, int]:
    """Return (root, k) with n = root^k and the largest such k."""
    for k in range(n.bit_length(), 1, -1):
        root = numbers.power(n, Fraction(1, k))
        if type(root) is int:
            return root, k
    return n, 1


def _exact_logarithm(base: int, a: Any) -> Any | None:
    """Return the logarithm of a rational number to a whole base; it is declined where it is irrational."""
    if not interface.is_number(a):
        return None
    value = interface.value(a)
    if type(value) is float or type(value) is bool or value <= 0:
        return None
    (top, k), (bottom, m) = _integer_power(value.numerator), _integer_power(value.denominator)
    if (value.denominator == 1 and top == base) or (value.numerator == 1 and bottom == base):
        return interface.make_number(a, k if value.denominator == 1 else -m)
    return None


def logarithm_of_power(a: Any) -> Any | None:
    """Return log(n^k) as k*log(n), and log(1/n) as -log(n), for whole numbers."""
    if not interface.is_number(a):
        return None
    value = interface.value(a)
    if (
        type(value) is float
        or type(value) is bool
        or value <= 0
        or 1 not in (value.numerator, value.denominator)
    ):
        return None
    root, k = _integer_power(max(value.numerator, value.denominator))
    k = k if value.denominator == 1 else -k
    return None if k == 1 else product_of(a, k, [(call_of(a, "log", (interface.make_number(a, root),)), 1)])


def _quotient_of_logarithms(a: Any, b: Any) -> Any | None:
    """Return log(a)/log(b) for whole powers of one number, where it is rational."""
    if not (interface.is_number(a) and interface.is_number(b)):
        return None
    p, q = interface.value(a), interface.value(b)
    if type(p) is not int or type(q) is not int or p < 2 or q < 2:
        return None
    (root, k), (other, m) = _integer_power(p), _integer_power(q)
    return interface.make_number(a, numbers.normal(Fraction(k, m))) if root == other else None


def _to_base(name: str, base: int, a: Any, b: Any) -> Any | None:
    """Return log(a)/log(b) as the logarithm to a base that has an operator of its own."""
    if not interface.is_number(b):
        return None
    value = interface.value(b)
    if type(value) is not int or value < 2:
        return None
    root, k = _integer_power(value)
    return (
        product_of(a, numbers.normal(Fraction(1, k)), [(call_of(a, name, (a,)), 1)]) if root == base else None
    )


def _logarithm_of_root(a: Any, n: Any) -> Any | None:
    """Return log(a^n) as n*log(a) where the power is defined for positive a only, or a is shown to be positive."""
    if interface.is_number(n):
        value = interface.value(n)
        if type(value) is Fraction:
            return sum_of(a, 0, [(call_of(a, "log", (a,)), value)])
    return None


logarithms = RuleSet(
    [
        rule("log(exp(a)) -> a"),
        rule("log(a*exp(b)) -> b + log(a) if a > 0"),
        *[rule("log(a*exp(b)) -> b + log(a)", condition=c, holds=h) for c, h in FINITE],
        rule("log(a) + log(b) -> log(a*b)"),
        rule("log(a) - log(b) -> log(a/b)"),
        rule("log(a::positive^b) -> b*log(a)", condition=defined_or_fixed("b")),
        rule("log(a::positive^b) -> b*log(a)", holds="generic"),
        rule("log(a^n)", _logarithm_of_root, name="log(a^(p/q)) -> p/q*log(a)"),
        rule("log(1/a) -> -log(a) if a >= 0"),
        *[rule("log(1/a) -> -log(a)", condition=c, holds=h) for c, h in FINITE],
        rule("log2(a) + log2(b) -> log2(a*b)"),
        rule("log2(a) - log2(b) -> log2(a/b)"),
        rule("log10(a) + log10(b) -> log10(a*b)"),
        rule("log10(a) - log10(b) -> log10(a/b)"),
        rule("log2(2^a) -> a"),
        rule("log10(10^a) -> a"),
        rule("log(a)/log(b)", _quotient_of_logarithms, name="log(r^k)/log(r^m) -> k/m"),
        rule("log(a)/log(b)", partial(_to_base, "log2", 2), name="log(a)/log(2^k) -> log2(a)/k"),
        rule("log(a)/log(b)", partial(_to_base, "log10", 10), name="log(a)/log(10^k) -> log10(a)/k"),
        rule("log2(a)", partial(_exact_logarithm, 2), name="log2(2^k) -> k"),
        rule("log10(a)", partial(_exact_logarithm, 10), name="log10(10^k) -> k"),
        rule("log(a)", logarithm_of_power, name="log(n^k) -> k*log(n)"),
        rule("2*log(abs(a)) -> log(a^2)"),
        rule("gamma(a + 1)/gamma(a) -> a"),
        rule("log(1 + expm1(a)) -> a"),
        rule("log1p(expm1(a)) -> a"),
        rule("log1p(exp(a) - 1) -> a"),
        rule("log(a + sqrt(1 + a^2)) -> asinh(a)"),
        rule("log(sqrt(1 + a^2) - a) -> -asinh(a)"),
        rule("log((1 + a)/(1 - a)) -> 2*atanh(a)"),
        rule("log((1 - a)/(1 + a)) -> -2*atanh(a)"),
        rule("log(a + sqrt(a^2 - 1)) -> acosh(a) if a >= 1"),
        rule("log(a^n) -> n*log(a)", holds="generic"),
        rule("log(a*b) -> log(a) + log(b)", holds="generic"),
        rule("log(a + sqrt(a^2 - 1)) -> acosh(a)", holds="generic"),
    ],
    "logarithms",
)
