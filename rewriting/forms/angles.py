"""Angles as whole multiples of a few units, and functions of them as polynomials in functions of the units.

With e^(j*u) = C + j*S for each unit u, where j^2 is -1 for circular and +1 for hyperbolic functions, e^(j*(m1*u1 + m2*u2 + ...)) is the
product of (C + j*S)^m, whose two parts are the cosine and the sine of the sum (de Moivre).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.views import head_of, product_of, sum_of, sum_view

MOST_UNITS = 3
MOST_MULTIPLES = 12
"""Angles of more units, or with multiples that add up to more, are not unfolded."""

Vector = tuple[int, ...]
Integers = dict[Vector, int]
"""Polynomial with whole coefficients: {exponents: coefficient}."""


@dataclass(slots=True)
class Angles:
    """Angles in units: ``places`` gives for each (by key) its share of pi and its multiples of the ``units``."""

    units: list[Any]
    places: dict[Hashable, tuple[Fraction, Vector]]

    def angle(self, like: Any, multiples: Sequence[Any]) -> Any:
        """Return the sum of multiples of the units."""
        return sum_of(like, 0, [(u, numbers.normal(m)) for u, m in zip(self.units, multiples) if m])


def _share_of_pi(pairs: Sequence[tuple[Any, Any]]) -> tuple[Fraction, list[tuple[Any, Any]]]:
    """Split a multiple of pi/12 off an angle; other multiples stay a part like any other."""
    turns, rest = Fraction(0), []
    for part, coefficient in pairs:
        if head_of(part) == "pi" and (Fraction(coefficient) * 12).denominator == 1:
            turns = Fraction(coefficient)
        else:
            rest.append((part, coefficient))
    return turns, rest


def angles_in_units(
    angles: Sequence[Any], split_pi: bool, apart: Collection[str] = frozenset()
) -> Angles | None:
    """Return angles as whole multiples of common units, or None when there is a float or there are too many units.

    A call with a head in ``apart`` is a unit of its own wherever its multiples are whole.
    """
    parts: dict[Hashable, Any] = {}
    rows: list[tuple[Hashable, Fraction, dict[Hashable, Fraction]]] = []
    for angle in angles:
        constant, given = sum_view(angle)
        if type(constant) is float or any(type(c) is float for _, c in given):
            return None
        turns, pairs = _share_of_pi(given) if split_pi else (Fraction(0), list(given))
        if constant != 0:
            pairs.append((interface.make_number(angle, 1), constant))
        row = {}
        for part, coefficient in pairs:
            identity = interface.key(part)
            parts[identity] = part
            row[identity] = Fraction(coefficient)
        rows.append((interface.key(angle), turns, row))
    used = [row for _, _, row in rows if row]
    if not used:
        return Angles([], {identity: (turns, ()) for identity, turns, _ in rows})
    own = {k for k, part in parts.items() if head_of(part) in apart}
    shared = None if own else _one_direction(used)
    like = angles[0]
    if shared is not None:
        unit = sum_of(like, 0, [(parts[k], numbers.normal(q)) for k, q in shared.items()])
        lead = next(iter(shared))
        places: dict[Hashable, tuple[Fraction, Vector]] = {
            identity: (turns, (int(row.get(lead, 0) / shared[lead]),)) for identity, turns, row in rows
        }
        found = Angles([unit], places)
    else:
        if len(parts) > MOST_UNITS:
            return None
        steps = {k: _common_step([row[k] for row in used if k in row]) for k in parts}
        steps |= {k: Fraction(1) for k in own if steps[k].denominator == 1}
        units = [sum_of(like, 0, [(parts[k], numbers.normal(steps[k]))]) for k in parts]
        places = {
            identity: (turns, tuple([int(row.get(k, 0) / steps[k]) for k in parts]))
            for identity, turns, row in rows
        }
        found = Angles(units, places)
    most = sum(max(abs(v[i]) for _, v in found.places.values()) for i in range(len(found.units)))
    return found if most <= MOST_MULTIPLES else None


def _one_direction(rows: list[dict[Hashable, Fraction]]) -> dict[Hashable, Fraction] | None:
    """Return the largest angle of which all rows are whole multiples, or None when they are not multiples of one."""
    first = rows[0]
    lead = next(iter(first))
    shares = []
    for row in rows:
        if row.keys() != first.keys():
            return None
        share = row[lead] / first[lead]
        if any(row[k] != share * q for k, q in first.items()):
            return None
        shares.append(share)
    step = _common_step(shares)
    return {k: q * step for k, q in first.items()}


def _common_step(values: Sequence[Fraction]) -> Fraction:
    """Return the largest positive number of which all values are whole multiples."""
    below = math.lcm(*(v.denominator for v in values))
    return Fraction(math.gcd(*(int(v * below) for v in values)), below)


# --- unfolding ----------------------------------------------------------------------------------------------------------------


def _times(a: Integers, b: Integers) -> Integers:
    found: Integers = {}
    for u, p in a.items():
        for v, q in b.items():
            w = tuple([i + j for i, j in zip(u, v)])
            found[w] = found.get(w, 0) + p * q
    return found


def _plus(a: Integers, b: Integers, weight: int) -> Integers:
    found = dict(a)
    for v, q in b.items():
        found[v] = found.get(v, 0) + weight * q
    return {v: q for v, q in found.items() if q}


@lru_cache(maxsize=1024)
def unfolded(multiples: Vector, square: int) -> tuple[Integers, Integers]:
    """Return cosine and sine of a sum of multiples as polynomials in C1, S1, C2, S2, ...; ``square`` is j^2."""
    width = 2 * len(multiples)
    real: Integers = {(0,) * width: 1}
    other: Integers = {}
    for i, m in enumerate(multiples):
        cosine = {tuple([int(k == 2 * i) for k in range(width)]): 1}
        sine = {tuple([int(k == 2 * i + 1) for k in range(width)]): 1 if m > 0 else -1}
        for _ in range(abs(m)):
            real, other = (
                _plus(_times(real, cosine), _times(other, sine), square),
                _plus(_times(real, sine), _times(other, cosine), 1),
            )
    return real, other


@lru_cache(maxsize=1024)
def half_unfolded(multiples: Vector) -> tuple[Integers, Integers]:
    """Return cosine and sine of a sum of multiples as polynomials in T1, T2, ... over the product of (1 + T^2)^abs(m), T = tan(u/2)."""
    width = len(multiples)
    real: Integers = {(0,) * width: 1}
    other: Integers = {}
    for i, m in enumerate(multiples):
        one = (0,) * width
        double = tuple([2 * int(k == i) for k in range(width)])
        single = tuple([int(k == i) for k in range(width)])
        cosine, sine = {one: 1, double: -1}, {single: 2 if m > 0 else -2}
        for _ in range(abs(m)):
            real, other = (
                _plus(_times(real, cosine), _times(other, sine), -1),
                _plus(_times(real, sine), _times(other, cosine), 1),
            )
    return real, other


def as_term(like: Any, polynomial: Integers, generators: Sequence[Any]) -> Any:
    """Return a polynomial as a term in the generators."""
    constant: int = 0
    pairs = []
    for vector, coefficient in sorted(polynomial.items(), reverse=True):
        factors = [(g, e) for g, e in zip(generators, vector) if e]
        if factors:
            pairs.append((product_of(like, 1, factors), coefficient))
        else:
            constant = coefficient
    return sum_of(like, constant, pairs)
