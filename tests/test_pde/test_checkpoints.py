"""Runs that are kept in a file: resumed ones equal uninterrupted ones, and what is wrong with a file is said."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import symnum as sn
from symnum.pde import Checkpoint, OdeSystem, trace
from symnum.pde.stiff import Factored, SparseBDF

X, Y = sn.symbols("x y")

METHODS = [
    ("BDF", None), ("Radau", None), ("RK23", None), ("RK45", None), ("DOP853", None), ("Euler", 0.01), ("RK4", 0.01), ("leapfrog", 0.01),
    ("CNAB2", 0.01), ("SBDF2", 0.01), ("ETD1", 0.01), ("ETDRK4", 0.01),
]  # fmt: skip


def oscillator() -> OdeSystem:
    # not linear, with a frequency that depends on the amplitude
    return OdeSystem([X, Y], [Y, -X - X**3], [1.0, 0.0])


def diffusion() -> Any:
    def f(t: float, u: Any) -> Any:
        p = np.pad(u, 1, mode="edge")
        return 5.0 * (p[2:] - 2 * u + p[:-2]) + u * (1 - u) * np.cos(t)

    return trace(f, np.linspace(0.1, 0.9, 20) ** 2)


def stop_after(steps: int) -> Any:
    def progress(t: float, done: int) -> None:
        if done >= steps:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(("method", "dt"), METHODS)
@pytest.mark.parametrize("t_eval", [None, np.linspace(0.0, 0.6, 7)])
def test_a_resumed_run_equals_an_uninterrupted_one(
    method: str, dt: float | None, t_eval: Any, tmp_path: Path
) -> None:
    system = oscillator() if method == "leapfrog" else diffusion()
    options: dict[str, Any] = dict(method=method, dt=dt, rtol=1e-6, atol=1e-9, t_eval=t_eval)
    whole = system.solve((0.0, 0.6), **options)
    path = tmp_path / "run.npz"
    stops = 0
    while True:
        before = stops
        with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
            patch.setattr("symnum.pde.integrate.SLICE", 0.0)  # slices of one step
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                sol = system.solve(
                    (0.0, 0.6),
                    **options,
                    checkpoint=path,
                    progress=stop_after((stops + 1) * max(1, whole.stats["steps"] // 3)),
                )
        stops += not sol.success
        if sol.success:
            break
        assert stops == before + 1 and stops < 10
    assert stops >= 2
    np.testing.assert_array_equal(sol.t, whole.t)
    np.testing.assert_array_equal(sol.u, whole.u)
    assert sol.stats["steps"] == whole.stats["steps"] and sol.stats["rhs_calls"] == whole.stats["rhs_calls"]
    again = system.solve((0.0, 0.6), **options, checkpoint=path)
    np.testing.assert_array_equal(again.u, whole.u)
    assert os.listdir(tmp_path) == ["run.npz"]


def test_events_are_resumed(tmp_path: Path) -> None:
    def g(t: float, u: Any) -> Any:
        return u[0]

    whole = oscillator().solve((0.0, 8.0), rtol=1e-6, events=g)
    path = tmp_path / "run.npz"
    with pytest.warns(RuntimeWarning, match="interrupted"):
        oscillator().solve(
            (0.0, 8.0), rtol=1e-6, events=g, checkpoint=path, progress=stop_after(whole.stats["steps"] // 2)
        )
    sol = oscillator().solve((0.0, 8.0), rtol=1e-6, events=g, checkpoint=path)
    assert len(whole.t_events[0]) > 2
    np.testing.assert_array_equal(sol.t_events[0], whole.t_events[0])
    np.testing.assert_array_equal(sol.u_events[0], whole.u_events[0])


def test_the_file_is_written_as_often_as_asked_for(tmp_path: Path) -> None:
    sol = oscillator().solve((0.0, 1.0), checkpoint=Checkpoint(tmp_path / "often.npz", seconds=0.0))
    assert sol.stats["checkpoint"].startswith(f"{sol.stats['steps'] + 1} times written to")
    sol = oscillator().solve((0.0, 1.0), checkpoint=Checkpoint(str(tmp_path / "seldom.npz"), seconds=1e6))
    assert sol.stats["checkpoint"].startswith("1 times written to")
    with pytest.raises(ValueError, match="seconds=-1.0, but"):
        Checkpoint("run.npz", seconds=-1.0)
    with pytest.raises(TypeError, match="a checkpoint is a path, but got 3"):
        oscillator().solve((0.0, 1.0), checkpoint=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(rtol=1e-5), "rtol was 1e-06 and is 1e-05"),
        (dict(method="Radau"), "method was BDF and is Radau"),
        (dict(t_eval=[1.0]), r"t_eval was None and is array \(1,\)"),
        (dict(u0=[0.5, 0.0]), "the initial state was array"),
        (dict(t_span=(0.0, 2.0)), "t_span was 0.0 to 1.0 and is 0.0 to 2.0"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.npz"
    options: dict[str, Any] = dict(t_span=(0.0, 1.0), rtol=1e-6, checkpoint=path)
    oscillator().solve(**options)
    with pytest.raises(
        ValueError, match=f"is of another run: .*{message}.*; name another file, or delete this one"
    ):
        oscillator().solve(**{**options, **change})
    other = OdeSystem([X, Y], [Y, -2 * X - X**3], [1.0, 0.0])
    with pytest.raises(ValueError, match="the right-hand side was"):
        other.solve(**options)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    oscillator().solve((0.0, 1.0), checkpoint=path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no archive at all"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="is not a checkpoint of a run"):
            oscillator().solve((0.0, 1.0), checkpoint=path)
    path.write_bytes(content)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["solver/y"] = arrays["solver/y"] + 1e-9
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="is damaged or from another version: its hash does not fit"):
        oscillator().solve((0.0, 1.0), checkpoint=path)


def test_a_place_that_cannot_be_written_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"cannot be written \(No such file or directory\); give a file in a folder"
    ):
        oscillator().solve((0.0, 1.0), checkpoint=tmp_path / "none" / "run.npz")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file in it, such as '.*run.npz'"):
        oscillator().solve((0.0, 1.0), checkpoint=tmp_path)


@pytest.mark.parametrize("good_before", [True, False])
def test_a_full_disk_loses_nothing_and_stops_nothing(
    good_before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.npz"
    written: list[int] = []
    original = os.fsync

    def full(handle: int) -> None:
        written.append(handle)
        if len(written) > 3 or not good_before:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(handle)

    monkeypatch.setattr("symnum.pde.checkpoints.os.fsync", full)
    kept = "the last good one is still there" if good_before else "there is none yet"
    with pytest.warns(
        RuntimeWarning, match=f"could not be written: No space left on device; {kept}, and the run goes on"
    ) as told:
        sol = oscillator().solve((0.0, 1.0), checkpoint=Checkpoint(path, seconds=0.0))
    assert len(told) == 1 and sol.success and "No space left" in sol.stats["checkpoint"] and len(written) > 4
    assert os.listdir(tmp_path) == (["run.npz"] if good_before else [])
    if good_before:
        monkeypatch.setattr("symnum.pde.checkpoints.os.fsync", original)
        again = oscillator().solve((0.0, 1.0), checkpoint=path)
        np.testing.assert_array_equal(again.u, sol.u)


def test_methods_that_hide_their_state_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="method='LSODA' does not show its state, so a run of it cannot be kept"
    ):
        oscillator().solve((0.0, 1.0), method="LSODA", checkpoint=tmp_path / "run.npz")


def test_factors_are_saved_as_their_matrices() -> None:
    solver = SparseBDF(
        lambda t, y: -y,
        0.0,
        np.ones(2),
        1.0,
        jac=lambda t, y: -sp.identity(2, format="csc"),
    )
    solver.step()
    assert isinstance(solver.LU, Factored) and "LU/data" in solver.saved()
