"""How the entries of a state lie in space: which axes are space and which number the fields.

A state of several axes is taken as it is.  A flat state, as SciPy's solvers use it, is seen through the views that the solver makes of
it: reshapes to grids, halves for two fields, every second entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from symnum.pde.graph import View
from symnum.pde.regions import Shape, Strided, contiguous_strides

if TYPE_CHECKING:
    from symnum.pde.traced_system import TracedSystem

MAX_FIELDS = 4
"""An axis of at most so many entries numbers fields; a longer one is space."""

Place = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The state as fields on a grid: ``shape``, with the axes ``space``; the other axes number the fields, row by row.

    >>> layout = Layout((4, 5, 2), (0, 1))
    >>> layout.extents, layout.fields, layout.split(13), layout.joined(1, (1, 1))
    ((4, 5), 2, (1, (1, 1)), 13)
    """

    shape: Shape
    space: tuple[int, ...]

    @property
    def extents(self) -> Shape:
        """Return the number of cells along each axis of space."""
        return tuple(self.shape[axis] for axis in self.space)

    @property
    def fields(self) -> int:
        """Return the number of fields."""
        return prod(self.shape) // prod(self.extents)

    def split(self, position: int) -> tuple[int, Place]:
        """Return the field and the cell of an entry of the flattened state."""
        field, cell = 0, []
        for axis, step in enumerate(_steps(self.shape)):
            place = position // step % self.shape[axis]
            if axis in self.space:
                cell.append(place)
            else:
                field = field * self.shape[axis] + place
        return field, tuple(cell)

    def joined(self, field: int, cell: Sequence[int]) -> int:
        """Return the position in the flattened state of a field in a cell."""
        position, rest = 0, list(cell)
        for axis in reversed(range(len(self.shape))):
            step = _steps(self.shape)[axis]
            if axis in self.space:
                position += rest.pop() * step
            else:
                field, place = divmod(field, self.shape[axis])
                position += place * step
        return position


def _steps(shape: Shape) -> Shape:
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def layout_of(
    system: TracedSystem, shape: Sequence[int] | None = None, space: Sequence[int] | None = None
) -> Layout:
    """Return the layout of a system; ``shape`` and ``space`` replace what would be found.

    Raises ValueError for a shape of another size, and for axes that there are not.
    """
    size = prod(system.shape)
    seen = _seen_shape(system) if shape is None else tuple(int(n) for n in shape)
    if prod(seen) != size:
        raise ValueError(f"shape {seen} has {prod(seen)} entries, but the state has {size}")
    if space is None:
        return Layout(seen, tuple(axis for axis, n in enumerate(seen) if n > MAX_FIELDS))
    axes = tuple(sorted(axis + len(seen) if axis < 0 else axis for axis in space))
    if len(set(axes)) < len(axes) or not all(0 <= axis < len(seen) for axis in axes):
        raise ValueError(f"space={tuple(space)!r} does not name axes of the shape {seen}; number them from 0")
    return Layout(seen, axes)


def _seen_shape(system: TracedSystem) -> Shape:
    """Return the shape that the views of a flat state show; that of the state where it has several axes."""
    shape: Shape = system.shape
    if len(shape) != 1:
        return shape
    size = shape[0]
    views = [
        node.region
        for node in system.graph.reachable([system.output])
        if isinstance(node, View) and node.source is system._state and isinstance(node.region, Strided)
    ]
    views = [view for view in views if view.size]
    for view in sorted(views, key=lambda view: (-len(view.shape), -view.size)):
        whole = len(view.shape) > 1 and view.strides == contiguous_strides(view.shape)
        if whole and size % view.size == 0 and view.offset % view.size == 0:
            return view.shape if view.size == size else (size // view.size, *view.shape)
    rows = {
        max(map(abs, view.strides))
        for view in views
        if len(view.shape) > 1 and max(map(abs, view.strides)) > 1
    }
    if len(rows) == 1 and size % min(rows) == 0:
        return _halved((size // min(rows), min(rows)), views)
    steps = {abs(view.strides[0]) for view in views if len(view.shape) == 1 and view.shape[0] > 1}
    if len(steps) == 1 and 1 < min(steps) <= MAX_FIELDS and size % min(steps) == 0:
        return (size // min(steps), min(steps))
    return _halved(shape, views)


def _halved(shape: Shape, views: Sequence[Any]) -> Shape:
    """Return the shape with its first axis cut into fields, if no view crosses a cut and each part begins some view."""
    size = prod(shape)
    for count in range(MAX_FIELDS, 1, -1):
        part = size // count
        if shape[0] % count or part < 2:
            continue
        spans = [_span(view) for view in views if view.size < size]
        if spans and all(first // part == last // part for first, last in spans):
            if {first // part for first, last in spans} == set(range(count)) and any(
                last - first >= part // 2 for first, last in spans
            ):
                return (count, shape[0] // count, *shape[1:])
    return shape


def _span(view: Strided) -> tuple[int, int]:
    """Return the first and the last position of a view."""
    reach = [stride * (extent - 1) for stride, extent in zip(view.strides, view.shape, strict=True)]
    return view.offset + sum(min(r, 0) for r in reach), view.offset + sum(max(r, 0) for r in reach)
