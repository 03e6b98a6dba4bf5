"""Right-hand sides of traced solvers as loops, beside NumPy, numba by hand and py-pde."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import peers_stencil
from harness import Row, in_own_process, limit_row, per_call, row

from symnum.pde import trace
from symnum.pde.models import reaction_diffusion

SIZES = (32, 128, 512, 2048)
MODELS = (
    "reaction_diffusion", "heat", "advection", "burgers", "wave", "cahn_hilliard", "fitzhugh_nagumo", "gray_scott"
)  # fmt: skip
NUMPY_TO = 512
"""Largest grid on which NumPy multiplies its dense matrices here."""

SETTLE = 1.5
"""Seconds of calls before the timing, in which the number of threads is chosen."""

TURN, SHARE = 5e-4, 2.0
"""Seconds of a turn, short so that some are not interrupted on a busy machine, and of all turns of one call together."""


def rows() -> list[Row]:
    """Time calls of the right-hand side at each size, and what it takes to get there."""
    by_hand = {
        (parallel, fastmath): peers_stencil.by_hand(parallel=parallel, fastmath=fastmath)
        for parallel in (False, True)
        for fastmath in (False, True)
    }
    found: list[Row] = []
    for n in SIZES:
        found += _calls(n, by_hand)
    for n in (32, 2048):
        found.append(_start(f"reaction-diffusion {n} x {n}", *reaction_diffusion.make(n)))
    for name in MODELS[1:]:
        module = importlib.import_module(f"symnum.pde.models.{name}")
        found.append(_start(name.replace("_", " "), *module.make()))
    return found


def _calls(n: int, by_hand: dict[tuple[bool, bool], Any]) -> list[Row]:
    f, u0 = reaction_diffusion.make(n)
    compiled = trace(f, u0, check=False).compile()
    u = np.random.default_rng(0).uniform(size=u0.shape)
    feed, out = peers_stencil.feed(n), np.empty_like(u)
    calls: dict[str, Callable[[], Any]] = {"ours": lambda: compiled.rhs(0.0, u, out)}
    for (parallel, fastmath), function in by_hand.items():
        name = f"{'parallel' if parallel else 'serial'}{' fastmath' if fastmath else ''}"
        calls[name] = lambda function=function: function(u, feed, out)  # type: ignore[misc]
    compiled.rhs(0.0, u, out)
    wanted = f(0.0, u) if n <= NUMPY_TO else out.copy()
    for name, call in calls.items():
        out.fill(np.nan)
        call()
        assert np.abs(out - wanted).max() <= 1e-12 * np.abs(wanted).max(), name
    began = time.perf_counter()
    while time.perf_counter() - began < SETTLE:
        compiled.rhs(0.0, u, out)
    times = _interleaved(calls)
    if n <= NUMPY_TO:
        times["numpy"] = per_call(lambda: f(0.0, u))
    print(f"N={n}: {compiled.why}", file=sys.stderr)
    label = f"reaction-diffusion right-hand side, {n} x {n}"
    ours = times["ours"]
    better = min((name for name in calls if name not in ("ours", "numpy")), key=times.__getitem__)
    found = [row(label, f"numba by hand, {better}", ours, times[better], "<= 1.1x the better", 1 / 1.1)]
    if "numpy" in times:
        bound = (">= 25x", 25.0) if n == 512 else ()
        found.append(row(label, "NumPy as written", ours, times["numpy"], *bound))
    if n == 512:
        answer = in_own_process("peers_stencil", "py_pde", n, limit=120.0)
        if answer is None:
            print("py-pde was not compiled within 120 s", file=sys.stderr)
        elif answer != "not installed":
            found.append(row(label, "py-pde", ours, answer[1], "ahead", 1.0))
    return found


def _interleaved(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the least mean time of each call over short turns until all have had their share.

    The order changes from round to round: after a parallel call threads still spin, and the state lies in another core's cache.
    """
    generator, names = np.random.default_rng(0), list(calls)
    counts, best = {}, {}
    for name, call in calls.items():
        began = time.perf_counter()
        call()
        best[name] = time.perf_counter() - began
        counts[name] = max(1, int(TURN / best[name]))
    began = time.perf_counter()
    while time.perf_counter() - began < SHARE * len(calls):
        for k in generator.permutation(len(names)):
            name, call = names[k], calls[names[k]]
            start = time.perf_counter()
            for _ in range(counts[name]):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / counts[name])
    return best


def _start(name: str, f: Callable[..., Any], u0: Any) -> Row:
    """Return the time from the function to its first value, with the machine code on disk and no comparison with the function."""

    def once() -> float:
        began = time.perf_counter()
        trace(f, u0, check=False).compile().rhs(0.0, u0)
        return time.perf_counter() - began

    once()
    return limit_row(
        f"{name}: trace, lower, load code, first call", min(once() for _ in range(3)), 3.0, "<= 3 s"
    )
