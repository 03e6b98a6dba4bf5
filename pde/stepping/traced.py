"""Loop kernels of a traced system for time stepping: of its right-hand side, and of fused stages."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symnum.codegen.runtime import address_of
from symnum.pde.graph import Graph, Node
from symnum.pde.loops import LoopKernel, NotLowered
from symnum.pde.loops.kernel import Bound
from symnum.pde.stepping.entry import Entry
from symnum.pde.stepping.fused import STEP, Stage

SMALL = 1 << 14
"""Up to so many entries a right-hand side is never shared among threads."""

_LOOPS = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_double, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3
)


class DirectCall:
    """A right-hand side f(t, u) for solvers that step in Python, called by one thread.

    It calls the machine code without numba, for which a process that solves but once would wait.
    """

    def __init__(self, bound: Bound, size: int) -> None:
        self.bound, self.size = bound, size  # the memory of ``bound`` is in use as long as this lives
        self._call, self._table = _LOOPS(bound.kernel.address), address_of(bound.table)
        self._dtype, self._stages = bound.kernel.dtype, range(bound.kernel.stages)

    def __call__(self, t: float, u: Any) -> Any:
        """Return the values in the shape of ``u``."""
        u = np.ascontiguousarray(u, self._dtype)
        if u.size != self.size:
            raise ValueError(f"u has {u.size} entries, but the system has {self.size}")
        out = np.empty(u.shape, self._dtype)
        for stage in self._stages:
            self._call(self._table, t, address_of(u), address_of(out), stage, 0, 1)
        return out


class TracedKernels:
    """The kernels of one traced program, each made when it is first asked for; several threads may share them."""

    def __init__(self, graph: Graph, output: Node, rhs: LoopKernel | None) -> None:
        """``rhs`` is the kernel of the right-hand side, None where that has no loops."""
        self.graph, self.output, self.rhs = graph, output, rhs
        self._known: dict[str, LoopKernel] = {}
        self._lock = threading.Lock()

    def entry(self, parameters: Any, dtype: Any, rhs: Callable[[float, Any], Any], why: str) -> Entry:
        """Return the right-hand side for the flat values of all parameters, and for states of a type.

        ``rhs`` serves where there are no loops, for the reason ``why``, or where they compute in another type.
        """
        if self.rhs is not None and self.rhs.dtype == dtype:
            return Entry.of_loops(self.rhs.bind(parameters))
        entry = Entry.of_python(rhs, self.output.size, dtype)
        reason = (
            why
            if self.rhs is None
            else f"states of {np.dtype(dtype)} are converted to {self.rhs.dtype} and back"
        )
        entry.why += f": {reason}"
        return entry

    def function(self, parameters: Any) -> DirectCall | None:
        """Return f(t, u) to be called by one thread, or None where threads or NumPy may do better."""
        if self.rhs is None or self.output.size > SMALL:
            return None
        return DirectCall(self.rhs.bind(parameters), self.output.size)

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
