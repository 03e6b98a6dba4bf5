"""solve and roots."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

import symnum as sn
from symnum.algebra.polynomial import coefficients
from symnum.symbols import convert

x, y, z, a, b, c = sn.symbols("x y z a b c")


def residual(polynomial: object, root: float) -> float:
    """Return |p(root)| over the size of its terms."""
    terms = [float(sn.evaluate(v, {})) * root**k for k, v in coefficients(polynomial, x).items()]
    return abs(math.fsum(terms)) / max(sum(map(abs, terms)), 1e-300)


@pytest.mark.parametrize(
    ("polynomial", "expected"),
    [
        (3 * x - 2, {"2/3": 1}),
        (x**2 - 2 * x - 1, {"1 - sqrt(2)": 1, "1 + sqrt(2)": 1}),
        ((x - 1) ** 2 * (x**2 - 2), {"-sqrt(2)": 1, "1": 2, "sqrt(2)": 1}),
        (x**2 + 1, {}),
        (x**3 - 2, {"2^(1/3)": 1}),
        (x**3 + 2, {"-2^(1/3)": 1}),
        (x**5 - 2, {"2^(1/5)": 1}),
        (x**4 - 3, {"-3^(1/4)": 1, "3^(1/4)": 1}),
        (x**6 - 5 * x**3 + 6, {"2^(1/3)": 1, "3^(1/3)": 1}),
        (x**4 + 5 * x**2 + 6, {}),
        (x**3, {"0": 3}),
        (
            x**3 - 3 * x + 1,
            {"2*cos(acos(-1/2)/3 - 4*pi/3)": 1, "2*cos(acos(-1/2)/3 - 2*pi/3)": 1, "2*cos(acos(-1/2)/3)": 1},
        ),
        ((x**2 - 1) / (x - 1), {"-1": 1}),
        (sn.number(3) + 0 * x, {}),
        (0.5 * x - 1, {"2.0": 1}),
        (x**2 - 0.01, {"-0.1": 1, "0.1": 1}),
    ],
)
def test_roots_of_numeric_polynomials(polynomial: object, expected: dict) -> None:
    assert sn.roots(polynomial, x) == {sn.parse(text): m for text, m in expected.items()}


@pytest.mark.parametrize(
    ("polynomial", "expected"),
    [
        (a * x - b, ["b/a"]),
        (x**2 - a, ["-sqrt(a)", "sqrt(a)"]),
        (a * x**2 + b * x + c, ["(-b - sqrt(-4*a*c + b^2))/(2*a)", "(-b + sqrt(-4*a*c + b^2))/(2*a)"]),
        (x**2 - (a + b) * x + a * b, ["a", "b"]),
        (x**3 + a, ["-cbrt(a)"]),
        (x**5 + a, ["-abs(a)^(1/5)*sign(a)"]),
        (sn.sin(a) * x**2 - 1, ["-sqrt(1/sin(a))", "sqrt(1/sin(a))"]),
    ],
)
def test_roots_with_symbols(polynomial: object, expected: list) -> None:
    assert set(sn.roots(polynomial, x)) == {sn.parse(text) for text in expected}


def test_random_polynomials_have_all_their_real_roots() -> None:
    rng = random.Random(3)
    seen = 0
    for _ in range(150):
        degree = rng.randint(1, 4)
        p = sum((rng.randint(-9, 9) * x**k for k in range(degree)), rng.randint(1, 5) * x**degree)
        table = coefficients(p, x)
        dense = [sn.evaluate(table.get(k, sn.number(0)), {}) for k in range(degree, -1, -1)]
        found = sn.roots(p, x)
        values = [float(sn.evaluate(root, {})) for root in found]
        assert values == sorted(values)
        expected = sorted(r.real for r in np.roots(dense) if abs(r.imag) < 1e-6)
        counted = [v for v, m in zip(values, found.values()) for _ in range(m)]
        assert counted == pytest.approx(
            expected, rel=1e-5, abs=1e-5
        )  # numpy loses half the digits of a double root
        for value in values:
            assert residual(p, value) < 1e-12
            seen += 1
    assert seen > 150


def test_hard_quartics_and_cubics() -> None:
    for p, count in (
        (x**4 - 10 * x**2 + x + 20, 4),
        (x**4 - x - 1, 2),
        (x**4 + x + 1, 0),
        (1000000 * x**3 - 3 * x + 1, 1),
        (x**3 - 1000001 * x + 1, 3),
        (x**4 - 4 * x**3 + 5 * x**2 - 4 * x + 1, 2),
    ):
        found = [float(sn.evaluate(r, {})) for r in sn.roots(p, x)]
        assert len(found) == count
        assert all(residual(p, v) < 1e-12 for v in found)


def test_coefficients_may_be_irrational_constants() -> None:
    p = sn.sqrt(sn.number(2)) * x**2 - sn.pi * x - 1
    for root in sn.roots(p, x):
        v = float(sn.evaluate(root, {}))
        assert math.sqrt(2) * v * v - math.pi * v - 1 == pytest.approx(0, abs=1e-12)
    (root,) = sn.roots(x**3 + x - sn.pi, x)
    v = float(root)
    assert v**3 + v - math.pi == pytest.approx(0, abs=1e-12)


def test_linear_systems() -> None:
    assert sn.solve([sn.eq(a * x + y, 1), x - y], [x, y]) == {x: 1 / (a + 1), y: 1 / (a + 1)}
    free = sn.solve([x + y + z - 1, x - y], [x, y, z])
    assert set(free) == {x, y} and free[x] is free[y] is sn.parse("1/2 - z/2")
    assert sn.solve([x + y - 2, x - y, 2 * x - 2], [x, y]) == {x: 1, y: 1}
    f = sn.sin(z)
    assert sn.solve([f + x - 1, f - x], [f, x]) == {f: Fraction(1, 2), x: Fraction(1, 2)}


def test_one_unknown_gives_a_list() -> None:
    assert sn.solve(sn.eq(x**2, 4), x) == [-2, 2]
    assert sn.solve([x**2 - 1, x**2 - 3 * x + 2], x) == [1]
    assert sn.solve([x - 1, x - 2], x) == []


def test_tree_backend() -> None:
    u, v = sn.symbols("u v", backend="tree")
    found = sn.solve(u * u - v, u)
    assert [t.backend for t in found] == ["tree", "tree"]
    assert [convert(t) for t in found] == sn.solve(sn.parse("u^2 - v"), sn.symbols("u"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sn.roots(x**5 - x - 1, x), "degree 5 in x has no formula.*numpy.roots"),
        (lambda: sn.roots(x**3 + a * x + 1, x), "symbolic coefficients"),
        (lambda: sn.roots(sn.sin(x), x), r"holds sin\(x\)"),
        (lambda: sn.roots(sn.sqrt(x) - 2, x), "not a polynomial in x"),
        (lambda: sn.roots(x - x, x), "0 = 0"),
        (lambda: sn.roots(x, 3), "takes the unknown as a symbol"),
        (lambda: sn.solve([x + y, x + y - 1], [x, y]), "contradict each other: together they say 0 = 1"),
        (lambda: sn.solve([x + y - a, x + y - b], [x, y]), "unless .* is zero"),
        (lambda: sn.solve([x * y - 1, x - y], [x, y]), "not linear in the unknowns"),
        (lambda: sn.solve([], x), "got no equation"),
        (lambda: sn.solve([x], []), "got no unknown"),
        (lambda: sn.solve(x > 1, x), "a condition and no equation"),
    ],
)
def test_refusals(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
