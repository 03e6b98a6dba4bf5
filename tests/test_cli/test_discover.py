"""``symnum discover``: a table in, an equation out; what is wrong with a table is named."""

from __future__ import annotations

import csv
import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symnum import regression
from symnum.cli import main
from symnum.regression.estimator import SymbolicRegressor
from symnum.regression.tables import read_table, read_text

FAST = ["--max-evaluations", "2000", "--operators", "+,*"]


@pytest.fixture
def data(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    rows = rng.uniform(0.5, 3, (30, 2))
    lines = [f"{a!r},{b!r},{3 * a * b + 2!r},{1 + k % 2}" for k, (a, b) in enumerate(rows.tolist())]
    (tmp_path / "data.csv").write_text("mass,speed,y,w\n" + "\n".join(lines) + "\n")
    return str(tmp_path / "data.csv")


def test_the_law_is_printed(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["discover", data, "--target", "y", "--features", "mass,speed", *FAST, "--test-fraction", "0.2"]
    )
    shown = capsys.readouterr()
    assert code == 0
    lines = shown.out.splitlines()
    assert lines[0] == "y = 3*mass*speed + 2"
    assert any(line.startswith(">") and line.endswith("3*mass*speed + 2") for line in lines)
    assert lines[-1].startswith("on the rows held back: rows: 6, R2: 1, RMSE: ")
    assert shown.err.count("\n") == 1 and "expressions tried; ended because of: exact" in shown.err


def test_json(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--weights", "w", *FAST, "--json", "--test-fraction", "0.1", "--seed", "3"]
    assert main(["discover", data, "--target", "y", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["expression"] == "3*mass*speed + 2" and found["stopped"] == "exact"
    assert found["test"]["rows"] == 3 and found["test"]["rmse"] < 1e-12
    assert found["front"][-1]["expression"] == found["expression"]
    options = ["--features", "mass,speed", *FAST, "--json", "--test-fraction", "0.03"]
    assert main(["discover", data, "--target", "y", *options]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["r2"] is None  # one row has no spread


def test_files_are_written(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    out, report = tmp_path / "equations.csv", tmp_path / "report.html"
    written = ["--out", str(out), "--report", str(report)]
    assert main(["discover", data, "--target", "y", "--weights", "w", *FAST, *written]) == 0
    assert capsys.readouterr().err.splitlines()[1:] == [f"symnum: wrote {out}", f"symnum: wrote {report}"]
    table = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["expression"] for row in table if row["chosen"] == "1"] == ["3*mass*speed + 2"]
    assert list(table[0]) == ["complexity", "loss", "score", "bits", "expression", "on_front", "chosen"]
    page = report.read_text()
    assert "y = 3*mass*speed + 2" in page and "R2" in page


def test_options_reach_the_search(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def regressor(**options: Any) -> Any:
        seen.update(options)
        raise ValueError("recorded")

    monkeypatch.setattr(regression, "SymbolicRegressor", regressor, raising=False)
    options = [
        "--time",
        "2.5",
        "--seed",
        "7",
        "--jobs",
        "-1",
        "--operators",
        "+,sin",
        "--max-evaluations",
        "10",
    ]
    assert main(["discover", data, "--target", "y", *options]) == 1
    assert seen == {
        "operators": ("+", "sin"), "time_limit": 2.5, "max_evaluations": 10, "random_state": 7, "n_jobs": -1,
        "feature_names": ("mass", "speed", "w"),
    }  # fmt: skip


def test_ctrl_c_writes_the_best_so_far(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = SymbolicRegressor.fit

    def interrupted(self: SymbolicRegressor, *rows: Any) -> SymbolicRegressor:
        """End as a fit that met Ctrl-C does; tests of the estimator hold that it does."""
        fit(self, *rows)
        warnings.warn("the search was interrupted: the result is the best so far", UserWarning, stacklevel=2)
        self.stopped_ = "interrupted"
        return self

    monkeypatch.setattr(SymbolicRegressor, "fit", interrupted)
    out = tmp_path / "equations.csv"
    code = main(
        [
            "discover",
            data,
            "--target",
            "w",
            "--max-evaluations",
            "3000",
            "--operators",
            "+,*",
            "--out",
            str(out),
        ]
    )
    shown = capsys.readouterr()
    assert code == 130
    assert shown.out.startswith("w = ") and "chosen" in shown.out and out.exists()
    assert "symnum: the search was interrupted: the result is the best so far" in shown.err


# --- tables -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "a,b\n1,2\n3,4\n"),
        ("t.csv", "a;b\r\n1;2\r\n3;4"),
        ("t.csv", "# measured on Monday\n\n a , b \n1, 2\n\n3 ,4\n"),
        ("t.csv", "\ufeffa,b\n1,2\n3,4\n"),
        ("t.tsv", "a\tb\n1\t2\n3\t4\n"),
        ("t.TAB", '"a"\t"b"\n1e0\t"2"\n3\t4\n'),
        ("t.txt", "a|b\n1|2\n3|4\n"),
        ("t.dat", "  a   b \n 1  2\n\n3 4  \n"),
    ],
)
def test_text_is_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    table = read_table(tmp_path / name)
    assert {k: v.tolist() for k, v in table.columns.items()} == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    assert table.rows == 2 and table.dropped == 0
    assert list(read_table(tmp_path / name, ["b"]).columns) == ["b"]


def test_no_header_and_one_column() -> None:
    table = read_text(io.StringIO("1,2\n3,4\n"), "t.csv", header=False)
    assert {k: v.tolist() for k, v in table.columns.items()} == {"x0": [1.0, 3.0], "x1": [2.0, 4.0]}
    assert read_text(io.StringIO("a\n1\n2\n"), "t.csv").columns["a"].tolist() == [1.0, 2.0]


def test_missing_values_are_dropped_on_request_and_counted() -> None:
    text = "a,b,c\n1,2,\n3,NA,5\n6,7,8\n9,nan,1\n"
    table = read_text(io.StringIO(text), "t.csv", ["a", "b"], drop_missing=True)
    assert table.columns["a"].tolist() == [1.0, 6.0] and table.dropped == 2


BAD_TEXT = [
    ("a,b\n1,x\n", {}, ValueError, r"t.csv, line 2, column 'b': 'x' is not a number; leave the column out"),
    ("# note\na,b\n1,2\n\n3,\n", {}, ValueError, r"t.csv, line 5, column 'b': the value is missing \(the cell is ''\); .*--drop-missing"),
    ("a;b\n1;2,5\n", {}, ValueError, r"line 2, column 'b': '2,5' is not a number; write the decimal comma as a point"),
    ("a,b\n1,inf\n", {}, ValueError, r"line 2, column 'b': 'inf' is infinite"),
    ("a,b\n1,2,3\n", {}, ValueError, r"line 2: 3 cells, but the table has 2 columns"),
    ("1,2\n3,4\n", {}, ValueError, r"line 1: the header has only numbers \(1, 2\), .*--no-header"),
    ("a,a\n3,4\n", {}, ValueError, r"has 2 columns called 'a'; rename all but one"),
    ("a,b\n3,4\n", {"names": ["c"]}, LookupError, r"t.csv has no column 'c'; there are a, b"),
    ("a,b\n", {}, ValueError, r"no rows to learn from: it has a header only"),
    ("a,b\n,1\n", {"drop_missing": True}, ValueError, r"a value is missing in each of its 1 rows"),
    ("", {}, ValueError, r"t.csv has no rows; give a file with a header"),
    ('a,b\n"1,2\n', {}, ValueError, r"t.csv, line 2: .*close each quotation mark"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "kind", "message"), BAD_TEXT)
def test_bad_tables_are_named(
    text: str, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        read_text(io.StringIO(text), "t.csv", **options)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,\xff2\n")
    with pytest.raises(ValueError, match=r"t\.csv is no UTF-8 text \(byte 6 is 0xff\)"):
        read_table(tmp_path / "t.csv")


def test_parquet_needs_pyarrow(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="needs pyarrow; run: pip install pyarrow"):
        read_table(tmp_path / "t.parquet")
    assert main(["discover", str(tmp_path / "t.parquet"), "--target", "y"]) == 2
    assert "pip install pyarrow" in capsys.readouterr().err


def test_parquet_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow")
    from pyarrow import parquet

    path = tmp_path / "t.parquet"

    def written(**columns: Any) -> Path:
        parquet.write_table(pyarrow.table(columns), path)
        return path

    table = read_table(written(a=[1, 2], b=[0.5, 1.5], c=["u", "v"]), ["b", "a"])
    assert {k: v.tolist() for k, v in table.columns.items()} == {"b": [0.5, 1.5], "a": [1.0, 2.0]}
    with pytest.raises(ValueError, match="column 'c' holds string, not numbers"):
        read_table(path)
    with pytest.raises(LookupError, match="has no column 'd'; there are a, b, c"):
        read_table(path, ["d"])
    written(a=[1, None, 3], b=[0.5, 1.5, float("nan")])
    with pytest.raises(ValueError, match="row 2, column 'a': the value is missing"):
        read_table(path)
    kept = read_table(path, drop_missing=True)
    assert kept.columns["a"].tolist() == [1.0] and kept.dropped == 2
    with pytest.raises(ValueError, match="row 1, column 'a': the value is infinite"):
        read_table(written(a=[float("inf")]))
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is no Parquet file"):
        read_table(path)


# --- wrong usage ------------------------------------------------------------------------------------------------------------

WRONG = [
    ([], 2, "the following arguments are required: --target"),
    (["--target", "z"], 2, "symnum: --target z: there is no such column; there are mass, speed, y, w"),
    (["--target", "y", "--weights", "q"], 2, "symnum: --weights q: there is no such column; there are"),
    (["--target", "y", "--features", "mass,q"], 1, "has no column 'q'; there are mass, speed, y, w"),
    (["--target", "y", "--features", "mass,y"], 1, "column 'y' is in --features and is the target or the weights"),
    (["--target", "y", "--features", "mass,mass"], 1, "column 'mass' is named twice in --features"),
    (["--target", "y", "--time", "0"], 2, "argument --time: '0' is not a positive number of seconds; write 60"),
    (["--target", "y", "--time", "x"], 2, "argument --time: 'x' is not a positive number of seconds"),
    (["--target", "y", "--max-evaluations", "0"], 2, "argument --max-evaluations: '0' is not a whole number from 1"),
    (["--target", "y", "--seed", "-1"], 2, "argument --seed: '-1' is not a whole number from 0"),
    (["--target", "y", "--seed", "4294967296"], 2, "argument --seed: '4294967296' is no seed"),
    (["--target", "y", "--jobs", "0"], 2, "argument --jobs: '0' is not a whole number from 1; write 2, or -1"),
    (["--target", "y", "--test-fraction", "1"], 2, "argument --test-fraction: '1' is not between 0 and 1"),
    (["--target", "y", "--test-fraction", "0.01"], 2, "symnum: --test-fraction 0.01 of 30 rows holds back 0"),
    (["--target", "y", "--operators", "+,foo"], 1, "'foo'"),
    (["--target", "y", "--weights", "w", "--features", ""], 2, "has no column beside y to explain it by"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "code", "message"), WRONG)
def test_wrong_usage_is_one_clear_line(
    data: str, options: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", data, *options]) == code
    shown = capsys.readouterr()
    assert shown.out == "" and message in shown.err.splitlines()[-1]


def test_missing_files_and_cells_are_named(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", str(tmp_path / "no.csv"), "--target", "y"]) == 1
    assert "no.csv" in capsys.readouterr().err
    text = Path(data).read_text().splitlines()
    text[3] = "1,,2,1"
    Path(data).write_text("\n".join(text))
    assert main(["discover", data, "--target", "y", *FAST]) == 1
    assert f"{data}, line 4, column 'speed': the value is missing" in capsys.readouterr().err
    assert main(["discover", data, "--target", "y", *FAST, "--drop-missing"]) == 0
    shown = capsys.readouterr()
    assert "1 of 30 rows left out, in which a value is missing" in shown.err
    assert shown.out.startswith("y = 3*mass*speed + 2")


def test_unwritable_outputs_are_told_before_the_search(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regression, "SymbolicRegressor", None, raising=False)  # a search would be a TypeError
    for option in ("--out", "--report"):
        assert main(["discover", data, "--target", "y", option, str(tmp_path / "no" / "f")]) == 1
        assert f"there is no folder {str(tmp_path / 'no')!r}" in capsys.readouterr().err
