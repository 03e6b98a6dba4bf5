"""Arrays of a table without reference counts.

Each time a kernel passes an array on or takes it out of a tuple, numba counts references with atomic operations, which cost more than
most of what kernels do.  Views made from bare addresses have no counts; the caller holds the arrays as long as the kernel runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

from symnum.columns.kernels import part_of_kernel
from symnum.columns.table import Table

carray: Any = numba.carray  # type: ignore[attr-defined]  # numba does not say that it exports it

_intrinsic: Callable[..., Any] = (
    intrinsic  # numba supplies the first argument, which its annotations do not say
)


@_intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    """Return an address as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.intp), generate


@part_of_kernel
def borrowed(table: Table) -> Table:
    """Return the table with arrays that are not counted; its kernel begins with it."""
    return Table(
        carray(_pointer(table.rows.ctypes.data), table.rows.shape, table.rows.dtype),
        carray(_pointer(table.parts.ctypes.data), table.parts.shape, table.parts.dtype),
        carray(_pointer(table.slots.ctypes.data), table.slots.shape, table.slots.dtype),
        carray(_pointer(table.header.ctypes.data), table.header.shape, table.header.dtype),
        carray(_pointer(table.entries.ctypes.data), table.entries.shape, table.entries.dtype),
        carray(_pointer(table.buffer.ctypes.data), table.buffer.shape, table.buffer.dtype),
    )
