"""The derivatives of calls as rows: each text of the operator table is brought into the store once, over placeholders."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from symnum import term as interface
from symnum.backends import interned
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
from symnum.columns.kernels import part_of_kernel
from symnum.columns.store import Store, reachable
from symnum.columns.table import (
    CALL,
    NUMBER,
    OPERATOR,
    PRODUCT,
    START,
    STATUS,
    SUM,
    SYMBOL,
    UNSUPPORTED,
    Table,
    intern,
    is_zero,
)
from symnum.operators import ARGUMENTS, OPERATORS

LONGEST = 64
"""Most rows of one derivative."""

NOTHING, NO_RULE = -1, -2
"""Entries of ``Templates.start``: the derivative is 0, or there is none in the kernels."""


class Templates(NamedTuple):
    """Derivatives of the heads of a store: that of head h by argument k is rows[start[h, k] : stop[h, k]], parts before wholes.

    ``placeholders`` are the rows of the symbols that stand for the first arguments and, last, for the call itself; ``log`` is the
    operator of logarithms.
    """

    start: Any
    stop: Any
    rows: Any
    placeholders: Any
    log: int


PLACEHOLDERS = tuple(f"argument {name}" for name in (*ARGUMENTS, "f"))
"""Names that no symbol of a user has."""


@lru_cache(maxsize=1)
def _placeholders() -> tuple[Any, ...]:
    return tuple(interned.symbol(name) for name in PLACEHOLDERS)


def templates(store: Store) -> Templates:
    """Return the derivatives of all heads that a store knows; heads that these bring in are known afterwards."""
    from symnum.text.parser import parse

    names = dict(zip((*ARGUMENTS, "f"), _placeholders()))
    width = len(ARGUMENTS)
    start: list[list[int]] = []
    stop: list[list[int]] = []
    rows: list[int] = []
    place = 0
    log = store.head("log")
    placeholders = store.add(_placeholders())
    while place < len(store.heads):
        row = OPERATORS[store.heads[place]]
        place += 1
        begins, ends = [NO_RULE] * width, [NO_RULE] * width
        # A choice differentiates into a choice, and conditions have no derivative: these go the way of single terms.
        plain = (
            row.derivative is not None
            and "boolean" not in row.argument_sorts
            and row.name not in ("min", "max")
        )
        for k, text in enumerate(row.derivative or () if plain else ()):
            term = parse(text, symbols=names)
            if interface.is_number(term) and interface.value(term) == 0:
                begins[k] = NOTHING
                continue
            needed = reachable(store.table, np.array(store.add([term]), np.int64)).tolist()
            if len(needed) <= LONGEST:
                begins[k], ends[k] = len(rows), len(rows) + len(needed)
                rows += needed
        start.append(begins)
        stop.append(ends)
    shape = (len(start), width)
    return Templates(
        np.array(start, np.int64).reshape(shape),
        np.array(stop, np.int64).reshape(shape),
        np.array(rows, np.int64),
        np.array(placeholders, np.int64),
        log,
    )


@part_of_kernel
def instantiate(table: Table, given: Templates, values: Any, node: int, position: int) -> int:
    """Return the derivative of the call ``node`` by one argument, or NOTHING; ``values`` has room for LONGEST rows."""
    head = table.rows[node, OPERATOR] - CALL
    if position >= given.start.shape[1]:
        table.header[STATUS] = UNSUPPORTED
        return 0
    first, last = given.start[head, position], given.stop[head, position]
    if first == NO_RULE:
        table.header[STATUS] = UNSUPPORTED
        return 0
    if first == NOTHING:
        return NOTHING
    for k in range(first, last):
        values[k - first] = _instance(table, given, values, node, first, k)
    return values[last - first - 1]


@part_of_kernel
def _instance(table: Table, given: Templates, values: Any, node: int, first: int, k: int) -> int:
    row = given.rows[k]
    operator, begin, end = table.rows[row, OPERATOR], table.rows[row, START], table.rows[row + 1, START]
    if operator == NUMBER:
        return row
    if operator == SYMBOL:
        last = len(given.placeholders) - 1
        for place in range(last):
            if given.placeholders[place] == row:
                return table.parts[table.rows[node, START] + place]
        return node if given.placeholders[last] == row else row
    if operator == SUM:
        begin_sum(table)
        n, d = value_of(table, table.parts[begin])
        add_number(table, n, d)
        for i in range(begin + 1, end, 2):
            n, d = value_of(table, table.parts[i + 1])
            add(table, _value(given, values, first, k, table.parts[i]), n, d)
        return end_sum(table)
    if operator == PRODUCT:
        n, d = value_of(table, table.parts[begin])
        begin_product(table, n, d)
        for i in range(begin + 1, end, 2):
            base = _value(given, values, first, k, table.parts[i])
            exponent = _value(given, values, first, k, table.parts[i + 1])
            raise_power(table, base, exponent)
        return end_product(table)
    for i in range(begin, end):
        part = _value(given, values, first, k, table.parts[i])
        if table.rows[part, OPERATOR] == NUMBER:
            table.header[STATUS] = UNSUPPORTED  # calls of numbers are folded by the operator table
        table.buffer[i - begin] = part
    return intern(table, operator, end - begin)


@part_of_kernel
def _value(given: Templates, values: Any, first: int, k: int, part: int) -> int:
    """Return what a part of a template became; it stands before place k."""
    for j in range(k - 1, first - 1, -1):
        if given.rows[j] == part:
            return values[j - first]
    return part


@part_of_kernel
def raise_power(table: Table, base: int, exponent: int) -> None:
    """Multiply the pending product by base^exponent."""
    if table.rows[exponent, OPERATOR] == NUMBER:
        n, d = value_of(table, exponent)
        if d == 1 and n != 0:
            multiply(table, base, n)
            return
        if d == 1:
            return
        if is_zero(n, d):
            table.header[STATUS] = UNSUPPORTED  # x^0.0 is 1.0
    operator = table.rows[base, OPERATOR]
    if operator == NUMBER or operator == PRODUCT:
        table.header[STATUS] = UNSUPPORTED  # a broken power of a number or a product is taken apart
    raise_to(table, base, exponent)
