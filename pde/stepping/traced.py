"""Loop kernels of a traced system for time stepping: of its right-hand side, and of fused stages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symnum.pde.graph import Graph, Node
from symnum.pde.loops import LoopKernel, NotLowered
from symnum.pde.stepping.entry import Entry
from symnum.pde.stepping.fused import STEP, Stage


class TracedKernels:
    """The kernels of one traced program, each made when it is first asked for; several threads may share them."""

    def __init__(self, graph: Graph, output: Node) -> None:
        self.graph, self.output = graph, output
        self._known: dict[str, LoopKernel] = {}
        self._lock = threading.Lock()

    def _kernel(self, name: str, program: Callable[[], tuple[Graph, Node]]) -> LoopKernel:
        with self._lock:
            if name not in self._known:
                self._known[name] = LoopKernel(*program())
            return self._known[name]

    def entry(self, parameters: Any, rhs: Callable[[float, Any], Any]) -> Entry:
        """Return the right-hand side for the flat values of all parameters; ``rhs`` serves where there are no loops."""
        try:
            return Entry.of_loops(self._kernel("rhs", lambda: (self.graph, self.output)).bind(parameters))
        except NotLowered as problem:
            entry = Entry.of_python(rhs, self.output.size)
            entry.why += f", as it has no loops: {problem}"
            return entry

    def stages(self, stages: Sequence[Stage], parameters: Any) -> list[Any] | None:
        """Return the bound kernels of stages, whose last parameter is h, or None where there are no loops."""
        try:
            kernels = [self._kernel(s.name, lambda s=s: s.program(self.graph, self.output)) for s in stages]  # type: ignore[misc]
        except NotLowered:
            return None
        assert all(kernel.parameters[STEP] == len(parameters) for kernel in kernels)
        return [kernel.bind(np.append(parameters, 0.0)) for kernel in kernels]
