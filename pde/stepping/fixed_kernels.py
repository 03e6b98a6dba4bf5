"""Whole time loops of the methods with steps of one length.

Each kernel takes ``count`` steps of length ``h`` from the step number ``first`` of a stretch that begins at the time ``a``, changes
the state ``y`` (n,) in place, and copies it into the next row of ``rows`` after each ``every`` steps counted from ``a``.  Times are
float64; states, and what is added to them, are float64 or float32.
"""

from __future__ import annotations

from typing import Any

from symnum.pde.machine_code import kernel, sums
from symnum.pde.stepping.entry import evaluate


@kernel
def keep(step: int, every: int, y: Any, rows: Any, row: int) -> int:
    """Copy the state where this step is kept, and return the next row."""
    if every == 0 or step % every != 0:
        return row
    rows[row, :] = y
    return row + 1


@sums
def is_finite(y: Any) -> bool:
    """Tell whether all entries are finite: of those that are not, 0 times each is nan."""
    total = 0.0
    for i in range(len(y)):
        total += 0.0 * y[i]
    return total == 0.0


@kernel
def euler(
    entry: Any, a: float, h: float, first: int, count: int, every: int, y: Any, slope: Any, rows: Any
) -> None:
    """Step by Euler's explicit method; ``slope`` (n,) is work memory."""
    row = 0
    step = y.dtype.type(h)
    for s in range(first, first + count):
        evaluate(entry, a + s * h, y, slope)
        for i in range(len(y)):
            y[i] += step * slope[i]
        row = keep(s + 1, every, y, rows, row)


@kernel
def rk4(
    entry: Any,
    a: float,
    h: float,
    first: int,
    count: int,
    every: int,
    y: Any,
    slope: Any,
    stage: Any,
    total: Any,
    rows: Any,
) -> None:
    """Step by the classical Runge-Kutta method of order 4; ``slope``, ``stage`` and ``total`` (n,) are work memory."""
    row = 0
    n = len(y)
    sixth, third, half, whole = y.dtype.type(h / 6), y.dtype.type(h / 3), y.dtype.type(h / 2), y.dtype.type(h)
    for s in range(first, first + count):
        t = a + s * h
        evaluate(entry, t, y, slope)
        for i in range(n):
            total[i] = y[i] + sixth * slope[i]
            stage[i] = y[i] + half * slope[i]
        evaluate(entry, t + h / 2, stage, slope)
        for i in range(n):
            total[i] += third * slope[i]
            stage[i] = y[i] + half * slope[i]
        evaluate(entry, t + h / 2, stage, slope)
        for i in range(n):
            total[i] += third * slope[i]
            stage[i] = y[i] + whole * slope[i]
        evaluate(entry, t + h, stage, slope)
        for i in range(n):
            y[i] = total[i] + sixth * slope[i]
        row = keep(s + 1, every, y, rows, row)


@kernel
def fused(
    entries: Any,
    nodes: Any,
    a: float,
    h: float,
    first: int,
    count: int,
    every: int,
    block: Any,
    current: int,
    rows: Any,
) -> int:
    """Step by stages that are fused with their sums (see ``fused``), and return which half of ``block`` the state is in.

    ``block`` (2, stages, n) has the state as the first field of the half ``current``, and room for the stages behind it; the last
    stage writes the state of the other half.  ``nodes`` are the times of the stages in units of h.
    """
    row, stages = 0, len(entries)
    for s in range(first, first + count):
        for k in range(stages - 1):
            evaluate(entries[k], a + s * h + nodes[k] * h, block[current], block[current, k + 1])
        evaluate(entries[-1], a + s * h + nodes[-1] * h, block[current], block[1 - current, 0])
        current = 1 - current
        row = keep(s + 1, every, block[current, 0], rows, row)
    return current


@kernel
def leapfrog(
    entry: Any,
    a: float,
    h: float,
    first: int,
    count: int,
    every: int,
    y: Any,
    slope: Any,
    simple: bool,
    rows: Any,
) -> None:
    """Step by the Stoermer-Verlet method: kick, drift, kick; ``y`` is (q, p).

    ``slope`` (n,) holds the force at the start in its second half, and at the end.  ``simple`` says that q' is p, which saves an
    evaluation.  (Hairer, Lubich and Wanner, Acta Numerica 12, 2003, equation 1.5)
    """
    row = 0
    half = len(y) // 2
    kick, drift = y.dtype.type(h / 2), y.dtype.type(h)
    for s in range(first, first + count):
        t = a + s * h
        for i in range(half, len(y)):
            y[i] += kick * slope[i]
        if simple:
            for i in range(half):
                y[i] += drift * y[half + i]
        else:
            evaluate(entry, t + h / 2, y, slope)
            for i in range(half):
                y[i] += drift * slope[i]
        evaluate(entry, t + h, y, slope)
        for i in range(half, len(y)):
            y[i] += kick * slope[i]
        row = keep(s + 1, every, y, rows, row)
