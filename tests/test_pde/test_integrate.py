"""The loop over solvers: methods, times, progress, interruption, sparse factorisations, and what a solution offers."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import symnum as sn
from symnum.pde import OdeSystem, Solution

A, B, C, K = sn.symbols("A B C k")


def robertson() -> OdeSystem:
    rates = [0.04 * A, K * B * C, 3e7 * B**2]
    return OdeSystem([A, B, C], [-rates[0] + rates[1], rates[0] - rates[1] - rates[2], rates[2]], [1, 0, 0], {"k": 1e4},
                     observables={"total": A + B + C})  # fmt: skip


REFERENCE = [0.7158270687, 9.185534765e-06, 0.2841637457]  # at t = 40


@pytest.mark.parametrize("method", ["BDF", "Radau", "LSODA"])
def test_stiff_methods_solve_robertsons_problem(method: str) -> None:
    sol = robertson().solve((0.0, 40.0), method=method, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(sol.u[-1], REFERENCE, rtol=1e-5)
    assert sol.success and sol.stats["method"] == method and 0 < sol.stats["jacobian_calls"] < 60
    np.testing.assert_allclose(sol.observables["total"], 1.0, atol=1e-9)


def test_times_are_kept_in_both_directions() -> None:
    system = OdeSystem([A], [-A], [1.0])
    sol = system.solve((0.0, 1.0), t_eval=[0.25, 1.0], rtol=1e-8)
    assert sol.t.tolist() == [0.25, 1.0]
    np.testing.assert_allclose(sol.u[:, 0], np.exp([-0.25, -1.0]), rtol=1e-5)
    back = system.solve((1.0, 0.0), t_eval=[1.0, 0.5, 0.0], rtol=1e-8)
    np.testing.assert_allclose(back.u[:, 0], np.exp([0.0, 0.5, 1.0]), rtol=1e-5)
    steps = system.solve((0.0, 1.0))
    theirs = solve_ivp(lambda t, u: -u, (0.0, 1.0), [1.0], method="BDF", rtol=1e-6, atol=1e-9, jac=[[-1.0]])
    np.testing.assert_allclose(steps.t, theirs.t, rtol=1e-9)
    np.testing.assert_allclose(steps.u[:, 0], theirs.y[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("span", "options", "message"),
    [
        ((0.0, 1.0), {"t_eval": [0.0, 2.0]}, "t_eval leaves the time span from 0 to 1"),
        ((0.0, 1.0), {"t_eval": [0.5, 0.2]}, "t_eval must go strictly"),
        ((0.0, 1.0), {"t_eval": [[0.5]]}, r"t_eval has shape \(1, 1\)"),
        ((0.0, np.inf), {}, "give two finite times"),
        (3.0, {}, "it must be a pair"),
        ((0.0, 1.0), {"u0": [np.nan]}, "the initial state has entry 0 nan or infinite"),
        ((0.0, 1.0), {"u0": [1.0, 2.0]}, r"u0 has shape \(2,\), but the system has 1 states"),
    ],
)
def test_bad_times_and_states_are_refused(span: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OdeSystem([A], [-A], [1.0]).solve(span, **options)


def test_a_right_hand_side_without_a_value_at_the_start_is_named() -> None:
    system = OdeSystem([A, B], [A, 1 / B], [1.0, 0.0])
    with pytest.raises(ValueError, match="the right-hand side is inf in entry 1 at the start, t = 0"):
        system.solve((0.0, 1.0))


def test_progress_is_told_after_each_step() -> None:
    told: list[tuple[float, int]] = []
    sol = robertson().solve((0.0, 1.0), progress=lambda t, steps: told.append((t, steps)))
    assert [steps for _, steps in told] == list(range(1, sol.stats["steps"] + 1)) and told[-1][0] == 1.0


def test_an_interrupted_run_returns_what_it_reached() -> None:
    def interrupt(t: float, steps: int) -> None:
        if steps == 10:
            raise KeyboardInterrupt

    with pytest.warns(
        RuntimeWarning, match="BDF was interrupted at t = .*; returned is what was computed so far"
    ):
        sol = robertson().solve((0.0, 40.0), progress=interrupt)
    assert (
        not sol.success
        and len(sol.t) == 11
        and 0 < sol.t[-1] < 40.0
        and sol.message.startswith("interrupted")
    )


def test_cvode_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sksundae", None)
    monkeypatch.setitem(sys.modules, "sksundae.cvode", None)
    with pytest.raises(ImportError, match="pip install scikit-sundae, or use method='BDF'"):
        robertson().solve((0.0, 1.0), method="CVODE")


class FakeCvode:
    """Behaves as scikit-sundae's CVODE does, with SciPy's LSODA inside, and looks at what it is given for GMRES."""

    def __init__(self, rhsfn: Any, **options: Any) -> None:
        assert options["linsolver"] == "gmres" and options["method"] == "BDF"
        self.rhs, self.options = rhsfn, options

    def init_step(self, t0: float, y0: Any) -> None:
        self.t, self.y = t0, y0

    def step(self, t: float, method: str, tstop: float) -> Any:
        end = min(self.t + 5.0, t) if method == "onestep" else t

        def rhs(time: float, y: Any) -> Any:
            out = np.empty(3)
            self.rhs(time, y, out)
            return out

        def jac(time: float, y: Any) -> Any:
            set_up, solve = self.options["precond"].functions
            renewed, gamma = [-1], 0.5
            for reusable in (False, True):
                set_up(time, y, None, reusable, renewed, gamma)
                assert renewed == [not reusable]
            matrix, inverse = np.empty((3, 3)), np.empty((3, 3))
            for k, unit in enumerate(np.eye(3)):
                self.options["jactimes"].functions[1](time, y, None, unit, matrix[:, k])
                solve(time, y, None, unit, inverse[:, k], gamma, 0.1, 1)
            np.testing.assert_allclose((np.eye(3) - gamma * matrix) @ inverse, np.eye(3), atol=1e-9)
            return matrix

        found = solve_ivp(rhs, (self.t, end), self.y, method="LSODA", rtol=1e-8, atol=1e-12, jac=jac)
        self.t, self.y = end, found.y[:, -1]
        return types.SimpleNamespace(success=True, message="", t=np.array([end]), y=self.y[None, :])


class FakeFunctions:
    def __init__(self, *functions: Any) -> None:
        self.functions = functions


def fake_sundae(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sksundae", types.ModuleType("sksundae"))
    module = types.ModuleType("sksundae.cvode")
    module.__dict__.update(CVODE=FakeCvode, CVODEPrecond=FakeFunctions, CVODEJacTimes=FakeFunctions)
    monkeypatch.setitem(sys.modules, "sksundae.cvode", module)


@pytest.mark.parametrize("times", [None, [0.0, 10.0, 40.0], [1.0, 20.0]])
def test_cvode_is_stepped_like_the_others(times: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_sundae(monkeypatch)
    sol = robertson().solve((0.0, 40.0), method="CVODE", t_eval=times)
    assert sol.success and sol.t.tolist() == (times or [5.0 * i for i in range(9)])
    if sol.t[-1] == 40.0:
        np.testing.assert_allclose(sol.u[-1], REFERENCE, rtol=1e-5)


def test_steps_of_cvode_are_interpolated_for_events(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_sundae(monkeypatch)

    def half(t: float, u: Any) -> Any:
        return u[0] - 0.8

    sol = robertson().solve((0.0, 40.0), method="CVODE", t_eval=[20.0, 40.0], events=half)
    exact = robertson().solve((0.0, 40.0), rtol=1e-9, atol=1e-12, events=half)
    np.testing.assert_allclose(sol.t_events[0], exact.t_events[0], rtol=1e-3)
    np.testing.assert_allclose(sol.u[-1], REFERENCE, rtol=1e-5)
    assert sol.t.tolist() == [20.0, 40.0] and sol.stats["factorizations"] >= sol.stats["jacobian_calls"] > 0


def test_cvode_itself_where_it_is_installed() -> None:
    pytest.importorskip("sksundae", reason="needs scikit-sundae, which is not installed")
    for times in (None, [0.0, 10.0, 40.0]):
        sol = robertson().solve((0.0, 40.0), method="CVODE", rtol=1e-8, atol=1e-12, t_eval=times)
        np.testing.assert_allclose(sol.u[-1], REFERENCE, rtol=1e-5)


def test_tables(tmp_path: Path) -> None:
    sol = robertson().solve((0.0, 1.0), t_eval=[0.0, 1.0])
    sol.to_csv(tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert lines[0] == "t,total" and len(lines) == 3
    assert [float(x) for x in lines[2].split(",")] == [1.0, sol.observables["total"][1]]
    text = io.StringIO()
    sol.to_csv(text, ["B", "total", "A"])
    assert text.getvalue().splitlines()[:2] == ["t,B,total,A", "0.0,0.0,1.0,1.0"]
    with pytest.raises(ValueError, match="there is no observable or state 'D'; there are total, A, B, C"):
        sol.columns(["D"])
    plain = Solution(np.array([0.0, 1.0]), np.arange(8.0).reshape(2, 2, 2))
    assert [*plain.columns()] == ["u0", "u1", "u2", "u3"] and plain.columns()["u2"].tolist() == [2.0, 6.0]
    assert repr(plain) == "Solution(2 times, t = 0 to 1, states (2, 2))"


def test_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    sol = robertson().solve((0.0, 1.0), t_eval=[0.0, 1.0])
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(ImportError, match=r"pip install 'symnum\[plot\]'"):
            sol.plot()
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    axes = sol.plot(["A", "total"])
    assert [line.get_label() for line in axes.lines] == ["A", "total"]
    assert sol.plot(["B"], ax=axes) is axes and len(axes.lines) == 3
    with pytest.raises(ValueError, match="no times, so there is nothing to draw"):
        Solution(np.zeros(0), np.zeros((0, 3))).plot()


def test_pictures_of_fields() -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    t = np.array([0.0, 1.0, 2.0])
    line = Solution(t, np.arange(60.0).reshape(3, 20))
    heat = line.plot()
    assert heat.collections[0].get_array().shape == (3, 20) and heat.get_ylabel() == "t"
    profile = line.plot(t=0.9)
    assert profile.lines[0].get_ydata().tolist() == line.u[1].tolist() and profile.get_title() == "t = 1"
    field = Solution(t, np.arange(3.0 * 20 * 30 * 2).reshape(3, 20, 30, 2))
    picture = field.plot(component=1)
    np.testing.assert_array_equal(picture.images[0].get_array(), field.u[2, :, :, 1])
    assert picture.get_title() == "component 1 of 2, t = 2"
    np.testing.assert_array_equal(field.plot(t=0.0).images[0].get_array(), field.u[0, :, :, 0])
    stacked = Solution(t, np.arange(3.0 * 2 * 20).reshape(3, 2, 20)).plot(component=1)
    np.testing.assert_array_equal(
        stacked.collections[0].get_array(), np.arange(120.0).reshape(3, 2, 20)[:, 1]
    )
    small = Solution(t, np.ones((3, 2, 2))).plot()
    assert len(small.lines) == 4
    with pytest.raises(ValueError, match="component=2, but the fields of this solution are 0 to 1"):
        field.plot(component=2)
    with pytest.raises(ValueError, match="component=1, but states of shape \\(20,\\) are one field"):
        line.plot(component=1)
    with pytest.raises(ValueError, match="are no lines and no pictures; draw a slice"):
        Solution(t, np.ones((3, 9, 9, 9))).plot()
