"""The plots of a fitted regressor: what they show, and what they need."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from symnum.regression import SymbolicRegressor, plots
from symnum.regression.pareto import Equation, Equations

pytest.importorskip("matplotlib", reason="needs matplotlib")

ROWS: list[Callable[..., Any]] = [plots.predictions, plots.curve, plots.residuals, plots.residual_quantiles]


@pytest.fixture(scope="module")
def fitted() -> tuple[SymbolicRegressor, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 3, (40, 2))
    y = 2.3719 * X[:, 0] - X[:, 1] ** 2 + rng.normal(0, 0.02, 40)
    model = SymbolicRegressor(
        time_limit=None, max_evaluations=3000, operators=("+", "*"), feature_names=("mass", "co$t")
    )
    return model.fit(X, y), X, y


def drawn(ax: Any) -> bytes:
    """Draw everything, so that a wrong label or an empty scale is met."""
    file = io.BytesIO()
    ax.figure.savefig(file, format="svg")
    return file.getvalue()


def labels(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def points(ax: Any, label: str) -> np.ndarray:
    (line,) = [each for each in ax.get_lines() if each.get_label() == label]
    return np.array(line.get_data(), float)


def test_the_front(fitted: Any) -> None:
    model, _, _ = fitted
    ax = plots.pareto_front(model)
    front = model.pareto_front_
    np.testing.assert_allclose(points(ax, "front"), [[e.complexity for e in front], [e.loss for e in front]])
    others = [e for e in model.equations_ if not e.on_front]
    assert points(ax, "other equations").shape == (2, len(others)) and others
    chosen = model.equation()
    (star,) = [line for line in ax.get_lines() if str(line.get_label()).startswith("chosen")]
    assert list(star.get_xdata()) == [chosen.complexity] and ax.get_yscale() == "log"
    assert ax.get_xlabel() == "complexity" and ax.get_ylabel() == "mean squared error"
    assert drawn(ax)


def test_a_loss_of_zero_and_relative_errors_on_the_front(
    fitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fitted[0]
    exact = Equations([Equation(1, 2.0, 0.0, "x"), Equation(3, 0.0, 9.0, "2*x")], chosen=1)
    monkeypatch.setattr(model, "equations_", exact)
    monkeypatch.setattr(model, "noise_", "relative")
    ax = plots.pareto_front(model)
    assert points(ax, "loss 0").tolist() == [[3.0], [0.2]]
    assert ax.get_ylabel() == "mean squared error of log(y)" and drawn(ax)


def test_predictions_and_residuals(fitted: Any) -> None:
    model, X, y = fitted
    ax = plots.predictions(model, X, y, target="force [N]")
    np.testing.assert_array_equal(points(ax, "rows"), [y, model.predict(X)])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("force [N], measured", "force [N], predicted")
    ax = plots.residuals(model, X, y)
    np.testing.assert_array_equal(points(ax, "rows"), [model.predict(X), y - model.predict(X)])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("y, predicted", "measured - predicted")
    first = plots.residuals(model, X, y, index=0)
    assert np.ptp(points(first, "rows")[0]) < np.ptp(points(ax, "rows")[0])
    ax = plots.residual_quantiles(model, X, y)
    quantiles, ordered = points(ax, "residuals")
    np.testing.assert_array_equal(ordered, np.sort(y - model.predict(X)))
    assert quantiles[0] == pytest.approx(-2.2414, abs=1e-4) and np.all(np.diff(quantiles) > 0)
    assert quantiles.sum() == pytest.approx(0, abs=1e-9) and labels(ax) == ["normal errors", "residuals"]


def test_relative_residuals(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, X, _ = fitted
    monkeypatch.setattr(model, "noise_", "relative")
    ax = plots.residuals(model, X, 2 * model.predict(X))
    np.testing.assert_allclose(points(ax, "rows")[1], np.log(2))
    assert ax.get_ylabel() == "log(measured/predicted)"


def test_a_curve_over_one_column(fitted: Any) -> None:
    model, X, y = fitted
    ax = plots.curve(model, X, y, column=1, level=0.9, target="force")
    np.testing.assert_array_equal(points(ax, "measured"), [X[:, 1], y])
    (line,) = [each for each in ax.get_lines() if "medians" in str(each.get_label())]
    along, values = np.array(line.get_data(), float)
    assert along[0] == X[:, 1].min() and along[-1] == X[:, 1].max()
    table = np.column_stack([np.full(len(along), np.median(X[:, 0])), along])
    np.testing.assert_allclose(values, model.predict(table))
    assert "90% of new measurements" in labels(ax) and len(ax.collections) == 1
    # a dollar sign is not the begin of a formula
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("co_t", "force") and drawn(ax)
    assert plots.curve(model, X, y, feature="m [kg]").get_xlabel() == "m [kg]"
    with pytest.raises(IndexError, match="there is no column 2; X has 2, so column is -2 to 1"):
        plots.curve(model, X, y, column=2)


@pytest.mark.parametrize("draw", ROWS)
def test_the_training_rows_are_the_default(fitted: Any, draw: Callable[..., Any]) -> None:
    model, X, y = fitted
    order = np.lexsort((X[:, 1], X[:, 0]))
    given, own = draw(model, X[order], y[order]), draw(model)
    for a, b in zip(given.get_lines(), own.get_lines(), strict=True):
        np.testing.assert_array_equal(a.get_data(), b.get_data())


@pytest.mark.parametrize("draw", [*ROWS, plots.pareto_front])
def test_plots_draw_where_they_are_told(fitted: Any, draw: Callable[..., Any]) -> None:
    ax = plots.new_axes()
    assert draw(fitted[0], ax=ax) is ax and len(ax.get_lines()) > 0 and drawn(ax)


@pytest.mark.parametrize("draw", ROWS)
def test_bad_rows_are_named(fitted: Any, draw: Callable[..., Any]) -> None:
    model, X, y = fitted
    with pytest.raises(ValueError, match=r"y has shape \(39,\), but X has 40 rows"):
        draw(model, X, y[:-1])
    with pytest.raises(ValueError, match="X and y belong together"):
        draw(model, X)
    with pytest.raises(ValueError, match=r"y\[1\] is not finite"):
        draw(model, X[:3], [1.0, np.nan, 2.0])
    with pytest.raises(ValueError, match="expecting 2 features"):
        draw(model, X[:, :1], y)


def test_quantiles_need_two_rows(fitted: Any) -> None:
    model, X, y = fitted
    with pytest.raises(ValueError, match="needs two rows or more, and the formula is defined on 1"):
        plots.residual_quantiles(model, X[:1], y[:1])


def test_many_rows_are_thinned_and_the_label_says_so(fitted: Any) -> None:
    model, X, y = fitted
    many = np.tile(X, (200, 1)), np.tile(y, 200)
    for draw in ROWS:
        ax = draw(model, *many)
        (label,) = [text for text in labels(ax) if "5,000 of 8,000" in text]
        assert points(ax, label).shape == (2, 5000)
        assert len(drawn(ax)) < 1_000_000


def test_the_progress_of_a_search(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted[0]
    history = [(0.1, 10, 5.0, 1), (0.5, 100, 0.5, 3), (2.0, 500, 0.0, 5)]
    monkeypatch.setattr(model, "history_", history, raising=False)
    ax = plots.search_progress(model)
    assert points(ax, "best loss").tolist() == [[0.1, 0.5, 2.0], [5.0, 0.5, 0.05]]
    assert labels(ax) == ["best loss", "its complexity"]
    right = ax.figure.axes[1]
    assert right.get_ylabel() == "complexity" and drawn(ax)


@pytest.mark.parametrize(("history", "what"), [(None, "which it does not have"), ([], "which is empty")])
def test_progress_needs_a_history(
    fitted: Any, monkeypatch: pytest.MonkeyPatch, history: Any, what: str
) -> None:
    monkeypatch.setattr(fitted[0], "history_", history, raising=False)
    with pytest.raises(ValueError, match=f"needs the model's history_, {what}"):
        plots.search_progress(fitted[0])


@pytest.mark.parametrize("draw", [*ROWS, plots.pareto_front, plots.search_progress])
def test_a_model_must_be_fitted(draw: Callable[..., Any]) -> None:
    with pytest.raises(NotFittedError):
        draw(SymbolicRegressor())


def test_without_matplotlib_the_error_names_the_extra(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'symnum\[plot\]'"):
        plots.pareto_front(fitted[0])


def test_no_window_is_opened(fitted: Any) -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.pareto_front(fitted[0])
    assert plt.get_fignums() == before
