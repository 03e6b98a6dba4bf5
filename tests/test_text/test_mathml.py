"""MathML: well-formed, with the arguments that each element takes, and brackets where they are needed."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

import symnum as sn
from symnum.text.mathml import mathml

ARGUMENTS = {"mfrac": 2, "msup": 2, "msub": 2, "mroot": 2}
TEXTS = [
    "x^2/2", "-sqrt(k_on)", "2.5*exp(-x/3) + 1", "1.2*x^(-2.5)/y", "sin(x)^2*(x - y)", "(x + y)^(-x)", "x^sin(y)",
    "abs(x)*floor(y) < 3", "atan2(x, y) - 1e-7*x", "-2.5", "x^(1/3)", "(-2)^x", "2*x*pi", "ifelse(x < y, 1, 2)",
    "x/y/sqrt(x + 1)", "1e30", "alpha_12*x1", "x > 0 and y <= 2 or x == y", "-x*y", "2/3", "-(x + y)^2", "x^y^2", "(x^y)^2",
    "3/(7*x)", "ceil(x) - (y - 1)", "x*2^(-y)", "true",
]  # fmt: skip


def shape(term: object) -> str:
    """Write the element compactly, checking it on the way."""

    def written(element: ElementTree.Element) -> str:
        assert len(element) == ARGUMENTS.get(element.tag, len(element)), element.tag
        inner = (element.text or "") + "".join(written(child) for child in element)
        return {
            "mfrac": f"[{inner}]",
            "msup": f"{{{inner}}}",
            "msub": f"_{{{inner}}}",
            "msqrt": f"√({inner})",
        }.get(element.tag, inner)

    return written(ElementTree.fromstring(mathml(term))).replace("\u2061", "").replace("\u2062", "·")


@pytest.mark.parametrize("text", TEXTS)
def test_elements_are_well_formed(text: str) -> None:
    assert shape(sn.parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x^2/2", "[{x2}2]"),
        ("-sqrt(k_on)", "−√(_{kon})"),
        ("sin(x)^2*(x - y)", "{sin(x)2}·(x−y)"),
        ("(x + y)^(-x)", "{(x+y)−x}"),
        ("(-2)^x", "{(−2)x}"),
        ("-(x + y)^2", "−{(x+y)2}"),
        ("(x^y)^y", "{({xy})y}"),
        ("1e-7*x", "{10−7}·x"),
        ("2.5e30*x", "2.5·{1030}·x"),
        ("2^y*x", "{2y}·x"),
        ("x*(1 - y)/3", "[x·(−y+1)3]"),
        ("alpha_12", "_{α12}"),
        ("exp(x + y)", "{ex+y}"),
        ("abs(x - 1)", "|x−1|"),
        ("x < 3", "x<3"),
    ],
)
def test_layout(text: str, expected: str) -> None:
    assert shape(sn.parse(text)) == expected


def test_terms_too_large_are_refused_and_deep_ones_are_not() -> None:
    x = sn.symbols("x")
    deep = x
    for _ in range(5000):
        deep = sn.sin(deep)
    assert mathml(deep).count("sin") == 5000
    shared = x
    for _ in range(100):
        shared = sn.sin(shared) + sn.cos(shared)
    with pytest.raises(ValueError, match="too many for MathML"):
        mathml(shared)


def test_a_term_of_another_backend_is_written_as_it_is_built() -> None:
    x, y = sn.symbols("x y", backend="tree")
    assert [shape(t) for t in (x - y * 2, (x + y) / x, -x)] == ["x−y·2", "(x+y)/x", "−x"]
