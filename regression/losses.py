"""Losses other than the mean square: by which formulas are ranked and their constants finally refitted.

A loss is a function of target, prediction and weight, row by row, and its mean over the rows is minimised.  The search itself goes by
squares, which are quick; then the constants of the best formulas are refitted, by iteratively reweighted least squares (Holland and
Welsch 1977) with a step length that never raises the loss, and a simplex search at the end for losses with corners.

Ranking (:mod:`symnum.regression.loss_ranking`) takes the loss for the exponent of a density, exp(-loss/theta) with theta fitted, so
that a loss that grows like |r|^p gives normal errors for p = 2 and Laplace's for p = 1, and description lengths can be compared as
those of squares are.

>>> import numpy as np
>>> Loss.of("absolute").mean(np.array([1.0, 2.0]), np.array([1.5, 2.0]), np.ones(2))
0.25
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numba.core.errors import NumbaError
from numpy.typing import NDArray
from scipy.optimize import minimize

from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Tokens
from symnum.regression.kernels import kernel
from symnum.regression.problem import EXACT, Problem

Floats = NDArray[np.float64]

STEPS = 60
"""Reweighted least-squares steps at most."""

POLISHED = 8
"""So many constants at most get a simplex search at the end."""

HUBER = 1.345
"""Where Huber's loss turns from squares to absolute values, in robust standard deviations: 95% as efficient as squares (Huber 1981)."""


@kernel
def squared(y: float, prediction: float, weight: float) -> float:
    """Return the weighted square of the residual."""
    return weight * (prediction - y) ** 2


@kernel
def absolute(y: float, prediction: float, weight: float) -> float:
    """Return the weighted absolute residual."""
    return weight * abs(prediction - y)


@kernel
def relative(y: float, prediction: float, weight: float) -> float:
    """Return the weighted square of the residual relative to the target."""
    return weight * ((prediction - y) / y) ** 2


@kernel
def log(y: float, prediction: float, weight: float) -> float:
    """Return the weighted square of the logarithm of prediction/target; nan where their signs differ."""
    return weight * math.log(prediction / y) ** 2 if prediction / y > 0 else math.nan


def huber(width: float) -> Callable[[float, float, float], float]:
    """Return Huber's loss: squares up to ``width``, then twice ``width`` times the absolute residual less a constant."""

    @njit(error_model="numpy")
    def loss(y: float, prediction: float, weight: float) -> float:
        r = abs(prediction - y)
        return weight * (r * r if r <= width else width * (2 * r - width))

    return loss


NAMED: dict[str, Callable[..., Any]] = {
    "squared": squared,
    "absolute": absolute,
    "relative": relative,
    "log": log,
}
"""Losses by name; Huber's needs a width and comes besides."""


@dataclass(frozen=True)
class Loss:
    """Hold a loss: its name and an elementwise function that numba compiled; see :meth:`of`."""

    name: str
    function: Callable[..., Any] | None

    @classmethod
    def of(cls, spec: Any) -> Loss:
        """Return the loss of a name ("squared", "absolute", "huber", "relative", "log"), a pair ("huber", width), or a function.

        A function takes numbers ``(y, prediction, weight)`` or ``(y, prediction)``, whose result is then multiplied by the weight, and is
        compiled by numba.  Huber's loss without a width takes it from the residuals of the first fit.  Raises ValueError for an unknown
        name, a width that is not positive or a function that numba cannot compile or that does not grow with the residual; TypeError
        for another kind of thing.
        """
        if isinstance(spec, Loss):
            return spec
        if isinstance(spec, str):
            if spec == "huber":
                return cls("huber", None)
            if spec not in NAMED:
                raise ValueError(
                    f"there is no loss {spec!r}; the named ones are {', '.join(NAMED)}, huber; or give a function of "
                    "(y, prediction, weight)"
                )
            return cls(spec, NAMED[spec])
        if isinstance(spec, tuple) and len(spec) == 2 and spec[0] == "huber":
            if (
                isinstance(spec[1], bool)
                or not isinstance(spec[1], int | float)
                or not 0 < spec[1] < math.inf
            ):
                raise ValueError(
                    f"the width of Huber's loss must be a positive number, but is {spec[1]!r}; write ('huber', 1.0)"
                )
            return cls("huber", huber(float(spec[1])))
        if not callable(spec):
            raise TypeError(
                f"a loss is a name or a function, but got {spec!r}; write loss='absolute' or loss=lambda y, p, w: w*abs(p - y)"
            )
        return cls(getattr(spec, "__name__", "loss").replace("<lambda>", "loss"), _compiled(spec))

    def means(self, y: Floats, values: Floats, weights: Floats) -> Floats:
        """Return the mean loss of predictions (settings, rows); inf where one is undefined."""
        return np.asarray(_means(self._ready, y, np.ascontiguousarray(values, float), weights))

    def mean(self, y: Floats, values: Floats, weights: Floats) -> float:
        """Return the mean loss of predictions (rows,); inf where one is undefined."""
        return float(self.means(y, values[None], weights)[0])

    @property
    def _ready(self) -> Callable[..., Any]:
        if self.function is None:
            raise ValueError("Huber's loss has no width yet; fit with it, or write Loss.of(('huber', 1.0))")
        return self.function

    def fitted_to(self, y: Floats, values: Floats, weights: Floats) -> Loss:
        """Return the loss with what it takes from a first fit: Huber's width, from the median absolute residual."""
        if self.function is not None:
            return self
        residuals = np.abs(values - y)[weights > 0]
        scale = float(np.median(residuals)) / 0.6745
        least = EXACT * float(np.abs(y).max()) or EXACT
        return replace(self, function=huber(HUBER * max(scale, least)))

    def check_target(self, y: Floats) -> None:
        """Raise ValueError when the loss is undefined even near a target, as relative ones are where it is 0."""
        if self.function is None:
            return
        near = y + 1e-3 * np.where(y == 0, 1.0, y)
        bad = np.flatnonzero(~np.isfinite(_rows(self.function, y, near, np.ones(len(y)))))
        if len(bad):
            raise ValueError(
                f"the loss {self.name!r} is undefined for the target y = {y[bad[0]]:g} ({len(bad)} rows of {len(y)}), whatever is "
                "predicted near it; leave these rows out, or choose another loss, such as 'absolute'"
            )

    def degree(self, y: Floats, values: Floats, weights: Floats) -> float:
        """Return p when the mean loss grows like |r|^p as the residuals of these predictions grow, between 1/4 and 4."""
        before, after = self.means(y, np.stack([values, values + (values - y)]), weights)
        if not 0 < before < after < math.inf:
            return 2.0
        return min(max(math.log2(after / before), 0.25), 4.0)

    def refit(
        self,
        evaluator: Evaluator,
        problem: Problem,
        tokens: Tokens,
        constants: Sequence[float] | Floats,
        free: NDArray[np.bool_] | None = None,
        polish: bool = True,
    ) -> LossFit | None:
        """Return the constants near given ones that make the mean loss least, varying the ``free`` ones; None where it is undefined.

        Without ``polish`` the simplex search is left out.
        """
        best = np.array(constants, float)
        slots = np.flatnonzero(np.ones(len(best), bool) if free is None else free)

        def values(settings: Floats) -> Floats:
            return np.asarray(evaluator.variants(tokens, np.atleast_2d(settings)))

        def losses(settings: Floats) -> Floats:
            return self.means(problem.y, values(settings), problem.weights)

        least = float(losses(best)[0])
        if not math.isfinite(least):
            return None
        for _ in range(STEPS if len(slots) else 0):
            step = self._step(problem, values, best, slots)
            trials = best - np.outer(0.5 ** np.arange(12), step)
            found = losses(trials)
            k = int(np.argmin(found))
            if not found[k] < least:
                break
            gain, best, least = least - float(found[k]), trials[k], float(found[k])
            if gain <= 1e-13 * least:
                break
        if polish and 0 < len(slots) <= POLISHED and least > 0:
            best, least = _polished(losses, best, slots, least)
        deviations = np.zeros(len(best))
        if len(slots):
            deviations[slots] = self._deviations(problem, values, best, slots)
        return LossFit(best, deviations, least)

    def _slopes(
        self,
        problem: Problem,
        values: Callable[[Floats], Floats],
        at: Floats,
        slots: NDArray[np.int64],
        least: float,
    ) -> tuple[Floats, Floats, Floats]:
        """Return derivatives (rows, slots) of the predictions, residuals, and the loss's derivative by residual, divided by it.

        A residual below ``least`` times the mean size counts as that large, so that the weight of a loss with a corner stays finite.
        """
        steps = 1e-6 * np.maximum(np.abs(at[slots]), 1e-4)
        settings = np.repeat(at[None], 2 * len(slots) + 1, axis=0)
        for k, slot in enumerate(slots):
            settings[2 * k, slot] += steps[k]
            settings[2 * k + 1, slot] -= steps[k]
        found = values(settings)
        with np.errstate(all="ignore"):
            jacobian = np.nan_to_num((found[:-1:2] - found[1:-1:2]) / (2 * steps[:, None])).T
        residual = found[-1] - problem.y
        small = max(least * float(np.mean(np.abs(residual))), EXACT * float(np.abs(problem.y).max()))
        size = np.where(np.abs(residual) < small, np.where(residual < 0, -small, small), residual)
        h = 1e-4 * np.abs(size)
        slope = _rows(self._ready, problem.y, problem.y + size + h, problem.weights)
        slope = (slope - _rows(self._ready, problem.y, problem.y + size - h, problem.weights)) / (
            2 * h * size
        )
        return jacobian, residual, np.where(np.isfinite(slope) & (slope > 0), slope, 0.0)

    def _step(
        self, problem: Problem, values: Callable[[Floats], Floats], at: Floats, slots: NDArray[np.int64]
    ) -> Floats:
        jacobian, residual, slope = self._slopes(problem, values, at, slots, 1e-6)
        root = np.sqrt(slope)
        norms = np.linalg.norm(jacobian * root[:, None], axis=0)
        norms[norms == 0] = 1.0
        step = np.zeros(len(at))
        step[slots] = (
            np.linalg.lstsq(jacobian * root[:, None] / norms, residual * root, rcond=1e-12)[0] / norms
        )
        return step

    def _deviations(
        self, problem: Problem, values: Callable[[Floats], Floats], at: Floats, slots: NDArray[np.int64]
    ) -> Floats:
        """Return standard deviations from the curvature of the loss, inf where the data do not fix a constant."""
        # the curvature of the mean loss over residuals of the usual size: that of |r| at 0 is infinite
        jacobian, residual, slope = self._slopes(problem, values, at, slots, 1.0)
        rows, count = jacobian.shape
        prediction = problem.y + residual
        degree = self.degree(problem.y, prediction, problem.weights)
        mean = self.mean(problem.y, prediction, problem.weights)
        theta = degree * mean * rows / max(rows - count, 1)
        scaled = jacobian * np.sqrt(slope)[:, None]
        norms = np.linalg.norm(scaled, axis=0)
        if rows < count or not np.all(norms > 0):
            return np.full(count, np.inf)
        triangle = np.linalg.qr(scaled / norms)[1]
        if np.abs(np.diag(triangle)).min() < 1e-10:
            return np.full(count, np.inf)
        found = np.linalg.norm(np.linalg.inv(triangle), axis=1) * math.sqrt(theta) / norms
        return np.maximum(found, EXACT * np.abs(at[slots]))

    def bits(self, problem: Problem, mean: float, fitted: int, degree: float) -> float:
        """Return the bits of the targets under the density exp(-loss/theta) at a mean loss, with ``fitted`` constants.

        For squares it is :func:`~symnum.regression.description.data_bits`; inf where no row is left to judge by.
        """
        if problem.rows <= fitted:
            return math.inf
        rows, p = problem.rows, degree
        floor = (EXACT * float(np.sqrt(np.mean(problem.weights * problem.y**2)))) ** p
        scale = (p * max(mean * rows / (rows - fitted), floor)) ** (1 / p)
        return rows * (math.log2(2 * scale * math.gamma(1 / p) / p) + 1 / (p * math.log(2)))


@dataclass(frozen=True)
class LossFit:
    """Hold refitted constants, their standard deviations (0 where fixed), and the mean loss."""

    constants: Floats
    deviations: Floats
    loss: float


def _polished(
    losses: Callable[[Floats], Floats], best: Floats, slots: NDArray[np.int64], least: float
) -> tuple[Floats, float]:
    """Return the best point of a simplex search from here: reweighting stops short of the corners of a loss."""
    sizes = np.maximum(np.abs(best[slots]), 1e-8)

    def objective(point: Floats) -> float:
        trial = best.copy()
        trial[slots] = point * sizes
        return float(losses(trial)[0])

    start = best[slots] / sizes
    simplex = np.vstack([start, start + 1e-3 * np.eye(len(slots))])
    options = dict(initial_simplex=simplex, xatol=1e-12, fatol=1e-13 * least, maxfev=200 * len(slots))
    result = minimize(objective, start, method="Nelder-Mead", options=options)
    if not result.fun < least:
        return best, least
    polished = best.copy()
    polished[slots] = result.x * sizes
    return polished, float(result.fun)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a user's loss as a compiled function of (y, prediction, weight)."""
    plain = getattr(function, "py_func", function)
    try:
        count = len(inspect.signature(plain).parameters)
    except (TypeError, ValueError):
        count = 0
    if count not in (2, 3):
        raise ValueError(
            f"a loss takes (y, prediction, weight) or (y, prediction), but {_name(function)} takes {count} arguments; "
            "write lambda y, p, w: w*abs(p - y)"
        )
    inner = njit(error_model="numpy")(plain)
    if count == 2:
        without = inner

        @njit(error_model="numpy")
        def inner(y: float, prediction: float, weight: float) -> float:
            return weight * without(y, prediction)

    try:
        least, small, large = (float(inner(1.0, 1.0 + r, 1.0)) for r in (0.0, 1e-3, 1.0))
    except (NumbaError, TypeError, ValueError, AttributeError) as problem:
        lines = [line.strip() for line in str(problem).splitlines()]
        why = next((line for line in lines if line and not line.startswith("Failed in")), "no reason given")
        raise ValueError(
            f"numba cannot compile the loss {_name(function)} for single numbers: {why[:160]}; write it with arithmetic and the math "
            "module, such as lambda y, p, w: w*abs(p - y)"
        ) from None
    if not small < large:
        raise ValueError(
            f"the loss {_name(function)} does not grow with the residual: at (1, 1.001) it is {small:.6g}, at (1, 2) {large:.6g}; "
            "a loss is least where prediction and target agree"
        )
    if least < 0:
        raise ValueError(
            f"the loss {_name(function)} is negative ({least:.6g}) where prediction and target agree; add a constant, so that it is 0 there"
        )
    return inner


def _name(function: Callable[..., Any]) -> str:
    return repr(getattr(function, "__name__", "function"))


@njit(error_model="numpy")
def _rows(function: Any, y: Any, prediction: Any, weights: Any) -> Any:
    out = np.empty(y.shape[0])
    for i in range(y.shape[0]):
        out[i] = function(y[i], prediction[i], weights[i])
    return out


@njit(error_model="numpy")
def _means(function: Any, y: Any, values: Any, weights: Any) -> Any:
    out = np.empty(values.shape[0])
    for k in range(values.shape[0]):
        total = 0.0
        for i in range(y.shape[0]):
            total += function(y[i], values[k, i], weights[i])
        out[k] = total / y.shape[0]
        if not (abs(out[k]) < math.inf):
            out[k] = math.inf
    return out
