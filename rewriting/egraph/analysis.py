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
from symnum.rewriting.facts import ANY, ASSUMED, NEGATIVE, POSITIVE, ZERO

FACTS: dict[str, int] = {
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "nonnegative": ZERO | POSITIVE,
    "nonpositive": ZERO | NEGATIVE,
    "nonzero": NEGATIVE | POSITIVE,
}
"""Relations of the e-graph over classes -> the signs that they allow; "integer" is the only other one."""

_ALWAYS = {
    "exp": POSITIVE, "cosh": POSITIVE, "sech": POSITIVE, "pi": POSITIVE,
    "acosh": ZERO | POSITIVE, "acos": ZERO | POSITIVE, "asec": ZERO | POSITIVE,
}  # fmt: skip
_LIKE_ARGUMENT = frozenset("sinh tanh asinh atanh atan asin erf cbrt sign expm1 log1p".split())
_WHOLE = frozenset(["floor", "ceil", "sign"])


class Signs:
    """The signs and whole numbers of one reading of the e-graph, by a fixpoint over its e-nodes."""

    def __init__(self, graph: Graph, leaves: Sequence[Any]) -> None:
        self.graph, self.leaves = graph, leaves
        self.signs = dict.fromkeys(graph.classes, ANY)
        self.whole: set[int] = set()
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
            sign, whole = self.signs[name], name in self.whole
            for node in self.graph.classes[name]:
                sign &= self._sign(node)
                whole = whole or self._is_whole(node)
            # no sign left: the terms are defined nowhere together, and nothing is said
            if sign and (sign != self.signs[name] or whole != (name in self.whole)):
                self.signs[name] = sign
                if whole:
                    self.whole.add(name)
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
                total = multiplied(total, _powered(self.signs[child], node.children.count(child)))
            return total
        if op == "scale":
            return multiplied(sign_of(number_value(node.data)), children[0])
        if op == "power":
            return _powered(children[0], number_value(node.data))
        if op == "^":
            return (
                POSITIVE
                if children[0] == POSITIVE
                else ZERO | POSITIVE
                if not children[0] & NEGATIVE
                else ANY
            )
        if op == "abs":
            return children[0] & ZERO | (POSITIVE if children[0] & ~ZERO else 0)
        if op in _ALWAYS:
            return _ALWAYS[op]
        if op in _LIKE_ARGUMENT:
            return children[0]
        if op == "ifelse":
            return children[1] | children[2]
        if op in ("min", "max"):
            return _extreme(children, op == "max")
        return ANY

    def _sign_of_leaf(self, leaf: Any) -> int:
        if interface.is_number(leaf):
            return sign_of(interface.value(leaf))
        found = ANY
        if interface.is_symbol(leaf):
            for assumption in interface.assumptions(leaf):
                found &= ASSUMED.get(assumption, ANY)
        return found

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


def sign_of(value: Any) -> int:
    """Return the sign of a number; of a truth value and of nan nothing is known."""
    if isinstance(value, bool) or value != value:
        return ANY
    return POSITIVE if value > 0 else ZERO if value == 0 else NEGATIVE


def negated(signs: int) -> int:
    """Return the signs of -a."""
    return signs & ZERO | (POSITIVE if signs & NEGATIVE else 0) | (NEGATIVE if signs & POSITIVE else 0)


def added(a: int, b: int) -> int:
    """Return the signs of a + b."""
    if a == ZERO or b == ZERO:
        return b if a == ZERO else a
    if (a | b) & NEGATIVE and (a | b) & POSITIVE:
        return ANY
    return (a | b) & ~ZERO | (ZERO if a & ZERO and b & ZERO else 0)


def multiplied(a: int, b: int) -> int:
    """Return the signs of a * b."""
    found = (a | b) & ZERO
    if b & POSITIVE:
        found |= a & ~ZERO
    if b & NEGATIVE:
        found |= negated(a) & ~ZERO
    return found


def _powered(signs: int, exponent: Any) -> int:
    """Return the signs of base^exponent where it is defined; a negative power of zero is infinite, of no known sign."""
    if exponent < 0 and signs & ZERO:
        return ANY if numbers.is_integer(exponent) and exponent % 2 else ZERO | POSITIVE
    if numbers.is_integer(exponent):
        return signs if exponent % 2 else signs & ZERO | (POSITIVE if signs & ~ZERO else 0)
    return signs & (ZERO | POSITIVE) or ANY


def _extreme(signs: list[int], largest: bool) -> int:
    """Return the signs of a maximum: the largest sign of each combination; of a minimum, the smallest."""
    turned = signs if largest else [negated(s) for s in signs]
    found = 0
    lowest = max(s & -s for s in turned)
    for s in turned:
        found |= s
    found &= ~(lowest - 1)
    return found if largest else negated(found)
