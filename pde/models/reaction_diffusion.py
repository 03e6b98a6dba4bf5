"""The reaction-diffusion problem of "High-performance symbolic-numerics via multiple dispatch" (arXiv 2105.03949).

Three chemicals A, B, C on an n x n grid of spacing 1 with reflecting walls; only A diffuses.  A is fed on the columns from 4n/5 on,
B and C everywhere, all decay, and A + B turns into C and back.  The constants are those of the tutorial that the paper's number
comes from (Symbolics.jl, docs/src/tutorials/auto_parallel.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def make(n: int = 32) -> tuple[Callable[[float, Any], Any], Any]:
    """Return (f, u0): the right-hand side in plain NumPy, and the initial state, zeros of shape (n, n, 3).

    Raises ValueError for a grid of fewer than 3 points.

    >>> f, u0 = make(8)
    >>> f(0.0, u0)[0].tolist()[-1]
    [1.0, 1.0, 1.0]
    """
    if n < 3:
        raise ValueError(
            f"the grid has n = {n} points in each direction; the second difference needs at least 3"
        )
    D, a2, a3, b1, b2, b3, r1, r2 = 100.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0
    a1 = np.where(np.arange(1, n + 1) >= 4 * n / 5, 1.0, 0.0) * np.ones((n, n))
    My = np.diag(np.ones(n - 1), -1) - 2 * np.eye(n) + np.diag(np.ones(n - 1), 1)
    My[0, 1] = My[-1, -2] = 2.0
    Mx = My.T.copy()

    def f(t: float, u: Any) -> Any:
        A, B, C = u[:, :, 0], u[:, :, 1], u[:, :, 2]
        DA = D * (My @ A + A @ Mx)
        dA = DA + a1 - b1 * A - r1 * A * B + r2 * C
        dB = a2 - b2 * B - r1 * A * B + r2 * C
        dC = a3 - b3 * C + r1 * A * B - r2 * C
        return np.dstack([dA, dB, dC])

    return f, np.zeros((n, n, 3))
