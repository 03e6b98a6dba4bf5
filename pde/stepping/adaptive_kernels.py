"""The whole time loop of the Runge-Kutta pair of Dormand and Prince, with SciPy's choice of steps and its interpolation.

(Dormand and Prince, J. Comput. Appl. Math. 6, 1980; Shampine, Math. Comput. 46, 1986; Hairer, Norsett and Wanner, Solving Ordinary
Differential Equations I, II.4)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnum.pde.machine_code import kernel, sums
from symnum.pde.stepping.entry import evaluate

RUNNING, FINISHED, TOO_SMALL = 0, 1, 2

BLOCK = 1024
"""Entries of the state that are combined at once, so that sums of slopes stay in the first cache."""

SAFETY, LEAST, MOST = 0.9, 0.2, 10.0
"""A step is followed by one of ``SAFETY`` times the best length, and at least ``LEAST``, at most ``MOST`` times as long."""


@kernel
def combine(y: Any, h: float, weights: Any, slopes: Any, count: int, out: Any) -> None:
    """Write y + h * (weights[0]*slopes[0] + ... ) of the first ``count`` slopes into ``out`` (n,)."""
    n = len(y)
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        for i in range(start, end):
            out[i] = weights[0] * slopes[0, i]
        for j in range(1, count):
            if weights[j] != 0.0:
                for i in range(start, end):
                    out[i] += weights[j] * slopes[j, i]
        for i in range(start, end):
            out[i] = y[i] + h * out[i]


@sums
def error_norm(old: Any, new: Any, h: float, weights: Any, slopes: Any, rtol: float, atol: Any) -> float:
    """Return the root mean square of the error relative to the tolerances; ``atol`` has one entry or n."""
    n = len(old)
    total = 0.0
    single = len(atol) == 1
    part = np.empty(BLOCK)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        for i in range(size):
            part[i] = weights[0] * slopes[0, start + i]
        for j in range(1, len(weights)):
            if weights[j] != 0.0:
                for i in range(size):
                    part[i] += weights[j] * slopes[j, start + i]
        if single:
            least = atol[0]
            for i in range(size):
                error = part[i] / (least + max(abs(old[start + i]), abs(new[start + i])) * rtol)
                total += error * error
        else:
            for i in range(size):
                error = part[i] / (atol[start + i] + max(abs(old[start + i]), abs(new[start + i])) * rtol)
                total += error * error
    return abs(h) * np.sqrt(total / n)


@kernel
def interpolate(x: float, h: float, old: Any, slopes: Any, curve: Any, out: Any) -> None:
    """Write the state at the fraction ``x`` of a step of length ``h`` from ``old`` into ``out``; ``curve`` (7, 4): Shampine's weights."""
    weights = np.empty(len(curve))
    for j in range(len(curve)):
        weights[j] = (((curve[j, 3] * x + curve[j, 2]) * x + curve[j, 1]) * x + curve[j, 0]) * x
    combine(old, h, weights, slopes, len(curve), out)


@kernel
def dormand_prince(
    entry: Any, clock: Any, counts: Any, t_bound: float, longest: float, rtol: float, atol: Any, tableau: Any, nodes: Any, weights: Any,
    errors: Any, curve: Any, y: Any, old: Any, slopes: Any, wanted: Any, times: Any, rows: Any, most: int,
) -> int:  # fmt: skip
    """Take up to ``most`` steps and return how many states were kept.

    ``clock`` is (time, length of the next step, time before the last step), ``counts`` is (steps, evaluations, states kept, state of
    the run), both changed.  ``y`` (n,) is the state, ``old`` that before the step, ``slopes`` (7, n); ``slopes[6]`` is the one at
    ``y`` when the kernel is called.  Kept are the states at the times ``wanted``, or, with ``wanted`` empty, after each step as long
    as ``rows`` has room.
    """
    t, h_abs = clock[0], clock[1]
    direction = 1.0 if t_bound >= t else -1.0
    kept = 0
    stage = np.empty(len(y))
    for _ in range(most):
        if counts[3] != RUNNING or (len(wanted) == 0 and kept == len(rows)):
            break
        shortest = 10.0 * abs(np.nextafter(t, direction * np.inf) - t)
        h_abs = min(max(h_abs, shortest), longest)
        old[:] = y
        slopes[0, :] = slopes[6]
        rejected = False
        while True:
            if h_abs < shortest or not h_abs == h_abs:
                counts[3] = TOO_SMALL
                break
            t_new = t + h_abs * direction
            if direction * (t_new - t_bound) > 0:
                t_new = t_bound
            h = t_new - t
            h_abs = abs(h)
            for s in range(1, 6):
                combine(old, h, tableau[s], slopes, s, stage)
                evaluate(entry, t + nodes[s] * h, stage, slopes[s])
            combine(old, h, weights, slopes, 6, y)
            evaluate(entry, t_new, y, slopes[6])
            counts[1] += 6
            error = error_norm(old, y, h, errors, slopes, rtol, atol)
            if error < 1.0:
                factor = MOST if error == 0.0 else min(MOST, SAFETY * error**-0.2)
                h_abs *= min(1.0, factor) if rejected else factor
                break
            # an error that is nan or infinite comes from a step that is much too long
            h_abs *= max(LEAST, SAFETY * error**-0.2) if error < np.inf else LEAST
            rejected = True
        if counts[3] == TOO_SMALL:
            y[:] = old
            slopes[6, :] = slopes[0]
            break
        clock[2], t = t, t_new
        counts[0] += 1
        if len(wanted) == 0:
            times[kept] = t
            rows[kept, :] = y
            kept += 1
        else:
            while counts[2] < len(wanted) and direction * (wanted[counts[2]] - t) <= 0:
                at = wanted[counts[2]]
                interpolate((at - clock[2]) / h, h, old, slopes, curve, rows[counts[2]])
                counts[2] += 1
                kept += 1
        if t == t_bound:
            counts[3] = FINISHED
    clock[0], clock[1] = t, h_abs
    return kept
