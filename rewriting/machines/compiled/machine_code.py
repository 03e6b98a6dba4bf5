"""The decorators of the kernels of this folder, whose machine code is kept on disk in a folder named by a hash of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numba import types
from numba.extending import intrinsic

from symnum.codegen.kernel_folder import KernelFolder

FOLDER = KernelFolder("machines", Path(__file__).parent)

kernel = FOLDER.decorator()
"""The decorator of what Python calls; the interpreter's lock is not held while it runs."""

part_of_kernel = FOLDER.decorator(no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""The decorator of what only kernels call."""


def _pointer(typing_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return context.make_array(array)(context, builder, given[0]).data

    return types.CPointer(array.dtype)(array), generate


pointer: Any = intrinsic(_pointer)
"""The pointer to the first item of an array: parts of kernels that are handed pointers count no references to arrays."""
