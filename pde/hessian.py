"""Where second derivatives may be non-zero: the pattern of the Jacobian of a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum.pde.jacobian import JacobianStructure
from symnum.pde.jacobian_products import WEIGHT
from symnum.pde.linearise import cotangents
from symnum.pde.rebuild import Copied, copied
from symnum.pde.traced import TracedArray, lift, wrap

if TYPE_CHECKING:
    from symnum.pde.graph import Node
    from symnum.pde.traced_system import TracedSystem


def system_pattern(system: TracedSystem) -> Any:
    """Return the pairs (j, k) for which d2 f_i / du_j du_k may be non-zero for some i: a boolean csc_matrix."""
    own = copied(system.graph, system.output)
    return _pattern(own, own.output, own.graph.input(WEIGHT, own.output.shape))


def objective_pattern(system: TracedSystem, objective: Callable[[Any], Any]) -> Any:
    """Return the pairs (j, k) for which d2 G / du_j du_k may be non-zero, where G is ``objective(u)``: a boolean csc_matrix."""
    own = copied(system.graph, system.output)
    return _pattern(own, traced_objective(own, objective), own.graph.number(1.0))


def traced_objective(own: Copied, objective: Callable[..., Any], timed: bool = False) -> Node:
    """Return the node of ``objective(u)``, or of ``objective(t, u)``; raises ValueError where it is not one number."""
    names = ("t", "u") if timed else ("u",)
    result = objective(*(wrap(own.graph, own.inputs[name]) for name in names))
    if not isinstance(result, TracedArray | int | float | np.number) and np.shape(result) != ():
        raise ValueError(
            f"the objective returned {type(result).__name__}, but it must be one number computed from the state, such as np.sum(u**2)"
        )
    node = own.graph.numeric(lift(own.graph, result))
    if node.shape != ():
        raise ValueError(
            f"the objective returned an array of shape {node.shape}, but it must be one number; write np.sum(...) or u[i, j]"
        )
    return node


def _pattern(own: Copied, output: Node, weight: Node) -> Any:
    (gradient,) = cotangents(own.graph, output, weight, [own.state])
    return JacobianStructure(own.graph, gradient, own.state).pattern()
