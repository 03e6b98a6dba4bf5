"""Right-hand sides fused with the sums of a time step: one pass over memory does both.

A traced program is copied into a graph whose state has several fields of the shape of the state, and whose output is a combination of
fields and of the right-hand side at one of them.  What Python would compute as ``y + h/2 * f(w)`` in three passes, through two arrays
that are only read once, is then one loop nest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symnum.pde.graph import Graph, Node
from symnum.pde.rebuild import rebuilt
from symnum.pde.regions import Strided, contiguous_strides

STEP = "step length"
"""The name of the parameter that is h; no parameter of a user can have it."""


Combination = Callable[[Graph, Node, Sequence[Node], Node], Node]
"""From a graph, h, the fields and the right-hand side to what a stage writes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a time step: ``combination`` of h, of so many ``fields``, and of the right-hand side at the field number ``at``."""

    name: str
    fields: int
    at: int
    combination: Combination

    def program(self, graph: Graph, output: Node) -> tuple[Graph, Node]:
        """Return the graph and output of this stage for the right-hand side ``output``; its state is (fields, *shape)."""
        target = Graph(graph.dtype)
        shape = output.shape
        state = target.input("u", (self.fields, *shape))
        fields = [
            target.view(state, Strided(k * output.size, shape, contiguous_strides(shape)))
            for k in range(self.fields)
        ]
        inputs: dict[Node, Node] = {
            node: fields[self.at]
            if node.name == "u"
            else target.input(node.name, node.shape, node.dtype, node.weak)
            for node in graph.inputs
        }
        h = target.input(STEP, (), weak=True)
        (rhs,) = rebuilt(graph, [output], target, inputs)
        return target, self.combination(target, h, fields, rhs)


def _sum(graph: Graph, *terms: tuple[float, Node]) -> Node:
    """Return the sum of number * node."""
    scaled = [node if c == 1 else graph.elementwise("*", [graph.number(c), node]) for c, node in terms]
    return graph.elementwise("+", scaled)


def _step(factor: float) -> Combination:
    """Return y + factor * h * k, where y is the first field."""

    def combination(graph: Graph, h: Node, fields: Sequence[Node], k: Node) -> Node:
        return _sum(graph, (1, fields[0]), (factor, graph.elementwise("*", [h, k])))

    return combination


def _last(graph: Graph, h: Node, fields: Sequence[Node], k: Node) -> Node:
    """Return y + h/6 * (k1 + 2*k2 + 2*k3 + k4) from y, w1 = y + h/2*k1, w2 = y + h/2*k2, w3 = y + h*k3 and k4 = k."""
    y, w1, w2, w3 = fields
    change = _sum(graph, (1, w1), (2, w2), (1, w3), (-4, y))
    return _sum(graph, (1, y), (1 / 3, change), (1 / 6, graph.elementwise("*", [h, k])))


EULER = (Stage("euler", 1, 0, _step(1.0)),)
"""The step of Euler's method."""

RK4 = (
    Stage("rk4.1", 4, 0, _step(0.5)),
    Stage("rk4.2", 4, 1, _step(0.5)),
    Stage("rk4.3", 4, 2, _step(1.0)),
    Stage("rk4.4", 4, 3, _last),
)
"""The stages of the classical Runge-Kutta method: each writes the field at which the next one evaluates the right-hand side."""
