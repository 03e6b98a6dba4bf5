"""The parts of lowering to loops: affine indices and their cuts, matrices as bands, and the choice of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnum.pde.loops.affine import Affine, Cut, Fold, Interleave, SplitAt, unravel
from symnum.pde.loops.bands import bands
from symnum.pde.loops.choice import Choice, Patience
from symnum.pde.loops.matrices import gathered
from symnum.pde.nodes import Product


def positions(index: Affine, counts: tuple[int, ...]) -> Any:
    found = np.full(counts, index.start)
    for axis, (n, step) in enumerate(zip(counts, index.steps, strict=True)):
        found += (np.arange(n) * step).reshape((n,) + (1,) * (len(counts) - axis - 1))
    return found


# --- indices ------------------------------------------------------------------------------------------------------------------


@given(
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(-5, 5), st.integers(-9, 9)),
    st.integers(0, 60),
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
)
def test_places_are_numpys(counts: Any, steps: Any, start: int, shape: Any) -> None:
    index = Affine(start, steps)
    low, high = index.bounds(counts)
    assert (low, high) == (positions(index, counts).min(), positions(index, counts).max())
    if low < 0 or high >= np.prod(shape):
        return
    waiting, entries = [(index, counts)], 0
    while waiting:
        index, counts = waiting.pop()
        try:
            place = unravel(index, counts, tuple(shape))
        except Cut as cut:
            parts = cut.parts(counts)
            assert sum(np.prod(new) for new, _ in parts) == np.prod(counts)
            waiting += [(change(index), new) for new, change in parts]
            continue
        if place is not None:
            wanted = np.unravel_index(positions(index, counts), shape)
            for found, axis in zip(place, wanted, strict=True):
                np.testing.assert_array_equal(positions(found, counts), axis)
        entries += int(np.prod(counts))
    assert entries > 0


@pytest.mark.parametrize(
    "cut", [SplitAt(0, 2), SplitAt(1, 5), Interleave(1, 4), Interleave(0, 3), Fold(1, 2), Fold(0, 3)]
)
def test_cuts_keep_every_iteration(cut: Cut) -> None:
    index, counts = Affine(7, (10, -1)), (6, 8)
    parts = cut.parts(counts)
    found = np.concatenate([positions(change(index), new).ravel() for new, change in parts])
    assert sorted(found) == sorted(positions(index, counts).ravel())


# --- matrices -----------------------------------------------------------------------------------------------------------------


def test_bands_of_matrices() -> None:
    n = 30
    matrix = np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1)
    found = bands(matrix)
    assert found is not None
    assert found.distances == ((0, 1), (-1, 0, 1), (-1, 0))
    assert found.coefficients == ((-2.0, 1.0), (1.0, -2.0, 1.0), (1.0, -2.0))
    assert (found.period, found.inner, found.outer) == (n, (1, n - 1), ())
    varying = bands(np.diag(np.arange(1.0, n + 1)))
    assert varying is not None and varying.coefficients is None and varying.distances == ((0,),)
    np.testing.assert_array_equal(varying.values, np.arange(1.0, n + 1)[None])
    assert bands(np.ones((n, n))) is None
    assert bands(np.random.default_rng(0).uniform(size=(n, n)) > 0.9) is None
    empty = bands(np.zeros((4, 4)))
    assert empty is not None and empty.distances == ((),)


@pytest.mark.parametrize("shape", [(5, 7), (12, 12)])
def test_kronecker_products_have_a_period(shape: tuple[int, int]) -> None:
    from scipy.sparse import diags_array, kronsum

    n, m = shape
    one, other = (diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(k, k)) for k in (m, n))
    found = bands(kronsum(one, other).tocsr())
    assert found is not None
    assert (found.period, found.inner, found.outer) == (m, (1, m - 1), (1, n - 1))
    with pytest.raises(Fold):
        found.kind_of(Affine(0, (1,)), (n * m,))
    with pytest.raises(SplitAt):
        found.kind_of(Affine(0, (m, 1)), (n, m))
    assert found.distances[found.kind_of(Affine(m + 1, (m, 1)), (n - 2, m - 2))] == (-m, -1, 0, 1, m)


def test_gathered_rows_repeat_a_column_with_nothing() -> None:
    matrix = np.zeros((20, 20))
    matrix[0, 3], matrix[4, [1, 7, 9]] = 2.0, [1.0, 2.0, 3.0]
    node = Product(1, (20,), np.dtype(float), False, None, matrix, True)  # type: ignore[arg-type]
    found = gathered(node)
    assert found is not None and found.columns.shape == (3, 20)
    dense = np.zeros((20, 20))
    for columns, values in zip(found.columns, found.values, strict=True):
        np.add.at(dense, (np.arange(20), columns), values)
    np.testing.assert_array_equal(dense, matrix)


# --- threads ------------------------------------------------------------------------------------------------------------------


class Machine:
    """A processor: calls take ``serial`` or ``parallel`` seconds of it."""

    def __init__(self, serial: float, parallel: float, **patience: Any) -> None:
        self.now, self.serial, self.parallel = 0.0, serial, parallel
        self.choice = Choice(2, Patience(**patience))
        self.history: list[int] = []

    def run(self, seconds: float) -> float:
        """Call as often as fits into some seconds, and return the mean time of a call."""
        began, calls = self.now, 0
        while self.now < began + seconds:
            threads = self.choice.begin()
            spent = self.serial if threads == 1 else self.parallel
            self.now += spent
            self.choice.end(threads, spent)
            self.history.append(threads)
            calls += 1
        return (self.now - began) / calls


def test_short_calls_stay_on_one_thread() -> None:
    machine = Machine(2e-6, 1e-6)
    machine.run(0.01)
    assert machine.choice.settled and set(machine.history) == {1}
    assert "too short to share" in machine.choice.why
    assert Choice(1).settled and "numba has no more" in Choice(1).why


def test_threads_are_used_where_they_pay() -> None:
    machine = Machine(1e-3, 6e-4)
    assert "not tried yet" in machine.choice.why
    machine.run(1.0)
    assert machine.choice.parallel and machine.history[-1] == 2
    assert machine.choice.why == "on 2 threads: 600 us on 2, 1e+03 us on one thread"


def test_threads_that_do_not_pay_are_tried_ever_more_seldom() -> None:
    machine = Machine(1e-3, 2e-3)
    machine.run(60.0)
    assert not machine.choice.parallel and not machine.choice.settled
    assert machine.history.count(2) < 60
    assert "or slower" in machine.choice.why


def test_a_collapse_costs_little_and_ends() -> None:
    machine = Machine(2e-5, 1.2e-5)
    machine.run(1.0)
    assert machine.choice.parallel
    machine.parallel = 12e-3  # another process takes a core
    mean = machine.run(4.0)
    assert not machine.choice.parallel
    assert mean < 1.1 * machine.serial
    machine.parallel = 1.2e-5
    machine.run(4.0)
    assert machine.choice.parallel


def test_a_forked_process_stays_on_one_thread(monkeypatch: Any) -> None:
    machine = Machine(1e-3, 6e-4)
    machine.run(1.0)
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert machine.choice.begin() == 1 and machine.choice.settled and not machine.choice.parallel
    assert "was forked" in machine.choice.why
