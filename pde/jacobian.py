"""The exact sparse Jacobian of a traced program, its structure found once.

The chain rule runs over arrays: a linear map moves and weighs rows, a formula multiplies rows by its partial derivatives
(:mod:`symnum.pde.derivative_rows`).  An entry of the Jacobian is a sum of terms ``weight * value``, where the values are 1, entries of
the arrays of partial derivatives, and (where formulas follow each other through linear maps) products of such.  So an entry is a number
or a constant combination of values, and a call computes the values with compiled kernels and writes the entries that change:
``data = constant; data[varying] = weights @ values``.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from symnum.pde.derivative_rows import Terms, differentiate
from symnum.pde.graph import Graph, Input, Node
from symnum.pde.program import ArrayProgram


class JacobianStructure:
    """The pattern of d(output)/d(state), and what computes its entries.

    ``indices`` and ``indptr`` are those of the CSC matrix of the flattened system, read-only, the same arrays for every matrix.
    ``constant``: (entries,) is the part of each entry that does not depend on time, state or parameters; the entries at ``varying`` are
    ``weights @ values``, a CSR matrix times the values that :class:`CompiledJacobian` lays out.
    """

    def __init__(self, graph: Graph, output: Node, state: Node) -> None:
        assert isinstance(state, Input)
        blocks, values = differentiate(graph, output, state)
        terms = Terms.of(blocks)
        del blocks  # the arrays of a large grid are let go as soon as they are not needed
        order = np.argsort(terms.column.astype(np.int64) * output.size + terms.row, kind="stable")
        row, column, source, weight = (
            getattr(terms, name)[order] for name in ("row", "column", "source", "weight")
        )
        del terms, order
        new = np.ones(len(row), bool)
        new[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
        place = np.cumsum(new) - 1
        entries = int(place[-1]) + 1 if len(place) else 0
        fixed = source == 0
        constant = np.bincount(place[fixed], weight[fixed], minlength=entries).astype(np.float64)
        varies = np.zeros(entries, bool)
        varies[place[~fixed]] = True
        kept = varies | (constant != 0)  # entries whose constants cancel are none
        first = np.flatnonzero(new)[kept]
        self.shape = (output.size, state.size)
        self.indices = row[first].astype(np.int32)
        counts = np.bincount(column[first], minlength=state.size)
        self.indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        self.constant = constant[kept]
        for array in (self.indices, self.indptr, self.constant):
            array.setflags(write=False)
        self.varying = np.flatnonzero(varies[kept])
        self.size = values.size
        summed = varies[place]
        number = np.cumsum(varies) - 1
        self.weights = _rows(
            number[place[summed]], source[summed], weight[summed], (len(self.varying), values.size)
        )
        self.partials = list(values.partials.values())
        self.products = values.products
        self.moves = values.moves(graph)

    @property
    def affine(self) -> bool:
        """Tell whether no entry depends on the state or on time."""
        return not self.moves[self.weights.indices].any()

    def pattern(self) -> Any:
        """Return where the Jacobian may be non-zero: a boolean scipy.sparse.csc_matrix."""
        from scipy.sparse import csc_matrix

        return csc_matrix(
            (np.ones(len(self.indices), bool), self.indices.copy(), self.indptr.copy()), shape=self.shape
        )

    @cached_property
    def template(self) -> Any:
        """Return a matrix of this pattern that holds the constants; matrices with other data share its indices."""
        from scipy.sparse import csc_matrix

        found = csc_matrix((self.constant, self.indices, self.indptr), shape=self.shape)
        found.has_sorted_indices = found.has_canonical_format = True
        return found

    def matrix(self, data: Any) -> Any:
        """Return the scipy.sparse.csc_matrix of this pattern with the entries ``data``."""
        found = copy.copy(self.template)
        found.data = data
        return found


def _rows(row: Any, column: Any, weight: Any, shape: tuple[int, int]) -> Any:
    """Return the CSR matrix of entries that are sorted by row."""
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return csr_matrix((weight, column, starts), shape=shape)


class CompiledJacobian:
    """Compute the Jacobian's entries from time, state and parameters; every matrix shares the indices of the structure."""

    def __init__(self, graph: Graph, structure: JacobianStructure, target: str) -> None:
        self.structure = structure
        self.program = ArrayProgram(graph, [node for _, node in structure.partials], target)
        self._local = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledJacobian, (self.program.graph, self.structure, self.program.target)

    def __call__(self, t: float, u: Any, p: Mapping[str, Any] | None = None) -> Any:
        """Return the matrix as a scipy.sparse.csc_matrix; ``p`` is that of :meth:`ArrayProgram.run`."""
        return self.structure.matrix(self.data(t, u, p))

    def linear_part(self, p: Mapping[str, Any] | None = None) -> Any:
        """Return the terms of the Jacobian that depend neither on the state nor on time, as a csc_matrix without stored zeros."""
        structure = self.structure
        data = np.array(structure.constant)
        if len(structure.varying):
            state = np.zeros(structure.shape[1])
            values = np.where(structure.moves, 0.0, self._values(0.0, state, p))
            data[structure.varying] = structure.weights @ values
        found = structure.matrix(data).copy()
        found.eliminate_zeros()
        return found

    def data(self, t: float, u: Any, p: Mapping[str, Any] | None = None) -> Any:
        """Return the entries alone, in the order of the structure: a new array."""
        structure = self.structure
        data = np.array(structure.constant)
        if len(structure.varying):
            with np.errstate(all="ignore"):
                data[structure.varying] = structure.weights @ self._values(t, u, p)
        return data

    def _values(self, t: float, u: Any, p: Mapping[str, Any] | None) -> Any:
        """Return the values that the entries are made of; the next call of this thread overwrites them."""
        structure = self.structure
        values = getattr(self._local, "values", None)
        if values is None:
            values = self._local.values = np.ones(structure.size)
        if structure.partials:
            for (begin, node), array in zip(structure.partials, self.program.run(t, u, p), strict=True):
                values[begin : begin + node.size] = array.reshape(-1)
        with np.errstate(all="ignore"):
            for product in structure.products:
                product.fill(values)
        return values
