"""Where the machine code of the kernels of solvers is kept, and which of them are compiled already."""

from __future__ import annotations

from pathlib import Path

from symnum.codegen.kernel_folder import KernelFolder

FOLDER = KernelFolder("solvers", Path(__file__).parent, signs=[b"machine_code import"])

kernel = FOLDER.decorator()
"""The decorator of what Python calls; the interpreter's lock is not held while it runs."""

sums = FOLDER.decorator(fastmath={"reassoc", "contract"})
"""The decorator of kernels with leave to add in another order, so that sums become vector instructions."""


def folder() -> Path | None:
    """Return the folder of machine code for these very kernels, or None where none can be made; numba then keeps it beside the sources."""
    return FOLDER.path


def is_complete(kernels: str) -> bool:
    """Tell whether kernels of this name were noted as compiled."""
    kept = folder()
    return kept is not None and (kept / f"{kernels}.complete").exists()


def complete(kernels: str) -> None:
    """Note that all kernels of this name have their machine code on disk."""
    kept = folder()
    if kept is not None:
        (kept / f"{kernels}.complete").touch()
