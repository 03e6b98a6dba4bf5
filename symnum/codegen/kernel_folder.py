"""Kernels whose machine code numba keeps in a folder named by a hash of all the sources that they are made of.

numba looks only at the file of a kernel to tell whether its machine code is still good, but kernels call functions of other files:
with another version of any of them the folder is another one, and everything is compiled afresh.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from symnum.codegen import disk

_log = logging.getLogger("symnum")
_lock = threading.Lock()

PATIENCE = 3.0
"""Seconds after which a compilation is announced; loading what is on disk takes less."""


class KernelFolder:
    """The machine code of the kernels in one source folder, and in those below it, kept under ``kind`` in the cache folder.

    With ``signs`` only files that have one of them in their text are sources of kernels; ``more`` are sources that lie elsewhere.
    """

    def __init__(
        self, kind: str, sources: Path, *, signs: Sequence[bytes] = (b"",), more: Sequence[Path] = ()
    ) -> None:
        self._kind = kind
        self._sources = sources
        self._signs = tuple(signs)
        self._more = tuple(more)

    @cached_property
    def path(self) -> Path | None:
        """The folder for these very sources, or None where none can be made; numba then keeps the code beside the sources."""
        digest = hashlib.sha256()
        for source in (*sorted(self._sources.rglob("*.py")), *self._more):
            text = source.read_bytes()
            if any(sign in text for sign in self._signs):
                digest.update(text)
        digest.update(f"{sys.version}{version('numba')}{platform.machine()}{self._sources}".encode())
        try:
            found = disk.private_folder(self._kind, digest.hexdigest()[:32])
        except disk.CacheUnavailable as problem:
            _log.warning("the machine code of %s is kept beside the sources: %s", self._kind, problem)
            return None
        disk.prune(found.parent, keep=found)
        return found

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Say what takes so long, when a first call within compiles its kernels."""
        text = "compiling the machine code of %s; this is done once and kept on disk"
        timer = threading.Timer(PATIENCE, _log.warning, (text, self._kind))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def compiled(self, decorator: Callable[..., Any], function: Callable[..., Any], **options: Any) -> Any:
        """Return ``decorator(cache=True, **options)(function)`` with its machine code here; without a cache where there is none."""
        import numba

        config: Any = numba.config
        with _lock:
            usual = config.CACHE_DIR
            try:
                # read when the cache of a function is made, which is now
                config.CACHE_DIR = str(self.path / "__pycache__") if self.path else usual
                return decorator(cache=True, **options)(function)
            except RuntimeError:  # numba finds no folder that it may write to
                return decorator(**options)(function)
            finally:
                config.CACHE_DIR = usual

    def decorator(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        """Return a decorator that compiles a function when it is first called, without the interpreter's lock held while it runs."""

        def decorate(function: Callable[..., Any]) -> Any:
            import numba

            return self.compiled(numba.njit, function, nogil=True, error_model="numpy", **options)

        return decorate
