"""Keep what a search has reached, in memory or in a file from which it goes on.

The file is an ``.npz`` of plain arrays and one JSON text, without pickles.  It is written beside its place and then moved there, so
that at every moment there is a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression.archive import Entry
from symnum.regression.candidate import Candidate
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem
from symnum.regression.restart import Restart
from symnum.regression.sums import Sum

FORMAT = 2

Arrays = dict[str, NDArray[Any]]
Entries = tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True)
class Snapshot:
    """Hold what a search has reached.

    ``data`` and ``settings`` say to what it belongs; ``bank`` is empty until the part without chance has ended; ``ended`` is why that
    ended the whole search, or empty.
    """

    data: str
    settings: dict[str, Any]
    seed: int
    entries: Entries
    sums: tuple[Sum, ...] = ()
    bank: Arrays = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    used: int = 0
    ended: str = ""
    restarts: tuple[Restart, ...] = ()
    seconds: float = 0.0
    written: tuple[Candidate, ...] = ()

    @property
    def prepared(self) -> bool:
        """Tell whether the part without chance has ended."""
        return bool(self.bank)


def content(problem: Problem) -> str:
    """Return a hash of the rows."""
    found = hashlib.sha256()
    for each in (problem.X, problem.y, problem.weights):
        found.update(repr(each.shape).encode() + np.ascontiguousarray(each).tobytes())
    return found.hexdigest()


def differences(snapshot: Snapshot, data: str, settings: Mapping[str, Any]) -> list[str]:
    """Return what keeps a snapshot from belonging to this data and these settings: empty when it does."""
    found = [] if snapshot.data == data else ["the data are others"]
    # through JSON, so that a tuple and the list read from a file are alike
    old, new = (json.loads(json.dumps(each)) for each in (snapshot.settings, dict(settings)))
    return found + [
        f"{name} was {old.get(name)!r} and is {new.get(name)!r}"
        for name in sorted(set(old) | set(new))
        if old.get(name) != new.get(name)
    ]


def damage(snapshot: Snapshot, grammar: Grammar, views: int) -> str | None:
    """Return why a snapshot cannot be of a search, or None: kernels trust what it holds, and a file may hold anything."""
    for entries in (snapshot.entries, *(each.entries for each in snapshot.restarts)):
        if len(entries) != views:
            return f"it has expressions for {len(entries)} views of the target, not for {views}"
        if not all(_is_expression(entry.text, grammar) for of_view in entries for entry in of_view):
            return "it holds tokens that are no expression"
    for each in snapshot.sums:
        if not (0 <= each.view < views and all(_is_expression(text, grammar) for text in each.terms)):
            return "it holds a sum that is none"
    for written in (*snapshot.written, *(each for restart in snapshot.restarts for each in restart.written)):
        slots = np.frombuffer(written.text[: len(written.text) // 2 * 2], np.int16) == grammar.constant
        if not _is_expression(written.text, grammar, slots=True) or slots.sum() != len(written.constants):
            return "it holds a formula that is none"
    if [each.number for each in snapshot.restarts] != list(range(len(snapshot.restarts))):
        return "its restarts are not numbered"
    if snapshot.prepared and not _is_bank(snapshot.bank, grammar):
        return "its bank of expressions refers to what is not there"
    return None


def _is_expression(text: bytes, grammar: Grammar, slots: bool = False) -> bool:
    """Tell whether bytes are the tokens of a whole expression, where ``slots`` says so with constant slots."""
    if len(text) % 2 or not text:
        return False
    tokens = np.frombuffer(text, np.int16)
    known = (tokens >= 0) & (tokens < len(grammar.names)) & (slots | (tokens != grammar.constant))
    return bool(known.all()) and grammar.end(tokens, 0) == len(tokens)


def _is_bank(bank: Arrays, grammar: Grammar) -> bool:
    """Tell whether each expression of a bank refers to earlier ones only."""
    if set(bank) != {"roots", "left", "right", "ends"} or any(each.ndim != 1 for each in bank.values()):
        return False
    roots, left, right, ends = (
        np.asarray(bank[name], np.int64) for name in ("roots", "left", "right", "ends")
    )
    if not len(roots) == len(left) == len(right) or np.any((roots < 0) | (roots >= len(grammar.names))):
        return False
    own, arity = np.arange(len(roots)), grammar.arity[roots]
    earlier = all(
        np.all(((places >= 0) & (places < own))[arity >= count]) for places, count in ((left, 1), (right, 2))
    )
    return bool(
        earlier and len(ends) > 1 and ends[0] == 0 and np.all(np.diff(ends) >= 0) and ends[-1] <= len(roots)
    )


class Checkpoint:
    """A file that holds the latest snapshot of a search."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises OSError where the file cannot be written."""
        self.path = Path(path)
        self._beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        if self.path.is_dir():
            raise IsADirectoryError(
                f"checkpoint {str(path)!r} is a folder; name a file in it, such as {str(self.path / 'search.npz')!r}"
            )
        try:
            self._beside.touch()
            self._beside.unlink()
        except OSError as problem:
            raise type(problem)(
                problem.errno,
                f"checkpoint {str(path)!r} cannot be written ({problem.strerror}); give a file in a folder that exists and "
                "that you may write to",
            ) from problem

    def read(self) -> Snapshot | None:
        """Return the snapshot in the file, or None when there is no file; raises ValueError for another kind of file."""
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                return _unpacked({name: file[name] for name in file.files})
        except (KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as problem:
            raise ValueError(
                f"{str(self.path)!r} is not a checkpoint of a search ({problem}); name another file, or delete this one"
            ) from problem

    def write(self, snapshot: Snapshot) -> None:
        """Replace the snapshot in the file."""
        with open(self._beside, "wb") as file:
            arrays: dict[str, Any] = _packed(snapshot)
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._beside, self.path)


# --- arrays -------------------------------------------------------------------------------------------------------------------


def _packed(snapshot: Snapshot) -> Arrays:
    about = {
        "format": FORMAT,
        "data": snapshot.data,
        "settings": snapshot.settings,
        "seed": snapshot.seed,
        "stages": snapshot.stages,
        "used": snapshot.used,
        "ended": snapshot.ended,
        "seconds": snapshot.seconds,
        "sums": [
            [each.view, [text.hex() for text in each.terms], each.left, each.length] for each in snapshot.sums
        ],
        "written": _texts(snapshot.written),
        "restarts": [
            [
                each.number,
                each.used,
                each.slices,
                each.ended,
                [sorted(s) for s in each.states],
                _texts(each.written),
            ]
            for each in snapshot.restarts
        ],
    }
    arrays: Arrays = {"about": np.array(json.dumps(about))}
    arrays |= {f"bank/{name}": array for name, array in snapshot.bank.items()}
    arrays |= _packed_entries("entries", snapshot.entries)
    for each in snapshot.restarts:
        arrays |= _packed_entries(f"restart{each.number}/entries", each.entries)
        for k, state in enumerate(each.states):
            arrays |= {f"restart{each.number}/stage{k}/{name}": array for name, array in state.items()}
    return arrays


def _unpacked(arrays: Mapping[str, NDArray[Any]]) -> Snapshot:
    about = json.loads(str(arrays["about"]))
    if about["format"] != FORMAT:
        raise ValueError(f"its format is {about['format']!r}, and this version reads {FORMAT}")
    restarts = tuple(
        Restart(
            number,
            _unpacked_entries(arrays, f"restart{number}/entries"),
            tuple(
                {name: arrays[f"restart{number}/stage{k}/{name}"] for name in names}
                for k, names in enumerate(states)
            ),
            used,
            slices,
            ended,
            _candidates(written),
        )
        for number, used, slices, ended, states, written in about["restarts"]
    )
    return Snapshot(
        about["data"], about["settings"], about["seed"], _unpacked_entries(arrays, "entries"),
        tuple(Sum(view, tuple(map(bytes.fromhex, terms)), left, length) for view, terms, left, length in about["sums"]),
        {name.removeprefix("bank/"): array for name, array in arrays.items() if name.startswith("bank/")},
        about["stages"], about["used"], about["ended"], restarts, about["seconds"],
        _candidates(about["written"]),
    )  # fmt: skip


def _texts(written: Sequence[Candidate]) -> list[Any]:
    return [[each.text.hex(), list(each.constants)] for each in written]


def _candidates(texts: Sequence[Any]) -> tuple[Candidate, ...]:
    return tuple(Candidate(bytes.fromhex(text), tuple(constants)) for text, constants in texts)


def _packed_entries(name: str, entries: Entries) -> Arrays:
    flat = [entry for of_view in entries for entry in of_view]
    return {
        f"{name}/views": np.array([len(of_view) for of_view in entries], np.int64),
        f"{name}/left": np.array([entry.left for entry in flat], np.float64),
        f"{name}/lengths": np.array([len(entry.text) for entry in flat], np.int64),
        f"{name}/text": np.frombuffer(b"".join(entry.text for entry in flat), np.uint8),
    }


def _unpacked_entries(arrays: Mapping[str, NDArray[Any]], name: str) -> Entries:
    text = arrays[f"{name}/text"].tobytes()
    ends = np.cumsum(arrays[f"{name}/lengths"]).tolist()
    flat = [
        Entry(float(left), text[start:end])
        for left, start, end in zip(arrays[f"{name}/left"], [0, *ends[:-1]], ends, strict=False)
    ]
    found: list[Sequence[Entry]] = []
    for count in arrays[f"{name}/views"].tolist():
        found.append(flat[:count])
        flat = flat[count:]
    return tuple(map(tuple, found))
