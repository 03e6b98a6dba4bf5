"""The compiled functional machine beside the readable one: the same memory, exit, rules and reasons."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from fmc_programs import random_program

from symnum.rewriting.machines import compiled, fmc
from symnum.rewriting.machines.compiled.functional_loop import RULES

OMEGA = "[⟨x⟩.[x].x].⟨x⟩.[x].x"
TWO = "⟨f⟩.⟨x⟩.[[x].f].f"


def same(program: Any, memory: Any = None, steps: int = 300, cells: int = 1 << 9) -> Any:
    """Run a program on both machines, hold the reports equal, and return the compiled machine's."""
    readable = fmc.execute(program, memory, machine="environment", limits=fmc.RunLimits(steps=steps))
    ours = compiled.execute(program, memory, limits=compiled.FunctionalLimits(steps=steps, cells=cells))
    for name in ("memory", "exit", "steps", "stop", "rule", "why", "location", "counts"):
        assert getattr(ours, name) == getattr(readable, name), (name, str(program))
    assert ours.last.term == readable.last.term
    assert ours.last.continuation == readable.last.continuation
    return ours


@pytest.mark.parametrize("control", [False, True])
def test_random_programs_run_alike(control: bool) -> None:
    choice = Random(11)
    stops = set()
    for _ in range(300):
        program = random_program(choice, choice.randint(1, 25), control=control, loops=control)
        given = {a: [random_program(choice, 4) for _ in range(choice.randint(0, 4))] for a in "λab"}
        stops.add(same(program, given, cells=1 << 14).stop)
    assert stops >= {"done", "stuck"}


@pytest.mark.parametrize(
    "program, memory, found",
    [
        ("[2].[3].<x>.<y>.[x]", None, {"λ": [3]}),
        ("⟨x⟩.⟨y⟩.[x].[y]", {"λ": [1, 2]}, {"λ": [2, 1]}),
        ("c⟨_⟩.[2]c.c⟨x⟩.[x]c.[x]", {"c": [1]}, {"c": [2], "λ": [2]}),
        ("in⟨x⟩.in⟨y⟩.[y]out.[x]out", {"in": [1, 2], "unused": []}, {"out": [1, 2]}),
        ("([1]out;!e;[2]out);e→[3]out", None, {"out": [1, 3]}),
    ],
)
def test_vectors(program: str, memory: Any, found: dict[str, list[int]]) -> None:
    assert {a: [str(v) for v in s] for a, s in same(program, memory).memory.items()} == {
        a: [str(v) for v in s] for a, s in found.items()
    }


def test_a_loop_and_a_power_of_numerals_run_alike() -> None:
    power = f"[⟨z⟩.[z]].[⟨v⟩.[v].[v].⟨a⟩.⟨b⟩.[a]].[{TWO}].[{TWO}].⟨m⟩.[m].m"
    for steps in (10, 37, 1000):
        same(power, steps=steps, cells=1 << 14)
        same(OMEGA, steps=steps)


def test_every_rule_is_counted() -> None:
    program = "(([⟨x⟩.x]c;c⟨y⟩.[!t].[!e].⟨u⟩.u);e→(true);t→[1]);s→[2]"
    loop = "[!e].[!⋆].[!⋆].(⟨x⟩.x)^⋆"
    seen = {rule for text in (program, loop) for rule in same(text).counts}
    assert seen == set(RULES)


@pytest.mark.parametrize("program", ["⟨x⟩.[x]", "c⟨x⟩.[x]", "p", "3", "[p].⟨x⟩.x"])
def test_stuck_states_say_which_rule_found_nothing_to_do(program: str) -> None:
    found = same(program)
    assert found.stop == "stuck" and found.rule and found.why


def test_a_long_run_that_drops_what_it_makes_stays_small() -> None:
    found = compiled.execute(OMEGA, limits=compiled.FunctionalLimits(steps=300_000, cells=1 << 10))
    assert (found.stop, found.steps) == ("limit", 300_000)


def test_memory_is_bounded_and_the_limit_is_named() -> None:
    limits = compiled.FunctionalLimits(cells=1 << 12)
    with pytest.raises(
        MemoryError, match=r"heap of the run needs more than 4,096 cells.*FunctionalLimits\(cells=\.\.\.\)"
    ):
        compiled.execute("[⟨x⟩.[1].[x].x].⟨x⟩.[x].x", limits=limits)
    nested = fmc.SKIP
    for _ in range(2_000):
        nested = fmc.case(nested, "i", fmc.SKIP)
    with pytest.raises(MemoryError, match="continuation"):
        compiled.execute(nested, limits=limits)
    assert compiled.execute(nested).steps == 4_000


def test_programs_nested_deep_need_no_recursion() -> None:
    pushed, spine = fmc.SKIP, fmc.SKIP
    for _ in range(10_000):
        pushed, spine = fmc.push(pushed), fmc.push(1, "a", spine)
    assert compiled.execute(pushed).memory == {"λ": [pushed.args[0]]}
    assert len(compiled.execute(spine).memory["a"]) == 10_000


def test_formulas_with_bound_variables_and_streams_are_refused() -> None:
    for program in ("[1].⟨x⟩.[x+1]", "[1].⟨x⟩.(x+1)"):
        with pytest.raises(ValueError, match="formula.*fmc.execute"):
            compiled.execute(program)
    with pytest.raises(ValueError, match="'in' has a stream.*give a list"):
        compiled.execute("in⟨x⟩.[x]", {"in": iter([1])})
