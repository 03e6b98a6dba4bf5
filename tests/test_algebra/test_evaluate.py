"""evaluate: exact, float and boolean values, and every refusal."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import symnum as sn
from symnum.algebra.evaluate import float_call
from symnum.operators import OPERATORS

x, y, k = sn.symbols("x y k")
BACKENDS = ("interned", "tree")


@pytest.mark.parametrize(
    ("term", "values", "expected"),
    [
        (x / 3 + y, {x: 1, "y": "1/6"}, Fraction(1, 2)),
        (x**2 - 2 * x, {x: Fraction(1, 2)}, Fraction(-3, 4)),
        (x * 2, {x: Fraction(1, 2)}, 1),
        (x**100 + 1, {x: 10}, 10**100 + 1),
        (x + y, {x: 2**53, y: 1}, 2**53 + 1),
        (x**-2, {x: 3}, Fraction(1, 9)),
        (sn.sqrt(x), {x: Fraction(4, 9)}, Fraction(2, 3)),
        (sn.sin(x) + sn.exp(x), {x: 0}, 1),
        (sn.floor(x / 2) + sn.ceil(x / 2), {x: 5}, 5),
        (sn.mod(x, 3), {x: -7}, 2),
        (sn.max(x, y, 3), {x: 1, y: Fraction(7, 2)}, Fraction(7, 2)),
        (sn.abs(x) * sn.sign(x), {x: -4}, -4),
        (sn.gamma(x), {x: 5}, 24),
        (x**0, {x: 0}, 1),
        (sn.number(7), {}, 7),
    ],
)
def test_exact_arguments_give_exact_values(term: object, values: dict, expected: object) -> None:
    found = sn.evaluate(term, values)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("term", "values", "expected"),
    [
        (x + y, {x: 1, y: 0.5}, 1.5),
        (1 / x, {x: 0.0}, math.inf),
        (1 / x, {x: -0.0}, -math.inf),
        (x / y, {x: 0.0, y: 0.0}, math.nan),
        (sn.log(x), {x: -1}, math.nan),
        (sn.log(x), {x: 0}, -math.inf),
        (x ** sn.number(Fraction(1, 3)), {x: -8.0}, math.nan),
        (x**1000, {x: 1e10}, math.inf),
        (x**1000 * 0.5, {x: 10**10}, math.inf),
        (x * 1.0, {x: -(10**400)}, -math.inf),
        (sn.exp(x), {x: 1000}, math.inf),
        (sn.cbrt(x), {x: -27}, -3.0),
        (sn.atan2(y, x), {x: -1, y: 1}, 3 * math.pi / 4),
        (sn.erf(x), {x: 0.5}, 0.5204998778130465),
        (sn.trigamma(x), {x: 1.0}, math.pi**2 / 6),
        (sn.pi * x, {x: 2}, 2 * math.pi),
        (x**y, {x: 2, y: 0.5}, math.sqrt(2)),
        (sn.max(x, y), {x: math.nan, y: 1.0}, math.nan),
        (sn.mod(x, 3), {x: -7.0}, 2.0),
    ],
)
def test_float_values_are_those_of_numpy(term: object, values: dict, expected: float) -> None:
    found = sn.evaluate(term, values)
    assert type(found) is float
    assert found == pytest.approx(expected, rel=1e-15, nan_ok=True)


_UFUNCS = {
    n: row.numpy[len("numpy.") : -len("({0})")] for n, row in OPERATORS.items() if row.numpy.endswith("({0})")
}
_UFUNCS = {
    n: ufunc
    for n, ufunc in _UFUNCS.items()
    if ufunc.isidentifier() and OPERATORS[n].argument_sorts == ("real",)
}


@pytest.mark.parametrize(
    "name", sorted(n for n, ufunc in _UFUNCS.items() if isinstance(getattr(np, ufunc, None), np.ufunc))
)
def test_float_call_agrees_with_numpy_ufunc(name: str) -> None:
    row, function = OPERATORS[name], getattr(np, _UFUNCS[name])
    for value in (-2.5, -1.0, -0.0, 0.0, 0.3, 1.0, 7.25, math.inf, -math.inf, math.nan):
        with np.errstate(all="ignore"):
            expected = float(function(value))
        assert float_call(row, (value,)) == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_float_call_of_users_operator_follows_its_row() -> None:
    row = sn.register_operator("algebra_test_swish", 1, numpy="{0} / (1.0 + numpy.exp(-{0}))")
    assert float_call(row, (2,)) == pytest.approx(2 / (1 + math.exp(-2)))
    again = sn.register_operator("algebra_test_swish", 1, numpy=lambda a: 3.0 * a)
    assert float_call(again, (2,)) == 6.0


def test_conditions_are_booleans_and_the_other_branch_is_not_computed() -> None:
    guarded = sn.ifelse(sn.ne(x, 0), 1 / x, 5)
    assert sn.evaluate(guarded, {x: 0}) == 5
    assert sn.evaluate(guarded, {x: 4}) == Fraction(1, 4)
    both = (x > 1) & ~(x > 3)
    assert [sn.evaluate(both, {x: v}) for v in (1, 2, 4)] == [False, True, False]
    b = sn.symbols("b", sort="boolean")
    assert sn.evaluate(sn.ifelse(b, x, -x), {b: False, x: 3}) == -3


def test_division_by_exact_zero_is_an_error_that_teaches() -> None:
    for term in (1 / x, x**-2, sn.mod(3, x), y / x):
        with pytest.raises(ZeroDivisionError, match="ifelse"):
            sn.evaluate(term, {x: 0, y: 1})


def test_several_terms_share_one_walk() -> None:
    assert sn.evaluate([x + 1, (x + 1) ** 2], {x: 2}) == [3, 9]
    assert sn.evaluate(sn.diff(x * y, x), {x: 1, y: 2}) == 2  # x is a key, but not in the term


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ({}, ValueError, "no value is given for x, y; write evaluate"),
        ({"x": 1, "yy": 2}, ValueError, "did you mean 'y'"),
        ({"x": 1, "zebra": 2}, ValueError, "its symbols are x, y"),
        ({x: [1, 2], y: 1}, TypeError, "symnum.compile"),
        ({x: np.ones(3), y: 1}, TypeError, r"array of shape \(3,\)"),
        ({x: True, y: 1}, TypeError, "symbol 'x' is real.*write 1"),
        ({x: "one", y: 1}, ValueError, "'one' of 'x' is not a number"),
        ({x: 1 + 2j, y: 1}, TypeError, "complex"),
        ({x: y, y: 1}, TypeError, "symbolic"),
        ({x + 1: 2, y: 1}, TypeError, "substitute"),
        ({x: 1, "x": 2, y: 1}, ValueError, "given twice"),
    ],
)
def test_bad_values_are_named(values: dict, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        sn.evaluate(x + y, values)


def test_values_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(TypeError, match="mapping of symbols"):
        sn.evaluate(x, [1])


def test_two_symbols_of_one_name_need_the_symbol_itself() -> None:
    xp = sn.symbols("x", positive=True)
    with pytest.raises(ValueError, match="stands for 2 symbols"):
        sn.evaluate(x + xp, {"x": 1})
    assert sn.evaluate(x + xp, {x: -1, xp: 3}) == 2
    with pytest.raises(
        ValueError, match="plain x among the keys is another symbol than the term's x::positive"
    ):
        sn.evaluate(xp, {x: 1})


def test_values_against_declarations_are_refused() -> None:
    n, p = sn.symbols("n", sort="integer"), sn.symbols("p", positive=True)
    with pytest.raises(ValueError, match="declared an integer"):
        sn.evaluate(n + 1, {n: 1.5})
    assert sn.evaluate(n + 1, {n: 2.0}) == 3.0
    with pytest.raises(ValueError, match="declared positive"):
        sn.evaluate(p, {p: -1})
    with pytest.raises(TypeError, match="give True or False"):
        sn.evaluate(sn.ifelse(sn.symbols("b", sort="boolean"), 1, 2), {"b": 1})


def test_number_types_of_users() -> None:
    values = [np.float32(0.5), np.int64(3), Decimal("0.25"), Fraction(1, 3), "0.5", sn.number(4)]
    assert [sn.evaluate(2 * x, {x: v}) for v in values] == [1.0, 6, Fraction(1, 2), Fraction(2, 3), 1.0, 8]


@pytest.mark.parametrize("backend", BACKENDS)
def test_deep_and_shared_terms_are_quick(backend: str) -> None:
    z = sn.symbols("z", backend=backend)
    deep, value = z, 0.5
    for _ in range(10_000):
        deep, value = sn.sin(deep) + 1, math.sin(value) + 1
    assert sn.evaluate(deep, {z: 0.5}) == pytest.approx(value, rel=1e-14)
    shared, exact = z, 1
    for _ in range(60):
        shared, exact = shared + sn.abs(shared), 2 * exact
    assert sn.evaluate(shared, {z: 1}) == exact


def test_backends_agree_on_random_terms() -> None:
    rng = random.Random(7)
    names = ["u", "v"]
    for _ in range(100):
        pools = {b: [sn.symbols(n, backend=b) for n in names] for b in BACKENDS}
        for _ in range(12):
            op, i, j = (
                rng.choice("+-*/"),
                rng.randrange(len(pools["tree"])),
                rng.randrange(len(pools["tree"])),
            )
            for pool in pools.values():
                a, b = pool[i], pool[j]
                pool.append({"+": lambda a, b: a + b, "-": lambda a, b: a - 2 * b, "*": lambda a, b: a * b,
                             "/": lambda a, b: a / (1 + sn.exp(b))}[op](a, b))  # fmt: skip
        point = {"u": 0.7, "v": -1.3}
        values = [
            sn.evaluate(pool[-1] + 0 * (pool[0] + pool[1]), {s: point[str(s)] for s in pool[:2]})
            for pool in pools.values()
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-9, abs=1e-12)


def test_huge_exact_values_become_floats_and_do_not_hang() -> None:
    e = x
    for _ in range(40):
        e = e * e + 1
    assert sn.evaluate(e, {x: 3}) == math.inf


def test_integers_beyond_floats_are_values_of_integer_symbols() -> None:
    n = sn.symbols("n", integer=True)
    assert sn.evaluate(n + 1, {n: 10**400}) == 10**400 + 1
