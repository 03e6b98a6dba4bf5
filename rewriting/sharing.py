"""Sharing between sums and between products: a + b + c and a + b + d are computed as s + c and s + d with s = a + b.

Pairs of addends are looked at, as in the elimination of common sub-expressions for digital filters (Hosangadi, Fallah and Kastner,
IEEE TCAD 25, 2006): the pair that most sums hold becomes a node of its own, until no pair is held twice.
"""

from __future__ import annotations

import heapq
from typing import Any

from symnum.rewriting.cost import CostModel, is_cheap_power
from symnum.rewriting.nary import CALL, LEAF, PRODUCT, SUM, Graph, exact_ratio
from symnum.rewriting.signs import turn_signs

MAX_PAIRS = 1_500_000
"""Pairs that are looked at; of systems with more, the widest sums are left out."""

ONE = -1
"""The place of the constant among the addends of a sum."""

Divisor = tuple[tuple[int, Any], ...]
"""((id, negative exponent), ...)."""

Items = dict[int, Any]
"""{id: coefficient or exponent} of a sum or product."""

Pair = tuple[int, int, Any]
"""Two items a < b: for a sum (a, b, ratio of b's coefficient to a's), for a product (a, b, exponents)."""


def share(graph: Graph, model: CostModel) -> tuple[Graph, bool]:
    """Return the graph with common parts of sums and of products as nodes, and whether every pair was looked at."""
    merged, complete = _share_kind(graph, SUM, set())
    merged, also = _share_kind(merged, PRODUCT, _shared_divisors(merged, model))
    return turn_signs(merged, model), complete and also


def _shared_divisors(graph: Graph, model: CostModel) -> set[Divisor]:
    """Return what products are divided by, where one division and many multiplications are cheaper than many divisions."""
    users: dict[Divisor, int] = {}
    for identity in graph.reachable():
        node = graph.nodes[identity]
        if node[0] == PRODUCT:
            below = _below(node[1])
            if below:
                users[below] = users.get(below, 0) + (len(below) < len(node[1]))
    divide, multiply = model.price("/"), model.price("*")
    found = set()
    for below, count in users.items():
        each = divide + (len(below) - 1) * multiply
        if each + count * multiply < count * each:
            found.add(below)
    return found


def _below(factors: Any) -> Divisor:
    return tuple([(i, e) for i, e in factors if e < 0 and is_cheap_power(e)])


def _share_kind(graph: Graph, kind: int, divisors: set[Divisor]) -> tuple[Graph, bool]:
    order = [i for i in graph.reachable() if graph.nodes[i][0] == kind]
    items = _Items(graph)
    pairs = _Pairs([items.of(i) for i in order], kind == SUM)
    pairs.merge()
    return _rebuilt(graph, kind, order, pairs, items, divisors), pairs.complete


class _Items:
    """What groups are made of: the addends of a sum and its constant; the factors of a product and what it is divided by, as one."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.divisors: list[Divisor] = []
        self._places: dict[Divisor, int] = {}

    def of(self, identity: int) -> Items:
        """Return the items of a sum or product."""
        node = self.graph.nodes[identity]
        if node[0] == SUM:
            items = dict(node[2])
            if node[1] != 0:
                items[ONE] = node[1]
            return items
        below = _below(node[1])
        items = {i: e for i, e in node[1] if (i, e) not in below}
        if below:
            place = self._places.setdefault(below, len(self._places))
            if place == len(self.divisors):
                self.divisors.append(below)
            items[len(self.graph.nodes) + place] = 1
        return items

    def divisor(self, item: int) -> Divisor | None:
        """Return what an item divides by, or None for another item."""
        place = item - len(self.graph.nodes)
        return self.divisors[place] if place >= 0 else None


class _Pairs:
    """Groups of items, and which groups hold which pair; pairs of one group only are not kept."""

    def __init__(self, groups: list[Items], scaled: bool) -> None:
        self.groups, self.scaled = groups, scaled
        self.new: dict[int, Items] = {}
        self.definitions: dict[int, Items] = {}
        self.complete = True
        found: dict[Pair, list[int]] = {}
        wanted = self._shared_items()
        budget = MAX_PAIRS
        for place in sorted(range(len(groups)), key=lambda place: (len(wanted[place]), place)):
            names = wanted[place]
            budget -= len(names) * (len(names) - 1) // 2
            if budget < 0:
                self.complete = False
                break
            items = groups[place]
            numbers = [items[name] for name in names]
            for k, b in enumerate(names):
                y = numbers[k]
                for a, x in zip(names[:k], numbers):
                    pair = (a, b, _ratio(x, y) if scaled else (x, y))
                    if pair in found:
                        found[pair].append(place)
                    else:
                        found[pair] = [place]
        self.holders = {pair: places for pair, places in found.items() if len(places) > 1}

    def _shared_items(self) -> list[list[int]]:
        """Return the items of each group, in order, without those of one group only: they are in no shared pair."""
        held: dict[int, int] = {}
        for items in self.groups:
            for item in items:
                held[item] = held.get(item, 0) + 1
        return [sorted([item for item in items if held[item] > 1]) for items in self.groups]

    def merge(self) -> None:
        """Make nodes of pairs, the most frequent first; new items have ids below ``ONE``."""
        holders, groups, scaled = self.holders, self.groups, self.scaled
        heap = [(-len(held), *pair[:2], k, pair) for k, (pair, held) in enumerate(holders.items())]
        heapq.heapify(heap)
        serial = len(heap)
        fresh = ONE
        while heap:
            count, a, b, k, pair = heapq.heappop(heap)
            # items that were merged into others since are gone for good, so that counts only fall
            held = [place for place in holders[pair] if a in groups[place] and b in groups[place]]
            if len(held) != -count:
                holders[pair] = held
                if len(held) > 1:
                    heapq.heappush(heap, (-len(held), a, b, k, pair))
                continue
            fresh -= 1
            made: dict[Pair, list[int]] = {}
            for place in held:
                items = groups[place]
                x = items.pop(a)
                del items[b]
                for other, z in items.items():
                    new = (fresh, other, (z if x == 1 else _ratio(x, z)) if scaled else (1, z))
                    if new in made:
                        made[new].append(place)
                    else:
                        made[new] = [place]
                items[fresh] = x if scaled else 1
            self.new[fresh] = {a: 1, b: pair[2]} if scaled else {a: pair[2][0], b: pair[2][1]}
            for new, places in made.items():
                if len(places) > 1:
                    holders[new] = places
                    serial += 1
                    heapq.heappush(heap, (-len(places), *new[:2], serial, new))
        self._inline()

    def _inline(self) -> None:
        """Put pairs that are used once back into what uses them."""
        uses: dict[int, int] = {}
        for items in (*self.groups, *self.new.values()):
            for item in items:
                if item < ONE:
                    uses[item] = uses.get(item, 0) + 1
        for fresh, items in self.new.items():  # a pair is newer than what it is made of
            self.definitions[fresh] = self._opened(items, uses)
        self.groups = [self._opened(items, uses) for items in self.groups]

    def _opened(self, items: Items, uses: dict[int, int]) -> Items:
        found: Items = {}
        for item, number in items.items():
            if item < ONE and uses[item] == 1:
                for inner, factor in self.definitions[item].items():
                    found[inner] = number * factor if self.scaled else factor
            else:
                found[item] = number
        return found


def _ratio(x: Any, y: Any) -> Any:
    """Return y / x."""
    return y if x == 1 else -y if x == -1 else exact_ratio(y, x)


def _rebuilt(
    graph: Graph, kind: int, order: list[int], pairs: _Pairs, items: _Items, divisors: set[Divisor]
) -> Graph:
    """Return the graph with its sums or products made of the items that the pairs left."""
    new = Graph(graph.like)
    place = {identity: k for k, identity in enumerate(order)}
    made: dict[int, int] = {}
    fresh: dict[int, int] = {}

    def group(wanted: Items) -> int:
        """Make a group after the pairs that it uses, which are few deep; what else it uses is there."""
        stack = [i for i in wanted if i < ONE and i not in fresh]
        while stack:
            item = stack[-1]
            missing = [i for i in pairs.definitions[item] if i < ONE and i not in fresh]
            if missing:
                stack += missing
                continue
            stack.pop()
            if item not in fresh:
                fresh[item] = finished(pairs.definitions[item])
        return finished(wanted)

    def finished(wanted: Items) -> int:
        total: Items = {}
        for item, number in wanted.items():
            divisor = items.divisor(item)
            if divisor is None:
                if item != ONE:
                    _count(total, fresh[item] if item < ONE else made[item], number)
                continue
            below = {made[i]: e for i, e in divisor}
            if divisor in divisors and len(wanted) > 1:
                _count(total, new.product(below), 1)
            else:
                for i, e in below.items():
                    _count(total, i, e)
        return new.sum(wanted.get(ONE, 0), total) if kind == SUM else new.product(total)

    for identity in graph.reachable():
        node = graph.nodes[identity]
        if node[0] == kind:
            made[identity] = group(pairs.groups[place[identity]])
        elif node[0] == LEAF:
            made[identity] = new.leaf(graph.terms[identity])
        elif node[0] == CALL:
            made[identity] = new.add((CALL, node[1], tuple([made[i] for i in node[2]])))
        elif node[0] == SUM:
            made[identity] = new.sum(node[1], {made[i]: c for i, c in node[2]})
        else:
            made[identity] = new.product({made[i]: e for i, e in node[1]})
    new.roots = [made[root] for root in graph.roots]
    return new


def _count(total: Items, item: int, number: Any) -> None:
    """Add to what is there: a new node may be one that the group holds already."""
    number = total.get(item, 0) + number
    if number == 0:
        total.pop(item, None)
    else:
        total[item] = number
