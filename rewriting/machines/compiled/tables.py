"""Tables by which the loop chooses: which branches a popped value, and one of its arguments, leave open.

A switch has three buckets of its own, for the empty stack, for a variable, and for values that no branch names; a hash table has the
others by (switch, principal cell). A bucket is a range of the list of targets, the places where branches begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.rewriting.machines.compiled.symbols import Symbols, children


class Tables:
    """Switches, buckets and targets, while a program is assembled and after it."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int]] = []
        self._list: list[tuple[int, bool]] = []
        self._buckets: list[list[int]] = []
        self._switches: list[list[int]] = []
        self._keys: list[tuple[int, int, int]] = []
        self.keys = self.switches = self.buckets = self.targets_of = np.zeros(0, np.int64)

    def targets(self, count: int) -> list[int]:
        """Return numbers for branches that are to be placed."""
        first = len(self._entries)
        self._entries += [(-1, -1)] * count
        return list(range(first, first + count))

    def place(self, target: int, address: int, after_pop: int = -1) -> None:
        """Say where a branch begins, and where it goes on when its first value is popped already."""
        self._entries[target] = address, after_pop

    def sequence(self, targets: Sequence[int], popped: bool = False) -> tuple[int, int]:
        """Add branches to the list of targets, and return their range."""
        first = len(self._list)
        self._list += [(target, popped) for target in targets]
        return first, len(self._list)

    def switch(
        self, values: Sequence[Any], pops: Sequence[bool], targets: Sequence[int], symbols: Symbols
    ) -> int:
        """Add a switch on the top of a stack: branch i begins with a pop of ``values[i]`` there if ``pops[i]``."""
        switch = self._new_switch()
        shapes = [symbols.principal(v) if own and v is not None else None for v, own in zip(values, pops)]
        everything = range(len(targets))
        self._switches[switch] = [
            self._bucket([targets[i] for i in everything if not pops[i]]),
            self._bucket(list(targets)),
            self._open([i for i in everything if shapes[i] is None], pops, targets),
        ]
        for shape in dict.fromkeys(s for s in shapes if s is not None):
            chosen = [i for i in everything if shapes[i] is None or shapes[i] == shape]
            bucket = self._open(chosen, pops, targets)
            self._keys.append((switch, shape, bucket))
            self._look_inside(bucket, chosen, values, pops, targets, symbols)
        return switch

    def _look_inside(
        self,
        bucket: int,
        chosen: Sequence[int],
        values: Sequence[Any],
        pops: Sequence[bool],
        targets: Sequence[int],
        symbols: Symbols,
    ) -> None:
        """Let a bucket be narrowed by the argument that tells most of its branches apart; the first of those that do."""
        calls = [i for i in chosen if pops[i] and children(values[i])]
        if len(chosen) < 2 or not calls:
            return
        shapes: list[dict[int, int]] = []
        for position in range(len(children(values[calls[0]]))):
            found = {i: symbols.principal(children(values[i])[position]) for i in calls}
            shapes.append({i: shape for i, shape in found.items() if shape is not None})
        position = max(range(len(shapes)), key=lambda p: len(shapes[p]))
        if not shapes[position]:
            return
        inner = self._new_switch()
        known = shapes[position]
        self._buckets[bucket][3:] = [inner, position]
        default = self._open([i for i in chosen if i not in known], pops, targets)
        self._switches[inner] = [default, bucket, default]
        for shape in dict.fromkeys(known.values()):
            narrowed = [i for i in chosen if known.get(i, shape) == shape]
            self._keys.append((inner, shape, self._open(narrowed, pops, targets)))

    def _open(self, chosen: Sequence[int], pops: Sequence[bool], targets: Sequence[int]) -> int:
        """Add a bucket of branches; the value is popped for all of them at once where all begin with that pop."""
        return self._bucket([targets[i] for i in chosen], popped=all(pops[i] for i in chosen))

    def _bucket(self, targets: Sequence[int], popped: bool = False) -> int:
        self._buckets.append([*self.sequence(targets, popped), popped and bool(targets), -1, 0])
        return len(self._buckets) - 1

    def _new_switch(self) -> int:
        self._switches.append([])
        return len(self._switches) - 1

    def finished(self) -> Tables:
        """Return the tables with their arrays made."""
        self.targets_of = np.array([self._entries[t][popped] for t, popped in self._list] or [0], np.int64)
        self.buckets = np.array(self._buckets or [[0] * 5], np.int64)
        self.switches = np.array(self._switches or [[0] * 3], np.int64)
        size = 4
        while size < 2 * len(self._keys):
            size *= 2
        self.keys = np.full((size, 3), -1, np.int64)
        for switch, shape, bucket in self._keys:
            place = hash_of(shape, switch) & (size - 1)
            while self.keys[place, 0] >= 0:
                place = (place + 1) & (size - 1)
            self.keys[place] = switch, shape, bucket
        return self


def hash_of(shape: int, switch: int) -> int:
    """Return where the search for a principal cell in a switch begins; the loop computes the same in 64 bits."""
    return _signed(shape * 0x9E3779B1 + switch * 0x85EBCA77) >> 4


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
