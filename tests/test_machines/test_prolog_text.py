"""Prolog text: what is read, what is refused with line and column, and that what is written is read again."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from symnum.rewriting.machines import compiled, rmc
from symnum.rewriting.machines.nodes import call, variable
from symnum.rewriting.machines.rmc.horn import LIBRARY, PRIMITIVES, encode
from symnum.rewriting.machines.rmc.primitives import COMPARISONS, OPERATIONS, TESTS
from symnum.rewriting.machines.rmc.prolog_reader import INFIX, PREFIX, clauses, goals
from symnum.rewriting.machines.rmc.prolog_writer import text
from symnum.rewriting.machines.rmc.symbols import spelled, symbol
from symnum.text.tokens import ParseError


def written(query: str) -> list[str]:
    """Return the values of X in the answers of a query on no program."""
    return [answer["X"] for answer in rmc.prolog("", query, limit=None, engine="readable")]


@pytest.mark.parametrize(
    "given, found",
    [
        ("1+2*3-4", "1+2*3-4"),
        ("(1+2)*3", "(1+2)*3"),
        ("1-(2-3)", "1-(2-3)"),
        ("- 1", "- 1"),
        ("-1", "-1"),
        ("-(1)", "-(1)"),
        ("1 - -1", "1- -1"),
        ("-a", "-a"),
        ("-(-(a))", "- -a"),
        ("a:-b,c;d->e", None),
        ("f(A,b,'C d',\"\")", None),
        ("f(',')", "f(',')"),
        ("'it''s'", "'it\\'s'"),
        ("'a\\nb'", "'a\\nb'"),
        ("[a,b|c]", "[a,b|c]"),
        ("[(a,b)]", "[(a,b)]"),
        ("f((a:-b))", "f((a:-b))"),
        ("'hello world'(x)", "'hello world'(x)"),
        ("[]", "[]"),
        ("'[]'", "[]"),
        ("0'a", "97"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("a mod b", "a mod b"),
        ("X2 = 1", None),
        ("sin(cos)", "sin(cos)"),
        ("a.b", None),
        ("'a.b'('.')", "'a.b'('.')"),
        ("- (1)", "-(1)"),
        ("f(-)", "f(-)"),
        ("[-]", "[-]"),
        ("f(\\+a)", "f(\\+a)"),
        ("f(;)", "f(;)"),
        ("1 = 2", None),
    ],
)
def test_terms_are_written_as_they_are_read(given: str, found: str | None) -> None:
    if found is None:
        with pytest.raises(ParseError):
            written(f"X = {given}")
    else:
        (first,) = written(f"X = {given}")
        assert first == (found if given != "- 1" else first)
        assert written(f"X = {first}") == [first]


def test_random_terms_are_read_as_they_were_written() -> None:
    choice = Random(1)
    names = [
        "a",
        "b",
        "f",
        "+",
        "-",
        "*",
        "is",
        "mod",
        "=",
        ":-",
        ",",
        ";",
        "->",
        "\\+",
        "[]",
        "[|]",
        "it's",
        "A",
        "a.b",
        "!",
        "|",
        "",
    ]
    operators = [name for name in (*INFIX, *PREFIX)]

    def value(depth: int) -> Any:
        kind = choice.random()
        if depth == 0 or kind < 0.25:
            return choice.choice([call(symbol(choice.choice(names))), variable("X"), choice.randint(-3, 30)])
        name = choice.choice(operators if kind < 0.7 else names)
        return call(symbol(name), *[value(depth - 1) for _ in range(choice.randint(1, 3))])

    for _ in range(400):
        made = text(value(4))
        (read,) = goals(f"q(({made}))")
        assert text(_value(read.arguments[0])) == made


def _value(term: Any) -> Any:
    if term.kind == "variable":
        return variable(term.name)
    if term.kind == "integer":
        return int(term.name)
    return call(symbol(term.name), *map(_value, term.arguments))


@pytest.mark.parametrize(
    "program, line, column, words",
    [
        ("p(a", 1, 4, "the text ends where ')' is needed, for the bracket opened at line 1, column 1"),
        ("p(a).\nq(b) :- p(b)", 2, 13, "full stop"),
        ("p(a b).", 1, 5, "an operator, or ')', is missing"),
        ("p([a|b,c]).", 1, 7, "nothing follows the tail"),
        ("p(a]).", 1, 4, "']' stands where ')' is needed"),
        ("p(1.5).", 1, 3, "integers"),
        ('p("abc").', 1, 3, "single quotes"),
        ("p('abc).", 1, 3, "does not end"),
        ("p('\\q').", 1, 4, "no escape"),
        ("p({}).", 1, 3, "curly"),
        ("/* p", 1, 1, "does not end"),
        ("a = b = c.", 1, 3, "brackets"),
        ("p(:- a).", 1, 3, "weaker"),
        ("p :- X.", 1, 6, "outside of Horn"),
        ("X :- p.", 1, 1, "a variable"),
        ("3.", 1, 1, "an integer"),
        (":- dynamic(p).", 1, 1, "directives"),
        ("p.\nq :- p, !.", 2, 9, "a cut is outside"),
        ("q :- \\+ q.", 1, 6, "negation is outside"),
        ("q :- (q ; q).", 1, 9, "two clauses"),
        ("q :- q -> q.", 1, 8, "if-then-else"),
        ("q :- p(X), appendd(X, Y, Z). p(1).", 1, 12, "did you mean append/3"),
        ("q :- length([], X).", 1, 6, "no clause defines length/2.*The program defines q/0; the library append/3.*built in are"),
        ("X is Y.", 1, 3, "is/2 is built in and cannot be defined"),
        ("q(X) :- X is sqrt(2).", 1, 14, "arithmetic has no sqrt/1.*abs/1"),
        ("q(X) :- X < 1/2.", 1, 14, "arithmetic has no //2|arithmetic has no"),
        ("p :- .", 1, 6, "'.' stands where a term is needed"),
        ("p :- q r.", 1, 8, "follows a complete term"),
        ("p :- |.", 1, 6, "where a term is needed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(program: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ParseError) as caught:
        encode(program, "true")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.problem or re.search(words, caught.value.problem), caught.value.problem


@pytest.mark.parametrize("query", ["", "?- ", "p(", "p(a). q(b).", "nothing(X)", "p(a), !"])
def test_queries_are_checked_too(query: str) -> None:
    with pytest.raises(ParseError):
        rmc.prolog("p(a).", query)


def test_a_query_may_be_written_as_at_the_prompt() -> None:
    assert list(rmc.prolog("p(a).", "?- p(X).", engine="readable")) == [{"X": "a"}]


def test_wrong_types_and_options_are_refused() -> None:
    with pytest.raises(TypeError, match="a program is a text"):
        rmc.prolog(3, "p")
    with pytest.raises(ValueError, match="limit is -1"):
        rmc.prolog("p.", "p", limit=-1)
    with pytest.raises(ValueError, match="no engine 'fast'"):
        rmc.prolog("p.", "p", engine="fast")


@pytest.mark.parametrize("engine", ["compiled", "readable"])
def test_arithmetic_that_has_no_value_is_an_error_after_the_answers_before(engine: str) -> None:
    program = "n(1). n(0). n(a). q(X, Y) :- n(X), Y is 10 // X."
    found = rmc.prolog(program, "q(X, Y)", engine=engine)
    assert next(found) == {"X": "1", "Y": "10"}
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        next(found)
    with pytest.raises(ArithmeticError, match="an unknown has no value"):
        list(rmc.prolog("", "X is Y + 1", engine=engine))
    with pytest.raises(ArithmeticError, match=r"f\(b\) stands where arithmetic needs an integer"):
        list(rmc.prolog("p(f(b)).", "p(X), 3 < 2 + X", engine=engine))


def test_integers_beyond_a_cell_are_named_by_the_compiled_machine_and_right_in_the_readable_one() -> None:
    query = "X is 1152921504606846975 + 1"
    with pytest.raises(OverflowError, match="beyond 1,152,921,504,606,846,975"):
        list(rmc.prolog("", query))
    with pytest.raises(OverflowError):
        list(rmc.prolog("", "X is 4611686018427387 * 4611686018427387"))
    assert list(rmc.prolog("", query, engine="readable")) == [{"X": str(2**60)}]


@pytest.mark.parametrize("engine", ["compiled", "readable"])
@pytest.mark.parametrize(
    "query, count",
    [
        ("X = 1, var(Y), nonvar(X), integer(X)", 1),
        ("atom(a), atom([])", 1),
        ("atom(f(a))", 0),
        ("atom(1)", 0),
        ("integer(a)", 0),
        ("X == X, f(X) == f(X)", 1),
        ("X == Y", 0),
        ("X \\== Y, f(a) \\== f(b)", 1),
        ("X \\= Y", 0),
        ("f(X, b) \\= f(a, X)", 1),
        ("f(X, b) \\= f(a, Y), X = c", 0),
        ("true, X = 2, true", 1),
        ("member(X, [1,2,3]), fail", 0),
        ("false", 0),
        ("member(X, [1,2,3]), X >= 2, X =\\= 3, X =:= 1 + 1", 1),
        (
            "X is min(2, max(-1, abs(-7))) + sign(-3) - (-4 // 3) * (-7 mod 3) + (-7 rem 3) + (-7 div 2) + +(1), X =:= -1",
            1,
        ),
        ("select(X, [1,2,3], Y), reverse(Y, Z), append(Z, [X], W)", 3),
        ("numlist(2, 5, L), permutation(L, [5,4,3,2])", 1),
        ("between(1, 3, X), between(X, 3, Y)", 6),
        ("X = Y, Y = f(_, _), X = f(A, B), A = 1", 1),
    ],
)
def test_primitives_and_the_library(query: str, count: int, engine: str) -> None:
    assert len(list(rmc.prolog("", query, limit=None, engine=engine))) == count


def test_the_tables_of_primitives_name_the_same_in_both_machines() -> None:
    from symnum.rewriting.machines.compiled import arithmetic

    assert set(arithmetic.OPERATIONS) == set(OPERATIONS)
    assert set(arithmetic.COMPARISONS) == set(COMPARISONS)
    assert set(arithmetic.TESTS) == TESTS
    defined = {clause.head.indicator for clause in clauses(LIBRARY)}
    assert not defined & PRIMITIVES


def test_a_program_may_define_what_the_library_has() -> None:
    assert list(rmc.prolog("member(X, X).", "member(a, Y)", engine="readable")) == [{"Y": "a"}]


def test_a_search_without_end_stops_at_its_limit_with_its_answers() -> None:
    program = "p(1). p(2). p(X) :- p(X)."
    found = rmc.prolog("q(1). q(2). q(X) :- r(X). r(X) :- r(X).", "q(X)", limits=compiled.Limits(steps=1000))
    with pytest.warns(RuntimeWarning, match=r"stopped \(steps\) before it was exhausted"):
        assert [a["X"] for a in found] == ["1", "2"]
    assert found.stopped == "steps"
    assert found.report.steps == 1000
    readable = rmc.prolog(program, "p(X), X = 2, p(3)", engine="readable", limits=rmc.Limits(steps=500))
    with pytest.warns(RuntimeWarning, match="there may be more answers"):
        assert list(readable) == []
    assert readable.stopped == "steps"
    with pytest.raises(MemoryError, match="cells"):
        list(rmc.prolog("q(X) :- q(f(X)).", "q(a)", limits=compiled.Limits(cells=1 << 13)))


def test_unnamed_and_hidden_variables() -> None:
    found = rmc.prolog("p(1, 2). p(3, 4).", "p(_, X), _ = _", engine="readable")
    assert list(found) == [{"X": "2"}, {"X": "4"}]
    (first,) = rmc.prolog("", "X = f(Y, _, Z), Z = Y", engine="readable")
    assert first == {"X": "f(Y,_0,Y)", "Y": "Y", "Z": "Y"}


def test_terms_nested_deep_are_read_run_and_written() -> None:
    depth = 10_000
    nested = "f(" * depth + "a" + ")" * depth
    items = "[" + ",".join("1" for _ in range(depth)) + "]"
    summed = "+".join("1" for _ in range(depth))
    (found,) = rmc.prolog(f"p({nested}, {items}).", f"p(X, Y), Z is {summed}")
    assert found == {"X": nested, "Y": items, "Z": str(depth)}


def test_a_program_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "family.pl"
    file.write_text("parent(ann, bob). % who\n/* and */ parent(bob, cid).\n", encoding="utf-8")
    assert list(rmc.consult(file, "parent(X, cid)", engine="readable")) == [{"X": "bob"}]


def test_names_stand_for_themselves_whatever_symnum_calls_them() -> None:
    for name in ("sin", "+", "a.b", "'", "\\", "\\d.", "x"):
        assert spelled(symbol(name)) == name
    assert list(rmc.prolog("p(sin(1+2)).", "p(sin(X))", engine="readable")) == [{"X": "1+2"}]
