"""Advection du/dt + c du/dx = 0 on the unit circle, in fluxes through the faces of n cells.

Schemes (Randall LeVeque, "Finite Volume Methods for Hyperbolic Problems", 2002, sections 4.8, 6.1 and 6.11):

- "upwind": the flux takes the cell from which the stream comes.
- "lax_wendroff": with a step of Euler's method of length ``step`` it is the scheme of Lax and Wendroff (1960).
- "van_leer": piecewise linear in each cell, with van Leer's limiter (1974), so that no new extremes arise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

SCHEMES = ("upwind", "lax_wendroff", "van_leer")


def make(
    n: int = 128, scheme: str = "upwind", speed: float = 1.0, step: float | None = None
) -> tuple[Callable[[float, Any], Any], Any]:
    """Return (f, u0): the right-hand side, and a bump and a block as the initial state of shape (n,).

    ``speed`` c in circumferences per time; ``step``: for Lax-Wendroff the length of the time step, by default 0.8/(n |c|).
    Raises ValueError for fewer than 4 cells, an unknown scheme, and a speed of 0.

    >>> f, _ = make(4, speed=1.0)
    >>> f(0.0, np.array([0.0, 1.0, 0.0, 0.0])).tolist()
    [-0.0, -4.0, 4.0, -0.0]
    """
    if n < 4:
        raise ValueError(f"the circle has n = {n} cells; the limiter looks at 4")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme is {scheme!r}; give one of {', '.join(SCHEMES)}")
    if speed == 0:
        raise ValueError("speed is 0, so nothing moves; give a speed of either sign")
    h = 1.0 / n
    dt = 0.8 * h / abs(speed) if step is None else step

    def f(t: float, u: Any) -> Any:
        after = np.roll(u, -1)  # face i lies between cell i and cell i + 1
        if scheme == "lax_wendroff":
            flux = 0.5 * speed * (u + after) - 0.5 * speed**2 * dt / h * (after - u)
        else:
            slope = _limited(u - np.roll(u, 1), after - u) if scheme == "van_leer" else np.zeros_like(u)
            flux = speed * ((u + 0.5 * slope) if speed > 0 else np.roll(u - 0.5 * slope, -1))
        return -(flux - np.roll(flux, 1)) / h

    x = (np.arange(n) + 0.5) * h
    return f, np.exp(-200 * (x - 0.3) ** 2) + np.where((x > 0.6) & (x < 0.8), 1.0, 0.0)


def _limited(back: Any, ahead: Any) -> Any:
    """Return van Leer's slope: the harmonic mean of the differences to both sides, 0 where their signs differ."""
    product = back * ahead
    rising = product > 0
    return np.where(rising, 2.0 * product / np.where(rising, back + ahead, 1.0), 0.0)
