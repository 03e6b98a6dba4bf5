"""What cannot be traced is refused with the user's line and the cure."""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.signal
import scipy.sparse as sp
import scipy.sparse.linalg
import scipy.spatial.distance

from symnum.pde import TraceError, trace

N = 120
Body = Callable[[Any, Any], Any]
KEPT = types.SimpleNamespace(np=np, math=math)
"""NumPy where no stand-in can take its place: as an attribute of an object."""


def assigned_to_zeros(t: Any, u: Any) -> Any:
    du = KEPT.np.zeros(N)
    du[1:-1] = u[2:] - u[:-2]
    return du


def entry_assigned_to_zeros(t: Any, u: Any) -> Any:
    du = KEPT.np.zeros(N)
    du[3] = u[4] - u[2]
    return du


def added_in_place(t: Any, u: Any) -> Any:
    total = KEPT.np.ones(N)
    total += u
    return total


def branches(t: Any, u: Any) -> Any:
    if u[0] > 1:
        return u
    return -u


def assigned_by_mask(t: Any, u: Any) -> Any:
    u[u > 0] = 0
    return u


REFUSED: dict[str, tuple[Body, tuple[str, ...]]] = {
    "slice of np.zeros": (assigned_to_zeros, ("'du[1:-1] = u[2:] - u[:-2]'", "shape (118,)", "np.zeros_like(u)")),
    "entry of np.zeros": (entry_assigned_to_zeros, ("'du[3] = u[4] - u[2]'", "np.zeros_like(u)")),
    "np.array of entries": (lambda t, u: KEPT.np.array([u[0], u[1]]), ("np.array([u[0], u[1]])", "np.stack")),
    "np.asarray": (lambda t, u: KEPT.np.asarray(u), ("np.asarray(u)", "cannot become an array of numbers")),
    "+= on a real array": (added_in_place, ("'total += u'", "np.add", "shape (120,)", "np.zeros_like(u)")),
    "out= of a ufunc": (lambda t, u: np.add(u, 1, out=KEPT.np.zeros(N)), ("np.add", "real array", "leave out=")),
    "out= of a function": (lambda t, u: np.sum(u, axis=0, out=KEPT.np.zeros(())), ("np.sum", "real array", "leave out= away")),
    "if": (branches, ("'if u[0] > 1:'", "truth", "np.where(condition, a, b)")),
    "while": (lambda t, u: u if not u.any() else -u, ("truth", "np.where")),
    "max of numbers": (lambda t, u: max(u[0], u[1]), ("truth", "np.maximum")),
    "math": (lambda t, u: u * KEPT.math.sin(t), ("math.sin(t)", "write np.sin instead of math.sin")),
    "float": (lambda t, u: u * float(u[0]), ("float(u[0])", "has no value yet")),
    "int": (lambda t, u: u * int(u[0]), ("int(u[0])", "np.floor")),
    "complex number": (lambda t, u: u * 1j, ("complex", "1j")),
    "complex": (lambda t, u: u * complex(t), ("real", "real and imaginary parts")),
    "complex array": (lambda t, u: u * (np.ones(N) * 1j), ("complex array", "real and imaginary parts")),
    "range": (lambda t, u: sum(range(u[0])), ("range(u[0])", "index or a size")),
    "mask": (assigned_by_mask, ("'u[u > 0] = 0'", "index", "np.where(condition, a, b)")),
    "index": (lambda t, u: u[u[0]], ("u[u[0]]", "index", "depend on data")),
    "slice bound": (lambda t, u: u[: u[0]], ("u[: u[0]]", "index")),
    "np.where of one": (lambda t, u: u[np.where(u > 0)], ("np.where with one argument", "np.where(condition, a, b)")),
    "u.item": (lambda t, u: u * u[0].item(), ("u.item", "one entry")),
    "u.tolist": (lambda t, u: u.tolist(), ("u.tolist", "array itself")),
    "in": (lambda t, u: u if 1.0 in u else -u, ("contains", "np.where")),
    "fft": (lambda t, u: np.fft.fft(u), ("np.fft.fft", "np.real(np.fft.ifft(", "D @ u")),
    "inverse fft": (lambda t, u: np.fft.irfft(np.fft.rfft(u)), ("np.fft.rfft", "D @ u")),
    "an unknown function": (lambda t, u: np.i0(u), ("np.i0 is not among", "known_functions()")),
    "np.linalg.solve": (lambda t, u: np.linalg.solve(np.eye(N), u), ("np.linalg.solve", "A_inv @ u")),
    "np.sort": (lambda t, u: np.sort(u), ("np.sort", "chosen by the values")),
    "u.argmax": (lambda t, u: u[u.argmax()], ("u.argmax", "np.where")),
    "maximum of chosen entries": (lambda t, u: np.max(u, where=u > 0, initial=0), ("np.max was given ['where']", "np.where(mask, u, 0)")),
    "norm of a matrix": (lambda t, u: np.linalg.norm(u.reshape(12, 10), 2), ("np.linalg.norm of order 2", "singular values")),
    "einsum by lists": (lambda t, u: np.einsum(u, [0]), ("np.einsum", "indices as lists", "as text")),
    "einsum of a sparse matrix": (lambda t, u: np.einsum("ij,j", sp.eye_array(N), u), ("np.einsum of a sparse", "sparse @ u")),
    "long convolution": (lambda t, u: np.convolve(u, np.ones(70)), ("70 slices", "toeplitz")),
    "np.interp at traced points": (lambda t, u: np.interp(u, [0.0, 1.0], [0.0, 2.0]), ("np.interp at points that are traced", "np.where")),
    "np.frompyfunc": (lambda t, u: np.frompyfunc(lambda x: x, 1, 1)(u), ("np.frompyfunc", "whole arrays")),
    "np.vectorize": (lambda t, u: np.vectorize(lambda x: x)(u), ("np.vectorize", "whole arrays")),
    "entries chosen by data": (lambda t, u: np.extract(u > 0, u), ("chosen by a traced condition", "np.where")),
    "np.add.at": (lambda t, u: np.add.at(u, [0], 1.0), ("np.add.at", "operators, slices")),
    "np.putmask of arrays": (lambda t, u: np.putmask(u, u > 0, u), ("np.putmask", "np.where(mask, values, a)")),
    "gradient with traced spacing": (lambda t, u: np.gradient(u, u), ("np.gradient was given spacings", "coordinates of the points")),
    "ufunc without a row": (lambda t, u: np.frexp(u)[0], ("np.frexp", "operator table", "register_operator('frexp'")),
    "ufunc method": (lambda t, u: np.arctan2.accumulate(u), ("np.arctan2.accumulate", "operators, slices")),
    "ufunc where=": (lambda t, u: np.sqrt(u, where=np.ones(N, bool)), ("where without out", "give out=", "np.where")),
    "loop": (lambda t, u: np.stack([x * x for x in u]), ("120 entries", "slices, such as u[2:]")),
    "scipy.ndimage": (lambda t, u: scipy.ndimage.laplace(u), ("ndimage.laplace(u)", "laplace takes numbers", "'symmetric' of np.pad")),
    "scipy.signal": (lambda t, u: scipy.signal.convolve(u, np.ones(3)), ("scipy.signal.convolve takes numbers", "np.convolve")),
    "scipy.fft": (lambda t, u: scipy.fft.dct(u), ("scipy.fft", "takes numbers", "D @ u")),
    "scipy.linalg": (lambda t, u: scipy.linalg.solve_banded((1, 1), np.ones((3, N)), u), ("scipy.linalg.solve_banded", "A_inv @ u")),
    "scipy.sparse.linalg": (lambda t, u: sp.linalg.spsolve(sp.eye_array(N, format="csc"), u), ("scipy.sparse.linalg", "A_inv @ u")),
    "scipy.interpolate": (lambda t, u: scipy.interpolate.make_interp_spline(np.arange(N), u)(0.5), ("scipy.interpolate", "np.interp")),
    "scipy.spatial": (lambda t, u: scipy.spatial.distance.pdist(u.reshape(12, 10)), ("scipy.spatial", "NumPy's own functions")),
    "sparse * u": (lambda t, u: u * sp.eye_array(N), ("np.multiply", "sparse @ u")),
    "astype": (lambda t, u: u.astype(int), ("astype('int64')", "np.floor")),
    "integer buffer": (lambda t, u: np.zeros_like(u, dtype=int), ("int64", "leave dtype away")),
    "bits": (lambda t, u: u ^ u, ("np.bitwise_xor", "(u > 0) & (u < 1)")),
    "text": (lambda t, u: u + "a", ("str 'a'", "use numbers")),
    "odd reflection": (lambda t, u: np.pad(u, 1, mode="reflect", reflect_type="odd"), ("np.pad", "reflect", "symmetric")),
    "pad by the mean": (lambda t, u: np.pad(u, 1, mode="mean"), ("np.pad", "'mean'", "edge")),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_name_the_line_and_the_cure(what: str) -> None:
    f, parts = REFUSED[what]
    with pytest.raises(TraceError) as caught:
        trace(f, np.linspace(-1.0, 1.0, N), scalars=False)
    message = str(caught.value)
    assert message.startswith("line ") and " of test_refusals.py, " in message
    for part in parts:
        assert part in message, message


def test_a_trace_error_is_a_type_error() -> None:
    assert issubclass(TraceError, TypeError)


RETURNED: dict[str, tuple[Body, str]] = {
    "nothing": (lambda t, u: None, "f returned None; .* 'return du'"),
    "another shape": (lambda t, u: u[1:], r"f returned shape \(5,\), but the state u0 has shape \(6,\)"),
    "another shape of equal size": (lambda t, u: u.reshape(2, 3), r"write return du.reshape\(\(6,\)\)"),
    "text": (lambda t, u: "du", "f returned str, but the time derivative is an array of shape"),
    "unwritten memory": (
        lambda t, u: np.full_like(u, np.nan) if not isinstance(u, np.ndarray) else u,
        "traced program and f differ",
    ),
}


@pytest.mark.parametrize("what", RETURNED)
def test_what_f_returns_is_checked(what: str) -> None:
    f, message = RETURNED[what]
    with pytest.raises(ValueError, match=message):
        trace(f, np.arange(6.0))


def test_shape_mistakes_stay_numpys_errors() -> None:
    u0 = np.arange(6.0)

    def too_long(t: Any, u: Any) -> Any:
        du = np.zeros_like(u)
        du[1:] = u
        return du

    with pytest.raises(ValueError, match="shape"):
        trace(too_long, u0)
    with pytest.raises(ValueError, match="shape"):
        trace(lambda t, u: u[1:] + u, u0)
    with pytest.raises(
        ValueError, match=r"matrix of shape \(5, 5\) on the left does not fit a traced array of shape \(6,\)"
    ):
        trace(lambda t, u: np.eye(5) @ u, u0)
    with pytest.raises(IndexError, match="out of bounds"):
        trace(lambda t, u: u[6] * u, u0)


def test_arrays_of_an_earlier_trace_are_refused() -> None:
    kept: list[Any] = []

    def f(t: Any, u: Any) -> Any:
        kept.append(u)
        return u + kept[0]

    trace(f, np.ones(3), check=False)
    with pytest.raises(TraceError, match="different traces"):
        trace(f, np.ones(3), check=False)


def test_random_numbers_and_hidden_state_are_found() -> None:
    generator = np.random.default_rng(0)
    calls: list[int] = []

    def counts(t: Any, u: Any) -> Any:
        calls.append(1)
        return u * len(calls)

    for f in (lambda t, u: u * generator.random(), counts):
        with pytest.raises(ValueError, match="two different results for the same t and u"):
            trace(f, np.ones(4))
    assert trace(counts, np.ones(4), check=False).shape == (4,)


def test_another_path_for_numbers_is_found() -> None:
    with pytest.raises(
        ValueError, match=r"differ at t = 0.25 in entry \(\d,\): .* was traced, but f gives .*isinstance"
    ):
        trace(lambda t, u: 2 * u if isinstance(u, np.ndarray) else u, np.ones(4))


def test_a_tie_at_the_initial_state_only_warns() -> None:
    # on a uniform state the flux is rounding alone, 5.6e-17 or 2.8e-17 as the sum is ordered; the trace has one order for both
    fluxes = (
        lambda a, b, c: 0.1 * a + 0.2 * b - 0.3 * c,
        lambda a, b, c: (0.1 * a - 0.3 * c) + 0.2 * b,
    )
    warned = 0
    for flux in fluxes:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trace(
                lambda t, u, flux=flux: np.where(flux(u, np.roll(u, 1), np.roll(u, 2)) > 4e-17, u, -u),
                np.ones(5),
            )
        warned += len(caught)
        assert all("at states near u0 they agree" in str(w.message) for w in caught)
    assert warned == 1


def test_states_are_checked() -> None:
    with pytest.raises(TypeError, match="complex128"):
        trace(lambda t, u: u, np.ones(3) * 1j)
    with pytest.raises(TypeError, match="states are real numbers"):
        trace(lambda t, u: u, ["a"])
    with pytest.raises(ValueError, match="nan or infinite"):
        trace(lambda t, u: u, [1.0, np.nan])


def test_repeated_entries_are_read_only() -> None:
    def f(t: Any, u: Any) -> Any:
        rows = np.broadcast_to(u, (3, 6))
        rows[0:2] = 1.0
        return rows[1]

    with pytest.raises(ValueError, match=r"read-only: entries of this array of shape \(2, 6\) are repeated"):
        trace(f, np.arange(6.0))


@pytest.mark.parametrize("scalars", [False, True])
def test_writing_into_the_state_is_told(scalars: bool) -> None:
    def f(t: Any, u: Any) -> Any:
        u[0] = 0.0
        return np.roll(u, 1) - u

    with pytest.warns(RuntimeWarning, match=r"f writes into the state u .*\s*u = u.copy\(\)") as caught:
        system = trace(f, np.arange(1.0, 7.0), scalars=scalars)
    assert caught[0].filename == __file__
    u = np.arange(2.0, 8.0)
    np.testing.assert_array_equal(system.compile("numpy").rhs(0.0, u), f(0.0, u.copy()))
    assert u[0] == 2.0
