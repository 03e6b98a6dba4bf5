"""Steps of one length: stretches between the times that are kept, slices of steps in machine code, and what to do when they blow up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

import numpy as np

from symnum.pde.kept import Kept
from symnum.pde.steppers import Arrays, Problem, hermite
from symnum.pde.stepping.fixed_kernels import is_finite


class FixedStepper:
    """Steps no longer than ``dt``: each stretch between two wanted times is divided into steps of one length.

    A method says in ``_advance`` how it takes steps, in ``memory`` which arrays the next step depends on beside the state, and in
    ``evaluations`` how often a step calls the right-hand side.
    """

    slices = True
    evaluations = 1
    memory: tuple[str, ...] = ()

    def __init__(self, problem: Problem, wanted: Any) -> None:
        assert problem.dt is not None  # checked with the method's name
        self.dt = problem.dt
        self.problem, self.entry = problem, problem.entry(problem.y0.dtype)
        self.t, self.y = problem.t0, problem.y0.copy()
        self.status, self.message, self.steps = "running", "", 0
        stops = [problem.t1] if wanted is None else [*wanted[wanted != problem.t0], problem.t1]
        self.ends = np.unique(stops)[:: int(problem.direction)]
        self.every = wanted is None
        self.stretch, self.done = 0, 0
        self.why = self.entry.why
        self._prepare()
        self._t_old = self.t
        self._before = {name: np.empty_like(getattr(self, name)) for name in ("y", *self.memory)}
        self._begin(problem.t0)
        if problem.t1 == problem.t0:
            self.status = "finished"

    def _prepare(self) -> None:
        """Make work memory."""

    def _begin(self, a: float) -> None:
        """Begin the stretch from the time ``a``."""
        length = self.ends[self.stretch] - a
        # a stretch that is a multiple of dt but for rounding gets no extra step
        self.count = max(1, ceil(abs(length) / self.dt * (1.0 - 1e-12)))
        self.a, self.h = a, length / self.count

    def _advance(self, first: int, count: int, every: int, rows: Any) -> None:
        """Take steps of length ``h`` from step ``first`` of the stretch, and keep each ``every``-th, or none, in ``rows``."""
        raise NotImplementedError

    def run(self, most: int, kept: Kept) -> None:
        """Take up to ``most`` steps of the present stretch."""
        count = min(most, self.count - self.done)
        times, rows = kept.room(count if self.every else 0)
        self._remember()
        self._t_old = self.t
        self._advance(self.done, count, int(self.every), rows)
        self.entry.raise_failure()
        if not is_finite(self.y):
            self.restore_arrays(self._before)
            count = self._up_to_failure(count, rows)
        self.done += count
        self.steps += count
        self.t = self._time(self.done)
        if self.every:
            times[:count] = [self._time(self.done - count + s + 1) for s in range(count)]
            kept.count += count
        if self.done == self.count and self.status == "running":
            self._end_stretch(kept)

    def _time(self, done: int) -> float:
        return float(self.ends[self.stretch] if done == self.count else self.a + done * self.h)

    def _end_stretch(self, kept: Kept) -> None:
        if not self.every and kept.next == self.t:
            kept.add(self.t, self.y)
        self.stretch, self.done = self.stretch + 1, 0
        if self.stretch == len(self.ends):
            self.status = "finished"
        else:
            self._begin(self.t)

    def _up_to_failure(self, count: int, rows: Any) -> int:
        """Take the steps again one by one; stop before the one that is not finite, and return how many were good."""
        for good in range(count):
            self._remember()
            self._advance(self.done + good, 1, int(self.every), rows[good:])
            self.entry.raise_failure()
            if not is_finite(self.y):
                bad = ~np.isfinite(self.y)
                flat = int(np.argmax(bad))
                value, t = self.y[flat], self._time(self.done + good + 1)
                self.restore_arrays(self._before)
                self.status = "failed"
                self.message = (
                    f"the state became {value} in entry {self.problem.place(flat)} at t = {t:g}: the steps of {abs(self.h):g} are too long "
                    f"for this method, or the solution blows up; give a smaller dt, or use method='BDF', which chooses its steps"
                )
                return good
        raise AssertionError("steps that were not finite are so when taken one by one")

    def curve(self) -> Callable[[float], Any]:
        """Return the cubic through states and slopes at both ends of the last step ."""
        return hermite(self.entry, self._t_old, self._before["y"].copy(), self.t, self.y)

    def counts(self) -> dict[str, Any]:
        """Return the calls of the right-hand side, and which code it is."""
        return {"rhs_calls": self.steps * self.evaluations, "rhs": self.why}

    def _remember(self) -> None:
        for name in ("y", *self.memory):
            self._before[name][...] = getattr(self, name)

    def restore_arrays(self, arrays: Mapping[str, Any]) -> None:
        """Take back the state and what else the next step depends on."""
        for name in ("y", *self.memory):
            getattr(self, name)[...] = arrays[name]

    def state(self) -> Arrays:
        """Return state, place and memory."""
        places = np.array([self.stretch, self.done, self.steps])
        remembered = {name: getattr(self, name).copy() for name in ("y", *self.memory)}
        return {**remembered, "clock": np.array([self.t, self.a]), "places": places}

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self.stretch, self.done, self.steps = map(int, arrays["places"])
        self.t, a = arrays["clock"].tolist()
        if self.stretch == len(self.ends):
            self.status = "finished"
        else:
            self._begin(a)
        self.restore_arrays(arrays)
