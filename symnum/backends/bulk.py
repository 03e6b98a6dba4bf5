"""Interned sums of monomials made in bulk: what a polynomial library returns becomes a term at about one microsecond a factor.

A sum built by operators looks up every intermediate product; here each product is made once, from parts that are hashed once for
each power of a generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from symnum.backends import interned
from symnum.backends.nodes import (
    _CLASHES,
    LOCK,
    OTHER,
    POWER,
    Interned,
    Product,
    bag_hash,
    entry_hash,
    insert,
    intern_bag,
)
from symnum.exact import Value

_Cell = tuple[Any, Any, int, int]
"""One power of a generator as (base, exponent, hash of the entry, mask)."""


def sum_of_monomials(
    powers: Sequence[Sequence[Interned | None]],
    monomials: Iterable[Sequence[int]],
    coefficients: Iterable[Value],
) -> Any:
    """Return the sum of coefficient * product of powers[i][e_i] over the monomials (e_0, e_1, ...).

    ``powers[i][e]`` is the term that generator i stands for at exponent e, or None where it is 1.  The coefficients are exact
    numbers in normal form and not zero, and no monomial comes twice.
    """
    cells = _cells(powers)
    if cells is None:
        return interned.add_many(
            interned.scale(c, interned.multiply_many([p for row, e in zip(powers, m) if (p := row[e]) is not None]))
            for m, c in zip(monomials, coefficients)
        )
    entries: dict[Any, Value] = {}
    constant: Value = 0
    with LOCK:
        for monomial, coefficient in zip(monomials, coefficients):
            factors = [cell for row, e in zip(cells, monomial) if (cell := row[e])]
            if len(factors) > 1:
                entries[_product(factors)] = coefficient
            elif factors:
                base, exponent, _, _ = factors[0]
                entries[interned.product_of({base: exponent})] = coefficient
            else:
                constant = coefficient
        if len(entries) < 2:
            return interned.sum_of(constant, entries)
        mask = 0
        for cell in [cell for row in cells for cell in row if cell]:
            mask |= cell[3]
        node = interned._new_sum(constant, entries, bag_hash(entries.items()), mask)
        return intern_bag(interned._sums, node, interned._same_sum)


def _cells(powers: Sequence[Sequence[Interned | None]]) -> list[list[_Cell | None]] | None:
    """Return the entries of the powers, or None when they are not the plain entries of one product.

    Two generators of one base (x and x^y), a power that folds to a number, and a sum to the power 1 are such cases.
    """
    owners: dict[Any, int] = {}
    cells: list[list[_Cell | None]] = []
    for i, row in enumerate(powers):
        made: list[_Cell | None] = []
        for term in row:
            if term is None:
                made.append(None)
                continue
            if term.kind == POWER:
                base, exponent = term.base, term.exponent
            elif term.kind == OTHER:
                base, exponent = term, 1
            else:
                return None
            if owners.setdefault(base, i) != i:
                return None
            made.append((base, exponent, entry_hash(base, exponent), term.mask))
        cells.append(made)
    return cells


def _product(factors: Sequence[_Cell]) -> Any:
    """Return the product of two or more entries; the caller holds LOCK."""
    digest = mask = 0
    entries = {}
    for base, exponent, part, bits in factors:
        entries[base] = exponent
        digest ^= part
        mask |= bits
    if digest in interned._products or _CLASHES:
        return intern_bag(interned._products, interned._new_product(entries, digest, mask), interned._same_product)
    node = Product()
    node._entries, node.size, node._frozen, node._args = entries, len(entries), True, None
    node.hash, node.mask = digest, mask
    insert(interned._products, digest, node)
    return node
