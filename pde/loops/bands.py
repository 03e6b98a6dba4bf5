"""Constant matrices as stencils: the entries of a row by their distance from the diagonal, and where rows are alike.

A second difference is one class of rows, (1, -2, 1) at distances (-1, 0, 1), and a few rows at the edges.  A Kronecker product for a
grid stored row by row is the same with a period, the length of a row of the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symnum.pde.loops.affine import Affine, Fold, SplitAt
from symnum.pde.regions import Shape

MAX_ENTRIES = 32
"""Entries in a row of a matrix that counts as a stencil."""

SMALL = 8
"""A matrix of more columns than this is no stencil if it has rows that are more than half full."""

MAX_CLASSES = 24
"""Kinds of rows whose coefficients are numbers of the formula; of more kinds, coefficients are read from memory."""

MAX_RUNS = 16
"""Runs of rows of one kind along each level of a stencil."""


@dataclass(frozen=True, eq=False)
class Bands:
    """A matrix whose rows fall into few kinds.

    ``kinds`` is the kind of each row; ``distances[kind]`` are the columns of its entries minus the row; ``coefficients[kind]`` are their
    values, or None where rows of one kind differ: then ``values`` (entry, row) holds them.  ``period`` divides the number of rows;
    rows are alike within ``inner`` runs of the position modulo the period and ``outer`` runs of the period's number.
    """

    kinds: Any
    distances: tuple[tuple[int, ...], ...]
    coefficients: tuple[tuple[float, ...], ...] | None
    values: Any
    period: int
    inner: tuple[int, ...]
    outer: tuple[int, ...]

    def kind_of(self, row: Affine, counts: Shape) -> int:
        """Return the kind of all rows that a nest meets; raises Cut where they are of several kinds, or the period is met crosswise."""
        low, high = row.bounds(counts)
        if low // self.period == high // self.period:
            # one period, whatever the loops are
            self._cut(row.shifted(-(low // self.period) * self.period), counts, self.inner)
            return int(self.kinds[low])
        inside = [k for k in row.loops() if abs(row.steps[k]) * (counts[k] - 1) < self.period]
        across = [k for k in row.loops() if k not in inside]
        start = row.start % self.period
        for k in across:
            step = row.steps[k]
            if step % self.period == 0:
                continue
            size = -(-self.period // abs(step))
            if step > 0 and self.period % step == 0 and start < step and counts[k] % size == 0:
                raise Fold(k, size)
            at = -(-(self.period - start) // step) if step > 0 else start // -step + 1
            raise SplitAt(k, min(at, counts[k] - 1))
        position = Affine(start, tuple([s if k in inside else 0 for k, s in enumerate(row.steps)]))
        number = Affine(
            row.start // self.period,
            tuple([s // self.period if k in across else 0 for k, s in enumerate(row.steps)]),
        )
        self._cut(position, counts, self.inner)
        self._cut(number, counts, self.outer)
        return int(self.kinds[low])

    @staticmethod
    def _cut(index: Affine, counts: Shape, ends: tuple[int, ...]) -> None:
        """Raise a cut if the index passes one of the positions at which runs begin."""
        low, high = index.bounds(counts)
        for end in ends:
            if low < end <= high:
                k = max(index.loops(), key=lambda axis: abs(index.steps[axis]) * (counts[axis] - 1))
                step = index.steps[k]
                others = low if step > 0 else high
                at = -(-(end - others) // step) if step > 0 else (others - end) // -step + 1
                raise SplitAt(k, min(max(at, 1), counts[k] - 1))


def bands(matrix: Any) -> Bands | None:
    """Return a dense or CSR matrix as bands, or None where its rows are of too many kinds.

    >>> found = bands(np.eye(5) - np.eye(5, k=1))
    >>> found.distances, found.coefficients, found.inner
    (((0, 1), (0,)), ((1.0, -1.0), (1.0,)), (4,))
    """
    rows, columns, values = entries_of(matrix)
    count = matrix.shape[0]
    per_row = np.bincount(rows, minlength=count)
    width = int(per_row.max(initial=0))
    if width > MAX_ENTRIES or count == 0 or (matrix.shape[1] > SMALL and 2 * width > matrix.shape[1]):
        return None
    place = np.arange(len(rows)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    distances = np.full((count, width), np.iinfo(np.int64).max)
    distances[rows, place] = columns - rows
    coefficients = np.zeros((count, width))
    coefficients[rows, place] = values
    periods = [
        count,
        *(d for d in np.unique(np.abs(distances))[::-1].tolist() if 1 < d < count and count % d == 0),
    ]
    both = np.concatenate([distances, coefficients.view(np.int64)], axis=1)
    for keys, varying in ((both, False), (distances, True)):
        firsts, kinds = _kinds(keys)
        # numbered in the order of the rows, so that equal stencils on other grids are numbered alike
        order = np.argsort(firsts)
        firsts, kinds = firsts[order], np.argsort(order)[kinds]
        if len(firsts) > MAX_CLASSES:
            continue
        found = [
            (period, runs) for period in periods if (runs := _runs(kinds.reshape(-1, period))) is not None
        ]
        if found:
            period, runs = min(found, key=lambda way: len(way[1][0]) + len(way[1][1]))
            sizes = per_row[firsts]
            return Bands(
                kinds=kinds,
                distances=tuple(tuple(distances[r, :n].tolist()) for r, n in zip(firsts, sizes, strict=True)),
                coefficients=None
                if varying
                else tuple(tuple(coefficients[r, :n].tolist()) for r, n in zip(firsts, sizes, strict=True)),
                values=np.ascontiguousarray(coefficients.T) if varying else None,
                period=period,
                inner=runs[0],
                outer=runs[1],
            )
    return None


def _kinds(keys: Any) -> tuple[Any, Any]:
    """Return the first of the rows of each kind, and the kind of each row; equal rows are of one kind."""
    # rows compared by one number each: a hundredth of the time
    weights = np.random.default_rng(0).integers(1, 1 << 62, keys.shape[1]) | 1
    _, firsts, kinds = np.unique(keys @ weights, return_index=True, return_inverse=True)
    if not np.array_equal(keys[firsts][kinds], keys):
        _, firsts, kinds = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return firsts, kinds.reshape(-1)


def _runs(kinds: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return where runs of equal columns and of equal rows begin, without the first; None where there are too many."""
    inner = np.flatnonzero((kinds[:, 1:] != kinds[:, :-1]).any(axis=0)) + 1
    outer = np.flatnonzero((kinds[1:] != kinds[:-1]).any(axis=1)) + 1
    if len(inner) >= MAX_RUNS or len(outer) >= MAX_RUNS:
        return None
    return tuple(inner.tolist()), tuple(outer.tolist())


def entries_of(matrix: Any) -> tuple[Any, Any, Any]:
    """Return rows, columns and values of what is not zero, row by row."""
    if isinstance(matrix, np.ndarray):
        rows, columns = np.nonzero(matrix)
        return rows, columns, matrix[rows, columns]
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(matrix)
    matrix.sort_indices()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows, matrix.indices.astype(np.int64), matrix.data
