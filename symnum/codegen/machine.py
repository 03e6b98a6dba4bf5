"""LLVM through llvmlite: IR text becomes object code, and object code becomes addresses of functions that may be called.

llvmlite allows one thread at a time into LLVM; modules of bounded size keep everybody's turn short.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import llvmlite
from llvmlite import binding

from symnum.codegen.target import Unsupported


@cache
def _ready() -> None:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()


@cache
def processor() -> tuple[str, str]:
    """Return the name of this machine's processor and its features, as LLVM calls them."""
    _ready()
    return binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()


@cache
def best_lanes() -> int:
    """Return how many doubles the widest vector instructions of this processor hold."""
    features = processor()[1].split(",")
    return 8 if "+avx512f" in features else 4 if "+avx" in features else 2


def versions() -> str:
    """Return what object code depends on besides the IR: LLVM, llvmlite, the processor and its features."""
    return f"{llvmlite.__version__} {binding.llvm_version_info} {binding.get_process_triple()} {' '.join(processor())}"


def _machine(level: int) -> Any:
    _ready()
    name, features = processor()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=level, jit=True
    )


def assemble(text: str, level: int) -> bytes:
    """Return the object code of a module; ``level`` 0 is quick to compile, 2 makes shorter code.

    Raises RuntimeError with LLVM's message for text that is no module.
    """
    with _TURN:
        machine = _machine(level)
        module = binding.parse_assembly(text)
        try:
            found: bytes = machine.emit_object(module)
        finally:
            module.close()
    return found


_TURN = threading.Lock()
"""Held while LLVM works, so that a process forks only when it does not: the child would wait for ever for llvmlite's lock."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_TURN.acquire, after_in_parent=_TURN.release, after_in_child=_TURN.release)


class Library:
    """Linked object code; its addresses stay valid as long as the library lives."""

    def __init__(self, objects: Iterable[bytes], symbols: Mapping[str, int], exported: Sequence[str]) -> None:
        builder = binding.JITLibraryBuilder()
        for content in objects:
            builder.add_object_img(content)
        for name, address in symbols.items():
            builder.import_symbol(name, address)
        for name in exported:
            builder.export_symbol(name)
        with _TURN:
            jit = binding.create_lljit_compiler(_machine(0))
            tracker = builder.link(jit, "symnum")
        self.addresses: dict[str, int] = {name: tracker[name] for name in exported}
        # in this order, which a cycle of garbage would not keep; at exit all stays, as another thread may be in the code
        weakref.finalize(self, _close, tracker, jit).atexit = False


def _close(*references: Any) -> None:
    for reference in references:
        reference.close()


_LIBRARIES: dict[str, tuple[str | None, ...]] = {"win32": ("ucrtbase", "msvcrt"), "darwin": (None,)}


@cache
def c_function(name: str) -> int:
    """Return the address of a function of C's mathematical library; raises Unsupported where there is none."""
    for library in _LIBRARIES.get(sys.platform, (None, "libm.so.6")):
        function = getattr(ctypes.CDLL(library), name, None)
        if function is not None:
            address = ctypes.cast(function, ctypes.c_void_p).value
            assert address is not None
            return address
    raise Unsupported(
        f"C's mathematical library has no function {name!r} here; give the operator another llvm spelling with "
        f"symnum.register_operator, or compile with target='tape'"
    )
