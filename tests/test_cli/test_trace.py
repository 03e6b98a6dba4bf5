"""``symnum trace``: what is said of a solver, its solution, and complaints with line and cure."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from symnum.cli import main
from symnum.cli_simulate import ShownProgress

SOLVER = """\
import numpy as np


def heat(t, u):
    return 3 * (np.roll(u, 1) - 2 * u + np.roll(u, -1))


def decay(t, u, k):
    return -k * u


def make(n=8, speed=1.0):
    return lambda t, u: speed * (np.roll(u, 1) - u), np.ones(n)


def branching(t, u):
    if u[0] > 1:
        return u
    return -u


def misspelt(t, u):
    return u.summ()


def broken(n=3):
    return n / 0


def explosive(t, u):
    return u**2


number = 3.0
"""


@pytest.fixture
def solver(tmp_path: Path) -> str:
    (tmp_path / "solver.py").write_text(SOLVER)
    return str(tmp_path / "solver.py")


def said(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 0) -> tuple[str, str]:
    assert main(["trace", *arguments]) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def test_a_right_hand_side_is_described(solver: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = said(capsys, [f"{solver}:heat", "--shape", "16"])
    lines = out.splitlines()
    assert lines[0] == "state       16, 16 entries of float64" and err == ""
    assert lines[1].startswith("traced      ") and "array operations, in " in lines[1]
    assert (
        lines[2] == "equation    ∂u/∂t = 3*u_xx" and "            u at x low, x high: periodic" not in lines
    )
    assert any(line.startswith("kind        linear: ") for line in lines)
    assert "Jacobian    48 entries (19 %), 3.0 in a row, 4 colours" in lines
    assert any(line.startswith("call        ") and "times as fast" in line for line in lines)


def test_a_maker_with_arguments(solver: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(
        capsys, [f"{solver}:make", "--set", "n=12", "--set", "speed=2.5", "--no-timing", "--names", "q"]
    )
    assert "equation    ∂q/∂t = -2.5*q_x⁻" in out and "12 entries" in out and "call " not in out


def test_modules_by_name_from_the_current_folder(
    solver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "traced_by_name.py").write_text(SOLVER)
    try:
        out, _ = said(capsys, ["traced_by_name:heat", "--shape", "4x4", "--no-timing", "--spacing", "h"])
    finally:
        sys.modules.pop("traced_by_name", None)
    assert str(tmp_path) not in sys.path and "state       4 x 4" in out
    out, _ = said(capsys, ["symnum.pde.models.reaction_diffusion:make", "--set", "n=8", "--no-timing"])
    assert "100*Δu" in out


def test_parameters_states_from_files_and_solutions(
    solver: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "start.npy", np.arange(1.0, 6.0))
    out = tmp_path / "run.npz"
    arguments = [f"{solver}:decay", "--u0", str(tmp_path / "start.npy"), "--set", "k=2.0", "--no-timing"]
    text, _ = said(capsys, [*arguments, "--solve", "1", "--points", "3", "--rtol", "1e-9", "-o", str(out)])
    assert "∂u/∂t = -k*u" in text and "solved      to t = 1 by BDF: 3 times kept" in text
    with np.load(out) as arrays:
        assert arrays["t"].tolist() == [0.0, 0.5, 1.0]
        np.testing.assert_allclose(arrays["u"][-1], np.arange(1.0, 6.0) * np.exp(-2.0), rtol=1e-6)
    picture = tmp_path / "run.png"
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    said(capsys, [*arguments, "--solve", "1", "--plot", str(picture)])
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["{}:branching", "--shape", "4"],
            1,
            "line 17 of solver.py, 'if u[0] > 1:': the truth of a traced array",
        ),
        (
            ["{}:misspelt", "--shape", "4"],
            1,
            "tracing f failed at line 23 of solver.py: AttributeError: a traced array",
        ),
        (
            ["{}:broken"],
            1,
            "calling broken failed at line 27 of solver.py: ZeroDivisionError: division by zero",
        ),
        (["{}:decay", "--shape", "4"], 1, "write trace(f, u0, parameters="),
        (["{}:heat", "--shape", "4", "--set", "k=1"], 1, "cannot be called as f(t, u"),
        (
            ["{}:heat"],
            2,
            "cannot be called with no arguments: missing a required argument: 't'; write --set n=64, or",
        ),
        (
            ["{}:make", "--set", "m=1"],
            2,
            "cannot be called with {{'m': 1}}: got an unexpected keyword argument 'm'",
        ),
        (["{}:nothing"], 2, "nothing is not there in "),
        (["{}:number"], 2, "number is no function in "),
        (["{}"], 2, "names no function; write package.module:function or file.py:function"),
        (["nowhere.py:f"], 2, "there is no file nowhere.py"),
        (["nowhere_at_all:f"], 2, "there is no module nowhere_at_all; a file is named with its ending"),
        (["{}:heat", "--shape", "4", "--u0", "x.npy"], 2, "--u0 and --shape both give the initial state"),
        (["{}:heat", "--u0", "missing.npy"], 1, "missing.npy"),
        (["{}:heat", "--shape", "4", "-o", "x.npz"], 2, "--plot and -o need a solution; write --solve T"),
        (["{}:heat", "--shape", "0x4"], 2, "argument --shape: '0x4' is no shape; write 64x64 or 100"),
        (
            ["{}:heat", "--shape", "4", "--solve", "-1"],
            2,
            "'-1' is not after the start, which is 0; write --solve 10",
        ),
        (["{}:heat", "--shape", "4", "--spacing", "0"], 2, "argument --spacing: '0' is not positive"),
        (["{}:heat", "--shape", "4", "--set", "k"], 2, "'k' gives no argument a value; write --set n=64"),
        (["{}:heat", "--shape", "16", "--names", "a,b", "--no-timing"], 1, "must give 1 different names"),
        (
            ["{}:heat", "--shape", "16", "--grid", "3x3", "--no-timing"],
            1,
            "shape (3, 3) has 9 entries, but the state has 16",
        ),
        (["{}:heat", "--shape", "16", "--solve", "1", "--method", "Magic", "--no-timing"], 1, "'Magic'"),
    ],
)
def test_complaints(
    solver: str, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = said(capsys, [part.format(solver) for part in arguments], code)
    assert message.replace("{{", "{").replace("}}", "}") in err


def test_a_maker_that_returns_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.py").write_text("def make():\n    return 3\n")
    _, err = said(capsys, [f"{tmp_path / 'odd.py'}:make"], 2)
    assert "returned int, but without --u0 and --shape it must return (f, u0)" in err
    (tmp_path / "typo.py").write_text("import numpy as np\nx = np.nothing\n")
    _, err = said(capsys, [f"{tmp_path / 'typo.py'}:make"], 1)
    assert "failed at line 2 of typo.py: AttributeError" in err and f"importing {tmp_path / 'typo.py'}" in err


def test_a_solve_that_fails_and_one_that_is_interrupted(
    solver: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "ones.npy", np.ones(4))
    arguments = [f"{solver}:explosive", "--u0", str(tmp_path / "ones.npy"), "--no-timing", "--solve", "2"]
    out, err = said(capsys, arguments, 1)
    assert "stopped     at t = 0.9999" in out and err.startswith("symnum: BDF")

    def interrupt(self: ShownProgress, t: float, steps: int) -> None:
        if steps == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(ShownProgress, "__call__", interrupt)
    out, err = said(capsys, [f"{solver}:make", "--no-timing", "--solve", "1"], 130)
    assert "interrupted" in err and "stopped     at t = " in out
