"""Random right-hand sides on grids, written as solvers write them: shifts, pads, matrices, masks, buffers filled by slices.

A program is a list of steps over arrays of the grid's shape, run by NumPy on numbers or on traced arrays alike.  Values stay of the
order of 1, and only the state itself decides conditions, so that rounding decides none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = Any
Step = Callable[[float, list[Array]], Array]


@dataclass
class StencilProgram:
    """A right-hand side ``f(t, u)`` for states of ``shape``; ``text`` names its steps."""

    shape: tuple[int, ...]
    fields: tuple[int, ...]
    join: str
    steps: list[Step] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def __call__(self, t: float, u: Array) -> Array:
        """Return the time derivative."""
        parts = self.split(u)
        values = list(parts)
        for step in self.steps:
            values.append(step(t, values))
        results = values[-len(parts) :]
        if self.join == "last":
            return np.stack(results, axis=-1)
        if self.join == "first":
            return np.stack(results)
        if self.join == "flat":
            return np.concatenate([r.ravel() for r in results])
        if self.join == "filled":
            du = np.zeros_like(u)
            for k, r in enumerate(results):
                du[..., k] = r
            return du
        return results[0]

    def split(self, u: Array) -> list[Array]:
        """Return the fields of a state."""
        count = 1 if self.join == "one" else self.shape[-1] if self.join in ("last", "filled") else 2
        if self.join == "one":
            return [u]
        if self.join == "first":
            return [u[k] for k in range(count)]
        if self.join == "flat":
            size = int(np.prod(self.fields))
            return [u[k * size : (k + 1) * size].reshape(self.fields) for k in range(count)]
        return [u[..., k] for k in range(count)]

    @property
    def text(self) -> str:
        """Return the steps in words."""
        return f"{self.join} {self.shape}: " + ", ".join(self.names)

    def state(self, generator: np.random.Generator) -> Array:
        """Return a random state."""
        return generator.uniform(0.1, 1.0, self.shape)


def stencil_program(seed: int, steps: int = 6) -> StencilProgram:
    """Return the program of a seed."""
    generator = np.random.default_rng(seed)
    dims = int(generator.integers(1, 4))
    grid = tuple(int(n) for n in generator.integers(5, 23 if dims < 3 else 11, dims))
    join = str(generator.choice(["one", "last", "first", "flat", "filled"]))
    parts = int(generator.integers(2, 4)) if join in ("last", "filled") else 2
    shape = {
        "one": grid, "last": (*grid, parts), "filled": (*grid, parts), "first": (2, *grid), "flat": (2 * int(np.prod(grid)),)
    }[join]  # fmt: skip
    program = StencilProgram(shape, grid, join)
    known = 1 if join == "one" else parts
    for k in range(steps + known):
        name = str(generator.choice(list(STEPS)))
        program.steps.append(STEPS[name](generator, grid, known + k))
        program.names.append(name)
    return program


def _sources(generator: np.random.Generator, known: int, count: int = 2) -> list[int]:
    # late values more often, so that steps build on each other
    return [int(known - 1 - min(generator.geometric(0.35) - 1, known - 1)) for _ in range(count)]


def _arithmetic(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    a, b = _sources(generator, known)
    kind, c = int(generator.integers(6)), float(np.round(generator.uniform(-2, 2), 3))
    forms: list[Callable[[float, Array, Array], Array]] = [
        lambda t, x, y: x * y + c,
        lambda t, x, y: x / (1.5 + y * y) - y,
        lambda t, x, y: np.tanh(x) - c * t * y,
        lambda t, x, y: np.exp(-x * x) * y,
        lambda t, x, y: np.minimum(x, 0.7) + np.sqrt(0.5 + y * y),
        lambda t, x, y: 0.5 * (x + y) ** 2 / (1 + np.abs(x)),
    ]
    return lambda t, v: forms[kind](t, v[a], v[b])


def _roll(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    (a,) = _sources(generator, known, 1)
    axis, shift = int(generator.integers(len(grid))), int(generator.integers(-3, 4))
    return lambda t, v: np.roll(v[a], shift, axis) - 0.5 * v[a]


def _laplacian(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    (a,) = _sources(generator, known, 1)
    mode: Any = str(generator.choice(["edge", "wrap", "reflect", "symmetric", "constant"]))
    middle = (slice(1, -1),) * len(grid)

    def step(t: float, v: list[Array]) -> Array:
        p = np.pad(v[a], 1, mode=mode)
        total = -2.0 * len(grid) * v[a]
        for axis in range(len(grid)):
            for s in (slice(2, None), slice(None, -2)):
                total = total + p[(*middle[:axis], s, *middle[axis + 1 :])]
        return 0.1 * total

    return step


def _filled(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    a, b = _sources(generator, known)
    axis, step = int(generator.integers(len(grid))), int(generator.integers(1, 4))
    start = int(generator.integers(0, 3))
    before = (slice(None),) * axis

    def fill(t: float, v: list[Array]) -> Array:
        du = np.zeros_like(v[a])
        du[(*before, slice(1, -1))] = v[a][(*before, slice(2, None))] - v[b][(*before, slice(None, -2))]
        du[(*before, slice(start, None, step))] += 0.25 * v[b][(*before, slice(start, None, step))]
        du[(*before, -1)] = v[a][(*before, 0)]
        return du

    return fill


def _gradient(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    (a,) = _sources(generator, known, 1)
    axis = int(generator.integers(len(grid)))
    order: Any = int(generator.integers(1, 3))
    return lambda t, v: np.gradient(v[a], 1.25, axis=axis, edge_order=order)


def _flux(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    a, b = _sources(generator, known)
    axis = int(generator.integers(len(grid)))
    before = (slice(None),) * axis

    def step(t: float, v: list[Array]) -> Array:
        p = np.concatenate([v[a][(*before, slice(-1, None))], v[a], v[a][(*before, slice(0, 1))]], axis=axis)
        flux = np.sin(p[(*before, slice(1, None))]) * p[(*before, slice(None, -1))]
        return np.diff(flux, axis=axis) + 0.1 * v[b]

    return step


def _matrix(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    (a,) = _sources(generator, known, 1)
    n, m = grid[-2] if len(grid) > 1 else grid[-1], grid[-1]
    kind = int(generator.integers(4))
    if kind == 0 or len(grid) == 1:
        size = n if len(grid) > 1 else m
        band = np.eye(size, k=1) - 2 * np.eye(size) + np.eye(size, k=-1)
        band[0, 1] = band[-1, -2] = 2.0
        return lambda t, v: 0.2 * (band @ v[a])
    if kind == 1:
        varying = np.diag(generator.uniform(-1, 1, m)) + np.diag(generator.uniform(-1, 1, m - 1), 1)
        return lambda t, v: v[a] @ varying
    if kind == 2:
        dense = generator.uniform(-1, 1, (n, n)) / n
        return lambda t, v: dense @ v[a]
    few = np.where(generator.uniform(size=(m, m)) < 0.2, generator.uniform(-1, 1, (m, m)), 0.0)
    return lambda t, v: v[a] @ few


def _sum(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    a, b = _sources(generator, known)
    axes = tuple(int(x) for x in np.flatnonzero(generator.uniform(size=len(grid)) < 0.6))
    return lambda t, v: v[a] - np.mean(v[b], axis=axes or None, keepdims=True)


def _where(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    a, b = _sources(generator, known)
    mask = generator.uniform(size=grid) < 0.5
    if generator.uniform() < 0.5:
        return lambda t, v: np.where(v[0] > 0.55, v[a], v[b])
    return lambda t, v: np.where(mask, v[a], 0.5 * v[b])


def _masked(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    a, b = _sources(generator, known)
    mask = generator.uniform(size=grid) < 0.5
    number = generator.uniform() < 0.5

    def step(t: float, v: list[Array]) -> Array:
        du = v[a] * 1.0
        du[mask] = 0.0 if number else v[b][mask] * 2
        return du

    return step


def _reordered(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    a, b = _sources(generator, known)
    axis = int(generator.integers(len(grid)))
    order = generator.permutation(grid[axis])
    if generator.uniform() < 0.5:
        return lambda t, v: np.flip(v[a], axis) + v[b]
    return lambda t, v: np.take(v[a], order, axis=axis) - 0.5 * v[b]


def _coefficients(generator: np.random.Generator, grid: tuple[int, ...], known: int) -> Step:
    (a,) = _sources(generator, known, 1)
    whole = generator.uniform(-1, 1, grid)
    column = generator.uniform(-1, 1, (*grid[:-1], 1))
    return lambda t, v: whole * v[a] + column * np.cos(t)


STEPS: dict[str, Callable[[np.random.Generator, tuple[int, ...], int], Step]] = {
    "arithmetic": _arithmetic,
    "roll": _roll,
    "laplacian": _laplacian,
    "filled": _filled,
    "gradient": _gradient,
    "flux": _flux,
    "matrix": _matrix,
    "sum": _sum,
    "where": _where,
    "masked": _masked,
    "reordered": _reordered,
    "coefficients": _coefficients,
}
"""Name -> maker of a step from a generator, the grid, and the number of values known before it."""
