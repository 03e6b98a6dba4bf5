"""Programs of the functional machine as flat code, and their runs: what fmc.execute gives, a few hundred times faster.

A term is code as it stands: an instruction for each distinct part, with de Bruijn indices looked up in linked environments.

>>> from symnum.rewriting.machines.compiled.functional import execute
>>> execute("[2].[3].<x>.<y>.[x]").memory
{'λ': [3]}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symnum.rewriting.machines.compiled.functional_loop import (
    F_CASE,
    F_CODE,
    F_CONTINUATION_FULL,
    F_DONE,
    F_EMPTY,
    F_ENVIRONMENT,
    F_EXIT,
    F_FREE,
    F_HEAP_FULL,
    F_LOOP,
    F_NO_RULE,
    F_POP,
    F_PUSH,
    F_PUSH_VARIABLE,
    F_RULES,
    F_RUN,
    F_STEPS,
    F_STUCK,
    F_TRUTH,
    F_WAITING,
    RULES,
    TRIPLE,
    WIDTH,
    collect_functional,
    run_functional,
)
from symnum.rewriting.machines.compiled.machine_code import FOLDER
from symnum.rewriting.machines.compiled.relational import INITIAL_CELLS, SLICE
from symnum.rewriting.machines.fmc.environment import read_back
from symnum.rewriting.machines.fmc.machine import Run, State, read_program
from symnum.rewriting.machines.fmc.memory import Given, Stream, read_memory, shown
from symnum.rewriting.machines.fmc.substitution import StuckError, popped_from, truth
from symnum.rewriting.machines.fmc.syntax import SKIP, value_of
from symnum.rewriting.machines.nodes import is_index


@dataclass(frozen=True)
class FunctionalLimits:
    """Bound a run: its steps, and the cells of 8 bytes of the heap and of the continuation each."""

    steps: int = 1_000_000_000
    cells: int = 1 << 27


class _Code:
    """The instructions of programs, one for each distinct part, and the numbers of locations and labels."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []
        self.terms: list[Any] = []
        self.number: dict[Any, int] = {}
        self.locations: dict[str, int] = {}
        self.labels: dict[str, int] = {"⋆": 0}

    def add(self, root: Any) -> int:
        """Return the instruction at which a program begins."""
        waiting = [root]
        first = self._reserve(root)
        while waiting:
            term = waiting.pop()
            place = self.number[term.plain]
            if self.rows[place]:
                continue
            self.rows[place] = self._row(term, waiting)
        return first

    def _reserve(self, term: Any) -> int:
        place = self.number.setdefault(term.plain, len(self.rows))
        if place == len(self.rows):
            self.rows.append([])
            self.terms.append(term)
        return place

    def _row(self, term: Any, waiting: list[Any]) -> list[int]:
        head, args = term.head.name, term.args

        def follow(part: Any) -> int:
            waiting.append(part)
            return self._reserve(part)

        if head == "fmc.push":
            location, value = self._location(args[1]), value_of(args[0])
            if args[0].free and value is not None and is_index(value):
                return [F_PUSH_VARIABLE, location, value.leaf[1], follow(args[2])]
            if args[0].free and value is not None:
                raise self._formula(value)
            return [F_PUSH, location, follow(args[0]), follow(args[2])]
        if head == "fmc.pop":
            return [F_POP, self._location(args[0]), 0, follow(args[2])]
        if head == "fmc.exit":
            return [F_EXIT, self._label(args[0]), 0, 0]
        if head == "fmc.case":
            return [F_CASE, self._label(args[1]), follow(args[0]), follow(args[2])]
        if head == "fmc.loop":
            return [F_LOOP, self._label(args[1]), follow(args[0]), self.number[term.plain]]
        value, rest = args
        if is_index(value):
            return [F_RUN, value.leaf[1], -1 if rest is SKIP else follow(rest), 0]
        if getattr(value, "free", 0):
            raise self._formula(value)
        try:
            return [F_TRUTH, 0, 0, follow(truth(value))]
        except StuckError:
            return [F_STUCK, 0, 0, 0]  # that it was reached is said when it is

    @staticmethod
    def _formula(value: Any) -> ValueError:
        return ValueError(
            f"the formula {value!s} has variables that are known only when it is pushed, and compiled machines work nothing out; "
            f"run the program on the readable one, with fmc.execute"
        )

    def _location(self, atom: Any) -> int:
        return self.locations.setdefault(atom.leaf[1], len(self.locations))

    def _label(self, atom: Any) -> int:
        return self.labels.setdefault(atom.leaf[1], len(self.labels))


def execute(term: Any, memory: Given | None = None, *, limits: FunctionalLimits | None = None) -> Run:
    """Run a program on a memory and report how it went, as fmc.execute does, without a trace.

    Raises ValueError for formulas with bound variables and for streams, which the compiled machine does not have, and MemoryError past
    ``limits.cells``.
    """
    limits = limits or FunctionalLimits()
    code = _Code()
    start = code.add(read_program(term))
    stacks = read_memory(memory)
    given: dict[int, list[int]] = {}
    for location, stack in stacks.items():
        if isinstance(stack, Stream):
            raise ValueError(
                f"location {location!r} has a stream, which only the readable machine reads; give a list, or run fmc.execute"
            )
        number = code.locations.setdefault(location, len(code.locations))
        given[number] = [code.add(value) for value in stack]
    run = _Run(code, start, given, limits)
    with FOLDER.announced():
        run.begin()
    run.go()
    return run.report()


class _Run:
    """A run: arrays, grown and collected as the loop asks for it."""

    def __init__(
        self, code: _Code, start: int, given: dict[int, list[int]], limits: FunctionalLimits
    ) -> None:
        self.code, self.limits = code, limits
        self.rows = np.array(code.rows, np.int64).reshape(-1)
        needed = TRIPLE * (2 + sum(map(len, given.values())))
        self.heap = np.zeros(max(min(INITIAL_CELLS, limits.cells), 2 * needed), np.int64)
        self.spare = np.zeros_like(self.heap)
        self.tops = np.zeros(len(code.locations), np.int64)
        self.continuation = np.zeros(TRIPLE << 10, np.int64)
        self.state = np.zeros(F_RULES + len(RULES), np.int64)
        free = TRIPLE
        for location, closures in given.items():
            for closure in closures:
                self.heap[free : free + TRIPLE] = closure, 0, self.tops[location]
                self.tops[location] = free
                free += TRIPLE
        self.state[[F_CODE, F_FREE]] = start, free
        self.stop = "limit"
        self.status = F_DONE

    def begin(self) -> None:
        """Load the machine code, by no step at all."""
        run_functional(self.rows, self.heap, self.tops, self.continuation, self.state, 0)

    def go(self) -> None:
        """Run to the end, or to the limit of steps."""
        while True:
            left = self.limits.steps - int(self.state[F_STEPS])
            if left <= 0:
                return
            self.status = run_functional(
                self.rows, self.heap, self.tops, self.continuation, self.state, min(left, SLICE)
            )
            if self.status == F_HEAP_FULL:
                self._collect()
            elif self.status == F_CONTINUATION_FULL:
                grown = np.zeros(self._larger(2 * self.continuation.size, "continuation"), np.int64)
                grown[: self.continuation.size] = self.continuation
                self.continuation = grown
            elif self.status == F_DONE:
                self.stop = "done"
                return
            elif self.status in (F_EMPTY, F_NO_RULE):
                self.stop = "stuck"
                return

    def _collect(self) -> None:
        collect_functional(self.heap, self.spare, self.tops, self.continuation, self.state)
        self.heap, self.spare = self.spare, self.heap
        used = int(self.state[F_FREE])
        if 2 * used > self.heap.size:
            size = self._larger(2 * self.heap.size, "heap")
            grown = np.zeros(size, np.int64)
            grown[:used] = self.heap[:used]
            self.heap, self.spare = grown, np.zeros(size, np.int64)

    def _larger(self, size: int, what: str) -> int:
        if size > self.limits.cells:
            raise MemoryError(
                f"the {what} of the run needs more than {self.limits.cells:,} cells of 8 bytes after {int(self.state[F_STEPS]):,} steps; "
                f"pass FunctionalLimits(cells=...) for more, or look for a run that does not end"
            )
        return size

    def report(self) -> Run:
        """Return how the run went."""
        code, state = self.code, self.state
        labels = list(code.labels)
        terms, environments = code.terms, _Environments(self.heap, code.terms)
        memo: dict[int, Any] = {}
        memory: dict[str, list[Any]] = {}
        for location, number in code.locations.items():
            stack = []
            place = int(self.tops[number])
            while place:
                closure = environments.closure(int(self.heap[place]), int(self.heap[place + 1]))
                stack.append(shown(read_back(closure, memo)))
                place = int(self.heap[place + 2])
            if stack:
                memory[location] = stack[::-1]
        at = int(state[F_CODE])
        last = read_back(environments.closure(at, int(state[F_ENVIRONMENT])))
        waiting = tuple(
            (labels[label], read_back(environments.closure(then, environment)))
            for label, then, environment in reversed(
                self.continuation[: int(state[F_WAITING])].reshape(-1, TRIPLE).tolist()
            )
        )
        rule = why = location = ""
        if self.stop == "limit":
            why = f"the run did not end within {self.limits.steps:,} steps"
        elif self.stop == "stuck":
            rule, why, location = self._stuck(terms[at])
        counts = {r: int(n) for r, n in zip(RULES, state[F_RULES:]) if n}
        return Run(
            memory=memory,
            exit=labels[self.rows[WIDTH * at + 1]] if self.stop == "done" else None,
            steps=int(state[F_STEPS]),
            stop=self.stop,
            rule=rule,
            why=why,
            location=location,
            counts=counts,
            last=State(int(state[F_STEPS]), "", memory, last, waiting),
        )

    def _stuck(self, term: Any) -> tuple[str, str, str]:
        """Return (rule, reason, location) as the readable machine says it."""
        try:
            if self.status == F_EMPTY:
                popped_from({}, term.args[0].leaf[1])
            truth(term.args[0])
        except StuckError as error:
            return error.rule, error.why, error.location
        raise AssertionError(f"{term!s} is not stuck")


class _Environments:
    """Environments on the heap as the readable machine has them, each made once."""

    def __init__(self, heap: np.ndarray, terms: list[Any]) -> None:
        self.heap, self.terms = heap, terms
        self.made: dict[int, Any] = {0: None}
        self.closures: dict[tuple[int, int], Any] = {}

    def closure(self, code: int, address: int) -> tuple[Any, Any]:
        """Return the term and the environment of a closure."""
        stack = [address]
        while stack:
            place = stack[-1]
            if place in self.made:
                stack.pop()
                continue
            inner, rest = int(self.heap[place + 1]), int(self.heap[place + 2])
            missing = [p for p in (inner, rest) if p not in self.made]
            if missing:
                stack.extend(missing)
                continue
            self.made[place] = (self._pair(int(self.heap[place]), inner), self.made[rest])
            stack.pop()
        return self._pair(code, address)

    def _pair(self, code: int, address: int) -> tuple[Any, Any]:
        key = (code, address)
        found = self.closures.get(key)
        if found is None:
            found = self.closures[key] = (self.terms[code], self.made[address])
        return found
