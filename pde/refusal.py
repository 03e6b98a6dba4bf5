"""What tracing refuses, and how it says so: the line of the user's solver, the reason, and what to write instead."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from typing import NoReturn

_HERE = os.path.dirname(os.path.realpath(__file__))


class TraceError(TypeError):
    """Raised when a solver does something with a traced array that has no symbolic meaning."""


class SingleEntries(TraceError):
    """Raised when a solver goes through the entries of its arrays one by one; tracing entry by entry may do it."""


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
            return _place(path, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]  # None ends the walk
    return ""


def line_of(problem: Exception) -> str:
    """Return where an exception was raised, as :func:`user_line` does."""
    frames = traceback.extract_tb(problem.__traceback__)
    return _place(frames[-1].filename, frames[-1].lineno or 0)


def _place(path: str, line: int) -> str:
    text = linecache.getline(path, line).strip()
    return f"line {line} of {os.path.basename(path)}" + (f", {text!r}" if text else "")


def library_function() -> str | None:
    """Return the function of SciPy that the user's code has called, such as ``scipy.ndimage.laplace``, or None."""
    frame = sys._getframe(1)
    found = None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("scipy."):
            public = ".".join(part for part in module.split(".") if not part.startswith("_"))
            found = f"{public}.{frame.f_code.co_name}"
        elif found is not None:
            return found
        frame = frame.f_back  # type: ignore[assignment]  # None ends the walk
    return found


_LIBRARY_CURES = {
    "scipy.ndimage": "write the stencil with np.pad and slices (the mode 'reflect' of scipy.ndimage is 'symmetric' of np.pad, 'nearest' "
    "is 'edge', 'mirror' is 'reflect', 'grid-wrap' is 'wrap')",
    "scipy.signal": "write np.convolve, or np.pad and slices, one for each entry of the kernel",
    "scipy.fft": "make the matrix of the derivative once, outside f, "
    "D = np.real(np.fft.ifft(1j*k[:, None] * np.fft.fft(np.eye(n), axis=0), axis=0)), "
    "and write D @ u",
    "scipy.sparse.linalg": "make the inverse, or the matrix of the whole step, once, outside f, and write A_inv @ u",
    "scipy.linalg": "make the inverse, or the matrix of the whole step, once, outside f, and write A_inv @ u",
    "scipy.interpolate": "interpolate with np.interp between constant points, or make the matrix of the interpolation once, outside f",
    "scipy.integrate": "write np.trapezoid, or np.sum(weights * u)",
}


def cure_of_library(function: str) -> str:
    """Return what to write instead of a function of SciPy."""
    for module, cure in _LIBRARY_CURES.items():
        if function.startswith(f"{module}."):
            return cure
    return "write it with NumPy's own functions, which take traced arrays"


def refuse(what: str, cure: str, kind: type[TraceError] = TraceError) -> NoReturn:
    """Raise :class:`TraceError` that names what was done, the user's line, and the cure."""
    place = user_line()
    raise kind(f"{place}: {what}; {cure}" if place else f"{what}; {cure}")
