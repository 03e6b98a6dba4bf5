"""Stand-ins for numpy and math, so that a solver which makes its buffers by np.zeros, or calls math.sin, traces as it is.

NumPy asks a traced array about every function that is given one; it cannot ask where none is given.  np.zeros(n) makes real memory,
into which no symbol can be written.  So a function that fails in its own words is traced once more with stand-ins: new buffers of
floats are traced arrays of constants, which turn into numbers wherever numbers are needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symnum.pde.graph import Graph
from symnum.pde.traced import FLOATS, TracedArray, holds_traced, lift, wrap

Stand = Callable[..., Any]


class StandIn:
    """Look like a module, with some of its functions replaced by others."""

    def __init__(self, module: Any, functions: dict[str, Stand]) -> None:
        self._module, self._functions = module, functions

    def __getattr__(self, name: str) -> Any:
        found = self._functions.get(name)
        return getattr(self._module, name) if found is None else found


def stand_ins(numpy_functions: dict[str, Stand], math_functions: dict[str, Stand]) -> Callable[[Any], Any]:
    """Return the ``replace`` of :func:`symnum.pde.rebinding.rebound` that puts these functions in place of those of the modules."""
    others: dict[int, Any] = {}
    for module, table in ((np, numpy_functions), (math, math_functions)):
        others[id(module)] = StandIn(module, table)
        others.update({id(getattr(module, name)): stand for name, stand in table.items()})
    return lambda value: others.get(id(value), value)


def array_stand_ins(graph: Graph) -> Callable[[Any], Any]:
    """Return the ``replace`` under which buffers and functions of math are traced ones."""
    return stand_ins(buffers(graph), math_functions(TracedArray))


def buffers(graph: Graph) -> dict[str, Stand]:
    """Return functions that make traced arrays where NumPy's make real ones of floats."""
    like = wrap(graph, graph.number(0))

    def filled(name: str) -> Stand:
        real = getattr(np, name)

        def make(shape: Any, *args: Any, **options: Any) -> Any:
            made = real(0, *args, **options)  # NumPy checks the options, and tells the type
            return real(shape, *args, **options, like=like if made.dtype in FLOATS else None)

        return make

    def alike(name: str) -> Stand:
        real = getattr(np, name)

        def make(a: Any, *args: Any, **options: Any) -> Any:
            if holds_traced(a) or holds_traced(list(args)):
                return real(
                    wrap(graph, lift(graph, a)) if not isinstance(a, TracedArray) else a, *args, **options
                )
            made = real(a, *args, **options)
            return wrap(graph, lift(graph, made)) if made.dtype in FLOATS else made

        return make

    def converted(name: str) -> Stand:
        real = getattr(np, name)

        def make(a: Any, *args: Any, **options: Any) -> Any:
            return real(a, *args, **options, like=like) if holds_traced(a) else real(a, *args, **options)

        return make

    def full(shape: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
        kind = (
            np.dtype(dtype)
            if dtype is not None
            else FLOATS[0]
            if holds_traced(fill_value)
            else np.asarray(fill_value).dtype
        )
        return np.full(shape, fill_value, dtype, **options, like=like if kind in FLOATS else None)

    return {
        **{name: filled(name) for name in ("zeros", "ones", "empty")},
        **{name: alike(name) for name in ("zeros_like", "ones_like", "empty_like", "full_like", "copy")},
        **{name: converted(name) for name in ("array", "asarray", "asanyarray", "ascontiguousarray")},
        "full": full,
    }


def math_functions(traced: type) -> dict[str, Stand]:
    """Return the functions of math that take a traced number as NumPy's functions do."""

    def both(real: Stand, ufunc: Stand) -> Stand:
        return lambda *args: ufunc(*args) if any(isinstance(a, traced) for a in args) else real(*args)

    def log(x: Any, base: Any = None) -> Any:
        if not isinstance(x, traced) and not isinstance(base, traced):
            return math.log(x) if base is None else math.log(x, base)
        return np.log(x) if base is None else np.log(x) / np.log(base)

    found = {
        name: both(getattr(math, name), getattr(np, other))
        for name, other in _MATH.items()
        if hasattr(math, name)
    }
    return {**found, "log": log}


_MATH = {
    **{name: name for name in "sin cos tan sinh cosh tanh exp expm1 exp2 log1p log2 log10 sqrt cbrt floor ceil trunc hypot degrees radians "
       "fabs fmod isnan isfinite isinf".split()},
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "pow": "power",
}  # fmt: skip
"""Functions of math -> ufuncs of NumPy."""
