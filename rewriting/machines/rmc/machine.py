"""The relational machine: search for the answers of a program on a memory.

The calculus fixes no order of search.  "breadth" is fair: it finds every answer.  "depth" follows the first choice first, and leaves a
star before it goes round again, which is Prolog's order; it may miss answers.  "tabled" is breadth first, and leaves out a state
at a star that differs from one seen before in the names of unknowns only: it gives the set of answers, and ends for all systems
with finitely many states [R].  "depth" and "breadth" give every answer as often as there are runs to it: the multiset of section 2.2 of
Barrett, Castle and Heijltjes (LICS 2024) [C].

>>> for answer in answers("(new x. <s(x)>; [x])*; <z>; [done]", "s(s(z))"):
...     print(answer)
λ: done
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symnum.rewriting.limits import refuse_other_limits
from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Answer, Limits, RunReport, answer_of
from symnum.rewriting.machines.rmc.state import (
    Branches,
    Fingerprints,
    Stack,
    State,
    Stepper,
    collect,
    is_final,
)
from symnum.rewriting.machines.rmc.state import Memory as Stacks
from symnum.rewriting.machines.rmc.syntax import STAR, Memory, as_memory, as_program, free_unknowns
from symnum.rewriting.machines.rmc.unification import unbound, undo

SEARCHES = ("breadth", "depth", "tabled")

_GARBAGE = 256
"""Bindings beside those that were live last time, from which on it pays to look for dead ones."""

_CLOCK = 1024
"""Steps between two looks at the clock."""


class _Stop(Exception):
    """Ends a search at a limit, whose name it holds."""


class Answers:
    """Iterate over the answers of a search as they are found; ``report`` says how far it is, and why it stopped."""

    def __init__(
        self,
        program: Node,
        memory: dict[str, tuple[Any, ...]],
        search: str,
        limits: Limits,
        symbolic: bool = False,
    ) -> None:
        self.report = RunReport(search)
        self.limits = limits
        self.asked = _asked(program, memory)
        self.stepper = Stepper()
        self._started: float | None = None
        self._found: set[Answer] | None = set() if search == "tabled" else None
        start = State(_stacks(memory), program, (), None, {}, {} if symbolic else None)
        self._finals = (
            self._depth_first(start) if search == "depth" else self._breadth_first(start, search == "tabled")
        )

    def __iter__(self) -> Iterator[Answer]:
        return self

    def __next__(self) -> Answer:
        for state in self.finals():
            answer = answer_of(self.asked, state.memory, state.bindings)
            if self._found is not None:
                if answer in self._found:
                    self.report.answers -= 1
                    continue
                self._found.add(answer)
            return answer
        raise StopIteration

    def finals(self) -> Iterator[State]:
        """Yield final states as they are found; at a limit or Ctrl-C the iteration ends, and can be asked why."""
        if self._started is None:
            self._started = time.monotonic()
        while self.report.stop == "running":
            try:
                if self.report.answers >= self.limits.answers:
                    raise _Stop("answers")
                state = next(self._finals)
            except StopIteration:
                self.report.stop = "exhausted"
            except _Stop as limit:
                self.report.stop = str(limit)
            except KeyboardInterrupt:
                self.report.stop = "interrupted"
            else:
                self.report.answers += 1
                yield state

    # --- searches -----------------------------------------------------------------------------------------------------------

    def _depth_first(self, start: State) -> Iterator[State]:
        """Follow the first choice first; all states share one dict of bindings, which is its own trail."""
        waiting = [(start, 0)]
        while waiting:
            state, mark = waiting.pop()
            undo(state.bindings, mark)
            while True:
                if is_final(state):
                    yield state
                    break
                branches = self._step(state)
                if branches is None:
                    if not waiting and len(state.bindings) > 2 * state.live + _GARBAGE:
                        collect(state, self.asked)
                    continue
                if not branches:
                    break
                mark = len(state.bindings)
                waiting.extend([(branch, mark) for branch in branches[:0:-1]])
                self._check_waiting(len(waiting))
                state = branches[0]

    def _breadth_first(self, start: State, tabled: bool) -> Iterator[State]:
        """Follow all choices in turn, each a choice further; states share no bindings."""
        waiting = deque([start])
        fingerprints, seen = Fingerprints(self.asked), set()
        while waiting:
            state = waiting.popleft()
            while True:
                if is_final(state):
                    yield state
                    break
                if tabled and state.program.head.name == STAR:
                    key = fingerprints.of(state)
                    if key in seen:
                        self.report.pruned += 1
                        break
                    seen.add(key)
                    self._check_waiting(len(seen))
                branches = self._step(state)
                if branches is None:
                    continue
                if branches and len(state.bindings) > 2 * state.live + _GARBAGE:
                    for branch in branches:
                        collect(branch, self.asked)
                else:
                    for branch in branches[1:]:
                        branch.bindings = state.bindings.copy()
                waiting.extend(branches)
                self._check_waiting(len(waiting))
                break

    def _step(self, state: State) -> Branches | None:
        report = self.report
        if report.steps >= self.limits.steps:
            raise _Stop("steps")
        report.steps += 1
        if not report.steps % _CLOCK and self._started is not None:
            if time.monotonic() - self._started > self.limits.seconds:
                raise _Stop("seconds")
        branches = self.stepper.step(state)
        if branches is not None and not branches:
            report.failures += 1
            if report.failure is None or state.depth > report.failure.depth:
                report.failure = self.stepper.failure
        return branches

    def _check_waiting(self, count: int) -> None:
        if count > self.limits.waiting:
            raise _Stop("waiting")


def _stacks(memory: dict[str, tuple[Any, ...]]) -> Stacks:
    made: Stacks = {}
    for location, values in memory.items():
        for value in values:
            made[location] = Stack(value, made.get(location))
    return made


def _asked(program: Node, memory: dict[str, tuple[Any, ...]]) -> list[Node]:
    """Return the unknowns of program and memory, by name."""
    found = {
        *free_unknowns(program),
        *[u for stack in memory.values() for v in stack for u in unbound(v, {})],
    }
    return sorted(found, key=str)


def check_search(search: str) -> None:
    """Raise ValueError for a search that there is not."""
    if search not in SEARCHES:
        raise ValueError(f"there is no search {search!r}; choose one of {', '.join(map(repr, SEARCHES))}")


def answers(
    program: Node | str,
    memory: Memory | None = None,
    *,
    search: str = "breadth",
    limits: Limits = DEFAULT_LIMITS,
) -> Answers:
    """Search for the answers of a program on a memory, and give them one by one as they are found.

    ``memory`` maps locations to values from the bottom to the top, as terms or as text; ``search`` is "breadth", "depth" or "tabled".

    >>> found = answers("new x y. <x>; <y>; [y]; [x] + [Z]", "b c")
    >>> next(found), next(found), next(found, None)
    (<Z = Z, λ: b c>, <Z = Z, λ: b c Z>, None)
    >>> found.report.exhausted
    True
    """
    check_search(search)
    refuse_other_limits(limits, Limits, "answers")
    return Answers(as_program(program), as_memory(memory), search, limits)


@dataclass(frozen=True, slots=True)
class Run:
    """The answers of a run, in the order in which they were found, and its report."""

    answers: tuple[Answer, ...]
    report: RunReport

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, place: int) -> Answer:
        return self.answers[place]

    @property
    def multiset(self) -> Counter[Answer]:
        """Return how often each answer was found."""
        return Counter(self.answers)

    @property
    def set(self) -> frozenset[Answer]:
        """Return the answers, each once."""
        return frozenset(self.answers)

    @property
    def exhausted(self) -> bool:
        """Tell whether the answers are all that there are."""
        return self.report.exhausted

    def __str__(self) -> str:
        return "\n".join([*map(str, self.answers), f"-- {self.report}"])


def run(
    program: Node | str,
    memory: Memory | None = None,
    *,
    search: str = "breadth",
    limits: Limits = DEFAULT_LIMITS,
) -> Run:
    """Run a program on a memory until there are no more answers, or a limit is reached; see :func:`answers`.

    >>> print(run("new x. <x>; <x>; [x]", "d c"))
    -- 0 answers in 4 steps (breadth first): every branch was followed to its end; the longest branch that failed: ...
    >>> result = run("(new x. <x>)*", "b c")
    >>> [answer.memory for answer in result]
    [{'λ': (b, c)}, {'λ': (b,)}, {}]
    """
    found = answers(program, memory, search=search, limits=limits)
    return Run(tuple(found), found.report)
