"""Sums and products of interned terms built from their parts at once: the same terms as built by the operators."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnum as sn
from symnum import exact
from symnum import term as interface
from symnum.backends.interned import linear, make, monomial
from symnum.expression import Expression

x, y = sn.symbols("x y")
p = sn.symbols("p", positive=True)
TERMS = [x, y, p, x + y, x + 1, 2 * (x + y), 3 * x, x * y, 2 * x * y**-1, x**2, sn.sqrt(x), 1 / x, sn.sin(x), sn.number(2),
         sn.number(Fraction(1, 2)), sn.number(0), sn.number(0.5), (x + 1) ** 2, sn.number(0) ** -1 * x]  # fmt: skip
NUMBERS = [0, 1, -1, 2, Fraction(1, 2), Fraction(-3, 2), 0.0, 1.0, 0.5, -2.0]

terms = st.sampled_from(TERMS)
numbers = st.sampled_from(NUMBERS)
weights = st.sampled_from([*NUMBERS, y, x + 1, -3 * sn.sin(x), sn.number(2)])
"""Coefficients and exponents: numbers, and terms such as the product of two exponents has."""


@given(weights, st.lists(st.tuples(terms, weights), max_size=4))
def test_a_sum_of_multiples_is_what_the_operators_make(constant: Any, pairs: list[tuple[Any, Any]]) -> None:
    parts = [t if type(c) is int and c == 1 else make("*", (c, t)) for t, c in pairs]
    assert linear(constant, pairs) is make("+", (*parts, constant))


@given(weights, st.lists(st.tuples(terms, weights), max_size=4))
def test_a_product_of_powers_is_what_the_operators_make(
    coefficient: Any, pairs: list[tuple[Any, Any]]
) -> None:
    parts = [b if not isinstance(e, Expression) and e == 1 else make("^", (b, e)) for b, e in pairs]
    assert monomial(coefficient, pairs) is make("*", (coefficient, *parts))


@pytest.mark.parametrize(
    "pairs", [[(sn.parse("x < y"), 1)], [(sn.parse("x < y"), 2)], [(x, 1), (sn.parse("x < y"), 1)]]
)
def test_conditions_are_refused(pairs: list[tuple[Any, Any]]) -> None:
    for build in (linear, monomial):
        with pytest.raises(TypeError, match="real"):
            build(1, pairs)


def test_backends_with_rebuild_are_their_own_keys() -> None:
    tree = sn.symbols("x", backend="tree")
    assert interface.is_own_key(x + 1) and interface.key(x + 1) is x + 1
    assert not interface.is_own_key(tree) and not interface.is_own_key(3)
    assert interface.key(3) != interface.key(3.0)


def test_keys_of_a_type_follow_its_registration() -> None:
    class Leaf:
        pass

    leaf = Leaf()
    interface.register(Leaf, is_call=lambda t: False, is_symbol=lambda t: True)
    assert interface.key(leaf) is leaf
    interface.register(Leaf, is_call=lambda t: False, is_symbol=lambda t: True, key=lambda t: "leaf")
    assert interface.key(leaf) == "leaf"


def test_leaves_have_no_head_and_numbers_keep_their_hash() -> None:
    assert [node.head for node in (x, sn.number(2), x + y, 2 * x, x * y, x**2, sn.sin(x))] == [
        "",
        "",
        "+",
        "*",
        "*",
        "^",
        "sin",
    ]
    for value in (2, Fraction(1, 3), 0.5, True):
        assert hash(sn.number(value)) == hash(value)
    assert {2: "two"}[sn.number(2)] == "two"


@given(st.integers(-30, 30), st.integers(-30, 30).filter(bool))
def test_whole_numbers_are_divided_as_fractions_are(a: int, b: int) -> None:
    found = exact.divide(a, b)
    assert found == Fraction(a, b) and (type(found) is int) == (a % b == 0)
