"""Tiers of native code: a program is built at once, and again by a thread with better code that replaces the first one.

The swap is one assignment: callers read what is in use once for each call, and never wait.  Code that was replaced is kept as long
as its function, because another thread may be in it and its address may be in use elsewhere.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from symnum.codegen.llvm_words import Types
from symnum.codegen.native_build import Built, Cancelled, Recipe, build_native
from symnum.codegen.straight import StraightCode

_log = logging.getLogger("symnum")


@dataclass(frozen=True, slots=True)
class Running:
    """Machine code in use, and its entry as a ctypes function.

    The function takes arrays of ctypes: without argument types these pass as pointers in a third of the time.
    """

    built: Built
    level: int
    point: Callable[..., None]


class Variant:
    """One program for values of one kind, scalars or vectors: the code in use, which better code may replace at any time."""

    def __init__(self, code: StraightCode, types: Types, keep: bool) -> None:
        self.code, self.types, self.keep = code, types, keep
        self.running: Running | None = None
        self.point: Callable[..., None] = _not_made
        self.failure = ""
        self._replaced: list[Running] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def make(self, level: int) -> Running:
        """Build the code and use it from now on."""
        return self.use(build_native(self.code, Recipe(self.types, level, self.keep)), level)

    def use(self, built: Built, level: int) -> Running:
        """Use code from now on."""
        found = Running(built, level, ctypes.CFUNCTYPE(None)(built.point))
        with self._lock:
            if self.running is not None:
                self._replaced.append(self.running)
            self.running, self.point = found, found.point
        return found

    def make_later(self, level: int) -> None:
        """Let a thread build the code; asking again changes nothing."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(
                target=_make_for, args=(weakref.ref(self), level), name="symnum-native"
            )
            try:
                self._thread.start()
            except RuntimeError as problem:  # the interpreter is about to exit, or there are too many threads
                self.failure = f"no thread: {problem}"

    @property
    def pending(self) -> bool:
        """Tell whether a thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Wait until no thread is at work."""
        if self.pending and self._thread is not None:
            self._thread.join()


def _not_made(*_: object) -> None:
    raise RuntimeError("this code is not made yet; call make or make_later first")


def _make_for(wanted: weakref.ref[Variant], level: int) -> None:
    """Build code in a thread, unless its function is forgotten or the interpreter, which waits for this thread, exits."""

    def cancelled() -> bool:
        return wanted() is None or not threading.main_thread().is_alive()

    variant = wanted()
    if variant is None:
        return
    code, recipe = variant.code, Recipe(variant.types, level, variant.keep)
    del variant
    try:
        built = build_native(code, recipe, cancelled)
    except Cancelled:
        return
    except Exception as problem:  # nobody waits for this thread: the first tier stays in use, and says why
        _log.warning("native code of level %d could not be made", level, exc_info=True)
        if (variant := wanted()) is not None:
            variant.failure = f"{type(problem).__name__}: {problem}"
        return
    if (variant := wanted()) is not None:
        variant.use(built, level)
