"""NumPy's array functions on traced arrays.

Functions that only move entries are not written again: NumPy moves the *positions* of the entries, and the result says which
region of the array was read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np

from symnum import term as interface
from symnum.pde import contractions, joins, products, reductions, shifts  # noqa: F401  # they enter their functions into the table
from symnum.pde.function_table import TABLE, takes
from symnum.pde.graph import Elementwise, Graph
from symnum.pde.refusal import refuse
from symnum.pde.regions import Shape
from symnum.pde.traced import FLOATS, TracedArray, lift, wrap


def call_function(
    graph: Graph, name: str, function: Callable[..., Any], args: Sequence[Any], options: dict[str, Any]
) -> Any:
    """Return the traced result of a function of NumPy; refuses a function that is not in the table.

    Such a function is called with numbers where its arrays depend on no input, as buffers that were filled with numbers do.
    """
    options = dict(options)
    out = options.pop("out", None)
    if out is not None and not isinstance(out, TracedArray):
        refuse(
            f"np.{name} would write a traced array into a real array through out=",
            "make the buffer with np.zeros_like(u) or np.empty_like(u, shape=...), or leave out= away",
        )
    traced = _traced_form(function)
    if traced is None:
        values = _numbers([*args, *options.values()])
        if values is None:
            _refuse_function(function)
        return function(*values[: len(args)], **dict(zip(options, values[len(args) :], strict=True)))
    result = traced(graph, *args, **options)
    if out is not None:
        out[...] = result
        return out
    return result


def _traced_form(function: Any) -> Callable[..., Any] | None:
    """Return what computes a function on traced arrays, taking the graph first, or None."""
    name, home = function.__name__, np.linalg if function.__module__ == "numpy.linalg" else np
    known = f"linalg.{name}" if home is np.linalg else name
    if getattr(home, name, None) is not function:
        return None
    if known in TABLE:
        return TABLE[known]
    if known in _MOVING:
        return partial(_moved, function)
    return partial(_split, function) if known in _SPLITTING else None


def _moved(function: Any, graph: Graph, *args: Any, **options: Any) -> TracedArray:
    args = _positional(function, args, options)
    array = args[0] if isinstance(args[0], TracedArray) else wrap(graph, lift(graph, args[0]))
    return array._viewed(lambda a: function(a, *args[1:], **options))


def _split(function: Any, graph: Graph, *args: Any, **options: Any) -> list[TracedArray]:
    args = _positional(function, args, options)
    source = args[0]
    regions = source._region.views(source._cell.node.size, lambda a: function(a, *args[1:], **options))
    return [TracedArray(graph, source._cell, region) for region in regions]


def _numbers(values: Sequence[Any]) -> list[Any] | None:
    """Return arguments with the numbers of traced arrays in their place, or None where one of these depends on an input."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, TracedArray):
            number = value.value
            if number is None:
                return None
            found.append(number)
        elif isinstance(value, list | tuple):
            inner = _numbers(value)
            if inner is None:
                return None
            found.append(type(value)(inner) if type(value) in (list, tuple) else value)
        else:
            found.append(value)
    return found


def _positional(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """Return the arguments with the first one in front, also where it was given by name, as in np.stack(arrays=...)."""
    return args or (options.pop(next(iter(inspect.signature(function).parameters))),)


def _refuse_function(function: Any) -> NoReturn:
    name = function.__name__
    module = function.__module__.replace("numpy", "np")
    cure = _CURES.get(module.removeprefix("np.")) or _CURES.get(name)
    if cure is None:
        cure = (
            "write it with operators, slices, @ and functions such as np.where, np.roll, np.pad, np.stack, np.concatenate, np.sum, "
            "np.mean and np.diff; symnum.pde.array_functions.known_functions() lists them all"
        )
    refuse(f"{module}.{name} is not among what can be traced", cure)


def known_functions() -> list[str]:
    """Return the names of NumPy's array functions that can be traced; its ufuncs are those of the operator table.

    >>> "roll" in known_functions(), "sort" in known_functions()
    (True, False)
    """
    return sorted({*TABLE, *_MOVING, *_SPLITTING})


_CURES = {
    "fft": "a traced array is real: make the matrix of the derivative once, outside f, D = np.real(np.fft.ifft(1j*k[:, None] * "
    "np.fft.fft(np.eye(n), axis=0), axis=0)), and write D @ u",
    "solve": "make the inverse once, outside f, A_inv = np.linalg.inv(A), and write A_inv @ u",
    "inv": "the inverse of a traced matrix has no formula of moderate size; write the system as one of its own unknowns",
    "nan_to_num": "write np.where(np.isnan(u), 0.0, u)",
    **dict.fromkeys(
        "argmax argmin sort argsort nonzero argwhere flatnonzero unique allclose array_equal searchsorted partition median percentile "
        "quantile bincount histogram digitize lexsort argpartition nanmedian".split(),
        "its result is chosen by the values, which are not known yet: np.where, np.minimum, np.maximum, np.max and np.min can be traced",
    ),
}
"""What to write instead of a function, or of those of a module."""

_MOVING = frozenset(
    "atleast_1d atleast_2d atleast_3d broadcast_to delete diagonal expand_dims flip fliplr flipud matrix_transpose moveaxis "
    "permute_dims ravel repeat require reshape resize rollaxis rot90 squeeze swapaxes take take_along_axis tile transpose "
    "linalg.matrix_transpose linalg.diagonal".split()
)
"""Functions of one array that only move its entries."""

_SPLITTING = frozenset("split array_split hsplit vsplit dsplit unstack".split())
"""Functions that return several views of one array."""

# --- new arrays ---------------------------------------------------------------------------------------------------------------


def _filled(graph: Graph, value: Any, shape: Any, dtype: Any) -> TracedArray:
    dtype = np.dtype(np.float64 if dtype is None else dtype)
    if dtype not in (*FLOATS, np.dtype(bool)):
        refuse(
            f"a traced buffer of type {dtype.name} would round what is written into it",
            "leave dtype away, or write float, np.float32 or bool",
        )
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
    node = lift(graph, value)
    if dtype == np.bool_:
        node = graph.elementwise("!=", [node, graph.number(0)])
    elif isinstance(node, Elementwise) and interface.is_number(node.term):
        return wrap(graph, graph.number(float(interface.value(node.term)), shape, dtype))
    else:
        node = graph.cast(node, dtype)
    return wrap(graph, graph.broadcast(node, shape))


def _type_like(a: Any, dtype: Any) -> Any:
    """Return the type of an array that is made like another one."""
    return dtype if dtype is not None else a.dtype if isinstance(a, TracedArray) else np.asarray(a).dtype


def _enter_fillers() -> None:
    """Enter np.zeros, np.zeros_like and their kin, which differ in what they fill with."""

    def filler(value: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
        def new(graph: Graph, shape: Any, dtype: Any = None, order: str = "C", **rest: Any) -> TracedArray:
            return _filled(graph, value, shape, dtype)

        def like(
            graph: Graph, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
        ) -> TracedArray:
            return _filled(graph, value, np.shape(a) if shape is None else shape, _type_like(a, dtype))

        return new, like

    for name, value in {
        "zeros": 0.0,
        "ones": 1.0,
        "empty": np.nan,
    }.items():  # nan shows where nothing is written
        new, like = filler(value)
        takes(name)(new)
        takes(f"{name}_like")(like)


_enter_fillers()


@takes("full_like")
def _full_like(
    graph: Graph, a: Any, fill_value: Any, dtype: Any = None, *args: Any, shape: Any = None
) -> TracedArray:
    return _filled(graph, fill_value, np.shape(a) if shape is None else shape, _type_like(a, dtype))


@takes("full")
def _full(
    graph: Graph, shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **rest: Any
) -> TracedArray:
    return _filled(graph, fill_value, shape, dtype)


@takes("array", "asarray", "ascontiguousarray", "copy", "asanyarray")
def _copy(graph: Graph, a: Any, dtype: Any = None, *args: Any, **rest: Any) -> TracedArray:
    array = wrap(graph, lift(graph, a))
    return array if dtype is None or isinstance(dtype, str) else array.astype(dtype)


@takes("copyto")
def _copyto(graph: Graph, target: Any, source: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(target, TracedArray):
        refuse(
            "np.copyto would write a traced array into a real array", "make the buffer with np.zeros_like(u)"
        )
    target[...] = source if where is True else _where(graph, where, source, target)


# --- questions about the shape ------------------------------------------------------------------------------------------------


@takes("shape")
def _shape(graph: Graph, a: TracedArray) -> Shape:
    return a.shape


@takes("ndim")
def _ndim(graph: Graph, a: TracedArray) -> int:
    return a.ndim


@takes("size")
def _size(graph: Graph, a: TracedArray, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


@takes("iscomplexobj")
def _iscomplexobj(graph: Graph, a: TracedArray) -> bool:
    return False


@takes("isrealobj")
def _isrealobj(graph: Graph, a: TracedArray) -> bool:
    return True


@takes("real")
def _real(graph: Graph, a: TracedArray) -> TracedArray:
    return a


# --- entry by entry -----------------------------------------------------------------------------------------------------------


@takes("where")
def _where(graph: Graph, condition: Any, *choices: Any) -> TracedArray:
    if len(choices) != 2:
        refuse(
            "np.where with one argument returns the places where a condition holds, which depend on data",
            "write np.where(condition, a, b)",
        )
    return wrap(graph, graph.elementwise("ifelse", [lift(graph, value) for value in (condition, *choices)]))


@takes("clip")
def _clip(
    graph: Graph, a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> TracedArray:
    low, high = (a_min if a_min is not None else min), (a_max if a_max is not None else max)
    result: Any = wrap(graph, lift(graph, a))
    result = result if low is None else np.maximum(result, low)
    return result if high is None else np.minimum(result, high)


@takes("select")
def _select(graph: Graph, condlist: Any, choicelist: Any, default: Any = 0) -> TracedArray:
    result = wrap(graph, lift(graph, default))
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = _where(graph, condition, choice, result)
    return result


@takes("piecewise")
def _piecewise(graph: Graph, x: Any, condlist: Any, funclist: Any, *args: Any, **options: Any) -> Any:
    array: Any = wrap(graph, lift(graph, x))
    conditions = list(condlist) if isinstance(condlist, list | tuple) else [condlist]
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise ValueError(
            f"np.piecewise: {len(conditions)} conditions need {len(conditions)} or {len(conditions) + 1} functions, not {len(funclist)}"
        )
    values = [value(array, *args, **options) if callable(value) else value for value in funclist]
    result = np.zeros_like(array)
    if len(values) > len(conditions):
        result = result + values.pop()
    for condition, value in zip(conditions, values, strict=True):
        result = _where(graph, condition, value, result)
    return result


@takes("nan_to_num")
def _nan_to_num(
    graph: Graph, x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    array: Any = wrap(graph, lift(graph, x))
    largest = float(np.finfo(array.dtype).max)
    array = np.where(array == np.inf, largest if posinf is None else posinf, array)
    array = np.where(array == -np.inf, -largest if neginf is None else neginf, array)
    return np.where(np.isnan(array), nan, array)


@takes("isclose")
def _isclose(
    graph: Graph, a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    x, y = (wrap(graph, lift(graph, value)) for value in (a, b))
    return (abs(x - y) <= atol + rtol * abs(y)) | (x == y)


@takes("round", "around")
def _round(graph: Graph, a: Any, decimals: int = 0) -> Any:
    array = wrap(graph, lift(graph, a))
    if decimals == 0:
        return np.rint(array)
    if decimals < 0:
        return np.rint(array / 10.0**-decimals) * 10.0**-decimals
    return np.rint(array * 10.0**decimals) / 10.0**decimals


@takes("fix")
def _fix(graph: Graph, x: Any) -> Any:
    return np.trunc(wrap(graph, lift(graph, x)))


@takes("sinc")
def _sinc(graph: Graph, x: Any) -> Any:
    angle = np.pi * wrap(graph, lift(graph, x))
    return np.where(angle == 0, 1.0, np.sin(angle) / angle)


@takes("tril")
def _tril(graph: Graph, m: Any, k: int = 0) -> Any:
    array: Any = wrap(graph, lift(graph, m))
    rows, columns = array.shape[-2:]
    return np.where(np.tri(rows, columns, k=k, dtype=bool), array, 0.0)


@takes("triu")
def _triu(graph: Graph, m: Any, k: int = 0) -> Any:
    array: Any = wrap(graph, lift(graph, m))
    rows, columns = array.shape[-2:]
    return np.where(np.tri(rows, columns, k=k - 1, dtype=bool), 0.0, array)


# --- arrays on a common grid ----------------------------------------------------------------------------------------------------


@takes("broadcast_arrays")
def _broadcast_arrays(graph: Graph, *args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@takes("meshgrid")
def _meshgrid(graph: Graph, *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    ndim = len(xi)
    axes = [1, 0, *range(2, ndim)] if indexing == "xy" and ndim > 1 else list(range(ndim))
    spread = [
        wrap(graph, lift(graph, x)).reshape([-1 if i == axis else 1 for i in range(ndim)])
        for x, axis in zip(xi, axes)
    ]
    return spread if sparse else list(_broadcast_arrays(graph, *spread))


# --- chosen entries -------------------------------------------------------------------------------------------------------------


@takes("extract", "compress")
def _compress(graph: Graph, condition: Any, a: Any, axis: Any = None) -> Any:
    array: Any = wrap(graph, lift(graph, a))
    array, condition = (
        (array.ravel(), np.ravel(condition)) if axis is None else (np.moveaxis(array, axis, 0), condition)
    )
    if isinstance(condition, TracedArray):
        refuse(
            "entries were chosen by a traced condition, so how many there are would depend on data",
            "write np.where(condition, u, 0)",
        )
    taken = array[np.flatnonzero(condition)]
    return taken if axis is None else np.moveaxis(taken, 0, axis)


@takes("putmask", "place")
def _putmask(graph: Graph, a: Any, mask: Any, values: Any) -> None:
    if np.ndim(values):
        refuse(
            "np.putmask and np.place repeat an array of values", "write a[...] = np.where(mask, values, a)"
        )
    _copyto(graph, a, values, where=mask)


@takes("fill_diagonal")
def _fill_diagonal(graph: Graph, a: Any, val: Any, wrap: bool = False) -> None:
    if not isinstance(a, TracedArray) or a.ndim != 2 or wrap:
        refuse(
            "np.fill_diagonal of a real array, of more than two axes, or with wrap",
            "write the entries by slices",
        )
    n, m = a.shape
    a[np.arange(min(n, m)), np.arange(min(n, m))] = val
