"""Reduction and spans: every order ends in the multiset of spans of the symbolic run; and types."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from rmc_programs import random_program

from symnum.rewriting import bottom_up, first, fixpoint
from symnum.rewriting.machines import rmc
from symnum.rewriting.machines.rmc.reduction import in_order, reduce_at_random, spans_of
from symnum.rewriting.machines.rmc.rules import RULES
from symnum.rewriting.machines.rmc.span import sum_of_spans
from symnum.rewriting.strategies import RewriteLoopError


def confluent(choice: Random, count: int, largest: int) -> Counter[int]:
    """Reduce random programs in three random orders and by the shared strategies; return how many had how many spans."""
    sizes: Counter[int] = Counter()
    for _ in range(count):
        program = random_program(choice, choice.randrange(1, largest))
        expected = rmc.spans(program)
        sizes[sum(expected.values())] += 1
        for _ in range(3):
            assert spans_of(reduce_at_random(program, choice)) == expected, program
        assert spans_of(rmc.reduce(program)) == expected, program
        assert rmc.spans(rmc.dual(program)) == Counter({s.dual: n for s, n in expected.items()}), program
        assert rmc.spans(rmc.normalize(program)) == expected
    return sizes


@pytest.mark.parametrize("seed", range(10))
def test_every_order_of_reduction_ends_in_the_spans(seed: int) -> None:
    confluent(Random(seed), 60, 11)


@pytest.mark.slow
def test_every_order_of_reduction_ends_in_the_spans_of_ten_thousand_programs() -> None:
    start = time.monotonic()
    sizes = confluent(Random(2024), 10_000, 11)
    assert sum(sizes.values()) == 10_000 and sum(n for size, n in sizes.items() if size > 1) > 2_000
    print(
        f"10,000 programs, 30,000 random reductions: {time.monotonic() - start:.0f} s, spans {sorted(sizes.items())}"
    )


@pytest.mark.parametrize("seed", range(5))
def test_reduction_keeps_the_meaning_of_programs_with_stars(seed: int) -> None:
    choice = Random(seed)
    universe = [rmc.constant("b"), rmc.constant("c")]
    compared = 0
    for _ in range(40):
        program = random_program(choice, choice.randrange(2, 8), stars=True, depth=0)
        normal = [rmc.reduce(program), reduce_at_random(program, choice), rmc.normalize(program)]
        for memory in ({}, {"a": "b", "λ": "c b"}):
            try:
                meaning = rmc.den(program, memory, universe, most=300)
                assert all(rmc.den(n, memory, universe, most=3000) == meaning for n in normal), program
                compared += 1
            except OverflowError:
                continue
    assert compared > 50


@pytest.mark.parametrize(
    "program, normal",
    [
        ("new x. <x>; [f(x, b)]; new u v. <f(u, v)>; [v]; [u]", "∃x0. ⟨x0⟩; [b]; [x0]"),
        ("[a]; new x. <x>; [f(x, x)]", "[f(a, a)]"),
        ("[s]a; b<t>", "b⟨t⟩; [s]a"),
        ("([a] + [b]); <a>", "⋆"),
        ("[a]; <b>; [c]*", "0"),
        ("(skip + 0)*", "⋆"),
        ("new x. [x]; <f(x)>", "0"),
        ("new x. x == f(b); [x]", "[f(b)]"),
        ("(new x. [x]a; b<c>; a<d>)*; skip", "b⟨c⟩*"),
        ("X == a; [X]", "X ≐ a; [a]"),
        ("[f(X)]; <f(Y)>; [g(X, Y)]", "Y ≐ X; [g(X, X)]"),
        ("new x. (<x>*)", "∃x. ⟨x⟩*"),
        ("new x. (x == Y; [x])*", "∃x. (x ≐ Y; [Y])*"),
        ("[b]d; [a]c; <e>b; <e>a", None),
    ],
)
def test_normal_forms(program: str, normal: str | None) -> None:
    if normal is None:
        with pytest.raises(ValueError, match="line 1"):
            rmc.normalize(program)
        return
    assert str(rmc.normalize(program)) == normal


def test_unknowns_of_an_inner_binder_are_bound_through_it() -> None:
    program = rmc.parse("new x. new y. x == f(y); [x]; [y]")
    assert rmc.reduce(program) == rmc.parse("new y. [f(y)]; [y]")
    program = rmc.parse("new x y z. x == f(y, z); y == g(z); a<x>; [z]")
    assert rmc.reduce(program) == rmc.parse("new z. a<f(g(z), z)>; [z]")


def test_each_step_of_a_reduction_is_recorded() -> None:
    steps: list[rmc.ReductionStep] = []
    rmc.reduce("[a]; new x. <x>; [x]", trace=steps)
    assert [s.rule for s in steps] == ["extrude", "meet", "solve", "bind"]
    assert all(s.before != s.after for s in steps)


def test_reducts_lists_each_step_that_is_possible() -> None:
    found = [(rule.name, str(new)) for rule, new in rmc.reducts(rmc.parse("[a]; <a>; (skip + skip)"))]
    assert found == [("dist", "[a]; ⟨a⟩ + [a]; ⟨a⟩"), ("meet", "a ≐ a; (⋆ + ⋆)")]
    assert not list(rmc.reducts(rmc.reduce("[a]; <b>")))


def test_rules_are_rewriters_for_the_shared_strategies() -> None:
    term = rmc.parse("([a]; <a>)*; new x. [b]")
    once = fixpoint(bottom_up(fixpoint(first(*RULES))))
    assert once(term) == rmc.parse("[b]") == rmc.reduce(term)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert RULES[0](rmc.constant("a")) is None
    with pytest.raises(RewriteLoopError):
        rmc.reduce("[a]; [b]; <b>; <a>", limits=rmc.ReduceLimits(steps=1))
    with pytest.raises(TypeError, match="ReduceLimits"):
        rmc.reduce("skip", limits=3)


def test_spans_need_a_star_free_program_and_an_end() -> None:
    with pytest.raises(ValueError, match=r"has a star in it.*rmc\.normalize"):
        rmc.spans("[a]*")
    with pytest.raises(OverflowError, match="the limit of answers was reached"):
        rmc.spans("; ".join(["([a] + [b])"] * 8), limits=rmc.Limits(answers=100))
    with pytest.raises(ValueError, match="is no span"):
        spans_of(rmc.parse("[a]; <a>"))


def test_multiplicities_are_kept() -> None:
    found = rmc.spans("([a] + [a]); (skip + skip)")
    assert list(found.values()) == [4]
    assert rmc.spans(sum_of_spans(found)) == found
    assert str(sum_of_spans(found)) == "[a] + [a] + [a] + [a]"


def test_order_of_steps_at_different_locations_does_not_count() -> None:
    assert rmc.normalize("[x]b; [y]a") == rmc.normalize("[y]a; [x]b")
    assert rmc.normalize("([x]b; [y]a)*") == rmc.normalize("([y]a; [x]b)*")
    assert in_order(rmc.parse("[b] + [a]")) == rmc.parse("[a] + [b]")


# --- types ------------------------------------------------------------------------------------------------------------------

PEANO = {"s": "nat -> nat", "z": "nat"}
ADD = "(new x y. <s(x)>; <y>; [s(y)]; [x])*; <z>"


@pytest.mark.parametrize(
    "program, found",
    [
        ("new x. <x>; [x]; [x]", "α ρ ⇒ α α ρ"),
        ("new x y. <x>; <y>; [x]; [y]", "α β ρ ⇒ β α ρ"),
        (ADD, "nat nat ρ ⇒ nat ρ"),
        ("new x. c<x>; [x]c; [x]", "c(α ρ ⇒ α ρ), σ ⇒ α σ"),
        ("0; [z]", "ρ ⇒ nat σ"),
        ("skip", "⇒"),
        ("[z]; <X>; [s(X)]", "ρ ⇒ nat ρ"),
        ("[{3}]; <{x}>", None),
    ],
)
def test_types(program: str, found: str | None) -> None:
    if found is None:
        with pytest.raises(TypeError, match="there is integer ρ where it needs real σ"):
            rmc.infer(program, PEANO)
        return
    assert str(rmc.infer(program, PEANO)) == found
    assert rmc.infer(rmc.dual(rmc.parse(program)), PEANO) == rmc.infer(program, PEANO).dual or not {
        *"ασ"
    }.isdisjoint(found)


@pytest.mark.parametrize(
    "program, why",
    [
        ("([z])*", "at λ it takes ρ and leaves nat ρ, which must be one type"),
        ("[z] + skip; [z]; [z]", "one choice leaves nat ρ and another nat nat ρ"),
        ("[z]; <s(q)>", "s' takes nat where q is of sort list"),
        ("z == q", "z is of sort nat, and q of sort list, which do not agree"),
        ("[q]; <z>", "there is list ρ where it needs nat σ"),
        ("[s(z, z)]", "'s' has 2 arguments in the program and 1 in the signature"),
    ],
)
def test_an_untypable_program_is_refused_with_both_types(program: str, why: str) -> None:
    with pytest.raises(TypeError) as caught:
        rmc.infer(program, {**PEANO, "q": "list"})
    assert why in str(caught.value)


def test_a_signature_is_read_with_care() -> None:
    assert (
        str(rmc.infer("new h t. <h>; <t>; [cons(h, t)]", {"cons": "a, list -> list"})) == "a list ρ ⇒ list ρ"
    )
    for wrong in ("", "a -> b -> c", "a -> b c"):
        with pytest.raises(ValueError, match="write 'nat' for a constant"):
            rmc.infer("skip", {"f": wrong})


@pytest.mark.parametrize("seed", range(5))
def test_a_typed_program_never_pops_from_an_empty_stack(seed: int) -> None:
    choice = Random(seed)
    typed = 0
    for _ in range(150):
        program = random_program(choice, choice.randrange(1, 9), stars=True, depth=0)
        try:
            found = rmc.infer(program, {"b": "o", "c": "o", "f": "o o -> o"})
        except TypeError:
            continue
        typed += 1
        memory = {a: ["b"] * len(sorts) for a, (sorts, _) in found.takes.items()}
        steps = rmc.trace(program, memory, limits=rmc.Limits(steps=300))
        assert not any("the stack is empty" in s.failure for s in steps), program
        leaves = {a: len(sorts) for a, (sorts, _) in found.leaves.items() if sorts}
        assert all({a: len(v) for a, v in answer.stacks} == leaves for answer in steps.answers)
        for rule, new in rmc.reducts(program):
            assert _typable(new), (rule, program)
    assert typed > 40


def _typable(program: Any) -> bool:
    rmc.infer(program, {"b": "o", "c": "o", "f": "o o -> o"})
    return True
