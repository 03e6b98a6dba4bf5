"""Petri nets: a place is a location that holds tokens, a transition takes tokens and puts tokens [R].

The net is ``(t1 + ... + tn)*``, so that the answers of a tabled run are the reachable markings; the dual is the net with all arrows
turned round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.machine import answers
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Answer, Limits
from symnum.rewriting.machines.rmc.syntax import constant, plus, pop, push, seq, star

TOKEN = "•"

Marking = Mapping[str, int]
Transition = tuple[Marking, Marking]
"""Tokens taken, and tokens put, by place."""


def petri(transitions: Iterable[Transition]) -> Node:
    """Return the program of a net that fires any number of transitions.

    >>> petri([({"p": 2}, {"q": 1})])
    (p⟨•⟩; p⟨•⟩; [•]q)*
    """
    token = constant(TOKEN)
    return star(
        plus(
            *[
                seq(
                    *[pop(token, p) for p, count in _counts(taken) for _ in range(count)],
                    *[push(token, p) for p, count in _counts(made) for _ in range(count)],
                )
                for taken, made in transitions
            ]
        )
    )


def _counts(marking: Marking) -> Iterable[tuple[str, int]]:
    for place, count in marking.items():
        if not isinstance(count, int) or count < 0:
            raise ValueError(
                f"the place {place!r} has {count!r} tokens; write a whole number that is not negative"
            )
    return marking.items()


def petri_memory(marking: Marking) -> dict[str, tuple[Any, ...]]:
    """Return the memory of a marking."""
    return {place: (constant(TOKEN),) * count for place, count in _counts(marking) if count}


def marking_of(answer: Answer) -> dict[str, int]:
    """Return the marking of an answer, without empty places."""
    return {place: len(stack) for place, stack in answer.stacks}


def reachable(
    transitions: Iterable[Transition],
    marking: Marking,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> list[dict[str, int]]:
    """Return the markings that a net can reach, the nearest first.

    Raises OverflowError where there are more than the limits allow, as for an unbounded net.

    >>> reachable([({"H2": 2, "O2": 1}, {"H2O": 2})], {"H2": 4, "O2": 2})
    [{'H2': 4, 'O2': 2}, {'H2': 2, 'H2O': 2, 'O2': 1}, {'H2O': 4}]
    """
    found = answers(petri(transitions), petri_memory(marking), search="tabled", limits=limits)
    markings = [marking_of(answer) for answer in found]
    if not found.report.exhausted:
        raise OverflowError(f"{len(markings)} markings were found, and there are more: {found.report.why}")
    return markings
