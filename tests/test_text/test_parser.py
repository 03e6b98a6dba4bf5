"""What the formula language means, and how mistakes are reported."""

from __future__ import annotations

import pickle
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnum as sn
from symnum.backends import tree
from symnum.text.parser import Limits, ParseError, parse

x, y, z = sn.symbols("x y z")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("x^2", x**2),
        ("x**2", x**2),
        ("-x^2", -(x**2)),
        ("(-x)^2", x**2),
        ("2^-x", sn.number(2) ** -x),
        ("2^-x*y", sn.number(2) ** -x * y),
        ("2^3^2", sn.number(512)),
        ("-2^2", sn.number(-4)),
        ("x - y - z", x - y - z),
        ("x/y/z", x / (y * z)),
        ("x/y*z", x * z / y),
        ("x % y * z", (x % y) * z),
        ("2*-x", -2 * x),
        ("+x - -y", x + y),
        ("1/3", sn.number(Fraction(1, 3))),
        ("1.5e-3", sn.number(0.0015)),
        (".5 + 2.", sn.number(2.5)),
        ("12345678901234567890", sn.number(12345678901234567890)),
        ("49.0/49.0", sn.number(1.0)),
        ("x < y and y < z", (x < y) & (y < z)),
        ("x < y & y < z | ~(x == z)", ((x < y) & (y < z)) | ~sn.eq(x, z)),
        ("not x < y", ~(x < y)),
        ("true or x > 0", sn.number(True)),
        ("ifelse(x >= 0, x, -x)", sn.ifelse(x >= 0, x, -x)),
        ("atan2(y, x) + max(x, y, 1)", sn.call("atan2", y, x) + sn.max(x, y, 1)),
        ("2*pi", 2 * sn.pi),
        ("2·π − x", 2 * sn.pi - x),
        ("inf", sn.number(float("inf"))),
        ("-inf + x", x - float("inf")),
        ("s := x + y; s^2 + s", (x + y) ** 2 + x + y),
        ("a := x*y;\nb := sin(a);\na + b", x * y + sn.sin(x * y)),
        ("(+)(x, y, z)", x + y + z),
        ("( ** )(x, 2)", x**2),
        ("α + x", sn.symbols("α") + x),
        ("k::positive + k", 2 * sn.symbols("k", positive=True)),
        ("n::integer::nonnegative", sn.symbols("n", integer=True, nonnegative=True)),
        ("\tx\n+\ny ", x + y),
    ],
)
def test_meaning(text: str, term: Any) -> None:
    assert parse(text) is term


def test_trees_are_built_as_written() -> None:
    a, b, c = (tree.symbol(name) for name in "abc")
    make = tree.make
    assert parse("a + b + c", backend="tree") == make("+", (a, b, c))
    assert parse("a - b + c + a", backend="tree") == make("+", (a - b, c, a))
    assert parse("a + b - c", backend="tree") == make("-", (make("+", (a, b)), c))
    assert parse("(a + b) + c", backend="tree") == a + b + c
    assert parse("a*b*c/a", backend="tree") == make("/", (make("*", (a, b, c)), a))
    assert parse("a > 0 or a == 0 and b >= 0 or c < 1", backend="tree").args[1].head == "and"
    assert parse("-2", backend="tree") == tree.number(-2)
    assert parse("-(2)", backend="tree") == -tree.number(2)
    assert parse("-2^a", backend="tree") == -(tree.number(2) ** a)
    assert parse("6/4", backend="tree") == tree.number(Fraction(3, 2))
    assert parse("6/4^a", backend="tree") == tree.number(6) / tree.number(4) ** a
    assert parse("a*6/4", backend="tree") == a * 6 / 4
    assert parse("sqrt(a)", backend="tree").head == "sqrt"


def test_names_are_bound_to_terms_and_numbers() -> None:
    k = sn.symbols("k", positive=True)
    assert parse("k*t + c", symbols={"k": k, "c": 3}) is k * sn.symbols("t") + 3
    assert parse("sqrt(k^2)", {"k": k}) is k
    assert parse("s*2", {"s": x + y}) is 2 * (x + y)
    assert parse("gamma + gamma(x)", {"gamma": y}) is y + sn.gamma(x)
    assert parse("é + 1", {"é": y}) is y + 1
    a = tree.symbol("a")
    assert parse("a + b", {"a": a}) == a + tree.symbol("b")  # the backend follows the bound terms


def test_strict_refuses_unbound_names() -> None:
    rate = sn.symbols("rate")
    assert parse("2*rate", {"rate": rate}, strict=True) is 2 * rate
    with pytest.raises(ParseError, match="the name 'rat' is not bound; did you mean 'rate'") as caught:
        parse("2*rat", {"rate": rate}, strict=True)
    assert caught.value.column == 3


def test_bound_names_are_not_defined_or_declared_otherwise() -> None:
    with pytest.raises(ParseError, match="cannot be defined, it is bound by symbols"):
        parse("s := 1; s", {"s": x})
    with pytest.raises(ParseError, match="bound to another term"):
        parse("s::positive", {"s": x})
    k = sn.symbols("k", positive=True)
    assert parse("k::positive", {"k": k}, strict=True) is k
    a = tree.symbol("a")
    assert parse("a + a::real", backend="tree") == a + a


def test_a_user_operator_is_read() -> None:
    sn.register_operator("parser_test_f", 1, "1", numpy="numpy.tanh({0})")
    assert str(parse("parser_test_f(x)^2")) == "parser_test_f(x)^2"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the text is empty"),
        (" \n ", 1, "the text is empty"),
        ("2x", 2, "no operator between 2 and x; write 2*x"),
        ("2(x + 1)", 2, "write 2*(...)"),
        ("(x)(y)", 4, "write (...)*(...)"),
        ("x y", 3, "write x*y"),
        ("1.5.2", 4, "write one number"),
        ("1_000", 2, "write one number"),
        ("sine(x)", 1, "there is no function 'sine'; did you mean 'sin'?"),
        ("1 + Sin(x)", 5, "did you mean 'sin'?"),
        ("ln(x)", 1, "did you mean 'log'?"),
        ("pow(x, 2)", 1, "write a^b"),
        ("x(y)", 1, "for a product write x*(...)"),
        ("sin", 1, "write sin(a)"),
        ("sin^2(x)", 1, "write sin(a)^2"),
        ("sin()", 1, "takes 1 argument, but 0 were given"),
        ("x + atan2(y)", 5, "takes 2 arguments, but 1 were given; write atan2(a, b)"),
        ("x = 2", 3, "write == to compare"),
        ("x < y < z", 7, "write x < y and y < ..."),
        ("x == y != z", 8, "comparisons cannot be chained"),
        ("(x + (y)", 1, "this bracket is never closed"),
        ("1 + sin(x", 8, "this bracket is never closed"),
        ("x + 1)", 6, "this bracket was never opened"),
        ("x + ", 5, "there is no operand after '+', the text ends"),
        ("x * / y", 5, "there is no operand after '*', '/' follows"),
        ("x // y", 3, "write floor(a/b)"),
        ("x && y", 3, "write & or and"),
        ("()", 2, "these brackets are empty"),
        ("max(x, )", 8, "there is no operand after ','"),
        ("(x, y)", 3, "a comma stands only between the arguments"),
        ("|x|", 1, "write abs(x)"),
        ("x!", 2, "gamma(n + 1)"),
        ("[x]", 1, "write round brackets"),
        ("x ? 1 : 2", 3, "write ifelse(condition, a, b)"),
        ("x if y else z", 3, "write ifelse(condition, a, b)"),
        ("x²", 2, "write ^2"),
        ("x ≤ 1", 3, "write <="),
        ("хy", 1, "(U+0445) cannot be part of a name"),
        ("x\x00", 2, "U+0000 is not part of the formula language"),
        ("__import__('os')", 1, "there is no function '__import__'"),
        ("x.__class__", 2, "terms have no attributes"),
        ("'x'", 1, "no quoted text"),
        ("\\frac{1}{2}", 1, "LaTeX is not read"),
        ("1e400", 1, "number too large: 1e400 is beyond the largest float"),
        ("x + " + "9" * 60_000, 5, "number too large: it has 60,000 digits"),
        ("ifelse(x, 1, 2)", 8, "operator 'ifelse' takes boolean arguments"),
        ("x > 0 and y", 11, "operator 'and' takes boolean arguments"),
        ("1 + (x > 0)", 5, "operator '+' takes real arguments"),
        ("sin(x > 0)", 5, "operator 'sin' takes real arguments"),
        ("b::boolean + 1", 1, "operator '+' takes real arguments"),
        ("x > 0 and x::boolean", 11, "was used before, at column 1, as a plain real symbol"),
        ("x::real + x::positive + x", 25, "declared in several ways"),
        ("x::odd", 4, "unknown assumption 'odd'"),
        ("x::", 4, "'::' needs a sort or an assumption"),
        ("3::real", 2, "only a name can be declared"),
        ("x; y", 2, "only a definition ends with ';'"),
        ("s := x", 1, "write ';' and the formula after it"),
        ("s := x;", 8, "there is no formula here"),
        ("s := 1; s := 2; s", 9, "already in use"),
        ("pi := 3; pi", 1, "cannot be defined, it is a function or constant"),
        ("s := s + 1; s", 1, "s is defined by itself"),
        ("s := x; s::positive", 9, "defined above and cannot be declared"),
        ("x + (s := 2)", 8, "a definition stands at the beginning"),
    ],
)
def test_mistakes_are_named_where_they_are(text: str, column: int, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert caught.value.text == text


def test_a_mistake_on_a_later_line_shows_that_line() -> None:
    with pytest.raises(ValueError, match=r"line 3, column 4: there is no function 'foo'") as caught:
        parse("x +\ny +\n\t  foo(z)\n+ 1")
    assert str(caught.value).splitlines()[1:] == ["       foo(z)", "       ^"]


def test_a_long_line_is_shown_in_part() -> None:
    with pytest.raises(ParseError) as caught:
        parse("x + " * 50_000 + "2y" + " + x" * 50_000)
    _, excerpt, caret = str(caught.value).splitlines()
    assert len(excerpt) < 140
    assert excerpt[caret.index("^")] == "y"


def test_the_error_pickles() -> None:
    with pytest.raises(ParseError) as caught:
        parse("2x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.column) == (str(caught.value), 2)


def test_arguments_of_a_wrong_type_are_refused() -> None:
    with pytest.raises(TypeError, match="parse reads a text, but got 3"):
        parse(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="symbols must be a mapping"):
        parse("x", [x])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"symbols\['x'\] is 'y' of type str"):
        parse("x", {"x": "y"})
    with pytest.raises(TypeError, match="of the 'tree' backend, but the formula is read into 'interned'"):
        parse("x", {"x": tree.symbol("x")}, backend="interned")
    with pytest.raises(ValueError, match="there is no term backend 'bush'"):
        parse("x", backend="bush")


# --- hostile texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("(" * 100_000 + "x" + ")" * 100_000, 20_001),
        ("sin(" * 100_000, 80_001),
        ("-" * 1_000_000 + "x", 80_002),
        ("2^" * 1_000_000 + "x", None),
    ],
    ids=["brackets", "calls", "signs", "powers"],
)
def test_too_deep_is_refused(text: str, column: int | None) -> None:
    with pytest.raises(ParseError, match="nested deeper than 20,000 brackets") as caught:
        parse(text)
    assert column is None or abs(caught.value.column - column) <= 4


def test_limits_are_the_callers() -> None:
    assert parse("((x))", limits=Limits(max_depth=2)) is x
    with pytest.raises(ParseError, match="nested deeper than 1"):
        parse("((x))", limits=Limits(max_depth=1))
    with pytest.raises(ParseError, match="the text has 5 characters, more than the 4 allowed"):
        parse("x + 1", limits=Limits(max_length=4))
    with pytest.raises(ParseError, match="number too large"):
        parse("12345", limits=Limits(max_digits=4))


@pytest.mark.parametrize(
    "text",
    [
        "9^9^9^9",
        "(1/3)^(1/1000000000000)",
        "3^(1000000000000 + 1/2)",
        "2^(-10^18)",
        "x^10^30",
    ],
)
def test_huge_powers_stay_powers(text: str) -> None:
    assert len(str(parse(text))) < 100


def test_exact_numbers_do_not_explode() -> None:
    doubling = "a0 := 10^30000; " + " ".join(f"a{i + 1} := a{i}*a{i};" for i in range(60)) + " a60"
    with pytest.raises(
        ParseError, match="number too large: the exact numbers worked out for this formula grow too long"
    ):
        parse(doubling)
    with pytest.raises(ParseError, match="number too large"):
        parse(" + ".join(f"x/(10^30000 + {i})" for i in range(1000)) + " + y")


@given(st.text(alphabet="x1.e+-*/^()<>=&|~,;: \nsinpmaxif_π²'\"\\", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        term = parse(text)
    except ParseError as problem:
        assert 1 <= problem.line <= text.count("\n") + 1
        assert 1 <= problem.column <= len(text) + 1
    else:
        assert parse(repr(term)) is term


def test_the_recursion_limit_is_not_touched() -> None:
    before = sys.getrecursionlimit()
    parse("(" * 15_000 + "x" + ")" * 15_000)
    assert sys.getrecursionlimit() == before
