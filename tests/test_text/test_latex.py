"""How terms are typeset."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import symnum as sn
from symnum.backends import tree
from symnum.operators import OPERATORS
from symnum.text.latex import repr_latex, symbol_latex

x, y, z = sn.symbols("x y z")
a, c = tree.symbol("a"), tree.symbol("c")


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (x**2, "x^{2}"),
        (2 * x - y / 3, r"2 x - \frac{y}{3}"),
        (-x + y**2, r"y^{2} - x"),
        (x / (2 * sn.sqrt(y)), r"\frac{x}{2 \sqrt{y}}"),
        (-1 / x, r"-\frac{1}{x}"),
        (x ** Fraction(1, 3), r"\sqrt[3]{x}"),
        (x ** Fraction(2, 3), r"x^{\frac{2}{3}}"),
        ((x + y) ** 2 * z, r"z \left(x + y\right)^{2}"),
        (-(x + y), r"-\left(x + y\right)"),
        (2 * sn.number(3) ** x, r"2 \cdot 3^{x}"),
        (1e-7 * x, "10^{-7} x"),
        (sn.number(-2.5e30), r"-2.5 \cdot 10^{30}"),
        (sn.number(float("inf")), r"\infty"),
        (sn.number(-2) ** x, r"\left(-2\right)^{x}"),
        (sn.sin(x) ** 2, r"\sin^{2}\left(x\right)"),
        (sn.log2(x) ** 2, r"\log_{2}^{2}\left(x\right)"),
        (sn.exp(-x) ** 2, r"\left(e^{-x}\right)^{2}"),
        (sn.expm1(x), r"\operatorname{expm1}\left(x\right)"),
        (sn.abs(x + y), r"\left|x + y\right|"),
        (sn.max(x, y, z), r"\max\left(x, y, z\right)"),
        (sn.mod(x + 1, y) + 1, r"\left(x + 1\right) \bmod y + 1"),
        ((x < y) & (y <= z), r"x < y \wedge y \leq z"),
        (~(x < y), r"\neg \left(x < y\right)"),
        (sn.ifelse(x < 0, -x, x), r"\begin{cases} -x & \text{if } x < 0 \\ x & \text{otherwise} \end{cases}"),
        (sn.pi * 2, r"2 \pi"),
        ((a - c) / (a * c), r"\frac{a - c}{a c}"),
        (a - (c - a), r"a - \left(c - a\right)"),
        (a * -c, r"a \left(-c\right)"),
        (sn.sqrt(a) ** c, r"\sqrt{a}^{c}"),
        (tree.number(2) * 3, r"2 \cdot 3"),
    ],
)
def test_terms(term: Any, text: str) -> None:
    assert sn.latex(term) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x", "x"),
        ("x1", "x_{1}"),
        ("x_12", "x_{12}"),
        ("alpha", r"\alpha"),
        ("Omega3", r"\Omega_{3}"),
        ("α", r"\alpha"),
        ("π_2", r"\pi_{2}"),
        ("φ", r"\varphi"),
        ("k_on", r"k_{\mathrm{on}}"),
        ("rate", r"\mathrm{rate}"),
        ("k1_off", r"k_{1,\mathrm{off}}"),
        ("x_a_b", r"x_{\mathrm{a\_b}}"),
        ("_x", r"\mathrm{\_x}"),
    ],
)
def test_names(name: str, text: str) -> None:
    assert symbol_latex(name) == text


def test_every_operator_has_a_spelling() -> None:
    arguments = {"real": [x, y, z], "boolean": [x < 1, y < 2, z < 3], "any": [x, y, z]}
    for name, row in OPERATORS.items():
        high = row.arity[1]
        kinds = row.argument_sorts
        count = 3 if high is None else high
        args = [arguments[kinds[min(i, len(kinds) - 1)]][i] for i in range(count)]
        text = sn.latex(tree.make(name, [sn.convert(arg, "tree") for arg in args]))
        assert "{0}" not in text
        assert text.count("{") == text.count("}")
        assert all(letter in text for letter in "xyz"[:count]), name


def test_notebooks_show_small_terms_only() -> None:
    assert x._repr_latex_() == r"$\displaystyle x$"
    assert repr_latex(sum(sn.symbols("x0:400"))) is None


def test_a_term_too_large_is_refused_with_the_way_out() -> None:
    node = x
    for _ in range(40):
        node = sn.sin(node) + sn.cos(node)
    with pytest.raises(
        ValueError, match=r"the term has 4,398,046,511,101 nodes when written out.*write str\(term\)"
    ):
        sn.latex(node)
