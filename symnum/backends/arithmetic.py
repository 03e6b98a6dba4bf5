"""Canonical arithmetic of interned terms: leaves, sums {term: coefficient}, products {base: exponent} and powers.

What is rewritten here holds wherever the written form is defined; see :mod:`symnum.backends.interned`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from symnum import exact as numbers
from symnum.backends.nodes import (
    LOCK,
    NUMBER,
    POWER,
    PRODUCT,
    SCALED,
    SUM,
    BooleanSymbol,
    Call,
    Interned,
    Number,
    Power,
    Product,
    Scaled,
    Sum,
    Symbol,
    Table,
    Truth,
    bag_hash,
    entry_hash,
    intern,
    intern_bag,
    number_key,
    same_entries,
)
from symnum.exact import Value

ASSUMPTIONS = ("positive", "negative", "nonnegative", "nonzero")
SORTS = ("real", "integer", "boolean")

SYMBOLS: Table = {}
NUMBERS: Table = {}
POWERS: Table = {}
SCALED_TERMS: Table = {}
SUMS: Table = {}
PRODUCTS: Table = {}
_MASK_BITS = 60
_bits = itertools.count()


# --- leaves -----------------------------------------------------------------------------------------------------------------


def symbol(name: str, sort: str = "real", assumptions: Iterable[str] = ()) -> Symbol:
    """Return the symbol of this name, sort and assumptions."""
    known = frozenset(assumptions)
    return intern(SYMBOLS, (name, sort, known), _build_symbol, name, sort, known)


def _build_symbol(name: str, sort: str, assumptions: frozenset[str]) -> Symbol:
    node = (BooleanSymbol if sort == "boolean" else Symbol)()
    node.name, node.sort, node.assumptions = name, sort, assumptions
    node.mask = 1 << (next(_bits) % _MASK_BITS)
    return node


def number(value: Any) -> Number:
    """Return the constant of a Python or NumPy number."""
    value = numbers.exact(value)
    return intern(NUMBERS, number_key(value), _build_number, value)


def _build_number(value: Value) -> Number:
    node = (Truth if type(value) is bool else Number)()
    node.value, node.hash = value, hash(value)
    node.mask = 0
    return node


ZERO, ONE, TRUE, FALSE = number(0), number(1), number(True), number(False)


# --- sums -------------------------------------------------------------------------------------------------------------------


def _divides_by_zero(term: Any) -> bool:
    """Tell whether a term has the factor 0^(-n), so that 0 times it is no number; 0^x may well be 0."""
    if term.kind == POWER:
        exponent = term.exponent if term.base is ZERO else None
    else:
        exponent = term.entries().get(ZERO) if term.kind == PRODUCT else None
    # Exponents that are numbers are stored as such.
    return exponent is not None and not isinstance(exponent, Interned)


def scale(coefficient: Value, term: Any) -> Any:
    """Return coefficient * term."""
    kind = term.kind
    if kind == NUMBER:
        return number(numbers.times(coefficient, term.value))
    if kind == SCALED:
        coefficient = numbers.times(coefficient, term.coefficient)
        term = term.term
    if type(coefficient) is not int:
        coefficient = numbers.normal(coefficient)
    if type(coefficient) is int:
        if coefficient == 0:
            return number(numbers.NAN) if _divides_by_zero(term) else ZERO
        return (
            term
            if coefficient == 1
            else intern(SCALED_TERMS, (coefficient, term), _build_scaled, coefficient, term)
        )
    if coefficient == 0:
        return number(coefficient)
    return intern(SCALED_TERMS, (coefficient, term, type(coefficient)), _build_scaled, coefficient, term)


def _build_scaled(coefficient: Value, term: Interned) -> Scaled:
    node = Scaled()
    node.coefficient, node.term, node._args = coefficient, term, None
    node.mask = term.mask
    return node


def add(a: Any, b: Any) -> Any:
    """Return a + b."""
    if b.kind == SUM and a.kind != SUM:
        a, b = b, a
    if a.kind == SUM and b.kind != SUM:
        kind = b.kind
        if kind == NUMBER:
            return _sum_like(a, numbers.normal(numbers.plus(a.constant, b.value)))
        key, coefficient = (b.term, b.coefficient) if kind == SCALED else (b, 1)
        if key.kind != SUM:
            grown = _grow_sum(a, key, coefficient)
            if grown is not None:
                return grown
    elif a.kind != SUM:
        return _add_pair(a, b)
    return add_many((a, b))


def _add_pair(a: Any, b: Any) -> Any:
    """Return a + b where neither is a sum."""
    ka, kb = a.kind, b.kind
    if ka == NUMBER or kb == NUMBER:
        if ka == kb:
            return number(numbers.normal(numbers.plus(a.value, b.value)))
        constant, other = (a.value, b) if ka == NUMBER else (b.value, a)
        if constant == 0:
            return other
        key, coefficient = (other.term, other.coefficient) if other.kind == SCALED else (other, 1)
        return sum_of(constant, {key: coefficient}) if key.kind != SUM else add_many((a, b))
    key_a, coefficient_a = (a.term, a.coefficient) if ka == SCALED else (a, 1)
    key_b, coefficient_b = (b.term, b.coefficient) if kb == SCALED else (b, 1)
    if key_a is key_b:
        return scale(numbers.normal(numbers.plus(coefficient_a, coefficient_b)), key_a)
    if key_a.kind == SUM or key_b.kind == SUM:
        return add_many((a, b))
    return sum_of(0, {key_a: coefficient_a, key_b: coefficient_b})


def add_many(terms: Iterable[Any]) -> Any:
    """Return the sum of any number of terms."""
    entries: dict[Any, Value] = {}
    constant: Value = 0
    for term in terms:
        if term.kind == SUM and not entries:
            constant = numbers.plus(constant, term.constant)
            entries = term.entries().copy()
        else:
            constant = add_scaled(entries, constant, 1, term)
    return sum_of(constant, entries)


def add_scaled(entries: dict[Any, Value], constant: Value, coefficient: Value, term: Any) -> Value:
    """Add coefficient * term to the entries, and return the new constant."""
    kind = term.kind
    if kind == NUMBER:
        return numbers.plus(constant, numbers.times(coefficient, term.value))
    if kind == SCALED:
        coefficient, term = numbers.times(coefficient, term.coefficient), term.term
        kind = term.kind
    if kind == SUM:
        for key, inner in term.entries().items():
            _accumulate(entries, key, numbers.times(inner, coefficient))
        return numbers.plus(constant, numbers.times(term.constant, coefficient))
    _accumulate(entries, term, coefficient)
    return constant


def _accumulate(entries: dict[Any, Value], key: Any, coefficient: Value) -> None:
    old = entries.get(key)
    if old is None:
        entries[key] = coefficient if type(coefficient) is int else numbers.normal(coefficient)
        return
    new = numbers.plus(old, coefficient)
    if type(new) is not int:
        new = numbers.normal(new)
    if new == 0:
        del entries[key]
    else:
        entries[key] = new


def sum_of(constant: Value, entries: dict[Any, Value]) -> Any:
    """Return the sum of a constant and {term: coefficient}; takes the dict over."""
    if type(constant) is not int:
        constant = numbers.normal(constant)
    if not entries:
        return number(constant)
    if constant == 0:
        constant = 0  # x + y + 0.0 is x + y, whatever was added in between
    if len(entries) == 1 and constant == 0:
        ((key, coefficient),) = entries.items()
        return scale(coefficient, key)
    mask = 0
    for key in entries:
        mask |= key.mask
    return intern_bag(SUMS, new_sum(constant, entries, bag_hash(entries.items()), mask), same_sum)


def new_sum(constant: Value, entries: dict[Any, Value], digest: int, mask: int) -> Sum:
    node = Sum()
    node.constant = constant
    node._entries, node.size, node._frozen, node._args = entries, len(entries), False, None
    node.hash = digest if constant == 0 else digest ^ hash((constant, type(constant)))
    node.mask = mask
    return node


def same_sum(a: Sum, b: Sum) -> bool:
    return (
        a.size == b.size
        and type(a.constant) is type(b.constant)
        and (a.constant is b.constant or a.constant == b.constant)  # the one NaN equals itself here
        and same_entries(a.entries(), b.entries())
    )


def _entries_hash(node: Sum) -> int:
    return node.hash if node.constant == 0 else node.hash ^ hash((node.constant, type(node.constant)))


def _sum_like(node: Sum, constant: Value) -> Any:
    """Return the sum with another constant, sharing the entries."""
    if constant == 0:
        constant = 0
        if node.size == 1:
            return sum_of(0, node.entries().copy())
    return intern_bag(SUMS, new_sum(constant, node.entries(), _entries_hash(node), node.mask), same_sum)


def _grow_sum(node: Sum, key: Any, coefficient: Value) -> Any | None:
    """Return the sum with one more entry in O(1), or None when ``key`` is already in it."""
    with LOCK:
        entries = node.extend(key, coefficient)
        if entries is None:
            return None
        grown = new_sum(
            node.constant, entries, _entries_hash(node) ^ entry_hash(key, coefficient), node.mask | key.mask
        )
        return intern_bag(SUMS, grown, same_sum)


# --- products ---------------------------------------------------------------------------------------------------------------


def multiply(a: Any, b: Any) -> Any:
    """Return a * b."""
    ka, kb = a.kind, b.kind
    if ka == NUMBER:
        return scale(a.value, b)
    if kb == NUMBER:
        return scale(b.value, a)
    coefficient: Value = 1
    if ka == SCALED:
        coefficient, a = a.coefficient, a.term
        ka = a.kind
    if kb == SCALED:
        coefficient, b = numbers.times(coefficient, b.coefficient), b.term
        kb = b.kind
    if kb == PRODUCT and ka != PRODUCT:
        a, b = b, a
        ka, kb = kb, ka
    if ka == PRODUCT and kb != PRODUCT:
        base, exponent = (b.base, b.exponent) if kb == POWER else (b, 1)
        product = _grow_product(a, base, exponent)
        if product is None:
            product = multiply_many((a, b))
    else:
        base_a, exponent_a = (a.base, a.exponent) if ka == POWER else (a, 1)
        base_b, exponent_b = (b.base, b.exponent) if kb == POWER else (b, 1)
        if base_a is base_b or ka == PRODUCT:
            product = multiply_many((a, b))
        else:
            product = product_of({base_a: exponent_a, base_b: exponent_b})
    return product if coefficient == 1 and type(coefficient) is int else scale(coefficient, product)


def multiply_many(terms: Iterable[Any], entries: dict[Any, Any] | None = None) -> Any:
    """Return the product of any number of terms, and of {base: exponent} if given; takes the dict over."""
    entries = {} if entries is None else entries
    coefficient: Value = 1
    again: list[Any] = []
    for term in terms:
        kind = term.kind
        if kind == NUMBER:
            coefficient = numbers.times(coefficient, term.value)
            continue
        if kind == SCALED:
            coefficient, term = numbers.times(coefficient, term.coefficient), term.term
            kind = term.kind
        if kind == PRODUCT:
            if not entries:
                entries = term.entries().copy()
            else:
                for base, exponent in term.entries().items():
                    _merge_factor(entries, base, exponent, again)
        elif kind == POWER:
            _merge_factor(entries, term.base, term.exponent, again)
        else:
            _merge_factor(entries, term, 1, again)
    product = product_of(entries)
    for factor in again:
        product = multiply(product, factor)
    return scale(coefficient, product) if coefficient != 1 or type(coefficient) is not int else product


_COMPOUND = frozenset({NUMBER, SCALED, PRODUCT, POWER})
"""Kinds of base that a whole exponent dissolves: (2*x)^2 is 4*x^2."""


def _merge_factor(entries: dict[Any, Any], base: Any, exponent: Any, again: list[Any]) -> None:
    """Multiply {base: exponent} by base^exponent; what must be rebuilt from scratch goes to ``again``."""
    old = entries.get(base)
    if old is None:
        entries[base] = exponent
        return
    total = old + exponent
    if isinstance(total, Number):
        total = total.value
    if type(total) is not int:
        if isinstance(total, Interned) or base.kind not in _COMPOUND:
            entries[base] = total if isinstance(total, Interned) else numbers.normal(total)
            if type(entries[base]) is not int:
                return
            total = entries[base]
        else:
            del entries[base]
            again.append(power(base, number(total)))
            return
    if total == 0:
        del entries[base]
    elif base.kind in _COMPOUND:
        del entries[base]
        again.append(power(base, number(total)))
    else:
        entries[base] = total


def product_of(entries: dict[Any, Any]) -> Any:
    """Return the product of {base: exponent}; takes the dict over."""
    if not entries:
        return ONE
    if len(entries) == 1:
        ((base, exponent),) = entries.items()
        return base if type(exponent) is int and exponent == 1 else power_node(base, exponent)
    mask = 0
    for base, exponent in entries.items():
        mask |= base.mask
        if isinstance(exponent, Interned):
            mask |= exponent.mask
    return intern_bag(PRODUCTS, new_product(entries, bag_hash(entries.items()), mask), same_product)


def new_product(entries: dict[Any, Any], digest: int, mask: int) -> Product:
    node = Product()
    node._entries, node.size, node._frozen, node._args = entries, len(entries), False, None
    node.hash = digest
    node.mask = mask
    return node


def same_product(a: Product, b: Product) -> bool:
    return a.size == b.size and same_entries(a.entries(), b.entries())


def _grow_product(node: Product, base: Any, exponent: Any) -> Any | None:
    """Return the product with one more factor in O(1), or None when ``base`` is already in it."""
    mask = node.mask | base.mask
    if isinstance(exponent, Interned):
        mask |= exponent.mask
    with LOCK:
        entries = node.extend(base, exponent)
        if entries is None:
            return None
        return intern_bag(
            PRODUCTS, new_product(entries, node.hash ^ entry_hash(base, exponent), mask), same_product
        )


# --- powers -----------------------------------------------------------------------------------------------------------------


def power(base: Any, exponent: Any) -> Any:
    """Return base ^ exponent for two terms."""
    if exponent.kind != NUMBER:
        return ONE if base is ONE else power_node(base, exponent)
    e = exponent.value
    if e == 0:
        return ONE if type(e) is int else number(1.0)
    if e == 1 and type(e) is int:
        return base
    kind = base.kind
    if type(e) is int:
        if kind == NUMBER:
            folded = numbers.power(base.value, e)
            return power_node(base, e) if folded is None else number(folded)
        if kind == SCALED:
            folded = numbers.power(base.coefficient, e)
            return power_node(base, e) if folded is None else scale(folded, power(base.term, exponent))
        if kind == PRODUCT:
            return multiply_many(power(power_node(b, x), exponent) for b, x in base.entries().items())
        if kind == POWER:
            return power(base.base, as_term(base.exponent * e))
        return power_node(base, e)
    return _fractional_power(base, kind, e)


def _fractional_power(base: Any, kind: int, e: Value) -> Any:
    if kind == NUMBER:
        folded = numbers.power(base.value, e)
        if folded is not None:
            return number(folded)
        bits = base.value.numerator.bit_length() + base.value.denominator.bit_length()
        if base.value > 0 and bits * (abs(e) + e.denominator) <= numbers.MAX_BITS:
            coefficient, n, part = numbers.split_root(base.value, e)
            return scale(coefficient, power_node(number(n), part))
        return power_node(base, e)
    if kind == SCALED:
        size = abs(base.coefficient)
        if size != 1:
            sign = ONE if base.coefficient > 0 else number(-1)
            return multiply(power(number(size), number(e)), power(multiply(sign, base.term), number(e)))
    if kind == POWER and is_positive(base.base):
        return power(base.base, as_term(base.exponent * e))
    if kind == PRODUCT:
        positive = [(b, x) for b, x in base.entries().items() if is_positive(b)]
        if positive:
            rest = product_of({b: x for b, x in base.entries().items() if not is_positive(b)})
            outside = [power(b, as_term(x * e)) for b, x in positive]
            return multiply_many((*outside, rest if rest is ONE else power_node(rest, e)))
    return power_node(base, e)


def as_term(value: Any) -> Any:
    return value if isinstance(value, Interned) else number(value)


def is_positive(node: Any) -> bool:
    """Tell whether a base is known to be positive."""
    if isinstance(node, Symbol):
        return "positive" in node.assumptions
    if node.kind == NUMBER:
        return bool(node.value > 0)
    return isinstance(node, Call) and node.head in ("exp", "cosh", "pi")


def power_node(base: Any, exponent: Any) -> Any:
    """Return the power node without further folding; an exponent 1 gives the base."""
    if type(exponent) is int:
        if exponent == 1:
            return base
        return intern(POWERS, (base, exponent), _build_power, base, exponent)
    if isinstance(exponent, Number):
        return power(base, exponent)
    return intern(POWERS, (base, exponent, type(exponent)), _build_power, base, exponent)


def _build_power(base: Interned, exponent: Any) -> Power:
    node = Power()
    node.base, node.exponent, node._args = base, exponent, None
    node.mask = base.mask | exponent.mask if isinstance(exponent, Interned) else base.mask
    return node
