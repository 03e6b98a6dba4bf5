"""The traced array program: a graph of array nodes whose size does not depend on the grid.

A node is an input (t or u), a constant, an elementwise formula, or a linear map: a view (slice, transpose, gather), an assembly
(concatenate, pad, roll, slice assignment), a product with a constant matrix, or a sum over axes.  An elementwise node holds one
interned term whose symbols stand for the other arrays, its *atoms*, so a chain of array operations is one formula, and the core
differentiates, shares and compiles it.  Equal nodes are one node.

    (u[2:] - 2*u[1:-1] + u[:-2]) * k   is   k*(a1 - 2*a2 + a3)   over three views a1, a2, a3 of u

Types are NumPy's: float64 or float32 for each node, promoted as NumPy promotes (numpy.org/neps/nep-0050).  All of one formula is
computed in one type; an operand of another type is an array of its own, so that it is rounded where NumPy would round it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.backends import interned
from symnum.operators import OPERATORS
from symnum.pde.assemblies import provider, region_within, visible_pieces
from symnum.pde.nodes import Assembly as Assembly
from symnum.pde.nodes import Constant as Constant
from symnum.pde.nodes import Elementwise as Elementwise
from symnum.pde.nodes import Input as Input
from symnum.pde.nodes import Node as Node
from symnum.pde.nodes import Product as Product
from symnum.pde.nodes import Total as Total
from symnum.pde.nodes import View as View
from symnum.pde.nodes import is_boolean as is_boolean
from symnum.pde.regions import Region, Shape, Strided

_SPARSE_FROM = 64
_SPARSE_DENSITY = 0.15
"""A dense constant matrix this large and this empty is kept as a sparse one."""

_SAMPLE = 64
"""So many entries tell most arrays apart."""

MAX_FORMULA = 128
"""Formulas that would make one of more operations than this, repeated ones counted again, are arrays of their own for the
formulas that use them: written into one another, those of a loop would grow without bound."""


class Graph:
    """Build nodes, each equal node once, and know the symbol that stands for an atom inside formulas.

    ``dtype`` is the type of the state, float64 or float32; ``single_reads`` is how many single entries of its arrays a solver may
    read while it is traced, None for any number.
    """

    def __init__(self, dtype: Any = np.float64, single_reads: int | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[Node] = []
        self._reads_left = single_reads
        self._known: dict[Hashable, Node] = {}
        self._arrays: dict[Hashable, list[Any]] = {}
        self._symbols: dict[int, Any] = {}
        self._atoms: dict[Hashable, Node] = {}
        self._weights: dict[int, int] = {}
        self._read: dict[int, list[Node]] = {}
        self._visible: dict[int, tuple[bool, bool, list[tuple[Region, Node]]]] = {}

    def __len__(self) -> int:
        return len(self.nodes)

    def read_single(self) -> bool:
        """Count the reading of one entry; tell whether it was one too many."""
        if self._reads_left is None:
            return False
        self._reads_left -= 1
        return self._reads_left < 0

    def _intern(
        self, kind: type[Any], key: Hashable, shape: Shape, dtype: Any, weak: bool, *parts: Any
    ) -> Any:
        full = (kind, shape, dtype, weak, key)
        found = self._known.get(full)
        if found is None:
            found = self._known[full] = kind(len(self.nodes), shape, dtype, weak, *parts)
            self.nodes.append(found)
        return found

    # --- leaves ---------------------------------------------------------------------------------------------------------------

    def input(self, name: str, shape: Shape, dtype: Any = None, weak: bool = False) -> Node:
        """Return the input of this name; ``dtype`` is by default that of the state."""
        node: Node = self._intern(Input, name, shape, np.dtype(dtype or self.dtype), weak, name)
        self.symbol(node)  # so that no other array takes its name
        return node

    @property
    def inputs(self) -> list[Input]:
        """Return the inputs in the order in which they were made."""
        return [node for node in self.nodes if isinstance(node, Input)]

    def constant(self, value: Any) -> Node:
        """Return the node of an array of numbers or truth values; an array of one repeated number becomes that number.

        Its type is the one to which NumPy promotes it together with the state.
        """
        array = np.asarray(value)
        boolean = array.dtype == bool
        array = np.array(array, dtype=np.result_type(array.dtype, self.dtype), order="C")
        first = array.flat[0] if array.size else 0.0
        if array.size <= 1 or (array.flat[-1] == first and (array == first).all()):
            return self.number(bool(first) if boolean else float(first), array.shape, array.dtype)
        array.setflags(write=False)
        node: Node = self._intern(Constant, self._identity(array), array.shape, array.dtype, False, array)
        return self.elementwise("!=", [node, self.number(0)]) if boolean else node

    def number(self, value: Any, shape: Shape = (), dtype: Any = None) -> Elementwise:
        """Return the array of this shape that holds one number everywhere; a whole float is taken as the exact integer.

        Without a ``dtype`` it is a Python number, which takes the type of what it meets.
        """
        boolean = isinstance(value, bool | np.bool_)
        if dtype is not None and np.dtype(dtype) == np.float32 and not boolean:
            value = float(np.float32(value))
        if (
            isinstance(value, float)
            and value.is_integer()
            and abs(value) < 2**53
            and (value or math.copysign(1.0, value) > 0)
        ):
            value = int(value)
        return self._formula(
            interned.number(value), shape, boolean, np.dtype(dtype or np.float64), dtype is None
        )

    def _identity(self, array: Any) -> Hashable:
        """Return a key that equal arrays share: some of the entries, and a number among the arrays that are alike in these."""
        some = array.reshape(-1)[:: max(1, array.size // _SAMPLE)].tobytes()
        alike = self._arrays.setdefault((array.shape, array.dtype, some), [])
        number = next(
            (i for i, known in enumerate(alike) if np.array_equal(_bits(known), _bits(array))), len(alike)
        )
        if number == len(alike):
            alike.append(array)
        return array.dtype, some, number

    # --- types ----------------------------------------------------------------------------------------------------------------

    def promoted(self, nodes: Iterable[Node]) -> tuple[Any, bool]:
        """Return the type in which NumPy computes with these operands, and whether the result is weak as all of them are."""
        nodes = list(nodes)
        strong = {node.dtype for node in nodes if not node.weak and not is_boolean(node)}
        if strong:
            return np.result_type(*strong), False
        return np.dtype(np.float64), not any(is_boolean(node) for node in nodes)

    def cast(self, node: Node, dtype: Any) -> Node:
        """Return the numbers of a node rounded to a type; conditions become 1 and 0."""
        node, dtype = self.numeric(node), np.dtype(dtype)
        if isinstance(node, Elementwise) and interface.is_number(node.term):
            return self.number(float(interface.value(node.term)), node.shape, dtype)
        if node.dtype == dtype:
            return (
                self._formula(node.term, node.shape, False, dtype, False)
                if isinstance(node, Elementwise)
                else node
            )
        return self._formula(self.symbol(node), node.shape, False, dtype, False)

    # --- formulas -------------------------------------------------------------------------------------------------------------

    def _formula(self, term: Any, shape: Shape, boolean: bool, dtype: Any, weak: bool) -> Elementwise:
        key = (interface.key(term), boolean)
        found: Elementwise = self._intern(Elementwise, key, shape, dtype, weak, term, boolean)
        return found

    def formula(
        self, term: Any, shape: Shape, boolean: bool = False, dtype: Any = None, weak: bool = False
    ) -> Node:
        """Return the node of a term over symbols of this graph's atoms; a term that is one atom of this shape and type is that atom.

        Without a ``dtype``, the type is that to which the atoms promote.
        """
        if dtype is None:
            atoms = [self.atom(s) for s in interface.postorder(term) if interface.is_symbol(s)]
            dtype, _ = self.promoted(atoms)
        if interface.is_symbol(term):
            atom = self.atom(term)
            if atom.shape == shape and atom.dtype == dtype:
                return atom
        return self._formula(term, shape, boolean, np.dtype(dtype), weak)

    def term(self, node: Node) -> Any:
        """Return the formula of a node: its own, or else the symbol that stands for it."""
        return node.term if isinstance(node, Elementwise) else self.symbol(node)

    def symbol(self, node: Node) -> Any:
        """Return the symbol that stands for a node in the formulas that read it."""
        symbol = self._symbols.get(node.index)
        if symbol is None:
            name = node.name if isinstance(node, Input) else f"a{node.index}"
            while interface.key(interned.symbol(name)) in self._atoms:  # a parameter may be called a7
                name += "_"
            symbol = self._symbols[node.index] = interned.symbol(name)
            self._atoms[interface.key(symbol)] = node
        return symbol

    def atom(self, symbol: Any) -> Node:
        """Return the array for which a symbol stands."""
        return self._atoms[interface.key(symbol)]

    def atoms(self, node: Node) -> list[Node]:
        """Return the arrays that a node is computed from, in the order of their creation."""
        if isinstance(node, Assembly):
            base_shows, _, pieces = self.visible(node)
            shown = {piece.index: piece for _, piece in pieces}
            if base_shows and node.base is not None:
                shown[node.base.index] = node.base
            return [shown[index] for index in sorted(shown)]
        if not isinstance(node, Elementwise):
            return list(node.sources)
        known = self._read.get(node.index)
        if known is None:
            found = [self.atom(s) for s in interface.postorder(node.term) if interface.is_symbol(s)]
            known = self._read[node.index] = sorted(found, key=lambda atom: atom.index)
        return known

    def visible(self, node: Assembly) -> tuple[bool, bool, list[tuple[Region, Node]]]:
        """Return whether the base shows, whether the visible pieces overlap, and these pieces in their order."""
        found = self._visible.get(node.index)
        if found is None:
            found = self._visible[node.index] = visible_pieces(node)
        return found

    def elementwise(self, head: str, nodes: Sequence[Node]) -> Node:
        """Return the entry-by-entry call of an operator; truth values count as 1 and 0 where it takes numbers.

        Raises ValueError for shapes that do not broadcast.
        """
        shape = np.broadcast_shapes(*(node.shape for node in nodes))
        row = OPERATORS[head]
        sorts = [row.argument_sorts[min(i, len(row.argument_sorts) - 1)] for i in range(len(nodes))]
        boolean = row.result_sort == "boolean"
        if head == "ifelse":
            boolean = is_boolean(nodes[1]) and is_boolean(nodes[2])
            sorts[1:] = ["boolean" if boolean else "real"] * 2
        dtype, weak = self._computed_in(nodes, boolean, head)
        weights = [self._weights.get(node.index, 0) for node in nodes]
        too_long = sum(weights) > MAX_FORMULA
        held = [
            isinstance(node, Elementwise)
            and not node.boolean
            and not interface.is_number(node.term)
            and (
                node.index in self._symbols or node.dtype != dtype or (too_long and weight > MAX_FORMULA // 8)
            )
            for node, weight in zip(nodes, weights, strict=True)
        ]
        terms = [
            self._sorted(self._decided(node, dtype), sort, hold)
            for node, sort, hold in zip(nodes, sorts, held, strict=True)
        ]
        found = self.formula(
            interface.make(terms[0], head, terms), shape, boolean, dtype, weak and not boolean
        )
        written = sum(weight for weight, hold in zip(weights, held, strict=True) if not hold)
        self._weights.setdefault(found.index, 1 + written)
        return found

    def _computed_in(self, nodes: Sequence[Node], boolean: bool, head: str) -> tuple[Any, bool]:
        """Return the type of an operator's result; of a condition, the type in which it is decided."""
        if head == "ifelse":
            return (
                self.promoted(nodes[1:])
                if not boolean
                else (np.result_type(*(n.dtype for n in nodes)), False)
            )
        if all(is_boolean(node) for node in nodes):
            deciding = {
                node.dtype
                for node in nodes
                if not (isinstance(node, Elementwise) and interface.is_number(node.term))
            }
            return (np.result_type(*deciding) if boolean and deciding else np.dtype(np.float64)), False
        return self.promoted(nodes)

    def _decided(self, node: Node, dtype: Any) -> Node:
        """Return a condition that is decided in another type as one over its own array of ones and zeros."""
        if not is_boolean(node) or node.dtype == dtype or interface.is_number(self.term(node)):
            return node
        ones = self.symbol(self.numeric(node))
        return self._formula(interface.make(ones, "!=", (ones, 0)), node.shape, True, dtype, False)

    def _sorted(self, node: Node, sort: str, hold: bool = False) -> Any:
        """Return the formula of a node, or with ``hold`` its symbol, as a number or as a condition."""
        term = self.symbol(node) if hold else self.term(node)
        if sort == "boolean" and not is_boolean(node):
            return interface.make(term, "!=", (term, 0))
        if sort == "real" and is_boolean(node):
            return interface.make(term, "ifelse", (term, 1, 0))
        return term

    def broadcast(self, node: Node, shape: Shape) -> Node:
        """Return a node broadcast to a shape; raises ValueError where NumPy would."""
        if node.shape == shape:
            return node
        if np.broadcast_shapes(node.shape, shape) != shape:
            raise ValueError(f"could not broadcast input array from shape {node.shape} into shape {shape}")
        return self._formula(self.term(node), shape, is_boolean(node), node.dtype, False)

    # --- linear maps ----------------------------------------------------------------------------------------------------------

    def view(self, node: Node, region: Region) -> Node:
        """Return the entries of ``node`` that ``region`` names, read through other views and assemblies where that is possible."""
        while True:
            if region.is_whole() and region.shape == node.shape:
                return node
            if isinstance(node, Constant):
                return self.constant(region.of(node.value.reshape(-1)))
            if isinstance(node, Elementwise) and interface.is_number(node.term):
                return self._formula(
                    node.term, region.shape, node.boolean, node.dtype, node.weak and not region.shape
                )
            if is_boolean(node):
                return self.elementwise("!=", [self.view(self.numeric(node), region), self.number(0)])
            if isinstance(node, View):
                region = region_within(node.region, region)
                node = node.source
                continue
            holder = provider(node, region) if isinstance(node, Assembly) else None
            if holder is None:
                break
            node, region = holder
        weak = node.weak and not region.shape
        found: Node = self._intern(View, (node.index, region), region.shape, node.dtype, weak, node, region)
        return found

    def assemble(self, shape: Shape, base: Node | None, pieces: Iterable[tuple[Region, Node]]) -> Node:
        """Return ``base`` (None where the pieces cover everything) with regions of it replaced by pieces of the same shapes.

        The result has the type of the base, or else the one to which the pieces promote.
        """
        numbers = [(region, self.numeric(node)) for region, node in pieces]
        dtype, _ = self.promoted([node for _, node in numbers] if base is None else [self.numeric(base)])
        placed = [(region, self.cast(node, dtype)) for region, node in numbers if region.size]
        if base is not None:
            base = self.cast(base, dtype)
        if placed and placed[-1][0].size == prod(shape) and placed[-1][0] == Strided.whole(shape):
            return placed[-1][1]
        if isinstance(base, Assembly):
            placed = [*base.pieces, *placed]
            base = base.base
        if base is not None and not placed:
            return base
        key = (None if base is None else base.index, tuple((region, node.index) for region, node in placed))
        found: Node = self._intern(Assembly, key, shape, dtype, False, base, tuple(placed))
        return found

    def numeric(self, node: Node) -> Node:
        """Return a condition as ones and zeros, which take the type of what they meet; a node of numbers as it is."""
        if not is_boolean(node):
            return node
        return self._formula(self._sorted(node, "real"), node.shape, False, node.dtype, True)

    def product(self, node: Node, matrix: Any, left: bool) -> Node:
        """Return matrix @ node (``left``) or node @ matrix for a constant matrix, a 2-D array or a CSR matrix."""
        node = self.numeric(node)
        if node.shape:
            axis = -1 if not left or len(node.shape) == 1 else -2
            inner, outer = (matrix.shape[1], matrix.shape[0]) if left else matrix.shape
            if node.shape[axis] != inner:
                raise ValueError(
                    f"matmul: a matrix of shape {tuple(matrix.shape)} on the {'left' if left else 'right'} does not fit a traced "
                    f"array of shape {node.shape}; {inner} entries were expected along axis {axis}, not {node.shape[axis]}"
                )
            shape = list(node.shape)
            shape[axis] = outer
        else:
            raise ValueError(
                "matmul: a traced scalar cannot be multiplied with a matrix by @; write * instead"
            )
        matrix = stored_matrix(matrix)
        dtype = matrix.dtype if node.weak else np.result_type(matrix.dtype, node.dtype)
        node, matrix = self.cast(node, dtype), matrix.astype(dtype, copy=False)
        parts = [matrix] if isinstance(matrix, np.ndarray) else [matrix.indptr, matrix.indices, matrix.data]
        key = (node.index, left, tuple(matrix.shape), tuple(map(self._identity, parts)))
        found: Node = self._intern(Product, key, tuple(shape), dtype, False, node, matrix, left)
        return found

    def total(self, node: Node, axes: tuple[int, ...]) -> Node:
        """Return the sum over the given axes, which are numbered from 0."""
        if is_boolean(node):  # NumPy counts in whole numbers, which promote as float64 does
            node = self.cast(node, np.float64)
        if not axes:
            return node
        shape = tuple(n for axis, n in enumerate(node.shape) if axis not in axes)
        if isinstance(node, Elementwise) and interface.is_number(node.term):
            count = prod(node.shape[axis] for axis in axes)
            one = self._formula(node.term, shape, False, node.dtype, False)
            return self.elementwise("*", [self.number(count), one])
        found: Node = self._intern(Total, (node.index, axes), shape, node.dtype, False, node, axes)
        return found

    # --- walks ----------------------------------------------------------------------------------------------------------------

    def reachable(self, roots: Iterable[Node]) -> list[Node]:
        """Return the nodes that ``roots`` are computed from, in an order in which they can be computed."""
        found: dict[int, Node] = {}
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node.index not in found:
                found[node.index] = node
                stack.extend(self.atoms(node))
        return [found[index] for index in sorted(found)]

    def moving(self, nodes: Iterable[Node], names: Sequence[str] | None = None) -> set[int]:
        """Return the indices of those of ``nodes`` (in computing order) that depend on an input of these names, or on any."""
        moving: set[int] = set()
        for node in nodes:
            if isinstance(node, Input):
                if names is None or node.name in names:
                    moving.add(node.index)
            elif any(atom.index in moving for atom in self.atoms(node)):
                moving.add(node.index)
        return moving


def _bits(array: Any) -> Any:
    """Return the entries as whole numbers of as many bits, so that nan equals itself, and 0.0 is not -0.0."""
    return np.ascontiguousarray(array).reshape(-1).view(f"u{array.itemsize}")


def stored_matrix(matrix: Any) -> Any:
    """Return a large and nearly empty dense matrix as CSR, which is quicker to compare and to multiply with."""
    if (
        isinstance(matrix, np.ndarray)
        and min(matrix.shape) >= _SPARSE_FROM
        and np.count_nonzero(matrix) < _SPARSE_DENSITY * matrix.size
    ):
        from scipy.sparse import csr_matrix

        return csr_matrix(matrix)
    return matrix
