"""Points for comparing terms: within the assumptions, on both sides of every kink, and the same for the same seed."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from typing import Any

import pytest

import symnum as sn
from symnum import term as interface
from symnum.rewriting.modular import identity_of
from symnum.rewriting.sampling import Sampler
from symnum.rewriting.truths import settings_of
from symnum.symbols import convert


def named_points(sampler: Sampler, points: Any, count: int) -> list[dict[str, Any]]:
    names = {identity_of(s): interface.name(s) for s in sampler.symbols}
    return [{names[i]: value for i, value in point.items()} for point in islice(points, count)]


def points_of(*texts: str, count: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    sampler = Sampler([sn.parse(text) for text in texts], seed)
    return named_points(sampler, sampler.points(), count)


def kinks_of(text: str, count: int = 120) -> list[dict[str, Any]]:
    sampler = Sampler([sn.parse(text)])
    return named_points(sampler, sampler.kink_points(), count)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("x::positive", lambda v: v > 0),
        ("x::negative", lambda v: v < 0),
        ("x::nonnegative", lambda v: v >= 0),
        ("x::nonzero", lambda v: v != 0),
        ("x::integer", lambda v: type(v) is int),
        ("x::integer::positive", lambda v: type(v) is int and v > 0),
        ("x::integer::negative", lambda v: type(v) is int and v < 0),
        ("x::boolean", lambda v: type(v) is bool),
        ("x", lambda v: type(v) in (int, Fraction)),
    ],
)
def test_values_are_exact_and_within_the_assumptions(text: str, holds: Any) -> None:
    kinked = f"ifelse({text}, y, sin(y))" if "boolean" in text else f"abs({text} - 3) + floor({text}/7)*y"
    sampler = Sampler([sn.parse(kinked)])
    points = named_points(sampler, sampler.points(), 300) + named_points(sampler, sampler.kink_points(), 100)
    assert all(holds(point["x"]) for point in points)
    near = [next(iter(named_points(sampler, [sampler.near(p)], 1))) for p in islice(sampler.points(), 60)]
    assert all(holds(point["x"]) for point in near)
    assert len({point["x"] for point in points}) >= (2 if "boolean" in text else 30)


def test_the_corners_come_first() -> None:
    assert points_of("x*y + n::integer", count=4) == [{"n": v, "x": v, "y": v} for v in (0, 1, -1, 2)]
    sampler = Sampler([sn.parse("x*y")])
    later = named_points(sampler, sampler.points(corners_first=False), 60)
    assert later[0]["x"] not in (0, 1, -1, 2)
    assert all({"x": v, "y": v} in later for v in (0, 1, -1, 2))


def test_the_same_seed_gives_the_same_points() -> None:
    text = "max(x, y*10^5) + ifelse(f::boolean, log(x), 3)"
    assert points_of(text, seed=3) == points_of(text, seed=3)
    assert points_of(text, seed=3) != points_of(text, seed=4)


def test_the_points_of_a_tree_are_those_of_the_interned_term() -> None:
    tree = sn.parse("x + sin(y) + n::integer", backend="tree")
    first, second = Sampler([tree]), Sampler([convert(tree)])
    assert list(islice(first.points(), 40)) == list(islice(second.points(), 40))


def test_signs_and_magnitudes_vary() -> None:
    values = [abs(point["x"]) for point in points_of("x", count=200)]
    assert min(v for v in values if v) < Fraction(1, 1000)
    assert max(values) > 10**5
    signs = {(point["x"] > 0, point["y"] > 0) for point in points_of("x*y", count=60)}
    assert len(signs) == 4


def test_few_boolean_symbols_give_the_truth_table() -> None:
    rows = points_of("f::boolean and (g::boolean or h::boolean)", count=1000)
    assert len(rows) == 8 and len({tuple(row.values()) for row in rows}) == 8
    assert points_of("3", count=1000) == [{}]
    sampler = Sampler([sn.parse(" and ".join(f"f{i}::boolean" for i in range(8)))])
    assert sampler.is_table and len(list(sampler.points())) == 256


def test_many_boolean_symbols_are_set_so_that_each_part_decides() -> None:
    names = [f"f{i}" for i in range(20)]
    points = points_of(" and ".join(f"{name}::boolean" for name in names), count=60)
    assert dict.fromkeys(names, True) in points
    assert all({**dict.fromkeys(names, True), name: False} in points for name in names)


def test_settings_follow_the_conditions_that_lead_to_a_part() -> None:
    nest = "0"
    for i in reversed(range(12)):
        nest = f"ifelse(f{i}::boolean, {nest if i < 11 else 'x'}, {i})"
    settings = settings_of([sn.parse(nest)])
    found = [{name: value for (name, _, _), value in s.items()} for s in settings]
    assert dict.fromkeys([f"f{i}" for i in range(12)], True) in found
    assert {**dict.fromkeys([f"f{i}" for i in range(11)], True), "f11": False} in found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("not (f::boolean or g::boolean)", {"f": False, "g": False}),
        ("ifelse(f::boolean, g::boolean, h::boolean) and k::boolean", {"f": True, "g": True, "k": True}),
        ("(x < 1) and f::boolean and not g::boolean", {"f": True, "g": False}),
        ("(f::boolean and g::boolean) or h::boolean", {"f": True, "g": True, "h": False}),
    ],
)
def test_settings_look_into_conditions(text: str, names: dict[str, bool]) -> None:
    found = [{n: v for (n, _, _), v in s.items()} for s in settings_of([sn.parse(text)])]
    assert names in found


def test_settings_of_shared_and_deep_conditions_are_bounded() -> None:
    f, g = sn.symbols("f g", sort="boolean", backend="tree")
    shared, deep = f, f
    for i in range(1_000):
        inner = interface.make(f, "and", (interface.make(f, "not", (shared,)), f))
        shared = interface.make(f, "or", (interface.make(f, "and", (shared, g)), inner))
        deep = sn.ifelse(sn.symbols(f"f{i % 30}", sort="boolean", backend="tree"), deep, g)
    assert 4 <= len(settings_of([shared])) <= 300
    assert 30 <= len(settings_of([deep])) <= 300


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("abs(x - 1000000)", 1_000_000),
        ("max(x, 12345678)", 12_345_678),
        ("min(3*x, 1)", Fraction(1, 3)),
        ("floor(x/777)", 777),
        ("ceil(x + 1/2)", Fraction(1, 2)),
        ("mod(x, 50021)", 50_021),
        ("sign(x + 10^9)", -(10**9)),
        ("ifelse(x^3 > 8*10^9, x, 2)", 2000),
        ("1/(x - 31)", 31),
        ("log(x - 29)", 29),
        ("sqrt(17 - x)", 17),
        ("asin(x/40)", 40),
        ("x == 10^30", 10**30),
        ("x > 10^-30", Fraction(1, 10**30)),
        ("x::integer^2 > 10^14", 10**7),
        ("x::positive^2 > 10^14", 10**7),
        ("x > 10^400", 10**400),
        ("x::integer > 10^400 + 7", 10**400 + 7),
        ("(x - 100)*(x - 201/2) < 0", Fraction(201, 2)),
    ],
)
def test_a_kink_is_met_with_both_of_its_sides(text: str, value: Any) -> None:
    values = [point["x"] for point in kinks_of(text)]
    assert value in values
    close = max(abs(value) * Fraction(1, 1000), Fraction(1, 1000), 1 if "integer" in text else 0)
    assert any(0 < v - value <= close for v in values)
    assert any(0 < value - v <= close for v in values)


def test_integers_move_by_one_beside_a_kink() -> None:
    values = {point["n"] for point in kinks_of("max(n::integer, 10^6)")}
    assert {999_999, 1_000_000, 1_000_001} <= values


def test_kinks_are_solved_for_along_each_symbol() -> None:
    points = kinks_of("abs(x - 3*y)", 200)
    assert any(p["x"] == 3 * p["y"] and p["x"] for p in points)
    text = "ifelse(x > 10^6, ifelse(y > 10^7, 1, 2), 3)"
    assert any(p["x"] > 10**6 and p["y"] > 10**7 for p in kinks_of(text, 200))


@pytest.mark.parametrize("text", ["x + y", "x*y^2 + 3", "sin(x) - exp(y)"])
def test_smooth_terms_have_no_kinks(text: str) -> None:
    assert kinks_of(text) == []


def test_small_scales_are_met_where_constants_are_large() -> None:
    values = [point["x"] for point in points_of("sin(10^12*x)", count=3000)]
    assert Fraction(1, 10**12) in values
    beside = [point["x"] for point in kinks_of("sign(x)")]
    assert any(0 < v < Fraction(1, 10**15) for v in beside)


def test_near_moves_every_number_a_little_and_no_truth_value() -> None:
    sampler = Sampler([sn.parse("x + n::integer + ifelse(f::boolean, 1, 2)")])
    identities = [identity_of(s) for s in sampler.symbols]
    point = dict(zip(identities, (True, 5, Fraction(1, 2))))
    moved = sampler.near(point)
    flag, whole, real = (moved[i] for i in identities)
    assert flag is True and 7 <= whole <= 13
    assert real != Fraction(1, 2) and abs(real - Fraction(1, 2)) < Fraction(1, 1000)
