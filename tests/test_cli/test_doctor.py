"""The doctor: what it reads from the installation, and what it calls a problem."""

from __future__ import annotations

import json
import os
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import symnum as sn
from symnum import doctor
from symnum.cli import main

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]


@pytest.fixture(scope="module")
def findings() -> dict[str, Any]:
    return doctor.examine()


def names(requirements: list[str]) -> set[str]:
    return {name for name, _, _ in doctor.parse_requirements(requirements)}


def test_every_requirement_of_the_project_is_looked_at(findings: dict[str, Any]) -> None:
    assert set(findings["packages"]) == names(PROJECT["dependencies"]) | {"llvmlite"}
    assert set(findings["extras"]) == set(PROJECT["optional-dependencies"]) - {"dev", "bench"}


def test_versions_are_those_installed(findings: dict[str, Any]) -> None:
    for name, found in findings["packages"].items():
        assert found["installed"] == metadata.version(name)
        assert found["ok"]
    assert findings["symnum"] == sn.__version__
    assert findings["packages"]["egglog"]["wanted"] in (">=13.2,<15", "<15,>=13.2")


def test_the_machine_and_the_caches(findings: dict[str, Any]) -> None:
    assert findings["cpu"]["name"]
    assert 1 <= findings["cpu"]["usable"] <= findings["cpu"]["cores"]
    assert findings["threads"]["numba threads"] >= 1
    assert set(findings["caches"]) == {"symnum code", "numba"}
    assert 0 < findings["import_seconds"] < 60
    json.dumps(findings)


def test_the_code_cache_is_the_one_that_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "a").write_bytes(b"12345")
    found = doctor.examine()
    assert found["caches"]["symnum code"]["path"] == str(tmp_path / "cache")
    assert (found["caches"]["symnum code"]["files"], found["caches"]["symnum code"]["bytes"]) == (1, 5)
    assert found["caches"]["numba"]["path"] == str(tmp_path / "numba")
    assert found["caches"]["numba"]["writable"]


def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    (problem,) = doctor.examine()["problems"]
    assert "symnum code cache" in problem
    assert "set SYMNUM_CACHE_DIR to a folder of yours" in problem


def test_missing_and_wrong_versions_are_problems(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [
        "numpy>=2.0",
        "scipy>=999",
        "no-such-package-of-ours>=1.5",
        'torch>=2.5; extra == "torch"',
        'no-such-plot; extra == "plot"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: wanted)
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    scipy, missing = found["problems"]
    assert (
        scipy
        == f"scipy is {metadata.version('scipy')}, but symnum requires scipy>=999; run: pip install 'scipy>=999'"
    )
    assert missing.startswith(
        "no-such-package-of-ours is not installed, but symnum requires no-such-package-of-ours>=1.5"
    )
    assert found["packages"]["scipy"]["ok"] is False
    assert found["packages"]["numpy"]["ok"] is True
    assert found["extras"]["plot"] == {"installed": {}, "missing": ["no-such-plot"]}
    text = doctor.report(found)
    assert "2 problems:" in text
    assert "not installed: no-such-plot; pip install 'symnum[plot]'" in text


def test_running_from_the_source_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", unknown)
    (problem,) = doctor.examine()["problems"]
    assert "without being installed" in problem


def test_an_interpreter_that_cannot_import_it_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [os.devnull])
    problems: list[str] = []
    assert doctor._import_seconds(problems) is None
    assert "cannot import symnum" in problems[0]


def test_the_report_reads_well(findings: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["symnum", sn.__version__]
    assert lines[-1] == "all is well"
    assert any(line.split()[:2] == ["numpy", metadata.version("numpy")] for line in lines)


@pytest.mark.parametrize(
    ("version", "bounds", "holds"),
    [
        ("2.0", ">=2.0", True),
        ("2", ">=2.0", True),
        ("1.26.4", ">=2.0", False),
        ("2.10", ">=2.9", True),
        ("2.0rc1", ">=2.0", False),
        ("2.0.dev3", ">=2.0", False),
        ("2.0.post1", ">=2.0", True),
        ("2.0+cpu", ">=2.0", True),
        ("14.0.0", "<15,>=13.2", True),
        ("15.0", "<15,>=13.2", False),
        ("1.5", "!=1.5", False),
        ("1.5.1", "==1.5.*", True),
        ("1.6", "!=1.5.*", True),
        ("1.5", "!=1.5.*", False),
        ("1.6", "==1.5.*", False),
        ("2.4", "~=2.2", True),
        ("3.0", "~=2.2", False),
        ("2.1", "~=2.2", False),
        ("3", "", True),
        ("3", ">3", False),
        ("3", "<=3", True),
    ],
)
def test_version_bounds(version: str, bounds: str, holds: bool) -> None:
    assert doctor.satisfies(version, bounds) is holds


def test_bounds_that_are_not_understood_are_refused() -> None:
    with pytest.raises(ValueError, match="'=>2' is not understood"):
        doctor.satisfies("2", "=>2")
    with pytest.raises(ValueError, match="'new' is not a version"):
        doctor.satisfies("new", ">=2")


def test_requirements_with_other_conditions_are_left_out() -> None:
    lines = ["a (>=1)", 'b>=2; python_version < "3.9"', "c[x,y]>=3", "d ; extra == 'e'", "!"]
    assert list(doctor.parse_requirements(lines)) == [("a", ">=1", None), ("c", ">=3", None), ("d", "", "e")]
