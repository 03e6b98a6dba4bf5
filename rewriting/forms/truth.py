"""Forms of conditions: the comparisons of one quantity as a set of reals, and small conditions minimised by their truth table.

The minimisation is that of Quine and McCluskey (E. J. McCluskey, Bell System Technical Journal 35, 1956): the fewest prime implicants that
cover the table, for the condition and for its negation.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from symnum import term as interface
from symnum.order import order_key
from symnum.rewriting.facts import Facts
from symnum.rewriting.theories.comparisons import OPPOSITE, TURNED
from symnum.rewriting.views import call_of, head_of, sum_of, sum_view

MOST_VARIABLES = 5
MOST_NODES = 60
CONNECTIVES = frozenset(["and", "or", "not"])


def truth_forms(term: Any, facts: Facts) -> Iterator[tuple[str, Any]]:
    """Yield (name, form) for a call of and, or or not."""
    if interface.head(term) in ("and", "or"):
        found = _as_sets(term, facts)
        if found is not None:
            yield "comparisons of one quantity", found
            term = found
    if head_of(term) in CONNECTIVES:
        yield from _minimised(term, facts)


# --- sets of reals ----------------------------------------------------------------------------------------------------------

_PIECES = {"<": (1, 0, 0), "<=": (1, 1, 0), "==": (0, 1, 0), "!=": (1, 0, 1), ">=": (0, 1, 1), ">": (0, 0, 1)}
"""Which of below, at and above a threshold belong to a comparison with it."""


class _Bound:
    """A comparison read as: a quantity (by key) is related to a threshold."""

    def __init__(self, comparison: Any) -> None:
        a, b = interface.args(comparison)
        constant, pairs = sum_view(sum_of(a, 0, [(a, 1), (b, -1)]))
        self.usable = bool(pairs) and not any(type(c) is float for c in (constant, *(c for _, c in pairs)))
        if not self.usable:
            return
        pairs.sort(key=lambda pair: order_key(pair[0]))
        lead = Fraction(pairs[0][1])
        self.sides, self.positive = (a, b), lead > 0
        self.quantity = frozenset([(interface.key(t), Fraction(c) / lead) for t, c in pairs])
        self.threshold = -Fraction(constant) / lead
        head = interface.head(comparison)
        self.relation = head if self.positive else TURNED[head]

    def spelled(self, relation: str) -> Any:
        """Return the comparison of the same sides for another relation to the threshold."""
        head = relation if self.positive else TURNED[relation]
        return call_of(self.sides[0], head, self.sides)


def _as_sets(term: Any, facts: Facts) -> Any | None:
    """Return and/or with the comparisons of each quantity joined, or None when nothing changes."""
    head, args = interface.head(term), list(interface.sorted_args(term))
    groups: dict[Hashable, list[tuple[_Bound, Any]]] = {}
    rest = []
    for arg in args:
        bound = _Bound(arg) if head_of(arg) in _PIECES else None
        if bound is not None and bound.usable:
            groups.setdefault(bound.quantity, []).append((bound, arg))
        else:
            rest.append(arg)
    if len(groups) == len(args):
        return None
    changed = False
    for group in groups.values():
        joined = _joined(head, group, facts) if len(group) > 1 else None
        if joined is None:
            rest += [arg for _, arg in group]
        else:
            rest += joined
            changed = True
    return call_of(term, head, rest) if changed else None


def _joined(head: str, group: Sequence[tuple[_Bound, Any]], facts: Facts) -> list[Any] | None:
    """Return fewer comparisons with the same meaning, or None."""
    thresholds = sorted({bound.threshold for bound, _ in group})
    at = {t: 2 * i + 1 for i, t in enumerate(thresholds)}  # pieces: below t0, t0, between t0 and t1, t1, ...
    pieces = 2 * len(thresholds) + 1

    def members(relation: str, threshold: Fraction) -> int:
        below, equal, above = _PIECES[relation]
        place = at[threshold]
        return sum(1 << i for i in range(pieces) if (below if i < place else equal if i == place else above))

    every = (1 << pieces) - 1
    masks = [members(bound.relation, bound.threshold) for bound, _ in group]
    total = every if head == "and" else 0
    for mask in masks:
        total = total & mask if head == "and" else total | mask
    like = group[0][1]
    if total == 0 and head == "and":
        return [interface.make_number(like, False)]
    for mask, (_, arg) in zip(masks, group):
        if mask == total:
            return [arg]
    defined = all(facts.is_defined(side) for bound, _ in group for side in bound.sides)
    if not defined:
        return None
    if total == every:
        return [interface.make_number(like, True)]
    for bound, _ in group:
        for relation in _PIECES:
            if members(relation, bound.threshold) == total:
                return [bound.spelled(relation)]
    if len(group) > 2:
        for (one, _), (two, _) in combinations(group, 2):
            for r in _PIECES:
                for s in _PIECES:
                    a, b = members(r, one.threshold), members(s, two.threshold)
                    if (a & b if head == "and" else a | b) == total:
                        return [one.spelled(r), two.spelled(s)]
    return None


# --- truth tables -----------------------------------------------------------------------------------------------------------


def _minimised(term: Any, facts: Facts) -> Iterator[tuple[str, Any]]:
    """Yield the shortest sum of products and product of sums of a condition of few variables."""
    order: list[Any] = []
    for count, node in enumerate(
        interface.postorder(term, prune=lambda t: interface.head(t) not in CONNECTIVES, ordered=True)
    ):
        if count > MOST_NODES:
            return
        order.append(node)
    variables: dict[Hashable, Any] = {}
    literals: dict[Hashable, tuple[Hashable, bool]] = {}
    occurrences = 0
    for node in order:
        if head_of(node) in CONNECTIVES:
            occurrences += len(interface.args(node))
        elif not interface.is_number(node):
            variable, positive = _literal(node, facts)
            variables.setdefault(interface.key(variable), variable)
            literals[interface.key(node)] = (interface.key(variable), positive)
    if not 1 < occurrences or len(variables) > MOST_VARIABLES:
        return
    names = list(variables)
    rows = 1 << len(names)
    every = (1 << rows) - 1
    column = {k: sum(1 << r for r in range(rows) if r >> i & 1) for i, k in enumerate(names)}
    table: dict[Hashable, int] = {}
    for node in order:
        head = head_of(node)
        if interface.is_number(node):
            table[interface.key(node)] = every if interface.value(node) else 0
        elif head in CONNECTIVES:
            parts = [table[interface.key(a)] for a in interface.args(node)]
            found = every if head != "or" else 0
            for part in parts:
                found = found | part if head == "or" else found & part
            table[interface.key(node)] = every & ~found if head == "not" else found
        else:
            k, positive = literals[interface.key(node)]
            table[interface.key(node)] = column[k] if positive else every & ~column[k]
    truth = table[interface.key(term)]
    if truth in (0, every):
        yield "truth table", interface.make_number(term, truth == every)
        return
    terms = list(variables.values())
    products = [[_spelled(terms[i], bit) for i, bit in cube] for cube in _cover(truth, len(names))]
    yield "fewest products", call_of(term, "or", [call_of(term, "and", p) for p in products])
    sums = [[_spelled(terms[i], not bit) for i, bit in cube] for cube in _cover(every & ~truth, len(names))]
    yield "fewest sums", call_of(term, "and", [call_of(term, "or", s) for s in sums])


def _literal(node: Any, facts: Facts) -> tuple[Any, bool]:
    """Return (variable, True) or (variable, False) for its negation: x >= y is not x < y where both sides have values."""
    head = head_of(node)
    if head in OPPOSITE:
        a, b = interface.args(node)
        if facts.is_defined(a) and facts.is_defined(b):
            if head in (">", "<=") and order_key(a) > order_key(b):
                return _literal(call_of(node, TURNED[head], (b, a)), facts)
            if head in ("<", ">=") and order_key(a) > order_key(b):
                return _literal(call_of(node, TURNED[head], (b, a)), facts)
            if head in (">=", "!=", "<="):
                return call_of(node, OPPOSITE[head], (a, b)), False
    return node, True


def _spelled(variable: Any, positive: bool) -> Any:
    if positive:
        return variable
    head = head_of(variable)
    if head in OPPOSITE:
        facts = Facts()
        if all(facts.is_defined(a) for a in interface.args(variable)):
            return call_of(variable, OPPOSITE[head], interface.args(variable))
    return call_of(variable, "not", (variable,))


Cube = tuple[tuple[int, bool], ...]
"""A product of literals: pairs (variable, its value)."""


def _cover(truth: int, count: int) -> list[Cube]:
    """Return the fewest prime implicants, the shortest of equally many, that cover a truth table."""
    rows = [r for r in range(1 << count) if truth >> r & 1]
    level = {(r, 0) for r in rows}  # (values, free variables)
    primes: set[tuple[int, int]] = set()
    while level:
        merged, used = set(), set()
        for values, free in level:
            for i in range(count):
                bit = 1 << i
                if not free & bit and not values & bit and (values | bit, free) in level:
                    merged.add((values, free | bit))
                    used |= {(values, free), (values | bit, free)}
        primes |= level - used
        level = merged
    ordered = sorted(primes, key=lambda p: (-p[1].bit_count(), p))
    covers = [sum(1 << r for r in rows if r & ~free == values) for values, free in ordered]
    wanted = truth
    for size in range(1, len(ordered) + 1):
        if size > 4:
            break
        for chosen in combinations(range(len(ordered)), size):
            found = 0
            for i in chosen:
                found |= covers[i]
            if found == wanted:
                return [_cube(ordered[i], count) for i in chosen]
    chosen_greedily: list[int] = []
    left = wanted
    while left:
        best = max(range(len(ordered)), key=lambda i: ((covers[i] & left).bit_count(), -i))
        chosen_greedily.append(best)
        left &= ~covers[best]
    return [_cube(ordered[i], count) for i in chosen_greedily]


def _cube(prime: tuple[int, int], count: int) -> Cube:
    values, free = prime
    return tuple((i, bool(values >> i & 1)) for i in range(count) if not free >> i & 1)
