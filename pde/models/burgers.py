"""Burgers' equation du/dt + u du/dx = nu d2u/dx2 (Bateman 1915, Burgers 1948) in fluxes through the faces of n cells.

On the unit circle ("periodic"), or between walls where u is held at 1 and 0 ("front"), where the exact solution is the front
u = (1 - tanh((x - x0 - t/2)/(4 nu)))/2, which travels at speed 1/2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def make(
    n: int = 128, viscosity: float = 0.01, boundary: str = "periodic"
) -> tuple[Callable[[float, Any], Any], Any]:
    """Return (f, u0): the right-hand side, and a wave ("periodic") or the front at x0 = 0.3 ("front"), of shape (n,).

    ``viscosity`` nu in length^2/time.  Raises ValueError for fewer than 3 cells, viscosity below 0, and an unknown boundary.

    >>> f, u0 = make(64)
    >>> bool(abs(f(0.0, u0).sum()) < 1e-10)
    True
    """
    if n < 3:
        raise ValueError(f"the grid has n = {n} cells; the second difference needs at least 3")
    if viscosity < 0:
        raise ValueError(f"viscosity is {viscosity!r}; with less than 0 the waves grow without bound")
    if boundary not in ("periodic", "front"):
        raise ValueError(f"boundary is {boundary!r}; give 'periodic' or 'front'")
    h = 1.0 / n
    x = (np.arange(n) + 0.5) * h

    def f(t: float, u: Any) -> Any:
        p = np.pad(u, 1, mode="wrap") if boundary == "periodic" else np.concatenate([[1.0], u, [0.0]])
        flux = 0.25 * (p[1:] ** 2 + p[:-1] ** 2) - viscosity * (p[1:] - p[:-1]) / h
        return -np.diff(flux) / h

    return f, 0.5 + np.sin(2 * np.pi * x) if boundary == "periodic" else front(x, 0.0, viscosity)


def front(x: Any, t: float, viscosity: float) -> Any:
    """Return the travelling front at points ``x`` and time ``t``."""
    return 0.5 * (1.0 - np.tanh((x - 0.3 - 0.5 * t) / (4.0 * viscosity)))
