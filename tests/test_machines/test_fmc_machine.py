"""The machines of the Functional Machine Calculus: vectors of the literature, two machines that agree, traces, bad runs."""

from __future__ import annotations

import random
from itertools import count, repeat
from typing import Any

import pytest
from fmc_programs import random_program
from hypothesis import given, settings
from hypothesis import strategies as st

import symnum as sn
from symnum.rewriting import RewriteLoopError, bottom_up, first, fixpoint
from symnum.rewriting.machines import fmc
from symnum.rewriting.machines.fmc.choice import FIRST, SECOND

MACHINES = ("environment", "substitution")


@pytest.mark.parametrize("machine", MACHINES)
def test_vectors(machine: str) -> None:
    def run(text: str, memory: dict[str, list[Any]]) -> tuple[dict[str, list[str]], int, int]:
        found = fmc.execute(text, memory, machine=machine)
        assert found.stop == "done" and found.exit == "⋆"
        moves = found.counts.get("push", 0) + found.counts.get("pop", 0)
        return {a: [str(v) for v in s] for a, s in found.memory.items()}, moves, found.steps

    assert run("⟨x⟩.⟨y⟩.[x].[y]", {"λ": ["p", "q"]}) == ({"λ": ["q", "p"]}, 4, 4)
    assert run("c⟨_⟩.[2]c.c⟨x⟩.[x]c.[x]", {"c": [1]}) == ({"c": ["2"], "λ": ["2"]}, 5, 5)
    memory, _, _ = run("in⟨x⟩.in⟨y⟩.[y]out.[x]out", {"in": ["b", "a"]})
    assert memory == {"out": ["b", "a"]}
    for bit, chosen in ((FIRST, "M"), (SECOND, "N")):
        found = fmc.execute("[N].[M].rnd⟨b⟩.b", {"rnd": [bit]}, machine=machine)
        assert found.stop == "stuck" and str(found.last and found.last.term) == chosen
    assert fmc.execute("⟨x⟩.[x]", machine=machine).stop == "stuck"
    assert fmc.run("[2].[3].<x>.<y>.[x]", machine=machine) == {"λ": [3]}


def test_values_are_terms_of_symnum() -> None:
    x, k = sn.symbols("x k")
    assert fmc.run("<a>.<b>.[a*b + 1]", {"λ": [x + 1, 3]}) == {"λ": [3 * (x + 1) + 1]}
    assert fmc.run("[k^2 + 1].<a>.[a + k]") == {"λ": [k**2 + k + 1]}
    assert fmc.run("<a>.[a < 3]", {"λ": [2]})["λ"][0] == sn.parse("true")


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.booleans())
def test_both_machines_and_both_forms_agree(seed: int, control: bool) -> None:
    rng = random.Random(seed)
    program = random_program(rng, rng.randrange(4, 25), control=control, loops=control, formulas=not control)
    memory = {"λ": ["p", "⟨x⟩.x"], "a": ["⟨x⟩.[x]a", "q"], "b": [1]}
    limits = fmc.RunLimits(steps=300)
    runs = {
        (machine, form): fmc.execute(term, memory, machine=machine, limits=limits)
        for machine in MACHINES
        for form, term in (("cons", program), ("sequence", fmc.in_sequence_form(program)))
    }
    if any(r.stop == "limit" for r in runs.values()):
        return
    wanted = runs["substitution", "cons"]
    for (machine, form), other in runs.items():
        assert (other.stop, other.exit) == (wanted.stop, wanted.exit), (machine, form)
        assert flat(other.memory) == flat(wanted.memory), (machine, form)
        for rule in ("push", "pop"):
            assert other.counts.get(rule, 0) == wanted.counts.get(rule, 0)


def flat(memory: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Bring what lies on the stacks into cons form as far as it goes: the rules that are the identities of composition."""
    rules = fixpoint(bottom_up(first(*[fmc.RULES[name] for name in ("select", "prefix", "associate")])))
    return {
        a: [v if (new := rules(v)) is None else new for v in map(fmc.program, stack)]
        for a, stack in memory.items()
    }


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_steps_do_not_change_the_normal_form_of_the_readback(seed: int) -> None:
    rng = random.Random(seed)
    program = random_program(rng, rng.randrange(3, 14), control=True)
    trace = fmc.execute(
        program, {"a": ["p"]}, trace=True, machine=rng.choice(MACHINES), limits=fmc.RunLimits(20)
    ).trace
    forms = []
    for state in trace:
        try:
            forms.append(fmc.permuted(fmc.normalize(state.readback(), limits=fmc.ReductionLimits(40))))
        except RewriteLoopError:
            return
    assert all(form == forms[0] for form in forms)


def test_streams() -> None:
    assert fmc.run("in<x>.in<y>.[x + y]out", {"in": iter([3, 4, 5])}) == {"out": [7]}
    endless = fmc.execute("in<x>.in<y>.[y]in.in<z>.[z + x]", {"in": count(10)})
    assert endless.memory == {"λ": [21]} and endless.read == {"in": 2}
    stream = fmc.Stream(repeat(1))
    assert fmc.run("([3]s.s<x>.s<y>.[x + y])", {"s": stream}) == {"λ": [4]} and stream.taken == 1
    short = fmc.execute("in<x>.in<y>.[x]", {"in": iter([1])})
    assert (short.stop, short.rule, short.location) == ("stuck", "pop", "in")
    assert fmc.run("[7]s", {"s": iter([1, 2])}) == {"s": [7]}


def test_traces() -> None:
    found = fmc.execute("[2].<x>.[x]out", trace=True)
    assert [s.rule for s in found.trace] == ["", "push", "pop", "push"]
    assert [str(s.term) for s in found.trace] == ["[2].⟨x⟩.[x]out", "⟨x⟩.[x]out", "[2]out", "⋆"]
    assert str(found.trace).splitlines()[1] == " 1  push     ⟨x⟩.[x]out                 λ = 2"
    assert all(s.readback() is not None for s in found.trace)
    environment = fmc.execute("[2].<x>.[x]out", trace=True, machine="environment").trace
    assert [str(s.term) for s in environment] == [str(s.term) for s in found.trace]
    assert str(environment.states[1].readback()) == "[2].⟨x⟩.[x]out"


def test_runs_without_end_keep_their_beginning() -> None:
    omega = "[⟨x⟩.[x].x].⟨x⟩.[x].x"
    found = fmc.execute(omega, limits=fmc.RunLimits(steps=50, trace=10), trace=True)
    assert (found.stop, found.steps, len(found.trace), found.trace.left_out) == ("limit", 50, 11, 40)
    assert "... 40 states left out ..." in str(found.trace)
    with pytest.raises(fmc.RunLimitError, match=r"did not end within 50 steps; it is at \[⟨x⟩") as caught:
        fmc.run(omega, limits=fmc.RunLimits(steps=50), trace=True)
    assert caught.value.run.trace.states[3].term == caught.value.run.trace.states[1].term


def test_stuck_runs_say_which_rule_found_nothing() -> None:
    with pytest.raises(
        fmc.RunStuckError, match=r"rule 'pop' found nothing to do after 1 steps: location 'c' is empty"
    ) as e:
        fmc.run("[1].c<x>.[x]")
    assert e.value.run.memory == {"λ": [1]}
    with pytest.raises(
        fmc.RunStuckError, match=r"rule 'run' found nothing to do after 0 steps: q is a free variable"
    ):
        fmc.run("q.[1]")
    with pytest.raises(fmc.RunStuckError, match=r"3 is a value and cannot be run"):
        fmc.run("[3].<x>.x")
    for machine in MACHINES:
        with pytest.raises(fmc.RunStuckError, match=r"'\+' works on values, but got the program ⟨y⟩.y"):
            fmc.run("[<y>.y].<x>.[x + 1]", machine=machine)
        with pytest.raises(fmc.RunStuckError):
            fmc.run("[true].<x>.[x + 1]", machine=machine)
    with pytest.raises(fmc.UncaughtExitError, match=r"exit 'e', which nothing catches"):
        fmc.run("[1].(!e)")


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match=r"there is no machine 'krivine'"):
        fmc.run("[1]", machine="krivine")
    with pytest.raises(ValueError, match=r"the limit steps is -1"):
        fmc.RunLimits(steps=-1)
    with pytest.raises(TypeError, match=r"fmc.execute takes limits=RunLimits"):
        fmc.run("[1]", limits=100)
    with pytest.raises(TypeError, match=r"a memory is a mapping"):
        fmc.run("[1]", [1])
    with pytest.raises(TypeError, match=r"location 'λ' has a stack, bottom first, but got 3"):
        fmc.run("[1]", {"λ": 3})
    with pytest.raises(TypeError, match=r"a stack holds programs and values, but got None"):
        fmc.run("[1]", {"λ": [None]})
    with pytest.raises(ValueError, match=r"uses variables bound outside"):
        fmc.run(fmc.parse("<x>.[x]").args[2])


def test_deep_runs() -> None:
    deep = fmc.parse("[" * 10_000 + "[2].<x>.x" + "]" * 10_000)
    assert fmc.run(deep)["λ"] == [deep.args[0]]
    body = "[k]." + ".".join(["<x>.[x + 1]"] * 2_000)
    assert fmc.run(body) == {"λ": [sn.symbols("k") + 2_000]}
    closures = "[p]." + ".".join(["<x>.[[x].x]"] * 1_000)
    deep_value = fmc.run(closures)["λ"][0]
    assert fmc.format(deep_value, limit=3) == "[[[..."
    endless = fmc.execute("[<f>.[f].f.[1]].<f>.[f].f", limits=fmc.RunLimits(50_000))
    assert endless.stop == "limit" and endless.last is not None and len(endless.last.continuation) == 10_000
    calls = fmc.run("[<f>.<n>.([f].(n > 0);t→([n - 1].<m>.<g>.[m].[g].g);f→<_>.[0])].<f>.[1000].[f].f")
    assert calls == {"λ": [0]}


class Stuck(Exception):
    """The oracle pops an empty stack or runs a constant."""


class OutOfFuel(Exception):
    """The oracle runs for too long."""


def denotation(instructions: list[tuple[Any, ...]], names: dict[str, Any], fuel: list[int]) -> Any:
    """Return a list of instructions with names as the function on memories that it denotes; what is pushed is such a function."""

    def function(memory: dict[str, list[Any]]) -> None:
        scope = dict(names)
        for kind, *rest in instructions:
            fuel[0] -= 1
            if fuel[0] < 0:
                raise OutOfFuel
            if kind == "push":
                body, location = rest
                memory.setdefault(location, []).append(denotation(body, dict(scope), fuel))
            elif kind == "constant":
                memory.setdefault(rest[1], []).append(rest[0])
            elif kind == "pop":
                if not memory.get(rest[0]):
                    raise Stuck
                scope[rest[1]] = memory[rest[0]].pop()
            elif isinstance(scope[rest[0]], str):
                raise Stuck
            else:
                scope[rest[0]](memory)

    return function


def random_instructions(rng: random.Random, size: int, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    made: list[tuple[Any, ...]] = []
    for _ in range(size):
        chance, location = rng.random(), rng.choice("λλab")
        if chance < 0.3:
            made.append(("push", random_instructions(rng, rng.randrange(size), names), location))
        elif chance < 0.5:
            made.append(("constant", rng.choice("pqr"), location))
        elif chance < 0.8 or not names:
            made.append(("pop", location, rng.choice("xyz")))
            names = (*names, made[-1][2])
        else:
            made.append(("run", rng.choice(names)))
    return made


def written(instructions: list[tuple[Any, ...]]) -> str:
    def one(kind: str, *rest: Any) -> str:
        place = {"λ": ""}.get(rest[-1] if kind != "pop" else rest[0], rest[-1] if kind != "pop" else rest[0])
        if kind == "push":
            return f"[{written(rest[0])}]{place}"
        if kind == "constant":
            return f"[{rest[0]}]{place}"
        return f"{place}<{rest[1]}>" if kind == "pop" else rest[0]

    return ".".join(one(*instruction) for instruction in instructions) or "*"


def test_programs_are_functions_of_memories() -> None:
    rng, outcomes = random.Random(5), {"done": 0, "stuck": 0}
    for _ in range(700):
        instructions = random_instructions(rng, rng.randrange(1, 12), ())
        memory: dict[str, list[Any]] = {"λ": ["p", "q"], "a": ["r"]}
        found = fmc.execute(written(instructions), memory, limits=fmc.RunLimits(2_000))
        try:
            denotation(instructions, {}, [2_000])(memory)
        except OutOfFuel:
            continue
        except Stuck:
            assert found.stop == "stuck"
            outcomes["stuck"] += 1
            continue
        assert found.stop == "done"
        for location, stack in memory.items():
            reached = found.memory.get(location, [])
            assert len(reached) == len(stack)
            assert all(str(r) == s for r, s in zip(reached, stack) if isinstance(s, str))
        outcomes["done"] += 1
    assert min(outcomes.values()) > 150
