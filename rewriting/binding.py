"""Binding: which terms a slot or a segment may stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnum import term as interface
from symnum.order import order_key
from symnum.rewriting.assignment import Bound, Search
from symnum.rewriting.pattern import ProductPattern, Segment, Slot
from symnum.rewriting.sign_sets import ASSUMED
from symnum.rewriting.views import is_value


def bind(slot: Slot, term: Any, bound: Bound, search: Search) -> Bound | None:
    """Return the bindings with a slot bound to ``term``, or None where it may not be."""
    known = bound.get(slot.name)
    if known is not None:
        return bound if interface.key(known) == interface.key(term) else None
    return {**bound, slot.name: term} if _may_be(slot, term, search) else None


def _may_be(slot: Slot, term: Any, search: Search) -> bool:
    """Tell whether a slot may stand for a term."""
    if slot.sort != "real":
        if interface.sort_of(term) != slot.sort:
            return False
    elif interface.sort_of(term) == "boolean":
        return False
    for assumption in slot.assumptions:
        if search.facts.signs(term) & ~ASSUMED[assumption]:
            return False
    return all(predicate(term) for predicate in slot.predicates)


def bind_segment(
    segment: Segment, terms: Sequence[Any], bound: Bound, search: Search, ordered: bool = False
) -> Bound | None:
    """Return the bindings with a segment bound to ``terms``, or None where it may not be; ``terms`` have an order or none."""
    known = bound.get(segment.name)
    found = tuple(terms) if ordered else tuple(sorted(terms, key=order_key))
    if known is not None:
        if not ordered:
            known = sorted(known, key=order_key)
        same = len(known) == len(found) and all(
            interface.key(a) == interface.key(b) for a, b in zip(known, found)
        )
        return bound if same else None
    if all(_may_be(segment.slot, term, search) for term in found):
        return {**bound, segment.name: found}
    return None


def takes_number(pattern: Any, exponent: Any = 1) -> bool:
    """Tell whether a factor or addend of a pattern may stand for the coefficient or the constant."""
    return isinstance(pattern, Slot) and bool(pattern.predicates) and is_value(exponent) and exponent == 1


def bare_slot(product: ProductPattern) -> Slot | None:
    """Return the slot that a product pattern is, if it is no more than that."""
    if len(product.factors) != 1 or product.segment is not None:
        return None
    base, exponent = product.factors[0]
    return base if isinstance(base, Slot) and is_value(exponent) and exponent == 1 else None
