"""Interaction nets as equations with marked wire ends [R; not compared with the encoding of the paper's section 8.3].

A pop unifies where an interaction rule must match, so a wire must not be a bare unknown: popping a pattern from it would invent a cell.
So each wire W has a write end ``p(W)`` and a read end ``n(W)``.  The location e holds equations ``eq(s, t)`` between ports: cells
``agent(t1, ..., tn)`` at their principal ports, and wire ends.  Rules, each also with its sides changed:

    new x.   e<eq(p(x), x)>                            a write end takes what it meets
    new x y. e<eq(n(x), y)>; [eq(x, y)]e               a read end is replaced by what was written
    new x.   e<eq(a(x...), b(y...))>; [...]e           two cells interact: the equations of the right-hand side

A read end that is met before its write end guesses the cell, and the guess is checked when the write end comes: answers are right, but the
search may not end.  List equations so that what is written comes first.  (Interaction nets: Lafont, POPL 1990; as equations: Fernandez and
Mackie, "A calculus for interaction nets", PPDP 1999.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node, is_variable
from symnum.rewriting.machines.rmc.machine import answers
from symnum.rewriting.machines.rmc.parser import value
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Limits
from symnum.rewriting.machines.rmc.syntax import constant, function, new, plus, pop, push, seq, star, unknown
from symnum.rewriting.machines.rmc.unification import unbound

_E = "e"
_DONE = "end"


@dataclass(frozen=True, slots=True)
class Interaction:
    """A rule between two cells: ``Interaction("s(X)", "add(Y, R)", ["R = s(n(W))", "X = add(Y, p(W))"])``.

    Unknowns are auxiliary ports, and wires that the rule makes, written once as ``p(W)`` and once as ``n(W)``.
    """

    left: str
    right: str
    equations: tuple[str, ...] | list[str]


def interaction_net(rules: Iterable[Interaction], equations: Iterable[str]) -> Node:
    """Return the program that reduces the net of the equations; unknowns of the net stay free, and the answers say what they are.

    Raises ValueError for equations without "=" and for cells that are unknowns.

    >>> rules = [Interaction("z", "add(Y, R)", ["Y = R"]), Interaction("s(X)", "add(Y, R)", ["R = s(n(W))", "X = add(Y, p(W))"])]
    >>> from symnum.rewriting.machines import rmc
    >>> rmc.run(interaction_net(rules, ["s(z) = add(s(z), p(Out))"]))[0]["Out"]
    s(n(s(z)))
    """
    x, y = unknown("x"), unknown("y")
    steps = [new("x", _popped(*sides)) for sides in _both(function("p", x), x)]
    steps += [new("x y", seq(_popped(*sides), _pushed(x, y))) for sides in _both(function("n", x), y)]
    for rule in rules:
        cells = value(rule.left), value(rule.right)
        if any(is_variable(cell) for cell in cells):
            raise ValueError(f"{rule} has an unknown for a cell; write an agent, such as 'dup(X, Y)'")
        made = list(_equations(rule.equations))
        ports = [port for side in (*cells, *[t for pair in made for t in pair]) for port in unbound(side, {})]
        right = [_pushed(*pair) for pair in reversed(made)]
        steps += [new(dict.fromkeys(ports), seq(_popped(*sides), *right)) for sides in _both(*cells)]
    start = [_pushed(*pair) for pair in reversed(list(_equations(equations)))]
    return seq(push(constant(_DONE), _E), *start, star(plus(*steps)), pop(constant(_DONE), _E))


def _both(left: Any, right: Any) -> list[tuple[Any, Any]]:
    return [(left, right)] if left == right else [(left, right), (right, left)]


def _popped(left: Any, right: Any) -> Node:
    return pop(function("eq", left, right), _E)


def _pushed(left: Any, right: Any) -> Node:
    return push(function("eq", left, right), _E)


def _equations(texts: Iterable[str]) -> Iterator[tuple[Any, Any]]:
    for text in texts:
        left, sign, right = text.partition("=")
        if not sign:
            raise ValueError(f"{text!r} is no equation between two ports; write 'R = s(n(W))'")
        yield value(left), value(right)


def reduce_net(
    rules: Iterable[Interaction],
    equations: Iterable[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> dict[str, Any]:
    """Return what the unknowns of a net are in its normal form, read ends being replaced by what was written.

    Raises ValueError for a net that gets stuck, and TimeoutError where the limits are reached first.

    >>> rules = [Interaction("z", "dup(X, Y)", ["X = z", "Y = z"])]
    >>> reduce_net(rules, ["z = dup(p(A), p(B))"])
    {'A': z, 'B': z}
    """
    found = answers(interaction_net(rules, equations), None, search="breadth", limits=limits)
    answer = next(found, None)
    if answer is None:
        if found.report.exhausted:
            raise ValueError(f"the net is stuck: no rule applies where {found.report.stuck}")
        raise TimeoutError(f"the net has no normal form yet: {found.report.why}")
    return {name: readback(term) for name, term in answer.unknowns}


def readback(term: Any) -> Any:
    """Return a value with the read ends of wires taken away.

    >>> readback(value("s(n(s(n(z))))"))
    s(s(z))
    """
    done: dict[Any, Any] = {}
    for part in interface.postorder(term):
        made = part
        if interface.is_call(part):
            args = [done[interface.key(a)] for a in interface.sorted_args(part)]
            made = (
                args[0]
                if interface.head(part) == "n" and len(args) == 1
                else function(interface.head(part), *args)
            )
        done[interface.key(part)] = made
    return done[interface.key(term)]
