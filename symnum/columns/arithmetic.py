"""Sums and products in the kernels: entries are pushed into work arrays, then merged and interned as one row."""

from __future__ import annotations

from symnum.columns.kernels import part_of_kernel
from symnum.columns.table import (
    ENTRIES_WANTED,
    FULL,
    NUMBER,
    ONE,
    OPERATOR,
    PRODUCT,
    ROOM,
    START,
    STATUS,
    SUM,
    UNSUPPORTED,
    ZERO,
    Table,
    intern,
    is_zero,
    number_row,
    plus,
    power_of_number,
    times,
)

TERM = -3
"""The denominator of an exponent that is a term: the numerator is its row."""

SUM_SIDE, PRODUCT_SIDE = 0, 1
"""Places of the pending sum and product in ``Table.entries``; an entry is a row, and numerator and denominator of its weight."""

_SUM, _PRODUCT = 4, 8
"""Where the state of the pending sum and product begins in the header: count of entries, then constant or coefficient."""


@part_of_kernel
def _begin(table: Table, side: int, numerator: int, denominator: int) -> None:
    state = _SUM + 4 * side
    table.header[state] = 0
    table.header[state + 1] = numerator
    table.header[state + 2] = denominator


@part_of_kernel
def _append(table: Table, side: int, row: int, numerator: int, denominator: int) -> None:
    place = table.header[_SUM + 4 * side]
    if place >= table.entries.shape[1]:
        table.header[STATUS] = FULL
        table.header[ROOM] |= ENTRIES_WANTED
        return
    entry = table.entries[side, place]
    entry[0], entry[1], entry[2] = row, numerator, denominator
    table.header[_SUM + 4 * side] = place + 1


@part_of_kernel
def _sort(table: Table, side: int) -> int:
    """Sort the entries by row (Shell's method with Knuth's gaps) and return their count."""
    entries = table.entries[side]
    count = table.header[_SUM + 4 * side]
    gap = 1
    while 3 * gap + 1 < count:
        gap = 3 * gap + 1
    while gap:
        for i in range(gap, count):
            r, n, d = entries[i, 0], entries[i, 1], entries[i, 2]
            k = i - gap
            while k >= 0 and entries[k, 0] > r:
                entries[k + gap, 0], entries[k + gap, 1], entries[k + gap, 2] = (
                    entries[k, 0],
                    entries[k, 1],
                    entries[k, 2],
                )
                k -= gap
            entries[k + gap, 0], entries[k + gap, 1], entries[k + gap, 2] = r, n, d
        gap //= 3
    return count


@part_of_kernel
def value_of(table: Table, row: int) -> tuple[int, int]:
    """Return numerator and denominator of a number's row."""
    begin = table.rows[row, START]
    return table.parts[begin], table.parts[begin + 1]


@part_of_kernel
def begin_bag(table: Table, side: int) -> None:
    """Begin a sum or product whose terms are distinct and in normal form already."""
    _begin(table, side, 0, 1)


@part_of_kernel
def put(table: Table, side: int, row: int, weight: int) -> None:
    """Put a term with its coefficient, or a base with its exponent, both rows, into the pending sum or product."""
    _append(table, side, row, weight, TERM)


@part_of_kernel
def end_bag(table: Table, operator: int, side: int, first: int) -> int:
    """Return the row of the pending sum or product with its constant or coefficient, a row; no law is used but the order."""
    entries, buffer = table.entries[side], table.buffer
    count = _sort(table, side)
    buffer[0] = first
    for k in range(count):
        buffer[2 * k + 1], buffer[2 * k + 2] = entries[k, 0], entries[k, 1]
    return intern(table, operator, 2 * count + 1)


@part_of_kernel
def _intern_entries(
    table: Table, operator: int, side: int, count: int, numerator: int, denominator: int
) -> int:
    """Return the row of a sum or product of the first entries, with its constant or coefficient."""
    entries, buffer = table.entries[side], table.buffer
    for k in range(count):
        if entries[k, 2] != TERM:
            entries[k, 1] = number_row(table, entries[k, 1], entries[k, 2])
    first = number_row(table, numerator, denominator)
    buffer[0] = first
    for k in range(count):
        buffer[2 * k + 1] = entries[k, 0]
        buffer[2 * k + 2] = entries[k, 1]
    return intern(table, operator, 2 * count + 1)


# --- sums -------------------------------------------------------------------------------------------------------------------


@part_of_kernel
def begin_sum(table: Table) -> None:
    """Begin with 0."""
    _begin(table, SUM_SIDE, 0, 1)


@part_of_kernel
def add_number(table: Table, numerator: int, denominator: int) -> None:
    """Add a number to the pending sum."""
    header = table.header
    header[_SUM + 1], header[_SUM + 2] = plus(
        table, header[_SUM + 1], header[_SUM + 2], numerator, denominator
    )


@part_of_kernel
def add(table: Table, row: int, numerator: int, denominator: int) -> None:
    """Add numerator/denominator * row to the pending sum."""
    parts = table.parts
    if table.rows[row, OPERATOR] == PRODUCT and parts[table.rows[row, START]] != ONE:
        n, d = value_of(table, parts[table.rows[row, START]])
        numerator, denominator = times(table, numerator, denominator, n, d)
        row = without_coefficient(table, row)
    operator, begin, end = table.rows[row, OPERATOR], table.rows[row, START], table.rows[row + 1, START]
    if operator == NUMBER or operator == SUM:
        n, d = value_of(table, row if operator == NUMBER else parts[begin])
        n, d = times(table, n, d, numerator, denominator)
        add_number(table, n, d)
        if operator == SUM:
            for i in range(begin + 1, end, 2):
                n, d = value_of(table, parts[i + 1])
                n, d = times(table, n, d, numerator, denominator)
                _append(table, SUM_SIDE, parts[i], n, d)
        return
    _append(table, SUM_SIDE, row, numerator, denominator)


@part_of_kernel
def without_coefficient(table: Table, row: int) -> int:
    """Return a product's row with the coefficient 1."""
    begin, end = table.rows[row, START], table.rows[row + 1, START]
    if end - begin == 3 and table.parts[begin + 2] == ONE:
        return table.parts[begin + 1]
    table.buffer[0] = ONE
    for i in range(begin + 1, end):
        table.buffer[i - begin] = table.parts[i]
    return intern(table, PRODUCT, end - begin)


@part_of_kernel
def end_sum(table: Table) -> int:
    """Return the row of the pending sum: like terms merged, terms by increasing row."""
    entries, header = table.entries[SUM_SIDE], table.header
    given, count, i = _sort(table, SUM_SIDE), 0, 0
    while i < given:
        r, n, d = entries[i, 0], entries[i, 1], entries[i, 2]
        i += 1
        while i < given and entries[i, 0] == r:
            n, d = plus(table, n, d, entries[i, 1], entries[i, 2])
            i += 1
        if not is_zero(n, d):
            entries[count, 0], entries[count, 1], entries[count, 2] = r, n, d
            count += 1
    n, d = header[_SUM + 1], header[_SUM + 2]
    if count == 0:
        return number_row(table, n, d)
    if is_zero(n, d):
        if count == 1:
            return scaled(table, entries[0, 0], entries[0, 1], entries[0, 2])
        n, d = 0, 1
    return _intern_entries(table, SUM, SUM_SIDE, count, n, d)


@part_of_kernel
def scaled(table: Table, row: int, numerator: int, denominator: int) -> int:
    """Return numerator/denominator * row for a row that is neither a number nor a product with another coefficient than 1."""
    if numerator == 1 and denominator == 1:
        return row
    count = 3
    if table.rows[row, OPERATOR] == PRODUCT:
        count = table.rows[row + 1, START] - table.rows[row, START]
    coefficient = number_row(table, numerator, denominator)
    buffer = table.buffer
    buffer[0], buffer[1], buffer[2] = coefficient, row, ONE
    if table.rows[row, OPERATOR] == PRODUCT:
        for i in range(1, count):
            buffer[i] = table.parts[table.rows[row, START] + i]
    return intern(table, PRODUCT, count)


@part_of_kernel
def multiple(table: Table, row: int, factor: int) -> int:
    """Return factor * row for a row that is no number, where a sum stays together."""
    n, d = factor, 1
    if table.rows[row, OPERATOR] == PRODUCT and table.parts[table.rows[row, START]] != ONE:
        n, d = value_of(table, table.parts[table.rows[row, START]])
        n, d = times(table, n, d, factor, 1)
        row = without_coefficient(table, row)
    return scaled(table, row, n, d)


@part_of_kernel
def add_pair(table: Table, a: int, b: int) -> int:
    """Return the row of a + b."""
    begin_sum(table)
    add(table, a, 1, 1)
    add(table, b, 1, 1)
    return end_sum(table)


# --- products ---------------------------------------------------------------------------------------------------------------


@part_of_kernel
def begin_product(table: Table, numerator: int, denominator: int) -> None:
    """Begin with a coefficient."""
    _begin(table, PRODUCT_SIDE, numerator, denominator)


@part_of_kernel
def scale_product(table: Table, numerator: int, denominator: int) -> None:
    """Multiply the coefficient of the pending product."""
    header = table.header
    header[_PRODUCT + 1], header[_PRODUCT + 2] = times(
        table, header[_PRODUCT + 1], header[_PRODUCT + 2], numerator, denominator
    )


@part_of_kernel
def raise_to(table: Table, base: int, exponent: int) -> None:
    """Multiply the pending product by base^exponent, both rows, where the base was a base in a product before."""
    if table.rows[exponent, OPERATOR] == NUMBER:
        n, d = value_of(table, exponent)
        _append(table, PRODUCT_SIDE, base, n, d)
    else:
        _append(table, PRODUCT_SIDE, base, exponent, TERM)


@part_of_kernel
def multiply(table: Table, row: int, exponent: int) -> None:
    """Multiply the pending product by row^exponent for a whole exponent that is not 0."""
    operator, begin = table.rows[row, OPERATOR], table.rows[row, START]
    if operator != NUMBER and operator != PRODUCT:
        _append(table, PRODUCT_SIDE, row, exponent, 1)
        return
    n, d = value_of(table, row if operator == NUMBER else table.parts[begin])
    n, d = power_of_number(table, n, d, exponent)
    scale_product(table, n, d)
    if operator == NUMBER:
        return
    for i in range(begin + 1, table.rows[row + 1, START], 2):
        base, inner = table.parts[i], table.parts[i + 1]
        if exponent == 1:
            raise_to(table, base, inner)
        elif table.rows[inner, OPERATOR] != NUMBER:
            raise_to(table, base, multiple(table, inner, exponent))
        else:
            n, d = value_of(table, inner)
            n, d = times(table, n, d, exponent, 1)
            if d == 1 and _dissolves(table, base):
                table.header[STATUS] = UNSUPPORTED  # (2*x)^(1/2) squared
            _append(table, PRODUCT_SIDE, base, n, d)


@part_of_kernel
def _dissolves(table: Table, base: int) -> bool:
    """Tell whether a whole exponent takes a base apart."""
    operator = table.rows[base, OPERATOR]
    return operator == NUMBER or operator == PRODUCT


@part_of_kernel
def end_product(table: Table) -> int:
    """Return the row of the pending product: like bases merged, bases by increasing row."""
    entries, header = table.entries[PRODUCT_SIDE], table.header
    given, count, i = _sort(table, PRODUCT_SIDE), 0, 0
    while i < given:
        r, n, d = entries[i, 0], entries[i, 1], entries[i, 2]
        first = i
        i += 1
        while i < given and entries[i, 0] == r:
            n, d = _plus_exponent(table, n, d, entries[i, 1], entries[i, 2])
            i += 1
        # 2^(1/2)*2^(2/3) is 2*2^(1/6), and (2*x)^(1/2) squared dissolves: single terms do that.
        if r == ZERO or (i > first + 1 and d != TERM and _dissolves(table, r)):
            header[STATUS] = UNSUPPORTED
        if n != 0 or d != 1:
            entries[count, 0], entries[count, 1], entries[count, 2] = r, n, d
            count += 1
    n, d = header[_PRODUCT + 1], header[_PRODUCT + 2]
    if count == 0 or is_zero(n, d):
        return number_row(table, n, d)
    if count == 1 and n == 1 and d == 1 and entries[0, 1] == 1 and entries[0, 2] == 1:
        return entries[0, 0]
    return _intern_entries(table, PRODUCT, PRODUCT_SIDE, count, n, d)


@part_of_kernel
def _plus_exponent(table: Table, a: int, b: int, c: int, d: int) -> tuple[int, int]:
    """Return the sum of two exponents, each a number or a term, as a number or a term."""
    if b != TERM and d != TERM:
        return plus(table, a, b, c, d)
    left = a if b == TERM else number_row(table, a, b)
    right = c if d == TERM else number_row(table, c, d)
    total = add_pair(table, left, right)
    if table.rows[total, OPERATOR] == NUMBER:
        return value_of(table, total)
    return total, TERM
