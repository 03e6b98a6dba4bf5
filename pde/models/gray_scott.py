"""The Gray-Scott equations: spots and stripes (Pearson, Science 261, 189, 1993).

    du/dt = Du Laplacian(u) - u v^2 + feed (1 - u)
    dv/dt = Dv Laplacian(v) + u v^2 - (feed + kill) v

u and v are concentrations, on an n x n grid of spacing 1 with opposite sides joined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def make(
    n: int = 64, Du: float = 0.16, Dv: float = 0.08, feed: float = 0.035, kill: float = 0.065
) -> tuple[Callable[..., Any], Any]:
    """Return (f, u0): the right-hand side f(t, w, feed=..., kill=...), and u = 1, v = 0 with a square of v in the middle.

    The state is (u, v), of shape (2, n, n); Du and Dv in length^2/time, ``feed`` and ``kill`` per time.
    Raises ValueError for fewer than 4 points along each axis.

    >>> f, u0 = make(8)
    >>> bool((f(0.0, u0)[:, 0, 0] == 0.0).all())
    True
    """
    if n < 4:
        raise ValueError(
            f"the grid has n = {n} points along each axis; the square in the middle needs at least 4"
        )

    def f(t: float, w: Any, feed: Any = feed, kill: Any = kill) -> Any:
        u, v = w[0], w[1]
        reaction = u * v * v
        return np.stack(
            [
                Du * _laplacian(u) - reaction + feed * (1.0 - u),
                Dv * _laplacian(v) + reaction - (feed + kill) * v,
            ]
        )

    w0 = np.zeros((2, n, n))
    w0[0] = 1.0
    middle = slice(n // 2 - max(1, n // 16), n // 2 + max(1, n // 16))
    w0[0, middle, middle], w0[1, middle, middle] = 0.5, 0.25
    return f, w0


def _laplacian(u: Any) -> Any:
    p = np.pad(u, 1, mode="wrap")
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4.0 * u
