"""A term seen as a polynomial: which sub-terms are its generators, and how each node is made of them.

A generator (slot) is base^(unit/denominator): ``x`` itself, ``sin(x)``, ``x^(1/2)``, ``x^y``, ``2^(1/2)`` or ``exp(x)``.  Exponents
that are rational multiples of one unit share a slot, so that x^(50*y) is (x^y)^50 and x is (x^(1/2))^2 where both occur; that is
how the term backends multiply powers too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.view import ATOM as ATOM
from symnum.algebra.view import NUMBER as NUMBER
from symnum.algebra.view import PRODUCT as PRODUCT
from symnum.algebra.view import SUM as SUM
from symnum.algebra.view import view as view
from symnum.exact import Value
from symnum.order import order_key

Factors = list[tuple[int, Value]]
"""Pairs (slot, rational multiple of its unit)."""

EXP = "exp"
"""The base of the slots that stand for exp(unit)."""


@dataclass(slots=True)
class Plan:
    """How a node is computed.

    A product is coefficient * slots * powers (node, whole exponent); a sum is coefficient + monomials + addends (node, coefficient).
    """

    is_sum: bool
    coefficient: Value
    factors: Factors = field(default_factory=list)
    monomials: list[tuple[Value, Factors]] = field(default_factory=list)
    others: list[tuple[Any, Value]] = field(default_factory=list)


class Ring:
    """The generators of some terms, and a plan for each of their nodes down to the generators.

    ``inner(node)`` gives what stands for a node below a generator (an argument's expansion), or None when it is not known yet;
    such nodes are collected in ``missing``.  ``opaque(node)`` names nodes that are generators whatever they are made of.
    ``fractions`` makes negative powers of sums divisions instead of generators.
    """

    def __init__(
        self,
        roots: Sequence[Any],
        *,
        inner: Callable[[Any], Any | None] = lambda node: node,
        opaque: Callable[[Any], bool] = lambda node: False,
        fractions: bool = False,
    ) -> None:
        self.like = next((r for r in roots if interface.backend_of(r) != "python"), roots[0])
        self.bases: list[Any] = []
        self.units: list[Any] = []
        self.denominators: list[int] = []
        self.relations: dict[int, Any] = {}
        self.missing: list[Any] = []
        self.exact = True
        self.integral = True
        self.changed = False
        self.plans: dict[Any, Plan] = {}
        self._slots: dict[Any, int] = {}
        self._inner, self._opaque, self._fractions = inner, opaque, fractions
        self._pending = list(roots)
        while self._pending:
            node = self._pending.pop()
            identity = interface.key(node)
            if identity not in self.plans:
                self.plans[identity] = self._plan(node)
        if any(interface.is_number(base) for base in self.relations.values()):
            self.integral = False  # whole powers that come out from under a root may be fractions
        self._sort_slots()

    # --- plans ---

    def _plan(self, node: Any) -> Plan:
        kind, constant, pairs = (ATOM, None, ()) if self._opaque(node) else view(node)
        if kind != SUM:
            plan = Plan(False, 1)
            self._multiply_in(plan, node, kind, constant, pairs)
            return plan
        plan = Plan(True, self._number(constant))
        for term, coefficient in pairs:
            self._number(coefficient)
            inner_kind, value, inner_pairs = (ATOM, None, ()) if self._opaque(term) else view(term)
            if inner_kind == SUM:
                self._part(plan, term, coefficient)
                continue
            product = Plan(False, 1)
            self._multiply_in(product, term, inner_kind, value, inner_pairs)
            if product.others:
                self.plans[interface.key(term)] = product
                plan.others.append((term, coefficient))
            else:
                plan.monomials.append((coefficient * product.coefficient, product.factors))
        return plan

    def _number(self, value: Value) -> Value:
        if type(value) is float:
            self.exact = False
        elif type(value) is Fraction:
            self.integral = False
        return value

    def _multiply_in(
        self, plan: Plan, node: Any, kind: int, value: Value, pairs: Sequence[tuple[Any, Any]]
    ) -> None:
        """Put coefficient * product of base^exponent into a plan; an atom is itself to the power 1."""
        if kind == NUMBER:
            plan.coefficient = self._number(value)
            return
        if kind == PRODUCT:
            plan.coefficient = self._number(value)
        todo = [(b, *self._exponent(e)) for b, e in pairs] if kind == PRODUCT else [(node, 1, [])]
        while todo:
            base, constant, parts = todo.pop()
            self._power(plan, base, constant, parts, todo)

    def _part(self, plan: Plan, node: Any, weight: Value) -> None:
        plan.others.append((node, weight))
        self._pending.append(node)

    def _power(
        self, plan: Plan, base: Any, constant: Value, parts: Sequence[tuple[Any, Value]], todo: list[Any]
    ) -> None:
        """Put base^(constant + sum of coefficient*unit) into a plan; what dissolves into more powers goes to ``todo``."""
        kind, value, pairs = (ATOM, None, ()) if self._opaque(base) else view(base)
        whole = type(constant) is int
        divides = whole and constant < 0 and not self._fractions
        flat = divides and not self.missing
        if kind == ATOM or (kind != NUMBER and (parts or not whole or divides)):
            known = self._resolve(base)
            if known is not base:
                base = known
                kind, value, pairs = view(base)
                flat = True
        if kind == ATOM and not parts and type(constant) is not float and self._is_exp(base):
            self._exponential(plan, base, constant)
            return
        if kind == NUMBER and value == 0 and parts:
            # 0^(n - 1) is not 0^n / 0
            make = interface.make
            addends = [
                u if m == 1 else make(self.like, "*", (interface.make_number(self.like, m), u))
                for u, m in parts
            ]
            if constant != 0:
                addends.append(interface.make_number(self.like, constant))
            exponent = addends[0] if len(addends) == 1 else make(self.like, "+", addends)
            plan.factors.append((self._slot(base, exponent, 1), 1))
            return
        for unit, multiple in parts:
            plan.factors.append((self._slot(base, unit, multiple), multiple))
        if constant == 0:
            return
        if type(constant) is float:
            plan.factors.append((self._slot(base, constant, 1), 1))
        elif kind == ATOM:
            plan.factors.append((self._slot(base, None, constant), constant))
        elif not whole:
            slot = self._slot(base, None, constant)
            if slot not in self.relations:
                self.relations[slot] = base
                self._pending.append(base)
            plan.factors.append((slot, constant))
        elif kind == NUMBER:
            self._scale(plan, value, constant)
        elif kind == PRODUCT and flat:
            # The base is expanded, so that this does not unfold what it shares.
            self._scale(plan, value, constant)
            split = [(b, *self._exponent(e)) for b, e in pairs]
            todo.extend((b, c * constant, [(u, m * constant) for u, m in p]) for b, c, p in split)
        elif not divides:
            self._part(plan, base, constant)
        else:
            plan.factors.append((self._slot(base, None, constant), constant))

    def _scale(self, plan: Plan, value: Value, exponent: int) -> None:
        folded = numbers.power(value, exponent)
        if folded is None:  # 0 to a negative power, or a number too large to be written out, stays a power
            number = interface.make_number(self.like, value)
            plan.factors.append((self._slot(number, None, exponent), exponent))
        else:
            plan.coefficient = self._number(plan.coefficient * folded)
            self.changed = True

    def _exponent(self, exponent: Any) -> tuple[Value, list[tuple[Any, Value]]]:
        return _split(self._resolve(exponent) if interface.is_call(exponent) else exponent)

    def _resolve(self, node: Any) -> Any:
        face = interface.interface(node)
        if not face.is_call(node) or self._opaque(node):
            return node
        known = self._inner(node)
        if known is None:
            self.missing.append(node)
            return node
        if known is not node:
            self.changed = True
        return known

    # --- slots ---

    def _is_exp(self, base: Any) -> bool:
        return interface.is_call(base) and interface.head(base) == EXP and not self._opaque(base)

    def _exponential(self, plan: Plan, base: Any, power: Value) -> None:
        """Split exp(c + q*t + ...)^power into exp(1)^(c*power) * exp(t)^(q*power) * ..."""
        constant, parts = _split(interface.args(base)[0])
        for unit, multiple in [*parts, *([(None, constant)] if constant else [])]:
            plan.factors.append((self._slot(EXP, unit, multiple * power), multiple * power))

    def _slot(self, base: Any, unit: Any, multiple: Value) -> int:
        identity = (
            base if base is EXP else interface.key(base),
            None if unit is None else interface.key(unit),
        )
        slot = self._slots.setdefault(identity, len(self.bases))
        if slot == len(self.bases):
            self.bases.append(base)
            self.units.append(unit)
            self.denominators.append(1)
        if type(multiple) is Fraction:
            self.denominators[slot] = math.lcm(self.denominators[slot], multiple.denominator)
        return slot

    def _sort_slots(self) -> None:
        """Number the slots by the order of their terms, so that results do not depend on how a term was built."""
        keys = [
            (_order(base), () if unit is None else (1, order_key(unit)))
            for base, unit in zip(self.bases, self.units)
        ]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        place = {old: new for new, old in enumerate(order)}
        self.bases, self.units, self.denominators = (
            [column[i] for i in order] for column in (self.bases, self.units, self.denominators)
        )
        self.relations = {place[slot]: base for slot, base in self.relations.items()}
        self._slots = {identity: place[slot] for identity, slot in self._slots.items()}
        for plan in self.plans.values():
            plan.factors = [(place[s], q) for s, q in plan.factors]
            plan.monomials = [(c, [(place[s], q) for s, q in f]) for c, f in plan.monomials]

    def is_expanded(self, plan: Plan) -> bool:
        """Tell whether a canonical node is its own expansion."""
        products = [factors for _, factors in plan.monomials] if plan.is_sum else [plan.factors]
        # an exp of a sum looks like two exps from here
        splits = any(isinstance(base, str) for base in self.bases)
        return (
            not plan.others
            and not splits
            and not any(slot in self.relations and abs(q) >= 1 for f in products for slot, q in f)
        )

    def slot_of(self, term: Any) -> int | None:
        """Return the slot whose first power is ``term``, or None."""
        kind, coefficient, pairs = view(term)
        base, unit = term, None
        if kind == PRODUCT and coefficient == 1 and len(pairs) == 1:
            base, exponent = pairs[0]
            constant, parts = _split(exponent)
            if constant == 0 and len(parts) == 1 and parts[0][1] == 1:
                unit = parts[0][0]
        return self._slots.get((interface.key(base), None if unit is None else interface.key(unit)))

    def exponents(self, factors: Iterable[tuple[int, Value]]) -> dict[int, int]:
        """Return {slot: whole exponent} of a product of slots."""
        found: dict[int, int] = {}
        for slot, multiple in factors:
            found[slot] = found.get(slot, 0) + int(multiple * self.denominators[slot])
        return found

    # --- back to terms ---

    def power(self, slot: int, exponent: int) -> Any | None:
        """Return the term of a slot to a whole exponent, or None for the exponent 0."""
        if exponent == 0:
            return None
        make = interface.interface(self.like).make
        base, unit = self.bases[slot], self.units[slot]
        share = numbers.normal(Fraction(exponent, self.denominators[slot]))
        total = (
            share
            if unit is None
            else unit
            if share == 1
            else share * unit
            if type(unit) is float
            else make("*", (share, unit))
        )
        if base is EXP:
            return make(EXP, (total,))
        return base if unit is None and share == 1 else make("^", (base, total))

    def product(self, coefficient: Value, factors: Sequence[Any]) -> Any:
        """Return coefficient * factors in the ring's backend."""
        given = [f for f in factors if f is not None]
        if coefficient != 1 or type(coefficient) is not int or not given:
            given.insert(0, interface.make_number(self.like, coefficient))
        return given[0] if len(given) == 1 else interface.make(self.like, "*", given)

    def total(self, terms: Sequence[Any]) -> Any:
        """Return the sum of terms in the ring's backend."""
        if not terms:
            return interface.make_number(self.like, 0)
        return terms[0] if len(terms) == 1 else interface.make(self.like, "+", terms)


def _split(exponent: Any) -> tuple[Value, list[tuple[Any, Value]]]:
    """Return an exponent as (constant, pairs (unit, rational multiple)); a float multiple belongs to its unit."""
    if isinstance(exponent, int | float | Fraction):
        return exponent, []
    if interface.is_number(exponent):
        return interface.value(exponent), []
    kind, constant, pairs = view(exponent)
    if kind != SUM:
        if interface.interface(exponent).addends is None and kind == PRODUCT:
            return 0, [_unscaled(exponent, pairs, constant)]
        constant, given = interface.addends(exponent)
        pairs = list(given)
    if type(constant) is float:
        return 0, [(exponent, 1)]
    return constant, [
        (t, c) if type(c) is not float else (interface.make(t, "*", (c, t)), 1) for t, c in pairs
    ]


def _unscaled(product: Any, pairs: Sequence[tuple[Any, Any]], coefficient: Value) -> tuple[Any, Value]:
    """Return a plain product 3*y as (y, 3), for backends whose products keep their number among the arguments."""
    if type(coefficient) is float or coefficient in (0, 1) or len(pairs) != 1 or pairs[0][1] != 1:
        return product, 1
    return pairs[0][0], coefficient


def _order(base: Any) -> tuple[Any, ...]:
    if base is EXP:
        return (1,)
    return (2 if interface.is_number(base) else 0, order_key(base))


def walk(ring: Ring, root: Any) -> Iterator[tuple[Any, Plan]]:
    """Yield the nodes that ``root`` is computed from with their plans, each once and after what it needs."""
    done: set[Any] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        identity = interface.key(node)
        if identity in done:
            stack.pop()
            continue
        plan = ring.plans[identity]
        needed = [part for part, _ in plan.others if interface.key(part) not in done]
        if needed:
            stack.extend(needed)
            continue
        stack.pop()
        done.add(identity)
        yield node, plan
