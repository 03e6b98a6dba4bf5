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
    "max": lambda u: np.max(u) * u.max(axis=1, keepdims=True) + np.amax(u, axis=0),
    "min and ptp": lambda u: (
        np.min(u, axis=(0, 1)) + u.min(0, initial=-0.5) + np.ptp(u, axis=1, keepdims=True)
    ),
    "CFL": lambda u: u / np.max(np.abs(u)),
    "any and all": lambda u: (
        np.where((u > 1).any(axis=0) & ~np.all(u > 0, axis=1, keepdims=True), u, -u) + np.any(u) * 1.0
    ),
    "var and std": lambda u: np.var(u) + u.std(axis=1, ddof=1, keepdims=True) * u.var(0),
    "prod": lambda u: np.prod(u, axis=1, keepdims=True) + u[:3].prod(axis=0) + u[:1].prod(),
    "average": lambda u: (
        np.average(u) + np.average(u, axis=1, weights=V) @ u + np.average(u, weights=np.abs(U))
    ),
    "count_nonzero": lambda u: u * np.count_nonzero(u > 0, axis=0),
    "cumsum": lambda u: np.cumsum(u, axis=1) + np.cumsum(u).reshape(4, 6) + u.cumsum(0),
    "cumprod": lambda u: np.cumprod(u, axis=0) + np.cumulative_sum(u, axis=1, include_initial=True)[:, 1:],
    "norms": lambda u: (
        np.linalg.norm(u)
        + np.linalg.norm(u, axis=1, keepdims=True)
        + np.linalg.norm(u[0], 1)
        + np.linalg.norm(u, np.inf, axis=0)
        + np.linalg.norm(u[1], 3)
        + np.linalg.norm(u, "fro")
    ),
    "trace": lambda u: np.trace(u) + u[:, 1:].trace(1),
    "reduce": lambda u: (
        np.maximum.reduce(u) + np.minimum.reduce(u, axis=1, keepdims=True) + np.multiply.reduce(u, axis=None)
    ),
    "accumulate": lambda u: np.add.accumulate(u) + np.maximum.accumulate(u, axis=1),
    "ufunc outer": lambda u: np.subtract.outer(u[0], V) + np.multiply.outer(V, u[1, :3]).sum(),
    "einsum matrix": lambda u: np.einsum("ij,jk->ik", U.T, u) + np.einsum("jk,ji->ik", u, U),
    "einsum without arrow": lambda u: np.einsum("ij,kj", U, u) + np.einsum("ji", u @ U.T),
    "einsum of traced": lambda u: np.einsum("ij,ij->j", u, u) + np.einsum("ij,kj->ik", u, u).sum(),
    "einsum three": lambda u: np.einsum("ij,kj,kl->il", u, U, U) + np.einsum("i,ij,j->", U[:, 0], u, V),
    "einsum batch": lambda u: (
        np.einsum("ij,ij->ij", U, u) + np.einsum("ij,j->ij", u, V) + np.einsum("i...,i...->...", u, U)
    ),
    "einsum diagonal": lambda u: np.einsum("ii->i", u[:, :4]) + np.einsum("ii", u[:, 2:]),
    "einsum ellipsis": lambda u: np.einsum("...j,jk->...k", u, U.T) + np.einsum("ij->...ij", u)[:, :4],
    "tensordot": lambda u: (
        np.tensordot(U, u, axes=([1], [1]))
        + np.tensordot(u, U, axes=((0, 1), (0, 1)))
        + np.tensordot(u, U.T, 1)
    ),
    "kron": lambda u: np.kron(U[:2, :2], u) + np.kron(u, U[:2, :2]) + np.kron(u[:1], np.ones((8, 2))),
    "kron of matrices": lambda u: (np.kron(np.eye(4), np.diag(V)) @ u.ravel()).reshape(4, 6),
    "inner and vdot": lambda u: np.inner(u, U) + np.vdot(u, U),
    "dot of many axes": lambda u: np.dot(u, np.ones((2, 6, 3))).sum(axis=1),
    "cross": lambda u: np.cross(u[:, :3], U[:, 3:]) + np.cross(u[:3], V[:3], axisa=0)[:4],
    "convolve": lambda u: (
        np.convolve(u[0], [1.0, -2.0, 1.0], "same")
        + np.convolve([0.5, 1.0], u[1], "valid").sum()
        + np.convolve(u[2], u[3, :3])[:6]
    ),
    "convolve even": lambda u: np.convolve(u[0], [1.0, -2.0], "same") + np.correlate(u[1], V[:2], "same"),
    "interp": lambda u: np.interp([0.5, 2.0, -1.0, 7.0, 3.3], V, u[0]),
    "polyval": lambda u: np.polyval([1.0, -2.0, 0.5], u),
    "gradient at points": lambda u: (
        np.gradient(u, V**2 + V, axis=1) + np.gradient(u, [0.0, 1.0, 3.0, 3.5], axis=0, edge_order=2)
    ),
    "ediff1d": lambda u: np.ediff1d(u, to_begin=1.0, to_end=[2.0, 3.0]),
    "append and block": lambda u: (
        np.append(u, U[:, :1], axis=1)[:, 1:]
        + np.block([[u[:2, :3], U[:2, 3:]], [np.zeros((2, 3)), u[2:, :3]]])
    ),
    "append flat": lambda u: np.append(u, 3.0),
    "block of vectors": lambda u: np.block([u[0], 1.0, u[1]]),
    "meshgrid": lambda u: sum(np.meshgrid(u[0], u[1])) + np.meshgrid(u[0], V, indexing="ij", sparse=True)[0],
    "broadcast_arrays": lambda u: np.broadcast_arrays(u, u[:, :1])[1],
    "piecewise": lambda u: (
        np.piecewise(u, [u < 0, u > 1], [lambda x: x**2, 3.0, lambda x: -x]) + np.piecewise(u, [u > 0], [1.0])
    ),
    "nan_to_num": lambda u: np.nan_to_num(np.where(u > 0, np.sqrt(abs(u)), np.nan), nan=-1.0),
    "isclose": lambda u: np.where(np.isclose(u, U, atol=0.1), u, -u),
    "rounding": lambda u: (
        np.round(u, 1) + np.rint(u * 2) + np.trunc(u) * u + np.fix(u) + u.round() + np.around(100 * u, -1)
    ),
    "rounding of halves": lambda u: np.rint(
        np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994]) + 0 * u
    ),
    "sinc": lambda u: np.sinc(u) + np.sinc(0 * u),
    "tril and triu": lambda u: np.tril(u) + np.triu(u, 2),
    "compress and extract": lambda u: (
        np.compress(V > 2, u, axis=1).sum(1) + np.extract(U > 0, u)[:4] + u.compress([1, 0, 1], axis=0)[0, :4]
    ),
    "take_along_axis": lambda u: np.take_along_axis(u, np.argsort(U, axis=1), axis=1),
    "fmax and fmin": lambda u: np.fmax(u, np.where(U > 0, np.nan, 0.1)) + np.fmin(u, 0.2),
    "fmod, divmod and modf": lambda u: (
        np.fmod(u, 0.3) + np.divmod(u, 0.7)[0] + np.divmod(u, 0.7)[1] + np.modf(u)[0]
    ),
    "logaddexp2": lambda u: np.logaddexp2(u, 0.5),
    "arithmetic of conditions": lambda u: (
        ((u > 0) + (u < 1)) * u + ((u > 0) * (u < 1)) * 2.0 + np.maximum(u > 0, u < -1) * u
    ),
    "mask buffers": lambda u: masked(u),
    "putmask and diagonal": lambda u: put(u),
    "linalg namesakes": lambda u: (
        np.linalg.outer(u[0], V) + np.linalg.vecdot(u[0], V) + np.linalg.matmul(np.ones((6, 4)), u)
    ),
    "parts": lambda u: u.real + u.imag + u.conj() + np.conjugate(u) + u.mT.T,
    "split by places": lambda u: (
        np.split(u, [1, 3])[1] + np.vsplit(u, 2)[0] + np.concatenate(np.unstack(u, axis=1)[:3]).sum()
    ),
    "vecmat and matvec": lambda u: np.vecdot(u, U)[:, None] * u,
    "out and where": lambda u: (
        np.divide(1.0, u, out=np.zeros_like(u), where=U > 0.2)
        + np.sqrt(u, out=np.ones_like(u), where=u > 0)
        + np.sum(u, where=U > 0, initial=2.0)
        + np.mean(u, axis=0, where=U > -1)
    ),
    "asarray like": lambda u: np.asarray(u, like=u),
}


def masked(u: Any) -> Any:
    mask = np.zeros_like(u, dtype=bool)
    mask[1:, ::2] = True
    mask[0] = u[0] > 0
    return np.where(mask & ~(u > 1), u, 0.0) + np.where(np.concatenate([mask[:2], u[2:] > 0.5]), u, 1.0)


def put(u: Any) -> Any:
    a = u.copy()
    np.putmask(a, U > 0, 0.5)
    np.fill_diagonal(a, 2.0)
    a.T[1] = u[:, 0]
    return a


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
    homes = {name: np.linalg if name.startswith("linalg.") else np for name in known_functions()}
    absent = {name for name, home in homes.items() if not hasattr(home, name.removeprefix("linalg."))}
    assert absent <= {
        "trapz",
        "unstack",
        "cumulative_sum",
        "concat",
        "permute_dims",
    }  # they came, or went, with a version of NumPy
