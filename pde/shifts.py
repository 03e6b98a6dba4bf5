"""Neighbours on a grid: roll, pad, differences and gradients, as assemblies of slices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from symnum.pde.function_table import takes
from symnum.pde.graph import Graph, Node
from symnum.pde.reductions import normal_axes
from symnum.pde.refusal import refuse
from symnum.pde.regions import Region, Strided, contiguous_strides
from symnum.pde.traced import TracedArray, lift, wrap


@takes("diff")
def _diff(
    graph: Graph, a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    array: Any = wrap(graph, lift(graph, a))
    column = tuple(1 if i == axis % array.ndim else extent for i, extent in enumerate(array.shape))
    ends = [
        end if end is np._NoValue or np.ndim(end) else np.broadcast_to(end, column)
        for end in (prepend, append)
    ]
    parts = [part for part in (ends[0], array, ends[1]) if part is not np._NoValue]
    array = np.moveaxis(np.concatenate(parts, axis=axis), axis, -1)
    for _ in range(n):
        array = array[..., 1:] - array[..., :-1]
    return np.moveaxis(array, -1, axis)


@takes("gradient")
def _gradient(graph: Graph, f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    array: Any = wrap(graph, lift(graph, f))
    axes = (
        normal_axes(axis, array.ndim)
        if axis is None
        else [normal_axes(int(a), array.ndim)[0] for a in ((axis,) if np.ndim(axis) == 0 else axis)]
    )
    steps = list(spacing or [1.0]) * (len(axes) if len(spacing) < 2 else 1)
    known = all(
        not isinstance(h, TracedArray) and (np.ndim(h) == 0 or np.shape(h) == (array.shape[a],))
        for a, h in zip(axes, steps)
    )
    if len(steps) != len(axes) or not known or edge_order not in (1, 2):
        refuse(
            f"np.gradient was given spacings {spacing!r:.80} and edge_order={edge_order!r}",
            "give one number or the coordinates of the points, or one of these for each axis, and edge_order 1 or 2",
        )
    for a in axes:
        if array.shape[a] < edge_order + 1:
            raise ValueError(
                f"np.gradient: axis {a} has {array.shape[a]} entries, but at least {edge_order + 1} are needed"
            )
    found = []
    for a, h in zip(axes, steps, strict=True):
        u = np.moveaxis(array, a, 0)
        found.append(np.moveaxis(_slope(u, h, edge_order), 0, a))
    return found[0] if len(found) == 1 else found


def _slope(u: Any, h: Any, edge_order: int) -> Any:
    """Return the derivative along the first axis: NumPy's second-order formulas, for one spacing or the coordinates of the points."""
    slope = np.zeros_like(u)
    if np.ndim(h) == 0:
        slope[1:-1] = (u[2:] - u[:-2]) / (2.0 * h)
        if edge_order == 1:
            slope[0], slope[-1] = (u[1] - u[0]) / h, (u[-1] - u[-2]) / h
        else:
            slope[0] = (-1.5 / h) * u[0] + (2.0 / h) * u[1] + (-0.5 / h) * u[2]
            slope[-1] = (0.5 / h) * u[-3] + (-2.0 / h) * u[-2] + (1.5 / h) * u[-1]
        return slope
    widths = np.diff(np.asarray(h, dtype=np.float64))
    column = (slice(None), *(None,) * (u.ndim - 1))
    d1, d2 = widths[:-1], widths[1:]
    before, here, after = -d2 / (d1 * (d1 + d2)), (d2 - d1) / (d1 * d2), d1 / (d2 * (d1 + d2))
    slope[1:-1] = before[column] * u[:-2] + here[column] * u[1:-1] + after[column] * u[2:]
    if edge_order == 1:
        slope[0], slope[-1] = (u[1] - u[0]) / widths[0], (u[-1] - u[-2]) / widths[-1]
        return slope
    a, b = widths[0], widths[1]
    slope[0] = -(2 * a + b) / (a * (a + b)) * u[0] + (a + b) / (a * b) * u[1] - a / (b * (a + b)) * u[2]
    a, b = widths[-2], widths[-1]
    slope[-1] = b / (a * (a + b)) * u[-3] - (b + a) / (a * b) * u[-2] + (2 * b + a) / (b * (a + b)) * u[-1]
    return slope


@takes("ediff1d")
def _ediff1d(graph: Graph, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat: Any = wrap(graph, lift(graph, ary)).ravel()
    parts = [np.ravel(to_begin)] if to_begin is not None else []
    parts += [flat[1:] - flat[:-1], *([np.ravel(to_end)] if to_end is not None else [])]
    joined: Any = np.concatenate(parts)
    return joined


@takes("roll")
def _roll(graph: Graph, a: Any, shift: Any, axis: Any = None) -> TracedArray:
    array = wrap(graph, lift(graph, a))
    if axis is None:
        return _roll(graph, array.ravel(), shift, 0).reshape(array.shape)
    shifts = [0] * array.ndim
    for s, k in np.broadcast(shift, axis):
        shifts[normal_axes(int(k), array.ndim)[0]] += int(s)
    return wrap(
        graph,
        _gathered(
            graph, array.node, [np.roll(np.arange(n), s) for n, s in zip(array.shape, shifts, strict=True)]
        ),
    )


@takes("pad")
def _pad(graph: Graph, array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> TracedArray:
    node = lift(graph, array)
    if isinstance(pad_width, dict):
        pad_width = [
            pad_width.get(i, pad_width.get(i - len(node.shape), (0, 0))) for i in range(len(node.shape))
        ]
        pad_width = [(p, p) if np.ndim(p) == 0 else p for p in pad_width]
    widths = np.broadcast_to(np.asarray(pad_width), (len(node.shape), 2)).tolist()
    if mode in ("constant", "empty"):
        values = np.broadcast_to(
            np.asarray(options.get("constant_values", 0) if mode == "constant" else np.nan),
            (len(node.shape), 2),
        )
        return wrap(graph, _padded_with(graph, node, widths, values))
    if mode not in ("edge", "wrap", "reflect", "symmetric") or options.get("reflect_type", "even") != "even":
        refuse(
            f"np.pad with mode {mode!r} {options or ''} cannot be traced",
            "use the mode constant, edge, wrap, reflect or symmetric",
        )
    return wrap(
        graph,
        _gathered(
            graph,
            node,
            [np.pad(np.arange(n), width, mode) for n, width in zip(node.shape, widths, strict=True)],
        ),
    )


def _padded_with(graph: Graph, node: Node, widths: list[list[int]], values: Any) -> Node:
    """Pad with numbers; where they differ between sides, one side after the other as NumPy does, the last axis on top."""
    shape = tuple(n + before + after for n, (before, after) in zip(node.shape, widths, strict=True))
    strides = contiguous_strides(shape)
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(node.shape, widths, strict=True))
    pieces: list[tuple[Region, Node]] = []
    first = float(values.flat[0]) if values.size else 0.0
    for axis, (before, after) in enumerate(widths):
        for width, start, value in (
            (before, 0, values[axis, 0]),
            (after, shape[axis] - after, values[axis, 1]),
        ):
            if width and (pieces or float(value) != first):
                slab = tuple(width if i == axis else n for i, n in enumerate(shape))
                region = Strided(
                    start * strides[axis],
                    slab,
                    tuple(s if n > 1 else 0 for s, n in zip(strides, slab, strict=True)),
                )
                pieces.append((region, graph.number(float(value), slab)))
    center = Strided.whole(shape).through(prod(shape), lambda a: a[(*inside, ...)])
    assert center is not None
    return graph.assemble(shape, graph.number(first, shape), [*pieces, (center, node)])


def _gathered(graph: Graph, node: Node, positions: Sequence[Any]) -> Node:
    """Return the array with entry (i, j, ...) taken from (positions[0][i], positions[1][j], ...).

    Each axis falls into runs of steps -1, 0 or 1, whose number does not depend on the grid; the product of the runs is an assembly
    of views.
    """
    shape = tuple(len(p) for p in positions)
    source, target = contiguous_strides(node.shape), contiguous_strides(shape)
    pieces = []
    for runs in product(*(_runs(p) for p in positions)):
        extents = tuple(length for _, _, _, length in runs)
        to = Strided(
            sum(at * s for (at, *_), s in zip(runs, target, strict=True)),
            extents,
            tuple(s if n > 1 else 0 for s, n in zip(target, extents, strict=True)),
        )
        of = Strided(
            sum(start * s for (_, start, _, _), s in zip(runs, source, strict=True)),
            extents,
            tuple(step * s if n > 1 else 0 for (_, _, step, n), s in zip(runs, source, strict=True)),
        )
        pieces.append((to, graph.view(node, of)))
    return graph.assemble(shape, None, pieces)


def _runs(positions: Any) -> list[tuple[int, int, int, int]]:
    """Split positions into runs (place, first position, step, length) with steps -1, 0 or 1.

    >>> _runs(np.array([3, 0, 1, 2, 3, 0]))
    [(0, 3, 0, 1), (1, 0, 1, 4), (5, 0, 0, 1)]
    """
    steps = np.diff(positions)
    turns = [
        *(np.flatnonzero(np.diff(steps)) + 1).tolist(),
        len(steps),
    ]  # where the step is another than before
    runs = []
    place = turn = 0
    while place < len(positions):
        step = int(steps[place]) if place < len(steps) else 0
        end = place + 1
        if step in (-1, 0, 1):
            while turns[turn] <= place and turn + 1 < len(turns):
                turn += 1
            end = turns[turn] + 1
        runs.append((place, int(positions[place]), step if end - place > 1 else 0, end - place))
        place = end
    return runs
