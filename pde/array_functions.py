"""NumPy's array functions on traced arrays.

Functions that only move entries are not written again: NumPy moves the *positions* of the entries, and the result says which
region of the array was read, or where each of several arrays landed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from symnum.pde.graph import Graph, Node
from symnum.pde.refusal import refuse
from symnum.pde.regions import Shape, Strided, contiguous_strides, region_of
from symnum.pde.traced import TracedArray, apply_ufunc, lift, wrap

_TABLE: dict[str, Callable[..., Any]] = {}


def _takes(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as the traced form of NumPy's functions of these names; its first argument is the graph."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            _TABLE[name] = function
        return function

    return enter


def call_function(graph: Graph, name: str, function: Any, args: Sequence[Any], options: dict[str, Any]) -> Any:
    """Return the traced result of a function of NumPy; refuses a function that is not in the table."""
    options = dict(options)
    out = options.pop("out", None)
    if out is not None and not isinstance(out, TracedArray):
        refuse(
            f"np.{name} would write a traced array into a real array through out=",
            "make the buffer with np.zeros_like(u) or np.empty_like(u, shape=...), or leave out= away",
        )
    if name in _MOVING:
        array = wrap(graph, lift(graph, args[0])) if not isinstance(args[0], TracedArray) else args[0]
        result: Any = array._viewed(lambda a: function(a, *args[1:], **options))
    elif name in _SPLITTING:
        parts = function(args[0].positions(), *args[1:], **options)
        regions = [region_of(part) for part in parts]
        result = [
            TracedArray(graph, args[0]._cell, region) if isinstance(region, Strided) else wrap(graph, graph.view(args[0]._cell.node, region))
            for region in regions
        ]
    elif name in _JOINING:
        result = joined(graph, function, list(args[0]), *args[1:], **options)
    elif name in _TABLE:
        result = _TABLE[name](graph, *args, **options)
    else:
        refuse(f"np.{name} is not among what can be traced", _cure(name))
    if out is not None:
        out[...] = result
        return out
    return result


def _cure(name: str) -> str:
    if name in _BY_VALUE:
        return "its result is chosen by the values, which are not known yet: np.where, np.minimum and np.maximum work entry by entry"
    known = sorted({*_TABLE, *_MOVING, *_SPLITTING, *_JOINING})
    return f"write it with operators, slices, @ and these functions: {', '.join(known)}"


_BY_VALUE = frozenset("amax amin max min argmax argmin any all sort argsort nonzero argwhere flatnonzero unique allclose array_equal "
                      "isclose searchsorted partition median percentile quantile bincount histogram".split())  # fmt: skip

_MOVING = frozenset("reshape ravel transpose swapaxes moveaxis rollaxis squeeze expand_dims flip flipud fliplr rot90 broadcast_to "
                    "atleast_1d atleast_2d atleast_3d tile repeat take delete diagonal resize matrix_transpose permute_dims".split())  # fmt: skip
"""Functions of one array that only move its entries."""

_SPLITTING = frozenset("split array_split hsplit vsplit dsplit unstack".split())
"""Functions that return several views of one array."""

_JOINING = frozenset("concatenate concat stack hstack vstack dstack column_stack".split())
"""Functions that place the entries of a list of arrays in a new one."""


def joined(graph: Graph, function: Any, arrays: Sequence[Any], *args: Any, **options: Any) -> TracedArray:
    """Join arrays as ``function`` does: it joins the numbers of the entries, and so tells where each array landed."""
    if options.pop("dtype", None) not in (None, float, np.float64):
        refuse(f"np.{function.__name__} was given a dtype other than float64", "leave dtype away: traced arrays are float64")
    nodes = [lift(graph, array) for array in arrays]
    starts = np.cumsum([0, *(node.size for node in nodes)])
    numbers = [start + np.arange(node.size).reshape(node.shape) for start, node in zip(starts[:-1], nodes, strict=True)]
    placed = function(numbers, *args, **options)
    landing = np.empty(starts[-1], np.int64)
    landing[placed.reshape(-1)] = np.arange(placed.size)
    pieces = [
        (region_of(landing[start : start + node.size].reshape(node.shape)), node)
        for start, node in zip(starts[:-1], nodes, strict=True)
    ]
    return wrap(graph, graph.assemble(placed.shape, None, pieces))


# --- new arrays ---------------------------------------------------------------------------------------------------------------


def _filled(graph: Graph, value: Any, shape: Any, dtype: Any) -> TracedArray:
    if dtype is not None and np.dtype(dtype) not in (np.dtype(float), np.dtype(bool)):
        refuse(f"a traced buffer of type {np.dtype(dtype).name} would round what is written into it", "leave dtype away: traced arrays are float64")
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
    return wrap(graph, graph.broadcast(lift(graph, value), shape))


@_takes("zeros_like")
def _zeros_like(graph: Graph, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **rest: Any) -> TracedArray:
    return _filled(graph, 0, np.shape(a) if shape is None else shape, dtype)


@_takes("ones_like")
def _ones_like(graph: Graph, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **rest: Any) -> TracedArray:
    return _filled(graph, 1, np.shape(a) if shape is None else shape, dtype)


@_takes("empty_like")
def _empty_like(graph: Graph, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **rest: Any) -> TracedArray:
    return _filled(graph, np.nan, np.shape(a) if shape is None else shape, dtype)  # NaN shows where nothing is written


@_takes("full_like")
def _full_like(graph: Graph, a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **rest: Any) -> TracedArray:
    return _filled(graph, fill_value, np.shape(a) if shape is None else shape, dtype)


@_takes("zeros")
def _zeros(graph: Graph, shape: Any, dtype: Any = None, order: str = "C", **rest: Any) -> TracedArray:
    return _filled(graph, 0, shape, dtype)


@_takes("ones")
def _ones(graph: Graph, shape: Any, dtype: Any = None, order: str = "C", **rest: Any) -> TracedArray:
    return _filled(graph, 1, shape, dtype)


@_takes("empty")
def _empty(graph: Graph, shape: Any, dtype: Any = None, order: str = "C", **rest: Any) -> TracedArray:
    return _filled(graph, np.nan, shape, dtype)


@_takes("full")
def _full(graph: Graph, shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **rest: Any) -> TracedArray:
    return _filled(graph, fill_value, shape, dtype)


@_takes("array", "asarray", "ascontiguousarray", "copy", "asanyarray")
def _copy(graph: Graph, a: Any, *args: Any, **rest: Any) -> TracedArray:
    return wrap(graph, lift(graph, a))


@_takes("copyto")
def _copyto(graph: Graph, target: Any, source: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(target, TracedArray):
        refuse("np.copyto would write a traced array into a real array", "make the buffer with np.zeros_like(u)")
    target[...] = source if where is True else _where(graph, where, source, target)


# --- questions about the shape ------------------------------------------------------------------------------------------------


@_takes("shape")
def _shape(graph: Graph, a: TracedArray) -> Shape:
    return a.shape


@_takes("ndim")
def _ndim(graph: Graph, a: TracedArray) -> int:
    return a.ndim


@_takes("size")
def _size(graph: Graph, a: TracedArray, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


@_takes("iscomplexobj")
def _iscomplexobj(graph: Graph, a: TracedArray) -> bool:
    return False


@_takes("isrealobj")
def _isrealobj(graph: Graph, a: TracedArray) -> bool:
    return True


@_takes("real")
def _real(graph: Graph, a: TracedArray) -> TracedArray:
    return a


# --- entry by entry -----------------------------------------------------------------------------------------------------------


@_takes("where")
def _where(graph: Graph, condition: Any, *choices: Any) -> TracedArray:
    if len(choices) != 2:
        refuse("np.where with one argument returns the places where a condition holds, which depend on data", "write np.where(condition, a, b)")
    return wrap(graph, graph.elementwise("ifelse", [lift(graph, value) for value in (condition, *choices)]))


@_takes("clip")
def _clip(graph: Graph, a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> TracedArray:
    low, high = (a_min if a_min is not None else min), (a_max if a_max is not None else max)
    result = wrap(graph, lift(graph, a))
    result = result if low is None else np.maximum(result, low)
    return result if high is None else np.minimum(result, high)


@_takes("select")
def _select(graph: Graph, condlist: Any, choicelist: Any, default: Any = 0) -> TracedArray:
    result = wrap(graph, lift(graph, default))
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = _where(graph, condition, choice, result)
    return result


# --- sums and products --------------------------------------------------------------------------------------------------------


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    chosen = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    for a in chosen:
        if not -ndim <= a < ndim:
            raise IndexError(f"axis {a} is out of bounds for an array of {ndim} axes")
    return tuple(sorted({a % ndim for a in chosen}))


@_takes("sum")
def _sum(graph: Graph, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, **options: Any) -> TracedArray:
    options = {k: v for k, v in options.items() if v is not np._NoValue and not (k == "where" and v is True)}
    if options:
        refuse(f"np.sum was given {sorted(options)}", "leave these options away; np.where(mask, u, 0) chooses what is summed")
    node = lift(graph, a)
    axes = _axes(axis, len(node.shape))
    total = wrap(graph, graph.total(node, axes))
    if keepdims is True:
        return total.reshape([1 if i in axes else n for i, n in enumerate(node.shape)])
    return total


@_takes("mean")
def _mean(graph: Graph, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, **options: Any) -> TracedArray:
    array = wrap(graph, lift(graph, a))
    count = prod(array.shape[i] for i in _axes(axis, array.ndim))
    return _sum(graph, array, axis, dtype, keepdims, **options) / count


@_takes("trapezoid")
def _trapezoid(graph: Graph, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> TracedArray:
    array = np.moveaxis(wrap(graph, lift(graph, y)), axis, -1)
    steps = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1), axis=-1)
    return _sum(graph, steps * (array[..., 1:] + array[..., :-1]) / 2, -1)


@_takes("diff")
def _diff(graph: Graph, a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> TracedArray:
    array = wrap(graph, lift(graph, a))
    ends = [(end if np.ndim(end) else np.broadcast_to(end, [1 if i == axis % array.ndim else k for i, k in enumerate(array.shape)])) if end is not np._NoValue else None
            for end in (prepend, append)]  # fmt: skip
    parts = [part for part in (ends[0], array, ends[1]) if part is not None]
    if len(parts) > 1:
        array = joined(graph, np.concatenate, parts, axis=axis)
    array = np.moveaxis(array, axis, -1)
    for _ in range(n):
        array = array[..., 1:] - array[..., :-1]
    return np.moveaxis(array, -1, axis)


@_takes("gradient")
def _gradient(graph: Graph, f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    array = wrap(graph, lift(graph, f))
    axes = _axes(axis, array.ndim) if axis is None else [a % array.ndim for a in ((axis,) if np.ndim(axis) == 0 else axis)]
    steps = list(spacing or [1.0]) * (len(axes) if len(spacing) < 2 else 1)
    if len(steps) != len(axes) or any(np.ndim(step) for step in steps) or edge_order not in (1, 2):
        refuse(f"np.gradient was given spacings {spacing!r:.80} and edge_order={edge_order!r}", "give one number, or one number per axis, and edge_order 1 or 2")
    found = []
    for a, h in zip(axes, steps, strict=True):
        u = np.moveaxis(array, a, 0)
        slope = _zeros_like(graph, u)
        slope[1:-1] = (u[2:] - u[:-2]) / (2 * h)
        if edge_order == 1:
            slope[0], slope[-1] = (u[1] - u[0]) / h, (u[-1] - u[-2]) / h
        else:
            slope[0], slope[-1] = (-1.5 * u[0] + 2 * u[1] - 0.5 * u[2]) / h, (1.5 * u[-1] - 2 * u[-2] + 0.5 * u[-3]) / h
        found.append(np.moveaxis(slope, 0, a))
    return found[0] if len(found) == 1 else found


@_takes("matmul")
def matmul(graph: Graph, a: Any, b: Any) -> TracedArray:
    """Return a @ b; one of them may be a constant vector, matrix, or sparse matrix."""
    if not isinstance(a, TracedArray) and isinstance(b, TracedArray):
        matrix = _constant_matrix(a)
        if matrix.ndim == 2:
            return wrap(graph, graph.product(b.node, matrix, True))
        if matrix.ndim == 1 and b.ndim >= 2:
            return wrap(graph, graph.product(b.node, matrix[None, :], True))[..., 0, :]
        a = matrix
    elif isinstance(a, TracedArray) and not isinstance(b, TracedArray):
        matrix = _constant_matrix(b)
        if matrix.ndim == 2:
            return wrap(graph, graph.product(a.node, matrix, False))
        if matrix.ndim == 1 and a.ndim >= 2:
            return wrap(graph, graph.product(a.node, matrix[:, None], False))[..., 0]
        b = matrix
    left, right = wrap(graph, lift(graph, a)), wrap(graph, lift(graph, b))
    if not left.ndim or not right.ndim:
        raise ValueError("matmul: a scalar operand is not allowed; write * instead of @")
    if left.shape[-1] != right.shape[-2 if right.ndim > 1 else -1]:
        raise ValueError(f"matmul: shapes {left.shape} and {right.shape} do not fit: the last axis of the first meets the last but one of the second")
    if right.ndim == 1:
        return _sum(graph, left * right, -1)
    if left.ndim == 1:
        return _sum(graph, left[:, None] * right, -2)
    return _sum(graph, left[..., :, :, None] * right[..., None, :, :], -2)


def _constant_matrix(value: Any) -> Any:
    """Return a constant operand of @ as float64: CSR for a sparse matrix, else an array."""
    if type(value).__module__.startswith("scipy.sparse"):
        from scipy.sparse import csr_matrix

        matrix = csr_matrix(value, dtype=np.float64)
        matrix.sum_duplicates()
        return matrix
    array = np.array(value)
    if array.dtype.kind not in "biuf":
        refuse(f"a matrix of type {array.dtype} cannot multiply a traced array", "use a real array or a sparse matrix of numbers")
    return np.ascontiguousarray(array, dtype=np.float64)


@_takes("dot")
def _dot(graph: Graph, a: Any, b: Any) -> TracedArray:
    if not np.ndim(a) or not np.ndim(b):
        return apply_ufunc(graph, np.multiply, (a, b))
    if np.ndim(b) > 2:
        refuse(f"np.dot with a second operand of {np.ndim(b)} axes pairs all rows with all columns", "write np.matmul, or @")
    return matmul(graph, a, b)


@_takes("vdot", "inner")
def _inner(graph: Graph, a: Any, b: Any) -> TracedArray:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        refuse(f"np.inner and np.vdot of shapes {np.shape(a)} and {np.shape(b)} cannot be traced", "write np.sum(a * b, axis)")
    return matmul(graph, a, b)


@_takes("outer")
def _outer(graph: Graph, a: Any, b: Any) -> TracedArray:
    return wrap(graph, lift(graph, a)).reshape(-1, 1) * wrap(graph, lift(graph, b)).reshape(1, -1)


# --- shifted and padded arrays ------------------------------------------------------------------------------------------------


@_takes("roll")
def _roll(graph: Graph, a: Any, shift: Any, axis: Any = None) -> TracedArray:
    array = wrap(graph, lift(graph, a))
    if axis is None:
        return _roll(graph, array.ravel(), shift, 0).reshape(array.shape)
    shifts = [0] * array.ndim
    for s, k in np.broadcast(shift, axis):
        shifts[_axes(int(k), array.ndim)[0]] += int(s)
    return wrap(graph, _gathered(graph, array.node, [np.roll(np.arange(n), s) for n, s in zip(array.shape, shifts, strict=True)]))


@_takes("pad")
def _pad(graph: Graph, array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> TracedArray:
    node = lift(graph, array)
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - len(node.shape), (0, 0))) for i in range(len(node.shape))]
        pad_width = [(p, p) if np.ndim(p) == 0 else p for p in pad_width]
    widths = np.broadcast_to(np.asarray(pad_width), (len(node.shape), 2)).tolist()
    if mode in ("constant", "empty"):
        values = np.broadcast_to(np.asarray(options.get("constant_values", 0) if mode == "constant" else np.nan), (len(node.shape), 2))
        return wrap(graph, _padded_with(graph, node, widths, values))
    if mode not in ("edge", "wrap", "reflect", "symmetric") or options.get("reflect_type", "even") != "even":
        refuse(f"np.pad with mode {mode!r} {options or ''} cannot be traced", "use the mode constant, edge, wrap, reflect or symmetric")
    return wrap(graph, _gathered(graph, node, [np.pad(np.arange(n), width, mode) for n, width in zip(node.shape, widths, strict=True)]))


def _padded_with(graph: Graph, node: Node, widths: list[list[int]], values: Any) -> Node:
    """Pad with numbers; where they differ between sides, one side after the other as NumPy does, the last axis on top."""
    shape = tuple(n + before + after for n, (before, after) in zip(node.shape, widths, strict=True))
    strides = contiguous_strides(shape)
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(node.shape, widths, strict=True))
    pieces = []
    first = float(values.flat[0]) if values.size else 0.0
    for axis, (before, after) in enumerate(widths):
        for width, start, value in ((before, 0, values[axis, 0]), (after, shape[axis] - after, values[axis, 1])):
            if width and (pieces or float(value) != first):
                slab = tuple(width if i == axis else n for i, n in enumerate(shape))
                region = Strided(start * strides[axis], slab, tuple(s if n > 1 else 0 for s, n in zip(strides, slab, strict=True)))
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
    for runs in product(*(_runs(p.tolist()) for p in positions)):
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


def _runs(positions: list[int]) -> list[tuple[int, int, int, int]]:
    """Split positions into runs (place, first position, step, length) with steps -1, 0 or 1.

    >>> _runs([3, 0, 1, 2, 3, 0])
    [(0, 3, 0, 1), (1, 0, 1, 4), (5, 0, 0, 1)]
    """
    runs = []
    place = 0
    while place < len(positions):
        step = positions[place + 1] - positions[place] if place + 1 < len(positions) else 0
        end = place + 1
        if step in (-1, 0, 1):
            while end < len(positions) and positions[end] - positions[end - 1] == step:
                end += 1
        runs.append((place, positions[place], step if end - place > 1 else 0, end - place))
        place = end
    return runs
