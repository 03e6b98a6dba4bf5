"""Where the machine code of the search's kernels is kept."""

from __future__ import annotations

from pathlib import Path

from symnum.codegen import tape_kernel
from symnum.codegen.kernel_folder import KernelFolder

_SIGNS = (b"numba", b"kernels import", b"vector_math import", b"machine_code import")
"""What the source of a module with kernels, or parts of them, has in it."""

FOLDER = KernelFolder("search", Path(__file__).parent, signs=_SIGNS, more=[Path(tape_kernel.__file__)])

compiled = FOLDER.compiled


def folder() -> Path | None:
    """Return the folder of machine code for these very kernels, or None where none can be made; numba then keeps it beside the sources."""
    return FOLDER.path
