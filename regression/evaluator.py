"""Evaluate and score token arrays on rows of data: one compiled interpreter for all expressions.

>>> import numpy as np
>>> grammar = Grammar(("x",), operators=("*", "sin"))
>>> evaluator = Evaluator(grammar, np.array([[0.0, 1.0, 2.0]]))
>>> evaluator.values([grammar.parse("* 2 x")]).tolist()
[[0.0, 2.0, 4.0]]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression import derivatives, kernels
from symnum.regression.derivatives import Rules
from symnum.regression.grammar import Grammar, Tokens


class Evaluator:
    """Evaluate the expressions of a grammar on ``X`` (variables, rows)."""

    def __init__(self, grammar: Grammar, X: NDArray[np.float64]) -> None:
        self.grammar = grammar
        self.X = np.ascontiguousarray(X, float)
        self.tables = (
            grammar.kind,
            grammar.code,
            grammar.arity,
            np.array(grammar.numbers, float),
            self.X,
            *grammar.machine,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # the tables hold addresses of machine code, which mean nothing in another process
        return Evaluator, (replace(self.grammar), self.X)

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.X.shape[1]

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """Return the tables without the operations: what the kernels of :mod:`symnum.regression.derivatives` take before the rules."""
        return self.tables[:5]

    def values(
        self,
        expressions: Sequence[Tokens],
        constants: Sequence[Sequence[float] | NDArray[np.float64]] | None = None,
    ) -> NDArray[np.float64]:
        """Return values (expressions, rows); where an expression is undefined the value is nan or infinite."""
        tokens, lengths = padded(expressions)
        slots = _slots(constants, len(lengths))
        return np.asarray(kernels.evaluate(tokens, lengths, slots, *self.tables))

    def variants(self, tokens: Tokens, constants: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of one expression at several settings (settings, slots) of its constants."""
        count = len(constants)
        repeated = np.broadcast_to(tokens, (count, len(tokens)))
        lengths = np.full(count, len(tokens), np.int64)
        return np.asarray(
            kernels.evaluate(
                np.ascontiguousarray(repeated), lengths, np.ascontiguousarray(constants), *self.tables
            )
        )

    def scores(
        self, expressions: Sequence[Tokens], views: Any, enough: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return (expressions, views): the part of each view's variance that the best ``a*expression + b`` leaves; inf if undefined.

        An expression that cannot fall below ``enough`` (views,) in any view may be given up early; its scores are then lower bounds,
        above ``enough``.
        """
        return self.padded_scores(*padded(expressions), views, enough)

    def padded_scores(
        self,
        tokens: NDArray[np.int16],
        lengths: NDArray[np.int64],
        views: Any,
        enough: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return the same for expressions without constants that are the rows of one array (expressions, longest)."""
        slots = _slots(None, len(lengths))
        limits = np.full(len(views.spread), np.inf) if enough is None else np.asarray(enough, float)
        if limits.shape != views.spread.shape:
            raise ValueError(
                f"enough has the shape {limits.shape}, but there are {len(views.spread)} views; give one number for each view"
            )
        return np.asarray(
            kernels.score_below(
                tokens, lengths, slots, *self.tables, views.targets, views.weights, views.spread, limits
            )
        )

    @cached_property
    def rules(self) -> Rules:
        """Return the derivative rules of the grammar's operations; ``rules.missing`` names those that have none."""
        return Rules.of(self.grammar)

    def slopes(
        self,
        expressions: Sequence[Tokens],
        constants: Sequence[Sequence[float] | NDArray[np.float64]] | None = None,
    ) -> Slopes:
        """Return values and derivatives with respect to every constant slot and every variable, in one sweep.

        >>> grammar = Grammar(("x",), operators=("*", "sin"))
        >>> evaluator = Evaluator(grammar, np.array([[0.5, 2.0]]))
        >>> evaluator.slopes([grammar.parse("* C ^2 x")], [[3.0]]).by_constants.tolist()
        [[[0.25, 4.0]]]
        """
        tokens, lengths = padded(expressions)
        slots = _slots(constants, len(lengths))
        width = slots.shape[1]
        wanted = np.arange(width + len(self.X))
        values = np.empty((len(lengths), self.rows))
        slopes = np.empty((len(lengths), len(wanted), self.rows))
        exact = np.empty(len(lengths), np.bool_)
        derivatives.jacobians(
            tokens, lengths, slots, wanted, *self.columns, *self.rules.machine, values, slopes, exact
        )
        for e in np.flatnonzero(~exact):
            slopes[e, width:] = self._differences(tokens[e : e + 1], lengths[e : e + 1], slots[e : e + 1])
        return Slopes(values, slopes[:, :width], slopes[:, width:], exact)

    def _differences(
        self, tokens: NDArray[np.int16], lengths: NDArray[np.int64], slots: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return central differences (variables, rows) of one expression."""
        found = np.empty(self.X.shape)
        for k, column in enumerate(self.X):
            size = np.abs(column)
            step = derivatives.STEP * np.maximum(size, max(size.mean(), 1e-4))
            sides = []
            for moved in (column + step, column - step):
                X = self.X.copy()
                X[k] = moved
                tables = (*self.tables[:4], X, *self.tables[5:])
                sides.append(kernels.evaluate(tokens, lengths, slots, *tables)[0])
            with np.errstate(invalid="ignore"):
                found[k] = (sides[0] - sides[1]) / (2 * step)
        return found

    def directional(
        self,
        expressions: Sequence[Tokens],
        constants: Sequence[Sequence[float] | NDArray[np.float64]],
        direction: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return values and derivatives (expressions, rows) along ``direction``: a number for each slot, then for each variable.

        Derivatives are nan for an expression with an operation of ``rules.missing`` on the way.
        """
        tokens, lengths = padded(expressions)
        slots = _slots(constants, len(lengths))
        along = np.asarray(direction, float)
        if along.shape != (slots.shape[1] + len(self.X),):
            raise ValueError(
                f"direction has the shape {along.shape}, but there are {slots.shape[1]} constant slots and {len(self.X)} variables; "
                f"give {slots.shape[1] + len(self.X)} numbers"
            )
        values, slopes = np.empty((2, len(lengths), self.rows))
        derivatives.directional(
            tokens, lengths, slots, along, *self.columns, *self.rules.machine, values, slopes
        )
        return values, slopes


@dataclass(frozen=True)
class Slopes:
    """Hold values (expressions, rows) and derivatives (expressions, slots or variables, rows).

    ``exact`` (expressions,) is False where they are central differences, for want of a rule.
    """

    values: NDArray[np.float64]
    by_constants: NDArray[np.float64]
    by_variables: NDArray[np.float64]
    exact: NDArray[np.bool_]


def padded(expressions: Sequence[Tokens]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return token arrays as one (expressions, longest), and their lengths."""
    lengths = np.array([len(tokens) for tokens in expressions], np.int64)
    tokens = np.zeros((len(expressions), max(lengths, default=1)), np.int16)
    for row, expression in zip(tokens, expressions, strict=True):
        row[: len(expression)] = expression
    return tokens, lengths


def _slots(
    constants: Sequence[Sequence[float] | NDArray[np.float64]] | None, count: int
) -> NDArray[np.float64]:
    if constants is None:
        return np.zeros((count, 1))
    slots = np.zeros((count, max(1, max(map(len, constants), default=1))))
    for row, values in zip(slots, constants, strict=True):
        row[: len(values)] = values
    return slots
