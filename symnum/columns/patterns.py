"""Which rows depend on which: free symbols and the pattern of a Jacobian, found without forming a derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel
from symnum.columns.store import Store, reachable
from symnum.columns.table import OPERATOR, START, SYMBOL, Table

Array = Any


def free_symbols(store: Store, roots: Sequence[int]) -> Array:
    """Return the rows of the symbols that occur in roots, by increasing row."""
    with store.lock:
        rows = reachable(store.table, store.checked(roots))
        return rows[store.table.rows[rows, OPERATOR] == SYMBOL]


def jacobian_pattern(store: Store, roots: Sequence[int], variables: Sequence[int]) -> tuple[Array, Array]:
    """Return (starts, variable numbers) in compressed rows: the variables that occur in each root, by increasing number.

    >>> import symnum as sn
    >>> store = Store()
    >>> x, y = store.symbol("x"), store.symbol("y")
    >>> starts, columns = jacobian_pattern(store, store.add([sn.parse("x + 1"), sn.parse("x*sin(y)")]), [x, y])
    >>> starts.tolist(), columns.tolist()
    ([0, 1, 3], [0, 0, 1])
    """
    with store.lock:
        starts, columns = _pattern(store.table, store.checked(roots), store.checked_symbols(variables))
    return starts, columns


@kernel
def _pattern(table: Table, roots: Any, variables: Any) -> Any:
    table = borrowed(table)
    rows = reachable(table, roots)
    top = 0
    for row in roots:
        top = max(top, row + 1)
    first, count = np.zeros(top, np.int64), np.zeros(top, np.int64)
    found = np.empty(4 * len(rows) + len(variables) + 64, np.int64)
    used = 0
    for j in range(len(variables)):
        if variables[j] < top:
            first[variables[j]], count[variables[j]] = used, 1
            found[used] = j
            used += 1
    seen = np.full(len(variables), -1, np.int64)
    for row in rows:
        if table.rows[row, OPERATOR] <= SYMBOL:
            continue
        if used + len(variables) > len(found):
            more = np.empty(2 * (used + len(variables)), np.int64)
            more[:used] = found[:used]
            found = more
        begin = used
        for i in range(table.rows[row, START], table.rows[row + 1, START]):
            part = table.parts[i]
            for k in range(first[part], first[part] + count[part]):
                j = found[k]
                if seen[j] != row:
                    seen[j] = row
                    found[used] = j
                    used += 1
        first[row], count[row] = begin, used - begin
    starts = np.zeros(len(roots) + 1, np.int64)
    for k in range(len(roots)):
        starts[k + 1] = starts[k] + count[roots[k]]
    columns = np.empty(starts[-1], np.int64)
    for k in range(len(roots)):
        row = roots[k]
        columns[starts[k] : starts[k + 1]] = np.sort(found[first[row] : first[row] + count[row]])
    return starts, columns
