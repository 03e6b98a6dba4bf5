"""Solvers that make buffers by np.zeros, or call math, trace as they are: other functions stand in their place."""

from __future__ import annotations

import functools
import math
import math as mathematics
import types
from math import sqrt
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from numpy import zeros

from symnum.pde import TraceError, trace
from symnum.pde.rebinding import rebound

U = np.random.default_rng(12).random((5, 6))


def slices_of_zeros(t, u):
    du = np.zeros(u.shape)
    du[1:-1] = u[2:] - u[:-2]
    du[0] += 3.0
    return du


def empty_and_full(t, u):
    a, b, c = np.empty(u.shape), np.full((5, 6), 2.0), np.ones((5, 6), dtype=np.float32)
    a[...] = u
    b[:, 0] = u[:, 1]
    c[1] *= u[1]
    d = np.full((5, 6), u[0, 0])
    return a * b + c + d + np.full_like(a, 0.5)


def imported_names(t, u):
    du = zeros((5, 6))
    du[:, 1:] = u[:, :-1] * sqrt(2.0) * mathematics.exp(-t)
    return du


def arrays_of_entries(t, u):
    return (
        np.array([[u[0, 0], 1.0], [t, u[1, 1]]]) @ np.asarray([u[0], u[1]])
        + np.asarray(u)[:2]
        - np.array(u)[2:4]
    )


def in_place_on_real_memory(t, u):
    total = np.ones((5, 6))
    total += u
    np.multiply(u, 2.0, out=total[...])
    np.add(total, u, out=total)
    return total


def like_a_constant(t, u):
    x = np.linspace(0.0, 1.0, 6)
    du = np.zeros_like(x)
    du[1:] = u[0, 1:]
    copied = np.copy(x)
    copied[0] = u[1, 1]
    return du * copied


def functions_of_math(t, u):
    k = (
        math.sin(t)
        + math.pow(t, 2)
        + math.log(t + 1.0, 2.0)
        + math.atan2(t, 1.0)
        + math.log(2.0)
        + math.hypot(t, 1.0)
    )
    return u * k + math.fabs(math.floor(t))


def numbers_from_buffers(t, u):
    # a buffer that is only ever filled with numbers serves where numbers are needed
    A, first = np.zeros((5, 5)), np.zeros(6)
    first[1:] = u[0, 1:]
    for i in range(5):
        A[i, i] = 2.0
        if i:
            A[i, i - 1] = A[i - 1, i] = -1.0
    x = np.linalg.solve(A, np.ones(5))
    factor, _ = scipy.linalg.cho_factor(A)
    counts = np.zeros(3, dtype=int)
    counts[int(A[0, 0])] = 1
    scale = float(A[0, 0]) if A[1, 0] < 0 else 0.0
    return scale * (A @ u) + x[:, None] * factor[0, 0] * counts.sum() + np.median(A) * u * first


def helper(u: Any) -> Any:
    out = np.zeros(u.shape)
    out[:, ::2] = u[:, ::2]
    return out


def behind_a_helper(t, u, power=helper):
    return helper(u) * power(u) * inner()(u)


def inner() -> Any:
    def f(u: Any) -> Any:
        return recursive(u, 2)

    return f


def recursive(u: Any, depth: int) -> Any:
    out = np.zeros(u.shape)
    out[0] = u[0] * depth
    return out + (recursive(u, depth - 1) if depth else 0.0)


SOLVERS = [
    slices_of_zeros,
    empty_and_full,
    imported_names,
    in_place_on_real_memory,
    functions_of_math,
    numbers_from_buffers,
    behind_a_helper,
]


@pytest.mark.parametrize("f", SOLVERS, ids=lambda f: f.__name__)
def test_untouched_solvers_trace(f: Any) -> None:
    def whole(t, u):
        return u * np.sum(f(t, u) * np.cos(np.arange(6.0)))

    system = trace(whole, U)
    assert system.why.startswith(
        "traced as whole arrays, with traced buffers in place of those that np.zeros"
    )
    for t in (0.3, 1.7):
        wanted = whole(t, U + t)
        np.testing.assert_allclose(
            system.compile("numpy").rhs(t, U + t), wanted, rtol=0, atol=1e-13 * np.abs(wanted).max()
        )


def test_methods_partials_and_objects() -> None:
    class Model:
        scale = 2.0

        def rhs(self, t, u):
            return slices_of_zeros(t, u) * self.scale

        def __call__(self, t, u):
            return self.rhs(t, u)

        def step(self, u):
            out = np.zeros(u.shape)
            out[0] = u[0]
            return out

    class Special(Model):
        def rhs(self, t, u):
            return super().rhs(t, u) + self.step(u)

    model, special = Model(), Special()
    scaled = functools.partial(lambda k, t, u: k * slices_of_zeros(t, u), 2.0)
    for f in (model.rhs, scaled, model, lambda t, u: model(t, u), special.rhs):
        np.testing.assert_array_equal(trace(f, U).compile("numpy").rhs(0.0, U), f(0.0, U))
    assert type(model) is Model and not vars(model)


def test_nothing_outside_is_changed() -> None:
    before = dict(globals())
    trace(slices_of_zeros, U)
    assert globals() == before and np.zeros is zeros and type(slices_of_zeros(0.0, U)) is np.ndarray


def test_a_refusal_behind_the_buffer_is_the_one_that_is_told() -> None:
    def f(t, u):
        du = np.zeros(u.shape)
        du[0] = u[0]
        if u[0, 0] > 0:
            du[0] = 0
        return du

    with pytest.raises(TraceError, match=r"'if u\[0, 0\] > 0:'.*np\.where"):
        trace(f, U)


def test_objects_that_cannot_be_copied_stay_as_they_are() -> None:
    class Stubborn:
        def __copy__(self) -> Any:
            raise TypeError("one of a kind")

        def scale(self, u: Any) -> Any:
            return 2.0 * u

    stubborn = Stubborn()

    def f(t, u):
        du = np.zeros(u.shape)
        du[0] = u[0]
        return stubborn.scale(du)

    np.testing.assert_array_equal(trace(f, U).compile("numpy").rhs(0.0, U), f(0.0, U))


def test_objects_that_hold_numpy() -> None:
    class Space:
        def __init__(self) -> None:
            self.xp = np

    space = Space()

    def f(t, u):
        du = space.xp.zeros(u.shape)
        du[0] = u[0]
        return du

    np.testing.assert_array_equal(trace(f, U).compile("numpy").rhs(0.0, U), f(0.0, U))


def test_rebinding_leaves_functions_that_name_nothing_as_they_are() -> None:
    def plain(a: float) -> float:
        return a + 1

    assert rebound(plain, lambda value: value) is plain
    assert rebound(len, lambda value: value) is len

    def late() -> Any:
        return later  # an empty cell when it is looked at

    found = rebound(late, lambda value: types.SimpleNamespace() if value is math else value)
    assert found is late
    later = 1
    assert late() == later
