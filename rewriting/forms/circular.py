"""Forms of rational functions of sines, cosines and tangents.

With T = tan(u/2) of the units u, all of them are rational functions of T, in which FLINT cancels and factors.  A factor p(T) of degree d
times cos(u/2)^d is a polynomial in sin(u/2) and cos(u/2), and is written as a sum of sines and cosines of multiples (Fourier sum), which is
unique.  So equal terms meet, whatever mixture of angles they were written in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.polynomial import expand
from symnum.algebra.rational import cancel, factor_list
from symnum.rewriting.forms.angles import Angles, Vector, angles_in_units, as_term, half_unfolded, unfolded
from symnum.rewriting.forms.inverses import INVERSES
from symnum.rewriting.forms.region import degree_bound, replaced
from symnum.rewriting.forms.signs import sign_forms
from symnum.rewriting.theories.special_values import surd_of_sine
from symnum.rewriting.views import call_of, item_keys, product_of, product_view, sum_of, sum_view

HEADS = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])
ROLES = {"cosine": "cos", "sine": "sin", **{head: head for head in HEADS}}
"""What each function is made of; the hyperbolic functions have the same roles."""

MOST_DEGREE = 24

Group = dict[frozenset[Any], tuple[list[tuple[Any, Any]], dict[Vector, Any]]]
"""{key of other factors: (other factors, {exponents of the generators: coefficient})}."""


def circular_forms(term: Any, calls: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, form) for a term whose region has the circular ``calls`` among its atoms."""
    angles = angles_in_units([interface.args(c)[0] for c in calls], split_pi=True)
    if angles is None:
        return
    halves = [
        angles.angle(term, [Fraction(int(i == k), 2) for k in range(len(angles.units))])
        for i in range(len(angles.units))
    ]
    if (
        degree_bound(term, {k: sum([abs(m) for m in v[1]]) for k, v in angles.places.items()})
        > 2 * MOST_DEGREE
    ):
        return
    tangents = [call_of(term, "tan", (h,)) for h in halves]
    inside = replaced(term, _in_tangents(term, calls, angles, tangents))
    coefficient, factors = factor_list(inside)
    if coefficient == 0:
        yield "circular zero", interface.make_number(term, 0)
        return
    coefficient, factors = _mirrored(term, coefficient, factors, tangents)
    yield "circular factors", _factored(term, coefficient, factors, angles, halves, tangents)
    whole = _fourier(term, coefficient, factors, angles, tangents)
    if whole is not None:
        yield "Fourier sum", whole


def _in_tangents(like: Any, calls: Sequence[Any], angles: Angles, tangents: Sequence[Any]) -> dict[Any, Any]:
    """Return {key of a call: its rational function of the tangents of half units}."""
    found = {}
    for call in calls:
        turns, multiples = angles.places[interface.key(interface.args(call)[0])]
        real, other = (as_term(like, p, tangents) for p in half_unfolded(multiples))
        cosine, sine = _turned(like, real, other, turns)
        squares = [
            (sum_of(like, 1, [(product_of(like, 1, [(t, 2)]), 1)]), abs(m))
            for t, m in zip(tangents, multiples)
            if m
        ]
        found[interface.key(call)] = _ratio(like, interface.head(call), cosine, sine, squares)
    return found


def _turned(like: Any, cosine: Any, sine: Any, turns: Fraction) -> tuple[Any, Any]:
    """Return cosine and sine of an angle with turns*pi added."""
    if turns == 0:
        return cosine, sine
    c, s = surd_of_sine(like, turns + Fraction(1, 2)), surd_of_sine(like, turns)
    return (
        sum_of(like, 0, [(product_of(like, 1, [(c, 1), (cosine, 1)]), 1), (product_of(like, 1, [(s, 1), (sine, 1)]), -1)]),
        sum_of(like, 0, [(product_of(like, 1, [(s, 1), (cosine, 1)]), 1), (product_of(like, 1, [(c, 1), (sine, 1)]), 1)]),
    )  # fmt: skip


def _ratio(like: Any, head: str, cosine: Any, sine: Any, norm: list[tuple[Any, int]]) -> Any:
    """Return a function from cosine and sine, both over the product ``norm``."""
    below = [(base, -e) for base, e in norm]
    parts = {
        "sin": [(sine, 1), *below],
        "cos": [(cosine, 1), *below],
        "tan": [(sine, 1), (cosine, -1)],
        "cot": [(cosine, 1), (sine, -1)],
        "sec": [(cosine, -1), *norm],
        "csc": [(sine, -1), *norm],
    }
    return product_of(like, 1, parts[head])


# --- back to sines and cosines ----------------------------------------------------------------------------------------------


def grouped(base: Any, places: Mapping[Any, int]) -> Group:
    """Read a polynomial as monomials in generators (by key), grouped by their other factors."""
    constant, pairs = sum_view(base)
    width = len(places)
    found: Group = {}
    for part, weight in [*pairs, *([(None, constant)] if constant != 0 else [])]:
        coefficient, items = (1, []) if part is None else product_view(part)
        exponents = [0] * width
        others = []
        for b, e in items:
            place = places.get(interface.key(b))
            if place is None or type(e) is not int:
                others.append((b, e))
            else:
                exponents[place] += e
        identity = item_keys(others)
        _, monomials = found.setdefault(identity, (others, {}))
        vector = tuple(exponents)
        monomials[vector] = monomials.get(vector, 0) + numbers.times(weight, coefficient)
    return found


def _mirrored(
    like: Any, coefficient: Any, factors: Sequence[tuple[Any, int]], tangents: Sequence[Any]
) -> tuple[Any, list[tuple[Any, int]]]:
    """Multiply factors p(T) and p(-T) out: (1 - T)*(1 + T) belongs to cos(u)."""
    places = {interface.key(t): i for i, t in enumerate(tangents)}
    left = list(factors)
    found: list[tuple[Any, int]] = []
    while left:
        base, exponent = left.pop(0)
        groups = grouped(base, places)
        odd = {sum(v) % 2 for _, monomials in groups.values() for v in monomials}
        partner = None
        if len(odd) == 2:
            turned = {k: {v: -c if sum(v) % 2 else c for v, c in m.items()} for k, (_, m) in groups.items()}
            for place, (other, power) in enumerate(left):
                if power != exponent:
                    continue
                given = {k: m for k, (_, m) in grouped(other, places).items()}
                opposite = {k: {v: -c for v, c in m.items()} for k, m in given.items()}
                if turned in (given, opposite):
                    partner = place
                    break
        if partner is not None:
            other, _ = left.pop(partner)
            base = expand(product_of(like, 1, [(base, 1), (other, 1)]), deep=False)
        found.append((base, exponent))
    return coefficient, found


def _degrees(groups: Group, width: int) -> list[int]:
    return [max(v[i] for _, monomials in groups.values() for v in monomials) for i in range(width)]


def _factored(
    like: Any,
    coefficient: Any,
    factors: Sequence[tuple[Any, int]],
    angles: Angles,
    halves: Sequence[Any],
    tangents: Sequence[Any],
) -> Any:
    """Write each factor as a Fourier sum, and what is left over as powers of the cosines of the half units."""
    places = {interface.key(t): i for i, t in enumerate(tangents)}
    left = [0] * len(tangents)
    found = []
    for base, exponent in factors:
        groups = grouped(base, places)
        degrees = _degrees(groups, len(tangents))
        if sum(degrees) == 0:
            found.append((base, exponent))
            continue
        for i, d in enumerate(degrees):
            left[i] -= d * exponent
        found.append((_written(like, groups, degrees, angles), exponent))
    found += [(call_of(like, "cos", (h,)), e) for h, e in zip(halves, left) if e]
    return product_of(like, coefficient, found)


def _fourier(
    like: Any,
    coefficient: Any,
    factors: Sequence[tuple[Any, int]],
    angles: Angles,
    tangents: Sequence[Any],
) -> Any | None:
    """Write numerator and denominator as one Fourier sum each, or return None when that is what the factors are."""
    places = {interface.key(t): i for i, t in enumerate(tangents)}
    width = len(tangents)
    norms = [0] * width
    above: list[tuple[Any, int]] = []
    below: list[tuple[Any, int]] = []
    for base, exponent in factors:
        groups = grouped(base, places)
        one = next((i for i in range(width) if _is_norm(groups, i)), None)
        if one is not None:
            norms[one] -= exponent
        elif any(sum(v) for _, monomials in groups.values() for v in monomials):
            (above if exponent > 0 else below).append((base, abs(exponent)))
        else:
            (above if exponent > 0 else below).insert(0, (base, abs(exponent)))
    if len(above) + len(below) + sum(e > 1 for _, e in above + below) < 2 and not any(norms):
        return None
    top = grouped(expand(product_of(like, coefficient, above), deep=False), places)
    bottom = grouped(expand(product_of(like, 1, below), deep=False), places)
    degrees = [_degrees(top, width), _degrees(bottom, width)]
    for i in range(width):
        # cos(u/2)^2 is 1/(1 + T^2): of these the numerator takes as many as it has
        spare = 2 * norms[i] - degrees[0][i] + degrees[1][i]
        side = 0 if spare > 0 else 1
        degrees[side][i] += abs(spare)
    if max(max(d, default=0) for d in degrees) > MOST_DEGREE:
        return None
    return product_of(
        like,
        1,
        [(_written(like, top, degrees[0], angles), 1), (_written(like, bottom, degrees[1], angles), -1)],
    )


def _is_norm(groups: Group, i: int) -> bool:
    """Tell whether a polynomial is 1 + T^2 of the i-th unit."""
    if groups.keys() != {frozenset()}:
        return False
    monomials = groups[frozenset()][1]
    return (
        len(monomials) == 2
        and set(monomials.values()) == {1}
        and {tuple([v[i], sum(v)]) for v in monomials} == {(0, 0), (2, 2)}
    )


def _written(like: Any, groups: Group, degrees: Sequence[int], angles: Angles) -> Any:
    """Return a polynomial in tangents of half units, times the cosines to its degrees, as a sum of sines and cosines of multiples."""
    parts = []
    whole = 2 ** sum(degrees)
    for others, monomials in groups.values():
        waves: list[dict[Vector, Any]] = [{}, {}]
        for exponents, coefficient in monomials.items():
            odd = sum(exponents) % 2
            weight = -coefficient if sum(exponents) // 2 % 2 else coefficient
            for vector, share in _laurent_product(exponents, tuple(degrees)):
                waves[odd][vector] = waves[odd].get(vector, 0) + share * weight
        constant: Any = 0
        pairs = []
        for odd, head in enumerate(("cos", "sin")):
            for vector, share in waves[odd].items():
                lead = next((v for v in vector if v), 0)
                if share == 0 or lead < 0:
                    continue
                share = Fraction(1, whole) * share
                if lead == 0:
                    constant += 0 if odd else share
                    continue
                angle = angles.angle(like, [Fraction(v, 2) for v in vector])
                pairs.append((call_of(like, head, (angle,)), numbers.normal(2 * share)))
        total = sum_of(like, numbers.normal(constant), pairs)
        parts.append((product_of(like, 1, [*others, (total, 1)]), 1))
    return sum_of(like, 0, parts)


@lru_cache(maxsize=512)
def _laurent(sines: int, cosines: int) -> tuple[tuple[int, int], ...]:
    """Return (z - 1/z)^sines * (z + 1/z)^cosines as pairs (exponent, coefficient)."""
    found = {0: 1}
    for sign in [-1] * sines + [1] * cosines:
        new: dict[int, int] = {}
        for e, c in found.items():
            new[e + 1] = new.get(e + 1, 0) + c
            new[e - 1] = new.get(e - 1, 0) + sign * c
        found = new
    return tuple((e, c) for e, c in found.items() if c)


@lru_cache(maxsize=512)
def _laurent_product(exponents: Vector, degrees: Vector) -> tuple[tuple[Vector, int], ...]:
    """Return the product over the units of (2*sin)^exponent * (2*cos)^(degree - exponent), in powers of e^(i*u/2)."""
    found: list[tuple[Vector, int]] = [((), 1)]
    for sines, degree in zip(exponents, degrees):
        found = [((*v, e), c * share) for v, c in found for e, share in _laurent(sines, degree - sines)]
    return tuple(found)


# --- sines and cosines of the units themselves ------------------------------------------------------------------------------


def unfolded_forms(
    term: Any, calls: Sequence[Any], heads: Mapping[str, str], square: int, known: Any
) -> Iterator[tuple[str, Any]]:
    """Yield forms with functions of sums of angles in terms of those of the units; ``known(unit)`` may give their algebraic values."""
    angles = angles_in_units([interface.args(c)[0] for c in calls], split_pi=square < 0, apart=INVERSES)
    if angles is None or not angles.units:
        return
    generators: list[Any] = []
    algebraic = False
    for unit in angles.units:
        values = known(unit)
        algebraic = algebraic or values is not None
        generators += values or (
            call_of(term, heads["cosine"], (unit,)),
            call_of(term, heads["sine"], (unit,)),
        )
    if not algebraic and all(sum(map(abs, v)) < 2 for _, v in angles.places.values()):
        return
    new = {}
    for call in calls:
        turns, multiples = angles.places[interface.key(interface.args(call)[0])]
        cosine, sine = (as_term(term, p, generators) for p in unfolded(multiples, square))
        if square < 0:
            cosine, sine = _turned(term, cosine, sine, turns)
        role = heads[interface.head(call)]
        if role == "exp":
            new[interface.key(call)] = sum_of(term, 0, [(cosine, 1), (sine, 1)])
        else:
            new[interface.key(call)] = _ratio(term, role, cosine, sine, [])
    inside = replaced(term, new)
    yield "unfolded angles", inside
    yield "unfolded and expanded angles", expand(inside, deep=False)
    if algebraic:
        cancelled = cancel(inside)
        for form in (cancelled, *[turned for _, turned in sign_forms(cancelled)]):
            yield "unfolded angles, cancelled", form
