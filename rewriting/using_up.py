"""Using up the whole of a sum or product: each sub-pattern takes one addend or factor, and a last bare slot what the others leave.

How an addend or factor of a pattern fits one of a term is given as a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.rewriting.assignment import (
    Bound,
    Fits,
    Items,
    Search,
    dead_ends,
    each_way,
    fitting_items,
    item_key,
)
from symnum.rewriting.binding import bare_slot, bind, takes_number
from symnum.rewriting.pattern import MANY, Slot
from symnum.rewriting.views import is_value, product_of, sum_of

# --- products -----------------------------------------------------------------------------------------------------------------


def use_up_product(
    factors: Any, like: Any, coefficient: Any, items: Items, bound: Bound, fits: Fits, search: Search
) -> Iterator[Bound]:
    """Yield the ways in which factors of a pattern are coefficient * items."""
    if _can_use_up_product(factors, items, coefficient, like, bound, fits, search):
        yield from _Factors(factors, like, fits, search).ways(0, coefficient, items, bound)


def _can_use_up_product(
    factors: Any, items: Items, coefficient: Any, like: Any, bound: Bound, fits: Fits, search: Search
) -> bool:
    """Tell whether factors could use a product up: by number, and if there are many, each by itself."""
    base, exponent = factors[-1] if factors else (None, 1)
    open_ = isinstance(base, Slot) and is_value(exponent) and exponent == 1
    width = len(items) + (coefficient != 1)
    if width < len(factors) or (width > len(factors) and not open_):
        return False
    if len(factors) <= MANY:
        return True
    number = [(interface.make_number(like, coefficient), None)] if coefficient != 1 else []

    def fits_or_takes(factor: Any, item: Any, known: Bound) -> Iterator[Bound]:
        if item[1] is not None:
            return fits(factor, item, known)
        new = bind(factor[0], item[0], known, search) if takes_number(*factor) else None
        return iter([] if new is None else [new])

    searched = factors[:-1] if open_ else factors
    return fitting_items(searched, [*number, *items], bound, fits_or_takes, search) is not None


class _Factors:
    """Give each factor of a pattern one of the factors of a product, or its coefficient."""

    def __init__(self, factors: Any, like: Any, fits: Fits, search: Search) -> None:
        self._factors, self._like, self._fits, self._search = factors, like, fits, search
        self._dead = dead_ends(factors)

    def ways(self, index: int, coefficient: Any, items: Items, bound: Bound) -> Iterator[Bound]:
        """Yield the ways in which the factors from one on are coefficient * items."""
        ways = self._ways(index, coefficient, items, bound)
        state = lambda: (number_key(coefficient), *map(item_key, items))
        return self._dead.through(index, bound, state, ways)

    def _ways(self, index: int, coefficient: Any, items: Items, bound: Bound) -> Iterator[Bound]:
        factors, like, search = self._factors, self._like, self._search
        if index == len(factors):
            if not items and coefficient == 1:
                yield bound
            return
        pattern, exponent = factors[index]
        if isinstance(pattern, Slot) and is_value(exponent) and exponent == 1 and index == len(factors) - 1:
            if items or coefficient != 1:
                new = bind(pattern, product_of(like, coefficient, items), bound, search)
                if new is not None:
                    yield new
            return
        if takes_number(pattern, exponent) and coefficient != 1:
            new = bind(pattern, interface.make_number(like, coefficient), bound, search)
            if new is not None:
                yield from self.ways(index + 1, 1, items, new)

        def then(new: Bound) -> Iterator[Bound]:
            return self.ways(index + 1, coefficient, rest, new)

        for place, item in enumerate(items):
            search.attempt()
            rest = items[:place] + items[place + 1 :]
            ways = self._fits(factors[index], item, bound)
            yield from each_way(ways, factors[index + 1 :], bound, then)


# --- sums ---------------------------------------------------------------------------------------------------------------------


def use_up_sum(
    addends: Any, like: Any, constant: Any, pairs: Items, bound: Bound, fits: Fits, search: Search
) -> Iterator[Bound]:
    """Yield the ways in which addends of a pattern are constant + pairs."""
    if _can_use_up_sum(addends, pairs, constant, fits, bound, search):
        yield from _Addends(addends, like, fits, search).ways(0, constant, pairs, bound)


def _can_use_up_sum(
    addends: Any, pairs: Items, constant: Any, fits: Fits, bound: Bound, search: Search
) -> bool:
    """Tell whether addends could use a sum up: by number, and if there are many, each by itself."""
    open_ = bool(addends) and bare_slot(addends[-1][1]) is not None
    width = len(pairs) + (constant != 0)
    if width < len(addends) or (width > len(addends) and not open_):
        return False
    if len(addends) <= MANY:
        return True
    # a bare slot with a predicate may take the constant, which is not among the pairs
    searched = [
        (c, product)
        for c, product in (addends[:-1] if open_ else addends)
        if (slot := bare_slot(product)) is None or not takes_number(slot)
    ]
    return fitting_items(searched, pairs, bound, fits, search) is not None


class _Addends:
    """Give each addend of a pattern one of the addends of a sum, or its constant."""

    def __init__(self, addends: Any, like: Any, fits: Fits, search: Search) -> None:
        self._addends, self._like, self._fits, self._search = addends, like, fits, search
        self._dead = dead_ends(addends)

    def ways(self, index: int, constant: Any, pairs: Items, bound: Bound) -> Iterator[Bound]:
        """Yield the ways in which the addends from one on are constant + pairs."""
        ways = self._ways(index, constant, pairs, bound)
        state = lambda: (number_key(constant), *map(item_key, pairs))
        return self._dead.through(index, bound, state, ways)

    def _ways(self, index: int, constant: Any, pairs: Items, bound: Bound) -> Iterator[Bound]:
        addends, like, search = self._addends, self._like, self._search
        if index == len(addends):
            if not pairs and constant == 0:
                yield bound
            return
        coefficient, product = addends[index]
        slot = bare_slot(product)
        if slot is not None and index == len(addends) - 1:
            if pairs or constant != 0:
                rest = [(t, numbers.divide(c, coefficient)) for t, c in pairs]
                constant = numbers.divide(constant, coefficient)
                if coefficient in (1, -1) or all(type(c) is int for _, c in [*rest, (None, constant)]):
                    new = bind(slot, sum_of(like, constant, rest), bound, search)
                    if new is not None:
                        yield new
            return
        if slot is not None and takes_number(slot) and constant != 0:
            number = interface.make_number(like, numbers.divide(constant, coefficient))
            new = bind(slot, number, bound, search)
            if new is not None:
                yield from self.ways(index + 1, 0, pairs, new)

        def then(new: Bound) -> Iterator[Bound]:
            return self.ways(index + 1, constant, left, new)

        for place, item in enumerate(pairs):
            search.attempt()
            left = pairs[:place] + pairs[place + 1 :]
            ways = self._fits(addends[index], item, bound)
            yield from each_way(ways, addends[index + 1 :], bound, then)
