"""Finding a sum or product pattern inside a longer sum or product.

A sum pattern P is found as K*P, for any number and product K, and the rest of the sum is kept; a product pattern is found as
P^m.  So one rule covers ``k*sin(a)^2 + k*cos(a)^2 + rest``, also negated, scaled or in powers.  A sub-pattern whose slots are all
bound is looked up, not searched, and the others are tried on candidates with the right head in the order of printing: the work is a
power of the number of candidates that the pattern leaves open.  Of many sub-patterns, each must have a candidate before any is tried,
and what had no match is not tried again, so that it is no factorial either.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.rewriting.assignment import (
    Bound,
    DeadEnds,
    Items,
    Search,
    can_all_have_one,
    dead_ends,
    each_way,
    enough_heads,
    fitting_items,
    item_key,
)
from symnum.rewriting.binding import bare_slot, bind, takes_number
from symnum.rewriting.matching import in_order, match, match_factor
from symnum.rewriting.pattern import MANY, ProductPattern, SumPattern, base_head
from symnum.rewriting.sum_index import SumIndex, Units
from symnum.rewriting.views import (
    head_of,
    is_value,
    item_keys,
    product_of,
    product_view,
    sum_view,
)

# --- products ------------------------------------------------------------------------------------------------


def match_product(
    pattern: ProductPattern, term: Any, search: Search
) -> Iterator[tuple[Bound, Any, Any, Items]]:
    """Yield (bindings, m, coefficient, rest) with term = coefficient * pattern^m * rest."""
    coefficient, items = product_view(term)
    if len(pattern.factors) > 1 and not enough_heads(
        [base for base, _ in pattern.factors if base_head(base)], [head_of(base) for base, _ in items]
    ):
        return
    items = in_order(items)
    if coefficient != 1 and any(takes_number(base, e) for base, e in pattern.factors):
        items, coefficient = [(interface.make_number(term, coefficient), 1), *items], 1
    if len(pattern.factors) > MANY and not _all_have_one(pattern.factors, term, items, search):
        return
    if len(pattern.factors) == 1:
        found = _only_part(pattern.factors[0], term, items, search)
    else:
        dead = dead_ends(pattern.factors)
        found = _parts_of_product(pattern.factors, 0, term, items, {}, [], search, dead)
    for bound, ratios, rest in found:
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


def _all_have_one(factors: Any, like: Any, items: Items, search: Search) -> bool:
    """Tell whether each factor of a pattern could have a factor of a product to itself."""

    def fits(factor: Any, item: tuple[Any, Any], bound: Bound) -> Iterator[Bound]:
        found = _part_of_product(factor, item, like, bound, search)
        return iter(()) if found is None else found[1]

    return fitting_items(factors, items, {}, fits, search) is not None


def _part_of_product(
    factor: tuple[Any, Any], item: tuple[Any, Any], like: Any, bound: Bound, search: Search
) -> tuple[tuple[Any, ...], Iterator[Bound]] | None:
    """Return (base, power, exponent, ratio) and the ways in which base^power is a power of a factor of the pattern, or None."""
    (pattern, exponent), (base, power) = factor, item
    head = base_head(pattern)
    if head:
        if head_of(base) != head:
            return None
    elif interface.is_number(base) and power == 1 and not takes_number(pattern, exponent):
        return None  # a coefficient that is offered
    search.attempt()
    if not (is_value(exponent) and is_value(power)):
        return (base, power, None, 1), match_factor(pattern, exponent, base, power, like, bound, search)
    if type(power) is int and type(exponent) is not int:
        return None  # y is no power of sqrt(y), which is defined for fewer y
    return (base, power, exponent, numbers.divide(power, exponent)), match(pattern, base, bound, search)


def _only_part(
    factor: tuple[Any, Any], like: Any, items: Items, search: Search
) -> Iterator[tuple[Bound, list[Any], Items]]:
    """Yield what :func:`_parts_of_product` yields for one factor."""
    for place, item in enumerate(items):
        part = _part_of_product(factor, item, like, {}, search)
        if part is not None and _common_power([part[0]]) is not None:
            rest = items[:place] + items[place + 1 :]
            for bound in part[1]:
                yield bound, [part[0]], rest


def _parts_of_product(
    factors: Any,
    index: int,
    like: Any,
    items: Items,
    bound: Bound,
    used: list[Any],
    search: Search,
    dead: DeadEnds,
) -> Iterator[tuple[Bound, list[Any], Items]]:
    def state() -> Hashable:
        ratios = frozenset([None if e is None else (number_key(p), number_key(e)) for _, p, e, _ in used])
        return (ratios, *map(item_key, items))

    ways = _parts_from(factors, index, like, items, bound, used, search, dead)
    return dead.through(index, bound, state, ways)


def _parts_from(
    factors: Any,
    index: int,
    like: Any,
    items: Items,
    bound: Bound,
    used: list[Any],
    search: Search,
    dead: DeadEnds,
) -> Iterator[tuple[Bound, list[Any], Items]]:
    if index == len(factors):
        if _common_power(used) is not None:
            yield bound, used, items
        return

    def then(new: Bound) -> Iterator[tuple[Bound, list[Any], Items]]:
        return _parts_of_product(factors, index + 1, like, rest, new, taken, search, dead)

    for place, item in enumerate(items):
        part = _part_of_product(factors[index], item, like, bound, search)
        if part is not None:
            rest, taken = items[:place] + items[place + 1 :], [*used, part[0]]
            yield from each_way(part[1], factors[index + 1 :], bound, then)


def _common_power(used: list[Any]) -> Any | None:
    """Return the largest power of the whole pattern that all factors hold, or None: x^5*y^2 holds x*y twice."""
    ratios = [ratio for *_, ratio in used]
    if not ratios:
        return None
    if all(r == ratios[0] for r in ratios):
        # b^2 is (b^3)^(2/3) only where b is not negative, as it must be below a broken exponent
        whole = type(ratios[0]) is int or all(type(p) is not int for _, p, e, _ in used if e is not None)
        return ratios[0] if ratios[0] != 0 and whole else None
    if any(type(r) is float for r in ratios) or not (
        all(r > 0 for r in ratios) or all(r < 0 for r in ratios)
    ):
        return None
    m = int(min(ratios, key=abs))
    whole = all(e is None or type(p) is not int or type(numbers.normal(e * m)) is int for _, p, e, _ in used)
    return m if m != 0 and whole else None


# --- sums ---------------------------------------------------------------------------------------------------------------------


def match_sum(
    pattern: SumPattern, index: SumIndex, search: Search
) -> Iterator[tuple[Bound, Any, Items, Units]]:
    """Yield (bindings, q, k, units): the sum holds q * k * pattern, whose addends have the coefficients q * units."""
    if len(pattern.addends) > MANY and not _all_have_candidates(pattern, index, search):
        return
    dead = dead_ends(pattern.addends)
    for bound, k, units in _addends(pattern, 0, index, {}, None, {}, search, dead):
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


def _all_have_candidates(pattern: SumPattern, index: SumIndex, search: Search) -> bool:
    """Tell whether each addend that is searched for, and not built from slots bound before it, could have an addend to itself."""
    bound: frozenset[str] = frozenset()
    places = {identity: place for place, identity in enumerate(index.entries)}
    fitting = []
    for coefficient, product in pattern.addends:
        is_searched = not bound or not product.slots <= bound
        bound |= product.slots
        if not is_searched or bare_slot(product) is not None:
            continue
        row = []
        for core, items in index.candidates(product):
            search.attempt()
            if next(_holdings(coefficient, product, core, items, index, {}, search), None) is not None:
                row.append(places[interface.key(core)])
        if not row:
            return False
        fitting.append(row)
    return can_all_have_one(fitting)


def _addends(
    pattern: SumPattern,
    i: int,
    index: SumIndex,
    bound: Bound,
    k: Items | None,
    units: Units,
    search: Search,
    dead: DeadEnds,
) -> Iterator[tuple[Bound, Items | None, Units]]:
    """Find the addends of the pattern from the i-th on; ``k`` is the common factor, None before the first is found."""

    def state() -> Hashable:
        found = frozenset([(identity, number_key(unit)) for identity, unit in units.items()])
        return found, None if k is None else item_keys(k)

    ways = _addends_from(pattern, i, index, bound, k, units, search, dead)
    # what a sweep has used up meanwhile would be taken for a dead end
    return ways if index.used else dead.through(i, bound, state, ways)


def _addends_from(
    pattern: SumPattern,
    i: int,
    index: SumIndex,
    bound: Bound,
    k: Items | None,
    units: Units,
    search: Search,
    dead: DeadEnds,
) -> Iterator[tuple[Bound, Items | None, Units]]:
    if i == len(pattern.addends):
        all_units = _counted(index, pattern.constant, [], k or [], units) if pattern.constant != 0 else units
        if all_units is not None:
            yield bound, k, all_units
        return
    coefficient, product = pattern.addends[i]
    if k is not None and product.slots <= bound.keys():
        core = product.template.build(index.term, bound)
        counted = None if core is None else _counted(index, coefficient, [(core, 1)], k, units)
        if counted is not None:
            yield from _addends(pattern, i + 1, index, bound, k, counted, search, dead)
        return
    slot = bare_slot(product)
    numeric = _is_numeric(product)
    if slot is not None and numeric and not k and index.constant != 0 and None not in units:
        number = interface.make_number(index.term, numbers.divide(index.constant, coefficient))
        new_bound = bind(slot, number, bound, search)
        if new_bound is not None and pattern.constant == 0:
            counted = {**units, None: index.constant}
            yield from _addends(pattern, i + 1, index, new_bound, [], counted, search, dead)
    for core, items in index.candidates(product):
        if interface.key(core) in units or interface.key(core) in index.used:
            continue
        if not index.used.isdisjoint(units):
            return
        search.attempt()
        for new_bound, rest, unit in _holdings(coefficient, product, core, items, index, bound, search):
            if k is not None and not _same_items(rest, k):
                continue
            new = {**units, interface.key(core): unit}
            yield from _addends(pattern, i + 1, index, new_bound, rest, new, search, dead)


def _is_numeric(product: ProductPattern) -> bool:
    """Tell whether a factor of a product pattern may stand for its coefficient."""
    return any(takes_number(base, e) for base, e in product.factors)


def _holdings(
    coefficient: Any,
    product: ProductPattern,
    core: Any,
    items: Items,
    index: SumIndex,
    bound: Bound,
    search: Search,
) -> Iterator[tuple[Bound, Items, Any]]:
    """Yield (bindings, rest, unit): an addend of the sum is a multiple of unit * rest * product pattern."""
    weight = index.entries[interface.key(core)][1]
    offered = None
    if _is_numeric(product) and weight != coefficient:
        offered = (interface.make_number(index.term, numbers.divide(weight, coefficient)), 1)
        items = [offered, *items]
    factors = product.factors
    for new, rest in _held(factors, 0, index.term, items, bound, search, dead_ends(factors)):
        unit = coefficient
        if offered is not None:
            kept = [pair for pair in rest if pair is not offered]
            unit, rest = (weight, rest) if len(kept) == len(rest) else (coefficient, kept)
        yield new, rest, unit


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


def _held(
    factors: Any, index: int, like: Any, items: Items, bound: Bound, search: Search, dead: DeadEnds
) -> Iterator[tuple[Bound, Items]]:
    """Yield (bindings, rest): the product holds each factor of the pattern; sin(x)^3 holds sin(x)^2."""
    ways = _held_from(factors, index, like, items, bound, search, dead)
    return dead.through(index, bound, lambda: tuple(map(item_key, items)), ways)


def _held_from(
    factors: Any, index: int, like: Any, items: Items, bound: Bound, search: Search, dead: DeadEnds
) -> Iterator[tuple[Bound, Items]]:
    if index == len(factors):
        yield bound, items
        return

    def then(new: Bound) -> Iterator[tuple[Bound, Items]]:
        return _held(factors, index + 1, like, rest, new, search, dead)

    pattern, exponent = factors[index]
    head = base_head(pattern)
    for place, (base, power) in enumerate(items):
        if head:
            if head_of(base) != head:
                continue
        elif interface.is_number(base) and power == 1 and not takes_number(pattern, exponent):
            continue  # a coefficient that is offered
        search.attempt()
        rest = items[:place] + items[place + 1 :]
        if head and is_value(exponent) and is_value(power):
            if power != exponent:
                whole = type(power) is int and type(exponent) is int
                if not whole or power * exponent < 0 or abs(power) < abs(exponent):
                    continue
                rest = [*rest, (base, power - exponent)]
            ways = match(pattern, base, bound, search)
        else:
            ways = match_factor(pattern, exponent, base, power, like, bound, search)
        yield from each_way(ways, factors[index + 1 :], bound, then)


def _same_items(a: Items, b: Items) -> bool:
    return len(a) == len(b) and item_keys(a) == item_keys(b)
