"""Finite relations and graphs: a pair (u, v) is ``<u>; [v]``, a relation the choice between its pairs.

Composition is ``;``, union ``+``, the reflexive-transitive closure ``*`` and the converse the dual.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.machine import answers
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Limits
from symnum.rewriting.machines.rmc.syntax import MAIN, constant, plus, pop, push, seq


def relation(pairs: Iterable[tuple[Any, Any]]) -> Node:
    """Return the program of a relation between values; a text stands for the constant of that name.

    >>> relation([("u", "v"), ("v", "w")])
    ⟨u⟩; [v] + ⟨v⟩; [w]
    """
    return plus(*[seq(pop(_value(u)), push(_value(v))) for u, v in pairs])


def _value(given: Any) -> Any:
    return constant(given) if isinstance(given, str) else given


def pairs_of(
    program: Node,
    domain: Iterable[Any],
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> frozenset[tuple[Any, Any]]:
    """Return the pairs of values that a program relates, the first ones from a domain; a closure needs no acyclic graph.

    Raises OverflowError where the limits are reached.

    >>> from symnum.rewriting.machines.rmc import star
    >>> sorted(map(str, pairs_of(star(relation([("u", "v"), ("v", "u")])), ["u"])))
    ['(u, u)', '(u, v)']
    """
    found = set()
    for value in map(_value, domain):
        reached = answers(program, {MAIN: (value,)}, search="tabled", limits=limits)
        found |= {(value, answer.memory[MAIN][-1]) for answer in reached if answer.memory}
        if not reached.report.exhausted:
            raise OverflowError(f"not all that {value!s} is related to is known: {reached.report.why}")
    return frozenset(found)
