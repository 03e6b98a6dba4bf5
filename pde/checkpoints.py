"""Keep what a run has reached in a file from which it goes on as if it had never stopped.

The file is an ``.npz`` of plain arrays without pickles, and one of them is a hash of the others.  It is written beside its place and
then moved there, so that at every moment there is a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept, and every how many ``seconds`` it is written; ``system.solve(..., checkpoint=)`` takes a path or this.

    Raises TypeError for what is no path, ValueError for negative seconds.

    >>> Checkpoint("run.npz", seconds=5.0)
    Checkpoint(path='run.npz', seconds=5.0)
    """

    path: str | os.PathLike[str]
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise TypeError(f"a checkpoint is a path, but got {self.path!r}; write checkpoint='run.npz'")
        if not self.seconds >= 0:
            raise ValueError(
                f"seconds={self.seconds!r}, but a checkpoint is written every so many seconds, at least 0"
            )


class CheckpointFile:
    """The file of a run.  ``problem`` says what run it belongs to: {name: text, number or array}."""

    def __init__(self, checkpoint: Checkpoint, problem: Mapping[str, Any]) -> None:
        """Raises OSError where the file cannot be written."""
        self.checkpoint, self.path = checkpoint, Path(checkpoint.path)
        self.problem = {name: _said(value) for name, value in problem.items()}
        self._beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        self._written = time.monotonic()
        self.writes, self.trouble = 0, ""
        if self.path.is_dir():
            raise IsADirectoryError(
                f"checkpoint {str(self.path)!r} is a folder; name a file in it, such as {str(self.path / 'run.npz')!r}"
            )
        try:
            self._beside.touch()
            self._beside.unlink()
        except OSError as problem_of_system:
            raise type(problem_of_system)(
                problem_of_system.errno,
                f"checkpoint {str(self.path)!r} cannot be written ({problem_of_system.strerror}); give a file in a folder that exists and "
                f"that you may write to",
            ) from problem_of_system

    def read(self) -> Arrays | None:
        """Return what was written, or None when there is no file.

        Raises ValueError for a damaged file, another kind of file, and the file of another run.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays.pop("about")))
            good = about["format"] == FORMAT and about["hash"] == _hash(arrays)
        except (KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as problem:
            raise ValueError(
                f"{str(self.path)!r} is not a checkpoint of a run ({problem}); name another file, or delete this one"
            ) from problem
        if not good:
            raise ValueError(
                f"{str(self.path)!r} is damaged or from another version: its hash does not fit; delete it to begin anew"
            )
        other = [
            f"{name} was {about['problem'].get(name)} and is {said}"
            for name, said in self.problem.items()
            if about["problem"].get(name) != said
        ]
        if other:
            raise ValueError(
                f"{str(self.path)!r} is of another run: {'; '.join(other)}; name another file, or delete this one to begin anew"
            )
        return arrays

    @property
    def due(self) -> bool:
        """Tell whether it is time to write."""
        return time.monotonic() - self._written >= self.checkpoint.seconds

    def write(self, arrays: Arrays) -> None:
        """Replace what is in the file; where that fails, warn, and leave the last good one there."""
        self._written = time.monotonic()
        about = {"format": FORMAT, "hash": _hash(arrays), "problem": self.problem}
        try:
            with open(self._beside, "wb") as file:
                packed: Arrays = {"about": np.array(json.dumps(about)), **arrays}
                np.savez(file, allow_pickle=False, **packed)
                file.flush()
                os.fsync(file.fileno())
            os.replace(self._beside, self.path)
            self.writes, self.trouble = self.writes + 1, ""
        except OSError as problem:
            first = not self.trouble
            self.trouble = (
                f"the checkpoint {str(self.path)!r} could not be written: {problem.strerror or problem}"
            )
            self._beside.unlink(missing_ok=True)
            if first:
                kept = "the last good one is still there" if self.path.exists() else "there is none yet"
                warnings.warn(f"{self.trouble}; {kept}, and the run goes on", RuntimeWarning, stacklevel=2)


def _said(value: Any) -> str | float:
    """Return a value as JSON keeps it: an array as its shape and hash."""
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(
            repr(value.shape).encode() + np.ascontiguousarray(value).tobytes()
        ).hexdigest()
        return f"array {value.shape} {digest[:16]}"
    return value if isinstance(value, str | int | float) else repr(value)


def _hash(arrays: Mapping[str, Any]) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape}\n".encode() + array.tobytes())
    return found.hexdigest()
