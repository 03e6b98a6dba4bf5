"""Right-hand sides that kernels call: the address of a function, and what it needs beside time and state.

All stepping kernels take a right-hand side as an address, so that they are compiled once and for all, and not once for each system.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from symnum.pde.machine_code import kernel

PLAIN, STRAIGHT, LOOPS = 0, 1, 2
"""Conventions: ``void(double t, double *u, double *out, void *context)``; the native target's ``void(u, p, out, work)``; and that of
loop nests, which are called stage by stage."""

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)

_intrinsic: Callable[..., Any] = (
    intrinsic  # numba supplies the first argument, which its annotations do not say
)


class Entry:
    """A right-hand side for kernels.

    States are arrays of ``dtype``.  ``numbers`` (5,) are what :func:`evaluate` reads: convention, address, context or parameters, work
    memory, and whether the time is the first parameter, or the number of stages.  ``keep`` holds what lies at the addresses.  ``why``
    says which code runs.
    """

    def __init__(self, numbers: Any, keep: Any, why: str, dtype: Any = np.float64) -> None:
        self.numbers, self.keep, self.why, self.dtype = (
            np.array(numbers, np.int64),
            keep,
            why,
            np.dtype(dtype),
        )
        self.failures: list[BaseException] = []

    @classmethod
    def of_straight(cls, function: Any, parameters: Any, timed: bool) -> Entry:
        """Take a :class:`symnum.codegen.native.NativeFunction` whose parameters are the time, if ``timed``, and ``parameters``."""
        p = np.concatenate([np.zeros(int(timed)), parameters, np.zeros(1)])
        work = np.empty(function.work + 1)
        numbers = [STRAIGHT, function.address, p.ctypes.data, work.ctypes.data, int(timed)]
        return cls(numbers, (function, p, work), f"machine code: {function.why}")

    @classmethod
    def of_loops(cls, bound: Any) -> Entry:
        """Take a bound :class:`symnum.pde.loops.LoopKernel`."""
        kernel, table = bound.kernel, bound.table
        return cls(
            [LOOPS, table[0], table.ctypes.data, 0, kernel.stages],
            bound,
            f"loops: {kernel.remark}",
            kernel.dtype,
        )

    @classmethod
    def of_python(cls, rhs: Callable[[float, Any], Any], size: int, dtype: Any = np.float64) -> Entry:
        """Take a Python function; what it raises is kept in ``failures``, and its values are then nan."""
        memory = ctypes.c_char * (size * np.dtype(dtype).itemsize)
        failures: list[BaseException] = []

        def call(t: float, u: int, out: int, _: Any) -> None:
            result = np.frombuffer(memory.from_address(out), dtype)
            try:
                state = np.frombuffer(memory.from_address(u), dtype).copy()
                result[:] = np.nan if failures else rhs(t, state)
            except (
                BaseException
            ) as problem:  # it cannot pass through machine code; the loop raises it afterwards
                failures.append(problem)
                result[:] = np.nan

        callback = _CALLBACK(call)
        address = ctypes.cast(callback, ctypes.c_void_p).value
        entry = cls([PLAIN, address, 0, 0, 0], callback, "a Python function that machine code calls", dtype)
        entry.failures = failures
        return entry

    def __call__(self, t: float, u: Any) -> Any:
        """Return the values at a time and state (n,)."""
        u = np.ascontiguousarray(u, self.dtype)
        out = np.empty_like(u)
        evaluate(self.numbers, float(t), u, out)
        self.raise_failure()
        return out

    def raise_failure(self) -> None:
        """Raise what the Python function raised, if it did."""
        if self.failures:
            raise self.failures.pop()


@_intrinsic
def _call_plain(typing: Any, address: Any, t: Any, u: Any, out: Any, context: Any) -> Any:
    """Call ``void(double, double *, double *, void *)``."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [ir.DoubleType(), pointer, pointer, pointer]).as_pointer()
        arguments = [values[1], *(builder.inttoptr(v, pointer) for v in values[2:])]
        builder.call(builder.inttoptr(values[0], function), arguments)
        return context.get_dummy_value()

    return types.void(types.intp, types.float64, types.intp, types.intp, types.intp), generate


@_intrinsic
def _call_straight(typing: Any, address: Any, u: Any, p: Any, out: Any, work: Any) -> Any:
    """Call ``void(double *, double *, double *, double *)``."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [pointer] * 4).as_pointer()
        builder.call(
            builder.inttoptr(values[0], function), [builder.inttoptr(v, pointer) for v in values[1:]]
        )
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, types.intp), generate


@_intrinsic
def _call_loops(typing: Any, address: Any, table: Any, t: Any, u: Any, out: Any, stage: Any) -> Any:
    """Call ``void(void *, double, double *, double *, i64 stage, i64 part, i64 parts)`` for the whole of a stage."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        whole, pointer = ir.IntType(64), ir.IntType(8).as_pointer()
        kinds = [pointer, ir.DoubleType(), pointer, pointer, whole, whole, whole]
        function = ir.FunctionType(ir.VoidType(), kinds).as_pointer()
        table, t, u, out, stage = values[1:]
        arguments = [
            builder.inttoptr(table, pointer),
            t,
            builder.inttoptr(u, pointer),
            builder.inttoptr(out, pointer),
            stage,
        ]
        builder.call(builder.inttoptr(values[0], function), [*arguments, whole(0), whole(1)])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.float64, types.intp, types.intp, types.intp), generate


@_intrinsic
def _write(typing: Any, address: Any, value: Any) -> Any:
    """Write a double to an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[1], builder.inttoptr(values[0], ir.DoubleType().as_pointer()))
        return context.get_dummy_value()

    return types.void(types.intp, types.float64), generate


@kernel
def evaluate(entry: Any, t: float, u: Any, out: Any) -> None:
    """Fill ``out`` (n,) with the right-hand side at ``t`` and ``u`` (n,), which are contiguous and do not overlap."""
    if entry[0] == PLAIN:
        _call_plain(entry[1], t, u.ctypes.data, out.ctypes.data, entry[2])
    elif entry[0] == LOOPS:
        for stage in range(entry[4]):
            _call_loops(entry[1], entry[2], t, u.ctypes.data, out.ctypes.data, stage)
    else:
        if entry[4]:
            _write(entry[2], t)
        _call_straight(entry[1], u.ctypes.data, entry[2], out.ctypes.data, entry[3])
