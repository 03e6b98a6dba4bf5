"""determinant, inverse, solve_linear and linear_coefficients."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import sympy

import symnum as sn
from symnum.algebra.linear import linear_coefficients
from symnum.algebra.polynomial import degree

x, y, a, b = sn.symbols("x y a b")


def matrix_of_symbols(n: int) -> list[list]:
    return [[sn.symbols(f"m{i}_{j}") for j in range(n)] for i in range(n)]


def random_matrix(rng: random.Random, n: int) -> list[list]:
    entries = (0, 1, -2, Fraction(1, 3), x, y, x + y, 1 / x, sn.sin(y), x * y)
    return [[rng.choice(entries) for _ in range(n)] for _ in range(n)]


def product(p: list[list], q: list[list]) -> list[list]:
    return [
        [sn.cancel(sum((u * v for u, v in zip(row, column)), sn.number(0))) for column in zip(*q)]
        for row in p
    ]


def test_determinants_of_symbols() -> None:
    assert sn.determinant([[a, b], [x, y]]) is a * y - b * x
    five = matrix_of_symbols(5)
    found = sn.determinant(five)
    assert len(sn.term.args(found)) == 120
    assert all(degree(found, five[i][i]) == 1 for i in range(5))
    point = {f"m{i}_{j}": (3 * i + 2 * j * j + i * j) % 11 - 4 for i in range(5) for j in range(5)}
    assert sn.evaluate(found, point) == round(
        np.linalg.det([[point[f"m{i}_{j}"] for j in range(5)] for i in range(5)])
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_determinant_agrees_with_sympy(n: int) -> None:
    rng = random.Random(n)
    for _ in range(4):
        rows = random_matrix(rng, n)
        expected = sympy.Matrix(
            n,
            n,
            [
                sn.to_sympy(t) if not isinstance(t, int | Fraction) else sympy.Rational(t)
                for r in rows
                for t in r
            ],
        )
        assert sympy.cancel(sn.to_sympy(sn.determinant(rows)) - expected.det(method="berkowitz")) == 0


def test_large_determinants_are_eliminated() -> None:
    rng = random.Random(6)
    for n in (8, 10):
        rows = [[rng.choice((0, 0, 1, -3, x, y)) for _ in range(n)] for _ in range(n)]
        point = {x: 5, y: Fraction(-2, 3)}
        values = [[sn.evaluate(t, point) if not isinstance(t, int) else t for t in row] for row in rows]
        expected = sympy.Matrix(n, n, [sympy.Rational(v) for row in values for v in row]).det()
        assert sn.evaluate(sn.determinant(rows), point) == Fraction(expected.p, expected.q)
    rows[3] = rows[4]
    assert sn.determinant(rows) == 0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_inverse_times_matrix_is_the_unit(n: int) -> None:
    rng = random.Random(10 + n)
    done = 0
    for _ in range(12):
        rows = random_matrix(rng, n)
        if sn.determinant(rows) == 0:
            with pytest.raises(ValueError, match="singular"):
                sn.inverse(rows)
            continue
        assert product(rows, sn.inverse(rows)) == [[int(i == j) for j in range(n)] for i in range(n)]
        done += 1
    assert done > 3


def test_inverse_text() -> None:
    assert [[str(t) for t in row] for row in sn.inverse([[a, b], [0, 1]])] == [["1/a", "-b/a"], ["0", "1"]]


def test_general_system_of_three() -> None:
    rows, right = matrix_of_symbols(3), [x, y, a]
    solution = sn.solve_linear(rows, right)
    assert [sn.cancel(sum(m * s for m, s in zip(row, solution))) for row in rows] == right


def test_numeric_systems_are_exact_and_large() -> None:
    rng = random.Random(4)
    n = 25
    rows = [[rng.randint(-9, 9) for _ in range(n)] for _ in range(n)]
    right = [rng.randint(-9, 9) for _ in range(n)]
    solution = [sn.term.value(t) for t in sn.solve_linear(rows, right)]
    assert all(type(t) in (int, Fraction) for t in solution)
    assert [sum(m * s for m, s in zip(row, solution)) for row in rows] == right


def test_right_sides_may_be_a_matrix_and_input_an_array() -> None:
    assert sn.solve_linear([[a, 1], [1, 1]], [[1, 0], [0, 1]]) == sn.inverse([[a, 1], [1, 1]])
    assert sn.solve_linear(np.array([[1, 2], [3, 4]]), np.array([1, 2])) == [0, Fraction(1, 2)]
    box = np.empty((2, 2), dtype=object)
    box[0, 0], box[0, 1], box[1, 0], box[1, 1] = x, 1, 1, x
    assert sn.determinant(box) is x**2 - 1


def test_floats_come_back_as_floats() -> None:
    first, second = sn.solve_linear([[0.1, 1], [1, 2]], [1, x])
    assert sn.evaluate(first, {x: 3}) == pytest.approx((1 * 2 - 3) / (0.1 * 2 - 1))
    assert sn.evaluate(second, {x: 3}) == pytest.approx((0.1 * 3 - 1) / (0.1 * 2 - 1))
    assert sn.determinant([[0.5, 1.0], [1.0, 0.5]]) == -0.75


def test_functions_are_generators() -> None:
    rotation = [[sn.cos(x), sn.sin(x)], [-sn.sin(x), sn.cos(x)]]
    assert sn.determinant(rotation) is sn.cos(x) ** 2 + sn.sin(x) ** 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sn.determinant([[a, b]]), "square matrix, but got 1x2"),
        (lambda: sn.determinant([[a, b], [x]]), r"2 rows of lengths \[1, 2\]"),
        (lambda: sn.determinant([]), "square matrix"),
        (lambda: sn.determinant([a, b]), "one of its rows is a"),
        (lambda: sn.inverse([[a, b], [2 * a, 2 * b]]), "identically zero"),
        (lambda: sn.solve_linear([[sn.number(1), 1], [1, 1]], [1, 2]), "2x2 matrix that is singular"),
        (lambda: sn.solve_linear([[a]], [1, 2]), "1 equations, but 2 right sides"),
        (lambda: linear_coefficients([x * y], [x, y]), r"holds x\*y"),
        (lambda: linear_coefficients([a * x**2], [x]), r"holds x\^2"),
        (lambda: linear_coefficients([sn.sin(x) * a], [x]), r"holds sin\(x\)"),
        (lambda: linear_coefficients([x > 1], [x]), "a condition and no equation"),
    ],
)
def test_refusals(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_linear_coefficients() -> None:
    matrix, right = linear_coefficients([a * x + y - 3, sn.eq(x, 2 * y), x * (y + 1) - x * y - b], [x, y])
    assert matrix == [[a, 1], [1, -2], [1, 0]] and right == [3, 0, b]


@pytest.mark.parametrize("function", [sn.determinant, sn.inverse])
@pytest.mark.parametrize("matrix", [sn.symbols("x"), 3, None])
def test_what_is_no_matrix_is_refused_with_the_way_to_write_one(function, matrix):
    with pytest.raises(TypeError, match=r"takes a matrix.*write \[\[a, b\], \[c, d\]\]"):
        function(matrix)


def test_linear_coefficients_asks_for_lists():
    x = sn.symbols("x")
    with pytest.raises(TypeError, match="list of equations.*write linear_coefficients"):
        linear_coefficients(2 * x, [x])
    with pytest.raises(TypeError, match="list of unknowns.*write linear_coefficients"):
        linear_coefficients([2 * x], x)


def test_the_refusal_of_a_deep_term_stays_short():
    x = sn.symbols("x")
    deep = x
    for _ in range(3000):
        deep = sn.sin(deep) + 1
    with pytest.raises(ValueError, match="not a polynomial in x") as caught:
        degree(deep, x)
    assert len(str(caught.value)) < 400
