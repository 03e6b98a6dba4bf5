"""Eleven balls dropped from a bridge (de Silva et al. 2020): data, and the physics models that a found law is compared with.

Training data are the first two seconds, test data what follows; columns are time (s) and height (m).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from regression_problems import SHARED

Floats = NDArray[np.float64]

OPERATORS = ("+", "-", "*", "/", "^2", "sqrt", "exp", "log", "cosh")
"""What a law of a fall may be built from: nothing in it oscillates."""


@dataclass(frozen=True)
class Drop:
    """Hold the times and heights of one ball, for training and for the test."""

    ball: str
    t: Floats
    h: Floats
    t_test: Floats
    h_test: Floats


def balls() -> list[str]:
    """Return the names of the balls; none where the data are not there."""
    return sorted(path.name.removesuffix("_train.csv") for path in (SHARED / "balldrop").glob("*_train.csv"))


def drop(ball: str) -> Drop:
    """Return the data of a ball; FileNotFoundError where there are none."""
    train, test = (
        np.loadtxt(SHARED / "balldrop" / f"{ball}_{part}.csv", delimiter=",") for part in ("train", "test")
    )
    return Drop(ball, train[:, 0], train[:, 1], test[:, 0], test[:, 1])


def _cubic(t: Floats, _: float) -> Floats:
    return np.stack([np.ones_like(t), t, t**2, t**3], axis=1)


def _linear_drag(t: Floats, rate: float) -> Floats:
    return np.stack([np.ones_like(t), t, np.exp(rate * t)], axis=1)


def _quadratic_drag(t: Floats, rate: float) -> Floats:
    return np.stack([np.ones_like(t), np.logaddexp(rate * t, -rate * t)], axis=1)


PHYSICS: dict[str, tuple[Callable[[Floats, float], Floats], tuple[float, float]]] = {
    "c0+c1*t+c2*t^2+c3*t^3": (_cubic, (0.0, 0.0)),
    "c0+c1*t+c2*exp(c3*t)": (_linear_drag, (-3.0, 3.0)),
    "c0+c1*log(cosh(c2*t))": (_quadratic_drag, (1e-3, 5.0)),
}
"""Model -> its terms given the one rate that is not linear, and the range of that rate."""


def physics_errors(given: Drop) -> dict[str, float]:
    """Return the mean squared test error of each physics model, fitted to the training data by least squares."""
    return {name: _error(given, terms, low, high) for name, (terms, (low, high)) in PHYSICS.items()}


def _error(given: Drop, terms: Callable[[Floats, float], Floats], low: float, high: float) -> float:
    """Fit the linear coefficients for each rate, and the rate on a grid that is refined around its best point."""

    def loss(rate: float) -> float:
        table = terms(given.t, rate)
        solved = np.linalg.lstsq(table, given.h, rcond=None)[0]
        return float(np.sum((table @ solved - given.h) ** 2))

    best = low
    for _ in range(8 if high > low else 1):
        grid = np.linspace(low, high, 201)
        best = float(min(grid, key=loss))
        step = (high - low) / 200
        low, high = best - 2 * step, best + 2 * step
    solved = np.linalg.lstsq(terms(given.t, best), given.h, rcond=None)[0]
    return float(np.mean((terms(given.t_test, best) @ solved - given.h_test) ** 2))
