"""BioNetGen's formulas: what they mean, what is refused, and that they come back as they were written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnum as sn
from symnum.backends import interned
from symnum.pde import Function
from symnum.pde.net_formula import FormulaError, FormulaReader, written

NAMES = {
    name: interned.symbol(name) for name in ("k", "x", "y", "gamma")
}  # a word of our language, but a good parameter
K, X, Y = NAMES["k"], NAMES["x"], NAMES["y"]
T = sn.symbols("t")
FUNCTIONS = {"f": Function(("a",), sn.parse("a^2 + k")), "g": Function(("k", "x"), sn.parse("k - x"))}


def read(text: str) -> object:
    return FormulaReader(NAMES, FUNCTIONS, T).read(text)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("1+2*3", 7),
        ("2^3^2", 512),
        ("2**3", 8),
        ("-2^2", -4),
        ("-x^-2", -(X**-2)),
        ("8/4/2", 1),
        ("x - y - k", X - Y - K),
        ("+x", X),
        ("1/3", sn.number(1) / 3),
        (".5*x", 0.5 * X),
        ("6.022e23", 6.022e23),
        ("1.E-3", 1e-3),
        ("gamma*2", 2 * NAMES["gamma"]),
        ("ln(x) + log10(x) + log2(x)", sn.log(X) + sn.log10(X) + sn.log2(X)),
        ("rint(x)", sn.floor(X + 0.5)),
        ("avg(x, y, k)", (X + Y + K) / 3),
        ("sum(x,y)", X + Y),
        ("min(x,y,k)", sn.min(X, Y, K)),
        ("_pi*_e", sn.pi * sn.exp(1)),
        ("if(x > 2, k, 0)", sn.ifelse(X > 2, K, 0)),
        ("if(x, k, 0)", sn.ifelse(sn.ne(X, 0), K, 0)),
        ("if(x>1 && y<2 || !k, 1, 0)", sn.ifelse((X > 1) & (Y < 2) | ~sn.ne(K, 0), 1, 0)),
        ("k*(x>=1)", K * sn.ifelse(X >= 1, 1, 0)),
        ("x~=y", sn.ifelse(sn.ne(X, Y), 1, 0)),
        ("time()*x() + time", T * X + T),
        ("f(y) + f(2)", Y**2 + K + 4 + K),
        ("g(x, y) + g(y, 1)", X - Y + Y - 1),
    ],
)
def test_formulas_mean_what_bionetgen_says(text: str, term: object) -> None:
    assert read(text) == term


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the formula ends where a number or a name is missing"),
        ("2+", "the formula ends"),
        ("*2", "'\\*' stands where a number"),
        ("x y", "an operator is missing before 'y' \\(character 3\\)"),
        ("(x", "a bracket is not closed"),
        ("x)", "'\\)' at character 2 belongs to no open bracket"),
        ("(x,y)", "',' at character 3 belongs to no open bracket"),
        ("x $ y", "'\\$' at character 3 is not part of a formula"),
        ("x = y", "'=' at character 3 is not part"),
        ("z", "'z' is not defined"),
        ("gama", "'gama' is not defined; is 'gamma' meant"),
        ("f(1,2)", "f takes 1 arguments, but 2 are given"),
        ("f()", "f takes 1 arguments, but 0"),
        ("if(x,y)", "if takes 3 arguments, but 2"),
        ("exp()", "exp takes 1 arguments, but 0"),
        ("log(x)", "there is no function 'log'; write ln\\(x\\) or log10\\(x\\)"),
        ("sqr(x)", "there is no function 'sqr'; is 'sqrt' meant"),
        ("tfun(x)", "tabulated functions are not supported"),
        ("1e400", "beyond the largest float"),
    ],
)
def test_what_is_no_formula_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        read(text)


def test_time_needs_a_network_that_runs() -> None:
    with pytest.raises(FormulaError, match="'time' is not defined"):
        FormulaReader(NAMES, {}).read("time()")


def test_depth_does_not_matter() -> None:
    depth = 20_000
    assert read("(" * depth + "x" + ")" * depth) is X
    assert read("-" * depth + "x") is X


TERMS = st.recursive(
    st.sampled_from([X, Y, K, T]) | st.integers(-5, 5).map(sn.number) | st.floats(-1e6, 1e6).map(sn.number),
    lambda below: st.one_of(
        st.builds(lambda a, b: a + b, below, below),
        st.builds(lambda a, b: a * b, below, below),
        st.builds(lambda a, b: sn.ifelse((a > b) | (b >= 1), a, -b), below, below),
        st.builds(lambda a, n: sn.abs(a) ** n, below, st.integers(1, 3)),
        st.builds(lambda a: sn.exp(a) + sn.min(a, 2) + sn.sqrt(sn.abs(a)), below),
    ),
    max_leaves=12,
)


@given(TERMS)
def test_terms_come_back_as_they_were_written(term: object) -> None:
    try:
        text = written(term, {sn.term.key(T): "time()"})
    except ValueError as problem:
        assert "cannot be written" in str(problem)  # nan or inf came out of the arithmetic
        return
    assert read(text) == term


def test_what_bionetgen_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="BioNetGen has no operator 'erf'"):
        written(sn.erf(X), {})
    with pytest.raises(ValueError, match="inf cannot be written"):
        written(X * sn.number(math.inf), {})
