"""How large the smallest term of each e-class is, and which e-nodes are so much larger that nothing new is made of them.

Sums and products can be divided by anything: where p*q is known, p is also (p*q)*(1/q), and log(p) is also log(p*q) - log(q).  Each such
form gives rise to more, and none of them to a cheap one.  So an e-node whose smallest term is much larger than the smallest term of its
class is kept, for extraction and for what it proves equal, but no law is applied to it, and no rule on sums and products.
"""

from __future__ import annotations

from symnum.rewriting.egraph.graph import Graph, Node


class Sizes:
    """The sizes of the smallest terms of one reading of the e-graph, counted as trees of e-nodes."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._sizes: dict[int, int] = {}
        self._solve()

    def of(self, name: int) -> int:
        """Return the number of e-nodes in the smallest term of a class."""
        return self._sizes[name]

    def of_node(self, node: Node) -> int:
        """Return the number of e-nodes in the smallest term that starts with an e-node."""
        return 1 + sum([self._sizes[child] for child in node.children])

    def breeds(self, name: int, node: Node) -> bool:
        """Tell whether more terms are made of an e-node of a class: of a number, and of what is not 3/2 times its class in size."""
        if node.op == "number":
            return True
        if self._graph.number(name) is not None:
            return False
        return 2 * self.of_node(node) <= 3 * self._sizes[name] + 3

    def _solve(self) -> None:
        parents: dict[int, list[tuple[int, Node]]] = {}
        waiting: dict[tuple[int, Node], None] = {}
        for name, nodes in self._graph.classes.items():
            for node in nodes:
                for child in dict.fromkeys(node.children):
                    parents.setdefault(child, []).append((name, node))
                if not node.children:
                    waiting[name, node] = None
        while waiting:
            later: dict[tuple[int, Node], None] = {}
            for name, node in waiting:
                if all(child in self._sizes for child in node.children):
                    size = self.of_node(node)
                    if size < self._sizes.get(name, size + 1):
                        self._sizes[name] = size
                        later.update(dict.fromkeys(parents.get(name, ())))
            waiting = later
