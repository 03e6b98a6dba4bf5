"""Matching modulo associativity and commutativity.

At the top a sum pattern P finds K*P inside a longer sum, for any number and product K, and the rest of the sum is kept; a product
pattern finds P^m inside a longer product.  So one rule covers ``k*sin(a)^2 + k*cos(a)^2 + rest``, also negated, scaled or in
powers.  Below the top a sum or product must be used up: the last bare slot takes what the other parts leave.  A sub-pattern whose slots
are all bound is looked up, not searched, and the others are tried on candidates with the right head in the order of printing: the
work is a power of the number of candidates that the pattern fixes, never a factorial.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.order import order_key
from symnum.rewriting.facts import ASSUMED, Facts
from symnum.rewriting.pattern import (
    BagPattern,
    CallPattern,
    Literal,
    Pattern,
    ProductPattern,
    Slot,
    SumPattern,
    base_head,
)
from symnum.rewriting.views import call_of, head_of, is_value, product_of, product_view, sum_of, sum_view

Bound = dict[str, Any]
Items = list[tuple[Any, Any]]


def match(pattern: Pattern, term: Any, bound: Bound, facts: Facts) -> Iterator[Bound]:
    """Yield each way in which ``pattern`` is the whole of ``term``, given what is bound already, in a fixed order."""
    if isinstance(pattern, Slot):
        new = bind(pattern, term, bound, facts)
        if new is not None:
            yield new
    elif isinstance(pattern, Literal):
        if interface.is_number(term) and number_key(interface.value(term)) == number_key(pattern.value):
            yield bound
    elif isinstance(pattern, CallPattern):
        if head_of(term) == pattern.head:
            args = interface.sorted_args(term)
            if len(args) == len(pattern.args):
                yield from _in_turn(pattern.args, args, 0, bound, facts)
                if pattern.commutative and len(args) == 2:
                    yield from _in_turn(pattern.args, args[::-1], 0, bound, facts)
    elif isinstance(pattern, BagPattern):
        if head_of(term) == pattern.head:
            for new, rest in match_bag(pattern, term, bound, facts, whole=True):
                if not rest:
                    yield new
    elif pattern.slots <= bound.keys():
        if interface.key(pattern.template.build(term, bound)) == interface.key(term):
            yield bound
    elif isinstance(pattern, SumPattern):
        yield from _whole_sum(pattern, term, bound, facts)
    else:
        coefficient, items = product_view(term)
        yield from _whole_product(pattern, term, coefficient, items, bound, facts)


def bind(slot: Slot, term: Any, bound: Bound, facts: Facts) -> Bound | None:
    """Return the bindings with a slot bound to ``term``, or None where it may not be."""
    known = bound.get(slot.name)
    if known is not None:
        return bound if interface.key(known) == interface.key(term) else None
    if slot.sort != "real":
        if interface.sort_of(term) != slot.sort:
            return None
    elif interface.sort_of(term) == "boolean":
        return None
    for assumption in slot.assumptions:
        if facts.signs(term) & ~ASSUMED[assumption]:
            return None
    return {**bound, slot.name: term}


def _in_turn(patterns: tuple[Pattern, ...], terms: Any, index: int, bound: Bound, facts: Facts) -> Iterator[Bound]:
    if index == len(patterns):
        yield bound
        return
    for new in match(patterns[index], terms[index], bound, facts):
        yield from _in_turn(patterns, terms, index + 1, new, facts)


# --- min, max, and, or --------------------------------------------------------------------------------------------------------


def match_bag(pattern: BagPattern, term: Any, bound: Bound, facts: Facts, whole: bool) -> Iterator[tuple[Bound, list[Any]]]:
    """Yield (bindings, arguments left over); if ``whole``, the last bare slot takes all that the others leave."""
    items = list(interface.sorted_args(term))
    combine = lambda rest: call_of(term, pattern.head, rest)
    yield from _spread(pattern.args, 0, items, bound, facts, combine if whole else None)


def _spread(
    patterns: tuple[Pattern, ...],
    index: int,
    items: list[Any],
    bound: Bound,
    facts: Facts,
    combine: Callable[[list[Any]], Any] | None,
) -> Iterator[tuple[Bound, list[Any]]]:
    """Give each pattern an item of its own."""
    if index == len(patterns):
        yield bound, items
        return
    pattern = patterns[index]
    if combine is not None and index == len(patterns) - 1 and isinstance(pattern, Slot) and items:
        new = bind(pattern, combine(items), bound, facts)
        if new is not None:
            yield new, []
        return
    for place, item in enumerate(items):
        for new in match(pattern, item, bound, facts):
            yield from _spread(patterns, index + 1, items[:place] + items[place + 1 :], new, facts, combine)


# --- products -----------------------------------------------------------------------------------------------------------------


def _whole_product(pattern: ProductPattern, like: Any, coefficient: Any, items: Items, bound: Bound, facts: Facts) -> Iterator[Bound]:
    """Yield the ways in which a product is used up."""
    first, exponent = pattern.factors[0] if pattern.factors else (None, 1)
    share = numbers.divide(coefficient, pattern.coefficient)
    if len(pattern.factors) == 1 and isinstance(first, Slot) and is_value(exponent) and exponent != 1:
        root = _root_of_product(like, share, items, exponent)
        new = None if root is None else bind(first, root, bound, facts)
        if new is not None:
            yield new
        return
    if pattern.coefficient != 1 and type(share) is not int:
        return
    yield from _use_up(pattern.factors, 0, like, share, items, bound, facts)


def _root_of_product(like: Any, coefficient: Any, items: Items, exponent: Any) -> Any | None:
    """Return r with coefficient * items = r^exponent, where that is a product again with whole exponents."""
    root = numbers.power(coefficient, numbers.normal(Fraction(1) / Fraction(exponent))) if type(exponent) is not float else None
    if root is None or root != root or not items:
        return None
    roots: Items = []
    for base, power in items:
        if not is_value(power) or type(power) is float:
            return None
        share = numbers.normal(Fraction(power) / Fraction(exponent))
        if type(share) is not int:
            return None
        roots.append((base, share))
    return product_of(like, root, roots)


def _use_up(factors: Any, index: int, like: Any, coefficient: Any, items: Items, bound: Bound, facts: Facts) -> Iterator[Bound]:
    if index == len(factors):
        if not items and coefficient == 1:
            yield bound
        return
    pattern, exponent = factors[index]
    if isinstance(pattern, Slot) and is_value(exponent) and exponent == 1 and index == len(factors) - 1:
        if items or coefficient != 1:
            new = bind(pattern, product_of(like, coefficient, items), bound, facts)
            if new is not None:
                yield new
        return
    items = _ordered(items)
    for place, (base, power) in enumerate(items):
        rest = items[:place] + items[place + 1 :]
        for new in _match_factor(pattern, exponent, base, power, like, bound, facts):
            yield from _use_up(factors, index + 1, like, coefficient, rest, new, facts)


def _ordered(items: Items) -> Items:
    return items if len(items) < 2 else sorted(items, key=lambda item: order_key(item[0]))


def _match_factor(pattern: Pattern, exponent: Any, base: Any, power: Any, like: Any, bound: Bound, facts: Facts) -> Iterator[Bound]:
    """Yield the ways in which base^power is pattern^exponent."""
    if not is_value(exponent):
        as_term = interface.make_number(like, power) if is_value(power) else power
        for new in match(pattern, base, bound, facts):
            yield from match(exponent, as_term, new, facts)
    elif isinstance(pattern, Slot):
        if exponent == 1:
            whole = product_of(like, 1, [(base, power)])
        else:
            whole = _root_of_product(like, 1, [(base, power)], exponent)
        new = None if whole is None else bind(pattern, whole, bound, facts)
        if new is not None:
            yield new
    elif is_value(power) and power == exponent:
        yield from match(pattern, base, bound, facts)


def match_product(pattern: ProductPattern, term: Any, facts: Facts) -> Iterator[tuple[Bound, Any, Any, Items]]:
    """Yield (bindings, m, coefficient, rest) with term = coefficient * pattern^m * rest."""
    coefficient, items = product_view(term)
    for bound, ratios, rest in _parts_of_product(pattern.factors, 0, term, _ordered(items), {}, [], facts):
        m = _common_power(ratios)
        unit = None if m is None else numbers.power(pattern.coefficient, m)
        if m is None or unit is None or unit == 0:
            continue
        left = list(rest)
        for base, power, exponent, _ in ratios:
            over = power if exponent is None else numbers.normal(power - exponent * m)
            if exponent is not None and over != 0:
                left.append((base, over))
        yield bound, m, numbers.divide(coefficient, unit), left


def _parts_of_product(
    factors: Any, index: int, like: Any, items: Items, bound: Bound, used: list[Any], facts: Facts
) -> Iterator[tuple[Bound, list[Any], Items]]:
    if index == len(factors):
        yield bound, used, items
        return
    pattern, exponent = factors[index]
    head = base_head(pattern)
    for place, (base, power) in enumerate(items):
        if head and head_of(base) != head:
            continue
        rest = items[:place] + items[place + 1 :]
        if is_value(exponent) and is_value(power):
            if type(power) is int and type(exponent) is not int:
                continue  # y is no power of sqrt(y), which is defined for fewer y
            ratio = numbers.divide(power, exponent)
            for new in match(pattern, base, bound, facts):
                yield from _parts_of_product(factors, index + 1, like, rest, new, [*used, (base, power, exponent, ratio)], facts)
        else:
            for new in _match_factor(pattern, exponent, base, power, like, bound, facts):
                yield from _parts_of_product(factors, index + 1, like, rest, new, [*used, (base, power, None, 1)], facts)


def _common_power(used: list[Any]) -> Any | None:
    """Return the largest power of the whole pattern that all factors hold, or None: x^5*y^2 holds x*y twice."""
    ratios = [ratio for *_, ratio in used]
    if not ratios or all(r == ratios[0] for r in ratios):
        return ratios[0] if ratios and ratios[0] != 0 else None
    if any(type(r) is float for r in ratios) or not (all(r > 0 for r in ratios) or all(r < 0 for r in ratios)):
        return None
    m = int(min(ratios, key=abs))
    whole = all(e is None or type(p) is not int or type(numbers.normal(e * m)) is int for _, p, e, _ in used)
    return m if m != 0 and whole else None


# --- sums ---------------------------------------------------------------------------------------------------------------------


Units = dict[Hashable, Any]
"""{key of an addend, or None for the constant: its coefficient in K*P}."""


class SumIndex:
    """The addends of one sum, found by term and by the heads of their factors; those ``used`` up take part in no further match."""

    def __init__(self, term: Any) -> None:
        self.term = term
        self.constant, pairs = sum_view(term)
        self.entries: dict[Hashable, tuple[Any, Any]] = {interface.key(t): (t, c) for t, c in pairs}
        self.used: set[Hashable] = set()
        self.by_head: dict[str, list[tuple[Any, Items]]] = {}
        for core, _ in pairs:
            items = product_view(core)[1]
            for head in {head_of(base) for base, _ in items}:
                self.by_head.setdefault(head, []).append((core, items))

    def less(
        self, q: Any, units: Units, entries: dict[Hashable, tuple[Any, Any]], *more: tuple[Any, Any]
    ) -> tuple[Any, Items]:
        """Return what ``entries`` and the constant are without q * units, with ``more`` addends."""
        rest = []
        for identity, (core, coefficient) in entries.items():
            left = coefficient - q * units.get(identity, 0)
            if left != 0:
                rest.append((core, left))
        return self.constant - q * units.get(None, 0), [*rest, *more]

    def candidates(self, product: ProductPattern) -> list[tuple[Any, Items]]:
        """Return the addends that may hold the pattern, in the order of printing."""
        heads = [h for base, _ in product.factors if (h := base_head(base))]
        if heads:
            found = min((self.by_head.get(h, []) for h in heads), key=len)
        else:
            found = [(core, product_view(core)[1]) for core, _ in self.entries.values()]
        return found if len(found) < 2 else sorted(found, key=lambda pair: order_key(pair[0]))


def match_sum(pattern: SumPattern, index: SumIndex, facts: Facts) -> Iterator[tuple[Bound, Any, Items, Units]]:
    """Yield (bindings, q, k, units): the sum holds q * k * pattern, whose addends have the coefficients q * units."""
    for bound, k, units in _addends(pattern, 0, index, {}, None, {}, facts):
        ratios: dict[Any, int] = {}
        for identity, unit in units.items():
            have = index.constant if identity is None else index.entries[identity][1]
            ratio = numbers.divide(have, unit)
            ratios[ratio] = ratios.get(ratio, 0) + 1
        for q in sorted(ratios, key=lambda r: (-ratios[r], abs(r), r)):
            if not index.used.isdisjoint(units):
                break
            if q == q and q != 0 and abs(q) != float("inf"):
                yield bound, q, k or [], units


def _addends(
    pattern: SumPattern, i: int, index: SumIndex, bound: Bound, k: Items | None, units: Units, facts: Facts
) -> Iterator[tuple[Bound, Items | None, Units]]:
    """Find the addends of the pattern from the i-th on; ``k`` is the common factor, None before the first is found."""
    if i == len(pattern.addends):
        new = _counted(index, pattern.constant, [], k or [], units) if pattern.constant != 0 else units
        if new is not None:
            yield bound, k, new
        return
    coefficient, product = pattern.addends[i]
    if k is not None and product.slots <= bound.keys():
        core = product.template.build(index.term, bound)
        new = _counted(index, coefficient, [(core, 1)], k, units)
        if new is not None:
            yield from _addends(pattern, i + 1, index, bound, k, new, facts)
        return
    for core, items in index.candidates(product):
        if interface.key(core) in units or interface.key(core) in index.used:
            continue
        if not index.used.isdisjoint(units):
            return
        for new_bound, rest in _held(product.factors, 0, index.term, items, bound, facts):
            if k is not None and not _same_items(rest, k):
                continue
            new = {**units, interface.key(core): coefficient}
            yield from _addends(pattern, i + 1, index, new_bound, rest, new, facts)


def _counted(index: SumIndex, coefficient: Any, factors: Items, k: Items, units: Units) -> Units | None:
    """Return ``units`` with the addends of coefficient * factors * k added, or None when the sum lacks one of them."""
    part = product_of(index.term, coefficient, [*factors, *k])
    constant, pairs = sum_view(part)
    new = dict(units)
    if constant != 0:
        if index.constant == 0:
            return None
        new[None] = numbers.normal(new.get(None, 0) + constant)
    for core, weight in pairs:
        identity = interface.key(core)
        if identity not in index.entries or identity in index.used:
            return None
        new[identity] = numbers.normal(new.get(identity, 0) + weight)
    return new if all(unit != 0 for unit in new.values()) else None


def _held(factors: Any, index: int, like: Any, items: Items, bound: Bound, facts: Facts) -> Iterator[tuple[Bound, Items]]:
    """Yield (bindings, rest): the product holds each factor of the pattern; sin(x)^3 holds sin(x)^2."""
    if index == len(factors):
        yield bound, items
        return
    pattern, exponent = factors[index]
    head = base_head(pattern)
    for place, (base, power) in enumerate(items):
        if head and head_of(base) != head:
            continue
        rest = items[:place] + items[place + 1 :]
        if head and is_value(exponent) and is_value(power):
            if power != exponent:
                whole = type(power) is int and type(exponent) is int
                if not whole or power * exponent < 0 or abs(power) < abs(exponent):
                    continue
                rest = [*rest, (base, power - exponent)]
            for new in match(pattern, base, bound, facts):
                yield from _held(factors, index + 1, like, rest, new, facts)
        else:
            for new in _match_factor(pattern, exponent, base, power, like, bound, facts):
                yield from _held(factors, index + 1, like, rest, new, facts)


def _same_items(a: Items, b: Items) -> bool:
    return len(a) == len(b) and _item_keys(a) == _item_keys(b)


def _item_keys(items: Items) -> set[Any]:
    return {(interface.key(base), power if is_value(power) else interface.key(power)) for base, power in items}


def _whole_sum(pattern: SumPattern, term: Any, bound: Bound, facts: Facts) -> Iterator[Bound]:
    """Yield the ways in which a sum is used up."""
    constant, pairs = sum_view(term)
    if pattern.constant != 0:
        if constant != pattern.constant or type(constant) is not type(pattern.constant):
            return
        constant = 0
    yield from _use_up_sum(pattern.addends, 0, term, constant, _ordered(pairs), bound, facts)


def _use_up_sum(addends: Any, i: int, like: Any, constant: Any, pairs: Items, bound: Bound, facts: Facts) -> Iterator[Bound]:
    if i == len(addends):
        if not pairs and constant == 0:
            yield bound
        return
    coefficient, product = addends[i]
    slot = _bare_slot(product)
    if slot is not None and i == len(addends) - 1:
        if pairs or constant != 0:
            rest = [(t, numbers.divide(c, coefficient)) for t, c in pairs]
            constant = numbers.divide(constant, coefficient)
            if coefficient in (1, -1) or all(type(c) is int for _, c in [*rest, (None, constant)]):
                new = bind(slot, sum_of(like, constant, rest), bound, facts)
                if new is not None:
                    yield new
        return
    for place, (core, weight) in enumerate(pairs):
        rest = pairs[:place] + pairs[place + 1 :]
        inner, items = product_view(core)
        share = numbers.divide(numbers.normal(weight * inner), coefficient)
        for new in _whole_product(product, like, share, items, bound, facts):
            yield from _use_up_sum(addends, i + 1, like, constant, rest, new, facts)


def _bare_slot(product: ProductPattern) -> Slot | None:
    if len(product.factors) != 1:
        return None
    base, exponent = product.factors[0]
    return base if isinstance(base, Slot) and is_value(exponent) and exponent == 1 else None
