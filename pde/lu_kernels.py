"""LU factorisation on a fixed pattern without row exchanges: analysed once, then factorised and solved again and again.

The pattern is made symmetric, so that U has that of L transposed, and the matrix is held in the order of elimination.  L is kept
by columns without its unit diagonal (``l_start``, ``l_row``, ``lower``), U by columns without its diagonal (``u_start``, ``u_row``,
``upper``), and the inverse of U's diagonal in ``inverse``.  The method is Gilbert and Peierls' left-looking one (SIAM J. Sci. Stat.
Comput. 9, 1988) with the symbolic part taken out, as in KLU (Davis and Natarajan, ACM TOMS 37, 2010).

Indices are unsigned: numba looks at the sign of the others, which takes half of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnum.pde.machine_code import kernel


@kernel
def elimination(start: Any, row: Any) -> Any:
    """Return (l_start, l_row, u_start, u_row) of a matrix with a symmetric pattern, given by columns.

    The rows of each column of L are found by walking the elimination tree (Liu, SIAM J. Matrix Anal. Appl. 11, 1990).
    """
    n = len(start) - 1
    parent = np.full(n, -1, np.int32)
    seen = np.full(n, -1, np.int32)
    count = np.zeros(n + 1, np.int64)
    for i in range(n):
        seen[i] = i
        for p in range(start[i], start[i + 1]):
            k = row[p]
            while k < i and seen[k] != i:
                seen[k] = i
                count[k + 1] += 1
                if parent[k] == -1:
                    parent[k] = i
                k = parent[k]
    l_start = np.cumsum(count)
    l_row = np.empty(l_start[n], np.int32)
    place = l_start[:-1].copy()
    seen[:] = -1
    u_count = np.zeros(n + 1, np.int64)
    for i in range(n):  # rows come in rising order, so each column is sorted
        seen[i] = i
        for p in range(start[i], start[i + 1]):
            k = row[p]
            while k < i and seen[k] != i:
                seen[k] = i
                l_row[place[k]] = i
                place[k] += 1
                u_count[i + 1] += 1
                k = parent[k]
    u_start = np.cumsum(u_count)
    u_row = np.empty(len(l_row), np.int32)
    place = u_start[:-1].copy()
    for k in range(n):
        for p in range(l_start[k], l_start[k + 1]):
            i = l_row[p]
            u_row[place[i]] = k
            place[i] += 1
    return (
        l_start.astype(np.uint32),
        l_row.astype(np.uint32),
        u_start.astype(np.uint32),
        u_row.astype(np.uint32),
    )


@kernel
def factorize(
    start: Any, row: Any, values: Any, l_start: Any, l_row: Any, u_start: Any, u_row: Any, least: float, lower: Any, upper: Any,
    inverse: Any, work: Any,
) -> int:  # fmt: skip
    """Fill ``lower``, ``upper`` and ``inverse``; return the column whose pivot is smaller than ``least`` times an entry below it, or -1.

    ``work`` (n,) holds zeros before and after.
    """
    n = len(start) - 1
    for j in range(n):
        for p in range(start[j], start[j + 1]):
            work[row[p]] = values[p]
        for q in range(u_start[j], u_start[j + 1]):
            k = u_row[q]
            factor = work[k]
            work[k] = 0.0
            upper[q] = factor
            if factor != 0.0:
                for p in range(l_start[k], l_start[k + 1]):
                    work[l_row[p]] -= lower[p] * factor
        pivot = work[j]
        work[j] = 0.0
        largest = 0.0
        for p in range(l_start[j], l_start[j + 1]):
            largest = max(largest, abs(work[l_row[p]]))
        if not (abs(pivot) > least * largest and 0.0 < abs(pivot) < np.inf):
            work[:] = 0.0
            return j
        inverse[j] = 1.0 / pivot
        for p in range(l_start[j], l_start[j + 1]):
            lower[p] = work[l_row[p]] * inverse[j]
            work[l_row[p]] = 0.0
    return -1


@kernel
def solve(
    l_start: Any, l_row: Any, u_start: Any, u_row: Any, lower: Any, upper: Any, inverse: Any, rows: Any, columns: Any, b: Any, work: Any,
    x: Any,
) -> None:  # fmt: skip
    """Solve for ``b`` (n,) into ``x`` (n,), both in the original order; ``work`` is (n,) too.

    ``rows`` lists the equations as they are used, ``columns`` the unknowns as they are eliminated.
    """
    n = len(inverse)
    for j in range(n):
        work[j] = b[rows[j]]
    for j in range(n):
        known = work[j]
        if known != 0.0:
            for p in range(l_start[j], l_start[j + 1]):
                work[l_row[p]] -= lower[p] * known
    for j in range(n - 1, -1, -1):
        known = work[j] * inverse[j]
        work[j] = known
        if known != 0.0:
            for q in range(u_start[j], u_start[j + 1]):
                work[u_row[q]] -= upper[q] * known
    for j in range(n):
        x[columns[j]] = work[j]
