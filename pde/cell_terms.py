"""The formula of a single entry of an array program, at a cost that does not depend on the grid."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.pde.graph import Assembly, Elementwise, Graph, Input, Node, Product, Total, View
from symnum.pde.regions import Region, Shape, Strided

MAX_ADDENDS = 64
"""A sum or matrix row of more entries than this stands as one symbol: it is no stencil."""

Entry = tuple[int, int]
"""The index of a node and a position in it."""


class CellTerms:
    """Make the terms of entries of a graph's arrays.

    ``meaning`` says what the symbols stand for that are no inputs of one entry: {name: (node, position)}, for an entry of the state,
    of an array of parameters or of constants, and of a sum or product that is too long to be written out.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.meaning: dict[str, tuple[Node, int]] = {}
        self._known: dict[Entry, Any] = {}

    def term(self, node: Node, position: int) -> Any:
        """Return the term of the entry at a position of the flattened array."""
        stack = [(node, position)]
        while stack:
            node, position = stack[-1]
            key = (node.index, position)
            if key in self._known:
                stack.pop()
                continue
            parts = self._parts(node, position)
            waiting = [(part, at) for part, at, _ in parts if (part.index, at) not in self._known]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            self._known[key] = self._made(node, position, parts)
        return self._known[key]

    def _parts(self, node: Node, position: int) -> list[tuple[Node, int, float]]:
        """Return what an entry is made of: (node, position, weight)."""
        if isinstance(node, Elementwise):
            place = np.unravel_index(position, node.shape) if node.shape else ()
            return [(atom, _broadcast(place, atom.shape), 1.0) for atom in self.graph.atoms(node)]
        if isinstance(node, View):
            return [(node.source, position_in(node.region, position), 1.0)]
        if isinstance(node, Assembly):
            _, _, pieces = self.graph.visible(node)
            for region, piece in reversed(pieces):
                at = place_of(region, position)
                if at >= 0:
                    return [(piece, at, 1.0)]
            if node.base is None:
                return []
            place = np.unravel_index(position, node.shape) if node.shape else ()
            return [(node.base, _broadcast(place, node.base.shape), 1.0)]
        if isinstance(node, Product):
            return _row(node, position)
        if isinstance(node, Total):
            return _addends(node, position)
        return []

    def _made(self, node: Node, position: int, parts: list[tuple[Node, int, float]]) -> Any:
        terms = [self._known[part.index, at] for part, at, _ in parts]
        if isinstance(node, Elementwise):
            symbols = [self.graph.symbol(part) for part, _, _ in parts]
            return substitute(node.term, dict(zip(symbols, terms, strict=True))) if parts else node.term
        if isinstance(node, Product | Total) and (parts or _length(node, position) == 0):
            scaled = [interned.scale(_exact(w), term) for term, (_, _, w) in zip(terms, parts, strict=True)]
            return interned.add_many(scaled)
        if isinstance(node, View | Assembly):
            return terms[0] if terms else interned.number(float("nan"))
        if isinstance(node, Input) and not node.shape and node.name != "u":
            return interned.symbol(node.name)
        name = f"{node.name if isinstance(node, Input) else f'a{node.index}'}@{position}"
        self.meaning[name] = (node, position)
        return interned.symbol(name)


def _exact(weight: float) -> Any:
    return int(weight) if float(weight).is_integer() else float(weight)


def _broadcast(place: tuple[Any, ...], shape: Shape) -> int:
    """Return the position of the entry that an array of this shape has at a place of the array it is broadcast to."""
    own = place[len(place) - len(shape) :]
    position = 0
    for at, extent in zip(own, shape, strict=True):
        position = position * extent + (int(at) if extent > 1 else 0)
    return position


def position_in(region: Region, place: int) -> int:
    """Return the position in the source of the entry at a place of the region's flattened array."""
    if not isinstance(region, Strided):
        return int(region.positions.reshape(-1)[place])
    position = region.offset
    for extent, stride in zip(reversed(region.shape), reversed(region.strides), strict=True):
        place, at = divmod(place, extent)
        position += at * stride
    return position


def place_of(region: Region, position: int) -> int:
    """Return the last place of a region whose position this is, or -1.

    >>> place_of(Strided(1, (2, 3), (10, 2)), 13), place_of(Strided(1, (2, 3), (10, 2)), 12)
    (4, -1)
    """
    if not isinstance(region, Strided):
        found = np.flatnonzero(region.positions.reshape(-1) == position)
        return int(found[-1]) if len(found) else -1
    rest, place = position - region.offset, [0] * len(region.shape)
    for extent, stride in zip(region.shape, region.strides, strict=True):
        rest -= min(stride * (extent - 1), 0)  # negative strides are walked from their other end
    for axis in sorted(range(len(place)), key=lambda axis: -abs(region.strides[axis])):
        extent, stride = region.shape[axis], region.strides[axis]
        if extent == 1 or stride == 0:
            place[axis] = extent - 1
            continue
        at = min(rest // abs(stride), extent - 1)
        if at < 0:
            return -1
        rest -= at * abs(stride)
        place[axis] = at if stride > 0 else extent - 1 - at
    if rest != 0:
        return -1
    number = 0
    for at, extent in zip(place, region.shape, strict=True):
        number = number * extent + at
    return number


def _row(node: Product, position: int) -> list[tuple[Node, int, float]]:
    """Return the row of a matrix product; nothing where it is too long."""
    if _length(node, position) > MAX_ADDENDS:
        return []
    line, columns, weights = _matrix_row(node, position)
    shape = node.source.shape
    axis = len(shape) - (2 if node.left and len(shape) > 1 else 1)
    step = prod(shape[axis + 1 :])
    before, after = line
    return [
        (node.source, (before * shape[axis] + int(column)) * step + after, float(weight))
        for column, weight in zip(columns, weights, strict=True)
        if weight != 0
    ]


def _matrix_row(node: Product, position: int) -> tuple[tuple[int, int], Any, Any]:
    """Return where a line of the source lies (before and after its axis), and the columns and weights of the matrix row."""
    axis = len(node.shape) - (2 if node.left and len(node.shape) > 1 else 1)
    step = prod(node.shape[axis + 1 :])
    before, rest = divmod(position, node.shape[axis] * step)
    row, after = divmod(rest, step)
    matrix = node.matrix if node.left else node.matrix.T
    if isinstance(matrix, np.ndarray):
        columns = np.flatnonzero(matrix[row])
        return (before, after), columns, matrix[row][columns]
    line = matrix.tocsr()[[row]].tocoo()
    return (before, after), line.coords[1], line.data


def _addends(node: Total, position: int) -> list[tuple[Node, int, float]]:
    """Return the entries of a sum; nothing where there are too many."""
    if _length(node, position) > MAX_ADDENDS:
        return []
    shape = node.source.shape
    kept = [n for axis, n in enumerate(shape) if axis not in node.axes]
    place = [int(at) for at in np.unravel_index(position, kept)] if kept else []
    index = tuple(slice(None) if axis in node.axes else place.pop(0) for axis in range(len(shape)))
    found = Strided.whole(shape).through(node.source.size, lambda a: a[(*index, ...)])
    assert found is not None
    return [(node.source, int(at), 1.0) for at in found.flat().reshape(-1)]


def _length(node: Node, position: int) -> int:
    if isinstance(node, Total):
        return prod(node.source.shape[axis] for axis in node.axes)
    assert isinstance(node, Product)
    return len(_matrix_row(node, position)[1])
