"""Every operator of the table, in every target, against the interpreter: random points, points out of the domain, special values."""

import itertools

import numpy as np
import pytest
from operator_values import (
    BINARY,
    BUILT_IN,
    COMPARISONS,
    FOLDED,
    LOOSER,
    SPECIAL,
    UNARY,
    assert_agrees,
    interpreter,
    needs_compiler,
)

import symnum as sn
from symnum.algebra.evaluate import evaluate
from symnum.codegen.function import compile as compile_terms

TARGETS = ("tape", "numba", "numpy", "native", pytest.param("c", marks=needs_compiler))


def test_the_lists_cover_the_table():
    special = {"neg", "not", "and", "or", "ifelse", "pi"}
    assert {*UNARY, *BINARY, *FOLDED, *COMPARISONS} | special == {row.name for row in BUILT_IN}


@pytest.fixture(scope="module")
def unary_points():
    random = np.random.default_rng(5)
    return np.concatenate(
        [SPECIAL, random.normal(size=60) * 3, random.uniform(-1, 1, 40), random.uniform(-60, 170, 40)]
    )


@pytest.mark.parametrize("target", TARGETS)
def test_functions_of_one_argument(target, unary_points):
    x = sn.symbols("x")
    terms = [sn.call(name, x) for name in UNARY]
    values = [compile_terms(part, [x], target)(unary_points) for part in (terms[:25], terms[25:])]
    for name, term, got in zip(UNARY, terms, np.concatenate(values), strict=True):
        wanted = interpreter(term, {x: unary_points})
        points = unary_points
        if name == "lgamma":  # Cephes gives inf for subnormal and tiny numbers and -inf at -inf
            points = np.abs(unary_points) > 1e-290
            got, wanted = got[points], np.asarray(wanted)[points]
        assert_agrees(got, wanted, LOOSER.get(name, 9e-16), f"{name} in {target}")


@pytest.mark.parametrize("target", TARGETS)
def test_functions_of_two_arguments(target):
    x, y = sn.symbols("x y")
    random = np.random.default_rng(6)
    grid = np.array(list(itertools.product(SPECIAL, SPECIAL)))
    grid = grid[
        (grid[:, 0] != -np.inf) | (grid[:, 1] != 0.5)
    ]  # numpy.power itself gives inf or nan there, by kind of call
    a = np.concatenate([grid[:, 0], random.normal(size=100) * 4])
    b = np.concatenate([grid[:, 1], random.normal(size=100) * 4])
    names = BINARY + FOLDED
    got = compile_terms([sn.call(name, x, y) for name in names], [x, y], target)(a, b)
    for name, values in zip(names, got, strict=True):
        assert_agrees(values, interpreter(sn.call(name, x, y), {x: a, y: b}), 9e-16, f"{name} in {target}")
    truths = compile_terms([sn.call(name, x, y) for name in COMPARISONS], [x, y], target)(a, b)
    assert truths.dtype == bool
    for name, values in zip(COMPARISONS, truths, strict=True):
        assert values.tolist() == interpreter(sn.call(name, x, y), {x: a, y: b}), f"{name} in {target}"


@pytest.mark.parametrize("target", TARGETS)
def test_numpy_decides_nan_in_minimum_and_the_sign_of_mod(target):
    x, y = sn.symbols("x y")
    f = compile_terms(
        [sn.min(x, y), sn.max(x, y), sn.mod(x, y), sn.sign(x), sn.floor(x), sn.ceil(x)], [x, y], target
    )
    assert np.isnan(f(np.nan, 1.0)[[0, 1, 2, 3]]).all() and np.isnan(f(1.0, np.nan)[[0, 1, 2]]).all()
    assert f(-7.5, 2.0).tolist() == [-7.5, 2.0, 0.5, -1.0, -8.0, -7.0]
    assert f(7.5, -2.0)[2] == -0.5 and np.isnan(f(1.0, 0.0)[2])


@pytest.mark.parametrize("target", TARGETS)
def test_poles_of_gamma_are_those_of_scipy(target):
    x = sn.symbols("x")
    f = compile_terms([sn.gamma(x), sn.lgamma(x), sn.digamma(x), sn.trigamma(x)], [x], target)
    values = f(np.array([-3.0, 0.0, -0.0]))
    assert np.isnan(values[0, 0]) and values[0, 1:].tolist() == [np.inf, -np.inf]
    assert values[1].tolist() == [np.inf] * 3
    assert np.isnan(values[2, 0]) and values[2, 1:].tolist() == [-np.inf, np.inf]
    assert values[3].tolist() == [np.inf] * 3


@pytest.mark.parametrize("target", TARGETS)
def test_conditions_and_branches(target):
    x, y = sn.symbols("x y")
    b = sn.symbols("b", sort="boolean")
    both, either = sn.all_of(x < y, b), sn.any_of(x < y, b)
    terms = [both, either, sn.negation(b), sn.ifelse(b, x < y, x > y), sn.all_of(x < y, b, x > 0)]
    f = compile_terms(terms, [x, y, b], target)
    points = [(x0, y0, b0) for x0 in (1.0, 2.0, np.nan) for y0 in (1.5, -1.0) for b0 in (True, False)]
    for x0, y0, b0 in points:
        less, more = x0 < y0, x0 > y0
        wanted = [less and b0, less or b0, not b0, less if b0 else more, less and b0 and x0 > 0]
        assert f(x0, y0, b0).tolist() == wanted
    columns = [np.array(c, float) for c in zip(*points, strict=True)]
    assert f(*columns).T.tolist() == [f(*p).tolist() for p in points]
    mixed = compile_terms([sn.ifelse(x < y, sn.sqrt(x), -y), x < y, 2], [x, y], target)
    assert mixed(4.0, 5.0).tolist() == [2.0, 1.0, 2.0] and mixed([4.0, 6.0], 5.0).tolist() == [
        [2, -5],
        [1, 0],
        [2, 2],
    ]
    # the branch that is not taken may be undefined
    assert compile_terms(sn.ifelse(x > 0, sn.log(x), 0), [x], target)([-1.0, 1.0]).tolist() == [0.0, 0.0]


def test_special_functions_of_the_numba_target_are_exact_to_rounding():
    """Against Arb, because Cephes is less exact than these functions near the zeros of lgamma and digamma."""
    x = sn.symbols("x")
    points = [
        0.3,
        0.9999,
        1.0001,
        1.46,
        1.4617,
        1.9999,
        2.0001,
        2.4,
        7.0,
        9.99,
        10.01,
        55.5,
        1e5,
        -0.5,
        -1.5,
        -10.3,
        -29.99,
        -100.7,
    ]
    for name in ("gamma", "lgamma", "digamma", "erf", "cbrt", "expm1", "log1p"):
        f = compile_terms(sn.call(name, x), [x], "numba")
        for point in points:
            if (name == "log1p" and point <= -1) or (name in ("gamma", "expm1") and point > 150):
                continue
            exact = float(evaluate(sn.call(name, x), {x: point}, precision=25))
            scale = (
                max(1.0, abs(1.0 / np.tan(np.pi * point)))
                if point < 0 and name in ("digamma", "lgamma")
                else abs(exact)
            )
            assert abs(f(point) - exact) <= 1.2e-15 * scale, (name, point, f(point), exact)


def test_trigamma_of_the_numba_target():
    x = sn.symbols("x")
    f = compile_terms(sn.trigamma(x), [x], "numba")
    # mpmath.psi(1, x) at 30 digits
    exact = {
        1.0: np.pi**2 / 6,
        0.5: np.pi**2 / 2,
        0.3: 12.245364546107732,
        -1.5: 9.379246644989124,
        -100.7: 15.069532360278806,
    }
    for point, value in exact.items():
        assert f(point) == pytest.approx(value, rel=4e-16)


@pytest.mark.parametrize("target", TARGETS)
def test_trigamma_far_below_zero_is_found_at_once(target):
    """scipy.special adds up one term for each whole number between the argument and 0, which takes hours here."""
    x = sn.symbols("x")
    points = np.array([-0.5, -1e6 - 0.25, -1e12 - 0.5, -1e300])
    wanted = [8.934802200544679, 2 * np.pi**2, np.pi**2, np.inf]
    got = compile_terms([sn.trigamma(x)], [x], target)(points)[0]
    assert_agrees(got, wanted, 1e-5, f"trigamma in {target}")
    assert evaluate(sn.trigamma(x), {x: -1e12 - 0.5}) == pytest.approx(np.pi**2)
