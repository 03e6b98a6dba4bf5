"""Known laws are found again: judged on fresh data, and symbolically with SymPy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import symnum as sn
from symnum.data import load_planets
from symnum.regression import SymbolicRegressor, fit_report

Law = Callable[..., np.ndarray]


def sampled(count: int, seed: int, **ranges: tuple[float, float]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(low, high, count) for low, high in ranges.values()])


def is_equal(expression: Any, text: str) -> bool:
    """Tell whether two formulas over positive symbols are equal for SymPy, whatever their form."""
    ours, law = sympy.sympify(str(sn.to_sympy(expression))), sympy.sympify(text)
    names = {s: sympy.Symbol(s.name, positive=True) for s in ours.free_symbols | law.free_symbols}
    return bool(sympy.simplify(ours.subs(names) - law.subs(names)) == 0)


LAWS: list[Any] = [
    ("x0**3 + x0**2 + x0", lambda x: x**3 + x**2 + x, dict(x=(-1, 1)), 20, "x^3 + x^2 + x"),
    ("x0**4 + x0**3 + x0**2 + x0", lambda x: x**4 + x**3 + x**2 + x, dict(x=(-1, 1)), 20, "Nguyen-2"),
    ("x0**5 + x0**4 + x0**3 + x0**2 + x0", lambda x: x**5 + x**4 + x**3 + x**2 + x, dict(x=(-1, 1)), 20, "Nguyen-3"),
    ("x0**6 + x0**5 + x0**4 + x0**3 + x0**2 + x0", lambda x: sum(x**k for k in range(1, 7)), dict(x=(-1, 1)), 20, "Nguyen-4"),
    ("sin(x0**2)*cos(x0) - 1", lambda x: np.sin(x**2) * np.cos(x) - 1, dict(x=(-1, 1)), 20, "Nguyen-5"),
    ("sin(x0) + sin(x0 + x0**2)", lambda x: np.sin(x) + np.sin(x + x**2), dict(x=(-1, 1)), 20, "Nguyen-6"),
    ("log(x0 + 1) + log(x0**2 + 1)", lambda x: np.log(x + 1) + np.log(x**2 + 1), dict(x=(0, 2)), 20, "Nguyen-7"),
    ("sqrt(x0)", np.sqrt, dict(x=(0, 4)), 20, "Nguyen-8"),
    ("sin(x0) + sin(x1**2)", lambda x, y: np.sin(x) + np.sin(y**2), dict(x=(0, 1), y=(0, 1)), 20, "Nguyen-9"),
    ("2*sin(x0)*cos(x1)", lambda x, y: 2 * np.sin(x) * np.cos(y), dict(x=(0, 1), y=(0, 1)), 20, "Nguyen-10"),
    ("x0**x1", lambda x, y: x**y, dict(x=(0, 1), y=(0, 1)), 20, "Nguyen-11"),
    ("x0**4 - x0**3 + x1**2/2 - x1", lambda x, y: x**4 - x**3 + y**2 / 2 - y, dict(x=(0, 1), y=(0, 1)), 20, "Nguyen-12"),
    ("7*x0/2 + 2", lambda x: 3.5 * x + 2, dict(x=(-5, 5)), 10, "line"),
    ("x0*x1**2/2", lambda m, v: m * v**2 / 2, dict(m=(1, 5), v=(1, 5)), 30, "kinetic energy"),
    ("x0*x1*x2/x3**2", lambda g, m, n, r: g * m * n / r**2, dict(g=(1, 2), m=(1, 5), n=(1, 5), r=(1, 5)), 40, "gravitation"),
    ("sqrt(x0**2 + x1**2)", lambda x, y: np.sqrt(x**2 + y**2), dict(x=(-3, 3), y=(-3, 3)), 40, "hypotenuse"),
    ("1/(x0**2 + 3)", lambda x: 1 / (x**2 + 3), dict(x=(-3, 3)), 30, "reciprocal of a sum"),
    ("-3*exp(-x0**2/2)", lambda x: -3 * np.exp(-(x**2) / 2), dict(x=(-2, 2)), 30, "negative bell"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("law", "function", "ranges", "rows", "name"), [pytest.param(*law, id=law[-1]) for law in LAWS]
)
def test_a_law_is_recovered_from_a_fixed_number_of_evaluations(
    law: str, function: Law, ranges: dict[str, tuple[float, float]], rows: int, name: str
) -> None:
    X = sampled(rows, 7, **ranges)
    model = SymbolicRegressor(time_limit=None, max_evaluations=60_000).fit(X, function(*X.T))
    fresh = sampled(1000, 8, **ranges)
    expected = function(*fresh.T)
    np.testing.assert_allclose(model.predict(fresh), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    assert is_equal(model.expression_, law), f"{model.expression_} is not {law}"
    assert model.stopped_ == "exact"


def test_keplers_third_law_is_found_in_the_orbits_of_the_planets() -> None:
    planets = load_planets()
    a, T = planets.semi_major_axis[:, None], planets.period
    model = SymbolicRegressor(time_limit=None, max_evaluations=200_000).fit(a, T)
    assert str(model.expression_) == "x0^(3/2)"
    # it is one of several formulas, and chosen because its description is shortest
    assert len(model.equations_) >= 3
    scores = [equation.score for equation in model.equations_]
    assert model.equations_[int(np.argmax(scores))].expression is model.expression_
    assert (
        min(equation.loss for equation in model.equations_)
        < 0.1 * model.equations_[int(np.argmax(scores))].loss
    )
    report = fit_report(model, a, T)
    assert report.rows == 8
    assert report.r2 > 0.999999
    assert report.max_relative_error == pytest.approx(6.1e-4, rel=0.02)  # Neptune
    assert report.rmse == pytest.approx(0.0385, rel=0.02)


def test_the_law_under_noise_is_preferred_to_formulas_that_fit_better() -> None:
    X = sampled(200, 3, x=(1, 5), y=(1, 5))
    x, y = X.T
    target = 2.5 * x * np.exp(-y) + 0.7 + np.random.default_rng(4).normal(0, 0.01, 200)
    model = SymbolicRegressor(time_limit=None, max_evaluations=60_000).fit(X, target)
    assert is_equal(model.expression_, "5*x0*exp(-x1)/2 + 7/10")
    assert model.noise_ == "additive"
    fresh = sampled(500, 5, x=(1, 5), y=(1, 5))
    law = 2.5 * fresh[:, 0] * np.exp(-fresh[:, 1]) + 0.7
    assert np.abs(model.predict(fresh) - law).max() < 0.01
    chosen = next(e for e in model.equations_ if e.expression is model.expression_)
    assert chosen.loss == pytest.approx(1e-4, rel=0.3)  # the noise


def test_errors_in_proportion_to_the_target_are_recognised() -> None:
    x = np.geomspace(0.1, 1000, 80)
    y = 2 * x**1.5 * (1 + np.random.default_rng(2).normal(0, 0.02, 80))
    model = SymbolicRegressor(time_limit=None, max_evaluations=30_000).fit(x[:, None], y)
    assert model.noise_ == "relative"
    assert is_equal(model.expression_, "2*x0**(3/2)")


def test_pure_noise_gives_a_constant() -> None:
    rng = np.random.default_rng(5)
    model = SymbolicRegressor(time_limit=None, max_evaluations=30_000).fit(
        rng.normal(size=(50, 3)), rng.normal(size=50)
    )
    assert model.complexity_ == 1
    assert sn.term.is_number(model.expression_)


def test_many_columns_that_do_not_matter_are_left_out() -> None:
    rng = np.random.default_rng(6)
    X = rng.uniform(0.5, 3, (120, 25))
    model = SymbolicRegressor(time_limit=None, max_evaluations=40_000).fit(X, 4 * X[:, 3] / X[:, 17])
    assert is_equal(model.expression_, "4*x3/x17")


def test_many_rows_are_sampled_for_the_search_and_all_used_for_the_fit() -> None:
    rng = np.random.default_rng(7)
    X = rng.uniform(0, 2, (20_000, 2))
    y = 1.2345 * np.sin(X[:, 0]) * X[:, 1] + rng.normal(0, 0.1, len(X))
    model = SymbolicRegressor(time_limit=None, max_evaluations=20_000).fit(X, y)
    fresh = rng.uniform(0, 2, (500, 2))
    assert np.abs(model.predict(fresh) - 1.2345 * np.sin(fresh[:, 0]) * fresh[:, 1]).max() < 0.01


def test_the_classic_problems_of_the_shared_list(shared_data: Path) -> None:
    problems = {p["name"]: p for p in json.loads((shared_data / "sr" / "basic.json").read_text())}
    solved = []
    for name in ("Livermore-1", "Livermore-2", "Livermore-5", "Livermore-6", "Livermore-9", "Livermore-13", "Livermore-16",
                 "Livermore-18", "Livermore-21", "Nguyen-1c", "Nguyen-5c", "Nguyen-8c"):  # fmt: skip
        problem = problems[name]
        names = [f"x{k + 1}" for k in range(problem["n_vars"])]
        law = sympy.sympify(
            problem["expression"], locals={n: sympy.Symbol(n) for n in names} | {"pow": sympy.Pow}
        )
        function = sympy.lambdify([sympy.Symbol(n) for n in names], law, "numpy")
        low, high, count = problem["train"]["all"]["U"]
        X = sampled(count, 1, **dict.fromkeys(names, (low, high)))
        model = SymbolicRegressor(time_limit=None, max_evaluations=60_000).fit(X, function(*X.T))
        fresh = sampled(500, 2, **dict.fromkeys(names, (low, high)))
        if np.allclose(model.predict(fresh), function(*fresh.T), rtol=1e-9, atol=1e-9):
            solved.append(name)
    assert len(solved) == 12, solved


def test_some_feynman_laws_of_the_shared_list(shared_data: Path) -> None:
    laws = {p["id"]: p for p in json.loads((shared_data / "sr" / "feynman_dev.json").read_text())}
    chosen = [laws[key] for key in ("I.6.2a", "I.12.2", "I.14.3", "I.18.14", "I.27.6", "I.38.12")]
    solved = []
    for law in chosen:
        names = [v["name"] for v in law["variables"]]
        symbols = {n: sympy.Symbol(n) for n in names}
        function = sympy.lambdify(
            list(symbols.values()), sympy.sympify(law["formula"], locals=symbols), "numpy"
        )
        ranges = {v["name"]: (v["low"], v["high"]) for v in law["variables"]}
        X = sampled(100, 1, **ranges)
        model = SymbolicRegressor(time_limit=None, max_evaluations=60_000).fit(X, function(*X.T))
        fresh = sampled(500, 2, **ranges)
        if np.allclose(model.predict(fresh), function(*fresh.T), rtol=1e-8):
            solved.append(law["id"])
    assert len(solved) == 6, solved
