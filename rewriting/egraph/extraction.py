"""The cheapest terms of an e-graph under a cost model.

Each e-class gets the cheapest term found so far; a term is built from the terms of its operands, and priced as a term, so that the cost
of the result is the model's cost of it.  Tree cost is a Bellman iteration (Knuth 1977); DAG cost is the greedy one of the extraction gym
(faster-greedy-dag: Goharshady, Lam and Parreaux, OOPSLA 2024, compare it with exact ones): what a term shares with itself is paid once.
With several roots, each is then extracted again with the parts of the others free of charge, as long as that makes all together cheaper.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, Protocol

from symnum import term as interface
from symnum.rewriting.egraph.encoding import Encoder
from symnum.rewriting.egraph.graph import Graph, Node
from symnum.rewriting.views import head_of

ROOTS = 24
"""Most roots for which the parts of the others are tried free of charge: the work is roots times e-nodes."""

ROUNDS = 3
"""How often each root is tried again."""


class CostModel(Protocol):
    """Prices the operations of terms; :class:`symnum.rewriting.CostModel` is one."""

    @property
    def name(self) -> str:
        """Return the name of the model."""

    def own(self, node: Any, /) -> tuple[float, Sequence[Any]]:
        """Return the cost of the operations at one node, and the terms that they take."""

    def dag(self, *roots: Any) -> float:
        """Return the cost of the roots with shared parts once."""

    def tree(self, *roots: Any) -> float:
        """Return the cost of the roots with shared parts as often as they occur."""


Price = tuple[float, int]
"""(cost, number of distinct parts): of two equally cheap terms the smaller one is taken."""


class Extractor:
    """Extracts terms from one reading of an e-graph; ``model.own`` is asked once for each term."""

    def __init__(
        self, graph: Graph, encoder: Encoder, model: CostModel, shared: bool, deadline: float
    ) -> None:
        self.graph, self.encoder, self.model, self.shared = graph, encoder, model, shared
        self.deadline = deadline
        self._own: dict[Hashable, tuple[float, list[Hashable], Any]] = {}
        self._tree: dict[Hashable, tuple[float, int]] = {}
        self._originals: dict[int, list[Any]] = {}
        for name, term in encoder.originals():
            if name in graph.canonical:  # egglog may have failed on the last ones
                self._originals.setdefault(graph.find(name), []).append(term)

    def extract(self, roots: Sequence[Any]) -> list[Any]:
        """Return the cheapest terms found for the classes of the roots, together never dearer than the roots."""
        names = [self.graph.find(self.encoder.name_of(root)) for root in roots]
        best = self._best(frozenset())
        chosen = [best[name] for name in names]
        if not self.shared:
            return chosen
        candidates = [list(roots), chosen]
        if 1 < len(roots) <= ROOTS:
            candidates.append(self._together(names, chosen))
        return min(candidates, key=lambda terms: self.model.dag(*terms))

    def _together(self, names: Sequence[int], chosen: Sequence[Any]) -> list[Any]:
        """Improve the choice root by root, with the parts of the other roots free of charge."""
        terms = list(chosen)
        cost = self.model.dag(*terms)
        for _ in range(ROUNDS):
            before = cost
            for i, name in enumerate(names):
                if time.monotonic() > self.deadline:
                    return terms
                paid = self._parts([t for j, t in enumerate(terms) if j != i])
                trial = [*terms[:i], self._best(frozenset(paid))[name], *terms[i + 1 :]]
                trial_cost = self.model.dag(*trial)
                if trial_cost < cost:
                    terms, cost = trial, trial_cost
            if cost == before:
                break
        return terms

    # --- the iteration ---

    def _best(self, paid: frozenset[Hashable]) -> dict[int, Any]:
        """Return the cheapest term of each class, with the parts in ``paid`` (by key) free."""
        price = self._shared_price(paid) if self.shared else self._tree_price
        best: dict[int, Any] = {}
        prices: dict[int, Price] = {}
        for name, terms in sorted(self._originals.items()):
            for term in terms:
                self._offer(name, term, price, best, prices)
        parents: dict[int, list[tuple[int, Node]]] = {}
        waiting: dict[tuple[int, Node], None] = {}
        for name, nodes in sorted(self.graph.classes.items()):
            for node in nodes:
                waiting[name, node] = None
                for child in dict.fromkeys(node.children):
                    parents.setdefault(child, []).append((name, node))
        while waiting:
            later: dict[tuple[int, Node], None] = {}
            for name, node in waiting:
                if not all(child in best for child in node.children):
                    continue
                if time.monotonic() > self.deadline and name in best:
                    continue
                improved = False
                for term in self._terms(node, [best[child] for child in node.children]):
                    improved = self._offer(name, term, price, best, prices) or improved
                if improved:
                    later.update(dict.fromkeys(parents.get(name, ())))
            waiting = later
        return best

    def _offer(
        self,
        name: int,
        term: Any,
        price: Callable[[Any], Price],
        best: dict[int, Any],
        prices: dict[int, Price],
    ) -> bool:
        if name not in best:
            best[name] = term
            return True
        known = best[name]
        if interface.key(term) == interface.key(known):
            return False
        if name not in prices:  # the price of a term that has no rival is never asked for
            prices[name] = price(known)
        cost = price(term)
        if not cost < prices[name]:
            return False
        best[name], prices[name] = term, cost
        return True

    def _terms(self, node: Node, parts: list[Any]) -> list[Any]:
        """Return the terms of an e-node: as the constructors build it, and with sums in a sum kept whole, for sharing."""
        terms = [self.encoder.term(node, parts)]
        if self.shared and node.op in ("+", "*"):
            held = [
                interface.make(part, "hold", (part,)) if head_of(part) == node.op else part for part in parts
            ]
            if any(new is not old for new, old in zip(held, parts)):
                terms.append(self.encoder.term(node, held))
        return terms

    # --- prices ---

    def _priced(self, term: Any) -> tuple[float, list[Hashable], Any]:
        identity = interface.key(term)
        found = self._own.get(identity)
        if found is None:
            own, operands = self.model.own(term)
            # the term is kept, so that its key stays its own
            found = self._own[identity] = (
                own,
                [interface.key(part) for part in operands],
                (term, list(operands)),
            )
        return found

    def _shared_price(self, paid: frozenset[Hashable]) -> Callable[[Any], Price]:
        def price(root: Any) -> Price:
            total = 0.0
            seen = set(paid)
            count = len(seen)
            stack = [(root, interface.key(root))]
            while stack:
                term, identity = stack.pop()
                if identity in seen:
                    continue
                seen.add(identity)
                own, keys, (_, operands) = self._priced(term)
                total += own
                stack.extend(zip(operands, keys))
            return total, len(seen) - count

        return price

    def _tree_price(self, root: Any) -> Price:
        known = self._tree
        stack = [(root, interface.key(root))]
        while stack:
            term, identity = stack[-1]
            if identity in known:
                stack.pop()
                continue
            own, keys, (_, operands) = self._priced(term)
            missing = [(part, key) for part, key in zip(operands, keys) if key not in known]
            if missing:
                stack.extend(missing)
                continue
            known[identity] = (
                own + sum(known[key][0] for key in keys),
                1 + sum(known[key][1] for key in keys),
            )
        return known[interface.key(root)]

    def _parts(self, roots: Collection[Any]) -> set[Hashable]:
        """Return the keys of all that is computed for the roots."""
        seen: set[Hashable] = set()
        stack = [(root, interface.key(root)) for root in roots]
        while stack:
            term, identity = stack.pop()
            if identity not in seen:
                seen.add(identity)
                _, keys, (_, operands) = self._priced(term)
                stack.extend(zip(operands, keys))
        return seen
