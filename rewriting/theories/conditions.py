"""Rules on conditions and on ifelse (Boolean algebra as in Whitesitt's book); larger conditions are minimised by ``forms.truth``."""

from __future__ import annotations

from functools import partial
from typing import Any

from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.theories.comparisons import OPPOSITE
from symnum.rewriting.theories.domains import defined
from symnum.rewriting.views import call_of


def _negate(head: str, a: Any, b: Any) -> Any | None:
    """Return a comparison negated; it is declined where an operand could be nan, which no comparison holds for."""
    return call_of(a, head, [a, b]) if defined(a=a, b=b) else None


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
            rule(f"not (a {head} b)", partial(_negate, opposite), name=f"not (a {head} b) -> a {opposite} b")
            for head, opposite in OPPOSITE.items()
        ],
    ],
    "conditions",
)

branches = RuleSet(
    [
        rule("ifelse(not p::boolean, a, b) -> ifelse(p, b, a)"),
        rule("ifelse(p::boolean, true, false) -> p"),
        rule("ifelse(p::boolean, false, true) -> not p"),
        rule("ifelse(p::boolean, q::boolean, false) -> p and q"),
        rule("ifelse(p::boolean, true, q::boolean) -> p or q"),
        rule("ifelse(p::boolean, false, q::boolean) -> not p and q"),
        rule("ifelse(p::boolean, q::boolean, true) -> not p or q"),
        rule("ifelse(p::boolean, ifelse(p, a, b), c) -> ifelse(p, a, c)"),
        rule("ifelse(p::boolean, a, ifelse(p, b, c)) -> ifelse(p, a, c)"),
        rule("ifelse(p::boolean, a, ifelse(q::boolean, a, b)) -> ifelse(p or q, a, b)"),
        rule("ifelse(p::boolean, ifelse(q::boolean, a, b), b) -> ifelse(p and q, a, b)"),
        rule("ifelse(p::boolean, a, ifelse(q::boolean, b, a)) -> ifelse(q and not p, b, a)"),
        rule("ifelse(p::boolean, ifelse(q::boolean, b, a), a) -> ifelse(p and q, b, a)"),
        rule("ifelse(p::boolean, a, b) + ifelse(p, c, d) -> ifelse(p, a + c, b + d)"),
        rule("ifelse(p::boolean, a, b) - ifelse(p, c, d) -> ifelse(p, a - c, b - d)"),
        rule("ifelse(p::boolean, a, b)*ifelse(p, c, d) -> ifelse(p, a*c, b*d)"),
        rule("ifelse(p::boolean, a, b)/ifelse(p, c, d) -> ifelse(p, a/c, b/d)"),
        *[
            rule(f"ifelse(a {head} b, {left}, {right}) -> {result}", condition=defined)
            for head, left, right, result in (
                ("<", "a", "b", "min(a, b)"),
                ("<=", "a", "b", "min(a, b)"),
                (">", "b", "a", "min(a, b)"),
                (">=", "b", "a", "min(a, b)"),
                ("<", "b", "a", "max(a, b)"),
                ("<=", "b", "a", "max(a, b)"),
                (">", "a", "b", "max(a, b)"),
                (">=", "a", "b", "max(a, b)"),
                ("==", "a", "b", "b"),
                ("!=", "a", "b", "a"),
            )
        ],
        *[rule(f"ifelse(a {head} 0, a, -a) -> abs(a)") for head in (">", ">=")],
        *[rule(f"ifelse(a {head} 0, -a, a) -> abs(a)") for head in ("<", "<=")],
        *[rule(f"ifelse(a {head} 0, -a, a) -> -abs(a)") for head in (">", ">=")],
        *[rule(f"ifelse(a {head} 0, a, -a) -> -abs(a)") for head in ("<", "<=")],
        rule("ifelse(a > b, a - b, b - a) -> abs(a - b)"),
        rule("ifelse(a >= b, a - b, b - a) -> abs(a - b)"),
        rule("ifelse(a < b, b - a, a - b) -> abs(a - b)"),
        rule("ifelse(a <= b, b - a, a - b) -> abs(a - b)"),
        rule("ifelse(a > 0, 1, ifelse(a < 0, -1, 0)) -> sign(a)", condition=defined),
        rule("ifelse(a < 0, -1, ifelse(a > 0, 1, 0)) -> sign(a)", condition=defined),
    ],
    "branches",
)
