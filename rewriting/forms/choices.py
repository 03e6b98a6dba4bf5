"""Forms of ifelse, min and max: what all branches share is computed once, outside; a branch knows the condition under which it is taken."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.facts import Facts
from symnum.rewriting.sign_sets import NEGATIVE, POSITIVE
from symnum.rewriting.strategies import bottom_up
from symnum.rewriting.theories.comparisons import OPPOSITE, TURNED
from symnum.rewriting.views import (
    call_of,
    has_factor,
    head_of,
    is_value,
    product_of,
    product_view,
    sum_of,
    sum_view,
)

LARGEST = 200
"""Branches of more nodes are not searched for what their condition decides."""


def choice_forms(term: Any, facts: Facts) -> Iterator[tuple[str, Any]]:
    """Yield (name, form) for a call of ifelse, min or max."""
    head, args = interface.head(term), list(interface.sorted_args(term))
    branches = args[1:] if head == "ifelse" else args
    if any(interface.sort_of(b) == "boolean" for b in branches):
        return

    def choose(parts: list[Any], turned: bool = False) -> Any:
        if head == "ifelse":
            return call_of(term, head, (args[0], *parts))
        return call_of(term, _MIRROR[head] if turned else head, parts)

    shared = _shared_addends(term, branches)
    if shared is not None:
        constant, common, rest = shared
        yield "shared addends", sum_of(term, constant, [*common, (choose(rest), 1)])
    factors = _shared_factors(term, branches, None if head == "ifelse" else facts)
    if factors is not None:
        negative, common, rest = factors
        yield "shared factors", product_of(term, 1, [*common, (choose(rest, negative), 1)])
    if head == "ifelse":
        inner = _shared_function(branches)
        if inner is not None:
            yield "shared function", call_of(term, inner, (choose([interface.args(b)[0] for b in branches]),))
        then, otherwise = (
            _decided(args[0], branches[0], True),
            _decided(args[0], branches[1], False),
        )
        if then is not branches[0] or otherwise is not branches[1]:
            yield "conditions of branches", choose([then, otherwise])


_MIRROR = {"min": "max", "max": "min"}


def product_of_choice(term: Any) -> Iterator[tuple[str, Any]]:
    """Yield the form of a product with one ifelse in which the other factors stand in the branches."""
    coefficient, items = product_view(term)
    chosen = [(b, e) for b, e in items if head_of(b) == "ifelse" and type(e) is int]
    if len(chosen) != 1 or len(items) < 2:
        return
    (choice, exponent) = chosen[0]
    rest = [(b, e) for b, e in items if b is not choice]
    if not any(head_of(b) in _DECIDABLE for b, _ in rest):
        return
    condition, *branches = interface.args(choice)
    made = [
        _decided(condition, product_of(term, coefficient, [*rest, (b, exponent)]), holds)
        for b, holds in zip(branches, (True, False))
    ]
    yield "product in branches", call_of(term, "ifelse", (condition, *made))


def _shared_addends(
    like: Any, branches: Sequence[Any]
) -> tuple[Any, list[tuple[Any, Any]], list[Any]] | None:
    """Return (constant, addends, what is left of each branch), or None when the branches share nothing."""
    views = [sum_view(b) for b in branches]
    tables: list[dict[Hashable, tuple[Any, Any]]] = [
        {interface.key(t): (t, c) for t, c in pairs} for _, pairs in views
    ]
    common = [
        (t, c)
        for k, (t, c) in tables[0].items()
        if all(k in table and table[k][1] == c and type(table[k][1]) is type(c) for table in tables[1:])
    ]
    keys = {interface.key(t) for t, _ in common}
    constants = [constant for constant, _ in views]
    if any(type(c) is float for c in constants):
        return None
    constant = constants[0] if all(c == constants[0] for c in constants) else 0
    if not common and constant == 0:
        return None
    rest = [
        sum_of(like, c - constant, [pair for k, pair in table.items() if k not in keys])
        for c, table in zip(constants, tables)
    ]
    return constant, common, rest


def _shared_factors(
    like: Any, branches: Sequence[Any], facts: Facts | None
) -> tuple[bool, list[tuple[Any, Any]], list[Any]] | None:
    """Return (whether their product is negative, factors, what is left of each branch); with ``facts``, only factors of known sign."""
    views = [product_view(b) for b in branches]
    coefficients = [c for c, _ in views]
    if any(type(c) is float or c == 0 for c in coefficients):
        return None
    common: list[tuple[Any, Any]] = []
    negative = False
    for base, exponent in views[0][1]:
        if not is_value(exponent) or not all(has_factor(items, base, exponent) for _, items in views[1:]):
            continue
        if facts is not None:
            signs = facts.signs(product_of(like, 1, [(base, exponent)]))
            if signs & ~(signs & -signs) and signs & NEGATIVE:
                continue
            if not facts.is_defined(base) or signs not in (POSITIVE, NEGATIVE):
                continue
            negative ^= signs == NEGATIVE
        common.append((base, exponent))
    number = coefficients[0] if all(abs(c) == abs(coefficients[0]) for c in coefficients) else 1
    if facts is not None:
        number = number if all(c == coefficients[0] for c in coefficients) else 1
        if number == 1 and all(c < 0 for c in coefficients):
            number = -1
        negative ^= number < 0
    if not common and number == 1:
        return None
    used = [b for b, _ in common]
    rest = [
        product_of(
            like,
            numbers.divide(c, number),
            [(b, e) for b, e in items if not any(b is u or b == u for u in used)],
        )
        for c, items in views
    ]
    return negative, [(interface.make_number(like, number), 1), *common], rest


def _shared_function(branches: Sequence[Any]) -> str | None:
    """Return the function of one argument that both branches are calls of."""
    heads = {head_of(b) for b in branches}
    if len(heads) != 1:
        return None
    (head,) = heads
    return (
        head
        if head and all(len(interface.args(b)) == 1 for b in branches) and head not in ("neg", "sqrt")
        else None
    )


# --- what a condition decides -----------------------------------------------------------------------------------------------

_DECIDABLE = frozenset(["abs", "sign", "min", "max", "ifelse"])


def _decided(condition: Any, branch: Any, holds: bool) -> Any:
    """Return a branch with what its condition decides put in."""
    if not interface.is_call(branch):
        return branch
    for count, _ in enumerate(interface.postorder(branch)):
        if count > LARGEST:
            return branch
    key = interface.key(condition)
    head = head_of(condition)
    difference: dict[Hashable, Any] | None = None
    relation = ""
    if head in OPPOSITE:
        a, b = interface.args(condition)
        facts = Facts()
        # where it does not hold, a side may be without a value instead
        if holds or (facts.is_defined(a) and facts.is_defined(b)):
            relation = head if holds else OPPOSITE[head]
            difference = _scaled_difference(a, b)

    def rewrite(term: Any) -> Any | None:
        if interface.key(term) == key:
            return interface.make_number(branch, holds)
        inner = head_of(term)
        if difference is None or (inner not in _DECIDABLE and inner not in OPPOSITE):
            return None
        args = interface.args(term)
        if inner in OPPOSITE:
            known = _relation(args[0], args[1], difference, relation)
            if known and _IMPLIES.get((known, inner)) is not None:
                return interface.make_number(branch, _IMPLIES[known, inner])
        elif inner in ("abs", "sign"):
            known = _relation(args[0], interface.make_number(branch, 0), difference, relation)
            if inner == "abs" and known in (">", ">=", "=="):
                return args[0]
            if inner == "abs" and known in ("<", "<="):
                return sum_of(branch, 0, [(args[0], -1)])
            if inner == "sign" and known in (">", "<", "=="):
                return interface.make_number(branch, {">": 1, "<": -1, "==": 0}[known])
        elif inner in ("min", "max") and len(args) == 2:
            known = _relation(args[0], args[1], difference, relation)
            if known in ("<", "<=", ">", ">=", "=="):
                return args[(inner == "max") ^ (known in (">", ">="))]
        return None

    found = bottom_up(rewrite, make=call_of)(branch)
    return branch if found is None else found


def _scaled_difference(a: Any, b: Any) -> dict[Hashable, Any] | None:
    """Return a - b as {key: coefficient}, the constant under None; None when a float is in it."""
    constant, pairs = sum_view(sum_of(a, 0, [(a, 1), (b, -1)]))
    found = {interface.key(t): c for t, c in pairs}
    if constant != 0:
        found[None] = constant
    return None if any(type(c) is float for c in found.values()) or not pairs else found


def _relation(a: Any, b: Any, known: dict[Hashable, Any], relation: str) -> str:
    """Return how a compares with b when the known difference compares with 0 by ``relation``, or ""."""
    given = _scaled_difference(a, b)
    if given is None or given.keys() != known.keys():
        return ""
    lead = next(iter(known))
    if any(given[k] * known[lead] != known[k] * given[lead] for k in known):
        return ""
    return relation if given[lead] * known[lead] > 0 else TURNED[relation]


_IMPLIES = {
    (known, asked): answer
    for known, answers in {
        "<": {"<": True, "<=": True, "!=": True, ">": False, ">=": False, "==": False},
        "<=": {"<=": True, ">": False},
        ">": {">": True, ">=": True, "!=": True, "<": False, "<=": False, "==": False},
        ">=": {">=": True, "<": False},
        "==": {"==": True, "<=": True, ">=": True, "!=": False, "<": False, ">": False},
        "!=": {"!=": True, "==": False},
    }.items()
    for asked, answer in answers.items()
}
