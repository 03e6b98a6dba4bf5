"""The search's inner loops: evaluate token arrays, combine stored values, fit the linear constants, recognise duplicates.

All are numba functions over arrays, cached on disk.  Shapes: ``X`` (variables, rows); ``values`` (expressions, rows);
a *view* is one regression target with its weights: ``targets`` (views, rows), centred, ``weights`` (views, rows), each row of
which sums to 1, ``spread`` (views,), the weighted variance of each target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from symnum.codegen.tape_kernel import _call_loop
from symnum.regression.operations import LITERAL, TEMPORARY

Array = NDArray[Any]

VARIABLE, NUMBER, CONSTANT, OPERATION = 0, 1, 2, 3
"""Kinds of a token."""

HUGE = 1e100
"""A value beyond this is treated as undefined, so that sums of squares stay finite."""


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with numba, kept on disk where numba finds a folder it may write to."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy")(function)


@kernel
def apply(
    steps: Array, first: Array, literals: Array, op: int, a: int, b: int, out: int, space: Array, wires: Array
) -> None:
    """Apply an operation to the rows at the addresses ``a`` and ``b``, into the row at ``out``, which may be one of them.

    ``space`` (temporaries, rows) holds results in between, ``wires`` (9,) what a loop of NumPy is called with.
    """
    rows = space.shape[1]
    at = space.ctypes.data
    args = wires.ctypes.data
    wires[8] = rows
    for s in range(first[op], first[op + 1]):
        count = steps[s, 2]
        for j in range(count):
            operand = steps[s, 3 + j]
            wires[4 + j] = 8
            if operand == 0:
                wires[j] = a
            elif operand == 1:
                wires[j] = b
            elif operand < LITERAL:
                wires[j] = at + (operand - TEMPORARY) * rows * 8
            else:
                wires[j] = literals.ctypes.data + (operand - LITERAL) * 8
                wires[4 + j] = 0
        wires[count] = out if s == first[op + 1] - 1 else at + (s - first[op]) * rows * 8
        wires[4 + count] = 8
        _call_loop(steps[s, 0], args, args + 64, args + 32, steps[s, 1])


@kernel
def evaluate_one(
    tokens: Array, length: int, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, stack: Array, space: Array, wires: Array,
) -> None:  # fmt: skip
    """Evaluate one prefix token array into ``stack[0]``: read from the right, arguments wait on the stack."""
    row = stack.shape[1] * 8
    at = stack.ctypes.data
    top = -1
    slot = 0
    for p in range(length):
        if kind[tokens[p]] == CONSTANT:
            slot += 1
    for p in range(length - 1, -1, -1):
        token = tokens[p]
        if kind[token] == VARIABLE:
            top += 1
            stack[top, :] = X[code[token]]
        elif kind[token] == NUMBER:
            top += 1
            stack[top, :] = numbers[code[token]]
        elif kind[token] == CONSTANT:
            top += 1
            slot -= 1
            stack[top, :] = constants[slot]
        elif arity[token] == 1:
            apply(steps, first, literals, code[token], at + top * row, 0, at + top * row, space, wires)
        else:
            apply(
                steps,
                first,
                literals,
                code[token],
                at + top * row,
                at + (top - 1) * row,
                at + (top - 1) * row,
                space,
                wires,
            )
            top -= 1


@kernel
def evaluate(
    tokens: Array, lengths: Array, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, temporaries: int,
) -> Array:  # fmt: skip
    """Return the values (expressions, rows) of prefix token arrays (expressions, longest)."""
    out = np.empty((tokens.shape[0], X.shape[1]))
    stack = np.empty((tokens.shape[1] // 2 + 2, X.shape[1]))
    space = np.empty((temporaries, X.shape[1]))
    wires = np.empty(9, np.int64)
    for e in range(tokens.shape[0]):
        evaluate_one(
            tokens[e],
            lengths[e],
            constants[e],
            kind,
            code,
            arity,
            numbers,
            X,
            steps,
            first,
            literals,
            stack,
            space,
            wires,
        )
        out[e] = stack[0]
    return out


@kernel
def usable(values: Array) -> bool:
    """Tell whether all values are finite and of reasonable size."""
    for i in range(values.shape[0]):
        if not (abs(values[i]) < HUGE):
            return False
    return True


@kernel
def unexplained(values: Array, targets: Array, weights: Array, spread: Array, result: Array) -> None:
    """Write, for each view, which part of the target's variance ``a*values + b`` leaves at the best a and b."""
    n = values.shape[0]
    for v in range(targets.shape[0]):
        mean = 0.0
        for i in range(n):
            mean += weights[v, i] * values[i]
        square = 0.0
        product = 0.0
        largest = 0.0
        for i in range(n):
            d = values[i] - mean
            square += weights[v, i] * d * d
            product += weights[v, i] * d * targets[v, i]
            largest = max(largest, abs(values[i]))
        if not (square > 1e-26 * largest * largest):  # a constant, up to rounding
            result[v] = 1.0
            continue
        left = 1.0 - product * product / (square * spread[v])
        if left < 1e-6:  # the difference above has lost its digits: sum the residuals
            slope = product / square
            left = 0.0
            for i in range(n):
                r = targets[v, i] - slope * (values[i] - mean)
                left += weights[v, i] * r * r
            left /= spread[v]
        result[v] = left


@kernel
def score(
    tokens: Array, lengths: Array, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, temporaries: int, targets: Array, weights: Array, spread: Array,
) -> Array:  # fmt: skip
    """Return the unexplained part of each view (expressions, views); inf where an expression is undefined on a row."""
    result = np.full((tokens.shape[0], targets.shape[0]), np.inf)
    stack = np.empty((tokens.shape[1] // 2 + 2, X.shape[1]))
    space = np.empty((temporaries, X.shape[1]))
    wires = np.empty(9, np.int64)
    for e in range(tokens.shape[0]):
        evaluate_one(
            tokens[e],
            lengths[e],
            constants[e],
            kind,
            code,
            arity,
            numbers,
            X,
            steps,
            first,
            literals,
            stack,
            space,
            wires,
        )
        if usable(stack[0]):
            unexplained(stack[0], targets, weights, spread, result[e])
    return result


@kernel
def fingerprint(values: Array) -> Any:
    """Return a 64-bit hash of the values rounded to 38 bits; zero up to rounding counts as zero."""
    largest = 0.0
    for i in range(values.shape[0]):
        largest = max(largest, abs(values[i]))
    buffer = np.empty(1)
    bits = buffer.view(np.uint64)
    h = np.uint64(0x9E3779B97F4A7C15)
    for i in range(values.shape[0]):
        buffer[0] = values[i] if abs(values[i]) > 1e-13 * largest else 0.0
        h ^= (bits[0] + np.uint64(1 << 13)) >> np.uint64(14)
        h *= np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(29)
    return h | np.uint64(1)  # 0 marks an empty place of the table


@kernel
def remember(table: Array, values: Array) -> bool:
    """Put the fingerprint of values into an open-addressing table whose size is a power of two; tell whether it is new."""
    key = fingerprint(values)
    mask = np.uint64(table.shape[0] - 1)
    place = (key >> np.uint64(7)) & mask
    while table[place] != 0:
        if table[place] == key:
            return False
        place = (place + np.uint64(1)) & mask
    table[place] = key
    return True


@kernel
def expand(
    op: int, binary: bool, left: Array, right: Array, banned_left: int, banned_right: int, inverse: int, own_family: int,
    values: Array, families: Array, roots: Array, table: Array, steps: Array, first: Array, literals: Array, temporaries: int,
    targets: Array, weights: Array, spread: Array, new_values: Array, new_families: Array, new_scores: Array, picked: Array,
) -> int:  # fmt: skip
    """Apply one operation to stored values; write what is defined, allowed and new, and return how much that is.

    ``left`` and ``right`` index ``values``; ``families`` and ``roots`` are what the stored expressions contain and their first token.
    """
    row = values.shape[1] * 8
    at = values.ctypes.data
    new_at = new_values.ctypes.data
    space = np.empty((temporaries, values.shape[1]))
    wires = np.empty(9, np.int64)
    count = 0
    for k in range(left.shape[0]):
        a = left[k]
        b = right[k]
        if families[a] & banned_left or roots[a] == inverse:
            continue
        if binary and families[b] & banned_right:
            continue
        apply(steps, first, literals, op, at + a * row, at + b * row, new_at + count * row, space, wires)
        found = new_values[count]
        if not usable(found) or not remember(table, found):
            continue
        unexplained(found, targets, weights, spread, new_scores[count])
        new_families[count] = families[a] | own_family | (families[b] if binary else 0)
        picked[count] = k
        count += 1
    return count


@kernel
def end(tokens: Array, start: int, arity: Array) -> int:
    """Return where the sub-expression that begins at ``start`` ends, -1 if nowhere."""
    missing = 1
    for place in range(start, tokens.shape[0]):
        missing += arity[tokens[place]] - 1
        if missing == 0:
            return place + 1
    return -1


@kernel
def allowed(tokens: Array, arity: Array, family: Array, banned: Array, inverse: Array) -> bool:
    """Tell whether a whole expression keeps the rules of nesting."""
    families = np.zeros(tokens.shape[0] + 1, np.int64)
    roots = np.zeros(tokens.shape[0] + 1, np.int64)
    top = -1
    for place in range(tokens.shape[0] - 1, -1, -1):
        token = tokens[place]
        found = family[token]
        for side in range(arity[token]):
            if families[top] & banned[token, side] or (side == 0 and roots[top] == inverse[token]):
                return False
            found |= families[top]
            top -= 1
        top += 1
        families[top] = found
        roots[top] = token
    return top == 0
