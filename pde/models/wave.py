"""The wave equation d2u/dt2 = c^2 (d2u/dx2 + d2u/dy2) of a square membrane of side 1, held at its rim.

Written as a system of first order, du/dt = v, dv/dt = c^2 Laplacian(u), in second-order central differences on the n x n points
inside.  The differences keep an energy: the sum of v^2/2 and of c^2/2 times the squared slopes (LeVeque 2007, section 10.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def make(n: int = 64, speed: float = 1.0) -> tuple[Callable[[float, Any], Any], Any]:
    """Return (f, u0): the right-hand side, and the lowest mode at rest; the state is (displacement, velocity), of shape (2, n, n).

    ``speed`` c in sides per time.  Raises ValueError for fewer than 3 points.

    >>> f, u0 = make(8)
    >>> f(0.0, u0).shape
    (2, 8, 8)
    """
    if n < 3:
        raise ValueError(
            f"the grid has n = {n} points along each axis; the second difference needs at least 3"
        )
    h = 1.0 / (n + 1)

    def f(t: float, w: Any) -> Any:
        u, v = w
        p = np.pad(u, 1)
        laplacian = (p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4.0 * u) / h**2
        return np.stack([v, speed**2 * laplacian])

    half = np.sin(np.pi * np.arange(1, n + 1) * h)
    return f, np.stack([np.outer(half, half), np.zeros((n, n))])


def energy(w: Any, speed: float = 1.0) -> Any:
    """Return the energy of a state, per area of a cell: kinetic, and that of the slopes between neighbours and to the rim."""
    u, v = w
    h = 1.0 / (u.shape[0] + 1)
    p = np.pad(u, 1)
    slopes = np.sum(np.diff(p, axis=0) ** 2) + np.sum(np.diff(p, axis=1) ** 2)
    return 0.5 * np.sum(v**2) + 0.5 * speed**2 / h**2 * slopes
