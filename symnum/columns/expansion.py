"""Powers and products of sums multiplied out, for polynomials whose coefficients and exponents fit in machine words.

Exponents are packed into one integer for each monomial, so that monomials multiply by adding; like monomials are found by hashing.
What does not fit is left to FLINT by the caller.
"""

from __future__ import annotations

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
    value_of,
)
from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel, part_of_kernel
from symnum.columns.store import Store, reachable
from symnum.columns.table import (
    FINE,
    NUMBER,
    ONE,
    OPERATOR,
    PRODUCT,
    START,
    STATUS,
    SUM,
    SYMBOL,
    UNSUPPORTED,
    ZERO,
    Table,
)

MOST_MONOMIALS = 1_000_000
"""Results of more monomials are not formed."""

_GENERATORS = 62
"""Most distinct generators: each has at least one bit of the packed exponents."""


def expand(store: Store, root: int) -> int:
    """Return a row of equal value in which the products and whole powers of sums at the top are multiplied out.

    Generators are all rows that are no sums, products or whole powers.  Raises Unsupported for coefficients that are no whole numbers
    below 2^62, for degrees that do not fit, and for more than a million monomials.

    >>> import symnum as sn
    >>> store = Store()
    >>> (row,) = store.add([sn.parse("(x + 2*y)^2 - x*(x + y)")])
    >>> store.terms([expand(store, row)])
    [3*x*y + 4*y^2]
    """
    with store.lock:
        (row,) = store.checked([root])
        return int(store.run(_expanded, int(row), MOST_MONOMIALS))


def is_polynomial(store: Store, root: int) -> bool:
    """Tell whether a row is a polynomial in symbols and in powers of symbols, in which there is nothing else to be multiplied out."""
    with store.lock:
        return bool(_is_polynomial(store.table, reachable(store.table, np.array([root], np.int64))))


@kernel
def _is_polynomial(table: Table, rows: Any) -> bool:
    table = borrowed(table)
    for row in rows:
        begin, end = table.rows[row, START], table.rows[row + 1, START]
        if table.rows[row, OPERATOR] > PRODUCT:
            return False
        if table.rows[row, OPERATOR] == PRODUCT and not _is_monomial(table, begin, end):
            for i in range(begin + 1, end):
                if table.rows[table.parts[i], OPERATOR] > SYMBOL:
                    return False
    return True


@part_of_kernel
def _scan(table: Table, root: int, place: Any, generators: Any) -> int:
    """Give each generator below a row its place and return how many there are, or -1 when the degree cannot be bounded."""
    count = 0
    stack = np.empty(root + 2, np.int64)
    seen = np.zeros(root + 1, np.bool_)
    stack[0] = root
    depth = 1
    while depth:
        depth -= 1
        row = stack[depth]
        if seen[row]:
            continue
        seen[row] = True
        operator = table.rows[row, OPERATOR]
        begin, end = table.rows[row, START], table.rows[row + 1, START]
        if operator == NUMBER:
            continue
        if operator == SUM:
            for i in range(begin + 1, end, 2):
                if not seen[table.parts[i]]:
                    stack[depth] = table.parts[i]
                    depth += 1
        elif operator == PRODUCT and _is_monomial(table, begin, end):
            for i in range(begin + 1, end, 2):
                if not seen[table.parts[i]]:
                    stack[depth] = table.parts[i]
                    depth += 1
        else:
            if count >= len(generators):
                return -1
            place[row] = count
            generators[count] = row
            count += 1
    return count


@part_of_kernel
def _is_monomial(table: Table, begin: int, end: int) -> bool:
    """Tell whether all exponents of a product are whole and positive."""
    for i in range(begin + 2, end, 2):
        if table.rows[table.parts[i], OPERATOR] != NUMBER:
            return False
        n, d = value_of(table, table.parts[i])
        if d != 1 or n <= 0:
            return False
    return True


@part_of_kernel
def _degree(table: Table, root: int, place: Any) -> int:
    """Return a bound for the total degree."""
    degree = np.zeros(root + 1, np.int64)
    for row in range(root + 1):
        operator = table.rows[row, OPERATOR]
        begin, end = table.rows[row, START], table.rows[row + 1, START]
        if place[row] >= 0:
            degree[row] = 1
        elif operator == SUM:
            for i in range(begin + 1, end, 2):
                degree[row] = max(degree[row], degree[table.parts[i]])
        elif operator == PRODUCT:
            for i in range(begin + 1, end, 2):
                n, d = value_of(table, table.parts[i + 1])
                if d == 1 and 0 < n < 1 << 40:
                    degree[row] = min(degree[row] + n * degree[table.parts[i]], 1 << 50)
    return degree[root]


@part_of_kernel
def _times(table: Table, ka: Any, ca: Any, kb: Any, cb: Any, most: int) -> tuple[Any, Any]:
    """Return the product of two polynomials as (packed exponents, coefficients)."""
    if len(ka) == 1 or len(kb) == 1:
        keys, values = np.empty(len(ka) * len(kb), np.int64), np.empty(len(ka) * len(kb), np.int64)
        n = 0
        for i in range(len(ka)):
            for j in range(len(kb)):
                if abs(float(ca[i])) * abs(float(cb[j])) >= 4.6e18:
                    table.header[STATUS] = UNSUPPORTED
                keys[n], values[n] = ka[i] + kb[j], ca[i] * cb[j]
                n += 1
        return keys, values
    size = 64
    while size < 4 * (len(ka) + len(kb)):
        size *= 2
    slots = np.zeros(size, np.int64)
    keys, values = np.empty(size, np.int64), np.empty(size, np.int64)
    used = 0
    for j in range(len(kb)):
        for i in range(len(ka)):
            key = ka[i] + kb[j]
            if abs(float(ca[i])) * abs(float(cb[j])) >= 4.6e18:
                table.header[STATUS] = UNSUPPORTED
                return keys[:0], values[:0]
            value = ca[i] * cb[j]
            # As _slot does: a call with two arrays would cost more than all else here.
            h = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
            mask = len(slots) - 1
            slot = np.int64(h >> np.uint64(38)) & mask
            while slots[slot] and keys[slots[slot] - 1] != key:
                slot = (slot + 1) & mask
            found = slots[slot] - 1
            if found >= 0:
                values[found] += value
                if abs(values[found]) >= 1 << 62:
                    table.header[STATUS] = UNSUPPORTED
                    return keys[:0], values[:0]
                continue
            if used == most:
                table.header[STATUS] = UNSUPPORTED
                return keys[:0], values[:0]
            keys[used], values[used] = key, value
            slots[slot] = used + 1
            used += 1
            if 2 * used >= len(slots):
                more = np.empty(2 * len(keys), np.int64)
                more[:used] = keys[:used]
                keys = more
                more = np.empty(2 * len(values), np.int64)
                more[:used] = values[:used]
                values = more
                slots = np.zeros(2 * len(slots), np.int64)
                for k in range(used):
                    slots[_slot(slots, keys, keys[k])] = k + 1
    kept = 0
    for i in range(used):
        if values[i]:
            keys[kept], values[kept] = keys[i], values[i]
            kept += 1
    return keys[:kept].copy(), values[:kept].copy()


@part_of_kernel
def _slot(slots: Any, keys: Any, key: int) -> int:
    """Return the slot of a key, or the free one where it belongs."""
    h = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    mask = len(slots) - 1
    slot = np.int64(h >> np.uint64(38)) & mask
    while slots[slot] and keys[slots[slot] - 1] != key:
        slot = (slot + 1) & mask
    return int(slot)


@kernel
def _expanded(table: Table, root: int, most: int) -> int:
    table = borrowed(table)
    place = np.full(root + 1, -1, np.int64)
    generators = np.empty(_GENERATORS, np.int64)
    count = _scan(table, root, place, generators)
    bits = 1
    if count > 0:
        degree = _degree(table, root, place)
        while degree >> bits:
            bits += 1
    if count < 0 or bits * count > 62:
        table.header[STATUS] = UNSUPPORTED
        return root
    # The polynomials of all rows below the root, one after the other.
    first, size = np.zeros(root + 1, np.int64), np.full(root + 1, -1, np.int64)
    keys, values = np.empty(1024, np.int64), np.empty(1024, np.int64)
    used = 0
    needed = _needed(table, root, place)
    for row in range(root + 1):
        if not needed[row]:
            continue
        operator, begin, end = table.rows[row, OPERATOR], table.rows[row, START], table.rows[row + 1, START]
        if place[row] >= 0:
            k, v = np.full(1, 1 << (bits * place[row]), np.int64), np.ones(1, np.int64)
        elif operator == NUMBER:
            k, v = np.zeros(1, np.int64), np.ones(1, np.int64)
            v[0] = _whole(table, row)
        elif operator == SUM:
            k, v = _sum_of(table, begin, end, first, size, keys, values, most)
        else:
            k, v = np.zeros(1, np.int64), np.ones(1, np.int64)
            v[0] = _whole(table, table.parts[begin])
            for i in range(begin + 1, end, 2):
                part = table.parts[i]
                n, _ = value_of(table, table.parts[i + 1])
                kb = keys[first[part] : first[part] + size[part]].copy()
                vb = values[first[part] : first[part] + size[part]].copy()
                for _ in range(n):
                    k, v = _times(table, k, v, kb, vb, most)
        if table.header[STATUS] != FINE:
            return root
        if used + len(k) > len(keys):
            more = np.empty(2 * (used + len(k)), np.int64)
            more[:used] = keys[:used]
            keys = more
            more = np.empty(2 * (used + len(k)), np.int64)
            more[:used] = values[:used]
            values = more
        keys[used : used + len(k)] = k
        values[used : used + len(k)] = v
        first[row], size[row] = used, len(k)
        used += len(k)
    return _as_row(table, keys[first[root] : used], values[first[root] : used], generators, count, bits)


@part_of_kernel
def _needed(table: Table, root: int, place: Any) -> Any:
    needed = np.zeros(root + 1, np.bool_)
    needed[root] = True
    for row in range(root, -1, -1):
        if needed[row] and place[row] < 0 and table.rows[row, OPERATOR] in (SUM, PRODUCT):
            for i in range(table.rows[row, START] + 1, table.rows[row + 1, START], 2):
                needed[table.parts[i]] = True
    return needed


@part_of_kernel
def _whole(table: Table, row: int) -> int:
    n, d = value_of(table, row)
    if d != 1:
        table.header[STATUS] = UNSUPPORTED
    return n


@part_of_kernel
def _sum_of(
    table: Table, begin: int, end: int, first: Any, size: Any, keys: Any, values: Any, most: int
) -> tuple[Any, Any]:
    """Return the sum of the polynomials of the addends."""
    total = 1
    for i in range(begin + 1, end, 2):
        total += size[table.parts[i]]
    k, v = np.empty(total, np.int64), np.empty(total, np.int64)
    n = 0
    if table.parts[begin] != ZERO:
        k[0], v[0] = 0, _whole(table, table.parts[begin])
        n = 1
    for i in range(begin + 1, end, 2):
        part = table.parts[i]
        weight = _whole(table, table.parts[i + 1])
        for j in range(first[part], first[part] + size[part]):
            if abs(float(values[j])) * abs(float(weight)) >= 4.6e18:
                table.header[STATUS] = UNSUPPORTED
            k[n], v[n] = keys[j], values[j] * weight
            n += 1
    # As a product with 1 + 0, in which like monomials are merged.
    one, unit = np.zeros(2, np.int64), np.zeros(2, np.int64)
    unit[0] = 1
    return _times(table, k[:n].copy(), v[:n].copy(), one, unit, most)


@part_of_kernel
def _as_row(table: Table, keys: Any, values: Any, generators: Any, count: int, bits: int) -> int:
    """Return the sum of the monomials."""
    rows = np.empty(len(keys), np.int64)
    mask = (1 << bits) - 1
    for m in range(len(keys)):
        begin_product(table, 1, 1)
        for g in range(count):
            e = (keys[m] >> (bits * g)) & mask
            if e:
                multiply(table, generators[g], e)
        rows[m] = end_product(table)
    begin_sum(table)
    for m in range(len(keys)):
        if rows[m] == ONE:
            add_number(table, values[m], 1)
        elif values[m]:
            add(table, rows[m], values[m], 1)
    return end_sum(table)
