"""Losses other than squares: their values, refitting under them, and the ranking of formulas by them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy.optimize import linprog

import symnum as sn
from symnum.regression import description, finish
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.loss_ranking import models_under
from symnum.regression.losses import Loss
from symnum.regression.pareto import choose, front
from symnum.regression.problem import Problem
from symnum.regression.search import Search, Settings

GRAMMAR = Grammar(("x",), ("+", "*", "exp", "sin", "^2"))
LINE = GRAMMAR.parse("+ C * C x")
CURVE = GRAMMAR.parse("* C exp * C x")


@njit
def quartic(y: float, prediction: float, weight: float) -> float:
    return weight * (prediction - y) ** 4


def quantile(y: float, prediction: float) -> float:
    return 0.9 * (y - prediction) if y > prediction else 0.1 * (prediction - y)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("squared", lambda y, p: (p - y) ** 2), ("absolute", lambda y, p: abs(p - y)), ("relative", lambda y, p: ((p - y) / y) ** 2),
        ("log", lambda y, p: np.log(p / y) ** 2), 
        (("huber", 0.5), lambda y, p: np.where(abs(p - y) <= 0.5, (p - y) ** 2, abs(p - y) - 0.25)),
        (quartic, lambda y, p: (p - y) ** 4), (quantile, lambda y, p: np.where(y > p, 0.9 * (y - p), 0.1 * (p - y))),
        (lambda y, p, w: w * math.log(math.cosh(p - y)), lambda y, p: np.log(np.cosh(p - y))),
    ],
)  # fmt: skip
def test_the_mean_loss(spec: Any, expected: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    y, values, weights = rng.uniform(1, 3, (3, 50))
    loss = Loss.of(spec)
    assert loss.mean(y, values, weights) == pytest.approx(np.mean(weights * expected(y, values)), rel=1e-12)
    several = loss.means(y, np.stack([values, y]), weights)
    assert several[0] == loss.mean(y, values, weights) and several[1] == 0.0
    assert loss.mean(y, np.where(y > 2, np.nan, values), weights) == math.inf
    assert Loss.of(loss) is loss


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("cubic", ValueError, "there is no loss 'cubic'; the named ones are squared, absolute, relative, log, huber"),
        (("huber", 0), ValueError, r"the width of Huber's loss must be a positive number, but is 0; write \('huber', 1.0\)"),
        (("huber", "a"), ValueError, "the width of Huber's loss must be a positive number, but is 'a'"),
        (3, TypeError, "a loss is a name or a function, but got 3; write loss='absolute'"),
        (("absolute", 1), TypeError, "a loss is a name or a function"),
        (lambda y: y, ValueError, r"a loss takes \(y, prediction, weight\) or .*, but '<lambda>' takes 1 arguments"),
        (min, ValueError, "a loss takes"),
        (lambda y, p, w: np.linalg.svd(p), ValueError, "cannot compile the loss '<lambda>' for single numbers: .*; write it with"),
        (lambda y, p, w: [p][0].shape, ValueError, "numba cannot compile the loss"),
        (lambda y, p, w: -w * (y - p) ** 2, ValueError, "the loss '<lambda>' does not grow with the residual: "),
        (lambda y, p, w: w * (y - p) ** 2 - 1, ValueError, r"the loss '<lambda>' is negative \(-1\) where prediction and target agree"),
    ],
)  # fmt: skip
def test_bad_losses_are_explained(spec: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        Loss.of(spec)


def test_a_target_for_which_a_loss_is_undefined_is_told() -> None:
    y = np.array([1.0, 0.0, 2.0])
    for name in ("relative", "log"):
        with pytest.raises(
            ValueError, match=rf"the loss '{name}' is undefined for the target y = 0 \(1 rows of 3\)"
        ):
            Loss.of(name).check_target(y)
    for spec in ("absolute", "huber", quantile):
        Loss.of(spec).check_target(y)


@pytest.fixture(scope="module")
def outliers() -> tuple[Problem, Evaluator]:
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 3, 60)
    y = 2 + 0.7 * x + rng.normal(0, 0.1, 60)
    y[::10] += rng.uniform(5, 20, 6)
    problem = Problem.of(x[:, None], y, rng.uniform(0.5, 2, 60))
    return problem, Evaluator(GRAMMAR, problem.X)


def exact_quantile_line(problem: Problem, q: float) -> np.ndarray:
    """Solve the weighted quantile regression of a line as a linear program (Koenker and Bassett 1978)."""
    n, w = problem.rows, problem.weights
    A = np.column_stack([np.ones(n), problem.X[0], np.eye(n), -np.eye(n)])
    cost = np.concatenate([[0, 0], q * w, (1 - q) * w])
    bounds = [(None, None)] * 2 + [(0, None)] * (2 * n)
    return np.asarray(linprog(cost, A_eq=A, b_eq=problem.y, bounds=bounds).x[:2])


@pytest.mark.parametrize(("spec", "q"), [("absolute", 0.5), (quantile, 0.9)])
def test_a_line_is_fitted_to_quantiles_as_a_linear_program_does(
    spec: Any, q: float, outliers: tuple[Problem, Evaluator]
) -> None:
    problem, evaluator = outliers
    fit = Loss.of(spec).refit(evaluator, problem, LINE, [4.0, 0.0])
    assert fit is not None
    best = exact_quantile_line(problem, q)
    reached = Loss.of(spec).mean(problem.y, best[0] + best[1] * problem.X[0], problem.weights)
    assert fit.loss == pytest.approx(reached, rel=1e-7)
    np.testing.assert_allclose(fit.constants, best, rtol=1e-4)


def test_squares_are_fitted_as_least_squares_do(outliers: tuple[Problem, Evaluator]) -> None:
    problem, evaluator = outliers
    loss = Loss.of("squared")
    fit = loss.refit(evaluator, problem, LINE, [0.0, 0.0])
    assert fit is not None
    slope, offset = np.polyfit(problem.X[0], problem.y, 1, w=np.sqrt(problem.weights))
    np.testing.assert_allclose(fit.constants, [offset, slope], rtol=1e-8)
    A = np.column_stack([np.ones(problem.rows), problem.X[0]]) * np.sqrt(problem.weights)[:, None]
    variance = fit.loss * problem.rows / (problem.rows - 2)
    np.testing.assert_allclose(fit.deviations, np.sqrt(variance * np.diag(np.linalg.inv(A.T @ A))), rtol=1e-3)
    # and take as many bits
    residual = math.sqrt(fit.loss)
    assert loss.bits(problem, fit.loss, 2, 2.0) == pytest.approx(
        description.data_bits(problem, "additive", residual**2, 2), rel=1e-12
    )
    assert loss.bits(problem, fit.loss, 60, 2.0) == math.inf


def test_deviations_under_absolute_errors_are_those_of_the_density() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 3, 2000)
    problem = Problem.of(x[:, None], 2 + 0.7 * x + rng.laplace(0, 0.3, 2000), np.ones(2000))
    fit = Loss.of("absolute").refit(Evaluator(GRAMMAR, problem.X), problem, LINE, [2.0, 0.7])
    assert fit is not None
    A = np.column_stack([np.ones(2000), problem.X[0]])
    expected = 0.3 * np.sqrt(np.diag(np.linalg.inv(A.T @ A)))  # Laplace's density of scale b: variance b^2/n
    assert np.all(np.abs(np.log(fit.deviations / expected)) < np.log(1.25))


def test_huber_takes_its_width_from_the_first_fit(outliers: tuple[Problem, Evaluator]) -> None:
    problem, evaluator = outliers
    with pytest.raises(ValueError, match="Huber's loss has no width yet"):
        Loss.of("huber").mean(problem.y, problem.y, problem.weights)
    loss = Loss.of("huber").fitted_to(problem.y, 2 + 0.7 * problem.X[0], problem.weights)
    fit = loss.refit(evaluator, problem, LINE, [4.0, 0.0])
    assert fit is not None
    np.testing.assert_allclose(fit.constants, [2.0, 0.7], atol=0.1)
    assert loss.fitted_to(problem.y, problem.y, problem.weights) is loss


@pytest.mark.parametrize("spec", ["relative", "log", ("huber", 0.1), quartic, "absolute"])
def test_refitting_never_ends_above_its_start_and_finds_the_law(spec: Any) -> None:
    x = np.linspace(0, 2, 40)
    problem = Problem.of(x[:, None], 1.5 * np.exp(0.8 * x), np.ones(40))
    evaluator, loss = Evaluator(GRAMMAR, problem.X), Loss.of(spec)
    start = np.array([1.2, 0.9])
    fit = loss.refit(evaluator, problem, CURVE, start)
    assert fit is not None
    before = loss.mean(problem.y, evaluator.variants(CURVE, start[None])[0], problem.weights)
    assert fit.loss < 1e-6 * before
    np.testing.assert_allclose(fit.constants, [1.5, 0.8], rtol=1e-2 if spec is quartic else 1e-6)
    held = loss.refit(evaluator, problem, CURVE, start, np.array([True, False]))
    assert held is not None and held.constants[1] == 0.9 and held.deviations[1] == 0.0
    assert fit.loss < held.loss < before


def test_what_is_undefined_is_not_refitted() -> None:
    problem = Problem.of(np.array([[1.0], [2.0]]), np.array([1.0, 2.0]), np.ones(2))
    evaluator = Evaluator(GRAMMAR, problem.X)
    assert Loss.of("log").refit(evaluator, problem, LINE, [-5.0, 0.0]) is None
    fixed = Loss.of("absolute").refit(evaluator, problem, GRAMMAR.parse("x"), [])
    assert fixed is not None and fixed.loss == 0.0


@pytest.mark.parametrize(
    ("spec", "degree"), [("squared", 2.0), ("absolute", 1.0), (quartic, 4.0), (quantile, 1.0)]
)
def test_the_degree_of_a_loss_is_measured(spec: Any, degree: float) -> None:
    rng = np.random.default_rng(1)
    y, values = rng.normal(size=(2, 30))
    assert Loss.of(spec).degree(y, values, np.ones(30)) == pytest.approx(degree, rel=1e-9)
    assert Loss.of(spec).degree(y, y, np.ones(30)) == 2.0


def test_bits_of_absolute_errors_are_those_of_laplaces_density() -> None:
    problem = Problem.of(np.arange(10.0)[:, None], np.arange(10.0), np.ones(10))
    mean = 0.3
    expected = 10 * math.log2(
        2 * math.e * mean
    )  # entropy of Laplace's density with mean absolute deviation 0.3
    assert Loss.of("absolute").bits(problem, mean, 0, 1.0) == pytest.approx(expected, rel=1e-12)


def candidates(problem: Problem, evaluations: int) -> tuple[Search, list[Any]]:
    search = Search(problem, GRAMMAR, Settings(0, max_evaluations=evaluations, methods=("slots",)))
    search.run()
    found = finish.candidates(search.archive, search.sums, search.evaluator, problem.sign)
    return search, [(c.tokens, c.constants) for c in found]


@pytest.mark.parametrize("spec", ["absolute", "huber"])
def test_formulas_are_refitted_and_ranked_under_a_loss(spec: str) -> None:
    rng = np.random.default_rng(7)
    x = rng.uniform(0.5, 3, 80)
    y = 1.5 + 2 * np.sin(x) + rng.normal(0, 0.01, 80)
    y[::8] += rng.choice([-4.0, 6.0], 10)
    problem = Problem.of(x[:, None], y, np.ones(80))
    search, found = candidates(problem, 3000)
    selection = finish.select(
        problem,
        problem,
        search.evaluator,
        finish.candidates(search.archive, search.sums, search.evaluator, 0),
    )
    assert str(selection.models[choose(selection.models)].term) != "2*sin(x) + 3/2"
    models, baseline = models_under(Loss.of(spec), problem, problem, search.evaluator, found)
    assert {m.noise for m in models} == {spec} and baseline == models[0].bits
    best = models[choose(models)]
    assert str(best.term) == "2*sin(x) + 3/2" and best.bits < baseline
    if spec == "absolute":
        assert best.loss == pytest.approx(np.mean(np.abs(y - 1.5 - 2 * np.sin(x))), rel=1e-6)
        constant = sn.evaluate(models[0].term, {})
        assert abs(float(constant) - np.median(y)) < 0.2
    kept = front(models)
    assert [m.complexity for m in kept] == sorted({m.complexity for m in kept})


def test_candidates_are_compared_on_a_sample_and_refitted_to_all_rows() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(0.5, 3, 900)
    whole = Problem.of(x[:, None], 2 * np.exp(x) + rng.laplace(0, 0.01, 900), np.ones(900))
    search, found = candidates(whole, 2000)
    assert search.problem.rows < whole.rows
    models, _ = models_under(Loss.of("absolute"), whole, search.problem, search.evaluator, found)
    best = models[choose(models)]
    assert str(best.term) == "2*exp(x)"
    assert best.loss == pytest.approx(np.mean(np.abs(whole.y - 2 * np.exp(whole.X[0]))), rel=1e-9)


def test_a_loss_that_no_formula_is_defined_under_is_told() -> None:
    problem = Problem.of(np.array([[1.0], [2.0], [3.0]]), np.array([-1.0, 1.0, -1.0]), np.ones(3))
    with pytest.raises(
        ValueError, match="the loss 'log' is undefined on the data for every formula that was found"
    ):
        models_under(Loss.of("log"), problem, problem, Evaluator(GRAMMAR, problem.X), [(LINE, [1.0, 0.0])])
