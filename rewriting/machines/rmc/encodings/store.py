"""A first-order store: a memory cell is a location that holds one value [C definitions of FMC, read relationally]."""

from __future__ import annotations

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.syntax import new, pop, push, seq, unknown

_X, _Y = unknown("x"), unknown("y")


def get(cell: str) -> Node:
    """Return the program that pushes the value of a cell.

    >>> get("c")
    ∃x. c⟨x⟩; [x]c; [x]
    """
    return new("x", seq(pop(_X, cell), push(_X, cell), push(_X)))


def put(cell: str) -> Node:
    """Return the program that sets a cell to the value on top of the stack; its dual forgets what the cell was set to.

    >>> from symnum.rewriting.machines import rmc
    >>> rmc.run(rmc.dual(put("c")), {"c": "b"})[0]
    <c: _0, λ: b>
    """
    return new("x y", seq(pop(_X), pop(_Y, cell), push(_X, cell)))
