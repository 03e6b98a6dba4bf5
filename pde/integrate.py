"""The loop over the steps of an ODE solver: what is kept, what is counted, and how a run ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

METHODS = ("BDF", "Radau", "LSODA", "CVODE", "RK45", "RK23", "DOP853")
"""The first four are for stiff systems and take the Jacobian."""

Progress = Callable[[float, int], object]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: times (n,), states (n, size), counts, and how it ended."""

    t: Any
    y: Any
    stats: dict[str, Any]
    success: bool
    message: str
    interrupted: bool = False


def integrate(
    rhs: Callable[[float, Any], Any],
    jacobian: Callable[[float, Any], Any],
    t_span: tuple[float, float],
    y0: Any,
    *,
    method: str,
    rtol: float,
    atol: Any,
    t_eval: Any = None,
    max_step: float = np.inf,
    progress: Progress | None = None,
) -> Run:
    """Integrate y' = rhs(t, y) with the sparse Jacobian; keep every step, or the times ``t_eval``.

    ``progress(t, steps)`` is called after each step.  KeyboardInterrupt ends the run and keeps what it reached.
    Raises ValueError for an unknown method, bad times, and a right-hand side that is not finite at the start.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; the methods are {', '.join(map(repr, METHODS))}")
    t0, t1 = t_span
    wanted = None if t_eval is None else _checked_times(t_eval, t0, t1)
    _check_start(rhs, t0, y0)
    solver = _solver(method, rhs, jacobian, t0, t1, y0, rtol=rtol, atol=atol, max_step=max_step)
    ts, ys, steps, message, interrupted = [], [], 0, "", False
    if wanted is None or (len(wanted) and wanted[0] == t0):
        ts, ys = [t0], [np.array(y0)]
    try:
        while solver.status == "running":
            if wanted is not None and len(ts) == len(wanted) and method == "CVODE":
                solver.status = "finished"
                break
            problem = _step(solver, wanted, ts, ys)
            if problem is not None:
                message = problem
                break
            steps += 1
            if progress is not None:
                progress(float(solver.t), steps)
    except KeyboardInterrupt:
        message, interrupted = f"interrupted at t = {solver.t:g}", True
    stats = {"method": method, "rhs_calls": int(solver.nfev), "jacobian_calls": int(solver.njev),
             "factorizations": int(solver.nlu), "steps": steps}  # fmt: skip
    size = len(y0)
    return Run(np.array(ts), np.array(ys).reshape(len(ts), size), stats, solver.status == "finished" and not interrupted,
               message or "The solver successfully reached the end of the integration interval.", interrupted)  # fmt: skip


def _solver(method: str, rhs: Any, jacobian: Any, t0: float, t1: float, y0: Any, **options: Any) -> Any:
    import scipy.integrate as scipy_solvers

    from symnum.pde import cvode, stiff

    sparse = {"BDF": stiff.SparseBDF, "Radau": stiff.SparseRadau, "CVODE": cvode.CvodeSolver}
    if method in sparse:
        return sparse[method](rhs, t0, y0, t1, jac=jacobian, **options)
    if method == "LSODA":
        options["jac"] = lambda t, y: jacobian(t, y).toarray()
    return getattr(scipy_solvers, method)(rhs, t0, y0, t1, **options)


def _step(solver: Any, wanted: Any, ts: list[Any], ys: list[Any]) -> str | None:
    """Take a step and keep what is wanted of it; return what went wrong, or None."""
    if wanted is not None and hasattr(solver, "step_to"):
        problem: str | None = solver.step_to(wanted[len(ts)])
    else:
        problem = solver.step()
    if solver.status == "failed":
        return problem or "the solver failed"
    if wanted is None or hasattr(solver, "step_to"):
        ts.append(solver.t)
        ys.append(np.array(solver.y))
        return None
    rest = wanted[len(ts) :]
    reached = rest[: int(np.count_nonzero((rest - solver.t) * solver.direction <= 0))]
    if len(reached):
        ts.extend(reached)
        ys.extend(solver.dense_output()(reached).T)
    return None


def _checked_times(t_eval: Any, t0: float, t1: float) -> Any:
    times = np.asarray(t_eval, dtype=np.float64)
    direction = 1.0 if t1 >= t0 else -1.0
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError(f"t_eval has shape {times.shape}, but it is a list of finite times")
    if len(times) and (((times - t0) * direction < 0).any() or ((t1 - times) * direction < 0).any()):
        raise ValueError(f"t_eval leaves the time span from {t0:g} to {t1:g}; give times within it")
    if (np.diff(times) * direction <= 0).any():
        raise ValueError(
            "t_eval must go strictly from the first time to the last; sort it and leave repeated times out"
        )
    return times


def _check_start(rhs: Callable[[float, Any], Any], t0: float, y0: Any) -> None:
    if not np.isfinite(y0).all():
        raise ValueError(
            f"the initial state has entry {int(np.argmin(np.isfinite(y0)))} nan or infinite; give finite numbers"
        )
    slope = np.asarray(rhs(t0, y0))
    if not np.isfinite(slope).all():
        place = int(np.argmin(np.isfinite(slope)))
        raise ValueError(
            f"the right-hand side is {slope[place]} in entry {place} at the start, t = {t0:g}; look for a division by 0 or a logarithm "
            f"of a state that is 0 there"
        )
