"""Evaluate nodes of a graph: compiled kernels for formulas, NumPy's views, copies and products for linear maps.

Elementwise nodes that are ready at the same time and read the same arrays become one compiled kernel.  What does not depend on the
inputs is computed once.  Buffers and views belong to a thread and are made at its first call, so a call does no more than run a
list of prepared steps.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import prod
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.backends import interned
from symnum.pde.graph import Assembly, Constant, Elementwise, Graph, Input, Node, Product, Total, View
from symnum.pde.regions import Strided

_MAX_OPERANDS = 24
"""Arrays read and written by one kernel; NumPy's ufuncs take 64 in all."""

_MACHINE_CODE_ROWS = 256
_MACHINE_CODE_OPERATIONS = 300
"""Kernels that run often are compiled to machine code if the array is at least this long and the code at most this long."""


class ArrayProgram:
    """Compute the arrays of ``roots`` from the time, the state and the parameters.

    ``run(t, u, p)`` returns one array per root, which the next run of the same thread overwrites.  ``often`` promises many runs, so
    that ``target="auto"`` may spend time on machine code.  Formulas are computed in float64 and rounded once to the type of their node.
    """

    def __init__(
        self, graph: Graph, roots: Sequence[Node], target: str = "auto", *, often: bool = False
    ) -> None:
        self.graph, self.roots, self.target, self.often = graph, list(roots), target, often
        self.order = graph.reachable(roots)
        self.moving = graph.moving(self.order)
        self._schedule = self._make_schedule()
        self._kernels = [
            _Kernel(graph, group, target, often) if isinstance(group, list) else None
            for group in self._schedule
        ]
        self._local = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(ArrayProgram, often=self.often), (self.graph, self.roots, self.target)

    @property
    def kernel_count(self) -> int:
        """Return the number of compiled kernels."""
        return sum(kernel is not None for kernel in self._kernels)

    def run(self, t: float, u: Any, p: Mapping[str, Any] | None = None) -> list[Any]:
        """Return the arrays of the roots at time ``t`` and state ``u``, which has the shape of the input or is flat.

        ``p`` has a value for each parameter of the graph: {name: number or array}.
        """
        space = getattr(self._local, "space", None)
        if space is None:
            space = self._local.space = _Workspace(self)
        return space.run(t, u, p)

    def _make_schedule(self) -> list[Node | list[Elementwise]]:
        """Order the nodes so that as many formulas as possible can share a kernel."""
        waits: dict[int, int] = {}
        readers: dict[int, list[Node]] = {}
        for node in self.order:
            atoms = self.graph.atoms(node)
            waits[node.index] = len(atoms)
            for atom in atoms:
                readers.setdefault(atom.index, []).append(node)
        maps: deque[Node] = deque()
        formulas: list[Elementwise] = []
        schedule: list[Node | list[Elementwise]] = []

        def ready(node: Node) -> None:
            if isinstance(node, Elementwise) and not interface.is_number(node.term):
                formulas.append(node)
            else:
                maps.append(node)

        def done(node: Node) -> None:
            for reader in readers.get(node.index, ()):
                waits[reader.index] -= 1
                if waits[reader.index] == 0:
                    ready(reader)

        for node in self.order:
            if waits[node.index] == 0:
                ready(node)
        while maps or formulas:
            if maps:
                node = maps.popleft()
                schedule.append(node)
                done(node)
                continue
            group = self._group(formulas)
            formulas = [node for node in formulas if node not in group]
            schedule.append(group)
            for formula in group:
                done(formula)
        return schedule

    def _group(self, formulas: list[Elementwise]) -> list[Elementwise]:
        """Return the first formula and those that fit into one kernel with it."""
        first = formulas[0]
        group = [first]
        shape = natural_shape(self.graph, first)
        atoms = {atom.index for atom in self.graph.atoms(first)}
        for node in formulas[1:]:
            own = {atom.index for atom in self.graph.atoms(node)}
            same_kind = natural_shape(self.graph, node) == shape and (node.index in self.moving) == (
                first.index in self.moving
            )
            if same_kind and own & atoms and len(own | atoms) + len(group) < _MAX_OPERANDS:
                group.append(node)
                atoms |= own
        return group


def natural_shape(graph: Graph, node: Node) -> tuple[int, ...]:
    """Return the shape to which the atoms of a formula broadcast; the formula may repeat its values to a larger one."""
    shape: tuple[int, ...] = np.broadcast_shapes(*(atom.shape for atom in graph.atoms(node)))
    return shape


class _Kernel:
    """A compiled function of several formulas of one shape."""

    def __init__(self, graph: Graph, group: list[Elementwise], target: str, often: bool) -> None:
        self.group = group
        self.shape = natural_shape(graph, group[0])
        self.atoms = sorted(
            {atom.index: atom for node in group for atom in graph.atoms(node)}.values(),
            key=lambda atom: atom.index,
        )
        from symnum.algebra.substitute import substitute
        from symnum.codegen.function import compile
        from symnum.codegen.lower import lower
        from symnum.codegen.target import Unsupported

        # positional names make equal formulas over different arrays one compiled function
        names = [interned.symbol(f"x{i}") for i in range(len(self.atoms))]
        terms = substitute(
            [node.term for node in group], dict(zip(map(graph.symbol, self.atoms), names, strict=True))
        )
        if target == "auto" and often and prod(self.shape) >= _MACHINE_CODE_ROWS:
            with suppress(Unsupported):
                if len(lower(terms, names).steps) <= _MACHINE_CODE_OPERATIONS:
                    self.function = compile(terms, names, target="numba")
                    return
        self.function = compile(terms, names, target=target)


class _Workspace:
    """The buffers of one thread and the steps prepared on them."""

    def __init__(self, program: ArrayProgram) -> None:
        self.program = program
        self.arrays: dict[int, Any] = {}
        self.copies: dict[tuple[int, tuple[int, ...], Any], Any] = {}
        self.inputs: dict[str, Any] = {}
        self.steps: list[Callable[[], Any]] = []
        for node in program.order:
            if isinstance(node, Assembly):
                self.arrays[node.index] = np.empty(node.shape, node.dtype)
        with np.errstate(all="ignore"):
            for item, kernel in zip(program._schedule, program._kernels, strict=True):
                nodes = item if isinstance(item, list) else [item]
                moving = any(node.index in program.moving for node in nodes)
                for step, static in self._bind_kernel(kernel) if kernel else self._bind(nodes[0]):
                    if static or not moving:
                        step()
                    if moving and not static:
                        self.steps.append(step)

    def run(self, t: float, u: Any, p: Mapping[str, Any] | None) -> list[Any]:
        values = {"t": t, "u": u, **(p or {})}
        for name, array in self.inputs.items():
            value = values[name]
            np.copyto(array, value if np.shape(value) == array.shape else np.reshape(value, array.shape))
        with np.errstate(all="ignore"):
            for step in self.steps:
                step()
        return [self.arrays[root.index] for root in self.program.roots]

    def _buffer(self, node: Node) -> Any:
        array = self.arrays[node.index] = np.empty(node.shape, node.dtype)
        return array

    def _bind_kernel(self, kernel: _Kernel) -> list[tuple[Callable[[], Any], bool]]:
        results = np.empty((len(kernel.group), *kernel.shape))
        steps: list[tuple[Callable[[], Any], bool]] = []
        inputs = [self._operand(atom, kernel.shape, results.dtype, steps) for atom in kernel.atoms]
        steps.append((partial(kernel.function, *inputs, out=results), False))
        for i, node in enumerate(kernel.group):
            if node.shape == kernel.shape and node.dtype == results.dtype:
                self.arrays[node.index] = results[i, ...]
            else:
                steps.append((partial(np.copyto, self._buffer(node), results[i, ...]), False))
        return steps

    def _operand(
        self, node: Node, shape: tuple[int, ...], dtype: Any, steps: list[tuple[Callable[[], Any], bool]]
    ) -> Any:
        """Return a node's array broadcast to a shape, contiguous and of a type; where that takes a copy, all readers share it."""
        array = self.arrays[node.index]
        if array.size == 1 or (array.shape == shape and array.flags.c_contiguous and array.dtype == dtype):
            return array
        key = (node.index, shape, dtype)
        if key not in self.copies:
            self.copies[key] = np.empty(shape, dtype)
            steps.append((partial(np.copyto, self.copies[key], array), node.index not in self.program.moving))
        return self.copies[key]

    def _bind(self, node: Node) -> list[tuple[Callable[[], Any], bool]]:
        """Return the steps that compute a node, each with whether it has to run but once."""
        if isinstance(node, Elementwise):
            self.arrays[node.index] = np.full(node.shape, float(interface.value(node.term)), node.dtype)
            return []
        if isinstance(node, Input):
            self.inputs[node.name] = self._buffer(node)
            self.inputs[node.name].fill(0.0)
            return []
        if isinstance(node, Constant):
            self.arrays[node.index] = node.value
            return []
        if isinstance(node, View):
            return self._bind_view(node)
        if isinstance(node, Assembly):
            return self._bind_assembly(node)
        if isinstance(node, Product):
            return self._bind_product(node)
        assert isinstance(node, Total)
        source = self.arrays[node.source.index]
        return [(partial(np.add.reduce, source, axis=node.axes, out=self._buffer(node)), False)]

    def _bind_view(self, node: View) -> list[tuple[Callable[[], Any], bool]]:
        flat = self.arrays[node.source.index].reshape(-1)
        if isinstance(node.region, Strided):
            self.arrays[node.index] = node.region.of(flat)
            return []
        return [(partial(np.take, flat, node.region.positions, out=self._buffer(node), mode="clip"), False)]

    def _bind_assembly(self, node: Assembly) -> list[tuple[Callable[[], Any], bool]]:
        base_shows, overlap, pieces = self.program.graph.visible(node)
        array = self.arrays[node.index]
        flat = array.reshape(-1)
        steps: list[tuple[Callable[[], Any], bool]] = []
        if base_shows:
            base = np.nan if node.base is None else self.arrays[node.base.index]
            # static pieces are written once: fill only what the pieces leave free
            free = np.ones(node.shape, bool)
            for region, _ in pieces:
                free.reshape(-1)[region.flat()] = False
            moving = node.base is not None and node.base.index in self.program.moving
            steps.append((partial(np.copyto, array, base, where=free), not moving))
        for region, piece in pieces:
            static = not overlap and piece.index not in self.program.moving
            source = self.arrays[piece.index]
            if isinstance(region, Strided):
                steps.append((partial(np.copyto, region.of(flat), source), static))
            else:
                steps.append((partial(flat.__setitem__, region.positions, source), static))
        return steps

    def _bind_product(self, node: Product) -> list[tuple[Callable[[], Any], bool]]:
        steps: list[tuple[Callable[[], Any], bool]] = []
        source = self.arrays[node.source.index]
        if not source.flags.f_contiguous:
            # BLAS does not take the strides of every view, and NumPy's own loops are many times slower than a copy
            source = self._operand(node.source, node.source.shape, node.dtype, steps)
        matrix, out = node.matrix, self._buffer(node)
        if isinstance(matrix, np.ndarray):
            steps.append(
                (partial(np.matmul, *((matrix, source) if node.left else (source, matrix)), out=out), False)
            )
        else:
            steps.append(
                (
                    partial(
                        _sparse_product, matrix if node.left else matrix.T.tocsr(), source, node.left, out
                    ),
                    False,
                )
            )
        return steps


def _sparse_product(matrix: Any, source: Any, left: bool, out: Any) -> None:
    """Write the product along one axis of ``source``; ``matrix`` acts from the left on that axis."""
    if source.ndim == 1:
        out[...] = matrix @ source
        return
    axis = -2 if left else -1
    columns = np.moveaxis(source, axis, 0)
    result = matrix @ columns.reshape(columns.shape[0], -1)
    out[...] = np.moveaxis(result.reshape(matrix.shape[0], *columns.shape[1:]), 0, axis)
