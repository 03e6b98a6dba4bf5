"""Standard spellings, in which equal parts meet: abs(y - x) is written abs(x - y), 4^x is 2^(2*x), floor(x + 1) is floor(x) + 1."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.order import order_key
from symnum.rewriting.idle import IdleCalls, shape_of
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.strategies import bottom_up
from symnum.rewriting.theories.exponentials import logarithm_of_power
from symnum.rewriting.theories.powers import common_base
from symnum.rewriting.theories.special_values import cosine, cotangent, sine, tangent
from symnum.rewriting.views import SUM_HEADS, call_of, head_of, product_of, sum_of, sum_view

SPELLINGS = RuleSet(
    [
        *common_base,
        rule("log(a)", logarithm_of_power, name="log(n^k) is k*log(n)"),
        rule("sin(a)", sine, name="sin(a + k*pi), k as small as can be"),
        rule("cos(a)", cosine, name="cos(a + k*pi), k as small as can be"),
        rule("tan(a)", tangent, name="tan(a + k*pi), k as small as can be"),
        rule("cot(a)", cotangent, name="cot(a + k*pi), k as small as can be"),
        rule("floor(a + n::integer) -> n + floor(a)"),
        rule("ceil(a + n::integer) -> n + ceil(a)"),
        rule("abs(a::nonnegative*b) -> a*abs(b)"),
        rule("abs(a::negative*b) -> -a*abs(b)"),
    ],
    "spellings",
)
"""Rules that make nothing cheaper by themselves: the whole is simplified from its standard spelling, too."""

_IDLE = IdleCalls()


def spelled(term: Any, memo: dict[Hashable, tuple[Any, Any]]) -> Any | None:
    """Return a term in its standard spelling, or None when it is so already."""
    return bottom_up(_spelled, memo=memo, make=call_of)(term)


def _spelled(term: Any) -> Any | None:
    head = head_of(term)
    if not head:
        return None
    shape = shape_of(term)
    if shape in _IDLE:
        return None
    new = SPELLINGS(term)
    if new is not None:
        return new
    _IDLE.add(shape)
    row = OPERATORS.get(head)
    if head == "^":
        base, exponent = interface.args(term)
        if not interface.is_number(exponent):
            return None
        power = interface.value(exponent)
        turned = _turned(base) if type(power) is int else None
        if turned is None:
            return None
        return product_of(term, -1 if power % 2 else 1, [(turned, power)])
    if row is None or row.parity is None or head == "neg":
        return None
    turned = _turned(interface.args(term)[0])
    if turned is None:
        return None
    new = call_of(term, head, (turned,))
    return new if row.parity == "even" else sum_of(term, 0, [(new, -1)])


def _turned(term: Any) -> Any | None:
    """Return minus a sum whose first addend is negative, or None."""
    if head_of(term) not in SUM_HEADS:
        return None
    constant, pairs = sum_view(term)
    _, coefficient = min(pairs, key=lambda pair: order_key(pair[0]))
    return sum_of(term, -constant, [(t, -c) for t, c in pairs]) if coefficient < 0 else None
