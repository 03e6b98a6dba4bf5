"""Strategies: order of application, sharing, depth, and loops that are reported."""

from __future__ import annotations

from typing import Any

import pytest

import symnum as sn
from symnum import term as interface
from symnum.rewriting import (
    RewriteLoopError,
    RuleSet,
    TreeCost,
    bottom_up,
    chain,
    first,
    fixpoint,
    rule,
    top_down,
)

x, y = sn.symbols("x y")
BACKENDS = ["interned", "tree"]

to_cos = RuleSet([rule("sin(a) -> cos(a)")])
to_tan = RuleSet([rule("cos(a) -> tan(a)")])


def test_chain_applies_all_and_first_applies_one() -> None:
    assert chain(to_cos, to_tan)(sn.sin(x)) is sn.tan(x)
    assert first(to_tan, to_cos)(sn.sin(x)) is sn.cos(x)
    assert chain(to_cos, to_tan)(x) is None
    assert first(to_cos, to_tan)(x) is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_bottom_up_and_top_down_rewrite_every_level(backend: str) -> None:
    term = sn.parse("sin(sin(x)*y) + 1", backend=backend)
    wanted = sn.parse("cos(cos(x)*y) + 1", backend=backend)
    assert bottom_up(to_cos)(term) == wanted
    assert top_down(to_cos)(term) == wanted
    assert bottom_up(to_tan)(term) is None
    assert top_down(to_tan)(term) is None


def test_top_down_sees_calls_before_their_arguments() -> None:
    outer = RuleSet([rule("exp(sin(a)) -> a"), rule("sin(a) -> 0*a")])
    assert top_down(outer)(sn.exp(sn.sin(x))) is x
    assert bottom_up(outer)(sn.exp(sn.sin(x))) is sn.number(1)


def test_top_down_ends_when_a_place_is_put_below_itself() -> None:
    wrap = RuleSet([rule("sin(a) -> exp(sin(a) + 1)")])
    assert top_down(wrap)(sn.sin(x)) is sn.exp(sn.sin(x) + 1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("strategy", [bottom_up, top_down])
def test_deep_nests_and_shared_parts_take_one_visit_each(backend: str, strategy: Any) -> None:
    start = sn.symbols("x", backend=backend)
    visits = 0

    def count(term: Any) -> Any:
        nonlocal visits
        visits += 1
        return to_cos(term)

    deep = start
    for _ in range(10_000):
        deep = sn.sin(deep)
    result = strategy(count)(deep)
    assert interface.node_count(result) == 10_001
    assert all(interface.head(t) == "cos" for t in interface.postorder(result) if interface.is_call(t))
    assert visits == 10_001
    shared = start
    for _ in range(60):  # 2^60 paths
        shared = sn.atan2(shared, sn.sin(shared))
    visits = 0
    result = strategy(count)(shared)
    assert interface.node_count(result) == 121
    assert visits == 121


def test_memo_is_kept_between_calls() -> None:
    seen = []

    def look(term: Any) -> None:
        seen.append(str(term))

    walk = bottom_up(look, memo={})
    walk(sn.sin(x))
    walk(sn.cos(sn.sin(x)))
    assert seen == ["x", "sin(x)", "cos(sin(x))"]


def test_fixpoint_repeats_until_nothing_changes() -> None:
    peel = fixpoint(bottom_up(RuleSet([rule("sin(sin(a)) -> sin(a)")])))
    assert peel(sn.sin(sn.sin(sn.sin(sn.sin(x))))) is sn.sin(x)
    assert peel(sn.sin(x)) is None


def test_a_loop_is_reported() -> None:
    swap = RuleSet([rule("atan2(a, b) -> atan2(b, a)")])
    with pytest.raises(RewriteLoopError, match=r"'atan2\(x, y\)' came back to it after 2 changes"):
        fixpoint(swap)(sn.atan2(x, y))


def test_growth_without_end_is_reported() -> None:
    grow = RuleSet([rule("sin(a) -> sin(a + 1)")])
    with pytest.raises(RewriteLoopError, match="did not end within 25 changes"):
        fixpoint(grow, limit=25)(sn.sin(x))


def test_a_measure_that_does_not_fall_is_reported() -> None:
    grow = RuleSet([rule("sin(a) -> cos(a + 1)")])
    with pytest.raises(RewriteLoopError, match="does not make the measure fall"):
        fixpoint(grow, measure=TreeCost())(sn.sin(x))
    shrink = RuleSet([rule("sin(asin(a)) -> a")])
    assert fixpoint(shrink, measure=TreeCost())(sn.sin(sn.asin(x))) is x
