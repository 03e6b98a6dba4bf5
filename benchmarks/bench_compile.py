"""Compiled functions: the tape beside NumPy by hand, numba beside njit by hand, calls with single numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Row, least, limit_row, per_call, row

import symnum as sn

x, y, z = sn.symbols("x y z")

ARITHMETIC: dict[str, tuple[Any, Callable[..., Any]]] = {
    "polynomial, 11 operations": (
        ((x * x + 3 * x + 1) * y - x) * (y * y + 2) + x * y * z,
        lambda a, b, c: ((a * a + 3 * a + 1) * b - a) * (b * b + 2) + a * b * c,
    ),
    "rational, 13 operations": (
        ((x * x + 3 * x + 1) * y - x) / (y * y + 2) + x * y * (x - z),
        lambda a, b, c: ((a * a + 3 * a + 1) * b - a) / (b * b + 2) + a * b * (a - c),
    ),
    "polynomial in powers, 30 operations": (
        sum((k + 1) * x**k * y ** (5 - k) for k in range(6)) + z**3 - 2 * z * x**2,
        lambda a, b, c: (
            b * b * b * b * b
            + 2 * a * b * b * b * b
            + 3 * a * a * b * b * b
            + 4 * a * a * a * b * b
            + 5 * a * a * a * a * b
            + 6 * a * a * a * a * a
            + c * c * c
            - 2 * c * a * a
        ),
    ),
    "rational, 24 operations": (
        (x * y + z) / (1 + x**2 + y**2) + (y * z - x) / (1 + z**2) - (x + y + z) / (2 + x**2 * z**2),
        lambda a, b, c: (
            (a * b + c) / (1 + a * a + b * b) + (b * c - a) / (1 + c * c) - (a + b + c) / (2 + a * a * c * c)
        ),
    ),
}
TRANSCENDENTAL = sn.sin(x) * sn.exp(-y * y) + sn.sqrt(x * x + 1) * sn.tanh(z)


def _columns(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).normal(size=(3, count)))


def tape_rows() -> list[Row]:
    """Compare the tape on 10,000 rows with NumPy written by hand."""
    found = []
    data = _columns(10_000)
    for name, (term, by_hand) in ARITHMETIC.items():
        f = sn.compile(term, [x, y, z], target="tape")
        assert np.allclose(f(*data), by_hand(*data), rtol=1e-12)
        ours, theirs = per_call(lambda: f(*data)), per_call(lambda: by_hand(*data))  # noqa: B023
        found.append(row(f"tape, {name}, 10,000 rows", "NumPy by hand", ours, theirs, "within 1.3x", 1 / 1.3))
    f = sn.compile(TRANSCENDENTAL, [x, y, z], target="tape")

    def by_numpy(a: Any, b: Any, c: Any) -> Any:
        return np.sin(a) * np.exp(-b * b) + np.sqrt(a * a + 1) * np.tanh(c)

    assert np.allclose(f(*data), by_numpy(*data), rtol=1e-12)
    ours, theirs = per_call(lambda: f(*data)), per_call(lambda: by_numpy(*data))
    found.append(row("tape, sin, exp, sqrt, tanh, 10,000 rows", "NumPy by hand", ours, theirs))
    return found


def numba_rows() -> list[Row]:
    """Compare the numba target with the same loops written by hand."""
    import numba

    @numba.njit(error_model="numpy")
    def cheap(a: Any, b: Any, c: Any, out: Any) -> None:
        for i in range(a.size):
            u, v, w = a[i], b[i], c[i]
            out[i] = ((u * u + 3 * u + 1) * v - u) / (v * v + 2) + u * v * (u - w)

    @numba.njit(error_model="numpy")
    def dear(a: Any, b: Any, c: Any, out: Any) -> None:
        for i in range(a.size):
            u, v, w = a[i], b[i], c[i]
            out[i] = math.sin(u) * math.exp(-v * v) + math.sqrt(u * u + 1) * math.tanh(w)

    found = []
    for name, term, by_hand, count in (
        ("rational, 13 operations", ARITHMETIC["rational, 13 operations"][0], cheap, 200_000),
        ("sin, exp, sqrt, tanh", TRANSCENDENTAL, dear, 10_000),
    ):
        data, out, wanted = _columns(count), np.empty(count), np.empty(count)
        f = sn.compile(term, [x, y, z], target="numba")
        by_hand(*data, wanted)
        assert np.allclose(f(*data, out=out), wanted, rtol=1e-12)
        ours, theirs = per_call(lambda: f(*data, out=out)), per_call(lambda: by_hand(*data, out))  # noqa: B023
        found.append(
            row(f"numba, {name}, {count:,} rows", "njit by hand", ours, theirs, "within 1.1x", 1 / 1.1)
        )
    return found


def call_rows() -> list[Row]:
    """Measure calls with single numbers, and the time to compile."""
    term = ARITHMETIC["rational, 13 operations"][0]
    found = []
    for target in ("tape", "numba"):
        f = sn.compile(term, [x, y, z], target=target)
        ours = per_call(lambda: f(1.0, 2.0, 3.0))  # noqa: B023
        found.append(limit_row(f"{target}, one call with numbers", ours, 5e-6, "<= 5 us"))
    ours = per_call(lambda: sn.compile(term, [x, y, z], target="tape"))

    def by_sympy() -> float:
        import sympy

        symbols = sympy.symbols("x y z")
        expression = sympy.sympify(str(term), dict(zip("xyz", symbols, strict=True)))
        return least(lambda: sympy.lambdify(symbols, expression), rounds=20)

    found.append(row("compile 13 operations, tape", "sympy.lambdify", ours, by_sympy()))
    return found


def rows() -> list[Row]:
    """Return all rows of this benchmark."""
    return tape_rows() + numba_rows() + call_rows()
