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
        self.shape_of: dict[int, int] = {}  # as others read the record
        self.computed: dict[int, int] = {}  # as an intermediate value is computed

    def run(self, outputs: Sequence[int], shape: tuple[int, ...]) -> Node:
        """Return the array of the records ``outputs``."""
        self._measure(outputs)
        for level, records in enumerate(self.levels):
            pieces = self._pieces(records, [self.computed[number] for number in records], True)
            self.sources[level] = self.graph.assemble((len(records),), None, pieces)
        pieces = self._pieces(outputs, [self.shape_of[number] for number in outputs], False)
        return self.graph.assemble(shape, None, pieces)

    def _measure(self, outputs: Sequence[int]) -> None:
        """Find the shape of each record, arguments first, and cut what is too long; whether it is cut follows from its shape."""
        leaves: dict[int, int] = {}
        level_of: dict[int, int] = {}  # how many levels must be known before a record can be computed
        for number in self._needed(outputs):
            head, *arguments = self.records[number]
            if head in ("number", "input"):
                leaves[number], level_of[number] = 1, 0
                if head == "input":
                    self.places[number] = (arguments[0], arguments[1])
                    self.shape_of[number] = self._shape(("read", arguments[0]))
                else:
                    self.shape_of[number] = self._shape(("number", isinstance(arguments[0], bool)))
                continue
            # an exponent is part of the shape: x**2 is another formula than x**0.5
            kinds = [
                ("exponent", *self.records[a][1:])
                if head == "^" and i == 1 and self.records[a][0] == "number"
                else self.shape_of[a]
                for i, a in enumerate(arguments)
            ]
            leaves[number] = sum(leaves[a] for a in arguments)
            level = level_of[number] = max(level_of[a] for a in arguments)
            self.shape_of[number] = self._shape((head, *kinds))
            if leaves[number] > MAX_LEAVES:
                self.computed[number] = self.shape_of[number]
                while len(self.levels) <= level:
                    self.levels.append([])
                self.places[number] = (level, len(self.levels[level]))
                self.levels[level].append(number)
                self.shape_of[number] = self._shape(("read", level))
                leaves[number], level_of[number] = 1, level + 1

    def _needed(self, outputs: Sequence[int]) -> list[int]:
        found: set[int] = set()
        stack = list(outputs)
        while stack:
            number = stack.pop()
            if number not in found:
                found.add(number)
                if self.records[number][0] not in ("number", "input"):
                    stack.extend(self.records[number][1:])
        return sorted(found)

    def _shape(self, shape: Record) -> int:
        return self.shapes.setdefault(shape, len(self.shapes))

    # --- arrays -----------------------------------------------------------------------------------------------------------------

    def _pieces(
        self, records: Sequence[int], shapes: Sequence[int], computed: bool
    ) -> list[tuple[Region, Node]]:
        """Return what fills an array of these records; with ``computed`` they are not read but computed."""
        groups: dict[int, list[int]] = {}
        for place, shape in enumerate(shapes):
            groups.setdefault(shape, []).append(place)
        pieces: list[tuple[Region, Node]] = []
        for places in groups.values():
            formulas = [self._leaves(records[place], computed) for place in places]
            slots = np.array([[self._slot(number) for number in leaves] for leaves in formulas], np.float64)
            pieces.extend(
                self._group(records[places[0]], formulas[0], np.array(places, np.int64), slots, computed)
            )
        return pieces

    def _is_leaf(self, number: int) -> bool:
        return number in self.places or self.records[number][0] == "number"

    def _leaves(self, top: int, computed: bool) -> list[int]:
        """Return what a formula reads and the numbers in it, from left to right."""
        leaves: list[int] = []
        stack = list(reversed(self.records[top][1:])) if computed else [top]
        while stack:
            number = stack.pop()
            if self._is_leaf(number):
                leaves.append(number)
            else:
                stack.extend(reversed(self.records[number][1:]))
        return leaves

    def _slot(self, number: int) -> float:
        """Return the place that is read, or the number."""
        return float(self.places[number][1] if number in self.places else self.records[number][1])

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
