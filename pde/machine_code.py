"""Compile kernels of solvers with numba, the machine code kept in a folder named by a hash of all sources that kernels are made of.

numba looks only at the file of a kernel to tell whether its machine code is still good, but kernels call functions of other files:
with another version of any of them the folder is another one, and everything is compiled afresh.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from symnum.codegen import disk

_log = logging.getLogger("symnum")
_lock = threading.Lock()

_SIGN = b"machine_code import"
"""What the source of a module with kernels has in it."""


@lru_cache(maxsize=1)
def folder() -> Path | None:
    """Return the folder of machine code for these very kernels, or None where none can be made; each process then compiles its own."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(here.rglob("*.py")):
        text = source.read_bytes()
        if _SIGN in text:
            digest.update(text)
    digest.update(f"{sys.version}{version('numba')}{platform.machine()}{here}".encode())
    try:
        found = disk.private_folder("solvers", digest.hexdigest()[:32])
    except disk.CacheUnavailable as problem:
        _log.warning("the machine code of solvers is compiled anew in each process: %s", problem)
        return None
    disk.prune(found.parent, keep=found)
    return found


def is_complete(kernels: str) -> bool:
    """Tell whether kernels of this name were noted as compiled."""
    kept = folder()
    return kept is not None and (kept / f"{kernels}.complete").exists()


def complete(kernels: str) -> None:
    """Note that all kernels of this name have their machine code on disk."""
    kept = folder()
    if kept is not None:
        (kept / f"{kernels}.complete").touch()


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    import numba

    config: Any = numba.config
    kept = folder()
    options |= {"nogil": True, "error_model": "numpy"}
    if kept is None:
        return numba.njit(function, **options)
    with _lock:
        usual = config.CACHE_DIR
        try:
            config.CACHE_DIR = str(
                kept / "__pycache__"
            )  # read when the cache of a function is made, which is now
            return numba.njit(function, cache=True, **options)
        finally:
            config.CACHE_DIR = usual


def kernel(function: Callable[..., Any]) -> Any:
    """Compile with numba when first called; the interpreter's lock is not held while it runs."""
    return _compiled(function)


def sums(function: Callable[..., Any]) -> Any:
    """Compile as :func:`kernel` does, with leave to add in another order, so that sums become vector instructions."""
    return _compiled(function, fastmath={"reassoc", "contract"})
