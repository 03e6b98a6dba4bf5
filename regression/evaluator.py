"""Evaluate and score token arrays on rows of data: one compiled interpreter for all expressions.

>>> import numpy as np
>>> grammar = Grammar(("x",), operators=("*", "sin"))
>>> evaluator = Evaluator(grammar, np.array([[0.0, 1.0, 2.0]]))
>>> evaluator.values([grammar.parse("* 2 x")]).tolist()
[[0.0, 2.0, 4.0]]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression import kernels
from symnum.regression.grammar import Grammar, Tokens


class Evaluator:
    """Evaluate the expressions of a grammar on ``X`` (variables, rows)."""

    def __init__(self, grammar: Grammar, X: NDArray[np.float64]) -> None:
        self.grammar = grammar
        self.X = np.ascontiguousarray(X, float)
        self._tables = (
            grammar.kind,
            grammar.code,
            grammar.arity,
            np.array(grammar.numbers, float),
            self.X,
            *grammar.machine,
        )

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.X.shape[1]

    def values(
        self, expressions: Sequence[Tokens], constants: Sequence[Sequence[float]] | None = None
    ) -> NDArray[np.float64]:
        """Return values (expressions, rows); where an expression is undefined the value is nan or infinite."""
        tokens, lengths = _padded(expressions)
        slots = _slots(constants, len(lengths))
        return np.asarray(kernels.evaluate(tokens, lengths, slots, *self._tables))

    def variants(self, tokens: Tokens, constants: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of one expression at several settings (settings, slots) of its constants."""
        count = len(constants)
        repeated = np.broadcast_to(tokens, (count, len(tokens)))
        lengths = np.full(count, len(tokens), np.int64)
        return np.asarray(
            kernels.evaluate(
                np.ascontiguousarray(repeated), lengths, np.ascontiguousarray(constants), *self._tables
            )
        )

    def scores(self, expressions: Sequence[Tokens], views: Any) -> NDArray[np.float64]:
        """Return (expressions, views): the part of each view's variance that the best ``a*expression + b`` leaves; inf if undefined."""
        return self.padded_scores(*_padded(expressions), views)

    def padded_scores(
        self, tokens: NDArray[np.int16], lengths: NDArray[np.int64], views: Any
    ) -> NDArray[np.float64]:
        """Return the same for expressions without constants that are the rows of one array (expressions, longest)."""
        slots = _slots(None, len(lengths))
        return np.asarray(
            kernels.score(tokens, lengths, slots, *self._tables, views.targets, views.weights, views.spread)
        )


def _padded(expressions: Sequence[Tokens]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    lengths = np.array([len(tokens) for tokens in expressions], np.int64)
    tokens = np.zeros((len(expressions), max(lengths, default=1)), np.int16)
    for row, expression in zip(tokens, expressions, strict=True):
        row[: len(expression)] = expression
    return tokens, lengths


def _slots(constants: Sequence[Sequence[float]] | None, count: int) -> NDArray[np.float64]:
    if constants is None:
        return np.zeros((count, 1))
    slots = np.zeros((count, max(1, max(map(len, constants), default=1))))
    for row, values in zip(slots, constants, strict=True):
        row[: len(values)] = values
    return slots
