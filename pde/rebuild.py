"""Copy an array program into another graph, with some of its arrays replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.pde.graph import Assembly, Constant, Elementwise, Graph, Input, Node, Product, Total, View


@dataclass(frozen=True)
class Copied:
    """A program in a graph of its own, to which inputs may be added that the program itself does not have."""

    graph: Graph
    output: Node
    inputs: Mapping[str, Node]

    @property
    def state(self) -> Node:
        """Return the input that is the state."""
        return self.inputs["u"]


def copied(graph: Graph, output: Node) -> Copied:
    """Return a program in a new graph, with all inputs of the old one, in their order."""
    new = Graph(graph.dtype)
    inputs = {node.name: new.input(node.name, node.shape, node.dtype, node.weak) for node in graph.inputs}
    (root,) = rebuilt(graph, [output], new, {})
    return Copied(new, root, inputs)


def rebuilt(
    source: Graph,
    roots: Sequence[Node],
    target: Graph,
    replaced: Mapping[Node, Node],
    formulas: Mapping[int, Any] | None = None,
) -> list[Node]:
    """Return ``roots`` as nodes of ``target``, where each key of ``replaced`` (of ``source``) is its value (of ``target``).

    Inputs that are not replaced keep their names.  ``formulas`` are terms of elementwise nodes, by index, in place of their own.
    Raises ValueError where a replacement has another shape.
    """
    known: dict[int, Node] = {}
    for old, new in replaced.items():
        if old.shape != new.shape:
            raise ValueError(f"an array of shape {old.shape} cannot be replaced by one of shape {new.shape}")
        known[old.index] = new
    for node in source.reachable(roots):
        if node.index not in known:
            known[node.index] = _copied(source, node, target, known, formulas or {})
    return [known[root.index] for root in roots]


def _copied(
    source: Graph, node: Node, target: Graph, known: Mapping[int, Node], formulas: Mapping[int, Any]
) -> Node:
    if isinstance(node, Input):
        return target.input(node.name, node.shape, node.dtype, node.weak)
    if isinstance(node, Constant):
        return target.constant(node.value)
    if isinstance(node, Elementwise):
        atoms = source.atoms(node)
        symbols = {source.symbol(atom): target.symbol(known[atom.index]) for atom in atoms}
        term = formulas.get(node.index, node.term)
        term = substitute(term, symbols) if symbols else term
        if interface.is_number(term) and not atoms:
            return target.number(interface.value(term), node.shape, None if node.weak else node.dtype)
        return target.formula(term, node.shape, node.boolean, node.dtype, node.weak)
    if isinstance(node, View):
        return target.view(known[node.source.index], node.region)
    if isinstance(node, Assembly):
        base = None if node.base is None else known.get(node.base.index)
        _, _, pieces = source.visible(node)  # pieces that are covered were not copied
        return target.assemble(node.shape, base, [(region, known[piece.index]) for region, piece in pieces])
    if isinstance(node, Product):
        return target.product(known[node.source.index], node.matrix, node.left)
    if isinstance(node, Total):
        return target.total(known[node.source.index], node.axes)
    raise TypeError(f"{type(node).__name__} nodes cannot be copied; add them to symnum.pde.rebuild")
