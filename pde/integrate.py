"""The loop over the steps of an ODE solver: what is kept, what is counted, and how a run ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symnum.interrupt import deferred
from symnum.pde.checkpoints import CheckpointFile
from symnum.pde.events import Events
from symnum.pde.kept import Kept
from symnum.pde.methods import stepper_for
from symnum.pde.steppers import Problem, Stepper

Progress = Callable[[float, int], object]

SLICE = 0.05
"""Seconds that compiled loops run between two looks at progress, checkpoints and Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: times (n,), states (n, size), counts, and how it ended.

    ``t_events`` and ``y_events`` have the times (zeros,) and states (zeros, *shape) of each event.
    """

    t: Any
    y: Any
    stats: dict[str, Any]
    success: bool
    message: str
    interrupted: bool = False
    t_events: list[Any] = field(default_factory=list)
    y_events: list[Any] = field(default_factory=list)


def integrate(
    problem: Problem,
    method: str,
    *,
    t_eval: Any = None,
    events: Any = None,
    progress: Progress | None = None,
    checkpoint: Callable[[], CheckpointFile] | None = None,
) -> Run:
    """Integrate an initial value problem; keep every step, or the times ``t_eval``.

    ``events`` are those of :class:`symnum.pde.events.Events`.  ``progress(t, steps)`` is called after each step, of compiled loops
    after each of their slices.  Ctrl-C ends the run after a step and keeps what it reached.  ``checkpoint()`` gives the file in which
    the run is kept, and from which it goes on when the file exists.

    Raises ValueError for an unknown method, bad times, and a right-hand side that is not finite at the start.
    """
    t0 = problem.t0
    wanted = None if t_eval is None else _checked_times(t_eval, t0, problem.t1)
    _check_start(problem)
    watched = Events(events, t0, problem.y0, problem.shape)
    stepper = stepper_for(method, problem, wanted, bool(watched))
    kept = Kept(len(problem.y0), wanted, stepper.y.dtype)
    file = None if checkpoint is None else checkpoint()
    saved = None if file is None else file.read()
    if file is not None and stepper.state() is None:
        raise ValueError(
            f"method={method!r} does not show its state, so a run of it cannot be kept; leave out checkpoint=, or use 'BDF', 'Radau' or "
            f"one of the explicit methods"
        )
    if saved is not None:
        _resume(stepper, kept, watched, saved)
    elif wanted is None or (len(wanted) and wanted[0] == t0):
        kept.add(t0, problem.y0)
    message, ended, interrupted, most = "", False, False, 1
    with deferred() as pressed:
        try:
            while stepper.status == "running" and not ended and not interrupted:
                begin, t_old = time.perf_counter(), stepper.t
                stepper.run(1 if watched else most, kept)
                if stepper.slices:
                    most = _next_slice(most, time.perf_counter() - begin)
                if watched and stepper.t != t_old:
                    stop = watched.passed(t_old, stepper.t, stepper.y, stepper.curve)
                    if stop is not None:
                        kept.cut(*stop, problem.direction)
                        message, ended = f"a terminal event ended the run at t = {stop[0]:g}.", True
                if progress is not None and stepper.t != t_old:
                    progress(stepper.t, stepper.steps)
                interrupted = pressed()
                if file is not None and file.due:
                    file.write(_saved(stepper, kept, watched))
        except KeyboardInterrupt:
            interrupted = True
    if file is not None and not ended:
        file.write(_saved(stepper, kept, watched))
    if interrupted and stepper.status == "running" and not ended:
        message = f"interrupted at t = {stepper.t:g}"
    success = ended or stepper.status == "finished"
    stats = {"method": method, **stepper.counts(), "steps": stepper.steps}
    if file is not None:
        stats["checkpoint"] = file.trouble or f"{file.writes} times written to {str(file.path)!r}"
    return Run(
        np.array(kept.t), np.array(kept.y), stats, success,
        message or stepper.message or "The solver successfully reached the end of the integration interval.",
        interrupted and not success, *watched.arrays(),
    )  # fmt: skip


def _next_slice(most: int, seconds: float) -> int:
    """Return how many steps to take at once, so that they last about ``SLICE``."""
    return max(1, min(2 * most, int(most * SLICE / max(seconds, 1e-9)), 1 << 20))


def _saved(stepper: Stepper, kept: Kept, watched: Events) -> dict[str, Any]:
    """Return a run as arrays."""
    found = {f"solver/{name}": value for name, value in (stepper.state() or {}).items()}
    found |= {"kept/t": np.array(kept.t), "kept/y": np.array(kept.y)}
    found |= {f"events/{name}": value for name, value in watched.state().items()}
    return found


def _resume(stepper: Stepper, kept: Kept, watched: Events, saved: dict[str, Any]) -> None:
    """Take up a run where it was saved."""

    def part(name: str) -> dict[str, Any]:
        return {key.removeprefix(name): value for key, value in saved.items() if key.startswith(name)}

    stepper.restore(part("solver/"))
    times, states = kept.room(len(saved["kept/t"]))
    times[:], states[:] = saved["kept/t"], saved["kept/y"]
    kept.count = len(times)
    watched.restore(part("events/"))


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


def _check_start(problem: Problem) -> None:
    y0, t0 = problem.y0, problem.t0
    if not np.isfinite(y0).all():
        place = problem.place(int(np.argmin(np.isfinite(y0))))
        raise ValueError(f"the initial state has entry {place} nan or infinite; give finite numbers")
    slope = np.asarray(problem.rhs(t0, y0)).reshape(-1)
    if not np.isfinite(slope).all():
        flat = int(np.argmin(np.isfinite(slope)))
        raise ValueError(
            f"the right-hand side is {slope[flat]} in entry {problem.place(flat)} at the start, t = {t0:g}; look for a division by 0 or a "
            f"logarithm of a state that is 0 there"
        )
