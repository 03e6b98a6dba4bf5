"""Residues modulo primes: what they prove equal, what they prove different, and where they say nothing."""

from __future__ import annotations

from fractions import Fraction

import pytest

import symnum as sn
from symnum.rewriting.modular import SIZES, Residues, _prime, compare_residues, identity_of

x, y, z = sn.symbols("x y z")

MERSENNE = (2**61 - 1, 2**89 - 1, 2**107 - 1, 2**127 - 1)


def read(before: str, after: str, backend: str = "interned") -> Residues:
    return compare_residues([sn.parse(before, backend=backend)], [sn.parse(after, backend=backend)])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(x + y)^3", "x^3 + 3*x^2*y + 3*x*y^2 + y^3"),
        ("1/x + 1/y", "(x + y)/(x*y)"),
        ("exp(x*y + x*z)", "exp(x*(y + z))"),
        ("sin(a*b + a)*sin(c)", "sin(c)*sin(a*(b + 1))"),
        ("max(x, y*z + y, 2)", "max(2, x, y*(z + 1))"),
        ("x + 1 < y*z + y", "y*(z + 1) > x + 1"),
        ("x <= y", "y >= x"),
        ("x*y + x == z", "z == x*(y + 1)"),
        ("(x*y + x)^(3/2)", "(x*(y + 1))^(3/2)"),
        ("sqrt(x*y + x)^3", "(x*(y + 1))^(3/2)"),
        ("(x*y + x)^(a*b + a)", "(x*(y + 1))^(a*(b + 1))"),
        ("0.5*x + 0.5*y", "(x + y)/2"),
        ("0.1*x*y + 0.1*x", "0.1*x*(y + 1)"),
        ("ifelse(x > 1, a*b + a, 2)", "ifelse(x > 1, a*(b + 1), 2)"),
        ("x/7 + 3/7*x", "4/7*x"),
    ],
)
def test_what_is_equal(before: str, after: str) -> None:
    found = read(before, after)
    assert (found.equal, found.same_domain, found.different) == ([True], [True], [False])
    assert found.bits >= 60 and found.points == 2


@pytest.mark.parametrize(
    ("before", "after", "certain"),
    [
        ("(x + y)^2", "x^2 + y^2", True),
        ("x*(y + 1)", "x*y + x + 1/10^40", True),
        ("1/x", "1/(x + 1)", True),
        ("x", "y", True),
        ("exp(x)", "exp(x + 1)", False),
        ("sin(x)", "cos(x)", False),
        ("sqrt(x)^2 + sqrt(y)", "sqrt(x)", False),
        ("(x^2)^(1/2)", "x", False),
        ("x^0.3", "x^0.4", False),
        ("0.1*x", "0.2*x", False),
        ("x^y", "y^x", False),
        ("x < y", "y < x", False),
        ("x - y > 0", "y - x > 0", False),
        ("log(exp(x))", "x", False),
    ],
)
def test_what_is_not_equal(before: str, after: str, certain: bool) -> None:
    found = read(before, after)
    assert (found.equal, found.different) == ([False], [certain])


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("x/x + y", "1 + y", True),
        ("1 + y", "x/x + y", False),
        ("1/(x - y)", "-1/(y - x)", True),
        ("x*0 + log(x) - log(x)", "0*y", True),
        ("0", "log(x) - log(x)", False),
        ("sqrt(x) - sqrt(x)", "0", True),
        ("0", "sqrt(x) - sqrt(x)", False),
        ("ifelse(x > 0, log(x), 1)*0", "0", True),
        ("0", "ifelse(x > 0, log(x), 1)*0", False),
        ("ifelse(x > 0, log(x), 1)", "ifelse(x > 0, log(x), 1)", True),
        ("exp(x) - exp(x)", "0", True),
        ("0", "exp(x) - exp(x)", True),
    ],
)
def test_the_domain_may_grow_but_not_shrink(before: str, after: str, kept: bool) -> None:
    found = read(before, after, "tree")
    assert (found.equal, found.same_domain) == ([True], [kept])


@pytest.mark.parametrize("text", ["1/(y - y)", "x + inf", "log(nan)", "1/0 + x", "x*(1/0)"])
def test_what_has_no_residue_is_neither_equal_nor_different(text: str) -> None:
    found = read(text, text + " + 0*z", "tree")
    assert (found.equal, found.same_domain, found.different) == ([False], [False], [False])


@pytest.mark.parametrize("factor", [*MERSENNE, MERSENNE[0] * MERSENNE[1] * MERSENNE[2] * MERSENNE[3]])
def test_a_constant_that_well_known_primes_divide_is_not_zero(factor: int) -> None:
    found = compare_residues([factor * x, factor * sn.exp(x)], [x * 0, x * 0])
    assert (found.equal, found.different) == ([False, False], [True, False])
    found = compare_residues([x * (y + 1) / factor], [x * y / factor + x / factor])
    assert (found.equal, found.different) == ([True], [False])


def test_a_prime_that_divides_a_denominator_is_passed_over() -> None:
    second = _prime(SIZES[1], 1, 0)
    found = compare_residues([x * (y + 1) / second], [x * y / second + x / second])
    assert (found.equal, found.different, found.points) == ([True], [False], 2)
    first = _prime(SIZES[0], 0, 0)
    found = compare_residues([x * (y + 1) / first], [x * y / first + x / first])
    assert (found.equal, found.different) == ([False], [False])


def test_the_primes_follow_the_seed() -> None:
    primes = {seed: [_prime(size, i, seed) for i, size in enumerate(SIZES)] for seed in range(4)}
    assert [p.bit_length() for p in primes[0]] == [90, 90, 120, 120]
    assert len({p for row in primes.values() for p in row}) == 16
    assert primes[0][0] == 997052976111800317554303671


def test_no_proof_where_the_degree_is_beyond_all_bounds() -> None:
    before = after = sn.symbols("x", backend="tree")
    for _ in range(100):
        before = before * before
        after = after * (after + 0)
    found = compare_residues([before], [after])
    assert (found.equal, found.different, found.bits) == ([False], [False], 0)


def test_symbols_of_two_backends_are_one_and_assumptions_tell_them_apart() -> None:
    tree = sn.symbols("x", backend="tree")
    assert compare_residues([x * x + x], [tree * (tree + 1)]).equal == [True]
    positive = sn.symbols("x", positive=True)
    assert compare_residues([x], [positive]).equal == [False]
    assert identity_of(positive) == ("x", "real", ("positive",))
    assert identity_of(sn.symbols("n", integer=True)) == ("n", "integer", ())


def test_pairs_are_judged_one_by_one() -> None:
    found = compare_residues([x * (y + 1), x, sn.sin(x), x], [x * y + x, y, sn.cos(x), x])
    assert found.equal == [True, False, False, True]
    assert found.different == [False, True, False, False]
    nothing = compare_residues([], [])
    assert (nothing.equal, nothing.same_domain, nothing.different) == ([], [], [])


def test_two_to_the_eighteen_paths_and_ten_thousand_levels() -> None:
    left = right = x + y
    for _ in range(18):
        left, right = left * left + left, right * (right + 1)
    found = compare_residues([left, left], [right, right + Fraction(1, 10**9)])
    assert (found.equal, found.different) == ([True, False], [False, True])
    deep, same = x, x
    for _ in range(10_000):
        deep, same = sn.sin(deep * y + deep), sn.sin(deep * (y + 1))
    assert compare_residues([deep], [same]).equal == [True]


def test_a_difference_far_down_is_seen() -> None:
    left, right = sn.tanh(x), sn.tanh(x + Fraction(1, 10**30))
    for _ in range(1_000):
        left, right = sn.sin(left) + 1, sn.sin(right) + 1
    found = compare_residues([left], [right])
    assert (found.equal, found.different) == ([False], [False])
