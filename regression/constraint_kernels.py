"""Constraints as numba kernels: on whole expressions, on parts that are put together, and as masks of what may follow a prefix.

The arrays ``usable`` to ``grows`` are those of :class:`~symnum.regression.constraints.ConstraintRules`.  An expression is described by
integers: number of tokens, levels, constants, bits of the required variables in it, then uses of each counted operation, then for
each nested operation the most uses on a way from the root to a leaf.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression.kernels import kernel

Array = NDArray[Any]

TOKENS, LEVELS, CONSTANTS, BITS, COUNTS = 0, 1, 2, 3, 4
"""Places among the integers; the counts start at the last."""


@kernel
def describe_leaf(token: int, constant: int, bit: Array, out: Array) -> None:
    """Write the description of a leaf."""
    out[:] = 0
    out[TOKENS] = 1
    out[LEVELS] = 1
    out[CONSTANTS] = 1 if token == constant else 0
    out[BITS] = bit[token]


@kernel
def combine(
    token: int, binary: bool, a: Array, b: Array, formula: bool, usable: Array, size: Array, depth: Array, counted: Array, most: Array,
    nested: Array, nest: Array, limits: Array, out: Array,
) -> bool:  # fmt: skip
    """Write the description of an operation from those of its arguments; tell whether it keeps the limits of a part.

    A ``formula`` is not held to the limits of size, depth and constants.
    """
    if not usable[token]:
        return False
    counts, nests = most.shape[0], nest.shape[1]
    good = formula or (a[TOKENS] <= size[token, 0] and a[LEVELS] <= depth[token, 0])
    if binary:
        good = good and (formula or (b[TOKENS] <= size[token, 1] and b[LEVELS] <= depth[token, 1]))
        for k in range(COUNTS + counts):
            out[k] = a[k] + b[k]
        out[LEVELS] = max(a[LEVELS], b[LEVELS])
        out[BITS] = a[BITS] | b[BITS]
        for k in range(COUNTS + counts, COUNTS + counts + nests):
            out[k] = max(a[k], b[k])
    else:
        out[:] = a
    out[TOKENS] += 1
    out[LEVELS] += 1
    for k in range(nests):
        good = good and out[COUNTS + counts + k] <= nest[token, k]
    if counted[token] >= 0:
        out[COUNTS + counted[token]] += 1
        good = good and out[COUNTS + counted[token]] <= most[counted[token]]
    if binary:
        for k in range(counts):
            good = good and out[COUNTS + k] <= most[k]
    if nested[token] >= 0:
        out[COUNTS + counts + nested[token]] += 1
    within = (
        out[TOKENS] <= limits[TOKENS]
        and out[LEVELS] <= limits[LEVELS]
        and out[CONSTANTS] <= limits[CONSTANTS]
    )
    return good and (formula or within)


@kernel
def describe(
    tokens: Array, arity: Array, constant: int, formula: bool, usable: Array, size: Array, depth: Array, counted: Array, most: Array,
    nested: Array, nest: Array, bit: Array, limits: Array, grows: Array, out: Array,
) -> bool:  # fmt: skip
    """Write the description of a whole expression; tell whether it keeps the limits of a part."""
    width = COUNTS + most.shape[0] + nest.shape[1]
    stack = np.zeros((tokens.shape[0] + 2, width), np.int64)
    result = np.zeros(width, np.int64)
    top = -1
    for place in range(tokens.shape[0] - 1, -1, -1):
        token = tokens[place]
        if arity[token] == 0:
            top += 1
            describe_leaf(token, constant, bit, stack[top])
            if not usable[token]:
                return False
            continue
        binary = arity[token] == 2
        b = stack[top - 1] if binary else stack[top]
        if not combine(
            token,
            binary,
            stack[top],
            b,
            formula,
            usable,
            size,
            depth,
            counted,
            most,
            nested,
            nest,
            limits,
            result,
        ):
            return False
        top -= arity[token] - 1
        stack[top] = result
    out[:] = stack[0]
    return top == 0


@kernel
def describe_many(
    tokens: Array, lengths: Array, arity: Array, constant: int, usable: Array, size: Array, depth: Array, counted: Array, most: Array,
    nested: Array, nest: Array, bit: Array, limits: Array, grows: Array, ok: Array, out: Array,
) -> None:  # fmt: skip
    """Write, for padded expressions (expressions, longest), whether they keep the limits of a part, and their descriptions."""
    for e in range(tokens.shape[0]):
        ok[e] = describe(
            tokens[e, : lengths[e]], arity, constant, False, usable, size, depth, counted, most, nested, nest, bit, limits, grows, out[e]
        )  # fmt: skip


@kernel
def keeps(
    tokens: Array, arity: Array, constant: int, formula: bool, usable: Array, size: Array, depth: Array, counted: Array, most: Array,
    nested: Array, nest: Array, bit: Array, limits: Array, grows: Array,
) -> bool:  # fmt: skip
    """Tell whether a whole expression keeps all limits."""
    found = np.zeros(COUNTS + most.shape[0] + nest.shape[1], np.int64)
    if not describe(
        tokens, arity, constant, formula, usable, size, depth, counted, most, nested, nest, bit, limits, grows, found
    ):  # fmt: skip
        return False
    # an expression of one token has met no limit yet
    return found[BITS] == limits[BITS] and (formula or found[CONSTANTS] <= limits[CONSTANTS])


@kernel
def joined(
    token: int, binary: bool, left: Array, right: Array, states: Array, formula: bool, usable: Array, size: Array, depth: Array,
    counted: Array, most: Array, nested: Array, nest: Array, bit: Array, limits: Array, grows: Array, ok: Array, out: Array,
) -> None:  # fmt: skip
    """Write, for pairs of stored expressions, whether an operation on them keeps the limits of a part, and its description."""
    for k in range(left.shape[0]):
        b = states[right[k]] if binary else states[left[k]]
        ok[k] = combine(
            token, binary, states[left[k]], b, formula, usable, size, depth, counted, most, nested, nest, limits, out[k]
        )  # fmt: skip


@kernel
def legal(
    prefix: Array, count: int, longest: int, arity: Array, family: Array, banned: Array, inverse: Array, constant: int, stop: int,
    usable: Array, size: Array, depth: Array, counted: Array, most: Array, nested: Array, nest: Array, bit: Array, limits: Array,
    grows: Array, mask: Array,
) -> None:  # fmt: skip
    """Write into ``mask`` which tokens may follow an unfinished prefix so that an expression within all limits can still end.

    Nothing may follow a whole expression.  Tokens from ``stop`` on are not searched.  Every token that is legal leads to an end: a
    place can always take a leaf, and room is kept for the required variables that are still missing.
    """
    mask[:] = False
    n = count + 1
    op = np.zeros(n, np.int64)  # the operations that are open, outermost first
    side = np.zeros(n, np.int64)  # the argument that is being written,
    used = np.zeros(n, np.int64)  # and how many tokens of it are there
    uses = np.zeros(most.shape[0], np.int64)
    constants = 0
    bits = 0
    open_ = 0
    for place in range(count):
        token = prefix[place]
        bits |= bit[token]
        constants += token == constant
        if counted[token] >= 0:
            uses[counted[token]] += 1
        for i in range(open_):
            used[i] += 1
        if arity[token] > 0:
            op[open_] = token
            side[open_] = 0
            used[open_] = 0
            open_ += 1
            continue
        while open_ > 0 and side[open_ - 1] + 1 == arity[op[open_ - 1]]:
            open_ -= 1
        if open_ > 0:
            side[open_ - 1] += 1
            used[open_ - 1] = 0
    if count > 0 and open_ == 0:
        return

    longest = min(longest, limits[TOKENS])
    deepest = limits[LEVELS]  # level that the next token, and what is below it, may reach
    families = 0
    room = np.zeros(
        n, np.int64
    )  # tokens that the next one may bring into the argument of each open operation
    holes = 1  # places to fill in that argument, from the inside out
    for i in range(open_ - 1, -1, -1):
        deepest = min(deepest, i + 1 + depth[op[i], side[i]])
        families |= banned[op[i], side[i]]
        room[i] = size[op[i], side[i]] - used[i] - holes
        holes += arity[op[i]] - side[i] - 1
    level = open_ + 1
    for token in range(min(stop, mask.shape[0])):
        extra = arity[token]
        if not usable[token] or family[token] & families or count + holes + extra > longest:
            continue
        if level + (extra > 0) > deepest or (token == constant and constants >= limits[CONSTANTS]):
            continue
        if open_ > 0 and side[open_ - 1] == 0 and inverse[op[open_ - 1]] == token:
            continue
        if counted[token] >= 0 and uses[counted[token]] >= most[counted[token]]:
            continue
        fits = True
        inside = 1  # uses of the token's nested kind between an outer operation and here
        for i in range(open_ - 1, -1, -1):
            if extra > room[i] or (nested[token] >= 0 and inside > nest[op[i], nested[token]]):
                fits = False
                break
            if nested[token] >= 0 and nested[op[i]] == nested[token]:
                inside += 1
        if not fits:
            continue
        left = limits[BITS] & ~(bits | bit[token])
        missing = 0
        while left:
            left &= left - 1
            missing += 1
        lack = missing - (holes - 1 + extra)
        if lack > 0 and lack > growth(
            token, lack, count + holes + extra, longest, level, deepest, op, side, open_, room, uses, arity, size, depth, counted, most,
            limits, grows,
        ):  # fmt: skip
            continue
        mask[token] = True


@kernel
def growth(
    token: int, lack: int, length: int, longest: int, level: int, deepest: int, op: Array, side: Array, open_: int, room: Array,
    uses: Array, arity: Array, size: Array, depth: Array, counted: Array, most: Array, limits: Array, grows: Array,
) -> int:  # fmt: skip
    """Return how many leaves more than places there can be after a token, up to ``lack``: each takes an operation of two arguments.

    Arguments lie within one another, so filling them from the inside out is best.
    """
    operations = 0
    for t in range(grows.shape[0]):
        if grows[t]:
            left = lack
            if counted[t] >= 0:
                left = most[counted[t]] - uses[counted[t]] - (counted[t] == counted[token])
            operations += max(0, min(left, lack))
    found = 0
    for s in range(arity[token]):
        found += leaves(level + 1, min(deepest, level + depth[token, s]), size[token, s])
    for i in range(open_ - 1, -1, -1):
        found = min(found, max(0, room[i] - arity[token]) // 2)
        below = limits[LEVELS]
        for j in range(i):
            below = min(below, j + 1 + depth[op[j], side[j]])
        for s in range(side[i] + 1, arity[op[i]]):
            found += leaves(i + 2, min(below, i + 1 + depth[op[i], s]), size[op[i], s])
    return min(found, operations, max(0, longest - length) // 2)


@kernel
def leaves(level: int, deepest: int, size: int) -> int:
    """Return how many leaves more than one a place may hold, at most a million."""
    by_depth = (1 << min(max(deepest - level, 0), 20)) - 1
    return min(by_depth, (size - 1) // 2)
