"""What is certain about e-classes: possible signs, and being a whole number.

All that is in one e-graph is judged where every term that was added is defined: rules keep what is equal there equal, so a fact about
one form of a class holds for all its forms.  Domains come in twice: terms whose domains differ in more than single points get graphs of
their own, and a part that is computed only under a condition and is not defined everywhere stays closed (see ``domains``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.egraph.graph import Graph, Node, number_value
from symnum.rewriting.sign_sets import (
    ANY,
    ASSUMED,
    NEGATIVE,
    POSITIVE,
    ZERO,
    added,
    multiplied,
    of_call,
    of_power,
    powered,
    sign_of,
)

FACTS: dict[str, int] = {
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "nonnegative": ZERO | POSITIVE,
    "nonpositive": ZERO | NEGATIVE,
    "nonzero": NEGATIVE | POSITIVE,
}
"""Relations of the e-graph over classes -> the signs that they allow; "integer" is the only other one."""

_WHOLE = frozenset(["floor", "ceil", "sign"])
_BOUNDED = frozenset("sin cos tanh sech erf atan acot asin acos sign".split())


class Signs:
    """The signs and whole numbers of one reading of the e-graph, by a fixpoint over its e-nodes."""

    def __init__(self, graph: Graph, leaves: Sequence[Any]) -> None:
        self.graph, self.leaves = graph, leaves
        self.signs = dict.fromkeys(graph.classes, ANY)
        self.whole: set[int] = set()
        self.finite: set[int] = set()
        self._solve()

    def of(self, name: int) -> int:
        """Return the set of signs that a class can have."""
        return self.signs[name]

    def facts(self) -> list[tuple[str, int]]:
        """Return (relation, class) for all that is certain."""
        found = [
            (relation, name)
            for name, sign in self.signs.items()
            if sign != ANY
            for relation, allowed in FACTS.items()
            if not sign & ~allowed
        ]
        return found + [("integer", name) for name in sorted(self.whole)]

    def _solve(self) -> None:
        parents: dict[int, set[int]] = {}
        for name, nodes in self.graph.classes.items():
            for node in nodes:
                for child in node.children:
                    parents.setdefault(child, set()).add(name)
        waiting = dict.fromkeys(self.graph.classes)
        while waiting:
            name = next(iter(waiting))
            del waiting[name]
            sign, whole, finite = self.signs[name], name in self.whole, name in self.finite
            for node in self.graph.classes[name]:
                sign &= self._sign(node)
                whole = whole or self._is_whole(node)
                finite = finite or self._is_finite(node)
            known = (self.signs[name], name in self.whole, name in self.finite)
            # no sign left: the terms are defined nowhere together, and nothing is said
            if sign and (sign, whole, finite) != known:
                self.signs[name] = sign
                if whole:
                    self.whole.add(name)
                if finite:
                    self.finite.add(name)
                waiting.update(dict.fromkeys(sorted(parents.get(name, ()))))

    def _sign(self, node: Node) -> int:
        op, children = node.op, [self.signs[child] for child in node.children]
        if op == "number":
            return sign_of(number_value(node.data))
        if op == "leaf":
            return self._sign_of_leaf(self.leaves[node.data])
        if op == "+":
            total = ZERO
            for sign in children:
                total = added(total, sign)
            return total
        if op == "*":
            total = POSITIVE
            for child in dict.fromkeys(node.children):  # x*x has the sign of a square
                count = node.children.count(child)
                total = multiplied(total, powered(self.signs[child], count, child in self.finite))
            return total
        if op == "scale":
            return multiplied(sign_of(number_value(node.data)), children[0])
        finite = all(child in self.finite for child in node.children)
        if op == "power":
            return powered(children[0], number_value(node.data), finite)
        if op == "^":
            return of_power(children[0], finite)
        return of_call(op, children, finite)

    def _sign_of_leaf(self, leaf: Any) -> int:
        if interface.is_number(leaf):
            return sign_of(interface.value(leaf))
        found = ANY
        if interface.is_symbol(leaf):
            for assumption in interface.assumptions(leaf):
                found &= ASSUMED.get(assumption, ANY)
        return found

    def _is_finite(self, node: Node) -> bool:
        """Tell whether a node is a finite number where it is defined."""
        if node.op == "leaf":
            return interface.is_symbol(self.leaves[node.data])
        if node.op in ("number", *_BOUNDED):
            return True
        closed = node.op in ("+", "*", "scale", "abs", "min", "max", "exp", "sinh", "cosh")
        if closed or (node.op == "power" and number_value(node.data) > 0):
            return all(child in self.finite for child in node.children)
        return False

    def _is_whole(self, node: Node) -> bool:
        if node.op == "number":
            return numbers.is_integer(number_value(node.data)) and node.data not in ("true", "false")
        if node.op == "leaf":
            leaf = self.leaves[node.data]
            return interface.is_symbol(leaf) and interface.sort_of(leaf) == "integer"
        if node.op in _WHOLE:
            return True
        if node.op in ("scale", "power"):
            value = number_value(node.data)
            good = numbers.is_integer(value) and (node.op == "scale" or value > 0)
            return good and node.children[0] in self.whole
        return node.op in ("+", "*", "abs", "min", "max") and all(c in self.whole for c in node.children)


def contradicts(graph: Graph, leaves: Sequence[Any]) -> bool:
    """Tell whether the terms of an e-graph are certainly defined nowhere together, so that anything would follow from them.

    This is so where zero has a negative power, and where a class holds two numbers or symbols: those of one open set are independent.
    """
    for nodes in graph.classes.values():
        known = 0
        for node in nodes:
            if node.op == "power" and number_value(node.data) < 0 and graph.number(node.children[0]) == 0:
                return True
            known += node.op == "number" or (node.op == "leaf" and interface.is_symbol(leaves[node.data]))
        if known > 1:
            return True
    return False
