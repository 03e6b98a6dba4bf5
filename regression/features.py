"""Choose the columns that take part in a search where there are many.

Two rankings take turns: the importances of randomised trees (Geurts, Ernst and Wehenkel 2006), which see even functions and interactions,
and the correlation of ranks, which sees weak monotone effects under noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from symnum.regression.problem import Problem

TREES = 100
ROWS = 2000
"""Rows that are looked at."""


def select_features(problem: Problem, count: int, seed: int) -> list[int]:
    """Return the places of the ``count`` most useful variables, in their order; all when there are no more.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 40))
    >>> select_features(Problem.of(X, X[:, 7] * X[:, 31] + X[:, 2], np.ones(300)), 3, seed=0)
    [2, 7, 31]
    """
    total = len(problem.X)
    if count >= total:
        return list(range(total))
    part = problem.sample(ROWS, np.random.default_rng(seed))
    trees = ExtraTreesRegressor(TREES, max_features=max(1, total // 3), min_samples_leaf=2, random_state=seed)
    trees.fit(part.X.T, part.y, sample_weight=part.weights)
    rankings = [np.argsort(-each, kind="stable") for each in (trees.feature_importances_, _monotone(part))]
    chosen: list[int] = []
    for pair in zip(*rankings, strict=True):
        for k in map(int, pair):
            if k not in chosen and len(chosen) < count:
                chosen.append(k)
    return sorted(chosen)


def _monotone(problem: Problem) -> NDArray[np.float64]:
    """Return the size of the correlation of the ranks of each variable with those of the target."""
    weights = problem.weights / problem.weights.sum()
    ranks = np.array([_ranks(each) for each in (*problem.X, problem.y)])
    ranks -= (ranks @ weights)[:, None]
    norms = np.sqrt(ranks**2 @ weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(np.abs((ranks[:-1] * weights) @ ranks[-1] / (norms[:-1] * norms[-1])))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks, the mean of them for equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]
