"""Sums of given expressions, ``b + a1*f1 + a2*f2 + ...``: stored ones in a beam, monomials by elimination.

All pairs of stored expressions are compared at once through their correlations; the best are then grown term by term, and what a
further term would explain is its projection on what is left after the terms already there are projected out (orthogonal least
squares).  In the view log y the same gives products of powers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symnum.regression.budget import Budget
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Views

SIZES = ((32, 5), (256, 4), (4096, 3))
"""How many of the shortest expressions may be terms, of sums of how many: few, so that the beam is nearly exhaustive, then more."""

BEAM = 48

ROWS_PER_TERM = 4
"""Each term needs that many rows, for with a bank to choose from a few terms fit anything."""

MONOMIALS = 120
KEPT = 24
"""How many monomials a pool has at most, and how many of them a formula may have."""

DEGREE = 10

ROUNDING = 1e-24
"""What a sum that fits exactly leaves here, where squares are subtracted."""

_PER_TOKEN = 0.02
"""By which part of what is left a sum must be better for each token that it is longer."""

_DEPENDENT = 1e-10
"""A term of which less than this part is new is a linear combination of the others, up to rounding."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sum:
    """Hold the terms of a sum (as bytes of their tokens), what it leaves unexplained in a view, and its number of tokens."""

    view: int
    terms: tuple[bytes, ...]
    left: float
    length: int

    @property
    def tokens(self) -> list[Tokens]:
        """Return the token arrays of the terms."""
        return [np.frombuffer(text, np.int16) for text in self.terms]


def grow(bank: Bank, views: Views, view: int, budget: Budget) -> list[Sum]:
    """Return the best sums of stored expressions, a few for each length."""
    found: list[Sum] = []
    for size, terms in SIZES:
        candidates = _independent(bank, views, view, min(size, bank.size))
        if len(candidates) < 2:
            break
        found += _beam(bank, views, view, candidates, terms, budget)
        if (
            size >= bank.size
            or budget.spent
            or any(each.left <= views.floors[view] + ROUNDING for each in found)
        ):
            break
    best: dict[int, list[Sum]] = {}
    for each in sorted(found, key=lambda s: (s.left, s.length, s.terms)):
        kept = best.setdefault(each.length, [])
        if len(kept) < 3 and each not in kept:
            kept.append(each)
    return [each for length in sorted(best) for each in best[length]]


def _independent(bank: Bank, views: Views, view: int, size: int) -> NDArray[np.int64]:
    """Return the first expressions of the bank without constants and without those that are a multiple plus a constant of another."""
    share = views.weights[view]
    values = bank.values[:size]
    centred = (values - (values @ share)[:, None]) * np.sqrt(share)
    norms = np.linalg.norm(centred, axis=1)
    seen: set[bytes] = set()
    kept = []
    for k in np.flatnonzero(norms > 1e-9 * np.abs(values).max(axis=1)):
        direction = centred[k] / norms[k]
        # the sign is that of the largest entry, so that f and -f are one direction; + 0.0 makes -0.0 the same as 0.0
        key = (np.round(direction * np.sign(direction[np.argmax(np.abs(direction))]), 9) + 0.0).tobytes()
        if key not in seen:
            seen.add(key)
            kept.append(k)
    return np.array(kept, np.int64)


def _directions(values: Floats, views: Views, view: int) -> tuple[Floats, Floats]:
    """Return values (terms, rows) and the target of a view, weighted, centred and of length one."""
    root = np.sqrt(views.weights[view])
    F = (values - (values @ views.weights[view])[:, None]) * root
    target = views.targets[view] * root
    return F / np.linalg.norm(F, axis=1)[:, None], target / np.linalg.norm(target)


def _beam(
    bank: Bank, views: Views, view: int, candidates: NDArray[np.int64], terms: int, budget: Budget
) -> list[Sum]:
    """Return the sums of 2 to ``terms`` of the candidates that a beam search meets."""
    F, target = _directions(bank.values[candidates], views, view)
    lengths = bank.lengths[candidates]
    handicap = np.exp(_PER_TOKEN * lengths)
    most = min(terms, F.shape[1] // ROWS_PER_TERM)
    found: list[Sum] = []
    chosen = _best_pairs(F, target, handicap) if most >= 2 else []
    for count in range(2, most + 1):
        budget.spend(len(chosen))
        bases = [_basis(F[list(each)]) for each in chosen]
        lefts = [_left(basis, target) for basis in bases]
        for each, left in zip(chosen, lefts, strict=True):
            tokens = tuple(bank.tokens(int(candidates[k])).tobytes() for k in each)
            found.append(Sum(view, tokens, left, int(sum(lengths[k] + 3 for k in each))))
        if count == most or budget.spent or min(lefts) <= views.floors[view] + ROUNDING:
            break
        chosen = _extended(F, target, handicap, chosen, bases)
    return found


def _extended(
    F: Floats, target: Floats, handicap: Floats, chosen: list[tuple[int, ...]], bases: list[Floats]
) -> list[tuple[int, ...]]:
    """Return the best sums with one term more than the chosen ones."""
    residuals = np.array([target - (basis @ target) @ basis for basis in bases])
    along = F @ residuals.T
    within = (F @ np.concatenate(bases).T).reshape(len(F), len(bases), -1)
    fresh = 1.0 - np.sum(within**2, axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(fresh > _DEPENDENT, along**2 / fresh, -np.inf)
    left = np.maximum(np.sum(residuals**2, axis=1) - gain, 0.0)  # (candidates, beam)
    rank = (left + 1e-30) * handicap[:, None]
    best: dict[tuple[int, ...], float] = {}
    for b, each in enumerate(chosen):
        own = math.prod(handicap[list(each)].tolist())
        top = np.argpartition(rank[:, b], min(BEAM, len(F) - 1))[:BEAM]
        for k in top[np.isfinite(rank[top, b])]:
            larger = tuple(sorted((*each, int(k))))
            best.setdefault(larger, float(rank[k, b]) * own)
    return sorted(best, key=lambda larger: (best[larger], larger))[:BEAM]


def _best_pairs(F: Floats, target: Floats, handicap: Floats) -> list[tuple[int, ...]]:
    """Return the best pairs of directions, from their correlations."""
    along = F @ target
    best: list[tuple[float, tuple[int, ...]]] = []
    for start in range(0, len(F), 256):
        block = slice(start, start + 256)
        between = F[block] @ F.T
        fresh = 1.0 - between**2
        explained = (
            along[block, None] ** 2 + along[None, :] ** 2 - 2 * along[block, None] * along[None, :] * between
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.maximum(1.0 - explained / fresh, 0.0)
        rank = (left + 1e-30) * handicap[block, None] * handicap[None, :]
        upper = np.arange(len(F))[None, :] > np.arange(start, start + len(between))[:, None]
        rank[~(upper & (fresh > _DEPENDENT**0.5))] = np.inf
        for flat in np.argpartition(rank.ravel(), min(BEAM, rank.size - 1))[:BEAM]:
            i, k = divmod(int(flat), len(F))
            if np.isfinite(rank[i, k]):
                best.append((float(rank[i, k]), (start + i, k)))
    return [pair for _, pair in sorted(best)[:BEAM]]


def _basis(vectors: Floats) -> Floats:
    """Return an orthonormal basis (vectors, rows) of the span."""
    return np.ascontiguousarray(np.linalg.qr(vectors.T)[0].T)


def _left(basis: Floats, target: Floats) -> float:
    residual = target - (basis @ target) @ basis
    return float(residual @ residual)


# --- monomials --------------------------------------------------------------------------------------------------------------


def eliminate(terms: Sequence[Tokens], evaluator: Evaluator, views: Views, view: int) -> list[Sum]:
    """Fit all terms together, then leave out the least useful one, again and again; return the sums met on the way."""
    if not terms:
        return []
    values = evaluator.values(terms)
    usable = [k for k in range(len(terms)) if np.all(np.isfinite(values[k])) and np.ptp(values[k]) > 0]
    if not usable:
        return []
    F, target = _directions(values[usable], views, view)
    remaining = _spanning(F)
    Q, R = np.linalg.qr(F[remaining].T)
    inverse = np.linalg.inv(R)
    coefficients = inverse @ (Q.T @ target)
    covariance = inverse @ inverse.T
    found = []
    while remaining:
        if len(remaining) <= KEPT:
            chosen = [terms[usable[k]] for k in remaining]
            left = _left(_basis(F[remaining]), target)
            found.append(Sum(view, tuple(t.tobytes() for t in chosen), left, sum(len(t) + 3 for t in chosen)))
        # leaving out term k raises what is left by its coefficient squared over its variance; the others take over its part
        variances = np.diag(covariance)
        k = int(np.argmin(coefficients**2 / variances))
        others = np.delete(np.arange(len(remaining)), k)
        share = covariance[others, k] / variances[k]
        coefficients = coefficients[others] - share * coefficients[k]
        covariance = covariance[np.ix_(others, others)] - np.outer(share, covariance[k, others])
        del remaining[k]
    return found


def _spanning(F: Floats) -> list[int]:
    """Return the first of the directions that are linearly independent, at most three for four rows."""
    basis = np.empty((0, F.shape[1]))
    kept: list[int] = []
    for k, vector in enumerate(F):
        if len(kept) >= 3 * F.shape[1] // 4:
            break
        rest = vector - (basis @ vector) @ basis
        rest -= (basis @ rest) @ basis
        size = np.linalg.norm(rest)
        if size > 1e-6:
            basis = np.vstack([basis, rest / size])
            kept.append(k)
    return kept


def monomials(grammar: Grammar) -> list[Tokens]:
    """Return the variables and their products of powers, by degree: as high a degree as keeps them few.

    Without multiplication in the language it is the variables alone.
    """
    count = len(grammar.variables)
    found: list[Tokens] = []
    for degree in range(1, DEGREE + 1 if grammar.has("*") else 2):
        if degree > 1 and math.comb(count + degree, degree) > MONOMIALS:
            break
        found += [
            _monomial(grammar, powers)
            for powers in itertools.combinations_with_replacement(range(count), degree)
        ]
    return found


def _monomial(grammar: Grammar, variables: tuple[int, ...]) -> Tokens:
    times = grammar.token("*")
    return np.array([*[times] * (len(variables) - 1), *variables], np.int16)


def logarithms(grammar: Grammar) -> list[Tokens]:
    """Return the logarithm of each variable, the terms of a power law in the view log y; none where the language has no log."""
    if not grammar.has("log"):
        return []
    return [
        np.array([grammar.token("log"), variable], np.int16) for variable in range(len(grammar.variables))
    ]
