"""Sums and products of any backend seen as {term: coefficient} and {base: exponent}, and built from these.

The interned backend keeps this form at construction.  For a backend that keeps terms as they were written, the builders here do the
same arithmetic: flat sums and products in a fixed order, like terms merged, numbers folded, ``a - b``, ``a/b`` and ``sqrt(a)`` as
``a + -1*b``, ``a*b^-1`` and ``a^(1/2)``.  So the rewriter above needs one kind of rule only.  Interned terms are read
directly, since most terms are such and reading is what rewriting does most.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.interned import linear, monomial
from symnum.backends.nodes import Interned
from symnum.backends.views import addends_of, factors_of
from symnum.operators import OPERATORS
from symnum.order import order_key

Entries = dict[Hashable, tuple[Any, Any]]
"""{key: (term, coefficient)} of a sum, or {key: (base, exponent)} of a product; an exponent is a number or a term."""

_NUMBERS = frozenset([int, Fraction, float])

SUM_HEADS = frozenset(["+", "-"])
PRODUCT_HEADS = frozenset(["*", "/", "neg", "^", "sqrt"])


def is_canonical(term: Any) -> bool:
    """Tell whether the backend of ``term`` keeps sums and products in canonical form by itself."""
    return interface.interface(term).addends is not None


def is_value(thing: Any) -> bool:
    """Tell whether an exponent is a Python number and not a term."""
    return type(thing) in _NUMBERS or isinstance(thing, int | float | Fraction)


def head_of(term: Any) -> str:
    """Return the head of a call, and "" for a leaf."""
    if isinstance(term, Interned):
        return term.head
    face = interface.interface(term)
    return face.head(term) if face.is_call(term) else ""


# --- reading ----------------------------------------------------------------------------------------------------------------


def product_view(term: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return (coefficient, [(base, exponent), ...]); a term that is no product is itself to the power 1."""
    if isinstance(term, Interned):
        coefficient, pairs = factors_of(term)
        return coefficient, list(pairs)
    face = interface.interface(term)
    if face.is_number(term) and type(face.value(term)) is not bool:
        return face.value(term), []
    head = face.head(term) if face.is_call(term) else ""
    if face.factors is not None:
        coefficient, pairs = face.factors(term)
        return coefficient, list(pairs)
    if head == "*":
        coefficient, found = 1, []
        for arg in face.sorted_args(term):
            if interface.is_number(arg):
                coefficient = numbers.normal(coefficient * interface.value(arg))
            else:
                found.append(_base_and_exponent(arg))
        return coefficient, found
    if head == "neg":
        return -1, [(face.args(term)[0], 1)]
    if head == "/":
        above, below = face.args(term)
        return 1, [(above, 1), (below, -1)]
    return 1, [_base_and_exponent(term)]


def _base_and_exponent(term: Any) -> tuple[Any, Any]:
    head = head_of(term)
    if head == "^":
        base, exponent = interface.args(term)
        return base, interface.value(exponent) if interface.is_number(exponent) else exponent
    if head == "sqrt":
        return interface.args(term)[0], Fraction(1, 2)
    return term, 1


def sum_view(term: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return (constant, [(term, coefficient), ...]); a term that is no sum is the sum of itself."""
    if isinstance(term, Interned):
        constant, pairs = addends_of(term)
        return constant, list(pairs)
    face = interface.interface(term)
    if face.addends is not None:
        constant, pairs = face.addends(term)
        return constant, list(pairs)
    head = head_of(term)
    if head == "-":
        left, right = face.args(term)
        return 0, [(left, 1), (right, -1)]
    if head != "+":
        return _split(term)
    constant, found = 0, []
    for arg in face.sorted_args(term):
        value, pairs = _split(arg)
        constant = numbers.normal(constant + value)
        found += pairs
    return constant, found


def _split(term: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return one addend of a backend without canonical form as (number, []) or (0, [(rest, coefficient)])."""
    if interface.is_number(term) and type(interface.value(term)) is not bool:
        return interface.value(term), []
    if head_of(term) == "neg":
        return 0, [(interface.args(term)[0], -1)]
    if head_of(term) != "*" or not any(map(interface.is_number, interface.args(term))):
        return 0, [(term, 1)]
    coefficient, pairs = product_view(term)
    return 0, [(_product(term, 1, pairs), coefficient)]


def has_factor(items: Iterable[tuple[Any, Any]], base: Any, exponent: Any) -> bool:
    """Tell whether base^exponent is among some factors, with an exponent of the same type: x^2 is not x^2.0."""
    return any(
        b is base or interface.key(b) == interface.key(base)
        for b, e in items
        if type(e) is type(exponent) and e == exponent
    )


def item_keys(items: Iterable[tuple[Any, Any]]) -> frozenset[Any]:
    """Return the factors (base, exponent) of a product as a set that can be compared."""
    return frozenset(
        [(interface.key(base), power if is_value(power) else interface.key(power)) for base, power in items]
    )


def view_parts(term: Any) -> Sequence[Any]:
    """Return the terms that a term is built from in its view: addends, bases and exponents that are terms, or arguments in order."""
    head = head_of(term)
    if head in SUM_HEADS:
        return [part for part, _ in sum_view(term)[1]]
    if head in PRODUCT_HEADS:
        return [part for pair in product_view(term)[1] for part in pair if not is_value(part)]
    return interface.sorted_args(term) if head else ()


# --- building ---------------------------------------------------------------------------------------------------------------


def sum_of(like: Any, constant: Any, pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Return constant + sum of coefficient * term; the terms are in normal form."""
    if isinstance(like, Interned):
        return linear(constant, pairs)
    face = interface.interface(like)
    if face.addends is not None:
        parts = [t if c == 1 and type(c) is int else face.make("*", (c, t)) for t, c in pairs]
        return face.make("+", (*parts, constant))
    entries: Entries = {}
    for term, coefficient in pairs:
        inner, parts = sum_view(term)
        constant = constant + inner * coefficient
        for part, weight in parts:
            _accumulate(entries, part, numbers.normal(weight * coefficient), 0)
    constant = numbers.normal(constant)
    parts = [_product(like, c, product_view(t)[1]) for t, c in entries.values()]
    if constant != 0 or not parts:
        parts.append(face.number(constant))
    return parts[0] if len(parts) == 1 else face.make("+", tuple(_in_order(parts)))


def product_of(like: Any, coefficient: Any, pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Return coefficient * product of base ^ exponent; bases and exponents are in normal form."""
    if isinstance(like, Interned):
        return monomial(coefficient, pairs)
    face = interface.interface(like)
    if face.factors is not None:
        parts = [b if is_value(e) and e == 1 else face.make("^", (b, e)) for b, e in pairs]
        return face.make("*", (coefficient, *parts))
    entries: Entries = {}
    waiting = list(pairs)[::-1]
    while waiting:
        base, exponent = waiting.pop()
        if not is_value(exponent) and interface.is_number(exponent):
            exponent = interface.value(exponent)
        if is_value(exponent):
            value, inner = product_view(base)
            if not inner:
                folded = numbers.power(value, exponent)
                if folded is not None:
                    coefficient = numbers.normal(coefficient * folded)
                    continue
            elif type(exponent) is int and (value != 1 or len(inner) != 1 or inner[0][1] != 1):
                folded = numbers.power(value, exponent)
                if folded is not None:
                    coefficient = numbers.normal(coefficient * folded)
                    waiting += [(b, _times(like, e, exponent)) for b, e in reversed(inner)]
                    continue
        _merge_power(like, entries, base, exponent, waiting)
    return _product(like, coefficient, entries.values())


def _merge_power(
    like: Any, entries: Entries, base: Any, exponent: Any, waiting: list[tuple[Any, Any]]
) -> None:
    """Multiply {base: exponent} by base^exponent; a compound base whose exponent becomes whole is taken apart again."""
    identity = interface.key(base)
    known = entries.pop(identity, None)
    if known is None:
        entries[identity] = (base, exponent)
        return
    total = _plus(like, known[1], exponent)
    if not is_value(total):
        entries[identity] = (base, total)
    elif total != 0:
        waiting.append((base, total))


def _plus(like: Any, a: Any, b: Any) -> Any:
    if is_value(a) and is_value(b):
        return numbers.normal(a + b)
    constant = sum(e for e in (a, b) if is_value(e))
    total = sum_of(like, constant, [(e, 1) for e in (a, b) if not is_value(e)])
    return interface.value(total) if interface.is_number(total) else total


def _times(like: Any, exponent: Any, factor: Any) -> Any:
    """Return exponent * factor, where the exponent may be a term."""
    if is_value(exponent):
        return numbers.normal(exponent * factor)
    return product_of(like, factor, [(exponent, 1)])


def _product(like: Any, coefficient: Any, pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Return a product of a backend without canonical form, from merged parts."""
    face = interface.interface(like)
    if coefficient == 0:
        return face.number(coefficient)
    factors = [b if is_value(e) and e == 1 else face.make("^", (b, e)) for b, e in pairs]
    given = _in_order(factors)
    if coefficient != 1 or type(coefficient) is not int or not given:
        given.insert(0, face.number(coefficient))
    return given[0] if len(given) == 1 else face.make("*", tuple(given))


def _in_order(parts: list[Any]) -> list[Any]:
    return sorted(parts, key=order_key)


def _accumulate(entries: Entries, term: Any, coefficient: Any, nothing: int) -> None:
    identity = interface.key(term)
    known = entries.get(identity)
    total = coefficient if known is None else numbers.normal(known[1] + coefficient)
    if total == nothing:
        entries.pop(identity, None)
    else:
        entries[identity] = (term, total)


def call_of(like: Any, head: str, args: Sequence[Any]) -> Any:
    """Return the call of any head on arguments in normal form, folded as far as the interned backend folds it."""
    face = interface.interface(like)
    if face.addends is not None:
        return face.make(head, tuple(args))
    if head == "+":
        return sum_of(like, 0, [(a, 1) for a in args])
    spelled = _SPELLED.get(head)
    if spelled is not None:
        return spelled(like, args)
    row = OPERATORS.get(head)
    if row is None:
        return face.make(head, tuple(args))
    if args and all(interface.is_number(a) for a in args):
        from symnum.backends import interned

        folded = interned.make(head, [interface.value(a) for a in args])
        if interface.is_number(folded):
            return face.number(interface.value(folded))
    if row.parity is not None:
        coefficient, pairs = product_view(args[0])
        if pairs and coefficient < 0:
            inner = face.make(head, (_product(like, -coefficient, pairs),))
            return inner if row.parity == "even" else _product(like, -1, [(inner, 1)])
    if row.associative:
        return _flat_call(like, head, args)
    if head == "not" and head_of(args[0]) == "not":
        return interface.args(args[0])[0]
    if head == "ifelse":
        if interface.is_number(args[0]):
            return args[1] if interface.value(args[0]) else args[2]
        if interface.key(args[1]) == interface.key(args[2]):
            return args[1]
    return face.make(head, tuple(_in_order(list(args)) if row.commutative else args))


_SPELLED: dict[str, Any] = {
    "*": lambda like, a: product_of(like, 1, [(x, 1) for x in a]),
    "-": lambda like, a: sum_of(like, 0, [(a[0], 1), (a[1], -1)]),
    "neg": lambda like, a: sum_of(like, 0, [(a[0], -1)]),
    "/": lambda like, a: product_of(like, 1, [(a[0], 1), (a[1], -1)]),
    "^": lambda like, a: product_of(like, 1, [(a[0], a[1])]),
    "sqrt": lambda like, a: product_of(like, 1, [(a[0], Fraction(1, 2))]),
}


def _flat_call(like: Any, head: str, args: Sequence[Any]) -> Any:
    """Return a flat call of min, max, and, or: without repeats, units and zeros, in a fixed order."""
    row, face = OPERATORS[head], interface.interface(like)
    distinct: dict[Hashable, Any] = {}
    value: Any = None
    for arg in args:
        for part in interface.sorted_args(arg) if head_of(arg) == head else (arg,):
            if not interface.is_number(part):
                distinct[interface.key(part)] = part
            elif row.exact is not None:
                new = interface.value(part)
                value = (
                    new
                    if value is None
                    else numbers.NAN
                    if value != value or new != new
                    else row.exact(value, new)
                )
            elif interface.value(part) == row.zero:
                return face.number(row.zero)
    if row.unit is not None and any(
        head_of(p) == "not" and interface.key(interface.args(p)[0]) in distinct for p in distinct.values()
    ):
        return face.number(row.zero)
    rest = _in_order(list(distinct.values()))
    if value is not None:
        rest.insert(0, face.number(value))
    if not rest:
        return face.number(row.unit)
    return rest[0] if len(rest) == 1 else face.make(head, tuple(rest))
