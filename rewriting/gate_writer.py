"""The writer of gates: lines of straight-line Python, the names in it and the constants that it uses."""

from __future__ import annotations

from itertools import count
from typing import Any

from symnum.rewriting.pattern import CallPattern, Pattern, Slot


class NoGate(Exception):
    """Says why there is no gate for a rule."""


class Writer:
    """Writes the source of one gate."""

    def __init__(self, name: str, arguments: str) -> None:
        self.lines = [f"def {name}({arguments}):"]
        self.names = count()
        self.slots: dict[str, str] = {}
        self.met: set[str] = set()
        self.constants: dict[str, Any] = {}

    def new(self) -> str:
        """Return the name of a new variable."""
        return f"t{next(self.names)}"

    def constant(self, value: Any) -> str:
        """Return the name under which the code finds a value."""
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def line(self, text: str, depth: int = 1) -> None:
        """Write a line."""
        self.lines.append("    " * depth + text)


def simple_slots(base: Pattern) -> dict[str, int]:
    """Return {slot: place} of the slots that are arguments of a call, one by one."""
    if not isinstance(base, CallPattern) or base.commutative:
        return {}
    return {part.name: i for i, part in reversed(list(enumerate(base.args))) if isinstance(part, Slot)}


def is_nan(value: Any) -> bool:
    """Tell whether a number is undefined."""
    return value != value
