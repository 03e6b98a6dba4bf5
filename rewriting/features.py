"""Features: the sieve that tells which rules can fire at a node by the factors and powers that occur there.

A feature is a factor with a certain head and power, such as sin^2 or 1/cos.  A node's features are one bit mask, found from its parts;
a sum has the features of whole addends, and a factor that is a sum those of what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.rewriting.pattern import (
    BagPattern,
    CallPattern,
    Literal,
    Pattern,
    ProductPattern,
    Slot,
    SumPattern,
    base_head,
    pattern_slots,
)
from symnum.rewriting.variants import with_values
from symnum.rewriting.views import SUM_HEADS, head_of, is_value, product_view, sum_view

if TYPE_CHECKING:
    from symnum.rewriting.rules import Rule

MOST_ENTRIES = 4096
"""Tables of masks are started afresh when they hold more entries."""

_HELD, _POWER, _EXACT, _OTHER = "held", "power", "exact", "other"

Feature = tuple[str, str, Any]
"""(head of the base or "#" for a number or "" for any, how powers compare, power or None for any)."""


def fits(how: str, wanted: Any, power: Any) -> bool:
    """Tell whether a factor with this power can be the one wanted; a power is None when it is a term."""
    if how == _OTHER:
        return power is None or power != 1
    if wanted is None:
        return True
    if power is None:
        return False
    if how == _POWER:
        return not (type(power) is int and type(wanted) is not int)
    if power == wanted:
        return True
    whole = type(power) is int and type(wanted) is int
    return how == _HELD and whole and power * wanted > 0 and abs(power) >= abs(wanted)


_WRITTEN = {"-": "+", "/": "^", "sqrt": "^"}
"""Heads of trees -> what the same term is in the interned backend; a quotient may be more than a power."""


def exponent_slots(pattern: ProductPattern) -> set[str]:
    return {exponent.name for _, exponent in pattern.factors if isinstance(exponent, Slot)}


def idle_exponents(entry: Rule) -> frozenset[str]:
    """Return the exponents of a product pattern for whose value 1 the rule says that a term is itself: n of a^n*b^n -> (a*b)^n."""
    if len(entry.patterns) != 1 or not interface.is_term(entry.right):
        return frozenset()
    names: set[str] = set()
    stack: list[Any] = [entry.pattern]
    while stack:
        part = stack.pop()
        if isinstance(part, ProductPattern) and part.segment is None:
            names |= exponent_slots(part)
            stack += [base for base, _ in part.factors]
    found = []
    for name in sorted(names):
        left, right = (with_values(side, {name: 1}) for side in (entry.left, entry.right))
        if interface.key(left) == interface.key(right):
            found.append(name)
    return frozenset(found)


class Features:
    """The features that the rules of a set ask for, each with a bit."""

    def __init__(self) -> None:
        self.by_head: dict[str, list[tuple[str, Any, int]]] = {}
        self.bits: dict[Feature, int] = {}
        self.addends: dict[int, int] = {}
        self.inside: dict[int, int] = {}
        self._of_inside: dict[int, int] = {}
        self._of_factor: dict[Any, int] = {}
        self._of_addend: dict[int, int] = {}

    def bit(self, head: str, how: str, power: Any) -> int:
        """Return the bit of a feature, a new one if it is asked for the first time."""
        found = self.bits.get((head, how, power))
        if found is None:
            found = self.bits[head, how, power] = 1 << len(self.bits)
            self.by_head.setdefault(head, []).append((how, power, found))
        return found

    def addend(self, needed: int) -> int:
        """Return the bit of an addend whose factors have the features needed."""
        return self.addends.setdefault(needed, 1 << len(self.addends))

    def inner(self, needed: int) -> int:
        """Return the bit of a factor that is a sum with an addend whose factors have the features needed."""
        found = self.inside.get(needed)
        if found is None:
            found = self.inside[needed] = self.bits["+", "inside", needed] = 1 << len(self.bits)
        return found

    def of_factor(self, head: str, power: Any) -> int:
        """Return the features of base^power; ``head`` is that of the base, "#" for a number."""
        if type(power) is int:
            key: Any = (head, power)
        elif is_value(power):
            key = (head, power, type(power))
        else:
            key, power = head, None
        found = self._of_factor.get(key)
        if found is None:
            found = 0
            for how, wanted, bit in (
                *self.by_head.get(head, ()),
                *(self.by_head.get("", ()) if head else ()),
            ):
                if fits(how, wanted, power):
                    found |= bit
            if len(self._of_factor) >= MOST_ENTRIES:
                self._of_factor.clear()
            self._of_factor[key] = found
        return found

    def of_addend(self, mask: int) -> int:
        """Return the addend features of an addend with the factor features ``mask``."""
        found = self._of_addend.get(mask)
        if found is None:
            found = 0
            for needed, bit in self.addends.items():
                if not needed & ~mask:
                    found |= bit
            if len(self._of_addend) >= MOST_ENTRIES:
                self._of_addend.clear()
            self._of_addend[mask] = found
        return found

    def of_inside(self, mask: int) -> int:
        """Return the features of a factor that is a sum, from an addend with the factor features ``mask``."""
        found = self._of_inside.get(mask)
        if found is None:
            found = 0
            for needed, bit in self.inside.items():
                if not needed & ~mask:
                    found |= bit
            if len(self._of_inside) >= MOST_ENTRIES:
                self._of_inside.clear()
            self._of_inside[mask] = found
        return found

    def of_items(self, items: Iterable[tuple[Any, Any]]) -> int:
        """Return the features of the factors of a product."""
        mask = 0
        for base, power in items:
            head = head_of(base) or ("#" if interface.is_number(base) else "")
            if head in SUM_HEADS:
                mask |= self.of_factor("+", power)
                if self.inside:
                    for core, _ in sum_view(base)[1]:
                        mask |= self.of_inside(self._of_core(core))
            else:
                mask |= self.of_factor(_WRITTEN.get(head, head), power)
        return mask

    def _of_core(self, core: Any) -> int:
        """Return the features of an addend of a sum that is a factor, without what its own sums hold."""
        mask = 0
        for base, power in product_view(core)[1]:
            head = head_of(base) or ("#" if interface.is_number(base) else "")
            mask |= self.of_factor(_WRITTEN.get(head, head), power)
        return mask

    def of_term(self, term: Any) -> int:
        """Return the features of a term seen as a product."""
        return self.of_items(product_view(term)[1])

    # --- what patterns need ---

    def factors_needed(self, pattern: ProductPattern, how: str, idle: frozenset[str] = frozenset()) -> int:
        """Return the features that a product needs; exponents that are ``idle`` slots must not be 1."""
        needed = 0
        first = pattern.factors[0][0] if pattern.factors else None
        if isinstance(first, SumPattern) and how == _POWER:
            # it is matched before any slot is bound: its addends must be there as they are written
            for _, product in first.addends:
                inner = self.factors_needed(product, _EXACT)
                needed |= self.inner(inner) if inner else 0
        for base, exponent in pattern.factors:
            power = exponent if is_value(exponent) else None
            head = base_head(base)
            if isinstance(exponent, Slot) and exponent.name in idle:
                needed |= self.bit(head, _OTHER, None)
            if isinstance(base, ProductPattern) and not idle.isdisjoint(exponent_slots(base)):
                needed |= self.bit("^", _POWER, None)  # a power of a power
            elif isinstance(base, Literal):
                # a bare number in a sum or product is part of its coefficient
                needed |= self.bit("#", how, power) if power != 1 else 0
            elif isinstance(base, SumPattern) and how == _EXACT and len(pattern.factors) > 1:
                continue  # with all slots bound it is built, and may turn out to be no sum
            elif head:
                needed |= self.bit(head, how, power)
            elif isinstance(base, Slot) and interface.is_number in base.predicates and not is_value(exponent):
                needed |= self.bit("#", how, None)
            elif how == _POWER and power is not None and power != 1:
                needed |= self.bit("", how, power)
        return needed

    def needs(self, pattern: Pattern, idle: frozenset[str] = frozenset()) -> int:
        """Return the features that must be there for a pattern to match at the top: of factors, whole addends, or arguments."""
        if isinstance(pattern, SumPattern):
            return self._of_sum(pattern)
        if isinstance(pattern, ProductPattern):
            return self.factors_needed(pattern, _POWER if pattern.segment is None else _EXACT, idle)
        if isinstance(pattern, CallPattern) and not pattern.commutative:
            return self._of_arguments(pattern.args)
        return 0

    def _of_sum(self, pattern: SumPattern) -> int:
        needed = 0
        bound: set[str] = set()
        for i, (_, product) in enumerate(pattern.addends):
            if pattern.segment is not None:
                factors = 0 if product.slots <= bound else self.factors_needed(product, _EXACT)
            elif i == 0 or not product.slots <= bound:
                factors = self.factors_needed(product, _HELD)
            else:
                # It is built and looked up, where its factors may cancel with the common one: only their heads must occur.
                for base, _ in product.factors:
                    head = base_head(base)
                    needed |= self.addend(self.bit(head, _HELD, None)) if head else 0
                factors = 0
            bound |= product.slots
            needed |= self.addend(factors) if factors else 0
        return needed

    def _of_arguments(self, patterns: Iterable[Any]) -> int:
        needed = 0
        bound: set[str] = set()
        for pattern in patterns:
            names = pattern_slots(pattern)
            if isinstance(pattern, CallPattern | BagPattern):
                needed |= self.bit(pattern.head, _EXACT, 1)
            elif names <= bound and bound:
                continue  # it is built and compared
            elif isinstance(pattern, ProductPattern):
                needed |= self.factors_needed(pattern, _EXACT)
            elif isinstance(pattern, SumPattern) and is_true_sum(pattern):
                needed |= self.bit("+", _EXACT, 1)
            bound |= names
        return needed


def is_true_sum(pattern: SumPattern) -> bool:
    """Tell whether only sums can match a pattern."""
    return len(pattern.addends) + (pattern.constant != 0) + (pattern.segment is not None) > 1
