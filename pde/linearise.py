"""Derivatives of an array program as array programs: J v and w J without the matrix J.

Forwards, a tangent goes with every array that moves: linear maps act on it as they act on the array, and a formula multiplies the
tangents of its atoms by its partial derivatives.  Backwards, every array gets the derivative of the result by it, from its readers:
linear maps are transposed.  Both are new nodes of the same graph, so they are fused, compiled and differentiated as any other.

Source: Griewank, Walther, "Evaluating Derivatives", 2nd ed., 2008, chapter 3 (forward and reverse mode).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.calculus.derivative import jacobian as term_jacobian
from symnum.pde.graph import Assembly, Elementwise, Graph, Node, Product, Total, View
from symnum.pde.regions import Listed, Region, Shape, Strided


def tangent(graph: Graph, output: Node, directions: Mapping[Node, Node]) -> Node:
    """Return the derivative of ``output`` along ``directions``: {input: array of its shape}, zeros where nothing moves."""
    order = graph.reachable([output])
    known: dict[int, Node] = {node.index: direction for node, direction in directions.items()}
    for node in order:
        if node.index in known or not any(atom.index in known for atom in graph.atoms(node)):
            continue
        if isinstance(node, Elementwise):
            if not node.boolean:
                parts = [
                    graph.elementwise("*", [slope, known[atom.index]])
                    for atom, slope in _slopes(graph, node, known)
                ]
                known[node.index] = _total(graph, parts, node.shape)
        elif isinstance(node, View):
            known[node.index] = graph.view(known[node.source.index], node.region)
        elif isinstance(node, Assembly):
            base = None if node.base is None else known.get(node.base.index, _zeros(graph, node.base.shape))
            pieces = [
                (region, known.get(piece.index, _zeros(graph, piece.shape))) for region, piece in node.pieces
            ]
            known[node.index] = graph.assemble(node.shape, base, pieces)
        elif isinstance(node, Product):
            known[node.index] = graph.product(known[node.source.index], node.matrix, node.left)
        elif isinstance(node, Total):
            known[node.index] = graph.total(known[node.source.index], node.axes)
        else:
            raise _unknown(node)
    return known.get(output.index, _zeros(graph, output.shape))


def cotangents(graph: Graph, output: Node, weight: Node, inputs: Sequence[Node]) -> list[Node]:
    """Return for each of ``inputs`` the derivative of sum(weight * output) by it, an array of its shape."""
    order = graph.reachable([output])
    wanted = {node.index for node in inputs}
    moving = set(wanted)
    for node in order:
        if any(atom.index in moving for atom in graph.atoms(node)):
            moving.add(node.index)
    parts: dict[int, list[Node]] = {output.index: [weight]}
    found: dict[int, Node] = {}
    for node in reversed(order):
        if node.index not in parts or node.index not in moving:
            continue
        given = _total(graph, parts.pop(node.index), node.shape)
        if node.index in wanted:
            found[node.index] = given
            continue
        for atom, part in _transposed(graph, node, given, moving):
            parts.setdefault(atom.index, []).append(part)
    return [found.get(node.index, _zeros(graph, node.shape)) for node in inputs]


def _transposed(graph: Graph, node: Node, given: Node, moving: set[int]) -> list[tuple[Node, Node]]:
    """Return (atom, derivative by it) for the atoms that move, where ``given`` is the derivative by the node."""
    if isinstance(node, Elementwise):
        if node.boolean:
            return []
        return [
            (atom, _gathered_back(graph, graph.elementwise("*", [slope, given]), atom.shape))
            for atom, slope in _slopes(graph, node, moving)
        ]
    if isinstance(node, View):
        return [(node.source, _scattered(graph, node.source.shape, node.region, given))]
    if isinstance(node, Assembly):
        return _assembly_back(graph, node, given, moving)
    if isinstance(node, Product):
        turned = node.matrix.T
        turned = np.ascontiguousarray(turned) if isinstance(turned, np.ndarray) else turned.tocsr()
        return [(node.source, graph.product(given, turned, node.left))]
    if isinstance(node, Total):
        shape = node.source.shape
        kept = tuple(1 if axis in node.axes else n for axis, n in enumerate(shape))
        return [(node.source, graph.broadcast(_reshaped(graph, given, kept), shape))]
    raise _unknown(node)


def _assembly_back(graph: Graph, node: Assembly, given: Node, moving: set[int]) -> list[tuple[Node, Node]]:
    base_shows, overlap, pieces = graph.visible(node)
    found = []
    for region, piece in reversed(pieces):  # what a later piece covers, an earlier one does not reach
        if piece.index in moving:
            part = graph.view(given, region)
            if isinstance(region, Listed):
                part = graph.elementwise("*", [part, graph.constant(_last_of_each(region.positions))])
            found.append((piece, part))
        if overlap:
            given = graph.assemble(node.shape, given, [(region, _zeros(graph, region.shape))])
    if base_shows and node.base is not None and node.base.index in moving:
        covered = [(region, _zeros(graph, region.shape)) for region, _ in pieces]
        free = graph.assemble(node.shape, given, covered)
        found.append((node.base, _gathered_back(graph, free, node.base.shape)))
    return found


def _last_of_each(positions: Any) -> Any:
    """Return 1 where a position is the last of its value and 0 elsewhere: of several writes to one place the last counts."""
    flat = positions.reshape(-1)
    last = np.zeros(flat.size)
    last[flat.size - 1 - np.unique(flat[::-1], return_index=True)[1]] = 1.0
    return last.reshape(positions.shape)


def _slopes(graph: Graph, node: Elementwise, moving: Any) -> list[tuple[Node, Node]]:
    """Return (atom, partial derivative of the formula by it) for the atoms in ``moving``, without those that are 0."""
    atoms = [atom for atom in graph.atoms(node) if atom.index in moving]
    found = []
    for (_, number), slope in term_jacobian([node.term], [graph.symbol(atom) for atom in atoms], sparse=True):
        factors = [graph.atom(s) for s in interface.postorder(slope) if interface.is_symbol(s)]
        shape = np.broadcast_shapes(*(factor.shape for factor in factors))
        found.append((atoms[number], graph.formula(slope, shape)))
    return found


def _scattered(graph: Graph, shape: Shape, region: Region, given: Node) -> Node:
    """Return the array of a shape that has ``given`` added at the places of a region, and 0 elsewhere."""
    if isinstance(region, Strided):
        repeated = tuple(
            axis
            for axis, (n, s) in enumerate(zip(region.shape, region.strides, strict=True))
            if s == 0 and n > 1
        )
        if repeated:
            given = graph.total(given, repeated)
            kept = [axis for axis in range(len(region.shape)) if axis not in repeated]
            region = Strided(
                region.offset, tuple(region.shape[a] for a in kept), tuple(region.strides[a] for a in kept)
            )
        if _visits_once(region):
            return graph.assemble(shape, _zeros(graph, shape), [(region, given)])
    from scipy.sparse import csr_matrix

    positions = region.flat().reshape(-1)
    matrix = csr_matrix(
        (np.ones(positions.size), (positions, np.arange(positions.size))), shape=(prod(shape), positions.size)
    )
    flat = _reshaped(graph, given, (positions.size,))
    return _reshaped(graph, graph.product(flat, matrix, True), shape)


def _visits_once(region: Strided) -> bool:
    """Tell whether no place is visited twice: each stride steps over all that the smaller ones reach."""
    reach = 0
    for stride, extent in sorted(
        (abs(s), n) for s, n in zip(region.strides, region.shape, strict=True) if n > 1
    ):
        if stride <= reach:
            return False
        reach += stride * (extent - 1)
    return True


def _gathered_back(graph: Graph, given: Node, shape: Shape) -> Node:
    """Return the sums of ``given`` over the axes along which an array of this shape was broadcast."""
    if given.shape == shape:
        return given
    extra = len(given.shape) - len(shape)
    axes = tuple(
        axis for axis, n in enumerate(given.shape) if axis < extra or (shape[axis - extra] == 1 and n != 1)
    )
    return _reshaped(graph, graph.total(given, axes), shape)


def _reshaped(graph: Graph, node: Node, shape: Shape) -> Node:
    return graph.view(node, Strided.whole(shape))


def _total(graph: Graph, parts: Sequence[Node], shape: Shape) -> Node:
    if not parts:
        return _zeros(graph, shape)
    found = parts[0]
    for part in parts[1:]:
        found = graph.elementwise("+", [found, part])
    return graph.broadcast(found, shape)


def _zeros(graph: Graph, shape: Shape) -> Node:
    return graph.number(0, shape)


def _unknown(node: Node) -> TypeError:
    return TypeError(
        f"{type(node).__name__} nodes have no rule for derivatives; add one to symnum.pde.linearise and symnum.pde.derivative_rows"
    )
