"""The kappa calculus, and the first-order fragment of the functional machine calculus [R; measured].

    id = skip     e2 . e1 = e1; e2     x = [x]     c = [c]     lift(e) = e     kappa x. e = new x. (<x>; e)

Kappa's beta rule, (kappa x. e) . lift(c) = e[c/x], is extrusion and binding of the relational calculus.  (Hasegawa, "Decomposing typed
lambda calculus into a couple of categorical programming languages", CTCS 1995.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.syntax import MAIN, new, pop, push, seq, unknown


def kappa(name: str, body: Node) -> Node:
    """Return kappa x. e: take a value, and go on with it as the unknown ``x``.

    >>> from symnum.rewriting.machines.rmc import push, unknown
    >>> kappa("x", push(unknown("x")))
    ∃x. ⟨x⟩; [x]
    """
    return new([name], seq(pop(unknown(name)), body))


def compose(*maps: Node) -> Node:
    """Return the composite of maps in the order of mathematics: the last one is first to run."""
    return seq(*reversed(maps))


def lift(value: Any) -> Node:
    """Return the map that puts one value more on the stack."""
    return push(value)


def apply_kappa(function: Node, value: Any) -> Node:
    """Return a map applied to one value: composed with its lifting.

    >>> from symnum.rewriting.machines.rmc import normalize, push, value
    >>> normalize(apply_kappa(kappa("x", push(value("f(?x, ?x)"))), value("a")))
    [f(a, a)]
    """
    return compose(function, lift(value))


Instruction = tuple[str, Any, str]


def first_order(instructions: Iterable[Instruction | tuple[str, Any]]) -> Node:
    """Return a program of the first-order functional machine calculus: ("push", value, location) and ("pop", name, location).

    A pop binds its name in all that follows, ``a<x>. M = new x. (a<x>; M)``; the location may be left out.

    >>> first_order([("pop", "x"), ("pop", "y"), ("push", "?x"), ("push", "?y", "a")])
    ∃x. ⟨x⟩; ∃y. ⟨y⟩; [x]; [y]a
    """
    program = seq()
    for kind, what, *where in reversed(list(instructions)):
        location = where[0] if where else MAIN
        if kind == "push":
            program = seq(push(what, location), program)
        elif kind == "pop":
            program = new([what], seq(pop(unknown(what), location), program))
        else:
            raise ValueError(
                f"there is no instruction {kind!r}; write ('push', value, location) or ('pop', name, location)"
            )
    return program
