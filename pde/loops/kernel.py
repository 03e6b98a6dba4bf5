"""A traced right-hand side as machine code.

:class:`LoopKernel` is the code and the constants of one program; several threads may share it.  :class:`Bound` adds what one thread
needs to run it: a *table* of whole numbers that holds the address of the code, the number of stages, and the addresses of work memory,
constants and index tables.  Every kernel is called by the same compiled functions of ``driver``:

    bound = kernel.bind()
    evaluate(bound.table, t, u_flat, out_flat)          # from Python, or from any njit function, as ``kernel.function``

so that a time loop written as an njit function that takes the table is compiled once for all systems, and kept on disk.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

import numpy as np

import symnum
from symnum.codegen import disk, machine
from symnum.codegen.target import Unsupported, refuse_disabled_jit
from symnum.pde.graph import Graph
from symnum.pde.loops import emit
from symnum.pde.loops.emit import ENTRY, FUNCTION, INTS, NUMBERS, PARAMS, SHAPE, STAGES, WORK
from symnum.pde.loops.iterations import Target
from symnum.pde.loops.lowering import NotLowered
from symnum.pde.loops.nests import Loops, loops_of
from symnum.pde.loops.storage import Storage
from symnum.pde.loops.tables import Form, form_of
from symnum.pde.nodes import Node

_log = logging.getLogger("symnum")

Array = Any

_LLVM_TYPES = {np.dtype(np.float64): "double", np.dtype(np.float32): "float"}

LEVEL = 2
"""Level of LLVM's code generation."""


class LoopKernel:
    """The machine code of du/dt as loop nests.

    Raises NotLowered for a program that has no loops, with the reason.

    >>> from symnum.pde import trace
    >>> system = trace(lambda t, u: np.roll(u, 1) - u, np.array([1.0, 2.0, 4.0]))
    >>> kernel = LoopKernel(system.graph, system.output)
    >>> out = np.empty(3)
    >>> kernel.call(0.0, system.u0, out)
    >>> out
    array([ 3., -1., -2.])
    """

    def __init__(self, graph: Graph, output: Node) -> None:
        began = time.perf_counter()
        self.shape, self.dtype = output.shape, np.dtype(output.dtype)
        storage = Storage(graph, output)
        loops = loops_of(storage)
        self.memory_dtype = np.dtype(storage.dtype)
        """Type of work memory and of constants."""
        target = Target(machine.best_lanes(), _LLVM_TYPES[self.dtype], _LLVM_TYPES[self.memory_dtype])
        stages, forms, self.ints, self.numbers = _laid_out(loops, self.memory_dtype)
        self.parameters = dict(loops.memory.parameters)
        """{name: place} of the parameters in the flat array of all their values."""
        self.parameter_count = sum(node.size for node in graph.inputs if node.name in self.parameters)
        try:
            refuse_disabled_jit()
            self._text = emit.module_text(stages, forms, target)
            self._library, kept = _linked(self._text)
        except Unsupported as problem:
            raise NotLowered(str(problem)) from None
        self.address: int = self._library.addresses[ENTRY]
        self.stages = len(stages)
        self.work_size = loops.memory.work_size
        """Entries of work memory that a call needs."""
        self.nests, self.regions, self.kept, self.forms = (
            sum(map(len, stages)),
            loops.boxes,
            loops.kept,
            len(forms),
        )
        self.seconds = time.perf_counter() - began
        self.remark = (
            f"{self.regions} regions in {self.nests} loop nests of {self.forms} forms, {self.kept} arrays kept in memory, "
            f"ready in {self.seconds:.2f} s, {kept}"
        )
        _log.info("loops: %s", self.remark)

    @property
    def source(self) -> str:
        """Return the LLVM IR."""
        return self._text.module

    @property
    def function(self) -> Any:
        """Return the njit function ``(table, t, u_flat, out_flat)`` that runs this and every other kernel on one thread."""
        from symnum.pde.loops.driver import evaluate

        return evaluate

    def bind(self, parameters: Array = ()) -> Bound:
        """Return what one thread needs to call the kernel; ``parameters`` are the values of all parameters in one flat array."""
        return Bound(self, parameters)

    def call(self, t: float, u: Array, out: Array, parameters: Array = ()) -> None:
        """Fill ``out`` from the state ``u``; both are contiguous arrays of the kernel's type and size, and do not overlap."""
        bound = self.bind(parameters)
        self.function(bound.table, t, u.reshape(-1), out.reshape(-1))


class Bound:
    """A kernel with parameters and work memory of its own; ``table`` is good as long as the kernel lives, for one call at a time.

    ``parameters`` are the float64 values of all parameters one after the other; they may be changed between calls.
    """

    def __init__(self, kernel: LoopKernel, parameters: Array = ()) -> None:
        self.kernel = kernel
        if len(parameters) != kernel.parameter_count:
            raise ValueError(
                f"{len(parameters)} parameter values were given, but the kernel has {kernel.parameter_count}, of "
                f"{', '.join(kernel.parameters) or 'no parameters'}; give all of them in one flat array"
            )
        head = [*[0] * SHAPE, len(kernel.shape), *kernel.shape]
        places = _aligned(len(head)), _aligned(kernel.parameter_count + 1), _aligned(kernel.work_size + 1)
        # one piece of memory, which the table keeps
        memory = np.zeros(sum(places), np.int64)
        table, given, work = (memory[end - n : end] for n, end in zip(places, np.cumsum(places), strict=True))
        self.table: Array = table[: len(head)]
        self.table[:] = head
        self.parameters: Array = given.view(np.float64)[: kernel.parameter_count]
        self.parameters[:] = parameters
        self.table[FUNCTION], self.table[STAGES] = kernel.address, kernel.stages
        for place, array in (
            (WORK, work), (NUMBERS, kernel.numbers), (INTS, kernel.ints), (PARAMS, self.parameters)
        ):  # fmt: skip
            self.table[place] = array.__array_interface__["data"][0]


def _aligned(size: int) -> int:
    """Return a size in words rounded up to whole cache lines."""
    return -(-size // 8) * 8


def _laid_out(loops: Loops, dtype: Any) -> tuple[list[list[tuple[int, int]]], list[Form], Array, Array]:
    """Return the nests of each stage as (form, place of its table), the forms, and the arrays ``ints`` and ``numbers``."""
    memory = loops.memory
    bases = {"numbers": max(len(memory.scalars), 1), "ints": 0}
    forms: dict[Form, int] = {}
    for _ in range(2):
        # the tables come first in ints, so that the lists behind them begin where the first round ends
        words: list[int] = []
        stages = []
        for nests_of_stage in loops.stages:
            placed = []
            for nest in nests_of_stage:
                form, table = form_of(nest, bases)
                placed.append((forms.setdefault(form, len(forms)), len(words)))
                words += table
            stages.append(placed)
        bases["ints"] = len(words)
        if not memory.lists:
            break
    ints = np.concatenate([np.array(words, np.int64), *memory.lists])
    numbers = np.concatenate([np.array(list(memory.scalars) or [0.0]), *memory.arrays])
    return stages, list(forms), ints, np.ascontiguousarray(numbers, dtype=dtype)


def _linked(text: emit.Text) -> tuple[machine.Library, str]:
    """Return the linked machine code of a module, from disk where it is, and what was kept where."""
    symbols = {name: machine.c_function(name) for name in text.functions} | text.loops
    name = hashlib.blake2b(
        "\0".join([text.module, str(LEVEL), symnum.__version__, machine.versions()]).encode(),
        digest_size=20,
    ).hexdigest()
    kept = ""
    objects = None
    try:
        found = disk.kept_objects(name)
        if found is not None:
            objects, kept = found[0], f"loaded from {found[1].parent}"
    except disk.Damaged as problem:
        _log.warning("%s; it is compiled again", problem)
    except disk.CacheUnavailable as problem:
        kept = f"not kept on disk: {problem}"
    if objects is None:
        objects = [machine.assemble(text.module, LEVEL)]
        if not kept:
            try:
                kept = f"kept in {disk.keep_objects(name, objects).parent}"
            except disk.CacheUnavailable as problem:
                kept = f"not kept on disk: {problem}"
    return machine.Library(objects, symbols, (ENTRY,)), kept
