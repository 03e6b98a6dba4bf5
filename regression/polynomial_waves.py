"""A wave over a polynomial with whole coefficients, beside a polynomial: ``p(x) + a*sin(n1*m1 + n2*m2 + n3*m3 + phi)``.

As with :mod:`symnum.regression.periods` nothing comes near such a law step by step: every argument of a few monomials is tried.  For one
argument all that is left to find, p, a and phi, is linear, because ``a*sin(z + phi)`` is a sum of sin(z) and cos(z).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.periods import sine
from symnum.regression.problem import Floats, Problem, joined

MOST_SQUARED = 4
"""Up to so many variables the monomials are of second degree, with more of the first; with one alone of the third."""

COEFFICIENTS, TERMS = (1, -1, 2, -2), 3
"""Coefficients of the monomials of an argument, and how many monomials it has at most."""

BATCH = 1024

KEPT = 8

SPARE_ROWS = 2
"""Rows for each linear coefficient."""

USELESS = 1.01
"""A term of the polynomial goes where what is left rises by less than this factor."""

ROUNDING = 1e-24
"""What is left below this part of the target's mean square is rounding."""


def polynomial_waves(evaluator: Evaluator, problem: Problem, budget: Budget) -> list[Candidate]:
    """Return the best such formulas; none where the search may not use sin, or has too few rows."""
    grammar = evaluator.grammar
    monomials = _monomials(grammar)
    if not grammar.has("sin") or problem.rows < SPARE_ROWS * (len(monomials) + 3):
        return []
    values = evaluator.values(monomials)
    root = np.sqrt(problem.weights)
    target = problem.y * root
    base = np.vstack([np.ones(problem.rows), values]) * root
    if not np.all(np.isfinite(base)):
        return []
    basis = np.linalg.qr((base / np.linalg.norm(base, axis=1, keepdims=True)).T)[0]
    rest = target - basis @ (basis.T @ target)
    best: list[tuple[float, tuple[tuple[int, int], ...]]] = []
    tried = list(_arguments(len(monomials)))
    for start in range(0, len(tried), BATCH):
        if budget.spent:
            break
        arguments = tried[start : start + BATCH]
        table = np.zeros((len(arguments), len(monomials)))
        for row, argument in enumerate(arguments):
            for monomial, coefficient in argument:
                table[row, monomial] = coefficient
        left = _left(table @ values, root, basis, rest)
        best = sorted([*best, *zip(left.tolist(), arguments, strict=True)])[:KEPT]
        budget.spend(len(arguments))
    return [_written(grammar, monomials, argument, base, values, root, target) for _, argument in best]


def _monomials(grammar: Grammar) -> list[Tokens]:
    """Return the products of variables up to the degree that is tried, the simplest first."""
    count = len(grammar.variables)
    degree = 3 if count == 1 else 2 if count <= MOST_SQUARED else 1
    times = grammar.token("*")
    return [
        joined(times, [[v] for v in variables])
        for size in range(1, degree + 1)
        for variables in itertools.combinations_with_replacement(range(count), size)
    ]


def _arguments(monomials: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield sums of (monomial, coefficient) up to a common sign, the shortest first."""
    for size in range(1, TERMS + 1):
        for chosen in itertools.combinations(range(monomials), size):
            for coefficients in itertools.product(COEFFICIENTS, repeat=size):
                if coefficients[0] > 0:
                    yield tuple(zip(chosen, coefficients, strict=True))


def _left(arguments: Floats, root: Floats, basis: Floats, rest: Floats) -> Floats:
    """Return what polynomial and wave leave of the target, for each argument (arguments, rows)."""
    waves = np.stack([np.sin(arguments) * root, np.cos(arguments) * root])
    waves -= (waves @ basis) @ basis.T
    along = waves @ rest
    (ss, cc), sc = np.sum(waves**2, axis=2), np.sum(waves[0] * waves[1], axis=1)
    determinant = ss * cc - sc**2
    with np.errstate(all="ignore"):
        explained = (cc * along[0] ** 2 - 2 * sc * along[0] * along[1] + ss * along[1] ** 2) / determinant
    usable = determinant > 1e-12 * ss * cc
    return np.where(usable, np.maximum(rest @ rest - explained, 0.0), np.inf)


def _written(
    grammar: Grammar, monomials: Sequence[Tokens], argument: Sequence[tuple[int, int]], base: Floats, values: Floats,
    root: Floats, target: Floats,
) -> Candidate:  # fmt: skip
    """Return the formula with constant slots, without the terms of the polynomial that explain nothing."""
    z = sum(coefficient * values[monomial] for monomial, coefficient in argument)
    waves = np.array([np.sin(z) * root, np.cos(z) * root])
    floor = ROUNDING * float(target @ target)
    kept = list(range(len(base)))
    solved, left = _solved(np.vstack([waves, base[kept]]), target)
    while kept:
        trials = []
        for k in kept:
            fewer = [j for j in kept if j != k]
            trials.append((_solved(np.vstack([waves, base[fewer]]), target)[1], k))
        least, useless = min(trials)
        if least > max(USELESS * left, floor):
            break
        kept.remove(useless)
        solved, left = _solved(np.vstack([waves, base[kept]]), target)
    C, plus, times = grammar.constant, grammar.token("+"), grammar.token("*")
    parts: list[list[int]] = []
    constants = [float(c) for c in solved[2:]]
    for k in kept:
        parts.append([C] if k == 0 else [times, C, *map(int, monomials[k - 1])])
    inside = [[C], *([times, C, *map(int, monomials[m])] for m, _ in argument)]
    parts.append([times, C, grammar.token("sin"), *joined(plus, inside).tolist()])
    size, phase = sine(float(solved[0]), float(solved[1]))
    constants += [size, phase, *(float(c) for _, c in argument)]
    return Candidate(joined(plus, parts).tobytes(), tuple(constants))


def _solved(columns: Floats, target: Floats) -> tuple[Floats, float]:
    """Return the best coefficients of columns (columns, rows) and the sum of squares that they leave."""
    norms = np.linalg.norm(columns, axis=1)
    norms[norms == 0] = 1.0
    solved = np.linalg.lstsq((columns / norms[:, None]).T, target, rcond=None)[0] / norms
    residual = target - solved @ columns
    return solved, float(residual @ residual)
