"""Reduction of the Functional Machine Calculus: the rules, confluence, agreement with the machine, the laws of a store."""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

import pytest
from fmc_programs import random_program, randomly_normalized
from hypothesis import given, settings
from hypothesis import strategies as st

from symnum.rewriting import RewriteLoopError, bottom_up, fixpoint, top_down
from symnum.rewriting.machines import fmc
from symnum.rewriting.machines.fmc.encodings import STORE_LAWS, Law

RULE_VECTORS = [
    ("beta", "[N]a.a<x>.[x].x", "[N].N"),
    ("beta", "[2]a.a<x>.[x + k]", "[k + 2]"),
    ("passage", "[N]b.a<x>.[x]", "a<x>.[N]b.[x]"),
    ("select", "!i;i→M", "M"),
    ("reject", "!j;i→M", "!j"),
    ("prefix", "([N]a.P);i→M", "[N]a.(P;i→M)"),
    ("prefix", "(a<x>.[x]);i→M", "a<x>.([x];i→M)"),
    ("prefix", "(p.q);M", "p.(q;M)"),
    ("associate", "(P;i→N);i→M", "P;i→(N;i→M)"),
    ("truth", "(1 < 2).M", "!t"),
    ("truth", "false.M", "!f"),
    ("eta", "a<x>.[x]a.M", "M"),
    ("end", "M;i→!i", "M"),
]


@pytest.mark.parametrize(("rule", "before", "after"), RULE_VECTORS)
def test_rules(rule: str, before: str, after: str) -> None:
    assert fmc.TYPED_RULES[rule](fmc.parse(before)) == fmc.parse(after)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("beta", "[N]a.b<x>.[x]"),
        ("passage", "[N]a.a<x>.[x]"),
        ("passage", "[N]a.[P]b"),
        ("select", "!j;i→M"),
        ("reject", "!i;i→M"),
        ("prefix", "(p.q);i→M"),
        ("associate", "(P;i→N);j→M"),
        ("truth", "b.M"),
        ("eta", "a<x>.[x]a.[x]b"),
        ("eta", "a<x>.[x]b.M"),
        ("end", "M;i→!j"),
    ],
)
def test_rules_decline(rule: str, text: str) -> None:
    assert fmc.TYPED_RULES[rule](fmc.parse(text)) is None


def test_executed_variables_block() -> None:
    for text in ("[N]a.p.a<x>.[x]", "p.[N]a", "<p>.[N]a.p.a<x>.[x]"):
        assert fmc.normalize(text) == fmc.parse(text)


def test_beta_at_a_distance() -> None:
    assert str(fmc.normalize("[N]a.[P]b.c⟨y⟩.a⟨x⟩.[x].[y]")) == "c⟨y⟩.[P]b.[N].[y]"


def test_the_shared_strategies_run_the_rules() -> None:
    program = fmc.parse("[1]a.[2]b.a<x>.b<y>.[x + y].[[3].<z>.[z]]")
    wanted = fmc.parse("[3].[[3]]")
    for strategy in (bottom_up, top_down):
        assert fixpoint(strategy(fmc.rewriter()))(program) == wanted
    assert list(fmc.reduce(program))[-1][1] == wanted
    assert fixpoint(bottom_up(fmc.rewriter()))(wanted) is None


def test_what_never_ends() -> None:
    with pytest.raises(RewriteLoopError, match=r"has no normal form: rule 'beta' makes"):
        fmc.normalize("[⟨x⟩.[x].x].⟨x⟩.[x].x")
    with pytest.raises(RewriteLoopError, match=r"no normal form that 30 passes reach"):
        fmc.normalize("[⟨x⟩.[x].[x].x].⟨x⟩.[x].[x].x", limits=fmc.ReductionLimits(30))
    with pytest.raises(TypeError, match=r"fmc.normalize takes limits=ReductionLimits"):
        fmc.normalize("[1]", limits=30)
    assert len(list(islice(fmc.reduce("[⟨x⟩.[x].x].⟨x⟩.[x].x"), 5))) == 5
    omega = "[[⟨x⟩.[x].x].⟨x⟩.[x].x]"
    assert fmc.normalize(f"{omega}.[⟨x⟩.x].⟨x⟩.⟨y⟩.x") == fmc.parse("⟨x⟩.x")


@pytest.mark.parametrize("law", STORE_LAWS, ids=lambda law: law.name)
def test_laws_of_a_store(law: Law) -> None:
    assert fmc.equal(law.left, law.right)
    with_cells = {"c": ["p"], "d": ["q"]}
    bound = {name: fmc.parse(f"[{name.lower()}]out") for name in "MNQ"}
    left, right = (
        fmc.run(fmc.parse(side, bound), with_cells, machine="substitution") for side in (law.left, law.right)
    )
    assert left == right


def test_equations_that_do_not_hold() -> None:
    assert not fmc.equal("c<_>.[N]c", "c<_>.[Q]c")
    assert not fmc.equal("[N].[P]", "[P].[N]")
    assert not fmc.equal("<x>.<y>.[x].[y]", "*")
    assert fmc.normalize("<x>.[x]") != fmc.normalize("*"), "eta is asked for"
    assert fmc.equal("<x>.[x]", "*")


def test_permutations() -> None:
    assert fmc.permuted(fmc.parse("b<y>.a<x>.[y]b.[x]a")) == fmc.parse("a<x>.b<y>.[x]a.[y]b")
    assert fmc.permuted(fmc.parse("[1]b.[2]a.[3]b.[4]a.p")) == fmc.parse("[2]a.[4]a.[1]b.[3]b.p")
    mixed = fmc.permuted(fmc.parse("d<k>.c<x>.b<y>.a<z>.b<w>.[x + 2*y + 3*z + 4*w + 5*k]"))
    assert mixed == fmc.parse("a<z>.b<y>.b<w>.c<x>.d<k>.[x + 2*y + 3*z + 4*w + 5*k]")
    assert fmc.equal("a<x>.b<y>.[x].[y]", "b<y>.a<x>.[x].[y]")
    assert not fmc.equal("a<x>.b<y>.[x].[y]", "b<y>.a<x>.[y].[x]")


def confluence_holds(seed: int, *, control: bool, strategies: int = 3) -> bool | None:
    """Tell whether random reductions of a random program meet in one normal form; None where too few of them end."""
    rng = random.Random(seed)
    program = random_program(rng, rng.randrange(4, 16), control=control, formulas=rng.random() < 0.3)
    forms: list[Any] = [randomly_normalized(rng, program) for _ in range(strategies)]
    found = [form for form in forms if form is not None]
    if len(found) < 2:
        return None
    try:
        found.append(fmc.normalize(program, limits=fmc.ReductionLimits(100)))
    except RewriteLoopError:
        return False
    return all(form == found[0] for form in found)


@pytest.mark.parametrize("control", [False, True])
def test_confluence_on_random_programs(control: bool) -> None:
    results = [confluence_holds(seed, control=control) for seed in range(400)]
    assert False not in results
    assert results.count(True) > 300


@pytest.mark.slow
@pytest.mark.parametrize("control", [False, True])
def test_confluence_on_ten_thousand_random_programs(control: bool) -> None:
    results = [confluence_holds(seed, control=control) for seed in range(1_000, 12_000)]
    assert False not in results
    assert results.count(True) >= 10_000


@settings(deadline=None, max_examples=120)
@given(st.integers(0, 2**32), st.booleans())
def test_reduction_preserves_the_results_of_the_machine(seed: int, control: bool) -> None:
    rng = random.Random(seed)
    program = random_program(rng, rng.randrange(4, 16), control=control, loops=control)
    memory = {"λ": ["p", "q"], "a": ["⟨x⟩.[x]a", "r"], "b": ["s"]}
    before = fmc.execute(program, memory, limits=fmc.RunLimits(200))
    reduced = program
    for _, step in islice(fmc.reduce(program), rng.randrange(1, 6)):
        reduced = step
    after = fmc.execute(reduced, memory, limits=fmc.RunLimits(400))
    if "limit" in (before.stop, after.stop):
        return
    if before.stop == "stuck":
        assert after.stop == "stuck"
        return
    assert after.stop == "done" and after.exit == before.exit
    try:
        assert _normal(after.memory) == _normal(before.memory)
    except RewriteLoopError:
        return


def _normal(memory: dict[str, list[Any]]) -> dict[str, list[Any]]:
    limits = fmc.ReductionLimits(50)
    return {a: [fmc.normalize(fmc.program(v), limits=limits) for v in stack] for a, stack in memory.items()}


def test_the_machine_reduces_the_spine() -> None:
    rng, done = random.Random(7), 0
    for _ in range(600):
        program = random_program(rng, rng.randrange(4, 16))
        found = fmc.execute(program, limits=fmc.RunLimits(300), machine="substitution")
        if found.stop != "done" or found.last is None:
            continue
        steps = list(islice(fmc.reduce(program, spine=True), 3_000))
        assert sum(rule == "beta" for rule, _ in steps) == found.counts.get("pop", 0)
        end = steps[-1][1] if steps else program
        assert fmc.permuted(end) == fmc.permuted(found.last.readback())
        done += 1
    assert done > 100


def test_unrolling_is_an_equation() -> None:
    program = "n<m>.[m - 1]n.(m > 1)"
    looped = fmc.parse(f"({program})^t")
    once = fmc.unroll(looped)
    assert once == fmc.parse(f"({program});t→({program})^t") and fmc.unroll(once) is None
    assert [fmc.execute(p, {"n": [4]}).memory for p in (looped, once)] == [{"n": [0]}] * 2
    assert fmc.execute(looped, {"n": [4]}).exit == "f"


def test_long_and_deep_reductions() -> None:
    deep = fmc.parse("[" * 10_000 + "[2].<x>.x" + "]" * 10_000)
    assert fmc.normalize(deep) == fmc.parse("[" * 10_000 + "2" + "]" * 10_000)
    pushes = "".join(f"[{k}]." for k in range(100))
    pops = ".".join(f"<x{k}>" for k in range(100))
    assert fmc.normalize(f"{pushes}{pops}.[x0 + x99]") == fmc.parse("[99]")
