"""float32 and float64 programs: the types are those that NumPy promotes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symnum.pde import TraceError, trace
from symnum.pde.graph import Graph
from symnum.pde.traced import wrap

U = np.random.default_rng(9).random((4, 6)).astype(np.float32)
ARRAY64 = np.linspace(0.1, 1.0, 6)
ARRAY32 = ARRAY64.astype(np.float32)

EXPRESSIONS: dict[str, Callable[[Any], Any]] = {
    "python number": lambda u: 0.1 * u + 2,
    "scalar of NumPy": lambda u: np.float64(0.1) * u,
    "small scalar": lambda u: np.float32(0.1) * u,
    "float64 array": lambda u: u * ARRAY64,
    "float32 array": lambda u: u * ARRAY32,
    "small integers": lambda u: u * np.arange(6, dtype=np.int16),
    "large integers": lambda u: u * np.arange(6),
    "mask": lambda u: u * (np.arange(6) > 2),
    "condition": lambda u: (u > 0.5) * u,
    "condition times a number": lambda u: (u > 0.5) * 0.1 + u,
    "where": lambda u: np.where(u > ARRAY64, u, 0.0),
    "where of both": lambda u: np.where(u > 0.5, u, ARRAY64),
    "sum": lambda u: u - u.sum(0),
    "count": lambda u: u - (u > 0.5).sum(0) * 0.01,
    "mean": lambda u: u - u.mean(),
    "matrix": lambda u: np.eye(4) @ u,
    "small matrix": lambda u: np.eye(4, dtype=np.float32) @ u,
    "stack": lambda u: np.stack([u[0], ARRAY64, u[1], u[2]]),
    "buffer": lambda u: filled(np.zeros_like(u), u),
    "wider buffer": lambda u: filled(np.zeros_like(u, dtype=np.float64), u),
    "buffer by shape": lambda u: filled(np.zeros((4, 6), like=u), u),
    "cast up": lambda u: np.sqrt(u.astype(np.float64)) * 0.1,
    "cast up and down": lambda u: (u.astype(np.float64) * 0.1).astype(np.float32) * u,
    "ufunc dtype": lambda u: np.add(u, 0.1, dtype=np.float64),
    "power and division": lambda u: (u + 1) ** 1.5 / 3,
    "full_like": lambda u: np.full_like(u, 0.1) * ARRAY64,
}


def filled(buffer: Any, u: Any) -> Any:
    buffer[1:-1] = u[2:] * 0.1 - ARRAY64
    return buffer


@pytest.mark.parametrize("what", EXPRESSIONS)
def test_types_are_numpys(what: str) -> None:
    graph = Graph(np.float32)
    found = EXPRESSIONS[what](wrap(graph, graph.input("u", U.shape)))
    wanted = EXPRESSIONS[what](U)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    assert found.nbytes == wanted.nbytes


@pytest.mark.parametrize("what", EXPRESSIONS)
@pytest.mark.parametrize("target", ["numpy", "auto"])
def test_programs_of_float32_give_float32(what: str, target: str) -> None:
    call = EXPRESSIONS[what]
    system = trace(lambda t, u: call(u) + 0 * t, U)
    assert system.dtype == system.u0.dtype == np.float32
    compiled = system.compile(target)
    found = compiled.rhs(0.5, U)
    wanted = call(U)
    assert found.dtype == np.float32
    # a result that NumPy computes in float64 is rounded once; one in float32 may be rounded at each step
    rounding = 1e-7 if wanted.dtype == np.float64 else 2e-6
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rounding * np.abs(wanted).max())
    out = np.empty_like(U)
    assert compiled.rhs(0.5, U.reshape(U.shape), out=out) is out


def test_an_operand_is_rounded_where_numpy_rounds_it() -> None:
    # 0.1 in float32 differs from 0.1 in float64 by 1.5e-9, far above the rounding of float64
    def f(t: float, u: Any) -> Any:
        narrow = (u * np.float64(0.1)).astype(np.float32)
        return narrow.astype(np.float64) * 1e8 - 1e7

    u = np.ones(3)
    assert abs(f(0.0, u)[0]) > 0.1
    np.testing.assert_allclose(trace(f, u).compile("numpy").rhs(0.0, u), f(0.0, u), rtol=0, atol=1e-12)


def test_time_is_kept_in_float64() -> None:
    system = trace(lambda t, u: u + np.sin(1000.0 * t), np.zeros(3, np.float32))
    found = system.compile("numpy").rhs(1234.56789, np.zeros(3, np.float32))
    np.testing.assert_allclose(found, np.sin(1234567.89), rtol=1e-6)


def test_other_types_of_states_become_float64() -> None:
    for dtype in (np.int32, np.int64, np.uint8, bool, np.float64):
        system = trace(lambda t, u: u * 0.5, np.ones(3, dtype))
        assert system.dtype == np.float64 and system.compile("numpy").rhs(0.0, system.u0).dtype == np.float64


def test_float32_and_float64_systems_have_one_jacobian() -> None:
    def f(t, u):
        return np.sin(u) * np.roll(u, 1)

    u = U[0]
    small, large = (trace(f, v).compile("numpy").jacobian(0.0, v) for v in (u, u.astype(np.float64)))
    np.testing.assert_allclose(small.toarray(), large.toarray(), rtol=1e-6)


@pytest.mark.parametrize(
    "u0, message",
    [
        (np.ones(3) * 1j, r"u0 has type complex128.*np.stack\(\[u0.real, u0.imag\]\)"),
        (np.ones(3, np.float16), "u0 has type float16, but a traced program computes in float64 or float32"),
        (np.ones(3, np.longdouble), r"astype\(np.float64\)"),
        (np.array([1, "a"], dtype=object), "u0 has type object"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "datetime64"),
    ],
)
def test_states_of_other_types_are_refused(u0: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        trace(lambda t, u: u, u0)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda u: u * np.ones(3, np.longdouble),
            r"would make NumPy compute in that type.*astype\(np.float64\)",
        ),
        (lambda u: u * np.longdouble(2), "would make NumPy compute in that type"),
        (lambda u: u.astype(np.float16), r"astype\('float16'\) would round"),
        (lambda u: u.astype(complex), r"astype\('complex128'\)"),
        (lambda u: np.zeros_like(u, dtype=np.int32), "int32"),
    ],
)
def test_arrays_of_other_types_are_refused(call: Any, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        trace(lambda t, u: call(u), np.ones(3))
