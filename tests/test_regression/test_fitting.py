"""Fits of constants: against scipy's least squares, without full rank, with weights, from bad starts, and many at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import least_squares

import symnum as sn
from symnum.regression import fitting
from symnum.regression.constants import Fitter
from symnum.regression.evaluator import Evaluator
from symnum.regression.fitting import FitLimits, fit_many, fit_one
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem

GRAMMAR = Grammar(("x",), ("+", "-", "*", "/", "^", "exp", "log", "sin", "cos", "tanh", "^2", "sqrt", "neg"))
x = np.linspace(0.2, 3, 80)
EVALUATOR = Evaluator(GRAMMAR, x[None])

# (tokens, constants of the law): linear constants alone, inner ones alone, and both
PROBLEMS = [
    ("+ C * C x", [1.5, -2.0]),
    ("+ * C x + * C ^2 x * C sin x", [0.4, -0.3, 2.0]),
    ("exp * C x", [-0.7]),
    ("* C exp * C x", [3.0, -1.2]),
    ("+ C * C exp * C x", [0.5, 2.0, 0.6]),
    ("* C ^ + x C C", [2.0, 0.8, -1.7]),
    ("+ C * C sin + C * C x", [1.0, 2.0, 0.4, 3.1]),
    ("/ C + 1 exp * C - x C", [4.0, -3.0, 1.4]),
    ("/ * C x + C x", [2.5, 0.9]),
    ("* C tanh - * C x C", [1.3, 2.0, 2.2]),
    ("+ * C log + x C neg * C sqrt x", [2.0, 0.3, 1.1]),
    ("^2 + C * C x", [0.5, -1.5]),
    ("* C / exp * C x + C cos * C x", [2.0, -0.5, 1.8, 0.9]),
]


def values(text: str, constants: object) -> np.ndarray:
    return EVALUATOR.variants(GRAMMAR.parse(text), np.array([constants], float))[0]


def by_scipy(text: str, start: np.ndarray, y: np.ndarray, root: np.ndarray) -> float:
    """Return the mean square at scipy's solution."""

    def residual(c: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.nan_to_num(root * (values(text, c) - y), nan=1e6, posinf=1e6, neginf=-1e6)

    found = least_squares(residual, start, method="lm", xtol=1e-12, ftol=1e-12, gtol=1e-12)
    return float(np.mean(found.fun**2))


@pytest.mark.parametrize(("text", "law"), PROBLEMS)
def test_a_noisy_law_is_fitted_as_well_as_by_scipy_from_the_law_itself(text: str, law: list[float]) -> None:
    rng = np.random.default_rng(len(text))
    weights = rng.uniform(0.2, 2, len(x))
    weights /= weights.mean()
    y = values(text, law) + rng.normal(0, 0.02, len(x))
    expected = by_scipy(text, np.array(law), y, np.sqrt(weights))
    many = fit_many(EVALUATOR, [GRAMMAR.parse(text)], y, weights, seed=3)
    assert many.losses[0] <= expected * (1 + 1e-8)
    at_found = float(np.mean(weights * (values(text, many.constants[0][: len(law)]) - y) ** 2))
    assert many.losses[0] == pytest.approx(at_found, rel=1e-9)
    near = np.array(law) * rng.uniform(0.9, 1.1, len(law))
    _, loss, _ = fit_one(
        EVALUATOR,
        GRAMMAR.parse(text),
        near,
        np.ones(len(law), bool),
        y,
        weights,
        noise="additive",
        steps=60,
        floor=0.0,
    )
    assert loss <= expected * (1 + 1e-8)


@pytest.mark.parametrize(("text", "law"), PROBLEMS)
def test_an_exact_law_is_found_to_the_last_digits(text: str, law: list[float]) -> None:
    y = values(text, law)
    found = fit_many(EVALUATOR, [GRAMMAR.parse(text)], y, seed=1)
    assert found.losses[0] < 1e-24 * np.mean(y**2)


def test_the_same_seed_gives_the_same_fits_alone_and_in_company() -> None:
    expressions = [GRAMMAR.parse(text) for text, _ in PROBLEMS]
    y = values(*PROBLEMS[5]) + np.sin(3 * x)
    together = fit_many(EVALUATOR, expressions, y, seed=2)
    again = fit_many(EVALUATOR, expressions, y, seed=2)
    np.testing.assert_array_equal(together.constants, again.constants)
    np.testing.assert_array_equal(together.losses, again.losses)
    starts = fitting.spread_starts(8, together.constants.shape[1], np.random.default_rng(2))
    scaled = fit_many(EVALUATOR, expressions[:1], y, starts=starts)
    assert scaled.losses[0] == pytest.approx(together.losses[0], rel=1e-9)  # linear: starts do not matter


def test_linear_constants_are_those_of_least_squares() -> None:
    y = np.exp(x) + np.random.default_rng(0).normal(0, 0.1, len(x))
    weights = np.linspace(0.5, 1.5, len(x))
    found = fit_many(EVALUATOR, [GRAMMAR.parse("+ C + * C x * C ^2 x")], y, weights)
    expected = np.polyfit(x, y, 2, w=np.sqrt(weights))[::-1]
    np.testing.assert_allclose(found.constants[0], expected, rtol=1e-9)
    assert found.steps[0] == 0


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("+ C * C x", [True, True]), ("* C exp * C x", [True, False]), ("* C + C * C x", [False, True, True]),
        ("* * C x + C x", [False, True]), ("/ * C x + C x", [True, False]), ("- x neg * C x", [True]), ("exp C", [False]),
        ("/ 1 C", [False]), ("^ C x", [False]), ("* + C x + C * C x", [False, True, True]), ("* exp C C", [False, True]), ("C", [True]),
    ],
)  # fmt: skip
def test_linear_constants_are_told_from_others(text: str, marked: list[bool]) -> None:
    tokens = GRAMMAR.parse(text)
    count = len(marked)
    linear = np.zeros(count, bool)
    links = np.zeros((5, len(tokens)), np.int64)
    arguments = (GRAMMAR.arity, GRAMMAR.kind, fitting.roles(GRAMMAR))
    assert fitting.linear_slots(tokens, len(tokens), *arguments, np.ones(count, bool), linear, links) == sum(
        marked
    )
    assert linear.tolist() == marked
    fitting.linear_slots(tokens, len(tokens), *arguments, np.zeros(count, bool), linear, links)
    assert not linear.any()


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("+ * C x * C x", "* C x"), ("+ C + C * C x", "+ C * C x"), ("* C * C x", "* C x"), ("* * C C exp * C * C x", "* C exp * C x"),
        ("* C exp + C * C x", "* C exp * C x"), ("+ * C x * C exp * 0 x", "+ * C x C"),
    ],
)  # fmt: skip
def test_constants_that_the_data_do_not_tell_apart_do_no_harm(text: str, needed: str) -> None:
    grammar = Grammar(("x",), ("+", "*", "exp"), numbers=(0, 1))
    evaluator = Evaluator(grammar, x[None])
    y = 2 * x + np.sin(3 * x)
    many, few = (fit_many(evaluator, [grammar.parse(t)], y) for t in (text, needed))
    assert np.isfinite(many.constants).all()
    assert many.losses[0] == pytest.approx(few.losses[0], rel=1e-6)


def test_more_constants_than_rows_are_fitted_exactly() -> None:
    few = Evaluator(GRAMMAR, np.array([[0.5, 1.0]]))
    found = fit_many(few, [GRAMMAR.parse("+ C + * C x + * C ^2 x * C sin * C x")], np.array([3.0, -1.0]))
    assert found.losses[0] < 1e-24


def test_an_expression_that_is_undefined_everywhere_has_an_infinite_loss() -> None:
    found = fit_many(
        EVALUATOR,
        [GRAMMAR.parse("* C log neg x"), GRAMMAR.parse("* C x"), GRAMMAR.parse("log neg ^2 * C x")],
        2 * x,
    )
    assert found.losses.tolist()[::2] == [math.inf, math.inf]
    assert found.losses[1] < 1e-25


def test_starts_that_are_undefined_are_passed_over() -> None:
    y = np.log(2.5 * x)
    found = fit_many(EVALUATOR, [GRAMMAR.parse("log * C x")], y, starts=np.array([[-1.0], [-3.0], [40.0]]))
    assert found.constants[0, 0] == pytest.approx(2.5)


@pytest.mark.parametrize("frequency", [0.02, 0.9, 3.0, 7.0])
def test_frequencies_of_several_sizes_are_found(frequency: float) -> None:
    y = 1.5 * np.sin(frequency * x + 0.3)
    found = fit_many(EVALUATOR, [GRAMMAR.parse("* C sin + * C x C")], y, seed=0, limits=FitLimits(starts=32))
    assert found.losses[0] < 1e-12 * np.mean(y**2)


def test_starts_suit_the_scale_of_the_variable() -> None:
    for scale in (1e-4, 1.0, 1e5):
        evaluator = Evaluator(GRAMMAR, (scale * x)[None])
        y = 2 * np.exp(-1.7 * x) + 3 / (x + 0.4)
        found = fit_many(evaluator, [GRAMMAR.parse("+ * C exp * C x / C + x C")], y, seed=0)
        assert found.losses[0] < 1e-18, scale


def test_relative_residuals_are_logarithms_of_the_ratio() -> None:
    rng = np.random.default_rng(4)
    y = 3 * x**-2.2 * np.exp(rng.normal(0, 0.05, len(x)))
    found = fit_many(EVALUATOR, [GRAMMAR.parse("* C ^ x C")], y, noise="relative")
    slope, offset = np.polyfit(np.log(x), np.log(y), 1)
    np.testing.assert_allclose(found.constants[0], [math.exp(offset), slope], rtol=1e-7)
    assert found.losses[0] == pytest.approx(np.mean((np.log(y) - slope * np.log(x) - offset) ** 2))
    of_other_sign = fit_many(EVALUATOR, [GRAMMAR.parse("neg exp * C x")], y, noise="relative")
    assert of_other_sign.losses[0] == math.inf


def test_fixed_constants_stay() -> None:
    y = 2 * np.exp(-1.5 * x)
    constants, loss, _ = fit_one(
        EVALUATOR, GRAMMAR.parse("* C exp * C x"), np.array([5.0, -1.0]), np.array([False, True]), y, np.ones(len(x)),
        noise="additive", steps=50, floor=0.0,
    )  # fmt: skip
    assert constants[0] == 5.0
    expected = least_squares(lambda c: 5 * np.exp(c[0] * x) - y, [-1.0]).x[0]
    assert constants[1] == pytest.approx(expected, rel=1e-5)
    assert loss > 0.01


def test_an_operator_without_derivative_rule_is_fitted_too() -> None:
    sn.register_operator("bell_fit", 1, numpy="numpy.exp(-{0}*{0})")
    grammar = Grammar(("x",), ("+", "*", "-", "bell_fit"))
    evaluator = Evaluator(grammar, x[None])
    assert evaluator.rules.missing == ("bell_fit",)
    y = 2 * np.exp(-((1.3 * (x - 1.1)) ** 2))
    found = fit_many(evaluator, [grammar.parse("* C bell_fit * C - x C")], y)
    assert found.losses[0] < 1e-16
    np.testing.assert_allclose(np.abs(found.constants[0]), [2, 1.3, 1.1], rtol=1e-5)


def test_many_rows_are_fitted_block_by_block() -> None:
    many = np.random.default_rng(1).uniform(0.2, 3, 3001)
    found = fit_many(
        Evaluator(GRAMMAR, many[None]), [GRAMMAR.parse("* C exp * C x")], 2 * np.exp(-1.5 * many)
    )
    np.testing.assert_allclose(found.constants[0], [2, -1.5], rtol=1e-12)


def test_starts_are_spread_over_signs_and_magnitudes() -> None:
    starts = fitting.spread_starts(13, 3, np.random.default_rng(0))
    assert starts.shape == (13, 3) and (starts[0] == 1).all()
    assert ((starts[1:] > 0).sum(axis=0) == 6).all()
    magnitudes = np.sort(np.log10(np.abs(starts[1:])), axis=0)
    levels = -1.5 + 3 * np.arange(13)[:, None] / 12
    assert ((magnitudes >= levels[:-1]) & (magnitudes <= levels[1:])).all()


def test_bad_arguments_are_explained() -> None:
    tokens = [GRAMMAR.parse("+ C * C x")]
    with pytest.raises(
        ValueError,
        match=r"target has the shape \(3,\), but the evaluator has 80 rows; give one number for each row",
    ):
        fit_many(EVALUATOR, tokens, np.ones(3))
    with pytest.raises(ValueError, match=r"weights has the shape \(2,\)"):
        fit_many(EVALUATOR, tokens, x, np.ones(2))
    with pytest.raises(ValueError, match=r"noise='laplace' is unknown; write 'additive' or 'relative'"):
        fit_many(EVALUATOR, tokens, x, noise="laplace")
    with pytest.raises(
        ValueError,
        match=r"starts has 1 columns, but an expression has 2 constants; give \(starts, 2\) numbers",
    ):
        fit_many(EVALUATOR, tokens, x, starts=np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"starts=0 leaves nothing to do; give a number of at least 1"):
        FitLimits(starts=0)
    assert fit_many(EVALUATOR, [], x).losses.shape == (0,)


@pytest.mark.parametrize(
    ("law", "formula"),
    [(math.sqrt(2), "sqrt(2)*x"), (math.e / 2, "x*exp(1)/2"), (-math.sqrt(3) / 3, "-sqrt(3)*x/3")],
)
def test_a_constant_becomes_a_root_or_a_multiple_of_e_only_where_the_data_allow_it(
    law: float, formula: str
) -> None:
    def found(factor: float, noise: float) -> str:
        y = factor * x + np.random.default_rng(0).normal(0, noise, len(x))
        problem = Problem.of(x[:, None], y, np.ones(len(x)))
        fitter = Fitter(problem, Evaluator(GRAMMAR, problem.X), "additive")
        fitted = fitter.fit(GRAMMAR.parse("* C x"), np.ones(1))
        assert fitted is not None
        return str(fitter.snapped(GRAMMAR.parse("* C x"), fitted).term)

    assert found(law, 1e-9) == formula
    assert "sqrt" not in found(law * 1.0001, 1e-9) and "exp" not in found(law * 1.0001, 1e-9)
    assert "sqrt" not in found(law, 1.0) and "exp" not in found(law, 1.0)
