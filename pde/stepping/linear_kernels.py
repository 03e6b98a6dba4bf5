"""Whole time loops of the methods that treat a constant linear part L apart: u' = L u + N(t, u).

The arguments ``entry`` to ``y`` and ``rows`` are those of :mod:`symnum.pde.stepping.fixed_kernels`.  L is given by rows as
``l_start``, ``l_column``, ``l_value``; factors of matrices made of it are those of :mod:`symnum.pde.lu_kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symnum.pde.lu_kernels import solve
from symnum.pde.machine_code import kernel
from symnum.pde.stepping.entry import evaluate
from symnum.pde.stepping.fixed_kernels import keep


@kernel
def product(start: Any, column: Any, value: Any, x: Any, out: Any) -> None:
    """Write the product of a matrix by rows and ``x`` into ``out``."""
    for i in range(len(out)):
        total = 0.0
        for p in range(start[i], start[i + 1]):
            total += value[p] * x[column[p]]
        out[i] = total


@kernel
def nonlinear(entry: Any, t: float, start: Any, column: Any, value: Any, y: Any, out: Any, work: Any) -> None:
    """Write N(t, y) = f(t, y) - L y into ``out``, and L y into ``work``."""
    evaluate(entry, t, y, out)
    product(start, column, value, y, work)
    for i in range(len(y)):
        out[i] -= work[i]


@kernel
def sbdf2(
    entry: Any, a: float, h: float, first: int, count: int, every: int, y: Any, l_start: Any, l_column: Any, l_value: Any,
    factors: Any, old: Any, old_slope: Any, rows: Any,
) -> None:  # fmt: skip
    """Step by (3/2 - h L) u+ = 2 u - u-/2 + h (2 N - N-); ``factors`` are of the matrix on the left, u- is ``old``, N- ``old_slope``.

    (Ascher, Ruuth and Wetton, SIAM J. Numer. Anal. 32, 1995, equation 2.9)
    """
    row, n = 0, len(y)
    slope, right, work = np.empty(n), np.empty(n), np.empty(n)
    for s in range(first, first + count):
        nonlinear(entry, a + s * h, l_start, l_column, l_value, y, slope, work)
        for i in range(n):
            right[i] = 2.0 * y[i] - 0.5 * old[i] + h * (2.0 * slope[i] - old_slope[i])
            old[i] = y[i]
            old_slope[i] = slope[i]
        solve(*factors, right, work, y)
        row = keep(s + 1, every, y, rows, row)


@kernel
def cnab2(
    entry: Any, a: float, h: float, first: int, count: int, every: int, y: Any, l_start: Any, l_column: Any, l_value: Any,
    factors: Any, old_slope: Any, rows: Any,
) -> None:  # fmt: skip
    """Step by (1 - h/2 L) u+ = (1 + h/2 L) u + h (3 N - N-)/2; ``factors`` are of the matrix on the left, N- is ``old_slope``.

    (Ascher, Ruuth and Wetton, 1995, equation 2.7)
    """
    row, n = 0, len(y)
    slope, right, work = np.empty(n), np.empty(n), np.empty(n)
    for s in range(first, first + count):
        nonlinear(entry, a + s * h, l_start, l_column, l_value, y, slope, work)
        for i in range(n):
            right[i] = y[i] + h * (0.5 * work[i] + 1.5 * slope[i] - 0.5 * old_slope[i])
            old_slope[i] = slope[i]
        solve(*factors, right, work, y)
        row = keep(s + 1, every, y, rows, row)


@kernel
def apply(stack: Any, weights: Any, vectors: Any, out: Any) -> None:
    """Write twice the real part of sum_j (A - z_j)^-1 sum_m weights[j, m] vectors[m] into ``out``.

    ``stack`` is (offsets, l_start, l_row, u_start, u_row, l, u, inverse, rows, columns): factors of A - z_j for all j, the entries of
    each from one of the offsets to the next.
    """
    offsets, l_start, l_row, u_start, u_row, lower, upper, inverse, rows, columns = stack
    n = len(out)
    right, work, found = np.empty(n, np.complex128), np.empty(n, np.complex128), np.empty(n, np.complex128)
    out[:] = 0.0
    for j in range(len(offsets) - 1):
        for i in range(n):
            right[i] = weights[j, 0] * vectors[0, i]
        for m in range(1, weights.shape[1]):
            for i in range(n):
                right[i] += weights[j, m] * vectors[m, i]
        lo, hi = offsets[j, 0], offsets[j + 1, 0]
        below, above = offsets[j, 1], offsets[j + 1, 1]
        solve(
            l_start[j], l_row[lo:hi], u_start[j], u_row[below:above], lower[lo:hi], upper[below:above], inverse[j], rows[j], columns[j],
            right, work, found,
        )  # fmt: skip
        for i in range(n):
            out[i] += 2.0 * found[i].real


@kernel
def etd1(
    entry: Any, a: float, h: float, first: int, count: int, every: int, y: Any, l_start: Any, l_column: Any, l_value: Any,
    stack: Any, weights: Any, rows: Any,
) -> None:  # fmt: skip
    """Step by u+ = exp(hL) u + h phi_1(hL) N; ``weights`` are those of u and N.  (Cox and Matthews, J. Comput. Phys. 176, 2002)"""
    row, n = 0, len(y)
    vectors, work = np.empty((2, n)), np.empty(n)
    for s in range(first, first + count):
        nonlinear(entry, a + s * h, l_start, l_column, l_value, y, vectors[1], work)
        vectors[0, :] = y
        apply(stack, weights, vectors, y)
        row = keep(s + 1, every, y, rows, row)


@kernel
def etdrk4(
    entry: Any, a: float, h: float, first: int, count: int, every: int, y: Any, l_start: Any, l_column: Any, l_value: Any,
    half: Any, of_half: Any, whole: Any, of_whole: Any, rows: Any,
) -> None:  # fmt: skip
    """Step by the method of Cox and Matthews, of order 4 (J. Comput. Phys. 176, 2002, equations 26 to 29).

    ``half`` and ``whole`` are factors for hL/2 and hL; ``of_half`` are the weights of exp(hL/2) u + h/2 phi_1(hL/2) N, ``of_whole`` those
    of u and the four values of N.
    """
    row, n = 0, len(y)
    pair, vectors = np.empty((2, n)), np.empty((5, n))
    first_stage, stage, work = np.empty(n), np.empty(n), np.empty(n)
    for s in range(first, first + count):
        t = a + s * h
        vectors[0, :] = y
        nonlinear(entry, t, l_start, l_column, l_value, y, vectors[1], work)
        pair[0, :], pair[1, :] = y, vectors[1]
        apply(half, of_half, pair, first_stage)
        nonlinear(entry, t + h / 2, l_start, l_column, l_value, first_stage, vectors[2], work)
        pair[1, :] = vectors[2]
        apply(half, of_half, pair, stage)
        nonlinear(entry, t + h / 2, l_start, l_column, l_value, stage, vectors[3], work)
        pair[0, :], pair[1, :] = first_stage, 2.0 * vectors[3] - vectors[1]
        apply(half, of_half, pair, stage)
        nonlinear(entry, t + h, l_start, l_column, l_value, stage, vectors[4], work)
        apply(whole, of_whole, vectors, y)
        row = keep(s + 1, every, y, rows, row)
