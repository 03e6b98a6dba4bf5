"""Constants, descriptions, the front, sums and enumeration: the parts of a search one by one."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import symnum as sn
from symnum.regression import description, sums
from symnum.regression.affine import without_constants
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.constants import Fitter, Model, simple_numbers
from symnum.regression.enumeration import Bank, enumerate_expressions
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.pareto import front
from symnum.regression.problem import Problem, Views, in_plain_target

RNG = np.random.default_rng(11)


def problem_of(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> Problem:
    table = x[:, None] if x.ndim == 1 else x
    return Problem.of(table, y, np.ones(len(y)) if weights is None else weights)


# --- rows and views -----------------------------------------------------------------------------------------------------------


def test_weights_are_repetitions_and_the_order_of_rows_does_not_matter() -> None:
    X = np.array([[2.0, 1.0], [0.0, 3.0], [2.0, 1.0], [5.0, 5.0]])
    y = np.array([1.0, 2.0, 1.0, 9.0])
    repeated = Problem.of(X, y, np.array([1.0, 1.0, 1.0, 0.0]))
    weighted = Problem.of(X[[1, 0]], y[[1, 0]], np.array([1.0, 2.0]))
    assert repeated.rows == 2
    for one, other in zip(
        (repeated.X, repeated.y, repeated.weights), (weighted.X, weighted.y, weighted.weights), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert repeated.weights.mean() == 1


def test_views_are_those_that_the_target_allows() -> None:
    grammar, x = Grammar(("x",)), np.linspace(1, 3, 9)
    always = ("plain", "relative", "log", "reciprocal")
    assert Views.of(problem_of(x, x**3), grammar).names == (
        *always,
        "square",
        "root",
        "inverse square",
        "exp",
    )
    assert Views.of(problem_of(x, x - 2), grammar).names == ("plain", "exp")
    assert Views.of(problem_of(x, 99 * x), grammar).names == (*always, "square", "root", "inverse square")
    assert Views.of(problem_of(x, -(x**3)), grammar).names == (*always, "exp")
    assert Views.of(problem_of(x, x**3), Grammar(("x",), ("+", "*"))).names == ("plain", "relative")
    angles = Grammar(("x",), ("+", "asin", "acos", "atan"))
    assert Views.of(problem_of(x, x / 2), angles).names == ("plain", "relative", "sin", "cos", "tan")
    assert Views.of(problem_of(x, x - 4), angles).names == ("plain", "relative")


@pytest.mark.parametrize(
    ("view", "target"),
    [
        ("plain", lambda f: 2 * f - 1), ("log", lambda f: np.exp(2 * f - 1)), ("reciprocal", lambda f: 1 / (2 * f - 1)),
        ("square", lambda f: np.sqrt(2 * f - 1)), ("root", lambda f: (2 * f - 1) ** 2),
        ("inverse square", lambda f: 1 / np.sqrt(2 * f - 1)), ("exp", lambda f: np.log(2 * f - 1)),
    ],
)  # fmt: skip
def test_a_fit_in_each_view_is_written_as_a_formula_of_the_target(view: str, target: object) -> None:
    grammar, x = Grammar(("x",)), np.linspace(1, 3, 30)
    y = target(np.sin(x) + x)  # type: ignore[operator]
    problem = problem_of(x, y)
    views, evaluator = Views.of(problem, grammar), Evaluator(grammar, problem.X)
    tokens = grammar.parse("+ sin x x")
    place = views.names.index(view)
    assert evaluator.scores([tokens], views)[0, place] < 1e-25
    coefficients, offset = views.least_squares(place, evaluator.values([tokens]))
    assert [*coefficients, offset] == pytest.approx([2, -1])
    written = in_plain_target(grammar, view, [tokens], coefficients, offset, problem.sign)
    assert written is not None
    np.testing.assert_allclose(evaluator.values([written[0]], [written[1]])[0], problem.y, rtol=1e-12)


def test_a_power_law_is_linear_in_the_logarithm() -> None:
    grammar = Grammar(("x", "y"))
    terms = [grammar.parse("log x"), grammar.parse("log y")]
    written = in_plain_target(grammar, "log", terms, [1.5, -2.0], math.log(3.0), -1)
    assert written is not None
    term = grammar.term(written[0], [Fraction(-3), Fraction(3, 2), -2])
    assert str(term) == "-3*x^(3/2)/y^2"
    assert written[1] == pytest.approx([-3.0, 1.5, -2.0])


# --- constants ------------------------------------------------------------------------------------------------------------------


def test_constants_inside_and_outside_are_fitted_with_their_standard_deviations() -> None:
    x = np.linspace(0, 2, 200)
    y = 1.7 * np.exp(-0.83 * x) + 0.4 + RNG.normal(0, 1e-3, 200)
    grammar = Grammar(("x",))
    problem = problem_of(x, y)
    fitter = Fitter(problem, Evaluator(grammar, problem.X), "additive")
    fitted = fitter.fit(grammar.parse("+ C * C exp * C x"), np.array([0.0, 1.0, -0.2]))
    assert fitted is not None
    errors = np.abs(fitted.constants - [0.4, 1.7, -0.83])
    assert np.all(errors < 5 * fitted.deviations)
    assert np.all(fitted.deviations < 5e-3) and np.all(fitted.deviations > 1e-5)
    assert math.sqrt(fitted.loss) == pytest.approx(1e-3, rel=0.2)


def test_standard_deviations_are_those_of_linear_regression() -> None:
    x = np.linspace(-1, 3, 50)
    y = 2 * x + 1 + RNG.normal(0, 0.1, 50)
    problem = problem_of(x, y)
    grammar = Grammar(("x",))
    fitted = Fitter(problem, Evaluator(grammar, problem.X), "additive").fit(
        grammar.parse("+ C * C x"), np.zeros(2)
    )
    assert fitted is not None
    coefficients, covariance = np.polyfit(x, y, 1, cov=True)
    np.testing.assert_allclose(fitted.constants[::-1], coefficients, rtol=1e-9)
    np.testing.assert_allclose(fitted.deviations[::-1], np.sqrt(np.diag(covariance)), rtol=1e-6)


def test_a_constant_is_snapped_only_where_the_data_allow_it() -> None:
    grammar, x = Grammar(("x",)), np.linspace(1, 2, 100)
    tokens = grammar.parse("+ C * C ^ x C")

    def formula(noise: float, power: float = 1.5) -> str:
        y = 3.5 * x**power + 0.0 * x + np.random.default_rng(0).normal(0, noise, 100)
        problem = problem_of(x, y)
        fitter = Fitter(problem, Evaluator(grammar, problem.X), "additive")
        fitted = fitter.fit(tokens, np.array([0.1, 3.0, 1.4]))
        assert fitted is not None
        return str(fitter.snapped(tokens, fitted).term)

    assert formula(1e-12) == "7*x^(3/2)/2"
    assert formula(1e-4) == "7*x^(3/2)/2"
    assert "x^(3/2)" not in formula(1e-6, power=1.5123)


def test_simple_numbers_are_simple_and_near() -> None:
    names = lambda value, deviation: [str(n) for n, _ in simple_numbers(value, deviation)]
    assert names(2.0000001, 1e-7) == ["2"]
    assert names(0.33331, 1e-4)[0] == "1/3"
    assert "0" in names(1e-9, 1e-8)
    assert names(math.pi / 2, 1e-12) == ["pi/2"]
    assert names(0.7390851332, 1e-12) == []
    assert names(math.nan, 1.0) == []
    assert names(9.81, 1e-9) == ["981/100"]


def test_an_expression_that_is_undefined_at_the_start_has_no_fit() -> None:
    grammar = Grammar(("x",))
    problem = problem_of(np.linspace(1, 2, 9), np.linspace(3, 4, 9))
    fitter = Fitter(problem, Evaluator(grammar, problem.X), "additive")
    assert fitter.fit(grammar.parse("log * C x"), np.array([-1.0])) is None


# --- descriptions and the front ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complexity"),
    [
        ("x", 1), ("2.5", 1), ("x + y", 3), ("x - y", 3), ("2*x*y", 5), ("x/y", 3), ("x/y^2", 5), ("1/x", 3), ("-x", 1), ("x^2", 3),
        ("sqrt(x)", 2), ("sin(x + y)", 4), ("x^(3/2)", 3), ("x^y", 3), ("x/sqrt(y)", 4), ("x*y + x - 1", 7),
    ],
)  # fmt: skip
def test_complexity_counts_what_is_written(text: str, complexity: int) -> None:
    assert description.describe(sn.parse(text), 16)[0] == complexity


def test_bits_of_a_structure_are_those_of_its_parts() -> None:
    # x^(3/2): a power, a variable (4 bits each of 16 words) and 3/2
    assert description.describe(sn.parse("x^(3/2)"), 16)[1] == 4 + 4 + 3
    assert (
        description.describe(sn.parse("2.5*x"), 16)[1] == 4 + 4
    )  # the fitted constant is counted by its digits


def test_a_description_of_a_shared_term_takes_linear_time() -> None:
    term = sn.symbols("x")
    for _ in range(200):
        term = sn.sin(term + sn.exp(term))
    complexity, bits = description.describe(term, 16)
    assert complexity > 2**200 and math.isfinite(bits)


def test_data_bits_prefer_the_noise_model_that_is_true() -> None:
    y = np.geomspace(0.1, 1000, 60)
    problem = problem_of(np.arange(60.0), y)

    def bits(noise: str, residual: np.ndarray) -> float:
        residuals = description.residuals(problem, noise, y + residual)
        return description.data_bits(problem, noise, float(np.mean(residuals**2)), 0)

    alike, proportional = RNG.uniform(-0.05, 0.05, 60), 0.01 * y * RNG.normal(0, 1, 60)
    assert bits("additive", alike) < bits("relative", alike)
    assert bits("relative", proportional) < bits("additive", proportional)
    assert description.data_bits(problem, "additive", 1.0, 60) == math.inf


def test_the_front_is_not_dominated_and_ends_where_only_rounding_is_left() -> None:
    x = sn.symbols("x")

    def model(complexity: int, loss: float, bits: float) -> Model:
        return Model(x + complexity + bits, complexity, loss, bits, "additive", np.zeros(1, np.int16), ())

    models = [
        model(3, 1.0, 9), model(3, 0.9, 12), model(5, 2.0, 20), model(7, 0.1, 5), model(8, 0.1 * (1 - 1e-9), 6), model(9, 1e-30, 2),
        model(11, 1e-32, 3),
    ]  # fmt: skip
    assert [(m.complexity, m.bits) for m in front(models, rounding=1e-24)] == [(3, 9), (7, 5), (9, 2)]
    shortest = model(
        12, 1e-31, -4
    )  # of no smaller loss than one simpler, but the shortest description of all
    assert [(m.complexity, m.bits) for m in front([*models, shortest], rounding=1e-24)][-2:] == [
        (9, 2),
        (12, -4),
    ]
    # one simpler, with constants that cost more than they explain, makes room for the shortest description
    worth = [model(3, 1.0, 9), model(13, 0.1, 4), model(14, 0.1001, -5), model(20, 0.09, 0)]
    assert [(m.complexity, m.bits) for m in front(worth)] == [(3, 9), (14, -5), (20, 0)]
    assert front([], rounding=1.0) == []


@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        ("+ x 1", "x"), ("- 1 * 2 x", "x"), ("/ x exp 2", "x"), ("/ 2 x", "/ 2 x"), ("log * 2 x", "log x"), ("exp + x 2", "exp x"),
        ("exp - 2 x", "^-1 exp x"),
        ("sqrt exp - 1 * x y", "sqrt ^-1 exp * x y"), ("sin exp - 1 x", "sin exp - 1 x"),
        ("sqrt / x 2", "sqrt x"), ("sin * 2 x", "sin * 2 x"), ("* + x 1 y", "* + x 1 y"),
        ("+ + x 1 log * y 2", "+ x log y"), ("* sqrt * 2 x ^2 / y 2", "* sqrt x ^2 y"), ("+ exp + 1 x y", "+ exp + 1 x y"),
        ("^ * 2 x y", "^ * 2 x y"), ("+ 1 2", "+ 1 2"),
    ],
)  # fmt: skip
def test_what_linear_constants_can_do_is_left_out(text: str, shorter: str) -> None:
    grammar = Grammar(("x", "y"))
    tokens = without_constants(grammar, grammar.parse(text))
    assert " ".join(grammar.names[t] for t in tokens) == shorter


# --- enumeration and sums -----------------------------------------------------------------------------------------------------------


def searched(problem: Problem, grammar: Grammar, evaluations: int) -> tuple[Bank, Archive, str]:
    archive = Archive(Views.of(problem, grammar))
    bank = Bank(grammar, problem, 20_000)
    return bank, archive, enumerate_expressions(bank, archive, Budget(evaluations))


def test_the_enumeration_stores_each_function_once_and_shortest_first() -> None:
    x = np.linspace(0.3, 2.7, 40)
    grammar = Grammar(("x",), operators=("+", "*", "sin"), numbers=(1,))
    bank, _, reason = searched(problem_of(x, np.cos(3 * x)), grammar, 20_000)
    assert reason == "budget"
    functions = {tuple(f"{value:.12e}" for value in row) for row in bank.values[: bank.size]}
    # a value that lies on the border of two roundings lets an equal function pass, one in thousands
    assert 5000 < 0.999 * bank.size < len(functions)
    texts = {str(grammar.term(bank.tokens(k))) for k in range(bank.size)}
    assert len(texts) > 0.999 * bank.size
    assert np.all(np.diff(bank.lengths[: bank.size]) >= 0)
    assert {"x", "sin(x)", "x^2", "x + 1", "x^3", "sin(x)^2", "2*x"} <= texts
    for k in (0, 5, bank.size // 2, bank.size - 1):
        np.testing.assert_allclose(
            Evaluator(grammar, x[None]).values([bank.tokens(k)])[0], bank.values[k], rtol=1e-14
        )


def test_an_enumeration_of_a_finite_language_is_complete() -> None:
    x = np.linspace(0.3, 2.7, 40)
    grammar = Grammar(("x",), operators=("neg", "abs"), numbers=(1,))
    bank, _, reason = searched(problem_of(x, np.cos(3 * x)), grammar, 20_000)
    assert reason == "complete"
    assert {str(grammar.term(bank.tokens(k))) for k in range(bank.size)} == {"1", "x", "-1", "-x"}


def test_the_enumeration_ends_with_the_length_of_an_exact_formula() -> None:
    x = np.linspace(0.3, 2.7, 40)
    grammar = Grammar(("x",))
    bank, archive, reason = searched(problem_of(x, 3 * np.sin(x**2) - 5), grammar, 20_000)
    assert reason == "exact"
    assert bank.lengths[bank.size - 1] == 3
    best = min(archive.entries(0))
    assert str(grammar.term(best.tokens)) == "sin(x^2)"


def test_elimination_finds_the_terms_of_a_sparse_polynomial() -> None:
    X = RNG.uniform(-1, 1, (40, 2))
    x, y = X.T
    grammar = Grammar(("x", "y"))
    problem = problem_of(X, 3 * x**4 - x * y**2 + 0.5 * y)
    views, evaluator = Views.of(problem, grammar), Evaluator(grammar, problem.X)
    found = sums.eliminate(sums.monomials(grammar), evaluator, views, 0)
    exact = [s for s in found if s.left < 1e-20]
    shortest = min(exact, key=lambda s: s.length)
    assert {str(grammar.term(t)) for t in shortest.tokens} == {"x^4", "x*y^2", "y"}


def test_monomials_stay_few() -> None:
    assert [str(Grammar(("x",)).term(t)) for t in sums.monomials(Grammar(("x",)))][:3] == ["x", "x^2", "x^3"]
    assert len(sums.monomials(Grammar(tuple(f"x{k}" for k in range(50))))) == 50
    assert len(sums.monomials(Grammar(("x", "y"), operators=("sin",)))) == 2


def test_the_beam_finds_a_sum_that_is_too_long_to_enumerate() -> None:
    x = np.linspace(0.1, 2, 60)
    grammar = Grammar(("x",))
    y = 0.7 * np.sin(x**2) + 1.3 * np.log(x + 1) - 2 * np.sqrt(x)
    bank, archive, _ = searched(problem_of(x, y), grammar, 30_000)
    found = sums.grow(bank, archive.views, 0, Budget(None))
    best = min(found, key=lambda s: s.left)
    assert best.left < 1e-24
    assert {str(grammar.term(t)) for t in best.tokens} == {"sin(x^2)", "log(x + 1)", "sqrt(x)"}
