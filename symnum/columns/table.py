"""The term table: rows (operator, parts) in flat arrays, each distinct row once, found by open addressing.

A row's parts are rows before it, so that increasing row number is an order in which every part comes before what it is part of.

======== =============================================================== =============================================
operator parts                                                           what it is
======== =============================================================== =============================================
NUMBER   numerator, denominator (see FLOAT, LARGE, TRUTH)                a constant
SYMBOL   place in the store's list of symbols                            a variable
SUM      constant, term, coefficient, term, coefficient, ...             terms by increasing row, coefficients are numbers
PRODUCT  coefficient, base, exponent, base, exponent, ...                bases by increasing row, exponents are any rows
CALL + h the arguments                                                   a call of the store's head h
======== =============================================================== =============================================

A product of one base and a coefficient is c*x, one of one base and an exponent x^e.  Sums and products are in the normal form of the
interned backend, which tests compare.  Kernels never wrap: what leaves 62 bits, or needs a law that is not in here, sets a status, and
the caller takes the way through Python integers.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from symnum.columns.kernels import kernel, part_of_kernel

NUMBER, SYMBOL, SUM, PRODUCT, CALL = range(5)
FLOAT, LARGE, TRUTH = 0, -1, -2
"""Denominators that are none: the numerator is the bits of a float, a place in the store's list of large numbers, or a truth value."""

ZERO, ONE, MINUS_ONE, TWO = range(4)
"""The first rows of every table."""

OPERATOR, START, HASH = range(3)
"""Columns of ``Table.rows``; the parts of row r are parts[rows[r, START] : rows[r + 1, START]]."""

ROWS, PARTS, STATUS, ROOM = range(4)
"""Places in ``Table.header``; ROOM says what there was too little room for, whatever the status became afterwards."""

ROWS_WANTED, ENTRIES_WANTED = 1, 2
"""Bits of ROOM: for rows or their parts, and for the entries of a pending sum or product."""

FINE, FULL, UNSUPPORTED = range(3)
"""Values of the status: once it is not FINE, results of kernels have no meaning."""

SMALL = 1 << 62
"""Numerators and denominators of kernels stay below this, so that a sum of two cannot wrap."""


class Table(NamedTuple):
    """The arrays of a table, all of int64, few so that kernels stay small.

    ``rows`` (n + 1, 3), ``parts``, and ``slots``, which holds row + 1 or 0 and has at least twice as many places as there are rows.
    ``header`` holds counts and the state of pending sums and products, ``entries`` (2, m, 3) their entries, and ``buffer`` the parts of the
    row that is to be interned.
    """

    rows: Any
    parts: Any
    slots: Any
    header: Any
    entries: Any
    buffer: Any


def new_table(rows: int, parts: int, entries: int) -> Table:
    """Return an empty table with room for this many rows and parts, and for this many entries of a pending sum or product."""
    slots = 1 << max(6, int(2 * rows - 1).bit_length())
    table = Table(
        np.empty((rows + 1, 3), np.int64),
        np.empty(parts, np.int64),
        np.zeros(slots, np.int64),
        np.zeros(16, np.int64),
        np.empty((2, entries, 3), np.int64),
        np.empty(2 * entries + 2, np.int64),
    )
    table.rows[0, START] = 0
    return table


@part_of_kernel
def _hash(operator: int, parts: Any, begin: int, end: int) -> Any:
    """Return a 64-bit hash of an operator and of parts[begin:end] (the finaliser of MurmurHash3 on each part)."""
    h = np.uint64(operator) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(end - begin)
    for i in range(begin, end):
        h ^= np.uint64(parts[i])
        h *= np.uint64(0xFF51AFD7ED558CCD)
        h ^= h >> np.uint64(33)
        h *= np.uint64(0xC4CEB9FE1A85EC53)
        h ^= h >> np.uint64(29)
    return np.int64(h)


@part_of_kernel
def intern(table: Table, operator: int, count: int) -> int:
    """Return the row (operator, buffer[:count]), which is added if there is none; FULL is set when there is no room."""
    rows, parts, buffer, header = table.rows, table.parts, table.buffer, table.header
    h = _hash(operator, buffer, 0, count)
    mask = len(table.slots) - 1
    slot = h & mask
    while True:
        found = table.slots[slot] - 1
        if found < 0:
            break
        if rows[found, HASH] == h and rows[found, OPERATOR] == operator:
            begin = rows[found, START]
            if rows[found + 1, START] - begin == count:
                same = True
                for i in range(count):
                    if parts[begin + i] != buffer[i]:
                        same = False
                        break
                if same:
                    return found
        slot = (slot + 1) & mask
    row, end = header[ROWS], header[PARTS]
    if row + 1 >= len(rows) or end + count > len(parts):
        header[STATUS] = FULL
        header[ROOM] |= ROWS_WANTED
        return ZERO
    rows[row, OPERATOR] = operator
    rows[row, HASH] = h
    for i in range(count):
        parts[end + i] = buffer[i]
    rows[row + 1, START] = end + count
    header[ROWS] = row + 1
    header[PARTS] = end + count
    table.slots[slot] = row + 1
    return row


@kernel
def enter_rows(table: Table) -> None:
    """Put all rows, whose operators and parts stand in the arrays already, into the empty slots."""
    mask = len(table.slots) - 1
    for row in range(table.header[ROWS]):
        h = _hash(table.rows[row, OPERATOR], table.parts, table.rows[row, START], table.rows[row + 1, START])
        table.rows[row, HASH] = h
        slot = h & mask
        while table.slots[slot]:
            slot = (slot + 1) & mask
        table.slots[slot] = row + 1


def grown(table: Table, rows: int, parts: int, entries: int) -> Table:
    """Return a copy with room for at least this many rows, parts and entries."""
    used, end = int(table.header[ROWS]), int(table.header[PARTS])
    new = new_table(max(rows, used), max(parts, end), entries)
    new.rows[: used + 1] = table.rows[: used + 1]
    new.parts[:end] = table.parts[:end]
    new.header[ROWS], new.header[PARTS] = used, end
    enter_rows(new)
    return new


# --- numbers ----------------------------------------------------------------------------------------------------------------


@part_of_kernel
def _fits(a: int, b: int) -> bool:
    """Tell whether a * b certainly stays below SMALL."""
    return abs(float(a)) * abs(float(b)) < 4.6e18


@part_of_kernel
def _gcd(a: int, b: int) -> int:
    a, b = abs(a), abs(b)
    while b:
        a, b = b, a % b
    return a


@part_of_kernel
def _as_float(numerator: int, denominator: int) -> float:
    if denominator == FLOAT:
        return np.array([numerator]).view(np.float64)[0]
    return numerator / denominator


@part_of_kernel
def _bits(value: float) -> int:
    if value != value:
        value = np.nan
    return np.array([value]).view(np.int64)[0]


@part_of_kernel
def plus(table: Table, a: int, b: int, c: int, d: int) -> tuple[int, int]:
    """Return a/b + c/d as (numerator, denominator)."""
    if b == 1 and d == 1:
        total = a + c
        if abs(total) >= SMALL:
            table.header[STATUS] = UNSUPPORTED
        return total, 1
    if b < 0 or d < 0:
        table.header[STATUS] = UNSUPPORTED
        return 0, 1
    if b == FLOAT or d == FLOAT:
        return _bits(_as_float(a, b) + _as_float(c, d)), FLOAT
    if not (_fits(a, d) and _fits(c, b) and _fits(b, d)) or abs(a * d + c * b) >= SMALL:
        table.header[STATUS] = UNSUPPORTED
        return 0, 1
    top, bottom = a * d + c * b, b * d
    common = _gcd(top, bottom)
    return top // common, bottom // common


@part_of_kernel
def times(table: Table, a: int, b: int, c: int, d: int) -> tuple[int, int]:
    """Return a/b * c/d as (numerator, denominator)."""
    if c == 1 and d == 1:
        return a, b
    if a == 1 and b == 1:
        return c, d
    if b < 0 or d < 0:
        table.header[STATUS] = UNSUPPORTED
        return 0, 1
    if b == FLOAT or d == FLOAT:
        return _bits(_as_float(a, b) * _as_float(c, d)), FLOAT
    if not (_fits(a, c) and _fits(b, d)):
        table.header[STATUS] = UNSUPPORTED
        return 0, 1
    top, bottom = a * c, b * d
    if bottom == 1:
        return top, 1
    common = _gcd(top, bottom)
    return top // common, bottom // common


@part_of_kernel
def power_of_number(table: Table, a: int, b: int, exponent: int) -> tuple[int, int]:
    """Return (a/b)^exponent for a whole exponent."""
    if exponent == 1:
        return a, b
    if b == FLOAT:
        return _bits(math.pow(_as_float(a, b), float(exponent))), FLOAT
    if b <= 0 or (a == 0 and exponent < 0) or abs(exponent) > 62:
        table.header[STATUS] = UNSUPPORTED
        return 0, 1
    if exponent < 0:
        a, b, exponent = (b, a, -exponent) if a > 0 else (-b, -a, -exponent)
    top, bottom = 1, 1
    for _ in range(exponent):
        if not (_fits(top, a) and _fits(bottom, b)):
            table.header[STATUS] = UNSUPPORTED
            return 0, 1
        top, bottom = top * a, bottom * b
    return top, bottom


@part_of_kernel
def is_zero(numerator: int, denominator: int) -> bool:
    """Tell whether a number is 0, 0.0 or -0.0."""
    if denominator == FLOAT:
        return _as_float(numerator, denominator) == 0.0
    return numerator == 0 and denominator > 0


@part_of_kernel
def number_row(table: Table, numerator: int, denominator: int) -> int:
    """Return the row of a number."""
    if denominator == 1:
        if numerator == 1:
            return ONE
        if numerator == 0:
            return ZERO
        if numerator == -1:
            return MINUS_ONE
    table.buffer[0], table.buffer[1] = numerator, denominator
    return intern(table, NUMBER, 2)
