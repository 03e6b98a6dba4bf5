"""How well the data fix the constants of a formula, and where the next measurement will fall.

Standard deviations come from the curvature of the sum of squares at the optimum, as in linear regression: the covariance of the
constants is s^2*(J'J)^-1, with J the derivatives of the weighted residuals and s^2 = sum of squares/(rows - constants) (Seber and
Wild, Nonlinear Regression, 1989, section 5.1).

Intervals come from bootstrapping residuals (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 6.3.3): new
targets are the formula plus residuals drawn with replacement, the constants are fitted again, and the error of the refitted formula
for a new measurement is taken in units of its own s, whose quantiles hold also for few rows.  Draws are smoothed (section 3.4), or the
bounds would jump from one residual to the next.  Of more than 10,000 rows the formula is refitted as linearised in its constants.

Both take the form of the formula as given: that another formula might be the true one is not part of either.  Weights count as
precisions: a residual of weight w is drawn as of size 1/sqrt(w).
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression import description
from symnum.regression.formula import Formula
from symnum.regression.problem import Problem

Floats = NDArray[np.float64]

DRAWS = 25
"""Residuals that are added to the values of one refitted formula."""

STEPS, HALVINGS = 20, 8
"""The most Gauss-Newton steps of a refit, and how often a step that does not help is halved."""

LINEAR = 10_000
"""Rows above which a refit is that of the formula linearised in its constants: these are then fixed far better than it bends."""

RANK = 1e-10
"""Directions of the constants that matter less than this beside the others are not fitted."""

BLOCK = 4_000_000
"""Numbers that are held at a time."""


@dataclass(frozen=True)
class Uncertainty:
    """Hold the constants of ``formula`` (a term over the names): values, standard deviations (constants,) and correlations.

    An exact number has the deviation 0, a constant that the data do not fix inf.  ``correlation`` (fitted, fitted) is that of the
    constants called ``fitted``, nan where they are not fixed.
    """

    formula: Any
    names: tuple[str, ...]
    values: tuple[Any, ...]
    deviations: Floats
    fitted: tuple[str, ...]
    correlation: Floats
    noise: str
    rows: int

    def records(self) -> Iterator[tuple[str, str, str]]:
        """Yield (name, value, standard deviation) of each constant as text, digits cut where the deviation makes them worthless."""
        for name, value, deviation in zip(self.names, self.values, self.deviations, strict=True):
            if not isinstance(value, float):
                yield name, str(value), "exact"
            elif not math.isfinite(deviation):
                yield name, f"{value:.6g}", "not fixed by the data"
            else:
                yield name, *_rounded(value, float(deviation))

    def __str__(self) -> str:
        lines = [str(self.formula)]
        lines += [f"{name:>6} = {value:<24} {deviation}" for name, value, deviation in self.records()]
        if len(self.fitted) > 1:
            lines.append("correlation  " + "".join(f"{name:>8}" for name in self.fitted))
            lines += [
                f"{name:>11}  " + "".join(f"{c:8.3f}" for c in row)
                for name, row in zip(self.fitted, self.correlation, strict=True)
            ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return plain tables for notebooks and reports."""
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in record) + "</tr>"
            for record in self.records()
        )
        shown = (
            f"<p><code>{html.escape(str(self.formula))}</code></p><table><thead><tr><th>constant</th><th>value</th>"
            f"<th>standard deviation</th></tr></thead><tbody>{body}</tbody></table>"
        )
        if len(self.fitted) > 1:
            head = "".join(f"<th>{html.escape(name)}</th>" for name in ("correlation", *self.fitted))
            rows = "".join(
                f"<tr><th>{html.escape(name)}</th>" + "".join(f"<td>{c:.3f}</td>" for c in row) + "</tr>"
                for name, row in zip(self.fitted, self.correlation, strict=True)
            )
            shown += f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return shown


def _rounded(value: float, deviation: float) -> tuple[str, str]:
    """Return a value and its deviation as text, to two digits of the deviation.

    >>> _rounded(423.94, 42.3), _rounded(-0.0123456, 0.00021), _rounded(6.02e23, 1e19)
    (('424', '42'), ('-0.01235', '0.00021'), ('6.02e+23', '1e+19'))
    """
    if deviation == 0:
        return f"{value:.15g}", "0"
    places = 1 - math.floor(math.log10(deviation))
    if not -4 <= places <= 12:
        digits = 1 if value == 0 else places + 1 + math.floor(math.log10(abs(value)))
        return f"{value:.{min(max(digits, 1), 15)}g}", f"{deviation:.2g}"
    shown = max(places, 0)
    return f"{round(value, places):.{shown}f}", f"{round(deviation, places):.{shown}f}"


def uncertainty(formula: Formula, problem: Problem, noise: str) -> Uncertainty:
    """Return how well a problem fixes the constants of a formula; ``noise`` is "additive" or "relative".

    Raises ValueError for constants that were fitted under another loss than squares.
    """
    _check_noise(noise)
    start = formula.start
    residual = _residuals(formula, problem, noise, start[None])[0]
    _require_defined(residual)
    jacobian = _jacobians(formula, problem, noise, start[None])[0]
    found, correlation = _covariance(
        jacobian, _variance(residual, len(start), description.noise_floor(problem, noise))
    )
    deviations = np.zeros(len(formula.values))
    deviations[[isinstance(value, float) for value in formula.values]] = found
    return Uncertainty(
        formula.named,
        formula.names,
        formula.values,
        deviations,
        formula.fitted,
        correlation,
        noise,
        problem.rows,
    )


def _variance(residual: Floats, count: int, floor: float) -> float:
    rows = len(residual)
    return max(float(residual @ residual) / max(rows - count, 1), floor**2)


def _covariance(jacobian: Floats, variance: float) -> tuple[Floats, Floats]:
    """Return standard deviations and correlations from derivatives (rows, constants)."""
    rows, count = jacobian.shape
    unknown = np.full(count, np.inf), np.full((count, count), np.nan)
    if count == 0 or rows < count:
        return unknown
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(jacobian, axis=0)
    if not np.all((norms > 0) & np.isfinite(norms)):
        return unknown
    triangle = np.linalg.qr(jacobian / norms)[1]
    if np.abs(np.diag(triangle)).min() < 1e-10:
        return unknown
    inverse = np.linalg.inv(triangle)
    covariance = inverse @ inverse.T
    sizes = np.sqrt(np.diag(covariance))
    return sizes * math.sqrt(variance) / norms, covariance / np.outer(sizes, sizes)


def interval(
    formula: Formula,
    problem: Problem,
    noise: str,
    columns: Floats,
    level: float,
    samples: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return (lower, upper) bounds (rows,) of a new measurement at ``columns`` (variables, rows), within which ``level`` of them fall.

    A draw in which the refitted formula is undefined at a row does not count there.  Raises ValueError where no row is left beside the
    fitted constants, and for constants that were fitted under another loss than squares.
    """
    _check_noise(noise)
    residual = _residuals(formula, problem, noise, formula.start[None])[0]
    _require_defined(residual)
    free = problem.rows - len(formula.start)
    if free < 1:
        raise ValueError(
            f"the formula has {len(formula.start)} fitted constants and there are {problem.rows} distinct rows, so nothing is left "
            "to tell the size of errors by; fit on more rows, or take a simpler equation with index="
        )
    # residuals are smaller than errors, because the constants were fitted to them
    errors = -residual * math.sqrt(problem.rows / free)
    scale = math.sqrt(float(residual @ residual) / free)
    if scale == 0:
        exact = np.array(formula.evaluate(columns, formula.start[None])[0])
        exact[~np.isfinite(exact)] = np.nan
        return exact, exact.copy()
    constants, losses = bootstrap(formula, problem, noise, errors, samples, rng)
    scales = np.sqrt(losses / free)[:, None]
    added = _drawn(errors, (samples, DRAWS), rng)
    tails = [(1 - level) / 2, (1 + level) / 2]
    bounds = np.full((2, columns.shape[1]), np.nan)
    width = max(1, BLOCK // (samples * DRAWS))
    for begin in range(0, columns.shape[1], width):
        block = np.ascontiguousarray(columns[:, begin : begin + width])
        centre = formula.evaluate(block, formula.start[None])[0]
        values = formula.evaluate(block, constants)
        with np.errstate(all="ignore"):  # a refit without residuals has infinite pivots, which do not count
            shift = np.log(centre / values) if noise == "relative" else centre - values
            pivots = (shift[:, None, :] + added[:, :, None]) / scales[:, :, None]
        found = scale * _quantiles(pivots.reshape(-1, block.shape[1]), tails)
        with np.errstate(all="ignore"):
            bounds[:, begin : begin + width] = (
                centre * np.exp(found) if noise == "relative" else centre + found
            )
    # a formula of negative values and relative errors has its larger factor below
    return bounds.min(axis=0), bounds.max(axis=0)


def _quantiles(values: Floats, tails: list[float]) -> Floats:
    """Return the quantiles (tails, columns) of each column of finite values; nan where there are none."""
    finite = np.isfinite(values)
    if finite.all():
        return np.asarray(np.quantile(values, tails, axis=0))
    found = np.full((len(tails), values.shape[1]), np.nan)
    defined = finite.any(axis=0)
    found[:, defined] = np.nanquantile(np.where(finite, values, np.nan)[:, defined], tails, axis=0)
    return found


def _drawn(errors: Floats, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return errors drawn with replacement and smoothed by a normal kernel (Silverman's width) that keeps mean and variance."""
    mean, deviation = float(np.mean(errors)), float(np.std(errors))
    quartiles = np.subtract(*np.quantile(errors, [0.75, 0.25])) / 1.349
    width = 0.9 * min(deviation, quartiles or deviation) * len(errors) ** -0.2
    found = errors[rng.integers(len(errors), size=size)]
    if width > 0:
        found = mean + (found - mean + width * rng.standard_normal(size)) / math.hypot(1, width / deviation)
    return np.asarray(found)


def bootstrap(
    formula: Formula,
    problem: Problem,
    noise: str,
    errors: Floats,
    samples: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return the constants (samples, fitted) and sums of squares (samples,) of refits to the formula plus errors drawn like ``errors``."""
    start = formula.start
    centre = formula.evaluate(problem.X, start[None])[0]
    jacobian = _jacobians(formula, problem, noise, start[None])
    norms = np.linalg.norm(jacobian[0], axis=0)
    norms[norms == 0] = 1.0
    Q, R = np.linalg.qr(jacobian[0] / norms)
    inverse = np.linalg.pinv(R, rcond=RANK)
    constants, losses = np.empty((samples, len(start))), np.empty(samples)
    many = max(1, BLOCK // (problem.rows * (2 * len(start) + 1)))
    for begin in range(0, samples, many):
        part = slice(begin, min(begin + many, samples))
        drawn = _drawn(errors, (part.stop - begin, problem.rows), rng)
        along = drawn @ Q @ (R @ inverse).T
        linear = start + along @ inverse.T / norms
        constants[part] = linear
        losses[part] = np.maximum(np.sum(drawn**2, axis=1) - np.sum(along**2, axis=1), 0.0)
        if problem.rows <= LINEAR:
            added = drawn / np.sqrt(problem.weights)
            targets = centre * np.exp(added) if noise == "relative" else centre + added
            constants[part], losses[part] = _refitted(formula, problem, noise, targets, linear)
    return constants, losses


def _refitted(
    formula: Formula, problem: Problem, noise: str, targets: Floats, start: Floats
) -> tuple[Floats, Floats]:
    """Return the constants (samples, fitted) that fit each row of ``targets`` (samples, rows), and their sums of squares.

    Gauss-Newton from ``start``, with steps halved until they help, to a thousandth of a standard deviation of the constants.
    """
    constants = np.repeat(formula.start[None], len(targets), axis=0)
    residual, loss = _squares(formula, problem, noise, constants, targets)
    trial_residual, trial_loss = _squares(formula, problem, noise, start, targets)
    better = trial_loss < loss
    constants[better], residual[better] = start[better], trial_residual[better]
    loss[better] = trial_loss[better]
    enough = 1e-6 / max(problem.rows - constants.shape[1], 1)
    active = np.arange(len(targets) if constants.shape[1] else 0)
    for _ in range(STEPS):
        jacobian = _jacobians(formula, problem, noise, constants[active], targets[active])
        step, gain = _least_squares(jacobian, residual[active])
        promising = gain > enough * loss[active]
        active, step = active[promising], step[promising]
        waiting = active
        for halving in range(HALVINGS):
            if len(waiting) == 0:
                break
            trial = constants[waiting] - step / 2**halving
            trial_residual, trial_loss = _squares(formula, problem, noise, trial, targets[waiting])
            better = trial_loss < loss[waiting]
            rows = waiting[better]
            constants[rows], residual[rows] = trial[better], trial_residual[better]
            loss[rows] = trial_loss[better]
            waiting, step = waiting[~better], step[~better]
        active = np.setdiff1d(active, waiting)  # where no step helps, the optimum is reached
        if len(active) == 0:
            break
    return constants, loss


def _squares(
    formula: Formula, problem: Problem, noise: str, constants: Floats, targets: Floats
) -> tuple[Floats, Floats]:
    """Return weighted residuals (samples, rows) and their sums of squares, inf where the formula is undefined."""
    residual = _residuals(formula, problem, noise, constants, targets)
    with np.errstate(all="ignore"):
        loss = np.sum(residual**2, axis=1)
    return residual, np.where(np.isfinite(loss), loss, np.inf)


def _least_squares(jacobian: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """Return the steps (samples, constants) that fit ``residual`` (samples, rows) by ``jacobian`` (samples, rows, constants) best.

    Beside them is by how much they should lower the sums of squares.  Directions that the rows do not fix are left alone.
    """
    norms = np.linalg.norm(jacobian, axis=1)
    norms[norms == 0] = 1.0
    Q, R = np.linalg.qr(jacobian / norms[:, None, :])
    along = np.einsum("srk,sr->sk", Q, residual)
    scaled = np.einsum("skj,sj->sk", np.linalg.pinv(R, rcond=RANK), along)
    return scaled / norms, np.sum(np.einsum("sjk,sk->sj", R, scaled) ** 2, axis=1)


def _residuals(
    formula: Formula, problem: Problem, noise: str, constants: Floats, targets: Floats | None = None
) -> Floats:
    """Return weighted residuals (settings, rows)."""
    values = formula.evaluate(problem.X, constants)
    target = problem.y if targets is None else targets
    with np.errstate(all="ignore"):
        difference = np.log(values / target) if noise == "relative" else values - target
    return np.asarray(np.sqrt(problem.weights) * difference)


def _jacobians(
    formula: Formula, problem: Problem, noise: str, constants: Floats, targets: Floats | None = None
) -> Floats:
    """Return derivatives (settings, rows, constants) of the residuals by central differences."""
    count = constants.shape[1]
    steps = 1e-5 * np.maximum(np.abs(constants), 1e-4)
    found = np.zeros((len(constants), problem.rows, count))
    for k in range(count):
        above, below = constants.copy(), constants.copy()
        above[:, k] += steps[:, k]
        below[:, k] -= steps[:, k]
        up = _residuals(formula, problem, noise, above, targets)
        down = _residuals(formula, problem, noise, below, targets)
        with np.errstate(all="ignore"):
            found[:, :, k] = (up - down) / (above[:, k] - below[:, k])[:, None]
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def _check_noise(noise: str) -> None:
    if noise not in ("additive", "relative"):
        raise ValueError(
            f"the constants were fitted under the loss {noise!r}, and standard deviations and intervals are those of least squares; "
            "fit without another loss, or resample rows and fit again"
        )


def _require_defined(residual: Floats) -> None:
    bad = int(np.sum(~np.isfinite(residual)))
    if bad:
        raise ValueError(
            f"the formula is undefined, or of the other sign than a target whose errors are relative, on {bad} of {len(residual)} rows, "
            "so its constants cannot be fitted there; leave these rows out of X and y"
        )
