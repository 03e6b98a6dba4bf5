"""Reductions over axes: sums and what is made of them, and extremes, products and running sums by halves.

The maximum of n entries is that of the maxima of its two halves: about log2(n) steps of whole arrays.  So no operation is needed
that other parts of the program would have to know.  A running sum takes as many steps (Hillis and Steele, 1986): after step k an
entry holds the sum of the 2**k entries up to it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from symnum.pde.function_table import takes
from symnum.pde.graph import Graph, is_boolean
from symnum.pde.refusal import refuse
from symnum.pde.traced import TracedArray, lift, wrap


def normal_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return axes as numbers from 0, sorted; None means all."""
    chosen = range(ndim) if axis is None else (axis,) if isinstance(axis, int | np.integer) else axis
    for a in chosen:
        if not -ndim <= a < ndim:
            raise IndexError(f"axis {a} is out of bounds for an array of {ndim} axes")
    return tuple(sorted({int(a) % ndim for a in chosen}))


def _without_defaults(name: str, options: dict[str, Any]) -> None:
    """Refuse options that choose entries or start values; those that say nothing are passed over."""
    given = [
        k
        for k, v in options.items()
        if v is not np._NoValue and v is not None and not (k == "where" and v is True)
    ]
    if given:
        refuse(
            f"np.{name} was given {sorted(given)}",
            "leave these options away; np.where(mask, u, 0) chooses what takes part",
        )


def _kept(reduced: TracedArray, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: Any) -> TracedArray:
    """Return a reduced array with its axes of one entry if they shall be kept."""
    if keepdims is True:
        return reduced.reshape([1 if i in axes else n for i, n in enumerate(shape)])
    return reduced


# --- sums -----------------------------------------------------------------------------------------------------------------------


@takes("sum")
def sum_over(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, **options: Any
) -> TracedArray:
    """Return the sum over axes; conditions are counted."""
    where, initial = options.pop("where", True), options.pop("initial", np._NoValue)
    _without_defaults("sum", options)
    if where is not True and where is not np._NoValue:
        a = np.where(where, wrap(graph, lift(graph, a)), 0)
    if initial is not np._NoValue and initial is not None:
        return sum_over(graph, a, axis, dtype, keepdims) + initial
    node = lift(graph, a)
    node = node if dtype is None or dtype is np._NoValue else wrap(graph, node).astype(dtype).node
    axes = normal_axes(axis, len(node.shape))
    return _kept(wrap(graph, graph.total(node, axes)), node.shape, axes, keepdims)


@takes("mean")
def _mean(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, **options: Any
) -> Any:
    array: Any = wrap(graph, lift(graph, a))
    where = options.pop("where", True)
    if where is not True and where is not np._NoValue:
        count = np.sum(np.broadcast_to(where, array.shape), axis=axis, keepdims=keepdims is True)
        return sum_over(graph, array, axis, dtype, keepdims, where=where, **options) / count
    number = prod(array.shape[i] for i in normal_axes(axis, array.ndim))
    return sum_over(graph, array, axis, dtype, keepdims, **options) / number


@takes("average")
def _average(
    graph: Graph, a: Any, axis: Any = None, weights: Any = None, *, keepdims: Any = False, **options: Any
) -> Any:
    array: Any = wrap(graph, lift(graph, a))
    if weights is None:
        return _mean(graph, array, axis, keepdims=keepdims)
    _without_defaults("average", {k: v for k, v in options.items() if v is not False})
    w: Any = wrap(graph, lift(graph, weights))
    if w.shape != array.shape:
        along = normal_axes(axis, array.ndim)
        if axis is None or w.ndim != len(along):
            raise TypeError(
                f"np.average: weights of shape {w.shape} do not fit axis {axis} of shape {array.shape}"
            )
        w = w.reshape([n if i in along else 1 for i, n in enumerate(array.shape)]) * np.ones_like(array)
    return sum_over(graph, array * w, axis, keepdims=keepdims) / sum_over(graph, w, axis, keepdims=keepdims)


@takes("var")
def _var(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    *, mean: Any = np._NoValue, correction: Any = np._NoValue, **options: Any,
) -> Any:  # fmt: skip
    array: Any = wrap(graph, lift(graph, a))
    array = array if dtype is None else array.astype(dtype)
    center = _mean(graph, array, axis, keepdims=True) if mean is np._NoValue else mean
    count = prod(array.shape[i] for i in normal_axes(axis, array.ndim))
    less = ddof if correction is np._NoValue else correction
    return sum_over(graph, (array - center) ** 2, axis, None, keepdims, **options) / max(count - less, 0)


@takes("std")
def _std(graph: Graph, a: Any, *args: Any, **options: Any) -> Any:
    return np.sqrt(_var(graph, a, *args, **options))


@takes("trapezoid", "trapz")
def _trapezoid(graph: Graph, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> TracedArray:
    array: Any = wrap(graph, lift(graph, y))
    array = np.moveaxis(array, axis, -1)
    steps = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1), axis=-1)
    return sum_over(graph, steps * (array[..., 1:] + array[..., :-1]) / 2, -1)


@takes("count_nonzero")
def _count_nonzero(graph: Graph, a: Any, axis: Any = None, *, keepdims: Any = False) -> TracedArray:
    return sum_over(graph, wrap(graph, lift(graph, a)) != 0, axis, None, keepdims)


@takes("trace", "linalg.trace")
def _trace(
    graph: Graph, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **options: Any
) -> TracedArray:
    return sum_over(graph, np.diagonal(a, offset, axis1, axis2), -1)


@takes("linalg.norm", "linalg.vector_norm")
def _norm(graph: Graph, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    array: Any = wrap(graph, lift(graph, x))
    axes = normal_axes(axis, array.ndim)
    if ord in (None, "fro") or (ord == 2 and len(axes) == 1):
        return np.sqrt(sum_over(graph, array * array, axis, None, keepdims))
    if len(axes) != 1 or isinstance(ord, str):
        refuse(
            f"np.linalg.norm of order {ord!r} over axes {axes} is a norm of a matrix that needs its singular values or columns",
            "write np.sqrt(np.sum(u**2)), or name one axis",
        )
    if ord in (np.inf, -np.inf):
        return _extreme(graph, abs(array), axis, keepdims, np.maximum if ord > 0 else np.minimum)
    if ord == 0:
        return sum_over(graph, (array != 0) * 1.0, axis, None, keepdims)
    return sum_over(graph, abs(array) ** ord, axis, None, keepdims) ** (1.0 / ord)


# --- by halves ------------------------------------------------------------------------------------------------------------------


def _halved(array: Any, axis: int, combine: Callable[[Any, Any], Any]) -> Any:
    """Return the entries along an axis combined in pairs until one is left; an entry may be combined twice."""
    array = np.moveaxis(array, axis, 0)
    while len(array) > 1:
        half = (len(array) + 1) // 2
        array = combine(array[:half], array[len(array) - half :])
    return array[0]


def _extreme(
    graph: Graph, a: Any, axis: Any, keepdims: Any, combine: Callable[[Any, Any], Any]
) -> TracedArray:
    array: Any = wrap(graph, lift(graph, a))
    axes = normal_axes(axis, array.ndim)
    if any(not array.shape[i] for i in axes):
        raise ValueError("zero-size array to a reduction that has no identity")
    reduced = array
    for i in reversed(axes):
        reduced = _halved(reduced, i, combine)
    return _kept(reduced, array.shape, axes, keepdims)


@takes("max", "amax")
def _max(
    graph: Graph, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = np._NoValue, where: Any = True
) -> Any:  # fmt: skip
    _without_defaults("max", {"where": where})
    found = _extreme(graph, a, axis, keepdims, np.maximum)
    return found if initial is np._NoValue else np.maximum(found, initial)


@takes("min", "amin")
def _min(
    graph: Graph, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = np._NoValue, where: Any = True
) -> Any:  # fmt: skip
    _without_defaults("min", {"where": where})
    found = _extreme(graph, a, axis, keepdims, np.minimum)
    return found if initial is np._NoValue else np.minimum(found, initial)


@takes("ptp")
def _ptp(graph: Graph, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _max(graph, a, axis, keepdims=keepdims) - _min(graph, a, axis, keepdims=keepdims)


@takes("any")
def _any(
    graph: Graph, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    _without_defaults("any", {"where": where})
    return _extreme(graph, _condition(graph, a), axis, keepdims, np.logical_or)


@takes("all")
def _all(
    graph: Graph, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    _without_defaults("all", {"where": where})
    return _extreme(graph, _condition(graph, a), axis, keepdims, np.logical_and)


def _condition(graph: Graph, a: Any) -> Any:
    array = wrap(graph, lift(graph, a))
    return array if is_boolean(array.node) else array != 0


@takes("prod")
def _prod(
    graph: Graph,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    **options: Any,
) -> Any:
    _without_defaults("prod", options)
    array: Any = wrap(graph, lift(graph, a))
    array = array if dtype is None else array.astype(dtype)
    axes = normal_axes(axis, array.ndim)
    reduced = array
    for i in reversed(axes):
        left = np.moveaxis(reduced, i, 0)
        if not len(left):
            left = np.ones_like(left, shape=(1, *left.shape[1:]))
        while len(left) > 1:
            half = len(left) // 2
            product = left[:half] * left[half : 2 * half]
            if len(left) % 2:
                product[0] = product[0] * left[-1]
            left = product
        reduced = left[0]
    return _kept(reduced, array.shape, axes, keepdims)


def accumulated(
    graph: Graph, a: Any, axis: Any, dtype: Any, combine: Callable[[Any, Any], Any]
) -> TracedArray:
    """Return the running result of an associative operation along an axis, of the flattened array where ``axis`` is None."""
    array: Any = wrap(graph, lift(graph, a))
    array = array if dtype is None else array.astype(dtype)
    if is_boolean(array.node):
        array = array.astype(np.float64)
    if axis is None:
        array, axis = array.ravel(), 0
    (at,) = normal_axes(axis, array.ndim)
    running = np.moveaxis(array, at, 0)
    distance = 1
    while distance < array.shape[at]:
        further = running.copy()
        further[distance:] = combine(running[distance:], running[:-distance])
        running, distance = further, 2 * distance
    found: TracedArray = np.moveaxis(running, 0, at)
    return found


@takes("cumsum")
def _cumsum(graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> TracedArray:
    return accumulated(graph, a, axis, dtype, np.add)


@takes("cumprod")
def _cumprod(graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> TracedArray:
    return accumulated(graph, a, axis, dtype, np.multiply)


@takes("cumulative_sum")
def _cumulative_sum(
    graph: Graph, x: Any, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    found: Any = accumulated(graph, x, axis, dtype, np.add)
    if not include_initial:
        return found
    (at,) = normal_axes(0 if axis is None else axis, found.ndim)
    return np.concatenate([np.zeros_like(np.take(found, [0], at)), found], axis=at)
