"""What a term costs: its operations, and as a tie-break the costs of the operator table.

``tree_cost`` counts a shared part as often as it occurs and falls at a node whenever it falls below it: it decides each rewrite step.
``shared_cost`` counts a shared part once, as compiled code computes it: it decides which form is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, head_of, is_value, product_view, sum_view

Cost = tuple[int, int]
"""(number of operations, ten times the sum of their costs in the operator table)."""

SIGN = 5
"""Weight of a change of sign, half an addition: of -cos(x)^2 and sin(x)^2 - 1 the first is simpler."""


Own = tuple[Cost, Sequence[Any]]
"""Cost of the operations at a node, and the terms that they take."""


def _weight(head: str) -> int:
    return round(10 * OPERATORS[head].cost)


_ADD, _MULTIPLY, _DIVIDE, _POWER, _ROOT = map(_weight, ("+", "*", "/", "^", "sqrt"))
_LEAF: Own = ((0, 0), ())


def own_cost(node: Any) -> Own:
    """Return the cost of the operations at a node, and the terms that they take.

    A sum or product is one node with all its coefficients and powers, so that equal terms of different backends cost the same.
    """
    head = head_of(node)
    if not head:
        return _LEAF
    if head in PRODUCT_HEADS:
        return _product_cost(*product_view(node))
    if head in SUM_HEADS:
        return _sum_cost(*sum_view(node))
    row = OPERATORS.get(head)
    args = interface.args(node)
    if row is None:
        return (1, 10), args
    count = max(len(args) - 1, 0) if row.associative else 1 if args else 0
    return (count, count * _weight(head)), args


def _sum_cost(constant: Any, pairs: list[tuple[Any, Any]]) -> Own:
    """Cost of a sum: its parts with their coefficients, and one addition or subtraction between two of them."""
    count = weight = 0
    absorbed = constant > 0
    for term, coefficient in pairs:
        if coefficient == -1:
            continue
        absorbed = True
        if coefficient != 1 and not _takes_coefficient(term):
            count += 1
            weight += _MULTIPLY + (coefficient < 0)
    adds = len(pairs) - (constant == 0)
    flipped = not absorbed and constant == 0
    return (count + adds + flipped, weight + adds * _ADD + flipped * SIGN), [term for term, _ in pairs]


def _takes_coefficient(term: Any) -> bool:
    """Tell whether a coefficient is free, because it stands for the 1 in 1/x."""
    if head_of(term) not in PRODUCT_HEADS:
        return False
    coefficient, pairs = product_view(term)
    return coefficient == 1 and bool(pairs) and all(is_value(e) and e < 0 for _, e in pairs)


def _product_cost(coefficient: Any, pairs: list[tuple[Any, Any]]) -> Own:
    """Cost of a product: its powers, the multiplications above and below the bar, and one division."""
    count = weight = above = below = 0
    operands = []
    if coefficient < 0 and coefficient != -1:
        weight += 1  # of two forms that differ in the sign only, the one without it
    for base, exponent in pairs:
        operands.append(base)
        if not is_value(exponent):
            operands.append(exponent)
            count, weight, above = count + 1, weight + _POWER, above + 1
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
            weight += min(multiplications * _MULTIPLY + 1, _POWER)
        else:
            weight += _ROOT if exponent * 2 == 1 else _POWER
    if coefficient == -1 and above:
        count, weight = count + 1, weight + SIGN
    elif coefficient != 1 and coefficient != -1:
        above += 1
    multiplications = max(above - 1, 0) + max(below - 1, 0)
    count += multiplications + (below > 0)
    return (count, weight + multiplications * _MULTIPLY + (below > 0) * _DIVIDE), operands


class TreeCost:
    """Costs of terms with shared parts counted as often as they occur, each distinct part looked at once."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Any, Cost]] = {}
        self._own: dict[Hashable, tuple[Any, Own]] = {}

    def own(self, node: Any) -> Own:
        """Return what :func:`own_cost` says, kept for the next time."""
        identity = interface.key(node)
        found = self._own.get(identity)
        if found is None:
            found = self._own[identity] = (node, own_cost(node))
        return found[1]

    def __call__(self, root: Any) -> Cost:
        known = self._known
        found = known.get(interface.key(root))
        if found is not None:
            return found[1]
        stack = [root]
        while stack:
            node = stack[-1]
            (count, weight), operands = self.own(node)
            missing = []
            for child in operands:
                found = known.get(interface.key(child))
                if found is None:
                    missing.append(child)
                else:
                    count += found[1][0]
                    weight += found[1][1]
            if missing:
                stack += missing
            else:
                known[interface.key(node)] = (node, (count, weight))
                stack.pop()
        return known[interface.key(root)][1]

    def shared(self, root: Any) -> Cost:
        """Return what :func:`shared_cost` says."""
        return _shared((root,), self.own)


def shared_cost(*roots: Any) -> Cost:
    """Return the cost of computing all roots, each distinct part once.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> shared_cost(sn.sin(x) * (x + y) + sn.sin(x))[0]
    4
    """
    return _shared(roots, own_cost)


def _shared(roots: Sequence[Any], own: Callable[[Any], Own]) -> Cost:
    seen: set[Hashable] = set()
    stack = list(roots)
    count = weight = 0
    while stack:
        node = stack.pop()
        identity = interface.key(node)
        if identity in seen:
            continue
        seen.add(identity)
        (more, heavier), operands = own(node)
        count += more
        weight += heavier
        stack.extend(operands)
    return count, weight
