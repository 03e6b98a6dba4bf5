"""The rules of the e-graph beyond the theories of the simplifier: laws in the direction that makes terms dearer at first.

Each row is (text, law).  All are total: both sides are equal wherever the left one is defined.  The laws of sums, products and powers as
such are not rules but in ``arithmetic``.
"""

from __future__ import annotations

from functools import lru_cache

from symnum.rewriting.egraph.adapter import EGraphError
from symnum.rewriting.egraph.compile import compile_rule
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import Rule, rule

_TABLE: tuple[tuple[str, str], ...] = (
    ("cos(a)^2 -> 1 - sin(a)^2", "Pythagoras"),
    ("cosh(a)^2 -> 1 + sinh(a)^2", "Pythagoras, hyperbolic"),
    ("sin(2*a) -> 2*sin(a)*cos(a)", "double angle"),
    ("cos(2*a) -> 1 - 2*sin(a)^2", "double angle"),
    ("sinh(2*a) -> 2*sinh(a)*cosh(a)", "double angle, hyperbolic"),
    ("sin(a + b) -> sin(a)*cos(b) + cos(a)*sin(b)", "addition theorem"),
    ("cos(a + b) -> cos(a)*cos(b) - sin(a)*sin(b)", "addition theorem"),
    ("tan(a) -> sin(a)/cos(a)", "definition"),
    ("tanh(a) -> sinh(a)/cosh(a)", "definition"),
    ("sec(a) -> 1/cos(a)", "definition"),
    ("csc(a) -> 1/sin(a)", "definition"),
    ("cot(a) -> cos(a)/sin(a)", "definition"),
    ("log(a::positive*b::positive) -> log(a) + log(b)", "logarithm of a product"),
    ("log(a::positive^b) -> b*log(a)", "logarithm of a power"),
    ("a^(b + c) -> a^b*a^c if a > 0", "power of a sum"),
    ("a^b*a^c -> a^(b + c)", "product of powers"),
    ("a^b/a^c -> a^(b - c)", "quotient of powers"),
    ("exp(b*log(a)) -> a^b", "definition of the power"),
    ("(a::positive^b)^c -> a^(b*c)", "power of a power"),
    ("abs(a) -> a if a >= 0", "absolute value"),
    ("abs(a) -> -a if a <= 0", "absolute value"),
    ("abs(a)^2 -> a^2", "square of the absolute value"),
    ("sqrt(a^2) -> abs(a)", "root of a square"),
)

EXPANSIONS = RuleSet([rule(text, name=f"{law}: {text}") for text, law in _TABLE], "egraph")


@lru_cache(maxsize=1)
def default_rules() -> tuple[Rule, ...]:
    """Return the rules that an e-graph runs unless told otherwise: the table, and the total rules of the theories that it can run."""
    from symnum.rewriting import theories

    return (*EXPANSIONS, *[entry for entry in theories.TOTAL if runs(entry)])


def runs(entry: Rule) -> bool:
    """Tell whether the e-graph can run a rule."""
    try:
        compile_rule(entry)
    except EGraphError:
        return False
    return True
