"""Strided regions as boxes: which indices along each axis of an array a region takes.

Slices of an array of several axes are products of ranges.  So whether one lies in another, whether they meet, and what a slice of a
slice is, follows from a few whole numbers, whatever the size of the grid.  A region that is no product of ranges (a list of positions,
a diagonal, a row that runs on into the next one) has no box, and its positions must be looked at one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import lcm, prod
from typing import Any

import numpy as np

from symnum.pde.regions import Region, Shape, Strided, contiguous_strides

_MAX_CLASSES = 4096
"""Along one axis, more kinds of indices than this are not told apart; the positions are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Box:
    """A region of an array of shape ``extents``: along axis a the index is start[a] + the sum of step[i]*index[i] over runs[i] == a.

    ``runs[i]`` is the axis of the array along which axis i of the box runs, None where it stands still.  An axis of the region that
    runs on through several axes of the array, as in a flattened array, is several axes of the box; ``parts`` says how many.
    """

    extents: Shape
    start: Shape
    runs: tuple[int | None, ...]
    step: Shape
    shape: Shape
    parts: Shape

    def region(self, offset: int, strides: Sequence[int]) -> Strided | None:
        """Return the region of the same shape at other strides, or None where the parts of an axis do not follow each other there."""
        shape: list[int] = []
        kept: list[int] = []
        begin = 0
        for count in self.parts:
            sizes, steps = self.shape[begin : begin + count], strides[begin : begin + count]
            if any(s != t * n for s, t, n in zip(steps, steps[1:], sizes[1:])):
                return None
            shape.append(prod(sizes))
            kept.append(steps[-1])
            begin += count
        return Strided(offset, tuple(shape), tuple(kept))

    def ranges(self) -> tuple[range, ...] | None:
        """Return the indices taken along each axis of the array, ascending, or None where these are no range."""
        taken = [range(first, first + 1) for first in self.start]
        for axis in range(len(taken)):
            steps = sorted(
                (abs(k), k, n) for a, k, n in zip(self.runs, self.step, self.shape, strict=True) if a == axis
            )
            first, stride, count = self.start[axis], steps[0][0] if steps else 1, 1
            for size, k, n in steps:
                if size != stride * count:
                    return None
                first += min(0, k * (n - 1))
                count *= n
            taken[axis] = range(first, first + stride * count, stride)
        return tuple(taken)


def box_of(region: Region, extents: Shape) -> Box | None:
    """Return the box of a region of the flat array of these extents, or None where it has none.

    >>> box_of(Strided(9, (2, 3), (12, -1)), (4, 6)).ranges()
    (range(1, 5, 2), range(1, 4))
    """
    if not isinstance(region, Strided) or not region.size:
        return None
    strides = _strides(extents)
    start = tuple(region.offset // s % n if n else 0 for s, n in zip(strides, extents, strict=True))
    runs: list[int | None] = []
    steps: list[int] = []
    sizes: list[int] = []
    parts: list[int] = []
    for n, s in zip(region.shape, region.strides, strict=True):
        pieces = [(None, 0, n)] if n == 1 or s == 0 else _along(n, s, start, extents, strides)
        if pieces is None:
            return None
        parts.append(len(pieces))
        for axis, step, count in pieces:
            runs.append(axis)
            steps.append(step)
            sizes.append(count)
    low, high = list(start), list(start)
    for run, step, count in zip(runs, steps, sizes, strict=True):
        if run is not None:
            low[run] += min(0, step * (count - 1))
            high[run] += max(0, step * (count - 1))
    if any(a < 0 for a in low) or any(b >= n for b, n in zip(high, extents, strict=True)):
        return None
    return Box(extents, start, tuple(runs), tuple(steps), tuple(sizes), tuple(parts))


def _along(
    n: int, stride: int, start: Shape, extents: Shape, strides: Shape
) -> list[tuple[int | None, int, int]] | None:
    """Return the (axis, step, count) along which n entries at a stride run, the outermost first; several where they run on and on."""
    found: list[tuple[int | None, int, int]] = []
    while True:
        axis = next((a for a, size in enumerate(strides) if extents[a] > 1 and size <= abs(stride)), None)
        if axis is None or stride % strides[axis]:
            return None
        step = stride // strides[axis]
        if 0 <= start[axis] + step * (n - 1) < extents[axis]:
            return [(axis, step, n), *found]
        count = extents[axis] // step
        if step < 0 or start[axis] >= step or extents[axis] % step or n % count or count < 2:
            return None
        found.insert(0, (axis, step, count))
        n, stride = n // count, extents[axis] * strides[axis]


def _strides(shape: Shape) -> Shape:
    """Return the strides of a contiguous array, those of axes of one entry too."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def composed(outer: Strided, inner: Strided) -> Strided | None:
    """Return the region of the entries ``inner`` of those that ``outer`` takes, or None where no box shows it.

    >>> composed(Strided(7, (3, 4), (6, 1)), Strided(5, (2,), (4,)))
    Strided(offset=14, shape=(2,), strides=(6,))
    """
    extents, strides = _merged(outer)
    box = box_of(inner, extents)
    if box is None:
        return None
    offset = outer.offset + sum(at * s for at, s in zip(box.start, strides, strict=True))
    return box.region(
        offset, [0 if a is None else k * strides[a] for a, k in zip(box.runs, box.step, strict=True)]
    )


def _merged(region: Strided) -> tuple[Shape, Shape]:
    """Return the shape and strides of a region with neighbouring axes made one where they follow each other in memory."""
    extents: list[int] = []
    strides: list[int] = []
    for n, s in zip(region.shape, region.strides, strict=True):
        if n == 1:
            continue
        if extents and strides[-1] == s * n:
            extents[-1] *= n
            strides[-1] = s
        else:
            extents.append(n)
            strides.append(s)
    return tuple(extents), tuple(strides)


def within(piece: Region, wanted: Region, extents: Shape) -> Strided | None:
    """Return where the entries of ``wanted`` lie in the array that fills ``piece``, or None where boxes do not show it.

    >>> within(Strided(6, (2, 6), (6, 1)), Strided(7, (4,), (1,)), (4, 6))
    Strided(offset=1, shape=(4,), strides=(1,))
    """
    outer, inner = box_of(piece, extents), box_of(wanted, extents)
    if (
        outer is None
        or inner is None
        or any(s == 0 and n > 1 for s, n in zip(outer.step, outer.shape, strict=True))
    ):
        return None
    moving = [a for a in outer.runs if a is not None]
    if len(set(moving)) < len(moving):
        return None
    local = contiguous_strides(outer.shape)
    along = {a: i for i, a in enumerate(outer.runs) if a is not None}
    offset, strides = 0, [0] * len(inner.shape)
    for axis, (p, w) in enumerate(zip(outer.start, inner.start, strict=True)):
        runs = [i for i, a in enumerate(inner.runs) if a == axis]
        if axis not in along:
            if w != p or runs:
                return None
            continue
        i = along[axis]
        place, remainder = divmod(w - p, outer.step[i])
        low = high = place
        for j in runs:
            step, rest = divmod(inner.step[j], outer.step[i])
            remainder = remainder or rest
            strides[j] = step * local[i]
            low += min(0, step * (inner.shape[j] - 1))
            high += max(0, step * (inner.shape[j] - 1))
        if remainder or low < 0 or high >= outer.shape[i]:
            return None
        offset += place * local[i]
    return inner.region(offset, strides)


def disjoint(a: Region, b: Region, extents: Shape) -> bool | None:
    """Return whether two regions have no entry in common, or None where boxes do not show it."""
    boxes = box_of(a, extents), box_of(b, extents)
    if boxes[0] is None or boxes[1] is None:
        return None
    first, second = boxes[0].ranges(), boxes[1].ranges()
    if first is None or second is None:
        return None
    return not all(_meet(r, s) for r, s in zip(first, second, strict=True))


def _meet(a: range, b: range) -> bool:
    """Tell whether two ascending ranges have an index in common; the indices common to both repeat after lcm(a.step, b.step)."""
    begin = max(a.start, a.start + -(-(b.start - a.start) // a.step) * a.step)
    end = min(a[-1], b[-1], begin + lcm(a.step, b.step) - 1)
    return any(i in b for i in range(begin, end + 1, a.step))


def marks(regions: Sequence[Region], extents: Shape) -> tuple[Shape, list[Any]]:
    """Return the shape of an array of truth values in which regions can be marked, and the index that marks each of them.

    Where all regions are boxes, this array has one entry for all those entries that lie in the same regions; so it is small.

    >>> shape, (inner, edge) = marks([Strided(7, (2, 4), (6, 1)), Strided(0, (6,), (1,))], (4, 6))
    >>> shape
    (3, 3)
    """
    boxes = [box_of(region, extents) for region in regions]
    ranges = [None if box is None else box.ranges() for box in boxes]
    kinds = (
        None if None in ranges else [_kinds([r[axis] for r in ranges if r]) for axis in range(len(extents))]
    )
    if kinds is None or None in kinds:
        return (prod(extents),), [region.flat() for region in regions]
    chosen = [np.array(_kept(extent, kind), np.int64) for extent, kind in zip(extents, kinds, strict=True)]
    found = [
        np.ix_(
            *(
                (at >= r.start) & (at <= r[-1]) & ((at - r.start) % r.step == 0)
                for at, r in zip(chosen, taken, strict=True)
            )
        )
        for taken in ranges
        if taken is not None
    ]
    return tuple(len(at) for at in chosen), found


def _kinds(ranges: list[range]) -> tuple[list[int], int] | None:
    """Return where some range begins or ends, and the period of all steps, or None where there are too many kinds of indices."""
    period = lcm(*(r.step for r in ranges))
    ends = sorted({end for r in ranges for end in (r.start, r[-1] + 1)})
    return None if (len(ends) + 1) * period > _MAX_CLASSES else (ends, period)


def _kept(extent: int, kinds: tuple[list[int], int] | None) -> list[int]:
    """Return one index of each kind: between two ends, the first ``period`` indices."""
    assert kinds is not None
    ends, period = kinds
    bounds = [0, *(end for end in ends if 0 < end < extent), extent]
    return [i for a, b in pairwise(bounds) for i in range(a, min(b, a + period))]
