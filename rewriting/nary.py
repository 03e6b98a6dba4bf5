"""Terms as a graph of n-ary sums and products over small integers: what the factoring optimiser works on.

Equal nodes have one id, and arguments have smaller ids than what is made of them.  A product has no coefficient: 2*x*y is the sum of
one addend x*y with the coefficient 2.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.order import order_key
from symnum.rewriting.cost import (
    CostModel,
    is_cheap_power,
    is_reciprocal,
    power_operations,
    product_operations,
    sum_operations,
)
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, is_value, product_view, sum_view

LEAF, CALL, SUM, PRODUCT = range(4)

Node = tuple[Any, ...]
"""(LEAF, key) · (CALL, head, ids) · (SUM, constant, ((id, coefficient), ...)) · (PRODUCT, ((id, exponent), ...))."""

Monomial = tuple[Any, dict[int, Any]]
"""coefficient and {id: exponent}."""


class Graph:
    """Nodes in an order in which arguments come first, and the ``roots`` among them."""

    def __init__(self, like: Any) -> None:
        self.like = like
        self.nodes: list[Node] = []
        self.roots: list[int] = []
        self.terms: dict[int, Any] = {}
        self._ids: dict[Hashable, int] = {}
        self._reached: tuple[tuple[int, list[int]], list[int]] | None = None

    # --- making nodes ---

    def add(self, node: Node) -> int:
        """Return the id of a node, which is new or known."""
        # exact and float numbers are equal in Python, and must not be merged
        identity = (node, _types(node)) if node[0] == SUM or node[0] == PRODUCT else node
        found = self._ids.get(identity)
        if found is None:
            found = self._ids[identity] = len(self.nodes)
            self.nodes.append(node)
        return found

    def leaf(self, term: Any) -> int:
        """Return the id of a symbol, a number or anything that is not looked into."""
        found = self.add((LEAF, interface.key(term)))
        self.terms.setdefault(found, term)
        return found

    def product(self, factors: dict[int, Any]) -> int:
        """Return the id of a product of powers; of x^1, that is x, and of x^0, that is 1."""
        if 0 in factors.values():
            factors = {base: exponent for base, exponent in factors.items() if exponent != 0}
        if not factors:
            return self.leaf(interface.make_number(self.like, 1))
        if len(factors) == 1:
            ((base, exponent),) = factors.items()
            if exponent == 1:
                return base
        return self.add((PRODUCT, tuple(sorted(factors.items()))))

    def sum(self, constant: Any, addends: dict[int, Any]) -> int:
        """Return the id of constant + sum of coefficient * node; of 0 + 1*x, that is x."""
        if constant == 0 and type(constant) is int and len(addends) == 1:
            ((only, coefficient),) = addends.items()
            if coefficient == 1 and type(coefficient) is int:
                return only
        return self.add((SUM, constant, tuple(sorted(addends.items()))))

    def scaled(self, monomial: Monomial) -> int:
        """Return the id of a monomial."""
        coefficient, factors = monomial
        if not factors:
            return self.leaf(interface.make_number(self.like, coefficient))
        return self.sum(0, {self.product(factors): coefficient})

    # --- reading nodes ---

    def monomial(self, identity: int) -> Monomial:
        """Return a node as coefficient and factors; a node that is no product is itself to the power 1."""
        node = self.nodes[identity]
        coefficient: Any = 1
        if node[0] == SUM and node[1] == 0 and len(node[2]) == 1:
            ((identity, coefficient),) = node[2]
            node = self.nodes[identity]
        if node[0] == PRODUCT:
            return coefficient, dict(node[1])
        return coefficient, {identity: 1}

    def parts(self, identity: int) -> list[int]:
        """Return the ids that a node is made of."""
        node = self.nodes[identity]
        if node[0] == LEAF:
            return []
        if node[0] == CALL:
            return list(node[2])
        return [part for part, _ in node[-1]]

    def reachable(self) -> list[int]:
        """Return the ids that the roots need, arguments first."""
        nodes = self.nodes
        state = (len(nodes), list(self.roots))
        if self._reached is not None and self._reached[0] == state:
            return self._reached[1]
        needed = bytearray(len(nodes))
        stack = list(self.roots)
        while stack:
            identity = stack.pop()
            if not needed[identity]:
                needed[identity] = 1
                node = nodes[identity]
                if node[0] == CALL:
                    stack += node[2]
                elif node[0] != LEAF:
                    stack += [part for part, _ in node[-1]]
        found = [i for i, there in enumerate(needed) if there]
        self._reached = (state, found)
        return found

    def cost(self, model: CostModel) -> float:
        """Return the cost of computing all roots, each node once; the same as ``model.dag`` of the terms."""
        total = 0.0
        seen = bytearray(len(self.nodes))
        powers: set[tuple[int, Any]] = set()
        stack = list(self.roots)
        while stack:
            identity = stack.pop()
            if seen[identity]:
                continue
            seen[identity] = 1
            node = self.nodes[identity]
            factors: Any = ()
            if node[0] == SUM:
                signs = []
                alone = len(node[2]) == 1 and node[1] == 0
                for part, coefficient in node[2]:
                    inner = self.nodes[part]
                    # 3/x is one division, which 1/x does not save
                    free = (
                        (alone or coefficient not in (1, -1))
                        and inner[0] == PRODUCT
                        and is_reciprocal(inner[1])
                    )
                    signs.append((free, coefficient))
                    if free:
                        total += model.total(product_operations(coefficient, [e for _, e in inner[1]]))
                        factors = [*factors, *inner[1]]
                    else:
                        stack.append(part)
                total += model.total(sum_operations(node[1], signs))
            elif node[0] == PRODUCT:
                factors = node[1]
                total += model.total(product_operations(1, [e for _, e in factors]))
            elif node[0] == CALL:
                row = OPERATORS.get(node[1])
                count = 1 if row is None or not row.associative else max(len(node[2]) - 1, 0)
                total += model.price(node[1]) * (count if node[2] else 0)
                stack += node[2]
            else:
                total += model.leaf
            for base, exponent in factors:
                stack.append(base)
                if exponent != 1 and exponent != -1:
                    power = (base, abs(exponent) if is_cheap_power(exponent) else exponent)
                    if power not in powers:
                        powers.add(power)
                        total += model.total(power_operations(exponent))
        return total


def _types(node: Node) -> tuple[int, ...]:
    """Return the places of the floats among the numbers of a node."""
    places = [k for k, (_, number) in enumerate(node[-1]) if type(number) is float]
    if node[0] == SUM and type(node[1]) is float:
        places.append(-1)
    return tuple(places)


# --- terms to graph -------------------------------------------------------------------------------------------------------------


def read(roots: Sequence[Any]) -> Graph:
    """Return the graph of terms in normal form; what ``hold`` keeps together is a node of its own.

    Nodes are numbered by height and contents, symbols in the order of printing, so that nothing depends on how the terms were built.
    """
    graph = Graph(roots[0])
    known: dict[Hashable, int] = {}
    leaves, levels = _levels(roots)
    for leaf in sorted(leaves, key=order_key):
        known[interface.key(leaf)] = graph.leaf(leaf)
    for level in levels:
        # what a node is made of is numbered by now
        made = [(identity, _contents(graph, view, known)) for identity, view in level]
        made.sort(key=_by_contents)
        for identity, (kind, number, pairs) in made:
            if kind == SUM:
                known[identity] = graph.sum(number, _merged(pairs))
            elif kind == PRODUCT:
                known[identity] = graph.scaled((number, _merged(pairs)))
            elif kind == LEAF:
                known[identity] = pairs[0]
            else:
                known[identity] = graph.add((CALL, number, pairs))
    graph.roots = [known[interface.key(root)] for root in roots]
    return graph


def _merged(pairs: list[tuple[int, Any]]) -> dict[int, Any]:
    """Return {id: number}; a part and what ``hold`` keeps of the same part are one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        found = {}
        for identity, value in pairs:
            found[identity] = numbers.normal(found.get(identity, 0) + value)
    return {i: value for i, value in found.items() if value != 0} if 0 in found.values() else found


_View = tuple[str, Any, list[tuple[Any, ...]], list[Hashable]]
"""(head, number, entries, keys of all parts): an entry is (key, number), (key of a base, None, key of an exponent), or
(key of an argument,)."""


def _levels(roots: Sequence[Any]) -> tuple[list[Any], list[list[tuple[Hashable, _View]]]]:
    """Return the leaves, and the calls by height with their views."""
    leaves: list[Any] = []
    height: dict[Hashable, int] = {}
    levels: list[list[tuple[Hashable, _View]]] = []
    entered: set[Hashable] = set()
    stack: list[tuple[Any, Hashable, _View | None]] = [
        (root, interface.key(root), None) for root in reversed(roots)
    ]
    while stack:
        node, identity, view = stack.pop()
        if view is None:
            if identity in entered:
                continue
            entered.add(identity)
            if not interface.is_call(node):
                leaves.append(node)
                height[identity] = 0
                continue
            view, parts = _view(node)
            stack.append((None, identity, view))
            stack.extend([(part, key, None) for part, key in zip(parts, view[3]) if key not in entered])
            continue
        own = 1 + max(map(height.__getitem__, view[3]), default=0)
        height[identity] = own
        while len(levels) < own:
            levels.append([])
        levels[own - 1].append((identity, view))
    return leaves, levels


def _view(node: Any) -> tuple[_View, list[Any]]:
    """Return the view of a call, and its parts in the order of their keys there."""
    key = interface.key
    head = interface.head(node)
    if head in SUM_HEADS:
        number, pairs = sum_view(node)
        keys = [key(t) for t, _ in pairs]
        found = [(k, c) for k, (_, c) in zip(keys, pairs)]
        return (head, number, found, keys), [t for t, _ in pairs]
    if head in PRODUCT_HEADS:
        number, pairs = product_view(node)
        entries: list[tuple[Any, ...]] = []
        parts = []
        keys = []
        for base, exponent in pairs:
            parts.append(base)
            keys.append(key(base))
            if type(exponent) is int or is_value(exponent):
                entries.append((keys[-1], exponent))
            else:
                parts.append(exponent)
                keys.append(key(exponent))
                entries.append((keys[-2], None, keys[-1]))
        return (head, number, entries, keys), parts
    parts = list(interface.args(node))
    keys = [key(a) for a in parts]
    return (head, None, [(k,) for k in keys], keys), parts


def _contents(graph: Graph, view: _View, known: dict[Hashable, int]) -> tuple[int, Any, Any]:
    """Return (kind, number or head, pairs or arguments) of a node whose parts are numbered."""
    head, number, entries, _ = view
    if head in SUM_HEADS:
        return SUM, number, sorted([(known[k], c) for k, c in entries])
    if head in PRODUCT_HEADS:
        factors = []
        for entry in entries:
            if len(entry) == 2:
                factors.append((known[entry[0]], entry[1]))
            else:
                factors.append((graph.add((CALL, "^", (known[entry[0]], known[entry[2]]))), 1))
        return PRODUCT, number, sorted(factors)
    args = tuple([known[k] for (k,) in entries])
    return (LEAF, None, args) if head == "hold" else (CALL, head, args)


def _by_contents(entry: tuple[Hashable, tuple[int, Any, Any]]) -> Any:
    kind, number, pairs = entry[1]
    return (
        kind,
        number if kind == CALL else "",
        len(pairs),
        pairs,
        0 if number is None or kind == CALL else number,
    )


# --- graph to terms -------------------------------------------------------------------------------------------------------------


def build(graph: Graph) -> list[Any]:
    """Return the roots of a graph as terms; a sum in a sum and a product in a product are kept by ``hold``."""
    like, nodes = graph.like, graph.nodes
    make = interface.make
    terms: dict[int, Any] = {}
    for identity in graph.reachable():
        node = nodes[identity]
        kind = node[0]
        if kind == LEAF:
            terms[identity] = graph.terms[identity]
        elif kind == CALL:
            terms[identity] = make(like, node[1], [terms[i] for i in node[2]])
        elif kind == PRODUCT:
            parts = []
            for base, exponent in node[1]:
                part = terms[base]
                if exponent != 1:
                    part = make(like, "^", (part, exponent))
                elif len(node[1]) > 1 and nodes[base][0] == PRODUCT:
                    part = make(like, "hold", (part,))
                parts.append(part)
            terms[identity] = make(like, "*", parts) if len(parts) > 1 else parts[0]
        else:
            parts = []
            alone = len(node[2]) == 1 and node[1] == 0
            for addend, coefficient in node[2]:
                part = terms[addend]
                if not alone and nodes[addend][0] == SUM:
                    part = make(like, "hold", (part,))
                if coefficient != 1 or type(coefficient) is not int:
                    part = make(like, "*", (coefficient, part))
                parts.append(part)
            if node[1] != 0 or not parts:
                parts.append(interface.make_number(like, node[1]))
            terms[identity] = make(like, "+", parts) if len(parts) > 1 else parts[0]
    return [terms[root] for root in graph.roots]


def whole_power(monomial: Monomial, exponent: Any) -> Monomial | None:
    """Return a monomial to a whole power, or None for another power, which is not that of its factors."""
    coefficient, factors = monomial
    if type(exponent) is not int:
        return None
    value = numbers.power(coefficient, exponent)
    if value is None:
        return None
    return value, {i: numbers.normal(e * exponent) for i, e in factors.items()}


def times(a: Monomial, b: Monomial) -> Monomial:
    """Return the product of two monomials."""
    factors = dict(a[1])
    for identity, exponent in b[1].items():
        total = numbers.normal(factors.get(identity, 0) + exponent)
        if total == 0:
            factors.pop(identity, None)
        else:
            factors[identity] = total
    return numbers.normal(a[0] * b[0]), factors


def exact_ratio(a: Any, b: Any) -> Any:
    """Return a / b, a Fraction for whole numbers that do not divide."""
    if a == b or a == -b:
        return 1 if a == b else -1
    if type(a) is float or type(b) is float:
        return a / b
    return numbers.normal(Fraction(a) / Fraction(b))
