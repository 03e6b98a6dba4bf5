"""CVODE of SUNDIALS, through scikit-sundae where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symnum.pde.steppers import hermite
from symnum.pde.stiff import Factored, Factorizer, Shifted


class CvodeSolver:
    """CVODE's BDF with the exact sparse Jacobian, stepped like a solver of SciPy: ``step()``, ``status``, ``t``, ``y``, ``nfev``.

    Its own sparse solver orders and analyses each matrix anew.  So it is asked for GMRES, with our factors of I - gamma*J as the
    preconditioner: where they are those of the present gamma, the first iteration solves the system.

    It goes to the wanted times itself, unless ``every_step`` is asked for; steps are then interpolated by cubics.
    """

    def __init__(self, fun: Callable[..., Any], t0: float, y0: Any, t_bound: float, *, jac: Callable[..., Any],
                 rtol: float, atol: Any, max_step: float, every_step: bool = False) -> None:  # fmt: skip
        try:
            from sksundae.cvode import CVODE, CVODEJacTimes, CVODEPrecond
        except ImportError as problem:
            raise ImportError(
                "method='CVODE' needs scikit-sundae, which is not installed; run: pip install scikit-sundae, or use method='BDF'"
            ) from problem
        self.nfev = self.njev = self.nlu = 0
        self.t, self.y, self.t_bound, self.status = t0, np.array(y0), t_bound, "running"
        self._fun, self._old = fun, (t0, self.y)
        self._factored: Factored
        if not every_step:
            self.step_to = self._step_to

        def right_hand_side(t: float, y: Any, yp: Any) -> None:
            self.nfev += 1
            yp[:] = fun(t, y)

        matrix = jac(t0, self.y)
        factorize = Factorizer(matrix)

        def set_up(t: float, y: Any, yp: Any, reusable: bool, renewed: list[Any], gamma: float) -> None:
            nonlocal matrix
            renewed[0] = 0 if reusable else 1
            if not reusable:
                self.njev += 1
                matrix = jac(t, y)
            self.nlu += 1
            self._factored = factorize(Shifted(1.0, -gamma * matrix.data))

        def solve(t: float, y: Any, yp: Any, r: Any, z: Any, gamma: float, delta: float, side: int) -> None:
            z[:] = self._factored.solve(r)

        def product(t: float, y: Any, yp: Any, v: Any, jv: Any) -> None:
            jv[:] = matrix @ v

        self._solver = CVODE(
            right_hand_side, method="BDF", rtol=rtol, atol=atol, linsolver="gmres", precond=CVODEPrecond(set_up, solve),
            jactimes=CVODEJacTimes(None, product), max_step=0.0 if np.isinf(max_step) else max_step, max_num_steps=100_000,
        )  # fmt: skip
        self._solver.init_step(t0, self.y)

    def step(self) -> str | None:
        """Take one step; return what went wrong, or None."""
        found = self._solver.step(self.t_bound, method="onestep", tstop=self.t_bound)
        if not found.success:
            self.status = "failed"
            return str(found.message)
        self._advance(found)
        if self.t == self.t_bound:
            self.status = "finished"
        return None

    def _step_to(self, t: float) -> str | None:
        """Go to a time; return what went wrong, or None."""
        found = self._solver.step(t, method="normal", tstop=self.t_bound)
        if not found.success:
            self.status = "failed"
            return str(found.message)
        self._advance(found)
        return None

    def dense_output(self) -> Callable[[float], Any]:
        """Return the cubic through states and slopes at both ends of the last step."""
        return hermite(self._fun, *self._old, self.t, self.y)

    def _advance(self, found: Any) -> None:
        self._old = (self.t, self.y)
        self.t, self.y = float(np.ravel(found.t)[-1]), np.array(np.atleast_2d(found.y)[-1])
