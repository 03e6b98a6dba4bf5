"""What a fitted regressor offers: the table of equations, exports, uncertainty and intervals."""

from __future__ import annotations

import pickle
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import symnum as sn
from symnum.regression import Equation, SymbolicRegressor
from symnum.regression import pareto as pareto_module
from symnum.regression import results as results_module
from symnum.regression import uncertainty as uncertainty_module
from symnum.regression.constants import Fitter, Model
from symnum.regression.evaluator import Evaluator
from symnum.regression.formula import Formula
from symnum.regression.grammar import Grammar
from symnum.regression.html_report import page
from symnum.regression.pareto import Equations, table
from symnum.regression.problem import Problem
from symnum.regression.uncertainty import _drawn, bootstrap, interval, uncertainty

x, y = sn.symbols("x y")


def small(**options: Any) -> SymbolicRegressor:
    return SymbolicRegressor(
        **{"time_limit": None, "max_evaluations": 3000, "operators": ("+", "*", "exp"), **options}
    )


@pytest.fixture(scope="module")
def fitted() -> tuple[SymbolicRegressor, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 3, (60, 1))
    target = 2.3719 * np.exp(-0.6137 * X[:, 0]) + rng.normal(0, 0.002, 60)
    return small(feature_names=("time",)).fit(X, target), X, target


# --- the table --------------------------------------------------------------------------------------------------------------


def model(complexity: int, loss: float, bits: float, text: str) -> Model:
    return Model(sn.parse(text), complexity, loss, bits, "additive", np.zeros(1, np.int16), ())


FRONT = [model(1, 4.0, 40.0, "x"), model(3, 1.0, 20.0, "2*x"), model(5, 0.5, 25.0, "2*x + y")]
OTHERS = [
    model(3, 2.0, 30.0, "x + y"),
    model(3, 1.0 + 1e-12, 31.0, "x + x*1.0"),  # the same in other words
    model(3, 0.98, 32.0, "2.01*x"),  # nearly the same constant
    model(3, 3.0, 35.0, "x*y"),
    model(3, 3.5, 36.0, "x - y"),
    model(4, 3.0, 39.0, "y + sqrt(x)"),
]


def test_several_equations_of_each_complexity_are_kept_beside_the_front() -> None:
    found = table(FRONT, [*FRONT, *OTHERS], 40.0, per_complexity=3)
    assert [str(e.expression) for e in found] == ["x", "2*x", "x + y", "x*y", "y + sqrt(x)", "2*x + y"]
    assert [e.on_front for e in found] == [True, True, False, False, False, True]
    assert [e.score for e in found] == [0.0, 20.0, 10.0, 5.0, 1.0, 15.0]
    assert found.chosen == 1 and found[found.chosen].bits == 20.0
    assert [str(e.expression) for e in found.front] == ["x", "2*x", "2*x + y"] and found.front.chosen == 1
    one = table(FRONT, [*FRONT, *OTHERS], 40.0, per_complexity=1)
    assert [str(e.expression) for e in one] == ["x", "2*x", "y + sqrt(x)", "2*x + y"]


def test_the_table_is_a_sequence_that_shows_itself() -> None:
    found = table(FRONT, [*FRONT, *OTHERS], 40.0)
    assert len(found) == 6 and isinstance(found[0], Equation) and isinstance(found[1:3], Equations)
    assert found[1:3].chosen is None and list(found[1:3]) == [found[1], found[2]]
    assert found[-1] in found and found.index(found[2]) == 2
    text = str(found).splitlines()
    assert text[0].split() == ["complexity", "loss", "score", "bits", "expression"]
    assert text[2].startswith(">") and text[2].endswith("  2*x") and text[3].startswith(". ")
    assert text[-2:] == [
        "> is the chosen equation",
        ". has a larger loss, or a longer description of the data, than an equation of the front",
    ]
    assert repr(found) == str(found)
    assert found == table(FRONT, [*FRONT, *OTHERS], 40.0) and hash(found) == hash(
        pickle.loads(pickle.dumps(found))
    )
    assert found != found.front and found != list(found)


def test_the_table_in_a_notebook_is_html_and_escaped() -> None:
    page = Equations([Equation(1, 1.0, 0.0, "a < b & <script>")], chosen=0)._repr_html_()
    assert "<code>a &lt; b &amp; &lt;script&gt;</code>" in page and "<script>" not in page
    assert page.count("<tr") == 2 and 'class="chosen"' in page


def test_the_table_in_a_paper_is_latex() -> None:
    lines = Equations([Equation(3, 1.2345e-30, 12.0, 2 * x**2)]).to_latex().splitlines()
    assert lines[4] == r"3 & $1.23 \cdot 10^{-30}$ & 12.0 & $2 x^{2}$ \\" and len(lines) == 7


def test_a_data_frame_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    found = table(FRONT, FRONT, 40.0)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pandas", None)
        with pytest.raises(ImportError, match="pip install pandas"):
            found.to_pandas()
    pytest.importorskip("pandas", reason="needs pandas")
    frame = found.to_pandas()
    assert list(frame.columns) == [*pareto_module.COLUMNS, "on_front"]
    assert frame["loss"].tolist() == [4.0, 1.0, 0.5] and frame["expression"][1] is FRONT[1].term


def test_per_complexity_limits_the_table_of_a_fit(fitted: Any) -> None:
    model, X, target = fitted
    counts = np.bincount([e.complexity for e in model.equations_])
    assert 2 <= counts.max() <= 3 and len(model.equations_) > len(model.pareto_front_)
    assert all(e.on_front for e in model.pareto_front_)
    assert model.equations_[model.equations_.chosen].expression is model.expression_
    lone = small(feature_names=("time",), per_complexity=1).fit(X, target)
    assert np.bincount([e.complexity for e in lone.equations_]).max() == 1
    assert lone.pareto_front_ == model.pareto_front_
    for bad in (0, 1.5, True, "3"):
        with pytest.raises(ValueError, match="per_complexity must be a whole number from 1"):
            small(per_complexity=bad).fit(X, target)


def test_another_equation_of_the_front_may_be_chosen(fitted: Any) -> None:
    model = pickle.loads(pickle.dumps(fitted[0]))
    model._choose_equation(-1)
    last = model.pareto_front_[-1]
    assert model.expression_ is last.expression and model.complexity_ == last.complexity
    assert model.equation() is last and model.pareto_front_.chosen == len(model.pareto_front_) - 1
    assert len(model.equations_) == len(fitted[0].equations_)


def test_names_of_columns_without_a_data_frame(fitted: Any) -> None:
    model, X, target = fitted
    assert [str(s) for s in model.symbols_] == ["time"]
    assert str(small(feature_names=["a b"]).fit(X, target).symbols_[0]) == "a_b"
    for bad in ("time", ("a", "b"), ()):
        with pytest.raises(ValueError, match="feature_names must be a sequence of 1 names"):
            small(feature_names=bad).fit(X, target)


# --- forms ------------------------------------------------------------------------------------------------------------------


def test_an_equation_in_other_forms(fitted: Any) -> None:
    model, X, _ = fitted
    assert model.equation() is model.equations_[model.equations_.chosen]
    assert model.latex() == sn.latex(model.expression_)
    assert model.sympy() == sn.to_sympy(model.expression_)
    expected = model.predict(X)
    for target in ("numpy", "numba"):
        np.testing.assert_allclose(model.to_function(target=target)(X[:, 0]), expected, rtol=1e-14)
    assert "double" in model.to_function(target="c").source
    assert "torch.nn.Module" in model.to_function(target="torch").source
    for k, equation in enumerate(model.equations_):
        assert model.latex(k) == sn.latex(equation.expression)
        direct = sn.compile(equation.expression, list(model.symbols_), target="numpy")(X[:, 0])
        np.testing.assert_array_equal(model.predict(X, index=k), np.broadcast_to(direct, 60))
    assert model.equation(-1) is model.equations_[-1] and model.equation(np.int64(0)) is model.equations_[0]


def test_wrong_places_are_named(fitted: Any) -> None:
    model, X, _ = fitted
    count = len(model.equations_)
    for call in (
        model.latex,
        model.sympy,
        model.to_function,
        model.uncertainty,
        lambda k: model.predict(X, k),
    ):
        with pytest.raises(IndexError, match=f"there is no equation {count}; equations_ has {count}"):
            call(count)
        with pytest.raises(TypeError, match="index must be a place in equations_ or None, but is '1'"):
            call("1")
    with pytest.raises(TypeError, match="but is True"):
        model.equation(True)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.equation(),
        lambda m: m.latex(),
        lambda m: m.uncertainty(),
        lambda m: m.predict_interval([[1.0]]),
        lambda m: m.report("never.html"),
    ],
)
def test_an_unfitted_model_says_so(call: Any) -> None:
    with pytest.raises(NotFittedError):
        call(SymbolicRegressor())


def test_several_outputs_have_an_equation_each(fitted: Any) -> None:
    several = SymbolicRegressor()
    several.estimators_ = [fitted[0], fitted[0]]
    for call in (several.latex, several.uncertainty, lambda: several.report("never.html")):
        with pytest.raises(ValueError, match=r"has 2 outputs, .* model\.estimators_\[0\]\.latex"):
            call()


# --- constants --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "formula", "values", "fitted"),
    [
        ("2.5*exp(-x/3) + 1", "c0*exp(c1*x) + c2", (2.5, Fraction(-1, 3), 1), ("c0",)),
        ("1.2*x^(-2.5)/y", "c0*x^c1/y", (1.2, -2.5), ("c0", "c1")),
        ("-sqrt(x)/y", "-sqrt(x)/y", (), ()),
        ("x*y^2/2", "c0*x*y^c1", (Fraction(1, 2), 2), ()),
        ("2^x - (-1.5)^y", "c0^x - c1^y", (2, -1.5), ("c1",)),
        ("2.1*x + 2.1*y", "c0*x + c1*y", (2.1, 2.1), ("c0", "c1")),
        # a sub-term that occurs twice has its constant once
        ("exp(2.5*x)/(1 + exp(2.5*x))", "exp(c0*x)/(c1 + exp(c0*x))", (2.5, 1), ("c0",)),
        ("2.5", "c0", (2.5,), ("c0",)),
        ("3", "c0", (3,), ()),
        ("x^2 + 3*pi", "c1*pi + x^c0", (2, 3), ()),
    ],
)
def test_constants_of_a_formula(
    text: str, formula: str, values: tuple[Any, ...], fitted: tuple[str, ...]
) -> None:
    found = Formula.of(sn.parse(text), [x, y])
    assert (str(found.named), found.values, found.fitted) == (formula, values, fitted)
    columns = np.array([[1.0, 2.0, 3.0], [0.5, 4.0, 2.0]])
    same = found.evaluate(columns, found.start[None])
    direct = sn.compile(sn.parse(text), [x, y], target="numpy")(*columns)
    np.testing.assert_allclose(same, np.broadcast_to(direct, (1, 3)), rtol=1e-14)


def test_symbols_that_are_no_columns_have_known_values(monkeypatch: pytest.MonkeyPatch) -> None:
    g = sn.symbols("g")
    found = Formula.of(2.5 * g * x, [x], known={g: 9.81})
    assert str(found.named) == "c0*g*x" and found.fitted == ("c0",)
    np.testing.assert_allclose(found.evaluate(np.array([[1.0, 2.0]]), found.start[None]), [[24.525, 49.05]])
    model = small(feature_names=("x",)).fit([[1.0], [2.0], [3.0], [5.0]], [1.0, 2.1, 2.9, 5.05])
    monkeypatch.setattr(type(model), "_declared", lambda self: {g: 9.81})
    monkeypatch.setattr(model, "equations_", Equations([Equation(3, 0.1, 1.0, 0.101 * g * x)], chosen=0))
    assert model.to_function()(2.0) == pytest.approx(0.101 * 9.81 * 2)
    assert model.uncertainty().fitted == ("c0",) and model.latex() == sn.latex(0.101 * g * x)
    assert "&#x27;g&#x27;: 9.81" in page(model)


def test_names_of_constants_avoid_those_of_columns() -> None:
    c0 = sn.symbols("c0")
    assert str(Formula.of(2.5 * c0 + 1.5, [c0]).named) == "c0*c_0 + c_1"


def test_a_shared_term_is_walked_once() -> None:
    term = 1.5 * x
    for _ in range(200):
        term = term * sn.sin(term)
    assert Formula.of(term, [x]).values[0] == 1.5


def line(rows: int = 40, noise: float = 0.3, seed: int = 3) -> Problem:
    rng = np.random.default_rng(seed)
    table = rng.uniform(0, 4, (rows, 1))
    weights = rng.uniform(0.5, 2, rows)
    return Problem.of(table, 1.3 * table[:, 0] - 0.7 + rng.normal(0, noise, rows) / np.sqrt(weights), weights)


def least_squares(problem: Problem) -> tuple[Any, np.ndarray, np.ndarray]:
    """Give the fitted line, and the covariance of its constants by the textbook."""
    A = np.stack([problem.X[0], np.ones(problem.rows)], axis=1)
    W = np.diag(problem.weights)
    inverse = np.linalg.inv(A.T @ W @ A)
    beta = inverse @ A.T @ W @ problem.y
    left = problem.y - A @ beta
    return (
        float(beta[0]) * x + float(beta[1]),
        beta,
        inverse * (problem.weights @ left**2) / (problem.rows - 2),
    )


def test_uncertainty_is_that_of_linear_regression() -> None:
    problem = line()
    term, _, covariance = least_squares(problem)
    found = uncertainty(Formula.of(term, [x]), problem, "additive")
    sizes = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found.deviations, sizes, rtol=1e-6)
    np.testing.assert_allclose(found.correlation, covariance / np.outer(sizes, sizes), rtol=1e-6)
    assert found.names == found.fitted == ("c0", "c1") and found.rows == 40


@pytest.mark.parametrize("noise", ["additive", "relative"])
def test_uncertainty_is_that_of_the_fit(noise: str) -> None:
    rng = np.random.default_rng(5)
    table = rng.uniform(0.5, 3, (50, 1))
    errors = np.exp(rng.normal(0, 0.05, 50))
    problem = Problem.of(table, 2 * np.exp(-0.7 * table[:, 0]) * errors, np.ones(50))
    grammar = Grammar(("x",))
    evaluator = Evaluator(grammar, problem.X)
    tokens = grammar.parse("* C exp * C x")
    fit = Fitter(problem, evaluator, noise).fit(tokens, np.array([1.8, -0.6]))
    assert fit is not None
    term = grammar.term(tokens, [float(c) for c in fit.constants])
    found = uncertainty(Formula.of(term, [x]), problem, noise)
    np.testing.assert_allclose(found.deviations, fit.deviations, rtol=1e-4)
    assert found.correlation[0, 1] == pytest.approx(-0.9, abs=0.09)


def test_exact_constants_have_no_deviation_and_undetermined_ones_an_infinite_one() -> None:
    problem = line()
    found = uncertainty(Formula.of(1.25 * x - sn.number(Fraction(2, 3)), [x]), problem, "additive")
    assert found.deviations[1] == 0 and found.deviations[0] > 0 and found.correlation.shape == (1, 1)
    assert [record[2] for record in found.records()][1] == "exact"
    assert "c1 = -2/3" in str(found) and "exact" in str(found) and "correlation" not in str(found)
    twice = uncertainty(Formula.of(sn.parse("1.25*x + 0.25*abs(x)"), [x]), problem, "additive")
    assert np.all(np.isinf(twice.deviations)) and np.all(np.isnan(twice.correlation))
    assert "not fixed by the data" in repr(twice)
    none = uncertainty(Formula.of(2 * x, [x]), problem, "additive")
    assert none.fitted == () and none.correlation.shape == (0, 0)
    flat = uncertainty(Formula.of(1.25 * x + sn.exp(-2000.5 * (x + 1)), [x]), problem, "additive")
    assert np.isinf(flat.deviations[1])


def test_snapped_constants_may_count_as_fitted() -> None:
    problem = line()
    _, _, covariance = least_squares(problem)
    snapped = sn.parse("13/10*x - 7/10")
    assert uncertainty(Formula.of(snapped, [x]), problem, "additive").fitted == ()
    found = uncertainty(Formula.of(snapped, [x], exact=False), problem, "additive")
    # near the optimum, where the curvature is the same
    np.testing.assert_allclose(found.deviations, np.sqrt(np.diag(covariance)), rtol=0.1)
    assert found.values == (1.3, -0.7)


def test_a_table_of_constants_in_a_notebook() -> None:
    found = uncertainty(Formula.of(least_squares(line())[0], [x]), line(), "additive")
    page = found._repr_html_()
    assert page.count("<table>") == 2 and "<code>c0*x + c1</code>" in page
    assert "correlation" in str(found)


def test_uncertainty_of_other_rows_and_of_too_many(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, X, target = fitted
    whole = model.uncertainty()
    np.testing.assert_allclose(model.uncertainty(X=X, y=target).deviations, whole.deviations, rtol=1e-12)
    # four times the information, half the deviation, but for the degrees of freedom
    four = model.uncertainty(X=np.tile(X, (4, 1)) + 1e-9 * np.arange(240)[:, None], y=np.tile(target, 4))
    assert np.all((0.4 < four.deviations / whole.deviations) & (four.deviations / whole.deviations < 0.6))
    half = model.uncertainty(X=X, y=target, sample_weight=np.repeat([1.0, 0.0], 30))
    assert half.rows == 30
    with pytest.raises(ValueError, match="X and y belong together"):
        model.uncertainty(X=X)
    monkeypatch.setattr(results_module, "KEPT", 10)
    large = small().fit(X, target)
    assert large.uncertainty(X=X, y=target).rows == 60
    with pytest.raises(ValueError, match="does not keep its 60 x 1 training rows"):
        large.uncertainty()
    with pytest.raises(ValueError, match="does not keep its 60 x 1 training rows"):
        large.predict_interval(X)


def test_uncertainty_where_the_formula_is_undefined() -> None:
    with pytest.raises(ValueError, match="the formula is undefined, .* on 20 of 40 rows"):
        half = Problem(np.linspace(-1, 1, 40)[None], np.linspace(0, 1, 40), np.ones(40))
        uncertainty(Formula.of(1.5 * sn.log(x), [x]), half, "additive")


# --- intervals --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [8, 30])
def test_intervals_hold_as_many_new_measurements_as_they_say(rows: int) -> None:
    inside: list[float] = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table = rng.uniform(0, 4, (rows, 1))
        problem = Problem.of(table, 1.3 * table[:, 0] - 0.7 + rng.normal(0, 0.3, rows), np.ones(rows))
        term, _, _ = least_squares(problem)
        new = rng.uniform(0, 4, 100)
        measured = 1.3 * new - 0.7 + rng.normal(0, 0.3, 100)
        low, high = interval(Formula.of(term, [x]), problem, "additive", new[None], 0.9, 200, rng)
        inside.append(float(np.mean((low < measured) & (measured < high))))
    assert 0.86 < np.mean(inside) < 0.94, np.mean(inside)


def test_the_bootstrap_spreads_constants_as_the_theory_says() -> None:
    problem = line(200)
    term, beta, covariance = least_squares(problem)
    opened = Formula.of(term, [x])
    left = np.sqrt(problem.weights) * (problem.y - beta[0] * problem.X[0] - beta[1])
    found, _ = bootstrap(opened, problem, "additive", left, 2000, np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(found.T), covariance, rtol=0.15)
    np.testing.assert_allclose(found.mean(axis=0), beta, atol=4 * np.sqrt(np.diag(covariance)).max() / 44)


def curved(rows: int) -> tuple[Problem, Formula, np.ndarray]:
    rng = np.random.default_rng(1)
    table = rng.uniform(0, 3, (rows, 1))
    problem = Problem.of(table, 2 * np.exp(-0.7 * table[:, 0]) + 0.5, np.ones(rows))
    return problem, Formula.of(sn.parse("2.0*exp(-0.7*x) + 0.5"), [x]), rng.normal(0, 0.1, rows)


def test_refits_reach_the_optimum_of_each_sample() -> None:
    problem, opened, errors = curved(50)
    found, losses = bootstrap(opened, problem, "additive", errors, 20, np.random.default_rng(2))
    drawn = _drawn(errors, (20, 50), np.random.default_rng(2))
    for constants, loss, added in zip(found, losses, drawn, strict=True):
        residual = opened.evaluate(problem.X, constants[None])[0] - (problem.y + added)
        a, b = constants[0], constants[1]
        decay = np.exp(b * problem.X[0])
        jacobian = np.stack([decay, a * problem.X[0] * decay, np.ones(50)], axis=1)
        step = np.linalg.lstsq(jacobian, residual, rcond=None)[0]
        assert loss == pytest.approx(residual @ residual)
        # what a further step would gain is nothing beside the noise
        assert np.sum((jacobian @ step) ** 2) < 1e-5 * loss / 47


def test_refits_of_many_rows_are_linear_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, opened, errors = curved(5000)
    exact, exact_losses = bootstrap(opened, problem, "additive", errors, 10, np.random.default_rng(2))
    monkeypatch.setattr(uncertainty_module, "LINEAR", 1000)
    linear, losses = bootstrap(opened, problem, "additive", errors, 10, np.random.default_rng(2))
    assert np.any(linear != exact)
    np.testing.assert_allclose(linear, exact, atol=0.1 * np.std(exact, axis=0).min())
    np.testing.assert_allclose(losses, exact_losses, rtol=1e-5)


def test_relative_errors_give_intervals_in_proportion() -> None:
    rng = np.random.default_rng(4)
    table = rng.uniform(1, 50, (80, 1))
    problem = Problem.of(table, 3 * table[:, 0] ** 1.5 * np.exp(rng.normal(0, 0.1, 80)), np.ones(80))
    opened = Formula.of(sn.parse("3.0*x^1.5"), [x])
    low, high = interval(opened, problem, "relative", np.array([[2.0, 20.0]]), 0.95, 200, rng)
    width = np.log(high / low)
    assert np.all(low > 0) and np.all(np.abs(width - 0.4) < 0.1)


def test_intervals_of_a_model(fitted: Any) -> None:
    model, X, target = fitted
    low, high = model.predict_interval(X)
    assert low.shape == high.shape == (60,)
    assert np.mean((low < target) & (target < high)) > 0.9
    again = model.predict_interval(X[::-1])
    np.testing.assert_array_equal(again[0][::-1], low)  # a row's interval does not depend on the other rows
    other = model.predict_interval(X, random_state=1)
    assert np.any(other[0] != low)
    narrow = model.predict_interval(X, level=0.5, samples=50)
    assert np.all(narrow[1] - narrow[0] < high - low)
    X4, line4 = np.linspace(0, 3, 40)[:, None], np.random.default_rng(0).normal(0, 0.5, 40)
    snapped = small().fit(X4, line4 + 2 * X4[:, 0])
    kept, freed = snapped.uncertainty(), snapped.uncertainty(exact=False)
    assert kept.fitted == () and len(freed.fitted) == len(kept.names) and np.all(freed.deviations > 0)
    widths = [
        np.mean(high - low) for low, high in (snapped.predict_interval(X4, exact=e) for e in (True, False))
    ]
    assert widths[1] > widths[0]
    constant = model.predict_interval(X, index=0)
    assert np.mean(constant[1] - constant[0]) > 2 * np.mean(high - low)


BAD_INTERVALS = [
    *((dict(level=level), "level must lie between 0 and 1") for level in (0, 1, -0.5, 95)),
    *((dict(samples=samples), "samples must be a whole number from 2") for samples in (1, 2.5, True)),
]


@pytest.mark.parametrize(("options", "message"), BAD_INTERVALS)
def test_bad_options_of_intervals_are_named(fitted: Any, options: dict[str, Any], message: str) -> None:
    model, X, _ = fitted
    with pytest.raises(ValueError, match=message):
        model.predict_interval(X, **options)


def test_an_interval_is_nan_where_the_formula_is_undefined_and_narrow_where_it_is_exact() -> None:
    problem = Problem.of(np.linspace(1, 2, 9)[:, None], np.log(np.linspace(1, 2, 9)), np.ones(9))
    opened = Formula.of(sn.log(x), [x])
    low, high = interval(
        opened, problem, "additive", np.array([[-1.0, 1.5]]), 0.9, 20, np.random.default_rng(0)
    )
    assert np.isnan(low[0]) and np.isnan(high[0]) and high[1] - low[1] < 1e-14


def test_an_interval_needs_more_rows_than_constants() -> None:
    problem = Problem.of(np.array([[1.0], [2.0]]), np.array([1.0, 3.0]), np.ones(2))
    with pytest.raises(ValueError, match="2 fitted constants and there are 2 distinct rows"):
        interval(
            Formula.of(2.0 * x - 1.0, [x]),
            problem,
            "additive",
            problem.X,
            0.9,
            20,
            np.random.default_rng(0),
        )


def test_another_loss_than_squares_has_neither(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, X, _ = fitted
    monkeypatch.setattr(model, "noise_", "absolute")
    for call in (model.uncertainty, lambda: model.predict_interval(X)):
        with pytest.raises(
            ValueError, match="fitted under the loss 'absolute', and .* are those of least squares"
        ):
            call()
    shown = page(model)
    assert "weighed by the loss absolute" in shown and "No standard deviations: the constants were" in shown


def test_a_pickled_model_keeps_what_it_offers(fitted: Any) -> None:
    model, X, _ = fitted
    copy = pickle.loads(pickle.dumps(model))
    assert copy.equations_ == model.equations_ and str(copy.uncertainty()) == str(model.uncertainty())
    np.testing.assert_array_equal(copy.predict_interval(X), model.predict_interval(X))


def test_training_rows_can_be_forgotten(fitted: Any) -> None:
    model, X, target = fitted
    copy = pickle.loads(pickle.dumps(model))
    copy.forget_rows()
    secret = target.tobytes()[:80]
    assert len(pickle.dumps(copy)) < len(pickle.dumps(model)) and secret not in pickle.dumps(copy)
    with pytest.raises(ValueError, match=r"forget_rows\(\) was called"):
        copy.uncertainty()
    assert str(copy.uncertainty(X=X, y=target)) == str(model.uncertainty())
    with pytest.raises(NotFittedError):
        SymbolicRegressor().forget_rows()


def test_a_constant_target_has_one_exact_equation() -> None:
    model = small().fit([[1.0], [2.0], [3.0]], [5.0, 5.0, 5.0])
    assert model.latex() == "5" and model.uncertainty().records().__next__() == ("c0", "5", "exact")
    low, high = model.predict_interval([[1.5]])
    assert low[0] == high[0] == 5.0
    np.testing.assert_array_equal(model.predict([[1.0], [2.0]], index=0), [5.0, 5.0])
