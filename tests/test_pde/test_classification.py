"""Kinds of systems, degrees in the state, and what varies in the Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.pde import trace
from symnum.pde.classification import KINDS, polynomial_degree
from symnum.pde.models import reaction_diffusion

N = 24


def second(u: Any) -> Any:
    return np.roll(u, -1) - 2 * u + np.roll(u, 1)


def slope(u: Any) -> Any:
    return (np.roll(u, -1) - np.roll(u, 1)) / 2


CASES: dict[str, tuple[Any, str, int | None, int | None]] = {
    "heat": (lambda u: 2 * second(u), "linear", 1, 2),
    "heat with a feed": (lambda u: second(u) + np.arange(N), "linear", 1, 2),
    "full matrix": (lambda u: np.random.default_rng(0).normal(size=(N, N)) @ u, "linear", 1, None),
    "reaction": (lambda u: second(u) + u * (1 - u), "semilinear", 2, 2),
    "reaction, no polynomial": (lambda u: second(u) + np.exp(-u), "semilinear", None, 2),
    "Burgers": (lambda u: second(u) - u * slope(u), "semilinear", 2, 2),
    "KPZ": (lambda u: second(u) + slope(u) ** 2, "semilinear", 2, 2),
    "Burgers without viscosity": (lambda u: -u * slope(u), "quasilinear", 2, 1),
    "porous medium": (lambda u: second(u**2), "quasilinear", 2, 2),
    "coefficient of the state": (lambda u: (1 + u**2) * second(u), "quasilinear", 3, 2),
    "coefficient of the slope": (lambda u: slope(u) * second(u), "quasilinear", 2, 2),
    "flux": (lambda u: np.diff(np.pad((1 + u[1:] * u[:-1]) * np.diff(u), 1)), "quasilinear", 3, 2),
    "Cahn-Hilliard": (lambda u: second(u**3 - u - 0.5 * second(u)), "semilinear", 3, 4),
    "square of the highest": (lambda u: second(u) ** 2, "polynomial", 2, 2),
    "sine of the highest": (lambda u: np.sin(second(u)), "general", None, 2),
    "no space": (lambda u: -(u**3), "polynomial", 3, 0),
    "no space, no polynomial": (lambda u: -np.sin(u), "general", None, 0),
    "far cells": (lambda u: u * np.roll(u, 3), "polynomial", 2, None),
    "full matrix and reaction": (
        lambda u: np.random.default_rng(0).normal(size=(N, N)) @ u - u**3, "semilinear", 3, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_kinds(name: str) -> None:
    f, kind, degree, order = CASES[name]
    found = trace(lambda t, u: f(u), np.zeros(N), check=False).classify()
    assert (found.kind, found.degree, found.order, found.autonomous) == (kind, degree, order, True)
    assert str(found).startswith(f"{kind}: {KINDS[kind]}\n  autonomous")


def test_the_papers_problem_is_semilinear_and_its_reactions_stay_in_cells() -> None:
    found = trace(*reaction_diffusion.make(16)).classify()
    assert found.kind == "semilinear" and found.degree == 2 and found.pointwise
    assert (
        found.constant_entries + found.varying_entries == trace(*reaction_diffusion.make(16)).sparsity().nnz
    )
    assert found.varying_entries == 6 * 16 * 16
    assert "within cells only" in str(found)


def test_time_and_parameters() -> None:
    found = trace(lambda t, u, D: D * np.sin(t) * second(u), np.zeros(N), parameters={"D": 1.0}).classify()
    assert found.kind == "linear" and not found.autonomous and found.varying_entries == 3 * N
    found = trace(lambda t, u, D: D * second(u), np.zeros(N), parameters={"D": 1.0}).classify()
    assert found.autonomous and found.varying_entries == 0 and found.constant_entries == 3 * N


def test_states_without_space() -> None:
    for u0 in (1.0, np.ones(1), np.ones(3)):
        found = trace(lambda t, u: -(u**2), u0).classify()
        assert (found.kind, found.degree, found.order, found.pointwise) == ("polynomial", 2, 0, False)


def test_coupling_of_neighbours_is_not_pointwise() -> None:
    assert not trace(lambda t, u: second(u) - u * slope(u), np.zeros(N)).classify().pointwise


@pytest.mark.parametrize(
    "f, degree",
    [
        (lambda u: u[::-1] * u + 3, 2),
        (lambda u: (u + 1) ** 3 * np.roll(u, 1), 4),
        (lambda u: u / 2 - u**2 / np.exp(2.0), 2),
        (lambda u: np.sum(u**2) * u, 3),
        (lambda u: 1 / (1 + u), None),
        (lambda u: u**0.5, None),
        (lambda u: np.where(u > 0, u, 0.0), None),
        (lambda u: np.where(np.arange(1, 6) % 2, u**2, u), 2),
        (lambda u: 0 * u + np.sin(1.0), 0),
    ],
)
def test_degrees_equal_those_of_the_terms(f: Any, degree: int | None) -> None:
    system = trace(lambda t, u: f(u), np.full(5, 0.5), check=False)
    assert polynomial_degree(system.graph, system.output, system._state) == degree
    if degree is not None:  # along any line the derivative of this order is constant, and the next is 0
        s = sn.symbols("s")
        term = sn.substitute(system.rhs[0], {u: (k + 1) * s for k, u in enumerate(system.states)})
        assert sn.expand(sn.diff(term, s, degree + 1)) == 0
        assert degree == 0 or sn.expand(sn.diff(term, s, degree)) != 0
