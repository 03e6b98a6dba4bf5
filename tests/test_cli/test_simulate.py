"""``symnum simulate``: tables on stdout or in files, progress and complaints on stderr, exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from symnum import cli_simulate
from symnum.cli import main

NETWORK = """\
begin parameters
 1 k 1
 2 a0 2*k
end parameters
begin species
 1 A(b,c) a0
 2 B() 0
end species
begin reactions
 1 1 2 k
end reactions
begin groups
 1 Total 1,2
 2 Left 1
end groups
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "small.net").write_text(NETWORK)
    return str(tmp_path / "small.net")


def rows(text: str) -> list[list[str]]:
    import csv

    return list(csv.reader(text.splitlines()))


def test_a_table_on_stdout(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", net, "--to", "1", "--points", "3", "--rtol", "1e-9", "--atol", "1e-12"]) == 0
    shown = capsys.readouterr()
    table = rows(shown.out)
    assert table[0] == ["t", "Total", "Left"] and [float(r[0]) for r in table[1:]] == [0.0, 0.5, 1.0]
    assert float(table[3][2]) == pytest.approx(2 * 0.36787944117, rel=1e-6)
    assert (
        shown.err.startswith("symnum: 2 species, 1 reactions; 3 times to t = 1, ")
        and shown.err.count("\n") == 1
    )


def test_parameters_observables_and_files(
    net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    changed = ["--set", "k=3", "--set", "a0=7", "--method", "LSODA"]
    code = main(["simulate", net, "--to", "1e1", *changed, "--observables", "A(b,c),Total", "-o", str(out)])
    assert (code, capsys.readouterr().out) == (0, "")
    table = rows(out.read_text())
    assert (
        table[0] == ["t", "A(b,c)", "Total"]
        and float(table[1][1]) == 7.0
        and float(table[-1][0]) == 10.0
        and len(table) > 5
    )


def test_a_picture(
    net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "matplotlib.figure", None)
        assert main(["simulate", net, "--to", "1", "--plot", str(tmp_path / "x.png")]) == 2
        assert "pip install 'symnum[plot]'" in capsys.readouterr().err
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    assert main(["simulate", net, "--to", "1", "--plot", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG") and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "0"], "argument --to: '0' is not after the start"),
        (["--to", "x"], "argument --to: 'x' is not a finite number; write 1e4"),
        ([], "the following arguments are required: --to"),
        (["--to", "1", "--points", "1"], "argument --points: '1' is not a whole number from 2"),
        (["--to", "1", "--rtol", "-1"], "argument --rtol: '-1' is not positive"),
        (["--to", "1", "--set", "k"], "argument --set: 'k' gives no parameter a number; write --set k1=2.0"),
        (["--to", "1", "--set", "k=x"], "argument --set: 'x' is not a finite number"),
        (["--to", "1", "--set", "q=1"], "symnum: --set q: there is no such parameter; there are k, a0"),
        (
            ["--to", "1", "--method", "Euler"],
            "symnum: --method 'Euler' is unknown; the methods are BDF, Radau",
        ),
        (
            ["--to", "1", "--observables", "Total,C"],
            "symnum: --observables C: there is none of this name; there are Total, Left, A(b,c)",
        ),
    ],
)
def test_wrong_usage_is_one_clear_line(
    net: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", net, *options]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and message in shown.err.splitlines()[-1]


def test_bad_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["simulate", str(tmp_path / "no.net"), "--to", "1"]) == 1
    assert "no.net" in capsys.readouterr().err
    (tmp_path / "bad.net").write_text(NETWORK.replace("1 1 2 k", "1 1 3 k"))
    assert main(["simulate", str(tmp_path / "bad.net"), "--to", "1"]) == 1
    assert capsys.readouterr().err.startswith(
        "symnum: bad.net, line 10: '3' must be numbers of species from 1 to 2"
    )
    monkeypatch.setitem(sys.modules, "libsbml", None)
    assert main(["simulate", str(tmp_path / "x.xml"), "--to", "1"]) == 2
    assert "pip install 'symnum[sbml]'" in capsys.readouterr().err


def test_a_run_that_ends_early_writes_what_it_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "blows.net").write_text(NETWORK.replace("1 1 2 k", "1 1,1 1,1,1 k"))
    assert main(["simulate", str(tmp_path / "blows.net"), "--to", "2"]) == 1
    shown = capsys.readouterr()
    assert len(rows(shown.out)) > 10 and "symnum: BDF stopped at t = 0." in shown.err


def test_ctrl_c_writes_what_was_reached(
    net: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: object, t: float, steps: int) -> None:
        if steps == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli_simulate.ShownProgress, "__call__", interrupt)
    assert main(["simulate", net, "--to", "10"]) == 130
    shown = capsys.readouterr()
    assert len(rows(shown.out)) == 7 and "symnum: BDF was interrupted at t = " in shown.err


def test_progress_is_shown_on_a_terminal_only(
    net: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    times = iter(range(10_000))
    monkeypatch.setattr("symnum.cli_simulate.time.monotonic", lambda: float(next(times)))
    assert main(["simulate", net, "--to", "1"]) == 0
    err = capsys.readouterr().err
    assert (
        "\rt = " in err
        and " of 1, 1 steps" in err
        and err.splitlines()[-1].split("\r")[-1].startswith("symnum: 2 species")
    )


def test_the_verb_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "simulate" in capsys.readouterr().out
    assert main(["simulate", "--help"]) == 0
    assert "--observables A,B" in capsys.readouterr().out
