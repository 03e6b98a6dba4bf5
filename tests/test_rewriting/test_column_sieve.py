"""On columns a kernel decides where rules may fire: the same rules fire at the same nodes as on interned terms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from strategies import terms

import symnum as sn
from symnum import term as interface
from symnum.backends import columns
from symnum.columns import ready
from symnum.rewriting import RuleSet, column_sieve, rule, theories


@pytest.fixture(autouse=True, scope="module")
def kernels() -> None:
    ready.prepare()


def _fired(rules: RuleSet, term: Any) -> list[tuple[str, str, str]]:
    return [(r.name, str(node), str(new)) for r, node, new in rules.matches(term)]


@settings(max_examples=120, deadline=None)
@given(terms(max_leaves=25))
def test_the_same_rules_fire_at_the_same_nodes(term: Any) -> None:
    in_columns = sn.convert(term, "columns")
    for rules in (theories.TOTAL, theories.ALL):
        assert _fired(rules, in_columns) == _fired(rules, term)


@pytest.mark.parametrize(
    "text",
    [
        "sin(x)^2 + cos(x)^2 + y",
        "3*sin(x)^2*y + 3*cos(x)^2*y",
        "x*(sin(x)^2 + cos(x)^2)^3/sqrt(exp(y)*exp(2*x))",
        "log(exp(x)^n)*2 + 1/cos(x)^2 - tan(x)^2",
        "2*x*y + 3*(x*y)^(1/2) + sqrt(x^2)",
    ],
)
def test_multiples_and_powers_are_asked_without_being_built(text: str) -> None:
    term = sn.parse(text)
    found = _fired(theories.ALL, sn.convert(term, "columns"))
    assert found == _fired(theories.ALL, term) and found


def test_the_kernel_decides_and_not_the_walk_over_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = RuleSet([rule("sin(a)^2 + cos(a)^2 -> 1"), rule("asin(sin(a)) -> a")])
    x, y = sn.symbols("x y", backend="columns")
    monkeypatch.setattr("symnum.rewriting.compiled.CompiledSet.walk", None)
    ((fired, node, new),) = rules.matches(sn.sin(x * y) ** 2 + sn.cos(x * y) ** 2 + sn.exp(y))
    assert fired is rules.rules[0] and node == sn.sin(x * y) ** 2 + sn.cos(x * y) ** 2 + sn.exp(y)
    assert isinstance(new, columns.Column) and new == 1 + sn.exp(y)
    assert list(rules.matches(sn.sin(x) + y)) == []


def test_heads_that_come_later_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = RuleSet([rule("acosh(cosh(a)) -> abs(a)")])
    x = sn.symbols("x", backend="columns")
    assert list(rules.matches(sn.erf(x) + 1)) == []
    assert [str(new) for _, _, new in rules.matches(sn.acosh(sn.cosh(x)) + sn.lgamma(x))] == ["abs(x)"]


def test_too_many_kinds_of_factors_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_sieve, "MOST_KINDS", 2)
    term = sn.parse("sin(x)^2 + cos(x)^2 + y^3")
    assert _fired(theories.TOTAL, sn.convert(term, "columns")) == _fired(theories.TOTAL, term) != []


def test_large_terms_wait_for_kernels_and_small_ones_do_not() -> None:
    x = sn.symbols("x", backend="columns")
    assert columns.kernels_serve([x])
    total = sum((sn.sin(k * x) for k in range(50)), x)
    assert interface.backend_of(total) == "columns" and list(theories.TOTAL.matches(total)) == []
