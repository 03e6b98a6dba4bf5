"""Which arrays of a program are kept in memory between loop nests, and which are computed where they are read.

An array read in many places costs its formula in each of them; an array in memory costs a trip there and back.  Arrays that no
formula can compute entry by entry, as general products and sums are, are always kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.operators import operator
from symnum.pde.graph import Graph
from symnum.pde.loops.bands import Bands, bands
from symnum.pde.loops.matrices import Gather, gathered
from symnum.pde.nodes import Assembly, Constant, Elementwise, Input, Node, Product, Total, View, is_boolean
from symnum.pde.regions import Listed

TRIP = 40.0
"""Cost of writing an entry to memory and reading it again, in additions by vector instructions."""

COSTS = {"+": 1.0, "-": 1.0, "*": 1.0, "neg": 1.0, "/": 6.0, "sqrt": 8.0}
COMPARED, CALLED = 2.0, 60.0
"""Costs of operators in the same unit: comparisons and choices, and functions of C's library."""

LOADED = 2.0


@dataclass
class Storage:
    """What is known of the nodes that ``root`` is computed from."""

    graph: Graph
    root: Node
    kept: set[int] = field(default_factory=set)
    """Indices of nodes that are kept in memory, besides inputs and constants."""

    trip: float = TRIP
    order: list[Node] = field(init=False)

    def __post_init__(self) -> None:
        self.order = self.graph.reachable([self.root])
        self.kept |= {node.index for node in self.order if self._must_be_kept(node)}
        for node in self.order:
            # what is read by lists of positions, or by BLAS, has to lie in memory
            listed = isinstance(node, View) and isinstance(node.region, Listed)
            if isinstance(node, View | Product) and (listed or self._must_be_kept(node)):
                if not self.is_addressable(node.source):
                    self.kept.add(node.source.index)
        self._keep_what_is_read_often()

    @cached_property
    def constant(self) -> set[int]:
        """Return the indices of nodes that depend on no input."""
        depends: set[int] = set()
        for node in self.order:
            if isinstance(node, Input) or any(atom.index in depends for atom in self.graph.atoms(node)):
                depends.add(node.index)
        return {node.index for node in self.order} - depends

    @property
    def dtype(self) -> Any:
        """Return the type that holds the entries of all nodes: float32 where every node has it."""
        strong = {node.dtype for node in self.order if not (node.weak or is_boolean(node))}
        return np.dtype(np.float32) if strong == {np.dtype(np.float32)} else np.dtype(np.float64)

    @cached_property
    def stencils(self) -> dict[int, Bands | None]:
        """Return {index of a product: its matrix as bands}."""
        found: dict[int, Bands | None] = {}
        for node in self.order:
            if isinstance(node, Product):
                # one entry of a product from the right is made of a column of the matrix
                found[node.index] = bands(node.matrix if node.left else node.matrix.T)
        return found

    @cached_property
    def gathers(self) -> dict[int, Gather | None]:
        """Return {index of a product that is no stencil: its matrix row by row, or None where BLAS multiplies}."""
        return {
            node.index: gathered(node)
            for node in self.order
            if isinstance(node, Product) and self.stencils[node.index] is None
        }

    def _must_be_kept(self, node: Node) -> bool:
        if node.index in self.constant:
            return False
        return isinstance(node, Total) or (isinstance(node, Product) and self.stencils[node.index] is None)

    def _keep_what_is_read_often(self) -> None:
        """Keep the arrays whose formula would be computed so often that a trip to memory is cheaper; consumers come first."""
        readings = dict.fromkeys((node.index for node in self.order), 0.0)
        readings[self.root.index] = 1.0
        passed_on = dict.fromkeys(readings, 0.0)  # readings of a view that its source already knows of
        for node in reversed(self.order):
            if node.index in self.constant or isinstance(node, Input):
                continue
            times = readings[node.index]
            if node.index not in self.kept and isinstance(node, Elementwise | Product) and times > 1.0:
                if (times - 1.0) * self._cost(node) > self.trip:
                    self.kept.add(node.index)
            if node.index in self.kept:
                times = 1.0
            atoms = self.graph.atoms(node)
            if isinstance(node, Assembly):
                # an entry is in one piece: what several pieces look at is still read once
                for atom in atoms:
                    if isinstance(atom, View):
                        readings[atom.index] += times
                        passed_on[atom.index] += times
                seen = [atom.source if isinstance(atom, View) else atom for atom in atoms]
                atoms = list({atom.index: atom for atom in seen}.values())
            elif isinstance(node, Product) and node.index not in self.kept:
                stencil = self.stencils[node.index]
                assert stencil is not None
                times *= max(map(len, stencil.distances))
            elif isinstance(node, View):
                times -= passed_on[node.index]
            for atom in atoms:
                readings[atom.index] += times

    def _cost(self, node: Node) -> float:
        if isinstance(node, Product):
            stencil = self.stencils[node.index]
            return 2.0 * max(map(len, stencil.distances)) if stencil else 0.0
        assert isinstance(node, Elementwise)
        return LOADED * len(self.graph.atoms(node)) + sum(
            self._operator_cost(call) for call in interface.postorder(node.term) if interface.is_call(call)
        )

    @staticmethod
    def _operator_cost(call: Any) -> float:
        head = interface.head(call)
        if head in COSTS:
            return COSTS[head] * max(len(interface.args(call)) - 1, 1)
        if head == "^":
            exponent = interface.args(call)[1]
            whole = interface.is_number(exponent) and abs(interface.value(exponent)) in (1, 2, 3, 4, 0.5)
            return 4.0 if whole else CALLED
        return COMPARED if operator(head).cost <= 3 else CALLED

    @property
    def can_keep_more(self) -> bool:
        """Tell whether some formulas that are read several times are not kept."""
        return self.trip > 0

    def keep_more(self) -> None:
        """Keep every formula that is read several times."""
        self.trip = 0.0
        self._keep_what_is_read_often()

    def stages(self) -> list[list[Node]]:
        """Return the kept nodes and the root in the order of computing them; those of one stage do not read each other."""
        level: dict[int, int] = {}
        stages: list[list[Node]] = []
        for node in self.order:
            below = max((level[atom.index] for atom in self.graph.atoms(node)), default=0)
            if node.index in self.kept or node is self.root:
                while len(stages) <= below:
                    stages.append([])
                stages[below].append(node)
                below += 1
            level[node.index] = below
        return stages

    def is_addressable(self, node: Node) -> bool:
        """Tell whether the entries of a node lie in memory when others read them."""
        return isinstance(node, Input | Constant) or node.index in self.constant or node.index in self.kept
