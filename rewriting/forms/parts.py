"""Forms of a sum that is several sums: addends that have nothing in common are brought into their best form apart from each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from symnum import term as interface
from symnum.rewriting.views import head_of, is_value, item_keys, product_of, product_view, sum_of, sum_view

MOST_ADDENDS = 60

Pairs = list[tuple[Any, Any]]


def by_symbols(term: Any, best: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    """Yield the sum of the best forms of the groups of addends that share no symbol."""
    constant, pairs = sum_view(term)
    if not 1 < len(pairs) <= MOST_ADDENDS:
        return
    groups: list[tuple[set[Hashable], Pairs]] = []
    for part, weight in pairs:
        names = {interface.key(s) for s in interface.free_symbols(part)}
        touching = [g for g in groups if not names.isdisjoint(g[0])]
        joined: tuple[set[Hashable], Pairs] = (names, [(part, weight)])
        for group in touching:
            joined = (joined[0] | group[0], [*group[1], *joined[1]])
            groups.remove(group)
        groups.append(joined)
    if len(groups) > 1 and any(len(g) > 1 for _, g in groups):
        parts = [(best(sum_of(term, 0, group)), 1) for _, group in groups]
        yield "groups of addends", sum_of(term, constant, parts)


def by_other_factors(
    term: Any, heads: frozenset[str], best: Callable[[Any], Any]
) -> Iterator[tuple[str, Any]]:
    """Yield a sum with the addends grouped by their factors that are not calls of ``heads``, each group in its best form."""
    constant, pairs = sum_view(term)
    if not 1 < len(pairs) <= MOST_ADDENDS:
        return
    groups: dict[Hashable, tuple[Pairs, Pairs]] = {}
    rest: Pairs = []
    for part, weight in pairs:
        coefficient, items = product_view(part)
        calls = [(b, e) for b, e in items if is_value(e) and _holds(b, heads)]
        if not calls:
            rest.append((part, weight))
            continue
        others = [(b, e) for b, e in items if not (is_value(e) and _holds(b, heads))]
        identity = item_keys(others)
        group = groups.setdefault(identity, (others, []))
        group[1].append((product_of(term, coefficient, calls), weight))
    if len(groups) + bool(rest) < 2:
        return
    parts = []
    for others, own in groups.values():
        # the constant belongs to the group without other factors: 1 - 2*sin(x)^2
        inner = constant if not others else 0
        parts.append((product_of(term, 1, [*others, (best(sum_of(term, inner, own)), 1)]), 1))
        constant -= inner
    yield "groups by factors", sum_of(term, constant, [*parts, *rest])


def _holds(base: Any, heads: frozenset[str]) -> bool:
    """Tell whether a factor is a call of one of the heads, or a sum with such a call in it."""
    if head_of(base) in heads:
        return True
    if head_of(base) not in ("+", "-"):
        return False
    return any(head_of(b) in heads for part, _ in sum_view(base)[1] for b, _ in product_view(part)[1])
