"""Traced programs as loops: they compute what the solver computes, in regions whose number does not follow the grid."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy.sparse import diags_array, kronsum, random_array

import symnum as sn
from symnum.pde import trace
from symnum.pde.loops import LoopFunction, LoopKernel, NotLowered
from symnum.pde.loops.storage import Storage
from symnum.pde.models import reaction_diffusion

GENERATOR = np.random.default_rng(1)


def kernel_of(f: Any, u0: Any, **options: Any) -> LoopKernel:
    system = trace(f, u0, check=False, **options)
    return LoopKernel(system.graph, system.output)


def check(f: Any, u0: Any, tolerance: float = 1e-13, **parameters: Any) -> LoopKernel:
    """Compare the loops of f with f at a random state, on one thread and in several parts."""
    from symnum.pde.loops.driver import evaluate_parallel

    system = trace(f, u0, check=False, parameters=parameters)
    kernel = LoopKernel(system.graph, system.output)
    u = GENERATOR.uniform(0.1, 1.0, np.shape(u0)).astype(system.dtype)
    wanted = np.broadcast_to(np.asarray(f(0.3, u.copy(), **parameters)), u.shape)
    scale = np.abs(wanted).max() or 1.0
    values = system.array_parameters.flat()
    found = np.full(u.shape, 9.0, u.dtype)
    kernel.call(0.3, u, found, values)
    assert np.abs(found - wanted).max() <= tolerance * scale
    bound, parts = kernel.bind(values), np.full(u.size, 9.0, u.dtype)
    assert evaluate_parallel(bound.table, 0.3, u.ravel(), parts, 3)
    assert np.abs(parts.reshape(u.shape) - found).max() <= tolerance * scale
    return kernel


def laplacian(u: Any, mode: Any) -> Any:
    p = np.pad(u, 1, mode=mode)
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u


def second_difference(n: int) -> Any:
    matrix = np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1)
    matrix[0, 1] = matrix[-1, -2] = 2.0
    return matrix


GRID = np.ones((17, 21))


# --- values -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["wrap", "edge", "reflect", "symmetric", "constant"])
def test_padded_stencils(mode: str) -> None:
    kernel = check(lambda t, u: laplacian(u, mode) * u - t, GRID)
    assert kernel.kept == 0, "all is one pass over memory"


def test_three_axes_and_rolls() -> None:
    kernel = check(
        lambda t, u: np.roll(u, 1, 0) + np.roll(u, -1, 1) + np.roll(u, 2, 2) - 3 * u, np.ones((9, 10, 11))
    )
    assert kernel.kept == 0


@pytest.mark.parametrize("n", [3, 5, 9, 33])
def test_the_reaction_diffusion_problem(n: int) -> None:
    f, u0 = reaction_diffusion.make(n)
    kernel = check(f, u0)
    assert kernel.kept == 0 and kernel.regions == (9 if n > 4 else 3)


def test_writing_into_a_buffer() -> None:
    def f(t: float, u: Any) -> Any:
        du = np.zeros_like(u)
        du[1:-1, 1:-1] = u[2:, 1:-1] - u[:-2, 1:-1]
        du[0] = u[1]
        du[:, -1] -= 2 * u[:, 0]
        du[::2, 1::3] *= 3
        return du

    check(f, GRID)


def test_pieces_that_leave_gaps_in_memory_that_was_never_set() -> None:
    def f(t: float, u: Any) -> Any:
        du = np.empty_like(u)
        du[::2] = u[1::2]
        du[1::2] = -u[::2]
        return du

    check(f, np.ones(40))
    kernel = kernel_of(lambda t, u: np.concatenate([u[:3], np.empty_like(u)[3:]]), np.ones(5))
    out = np.zeros(5)
    kernel.call(0.0, np.arange(5.0), out)
    np.testing.assert_array_equal(out[:3], [0.0, 1.0, 2.0])


def test_flat_states_of_several_fields() -> None:
    n, m = 12, 19

    def f(t: float, y: Any) -> Any:
        u, v = y[: n * m].reshape(n, m), y[n * m :].reshape(n, m)
        return np.concatenate([(laplacian(u, "edge") + u - u**3 - v).ravel(), (0.1 * (u - v)).ravel()])

    kernel = check(f, np.ones(2 * n * m))
    assert kernel.kept == 0 and kernel.nests < 5


def test_fields_along_the_first_and_the_last_axis() -> None:
    check(lambda t, y: np.stack([laplacian(y[0], "wrap") + y[1], y[1] * y[0]]), np.ones((2, 15, 18)))
    check(lambda t, y: np.dstack([y[..., 1], y[..., 0] * 2]), np.ones((15, 18, 2)))
    check(lambda t, y: np.dstack([y[..., 3 - k] * k for k in range(4)]), np.ones((15, 18, 4)))
    check(lambda t, y: np.sin(y) * y[..., ::-1], np.ones((6, 18, 7)))


def test_matrices_become_stencils() -> None:
    n, m = GRID.shape
    left, right = second_difference(n), second_difference(m)
    varying = np.diag(GENERATOR.uniform(size=m)) + np.diag(GENERATOR.uniform(size=m - 2), 2)
    kernel = check(lambda t, u: left @ u + u @ right - u @ varying, GRID)
    assert kernel.kept == 0
    line = diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(m, m))
    other = diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(n, n))
    grid = kronsum(line, other).tocsr()
    kernel = check(lambda t, u: grid @ u, np.ones(n * m))
    assert kernel.kept == 0 and kernel.regions == 9
    check(lambda t, u: (grid @ u.ravel()).reshape(n, m) * u, GRID)
    wide = np.eye(n, 30, k=3) + np.eye(n, 30)
    check(lambda t, u: np.concatenate([wide @ u, u[n:]]), np.ones((30, 4)))


def test_other_matrices_are_gathered_or_left_to_blas() -> None:
    n, m = GRID.shape
    left, right = GENERATOR.uniform(size=(n, n)), GENERATOR.uniform(size=(m, m))
    kernel = check(lambda t, u: left @ u + u @ right, GRID)
    assert kernel.kept == 2
    check(lambda t, u: left @ (u * u), np.ones((4, n, 9)))
    check(lambda t, u: right @ u, np.ones(m))
    sparse = random_array((300, 300), density=0.01, rng=3, format="csr")
    check(lambda t, u: sparse @ u, np.ones(300))
    check(lambda t, u: sparse @ np.exp(-u), np.ones((300, 7)))


def test_sums() -> None:
    check(lambda t, u: u - u.mean(), GRID)
    check(lambda t, u: u * u.sum(0) - u.mean(1, keepdims=True), GRID)
    check(lambda t, u: u - (u * u).sum((0, 2))[None, :, None], np.ones((9, 10, 11)))
    check(lambda t, u: u - np.sum(u * u), np.ones(1001))
    check(lambda t, u: np.sum(np.outer(u, u) * np.arange(40.0), axis=1), np.ones(40))
    check(lambda t, u: u[:3].sum() * u, np.ones(7))


def test_listed_entries_and_masks() -> None:
    order = GENERATOR.permutation(17)
    mask = GENERATOR.uniform(size=GRID.shape) < 0.5

    def f(t: float, u: Any) -> Any:
        du = laplacian(u, "wrap").copy()
        du[mask] = 0.0
        du[order[:5]] = (u * u)[order[5:10]]
        du[:, 3] = np.where(mask, u, -u)[:, 2]
        return du

    check(f, GRID)
    check(lambda t, u: (u * u)[order] - u[order[::-1]], GRID)


def test_functions_conditions_and_time() -> None:
    check(
        lambda t, u: np.where(u > 0.5, np.sin(u), np.exp(-u)) + np.tanh(u) ** 2.5 * np.cos(t) + np.abs(u - t),
        GRID,
    )
    check(lambda t, u: (u > 0.4) & (u < 0.9), GRID)
    check(lambda t, u: np.maximum(u, 0.3) % 0.2 + np.floor(3 * u) + np.sign(u - 0.5), GRID)


def test_functions_have_numpys_values_to_the_last_bit() -> None:
    for f in (np.exp, np.sin, np.tanh, lambda u: u**2.5):
        u = GENERATOR.uniform(0.1, 3.0, 37)
        np.testing.assert_array_equal(trace(lambda t, u, f=f: f(u), u).compile("loops").rhs(0.0, u), f(u))


@pytest.mark.parametrize(
    "f",
    [
        lambda t, u: u,
        lambda t, u: u[::-1],
        lambda t, u: u * 0 + t,
        lambda t, u: np.zeros_like(u),
        lambda t, u: np.arange(4.0),
        lambda t, u: [t, 2 * t, 3, u[0]],
        lambda t, u: np.broadcast_to(u[1], (4,)),
        lambda t, u: np.stack([u[1], -np.sin(u[0]), u.sum(), 1.0]),
    ],
)
def test_small_programs(f: Any) -> None:
    check(f, np.ones(4))


def test_parameters() -> None:
    feed = GENERATOR.uniform(size=21)

    def f(t: float, u: Any, D: Any, feed: Any, table: Any) -> Any:
        return D * laplacian(u, "edge") + feed - table[1, ::-1] * u

    check(f, GRID, D=3.0, feed=feed, table=GENERATOR.uniform(size=(2, 21)))
    system = trace(lambda t, u, D: D * u, np.ones(5), parameters={"D": 2.0})
    compiled = system.compile()
    assert compiled.rhs(0.0, np.ones(5), p={"D": 7.0}).tolist() == [7.0] * 5
    assert compiled.rhs(0.0, np.ones(5)).tolist() == [2.0] * 5
    with pytest.raises(ValueError, match="0 parameter values were given, but the kernel has 1, of D"):
        LoopKernel(system.graph, system.output).bind()


def test_float32() -> None:
    single = GRID.astype(np.float32)
    kernel = check(lambda t, u: laplacian(u, "wrap") * u - u.mean(), single, 1e-6)
    assert kernel.dtype == kernel.memory_dtype == np.float32
    # rounded where NumPy rounds, to the last bit for single operations
    system = trace(lambda t, u: u * np.float32(0.1), single)
    u = GENERATOR.uniform(size=single.shape).astype(np.float32)
    np.testing.assert_array_equal(system.compile("loops").rhs(0.0, u), u * np.float32(0.1))
    # float64 constants promote, and the result is rounded to the state's type
    mixed = check(lambda t, u: u * np.linspace(0, 1, 21) + np.float64(0.1), single, 1e-6)
    assert mixed.memory_dtype == np.float64
    check(lambda t, u: GENERATOR_MATRIX @ u, np.ones(40, np.float32), 1e-5)


GENERATOR_MATRIX = GENERATOR.uniform(size=(40, 40)).astype(np.float32)


# --- code ---------------------------------------------------------------------------------------------------------------------


def test_another_grid_runs_the_same_code() -> None:
    def make(n: int) -> Any:
        h = 1.0 / n
        return lambda t, u: laplacian(u, "edge") / h**2 * np.sin(u) + np.roll(u, 1, 0)

    sources = set()
    for n in (32, 57, 128):
        kernel = kernel_of(make(n), np.ones((n, n)))
        sources.add(kernel.source)
    assert len(sources) == 1
    sources = {
        LoopKernel(s.graph, s.output).source for s in (trace(*reaction_diffusion.make(n)) for n in (32, 64))
    }
    assert len(sources) == 1


def test_another_coefficient_runs_the_same_code() -> None:
    a, b = (kernel_of(lambda t, u, D=D: D * laplacian(u, "wrap"), GRID) for D in (37.0, 41.5))
    assert a.source == b.source and not np.array_equal(a.numbers, b.numbers)


def test_expensive_formulas_that_are_read_often_are_kept() -> None:
    cheap = kernel_of(lambda t, u: laplacian(u * u, "wrap"), GRID)
    dear = kernel_of(lambda t, u: laplacian(np.exp(u) * np.sin(u), "wrap"), GRID)
    assert (cheap.kept, dear.kept) == (0, 1)


def test_constant_arrays_that_do_not_change_along_an_axis_are_one_row() -> None:
    column = np.ones((17, 1)) * np.linspace(0, 1, 21)
    kernel = kernel_of(lambda t, u: u * column, GRID)
    assert kernel.numbers.size < 30
    assert kernel_of(lambda t, u: u * GENERATOR.uniform(size=GRID.shape), GRID).numbers.size > 350


def test_a_product_that_is_too_long_is_not_a_stencil() -> None:
    system = trace(lambda t, u: np.tri(60) @ u, np.ones(60))
    storage = Storage(system.graph, system.output)
    assert list(storage.stencils.values()) == [None] and list(storage.gathers.values()) == [None]


def test_machine_code_is_kept_on_disk(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path))
    first, second = (kernel_of(lambda t, u: np.cosh(u) * 0.77, GRID) for _ in range(2))
    assert "kept in" in first.remark and "loaded from" in second.remark
    (file,) = tmp_path.rglob("objects.bin")
    file.write_bytes(file.read_bytes()[:-7])
    third = kernel_of(lambda t, u: np.cosh(u) * 0.77, GRID)
    assert "kept in" in third.remark
    monkeypatch.setenv("SYMNUM_CACHE_DIR", "/dev/null/nowhere")
    fourth = kernel_of(lambda t, u: np.cosh(u) * 0.77, GRID)
    assert "not kept on disk" in fourth.remark
    out = np.empty_like(GRID)
    fourth.call(0.0, GRID, out)
    np.testing.assert_allclose(out, np.cosh(1.0) * 0.77)


# --- use ----------------------------------------------------------------------------------------------------------------------


def test_a_kernel_is_called_from_njit_code() -> None:
    kernel = kernel_of(lambda t, u: -u + t, np.ones(9))
    evaluate = kernel.function

    @njit
    def euler(table: Any, u: Any, steps: int, dt: float) -> Any:
        du = np.empty_like(u)
        for k in range(steps):
            evaluate(table, k * dt, u, du)
            u += dt * du
        return u

    bound = kernel.bind()
    found, wanted = euler(bound.table, np.ones(9), 10, 0.1), 1.0
    for k in range(10):
        wanted += 0.1 * (k * 0.1 - wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_the_compiled_trace_runs_loops() -> None:
    f, u0 = reaction_diffusion.make(16)
    system = trace(f, u0)
    compiled = system.compile()
    assert compiled.why.startswith("loops: 9 regions in 3 loop nests")
    u = GENERATOR.uniform(size=u0.shape)
    wanted = f(0.0, u)
    out = np.empty_like(u)
    for _ in range(40):
        assert compiled.rhs(0.0, u, out) is out
        np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-11)
    np.testing.assert_array_equal(compiled.rhs(0.0, u), out)
    np.testing.assert_array_equal(compiled.rhs(0.0, u.ravel()), out.ravel())
    copy = pickle.loads(pickle.dumps(compiled))
    np.testing.assert_array_equal(copy.rhs(0.0, u), out)


@pytest.mark.parametrize("calls", [1, 30])
def test_arrays_of_all_layouts(calls: int) -> None:
    f, u0 = reaction_diffusion.make(9)
    compiled = trace(f, u0).compile("loops")
    u = GENERATOR.uniform(size=u0.shape)
    wanted = compiled.rhs(0.0, u)
    frozen = u.copy()
    frozen.setflags(write=False)
    for _ in range(calls):
        compiled.rhs(0.0, u, np.empty_like(u))
    backwards = np.empty((3, 9, 9)).T
    for given in (u, frozen, np.asfortranarray(u), u[::-1].copy()[::-1], u.tolist()):
        np.testing.assert_array_equal(compiled.rhs(0, given), wanted)
        for out in (
            np.empty_like(u),
            backwards,
            np.empty((9, 9, 6))[..., ::2],
            np.empty(u.shape, np.float32),
        ):
            assert compiled.rhs(0.0, given, out) is out
            np.testing.assert_array_equal(out, wanted.astype(out.dtype))
    np.testing.assert_array_equal(
        compiled.rhs(0.0, u.astype(np.float32)), compiled.rhs(0.0, u.astype(np.float32).astype(float))
    )


@pytest.mark.parametrize("calls", [0, 30])
def test_out_may_be_the_state_itself(calls: int) -> None:
    f, u0 = reaction_diffusion.make(9)
    compiled = trace(f, u0).compile("loops")
    u = GENERATOR.uniform(size=u0.shape)
    wanted = compiled.rhs(0.0, u)
    for _ in range(calls):
        compiled.rhs(0.0, u, np.empty_like(u))
    compiled.rhs(0.0, u, u)
    np.testing.assert_array_equal(u, wanted)
    long = np.zeros(10)
    long[:9] = GENERATOR.uniform(size=9)
    shift = trace(lambda t, u: np.roll(u, 1), np.ones(9)).compile("loops")
    wanted = np.roll(long[:9], 1)
    shift.rhs(0.0, long[:9], long[1:])
    np.testing.assert_array_equal(long[1:], wanted)


def test_wrong_shapes_are_named() -> None:
    compiled = trace(*reaction_diffusion.make(8)).compile("loops")
    for _ in range(30):
        compiled.rhs(0.0, np.ones((8, 8, 3)), np.ones((8, 8, 3)))
    with pytest.raises(ValueError, match=r"u has shape \(3, 8, 8\); the system takes \(8, 8, 3\)"):
        compiled.rhs(0.0, np.ones((3, 8, 8)), np.ones((3, 8, 8)))
    with pytest.raises(ValueError, match=r"out must be an array of shape \(8, 8, 3\)"):
        compiled.rhs(0.0, np.ones((8, 8, 3)), np.ones((8, 8, 2)))
    with pytest.raises(ValueError, match="out must be an array"):
        compiled.rhs(0.0, np.ones((8, 8, 3)), [0.0])


def test_several_threads_have_work_memory_of_their_own() -> None:
    system = trace(lambda t, u: u - np.exp(u).mean() * t, np.ones(4000))
    f = LoopFunction(LoopKernel(system.graph, system.output))
    states = [GENERATOR.uniform(size=4000) for _ in range(4)]
    found: list[list[Any]] = [[] for _ in states]

    def work(k: int) -> None:
        for _ in range(50):
            found[k].append(f(2.0, states[k], np.empty(4000)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for u, results in zip(states, found, strict=True):
        for result in results:
            np.testing.assert_allclose(result, u - np.exp(u).mean() * 2, rtol=1e-12)


# --- what has no loops --------------------------------------------------------------------------------------------------------


def test_what_does_not_lower_runs_on_numpy_and_says_so() -> None:
    def f(t: float, u: Any) -> Any:
        du = u * 2
        du.reshape(-1)[:: len(u) + 1] = u[0]
        return du

    system = trace(f, np.ones((6, 6)))
    compiled = system.compile()
    assert compiled.why == "NumPy's buffers, because there are no loops: a diagonal of an array is written to"
    u = GENERATOR.uniform(size=(6, 6))
    np.testing.assert_allclose(compiled.rhs(0.0, u), f(0.0, u.copy()))
    with pytest.raises(NotLowered, match="diagonal"):
        system.compile("loops")


def test_python_functions_of_users_have_no_loops() -> None:
    sn.register_operator("nextafter", 2, numpy=lambda a, b: np.nextafter(a, b))
    compiled = trace(lambda t, u: np.nextafter(u, 2.0), np.ones(6)).compile()
    assert "operator 'nextafter' cannot be spelled for LLVM" in compiled.why
    np.testing.assert_array_equal(compiled.rhs(0.0, np.ones(6)), np.nextafter(1.0, 2.0))


def test_programs_of_too_many_regions_are_refused(monkeypatch: Any) -> None:
    from symnum.pde.loops import nests

    monkeypatch.setattr(nests, "MAX_BOXES", 5)
    with pytest.raises(NotLowered, match="more than 5 regions"):
        kernel_of(lambda t, u: laplacian(u, "wrap"), GRID)
    monkeypatch.undo()
    monkeypatch.setattr(nests, "MAX_VALUES", 50)
    with pytest.raises(NotLowered, match="more than 50 values"):
        kernel_of(lambda t, u: laplacian(u, "wrap"), GRID)


def test_many_values_make_more_arrays_be_kept(monkeypatch: Any) -> None:
    from symnum.pde.loops import nests

    def f(t: float, u: Any) -> Any:
        return laplacian(u * u, "wrap")

    assert check(f, GRID).kept == 0
    monkeypatch.setattr(nests, "MANY_VALUES", 20)
    assert check(f, GRID).kept == 1


def test_numba_told_not_to_compile(monkeypatch: Any) -> None:
    import numba

    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    compiled = trace(lambda t, u: u + 1, np.ones(3)).compile()
    assert "NUMBA_DISABLE_JIT" in compiled.why
