"""Traced arrays: what a solver computes with while it is turned into symbols.

A traced array knows its shape and dtype and a node of the graph, but no numbers.  NumPy's two protocols bring every operator, ufunc
and array function here.  Slices are views as in NumPy: several arrays may look at one cell, and writing through one of them puts a
new node into the cell, so that a solver may fill a buffer piece by piece.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from symnum.pde.graph import Graph, Node, is_boolean
from symnum.pde.refusal import SingleEntries, cure_of_library, library_function, refuse
from symnum.pde.regions import Region, Shape, Strided, region_of


class Cell:
    """The memory of one array and of all views of it."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node


class TracedArray(NDArrayOperatorsMixin):
    """Stand for an array in a solver that is being traced; see :func:`symnum.pde.trace`.

    It takes operators, NumPy's functions, slices and assignment to slices, and refuses what needs numbers.
    """

    __slots__ = ("_cell", "_graph", "_region")
    __hash__ = None  # type: ignore[assignment]  # == is elementwise, as for arrays

    def __init__(self, graph: Graph, cell: Cell, region: Strided) -> None:
        self._graph, self._cell, self._region = graph, cell, region

    # --- what is known about the array ----------------------------------------------------------------------------------------

    @property
    def node(self) -> Node:
        """Return the node of the array as it is now."""
        return self._graph.view(self._cell.node, self._region)

    @property
    def shape(self) -> Shape:
        """Return the shape."""
        return self._region.shape

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return prod(self.shape)

    @property
    def dtype(self) -> Any:
        """Return float64, float32, or bool for a condition."""
        return np.dtype(bool) if is_boolean(self._cell.node) else self._cell.node.dtype

    @property
    def itemsize(self) -> int:
        """Return the bytes of one entry."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Return the bytes of all entries."""
        return self.size * self.itemsize

    @property
    def T(self) -> TracedArray:
        """Return the transpose."""
        return self._viewed(lambda a: a.T)

    @property
    def mT(self) -> TracedArray:
        """Return the array with its last two axes exchanged."""
        return self._viewed(lambda a: a.mT)

    @property
    def real(self) -> TracedArray:
        """Return the array: traced arrays are real."""
        return self

    @property
    def imag(self) -> TracedArray:
        """Return zeros: traced arrays are real."""
        return wrap(self._graph, self._graph.number(0, self.shape, self.node.dtype))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object: a traced scalar has no entries")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"TracedArray(shape={self.shape}, dtype={self.dtype})"

    @property
    def value(self) -> Any:
        """Return the numbers of an array that depends on no input, or None."""
        return constant_value(self._graph, self.node)

    # --- views, reading and writing -------------------------------------------------------------------------------------------

    def positions(self) -> Any:
        """Return where the entries lie in the cell."""
        return self._region.flat()

    def _viewed(self, operation: Callable[[Any], Any]) -> TracedArray:
        """Apply a NumPy operation that moves entries: a view of the same cell where NumPy makes one, else a copy."""
        region = self._region.through(self._cell.node.size, operation)
        if region is not None:
            return TracedArray(self._graph, self._cell, region)
        moved = operation(np.arange(self.size, dtype=np.int64).reshape(self.shape))
        return wrap(self._graph, self._graph.view(self.node, region_of(moved)))

    def __getitem__(self, index: Any) -> TracedArray:
        entries, basic = _checked_index(index)
        if not basic:
            return wrap(self._graph, self._graph.view(self._cell.node, region_of(self.positions()[index])))
        ellipsis = any(entry is Ellipsis for entry in entries)
        region = self._region.through(
            self._cell.node.size, lambda a: a[entries if ellipsis else (*entries, ...)]
        )
        assert region is not None, "NumPy makes a view for every basic index"
        found = TracedArray(self._graph, self._cell, region)
        if ellipsis or region.shape:
            return found
        if self._graph.read_single():
            refuse(
                "many entries of traced arrays were read one by one, each of which would be an operation of its own",
                "write the loop as slices, such as u[2:] - 2*u[1:-1] + u[:-2], or trace(f, u0, scalars=True)",
                SingleEntries,
            )
        # a number that was read stays what it is when the array is written to later
        return wrap(self._graph, found.node)

    def __setitem__(self, index: Any, value: Any) -> None:
        entries, basic = _checked_index(index)
        region: Region | None
        if basic:
            whole = entries if any(entry is Ellipsis for entry in entries) else (*entries, ...)
            region = self._region.through(self._cell.node.size, lambda a: a[whole])
            assert region is not None
        else:
            region = region_of(self.positions()[index])
        written = region if basic else self._region
        if isinstance(written, Strided) and any(
            s == 0 and n > 1 for s, n in zip(written.strides, written.shape)
        ):
            raise ValueError(
                f"assignment destination is read-only: entries of this array of shape {written.shape} are repeated, as np.broadcast_to "
                f"makes them; write to a copy, u.copy()"
            )
        node = lift(self._graph, value)
        extra = len(node.shape) - len(region.shape)
        if extra > 0 and node.shape[:extra] == (1,) * extra:
            node = self._graph.view(node, Strided.whole(node.shape[extra:]))
        node = self._graph.broadcast(node, region.shape)
        if not basic:
            node, region = self._last_written(node, region)
        filled = self._graph.assemble(self._cell.node.shape, self._cell.node, [(region, node)])
        if is_boolean(self._cell.node):
            filled = self._graph.elementwise("!=", [filled, self._graph.number(0)])
        self._cell.node = filled

    def _last_written(self, node: Node, region: Region) -> tuple[Node, Region]:
        """Return what an assignment leaves: where an index array names an entry several times, the last value stays, as in NumPy."""
        positions = region.flat().reshape(-1)
        last = positions.size - 1 - np.unique(positions[::-1], return_index=True)[1]
        if last.size == positions.size:
            return node, region
        kept = np.sort(last)
        return self._graph.view(node, region_of(kept)), region_of(positions[kept])

    def __iter__(self) -> Iterator[TracedArray]:
        if not self.shape:
            refuse("a traced scalar cannot be iterated", "use it as one number")
        if self.shape[0] > _MAX_LOOP:
            refuse(
                f"a loop over the {self.shape[0]} entries of a traced array would make a formula for each of them",
                "write the loop as slices, such as u[2:] - 2*u[1:-1] + u[:-2]",
                SingleEntries,
            )
        return (self[i] for i in range(self.shape[0]))

    # --- NumPy's protocols ----------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Take every operator and ufunc in which this array takes part."""
        out = options.pop("out", None)
        target = out[0] if isinstance(out, tuple) else out
        if target is not None and not isinstance(target, TracedArray):
            refuse(
                f"np.{ufunc.__name__} would write a traced array into a real array of shape {target.shape}",
                "make the buffer with np.zeros_like(u) or np.empty_like(u, shape=...), or leave out= and in-place operators away",
            )
        from symnum.pde.ufuncs import apply_method, apply_ufunc

        if method != "__call__":
            result = apply_method(self._graph, ufunc, method, inputs, options)
        else:
            where, dtype = options.pop("where", True), options.pop("dtype", None)
            if options or (where is not True and target is None):
                refuse(
                    f"np.{ufunc.__name__} was given {sorted(options) or 'where without out'}",
                    "leave these options away, or give out= for the entries where nothing is computed; np.where chooses entries",
                )
            result = apply_ufunc(self._graph, ufunc, inputs)
            result = result if dtype is None else result.astype(dtype)
            result = result if where is True else np.where(where, result, target)
        if target is not None and (
            target.shape or target is not inputs[0]
        ):  # x += 1 makes a new number of a number x
            target[...] = result
            return target
        return result

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        """Return the functions of the array API standard for arrays of this trace."""
        from symnum.pde.array_api import ArrayNamespace

        return ArrayNamespace(self._graph)

    @property
    def device(self) -> str:
        """Return "cpu", as NumPy does."""
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> TracedArray:
        """Return the array; raises ValueError for another device than "cpu"."""
        if device != "cpu":
            raise ValueError(f"a traced array cannot move to {device!r}; traced arrays are on 'cpu'")
        return self

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        """Take every function of NumPy in which this array takes part."""
        return self._call(function.__name__, function, args, options)

    def _call(self, name: str, function: Any, args: Any, options: Any) -> Any:
        from symnum.pde.array_functions import call_function

        return call_function(self._graph, name, function, args, options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Refuse: there are no numbers yet.  scipy.sparse asks here whether we are an array, and must be told no."""
        caller = sys._getframe(1)
        if (
            caller.f_globals.get("__name__", "").startswith("scipy.sparse")
            and "dispatch" in caller.f_code.co_name
        ):
            return np.array(None, dtype=object)
        value = self.value
        if value is not None:
            return np.array(value, dtype=dtype)
        vectorized = caller.f_locals.get("self")
        if isinstance(vectorized, np.vectorize):
            refuse(
                "np.vectorize calls a Python function for each entry",
                "call the function on whole arrays, with np.where for its branches",
            )
        asked = library_function()
        if asked is not None:
            refuse(
                f"{asked} takes numbers: it cannot be told what a traced array of shape {self.shape} is",
                cure_of_library(asked),
            )
        refuse(
            f"a traced array of shape {self.shape} cannot become an array of numbers, as np.array, np.asarray, assignment into a real "
            f"array, and functions compiled outside NumPy need",
            "make buffers with np.zeros_like(u) or np.zeros(shape, like=u), join arrays with np.stack, and use NumPy's own functions",
        )

    # --- refusals -------------------------------------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        value = self.value
        if value is not None:
            return bool(value)
        refuse(
            f"the truth of a traced array of shape {self.shape} is not known, so it cannot decide an if, while, and, or, min or max",
            "write np.where(condition, a, b), np.minimum and np.maximum, or & | ~ for conditions",
        )

    def __float__(self) -> float:
        value = self.value
        if value is not None:
            return float(value)
        refuse(
            f"a traced array of shape {self.shape} has no value yet, as float(), the functions of the math module, and assignment to an "
            f"entry of a real array need",
            "write np.sin instead of math.sin, leave float() away, and make buffers with np.zeros_like(u)",
        )

    def __int__(self) -> int:
        value = self.value
        if value is not None:
            return int(value)
        refuse(
            f"a traced array of shape {self.shape} has no value yet, as int() needs",
            "write np.floor, and use constants for sizes",
        )

    def __complex__(self) -> complex:
        refuse(
            "a traced array is real and has no value yet",
            "split complex states into real and imaginary parts",
        )

    def __index__(self) -> int:
        refuse(
            "a traced value cannot be an index or a size: the structure would depend on data",
            "choose among entries with np.where",
        )

    def __round__(self, digits: int | None = None) -> Any:
        return np.round(self, digits or 0)

    def __contains__(self, item: Any) -> bool:
        refuse("whether a traced array contains a value is not known", "write np.where(u == value, a, b)")

    def __getattr__(self, name: str) -> Any:
        if name in _FUNCTION_METHODS:
            function = getattr(np, name)
            if isinstance(function, np.ufunc):
                return lambda: function(self)
            return lambda *args, **options: self._call(name, function, (self, *args), options)
        if name.startswith("__"):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        if name in _VALUE_METHODS:
            refuse(f"u.{name} needs the values of a traced array of shape {self.shape}", _VALUE_METHODS[name])
        raise AttributeError(
            f"a traced array has no attribute {name!r}; it has shape, ndim, size, dtype, T and {sorted(_FUNCTION_METHODS)}"
        )

    # --- methods that differ from NumPy's functions of the same name ----------------------------------------------------------

    def reshape(self, *shape: Any, order: str = "C") -> TracedArray:
        """Return the entries in another shape."""
        return self._viewed(lambda a: a.reshape(*shape, order=order))

    def transpose(self, *axes: Any) -> TracedArray:
        """Return the array with its axes permuted."""
        return self._viewed(lambda a: a.transpose(*axes))

    def ravel(self, order: str = "C") -> TracedArray:
        """Return the entries along one axis."""
        return self._viewed(lambda a: a.ravel(order))

    def flatten(self, order: str = "C") -> TracedArray:
        """Return a copy of the entries along one axis."""
        return self.ravel(order).copy()

    def copy(self, order: str = "C") -> TracedArray:
        """Return an array of its own."""
        return wrap(self._graph, self.node)

    def compress(self, condition: Any, axis: Any = None) -> Any:
        """Return the entries where a constant condition holds."""
        return np.compress(condition, self, axis=axis)

    def fill(self, value: Any) -> None:
        """Set every entry to one value."""
        self[...] = value

    def astype(self, dtype: Any, **options: Any) -> TracedArray:
        """Return the array as float64, float32 or, where it is not 0, bool.  Raises TraceError for other types."""
        wanted = np.dtype(dtype)
        if wanted in FLOATS:
            return wrap(self._graph, self._graph.cast(self.node, wanted))
        if wanted == np.bool_:
            return self if is_boolean(self.node) else self != 0
        refuse(
            f"astype({wanted.name!r}) would round a traced array",
            "compute in float64 or float32; np.floor, np.ceil and np.sign make whole numbers",
        )


FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
"""The types in which a traced program computes."""

_MAX_LOOP = 100
"""A loop over more entries than this is refused; unpacking x, y, z = u is not."""

_FUNCTION_METHODS = frozenset(
    "sum mean var std prod max min any all ptp cumsum cumprod trace dot clip round squeeze swapaxes take repeat diagonal "
    "conj conjugate".split()
)
"""Methods that are NumPy's functions with the array in front."""

_BY_VALUE = "write np.where, np.minimum and np.maximum, which work entry by entry"
_VALUE_METHODS = {
    **dict.fromkeys(("argmax", "argmin", "argsort", "sort", "partition", "argpartition", "nonzero", "searchsorted", "choose"), _BY_VALUE),
    "item": "keep it as an array of one entry", "tolist": "compute with the array itself", "flat": "write u.ravel()",
    "tobytes": "compute with the array itself", "data": "compute with the array itself", "view": "write u.reshape, or u.astype",
    "put": "write u[places] = values", "setflags": "leave it away",
}  # fmt: skip


def zeros_like(u: Any) -> Any:
    """Return a buffer of zeros in the shape and type of ``u``, traced or not, for a solver to fill by slices.

    >>> zeros_like(np.ones((2, 2)))
    array([[0., 0.],
           [0., 0.]])
    """
    return np.zeros_like(u)


# --- between numbers, nodes and traced arrays ---------------------------------------------------------------------------------


def wrap(graph: Graph, node: Node) -> TracedArray:
    """Return a traced array of its own for a node."""
    return TracedArray(graph, Cell(node), Strided.whole(node.shape))


def lift(graph: Graph, value: Any) -> Node:
    """Return the node of a traced array, a number, an array of numbers, or a nested list of these."""
    if isinstance(value, TracedArray):
        if value._graph is not graph:
            refuse(
                "two traced arrays come from different traces",
                "trace one function that computes both; keep no traced array after tracing",
            )
        return value.node
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return graph.constant(_checked_type(graph, value))
    if isinstance(value, bool | int | float | Fraction):
        return graph.number(value)
    if isinstance(value, list | tuple) and holds_traced(value):
        from symnum.pde.joins import stack

        return stack(graph, [wrap(graph, lift(graph, entry)) for entry in value]).node
    if isinstance(value, np.ndarray | list | tuple):
        array = np.asarray(value)
        if array.dtype.kind in "biuf":
            return graph.constant(_checked_type(graph, array))
        if array.dtype.kind == "c":
            refuse(
                "a complex array cannot take part in a trace: states are real",
                "split it into real and imaginary parts",
            )
    refuse(
        f"{type(value).__name__} {value!r:.60} cannot be combined with a traced array",
        "use numbers, NumPy arrays of numbers, and sparse matrices with @",
    )


def constant_value(graph: Graph, node: Node) -> Any:
    """Return the numbers of a node that depends on no input, as an array of its type, or None."""
    order = graph.reachable([node])
    if graph.moving(order):
        return None
    from symnum.pde.program import ArrayProgram

    found = np.array(ArrayProgram(graph, [node], "numpy").run(0.0, np.zeros(0))[0])
    return found.astype(bool) if is_boolean(node) else found


def _checked_type(graph: Graph, value: Any) -> Any:
    """Return real numbers of NumPy; refuses types wider than float64, in which NumPy would compute."""
    if np.result_type(value.dtype, graph.dtype) not in FLOATS:
        refuse(
            f"numbers of type {value.dtype} would make NumPy compute in that type, and a traced program computes in float64 or float32",
            "convert them with .astype(np.float64)",
        )
    return value


def holds_traced(value: Any) -> bool:
    """Tell whether a nested list or tuple holds a traced array."""
    return isinstance(value, TracedArray) or (
        isinstance(value, list | tuple) and any(holds_traced(entry) for entry in value)
    )


def _checked_index(index: Any) -> tuple[tuple[Any, ...], bool]:
    """Return the index as a tuple, and whether it is made of slices and whole numbers only; refuses a traced index."""
    entries = index if isinstance(index, tuple) else (index,)
    basic = True
    for entry in entries:
        parts = (entry.start, entry.stop, entry.step) if isinstance(entry, slice) else (entry,)
        if any(holds_traced(part) for part in parts):
            refuse(
                "a traced array was used as an index, so which entries are taken would depend on data",
                "write np.where(condition, a, b) in place of a[condition]",
            )
        basic = (
            basic
            and (isinstance(entry, slice | int | np.integer) or entry is None or entry is Ellipsis)
            and not isinstance(entry, bool)
        )
    return entries, basic
