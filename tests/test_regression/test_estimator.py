"""SymbolicRegressor as a scikit-learn estimator, and what it does with bad input."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import symnum as sn
from symnum.data import load_planets
from symnum.regression import Equation, SymbolicRegressor, fit_report, ready
from symnum.regression.evolution import Evolution
from symnum.regression.inputs import feature_names


def small(**options: Any) -> SymbolicRegressor:
    return SymbolicRegressor(**{"time_limit": None, "max_evaluations": 5000, **options})


# no expected failures, the equivalence of weights and repetitions included
@parametrize_with_checks([SymbolicRegressor(time_limit=None, max_evaluations=1000)])
def test_scikit_learn_conventions(estimator: SymbolicRegressor, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).uniform(0.5, 3, (60, 2))
    return X, 2 * X[:, 0] + np.sin(X[:, 1])


def test_the_result_of_a_fit(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = table
    model = small().fit(X, y)
    assert str(model.expression_) == "2*x0 + sin(x1)"
    assert model.symbols_ == sn.symbols("x0 x1")
    assert model.score(X, y) == pytest.approx(1, abs=1e-12)
    front = model.pareto_front_
    assert all(isinstance(e, Equation) for e in front) and set(front) <= set(model.equations_)
    complexities, losses = [e.complexity for e in front], [e.loss for e in front]
    assert complexities == sorted(set(complexities)) and losses == sorted(losses, reverse=True)
    assert model.complexity_ == 6 and model.complexity_ in complexities
    assert 0 < model.n_evaluations_ < 6000
    assert model.stopped_ == "exact"
    assert "2*x0 + sin(x1)" in str(front[-1])
    # the formula is an ordinary term
    assert str(sn.diff(model.expression_, model.symbols_[1])) == "cos(x1)"


def test_predictions_are_those_of_the_compiled_formula(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = table
    model = small(operators=("*", "log")).fit(X, y)
    compiled = sn.compile(model.expression_, list(model.symbols_))
    np.testing.assert_array_equal(model.predict(X), compiled(*X.T))


def test_equal_seeds_give_equal_results_and_the_seed_matters() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(0.5, 3, (40, 2))
    y = np.tanh(X[:, 0] * X[:, 1]) ** X[:, 1] - rng.normal(1, 0.01, 40)
    options: dict[str, Any] = dict(
        operators=("+", "*", "sin", "exp"), max_evaluations=12_000, methods=("tree search", "evolution")
    )
    first, again = (small(**options).fit(X, y) for _ in range(2))
    assert first.stopped_ == "budget"
    assert first.equations_ == again.equations_
    assert first.expression_ is again.expression_
    shuffled = rng.permutation(40)
    assert small(**options).fit(X[shuffled], y[shuffled]).equations_ == first.equations_
    assert any(
        small(**options, random_state=seed).fit(X, y).equations_ != first.equations_ for seed in (1, 2)
    )


def test_the_budget_is_kept(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = table
    noise = np.random.default_rng(2).normal(size=len(X))
    model = small(max_evaluations=20_000).fit(X, noise)
    assert model.stopped_ in ("budget", "no progress")
    assert model.n_evaluations_ <= 20_000 + 5000


def test_a_time_limit_ends_the_search(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = table
    noise = np.random.default_rng(2).normal(size=len(X))
    model = SymbolicRegressor(time_limit=0.2).fit(X, noise)
    assert model.stopped_ == "budget"


def test_pickle_and_clone(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = table
    model = small().fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.expression_ is model.expression_
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "expression_")


def test_pipeline_grid_search_and_cross_validation(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = table
    scores = cross_val_score(small(), X, y, cv=3)
    assert scores.min() > 0.999999
    grid = GridSearchCV(small(), {"operators": [("+", "*"), ("+", "sin")]}, cv=2).fit(X, y)
    assert grid.best_params_ == {"operators": ("+", "sin")}
    pipe = make_pipeline(StandardScaler(), small()).set_params(symbolicregressor__max_evaluations=3000)
    assert pipe.fit(X, y).score(X, y) > 0.9


def test_names_of_columns_become_symbols() -> None:
    assert feature_names(["semi-major axis", "sin", "2nd"], 3) == ["semi_major_axis", "sin_", "x_2nd"]
    assert feature_names(["pi", "", "é", "é", "a b", "a_b"], 6) == ["pi_", "x", "é", "é_2", "a_b", "a_b_2"]
    assert feature_names(None, 2) == ["x0", "x1"]


def test_columns_of_a_data_frame_name_the_variables() -> None:
    pandas = pytest.importorskip("pandas")
    a = np.linspace(0.5, 9, 20)
    frame = pandas.DataFrame({"semi-major axis": a, "mass": np.cos(a)})
    model = small().fit(frame, a**1.5)
    assert str(model.expression_) == "semi_major_axis^(3/2)"
    assert model.predict(frame).tolist() == pytest.approx((a**1.5).tolist())


def test_weights_choose_what_is_fitted() -> None:
    x = np.linspace(0, 1, 40)
    y = np.where(np.arange(40) % 2 == 0, 3 * x + 1, -7.0)
    weights = (np.arange(40) % 2 == 0).astype(float)
    model = small().fit(x[:, None], y, sample_weight=weights)
    assert str(model.expression_) == "3*x0 + 1"
    assert small().fit(x[:, None], y, sample_weight=weights * 1e-6).expression_ is model.expression_


def test_a_formula_that_is_undefined_somewhere_predicts_nan_there() -> None:
    x = np.linspace(0.5, 4, 30)[:, None]
    model = small().fit(x, np.log(x[:, 0]))
    predicted = model.predict([[np.e], [-1.0], [0.0]])
    assert predicted[0] == pytest.approx(1)
    assert np.isnan(predicted[1]) and predicted[2] == -np.inf


# --- interruption -----------------------------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(1, 3, 50)[:, None]
    y = 2 * x[:, 0] + np.random.default_rng(0).normal(0, 0.01, 50)

    def interrupted(self: Evolution, budget: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Evolution, "run", interrupted)
    with pytest.warns(UserWarning, match="interrupted: the result is the best formula found so far"):
        model = small().fit(x, y)
    assert model.stopped_ == "interrupted"
    assert str(model.expression_) == "2*x0"


def test_ctrl_c_before_anything_was_found_gives_the_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> str:
        raise KeyboardInterrupt

    ready.prepare()  # before the search that is interrupted
    monkeypatch.setattr("symnum.regression.preparation.enumerate_expressions", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model = small().fit([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.5])
    assert model.expression_ is sn.number(2.5) or model.complexity_ == 1


# --- bad and degenerate input -----------------------------------------------------------------------------------------------

X3 = np.array([[1.0, 2.0], [2.0, 5.0], [3.0, 1.0], [4.0, 4.0]])
Y3 = np.array([1.0, 2.0, 3.5, 4.0])


def bad_fits() -> Iterator[Any]:
    nan, inf = np.nan, np.inf
    yield pytest.param(
        {}, (np.where(X3 == 5, nan, X3), Y3), ValueError, "Input X contains NaN", id="nan in X"
    )
    yield pytest.param(
        {}, (np.where(X3 == 5, inf, X3), Y3), ValueError, "Input X contains infinity", id="inf in X"
    )
    yield pytest.param({}, (X3, [1, 2, nan, 4]), ValueError, "Input y contains NaN", id="nan in y")
    yield pytest.param({}, (X3, [1, 2, -inf, 4]), ValueError, "Input y contains infinity", id="inf in y")
    yield pytest.param({}, (X3[:, :0], Y3), ValueError, r"0 feature\(s\)", id="no columns")
    yield pytest.param({}, (X3[:0], Y3[:0]), ValueError, r"0 sample\(s\)", id="no rows")
    yield pytest.param({}, (X3, Y3[:3]), ValueError, "inconsistent numbers of samples", id="too few targets")
    yield pytest.param({}, (X3[:, 0], Y3), ValueError, "Expected 2D array", id="one-dimensional X")
    yield pytest.param(
        {},
        (X3 * 1e120, Y3),
        ValueError,
        "the values of x0 reach 4e.120, which a search cannot square",
        id="huge X",
    )
    yield pytest.param({}, (X3, Y3 * 1e-120), ValueError, "the values of y reach 4e-120", id="tiny y")
    yield pytest.param(
        {},
        (X3, Y3, [1, -1, 1, 1]),
        ValueError,
        r"sample_weight\[1\] is -1.0, but weights are",
        id="negative weight",
    )
    yield pytest.param(
        {}, (X3, Y3, [1, nan, 1, 1]), ValueError, r"sample_weight\[1\] is nan", id="nan weight"
    )
    yield pytest.param({}, (X3, Y3, [1, 1]), ValueError, "give one weight for each row", id="too few weights")
    yield pytest.param({}, (X3, Y3, np.zeros(4)), ValueError, "every sample_weight is zero", id="no weight")
    yield pytest.param(
        {"operators": ("+", "sinus")},
        (X3, Y3),
        LookupError,
        "there is no operator 'sinus'",
        id="unknown operator",
    )
    yield pytest.param(
        {"operators": "sin"}, (X3, Y3), ValueError, "must be a sequence of names", id="operators as text"
    )
    yield pytest.param({"operators": ()}, (X3, Y3), ValueError, "at least one operator", id="no operators")
    yield pytest.param(
        {"operators": ("and",)}, (X3, Y3), ValueError, "deals with conditions", id="boolean operator"
    )
    yield pytest.param(
        {"max_evaluations": 0},
        (X3, Y3),
        ValueError,
        "max_evaluations must be positive or None, but is 0",
        id="no budget",
    )
    yield pytest.param(
        {"time_limit": -1},
        (X3, Y3),
        ValueError,
        "time_limit must be positive or None, but is -1",
        id="negative time",
    )
    yield pytest.param(
        {"max_evaluations": None},
        (X3, Y3),
        ValueError,
        "are both None, so the search might never end",
        id="no limit",
    )
    yield pytest.param(
        {"operators": ("+", "sinus")},
        (X3, np.ones(4)),
        LookupError,
        "'sinus'",
        id="unknown operator, constant target",
    )


@pytest.mark.parametrize(("options", "data", "kind", "message"), list(bad_fits()))
def test_bad_input_is_named(
    options: dict[str, Any], data: tuple[Any, ...], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        small(**options).fit(*data)


def test_prediction_checks_its_input() -> None:
    with pytest.raises(NotFittedError):
        small().predict(X3)
    with pytest.raises(ValueError, match="X has 1 features, but SymbolicRegressor is expecting 2"):
        small().fit(X3, Y3).predict(X3[:, :1])


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (0.0, "0"), (-0.25, "-0.25")])
def test_a_constant_target_gives_a_constant(value: float, text: str) -> None:
    model = small().fit(X3, np.full(4, value))
    assert str(model.expression_) == text
    assert model.stopped_ == "constant target" and model.n_evaluations_ == 0
    assert model.predict(X3[:2]).tolist() == [value, value]
    assert [e.complexity for e in model.equations_] == [1]


def test_one_row_gives_its_target() -> None:
    model = small().fit(X3[:1], [7.5])
    assert model.predict(X3).tolist() == [7.5] * 4


def test_two_rows_are_no_evidence_for_a_line_with_odd_constants() -> None:
    model = small().fit([[1.0], [2.0]], [0.123456, 7.654321])
    assert np.all(np.isfinite(model.predict([[1.0], [2.0], [3.0]])))
    assert model.complexity_ <= 3


def test_columns_that_repeat_or_do_not_vary_take_no_part() -> None:
    x = np.linspace(1, 4, 30)
    X = np.column_stack([np.full(30, 9.0), x, x, x**2 + np.sin(5 * x)])
    model = small().fit(X, 2 * x + 1)
    assert str(model.expression_) == "2*x1 + 1"
    assert model.predict([[0.0, 10.0, -1.0, 5.0]]).tolist() == [21.0]
    alone = small().fit(np.full((5, 2), 3.0), [1.0, 2.0, 3.0, 4.0, 5.0])
    assert str(alone.expression_) == "3"
    assert alone.stopped_ == "constant target"


def test_operators_that_are_undefined_on_the_data_are_passed_over() -> None:
    x = np.linspace(-3, -1, 30)
    model = small(operators=("log", "sqrt", "acosh")).fit(x[:, None], 4 * x - 1)
    assert str(model.expression_) == "4*x0 - 1"


def test_whole_numbers_lists_and_float32_are_taken() -> None:
    assert str(small().fit([[1], [2], [3], [4], [5]], [3, 5, 7, 9, 11]).expression_) == "2*x0 + 1"
    x = np.linspace(1, 2, 20, dtype=np.float32)
    assert str(small().fit(x[:, None], 3 * x).expression_) == "3*x0"


def test_fit_report_of_bad_shapes() -> None:
    model = small().fit(X3, 2 * X3[:, 0])
    with pytest.raises(ValueError, match=r"y has shape \(2,\), but the model predicts shape \(4,\)"):
        fit_report(model, X3, [1.0, 2.0])
    report = fit_report(model, X3, 2 * X3[:, 0])
    assert (report.rows, report.r2, report.rmse, report.max_relative_error) == (4, 1.0, 0.0, 0.0)
    assert np.isnan(fit_report(small().fit(X3, np.zeros(4)), X3, np.zeros(4)).max_relative_error)


# --- the package ----------------------------------------------------------------------------------------------------------------


def test_importing_symnum_and_naming_its_regression_loads_neither_sklearn_nor_numba() -> None:
    code = (
        "import sys, symnum, symnum.regression, symnum.data; dir(symnum.regression); "
        "print([m for m in ('sklearn', 'numba', 'scipy', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_names_of_the_package_are_named() -> None:
    import symnum.regression

    with pytest.raises(
        AttributeError,
        match="no attribute 'SymbolicRegresor'; its public names are Constraints, Equation, ExpressionEnv, FitReport",
    ):
        symnum.regression.SymbolicRegresor


def test_the_planets_are_measured_and_not_computed() -> None:
    planets = load_planets()
    assert planets.names == ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
    deviation = np.abs(planets.period / planets.semi_major_axis**1.5 - 1)
    assert np.sum(deviation > 1e-5) == 7 and 5e-4 < deviation.max() < 1e-3
    assert planets.period[4] == 11.862615 and planets.semi_major_axis[7] == 30.06992276
