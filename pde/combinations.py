"""Products with constant matrices, and sums over axes, as combinations of entries of the flattened source."""

from __future__ import annotations

from typing import Any

import numpy as np

from symnum.pde.graph import Product, Total


def combinations(node: Product | Total) -> list[tuple[Any, Any, Any]]:
    """Return (rows, positions, weights) of a product or sum: the row is the sum of weight * source[position]; -1 is no position.

    Rows of the matrix of about equal length are listed together, so that one long row costs no more than it must.
    """
    shape = node.source.shape
    places = np.arange(node.source.size).reshape(shape)
    if isinstance(node, Total):
        kept = [axis for axis in range(len(shape)) if axis not in node.axes]
        position = places.transpose(*kept, *node.axes).reshape(node.size, -1)
        return [(None, position, np.ones((1, 1)))]
    matrix = _action(node)
    axis = len(shape) - (2 if node.left and len(shape) > 1 else 1)
    lines = np.moveaxis(places, axis, -1).reshape(-1, shape[axis])  # (lines, inner)
    target = np.moveaxis(np.arange(node.size).reshape(node.shape), axis, -1).reshape(len(lines), -1)
    lengths = np.diff(matrix.indptr)
    found = []
    for chosen in by_length(lengths):
        width = int(lengths[chosen].max())
        there = np.arange(width) < lengths[chosen][:, None]
        entry = np.where(there, matrix.indptr[chosen][:, None] + np.arange(width), 0)
        position = np.where(there, lines[:, matrix.indices[entry]], -1).reshape(-1, width)
        weight = np.where(there, matrix.data[entry], 0.0)
        rows = target[:, chosen].reshape(-1)
        found.append(
            (rows, position, np.broadcast_to(weight, (len(lines), *weight.shape)).reshape(-1, width))
        )
    return found


def by_length(lengths: Any) -> list[Any]:
    """Return the places of lengths in groups whose longest is at most twice the shortest, or 8; those of length 0 are in none.

    >>> [group.tolist() for group in by_length(np.array([3, 20, 2, 0, 17, 5]))]
    [[0, 2, 5], [1, 4]]
    """
    kind = np.ceil(np.log2(np.maximum(lengths, 8))).astype(np.int64)
    kind[lengths == 0] = -1
    return [np.flatnonzero(kind == k) for k in np.unique(kind[kind >= 0]).tolist()]


def _action(node: Product) -> Any:
    """Return the CSR matrix that acts from the left on one axis of the source."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(node.matrix if node.left else node.matrix.T)
    matrix.eliminate_zeros()
    return matrix


def linear_matrix(node: Product | Total) -> Any:
    """Return the CSR matrix of a product or sum, acting on the flattened source."""
    from scipy.sparse import coo_matrix

    rows, columns, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for chosen, position, weight in combinations(node):
        there = position >= 0
        chosen = np.arange(node.size) if chosen is None else chosen
        rows.append(np.broadcast_to(chosen[:, None], position.shape)[there])
        columns.append(position[there])
        weights.append(np.broadcast_to(weight, position.shape)[there])
    return coo_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        shape=(node.size, node.source.size),
    ).tocsr()
