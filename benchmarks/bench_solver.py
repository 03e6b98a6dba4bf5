"""The reaction-diffusion solver: traced and solved, beside SciPy with what its user could have done by hand, and whole time loops.

*Warm* is the user's whole wait, from ``trace`` to the solution at t = 10, in a process that did the same before.  *Cold* is the same, once,
in a fresh process that has imported its libraries, with empty caches of machine code (symnum's and numba's).  Neither touches the
user's function.  Peers and symnum take turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import Row, count_row, in_own_process, least, limit_row, row
from scipy.integrate import solve_ivp

from symnum.pde import sparse_lu, trace
from symnum.pde.models import reaction_diffusion

OPTIONS: dict[str, Any] = dict(method="BDF", rtol=1e-3, atol=1e-6)
MEANS = [0.44307, 1.23081, 0.76919]
END = 10.0


def rows() -> list[Row]:
    """Time trace to solution, solvers alone, larger grids, memory, and explicit time loops."""
    sparse_lu.WARMUP.serve(sparse_lu.WARMUP.enough + 1)  # the kernels of a machine that has solved before
    return [*paper(), *larger_grids(), *explicit_loops()]


def problem(n: int) -> tuple[Callable[[float, Any], Any], Any, Callable[..., Any]]:
    """Return f, u0, and SciPy's solution by the untouched function."""
    f, u0 = reaction_diffusion.make(n)
    shape, flat = u0.shape, u0.ravel()

    def by_scipy(**more: Any) -> Any:
        return solve_ivp(
            lambda t, u: np.asarray(f(t, u.reshape(shape))).ravel(), (0.0, END), flat, **OPTIONS, **more
        )

    return f, u0, by_scipy


def in_turn(*functions: Callable[[], Any], rounds: int = 7, seconds: float = 10.0) -> list[float]:
    """Return the least time of each function, called in turn, for so many seconds at most but for the first round."""
    best = [float("inf")] * len(functions)
    started = time.perf_counter()
    for _ in range(rounds):
        best = [min(b, least(f, rounds=1)) for b, f in zip(best, functions)]
        if time.perf_counter() - started > seconds:
            break
    return best


def paper() -> list[Row]:
    """Solve the paper's problem, 32 x 32 cells."""
    f, u0, by_scipy = problem(32)
    system = trace(f, u0)
    compiled, pattern = system.compile(), system.sparsity()
    solution = trace(f, u0).solve((0.0, END), **OPTIONS)
    assert np.allclose(solution.u[-1].mean(axis=(0, 1)), MEANS, atol=1e-4)

    whole, alone, banded, exact = in_turn(
        lambda: trace(f, u0).solve((0.0, END), **OPTIONS),
        lambda: system.solve((0.0, END), **OPTIONS),
        lambda: by_scipy(jac_sparsity=pattern),
        lambda: by_scipy(jac=lambda t, v: compiled.jacobian(t, v.reshape(u0.shape))),
    )
    dense = least(by_scipy, rounds=2, seconds=1)
    cold = cold_seconds()
    name = "N = 32, trace to solution"
    found = [
        row(f"{name}, warm", "SciPy BDF, untouched", whole, dense, ">= 157x", 157.0),
        row(f"{name}, cold", "SciPy BDF, untouched", cold, dense, ">= 40x", 40.0),
        row(f"{name}, warm", "SciPy BDF given the pattern", whole, banded),
        row(f"{name}, warm", "SciPy BDF given our Jacobian, solve alone", whole, exact),
        limit_row("N = 32, solve alone by BDF", alone, 0.05, "<= 0.05 s"),
    ]
    try:
        import sksundae  # noqa: F401  # scikit-sundae, which has no stubs and is not installed everywhere
    except ImportError:
        print("left out CVODE: scikit-sundae is not installed", file=sys.stderr)
        return found
    cvode = system.solve((0.0, END), **{**OPTIONS, "method": "CVODE"})
    assert np.allclose(cvode.u[-1].mean(axis=(0, 1)), MEANS, atol=1e-4)
    (by_cvode,) = in_turn(lambda: system.solve((0.0, END), **{**OPTIONS, "method": "CVODE"}))
    return [*found, limit_row("N = 32, solve alone by CVODE", by_cvode, 0.035, "<= 0.035 s")]


def cold_seconds() -> float:
    """Return the least time of three fresh processes without machine code."""
    found = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            old = {name: os.environ.get(name) for name in ("SYMNUM_CACHE_DIR", "NUMBA_CACHE_DIR")}
            os.environ.update(dict.fromkeys(old, folder))
            try:
                found.append(in_own_process("bench_solver", "one_cold_run"))
            finally:
                for name, value in old.items():
                    os.environ.pop(name) if value is None else os.environ.update({name: value})
    return min(found)


def one_cold_run() -> float:
    """Return the seconds from trace to solution in this process, whose imports are not counted."""
    import importlib
    import pkgutil

    import symnum.pde

    for module in pkgutil.walk_packages(symnum.pde.__path__, "symnum.pde."):
        importlib.import_module(module.name)
    f, u0, _ = problem(32)
    begin = time.perf_counter()
    solution = trace(f, u0).solve((0.0, END), **OPTIONS)
    seconds = time.perf_counter() - begin
    assert np.allclose(solution.u[-1].mean(axis=(0, 1)), MEANS, atol=1e-4)
    return seconds


def larger_grids() -> list[Row]:
    """Solve on 64 x 64 and 128 x 128 cells, where a dense Jacobian has 151 million and 2.4 billion entries."""
    found = []
    for n in (64, 128):
        f, u0, by_scipy = problem(n)
        compiled = trace(f, u0).compile()

        def ours(f: Any = f, u0: Any = u0) -> Any:
            return trace(f, u0).solve((0.0, END), **OPTIONS)

        def theirs(by_scipy: Any = by_scipy, compiled: Any = compiled, shape: Any = u0.shape) -> Any:
            return by_scipy(jac=lambda t, v: compiled.jacobian(t, v.reshape(shape)))

        whole, exact = in_turn(ours, theirs, rounds=2)
        found.append(
            row(f"N = {n}, trace to solution", "SciPy BDF given our Jacobian, solve alone", whole, exact)
        )
        peak, peer = (
            in_own_process("bench_solver", "peak_megabytes", n, who, limit=300.0)
            for who in ("symnum", "scipy")
        )
        found.append(
            count_row(f"N = {n}, memory beyond the imports", "SciPy BDF given the pattern", peak, peer, "MB")
        )
    return found


def peak_megabytes(n: int, who: str) -> float:
    """Return how much the resident memory of this process grows at most while it traces and solves (Linux)."""
    f, u0, by_scipy = problem(n)
    small, start, _ = problem(8)
    pattern = trace(f, u0).sparsity() if who == "scipy" else None
    trace(small, start).solve((0.0, END), **OPTIONS)  # imports, and loads kernels
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _memory("VmRSS")
    if who == "symnum":
        trace(f, u0).solve((0.0, END), t_eval=[END], **OPTIONS)
    else:
        by_scipy(jac_sparsity=pattern, t_eval=[END])
    return _memory("VmHWM") - before


def _memory(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def explicit_loops() -> list[Row]:
    """Step on 512 x 512 cells, beside the loop that a user writes in NumPy."""
    from symnum.pde.models import fitzhugh_nagumo

    n, found = 512, []
    for name, (f, u0), dt in (
        ("reaction-diffusion", reaction_diffusion.make(n), 1e-3),
        ("FitzHugh-Nagumo", fitzhugh_nagumo.make(n), 1e-3),
    ):
        system = trace(f, u0)
        for method, step in (("Euler", euler), ("RK4", runge_kutta)):
            count = 100

            def ours(system: Any = system, method: str = method, dt: float = dt, count: int = count) -> Any:
                return system.solve((0.0, count * dt), method=method, dt=dt, t_eval=[count * dt])

            def theirs(f: Any = f, u0: Any = u0, step: Any = step, dt: float = dt) -> Any:
                u = u0
                for s in range(3):
                    u = step(f, s * dt, u, dt)
                return u

            check = system.solve((0.0, 3 * dt), method=method, dt=dt, t_eval=[3 * dt])
            assert np.allclose(check.u[-1], theirs(), rtol=1e-12, atol=1e-12)
            a, b = in_turn(ours, theirs, rounds=3)
            found.append(
                row(
                    f"N = 512, {name}, {method}, one step",
                    "the loop in NumPy",
                    a / count,
                    b / 3,
                    ">= 20x",
                    20.0,
                )
            )
    return found


def euler(f: Any, t: float, u: Any, dt: float) -> Any:
    """Return the state after a step of Euler's method."""
    return u + dt * f(t, u)


def runge_kutta(f: Any, t: float, u: Any, dt: float) -> Any:
    """Return the state after a step of the classical Runge-Kutta method."""
    k1 = f(t, u)
    k2 = f(t + dt / 2, u + dt / 2 * k1)
    k3 = f(t + dt / 2, u + dt / 2 * k2)
    k4 = f(t + dt, u + dt * k3)
    return u + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
