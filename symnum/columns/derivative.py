"""Derivatives of all rows at once: sparse Jacobians forward, gradients in reverse, and Hessians as the one of the other.

Every row is looked at once, parts before wholes (or after them, in reverse); compare :mod:`symnum.calculus.derivative`, which does the
same for terms of any backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.columns.arithmetic import (
    add,
    add_pair,
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
from symnum.columns.rules import LONGEST, NOTHING, Templates, instantiate, templates
from symnum.columns.store import Store
from symnum.columns.table import (
    FINE,
    MINUS_ONE,
    NUMBER,
    ONE,
    OPERATOR,
    PARTS,
    PRODUCT,
    START,
    STATUS,
    SUM,
    SYMBOL,
    UNSUPPORTED,
    ZERO,
    Table,
    intern,
)

Array = Any


def jacobian(store: Store, roots: Sequence[int], variables: Sequence[int]) -> tuple[Array, Array, Array]:
    """Return the non-zero derivatives as arrays (root number, variable number, row), by root and then by variable.

    Raises Unsupported for what the kernels do not have, IndexError for rows that are not there, and TypeError or ValueError for variables
    that are no symbols or come twice.

    >>> import symnum as sn
    >>> store = Store()
    >>> x, y = store.symbol("x"), store.symbol("y")
    >>> i, j, entries = jacobian(store, store.add([sn.parse("x^2*y"), sn.parse("sin(x)")]), [x, y])
    >>> i.tolist(), j.tolist(), store.terms(entries)
    ([0, 0, 1], [0, 1, 0], [2*x*y, x^2, cos(x)])
    """
    with store.lock:
        rows, by = store.checked(roots), store.checked_symbols(variables)
        given = templates(store)
        _reserve(store)
        return store.run(_forward, given, rows, by)


def gradient(store: Store, root: int, variables: Sequence[int]) -> Array:
    """Return the rows of the derivatives of one row, by one sweep in reverse; 0 where it does not depend on a variable."""
    with store.lock:
        (row,), by = store.checked([root]), store.checked_symbols(variables)
        given = templates(store)
        _reserve(store)
        return store.run(_reverse, given, int(row), by)


def hessian(store: Store, root: int, variables: Sequence[int]) -> tuple[Array, Array, Array]:
    """Return the non-zero second derivatives with j <= i as arrays (i, j, row): forward over the gradient."""
    i, j, entries = jacobian(store, gradient(store, root, variables), variables)
    lower = j <= i
    return i[lower], j[lower], entries[lower]


def _reserve(store: Store) -> None:
    """Make room for what derivatives usually need, so that a kernel seldom begins again."""
    used = len(store)
    store.reserve(4 * used, 4 * int(store.table.header[PARTS]))


@part_of_kernel
def _depending(table: Table, roots: Any, variables: Any) -> Any:
    """Return for each row up to the last root: 2 if a root needs it and it depends on a variable, else less."""
    top = 0
    for row in roots:
        top = max(top, row + 1)
    mark = np.zeros(top, np.int8)
    for row in roots:
        mark[row] = 1
    for row in range(top - 1, -1, -1):
        if mark[row] and table.rows[row, OPERATOR] > SYMBOL:
            for i in range(table.rows[row, START], table.rows[row + 1, START]):
                mark[table.parts[i]] = 1
    for row in variables:
        if row < top and mark[row]:
            mark[row] = 2
    for row in range(top):
        if mark[row] == 1 and table.rows[row, OPERATOR] > SYMBOL:
            for i in range(table.rows[row, START], table.rows[row + 1, START]):
                if mark[table.parts[i]] == 2:
                    mark[row] = 2
                    break
    return mark


@part_of_kernel
def _begin_partial(table: Table, log: int, node: int, place: int, through_exponent: bool) -> None:
    """Begin a product with the derivative of the product ``node`` by the base (or the exponent) at ``place`` of its parts."""
    begin, end = table.rows[node, START], table.rows[node + 1, START]
    n, d = value_of(table, table.parts[begin])
    begin_product(table, n, d)
    for i in range(begin + 1, end, 2):
        base, exponent = table.parts[i], table.parts[i + 1]
        if i != place or through_exponent:
            raise_to(table, base, exponent)
        elif exponent != ONE:
            multiply(table, exponent, 1)
            less = ZERO if table.rows[base, OPERATOR] == PRODUCT else add_pair(table, exponent, MINUS_ONE)
            if less != ZERO:
                raise_to(table, base, less)
            elif table.rows[base, OPERATOR] == PRODUCT:  # base^-1 is taken apart, and does not merge
                raise_to(table, base, exponent)
                multiply(table, base, -1)
    if through_exponent:
        multiply(table, _logarithm(table, log, table.parts[place]), 1)


@part_of_kernel
def _logarithm(table: Table, log: int, base: int) -> int:
    """Return the row of log(base); that of a number is left to single terms unless it is exact and above 1, where nothing folds it."""
    if table.rows[base, OPERATOR] == NUMBER:
        n, d = value_of(table, base)
        if d <= 0 or n <= d:
            table.header[STATUS] = UNSUPPORTED
    table.buffer[0] = base
    return intern(table, log, 1)


@part_of_kernel
def _multiple(table: Table, row: int, numerator: int, denominator: int) -> int:
    """Return numerator/denominator * row, where a sum stays together."""
    if numerator == 1 and denominator == 1:
        return row
    begin_product(table, numerator, denominator)
    multiply(table, row, 1)
    return end_product(table)


@kernel
def _forward(table: Table, given: Templates, roots: Any, variables: Any) -> Any:
    table = borrowed(table)
    mark = _depending(table, roots, variables)
    top = len(mark)
    first, count = np.zeros(top, np.int64), np.zeros(top, np.int64)
    by, slope = np.empty(4 * top + 64, np.int64), np.empty(4 * top + 64, np.int64)
    used = 0
    for j in range(len(variables)):
        if variables[j] < top and mark[variables[j]] == 2:
            row = variables[j]
            first[row], count[row] = used, 1
            by[used], slope[used] = j, ONE
            used += 1
    values = np.empty(LONGEST, np.int64)
    found = np.empty((256, 4), np.int64)
    latest = np.full(len(variables), -1, np.int64)
    for node in range(top):
        operator = table.rows[node, OPERATOR]
        if mark[node] != 2 or operator <= SYMBOL:
            continue
        begin, end = table.rows[node, START], table.rows[node + 1, START]
        most = 0
        for i in range(begin, end):
            if mark[table.parts[i]] == 2:
                most += count[table.parts[i]]
        if most > len(found):
            found = np.empty((2 * most, 4), np.int64)
        size = 0
        if operator == SUM:
            for i in range(begin + 1, end, 2):
                part = table.parts[i]
                if mark[part] == 2:
                    n, d = value_of(table, table.parts[i + 1])
                    for k in range(first[part], first[part] + count[part]):
                        found[size, 0], found[size, 1], found[size, 2], found[size, 3] = by[k], slope[k], n, d
                        size += 1
        elif operator == PRODUCT:
            for i in range(begin + 1, end, 2):
                for side in range(2):
                    part = table.parts[i + side]
                    if mark[part] == 2:
                        for k in range(first[part], first[part] + count[part]):
                            _begin_partial(table, given.log, node, i, side == 1)
                            multiply(table, slope[k], 1)
                            found[size, 0], found[size, 1] = by[k], end_product(table)
                            found[size, 2], found[size, 3] = 1, 1
                            size += 1
        else:
            for i in range(begin, end):
                part = table.parts[i]
                if mark[part] != 2:
                    continue
                partial = instantiate(table, given, values, node, i - begin)
                if partial == NOTHING:
                    continue
                for k in range(first[part], first[part] + count[part]):
                    begin_product(table, 1, 1)
                    multiply(table, partial, 1)
                    multiply(table, slope[k], 1)
                    found[size, 0], found[size, 1] = by[k], end_product(table)
                    found[size, 2], found[size, 3] = 1, 1
                    size += 1
        if table.header[STATUS] != FINE:
            break
        if used + size > len(by):
            more = np.empty(2 * (used + size), np.int64)
            more[:used] = by[:used]
            by = more
            more = np.empty(2 * (used + size), np.int64)
            more[:used] = slope[:used]
            slope = more
        first[node] = used
        used = _merge(table, found, size, latest, by, slope, used)
        count[node] = used - first[node]
    total = 0
    for row in roots:
        total += count[row]
    at, of, entry = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    k = 0
    for r in range(len(roots)):
        row = roots[r]
        for i in range(first[row], first[row] + count[row]):
            at[k], of[k], entry[k] = r, by[i], slope[i]
            k += 1
    return at, of, entry


@part_of_kernel
def _merge(table: Table, found: Any, size: int, latest: Any, by: Any, slope: Any, used: int) -> int:
    """Write the contributions as (variable, derivative), by variable, those to one variable added; return how much is used then.

    ``latest`` is -1 for every variable, before and after; it links the contributions to one variable.
    """
    begin = used
    link = np.empty(size, np.int64)
    for k in range(size):
        j = found[k, 0]
        if latest[j] < 0:
            by[used] = j
            used += 1
        link[k] = latest[j]
        latest[j] = k
    if used - begin > 1:
        by[begin:used].sort()
    kept = begin
    for i in range(begin, used):
        j = by[i]
        k = latest[j]
        latest[j] = -1
        if link[k] < 0:
            row = _multiple(table, found[k, 1], found[k, 2], found[k, 3])
        else:
            begin_sum(table)
            while k >= 0:
                add(table, found[k, 1], found[k, 2], found[k, 3])
                k = link[k]
            row = end_sum(table)
        if row != ZERO:
            by[kept], slope[kept] = j, row
            kept += 1
    return kept


@kernel
def _reverse(table: Table, given: Templates, root: int, variables: Any) -> Any:
    table = borrowed(table)
    mark = _depending(table, np.array([root]), variables)
    top = len(mark)
    latest = np.full(top, -1, np.int64)
    values = np.empty(LONGEST, np.int64)
    added = np.empty((4 * top + 64, 4), np.int64)
    used = 0
    if mark[root] == 2:
        added[0, 0], added[0, 1], added[0, 2], added[0, 3] = ONE, 1, 1, -1
        latest[root] = 0
        used = 1
    adjoint = np.zeros(top, np.int64)
    for node in range(top - 1, -1, -1):
        if mark[node] != 2 or latest[node] < 0:
            continue
        k = latest[node]
        if added[k, 3] < 0:
            total = _multiple(table, added[k, 0], added[k, 1], added[k, 2])
        else:
            begin_sum(table)
            while k >= 0:
                add(table, added[k, 0], added[k, 1], added[k, 2])
                k = added[k, 3]
            total = end_sum(table)
        adjoint[node] = total
        operator = table.rows[node, OPERATOR]
        if operator <= SYMBOL:
            continue
        begin, end = table.rows[node, START], table.rows[node + 1, START]
        if used + end - begin > len(added):
            more = np.empty((2 * (used + end - begin), 4), np.int64)
            more[:used] = added[:used]
            added = more
        for i in range(begin, end):
            part = table.parts[i]
            if mark[part] != 2:
                continue
            n, d = 1, 1
            row = total
            if operator == SUM:
                n, d = value_of(table, table.parts[i + 1])
            elif operator == PRODUCT:
                _begin_partial(table, given.log, node, i if (i - begin) % 2 else i - 1, (i - begin) % 2 == 0)
                multiply(table, total, 1)
                row = end_product(table)
            else:
                partial = instantiate(table, given, values, node, i - begin)
                if partial == NOTHING:
                    continue
                begin_product(table, 1, 1)
                multiply(table, partial, 1)
                multiply(table, total, 1)
                row = end_product(table)
            added[used, 0], added[used, 1], added[used, 2], added[used, 3] = row, n, d, latest[part]
            latest[part] = used
            used += 1
        if table.header[STATUS] != FINE:
            break
    found = np.zeros(len(variables), np.int64)
    for j in range(len(variables)):
        if variables[j] < top:
            found[j] = adjoint[variables[j]]
    return found
