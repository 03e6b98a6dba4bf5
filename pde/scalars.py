"""Write an array program out entry by entry: one interned term for each entry of the result."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.pde.combinations import linear_matrix
from symnum.pde.graph import Assembly, Constant, Elementwise, Graph, Input, Node, Product, Total, View


def entry_symbols(name: str, shape: tuple[int, ...]) -> list[Any]:
    """Return the symbols of the entries of an input in their flattened order.

    >>> entry_symbols("u", (1, 2))
    [u0_0, u0_1]
    """
    if not shape:
        return [interned.symbol(name)]
    return [interned.symbol(name + "_".join(map(str, place))) for place in product(*map(range, shape))]


def scalar_terms(graph: Graph, output: Node) -> list[Any]:
    """Return the terms of the entries of ``output`` in their flattened order."""
    known: dict[int, Any] = {}
    for node in graph.reachable([output]):
        flat = np.empty(node.size, dtype=object)
        for i, term in enumerate(_entries(graph, node, known)):
            flat[i] = term
        known[node.index] = flat
    return list(known[output.index])


def _entries(graph: Graph, node: Node, known: dict[int, Any]) -> list[Any]:
    if isinstance(node, Input):
        return entry_symbols(node.name, node.shape)
    if isinstance(node, Constant):
        return [interned.number(value) for value in node.value.reshape(-1).tolist()]
    if isinstance(node, View):
        return list(known[node.source.index][node.region.flat().reshape(-1)])
    if isinstance(node, Assembly):
        return _assembled(graph, node, known)
    if isinstance(node, Elementwise):
        return _formulas(graph, node, known)
    assert isinstance(node, Product | Total)
    matrix, source = linear_matrix(node), known[node.source.index]
    terms = []
    for begin, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        pairs = zip(matrix.data[begin:end].tolist(), source[matrix.indices[begin:end]], strict=True)
        terms.append(interned.add_many([interned.scale(_whole(weight), term) for weight, term in pairs]))
    return terms


def _whole(weight: float) -> Any:
    """Return a whole float as an int, so that a stencil reads u1 - 2*u0 and not 1.0*u1 - 2.0*u0."""
    return int(weight) if weight.is_integer() else weight


def _assembled(graph: Graph, node: Assembly, known: dict[int, Any]) -> list[Any]:
    base_shows, _, pieces = graph.visible(node)
    flat = np.empty(node.size, dtype=object)
    if base_shows:
        if node.base is None:
            flat[:] = interned.number(float("nan"))
        else:
            flat[:] = np.broadcast_to(known[node.base.index].reshape(node.base.shape), node.shape).reshape(-1)
    for region, piece in pieces:
        flat[region.flat().reshape(-1)] = known[piece.index]
    return list(flat)


def _formulas(graph: Graph, node: Elementwise, known: dict[int, Any]) -> list[Any]:
    atoms = graph.atoms(node)
    if not atoms:
        return [node.term] * node.size
    columns = [
        np.broadcast_to(known[atom.index].reshape(atom.shape), node.shape).reshape(-1) for atom in atoms
    ]
    symbols = [graph.symbol(atom) for atom in atoms]
    return [
        substitute(node.term, dict(zip(symbols, entries, strict=True)))
        for entries in zip(*columns, strict=True)
    ]
