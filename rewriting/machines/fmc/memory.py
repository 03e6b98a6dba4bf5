"""The memory of a machine: a stack for each location, some of which may be streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting.machines.fmc.reading import parse
from symnum.rewriting.machines.fmc.syntax import is_program, program, value_of

Given = Mapping[str, Iterable[Any] | str]
"""What a user gives as memory: stacks from bottom to top, or iterators, which are read as streams."""


class Stream:
    """Be a stack that has no bottom: pops beyond what was pushed take the next thing that an iterator gives.

    [C] Input, random bits and the like are streams (coinductive stacks): ``in`` and ``rnd`` are popped only.
    """

    __slots__ = ("pushed", "source", "taken")

    def __init__(self, source: Iterable[Any]) -> None:
        self.source: Iterator[Any] = iter(source)
        self.pushed: list[Any] = []
        self.taken = 0

    def append(self, value: Any) -> None:
        """Push a value before what is still to come."""
        self.pushed.append(value)

    def pop(self) -> Any:
        """Return the value on top; raises IndexError where the stream has ended, as an empty list does."""
        if self.pushed:
            return self.pushed.pop()
        try:
            value = next(self.source)
        except StopIteration:
            raise IndexError("the stream has ended") from None
        self.taken += 1
        return value_term(value)


def value_term(value: Any) -> Any:
    """Return what stands for a user's value on a stack: a program; text is read, and numbers and formulas are values.

    >>> value_term(3), value_term("<x>.x"), value_term(True)
    (3, ⟨x⟩.x, true)
    """
    if isinstance(value, str):
        return parse(value)
    if is_program(value):
        return value
    if interface.is_term(value):
        return program(interned.number(value) if interface.backend_of(value) == "python" else value)
    raise TypeError(
        f"a stack holds programs and values, but got {value!r} of type {type(value).__name__}; "
        f"write a number, a text such as '⟨x⟩.x', or a term"
    )


def shown(term: Any) -> Any:
    """Return what a user sees of a program on a stack: the value that it holds, or itself."""
    value = value_of(term)
    return term if value is None else value


def read_memory(given: Given | None) -> dict[str, list[Any] | Stream]:
    """Return the stacks and streams of a memory that a user gave; raises TypeError for what is none."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(
            f"a memory is a mapping from locations to stacks, but got {given!r}; write {{'λ': [1, 2]}}, bottom first"
        )
    memory: dict[str, list[Any] | Stream] = {}
    for location, stack in given.items():
        if isinstance(stack, Stream):
            memory[location] = stack
        elif isinstance(stack, str) or not isinstance(stack, Iterable):
            raise TypeError(
                f"location {location!r} has a stack, bottom first, but got {stack!r}; write [{stack!r}]"
            )
        elif isinstance(stack, Iterator):
            memory[location] = Stream(stack)
        else:
            memory[location] = [value_term(value) for value in stack]
    return memory
