"""Sums, means and products with constant matrices: the linear maps that mix entries."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from symnum.pde.function_table import takes
from symnum.pde.graph import Graph
from symnum.pde.refusal import refuse
from symnum.pde.traced import TracedArray, lift, wrap
from symnum.pde.ufuncs import apply_ufunc, is_sparse


def normal_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return axes as numbers from 0, sorted; None means all."""
    chosen = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    for a in chosen:
        if not -ndim <= a < ndim:
            raise IndexError(f"axis {a} is out of bounds for an array of {ndim} axes")
    return tuple(sorted({int(a) % ndim for a in chosen}))


@takes("sum")
def _sum(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, **options: Any
) -> TracedArray:
    options = {k: v for k, v in options.items() if v is not np._NoValue and not (k == "where" and v is True)}
    if options:
        refuse(
            f"np.sum was given {sorted(options)}",
            "leave these options away; np.where(mask, u, 0) chooses what is summed",
        )
    node = lift(graph, a)
    axes = normal_axes(axis, len(node.shape))
    total = wrap(graph, graph.total(node, axes))
    if keepdims is True:
        return total.reshape([1 if i in axes else n for i, n in enumerate(node.shape)])
    return total


@takes("mean")
def _mean(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, **options: Any
) -> TracedArray:
    array = wrap(graph, lift(graph, a))
    count = prod(array.shape[i] for i in normal_axes(axis, array.ndim))
    return _sum(graph, array, axis, dtype, keepdims, **options) / count


@takes("trapezoid")
def _trapezoid(graph: Graph, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> TracedArray:
    array: Any = wrap(graph, lift(graph, y))
    array = np.moveaxis(array, axis, -1)
    steps = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1), axis=-1)
    return _sum(graph, steps * (array[..., 1:] + array[..., :-1]) / 2, -1)


@takes("matmul")
def matmul(graph: Graph, a: Any, b: Any) -> TracedArray:
    """Return a @ b; one of them may be a constant vector, matrix, or sparse matrix."""
    if not isinstance(a, TracedArray) and isinstance(b, TracedArray):
        matrix = _constant_matrix(graph, a)
        if matrix.ndim == 2:
            return wrap(graph, graph.product(b.node, matrix, True))
        if matrix.ndim == 1 and b.ndim >= 2:
            return wrap(graph, graph.product(b.node, matrix[None, :], True))[..., 0, :]
        a = matrix
    elif isinstance(a, TracedArray) and not isinstance(b, TracedArray):
        matrix = _constant_matrix(graph, b)
        if matrix.ndim == 2:
            return wrap(graph, graph.product(a.node, matrix, False))
        if matrix.ndim == 1 and a.ndim >= 2:
            return wrap(graph, graph.product(a.node, matrix[:, None], False))[..., 0]
        b = matrix
    left, right = wrap(graph, lift(graph, a)), wrap(graph, lift(graph, b))
    if not left.ndim or not right.ndim:
        raise ValueError("matmul: a scalar operand is not allowed; write * instead of @")
    if left.shape[-1] != right.shape[-2 if right.ndim > 1 else -1]:
        raise ValueError(
            f"matmul: shapes {left.shape} and {right.shape} do not fit: the last axis of the first meets the last but one of the second"
        )
    if right.ndim == 1:
        return _sum(graph, left * right, -1)
    if left.ndim == 1:
        return _sum(graph, left[:, None] * right, -2)
    return _sum(graph, left[..., :, :, None] * right[..., None, :, :], -2)


def _constant_matrix(graph: Graph, value: Any) -> Any:
    """Return a constant operand of @ as floats: CSR for a sparse matrix, else an array."""
    if is_sparse(value):
        from scipy.sparse import csr_matrix

        matrix = csr_matrix(value, dtype=np.result_type(value.dtype, graph.dtype))
        matrix.sum_duplicates()
        return matrix
    array = np.array(value)
    if array.dtype.kind not in "biuf":
        refuse(
            f"a matrix of type {array.dtype} cannot multiply a traced array",
            "use a real array or a sparse matrix of numbers",
        )
    return np.array(array, dtype=np.result_type(array.dtype, graph.dtype), order="C")


@takes("dot")
def _dot(graph: Graph, a: Any, b: Any) -> TracedArray:
    if not np.ndim(a) or not np.ndim(b):
        return apply_ufunc(graph, np.multiply, (a, b))
    if np.ndim(b) > 2:
        refuse(
            f"np.dot with a second operand of {np.ndim(b)} axes pairs all rows with all columns",
            "write np.matmul, or @",
        )
    return matmul(graph, a, b)


@takes("vdot", "inner")
def _inner(graph: Graph, a: Any, b: Any) -> TracedArray:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        refuse(
            f"np.inner and np.vdot of shapes {np.shape(a)} and {np.shape(b)} cannot be traced",
            "write np.sum(a * b, axis)",
        )
    return matmul(graph, a, b)


@takes("outer")
def _outer(graph: Graph, a: Any, b: Any) -> TracedArray:
    return wrap(graph, lift(graph, a)).reshape(-1, 1) * wrap(graph, lift(graph, b)).reshape(1, -1)
