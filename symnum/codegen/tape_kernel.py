"""The tape's interpreter: a loop over blocks of rows and over instructions, compiled once and kept on disk by numba.

Everything is an address: of an inner loop (see ``loops``), of its data, of a block of values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# An instruction has seven columns: loop (0 for select), its data, number of operands, up to four operands, the result last.
# A place has three: address, bytes from one row to the next, and bytes to advance for each row when a block begins.

_intrinsic: Callable[..., Any] = (
    intrinsic  # numba supplies the first argument, which its annotations do not say
)


@_intrinsic
def _call_loop(typing: Any, function: Any, args: Any, count: Any, steps: Any, data: Any) -> Any:
    """Call ``void loop(char **args, npy_intp *count, npy_intp *steps, void *data)``."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        loop = ir.FunctionType(ir.VoidType(), [pointer] * 4).as_pointer()
        builder.call(builder.inttoptr(values[0], loop), [builder.inttoptr(v, pointer) for v in values[1:]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, types.intp), generate


@_intrinsic
def _select(typing: Any, condition: Any, yes: Any, no: Any, result: Any) -> Any:
    """Store the double at ``yes`` or ``no`` to ``result``, as the byte at ``condition`` says."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        double, byte = ir.DoubleType().as_pointer(), ir.IntType(8).as_pointer()
        truth = builder.load(builder.inttoptr(values[0], byte))
        a, b = (builder.load(builder.inttoptr(v, double)) for v in values[1:3])
        chosen = builder.select(builder.icmp_unsigned("!=", truth, truth.type(0)), a, b)
        builder.store(chosen, builder.inttoptr(values[3], double))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp), generate


def _run(code: Any, places: Any, rows: int, block: int) -> None:
    """Run the instructions ``code`` on ``rows`` rows, ``block`` rows at a time."""
    args = numpy.empty(4, numpy.int64)
    steps = numpy.empty(4, numpy.int64)
    count = numpy.empty(1, numpy.int64)
    args_at, steps_at, count_at = args.ctypes.data, steps.ctypes.data, count.ctypes.data
    for start in range(0, rows, block):
        size = min(block, rows - start)
        count[0] = size
        for k in range(code.shape[0]):
            for j in range(code[k, 2]):
                place = code[k, 3 + j]
                args[j] = places[place, 0] + start * places[place, 2]
                steps[j] = places[place, 1]
            if code[k, 0] != 0:
                _call_loop(code[k, 0], args_at, count_at, steps_at, code[k, 1])
            elif steps[0] == 1 and steps[1] == 8 and steps[2] == 8 and steps[3] == 8:
                # the usual case with steps that the optimiser knows
                for i in range(size):
                    _select(args[0] + i, args[1] + 8 * i, args[2] + 8 * i, args[3] + 8 * i)
            else:
                for i in range(size):
                    _select(
                        args[0] + i * steps[0],
                        args[1] + i * steps[1],
                        args[2] + i * steps[2],
                        args[3] + i * steps[3],
                    )


def _compiled() -> tuple[Callable[..., None], str]:
    signature = "void(int64[:,::1],int64[:,::1],int64,int64)"
    try:
        return njit(signature, nogil=True, cache=True)(_run), ""
    except RuntimeError as problem:  # numba finds no folder that it may write to
        kernel = njit(signature, nogil=True)(_run)
        return (
            kernel,
            f"the tape's interpreter is compiled anew in each process, because numba cannot cache it: {problem}",
        )


run, REMARK = _compiled()
