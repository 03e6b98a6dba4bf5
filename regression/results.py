"""What a fitted regressor offers beyond predictions: the table of equations, exports, uncertainty, intervals, a report.

:class:`Results` is a base of SymbolicRegressor.  It needs what ``fit`` leaves: ``equations_``, ``symbols_`` and ``noise_``, and the
training rows, which ``_remember`` keeps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from symnum.algebra.substitute import substitute
from symnum.codegen.function import compile as compile_term
from symnum.interop.sympy_bridge import to_sympy
from symnum.regression import pareto
from symnum.regression.finish import Selection
from symnum.regression.formula import Formula
from symnum.regression.pareto import Equation, Equations
from symnum.regression.problem import Problem
from symnum.regression.uncertainty import Uncertainty, interval, uncertainty
from symnum.text.latex import latex

Floats = NDArray[np.float64]

KEPT = 5_000_000
"""Numbers of a training table that a fitted model keeps; of a larger one it keeps none, and asks for the rows where it needs them."""


class Results:
    """Offer what was found in other forms; ``index`` is a place in ``equations_``, None the chosen equation.

    >>> import numpy as np
    >>> from symnum.regression import SymbolicRegressor
    >>> x = np.linspace(1.0, 3.0, 20)[:, None]
    >>> model = SymbolicRegressor(time_limit=None, max_evaluations=20_000).fit(x, 3.5 * np.sqrt(x[:, 0]) - 2)
    >>> model.latex(), model.sympy()
    ('\\\\frac{7 \\\\sqrt{x_{0}}}{2} - 2', 7*sqrt(x0)/2 - 2)
    >>> model.to_function(target="numpy")(4.0)
    5.0
    """

    equations_: Equations
    pareto_front_: Equations
    expression_: Any
    symbols_: tuple[Any, ...]
    noise_: str
    complexity_: int
    per_complexity: int
    feature_names: Sequence[str] | None

    # --- kept by fit --------------------------------------------------------------------------------------------------------

    def _keep_equations(self, equations: Equations, noise: str) -> None:
        """Set the attributes that describe the equations, the chosen one among them."""
        assert equations.chosen is not None
        self.equations_ = equations
        self.pareto_front_ = equations.front
        self.expression_ = equations[equations.chosen].expression
        self.complexity_ = equations[equations.chosen].complexity
        self.noise_ = noise

    def _keep_selection(self, selection: Selection) -> None:
        """Set them from what a search selected; the shortest description is chosen."""
        table = pareto.table(selection.models, selection.considered, selection.baseline, self.per_complexity)
        self._keep_equations(table, selection.noise)

    def _choose_equation(self, place: int) -> None:
        """Choose another equation, by its place on the front."""
        chosen = self.pareto_front_[place]
        at = next(k for k, each in enumerate(self.equations_) if each is chosen)
        self._keep_equations(Equations(self.equations_, at), self.noise_)

    def _check_per_complexity(self) -> None:
        count = self.per_complexity
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(
                f"per_complexity must be a whole number from 1, but is {count!r}; write per_complexity=3"
            )

    def _column_names(self, count: int) -> Sequence[Any] | None:
        """Return what the columns are called, by ``feature_names`` or by the data frame; None where they have no names."""
        given = self.feature_names
        if given is None:
            return getattr(self, "feature_names_in_", None)
        if isinstance(given, str) or len(given) != count:
            raise ValueError(
                f"feature_names must be a sequence of {count} names, one for each column of X, but is {given!r}; "
                f"write feature_names=({', '.join(repr(f'x{k}') for k in range(min(count, 3)))}{', ...' if count > 3 else ''})"
            )
        return given

    def _declared(self) -> Mapping[Any, float]:
        """Return the values of the symbols in formulas that are no columns."""
        return {}

    def _remember(self, X: Floats, y: Floats, weights: Floats) -> None:
        """Keep the training rows, if they are not too many; ``X`` is (rows, columns)."""
        self._training = Problem.of(X, y, weights) if X.size + y.size <= KEPT else None
        self._training_shape = X.shape

    def forget_rows(self) -> None:
        """Drop the training rows that the model keeps, so that a pickle of it can be given away; what needs rows then asks for them."""
        check_is_fitted(self)
        self._training = None

    # --- the equations ------------------------------------------------------------------------------------------------------

    def equation(self, index: int | None = None) -> Equation:
        """Return the equation at a place of ``equations_``, by default the chosen one.

        Raises IndexError where there is none, and ValueError for a regressor of several outputs.
        """
        check_is_fitted(self)
        if "estimators_" in vars(self):
            raise ValueError(
                f"this regressor has {len(vars(self)['estimators_'])} outputs, and an equation is of one; "
                "take one of model.estimators_, such as model.estimators_[0].latex()"
            )
        if index is None:
            assert self.equations_.chosen is not None
            return self.equations_[self.equations_.chosen]
        count = len(self.equations_)
        if isinstance(index, bool) or not isinstance(index, int | np.integer):
            raise TypeError(
                f"index must be a place in equations_ or None, but is {index!r}; "
                f"write index=0 to index={count - 1}"
            )
        if not -count <= index < count:
            raise IndexError(
                f"there is no equation {index}; equations_ has {count}, so index is -{count} to {count - 1}"
            )
        return self.equations_[int(index)]

    def latex(self, index: int | None = None) -> str:
        """Return an equation's right-hand side as LaTeX, without dollar signs."""
        return latex(self.equation(index).expression)

    def sympy(self, index: int | None = None) -> Any:
        """Return an equation's right-hand side as a SymPy expression."""
        return to_sympy(self.equation(index).expression)

    def to_function(self, index: int | None = None, target: str = "auto") -> Any:
        """Return an equation compiled by :func:`symnum.compile`, a function of one array for each column of ``X``.

        ``target`` is any of symnum.compile: "numpy", "numba", "native", "torch", "c", ...; ``.source`` shows the code, and for c and torch
        ``.write(path)`` saves it.
        """
        term = substitute(self.equation(index).expression, dict(self._declared()))
        return compile_term(term, list(self.symbols_), target=target)

    def _values(self, table: Floats, index: int | None = None) -> Floats:
        """Return an equation's values (rows,) on a table (rows, columns) that is already checked."""
        function = self.to_function(index, target="numpy")
        with np.errstate(all="ignore"):
            found = np.asarray(function(*np.ascontiguousarray(table.T)), np.float64)
        return np.array(np.broadcast_to(found, len(table)))

    def _compared(
        self, X: ArrayLike | None, y: ArrayLike | None, index: int | None
    ) -> tuple[Floats, Floats, Floats]:
        """Return a table (rows, columns), measured and predicted values (rows,): of the given rows, or of the training rows."""
        self.equation(index)
        if X is None or y is None:
            problem = self._rows(X, y)
            table, target = problem.X.T, problem.y
        else:
            table = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
            target = np.asarray(y, np.float64)
            if target.shape != (len(table),):
                raise ValueError(
                    f"y has shape {target.shape}, but X has {len(table)} rows; give one target for each row of X"
                )
            if not np.all(np.isfinite(target)):
                raise ValueError(
                    f"y[{int(np.flatnonzero(~np.isfinite(target))[0])}] is not finite; leave the row out"
                )
        return table, target, self._values(table, index)

    # --- uncertainty --------------------------------------------------------------------------------------------------------

    def uncertainty(
        self,
        index: int | None = None,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        exact: bool = True,
    ) -> Uncertainty:
        """Return standard deviations and correlations of an equation's constants, from the curvature at the optimum.

        The rows are those of ``fit``, which the model keeps unless they are more than 5,000,000 numbers, or ``X``, ``y`` and
        ``sample_weight``.  Constants that became simple numbers are exact, or, with ``exact=False``, as uncertain as the data leave
        them.  Raises ValueError where the formula is undefined on a row.
        See :mod:`symnum.regression.uncertainty`.
        """
        equation = self.equation(index)
        problem = self._rows(X, y, sample_weight)
        formula = Formula.of(equation.expression, self.symbols_, exact, self._declared())
        return uncertainty(formula, problem, self.noise_)

    def predict_interval(
        self,
        X: ArrayLike,
        level: float = 0.95,
        samples: int = 200,
        random_state: Any = 0,
        index: int | None = None,
        exact: bool = True,
    ) -> tuple[Floats, Floats]:
        """Return (lower, upper) bounds (rows,) within which a new measurement falls with probability ``level``.

        The residuals of the training rows are bootstrapped: ``samples`` times the constants are fitted again to the formula plus residuals
        drawn with replacement, and the bounds are quantiles of the errors that the refitted formulas make for new measurements
        (:mod:`symnum.regression.uncertainty`).  The form of the formula is taken as known, and so are numbers that are exact in it, except
        with ``exact=False``.  Where errors are relative, the residuals are those of the logarithm.  Bounds are nan where the formula is
        undefined.
        """
        self.equation(index)
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, but is {level!r}; write level=0.95")
        if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or samples < 2:
            raise ValueError(f"samples must be a whole number from 2, but is {samples!r}; write samples=200")
        table = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        return self._interval(table, level, samples, random_state, index, exact)

    def _interval(
        self,
        table: Floats,
        level: float,
        samples: int = 200,
        random_state: Any = 0,
        index: int | None = None,
        exact: bool = True,
    ) -> tuple[Floats, Floats]:
        """Return the bounds for a table (rows, columns) that is already checked."""
        columns = np.ascontiguousarray(table.T)
        rng = np.random.default_rng(int(check_random_state(random_state).randint(2**31 - 1)))
        formula = Formula.of(self.equation(index).expression, self.symbols_, exact, self._declared())
        return interval(formula, self._rows(), self.noise_, columns, float(level), int(samples), rng)

    def _rows(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Problem:
        """Return the given rows as a problem, or those of ``fit``."""
        if X is not None and y is not None:
            table, target = validate_data(self, X, y, reset=False, y_numeric=True, dtype=np.float64)
            weights = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight, np.float64)
            check_consistent_length(table, weights)
            return Problem.of(np.asarray(table), np.asarray(target, np.float64), weights)
        if X is not None or y is not None:
            raise ValueError("X and y belong together, but only one of them is given; give both, or neither")
        if self._training is None:
            rows, columns = self._training_shape
            raise ValueError(
                f"the model does not keep its {rows:,} x {columns} training rows (there are more than {KEPT:,} numbers, or forget_rows() "
                "was called), and these are needed here; give X and y, for an interval by fitting again, on fewer rows"
            )
        return self._training

    # --- the report ---------------------------------------------------------------------------------------------------------

    def report(
        self,
        path: str | os.PathLike[str],
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        index: int | None = None,
        title: str | None = None,
        target: str | None = None,
    ) -> str:
        """Write one self-contained HTML page about an equation on ``X`` and ``y`` (by default the training rows); return its path.

        It holds the equation, how well it describes the rows, the other equations, the uncertainty of constants, plots, settings,
        versions, and code to use the formula elsewhere.  ``target`` is what y is called (default: its name, or
        y).  Raises OSError where ``path`` cannot be written, before anything is drawn.
        See :mod:`symnum.regression.html_report`.
        """
        from symnum.regression.html_report import write_report

        return write_report(self, path, X, y, index=index, title=title, target=target)
