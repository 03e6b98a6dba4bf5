"""What the estimator takes: parameters, tables with mistakes in them, many columns, many rows, several outputs."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor

import symnum as sn
from symnum.regression import Equation, SymbolicRegressor, estimator
from symnum.regression.features import select_features
from symnum.regression.inputs import varying
from symnum.regression.problem import Problem
from symnum.regression.selection import SELECTIONS, choose

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 3, (40, 2))


def small(**options: Any) -> SymbolicRegressor:
    return SymbolicRegressor(
        **{"time_limit": None, "max_evaluations": 3000, "methods": ["evolution"], **options}
    )


# --- parameters ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"restarts": 0}, ValueError, "restarts must be a whole number of at least 1, but is 0; write restarts=4"),
        ({"restarts": 1.5}, ValueError, "but is 1.5"),
        ({"restarts": True}, ValueError, "but is True"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be a whole number other than 0 or None, but is 0; write n_jobs=-1"),
        ({"n_jobs": "all"}, ValueError, "but is 'all'"),
        ({"max_features": 0}, ValueError, "max_features must be a whole number of at least 1 or None, but is 0"),
        ({"target_loss": -1e-3}, ValueError, "target_loss must be a loss of at least 0 or None, but is -0.001"),
        ({"target_loss": np.nan}, ValueError, "but is nan"),
        ({"target_loss": "0"}, ValueError, "but is '0'"),
        ({"time_limit": "1 min"}, ValueError, "time_limit must be positive or None, but is '1 min'; write time_limit=60"),
        ({"time_limit": np.nan}, ValueError, "but is nan"),
        ({"max_evaluations": "many"}, ValueError, "max_evaluations must be positive or None, but is 'many'"),
        ({"checkpoint": 5}, TypeError, "checkpoint must be a path or None, but is 5; write checkpoint='search.npz'"),
        ({"progress": "yes"}, TypeError, "progress must be True, False, None or a function, but is 'yes'"),
        ({"model_selection": "best"}, ValueError, "must be one of 'bits', 'accuracy', 'score' or a function, but is 'best'"),
    ],
)  # fmt: skip
def test_a_parameter_that_makes_no_sense_is_named(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        small(**options).fit(X, X[:, 0])


def test_parameters_are_stored_as_they_are_given() -> None:
    options: dict[str, Any] = dict(
        operators=["+", "*"], max_features=5, time_limit=3, max_evaluations=7, target_loss=0.1, restarts=2, n_jobs=2, random_state=3,
        warm_start=True, checkpoint="a.npz", progress=print, model_selection="score",
    )  # fmt: skip
    model = SymbolicRegressor(**options)
    assert model.get_params() == {**model.get_params(), **options}
    assert clone(model).get_params() == model.get_params()
    assert "max_features=5" in repr(model)


# --- tables with mistakes in them -----------------------------------------------------------------------------------------------


def test_the_row_and_the_column_of_a_value_that_is_missing_are_named() -> None:
    table = X.copy()
    table[[7, 9], 1] = np.nan, np.inf
    message = (
        r"Input X contains NaN: nan in row 7, column 'x1' \(column 1\); 2 of 40 rows have such values: leave them out, as in "
        r"X\[np.isfinite\(X\).all\(axis=1\)\], or fill them, such as with sklearn's SimpleImputer"
    )
    with pytest.raises(ValueError, match=message):
        small().fit(table, X[:, 0])
    model = small().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="contains infinity: -inf in row 0, column 'x0'"):
        model.predict([[-np.inf, 1.0]])
    target = X[:, 0].copy()
    target[3] = np.inf
    with pytest.raises(
        ValueError,
        match="Input y contains infinity: inf in row 3; leave out the rows without a target",
    ):
        small().fit(X, target)
    with pytest.raises(ValueError, match="Input y contains NaN: nan in row 3, output 1"):
        small().fit(X, np.column_stack([X[:, 0], np.where(target == np.inf, np.nan, target)]))


def test_a_column_that_is_no_number_is_named() -> None:
    table = X.astype(object)
    table[5, 1] = "n/a"
    with pytest.raises(
        ValueError,
        match="column 'x1' of X has dtype object and holds 'n/a' in row 5, which is no number: .*OneHotEncoder",
    ):
        small().fit(table, X[:, 0])
    model = small().fit(X.astype(object), X[:, 0])  # numbers in disguise
    assert str(model.expression_) == "x0"
    with pytest.raises(ValueError, match="column 'x1' .* holds 'n/a' in row 0"):
        model.predict(table[5:6])
    with pytest.raises(TypeError, match="column 'x0' of X has dtype object and holds {} in row 0"):
        small().fit(np.array([[{}, 1], [2, 3]], object), [1, 2])
    with pytest.raises(ValueError, match="inhomogeneous"):
        small().fit([[1.0, 2.0], [1.0]], [1, 2])
    with pytest.raises(ValueError, match="y holds what is no number"):
        small().fit(X[:2], ["low", "high"])


def test_a_column_of_a_data_frame_that_is_no_number_is_named() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"mass": X[:, 0], "colour": np.where(X[:, 1] > 1, "red", "blue")})
    with pytest.raises(ValueError, match="column 'colour' of X has dtype .* and holds '(red|blue)' in row 0"):
        small().fit(frame, X[:, 0])
    frame = pandas.DataFrame({"mass": X[:, 0], "length": X[:, 1]})
    frame.loc[4, "length"] = None
    with pytest.raises(ValueError, match=r"contains NaN: nan in row 4, column 'length' \(column 1\)"):
        small().fit(frame, X[:, 0])
    model = small().fit(frame[["mass"]], 2 * frame["mass"])
    assert str(model.expression_) == "2*mass" and list(model.feature_names_in_) == ["mass"]


def test_sparse_targets_are_refused() -> None:
    with pytest.raises(
        TypeError, match=r"y is sparse, and a search needs dense targets; write y.toarray\(\)"
    ):
        small().fit(X, sparse.csr_matrix(X))


def test_columns_that_repeat_are_left_out() -> None:
    table = np.array([[1.0, 0.0, 1.0, 5.0, -0.0], [2.0, 1.0, 2.0, 5.0, 1.0]])
    assert varying(table) == [0, 1]
    model = small().fit(np.column_stack([X, X, np.ones(40)]), X[:, 1])
    assert model.selected_features_.tolist() == [0, 1]


def test_two_rows_with_the_same_inputs_and_different_targets_are_fitted_in_the_mean() -> None:
    model = small().fit([[1.0], [1.0], [1.0]], [1.0, 2.0, 6.0])
    assert model.predict([[1.0]]) == pytest.approx(3.0)


def test_rows_that_leave_nothing_to_evaluate_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symnum.regression.enumeration.kernels.usable", lambda values: False)
    with pytest.raises(
        ValueError, match="no variable of x0, x1 can be evaluated on the rows, so there is nothing"
    ):
        small().fit(X, np.sin(X[:, 0]))


# --- many columns and many rows ---------------------------------------------------------------------------------------------------


def test_of_many_columns_the_useful_ones_are_chosen() -> None:
    many = RNG.normal(size=(200, 100))
    target = many[:, 3] * many[:, 71] + many[:, 50] ** 2
    model = small(max_features=6, max_evaluations=30_000).fit(many, target)
    assert len(model.selected_features_) == 6 and {3, 50, 71} <= set(model.selected_features_.tolist())
    np.testing.assert_allclose(model.predict(many), target, atol=1e-9)
    assert {str(s) for s in model.symbols_} == {f"x{k}" for k in range(100)}
    everything = small(max_features=None, max_evaluations=500).fit(many[:, :30], many[:, 3])
    assert everything.selected_features_.tolist() == list(range(30))
    by_default = small(max_evaluations=500).fit(many[:, :30], many[:, 3])
    assert len(by_default.selected_features_) == 20 and 3 in by_default.selected_features_


def test_the_choice_of_columns_depends_on_weights_and_not_on_the_order_of_rows() -> None:
    many = RNG.normal(size=(60, 30))
    target = np.where(np.arange(60) < 40, many[:, 4], many[:, 9])
    weights = (np.arange(60) < 40).astype(float)
    chosen = select_features(Problem.of(many, target, weights), 2, seed=1)
    assert 4 in chosen
    order = RNG.permutation(60)
    assert select_features(Problem.of(many[order], target[order], weights[order]), 2, seed=1) == chosen
    assert select_features(Problem.of(many, target, weights), 50, seed=1) == list(range(30))


def test_of_very_many_rows_a_sample_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator, "LARGEST", 500)
    rows: list[int] = []
    true_of = Problem.of.__func__  # type: ignore[attr-defined]

    def of(cls: type[Problem], table: Any, target: Any, weights: Any) -> Problem:
        rows.append(len(target))
        return true_of(cls, table, target, weights)

    monkeypatch.setattr(Problem, "of", classmethod(of))
    big = RNG.uniform(1, 3, (5000, 2))
    weights = np.ones(5000)
    weights[::2] = 0  # rows without weight are not drawn
    target = np.where(weights > 0, big[:, 0] * big[:, 1], 1e6)
    model = small().fit(big, target, sample_weight=weights)
    assert 500 in rows  # what is searched; the table of results may want all
    assert str(model.expression_) == "x0*x1"


def test_a_million_rows_take_no_more_than_a_hundred_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Stop(Exception):
        pass

    def search(problem: Problem, *rest: Any) -> Any:
        seen.append(problem.rows)
        raise Stop

    monkeypatch.setattr(estimator, "Search", search)
    big = RNG.uniform(1, 3, (1_000_000, 2))
    with pytest.raises(Stop):
        small().fit(big, big[:, 0] * big[:, 1])
    assert seen == [100_000]


# --- several outputs --------------------------------------------------------------------------------------------------------------


def test_each_output_has_its_formula() -> None:
    targets = np.column_stack([2 * X[:, 0], X[:, 0] * X[:, 1], np.full(40, 7.0)])
    model = small(max_evaluations=9000).fit(X, targets)
    assert [str(each) for each in model.expressions_] == ["2*x0", "x0*x1", "7"]
    assert len(model.equations_) == 3 and all(isinstance(each[0], Equation) for each in model.equations_)
    np.testing.assert_allclose(model.predict(X), targets, rtol=1e-9)
    assert model.predict(X[:1]).shape == (1, 3)
    assert model.score(X, targets) == pytest.approx(1)
    assert [each.max_evaluations for each in model.estimators_] == [3000] * 3
    assert model.n_evaluations_ == sum(each.n_evaluations_ for each in model.estimators_)
    with pytest.raises(
        AttributeError,
        match=r"has 3 outputs, and expression_ is that of one; write model.estimators_\[0\].expression_",
    ):
        model.expression_
    with pytest.raises(AttributeError, match="object has no attribute 'expresion_'"):
        model.expresion_
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    single = model.fit(X, targets[:, 0])  # and back to one
    assert str(single.expression_) == "2*x0" and not hasattr(single, "estimators_")
    assert single.expressions_ == [single.expression_] and single.predict(X).shape == (40,)
    assert single.fit(X, targets[:, :1]).predict(X).shape == (40, 1)
    assert not hasattr(single, "expression_")


def test_outputs_share_the_time_and_the_weights() -> None:
    weights = np.where(np.arange(40) % 2 == 0, 1.0, 0.0)
    targets = np.where(weights[:, None] > 0, X, 99.0)
    model = SymbolicRegressor(time_limit=20.0).fit(X, targets, sample_weight=weights)
    assert [str(each) for each in model.expressions_] == ["x0", "x1"]
    assert [each.time_limit for each in model.estimators_] == [10.0, 10.0]
    with pytest.raises(ValueError, match="the values of y reach 1e.120"):
        small().fit(X, targets * 1e120 / 99)


def test_scikit_learns_own_tools_take_it() -> None:
    target = X[:, 0] + np.sin(X[:, 1])
    both = np.column_stack([target, X[:, 0]])
    wrapped = MultiOutputRegressor(small(max_evaluations=2000)).fit(X, both)
    np.testing.assert_allclose(wrapped.predict(X), both, rtol=1e-9)
    assert cross_val_score(small(max_evaluations=10_000), X, both, cv=2).min() > 0.999
    grid = GridSearchCV(small(max_evaluations=2000), {"model_selection": ["bits", lambda front: 0]}, cv=2)
    assert grid.fit(X, target).best_params_ == {"model_selection": "bits"}


# --- the choice of one formula ------------------------------------------------------------------------------------------------------

FRONT = [
    Equation(1, 1.0, 0.0, sn.symbols("a")),
    Equation(3, 0.5, 20.0, sn.symbols("b")),
    Equation(5, 1.2e-6, 90.0, sn.symbols("c")),
    Equation(9, 1.0e-6, 40.0, sn.symbols("d")),
]


@pytest.mark.parametrize(
    ("how", "place"),
    [("bits", 2), ("accuracy", 3), ("score", 2), (lambda front: 1, 1), (lambda front: -1, 3)],
)
def test_the_ways_to_choose(how: Any, place: int) -> None:
    assert choose(how, FRONT) == place


def test_a_loss_of_zero_can_be_chosen_by_its_score() -> None:
    assert choose("score", [FRONT[0], Equation(3, 0.0, 900.0, None)]) == 1
    assert choose("score", FRONT[:1]) == 0
    assert list(SELECTIONS) == ["bits", "accuracy", "score"]


@pytest.mark.parametrize("place", [4, "c", None, slice(0, 1), 1.0])
def test_a_choice_outside_the_front_is_refused(place: Any) -> None:
    with pytest.raises(ValueError, match="model_selection returned"):
        choose(lambda front: place, FRONT)


def test_the_estimator_takes_the_chosen_formula() -> None:
    target = 2 * X[:, 0] + RNG.normal(0, 0.1, 40)
    accurate = small(model_selection="accuracy").fit(X, target)
    assert accurate.expression_ is accurate.equations_[-1].expression
    first = small(model_selection=lambda front: 0).fit(X, target)
    assert first.complexity_ == first.equations_[0].complexity == 1
    assert first.equations_ == accurate.equations_


def test_a_choice_that_fails_leaves_a_fitted_regressor_behind() -> None:
    def failing(front: list[Equation]) -> int:
        raise RuntimeError("mine")

    model = small(model_selection=failing)
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, 2 * X[:, 0])
    assert str(model.expression_) == "2*x0" and model.predict(X[:2]).shape == (2,)


def test_a_fit_that_fails_keeps_what_an_earlier_one_found(tmp_path: Path) -> None:
    model = small(warm_start=True).fit(X, 2 * X[:, 0])
    for table, options in (
        (np.full((3, 5), np.nan), {}),
        (X[:3, [0, 1, 1]], {"checkpoint": tmp_path / "a" / "b.npz"}),
    ):
        with pytest.raises((ValueError, OSError)):
            model.set_params(**options).fit(table, [1.0, 2.0, 4.0])
        assert str(model.expression_) == "2*x0" and model.predict(X).shape == (40,)
        assert model.n_features_in_ == 2 and model._memory.columns == ("x0", "x1")
    untouched = small()
    with pytest.raises(ValueError, match="NaN"):
        untouched.fit([[np.nan]], [1.0])
    assert not hasattr(untouched, "n_features_in_")
