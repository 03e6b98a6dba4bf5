"""Heads that bind, hash-consed nodes, and binding: what both calculi stand on."""

from __future__ import annotations

import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import symnum as sn
from symnum import term as interface
from symnum.rewriting import bottom_up, fixpoint, top_down
from symnum.rewriting.machines.binding import (
    abstract,
    free_bound,
    free_indices,
    free_variables,
    instantiate,
    shift,
    substitute,
    uses,
)
from symnum.rewriting.machines.nodes import atom, call, declare, hint, index, is_head, variable

LET = declare("test.let", arity=2, binds=(0, 1))
PAIR = declare("test.pair", arity=2, binds=(2, 0))
SEQ = declare("test.seq", associative=True, unit="test.skip")
SKIP = declare("test.skip", arity=0)


def let(name: str, body: Any) -> Any:
    return call("test.let", hint(name), body)


def random_term(rng: random.Random, size: int) -> Any:
    if size <= 1:
        return rng.choice([index(0), index(1), index(2), variable("X"), 3, sn.parse("a + b")])
    if rng.random() < 0.4:
        return let(rng.choice("xyz"), random_term(rng, size - 1))
    left = rng.randrange(1, size)
    head = rng.choice(["f", "test.pair"])
    return call(head, random_term(rng, left), random_term(rng, size - left))


def named(term: Any, scope: tuple[int, ...] = (), free: int = 100) -> Any:
    """Say what a term is with globally unique names in place of indices: a slow and plain reading, by recursion."""
    if not isinstance(term, type(index(0))):
        return str(term)
    if term.leaf is not None:
        if term.leaf[0] == "index":
            k = term.leaf[1]
            return ("bound", scope[k]) if k < len(scope) else ("free", k - len(scope))
        return term.leaf if term.leaf[0] != "hint" else "hint"
    level = len(scope)
    parts = []
    for position, arg in enumerate(term.args):
        count = term.head.bound_in(position)
        parts.append(named(arg, tuple(range(level + count - 1, level - 1, -1)) + scope))
    return (term.head.name, *parts)


def test_names_do_not_count_and_survive() -> None:
    a, b = let("x", call("f", index(0))), let("y", call("f", index(0)))
    assert a == b and hash(a) == hash(b) and {a, b} == {b}
    assert a.plain is b.plain
    assert [interface.metadata(t.args[0])["name"] for t in (a, b)] == ["x", "y"]
    rebuilt = bottom_up(lambda t: call("g", *t.args) if is_head(t, "f") else None)(b)
    assert interface.metadata(rebuilt.args[0]) == {"name": "y"}
    assert a != let("x", call("f", index(1)))


def test_equal_numbers_are_one_term_and_kinds_of_numbers_are_not() -> None:
    assert call("f", 2) is call("f", sn.parse("2"))
    assert call("f", 1) != call("f", 1.0) and call("f", 1) != call("f", True)


def test_terms_of_symnum_stay_terms_of_symnum() -> None:
    assert call("+", 2, 3) == 5
    assert interface.backend_of(call("sin", sn.symbols("x"))) == "interned"
    assert call("*", sn.symbols("x"), sn.symbols("x")) is sn.parse("x^2")
    assert interface.backend_of(call("cons", sn.symbols("x"), 2)) == "machines"
    assert instantiate(call("*", index(0), call("+", index(0), 1)), [4]) == 20


def test_associative_heads_are_flat_and_without_units() -> None:
    skip = call("test.skip")
    a, b = call("f", 1), call("f", 2)
    assert call("test.seq") is skip and call("test.seq", a) is a and call("test.seq", skip, a) is a
    nested = call("test.seq", a, call("test.seq", b, a))
    assert nested is call("test.seq", call("test.seq", a, b), skip, a)
    assert interface.args(nested) == (a, b, a)


def test_binding_agrees_with_a_reading_by_names() -> None:
    rng = random.Random(0)
    for _ in range(500):
        term, value = random_term(rng, rng.randrange(1, 12)), random_term(rng, rng.randrange(1, 5))
        assert shift(shift(term, 2), -2) == term
        assert shift(shift(term, 1, 1), 2, 0) == shift(shift(term, 2, 0), 1, 3)
        assert instantiate(shift(term, 1), [value]) == term
        assert instantiate(abstract(term, variable("X")), [value]) == substitute(term, {variable("X"): value})
        assert abstract(substitute(term, {variable("X"): 3}), variable("X")) == shift(
            substitute(term, {variable("X"): 3}), 1
        )
        assert uses(term, 1) == (("free", 1) in _flat(named(term)))
        assert free_indices(term) == {p[1] for p in _flat(named(term)) if p[0] == "free"}
        assert free_bound(term) == max(free_indices(term), default=-1) + 1


def _flat(reading: Any) -> set[Any]:
    if not isinstance(reading, tuple):
        return set()
    if reading[0] in ("free", "bound"):
        return {reading}
    return set().union(*[_flat(part) for part in reading[1:]])


def test_two_variables_bound_at_once() -> None:
    pair = call("test.pair", call("f", index(0), index(1), index(2)), index(0))
    assert pair.free == 1
    assert instantiate(pair, [7]) == call("test.pair", call("f", index(0), index(1), 7), 7)


def test_nothing_is_captured() -> None:
    body = let("x", call("f", index(0), index(1)))
    assert instantiate(body, [index(0)]) == let("x", call("f", index(0), index(1)))
    assert substitute(let("x", variable("X")), {variable("X"): index(0)}) == let("x", index(1))


def test_a_variable_cannot_leave_its_binder() -> None:
    with pytest.raises(ValueError, match=r"uses the variable #0 and cannot leave its binder"):
        shift(call("f", index(0)), -1)


def test_strategies_run_on_nodes() -> None:
    def down(term: Any) -> Any:
        if is_head(term, "s"):
            return call("+", term.args[0], 1)
        return None

    tower: Any = variable("X")
    for _ in range(10_000):
        tower = call("s", tower)
    for strategy in (bottom_up(down), top_down(down)):
        made = strategy(tower)
        assert interface.node_count(made) == 10_002
        assert instantiate(abstract(made, variable("X")), [5]) == 10_005
    assert fixpoint(bottom_up(down))(call("s", call("s", sn.symbols("x")))) == sn.parse("x + 2")


def test_threads_get_one_node() -> None:
    def build(_: int) -> list[Any]:
        made: list[Any] = [variable("T")]
        for k in range(300):
            made.append(call("f", made[-1], k))
        return made

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(build, range(4))
    assert all(a is b for other in others for a, b in zip(first, other))


def test_deep_terms() -> None:
    term: Any = index(3)
    for k in range(10_000):
        term = let("x", call("f", index(0), term)) if k % 2 else call("test.seq", term, call("g", index(1)))
    assert shift(shift(term, 1), -1) == term
    assert pickle.loads(pickle.dumps(term)) == term
    assert str(term).startswith("test.let(_x, f(#0")
    assert free_variables(term) == []
    shared: Any = variable("X")
    for _ in range(200):
        shared = call("f", shared, shared)
    assert instantiate(abstract(shared, variable("X")), [1]) == substitute(shared, {variable("X"): 1})
    assert free_variables(shared) == [variable("X")]


def test_mistakes_are_named() -> None:
    with pytest.raises(TypeError, match=r"'test.let' takes 2 arguments, but 1 were given"):
        call("test.let", 1)
    with pytest.raises(ValueError, match=r"head 'test.let' is declared already"):
        declare("test.let", arity=3)
    with pytest.raises(ValueError, match=r"there is no head 'test.lte'"):
        call("test.lte", 1)
    with pytest.raises(TypeError, match=r"no truth value"):
        bool(call("f", 1))
    with pytest.raises(TypeError, match=r"is a leaf"):
        interface.args(atom("a"))
    with pytest.raises(TypeError, match=r"is a call and has no name"):
        interface.name(call("f", 1))
