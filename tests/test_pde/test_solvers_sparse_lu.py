"""Sparse matrices of one pattern: the kernel against SuperLU, its refusal of small pivots, and when it serves."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import splu

from symnum.pde import machine_code, sparse_lu
from symnum.pde.sparse_lu import Elimination, Factors, SparseLU, Warmup
from symnum.pde.stiff import Factorizer, Shifted, SparseBDF


def random_matrix(size: int, symmetric: bool, seed: int, density: float = 0.15) -> Any:
    rng = np.random.default_rng(seed)
    matrix = sp.random(size, size, density, random_state=rng, data_rvs=rng.standard_normal)
    pattern = matrix + matrix.T if symmetric else matrix
    found = sp.csc_matrix(pattern + sp.diags_array(rng.uniform(3.0, 4.0, size)))
    found.sort_indices()
    return found


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kernels serve from the first matrix on."""
    sparse_lu.WARMUP.serve(sparse_lu.WARMUP.enough + 1)


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> Warmup:
    """Let SuperLU serve for as long as a process without machine code lets it."""
    warmup = Warmup(enough=10**9)
    monkeypatch.setattr(machine_code, "is_complete", lambda name: False)
    monkeypatch.setattr(sparse_lu, "WARMUP", warmup)
    return warmup


@pytest.mark.parametrize("size", [1, 2, 7, 40, 150])
@pytest.mark.parametrize("kind", [float, complex])
def test_the_kernel_solves_in_any_order(size: int, kind: type) -> None:
    rng = np.random.default_rng(size)
    for symmetric in (True, False):
        matrix = random_matrix(size, symmetric, size)
        values = matrix.data.astype(kind) * (1.0 + 0.3j if kind is complex else 1.0)
        scaled = sp.csc_matrix((values, matrix.indices, matrix.indptr), shape=matrix.shape)
        right: Any = rng.normal(size=size).astype(kind)
        wanted = splu(scaled).solve(right)
        elimination = Elimination(matrix.indptr, matrix.indices, rng.permutation(size))
        for _ in range(2):
            factors = elimination.factorize(values)
            if (
                factors is not None
            ):  # any order of a matrix that is not dominated by its diagonal may meet a small pivot
                np.testing.assert_allclose(factors(right), wanted, rtol=1e-8, atol=1e-9)
        superlu = Factors.of_superlu(scaled)
        np.testing.assert_allclose(superlu(right), wanted, rtol=1e-10, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.floats(0.0, 0.5), st.integers(0, 10**6), st.booleans())
def test_any_pattern_is_solved(size: int, density: float, seed: int, symmetric: bool) -> None:
    matrix = random_matrix(size, symmetric, seed, density)
    right = np.random.default_rng(seed).normal(size=size)
    lu = SparseLU(matrix.indptr, matrix.indices)
    for scale in (1.0, -3.0):
        values = scale * matrix.data
        scaled = sp.csc_matrix((values, matrix.indices, matrix.indptr), shape=matrix.shape)
        if np.linalg.cond(scaled.toarray()) < 1e8:
            np.testing.assert_allclose(scaled @ lu.factorize(values)(right), right, atol=1e-6)


def test_places_hold_all_fill_and_nothing_twice() -> None:
    matrix = random_matrix(60, True, 3, 0.05)
    order = np.random.default_rng(0).permutation(60)
    l_start, l_row, u_start, u_row = Elimination(matrix.indptr, matrix.indices, order).places
    filled = (matrix[order][:, order] != 0).toarray()
    for k in range(60):
        below = np.flatnonzero(filled[:, k] & (np.arange(60) > k))
        filled[np.ix_(below, below)] = True
    wanted = sp.csc_matrix(np.tril(filled, -1))
    np.testing.assert_array_equal(l_start, wanted.indptr)
    np.testing.assert_array_equal(l_row, wanted.indices)
    transposed = sp.csc_matrix(np.tril(filled, -1).T)
    np.testing.assert_array_equal(u_start, transposed.indptr)
    np.testing.assert_array_equal(u_row, transposed.indices)


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("symmetric", [True, False])
def test_matrices_of_one_pattern_are_ordered_once(symmetric: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    specs: list[str] = []
    for name in ("splu", "spilu"):
        original = getattr(sparse_lu, name)

        def watched(matrix: Any, original: Any = original, **options: Any) -> Any:
            specs.append(options["permc_spec"])
            return original(matrix, **options)

        monkeypatch.setattr(sparse_lu, name, watched)
    matrix = random_matrix(40, symmetric, 1)
    factorize = Factorizer(matrix)
    rng = np.random.default_rng(5)
    for a, b in ((1.0, 0.1), (2.0 + 1.0j, 0.2), (1.0, 1e-3)):
        shifted = a * Shifted(1.0, 0.0) - b * Shifted(0.0, matrix.data)
        right = rng.normal(size=40).astype(np.result_type(a))
        found = factorize(shifted).solve(right)
        np.testing.assert_allclose((a * sp.identity(40) - b * matrix) @ found, right, atol=1e-10)
    if symmetric:
        assert specs == ["MMD_AT_PLUS_A"]
    else:
        assert specs[:2] == ["MMD_AT_PLUS_A", "COLAMD"] and set(specs[2:]) <= {"NATURAL"}


@pytest.mark.usefixtures("ready")
def test_rows_are_exchanged_where_a_pivot_is_small() -> None:
    matrix = sp.csc_matrix(np.array([[1e-9, 1.0, 0.0], [1.0, 1e-9, 1.0], [0.0, 1.0, 1.0]]))
    assert Elimination(matrix.indptr, matrix.indices, [0, 1, 2]).factorize(matrix.data) is None
    solve = SparseLU(matrix.indptr, matrix.indices).factorize(matrix.data)
    right = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(matrix @ solve(right), right, atol=1e-12)
    with pytest.raises(RuntimeError, match="singular"):
        SparseLU(matrix.indptr, matrix.indices).factorize(np.zeros(matrix.nnz))


def test_a_singular_matrix_gives_nan_and_the_solvers_step_back() -> None:
    matrix = sp.csc_matrix(np.eye(2))
    factorize = Factorizer(matrix)
    assert np.isnan(factorize(Shifted(1.0, -matrix.data)).solve(np.ones(2))).all()
    assert np.isnan(factorize(Shifted(1.0, np.full(2, np.nan))).solve(np.ones(2))).all()

    def growing(t: float, y: Any) -> Any:
        return -sp.identity(2, format="csc") if t == 0 else sp.csc_matrix(-np.ones((2, 2)))

    solver = SparseBDF(lambda t, y: -y, 0.0, np.ones(2), 1.0, jac=growing)
    with pytest.raises(ValueError, match="changed its sparsity pattern"):
        solver.jac(1.0, np.ones(2))


def test_a_cold_process_solves_with_superlu_until_compiling_pays(
    cold: Warmup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    matrix = random_matrix(30, True, 2)
    right = np.arange(30.0)
    lu = SparseLU(matrix.indptr, matrix.indices)
    for _ in range(3):
        solve = lu.factorize(matrix.data)
        assert not isinstance(solve, Factors)
        np.testing.assert_allclose(matrix @ solve(right), right, atol=1e-10)
    assert cold.done > 0 and not cold.compiled
    noted: list[str] = []
    monkeypatch.setattr(machine_code, "complete", noted.append)
    cold.enough = cold.done
    with caplog.at_level(logging.WARNING, "symnum"):
        assert isinstance(lu.factorize(matrix.data), Factors)
    assert noted == ["lu"] and "compiling the kernels for sparse matrices" in caplog.text
    assert isinstance(SparseLU(matrix.indptr, matrix.indices).factorize(matrix.data), Factors)


def test_machine_code_is_noted_as_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "folder", lambda: tmp_path)
    assert not machine_code.is_complete("lu")
    machine_code.complete("lu")
    assert machine_code.is_complete("lu")
    monkeypatch.setattr(machine_code, "folder", lambda: None)
    machine_code.complete("lu")
    assert not machine_code.is_complete("lu")
