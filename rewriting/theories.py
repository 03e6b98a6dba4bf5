"""What the simplifier knows, as rules grouped by operator.

Each rule is "total" (both sides are equal wherever the left one is defined) unless it says ``holds="generic"``.  A rule stands in the
direction that can make a term cheaper; whether it does so at a place is the simplifier's measure to say.

``ALL`` holds the rules of all ``THEORIES``, ``TOTAL`` those that are total.
"""

from __future__ import annotations

from symnum.rewriting.conditions import branches, conditions
from symnum.rewriting.rules import RuleSet, rule
from symnum.rewriting.special_values import SINES, TANGENTS, cosine, inverse_of, sine, tangent

# --- exponentials, logarithms, powers -------------------------------------------------------------------------------------------

exponentials = RuleSet(
    [
        rule("log(exp(a)) -> a"),
        rule("exp(log(a)) -> a"),
        rule("exp(b*log(a)) -> a^b"),
        rule("exp(a)*exp(b) -> exp(a + b)"),
        rule("exp(a)^n -> exp(n*a)"),
        rule("exp(a + log(b)) -> b*exp(a)"),
        rule("exp(a + c*log(b)) -> b^c*exp(a)"),
        rule("log(a*exp(b)) -> b + log(a)"),
        rule("log(a) + log(b) -> log(a*b)"),
        rule("log(a) - log(b) -> log(a/b)"),
        rule("log(a::positive^b) -> b*log(a)"),
        rule("log(sqrt(a)) -> 1/2*log(a)"),
        rule("log(1/a) -> -log(a)"),
        rule("log2(a) + log2(b) -> log2(a*b)"),
        rule("log2(a) - log2(b) -> log2(a/b)"),
        rule("log10(a) + log10(b) -> log10(a*b)"),
        rule("log10(a) - log10(b) -> log10(a/b)"),
        rule("log2(2^a) -> a"),
        rule("log10(10^a) -> a"),
        rule("2^log2(a) -> a"),
        rule("10^log10(a) -> a"),
        rule("log(a)/log(2) -> log2(a)"),
        rule("log(a)/log(10) -> log10(a)"),
        rule("expm1(log(a)) -> a - 1"),
        rule("exp(log1p(a)) -> 1 + a"),
        rule("log1p(expm1(a)) -> a"),
        rule("expm1(log1p(a)) -> a"),
        rule("expm1(a) + 1 -> exp(a)"),
        rule("log(1 + expm1(a)) -> a"),
        rule("log(a^n) -> n*log(a)", holds="generic"),
        rule("log(a*b) -> log(a) + log(b)", holds="generic"),
    ],
    "exponentials",
)

powers = RuleSet(
    [
        rule("sqrt(a^2) -> abs(a)"),
        rule("(a^4)^(1/4) -> abs(a)"),
        rule("sqrt(a)*sqrt(b) -> sqrt(a*b)"),
        rule("sqrt(a)/sqrt(b) -> sqrt(a/b)"),
        rule("a^n*b^n -> (a*b)^n", holds="generic"),
        rule("(a^n)^m -> a^(n*m)", holds="generic"),
        rule("(a::positive^n)^m -> a^(n*m)"),
        rule("cbrt(a)^3 -> a"),
        rule("cbrt(a^3) -> a"),
        rule("cbrt(a)*cbrt(b) -> cbrt(a*b)"),
        rule("cbrt(a)/cbrt(b) -> cbrt(a/b)"),
    ],
    "powers",
)

# --- trigonometry -----------------------------------------------------------------------------------------------------------------

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
        rule("cosh(a)^2 - sinh(a)^2 -> 1"),
        rule("1 + sinh(a)^2 -> cosh(a)^2"),
        rule("cosh(a)^2 - 1 -> sinh(a)^2"),
        rule("(cosh(a) - 1)*(1 + cosh(a)) -> sinh(a)^2"),
        rule("1 - tanh(a)^2 -> 1/cosh(a)^2"),
        rule("1 - tanh(a)^2 -> sech(a)^2"),
        rule("tanh(a)^2 + 1/cosh(a)^2 -> 1"),
        rule("tanh(a)^2 + sech(a)^2 -> 1"),
        rule("coth(a)^2 - 1 -> csch(a)^2"),
        rule("coth(a)^2 - csch(a)^2 -> 1"),
        rule("(1 - tanh(a))*(1 + tanh(a)) -> 1/cosh(a)^2"),
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
        rule("sinh(a)/cosh(a) -> tanh(a)"),
        rule("tanh(a)*cosh(a) -> sinh(a)"),
        rule("sinh(a)/tanh(a) -> cosh(a)"),
        rule("tanh(a)*coth(a) -> 1"),
        rule("sinh(a)*csch(a) -> 1"),
        rule("cosh(a)*sech(a) -> 1"),
        rule("sinh(a)*coth(a) -> cosh(a)"),
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
        rule("2*sinh(a)*cosh(a) -> sinh(2*a)"),
        rule("cosh(a)^2 + sinh(a)^2 -> cosh(2*a)"),
        rule("1 + 2*sinh(a)^2 -> cosh(2*a)"),
        rule("2*cosh(a)^2 - 1 -> cosh(2*a)"),
        rule("sinh(a)*cosh(b) + cosh(a)*sinh(b) -> sinh(a + b)"),
        rule("sinh(a)*cosh(b) - cosh(a)*sinh(b) -> sinh(a - b)"),
        rule("cosh(a)*cosh(b) + sinh(a)*sinh(b) -> cosh(a + b)"),
        rule("cosh(a)*cosh(b) - sinh(a)*sinh(b) -> cosh(a - b)"),
        rule("exp(a) + exp(-a) -> 2*cosh(a)"),
        rule("exp(a) - exp(-a) -> 2*sinh(a)"),
        rule("cosh(a) + sinh(a) -> exp(a)"),
        rule("cosh(a) - sinh(a) -> exp(-a)"),
    ],
    "angles",
)

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
        rule("cos(atan(a)) -> 1/sqrt(1 + a^2)"),
        rule("sin(atan(a)) -> a/sqrt(1 + a^2)"),
        rule("tan(acot(a)) -> 1/a"),
        rule("sinh(asinh(a)) -> a"),
        rule("asinh(sinh(a)) -> a"),
        rule("cosh(acosh(a)) -> a"),
        rule("acosh(cosh(a)) -> abs(a)"),
        rule("tanh(atanh(a)) -> a"),
        rule("atanh(tanh(a)) -> a"),
        rule("cosh(asinh(a)) -> sqrt(1 + a^2)"),
        rule("asin(a) + acos(a) -> 1/2*pi"),
        rule("acos(-a) + acos(a) -> pi"),
        rule("atan(a::positive) + atan(1/a) -> 1/2*pi"),
        rule("exp(asinh(a)) -> a + sqrt(1 + a^2)"),
    ],
    "inverses",
)


special_values = RuleSet(
    [
        rule("sin(a)", sine, name="sin at multiples of pi"),
        rule("cos(a)", cosine, name="cos at multiples of pi"),
        rule("tan(a)", tangent, name="tan at multiples of pi"),
        rule("asin(a)", inverse_of(SINES, 0), name="asin at special values"),
        rule("acos(a)", inverse_of(SINES, 1), name="acos at special values"),
        rule("atan(a)", inverse_of(TANGENTS, 0), name="atan at special values"),
    ],
    "special_values",
)

# --- absolute value, sign, order ----------------------------------------------------------------------------------------------------

magnitudes = RuleSet(
    [
        rule("abs(a) -> a if a >= 0"),
        rule("abs(a) -> -a if a <= 0"),
        rule("abs(abs(a)) -> abs(a)"),
        rule("abs(a)^2 -> a^2"),
        rule("abs(a)*abs(b) -> abs(a*b)"),
        rule("abs(a)/abs(b) -> abs(a/b)"),
        rule("abs(exp(b)*a) -> exp(b)*abs(a)"),
        rule("sign(a) -> 1 if a > 0"),
        rule("sign(a) -> -1 if a < 0"),
        rule("sign(sign(a)) -> sign(a)"),
        rule("sign(abs(a)) -> abs(sign(a))"),
        rule("sign(a)*abs(a) -> a"),
        rule("a*sign(a) -> abs(a)"),
        rule("a/sign(a) -> abs(a)"),
        rule("abs(a)/a -> sign(a)"),
        rule("a/abs(a) -> sign(a)"),
        rule("sign(a)*sign(b) -> sign(a*b)"),
        rule("cos(abs(a)) -> cos(a)"),
        rule("cosh(abs(a)) -> cosh(a)"),
        rule("floor(floor(a)) -> floor(a)"),
        rule("ceil(ceil(a)) -> ceil(a)"),
        rule("floor(ceil(a)) -> ceil(a)"),
        rule("ceil(floor(a)) -> floor(a)"),
        rule("floor(a::integer) -> a"),
        rule("ceil(a::integer) -> a"),
        rule("min(a, max(a, b)) -> a"),
        rule("max(a, min(a, b)) -> a"),
        rule("max(min(a, b), min(a, c)) -> min(a, max(b, c))"),
        rule("min(max(a, b), max(a, c)) -> max(a, min(b, c))"),
        rule("max(a, -a) -> abs(a)"),
        rule("min(a, -a) -> -abs(a)"),
        rule("max(a, b) + min(a, b) -> a + b"),
        rule("max(a, b) - min(a, b) -> abs(a - b)"),
        rule("max(a, b)*min(a, b) -> a*b"),
        rule("max(a, b) -> a if a >= 0 and b <= 0"),
        rule("min(a, b) -> b if a >= 0 and b <= 0"),
        rule("a + abs(a) -> 2*max(a, 0)"),
    ],
    "magnitudes",
)

THEORIES: dict[str, RuleSet] = {
    theory.name: theory
    for theory in (
        exponentials,
        powers,
        pythagorean,
        quotients,
        angles,
        inverses,
        special_values,
        magnitudes,
        conditions,
        branches,
    )
}
"""Name -> rules, in the order in which they are tried."""

ALL = RuleSet([entry for theory in THEORIES.values() for entry in theory], "all theories")
TOTAL = ALL.only("total")
