"""Interned sums of monomials made in bulk: what a polynomial library returns becomes a term at about one microsecond a factor.

A sum built by operators looks up every intermediate product; here each product is made once, from parts that are hashed once for
each power of a generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from symnum.backends import arithmetic
from symnum.backends.nodes import (
    _CLASHES,
    LOCK,
    OTHER,
    POWER,
    Product,
    _forget,
    _Reference,
    bag_hash,
    entry_hash,
    intern_bag,
)
from symnum.exact import Value

_Cell = tuple[Any, Any, int, int]
"""One power of a generator as (base, exponent, hash of the entry, mask)."""


def sum_of_monomials(
    powers: Sequence[Sequence[Any]],
    monomials: Iterable[Sequence[int]],
    coefficients: Iterable[Value],
) -> Any:
    """Return the sum of coefficient * product of powers[i][e_i] over the monomials (e_0, e_1, ...).

    ``powers[i][e]`` is the term that generator i stands for at exponent e, or None where it is 1.  The coefficients are exact
    numbers in normal form and not zero, and no monomial comes twice.
    """
    cells = _cells(powers)
    if cells is None:
        return arithmetic.add_many(
            arithmetic.scale(
                c, arithmetic.multiply_many([p for row, e in zip(powers, m) if (p := row[e]) is not None])
            )
            for m, c in zip(monomials, coefficients)
        )
    constant: Value = 0
    table = arithmetic.PRODUCTS
    products: list[Any] = []
    with LOCK:
        for monomial in monomials:
            digest = mask = 0
            entries = {}
            for row, e in zip(cells, monomial):
                if cell := row[e]:
                    base, exponent, part, bits = cell
                    entries[base] = exponent
                    digest ^= part
                    mask |= bits
            if len(entries) > 1 and digest not in table and not _CLASHES:
                node = Product()
                node._entries, node.size, node._frozen, node._args = entries, len(entries), True, None
                node.hash, node.mask = digest, mask
                reference = _Reference(node, _forget)
                reference.key, reference.table = digest, table
                table[digest] = reference
                products.append(node)
            elif len(entries) > 1:
                node = arithmetic.new_product(entries, digest, mask)
                products.append(intern_bag(table, node, arithmetic.same_product))
            else:
                products.append(arithmetic.product_of(entries))
        addends = dict(zip(products, coefficients))
        if arithmetic.ONE in addends:
            constant = addends.pop(arithmetic.ONE)
        if len(addends) < 2:
            return arithmetic.sum_of(constant, addends)
        mask = 0
        for cell in [cell for row in cells for cell in row if cell]:
            mask |= cell[3]
        total = arithmetic.new_sum(constant, addends, bag_hash(addends.items()), mask)
        return intern_bag(arithmetic.SUMS, total, arithmetic.same_sum)


def _cells(powers: Sequence[Sequence[Any]]) -> list[list[_Cell | None]] | None:
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
