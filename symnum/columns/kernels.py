"""The decorators of kernels, and the folder in which numba keeps their machine code.

numba looks only at the file of a kernel to tell whether its machine code is still good, but kernels are made of functions of several
files: so the folder is named by a hash of them all, and another version of any file begins afresh.
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


@lru_cache(maxsize=1)
def folder() -> Path | None:
    """Return the folder of machine code for these very kernels, or None where none can be made; numba then keeps it beside the sources.

    Machine code that is not what was noted when it was complete is dropped, and compiled again.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    digest.update(f"{sys.version}{version('numba')}{platform.machine()}{Path(__file__).parent}".encode())
    try:
        found = disk.private_folder("kernels", digest.hexdigest()[:32])
    except disk.CacheUnavailable as problem:
        _log.warning("the kernels' machine code is kept beside the sources: %s", problem)
        return None
    if disk.is_sealed(found) and not disk.seal_holds(found):
        _log.warning("the machine code in %s is damaged; it is compiled again", found)
        disk.forget_machine_code(found)
    return found


def is_complete() -> bool:
    """Tell whether the machine code of all kernels is on disk."""
    found = folder()
    return found is not None and disk.is_sealed(found)


def complete() -> None:
    """Note that the machine code of all kernels is on disk, and drop that of older kernels when there is much of it."""
    found = folder()
    if found is not None:
        disk.seal(found)
        disk.prune(found.parent, keep=found)


def _compiler(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function when it is first called, without the interpreter's lock held while it runs."""

    def decorate(function: Callable[..., Any]) -> Any:
        import numba

        config: Any = numba.config
        kept = folder()
        with _lock:
            usual = config.CACHE_DIR
            try:
                config.CACHE_DIR = str(
                    kept / "__pycache__" if kept else usual
                )  # read when the cache of a function is made, which is now
                return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
            finally:
                config.CACHE_DIR = usual

    return decorate


kernel = _compiler()
"""The decorator of what Python calls."""

part_of_kernel = _compiler(no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""The decorator of what only kernels call."""
