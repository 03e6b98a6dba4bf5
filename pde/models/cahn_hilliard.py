"""The Cahn-Hilliard equation du/dt = M Laplacian(u^3 - u - gamma Laplacian(u)): a mixture separates (J. Chem. Phys. 28, 258, 1958).

On an n x n grid of spacing 1 with opposite sides joined.  The amount of each substance is kept, and the free energy, the sum of
(u^2 - 1)^2/4 + gamma/2 |slope of u|^2, never grows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def make(
    n: int = 64, mobility: float = 1.0, gamma: float = 0.5, mean: float = 0.0, seed: int = 0
) -> tuple[Callable[[float, Any], Any], Any]:
    """Return (f, u0): the right-hand side, and a mixture of ``mean`` composition with small fluctuations, of shape (n, n).

    ``mobility`` M in length^2/time, ``gamma`` in length^2.  Raises ValueError for fewer than 3 points and gamma not above 0.

    >>> f, u0 = make(16)
    >>> bool(abs(f(0.0, u0).sum()) < 1e-12)
    True
    """
    if n < 3:
        raise ValueError(
            f"the grid has n = {n} points along each axis; the second difference needs at least 3"
        )
    if gamma <= 0:
        raise ValueError(f"gamma is {gamma!r}; an interface must cost energy, so give a number above 0")

    def f(t: float, u: Any) -> Any:
        return mobility * _laplacian(u**3 - u - gamma * _laplacian(u))

    return f, mean + 0.1 * np.random.default_rng(seed).uniform(-1.0, 1.0, (n, n))


def _laplacian(u: Any) -> Any:
    return (
        np.roll(u, 1, axis=0)
        + np.roll(u, -1, axis=0)
        + np.roll(u, 1, axis=1)
        + np.roll(u, -1, axis=1)
        - 4.0 * u
    )


def free_energy(u: Any, gamma: float = 0.5) -> Any:
    """Return the free energy of a state."""
    slopes = (np.roll(u, -1, axis=0) - u) ** 2 + (np.roll(u, -1, axis=1) - u) ** 2
    return np.sum(0.25 * (u**2 - 1.0) ** 2 + 0.5 * gamma * slopes)
