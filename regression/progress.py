"""Tell how far a search is: one line in a terminal or a notebook, or calls of a function."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EVERY = 0.5
"""Seconds between two reports."""

EVERY_LINE = 10.0
"""Seconds between two lines where a line cannot be written over."""


@dataclass(frozen=True)
class Progress:
    """Hold how far a search is.

    ``expression`` is the text of the best formula so far with its linear constants fitted, ``loss`` the weighted mean of its squared
    residuals on the rows that the search looks at; ``stage`` is "enumeration", "combination", "evolution", ... and at the end "finished".
    """

    evaluations: int
    seconds: float
    expression: str
    loss: float
    complexity: int
    stage: str

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.1f} s  {self.evaluations:>11,} evaluations  {self.stage:11}  loss {self.loss:.3g}  "
            f"complexity {self.complexity}  {self.expression}"
        )


class Reporter:
    """Show progress as ``progress`` says: None for a line where somebody can see it, True, False, or a function of :class:`Progress`."""

    def __init__(self, progress: bool | Callable[[Progress], Any] | None) -> None:
        self._show, self._every = _display(progress)
        self._next = time.monotonic() + self._every

    @property
    def due(self) -> bool:
        """Tell whether it is time for a report."""
        return self._show is not None and time.monotonic() >= self._next

    @property
    def wanted(self) -> bool:
        """Tell whether anybody listens."""
        return self._show is not None

    def show(self, progress: Progress) -> None:
        """Report."""
        if self._show is not None:
            self._show(progress)
        self._next = time.monotonic() + self._every


def _display(
    progress: bool | Callable[[Progress], Any] | None,
) -> tuple[Callable[[Progress], Any] | None, float]:
    """Return a function that shows, None for none, and the seconds between two calls."""
    if callable(progress):
        return progress, EVERY
    if progress is False:
        return None, EVERY
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel"):
        return _Cell(), EVERY
    if sys.stderr.isatty():
        return _terminal, EVERY
    return (_line, EVERY_LINE) if progress else (None, EVERY)


def _terminal(progress: Progress) -> None:
    """Write over the line of the terminal."""
    width = shutil.get_terminal_size().columns - 1
    end = "\n" if progress.stage == "finished" else ""
    sys.stderr.write(f"\r\x1b[2K{_cut(str(progress), width)}{end}")
    sys.stderr.flush()


def _line(progress: Progress) -> None:
    sys.stderr.write(f"{_cut(str(progress), 200)}\n")
    sys.stderr.flush()


class _Cell:
    """Update one line below the cell of a notebook."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, progress: Progress) -> None:
        shown = {"text/plain": _cut(str(progress), 200)}
        if self._handle is None:
            self._handle = sys.modules["IPython.display"].display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
