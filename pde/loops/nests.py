"""From arrays to loop nests: the statements of a stage, cut into boxes, and boxes that lie side by side as segments of one nest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from symnum.codegen.lower import Program
from symnum.pde.graph import Assembly, Node, Total, View
from symnum.pde.loops.affine import Affine, Cut, flat_index
from symnum.pde.loops.block import Block, Slot, Store
from symnum.pde.loops.lowering import Follower, KeepNode, Memory, NotLowered, Place, corner_of
from symnum.pde.loops.storage import Storage
from symnum.pde.regions import Shape, Strided, contiguous_strides

UNROLLED = 8
"""Axes of at most so many entries are written out instead of looped over, when there are other axes to loop over."""

MAX_BOXES = 3000
MAX_VALUES = 60_000
"""A program that needs more boxes, or more values in all its boxes, is not worth the machine code."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Store the entry of ``node`` at ``place`` into ``buffer`` at ``index``; ``add`` adds it to what is there.

    ``inside`` tells that this is what computes the node, which others read.
    """

    node: Node
    place: Place
    buffer: str
    index: Affine
    inside: bool
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

    stages: tuple[tuple[Nest, ...], ...]
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
        try:
            return _Builder(memory, programs).build()
        except KeepNode as wanted:
            if wanted.node.index in storage.kept:
                raise NotLowered(f"{type(wanted.node).__name__} cannot be computed entry by entry") from None
            storage.kept.add(wanted.node.index)


class _Builder:
    def __init__(self, memory: Memory, programs: dict[int, Program]) -> None:
        self.memory, self.storage, self.programs = memory, memory.storage, programs
        self.boxes = self.values = 0

    def build(self) -> Loops:
        stages: list[tuple[Nest, ...]] = []
        for nodes in self.storage.stages():
            groups: dict[Any, tuple[Shape, list[Statement]]] = {}
            for node in nodes:
                for extents, statement in self._statements(node):
                    key = (extents, statement.add)
                    groups.setdefault(key, (extents, []))[1].append(statement)
            nests = [nest for extents, found in groups.values() for nest in self._nests(extents, found)]
            stages.append(tuple(nests))
        kept = len(self.memory.offsets)
        return Loops(tuple(stages), self.memory, self.boxes, kept)

    # --- statements -----------------------------------------------------------------------------------------------------------

    def _statements(self, node: Node) -> Iterator[tuple[Shape, Statement]]:
        """Yield the statements that store a node, with the extents of the nest of each."""
        if node is self.storage.root:
            buffer, start = "out", 0
        else:
            buffer, start = "work", self.memory.offsets[node.index]
        if isinstance(node, Total):
            raise NotLowered("a sum over an axis")
        for part, region in self._exploded(node):
            yield from self._unrolled(part, region, buffer, start, part is node)

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
                and not inner
            ):
                shape = part.source.shape
                again = region.through(region.offset + _reach(region) + 1, lambda a, s=shape: a.reshape(s))
                if again is not None and part.source.size == part.size:
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
        self, node: Node, region: Strided, buffer: str, start: int, inside: bool
    ) -> Iterator[tuple[Shape, Statement]]:
        """Yield one statement for each place along the short axes; the axis of the least step in memory is the innermost loop."""
        extents = [n for n in region.shape if n > 1]
        short = {a for a, n in enumerate(region.shape) if 1 < n <= UNROLLED}
        if len(short) == len(extents) and extents:
            short.discard(max(short))
        looped = [a for a, n in enumerate(region.shape) if n > 1 and a not in short]
        looped.sort(key=lambda a: (-abs(region.strides[a]), a))
        depth = max(len(looped), 1)
        counts = tuple(region.shape[a] for a in looped) or (1,)
        loop_of = {a: k for k, a in enumerate(looped)}
        order = sorted(short)
        for corner in _corners([region.shape[a] for a in order]):
            fixed = dict(zip(order, corner, strict=True))
            place = tuple(
                Affine.of_loop(loop_of[a], depth) if a in loop_of else Affine.number(fixed.get(a, 0), depth)
                for a in range(len(region.shape))
            )
            index = flat_index(place, region.strides, region.offset + start, depth)
            yield counts, Statement(node, place, buffer, index, inside)

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
            if self.values > MAX_VALUES:
                raise NotLowered(f"its loops would compute more than {MAX_VALUES} values")
            key = (box.counts[:-1], tuple((a.steps[:-1], None if a.steps[-1] else a.start) for a in box.at))
            first = sum(a.start for a in box.at if a.steps[-1])
            rows.setdefault(key, []).append((first, Segment(box.counts[-1], block)))
        return [
            Nest(key[0], tuple(segment for _, segment in sorted(found, key=lambda pair: pair[0])))
            for key, found in rows.items()
        ]

    def _block(self, box: Box) -> Block:
        follower = Follower(self.memory, box.counts, self.programs)
        block = follower.block
        for s in box.statements:
            value = follower.value(s.node, s.place, inside=s.inside)
            slot = Slot(s.buffer, s.index)
            block.slot(slot)
            block.stores.append(Store(slot, value, s.add))
        return block


def _reach(region: Strided) -> int:
    """Return how far a region reaches beyond its offset."""
    return sum(s * (n - 1) for s, n in zip(region.strides, region.shape, strict=True) if s > 0)


def _corners(extents: list[int]) -> Iterable[tuple[int, ...]]:
    strides = contiguous_strides(tuple(extents))
    for k in range(prod(extents)):
        yield tuple(k // s % n if s else 0 for s, n in zip(strides, extents, strict=True))
