"""Matching modulo associativity and commutativity: against brute force, in a fixed order, and without going through permutations."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symnum as sn
from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting import Facts, RuleSet, rule, rules
from symnum.rewriting.assignment import MatchLimitWarning, Search, each_way, item_key, slots_in
from symnum.rewriting.canonical import normal_form
from symnum.rewriting.matching import match, match_bag
from symnum.rewriting.pattern import BagPattern, ProductPattern, SumPattern
from symnum.rewriting.sum_index import SumIndex
from symnum.rewriting.within import match_product, match_sum

JOINED = {"+": " + ", "*": "*", "and": " and ", "or": " or "}


def call(head: str, parts: list[str]) -> str:
    return f"({JOINED[head].join(parts)})" if head in JOINED else f"{head}({', '.join(parts)})"


def results(text: str, term: str, backend: str = "interned") -> list[str]:
    return [str(new) for new in rule(text).results(sn.parse(term, backend=backend))]


# --- brute force ----------------------------------------------------------------------------------------------------------------

NUMBERS = ["a", "b", "sin(a)", "sin(b)", "cos(b)", "atan2(a, b)", "atan2(b, a)", "atan2(a, a)", "exp(sin(a))"]
VALUES = ["x", "y", "sin(x)", "sin(y)", "cos(x)", "atan2(x, y)", "atan2(y, x)", "atan2(x, x)", "exp(sin(x))"]
TRUTHS = ["p::boolean", "a < b", "b < a", "a <= b", "sin(a) < b", "sin(a) < cos(a)", "a < sin(b)"]
CONDITIONS = ["f::boolean", "x < y", "y < x", "x <= y", "sin(x) < y", "sin(x) < cos(x)", "x < sin(x)"]

Bindings = dict[str, Any]


def fits(pattern: Any, term: Any, bound: Bindings) -> Bindings | None:
    """Match a pattern without commutative parts."""
    if interface.is_symbol(pattern):
        name = interface.name(pattern)
        boolean = interface.sort_of(pattern) == "boolean"
        if (interface.sort_of(term) == "boolean") != boolean or bound.get(name, term) is not term:
            return None
        return {**bound, name: term}
    if not interface.is_call(term) or interface.head(term) != interface.head(pattern):
        return None
    for part, arg in zip(interface.args(pattern), interface.args(term), strict=True):
        inner = fits(part, arg, bound)
        if inner is None:
            return None
        bound = inner
    return bound


def lateness(patterns: list[Any], slot: Any) -> tuple[bool, str]:
    """Say which bare slot takes what is left: one that stands nowhere else, and of those the last by name."""
    return all(p is slot or slot not in p.free_symbols for p in patterns), str(slot)


def brute_force(head: str, patterns: list[Any], items: list[Any], segment: bool) -> Iterator[Bindings]:
    """Yield all ways: a permutation for the patterns; the segment, or else the last bare slot, takes what is left."""
    last = max((p for p in patterns if interface.is_symbol(p)), key=partial(lateness, patterns), default=None)
    bare = [] if segment or last is None else [last]
    others = [p for p in patterns if p not in bare]
    for chosen in itertools.permutations(items, len(others)):
        bound: Bindings | None = {}
        for pattern, item in zip(others, chosen):
            bound = None if bound is None else fits(pattern, item, bound)
        rest = [item for item in items if item not in chosen]
        if bound is not None and bare and rest:
            bound = fits(bare[0], interned.make(head, rest), bound)
        elif bare or (rest and not segment):
            bound = None
        if bound is not None:
            yield {**bound, "rest": frozenset(rest)} if segment else bound


def as_set(found: Iterator[Bindings]) -> set[frozenset[Any]]:
    return {frozenset(bound.items()) for bound in found}


@pytest.mark.parametrize("head", ["+", "*", "max", "min", "and", "or"])
@settings(max_examples=50)
@given(data=st.data())
def test_nested_calls_match_as_brute_force_does(head: str, data: st.DataObject) -> None:
    boolean = head in ("and", "or")
    pieces = data.draw(
        st.lists(st.sampled_from(TRUTHS if boolean else NUMBERS), unique=True, min_size=2, max_size=5)
    )
    values = data.draw(
        st.lists(st.sampled_from(CONDITIONS if boolean else VALUES), unique=True, min_size=2, max_size=6)
    )
    segment = data.draw(st.booleans())
    wrapped = "not {}" if boolean else "exp({})"
    seen: list[Bindings] = []

    def note(**bound: Any) -> None:
        if segment:
            bound["rest"] = frozenset(bound["rest"])
        seen.append(bound)

    spelled = [*pieces, "rest::boolean..." if boolean else "rest..."] if segment else pieces
    made = rule(wrapped.format(call(head, spelled)), note)
    term = sn.parse(wrapped.format(call(head, values)))
    assert list(made.results(term)) == []
    patterns = [sn.parse(piece) for piece in pieces]
    items = [sn.parse(value) for value in values]
    assert as_set(iter(seen)) == as_set(brute_force(head, patterns, items, segment))


@pytest.mark.parametrize("head", ["max", "min", "and", "or"])
@settings(max_examples=30)
@given(data=st.data())
def test_a_bag_at_the_top_keeps_what_brute_force_leaves(head: str, data: st.DataObject) -> None:
    boolean = head in ("and", "or")
    pieces = data.draw(
        st.lists(st.sampled_from(TRUTHS if boolean else NUMBERS), unique=True, min_size=2, max_size=4)
    )
    values = data.draw(
        st.lists(st.sampled_from(CONDITIONS if boolean else VALUES), unique=True, min_size=2, max_size=5)
    )
    made = rule(call(head, pieces), call(head, pieces[:1]))
    expected = set()
    patterns, items = [sn.parse(p) for p in pieces], [sn.parse(v) for v in values]
    for chosen in itertools.permutations(items, len(patterns)):
        bound: Bindings | None = {}
        for pattern, item in zip(patterns, chosen):
            bound = None if bound is None else fits(pattern, item, bound)
        if bound is not None:
            left = [item for item in items if item not in chosen]
            expected.add(interned.make(head, [chosen[0], *left]))
    assert set(made.results(interned.make(head, items))) == expected


# --- at every level ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["interned", "tree"])
@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("log(exp(a)*b) -> a + log(b)", "log(y*exp(x)*z)", ["x + log(y*z)"]),
        ("atan2(sin(a) + cos(b), b) -> a*b", "atan2(cos(y) + sin(x), y)", ["x*y"]),
        ("a^(b + log(c)) -> atan2(a, b*c)", "x^(y + log(z))", ["atan2(x, y*z)"]),
        ("abs(sin(a)*max(b, exp(a))) -> a + b", "abs(max(exp(x), y)*sin(x))", ["x + y"]),
        ("min(a, max(b, min(a, c))) -> atan2(b, c)", "min(max(min(z, y), x), y)", ["atan2(x, z)"]),
        (
            "not (p::boolean and (q::boolean or not p)) -> q",
            "not ((not (x < y) or z < y) and x < y)",
            ["z < y"],
        ),
        ("ifelse(p::boolean and q::boolean, a, a + b) -> b", "ifelse(x < y and y < z, x, y + x)", ["y"]),
        ("exp(sin(a)^2*cos(a)^2 + b) -> a*b", "exp(z + cos(x)^2*sin(x)^2)", ["x*z"]),
        ("sin(-2*a + 3*b*cos(a)) -> atan2(a, b)", "sin(3*cos(x)*y - 2*x)", ["atan2(x, y)"]),
    ],
)
def test_sums_products_and_bags_match_at_every_level(
    backend: str, text: str, term: str, expected: list[str]
) -> None:
    found = rule(text).results(normal_form(sn.parse(term, backend=backend)))
    assert sorted({str(new) for new in found}) == expected


def test_each_match_gives_a_result_in_a_fixed_order() -> None:
    assert results("log(a + b) -> atan2(a, b)", "log(z + x + y)") == [
        "atan2(x, y + z)",
        "atan2(y, x + z)",
        "atan2(z, x + y)",
    ]
    assert results("log(a*b) -> atan2(a, b)", "log(z*2*x)") == ["atan2(x, 2*z)", "atan2(z, 2*x)"]
    assert results("exp(max(a, b)) -> atan2(a, b)", "exp(max(z, y, x))") == [
        "atan2(x, max(y, z))",
        "atan2(y, max(x, z))",
        "atan2(z, max(x, y))",
    ]
    assert results("a == b -> a < b", "y == x") == ["x < y", "y < x"]


def test_everything_is_used_up_below_the_top() -> None:
    assert results("exp(sin(a) + cos(a)) -> a", "exp(sin(x) + cos(x) + y)") == []
    assert results("exp(sin(a) + cos(a)) -> a", "exp(2*sin(x) + cos(x))") == []
    assert results("exp(sin(a)*cos(a)) -> a", "exp(3*sin(x)*cos(x))") == []
    assert results("exp(sin(a) + 2) -> a", "exp(sin(x) + 2)") == ["x"]
    assert results("exp(sin(a) + 2) -> a", "exp(sin(x) + 2.0)") == []
    assert results("exp(sin(a) + c::number) -> a*c", "exp(sin(x) + 2)") == ["2*x"]
    assert results("exp(c::number*sin(a)) -> a*c", "exp(3*sin(x))") == ["3*x"]
    assert results("exp(c::number*sin(a)) -> a*c", "exp(y*sin(x))") == []
    assert results("exp(sin(a) + c::number) -> a*c", "exp(sin(x))") == []


DETERMINED = """
import random
import symnum as sn
from symnum.rewriting import RuleSet, rule, theories
from symnum.symbols import symbol

names = ["x", "y", "z", "u", "v", "w"]
random.Random({order}).shuffle(names)
made = [symbol(name) for name in names]
wide = sn.sin(made[0])
for s in made:
    wide = wide + s*sn.sin(s)**2 + s*sn.cos(s)**2 + 2*s + sn.exp(s)*sn.exp(2*s)
wide = wide - sn.sin(made[0])
own = RuleSet([
    rule("a*sin(b)^2 + a*cos(b)^2 -> a"),
    rule("exp(a)*exp(b) -> exp(a + b)"),
    rule("max(a, b, xs...) -> atan2(a, max(b, xs))"),
    rule("F::function(a + b) -> F(a*b)"),
    rule("a*b + a*c -> a*(b + c)"),
])
ordered = sn.max(*made) + sn.log(sum(made[1:], made[0])) + 3*sn.tan(made[0]*0 + sum(made[1:], made[0]))
for part in (wide, ordered, wide*ordered):
    for rules in (own, theories.ALL):
        for fired, new in rules.results(part):
            print(fired, new)
        for found in rules.matches(part):
            print(*found)
"""


def test_results_depend_neither_on_the_hash_seed_nor_on_the_order_of_construction() -> None:
    outputs = []
    for seed, order in (("1", 1), ("2", 2), ("77", 3)):
        run = subprocess.run(
            [sys.executable, "-P", "-c", DETERMINED.format(order=order)],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.stderr == ""
        outputs.append(run.stdout)
    assert outputs[0].count("\n") > 100
    assert outputs[0] == outputs[1] == outputs[2]


# --- never through all permutations -----------------------------------------------------------------------------------------------

MANY_SINES = [f"sin(a{i})" for i in range(9)]
MANY_VALUES = [f"sin(x{i})" for i in range(9)]
HOPELESS = {
    "the last pattern fits nothing": ([*MANY_SINES, "cos(exp(b))"], [*MANY_VALUES, "cos(y)"]),
    "a head is missing": ([*MANY_SINES, "cos(b)"], [*MANY_VALUES, "tan(y)"]),
    "a shared slot fits nothing": ([*MANY_SINES, "exp(a0)"], [*MANY_VALUES, "exp(y)"]),
    "a chain of slots": (
        [f"atan2(a{i}, a{i + 1})" for i in range(10)],
        [f"atan2(x{i}, y{i})" for i in range(10)],
    ),
    "a repeated slot": (
        [*[f"atan2(a{i}, b{i})" for i in range(9)], "atan2(c, c)"],
        [f"atan2(x{i}, y{i})" for i in range(10)],
    ),
    "too few for a shape": (
        [*[f"sin(sin(a{i}))" for i in range(6)], *[f"sin(b{i})" for i in range(4)]],
        [*[f"sin(sin(x{i}))" for i in range(5)], *[f"sin(y{i})" for i in range(5)]],
    ),
    "the rest is of the wrong sort": ([*MANY_SINES, "c::positive"], [*MANY_VALUES, "y"]),
    "symbols and a number": (
        [*[f"a{i}::symbol" for i in range(9)], "sin(b)"],
        [f"x{i}" for i in range(9)] + ["cos(y)"],
    ),
}
BOUND = 15_000
"""Ten patterns on ten items: 10! is 3,628,800, and ten times 2^10 subsets 10,240."""


@pytest.mark.parametrize("head", ["+", "*", "max", "min"])
@pytest.mark.parametrize("why", HOPELESS)
@pytest.mark.parametrize("outer", ["exp({})", "atan2(1, log({}))^2", "max(1, exp({}))"])
def test_a_nested_call_that_cannot_match_is_no_search_through_permutations(
    head: str, why: str, outer: str
) -> None:
    patterns, values = HOPELESS[why]
    pattern = rule(outer.format(call(head, patterns)) + " -> 0").pattern
    term = sn.parse(outer.format(call(head, values)))
    search = Search(Facts(), BOUND)
    assert list(match(pattern, term, {}, search)) == []
    assert search.attempts <= BOUND


@pytest.mark.parametrize("head", ["+", "*", "max"])
@pytest.mark.parametrize("why", HOPELESS)
def test_a_call_at_the_top_that_cannot_match_is_no_search_through_permutations(head: str, why: str) -> None:
    patterns, values = HOPELESS[why]
    pattern = rule(call(head, patterns) + " -> 0").pattern
    term = sn.parse(call(head, values))
    search = Search(Facts(), BOUND)
    found: Iterator[Any]
    if isinstance(pattern, SumPattern):
        found = match_sum(pattern, SumIndex(term), search)
    elif isinstance(pattern, ProductPattern):
        found = match_product(pattern, term, search)
    else:
        assert isinstance(pattern, BagPattern)
        found = match_bag(pattern, term, {}, search, whole=False)
    assert list(found) == []
    assert search.attempts <= BOUND


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("atan2(max({sines}), 1) -> 0", "atan2(max({values}), 2)"),
        ("atan2(max({sines}), max(cos(b), 1)) -> 0", "atan2(max({values}), max(cos(y), 2))"),
        ("F::function(exp(max({sines})), cos(exp(a0))) -> 0", "atan2(exp(max({values})), cos(y))"),
        ("exp(exp(max({sines}))*cos(exp(b))) -> 0", "exp(exp(max({values}))*cos(y))"),
        ("exp(exp(max({sines})) + cos(exp(b))) -> 0", "exp(exp(max({values})) + cos(y))"),
        ("exp(max({sines}))^2*cos(exp(b)) -> 0", "exp(max({values}))^2*cos(y)"),
        ("max({sines})^cos(exp(b)) -> 0", "max({values})^cos(y)"),
        ("max(exp(max({sines})), cos(exp(b))) -> 0", "max(exp(max({values})), cos(y))"),
        ("exp(max({sines}))*cos(exp(b)) + tan(c) -> 0", "exp(max({values}))*cos(y) + tan(y)"),
    ],
)
def test_a_part_that_fails_is_not_tried_again_for_each_way_of_the_part_before(text: str, term: str) -> None:
    made = rule(text.format(sines=", ".join(MANY_SINES)))
    subject = sn.parse(term.format(values=", ".join(MANY_VALUES)))
    search = Search(Facts(), 5_000)
    assert list(made._results(made.pattern, {}, subject, search, None)) == []
    assert search.attempts <= 5_000


def test_many_patterns_still_find_their_one_match() -> None:
    patterns = [f"atan2(a{i}, a{i + 1})" for i in range(10)]
    values = [f"atan2(x{i}, x{i + 1})" for i in range(10)]
    for head in ("+", "*", "max"):
        made = rule(f"exp({call(head, patterns)}) -> a0 - a10")
        assert results(made.text, f"exp({call(head, values[::-1])})") == ["x0 - x10"]
    assert results(f"{'*'.join(patterns)} -> a0 - a10", f"y*{'*'.join(values)}") == ["y*(x0 - x10)"]
    assert results(f"{' + '.join(patterns)} -> a0 - a10", f"y - {' - '.join(values)}") == ["-x0 + x10 + y"]


def test_many_patterns_with_a_segment_give_it_each_rest() -> None:
    pieces = "sin(a), sin(b), sin(c), sin(d)"
    found = results(
        f"max({pieces}, xs...) -> atan2(a + b + c + d, max(xs, 0))",
        "max(sin(x), sin(y), sin(z), sin(k), sin(m))",
    )
    assert set(found) == {
        f"atan2({' + '.join(n for n in 'kmxyz' if n != left)}, max(0, sin({left})))" for left in "kmxyz"
    }
    assert len(found) == 120  # each of the 5! ways is a match of its own


def test_each_way_follows_a_way_again_only_where_the_rest_may_tell_it_apart() -> None:
    a, b = (rule(f"sin({name}) -> 0").pattern for name in "ab")
    x, y = sn.symbols("x y")
    ways = [{"a": x, "b": x}, {"a": y, "b": x}, {"a": x, "b": y}]
    followed: list[Any] = []

    def nothing(new: Bindings) -> Iterator[Bindings]:
        followed.append(new)
        return iter(())

    assert list(each_way(iter(ways), (a,), {}, nothing)) == []
    assert followed == ways[:2]
    followed.clear()
    assert list(each_way(iter(ways), (a,), {"a": x}, nothing)) == []
    assert followed == ways[:1]
    assert list(each_way(iter(ways), (a,), {}, lambda new: iter([new]))) == ways
    assert slots_in([(b, 2), a, (1, b)]) == ("a", "b")
    assert item_key((x, 1)) != item_key((x, 1.0))


@pytest.mark.parametrize("apply", ["results", "sweeps"])
def test_a_search_given_up_warns_and_names_rule_and_term(apply: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "Search", partial(Search, limit=50))
    if apply == "results":
        made = rule(f"exp(max({', '.join(MANY_SINES)}, c::positive)) -> 0")
        term = sn.parse(f"exp(max({', '.join(MANY_VALUES)}, y))")
    else:
        made = rule("sin(a) + sin(a + b) + cos(b) -> 0")
        term = sn.parse(" + ".join(f"sin(x{i}) + cos(exp(x{i}))" for i in range(9)))
    message = rf"matching <total rule .*test_matching.py:\d+> with '{re.escape(str(term)[:20])}"
    with pytest.warns(MatchLimitWarning, match=message) as caught:
        if apply == "results":
            assert list(made.results(term)) == []
        else:
            assert list(RuleSet([made]).sweeps(term, Facts(), lambda before, after: True)) == []
    assert "given up after 50 attempts" in str(caught[0].message)
    assert "give the pattern fewer slots that stand for themselves, or typed ones" in str(caught[0].message)
