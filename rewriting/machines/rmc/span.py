"""Spans: the normal form of star-free programs, and how they compare.

A span is ``new x1 ... xn. (tests); (pops); (pushes)``: what a star-free program takes from the stacks and what it leaves on them, on one
successful branch.  A closed star-free program is equal to the sum of its spans; they are found by one symbolic run, on a memory of which
nothing is known: a pop from a stack that is used up is a demand on the input [R; measured equal to reduction in any order].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.rewriting.limits import refuse_other_limits
from symnum.rewriting.machines.binding import substitute
from symnum.rewriting.machines.nodes import Node, is_variable, variable
from symnum.rewriting.machines.rmc.machine import Answers
from symnum.rewriting.machines.rmc.printer import brief
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Limits
from symnum.rewriting.machines.rmc.state import State
from symnum.rewriting.machines.rmc.syntax import (
    STAR,
    as_program,
    free_unknowns,
    new,
    plus,
    pop,
    push,
    seq,
    test,
)
from symnum.rewriting.machines.rmc.unification import resolve, unbound, walk

Stacks = tuple[tuple[str, tuple[Any, ...]], ...]
"""Values by location, locations in order."""


@dataclass(frozen=True, slots=True)
class Span:
    """One branch of a star-free program: ``pops`` from the top down, ``pushes`` from the bottom up, ``tests`` on free unknowns.

    Unknowns that the span makes are numbered in the order in which they occur, so that spans that differ in names are equal.
    """

    tests: tuple[tuple[str, Any], ...]
    pops: Stacks
    pushes: Stacks

    @property
    def dual(self) -> Span:
        """Return the converse span."""
        turned = [tuple([(a, values[::-1]) for a, values in side]) for side in (self.pushes, self.pops)]
        return _canonical(self.tests, turned[0], turned[1])

    @property
    def program(self) -> Node:
        """Return the span as a program."""
        names = {u: variable(f"x{i}") for i, u in enumerate(_own(self))}

        def named(value: Any) -> Any:
            return substitute(value, names) if names else value

        steps = [test(variable(name), named(value)) for name, value in self.tests]
        steps += [pop(named(v), a) for a, values in self.pops for v in values]
        steps += [push(named(v), a) for a, values in self.pushes for v in values]
        return new(names.values(), seq(*steps))

    def __str__(self) -> str:
        return str(self.program)

    def __repr__(self) -> str:
        return f"<{self}>"


def spans(program: Node | str, *, limits: Limits = DEFAULT_LIMITS) -> Counter[Span]:
    """Return the spans of a star-free program, each with its multiplicity.

    Raises ValueError for a program with a star in it, and OverflowError for one that has more spans than the limits allow.

    >>> spans("new x. <x>; [f(x, b)]; new u v. <f(u, v)>; [v]; [u]")
    Counter({<∃x0. ⟨x0⟩; [b]; [x0]>: 1})
    """
    term = as_program(program)
    refuse_other_limits(limits, Limits, "spans")
    if has_star(term):
        raise ValueError(
            f"{brief(term)!r} has a star in it and may have infinitely many spans; ask for rmc.normalize(program), or unroll it first"
        )
    found = Answers(term, {}, "depth", limits, symbolic=True)
    free = sorted(free_unknowns(term), key=str)
    counted = Counter([_span_of(state, free) for state in found.finals()])
    if not found.report.exhausted:
        raise OverflowError(f"the spans of {brief(term)!r} are not all known: {found.report.why}")
    return counted


def has_star(program: Node) -> bool:
    """Tell whether there is a star in a program."""
    return any(
        type(part) is Node and part.leaf is None and part.head.name == STAR
        for part in interface.postorder(program)
    )


def _span_of(state: State, free: list[Node]) -> Span:
    tests = tuple([(str(u), resolve(u, state.bindings)) for u in free if walk(u, state.bindings) is not u])
    assert state.demands is not None
    pops, pushes = [
        tuple([(a, tuple([resolve(v, state.bindings) for v in memory[a]][::-1])) for a in sorted(memory)])
        for memory in (state.demands, state.memory)
    ]
    return _canonical(tests, pops, pushes)


def _canonical(tests: tuple[tuple[str, Any], ...], pops: Stacks, pushes: Stacks) -> Span:
    """Return the span with its own unknowns numbered in the order in which they occur."""
    names: dict[Any, Any] = {}
    values = [v for _, v in tests] + [v for side in (pops, pushes) for _, stack in side for v in stack]
    for value in values:
        for unknown in unbound(value, {}):
            if unknown not in names and _is_made(unknown):
                names[unknown] = variable(len(names))
    if all(old is new for old, new in names.items()):
        return Span(tests, pops, pushes)

    def renamed(stacks: Stacks) -> Stacks:
        return tuple([(a, tuple([substitute(v, names) for v in stack])) for a, stack in stacks])

    return Span(tuple([(name, substitute(v, names)) for name, v in tests]), renamed(pops), renamed(pushes))


def _is_made(unknown: Node) -> bool:
    assert unknown.leaf is not None
    return isinstance(unknown.leaf[1], int)


def _values(span: Span) -> Iterator[Any]:
    for _, value in span.tests:
        yield value
    for side in (span.pops, span.pushes):
        for _, stack in side:
            yield from stack


def _own(span: Span) -> list[Node]:
    found: dict[Node, None] = {}
    for value in _values(span):
        found.update(dict.fromkeys([u for u in unbound(value, {}) if _is_made(u)]))
    return list(found)


def sum_of_spans(found: Mapping[Span, int]) -> Node:
    """Return the sum of spans in a fixed order, each as often as it was found."""
    return plus(*[span.program for span in sorted(found, key=str) for _ in range(found[span])])


def letters_of(span: Span) -> list[Node]:
    """Return the shortest closed programs of which a span without tests is the sequence: steps that share an unknown stay together.

    >>> letters_of(next(iter(spans("new x. <a>; b<x>; [x]c; [d]"))))
    [∃x0. b⟨x0⟩; ⟨a⟩; [x0]c, [d]]
    """
    steps = [(True, a, v) for a, values in span.pops for v in values]
    steps += [(False, a, v) for a, values in span.pushes for v in values]
    last: dict[Node, int] = {}
    for place, (_, _, value) in enumerate(steps):
        last.update(dict.fromkeys(unbound(value, {}), place))
    found, start, end = [], 0, -1
    for place, (_, _, value) in enumerate(steps):
        end = max([end, place, *[last[u] for u in unbound(value, {})]])
        if end == place:
            found.append(_letter(steps[start : place + 1]))
            start = place + 1
    return found


def _letter(steps: list[tuple[bool, str, Any]]) -> Node:
    sides: tuple[dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]] = ({}, {})
    for popped, location, value in steps:
        side = sides[0 if popped else 1]
        side[location] = (*side.get(location, ()), value)
    return _canonical((), tuple(sides[0].items()), tuple(sides[1].items())).program


# --- comparing --------------------------------------------------------------------------------------------------------------


def subsumes(general: Span, special: Span) -> bool:
    """Tell whether every pair of memories that ``special`` relates is related by ``general``, over infinitely many constants.

    That is so when ``special`` is an instance of ``general`` with more of the stacks below spelled out.  Spans must have no tests.

    >>> first, second = [next(iter(spans(text))) for text in ("new x. <x>; [x]; [a]", "<b>; [b]; [a]")]
    >>> subsumes(first, second), subsumes(second, first)
    (True, False)
    """
    pops, pushes = dict(special.pops), dict(special.pushes)
    pairs: list[tuple[Any, Any]] = []
    for location in {*pops, *pushes, *dict(general.pops), *dict(general.pushes)}:
        taken, left = pops.get(location, ()), pushes.get(location, ())
        wanted, given = dict(general.pops).get(location, ()), dict(general.pushes).get(location, ())
        below = len(taken) - len(wanted)
        if below < 0 or below != len(left) - len(given) or taken[len(wanted) :][::-1] != left[:below]:
            return False
        pairs += [*zip(wanted, taken), *zip(given, left[below:])]
    return matches(pairs)


def matches(pairs: list[tuple[Any, Any]]) -> bool:
    """Tell whether one substitution turns each first term into the second, whose unknowns are constants."""
    bound: dict[Node, Any] = {}
    stack = list(pairs)
    while stack:
        pattern, term = stack.pop()
        if is_variable(pattern):
            if bound.setdefault(pattern, term) != term:
                return False
        elif type(pattern) is not Node or pattern.ground:
            if interface.key(pattern) != interface.key(term):
                return False
        else:
            if not (interface.is_call(term) and interface.head(term) == pattern.head.name):
                return False
            args = interface.sorted_args(term)
            if len(args) != len(pattern.args):
                return False
            stack.extend(zip(pattern.args, args))
    return True


def without_frame(span: Span) -> tuple[Span, tuple[tuple[str, int], ...]]:
    """Return a span without the unknowns that it takes from below and puts back unused, and how many these are by location."""
    uses = Counter([u for v in _values(span) for u in unbound(v, {})])
    pops, pushes = dict(span.pops), dict(span.pushes)
    frame = {}
    for location in set(pops) & set(pushes):
        taken, left = pops[location], pushes[location]
        count = 0
        while (
            count < min(len(taken), len(left))
            and is_variable(taken[-1 - count])
            and taken[-1 - count] is left[count]
            and uses[taken[-1 - count]] == 2
        ):
            count += 1
        if count:
            frame[location] = count
            pops[location], pushes[location] = taken[: len(taken) - count], left[count:]
    core = _canonical(
        span.tests,
        tuple([(a, v) for a, v in sorted(pops.items()) if v]),
        tuple([(a, v) for a, v in sorted(pushes.items()) if v]),
    )
    return core, tuple(sorted(frame.items()))
