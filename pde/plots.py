"""Pictures of solutions: lines over time, heat maps of one-dimensional fields, and pictures of two-dimensional ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from symnum.pde.solution import Solution

FEW = 8
"""A state of up to so many entries is drawn as lines over time, and an axis of up to so many numbers the components of a field."""


def plot(
    solution: Solution, names: Sequence[str] | None, ax: Any, t: float | None, component: int | None
) -> Any:
    """Draw a solution and return the matplotlib Axes; :meth:`symnum.pde.Solution.plot` says what is drawn."""
    if ax is None:
        try:
            from matplotlib.figure import Figure
        except ImportError as problem:
            raise ImportError("plots need matplotlib; run: pip install 'symnum[plot]'") from problem
        ax = Figure(figsize=(8.0, 5.0), layout="constrained").add_subplot()
    if not len(solution.t):
        raise ValueError("the solution has no times, so there is nothing to draw")
    shape = solution.u.shape[1:]
    if names is not None or len(solution.names) or solution.u[0].size <= FEW:
        return _lines(solution, names, ax)
    values, axes = _field(solution.u, shape, component)
    title = "" if axes == len(shape) else f"component {component or 0} of {min(shape)}, "
    if axes == 1:
        return (
            _heat_map(solution.t, values, ax, title)
            if t is None
            else _profile(solution.t, values, ax, title, t)
        )
    if axes == 2:
        return _picture(solution.t, values, ax, title, t)
    raise ValueError(
        f"states of shape {shape} are no lines and no pictures; draw a slice, such as Solution(sol.t, sol.u[:, 0]).plot()"
    )


def _lines(solution: Solution, names: Sequence[str] | None, ax: Any) -> Any:
    columns = solution.columns(names)
    for name, values in columns.items():
        ax.plot(solution.t, values, label=name)
    ax.set_xlabel("t")
    if len(columns) <= 20:
        ax.legend(fontsize="small")
    return ax


def _field(u: Any, shape: tuple[int, ...], component: int | None) -> tuple[Any, int]:
    """Return the values of one field and how many axes it has; the components lie along a short first or last axis."""
    for axis in (len(shape) - 1, 0):
        if len(shape) > 1 and shape[axis] <= FEW and shape[axis] == min(shape):
            number = 0 if component is None else component
            if not 0 <= number < shape[axis]:
                raise ValueError(
                    f"component={number}, but the fields of this solution are 0 to {shape[axis] - 1}"
                )
            return np.take(u, number, axis=axis + 1), len(shape) - 1
    if component not in (None, 0):
        raise ValueError(f"component={component}, but states of shape {shape} are one field")
    return u, len(shape)


def _heat_map(t: Any, values: Any, ax: Any, title: str) -> Any:
    mesh = ax.pcolormesh(np.arange(values.shape[1]), t, values, shading="nearest")
    ax.figure.colorbar(mesh, ax=ax)
    ax.set(xlabel="x (grid points)", ylabel="t", title=title.removesuffix(", "))
    return ax


def _profile(times: Any, values: Any, ax: Any, title: str, t: float) -> Any:
    at = int(np.argmin(np.abs(times - t)))
    ax.plot(values[at])
    ax.set(xlabel="x (grid points)", title=f"{title}t = {times[at]:g}")
    return ax


def _picture(times: Any, values: Any, ax: Any, title: str, t: float | None) -> Any:
    at = len(times) - 1 if t is None else int(np.argmin(np.abs(times - t)))
    image = ax.imshow(values[at], origin="lower")
    ax.figure.colorbar(image, ax=ax)
    ax.set(xlabel="second axis", ylabel="first axis", title=f"{title}t = {times[at]:g}")
    return ax
