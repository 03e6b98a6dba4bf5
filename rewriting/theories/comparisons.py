"""Comparisons: both sides brought to the fewest operations, and monotone functions removed from both.

A comparison with nan is false (and != true), so a comparison is turned round only where both sides certainly have a value.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from functools import partial
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.facts import Facts
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.sign_sets import NEGATIVE, POSITIVE
from symnum.rewriting.theories.domains import defined
from symnum.rewriting.views import call_of, has_factor, is_value, product_of, product_view, sum_of, sum_view

TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""Comparison -> the one with its sides exchanged."""

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
"""Comparison -> the one that holds where it does not."""

_HOLDS = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}

CONSTANT_NODES = 200
"""Largest comparison of constants that is decided by computing with many digits."""


def _is_small_constant(*terms: Any) -> bool:
    for count, node in enumerate(interface.postorder(*terms)):
        if count == CONSTANT_NODES or interface.is_symbol(node):
            return False
    return True


def _decide(head: str, a: Any, b: Any) -> Any | None:
    """Return true or false for a comparison that the signs decide, or whose sides are constants."""
    facts = Facts()
    answer = facts.decide(call_of(a, head, [a, b])) if facts.is_defined(a) and facts.is_defined(b) else None
    if answer is None and _is_small_constant(a, b):
        from symnum.algebra.evaluate import evaluate

        try:
            if any(isinstance(v, Decimal) and v.is_nan() for v in evaluate([a, b], {}, precision=30)):
                return None
            answer = bool(evaluate(call_of(a, head, [a, b]), {}, precision=30))
        except ArithmeticError:
            return None
    return None if answer is None else interface.make_number(a, answer)


def _balance(head: str, a: Any, b: Any) -> Any | None:
    """Return a comparison collected on one side, divided by what is positive, and spread over both sides."""
    constant, pairs = sum_view(sum_of(a, 0, [(a, 1), (b, -1)]))
    if any(type(c) is float or not math.isfinite(c) for c in (constant, *(c for _, c in pairs))):
        return None
    facts = Facts()
    if not (facts.is_defined(a) and facts.is_defined(b)):
        return None
    if not pairs:
        return interface.make_number(a, _HOLDS[head](constant, 0))
    relation = head
    if constant == 0:
        relation, constant, pairs = _without_positive_factors(a, head, pairs, facts)
        if not pairs:
            return None
    scale = _content([constant, *(c for _, c in pairs)])
    if all(c < 0 for _, c in pairs) and constant >= 0:
        scale, relation = -scale, TURNED[relation]
    pairs = [(t, numbers.normal(Fraction(c) / scale)) for t, c in pairs]
    constant = numbers.normal(Fraction(constant) / scale)
    left = sum_of(a, constant if constant > 0 and len(pairs) > 1 else 0, [(t, c) for t, c in pairs if c > 0])
    right = sum_of(
        a, -constant if not (constant > 0 and len(pairs) > 1) else 0, [(t, -c) for t, c in pairs if c < 0]
    )
    if interface.is_number(left):
        left, right, relation = right, left, TURNED[relation]
    return call_of(a, relation, (left, right))


def _content(values: list[Any]) -> Fraction:
    """Return the greatest common divisor of numbers."""
    fractions = [Fraction(v) for v in values if v != 0]
    below = math.lcm(*(f.denominator for f in fractions))
    return Fraction(math.gcd(*(int(f * below) for f in fractions)), below)


def _without_positive_factors(
    like: Any, relation: str, pairs: list[tuple[Any, Any]], facts: Facts
) -> tuple[str, Any, list[tuple[Any, Any]]]:
    """Divide all addends by the factors that they share and that are certainly positive or negative."""
    views = [product_view(t) for t, _ in pairs]
    shared = [
        (b, e)
        for b, e in views[0][1]
        if is_value(e) and all(has_factor(items, b, e) for _, items in views[1:])
    ]
    for base, exponent in shared:
        signs = facts.signs(product_of(like, 1, [(base, exponent)]))
        if signs not in (POSITIVE, NEGATIVE):
            continue
        if signs == NEGATIVE:
            relation = TURNED[relation]
        pairs = [(product_of(like, 1, [(t, 1), (base, numbers.normal(-exponent))]), c) for t, c in pairs]
    return relation, *sum_view(sum_of(like, 0, pairs))


comparisons = RuleSet(
    [
        rule("a < a -> false"),
        rule("a > a -> false"),
        rule("a != a -> false", condition=defined),
        rule("a <= a -> true", condition=defined),
        rule("a >= a -> true", condition=defined),
        rule("a == a -> true", condition=defined),
        *[
            rule(f"a {head} b", partial(_decide, head), name=f"a {head} b -> true or false")
            for head in ("<", "<=", ">", ">=", "==", "!=")
        ],
        *[
            rule(f"a {head} b", partial(_balance, head), name=f"a {head} b -> a - b {head} 0, collected")
            for head in ("<", "<=", ">", ">=", "==", "!=")
        ],
        rule("abs(a) <= 0 -> a == 0"),
        rule("abs(a) == 0 -> a == 0"),
        rule("abs(a) > 0 -> a != 0", condition=defined),
        rule("abs(a) != 0 -> a != 0", condition=defined),
        rule("a^2 <= 0 -> a == 0"),
        rule("a^2 == 0 -> a == 0"),
        rule("a^2 > 0 -> a != 0", condition=defined),
        rule("a^2 != 0 -> a != 0", condition=defined),
        rule("sign(a) > 0 -> a > 0"),
        rule("sign(a) < 0 -> a < 0"),
        rule("sign(a) >= 0 -> a >= 0"),
        rule("sign(a) <= 0 -> a <= 0"),
        rule("sign(a) == 0 -> a == 0"),
        *[
            rule(f"{f}(a) {head} {f}(b) -> a {head} b{condition}", holds=holds)
            for f, condition, holds in (
                ("exp", "", "total"),
                ("log", " if a > 0 and b > 0", "total"),
                ("sqrt", " if a >= 0 and b >= 0", "total"),
                ("log", "", "generic"),  # where a side has no value, a comparison is false
                ("sqrt", "", "generic"),
            )
            for head in ("<", "<=", ">", ">=", "==")
        ],
    ],
    "comparisons",
)
