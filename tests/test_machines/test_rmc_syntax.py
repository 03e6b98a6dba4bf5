"""The relational calculus as text: reading, writing, and what is said about ill-formed programs."""

from __future__ import annotations

import pickle
from random import Random

import pytest
from rmc_programs import random_program

import symnum as sn
from symnum import term as interface
from symnum.rewriting import bottom_up, fixpoint
from symnum.rewriting.machines import rmc
from symnum.text.tokens import Limits, ParseError

DEEP = 10_000


@pytest.mark.parametrize("seed", range(40))
def test_a_program_is_read_again_from_its_text(seed: int) -> None:
    choice = Random(seed)
    for _ in range(10):
        program = random_program(choice, choice.randrange(1, 20), stars=True, names=["X", "y"])
        assert rmc.parse(rmc.format(program)) == program
        assert rmc.parse(rmc.format(program, ascii=True)) == program
        assert rmc.format(program, ascii=True).isascii()


@pytest.mark.parametrize(
    "text, shown",
    [
        ("new x y. <x>; <y>; [x]; [y]", "∃x y. ⟨x⟩; ⟨y⟩; [x]; [y]"),
        ("∃x. (⟨x⟩; [x])*; skip; c<b>", "∃x. (⟨x⟩; [x])*; c⟨b⟩"),
        ("(new x. <x>); [b] + 0", "(∃x. ⟨x⟩); [b]"),
        ("[f(X, ?y, 'Z', -1/2, 2.5)]", "[f(X, ?y, 'Z', -1/2, 2.5)]"),
        ("a<_>; _ == _", "(∃_0. a⟨_0⟩); ∃_0 _1. _0 ≐ _1"),
        ("[{sin(x)^2 + 1}]", "[{sin(x)^2 + 1}]"),
        ("-- a comment\n[b] -- another\n", "[b]"),
        ("([a]; b<c>)^", "[c]b; ⟨a⟩"),
        ("new x. new x. [x]", "∃x x1. [x1]"),
        ("0* + ([a] + [b])*", "0* + ([a] + [b])*"),
    ],
)
def test_text_is_shown_as_it_is_meant(text: str, shown: str) -> None:
    assert str(rmc.parse(text)) == shown
    assert rmc.parse(shown) == rmc.parse(text)


def test_names_of_bound_unknowns_do_not_count() -> None:
    assert rmc.parse("new x. [x]; new y. <y>") == rmc.parse("new u. [u]; new u. <u>")
    assert hash(rmc.parse("new x. [x]")) == hash(rmc.parse("new y. [y]"))
    assert rmc.parse("new x. [x]") != rmc.parse("new x. [y]")


def test_a_bound_name_shadows_a_constant_and_printing_avoids_it() -> None:
    inner = rmc.new("x", rmc.seq(rmc.push(rmc.unknown("x")), rmc.push(rmc.constant("x"))))
    assert str(inner) == "∃x1. [x1]; [x]"
    assert rmc.parse(str(inner)) == inner


@pytest.mark.parametrize(
    "text, place, problem",
    [
        ("[a", (1, 3), "']' is needed after the value of a push"),
        ("a<b", (1, 4), "'⟩' or '>' is needed"),
        ("[a];\n(b<c>", (2, 6), "for the bracket opened at line 2, column 1"),
        ("[a])", (1, 4), "nothing more is expected"),
        ("[a];", (1, 5), "a step is needed"),
        ("", (1, 1), "a step is needed"),
        ("new . [a]", (1, 5), "the name of an unknown"),
        ("new x [x]", (1, 7), "another name, or the '.'"),
        ("[a]; b", (1, 7), "a test is 'value == value'"),
        ("[f(a,]", (1, 6), "a value is needed"),
        ("[f(a]", (1, 5), "')' is needed after the arguments of 'f'"),
        ("[1/0]", (1, 4), "a whole number other than 0"),
        ("[a] @", (1, 5), "'@' is not part of the language"),
        ("[{x +}]", (1, 6), "there is no operand after '+'"),
        ("[{x]", (1, 5), "for the brace opened at line 1, column 2"),
        ("new xy. <x>; <y>", (1, 1), "separate the names: 'new x y.'"),
        ("[sin({a}, {b})]", (1, 5), "'sin' takes 1 argument"),
    ],
)
def test_ill_formed_programs_are_refused_at_their_place(
    text: str, place: tuple[int, int], problem: str
) -> None:
    with pytest.raises(ParseError) as caught:
        rmc.parse(text)
    assert (caught.value.line, caught.value.column) == place
    assert problem in str(caught.value)


def test_what_is_no_program_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"a program is needed, but got 3 .*rmc\.parse"):
        rmc.seq(3)
    with pytest.raises(TypeError, match="a value is needed, but got the program"):
        rmc.push(rmc.parse("[a]"))
    with pytest.raises(TypeError, match=r"a location is a name, but got 3"):
        rmc.push("a", 3)
    with pytest.raises(TypeError, match="a value is a term, but got <object"):
        rmc.push(object())
    with pytest.raises(TypeError, match="a memory is a mapping"):
        rmc.run("skip", 3)
    with pytest.raises(AttributeError, match="its public names are"):
        rmc.nothing
    with pytest.raises(AttributeError, match="its public names are"):
        rmc.encodings.nothing


def test_constants_of_any_name_are_read_again() -> None:
    for name in ("a", "a'", "Z", "-", "sin", ".", "a.b", "two words", "#", "[", "new", "?", "λ", "3"):
        program = rmc.push(rmc.constant(name))
        assert rmc.parse(str(program)) == program, name
        assert rmc.parse(rmc.format(program, ascii=True)) == program
    for name in ("", "it's", "a\nb"):
        with pytest.raises(ValueError, match="a constant cannot be named"):
            rmc.constant(name)


def test_nesting_and_length_are_bounded() -> None:
    with pytest.raises(ParseError, match="nested deeper"):
        rmc.parse("(" * 11 + "skip" + ")" * 11, limits=Limits(max_depth=10))
    with pytest.raises(ParseError, match="the limit is 5"):
        rmc.parse("skip; skip", limits=Limits(max_length=5))


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"new x{i}. " for i in range(DEEP)) + "[x3]",
        "(" * (DEEP // 2) + "[a]" + "; [b])*" * (DEEP // 2),
        "[" + "f(" * DEEP + "X" + ")" * DEEP + "]",
        "; ".join(["[a]", "<a>"] * (DEEP // 4)),
    ],
)
def test_deep_programs_are_read_written_turned_round_and_run(text: str) -> None:
    program = rmc.parse(text)
    assert rmc.parse(str(program)) == program
    assert rmc.dual(rmc.dual(program)) == program
    assert rmc.run(program, limits=rmc.Limits(answers=1)).answers


def test_programs_are_terms_of_the_interface() -> None:
    program = rmc.parse("new x. <x>; [f(x)]")
    assert interface.is_call(program) and interface.head(program) == "rmc.new"
    rebuilt = interface.make(program, interface.head(program), interface.args(program))
    assert rebuilt == program
    assert pickle.loads(pickle.dumps(program)) == program
    # the shared strategies run on them: [a] becomes [b] everywhere
    a, b = rmc.parse("[a]"), rmc.parse("[b]")
    change = fixpoint(bottom_up(lambda t: b if t == a else None))
    assert change(rmc.parse("([a]; c<a>)* + [a]")) == rmc.parse("([b]; c<a>)* + [b]")


def test_terms_of_symnum_are_values_unchanged() -> None:
    x = sn.symbols("x")
    formula = sn.sin(x) ** 2 + 1
    answer = rmc.run(rmc.parse("new u. <u>; [u]; [u]"), [formula])[0]
    assert answer.memory["λ"][0] is formula
    found = rmc.run(rmc.parse("new u. <{1 + sin(u)^2}>; [u]"), [formula])[0]
    assert found.memory["λ"] == (x,)
    assert not rmc.run("<{cos(x)}>", [formula]).answers
    assert rmc.run("[{y + 2}]; new u. <{u + 2}>; [{u*x}]")[0].memory["λ"] == (sn.symbols("y") * x,)


@pytest.mark.parametrize("seed", range(20))
def test_the_dual_is_an_involution(seed: int) -> None:
    choice = Random(seed)
    for _ in range(50):
        program = random_program(choice, choice.randrange(1, 15), stars=True, names=["X"])
        assert rmc.dual(rmc.dual(program)) == program
