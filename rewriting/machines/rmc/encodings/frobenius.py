"""Frobenius monoids: programs of unknowns alone are string diagrams [C: soundness and completeness; R: these programs].

Copy and discard are a comonoid, match and create its dual monoid; together they satisfy the Frobenius law, copy; match = id, and
create; discard = id.  So a closed program of unknowns alone is a partition of its inputs and outputs: two of them are joined
when they are one value (an extraspecial commutative Frobenius monoid: Coya and Fong, "Corelations are the prop for extraspecial
commutative Frobenius monoids", Theory and Applications of Categories 32, 2017).  Everything holds in context, on stacks deep enough.
"""

from __future__ import annotations

from symnum.rewriting.machines.nodes import Node, is_variable
from symnum.rewriting.machines.rmc.span import spans, without_frame
from symnum.rewriting.machines.rmc.syntax import MAIN, new, pop, push, seq, unknown

_X, _Y = unknown("x"), unknown("y")

copy: Node = new("x", seq(pop(_X), push(_X), push(_X)))
"""Takes a value and leaves it twice."""

discard: Node = new("x", pop(_X))
"""Takes a value."""

match: Node = new("x", seq(pop(_X), pop(_X), push(_X)))
"""Takes two values that must be one, and leaves it: the dual of copy."""

create: Node = new("x", push(_X))
"""Leaves a value of which nothing is known: the dual of discard."""

swap: Node = new("x y", seq(pop(_X), pop(_Y), push(_X), push(_Y)))
"""Turns two values round."""


def below(count: int, program: Node) -> Node:
    """Return a program that leaves ``count`` values on top alone and works below them.

    >>> below(1, discard)
    ∃u0. ⟨u0⟩; (∃x. ⟨x⟩); [u0]
    """
    kept = [unknown(f"u{i}") for i in range(count)]
    return new(kept, seq(*map(pop, kept), program, *map(push, reversed(kept))))


def beside(program: Node, outputs: int, other: Node) -> Node:
    """Return the parallel composite: one program on top, which leaves ``outputs`` values, and another one below it.

    >>> from symnum.rewriting.machines.rmc import run
    >>> run(beside(copy, 2, discard), "b c")[0]
    <λ: c c>
    """
    return seq(program, below(outputs, other))


def partition(program: Node | str) -> frozenset[frozenset[str]]:
    """Return the partition of inputs i0, i1, ... and outputs o0, o1, ... (from the top) that a program of unknowns alone means.

    Values that pass through below are left out.  Raises ValueError for programs that mean something else.

    >>> sorted(map(sorted, partition(seq(copy, discard, create, swap))))
    [['i0', 'o0'], ['o1']]
    """
    found = spans(program)
    if sum(found.values()) != 1:
        raise ValueError(
            f"{program!s} has {sum(found.values())} spans, and a partition is one; leave sums, 0 and constants out"
        )
    span, _ = without_frame(next(iter(found)))
    if any(location != MAIN for location, _ in (*span.pops, *span.pushes)):
        raise ValueError(f"{program!s} uses other locations; a partition is of the main stack")
    taken, left = dict(span.pops).get(MAIN, ()), dict(span.pushes).get(MAIN, ())
    blocks: dict[Node, set[str]] = {}
    for kind, values in (("i", taken), ("o", left[::-1])):
        for place, value in enumerate(values):
            if not is_variable(value):
                raise ValueError(
                    f"{program!s} has the value {value!s} in it; a partition is of unknowns alone"
                )
            blocks.setdefault(value, set()).add(f"{kind}{place}")
    return frozenset(map(frozenset, blocks.values()))
