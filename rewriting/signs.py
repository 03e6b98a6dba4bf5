"""Signs: a sum is turned round where that saves changes of sign, so that -(a - b)*c is (b - a)*c."""

from __future__ import annotations

from symnum.rewriting.cost import CostModel, sum_operations
from symnum.rewriting.nary import CALL, LEAF, PRODUCT, SUM, Graph


def turn_signs(graph: Graph, model: CostModel) -> Graph:
    """Return the graph with the sums turned for which that makes the whole cheaper."""
    turned = _worth_turning(graph, model)
    if not turned:
        return graph
    new = Graph(graph.like)
    made: dict[int, int] = {}
    minus = _holders(graph, turned) | turned  # nodes that are the negative of what they were
    for identity in graph.reachable():
        node = graph.nodes[identity]
        if node[0] == LEAF:
            made[identity] = new.leaf(graph.terms[identity])
        elif node[0] == CALL:
            made[identity] = new.add((CALL, node[1], tuple([made[i] for i in node[2]])))
        elif node[0] == PRODUCT:
            made[identity] = new.product({made[i]: e for i, e in node[1]})
        else:
            sign = -1 if identity in turned else 1
            addends = {made[i]: -c * sign if i in minus else c * sign for i, c in node[2]}
            made[identity] = new.sum(node[1] * sign, addends)
    new.roots = [made[root] for root in graph.roots]
    return new


def _holders(graph: Graph, sums: set[int]) -> set[int]:
    """Return the products whose sign turns with those of the sums."""
    return {
        i
        for i in graph.reachable()
        if graph.nodes[i][0] == PRODUCT and sum(e % 2 for part, e in graph.nodes[i][1] if part in sums) % 2
    }


def _worth_turning(graph: Graph, model: CostModel) -> set[int]:
    """Return sums that only stand where a sign costs nothing or is there already, in no product with another of them."""
    alone, fixed = _uses(graph)
    users: dict[int, list[int]] = {}
    for identity in graph.reachable():
        node = graph.nodes[identity]
        if node[0] == PRODUCT:
            for part, exponent in node[1]:
                if graph.nodes[part][0] == SUM:
                    if type(exponent) is not int:
                        fixed.add(part)
                    elif exponent % 2:
                        users.setdefault(part, []).append(identity)
    found: set[int] = set()
    taken: set[int] = set()
    level = model.price("+") == model.price("-")
    for identity in sorted(alone.keys() | users.keys()):
        node = graph.nodes[identity]
        if node[0] != SUM or identity in fixed or (len(node[2]) == 1 and node[1] == 0):
            continue
        holders = users.get(identity, [])
        if any(holder in fixed or holder in taken for holder in holders):
            continue
        saved = (alone.get(identity, 0) + sum([alone.get(h, 0) for h in holders])) * model.price("neg")
        if level and not saved and (node[1] > 0 or any([c > 0 for _, c in node[2]])):
            continue  # as many operations either way
        before = model.total(sum_operations(node[1], [(False, c) for _, c in node[2]]))
        after = model.total(sum_operations(-node[1], [(False, -c) for _, c in node[2]]))
        if after < before + saved:
            found.add(identity)
            taken.update(holders)
    return found


def _uses(graph: Graph) -> tuple[dict[int, int], set[int]]:
    """Return how often each sum and product stands alone with a minus, and those that stand where a sign would cost."""
    alone: dict[int, int] = {}
    fixed = set(graph.roots)
    for identity in graph.reachable():
        node = graph.nodes[identity]
        if node[0] == CALL:
            fixed.update(node[2])
        elif node[0] == PRODUCT:
            fixed.update(part for part, _ in node[1] if graph.nodes[part][0] == PRODUCT)
        elif node[0] == SUM and len(node[2]) == 1 and node[1] == 0:
            ((part, coefficient),) = node[2]
            if coefficient == -1:
                alone[part] = alone.get(part, 0) + 1
    return alone, fixed
