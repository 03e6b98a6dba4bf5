"""The scikit-learn face of the search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from symnum.backends import interned
from symnum.codegen.function import compile as compile_term
from symnum.operators import OPERATORS
from symnum.regression.budget import Budget
from symnum.regression.grammar import DEFAULT_OPERATORS, Grammar
from symnum.regression.kernels import HUGE
from symnum.regression.pareto import Equation, Equations
from symnum.regression.problem import Problem
from symnum.regression.results import Results
from symnum.regression.search import Outcome, Search
from symnum.symbols import RESERVED, symbol


class SymbolicRegressor(Results, RegressorMixin, BaseEstimator):
    """Find a formula for ``y`` in the columns of ``X``.

    Parameters, all by keyword:

    operators: names of the operator table that the formula is built from, and ``"^-1"``, ``"^2"``, ``"^3"``, ``"^4"`` for powers with
        a fixed exponent; by default + - * / ^ ^2 sqrt exp log sin cos.  Every formula is fitted as ``a*f + b``, and in the forms that
        come from log, reciprocal, square and root of the target, so that sums and coefficients need no operator.
    time_limit: seconds that the search may take, or None; the last fit of the best formulas comes on top.  What is found in a given
        time depends on the machine.
    max_evaluations: expressions that the search may evaluate, or None.  With time_limit=None the same data and seed give the same
        result.
    random_state: seed of the part of the search that is random.
    per_complexity: how many equations of each complexity ``equations_`` keeps beside the front.
    feature_names: what the columns are called; by default as the data frame calls them, or x0, x1, ...

    The search ends earlier when a formula is exact or when nothing improves any more.  Ctrl-C ends it with a warning and keeps the
    best formula found so far.  Of the formulas found, ``fit`` keeps the front of complexity against loss, and chooses the one that
    gives the shortest description of the data (:mod:`symnum.regression.description`), where errors may be all alike or in proportion
    to the target.  Weights count as repetitions of a row: what matters is their ratio.

    After ``fit``: ``expression_`` (a term over the feature names), ``pareto_front_`` (the front) and ``equations_`` (the front and what
    else was found at each complexity), tables of :class:`~symnum.regression.pareto.Equation`, ``complexity_``, ``noise_``
    ("additive" or "relative"), ``symbols_`` (the symbols of the columns), ``n_evaluations_`` and ``stopped_`` ("exact", "budget",
    "no progress", "interrupted" or "constant target").

    Columns are named x0, x1, ... or as the data frame names them, with what is no identifier replaced by an underscore.  Columns
    that do not vary, and repetitions of an earlier column, take no part.  Where the formula is undefined ``predict`` gives nan or
    inf.

    >>> import numpy as np
    >>> x = np.linspace(1.0, 3.0, 20)[:, None]
    >>> model = SymbolicRegressor(time_limit=None, max_evaluations=20_000).fit(x, 3.5 * np.sqrt(x[:, 0]) - 2)
    >>> print(model.expression_)
    7*sqrt(x0)/2 - 2
    """

    def __init__(
        self,
        *,
        operators: Sequence[str] | None = None,
        time_limit: float | None = 60,
        max_evaluations: int | None = None,
        random_state: Any = 0,
        per_complexity: int = 3,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        self.operators = operators
        self.time_limit = time_limit
        self.max_evaluations = max_evaluations
        self.random_state = random_state
        self.per_complexity = per_complexity
        self.feature_names = feature_names

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> SymbolicRegressor:
        """Search for a formula.

        ``X`` is (rows, columns), ``y`` and ``sample_weight`` (rows,).  Raises ValueError for nan or inf, for a wrong shape, for weights
        that are negative or all zero, for limits that are not positive and for operators that a search cannot use; LookupError
        for an operator that does not exist.
        """
        table, target = validate_data(self, X, y, y_numeric=True, dtype=np.float64)
        target = np.asarray(target, np.float64)
        weights = _checked_weights(sample_weight, len(target))
        budget = self._checked_budget()
        self._check_per_complexity()
        names = feature_names(self._column_names(table.shape[1]), table.shape[1])
        _check_size(table[weights > 0], target[weights > 0], names)
        columns = _varying(table[weights > 0])
        # an operator that is wrong is told before anything else is done, also where no search is needed
        grammar = Grammar(tuple(names[k] for k in columns), self._checked_operators())
        problem = Problem.of(table[:, columns], target, weights)
        self.symbols_ = tuple(symbol(name) for name in names)
        self._remember(table, target, weights)
        if problem.constant or not columns:
            self._keep_constant(problem)
        else:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            self._keep(Search(problem, grammar, budget, seed).run())
        self._function = compile_term(self.expression_, list(self.symbols_))
        return self

    def _keep(self, outcome: Outcome) -> None:
        self._keep_selection(outcome.selection)
        self.n_evaluations_ = outcome.evaluations
        self.stopped_ = outcome.stopped

    def _keep_constant(self, problem: Problem) -> None:
        """Take the weighted mean: nothing varies, or there is nothing that could explain it."""
        mean = float(problem.weights @ problem.y / problem.rows)
        loss = float(problem.weights @ (problem.y - mean) ** 2 / problem.rows)
        number = interned.number(int(mean) if mean.is_integer() and abs(mean) < 1e15 else mean)
        self._keep_equations(Equations([Equation(1, loss, 0.0, number)], chosen=0), "additive")
        self.n_evaluations_ = 0
        self.stopped_ = "constant target"

    def predict(self, X: ArrayLike, index: int | None = None) -> NDArray[np.float64]:
        """Return the formula's values (rows,) on the rows of ``X``; nan or inf where it is undefined.

        ``index`` is a place in ``equations_``, None the chosen equation.
        """
        check_is_fitted(self)
        table = validate_data(self, X, reset=False, dtype=np.float64)
        if index is not None:
            return self._values(table, index)
        return np.asarray(self._function(*(np.ascontiguousarray(column) for column in table.T)), np.float64)

    def _checked_operators(self) -> tuple[str, ...]:
        if self.operators is None:
            return DEFAULT_OPERATORS
        if isinstance(self.operators, str):
            raise ValueError(
                f"operators must be a sequence of names, but is the text {self.operators!r}; "
                "write operators=('+', '*', 'sin')"
            )
        return tuple(self.operators)

    def _checked_budget(self) -> Budget:
        for name, limit in (("time_limit", self.time_limit), ("max_evaluations", self.max_evaluations)):
            if limit is not None and not limit > 0:
                raise ValueError(
                    f"{name} must be positive or None, but is {limit!r}; "
                    f"write {name}={60 if name == 'time_limit' else 100_000}"
                )
        if self.time_limit is None and self.max_evaluations is None:
            raise ValueError(
                "time_limit and max_evaluations are both None, so the search might never end; give one, such as time_limit=60"
            )
        return Budget(self.max_evaluations, self.time_limit)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.time_limit is not None
        return tags


def feature_names(given: Sequence[Any] | None, count: int) -> list[str]:
    """Return the names of the symbols of the columns.

    >>> feature_names(["semi-major axis", "sin", "a b", "a_b"], 4)
    ['semi_major_axis', 'sin_', 'a_b', 'a_b_2']
    """
    if given is None:
        return [f"x{k}" for k in range(count)]
    names: list[str] = []
    for each in given:
        name = re.sub(r"\W", "_", str(each)) or "x"
        name = f"x_{name}" if name[0].isdigit() else name
        name = f"{name}_" if name in RESERVED or name in OPERATORS or not name.isidentifier() else name
        unique, suffix = name, 2
        while unique in names:
            unique, suffix = f"{name}_{suffix}", suffix + 1
        names.append(unique)
    return names


def _checked_weights(sample_weight: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(rows)
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == 0:
        weights = np.full(rows, float(weights))
    if weights.shape != (rows,):
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(rows,)}: give one weight for each row of X"
        )
    if not np.all(np.isfinite(weights)) or np.any(weights < 0):
        bad = int(np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[0])
        raise ValueError(
            f"sample_weight[{bad}] is {weights[bad]}, but weights are finite and not negative; "
            "leave the row out or give it weight 0"
        )
    if not np.any(weights > 0):
        raise ValueError(
            "every sample_weight is zero, so there is nothing to fit; give some rows a positive weight"
        )
    return weights


def _check_size(X: NDArray[np.float64], y: NDArray[np.float64], names: Sequence[str]) -> None:
    """Raise ValueError for values whose squares overflow or vanish."""
    for name, values in (("y", y), *zip(names, X.T, strict=True)):
        largest = float(np.abs(values).max())
        if largest > HUGE or 0 < largest < 1 / HUGE:
            raise ValueError(
                f"the values of {name} reach {largest:.3g}, which a search cannot square in float64; "
                "rescale them, in other units"
            )


def _varying(X: NDArray[np.float64]) -> list[int]:
    """Return the columns that vary and do not repeat an earlier one."""
    seen: set[bytes] = set()
    kept = []
    for k, column in enumerate(X.T):
        key = np.ascontiguousarray(column + 0.0).tobytes()
        if np.ptp(column) > 0 and key not in seen:
            seen.add(key)
            kept.append(k)
    return kept
