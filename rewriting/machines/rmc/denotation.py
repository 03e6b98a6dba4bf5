"""What a program means: a relation between memories, found by brute force over a finite universe of values.

    [[skip]] = id     [[M; N]] = composition     [[0]] = {}     [[M + N]] = union     [[M*]] = reflexive-transitive closure
    [[[t]a]] = {(S, S with t on a)}     [[a<t>]] = its converse     [[s == t]] = id where s = t
    [[new x. M]] = union over all values of x in the universe

Over a universe of ground values it holds what the machine's answers have as ground instances in it [section 2.4 of the specification,
M; measured].  Nothing is unified here: this is the oracle for machine, duality, reduction and equality, for small programs.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import product
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.syntax import (
    NEW,
    POP,
    PUSH,
    SEQ,
    SKIP,
    STAR,
    SUM,
    TEST,
    Memory,
    as_memory,
    as_program,
    free_unknowns,
)
from symnum.rewriting.machines.rmc.unification import resolve, unbound

GroundMemory = tuple[tuple[str, tuple[Any, ...]], ...]
"""Stacks from bottom to top by location, in the order of the names, none of them empty."""

_Call = tuple[Node, frozenset[GroundMemory]]


def den(
    program: Node | str, memory: Memory | None, universe: Iterable[Any], *, most: int = 10_000
) -> frozenset[GroundMemory]:
    """Return all memories to which a closed program relates a ground memory, ``new`` ranging over the universe.

    Raises ValueError for unknowns that are free in program or memory, and OverflowError where more than ``most`` memories are met at once,
    as for a star that pushes without end.

    >>> sorted(den("new x. <x>; ([f(x)] + skip)", "b c", ["b", "c"]), key=str)
    [(('λ', (b, f(c))),), (('λ', (b,)),)]
    """
    from symnum.rewriting.machines.rmc.parser import value

    term = as_program(program)
    values = tuple([value(u) if isinstance(u, str) else u for u in universe])
    start = tuple(sorted(as_memory(memory).items()))
    loose = [*free_unknowns(term), *[u for _, stack in start for v in stack for u in unbound(v, {})]]
    if loose:
        raise ValueError(
            f"the unknown {loose[0]!s} is free, so that nothing says what it stands for; bind it: new {loose[0]!s}. (...)"
        )
    environment: list[Any] = []
    stack = [_image(term, environment, frozenset([start]), values, most)]
    result: frozenset[GroundMemory] | None = None
    while stack:
        try:
            asked = stack[-1].send(result)  # type: ignore[arg-type]  # None starts a generator
        except StopIteration as done:
            result = done.value
            stack.pop()
        else:
            stack.append(_image(asked[0], environment, asked[1], values, most))
            result = None
    assert result is not None
    return result


def _image(
    program: Node,
    environment: list[Any],
    memories: frozenset[GroundMemory],
    universe: tuple[Any, ...],
    most: int,
) -> Generator[_Call, frozenset[GroundMemory], frozenset[GroundMemory]]:
    """Return the image of a set of memories; each (program, memories) that is yielded is answered with its image.

    ``environment`` holds the values of the bound variables, the innermost last; it is shared, as parts are worked out one inside the other.
    """
    head = program.head.name
    if not memories or head == SKIP:
        return memories
    if head == SEQ:
        for part in program.args:
            memories = yield part, memories
        return memories
    if head in (PUSH, POP, TEST):
        return frozenset(_moved(program, environment, memories))
    met: frozenset[GroundMemory] = memories if head == STAR else frozenset()
    if head == SUM:
        for part in program.args:
            met |= yield part, memories
    elif head == NEW:
        for value in universe:
            environment.append(value)
            met |= yield program.args[1], memories
            environment.pop()
            _check(met, most)
    elif head == STAR:
        latest = memories
        while latest:
            latest = (yield program.args[0], latest) - met
            met |= latest
            _check(met, most)
    return met


def _check(met: frozenset[GroundMemory], most: int) -> None:
    if len(met) > most:
        raise OverflowError(
            f"more than {most:,} memories are met, and there may be no end; take a smaller universe, or den(..., most={10 * most})"
        )


def _moved(step: Node, environment: list[Any], memories: frozenset[GroundMemory]) -> Iterator[GroundMemory]:
    """Yield what a push, a pop or a test makes of each memory where it can be done."""
    ground = [resolve(a, {}, environment) for a in step.args]
    if step.head.name == TEST:
        if interface.key(ground[0]) == interface.key(ground[1]):
            yield from memories
        return
    pushes = step.head.name == PUSH
    value, location = ground if pushes else ground[::-1]
    name = location.leaf[1]
    for memory in memories:
        stacks = dict(memory)
        held = stacks.get(name, ())
        if pushes:
            stacks[name] = (*held, value)
        elif held and interface.key(held[-1]) == interface.key(value):
            stacks[name] = held[:-1]
            if not stacks[name]:
                del stacks[name]
        else:
            continue
        yield tuple(sorted(stacks.items()))


def memories(
    locations: Iterable[str], universe: Iterable[Any], depth: int
) -> Iterator[dict[str, tuple[Any, ...]]]:
    """Yield all memories whose stacks are of at most ``depth`` values.

    >>> from symnum.rewriting.machines import rmc
    >>> len(list(memories("ab", [rmc.constant("c")], 2)))
    9
    """
    values = list(universe)
    stacks = [stack for size in range(depth + 1) for stack in product(values, repeat=size)]
    names = list(locations)
    for chosen in product(stacks, repeat=len(names)):
        yield {name: stack for name, stack in zip(names, chosen) if stack}
