"""Fit the constants of many expressions: Levenberg-Marquardt for those inside, least squares for those that enter linearly.

Given the constants inside, the best linear ones follow from a linear least-squares problem; they are eliminated, so that
Levenberg-Marquardt sees only what is left (see :mod:`symnum.regression.levenberg_marquardt`).  Each expression is fitted from several
starts, and the best of them goes on.

>>> import numpy as np
>>> from symnum.regression.evaluator import Evaluator
>>> from symnum.regression.grammar import Grammar
>>> grammar, x = Grammar(("x",)), np.linspace(0, 3, 50)
>>> found = fit_many(Evaluator(grammar, x[None]), [grammar.parse("* C exp * C x")], 2 * np.exp(-1.5 * x))
>>> found.constants.round(6).tolist()
[[2.0, -1.5]]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression.derivatives import derivative_space, values_of_all
from symnum.regression.evaluator import Evaluator, padded
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.kernels import BLOCK, CONSTANT, kernel
from symnum.regression.levenberg_marquardt import (
    ADDITIVE,
    RELATIVE,
    fit_space,
    levenberg_marquardt,
    square_of,
)
from symnum.regression.vector_math import apart, borrowed, keep, row

Array = NDArray[Any]
Floats = NDArray[np.float64]

PLUS, MINUS, TIMES, OVER, NEGATIVE = 1, 2, 3, 4, 5
"""What an operation is where linear constants are looked for; 0 for any other."""

_ROLES = {"+": PLUS, "-": MINUS, "*": TIMES, "/": OVER, "neg": NEGATIVE}


@dataclass(frozen=True)
class FitLimits:
    """Hold how many starts there are, the steps of each start, and the steps that the best of them then gets."""

    starts: int = 8
    screening: int = 8
    steps: int = 40

    def __post_init__(self) -> None:
        for name in ("starts", "screening", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} leaves nothing to do; give a number of at least 1"
                )


@dataclass(frozen=True)
class Fits:
    """Hold the fitted constants (expressions, slots), the weighted mean squares of the residuals (expressions,), inf where an
    expression is undefined at every start, and the number of Levenberg-Marquardt steps (expressions,)."""

    constants: Floats
    losses: Floats
    steps: NDArray[np.int64]


def fit_many(
    evaluator: Evaluator,
    expressions: Sequence[Tokens],
    target: Floats,
    weights: Floats | None = None,
    *,
    noise: str = "additive",
    seed: int = 0,
    limits: FitLimits | None = None,
    floor: float = 0.0,
    starts: Floats | None = None,
) -> Fits:
    """Fit the constant slots of each expression to ``target`` (rows,) with ``weights`` (rows,), from several starts.

    ``starts`` is (starts, slots); by default they are spread over both signs and three powers of ten around the size that suits the
    place of each constant, the same for the same ``seed``.  ``noise`` is "additive" or "relative" (of log(value/target)).  A fit ends
    early where the root of the loss is below ``floor``.  Raises ValueError for data of the wrong shape.
    """
    limits = limits or FitLimits()
    target = np.ascontiguousarray(target, float)
    weights = np.ones(evaluator.rows) if weights is None else np.asarray(weights, float)
    for name, values in (("target", target), ("weights", weights)):
        if values.shape != (evaluator.rows,):
            raise ValueError(
                f"{name} has the shape {values.shape}, but the evaluator has {evaluator.rows} rows; give one number for each row"
            )
    slots = max(
        1, max((int(np.sum(tokens == evaluator.grammar.constant)) for tokens in expressions), default=1)
    )
    natural = starts is None
    if starts is None:
        starts = spread_starts(limits.starts, slots, np.random.default_rng(seed))
    starts = np.atleast_2d(np.asarray(starts, float))
    if starts.shape[1] < slots:
        raise ValueError(
            f"starts has {starts.shape[1]} columns, but an expression has {slots} constants; give (starts, {slots}) numbers"
        )
    free = np.ones(slots, bool)
    return _fit(expressions, evaluator, starts, free, target, weights, noise, natural, limits, floor)


def _fit(
    expressions: Sequence[Tokens],
    evaluator: Evaluator,
    starts: Floats,
    free: NDArray[np.bool_],
    target: Floats,
    weights: Floats,
    noise: str,
    natural: bool,
    limits: FitLimits,
    floor: float,
) -> Fits:
    """Fit the ``free`` constants of the expressions from ``starts``, in ``natural`` units or as they are."""
    if noise not in ("additive", "relative"):
        raise ValueError(f"noise={noise!r} is unknown; write 'additive' or 'relative'")
    tokens, lengths = padded(expressions)
    constants = np.zeros((len(lengths), len(free)))
    losses = np.full(len(lengths), np.inf)
    steps = np.zeros(len(lengths), np.int64)
    _fit_all(
        tokens, lengths, np.ascontiguousarray(starts), natural, np.asarray(free, bool), roles(evaluator.grammar), target,
        np.sqrt(weights), RELATIVE if noise == "relative" else ADDITIVE, limits.screening, limits.steps, float(floor),
        *evaluator.columns, *evaluator.rules.machine, constants, losses, steps,
    )  # fmt: skip
    return Fits(constants, losses, steps)


def fit_one(
    evaluator: Evaluator,
    tokens: Tokens,
    start: Floats,
    free: NDArray[np.bool_],
    target: Floats,
    weights: Floats,
    *,
    noise: str,
    steps: int,
    floor: float,
) -> tuple[Floats, float, int]:
    """Return the constants nearest to ``start`` that fit best, varying the ``free`` ones, their loss, and the number of steps."""
    found = _fit(
        [tokens],
        evaluator,
        np.asarray(start, float)[None],
        free,
        target,
        weights,
        noise,
        False,
        FitLimits(1, steps, 1),
        floor,
    )
    return found.constants[0, : len(start)], float(found.losses[0]), int(found.steps[0])


def roles(grammar: Grammar) -> NDArray[np.int64]:
    """Return, for each token, what it is where linear constants are looked for."""
    names = [""] * grammar.first_operator + list(grammar.all_operators)
    return np.array([_ROLES.get(name, 0) for name in names], np.int64)


def spread_starts(count: int, slots: int, rng: np.random.Generator) -> Floats:
    """Return (count, slots) factors: ones, then both signs and magnitudes from 1/30 to 30, each power of ten equally often."""
    levels = (np.arange(count - 1) + rng.uniform(size=(slots, count - 1))) / max(count - 1, 1)
    magnitudes = 10 ** (3 * rng.permuted(levels, axis=1) - 1.5)
    signs = rng.permuted(np.resize([1.0, -1.0], (slots, count - 1)), axis=1)
    return np.concatenate([np.ones((1, slots)), (signs * magnitudes).T])


# --- kernels -------------------------------------------------------------------------------------------------------------------


@kernel
def linear_slots(
    tokens: Array,
    length: int,
    arity: Array,
    kind: Array,
    roles: Array,
    free: Array,
    linear: Array,
    links: Array,
) -> int:
    """Mark the free constants in which the expression is linear, all of them together; return how many there are.

    They are reached from the root through sums, and through products and quotients in one factor only: the one that holds more.
    """
    apart()
    # of each part: how many linear constants it may have, where its second argument is, whether it may have linear constants
    count, second, may, slot_of, pending = links[0], links[1], links[2], links[3], links[4]
    top = -1
    slot = 0
    for p in range(length):
        if kind[tokens[p]] == CONSTANT:
            slot_of[p] = slot
            slot += 1
    for p in range(length - 1, -1, -1):
        token = tokens[p]
        if arity[token] == 0:
            count[p] = kind[token] == CONSTANT and free[slot_of[p]]
        else:
            a = pending[top]
            top -= 1
            b = a
            if arity[token] == 2:
                b = pending[top]
                top -= 1
            second[p] = b
            role = roles[token]
            count[p] = 0
            if role == PLUS or role == MINUS:
                count[p] = count[a] + count[b]
            elif role == TIMES:
                count[p] = max(count[a], count[b])
            elif role == OVER or role == NEGATIVE:
                count[p] = count[a]
        top += 1
        pending[top] = p
    linear[:] = False
    total = count[0]
    may[:length] = 0
    may[0] = 1
    for p in range(length):
        if not may[p]:
            continue
        role = roles[tokens[p]]
        a, b = p + 1, second[p]
        if arity[tokens[p]] == 0:
            if count[p]:
                linear[slot_of[p]] = True
        elif role == PLUS or role == MINUS:
            may[a] = may[b] = 1
        elif role == TIMES:
            # of two equal factors the one without other constants, which is C in C*f(C)
            left = count[a] > count[b] or (count[a] == count[b] and b - a == 1)
            may[a], may[b] = left, not left
        elif role == OVER or role == NEGATIVE:
            may[a] = 1
    return total


@kernel
def natural_sizes(
    tokens: Array, length: int, slots: int, roles: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, partial: Array, store: Array, space: Array, wires: Array, links: Array, sizes: Array,
) -> None:  # fmt: skip
    """Write the size of each constant at which it matters: that of what it is added to, the reciprocal of what it multiplies, else 1."""
    apart()
    wanted = np.full(slots + X.shape[0], -1)
    rows = min(BLOCK, X.shape[1])
    values_of_all(
        tokens, length, np.ones(slots), wanted, kind, code, arity, numbers, X, steps, first, literals, partial, store, space, wires,
        links, np.int64(0), rows,
    )  # fmt: skip
    sizes[:] = 1.0
    for p in range(length):
        if arity[tokens[p]] != 2 or roles[tokens[p]] == 0:
            continue
        a, b = p + 1, links[1, p]
        for side in range(2):
            mine, other = (a, b) if side == 0 else (b, a)
            if kind[tokens[mine]] != CONSTANT or kind[tokens[other]] == CONSTANT:
                continue
            size = math.sqrt(square_of(row(links[0, other], rows)) / rows)
            if 0.0 < size < math.inf:
                sizes[links[1, mine]] = 1.0 / size if roles[tokens[p]] == TIMES else size


@kernel
def fit_expression(
    tokens: Array, length: int, constants: Array, linear: Array, free: Array, target: Array, root: Array, noise: int, most: int,
    goal: float, kind: Array, code: Array, arity: Array, numbers: Array, X: Array, steps: Array, first: Array, literals: Array,
    partial: Array, store: Array, space: Array, wires: Array, links: Array, values: Array, whole: Array, other: Array, inner: Array,
    scratch: Array, marks: Array,
) -> Any:  # fmt: skip
    """Improve constants in place as :func:`levenberg_marquardt` does; relative residuals are first fitted as ``value/target - 1``.

    That is linear where the expression is, and from there the logarithm needs few steps; if it does not help, they start as given.
    """
    given, best, eliminated_ones = constants.copy(), constants.copy(), linear
    weight, now = root, np.int64(ADDITIVE)
    if noise == RELATIVE:
        weight = root / np.abs(target)
    square, taken = math.inf, 0
    for attempt in range(
        3
    ):  # relative to the target, then the logarithm from there, then from the start as given
        constants[:] = given if attempt == 2 else best
        square, more = levenberg_marquardt(
            tokens, length, constants, eliminated_ones, free, target, weight, now, most, goal, kind, code, arity, numbers, X, steps,
            first, literals, partial, store, space, wires, links, values, whole, other, inner, scratch, marks,
        )  # fmt: skip
        taken += more
        if noise == ADDITIVE or (attempt > 0 and square < math.inf):
            break
        best[:] = constants
        eliminated_ones, weight, now = np.zeros(constants.shape[0], np.bool_), root, np.int64(RELATIVE)
    return square, taken


@kernel
def _fit_all(
    tokens: Array, lengths: Array, starts: Array, natural: bool, varied: Array, roles: Array, target: Array, root: Array, noise: int,
    screening: int, most: int, floor: float, kind: Array, code: Array, arity: Array, numbers: Array, X: Array, steps: Array, first: Array,
    literals: Array, partial: Array, temporaries: int, constants: Array, losses: Array, taken: Array,
) -> None:  # fmt: skip
    rows = X.shape[1]
    most_slots = constants.shape[1]
    owners = derivative_space(tokens.shape[1], rows, temporaries)
    store, space, wires, links = (
        borrowed(owners[0]),
        borrowed(owners[1]),
        borrowed(owners[2]),
        borrowed(owners[3]),
    )
    more_owners = fit_space(most_slots, X.shape[0], rows)
    values, whole, other = borrowed(more_owners[0]), borrowed(more_owners[1]), borrowed(more_owners[2])
    inner, scratch, marks = borrowed(more_owners[3]), borrowed(more_owners[4]), borrowed(more_owners[5])
    flags_owner, numbers_owner = np.ones((2, most_slots), np.bool_), np.ones((3, most_slots))
    flags, kept = borrowed(flags_owner), borrowed(numbers_owner)
    kind, code, arity, numbers, X = (
        borrowed(kind),
        borrowed(code),
        borrowed(arity),
        borrowed(numbers),
        borrowed(X),
    )
    steps, first, literals, partial = borrowed(steps), borrowed(first), borrowed(literals), borrowed(partial)
    tokens, target, root, roles = borrowed(tokens), borrowed(target), borrowed(root), borrowed(roles)
    goal = rows * floor * floor
    flags[0, :] = varied
    for e in range(tokens.shape[0]):
        slots = np.int64(0)
        for p in range(lengths[e]):
            slots += kind[tokens[e, p]] == CONSTANT
        free, linear = flags[0, :slots], flags[1, :slots]
        sizes, best, trial = kept[0, :slots], kept[1, :slots], kept[2, :slots]
        nonlinear = slots - linear_slots(tokens[e], lengths[e], arity, kind, roles, free, linear, links)
        sizes[:] = 1.0
        if natural and nonlinear > 0:
            natural_sizes(
                tokens[e], lengths[e], slots, roles, kind, code, arity, numbers, X, steps, first, literals, partial, store, space, wires,
                links, sizes,
            )  # fmt: skip
        best[:] = 0.0
        least = math.inf
        finished = False
        count = starts.shape[0] if nonlinear > 0 else 1
        for s in range(count + 1):
            if s == count and (finished or not (least < math.inf and nonlinear > 0)):
                break
            for k in range(slots):
                trial[k] = best[k] if s == count else starts[s, k] * sizes[k]
            square, more = fit_expression(
                tokens[e], lengths[e], trial, linear, free, target, root, noise, screening if s < count else most, goal, kind, code,
                arity, numbers, X, steps, first, literals, partial, store, space, wires, links, values, whole, other, inner, scratch,
                marks,
            )  # fmt: skip
            taken[e] += more
            if square < least:
                least = square
                best[:] = trial
                finished = more < screening  # it ended by itself
            if least <= goal:
                break
        constants[e, :slots] = best
        losses[e] = least / rows
    keep(owners)
    keep(more_owners)
    keep(flags_owner)
    keep(numbers_owner)
