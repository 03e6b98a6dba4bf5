"""The parameters of a traced solver: names with numbers or arrays that may change without tracing again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.pde.graph import Graph, Node


class ArrayParameters:
    """Values by name, each a float or an array of floats.

    ``dtype`` is the type of the state; an array has the type to which NumPy promotes it together with the state.

    Raises TypeError for values that are not real numbers, ValueError for names that mean something else, and for values that are
    not finite.

    >>> known = ArrayParameters({"D": 100, "feed": [0.1, 0.2]})
    >>> known.changed({"D": 1.0})
    {'D': 1.0, 'feed': array([0.1, 0.2])}
    >>> known.flat({"D": 1.0})
    array([1. , 0.1, 0.2])
    """

    def __init__(self, values: Mapping[Any, Any] | None = None, dtype: Any = np.float64) -> None:
        self.dtype = np.dtype(dtype)
        self.values: dict[str, Any] = {}
        for key, value in (values or {}).items():
            name = _name(key)
            _check_name(name)
            self.values[name] = _number_or_array(name, value, self.dtype)

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter, () for a number, in the order in which they were given."""
        return {name: np.shape(value) for name, value in self.values.items()}

    def inputs(self, graph: Graph) -> dict[str, Node]:
        """Return the input node of each parameter; a number is weak as a Python number is."""
        return {
            name: graph.input(name, value.shape, value.dtype)
            if isinstance(value, np.ndarray)
            else graph.input(name, (), np.float64, weak=True)
            for name, value in self.values.items()
        }

    def changed(self, p: Any = None) -> dict[str, Any]:
        """Return {name: value} where ``p`` replaces some: {name or symbol: number or array}, or all values in one flat array.

        Raises ValueError for a name that is no parameter and for another shape.
        """
        if p is None:
            return self.values
        if not isinstance(p, Mapping):
            return self._unpacked(p)
        found = dict(self.values)
        for key, value in p.items():
            name = _name(key)
            if name not in found:
                listed = ", ".join(list(found)[:8]) + (", ..." if len(found) > 8 else "")
                raise ValueError(
                    f"there is no parameter {name!r}; the parameters are {listed or 'none'}; "
                    f"what shall change after tracing is given to trace(f, u0, parameters={{{name!r}: ...}})"
                )
            new = _number_or_array(name, value, self.dtype)
            if np.shape(new) != np.shape(found[name]):
                raise ValueError(
                    f"the parameter {name!r} has shape {np.shape(new)}, but was traced with shape {np.shape(found[name])}; "
                    f"give that shape, or trace again"
                )
            found[name] = new if np.ndim(new) == 0 else new.astype(found[name].dtype, copy=False)
        return found

    def flat(self, p: Any = None) -> Any:
        """Return all values, changed by ``p``, one after the other as float64."""
        parts = [np.ravel(value) for value in self.changed(p).values()]
        return np.concatenate([np.zeros(0), *parts])

    def _unpacked(self, p: Any) -> dict[str, Any]:
        values = np.asarray(p, dtype=np.float64)
        sizes = [prod(shape) for shape in self.shapes.values()]
        if values.shape != (sum(sizes),):
            raise ValueError(
                f"p has shape {values.shape}, but the parameters have {sum(sizes)} entries in all; "
                f"give one value for each entry in the order of system.parameters, or a dict of those that change"
            )
        ends = np.cumsum(sizes, dtype=np.int64)[:-1]
        return {
            name: float(part[0]) if np.ndim(old) == 0 else part.reshape(old.shape).astype(old.dtype)
            for (name, old), part in zip(self.values.items(), np.split(values, ends), strict=True)
        }


def _name(key: Any) -> str:
    if isinstance(key, str):
        return key
    if interface.is_term(key) and interface.is_symbol(key):
        return interface.name(key)
    raise TypeError(
        f"parameters are named by text or by symbols, not by {key!r}; write parameters={{'D': 100.0}}"
    )


def _check_name(name: str) -> None:
    if re.fullmatch(r"t|u(\d+(_\d+)*)?", name):
        raise ValueError(
            f"{name!r} cannot name a parameter: t is the time and u, u0, u0_1, ... are the state; rename it"
        )
    if not name.isidentifier():
        raise ValueError(
            f"{name!r} cannot name a parameter: f(t, u, ...) takes it as a keyword argument; use a name such as 'D'"
        )


def _number_or_array(name: str, value: Any, dtype: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"the parameter {name!r} is {value!r:.60}, but parameters are real numbers or arrays of real numbers"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"the parameter {name!r} is {value!r:.60}; give finite numbers")
    if not array.ndim:
        return float(array)
    wanted = np.result_type(array.dtype, dtype)
    if wanted not in (np.float64, np.float32):
        raise TypeError(f"the parameter {name!r} has type {array.dtype}; convert it with .astype(np.float64)")
    array = np.array(array, dtype=wanted, order="C")
    array.setflags(write=False)
    return array
