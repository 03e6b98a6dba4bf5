"""Colouring: no row meets a colour twice, few colours for stencils, and the Jacobian comes back from compressed products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symnum.pde import trace
from symnum.pde.colouring import colouring
from symnum.pde.models import reaction_diffusion


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 12), st.integers(0, 12), st.floats(0.0, 1.0), st.integers(0, 2**31))
def test_colours_keep_apart_and_recover_any_matrix(
    rows: int, columns: int, density: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((rows, columns)) < density, rng.normal(size=(rows, columns)), 0.0)
    found = colouring(dense)
    for row in dense:
        met = found.colours[np.flatnonzero(row)]
        assert len(set(met.tolist())) == len(met)
    # a lower bound: a row with k entries needs k colours
    assert found.count >= (dense != 0).sum(axis=1).max(initial=0)
    np.testing.assert_array_equal(found.jacobian(lambda v: dense @ v).toarray(), dense)


def test_a_band_needs_its_width() -> None:
    pattern = sp.diags_array([1.0] * 5, offsets=range(-2, 3), shape=(50, 50))
    assert colouring(pattern).count == 5


def test_the_papers_jacobian_comes_from_few_products() -> None:
    f, u0 = reaction_diffusion.make(16)
    system = trace(f, u0)
    compiled = system.compile("numpy")
    found = colouring(system.sparsity())
    assert found.count <= 12  # 7 entries in the longest row, against 768 columns
    u = np.random.default_rng(0).uniform(size=u0.shape)
    recovered = found.jacobian(lambda v: compiled.jvp(0.0, u.reshape(-1), v))
    exact: Any = compiled.jacobian(0.0, u)
    np.testing.assert_array_equal(recovered.indices, exact.indices)
    np.testing.assert_allclose(recovered.data, exact.data, rtol=1e-13)


def test_products_of_another_shape_are_refused() -> None:
    found = colouring(np.eye(3))
    with pytest.raises(
        ValueError, match=r"products has shape \(2, 3\), but 1 colours and 3 rows need \(1, 3\)"
    ):
        found.recovered(np.ones((2, 3)))
