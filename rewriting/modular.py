"""Identity of terms by their residues: two terms are equal if they agree at random points modulo large primes.

Sums, products and whole powers of exact numbers are computed modulo a prime (Schwartz 1980, Zippel 1979); a float counts as
the fraction that it is.  Any other call gets a value that is a hash of its head and of the residues of its arguments, so that
exp(a*b + a*c) and exp(a*(b + c)) agree (random interpretation: Gulwani and Necula 2003).  Equal residues prove equality up to an
error whose probability is bounded; unequal ones prove nothing where calls other than + - * / ^ take part.  The primes are random
too, since a constant in a term may be a multiple of any prime that is known beforehand.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from operator import mul
from typing import Any

from symnum import term as interface
from symnum.algebra.ring import NUMBER, PRODUCT, SUM, view
from symnum.operators import OPERATORS

SIZES = (90, 90, 120, 120)
"""Bits of the primes, one for each random point; Python's integers have digits of 30 bits."""

CERTAIN = 60
"""Points are added until the probability of an error is below 2^-CERTAIN."""

_MOST_PARTIAL = 10_000
"""Distinct partial operations that are told apart; beyond these the domains count as unknown."""

_MOST_DEGREE = 1 << 80
_UNFIT = 1  # the bit of terms that have no residue: an infinity, a nan, or a denominator that is 0
_PRODUCT, _SUM, _CALL, _ROOT, _LEAF, _VALUE = range(6)

_TURNED = {">": "<", ">=": "<="}

Op = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Residues:
    """What residues tell about pairs of terms.

    ``equal[i]`` says that pair i agrees at all points; ``same_domain[i]`` that the right side is then defined wherever the left
    is.  ``different[i]`` says that both are rational functions of symbols, and not the same one: that is certain.  The probability
    that an agreement is by chance is below 2^-``bits``; with 0 bits no pair counts as equal.
    """

    equal: list[bool]
    same_domain: list[bool]
    different: list[bool]
    points: int
    bits: int


def compare_residues(before: Sequence[Any], after: Sequence[Any], seed: int = 0) -> Residues:
    """Compare terms pair by pair at random points modulo primes, all in one pass over their shared nodes.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> found = compare_residues([x**2 - y**2, sn.exp(x*y + x)], [(x - y)*(x + y), sn.exp(x*(y + 1))])
    >>> found.equal, found.bits > 60
    ([True, True], True)
    """
    count = len(before)
    program = _Program([*before, *after])
    roots = program.roots
    equal = [True] * count
    masks: list[int] = []
    without: set[int] = set()  # the slots that have no residue
    points, bits = 0, 0
    for number, size in enumerate(SIZES):
        prime = _prime(size, number, seed)
        values, unfit = program.run(prime, seed)
        if points and not unfit <= without:
            continue  # this prime divides a denominator by chance
        equal = [same and values[roots[i]] == values[roots[i + count]] for i, same in enumerate(equal)]
        points, bits = points + 1, bits + program.error_bits(prime)
        if points == 1:
            without, masks = unfit, program.domains(values, unfit, prime)
        if points > 1 and (bits >= CERTAIN or not any(equal)):
            break
    if bits < CERTAIN:
        bits = 0
    lefts, rights = [masks[r] for r in roots[:count]], [masks[r] for r in roots[count:]]
    return Residues(
        [same and bits > 0 and not (a | b) & _UNFIT for same, a, b in zip(equal, lefts, rights)],
        [not b & ~a and not (a | b) & _UNFIT for a, b in zip(lefts, rights)],
        [
            not same and program.is_rational(i) and program.is_rational(i + count) and not (a | b) & _UNFIT
            for i, (same, a, b) in enumerate(zip(equal, lefts, rights))
        ],
        points,
        bits,
    )


class _Program:
    """The nodes of some terms as a flat list of operations on slots, arguments first."""

    def __init__(self, terms: Sequence[Any]) -> None:
        self.ops: list[Op] = []
        self.degrees: list[tuple[int, int]] = []  # bounds for the degrees of numerator and denominator
        self.calls = 0
        self.partial = False
        self.constants = 0  # bits of all constants and counts of addends
        self.exact: list[bool] = []  # whether a slot is made of symbols and exact arithmetic alone
        self._slots: dict[Hashable, int] = {}
        self.roots = [self._add(term) for term in terms]

    # --- building ---

    def _add(self, root: Any) -> int:
        slots = self._slots
        faces: dict[type, Callable[[Any], Hashable]] = {}
        stack: list[tuple[Any, Any, Any]] = [(root, None, None)]
        while stack:
            node, seen, parts = stack.pop()
            cls = type(node)
            key = faces.get(cls) or faces.setdefault(cls, interface.interface(node).key)
            identity = key(node)
            if identity in slots:
                continue
            if seen is None:
                seen = view(node)
                parts = _parts(node, seen)
                missing = [p for p in parts if interface.key(p) not in slots]
                if missing:
                    stack.append((node, seen, parts))
                    stack.extend([(p, None, None) for p in missing])
                    continue
            slots[identity] = self._compiled(node, seen, parts)
        return slots[interface.key(root)]

    def _compiled(self, node: Any, seen: Any, parts: Sequence[Any]) -> int:
        kind, constant, pairs = seen
        slots = self._slots
        if kind == SUM:
            return self._sum(constant, [slots[interface.key(p)] for p in parts], [c for _, c in pairs])
        if kind == PRODUCT:
            return self._product(constant, pairs)
        if kind == NUMBER:
            self.constants += _length(constant)
            return self._emit((_VALUE, constant), (1, 0), type(constant) is not float)
        if not interface.is_call(node):
            return self._emit((_LEAF, _name_of(node)), (1, 0), True)
        self.calls += 1
        head = interface.head(node)
        row = OPERATORS.get(head)
        self.partial |= row is None or row.domain != "true" or head == "ifelse"
        found = [slots[interface.key(p)] for p in parts]
        if head in _TURNED:
            head, found = _TURNED[head], found[::-1]
        commutes = row is not None and row.commutative
        return self._emit((_CALL, head, found, commutes), (1, 0), False)

    def _sum(self, constant: Any, slots: list[int], weights: list[Any]) -> int:
        plain = all(type(w) is int for w in weights)
        ones = plain and all(w == 1 for w in weights)
        self.constants += _length(constant) + len(weights).bit_length()
        self.constants += 0 if ones else sum(map(_length, weights))
        bounds = [self.degrees[s] for s in slots]
        below = sum(d for _, d in bounds)
        above = max((n - d for n, d in bounds), default=0) + below
        exact = type(constant) is not float and not any(type(w) is float for w in weights)
        return self._emit(
            (_SUM, constant, slots, None if ones else weights, plain),
            (max(above, below), below),
            exact and all(self.exact[s] for s in slots),
        )

    def _product(self, coefficient: Any, pairs: Iterable[tuple[Any, Any]]) -> int:
        slots = self._slots
        plain: list[int] = []
        powers: list[tuple[int, int]] = []
        above = below = 0
        exact = type(coefficient) is not float
        self.constants += 0 if coefficient == 1 else _length(coefficient)
        degrees, key = self.degrees, interface.key
        for base, exponent in pairs:
            slot = slots[key(base)]
            if type(exponent) is int:
                e = exponent
            else:
                whole = _as_fraction(exponent)
                if whole is None or whole.denominator != 1:
                    slot, whole = self._root(base, exponent, whole)
                e = whole.numerator
            exact = exact and self.exact[slot]
            n, d = degrees[slot]
            if e == 1:
                plain.append(slot)
                above, below = above + n, below + d
            else:
                n, d = (n, d) if e > 0 else (d, n)
                above, below = above + abs(e) * n, below + abs(e) * d
                self.partial |= e < 0
                powers.append((slot, e))
        return self._emit((_PRODUCT, coefficient, plain, powers), (above, below), exact)

    def _root(self, base: Any, exponent: Any, value: Fraction | None) -> tuple[int, Fraction]:
        """Return the slot of base^(1/q), or of base^term, and the whole power of it that is wanted."""
        self.partial = True
        self.calls += 1
        slot = self._slots[interface.key(base)]
        if value is not None:
            identity: Hashable = (_ROOT, slot, value.denominator)
            op: Op = (_ROOT, slot, value.denominator)
        elif interface.is_term(exponent) and not isinstance(exponent, float):
            other = self._slots[interface.key(exponent)]
            identity = (_ROOT, slot, "^", other)
            op = (_CALL, "^", [slot, other], False)
        else:
            identity = (_ROOT, slot, repr(exponent))
            op = (_VALUE, exponent)
        if identity not in self._slots:
            self._slots[identity] = self._emit(op, (1, 0), False)
        return self._slots[identity], Fraction(1 if value is None else value.numerator)

    def _emit(self, op: Op, degree: tuple[int, int], exact: bool) -> int:
        self.ops.append(op)
        if degree[0] > _MOST_DEGREE or degree[1] > _MOST_DEGREE:
            degree = min(degree[0], _MOST_DEGREE), min(degree[1], _MOST_DEGREE)
        self.degrees.append(degree)
        self.exact.append(exact)
        return len(self.ops) - 1

    def is_rational(self, index: int) -> bool:
        """Tell whether a root is a rational function of symbols with exact coefficients."""
        return self.exact[self.roots[index]]

    def error_bits(self, prime: int) -> int:
        """Return b such that an agreement modulo ``prime`` is by chance with probability below 2^-b.

        The point may be a zero of the difference of two terms, and the prime may divide all of its coefficients, whose bits are at
        most three times its degree times the bits of the constants.
        """
        degree = 1 + max((n + d for n, d in self.degrees), default=0)
        if degree > _MOST_DEGREE:
            return 0  # the bound is not known
        # any two calls may get one value by chance, and any two arguments may
        chances = 2 * degree * (1 + 3 * self.constants) * (1 + self.calls**2)
        return max(0, prime.bit_length() - 2 - chances.bit_length())

    # --- running ---

    def run(self, prime: int, seed: int) -> tuple[list[int], set[int]]:
        """Return the residue of each slot, and the slots that have none of their own."""
        values: list[int] = []
        unfit: set[int] = set()
        get, put = values.__getitem__, values.append
        for op in self.ops:
            kind = op[0]
            try:
                if kind == _PRODUCT:
                    found = op[1]
                    if type(found) is not int:
                        found = _residue(found, prime)
                    for slot in op[2]:
                        found = found * values[slot] % prime
                    for slot, e in op[3]:
                        found = found * pow(values[slot], e, prime) % prime
                    put(found % prime)
                elif kind == _SUM:
                    found, weights = op[1], op[3]
                    if type(found) is not int:
                        found = _residue(found, prime)
                    if weights is None:
                        put((found + sum(map(get, op[2]))) % prime)
                    else:
                        if not op[4]:
                            weights = [w if type(w) is int else _residue(w, prime) for w in weights]
                        put((found + sum(map(mul, weights, map(get, op[2])))) % prime)
                elif kind == _CALL:
                    given = [values[slot] for slot in op[2]]
                    put(_hash((op[1], sorted(given) if op[3] else given), prime, seed))
                elif kind == _ROOT:
                    put(_hash(("root", values[op[1]], op[2]), prime, seed))
                elif kind == _LEAF:
                    put(_hash(op[1], prime, seed))
                else:
                    put(_residue(op[1], prime))
            except ValueError:  # no inverse: a denominator is 0 here, or a number is not finite
                unfit.add(len(values))
                put(_hash(("unfit", len(values)), prime, seed))
        return values, unfit

    def domains(self, values: list[int], unfit: set[int], prime: int) -> list[int]:
        """Return for each slot the set of partial operations in it, as the bits of an int.

        An operation is known by its residues, so that equal denominators are one bit on both sides.
        """
        if not self.partial and not unfit:
            return [0] * len(values)
        bits: dict[Hashable, int] = {}
        masks: list[int] = []

        def bit(*identity: Hashable) -> int:
            place = bits.setdefault(identity, len(bits) + 1)
            return 1 << place if place <= _MOST_PARTIAL else _UNFIT

        for slot, op in enumerate(self.ops):
            mask = _UNFIT if slot in unfit else 0
            kind = op[0]
            if kind == _SUM:
                for part in op[2]:
                    mask |= masks[part]
            elif kind == _PRODUCT:
                for part in op[2]:
                    mask |= masks[part]
                for part, e in op[3]:
                    mask |= masks[part]
                    if e < 0:  # a - b and b - a are zero together
                        mask |= bit("pole", min(values[part], prime - values[part]))
            elif kind == _ROOT:
                mask |= masks[op[1]] | bit("root", values[op[1]])
            elif kind == _CALL and op[1] == "ifelse":
                condition, *branches = op[2]
                inner = [masks[b] for b in branches]
                mask |= masks[condition] | (bit("ifelse", values[slot], *inner) if any(inner) else 0)
                mask |= (inner[0] | inner[1]) & _UNFIT
            elif kind == _CALL:
                for part in op[2]:
                    mask |= masks[part]
                row = OPERATORS.get(op[1])
                if row is None or row.domain != "true":
                    mask |= bit("call", values[slot])
            masks.append(mask)
        return masks


def _parts(node: Any, seen: Any) -> Sequence[Any]:
    """Return the terms that a node is computed from."""
    kind, _, pairs = seen
    if kind == SUM:
        return [part for part, _ in pairs]
    if kind == PRODUCT:
        parts = [base for base, _ in pairs]
        return parts + [
            e for _, e in pairs if type(e) is not int and not isinstance(e, int | float | Fraction)
        ]
    return interface.args(node) if interface.is_call(node) else ()


def _as_fraction(exponent: Any) -> Fraction | None:
    """Return a finite exact exponent, or None for a term."""
    cls = type(exponent)
    if cls is int or cls is Fraction or (cls is float and math.isfinite(exponent)):
        return Fraction(exponent)
    return None


def _name_of(leaf: Any) -> Hashable:
    """Return what tells a symbol or a truth value from others, whatever its backend is."""
    if interface.is_symbol(leaf):
        return identity_of(leaf)
    return ("value", repr(interface.value(leaf)))


def identity_of(symbol: Any) -> tuple[str, str, tuple[str, ...]]:
    """Return name, sort and assumptions of a symbol: symbols of two backends that agree in these are one variable."""
    return (
        interface.name(symbol),
        interface.sort_of(symbol),
        tuple(sorted(interface.assumptions(symbol))),
    )


def _length(value: Any) -> int:
    """Return the bits of a number, which for a float are those of the fraction that it is."""
    if type(value) is int:
        return value.bit_length()
    if type(value) is float:
        if not math.isfinite(value):
            return 1
        top, bottom = value.as_integer_ratio()
    else:
        top, bottom = value.numerator, value.denominator
    return int(top.bit_length() + bottom.bit_length())


@lru_cache(maxsize=64)
def _prime(size: int, number: int, seed: int) -> int:
    """Return a random prime of ``size`` bits."""
    import flint

    draws = (_hash(("prime", size, number, i), 1 << size, seed) for i in itertools.count())
    return next(n for n in (draw | 1 << (size - 1) | 1 for draw in draws) if flint.fmpz(n).is_prime())


def _residue(value: Any, prime: int) -> int:
    """Return a finite number modulo a prime; raises ValueError where it has no residue."""
    if type(value) is int:
        return value % prime
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} has no residue")
        top, bottom = value.as_integer_ratio()
    else:
        top, bottom = value.numerator, value.denominator
    return top % prime * pow(bottom, -1, prime) % prime


def _hash(content: Hashable, prime: int, seed: int) -> int:
    """Return a number below ``prime`` that depends on nothing but the content and the seed."""
    digest = blake2b(repr((content, seed)).encode(), digest_size=24).digest()
    return int.from_bytes(digest, "big") % prime
