"""A traced system whose formulas are the cheapest proved forms that :func:`symnum.optimize` finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.pde.graph import Elementwise, Graph
from symnum.pde.rebuild import rebuilt
from symnum.rewriting.optimizer import optimize

if TYPE_CHECKING:
    from symnum.pde.traced_system import TracedSystem


def optimized_system(system: TracedSystem, cost: Any = "cycles") -> TracedSystem:
    """Return the system with the formulas of each shape optimised together, so that they share what they can.

    ``cost`` is that of :func:`symnum.optimize`.  Results may differ from those of the system in the last digits.
    """
    from symnum.pde.traced_system import TracedSystem

    old = system.graph
    by_shape: dict[Any, list[Elementwise]] = {}
    for node in old.reachable([system.output]):
        if isinstance(node, Elementwise) and not interface.is_number(node.term):
            by_shape.setdefault((node.shape, node.dtype), []).append(node)
    formulas: dict[int, Any] = {}
    for nodes in by_shape.values():
        found = optimize([node.term for node in nodes], cost)
        formulas.update({node.index: term for node, term in zip(nodes, found, strict=True)})
    new = Graph(system.dtype)
    for given in old.inputs:
        new.input(given.name, given.shape, given.dtype, given.weak)
    (output,) = rebuilt(old, [system.output], new, {}, formulas)
    state = new.input("u", system.shape)
    return TracedSystem(new, state, output, system.u0, system.t0, system.array_parameters)
