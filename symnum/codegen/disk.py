"""Generated code on disk: modules for numba, which keeps their machine code beside them, object code of the native target, and
libraries of the C target.

Each entry has a folder of its own under the cache folder, named by a hash of its content and of the versions of all that made it.
Of a module what is executed is always the text generated in this process: the file is there for numba and for debuggers, and it
is written again whenever it differs, which makes numba drop the machine code that belonged to it.  Object code is loaded only if
it begins with its own name and hash, and a library only if its name is its hash; anything else is compiled again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

MAX_ENTRIES = 512
"""Entries of each kind kept on disk; the least recently used go first."""

MAX_BYTES = 256 << 20
"""Bytes of each kind kept on disk."""


class CacheUnavailable(OSError):
    """Say why generated code cannot be kept on disk."""


def cache_folder() -> Path:
    """Return the folder of generated code: ``$SYMNUM_CACHE_DIR``, or the user's cache folder of this platform."""
    chosen = os.environ.get("SYMNUM_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "symnum"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "symnum" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "symnum"


def module_name(source: str, *made_with: str) -> str:
    """Return a name that is the same for the same text, versions and Python only."""
    parts = (source, *made_with, sys.version, platform.machine())
    return "symnum_generated_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def store(name: str, source: str) -> Path:
    """Return the file that holds ``source`` after making sure that it does; raises CacheUnavailable when it cannot be written."""
    folder = private_folder("numba", name)
    try:
        path = folder / "generated.py"
        wanted = source.encode()
        try:
            unchanged = path.read_bytes() == wanted
        except FileNotFoundError:
            unchanged = False
        if not unchanged or not seal_holds(folder):
            forget_machine_code(folder)
        if not unchanged:
            _write_atomically(path, wanted)
            prune(folder.parent, keep=folder)
        probe = folder / "__pycache__"
        probe.mkdir(mode=0o700, exist_ok=True)
        if not os.access(probe, os.W_OK):
            raise PermissionError(f"{probe} may not be written")
    except OSError as problem:
        raise CacheUnavailable(str(problem)) from problem
    return path


def private_folder(kind: str, name: str) -> Path:
    """Return the folder of one module, made for this user alone and marked as used; raises CacheUnavailable when that cannot be."""
    try:
        root = cache_folder() / kind
        folder = root / name
        root.parent.mkdir(parents=True, exist_ok=True)
        for own in (root, folder):
            own.mkdir(mode=0o700, exist_ok=True)
            refuse_foreign(own)
        os.utime(folder)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} may not be written")
    except (OSError, RuntimeError) as problem:  # RuntimeError: there is no home folder
        raise CacheUnavailable(str(problem)) from problem
    return folder


def refuse_foreign(folder: Path) -> None:
    """Raise PermissionError for a folder that another user owns or may write to: machine code is loaded from it."""
    if os.name == "nt":
        return
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user")
    if status.st_mode & 0o022:
        raise PermissionError(f"{folder} may be written by other users; make it yours alone with chmod go-w")


_SEAL = "machine_code.sha256"


def seal(folder: Path) -> None:
    """Note the hashes of the machine code that numba keeps in a module's folder, so that a truncated file is noticed."""
    kept = folder / "__pycache__"
    try:
        files = sorted(file for file in kept.rglob("*") if file.is_file())
        lines = [f"{_digest(file)}  {file.relative_to(kept).as_posix()}\n" for file in files]
        _write_atomically(folder / _SEAL, "".join(lines).encode())
    except OSError:  # unsealed machine code is found by the next process and made anew
        return


def is_sealed(folder: Path) -> bool:
    """Tell whether the machine code of a folder was noted, so that it is complete."""
    return (folder / _SEAL).exists()


def seal_holds(folder: Path) -> bool:
    """Tell whether the machine code is what :func:`seal` saw; none at all is fine too."""
    if not (folder / "__pycache__").exists():
        return True
    try:
        noted = [line.split("  ", 1) for line in (folder / _SEAL).read_text().splitlines()]
        return all(len(n) == 2 and _digest(folder / "__pycache__" / n[1]) == n[0] for n in noted)
    except (OSError, UnicodeDecodeError):
        return False


def forget_machine_code(folder: Path) -> None:
    """Remove the machine code of a module; it will be compiled again."""
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    (folder / _SEAL).unlink(missing_ok=True)


class Damaged(ValueError):
    """Say that a file of object code is not what was written; it is compiled again and never executed."""


def keep_objects(name: str, objects: Sequence[bytes]) -> Path:
    """Write object code under a name and return its file; raises CacheUnavailable when it cannot be written."""
    sizes = struct.pack(f"<{len(objects) + 1}q", len(objects), *map(len, objects))
    payload = b"".join([sizes, *objects])
    folder = private_folder("native", name)
    try:
        path = folder / _OBJECTS
        _write_atomically(path, _head(name, payload) + payload)
        prune(folder.parent, keep=folder)
    except OSError as problem:
        raise CacheUnavailable(str(problem)) from problem
    return path


def kept_objects(name: str) -> tuple[list[bytes], Path] | None:
    """Return the object code kept under a name and its file, or None where there is none.

    Raises Damaged for a file that was truncated, changed or written for another name, CacheUnavailable for a folder that cannot be
    read or that others may write to.
    """
    try:
        folder = cache_folder() / "native" / name
        for own in (folder.parent, folder):
            if not own.exists():
                return None
            refuse_foreign(own)
        path = folder / _OBJECTS
        content = path.read_bytes()
        os.utime(folder)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as problem:
        raise CacheUnavailable(str(problem)) from problem
    payload = content[len(_head(name, b"")) :]
    if len(payload) < 8 or content[: -len(payload)] != _head(name, payload):
        raise Damaged(f"{path} is not the object code that was written there")
    (count,) = struct.unpack_from("<q", payload)
    sizes = struct.unpack_from(f"<{count}q", payload, 8)
    ends = list(accumulate(sizes, initial=8 * (count + 1)))
    return [payload[a:b] for a, b in pairwise(ends)], path


_OBJECTS = "objects.bin"


def _head(name: str, payload: bytes) -> bytes:
    return f"symnum object code {name} {hashlib.sha256(payload).hexdigest()}\n".encode()


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _write_atomically(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def prune(root: Path, keep: Path) -> None:
    """Remove the least recently used entries until the cache is within its bounds."""
    entries = sorted(_entries(root), reverse=True)
    total = 0
    for position, (_, size, folder) in enumerate(entries):
        total += size
        if folder != keep and (position >= MAX_ENTRIES or total > MAX_BYTES):
            shutil.rmtree(folder, ignore_errors=True)


def _entries(root: Path) -> Iterator[tuple[float, int, Path]]:
    for folder in root.iterdir():
        try:
            size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
            yield folder.stat().st_mtime, size, folder
        except OSError:  # another process removed it meanwhile
            continue
