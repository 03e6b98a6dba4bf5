"""Operators whose spelling is a function of the user's: compiled by numba into a ufunc, so that the search runs them like its own.

A search calls inner loops of ufuncs (:mod:`symnum.regression.operations`).  A function in Python or of numba that works element by
element becomes such a loop; its values are compared with those of the function as registered, so that one that only looks elementwise
is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numba import vectorize
from numba.core.errors import NumbaError

from symnum.codegen.loops import Micro, NoLoop, recipe
from symnum.operators import Operator

_PROBES = np.array([-2.5, -1.0, -0.3, 0.0, 0.4, 1.0, 1.7, 3.0])
"""Arguments at which a compiled function is compared with the given one."""


def loops(row: Operator) -> tuple[Micro, ...]:
    """Return an operator as steps of ufuncs; raises NoLoop for one whose spelling is neither ufuncs nor an elementwise function.

    >>> from symnum.operators import OPERATORS
    >>> [function.__name__ for function, _ in loops(OPERATORS["cot"])]
    ['tan', 'divide']
    """
    try:
        return recipe(row)
    except NoLoop as problem:
        found = [name for name in (f"_{row.name}_numba", f"_{row.name}_numpy") if name in row.namespace]
        if not found:
            raise
        if row.namespace.get(f"_{row.name}_numpy") is None:
            raise NoLoop(f"{problem}, and its numpy spelling does not call one function") from None
        reference = row.namespace[f"_{row.name}_numpy"]
        arity = row.arity[0]
        return ((compiled(row.namespace[found[0]], reference, row.name, arity), tuple(range(arity))),)


@lru_cache(maxsize=1024)
def compiled(function: Callable[..., Any], reference: Callable[..., Any], name: str, arity: int) -> np.ufunc:
    """Return a function as a ufunc of ``arity`` numbers; raises NoLoop when numba cannot compile it, or when its values are others.

    The cache keeps the machine code alive, whose address a search holds.
    """
    if arity > 2:
        raise NoLoop(f"it takes {arity} arguments")
    existing = getattr(function, "ufunc", function)  # numba.vectorize gives an object around its ufunc
    if isinstance(existing, np.ufunc) and "d" * arity + "->d" in existing.types:
        ufunc = existing
    else:
        plain = getattr(function, "py_func", function)
        try:
            wrapped = vectorize([f"float64({', '.join(['float64'] * arity)})"])(plain)
        except (NumbaError, TypeError, AttributeError) as problem:
            lines = [line.strip() for line in str(problem).splitlines()]
            why = next(
                (line for line in lines if line and not line.startswith("Failed in")), "no reason given"
            )
            raise NoLoop(f"numba cannot compile its function for single numbers ({why[:120]})") from None
        ufunc = getattr(wrapped, "ufunc", wrapped)
    _compare(ufunc, reference, name, arity)
    return ufunc


def _compare(ufunc: np.ufunc, reference: Callable[..., Any], name: str, arity: int) -> None:
    """Raise NoLoop when the values differ from those of the registered function, as they do where it is not elementwise."""
    args = [axis.ravel() for axis in np.meshgrid(*[_PROBES] * arity)]
    with np.errstate(all="ignore"):
        ours, theirs = ufunc(*args), np.asarray(reference(*args))
    if theirs.shape != ours.shape or not np.allclose(ours, theirs, rtol=1e-9, atol=1e-12, equal_nan=True):
        where = "" if theirs.shape != ours.shape else _difference(args, ours, theirs)
        raise NoLoop(
            f"its numpy function does not work element by element{where}; write {name} as a function of single numbers"
        )


def _difference(args: list[Any], ours: Any, theirs: Any) -> str:
    k = int(np.argmax(~np.isclose(ours, theirs, rtol=1e-9, atol=1e-12, equal_nan=True)))
    at = ", ".join(f"{a[k]:g}" for a in args)
    return f": at ({at}) the array gives {theirs[k]:g}, the number alone {ours[k]:g}"
