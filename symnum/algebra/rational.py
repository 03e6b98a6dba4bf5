"""Rational functions over any generators, by FLINT: cancel, factor, gcd and lcm.

These functions are generic: they hold wherever no denominator met on the way is zero, so x/x is 1.  Floats are refused by factor,
gcd and lcm, since a rounded coefficient has no factors of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.quotients import Fractions, refuse_degree
from symnum.algebra.ring import ATOM, EXP, Plan, Ring, view, walk
from symnum.exact import Value
from symnum.expression import refuse_mixed
from symnum.order import order_key


def _refuse_floats(ring: Ring, what: str) -> None:
    if not ring.exact:
        raise ValueError(
            f"{what} takes exact coefficients, but a float is among them; write fractions such as "
            f"symnum.number(fractions.Fraction('0.1')) in place of 0.1, or round the term to fractions first"
        )


def cancel(term: Any) -> Any:
    """Write a term as one fraction in lowest terms, numerator and denominator multiplied out.

    Sub-terms that are not rational (sin(x), x^y, x^(1/2)) are generators and stay as they are.  The result equals the term wherever
    the term is defined.  Floats are taken at their binary values and come back as floats.  A list or tuple of terms gives a list.
    Raises ValueError for results that are too large, ZeroDivisionError when a denominator is identically zero.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> cancel((x**2 - 1)/(x - 1)), cancel(1/x + 1/(x + 1))
    (x + 1, (2*x + 1)/(x^2 + x))
    """
    if isinstance(term, list | tuple):
        return [cancel(t) for t in term]
    return RationalTerm(term).cancelled()


def gcd(*terms: Any) -> Any:
    """Return the greatest common divisor of terms: of integers, rationals, polynomials and rational functions.

    Its leading coefficient is positive; the divisor of fractions is that of the numerators over the multiple of the denominators.
    Raises ValueError for float coefficients.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> gcd(x**2 - y**2, x**2 + 2*x*y + y**2), gcd(sn.number(12), 18)
    (x + y, 6)
    """
    refuse_mixed(terms)
    return _common(terms, "gcd")


def lcm(*terms: Any) -> Any:
    """Return the least common multiple of terms, multiplied out; see :func:`gcd`.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> lcm(x - 1, x**2 - 1), lcm(sn.number(4), 6)
    (x^2 - 1, 12)
    """
    return _common(terms, "lcm")


def _common(terms: Sequence[Any], what: str) -> Any:
    given = list(terms[0]) if len(terms) == 1 and isinstance(terms[0], list | tuple) else list(terms)
    if not given:
        raise ValueError(f"{what} takes at least one term; write {what}(a, b)")
    given = [
        interface.make_number(given[0], t) if isinstance(t, int | float | Fraction) else t for t in given
    ]
    if all(isinstance(t, int | float | Fraction) for t in given):
        from symnum.symbols import number

        given = [number(t) for t in given]
    fractions = Fractions(Ring(given, fractions=True))
    _refuse_floats(fractions.ring, what)
    values = [fractions.fraction(t) for t in given]
    if what == "lcm" and any(top.is_zero() for top, _ in values):
        return fractions.ring.total([])
    top, bottom = values[0]
    for p, q in values[1:]:
        if what == "gcd":
            top, bottom = top.gcd(p), bottom * q / bottom.gcd(q)
        else:
            top, bottom = top * p / top.gcd(p), bottom.gcd(q)
    if not top.is_zero() and top.leading_coefficient() < 0:
        top = -top
    return fractions.term((top, bottom))


def factor(term: Any) -> Any:
    """Write a term as a product of powers of irreducible polynomials over the rationals.

    Sub-terms that are not rational are generators and stay as they are; exp(2*x) is exp(x)^2.  A list or tuple of terms gives a list.
    Raises ValueError for float coefficients and for too large polynomials.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> factor(x**2*y - y), factor(sn.sin(x)**2 - 1)
    (y*(x - 1)*(x + 1), (sin(x) + 1)*(sin(x) - 1))
    """
    if isinstance(term, list | tuple):
        return [factor(t) for t in term]
    return RationalTerm(term).factored()


def factor_list(term: Any) -> tuple[Value, list[tuple[Any, int]]]:
    """Return (coefficient, [(irreducible factor, exponent), ...]), factors by degree and then in order of printing.

    A factor below a root is a power of it, such as (x^(1/2), 3); see :func:`factor`.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> factor_list(2*x**3 - 4*x**2 + 2*x)
    (2, [(x, 1), (x - 1, 2)])
    """
    return RationalTerm(term).factor_list()


class RationalTerm:
    """A term read as a rational function of its generators once, for all that is made of it."""

    def __init__(self, term: Any) -> None:
        self._term = term
        self._read: Fractions | None = None

    @property
    def fractions(self) -> Fractions:
        """Return the fractions of the term's ring, read on first use."""
        if self._read is None:
            self._read = Fractions(Ring([self._term], fractions=True))
        return self._read

    def cancelled(self) -> Any:
        """Return what :func:`cancel` makes of the term."""
        if view(self._term)[0] == ATOM:
            return self._term
        top, bottom = self.fractions.fraction(self._term)
        if bottom.is_one() and self._is_polynomial():
            self.fractions.written[str(top)] = self._term
            return self._term
        return self.fractions.term((top, bottom))

    def _is_polynomial(self) -> bool:
        """Tell whether the term is a canonical sum that is multiplied out."""
        ring = self.fractions.ring
        plan = ring.plans[interface.key(self._term)]
        return (
            plan.is_sum
            and ring.exact
            and not ring.changed
            and interface.interface(self._term).addends is not None
            and ring.is_expanded(plan)
        )

    def factor_list(self) -> tuple[Value, list[tuple[Any, int]]]:
        """Return what :func:`factor_list` makes of the term."""
        return _factored(self.fractions, self._term)

    def factored(self) -> Any:
        """Return what :func:`factor` makes of the term."""
        if view(self._term)[0] == ATOM:
            return self._term
        coefficient, pairs = self.factor_list()
        ring = self.fractions.ring
        return ring.product(coefficient, [_power(ring, base, e) for base, e in pairs])


def _power(ring: Ring, base: Any, exponent: int) -> Any:
    return base if exponent == 1 else interface.make(ring.like, "^", (base, exponent))


def _factored(fractions: Fractions, term: Any) -> tuple[Value, list[tuple[Any, int]]]:
    ring = fractions.ring
    _refuse_floats(ring, "factor")
    coefficient: Value = 1
    slots: dict[int, int] = {}
    found: dict[str, tuple[Any, int]] = {}
    for part, weight in _factors_as_written(ring, term):
        if isinstance(part, Plan):
            coefficient = coefficient * _raised(part.coefficient, weight)
            for slot, e in ring.exponents(part.factors).items():
                slots[slot] = slots.get(slot, 0) + e * weight
            continue
        for polynomial, sign in zip(fractions.fraction(part), (weight, -weight)):
            if polynomial.is_one():
                continue
            refuse_degree(polynomial)
            constant, factors = polynomial.factor()
            if constant == 0:
                if sign < 0:
                    raise ZeroDivisionError(
                        "a denominator of the term is identically zero, so it has no value anywhere; check the term"
                    )
                return 0, []
            coefficient = coefficient * _raised(int(constant), sign)
            for base, multiplicity in factors:
                exponent = int(multiplicity) * sign
                if base.leading_coefficient() < 0:
                    base, coefficient = -base, coefficient * (-1) ** exponent
                if len(base) == 1:
                    slot = next(i for i, e in enumerate(base.monoms()[0]) if e)
                    slots[slot] = slots.get(slot, 0) + exponent
                else:
                    known = found.get(str(base))
                    found[str(base)] = (base, exponent + (known[1] if known else 0))
    pairs = [(_slot_base(ring, slot, e)) for slot, e in slots.items() if e]
    ordered = [
        (base.total_degree(), len(base), fractions.polynomial_term(base), e)
        for base, e in found.values()
        if e
    ]
    ordered.sort(key=lambda item: (item[0], item[1], order_key(item[2])))
    pairs.sort(key=lambda item: order_key(item[0]))
    return numbers.normal(coefficient), [*pairs, *((base, e) for _, _, base, e in ordered)]


def _raised(base: int | Fraction, exponent: int) -> int | Fraction:
    """Return a power of a number, exact also where the exponent is negative."""
    return base if exponent == 1 else Fraction(base) ** exponent


def _slot_base(ring: Ring, slot: int, exponent: int) -> tuple[Any, int]:
    """Return a power of a slot as (base, whole exponent): x^(4/2) is (x, 2), x^(3/2) is (x^(1/2), 3)."""
    unit = math.gcd(exponent, ring.denominators[slot]) if ring.units[slot] is None else 1
    if ring.bases[slot] is EXP:
        return ring.power(slot, exponent), 1
    return ring.power(slot, unit), exponent // unit


def _factors_as_written(ring: Ring, root: Any) -> list[tuple[Any, int]]:
    """Return the factors that a term shows, with exponents: sums as nodes, and coefficients with slots as plans."""
    weights = {interface.key(root): 1}
    found: list[tuple[Any, int]] = []
    for node, plan in reversed(list(walk(ring, root))):
        weight = weights.get(interface.key(node), 0)
        if weight == 0:
            continue
        if plan.is_sum or any(slot in ring.relations for slot, _ in plan.factors):
            found.append((node, weight))
            continue
        found.append((plan, weight))
        for part, exponent in plan.others:
            weights[interface.key(part)] = weights.get(interface.key(part), 0) + weight * exponent
    return found
