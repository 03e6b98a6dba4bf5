"""A term read once as a rational function: what is made of it is what cancel, factor and factor_list make."""

from __future__ import annotations

from typing import Any

import pytest

import symnum as sn
from symnum.algebra.polynomial import factor_list
from symnum.algebra.quotients import Fractions
from symnum.algebra.rational import RationalTerm

TEXTS = [
    "x", "sin(x)", "3", "x^2 + 2*x + 1", "x^2/2 + y/3 - 1", "(x^2 - 1)/(x - 1)", "1/x + 1/(x + 1)", "x*(y + 1) - x", "2*x*y + 4*y",
    "(x + 1)^4 - 4*x^3 - 6*x^2 - 4*x - 1", "sqrt(x)*sqrt(x) + sqrt(x)", "exp(x)^2 + exp(x + y)", "sqrt(2)*x + 2*sqrt(2)",
    "x^y*x + x^y", "x*y/(x*y + x)",
]  # fmt: skip


@pytest.mark.parametrize("backend", ["interned", "tree"])
@pytest.mark.parametrize("text", TEXTS)
def test_one_reading_makes_the_same(text: str, backend: str) -> None:
    term: Any = sn.convert(sn.parse(text), backend=backend)
    read = RationalTerm(term)
    assert read.cancelled() == sn.cancel(term)
    assert read.factored() == sn.factor(term)
    assert read.factor_list() == factor_list(term)


@pytest.mark.parametrize("text", TEXTS)
def test_a_polynomial_that_is_multiplied_out_is_what_its_fraction_is(text: str) -> None:
    term = sn.parse(text)
    read = RationalTerm(term)
    written = read.fractions.term(read.fractions.fraction(term))
    assert sn.cancel(term) is written


def test_floats_come_back_rounded() -> None:
    x = sn.symbols("x")
    assert str(sn.cancel(2.0 * x + 0.5)) == "2*x + 0.5"


def test_the_term_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rings: list[Any] = []
    begin = Fractions.__init__

    def noted(self: Fractions, ring: Any, *rest: Any) -> None:
        rings.append(ring)
        begin(self, ring, *rest)

    monkeypatch.setattr(Fractions, "__init__", noted)
    read = RationalTerm(sn.parse("(x^2 - 1)/(x - 1)"))
    read.cancelled(), read.factored(), read.factor_list()
    assert len(rings) == 1
