"""Solve sparse systems of one pattern many times: the order and the places of all entries are found once.

Matrices of one pattern are factorised by a kernel without row exchanges, which is several times as fast as SuperLU; where a pivot is
too small for that, SuperLU exchanges rows.  Compiling the kernel takes seconds, once, so a process begins with SuperLU if there is no
machine code on disk, and compiles when it has solved enough to make that worth its while.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, tril, triu
from scipy.sparse.linalg import spilu, splu

from symnum.pde import machine_code

_log = logging.getLogger("symnum")

LEAST_PIVOT = 0.01
"""A pivot is good if it is at least this part of each entry below it; SuperLU's diag_pivot_thresh means the same."""

SYMMETRIC: dict[str, Any] = {
    "permc_spec": "MMD_AT_PLUS_A",
    "diag_pivot_thresh": LEAST_PIVOT,
    "options": {"SymmetricMode": True},
}
"""SuperLU's options for patterns that are nearly symmetric: it orders for the pattern of A + A^T, and pivots on the diagonal."""

EXCHANGING: dict[str, Any] = {"permc_spec": "COLAMD"}
"""SuperLU's options for other patterns."""

Solve = Callable[[Any], Any]


class Warmup:
    """Tell whether the kernels serve: once they have machine code, which is made when a process has work enough for them.

    ``work`` is counted in entries of factors computed; to wait for the compiler is worth ``enough`` of them.
    """

    def __init__(self, enough: int = 5_000_000) -> None:
        self.enough, self.done, self.compiled = enough, 0, False
        self._lock = threading.Lock()

    def serve(self, work: int) -> bool:
        """Count work, and tell whether kernels do it."""
        if self.compiled:
            return True
        with self._lock:
            self.done += work
            if not self.compiled and (machine_code.is_complete("lu") or self.done > self.enough):
                _prepare()
                self.compiled = True
            return self.compiled


WARMUP = Warmup()


def _prepare() -> None:
    """Load the kernels for real and complex matrices, or compile them and keep them on disk."""
    known = machine_code.is_complete("lu")
    if not known:
        _log.warning(
            "compiling the kernels for sparse matrices; this takes a few seconds, once, and is kept on disk"
        )
    begin = time.perf_counter()
    for number in (1.0, 1.0j):
        elimination = Elimination(np.array([0, 1, 2], np.int32), np.array([0, 1], np.int32), np.arange(2))
        solve = elimination.factorize(np.array([2.0, 4.0]) * number)
        assert solve is not None and solve(np.array([2.0, 4.0]) * number).tolist() == [1.0, 1.0]
    if not known:
        _log.warning("the kernels for sparse matrices are compiled (%.0f s)", time.perf_counter() - begin)
        machine_code.complete("lu")


def _kernels() -> Any:
    """Return the module of kernels; a process that does not use them does not wait for numba."""
    from symnum.pde import lu_kernels

    return lu_kernels


class Elimination:
    """A pattern, which has the whole diagonal, in an order of elimination, and the places of all entries of L and U.

    ``starts`` and ``rows`` are those of a CSC matrix; ``order`` lists the unknowns as they are eliminated.
    """

    def __init__(self, starts: Any, rows: Any, order: Any) -> None:
        self.size = n = len(starts) - 1
        self.order = np.asarray(order, np.uint32)
        self.back = np.empty(n, np.int32)
        self.back[self.order] = np.arange(n, dtype=np.int32)
        lengths = np.diff(starts)
        column = self.back[np.repeat(np.arange(n), lengths)].astype(np.int64)
        self._key = column * n + self.back[rows]
        self.entries = np.argsort(self._key)
        self.rows = self.back[rows][self.entries].astype(np.uint32)
        self.starts = np.concatenate([[0], np.cumsum(lengths[self.order])]).astype(np.uint32)

    @cached_property
    def places(self) -> Any:
        """Return (l_start, l_row, u_start, u_row) for kernels."""
        n, column, row = self.size, self._key // self.size, self._key % self.size
        both = np.sort(np.concatenate([self._key, row * n + column]))
        both = both[
            np.append(True, both[1:] != both[:-1])
        ]  # np.unique hashes, which takes several times as long
        return _kernels().elimination(
            np.searchsorted(both, np.arange(n + 1) * n), (both % n).astype(np.int32)
        )

    def factorize(self, values: Any) -> Factors | None:
        """Return the factors of the matrix with these entries, or None where a pivot is too small to do without row exchanges."""
        l_start, l_row, u_start, u_row = self.places
        lower, upper = np.empty(len(l_row), values.dtype), np.empty(len(u_row), values.dtype)
        inverse, work = np.empty(self.size, values.dtype), np.zeros(self.size, values.dtype)
        failed = _kernels().factorize(
            self.starts, self.rows, values[self.entries], l_start, l_row, u_start, u_row, LEAST_PIVOT, lower, upper, inverse, work
        )  # fmt: skip
        if failed >= 0:
            return None
        return Factors(l_start, l_row, u_start, u_row, lower, upper, inverse, self.order, self.order)

    def exchanging(self, values: Any, options: dict[str, Any]) -> Any:
        """Return SuperLU's factors in this order, with row exchanges; raises RuntimeError for a singular matrix."""
        matrix = csc_matrix(
            (values[self.entries], self.rows.astype(np.int32), self.starts.astype(np.int32)),
            shape=(self.size, self.size),
        )
        return splu(matrix, **{**options, "permc_spec": "NATURAL"})


@dataclass(frozen=True, slots=True)
class Factors:
    """L and U of a matrix as :mod:`symnum.pde.lu_kernels` describes them, and the orders of its rows and columns; a call solves."""

    l_start: Any
    l_row: Any
    u_start: Any
    u_row: Any
    lower: Any
    upper: Any
    inverse: Any
    rows: Any
    columns: Any

    @classmethod
    def of_superlu(cls, matrix: Any) -> Factors:
        """Factorise a CSC matrix with SuperLU, which exchanges rows where pivots are small; RuntimeError for a singular matrix."""
        found = splu(matrix, **SYMMETRIC)
        below, above = tril(found.L, -1, format="csc"), triu(found.U, 1, format="csc")
        indices = (below.indptr, below.indices, above.indptr, above.indices)
        l_start, l_row, u_start, u_row = (each.astype(np.uint32) for each in indices)
        rows, columns = (np.argsort(each).astype(np.uint32) for each in (found.perm_r, found.perm_c))
        return cls(
            l_start, l_row, u_start, u_row, below.data, above.data, 1.0 / found.U.diagonal(), rows, columns
        )

    @property
    def arrays(self) -> tuple[Any, ...]:
        """Return what :func:`symnum.pde.lu_kernels.solve` takes before the right-hand side."""
        return (
            self.l_start,
            self.l_row,
            self.u_start,
            self.u_row,
            self.lower,
            self.upper,
            self.inverse,
            self.rows,
            self.columns,
        )

    def __call__(self, b: Any) -> Any:
        """Return x with A x = b, in the type of the factors."""
        b = np.ascontiguousarray(b, self.lower.dtype)
        x = np.empty_like(b)
        _kernels().solve(*self.arrays, b, np.empty_like(b), x)
        return x


class SparseLU:
    """Factorise matrices of one pattern, which has the whole diagonal; the order of elimination is found at the first one."""

    def __init__(self, starts: Any, rows: Any) -> None:
        self.starts, self.rows = np.asarray(starts, np.int32), np.asarray(rows, np.int32)
        self._ordered: Elimination | None = None
        self._options = SYMMETRIC
        self._entries = 0

    def factorize(self, values: Any) -> Solve:
        """Return a function that solves; raises RuntimeError where the matrix is singular."""
        if self._ordered is None:
            self._ordered = self._in_order(values)
        if self._options is SYMMETRIC and WARMUP.serve(self._entries):
            found = self._ordered.factorize(values)
            if found is not None:
                return found
        factors = self._ordered.exchanging(values, self._options)
        self._entries = factors.nnz
        order, back = self._ordered.order, self._ordered.back
        return lambda b: factors.solve(b[order])[back]

    def _in_order(self, values: Any) -> Elimination:
        """Choose between the orders for A + A^T and for A^T A, which rows may be exchanged in, by the entries of the factors."""
        matrix = csc_matrix((values, self.rows, self.starts), shape=(len(self.starts) - 1,) * 2)
        transposed = matrix.T.tocsc()
        if np.array_equal(transposed.indptr, self.starts) and np.array_equal(transposed.indices, self.rows):
            # dropping all that can be dropped leaves of SuperLU little but the order
            symmetric = spilu(matrix, drop_tol=1.0, fill_factor=1.0, **SYMMETRIC)
        else:
            symmetric, other = splu(matrix, **SYMMETRIC), splu(matrix, **EXCHANGING)
            if other.nnz < symmetric.nnz:
                self._options = EXCHANGING
                symmetric = other
        return Elimination(self.starts, self.rows, np.argsort(symmetric.perm_c))
