"""The calls of a kernel's machine code from Python and from other njit code: the same compiled functions for every kernel.

A kernel is a table of whole numbers (see ``kernel``), whose first entry is the address of its code.  numba keeps the machine code of
these functions beside this file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic

from symnum.pde.loops.emit import SHAPE

_intrinsic: Callable[..., Any] = (
    intrinsic  # numba supplies the first argument, which its annotations do not say
)


@_intrinsic
def _call(typing: Any, table: Any, t: Any, u: Any, out: Any, stage: Any, part: Any, parts: Any) -> Any:
    """Call ``void(ptr table, double t, ptr u, ptr out, i64 stage, i64 part, i64 parts)`` at the address that the table begins with."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        whole, pointer = ir.IntType(64), ir.IntType(8).as_pointer()
        kinds = [pointer, ir.DoubleType(), pointer, pointer, whole, whole, whole]
        address = builder.load(builder.inttoptr(values[0], whole.as_pointer()))
        function = builder.inttoptr(address, ir.FunctionType(ir.VoidType(), kinds).as_pointer())
        given = [
            builder.inttoptr(value, kind) if isinstance(kind, ir.PointerType) else value
            for value, kind in zip(values, kinds, strict=True)
        ]
        builder.call(function, given)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(whole, types.float64, whole, whole, whole, whole, whole), generate


@njit(nogil=True, cache=True)
def evaluate(table: Any, t: float, u: Any, out: Any) -> None:
    """Fill ``out`` with the right-hand side at ``t`` and ``u``, on this thread.

    ``table`` is that of a :class:`symnum.pde.loops.kernel.Bound`; ``u`` and ``out`` are flat contiguous arrays of the kernel's type that
    do not overlap.  Nothing is checked.
    """
    at, source, target = table.ctypes.data, u.ctypes.data, out.ctypes.data
    for stage in range(table[1]):
        _call(at, t, source, target, stage, 0, 1)


@njit(nogil=True, cache=True)
def evaluate_apart(table: Any, t: float, u: Any, out: Any) -> bool:
    """Do as :func:`evaluate` where the memory of ``u`` and ``out`` does not overlap, and tell whether it was done."""
    at, source, target = table.ctypes.data, u.ctypes.data, out.ctypes.data
    if source < target + out.nbytes and target < source + u.nbytes:
        return False
    for stage in range(table[1]):
        _call(at, t, source, target, stage, 0, 1)
    return True


def _checked(table: Any, t: float, u: Any, out: Any) -> bool:
    """Do as :func:`evaluate_apart` for arrays of the state's shape, which stands at the end of the table; False for other shapes."""
    if u.ndim != table[SHAPE]:
        return False
    for k in range(u.ndim):
        if u.shape[k] != table[SHAPE + 1 + k] or out.shape[k] != u.shape[k]:
            return False
    at, source, target = table.ctypes.data, u.ctypes.data, out.ctypes.data
    if source < target + out.nbytes and target < source + u.nbytes:
        return False
    for stage in range(table[1]):
        _call(at, t, source, target, stage, 0, 1)
    return True


@cache
def checked_call(ndim: int, dtype: str) -> Any:
    """Return ``(table, t, u, out) -> bool`` for contiguous arrays of so many axes; it raises TypeError for any other."""
    kind = types.Array(getattr(types, dtype), ndim, "C")
    signature = types.boolean(types.Array(types.int64, 1, "C"), types.float64, kind, kind)
    return njit([signature], nogil=True, cache=True)(_checked)


@njit(nogil=True, cache=True, parallel=True)
def evaluate_parallel(table: Any, t: float, u: Any, out: Any, parts: int) -> bool:
    """Do as :func:`evaluate_apart` on several threads, each with its part of the outermost loops."""
    at, source, target = table.ctypes.data, u.ctypes.data, out.ctypes.data
    if source < target + out.nbytes and target < source + u.nbytes:
        return False
    for stage in range(table[1]):
        for part in prange(parts):
            _call(at, t, source, target, stage, part, parts)
    return True
