"""The benchmark's runs: carried out once, kept, and found again; failures of an engine are recorded; drops of balls."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))
bench = importlib.import_module("bench_regression")
ball_drops = importlib.import_module("ball_drops")


def test_a_run_is_judged_kept_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cache" / "runs.jsonl"
    todo = bench.runs(["nguyen"], ["symnum"], 1, 5.0, only="Nguyen-8")
    assert [run.problem for run in todo] == ["Nguyen-8"]
    [record] = bench.carried_out(todo, path)
    assert record["symbolic"] and record["numeric"] and record["printed"] == "sqrt(x0)"
    assert record["law"] == "sqrt(x)" and 0 < record["spent"] < 60
    assert "predicted" not in record
    with path.open("a") as file:
        file.write('{"key": "cut sho')  # as a crash leaves it

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the run was repeated")

    monkeypatch.setattr(bench, "_carried_out", refuse)
    [again] = bench.carried_out(todo, path)
    assert again == record  # JSON holds all of it
    # other settings, seeds, noise and limits are other runs
    other = bench.runs(["nguyen"], ["symnum"], 2, 5.0, [0.0, 0.1], only="Nguyen-8", operators="family")
    keys = {run.key for run in other}
    assert len(keys) == 4 and todo[0].key not in keys
    assert dict(other[0].settings)["operators"] == ["+", "-", "*", "/", "sin", "cos", "exp", "log"]


def test_an_engine_that_fails_has_not_solved_the_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "engine_version", lambda _: "1")
    path = tmp_path / "runs.jsonl"
    [record] = bench.carried_out([bench.Run("nguyen", "Nguyen-8", "no_such_engine", 0, 5.0)], path)
    assert not record["symbolic"] and not record["numeric"] and record["model"] == ""
    assert record["failed"] and record["r2"] == "-inf" and "no_such_engine" in record["how"]
    assert not path.exists()  # it is tried again the next time
    [head, _, *table] = bench.report([record])
    assert head.startswith("symbolic 0/1") and "AttributeError" in table[-1]


def test_a_family_without_its_list_and_an_engine_that_is_missing_are_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(bench.regression_problems, "SHARED", tmp_path)
    bench.regression_problems.family.cache_clear()
    try:
        assert bench.runs(["feynman", "further"], ["symnum"], 1, 1.0) == []
    finally:
        bench.regression_problems.family.cache_clear()
    assert {run.engine for run in bench.runs(["jin"], ["symnum", "no-such-engine"], 1, 1.0)} == {"symnum"}
    said = capsys.readouterr().err
    assert "left out no-such-engine: it is not installed" in said
    assert "left out feynman: " in said and "left out further: " in said


def test_rates_over_seeds_name_a_run_that_failed() -> None:
    shared = dict(problem="P", law="x", numeric=True, identical=True, spent=1.0, model="x0")
    records = [shared | dict(seed=0, symbolic=True), shared | dict(seed=1, symbolic=False, printed="|x0|")]
    lines = bench.report(records)
    assert lines[0].startswith("symbolic 1/2")
    assert lines[-1] == "| P | 50 % | 100 % | 1.00 | `x` | seed 1: `\\|x0\\|` |"


def test_physics_models_of_a_fall_find_their_own_constants() -> None:
    t = np.linspace(0, 3, 45)
    falls = {
        "c0+c1*t+c2*t^2+c3*t^3": 40 + t - 4.9 * t**2 + 0.3 * t**3,
        "c0+c1*t+c2*exp(c3*t)": 50 - 8 * t - 6 * np.exp(-1.3 * t),
        "c0+c1*log(cosh(c2*t))": 47 - 20 * np.log(np.cosh(0.6 * t)),
    }
    for name, h in falls.items():
        drop = ball_drops.Drop("made up", t[:30], h[:30], t[30:], h[30:])
        errors = ball_drops.physics_errors(drop)
        assert errors[name] < 1e-8 and errors[name] == min(errors.values()), name


def test_the_drops_of_the_shared_data_are_complete(shared_data: Path) -> None:
    assert len(ball_drops.balls()) == 11
    for ball in ball_drops.balls():
        drop = ball_drops.drop(ball)
        assert drop.t.max() <= 2.05 < drop.t_test.max()
        assert drop.h.shape == drop.t.shape and drop.h_test.shape == drop.t_test.shape
