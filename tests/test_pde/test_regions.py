"""Regions mean what NumPy's indexing means."""

from __future__ import annotations

import operator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnum.pde.regions import Listed, Strided, region_of

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)


@given(st.data())
def test_views_of_views_are_numpys(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    array = np.arange(float(np.prod(shape)))
    region, wanted = Strided.whole(shape), array.reshape(shape)
    for _ in range(2):
        index = data.draw(
            hnp.basic_indices(wanted.shape, allow_newaxis=True, allow_ellipsis=True, max_dims=4)
        )
        index = index if isinstance(index, tuple) else (index,)
        index = index if Ellipsis in index else (*index, ...)
        found = region.through(array.size, operator.itemgetter(index))
        assert found is not None
        region, wanted = found, wanted[index]
    np.testing.assert_array_equal(region.of(array), wanted)
    np.testing.assert_array_equal(array[region.flat()], wanted)
    assert region_of(region.flat()) == region or wanted.size == 0


def test_a_copy_is_no_view() -> None:
    assert Strided.whole((2, 3)).through(6, lambda a: a.T.reshape(6)) is None
    assert Strided.whole((2, 3)).through(6, lambda a: a.T) == Strided(0, (3, 2), (1, 3))


def test_positions_without_strides_are_listed() -> None:
    region = region_of(np.array([0, 1, 4]))
    assert isinstance(region, Listed) and region == region_of(np.array([0, 1, 4])) != region_of(
        np.array([0, 1, 5])
    )
    np.testing.assert_array_equal(region.of(np.arange(10.0) ** 2), [0.0, 1.0, 16.0])
