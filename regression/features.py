"""Choose the columns that take part in a search where there are many.

Two rankings take turns: the importances of randomised trees (Geurts, Ernst and Wehenkel 2006), which see interactions, and correlations of
ranks, which see weak effects under noise: of the values and of their distances from the median, so that even functions and products
count too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from symnum.regression.problem import Problem

TREES = 60
ROWS = 1000
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
    rankings = [
        np.argsort(-each, kind="stable") for each in (trees.feature_importances_, _correlations(part))
    ]
    chosen: list[int] = []
    for pair in zip(*rankings, strict=True):
        for k in map(int, pair):
            if k not in chosen and len(chosen) < count:
                chosen.append(k)
    return sorted(chosen)


def _correlations(problem: Problem) -> NDArray[np.float64]:
    """Return, for each variable, the largest correlation of its ranks or their distances from the middle with those of the target."""
    weights = problem.weights / problem.weights.sum()
    ranks = np.array([_ranks(each) for each in (*problem.X, problem.y)])
    ranks -= (ranks @ weights)[:, None]
    distances = np.abs(ranks)
    distances -= (distances @ weights)[:, None]
    scaled = []
    for each in (ranks, distances):
        norms = np.sqrt(each**2 @ weights)
        scaled.append(each / np.where(norms > 0, norms, 1.0)[:, None])
    found = [np.abs((ours[:-1] * weights) @ target[-1]) for ours in scaled for target in scaled]
    return np.asarray(np.max(found, axis=0))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks, the mean of them for equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])
