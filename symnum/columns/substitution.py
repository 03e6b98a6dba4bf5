"""Rows put in for rows, everywhere at once: each row below the roots is rebuilt at most once, parts before wholes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symnum.columns.arithmetic import (
    add,
    add_number,
    begin_product,
    begin_sum,
    end_product,
    end_sum,
    value_of,
)
from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel, part_of_kernel
from symnum.columns.rules import raise_power
from symnum.columns.store import Store
from symnum.columns.table import (
    CALL,
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
    Table,
    intern,
)
from symnum.operators import OPERATORS

Array = Any

PLAIN, ODD_OR_EVEN, FOLDED = range(3)
"""What a call with new arguments may become: itself; itself unless its argument has a minus; or what single terms fold it to."""


def substitute(store: Store, roots: Sequence[int], replacements: Mapping[int, int]) -> Array:
    """Return the rows of roots with rows replaced all at once; what is put in is not searched again.

    Raises Unsupported where a call would be folded, as sin(0) is.

    >>> import symnum as sn
    >>> store = Store()
    >>> x, y = store.symbol("x"), store.symbol("y")
    >>> store.terms(substitute(store, store.add([sn.parse("x^2 - y")]), {x: store.number(3), y: x}))
    [-x + 9]
    """
    with store.lock:
        kinds = np.array([_kind(name) for name in store.heads], np.int64)
        old, new = (store.checked(list(part)) for part in (replacements.keys(), replacements.values()))
        return store.run(_substituted, store.checked(roots), old, new, kinds)


def _kind(name: str) -> int:
    row = OPERATORS[name]
    if row.associative or row.commutative or name in ("ifelse", "hold", "not"):
        return FOLDED
    return ODD_OR_EVEN if row.parity is not None else PLAIN


@kernel
def _substituted(table: Table, roots: Any, old: Any, new: Any, kinds: Any) -> Any:
    table = borrowed(table)
    top = 0
    for row in roots:
        top = max(top, row + 1)
    became = np.full(top, -1, np.int64)  # -1: not needed; needed rows stand for themselves at first
    for row in roots:
        became[row] = row
    fixed = np.zeros(top, np.bool_)
    for i in range(len(old)):
        if old[i] < top:
            fixed[old[i]] = True
    for row in range(top - 1, -1, -1):
        if became[row] >= 0 and not fixed[row] and table.rows[row, OPERATOR] > SYMBOL:
            for i in range(table.rows[row, START], table.rows[row + 1, START]):
                became[table.parts[i]] = table.parts[i]
    for i in range(len(old)):
        if old[i] < top and became[old[i]] >= 0:
            became[old[i]] = new[i]
    for row in range(top):
        if became[row] < 0 or fixed[row] or table.rows[row, OPERATOR] <= SYMBOL:
            continue
        for i in range(table.rows[row, START], table.rows[row + 1, START]):
            if became[table.parts[i]] != table.parts[i]:
                became[row] = _rebuilt(table, became, row, kinds)
                break
        if table.header[STATUS] != FINE:
            break
    found = np.empty(len(roots), np.int64)
    for k in range(len(roots)):
        found[k] = became[roots[k]]
    return found


@part_of_kernel
def _rebuilt(table: Table, became: Any, row: int, kinds: Any) -> int:
    operator, begin, end = table.rows[row, OPERATOR], table.rows[row, START], table.rows[row + 1, START]
    if operator == SUM:
        begin_sum(table)
        n, d = value_of(table, became[table.parts[begin]])
        add_number(table, n, d)
        for i in range(begin + 1, end, 2):
            n, d = value_of(table, table.parts[i + 1])
            add(table, became[table.parts[i]], n, d)
        return end_sum(table)
    if operator == PRODUCT:
        n, d = value_of(table, became[table.parts[begin]])
        begin_product(table, n, d)
        for i in range(begin + 1, end, 2):
            raise_power(table, became[table.parts[i]], became[table.parts[i + 1]])
        return end_product(table)
    kind = kinds[operator - CALL]
    for i in range(begin, end):
        part = became[table.parts[i]]
        signed = table.rows[part, OPERATOR] == PRODUCT and table.parts[table.rows[part, START]] != ONE
        if table.rows[part, OPERATOR] == NUMBER or kind == FOLDED or (kind == ODD_OR_EVEN and signed):
            table.header[STATUS] = UNSUPPORTED
        table.buffer[i - begin] = part
    return intern(table, operator, end - begin)
