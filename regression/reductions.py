"""Reduce a problem: take out variables that are powers in front, and join pairs that enter as a difference, sum, product or quotient.

What is left of a variable of both signs becomes its square where the target is even in it, or odd with the variable in front.

The symmetries of AI Feynman (Udrescu and Tegmark 2020), tested without a neural network: polynomials are fitted, and judged by what
they leave where each row is left out in turn.  A variable is dispensable when polynomials without it are not improved by
terms that contain it.  So a reduction is no guess from a better fit: it is refused as soon as what was taken out still explains anything.

>>> import numpy as np
>>> from symnum.regression.grammar import Grammar
>>> X = np.random.default_rng(0).uniform(1, 3, (200, 4))
>>> y = 5 * X[:, 0] ** 2 * np.exp(X[:, 1] - X[:, 2]) / X[:, 3]
>>> grammar = Grammar(("a", "b", "c", "d"))
>>> found = reduction(Problem.of(X, y, np.ones(200)), grammar)
>>> str(grammar.term(found.factor)), [str(grammar.term(tokens)) for tokens in found.variables]
('a^2/d', ['b - c'])
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Floats, Problem, joined

ROWS, NOISY_ROWS, NOISY = 400, 1500, 1e-5
"""Rows on which reductions are tested: more where polynomials leave more than this part of the variance."""

FEWEST = 50
"""Rows without which polynomials of two and more variables have too few terms to judge by."""

DEGREES = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24)
ROWS_PER_TERM = 4
"""Degrees of the polynomials, and how many rows each of their terms needs."""

POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1.5, -1.5, 4.0, -4.0)
"""Powers of a variable that may stand in front."""

EXPLAINED = 0.15
"""Polynomials must leave less than this part of the variance, or they can judge nothing."""

NEAR = 0.8
"""Powers are tried that differ from the slope of the logarithms by no more."""

HOMOGENEOUS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
"""Powers of b in b^p*f(a/b)."""

BETTER, BETTER_EXACT = 0.97, 0.85
"""What was taken out explains something when it brings the error below this part of what it is without: under noise, and where only
the shape of the polynomials is left, which any further term changes somewhat."""

ROUNDING = 1e-10
"""What polynomials leave below this part of the target is rounding."""

WORSE, NOTHING = 1.02, 1e-8
"""A reduction may not leave more than this times what the problem leaves as it is, or this part of the variance."""


@dataclass(frozen=True)
class Reduction:
    """Hold the reduced problem and what its variables and its target are: y = factor * target, all as tokens of the whole grammar."""

    problem: Problem
    variables: tuple[Tokens, ...]
    factor: Tokens | None
    whole: Grammar

    @property
    def only_parity(self) -> bool:
        """Tell whether there are as many variables as before, some of them squared."""
        return len(self.variables) == len(self.whole.variables)

    def __str__(self) -> str:
        terms = ", ".join(str(self.whole.term(tokens)) for tokens in self.variables)
        return terms if self.factor is None else f"{self.whole.term(self.factor)} times a function of {terms}"

    @cached_property
    def grammar(self) -> Grammar:
        """Return the language over the new variables."""
        return self.whole.over(self.variables, self.factor)

    def translated(self, candidate: Candidate) -> Candidate:
        """Return a candidate of the reduced problem as one of the whole."""
        count, shift = len(self.variables), len(self.whole.variables) - len(self.variables)
        tokens: list[int] = []
        if self.factor is not None:
            tokens += [self.whole.token("*"), *map(int, self.factor)]
        for token in candidate.tokens:
            tokens += map(int, self.variables[token]) if token < count else [int(token) + shift]
        return Candidate(np.array(tokens, np.int16).tobytes(), candidate.constants)


@dataclass(frozen=True)
class _State:
    """Hold columns with their tokens, the target as it is left, the tokens of the factors taken out, and their product (rows,)."""

    columns: tuple[Floats, ...]
    tokens: tuple[tuple[int, ...], ...]
    y: Floats
    factors: tuple[tuple[int, ...], ...]
    scale: Floats


def reduction(problem: Problem, grammar: Grammar, budget: Budget | None = None) -> Reduction | None:
    """Return the problem as far as it can be reduced, or None; one variable always stays, and fewer rows than FEWEST tell nothing.

    A step that the clock of the budget cuts short is not made.
    """
    if problem.rows < FEWEST:
        return None
    for rows in (ROWS, NOISY_ROWS):
        sample = problem.sample(rows, np.random.default_rng(0))
        start = _State(
            tuple(sample.X), tuple((k,) for k in range(len(sample.X))), sample.y, (), np.ones(sample.rows)
        )
        models = _models(start.columns, start.y, sample.weights)
        if models and min(models.values()) <= NOISY * np.var(sample.y):
            break
    state = start
    for steps in (_steps, _parities) * 2:  # c*f(c^2, a) is only then seen to be c*f(a)
        while (following := _reduced(state, sample.weights, grammar, steps, budget)) is not None:
            state = following
    if state is start:
        return None
    X = _evaluated(state.tokens, problem.X, grammar)
    times = grammar.token("*")
    factor = joined(times, [list(f) for f in state.factors]) if state.factors else None
    scale = np.ones(problem.rows)
    for each in state.factors:
        scale = scale * _evaluated([each], problem.X, grammar)[0]
    weights = problem.weights * scale**2
    y = problem.y / scale
    if not (np.all(np.isfinite(X)) and np.all(np.isfinite(y)) and np.all(np.isfinite(weights))):
        return None
    return Reduction(
        Problem.of(X.T, y, weights), tuple(np.array(t, np.int16) for t in state.tokens), factor, grammar
    )


def _evaluated(tokens: Sequence[tuple[int, ...]], X: Floats, grammar: Grammar) -> Floats:
    from symnum.regression.evaluator import Evaluator

    return Evaluator(grammar, X).values([np.array(t, np.int16) for t in tokens])


def _reduced(
    state: _State, weights: Floats, grammar: Grammar, steps: _Steps, budget: Budget | None
) -> _State | None:
    """Return the best state one step on in which nothing that was taken out explains anything, or None."""
    # errors of any reduced target count as those of the whole, so that they compare
    own = weights * state.scale**2
    models = _models(state.columns, state.y, own)
    if not models:
        return None
    near = min(models, key=lambda kind: models[kind])
    least = models[near]
    mean = float(own @ state.y / own.sum())
    variance = float(np.mean(own * (state.y - mean) ** 2))
    if least > EXPLAINED * variance:
        return None
    noisy = NOISY * variance
    best: tuple[tuple[int, float], _State] | None = None
    for rank, following, taken in steps(state, own, grammar):
        if best is not None and rank > best[0][0]:
            break  # what is simpler comes first, and is enough
        if budget is not None and budget.spent:
            break
        w = weights * following.scale**2
        found = _models(following.columns, following.y, w, near)
        if not found:
            continue
        kind = min(found, key=lambda k: found[k])
        left = found[kind]
        if left > max(WORSE * least, NOTHING * variance) or (best is not None and (rank, left) >= best[0]):
            continue
        with_it = min(_with(kind, following, each, w) for each in taken)
        if with_it >= (BETTER if least > noisy else BETTER_EXACT) * left:
            best = ((rank, left), following)
    return None if best is None else best[1]


def _slopes(state: _State, weights: Floats) -> Floats:
    """Return the power of each variable, as far as sizes are products of powers: which powers are worth a trial."""
    size = np.abs(state.y)
    root = np.sqrt(weights) * size
    with np.errstate(divide="ignore"):
        columns = [np.log(np.maximum(np.abs(c), 1e-12 * np.abs(c).max())) for c in state.columns]
        target = np.log(np.maximum(size, 1e-12 * size.max()))
    design = np.array([np.ones(len(size)), *columns]).T
    return np.asarray(np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0][1:])


_Step = tuple[int, _State, list[Floats]]
"""A rank, the state after the step, and the columns that took part in what was taken out."""

_Steps = Callable[[_State, Floats, Grammar], Iterator[_Step]]


def _parities(state: _State, weights: Floats, grammar: Grammar) -> Iterator[_Step]:
    """Yield states with a variable of both signs squared: of an even target, and of an odd one over the variable."""
    for k, (column, token) in enumerate(zip(state.columns, state.tokens, strict=True)):
        if not column.min() < 0 < column.max():
            continue
        columns, tokens = list(state.columns), list(state.tokens)
        columns[k], tokens[k] = column**2, (grammar.token("^2"), *token)
        even = replace(state, columns=tuple(columns), tokens=tuple(tokens))
        yield 0, even, [column]
        if np.all(column != 0):
            yield (
                0,
                replace(
                    even,
                    y=state.y / column,
                    factors=(*state.factors, token),
                    scale=state.scale * column,
                ),
                [column],
            )


def _steps(state: _State, weights: Floats, grammar: Grammar) -> Iterator[_Step]:
    """Yield states with one variable less, the simplest first."""
    columns, tokens = state.columns, state.tokens
    if len(columns) == 1:
        return
    single = range(len(columns))
    others = [tuple(c for j, c in enumerate(columns) if j != k) for k in single]
    rest = [tuple(t for j, t in enumerate(tokens) if j != k) for k in single]
    for k in single:
        yield 0, _State(others[k], rest[k], state.y, state.factors, state.scale), [columns[k]]
    for k, slope in zip(single, _slopes(state, weights), strict=True):
        column = columns[k]
        for power in POWERS:
            if abs(power - slope) > NEAR or not _may_divide(column, power):
                continue
            factor = _power(grammar, tokens[k], power)
            if factor is not None:
                yield (
                    1,
                    _State(
                        others[k],
                        rest[k],
                        state.y / column**power,
                        (*state.factors, factor),
                        state.scale * column**power,
                    ),
                    [column],
                )
    pairs = list(itertools.permutations(single, 2))
    for rank in (2, 3):
        for i, k in pairs:
            a, b = columns[i], columns[k]
            both = tuple(t for j, t in enumerate(tokens) if j not in (i, k))
            left = tuple(c for j, c in enumerate(columns) if j not in (i, k))
            for name, combined in _joined(a, b):
                wanted = name == "/" if rank == 3 or i > k else True
                if (
                    not wanted
                    or not grammar.has(name)
                    or not np.ptp(combined) > 1e-9 * np.abs(combined).max()
                ):
                    continue
                joint = (grammar.token(name), *tokens[i], *tokens[k])
                if rank == 2:
                    yield (
                        2,
                        _State((*left, combined), (*both, joint), state.y, state.factors, state.scale),
                        [a, b],
                    )
                    continue
                for power in HOMOGENEOUS:  # y = b^p*f(a/b): what units alone would tell
                    factor = _power(grammar, tokens[k], power)
                    if factor is not None and _may_divide(b, power):
                        y = state.y / b**power
                        yield (
                            3,
                            _State(
                                (*left, combined),
                                (*both, joint),
                                y,
                                (*state.factors, factor),
                                state.scale * b**power,
                            ),
                            [a, b],
                        )


def _joined(a: Floats, b: Floats) -> Iterator[tuple[str, Floats]]:
    yield from (("-", a - b), ("+", a + b), ("*", a * b))
    if np.abs(b).min() > 0:
        yield "/", a / b


def _may_divide(column: Floats, power: float) -> bool:
    """Tell whether a column to a power is defined, and far from 0."""
    size = np.abs(column)
    return bool(column.min() > 0 or (power == int(power) and size.min() > 1e-3 * size.max()))


def _power(grammar: Grammar, tokens: tuple[int, ...], power: float) -> tuple[int, ...] | None:
    """Return the tokens of a power without constant slots; None where the language cannot write it."""
    times, inverse, square, root = (grammar.token(name) for name in ("*", "^-1", "^2", "sqrt"))
    written = {
        1.0: tokens,
        2.0: (square, *tokens),
        3.0: (times, *tokens, square, *tokens),
        4.0: (square, square, *tokens),
        0.5: (root, *tokens),
        1.5: (times, *tokens, root, *tokens),
    }[abs(power)]
    if abs(power) % 1 and not (grammar.has("sqrt") or grammar.has("^")):
        return None
    return written if power > 0 else (inverse, *written)


# --- polynomials ------------------------------------------------------------------------------------------------------------


_Kind = tuple[bool, bool, int]
"""Whether the variables and the target are taken by their logarithms, and the degree."""


def _models(
    columns: Sequence[Floats], y: Floats, weights: Floats, near: _Kind | None = None
) -> dict[_Kind, float]:
    """Return, for each kind of polynomial, the weighted mean square of what it leaves of each row when fitted to the others.

    With ``near`` only kinds like it are tried, of its degree or more.
    """
    found: dict[_Kind, float] = {}
    positive = all(c.min() > 0 for c in columns)
    for logs in (False, True) if near is None else (near[0] and positive,):
        if logs and not positive:
            continue
        for of_log in (False, True) if near is None else (near[1],):
            if of_log and not np.all(y > 0):
                continue
            rising, least = 0, np.inf
            for degree in DEGREES if near is None else [d for d in DEGREES if d >= near[2]]:
                if math.comb(len(columns) + degree, degree) > len(y) // ROWS_PER_TERM or rising == 2:
                    break
                left = found[logs, of_log, degree] = _left((logs, of_log, degree), columns, y, weights, ())
                rising = rising + 1 if left >= least else 0
                least = min(least, left)
    return found


def _with(kind: _Kind, state: _State, column: Floats, weights: Floats) -> float:
    """Return what the polynomial leaves when it gets terms with another column."""
    return _left(kind, state.columns, state.y, weights, (column,))


def _left(
    kind: _Kind, columns: Sequence[Floats], y: Floats, weights: Floats, more: Sequence[Floats]
) -> float:
    logs, of_log, degree = kind
    target, root = (np.log(y), np.sqrt(weights) * y) if of_log else (y, np.sqrt(weights))
    scaled = [_standard(np.log(c) if logs else c) for c in columns]
    table = _monomials(scaled, degree)
    if more:
        extra = [_standard(c) for c in more]
        table += [e**p for e in extra for p in (1, 2)] + [e * c for e in extra for c in scaled]
    design = np.array(table).T * root[:, None]
    Q = np.linalg.qr(design)[0]
    right = target * root
    residual = right - Q @ (Q.T @ right)
    leverage = np.minimum(np.einsum("ij,ij->i", Q, Q), 0.999)
    # below this it is rounding, and nothing is better than anything else
    floor = ROUNDING**2 * float(np.mean(right**2))
    return max(float(np.mean((residual / (1 - leverage)) ** 2)), floor)


def _standard(column: Floats) -> Floats:
    """Return the column with values between -1 and 1."""
    low, high = float(column.min()), float(column.max())
    return (2 * column - (low + high)) / (high - low)


def _monomials(columns: Sequence[Floats], degree: int) -> list[Floats]:
    """Return all products of up to ``degree`` Chebyshev polynomials, by the sum of their degrees."""
    powers = [np.polynomial.chebyshev.chebvander(c, degree).T for c in columns]
    found = [np.ones(len(columns[0]))] if columns else []
    for total in range(1, degree + 1):
        for chosen in itertools.combinations_with_replacement(range(len(columns)), total):
            product = None
            for k in set(chosen):
                factor = powers[k][chosen.count(k)]
                product = factor if product is None else product * factor
            assert product is not None
            found.append(product)
    return found
