"""The gradient of a number computed from a solution, by the adjoint equation: one solve backwards for any number of parameters.

For G = h(u(T)) + integral of g(t, u) dt, where du/dt = f(t, u, p), the adjoint w obeys dw/dt = -w J - dg/du with w(T) = dh/du.
Then dG/du(0) = w(0), and dG/dp is the integral of w df/dp.  Between its steps the solution is the polynomial of the solver.

Source: Cao, Li, Petzold, Serban, "Adjoint sensitivity analysis for differential-algebraic equations", SIAM J. Sci. Comput. 24, 2003,
section 2, with the identity as mass matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum.pde.hessian import traced_objective
from symnum.pde.jacobian_products import WEIGHT
from symnum.pde.linearise import cotangents
from symnum.pde.program import ArrayProgram
from symnum.pde.rebuild import copied

if TYPE_CHECKING:
    from symnum.pde.traced_system import TracedSystem

METHODS = ("BDF", "Radau", "RK45", "DOP853")
"""SciPy's methods that say what happens between their steps; the first two take the Jacobian."""

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(6)


@dataclass(frozen=True, eq=False)
class ObjectiveGradient:
    """The value of an objective, its derivatives by parameters {name: number or array} and by the initial state (*shape).

    ``stats`` counts steps and calls of both solves.
    """

    value: float
    by_parameter: Mapping[str, Any]
    by_initial_state: Any
    stats: Mapping[str, Any]

    def __repr__(self) -> str:
        listed = ", ".join(
            f"d/d{name} = {value:.6g}" for name, value in self.by_parameter.items() if np.ndim(value) == 0
        )
        return f"ObjectiveGradient(value = {self.value:.6g}{', ' + listed if listed else ''})"


class _Objective:
    """A number computed from time and state, with its derivative by the state."""

    def __init__(self, system: TracedSystem, function: Callable[..., Any] | None, timed: bool) -> None:
        self.program: ArrayProgram | None = None
        if function is not None:
            own = copied(system.graph, system.output)
            node = traced_objective(own, function, timed)
            (slope,) = cotangents(own.graph, node, own.graph.number(1.0), [own.state])
            self.program = ArrayProgram(own.graph, [node, slope], "auto")

    def __call__(self, t: float, u: Any, p: Mapping[str, Any]) -> tuple[float, Any]:
        if self.program is None:
            return 0.0, 0.0
        value, slope = self.program.run(t, u, p)
        return float(value), np.array(slope, dtype=np.float64).reshape(-1)


def objective_gradient(
    system: TracedSystem,
    objective: Callable[[Any], Any] | None,
    running: Callable[[float, Any], Any] | None,
    t_span: tuple[float, float],
    names: Sequence[str],
    *,
    u0: Any,
    method: str,
    rtol: float,
    atol: float,
    parameters: Mapping[Any, Any] | None,
) -> ObjectiveGradient:
    """Return the gradient; see :meth:`symnum.pde.TracedSystem.gradient`."""
    if objective is None and running is None:
        raise ValueError("there is nothing to differentiate; give objective(u), running(t, u), or both")
    if method not in METHODS:
        raise ValueError(
            f"{method!r} cannot be differentiated; the methods that say what happens between steps are {', '.join(METHODS)}"
        )
    p = system.array_parameters.changed(parameters)
    start = np.asarray(system.u0 if u0 is None else u0, dtype=np.float64)
    if start.shape != system.shape:
        raise ValueError(f"u0 has shape {start.shape}, but {system._said_shape()}")
    compiled = system.compile()
    rhs, jacobian = compiled.bound(parameters)
    final, along = _Objective(system, objective, False), _Objective(system, running, True)
    t0, t1 = map(float, t_span)
    options = {"rtol": rtol, "atol": atol}
    path, stats = _solved(method, rhs, jacobian, t0, t1, start.reshape(-1), options, "the system")
    value, slope = final(t1, path(t1), p)
    weights = np.zeros(start.size) + slope

    def backwards(t: float, w: Any) -> Any:
        u = path(t)
        return -compiled.vjp(t, u, w, parameters) - along(t, u, p)[1]

    turned = _Transposed(system.structure())
    adjoint, back = _solved(
        method,
        backwards,
        lambda t, w: turned(jacobian(t, path(t)).data),
        t1,
        t0,
        weights,
        options,
        "the adjoint equation",
    )
    by_parameter = _parameter_slopes(system, names)
    totals = [np.zeros(shape) for shape in (system.array_parameters.shapes[name] for name in names)]
    knots = np.union1d(path.ts, adjoint.ts)
    for left, right in pairwise(knots if t1 >= t0 else knots[::-1]):
        half, middle = (right - left) / 2, (right + left) / 2
        for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
            t = middle + half * point
            u = path(t)
            value += half * weight * along(t, u, p)[0]
            if by_parameter is not None:
                parts = by_parameter.run(t, u, {**p, WEIGHT: adjoint(t)})
                for total, part in zip(totals, parts, strict=True):
                    total += half * weight * part
    return ObjectiveGradient(
        value,
        {name: float(total) if total.ndim == 0 else total for name, total in zip(names, totals, strict=True)},
        adjoint(t0).reshape(system.shape),
        {"forward": stats, "backward": back},
    )


def _parameter_slopes(system: TracedSystem, names: Sequence[str]) -> ArrayProgram | None:
    """Return the program of the weighted sums of df/dp, one root for each parameter."""
    if not names:
        return None
    own = copied(system.graph, system.output)
    weight = own.graph.input(WEIGHT, own.output.shape)
    roots = cotangents(own.graph, own.output, weight, [own.inputs[name] for name in names])
    return ArrayProgram(own.graph, roots, "auto")


class _Transposed:
    """The negative transpose of a Jacobian of one pattern, from its entries."""

    def __init__(self, structure: Any) -> None:
        numbered = structure.matrix(np.arange(1.0, len(structure.indices) + 1.0)).T.tocsc()
        self.order = numbered.data.astype(np.int64) - 1
        self.pattern = numbered

    def __call__(self, data: Any) -> Any:
        found = self.pattern.copy()
        found.data = -data[self.order]
        return found


def _solved(
    method: str, rhs: Any, jacobian: Any, t0: float, t1: float, y0: Any, options: Mapping[str, Any], what: str
) -> tuple[Any, dict[str, int]]:
    """Solve and return the solution as a function of time, and counts; raises RuntimeError where the solver gives up."""
    import scipy.integrate as solvers

    from symnum.pde import stiff

    if method in ("BDF", "Radau"):
        kind = {"BDF": stiff.SparseBDF, "Radau": stiff.SparseRadau}[method]
        solver: Any = kind(rhs, t0, y0, t1, jac=jacobian, **options)
    else:
        solver = getattr(solvers, method)(rhs, t0, y0, t1, **options)
    times, pieces = [t0], []
    while solver.status == "running":
        problem = solver.step()
        if solver.status == "failed":
            raise RuntimeError(
                f"{method} stopped in {what} at t = {solver.t:g}: {problem}; try another method, or smaller tolerances"
            )
        times.append(solver.t)
        pieces.append(solver.dense_output())
    stats = {"steps": len(pieces), "rhs_calls": int(solver.nfev), "factorizations": int(solver.nlu)}
    return solvers.OdeSolution(times, pieces), stats
