"""Colour the columns of a sparse Jacobian, so that a few directional derivatives give all of its entries.

Two columns may share a colour if no row has an entry in both (a distance-2 colouring of the bipartite graph of rows and columns).  The
product of the Jacobian with the sum of the columns of one colour then shows each of their entries alone.

Source: Curtis, Powell, Reid, "On the estimation of sparse Jacobian matrices", 1974; Gebremedhin, Manne, Pothen, "What color is your
Jacobian?", SIAM Review 47, 2005, algorithm 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Colouring:
    """The colour of each column of a pattern: (columns,), numbered from 0, and the pattern it belongs to."""

    colours: Any
    pattern: Any

    @property
    def count(self) -> int:
        """Return the number of colours, which is the number of products that a Jacobian takes."""
        return int(self.colours.max()) + 1 if len(self.colours) else 0

    def seeds(self) -> Any:
        """Return the directions: (colours, columns), with 1 at the columns of each colour."""
        return (self.colours == np.arange(self.count)[:, None]).astype(np.float64)

    def recovered(self, products: Any) -> Any:
        """Return the sparse matrix J from ``products``: (colours, rows), the products of J with :meth:`seeds`.

        The result is a scipy.sparse.csc_matrix of the pattern.  Raises ValueError for another shape.
        """
        from scipy.sparse import csc_matrix

        products = np.asarray(products)
        rows, columns = self.pattern.shape
        if products.shape != (self.count, rows):
            raise ValueError(
                f"products has shape {products.shape}, but {self.count} colours and {rows} rows need {(self.count, rows)}; "
                f"give J @ seed for each row of seeds()"
            )
        column = np.repeat(np.arange(columns), np.diff(self.pattern.indptr))
        data = products[self.colours[column], self.pattern.indices]
        return csc_matrix(
            (data, self.pattern.indices.copy(), self.pattern.indptr.copy()), shape=self.pattern.shape
        )

    def jacobian(self, product: Callable[[Any], Any]) -> Any:
        """Return the sparse Jacobian from ``product(v)``, which gives J @ v for a direction v: (columns,)."""
        products = [np.ravel(product(seed)) for seed in self.seeds()]
        return self.recovered(np.reshape(products, (self.count, self.pattern.shape[0])))


def colouring(pattern: Any) -> Colouring:
    """Colour the columns of a sparse pattern greedily, in their order: each takes the first colour that none of its rows has met.

    ``pattern`` is a sparse or dense matrix, non-zero where the Jacobian may be.

    >>> import scipy.sparse as sp
    >>> found = colouring(sp.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(6, 6)))
    >>> found.colours.tolist()
    [0, 1, 2, 0, 1, 2]
    >>> dense = np.diag([4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    >>> found.jacobian(lambda v: dense @ v).diagonal().tolist()
    [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    """
    from scipy.sparse import csc_matrix

    matrix = csc_matrix(pattern)
    matrix.sort_indices()
    met = [0] * matrix.shape[0]  # for each row the set of colours in it, as bits
    colours = []
    starts, rows = matrix.indptr.tolist(), matrix.indices.tolist()
    for begin, end in pairwise(starts):
        own = rows[begin:end]
        taken = 0
        for row in own:
            taken |= met[row]
        bit = ~taken & (taken + 1)
        for row in own:
            met[row] |= bit
        colours.append(bit.bit_length() - 1)
    return Colouring(np.array(colours, dtype=np.int64), matrix)
