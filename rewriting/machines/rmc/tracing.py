"""Runs step by step: for each transition the memory, the program, what comes after, and the rule that was used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from symnum.rewriting.limits import refuse_other_limits
from symnum.rewriting.machines.binding import instantiate, substitute
from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.machine import Answers, check_search
from symnum.rewriting.machines.rmc.printer import format, quoted
from symnum.rewriting.machines.rmc.results import Answer, Limits, RunReport, answer_of
from symnum.rewriting.machines.rmc.state import Branches, State
from symnum.rewriting.machines.rmc.syntax import Memory, as_memory, as_program
from symnum.rewriting.machines.rmc.unification import resolve, walk

_LIMITS = Limits(steps=1000, answers=100, seconds=10.0)


@dataclass(frozen=True, slots=True)
class TraceStep:
    """A state before its transition: stacks from bottom to top, the program, and the programs after it, the next one first.

    ``rule`` is the transition, or "answer" for a final state; ``branches`` is the number of states that follow.  ``failure`` says what the
    rule did not find where none does.
    """

    number: int
    depth: int
    rule: str
    memory: tuple[tuple[str, tuple[Any, ...]], ...]
    program: Node
    continuation: tuple[Node, ...]
    unknowns: tuple[tuple[str, Any], ...]
    branches: int
    failure: str = ""

    def __str__(self) -> str:
        memory = (
            ", ".join([f"{quoted(a)}: {' '.join(map(format, stack))}" for a, stack in self.memory]) or "ε"
        )
        after = " · ".join(["", *[f"({format(p)})" for p in self.continuation]])
        text = f"{self.number:4d} {self.rule:<8} ({memory} | {format(self.program)}{after})"
        known = ", ".join([f"{name} = {format(v)}" for name, v in self.unknowns])
        text += f"  {known}" * bool(known)
        if self.failure:
            return f"{text}  fails: {self.failure}"
        return text if self.branches < 2 else f"{text}  {self.branches} ways"


@dataclass(slots=True)
class Trace:
    """The steps of a run in the order in which they were made, its answers, and its report."""

    report: RunReport
    steps: list[TraceStep] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def __iter__(self) -> Iterator[TraceStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.steps), f"-- {self.report}"])


def trace(
    program: Node | str, memory: Memory | None = None, *, search: str = "depth", limits: Limits = _LIMITS
) -> Trace:
    """Run a program as :func:`run` does, and return every step.

    >>> print(trace("[a]; (<b> + new x. <x>)"))
       1 sequence (ε | [a]; (⟨b⟩ + ∃x. ⟨x⟩))
       2 push     (ε | [a] · (⟨b⟩ + ∃x. ⟨x⟩))
       3 choice   (λ: a | ⟨b⟩ + ∃x. ⟨x⟩)  2 ways
       4 pop      (λ: a | ⟨b⟩)  fails: pop λ⟨b⟩: a is on top, and does not unify
       5 new      (λ: a | ∃x. ⟨x⟩)
       6 pop      (λ: a | ⟨_1⟩)
       7 answer   (ε | ⋆)
    -- 1 answer in 6 steps (depth first): every branch was followed to its end
    """
    check_search(search)
    refuse_other_limits(limits, Limits, "trace")
    watched = _Watched(as_program(program), as_memory(memory), search, limits)
    for state in watched.finals():
        watched.record(state, "answer")
        watched.trace.answers.append(answer_of(watched.asked, state.memory, state.bindings))
    return watched.trace


class _Watched(Answers):
    """A search that writes down each state before it is changed."""

    def __init__(
        self, program: Node, memory: dict[str, tuple[Any, ...]], search: str, limits: Limits
    ) -> None:
        super().__init__(program, memory, search, limits)
        self.trace = Trace(self.report)

    def record(self, state: State, rule: str, branches: int = 1, failure: str = "") -> None:
        """Append what a state looks like now."""
        self.trace.steps.append(self._seen(state, rule, branches, failure))

    def _seen(self, state: State, rule: str, branches: int, failure: str) -> TraceStep:
        bindings = state.bindings

        def closed(program: Node, environment: tuple[Any, ...]) -> Node:
            return substitute(
                instantiate(program, environment[::-1]), {u: resolve(u, bindings) for u in environment}
            )

        after = []
        frame = state.continuation
        while frame is not None:
            after.append(closed(frame[0], frame[1]))
            frame = frame[2]
        return TraceStep(
            len(self.trace.steps) + 1,
            state.depth,
            rule,
            tuple(
                [
                    (a, tuple([resolve(v, bindings) for v in state.memory[a]][::-1]))
                    for a in sorted(state.memory)
                ]
            ),
            closed(state.program, state.environment),
            tuple(after),
            tuple([(str(u), resolve(u, bindings)) for u in self.asked if walk(u, bindings) is not u]),
            branches,
            failure,
        )

    def _step(self, state: State) -> Branches | None:
        rule = _RULE_NAMES.get(state.program.head.name, "")
        before = self._seen(state, rule, 1, "")
        branches = super()._step(state)
        if branches is not None:
            failure = "" if branches else str(self.stepper.failure)
            before = replace(before, branches=len(branches), failure=failure)
        self.trace.steps.append(before)
        return branches


_RULE_NAMES = {
    "rmc.skip": "skip", "rmc.seq": "sequence", "rmc.zero": "zero", "rmc.sum": "choice", "rmc.star": "star", "rmc.new": "new",
    "rmc.push": "push", "rmc.pop": "pop", "rmc.test": "test",
}  # fmt: skip
