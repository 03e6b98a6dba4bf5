"""What is in an e-graph, read back from egglog: e-classes and e-nodes with names that do not depend on hashes or memory.

Every class has a *name*, an int that its first member was given when it was made; merged classes answer to all their names, and the
smallest one is canonical.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from symnum import exact as numbers
from symnum.operators import OPERATORS


class Node(NamedTuple):
    """One e-node: an operation on e-classes.

    ``op`` is "number", "leaf", "scale" (data * child), "power" (child ^ data, data an exact number), or a head of the operator table;
    sums, products and other commutative heads keep their children sorted.
    """

    op: str
    data: Any
    children: tuple[int, ...]


def node_order(node: Node) -> tuple[Any, ...]:
    """Return a sort key of nodes that depends on their names only."""
    return (len(node.children), node.op, str(node.data), node.children)


class Graph:
    """A reading of the e-graph: canonical name -> e-nodes, each with canonical children."""

    def __init__(self, classes: dict[int, list[Node]], canonical: dict[int, int]) -> None:
        self.classes = classes
        self.canonical = canonical
        self.size = sum(map(len, classes.values()))

    def find(self, name: int) -> int:
        """Return the canonical name of a class."""
        return self.canonical[name]

    def nodes(self, name: int, op: str) -> list[Node]:
        """Return the e-nodes of a class that have the operation."""
        return [node for node in self.classes[name] if node.op == op]

    def number(self, name: int) -> Any | None:
        """Return the exact number that a class is, or None."""
        for node in self.classes[name]:
            if node.op == "number":
                return number_value(node.data)
        return None


def number_text(value: Any) -> str:
    """Return an exact number or truth value as text, such as ``"3/2"`` or ``"true"``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return numbers.to_digits(value)
    return f"{numbers.to_digits(value.numerator)}/{numbers.to_digits(value.denominator)}"


def number_value(text: str) -> Any:
    """Return the number that :func:`number_text` wrote."""
    if text in ("true", "false"):
        return text == "true"
    return numbers.parse_number(text)


def build(
    rows: Iterable[tuple[str, Any, tuple[int, ...], int]], names: dict[int, list[int]], first_free: int
) -> tuple[Graph, list[tuple[int, Node]], dict[int, int]]:
    """Return the graph of raw rows (op, data, child classes, class), names for the classes that had none, and {raw class: name}.

    ``names`` gives the names of a raw class.  A new class is named after one of its e-nodes whose children have names, the first in
    :func:`node_order`, level by level; so names are the same in every run.
    """
    raw: dict[int, list[tuple[str, Any, tuple[int, ...]]]] = {}
    for op, data, children, made in rows:
        raw.setdefault(made, []).append((op, data, children))
    name_of = {made: min(known) for made, known in names.items()}
    canonical = {name: name_of[made] for made, known in names.items() for name in known}
    fresh: list[tuple[int, Node]] = []
    nameless = [made for made in raw if made not in name_of]
    while nameless:
        found = []
        for made in nameless:
            ready = [
                _named(entry, name_of) for entry in raw[made] if all(child in name_of for child in entry[2])
            ]
            if ready:
                found.append((min(ready, key=node_order), made))
        if not found:
            break  # cannot be: every class holds a term, so one of the nameless has children with names
        for node, made in sorted(found, key=lambda pair: node_order(pair[0])):
            name_of[made] = canonical[first_free] = first_free
            fresh.append((first_free, node))
            first_free += 1
        nameless = [made for made in nameless if made not in name_of]
    classes = {
        name_of[made]: sorted({_named(entry, name_of) for entry in raw[made]}, key=node_order)
        for made in sorted(raw, key=lambda made: name_of.get(made, -1))
        if made in name_of
    }
    return Graph(classes, canonical), fresh, name_of


def _named(entry: tuple[str, Any, tuple[int, ...]], name_of: dict[int, int]) -> Node:
    op, data, children = entry
    named = tuple([name_of[child] for child in children])
    return Node(op, data, tuple(sorted(named)) if is_bag(op) else named)


def is_bag(op: str) -> bool:
    """Tell whether the children of an operation are a bag: sums, products, and every other commutative head."""
    row = OPERATORS.get(op)
    return row is not None and row.commutative
