"""What a run of the relational machine gives: answers, why it stopped, and the limits that it kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.rewriting.limits import check_limits
from symnum.rewriting.machines.nodes import Node, variable
from symnum.rewriting.machines.rmc.printer import format, quoted
from symnum.rewriting.machines.rmc.state import Failure, Memory
from symnum.rewriting.machines.rmc.unification import Bindings, resolve, unbound


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what a run may spend; a limit that was reached is the report's stop reason, and the answers so far are kept.

    ``waiting`` bounds the states that wait, or that a tabled run remembers.
    """

    steps: int = 1_000_000
    answers: int = 1_000_000
    seconds: float = 60.0
    waiting: int = 1_000_000

    def __post_init__(self) -> None:
        check_limits(self)


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful run: what the unknowns of the question are, and the final memory, stacks from bottom to top.

    Unknowns that the run made are numbered in the order in which they occur, so that answers that mean the same are equal.
    """

    unknowns: tuple[tuple[str, Any], ...]
    stacks: tuple[tuple[str, tuple[Any, ...]], ...]

    @property
    def memory(self) -> dict[str, tuple[Any, ...]]:
        """Return the final memory, without empty stacks."""
        return dict(self.stacks)

    def __getitem__(self, unknown: str | Node) -> Any:
        """Return what an unknown of the question is; raises KeyError for one that does not occur in it."""
        return dict(self.unknowns)[unknown if isinstance(unknown, str) else interface.name(unknown)]

    def __str__(self) -> str:
        parts = [f"{name} = {format(value)}" for name, value in self.unknowns]
        parts += [f"{quoted(a)}: {' '.join(map(format, stack))}" for a, stack in self.stacks]
        return ", ".join(parts) or "yes"

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(slots=True)
class RunReport:
    """Why a search stopped, and what it did.

    ``stop`` is "exhausted" when every branch was followed to its end, "running" while there is more, "interrupted" after Ctrl-C, or the
    limit that was reached.  ``failure`` holds, of the longest branch that failed, its number of steps, the rule and the terms it met.
    """

    search: str
    stop: str = "running"
    steps: int = 0
    answers: int = 0
    failures: int = 0
    pruned: int = 0
    failure: Failure | None = None

    @property
    def exhausted(self) -> bool:
        """Tell whether the answers are all that there are."""
        return self.stop == "exhausted"

    @property
    def stuck(self) -> str:
        """Say of the longest branch that failed which rule found nothing to do, "" where no branch failed."""
        return "" if self.failure is None else str(self.failure)

    @property
    def why(self) -> str:
        """Say in a sentence why the search stopped."""
        if self.stop == "exhausted":
            return "every branch was followed to its end"
        if self.stop in ("running", "interrupted"):
            return {
                "running": "there is more to follow",
                "interrupted": "it was interrupted; the answers so far are kept",
            }[self.stop]
        return f"the limit of {self.stop} was reached; the answers so far are kept, and Limits({self.stop}=...) allows more"

    def __str__(self) -> str:
        text = f"{self.answers} answer{'s' * (self.answers != 1)} in {self.steps:,} steps ({self.search} first): {self.why}"
        return (
            f"{text}; the longest branch that failed: {self.stuck}"
            if self.stuck and not self.answers
            else text
        )


def answer_of(asked: list[Node], memory: Memory, bindings: Bindings) -> Answer:
    """Return the answer of a final state: what was asked for, and the memory, under canonical names."""
    values = [resolve(u, bindings) for u in asked]
    stacks = [(a, tuple([resolve(v, bindings) for v in memory[a]][::-1])) for a in sorted(memory)]
    names: Bindings = {}
    for unknown, value in zip(asked, values):
        # an unknown that is still free keeps the first of the names that it was given
        if type(value) is Node and value.leaf is not None and value not in names:
            names[value] = unknown
    made = 0
    for unknown in _all_unbound(values, stacks):
        if unknown not in names:
            names[unknown] = variable(made)
            made += 1
    return Answer(
        tuple([(interface.name(u), _renamed(v, names)) for u, v in zip(asked, values)]),
        tuple([(a, tuple([_renamed(v, names) for v in stack])) for a, stack in stacks]),
    )


def _renamed(value: Any, names: Bindings) -> Any:
    """Rename all unknowns at once; names may exchange, so that this is no substitution carried out to its end."""
    if type(value) is not Node or value.ground:
        return value
    from symnum.rewriting.machines.binding import substitute

    return substitute(value, names)


def _all_unbound(values: list[Any], stacks: list[tuple[str, tuple[Any, ...]]]) -> Iterator[Node]:
    for value in [*values, *[v for _, stack in stacks for v in stack]]:
        yield from unbound(value, {})
