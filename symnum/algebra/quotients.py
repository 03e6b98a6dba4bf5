"""Fractions of FLINT polynomials: what the nodes of a ring are as rational functions of its generators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.laurent import MAX_TERMS, checked_power, checked_product
from symnum.algebra.monomials import sum_of_monomials
from symnum.algebra.ring import EXP, Plan, Ring, walk
from symnum.exact import Value

Quotient = tuple[Any, Any]
"""A fraction of two FLINT polynomials without a common factor; the denominator's leading coefficient is positive."""


MAX_DEGREE = 10_000
"""Degree beyond which polynomials of several terms are not divided or factored: FLINT's memory grows with it."""


def refuse_degree(polynomial: Any) -> None:
    if len(polynomial) > 1:
        degree = max(map(int, polynomial.degrees()))
        if degree > MAX_DEGREE:
            raise ValueError(
                f"a polynomial of degree {degree} is not divided or factored, since the limit is {MAX_DEGREE}; "
                f"give the power a name with symnum.substitute(term, {{x**n: y}}) first"
            )


def _gcd(p: Any, q: Any) -> Any:
    if len(p) > 1 and len(q) > 1:
        refuse_degree(p)
        refuse_degree(q)
    return p.gcd(q)


@lru_cache(maxsize=64)
def _context(slots: int) -> tuple[Any, Any, Any]:
    """Return FLINT's polynomials in so many variables, with the constants 1 and 0."""
    import flint

    context = flint.fmpz_mpoly_ctx.get(("x", slots), flint.Ordering.lex)
    return context, context.constant(1), context.constant(0)


class Fractions:
    """The fractions that the nodes of a ring are, computed once each."""

    def __init__(self, ring: Ring, max_terms: int = MAX_TERMS) -> None:
        self.ring, self.max_terms = ring, max_terms
        self.slots = max(len(ring.bases), 1)
        self.context, self.one, self.zero = _context(self.slots)
        self._known: dict[Any, Quotient] = {}
        self.written: dict[str, Any] = {}

    # --- arithmetic ---

    def quotient(self, top: Any, bottom: Any) -> Quotient:
        """Return top / bottom in lowest terms; raises ZeroDivisionError when bottom is 0."""
        if bottom.is_zero():
            raise ZeroDivisionError(
                "a denominator of the term is identically zero, so it has no value anywhere; check the term"
            )
        if not bottom.is_constant() or not bottom.is_one():
            common = _gcd(top, bottom)
            if not common.is_one():
                top, bottom = top / common, bottom / common
        return (-top, -bottom) if bottom.leading_coefficient() < 0 else (top, bottom)

    def multiply(self, a: Quotient, b: Quotient) -> Quotient:
        """Return a * b."""
        (p, q), (r, s) = self.quotient(a[0], b[1]), self.quotient(b[0], a[1])
        return self.quotient(checked_product(p, r, self.max_terms), checked_product(q, s, self.max_terms))

    def divide(self, a: Quotient, b: Quotient) -> Quotient:
        """Return a / b."""
        return self.multiply(a, self.quotient(b[1], b[0]))

    def power(self, a: Quotient, exponent: int) -> Quotient:
        """Return a ^ exponent; a is in lowest terms, and so is its power."""
        top, bottom = (checked_power(p, abs(exponent), self.max_terms) for p in a)
        return (top, bottom) if exponent > 0 else self.quotient(bottom, top)

    def add(self, parts: Sequence[Quotient]) -> Quotient:
        """Return the sum; what has the same denominator is added first."""
        if len(parts) == 1:
            return self.quotient(*parts[0])
        by_bottom: dict[Any, Any] = {}
        for top, bottom in parts:
            identity = str(bottom)
            known = by_bottom.get(identity)
            by_bottom[identity] = (top if known is None else known[0] + top, bottom)
        rest = [self.quotient(*part) for part in by_bottom.values()]
        while len(rest) > 1:
            rest = [self._add(*rest[i : i + 2]) for i in range(0, len(rest), 2)]
        return rest[0] if rest else (self.zero, self.one)

    def _add(self, a: Quotient, b: Quotient | None = None) -> Quotient:
        if b is None:
            return a
        common = _gcd(a[1], b[1])
        left, right = b[1] / common, a[1] / common
        top = checked_product(a[0], left, self.max_terms) + checked_product(b[0], right, self.max_terms)
        return self.quotient(top, checked_product(a[1], left, self.max_terms))

    def monomial(self, coefficient: Value, exponents: dict[int, int]) -> Quotient:
        """Return one monomial."""
        (found,) = self.monomials([(coefficient, exponents)])
        return found

    def monomials(self, given: Iterable[tuple[Value, dict[int, int]]]) -> list[Quotient]:
        """Return the sum of monomials as fractions, those with the same denominator as one."""
        by_bottom: dict[tuple[int, tuple[int, ...]], dict[tuple[int, ...], int]] = {}
        for coefficient, exponents in given:
            above, below = [0] * self.slots, [0] * self.slots
            for slot, e in exponents.items():
                (above if e > 0 else below)[slot] = abs(e)
            top, bottom = _as_integers(coefficient)
            entries, vector = by_bottom.setdefault((bottom, tuple(below)), {}), tuple(above)
            entries[vector] = entries.get(vector, 0) + top
        return [
            (
                self.context.from_dict(entries),
                self.one if bottom == 1 and not any(below) else self.context.from_dict({below: bottom}),
            )
            for (bottom, below), entries in by_bottom.items()
        ]

    # --- from terms ---

    def fraction(self, root: Any) -> Quotient:
        """Return a node as a fraction."""
        for node, plan in walk(self.ring, root):
            identity = interface.key(node)
            if identity not in self._known:
                self._known[identity] = self._reduced(self._planned(plan))
        return self._known[interface.key(root)]

    def _planned(self, plan: Plan) -> Quotient:
        known = [(self._known[interface.key(part)], weight) for part, weight in plan.others]
        if plan.is_sum:
            own = [(c, self.ring.exponents(f)) for c, f in plan.monomials]
            parts = self.monomials([(plan.coefficient, {}), *own])
            parts += [(q[0] * n, q[1] * d) for q, w in known for n, d in [_as_integers(w)]]
            return self.add(parts)
        found = self.monomial(plan.coefficient, self.ring.exponents(plan.factors))
        for part, exponent in known:
            found = self.multiply(found, part if exponent == 1 else self.power(part, exponent))
        return found

    def _reduced(self, a: Quotient) -> Quotient:
        """Replace whole powers under a root: with g = s^(1/d), g^(d*q + r) is s^q * g^r."""
        if not self.ring.relations:
            return a
        degrees = [[int(d) for d in part.degrees()] for part in a]
        for slot, base in self.ring.relations.items():
            d = self.ring.denominators[slot]
            if max(degrees[0][slot], degrees[1][slot]) >= d:
                whole = self.fraction(base)
                return self._reduced(self.divide(*(self._reduce_slot(part, slot, d, whole) for part in a)))
        return a

    def _reduce_slot(self, polynomial: Any, slot: int, d: int, whole: Quotient) -> Quotient:
        groups: dict[int, dict[tuple[int, ...], Any]] = {}
        for vector, coefficient in polynomial.terms():
            q, r = divmod(int(vector[slot]), d)
            groups.setdefault(q, {})[(*vector[:slot], r, *vector[slot + 1 :])] = coefficient
        parts = []
        for q, entries in groups.items():
            part = (self.context.from_dict(entries), self.one)
            parts.append(self.multiply(part, self.power(whole, q)) if q else part)
        return self.add(parts)

    # --- to terms ---

    def polynomial_term(self, polynomial: Any, divisor: int = 1, shift: Sequence[int] = ()) -> Any:
        """Return polynomial / (divisor * x^shift) as an expanded term."""
        if divisor == 1 and not any(shift):
            text = str(polynomial)
            if text not in self.written:
                self.written[text] = self._term_of(polynomial, 1, ())
            return self.written[text]
        return self._term_of(polynomial, divisor, shift)

    def _term_of(self, polynomial: Any, divisor: int, shift: Sequence[int]) -> Any:
        low = shift or (0,) * self.slots
        number: Callable[[Any], Value] = numbers.normal if self.ring.exact else _rounded
        monomials = [
            (
                number(int(c) if divisor == 1 else Fraction(int(c), divisor)),
                {i: int(e) - s for i, (e, s) in enumerate(zip(vector, low)) if e != s},
            )
            for vector, c in polynomial.terms()
        ]
        return sum_of_monomials(self.ring, monomials)

    def term(self, a: Quotient) -> Any:
        """Return a fraction as expanded numerator over expanded denominator; powers of exp never stay below."""
        top, bottom = a
        shift = [0] * self.slots
        if any(base is EXP for base in self.ring.bases):
            lowest = [min(int(v[i]) for v in bottom.monoms()) for i in range(self.slots)]
            shift = [
                low if slot < len(self.ring.bases) and self.ring.bases[slot] is EXP else 0
                for slot, low in enumerate(lowest)
            ]
            bottom = bottom / self.context.from_dict({tuple(shift): 1})
        if bottom.is_constant():
            return self.polynomial_term(top, int(bottom.leading_coefficient()), shift)
        if len(bottom) == 1:
            ((vector, coefficient),) = bottom.terms()
            numerator = self.polynomial_term(top, int(coefficient), shift)
            return self.ring.product(
                1, [numerator, *(self.ring.power(i, -int(e)) for i, e in enumerate(vector) if e)]
            )
        unit = 1 if self.ring.exact else int(bottom.leading_coefficient())
        numerator, denominator = self.polynomial_term(top, unit, shift), self.polynomial_term(bottom, unit)
        return self.ring.product(1, [numerator, interface.make(self.ring.like, "^", (denominator, -1))])


def _as_integers(value: Value) -> tuple[int, int]:
    """Return a number as numerator and denominator; a float is taken at its binary value."""
    if type(value) is float and not math.isfinite(value):
        raise ValueError(
            f"a coefficient of the term is {value}, with which there is no algebra; replace it by a symbol"
        )
    return value.as_integer_ratio() if type(value) is float else (value.numerator, value.denominator)


def _rounded(value: Value) -> Value:
    """Return a coefficient of a term with floats: whole numbers that a float holds stay exact."""
    return int(value) if value.denominator == 1 and abs(value) <= 1 << 53 else float(value)
