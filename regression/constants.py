"""Fit the constants of an expression, and replace those by simple numbers that the data do not tell from simple numbers.

Fitting is that of :mod:`symnum.regression.fitting`, from one start.  A constant is replaced by 0, a whole number, a fraction, a
multiple of pi, of e or of the root of a small number, or a short decimal when that makes the description of expression and data
shorter, see :mod:`symnum.regression.description`: the number must be simpler than the digits that the data fix, and the loss may
rise only by what that saves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.backends import interned
from symnum.regression import description
from symnum.regression.evaluator import Evaluator
from symnum.regression.fitting import fit_one
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Problem

Floats = NDArray[np.float64]

DENOMINATORS = 12
"""The largest denominator of a fraction that a constant may become."""

STEPS = 60
"""Levenberg-Marquardt steps of a fit, rejected ones included."""


@dataclass(frozen=True)
class Fit:
    """Hold fitted constants, their standard deviations (0 where fixed), and the weighted mean square of the residuals.

    ``digits`` are the deviations of each constant where the later ones are fixed.  Their product is the volume of the constants that the
    data leave, by which descriptions are measured: where constants depend on each other, that of the deviations is far too large.
    """

    constants: Floats
    deviations: Floats
    loss: float
    digits: Floats


@dataclass(frozen=True)
class Model:
    """Hold a formula: its term, what it leaves, and the bits of its description; ``noise`` is "additive" or "relative"."""

    term: Any
    complexity: int
    loss: float
    bits: float
    noise: str
    tokens: Tokens
    constants: tuple[float, ...]


class Fitter:
    """Fit expressions to one problem under one noise model."""

    def __init__(self, problem: Problem, evaluator: Evaluator, noise: str) -> None:
        self.problem = problem
        self.evaluator = evaluator
        self.noise = noise
        self.floor = description.noise_floor(problem, noise)

    def best_constant(self) -> float:
        """Return the constant that fits best."""
        y, weights = self.problem.y, self.problem.weights
        if self.noise == "relative":
            return float(np.sign(y[0]) * np.exp(weights @ np.log(np.abs(y)) / len(y)))
        return float(weights @ y / len(y))

    def _loss(self, values: Floats) -> tuple[Floats, float]:
        residual = description.residuals(self.problem, self.noise, values)
        with np.errstate(all="ignore"):
            loss = float(np.mean(residual**2))
        return residual, loss if math.isfinite(loss) else math.inf

    def fit(self, tokens: Tokens, start: Floats, free: NDArray[np.bool_] | None = None) -> Fit | None:
        """Return the best constants near ``start``, varying the ``free`` ones; None where the expression is undefined there."""
        start = np.array(start, float)
        free = np.ones(len(start), bool) if free is None else np.asarray(free, bool)
        if not math.isfinite(self._loss(self.evaluator.variants(tokens, start[None])[0])[1]):
            return None
        constants, _, _ = fit_one(
            self.evaluator,
            tokens,
            start,
            free,
            self.problem.y,
            self.problem.weights,
            noise=self.noise,
            steps=STEPS,
            floor=1e-3 * self.floor,
        )
        _, loss = self._loss(self.evaluator.variants(tokens, constants[None])[0])
        deviations, digits = np.zeros(len(constants)), np.zeros(len(constants))
        jacobian = self._jacobian(tokens, constants, np.flatnonzero(free))
        deviations[free], digits[free] = self._deviations(jacobian, loss)
        return Fit(constants, deviations, loss, digits)

    def _jacobian(self, tokens: Tokens, constants: Floats, slots: NDArray[np.int64]) -> Floats:
        """Return the derivatives of the residuals (rows, free constants)."""
        found = self.evaluator.slopes([tokens], [constants.tolist()])
        with np.errstate(all="ignore"):
            jacobian = found.by_constants[0, slots] * np.sqrt(self.problem.weights)
            if self.noise == "relative":
                jacobian /= found.values[0]
        return np.nan_to_num(jacobian, nan=0.0, posinf=0.0, neginf=0.0).T

    def _deviations(self, jacobian: Floats, loss: float) -> tuple[Floats, Floats]:
        """Return the standard deviations of the fitted constants, and with the later ones fixed; inf where the data fix none."""
        rows, count = jacobian.shape
        if count == 0:
            return np.zeros(0), np.zeros(0)
        nothing = np.full(count, np.inf)
        variance = max(loss * rows / max(rows - count, 1), self.floor**2)
        with np.errstate(over="ignore"):
            norms = np.linalg.norm(jacobian, axis=0)
        if not np.all((norms > 0) & (norms < np.inf)):
            return nothing, nothing
        triangle = np.linalg.qr(jacobian / norms)[1]
        if triangle.shape[0] < count or np.abs(np.diag(triangle)).min() < 1e-10:
            return nothing, nothing
        sizes = math.sqrt(variance) / norms
        # |R_kk| is what is new in column k beside the earlier ones
        return np.linalg.norm(np.linalg.inv(triangle), axis=1) * sizes, sizes / np.abs(np.diag(triangle))

    def model(self, tokens: Tokens, fitted: Fit, exact: dict[int, Any] | None = None) -> Model:
        """Return the formula of a fit, whose constants number ``exact`` are these numbers or terms."""
        exact = exact or {}
        leaves: list[Any] = []
        bits = description.data_bits(
            self.problem, self.noise, fitted.loss, len(fitted.constants) - len(exact)
        )
        for slot, (value, deviation) in enumerate(zip(fitted.constants, fitted.digits, strict=True)):
            if slot in exact:
                leaves.append(exact[slot])
            else:
                leaves.append(float(value))
                bits += description.parameter_bits(float(value), float(deviation))
        term = self.evaluator.grammar.term(tokens, leaves)
        complexity, structure = description.describe(term, self.evaluator.grammar.vocabulary)
        return Model(
            term,
            complexity,
            fitted.loss,
            bits + structure,
            self.noise,
            tokens,
            tuple(map(float, fitted.constants)),
        )

    def rough_bits(self, tokens: Tokens, fitted: Fit) -> float:
        """Return the bits of a fit from its tokens: quicker than :meth:`model`, which simplifies the term first."""
        bits = description.data_bits(self.problem, self.noise, fitted.loss, len(fitted.constants))
        for value, deviation in zip(fitted.constants, fitted.digits, strict=True):
            bits += description.parameter_bits(float(value), float(deviation))
        return bits + self.evaluator.grammar.token_bits * (len(tokens) - len(fitted.constants))

    def least_bits(self, model: Model, fitted: Fit) -> float:
        """Return what a model's description could shrink to if all its constants became simple at no cost."""
        return model.bits - sum(
            description.parameter_bits(float(c), float(s))
            for c, s in zip(fitted.constants, fitted.digits, strict=True)
        )

    def snapped(self, tokens: Tokens, fitted: Fit) -> Model:
        """Return the formula after constants became simple numbers, as long as the description gets shorter.

        All that look worth it are tried together, then, if that fails, one after the other.
        """
        fitted = replace(fitted, constants=turned(self.evaluator.grammar, tokens, fitted.constants))
        best, exact = self.model(tokens, fitted), dict[int, Any]()
        while len(exact) < len(fitted.constants):
            choices = self._choices(fitted, exact)
            together: dict[int, tuple[Any, float]] = {}
            for change, slot, value, number in choices:
                if change < 0:
                    together.setdefault(slot, (number, value))
            attempts = [together] if len(together) > 1 else []
            attempts += [{slot: (number, value)} for _, slot, value, number in choices[:4]]
            for attempt in attempts:
                found = self._with_exact(tokens, fitted, exact, attempt)
                if found is not None and found[0].bits < best.bits:
                    best, fitted, exact = found
                    break
            else:
                break
        return self.rounded(tokens, fitted, best, exact)

    def _choices(self, fitted: Fit, exact: dict[int, Any]) -> list[tuple[float, int, float, Any]]:
        """Return (expected change in bits, slot, value, number) for constants that are not exact yet, most promising first."""
        choices = []
        for slot in range(len(fitted.constants)):
            if slot not in exact:
                near = (float(fitted.constants[slot]), float(fitted.deviations[slot]))
                for number, value in [
                    *simple_numbers(*near),
                    *self.evaluator.grammar.multiples(*near),
                ]:
                    choices.append((self._expected_change(fitted, slot, number, value), slot, value, number))
        return sorted(choices, key=lambda c: c[:3])

    def _with_exact(
        self, tokens: Tokens, fitted: Fit, exact: dict[int, Any], more: dict[int, tuple[Any, float]]
    ) -> tuple[Model, Fit, dict[int, Any]] | None:
        """Fix more constants, fit the others again, and return the model; None where it is undefined."""
        start = fitted.constants.copy()
        for slot, (_, value) in more.items():
            start[slot] = value
        exact = exact | {slot: number for slot, (number, _) in more.items()}
        trial = self.fit(tokens, start, np.array([k not in exact for k in range(len(start))]))
        model = None if trial is None else self._try_model(tokens, trial, exact)
        return None if trial is None or model is None else (model, trial, exact)

    def _try_model(self, tokens: Tokens, fitted: Fit, exact: dict[int, Any]) -> Model | None:
        """Return the model, or None where the exact numbers make the term undefined, as in 1/0."""
        try:
            return self.model(tokens, fitted, exact)
        except (ZeroDivisionError, OverflowError, ValueError):
            return None

    def _expected_change(self, fitted: Fit, slot: int, number: Any, value: float) -> float:
        """Return by how many bits the description should change when a constant becomes ``number``, from the curvature of the loss."""
        deviation = float(fitted.deviations[slot])
        distance = (value - float(fitted.constants[slot])) / deviation if 0 < deviation < math.inf else 0.0
        saved = description.parameter_bits(float(fitted.constants[slot]), float(fitted.digits[slot]))
        # t^2/rows is what the loss rises by, in parts of the loss
        rise = self.problem.rows / 2 * math.log2(1 + distance**2 / self.problem.rows)
        return rise + _bits(number) - saved

    def rounded(
        self, tokens: Tokens, fitted: Fit, model: Model, exact: dict[int, Any] | None = None
    ) -> Model:
        """Return the model with its fitted constants cut to the digits that the data fix, two more for safety."""
        exact = exact or {}
        constants = fitted.constants.copy()
        for slot, deviation in enumerate(fitted.deviations):
            if slot not in exact and 0 < deviation < abs(constants[slot]):
                constants[slot] = round(constants[slot], 2 - math.floor(math.log10(deviation)))
        _, loss = self._loss(self.evaluator.variants(tokens, constants[None])[0])
        if not loss <= max(1.001 * fitted.loss, self.floor**2):
            return model
        return self._try_model(tokens, replace(fitted, constants=constants, loss=loss), exact) or model


def turned(grammar: Grammar, tokens: Tokens, constants: Floats) -> Floats:
    """Return the constants with the phases of sines and cosines between -pi and pi: sin(z + 26.7) is sin(z + 1.57).

    >>> from symnum.regression.grammar import Grammar
    >>> grammar = Grammar(("z",))
    >>> turned(grammar, grammar.parse("sin + C z"), np.array([26.7])).round(3)
    array([1.567])
    """
    waves = [grammar.token(name) for name in ("sin", "cos") if name in grammar.names]
    constants = np.array(constants, float)
    slots = np.flatnonzero(tokens == grammar.constant)
    for slot, place in enumerate(slots):
        if place > 1 and tokens[place - 1] == grammar.token("+") and tokens[place - 2] in waves:
            constants[slot] = math.remainder(constants[slot], 2 * math.pi)
    return constants


def _bits(number: Any) -> float:
    if isinstance(number, int | Fraction):
        return description.number_bits(number)
    return description.describe(number, 16)[1]


@lru_cache(maxsize=1)
def _units() -> tuple[tuple[Any, float, tuple[int, ...], int], ...]:
    """Return irrational units: a term, its value, the denominators and the largest numerator of multiples that count as simple."""
    pi = interned.make("pi", ())
    powers = [(-1, (1, 2, 3, 4, 6, 8)), (2, (1, 2, 3, 4, 6, 8)), (-2, (1, 2, 4, 8, 16))]
    roots = [
        (interned.make("sqrt", (pi,)), math.sqrt(math.pi)),
        (interned.make("sqrt", (interned.make("*", (2, pi)),)), math.sqrt(2 * math.pi)),
    ]
    units = [
        (pi, math.pi, (1, 2, 3, 4, 6), 12),
        *((interned.make("^", (pi, power)), math.pi**power, bottoms, 12) for power, bottoms in powers),
        *((root, value, (1, 2, 3, 4), 4) for root, value in roots),
        *((interned.make("^", (root, -1)), 1 / value, (1, 2, 3, 4), 4) for root, value in roots),
        (interned.make("exp", (1,)), math.e, (1, 2), 4),
        (interned.make("exp", (-1,)), 1 / math.e, (1, 2), 4),
    ]
    units += [(interned.make("sqrt", (n,)), math.sqrt(n), (1, 2, 3), 6) for n in (2, 3, 5, 6, 7, 10)]
    return tuple(units)


def simple_numbers(value: float, deviation: float) -> list[tuple[Any, float]]:
    """Return simple numbers near ``value``, each exact and as a float: those within what 5 standard deviations and rounding allow.

    >>> [str(number) for number, _ in simple_numbers(1.49987, 1e-4)][0]
    '3/2'
    >>> [str(number) for number, _ in simple_numbers(6.283185307179, 1e-11)]
    ['2*pi']
    >>> [str(number) for number, _ in simple_numbers(0.8660254037844, 1e-11)]
    ['sqrt(3)/2']
    """
    if not math.isfinite(value):
        return []
    reach = 5 * deviation + 1e-11 * abs(value) if math.isfinite(deviation) else 0.5 * abs(value)
    found: dict[Any, float] = {}
    if abs(value) <= reach:
        found[0] = 0.0
    if abs(value) < 1e9:
        for bottom in range(1, DENOMINATORS + 1):
            fraction = Fraction(round(value * bottom), bottom)
            if fraction != 0 and abs(float(fraction) - value) <= reach:
                found.setdefault(
                    fraction.numerator if fraction.denominator == 1 else fraction, float(fraction)
                )
    for unit, size, bottoms, largest in _units():
        for bottom in bottoms:
            fraction = Fraction(round(value / size * bottom), bottom)
            exact = float(fraction) * size
            if fraction != 0 and abs(fraction.numerator) <= largest and abs(exact - value) <= reach:
                found.setdefault(interned.make("*", (interned.number(fraction), unit)), exact)
    for digits in range(1, 5):
        if value != 0:
            decimal = Fraction(str(round(value, digits - 1 - math.floor(math.log10(abs(value))))))
            if abs(float(decimal) - value) <= reach and 1e-6 < abs(value) < 1e9:
                found.setdefault(decimal.numerator if decimal.denominator == 1 else decimal, float(decimal))
    # of those equally near, the first few in bits are enough
    ranked = sorted(found.items(), key=lambda item: (_bits(item[0]), item[1]))
    return ranked[:6]
