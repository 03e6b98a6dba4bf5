"""The operator @: products with constant matrices, dense or sparse, and of two traced arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from symnum.pde.function_table import takes
from symnum.pde.graph import Graph, stored_matrix
from symnum.pde.reductions import sum_over
from symnum.pde.refusal import refuse
from symnum.pde.traced import TracedArray, lift, wrap
from symnum.pde.ufuncs import is_sparse


@takes("matmul", "linalg.matmul")
def matmul(graph: Graph, a: Any, b: Any) -> TracedArray:
    """Return a @ b; one of them may be a constant vector, matrix, or sparse matrix."""
    if not isinstance(a, TracedArray) and isinstance(b, TracedArray):
        matrix = constant_matrix(graph, a)
        if matrix.ndim == 2:
            return wrap(graph, graph.product(b.node, matrix, True))
        if matrix.ndim == 1 and b.ndim >= 2:
            return wrap(graph, graph.product(b.node, matrix[None, :], True))[..., 0, :]
        a = matrix
    elif isinstance(a, TracedArray) and not isinstance(b, TracedArray):
        matrix = constant_matrix(graph, b)
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
        return sum_over(graph, left * right, -1)
    if left.ndim == 1:
        return sum_over(graph, left[:, None] * right, -2)
    return sum_over(graph, left[..., :, :, None] * right[..., None, :, :], -2)


def constant_matrix(graph: Graph, value: Any, sparse: bool = True) -> Any:
    """Return a constant operand of @ as floats: an array, or CSR for a sparse matrix and (with ``sparse``) a nearly empty one."""
    if is_sparse(value):
        from scipy.sparse import csr_matrix

        matrix = csr_matrix(value, dtype=np.result_type(value.dtype, graph.dtype))
        matrix.sum_duplicates()
        return matrix
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        refuse(
            f"a matrix of type {array.dtype} cannot multiply a traced array",
            "use a real array or a sparse matrix of numbers",
        )
    dtype = np.result_type(array.dtype, graph.dtype)
    stored = stored_matrix(array) if sparse and array.ndim == 2 else array
    return np.array(array, dtype=dtype, order="C") if stored is array else stored.astype(dtype)
