"""What the Functional Machine Calculus encodes: lambda terms (against evaluators of their own), a store, choice and control."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import pytest
from fmc_programs import random_lambda

from symnum.rewriting.machines import fmc
from symnum.rewriting.machines.fmc import choice, control, encodings
from symnum.rewriting.machines.fmc.lambda_calculus import (
    NoValueError,
    application,
    church,
    evaluate_by_name,
    evaluate_by_value,
    lambda_text,
    parse_lambda,
)
from symnum.rewriting.machines.nodes import is_head
from symnum.text.tokens import ParseError

LIMITS = fmc.RunLimits(steps=400)


def test_lambda_terms_read_back() -> None:
    for text in (r"\x. x (y x)", "(λx y. x) z", "λf. (λx. f (x x)) (λx. f (x x))", "x y (z w)"):
        term = parse_lambda(text)
        assert parse_lambda(lambda_text(term)) == term
    rng = random.Random(0)
    for _ in range(200):
        term = random_lambda(rng, rng.randrange(2, 25))
        assert parse_lambda(lambda_text(term)) == term


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("(x", 3, "')' is needed"),
        ("λ. x", 2, "a variable is needed"),
        ("x)", 2, "no bracket"),
        ("λx y", 5, "'.' is needed"),
        ("", 1, "a term is needed"),
    ],
)
def test_ill_formed_lambda_terms(text: str, column: int, problem: str) -> None:
    with pytest.raises(ParseError, match=problem.replace(")", r"\)").replace(".", r"\.")) as caught:
        parse_lambda(text)
    assert caught.value.column == column


@pytest.mark.parametrize("machine", ["environment", "substitution"])
def test_by_name_agrees_with_its_evaluator(machine: str) -> None:
    rng, ended = random.Random(1), 0
    for _ in range(400):
        term = random_lambda(rng, rng.randrange(2, 30))
        found = fmc.execute(encodings.by_name(term), machine=machine, limits=LIMITS)
        try:
            wanted = evaluate_by_name(term, limit=400)
        except NoValueError:
            assert found.stop == "limit"
            continue
        assert (found.stop, found.rule, found.location) == ("stuck", "pop", "λ")
        assert found.last is not None and found.last.readback() == encodings.by_name(wanted)
        ended += 1
    assert ended > 300


@pytest.mark.parametrize("machine", ["environment", "substitution"])
def test_by_value_agrees_with_its_evaluator(machine: str) -> None:
    rng, ended = random.Random(2), 0
    for _ in range(400):
        term = random_lambda(rng, rng.randrange(2, 30))
        found = fmc.execute(encodings.by_value(term), machine=machine, limits=LIMITS)
        try:
            wanted = evaluate_by_value(term, limit=400)
        except NoValueError:
            assert found.stop == "limit"
            continue
        assert found.stop == "done" and len(found.memory["λ"]) == 1
        assert fmc.push(found.memory["λ"][0]) == encodings.by_value(wanted)
        ended += 1
    assert ended > 300


def test_k_i_omega_tells_name_from_value() -> None:
    omega = r"((\x. x x) (\x. x x))"
    term = parse_lambda(rf"(\x y. x) (\x. x) {omega}")
    by_name = encodings.by_name(term)
    assert str(by_name) == "[[⟨x⟩.[x].x].⟨x⟩.[x].x].[⟨x⟩.x].⟨x⟩.⟨y⟩.x"
    found = fmc.execute(by_name, machine="substitution")
    assert (found.steps, str(found.last and found.last.term), found.memory) == (4, "⟨x⟩.x", {})
    assert fmc.execute(encodings.by_value(term), limits=LIMITS).stop == "limit"
    with pytest.raises(NoValueError, match=r"has no value within 100 steps"):
        evaluate_by_value(term, limit=100)
    with pytest.raises(NoValueError, match=r"no weak head normal form within 100 steps"):
        evaluate_by_name(parse_lambda(omega), limit=100)
    with pytest.raises(TypeError, match=r"x is applied but is no function"):
        evaluate_by_value(parse_lambda("x y"))


@pytest.mark.parametrize("m", range(3))
@pytest.mark.parametrize("n", range(4))
def test_church_numerals(m: int, n: int) -> None:
    plus, times = parse_lambda(r"\m n f x. m f (n f x)"), parse_lambda(r"\m n f. m (n f)")
    for operation, wanted in ((plus, m + n), (times, m * n)):
        term = application(application(operation, church(m)), church(n))
        assert fmc.normalize(encodings.by_name(term)) == fmc.normalize(encodings.by_name(church(wanted)))


def test_let_and_return() -> None:
    program = encodings.let("x", encodings.returning(2), fmc.parse("[x*x].[x]"))
    assert fmc.run(program) == {"λ": [4, 2]}
    thunk = fmc.parse("[5]out")
    forced = encodings.let("x", encodings.returning(thunk), fmc.parse("x.x"))
    assert (
        fmc.run(forced)
        == {"out": [5, 5]}
        == fmc.run(fmc.compose(encodings.force(thunk), encodings.force(thunk)))
    )
    assert fmc.run(encodings.apply(encodings.function("x", fmc.parse("[x + 1]")), 3)) == {"λ": [4]}
    # the laws of let: left unit, right unit, associativity
    m, n = fmc.parse("[x].[x]"), fmc.parse("c⟨y⟩.[y]c.[y]")
    assert fmc.normalize(encodings.let("x", encodings.returning(7), m)) == fmc.parse("[7].[7]")
    assert fmc.equal(encodings.let("x", n, encodings.returning(fmc.parse("x"))), n)
    inner = encodings.let("y", m, fmc.parse("[y].z"))
    assert encodings.let("x", n, inner) == encodings.let("y", encodings.let("x", n, m), fmc.parse("[y].z"))


def test_store_and_input_and_output() -> None:
    assert fmc.run(encodings.get_cell("c"), {"c": [1]}) == {"c": [1], "λ": [1]}
    moved = fmc.compose(encodings.get_cell("c"), encodings.set_cell("d"))
    assert fmc.run(moved, {"c": [1], "d": [0]}) == {"c": [1], "d": [1]}
    assert fmc.run(encodings.assign("c", 5), {"c": [1]}) == {"c": [5]}
    echo = fmc.compose(encodings.read(), fmc.parse("⟨x⟩.[x]out"))
    assert fmc.run(fmc.compose(echo, echo), {"in": iter([1, 2, 3])}) == {"out": [1, 2]}
    assert encodings.read(by="name") == fmc.parse("in⟨x⟩.x") and encodings.write(3) == fmc.parse("[3]out")
    with pytest.raises(ValueError, match=r"by 'value' or by 'name', but got 'need'"):
        encodings.read(by="need")


# choice


def bits(outcome: Any) -> str:
    return "".join("1" if v == choice.FIRST else "0" for v in outcome)


def test_a_coin_by_name_and_by_value() -> None:
    by_name = choice.distribution("[rnd<b>.[b]out].<c>.c.c", observe="out")
    quarter = Fraction(1, 4)
    assert {bits(k): p for k, p in by_name.outcomes.items()} == dict.fromkeys(
        ["11", "01", "10", "00"], quarter
    )
    by_value = choice.distribution("rnd<b>.[b].<c>.[c]out.[c]out", observe="out")
    assert {bits(k): p for k, p in by_value.outcomes.items()} == {"11": Fraction(1, 2), "00": Fraction(1, 2)}
    assert by_name.stuck == by_name.undecided == 0


def test_distributions_are_exact() -> None:
    one, two = fmc.parse("[1]"), fmc.parse("[2]")
    third = choice.choose(one, choice.choose(two, one))
    found = choice.distribution(third, observe="λ")
    assert found[1,] == Fraction(3, 4) and found[2,] == Fraction(1, 4) and found[3,] == 0
    dropped = fmc.compose(fmc.parse("rnd⟨_⟩"), one)
    assert choice.distribution(dropped).outcomes == choice.distribution(one).outcomes
    assert fmc.normalize(dropped) == dropped
    stuck = choice.distribution(choice.choose(one, fmc.parse("c⟨_⟩")), observe="λ")
    assert stuck[1,] == stuck.stuck == Fraction(1, 2) and stuck.undecided == 0
    # count failures before the first success: the geometric distribution, and what is left after eight bits
    geometric = "(rnd<b>.(([!done].[n<m>.[m + 1]n].b)))^⋆;done→⋆"
    tossed = choice.distribution(geometric, {"n": [0]}, observe=lambda run: run.memory["n"][0], bits=8)
    assert tossed.undecided == Fraction(1, 2**8)
    assert {int(str(k)): p for k, p in tossed.outcomes.items()} == {
        k: Fraction(1, 2 ** (k + 1)) for k in range(8)
    }
    assert sum(tossed.outcomes.values(), tossed.stuck + tossed.undecided) == 1


def test_possibilities() -> None:
    either = choice.choose(fmc.parse("[1]"), fmc.parse("[2]"), "nd")
    twice = fmc.compose(either, either)
    assert choice.possibilities(twice, observe="λ") == {(1, 1): 1, (1, 2): 1, (2, 1): 1, (2, 2): 1}
    assert choice.possibilities(fmc.compose(either, fmc.parse("⟨_⟩"))) == {("⋆",): 2}
    with pytest.raises(TypeError, match=r"location 'in' has an iterator"):
        choice.possibilities(either, {"in": iter([1])})


# control


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("machine", ["environment", "substitution"])
def test_factorial(n: int, machine: str) -> None:
    body = fmc.parse("n⟨m⟩.acc⟨a⟩.[m*a]acc.[m - 1]n")
    program = control.while_do(fmc.parse("n⟨m⟩.[m]n.(m > 0)"), body)
    found = fmc.execute(program, {"n": [n], "acc": [1]}, machine=machine)
    assert (found.memory["acc"], found.exit) == ([math.factorial(n)], "⋆")
    assert str(fmc.infer(program)) == "acc(o ρ ⇒ o ρ), n(o σ ⇒ o σ)"


def test_exceptions() -> None:
    body, handler = fmc.parse("[a]out;!e;[b]out"), fmc.parse("[c]out")
    caught = control.try_catch(body, "e", handler)
    assert [str(v) for v in fmc.run(caught)["out"]] == ["a", "c"]
    assert fmc.normalize(caught) == fmc.parse("[a]out.[c]out")
    uncaught = fmc.execute(body)
    assert (uncaught.exit, [str(v) for v in uncaught.memory["out"]]) == ("e", ["a"])
    assert control.throw("e") == fmc.parse("!e")
    assert fmc.run(control.try_catch(fmc.parse("[a]out"), "e", handler)) == fmc.run("[a]out")


@pytest.mark.parametrize("outer", ["t", "f"])
@pytest.mark.parametrize("inner", ["t", "f", "⋆"])
def test_branches_may_exit_with_truth_values(outer: str, inner: str) -> None:
    branches = fmc.exit_with(inner), fmc.compose(fmc.parse("[9]"), fmc.exit_with(inner))
    program = control.if_then_else(fmc.exit_with(outer), *branches)
    found = fmc.execute(program)
    assert found.exit == inner and bool(found.memory) == (outer == "f")
    assert fmc.normalize(program) == branches[outer == "f"]


def test_data_and_matching() -> None:
    branches = {"nil": fmc.parse("[0]"), "cons": fmc.parse("⟨h⟩.⟨t⟩.[h + 10*t]")}
    assert fmc.run(control.match(control.construct("cons", [3, 4]), branches)) == {"λ": [43]}
    assert fmc.run(control.match(control.construct("nil"), branches)) == {"λ": [0]}
    rebuilt = {"nil": fmc.parse("!cons"), "cons": fmc.parse("⟨h⟩.⟨t⟩.!nil")}
    assert fmc.execute(control.match(control.construct("nil"), rebuilt)).exit == "cons"


class Interpreter:
    """Run while programs directly, as (kind, parts): the oracle for random programs of loops and exceptions."""

    class Thrown(Exception):
        pass

    def __init__(self, n: int) -> None:
        self.n, self.fuel = n, 200
        self.out: list[int] = []

    def run(self, program: tuple[Any, ...]) -> None:
        kind, *parts = program
        self.fuel -= 1
        if self.fuel < 0:
            raise TimeoutError
        if kind == "sequence":
            for part in parts:
                self.run(part)
        elif kind == "write":
            self.out.append(parts[0])
        elif kind == "decrement":
            self.n -= 1
        elif kind == "throw":
            raise self.Thrown(parts[0])
        elif kind == "if":
            self.run(parts[0] if self.n > 0 else parts[1])
        elif kind == "while":
            while self.n > 0:
                self.run(parts[0])
        else:
            try:
                self.run(parts[0])
            except self.Thrown as thrown:
                if thrown.args[0] != parts[1]:
                    raise
                self.run(parts[2])


def as_program(program: tuple[Any, ...]) -> Any:
    kind, *parts = program
    positive = fmc.parse("n⟨m⟩.[m]n.(m > 0)")
    if kind == "sequence":
        made = fmc.SKIP
        for part in parts:
            made = fmc.case(made, "⋆", as_program(part))
        return made
    if kind == "write":
        return fmc.parse(f"[{parts[0]}]out")
    if kind == "decrement":
        return fmc.parse("n⟨m⟩.[m - 1]n")
    if kind == "throw":
        return control.throw(parts[0])
    if kind == "if":
        return control.if_then_else(positive, as_program(parts[0]), as_program(parts[1]))
    if kind == "while":
        return control.while_do(positive, as_program(parts[0]))
    return control.try_catch(as_program(parts[0]), parts[1], as_program(parts[2]))


def random_while(rng: random.Random, size: int) -> tuple[Any, ...]:
    if size <= 1:
        return rng.choice(
            [("write", rng.randrange(9)), ("decrement",), ("decrement",), ("throw", rng.choice("te"))]
        )
    left = rng.randrange(1, size)
    a, b = random_while(rng, left), random_while(rng, size - left)
    return rng.choice(
        [
            ("sequence", a, b),
            ("sequence", a, b),
            ("if", a, b),
            ("while", ("sequence", a, b)),
            ("try", a, rng.choice("te"), b),
        ]
    )


def test_control_agrees_with_an_interpreter_of_while_programs() -> None:
    rng, ended = random.Random(3), 0
    for _ in range(300):
        program = random_while(rng, rng.randrange(2, 12))
        direct, thrown = Interpreter(3), "⋆"
        try:
            direct.run(program)
        except TimeoutError:
            continue
        except Interpreter.Thrown as error:
            thrown = error.args[0]
        found = fmc.execute(as_program(program), {"n": [3]}, limits=fmc.RunLimits(20_000))
        assert found.exit == thrown
        assert found.memory.get("out", []) == direct.out and found.memory["n"] == [direct.n]
        ended += 1
    assert ended > 150


def test_public_names() -> None:
    assert {"parse", "format", "run", "reduce", "normalize", "infer", "encodings"} <= set(dir(fmc))
    assert fmc.control.throw is control.throw
    with pytest.raises(AttributeError, match=r"has no attribute 'typecheck'; its public names are"):
        fmc.typecheck  # the mistake that is tested
    assert is_head(encodings.by_name(parse_lambda("x y")), "fmc.push")
