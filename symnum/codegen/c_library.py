"""C text becomes a loaded shared library: compiled by the system's compiler, and kept in the cache folder.

A library's file is named by the hash of its content, and no file is loaded whose content does not have the hash that its name says.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import symnum
from symnum.codegen import disk

COMPILERS = ("cc", "gcc", "clang")
"""What is looked for, in this order, where the environment variable CC names no compiler."""

FLAGS = (
    "-std=c99",
    "-O2",
    "-ffp-contract=off",  # a*b + c is rounded twice, as in NumPy
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-semantic-interposition",  # the loop over rows may inline the function
    "-fPIC",
    "-shared",
    "-Werror=implicit-function-declaration",
)

_SUFFIX = ".so"


def compiler() -> tuple[str, ...]:
    """Return the command of the C compiler.

    Raises FileNotFoundError when the one that CC names is not there, or when there is none.
    """
    chosen = shlex.split(os.environ.get("CC", ""))
    if chosen:
        found = shutil.which(chosen[0])
        if found is None:
            raise FileNotFoundError(
                f"the environment variable CC names the C compiler {chosen[0]!r}, which is not there; set CC to an installed one, "
                f"or unset it to use {', '.join(COMPILERS)}"
            )
        return (found, *chosen[1:])
    for name in COMPILERS:
        found = shutil.which(name)
        if found is not None:
            return (found,)
    raise FileNotFoundError(
        f"target='c' compiles with {', '.join(COMPILERS)}, but none is installed; install one or set CC, use target='numba', "
        f"or take the text alone: f.source, f.write('model.c')"
    )


def load(source: str) -> tuple[Any, str]:
    """Return the library of a C text, and what was kept where.

    Raises FileNotFoundError where there is no compiler, and ValueError when it refuses the text.
    """
    command = compiler()
    name = disk.module_name(source, symnum.__version__, *command, *FLAGS, _version(command))
    try:
        folder = disk.private_folder("c", name)
    except disk.CacheUnavailable as problem:
        with tempfile.TemporaryDirectory(prefix="symnum-") as temporary:
            path, seconds = _compiled(command, source, Path(temporary))
            return ctypes.CDLL(
                str(path)
            ), f"compiled by {command[0]} in {seconds:.2f} s, not kept on disk: {problem}"
    path_kept = _kept(folder)
    if path_kept is not None:
        return ctypes.CDLL(str(path_kept)), f"loaded from {folder}"
    path, seconds = _compiled(command, source, folder)
    disk.prune(folder.parent, keep=folder)
    return ctypes.CDLL(str(path)), f"compiled by {command[0]} in {seconds:.2f} s, kept in {folder}"


@lru_cache(maxsize=16)
def _version(command: tuple[str, ...]) -> str:
    """Return what the compiler says of itself, so that another one makes another library."""
    told = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, errors="replace", check=False
    )
    return told.stdout


def _kept(folder: Path) -> Path | None:
    """Return the library in a folder whose content is what its name says; others are removed."""
    found = None
    for file in folder.glob(f"*{_SUFFIX}"):
        if _digest(file) == file.stem:
            found = file
        else:
            file.unlink(missing_ok=True)
    return found


def _compiled(command: tuple[str, ...], source: str, folder: Path) -> tuple[Path, float]:
    """Compile in a folder of its own inside ``folder``, and return (library, seconds)."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder, prefix="making-") as made:
        text, library = Path(made) / "generated.c", Path(made) / "library"
        text.write_text(source, encoding="utf-8")
        line = [*command, *FLAGS, "-o", str(library), str(text), "-lm"]
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            said = "\n".join(done.stderr.replace(str(text), "generated.c").strip().splitlines()[:8])
            raise ValueError(
                f"the C compiler {command[0]} refuses the generated code; look at the c spellings of your own operators, and at "
                f"the environment variable CC. It says:\n{said}"
            )
        path = folder / (_digest(library) + _SUFFIX)
        os.replace(library, path)
    return path, time.perf_counter() - began


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
