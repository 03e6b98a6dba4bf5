"""Compile with numba, the machine code kept in a folder named by a hash of all sources that kernels are made of.

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

import numba

from symnum.codegen import disk, tape_kernel

_log = logging.getLogger("symnum")
_lock = threading.Lock()

_SIGNS = (b"numba", b"kernels import", b"vector_math import", b"machine_code import")
"""What the source of a module with kernels, or parts of them, has in it."""


@lru_cache(maxsize=1)
def folder() -> Path | None:
    """Return the folder of machine code for these very kernels, or None where none can be made; numba then keeps it beside the sources."""
    digest = hashlib.sha256()
    for source in (*sorted(Path(__file__).parent.glob("*.py")), Path(tape_kernel.__file__)):
        text = source.read_bytes()
        if any(sign in text for sign in _SIGNS):
            digest.update(text)
    digest.update(f"{sys.version}{version('numba')}{platform.machine()}{Path(__file__).parent}".encode())
    try:
        found = disk.private_folder("search", digest.hexdigest()[:32])
    except disk.CacheUnavailable as problem:
        _log.warning("the machine code of the search is kept beside the sources: %s", problem)
        return None
    disk.prune(found.parent, keep=found)
    return found


def compiled(decorator: Callable[..., Any], function: Callable[..., Any], **options: Any) -> Any:
    """Return ``decorator(cache=True, **options)(function)`` with its machine code in the folder; without a cache where there is none."""
    config: Any = numba.config
    kept = folder()
    with _lock:
        usual = config.CACHE_DIR
        try:
            # read when the cache of a function is made, which is now
            config.CACHE_DIR = str(kept / "__pycache__") if kept else usual
            return decorator(cache=True, **options)(function)
        except RuntimeError:  # numba finds no folder that it may write to
            return decorator(**options)(function)
        finally:
            config.CACHE_DIR = usual
