"""The compiled relational machine beside the readable one: the same answers in the same order, whatever the memory it is given."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Any

import pytest
from rmc_programs import random_program, random_value

from symnum import symbols
from symnum.rewriting.machines import compiled, rmc
from symnum.rewriting.machines.compiled import relational
from symnum.rewriting.machines.nodes import call, hint, index


def both(
    program: Any, memory: Any = None, *, most: int = 50, cells: int = 1 << 12
) -> tuple[list[Any], list[Any]]:
    """Return the first answers of the readable and of the compiled machine; an end that one reports the other must report."""
    readable = rmc.answers(program, memory, search="depth", limits=rmc.Limits(steps=1500, answers=most))
    wanted = list(readable)
    ours = compiled.answers(program, memory, limits=compiled.Limits(cells=cells, steps=10_000))
    found = list(islice(ours, len(wanted)))
    if readable.report.exhausted:
        assert next(ours, None) is None
        assert ours.report.exhausted
    return wanted, found


@pytest.mark.parametrize("stars", [False, True])
def test_random_programs_have_the_same_answers_in_the_same_order(stars: bool) -> None:
    choice = Random(7)
    answers = 0
    for _ in range(200):
        program = random_program(choice, choice.randint(2, 14), stars=stars, depth=2, names=["X", "Y"])
        memory = {
            a: tuple(random_value(choice, ["X", "Z"], 2) for _ in range(choice.randint(0, 3))) for a in "λa"
        }
        wanted, found = both(program, memory)
        assert found == wanted, str(program)
        answers += len(wanted)
    assert answers > 150


@pytest.mark.parametrize(
    "program, memory, answers",
    [
        ("new x y z. <x>; <y>; <z>; [x]; [z]; [y]", "e d c", ["λ: c e d"]),
        ("new x. (<x>*)", "b b", ["λ: b b", "λ: b", "yes"]),
        ("(new x. <x>)*", "b c", ["λ: b c", "λ: b", "yes"]),
        ("0", None, []),
        ("0*; (0 + 0)*", "b", ["λ: b"]),
        ("X == f(X)", None, []),
        ("f(X, X) == f(Y, g(Y))", None, []),
        ("X == Y; Y == f(Z); [X]", None, ["X = f(Z), Y = f(Z), Z = Z, λ: f(Z)"]),
        ("<[|](X, Y)> + <f(X)> + <X>", "[|](a, Z)", ["X = a, Y = Y, Z = Y", "X = '[|]'(a, Z), Y = Y, Z = Z"]),
        ("<X>; <f(Y)>", "f(b)", []),
    ],
)
def test_vectors(program: str, memory: str | None, answers: list[str]) -> None:
    program = program.replace("[|]", "'[|]'")
    memory = memory and memory.replace("[|]", "'[|]'")
    wanted, found = both(program, memory)
    assert found == wanted
    assert list(map(str, found)) == answers


def test_terms_of_symnum_are_values_and_operators_on_unknowns_are_refused() -> None:
    x, y = symbols("x y")
    swap = rmc.parse("new a b. <a>; <b>; [a]; [b]")
    assert [a.memory for a in compiled.answers(swap, {"λ": (x + y, x * y)})] == [{"λ": (x * y, x + y)}]
    same = rmc.seq(rmc.pop(y + x), rmc.pop(2**70))
    assert len(list(compiled.answers(same, {"λ": (2**70, x + y)}))) == 1
    with pytest.raises(ValueError, match=r"operator '\+' on unknowns.*readable"):
        compiled.answers(rmc.push(rmc.function("+", rmc.unknown("X"), 1)))


def test_terms_nested_deep_need_no_recursion() -> None:
    left: Any = rmc.constant("a")
    right: Any = rmc.unknown("X")
    for _ in range(10_000):
        left, right = rmc.function("f", left, 1), rmc.function("f", right, 1)
    (answer,) = compiled.answers(rmc.seq(rmc.push(left), rmc.pop(right)))
    assert answer["X"] == rmc.constant("a")
    (answer,) = compiled.answers(rmc.pop(rmc.unknown("Y")), {"λ": (left,)})
    assert answer["Y"] == left


def test_a_program_nested_deep_is_compiled_without_recursion() -> None:
    program = rmc.skip
    for k in range(10_000):
        body = rmc.plus(rmc.seq(rmc.push(index(0)), program), rmc.zero)
        program = call("rmc.new", hint("x"), body) if k % 2 else rmc.seq(program, rmc.pop("a"))
    assert compiled.translated(program).depth == 5_000


def test_unification_of_shared_terms_takes_no_exponential_time() -> None:
    doubled = "; ".join(f"X{k} == f(X{k + 1}, X{k + 1}); Y{k} == f(Y{k + 1}, Y{k + 1})" for k in range(40))
    for last, count in (("X40 == a; Y40 == b", 0), ("X40 == Y40", 1), ("X40 == a; Y40 == a", 1)):
        assert len(list(compiled.answers(f"{doubled}; {last}; X0 == Y0"))) == count
    assert not list(compiled.answers(f"{doubled}; X40 == g(X0)"))


GROWING = "(new x. <x>; [f(x)])*; <done>"


def test_memory_is_bounded_and_the_limit_is_named() -> None:
    with pytest.raises(
        MemoryError, match=r"heap of the run needs more than 4,096 cells.*Limits\(cells=\.\.\.\)"
    ):
        list(compiled.answers(f"[a]; {GROWING}", limits=compiled.Limits(cells=1 << 12)))
    with pytest.raises(MemoryError, match="choice points"):
        list(compiled.answers("[a]; ((<a>; [a]) + [a])*; <b>", limits=compiled.Limits(cells=1 << 13)))


def test_a_long_run_that_drops_what_it_makes_stays_small() -> None:
    count = (
        "[n]c; "
        + "; ".join("[s]d" for _ in range(10))
        + "; (new x. d<s>; <x>; [f(x, x)]; <f(x, x)>; [x]; [s]d)*; <nothing>"
    )
    found = compiled.answers(f"[a]; {count}", limits=compiled.Limits(steps=200_000, cells=1 << 12))
    assert list(found) == []
    assert found.report.stop == "steps"
    assert found.collections > 10
    assert found.cells < 1 << 15


def test_what_survives_collections_is_right_under_choice_points() -> None:
    """Bindings made after a choice point are undone after the collector moved them."""
    add = "(new x y. <s(x)>; <y>; [s(y)]; [x])*; <z>"
    number = "z"
    for _ in range(150):
        number = f"s({number})"
    splits = rmc.dual(rmc.parse(add))
    small = compiled.answers(splits, number, limits=compiled.Limits(cells=1 << 11))
    large = compiled.answers(splits, number)
    work = rmc.seq(splits, rmc.parse(add), splits)
    assert list(small) == list(large)
    small, large = (
        compiled.answers(work, "s(s(s(z)))", limits=compiled.Limits(cells=c)) for c in (600, 1 << 20)
    )
    assert list(small) == list(large)


@pytest.mark.parametrize("name, value", [("steps", 5000), ("seconds", 0.05)])
def test_limits_keep_the_answers_so_far(name: str, value: float) -> None:
    found = compiled.answers("[a] + ([b]; (skip)*; <c>)", limits=compiled.Limits(**{name: value}))
    assert [str(a) for a in found] == ["λ: a"]
    assert found.report.stop == name
    assert found.report.answers == 1
    assert f"limit of {name}" in found.report.why


def test_ctrl_c_ends_a_run_and_keeps_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compiled.answers("[a]*")
    assert len(list(islice(found, 2))) == 2

    def interrupted(*arguments: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(relational, "run_relational", interrupted)
    assert list(found) == []
    assert found.report.stop == "interrupted"


@pytest.mark.parametrize("limits", [{"steps": 0}, {"seconds": -1.0}, {"cells": 0}])
def test_limits_that_bound_nothing_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a limit is positive"):
        compiled.Limits(**limits)
