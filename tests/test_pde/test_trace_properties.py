"""Random programs of NumPy: what is traced computes what NumPy computes, whatever is sliced, written, padded, rolled and reduced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from stencil_programs import stencil_program

from symnum.pde import trace
from symnum.pde.graph import Graph
from symnum.pde.program import ArrayProgram
from symnum.pde.traced import lift, wrap

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)


def numbers(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def traced_values(call: Any, u: Any) -> Any:
    """Return what ``call`` computes of a traced array of the shape of ``u``, at ``u``."""
    graph = Graph()
    node = lift(graph, call(wrap(graph, graph.input("u", u.shape))))
    return np.array(ArrayProgram(graph, [graph.numeric(node)], "numpy").run(0.0, u)[0]).reshape(node.shape)


def same(call: Any, u: Any) -> None:
    wanted = np.asarray(call(u.copy()), dtype=float)
    found = traced_values(call, u)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * (1 + np.abs(wanted).max(initial=0.0)))


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Draw an index: slices with any steps, whole numbers, new axes, lists and masks."""
    kind = draw(st.sampled_from(["basic", "basic", "basic", "list", "mask", "mixed"]))
    if kind == "basic":
        return draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=4))
    if kind == "mask":
        return draw(hnp.arrays(bool, shape))
    if kind == "list":
        return draw(hnp.integer_array_indices(shape))
    first = draw(st.lists(st.integers(-shape[0], shape[0] - 1), max_size=4))
    return (
        np.array(first, dtype=int),
        *(slice(None, None, draw(st.sampled_from([1, -1, 2]))) for _ in shape[1:]),
    )


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_reading(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    first = data.draw(indices(shape))
    inner = np.shape(numbers(shape)[first])
    second = data.draw(indices(inner)) if inner and np.prod(inner) else ...
    same(lambda u: (u * 2 + 1)[first][second] if inner else u[first], numbers(shape))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_writing(data: st.DataObject) -> None:
    # reads and writes of one buffer and of views of it, in the order of the statements
    shape = data.draw(SHAPES)
    steps = []
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(indices(shape))
        operation = data.draw(st.sampled_from(["=", "+=", "*=", "view", "copy"]))
        steps.append((index, operation, data.draw(st.booleans())))

    def call(u: Any) -> Any:
        buffer = np.zeros_like(u)
        whole = buffer.T if len(steps) % 2 else buffer
        kept = buffer[..., :1]
        for index, operation, scalar in steps:
            value = 3.0 if scalar else u[index] + 1
            if operation == "=":
                buffer[index] = value
            elif operation == "+=":
                buffer[index] += value
            elif operation == "*=":
                whole *= 2
                buffer[index] *= value
            elif operation == "view":
                view = buffer[index]
                view[...] = (
                    value  # a copy, where the index is a list or a mask; a number has no entries to write to
                )
            else:
                buffer = buffer.copy()
                buffer[index] -= value
        return buffer + 0.5 * np.sum(kept) + (whole.T if len(steps) % 2 else whole)

    def plain(u: Any) -> Any:
        try:
            return call(u)
        except TypeError:  # NumPy's numbers take no assignment
            return None

    u = numbers(shape)
    if plain(u) is not None:
        same(call, u)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_padding_rolling_and_joining(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    widths = [data.draw(st.tuples(st.integers(0, 6), st.integers(0, 6))) for _ in shape]
    mode: Any = data.draw(st.sampled_from(["constant", "edge", "wrap", "reflect", "symmetric"]))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    shift = data.draw(st.integers(-7, 7))
    places = sorted(data.draw(st.lists(st.integers(0, 6), max_size=3)))

    def call(u: Any) -> Any:
        padded = np.pad(u, widths, mode=mode)
        rolled = np.roll(padded, shift, axis)
        parts = np.split(rolled, places, axis)
        joined = np.concatenate([*parts[::-1], padded * 2], axis)
        return np.stack([joined, np.flip(joined, axis)], axis) * np.roll(joined, shift).max()

    same(call, numbers(shape))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_reducing(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    axes = data.draw(
        st.one_of(
            st.none(),
            st.integers(-len(shape), len(shape) - 1),
            st.sets(st.integers(0, len(shape) - 1)).map(tuple),
        )
    )
    keepdims = data.draw(st.booleans())
    name = data.draw(
        st.sampled_from(["sum", "mean", "var", "std", "prod", "max", "min", "any", "all", "ptp"])
    )
    threshold = data.draw(st.sampled_from([-2.0, 0.0, 2.0]))
    running = axes if isinstance(axes, int) else None

    def call(u: Any) -> Any:
        reduced = getattr(np, name)(
            u > threshold if name in ("any", "all") else u, axis=axes, keepdims=keepdims
        )
        return np.sum(np.cumsum(u, axis=running)) + reduced * 1.0

    same(call, numbers(shape))


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=60)
def test_products(seed: int) -> None:
    generator = np.random.default_rng(seed)
    letters = "abcd"
    sizes = dict(zip(letters, generator.integers(1, 4, 4), strict=True))
    operands = [
        "".join(generator.choice(list(letters), generator.integers(1, 4)))
        for _ in range(generator.integers(1, 4))
    ]
    used = sorted(set("".join(operands)))
    output = "".join(generator.permutation([c for c in used if generator.random() < 0.5]))
    arrays = [generator.normal(size=tuple(sizes[c] for c in names)) for names in operands]
    traced = int(generator.integers(len(operands)))

    def call(u: Any) -> Any:
        given = [
            u if i == traced or (i and operands[i] == operands[traced]) else a for i, a in enumerate(arrays)
        ]
        return np.einsum(f"{','.join(operands)}->{output}", *given)

    same(call, arrays[traced])


@pytest.mark.parametrize("seed", range(24))
def test_stencil_programs(seed: int) -> None:
    program = stencil_program(seed)
    generator = np.random.default_rng(seed + 1000)
    u = program.state(generator)
    system = trace(program, u, check=False)
    for t in (0.0, 0.4):
        u = program.state(generator)
        wanted = program(t, u)
        found = system.compile("numpy").rhs(t, u)
        np.testing.assert_allclose(
            found, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max(), err_msg=program.text
        )


@pytest.mark.parametrize("seed", range(8))
def test_stencil_programs_in_float32(seed: int) -> None:
    program = stencil_program(seed)
    u = program.state(np.random.default_rng(seed + 2000)).astype(np.float32)
    found = trace(program, u, check=False).compile("numpy").rhs(0.3, u)
    wanted = program(0.3, u)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-5 * np.abs(wanted).max(), err_msg=program.text)
