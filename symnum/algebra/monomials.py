"""Monomials back to terms, one by one or a whole FLINT polynomial at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symnum.algebra.laurent import Monomial, Polynomial, to_value
from symnum.algebra.ring import Ring


def sum_of_monomials(ring: Ring, monomials: Iterable[Monomial]) -> Any:
    """Return the sum of monomials as a term in the backend of the ring."""
    powers: dict[tuple[int, int], Any] = {}
    terms = []
    for coefficient, exponents in monomials:
        factors = []
        for item in exponents.items():
            if item not in powers:
                powers[item] = ring.power(*item)
            factors.append(powers[item])
        terms.append(ring.product(coefficient, factors))
    return ring.total(terms)


def in_bulk(ring: Ring, polynomial: Polynomial) -> Any | None:
    """Return a FLINT polynomial as an interned sum, or None when its exponents are too large for a table of powers."""
    from symnum.backends.bulk import sum_of_monomials as interned_sum

    flint_polynomial, shift = polynomial
    degrees = [int(d) for d in flint_polynomial.degrees()][: len(ring.bases)]
    if sum(degrees) > 64 + 8 * len(flint_polynomial) or len(flint_polynomial) == 0:
        return None
    powers = [[ring.power(slot, e - shift[slot]) for e in range(d + 1)] for slot, d in enumerate(degrees)]
    coefficients = [to_value(c) for c in flint_polynomial.coeffs()]
    return interned_sum(powers, flint_polynomial.monoms(), coefficients)
