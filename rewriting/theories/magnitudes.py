"""Absolute value, sign, order and rounding."""

from __future__ import annotations

from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.theories.domains import FINITE, defined, nonzero

magnitudes = RuleSet(
    [
        rule("abs(a) -> a if a >= 0"),
        rule("abs(a) -> -a if a <= 0"),
        rule("abs(abs(a)) -> abs(a)"),
        rule("abs(a)^2 -> a^2"),
        rule("abs(a)*abs(b) -> abs(a*b)"),
        rule("abs(a)/abs(b) -> abs(a/b)"),
        rule("abs(a::nonnegative*b) -> a*abs(b)"),
        rule("abs(a::negative*b) -> -a*abs(b)"),
        rule("sqrt(abs(a)^2) -> abs(a)"),
        rule("sign(a) -> 1 if a > 0"),
        rule("sign(a) -> -1 if a < 0"),
        rule("sign(sign(a)) -> sign(a)"),
        rule("sign(abs(a)) -> abs(sign(a))"),
        rule("sign(a::positive*b) -> sign(b)"),
        rule("sign(a::negative*b) -> -sign(b)"),
        rule("sign(1/a::nonzero) -> sign(a)", condition=defined),
        rule("sign(1/a) -> sign(a)", holds="generic"),
        rule("abs(sign(a)) -> sign(a)^2"),
        rule("sign(a)^3 -> sign(a)"),
        rule("a*sign(a)^2 -> a"),
        rule("a*abs(sign(a)) -> a"),
        rule("sign(a)*abs(a) -> a"),
        rule("a*sign(a) -> abs(a)"),
        rule("a/sign(a) -> abs(a)"),
        rule("abs(a)/sign(a) -> a"),
        rule("abs(a)/a -> sign(a)"),
        rule("a/abs(a) -> sign(a)"),
        *[rule("sign(a)*sign(b) -> sign(a*b)", condition=c, holds=h) for c, h in FINITE],
        rule("cos(abs(a)) -> cos(a)"),
        rule("cosh(abs(a)) -> cosh(a)"),
    ],
    "magnitudes",
)

order = RuleSet(
    [
        rule("min(a, max(a, b)) -> a"),
        rule("max(a, min(a, b)) -> a"),
        rule("max(min(a, b), min(a, c)) -> min(a, max(b, c))"),
        rule("min(max(a, b), max(a, c)) -> max(a, min(b, c))"),
        rule("max(a, -a) -> abs(a)"),
        rule("max(a, 0) - max(-a, 0) -> a"),
        rule("max(a, 0) + max(-a, 0) -> abs(a)"),
        rule("min(a, -a) -> -abs(a)"),
        rule("max(a, b) + min(a, b) -> a + b"),
        rule("max(a, b) - min(a, b) -> abs(a - b)"),
        rule("max(a, b)*min(a, b) -> a*b"),
        rule("max(a, b) - a - b -> -min(a, b)"),
        rule("min(a, b) - a - b -> -max(a, b)"),
        rule("max(a, b) -> a if a - b >= 0"),
        rule("min(a, b) -> b if a - b >= 0"),
        rule("max(a, abs(a)) -> abs(a)"),
        rule("min(a, abs(a)) -> a"),
        rule("a + abs(a) -> 2*max(a, 0)"),
        rule("a - abs(a) -> 2*min(a, 0)"),
        rule("a + b + abs(a - b) -> 2*max(a, b)"),
        rule("a + b - abs(a - b) -> 2*min(a, b)"),
        rule("min(a, b) + abs(a - b) -> max(a, b)"),
        rule("max(a, b) - abs(a - b) -> min(a, b)"),
    ],
    "order",
)

rounding = RuleSet(
    [
        rule("floor(floor(a)) -> floor(a)"),
        rule("ceil(ceil(a)) -> ceil(a)"),
        rule("floor(ceil(a)) -> ceil(a)"),
        rule("ceil(floor(a)) -> floor(a)"),
        rule("floor(a::integer) -> a"),
        rule("ceil(a::integer) -> a"),
        rule("floor(-a) + ceil(a) -> 0"),
        rule("ceil(-a) + floor(a) -> 0"),
        rule("-floor(-a) -> ceil(a)"),
        rule("-ceil(-a) -> floor(a)"),
        rule("floor(a + n::integer) -> n + floor(a)"),
        rule("ceil(a + n::integer) -> n + ceil(a)"),
        rule("mod(mod(a, b), b) -> mod(a, b)"),
        rule("mod(a, a) -> 0", condition=nonzero),
        rule("mod(n::integer, 1) -> 0"),
    ],
    "rounding",
)
