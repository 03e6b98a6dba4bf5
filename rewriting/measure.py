"""What a term costs: its operations, and as a tie-break the costs of the operator table.

``tree_cost`` counts a shared part as often as it occurs and falls at a node whenever it falls below it: it decides each rewrite step.
``shared_cost`` counts a shared part once, as compiled code computes it: it decides which form is returned.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, is_value, product_view, sum_view

Cost = tuple[int, int]
"""(number of operations, ten times the sum of their costs in the operator table)."""

SIGN = 5
"""Weight of a change of sign, half an addition: of -cos(x)^2 and sin(x)^2 - 1 the first is simpler."""


def _weight(head: str) -> int:
    return round(10 * OPERATORS[head].cost)


def own_cost(node: Any) -> tuple[Cost, list[Any]]:
    """Return the cost of the operations at a node, and the terms that they take.

    A sum or product is one node with all its coefficients and powers, so that equal terms of different backends cost the same.
    """
    face = interface.interface(node)
    if not face.is_call(node):
        return (0, 0), []
    head = face.head(node)
    if head in PRODUCT_HEADS:
        return _product_cost(*product_view(node))
    if head in SUM_HEADS:
        return _sum_cost(*sum_view(node))
    row = OPERATORS.get(head)
    args = list(face.args(node))
    if row is None:
        return (1, 10), args
    count = max(len(args) - 1, 0) if row.associative else 1 if args else 0
    return (count, count * _weight(head)), args


def _sum_cost(constant: Any, pairs: list[tuple[Any, Any]]) -> tuple[Cost, list[Any]]:
    """Cost of a sum: its parts with their coefficients, and one addition or subtraction between two of them."""
    count = weight = 0
    positive = constant > 0 or any(not c < 0 for _, c in pairs)
    absorbed = positive
    for term, coefficient in pairs:
        if coefficient != 1 and coefficient != -1 and not _takes_coefficient(term):
            count += 1
            weight += _weight("*") + (coefficient < 0)
        if coefficient != -1:
            absorbed = True
    adds = len(pairs) - (constant == 0)
    flipped = not absorbed and constant == 0
    return (count + adds + flipped, weight + adds * _weight("+") + flipped * SIGN), [
        term for term, _ in pairs
    ]


def _takes_coefficient(term: Any) -> bool:
    """Tell whether a coefficient is free, because it stands for the 1 in 1/x."""
    if not interface.is_call(term):
        return False
    coefficient, pairs = product_view(term)
    return coefficient == 1 and bool(pairs) and all(is_value(e) and e < 0 for _, e in pairs)


def _product_cost(coefficient: Any, pairs: list[tuple[Any, Any]]) -> tuple[Cost, list[Any]]:
    """Cost of a product: its powers, the multiplications above and below the bar, and one division."""
    count = weight = above = below = 0
    operands = []
    if coefficient < 0 and coefficient != -1:
        weight += 1  # of two forms that differ in the sign only, the one without it
    for base, exponent in pairs:
        operands.append(base)
        if not is_value(exponent):
            operands.append(exponent)
            count, weight, above = count + 1, weight + _weight("^"), above + 1
            continue
        if exponent < 0:
            below, exponent = below + 1, -exponent
        else:
            above += 1
        if exponent == 1:
            continue
        count += 1
        if type(exponent) is int:
            multiplications = exponent.bit_length() + exponent.bit_count() - 2
            weight += min(multiplications * _weight("*") + 1, _weight("^"))
        else:
            weight += _weight("sqrt") if exponent * 2 == 1 else _weight("^")
    if coefficient == -1 and above:
        count, weight = count + 1, weight + SIGN
    elif coefficient != 1 and coefficient != -1:
        above += 1
    multiplications = max(above - 1, 0) + max(below - 1, 0)
    count += multiplications + (below > 0)
    return (count, weight + multiplications * _weight("*") + (below > 0) * _weight("/")), operands


class TreeCost:
    """Costs of terms with shared parts counted as often as they occur, each distinct part looked at once."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Any, Cost]] = {}

    def __call__(self, root: Any) -> Cost:
        known = self._known
        stack: list[tuple[Any, Cost, list[Any] | None]] = [(root, (0, 0), None)]
        while stack:
            node, own, operands = stack.pop()
            identity = interface.key(node)
            if identity in known:
                continue
            if operands is None:
                own, operands = own_cost(node)
                missing = [child for child in operands if interface.key(child) not in known]
                if missing:
                    stack.append((node, own, operands))
                    stack.extend((child, (0, 0), None) for child in missing)
                    continue
            count, weight = own
            for child in operands:
                _, (more, heavier) = known[interface.key(child)]
                count += more
                weight += heavier
            known[identity] = (node, (count, weight))
        return known[interface.key(root)][1]


def shared_cost(*roots: Any) -> Cost:
    """Return the cost of computing all roots, each distinct part once.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> shared_cost(sn.sin(x) * (x + y) + sn.sin(x))[0]
    4
    """
    seen: set[Hashable] = set()
    stack = list(roots)
    count = weight = 0
    while stack:
        node = stack.pop()
        identity = interface.key(node)
        if identity in seen:
            continue
        seen.add(identity)
        (more, heavier), operands = own_cost(node)
        count += more
        weight += heavier
        stack.extend(operands)
    return count, weight
