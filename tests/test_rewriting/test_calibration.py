"""Calibration: what is measured is kept for this machine, used by "cycles", and refused when it is broken."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

import symnum as sn
from symnum.rewriting import calibration, cost_model, table_cycles
from symnum.rewriting.calibration import calibrate, calibration_file, measured_cycles
from symnum.rewriting.cost import cost


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path))
    measured_cycles.cache_clear()
    yield
    measured_cycles.cache_clear()


def test_without_a_calibration_cycles_are_those_of_the_table() -> None:
    assert measured_cycles() is None
    assert cost_model("cycles") is table_cycles


def test_measured_costs_are_kept_and_used() -> None:
    told: dict[str, float] = {}
    model = calibrate(["+", "sin", "/", "hold", "ifelse"], rounds=2, progress=told.__setitem__)
    assert set(told) == {"+", "sin", "/", "hold", "ifelse"}
    assert told["+"] == 1.0
    assert told["hold"] == 0.0
    assert all(math.isfinite(price) and price >= 0 for price in told.values())
    kept = json.loads(calibration_file().read_text())
    assert set(kept["machine"]) == {"processor", "architecture", "numba", "llvmlite"}
    again = cost_model("cycles")
    assert again.name == model.name == "cycles"
    assert again.price("sin") == told["sin"]
    assert again.price("cos") == table_cycles.price("cos")
    x = sn.symbols("x")
    assert cost(sn.sin(x), "cycles") == told["sin"]


def test_a_cost_is_the_time_of_an_operation_in_additions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration._Timer, "operator", lambda timer, name: 17 * timer.addition)
    told: dict[str, float] = {}
    calibrate(["sin", "+"], rounds=1, progress=told.__setitem__)
    assert told == {"sin": 17.0, "+": 1.0}


def test_no_operators_are_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="calibrate got no operators to measure; name some"):
        calibrate([])
    assert not calibration_file().exists()


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"weights": {"sin": -1}}', '{"weights": {"sin": "x"}}']
)
def test_a_broken_file_is_warned_of_and_not_used(content: str) -> None:
    calibration_file().write_text(content)
    with pytest.warns(RuntimeWarning, match="cannot be used.*symnum calibrate"):
        assert cost_model("cycles") is table_cycles


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(LookupError, match="sinn"):
        calibrate(["sinn"])
