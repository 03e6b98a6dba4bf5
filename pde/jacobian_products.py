"""Products with the Jacobian of a traced system, J v and w J, computed by array programs that never form J."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum.pde.graph import Graph, Node
from symnum.pde.linearise import cotangents, tangent
from symnum.pde.program import ArrayProgram
from symnum.pde.rebuild import copied

if TYPE_CHECKING:
    from symnum.pde.loops import LoopFunction

DIRECTION, WEIGHT = "direction of u", "weight of f"
"""Names of the inputs of these programs; no parameter can be called so."""


class JacobianProducts:
    """J v (``forward``) and w J (``backward``) of the Jacobian J of ``output`` by the input ``state``; made when first asked for."""

    def __init__(self, graph: Graph, output: Node, state: Node, target: str = "auto") -> None:
        self.graph, self.output, self.state, self.target = graph, output, state, target
        self._functions: dict[str, ArrayProgram | LoopFunction] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return JacobianProducts, (self.graph, self.output, self.state, self.target)

    def forward(self, t: float, u: Any, v: Any, p: Mapping[str, Any] | None = None) -> Any:
        """Return J(t, u) v in the shape of ``v``: that of the state, or flat.  Raises ValueError for another shape."""
        return self._run(DIRECTION, self.state, self.output, t, u, v, p)

    def backward(self, t: float, u: Any, w: Any, p: Mapping[str, Any] | None = None) -> Any:
        """Return w J(t, u), the transpose of J times w, in the shape of ``w``.  Raises ValueError for another shape."""
        return self._run(WEIGHT, self.output, self.state, t, u, w, p)

    def _run(
        self, name: str, given: Node, result: Node, t: float, u: Any, v: Any, p: Mapping[str, Any] | None
    ) -> Any:
        v = np.asarray(v, dtype=np.float64)
        if v.shape not in (given.shape, (given.size,)):
            raise ValueError(
                f"the {name} has shape {v.shape}; it must be {given.shape}, or {(given.size,)} when flat"
            )
        compute = self._functions.get(name)
        if compute is None:
            with self._lock:
                compute = self._functions.get(name) or self._functions.setdefault(name, self._made(name))
        values = {**(p or {}), name: v}
        if not isinstance(compute, ArrayProgram):
            out = np.empty(result.shape, result.dtype)
            found = compute(
                float(t), np.asarray(u, dtype=self.state.dtype).reshape(self.state.shape), out, values
            )
        else:
            found = np.array(compute.run(t, u, values)[0])
        return found.reshape(v.shape if given.shape == result.shape else result.shape)

    def _made(self, name: str) -> ArrayProgram | LoopFunction:
        own = copied(self.graph, self.output)
        if name == DIRECTION:
            direction = own.graph.input(DIRECTION, own.state.shape)
            root = tangent(own.graph, own.output, {own.state: direction})
        else:
            weight = own.graph.input(WEIGHT, own.output.shape)
            (root,) = cotangents(own.graph, own.output, weight, [own.state])
        if self.target in ("auto", "loops"):
            from symnum.pde.loops import LoopFunction, LoopKernel, NotLowered

            try:
                return LoopFunction(LoopKernel(own.graph, root))
            except NotLowered:  # what loops have no form for runs on NumPy's buffers, as right-hand sides do
                pass
        return ArrayProgram(own.graph, [root], "auto" if self.target == "loops" else self.target, often=True)
