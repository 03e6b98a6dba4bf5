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

    def __init__(self, graph: Graph, output: Node, rhs: LoopKernel | None) -> None:
        """``rhs`` is the kernel of the right-hand side, None where that has no loops."""
        self.graph, self.output, self.rhs = graph, output, rhs
        self._known: dict[str, LoopKernel] = {}
        self._lock = threading.Lock()

    def entry(self, parameters: Any, rhs: Callable[[float, Any], Any], why: str) -> Entry:
        """Return the right-hand side for the flat values of all parameters; ``rhs`` serves where there are no loops."""
        if self.rhs is not None:
            return Entry.of_loops(self.rhs.bind(parameters))
        entry = Entry.of_python(rhs, self.output.size)
        entry.why += f": {why}"
        return entry

    def stages(self, stages: Sequence[Stage], parameters: Any) -> list[Any] | None:
        """Return the bound kernels of stages, whose last parameter is h, or None where there are no loops."""
        if self.rhs is None:
            return None
        with self._lock:
            for stage in stages:
                if stage.name not in self._known:
                    try:
                        self._known[stage.name] = LoopKernel(*stage.program(self.graph, self.output))
                    except NotLowered:
                        return None
        kernels = [self._known[stage.name] for stage in stages]
        assert all(kernel.parameters[STEP] == len(parameters) for kernel in kernels)
        return [kernel.bind(np.append(parameters, 0.0)) for kernel in kernels]
