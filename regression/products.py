"""Products: of powers, ``c*f^a*g^b*...``, and of an expression with a line in another, ``f*(a*g + b) + c``, both from stored expressions.

The logarithm of a product of powers is a sum, so its exponents are found by least squares.  The powers of all variables are taken
out first, so that the beam looks only for what they do not explain; sizes are taken, so that factors may have both signs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.enumeration import Bank
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Floats, Problem, joined
from symnum.regression.sums import PER_TOKEN, beam

POOL, PAIRED = 40_000, 3000
"""How many of the shortest expressions may be factors, and of how many all pairs are tried."""

FACTORS, WIDTH = 3, 48
"""Most factors besides the powers of variables, and the width of the beam."""

KEPT = 24
"""Products that are handed on for each way of weighing."""

EXPONENTS = 40_000
"""How many of the shortest expressions may be exponents of e."""

OUTER, INNER, SCREENED = 2000, 10_000, 100
"""How many of the shortest expressions may be f, and how many g, in f*(a*g + b) + c, and on how many rows all pairs are compared."""

NEGLIGIBLE = 0.02
"""Exponents below this are none."""

_WRITTEN = {1: (), 2: ("^2",), -1: ("^-1",), -2: ("^-1", "^2"), Fraction(1, 2): ("sqrt",), Fraction(-1, 2): ("^-1", "sqrt")}  # fmt: skip


def power_products(bank: Bank, problem: Problem, budget: Budget) -> list[Candidate]:
    """Return products of powers of variables and of up to three stored expressions; none where a target is 0."""
    if np.any(problem.y == 0) or problem.rows < 8:
        return []
    grammar, size = bank.grammar, np.abs(problem.y)
    pool = min(POOL, bank.size)
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(bank.values[:pool]))
    if grammar.has("exp"):  # f is the logarithm of exp(f)
        logs = np.concatenate([logs, bank.values[: min(EXPONENTS, pool)]])
    usable = np.flatnonzero(np.all(np.isfinite(logs), axis=1))
    leaves = np.flatnonzero(bank.lengths[:pool] == 1)
    variables = [int(k) for k in leaves if k in usable and bank.roots[k] < len(grammar.variables)]
    lengths = np.concatenate([bank.lengths[:pool], bank.lengths[: len(logs) - pool] + 1])
    found: dict[bytes, Candidate] = {}
    for weights in (problem.weights, problem.weights * (size / size.max()) ** 2):
        if budget.spent:
            break
        share = weights / weights.sum()
        for places in _factors(logs, np.log(size), share, usable, variables, lengths):
            for candidate in _written(bank, problem, share, logs, variables, places):
                found.setdefault(candidate.text, candidate)
    budget.spend(len(found))
    return list(found.values())


def _weighted(values: Floats, share: Floats) -> Floats:
    """Return values (..., rows) centred and weighted."""
    return np.asarray((values - (values @ share)[..., None]) * np.sqrt(share))


def _factors(
    logs: Floats,
    target: Floats,
    share: Floats,
    usable: np.ndarray,
    variables: Sequence[int],
    lengths: np.ndarray,
) -> list[tuple[int, ...]]:
    """Return the best sets of factors besides the powers of variables, the empty set first."""
    base = (
        np.linalg.qr(_weighted(logs[list(variables)], share).T)[0].T
        if variables
        else np.empty((0, len(target)))
    )
    rest = _weighted(target, share)
    before = np.linalg.norm(rest)
    rest = rest - (base @ rest) @ base
    left = np.linalg.norm(rest)
    found: list[tuple[int, ...]] = [()]
    if not left > 1e-11 * before:
        return found
    columns = _weighted(logs[usable], share)
    norms = np.linalg.norm(columns, axis=1)
    columns = columns - (columns @ base.T) @ base
    fresh = np.linalg.norm(columns, axis=1)
    new = np.flatnonzero(fresh > 1e-6 * np.maximum(norms, 1e-6))
    F = columns[new] / fresh[new, None]
    # f, f^2 and x*f are one factor: their directions are alike
    _, first = np.unique(np.round(np.abs(F @ np.linspace(1, 2, F.shape[1])), 9), return_index=True)
    new, F = new[np.sort(first)], F[np.sort(first)]
    if len(F) == 0:
        return found
    handicap = np.exp(PER_TOKEN * lengths[usable[new]])
    single = (1 - (F @ (rest / left)) ** 2 + 1e-30) * handicap
    ranked: list[tuple[tuple[int, ...], float]] = [
        ((int(k),), float(single[k])) for k in np.argsort(single)[:WIDTH]
    ]
    for chosen in beam(F, rest / left, handicap, FACTORS, WIDTH, PAIRED):
        ranked += [(each, unexplained * float(np.prod(handicap[list(each)]))) for each, unexplained in chosen]
        if min(unexplained for _, unexplained in chosen) < 1e-20:
            break
    penalty = 2 ** (24 / len(target))  # what another factor costs, in parts of what is left
    ranked.sort(key=lambda r: r[1] * penalty ** len(r[0]))
    return found + [tuple(int(usable[new[k]]) for k in each) for each, _ in ranked[:KEPT]]


def _written(
    bank: Bank,
    problem: Problem,
    share: Floats,
    logs: Floats,
    variables: Sequence[int],
    places: tuple[int, ...],
) -> Iterator[Candidate]:
    """Yield the product with exponents as fitted and with those near a half or a third made so."""
    chosen = [*variables, *places]
    if not chosen:
        return
    table = _weighted(logs[chosen], share).T
    norms = np.linalg.norm(table, axis=0)
    if not np.all(np.isfinite(norms) & (norms > 0)):
        return
    exponents = (
        np.linalg.lstsq(table / norms, _weighted(np.log(np.abs(problem.y)), share), rcond=1e-12)[0] / norms
    )
    pool = min(POOL, bank.size)
    exp, times = bank.grammar.token("exp"), bank.grammar.token("*")
    minus = bank.grammar.token("-") if "-" in bank.grammar.names else -1
    for simple in (True, False):
        rounded = [
            _simple(e) if simple else Fraction(0) if abs(e) < NEGLIGIBLE else float(e) for e in exponents
        ]
        parts, constants = [], []
        values = np.ones(problem.rows)
        for place, exponent in zip(chosen, rounded, strict=True):
            if exponent == 0:
                continue
            if place >= pool:
                tokens = bank.tokens(place - pool)
                parts.append([exp, times, bank.grammar.constant, *map(int, tokens)])
                constants.append(float(exponent))
                with np.errstate(all="ignore"):
                    values = values * np.exp(float(exponent) * bank.values[place - pool])
                continue
            factor, tokens = bank.values[place], bank.tokens(place)
            if np.all(factor < 0) and tokens[0] == minus:  # b - a for a - b
                middle = bank.grammar.end(tokens, 1)
                factor, tokens = -factor, np.concatenate([tokens[:1], tokens[middle:], tokens[1:middle]])
            part, slot = _power(bank.grammar, tokens, exponent)
            parts.append(part)
            constants += slot
            with np.errstate(all="ignore"):
                values = values * factor ** (
                    int(exponent)
                    if isinstance(exponent, Fraction) and exponent.denominator == 1
                    else float(exponent)
                )
        if not parts or not np.all(np.isfinite(values)):
            continue
        scale = float(share @ (values * problem.y / problem.y**2) / (share @ (values / problem.y) ** 2))
        tokens = joined(times, [[bank.grammar.constant], *parts])
        yield Candidate(tokens.tobytes(), (scale, *constants))


def _simple(exponent: float) -> Fraction | float:
    """Return the half or third that an exponent is near, 0 included, or else the exponent."""
    half = Fraction(round(2 * exponent), 2)
    third = Fraction(round(3 * exponent), 3)
    near = min(
        (half, third),
        key=lambda f: (abs(float(f) - exponent) > 0.05, f.denominator, abs(float(f) - exponent)),
    )
    return near if abs(float(near) - exponent) <= 0.05 else exponent


def _power(grammar: Grammar, tokens: Tokens, exponent: Fraction | float) -> tuple[list[int], list[float]]:
    """Return the tokens of a power and the values of its constant slots."""
    if exponent in _WRITTEN:
        return [*(grammar.token(name) for name in _WRITTEN[exponent]), *map(int, tokens)], []
    return [grammar.token("^"), *map(int, tokens), grammar.constant], [float(exponent)]


def multiples(bank: Bank, problem: Problem, budget: Budget, kept: int = KEPT) -> list[Candidate]:
    """Return the best ``f*(a*g + b) + c`` over pairs of stored expressions: all pairs at once, by products of matrices."""
    # a few rows tell the best pairs; their constants are then those of all rows
    rows = np.linspace(0, problem.rows - 1, min(problem.rows, SCREENED)).astype(int)
    w = problem.weights[rows] / problem.weights[rows].sum()
    y = problem.y[rows] - w @ problem.y[rows]
    outer, lengths = min(OUTER, bank.size), bank.lengths
    F = bank.values[:outer][:, rows]
    places = np.flatnonzero(np.ptp(F, axis=1) > 1e-9 * np.abs(F).max(axis=1))
    F = F[places] / np.abs(F[places]).max(axis=1)[:, None]
    f, fy = F @ w, F @ (w * y)
    ff = F**2 @ w - f**2
    best: list[tuple[float, int, int]] = []
    for start in range(0, min(INNER, bank.size), 2048):
        if budget.spent:
            break
        G = bank.values[start : min(start + 2048, INNER, bank.size)][:, rows]
        G = G / np.maximum(np.abs(G).max(axis=1), 1e-300)[:, None]
        with np.errstate(all="ignore"):
            g = (F * w) @ G.T
            gg = (F**2 * w) @ (G**2).T - g**2
            gf = (F**2 * w) @ G.T - g * f[:, None]
            gy = (F * (w * y)) @ G.T
            determinant = gg * ff[:, None] - gf**2
            explained = (
                gy**2 * ff[:, None] - 2 * gy * gf * fy[:, None] + fy[:, None] ** 2 * gg
            ) / determinant
            left = 1 - explained / (w @ y**2)
        left[~(determinant > 1e-9 * gg * ff[:, None])] = np.inf
        rank = np.maximum(left, 1e-13) * np.exp(
            PER_TOKEN * (lengths[places][:, None] + lengths[start : start + len(G)][None, :])
        )
        for flat in np.argpartition(rank.ravel(), min(kept, rank.size - 1))[:kept]:
            i, k = divmod(int(flat), len(G))
            if np.isfinite(rank[i, k]):
                best.append((float(rank[i, k]), int(places[i]), start + k))
    found: dict[bytes, Candidate] = {}
    for _, i, k in sorted(best)[:kept]:
        candidate = _multiple(bank, problem, i, k)
        found.setdefault(candidate.text, candidate)
    budget.spend(len(found))
    return list(found.values())


def _multiple(bank: Bank, problem: Problem, f: int, g: int) -> Candidate:
    """Return f*(b + a*g) + c with the best constants."""
    grammar, root = bank.grammar, np.sqrt(problem.weights)
    table = np.array([np.ones(problem.rows), bank.values[f], bank.values[f] * bank.values[g]]) * root
    norms = np.linalg.norm(table, axis=1)
    c, b, a = np.linalg.lstsq((table / norms[:, None]).T, problem.y * root, rcond=None)[0] / norms
    times, plus, C = grammar.token("*"), grammar.token("+"), grammar.constant
    inner = [plus, C, times, C, *map(int, bank.tokens(g))]
    tokens = [plus, C, times, *map(int, bank.tokens(f)), *inner]
    return Candidate(np.array(tokens, np.int16).tobytes(), (float(c), float(b), float(a)))
