"""How terms are written."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import symnum as sn
from symnum import term as interface
from symnum.backends import tree
from symnum.text.printer import to_text

x, y, z = sn.symbols("x y z")
k = sn.symbols("k", positive=True)
n = sn.symbols("n", integer=True)
b = sn.symbols("b", sort="boolean")


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (x**2, "x^2"),
        (2 * x + sn.sin(y), "2*x + sin(y)"),
        (x / y, "x/y"),
        (sn.sqrt(x), "sqrt(x)"),
        (1 / sn.sqrt(x), "1/sqrt(x)"),
        (x ** Fraction(2, 3), "x^(2/3)"),
        (x**0.5, "x^0.5"),
        (y**2 - x, "y^2 - x"),
        (-x + y, "-x + y"),
        (x - Fraction(1, 2), "x - 1/2"),
        (x**-y, "x^(-y)"),
        (x ** (y + 1), "x^(y + 1)"),
        ((x**y) ** z, "(x^y)^z"),
        (-1 / x, "-1/x"),
        (2 * x / 3, "2*x/3"),
        (x / (2 * y * sn.sqrt(z)), "x/(2*y*sqrt(z))"),
        (1.0 / x, "1.0/x"),
        (-(x + y), "-(x + y)"),
        ((x + y) / 2, "(x + y)/2"),
        (sn.sqrt(2) / 2, "sqrt(2)/2"),
        ((-2) ** x, "(-2)^x"),
        (sn.number(Fraction(1, 2)) ** x, "(1/2)^x"),
        (1e-7 * x, "1e-07*x"),
        (x % y, "mod(x, y)"),
        (sn.max(x, 1), "max(1, x)"),
        (sn.ifelse(x < y, 1, x), "ifelse(x < y, 1, x)"),
        ((x < 1) & ((y > 2) | b), "x < 1 and (b or y > 2)"),
        (~(x < y), "not (x < y)"),
        (~b, "not b"),
        (sn.pi * 2, "2*pi"),
        (sn.number(0) ** -1 * x, "0^(-1)*x"),
        (x + float("-inf"), "x - inf"),
        (sn.number(True), "true"),
    ],
)
def test_canonical_terms_are_written_as_by_hand(term: Any, text: str) -> None:
    assert str(term) == text


def t(name: str) -> Any:
    return tree.symbol(name)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (tree.make("+", (t("x"), t("y"), t("z"))), "x + y + z"),
        (t("x") + t("y") + t("z"), "(x + y) + z"),
        (t("x") + (t("y") + t("z")), "x + (y + z)"),
        (t("x") - t("y") + t("z"), "x - y + z"),
        (t("x") - (t("y") - t("z")), "x - (y - z)"),
        (t("x") * t("y") / t("z"), "x*y/z"),
        (t("x") / t("y") * t("z"), "x/y*z"),
        (t("x") / (t("y") * t("z")), "x/(y*z)"),
        (tree.number(-2), "-2"),
        (-tree.number(2), "-(2)"),
        (tree.make("neg", (-t("x"),)), "-(-x)"),
        (-t("x") * t("y"), "-x*y"),
        (-(t("x") * t("y")), "-(x*y)"),
        (-(t("x") ** 2), "-x^2"),
        ((-t("x")) ** 2, "(-x)^2"),
        (t("x") + -2, "x + (-2)"),
        (t("x") * -t("y"), "x*(-y)"),
        (tree.number(Fraction(1, 3)), "1/3"),
        (tree.number(1) / 3, "1/(3)"),
        (tree.number(1) / 0, "1/(0)"),
        (tree.number(Fraction(1, 3)) * t("x"), "1/3*x"),
        (t("x") ** Fraction(1, 2), "x^(1/2)"),
        (sn.sqrt(t("x")), "sqrt(x)"),
        (t("x") ** (t("y") ** t("z")), "x^(y^z)"),
        (tree.make("+", (t("x"),)), "(+)(x)"),
        (tree.make("*", ()), "(*)()"),
        (tree.make("and", ()), "(and)()"),
    ],
)
def test_trees_are_written_as_built(term: Any, text: str) -> None:
    assert str(term) == text
    assert sn.parse(text, backend="tree") == term


def test_repr_declares_a_symbol_where_it_first_occurs() -> None:
    assert repr(k * x**2 + k) == "k::positive*x^2 + k"
    assert repr(n + x) == "n::integer + x"
    assert repr(sn.ifelse(b, x, 1)) == "ifelse(b::boolean, x, 1)"
    assert str(k * x**2 + k) == "k*x^2 + k"
    both = sn.symbols("m", integer=True, positive=True)
    assert repr(both) == "m::integer::positive"
    assert sn.parse(repr(both)) is both


def test_two_symbols_of_one_name_are_told_apart() -> None:
    positive = sn.symbols("x", positive=True)
    text = repr(x**2 + positive)
    assert text == "x::real^2 + x::positive"
    assert sn.parse(text) is x**2 + positive


def test_cutting_does_not_look_at_the_rest() -> None:
    node = x
    for _ in range(300):
        node = sn.sin(node) + sn.cos(node)  # 2^300 nodes when written out
    cut = to_text(node, limit=30)
    assert cut.endswith("...")
    assert len(cut) == 33
    assert to_text(node, limit=1000)[:30] == cut[:30]
    assert to_text(x + y, limit=5) == "x + y"
    assert to_text(x + y, limit=4) == "x + ..."


def test_a_foreign_term_type_is_written_exactly() -> None:
    class Node:
        def __init__(self, head: str, *args: Any) -> None:
            self.head, self.args = head, args

    interface.register(
        Node,
        is_call=lambda node: bool(node.args),
        head=lambda node: node.head,
        args=lambda node: node.args,
        is_symbol=lambda node: not node.args,
        name=lambda node: node.head,
    )
    a, c = Node("a"), Node("c")
    assert to_text(Node("+", a, Node("*", 2, c))) == "a + 2*c"
    assert to_text(Node("-", a, Node("-", c, Fraction(1, 2)))) == "a - (c - 1/2)"
    assert to_text(Node("no_row", a, c)) == "no_row(a, c)"
