"""Idle calls: where a rule set does nothing at a call of symbols, it is not asked at another such call; what is new is asked."""

from __future__ import annotations

from typing import Any

import pytest

import symnum as sn
from symnum.rewriting import Limits, RuleSet, idle, rule, rule_sets, simplifier, simplify_report, theories
from symnum.rewriting.idle import IdleCalls, shape_of

x, y, z = sn.symbols("x y z")
p = sn.symbols("p", positive=True)


def test_a_shape_is_the_call_but_for_the_names_of_its_symbols() -> None:
    assert shape_of(sn.sin(x)) == shape_of(sn.sin(y)) != shape_of(sn.cos(x))
    assert shape_of(sn.log(x)) != shape_of(sn.log(p))
    assert shape_of(sn.atan2(x, y)) == shape_of(sn.atan2(y, z)) != shape_of(sn.atan2(x, x))
    assert shape_of(sn.atan2(x, p)) != shape_of(sn.atan2(p, x))
    n = sn.symbols("n", sort="integer")
    assert shape_of(sn.floor(x)) != shape_of(sn.floor(n))


@pytest.mark.parametrize("text", ["x", "3", "x + y", "2*x", "x^2", "sin(2*x)", "sin(sin(x))", "atan2(x, 1)"])
def test_other_terms_have_no_shape(text: str) -> None:
    assert shape_of(sn.parse(text)) is None
    assert shape_of(sn.convert(sn.sin(x), backend="tree")) is None


def test_a_table_of_shapes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "MOST_SHAPES", 2)
    table = IdleCalls()
    for function in (sn.sin, sn.cos, sn.tan):
        table.add(shape_of(function(x)))
    assert shape_of(sn.sin(x)) not in table and shape_of(sn.tan(y)) in table
    table.add(None)
    assert None not in table


def _asked(monkeypatch: pytest.MonkeyPatch, term: Any, **options: Any) -> list[str]:
    """Return the terms at which the rules are asked."""
    asked: list[str] = []
    firing = rule_sets.RuleSet.firing

    def noted(self: RuleSet, node: Any, *rest: Any) -> Any:
        if self is theories.TOTAL:
            asked.append(str(node))
        return firing(self, node, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(rule_sets.RuleSet, "firing", noted)
        simplify_report(term, **options)
    return asked


def test_the_theories_are_not_asked_again_at_a_call_of_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    simplify_report(sn.sinh(y))
    assert "sinh(x)" not in _asked(monkeypatch, sn.sinh(x))
    assert "sinh(2*x)" in _asked(monkeypatch, sn.sinh(2 * x))


def test_what_a_rule_changes_is_not_idle() -> None:
    for _ in range(2):
        assert sn.simplify(sn.abs(p)) is p
        assert sn.simplify(sn.abs(x)) is sn.abs(x)
        assert sn.simplify(sn.atan2(x, y)) is sn.atan2(x, y)


def test_rules_of_a_user_may_ask_for_names() -> None:
    rules = RuleSet([rule("sinh(a) -> a", where={"a": lambda t: t is x})])
    assert sn.simplify(sn.sinh(y), rules=rules) is sn.sinh(y)
    assert sn.simplify(sn.sinh(x), rules=rules) is x


def test_a_limit_is_reached_at_idle_calls_too() -> None:
    term = sn.sinh(x)
    for _ in range(2):
        assert simplify_report(term, limits=Limits(steps=0)).stop == "steps"


def test_no_term_is_asked_about_twice_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _asked(monkeypatch, sn.parse("exp(x)*exp(y)*sin(x*y + 1)"))
    assert "exp(x + y)*sin(x*y + 1)" in asked
    assert len(asked) == len(set(asked))


def test_a_leaf_ends_the_search() -> None:
    tried: list[Any] = []
    at_leaf = RuleSet(
        [
            rule("sin(a)^2 + cos(a)^2 -> 1"),
            rule("sin(a)^2 + cos(a)^2", lambda a: tried.append(a), name="never needed"),
        ]
    )
    assert str(sn.simplify(sn.parse("sin(x)^2 + cos(x)^2"), rules=at_leaf)) == "1"
    assert not tried
    assert simplifier.LEAF == (0, 0)
