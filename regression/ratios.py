"""Quotients of sums, ``(a0 + a1*f1 + ...)/(b0 + b1*g1 + ...)``: found by linear algebra, because ``t*Q - P = 0`` is linear in both.

The coefficients are the direction in which the columns of P and of ``-t*Q`` hardly differ from zero together; dividing the rows by the
last Q (Sanathanan and Koerner 1963) makes the errors those of the quotient.  Degrees rise until a quotient is exact or the rows
are used up, then terms are left out one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Floats, Views, joined, outermost
from symnum.regression.sums import beam

REWEIGHTED = 3
"""How often the rows are divided by the denominator found last."""

MOST_TERMS = 24
"""Terms above and below the line together, the constants included."""

KEPT = 2
"""How many pairs of degrees are thinned out, if none is exact."""

FEW, FEW_TERMS, WIDTH, PER_TERM, SPARSE = 20, 4, 100, 6, 6
"""Of how many monomials quotients of few terms are made, with how many terms besides one and a constant; how many are looked at."""

TRIED = 3
"""How many of the least useful terms are left out on trial, one at a time."""

Places = tuple[int, ...]


@dataclass(frozen=True)
class Ratio:
    """Hold a quotient in a view of the target as tokens with constant slots, their values, and what it leaves unexplained there."""

    view: int
    tokens: Tokens
    constants: tuple[float, ...]
    left: float


@dataclass(frozen=True)
class _Columns:
    """Hold the terms of P and Q with their values; term 0 is the constant 1, and a term is numbered in P first, then in Q."""

    terms: Sequence[Tokens]
    values: Floats
    target: Floats
    share: Floats
    spread: float

    @property
    def count(self) -> int:
        return len(self.values)

    def both(self, places: Places) -> Floats:
        """Return the columns (rows, places) of P and of -t*Q."""
        return np.array(
            [self.values[k] if k < self.count else -self.target * self.values[k - self.count] for k in places]
        ).T

    def quotient(self, places: Places, coefficients: Floats) -> tuple[Floats, Floats]:
        """Return P and Q (rows,)."""
        sides = np.zeros((2, len(self.target)))
        for k, c in zip(places, coefficients, strict=True):
            sides[k // self.count] += c * self.values[k % self.count]
        return sides[0], sides[1]

    def weights(self, places: Places, coefficients: Floats) -> Floats | None:
        """Return by what t*Q - P is to be multiplied so that its errors are those of P/Q; None where Q nearly vanishes."""
        size = np.abs(self.quotient(places, coefficients)[1])
        return np.asarray(size.mean() / size) if np.all(size > 1e-9 * size.max()) else None

    def left(self, places: Places, coefficients: Floats) -> float:
        """Return the part of the target's variance that the quotient leaves; inf where Q vanishes on a row."""
        above, below = self.quotient(places, coefficients)
        with np.errstate(all="ignore"):
            left = float(self.share @ (self.target - above / below) ** 2) / self.spread
        return left if np.isfinite(left) else np.inf


def ratios(
    monomials: Sequence[Sequence[Tokens]], evaluator: Evaluator, views: Views, view: int
) -> list[Ratio]:
    """Return quotients for a view's target of sums of ``monomials``, which are grouped by degree, 1 first.

    There is more than one row for each coefficient; the list is empty where the rows do not suffice for a quotient.
    """
    flat = [tokens for degree in monomials for tokens in degree]
    if not flat:
        return []
    values = np.vstack([np.ones((1, evaluator.rows)), evaluator.values(flat)])
    target = views.targets[view] + views.means[view]
    columns = _Columns(flat, values, target, views.weights[view], float(views.spread[view]))
    sizes = np.cumsum([1, *map(len, monomials)])
    usable = [bool(np.all(np.isfinite(values[: sizes[d]]))) for d in range(len(sizes))]
    limit = min(MOST_TERMS, 3 * evaluator.rows // 4)
    pairs = [
        (int(sizes[p] + sizes[q]), p, q)
        for p in range(len(sizes))
        for q in range(1, len(sizes))
        if sizes[p] + sizes[q] <= limit and usable[max(p, q)]
    ]
    met: list[tuple[float, Places, Floats, float]] = []
    exact = views.floors[view] + 1e-22
    for size, p, q in sorted(pairs):
        places = (*range(sizes[p]), *(columns.count + k for k in range(sizes[q])))
        coefficients = _solved(columns, places)
        left = columns.left(places, coefficients)
        met.append((_bits(evaluator.rows, left, exact, size), places, coefficients, left))
        if left <= exact:
            break
    found: list[Ratio] = []
    if not met:
        return found
    if met[-1][3] > exact:
        few = list(itertools.accumulate(monomials, lambda a, b: [*a, *b]))
        count = max((len(terms) for terms in few if len(terms) <= FEW), default=0)
        found += _sparse(evaluator.grammar, columns, views.names[view], view, count)
    for _, places, coefficients, left in sorted(met, key=lambda m: m[0])[
        : 1 if met[-1][3] <= exact else KEPT
    ]:
        found += _thinned(evaluator.grammar, columns, views.names[view], view, places, coefficients, left)
    return found


def _sparse(grammar: Grammar, columns: _Columns, name: str, view: int, count: int) -> list[Ratio]:
    """Return the best quotients of few terms: those of P and t*Q are chosen in a beam, for each term of Q that may stand alone.

    Under noise most of the terms of a full quotient explain the noise in t*Q, and the direction that is left is arbitrary.
    """
    root = np.sqrt(columns.share)
    met: dict[Places, tuple[float, Floats, float]] = {}
    numerators = range(1, count + 1)
    denominators = [columns.count + k for k in range(count + 1)]
    for alone in denominators:
        places = [*numerators, *(k for k in denominators if k != alone)]
        table = (columns.both((*places, alone)) - columns.share @ columns.both((*places, alone))).T * root
        norms = np.linalg.norm(table, axis=1)
        usable = np.flatnonzero(norms[:-1] > 1e-9 * norms[-1])
        if not norms[-1] > 0 or len(usable) < 2:
            continue
        F, target = table[usable] / norms[usable, None], table[-1] / norms[-1]
        for chosen in beam(F, target, np.ones(len(F)), FEW_TERMS, WIDTH):
            for each, _ in sorted(chosen, key=lambda c: c[1])[:PER_TERM]:
                terms = tuple(sorted((0, alone, *(places[usable[k]] for k in each))))
                if terms not in met and any(k > columns.count for k in terms):
                    coefficients = _solved(columns, terms)
                    left = columns.left(terms, coefficients)
                    met[terms] = (_bits(len(root), left, 0.0, len(terms)), coefficients, left)
    found: list[Ratio] = []
    for terms, (_, coefficients, left) in sorted(met.items(), key=lambda m: m[1][0])[:SPARSE]:
        found += _thinned(grammar, columns, name, view, terms, coefficients, left)
    return found


def _bits(rows: int, left: float, exact: float, terms: int) -> float:
    return rows / 2 * float(np.log2(max(left, exact))) + 12.0 * terms


def _solved(columns: _Columns, places: Places) -> Floats:
    """Return the coefficients, the largest of Q among them 1, at which t*Q - P is least, weighted as errors of P/Q are."""
    table = columns.both(places) * np.sqrt(columns.share)[:, None]
    below = np.array([k >= columns.count for k in places])
    coefficients = _direction(np.asarray(np.linalg.qr(table, "r")), below)
    for _ in range(REWEIGHTED - 1):
        weights = columns.weights(places, coefficients)
        if weights is None:
            break
        coefficients = _direction(np.asarray(np.linalg.qr(table * weights[:, None], "r")), below)
    return coefficients


def _direction(triangle: Floats, below: NDArray[np.bool_]) -> Floats:
    """Return the coefficients at which the columns' sum is least, one of those ``below`` the line being 1."""
    norms = np.linalg.norm(triangle, axis=0)
    norms[norms == 0] = 1.0
    scaled = triangle / norms
    direction = np.linalg.svd(scaled)[2][-1]
    pivot = int(np.argmax(np.where(below, np.abs(direction), -1.0)))
    others = np.arange(len(norms)) != pivot
    coefficients = np.ones(len(norms))
    coefficients[others] = np.linalg.lstsq(scaled[:, others], -scaled[:, pivot], rcond=1e-13)[0]
    return coefficients / norms * norms[pivot]


def _thinned(
    grammar: Grammar,
    columns: _Columns,
    name: str,
    view: int,
    places: Places,
    coefficients: Floats,
    left: float,
) -> list[Ratio]:
    """Return the quotient and those met when its least useful terms are left out one after the other."""
    found = []
    root = np.sqrt(columns.share)[:, None]
    while True:
        written = _written(grammar, columns, name, places, coefficients)
        if written is not None and np.isfinite(left):
            found.append(Ratio(view, *written, left))
        weights = columns.weights(places, coefficients)
        below = np.array([k >= columns.count for k in places])
        if weights is None or len(places) <= 3:
            return found
        triangle = np.asarray(np.linalg.qr(columns.both(places) * root * weights[:, None], "r"))
        use = np.abs(coefficients) * np.linalg.norm(triangle, axis=0)
        removable = [int(k) for k in np.argsort(use) if np.sum(below == below[k]) > 1][:TRIED]
        tried = []
        for k in removable:
            rest = np.arange(len(places)) != k
            fewer = tuple(p for p, kept in zip(places, rest, strict=True) if kept)
            solved = _direction(triangle[:, rest], below[rest])
            tried.append((columns.left(fewer, solved), fewer, solved))
        if not tried:
            return found
        left, places, coefficients = min(tried, key=lambda t: t[0])


def _written(
    grammar: Grammar, columns: _Columns, name: str, places: Places, coefficients: Floats
) -> tuple[Tokens, tuple[float, ...]] | None:
    """Return the tokens and constants of ``undo(P/Q)`` where one term of Q has no coefficient; None when Q is a constant."""
    inner = [k for k in range(len(places)) if places[k] > columns.count]
    if not inner:
        return None
    pivot = max(inner, key=lambda k: abs(coefficients[k]))
    if coefficients[pivot] == 0:
        return None
    scaled = coefficients / coefficients[pivot]
    C, plus, times = grammar.constant, grammar.token("+"), grammar.token("*")
    sides: list[list[int]] = []
    constants: list[float] = []
    for side in range(2):
        parts: list[list[int]] = []
        for k, place in enumerate(places):
            if (place >= columns.count) != bool(side):
                continue
            term = [int(t) for t in columns.terms[place % columns.count - 1]] if place % columns.count else []
            if k == pivot:
                parts.append(term)
                continue
            parts.append([times, C, *term] if term else [C])
            constants.append(float(scaled[k]))
        sides.append(joined(plus, parts).tolist())
    outer = [grammar.token(each) for each in outermost(name)]
    tokens = [*outer, times, *sides[0], grammar.token("^-1"), *sides[1]]
    return np.array(tokens, np.int16), tuple(constants)
