"""Circular functions: the Pythagorean relations, quotients, sums and multiples of angles (DLMF 4.21, Abramowitz and Stegun 4.3).

Only short steps stand here; what needs several at once is found by ``forms.circular``.
"""

from __future__ import annotations

from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule

pythagorean = RuleSet(
    [
        rule("sin(a)^2 + cos(a)^2 -> 1"),
        rule("1 - sin(a)^2 -> cos(a)^2"),
        rule("1 - cos(a)^2 -> sin(a)^2"),
        rule("(1 - sin(a))*(1 + sin(a)) -> cos(a)^2"),
        rule("(sin(a) - 1)*(1 + sin(a)) -> -cos(a)^2"),
        rule("(1 - cos(a))*(1 + cos(a)) -> sin(a)^2"),
        rule("(cos(a) - 1)*(1 + cos(a)) -> -sin(a)^2"),
        rule("1 + tan(a)^2 -> 1/cos(a)^2"),
        rule("1/cos(a)^2 - tan(a)^2 -> 1"),
        rule("1/cos(a)^2 - 1 -> tan(a)^2"),
        rule("1 + cot(a)^2 -> 1/sin(a)^2"),
        rule("1/sin(a)^2 - 1 -> cot(a)^2"),
        rule("1/sin(a)^2 - cot(a)^2 -> 1"),
        rule("1 + tan(a)^2 -> sec(a)^2"),
        rule("1 + cot(a)^2 -> csc(a)^2"),
        rule("sec(a)^2 - tan(a)^2 -> 1"),
        rule("csc(a)^2 - cot(a)^2 -> 1"),
        rule("sec(a)^2 - 1 -> tan(a)^2"),
        rule("csc(a)^2 - 1 -> cot(a)^2"),
    ],
    "pythagorean",
)

quotients = RuleSet(
    [
        rule("sin(a)/cos(a) -> tan(a)"),
        rule("tan(a)*cos(a) -> sin(a)"),
        rule("sin(a)/tan(a) -> cos(a)"),
        rule("tan(a)*cot(a) -> 1"),
        rule("sin(a)*cot(a) -> cos(a)"),
        rule("sin(a)*csc(a) -> 1"),
        rule("cos(a)*sec(a) -> 1"),
        rule("sin(a)*sec(a) -> tan(a)"),
        rule("cos(a)*csc(a) -> cot(a)"),
        rule("cot(a)*sec(a) -> csc(a)"),
        rule("tan(a)*csc(a) -> sec(a)"),
        rule("1/cos(a) -> sec(a)"),
        rule("1/sin(a) -> csc(a)"),
        rule("1/tan(a) -> cot(a)"),
        rule("1/sec(a) -> cos(a)"),
        rule("1/csc(a) -> sin(a)"),
        rule("1/cot(a) -> tan(a)"),
    ],
    "quotients",
)

angles = RuleSet(
    [
        rule("2*sin(a)*cos(a) -> sin(2*a)"),
        rule("cos(a)^2 - sin(a)^2 -> cos(2*a)"),
        rule("1 - 2*sin(a)^2 -> cos(2*a)"),
        rule("2*cos(a)^2 - 1 -> cos(2*a)"),
        rule("2*tan(a)/(1 - tan(a)^2) -> tan(2*a)"),
        rule("sin(a)*cos(b) + cos(a)*sin(b) -> sin(a + b)"),
        rule("sin(a)*cos(b) - cos(a)*sin(b) -> sin(a - b)"),
        rule("cos(a)*cos(b) - sin(a)*sin(b) -> cos(a + b)"),
        rule("cos(a)*cos(b) + sin(a)*sin(b) -> cos(a - b)"),
        rule("sin(2*a)/sin(a) -> 2*cos(a)"),
        rule("sin(2*a)/cos(a) -> 2*sin(a)"),
        rule("1 + cos(2*a) -> 2*cos(a)^2"),
        rule("1 - cos(2*a) -> 2*sin(a)^2"),
    ],
    "angles",
)
