"""Arrays put together from others: stack, concatenate and their kin, as assemblies of slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.pde.function_table import takes
from symnum.pde.graph import Graph, is_boolean
from symnum.pde.regions import Region, Strided, contiguous_strides
from symnum.pde.traced import TracedArray, lift, wrap


@takes("concatenate", "concat")
def concatenate(
    graph: Graph, arrays: Any, axis: int | None = 0, *, dtype: Any = None, casting: str = "same_kind"
) -> TracedArray:
    """Return the arrays one after the other along an axis, or all their entries along one where ``axis`` is None."""
    parts = _parts(graph, arrays)
    if axis is None:
        parts, axis = [part.ravel() for part in parts], 0
    if not parts:
        raise ValueError("need at least one array to concatenate")
    ndim = parts[0].ndim
    if not ndim:
        raise ValueError("zero-dimensional arrays cannot be concatenated; write np.stack")
    at = _normal(axis, ndim)
    for number, part in enumerate(parts):
        if (
            part.ndim != ndim
            or part.shape[:at] != parts[0].shape[:at]
            or part.shape[at + 1 :] != parts[0].shape[at + 1 :]
        ):
            raise ValueError(
                f"array 0 has shape {parts[0].shape} and array {number} has shape {part.shape}; "
                f"they must be equal but for axis {at}, along which they are concatenated"
            )
    shape = (*parts[0].shape[:at], sum(part.shape[at] for part in parts), *parts[0].shape[at + 1 :])
    strides = contiguous_strides(shape)
    pieces: list[tuple[Region, Any]] = []
    begin = 0
    for part in parts:
        steps = tuple(s if n > 1 else 0 for s, n in zip(strides, part.shape, strict=True))
        pieces.append((Strided(begin * strides[at], part.shape, steps), part.node))
        begin += part.shape[at]
    node = graph.assemble(shape, None, pieces)
    if all(is_boolean(piece) for _, piece in pieces):
        node = graph.elementwise("!=", [node, graph.number(0)])
    return wrap(graph, node) if dtype is None else wrap(graph, node).astype(dtype)


@takes("stack")
def stack(graph: Graph, arrays: Any, axis: int = 0, **options: Any) -> TracedArray:
    """Return the arrays along a new axis."""
    parts = _parts(graph, arrays)
    if len({part.shape for part in parts}) > 1:
        listed = ", ".join(str(part.shape) for part in parts)
        raise ValueError(f"all input arrays must have the same shape to be stacked, but they have {listed}")
    at = _normal(axis, parts[0].ndim + 1) if parts else 0
    return concatenate(graph, [part[(slice(None),) * at + (None,)] for part in parts], at, **options)


@takes("hstack")
def _hstack(graph: Graph, tup: Any, **options: Any) -> TracedArray:
    parts = [np.atleast_1d(part) for part in _parts(graph, tup)]
    return concatenate(graph, parts, 0 if parts and parts[0].ndim == 1 else 1, **options)


@takes("vstack")
def _vstack(graph: Graph, tup: Any, **options: Any) -> TracedArray:
    return concatenate(graph, [np.atleast_2d(part) for part in _parts(graph, tup)], 0, **options)


@takes("dstack")
def _dstack(graph: Graph, tup: Any) -> TracedArray:
    return concatenate(graph, [np.atleast_3d(part) for part in _parts(graph, tup)], 2)


@takes("column_stack")
def _column_stack(graph: Graph, tup: Any) -> TracedArray:
    return concatenate(graph, [p if p.ndim > 1 else p.reshape(-1, 1) for p in _parts(graph, tup)], 1)


@takes("append")
def _append(graph: Graph, arr: Any, values: Any, axis: int | None = None) -> TracedArray:
    return concatenate(graph, [arr, values], axis)


@takes("block")
def _block(graph: Graph, arrays: Any) -> TracedArray:
    depth, inner = 0, arrays
    while isinstance(inner, list):
        if not inner:
            raise ValueError("np.block was given an empty list")
        depth, inner = depth + 1, inner[0]
    return _blocks(graph, arrays, depth)


def _blocks(graph: Graph, arrays: Any, depth: int) -> TracedArray:
    """Return nested lists of ``depth`` levels joined, the innermost along the last axis; they are as deep as a user wrote them."""
    if depth == 0:
        return _parts(graph, [arrays])[0]
    if not isinstance(arrays, list):
        raise ValueError("the lists of np.block are nested to different depths; give each row as a list")
    parts = [_blocks(graph, part, depth - 1) for part in arrays]
    ndim = max(depth, *(part.ndim for part in parts))
    return concatenate(graph, [part[(None,) * (ndim - part.ndim)] for part in parts], -depth)


def _parts(graph: Graph, arrays: Any) -> Sequence[Any]:
    return [part if isinstance(part, TracedArray) else wrap(graph, lift(graph, part)) for part in arrays]


def _normal(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds for an array of {ndim} axes")
    return axis % ndim
