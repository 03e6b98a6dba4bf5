"""Find the loops again in what a solver computed entry by entry.

Entries whose formulas have the same shape, and read from the same distances, are one formula over slices: the interior of a grid,
an edge, a corner.  So the array program does not grow with the grid where the pattern is regular.  What has one shape but irregular
places reads through lists of positions.  Long formulas, such as running sums, are cut into arrays of intermediate values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.pde.entries import Record, Tape
from symnum.pde.graph import Graph, Node, is_boolean
from symnum.pde.regions import Region, Strided, region_of

MAX_LEAVES = 128
"""A formula that reads more values than this, repeated ones counted again, is cut into intermediate values."""

MAX_PARTS = 64
"""Formulas of one shape that read from more sets of distances than this, or from almost as many as they are, read through lists of
positions."""

MAX_BOXES = 16
"""Places that fall into more blocks than this are listed."""

_OF_CONDITIONS = {"+": "or", "*": "and", "max": "or", "min": "and"}
"""What NumPy's arithmetic means where both operands are conditions."""


def rerolled(
    graph: Graph, tape: Tape, outputs: Sequence[int], shape: tuple[int, ...], inputs: dict[str, Node]
) -> Node:
    """Return the array of this shape whose entries are the records ``outputs`` of a tape, in their flat order."""
    return _Rerolling(graph, tape, inputs).run(outputs, shape)


class _Rerolling:
    """The shapes of the formulas on a tape, and where each is cut.

    A shape says which operators a formula has and from which arrays it reads, but not from which places, nor which numbers it has.
    """

    def __init__(self, graph: Graph, tape: Tape, inputs: dict[str, Node]) -> None:
        self.graph, self.records = graph, tape.records
        self.sources: dict[Any, Node] = dict(inputs)  # by name; the intermediate values by their level
        self.places: dict[
            int, tuple[Any, int]
        ] = {}  # of a record that is read from an array: (source, place)
        self.levels: list[
            list[int]
        ] = []  # records that are intermediate values; a level reads those before it
        self.shapes: dict[Record, int] = {}
        # of each record, as others read it: its shape, and what it reads and the numbers in it, from left to right
        self.shape_of = [-1] * len(self.records)
        self.leaves_of: list[tuple[int, ...]] = [()] * len(self.records)
        self.computed: dict[
            int, tuple[int, tuple[int, ...]]
        ] = {}  # the same of an intermediate value, as it is computed
        self.slots = np.zeros(len(self.records))  # the place that a record is read from, or its number

    def run(self, outputs: Sequence[int], shape: tuple[int, ...]) -> Node:
        """Return the array of the records ``outputs``."""
        self._measure(outputs)
        for level, records in enumerate(self.levels):
            pieces = self._pieces(records, [self.computed[number] for number in records], True)
            self.sources[level] = self.graph.assemble((len(records),), None, pieces)
        read = [(self.shape_of[number], self.leaves_of[number]) for number in outputs]
        return self.graph.assemble(shape, None, self._pieces(outputs, read, False))

    def _measure(self, outputs: Sequence[int]) -> None:
        """Find the shape of each record, arguments first, and cut what is too long; whether it is cut follows from its shape."""
        shape_of, leaves_of, shapes = self.shape_of, self.leaves_of, self.shapes
        level_of = [0] * len(self.records)  # how many levels must be known before a record can be computed
        for number in self._needed(outputs):
            record = self.records[number]
            head = record[0]
            if head == "input":
                self._read(number, record[1], record[2])
                continue
            if head == "number":
                self.slots[number] = record[1]
                shape_of[number] = self._shape(("number", isinstance(record[1], bool)))
                leaves_of[number] = (number,)
                continue
            arguments = record[1:]
            kinds: list[Any] = [shape_of[a] for a in arguments]
            if head == "^" and self.records[arguments[1]][0] == "number":
                # an exponent is part of the shape: x**2 is another formula than x**0.5
                kinds[1] = self.records[arguments[1]]
            key = (head, *kinds)
            shape = shapes.get(key)
            if shape is None:
                shape = shapes[key] = len(shapes)
            leaves: tuple[int, ...] = ()
            level = 0
            for a in arguments:
                leaves += leaves_of[a]
                level = max(level, level_of[a]) if self.levels else 0
            shape_of[number], leaves_of[number], level_of[number] = shape, leaves, level
            if len(leaves) > MAX_LEAVES:
                self.computed[number] = shape, leaves
                if len(self.levels) == level:
                    self.levels.append([])
                self._read(number, level, len(self.levels[level]))
                self.levels[level].append(number)
                level_of[number] = level + 1

    def _read(self, number: int, source: Any, place: int) -> None:
        """Say that a record is read from a place of an array."""
        self.places[number] = source, place
        self.slots[number] = place
        self.shape_of[number] = self._shape(("read", source))
        self.leaves_of[number] = (number,)

    def _needed(self, outputs: Sequence[int]) -> list[int]:
        """Return the records that the outputs are computed from, arguments first."""
        needed = bytearray(len(self.records))
        for number in outputs:
            needed[number] = 1
        for number in range(len(self.records) - 1, -1, -1):
            if needed[number] and self.records[number][0] not in ("number", "input"):
                for a in self.records[number][1:]:
                    needed[a] = 1
        return [number for number, wanted in enumerate(needed) if wanted]

    def _shape(self, shape: Record) -> int:
        return self.shapes.setdefault(shape, len(self.shapes))

    # --- arrays -----------------------------------------------------------------------------------------------------------------

    def _pieces(
        self, records: Sequence[int], formulas: Sequence[tuple[int, tuple[int, ...]]], computed: bool
    ) -> list[tuple[Region, Node]]:
        """Return what fills an array of these records, of which the shapes and leaves are given; with ``computed`` they are not read."""
        groups: dict[int, list[int]] = {}
        for place, (shape, _) in enumerate(formulas):
            groups.setdefault(shape, []).append(place)
        pieces: list[tuple[Region, Node]] = []
        for places in groups.values():
            leaves = np.array([formulas[place][1] for place in places], np.int64)
            first = leaves[0].tolist()
            pieces.extend(
                self._group(
                    records[places[0]], first, np.array(places, np.int64), self.slots[leaves], computed
                )
            )
        return pieces

    def _is_leaf(self, number: int) -> bool:
        return number in self.places or self.records[number][0] == "number"

    def _group(
        self, top: int, leaves: list[int], places: Any, slots: Any, computed: bool
    ) -> list[tuple[Region, Node]]:
        """Return the pieces of the records of one shape; row r of ``slots`` belongs to entry ``places[r]``."""
        fixed = (slots == slots[0]).all(axis=0)
        moving = np.array([number in self.places for number in leaves], bool) & ~fixed
        distances = slots[:, moving] - places[:, None]
        part = np.zeros(len(places), np.int64)
        if distances.size and not _strided(places, slots[:, moving]):
            part = np.unique(distances, axis=0, return_inverse=True)[1].reshape(-1)
        count = int(part.max()) + 1
        if count > MAX_PARTS or (count > 8 and len(places) < 4 * count):
            part[...] = 0
        pieces: list[tuple[Region, Node]] = []
        for i in range(int(part.max()) + 1):
            chosen = part == i
            for region, rows in _blocks(places[chosen]):
                values = [
                    self._value(number, column, region.shape)
                    for number, column in zip(leaves, slots[chosen][rows].T, strict=True)
                ]
                pieces.append((region, self._formula(top, values, region.shape, computed)))
        return pieces

    def _value(self, number: int, column: Any, shape: tuple[int, ...]) -> Node:
        """Return the array of what one leaf is for each entry of a region: read places, or numbers."""
        graph = self.graph
        same = bool((column == column[0]).all())
        if number in self.places:
            source = self.sources[self.places[number][0]]
            if not source.shape:
                return source
            if same:
                return graph.view(source, Strided(int(column[0]), (), ()))
            return graph.view(source, region_of(column.astype(np.int64).reshape(shape)))
        if isinstance(self.records[number][1], bool):
            return graph.constant(column.reshape(shape) != 0)
        return graph.number(float(column[0])) if same else graph.constant(column.reshape(shape))

    def _formula(self, top: int, values: Sequence[Node], shape: tuple[int, ...], computed: bool) -> Node:
        """Return the formula of a record over the arrays of its leaves.  An operator follows its arguments."""
        done: list[Node] = []
        reading = iter(values)
        stack: list[tuple[int, bool]] = [(top, False)]
        while stack:
            number, ready = stack.pop()
            if self._is_leaf(number) and not (computed and number == top):
                done.append(next(reading))
            elif not ready:
                stack.append((number, True))
                stack.extend((a, False) for a in reversed(self.records[number][1:]))
            else:
                head, *arguments = self.records[number]
                operands = done[len(done) - len(arguments) :]
                del done[len(done) - len(arguments) :]
                if all(map(is_boolean, operands)):
                    head = _OF_CONDITIONS.get(head, head)
                done.append(self.graph.elementwise(head, operands))
        return self.graph.broadcast(done[0], shape)


def _strided(places: Any, reads: Any) -> bool:
    """Tell whether the places and all that is read for them lie at equal distances each."""
    steps = np.diff(np.column_stack([places, reads]), axis=0)
    return bool((steps == steps[:1]).all())


def _blocks(places: Any) -> list[tuple[Region, Any]]:
    """Return regions that cover ascending places, and for each the rows of its entries; one list of positions if they are many."""
    blocks: list[_Block] = [(int(p), (), ()) for p in places]
    while True:
        merged = _merged(blocks)
        if len(merged) == len(blocks):
            break
        blocks = merged
    if len(blocks) > MAX_BOXES:
        return [(region_of(places), np.arange(len(places)))]
    found: list[tuple[Region, Any]] = []
    for start, counts, strides in blocks:
        region = Strided(start, counts, strides)
        found.append((region, np.searchsorted(places, region.flat().reshape(-1))))
    return found


_Block = tuple[int, tuple[int, ...], tuple[int, ...]]


def _merged(blocks: Sequence[_Block]) -> list[_Block]:
    """Return blocks with neighbours of one form at equal distances made one block of one more axis."""
    merged: list[_Block] = []
    i = 0
    while i < len(blocks):
        start, counts, strides = blocks[i]
        j = i + 1
        step = blocks[j][0] - start if j < len(blocks) else 0
        while (
            j < len(blocks) and blocks[j][1:] == (counts, strides) and blocks[j][0] - blocks[j - 1][0] == step
        ):
            j += 1
        merged.append((start, (j - i, *counts), (step, *strides)) if j - i > 1 else blocks[i])
        i = j
    return merged
