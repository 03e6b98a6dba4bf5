"""What tracing refuses, and how it says so: the line of the user's solver, the reason, and what to write instead."""

from __future__ import annotations

import linecache
import os
import sys
from typing import NoReturn

_HERE = os.path.dirname(os.path.realpath(__file__))


class TraceError(TypeError):
    """Raised when a solver does something with a traced array that has no symbolic meaning."""


def user_line() -> str:
    """Return where the user's code stands, such as ``line 7 of solver.py, 'if u[0] > 1:'``, or "" if there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        module = frame.f_globals.get("__name__", "")
        if os.path.dirname(os.path.realpath(path)) != _HERE and module.partition(".")[0] not in (
            "numpy",
            "scipy",
        ):
            text = linecache.getline(path, frame.f_lineno).strip()
            return f"line {frame.f_lineno} of {os.path.basename(path)}" + (f", {text!r}" if text else "")
        frame = frame.f_back  # type: ignore[assignment]  # None ends the walk
    return ""


def refuse(what: str, cure: str) -> NoReturn:
    """Raise :class:`TraceError` that names what was done, the user's line, and the cure."""
    place = user_line()
    raise TraceError(f"{place}: {what}; {cure}" if place else f"{what}; {cure}")
