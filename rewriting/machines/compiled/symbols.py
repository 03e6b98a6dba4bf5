"""Symbols of one compiled program: atoms and functors as small integers, and values to cells and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting.machines.compiled.arithmetic import OPERATIONS
from symnum.rewriting.machines.compiled.cells import (
    ARITY_BITS,
    ATOM,
    INT,
    LEAST_INTEGER,
    MOST_INTEGER,
    PAIR,
    REF,
    STRUCTURE,
    TAG,
    TAG_BITS,
    cell,
    header,
)
from symnum.rewriting.machines.nodes import Node, call, is_index, is_variable, variable
from symnum.rewriting.machines.rmc.symbols import spelled

PAIR_NAME = "[|]"
"""The functor of list cells, which have no header."""

EMPTY_LIST = call("[]")


def children(value: Any) -> Sequence[Any]:
    """Return the arguments of a value; leaves, constants and terms of symnum, which are constants here, have none."""
    return value.args if isinstance(value, Node) else ()


class Symbols:
    """The atoms and functors of a program, numbered as they are met; atom 0 is the empty list."""

    def __init__(self) -> None:
        self.atoms: list[Any] = []
        self._atom: dict[Any, int] = {}
        self.functors: list[tuple[str, int]] = []
        self._functor: dict[tuple[str, int], int] = {}
        self.atom(EMPTY_LIST)

    def atom(self, value: Any) -> int:
        """Return the cell of a value without arguments that is not an integer of a cell."""
        key = value if isinstance(value, Node) else (interface.key(value),)
        number = self._atom.setdefault(key, len(self.atoms))
        if number == len(self.atoms):
            self.atoms.append(value)
        return cell(ATOM, number)

    def constant(self, value: Any) -> int:
        """Return the cell of a value without arguments: an integer where it is one that fits."""
        if not isinstance(value, Node) and interface.is_number(value):
            number = interface.value(value)
            if type(number) is int and LEAST_INTEGER <= number <= MOST_INTEGER:
                return cell(INT, number)
        return self.atom(value)

    def header(self, name: str, arity: int) -> int:
        """Return the header cell of calls of a functor."""
        if arity >> ARITY_BITS:
            raise ValueError(
                f"{name!r} has {arity:,} arguments, and compiled machines take at most {(1 << ARITY_BITS) - 1:,}; nest them"
            )
        key = (name, arity)
        number = self._functor.setdefault(key, len(self.functors))
        if number == len(self.functors):
            self.functors.append(key)
        return header(number, arity)

    def principal(self, value: Any) -> int | None:
        """Return what tells a value from others at first sight, as the loop sees it; None for a variable."""
        if is_index(value) or is_variable(value):
            return None
        arguments = children(value)
        if not arguments:
            return self.constant(value)
        name = interface.head(value)
        return PAIR if name == PAIR_NAME and len(arguments) == 2 else self.header(name, len(arguments))

    def operations(self) -> np.ndarray:
        """Return, for each functor, the arithmetic operation that it denotes, or -1."""
        return np.array([OPERATIONS.get((spelled(name), arity), -1) for name, arity in self.functors] or [-1])

    def values(self, heap: np.ndarray, cells: Sequence[int], unknowns: dict[int, Any]) -> list[Any]:
        """Return the values of cells; ``unknowns`` gives the variables at addresses, and gets those that are met first here.

        A part that is shared on the heap is built once.
        """
        done: dict[int, Any] = {}
        stack = [int(c) for c in cells]
        while stack:
            top = stack[-1]
            if top in done:
                stack.pop()
                continue
            tag, address = top & TAG, top >> TAG_BITS
            if tag == ATOM:
                done[top] = self.atoms[address]
            elif tag == INT:
                done[top] = interned.number(address)
            elif tag == REF:
                following = int(heap[address])
                if following == top:
                    done[top] = unknowns.setdefault(address, variable(len(unknowns)))
                elif following in done:
                    done[top] = done[following]
                else:
                    stack.append(following)
                    continue
            else:
                first, count, name = address, 2, PAIR_NAME
                if tag == STRUCTURE:
                    functor = int(heap[address]) >> TAG_BITS
                    first, (name, count) = address + 1, self.functors[functor >> ARITY_BITS]
                parts = [int(p) for p in heap[first : first + count]]
                missing = [p for p in parts if p not in done]
                if missing:
                    stack.extend(reversed(missing))
                    continue
                done[top] = call(name, *[done[p] for p in parts])
            stack.pop()
        return [done[int(c)] for c in cells]
