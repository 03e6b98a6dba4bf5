"""Runs of a compiled program: memory that grows up to a limit, slices between which a run can be stopped, answers as values."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from symnum.rewriting.machines.compiled import cells
from symnum.rewriting.machines.compiled.assembler import Program, assemble
from symnum.rewriting.machines.compiled.cells import EMPTY, TAG_BITS
from symnum.rewriting.machines.compiled.collector import collect
from symnum.rewriting.machines.compiled.machine_code import FOLDER
from symnum.rewriting.machines.compiled.relational_loop import run_relational
from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.primitives import BY_ZERO, UNBOUND, not_a_number
from symnum.rewriting.machines.rmc.results import Answer, RunReport, answer_of
from symnum.rewriting.machines.rmc.state import Stack
from symnum.rewriting.machines.rmc.syntax import as_memory, as_program, free_unknowns, push, seq

SLICE = 1 << 20
"""Control instructions between two looks at the clock and at the keyboard: some hundredths of a second."""


INITIAL_CELLS = 1 << 18
"""Cells of the heap at the beginning: so many as stay in a processor's cache."""


@dataclass(frozen=True)
class Limits:
    """Bound a run: control instructions (choices taken), seconds, and cells of 8 bytes for the heap and for the other arrays each."""

    steps: int | None = None
    seconds: float | None = None
    cells: int = 1 << 27

    def __post_init__(self) -> None:
        for name in ("steps", "seconds", "cells"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(
                    f"{name} is {value!r}, but a limit is positive; leave it out for the usual one"
                )


class Answers:
    """The answers of a program, depth first, the left branch of a choice first and a star left before it is entered.

    ``report`` counts control instructions (choices, and goals of a Horn program) as steps and says why the run stopped; answers that were
    found stand.  Raises MemoryError past ``Limits.cells``, and ArithmeticError where a primitive is given what it cannot compute with.
    """

    def __init__(self, program: Program, limits: Limits) -> None:
        self.program, self.limits = program, limits
        self.report = RunReport("depth")
        self.collections = 0
        self._seconds = 0.0
        p = self.program
        self._heap = np.empty(max(min(INITIAL_CELLS, self.limits.cells), 3 * p.margin), np.int64)
        self._trail = np.empty(1 << 12, np.int64)
        self._choices = np.empty(1 << 12, np.int64)
        self._work = np.zeros(1 << 12, np.int64)
        self._registers = np.full(p.registers, EMPTY, np.int64)
        self._tops = np.full(len(p.locations), EMPTY, np.int64)
        self._state = np.zeros(8, np.int64)
        self._state[[cells.PC, cells.LAST_CHOICE]] = 1, -1

    @property
    def cells(self) -> int:
        """Cells that the arrays of the run have room for."""
        return sum(a.size for a in (self._heap, self._trail, self._choices, self._work))

    def __iter__(self) -> Iterator[Answer]:
        return self

    def __next__(self) -> Answer:
        if not self.advance():
            raise StopIteration
        return self.answer()

    def advance(self) -> bool:
        """Run to the next answer and return True, or return False with the reason in ``report.stop``."""
        report = self.report
        while report.stop == "running":
            budget = SLICE
            if self.limits.steps is not None:
                budget = min(budget, self.limits.steps - report.steps)
            if budget <= 0:
                report.stop = "steps"
            elif self.limits.seconds is not None and self._seconds >= self.limits.seconds:
                report.stop = "seconds"
            else:
                begin = time.perf_counter()
                try:
                    status = self._slice(budget)
                except KeyboardInterrupt:
                    report.stop = "interrupted"
                    break
                self._seconds += time.perf_counter() - begin
                report.steps = int(self._state[cells.INFERENCES])
                if status == cells.ANSWERED:
                    report.answers += 1
                    return True
                if status == cells.EXHAUSTED:
                    report.stop = "exhausted"
                elif status != cells.PAUSED:
                    self._serve(status)
        return False

    def _slice(self, budget: int) -> int:
        p = self.program
        return run_relational(
            p.code,
            p.tables.keys,
            p.tables.switches,
            p.tables.buckets,
            p.tables.targets_of,
            p.operations,
            self._heap,
            self._trail,
            self._choices,
            self._registers,
            self._tops,
            self._work,
            self._state,
            len(p.unknowns),
            p.goal_register,
            p.margin,
            budget,
        )

    def _serve(self, status: int) -> None:
        """Give the run the memory that it came back for, or say what went wrong."""
        if status == cells.HEAP_FULL:
            self._collect()
        elif status == cells.TRAIL_FULL:
            self._trail = self._grown(self._trail, "trail (bindings to undo)")
        elif status == cells.CHOICES_FULL:
            self._choices = self._grown(self._choices, "choice points")
        elif status == cells.WORK_FULL:
            if 2 * self._work.size > self.limits.cells:
                raise self._too_large("depth or the size of a term")
            self._work = np.zeros(2 * self._work.size, np.int64)  # the step is made anew
        else:
            self.report.stop = "error"
            raise self._arithmetic_error(status)

    def _grown(self, array: np.ndarray, what: str) -> np.ndarray:
        if 2 * array.size > self.limits.cells:
            raise self._too_large(what)
        grown = np.empty(2 * array.size, np.int64)
        grown[: array.size] = array
        return grown

    def _too_large(self, what: str) -> MemoryError:
        self.report.stop = "cells"
        return MemoryError(
            f"the {what} of the run needs more than {self.limits.cells:,} cells of 8 bytes after {self.report.steps:,} steps; "
            f"pass Limits(cells=...) for more, or look for a search that does not end"
        )

    def _collect(self) -> None:
        p = self.program
        self.collections += 1
        spare = self._spare
        collect(
            self._heap,
            spare,
            self._trail,
            self._choices,
            self._registers,
            len(p.unknowns) + int(p.code[self._state[cells.PC] + 1]),
            self._tops,
            self._state,
        )
        used = int(self._state[cells.TOP])
        self._heap, self._spare = spare, self._heap
        wanted = self._heap.size
        while 2 * used + p.margin > wanted:
            wanted *= 2
        if wanted > self._heap.size:
            wanted = min(wanted, max(self.limits.cells, self._heap.size))
            if used + 2 * p.margin > wanted:
                raise self._too_large("heap")
            grown = np.empty(wanted, np.int64)
            grown[:used] = self._heap[:used]
            self._heap, self._spare = grown, np.empty(wanted, np.int64)

    @cached_property
    def _spare(self) -> np.ndarray:
        """The other half of the heap, into which a collection copies."""
        return np.empty(self._heap.size, np.int64)

    def _arithmetic_error(self, status: int) -> ArithmeticError:
        culprit = int(self._state[cells.CULPRIT])
        if status == cells.UNBOUND:
            return ArithmeticError(UNBOUND)
        if status == cells.NOT_A_NUMBER:
            return ArithmeticError(not_a_number(self.program.symbols.values(self._heap, [culprit], {})[0]))
        if status == cells.TOO_LONG:
            return ArithmeticError(
                "an expression takes too many operations; compute the parts that it repeats once, with is/2"
            )
        if status == cells.ZERO_DIVISOR:
            return ZeroDivisionError(BY_ZERO)
        return OverflowError(
            f"an integer is beyond {cells.MOST_INTEGER:,}, the largest that the compiled machine computes with; "
            f"the readable one has no such bound"
        )

    def answer(self) -> Answer:
        """Return the answer at which the run stands."""
        p = self.program
        stacks: list[list[int]] = []
        for top in self._tops:
            stack = []
            place = int(top)
            while place != EMPTY:
                stack.append(int(self._heap[place >> TAG_BITS]))
                place = int(self._heap[(place >> TAG_BITS) + 1])
            stacks.append(stack[::-1])
        registers = [int(r) for r in self._registers[: len(p.unknowns)]]
        roots = [self._root(r) for r in registers]
        named = {
            r >> TAG_BITS: u for r, u in zip(roots[::-1], p.unknowns[::-1]) if r & cells.TAG == cells.REF
        }
        values = p.symbols.values(self._heap, registers + [c for s in stacks for c in s], named)
        bindings = {u: v for u, v in zip(p.unknowns, values) if u is not v}
        left = iter(values[len(registers) :])
        memory: dict[str, Stack] = {}
        for location, stack in zip(p.locations, stacks):
            for _ in stack:
                memory[location] = Stack(next(left), memory.get(location))
        return answer_of(list(p.unknowns), memory, bindings)

    def _root(self, found: int) -> int:
        """Return the cell that a cell stands for, by its last reference."""
        while found & cells.TAG == cells.REF and (following := int(self._heap[found >> TAG_BITS])) != found:
            found = following
        return found


@cache
def load() -> None:
    """Have the machine code ready before a clock starts: compiling takes some ten seconds once, loading less than one."""
    with FOLDER.announced():
        first = Answers(translated("[a] + [b]"), Limits())
        for _ in first:
            pass
    if first.report.stop == "interrupted":  # here there are no answers to keep
        raise KeyboardInterrupt


def translated(program: Node | str, memory: Mapping[str, Any] | str | None = None) -> Program:
    """Compile a program that runs on a memory; the free unknowns of both are those that answers are about.

    Raises ValueError for calls of symnum's operators on unknowns, which the readable machine works out.
    """
    stacks = as_memory(memory)
    prelude = [push(value, location) for location, stack in stacks.items() for value in stack]
    whole = seq(*prelude, as_program(program))
    return assemble(whole, tuple(sorted(free_unknowns(whole), key=str)))


def answers(
    program: Node | str | Program,
    memory: Mapping[str, Any] | str | None = None,
    *,
    limits: Limits | None = None,
) -> Answers:
    """Search for the answers of a program on a memory depth first, as rmc.answers does, and give them one by one.

    A program that is to run several times may be given as ``translated(program, memory)``.

    >>> found = answers("new x. <x>; ([x] + [f(x)])", "b")
    >>> list(found), found.report.stop
    ([<λ: b>, <λ: f(b)>], 'exhausted')
    """
    ready = program if isinstance(program, Program) else translated(program, memory)
    load()
    return Answers(ready, limits or Limits())
