"""The scikit-learn face of the search."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.codegen.function import compile as compile_term
from symnum.regression import inputs, ready
from symnum.regression.budget import Budget
from symnum.regression.checkpoint import Checkpoint, Snapshot, content, differences
from symnum.regression.constraints import Constraints
from symnum.regression.declared import Declared, declared_constants, substitutes
from symnum.regression.features import select_features
from symnum.regression.grammar import DEFAULT_OPERATORS, Grammar, Tokens
from symnum.regression.losses import Loss
from symnum.regression.parameters import check_parameters, sorted_methods
from symnum.regression.pareto import Equation, Equations
from symnum.regression.problem import Problem
from symnum.regression.progress import Progress, Reporter
from symnum.regression.results import Results
from symnum.regression.search import Outcome, Search, Settings, settings_key
from symnum.regression.selection import choose
from symnum.regression.template_search import search_template
from symnum.regression.templates import Template
from symnum.regression.units import Units
from symnum.symbols import symbol

LARGEST = 100_000
"""Rows that a fit uses; of more, a random sample of that many."""

_OF_ONE_OUTPUT = ("expression_", "pareto_front_", "complexity_", "noise_", "stopped_", "selected_features_")


@dataclass(frozen=True)
class _Memory:
    """Hold what a fit has reached for a later one: the snapshot, the spelling of its tokens, and the names of all columns."""

    snapshot: Snapshot
    spelling: tuple[str, ...]
    columns: tuple[str, ...]


class SymbolicRegressor(Results, RegressorMixin, BaseEstimator):
    """Find a formula for ``y`` in the columns of ``X``.

    Parameters, all by keyword.  What formulas are made of:

    operators: names of the operator table that the formula is built from, and ``"^-1"``, ``"^2"``, ``"^3"``, ``"^4"`` for powers with
        a fixed exponent; by default + - * / ^ ^2 sqrt exp log sin cos, and as outermost operation asin, acos and atan.  Every formula
        is fitted as ``a*f + b``, and in the forms that come from log, reciprocal, square and root of the target, so that sums and
        coefficients need no operator.
    constraints: a :class:`~symnum.regression.constraints.Constraints`: limits on length, depth, nesting, variables.
    constants: constants with names that formulas may have, ``{"c": 299792458.0}`` or with a unit ``{"c": (299792458.0, "m/s")}``.
    units: the unit of each column, ``{"mass": "kg", "height": "m"}`` or a sequence; with ``target_unit`` only formulas that have that
        unit are found.  Fitted constants take any unit, unless ``dimensionless_constants``.
    template: a structure, as ``"y = f(x0) + g(x1)*sin(x0)"``, whose functions are searched (:mod:`symnum.regression.templates`).
    loss: what formulas are ranked and their constants finally fitted by: "squared", "absolute", "huber", "relative", "log", or a
        function of target, prediction and weight (:mod:`symnum.regression.losses`).
    max_features: columns that take part at most, or None; of more, those are chosen that tell most about the target
        (:mod:`symnum.regression.features`), see ``selected_features_``.

    How long the search goes on:

    time_limit: seconds that the search may take, or None; the choice of columns before it and the last fit of the best formulas after
        it come on top.  What is found in a given time depends on the machine.
    max_evaluations: expressions that the search may evaluate, or None.  With time_limit=None the same data and seed give the same
        result, for any n_jobs.  Below about 6,000 quotients and products by linear algebra are left out, so that an answer comes at once.
    target_loss: the search ends when a formula reaches this loss (weighted mean of the squared residuals, on the rows that the search
        looks at, before the last fit), or None.

    How it runs:

    methods: names of what the search does besides the enumeration of short formulas, by default all of "reduction", "forms", "slots",
        "subtrees" (:mod:`symnum.regression.preparation`), "tree search" and "evolution"; "tree search, neural q" needs torch.
    restarts: independent repetitions of the random part, each with an equal part of the budget; the results are put together.  To use
        several processors give as many, or a multiple.
    n_jobs: how many restarts run side by side, as joblib understands it: None for 1 unless a ``joblib.parallel_config`` says otherwise,
        -1 for all processors.  Under ``joblib.parallel_config("dask")`` or ``"ray"`` they run on a cluster.
    random_state: seed of the part of the search that is random.
    warm_start: a second ``fit`` goes on from what the first has found, when the data have the same columns; with the very same data it
        does not repeat what is without chance.
    checkpoint: a file (.npz) that holds what has been reached, written every few seconds and at the end, or None.  When it exists the
        search goes on from it: the limits are then those of all runs together, and may be raised.  It must belong to the same data, and
        the same operators, restarts and seed.  Of several outputs each has its own file: ``name.0.npz``, ...
    progress: True to see how far the search is in one line, False not to, None for where somebody can see it: a terminal or a notebook;
        or a function that is called with a :class:`~symnum.regression.progress.Progress` about twice a second.

    Which formula is taken:

    model_selection: "bits" for the shortest description of the data, where errors may be all alike or in proportion to the target
        (:mod:`symnum.regression.description`), "accuracy" for the least loss, "score" for the steepest fall of the loss with the
        complexity, or a function of the front, a sequence of :class:`~symnum.regression.pareto.Equation`, that returns a place in it.

    What is reported:

    per_complexity: how many equations of each complexity ``equations_`` keeps beside the front.
    feature_names: what the columns are called; by default as the data frame calls them, or x0, x1, ...

    The search ends earlier when a formula is exact or when nothing improves any more.  Ctrl-C ends it with a warning and keeps the
    best formula found so far.  Weights count as repetitions of a row: what matters is their ratio.  Of more than 100,000 rows a random
    sample of that many is used.

    After ``fit``: ``expression_`` (a term over the feature names), ``pareto_front_`` (the front of complexity against
    loss) and ``equations_`` (the front and what else was found at each complexity), tables of
    :class:`~symnum.regression.pareto.Equation`, ``complexity_``, ``noise_`` ("additive" or "relative"),
    ``symbols_`` (the symbols of the columns), ``selected_features_`` (the columns that took part), ``history_`` (rows of
    seconds, evaluations, best loss and complexity), ``n_evaluations_`` and ``stopped_``
    ("exact", "target loss", "budget", "no progress", "interrupted", "processes died" or "constant target").

    With ``y`` of shape (rows, outputs) each output has a search of its own, with an equal part of the limits, and ``estimators_`` holds
    the fitted regressor of each; ``expressions_`` is the list of the formulas, also of a single output, and ``equations_`` the list
    of the fronts.

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
        constraints: Constraints | None = None,
        constants: Mapping[str, Any] | Sequence[str] | None = None,
        units: Mapping[str, Any] | Sequence[Any] | None = None,
        target_unit: Any = None,
        dimensionless_constants: bool = False,
        template: Template | str | None = None,
        loss: str | tuple[str, float] | Callable[..., float] = "squared",
        max_features: int | None = 20,
        time_limit: float | None = 60,
        max_evaluations: int | None = None,
        target_loss: float | None = None,
        methods: Sequence[str] | None = None,
        restarts: int = 1,
        n_jobs: int | None = None,
        random_state: Any = 0,
        warm_start: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: bool | Callable[[Progress], Any] | None = None,
        model_selection: str | Callable[[Sequence[Equation]], int] = "bits",
        per_complexity: int = 3,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        self.operators = operators
        self.constraints = constraints
        self.constants = constants
        self.units = units
        self.target_unit = target_unit
        self.dimensionless_constants = dimensionless_constants
        self.template = template
        self.loss = loss
        self.max_features = max_features
        self.time_limit = time_limit
        self.max_evaluations = max_evaluations
        self.target_loss = target_loss
        self.methods = methods
        self.restarts = restarts
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.progress = progress
        self.model_selection = model_selection
        self.per_complexity = per_complexity
        self.feature_names = feature_names

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> SymbolicRegressor:
        """Search for a formula.

        ``X`` is (rows, columns), ``y`` (rows,) or (rows, outputs), and ``sample_weight`` (rows,).  Raises ValueError for nan or inf,
        for a wrong shape, for weights that are negative or all zero, for parameters that make no sense, for operators that a search
        cannot use and for a checkpoint of another search; LookupError for an operator that does not exist; OSError for a checkpoint
        that cannot be written.
        """
        before = dict(vars(self))
        try:
            reporter = Reporter(self.progress)
            self._fit(X, y, sample_weight, reporter)
        except BaseException:  # what an earlier fit has found is not lost with this one
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        # last, so that a function of the user's that fails leaves a fitted regressor behind
        if "estimators_" not in vars(self):
            self._take(choose(self.model_selection, self.pareto_front_))
            if self.n_evaluations_:
                reporter.show(self._end())
            self.history_ = [(p.seconds, p.evaluations, p.loss, p.complexity) for p in reporter.history]
        return self

    def _fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, reporter: Reporter) -> None:
        """Check everything, then search."""
        self._began = time.monotonic()
        check_parameters(self.get_params(deep=False))
        table, target = inputs.checked_data(self, X, y)
        weights = inputs.checked_weights(sample_weight, len(target))
        self._check_per_complexity()
        names = inputs.feature_names(self._column_names(table.shape[1]), table.shape[1])
        # what is wrong with the language is told before anything else is done, also where no search is needed
        self._all_units = self._units(names)
        self._grammar(names)
        earlier = self._forget()
        self.symbols_ = tuple(symbol(name) for name in names)
        if target.ndim == 2:
            self._fit_outputs(X, target, sample_weight, earlier.get("estimators_", []))
            return
        inputs.check_size(table[weights > 0], target[weights > 0], names)
        checkpoint = None if self.checkpoint is None else Checkpoint(self.checkpoint)
        self._search(table, target, weights, names, checkpoint, earlier.get("_memory"), reporter)
        self._take(choose("bits", self.pareto_front_))

    def _search(
        self, table: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64], names: list[str],
        checkpoint: Checkpoint | None, memory: _Memory | None, reporter: Reporter,
    ) -> None:  # fmt: skip
        """Fit one output."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        taking = weights > 0
        if np.count_nonzero(taking) > LARGEST:
            chosen = np.random.default_rng(seed).choice(np.flatnonzero(taking), LARGEST, replace=False)
            table, target, weights, taking = table[chosen], target[chosen], weights[chosen], taking[chosen]
        self._remember(table, target, weights)
        columns = inputs.varying(table[taking])
        problem = Problem.of(table[:, columns], target, weights)
        if self.max_features is not None and len(columns) > self.max_features and not problem.constant:
            columns = [columns[k] for k in select_features(problem, self.max_features, seed)]
            problem = Problem.of(table[:, columns], target, weights)
        self.selected_features_ = np.array(columns, np.int64)
        if problem.constant or not columns:
            self._keep_constant(problem)
            return
        grammar = self._grammar([names[k] for k in columns])
        settings = self._settings(seed)
        if self.template is not None:
            self._search_template(problem, grammar, seed)
            return
        loss = None if isinstance(self.loss, str) and self.loss == "squared" else Loss.of(self.loss)
        if loss is not None:
            loss.check_target(problem.y)
        start, hints = self._continued(memory, names, problem, grammar, settings, loss)
        ready.prepare()
        search = Search(problem, grammar, settings, checkpoint, reporter, start, hints, loss)
        outcome = search.run()
        self._keep(outcome)
        self._memory = _Memory(
            outcome.snapshot if self.warm_start else outcome.essence, grammar.names, tuple(names)
        )

    def _grammar(self, names: Sequence[str]) -> Grammar:
        """Return the language of the formulas over variables of these names."""
        operators = DEFAULT_OPERATORS if self.operators is None else tuple(self.operators)
        # they cost nothing as the outermost operation, and a longer search inside
        spare = ("asin", "acos", "atan") if self.operators is None else ()
        numbers: tuple[int | Declared, ...] = (1, 2, *declared_constants(self.constants))
        units = None
        if self._all_units is not None:
            chosen = {name: self._all_units[name] for name in names}
            units = Units.of(chosen, self.target_unit, list(names), self.dimensionless_constants)
        return Grammar(
            tuple(names), operators, numbers, constraints=self.constraints, units=units, spare=spare
        )

    def _units(self, names: Sequence[str]) -> dict[str, Any] | None:
        """Return the unit of each symbol; raises ValueError where columns and units do not match, or a target has none."""
        if self.units is None:
            if self.target_unit is not None:
                raise ValueError(
                    f"target_unit is {self.target_unit!r}, but units is None; give the units of the columns, too: "
                    f"units={{{names[0]!r}: 'm'}}"
                )
            return None
        called = self._column_names(len(names)) or names
        given = self.units
        if isinstance(given, Mapping):
            renamed = dict(zip(map(str, called), names, strict=True))
            given = {renamed.get(str(name), name): unit for name, unit in given.items()}
        Units.of(given, self.target_unit, list(names), self.dimensionless_constants)
        return dict(given) if isinstance(given, Mapping) else dict(zip(names, given, strict=True))

    def _declared(self) -> dict[Any, float]:
        return substitutes(declared_constants(self.constants))

    def _search_template(self, problem: Problem, grammar: Grammar, seed: int) -> None:
        """Search for the functions of a template."""
        template = self.template if isinstance(self.template, Template) else Template(str(self.template))
        for name in ("checkpoint", "n_jobs", "target_loss"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}, which a template does not have; leave it out"
                )
        if not (isinstance(self.loss, str) and self.loss == "squared"):
            raise ValueError(f"loss is {self.loss!r}, but a template is fitted by squares; leave it out")
        budget = Budget(self.max_evaluations, self.time_limit)
        outcome = search_template(template, problem, grammar, budget, seed)
        self._keep_selection(outcome.selection)
        self.n_evaluations_ = outcome.evaluations
        self.stopped_ = outcome.stopped
        self.parts_ = outcome.parts

    def _settings(self, seed: int) -> Settings:
        """Return how to search."""
        given = isinstance(self.random_state, int | np.integer)
        return Settings(
            seed, self.time_limit, self.max_evaluations, self.target_loss, self.restarts, self.n_jobs,
            *sorted_methods(self.methods), seed_matters=given,
        )  # fmt: skip

    def _continued(
        self,
        memory: _Memory | None,
        names: list[str],
        problem: Problem,
        grammar: Grammar,
        settings: Settings,
        loss: Loss | None,
    ) -> tuple[Snapshot | None, list[Tokens]]:
        """Return from what a warm start goes on: a snapshot where all is the same, else expressions to try first."""
        if not self.warm_start or memory is None:
            return None, []
        if memory.columns != tuple(names):
            warnings.warn(
                f"warm_start=True, but the columns are {', '.join(names)} and were {', '.join(memory.columns)}: "
                "the search begins afresh",
                UserWarning,
                stacklevel=4,
            )
            return None, []
        snapshot = memory.snapshot
        if snapshot.prepared and not differences(
            snapshot, content(problem), settings_key(grammar, settings, loss)
        ):
            again = tuple(
                replace(each, used=0, ended="exact" if each.ended == "exact" else "")
                for each in snapshot.restarts
            )
            return replace(snapshot, used=0, seconds=0.0, restarts=again), []
        return None, _translated(snapshot, memory.spelling, grammar)

    def _keep(self, outcome: Outcome) -> None:
        self._keep_selection(outcome.selection)
        self.n_evaluations_ = outcome.evaluations
        self.stopped_ = outcome.stopped

    def _take(self, place: int) -> None:
        """Choose one formula of the front."""
        self._choose_equation(place)
        self.expressions_ = [self.expression_]
        self.constants_ = {each.name: each.value for each in declared_constants(self.constants)}
        self._function = compile_term(substitute(self.expression_, self._declared()), list(self.symbols_))

    def _end(self) -> Progress:
        """Return the progress of a search that has ended."""
        seconds = time.monotonic() - self._began
        return Progress(
            self.n_evaluations_,
            seconds,
            str(self.expression_),
            self.equation().loss,
            self.complexity_,
            "finished",
        )

    def _keep_constant(self, problem: Problem) -> None:
        """Take the weighted mean: nothing varies, or there is nothing that could explain it."""
        mean = float(problem.weights @ problem.y / problem.rows)
        loss = float(problem.weights @ (problem.y - mean) ** 2 / problem.rows)
        number = interned.number(int(mean) if mean.is_integer() and abs(mean) < 1e15 else mean)
        self._keep_equations(Equations([Equation(1, loss, 0.0, number)], chosen=0), "additive")
        self.n_evaluations_ = 0
        self.stopped_ = "constant target"

    # --- several outputs ------------------------------------------------------------------------------------------------------

    def _fit_outputs(
        self, X: ArrayLike, targets: NDArray[np.float64], sample_weight: Any, earlier: list[SymbolicRegressor]
    ) -> None:
        """Fit one regressor for each column of ``targets`` (rows, outputs)."""
        count = targets.shape[1]
        goes_on = self.warm_start and len(earlier) == count
        found: list[SymbolicRegressor] = []
        for k in range(count):
            each = earlier[k] if goes_on else clone(self)
            each.set_params(**self.get_params(deep=False))
            each.set_params(
                time_limit=None if self.time_limit is None else self.time_limit / count,
                max_evaluations=None
                if self.max_evaluations is None
                else max(self.max_evaluations // count, 1),
                checkpoint=None if self.checkpoint is None else _numbered(self.checkpoint, k),
            )
            if any(other.stopped_ == "interrupted" for other in found):  # the shortest search there is
                each.set_params(max_evaluations=1)
            found.append(each.fit(X, targets[:, k], sample_weight))
        self.estimators_ = found
        self.expressions_ = [each.expression_ for each in found]
        self.equations_ = [each.equations_ for each in found]  # type: ignore[assignment]  # a table for each output
        self.n_evaluations_ = sum(each.n_evaluations_ for each in found)

    def _forget(self) -> dict[str, Any]:
        """Remove what an earlier fit has left, and return it."""
        left = {
            name: value
            for name, value in vars(self).items()
            if (name.endswith("_") and not name.startswith("__") and not name.endswith("_in_"))
            or name in ("_memory", "_function", "_loss")
        }
        for name in left:
            delattr(self, name)
        return left

    def __getattr__(self, name: str) -> Any:
        if name in _OF_ONE_OUTPUT and "estimators_" in self.__dict__:
            raise AttributeError(
                f"this regressor has {len(self.estimators_)} outputs, and {name} is that of one; "
                f"write model.estimators_[0].{name}"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # --- the rest of scikit-learn ---------------------------------------------------------------------------------------------

    def predict(self, X: ArrayLike, index: int | None = None) -> NDArray[np.float64]:
        """Return the formula's values (rows,), or (rows, outputs), on the rows of ``X``; nan or inf where it is undefined.

        ``index`` is a place in ``equations_``, None the chosen equation.
        """
        check_is_fitted(self)
        table = inputs.checked_table(self, X)
        if index is not None:
            return self._values(table, index)
        columns = [np.ascontiguousarray(column) for column in table.T]
        if "estimators_" in self.__dict__:
            return np.column_stack([np.asarray(each._function(*columns), float) for each in self.estimators_])
        return np.asarray(self._function(*columns), np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.time_limit is not None
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


def _translated(snapshot: Snapshot, spelling: tuple[str, ...], grammar: Grammar) -> list[Tokens]:
    """Return the expressions of a snapshot in the tokens of another grammar, those that its search may build."""
    may = [*grammar.leaves.tolist(), *grammar.searched.tolist()]
    place = {grammar.names[token]: token for token in may}
    table = np.array([place.get(name, -1) for name in spelling], np.int16)
    texts = {
        entry.text
        for found in (snapshot.entries, *(each.entries for each in snapshot.restarts))
        for of_view in found
        for entry in of_view
    }
    translated = (table[np.frombuffer(text, np.int16)] for text in sorted(texts))
    return [each for each in translated if np.all(each >= 0) and grammar.allowed(each)]


def _numbered(path: str | os.PathLike[str], number: int) -> Path:
    """Return the path with a number before its ending."""
    whole = Path(path)
    return whole.with_name(f"{whole.stem}.{number}{whole.suffix}")
