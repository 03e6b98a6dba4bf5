"""Terms of the relational machine calculus: heads, and the functions that build programs from them.

    M, N ::= skip | M; N | 0 | M + N | M* | [t]a | a<t> | new x. M | s == t

A value t is an unknown, a call f(t1, ..., tn), or any term of symnum.  ``[t]a`` pushes t on the stack of location a, ``a<t>`` pops a
value and unifies it with t, ``new x`` makes an unknown.  The test ``s == t`` is short for ``[s]a; a<t>`` with any a.

Constructors: Barrett, Castle and Heijltjes, "The relational machine calculus" (LICS 2024, arXiv 2405.10801), section 2 [C for their
existence, M for their shape]; the test as a constructor [R].  Sequences and sums are flat, and skip and 0 are their units; sums keep the
order in which they are written, which is the order of a depth-first search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.machines.binding import abstract
from symnum.rewriting.machines.nodes import (
    Head,
    Node,
    atom,
    call,
    declare,
    hint,
    is_head,
    is_variable,
    node,
    spell,
    variable,
)

SKIP, ZERO, SEQ, SUM, STAR = "rmc.skip", "rmc.zero", "rmc.seq", "rmc.sum", "rmc.star"
PUSH, POP, NEW, TEST = "rmc.push", "rmc.pop", "rmc.new", "rmc.test"

declare(SKIP, arity=0)
declare(ZERO, arity=0)
declare(SEQ, associative=True, unit=SKIP, zero=ZERO)
declare(SUM, associative=True, commutative=True, unit=ZERO)
declare(STAR, arity=1)
declare(PUSH, arity=2)
declare(POP, arity=2)
declare(NEW, arity=2, binds=(0, 1))
declare(TEST, arity=2, commutative=True)

HEADS = frozenset({SKIP, ZERO, SEQ, SUM, STAR, PUSH, POP, NEW, TEST})
"""The heads of programs; what has another head is a value."""

MAIN = "λ"
"""The location that is meant where none is written."""


def _text(program: Node) -> str:
    from symnum.rewriting.machines.rmc.printer import format

    return format(program)


spell("rmc", _text)

skip: Node = call(SKIP)
zero: Node = call(ZERO)


def seq(*programs: Node) -> Node:
    """Return the sequence of programs, from left to right.

    >>> seq(push(constant("a")), skip, pop(constant("b"), "c"))
    [a]; c⟨b⟩
    """
    return call(SEQ, *map(_program, programs))


def plus(*programs: Node) -> Node:
    """Return the choice between programs; of none it is 0."""
    return call(SUM, *map(_program, programs))


def star(program: Node) -> Node:
    """Return the program that runs another any number of times."""
    return call(STAR, _program(program))


def push(value: Any, location: str = MAIN) -> Node:
    """Return the program that pushes a value."""
    return call(PUSH, _value(value), _location(location))


def pop(value: Any, location: str = MAIN) -> Node:
    """Return the program that pops a value and unifies it with the one given."""
    return call(POP, _location(location), _value(value))


def test(left: Any, right: Any) -> Node:
    """Return the program that unifies two values, and moves nothing."""
    return call(TEST, _value(left), _value(right))


test.__test__ = False  # type: ignore[attr-defined]  # not a test of pytest's


def new(unknowns: str | Iterable[Any], program: Node) -> Node:
    """Return the program that makes unknowns: variables or their names, the first one outermost.

    >>> x, y = unknown("x"), unknown("y")
    >>> new("x y", seq(pop(x), pop(y), push(x), push(y)))
    ∃x y. ⟨x⟩; ⟨y⟩; [x]; [y]
    """
    names = [
        u if isinstance(u, str) else interface.name(u)
        for u in (unknowns.split() if isinstance(unknowns, str) else unknowns)
    ]
    body = abstract(_program(program), *[variable(name) for name in reversed(names)])
    for name in reversed(names):
        body = call(NEW, hint(name), body)
    return body


def unknown(name: str) -> Node:
    """Return the unknown of a name; it is free until :func:`new` binds it."""
    return variable(name)


def unknowns(names: str) -> tuple[Node, ...]:
    """Return the unknowns of names that are separated by blanks.

    >>> unknowns("X Y")
    (X, Y)
    """
    return tuple([variable(name) for name in names.split()])


_WRITABLE = re.compile(r"[^'\n]+'*\Z")


def constant(name: str) -> Any:
    """Return the value with a name and no arguments.

    A name that is an operator of symnum takes no part in its algebra: ``constant("-")`` is a letter.  Raises ValueError for a name that
    could not be written in quotes.

    >>> constant("nil"), constant("#"), str(push(constant("-")))
    (nil, #, "['-']")
    """
    if not _WRITABLE.match(name):
        raise ValueError(
            f"a constant cannot be named {name!r}; use a name without line breaks, and with quotes at its end alone"
        )
    guarded = "." in name or (name in OPERATORS and OPERATORS[name].arity[0] > 0)
    return node(Head(f"'{name}'"), ()) if guarded else call(name)


def constant_name(value: Any) -> str | None:
    """Return the name of a constant, or None for another value.

    >>> constant_name(constant("-")), constant_name(function("f", constant("a")))
    ('-', None)
    """
    if type(value) is not Node or value.leaf is not None or value.args:
        return None
    name = value.head.name
    return name[1:-1] if name[0] == name[-1] == "'" else name


def function(name: str, *arguments: Any) -> Any:
    """Return the value f(t1, ..., tn).

    >>> function("s", function("s", constant("z")))
    s(s(z))
    """
    return call(name, *map(_value, arguments))


def is_program(term: Any) -> bool:
    """Tell whether a term is a program, and not a value."""
    return type(term) is Node and term.leaf is None and term.head.name in HEADS


def location_of(step: Node) -> str:
    """Return the location of a push or pop."""
    return step.args[1 if step.head.name == PUSH else 0].leaf[1]


def value_of(step: Node) -> Any:
    """Return the value of a push or pop."""
    return step.args[0 if step.head.name == PUSH else 1]


def _program(given: Any) -> Node:
    if is_program(given):
        return given
    from symnum.rewriting.machines.rmc.parser import parse

    if isinstance(given, str):
        return parse(given)
    raise TypeError(
        f"a program is needed, but got {given!r} of type {type(given).__name__}; write rmc.parse('<x>; [x]') or rmc.push(value)"
    )


def _value(given: Any) -> Any:
    if isinstance(given, str):
        from symnum.rewriting.machines.rmc.parser import value

        return value(given)
    if not interface.is_term(given):
        raise TypeError(
            f"a value is a term, but got {given!r} of type {type(given).__name__}; write rmc.value('f(a, X)') or pass a term of symnum"
        )
    if is_program(given):
        raise TypeError(
            f"a value is needed, but got the program {given!s}; a program can be run, and not pushed, so write its steps in sequence"
        )
    return given


def _location(given: str) -> Node:
    if not isinstance(given, str) or not given:
        raise TypeError(f"a location is a name, but got {given!r}; write rmc.push(value, 'a')")
    return atom(given)


Stack = Sequence[Any] | str
"""Values, or text of values separated by blanks, from the bottom to the top."""

Memory = Mapping[str, Stack] | Stack
"""A stack for each location, or the main stack alone."""


def as_program(given: Node | str) -> Node:
    """Return a program, read from text where need be; raises TypeError for what is none."""
    return _program(given)


def as_memory(given: Memory | None) -> dict[str, tuple[Any, ...]]:
    """Return a memory without empty stacks; text stands for values from the bottom to the top, and alone for the main stack.

    >>> as_memory({"i": "$ b a"}), as_memory("s(z) X")
    ({'i': ($, b, a)}, {'λ': (s(z), X)})
    """
    from symnum.rewriting.machines.rmc.parser import values

    if given is None:
        return {}
    if isinstance(given, str | list | tuple):
        given = {MAIN: given}
    if not isinstance(given, Mapping):
        raise TypeError(
            f"a memory is a mapping from locations to stacks, but got {given!r}; write {{'a': 'b c'}}, the top last"
        )
    stacks = {}
    for location, stack in given.items():
        _location(location)
        found = values(stack) if isinstance(stack, str) else tuple([_value(v) for v in stack])
        if found:
            stacks[location] = found
    return stacks


def is_step(term: Any) -> bool:
    """Tell whether a program is a push or a pop."""
    return is_head(term, PUSH) or is_head(term, POP)


def parts(program: Node) -> list[tuple[Node, int]]:
    """Return the programs of which a program is made, each with the number of unknowns that it binds there."""
    if program.head.name == NEW:
        return [(program.args[1], 1)]
    return [(a, 0) for a in program.args] if program.head.name in (SEQ, SUM, STAR) else []


def free_unknowns(program: Node) -> list[Node]:
    """Return the unknowns that are free in a program, in the order in which they occur.

    >>> free_unknowns(seq(push("f(X)"), pop("Y"), push("X")))
    [X, Y]
    """
    from symnum.rewriting.machines.rmc.unification import unbound

    return [u for u in unbound(program, {}) if is_variable(u)]
