"""From a straight program to linked machine code: found on disk, or written as IR, assembled module by module and kept there."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import symnum
from symnum.codegen import disk, llvm_text, machine
from symnum.codegen.llvm_text import POINT, ROWS, Writer
from symnum.codegen.llvm_words import Types
from symnum.codegen.straight import StraightCode

_log = logging.getLogger("symnum")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build: ``level`` of LLVM's code generation, ``keep`` on disk or not."""

    types: Types
    level: int
    keep: bool


@dataclass(frozen=True, slots=True)
class Built:
    """Machine code of one program: addresses of the two entries, and the doubles of work memory that each needs."""

    point: int
    rows: int
    point_work: int
    rows_work: int
    types: Types
    seconds: float
    kept: str
    library: Any
    """Keeps the code alive."""


class Cancelled(Exception):
    """Nobody wants the result any more."""


def build_native(code: StraightCode, recipe: Recipe, cancelled: Callable[[], bool] = lambda: False) -> Built:
    """Return the machine code of a program; ``cancelled`` is asked before each module, and Cancelled raised when it is true.

    Raises Unsupported for an operator that cannot be spelled for LLVM.
    """
    began = time.perf_counter()
    writer = Writer(code, recipe.types)
    symbols = {name: machine.c_function(name) for name in writer.functions} | writer.loops
    name = cache_name(writer, recipe) if recipe.keep else ""
    found, kept = _find(name) if recipe.keep else (None, "not kept on disk: keep=False")
    objects = found or _assemble(writer, recipe.level, cancelled)
    library = machine.Library(objects, symbols, (POINT, ROWS))
    if found is None and not kept:
        kept = _keep(name, objects)
    return Built(
        point=library.addresses[POINT],
        rows=library.addresses[ROWS],
        point_work=writer.scalar_work,
        rows_work=writer.rows_work,
        types=recipe.types,
        seconds=time.perf_counter() - began,
        kept=kept,
        library=library,
    )


def _assemble(writer: Writer, level: int, cancelled: Callable[[], bool]) -> list[bytes]:
    objects: list[bytes] = []
    for text in writer.modules():
        if cancelled():
            raise Cancelled
        # the entries come last and have the loop over rows, which is worth it
        last = len(objects) * llvm_text.PIECE >= writer.chunks
        objects.append(machine.assemble(text, 2 if last else level))
    return objects


def _find(name: str) -> tuple[list[bytes] | None, str]:
    """Return the object code kept on disk, if any, and what to say of it; a reason why nothing can be kept comes without any."""
    try:
        found = disk.kept_objects(name)
    except disk.Damaged as problem:
        _log.warning("%s; it is compiled again", problem)
        return None, ""
    except disk.CacheUnavailable as problem:
        return None, f"not kept on disk: {problem}"
    return (None, "") if found is None else (found[0], f"loaded from {found[1].parent}")


def _keep(name: str, objects: list[bytes]) -> str:
    try:
        path: Path = disk.keep_objects(name, objects)
    except disk.CacheUnavailable as problem:
        return f"not kept on disk: {problem}"
    return f"kept in {path.parent}"


def cache_name(writer: Writer, recipe: Recipe) -> str:
    """Return the name of object code: a hash of all that it was made from and made with."""
    state = hashlib.blake2b(writer.code.digest, digest_size=20)
    for part in (recipe, writer.spelled_text, symnum.__version__, machine.versions(), _own_text()):
        state.update(b"\0" + repr(part).encode())
    return state.hexdigest()


@cache
def _own_text() -> str:
    """Return the text of what writes the IR, so that a change of it is noticed."""
    folder = Path(llvm_text.__file__ or "").parent
    return "".join((folder / f"{name}.py").read_text() for name in ("llvm_text", "llvm_words"))
