"""One fit by symnum, pyoperon or gplearn: each function runs in a process of its own and answers with what JSON holds.

The model comes back as text in x0, x1, ..., with its predictions on the test data.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import regression_problems

Answer = dict[str, Any]


def warm_up() -> float:
    """Load the kernels of symnum and return the seconds that this took."""
    from symnum.regression import SymbolicRegressor

    begin = time.perf_counter()
    x = np.linspace(0.5, 2, 30)
    rng = np.random.default_rng(0)
    noisy = np.exp(-x) * np.sin(3 * x) + 0.01 * rng.normal(size=30)
    SymbolicRegressor(time_limit=None, max_evaluations=5_000).fit(np.stack([x, x**2], axis=1), noisy)
    return time.perf_counter() - begin


def symnum(
    family: str,
    name: str,
    seed: int,
    seconds: float,
    noise: float,
    rows: int | None,
    settings: dict[str, Any],
) -> Answer:
    """Fit by symnum; ``settings`` are keywords of SymbolicRegressor."""
    import sympy

    import symnum as sn
    from symnum.regression import SymbolicRegressor

    X, y, X_test, _ = regression_problems.problem(family, name, rows).data(seed, noise)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SymbolicRegressor(time_limit=seconds, random_state=seed, **settings).fit(X, y)
    spent = time.perf_counter() - begin
    front = [str(e.expression) for e in model.equations_]
    return _answer(
        sympy.sstr(sn.to_sympy(model.expression_), full_prec=True), model.predict(X_test), spent
    ) | dict(
        stopped=model.stopped_, evaluations=model.n_evaluations_, printed=str(model.expression_), front=front
    )


def pyoperon(
    family: str,
    name: str,
    seed: int,
    seconds: float,
    noise: float,
    rows: int | None,
    settings: dict[str, Any],
) -> Answer:
    """Fit by pyoperon (float32), with its constants optimised and the model of its front chosen by BIC."""
    from pyoperon.sklearn import SymbolicRegressor

    X, y, X_test, _ = regression_problems.problem(family, name, rows).data(seed, noise)
    model = SymbolicRegressor(
        **{
            "allowed_symbols": "add,sub,mul,div,sin,cos,exp,log,sqrt,square,constant,variable",
            "objectives": ["r2", "length"],
            "optimizer_iterations": 10,
            "population_size": 1000,
            "generations": 1_000_000,
            "max_evaluations": 1_000_000_000,
            "max_length": 30,
            "epsilon": 1e-12,
            # its default, the description length, takes errors of standard deviation 1 for granted: a line, where targets are small
            "model_selection_criterion": "bayesian_information_criterion",
            "max_time": max(1, round(seconds)),
            "random_state": seed + 1,
            "n_threads": 1,
            **settings,
        }
    )
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    spent = time.perf_counter() - begin
    text = model.get_model_string(model.model_, precision=12, names=[f"x{k}" for k in range(X.shape[1])])
    return _answer(text, model.predict(X_test), spent)


def gplearn(
    family: str,
    name: str,
    seed: int,
    seconds: float,
    noise: float,
    rows: int | None,
    settings: dict[str, Any],
) -> Answer:
    """Fit by gplearn, generation after generation until the time is over or the error is rounding."""
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    X, y, X_test, _ = regression_problems.problem(family, name, rows).data(seed, noise)
    exp = make_function(function=_bounded_exp, name="exp", arity=1)
    scale = float(np.sqrt(np.mean(y**2)))
    model = SymbolicRegressor(
        **{
            "function_set": ("add", "sub", "mul", "div", "sin", "cos", "log", "sqrt", exp),
            "population_size": 1000,
            "generations": 1,
            "stopping_criteria": 1e-9 * scale,
            "metric": "rmse",
            "const_range": (-5.0, 5.0),
            "parsimony_coefficient": 0.001 * scale,
            "warm_start": True,
            "random_state": seed,
            "n_jobs": 1,
            **settings,
        }
    )
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.perf_counter() - begin < seconds:
            model.fit(X, y)
            if model.run_details_["best_fitness"][-1] < model.stopping_criteria:
                break
            model.set_params(generations=model.generations + 1)
    spent = time.perf_counter() - begin
    # its log and sqrt are those of the absolute value
    text = str(model._program).replace("X", "x").replace("log(", "logabs(").replace("sqrt(", "sqrtabs(")
    return _answer(text, model.predict(X_test), spent)


def _bounded_exp(a: Any) -> Any:
    """Return exp, kept finite as gplearn asks of its functions."""
    return np.exp(np.minimum(a, 50.0))


def _answer(text: str, predicted: Any, seconds: float) -> Answer:
    """Return what every engine answers."""
    return dict(model=text, predicted=np.asarray(predicted, np.float64).tolist(), seconds=seconds)


def ball_drop(ball: str, seconds: float, seed: int, settings: dict[str, Any]) -> Answer:
    """Fit the height of a ball by symnum; ``error`` is the mean squared error on the test data."""
    import ball_drops

    from symnum.regression import SymbolicRegressor

    given = ball_drops.drop(ball)
    begin = time.perf_counter()
    model = SymbolicRegressor(
        operators=ball_drops.OPERATORS, time_limit=seconds, random_state=seed, **settings
    )
    model.fit(given.t[:, None], given.h)
    spent = time.perf_counter() - begin
    error = float(np.mean((model.predict(given.t_test[:, None]) - given.h_test) ** 2))
    return dict(error=error, seconds=spent, printed=str(model.expression_), stopped=model.stopped_)


def throughput(rows: int, evaluations: int, methods: Sequence[str] | None = None) -> Answer:
    """Return how many expressions a second the whole search, or some methods of it, evaluate on rows that no formula fits.

    An expression whose constants are fitted counts once, as often as it is evaluated for that.
    """
    from symnum.regression import SymbolicRegressor

    warm_up()
    rng = np.random.default_rng(1)
    X = rng.uniform(0.5, 3, (rows, 3))
    y = np.sin(X[:, 0] * X[:, 1]) + X[:, 2] + rng.normal(0, 0.3, rows)
    begin = time.perf_counter()
    given = {} if methods is None else {"methods": tuple(methods)}
    model = SymbolicRegressor(time_limit=None, max_evaluations=evaluations, **given).fit(X, y)
    return dict(
        per_second=model.n_evaluations_ / (time.perf_counter() - begin), evaluations=model.n_evaluations_
    )
