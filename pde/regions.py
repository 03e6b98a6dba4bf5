"""Regions: which entries of a flat array an array is made of, as NumPy's own strides or as a list of positions.

A region turns one array into another without arithmetic: slices, transposes, reversed axes, repeated rows, reshapes, constant
index arrays.  NumPy itself computes every region, on a dummy of one byte per entry, so indexing means here what it means there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def contiguous_strides(shape: Shape) -> Shape:
    """Return the strides, counted in entries, of an array of this shape stored row by row; an axis of one entry has stride 0."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step if extent > 1 else 0)
        step *= extent
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True)
class Strided:
    """A NumPy view: entry (i, j, ...) is at offset + i*strides[0] + j*strides[1] + ... of the flat array."""

    offset: int
    shape: Shape
    strides: Shape

    @staticmethod
    def whole(shape: Shape) -> Strided:
        """Return the region of all entries in their order.

        >>> Strided.whole((2, 3))
        Strided(offset=0, shape=(2, 3), strides=(3, 1))
        """
        return Strided(0, shape, contiguous_strides(shape))

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return prod(self.shape)

    def is_whole(self) -> bool:
        """Tell whether the entries are the first ones of the flat array in their order, so that only the shape may be new."""
        return self.offset == 0 and self.strides == contiguous_strides(self.shape)

    def flat(self) -> Any:
        """Return the positions in the flat array, an integer array of the region's shape.

        >>> Strided(offset=5, shape=(3,), strides=(-2,)).flat()
        array([5, 3, 1])
        """
        positions = np.full(self.shape, self.offset, dtype=np.int64)
        for axis, (extent, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            along = np.arange(extent, dtype=np.int64) * stride
            positions += along.reshape((extent,) + (1,) * (len(self.shape) - axis - 1))
        return positions

    def of(self, flat: Any) -> Any:
        """Return the view of a flat contiguous array."""
        step = flat.itemsize
        strides = tuple(s * step for s in self.strides)
        return np.ndarray(
            self.shape,
            flat.dtype,
            buffer=flat,
            offset=self.offset * step if self.size else 0,
            strides=strides,
        )

    def through(self, size: int, operation: Callable[[Any], Any]) -> Strided | None:
        """Return the region of ``operation(view)`` for an operation of NumPy on views, or None where NumPy would make a copy."""
        dummy = np.empty(size, np.int8)
        return _seen(operation(self.of(dummy)), dummy)

    def views(self, size: int, operation: Callable[[Any], Any]) -> list[Strided]:
        """Return the regions of an operation of NumPy that makes several views, such as a split."""
        dummy = np.empty(size, np.int8)
        found = [_seen(part, dummy) for part in operation(self.of(dummy))]
        return [region for region in found if region is not None]


def _seen(view: Any, memory: Any) -> Strided | None:
    """Return the region of a view of bytes, or None where it is no view."""
    if view.size and not np.may_share_memory(view, memory):
        return None
    offset = view.__array_interface__["data"][0] - memory.__array_interface__["data"][0] if view.size else 0
    return Strided(
        offset, view.shape, tuple(s if n > 1 else 0 for s, n in zip(view.strides, view.shape, strict=True))
    )


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Entries by their positions, where no strides describe them: a constant index array or mask."""

    positions: Any
    key: Hashable = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.positions.shape, self.positions.tobytes()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Listed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def shape(self) -> Shape:
        """Return the shape of the array that the region makes."""
        shape: Shape = self.positions.shape
        return shape

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return prod(self.shape)

    def is_whole(self) -> bool:
        """Return False: a list that can be strided is made :class:`Strided` by :func:`region_of`."""
        return False

    def flat(self) -> Any:
        """Return the positions in the flat array."""
        return self.positions

    def of(self, flat: Any) -> Any:
        """Return a copy of the entries of a flat array."""
        return flat[self.positions]


Region = Strided | Listed


def region_of(positions: Any) -> Region:
    """Return the region of an array of positions, strided where strides describe it.

    >>> region_of(np.array([[7, 5], [4, 2]]))
    Strided(offset=7, shape=(2, 2), strides=(-3, -2))
    """
    positions = np.ascontiguousarray(positions, dtype=np.int64).reshape(positions.shape)
    if positions.size == 0:
        return Strided(0, positions.shape, (0,) * positions.ndim)
    first = (0,) * positions.ndim
    offset = int(positions[first])
    strides = []
    for axis, extent in enumerate(positions.shape):
        second = (*first[:axis], 1, *first[axis + 1 :])
        strides.append(int(positions[second]) - offset if extent > 1 else 0)
    guess = Strided(offset, positions.shape, tuple(strides))
    return guess if np.array_equal(guess.flat(), positions) else Listed(positions)
