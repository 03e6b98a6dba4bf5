"""Compare a traced program with the function that it was traced from, on numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum.pde.program import ArrayProgram

if TYPE_CHECKING:
    from symnum.pde.traced_system import TracedSystem

MANY_ENTRIES = 1 << 18
"""A system with more states than this is compared at one state only, and as it was compiled: that costs about one call of f."""


def compare(f: Callable[..., Any], system: TracedSystem) -> None:
    """Compare the traced program with f on numbers; raises ValueError, or warns when only ``u0`` itself differs."""
    generator = np.random.default_rng(0)
    spread = 0.1 * np.maximum(1.0, np.abs(system.u0))
    many = system.u0.size > MANY_ENTRIES
    states = [
        (
            system.t0 + delay,
            (system.u0 + spread * generator.uniform(-1.0, 1.0, system.shape)).astype(system.dtype),
        )
        for delay in ((0.25,) if many else (0.25, 0.75))
    ]
    if not many:
        states.append((system.t0, system.u0))
    run = system.compile().rhs if many else ArrayProgram(system.graph, [system.output], "numpy").run
    parameters = system.array_parameters.values
    tolerance = 1e-9 if system.dtype == np.float64 else 1e-3
    for number, (t, u) in enumerate(states):
        wanted = _numbers(f, t, u, parameters)
        found = np.asarray(run(t, u, p=parameters)).reshape(system.shape)
        if _agree(found, wanted, tolerance):
            continue
        if not _agree(_numbers(f, t, u, parameters), wanted, tolerance):
            raise ValueError(
                "f gave two different results for the same t and u: it draws random numbers, keeps a state between calls, or leaves a "
                "part of np.empty_like unwritten, which a traced program cannot do; make f a function of t and u alone"
            )
        place = tuple(int(i) for i in np.unravel_index(np.argmax(_differences(found, wanted)), wanted.shape))
        message = (
            f"the traced program and f differ at t = {t:g} in entry {place}: {float(found[place])!r} was traced, but f gives "
            f"{float(wanted[place])!r}; "
            f"look for parts of f that depend on the type of u (isinstance), on what was computed in an earlier call, on memory left "
            f"unset by np.empty_like, or on exceptions"
        )
        if number == 2:
            # rounding decides a tie, such as np.where(flux > 0, ...) on a uniform state, one way here and the other way there
            warnings.warn(f"{message}; at states near u0 they agree", RuntimeWarning, stacklevel=3)
        else:
            raise ValueError(message)


def _numbers(f: Callable[..., Any], t: float, u: Any, parameters: Mapping[str, Any]) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.broadcast_to(np.asarray(f(t, u.copy(), **parameters), dtype=np.float64), u.shape)


def _differences(a: Any, b: Any) -> Any:
    with np.errstate(invalid="ignore"):
        gap = np.abs(a - b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))


def _agree(a: Any, b: Any, tolerance: float) -> bool:
    """Tell whether all entries agree, relative to the largest finite one; large arrays are compared piece by piece in fast memory."""
    a, b = np.ravel(a), np.ravel(b)
    pieces = [slice(begin, begin + _PIECE) for begin in range(0, a.size, _PIECE)]
    largest = max(
        (float(np.abs(b[piece][np.isfinite(b[piece])]).max(initial=-1.0)) for piece in pieces), default=-1.0
    )
    bound = tolerance * (largest if largest >= 0 else 1.0) + 1e-300
    return all(bool((_differences(a[piece], b[piece]) <= bound).all()) for piece in pieces)


_PIECE = 1 << 14
"""Entries that are compared at a time."""
