"""Sums of given expressions, ``b + a1*f1 + a2*f2 + ...``: stored ones in a beam, monomials by elimination.

All pairs of stored expressions are compared at once through their correlations; the best are then grown term by term, and what a
further term would explain is its projection on what is left after the terms already there are projected out (orthogonal least
squares).  In the view log y the same gives products of powers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
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

LIBRARY, MIXED, MIXTURES = 400, 6, 64
"""Terms of which mixtures are made, how many a mixture may have, and the width of the beam."""

MONOMIALS = 120
KEPT = 24
"""How many monomials a pool has at most, and how many of them a formula may have."""

DEGREE = 10

ROUNDING = 1e-24
"""What a sum that fits exactly leaves here, where squares are subtracted."""

PER_TOKEN = 0.02
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
    exact = views.floors[view] + ROUNDING
    found: list[Sum] = []
    for chosen in beam(F, target, np.exp(PER_TOKEN * lengths), terms, BEAM):
        budget.spend(len(chosen))
        for each, left in chosen:
            tokens = tuple(bank.tokens(int(candidates[k])).tobytes() for k in each)
            found.append(Sum(view, tokens, left, int(sum(lengths[k] + 3 for k in each))))
        if budget.spent or min(left for _, left in chosen) <= exact:
            break
    return found


def beam(
    F: Floats,
    target: Floats,
    handicap: Floats,
    terms: int,
    width: int,
    paired: int | None = None,
    rows_per_term: int = ROWS_PER_TERM,
) -> Iterator[list[tuple[tuple[int, ...], float]]]:
    """Yield the best sets of 2, 3, ... up to ``terms`` of the directions ``F`` (directions, rows), with what each leaves of the target.

    All directions and the target are centred and of length one; ``handicap`` multiplies what a direction leaves.  Of the first
    ``paired`` directions all pairs are looked at, and of the best single ones those with any other.
    """
    most = min(terms, F.shape[1] // rows_per_term)
    if most < 2 or len(F) < 2:
        return
    chosen = _best_pairs(F[:paired], target, handicap[:paired], width)
    if paired is not None and paired < len(F):
        alone = np.argsort((1 - (F @ target) ** 2 + 1e-30) * handicap, kind="stable")[:width]
        singles: list[tuple[int, ...]] = [(int(k),) for k in alone]
        chosen = list(
            dict.fromkeys(
                [*chosen, *_extended(F, target, handicap, singles, [F[list(k)] for k in singles], width)]
            )
        )
    for count in range(2, most + 1):
        if not chosen:
            return
        bases = [_basis(F[list(each)]) for each in chosen]
        yield [(each, _left(basis, target)) for each, basis in zip(chosen, bases, strict=True)]
        if count < most:
            chosen = _extended(F, target, handicap, chosen, bases, width)


def _extended(
    F: Floats,
    target: Floats,
    handicap: Floats,
    chosen: list[tuple[int, ...]],
    bases: list[Floats],
    width: int,
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
        top = np.argpartition(rank[:, b], min(width, len(F) - 1))[:width]
        for k in top[np.isfinite(rank[top, b])]:
            larger = tuple(sorted((*each, int(k))))
            best.setdefault(larger, float(rank[k, b]) * own)
    return sorted(best, key=lambda larger: (best[larger], larger))[:width]


def _best_pairs(F: Floats, target: Floats, handicap: Floats, width: int) -> list[tuple[int, ...]]:
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
        for flat in np.argpartition(rank.ravel(), min(width, rank.size - 1))[:width]:
            i, k = divmod(int(flat), len(F))
            if np.isfinite(rank[i, k]):
                best.append((float(rank[i, k]), (start + i, k)))
    return [pair for _, pair in sorted(best)[:width]]


def _basis(vectors: Floats) -> Floats:
    """Return an orthonormal basis (vectors, rows) of the span."""
    return np.ascontiguousarray(np.linalg.qr(vectors.T)[0].T)


def _left(basis: Floats, target: Floats) -> float:
    residual = target - (basis @ target) @ basis
    return float(residual @ residual)


# --- mixtures -------------------------------------------------------------------------------------------------------------


def mixtures(
    terms: Sequence[Tokens],
    evaluator: Evaluator,
    views: Views,
    view: int,
    most: int = MIXED,
    width: int = MIXTURES,
) -> list[Sum]:
    """Return the best sums of up to ``most`` of the given terms that a beam of this width meets."""
    values = evaluator.values(terms)
    share = views.weights[view]
    with np.errstate(all="ignore"):
        centred = (values - (values @ share)[:, None]) * np.sqrt(share)
        norms = np.linalg.norm(centred, axis=1)
        usable = np.flatnonzero(
            (norms > 1e-9 * np.abs(values).max(axis=1)) & np.isfinite(norms) & (norms < 1e100)
        )
    if len(usable) < 2:
        return []
    F, target = centred[usable] / norms[usable, None], views.targets[view] * np.sqrt(share)
    lengths = np.array([len(terms[int(k)]) for k in usable])
    found: list[Sum] = []
    for chosen in beam(
        F, target / np.linalg.norm(target), np.exp(PER_TOKEN * lengths), most, width, rows_per_term=3
    ):
        for each, left in sorted(chosen, key=lambda c: c[1])[:8]:
            texts = tuple(terms[int(usable[k])].tobytes() for k in each)
            found.append(Sum(view, texts, left, int(sum(lengths[k] + 3 for k in each))))
        if min(left for _, left in chosen) <= views.floors[view] + ROUNDING:
            break
    return found


def library(grammar: Grammar) -> list[Tokens]:
    """Return terms that laws often add up: monomials, and functions of those of low degree; as many as LIBRARY."""
    degrees = monomials_by_degree(grammar)
    inner = [tokens for degree in degrees[: 3 if len(grammar.variables) == 1 else 2] for tokens in degree]
    unary = [
        int(t) for t in grammar.searched if grammar.arity[t] == 1 and grammar.names[t] not in ("neg", "abs", "^2", "^3", "^4")
    ]  # fmt: skip
    functions = [np.concatenate([np.array([t], np.int16), tokens]) for tokens in inner for t in unary]
    plain: list[Tokens] = []
    for degree in degrees[:6]:
        if plain and len(plain) + len(degree) + len(functions) > LIBRARY:
            break
        plain += degree
    # a monomial times a function of another variable, such as x*y*cos(z)
    times = grammar.token("*")
    count = len(degrees[0])
    mixed = [
        np.concatenate([np.array([times], np.int16), tokens, each])
        for each in functions[: count * len(unary)]
        for tokens in inner
        if not np.any(tokens == each[-1])
    ]
    return [*plain, *functions, *mixed][:LIBRARY]


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
    return list(itertools.chain.from_iterable(monomials_by_degree(grammar)))


def monomials_by_degree(grammar: Grammar) -> list[list[Tokens]]:
    """Return what :func:`monomials` does, a list for each degree from 1 on."""
    count = len(grammar.variables)
    found: list[list[Tokens]] = []
    for degree in range(1, DEGREE + 1 if grammar.has("*") else 2):
        if degree > 1 and math.comb(count + degree, degree) > MONOMIALS:
            break
        found.append(
            [
                _monomial(grammar, powers)
                for powers in itertools.combinations_with_replacement(range(count), degree)
            ]
        )
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
