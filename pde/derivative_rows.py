"""The derivative of every array of a program by the state: rows of weighted values, carried through the graph by the chain rule.

The derivative of an array is a list of blocks.  A block says, for some rows of the flattened array, that row r has the derivative
``weight[r, k] * values[source[r, k]]`` in column ``column[r, k]``; column -1 means that there is none.  Weights and sources broadcast
to the shape of the columns, so that a stencil with the same weights everywhere needs no array for them.  ``values[0]`` is 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.calculus.derivative import jacobian as term_jacobian
from symnum.pde.combinations import by_length, combinations
from symnum.pde.graph import Assembly, Elementwise, Graph, Input, Node, Product, Total, View
from symnum.pde.program import ArrayProgram
from symnum.pde.regions import Listed

MAX_ENTRIES = 100_000_000
"""A structure with more terms than this is refused: it is a dense matrix in disguise."""

_PLACE = np.int32
"""The type of kept positions; sizes stay below its range."""

_CONSTANT = np.zeros((1, 1), _PLACE)


@dataclass(frozen=True, slots=True)
class Block:
    """Derivatives of the rows ``rows``: (m,) of an array, each once, or of all its rows (None); ``column`` has shape (m, width)."""

    rows: Any
    column: Any
    weight: Any
    source: Any

    @property
    def constant(self) -> bool:
        """Tell whether all values are 1."""
        return self.source is _CONSTANT

    def picked(self, chosen: Any) -> tuple[Any, Any, Any]:
        """Return column, weight and source of some rows of the block, by their place in it."""
        return (
            self.column[chosen],
            self.weight[chosen] if len(self.weight) > 1 else self.weight,
            self.source[chosen] if len(self.source) > 1 else self.source,
        )

    def take(self, size: int, positions: Any) -> Block | None:
        """Return the block of the array whose row i is row ``positions[i]`` of this one, which has ``size`` rows; None if empty."""
        if self.rows is None:
            _check_size(len(positions) * self.column.shape[1])
            return Block(None, *self.picked(positions))
        place = np.full(size, -1, _PLACE)
        place[self.rows] = np.arange(len(self.rows))
        local = place[positions]
        kept = np.flatnonzero(local >= 0)
        _check_size(len(kept) * self.column.shape[1])
        return Block(kept, *self.picked(local[kept])) if len(kept) else None

    def placed(self, positions: Any) -> Block:
        """Return the block of an array that has this one's row i at row ``positions[i]``."""
        rows = positions if self.rows is None else positions[self.rows]
        return Block(rows.astype(_PLACE), self.column, self.weight, self.source)

    def times(self, factor: Any) -> Block:
        """Return the block with its rows multiplied by one number, or by one number for each row of the array."""
        if np.ndim(factor):
            factor = (factor if self.rows is None else factor[self.rows])[:, None]
        return Block(self.rows, self.column, self.weight * factor, self.source)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of blocks one by one: row, column, weight and source, each (terms,)."""

    row: Any
    column: Any
    weight: Any
    source: Any

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Terms:
        """Write blocks out."""
        parts: list[list[Any]] = [
            [np.zeros(0, _PLACE)],
            [np.zeros(0, _PLACE)],
            [np.zeros(0)],
            [np.zeros(0, _PLACE)],
        ]
        _check_size(sum(block.column.size for block in blocks))
        for block in blocks:
            shape = block.column.shape
            rows = np.arange(shape[0], dtype=_PLACE) if block.rows is None else block.rows
            there = block.column >= 0
            if not block.weight.all():
                there &= block.weight != 0
            whole = bool(there.all())
            for part, array in zip(
                parts, (rows[:, None], block.column, block.weight, block.source), strict=True
            ):
                spread = np.broadcast_to(array, shape)
                part.append(spread.reshape(-1) if whole else spread[there])
        return cls(*(np.concatenate(part) for part in parts))

    def sorted(self) -> Terms:
        """Return the terms by row, column and source, those that agree in all three added up, without those that cancel."""
        order = np.lexsort((self.source, self.column, self.row))
        row, column, source = self.row[order], self.column[order], self.source[order]
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(row) != 0) | (np.diff(column) != 0) | (np.diff(source) != 0)
        first = np.flatnonzero(new)
        weight = np.add.reduceat(self.weight[order], first) if len(first) else self.weight[:0]
        kept = weight != 0
        first = first[kept]
        return Terms(row[first], column[first], weight[kept], source[first])

    def blocks(self) -> list[Block]:
        """Return terms that are sorted by row as blocks: rows of about equal length together, so that one long row costs no more."""
        rows, first, lengths = np.unique(self.row, return_index=True, return_counts=True)
        found = []
        for chosen in by_length(lengths):
            width = int(lengths[chosen].max())
            place = first[chosen][:, None] + np.arange(width)
            there = np.arange(width) < lengths[chosen][:, None]
            place = np.where(there, place, 0)
            source = np.where(there, self.source[place], 0)
            found.append(
                Block(rows[chosen], np.where(there, self.column[place], -1), self.weight[place],
                      source if source.any() else _CONSTANT)
            )  # fmt: skip
        return found


@dataclass(frozen=True, slots=True)
class ValueProduct:
    """Values from ``begin`` on that are products: values[left] * (sum of weights times values, or one value)."""

    begin: int
    left: Any
    right: Any

    def factors(self, flags: Any) -> Any:
        """Return a positive number for each product that has a flagged value among its factors or addends."""
        right = (
            flags[self.right] if isinstance(self.right, np.ndarray) else abs(self.right) @ flags[: self.begin]
        )
        return right if self.left is None else right + flags[self.left]

    def fill(self, values: Any) -> None:
        """Compute them from the values before."""
        right = (
            values[self.right] if isinstance(self.right, np.ndarray) else self.right @ values[: self.begin]
        )
        count = len(right)
        values[self.begin : self.begin + count] = right if self.left is None else values[self.left] * right


class Values:
    """Lay out the vector of values: 1, then blocks of partial derivatives, sums and products.

    ``changing`` are the nodes that depend on any input, ``moving`` those that depend on the state or on time.
    """

    def __init__(self, changing: set[int], moving: set[int]) -> None:
        self.changing, self.moving = changing, moving
        self.size = 1
        self.partials: dict[int, tuple[int, Node]] = {}
        self.products: list[ValueProduct] = []

    def moves(self, graph: Graph) -> Any:
        """Tell which values depend on the state or on time: (size,) of truth values."""
        found = np.zeros(self.size, bool)
        for begin, node in self.partials.values():
            atoms = graph.atoms(node) if isinstance(node, Elementwise) else [node]
            found[begin : begin + node.size] = any(atom.index in self.moving for atom in atoms)
        for product in self.products:
            moves = product.factors(found.astype(np.float64)) > 0
            found[product.begin : product.begin + len(moves)] = moves
        return found

    def partial(self, node: Node) -> int:
        """Return where the block of a partial derivative begins."""
        if node.index not in self.partials:
            self.partials[node.index] = (self._room(node.size), node)
        return self.partials[node.index][0]

    def _room(self, count: int) -> int:
        begin = self.size
        self.size += count
        _check_size(self.size)
        return begin

    def times(self, factor: Any, block: Block) -> Block:
        """Return a block multiplied by values: one for each row of the array, ``factor`` are their places."""
        factor = (factor if block.rows is None else factor[block.rows]).astype(_PLACE)[:, None]
        if block.constant:
            return Block(block.rows, block.column, block.weight, factor)
        left, right = np.broadcast_arrays(factor, block.source)
        begin = self._room(left.size)
        self.products.append(ValueProduct(begin, left.reshape(-1), right.reshape(-1)))
        places = np.arange(begin, self.size, dtype=_PLACE).reshape(left.shape)
        return Block(block.rows, block.column, block.weight, places)

    def condensed(self, blocks: list[Block]) -> list[Block]:
        """Return blocks with one term for each entry: the sums of several become values of their own."""
        if len(blocks) == 1 and blocks[0].column.shape[1] == 1:
            return blocks
        terms = Terms.of(blocks).sorted()
        new = np.ones(len(terms.row), bool)
        new[1:] = (np.diff(terms.row) != 0) | (np.diff(terms.column) != 0)
        first = np.flatnonzero(new)
        if len(first) == len(new):
            return terms.blocks()
        from scipy.sparse import csr_matrix

        begin = self._room(len(first))
        starts = np.append(first, len(new))
        sums = csr_matrix((terms.weight, terms.source, starts), shape=(len(first), begin))
        self.products.append(ValueProduct(begin, None, sums))
        source = np.arange(begin, self.size, dtype=_PLACE)
        return Terms(terms.row[first], terms.column[first], np.ones(len(first)), source).blocks()


def _check_size(count: int) -> None:
    if count > MAX_ENTRIES:
        raise MemoryError(
            f"the Jacobian of this system needs {count:,} terms, more than {MAX_ENTRIES:,}: some operation, such as a sum over the whole "
            f"state or a full matrix, couples everything with everything; solve with an explicit method (method='RK45'), or make the "
            f"sum a state of its own"
        )


def differentiate(graph: Graph, output: Node, state: Input) -> tuple[list[Block], Values]:
    """Return the derivative of ``output`` by an input, by the chain rule over the graph, sources before readers, and its values."""
    order = graph.reachable([output])
    moving = graph.moving(order, (state.name,))
    values = Values(graph.moving(order), graph.moving(order, ("t", state.name)))
    known: dict[int, list[Block]] = {}
    condensed: dict[int, list[Block]] = {}
    for node in order:
        if node.index not in moving:
            continue
        if isinstance(node, Input):
            each = np.arange(node.size, dtype=_PLACE)
            known[node.index] = [Block(None, each[:, None], np.ones((1, 1)), _CONSTANT)]
        elif isinstance(node, Elementwise):
            known[node.index] = _formula_blocks(graph, node, known, condensed, values)
        elif isinstance(node, View):
            known[node.index] = _taken(
                known[node.source.index], node.source.size, node.region.flat().reshape(-1)
            )
        elif isinstance(node, Assembly):
            known[node.index] = _assembly_blocks(graph, node, known)
        else:
            assert isinstance(node, Product | Total)
            known[node.index] = _mapped(known[node.source.index], node)
    return known.get(output.index, []), values


def _taken(blocks: Iterable[Block], size: int, positions: Any) -> list[Block]:
    taken = (block.take(size, positions) for block in blocks)
    return [block for block in taken if block is not None]


def _assembly_blocks(graph: Graph, node: Assembly, known: dict[int, list[Block]]) -> list[Block]:
    base_shows, overlap, pieces = graph.visible(node)
    found: list[Block] = []
    free = np.ones(node.size, bool)
    for region, piece in reversed(
        pieces
    ):  # a later piece covers an earlier one, and the last of equal positions counts
        positions, blocks = region.flat().reshape(-1), known.get(piece.index, [])
        placed = _last_writer(positions, blocks) if isinstance(region, Listed) else blocks
        if overlap and not free[positions].all():
            shown = np.flatnonzero(free[positions])
            placed, target = _taken(placed, len(positions), shown), positions[shown]
        else:
            target = positions
        found += [block.placed(target) for block in placed]
        free[positions] = False
    if base_shows and node.base is not None and node.base.index in known:
        shown = np.flatnonzero(free)
        base = _broadcast_positions(node.base, node.shape)[shown]
        found += [block.placed(shown) for block in _taken(known[node.base.index], node.base.size, base)]
    return found


def _last_writer(positions: Any, blocks: list[Block]) -> list[Block]:
    """Return blocks without the rows that a later row of the same position overwrites."""
    last = np.zeros(len(positions), bool)
    last[len(positions) - 1 - np.unique(positions[::-1], return_index=True)[1]] = True
    found = []
    for block in blocks:
        rows = np.arange(len(positions)) if block.rows is None else block.rows
        chosen = np.flatnonzero(last[rows])
        found.append(Block(rows[chosen], *block.picked(chosen)))
    return found


def _formula_blocks(
    graph: Graph,
    node: Elementwise,
    known: dict[int, list[Block]],
    condensed: dict[int, list[Block]],
    values: Values,
) -> list[Block]:
    """Return the sum over the atoms that move of the partial derivative times the rows of the atom."""
    atoms = [atom for atom in graph.atoms(node) if atom.index in known]
    slopes = term_jacobian([node.term], [graph.symbol(atom) for atom in atoms], sparse=True)
    found: list[Block] = []
    for (_, number), slope in slopes:
        atom = atoms[number]
        for coefficient, rest, varies in _parts(graph, slope, values):
            blocks = known[atom.index]
            if varies and not all(block.constant for block in blocks):
                if atom.index not in condensed:
                    condensed[atom.index] = values.condensed(blocks)
                blocks = condensed[atom.index]
            if atom.shape != node.shape:
                blocks = _taken(blocks, atom.size, _broadcast_positions(atom, node.shape))
            if coefficient != 1:
                blocks = [block.times(float(coefficient)) for block in blocks]
            if rest is not None:
                partial = _partial_node(graph, rest)
                positions = _broadcast_positions(partial, node.shape)
                if varies:
                    places = values.partial(partial) + positions
                    blocks = [values.times(places, block) for block in blocks]
                else:
                    constant = ArrayProgram(graph, [partial], "numpy").run(0.0, np.zeros(0))[0]
                    blocks = [block.times(constant.reshape(-1)[positions]) for block in blocks]
            found += blocks
    return found


def _partial_node(graph: Graph, term: Any) -> Node:
    factors = [graph.atom(s) for s in interface.postorder(term) if interface.is_symbol(s)]
    return graph.formula(term, np.broadcast_shapes(*(factor.shape for factor in factors)))


def _parts(graph: Graph, slope: Any, values: Values) -> list[tuple[Any, Any, bool]]:
    """Split a partial derivative into (number, rest, whether the rest varies) whose products number * rest add up to it.

    What depends on the state or time, on parameters alone, and on nothing are parts of their own, so that the constant part of a
    Jacobian is known as such.  The rest None is 1.
    """
    groups: dict[int, list[Any]] = {}
    addends = interface.args(slope) if interface.is_call(slope) and interface.head(slope) == "+" else (slope,)
    for addend in addends:
        atoms = [graph.atom(s).index for s in interface.postorder(addend) if interface.is_symbol(s)]
        kind = (
            0
            if not atoms
            else 1 + (not values.changing.isdisjoint(atoms)) + (not values.moving.isdisjoint(atoms))
        )
        groups.setdefault(kind, []).append(addend)
    found = []
    for kind, members in groups.items():
        term = members[0] if len(members) == 1 else interface.make(slope, "+", members)
        found.append((*split_coefficient(term), kind > 1))
    return found


def split_coefficient(slope: Any) -> tuple[Any, Any]:
    """Return (number, rest) with slope = number * rest; the rest is None where the slope is a number."""
    if interface.is_number(slope):
        return interface.value(slope), None
    coefficient, _ = interface.factors(slope)
    return (1, slope) if coefficient == 1 else (coefficient, interface.make(slope, "/", (slope, coefficient)))


def _broadcast_positions(node: Node, shape: tuple[int, ...]) -> Any:
    """Return for each entry of the broadcast array the entry of ``node`` that it repeats."""
    return np.broadcast_to(np.arange(node.size).reshape(node.shape), shape).reshape(-1)


# --- constant matrices and sums -----------------------------------------------------------------------------------------------


def _mapped(blocks: list[Block], node: Product | Total) -> list[Block]:
    """Return the rows of a product or sum: each is a combination of rows of the source."""
    found: list[Block] = []
    for rows, position, weight in combinations(node):
        width = position.shape[1]
        for block in blocks:
            _check_size(position.size * block.column.shape[1])
            taken = block.take(node.source.size, np.maximum(position, 0).reshape(-1))
            if taken is None:
                continue
            if taken.rows is not None:  # rows of the source that have no derivative keep their places, empty
                taken = _filled(taken, position.size)
            shape = (len(position), width * block.column.shape[1])
            column = taken.column.reshape(len(position), width, -1)
            column = np.where(((position >= 0) & (weight != 0))[:, :, None], column, -1)
            each = np.broadcast_to(taken.weight, taken.column.shape).reshape(column.shape)
            source = (
                _CONSTANT
                if block.constant
                else np.broadcast_to(taken.source, taken.column.shape).reshape(shape)
            )
            found.append(
                Block(rows, column.reshape(shape), (each * weight[:, :, None]).reshape(shape), source)
            )
    wide = sum(block.column.shape[1] for block in blocks) > 1
    return Terms.of(found).sorted().blocks() if wide and found else found


def _filled(block: Block, count: int) -> Block:
    """Return a block of all ``count`` rows: those that it lacks are empty."""
    column = np.full((count, block.column.shape[1]), -1, _PLACE)
    column[block.rows] = block.column
    weight = np.zeros(column.shape)
    weight[block.rows] = block.weight
    if block.constant:
        return Block(None, column, weight, _CONSTANT)
    source = np.zeros(column.shape, _PLACE)
    source[block.rows] = block.source
    return Block(None, column, weight, source)
