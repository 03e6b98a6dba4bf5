"""NumPy's functions on traced arrays: same values, same shapes, same mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.pde import TraceError, trace
from symnum.pde.array_functions import known_functions

U = np.random.default_rng(4).normal(size=(4, 6))
V = np.arange(6.0)

CALLS: dict[str, Callable[[Any], Any]] = {
    "pad wider than the array": lambda u: np.pad(u, ((9, 5), (0, 13)), mode="wrap"),
    "pad reflect several times": lambda u: np.pad(u, 11, mode="reflect"),
    "pad symmetric several times": lambda u: np.pad(u, ((0, 11), (13, 0)), mode="symmetric"),
    "pad by dict": lambda u: np.pad(u, {-1: (1, 2)}, mode="edge"),
    "pad with numbers per side": lambda u: np.pad(
        u, ((1, 2), (3, 1)), constant_values=((1.0, 2.0), (1.0, -1.0))
    ),
    "pad with numbers, the first repeated": lambda u: np.pad(
        u, ((2, 1), (1, 2)), constant_values=((0.5, 2.0), (0.5, 0.5))
    ),
    "pad nothing": lambda u: np.pad(u, 0, mode="edge"),
    "roll over both axes": lambda u: np.roll(u, (1, -8), axis=(0, 1)),
    "roll twice over one axis": lambda u: np.roll(u, (1, 3), axis=(1, 1)),
    "roll flat": lambda u: np.roll(u, 5),
    "gradient": lambda u: np.gradient(u, 0.5, axis=1),
    "gradient of second order": lambda u: np.gradient(u, 0.5, axis=0, edge_order=2),
    "gradients": lambda u: np.stack(np.gradient(u, 0.5, 2.0)),
    "diff": lambda u: np.diff(u, n=2, axis=0),
    "diff with ends": lambda u: np.diff(u, axis=1, prepend=0.0, append=u[:, :2]),
    "trapezoid of steps": lambda u: np.trapezoid(u, dx=0.25, axis=0),
    "trapezoid of points": lambda u: np.trapezoid(u, V**2, axis=1),
    "sum of all": lambda u: np.sum(u),
    "sum of axes": lambda u: u.sum(axis=(0, -1), keepdims=True),
    "np.add.reduce": lambda u: np.add.reduce(u),
    "mean": lambda u: u.mean(-1),
    "sum of a condition": lambda u: (u > 0).sum(axis=0),
    "sum of a constant": lambda u: np.sum(np.ones_like(u) * 2, axis=1),
    "dstack": lambda u: np.dstack([u, u**2]),
    "hstack of vectors": lambda u: np.hstack([u[0], [1.0, 2.0], u[:, 1]]),
    "vstack with constants": lambda u: np.vstack([u, V, np.zeros((2, 6))]),
    "column_stack": lambda u: np.column_stack([u[0], V]),
    "stack of numbers": lambda u: np.stack([u[0, 0], 2.0, u[1, 1]]),
    "concatenate flat": lambda u: np.concatenate([u, u.T], axis=None),
    "nested lists": lambda u: u[:2, :2] * [[u[0, 0], 1.0], [2.0, u[1, 1]]],
    "splits": lambda u: np.array_split(u, 4, axis=1)[1] * np.hsplit(u, 3)[0],
    "arguments by name": lambda u: np.stack(
        arrays=[np.repeat(u[:3], axis=0, repeats=2)[:, :4], np.roll(a=u.T, shift=1, axis=0)]
    ),
    "tile": lambda u: np.tile(u, (2, 1, 2)),
    "repeat": lambda u: np.repeat(u, [1, 0, 2, 3], axis=0),
    "take": lambda u: np.take(u, [5, 0], axis=1),
    "take flat": lambda u: u.take([5, 0, 23]),
    "delete": lambda u: np.delete(u, 2, axis=1),
    "diagonal": lambda u: np.diagonal(u, 1),
    "rot90": lambda u: np.rot90(u, 3),
    "rollaxis and moveaxis": lambda u: np.moveaxis(np.rollaxis(u[None], 2), 0, -1),
    "atleast": lambda u: np.atleast_3d(u),
    "newaxis and ellipsis": lambda u: u[..., None, ::-2][1:, :],
    "integers of NumPy": lambda u: u[np.int64(1), :: np.int64(2)],
    "constant mask": lambda u: u[U > 0],
    "constant rows and columns": lambda u: u[[0, 2], [1, 5]],
    "np.ix_": lambda u: u[np.ix_([3, 0], [1, 2])],
    "reshape in Fortran order": lambda u: u.reshape(3, 8, order="F"),
    "reshape of a transpose": lambda u: u.T.reshape(-1, 8),
    "ravel of a slice": lambda u: u[:, 1:4].ravel(),
    "flatten": lambda u: u.flatten("F"),
    "squeeze": lambda u: u[1:2].squeeze() + np.squeeze(u[:1, None], axis=1)[0],
    "expand and broadcast": lambda u: np.broadcast_to(np.expand_dims(u, 1), (4, 3, 6)),
    "select": lambda u: np.select([u > 1, u > 0], [u, u**2], default=-1.0),
    "where with a constant condition": lambda u: np.where(U > 0, u, 0.0),
    "where of conditions": lambda u: np.where(np.where(u > 0, u < 1, u > -1), u, 0.0),
    "isfinite": lambda u: np.where(np.isfinite(1 / u) & ~np.isnan(u) & ~np.isinf(u), u, 0.0),
    "logical": lambda u: np.logical_and(u > 0, np.logical_not(u > 1)) * 1.0 + ((u > 0) ^ (u < 1)) * u,
    "clip of one side": lambda u: np.clip(u, None, 0.5) + u.clip(min=0.0),
    "matmul with vectors": lambda u: (np.arange(4.0) @ u) @ V + u @ V,
    "matmul of traced vectors": lambda u: u[0] @ u[1] + np.vdot(u[2], u[3]) + np.inner(u[0], V),
    "matmul of traced matrices": lambda u: u @ u.T,
    "vector times traced matrix": lambda u: u[:, 0] @ u,
    "outer": lambda u: np.outer(u[0], V),
    "dot of a number": lambda u: np.dot(2.0, u),
    "matrix of integers": lambda u: np.eye(4, dtype=int) @ u,
    "large sparse dense matrix": lambda u: (np.eye(80, 6) @ u.T) + (u @ np.eye(6, 80)).T,
    "full_like": lambda u: np.full_like(u, 3.0) * np.ones_like(u) + np.full_like(u, u[0, 0]),
    "zeros of another shape": lambda u: np.concatenate(
        [np.zeros_like(u, shape=(2, 6)), np.ones(6, like=u)[None], u]
    ),
    "copyto": lambda u: copied_to(u),
    "user operators": lambda u: np.logaddexp(0.0, u),
    "astype": lambda u: u.astype(float) + (u > 0).astype(np.float64) + np.abs((u > 0).astype(bool) * u),
    "in-place operators": lambda u: in_place(u),
    "asarray like": lambda u: np.asarray(u, like=u),
}


def copied_to(u: Any) -> Any:
    du = np.zeros_like(u)
    np.copyto(du, u * 2, where=U > 0)
    np.copyto(du[0], 1.0)
    return du


def in_place(u: Any) -> Any:
    a = u.copy()
    a += 1
    a[1] -= u[0]
    a[:, 1:3] *= 2
    a /= 4
    a **= 2
    np.multiply(a[0], 3.0, out=a[1])
    np.sum(u, axis=0, out=a[2])
    a[3].fill(5.0)
    return a


@pytest.fixture(scope="module", autouse=True)
def softplus() -> None:
    sn.register_operator(
        "softplus2_test",
        2,
        ("exp(a)/(exp(a) + exp(b))", "exp(b)/(exp(a) + exp(b))"),
        numpy="numpy.logaddexp({0}, {1})",
    )


@pytest.mark.parametrize("what", CALLS)
def test_values_and_derivatives_are_those_of_numpy(what: str) -> None:
    call = CALLS[what]
    shapes: list[tuple[int, ...]] = []

    def f(t: float, u: Any) -> Any:
        result = call(u)
        shapes.append(np.shape(result))
        weights = np.cos(np.arange(np.size(result))).reshape(np.shape(result))
        return u * np.sum(weights * result)  # every entry of the result counts, each with a weight of its own

    system = trace(f, U)
    assert len(set(shapes)) == 1
    compiled = system.compile("numpy")
    np.testing.assert_allclose(
        compiled.rhs(0.0, U), f(0.0, U), rtol=0, atol=1e-12 * (1 + np.abs(f(0.0, U)).max())
    )
    direction = np.random.default_rng(6).normal(size=U.shape)
    change = (f(0.0, U + 1e-6 * direction) - f(0.0, U - 1e-6 * direction)) / 2e-6
    found = (compiled.jacobian(0.0, U) @ direction.reshape(-1)).reshape(U.shape)
    np.testing.assert_allclose(found, change, rtol=0, atol=1e-7 * (1 + np.abs(change).max()))


def test_questions_about_the_shape_have_answers() -> None:
    answers: list[Any] = []

    def f(t: Any, u: Any) -> Any:
        answers.append(
            (
                np.shape(u),
                np.ndim(u),
                np.size(u),
                np.size(u, 1),
                len(u),
                u.size,
                u.ndim,
                u.dtype,
                (u > 0).dtype,
            )
        )
        answers.append(
            (
                np.iscomplexobj(u),
                np.isrealobj(u),
                np.real(u).shape,
                u.real.shape,
                u.T.shape,
                np.ndim(t),
                t.shape,
            )
        )
        answers.append(repr(u))
        return u

    trace(f, U, check=False)
    assert answers[0] == ((4, 6), 2, 24, 6, 4, 24, 2, np.dtype(float), np.dtype(bool))
    assert answers[1] == (False, True, (4, 6), (4, 6), (6, 4), 0, ())
    assert answers[2] == "TracedArray(shape=(4, 6), dtype=float64)"


def test_mistakes_are_numpys() -> None:
    for call, error in (
        (lambda u: u.reshape(5, 5), ValueError),
        (lambda u: u[0, 0, 0], IndexError),
        (lambda u: np.sum(u, axis=2), IndexError),
        (lambda u: np.concatenate([u, u.T]), ValueError),
        (lambda u: u @ u, ValueError),
        (lambda u: u[0, 0] @ u, ValueError),
        (lambda u: len(u[0, 0]), TypeError),
        (lambda u: u.swapaxes(0, 2), ValueError),
    ):
        with pytest.raises(error):
            trace(lambda t, u, call=call: call(u), U)


def test_a_loop_over_few_entries_unpacks() -> None:
    system = trace(lambda t, u: np.stack([row * k for k, row in enumerate(u)]), U)
    np.testing.assert_array_equal(system.compile("numpy").rhs(0.0, U), U * np.arange(4.0)[:, None])
    with pytest.raises(TraceError, match="traced scalar cannot be iterated"):
        trace(lambda t, u: list(t), U)


def test_known_functions_are_numpys() -> None:
    assert {"roll", "pad", "where", "stack", "sum"} <= set(known_functions())
    assert all(hasattr(np, name) for name in known_functions() if name != "unstack")
