"""Solvers that index entries by hand: traced entry by entry they equal the same solver in slices, at a size that the grid does not set."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symnum.pde import TraceError, trace

Body = Callable[[float, Any], Any]


def heat_loop(t: float, u: Any) -> Any:
    n = len(u)
    du = np.zeros(n)
    for i in range(1, n - 1):
        du[i] = 100.0 * (u[i - 1] - 2 * u[i] + u[i + 1])
    du[0] = 2 * (u[1] - u[0])
    du[n - 1] = 2 * (u[n - 2] - u[n - 1])
    return du


def heat_slices(t: float, u: Any) -> Any:
    du = np.zeros_like(u)
    du[1:-1] = 100.0 * (u[:-2] - 2 * u[1:-1] + u[2:])
    du[0] = 2 * (u[1] - u[0])
    du[-1] = 2 * (u[-2] - u[-1])
    return du


def periodic_loop(t: float, u: Any) -> Any:
    n = len(u)
    return np.array([u[(i + 1) % n] * math.exp(-t) - u[i] ** 2 * math.sin(u[i - 1]) for i in range(n)])


def periodic_slices(t: float, u: Any) -> Any:
    return np.roll(u, -1) * np.exp(-t) - u**2 * np.sin(np.roll(u, 1))


def plane_loop(t: float, u: Any) -> Any:
    n, m = u.shape[:2]
    du = np.empty_like(u)
    for i in range(n):
        for j in range(m):
            a, b = u[i, j]
            up = u[i - 1, j, 0] if i > 0 else u[i + 1, j, 0]
            down = u[i + 1, j, 0] if i < n - 1 else u[i - 1, j, 0]
            left = u[i, j - 1, 0] if j > 0 else u[i, j + 1, 0]
            right = u[i, j + 1, 0] if j < m - 1 else u[i, j - 1, 0]
            du[i, j, 0] = up + down + left + right - 4 * a + a * b
            du[i, j, 1] = -a * b + t
    return du


def plane_slices(t: float, u: Any) -> Any:
    a, b = u[..., 0], u[..., 1]
    p = np.pad(a, 1, mode="reflect")
    lap = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * a
    return np.stack([lap + a * b, -a * b + t], axis=-1)


def fluxes_loop(t: float, u: Any) -> Any:
    n = u.size
    x = np.linspace(0.0, 1.0, n) ** 2
    flux = [0.0] * (n + 1)
    for i in range(1, n):
        k = 0.5 * (1 + u[i] ** 2 + 1 + u[i - 1] ** 2)
        flux[i] = np.where(u[i] > u[i - 1], k, 1.0) * (u[i] - u[i - 1]) / (x[i] - x[i - 1])
    du = np.zeros(n)
    for i in range(n):
        du[i] = flux[i + 1] - flux[i] + np.maximum(u[i], 0.1) * x[i]
    return du


def fluxes_slices(t: float, u: Any) -> Any:
    x = np.linspace(0.0, 1.0, u.size) ** 2
    k = 0.5 * (1 + u[1:] ** 2 + 1 + u[:-1] ** 2)
    flux = np.where(u[1:] > u[:-1], k, 1.0) * np.diff(u) / np.diff(x)
    return np.diff(np.pad(flux, 1)) + np.maximum(u, 0.1) * x


def every_other_loop(t: float, u: Any) -> Any:
    du = np.zeros(u.shape)
    for i in range(0, len(u), 2):
        du[i] = u[i // 2] * u[0]
    for i in range(1, len(u), 2):
        du[i] -= u[-i]
    return du


def every_other_slices(t: float, u: Any) -> Any:
    du = np.zeros_like(u)
    half = (len(u) + 1) // 2
    du[::2] = u[:half] * u[0]
    du[1::2] -= u[::-1][: len(u) - 1 : 2]
    return du


def shuffled_loop(t: float, u: Any) -> Any:
    order = np.random.default_rng(3).permutation(len(u))
    return np.array([u[order[i]] * order[i] + abs(u[i]) for i in range(len(u))])


def shuffled_slices(t: float, u: Any) -> Any:
    order = np.random.default_rng(3).permutation(len(u))
    return u[order] * order + abs(u)


PAIRS: dict[str, tuple[Body, Body, Callable[[int], tuple[int, ...]]]] = {
    "heat": (heat_loop, heat_slices, lambda n: (n,)),
    "periodic": (periodic_loop, periodic_slices, lambda n: (n,)),
    "plane": (plane_loop, plane_slices, lambda n: (n, n + 1, 2)),
    "fluxes": (fluxes_loop, fluxes_slices, lambda n: (n,)),
    "every other": (every_other_loop, every_other_slices, lambda n: (2 * n,)),
    "shuffled": (shuffled_loop, shuffled_slices, lambda n: (n,)),
}


def draw(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(5).normal(size=shape)


@pytest.mark.parametrize("name", PAIRS)
def test_loops_equal_slices(name: str) -> None:
    loop, slices, shape = PAIRS[name]
    u = draw(shape(9))
    by_entries, by_arrays = trace(loop, u, scalars=True), trace(slices, u)
    assert by_entries.why.startswith("traced entry by entry")
    for target in ("numpy", "auto"):
        found, wanted = by_entries.compile(target), by_arrays.compile(target)
        for t in (0.0, 0.6):
            v = u + t
            expected = slices(t, v)
            np.testing.assert_allclose(found.rhs(t, v), expected, rtol=0, atol=1e-13 * np.abs(expected).max())
            np.testing.assert_allclose(
                found.jacobian(t, v).toarray(), wanted.jacobian(t, v).toarray(), rtol=0, atol=1e-12 * 100
            )


@pytest.mark.parametrize("name", PAIRS)
def test_the_size_of_a_traced_loop_does_not_depend_on_the_grid(name: str) -> None:
    loop, _, shape = PAIRS[name]
    sizes = set()
    for n in (12, 24):
        system = trace(loop, draw(shape(n)), scalars=True, check=False)
        sizes.add(len(system.graph.reachable([system.output])))
    assert len(sizes) == 1 and sizes.pop() < 60


def test_a_long_loop_is_traced_entry_by_entry_by_itself_and_says_so() -> None:
    u = draw((300,))
    with pytest.warns(
        RuntimeWarning,
        match=r"line \d+ of test_trace_entries.py.*one by one.*traced entry by entry: [\d,]+ operations",
    ):
        system = trace(heat_loop, u)
    np.testing.assert_allclose(system.compile("numpy").rhs(0.0, u), heat_slices(0.0, u), rtol=1e-13)
    with pytest.warns(RuntimeWarning, match="a loop over the 300 entries"):
        trace(lambda t, u: np.array([-x for x in u]), u)


def test_loops_of_moderate_length_are_traced_entry_by_entry_without_a_warning() -> None:
    u = draw((60,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        system = trace(heat_loop, u)
    assert system.why.startswith("traced entry by entry: ")
    np.testing.assert_allclose(system.compile("numpy").rhs(0.0, u), heat_slices(0.0, u), rtol=1e-13)


def test_whole_arrays_beside_single_entries() -> None:
    # np.interp has no loop over objects; whole arrays take it
    def f(t, u):
        some = sum(u[i] * u[i + 1] for i in range(len(u) - 1))
        return (
            np.linalg.norm(u)
            + some * u
            + np.interp(np.linspace(0.0, 1.0, len(u)), np.linspace(0.0, 1.0, len(u)), u)
        )

    u = draw((40,))
    system = trace(f, u)
    assert system.why == "traced as whole arrays"
    np.testing.assert_allclose(system.compile("numpy").rhs(0.0, u), f(0.0, u), rtol=1e-12)


def test_short_loops_stay_whole_arrays() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        system = trace(heat_loop, draw((10,)))
    assert system.why.startswith("traced as whole arrays, with traced buffers")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trace(heat_slices, draw((300,))).why == "traced as whole arrays"
        long = trace(lambda t, u: np.stack([u[i] * 2 for i in range(250)]), draw((250,)), scalars=False)
    assert long.why == "traced as whole arrays"


def test_functions_behind_the_function_are_traced_too() -> None:
    import numba

    scale = 3.0

    @numba.njit
    def slope(u, i):
        out = np.zeros(2)
        out[0] = u[i] - u[i - 1]
        return out[0] * math.exp(-u[i])

    def helper(u, i):
        return scale * slope(u, i)

    class Solver:
        def rhs(self, t, u):
            du = np.zeros(len(u))
            for i in range(len(u)):
                du[i] = helper(u, i)
            return du

    u = draw((8,))
    wanted = 3.0 * (u - np.roll(u, 1)) * np.exp(-u)
    for scalars in (None, True):
        system = trace(Solver().rhs, u, scalars=scalars)
        np.testing.assert_allclose(system.compile("numpy").rhs(0.0, u), wanted, rtol=1e-13)


def test_functions_of_numba_are_traced_as_the_python_that_they_were() -> None:
    import numba

    u = draw((50,))
    system = trace(numba.njit(heat_loop), u)
    assert system.why.startswith("traced entry by entry")
    np.testing.assert_allclose(system.compile("numpy").rhs(0.0, u), heat_slices(0.0, u), rtol=1e-13)


def test_parameters_of_loops() -> None:
    def f(t, u, D, k):
        return np.array([D * u[i] * k[i] + k[0] for i in range(len(u))])

    u, k = draw((12,)), np.linspace(1.0, 2.0, 12)
    system = trace(f, u, parameters={"D": 2.0, "k": k}, scalars=True)
    compiled = system.compile("numpy")
    np.testing.assert_allclose(compiled.rhs(0.0, u), f(0.0, u, 2.0, k), rtol=1e-13)
    np.testing.assert_allclose(
        compiled.rhs(0.0, u, p={"D": 0.5, "k": k**2}), f(0.0, u, 0.5, k**2), rtol=1e-13
    )
    assert len(system.graph.reachable([system.output])) < 12


def test_loops_in_float32() -> None:
    u = draw((30,)).astype(np.float32)
    system = trace(heat_loop, u, scalars=True)
    found = system.compile("numpy").rhs(0.0, u)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, heat_slices(0.0, u), rtol=0, atol=1e-4)


def test_what_numpy_does_with_arrays_works_entry_by_entry() -> None:
    matrix = draw((6, 6))

    def f(t, u):
        a = np.roll(u, 1) + np.pad(u, 1, mode="edge")[2:] * np.flip(u)
        b = matrix @ u + u @ matrix + np.dot(matrix, u) + np.sum(u) + np.mean(u**2) * u.max() + np.min(u)
        c = (
            np.where((u > 0) & ~(u > 1) | (u < -1), np.clip(u, -0.5, 0.5), np.tanh(u))
            + np.hypot(u, 2.0) // 0.7
        )
        d = np.concatenate([u[:3], np.stack([u[3], u[4], u[5]])]) * np.array(
            [u[0], 1.0, 2.0, u[1], u[2], 3.0]
        )
        e = np.zeros_like(u)
        e += u
        e[1:3] *= 2
        e[-1] = 3 % (u[0] ** 2 + 1)
        return (
            a
            + b
            + c
            - d / (1 + e**2)
            + np.cumsum(u)
            + np.diff(u, append=0.0)
            + (u > 0) * u
            + np.full(6, u[0])
            + -u
            + t
        )

    u = draw((6,))
    system = trace(f, u, scalars=True)
    np.testing.assert_allclose(system.compile("numpy").rhs(0.3, u), f(0.3, u), rtol=1e-12)


def test_running_sums_are_cut_into_intermediate_values() -> None:
    def f(t, u):
        du = np.zeros(len(u))
        total = 0.0
        for i in range(len(u)):
            total = np.sin(total) + u[i] * total
            du[i] = total
            total += u[i]
        return du

    u = draw((400,)) * 0.5
    system = trace(f, u, scalars=True)
    np.testing.assert_allclose(system.compile("numpy").rhs(0.0, u), f(0.0, u), rtol=1e-12, atol=1e-13)


def test_random_loops_equal_themselves() -> None:
    generator = np.random.default_rng(11)
    for _ in range(15):
        n, m = generator.integers(3, 7, 2)
        table = [
            (int(a), int(b), float(c), str(kind))
            for a, b, c, kind in zip(
                generator.integers(-2, 3, 4),
                generator.integers(-2, 3, 4),
                generator.normal(size=4),
                generator.choice(list("+*sx"), 4),
            )
        ]

        def f(t, u, n=n, m=m, table=table):
            du = np.zeros((n, m))
            for i in range(n):
                for j in range(m):
                    value = u[i, j]
                    for a, b, c, kind in table:
                        other = (
                            u[(i + a) % n, (j + b) % m]
                            if kind != "x"
                            else u[min(max(i + a, 0), n - 1), max(j + b, 0) % m]
                        )
                        value = (
                            value + c * other
                            if kind in "+x"
                            else value * other
                            if kind == "*"
                            else np.sin(value - other)
                        )
                    du[i, j] += value
            return du

        u = generator.normal(size=(n, m))
        system = trace(f, u, scalars=True, check=False)
        np.testing.assert_allclose(system.compile("numpy").rhs(0.0, u), f(0.0, u), rtol=1e-11, atol=1e-12)


REFUSED: dict[str, tuple[Body, str]] = {
    "if": (lambda t, u: np.array([x if x > 0 else -x for x in u]), r"truth of a traced number.*np\.where"),
    "max": (lambda t, u: np.array([max(x, 0) for x in u]), r"min or max.*np\.maximum"),
    "float": (lambda t, u: np.array([float(x) for x in u]), r"has no value yet.*leave float\(\) away"),
    "int": (lambda t, u: np.array([int(x) for x in u]), r"as int\(\) needs"),
    "index": (lambda t, u: np.array([u[x] for x in u]), "index or a size.*np.where"),
    "size": (lambda t, u: np.array([range(x) for x in u]), "index or a size"),
    "places": (lambda t, u: u[np.where(u > 0)], "np.where with one argument"),
    "loop over a number": (lambda t, u: np.array([next(iter(x)) for x in u]), "cannot be iterated"),
    "complex": (lambda t, u: u * 1j, "complex.*cannot be combined with a traced number"),
    "interp": (
        lambda t, u: np.interp(np.arange(5.0), np.arange(5.0), u),
        r"np.interp does not take arrays of single.*as slices",
    ),
    "frexp": (lambda t, u: np.frexp(u)[0], "np.frexp has no row in the operator table"),
    "accumulate with options": (lambda t, u: np.add.reduceat(u, [0, 2]), r"np.add.reduceat"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_name_the_line_and_the_cure(what: str) -> None:
    f, message = REFUSED[what]
    with pytest.raises(TraceError, match=message) as caught:
        trace(f, draw((5,)), scalars=True)
    assert "of test_trace_entries.py" in str(caught.value)


def test_what_is_returned_is_checked() -> None:
    for f, message in (
        (lambda t, u: None, "f returned None"),
        (lambda t, u: "du", "f returned str"),
        (lambda t, u: u[1:], r"f returned shape \(4,\), but the state u0 has shape \(5,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            trace(f, draw((5,)), scalars=True)
