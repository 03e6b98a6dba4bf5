"""Rules on conditions, comparisons and ifelse.

A comparison with nan is false (and != true), so a comparison is turned round only where both sides certainly have a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symnum import term as interface
from symnum.rewriting.facts import Facts
from symnum.rewriting.rules import RuleSet, rule
from symnum.rewriting.views import call_of


def _defined(**slots: Any) -> bool:
    """Tell whether all slots certainly have a value, where the symbols are real numbers."""
    facts = Facts()
    return all(facts.is_defined(t) for t in slots.values())


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
            for head, opposite in (
                ("<", ">="),
                ("<=", ">"),
                (">", "<="),
                (">=", "<"),
                ("==", "!="),
                ("!=", "=="),
            )
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
