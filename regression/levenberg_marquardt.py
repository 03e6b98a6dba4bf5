"""Levenberg-Marquardt with variable projection, as kernels for one expression at a time.

Given the inner constants of an expression, the best linear ones follow from a linear least-squares problem; they are eliminated from
each step (Golub and Pereyra 1973, in the approximation of Kaufman 1975, which is the Gauss-Newton step of all constants together).
Linear systems are solved by Householder reflections with exchange of columns, so that constants that the data do not tell apart do no
harm; damping scales with the columns (Moré 1978) and is adapted by how well the linear model predicted the step (Nielsen 1999).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression.derivatives import slopes_of_block
from symnum.regression.kernels import BLOCK, kernel, sums, usable
from symnum.regression.vector_math import apart

Array = NDArray[Any]

ADDITIVE, RELATIVE = 0, 1
"""Residuals are value - target, or log(value/target)."""

DEPENDENT = 1e-24
"""A column of which less than this part of its square is new depends on the others, up to rounding."""

ENOUGH = 1e-10
"""A fit ends when a step gains, or promises, no more than this part of the sum of squares."""

STALE = 0.01
"""Derivatives are computed again when the linear constants have since changed by more than this part."""

LARGEST_STEP = 3.0
"""By how many times its size, or by how much where it is below 1, a constant may change in one step."""


@sums
def square_of(values: Array) -> float:
    """Return the sum of squares."""
    apart()
    total = 0.0
    for i in range(values.shape[0]):
        total += values[i] * values[i]
    return total


@sums
def reflect(v: Array, factor: float, column: Array) -> None:
    """Apply the Householder reflection 1 - factor*v*v' to a column."""
    apart()
    total = 0.0
    for i in range(v.shape[0]):
        total += v[i] * column[i]
    total *= factor
    for i in range(v.shape[0]):
        column[i] -= total * v[i]


@kernel
def triangulate(A: Array, low: int, high: int, above: int, first: Array, order: Array, done: Array) -> int:
    """Bring the columns ``low`` to ``high`` of A (columns, rows) to triangular form from row ``above`` on; return how many are independent.

    All columns after them are transformed too.  ``order[k]`` is the column whose diagonal element stands in row k; columns that depend
    on others, so that nothing but rounding is left of their ``first`` squares, get none.  ``done`` (columns,) must be 0.
    """
    apart()
    columns, rows = A.shape
    rank = 0
    while rank < high - low and above + rank < rows:
        at = above + rank
        best, column = DEPENDENT, -1
        for j in range(low, high):
            if not done[j] and first[j] > 0.0:
                fresh = square_of(A[j, at:]) / first[j]
                if fresh > best:
                    best, column = fresh, j
        if column < 0:
            break
        done[column] = 1
        order[at] = column
        v = A[column, at:]
        norm = math.sqrt(square_of(v))
        diagonal = -norm if v[0] > 0.0 else norm
        v[0] -= diagonal
        factor = 1.0 / (norm * abs(v[0]))
        for j in range(low, columns):
            if not done[j]:
                reflect(v, factor, A[j, at:])
        v[:] = 0.0
        v[0] = diagonal
        rank += 1
    return rank


@kernel
def back_substitute(
    A: Array, above: int, rank: int, low: int, right: Array, order: Array, solution: Array
) -> None:
    """Solve the triangular system that :func:`triangulate` left for ``right``; columns count from ``low``, dependent ones get 0."""
    solution[:] = 0.0
    for k in range(rank - 1, -1, -1):
        column = order[above + k]
        value = right[k]
        for later in range(k + 1, rank):
            value -= A[order[above + later], above + k] * solution[order[above + later] - low]
        solution[column - low] = value / A[column, above + k]


@kernel
def residual(values: Array, target: Array, root: Array, noise: int, out: Array) -> None:
    """Write the weighted residual target - value, or log(target/value)."""
    apart()
    if noise == RELATIVE:
        for i in range(values.shape[0]):
            out[i] = root[i] * math.log(target[i] / values[i])
    else:
        for i in range(values.shape[0]):
            out[i] = root[i] * (target[i] - values[i])


@kernel
def weigh(values: Array, root: Array, noise: int, column: Array) -> None:
    """Turn a derivative of the value into that of the weighted residual, up to its sign; what is not finite becomes 0."""
    apart()
    if noise == RELATIVE:
        for i in range(values.shape[0]):
            column[i] /= values[i]
    for i in range(values.shape[0]):
        d = root[i] * column[i]
        column[i] = d if abs(d) < math.inf else 0.0


@kernel
def linearised(
    tokens: Array, length: int, constants: Array, wanted: Array, count: int, target: Array, root: Array, noise: int, kind: Array,
    code: Array, arity: Array, numbers: Array, X: Array, steps: Array, first: Array, literals: Array, partial: Array, store: Array,
    space: Array, wires: Array, links: Array, values: Array, A: Array,
) -> float:  # fmt: skip
    """Write the ``count`` weighted derivatives and the residual into the rows of A; return the square of the latter, or inf."""
    apart()
    rows = X.shape[1]
    for start in range(0, rows, BLOCK):
        slopes_of_block(
            tokens, length, constants, wanted, kind, code, arity, numbers, X, steps, first, literals, partial, store, space, wires,
            links, start, min(BLOCK, rows - start), values.ctypes.data + start * 8, A.ctypes.data + start * 8, A.shape[1] * 8,
        )  # fmt: skip
    if not usable(values):
        return math.inf
    residual(values, target, root, noise, A[count])
    for j in range(count):
        weigh(values, root, noise, A[j])
    square = square_of(A[count])
    return square if square < math.inf else math.inf


@kernel
def eliminated(
    tokens: Array, length: int, constants: Array, wanted: Array, q: int, m: int, slot_at: Array, target: Array, root: Array, noise: int,
    kind: Array, code: Array, arity: Array, numbers: Array, X: Array, steps: Array, first: Array, literals: Array, partial: Array,
    store: Array, space: Array, wires: Array, links: Array, values: Array, A: Array, squared: Array, order: Array, done: Array,
    change: Array,
) -> Any:  # fmt: skip
    """Linearise as :func:`linearised` does, bring the q linear constants to their best and eliminate them from the other columns.

    Returns the square of what is left, the number of rows of A that the elimination took, and by which part the linear constants
    changed at most.
    """
    apart()
    square = linearised(
        tokens, length, constants, wanted, m, target, root, noise, kind, code, arity, numbers, X, steps, first, literals, partial,
        store, space, wires, links, values, A,
    )  # fmt: skip
    done[:] = 0
    for j in range(m):
        squared[j] = square_of(A[j])
    if q == 0 or not square < math.inf:
        return square, np.int64(0), 0.0
    top = triangulate(A, np.int64(0), q, np.int64(0), squared, order, done)
    back_substitute(A, np.int64(0), top, np.int64(0), A[m], order, change)
    moved = 0.0
    for j in range(q):
        c = constants[slot_at[j]]
        moved = max(moved, abs(change[j]) / (abs(c) + 1e-300))
        constants[slot_at[j]] = c + change[j]
    A[m, :top] = 0.0
    return square_of(A[m, top:]), top, moved


@kernel
def damped_step(
    A: Array,
    q: int,
    rank: int,
    top: int,
    scale: Array,
    damping: float,
    small: Array,
    first: Array,
    order: Array,
    done: Array,
    step: Array,
) -> float:
    """Write the step of the inner constants from the triangle in ``rank`` rows of A from ``top`` on; return the predicted gain."""
    p = step.shape[0]
    last = A.shape[0] - 1
    for j in range(p):
        small[j, :] = 0.0
        for k in range(rank):
            small[j, k] = A[q + j, top + k]
        small[j, rank + j] = math.sqrt(damping) * scale[j]
    small[p, :] = 0.0
    for k in range(rank):
        small[p, k] = A[last, top + k]
    done[:] = 0
    for j in range(p):
        first[j] = square_of(small[j])
    solved = triangulate(small, np.int64(0), p, np.int64(0), first, order, done)
    back_substitute(small, np.int64(0), solved, np.int64(0), small[p], order, step)
    gain = 0.0
    for k in range(rank):
        right = A[last, top + k]
        left = right
        for j in range(p):
            left -= A[q + j, top + k] * step[j]
        gain += right * right - left * left
    return gain


@kernel
def levenberg_marquardt(
    tokens: Array, length: int, constants: Array, linear: Array, free: Array, target: Array, root: Array, noise: int, most: int,
    goal: float, kind: Array, code: Array, arity: Array, numbers: Array, X: Array, steps: Array, first: Array, literals: Array,
    partial: Array, store: Array, space: Array, wires: Array, links: Array, values: Array, whole: Array, other: Array, inner: Array,
    scratch: Array, marks: Array,
) -> Any:  # fmt: skip
    """Improve the free constants in place; return the sum of squared residuals, inf where undefined, and the number of steps.

    ``linear`` marks those that are eliminated, ``goal`` is a sum of squares that is good enough.  ``whole``, ``other``,
    ``inner``, ``scratch`` and ``marks`` come from :func:`fit_space`.
    """
    apart()
    slots = constants.shape[0]
    slot_at = marks[0]  # of each column: linear constants first
    m = np.int64(0)  # a plain 0 would have its own type, and functions called with it be compiled twice
    for side in range(2):
        for s in range(slots):
            if free[s] and linear[s] == (side == 0):
                slot_at[m] = s
                m += 1
        if side == 0:
            q = m
    p = m - q
    wanted = marks[1, : slots + X.shape[0]]
    wanted[:] = -1
    for j in range(m):
        wanted[slot_at[j]] = j
    A, B, small = whole[: m + 1], other[: m + 1], inner[: p + 1]
    order, new_order, small_order = marks[2], marks[3], marks[4]
    done, new_done, small_done = marks[5], marks[6], marks[7]
    squared = scratch[5]
    change, right, step, scale, trial = (
        scratch[0, :q],
        scratch[1, :q],
        scratch[2, :p],
        scratch[3, :p],
        scratch[4, :slots],
    )
    trial[:] = constants

    square, top, moved = eliminated(
        tokens, length, trial, wanted, q, m, slot_at, target, root, noise, kind, code, arity, numbers, X, steps, first, literals,
        partial, store, space, wires, links, values, A, squared, order, done, change,
    )  # fmt: skip
    if not square < math.inf:
        return math.inf, 0
    constants[:] = trial
    if (
        q > 0
    ):  # again, as derivatives depend on the linear constants, and to take away the rounding of their first solution
        again, top, moved = eliminated(
            tokens, length, trial, wanted, q, m, slot_at, target, root, noise, kind, code, arity, numbers, X, steps, first, literals,
            partial, store, space, wires, links, values, A, squared, order, done, change,
        )  # fmt: skip
        if not again < math.inf:
            return square, 0
        if again < square:
            square = again
            constants[:] = trial
    damping, growth = 1e-3, 2.0
    taken = 0
    while p > 0 and taken < most and square > goal:
        for j in range(p):
            scale[j] = math.sqrt(square_of(A[q + j, top:]))
        rank = triangulate(A, q, m, top, squared, order, done)
        for j in range(p):
            if not done[q + j]:  # it depends on others: hold it
                scale[j] = math.sqrt(squared[q + j])
        gain = size = 0.0
        while taken < most:
            predicted = damped_step(
                A, q, rank, top, scale, damping, small, squared, small_order, small_done, step
            )
            if not predicted > ENOUGH * square:
                break
            taken += 1
            shrink = 1.0
            for j in range(p):
                limit = LARGEST_STEP * max(abs(constants[slot_at[q + j]]), 1.0)
                if abs(step[j]) * shrink > limit:
                    shrink = limit / abs(step[j])
            size = 0.0
            trial[:] = constants
            for j in range(p):
                step[j] *= shrink
                trial[slot_at[q + j]] += step[j]
                size = max(size, abs(step[j]) / (abs(constants[slot_at[q + j]]) + 1e-10))
            for k in range(top):  # the linear constants follow
                right[k] = 0.0
                for j in range(p):
                    right[k] -= A[q + j, k] * step[j]
            back_substitute(A, np.int64(0), top, np.int64(0), right, order, change)
            for j in range(q):
                trial[slot_at[j]] += change[j]
            new, new_top, moved = eliminated(
                tokens, length, trial, wanted, q, m, slot_at, target, root, noise, kind, code, arity, numbers, X, steps, first, literals,
                partial, store, space, wires, links, values, B, squared, new_order, new_done, change,
            )  # fmt: skip
            if new < square:
                gain = (square - new) / square
                ratio = (square - new) / predicted if predicted > 0.0 else 1.0
                damping = max(
                    damping * (0.1 if ratio > 0.75 else max(1 / 3, 1.0 - (2.0 * ratio - 1.0) ** 3)), 1e-15
                )
                growth = 2.0
                square = new
                constants[:] = trial
                if moved > STALE:
                    new, new_top, moved = eliminated(
                        tokens, length, trial, wanted, q, m, slot_at, target, root, noise, kind, code, arity, numbers, X, steps, first,
                        literals, partial, store, space, wires, links, values, B, squared, new_order, new_done, change,
                    )  # fmt: skip
                top = new_top
                A, B = B, A
                order, new_order = new_order, order
                done, new_done = new_done, done
                break
            if size < 1e-12 or damping > 1e8:
                break
            damping *= growth
            growth *= 2.0
        if gain < ENOUGH or size < 1e-13:
            break
    return square, taken


@kernel
def fit_space(slots: int, variables: int, rows: int) -> Any:
    """Return (values, whole, other, inner, scratch, marks), which :func:`levenberg_marquardt` needs for up to ``slots`` constants."""
    n = slots + 1
    return (
        np.empty(rows), np.empty((n, rows)), np.empty((n, rows)), np.empty((n, 2 * n)), np.empty((6, n)),
        np.zeros((8, n + variables), np.int64),
    )  # fmt: skip
