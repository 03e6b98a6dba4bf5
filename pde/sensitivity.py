"""How a solution changes with parameters and with its initial state: forward sensitivities, solved together with the state.

For du/dt = f(t, u, p) the derivative S = du/dp of the solution obeys dS/dt = J S + df/dp, with S = 0 at the start, and the derivative
along a change d of the initial state obeys dS/dt = J S with S = d.  State and sensitivities are one traced system, whose Jacobian is
exact like any other, so every method solves it.

Source: Maly, Petzold, "Numerical methods and software for sensitivity analysis of differential-algebraic systems", 1996, eq. 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum import term as interface
from symnum.pde.graph import Graph, Node
from symnum.pde.jacobian_products import DIRECTION
from symnum.pde.linearise import tangent
from symnum.pde.rebuild import Copied, copied, rebuilt
from symnum.pde.regions import Region, Strided
from symnum.pde.solution import Solution

if TYPE_CHECKING:
    from symnum.pde.traced_system import TracedSystem


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """A solution and its derivatives at the same times.

    ``t``: (n,); ``u``: (n, *shape); ``by_parameter``: {name: (n, *shape of the parameter, *shape)}; ``by_direction``:
    (n, directions, *shape); ``solution`` is that of the joint system.
    """

    t: Any
    u: Any
    by_parameter: Mapping[str, Any]
    by_direction: Any
    solution: Solution

    def __repr__(self) -> str:
        names = ", ".join(self.by_parameter) or "no parameter"
        return f"Sensitivities({len(self.t)} times, by {names}, {self.by_direction.shape[1]} directions)"


def parameter_names(system: TracedSystem, names: Sequence[Any] | None) -> list[str]:
    """Return the names of the chosen parameters, by default of all; raises ValueError for one that there is not."""
    known = system.array_parameters.shapes
    if names is None:
        return list(known)
    found = [name if isinstance(name, str) else interface.name(name) for name in names]
    for name in found:
        if name not in known:
            raise ValueError(
                f"there is no parameter {name!r}; the parameters are {', '.join(known) or 'none'}; what shall be differentiated by is "
                f"named when tracing: trace(f, u0, parameters={{{name!r}: ...}})"
            )
    return found


def sensitivity_system(system: TracedSystem, names: Sequence[str], directions: Any = None) -> TracedSystem:
    """Return the joint system of state (1 + m, *shape): the state, then its derivatives by each entry of the named parameters, then
    those along each of ``directions``: (k, *shape), changes of the initial state.  Raises ValueError for directions of another shape.
    """
    from symnum.pde.traced_system import TracedSystem

    directions = np.zeros((0, *system.shape)) if directions is None else np.asarray(directions, np.float64)
    if directions.shape[1:] != system.shape or directions.ndim != len(system.shape) + 1:
        raise ValueError(
            f"directions has shape {directions.shape}, but it is a list of changes of the initial state, each of shape {system.shape}"
        )
    own = copied(system.graph, system.output)
    old = own.graph
    direction = old.input(DIRECTION, system.shape)
    slopes = [tangent(old, own.output, {own.state: direction, **seed}) for seed in _seeds(own, names)]
    slopes += [tangent(old, own.output, {own.state: direction})] * len(directions)
    new = Graph(system.dtype)
    new.input("t", (), np.float64, weak=True)
    joint = new.input("u", (1 + len(slopes), *system.shape))
    for node in system.graph.inputs:  # parameters keep their order, also those that are not read
        if node.name not in ("t", "u"):
            new.input(node.name, node.shape, node.dtype, node.weak)
    places = [_part(joint, k) for k in range(1 + len(slopes))]
    state = new.view(joint, places[0])
    parts = rebuilt(old, [own.output], new, {own.state: state})
    for place, slope in zip(places[1:], slopes, strict=True):
        parts += rebuilt(old, [slope], new, {own.state: state, direction: new.view(joint, place)})
    output = new.assemble(joint.shape, None, zip(places, parts, strict=True))
    start = np.zeros(joint.shape)
    start[0] = system.u0
    start[1 + len(slopes) - len(directions) :] = directions
    return TracedSystem(new, joint, output, start.astype(system.dtype), system.t0, system.array_parameters)


def _seeds(own: Copied, names: Sequence[str]) -> list[dict[Node, Node]]:
    """Return for each entry of each parameter the direction in which it alone grows."""
    found = []
    for name in names:
        node = own.inputs[name]
        for place in range(node.size):
            unit = np.zeros(node.size)
            unit[place] = 1.0
            found.append({node: own.graph.constant(unit.reshape(node.shape))})
    return found


def _part(joint: Node, k: int) -> Region:
    found = Strided.whole(joint.shape).through(joint.size, lambda a: a[k, ...])
    assert found is not None
    return found


def solve_sensitivities(
    system: TracedSystem,
    t_span: Any,
    names: Sequence[Any] | None,
    directions: Any,
    u0: Any,
    options: Mapping[str, Any],
) -> Sensitivities:
    """Solve state and sensitivities together; see :meth:`symnum.pde.TracedSystem.sensitivities`."""
    chosen = parameter_names(system, names)
    joint = sensitivity_system(system, chosen, directions)
    start = joint.u0.copy()
    if u0 is not None:
        if np.shape(u0) != system.shape:
            raise ValueError(f"u0 has shape {np.shape(u0)}, but {system._said_shape()}")
        start[0] = u0
    solution = joint.solve(t_span, start, **options)
    shapes = system.array_parameters.shapes
    by_parameter, at = {}, 1
    for name in chosen:
        count = int(np.prod(shapes[name], dtype=np.int64))
        part = solution.u[:, at : at + count]
        by_parameter[name] = part.reshape(len(part), *shapes[name], *system.shape)
        at += count
    return Sensitivities(solution.t, solution.u[:, 0], by_parameter, solution.u[:, at:], solution)
