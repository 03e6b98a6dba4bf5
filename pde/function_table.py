"""Where the traced forms of NumPy's array functions are entered by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TABLE: dict[str, Callable[..., Any]] = {}
"""Name of a function of NumPy -> its traced form, which takes the graph first; filled when the modules are loaded."""


def takes(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as the traced form of NumPy's functions of these names."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            TABLE[name] = function
        return function

    return enter
