"""Simple types of programs: principal types, errors with both types, and what types promise."""

from __future__ import annotations

import random

import pytest
from fmc_programs import random_program, randomly_normalized

from symnum.rewriting.machines import fmc
from symnum.rewriting.machines.fmc.types import IllTypedError, ProgramType
from symnum.rewriting.machines.nodes import is_head, is_variable

TYPES = [
    ("⟨x⟩.[x].[x]", "α ρ ⇒ α α ρ"),
    ("⟨x⟩.⟨y⟩.[x].[y]", "α β ρ ⇒ β α ρ"),
    ("⟨x⟩.x", "{ρ ⇒ σ} ρ ⇒ σ"),
    ("⟨f⟩.⟨g⟩.[f.g]", "{ρ ⇒ σ} {σ ⇒ τ} υ ⇒ {ρ ⇒ τ} υ"),
    ("c⟨x⟩.[x]c.[x]", "c(α ρ ⇒ α ρ), λ(σ ⇒ α σ)"),
    ("⟨x⟩.c⟨_⟩.[x]c", "c(α ρ ⇒ β ρ), λ(β σ ⇒ σ)"),
    ("⋆", "ρ ⇒ ρ"),
    ("[2].⟨n⟩.[n + 1]", "ρ ⇒ o ρ"),
    ("⟨x⟩.⟨y⟩.[x + y]", "o o ρ ⇒ o ρ"),
    ("p.q", "p: ρ ⇒ σ, q: σ ⇒ τ ⊢ ρ ⇒ τ"),
    ("[p]", "p: α ⊢ ρ ⇒ α ρ"),
    ("[k + 1]", "k: o ⊢ ρ ⇒ o ρ"),
    ("[cons(k, nil)]", "k: o, nil: o ⊢ ρ ⇒ o ρ"),
    ("[⟨x⟩.[x]]", "ρ ⇒ {α σ ⇒ α σ} ρ"),
    ("!e", "ρ ⇒ e: ρ"),
    ("(!a);a→[2]", "ρ ⇒ o ρ"),
    ("⟨b⟩.(b;t→[1];f→[2])", "{ρ ⇒ f: σ | t: σ | ⋆: o σ} ρ ⇒ o σ"),
    ("n⟨m⟩.[m]n.(m > 0)", "n(o ρ ⇒ f: o ρ | t: o ρ)"),
    ("(n⟨m⟩.[m - 1]n.(m > 0))^t", "n(o ρ ⇒ f: o ρ)"),
    ("[true and a < b]", "a: o, b: o ⊢ ρ ⇒ {σ ⇒ f: σ | t: σ} ρ"),
]


@pytest.mark.parametrize(("text", "wanted"), TYPES)
def test_principal_types(text: str, wanted: str) -> None:
    assert str(fmc.infer(text)) == wanted


def test_parts_of_a_type() -> None:
    found = fmc.infer("⟨x⟩.c⟨_⟩.[x]c.[2]")
    assert isinstance(found, ProgramType)
    assert (found.locations, found.labels, found.exits) == (("c", "λ"), ("⋆",), ("⋆",))
    assert found.needs() == found.leaves("c") and len(found.needs("c")) == 1
    assert [str(t) for t in found.leaves()] == ["type.base"] and found.leaves("d") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("⟨x⟩.[x].x", r"x has type α, but it is run where the type must be α ρ ⇒ σ: α would hold itself"),
        ("[2].⟨x⟩.x", r"x has type o, but it is run where the type must be ρ ⇒ σ: o is never ρ ⇒ σ"),
        ("3.[1]", r"3 has type o, but it is run"),
        ("[⟨y⟩.y].⟨x⟩.[x + 1]", r"x has type \{ρ ⇒ σ\} ρ ⇒ σ, but x \+ 1 needs o"),
        ("[⟨y⟩.[y]].⟨x⟩.[x + 1]", r"x has type α ρ ⇒ α ρ, but x \+ 1 needs o: α ρ ⇒ α ρ is never o"),
        ("[1].⟨x⟩.[not x]", r"x has type o, but not x needs ρ ⇒ f: ρ \| t: ρ"),
        (
            "n⟨m⟩.[m]n.(m > 0);t→[1];f→⟨_⟩.⋆",
            r"exit ⋆ leaves on λ a stack of type .*, but elsewhere it leaves one of type",
        ),
        ("([1])^⋆", r"exit ⋆ leaves on λ a stack of type o ρ, but elsewhere it leaves one of type ρ"),
    ],
)
def test_untypable_programs_show_both_types(text: str, message: str) -> None:
    with pytest.raises(IllTypedError, match=message) as caught:
        fmc.infer(text)
    assert caught.value.left in str(caught.value) and caught.value.right in str(caught.value)
    assert caught.value.left != caught.value.right and "the program is" in str(caught.value)


def test_comparing_types() -> None:
    identity, constant = fmc.infer("⟨x⟩.[x]"), fmc.infer("⟨x⟩.[2]")
    assert identity.agrees_with(constant)
    assert not fmc.infer("[2]").agrees_with(fmc.infer("[⟨x⟩.x]"))
    with pytest.raises(ValueError, match=r"different locations or labels"):
        identity.agrees_with(fmc.infer("[2]c"))
    assert fmc.infer("[2]", locations=("c", "λ")).agrees_with(fmc.infer("[2].[3]c.c⟨_⟩"))


def typed_programs(
    seed: int, count: int, *, control: bool
) -> list[tuple[random.Random, object, ProgramType]]:
    found: list[tuple[random.Random, object, ProgramType]] = []
    rng = random.Random(seed)
    while len(found) < count:
        program = random_program(
            rng, rng.randrange(4, 18), control=control, formulas=not control and rng.random() < 0.3
        )
        try:
            found.append((rng, program, fmc.infer(program)))
        except IllTypedError:
            continue
    return found


@pytest.mark.parametrize("control", [False, True])
def test_typed_programs_terminate_and_keep_their_type(control: bool) -> None:
    for rng, program, kind in typed_programs(1, 200, control=control):
        form = randomly_normalized(rng, program, steps=2_000, nodes=100_000)
        assert form is not None, "a typed program has a normal form, whatever the strategy"
        assert form == fmc.normalize(program)
        after = fmc.infer(form, locations=kind.locations, labels=kind.labels)
        assert after.agrees_with(fmc.infer(program, locations=after.locations, labels=after.labels))
        run = fmc.execute(program)
        assert run.stop != "limit"


@pytest.mark.slow
@pytest.mark.parametrize("control", [False, True])
def test_ten_thousand_typed_programs_terminate(control: bool) -> None:
    for rng, program, _ in typed_programs(2, 10_000, control=control):
        assert randomly_normalized(rng, program, steps=2_000, nodes=100_000) is not None
        assert fmc.execute(program).stop != "limit"


def test_well_typed_runs_do_not_go_wrong() -> None:
    full = {location: ["p"] * 40 for location in ("λ", "a", "b")}
    checked = 0
    for _, program, kind in typed_programs(3, 300, control=True):
        needed = [t for a in kind.locations for t in kind.needs(a)]
        if all(is_variable(t) or is_head(t, "type.base") for t in needed):
            found = fmc.execute(program, full)
            assert found.stop == "done" and found.exit in {*kind.exits, "⋆"}
            checked += 1
    assert checked > 50


def test_programs_in_formulas_are_typed() -> None:
    reduct = fmc.substitute(fmc.parse("<x>.[x + 1]").args[2], fmc.parse("<y>.[y]"))
    with pytest.raises(IllTypedError, match=r"⟨y⟩.\[y\] has type ρ ⇒ σ, but .* needs o"):
        fmc.infer(reduct)


def test_deep_and_long_programs_are_typed() -> None:
    deep = "[" * 3_000 + "⟨x⟩.[x]" + "]" * 3_000
    assert len(str(fmc.infer(deep))) > 3_000
    assert str(fmc.infer(".".join(["⟨x⟩.[x + 1]"] * 2_000))) == "o ρ ⇒ o ρ"
