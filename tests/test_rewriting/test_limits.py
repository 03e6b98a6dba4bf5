"""Limits, rules and rewriters of a wrong kind are refused with what to write instead; a limit that is reached loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import symnum as sn
from symnum.rewriting import (
    CostModel,
    EGraphLimits,
    Limits,
    OptimizeLimits,
    RuleSet,
    bottom_up,
    chain,
    compare,
    first,
    fixpoint,
    optimize_report,
    rule,
    simplify_report,
    top_down,
)

x, y = sn.symbols("x y")


@pytest.mark.parametrize("kind", [Limits, OptimizeLimits, EGraphLimits])
@pytest.mark.parametrize("bad", [-1, float("nan"), "3", None, True])
def test_a_limit_is_a_number_that_is_not_negative(kind: Callable[..., Any], bad: object) -> None:
    with pytest.raises(
        ValueError, match=r"the limit seconds is .*, but it must be a number that is not negative"
    ):
        kind(seconds=bad)


def test_counts_are_whole() -> None:
    with pytest.raises(
        ValueError,
        match=r"the limit passes is 0\.5, but it must be a whole number.*write Limits\(passes=30\)",
    ):
        Limits(passes=0.5)


@pytest.mark.parametrize("bad", [3, None, EGraphLimits()])
def test_limits_of_another_kind_are_refused(bad: Any) -> None:
    with pytest.raises(
        TypeError, match=r"simplify takes limits=Limits\(\.\.\.\), but got .*write limits=Limits\(seconds=20"
    ):
        sn.simplify(x, limits=bad)
    with pytest.raises(TypeError, match=r"compare takes limits=EvidenceLimits"):
        compare([x], [x], limits=bad)
    with pytest.raises(TypeError, match=r"equivalent takes limits=EquivalenceLimits"):
        sn.equivalent(x, x, limits=bad)
    with pytest.raises(TypeError, match=r"optimize takes limits=OptimizeLimits\(\.\.\.\), but got"):
        optimize_report(x, limits=bad)


@pytest.mark.parametrize("bad", [[rule("sin(asin(a)) -> a")], "total"])
def test_rules_of_another_kind_are_refused(bad: Any) -> None:
    with pytest.raises(
        TypeError, match=r"simplify takes rules=RuleSet\(\[\.\.\.\]\), but got .*write RuleSet"
    ):
        sn.simplify(x, rules=bad)


@pytest.mark.parametrize("strategy", [chain, first, bottom_up, top_down, fixpoint])
def test_strategies_take_what_can_be_called(strategy: Callable[..., Any]) -> None:
    name = strategy.__name__
    with pytest.raises(TypeError, match=f"{name} takes rewriters, but got 5; pass a RuleSet"):
        strategy(5)
    with pytest.raises(TypeError, match=rf"write {name}\(RuleSet\(\[rule\('sin\(a\) -> a'\)\]\)\)"):
        strategy("sin(a) -> a")


def test_a_finished_step_is_kept_when_a_limit_is_reached() -> None:
    report = simplify_report(sn.parse("log(exp(x)) + log(exp(y))"), limits=Limits(steps=1))
    assert report.stop == "steps"
    assert sum(report.fired.values()) == 1
    assert report.result in (x + sn.log(sn.exp(y)), y + sn.log(sn.exp(x)))
    assert report.cost_after < report.cost_before


def test_a_list_with_a_trace_gives_reports() -> None:
    reports = sn.simplify([sn.parse("sin(x)^2 + cos(x)^2"), x], trace=True)
    assert [str(report.result) for report in reports] == ["1", "x"]
    assert reports[0].trace[0].rule == "sin(a)^2 + cos(a)^2 -> 1"


def test_a_cost_model_prices_operators_only() -> None:
    with pytest.raises(ValueError, match=r"prices 'sinn', which is no operator; .*'sin'"):
        CostModel("mine", {"sinn": 3})


def test_rules_that_never_end_are_errors_and_do_not_hang() -> None:
    grows = RuleSet([rule("sin(a) -> sin(a + 1)")])
    with pytest.raises(RuntimeError, match="did not end within 50 changes"):
        fixpoint(bottom_up(grows), limit=50)(sn.sin(x))
    assert sn.simplify(sn.sin(x), rules=grows) is sn.sin(x)


def test_ctrl_c_ends_with_the_best_so_far() -> None:
    calls = 0

    def interrupting(term: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise KeyboardInterrupt
        return True

    rules = RuleSet([rule("log(exp(a)) -> a", condition=lambda a: interrupting(a))])
    report = simplify_report(sn.parse("log(exp(x)) + log(exp(y))"), rules=rules)
    assert report.stop == "interrupted"
    assert report.cost_after < report.cost_before
    calls = 0
    _, second = sn.simplify([sn.parse("log(exp(x)) + log(exp(y))"), sn.log(sn.exp(x))], rules=rules)
    assert second is sn.log(sn.exp(x))


def test_ctrl_c_ends_optimize_with_what_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    from symnum.rewriting import optimizer

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(optimizer, "simplify_report", interrupt)
    report = optimize_report(x * y + x * sn.sin(y), "ops")
    assert report.stop == "interrupted"
    assert str(report.result[0]) == "x*(y + sin(y))"
    assert report.evidence.agrees is True
