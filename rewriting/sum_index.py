"""The addends of a sum, indexed for the search of sum patterns inside it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum import term as interface
from symnum.order import order_key
from symnum.rewriting.assignment import Items
from symnum.rewriting.pattern import ProductPattern, base_head
from symnum.rewriting.views import head_of, is_canonical, item_keys, product_of, product_view, sum_view

Units = dict[Hashable, Any]
"""{key of an addend, or None for the constant: its coefficient in K*P}."""


class SumIndex:
    """The addends of one sum, found by term and by the heads of their factors; those ``used`` up take part in no further match."""

    def __init__(self, term: Any) -> None:
        self.term = term
        self.constant, pairs = sum_view(term)
        if not is_canonical(term):  # addends are looked up, so that y*x must be found as x*y
            pairs = [(product_of(term, 1, product_view(t)[1]), c) for t, c in pairs]
        self.entries: dict[Hashable, tuple[Any, Any]] = {interface.key(t): (t, c) for t, c in pairs}
        self.used: set[Hashable] = set()
        self._products: set[frozenset[Any]] | None = None
        self.by_head: dict[str, list[tuple[Any, Items]]] = {}
        for core, _ in pairs:
            items = product_view(core)[1]
            for head in {head_of(base) for base, _ in items}:
                self.by_head.setdefault(head, []).append((core, items))

    def products(self) -> set[frozenset[Any]]:
        """Return the addends without their coefficients as sets of factors that can be compared."""
        if self._products is None:
            self._products = {item_keys(product_view(core)[1]) for core, _ in self.entries.values()}
        return self._products

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
