"""The structure of Jacobians: one pattern shared by all matrices, what is constant in it, long rows, and sums that cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import splu

from symnum.pde import trace
from symnum.pde.combinations import linear_matrix
from symnum.pde.derivative_rows import Terms
from symnum.pde.models import reaction_diffusion


def differences(f: Any, t: float, u: Any) -> Any:
    columns = []
    for j in range(u.size):
        step = np.zeros(u.size)
        step[j] = 1e-6
        step = step.reshape(u.shape)
        columns.append((np.asarray(f(t, u + step)) - np.asarray(f(t, u - step))).reshape(-1) / 2e-6)
    return np.stack(columns, axis=1)


def check(f: Any, u0: Any) -> Any:
    system = trace(f, u0)
    compiled = system.compile("numpy")
    u = np.random.default_rng(5).uniform(0.5, 1.5, np.shape(u0))
    found = compiled.jacobian(0.3, u)
    wanted = differences(f, 0.3, u)
    np.testing.assert_allclose(found.toarray(), wanted, atol=1e-7 * max(1.0, np.abs(wanted).max()))
    assert system.sparsity().nnz == np.count_nonzero(np.abs(wanted) > 1e-7)
    return system


# --- one pattern --------------------------------------------------------------------------------------------------------------


def test_all_matrices_share_their_pattern_and_own_their_entries() -> None:
    f, u0 = reaction_diffusion.make(8)
    compiled = trace(f, u0).compile("numpy")
    first, second = compiled.jacobian(0.0, u0), compiled.jacobian(0.0, u0 + 1.0)
    assert first.indices is second.indices and first.indptr is second.indptr
    assert not first.indices.flags.writeable and first.has_canonical_format and first.has_sorted_indices
    entries = first.data.copy()
    second.data[:] = 7.0
    np.testing.assert_array_equal(first.data, entries)
    np.testing.assert_array_equal(compiled.jacobian(0.0, u0).data, entries)
    # SciPy's algorithms take such matrices
    shifted = (sp.identity(first.shape[0]) - 0.1 * first).tocsc()
    b = np.ones(first.shape[0])
    np.testing.assert_allclose(shifted @ splu(shifted).solve(b), b, atol=1e-10)
    assert np.array_equal((first.T @ first).toarray(), first.toarray().T @ first.toarray())


def test_the_pattern_is_the_callers_own() -> None:
    system = trace(*reaction_diffusion.make(4))
    pattern = system.sparsity()
    pattern.data[:] = False
    pattern.eliminate_zeros()
    assert system.sparsity().nnz > 0


# --- the constant part ----------------------------------------------------------------------------------------------------------


def test_the_linear_part_is_what_does_not_depend_on_state_or_time() -> None:
    def f(t: float, u: Any, D: Any) -> Any:
        right, left = np.roll(u, -1), np.roll(u, 1)
        return D * (right - 2 * u + left) + u * (1 - u) - t * u + 5.0

    system = trace(f, np.zeros(6), parameters={"D": 2.0})
    ring = -2 * np.eye(6) + np.roll(np.eye(6), 1, 0) + np.roll(np.eye(6), -1, 0)
    np.testing.assert_array_equal(system.linear_part().toarray(), 2 * ring + np.eye(6))
    np.testing.assert_array_equal(system.linear_part({"D": 3.0}).toarray(), 3 * ring + np.eye(6))
    assert system.linear_part({"D": 0.0}).nnz == 6  # zeros are not stored
    assert not system.structure().affine
    assert trace(lambda t, u: u[::-1] + np.cos(t), np.zeros(4)).structure().affine
    with pytest.raises(ValueError, match="there is no parameter 'E'"):
        system.linear_part({"E": 1.0})


def test_the_rest_has_no_linear_part() -> None:
    f, u0 = reaction_diffusion.make(6)
    system = trace(f, u0)
    L = system.linear_part()
    rest = trace(lambda t, u: f(t, u) - (L @ u.reshape(-1)).reshape(u.shape), u0)
    assert np.abs(rest.linear_part().data).max(initial=0.0) < 1e-12
    u = np.random.default_rng(0).normal(size=u0.shape)
    found = system.compile("numpy").rhs(0.0, u) - (L @ u.reshape(-1)).reshape(u.shape)
    np.testing.assert_allclose(found, rest.compile("numpy").rhs(0.0, u), atol=1e-11)


# --- shapes of rows ---------------------------------------------------------------------------------------------------------------


def test_one_long_row_costs_its_length_only() -> None:
    """A conserved sum as the last equation: a full row in a sparse matrix."""

    def f(t: float, u: Any) -> Any:
        du = np.zeros_like(u)
        du[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2]
        du[-1] = np.sum(u**2)
        return du

    system = check(f, np.ones(9))
    assert system.sparsity().nnz == 7 * 3 + 9
    large = trace(f, np.ones(50_000), check=False)
    assert large.sparsity().nnz == 49_998 * 3 + 50_000
    assert large.structure().weights.shape[0] == 50_000


def test_matrices_with_a_long_row() -> None:
    M = sp.lil_array((40, 40))
    M.setdiag(2.0)
    M[7] = np.arange(40.0)
    check(lambda t, u: M.tocsr() @ u**2 + np.asarray(M.todense()) @ u, np.ones(40))


def test_stencils_of_stencils_and_sums_of_sums() -> None:
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 5, 5))
    check(lambda t, u: A @ (B @ u**2), np.ones(5))
    check(
        lambda t, u: (A @ (u * (u @ B))) * np.sum(u, axis=0) - np.mean(u * np.sum(u, axis=1, keepdims=True)),
        np.ones((5, 5)),
    )
    check(lambda t, u: np.diff(np.pad(u**2, 1, mode="edge"), 2), np.ones(6))

    def biharmonic(t: float, u: Any) -> Any:
        lap = lambda v: np.roll(v, 1) - 2 * v + np.roll(v, -1)
        return lap(lap(u) + u**3)

    assert check(biharmonic, np.ones(9)).sparsity().nnz == 45


def test_entries_that_cancel_are_none() -> None:
    system = trace(lambda t, u: np.roll(u, 1) - u + u + u**2 - np.roll(u, 1), np.ones(5))
    assert system.sparsity().nnz == 5
    nothing = trace(lambda t, u: 0 * u + t, np.ones(5))
    assert nothing.sparsity().nnz == 0
    assert nothing.compile("numpy").jacobian(0.0, np.ones(5)).toarray().tolist() == np.zeros((5, 5)).tolist()


def test_writes_that_cover_writes() -> None:
    def f(t: float, u: Any) -> Any:
        du = np.zeros_like(u)
        du[:] = u**2
        du[2:5] = u[3] * u[:3]
        du[[1, 1, 4]] = np.sin(u[[0, 2, 5]])
        du[::-2][:2] += u[0]
        return du

    check(f, np.ones(6))


STEPS = ("roll", "scale", "square", "product", "sum", "matrix", "where", "write", "stack")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=6), st.integers(0, 99))
def test_random_programs(steps: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(6, 6)) * (rng.random((6, 6)) < 0.4)
    factor = rng.normal(size=6)

    def written(v: Any) -> Any:
        out = np.zeros_like(v)
        out[1:4] = v[::-1][:3]
        out[[0, 5]] = v[[2, 2]]
        return out

    table = {
        "roll": lambda v, u: np.roll(v, 1) - u, "scale": lambda v, u: factor * v, "square": lambda v, u: 0.3 * v**2,
        "product": lambda v, u: v * u[::-1], "sum": lambda v, u: v + np.sum(v * u) / 6, "matrix": lambda v, u: matrix @ v,
        "where": lambda v, u: np.where(v > 0.2, v * u, -v), "write": lambda v, u: written(v),
        "stack": lambda v, u: np.stack([v, u])[[0, 1, 0], [0, 3, 4]].repeat(2),
    }  # fmt: skip

    def f(t: float, u: Any) -> Any:
        v = u
        for step in steps:
            v = table[step](v, u)
        return v

    u = rng.uniform(0.5, 1.0, 6)
    compiled = trace(f, u, check=False).compile("numpy")
    wanted = differences(f, 0.0, u)
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(compiled.jacobian(0.0, u).toarray(), wanted, atol=1e-6 * scale)
    v, w = rng.normal(size=(2, 6))
    np.testing.assert_allclose(compiled.jvp(0.0, u, v), wanted @ v, atol=1e-5 * scale)
    np.testing.assert_allclose(compiled.vjp(0.0, u, w), w @ wanted, atol=1e-5 * scale)


# --- the parts ------------------------------------------------------------------------------------------------------------------


def test_matrices_of_products_and_sums() -> None:
    rng = np.random.default_rng(0)
    u = rng.normal(size=(3, 4))
    M, B = rng.normal(size=(5, 3)), sp.random_array((4, 2), density=0.5, rng=0).tocsr()
    system = trace(lambda t, u: u + np.sum(M @ u) + np.sum(u @ B) + np.sum(np.sum(u, axis=1)), u, check=False)
    met = 0
    for node in system.graph.nodes:
        if type(node).__name__ in ("Product", "Total") and node.source is system._state:
            matrix = linear_matrix(node)
            if type(node).__name__ == "Total":
                wanted = u.sum(axis=node.axes)
            else:
                wanted = node.matrix @ u if node.left else u @ node.matrix
            np.testing.assert_allclose(matrix @ u.reshape(-1), np.reshape(wanted, -1))
            met += 1
    assert met == 3


def test_terms_come_back_from_blocks() -> None:
    rng = np.random.default_rng(0)
    row = np.sort(rng.choice(40, 200))
    row[row == 7] = 8
    terms = Terms(
        np.append(row, [50] * 30), rng.integers(0, 90, 230), rng.normal(size=230), rng.integers(0, 3, 230)
    ).sorted()
    back = Terms.of(terms.blocks()).sorted()
    for name in ("row", "column", "weight", "source"):
        np.testing.assert_array_equal(getattr(back, name), getattr(terms, name))
    assert Terms.of([]).sorted().blocks() == []
