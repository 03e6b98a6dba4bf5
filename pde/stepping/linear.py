"""Methods that treat a constant linear part apart: implicitly (IMEX), or exactly (exponential time differencing)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symnum.pde.sparse_lu import Factors
from symnum.pde.steppers import Arrays
from symnum.pde.stepping import linear_kernels
from symnum.pde.stepping.fixed import FixedStepper
from symnum.pde.stepping.rational import poles

SAME = 1e-9
"""Steps whose lengths differ by less than this part are of one length, and share their factors."""

WRONG = 1e-8
"""Part by which exp(hL) may differ from exp(hL/2) twice."""


class LinearStepper(FixedStepper):
    """A method for u' = L u + N(t, u), with factors that are kept as long as the steps have one length."""

    def _prepare(self) -> None:
        linear = self.problem.linear().tocsr()
        linear.sort_indices()
        self.linear = linear
        self._l = (linear.indptr, linear.indices, linear.data)
        self._factored_for = 0.0

    def _begin(self, a: float) -> None:
        super()._begin(a)
        if abs(self.h - self._factored_for) > SAME * abs(self.h):
            self._factorize(self.h)
            self._factored_for = self.h

    def _factorize(self, h: float) -> None:
        """Make factors for steps of the length ``h``."""
        raise NotImplementedError

    def state(self) -> Arrays:
        """Return state, place, memory, and for which length of step there are factors."""
        return {**super().state(), "factored_for": np.array(self._factored_for)}

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self._factored_for = float(arrays["factored_for"])
        self._factorize(self._factored_for)
        super().restore(arrays)

    def _shifted(self, identity: complex, factor: float) -> Factors:
        """Return the factors of identity*I + factor*L."""
        from scipy.sparse import identity as unit

        try:
            return Factors.of_superlu((identity * unit(len(self.y)) + factor * self.linear).tocsc())
        except RuntimeError as problem:
            raise ValueError(
                f"the matrix {identity:g}*I + {factor:g}*L of this method is singular for dt={self.dt!r}; give another dt or linear part"
            ) from problem


class SBDF2(LinearStepper):
    """The semi-implicit backward difference formula of order 2: stiff linear modes are damped at any length of step."""

    memory = ("old", "old_slope", "restart")

    def _prepare(self) -> None:
        super()._prepare()
        self.old, self.old_slope = self.y.copy(), np.empty_like(self.y)
        self.restart = np.array([True])

    def _factorize(self, h: float) -> None:
        self._factors = self._shifted(1.5, -h).arrays
        self.restart[0] = True

    def _advance(self, first: int, count: int, every: int, rows: Any) -> None:
        if self.restart[0]:
            # the first step is Euler's, implicit in L and explicit in N
            work = np.empty_like(self.y)
            linear_kernels.nonlinear(
                self.entry.numbers, self.a + first * self.h, *self._l, self.y, self.old_slope, work
            )
            self.old[:] = self.y
            self.y[:] = self._shifted(1.0, -self.h)(self.y + self.h * self.old_slope)
            self.restart[0] = False
            if every:
                rows[0] = self.y
            first, count, rows = first + 1, count - 1, rows[1:]
        linear_kernels.sbdf2(
            self.entry.numbers,
            self.a,
            self.h,
            first,
            count,
            every,
            self.y,
            *self._l,
            self._factors,
            self.old,
            self.old_slope,
            rows,
        )


class CNAB2(LinearStepper):
    """Crank and Nicolson's method for L with Adams and Bashforth's of order 2 for N: accurate, but stiff modes decay slowly."""

    memory = ("old_slope", "restart")

    def _prepare(self) -> None:
        super()._prepare()
        self.old_slope = np.empty_like(self.y)
        self.restart = np.array([True])

    def _factorize(self, h: float) -> None:
        self._factors = self._shifted(1.0, -h / 2).arrays
        self.restart[0] = True

    def _advance(self, first: int, count: int, every: int, rows: Any) -> None:
        if self.restart[0]:
            # with the present slope for the one before, the first step is Euler's in N
            work = np.empty_like(self.y)
            linear_kernels.nonlinear(
                self.entry.numbers, self.a + first * self.h, *self._l, self.y, self.old_slope, work
            )
            self.restart[0] = False
        linear_kernels.cnab2(
            self.entry.numbers, self.a, self.h, first, count, every, self.y, *self._l, self._factors, self.old_slope, rows,
        )  # fmt: skip


class ExponentialStepper(LinearStepper):
    """A method that takes exp(hL) and its phi functions from factors of L shifted to the poles of a rational function."""

    def _factorize(self, h: float) -> None:
        self.whole, self.half = self._stack(h), self._stack(h / 2)
        exponential = self._weights((1.0,))
        state = np.random.default_rng(0).normal(size=(1, len(self.y)))
        once, twice, middle = (np.empty_like(state) for _ in range(3))
        linear_kernels.apply(self.whole, exponential, state, once[0])
        linear_kernels.apply(self.half, exponential, state, middle[0])
        linear_kernels.apply(self.half, exponential, middle, twice[0])
        size = max(float(np.abs(twice).max(initial=0.0)), float(np.abs(state).max(initial=0.0)))
        if not float(np.abs(once - twice).max(initial=0.0)) <= WRONG * size:
            raise ValueError(
                f"the exponential of the linear part cannot be computed for dt={self.dt!r}: it has modes that oscillate or "
                f"grow too fast, and this method is for modes that decay; give a smaller dt, another linear= "
                f"part, or use method='SBDF2' or 'BDF'"
            )

    def _weights(self, *phi: tuple[float, ...]) -> Any:
        """Return the weights (poles, vectors) of sums of exp and phi_1, phi_2, ...; each argument has those for one vector."""
        z, c = poles()
        powers = np.array([z**-k for k in range(4)])
        return np.ascontiguousarray(
            (c * (np.array([[*each, *[0.0] * (4 - len(each))] for each in phi]) @ powers)).T
        )

    def _stack(self, h: float) -> Any:
        factors = [self._shifted(-complex(z), h) for z in poles()[0]]
        names = ("l_start", "l_row", "u_start", "u_row", "lower", "upper", "inverse", "rows", "columns")
        parts = {name: [getattr(each, name) for each in factors] for name in names}
        sizes = np.array([[len(each.l_row), len(each.u_row)] for each in factors])
        offsets = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(sizes, axis=0)])
        joined = ("l_row", "u_row", "lower", "upper")
        return (offsets, *(np.concatenate(parts[n]) if n in joined else np.stack(parts[n]) for n in names))


class ETD1(ExponentialStepper):
    """Exponential time differencing of order 1."""

    def _factorize(self, h: float) -> None:
        super()._factorize(h)
        self.weights = self._weights((1.0,), (0.0, h))

    def _advance(self, first: int, count: int, every: int, rows: Any) -> None:
        linear_kernels.etd1(
            self.entry.numbers,
            self.a,
            self.h,
            first,
            count,
            every,
            self.y,
            *self._l,
            self.whole,
            self.weights,
            rows,
        )


class ETDRK4(ExponentialStepper):
    """Exponential time differencing with a Runge-Kutta method of order 4."""

    evaluations = 4

    def _factorize(self, h: float) -> None:
        super()._factorize(h)
        self.of_half = self._weights((1.0,), (0.0, h / 2))
        middle = (0.0, 0.0, 2 * h, -4 * h)
        self.of_whole = self._weights((1.0,), (0.0, h, -3 * h, 4 * h), middle, middle, (0.0, 0.0, -h, 4 * h))

    def _advance(self, first: int, count: int, every: int, rows: Any) -> None:
        linear_kernels.etdrk4(
            self.entry.numbers, self.a, self.h, first, count, every, self.y, *self._l, self.half, self.of_half, self.whole,
            self.of_whole, rows,
        )  # fmt: skip
