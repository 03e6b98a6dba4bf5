"""The methods of ``system.solve`` by name: a table, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symnum.pde.steppers import Problem, ScipyStepper, Stepper


@dataclass(frozen=True, slots=True)
class Method:
    """A method: ``make(problem, wanted, watched)`` gives its stepper, ``what`` describes it.

    ``fixed`` methods take the length ``dt`` of their steps, the others choose it by tolerances.  ``watched`` tells that events need
    the last step to be interpolated.  ``single`` methods step states of float32 in float32, the others in float64.
    """

    make: Callable[[Problem, Any, bool], Stepper]
    what: str
    fixed: bool = False
    single: bool = False


def stepper_for(method: str, problem: Problem, wanted: Any, watched: bool) -> Stepper:
    """Return what steps through a problem by the method of this name.

    Raises ValueError for an unknown method, and for a ``dt`` that is missing, impossible or not used.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; the methods are {', '.join(map(repr, METHODS))}")
    found, dt = METHODS[method], problem.dt
    if not found.fixed and dt is not None:
        raise ValueError(
            f"method={method!r} chooses its steps by rtol and atol; leave out dt={dt!r}, or set max_step={dt!r}"
        )
    if found.fixed:
        if dt is None:
            raise ValueError(f"method={method!r} takes steps of one length; write dt=0.01, say")
        if not (isinstance(dt, int | float | np.floating | np.integer) and 0 < dt < np.inf):
            raise ValueError(
                f"dt={dt!r}, but the length of a step is a positive number, also backwards in time"
            )
        if problem.t0 + dt == problem.t0 or abs(problem.t1 - problem.t0) / dt > 2**53:
            raise ValueError(
                f"dt={dt!r} is too small to step from t = {problem.t0:g} to {problem.t1:g}; give a longer one"
            )
    if not found.single:
        problem = replace(problem, y0=problem.y0.astype(np.float64, copy=False))
    return found.make(problem, wanted, watched)


def _of_scipy(method: str) -> Callable[[Problem, Any, bool], Stepper]:
    def make(problem: Problem, wanted: Any, watched: bool) -> Stepper:
        import scipy.integrate as scipy_solvers

        from symnum.pde import stiff

        options: dict[str, Any] = {"rtol": problem.rtol, "atol": problem.atol, "max_step": problem.max_step}
        kind = getattr(stiff, f"Sparse{method}", None) or getattr(scipy_solvers, method)
        if method == "LSODA":
            options["jac"] = lambda t, y: problem.jacobian(t, y).toarray()
        elif method in ("BDF", "Radau"):
            options["jac"] = problem.jacobian
        return ScipyStepper(method, kind(problem.rhs, problem.t0, problem.y0, problem.t1, **options), problem)

    return make


def _cvode(problem: Problem, wanted: Any, watched: bool) -> Stepper:
    from symnum.pde.cvode import CvodeSolver

    solver = CvodeSolver(
        problem.rhs, problem.t0, problem.y0, problem.t1, jac=problem.jacobian, rtol=problem.rtol, atol=problem.atol,
        max_step=problem.max_step, every_step=watched,
    )  # fmt: skip
    return ScipyStepper("CVODE", solver, problem)


def _stepping(module: str, name: str) -> Callable[[Problem, Any, bool], Stepper]:
    """Return what makes a compiled stepper; its module is loaded when it is asked for."""

    def make(problem: Problem, wanted: Any, watched: bool) -> Stepper:
        from importlib import import_module

        found: Stepper = getattr(import_module(f"symnum.pde.stepping.{module}"), name)(problem, wanted)
        return found

    return make


METHODS: dict[str, Method] = {
    "BDF": Method(
        _of_scipy("BDF"), "implicit, orders 1 to 5, for stiff systems; SciPy's, with our sparse factors"
    ),
    "Radau": Method(
        _of_scipy("Radau"), "implicit, order 5, for stiff systems; SciPy's, with our sparse factors"
    ),
    "LSODA": Method(_of_scipy("LSODA"), "Adams or BDF as the system needs; SciPy's, with a dense Jacobian"),
    "CVODE": Method(_cvode, "implicit, orders 1 to 5, for stiff systems; needs scikit-sundae"),
    "RK45": Method(
        _stepping("explicit", "DormandPrince"), "explicit, order 5, SciPy's steps in a compiled loop"
    ),
    "RK23": Method(_of_scipy("RK23"), "explicit, order 3; SciPy's"),
    "DOP853": Method(_of_scipy("DOP853"), "explicit, order 8; SciPy's"),
    "Euler": Method(_stepping("explicit", "Euler"), "explicit, order 1, compiled loop", True, True),
    "RK4": Method(_stepping("explicit", "RK4"), "explicit, order 4, compiled loop", True, True),
    "leapfrog": Method(
        _stepping("explicit", "Leapfrog"),
        "Störmer-Verlet, order 2, for states (q, p), compiled loop",
        True,
        True,
    ),
    "CNAB2": Method(_stepping("linear", "CNAB2"), "linear part implicit, order 2, compiled loop", True),
    "SBDF2": Method(
        _stepping("linear", "SBDF2"), "linear part implicit and damped, order 2, compiled loop", True
    ),
    "ETD1": Method(_stepping("linear", "ETD1"), "linear part exact, order 1, compiled loop", True),
    "ETDRK4": Method(_stepping("linear", "ETDRK4"), "linear part exact, order 4, compiled loop", True),
}
"""Name -> method; the first four are for stiff systems and take the Jacobian."""
