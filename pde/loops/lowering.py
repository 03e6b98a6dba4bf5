"""The entries of an array as values over loop indices: views, assemblies and stencils are followed to the memory they read.

``value`` follows one node at one place of a nest.  Where the place lies in one piece of an assembly for some iterations and in another
for others, a Cut says which loop to change; where an array has to be in memory, KeepNode says which.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.codegen.lower import Program, lower
from symnum.pde.loops.affine import Affine, Cut, Interleave, SplitAt, flat_index, unravel
from symnum.pde.loops.block import Block, Slot, Value
from symnum.pde.loops.storage import Storage
from symnum.pde.nodes import Assembly, Constant, Elementwise, Input, Node, Product, View, is_boolean
from symnum.pde.regions import Listed, Shape, Strided, contiguous_strides

Place = tuple[Affine, ...]


class NotLowered(ValueError):
    """Say why a program has no loops; it then runs on NumPy's buffers."""


class KeepNode(Exception):
    """Say that a node has to be kept in memory, because its entries are not read in a regular order."""

    def __init__(self, node: Node) -> None:
        self.node = node


@dataclass
class Memory:
    """Where things lie: kept arrays in ``work``, constants in ``numbers`` behind the scalars, index arrays in ``ints``, and the
    parameters one after the other in ``params``.

    Offsets of constants count from the end of the scalars, whose number is known only at the end.
    """

    storage: Storage
    scalars: dict[float, int] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    work_size: int = 0
    arrays: list[Any] = field(default_factory=list)
    arrays_size: int = 0
    lists: list[Any] = field(default_factory=list)
    lists_size: int = 0
    _placed: dict[Hashable, int] = field(default_factory=dict)
    _listed: dict[Hashable, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at = 0
        for given in self.storage.graph.inputs:
            if given.name not in ("t", "u"):
                self.parameters[given.name] = at
                at += given.size
        for node in self.storage.order:
            if node.index in self.storage.kept and node is not self.storage.root:
                self.offsets[node.index] = self.more_work(node.size)

    def more_work(self, size: int) -> int:
        """Return the offset in ``work`` of so many more entries."""
        at = self.work_size
        self.work_size += -(-size // ALIGNED) * ALIGNED
        return at

    def constant(self, node: Node) -> tuple[int, Shape]:
        """Return offset and strides of a constant array; along axes where it does not change it has one entry, and stride 0."""
        value = self.constants[node.index]
        for axis in range(value.ndim):
            first = value.take([0], axis=axis)
            if value.shape[axis] > 1 and (value == first).all():
                value = first
        strides = tuple(
            s if n > 1 else 0 for s, n in zip(contiguous_strides(value.shape), value.shape, strict=True)
        )
        return self.array(node.index, value), strides

    def array(self, key: Hashable, value: Any) -> int:
        """Return the offset in ``numbers`` of an array after putting it there; equal keys are one array."""
        found = self._placed.get(key)
        if found is None:
            found = self._placed[key] = self.arrays_size
            self.arrays.append(np.ascontiguousarray(value).reshape(-1))
            self.arrays_size += value.size
        return found

    def list(self, key: Hashable, positions: Any) -> int:
        """Return the offset in ``ints`` of whole numbers after putting them there; equal keys are one array."""
        found = self._listed.get(key)
        if found is None:
            found = self._listed[key] = self.lists_size
            self.lists.append(positions.reshape(-1))
            self.lists_size += positions.size
        return found

    def whole(self, node: Node) -> tuple[str, int] | None:
        """Return buffer and offset of a node that lies in memory whole, or None."""
        if isinstance(node, Input) and node.name != "t":
            return ("u", 0) if node.name == "u" else ("params", self.parameters[node.name])
        offset = self.offsets.get(node.index)
        return None if offset is None else ("work", offset)

    @cached_property
    def constants(self) -> dict[int, Any]:
        """Return {index: value} of the constant nodes that others read."""
        from symnum.pde.program import ArrayProgram

        storage = self.storage
        wanted = {
            atom.index: atom
            for node in storage.order
            if node.index not in storage.constant
            for atom in storage.graph.atoms(node)
            if atom.index in storage.constant
        }
        if storage.root.index in storage.constant:
            wanted[storage.root.index] = storage.root
        computed = [node for node in wanted.values() if not isinstance(node, Constant)]
        values = ArrayProgram(storage.graph, computed, "numpy").run(0.0, ()) if computed else []
        found = {node.index: node.value for node in wanted.values() if isinstance(node, Constant)}
        return found | {
            node.index: np.broadcast_to(value, node.shape)
            for node, value in zip(computed, values, strict=True)
        }


ALIGNED = 8
"""Kept arrays begin at multiples of so many entries, as wide as a cache line."""

_Task = Generator[tuple[Node, Place], Value, Value]


class Follower:
    """Follow nodes to values of one block, in a nest of the given counts."""

    def __init__(self, memory: Memory, counts: Shape, programs: dict[int, Program]) -> None:
        self.memory, self.storage, self.counts = memory, memory.storage, counts
        self.graph = memory.storage.graph
        self.block = Block(len(counts))
        self.programs = programs
        self._known: dict[tuple[int, Place], Value] = {}

    def value(self, node: Node, place: Place, *, inside: bool = False) -> Value:
        """Return the value of a node at a place, with a stack instead of recursion.

        ``inside`` computes a kept node itself instead of reading it.
        """
        stack: list[tuple[tuple[int, Place], _Task]] = [
            ((node.index, place), self._follow(node, place, inside))
        ]
        found: Any = None
        while stack:
            key, task = stack[-1]
            try:
                wanted, where = task.send(found)
            except StopIteration as done:
                found = self._known[key] = done.value
                stack.pop()
                continue
            key = (wanted.index, where)
            found = self._known.get(key)
            if found is None:
                stack.append((key, self._follow(wanted, where, False)))
        return self._known[node.index, place]

    def _follow(self, node: Node, place: Place, inside: bool) -> _Task:
        if not inside or isinstance(node, Input) or node.index in self.storage.constant:
            slot = self._slot(node, place)
            if slot is not None:
                return self.block.load(slot)
        if isinstance(node, Input):
            if node.name == "t":
                return self.block.time()
            at = self.memory.parameters[node.name]
            return self.block.load(self._entry(node, "params", at, place))
        if isinstance(node, Elementwise):
            return (yield from self._elementwise(node, place))
        if isinstance(node, View):
            return (yield from self._view(node, place))
        if isinstance(node, Assembly):
            return (yield from self._assembly(node, place))
        if isinstance(node, Product):
            return (yield from self._product(node, place))
        raise KeepNode(node)

    # --- memory ---------------------------------------------------------------------------------------------------------------

    def _slot(self, node: Node, place: Place) -> Slot | None:
        """Return where the entry of a node lies in memory, or None for a node that is computed."""
        if isinstance(node, Elementwise) and interface.is_number(node.term):
            return None
        if node.index in self.storage.constant:
            offset, strides = self.memory.constant(node)
            return Slot("numbers", flat_index(place, strides, offset, len(self.counts)))
        if isinstance(node, Input) and node.name == "u":
            return self._entry(node, "u", 0, place)
        if node.index in self.memory.offsets:
            return self._entry(node, "work", self.memory.offsets[node.index], place)
        return None

    def _entry(self, node: Node, buffer: str, offset: int, place: Place) -> Slot:
        return Slot(buffer, flat_index(place, contiguous_strides(node.shape), offset, len(self.counts)))

    def _flat_slot(self, node: Node, index: Affine) -> Slot | None:
        """Return the slot of a flat position in a node that lies in memory whole, or None."""
        found = self.memory.whole(node)
        return None if found is None else Slot(found[0], index.shifted(found[1]))

    # --- nodes ----------------------------------------------------------------------------------------------------------------

    def _elementwise(self, node: Elementwise, place: Place) -> _Task:
        atoms = self.graph.atoms(node)
        program = self.programs.get(node.index)
        if program is None:
            program = self.programs[node.index] = lower([node.term], [self.graph.symbol(a) for a in atoms])
        found: list[Value] = []
        for atom in atoms:
            found.append((yield atom, self._broadcast(atom.shape, place)))
        block, count = self.block, len(atoms)

        def value(operand: int) -> Value:
            if operand < 0:
                return block.number(program.constants[-1 - operand], self.memory.scalars)
            return found[operand]

        for step, (head, operands) in enumerate(program.steps):
            found.append(block.call(head, tuple(map(value, operands)), program.is_boolean(count + step)))
        return self._typed(node, value(program.outputs[0]))

    def _typed(self, node: Node, value: Value) -> Value:
        """Return a value rounded to the type of its node."""
        if node.dtype == np.float32 and not (is_boolean(node) or node.weak):
            return self.block.rounded(value)
        return value

    def _broadcast(self, shape: Shape, place: Place) -> Place:
        zero = Affine.number(0, len(self.counts))
        inner = place[len(place) - len(shape) :]
        return tuple(zero if n == 1 else index for n, index in zip(shape, inner, strict=True))

    def _view(self, node: View, place: Place) -> _Task:
        source, region = node.source, node.region
        if isinstance(region, Listed):
            at = self.memory.list(region, region.positions)
            through = Slot("ints", flat_index(place, contiguous_strides(region.shape), at, len(self.counts)))
            slot = self._flat_slot(source, Affine.number(0, len(self.counts)))
            if slot is None:
                raise KeepNode(source)
            return self.block.load(Slot(slot.buffer, slot.index, through))
        index = flat_index(place, region.strides, region.offset, len(self.counts))
        slot = self._flat_slot(source, index)
        if slot is not None:
            return self.block.load(slot)
        where = unravel(index, self.counts, source.shape)
        if where is None:
            raise KeepNode(source)
        return (yield source, where)

    def _assembly(self, node: Assembly, place: Place) -> _Task:
        base_shows, _, pieces = self.graph.visible(node)
        over: list[tuple[Value, Value]] = []
        found: Value | None = None
        for region, piece in reversed(pieces):
            if isinstance(region, Listed):
                over.append((yield from self._listed(node, region, piece, place)))
                continue
            inner = self._within(region, node.shape, place)
            if inner is not None:
                found = yield piece, inner
                break
        if found is None:
            if base_shows and node.base is not None:
                found = yield node.base, place
            else:
                found = self.block.number(float("nan"), self.memory.scalars)
        for condition, value in reversed(over):
            found = self.block.call("ifelse", (condition, value, found), False)
        return found

    def _listed(
        self, node: Assembly, region: Listed, piece: Node, place: Place
    ) -> Generator[tuple[Node, Place], Value, tuple[Value, Value]]:
        """Return whether the entry at a place is among the listed ones, and which entry of the piece it is then."""
        block, memory = self.block, self.memory
        zero = Affine.number(0, len(self.counts))
        at = np.full(node.size, -1, np.int64)
        at[region.positions.reshape(-1)] = np.arange(region.size)
        index = flat_index(place, contiguous_strides(node.shape), 0, len(self.counts))
        chosen = memory.array(("chosen", node.index, region), (at >= 0).astype(float))
        mark = block.load(Slot("numbers", index.shifted(chosen)))
        condition = block.call("!=", (mark, block.number(0.0, memory.scalars)))
        if all(atom.size == 1 for atom in self.graph.atoms(piece)) and isinstance(piece, Elementwise):
            return condition, (yield piece, (zero,) * len(piece.shape))
        if piece.index in self.storage.constant:
            values = np.broadcast_to(memory.constants[piece.index], piece.shape)
            whole: tuple[str, int] | None = ("numbers", memory.array(("whole", piece.index), values))
        else:
            whole = memory.whole(piece)
        if whole is None:
            raise KeepNode(piece)
        positions = memory.list(("chosen", node.index, region), np.maximum(at, 0))
        through = Slot("ints", index.shifted(positions))
        return condition, block.load(Slot(whole[0], zero.shifted(whole[1]), through))

    def _within(self, region: Strided, shape: Shape, place: Place) -> Place | None:
        """Return the place in a piece of a place in its assembly, or None where it lies outside; raises Cut where it does both."""
        depth = len(region.shape)
        corner = corner_of(region, shape)
        inner = [Affine.number(0, len(self.counts))] * depth
        outside = False
        cut: Exception | None = None
        for index, axis in zip(place, corner, strict=True):
            loops = axis.loops()
            if len(loops) > 1:
                raise NotLowered("a part of an array is written to in another shape")
            step = axis.steps[loops[0]] if loops else 1
            count = region.shape[loops[0]] if loops else 1
            try:
                found = self._along(index, axis.start, step, count)
            except (SplitAt, Interleave) as problem:
                cut = cut or problem
                continue
            if found is None:
                outside = True
            elif loops:
                inner[loops[0]] = found
        if outside:
            return None
        if cut is not None:
            raise cut
        return tuple(inner)

    def _along(self, index: Affine, start: int, step: int, count: int) -> Affine | None:
        """Return (index - start)/step if it lies in 0 ... count-1 for the whole nest, None if it never does; else raises Cut."""
        first, last = sorted((start, start + step * (count - 1)))
        low, high = index.bounds(self.counts)
        if high < first or low > last:
            return None
        for end in (first, last + 1):
            if low < end <= high:
                k = max(index.loops(), key=lambda axis: abs(index.steps[axis]) * (self.counts[axis] - 1))
                s = index.steps[k]
                at = -(-(end - (low if s > 0 else high)) // s) if s > 0 else (high - end) // -s + 1
                raise SplitAt(k, min(max(at, 1), self.counts[k] - 1))
        m = abs(step)
        if m > 1:
            for k, s in enumerate(index.steps):
                if s % m:
                    raise Interleave(k, m // int(np.gcd(s, m)))
            if (index.start - start) % m:
                return None
        return Affine((index.start - start) // step, tuple([s // step for s in index.steps]))

    def _product(self, node: Product, place: Place) -> _Task:
        stencil = self.storage.stencils[node.index]
        axis = len(place) - (2 if node.left and len(place) > 1 else 1)
        row = place[axis]
        if stencil is None:
            return self._gathered_product(node, place, axis)
        kind = stencil.kind_of(row, self.counts)
        block, total = self.block, None
        for entry, distance in enumerate(stencil.distances[kind]):
            x = yield node.source, (*place[:axis], row.shifted(distance), *place[axis + 1 :])
            if stencil.coefficients is None:
                c = block.load(self._coefficient(node, stencil.values, entry, row))
                x = block.call("*", (x, c))
            else:
                number = stencil.coefficients[kind][entry]
                if number != 1.0:
                    x = block.call("*", (x, block.number(number, self.memory.scalars)))
            total = x if total is None else block.call("+", (total, x))
        return block.number(0.0, self.memory.scalars) if total is None else total

    def _gathered_product(self, node: Product, place: Place, axis: int) -> Value:
        """Return an entry of a product whose matrix has its own columns in each row."""
        gather = self.storage.gathers[node.index]
        assert gather is not None, "BLAS makes other products"
        strides = contiguous_strides(node.source.shape)
        start = (*place[:axis], Affine.number(0, len(self.counts)), *place[axis + 1 :])
        first = self._flat_slot(node.source, flat_index(start, strides, 0, len(self.counts)))
        if first is None:
            raise KeepNode(node.source)
        block, total = self.block, None
        count = gather.columns.shape[1]
        columns = self.memory.list(("columns", node.index), gather.columns * strides[axis])
        for entry in range(len(gather.columns)):
            through = Slot("ints", place[axis].shifted(columns + entry * count))
            x = block.load(Slot(first.buffer, first.index, through))
            x = block.call("*", (x, block.load(self._coefficient(node, gather.values, entry, place[axis]))))
            total = x if total is None else block.call("+", (total, x))
        return block.number(0.0, self.memory.scalars) if total is None else self._typed(node, total)

    def _coefficient(self, node: Product, values: Any, entry: int, row: Affine) -> Slot:
        at = self.memory.array(("bands", node.index), values)
        return Slot("numbers", row.shifted(at + entry * values.shape[1]))


@lru_cache(maxsize=4096)
def corner_of(region: Strided, shape: Shape) -> Place:
    """Return the place in an array of this shape of the entries of a region, over the axes of the region."""
    try:
        corner = unravel(Affine(region.offset, region.strides), region.shape, shape)
    except Cut:
        corner = None
    if corner is None:
        raise NotLowered("a part of an array is written to in an order that is not that of its axes")
    loops = [k for index in corner for k in index.loops()]
    if len(set(loops)) < len(loops):
        raise NotLowered("a diagonal of an array is written to")
    return corner


def places(shape: Sequence[int]) -> Place:
    """Return the place of the entry that a nest over all entries meets."""
    return tuple(Affine.of_loop(axis, len(shape)) for axis in range(len(shape)))
