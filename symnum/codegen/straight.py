"""A straight program as arrays: what a columnar lowering makes and what the native target reads, without an object per step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy

from symnum.codegen.lower import Program
from symnum.operators import Operator, operator

Array = Any

MAX_OPERANDS = 3
"""Operands of a step; longer sums, products and conjunctions are folded by lowering."""


@dataclass(frozen=True, eq=False)
class StraightCode:
    """Steps in order, each an operator and its operands.

    Operand i is argument i, ``arguments + k`` the result of step k, and ``-1 - c`` constant c.  Arguments before ``split`` are
    the states, the others the parameters.  ``ops`` (steps) are places in ``heads``; ``operands`` is (steps, 3), unused ones are 0.
    ``truths`` says which steps hold truth values, and ``truth_constants`` which constants do; left out, no constant does and
    the steps follow from their operators.  Raises ValueError for arrays that do not fit together.

    >>> code = StraightCode(2, 2, [3.0], ("*", "+"), [0, 1], [(0, 1, 0), (2, -1, 0)], [3])  # x*y + 3
    >>> code.steps, code.boolean, len(code.digest)
    (2, False, 16)
    """

    arguments: int
    split: int
    constants: Array
    heads: tuple[str, ...]
    ops: Array
    operands: Array
    outputs: Array
    truths: Array = field(default=None)
    truth_constants: Array = field(default=None)

    def __post_init__(self) -> None:
        self._keep("constants", numpy.float64, (-1,))
        self._keep("ops", numpy.int32, (-1,))
        self._keep("operands", numpy.int64, (-1, MAX_OPERANDS))
        self._keep("outputs", numpy.int64, (-1,))
        object.__setattr__(self, "heads", tuple(self.heads))
        if self.truth_constants is None:
            object.__setattr__(self, "truth_constants", numpy.zeros(len(self.constants), bool))
        self._keep("truth_constants", numpy.bool_, (-1,))
        self._check()
        if self.truths is None:
            object.__setattr__(self, "truths", self._found_truths())
        self._keep("truths", numpy.bool_, (-1,))
        if len(self.truths) != self.steps or len(self.truth_constants) != len(self.constants):
            raise ValueError(
                f"truths and truth_constants have {len(self.truths)} and {len(self.truth_constants)} entries, but there are "
                f"{self.steps} steps and {len(self.constants)} constants; give one entry for each, or leave them out"
            )

    def _keep(self, name: str, kind: Any, shape: tuple[int, ...]) -> None:
        array = numpy.array(getattr(self, name), kind).reshape(shape)  # a copy, which no caller writes to
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    def _check(self) -> None:
        if not 0 <= self.split <= self.arguments:
            raise ValueError(
                f"split is {self.split}, but must lie between 0 and the number of arguments, {self.arguments}"
            )
        if len(self.ops) != len(self.operands):
            raise ValueError(f"there are {len(self.ops)} ops but {len(self.operands)} rows of operands")
        if self.steps and not 0 <= self.ops.min() <= self.ops.max() < len(self.heads):
            raise ValueError(f"ops must be places in heads, from 0 to {len(self.heads) - 1}")
        highest = self.arguments + numpy.arange(self.steps)[:, None]
        wrong = self.used & ((self.operands < -len(self.constants)) | (self.operands >= highest))
        if wrong.any():
            k = int(numpy.argmax(wrong.any(axis=1)))
            raise ValueError(
                f"step {k} reads {self.operands[k].tolist()}, but it may read operands from {-len(self.constants)} "
                f"to {self.arguments + k - 1} only; order the steps so that each comes after what it reads"
            )
        last = self.arguments + self.steps
        if len(self.outputs) and not -len(self.constants) <= self.outputs.min() <= self.outputs.max() < last:
            raise ValueError(f"outputs must be operands from {-len(self.constants)} to {last - 1}")

    def _found_truths(self) -> Array:
        rows = self.rows
        truths = numpy.array([row.result_sort == "boolean" for row in rows] + [False], bool)[self.ops]
        branches = [i for i, row in enumerate(rows) if row.result_sort == "branch"]
        for k in numpy.flatnonzero(numpy.isin(self.ops, branches)).tolist():
            chosen = int(self.operands[k, 1])
            truths[k] = (
                self.truth_constants[-1 - chosen]
                if chosen < 0
                else chosen >= self.arguments and truths[chosen - self.arguments]
            )
        return truths

    @classmethod
    def of_program(cls, program: Program, split: int | None = None) -> StraightCode:
        """Return a lowered program as arrays; ``split`` is the number of states, all arguments when left out."""
        heads = {op: i for i, op in enumerate(dict.fromkeys(op for op, _ in program.steps))}
        count = len(program.arguments)
        rows = [(*operands, 0, 0, 0)[:MAX_OPERANDS] for _, operands in program.steps]
        return cls(
            arguments=count,
            split=count if split is None else split,
            constants=numpy.array(program.constants, float),
            heads=tuple(heads),
            ops=[heads[op] for op, _ in program.steps],
            operands=numpy.array(rows, numpy.int64).reshape(-1, MAX_OPERANDS),
            outputs=program.outputs,
            truths=program.boolean_steps,
            truth_constants=[type(v) is bool for v in program.constants],
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return StraightCode, tuple([getattr(self, f.name) for f in fields(self)])

    @property
    def steps(self) -> int:
        """Return the number of steps."""
        return len(self.ops)

    @property
    def boolean(self) -> bool:
        """Tell whether all outputs are truth values."""
        return bool(len(self.outputs)) and bool(self.output_truths.all())

    @property
    def output_truths(self) -> Array:
        """Return which outputs are truth values."""
        return self._truth_of(self.outputs)

    def _truth_of(self, operands: Array) -> Array:
        table = numpy.concatenate(
            [numpy.zeros(self.arguments, bool), self.truths, self.truth_constants[::-1]]
        )
        return table[operands]

    @cached_property
    def rows(self) -> tuple[Operator, ...]:
        """Return the rows of the operator table that ``heads`` name."""
        return tuple([operator(head) for head in self.heads])

    @cached_property
    def used(self) -> Array:
        """Return which of the three operands of each step its operator reads."""
        arity = numpy.array([arity_of(row) for row in self.rows] + [0])[self.ops]
        return numpy.arange(MAX_OPERANDS) < arity[:, None]

    @cached_property
    def digest(self) -> bytes:
        """Return 16 bytes that are the same for the same program only."""
        state = hashlib.blake2b(digest_size=16)
        shape = (self.arguments, self.split, len(self.constants), self.steps, len(self.outputs), self.heads)
        state.update(repr(shape).encode())
        for array in (self.constants, self.ops, self.operands, self.outputs, self.truths, self.truth_constants):  # fmt: skip
            state.update(array.data)
        return state.digest()

    def last_reads(self) -> Array:
        """Return for each argument and each step the last step that reads it, or -1."""
        last = numpy.full(self.arguments + self.steps, -1, numpy.int64)
        used = self.used & (self.operands >= 0)
        reader = numpy.broadcast_to(numpy.arange(self.steps)[:, None], used.shape)
        last[self.operands[used]] = reader[used]  # in order, so the last reader stays
        return last


def arity_of(row: Operator) -> int:
    """Return how many operands a step of an operator has; what takes any number was folded to steps of two."""
    return 2 if row.arity[1] is None else row.arity[1]


def slots(last: Sequence[int], arguments: int, chunk: int) -> tuple[list[int], int]:
    """Return for each step the slot of work memory that carries its value to later chunks (-1: none does), and how many there are.

    A slot is free again after the chunk of its value's last reader, and the one freed last is taken first, while it is in the cache.

    >>> slots([-1, 2, 1, 3, 3], 1, 2)  # an argument, then four steps in chunks of two
    ([0, -1, -1, -1], 1)
    """
    ends = numpy.asarray(last)[arguments:] // chunk
    begins = numpy.arange(len(ends)) // chunk
    slot = [-1] * len(ends)
    free: list[int] = []
    dying: dict[int, list[int]] = {}
    total = done = 0
    crossing = numpy.flatnonzero(ends > begins)
    for step, begin, end in zip(
        crossing.tolist(), begins[crossing].tolist(), ends[crossing].tolist(), strict=True
    ):
        while done < begin:
            free += dying.pop(done, ())
            done += 1
        if free:
            slot[step] = free.pop()
        else:
            slot[step] = total
            total += 1
        dying.setdefault(end, []).append(slot[step])
    return slot, total
