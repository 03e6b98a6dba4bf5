"""Parameters of traced solvers, which change without tracing again."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.pde import trace
from symnum.pde.array_parameters import ArrayParameters

U = np.random.default_rng(8).random((5, 4))
FEED = np.array([0.1, 0.2, 0.3, 0.4])


def diffusion(t: float, u: Any, D: Any, feed: Any) -> Any:
    return D * (np.roll(u, 1, 0) + np.roll(u, -1, 0) - 2 * u) + feed - np.sin(D) * u**2 + t * feed.sum()


@pytest.fixture(scope="module")
def system() -> Any:
    return trace(diffusion, U, parameters={"D": 2, "feed": FEED})


def test_parameters_keep_their_values_until_they_are_changed(system: Any) -> None:
    D, feed = sn.symbols("D feed")
    assert list(system.parameters) == [D, feed]
    assert system.parameters[D] == 2.0
    compiled = system.compile("numpy")
    np.testing.assert_allclose(compiled.rhs(0.5, U), diffusion(0.5, U, 2.0, FEED), rtol=1e-13)
    for p in ({"D": 3.0, feed: FEED * 2}, np.concatenate([[3.0], FEED * 2])):
        np.testing.assert_allclose(compiled.rhs(0.5, U, p=p), diffusion(0.5, U, 3.0, FEED * 2), rtol=1e-13)
    np.testing.assert_allclose(compiled.rhs(0.5, U, p={D: 3}), diffusion(0.5, U, 3.0, FEED), rtol=1e-13)
    np.testing.assert_allclose(compiled.rhs(0.5, U), diffusion(0.5, U, 2.0, FEED), rtol=1e-13)


def test_the_jacobian_follows_the_parameters(system: Any) -> None:
    compiled, step = system.compile("numpy"), np.zeros(U.size)
    step[7] = 1e-6
    up, down = (diffusion(0.0, U + s * step.reshape(U.shape), 3.0, FEED) for s in (1, -1))
    column = compiled.jacobian(0.0, U, p={"D": 3.0}).toarray()[:, 7]
    np.testing.assert_allclose(column, (up - down).reshape(-1) / 2e-6, atol=1e-8)
    assert compiled.jacobian(0.0, U).toarray()[7, 7] == pytest.approx(-4 - 2 * np.sin(2.0) * U.flat[7])


def test_solving_with_other_parameters_is_solving_the_other_problem(system: Any) -> None:
    changed = {"D": 0.5, "feed": FEED[::-1]}
    found = system.solve((0.0, 1.0), parameters=changed, rtol=1e-8, atol=1e-10)
    wanted = trace(lambda t, u: diffusion(t, u, 0.5, FEED[::-1]), U).solve((0.0, 1.0), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.u[-1], wanted.u[-1], rtol=1e-7)


def test_terms_name_the_parameters(system: Any) -> None:
    names = {str(s) for s in sn.term.free_symbols(system.rhs[0])}
    assert {"D", "feed0", "feed3", "u0_0", "t"} <= names
    small = trace(lambda t, u, a7: a7 * u * np.roll(u, 1), np.ones(3), parameters={"a7": 2.0})
    assert str(small.rhs[0]) == "a7*u0*u2"


def test_traced_systems_with_parameters_pickle(system: Any) -> None:
    again = pickle.loads(pickle.dumps(system.compile("numpy")))
    np.testing.assert_array_equal(
        again.rhs(0.0, U, p={"D": 5.0}), system.compile("numpy").rhs(0.0, U, p={"D": 5.0})
    )


def test_functions_with_keywords_only_and_defaults() -> None:
    def f(t: float, u: Any, *, k: float = 1.0) -> Any:
        return -k * u

    np.testing.assert_array_equal(trace(f, np.ones(3)).compile("numpy").rhs(0.0, np.ones(3)), -np.ones(3))
    found = trace(f, np.ones(3), parameters={sn.symbols("k"): 2.0})
    np.testing.assert_array_equal(found.compile("numpy").rhs(0.0, np.ones(3)), -2 * np.ones(3))


@pytest.mark.parametrize(
    "p, message",
    [
        ({"E": 1.0}, r"there is no parameter 'E'; the parameters are D, feed; .*trace\(f, u0, parameters="),
        ({"feed": 1.0}, r"the parameter 'feed' has shape \(\), but was traced with shape \(4,\)"),
        ({"D": np.ones(2)}, r"the parameter 'D' has shape \(2,\), but was traced with shape \(\)"),
        ({"D": np.nan}, "the parameter 'D' is nan; give finite numbers"),
        (np.ones(3), r"p has shape \(3,\), but the parameters have 5 entries in all"),
    ],
)
def test_wrong_values_are_named(system: Any, p: Any, message: str) -> None:
    compiled = system.compile("numpy")
    for call in (
        lambda: compiled.rhs(0.0, U, p=p),
        lambda: compiled.jacobian(0.0, U, p=p),
        lambda: system.solve((0, 1), parameters=p),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    "parameters, error, message",
    [
        ({"t": 1.0}, ValueError, "'t' cannot name a parameter: t is the time"),
        ({"u0_1": 1.0}, ValueError, "'u0_1' cannot name a parameter"),
        ({"my D": 1.0}, ValueError, "'my D' cannot name a parameter: .*keyword"),
        ({1: 1.0}, TypeError, "named by text or by symbols, not by 1"),
        ({"D": "x"}, TypeError, "'D' is 'x', but parameters are real numbers"),
        ({"D": 1j}, TypeError, "'D' is 1j, but parameters are real numbers"),
        ({"D": [1.0, np.inf]}, ValueError, "give finite numbers"),
        ({"D": np.ones(2, np.longdouble)}, TypeError, r"longdouble|float128"),
        (
            {"K": 1.0},
            TypeError,
            r"f\(t, u, D\) cannot be called as f\(t, u\) with K: .*trace\(f, u0, parameters=",
        ),
        (None, TypeError, r"f\(t, u, D\) cannot be called as f\(t, u\) with no parameters"),
    ],
)
def test_parameters_are_checked_when_tracing(parameters: Any, error: type[Exception], message: str) -> None:
    def f(t, u, D):
        return D * u

    with pytest.raises(error, match=message):
        trace(f, U, parameters=parameters)


def test_values_are_copied_and_read_only() -> None:
    mine = np.ones(2)
    known = ArrayParameters({"k": mine})
    mine[0] = 5.0
    assert known.values["k"].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="read-only"):
        known.values["k"][0] = 2.0
