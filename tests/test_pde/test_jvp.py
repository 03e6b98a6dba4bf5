"""Products with the Jacobian, forwards and backwards, against the sparse Jacobian; and patterns of second derivatives."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symnum.pde import trace


def nonlinear_diffusion(t: float, u: Any) -> Any:
    flux = (1 + (u[1:] + u[:-1]) / 2) ** 2 * (u[1:] - u[:-1])
    du = np.zeros_like(u)
    du[1:-1] = flux[1:] - flux[:-1]
    du[0] = np.cos(t) * u[3]
    return du


def overlapping_writes(t: float, u: Any) -> Any:
    du = np.zeros_like(u)
    du[:] = u**2
    du[2:5] = u[3] * u[:3]
    du[[1, 1, 4]] = np.sin(u[[0, 2, 5]])
    du[::-2][:2] += u[0]
    return du


def repeated_reads(t: float, u: Any) -> Any:
    picked = u[[0, 0, 2, 2, 5, 1]]
    windows = np.stack([u[:-1], u[1:]])
    return picked * u + np.sum(windows, axis=0)[[0, 1, 2, 3, 4, 0]] + np.mean(u) * u[::-1]


def matrices(t: float, u: Any) -> Any:
    rng = np.random.default_rng(1)
    grid = u.reshape(2, 3)
    full = rng.normal(size=(2, 2)) @ grid @ rng.normal(size=(3, 3)) * np.exp(-grid)
    return (
        (full + grid.sum(axis=0) * grid[:, :1] + grid.max()).reshape(-1)
        if False
        else (full + grid.sum(axis=0) * grid[:, :1]).reshape(-1)
    )


def chosen(t: float, u: Any) -> Any:
    return np.where(u > 0, np.roll(u, 1) * u, np.minimum(u, 2 * np.roll(u, -1))) * np.broadcast_to(
        u[0], u.shape
    )


SOLVERS = [nonlinear_diffusion, overlapping_writes, repeated_reads, matrices, chosen]


@pytest.mark.parametrize("target", ["numpy", "auto"])
@pytest.mark.parametrize("f", SOLVERS, ids=lambda f: f.__name__)
def test_products_equal_those_of_the_sparse_jacobian(f: Callable[[float, Any], Any], target: str) -> None:
    rng = np.random.default_rng(0)
    system = trace(f, rng.normal(size=6))
    compiled = system.compile(target)
    for t in (0.0, 1.0):
        u, v, w = rng.normal(size=(3, 6))
        exact = compiled.jacobian(t, u)
        np.testing.assert_allclose(compiled.jvp(t, u, v), exact @ v, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(compiled.vjp(t, u, w), exact.T @ w, rtol=1e-13, atol=1e-13)
        # and against a second oracle, central differences of the solver itself
        step = 1e-6
        difference = (np.asarray(f(t, u + step * v)) - np.asarray(f(t, u - step * v))) / (2 * step)
        np.testing.assert_allclose(compiled.jvp(t, u, v), difference, rtol=1e-6, atol=1e-7)


def test_shapes_parameters_and_pickles() -> None:
    system = trace(lambda t, u, k: k * u[::-1] ** 2, np.ones((2, 3)), parameters={"k": 3.0})
    compiled = pickle.loads(pickle.dumps(system.compile("numpy")))
    u, v = np.random.default_rng(0).normal(size=(2, 2, 3))
    np.testing.assert_allclose(compiled.jvp(0.0, u, v), 6 * u[::-1] * v[::-1])
    np.testing.assert_allclose(
        compiled.jvp(0.0, u, v.reshape(-1), {"k": 1.0}), (2 * u[::-1] * v[::-1]).reshape(-1)
    )
    np.testing.assert_allclose(compiled.vjp(0.0, u, v, {"k": 1.0}), 2 * u * v[::-1])
    with pytest.raises(
        ValueError, match=r"the direction of u has shape \(3,\); it must be \(2, 3\), or \(6,\) when flat"
    ):
        compiled.jvp(0.0, u, np.ones(3))
    with pytest.raises(ValueError, match=r"the weight of f has shape \(2,\)"):
        compiled.vjp(0.0, u, np.ones(2))


def test_no_product_makes_a_matrix() -> None:
    """A system whose Jacobian is full: its products cost no more than the right-hand side."""
    u = np.random.default_rng(0).normal(size=20_000)
    compiled = trace(lambda t, u: np.sum(u) * u, u).compile("numpy")
    v = np.ones(20_000)
    np.testing.assert_allclose(compiled.jvp(0.0, u, v), 20_000 * u + u.sum(), rtol=1e-12)
    np.testing.assert_allclose(compiled.vjp(0.0, u, v), 2 * u.sum() * v, rtol=1e-12)


# --- second derivatives -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", SOLVERS[:4], ids=lambda f: f.__name__)
def test_the_hessian_pattern_equals_that_of_the_terms(f: Callable[[float, Any], Any]) -> None:
    import symnum as sn

    system = trace(f, np.random.default_rng(0).normal(size=6))
    wanted = np.zeros((6, 6), bool)
    for term in system.rhs:
        for j, a in enumerate(system.states):
            for k, b in enumerate(system.states):
                wanted[j, k] |= sn.diff(sn.diff(term, a), b) != 0
    found = system.hessian_sparsity()
    assert found.dtype == bool and found.format == "csc"
    assert not (wanted & ~found.toarray()).any()
    if f is not overlapping_writes:  # where a write covers a formula, the pattern keeps what was covered
        assert (found.toarray() & ~wanted).sum() == 0


def test_the_hessian_pattern_of_an_objective() -> None:
    system = trace(lambda t, u: -u, np.ones(5))
    found = system.hessian_sparsity(lambda u: np.sum((u[1:] - u[:-1]) ** 2))
    assert np.array_equal(found.toarray(), np.abs(np.subtract.outer(range(5), range(5))) <= 1)
    assert system.hessian_sparsity(lambda u: np.sum(u)).nnz == 0
    assert system.hessian_sparsity(lambda u: 3.0).nnz == 0


def test_an_objective_that_is_no_number_is_refused() -> None:
    system = trace(lambda t, u: -u, np.ones(5))
    with pytest.raises(
        ValueError, match=r"the objective returned an array of shape \(5,\), but it must be one number"
    ):
        system.hessian_sparsity(lambda u: u**2)
    with pytest.raises(ValueError, match="the objective returned list"):
        system.hessian_sparsity(lambda u: [1.0, 2.0])
