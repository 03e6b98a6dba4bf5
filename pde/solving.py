"""From a system and a user's options to a problem, a run and a solution."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum.pde.checkpoints import Checkpoint, CheckpointFile
from symnum.pde.integrate import Progress, integrate
from symnum.pde.solution import Solution
from symnum.pde.steppers import Problem

if TYPE_CHECKING:
    from symnum.pde.system import OdeSystem


@dataclass(frozen=True)
class Options:
    """What :meth:`symnum.pde.OdeSystem.solve` takes beside the times and the initial state; it says what each means."""

    method: str
    rtol: float
    atol: Any
    parameters: Mapping[Any, Any] | None
    t_eval: Any
    max_step: float
    dt: float | None
    events: Any
    linear: Any
    target: str
    progress: Progress | None
    checkpoint: Checkpoint | str | os.PathLike[str] | None


def solve(system: OdeSystem, t_span: Any, u0: Any, options: Options) -> Solution:
    """Integrate a system, warn where the run ended early, and return its solution; see :meth:`symnum.pde.OdeSystem.solve`."""
    t0, t1 = _span(t_span)
    start = _start(system, u0, options.parameters)
    begin = time.perf_counter()
    code = system.compile(options.target)
    rhs, jacobian = code.bound(options.parameters)
    compiled = time.perf_counter()
    problem = Problem(
        rhs,
        jacobian,
        t0,
        t1,
        start.reshape(-1),
        system.shape,
        options.rtol,
        np.reshape(options.atol, -1) if np.ndim(options.atol) else options.atol,
        options.max_step,
        options.dt,
        lambda dtype: code.entry(options.parameters, dtype),
        lambda stages: code.fused(stages, options.parameters),
        lambda: _linear(system, options, t0, start.reshape(-1)),
    )
    run = integrate(
        problem,
        options.method,
        t_eval=options.t_eval,
        events=options.events,
        progress=options.progress,
        checkpoint=None if options.checkpoint is None else lambda: _file(problem, options),
    )
    stats = {**run.stats, "compile_seconds": compiled - begin, "seconds": time.perf_counter() - begin}
    if not run.success:
        reached = run.t[-1] if len(run.t) else t0
        text = (
            f"{options.method} was {run.message}"
            if run.interrupted
            else f"{options.method} stopped at t = {reached}: {run.message}"
        )
        warnings.warn(f"{text}; returned is what was computed so far", RuntimeWarning, stacklevel=3)
    return Solution(
        run.t,
        run.y.reshape(len(run.t), *system.shape),
        stats,
        run.success,
        run.message,
        system._labels(),
        partial(system.observe, parameters=options.parameters),
        run.t_events,
        run.y_events,
    )


def _span(t_span: Any) -> tuple[float, float]:
    span = np.asarray(t_span, dtype=np.float64).ravel() if np.ndim(t_span) else np.zeros(0)
    if len(span) != 2:
        raise ValueError(f"t_span is {t_span!r}, but it must be a pair; write solve((0.0, 10.0))")
    if not np.isfinite(span).all():
        raise ValueError(f"t_span is {t_span!r}; give two finite times")
    return float(span[0]), float(span[1])


def _start(system: OdeSystem, u0: Any, parameters: Mapping[Any, Any] | None) -> Any:
    start = system.initial_state(parameters) if u0 is None else u0
    if np.iscomplexobj(start):
        raise TypeError("u0 is complex, but states are real numbers; split it into real and imaginary parts")
    start = np.asarray(start, dtype=system.dtype)
    if start.shape != system.shape:
        raise ValueError(f"u0 has shape {start.shape}, but {system._said_shape()}")
    return start


def _linear(system: OdeSystem, options: Options, t: float, y: Any) -> Any:
    """Return the linear part that some methods treat apart, as a scipy.sparse.csr_matrix of the flattened system.

    Any matrix will do, the better it holds what is stiff.
    """
    from scipy.sparse import csr_matrix

    given = system.stiff_part(options.parameters, t, y) if options.linear is None else options.linear
    found = csr_matrix(given, dtype=np.float64)
    if found.shape != (len(y), len(y)):
        raise ValueError(
            f"linear has shape {found.shape}, but it acts on the flattened state of {len(y)} entries; give a square sparse matrix"
        )
    return found


def _file(problem: Problem, options: Options) -> CheckpointFile:
    """Return the file of a run, and what says that a run is the same one."""
    given = options.checkpoint
    slope = np.asarray(problem.rhs(problem.t0, problem.y0)).reshape(-1)[:8].tolist()
    same: dict[str, Any] = {
        "method": options.method,
        "t_span": f"{problem.t0!r} to {problem.t1!r}",
        "the initial state": problem.y0,
        "rtol": float(problem.rtol),
        "atol": np.asarray(problem.atol, float),
        "dt": None if problem.dt is None else float(problem.dt),
        "max_step": float(problem.max_step),
        "t_eval": None if options.t_eval is None else np.asarray(options.t_eval, float),
        # rounded, as another machine or target may add in another order
        "the right-hand side": [f"{x:.6e}" for x in slope],
    }
    if options.linear is not None:
        same["linear"] = problem.linear().data
    assert given is not None
    return CheckpointFile(given if isinstance(given, Checkpoint) else Checkpoint(given), same)
