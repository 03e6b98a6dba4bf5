"""Adjoint gradients against differences of solves, forward sensitivities, and the complex step of a closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from symnum.pde import trace


def burgers(t: float, u: Any, nu: Any, feed: Any) -> Any:
    right, left = np.roll(u, -1), np.roll(u, 1)
    return nu * (right - 2 * u + left) - u * (right - left) / 2 + feed


def final(u: Any) -> Any:
    return np.sum(u[:4] ** 2) + u[5]


def running(t: float, u: Any) -> Any:
    return np.cos(t) * np.sum(u**3)


@pytest.fixture(scope="module")
def system() -> Any:
    u0 = 1 + np.sin(np.arange(10) * 2 * np.pi / 10)
    return trace(burgers, u0, parameters={"nu": 0.5, "feed": np.linspace(-0.1, 0.2, 10)})


@pytest.fixture(scope="module")
def wanted(system: Any) -> Any:
    """Value and gradient by central differences of solves."""

    def value(nu: float, feed: Any, u0: Any) -> float:
        joint = trace(
            lambda t, y: np.concatenate([burgers(t, y[:-1], nu, feed), running(t, y[:-1])[None]]),
            np.append(u0, 0.0),
            check=False,
        )
        y = joint.solve((0.0, 1.0), method="DOP853", rtol=1e-11, atol=1e-12, target="numpy").u[-1]
        return float(final(y[:-1]) + y[-1])

    feed, u0, h = np.linspace(-0.1, 0.2, 10), system.u0, 1e-4
    unit = np.eye(10) * h
    return (
        value(0.5, feed, u0),
        (value(0.5 + h, feed, u0) - value(0.5 - h, feed, u0)) / (2 * h),
        np.array([(value(0.5, feed + e, u0) - value(0.5, feed - e, u0)) / (2 * h) for e in unit]),
        np.array([(value(0.5, feed, u0 + e) - value(0.5, feed, u0 - e)) / (2 * h) for e in unit]),
    )


@pytest.mark.parametrize("method", ["BDF", "DOP853"])
def test_gradients_equal_differences(system: Any, wanted: Any, method: str) -> None:
    value, by_nu, by_feed, by_u0 = wanted
    found = system.gradient(final, (0.0, 1.0), running=running, method=method)
    assert found.value == pytest.approx(value, rel=1e-6)
    assert found.by_parameter["nu"] == pytest.approx(by_nu, rel=1e-5)
    np.testing.assert_allclose(found.by_parameter["feed"], by_feed, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.by_initial_state, by_u0, rtol=1e-5, atol=1e-5)
    assert found.stats["forward"]["steps"] > 3 and found.stats["backward"]["steps"] > 3
    assert "d/dnu" in repr(found) and "feed" not in repr(found)


def test_forward_and_adjoint_agree(system: Any) -> None:
    by_adjoint = system.gradient(final, (0.0, 0.5), ["nu"], parameters={"nu": 0.8})
    forward = system.sensitivities(
        (0.0, 0.5), ["nu"], parameters={"nu": 0.8}, t_eval=[0.5], rtol=1e-9, atol=1e-11
    )
    u, du = forward.u[0], forward.by_parameter["nu"][0]
    assert list(by_adjoint.by_parameter) == ["nu"]
    assert by_adjoint.by_parameter["nu"] == pytest.approx(np.sum(2 * u[:4] * du[:4]) + du[5], rel=1e-6)


def test_a_linear_system_equals_the_complex_step_of_its_closed_form() -> None:
    rng = np.random.default_rng(2)
    A, B = rng.normal(size=(2, 3, 3))
    u0, w = rng.normal(size=(2, 3))
    system = trace(lambda t, u, k: A @ u + k * (B @ u), u0, parameters={"k": 0.4})
    found = system.gradient(lambda u: np.sum(w * u), (0.0, 1.0), method="Radau", rtol=1e-9, atol=1e-11)
    step = 1e-30
    assert found.by_parameter["k"] == pytest.approx(
        (w @ expm(A + (0.4 + 1j * step) * B) @ u0).imag / step, rel=1e-6
    )
    np.testing.assert_allclose(found.by_initial_state, w @ expm(A + 0.4 * B), rtol=1e-6)


def test_a_running_objective_alone_and_another_start(system: Any) -> None:
    decay = trace(lambda t, u, k: -k * u, np.ones((2, 2)), parameters={"k": 1.5})
    found = decay.gradient(None, (0.0, 2.0), running=lambda t, u: np.sum(u), u0=np.full((2, 2), 3.0))
    assert found.value == pytest.approx(12 * (1 - np.exp(-3.0)) / 1.5, rel=1e-6)
    np.testing.assert_allclose(found.by_initial_state, np.full((2, 2), (1 - np.exp(-3.0)) / 1.5), rtol=1e-6)
    slope = 12 * (2 * np.exp(-3.0) / 1.5 - (1 - np.exp(-3.0)) / 1.5**2)
    assert found.by_parameter["k"] == pytest.approx(slope, rel=1e-6)


def test_what_is_refused(system: Any) -> None:
    with pytest.raises(
        ValueError, match=r"there is nothing to differentiate; give objective\(u\), running\(t, u\)"
    ):
        system.gradient(None, (0.0, 1.0))
    with pytest.raises(
        ValueError, match="'LSODA' cannot be differentiated; the methods .* BDF, Radau, RK45, DOP853"
    ):
        system.gradient(final, (0.0, 1.0), method="LSODA")
    with pytest.raises(ValueError, match=r"the objective returned an array of shape \(10,\)"):
        system.gradient(lambda u: u, (0.0, 1.0))
    with pytest.raises(ValueError, match="there is no parameter 'mu'"):
        system.gradient(final, (0.0, 1.0), ["mu"])
    with pytest.raises(ValueError, match=r"u0 has shape \(2,\)"):
        system.gradient(final, (0.0, 1.0), u0=np.ones(2))


def test_a_solve_that_fails_is_named() -> None:
    explosive = trace(lambda t, u: u**2, np.ones(2))
    with (
        np.errstate(all="ignore"),
        pytest.raises(RuntimeError, match=r"RK45 stopped in the system at t = 1: .*try another method"),
    ):
        explosive.gradient(lambda u: np.sum(u), (0.0, 2.0), method="RK45")
