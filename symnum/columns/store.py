"""The store: a term table with its symbols, heads and large numbers, and the way of terms into it and out of it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from symnum.backends.nodes import number_key
from symnum.columns.arithmetic import PRODUCT_SIDE, SUM_SIDE, begin_bag, end_bag, put
from symnum.columns.borrowing import borrowed
from symnum.columns.conversion import as_interned, parts_of, row_of, term_of
from symnum.columns.kernels import kernel, part_of_kernel
from symnum.columns.table import (
    CALL,
    ENTRIES_WANTED,
    FINE,
    FLOAT,
    FULL,
    HASH,
    LARGE,
    NUMBER,
    OPERATOR,
    PARTS,
    PRODUCT,
    ROOM,
    ROWS,
    ROWS_WANTED,
    SMALL,
    START,
    STATUS,
    SUM,
    SYMBOL,
    TRUTH,
    Table,
    enter_rows,
    grown,
    intern,
    new_table,
)

Array = Any

MOST_BYTES = 16 << 30
"""Bytes that a store may take unless it says otherwise."""


class Unsupported(ArithmeticError):
    """A kernel met a number beyond 62 bits or a law that it does not have; the caller goes the way of single terms instead."""


class Store:
    """Terms as rows of one table; a row number stands for a term, and equal terms have one row.

    ``add(terms)`` brings terms of any backend in, ``terms(rows)`` gives them back.  One store is used by one thread at a time:
    ``lock`` is held by every method that may add rows.
    """

    def __init__(
        self,
        rows: int = 1 << 12,
        parts: int = 1 << 14,
        entries: int = 1 << 10,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.lock = threading.RLock()
        self.most_bytes = most_bytes
        self.table: Table = new_table(rows, parts, entries)
        self.symbols: list[tuple[str, str, frozenset[str]]] = []
        self.heads: list[str] = []
        self.large: list[Any] = []
        self._places: dict[Hashable, int] = {}
        self._rows: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._terms: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        for numerator in (0, 1, -1, 2):
            self._intern(NUMBER, [numerator, 1])

    def __len__(self) -> int:
        return int(self.table.header[ROWS])

    @property
    def nbytes(self) -> int:
        """Return the bytes that rows, parts and slots take."""
        rows, parts = len(self), int(self.table.header[PARTS])
        return 24 * rows + 8 * parts + self.table.slots.nbytes

    def compact(self, rows: Sequence[int]) -> list[int]:
        """Drop all rows but these and their parts; return what became of them.  Other row numbers have no meaning afterwards."""
        with self.lock:
            first = np.arange(4)
            rows = self.checked(rows)
            kept = reachable(self.table, np.concatenate([first, rows]))
            old = self.table
            ends = old.rows[kept + 1, START] - old.rows[kept, START]
            self.table = new_table(2 * len(kept) + 64, 2 * int(ends.sum()) + 64, old.entries.shape[1])
            place = np.zeros(len(old.rows), np.int64)
            place[kept] = np.arange(len(kept))
            _copy_rows(old, self.table, kept, place)
            self._rows.clear()
            self._terms.clear()
            return place[rows].tolist()

    # --- what callers pass ---

    def checked(self, rows: Sequence[int] | Array) -> Array:
        """Return row numbers as an array; raises TypeError for what are no whole numbers and IndexError for rows that are not there.

        Kernels read rows without looking.
        """
        found = np.asarray(rows)
        if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
            raise TypeError(
                f"rows are a sequence of whole numbers, but got {rows!r}; store.add(terms) gives the rows of terms"
            )
        if found.size and not (0 <= found.min() and found.max() < len(self)):
            wrong = int(found.min()) if found.min() < 0 else int(found.max())
            raise IndexError(
                f"row {wrong} is not in the store, whose {len(self):,} rows are numbered from 0; use store.add(terms)"
            )
        return found.astype(np.int64)

    def checked_symbols(self, rows: Sequence[int] | Array) -> Array:
        """Return the rows of distinct symbols as an array; raises TypeError for other rows, and ValueError for one that is there twice."""
        found = self.checked(rows)
        others = found[self.table.rows[found, OPERATOR] != SYMBOL]
        if len(others):
            (term,) = self.terms(others[:1])
            raise TypeError(
                f"row {int(others[0])} is {term!s} and no symbol; store.symbol(name) gives the row of a symbol"
            )
        if len(np.unique(found)) < len(found):
            raise ValueError(f"a symbol is listed twice in the rows {found.tolist()[:20]}; list each once")
        return found

    # --- room ---

    def reserve(self, rows: int, parts: int) -> None:
        """Make room for this many more rows and parts."""
        rows, parts = rows + len(self), parts + int(self.table.header[PARTS])
        table = self.table
        if rows >= len(table.rows) or parts > len(table.parts):
            self._enlarge(max(rows, len(table.rows)), max(parts, len(table.parts)), table.entries.shape[1])

    def run(self, function: Any, *arguments: Any) -> Any:
        """Return ``function(table, *arguments)``, again with more room as often as it ran out of it.

        Rows are added once, so that what was done before is found again.  Raises Unsupported when the kernel met a case of the slow way.
        """
        with self.lock:
            while True:
                header = self.table.header
                header[STATUS], header[ROOM] = FINE, 0
                found = function(self.table, *arguments)
                status, room = int(header[STATUS]), int(header[ROOM])
                header[STATUS], header[ROOM] = FINE, 0
                if status == FINE:
                    return found
                if not room:
                    raise Unsupported(
                        "a number beyond 62 bits, or a power that dissolves, is not in the kernels"
                    )
                table = self.table
                more = 2 if room & ROWS_WANTED else 1
                wider = 2 if room & ENTRIES_WANTED else 1
                self._enlarge(more * len(table.rows), more * len(table.parts), wider * table.entries.shape[1])

    def _enlarge(self, rows: int, parts: int, entries: int) -> None:
        """Make room for so many rows, parts and entries; raise MemoryError where they take more than ``most_bytes``."""
        wanted = 24 * rows + 8 * parts + 16 * rows + 64 * entries
        if wanted > self.most_bytes:
            raise MemoryError(
                f"the store of terms would take {wanted / 2**20:,.1f} MiB for its {len(self):,} rows and more, and may take "
                f"{self.most_bytes / 2**20:,.1f} MiB; make it with Store(most_bytes=...), or work on fewer terms at once"
            )
        self.table = grown(self.table, rows, parts, entries)

    def _intern(self, operator: int, parts: Sequence[int]) -> int:
        buffer = np.array(parts, np.int64)
        return int(self.run(_intern_row, operator, buffer))

    # --- leaves and heads ---

    def symbol(self, name: str, sort: str = "real", assumptions: Iterable[str] = ()) -> int:
        """Return the row of a symbol."""
        return self._intern(SYMBOL, [self.place(self.symbols, (name, sort, frozenset(assumptions)))])

    def number(self, value: Any) -> int:
        """Return the row of an exact number, a float or a truth value."""
        return self._intern(NUMBER, self.number_parts(value))

    def head(self, name: str) -> int:
        """Return the operator of calls of a head."""
        return CALL + self.place(self.heads, name)

    def place(self, entries: list[Any], entry: Any, key: Hashable = None) -> int:
        with self.lock:
            key = (id(entries), entry if key is None else key)
            place = self._places.get(key)
            if place is None:
                place = self._places[key] = len(entries)
                entries.append(entry)
            return place

    def index_places(self) -> None:
        """Note the places of symbols, heads and large numbers after they were filled from a file."""
        self._places.clear()
        for entries in (self.symbols, self.heads, self.large):
            for place, entry in enumerate(entries):
                self._places[(id(entries), number_key(entry) if entries is self.large else entry)] = place

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the rows as they are, without what is kept about terms and places."""
        table, used, end = self.table, len(self), int(self.table.header[PARTS])
        return {
            "rows": table.rows[: used + 1, :HASH].copy(),
            "parts": table.parts[:end].copy(),
            "symbols": self.symbols,
            "heads": self.heads,
            "large": self.large,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        rows, parts = state["rows"], state["parts"]
        self.__init__(rows=2 * len(rows), parts=2 * len(parts) + 64)  # type: ignore[misc]
        self.symbols, self.heads, self.large = state["symbols"], state["heads"], state["large"]
        table = new_table(2 * len(rows), 2 * len(parts) + 64, self.table.entries.shape[1])
        table.rows[: len(rows), :HASH] = rows
        table.parts[: len(parts)] = parts
        table.header[ROWS], table.header[PARTS] = len(rows) - 1, len(parts)
        enter_rows(table)
        self.table = table
        self.index_places()

    def number_parts(self, value: Any) -> tuple[int, int]:
        kind = type(value)
        if kind is int and -SMALL < value < SMALL:
            return value, 1
        if kind is float:
            return int(np.array([value]).view(np.int64)[0]), FLOAT
        if kind is bool:
            return int(value), TRUTH
        if kind is Fraction and -SMALL < value.numerator < SMALL and value.denominator < SMALL:
            return value.numerator, value.denominator
        return self.place(self.large, value, number_key(value)), LARGE

    def value(self, row: int) -> Any:
        """Return the Python number of a number's row."""
        begin = self.table.rows[row, START]
        numerator, denominator = (int(p) for p in self.table.parts[begin : begin + 2])
        if denominator == 1:
            return numerator
        if denominator == FLOAT:
            return float(np.array([numerator]).view(np.float64)[0])
        if denominator == TRUTH:
            return bool(numerator)
        return self.large[numerator] if denominator == LARGE else Fraction(numerator, denominator)

    # --- terms ---

    def add(self, terms: Sequence[Any]) -> list[int]:
        """Return the rows of terms, which are brought in with all their parts in time linear in these."""
        with self.lock:
            given = [as_interned(t) for t in terms]
            missing = [t for t in given if t not in self._rows]
            if missing:
                self._add_missing(missing)
            return [self._rows[t] for t in given]

    def _add_missing(self, roots: Sequence[Any]) -> None:
        known = self._rows
        where: dict[Any, int] = {}
        nodes: list[Any] = []
        operators: list[int] = []
        starts, parts = [0], []

        stack: list[tuple[Any, bool]] = [(root, False) for root in reversed(roots)]
        while stack:
            node, entered = stack.pop()
            if node in where:
                continue
            row = known.get(node)
            if row is not None:
                where[node] = ~row
                continue
            if not entered:
                below = parts_of(node)
                if below:
                    stack.append((node, True))
                    stack.extend([(part, False) for part in below if part not in where])
                    continue
            operator, own = row_of(self, node, where.__getitem__)
            where[node] = len(nodes)
            nodes.append(node)
            operators.append(operator)
            parts += own
            starts.append(len(parts))
        arrays = np.array(operators, np.int32), np.array(starts, np.int64), np.array(parts, np.int64)
        self.reserve(2 * len(nodes) + 16, 2 * len(parts) + 64)
        rows = self.run(_add_rows, *arrays, np.empty(len(nodes), np.int64))
        for node, row in zip(nodes, rows.tolist()):
            known[node] = row
            self._terms[row] = node

    def terms(self, rows: Sequence[int]) -> list[Any]:
        """Return the interned terms of rows, made in time linear in their parts."""
        with self.lock:
            table, known = self.table, self._terms
            found: dict[int, Any] = {}
            needed = reachable(table, self.checked(rows))
            operator, start = table.rows[needed, OPERATOR].tolist(), table.rows[needed, START].tolist()
            end = table.rows[needed + 1, START].tolist()
            parts = table.parts
            for row, op, a, b in zip(needed.tolist(), operator, start, end):
                term = known.get(row)
                if term is None:
                    term = term_of(self, row, op, parts[a:b].tolist(), found)
                    known[row] = term
                    self._rows[term] = row
                found[row] = term
            return [found[int(row)] for row in rows]


@kernel
def _intern_row(table: Table, operator: int, buffer: Any) -> int:
    table = borrowed(table)
    table.buffer[: len(buffer)] = buffer
    return intern(table, operator, len(buffer))


@kernel
def _add_rows(table: Table, operators: Any, starts: Any, parts: Any, rows: Any) -> Any:
    """Intern rows whose parts refer to earlier ones by place, or to rows of the table as ~row; fill ``rows`` with what they became."""
    table = borrowed(table)
    for k in range(len(operators)):
        operator, begin, end = operators[k], starts[k], starts[k + 1]
        if operator == SUM or operator == PRODUCT:
            side = SUM_SIDE if operator == SUM else PRODUCT_SIDE
            begin_bag(table, side)
            for i in range(begin + 1, end, 2):
                put(table, side, _resolved(parts[i], rows), _resolved(parts[i + 1], rows))
            rows[k] = end_bag(table, operator, side, _resolved(parts[begin], rows))
        else:
            if end - begin > len(table.buffer):
                table.header[STATUS] = FULL
                table.header[ROOM] |= ENTRIES_WANTED
                return rows
            for i in range(begin, end):
                table.buffer[i - begin] = _resolved(parts[i], rows) if operator >= CALL else parts[i]
            rows[k] = intern(table, operator, end - begin)
        if table.header[STATUS] != FINE:
            return rows
    return rows


@part_of_kernel
def _resolved(part: int, rows: Any) -> int:
    return ~part if part < 0 else rows[part]


@kernel
def reachable(table: Table, roots: Any) -> Any:
    """Return the rows that ``roots`` are made of, themselves included, by increasing row."""
    table = borrowed(table)
    wanted = np.zeros(table.header[ROWS], np.bool_)
    top = -1
    for row in roots:
        wanted[row] = True
        top = max(top, row)
    count = 0
    for row in range(top, -1, -1):
        if wanted[row]:
            count += 1
            if table.rows[row, OPERATOR] > SYMBOL:
                for i in range(table.rows[row, START], table.rows[row + 1, START]):
                    wanted[table.parts[i]] = True
    found = np.empty(count, np.int64)
    k = 0
    for row in range(top + 1):
        if wanted[row]:
            found[k] = row
            k += 1
    return found


@kernel
def _copy_rows(old: Table, new: Table, kept: Any, place: Any) -> None:
    """Copy rows in their order, their parts renumbered; an order of parts by row stays one."""
    end = 0
    for k in range(len(kept)):
        row = kept[k]
        operator = old.rows[row, OPERATOR]
        new.rows[k, OPERATOR] = operator
        for i in range(old.rows[row, START], old.rows[row + 1, START]):
            new.parts[end] = place[old.parts[i]] if operator > SYMBOL else old.parts[i]
            end += 1
        new.rows[k + 1, START] = end
    new.header[ROWS] = len(kept)
    new.header[PARTS] = end
    enter_rows(new)
