"""Many products and sums at once, from arrays in compressed rows: what a network or a matrix is as terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from symnum.columns.arithmetic import add, begin_product, begin_sum, end_product, end_sum, multiply
from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel
from symnum.columns.store import Store
from symnum.columns.table import FINE, SMALL, STATUS, Table

Array = Any


def products(store: Store, starts: Array, factors: Array) -> Array:
    """Return the rows of the products factors[starts[k]] * ... * factors[starts[k + 1] - 1] of rows, one for each k.

    >>> import symnum as sn
    >>> store = Store()
    >>> x, y = store.symbol("x"), store.symbol("y")
    >>> store.terms(products(store, [0, 2, 5], [x, x, x, y, y]))
    [x^2, x*y^2]

    Raises IndexError for rows that are not there, and ValueError for starts that do not fit.
    """
    with store.lock:
        factors = store.checked(factors)
        starts = _starts(starts, len(factors))
        store.reserve(len(starts), 2 * len(factors) + len(starts))
        return store.run(_products, starts, factors)


def sums(store: Store, starts: Array, addends: Array, weights: Array) -> Array:
    """Return the rows of the sums of weights[i] * addends[i] for i from starts[k] to starts[k + 1]; weights are whole numbers.

    >>> import symnum as sn
    >>> store = Store()
    >>> x, y = store.symbol("x"), store.symbol("y")
    >>> store.terms(sums(store, [0, 2, 3], [x, y, y], [1, -2, 1]))
    [x - 2*y, y]
    """
    with store.lock:
        addends, given = store.checked(addends), np.asarray(weights)
        starts = _starts(starts, len(addends))
        if given.shape != addends.shape or (given.size and given.dtype.kind not in "iu"):
            raise TypeError(
                f"weights are one whole number for each of the {len(addends)} addends, but got {weights!r}"
            )
        if given.size and not (-SMALL < int(given.min()) and int(given.max()) < SMALL):
            raise OverflowError(
                "a weight is beyond 62 bits; scale the addend as a term: store.add([weight * term])"
            )
        store.reserve(len(starts), 2 * len(addends) + len(starts))
        return store.run(_sums, starts, addends, given.astype(np.int64))


def _starts(starts: Array, count: int) -> Array:
    """Return where the groups begin as an array; raises ValueError unless they go from 0 to ``count`` without going back."""
    found = np.asarray(starts, np.int64)
    if found.ndim != 1 or not len(found) or found[0] != 0 or found[-1] != count or (np.diff(found) < 0).any():
        raise ValueError(
            f"starts must go from 0 to {count} without going back, but are {found.tolist()[:20]}"
        )
    return found


@kernel
def _products(table: Table, starts: Any, factors: Any) -> Any:
    table = borrowed(table)
    found = np.empty(len(starts) - 1, np.int64)
    for k in range(len(found)):
        begin_product(table, 1, 1)
        for i in range(starts[k], starts[k + 1]):
            multiply(table, factors[i], 1)
        found[k] = end_product(table)
        if table.header[STATUS] != FINE:
            break
    return found


@kernel
def _sums(table: Table, starts: Any, addends: Any, weights: Any) -> Any:
    table = borrowed(table)
    found = np.empty(len(starts) - 1, np.int64)
    for k in range(len(found)):
        begin_sum(table)
        for i in range(starts[k], starts[k + 1]):
            add(table, addends[i], weights[i], 1)
        found[k] = end_sum(table)
        if table.header[STATUS] != FINE:
            break
    return found
