"""The FitzHugh-Nagumo equations of an excitable sheet (FitzHugh 1961; Nagumo, Arimoto and Yoshizawa 1962).

    dv/dt = D Laplacian(v) + v - v^3/3 - w + current
    dw/dt = epsilon (v + a - b w)

v is the membrane voltage and w the recovery, both without units, on an n x n grid of spacing 1 with no flux through the sides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def make(
    n: int = 64,
    diffusivity: float = 1.0,
    current: float = 0.0,
    epsilon: float = 0.08,
    a: float = 0.7,
    b: float = 0.8,
) -> tuple[Callable[[float, Any], Any], Any]:
    """Return (f, u0): the right-hand side, and a sheet at rest with a broken wave in it; the state is (v, w), of shape (2, n, n).

    Raises ValueError for fewer than 4 points along each axis.

    >>> f, u0 = make(8)
    >>> f(0.0, u0).shape
    (2, 8, 8)
    """
    if n < 4:
        raise ValueError(f"the grid has n = {n} points along each axis; the broken wave needs at least 4")

    def f(t: float, u: Any) -> Any:
        v, w = u[0], u[1]
        du = np.empty_like(u)
        du[0] = diffusivity * _laplacian(v) + v - v**3 / 3.0 - w + current
        du[1] = epsilon * (v + a - b * w)
        return du

    u0 = np.empty((2, n, n))
    u0[0], u0[1] = rest(current, a, b)
    u0[0, :, : n // 4] = 2.0
    u0[1, n // 2 :, :] = 1.5
    return f, u0


def _laplacian(v: Any) -> Any:
    p = np.pad(v, 1, mode="edge")
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4.0 * v


def rest(current: float = 0.0, a: float = 0.7, b: float = 0.8) -> tuple[float, float]:
    """Return (v, w) where nothing changes: w = (v + a)/b, and v is the real root of v - v^3/3 - w + current nearest to 0 from below."""
    roots = np.roots([-1.0 / 3.0, 0.0, 1.0 - 1.0 / b, current - a / b])
    v = float(min(roots[abs(roots.imag) < 1e-9].real))
    return v, (v + a) / b
