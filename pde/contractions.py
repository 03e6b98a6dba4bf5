"""np.einsum and its kin on traced arrays, as products with constant matrices where one operand is constant."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from symnum.pde.function_table import takes
from symnum.pde.graph import Graph
from symnum.pde.products import constant_matrix, matmul
from symnum.pde.reductions import normal_axes, sum_over
from symnum.pde.refusal import refuse
from symnum.pde.traced import TracedArray, lift, wrap
from symnum.pde.ufuncs import apply_ufunc, is_sparse

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@takes("einsum")
def einsum(graph: Graph, *operands: Any, optimize: Any = False, **options: Any) -> TracedArray:
    """Return the sum that Einstein's convention says, from left to right.

    A constant that is summed with a traced array becomes a matrix; two traced arrays are multiplied entry by entry and summed.
    """
    if options or not operands or not isinstance(operands[0], str):
        refuse(
            f"np.einsum was given {sorted(options) or 'its indices as lists'}",
            "write the indices as text, such as np.einsum('ij,jk->ik', A, u), without further options",
        )
    arrays = list(operands[1:])
    inputs, output = _indices(operands[0], [np.ndim(a) for a in arrays])
    parts: list[tuple[Any, str]] = [
        _diagonal(_array(graph, a), names) for a, names in zip(arrays, inputs, strict=True)
    ]
    while len(parts) > 1:
        later = "".join(names for _, names in parts[2:]) + output
        parts[:2] = [_pair(graph, parts[0], parts[1], later)]
    array, names = parts[0]
    array, names = _summed(graph, array, names, output)
    return wrap(graph, lift(graph, array)).transpose([names.index(c) for c in output])


def _array(graph: Graph, a: Any) -> Any:
    if is_sparse(a):
        refuse("np.einsum of a sparse matrix, which is no array", "write sparse @ u")
    return a if isinstance(a, TracedArray) else constant_matrix(graph, a, sparse=False)


def _indices(text: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """Return the index letters of each operand and of the result, with letters of their own for the axes of an ellipsis."""
    text = text.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(f"np.einsum: {text!r} names {len(inputs)} operands, but {len(ndims)} were given")
    free = [c for c in _LETTERS if c not in text]
    named = [len(names.replace("...", "")) for names in inputs]
    wide = max([0, *(n - k for n, k, names in zip(ndims, named, inputs, strict=True) if "..." in names)])
    dots = "".join(free[:wide])
    found = []
    for names, ndim, count in zip(inputs, ndims, named, strict=True):
        full = names.replace("...", dots[len(dots) - (ndim - count) :] if ndim > count else "")
        if len(full) != ndim or not all(c in _LETTERS for c in full):
            raise ValueError(f"np.einsum: {names!r} does not name the {ndim} axes of its operand")
        found.append(full)
    if arrow:
        return found, right.replace("...", dots)
    letters = "".join(found)
    return found, dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))


def _diagonal(array: Any, names: str) -> tuple[Any, str]:
    """Return an operand with a repeated index taken along its diagonal."""
    for c in sorted(set(names)):
        while names.count(c) > 1:
            i = names.index(c)
            j = names.index(c, i + 1)
            array = np.diagonal(array, 0, i, j)
            names = names[:i] + names[i + 1 : j] + names[j + 1 :] + c
    return array, names


def _summed(graph: Graph, array: Any, names: str, wanted: str) -> tuple[Any, str]:
    """Return an operand summed over the indices that nobody wants."""
    axes = tuple(i for i, c in enumerate(names) if c not in wanted)
    if not axes:
        return array, names
    reduced = sum_over(graph, array, axes) if isinstance(array, TracedArray) else array.sum(axes)
    return reduced, "".join(c for c in names if c in wanted)


def _pair(graph: Graph, a: tuple[Any, str], b: tuple[Any, str], later: str) -> tuple[Any, str]:
    """Return the product of two operands, summed over the indices that do not come later."""
    first, second = _summed(graph, *a, b[1] + later), _summed(graph, *b, a[1] + later)
    names = "".join(dict.fromkeys(first[1] + second[1]))
    result = "".join(c for c in names if c in later)
    if not isinstance(first[0], TracedArray) and not isinstance(second[0], TracedArray):
        return np.einsum(f"{first[1]},{second[1]}->{result}", first[0], second[0]), result
    if not isinstance(second[0], TracedArray):
        first, second = second, first
    (constant, fixed), (traced, moving) = first, second
    batch = [c for c in fixed if c in moving and c in later]
    inner = [c for c in fixed if c in moving and c not in later]
    if isinstance(constant, TracedArray) or batch or not inner:
        product = _spread(constant, fixed, names) * _spread(traced, moving, names)
        return _summed(graph, product, names, later)
    rows = [c for c in fixed if c not in inner]
    columns = [c for c in moving if c not in inner]
    matrix = constant.transpose([fixed.index(c) for c in [*inner, *rows]])
    sizes, outer = matrix.shape[: len(inner)], matrix.shape[len(inner) :]
    moved = wrap(graph, lift(graph, np.transpose(traced, [moving.index(c) for c in [*columns, *inner]])))
    if moved.shape[len(columns) :] != sizes:
        raise ValueError(
            f"np.einsum: the operands have {sizes} and {moved.shape[len(columns) :]} entries along the summed indices {''.join(inner)!r}"
        )
    flat = moved.reshape((*moved.shape[: len(columns)], prod(sizes)))
    product = graph.product(flat.node, np.ascontiguousarray(matrix.reshape(prod(sizes), prod(outer))), False)
    return wrap(graph, product).reshape((*moved.shape[: len(columns)], *outer)), "".join([*columns, *rows])


def _spread(array: Any, names: str, wanted: str) -> Any:
    """Return an array with its axes in the order of ``wanted``, and an axis of one entry for each index that it has not."""
    order = [c for c in wanted if c in names]
    moved = np.transpose(array, [names.index(c) for c in order])
    return moved[tuple(slice(None) if c in names else None for c in wanted)]


@takes("tensordot", "linalg.tensordot")
def _tensordot(graph: Graph, a: Any, b: Any, axes: Any = 2) -> TracedArray:
    n, m = np.ndim(a), np.ndim(b)
    if np.ndim(axes) == 0:
        pairs = (list(range(n - int(axes), n)), list(range(int(axes))))
    else:
        pairs = ([int(i) % n for i in np.atleast_1d(axes[0])], [int(i) % m for i in np.atleast_1d(axes[1])])
    left, right = list(_LETTERS[:n]), list(_LETTERS[n : n + m])
    for i, j in zip(*pairs, strict=True):
        right[j] = left[i]
    output = [c for i, c in enumerate(left) if i not in pairs[0]] + [
        c for j, c in enumerate(right) if j not in pairs[1]
    ]
    return einsum(graph, f"{''.join(left)},{''.join(right)}->{''.join(output)}", a, b)


@takes("dot")
def dot(graph: Graph, a: Any, b: Any) -> TracedArray:
    """Return np.dot: a multiple, a product as @ makes it, or that of the last axis with the last but one."""
    if not np.ndim(a) or not np.ndim(b):
        return apply_ufunc(graph, np.multiply, (a, b))
    return matmul(graph, a, b) if np.ndim(b) <= 2 else _tensordot(graph, a, b, (-1, -2))


@takes("inner")
def _inner(graph: Graph, a: Any, b: Any) -> TracedArray:
    return _tensordot(graph, a, b, (-1, -1)) if np.ndim(a) and np.ndim(b) else dot(graph, a, b)


@takes("vdot")
def _vdot(graph: Graph, a: Any, b: Any) -> TracedArray:
    return _tensordot(graph, np.ravel(a), np.ravel(b), 1)


@takes("vecdot", "linalg.vecdot")
def _vecdot(graph: Graph, x1: Any, x2: Any, axis: int = -1, **options: Any) -> TracedArray:
    return sum_over(graph, wrap(graph, lift(graph, x1)) * x2, axis)


@takes("outer", "linalg.outer")
def _outer(graph: Graph, a: Any, b: Any) -> TracedArray:
    return wrap(graph, lift(graph, a)).reshape(-1, 1) * wrap(graph, lift(graph, b)).reshape(1, -1)


@takes("kron")
def _kron(graph: Graph, a: Any, b: Any) -> TracedArray:
    left: Any = wrap(graph, lift(graph, a))
    right: Any = wrap(graph, lift(graph, b))
    ndim = max(left.ndim, right.ndim)
    left, right = left[(None,) * (ndim - left.ndim)], right[(None,) * (ndim - right.ndim)]
    first: tuple[Any, ...] = (slice(None), None) * ndim
    second: tuple[Any, ...] = (None, slice(None)) * ndim
    product: TracedArray = left[first] * right[second]
    return product.reshape([n * m for n, m in zip(left.shape, right.shape, strict=True)])


@takes("cross", "linalg.cross")
def _cross(
    graph: Graph, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = _array(graph, a), _array(graph, b)
    x, y = np.moveaxis(x, axisa, -1), np.moveaxis(y, axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"np.cross takes vectors of 3 entries, but the shapes are {x.shape} and {y.shape}")
    parts = [x[..., i] * y[..., j] - x[..., j] * y[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


@takes("convolve")
def convolve(graph: Graph, a: Any, v: Any, mode: str = "full") -> TracedArray:
    """Return the discrete convolution of two vectors as a sum of slices, one for each entry of the shorter one."""
    signal: Any = wrap(graph, lift(graph, a))
    kernel: Any = wrap(graph, lift(graph, v))
    if signal.ndim != 1 or kernel.ndim != 1 or not signal.size or not kernel.size:
        raise ValueError(
            f"np.convolve takes two vectors, but the shapes are {signal.shape} and {kernel.shape}"
        )
    if kernel.size > signal.size:
        signal, kernel = kernel, signal
    n, m = signal.size, kernel.size
    if m > _MAX_KERNEL:
        refuse(
            f"np.convolve of {n} with {m} entries would make {m} slices",
            "write it as a constant matrix: scipy.linalg.toeplitz(...) @ u, made once, outside f",
        )
    start, count = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}.get(
        mode, (0, -1)
    )
    if count < 0:
        raise ValueError(f"np.convolve: mode {mode!r} is none of 'full', 'same' and 'valid'")
    padded = np.pad(signal, m - 1)
    found: Any = 0.0
    for j in range(m):
        begin = m - 1 - j + start
        found = found + kernel[j] * padded[begin : begin + count]
    return wrap(graph, lift(graph, found))


_MAX_KERNEL = 64
"""A convolution with more entries than this is asked for as a matrix: its slices would make the program long."""


@takes("correlate")
def _correlate(graph: Graph, a: Any, v: Any, mode: str = "valid") -> TracedArray:
    if np.size(v) > np.size(a):
        refuse(
            f"np.correlate with a second operand of {np.size(v)} entries, longer than the first of {np.size(a)}",
            "exchange the operands and reverse the result",
        )
    return convolve(graph, a, wrap(graph, lift(graph, v))[::-1], mode)


@takes("interp")
def _interp(
    graph: Graph, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> TracedArray:
    if (
        isinstance(x, TracedArray)
        or isinstance(xp, TracedArray)
        or left is not None
        or right is not None
        or period is not None
    ):
        refuse(
            "np.interp at points that are traced, or with left, right or period",
            "interpolate traced values between constant points, or write the formula with np.where",
        )
    from scipy.sparse import csr_matrix

    at, points = np.asarray(x, dtype=np.float64), np.asarray(xp, dtype=np.float64)
    place = np.clip(np.searchsorted(points, at.reshape(-1), side="right") - 1, 0, max(len(points) - 2, 0))
    after = np.minimum(place + 1, len(points) - 1)
    gap = points[after] - points[place]
    weight = np.clip((at.reshape(-1) - points[place]) / np.where(gap == 0, 1.0, gap), 0.0, 1.0)
    rows = np.repeat(np.arange(at.size), 2)
    columns, weights = np.stack([place, after], 1).reshape(-1), np.stack([1 - weight, weight], 1).reshape(-1)
    matrix = csr_matrix((weights, (rows, columns)), shape=(at.size, len(points)))
    matrix.sum_duplicates()
    return wrap(graph, graph.product(lift(graph, fp), matrix, True)).reshape(at.shape)


@takes("polyval")
def _polyval(graph: Graph, p: Any, x: Any) -> Any:
    found: Any = 0.0
    for k in range(np.shape(p)[0]):  # Horner's scheme, as NumPy computes it
        found = found * x + p[k]
    return found


@takes("linalg.multi_dot")
def _multi_dot(graph: Graph, arrays: Any, **options: Any) -> Any:
    found = arrays[0]
    for array in arrays[1:]:
        found = (
            dot(graph, found, array)
            if isinstance(found, TracedArray) or isinstance(array, TracedArray)
            else np.dot(found, array)
        )
    return found


@takes("apply_over_axes")
def _apply_over_axes(graph: Graph, func: Any, a: Any, axes: Any) -> Any:
    array: Any = wrap(graph, lift(graph, a))
    for axis in normal_axes(axes, array.ndim):
        reduced = func(array, axis)
        array = reduced if reduced.ndim == array.ndim else np.expand_dims(reduced, axis)
    return array
