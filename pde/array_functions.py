"""NumPy's array functions on traced arrays.

Functions that only move entries are not written again: NumPy moves the *positions* of the entries, and the result says which
region of the array was read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from symnum import term as interface
from symnum.pde import joins, products, shifts  # noqa: F401  # they enter their functions into the table
from symnum.pde.function_table import TABLE, takes
from symnum.pde.graph import Elementwise, Graph
from symnum.pde.refusal import refuse
from symnum.pde.regions import Shape
from symnum.pde.traced import FLOATS, TracedArray, lift, wrap


def call_function(
    graph: Graph, name: str, function: Any, args: Sequence[Any], options: dict[str, Any]
) -> Any:
    """Return the traced result of a function of NumPy; refuses a function that is not in the table."""
    options = dict(options)
    out = options.pop("out", None)
    if out is not None and not isinstance(out, TracedArray):
        refuse(
            f"np.{name} would write a traced array into a real array through out=",
            "make the buffer with np.zeros_like(u) or np.empty_like(u, shape=...), or leave out= away",
        )
    result: Any
    public: Any = getattr(np, name, None)
    if public is not function:
        _refuse_function(name, function)
    if name in TABLE:
        result = TABLE[name](graph, *args, **options)
    elif name in _MOVING:
        args = _positional(function, args, options)
        array = args[0] if isinstance(args[0], TracedArray) else wrap(graph, lift(graph, args[0]))
        result = array._viewed(lambda a: function(a, *args[1:], **options))
    elif name in _SPLITTING:
        args = _positional(function, args, options)
        source = args[0]
        regions = source._region.views(source._cell.node.size, lambda a: function(a, *args[1:], **options))
        result = [TracedArray(graph, source._cell, region) for region in regions]
    else:
        _refuse_function(name, function)
    if out is not None:
        out[...] = result
        return out
    return result


def _positional(function: Any, args: Sequence[Any], options: dict[str, Any]) -> Sequence[Any]:
    """Return the arguments with the first one in front, also where it was given by name, as in np.stack(arrays=...)."""
    return args or (options.pop(next(iter(inspect.signature(function).parameters))),)


def _refuse_function(name: str, function: Any) -> NoReturn:
    if name in _BY_VALUE:
        cure = "its result is chosen by the values, which are not known yet: np.where, np.minimum and np.maximum work entry by entry"
    else:
        cure = (
            "write it with operators, slices, @ and functions such as np.where, np.roll, np.pad, np.stack, np.concatenate, np.sum, "
            "np.mean and np.diff; symnum.pde.array_functions.known_functions() lists them all"
        )
    refuse(f"{function.__module__.replace('numpy', 'np')}.{name} is not among what can be traced", cure)


def known_functions() -> list[str]:
    """Return the names of NumPy's array functions that can be traced; its ufuncs are those of the operator table.

    >>> "roll" in known_functions(), "sort" in known_functions()
    (True, False)
    """
    return sorted({*TABLE, *_MOVING, *_SPLITTING})


_BY_VALUE = frozenset("amax amin max min argmax argmin any all sort argsort nonzero argwhere flatnonzero unique allclose array_equal "
                      "isclose searchsorted partition median percentile quantile bincount histogram".split())  # fmt: skip

_MOVING = frozenset(
    "atleast_1d atleast_2d atleast_3d broadcast_to delete diagonal expand_dims flip fliplr flipud matrix_transpose moveaxis "
    "permute_dims ravel repeat reshape resize rollaxis rot90 squeeze swapaxes take tile transpose".split()
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
    result = wrap(graph, lift(graph, a))
    result = result if low is None else np.maximum(result, low)
    return result if high is None else np.minimum(result, high)


@takes("select")
def _select(graph: Graph, condlist: Any, choicelist: Any, default: Any = 0) -> TracedArray:
    result = wrap(graph, lift(graph, default))
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = _where(graph, condition, choice, result)
    return result
