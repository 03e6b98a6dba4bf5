"""Boxes say of strided regions what looking at every position says."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnum.pde.boxes import box_of, composed, disjoint, marks, within
from symnum.pde.regions import Listed, Strided, region_of

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6)


@st.composite
def slices_of(draw: st.DrawFn, shape: tuple[int, ...]) -> Strided:
    """Draw a region that slicing, transposing and reshaping of an array of this shape makes."""
    numbers = np.arange(np.prod(shape)).reshape(shape)
    index = draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=4))
    taken = np.asarray(numbers[index])
    if draw(st.booleans()):
        taken = taken.T
    if draw(st.booleans()):
        taken = taken.reshape(-1)
    region = region_of(taken)
    return region if isinstance(region, Strided) else Strided.whole(shape)


@given(st.data())
def test_a_box_takes_the_positions_of_its_region(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    region = data.draw(slices_of(shape))
    box = box_of(region, shape)
    if box is None:
        return
    taken = box.ranges()
    if taken is not None:
        wanted = np.arange(np.prod(shape)).reshape(shape)[np.ix_(*taken)].reshape(-1)
        assert set(region.flat().reshape(-1)) == set(wanted)


@given(st.data())
def test_slices_of_slices(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    outer = data.draw(slices_of(shape))
    if not outer.size:
        return
    inner = data.draw(slices_of(outer.shape or (1,)))
    found = composed(outer, inner)
    wanted = region_of(outer.flat().reshape(-1)[inner.flat()])
    assert found is None or found == wanted or not inner.size


@given(st.data())
def test_slices_in_and_beside_slices(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    piece, wanted = data.draw(slices_of(shape)), data.draw(slices_of(shape))
    if not piece.size or not wanted.size:
        return
    local = np.full(int(np.prod(shape)), -1)
    local[piece.flat().reshape(-1)] = np.arange(piece.size)
    found = within(piece, wanted, shape)
    if found is not None:
        np.testing.assert_array_equal(found.flat(), local[wanted.flat()])
    apart = disjoint(piece, wanted, shape)
    assert apart is None or apart == bool((local[wanted.flat()] < 0).all())


@given(st.data())
def test_marks_cover_what_positions_cover(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    regions = [r for r in data.draw(st.lists(slices_of(shape), max_size=4)) if r.size]
    extents, places = marks(regions, shape)
    small, large = np.zeros(extents, bool), np.zeros(int(np.prod(shape)), bool)
    for region, place in zip(regions, places):
        assert small[place].all() == large[region.flat()].all()
        assert small[place].any() == large[region.flat()].any()
        small[place] = large[region.flat()] = True
    assert small.all() == large.all()


def test_plain_slices_have_boxes_at_every_size() -> None:
    n = 1 << 20
    inner = Strided(n + 1, (n - 2, n - 2), (n, 1))
    row: Any = Strided(n + 1, (n - 2,), (1,))
    assert within(inner, row, (n, n)) == Strided(0, (n - 2,), (1,))
    assert composed(inner, Strided(0, (n - 2,), (n - 2,))) == Strided(n + 1, (n - 2,), (n,))
    assert disjoint(inner, Strided(0, (n,), (1,)), (n, n)) is True
    shape, _ = marks([inner, row, Strided(0, (n // 2, n), (2 * n, 1))], (n, n))
    assert np.prod(shape) < 100


def test_what_is_no_box() -> None:
    assert box_of(Listed(np.array([0, 1, 4])), (5,)) is None
    assert box_of(Strided(0, (4,), (5,)), (4, 4)) is None  # a diagonal
    assert box_of(Strided(2, (4,), (1,)), (4, 4)) is None  # begins in a row and runs on into the next
    assert composed(Strided(0, (4, 3), (4, 1)), Strided(0, (12,), (1,))) is None
    assert within(Strided(0, (4, 3), (4, 1)), Strided(0, (16,), (1,)), (4, 4)) is None


def test_flattened_arrays() -> None:
    n = 1 << 12
    whole = Strided(n * n, (n * n,), (1,))
    box = box_of(whole, (3, n, n))
    assert box is not None and box.ranges() == (range(1, 2), range(0, n), range(0, n))
    assert within(Strided(n * n, (2, n, n), (n * n, n, 1)), whole, (3, n, n)) == Strided(0, (n * n,), (1,))
    assert composed(Strided(0, (n, n), (3 * n, 3)), Strided(0, (n * n,), (1,))) == Strided(0, (n * n,), (3,))
    odd = box_of(Strided(1, (n * n // 2,), (2,)), (n, n))
    assert odd is not None and odd.ranges() == (range(0, n), range(1, n, 2))
