"""The namespace that a traced array names when code of the array API standard asks it for one.

Code that is written for many kinds of arrays (data-apis.org/array-api) begins with ``xp = u.__array_namespace__()``, as
array-api-compat does, and then calls ``xp.zeros(...)``, ``xp.sin(u)``.  NumPy's own namespace keeps to the standard, and its functions
come to us when they are given a traced array; what makes new arrays from nothing must be told to make traced ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symnum.pde.graph import Graph
from symnum.pde.stand_ins import buffers
from symnum.pde.traced import TracedArray, holds_traced, lift, wrap


class ArrayNamespace:
    """NumPy's namespace, with functions that make traced arrays of one graph where the standard's functions make new arrays."""

    __array_api_version__ = "2024.12"

    def __init__(self, graph: Graph) -> None:
        self._made: dict[str, Callable[..., Any]] = {
            **{name: _without_device(make) for name, make in buffers(graph).items()},
            "astype": _astype,
            "asarray": _asarray_of(graph),
            "result_type": _result_type,
            "can_cast": _can_cast,
            "isdtype": np.isdtype,
        }

    def __getattr__(self, name: str) -> Any:
        found = self._made.get(name)
        if found is not None:
            return found
        if not hasattr(np, name):
            raise AttributeError(
                f"the namespace of traced arrays has no {name!r}; it has what NumPy has, in the names of the array API standard"
            )
        return getattr(np, name)

    def __repr__(self) -> str:
        return "<namespace of traced arrays, array API 2024.12>"


def _without_device(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, device: Any = None, **options: Any) -> Any:
        _check_device(device)
        return make(*args, **options)

    return made


def _check_device(device: Any) -> None:
    if device not in (None, "cpu"):
        raise ValueError(
            f"device {device!r} was asked for, but traced arrays are on 'cpu'; leave device away"
        )


def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    _check_device(device)
    return x.astype(dtype)


def _asarray_of(graph: Graph) -> Callable[..., Any]:
    def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
        _check_device(device)
        if not holds_traced(obj):
            return np.asarray(obj, dtype=dtype, copy=copy)
        if isinstance(obj, TracedArray) and dtype in (None, obj.dtype):
            return obj.copy() if copy else obj
        array = wrap(graph, lift(graph, obj))
        return array if dtype is None else array.astype(dtype)

    return asarray


def _can_cast(from_: Any, to: Any, /) -> bool:
    return bool(np.can_cast(from_.dtype if isinstance(from_, TracedArray) else from_, to))


def _result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*(a.dtype if isinstance(a, TracedArray) else a for a in arrays_and_dtypes))
