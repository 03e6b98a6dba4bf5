"""Where terms are defined: which terms may share an e-graph, and which parts must stay closed.

Rules are total: the new side equals the old one wherever the old one is defined.  So in one e-graph all forms of a class are equal where
*all* the terms that were added are defined.  That is the right thing for terms of one domain; a term with a wider one, such as sqrt(x^2)
beside log(x), must not be judged where x is positive only, and a branch that is taken under a condition neither.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum import term as interface
from symnum.exact import is_integer
from symnum.fold import fold
from symnum.operators import OPERATORS
from symnum.rewriting.facts import Facts
from symnum.rewriting.sign_sets import NEGATIVE, POSITIVE, ZERO
from symnum.rewriting.template import template_of
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    SUM_HEADS,
    head_of,
    is_value,
    product_view,
    sum_view,
    view_parts,
)

Condition = tuple[str, Hashable]
"""What must hold for a part to be defined: the head of the part and the key of what it is taken of."""

_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

_GUARDED = {"ifelse": (1, 2), "and": None, "or": None, **dict.fromkeys(_COMPARISONS)}
"""Heads whose value does not need that of all operands, those named or all: a comparison with nan is false, and no nan."""


def domain(root: Any, facts: Facts) -> tuple[frozenset[Condition], frozenset[Condition]]:
    """Return what a term needs to be defined, as (conditions that leave out intervals, conditions that leave out points).

    Conditions that certainly hold are left out, and the parts of guarded operands count only as far as those are closed.
    """
    narrow: set[Condition] = set()
    points: set[Condition] = set()
    closed = closed_parts(root, facts)
    for node in interface.postorder(root, prune=lambda t: interface.key(t) in closed):
        if interface.key(node) in closed:
            continue
        head = head_of(node)
        if head in PRODUCT_HEADS:
            for base, exponent in product_view(node)[1]:
                kind = _power_condition(base, exponent, facts)
                if kind:
                    (narrow if kind == "root" else points).add((kind, interface.key(base)))
        elif (
            head
            and head in OPERATORS
            and OPERATORS[head].domain != "true"
            and not _own_domain_holds(node, facts)
        ):
            # a condition that only excludes equality leaves out points
            only_points = "!=" in OPERATORS[head].domain and not set(OPERATORS[head].domain) & set("<>")
            (points if only_points else narrow).add((head, tuple(map(interface.key, interface.args(node)))))
    return frozenset(narrow), frozenset(points)


def closed_parts(root: Any, facts: Facts) -> frozenset[Hashable]:
    """Return the keys of guarded operands that are not defined everywhere: the e-graph takes them as leaves."""
    found = set()
    for node in interface.postorder(root):
        head = head_of(node)
        if head in _GUARDED:
            args = interface.args(node)
            places = _GUARDED[head]
            for part in args if places is None else [args[i] for i in places]:
                if not facts.is_defined(part):
                    found.add(interface.key(part))
    return frozenset(found)


def is_closed(term: Any, facts: Facts) -> bool:
    """Tell whether a comparison has a side that may be without a value on whole intervals, as log(x) < y has.

    Rules keep values where there are any, and may give one elsewhere, which here would turn false into true: exp(log(x)) < 1 is not x < 1.
    """
    return head_of(term) in _COMPARISONS and any(domain(side, facts)[0] for side in interface.args(term))


def has_unusual_floats(root: Any, memo: dict[Hashable, tuple[Any, bool]] | None = None) -> bool:
    """Tell whether an infinite or undefined float is in a term: such terms obey no algebra.

    ``memo`` keeps {key: (part, answer)} between calls.
    """
    return fold(root, _with_answer, parts=view_parts, memo=memo)[1]


def _with_answer(node: Any, parts: list[tuple[Any, bool]]) -> tuple[Any, bool]:
    return node, any([answer for _, answer in parts]) or _has_unusual_float(node)


def _has_unusual_float(node: Any) -> bool:
    """Tell whether one of the numbers at a node is infinite or undefined."""
    head = head_of(node)
    values: list[Any] = []
    if head in SUM_HEADS:
        constant, pairs = sum_view(node)
        values = [constant, *[c for _, c in pairs]]
    elif head in PRODUCT_HEADS:
        coefficient, pairs = product_view(node)
        values = [coefficient, *[e for _, e in pairs if is_value(e)]]
    elif not head and interface.is_number(node):
        values = [interface.value(node)]
    return any([type(v) is not int and isinstance(v, float) and v - v != 0 for v in values])


def _power_condition(base: Any, exponent: Any, facts: Facts) -> str:
    signs = facts.signs(base)
    if not is_value(exponent):
        return "" if signs == POSITIVE else "root"
    if not is_integer(exponent) and signs & NEGATIVE:
        return "root"
    return "reciprocal" if exponent < 0 and signs & ZERO else ""


def _own_domain_holds(node: Any, facts: Facts) -> bool:
    bound = dict(zip(("a", "b", "c"), interface.args(node)))
    condition = template_of(OPERATORS[interface.head(node)].domain).build(node, bound)
    return facts.decide(condition) is True
