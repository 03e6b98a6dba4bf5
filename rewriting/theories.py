"""What the simplifier knows, as rules grouped by operator.

Each rule is "total" (both sides are equal wherever the left one is defined) unless it says ``holds="generic"``.  A rule stands in the
direction that can make a term cheaper; whether it does so at a place is the simplifier's measure to say.

``PATTERNS`` need no more than matching; the special values of the trigonometric functions are computed by table.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.rewriting.facts import Facts
from symnum.rewriting.rules import RuleSet, rule
from symnum.rewriting.views import call_of, product_of, sum_of, sum_view

# --- exponentials, logarithms, powers -------------------------------------------------------------------------------------------


def _defined(**slots: Any) -> bool:
    """Tell whether all slots certainly have a value, where the symbols are real numbers."""
    facts = Facts()
    return all(facts.is_defined(t) for t in slots.values())


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


def _coefficient_of_pi(angle: Any) -> tuple[Any, Any] | None:
    """Return an angle as (rational multiple of pi, rest), or None when it holds no such multiple."""
    constant, pairs = sum_view(angle)
    for term, coefficient in pairs:
        if interface.is_call(term) and interface.head(term) == "pi" and type(coefficient) is not float:
            rest = sum_of(angle, constant, [(t, c) for t, c in pairs if t is not term])
            return coefficient, rest
    return None


_SINES: dict[Fraction, tuple[int, Fraction]] = {
    Fraction(0): (0, Fraction(0)),
    Fraction(1, 6): (1, Fraction(1, 2)),
    Fraction(1, 4): (2, Fraction(1, 2)),
    Fraction(1, 3): (3, Fraction(1, 2)),
    Fraction(1, 2): (1, Fraction(1)),
}
"""sin(q*pi) for q from 0 to 1/2 as {q: (n, c)} with the value c*sqrt(n)."""

_TANGENTS: dict[Fraction, tuple[int, Fraction]] = {
    Fraction(0): (0, Fraction(0)),
    Fraction(1, 6): (3, Fraction(1, 3)),
    Fraction(1, 4): (1, Fraction(1)),
    Fraction(1, 3): (3, Fraction(1)),
}
"""tan(q*pi) for q from 0 below 1/2, in the same form."""


def _surd(like: Any, entry: tuple[int, Fraction], sign: int) -> Any:
    n, c = entry
    value = c * sign
    return product_of(like, value.numerator if value.denominator == 1 else value, [(interface.make_number(like, n), Fraction(1, 2))])


def _sine_at(a: Any, quarter: int) -> Any | None:
    """Return sin(a + quarter*pi/2) for an angle a that holds a special multiple of pi."""
    found = _coefficient_of_pi(a)
    if found is None:
        return None
    turns = (Fraction(found[0]) + Fraction(quarter, 2)) % 2
    rest, sign = found[1], 1
    if turns >= 1:
        turns, sign = turns - 1, -1
    if interface.is_number(rest) and interface.value(rest) == 0:
        entry = _SINES.get(min(turns, 1 - turns))
        return None if entry is None else _surd(a, entry, sign)
    if turns * 2 != int(turns * 2):
        return None
    head = "sin" if turns == 0 else "cos"
    return product_of(a, sign, [(call_of(a, head, [rest]), 1)])


def _sine(a: Any) -> Any | None:
    return _sine_at(a, 0)


def _cosine(a: Any) -> Any | None:
    return _sine_at(a, 1)


def _tangent(a: Any) -> Any | None:
    found = _coefficient_of_pi(a)
    if found is None:
        return None
    turns = Fraction(found[0]) % 1
    if interface.is_number(found[1]) and interface.value(found[1]) == 0:
        entry, sign = (_TANGENTS.get(turns), 1) if turns < Fraction(1, 2) else (_TANGENTS.get(1 - turns), -1)
        return None if entry is None else _surd(a, entry, sign)
    return call_of(a, "tan", [found[1]]) if turns == 0 else None


def _inverse(table: dict[Fraction, tuple[int, Fraction]], start: int) -> Callable[..., Any]:
    """Return the inverse of a table of sines (start 0), cosines (start 1: acos = pi/2 - asin) or tangents."""

    def inverse(a: Any) -> Any | None:
        for turns, entry in table.items():
            for sign in (1, -1):
                if interface.key(_surd(a, entry, sign)) == interface.key(a):
                    angle = turns * sign if start == 0 else Fraction(1, 2) - turns * sign
                    value = angle.numerator if angle.denominator == 1 else angle
                    return product_of(a, value, [(call_of(a, "pi", []), 1)])
        return None

    return inverse


special_values = RuleSet(
    [
        rule("sin(a)", _sine, name="sin at multiples of pi"),
        rule("cos(a)", _cosine, name="cos at multiples of pi"),
        rule("tan(a)", _tangent, name="tan at multiples of pi"),
        rule("asin(a)", _inverse(_SINES, 0), name="asin at special values"),
        rule("acos(a)", _inverse(_SINES, 1), name="acos at special values"),
        rule("atan(a)", _inverse(_TANGENTS, 0), name="atan at special values"),
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


def _negated(head: str) -> Callable[..., Any]:
    """Return the template of a negated comparison; it is declined where an operand could be nan, which no comparison holds for."""

    def negate(a: Any, b: Any) -> Any | None:
        return call_of(a, head, [a, b]) if _defined(a=a, b=b) else None

    return negate


def _constant_comparison(head: str) -> Callable[..., Any]:
    def decide(a: Any, b: Any) -> Any | None:
        return _decided(a, b, head)

    return decide


CONSTANT_NODES = 200
"""Largest comparison of constants that is decided by computing with many digits."""


def _is_small_constant(*terms: Any) -> bool:
    for count, node in enumerate(interface.postorder(*terms)):
        if count == CONSTANT_NODES or interface.is_symbol(node):
            return False
    return True


def _decided(a: Any, b: Any, head: str) -> Any | None:
    """Return true or false for a comparison that the signs decide, or whose sides are constants."""
    facts = Facts()
    answer = facts.decide(call_of(a, head, [a, b])) if facts.is_defined(a) and facts.is_defined(b) else None
    if answer is None and _is_small_constant(a, b):
        from symnum.algebra.evaluate import evaluate

        try:
            answer = bool(evaluate(call_of(a, head, [a, b]), {}, precision=30))
        except ArithmeticError:
            return None
    return None if answer is None else interface.make_number(a, answer)


conditions = RuleSet(
    [
        rule("p::boolean and (p or q::boolean) -> p"),
        rule("p::boolean or (p and q::boolean) -> p"),
        rule("p::boolean and (not p or q::boolean) -> p and q"),
        rule("p::boolean or (not p and q::boolean) -> p or q"),
        rule("not p::boolean and (p or q::boolean) -> not p and q"),
        rule("not p::boolean or (p and q::boolean) -> not p or q"),
        rule("(p::boolean or q::boolean) and (p or r::boolean) -> p or (q and r)"),
        rule("(p::boolean and q::boolean) or (p and r::boolean) -> p and (q or r)"),
        rule("not p::boolean and not q::boolean -> not (p or q)"),
        rule("not p::boolean or not q::boolean -> not (p and q)"),
        rule("not (p::boolean and not q::boolean) -> not p or q"),
        rule("not (p::boolean or not q::boolean) -> not p and q"),
        *[
            rule(f"not (a {head} b)", _negated(opposite), name=f"not (a {head} b) -> a {opposite} b")
            for head, opposite in (("<", ">="), ("<=", ">"), (">", "<="), (">=", "<"), ("==", "!="), ("!=", "=="))
        ],
        rule("a < a -> false"),
        rule("a > a -> false"),
        rule("a != a -> false", condition=_defined),
        rule("a <= a -> true", condition=_defined),
        rule("a >= a -> true", condition=_defined),
        rule("a == a -> true", condition=_defined),
        rule("a < b and a <= b -> a < b"),
        rule("a < b or a <= b -> a <= b"),
        rule("a < b or a == b -> a <= b"),
        rule("a > b or a == b -> a >= b"),
        rule("a <= b and a >= b -> a == b"),
        rule("a <= b and a != b -> a < b"),
        rule("a >= b and a != b -> a > b"),
        rule("a < b and a > b -> false"),
        rule("a < b and a == b -> false"),
        rule("a > b and a == b -> false"),
        rule("a < b and a >= b -> false"),
        rule("a > b and a <= b -> false"),
        *[
            rule(f"a {head} b", _constant_comparison(head), name=f"a {head} b -> true or false")
            for head in ("<", "<=", ">", ">=", "==", "!=")
        ],
    ],
    "conditions",
)

branches = RuleSet(
    [
        rule("ifelse(not p::boolean, a, b) -> ifelse(p, b, a)"),
        rule("ifelse(p::boolean, true, false) -> p"),
        rule("ifelse(p::boolean, false, true) -> not p"),
        rule("ifelse(p::boolean, ifelse(p, a, b), c) -> ifelse(p, a, c)"),
        rule("ifelse(p::boolean, a, ifelse(p, b, c)) -> ifelse(p, a, c)"),
        rule("ifelse(p::boolean, a, ifelse(q::boolean, a, b)) -> ifelse(p or q, a, b)"),
        rule("ifelse(p::boolean, ifelse(q::boolean, a, b), b) -> ifelse(p and q, a, b)"),
        rule("ifelse(p::boolean, a, b) + ifelse(p, c, d) -> ifelse(p, a + c, b + d)"),
        *[
            rule(f"ifelse(a {head} b, {left}, {right}) -> {result}", condition=_defined)
            for head, left, right, result in (
                ("<", "a", "b", "min(a, b)"),
                ("<=", "a", "b", "min(a, b)"),
                (">", "b", "a", "min(a, b)"),
                (">=", "b", "a", "min(a, b)"),
                ("<", "b", "a", "max(a, b)"),
                ("<=", "b", "a", "max(a, b)"),
                (">", "a", "b", "max(a, b)"),
                (">=", "a", "b", "max(a, b)"),
            )
        ],
        rule("ifelse(a >= 0, a, -a) -> abs(a)"),
        rule("ifelse(a > 0, a, -a) -> abs(a)"),
        rule("ifelse(a < 0, -a, a) -> abs(a)"),
        rule("ifelse(a <= 0, -a, a) -> abs(a)"),
    ],
    "branches",
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
