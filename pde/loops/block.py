"""Values of one iteration of a loop nest, each distinct value once.

A block is what the innermost loop computes: loads, operators of the table and stores.  Each value knows the depth of the loops that it
depends on, so that the emitter computes it no deeper than that.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field

from symnum.operators import operator
from symnum.pde.loops.affine import Affine

Value = int
"""The place of a value in its block."""

LITERALS = frozenset({0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 0.5, -0.5, 0.25, 10.0, 12.0, 16.0})
"""Numbers that become part of the code; others are read, so that other grids and coefficients need no other code."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An entry of a buffer at an index; ``through`` is the slot in ``ints`` that holds the index of an indirect load, added to it."""

    buffer: str
    index: Affine
    through: Slot | None = None

    def without_loop(self, axis: int) -> Slot:
        """Return the slot in a nest that lacks a loop."""
        steps = (*self.index.steps[:axis], *self.index.steps[axis + 1 :])
        through = None if self.through is None else self.through.without_loop(axis)
        return Slot(self.buffer, Affine(self.index.start, steps), through)


@dataclass(frozen=True, slots=True)
class Store:
    """Where a value goes; ``add`` adds it to what is there."""

    slot: Slot
    value: Value
    add: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One value: ``head`` says how it is made.

    "load" of a slot, "scalar" at a place in ``numbers``, "number", "truth", "time", "single" (a value rounded to float32), or an
    operator's name.
    """

    head: str
    operands: tuple[int, ...]
    depth: int
    truth: bool = False
    number: float = 0.0

    @property
    def is_literal(self) -> bool:
        """Tell whether the value is a number of the code."""
        return self.head in ("number", "truth")

    @property
    def calls(self) -> bool:
        """Tell whether the operands are values."""
        return self.head not in ("load", "scalar", "number", "truth", "time")


@dataclass
class Block:
    """The values and stores of one box, in a nest of ``loops`` loops."""

    loops: int
    values: list[Instruction] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    _known: dict[Hashable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known |= {slot: number for number, slot in enumerate(self.slots)}

    def _intern(self, key: Instruction) -> Value:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.values)
            self.values.append(key)
        return found

    def slot(self, slot: Slot) -> int:
        """Return the number of a slot."""
        if slot not in self._known:
            self._known[slot] = len(self.slots)
            self.slots.append(slot)
        return self._known[slot]

    def load(self, slot: Slot) -> Value:
        """Return the value in a slot."""
        if slot.through is not None:
            self.slot(slot.through)
        loops = [*slot.index.loops(), *(slot.through.index.loops() if slot.through else ())]
        return self._intern(Instruction("load", (self.slot(slot),), 1 + max(loops, default=-1)))

    def number(self, value: float | bool, scalars: dict[float, int]) -> Value:
        """Return a number: in the code if it is one of :data:`LITERALS`, else read from place ``scalars[value]``, which is entered."""
        if type(value) is bool:
            return self._intern(Instruction("truth", (), 0, True, float(value)))
        if value in LITERALS and math.copysign(1.0, value) == (1.0 if value >= 0 else -1.0):
            return self._intern(Instruction("number", (), 0, number=float(value)))
        key = float(value)
        place = scalars.get(key)
        if place is None:
            place = scalars[key] = len(scalars)
        return self._intern(Instruction("scalar", (place,), 0))

    def time(self) -> Value:
        """Return the time."""
        return self._intern(Instruction("time", (), 0))

    def rounded(self, value: Value) -> Value:
        """Return a value rounded to float32."""
        return self._intern(Instruction("single", (value,), self.values[value].depth))

    def call(self, head: str, operands: tuple[Value, ...], truth: bool | None = None) -> Value:
        """Return an operator's value; ``truth`` tells whether it is a truth value, where the operator does not."""
        if truth is None:
            truth = operator(head).result_sort == "boolean"
        depth = max((self.values[o].depth for o in operands), default=0)
        return self._intern(Instruction(head, operands, depth, truth))
