"""Many products and sums at once, from arrays in compressed rows: what a network or a matrix is as terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from symnum.columns.arithmetic import add, begin_product, begin_sum, end_product, end_sum, multiply
from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel
from symnum.columns.store import Store
from symnum.columns.table import FINE, STATUS, Table

Array = Any


def products(store: Store, starts: Array, factors: Array) -> Array:
    """Return the rows of the products factors[starts[k]] * ... * factors[starts[k + 1] - 1] of rows, one for each k.

    >>> import symnum as sn
    >>> store = Store()
    >>> x, y = store.symbol("x"), store.symbol("y")
    >>> store.terms(products(store, [0, 2, 5], [x, x, x, y, y]))
    [x^2, x*y^2]
    """
    starts, factors = np.asarray(starts, np.int64), np.asarray(factors, np.int64)
    with store.lock:
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
    starts, addends = np.asarray(starts, np.int64), np.asarray(addends, np.int64)
    with store.lock:
        store.reserve(len(starts), 2 * len(addends) + len(starts))
        return store.run(_sums, starts, addends, np.asarray(weights, np.int64))


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
