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
from symnum.regression.machine_code import compiled
from symnum.regression.operations import LITERAL, TEMPORARY
from symnum.regression.vector_math import apart, borrowed, keep, row

Array = NDArray[Any]

VARIABLE, NUMBER, CONSTANT, OPERATION = 0, 1, 2, 3
"""Kinds of a token."""

HUGE = 1e100
"""A value beyond this is treated as undefined, so that sums of squares stay finite."""


BLOCK = 512
"""Rows that are evaluated at once, so that all values in use stay in the first cache."""

FIRST = 64
"""Rows after which an expression may be given up."""

ROUNDING = 1e-9
"""Allowance for rounding in a bound on what is left of a variance."""


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with numba, the machine code kept on disk; the interpreter's lock is not held while it runs."""
    return compiled(njit, function, nogil=True, error_model="numpy")


def sums(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile as :func:`kernel` does, with leave to add in another order, so that sums become vector instructions."""
    return compiled(njit, function, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


@kernel
def apply(
    steps: Array, first: Array, literals: Array, op: int, a: int, b: int, out: int, space: Array, wires: Array
) -> None:
    """Apply an operation to the rows at the addresses ``a`` and ``b``, into the row at ``out``.

    ``space`` (temporaries, rows) holds results in between, ``wires`` (9 or more,) what a loop is called with.  ``out`` may be one of
    the operands, but own loops are quick only where it is not.
    """
    apply_rows(steps, first, literals, op, a, b, a, out, space, wires, space.shape[1])


@kernel
def apply_rows(
    steps: Array, first: Array, literals: Array, op: int, a: int, b: int, c: int, out: int, space: Array, wires: Array, rows: int,
) -> None:  # fmt: skip
    """Apply an operation as :func:`apply` does, to ``rows`` rows, no more than the temporaries have; ``c`` is a third operand."""
    apart()
    width = space.shape[1] * 8
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
            elif operand == 2:
                wires[j] = c
            elif operand < LITERAL:
                wires[j] = at + (operand - TEMPORARY) * width
            else:
                wires[j] = literals.ctypes.data + (operand - LITERAL) * 8
                wires[4 + j] = 0
        wires[count] = out if s == first[op + 1] - 1 else at + (s - first[op]) * width
        wires[4 + count] = 8
        _call_loop(steps[s, 0], args, args + 64, args + 32, steps[s, 1])


@kernel
def fill(address: int, rows: int, value: float) -> None:
    """Write a number into every place of a row."""
    apart()
    target = row(address, rows)
    for i in range(rows):
        target[i] = value


@kernel
def copy(source: int, address: int, rows: int) -> None:
    """Copy one row to another."""
    apart()
    values, target = row(source, rows), row(address, rows)
    for i in range(rows):
        target[i] = values[i]


@kernel
def workspace(longest: int, rows: int, temporaries: int) -> Any:
    """Return (stack, space, wires), which :func:`evaluate_one` needs for expressions of up to ``longest`` tokens."""
    depth = longest // 2 + 2
    block = min(rows, BLOCK)
    return np.empty((depth, block)), np.empty((temporaries, block)), np.empty(9 + 2 * depth, np.int64)


@kernel
def run(
    tokens: Array, length: int, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, stack: Array, space: Array, wires: Array, start: int, rows: int, out: int,
) -> None:  # fmt: skip
    """Evaluate one prefix token array on the rows from ``start`` on, into the row at the address ``out``.

    The array is read from the right and arguments wait on a stack, of which ``wires`` holds the addresses: a variable is its column of
    ``X`` itself.  Each level has a row of ``stack`` for a value computed there, and one row is spare; an operation writes to the
    spare one, so that no operand is overwritten while it is read.
    """
    apart()
    depth = stack.shape[0]
    width = stack.shape[1] * 8
    at = stack.ctypes.data
    variables = X.ctypes.data + start * 8
    column = X.shape[1] * 8
    places = wires[9 : 9 + depth]
    owned = wires[9 + depth : 9 + 2 * depth]
    for level in range(depth):
        owned[level] = at + level * width
    spare = depth - 1
    top = -1
    slot = 0
    for p in range(length):
        if kind[tokens[p]] == CONSTANT:
            slot += 1
    for p in range(length - 1, -1, -1):
        token = tokens[p]
        sort = kind[token]
        if sort == VARIABLE:
            top += 1
            places[top] = variables + code[token] * column
        elif sort == NUMBER:
            top += 1
            places[top] = owned[top]
            fill(owned[top], rows, numbers[code[token]])
        elif sort == CONSTANT:
            top += 1
            slot -= 1
            places[top] = owned[top]
            fill(owned[top], rows, constants[slot])
        else:
            a = places[top]
            b = a
            if arity[token] == 2:
                top -= 1
                b = places[top]
            result = out
            if p > 0:
                result = owned[spare]
                owned[spare] = owned[top]
                owned[top] = result
            apply_rows(steps, first, literals, code[token], a, b, a, result, space, wires, rows)
            places[top] = result
    if places[0] != out:
        copy(places[0], out, rows)


@kernel
def evaluate_one(
    tokens: Array, length: int, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, stack: Array, space: Array, wires: Array,
) -> None:  # fmt: skip
    """Evaluate one prefix token array on all rows into ``stack[0]``.

    ``stack`` is (length//2 + 2, rows) or larger, ``space`` (temporaries, rows), ``wires`` (9 + twice the height of ``stack``,), or
    shorter when its allocation on every call does not matter.
    """
    depth = stack.shape[0]
    wide = wires if wires.shape[0] >= 7 + 2 * depth else np.empty(7 + 2 * depth, np.int64)
    run(
        tokens, length, constants, kind, code, arity, numbers, X, steps, first, literals, stack[1:], space, wide, np.int64(0), X.shape[1],
        stack.ctypes.data,
    )  # fmt: skip


@kernel
def evaluate(
    tokens: Array, lengths: Array, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, temporaries: int,
) -> Array:  # fmt: skip
    """Return the values (expressions, rows) of prefix token arrays (expressions, longest)."""
    kind, code, arity, numbers, X = (
        borrowed(kind),
        borrowed(code),
        borrowed(arity),
        borrowed(numbers),
        borrowed(X),
    )
    steps, first, literals = borrowed(steps), borrowed(first), borrowed(literals)
    rows = X.shape[1]
    out = np.empty((tokens.shape[0], rows))
    at = out.ctypes.data
    owners = workspace(tokens.shape[1], rows, temporaries)
    stack, space, wires = borrowed(owners[0]), borrowed(owners[1]), borrowed(owners[2])
    tokens, constants = borrowed(tokens), borrowed(constants)
    for e in range(tokens.shape[0]):
        for start in range(0, rows, BLOCK):
            run(
                tokens[e], lengths[e], constants[e], kind, code, arity, numbers, X, steps, first, literals, stack, space, wires,
                start, min(BLOCK, rows - start), at + (e * rows + start) * 8,
            )  # fmt: skip
    keep(owners)
    return out


@sums
def usable(values: Array) -> bool:
    """Tell whether all values are finite and of reasonable size."""
    apart()
    bad = 0
    for i in range(values.shape[0]):
        bad += not (abs(values[i]) < HUGE)
    return bad == 0


@sums
def unexplained(values: Array, targets: Array, weights: Array, spread: Array, result: Array) -> None:
    """Write, for each view, which part of the target's variance ``a*values + b`` leaves at the best a and b."""
    apart()
    n = values.shape[0]
    for v in range(targets.shape[0]):
        target, weight = targets[v], weights[v]
        mean = 0.0
        for i in range(n):
            mean += weight[i] * values[i]
        square = 0.0
        product = 0.0
        for i in range(n):
            d = values[i] - mean
            square += weight[i] * d * d
            product += weight[i] * d * target[i]
        if not (square > 1e-26 * (square + mean * mean)):  # a constant, up to rounding
            result[v] = 1.0
            continue
        left = 1.0 - product * product / (square * spread[v])
        if left < 1e-6:  # the difference above has lost its digits: sum the residuals
            slope = product / square
            left = 0.0
            for i in range(n):
                r = target[i] - slope * (values[i] - mean)
                left += weight[i] * r * r
            left /= spread[v]
        result[v] = left


@sums
def hopeless(
    values: Array, rows: int, targets: Array, weights: Array, spread: Array, enough: Array, bound: Array
) -> bool:
    """Tell whether the first ``rows`` rows alone leave more than ``enough`` in every view; ``bound`` gets what they leave.

    The best line for these rows leaves no more on them than the best line for all.
    """
    beaten = 0
    for v in range(targets.shape[0]):
        target, weight = targets[v], weights[v]
        total = mean = goal = 0.0
        for i in range(rows):
            total += weight[i]
            mean += weight[i] * values[i]
            goal += weight[i] * target[i]
        mean /= total
        goal /= total
        square = product = power = 0.0
        for i in range(rows):
            d, t = values[i] - mean, target[i] - goal
            square += weight[i] * d * d
            product += weight[i] * d * t
            power += weight[i] * t * t
        explained = product * product / square if square > 0.0 else 0.0
        bound[v] = (power - explained) / spread[v] - ROUNDING
        beaten += bound[v] > enough[v]
    return beaten == targets.shape[0]


@kernel
def score_below(
    tokens: Array, lengths: Array, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, temporaries: int, targets: Array, weights: Array, spread: Array, enough: Array,
) -> Array:  # fmt: skip
    """Return scores as :func:`score` does, but give up an expression whose first rows show that no view can fall below ``enough``.

    ``enough`` is (views,).  Of an expression given up a lower bound above ``enough`` is returned.  More than ``FIRST`` rows are
    needed for that; an expression undefined on the first rows is not evaluated on the others either.
    """
    rows = X.shape[1]
    result = np.full((tokens.shape[0], targets.shape[0]), np.inf)
    owners = workspace(tokens.shape[1], rows, temporaries)
    stack, space, wires = borrowed(owners[0]), borrowed(owners[1]), borrowed(owners[2])
    owner = np.empty(rows)
    values, scores = borrowed(owner), borrowed(result)
    at = values.ctypes.data
    tokens, constants = borrowed(tokens), borrowed(constants)
    targets, weights, spread, enough = (
        borrowed(targets),
        borrowed(weights),
        borrowed(spread),
        borrowed(enough),
    )
    kind, code, arity, numbers, X = (
        borrowed(kind),
        borrowed(code),
        borrowed(arity),
        borrowed(numbers),
        borrowed(X),
    )
    steps, first, literals = borrowed(steps), borrowed(first), borrowed(literals)
    ambitious = False
    for v in range(enough.shape[0]):
        ambitious |= enough[v] < 1.0
    for e in range(tokens.shape[0]):
        start, size = 0, FIRST if rows >= 2 * FIRST else rows
        while start < rows:
            run(
                tokens[e], lengths[e], constants[e], kind, code, arity, numbers, X, steps, first, literals, stack, space, wires,
                start, size, at + start * 8,
            )  # fmt: skip
            if not usable(values[start : start + size]):
                break
            start += size
            if ambitious and start == FIRST and start < rows:
                if hopeless(values, start, targets, weights, spread, enough, scores[e]):
                    break
                scores[e] = np.inf
            size = min(BLOCK, rows - start)
        if start == rows:
            unexplained(values, targets, weights, spread, scores[e])
    keep(owners)
    keep(owner)
    return result


@kernel
def score(
    tokens: Array, lengths: Array, constants: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, temporaries: int, targets: Array, weights: Array, spread: Array,
) -> Array:  # fmt: skip
    """Return the unexplained part of each view (expressions, views); inf where an expression is undefined on a row."""
    enough = np.full(targets.shape[0], np.inf)
    return score_below(
        tokens, lengths, constants, kind, code, arity, numbers, X, steps, first, literals, temporaries, targets, weights, spread,
        enough,
    )  # fmt: skip


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
    values, table = borrowed(values), borrowed(table)
    new_values, new_scores = borrowed(new_values), borrowed(new_scores)
    steps, first, literals = borrowed(steps), borrowed(first), borrowed(literals)
    targets, weights, spread = borrowed(targets), borrowed(weights), borrowed(spread)
    width = values.shape[1] * 8
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
        apply(
            steps, first, literals, op, at + a * width, at + b * width, new_at + count * width, space, wires
        )
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
