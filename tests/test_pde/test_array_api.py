"""Code of the array API standard traces as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symnum.pde import trace

U = np.random.default_rng(2).random((6, 4))


def namespace(x: Any) -> Any:
    """Return the namespace of an array as array-api-compat's array_namespace finds it."""
    return x.__array_namespace__(api_version="2024.12")


def laplacian(u: Any) -> Any:
    xp = namespace(u)
    out = xp.zeros(u.shape, dtype=u.dtype, device=u.device)
    out[1:-1, :] = u[2:, :] - 2 * u[1:-1, :] + u[:-2, :]
    return out


def standard(t: Any, u: Any) -> Any:
    xp = namespace(u)
    x = xp.linspace(0.0, 1.0, u.shape[1])
    total = xp.sum(u, axis=0, keepdims=True) / u.shape[0]
    wave = xp.concat([xp.sin(u[:3, :]), xp.exp(-u[3:, :])], axis=0) + xp.asarray(x) * xp.pi
    steps = xp.where(u > 0.5, u, xp.zeros_like(u)) + xp.astype(u > 0.2, u.dtype) * xp.full(u.shape, 2.0)
    flat = xp.reshape(xp.permute_dims(u, (1, 0)), (-1,))
    spread = xp.broadcast_to(xp.expand_dims(xp.max(u, axis=1), axis=1), u.shape)
    product = xp.matmul(xp.eye(6), u) + xp.matrix_transpose(xp.matmul(xp.matrix_transpose(u), xp.eye(6)))
    stacked = xp.asarray([[u[0, 0], 1.0], [2.0, u[1, 1]]])
    assert xp.isdtype(u.dtype, "real floating") and xp.result_type(u, xp.float32) == xp.float64
    assert xp.can_cast(u, xp.float64) and u.to_device("cpu") is u
    return (
        laplacian(u) + wave - total + steps + xp.reshape(flat, (4, 6)).T + spread + product + xp.sum(stacked)
        + xp.ones((6, 4)) * xp.cumulative_sum(u, axis=1) + xp.vecdot(u, u)[:, None]
    )  # fmt: skip


def test_standard_code_traces() -> None:
    system = trace(standard, U)
    assert system.why == "traced as whole arrays"
    wanted = standard(0.0, U)
    np.testing.assert_allclose(
        system.compile("numpy").rhs(0.0, U), wanted, rtol=0, atol=1e-13 * np.abs(wanted).max()
    )


def test_array_api_compat_finds_the_namespace() -> None:
    compat = pytest.importorskip(
        "sklearn.externals.array_api_compat", reason="scikit-learn carries a copy of array-api-compat"
    )

    def f(t: Any, u: Any) -> Any:
        xp = compat.array_namespace(u)
        return xp.sin(u) + xp.zeros_like(u)

    np.testing.assert_allclose(trace(f, U).compile("numpy").rhs(0.0, U), np.sin(U), rtol=1e-13)


def test_what_the_namespace_has_not() -> None:
    kept: list[Any] = []

    def f(t: Any, u: Any) -> Any:
        kept.append(u)
        return u

    trace(f, U, check=False)
    xp = namespace(kept[0])
    assert (
        repr(xp) == "<namespace of traced arrays, array API 2024.12>"
        and xp.__array_api_version__ == "2024.12"
    )
    with pytest.raises(AttributeError, match="namespace of traced arrays has no 'fourier'"):
        xp.fourier
    with pytest.raises(ValueError, match="device 'gpu' was asked for"):
        xp.zeros(3, device="gpu")
    with pytest.raises(ValueError, match="cannot move to 'gpu'"):
        kept[0].to_device("gpu")
    assert type(xp.zeros(3, dtype=int)) is np.ndarray  # whole numbers are no buffers for symbols
