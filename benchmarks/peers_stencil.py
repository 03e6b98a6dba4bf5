"""The reaction-diffusion right-hand side as others compute it: numba loops by hand, and py-pde."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit, prange

D = 100.0


def feed(n: int) -> Any:
    """Return where A is fed: (n,), the same in every row."""
    return np.where(np.arange(1, n + 1) >= 4 * n / 5, 1.0, 0.0)


def by_hand(*, parallel: bool, fastmath: bool) -> Callable[[Any, Any, Any], None]:
    """Return ``f(u, feed, out)`` as an expert writes it: one pass, neighbours by index, edges outside the inner loop."""
    rows: Any = prange if parallel else range

    @njit(parallel=parallel, fastmath=fastmath, nogil=True, error_model="numpy")
    def rhs(u: Any, feed: Any, out: Any) -> None:
        n = u.shape[0]
        for i in rows(n):
            up = i - 1 if i > 0 else 1
            down = i + 1 if i < n - 1 else n - 2
            for j in range(1, n - 1):
                A, B, C = u[i, j, 0], u[i, j, 1], u[i, j, 2]
                around = u[up, j, 0] + u[down, j, 0] + u[i, j - 1, 0] + u[i, j + 1, 0] - 4.0 * A
                r = A * B
                out[i, j, 0] = D * around + feed[j] - A - r + C
                out[i, j, 1] = 1.0 - B - r + C
                out[i, j, 2] = 1.0 - C + r - C
            for j, beside in ((0, 1), (n - 1, n - 2)):
                A, B, C = u[i, j, 0], u[i, j, 1], u[i, j, 2]
                around = u[up, j, 0] + u[down, j, 0] + 2.0 * u[i, beside, 0] - 4.0 * A
                r = A * B
                out[i, j, 0] = D * around + feed[j] - A - r + C
                out[i, j, 1] = 1.0 - B - r + C
                out[i, j, 2] = 1.0 - C + r - C

    found: Callable[[Any, Any, Any], None] = rhs
    return found


def py_pde(n: int) -> list[float]:
    """Return seconds to the first call and per call of py-pde's right-hand side, whose walls lie half a cell further out."""
    root = str(Path(__file__).parent.parent)
    sys.path = [p for p in sys.path if p not in ("", root)]  # our folder pde/ is no package of this name
    import pde

    began = time.perf_counter()
    grid = pde.CartesianGrid([[0, n], [0, n]], [n, n])
    fields = pde.FieldCollection([pde.ScalarField.random_uniform(grid, label=name) for name in "ABC"])
    equation = pde.PDE(
        {
            "A": f"{D} * laplace(A) + feed - A - A * B + C",
            "B": "1 - B - A * B + C",
            "C": "1 - C + A * B - C",
        },
        bc="neumann",
        consts={"feed": pde.ScalarField(grid, np.broadcast_to(feed(n), (n, n)))},
    )
    rhs = equation.make_pde_rhs(fields, backend="numba")
    rhs(fields.data, 0.0)
    first = time.perf_counter() - began
    best = float("inf")
    for _ in range(60):
        began = time.perf_counter()
        rhs(fields.data, 0.0)
        best = min(best, time.perf_counter() - began)
    return [first, best]
