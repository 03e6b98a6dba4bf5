"""Traced solvers against the untouched ones: a zoo of right-hand sides in plain NumPy, as users write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import symnum as sn
from symnum.pde import trace
from symnum.symbols import symbols

Solver = tuple[Callable[[float, Any], Any], Any]


def draw(*shape: int) -> Any:
    """Return positive random numbers, the same at every call."""
    return np.random.default_rng(7).random(shape)


def normal(*shape: int) -> Any:
    """Return random numbers of both signs, the same at every call."""
    return np.random.default_rng(11).normal(size=shape)


def heat_slices_dirichlet(n: int = 12) -> Solver:
    h = 1.0 / (n - 1)

    def f(t, u):
        du = np.zeros_like(u)
        du[1:-1] = (u[2:] - 2 * u[1:-1] + u[:-2]) / h**2
        return du

    return f, draw(n)


def heat_slices_neumann(n: int = 12) -> Solver:
    def f(t, u):
        du = np.empty_like(u)
        du[1:-1] = u[2:] - 2 * u[1:-1] + u[:-2]
        du[0] = 2 * (u[1] - u[0])
        du[-1] = 2 * (u[-2] - u[-1])
        return du

    return f, draw(n)


def heat_roll_2d(n: int = 6) -> Solver:
    def f(t, u):
        return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, axis=1) + np.roll(u, -1, axis=1) - 4 * u

    return f, draw(n, n + 1)


def heat_pad(mode: Any) -> Callable[[], Solver]:
    def make(n: int = 6) -> Solver:
        def f(t, u):
            p = np.pad(u, 1, mode=mode)
            return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u

        return f, draw(n, n + 2)

    return make


def heat_pad_values(n: int = 6) -> Solver:
    def f(t, u):
        p = np.pad(u, ((1, 2), (2, 1)), constant_values=((1.0, 2.0), (3.0, 1.0)))
        return p[2:-1, 2:-1] + p[:-3, 2:-1] + p[1:-2, 3:] + p[1:-2, 1:-2] - 4 * u

    return f, draw(n, n)


def heat_3d(n: int = 4) -> Solver:
    def f(t, u):
        du = np.zeros_like(u)
        c = u[1:-1, 1:-1, 1:-1]
        du[1:-1, 1:-1, 1:-1] = (
            u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
            + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2] - 6 * c
        )  # fmt: skip
        return du

    return f, draw(n, n + 1, n + 2)


def burgers(n: int = 16) -> Solver:
    dx, nu = 1.0 / n, 0.01

    def f(t, u):
        flux = 0.5 * u**2
        return (
            -(np.roll(flux, -1) - np.roll(flux, 1)) / (2 * dx)
            + nu * np.diff(np.pad(u, 1, mode="wrap"), n=2) / dx**2
        )

    return f, draw(n)


def wave_flat(n: int = 6) -> Solver:
    def f(t, y):
        u, v = y[: n * n].reshape(n, n), y[n * n :].reshape((n, n))
        lap = np.zeros_like(u)
        lap[1:-1, 1:-1] = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        return np.concatenate([v.ravel(), (lap - 0.1 * v).ravel()])

    return f, draw(2 * n * n)


def upwind(n: int = 16) -> Solver:
    speed = np.sin(np.linspace(0, 2 * np.pi, n))

    def f(t, u):
        back, ahead = u - np.roll(u, 1), np.roll(u, -1) - u
        a = speed * np.cos(t) + 0.3 * u
        return -a * np.where(a > 0, back, ahead)

    return f, normal(n)


def fitzhugh_nagumo(n: int = 8) -> Solver:
    L = sp.diags_array([np.ones(n - 1), -2 * np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1]).tocsr()

    def f(t, w):
        v, r = w
        return np.stack([L @ v + v - v**3 / 3 - r + 0.5 * (t > 1.0), 0.08 * (v + 0.7 - 0.8 * r)])

    return f, draw(2, n)


def nonlinear_diffusion(n: int = 12) -> Solver:
    def f(t, u):
        k = 1 + u**2
        flux = 0.5 * (k[1:] + k[:-1]) * (u[1:] - u[:-1])
        du = np.zeros_like(u)
        du[1:-1] = np.exp(-(flux[1:] ** 2)) * (flux[1:] - flux[:-1])
        return du

    return f, draw(n)


def three_layers(n: int = 9) -> Solver:
    def f(t, u):
        a = np.sin(u[1:] * u[:-1])
        b = np.tanh(a[1:] - a[:-1]) * u[1:-1]
        c = b[2:] ** 2 * b[:-2] + a[1:-2] * np.mean(b)
        return np.concatenate([u[:1], c, u[-3:] * 2])

    return f, draw(n)


def integral_terms(n: int = 8) -> Solver:
    x = np.linspace(0, 1, n)

    def f(t, u):
        total = u.sum() / n
        return (
            u * (1 - total)
            + np.trapezoid(u**2, x)
            - np.mean(u, axis=0, keepdims=True) * x
            + np.dot(x, u)
            + (u @ u)
        )

    return f, draw(n)


def rows_and_columns(n: int = 5) -> Solver:
    def f(t, u):
        return u - u.mean(axis=1, keepdims=True) * np.sum(u, 0) + u.T[:n, :n].sum(0)[:, None]

    return f, draw(n, n)


def lorenz_tuple() -> Solver:
    def f(t, y):
        x, v, z = y
        return 10 * (v - x), x * (28 - z) - v, x * v - 8 / 3 * z

    return f, np.array([1.0, 2.0, 3.0])


def lorenz_list_by_index() -> Solver:
    def f(t, y):
        return [10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]]

    return f, np.array([1.0, 2.0, 3.0])


def scalar_state() -> Solver:
    return (lambda t, u: -u * np.exp(-t)), np.array(2.0)


def matrices_all_sides(n: int = 5) -> Solver:
    M, K, v = normal(n, n), normal(3, 3), normal(n)
    S = sp.csr_matrix(np.diag(v) + np.eye(n, k=1))

    def f(t, u):
        row = v @ u
        return (
            M @ u
            + u @ K
            + S @ u
            + (u.T @ M.T).T
            + np.dot(M, u) * row
            + M.dot(np.ones((n, 3))) * u.dot(K[0])[:, None]
        )

    return f, draw(n, 3)


def batched_matrices(n: int = 4) -> Solver:
    M, K = normal(n, n), normal(n, n)

    def f(t, u):
        return M @ u + u @ K + np.matmul(u, u)

    return f, draw(2, n, n)


def full_table(n: int = 10) -> Solver:
    def f(t, u):
        a = (
            np.sin(u)
            + np.cos(u) * np.tan(u / 4)
            + np.arctan2(u, 1 + u**2)
            + np.hypot(u, 2.0)
            + np.exp2(u)
            + np.square(u)
        )
        b = (
            np.log1p(u**2)
            + np.sqrt(1 + u**2)
            + np.cbrt(2 + u)
            + np.tanh(u)
            + np.sinh(u)
            + np.cosh(u)
            + np.expm1(u)
        )
        c = (
            np.arcsin(u / 9)
            + np.arccos(u / 9)
            + np.arctan(u)
            + np.arcsinh(u)
            + np.arctanh(u / 9)
            + np.arccosh(9 + u)
        )
        d = (
            np.abs(u - 0.3)
            + np.sign(u) * u
            + np.floor(u)
            + np.ceil(u) * u
            + np.minimum(u, 0.2)
            + np.maximum(u, t)
        )
        e = (
            u % 0.7
            + u // 0.7
            + np.clip(u, -0.5, 0.5)
            + np.reciprocal(3 + u)
            + 2**u
            + (3 + u) ** u
            + (3 + u) ** 0.5
        )
        g = (
            np.where((u > 0.1) & ~(u > 0.6) | (u == 0), u**2, -u)
            + (u > 0) * u
            + np.heaviside(u, 0.5)
            + (u > 0.1).sum()
        )
        return (
            a
            + b
            + c
            + d
            + e
            + g
            + np.log(4 + u)
            + np.log2(4 + u)
            + np.log10(4 + u)
            + np.degrees(u)
            + np.radians(u)
            - u / 3
            + -u
        )

    return f, normal(n)


def movements(n: int = 6) -> Solver:
    keep = np.array([0, 2, 3, 5])

    def f(t, u):
        a = (
            np.flip(u, 0)
            + u[::-1, ::-1]
            + np.transpose(u)
            + np.swapaxes(u, 0, 1)
            + np.moveaxis(u, 0, 1)
            + np.rot90(u)
        )
        a += np.tile(u[:1], (n, 1)) + np.repeat(u[:, 0], n).reshape(n, n) + u.ravel(order="F").reshape(n, n)
        a[keep] += u[keep] * 2
        a[:, keep[:2]] = u[:, [1, 4]]
        a[u.shape[0] - 1, 2] = 3.0
        halves = np.split(u, 2, axis=0)
        a -= (
            np.vstack(halves[::-1])
            + np.hstack([u[:, 3:], u[:, :3]])
            + np.column_stack(list(u))
            + u[..., None, 0]
        )
        return (
            a
            + np.expand_dims(u[:, 0], 1)
            + np.squeeze(u[:, 1:2])
            + np.broadcast_to(u[2], (n, n))
            + np.gradient(u, 0.5, axis=0)
        )

    return f, draw(n, n)


def writes_through_views(n: int = 8) -> Solver:
    def f(t, u):
        du = np.zeros_like(u)
        inner = du[1:-1]
        inner[...] = u[2:] - u[:-2]
        inner *= 2.0
        inner += t
        before = du[1]
        du[1] = 7.0 * before
        du[::3] -= u[::3]
        np.add(du, u, out=du)
        flat = du.reshape(-1)
        flat[-1] = flat[-2] * 2
        return du

    return f, draw(n)


def mask_by_constant(n: int = 8) -> Solver:
    inside = np.hypot(*np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n))) < 0.8

    def f(t, u):
        du = np.zeros_like(u)
        lap = np.roll(u, (1, -1), axis=(0, 1)) + np.roll(u, 2) - 2 * u
        du[inside] = lap[inside] * u[inside]
        return np.where(inside, du, -u) * inside

    return f, draw(n, n)


def species_loop(n: int = 6) -> Solver:
    rates = [0.5, 1.0, 2.0]

    def f(t, u):
        du = np.empty_like(u)
        for k, rate in enumerate(rates):
            lap = np.pad(u[..., k], 1, mode="edge")
            du[..., k] = (
                rate * (lap[2:, 1:-1] + lap[:-2, 1:-1] - 2 * u[..., k]) - u[..., k] * u[..., (k + 1) % 3]
            )
        return du

    return f, draw(n, n, 3)


SOLVERS: dict[str, Callable[[], Solver]] = {
    "heat_slices_dirichlet": heat_slices_dirichlet,
    "heat_slices_neumann": heat_slices_neumann,
    "heat_roll_2d": heat_roll_2d,
    **{f"heat_pad_{mode}": heat_pad(mode) for mode in ("constant", "edge", "wrap", "reflect", "symmetric")},
    "heat_pad_values": heat_pad_values,
    "heat_3d": heat_3d,
    "burgers": burgers,
    "wave_flat": wave_flat,
    "upwind": upwind,
    "fitzhugh_nagumo": fitzhugh_nagumo,
    "nonlinear_diffusion": nonlinear_diffusion,
    "three_layers": three_layers,
    "integral_terms": integral_terms,
    "rows_and_columns": rows_and_columns,
    "lorenz_tuple": lorenz_tuple,
    "lorenz_list_by_index": lorenz_list_by_index,
    "scalar_state": scalar_state,
    "matrices_all_sides": matrices_all_sides,
    "batched_matrices": batched_matrices,
    "full_table": full_table,
    "movements": movements,
    "writes_through_views": writes_through_views,
    "mask_by_constant": mask_by_constant,
    "species_loop": species_loop,
}


@pytest.fixture(params=SOLVERS, scope="module")
def solver(request: pytest.FixtureRequest) -> tuple[Any, ...]:
    f, u0 = SOLVERS[request.param]()
    return f, u0, trace(f, u0)


def states(u0: Any) -> list[tuple[float, Any]]:
    rng = np.random.default_rng(3)
    cases = ((0.0, 1), (0.3, 1), (1.7, -1), (3.1, 1), (4.5, -1))
    return [(t, np.asarray(sign * u0 + 0.2 * rng.normal(size=np.shape(u0)))) for t, sign in cases]


def central_differences(f: Callable[[float, Any], Any], t: float, u: Any) -> Any:
    columns = []
    for j in range(u.size):
        step = np.zeros(u.size)
        step[j] = 1e-6 * max(1.0, abs(u.flat[j]))
        up, down = (np.asarray(f(t, (u.reshape(-1) + s).reshape(u.shape)), float) for s in (step, -step))
        columns.append((up - down).reshape(-1) / (2 * step[j]))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("target", ["numpy", "auto"])
def test_the_traced_program_equals_the_solver(solver: tuple[Any, ...], target: str) -> None:
    f, u0, system = solver
    compiled = system.compile(target)
    for t, u in states(u0):
        wanted = np.asarray(f(t, u.copy()))
        found = compiled.rhs(t, u)
        assert found.shape == u.shape and found.dtype == np.float64
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())
        np.testing.assert_array_equal(compiled.rhs(t, u.reshape(-1)), found.reshape(-1))
        out = np.empty_like(u)
        assert compiled.rhs(t, u, out=out) is out
        np.testing.assert_array_equal(out, found)


@pytest.mark.parametrize("target", ["numpy", "auto"])
def test_the_jacobian_equals_differences_and_its_pattern_is_complete(
    solver: tuple[Any, ...], target: str
) -> None:
    f, u0, system = solver
    compiled = system.compile(target)
    pattern = system.sparsity()
    assert pattern.format == "csc" and pattern.dtype == bool and pattern.shape == (u0.size, u0.size)
    met = np.zeros(pattern.shape, bool)
    for t, u in states(u0):
        wanted = central_differences(f, t, u)
        found = compiled.jacobian(t, u)
        assert found.format == "csc" and found.has_sorted_indices
        np.testing.assert_array_equal(found.indices, pattern.indices)
        np.testing.assert_allclose(
            found.toarray(), wanted, rtol=0, atol=2e-7 * max(1.0, np.abs(wanted).max())
        )
        met |= np.abs(wanted) > 1e-7
    assert not (met & ~pattern.toarray()).any()
    # nothing superfluous: every entry of the pattern is non-zero at one of the states
    assert (pattern.toarray() & ~met).sum() == 0


def test_the_terms_entry_by_entry_equal_the_arrays(solver: tuple[Any, ...]) -> None:
    _, u0, system = solver
    assert len(system.states) == len(system.rhs) == u0.size
    t, u = states(u0)[1]
    clock = symbols("t")
    values = sn.compile(system.rhs, [clock, *system.states], target="numpy")(t, *u.reshape(-1).tolist())
    wanted = system.compile("numpy").rhs(t, u).reshape(-1)
    np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


def test_entries_of_the_symbolic_jacobian_equal_the_compiled_one() -> None:
    f, u0 = nonlinear_diffusion(6)
    system = trace(f, u0)
    matrix = system.jacobian()
    values = sn.compile(list(matrix.entries), system.states, target="numpy")(*u0.tolist())
    np.testing.assert_allclose(
        matrix.to_scipy(values).toarray(), system.compile("numpy").jacobian(0.0, u0).toarray(), atol=1e-14
    )
