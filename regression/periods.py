"""Periodic dependence on a product of powers: ``A*(c + a*sin(omega*z + phi))`` for monomials A and z, by the spectrum of the target over z.

A wave of many periods has no good start for its frequency but this, and no correlation with anything else by which a search
would come near.  Frequencies are compared by the discrete Fourier sums over the rows, as in a periodogram of uneven samples (Lomb 1976).
"""

from __future__ import annotations

import itertools

import numpy as np

from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Floats, Problem, joined

PERIODS, STEP = 24.0, 0.1
"""Most periods within the range of z, and the distance of the frequencies."""

ARGUMENTS, FACTORS = 300, 40
"""How many monomials may be z, and how many A."""

KEPT = 12

EXPLAINED = 0.2
"""A wave that explains less than this part of the target is not looked at."""


def waves(evaluator: Evaluator, problem: Problem, budget: Budget) -> list[Candidate]:
    """Return the best waves, with good starts for all constants; none where the search may not use sin."""
    grammar = evaluator.grammar
    if not grammar.has("sin") or problem.rows < 12:
        return []
    arguments = _monomials(grammar, (1, -1, 2), 3)[:ARGUMENTS]
    factors = [None, *_monomials(grammar, (1, -1), 2)][:FACTORS]
    z = evaluator.values(arguments)
    scale = np.ones((len(factors), problem.rows))
    scale[1:] = evaluator.values([f for f in factors if f is not None])
    usable = np.all(np.isfinite(scale), axis=1) & (
        np.abs(scale).min(axis=1) > 1e-6 * np.abs(scale).max(axis=1)
    )
    factors, scale = [f for f, good in zip(factors, usable, strict=True) if good], scale[usable]
    targets = problem.y / scale
    weights = problem.weights * scale**2
    share = weights / weights.sum(axis=1, keepdims=True)
    targets = targets - np.sum(share * targets, axis=1, keepdims=True)
    spread = np.sum(share * targets**2, axis=1)
    found: list[tuple[float, int, int, float, complex]] = []
    for k, column in enumerate(z):
        width = float(np.ptp(column)) if np.all(np.isfinite(column)) else 0.0
        if not width > 0 or budget.spent:
            continue
        sums = _spectrum(column / width, share * targets)
        with np.errstate(all="ignore"):
            explained = 2 * np.abs(sums) ** 2 / spread[:, None]
        for a in range(len(factors)):
            f = int(np.argmax(explained[a]))
            if spread[a] > 0 and explained[a, f] > EXPLAINED:
                omega = 2 * np.pi * STEP * (f + 1) / width
                found.append((-float(explained[a, f]), a, k, omega, complex(sums[a, f])))
    found.sort(key=lambda each: each[:4])
    budget.spend(len(found[:KEPT]))
    return [
        _written(grammar, factors[a], arguments[k], omega, total) for _, a, k, omega, total in found[:KEPT]
    ]


def _spectrum(z: Floats, targets: Floats) -> np.ndarray:
    """Return sum(target * exp(2 pi i f z)) for each target and each frequency f = STEP, 2*STEP, ... (targets, frequencies)."""
    count = round(PERIODS / STEP)
    turns = np.exp(2j * np.pi * STEP * np.outer(z, np.arange(1, count + 1)))
    return np.asarray(targets @ turns)


def _monomials(grammar: Grammar, powers: tuple[int, ...], most: int) -> list[Tokens]:
    """Return products of up to ``most`` different variables to one of the powers, the simplest first."""
    words = {1: (), -1: ("^-1",), 2: ("^2",)}
    found: list[Tokens] = []
    for size in range(1, most + 1):
        for variables in itertools.combinations(range(len(grammar.variables)), size):
            for chosen in itertools.product(powers, repeat=size):
                # z and 1/z are different arguments, but x/y^2 and the like are rare
                if size > 1 and chosen.count(2) > 1:
                    continue
                parts = [
                    [*(grammar.token(word) for word in words[p]), v]
                    for v, p in zip(variables, chosen, strict=True)
                ]
                found.append(joined(grammar.token("*"), parts))
    return found


def _written(
    grammar: Grammar, factor: Tokens | None, argument: Tokens, omega: float, total: complex
) -> Candidate:
    """Return ``A*(C + C*sin(C + C*z))`` with the phase of the sum: the target goes like cos(omega*z - arg(sum))."""
    plus, times, C = grammar.token("+"), grammar.token("*"), grammar.constant
    inner = [plus, C, times, C, grammar.token("sin"), plus, C, times, C, *map(int, argument)]
    tokens = inner if factor is None else [times, *map(int, factor), *inner]
    size, phase = sine(2 * total.imag, 2 * total.real)
    return Candidate(np.array(tokens, np.int16).tobytes(), (0.0, size, phase, omega))


def sine(by_sine: float, by_cosine: float) -> tuple[float, float]:
    """Return (a, phi) of ``a*sin(z + phi)`` for a sum of sin(z) and cos(z); phi lies between -pi/2 and pi/2, where it is simplest.

    >>> sine(0.0, -2.0)
    (-2.0, 1.5707963267948966)
    """
    size, phase = float(np.hypot(by_sine, by_cosine)), float(np.arctan2(by_cosine, by_sine))
    if not -np.pi / 2 < phase <= np.pi / 2:  # sin(z + pi) is -sin(z)
        size, phase = -size, phase - float(np.copysign(np.pi, phase))
    return size, phase
