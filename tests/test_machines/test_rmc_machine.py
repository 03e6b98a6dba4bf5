"""The relational machine: the vectors of the specification, searches, limits, what a stuck run says, and brute force as its oracle."""

from __future__ import annotations

from collections import Counter
from itertools import islice, product
from random import Random
from typing import Any

import pytest
from rmc_programs import random_program

from symnum.rewriting.machines import rmc
from symnum.rewriting.machines.nodes import Node, call, variable
from symnum.rewriting.machines.rmc.denotation import memories
from symnum.rewriting.machines.rmc.unification import resolve, unbound, undo

ADD = "(new x y. <s(x)>; <y>; [s(y)]; [x])*; <z>"


def shown(program: str, memory: Any = None, **options: Any) -> list[str]:
    return [str(answer) for answer in rmc.run(program, memory, **options)]


@pytest.mark.parametrize("search", ["breadth", "depth"])
@pytest.mark.parametrize(
    "program, memory, answers",
    [
        ("new x y z. <x>; <y>; <z>; [x]; [z]; [y]", "e d c", ["λ: c e d"]),
        ("new x. <x>; <x>; [x]", "c c", ["λ: c"]),
        ("new x. <x>; <x>; [x]", "d c", []),
        ("new x. (<x>*)", "b c", ["λ: b c", "λ: b"]),
        ("new x. (<x>*)", "b b", ["λ: b b", "λ: b", "yes"]),
        ("(new x. <x>)*", "b c", ["λ: b c", "λ: b", "yes"]),
        ("skip + skip", None, ["yes", "yes"]),
        ("new x. skip", None, ["yes"]),
        ("new x. <x> + <b>", "b", ["yes", "yes"]),
        ("new x. <x> + <b>", "Y", ["Y = Y", "Y = b"]),
        ("new x. (<x>; [x])", None, []),
        ("0 + [a]", None, ["λ: a"]),
        ("X == f(Y); [X]", None, ["X = f(Y), Y = Y, λ: f(Y)"]),
        ("[X]; [Y]; X == Y", None, ["X = X, Y = X, λ: X X"]),
        ("new u v. [f(u, v)]; [v]", None, ["λ: f(_0, _1) _1"]),
    ],
)
def test_vectors(program: str, memory: str | None, answers: list[str], search: str) -> None:
    run = rmc.run(program, memory, search=search)
    assert Counter(map(str, run)) == Counter(answers)
    assert run.exhausted


def test_addition_runs_forwards_backwards_and_with_a_hole() -> None:
    two, three = "s(s(z))", "s(s(s(z)))"
    forwards = rmc.run(ADD, f"{two} {three}")
    assert [str(a) for a in forwards] == ["λ: s(s(s(s(s(z)))))"] and forwards.exhausted
    assert len(rmc.run(rmc.dual(rmc.parse(ADD)), "s(s(s(s(s(z)))))")) == 6
    hole = rmc.run(f"[X]; {ADD}; <s(s(s(s(s(z)))))>", three, limits=rmc.Limits(answers=1))
    assert str(hole[0]["X"]) == two


def test_depth_first_is_in_the_order_of_prolog() -> None:
    clauses = [
        "<par(a, b)>", "<par(a, c)>", "<par(b, d)>", "<par(d, e)>",
        "new x y. <anc(x, y)>; [par(x, y)]", "new x y z. <anc(x, y)>; [anc(z, y)]; [par(x, z)]",
    ]  # fmt: skip
    program = rmc.parse("[end]; [anc(P, Q)]; (" + " + ".join(f"({c})" for c in clauses) + ")*; <end>")
    expected = ["ab", "ac", "bd", "de", "ad", "ae", "be"]
    depth = rmc.run(program, search="depth")
    assert [f"{a['P']}{a['Q']}" for a in depth] == expected and depth.exhausted
    breadth = rmc.run(program, search="breadth")
    assert sorted(f"{a['P']}{a['Q']}" for a in breadth) == sorted(expected)


def test_breadth_first_is_fair_where_depth_first_is_lost() -> None:
    program = "[a]; (([b])* ; <c> + <a>)"
    limits = rmc.Limits(steps=300)
    assert rmc.run(program, search="breadth", limits=limits).answers
    lost = rmc.run(program, search="depth", limits=limits)
    assert not lost.answers and lost.report.stop == "steps"


def test_a_tabled_run_ends_for_finitely_many_states() -> None:
    loop = "(<a>; [b] + <b>; [a] + skip)*"
    run = rmc.run(loop, "a", search="tabled")
    assert {str(a) for a in run} == {"λ: a", "λ: b"} and run.exhausted and run.report.pruned
    assert not rmc.run(loop, "a", search="breadth", limits=rmc.Limits(steps=1000)).exhausted
    assert len(rmc.run("skip*", search="tabled")) == 1


def test_a_tabled_run_tells_states_with_unknowns_apart() -> None:
    # two unknowns on the stack: once the same, once not
    run = rmc.run("(new x y. <x>; <y>; [x]; [y])*; new u. <u>; <u>", "X Y", search="tabled")
    assert [str(a) for a in run] == ["X = X, Y = X"]
    shared = rmc.run("new x. [x]; [x]; (new u. <u>; [u])*; <a>", search="tabled")
    assert [str(a) for a in shared] == ["λ: a"]


# --- limits and reports -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["steps", "answers", "seconds", "waiting"])
@pytest.mark.parametrize("search", ["depth", "breadth", "tabled"])
def test_at_a_limit_the_answers_so_far_are_kept(limit: str, search: str) -> None:
    bound = {"steps": 500, "answers": 5, "seconds": 0.05, "waiting": 30}[limit]
    program = "([a] + [b])*" if search != "depth" or limit != "waiting" else "(skip + skip)*; new x. <x>"
    run = rmc.run(program, "c", search=search, limits=rmc.Limits(**{limit: bound}))
    if search == "depth" and limit == "waiting":
        assert run.report.stop in ("waiting", "answers") or run.answers
        return
    assert run.report.stop == limit and not run.exhausted
    assert limit in run.report.why and "are kept" in run.report.why
    assert run.answers and run.report.answers == len(run)


def test_answers_are_streamed() -> None:
    found = rmc.answers("[a]*", None)
    assert found.report.stop == "running"
    assert [len(a.memory.get("λ", ())) for a in islice(found, 4)] == [0, 1, 2, 3]
    assert found.report.stop == "running" and "more to follow" in found.report.why


def test_an_interrupted_run_keeps_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rmc.answers("[a]*", None)
    next(found)
    original = found.stepper.step

    def interrupted(state: Any) -> Any:
        if state.depth > 5:
            raise KeyboardInterrupt
        return original(state)

    monkeypatch.setattr(found.stepper, "step", interrupted)
    assert len(list(found)) >= 1 and found.report.stop == "interrupted"
    assert "interrupted" in found.report.why


@pytest.mark.parametrize(
    "program, memory, why",
    [
        ("[a]; <b>", None, "pop λ⟨b⟩: a is on top, and does not unify"),
        ("c<f(X)>", None, "pop c⟨f(X)⟩: the stack is empty"),
        ("[a]; <a>; 0", None, "0 has no successor"),
        ("f(a) == f(g(a))", None, "test f(a) ≐ f(g(a)): the values do not unify"),
        ("<X>; <f(X)>", "g(Y) b", "pop λ⟨f(b)⟩: g(Y) is on top, and does not unify"),
        ("new x. <x>; [x]c; c<b>", "a", "pop c⟨b⟩: a is on top, and does not unify"),
    ],
)
def test_a_stuck_run_says_which_rule_found_nothing_to_do(program: str, memory: str | None, why: str) -> None:
    run = rmc.run(program, memory)
    assert not run.answers and run.exhausted
    assert run.report.stuck == why
    assert why in str(run.report)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"there is no search 'width'; choose one of 'breadth', 'depth', 'tabled'"
    ):
        rmc.run("skip", search="width")
    with pytest.raises(ValueError, match="there is no search"):
        rmc.trace("skip", search="width")
    with pytest.raises(ValueError, match=r"write Limits\(steps="):
        rmc.Limits(steps=-1)
    with pytest.raises(TypeError, match=r"limits=Limits\(steps="):
        rmc.run("skip", limits=3)
    with pytest.raises(KeyError):
        rmc.run("skip")[0]["X"]


# --- unification ------------------------------------------------------------------------------------------------------------


def test_cyclic_unification_fails_and_leaves_no_trace() -> None:
    x, y = variable("X"), variable("Y")
    bindings: dict[Node, Any] = {}
    assert not rmc.unify(call("f", x, y), call("f", y, call("g", x)), bindings)
    assert not bindings
    assert not rmc.run("X == f(X)").answers
    assert not rmc.run("new x. [x]; [f(x)]; new y. <y>; <y>").answers


def test_a_most_general_unifier_of_large_shared_terms_is_found_in_little_time() -> None:
    # the unfolded terms have 2^200 leaves
    left, right = [[variable(f"{side}{i}") for i in range(201)] for side in "LR"]
    equations = [(left[i], call("f", left[i + 1], left[i + 1])) for i in range(200)]
    equations += [(right[i], call("f", right[i + 1], right[i + 1])) for i in range(200)]
    bindings: dict[Node, Any] = {}
    assert all(rmc.unify(a, b, bindings) for a, b in equations)
    assert rmc.unify(left[0], right[0], bindings)
    assert resolve(left[0], bindings) == resolve(right[0], bindings)


def test_deep_terms_unify() -> None:
    one: Any = variable("X")
    two: Any = call("a")
    for _ in range(10_000):
        one, two = call("s", one), call("s", two)
    bindings: dict[Node, Any] = {}
    assert rmc.unify(one, two, bindings) and bindings == {variable("X"): call("a")}
    undo(bindings, 0)
    assert not bindings


def test_numbers_of_symnum_are_worked_out_when_they_are_known() -> None:
    assert shown("new x. <x>; [{x + 2}]", "3") == ["λ: 5"]
    assert shown("new x. <x>; {x + 2} == 5; [x]", "3") == ["λ: 3"]
    assert shown("new x. <x>; {x + 2} == 6", "3") == []


# --- oracles ----------------------------------------------------------------------------------------------------------------


def unknowns_of(answer: rmc.Answer) -> list[Any]:
    return list(dict.fromkeys([u for _, stack in answer.stacks for v in stack for u in unbound(v, {})]))


def ground_instances(answer: rmc.Answer, universe: list[Any]) -> set[Any]:
    """Return the memories that an answer stands for, its unknowns ranging over a universe."""
    unknowns = unknowns_of(answer)
    found = set()
    for values in product(universe, repeat=len(unknowns)):
        bindings = dict(zip(unknowns, values))
        found.add(tuple([(a, tuple([resolve(v, bindings) for v in stack])) for a, stack in answer.stacks]))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_answers_are_what_the_program_denotes(seed: int) -> None:
    choice = Random(seed)
    universe = [rmc.constant("b"), rmc.constant("c")]
    starts = list(memories(["a", "λ"], universe, 1))
    compared = 0
    for _ in range(40):
        program = random_program(choice, choice.randrange(1, 8), stars=True, depth=0)
        memory = choice.choice(starts)
        run = rmc.run(program, memory, search="tabled", limits=rmc.Limits(steps=400))
        try:
            meaning = rmc.den(program, memory, universe, most=300)
        except OverflowError:
            assert not run.exhausted
            continue
        if run.exhausted and all(len(unknowns_of(a)) < 6 for a in run):
            compared += 1
            found = set().union(*[ground_instances(a, universe) for a in run])
            assert found == meaning, (program, memory)
    assert compared > 25


@pytest.mark.parametrize("seed", range(5))
def test_searches_find_the_same_answers(seed: int) -> None:
    choice = Random(100 + seed)
    for _ in range(60):
        program = random_program(choice, choice.randrange(1, 10), names=["X", "Y"])
        runs = {s: rmc.run(program, "b Z", search=s) for s in ("breadth", "depth", "tabled")}
        assert runs["breadth"].multiset == runs["depth"].multiset
        assert runs["tabled"].set == runs["breadth"].set
        assert max(runs["tabled"].multiset.values(), default=1) == 1


def test_the_relation_of_the_dual_is_the_converse() -> None:
    choice = Random(5)
    universe = [rmc.constant("b"), rmc.constant("c")]
    starts = list(memories(["a", "λ"], universe, 1))
    keys = {tuple(sorted(m.items())) for m in starts}
    compared = 0
    for _ in range(60):
        program = random_program(choice, choice.randrange(1, 7), stars=True, depth=0)
        try:
            pairs = {
                (tuple(sorted(m.items())), t) for m in starts for t in rmc.den(program, m, universe, most=500)
            }
            turned = {
                (t, tuple(sorted(m.items())))
                for m in starts
                for t in rmc.den(rmc.dual(program), m, universe, most=500)
            }
        except OverflowError:
            continue
        compared += 1
        assert {(s, t) for s, t in pairs if t in keys} == {(s, t) for s, t in turned if s in keys}
    assert compared > 40


def test_the_denotation_needs_a_closed_program_and_an_end() -> None:
    with pytest.raises(ValueError, match=r"the unknown X is free.*bind it: new X\."):
        rmc.den("[X]", None, ["b"])
    with pytest.raises(OverflowError, match="more than 50 memories"):
        rmc.den("[a]*", None, ["b"], most=50)
    assert rmc.den("f(b) == f(b); [a]; (0 + skip)", None, []) == frozenset({(("λ", (call("a"),)),)})


# --- traces -----------------------------------------------------------------------------------------------------------------


def test_a_trace_shows_every_state_and_the_rule_that_was_used() -> None:
    trace = rmc.trace("new x. <x>; (<d> + [x]c)*", "a", search="breadth", limits=rmc.Limits(steps=30))
    rules = [step.rule for step in trace]
    assert rules[:4] == ["new", "sequence", "pop", "star"]
    assert {"choice", "push", "answer"} <= set(rules)
    assert [s.number for s in trace] == list(range(1, len(trace) + 1))
    failed = [s for s in trace if s.failure]
    assert failed and "the stack is empty" in failed[0].failure and failed[0].branches == 0
    choice = next(s for s in trace if s.rule == "choice")
    assert choice.branches == 2 and choice.continuation and "2 ways" in str(choice)
    assert trace.report.stop == "steps" and trace.answers
    assert "limit" in str(trace).splitlines()[-1]


def test_a_trace_shows_what_unknowns_are() -> None:
    trace = rmc.trace("<f(X)>; [X]", "f(b)")
    assert "X = b" in str(trace.steps[-1]) and trace.answers[0]["X"] == rmc.constant("b")
    assert all(
        s.program.free == 0 for s in rmc.trace("(new x. [x]; new y. <f(y)>)*", limits=rmc.Limits(steps=50))
    )
