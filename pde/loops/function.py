"""A kernel as a function of arrays for Python: each thread has its own work memory, and ``Choice`` decides how many threads compute."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import cache, cached_property
from math import prod
from typing import Any

import numpy as np

from symnum.pde.loops.choice import Choice, Patience
from symnum.pde.loops.kernel import Bound, LoopKernel

Array = Any

_SHARING = threading.Lock()
"""Held while threads share a call: one call at a time gains from them, and numba's simplest scheduler allows no more."""


class LoopFunction:
    """Fill an array from time, state and parameters, by a kernel; may be called from several threads.

    ``threads`` is the largest number of threads that share a call, by default those that numba has.

    >>> from symnum.pde import trace
    >>> system = trace(lambda t, u: t * u[::-1], np.array([1.0, 2.0, 4.0]))
    >>> f = LoopFunction(LoopKernel(system.graph, system.output))
    >>> f(10.0, system.u0, np.empty(3))
    array([40., 20., 10.])
    """

    def __init__(
        self, kernel: LoopKernel, threads: int | None = None, patience: Patience | None = None
    ) -> None:
        self.kernel = kernel
        self.choice = Choice(_numba_threads() if threads is None else threads, patience or Patience())
        self._local = threading.local()
        self._dtype, self._size = kernel.dtype, prod(kernel.shape)
        # a kernel without work memory and parameters has one table for all threads
        self._shared = None if kernel.work_size or kernel.parameters else kernel.bind()

    @property
    def why(self) -> str:
        """Say what runs and why."""
        return f"loops: {self.kernel.remark}; {self.choice.why}"

    def quick(self, t: float, u: Array, out: Array) -> bool:
        """Fill ``out`` if the arrays are as the code wants them, in the least time that Python allows; else return False.

        Then call the function, which also takes other arrays, and parameters.
        """
        bound = self._shared
        if bound is None:
            return False
        try:
            if u.dtype is not self._dtype or out.dtype is not self._dtype:
                return False
            choice = self.choice
            if choice.settled:
                done: bool = self._checked(bound.table, t, u, out)
                return done
            threads = choice.begin()
            if threads > 1:
                return False
            began = time.perf_counter()
            done = self._checked(bound.table, t, u, out)
            choice.end(1, time.perf_counter() - began)
            return done
        except (TypeError, AttributeError):
            # arrays in other layouts are wanted here, and each attempt would cost more than it saves
            self._shared = None
            return False

    @cached_property
    def _checked(self) -> Any:
        from symnum.pde.loops import driver

        return driver.checked_call(len(self.kernel.shape), self._dtype.name)

    def __call__(self, t: float, u: Array, out: Array, values: Mapping[str, Any] | None = None) -> Array:
        """Fill and return ``out``, an array of any layout of as many entries as ``u``; ``values`` are those of all parameters."""
        try:
            bound = self._local.bound
        except AttributeError:
            bound = self._local.bound = self.kernel.bind(np.zeros(self.kernel.parameter_count))
            self._local.values = None
        if values and values is not self._local.values:
            self._set(bound, values)
        if u.dtype != self._dtype or not u.flags.c_contiguous:
            u = np.ascontiguousarray(u, self._dtype)
        if (
            out.dtype == self._dtype
            and out.flags.c_contiguous
            and self._fill(bound, float(t), u.ravel(), out.ravel())
        ):
            return out
        apart = np.empty(self._size, self._dtype)
        self._fill(bound, float(t), u.ravel(), apart)
        out[...] = apart.reshape(out.shape)
        return out

    def _fill(self, bound: Bound, t: float, u: Array, out: Array) -> bool:
        """Run the kernel if the arrays do not overlap, and tell whether it was run."""
        evaluate_apart, evaluate_parallel = _drivers()
        choice = self.choice
        if choice.settled:
            return bool(evaluate_apart(bound.table, t, u, out))
        threads = choice.begin()
        if threads > 1 and not _SHARING.acquire(blocking=False):
            threads = 1  # the threads are at work for another caller
        began = time.perf_counter()
        if threads > 1:
            try:
                done = evaluate_parallel(bound.table, t, u, out, threads)
            finally:
                _SHARING.release()
        else:
            done = evaluate_apart(bound.table, t, u, out)
        if done:
            choice.end(threads, time.perf_counter() - began)
        return bool(done)

    def _set(self, bound: Bound, values: Mapping[str, Any]) -> None:
        for name, at in self.kernel.parameters.items():
            value = np.ravel(values[name])
            bound.parameters[at : at + value.size] = value
        self._local.values = values


@cache
def _drivers() -> tuple[Any, Any]:
    from symnum.pde.loops import driver  # numba takes a while to import

    return driver.evaluate_apart, driver.evaluate_parallel


def _numba_threads() -> int:
    import numba

    count: int = numba.get_num_threads()
    return count
