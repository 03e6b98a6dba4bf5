"""The ``columns`` backend: handles of rows in a term table, so that operations on many terms run as kernels over arrays.

A handle has two faces.  One is an interned term, whose constructors do the arithmetic: so there is one set of laws, and a sum grows with
``+`` in constant time, open until somebody looks at it.  The other is a row of the store (:mod:`symnum.columns`), made when an operation
on many terms first needs it, and kept; what a kernel returns is a row, and becomes an interned term when it is looked at.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.backends import interned, views
from symnum.backends.nodes import Interned
from symnum.expression import Expression

if TYPE_CHECKING:
    from symnum.columns.store import Store

_log = logging.getLogger("symnum")
_face = interface.interface(interned.number(0))

LEAST_ROWS = 1 << 16
"""Rows below which the store is not looked through for rows that no handle needs."""


class Column(Expression):
    """A handle: an interned term, a row of the store, or both."""

    __slots__ = ("__weakref__", "_order", "_row", "_term")
    backend = "columns"
    _row: int
    _term: Any

    def __init__(self, term: Any, row: int = -1) -> None:
        self._term, self._row = term, row

    @property
    def term(self) -> Any:
        """Return the interned term."""
        if self._term is None:
            SHARED.look_at([self])
        return self._term

    @property
    def mask(self) -> int:
        """Return a bit for each symbol that may occur."""
        mask: int = self.term.mask
        return mask

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, Column):
            return self.term is other.term
        return not isinstance(other, Expression) and bool(self.term == other)

    def __hash__(self) -> int:
        return hash(self.term)

    def __reduce__(self) -> tuple[Any, ...]:
        from symnum.text.serialize import from_program, to_program

        return from_program, (to_program([self]),)


class Shared:
    """The store of this process's handles; rows that no handle needs are dropped when they have doubled."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._handles: weakref.WeakValueDictionary[int, Column] = weakref.WeakValueDictionary()
        self._store: Store | None = None
        self._limit = LEAST_ROWS

    @contextmanager
    def rows(self, handles: Sequence[Column]) -> Iterator[tuple[Store, list[int]]]:
        """Give the store and the rows of handles, which stay as they are while the context lasts."""
        with self.lock:
            if self._store is None:
                from symnum.columns.store import Store  # imports numba

                self._store = Store()
            if len(self._store) > self._limit:
                self.compact()
                self._limit = max(LEAST_ROWS, 2 * len(self._store))
            missing = [h for h in handles if h._row < 0]
            for handle, row in zip(missing, self._store.add([h._term for h in missing])):
                handle._row = row
                self._handles[id(handle)] = handle
            yield self._store, [h._row for h in handles]

    def handles(self, rows: Iterable[int]) -> list[Column]:
        """Return handles of rows."""
        with self.lock:
            made = [Column(None, int(row)) for row in rows]
            self._handles.update({id(handle): handle for handle in made})
            return made

    def look_at(self, handles: Sequence[Column]) -> None:
        """Give handles their interned terms."""
        with self.lock:
            missing = [h for h in handles if h._term is None]
            if not missing:  # another thread was first
                return
            assert self._store is not None
            for handle, term in zip(missing, self._store.terms([h._row for h in missing])):
                handle._term = term

    def is_number(self, handle: Column) -> bool:
        """Tell whether a handle is a number, without making a term of its row."""
        if handle._term is None:
            from symnum.columns.table import NUMBER, OPERATOR

            with self.lock:
                assert self._store is not None
                return bool(self._store.table.rows[handle._row, OPERATOR] == NUMBER)
        return _face.is_number(handle._term)

    def is_zero(self, handle: Column) -> bool:
        """Tell whether a handle is 0."""
        return self.is_number(handle) and bool(handle.term.value == 0)

    def compact(self) -> int:
        """Drop the rows that no living handle needs and return how many there are left."""
        with self.lock:
            if self._store is None:
                return 0
            living = list(self._handles.values())
            new = self._store.compact([h._row for h in living])
            for handle, row in zip(living, new):
                handle._row = row
            return len(self._store)


SHARED = Shared()


# --- construction -----------------------------------------------------------------------------------------------------------


def symbol(name: str, sort: str = "real", assumptions: Iterable[str] = ()) -> Column:
    """Return a symbol of this name, sort and assumptions."""
    return Column(interned.symbol(name, sort, assumptions))


def number(value: Any) -> Column:
    """Return the constant of a Python or NumPy number."""
    return Column(interned.number(value))


def make(head: str, args: Iterable[Any]) -> Column:
    """Build the canonical term of ``head`` on ``args``; Python numbers among the arguments become constants."""
    return Column(interned.make(head, [a.term if isinstance(a, Column) else _foreign(a, head) for a in args]))


def _foreign(arg: Any, head: str) -> Any:
    if isinstance(arg, Expression):
        raise TypeError(
            f"cannot use {arg!s} of the {arg.backend!r} backend as an argument of {head!r} on terms in columns; "
            f"convert it: symnum.convert(term, backend='columns')"
        )
    return arg


def _wrapped(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return [(Column(a), Column(b) if isinstance(b, Interned) else b) for a, b in pairs]


def _addends(handle: Column) -> tuple[Any, list[tuple[Any, Any]]]:
    constant, pairs = views.addends_of(handle.term)
    return constant, _wrapped(pairs)


def _factors(handle: Column) -> tuple[Any, list[tuple[Any, Any]]]:
    coefficient, pairs = views.factors_of(handle.term)
    return coefficient, _wrapped(pairs)


def _rebuild(handle: Column, new: Mapping[Any, Any]) -> Column:
    terms = {old.term: part.term for old, part in new.items()}
    return Column(interned.rebuild(handle.term, terms))


# --- operations on many terms -----------------------------------------------------------------------------------------------
#
# Where kernels do not serve or do not reach, the same operation on the interned faces is the way: it is as right, and slower.


def kernels_serve(terms: Sequence[Column]) -> bool:
    """Tell whether kernels serve these terms: always once they are loaded, and for large terms, which wait for them."""
    from symnum.columns import ready

    return ready.serve(
        lambda: sum(1 for _ in islice(interface.postorder(*map(_term_of, terms)), ready.SMALL))
    )


def _in_kernel(
    operation: str, terms: Sequence[Column], others: Sequence[Column], work: Callable[[Store, list[int]], Any]
) -> Any | None:
    """Return ``work(store, rows of terms and others)``, or None where kernels do not serve or do not reach, which is logged."""
    if not kernels_serve(terms):
        return None
    from symnum.columns import Unsupported

    with SHARED.rows([*terms, *others]) as (store, rows):
        try:
            return work(store, rows)
        except Unsupported as problem:
            _log.info("%s of terms in columns goes term by term: %s", operation, problem)
            return None


def _term_of(handle: Column) -> Any:
    return handle.term


def _matrix_rows(count: int, at: Any, by: Any, entries: Any) -> list[dict[int, Any]]:
    """Return {column: handle} for each row of a matrix."""
    found: list[dict[int, Any]] = [{} for _ in range(count)]
    for i, j, entry in zip(at.tolist(), by.tolist(), SHARED.handles(entries.tolist())):
        found[i][j] = entry
    return found


def _wrapped_rows(matrix: Any) -> list[dict[int, Any]]:
    """Return {column: handle} for each row of a sparse matrix of interned terms."""
    found: list[dict[int, Any]] = [{} for _ in range(matrix.shape[0])]
    for (i, j), entry in matrix:
        found[i][j] = Column(entry)
    return found


def _jacobian(terms: Sequence[Column], variables: Sequence[Column]) -> list[dict[int, Any]]:
    """Return {variable number: derivative} for each term."""

    def work(store: Store, rows: list[int]) -> list[dict[int, Any]]:
        from symnum.calculus.derivative import goes_backward
        from symnum.columns import gradient, jacobian

        roots, by = rows[: len(terms)], rows[len(terms) :]
        if goes_backward(terms, variables):
            slopes = [gradient(store, root, by).tolist() for root in roots]
            return [
                {j: e for j, e in enumerate(SHARED.handles(row)) if not SHARED.is_zero(e)} for row in slopes
            ]
        return _matrix_rows(len(terms), *jacobian(store, roots, by))

    found = _in_kernel("jacobian", terms, variables, work)
    if found is None:
        from symnum.calculus.derivative import jacobian

        found = _wrapped_rows(jacobian([*map(_term_of, terms)], [*map(_term_of, variables)], sparse=True))
    return list(found)


def _hessian(term: Column, variables: Sequence[Column]) -> list[dict[int, Any]]:
    """Return {column: second derivative} for each row, both halves."""

    def work(store: Store, rows: list[int]) -> list[dict[int, Any]]:
        from symnum.columns import hessian

        lower = _matrix_rows(len(variables), *hessian(store, rows[0], rows[1:]))
        for i, row in enumerate(lower):
            for j, entry in list(row.items()):
                lower[j][i] = entry
        return [dict(sorted(row.items())) for row in lower]

    found = _in_kernel("hessian", [term], variables, work)
    if found is None:
        from symnum.calculus.derivative import hessian

        found = _wrapped_rows(hessian(term.term, [*map(_term_of, variables)], sparse=True))
    return list(found)


def _gradient(term: Column, variables: Sequence[Column]) -> list[Any]:
    """Return the derivatives of one term."""

    def work(store: Store, rows: list[int]) -> list[Any]:
        from symnum.columns import gradient

        return SHARED.handles(gradient(store, rows[0], rows[1:]).tolist())

    found = _in_kernel("gradient", [term], variables, work)
    if found is None:
        from symnum.calculus.derivative import gradient

        found = [*map(Column, gradient(term.term, [*map(_term_of, variables)]))]
    return list(found)


def _substitute(terms: Sequence[Column], old: Sequence[Column], new: Sequence[Column]) -> list[Any]:
    """Return the terms with ``old`` replaced by ``new``."""

    def work(store: Store, rows: list[int]) -> list[Any]:
        from symnum.columns import substitute

        n, m = len(terms), len(terms) + len(old)
        return SHARED.handles(substitute(store, rows[:n], dict(zip(rows[n:m], rows[m:]))).tolist())

    found = _in_kernel("substitute", terms, [*old, *new], work)
    if found is None:
        from symnum.algebra.substitute import substitute

        pairs = dict(zip(map(_term_of, old), map(_term_of, new)))
        found = [Column(substitute(t.term, pairs)) for t in terms]
    return list(found)


def _expand(term: Column) -> Column:
    """Return a term multiplied out."""

    def work(store: Store, rows: list[int]) -> Any | None:
        from symnum.columns import expand
        from symnum.columns.expansion import is_polynomial

        return SHARED.handles([expand(store, rows[0])])[0] if is_polynomial(store, rows[0]) else None

    found: Column | None = _in_kernel("expand", [term], (), work)
    if found is None:
        from symnum.algebra.polynomial import expand

        found = Column(expand(term.term))
    return found


def _lower(terms: Sequence[Column], arguments: Sequence[Column]) -> Any:
    """Return the straight program of terms: of their interned faces, so that it does not depend on the order of rows."""
    from symnum.codegen.lower import lower

    return lower([*map(_term_of, terms)], [*map(_term_of, arguments)])


Column._make = staticmethod(make)
Column._convert = staticmethod(number)

interface.register(
    Column,
    is_call=lambda handle: _face.is_call(handle.term),
    head=lambda handle: views.head_of(handle.term),
    args=lambda handle: tuple(map(Column, views.args_of(handle.term))),
    sorted_args=lambda handle: tuple(map(Column, views.sorted_args_of(handle.term))),
    make=make,
    is_symbol=lambda handle: _face.is_symbol(handle.term),
    is_number=SHARED.is_number,
    name=lambda handle: handle.term.name,
    value=lambda handle: handle.term.value,
    number=number,
    sort_of=lambda handle: views.sort_of(handle.term),
    assumptions=lambda handle: handle.term.assumptions,
    metadata=lambda handle: interned.metadata_of(handle.term),
    addends=_addends,
    factors=_factors,
    operands=lambda handle: list(map(Column, views.operands_of(handle.term))),
    rebuild=_rebuild,
    bulk={
        "jacobian": _jacobian,
        "hessian": _hessian,
        "gradient": _gradient,
        "substitute": _substitute,
        "expand": _expand,
        "lower": _lower,
    },
    backend="columns",
)
