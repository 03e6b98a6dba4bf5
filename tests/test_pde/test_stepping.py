"""Compiled time loops: orders of accuracy, the same numbers as loops in NumPy, times, blow-ups, and what is refused."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.integrate import solve_ivp

import symnum as sn
from symnum.pde import OdeSystem, TracedSystem, trace
from symnum.pde.methods import METHODS

X, Y, Z = sn.symbols("x y z")


def oscillator() -> OdeSystem:
    return OdeSystem([X, Y], [Y, -X], [1.0, 0.0])


def lorenz() -> OdeSystem:
    return OdeSystem([X, Y, Z], [10 * (Y - X), X * (28 - Z) - Y, X * Y - sn.parse("8/3") * Z], [1, 1, 1])


def lorenz_in_python(t: float, u: Any) -> Any:
    return np.array([10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]])


def allen_cahn(n: int = 48) -> tuple[Any, Any]:
    h = 2 * np.pi / n

    def f(t, u):
        return 0.05 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) / h**2 + u - u**3 + 0.1 * np.sin(t)

    return f, 0.5 * np.sin(np.arange(n) * h)


@pytest.fixture(scope="module")
def field() -> tuple[TracedSystem, Any]:
    """Return a traced system and its state at t = 1."""
    f, u0 = allen_cahn()
    return trace(f, u0), solve_ivp(f, (0, 1), u0, rtol=1e-12, atol=1e-13).y[:, -1]


@pytest.mark.parametrize(
    ("method", "order"),
    [("Euler", 1), ("RK4", 4), ("CNAB2", 2), ("SBDF2", 2), ("ETD1", 1), ("ETDRK4", 4)],
)
def test_errors_fall_with_the_order_of_the_method(field: tuple[Any, Any], method: str, order: int) -> None:
    system, wanted = field
    steps = (20, 40) if order == 4 else (80, 160)
    errors = []
    for count in steps:
        sol = system.solve((0.0, 1.0), method=method, dt=1.0 / count)
        assert sol.success and len(sol.t) == count + 1 and sol.stats["steps"] == count and sol.t[-1] == 1.0
        errors.append(np.abs(sol.u[-1] - wanted).max())
    assert order - 0.25 < np.log2(errors[0] / errors[1]) < order + 0.4
    assert errors[1] < (1e-6 if order == 4 else 1e-4 if order == 2 else 1e-2)


@pytest.mark.parametrize("method", ["CNAB2", "SBDF2", "ETD1", "ETDRK4"])
def test_a_given_linear_part_serves_too(field: tuple[Any, Any], method: str) -> None:
    system, wanted = field
    n = len(wanted)
    laplacian = (
        sp.diags_array([1.0, 1.0, -2.0, 1.0, 1.0], offsets=[1 - n, -1, 0, 1, n - 1], shape=(n, n))
        * 0.05
        * (n / 2 / np.pi) ** 2
    )
    sol = system.solve((0.0, 1.0), method=method, dt=0.0025, linear=laplacian)
    assert 0 < np.abs(sol.u[-1] - wanted).max() < 5e-3
    # twice as long steps with half of the stretches: the factors are kept for steps of one length
    again = system.solve((0.0, 1.0), method=method, dt=0.0025, linear=laplacian, t_eval=np.linspace(0, 1, 6))
    np.testing.assert_allclose(again.u[-1], sol.u[-1], rtol=1e-11)
    uneven = system.solve((0.0, 1.0), method=method, dt=0.0025, linear=laplacian, t_eval=[0.0, 0.1234, 1.0])
    np.testing.assert_allclose(uneven.u[-1], wanted, atol=5e-3)


def test_a_stiff_linear_part_does_not_limit_the_step() -> None:
    def f(t, u):
        return 1e3 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) - u**3

    stiff = trace(f, allen_cahn()[1])
    reference = stiff.solve((0.0, 1.0), rtol=1e-9, atol=1e-11, t_eval=[1.0]).u[-1]
    for method in ("SBDF2", "ETD1", "ETDRK4"):
        np.testing.assert_allclose(
            stiff.solve((0.0, 1.0), method=method, dt=0.02).u[-1], reference, atol=2e-3
        )
    with pytest.warns(RuntimeWarning, match="Euler stopped"):
        assert not stiff.solve((0.0, 1.0), method="Euler", dt=0.02).success


def test_loops_give_the_numbers_of_loops_in_numpy() -> None:
    f, u0 = allen_cahn(33)
    system, dt = trace(f, u0), 1 / 64
    euler, rk4 = u0.copy(), u0.copy()
    for s in range(64):
        t = s * dt
        euler = euler + dt * f(t, euler)
        k1 = f(t, rk4)
        k2 = f(t + dt / 2, rk4 + dt / 2 * k1)
        k3 = f(t + dt / 2, rk4 + dt / 2 * k2)
        k4 = f(t + dt, rk4 + dt * k3)
        rk4 = rk4 + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    for method, wanted in (("Euler", euler), ("RK4", rk4)):
        sol = system.solve((0.0, 1.0), method=method, dt=dt, t_eval=[1.0])
        np.testing.assert_allclose(sol.u[0], wanted, rtol=1e-13, atol=1e-14)
        assert sol.stats["rhs_calls"] == 64 * (1 if method == "Euler" else 4)


@pytest.mark.parametrize(("rtol", "atol"), [(1e-3, 1e-6), (1e-8, 1e-10), (1e-5, [1e-3, 1e-6, 1e-9])])
def test_adaptive_steps_are_those_of_scipy(rtol: float, atol: Any) -> None:
    ours = lorenz().solve((0.0, 2.0), method="RK45", rtol=rtol, atol=atol)
    theirs = solve_ivp(lorenz_in_python, (0.0, 2.0), [1.0, 1.0, 1.0], rtol=rtol, atol=atol)
    np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-8)
    np.testing.assert_allclose(ours.u, theirs.y.T, rtol=1e-6)
    assert ours.stats["rhs_calls"] == theirs.nfev and "machine code" in ours.stats["rhs"]
    times = np.linspace(0.0, 2.0, 37)
    for span, t_eval in (((0.0, 2.0), times), ((2.0, 1.5), [1.9, 1.5])):
        ours = lorenz().solve(span, method="RK45", rtol=rtol, atol=atol, t_eval=t_eval, max_step=0.05)
        theirs = solve_ivp(
            lorenz_in_python, span, [1.0, 1.0, 1.0], rtol=rtol, atol=atol, t_eval=t_eval, max_step=0.05
        )
        np.testing.assert_allclose(ours.u, theirs.y.T, rtol=1e-6)
        assert ours.t.tolist() == list(t_eval)


def test_leapfrog_keeps_the_energy_and_is_of_order_two() -> None:
    errors = []
    for dt in (0.1, 0.05):
        sol = oscillator().solve((0.0, 100.0), method="leapfrog", dt=dt)
        errors.append(np.abs(sol.u[:, 0] - np.cos(sol.t))[sol.t <= 10].max())
        assert (
            np.abs((sol.u**2).sum(axis=1) - 1).max() < 0.3 * dt**2
            and sol.stats["rhs_calls"] == len(sol.t) - 1
        )
    assert 1.9 < np.log2(errors[0] / errors[1]) < 2.1
    there = oscillator().solve((0.0, 5.0), method="leapfrog", dt=0.1).u[-1]
    back = oscillator().solve((5.0, 0.0), there, method="leapfrog", dt=0.1).u[-1]
    np.testing.assert_allclose(back, [1.0, 0.0], atol=1e-13)
    pendulum = OdeSystem([X, Y], [2 * Y, -sn.sin(X)], [1.0, 0.0])
    sol = pendulum.solve((0.0, 3.0), method="leapfrog", dt=1e-3)
    reference = solve_ivp(
        lambda t, u: [2 * u[1], -np.sin(u[0])], (0, 3), [1.0, 0.0], rtol=1e-10, atol=1e-12
    ).y[:, -1]
    np.testing.assert_allclose(sol.u[-1], reference, atol=2e-6)
    assert sol.stats["rhs_calls"] == 2 * 3000


@pytest.mark.parametrize(
    ("rhs", "message"),
    [
        ([Y, -X - Y], "p' depends on p"),
        ([Y + X, -X], "q' depends on q"),
        ([Y, -X, Z], "two halves, but this one has 3 entries"),
    ],
)
def test_leapfrog_refuses_other_systems(rhs: list[Any], message: str) -> None:
    system = OdeSystem([X, Y, Z][: len(rhs)], rhs, [1.0] * len(rhs))
    with pytest.raises(ValueError, match=message):
        system.solve((0.0, 1.0), method="leapfrog", dt=0.1)


def test_wanted_times_are_hit_by_whole_steps() -> None:
    times = [0.0, 0.3, 0.55, 1.0]
    sol = oscillator().solve((0.0, 1.2), method="RK4", dt=0.1, t_eval=times)
    assert sol.t.tolist() == times and sol.stats["steps"] == 3 + 3 + 5 + 2
    np.testing.assert_allclose(sol.u[:, 0], np.cos(times), atol=1e-6)
    back = oscillator().solve(
        (1.0, 0.0), [np.cos(1.0), -np.sin(1.0)], method="RK4", dt=0.1, t_eval=[0.25, 0.0]
    )
    np.testing.assert_allclose(back.u[:, 0], np.cos([0.25, 0.0]), atol=1e-6)
    nothing = oscillator().solve((1.0, 1.0), method="RK4", dt=0.1)
    assert nothing.success and nothing.t.tolist() == [1.0]
    assert oscillator().solve((1.0, 1.0), method="RK45").success


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "RK4"}, r"method='RK4' takes steps of one length; write dt=0.01"),
        ({"method": "RK4", "dt": 0.0}, "dt=0.0, but the length of a step is a positive number"),
        (
            {"method": "Euler", "dt": -0.1},
            "dt=-0.1, but the length of a step is a positive number, also backwards",
        ),
        ({"method": "Euler", "dt": np.nan}, "dt=nan, but"),
        ({"method": "Euler", "dt": "0.1"}, "dt='0.1', but"),
        ({"method": "Euler", "dt": 1e-300}, "dt=1e-300 is too small to step from t = 0 to 1"),
        (
            {"method": "BDF", "dt": 0.1},
            r"method='BDF' chooses its steps by rtol and atol; leave out dt=0.1, or set max_step=0.1",
        ),
        ({"method": "RK45", "max_step": 0.0}, "max_step=0.0, but the longest step"),
        ({"method": "RK45", "atol": [1.0, 1.0, 1.0]}, r"atol has shape \(3,\); give one number"),
        ({"method": "rk4", "dt": 0.1}, "there is no method 'rk4'; the methods are 'BDF', 'Radau', .*'RK4'"),
        (
            {"method": "SBDF2", "dt": 0.1, "linear": np.eye(3)},
            r"linear has shape \(3, 3\), but it acts on .* 2 entries",
        ),
    ],
)
def test_bad_steps_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        oscillator().solve((0.0, 1.0), **options)


def test_the_exponential_of_what_grows_or_oscillates_is_refused() -> None:
    n = 30
    advection = sp.diags_array([np.ones(n - 1), -np.ones(n - 1)], offsets=[1, -1]).tocsr() * 100.0
    system = trace(lambda t, u: advection @ u, np.ones(n))
    with pytest.raises(ValueError, match="modes that oscillate or grow too fast"):
        system.solve((0.0, 1.0), method="ETD1", dt=0.5)
    singular = trace(lambda t, u: u * 1.0, np.ones(n))
    with pytest.raises(ValueError, match="is singular for dt=2.0"):
        singular.solve((0.0, 2.0), method="CNAB2", dt=2.0)


def test_a_blow_up_is_reported_with_time_and_entry() -> None:
    def f(t, u):
        du = np.zeros_like(u)
        du[1, 2] = u[1, 2] ** 2
        return du

    u0 = np.zeros((2, 3))
    u0[1, 2] = 1.0
    system = trace(f, u0)
    with pytest.warns(
        RuntimeWarning,
        match=r"Euler stopped at t = .*became inf in entry \(1, 2\) at t = .*give a smaller dt",
    ):
        sol = system.solve((0.0, 5.0), method="Euler", dt=0.01)
    assert not sol.success and 1.0 < sol.t[-1] < 1.5 and np.isfinite(sol.u).all() and sol.u[-1, 1, 2] > 1e100
    assert len(sol.t) == sol.stats["steps"] + 1
    with pytest.warns(RuntimeWarning, match="Euler stopped"):
        assert system.solve((0.0, 5.0), method="Euler", dt=0.01, t_eval=[0.5, 3.0]).t.tolist() == [0.5]
    for method in ("RK45", "BDF"):
        with pytest.warns(RuntimeWarning, match=r"\(1, 2\)"):
            sol = system.solve((0.0, 5.0), method=method)
        assert not sol.success and abs(sol.t[-1] - 1.0) < 1e-3 and np.isfinite(sol.u).all()


def test_a_failing_python_function_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    from symnum.pde.stepping.entry import Entry

    def f(t: float, u: Any) -> Any:
        if t > 0.5:
            raise ZeroDivisionError("by the user")
        return -u

    entry = Entry.of_python(f, 2)
    np.testing.assert_array_equal(entry(0.0, np.ones(2)), [-1.0, -1.0])
    monkeypatch.setattr("symnum.pde.system.CompiledSystem.entry", lambda self, *_: Entry.of_python(f, 2))
    for method, dt in (("RK4", 0.1), ("RK45", None)):
        with pytest.raises(ZeroDivisionError, match="by the user"):
            oscillator().solve((0.0, 1.0), method=method, dt=dt)


def test_ctrl_c_ends_a_compiled_loop_between_two_slices() -> None:
    def press(t: float, steps: int) -> None:
        if t > 1.0:
            os.kill(os.getpid(), signal.SIGINT)

    for method, dt in (("RK4", 1e-3), ("RK45", None), ("BDF", None)):
        with pytest.warns(
            RuntimeWarning, match=f"{method} was interrupted at t = .*; returned is what was computed"
        ):
            sol = lorenz().solve((0.0, 1e4), method=method, dt=dt, progress=press)
        assert not sol.success and 1.0 < sol.t[-1] < 1e4 and np.isfinite(sol.u).all()
        assert sol.message.startswith("interrupted at t = ")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_progress_rises_to_the_end() -> None:
    told: list[tuple[float, int]] = []
    sol = lorenz().solve(
        (0.0, 20.0), method="RK4", dt=1e-3, progress=lambda t, steps: told.append((t, steps))
    )
    assert (
        told == sorted(told)
        and told[-1] == (20.0, 20_000)
        and 1 < len(told) < 20_000
        and len(sol.t) == 20_001
    )


def test_every_step_of_a_long_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symnum.pde.kept.MOST_BYTES", 1000)
    with pytest.raises(MemoryError, match=r"steps of 2 numbers take .* GiB; keep fewer with t_eval"):
        oscillator().solve((0.0, 100.0), method="RK4", dt=0.1)
    assert oscillator().solve((0.0, 100.0), method="RK4", dt=0.1, t_eval=[50.0]).success


def test_states_that_are_complex_are_refused() -> None:
    with pytest.raises(TypeError, match="u0 is complex, but states are real numbers; split it"):
        oscillator().solve((0.0, 1.0), np.array([1.0 + 0.0j, 0.0]))


def test_each_method_is_described() -> None:
    assert all(method.what for method in METHODS.values())
    for name, method in METHODS.items():
        if name == "CVODE":
            continue
        sol = oscillator().solve(
            (0.0, 1.0), method=name, dt=0.01 if method.fixed else None, linear=np.zeros((2, 2))
        )
        assert sol.stats["method"] == name and abs(sol.u[-1, 0] - np.cos(1.0)) < 0.02


def test_float32_is_stepped_in_float32_where_no_tolerance_is_asked_for() -> None:
    f, u0 = allen_cahn(40)
    exact = trace(f, u0).solve((0.0, 1.0), method="RK45", rtol=1e-10, atol=1e-12, t_eval=[1.0]).u[0]

    def single(t, u):
        return (
            np.float32(0.05 / (2 * np.pi / 40) ** 2) * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
            + u
            - u**3
            + np.float32(0.1) * np.sin(t)
        )

    for target in ("auto", "numpy"):
        system = trace(single, u0.astype(np.float32))
        for method, dt in (("RK4", 0.01), ("Euler", 1e-3), ("RK45", None), ("BDF", None), ("SBDF2", 0.01)):
            sol = system.solve((0.0, 1.0), method=method, dt=dt, rtol=1e-4, atol=1e-5, target=target)
            assert sol.u.dtype == (np.float32 if dt and method != "SBDF2" else np.float64), method
            np.testing.assert_allclose(sol.u[-1], exact, atol=2e-3 if method in ("Euler", "BDF") else 3e-4)
    wave = trace(lambda t, w: np.stack([w[1], -w[0]]), np.ones((2, 3), np.float32))
    sol = wave.solve((0.0, 1.0), method="leapfrog", dt=0.01)
    assert sol.u.dtype == np.float32
    np.testing.assert_allclose(sol.u[-1, 0], np.cos(1.0) + np.sin(1.0), atol=1e-4)


def test_stages_are_fused_with_loops_and_give_the_same_numbers() -> None:
    def f(t, u, D, k):
        p = np.pad(u, ((1, 1), (1, 1), (0, 0)), mode="edge")
        lap = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u
        react = u[..., 0] * u[..., 1]
        return D * lap + np.stack([-react, react - k[0] * u[..., 1] * np.cos(t)], axis=-1)

    u0 = np.random.default_rng(2).random((7, 9, 2))
    system = trace(f, u0, parameters={"D": 0.3, "k": [0.5]})
    for method in ("Euler", "RK4"):
        for parameters in (None, {"D": 0.1, "k": [2.0]}):
            fused = system.solve((0.0, 1.0), method=method, dt=0.01, parameters=parameters)
            plain = system.solve((0.0, 1.0), method=method, dt=0.01, parameters=parameters, target="numpy")
            assert "fused stages" in fused.stats["rhs"] and "Python function" in plain.stats["rhs"]
            np.testing.assert_allclose(fused.u, plain.u, rtol=1e-12, atol=1e-13)
            assert fused.u.shape == (101, 7, 9, 2)
    changed = system.solve((0.0, 1.0), method="RK4", dt=0.01, parameters={"D": 0.1})
    assert np.abs(changed.u[-1] - fused.u[-1]).max() > 1e-3


def test_programs_with_stages_of_their_own_are_fused_too() -> None:
    def f(t, u):
        return u.sum() / u.size - u + np.tanh(np.cumsum(u)) * 0.1

    system = trace(f, np.linspace(0.0, 1.0, 11))
    sol = system.solve((0.0, 1.0), method="RK4", dt=0.01)
    reference = solve_ivp(f, (0.0, 1.0), np.linspace(0.0, 1.0, 11), rtol=1e-11, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(sol.u[-1], reference, atol=1e-9)


def test_direct_calls_equal_the_compiled_right_hand_side() -> None:
    f, u0 = allen_cahn(20)
    compiled = trace(f, u0).compile()
    direct = compiled.bound()[0]
    for u in (u0, u0[::-1], np.repeat(u0, 2)[::2]):
        np.testing.assert_array_equal(direct(0.3, u), compiled.rhs(0.3, u))
    with pytest.raises(ValueError, match="u has 3 entries, but the system has 20"):
        direct(0.0, np.ones(3))
