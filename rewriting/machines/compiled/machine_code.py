"""The decorators of the kernels of this folder, whose machine code is kept on disk in a folder named by a hash of all of them."""

from __future__ import annotations

from pathlib import Path

from symnum.codegen.kernel_folder import KernelFolder

FOLDER = KernelFolder("machines", Path(__file__).parent)

kernel = FOLDER.decorator()
"""The decorator of what Python calls; the interpreter's lock is not held while it runs."""

part_of_kernel = FOLDER.decorator(no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""The decorator of what only kernels call."""
