"""Constants inside expressions: put a slot wherever a constant would change more than the scale and offset of the whole, and fit them.

The enumeration has no constants but small whole numbers, because every function is met once only.  So ``sin(x)`` stands for
``sin(a*x + b)``, and ``log(x + 1)`` for ``log(x + c)``: good expressions and short ones get their slots, all are fitted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.finish import exact
from symnum.regression.fitting import FitLimits, fit_many
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Problem, Views, outermost

SHIFTED = ("log", "log1p", "log2", "log10", "sqrt", "cbrt", "^-1", "^2", "^3", "^4", "abs")
SCALED = ("exp", "expm1", "erf", "sinh", "cosh", "tanh", "asinh")
"""Functions whose argument gets an offset only, or a factor only; all others get a factor, and where few slots are in use an offset."""

MOST_SLOTS = 6
"""Slots of an expression, besides its scale and offset."""

BATCH = 256
"""Expressions that are fitted in one call."""

SHORT = 4
"""Stored expressions of so many tokens all get slots, before longer ones."""

FROM_ARCHIVE, AGAIN, KEPT = 48, 16, 24
"""Expressions of each view that get slots at first and after each slice of a restart, and how many of all are handed on."""

ONE_VARIABLE = ("", "sin", "exp", "log", "sqrt", "^-1", "^2", "sin ^2", "exp ^2")
"""Functions of one variable whose sums and products are tried early; a sine gets a phase, and so is a cosine, too."""

MOST_SEPARABLE = 1500

QUICK = 160
"""Stored expressions that get slots before anything that takes longer."""

LIMITS = FitLimits(starts=4, screening=8, steps=60)


POWERS = ("^2", "sqrt", "^-1", "^3", "^4")
"""Powers that stand for one with any exponent."""


def with_slots(grammar: Grammar, tokens: Tokens, offsets: bool, powers: str = "") -> Tokens | None:
    """Return the expression with slots, those in place of numbers included; None when it gets none, or more than MOST_SLOTS.

    With ``offsets`` periodic functions and others of their kind get an offset inside, too.  With ``powers`` "+" or "-" a power of f is
    that of C + f or C - f, with any exponent.

    >>> grammar = Grammar(("x", "y"))
    >>> [grammar.names[t] for t in with_slots(grammar, grammar.parse("+ sin x log y"), False)]
    ['+', 'sin', '*', 'C', 'x', '*', 'C', 'log', '+', 'C', 'y']
    """
    C, plus, times = grammar.constant, grammar.token("+"), grammar.token("*")
    stack: list[list[int]] = []
    for token in map(int, tokens[::-1]):
        name, arity = grammar.names[token], int(grammar.arity[token])
        if arity == 0:
            stack.append([token] if token < len(grammar.variables) else [C])
            continue
        args = [stack.pop() for _ in range(arity)]
        if all(arg == [C] for arg in args):
            stack.append([C])
            continue
        if powers and name in POWERS:
            stack.append([grammar.token("^"), grammar.token(powers), C, *args[0], C])
            continue
        if arity == 1:
            inner = args[0]
            if name not in SHIFTED and inner[:2] != [times, C]:
                inner = [times, C, *inner]
            if name in SHIFTED or (offsets and name not in SCALED):
                inner = inner if inner[:2] == [plus, C] else [plus, C, *inner]
            args = [inner]
        elif name in ("+", "-", "^") and args[1] != [C] and args[0] != [C]:
            args[1] = [times, C, *args[1]]
        elif name == "/" and args[1] != [C]:
            args[1] = [plus, C, *args[1]]
        stack.append([token, *args[0], *(args[1] if arity == 2 else [])])
    written = stack[0]
    return np.array(written, np.int16) if 0 < written.count(C) <= MOST_SLOTS else None


def inner_constants(
    bank: Bank, archive: Archive, evaluator: Evaluator, problem: Problem, budget: Budget
) -> Iterator[list[Candidate]]:
    """Yield, batch by batch, the best of what gets slots: the best expressions of each view, then the stored ones by length."""
    best: list[tuple[float, Candidate]] = []
    given: set[bytes] = set()
    from_bank = (
        written
        for tokens in map(bank.tokens, map(int, _promising(bank, problem)))
        for written in _of_view(bank.grammar, "plain", tokens, powers=len(tokens) <= SHORT)
    )
    for batch in _batches(itertools.chain(_of_archive(archive, evaluator, FROM_ARCHIVE), from_bank)):
        if budget.spent:
            return
        best = sorted([*best, *_fitted(batch, evaluator, problem, len(given))], key=_rank)[:KEPT]
        budget.spend(len(batch))
        yield [candidate for _, candidate in best if candidate.text not in given]
        given |= {candidate.text for _, candidate in best}


def separable(grammar: Grammar) -> list[Tokens]:
    """Return sums and products of two functions of one variable each, as far as the language has them; none of many variables.

    >>> grammar = Grammar(("x", "y"), operators=("+", "*", "sin", "^2"))
    >>> [" ".join(grammar.names[t] for t in tokens) for tokens in separable(grammar)][-4:]
    ['+ y sin ^2 y', '+ sin y ^2 y', '+ sin y sin ^2 y', '+ ^2 y sin ^2 y']
    """
    functions: list[list[int]] = []
    for variable in range(len(grammar.variables)):
        for name in ONE_VARIABLE:
            words = name.split()
            if grammar.has(*words):
                functions.append([*(grammar.token(word) for word in words), variable])
    pairs = list(itertools.combinations(functions, 2))
    operations = [grammar.token(name) for name in ("*", "+") if grammar.has(name)]
    if len(pairs) * len(operations) > MOST_SEPARABLE:
        return []
    return [np.array([each, *a, *b], np.int16) for each in operations for a, b in pairs]


def quick_constants(
    bank: Bank, evaluator: Evaluator, problem: Problem, budget: Budget
) -> Iterator[list[Candidate]]:
    """Yield, batch by batch, sums and products of functions of one variable, and the most promising of the bank, with slots fitted."""
    best = np.argsort(_description(bank, problem), kind="stable")[:QUICK]
    given = itertools.chain(
        (written for tokens in separable(bank.grammar) for written in _with_phases(bank.grammar, tokens)),
        (
            written
            for tokens in map(bank.tokens, map(int, best))
            for written in _of_view(bank.grammar, "plain", tokens, powers=False)
        ),
    )
    for number, batch in enumerate(_batches(given)):
        if budget.spent:
            return
        found = sorted(_fitted(batch, evaluator, problem, number), key=_rank)[:KEPT]
        budget.spend(len(batch))
        yield [candidate for _, candidate in found]


def of_archive(
    archive: Archive, evaluator: Evaluator, problem: Problem, budget: Budget
) -> tuple[list[Candidate], bool]:
    """Return the archive's best expressions with slots, fitted, the best first, and whether one is exact."""
    best: list[tuple[float, Candidate]] = []
    for batch in _batches(_of_archive(archive, evaluator, AGAIN)):
        best += _fitted(batch, evaluator, problem, 0)
        budget.spend(len(batch))
    found = [candidate for _, candidate in sorted(best, key=_rank)[:KEPT]]
    return found, exact(problem, evaluator, found)


def _rank(each: tuple[float, Candidate]) -> tuple[float, bytes]:
    return each[0], each[1].text


def _fitted(
    batch: Sequence[Tokens], evaluator: Evaluator, problem: Problem, seed: int
) -> Iterator[tuple[float, Candidate]]:
    """Yield expressions with fitted constants and their bits, leaving out those that are undefined wherever they were tried."""
    mean = float(problem.weights @ problem.y) / problem.rows
    spread = float(problem.weights @ (problem.y - mean) ** 2) / problem.rows
    fits = fit_many(evaluator, batch, problem.y, problem.weights, seed=seed, limits=LIMITS)
    for tokens, constants, loss in zip(batch, fits.constants, fits.losses, strict=True):
        if np.isfinite(loss):
            slots = int(np.sum(tokens == evaluator.grammar.constant))
            bits = problem.rows / 2 * float(np.log2(max(loss / spread, 1e-24))) + (
                evaluator.grammar.token_bits * (len(tokens) - slots) + 10 * slots
            )
            yield bits, Candidate(tokens.tobytes(), tuple(map(float, constants[:slots])))


def _batches(expressions: Iterable[Tokens]) -> Iterator[list[Tokens]]:
    """Yield the expressions, each once, so many at a time."""
    seen: set[bytes] = set()
    batch: list[Tokens] = []
    for tokens in expressions:
        if tokens.tobytes() not in seen:
            seen.add(tokens.tobytes())
            batch.append(tokens)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _of_archive(archive: Archive, evaluator: Evaluator, most: int) -> Iterator[Tokens]:
    """Yield the best expressions of each view with slots, as expressions of y; the views take turns."""
    views = archive.views
    ranked = [
        sorted(archive.entries(v), key=lambda e: (_bits(evaluator, views, v, e.left, len(e.tokens)), e.text))
        for v in range(len(views.names))
    ]
    for place in range(most):
        for v, entries in enumerate(ranked):
            if place < len(entries) and views.names[v] != "relative":
                yield from _of_view(evaluator.grammar, views.names[v], entries[place].tokens)


def _promising(bank: Bank, problem: Problem) -> NDArray[np.int64]:
    """Return the places of stored expressions: the short ones, then the others by what they leave of the target."""
    short = int(np.searchsorted(bank.lengths[: bank.size], SHORT, side="right"))
    bits = _description(bank, problem)
    return np.concatenate([np.arange(short), short + np.argsort(bits[short:], kind="stable")])


def _description(bank: Bank, problem: Problem) -> NDArray[np.float64]:
    """Return the bits of each stored expression and of what it leaves of the target (expressions,)."""
    share = problem.weights / problem.weights.sum()
    values = bank.values[: bank.size]
    target = problem.y - share @ problem.y
    with np.errstate(all="ignore"):
        scale = np.abs(values).max(axis=1)
        means = values @ share / scale
        squares = ((values / scale[:, None]) ** 2) @ share - means**2
        along = values @ (share * target) / scale
        left = 1 - along**2 / (squares * (share @ target**2))
    left = np.where(squares > 1e-12, np.maximum(left, 1e-6), 1.0)
    return np.asarray(problem.rows / 2 * np.log2(left) + bank.grammar.token_bits * bank.lengths[: bank.size])


def _bits(evaluator: Evaluator, views: Views, view: int, left: float, length: int) -> float:
    return (
        evaluator.rows / 2 * float(np.log2(max(left, views.floors[view])))
        + evaluator.grammar.token_bits * length
    )


def _with_phases(grammar: Grammar, tokens: Tokens) -> Iterator[Tokens]:
    """Yield ``C + C*f`` for f with slots, phases included."""
    inner = with_slots(grammar, tokens, offsets=True)
    if inner is not None:
        outer = [grammar.token("+"), grammar.constant, grammar.token("*"), grammar.constant]
        yield np.concatenate([np.array(outer, np.int16), inner])


def _of_view(grammar: Grammar, view: str, tokens: Tokens, powers: bool = True) -> Iterator[Tokens]:
    """Yield ``undo(C + C*f)`` for f with slots, as they are, with offsets, and with any exponents."""
    C, plus, times = grammar.constant, grammar.token("+"), grammar.token("*")
    found: list[bytes] = []
    signs = [sign for sign in ("+", "-") if powers and sign in grammar.names]
    for offsets, sign in ((False, ""), (True, ""), *((False, sign) for sign in signs)):
        inner = with_slots(grammar, tokens, offsets, sign)
        if inner is None or inner.tobytes() in found:
            continue
        found.append(inner.tobytes())
        if view == "log":
            outer = [times, C, grammar.token("exp"), times, C]
        else:
            outer = [*(grammar.token(name) for name in outermost(view)), plus, C, times, C]
        yield np.concatenate([np.array(outer, np.int16), inner])
