"""The system as a user meets it: compile, solve, entry-by-entry terms, pickling, threads, and what it refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.integrate import solve_ivp

import symnum as sn
import symnum.pde
from symnum.pde import derivative_rows, trace
from symnum.pde.models import reaction_diffusion
from symnum.symbols import symbols


@pytest.fixture(scope="module")
def paper() -> Any:
    return trace(*reaction_diffusion.make(32))


def test_reaction_diffusion_reaches_the_known_means(paper: Any) -> None:
    sol = paper.solve((0.0, 10.0))
    assert sol.success and sol.t[-1] == 10.0 and sol.u.shape == (len(sol.t), 32, 32, 3)
    means = sol.u[-1].mean(axis=(0, 1))
    np.testing.assert_allclose(means, [0.44307, 1.23081, 0.76919], atol=1e-4)  # as found with rtol 1e-3
    np.testing.assert_allclose(means, [0.44305646, 1.23075675, 0.76915245], atol=1e-6)  # Radau with rtol 1e-9


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_the_papers_tolerances_need_few_calls(paper: Any, method: str) -> None:
    sol = paper.solve((0.0, 10.0), method=method, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(sol.u[-1].mean(axis=(0, 1)), [0.44307, 1.23081, 0.76919], atol=1e-4)
    assert 1 <= sol.stats["jacobian_calls"] < 10 < sol.stats["rhs_calls"] < 1000
    assert (
        sol.stats["factorizations"] > 0 and sol.stats["steps"] == len(sol.t) - 1 and sol.stats["seconds"] > 0
    )


def test_the_papers_jacobian_has_the_known_number_of_entries(paper: Any) -> None:
    assert paper.sparsity().nnz == 13184
    f, u0 = reaction_diffusion.make(32)
    u = np.random.default_rng(0).random(u0.shape)
    found = paper.compile("numpy").jacobian(0.0, u)
    direction = np.random.default_rng(1).normal(size=u.shape)
    change = (f(0.0, u + 1e-6 * direction) - f(0.0, u - 1e-6 * direction)) / 2e-6
    np.testing.assert_allclose(
        found @ direction.reshape(-1), change.reshape(-1), rtol=0, atol=1e-7 * np.abs(change).max()
    )


def test_the_model_is_what_the_tutorial_says() -> None:
    f, u0 = reaction_diffusion.make(32)
    start = f(0.0, u0)
    assert (
        start[:, :, 0].sum() == 7 * 32 and (start[:, 25:, 0] == 1.0).all() and (start[:, :, 1:] == 1.0).all()
    )
    bump = np.zeros_like(u0)
    bump[0, 0, 0] = 1.0
    diffused = f(0.0, bump)[:, :, 0] - start[:, :, 0]
    assert diffused[0, 0] == -401.0 and diffused[1, 0] == 100.0 and diffused[0, 1] == 100.0
    with pytest.raises(ValueError, match="n = 2"):
        reaction_diffusion.make(2)


@pytest.mark.parametrize("method", ["BDF", "Radau", "LSODA", "RK45", "RK23", "DOP853"])
def test_every_method_solves(method: str) -> None:
    system = trace(lambda t, u: np.stack([u[1], -u[0]]), [1.0, 0.0])
    sol = system.solve((0.0, 2.0), method=method, rtol=1e-8, atol=1e-10, t_eval=[0.0, 1.0, 2.0])
    np.testing.assert_array_equal(sol.t, [0.0, 1.0, 2.0])
    np.testing.assert_allclose(sol.u, np.stack([np.cos(sol.t), -np.sin(sol.t)], axis=1), atol=1e-6)


def test_another_start_of_the_same_shape() -> None:
    system = trace(lambda t, u: -u, np.ones((2, 3)))
    sol = system.solve((0.0, 1.0), u0=np.full((2, 3), 2.0))
    np.testing.assert_allclose(sol.u[-1], 2 * np.exp(-1.0), rtol=1e-5)
    np.testing.assert_array_equal(system.u0, np.ones((2, 3)))
    with pytest.raises(
        ValueError, match=r"u0 has shape \(3, 2\), but the system was traced with shape \(2, 3\)"
    ):
        system.solve((0.0, 1.0), u0=np.ones((3, 2)))


def test_solve_refuses_bad_arguments() -> None:
    system = trace(lambda t, u: -u, np.ones(2))
    with pytest.raises(ValueError, match="no method 'Heun'; the methods are 'BDF'"):
        system.solve((0.0, 1.0), method="Heun")
    with pytest.raises(ValueError, match=r"write solve\(\(0.0, 10.0\)\)"):
        system.solve((0.0, 1.0, 2.0))
    with pytest.raises(ValueError, match="there is no target 'fortran'"):
        system.compile("fortran").rhs(0.0, np.ones(2))


def test_a_run_that_ends_early_warns() -> None:
    system = trace(lambda t, u: u**2, np.ones(1))
    with pytest.warns(RuntimeWarning, match=r"BDF stopped at t = (0\.9|1)"):
        sol = system.solve((0.0, 2.0))
    assert not sol.success and sol.message and sol.u[-1, 0] > 1e3


def test_shapes_and_dtypes() -> None:
    for u0 in (np.arange(6), np.arange(6, dtype=np.int8), [0, 1, 2, 3, 4, 5], np.array([True] * 6)):
        system = trace(lambda t, u: u * 2, u0)
        assert system.shape == (6,) and system.u0.dtype == np.float64
        assert system.compile("numpy").rhs(0.0, np.ones(6)).dtype == np.float64
    narrow = trace(lambda t, u: u * 2, np.arange(6, dtype=np.float32))
    assert narrow.u0.dtype == narrow.compile("numpy").rhs(0.0, np.ones(6)).dtype == np.float32
    compiled = trace(lambda t, u: u * 2, np.ones((2, 3))).compile("numpy")
    np.testing.assert_array_equal(compiled.rhs(0.0, np.ones((3, 2)).T), np.full((2, 3), 2.0))
    with pytest.raises(
        ValueError, match=r"u has shape \(3, 2\); the system takes \(2, 3\), or \(6,\) when flat"
    ):
        compiled.rhs(0.0, np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"out must be an array of shape \(2, 3\)"):
        compiled.rhs(0.0, np.ones((2, 3)), out=np.ones(6))


def test_a_result_is_the_callers_own() -> None:
    compiled = trace(lambda t, u: u, np.ones(3)).compile("numpy")
    first = compiled.rhs(0.0, np.ones(3))
    first[:] = 7.0
    second = compiled.rhs(0.0, np.full(3, 2.0))
    matrix = compiled.jacobian(0.0, np.ones(3))
    matrix.data[:] = 9.0
    with pytest.raises(ValueError, match="read-only"):  # the pattern is one for all matrices
        matrix.indices[:] = 0
    assert first.tolist() == [7.0] * 3 and second.tolist() == [2.0] * 3
    assert compiled.jacobian(0.0, np.ones(3)).toarray().tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    ("f", "entries"),
    [
        (lambda t, u: np.ones(4), 0),
        (lambda t, u: np.zeros_like(u), 0),
        (lambda t, u: np.sin(t) * np.ones(4), 0),
        (lambda t, u: [t, 2 * t, 3, u[0]], 1),
        (lambda t, u: u, 4),
        (lambda t, u: u[::-1], 4),
        (lambda t, u: u[[0, 0, 3, 1]], 4),
        (lambda t, u: u > 0.5, 0),
        (lambda t, u: np.broadcast_to(u[1], (4,)), 4),
        (lambda t, u: u - u, 0),
        (lambda t, u: 0.0 * u + np.eye(4) @ u - u, 0),
    ],
)
def test_degenerate_right_hand_sides(f: Any, entries: int) -> None:
    u0 = np.array([0.2, 0.9, 0.4, 0.7])
    system = trace(f, u0)
    compiled = system.compile("numpy")
    np.testing.assert_allclose(compiled.rhs(1.5, u0), np.asarray(f(1.5, u0), float), atol=1e-15)
    assert system.sparsity().nnz == entries
    assert compiled.jacobian(1.5, u0).shape == (4, 4)
    assert system.solve((0.0, 0.1)).success


def test_branches_that_are_not_taken_do_not_spoil_the_jacobian() -> None:
    system = trace(
        lambda t, u: np.where(u > 0, u * np.log(u) + np.sqrt(u), 0.0) - u, np.linspace(0.0, 1.0, 5)
    )
    found = system.compile("numpy").jacobian(0.0, np.array([0.0, -1.0, 1.0, 2.0, 0.0])).diagonal()
    np.testing.assert_allclose(found, [-1.0, -1.0, 0.5, np.log(2.0) + 0.5 / np.sqrt(2.0), -1.0])


def test_entries_that_cancel_are_not_in_the_pattern() -> None:
    def f(t: float, u: Any) -> Any:
        return np.roll(u, 1) - np.roll(u, -1) + np.diag(np.ones(3), 1) @ u + np.diag([0.0, 1.0, 0.0], -1) @ u

    pattern = trace(f, np.ones(4)).sparsity().toarray()
    wanted = np.roll(np.eye(4), -1, axis=1) != 0
    wanted[[0, 3], [3, 0]] = True
    np.testing.assert_array_equal(
        pattern,
        np.roll(np.eye(4), 1, axis=0)
        - np.roll(np.eye(4), -1, axis=0)
        + np.diag(np.ones(3), 1)
        + np.diag([0.0, 1.0, 0.0], -1)
        != 0,
    )


def test_explicit_zeros_of_a_matrix_are_not_in_the_pattern() -> None:
    matrix = sp.csr_matrix(
        (np.array([1.0, 0.0, 2.0]), np.array([0, 1, 1]), np.array([0, 2, 3])), shape=(2, 2)
    )
    assert trace(lambda t, u: matrix @ u, np.ones(2)).sparsity().toarray().tolist() == [
        [True, False],
        [False, True],
    ]


def test_a_jacobian_that_is_dense_in_disguise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivative_rows, "MAX_ENTRIES", 10_000)
    system = trace(lambda t, u: u * u.sum(), np.ones(200))
    with pytest.raises(MemoryError, match=r"40,\d00 terms, more than 10,000: .*method='RK45'"):
        system.sparsity()
    assert system.solve((0.0, 1e-4), method="RK45").success


def test_scalar_terms() -> None:
    system = trace(lambda t, u: np.roll(u, 1, axis=1) * t - u, np.ones((2, 2)))
    u0_0, u0_1, u1_0, u1_1, t = symbols("u0_0 u0_1 u1_0 u1_1 t")
    assert system.states == [u0_0, u0_1, u1_0, u1_1] and system.parameters == {}
    assert system.rhs == [u0_1 * t - u0_0, u0_0 * t - u0_1, u1_1 * t - u1_0, u1_0 * t - u1_1]
    assert system.jacobian()[0, 1] is t and system.jacobian().shape == (4, 4)
    large = trace(lambda t, u: -u, np.ones(30_000), check=False)
    for ask in (lambda: large.states, lambda: large.rhs, large.jacobian):
        with pytest.raises(
            ValueError, match=r"30,000 entries out one by one, more than 20,000; system.compile\(\)"
        ):
            ask()
    assert large.sparsity().nnz == 30_000


def test_systems_and_compiled_systems_pickle() -> None:
    f, u0 = reaction_diffusion.make(5)
    system = trace(f, u0)
    u = np.random.default_rng(2).random(u0.shape)
    compiled = system.compile("numpy")
    compiled.jacobian(0.0, u)
    for copy in (pickle.loads(pickle.dumps(system)).compile("numpy"), pickle.loads(pickle.dumps(compiled))):
        np.testing.assert_array_equal(copy.rhs(0.0, u), compiled.rhs(0.0, u))
        np.testing.assert_array_equal(copy.jacobian(0.0, u).toarray(), compiled.jacobian(0.0, u).toarray())


def test_threads_do_not_share_buffers() -> None:
    f, u0 = reaction_diffusion.make(16)
    compiled = trace(f, u0).compile()
    states = [np.random.default_rng(i).random(u0.shape) for i in range(24)]

    def work(u: Any) -> float:
        errors = [np.abs(compiled.rhs(0.0, u) - f(0.0, u)).max() for _ in range(20)]
        matrix = compiled.jacobian(0.0, u)
        return float(max(errors)) + abs(
            float(matrix[2, 0] - u[0, 0, 1])
        )  # dC/dt has r1*A*B, whose derivative in A is B

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(work, states)) < 1e-10


def test_solving_gives_what_scipy_gives_for_the_untouched_solver() -> None:
    def f(t: float, u: Any) -> Any:
        k = 1 + u**2
        flux = 0.5 * (k[1:] + k[:-1]) * (u[1:] - u[:-1])
        du = np.zeros_like(u)
        du[1:-1] = (flux[1:] - flux[:-1]) * 40.0 + np.sin(t)
        return du

    u0 = np.sin(np.linspace(0.0, np.pi, 30))
    ours = trace(f, u0).solve((0.0, 1.0), rtol=1e-8, atol=1e-10)
    theirs = solve_ivp(f, (0.0, 1.0), u0, method="BDF", rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ours.u[-1], theirs.y[:, -1], atol=1e-6)


def test_tracing_calls_f_once_and_checks_without_changing_the_state() -> None:
    seen: list[type] = []

    def f(t: float, u: Any) -> Any:
        seen.append(type(u))
        u += 1.0
        return u

    u0 = np.zeros(3)
    trace(f, u0)
    assert seen.count(symnum.pde.TracedArray) == 1 and len(seen) == 4
    assert u0.tolist() == [0.0, 0.0, 0.0]
    seen.clear()
    trace(f, u0, check=False)
    assert len(seen) == 1


def test_no_floating_point_warning_reaches_the_user() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        system = trace(lambda t, u: np.log(u) / u, np.zeros(3))
        assert system.compile("numpy").rhs(0.0, np.array([0.0, -1.0, 1.0])).tolist()[::2] == [-np.inf, 0.0]
        system.compile("numpy").jacobian(0.0, np.zeros(3))


def test_the_public_names_load_when_they_are_used() -> None:
    code = (
        "import sys, symnum.pde as pde\n"
        "assert not {'numpy', 'scipy', 'numba'} & set(sys.modules), 'import symnum.pde is light'\n"
        "assert set(pde.__all__) <= set(dir(pde)) and pde.trace.__module__ == 'symnum.pde.traced_system'\n"
        "assert not {'numba', 'sympy', 'sklearn', 'egglog'} & set(sys.modules), 'tracing loads no compiler'\n"
        "try:\n    pde.traces\nexcept AttributeError as e:\n    print(e)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("module 'symnum.pde' has no attribute 'traces'; its public names are C")


def test_a_user_operator_does_not_take_over_a_ufunc() -> None:
    sn.register_operator("pde_exp_alias", 1, numpy="numpy.exp({0})")
    system = trace(lambda t, u: np.exp(u), np.ones(3))
    assert np.allclose(system.compile().jacobian(0.0, np.ones(3)).diagonal(), np.e)
