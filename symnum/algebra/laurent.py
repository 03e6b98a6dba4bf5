"""Arithmetic of polynomials whose exponents may be negative, in two kinds: FLINT's, and plain dicts.

FLINT keeps a dense exponent vector for each monomial, which is quick for up to some dozens of generators and exact numbers.
Floats, and sums in hundreds of generators, are kept as {((slot, exponent), ...): coefficient}.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Protocol

from symnum import exact as numbers
from symnum.algebra.ring import Ring
from symnum.exact import Value

DENSE_SLOTS = 48
"""Most generators for which FLINT's exponent vectors are used."""

MAX_TERMS = 1_000_000
"""How many monomials a result may have, and how many 64-bit words a monomial's coefficient may take on average, times 16."""

Polynomial = Any
Monomial = tuple[Value, dict[int, int]]
"""A coefficient and the exponents {slot: exponent}."""


class Arithmetic(Protocol):
    """What an expansion needs of polynomials."""

    def from_monomials(self, monomials: Iterable[Monomial]) -> Polynomial:
        """Return the sum of monomials."""

    def add(self, parts: Sequence[tuple[Polynomial, Value]]) -> Polynomial:
        """Return the sum of polynomials times numbers."""

    def multiply(self, a: Polynomial, b: Polynomial) -> Polynomial:
        """Return a * b."""

    def power(self, a: Polynomial, exponent: int) -> Polynomial:
        """Return a ^ exponent for a whole exponent > 0."""

    def monomials(self, a: Polynomial) -> Iterable[Monomial]:
        """Return the monomials of a polynomial."""


def arithmetic(ring: Ring, max_terms: int) -> Arithmetic:
    """Return the arithmetic that suits the generators and numbers of a ring."""
    if ring.exact and len(ring.bases) <= DENSE_SLOTS:
        return DenseArithmetic(len(ring.bases), ring.integral, max_terms)
    return SparseArithmetic(max_terms)


def refuse_size(what: str, terms: int, max_terms: int) -> None:
    """Raise ValueError when a result would be too large."""
    if terms > max_terms:
        shown = str(terms) if terms < 10**15 else f"10^{len(str(terms)) - 1}"
        raise ValueError(
            f"{what} would make about {shown} terms or words, more than max_terms={max_terms}; "
            f"leave the power as it is, or allow more with max_terms={max(terms, 1) if terms < 10**15 else '...'}"
        )


class DenseArithmetic:
    """FLINT polynomials over a common monomial denominator: a value is (polynomial, shift) for polynomial / x^shift."""

    def __init__(self, slots: int, integral: bool, max_terms: int) -> None:
        import flint

        kind = flint.fmpz_mpoly_ctx if integral else flint.fmpq_mpoly_ctx
        self.context = kind.get(("x", max(slots, 1)), flint.Ordering.lex)
        self.slots, self.max_terms = max(slots, 1), max_terms
        self.none = (0,) * self.slots
        self._number = (lambda v: v) if integral else (lambda v: flint.fmpq(v.numerator, v.denominator))

    def from_monomials(self, monomials: Iterable[Monomial]) -> Polynomial:
        given = list(monomials)
        shift = self.none
        if any(e < 0 for _, exponents in given for e in exponents.values()):
            low = [0] * self.slots
            for _, exponents in given:
                for slot, e in exponents.items():
                    low[slot] = max(low[slot], -e)
            shift = tuple(low)
        entries: dict[tuple[int, ...], Value] = {}
        for coefficient, exponents in given:
            vector = list(shift)
            for slot, e in exponents.items():
                vector[slot] += e
            entries[tuple(vector)] = entries.get(tuple(vector), 0) + coefficient
        numbers_of: Any = {v: self._number(c) for v, c in entries.items()}
        return self.context.from_dict(numbers_of), shift

    def add(self, parts: Sequence[tuple[Polynomial, Value]]) -> Polynomial:
        shift = tuple(map(max, zip(*(s for (_, s), _ in parts))))
        polynomials = [
            (p if s == shift else p * self.context.term(1, tuple(a - b for a, b in zip(shift, s))))
            * self._number(c)
            if s != shift or c != 1
            else p
            for (p, s), c in parts
        ]
        while len(polynomials) > 1:  # in pairs, so that a sum of many parts costs n log n
            polynomials = [
                sum(polynomials[i + 1 : i + 2], polynomials[i]) for i in range(0, len(polynomials), 2)
            ]
        return polynomials[0], shift

    def multiply(self, a: Polynomial, b: Polynomial) -> Polynomial:
        (p, s), (q, t) = a, b
        return checked_product(p, q, self.max_terms), s if t == self.none else tuple(map(sum, zip(s, t)))

    def power(self, a: Polynomial, exponent: int) -> Polynomial:
        p, s = a
        return checked_power(p, exponent, self.max_terms), tuple(e * exponent for e in s)

    def monomials(self, a: Polynomial) -> Iterable[Monomial]:
        p, shift = a
        for vector, coefficient in zip(p.monoms(), p.coeffs()):
            yield (
                to_value(coefficient),
                {i: int(e) - d for i, (e, d) in enumerate(zip(vector, shift)) if e != d},
            )


def checked_product(p: Any, q: Any, max_terms: int) -> Any:
    """Return p * q of FLINT polynomials; raises ValueError before it would be too large."""
    if len(p) > 1 and len(q) > 1 and len(p) * len(q) > max_terms:
        box = math.prod(int(m) + int(n) + 1 for m, n in zip(p.degrees(), q.degrees()))
        refuse_size("multiplying the sums out", min(len(p) * len(q), box), max_terms)
    return p * q


def checked_power(p: Any, exponent: int, max_terms: int) -> Any:
    """Return p ^ exponent of a FLINT polynomial; raises ValueError before it would be too large."""
    if len(p) > 1:
        what = f"expanding a sum of {len(p)} terms to the power {exponent}"
        box = math.prod(int(m) * exponent + 1 for m in p.degrees())
        terms = min(_choose(exponent + len(p) - 1, min(exponent, len(p) - 1)), box)
        refuse_size(what, terms, max_terms)
        bits = exponent * math.log2(max(2, sum(_size(c) for c in p.coeffs())))
        refuse_size(what, int(terms * bits / 1024), max_terms)
    elif len(p) == 1 and exponent * _size(p.coeffs()[0]).bit_length() > 64 * max_terms:
        refuse_size(f"raising a coefficient to the power {exponent}", exponent, max_terms)
    return p**exponent


def to_value(coefficient: Any) -> Value:
    """Return a FLINT number as an int or Fraction."""
    if hasattr(coefficient, "p"):
        return numbers.normal(Fraction(int(coefficient.p), int(coefficient.q)))
    return int(coefficient)


def _size(coefficient: Any) -> int:
    if hasattr(coefficient, "p"):
        return max(abs(int(coefficient.p)), int(coefficient.q))
    return abs(int(coefficient))


def _choose(n: int, k: int) -> int:
    """Return a lower bound of binomial(n, k) that is exact while it is below 10^18."""
    found = 1
    for i in range(min(k, n - k)):
        found = found * (n - i) // (i + 1)
        if found > 10**18:
            break
    return found


class SparseArithmetic:
    """Polynomials as {((slot, exponent), ...): coefficient}, for floats and for many generators."""

    def __init__(self, max_terms: int) -> None:
        self.max_terms = max_terms

    def from_monomials(self, monomials: Iterable[Monomial]) -> Polynomial:
        found: dict[Any, Value] = {}
        for coefficient, exponents in monomials:
            key = tuple(sorted((s, e) for s, e in exponents.items() if e))
            found[key] = found.get(key, 0) + coefficient
        return _without_zeros(found)

    def add(self, parts: Sequence[tuple[Polynomial, Value]]) -> Polynomial:
        found: dict[Any, Value] = {}
        for polynomial, factor in parts:
            for key, coefficient in polynomial.items():
                found[key] = found.get(key, 0) + coefficient * factor
        return _without_zeros(found)

    def multiply(self, a: Polynomial, b: Polynomial) -> Polynomial:
        # Monomials that meet again are not known beforehand, so the work is bounded and not the result.
        refuse_size("multiplying the sums out", len(a) * len(b) // 8, self.max_terms)
        found: dict[Any, Value] = {}
        for left, c in a.items():
            for right, d in b.items():
                key = _joined(left, right)
                found[key] = found.get(key, 0) + c * d
        return _without_zeros(found)

    def power(self, a: Polynomial, exponent: int) -> Polynomial:
        if len(a) > 1:
            terms = _choose(exponent + len(a) - 1, min(exponent, len(a) - 1))
            slots = {slot for key in a for slot, _ in key}
            box = math.prod(
                (max(dict(k).get(s, 0) for k in a) - min(dict(k).get(s, 0) for k in a)) * exponent + 1 for s in slots
            )  # fmt: skip
            refuse_size(
                f"expanding a sum of {len(a)} terms to the power {exponent}", min(terms, box), self.max_terms
            )
        if len(a) == 1:
            ((key, coefficient),) = a.items()
            folded = numbers.power(coefficient, exponent)
            if folded is None:
                refuse_size(
                    f"raising the coefficient {coefficient} to the power {exponent}", 10**15, self.max_terms
                )
            return {tuple((s, e * exponent) for s, e in key): folded}
        result = {(): 1}
        while exponent:
            if exponent & 1:
                result = self.multiply(result, a)
            exponent >>= 1
            if exponent:
                a = self.multiply(a, a)
        return result

    def monomials(self, a: Polynomial) -> Iterable[Monomial]:
        return ((numbers.normal(c), dict(key)) for key, c in a.items())


def _without_zeros(found: dict[Any, Value]) -> dict[Any, Value]:
    return {key: c for key, c in found.items() if c != 0}


def _joined(left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    if not left or not right:
        return left or right
    total = dict(left)
    for slot, e in right:
        total[slot] = total.get(slot, 0) + e
    return tuple(sorted((s, e) for s, e in total.items() if e))
