"""The example problems: traced they equal the untouched functions, and they keep what the equations keep."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from symnum.pde import trace
from symnum.pde.models import (
    advection,
    burgers,
    cahn_hilliard,
    fitzhugh_nagumo,
    gray_scott,
    heat,
    reaction_diffusion,
    wave,
)

PROBLEMS: dict[str, Callable[[int], tuple[Any, Any]]] = {
    "reaction_diffusion": reaction_diffusion.make,
    **{
        f"heat_{d}d_{b}": partial(
            heat.make, dimensions=d, boundary=b, diffusivity=0.7, value=0.3, transfer=2.0
        )
        for d in (1, 2, 3)
        for b in heat.BOUNDARIES
    },
    **{
        f"advection_{s}_{c}": partial(advection.make, scheme=s, speed=c)
        for s in advection.SCHEMES
        for c in (1.5, -0.5)
    },
    "burgers": burgers.make,
    "burgers_front": partial(burgers.make, boundary="front"),
    "wave": wave.make,
    "cahn_hilliard": cahn_hilliard.make,
    "fitzhugh_nagumo": fitzhugh_nagumo.make,
    "gray_scott": gray_scott.make,
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_traced_problems_equal_the_untouched_functions(name: str) -> None:
    f, u0 = PROBLEMS[name](7)
    compiled = trace(f, u0).compile()
    generator = np.random.default_rng(1)
    for t in (0.0, 0.7):
        u = u0 + generator.normal(size=u0.shape)
        wanted = f(t, u)
        np.testing.assert_allclose(compiled.rhs(t, u), wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_size_of_a_traced_problem_does_not_depend_on_the_grid(name: str) -> None:
    sizes = set()
    for n in (12, 20):
        f, u0 = PROBLEMS[name](n)
        system = trace(f, u0, check=False)
        sizes.add((len(system.graph), len(system.graph.reachable([system.output]))))
    assert len(sizes) == 1


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "periodic"])
def test_the_lowest_mode_of_heat_decays_at_its_rate(dimensions: int, boundary: str) -> None:
    n, D = 8, 0.5
    f, u0 = heat.make(n, dimensions, boundary, diffusivity=D)
    h = 1 / (n + 1) if boundary == "dirichlet" else 1 / n
    waves = 2 if boundary == "periodic" else 1
    rate = dimensions * D * 4 / h**2 * math.sin(waves * math.pi * h / 2) ** 2  # LeVeque 2007, equation (2.23)
    np.testing.assert_allclose(f(0.0, u0), -rate * u0, atol=1e-11)


def test_heat_between_walls_that_take_it_up() -> None:
    D, transfer, value = 0.5, 2.0, 0.3
    errors = []
    for n in (40, 80):
        f, _ = heat.make(n, 1, "robin", D, value, transfer)
        np.testing.assert_allclose(f(0.0, np.full(n, value)), 0.0, atol=1e-9)
        # cos(k (x - 1/2)) decays at D k^2 where D k tan(k/2) = transfer
        k = 2.0
        for _ in range(60):
            k = 2 * math.atan(transfer / (D * k)) * 0.5 + 0.5 * k
        mode = np.cos(k * ((np.arange(n) + 0.5) / n - 0.5))
        errors.append(np.abs(f(0.0, mode + value) + D * k**2 * mode)[1:-1].max())
    assert errors[1] < 0.3 * errors[0] < 0.01


def test_heat_of_walls_without_flux_and_of_a_circle_is_kept() -> None:
    u = np.random.default_rng(2).normal(size=(6, 6))
    for boundary in ("neumann", "periodic"):
        f, _ = heat.make(6, 2, boundary)
        assert abs(f(0.0, u).sum()) < 1e-10


@pytest.mark.parametrize("scheme", advection.SCHEMES)
@pytest.mark.parametrize("speed", [1.0, -2.0])
def test_advection_keeps_the_amount_and_moves_by_one_cell_at_courant_number_one(
    scheme: str, speed: float
) -> None:
    n = 16
    dt = 1 / (n * abs(speed))
    f, u0 = advection.make(n, scheme, speed, step=dt)
    u = u0 + np.random.default_rng(3).normal(size=n)
    assert abs(f(0.0, u).sum()) < 1e-11
    if scheme != "van_leer":
        np.testing.assert_allclose(u + dt * f(0.0, u), np.roll(u, 1 if speed > 0 else -1), atol=1e-13)


def test_advection_with_a_limiter_is_of_second_order_and_makes_no_new_extremes() -> None:
    errors = []
    for n in (100, 200):
        f, _ = advection.make(n, "van_leer", 1.0)
        x = (np.arange(n) + 0.5) / n
        # away from the extremes of the sine
        errors.append(
            np.abs(f(0.0, np.sin(2 * np.pi * x)) + 2 * np.pi * np.cos(2 * np.pi * x))[x < 0.15].max()
        )
    assert errors[1] < 0.3 * errors[0]
    f, u = advection.make(50, "van_leer", 1.0)
    low, high = u.min(), u.max()
    for _ in range(100):
        u = u + 0.4 / 50 * f(0.0, u)
        assert low - 1e-12 <= u.min() and u.max() <= high + 1e-12


def test_burgers_keeps_its_momentum_and_knows_the_travelling_front() -> None:
    f, u0 = burgers.make(32)
    assert abs(f(0.0, u0 + np.random.default_rng(4).normal(size=32)).sum()) < 1e-10
    errors = []
    for n in (200, 400):
        f, u0 = burgers.make(n, 0.02, "front")
        x = (np.arange(n) + 0.5) / n
        change = (burgers.front(x, 1e-5, 0.02) - burgers.front(x, -1e-5, 0.02)) / 2e-5
        errors.append(np.abs(f(0.0, u0) - change)[1:-1].max())
    assert errors[1] < 0.3 * errors[0]


def test_waves_keep_their_energy_and_the_lowest_mode_its_frequency() -> None:
    n, c = 9, 1.5
    f, w0 = wave.make(n, c)
    w = np.random.default_rng(5).normal(size=w0.shape)
    rate = (wave.energy(w + 1e-6 * f(0.0, w), c) - wave.energy(w - 1e-6 * f(0.0, w), c)) / 2e-6
    assert abs(rate) < 1e-7 * wave.energy(w, c)
    h = 1 / (n + 1)
    frequency = math.sqrt(2) * c * 2 / h * math.sin(math.pi * h / 2)
    np.testing.assert_allclose(f(0.0, w0)[1], -(frequency**2) * w0[0], atol=1e-10)


def test_a_separating_mixture_keeps_its_amounts_and_loses_energy() -> None:
    f, u0 = cahn_hilliard.make(12)
    for scale in (1.0, 10.0):
        u = u0 * scale
        change = f(0.0, u)
        assert abs(change.sum()) < 1e-10
        assert cahn_hilliard.free_energy(u + 1e-6 * change) < cahn_hilliard.free_energy(u)


def test_excitable_sheets_rest_and_uniform_ones_are_one_cell() -> None:
    f, u0 = fitzhugh_nagumo.make(6, current=0.1)
    v, w = fitzhugh_nagumo.rest(0.1)
    np.testing.assert_allclose(f(0.0, np.stack([np.full((6, 6), v), np.full((6, 6), w)])), 0.0, atol=1e-12)
    change = f(0.0, np.stack([np.full((6, 6), 0.5), np.full((6, 6), 0.2)]))
    np.testing.assert_allclose(change[0], 0.5 - 0.5**3 / 3 - 0.2 + 0.1)
    np.testing.assert_allclose(change[1], 0.08 * (0.5 + 0.7 - 0.8 * 0.2))
    assert u0.shape == (2, 6, 6)


def test_gray_scott_balances_what_is_fed() -> None:
    f, w0 = gray_scott.make(8, feed=0.04, kill=0.06)
    w = w0 + np.random.default_rng(6).random(w0.shape)
    total = f(0.0, w).sum()
    assert total == pytest.approx(0.04 * (64 - w.sum()) - 0.06 * w[1].sum())
    system = trace(f, w0, parameters={"feed": 0.04, "kill": 0.06})
    np.testing.assert_allclose(
        system.compile().rhs(0.0, w, p={"feed": 0.02}), f(0.0, w, feed=0.02, kill=0.06), rtol=0, atol=1e-13
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: heat.make(2), "n = 2 points"),
        (lambda: heat.make(8, 4), "dimensions is 4; give 1, 2 or 3"),
        (
            lambda: heat.make(8, boundary="open"),
            "boundary is 'open'; give one of dirichlet, neumann, periodic, robin",
        ),
        (lambda: advection.make(3), "n = 3 cells"),
        (lambda: advection.make(8, "leapfrog"), "scheme is 'leapfrog'; give one of upwind"),
        (lambda: advection.make(8, speed=0.0), "speed is 0"),
        (lambda: burgers.make(2), "n = 2 cells"),
        (lambda: burgers.make(8, -1.0), "viscosity is -1.0"),
        (lambda: burgers.make(8, boundary="wall"), "boundary is 'wall'"),
        (lambda: wave.make(2), "n = 2 points"),
        (lambda: cahn_hilliard.make(2), "n = 2 points"),
        (lambda: cahn_hilliard.make(8, gamma=0.0), "gamma is 0.0"),
        (lambda: fitzhugh_nagumo.make(3), "n = 3 points"),
        (lambda: gray_scott.make(3), "n = 3 points"),
        (lambda: reaction_diffusion.make(2), "n = 2 points"),
    ],
)
def test_impossible_problems_are_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
