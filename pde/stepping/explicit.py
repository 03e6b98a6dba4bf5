"""Explicit methods: Euler, Runge-Kutta of order 4, leapfrog, and the adaptive pair of Dormand and Prince."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symnum.pde.kept import Kept
from symnum.pde.steppers import Arrays, Problem
from symnum.pde.stepping import adaptive_kernels, fixed_kernels, fused
from symnum.pde.stepping.entry import Entry
from symnum.pde.stepping.fixed import FixedStepper


class ExplicitStepper(FixedStepper):
    """A method of which traced programs have fused stages, and which other systems step through with a kernel of its own."""

    stages: tuple[fused.Stage, ...]
    nodes: tuple[float, ...]
    work: int

    def _prepare(self) -> None:
        found = self.problem.fused(self.stages)
        self.fused = found is not None
        if found is not None:
            self._bound = found
            self.why = f"fused stages in loops: {found[0].kernel.remark}"
            self._entries = np.array([Entry.of_loops(each).numbers for each in found])
            block = np.empty((2, len(found), len(self.y)), self.y.dtype)
            block[0, 0] = self.y
            self._block, self._current = block, 0
            self.y = block[0, 0]
        else:
            self._work = [np.empty_like(self.y) for _ in range(self.work)]

    def _begin(self, a: float) -> None:
        super()._begin(a)
        if self.fused:
            for each in self._bound:
                each.parameters[each.kernel.parameters[fused.STEP]] = self.h

    def _advance(self, first: int, count: int, every: int, rows: Any) -> None:
        if self.fused:
            self._current = fixed_kernels.fused(
                self._entries,
                np.array(self.nodes),
                self.a,
                self.h,
                first,
                count,
                every,
                self._block,
                self._current,
                rows,
            )
            self.y = self._block[self._current, 0]
        else:
            self._step_by_sums(
                self.entry.numbers, self.a, self.h, first, count, every, self.y, *self._work, rows
            )

    def _step_by_sums(self, *arguments: Any) -> None:
        """Call the kernel."""
        raise NotImplementedError


class Euler(ExplicitStepper):
    """Euler's explicit method, of order 1."""

    stages, nodes, work = fused.EULER, (0.0,), 1

    def _step_by_sums(self, *arguments: Any) -> None:
        fixed_kernels.euler(*arguments)


class RK4(ExplicitStepper):
    """The classical Runge-Kutta method, of order 4."""

    evaluations = 4
    stages, nodes, work = fused.RK4, (0.0, 0.5, 0.5, 1.0), 3

    def _step_by_sums(self, *arguments: Any) -> None:
        fixed_kernels.rk4(*arguments)


class Leapfrog(FixedStepper):
    """The Störmer-Verlet method, of order 2 and symplectic, for q' = g(t, p), p' = F(t, q); the state is q, then p.

    Raises ValueError where the system has not this form, as far as random states tell.
    """

    memory = ("slope",)

    def _prepare(self) -> None:
        self.simple = _check_separable(self.entry, self.problem)
        self.evaluations = 1 if self.simple else 2
        self.slope = self.entry(self.t, self.y)

    def _advance(self, first: int, count: int, every: int, rows: Any) -> None:
        fixed_kernels.leapfrog(
            self.entry.numbers, self.a, self.h, first, count, every, self.y, self.slope, self.simple, rows
        )


def _check_separable(f: Callable[[float, Any], Any], problem: Problem) -> bool:
    """Tell whether q' is p; raises ValueError where q' depends on q, or p' on p."""
    n, t = len(problem.y0), problem.t0
    if n % 2:
        raise ValueError(
            f"method='leapfrog' takes a state (q, p) of two halves, but this one has {n} entries"
        )
    half = n // 2
    rng = np.random.default_rng(0)
    simple, rounding = True, 1e3 * np.finfo(problem.y0.dtype).eps
    for _ in range(3):
        a, b = (
            (problem.y0 + rng.normal(size=n) * (0.1 + 0.1 * np.abs(problem.y0))).astype(problem.y0.dtype)
            for _ in range(2)
        )
        mixed = np.concatenate([a[:half], b[half:]])
        at_a, at_b, at_mixed = f(t, a), f(t, b), f(t, mixed)
        for part, want, depends in (
            (slice(0, half), at_b, "q' depends on q"),
            (slice(half, n), at_a, "p' depends on p"),
        ):
            scale = float(np.abs(want[part]).max(initial=0.0))
            if np.abs(at_mixed[part] - want[part]).max(initial=0.0) > rounding * scale:
                raise ValueError(
                    f"method='leapfrog' is for q' = g(p), p' = F(q), with q the first half of the flattened state and p the second, but "
                    f"here {depends}; use method='RK4'"
                )
        simple = simple and np.array_equal(at_a[:half], a[half:])
    return simple


class DormandPrince:
    """The Runge-Kutta pair of orders 5 and 4 of Dormand and Prince, with the steps that SciPy's RK45 takes."""

    slices = True

    def __init__(self, problem: Problem, wanted: Any) -> None:
        from scipy.integrate import RK45

        n = len(problem.y0)
        self.problem, self.entry = problem, problem.entry(problem.y0.dtype)
        self._rtol, self._atol = _tolerances(problem.rtol, problem.atol, n)
        if not problem.max_step > 0:
            raise ValueError(f"max_step={problem.max_step!r}, but the longest step is a positive number")
        self._tableau = (RK45.A, RK45.C, RK45.B, RK45.E, RK45.P)
        self.y, self._before = problem.y0.copy(), np.empty(n)
        self._slopes = np.empty((7, n))
        self._slopes[6] = self.entry(problem.t0, self.y)
        self._counts = np.array([0, 2, 0, adaptive_kernels.RUNNING])
        self._clock = np.array([problem.t0, self._first_step(), problem.t0])
        self.message = ""
        if problem.t1 == problem.t0 or n == 0:
            self._counts[3] = adaptive_kernels.FINISHED
            self._clock[0] = problem.t1

    def _first_step(self) -> float:
        """Return the length of the first step (Hairer, Norsett and Wanner, II.4)."""
        problem, y, f = self.problem, self.y, self._slopes[6]
        span = abs(problem.t1 - problem.t0)
        scale = self._atol + np.abs(y) * self._rtol
        size, slope = _rms(y / scale), _rms(f / scale)
        h = min(1e-6 if size < 1e-5 or slope < 1e-5 else 0.01 * size / slope, span)
        if h == 0.0:
            return 0.0
        ahead = self.entry(problem.t0 + h * problem.direction, y + h * problem.direction * f)
        bend = _rms((ahead - f) / scale) / h
        best = max(1e-6, h * 1e-3) if slope <= 1e-15 and bend <= 1e-15 else (0.01 / max(slope, bend)) ** 0.2
        return float(min(100 * h, best, span, problem.max_step))

    @property
    def t(self) -> float:
        """Return the time."""
        return float(self._clock[0])

    @property
    def steps(self) -> int:
        """Return how many steps were taken."""
        return int(self._counts[0])

    @property
    def status(self) -> str:
        """Return "running", "finished" or "failed"."""
        return ("running", "finished", "failed")[self._counts[3]]

    def run(self, most: int, kept: Kept) -> None:
        """Take up to ``most`` steps."""
        if kept.wanted is None:
            most = max(
                1, min(most, (64 << 20) // (8 * max(1, len(self.y))))
            )  # memory for steps that may not be taken
            times, rows = kept.room(most)
            wanted, already = np.zeros(0), 0
        else:
            already = kept.count
            times, rows = kept.room(len(kept.wanted) - already)
            wanted = kept.wanted[already:]
        self._counts[2] = 0
        kept.count += adaptive_kernels.dormand_prince(
            self.entry.numbers, self._clock, self._counts, self.problem.t1, self.problem.max_step, self._rtol, self._atol, *self._tableau,
            self.y, self._before, self._slopes, wanted, times, rows, most,
        )  # fmt: skip
        self.entry.raise_failure()
        if self.status == "failed":
            place = int(np.argmax(np.abs(self.y)))
            self.message = (
                f"the step became too small at t = {self.t:g}: the solution blows up, or the right-hand side is not finite ahead; the "
                f"largest entry of the state is {self.y[place]:.3g}, in entry {self.problem.place(place)}"
            )

    def curve(self) -> Callable[[float], Any]:
        """Return Shampine's quartic over the last step."""
        t0, h, old = float(self._clock[2]), self.t - float(self._clock[2]), self._before.copy()
        slopes, weights = self._slopes.copy(), self._tableau[4]

        def between(t: float) -> Any:
            out = np.empty_like(old)
            adaptive_kernels.interpolate((t - t0) / h, h, old, slopes, weights, out)
            return out

        return between

    def counts(self) -> dict[str, Any]:
        """Return the calls of the right-hand side, and which code it is."""
        return {"rhs_calls": int(self._counts[1]), "rhs": self.entry.why}

    def state(self) -> Arrays:
        """Return time, length of the next step, state and slope."""
        return {
            "clock": self._clock.copy(),
            "counts": self._counts.copy(),
            "y": self.y.copy(),
            "slope": self._slopes[6].copy(),
        }

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self._clock[:], self._counts[:], self.y[:] = arrays["clock"], arrays["counts"], arrays["y"]
        self._slopes[6] = arrays["slope"]


def _rms(x: Any) -> float:
    return float(np.linalg.norm(x)) / max(1, x.size) ** 0.5


def _tolerances(rtol: float, atol: Any, n: int) -> tuple[float, Any]:
    """Return rtol and atol (1,) or (n,) as SciPy takes them."""
    least = 100 * np.finfo(float).eps
    atol = np.atleast_1d(np.asarray(atol, float))
    if atol.shape not in ((1,), (n,)) or not (atol >= 0).all():
        raise ValueError(
            f"atol has shape {atol.shape}; give one number that is not negative, or one for each of the {n} states"
        )
    return max(float(rtol), least), np.ascontiguousarray(atol)
