"""From arrays to loop nests: the statements of a stage, cut into boxes, and boxes that lie side by side as segments of one nest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from symnum.codegen.lower import Program
from symnum.pde.loops.affine import Affine, Cut, flat_index
from symnum.pde.loops.block import Block, Slot, Store
from symnum.pde.loops.lowering import Follower, KeepNode, Memory, NotLowered, Place, corner_of
from symnum.pde.loops.matrices import MAX_DENSE, MatrixCall, matrix_call
from symnum.pde.loops.storage import Storage
from symnum.pde.nodes import Assembly, Node, Product, Total, View
from symnum.pde.regions import Shape, Strided, contiguous_strides

UNROLLED = 4
MAX_UNROLLED = 8
"""Axes of at most so many entries are written out instead of looped over, up to so many statements in all."""

MANY_VALUES = 3000
"""A program that computes more values in its boxes keeps more arrays in memory instead."""

MAX_BOXES = 3000
MAX_VALUES = 15_000
"""A program that needs more boxes, or more values in all its boxes, is not worth the machine code."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Store the entry of ``node`` at ``place`` into ``buffer`` at ``index``; ``add`` adds it to what is there.

    ``inside`` tells that this is what computes the node, which others read.  Without a node, the entry of work memory at ``place[0]``
    is stored, or 0 where there is no place.
    """

    node: Node | None
    place: Place
    buffer: str
    index: Affine
    inside: bool = False
    add: bool = False

    def changed(self, change: Cut.Change) -> Statement:
        """Return the statement over other loop indices."""
        return replace(self, place=tuple(map(change, self.place)), index=change(self.index))


@dataclass(frozen=True, slots=True)
class Box:
    """Statements for all loop indices below ``counts``; ``at`` is where the box lies in the nest that it was cut from."""

    counts: Shape
    at: Place
    statements: tuple[Statement, ...]

    def parts(self, cut: Cut) -> list[Box]:
        """Return the boxes that a cut makes."""
        return [
            Box(counts, tuple(map(change, self.at)), tuple(s.changed(change) for s in self.statements))
            for counts, change in cut.parts(self.counts)
        ]


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of the innermost loop, of ``count`` iterations."""

    count: int
    block: Block


@dataclass(frozen=True, slots=True)
class Nest:
    """Outer loops around segments, which lie side by side; ``whole`` nests are not divided among threads."""

    outer: Shape
    segments: tuple[Segment, ...]
    whole: bool = False


@dataclass(frozen=True)
class Loops:
    """The nests of a program, stage by stage, and the memory that they read."""

    stages: tuple[tuple[Nest | MatrixCall, ...], ...]
    memory: Memory
    boxes: int
    kept: int


def loops_of(storage: Storage) -> Loops:
    """Return a program as nests; nodes that turn out to be needed in memory are added to ``storage.kept``.

    Raises NotLowered for what has no loops.
    """
    programs: dict[int, Program] = {}
    while True:
        memory = Memory(storage)
        builder = _Builder(memory, programs)
        try:
            return builder.build()
        except _TooMany:
            storage.keep_more()
        except KeepNode as wanted:
            if wanted.node.index in storage.kept:
                raise NotLowered(f"{type(wanted.node).__name__} cannot be computed entry by entry") from None
            storage.kept.add(wanted.node.index)


class _TooMany(Exception):
    """Say that a program computes so many values that more arrays should be kept."""


class _Builder:
    def __init__(self, memory: Memory, programs: dict[int, Program]) -> None:
        self.memory, self.storage, self.programs = memory, memory.storage, programs
        self.boxes = self.values = 0

    def build(self) -> Loops:
        stages: list[tuple[Nest | MatrixCall, ...]] = []
        for nodes in self.storage.stages():
            groups: dict[int, dict[Shape, list[Statement]]] = {}
            calls = [self._call(node) for node in nodes if self._is_call(node)]
            for node in nodes:
                if self._is_call(node):
                    continue
                for step, extents, statement in self._statements(node):
                    groups.setdefault(step, {}).setdefault(extents, []).append(statement)
            steps = [
                [nest for extents, found in groups[step].items() for nest in self._nests(extents, found)]
                for step in sorted(groups)
            ]
            stages += [(*calls, *steps[0]), *map(tuple, steps[1:])] if steps else [tuple(calls)]
        kept = len(self.memory.offsets)
        return Loops(tuple(stages), self.memory, self.boxes, kept)

    def _is_call(self, node: Node) -> bool:
        """Tell whether BLAS computes a node."""
        return isinstance(node, Product) and self.storage.gathers.get(node.index, False) is None

    def _call(self, node: Node) -> MatrixCall:
        assert isinstance(node, Product)
        if node.matrix.shape[0] * node.matrix.shape[1] > MAX_DENSE:
            raise NotLowered(
                f"a sparse matrix of shape {node.matrix.shape} with long rows is multiplied by SciPy"
            )
        source, target = self.memory.whole(node.source), self._target(node)
        if source is None:
            raise KeepNode(node.source)
        if self.storage.graph.dtype != self.storage.dtype or source[0] == "params":
            raise NotLowered("a product of matrices mixes float32 and float64")
        dense = node.matrix if isinstance(node.matrix, np.ndarray) else node.matrix.toarray()
        return matrix_call(node, source, target, self.memory.array(("matrix", node.index), dense))

    def _target(self, node: Node) -> tuple[str, int]:
        return ("out", 0) if node is self.storage.root else ("work", self.memory.offsets[node.index])

    # --- statements -----------------------------------------------------------------------------------------------------------

    def _statements(self, node: Node) -> Iterator[tuple[int, Shape, Statement]]:
        """Yield the statements that store a node: in which step of its stage, over which extents, and the statement."""
        buffer, start = self._target(node)
        if isinstance(node, Total):
            yield from self._sum(node, buffer, start)
            return
        for part, region in self._exploded(node):
            for extents, place, index in self._unrolled(region.shape, region.strides, region.offset + start):
                yield 0, extents, Statement(part, place, buffer, index, part is node)

    def _sum(self, node: Total, buffer: str, start: int) -> Iterator[tuple[int, Shape, Statement]]:
        """Yield the statements of a sum: clear it, and add to it.

        A sum over the first axis and others goes by way of one sum for each index of the first, which threads can share.
        """
        source = node.source
        ways: list[tuple[Node | None, tuple[int, ...], str, int]] = [(source, node.axes, buffer, start)]
        if node.axes[0] == 0 and len(node.axes) > 1:
            between = self.memory.more_work(source.size // prod(source.shape[a] for a in node.axes[1:]))
            ways = [(source, node.axes[1:], "work", between), (None, (0,), buffer, start)]
        shape = source.shape
        for step, (what, axes, into, at) in enumerate(ways, 1):
            kept = [a for a in range(len(shape)) if a not in axes]
            result = tuple(shape[a] for a in kept)
            for extents, _, index in self._unrolled(result, contiguous_strides(result), at):
                yield 0, extents, Statement(None, (), into, index)
            strides = [0] * len(shape)
            for a, stride in zip(kept, contiguous_strides(result), strict=True):
                strides[a] = stride
            for extents, place, index in self._unrolled(shape, tuple(strides), at, in_order=True):
                if what is None:
                    depth = len(extents)
                    place = (flat_index(place, contiguous_strides(shape), ways[0][3], depth),)
                yield step, extents, Statement(what, place, into, index, add=True)
            shape = result

    def _exploded(self, node: Node) -> Iterator[tuple[Node, Strided]]:
        """Yield nodes and the regions of the target that they fill: the pieces of an assembly that do not overlap."""
        stack = [(node, Strided.whole(node.shape))]
        while stack:
            part, region = stack.pop()
            inner = part is not node and self.storage.is_addressable(part)
            if (
                isinstance(part, View)
                and isinstance(part.region, Strided)
                and part.region.is_whole()
                and part.size == part.source.size
                and not inner
            ):
                again = _reshaped(region, part.source.shape)
                if again is not None:
                    stack.append((part.source, again))
                    continue
            pieces = self._pieces(part, region) if isinstance(part, Assembly) and not inner else None
            if pieces is None:
                yield part, region
            else:
                stack.extend(reversed(pieces))

    def _pieces(self, node: Assembly, region: Strided) -> list[tuple[Node, Strided]] | None:
        """Return the pieces of an assembly with their regions of the target, or None where they overlap or leave gaps."""
        base_shows, overlap, pieces = self.storage.graph.visible(node)
        if base_shows or overlap:
            return None
        found: list[tuple[Node, Strided]] = []
        for where, piece in pieces:
            if not isinstance(where, Strided):
                return None
            corner = corner_of(where, node.shape)
            index = flat_index(corner, region.strides, region.offset, len(where.shape))
            found.append((piece, Strided(index.start, where.shape, index.steps)))
        return found

    def _unrolled(
        self, shape: Shape, strides: Shape, start: int, *, in_order: bool = False
    ) -> Iterator[tuple[Shape, Place, Affine]]:
        """Yield for each place along the short axes the extents of the loops over the others, the place, and where it is stored.

        The axis of the least step in memory is the innermost loop, or the last axis with ``in_order``.
        """
        extents = [n for n in shape if n > 1]
        short: set[int] = set()
        for a in reversed(range(len(shape))):
            if 1 < shape[a] <= UNROLLED and prod(shape[b] for b in short) * shape[a] <= MAX_UNROLLED:
                short.add(a)
        if len(short) == len(extents) and extents:
            short.discard(max(short))
        looped = [a for a, n in enumerate(shape) if n > 1 and a not in short]
        if not in_order:
            looped.sort(key=lambda a: (-abs(strides[a]), a))
        depth = max(len(looped), 1)
        counts = tuple(shape[a] for a in looped) or (1,)
        loop_of = {a: k for k, a in enumerate(looped)}
        order = sorted(short)
        for corner in _corners([shape[a] for a in order]):
            fixed = dict(zip(order, corner, strict=True))
            place = tuple(
                Affine.of_loop(loop_of[a], depth) if a in loop_of else Affine.number(fixed.get(a, 0), depth)
                for a in range(len(shape))
            )
            yield counts, place, flat_index(place, strides, start, depth)

    # --- boxes ----------------------------------------------------------------------------------------------------------------

    def _nests(self, extents: Shape, statements: list[Statement]) -> list[Nest]:
        """Return the nests of statements over the same extents."""
        depth = len(extents)
        at = tuple(Affine.of_loop(k, depth) for k in range(depth))
        waiting = [Box(extents, at, tuple(statements))]
        rows: dict[Any, list[tuple[int, Segment]]] = {}
        while waiting:
            box = waiting.pop()
            try:
                block = self._block(box)
            except Cut as cut:
                waiting += reversed(box.parts(cut))
                if len(waiting) + self.boxes > MAX_BOXES:
                    raise NotLowered(f"it falls into more than {MAX_BOXES} regions") from None
                continue
            self.boxes += 1
            self.values += len(block.values)
            if self.values > MANY_VALUES and self.storage.can_keep_more:
                raise _TooMany
            if self.values > MAX_VALUES:
                raise NotLowered(f"its loops would compute more than {MAX_VALUES} values")
            key = (box.counts[:-1], tuple((a.steps[:-1], None if a.steps[-1] else a.start) for a in box.at))
            first = sum(a.start for a in box.at if a.steps[-1])
            rows.setdefault(key, []).append((first, Segment(box.counts[-1], block)))
        whole = any(s.add and not s.index.steps[0] for s in statements)
        return [
            collapsed(
                Nest(key[0], tuple(segment for _, segment in sorted(found, key=lambda pair: pair[0])), whole)
            )
            for key, found in rows.items()
        ]

    def _block(self, box: Box) -> Block:
        follower = Follower(self.memory, box.counts, self.programs)
        block = follower.block
        for s in box.statements:
            if s.node is not None:
                value = follower.value(s.node, s.place, inside=s.inside)
            elif s.place:
                value = block.load(Slot("work", s.place[0]))
            else:
                value = block.number(0.0, self.memory.scalars)
            slot = Slot(s.buffer, s.index)
            block.slot(slot)
            block.stores.append(Store(slot, value, s.add))
        return block


def collapsed(nest: Nest) -> Nest:
    """Return a nest of one segment with its innermost loops made one where all that they reach lies at even distances."""
    while nest.outer and len(nest.segments) == 1:
        (segment,) = nest.segments
        block, depth = segment.block, len(nest.outer)
        indices = [s.index for slot in block.slots for s in (slot, slot.through) if s is not None]
        if any(index.steps[depth - 1] != index.steps[depth] * segment.count for index in indices):
            return nest
        merged = Block(depth, [], [slot.without_loop(depth - 1) for slot in block.slots])
        merged.values = [replace(v, depth=depth) if v.depth > depth else v for v in block.values]
        merged.stores = [replace(s, slot=s.slot.without_loop(depth - 1)) for s in block.stores]
        nest = Nest(nest.outer[:-1], (Segment(nest.outer[-1] * segment.count, merged),), nest.whole)
    return nest


def _reshaped(region: Strided, shape: Shape) -> Strided | None:
    """Return a region in another shape of the same entries, or None where no strides describe it."""
    reach = sum(s * (n - 1) for s, n in zip(region.strides, region.shape, strict=True) if s > 0)
    return region.through(region.offset + reach + 1, lambda a: a.reshape(shape))


def _corners(extents: list[int]) -> Iterable[tuple[int, ...]]:
    strides = contiguous_strides(tuple(extents))
    for k in range(prod(extents)):
        yield tuple(k // s % n if s else 0 for s, n in zip(strides, extents, strict=True))
