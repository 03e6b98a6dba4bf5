"""The evaluator of the search: nodes and expressions a second, own vector functions, fits of constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness import Row, in_own_process, least, limit_row, row
from peers_evaluator import data

from symnum.regression import kernels
from symnum.regression.evaluator import Evaluator, padded
from symnum.regression.fitting import FitLimits, fit_many
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Problem, Views

GRAMMAR = Grammar(("x", "y", "z"), ("+", "-", "*", "/", "sin", "cos", "exp", "log", "sqrt", "^2"))
NODES = 15
COUNT = 1000
MANY = 40
"""Expressions in one call, and fits: short calls, many rounds, so that the least time is that of an idle machine."""

BOUNDS = {
    "arithmetic": (1e-9, ">= 1e9 nodes*rows a second"),
    "with functions": (2.5e-9, ">= 4e8 nodes*rows a second"),
}


def expressions(kind: str) -> list[Tokens]:
    """Return random expressions of 15 nodes: of + - * / alone, or of all operations."""
    rng = np.random.default_rng(1)
    binary = [GRAMMAR.token(name) for name in "+-*/"]
    unary = (
        [] if kind == "arithmetic" else [GRAMMAR.token(n) for n in ("sin", "cos", "exp", "log", "sqrt", "^2")]
    )
    found: list[Tokens] = []
    while len(found) < COUNT:
        prefix: list[int] = []
        missing = 1
        while missing > 0:
            left = NODES - len(prefix) - missing  # nodes that are still free once every argument has one
            choices = (binary if left >= 2 else []) + (unary if left >= 1 else [])
            if left == 0 or (missing > 1 and not choices) or (missing > 1 and rng.random() < 0.4):
                choices = list(GRAMMAR.leaves)
            if not choices:
                break
            prefix.append(int(rng.choice(choices)))
            missing += int(GRAMMAR.arity[prefix[-1]]) - 1
        if missing == 0 and len(prefix) == NODES:
            found.append(np.array(prefix, np.int16))
    return found


def _views(rows: int) -> tuple[Evaluator, Views]:
    X = data(rows)
    y = 5 + 2 * X[:, 0] + np.sin(X[:, 1])
    problem = Problem(np.ascontiguousarray(X.T), y, np.ones(rows))
    return Evaluator(GRAMMAR, problem.X), Views.of(problem, GRAMMAR)


def evaluation_rows() -> list[Row]:
    """Measure evaluation and scoring, an expression or a node on one row at a time."""
    found = []
    for kind, (bound, words) in BOUNDS.items():
        chosen = expressions(kind)
        texts = [" ".join(GRAMMAR.names[t] for t in tokens) for tokens in chosen]
        for count in (20, 100, 1000, 10_000):
            part = chosen[: max(50, min(COUNT, 1_000_000 // count))]
            evaluator, views = _views(count)
            tokens, lengths = padded(part)
            slots = np.zeros((len(part), 1))
            seconds = least(lambda: kernels.evaluate(tokens, lengths, slots, *evaluator.tables), rounds=20)  # noqa: B023
            each = seconds / (len(part) * NODES * count)
            name = f"{kind}, {count:,} rows: a node on one row"
            found.append(limit_row(name, each, bound, words if count == 100 else ""))
            if count != 100:
                found[-1]["reached"] = None
            else:
                for peer in ("gplearn", "pyoperon"):
                    theirs: Any = in_own_process("peers_evaluator", peer, texts[: len(part)], count)
                    if isinstance(theirs, float):
                        label = "pyoperon, single precision" if peer == "pyoperon" else peer
                        found.append(row(name, label, each, theirs / (len(part) * NODES * count)))
                scores = least(lambda: evaluator.scores(part, views), rounds=20)  # noqa: B023
                name = f"{kind}, {count} rows: score an expression in {len(views.names)} views"
                found.append(limit_row(name, scores / len(part), 5e-6, ">= 200,000 expressions a second"))
    return found


def fit_rows() -> list[Row]:
    """Measure fits of three constants in 15 nodes on 100 rows, from one start, with noise."""
    evaluator, _ = _views(100)
    x, y, _ = evaluator.X
    rng = np.random.default_rng(2)
    found = []
    for name, text, target in (
        ("one inside", "+ * C exp * C x * C + y * x + 1 y", 2 * np.exp(-1.3 * x) + 0.7 * (y + x * (1 + y))),
        (
            "all inside",
            "/ * x + y C + * C y exp * C + x y",
            x * (y + 0.5) / (1.5 * y + np.exp(0.4 * (x + y))),
        ),
    ):
        tokens = GRAMMAR.parse(text)
        assert len(tokens) in (14, 15, 16)
        noisy = target + rng.normal(0, 0.01, 100)
        limits = FitLimits(starts=1, screening=40)
        fits = fit_many(evaluator, [tokens] * MANY, noisy, limits=limits)
        assert fits.losses[0] < 2e-4
        seconds = least(lambda: fit_many(evaluator, [tokens] * MANY, noisy, limits=limits), rounds=200)  # noqa: B023
        label = f"fit 3 constants, {name}, {len(tokens)} nodes, 100 rows, {fits.steps[0]} steps"
        found.append(limit_row(label, seconds / MANY, 1e-4, ">= 10,000 fits a second"))
    return found


def rows() -> list[Row]:
    """Return all rows of this benchmark."""
    return evaluation_rows() + fit_rows()
