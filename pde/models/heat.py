"""The heat equation du/dt = D (d2u/dx2 + ...) on the unit interval, square or cube, in second-order central differences.

Boundary conditions (Randall LeVeque, "Finite Difference Methods for Ordinary and Partial Differential Equations", 2007, chapters 2
and 9; ghost cells):

- "dirichlet": u = ``value`` on the walls; the n points of each axis lie inside, at i/(n + 1), i = 1, ..., n.
- "neumann": no flux through the walls; n cells of each axis with centres at (i + 1/2)/n, i = 0, ..., n - 1.
- "periodic": opposite walls are one; points at i/n, i = 0, ..., n - 1.
- "robin": D du/dn = -``transfer`` (u - ``value``) along the outward normal, as of a body in surroundings of temperature ``value``;
  cells as for "neumann".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BOUNDARIES = ("dirichlet", "neumann", "periodic", "robin")


def make(
    n: int = 64,
    dimensions: int = 1,
    boundary: str = "dirichlet",
    diffusivity: float = 1.0,
    value: float = 0.0,
    transfer: float = 1.0,
) -> tuple[Callable[[float, Any], Any], Any]:
    """Return (f, u0): the right-hand side and the initial state, of shape (n,) * dimensions, the lowest mode that decays.

    ``diffusivity`` D in length^2/time, ``transfer`` in length/time, ``value`` in the units of u.
    Raises ValueError for fewer than 3 points, other than 1 to 3 dimensions, and an unknown boundary condition.

    >>> f, u0 = make(4, boundary="periodic")
    >>> f(0.0, np.array([0.0, 1.0, 0.0, 0.0])).tolist()
    [16.0, -32.0, 16.0, 0.0]
    """
    if n < 3:
        raise ValueError(
            f"the grid has n = {n} points along each axis; the second difference needs at least 3"
        )
    if dimensions not in (1, 2, 3):
        raise ValueError(f"dimensions is {dimensions!r}; give 1, 2 or 3")
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary is {boundary!r}; give one of {', '.join(BOUNDARIES)}")
    h = 1.0 / (n + 1) if boundary == "dirichlet" else 1.0 / n
    # the ghost cell of a wall, a + b*u, from the cell beside it
    gain = (diffusivity / h - transfer / 2) / (diffusivity / h + transfer / 2)
    modes = {"dirichlet": "constant", "neumann": "edge", "periodic": "wrap", "robin": "edge"}

    def f(t: float, u: Any) -> Any:
        if boundary == "dirichlet":
            p = np.pad(u, 1, mode="constant", constant_values=value)
        else:
            p = np.pad(u, 1, mode=modes[boundary])  # type: ignore[call-overload]  # one of NumPy's modes
        du = -2.0 * dimensions * u
        for axis in range(dimensions):
            inner = [slice(1, -1)] * dimensions
            inner[axis] = slice(None)
            column = np.moveaxis(p[tuple(inner)], axis, 0)
            before, after = column[:-2], column[2:]
            if boundary == "robin":
                first, last = gain * column[:1] + (1 - gain) * value, gain * column[-1:] + (1 - gain) * value
                before = np.concatenate([first, before[1:]])
                after = np.concatenate([after[:-1], last])
            du = du + np.moveaxis(before + after, 0, axis)
        return diffusivity / h**2 * du

    return f, _lowest_mode(n, dimensions, boundary) + (value if boundary in ("dirichlet", "robin") else 0.0)


def _lowest_mode(n: int, dimensions: int, boundary: str) -> Any:
    """Return the product over the axes of half a wave between walls, or of a wave around."""
    if boundary == "dirichlet":
        wave = np.sin(np.pi * np.arange(1, n + 1) / (n + 1))
    elif boundary == "periodic":
        wave = np.cos(2 * np.pi * np.arange(n) / n)
    else:
        wave = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    field = wave
    for _ in range(dimensions - 1):
        field = np.multiply.outer(field, wave)
    return field
