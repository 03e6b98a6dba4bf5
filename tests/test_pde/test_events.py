"""Events: where they are found, in which direction, and how they end a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import symnum as sn
from symnum.pde import OdeSystem, trace

X, Y = sn.symbols("x y")

METHODS = [
    ("BDF", None),
    ("Radau", None),
    ("LSODA", None),
    ("RK45", None),
    ("DOP853", None),
    ("RK4", 0.01),
    ("leapfrog", 0.01),
]


def oscillator() -> OdeSystem:
    return OdeSystem([X, Y], [Y, -X], [1.0, 0.0])


def crossing(direction: float = 0.0, terminal: Any = False) -> Any:
    def g(t: float, u: Any) -> Any:
        return u[0]

    g.direction, g.terminal = direction, terminal  # type: ignore[attr-defined]  # as SciPy wants it
    return g


@pytest.mark.parametrize(("method", "dt"), METHODS)
def test_zeros_are_found_in_their_direction(method: str, dt: float | None) -> None:
    sol = oscillator().solve(
        (0.0, 10.0),
        method=method,
        dt=dt,
        rtol=1e-9,
        atol=1e-11,
        events=[crossing(), crossing(-1), crossing(1)],
    )
    zeros = np.pi * np.array([0.5, 1.5, 2.5])
    for found, states, wanted in zip(sol.t_events, sol.u_events, (zeros, zeros[::2], zeros[1:2])):
        np.testing.assert_allclose(found, wanted, atol=1e-4 if method == "leapfrog" else 1e-6)
        assert states.shape == (len(wanted), 2) and np.abs(states[:, 0]).max() < 1e-6
    assert sol.success and sol.t[-1] == 10.0


@pytest.mark.parametrize(("method", "dt"), METHODS)
@pytest.mark.parametrize("t_eval", [None, [0.0, 1.0, 2.0, 4.0, 7.0, 9.0]])
def test_a_terminal_event_ends_the_run(method: str, dt: float | None, t_eval: Any) -> None:
    sol = oscillator().solve(
        (0.0, 10.0), method=method, dt=dt, rtol=1e-9, atol=1e-11, events=crossing(terminal=2), t_eval=t_eval
    )
    end = 1.5 * np.pi
    assert sol.success and sol.message.startswith("a terminal event ended the run at t = 4.712")
    if t_eval is None:
        assert abs(sol.t[-1] - end) < 1e-4 and (np.diff(sol.t) > 0).all()
        np.testing.assert_allclose(sol.u[-1], [0.0, 1.0], atol=1e-4)
    else:
        assert sol.t.tolist() == [0.0, 1.0, 2.0, 4.0]
    assert len(sol.t_events[0]) == 2


def test_events_agree_with_scipy_backwards_and_at_the_ends() -> None:
    def g(t: float, u: Any) -> Any:
        return u[1] - 0.5

    ours = oscillator().solve((0.0, -10.0), method="RK45", rtol=1e-8, atol=1e-10, events=g)
    theirs = solve_ivp(lambda t, u: [u[1], -u[0]], (0.0, -10.0), [1.0, 0.0], rtol=1e-8, atol=1e-10, events=g)
    np.testing.assert_allclose(ours.t_events[0], theirs.t_events[0], rtol=1e-9)
    # a zero at the start is where the run begins, not one that it comes to
    start = oscillator().solve(
        (0.0, 7.0), [0.0, 1.0], method="RK45", rtol=1e-8, events=crossing(terminal=True)
    )
    assert abs(start.t[-1] - np.pi) < 1e-6


def test_the_state_has_its_shape_and_the_first_of_two_terminal_events_wins() -> None:
    shapes: set[tuple[int, ...]] = set()

    def high(t: float, u: Any) -> Any:
        shapes.add(u.shape)
        return u.max() - 5.0

    def higher(t: float, u: Any) -> Any:
        return u.max() - 5.5

    high.terminal = higher.terminal = True  # type: ignore[attr-defined]  # as SciPy wants it
    system = trace(lambda t, u: 1.0 * u, np.ones((2, 3)))
    for method, dt in (("RK4", 0.5), ("BDF", None)):
        sol = system.solve((0.0, 5.0), method=method, dt=dt, rtol=1e-8, events=[higher, high])
        assert shapes == {(2, 3)} and [len(t) for t in sol.t_events] == [0, 1]
        assert abs(sol.t[-1] - np.log(5.0)) < 5e-3 and sol.u_events[1].shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (3.0, "'float' object is not iterable|events are functions"),
        ([3.0], r"events are functions g\(t, u\), but got 3.0"),
        (lambda u: u[0], r"event <lambda> cannot be called as g\(t, u\) with u of shape \(2,\)"),
        (
            lambda t, u: u,
            r"event <lambda> returned float64 of shape \(2,\), but it must return one real number",
        ),
        (lambda t, u: 1j, "event <lambda> returned complex128"),
        (crossing(terminal="yes"), "event g has terminal = 'yes'; set it to True"),
        (crossing(terminal=-1), "event g has terminal = -1"),
    ],
)
def test_what_is_no_event_is_refused(events: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        oscillator().solve((0.0, 1.0), events=events)
