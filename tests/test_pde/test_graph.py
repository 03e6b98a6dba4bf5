"""The graph is small: its size does not follow the grid, equal nodes are one, and formulas are fused."""

from __future__ import annotations

import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnum as sn
from symnum.pde import trace
from symnum.pde.graph import Assembly, Elementwise, Graph, View
from symnum.pde.models import reaction_diffusion
from symnum.pde.regions import Strided
from symnum.pde.traced import wrap


def node(array: Any) -> Any:
    return array.node


def traced(shape: tuple[int, ...]) -> tuple[Graph, Any]:
    graph = Graph()
    return graph, wrap(graph, graph.input("u", shape))


@pytest.mark.parametrize("mode", ["reflect", "wrap", "edge", "constant"])
def test_the_size_of_a_program_does_not_depend_on_the_grid(mode: Any) -> None:
    def f(t: float, u: Any) -> Any:
        p = np.pad(u, 1, mode=mode)
        flux = (p[1:, 1:-1] - p[:-1, 1:-1]) * np.exp(-u.mean())
        return np.roll(flux[1:] - flux[:-1], 1, axis=1) * np.where(u > t, u, 1.0)

    sizes = set()
    for n in (32, 64):
        system = trace(f, np.ones((n, n)))
        program = system.compile("numpy")._program
        sizes.add((len(system.graph), len(program.order), program.kernel_count))
    assert len(sizes) == 1


def test_reaction_diffusion_is_one_kernel_at_every_size() -> None:
    counts = []
    for n in (32, 64):
        system = trace(*reaction_diffusion.make(n))
        program = system.compile("numpy")._program
        assert program.kernel_count == 1
        counts.append([type(node).__name__ for node in program.order])
    assert counts[0] == counts[1]
    assert counts[0].count("Elementwise") == 3 and counts[0].count("Product") == 2


def test_slices_of_a_large_grid_make_no_lists_of_positions() -> None:
    n = 1500
    graph, u = traced((n, n, 2))
    tracemalloc.start()
    a, b = u[..., 0], u[:, :, 1]
    p = np.pad(a, 2, mode="reflect")
    lap = p[3:-1, 2:-2] + p[1:-3, 2:-2] + p[2:-2, 3:-1] + p[2:-2, 1:-3] - 4 * a
    du = np.zeros_like(u)
    du[1:-1, ::2, 0] = lap[1:-1, ::2] * b.T[1:-1, ::2]
    du[..., 1] += np.roll(b, (3, -1), axis=(0, 1))[::-1] - np.gradient(a, axis=1)
    joined = np.concatenate([du.reshape(-1), np.stack([lap, b])[1].ravel()])
    node(np.split(a, 3)[0][0, :4])
    node(joined[: n * n].reshape(n, n))
    node(np.vstack([np.flip(a, 0), a.mean(axis=0, keepdims=True)])[::-1])
    assert len(graph.reachable([node(joined)])) < 80
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # NumPy is asked with one byte for each entry, 7 MB at most here; a list of positions has eight
    assert peak < 16 * n * n


def test_equal_arrays_are_one_node() -> None:
    graph, u = traced((5, 4))
    assert u[1:3].node is u[1:-2].node
    assert (u + 1).node is (1 + u).node
    assert np.roll(u, 1, 0).node is np.roll(u, -4, 0).node
    assert (u[::2] * np.arange(4.0)).node is (np.arange(4) * u[0:5:2]).node
    assert u.T.T.node is u.node
    assert u.ravel()[3:7].node is not u.ravel()[3:8].node
    assert (u[1:3] + 0).node is u.reshape(20).reshape(5, 4)[1:3].node
    before = len(graph)
    _ = u[1:3].node, (u + 1).node, np.roll(u, 1, 0).node
    assert len(graph) == before


def test_a_chain_of_operations_is_one_formula() -> None:
    graph, u = traced((6,))
    formula = ((u[2:] - 2 * u[1:-1] + u[:-2]) / 0.5**2 * np.sin(u[1:-1])).node
    assert isinstance(formula, Elementwise)
    views = [atom for atom in graph.atoms(formula) if isinstance(atom, View)]
    assert len(views) == len(graph.atoms(formula)) == 3
    assert {view.region.flat()[0] for view in views} == {0, 1, 2}
    left, middle, right = (graph.term(u[i : i + 4].node) for i in range(3))
    assert formula.term is (right - 2 * middle + left) / 0.25 * sn.sin(middle)


def test_slices_read_through_what_was_put_together() -> None:
    _, u = traced((6,))
    assert node(np.concatenate([u, u * 2])[:6]) is u.node
    assert node(np.pad(u, 2)[2:-2]) is u.node
    assert node(np.pad(u, 2)[:2]) is node(np.zeros_like(u)[:2])
    assert node(np.stack([u, u**2], axis=1)[:, 0]) is u.node
    du = np.zeros_like(u)
    du[1:-1] = u[2:]
    assert du[1:4].node is u[2:5].node
    du[2] = 1.0
    assert isinstance(du[1:4].node, View) and isinstance(du[1:4].node.source, Assembly)


@pytest.mark.parametrize(
    "step", [lambda v: v + 0.001 * np.sin(v), lambda v: np.abs(v - 0.001) + 0.5 * np.minimum(v, 0.5)]
)
def test_code_of_a_loop_grows_with_its_steps_only(step: Any) -> None:
    def loop(steps: int) -> Any:
        def f(t: float, u: Any) -> Any:
            for _ in range(steps):
                u = step(u)
            return u

        return f

    u0 = np.linspace(0.1, 1.0, 5)
    operations = []
    for steps in (100, 200, 400):
        system = trace(loop(steps), u0)
        program = system.compile("numpy")._program
        operations.append(sum(kernel.function.operations for kernel in program._kernels if kernel))
        slope = (loop(steps)(0.0, u0 + 1e-7) - loop(steps)(0.0, u0 - 1e-7)) / 2e-7
        np.testing.assert_allclose(system.compile("numpy").jacobian(0.0, u0).diagonal(), slope, rtol=1e-6)
    assert operations[2] < 2.2 * operations[1] < 4.84 * operations[0] < 4.84 * 100 * 12


def test_constants_that_differ_in_one_entry_are_two_nodes() -> None:
    graph, u = traced((1000,))
    a, b = np.arange(1000.0), np.arange(1000.0)
    b[777] = -1.0
    assert graph.constant(a) is graph.constant(a.copy()) is not graph.constant(b)
    nan, zero = np.where(a > 500, np.nan, a), np.where(a > 0, a, -0.0)
    assert graph.constant(nan) is graph.constant(nan.copy())
    assert graph.constant(zero) is not graph.constant(a)
    A, B = np.diag(a), np.diag(b)
    assert (A @ u).node is (A.copy() @ u).node is not (B @ u).node
    again = pickle.loads(pickle.dumps(graph))
    assert again.constant(b).index == graph.constant(b).index != again.constant(a).index


def test_constant_arrays_fold() -> None:
    graph, u = traced((4,))
    assert (u * np.full(4, 3)).node.term is 3 * graph.term(u.node)
    assert node(np.concatenate([np.zeros(2), u])[:1]).term is sn.number(0)
    assert graph.constant(np.arange(4.0)) is graph.constant(np.arange(4))
    assert graph.view(graph.constant(np.arange(4.0)), Strided(1, (2,), (2,))) is graph.constant(
        np.array([1.0, 3.0])
    )


def test_numbers_read_from_an_array_do_not_change() -> None:
    def f(t: float, u: Any) -> Any:
        u = u.copy()
        first = u[0]
        kept = first
        first += 1.0
        u[0] = 5.0
        view = u[1:]
        u[1] = kept
        return np.stack([first, kept, u[0], view[0]])

    system = trace(f, np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(
        system.compile("numpy").rhs(0.0, np.array([7.0, 2.0, 3.0, 4.0])), [8.0, 7.0, 5.0, 7.0]
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "roll",
                "slice",
                "write",
                "pad",
                "square",
                "flip",
                "transpose",
                "stack",
                "gather",
                "mean",
                "in_place",
                "mask",
            ]
        ),
        st.integers(-3, 3),
        st.integers(0, 1),
    ),
    max_size=7,
)


def apply_step(a: Any, name: str, k: int, axis: int) -> Any:
    n, m = a.shape
    if name == "roll":
        return np.roll(a, k, axis)
    if name == "slice":
        return a[abs(k) % n :, :: (-1 if k < 0 else 1)]
    if name == "write":
        b = np.zeros_like(a)
        b[k % n] = a[0] * 2
        b[:, axis % m] += a[:, -1]
        return b - a
    if name == "pad":
        return np.pad(a, ((abs(k), 1), (0, axis)), mode=("edge", "wrap", "symmetric", "constant")[k % 4])
    if name == "square":
        return a * a - k
    if name == "flip":
        return np.flip(a, axis)
    if name == "transpose":
        return a.T
    if name == "stack":
        return np.concatenate([a, a[:1] * k], axis=0)
    if name == "gather":
        return a[[k % n, 0, -1]]
    if name == "mean":
        return a - a.mean(axis, keepdims=True)
    if name == "in_place":
        b = a.copy()
        b[::2] *= 3.0
        return b
    return np.where(a > 0.25 * k, a, -a)


@given(STEPS)
def test_random_programs_equal_numpy(steps: list[tuple[str, int, int]]) -> None:
    def f(t: float, u: Any) -> Any:
        a = u
        for step in steps:
            a = apply_step(a, *step)
        return u * np.sum(a) + a[0, 0]

    u = np.random.default_rng(5).normal(size=(3, 4))
    system = trace(f, u, check=False)
    wanted = f(0.0, u)
    np.testing.assert_allclose(
        system.compile("numpy").rhs(0.0, u), wanted, rtol=0, atol=1e-12 * (1 + np.abs(wanted).max())
    )
