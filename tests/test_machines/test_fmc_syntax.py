"""Programs of the Functional Machine Calculus: reading, writing, composition, substitution."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fmc_programs import random_program
from hypothesis import given, settings
from hypothesis import strategies as st

import symnum as sn
from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting.machines import fmc
from symnum.rewriting.machines.binding import shift
from symnum.rewriting.machines.fmc.syntax import is_program, run
from symnum.text.tokens import Limits, ParseError

PROGRAMS = [
    "⟨x⟩.⟨y⟩.[x].[y]",
    "c⟨_⟩.[2]c.c⟨x⟩.[x]c.[x]",
    "[⟨x⟩.[x].x].⟨x⟩.[x].x",
    "rnd⟨b⟩.b.[[x].y]out",
    "!a;i→!b;j→!c",
    "p;(q;r)",
    "(p.q)^i",
    "((p;q)^⋆;i→⋆)^j",
    "[n**m].(x + 1).y.(3).(-2)",
    "[a < b and not (c == d) or true]",
    "f(x, y + 1).[cons(1, nil)]",
    "⟨x⟩.[x*x - x/2 + mod(x, 3)]",
    "[1.5e+10].[-x].[x^2]",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_what_is_written_reads_back(text: str) -> None:
    program = fmc.parse(text)
    assert fmc.parse(str(program)) == program
    assert fmc.parse(fmc.format(program, ascii=True)) == program
    assert fmc.format(program, ascii=True).isascii()


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 25))
def test_random_programs_read_back(seed: int, size: int) -> None:
    program = random_program(random.Random(seed), size, control=True, loops=True, formulas=True)
    assert fmc.parse(str(program)) == program
    assert fmc.parse(fmc.format(program, ascii=True)) == program
    assert str(fmc.parse(str(program))) == str(program)


def test_ascii_and_unicode_are_one_program() -> None:
    assert fmc.parse("c<x> . [x]c . [x] ; e -> *") == fmc.parse("c⟨x⟩.[x]c.[x];e→⋆")


def test_names_of_variables_do_not_count() -> None:
    assert fmc.parse("<x>.<y>.[x].y") == fmc.parse("<a>.<b>.[a].b") != fmc.parse("<a>.<b>.[b].a")
    assert str(fmc.parse("<a>.<b>.[a].b")) == "⟨a⟩.⟨b⟩.[a].b"


def test_written_names_are_never_mistaken() -> None:
    inner = fmc.parse("<x>.<x>.[x].x1")
    assert str(inner) == "⟨x⟩.⟨x⟩.[x].x1"
    both = fmc.substitute(fmc.parse("<y>.<x>.[y].[x]").args[2], fmc.parse("[x]"))
    assert str(both) == "⟨x1⟩.[[x]].[x1]"
    assert str(fmc.parse("<x>.<z>.[x].[z]")).startswith("⟨x⟩")
    hidden = fmc.pop("λ", "x", fmc.pop("λ", "x", fmc.parse("<p>.<q>.[p].[q]").args[2].args[2]))
    assert str(hidden) == "⟨x⟩.⟨x1⟩.[x].[x1]"
    assert fmc.parse(str(hidden)) == hidden


def test_labels_are_the_names_before_arrows_and_after_loops() -> None:
    assert fmc.parse("e;e→p") == fmc.parse("!e;e→p")
    assert fmc.parse("<e>.e;e→p") != fmc.parse("<e>.(!e);e→p")
    assert fmc.parse("q;e→p") != fmc.parse("!q;e→p")
    assert fmc.parse("(k)^k") == fmc.parse("(!k)^k")


def test_quoted_names_are_always_symbols() -> None:
    program = fmc.push(
        sn.symbols("e"), "my place", fmc.case(fmc.exit_with("e"), "e", run(sn.symbols("e") + 1))
    )
    assert str(program) == "['e']'my place'.(!e;e→'e' + 1)"
    assert fmc.parse(str(program)) == program
    assert fmc.parse("'a b'.[x]") == run(interned.symbol("a b"), fmc.parse("[x]"))
    assert str(fmc.parse("'true'.['x']")) == "'true'.[x]"


def test_the_variable_of_a_looped_pop_ends_with_the_loop() -> None:
    assert fmc.parse("⟨x⟩^i.[x]") == fmc.parse("(⟨x⟩)^i.[x]")
    assert fmc.parse("⟨x⟩^i.[x]").free == 0


def test_cases_lean_to_the_left() -> None:
    assert fmc.parse("p;i→q;j→r") == fmc.parse("(p;i→q);j→r") != fmc.parse("p;i→(q;j→r)")


def test_given_names_are_programs() -> None:
    twice = fmc.parse("<f>.[f.f]")
    assert fmc.parse("twice.twice", {"twice": twice}) == fmc.compose(twice, twice)
    assert fmc.parse("<twice>.twice", {"twice": twice}) == fmc.parse("<x>.x")
    assert fmc.parse("[n]", {"n": 3}) == fmc.parse("[3]")


def test_programs_are_terms_of_the_shared_interface() -> None:
    program = fmc.parse("[x + 2]a.a<y>.y")
    assert interface.head(program) == "fmc.push"
    assert interface.backend_of(program) == "machines"
    assert interface.make(program, interface.head(program), interface.args(program)) == program
    assert sn.symbols("x") in interface.free_symbols(program)
    assert sn.parse("x + 2") in list(interface.postorder(program))


def test_composition() -> None:
    m, n, p = (fmc.parse(t) for t in ("<x>.[x].q", "[1]a.a<x>.x", "<y>.<z>.[z].r"))
    assert fmc.compose(fmc.SKIP, m) == m == fmc.compose(m, fmc.SKIP)
    assert fmc.compose(fmc.compose(m, n), p) == fmc.compose(m, fmc.compose(n, p))
    assert fmc.compose(fmc.parse("<q>.[q]"), m) == fmc.parse("<v>.[v].<x>.[x].q")
    assert fmc.compose(fmc.parse("!e"), n) == fmc.parse("!e;([1]a.a<x>.x)")


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32))
def test_composition_is_associative(seed: int) -> None:
    rng = random.Random(seed)
    m, n, p = (random_program(rng, 6, bound=2) for _ in range(3))
    assert fmc.compose(fmc.compose(m, n), p) == fmc.compose(m, fmc.compose(n, p))
    value = random_program(rng, 3)
    both = fmc.substitute(fmc.compose(m, n), value)
    assert both == fmc.compose(fmc.substitute(m, value), fmc.substitute(n, value))


def test_substitution_splices_what_is_run_and_captures_nothing() -> None:
    def put(text: str, value: str) -> Any:
        return fmc.substitute(fmc.parse(text).args[2], fmc.parse(value))

    assert put("<x>.x.[x].x", "[y].z") == fmc.parse("[y].z.[[y].z].[y].z")
    assert put("<x>.<y>.x.[y]", "[y]") == fmc.parse("<v>.[y].[v]")
    assert put("<x>.x.<y>.x.[y]", "<z>.[z]") == fmc.parse("<a>.[a].<y>.<b>.[b].[y]")
    assert put("<x>.<x>.x", "q") == fmc.parse("<x>.x")
    assert put("<x>.[x^2 + k].[x < 3]", "2") == fmc.parse("[4 + k].[true]")
    no_value = put("<x>.[x + 1]", "<y>.y")
    assert str(no_value) == "[(⟨y⟩.y) + 1]" and no_value != put("<x>.[x + 1]", "<y>.[y]")
    assert str(put("<x>.[x + 1]", "true")) == "[true + 1]"


def test_forms() -> None:
    cons = fmc.parse("<f>.<x>.[[x].f].f.f.q")
    assert fmc.in_cons_form(cons)
    assert not fmc.in_cons_form(fmc.in_sequence_form(cons))
    assert str(fmc.in_sequence_form(fmc.parse("p.q.r"))) == "p;(q;r)"
    assert fmc.normalize(fmc.in_sequence_form(cons)) == cons


BAD = [
    ("", 1, 1, "an instruction is needed"),
    ("[x", 1, 1, "this '[' is not closed"),
    ("p.\n  (q.r", 2, 3, "this '(' is not closed"),
    ("x)", 1, 2, "no bracket is open"),
    ("[x)", 1, 3, "the bracket to close is ']'"),
    ("[x] y", 1, 5, "'.', ';' or an operator is needed"),
    ("<'x'>.x", 1, 2, "without quotes"),
    ("x y", 1, 3, "'.', ';' or an operator is needed"),
    ("x..y", 1, 3, "an instruction is needed"),
    ("a<3>", 1, 5, "an instruction is needed"),
    ("<3>.x", 1, 2, "the variable of a pop is needed"),
    ("<x.x", 1, 3, "needed after the variable of a pop"),
    ("<_>.[_]", 1, 6, "'_' is never bound"),
    ("[[p] + 1]", 1, 6, "both sides must be values"),
    ("[<x>.x + 1].(<y> * 2)", 1, 18, "both sides must be values"),
    ("p;3→q", 1, 3, "a label is needed before '→'"),
    ("(p)^", 1, 5, "a label is needed after '^'"),
    ("[sin(x, y)]", 1, 5, "takes 1 argument"),
    ("[true + 1]", 1, 7, "'+'"),
    ("p?q", 1, 2, "'?' is not part of the language"),
]


@pytest.mark.parametrize(("text", "line", "column", "problem"), BAD)
def test_ill_formed_programs_show_the_place(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(ParseError) as caught:
        fmc.parse(text)
    assert problem in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)


PIECES = ["x", "e", "λ", "<", ">", "⟨x⟩", "a<y>", "[", "]", "[x]", "(", ")", ".", ";", "->", "^", "*", "⋆", "!", "2", "3.5", "+", "-", "/",
          "**", "not", "==", "f(", ",", "'a b'", "_", "--", "\n", " ", "true", "{"]  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_any_text_is_a_program_that_reads_back_or_is_refused(text: str) -> None:
    try:
        program = fmc.parse(text)
    except ParseError as error:
        assert 0 <= error.args[2] <= len(text) and str(error).startswith("line ")
        return
    assert fmc.parse(str(program)) == program


def test_what_is_no_text_or_too_much_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a program is a text, but got 3"):
        fmc.parse(3)
    with pytest.raises(ParseError, match=r"nested more than 5 deep"):
        fmc.parse("[" * 9 + "x" + "]" * 9, limits=Limits(max_depth=5))
    with pytest.raises(ParseError, match=r"the number has 5,000 digits"):
        fmc.parse("[" + "1" * 5000 + "]")


def test_deep_and_long_programs() -> None:
    deep = fmc.parse("[" * 10_000 + "[2].<x>.x" + "]" * 10_000)
    assert fmc.parse(str(deep)) == deep
    assert fmc.format(deep, limit=20) == "[" * 20 + "..."
    long = fmc.parse(".".join(["<x>.[x].[x]"] * 1_500))
    assert fmc.parse(str(long)) == long
    assert fmc.compose(long, long).free == 0
    nested = fmc.parse(".".join(f"<x{k}>" for k in range(1_500)) + ".[x0].[x1499]")
    assert str(nested).endswith("[x0].[x1499]")
    assert shift(nested, 3) is nested and is_program(nested)
