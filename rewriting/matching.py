"""Matching a pattern with the whole of a term, modulo associativity and commutativity at every level.

A sum or product must be used up: each sub-pattern takes one addend or factor, and the last bare slot takes what the others leave.
How a pattern is found inside a longer sum or product is in ``within``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
)
from symnum.rewriting.views import (
    call_of,
    head_of,
    is_value,
    product_of,
    product_view,
    sum_of,
    sum_view,
)

Bound = dict[str, Any]
"""{slot name: term}."""

Items = list[tuple[Any, Any]]
"""Pairs (term, coefficient) of a sum or (base, exponent) of a product."""


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


def _in_turn(
    patterns: tuple[Pattern, ...], terms: Any, index: int, bound: Bound, facts: Facts
) -> Iterator[Bound]:
    if index == len(patterns):
        yield bound
        return
    for new in match(patterns[index], terms[index], bound, facts):
        yield from _in_turn(patterns, terms, index + 1, new, facts)


# --- min, max, and, or --------------------------------------------------------------------------------------------------------


def match_bag(
    pattern: BagPattern, term: Any, bound: Bound, facts: Facts, whole: bool
) -> Iterator[tuple[Bound, list[Any]]]:
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


def _whole_product(
    pattern: ProductPattern, like: Any, coefficient: Any, items: Items, bound: Bound, facts: Facts
) -> Iterator[Bound]:
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
    if type(exponent) is float or (type(exponent) is not int and coefficient < 0):
        return None
    root = numbers.power(coefficient, numbers.normal(Fraction(1) / Fraction(exponent)))
    if root is None or root != root or not items:
        return None
    roots: Items = []
    for base, power in items:
        if not is_value(power) or type(power) is float or (type(power) is int and type(exponent) is not int):
            return None  # x is no square root of x^2
        share = numbers.normal(Fraction(power) / Fraction(exponent))
        if type(share) is not int:
            return None
        roots.append((base, share))
    return product_of(like, root, roots)


def _use_up(
    factors: Any, index: int, like: Any, coefficient: Any, items: Items, bound: Bound, facts: Facts
) -> Iterator[Bound]:
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
    items = in_order(items)
    for place, (base, power) in enumerate(items):
        rest = items[:place] + items[place + 1 :]
        for new in match_factor(pattern, exponent, base, power, like, bound, facts):
            yield from _use_up(factors, index + 1, like, coefficient, rest, new, facts)


def in_order(items: Items) -> Items:
    """Return addends or factors in an order that does not depend on how the term was built."""
    return items if len(items) < 2 else sorted(items, key=lambda item: order_key(item[0]))


def match_factor(
    pattern: Pattern, exponent: Any, base: Any, power: Any, like: Any, bound: Bound, facts: Facts
) -> Iterator[Bound]:
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
        taken = None if whole is None else bind(pattern, whole, bound, facts)
        if taken is not None:
            yield taken
    elif is_value(power) and power == exponent:
        yield from match(pattern, base, bound, facts)


# --- sums ---------------------------------------------------------------------------------------------------------------------


def _whole_sum(pattern: SumPattern, term: Any, bound: Bound, facts: Facts) -> Iterator[Bound]:
    """Yield the ways in which a sum is used up."""
    constant, pairs = sum_view(term)
    if pattern.constant != 0:
        if constant != pattern.constant or type(constant) is not type(pattern.constant):
            return
        constant = 0
    yield from _use_up_sum(pattern.addends, 0, term, constant, in_order(pairs), bound, facts)


def _use_up_sum(
    addends: Any, i: int, like: Any, constant: Any, pairs: Items, bound: Bound, facts: Facts
) -> Iterator[Bound]:
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
