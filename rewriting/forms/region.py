"""The rational region at the top of a term: sums, products and powers down to what they are rational functions of."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

from symnum import term as interface
from symnum.algebra.ring import ATOM, NUMBER, SUM, view
from symnum.fold import fold
from symnum.rewriting.views import is_value, product_of, sum_of

LARGEST = 300
"""Regions of more nodes are left alone by the forms that look at all of a region."""


def atoms_of(root: Any) -> dict[Hashable, Any] | None:
    """Return the atoms at the bottom of a region as {key: atom}, or None when it is large or holds a float."""
    found: dict[Hashable, Any] = {}
    seen: set[Hashable] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        identity = interface.key(node)
        if identity in seen:
            continue
        seen.add(identity)
        if len(seen) > LARGEST:
            return None
        kind, number, pairs = view(node)
        if type(number) is float:
            return None
        if kind == ATOM:
            found[identity] = node
        elif kind != NUMBER:
            for part, weight in pairs:
                stack.append(part)
                if type(weight) is float:
                    return None
                if not is_value(weight):
                    stack.append(weight)
    return found


def region_parts(node: Any) -> list[Any]:
    """Return the terms that a node of a region is a sum, product or power of; an atom has none."""
    kind, _, pairs = view(node)
    return [] if kind in (ATOM, NUMBER) else [part for part, _ in pairs]


def replaced(root: Any, new: Mapping[Hashable, Any]) -> Any:
    """Return a region with the atoms in ``new`` replaced; exponents stay."""

    def visit(node: Any, found: list[Any]) -> Any:
        kind, number, pairs = view(node)
        if kind in (ATOM, NUMBER) or all(part is old for part, (old, _) in zip(found, pairs)):
            return node
        parts = [(part, weight) for part, (_, weight) in zip(found, pairs)]
        return (sum_of if kind == SUM else product_of)(node, number, parts)

    return fold(root, visit, parts=region_parts, memo=dict(new))


def degree_bound(root: Any, weights: Mapping[Hashable, int]) -> int:
    """Return a bound for the degree of a region in its calls; ``weights`` gives the degree of a call by the key of its argument."""

    def visit(node: Any, degrees: list[int]) -> int:
        kind, _, pairs = view(node)
        if kind in (ATOM, NUMBER):
            args = interface.args(node) if interface.is_call(node) else ()
            return weights.get(interface.key(args[0]), 0) if len(args) == 1 else 0
        if kind == SUM:
            return max(degrees, default=0)
        powers = [math.ceil(abs(w)) if is_value(w) and math.isfinite(w) else 1 for _, w in pairs]
        return sum(d * w for d, w in zip(degrees, powers))

    return fold(root, visit, parts=region_parts)
