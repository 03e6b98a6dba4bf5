"""Idle calls: calls of symbols at which a rule set is known to do nothing, so that it is not asked again.

Whether a rule does something at sin(x) or max(x, y) depends on the operator, on what is assumed of the symbols and on which of them are
the same, and on nothing else as long as no rule asks for a symbol by its name.  This is so of the rules that come with symnum; for
others there is no such table.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum.backends.nodes import Call, Symbol

MOST_SHAPES = 4096
"""A table is started afresh when it holds more shapes."""


def shape_of(term: Any) -> Hashable | None:
    """Return what an interned call of symbols is but for their names, or None for any other term."""
    if not isinstance(term, Call):
        return None
    args = term.args
    if len(args) == 1:
        (arg,) = args
        return (term.head, arg.sort, arg.assumptions) if isinstance(arg, Symbol) else None
    if len(args) > 3 or not all([isinstance(arg, Symbol) for arg in args]):
        return None
    first = {arg: place for place, arg in reversed(list(enumerate(args)))}
    return (term.head, *[(first[arg], arg.sort, arg.assumptions) for arg in args])


class IdleCalls:
    """The shapes of calls at which one rule set was seen to do nothing; threads may share it."""

    def __init__(self) -> None:
        self._shapes: set[Hashable] = set()

    def __contains__(self, shape: Hashable | None) -> bool:
        return shape is not None and shape in self._shapes

    def add(self, shape: Hashable | None) -> None:
        """Note that a call of this shape was left as it is."""
        if shape is not None:
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes = set()
            self._shapes.add(shape)
