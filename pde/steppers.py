"""What a run asks of a solver: take steps, interpolate the last one, and say and take back all that the next step depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symnum.pde.kept import Kept

Function = Callable[[float, Any], Any]
Arrays = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """An initial value problem of flat states, and what a method may be told.

    ``entry(dtype)`` gives the right-hand side for kernels (:class:`symnum.pde.stepping.entry.Entry`), ``fused(stages)`` kernels of
    stages of a step or None, ``linear()`` the linear part that is treated apart, as a sparse matrix; methods call what they need.
    ``shape`` is that of the state in messages.
    """

    rhs: Function
    jacobian: Function
    t0: float
    t1: float
    y0: Any
    shape: tuple[int, ...]
    rtol: float
    atol: Any
    max_step: float
    dt: float | None
    entry: Callable[[Any], Any]
    fused: Callable[[Any], Any]
    linear: Callable[[], Any]

    @property
    def direction(self) -> float:
        """Return 1 for a run forwards in time and -1 for one backwards."""
        return 1.0 if self.t1 >= self.t0 else -1.0

    def place(self, flat: int) -> str:
        """Return the name of an entry of the state for messages."""
        indices = tuple(int(i) for i in np.unravel_index(flat, self.shape))
        return str(indices[0]) if len(indices) == 1 else str(indices)


class Stepper(Protocol):
    """A solver at a time ``t`` and state ``y``; ``status`` is "running", "finished" or "failed", ``message`` why it failed.

    ``slices`` says that many steps at once are cheaper than one by one.
    """

    slices: bool

    @property
    def t(self) -> float: ...
    @property
    def y(self) -> Any: ...
    @property
    def status(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def steps(self) -> int: ...

    def run(self, most: int, kept: Kept) -> None:
        """Take up to ``most`` steps, or fewer, and keep what is wanted of them."""

    def curve(self) -> Callable[[float], Any]:
        """Return a function that interpolates the states of the last step."""

    def counts(self) -> dict[str, Any]:
        """Return how often what was called, for ``stats``."""

    def state(self) -> Arrays | None:
        """Return all that the next step depends on as arrays, or None where a method hides it."""

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""


def hermite(f: Function, t0: float, y0: Any, t1: float, y1: Any) -> Callable[[float], Any]:
    """Return the cubic through states and slopes at both ends of a step; its error is of order 4 in the length of the step."""
    h, y1 = t1 - t0, np.array(y1)
    f0, f1 = f(t0, y0), f(t1, y1)

    def between(t: float) -> Any:
        x = (t - t0) / h
        return y0 + x * h * f0 + x * x * ((3 - 2 * x) * (y1 - y0 - h * f0) + (x - 1) * h * (f1 - f0))

    return between


STATE = {
    "BDF": ("t", "y", "h_abs", "order", "n_equal_steps", "D"),
    "Radau": ("t", "y", "f", "h_abs", "h_abs_old", "error_norm_old", "current_jac", "t_old", "y_old", "Z"),
    "RK23": ("t", "y", "f", "h_abs"),
    "DOP853": ("t", "y", "f", "h_abs"),
}
"""Method -> what the next step of SciPy's solver depends on, beside Jacobian and factors."""

COUNTS = ("nfev", "njev", "nlu")


class ScipyStepper:
    """One of SciPy's solvers, or what behaves as they do."""

    slices = False

    def __init__(self, method: str, solver: Any, problem: Problem) -> None:
        self.method, self.solver, self.problem = method, solver, problem
        self.message, self.steps = "", 0

    @property
    def t(self) -> float:
        """Return the time."""
        return float(self.solver.t)

    @property
    def y(self) -> Any:
        """Return the state (n,)."""
        return self.solver.y

    @property
    def status(self) -> str:
        """Return "running", "finished" or "failed"."""
        return str(self.solver.status)

    def run(self, most: int, kept: Kept) -> None:
        """Take a step; a method without interpolation goes to the next wanted time."""
        solver = self.solver
        goal = kept.next if hasattr(solver, "step_to") else None
        problem = solver.step() if goal is None else solver.step_to(goal)
        if solver.status == "failed":
            self.message = (problem or "the solver failed") + self._growth()
            return
        self.steps += 1
        if kept.wanted is None or goal is not None:
            kept.add(solver.t, solver.y)
            return
        reached = kept.until(solver.t, self.problem.direction)
        if len(reached):
            curve = solver.dense_output()
            for t in reached.tolist():
                kept.add(t, curve(t))

    def _growth(self) -> str:
        """Say so where a solver fails because the state runs away."""
        size, start = np.abs(self.y), np.abs(self.problem.y0)
        place = int(np.argmax(np.where(np.isfinite(size), size, np.inf)))
        if np.isfinite(size[place]) and size[place] < 1e6 * max(1.0, float(start.max(initial=0.0))):
            return ""
        return (
            f" The state has grown to {self.y[place]:.3g} in entry {self.problem.place(place)}: the solution seems to blow up near "
            f"t = {self.t:g}"
        )

    def curve(self) -> Callable[[float], Any]:
        """Return SciPy's interpolation of the last step."""
        curve: Callable[[float], Any] = self.solver.dense_output()
        return curve

    def counts(self) -> dict[str, Any]:
        """Return the counts that SciPy makes."""
        return dict(
            zip(
                ("rhs_calls", "jacobian_calls", "factorizations"),
                (int(getattr(self.solver, n)) for n in COUNTS),
            )
        )

    def state(self) -> Arrays | None:
        """Return the attributes of the solver, its Jacobian, and of which matrices it holds factors; None for LSODA and CVODE."""
        if self.method not in STATE:
            return None
        solver = self.solver
        found = {name: _array(getattr(solver, name, None)) for name in (*STATE[self.method], *COUNTS)}
        found["steps"] = np.array(self.steps)
        if hasattr(solver, "saved"):
            found |= solver.saved()
        return found

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Set the attributes of the solver; the next steps are then those of the run that was saved."""
        solver = self.solver
        for name in (*STATE[self.method], *COUNTS):
            setattr(solver, name, _value(arrays[name]))
        self.steps = int(arrays["steps"])
        if hasattr(solver, "saved"):
            solver.load(arrays)
        if solver.t == solver.t_bound:
            solver.status = "finished"


def _array(value: Any) -> Any:
    return np.zeros(0) if value is None else np.array(value)


def _value(array: Any) -> Any:
    if array.ndim:
        return None if array.shape == (0,) else array.copy()
    return array.item()
