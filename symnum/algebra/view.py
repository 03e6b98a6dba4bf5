"""A node seen as a number, an atom, a sum or a product, whatever its backend and however it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.backends import nodes
from symnum.backends.nodes import Interned
from symnum.backends.views import factors_of
from symnum.exact import Value

NUMBER, ATOM, SUM, PRODUCT = range(4)


def view(node: Any) -> tuple[int, Value, Sequence[tuple[Any, Any]]]:
    """Return a node as NUMBER (value), ATOM, SUM (constant, pairs term: coefficient) or PRODUCT (coefficient, base: exponent)."""
    if isinstance(node, Interned):
        return _VIEWS[node.kind](node)
    face = interface.interface(node)
    if face.is_number(node):
        value = face.value(node)
        return (ATOM if type(value) is bool else NUMBER), value, ()
    if not face.is_call(node):
        return ATOM, None, ()
    head = face.head(node)
    if head == "+":
        constant, pairs = interface.addends(node)
        return SUM, constant, list(pairs)
    if head == "*":
        if face.addends is not None:
            # A canonical scaled sum, 2*(x + y), is a sum of one addend: that distributes it.
            constant, pairs = face.addends(node)
            ((inner, coefficient),) = pairs
            if face.is_call(inner) and face.head(inner) == "+":
                return SUM, constant, [(inner, coefficient)]
        coefficient, pairs = interface.factors(node)
        return PRODUCT, coefficient, list(pairs)
    spelled = _SPELLED.get(head)
    return spelled(face.args(node)) if spelled is not None else (ATOM, None, ())


_SPELLED: dict[str, Callable[[Sequence[Any]], tuple[int, Value, Sequence[tuple[Any, Any]]]]] = {
    "^": lambda a: (PRODUCT, 1, [(a[0], interface.value(a[1]) if interface.is_number(a[1]) else a[1])]),
    "-": lambda a: (SUM, 0, [(a[0], 1), (a[1], -1)]),
    "neg": lambda a: (SUM, 0, [(a[0], -1)]),
    "/": lambda a: (PRODUCT, 1, [(a[0], 1), (a[1], -1)]),
    "hold": lambda a: (SUM, 0, [(a[0], 1)]),
    "sqrt": lambda a: (PRODUCT, 1, [(a[0], Fraction(1, 2))]),
}


def _scaled_view(node: Any) -> tuple[int, Value, Sequence[tuple[Any, Any]]]:
    inner = node.term
    if inner.kind == nodes.SUM:
        return SUM, 0, [(inner, node.coefficient)]
    return PRODUCT, node.coefficient, list(factors_of(inner)[1])


def _atom_view(node: Any) -> tuple[int, Value, Sequence[tuple[Any, Any]]]:
    if node.head == "hold":
        return SUM, 0, [(node.args[0], 1)]
    return ATOM, node.value if isinstance(node, nodes.Truth) else None, ()


_VIEWS: dict[int, Callable[[Any], tuple[int, Value, Sequence[tuple[Any, Any]]]]] = {
    nodes.NUMBER: lambda node: (NUMBER, node.value, ()),
    nodes.SUM: lambda node: (SUM, node.constant, list(node.entries().items())),
    nodes.SCALED: _scaled_view,
    nodes.PRODUCT: lambda node: (PRODUCT, 1, list(node.entries().items())),
    nodes.POWER: lambda node: (PRODUCT, 1, [(node.base, node.exponent)]),
    nodes.OTHER: _atom_view,
    nodes.BOOLEAN: _atom_view,
}
"""The views of interned terms by their kind."""
