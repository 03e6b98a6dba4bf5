"""How interned nodes are read: head, arguments, sum and product views, operands, sort."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symnum import term as interface
from symnum.backends.arithmetic import as_term, number, power_node, scale
from symnum.backends.nodes import BOOLEAN, NUMBER, POWER, PRODUCT, SCALED, SUM, Call, Interned, Number, Symbol
from symnum.exact import Value
from symnum.operators import OPERATORS, result_sort


def head_of(node: Interned) -> str:
    """Return the head of a call; raises TypeError for a leaf."""
    if not node.head:
        raise TypeError(f"{node!s} is a leaf and has no head; ask symnum.term.is_call(term) first")
    return node.head


def args_of(node: Any) -> tuple[Any, ...]:
    """Return the arguments of a call; raises TypeError for a leaf."""
    kind = node.kind
    if kind == SUM:
        if node._args is None:
            terms = tuple([scale(c, t) for t, c in node.entries().items()])
            node._args = terms if node.constant == 0 else (*terms, number(node.constant))
        return node._args
    if kind == PRODUCT:
        if node._args is None:
            node._args = tuple([power_node(b, e) for b, e in node.entries().items()])
        return node._args
    if kind == POWER:
        if node._args is None:
            node._args = (node.base, as_term(node.exponent))
        return node._args
    if kind == SCALED:
        if node._args is None:
            inner = args_of(node.term) if node.term.kind == PRODUCT else (node.term,)
            node._args = (number(node.coefficient), *inner)
        return node._args
    if isinstance(node, Call):
        return node._args
    raise TypeError(f"{node!s} is a leaf and has no arguments; ask symnum.term.is_call(term) first")


def sorted_args_of(node: Any) -> tuple[Any, ...]:
    """Return the arguments in the order in which they are printed: constants last in sums and first in products."""
    if node.kind not in (SUM, PRODUCT, SCALED):
        return args_of(node)
    from symnum.order import sort_addends, sort_factors

    return sort_addends(args_of(node)) if node.kind == SUM else sort_factors(args_of(node))


def order_key(node: Any) -> Any:
    """Return the deterministic sorting key of a term."""
    from symnum.order import order_key as key

    return key(node)


def addends_of(node: Any) -> tuple[Value, Iterable[tuple[Any, Value]]]:
    """Return (constant, pairs (term, coefficient))."""
    kind = node.kind
    if kind == SUM:
        return node.constant, node.entries().items()
    if kind == NUMBER:
        return node.value, ()
    return (0, ((node.term, node.coefficient),)) if kind == SCALED else (0, ((node, 1),))


def factors_of(node: Any) -> tuple[Value, Iterable[tuple[Any, Any]]]:
    """Return (coefficient, pairs (base, exponent))."""
    coefficient: Value = 1
    if node.kind == SCALED:
        coefficient, node = node.coefficient, node.term
    kind = node.kind
    if kind == PRODUCT:
        return coefficient, node.entries().items()
    if kind == POWER:
        return coefficient, ((node.base, node.exponent),)
    return (node.value, ()) if kind == NUMBER else (coefficient, ((node, 1),))


def operands_of(node: Any) -> Iterable[Any]:
    """Return the terms of a sum, the bases and symbolic exponents of a product, or the arguments."""
    kind = node.kind
    if kind == SUM:
        return list(node.entries())
    if kind == SCALED:
        inner = node.term
        return operands_of(inner) if inner.kind in (PRODUCT, POWER) else [inner]
    if kind == PRODUCT:
        entries = node.entries()
        return [*entries, *[e for e in entries.values() if isinstance(e, Interned)]]
    if kind == POWER:
        return [node.base, node.exponent] if isinstance(node.exponent, Interned) else [node.base]
    return args_of(node)


def sort_of(node: Any) -> str:
    """Return "real", "integer" or "boolean"."""
    kind = node.kind
    if kind == BOOLEAN:
        return "boolean"
    if isinstance(node, Symbol):
        return node.sort
    if kind == NUMBER:
        return "integer" if type(node.value) is int else "real"
    return _compound_sort(node)


def _compound_sort(root: Any) -> str:
    """Return the sort of a call from those of its leaves, without recursion; it is kept on the node."""
    known = getattr(root, "_sort", None)
    if known is not None:
        return known
    for node in interface.postorder(root, prune=lambda t: getattr(t, "_sort", None) is not None):
        if interface.is_call(node) and node.kind != BOOLEAN and getattr(node, "_sort", None) is None:
            args = args_of(node)
            last = args[-1].value if args and isinstance(args[-1], Number) else None
            node._sort = result_sort(OPERATORS[head_of(node)], tuple([_known_sort(a) for a in args]), last)
    return _known_sort(root)


def _known_sort(node: Any) -> str:
    """Return the sort of a leaf or of a call that has it already."""
    return getattr(node, "_sort", None) or sort_of(node)
