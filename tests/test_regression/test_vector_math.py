"""The own loops: the stated accuracy on random arguments and corners, and how they are found."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import mpmath  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest
from numba import cfunc

from symnum.regression import operations, vector_math
from symnum.regression.vector_math import LOOPS, ULP, own_loop

EXACT = (
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.absolute, np.square, np.reciprocal, np.sqrt
)  # fmt: skip
RNG = np.random.default_rng(5)
SPECIAL = np.array([
    0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.2e-308, 1e-308, 1e300, -1e300, 1.7976931348623157e308,
    709.0, 709.78, 710.0, -708.4, -745.0, -746.0, 1e-9, 1e-16, -1e-16, 2.0**30, 2.0**30 + 0.5, 1e22, 0.5, 2.0, math.pi, math.pi / 2,
    math.pi / 4, 11.0, 33.0, 1 - 2.0**-53, 1 + 2.0**-52, -1 + 2.0**-53,
])  # fmt: skip

needs_fma = pytest.mark.skipif(
    not vector_math.fused(), reason="without fused multiply-add there are no own loops"
)


def call(function: Any, *arguments: np.ndarray) -> np.ndarray:
    """Return what our loop gives."""
    address = own_loop(function)
    assert address is not None
    out = np.empty(len(arguments[0]))
    places = np.array([a.ctypes.data for a in (*arguments, out)], np.int64)
    count = np.array([len(out)], np.int64)
    loop = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(address)
    loop(places.ctypes.data, count.ctypes.data, None, None)
    return out


def uniform(low: float, high: float) -> np.ndarray:
    return RNG.uniform(low, high, 400)


def spread(low: float, high: float) -> np.ndarray:
    """Return random numbers of either sign with magnitudes from 10^low to 10^high."""
    return np.exp(RNG.uniform(low, high, 400) * math.log(10)) * RNG.choice([-1, 1], 400)


POINTS = {
    "exp": [uniform(-745, 709.7), uniform(-1, 1), spread(-300, 2)],
    "expm1": [uniform(-50, 709.7), uniform(-1, 1), spread(-300, 2), spread(-10, 0)],
    "log": [np.abs(spread(-323, 308)), uniform(0.5, 2), 1 + spread(-15, -1)],
    "log1p": [np.abs(spread(-300, 308)), uniform(-1, 2), spread(-17, -0.01)],
    "sin": [uniform(-10, 10), spread(-300, 9), spread(5, 300), np.arange(-200, 200) * (math.pi / 2)],
    "cos": [uniform(-10, 10), spread(-300, 9), spread(5, 300), np.arange(-200, 200) * (math.pi / 2)],
    "tan": [uniform(-10, 10), spread(-300, 9), spread(5, 300), np.arange(-200, 200) * (math.pi / 2)],
    "sinh": [uniform(-710, 710), uniform(-1, 1), spread(-300, 2)],
    "cosh": [uniform(-710, 710), uniform(-1, 1), spread(-300, 2)],
    "tanh": [uniform(-25, 25), uniform(-1, 1), spread(-300, 2)],
}


def errors(function: Any, exact: Any, *arguments: np.ndarray) -> np.ndarray:
    """Return the errors in units in the last place, where the exact result is a finite double."""
    found = call(function, *arguments)
    result = []
    with mpmath.workdps(50):
        for value, *point in zip(found, *arguments, strict=True):
            truth = exact(*[mpmath.mpf(float(p)) for p in point])
            nearest = float(truth)
            if math.isfinite(nearest):
                unit = math.ulp(nearest)
                result.append(float(abs(mpmath.mpf(float(value)) - truth)) / unit)
            else:
                assert value == nearest, (function, point, value)
    return np.array(result)


@needs_fma
@pytest.mark.parametrize("name", sorted(POINTS))
def test_functions_are_as_accurate_as_stated(name: str) -> None:
    found = errors(getattr(np, name), getattr(mpmath, name), np.concatenate(POINTS[name]))
    assert len(found) > 900
    assert found.max() <= ULP[name], f"{name}: {found.max()} ulp"


@needs_fma
def test_powers_are_as_accurate_as_stated() -> None:
    bases = np.concatenate(
        [np.abs(spread(-3, 3)), 1 + spread(-12, -2), np.abs(spread(-320, 308)), uniform(0.1, 9)]
    )
    exponents = np.concatenate(
        [spread(-3, 2), spread(0, 10), spread(-6, 0), RNG.integers(-9, 10, 400).astype(float)]
    )
    found = errors(np.power, lambda x, y: x**y, bases, exponents)
    assert found.max() <= ULP["power"], found.max()


@needs_fma
def test_whole_powers_of_small_whole_numbers_are_exact() -> None:
    a, b = (v.ravel().astype(float) for v in np.meshgrid(np.arange(1, 13), np.arange(0, 14)))
    assert call(np.power, a, b).tolist() == [float(int(x) ** int(y)) for x, y in zip(a, b, strict=True)]


@needs_fma
@pytest.mark.parametrize("function", sorted(LOOPS, key=str), ids=lambda f: f.__name__)
def test_special_values_are_those_of_numpy(function: Any) -> None:
    if function.nin == 1:
        arguments = [SPECIAL]
    else:
        arguments = [v.ravel() for v in np.meshgrid(SPECIAL, SPECIAL)]
    with np.errstate(all="ignore"):
        expected = function(*arguments)
    found = call(function, *arguments)
    exact = function in EXACT
    special = ~np.isfinite(expected) | (expected == 0) | exact
    np.testing.assert_array_equal(found[special], expected[special])
    np.testing.assert_array_equal(
        np.signbit(found[special & ~np.isnan(expected)]), np.signbit(expected[special & ~np.isnan(expected)])
    )
    np.testing.assert_allclose(found[~special], expected[~special], rtol=1e-15, atol=5e-324)


@needs_fma
@pytest.mark.parametrize("function", sorted(LOOPS, key=str), ids=lambda f: f.__name__)
def test_a_row_does_not_depend_on_its_neighbours_and_any_number_of_rows_will_do(function: Any) -> None:
    arguments = [RNG.uniform(0.1, 3, 67) for _ in range(function.nin)]
    arguments[0][5], arguments[0][66] = math.nan, 1e200
    whole = call(function, *arguments)
    for rows in (0, 1, 3, 8, 31, 66):
        np.testing.assert_array_equal(
            call(function, *[np.ascontiguousarray(a[:rows]) for a in arguments]), whole[:rows]
        )


@needs_fma
def test_loops_are_vector_code() -> None:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    register = "zmm" if features.get("avx512f") else "ymm" if features.get("avx2") else None
    if register is None:
        pytest.skip("registers of other processors have other names")
    for function in (np.add, np.exp, np.sin):  # anew: what comes from the disk has no assembly
        compiled: Any = cfunc(vector_math._SIGNATURE, error_model="numpy")(LOOPS[function])
        assert compiled._library.get_asm_str().count(register) >= 2, function


def test_operations_call_own_loops_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    from symnum.codegen.loops import find_loop

    for name, function in (("sin", np.sin), ("atan", np.arctan), ("sec", np.cos)):
        own = own_loop(function)
        expected = find_loop(function, (False,)).function if own is None else own
        assert operations.table([name]).steps[0, 0] == expected
    monkeypatch.setattr(vector_math, "fused", lambda: False)
    assert own_loop(np.sin) is None
    assert operations.table(["sin"]).steps[0, 0] == find_loop(np.sin, (False,)).function
