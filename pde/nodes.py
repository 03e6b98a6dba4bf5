"""The nodes of a traced array program: inputs, constants, formulas, and the linear maps between arrays."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from symnum.pde.regions import Region, Shape


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An array of the program: its place in the order of creation, its shape, and its type, float64 or float32.

    A ``weak`` node, such as a Python number or the time, takes the type of the arrays that it meets.  The type of a condition is the
    one in which it is decided.
    """

    index: int
    shape: Shape
    dtype: Any
    weak: bool

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return prod(self.shape)

    @property
    def sources(self) -> tuple[Node, ...]:
        """Return the nodes that this one reads; the atoms of an elementwise node are known to its graph."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Input(Node):
    """The time ``t``, the state ``u``, or a parameter."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Node):
    """An array of numbers; ``value`` is of the node's type, contiguous and read-only."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Elementwise(Node):
    """One formula for every entry; its atoms broadcast to the shape.  ``boolean`` marks a condition."""

    term: Any
    boolean: bool


@dataclass(frozen=True, slots=True, eq=False)
class View(Node):
    """The entries of ``source`` that ``region`` names."""

    source: Node
    region: Region

    @property
    def sources(self) -> tuple[Node, ...]:
        """Return the array that is looked at."""
        return (self.source,)


@dataclass(frozen=True, slots=True, eq=False)
class Assembly(Node):
    """``base`` with the entries of each region replaced by a piece; a later piece covers an earlier one."""

    base: Node | None
    pieces: tuple[tuple[Region, Node], ...]

    @property
    def sources(self) -> tuple[Node, ...]:
        """Return the base and the pieces."""
        nodes = tuple(node for _, node in self.pieces)
        return nodes if self.base is None else (self.base, *nodes)


@dataclass(frozen=True, slots=True, eq=False)
class Product(Node):
    """matrix @ source on the last but one axis (``left``), or source @ matrix on the last axis; ``matrix`` is dense or CSR."""

    source: Node
    matrix: Any
    left: bool

    @property
    def sources(self) -> tuple[Node, ...]:
        """Return the array that is multiplied."""
        return (self.source,)


@dataclass(frozen=True, slots=True, eq=False)
class Total(Node):
    """The sum of ``source`` over ``axes``, which are dropped."""

    source: Node
    axes: tuple[int, ...]

    @property
    def sources(self) -> tuple[Node, ...]:
        """Return the array that is summed."""
        return (self.source,)


def is_boolean(node: Node) -> bool:
    """Tell whether a node is a condition."""
    return isinstance(node, Elementwise) and node.boolean
