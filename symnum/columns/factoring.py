"""Greedy distributive factoring of sums of monomials, shared across all sums by the table.

From a sum of monomials the factor that most of them have is taken out, a*b + a*c + d*e = a*(b + c) + d*e, inside and outside again until
no factor occurs twice.  What is left in brackets is brought to one sign and interned, so that equal brackets of different sums are one
row.  On mass-action networks this leaves about a fifth of the operations (the published bracket counts are in the documentation of
``symnum.optimize``, which searches longer).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.columns.arithmetic import (
    add,
    add_number,
    begin_product,
    begin_sum,
    end_product,
    end_sum,
    multiply,
    raise_to,
    value_of,
)
from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel, part_of_kernel
from symnum.columns.store import Store
from symnum.columns.table import FINE, MINUS_ONE, NUMBER, ONE, OPERATOR, PRODUCT, START, STATUS, SUM, Table

LARGEST_POWER = 8
"""Whole powers up to this one are taken apart into factors."""


def factored(store: Store, roots: Sequence[int]) -> Any:
    """Return for each root a row of equal value, in which sums of products are factored.

    >>> import symnum as sn
    >>> store = Store()
    >>> rows = factored(store, store.add([sn.parse("a*b*x + a*c*x + d*e")]))
    >>> store.terms(rows)
    [a*x*(b + c) + d*e]
    """
    with store.lock:
        return store.run(_factored, store.checked(roots))


@kernel
def _factored(table: Table, roots: Any) -> Any:
    table = borrowed(table)
    found = roots.copy()
    count = np.zeros(table.header[0], np.int64)  # of occurrences, for each row that is a factor
    for k in range(len(roots)):
        if table.rows[roots[k], OPERATOR] == SUM:
            found[k] = _factored_sum(table, roots[k], count)
        if table.header[STATUS] != FINE:
            break
    return found


@part_of_kernel
def _factored_sum(table: Table, root: int, count: Any) -> int:
    begin, end = table.rows[root, START], table.rows[root + 1, START]
    size = (end - begin) // 2
    starts, factors = _monomials(table, begin, end)
    weight = np.empty(size, np.int64)
    for m in range(size):
        weight[m] = table.parts[begin + 2 + 2 * m]
    length = np.empty(size, np.int64)
    for m in range(size):
        length[m] = starts[m + 1] - starts[m]
    order = np.arange(size)
    # A frame is a group order[low:high] whose common factor is known; what it has become is added to the group around it.
    low, high, common = (
        np.empty(size + 1, np.int64),
        np.empty(size + 1, np.int64),
        np.empty(size + 1, np.int64),
    )
    done = np.empty((size + 1, 2), np.int64)  # finished addends (row, weight) of the open frames
    done_from = np.empty(size + 1, np.int64)
    finished = 0
    low[0], high[0], common[0], done_from[0] = 0, size, ONE, 0
    depth = 1
    touched = np.empty(len(factors) + 1, np.int64)
    while depth:
        f = depth - 1
        best = _most_frequent(order, low[f], high[f], starts, length, factors, count, touched)
        if best >= 0:
            middle = _partition(order, low[f], high[f], starts, length, factors, best)
            low[depth], high[depth], common[depth], done_from[depth] = low[f], middle, best, finished
            low[f] = middle
            depth += 1
            continue
        begin_sum(table)
        if depth == 1:
            n, d = value_of(table, table.parts[begin])
            add_number(table, n, d)
        products = finished
        for i in range(low[f], high[f]):
            m = order[i]
            begin_product(table, 1, 1)
            for k in range(starts[m], starts[m] + length[m]):
                multiply(table, factors[k], 1)
            row = end_product(table)
            n, d = value_of(table, weight[m])
            add(table, row, n, d)
        for i in range(done_from[f], products):
            n, d = value_of(table, done[i, 1])
            add(table, done[i, 0], n, d)
        total = end_sum(table)
        if table.header[STATUS] != FINE or depth == 1:
            return total
        total, sign = _positive(table, total)
        begin_product(table, 1, 1)
        multiply(table, common[f], 1)
        multiply(table, total, 1)
        row = end_product(table)
        finished = done_from[f]
        done[finished, 0], done[finished, 1] = row, sign
        finished += 1
        depth -= 1
    return root


@part_of_kernel
def _positive(table: Table, row: int) -> tuple[int, int]:
    """Return (s, sign) with row = sign * s, where the first coefficient of the sum s is positive."""
    if table.rows[row, OPERATOR] != SUM:
        return row, ONE
    n, _ = value_of(table, table.parts[table.rows[row, START] + 2])
    if n > 0:
        return row, ONE
    begin_sum(table)
    add(table, row, -1, 1)
    return end_sum(table), MINUS_ONE


@part_of_kernel
def _monomials(table: Table, begin: int, end: int) -> tuple[Any, Any]:
    """Return the factors of the terms of a sum in compressed rows; a whole power is a factor as often as it says."""
    starts = np.zeros((end - begin) // 2 + 1, np.int64)
    for fill in range(2):
        if fill:
            factors = np.empty(starts[-1], np.int64)
        m = 0
        total = 0
        for i in range(begin + 1, end, 2):
            term = table.parts[i]
            if table.rows[term, OPERATOR] != PRODUCT:
                if fill:
                    factors[total] = term
                total += 1
            else:
                for k in range(table.rows[term, START] + 1, table.rows[term + 1, START], 2):
                    base, exponent = table.parts[k], table.parts[k + 1]
                    times = 0
                    if table.rows[exponent, OPERATOR] == NUMBER:
                        n, d = value_of(table, exponent)
                        if d == 1 and 0 < n <= LARGEST_POWER:
                            times = n
                    if times:
                        for _ in range(times):
                            if fill:
                                factors[total] = base
                            total += 1
                    else:
                        if fill:
                            begin_product(table, 1, 1)
                            raise_to(table, base, exponent)
                            factors[total] = end_product(table)
                        total += 1
            m += 1
            starts[m] = total
    return starts, factors


@part_of_kernel
def _most_frequent(
    order: Any, low: int, high: int, starts: Any, length: Any, factors: Any, count: Any, touched: Any
) -> int:
    """Return the factor that most monomials of a group have, the lowest row of several, or -1 when none is in two."""
    used = 0
    best = -1
    most = 1
    for i in range(low, high):
        m = order[i]
        for k in range(starts[m], starts[m] + length[m]):
            row = factors[k]
            repeated = False
            for j in range(starts[m], k):
                if factors[j] == row:
                    repeated = True
                    break
            if repeated or row >= len(count):
                continue
            if count[row] == 0:
                touched[used] = row
                used += 1
            count[row] += 1
            if count[row] > most or (count[row] == most and most > 1 and row < best):
                most, best = count[row], row
    for i in range(used):
        count[touched[i]] = 0
    return best


@part_of_kernel
def _partition(order: Any, low: int, high: int, starts: Any, length: Any, factors: Any, best: int) -> int:
    """Move the monomials that have a factor to the front and take it out of them; return where the others begin."""
    middle = low
    for i in range(low, high):
        m = order[i]
        last = starts[m] + length[m] - 1
        for k in range(starts[m], last + 1):
            if factors[k] == best:
                factors[k] = factors[last]
                length[m] -= 1
                order[i], order[middle] = order[middle], m
                middle += 1
                break
    return middle
