"""The exact sparse Jacobian of a traced program, its structure found once.

The chain rule runs over arrays: a linear map moves and weighs rows, a formula multiplies rows by its partial derivatives.  An entry
of the Jacobian is a sum of terms ``weight * value``, where the values are 1, entries of the arrays of partial derivatives, and
(where formulas follow each other through linear maps) products of such.  So the structure is one constant sparse matrix of weights,
and a call computes the values with compiled kernels and multiplies once:  ``data = weights @ values``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.calculus.derivative import jacobian as term_jacobian
from symnum.pde.graph import Assembly, Elementwise, Graph, Input, Node, Product, Total, View
from symnum.pde.program import ArrayProgram

MAX_ENTRIES = 100_000_000
"""A structure with more terms than this is refused: it is a dense matrix in disguise."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The derivative of an array: row r is the sum of weight * values[source] in column ``column`` over terms start[r]:start[r+1]."""

    start: Any
    column: Any
    weight: Any
    source: Any

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return len(self.start) - 1

    def of_terms(self) -> Any:
        """Return the row of each term."""
        return np.repeat(np.arange(self.count), np.diff(self.start))

    def take(self, rows: Any) -> Rows:
        """Return the rows of these numbers; -1 gives an empty row."""
        lengths = (
            np.where(rows >= 0, np.diff(self.start)[rows], 0) if self.count else np.zeros(len(rows), np.int64)
        )
        start = np.concatenate([[0], np.cumsum(lengths)])
        _check_size(int(start[-1]))
        picked = (
            np.arange(start[-1]) + np.repeat(self.start[:-1][rows] - start[:-1], lengths)
            if start[-1]
            else np.zeros(0, np.int64)
        )
        return Rows(start, self.column[picked], self.weight[picked], self.source[picked])

    def times(self, weights: Any) -> Rows:
        """Return the rows multiplied by one number each."""
        return Rows(
            self.start, self.column, self.weight * np.repeat(weights, np.diff(self.start)), self.source
        )

    def mapped(self, matrix: Any) -> Rows:
        """Return a constant CSR matrix times these rows."""
        taken = self.take(matrix.indices).times(matrix.data)
        return Rows(taken.start[matrix.indptr], taken.column, taken.weight, taken.source).merged()

    def merged(self) -> Rows:
        """Add up the terms of equal row, column and value, and drop those that cancel."""
        row = self.of_terms()
        order = np.lexsort((self.source, self.column, row))
        row, column, source = row[order], self.column[order], self.source[order]
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(row) != 0) | (np.diff(column) != 0) | (np.diff(source) != 0)
        first = np.flatnonzero(new)
        weight = np.add.reduceat(self.weight[order], first) if len(first) else self.weight[:0]
        kept = weight != 0
        first = first[kept]
        return Rows(_starts(row[first], self.count), column[first], weight[kept], source[first])

    def entries(self) -> tuple[Any, Any]:
        """Return the distinct (row, column) pairs of merged rows as numbers of terms, and for each term the pair it belongs to."""
        row = self.of_terms()
        new = np.ones(len(row), bool)
        new[1:] = (np.diff(row) != 0) | (np.diff(self.column) != 0)
        return np.flatnonzero(new), np.cumsum(new) - 1


def _starts(row: Any, count: int) -> Any:
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))])


def _check_size(count: int) -> None:
    if count > MAX_ENTRIES:
        raise MemoryError(
            f"the Jacobian of this system needs {count:,} terms, more than {MAX_ENTRIES:,}: some operation, such as a sum over the whole "
            f"state or a full matrix, couples everything with everything; solve with an explicit method (method='RK45'), or make the "
            f"sum a state of its own"
        )


def _stack(parts: list[Rows]) -> Rows:
    """Return the rows of all parts, one part after the other."""
    ends = np.cumsum([0, *(part.start[-1] for part in parts)])
    start = np.concatenate(
        [np.zeros(1, np.int64), *(part.start[1:] + end for part, end in zip(parts, ends[:-1], strict=True))]
    )
    return Rows(
        start,
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("column", "weight", "source")),
    )


def _sum(parts: list[Rows], count: int) -> Rows:
    """Return the sum of parts with equally many rows."""
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Rows(np.zeros(count + 1, np.int64), nothing, np.zeros(0), nothing)
    row = np.concatenate([part.of_terms() for part in parts])
    order = np.argsort(row, kind="stable")
    column, weight, source = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("column", "weight", "source")
    )
    return Rows(_starts(row, count), column, weight, source).merged()


class _Values:
    """Lay out the vector of values: 1, then blocks of partial derivatives, then products."""

    def __init__(self) -> None:
        self.size = 1
        self.partials: dict[int, tuple[int, Node]] = {}
        self.products: list[tuple[int, Any, Any]] = []

    def partial(self, node: Node) -> int:
        """Return where the block of a partial derivative begins."""
        if node.index not in self.partials:
            self.partials[node.index] = (self.size, node)
            self.size += node.size
        return self.partials[node.index][0]

    def product(self, factor: Any, rows: Rows) -> Rows:
        """Return rows whose terms are values[factor[r]] times the entries of row r, which become new values."""
        first, pair = rows.entries()
        begin = self.size
        self.products.append((begin, factor[rows.of_terms()[first]], (pair, rows.source, rows.weight)))
        self.size += len(first)
        _check_size(self.size)
        source = begin + np.arange(len(first))
        return Rows(
            _starts(rows.of_terms()[first], rows.count), rows.column[first], np.ones(len(first)), source
        )


class JacobianStructure:
    """The pattern of d(output)/d(u), and what computes its entries.

    ``indices`` and ``indptr`` are those of the CSC matrix of the flattened system.
    """

    def __init__(self, graph: Graph, output: Node, state: Node) -> None:
        values = _Values()
        rows = _differentiate(graph, output, state, values)
        first, pair = rows.entries()
        row, column = rows.of_terms()[first], rows.column[first]
        order = np.lexsort((row, column))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self.shape = (output.size, state.size)
        self.indices = row[order].astype(np.int32)
        self.indptr = _starts(column, state.size).astype(np.int32)
        self.size = values.size
        self.weights = _weights(len(order), values.size, place[pair], rows.source, rows.weight)
        self.partials = list(values.partials.values())
        self.products = [
            (begin, factor, _weights(len(factor), begin, *terms)) for begin, factor, terms in values.products
        ]  # fmt: skip

    def pattern(self) -> Any:
        """Return where the Jacobian may be non-zero: a boolean scipy.sparse.csc_matrix."""
        from scipy.sparse import csc_matrix

        return csc_matrix(
            (np.ones(len(self.indices), bool), self.indices.copy(), self.indptr.copy()), shape=self.shape
        )


def _weights(count: int, width: int, row: Any, source: Any, weight: Any) -> Any:
    from scipy.sparse import coo_matrix

    return coo_matrix((weight, (row, source)), shape=(count, width)).tocsr()


class CompiledJacobian:
    """Compute the Jacobian's entries at a time and state, and for values of the parameters."""

    def __init__(self, graph: Graph, structure: JacobianStructure, target: str) -> None:
        self.structure = structure
        self.program = ArrayProgram(graph, [node for _, node in structure.partials], target)
        self._local = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledJacobian, (self.program.graph, self.structure, self.program.target)

    def __call__(self, t: float, u: Any, p: Mapping[str, Any] | None = None) -> Any:
        """Return the Jacobian as a csc_matrix; ``p`` is that of :meth:`ArrayProgram.run`."""
        from scipy.sparse import csc_matrix

        structure = self.structure
        values = getattr(self._local, "values", None)
        if values is None:
            values = self._local.values = np.ones(structure.size)
        if structure.partials:
            for (begin, node), array in zip(structure.partials, self.program.run(t, u, p), strict=True):
                values[begin : begin + node.size] = array.reshape(-1)
        with np.errstate(all="ignore"):
            for begin, factor, weights in structure.products:
                values[begin : begin + len(factor)] = values[factor] * (weights @ values[:begin])
            data = structure.weights @ values
        return csc_matrix((data, structure.indices.copy(), structure.indptr.copy()), shape=structure.shape)


def _differentiate(graph: Graph, output: Node, state: Node, values: _Values) -> Rows:
    """Return the derivative of ``output`` by the chain rule over the graph, sources before readers."""
    order = graph.reachable([output])
    moving = graph.moving(order, ("u",))
    changing = graph.moving(order)
    known: dict[int, Rows] = {}
    for node in order:
        if node.index not in moving:
            continue
        if isinstance(node, Input):
            each = np.arange(node.size)
            known[node.index] = Rows(
                np.arange(node.size + 1), each, np.ones(node.size), np.zeros(node.size, np.int64)
            )
        elif isinstance(node, Elementwise):
            known[node.index] = _formula_rows(graph, node, known, values, changing)
        elif isinstance(node, View):
            known[node.index] = known[node.source.index].take(node.region.flat().reshape(-1))
        elif isinstance(node, Assembly):
            known[node.index] = _assembly_rows(graph, node, known)
        else:
            assert isinstance(node, Product | Total)
            known[node.index] = known[node.source.index].mapped(linear_matrix(node))
    return known.get(output.index, _sum([], output.size))


def _assembly_rows(graph: Graph, node: Assembly, known: dict[int, Rows]) -> Rows:
    base_shows, _, pieces = graph.visible(node)
    origin = np.full(node.size, -1, np.int64)
    parts: list[Rows] = []
    height = 0
    if base_shows and node.base is not None and node.base.index in known:
        parts.append(known[node.base.index].take(_broadcast_positions(node.base, node.shape)))
        origin[:] = np.arange(node.size)
        height = node.size
    for region, piece in pieces:
        positions = region.flat().reshape(-1)
        if piece.index in known:
            parts.append(known[piece.index])
            origin[positions] = height + np.arange(positions.size)
            height += positions.size
        else:
            origin[positions] = -1
    return _stack(parts).take(origin) if parts else _sum([], node.size)


def _formula_rows(
    graph: Graph, node: Elementwise, known: dict[int, Rows], values: _Values, changing: set[int]
) -> Rows:
    """Return the sum over the atoms that move with u of the partial derivative times the rows of the atom.

    ``changing`` are the nodes that depend on an input; a partial derivative that reads none of them is a constant.
    """
    atoms = [atom for atom in graph.atoms(node) if atom.index in known]
    slopes = term_jacobian([node.term], [graph.symbol(atom) for atom in atoms], sparse=True)
    parts = []
    for (_, number), slope in slopes:
        atom = atoms[number]
        rows = known[atom.index].take(_broadcast_positions(atom, node.shape))
        coefficient, rest = _split_coefficient(slope)
        if coefficient != 1:
            rows = rows.times(np.full(rows.count, float(coefficient)))
        if rest is None:
            parts.append(rows)
            continue
        factors = [graph.atom(s) for s in interface.postorder(rest) if interface.is_symbol(s)]
        partial = graph.formula(rest, np.broadcast_shapes(*(factor.shape for factor in factors)))
        positions = _broadcast_positions(partial, node.shape)
        if not any(factor.index in changing for factor in factors):
            constant = ArrayProgram(graph, [partial], "numpy").run(0.0, np.zeros(0))[0]
            parts.append(rows.times(constant.reshape(-1)[positions]))
            continue
        positions = values.partial(partial) + positions
        fixed = rows.source == 0
        if fixed.all():
            parts.append(
                Rows(rows.start, rows.column, rows.weight, np.repeat(positions, np.diff(rows.start)))
            )
        else:
            parts.append(values.product(positions, rows.merged()))
    return _sum(parts, node.size)


def _split_coefficient(slope: Any) -> tuple[Any, Any]:
    """Return (number, rest) with slope = number * rest; the rest is None where the slope is a number."""
    if interface.is_number(slope):
        return interface.value(slope), None
    coefficient, _ = interface.factors(slope)
    return (1, slope) if coefficient == 1 else (coefficient, interface.make(slope, "/", (slope, coefficient)))


def _broadcast_positions(node: Node, shape: tuple[int, ...]) -> Any:
    """Return for each entry of the broadcast array the entry of ``node`` that it repeats."""
    return np.broadcast_to(np.arange(node.size).reshape(node.shape), shape).reshape(-1)


def linear_matrix(node: Product | Total) -> Any:
    """Return the CSR matrix of a product or sum, acting on the flattened source."""
    from scipy.sparse import csr_matrix, identity, kron

    shape = node.source.shape
    if isinstance(node, Total):
        kept = [1 if axis in node.axes else n for axis, n in enumerate(shape)]
        target = np.broadcast_to(np.arange(node.size).reshape(kept), shape).reshape(-1)
        order = np.argsort(target, kind="stable")
        return csr_matrix(
            (np.ones(len(order)), order, _starts(target, node.size)), shape=(node.size, node.source.size)
        )
    matrix = csr_matrix(node.matrix)
    matrix.eliminate_zeros()
    if node.left and len(shape) > 1:
        blocks = int(np.prod(shape[:-2], dtype=np.int64))
        return csr_matrix(kron(identity(blocks), kron(matrix, identity(shape[-1]))))
    action = matrix if node.left else matrix.T
    return csr_matrix(kron(identity(int(np.prod(shape[:-1], dtype=np.int64))), action))
