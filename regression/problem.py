"""A regression problem as the search sees it: distinct rows with weights, and the views of the target that are fitted linearly.

The rows are brought into one order and equal rows are merged, so that a weight of 2 and a row given twice are the same problem,
and the order in which the rows came does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from symnum.regression.grammar import Grammar, Tokens

Floats = NDArray[np.float64]

EXACT = 1e-12
"""A residual this small beside the target is rounding, not noise."""


@dataclass(frozen=True)
class Problem:
    """Hold ``X`` (variables, rows), ``y`` (rows,) and ``weights`` (rows,), whose mean is 1."""

    X: Floats
    y: Floats
    weights: Floats

    @classmethod
    def of(cls, X: Floats, y: Floats, weights: Floats) -> Problem:
        """Return the problem of a table ``X`` (rows, variables): rows without weight dropped, sorted, and equal rows merged."""
        table = np.column_stack([X, y])[weights > 0]
        rows, place = np.unique(table, axis=0, return_inverse=True)
        summed = np.bincount(place.reshape(-1), weights[weights > 0], len(rows))
        return cls(np.ascontiguousarray(rows[:, :-1].T), rows[:, -1].copy(), summed / summed.mean())

    @property
    def rows(self) -> int:
        """Return the number of distinct rows."""
        return len(self.y)

    def sample(self, rows: int, rng: np.random.Generator) -> Problem:
        """Return the problem of at most ``rows`` rows, drawn without replacement."""
        if rows >= self.rows:
            return self
        chosen = np.sort(rng.choice(self.rows, rows, replace=False))
        weights = self.weights[chosen]
        return Problem(np.ascontiguousarray(self.X[:, chosen]), self.y[chosen], weights / weights.mean())

    @cached_property
    def constant(self) -> bool:
        """Tell whether the targets are all the same, up to rounding."""
        mean = float(self.weights @ self.y) / self.rows
        spread = float(self.weights @ (self.y - mean) ** 2) / self.rows
        return math.sqrt(spread) <= EXACT * float(np.abs(self.y).max())

    @cached_property
    def sign(self) -> int:
        """Return 1 when all targets are positive, -1 when all are negative, else 0."""
        return int(np.all(self.y > 0)) - int(np.all(self.y < 0))

    @cached_property
    def relative(self) -> bool:
        """Tell whether errors in proportion to the target are worth considering: one sign, and values that differ in size."""
        sizes = np.abs(self.y)
        return self.sign != 0 and bool(sizes.max() > 2 * sizes.min())


@dataclass(frozen=True)
class View:
    """Hold one transformation t of the target: a formula of the form ``undo(a*f + b)`` is then linear in a and b.

    ``of`` gives t(y) and the weights of its errors, ``fits`` tells for which targets it is defined, ``needs`` are groups of operators
    of which the search must have one, and ``outermost`` undoes t.
    """

    name: str
    of: Callable[[Floats, Floats], tuple[Floats, Floats]]
    fits: Callable[[Problem], bool]
    needs: tuple[tuple[str, ...], ...]
    outermost: tuple[str, ...]

    def suits(self, problem: Problem, grammar: Grammar) -> bool:
        """Tell whether the target has this view, and the language its formulas."""
        return any(set(group) <= {*grammar.operators, *grammar.spare} for group in self.needs) and self.fits(
            problem
        )


def _within(low: float, high: float) -> Callable[[Problem], bool]:
    return lambda problem: bool(problem.y.min() >= low and problem.y.max() <= high)


VIEWS = (
    View("plain", lambda y, w: (y, w), lambda p: True, ((),), ()),
    View("relative", lambda y, w: (y, w / y**2), lambda p: p.relative, ((),), ()),
    View("log", lambda y, w: (np.log(np.abs(y)), w), lambda p: p.sign != 0, (("exp",), ("^", "log")), ()),
    View("reciprocal", lambda y, w: (1 / y, w * y**2), lambda p: p.sign != 0, (("/",), ("^-1",)), ("^-1",)),
    View("square", lambda y, w: (y**2, w), _within(0, math.inf), (("sqrt",),), ("sqrt",)),
    View("root", lambda y, w: (np.sqrt(y), w * y), _within(0, math.inf), (("^2",),), ("^2",)),
    View(
        "inverse square", lambda y, w: (y**-2, w * y**4), lambda p: p.sign > 0, (("sqrt",),), ("^-1", "sqrt")
    ),
    View("exp", lambda y, w: (np.exp(y), w * np.exp(-2 * y)), _within(-50, 50), (("log",),), ("log",)),
    View("sin", lambda y, w: (np.sin(y), w), _within(-math.pi / 2, math.pi / 2), (("asin",),), ("asin",)),
    View("cos", lambda y, w: (np.cos(y), w), _within(0, math.pi), (("acos",),), ("acos",)),
    View("tan", lambda y, w: (np.tan(y), w * np.cos(y) ** 4), _within(-1.57, 1.57), (("atan",),), ("atan",)),
)
"""The transformations of the target under which formulas are fitted; the weights make errors of y, or its relative ones, alike."""


@dataclass(frozen=True)
class Views:
    """Hold the targets that ``a*f(x) + b`` is fitted to, and the weights; see :mod:`symnum.regression.kernels` for the shapes.

    With the plain target y come those of :data:`VIEWS`, so that a constant inside the outermost operations is linear too.
    """

    names: tuple[str, ...]
    targets: Floats
    weights: Floats
    spread: Floats
    means: Floats
    floors: Floats

    @classmethod
    def of(cls, problem: Problem, grammar: Grammar) -> Views:
        """Return the views that the signs of the target and the operators allow; the target must not be constant."""
        found = [
            (view.name, *view.of(problem.y, problem.weights))
            for view in VIEWS
            if view.suits(problem, grammar)
        ]
        rows = []
        for name, target, weight in found:
            share = weight / weight.sum()
            mean = float(share @ target)
            centred = target - mean
            spread = float(share @ centred**2)
            if np.isfinite(spread) and math.sqrt(spread) > EXACT * float(np.abs(target).max()):
                rows.append(
                    (name, centred, share, spread, mean, EXACT**2 * float(share @ target**2) / spread)
                )
        names, targets, weights, spreads, means, floors = zip(*rows, strict=True)
        return cls(
            names, np.array(targets), np.array(weights), np.array(spreads), np.array(means), np.array(floors)
        )

    def least_squares(self, view: int, values: Floats) -> tuple[list[float], float]:
        """Return the coefficients of ``values`` (terms, rows) and the offset of the best sum."""
        share = self.weights[view]
        means = values @ share
        centred = (values - means[:, None]) * np.sqrt(share)
        norms = np.linalg.norm(centred, axis=1)
        solved = (
            np.linalg.lstsq((centred / norms[:, None]).T, self.targets[view] * np.sqrt(share), rcond=None)[0]
            / norms
        )
        offset = float(self.means[view] - solved @ means)
        # rounding, beside which a root would be undefined where its argument is 0
        if abs(offset) < 1e-13 * max(
            abs(float(self.means[view])), float(np.abs(solved * means).max(initial=0.0))
        ):
            offset = 0.0
        return [float(c) for c in solved], offset


def in_plain_target(
    grammar: Grammar, view: str, terms: list[Tokens], coefficients: list[float], offset: float, sign: int
) -> tuple[Tokens, list[float]] | None:
    """Return ``offset + sum of coefficient*term``, fitted in a view, as an expression for y itself and its constants.

    A fit log y = a*f + b*log(g) + c becomes e^c*exp(a*f)*g^b.  Returns None where e^c is out of range.
    """
    C = grammar.constant
    plus, times, power, exp = (grammar.token(name) for name in ("+", "*", "^", "exp"))
    if view == "log":
        if not abs(offset) < _LARGEST_LOG:
            return None
        factors = [[C]]
        for tokens in terms:
            is_log = grammar.has("log") and tokens[0] == grammar.token("log")
            factors.append([power, *tokens[1:], C] if is_log else [exp, times, C, *tokens])
        return joined(times, factors), [(sign or 1) * float(np.exp(offset)), *coefficients]
    line = joined(plus, [[C], *([times, C, *tokens] for tokens in terms)])
    outer = np.array([grammar.token(name) for name in outermost(view)], np.int16)
    return np.concatenate([outer, line]), [offset, *coefficients]


def with_constant_in_front(
    grammar: Grammar, view: str, terms: list[Tokens], coefficients: list[float], offset: float
) -> tuple[Tokens, list[float]] | None:
    """Return a power of c*f as one of f with the constant in front, where it may be simpler; None for anything else."""
    if offset != 0 or len(terms) != 1 or view not in _POWERS or not coefficients[0] > 0:
        return None
    undone = [grammar.token(name) for name in outermost(view)]
    tokens = np.array([grammar.token("*"), grammar.constant, *undone, *map(int, terms[0])], np.int16)
    return tokens, [coefficients[0] ** _POWERS[view]]


def outermost(view: str) -> tuple[str, ...]:
    """Return the operations, outermost first, that turn a fit of the view's target into one of y; that of "log" is no such chain.

    >>> outermost("inverse square")
    ('^-1', 'sqrt')
    """
    return next(each.outermost for each in VIEWS if each.name == view)


def joined(operation: int, parts: list[list[int]]) -> Tokens:
    """Return the tokens of the parts joined by an operation of two arguments."""
    tokens: list[int] = []
    for place, part in enumerate(parts, 1):
        tokens += [*([operation] if place < len(parts) else []), *part]
    return np.array(tokens, np.int16)


_POWERS = {"reciprocal": -1.0, "square": 0.5, "root": 2.0, "inverse square": -0.5}
"""Views whose undoing is a power."""

_LARGEST_LOG = 300.0
