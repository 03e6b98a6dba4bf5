"""The command line: results on stdout, complaints on stderr, and exit codes that scripts can trust."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from operator_values import needs_compiler

import symnum as sn
from symnum.cli import main
from symnum.codegen.target import TARGETS

Outcome = tuple[int, str, str]
Call = Callable[..., Outcome]


class Terminal(io.StringIO):
    """A stdin that somebody types into."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def symnum(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give a function that runs the command in this process."""

    def call(*argv: str, stdin: str | None = None) -> Outcome:
        monkeypatch.setattr(sys, "stdin", Terminal() if stdin is None else io.StringIO(stdin))
        code = main(argv)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def process(
    *argv: str, stdin: str = "", module: bool = True, **options: Any
) -> subprocess.CompletedProcess[str]:
    command = (
        [sys.executable, "-P", "-m", "symnum"] if module else [str(Path(sys.executable).with_name("symnum"))]
    )
    return subprocess.run(
        [*command, *argv], input=stdin, capture_output=True, text=True, check=False, **options
    )


# --- formulas ---------------------------------------------------------------------------------------------------------------


def test_simplify(symnum: Call) -> None:
    assert symnum("simplify", "sin(x)^2 + cos(x)^2", "x + x") == (0, "1\n2*x\n", "")


def test_diff(symnum: Call) -> None:
    assert symnum("diff", "x^2*exp(y)", "--wrt", "x") == (0, "2*x*exp(y)\n", "")
    assert symnum("diff", "x^2*exp(y)", "--wrt", "x", "--order", "2") == (0, "2*exp(y)\n", "")
    assert symnum("diff", "x^2*y^3", "--wrt", "x,y") == (0, "6*x*y^2\n", "")
    assert symnum("diff", "x", "--wrt", "t") == (0, "0\n", "")
    assert symnum("diff", "x^2", "--wrt", "x", "--order", "0") == (0, "x^2\n", "")


def test_diff_keeps_what_a_symbol_is_declared_to_be(symnum: Call) -> None:
    code, out, err = symnum("diff", "sqrt(k::positive^2)*t", "--wrt", "k")
    assert (code, out, err) == (0, "t\n", "")


def test_latex(symnum: Call) -> None:
    code, out, err = symnum("diff", "x^3", "--wrt", "x", "--latex")
    x = sn.symbols("x")
    assert (code, out, err) == (0, sn.latex(3 * x**2) + "\n", "")


def test_json_has_one_object_a_line(symnum: Call) -> None:
    code, out, err = symnum("diff", "x^2", "sin(x)", "--wrt", "x", "--order", "2", "--json")
    assert (code, err) == (0, "")
    first, second = map(json.loads, out.splitlines())
    assert first == {"input": "x^2", "wrt": ["x"], "order": 2, "result": "2", "latex": "2"}
    assert second["result"] == "-sin(x)"


def test_formulas_from_a_pipe(symnum: Call) -> None:
    lines = "x^2\n\n# a comment\n  x*y  \n"
    assert symnum("diff", "--wrt", "x", stdin=lines) == (0, "2*x\ny\n", "")
    assert symnum("diff", "sin(x)", "-", "--wrt", "x", stdin=lines) == (0, "cos(x)\n2*x\ny\n", "")


def test_a_bad_line_is_reported_and_the_others_go_on(symnum: Call) -> None:
    code, out, err = symnum("diff", "--wrt", "x", stdin="x^2\n2*(x\nx\n")
    assert (code, out) == (1, "2*x\n1\n")
    first, shown, caret = err.splitlines()
    assert first.startswith("symnum: stdin line 2: ")
    assert "column 3" in first
    assert shown.strip() == "2*(x"
    assert caret.index("^") == shown.index("(")


def test_no_formula(symnum: Call) -> None:
    code, out, err = symnum("diff", "--wrt", "x")
    assert (code, out) == (1, "")
    assert "got no formula; write symnum diff 'x^2 + y'" in err
    assert symnum("diff", "--wrt", "x", stdin="") == (0, "", "")


def test_bad_formulas_have_no_traceback(symnum: Call) -> None:
    for bad in ("sin(x", "x +", "f(x)", "sin(x, y)", "1 + (x > 0)", "__import__('os')", "x..1", "x = 3", ""):
        code, out, err = symnum("diff", bad, "--wrt", "x", stdin="")
        assert (code, out) == (1, ""), bad
        assert err.startswith("symnum: "), bad
        assert "Traceback" not in err


def test_a_formula_that_begins_with_minus(symnum: Call) -> None:
    assert symnum("diff", "--wrt", "x", "--", "-x^2") == (0, "-2*x\n", "")


def test_nothing_is_evaluated(symnum: Call, tmp_path: Path) -> None:
    target = tmp_path / "made"
    code, _, err = symnum("diff", f"open('{target}', 'w')", "--wrt", "x")
    assert code == 1
    assert not target.exists()
    assert err.startswith("symnum: ")


def test_deep_formulas(symnum: Call) -> None:
    depth = 5_000
    code, out, err = symnum("diff", "(" * depth + "x" + "+1)" * depth, "--wrt", "x")
    assert (code, out, err) == (0, "1\n", "")


# --- compile ----------------------------------------------------------------------------------------------------------------


def test_compile_at_a_point(symnum: Call) -> None:
    assert symnum("compile", "x^2 + y", "--args", "x,y", "--at", "x=3,y=1") == (0, "10.0\n", "")
    assert symnum("compile", "x^2 + y", "x > y", "--at", "y=1,x=3") == (0, "10.0 1.0\n", "")
    assert symnum("compile", "x > y", "--at", "y=1,x=3") == (0, "true\n", "")
    assert symnum("compile", "log(x)", "--at", "x=-1") == (0, "nan\n", "")
    code, out, _ = symnum("compile", "x^2", "1/x", "--at", "x=0", "--json")
    assert code == 0
    assert json.loads(out) == {"input": ["x^2", "1/x"], "at": {"x": 0.0}, "result": [0.0, "inf"]}


@pytest.mark.parametrize("target", ["auto", "tape", "numpy", "numba"])
def test_compile_for_each_target(symnum: Call, target: str) -> None:
    code, out, err = symnum("compile", "x*y + 1", "--args", "x,y", "--target", target, stdin="1 2\n3 4\n")
    assert (code, out, err) == (0, "3.0\n13.0\n", "")


def test_compile_prints_the_source(symnum: Call) -> None:
    x = sn.symbols("x")
    expected = sn.compile(sn.sin(x) * 2, [x], target="numpy").source
    for stdin in (None, ""):
        code, out, err = symnum("compile", "2*sin(x)", "--target", "numpy", stdin=stdin)
        assert (code, out.strip(), err) == (0, expected.strip(), "")
    assert (
        symnum("compile", "2*sin(x)", "--target", "numpy", "--emit", "source", stdin="1\n")[1].strip()
        == expected.strip()
    )
    code, out, _ = symnum("compile", "2*sin(x)", "--target", "numpy", "--json")
    assert json.loads(out) == {
        "input": ["2*sin(x)"],
        "args": ["x"],
        "target": "numpy",
        "why": "asked for",
        "operations": 2,
        "source": expected,
    }


def test_compile_reports(symnum: Call) -> None:
    code, out, err = symnum("compile", "x*y + 1", "--target", "numpy", "--report")
    assert (code, err) == (0, "symnum: 2 operations, target numpy: asked for\n")
    assert out.startswith("# a0: x, a1: y\n")
    code, out, err = symnum("compile", "x + 1", "--at", "x=2", "--report")
    assert (code, out) == (0, "3.0\n")
    assert err.startswith("symnum: 1 operation, target tape: auto: the tape, which needs no compile time")
    _, _, err = symnum("compile", "x + 1", "--target", "c", "--report")
    assert err == "symnum: 1 operation, target c: asked for; the first call compiles it\n"


@pytest.mark.parametrize(
    ("target", "suffixes", "begins"),
    [("c", [".c", ".h"], "/* Generated"), ("torch", [".py"], '"""Generated')],
)
def test_compile_writes_files(
    symnum: Call, tmp_path: Path, target: str, suffixes: list[str], begins: str
) -> None:
    file = tmp_path / f"model{suffixes[0]}"
    command = ("compile", "sin(x)^2 + y", "--target", target, "-o", str(file))
    paths = [file.with_suffix(s) for s in suffixes]
    assert symnum(*command, stdin="1 2\n") == (0, "", f"symnum: wrote {', '.join(map(str, paths))}\n")
    assert [p.name for p in sorted(tmp_path.iterdir())] == [p.name for p in paths]
    assert file.read_text().startswith(begins)
    code, out, _ = symnum(*command, "--emit", "source")
    assert code == 0 and out.startswith(begins)
    assert json.loads(symnum(*command, "--json")[1])["operations"] == 3


@needs_compiler
def test_compile_writes_a_file_and_shows_a_value(
    symnum: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path / "cache"))
    command = ("compile", "x^2 + y", "--target", "c", "--args", "x,y", "-o", str(tmp_path / "model.c"))
    code, out, err = symnum(*command, "--at", "x=3,y=1", "--report")
    assert (code, out) == (0, "10.0\n")
    wrote, report = err.splitlines()
    assert wrote == f"symnum: wrote {tmp_path / 'model.c'}, {tmp_path / 'model.h'}"
    assert report.startswith("symnum: 2 operations, target c: asked for; compiled by ")
    assert symnum("compile", "x*y", "--target", "c", stdin="1 2\n3 4\n") == (0, "2.0\n12.0\n", "")


def test_compile_without_what_a_target_needs(symnum: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = symnum("compile", "2.5*x", "--target", "torch", "--at", "x=1")
    assert (code, out) == (1, "")
    assert err.startswith("symnum: target='torch' computes with PyTorch") and "'symnum[torch]'" in err
    assert len(err.splitlines()) == 1
    monkeypatch.setenv("CC", "no-such-compiler")
    code, out, err = symnum("compile", "x", "--target", "c", "--at", "x=1")
    assert (code, out) == (1, "")
    assert "CC names the C compiler 'no-such-compiler'" in err and len(err.splitlines()) == 1


def test_help_lists_the_targets(symnum: Call) -> None:
    out = " ".join(symnum("compile", "--help")[1].split())
    assert f"auto (default), {', '.join(TARGETS)}" in out


def test_rows(symnum: Call) -> None:
    rows = "# measured\n1, 2\n\n3, 4.5\ninf, 1\n"
    assert symnum("compile", "x*y", "--args", "x,y", stdin=rows) == (0, "2.0\n13.5\ninf\n", "")
    assert symnum("compile", "x*y", "--args", "y,x", "--json", stdin="1 2\n") == (
        0,
        '{"at": {"y": 1.0, "x": 2.0}, "result": [2.0]}\n',
        "",
    )
    assert symnum("compile", "x", "-y", "--args", "x,y", stdin="1 2\n")[0] == 2  # -y looks like an option
    assert symnum("compile", "x", "2*y", "--args", "x,y", stdin="1,2\n3,4\n") == (0, "1.0,4.0\n3.0,8.0\n", "")


def test_rows_with_names(symnum: Call) -> None:
    table = "time,y,x\n0,3,1\n1,4,2\n"
    assert symnum("compile", "x - y", stdin=table) == (0, "-2.0\n-2.0\n", "")
    code, out, err = symnum("compile", "x - z", stdin=table)
    assert (code, out) == (1, "")
    assert "stdin line 1 names the columns time, y, x, but none of them is z" in err


def test_bad_rows_are_named_after_the_good_ones(symnum: Call) -> None:
    code, out, err = symnum("compile", "x*y", stdin="1 2\n3\n5 6\n")
    assert (code, out) == (1, "2.0\n")
    assert "stdin line 2 has 1 numbers, but 2 are wanted (x, y): '3'" in err
    code, out, err = symnum("compile", "x*y", stdin="1 2\n# \n3 four\n")
    assert (code, out) == (1, "2.0\n")
    assert "stdin line 3: 'four' is not a number" in err


def test_more_rows_than_one_block(symnum: Call) -> None:
    code, out, _ = symnum("compile", "2*x", stdin="".join(f"{i}\n" for i in range(10_000)))
    assert code == 0
    assert [float(line) for line in out.splitlines()] == [2.0 * i for i in range(10_000)]


def test_formulas_to_compile_from_stdin(symnum: Call) -> None:
    assert symnum("compile", "-", "--at", "x=2", stdin="x^2\nx^3\n") == (0, "4.0 8.0\n", "")
    code, out, err = symnum("compile", "-", "--at", "x=2", stdin="x^2\nx^\n")
    assert (code, out) == (1, "")
    assert err.startswith("symnum: stdin line 2: ")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["x*y", "--args", "x"], "'y'"),
        (["x", "--at", "y=1"], "--at gives no value for x; the arguments are x: write --at x=1"),
        (["x", "--at", "x=1,y=2"], "--at gives y, not an argument"),
        (["x", "--target", "fortran"], "no target 'fortran'"),
        (["x", "--target", "numpy", "-o", "model.py"], "code of the target 'numpy' runs inside symnum only"),
        (["x", "--target", "c", "-o", "model.py"], "'model.py' does not end in '.c'"),
        (["x", "--target", "c", "-o", "double.c"], "cannot be called 'double', which is taken in C"),
        (["x", "--target", "c", "-o", "no/such/folder/model.c"], "No such file or directory"),
        (["x", "--args", "x,x"], "twice"),
        (["x", "--args", "sin"], "'sin' is a word of the formula language"),
        (["x + x::positive", "--args", "x"], "x"),
    ],
)
def test_compile_refuses_by_name(symnum: Call, argv: list[str], message: str) -> None:
    code, out, err = symnum("compile", *argv)
    assert (code, out) == (1, "")
    assert message in err


# --- usage ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "VERB"),
        (["dance"], "invalid choice: 'dance'"),
        (["diff", "x"], "--wrt"),
        (["diff", "x", "--wrt", "2"], "'2' is not a name; write names separated by commas"),
        (["diff", "x", "--wrt", "x", "--order", "-1"], "--order"),
        (["diff", "x", "--wrt", "x", "--order", "two"], "'two' is not a whole number"),
        (["compile", "x", "--at", "x"], "'x' gives no symbol a number; write x=1,y=2.5"),
        (["compile", "x", "--at", "x=one"], "'x=one' gives no symbol a number"),
        (["compile", "x", "--emit", "assembly"], "invalid choice: 'assembly'"),
        (["diff", "x", "--wrt", "x", "--json", "--latex"], "not allowed with"),
    ],
)
def test_wrong_usage_is_two(symnum: Call, argv: list[str], message: str) -> None:
    code, out, err = symnum(*argv)
    assert (code, out) == (2, "")
    assert message in err


def test_help_has_examples_that_work(symnum: Call) -> None:
    code, out, _ = symnum("--help")
    assert code == 0
    for verb in ("demo", "simplify", "diff", "compile", "doctor"):
        assert verb in out
    assert symnum("diff", "x^2*exp(y)", "--wrt", "x", "--order", "2")[1].strip() in out
    assert symnum("diff", "--help")[1].count("examples:") == 1
    assert symnum("compile", "x^2 + y", "--args", "x,y", "--at", "x=3,y=1")[1] == "10.0\n"
    assert symnum("--version") == (0, f"symnum {sn.__version__}\n", "")


def test_an_interrupt_is_130(symnum: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("symnum.diff", interrupted)
    assert symnum("diff", "x", "--wrt", "x") == (130, "", "")


def test_the_demo_says_what_it_lacks(symnum: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(output: str) -> Any:
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib.pyplot")

    monkeypatch.setattr("symnum.demo.main", lacking)
    code, out, err = symnum("demo")
    assert (code, out) == (1, "")
    assert "pip install 'symnum[plot]'" in err
    monkeypatch.setattr("symnum.demo.main", lambda output: print(output) or 0)
    assert symnum("demo", "--output", "a.png") == (0, "a.png\n", "")


# --- as a process -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [True, False])
def test_the_command_and_the_module(module: bool, tmp_path: Path) -> None:
    if not module and not Path(sys.executable).with_name("symnum").exists():
        pytest.skip("the console script is not installed beside this Python")
    done = process("diff", "--wrt", "x", stdin="sin(x)\nx*\n", module=module, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "cos(x)\n"
    assert "stdin line 2" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_noise(tmp_path: Path) -> None:
    code = "import sys; from symnum.cli import main; sys.exit(main(['compile', 'x']))"
    rows = "".join(f"{i}\n" for i in range(200_000))
    (tmp_path / "rows").write_text(rows)
    with open(tmp_path / "rows") as stdin, open(tmp_path / "err", "w") as err:
        writer = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=stdin, stdout=subprocess.PIPE, stderr=err, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "0.0\n"
        writer.stdout.close()
        assert writer.wait(timeout=120) == 141
    assert (tmp_path / "err").read_text() == ""


@pytest.mark.skipif(os.name == "nt", reason="sends the signal of Ctrl-C, which Windows delivers otherwise")
def test_ctrl_c_ends_quietly() -> None:
    import signal

    code = "import sys; from symnum.cli import main; sys.exit(main(['diff', '--wrt', 'x']))"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-u", "-P", "-c", code], text=True, **pipes) as waiting:  # type: ignore[call-overload]
        waiting.stdin.write("x^2\n")
        waiting.stdin.flush()
        assert waiting.stdout.readline() == "2*x\n"  # so it is in the loop now, waiting for the next line
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(timeout=60) == 130
        assert waiting.stderr.read() == ""


def test_starting_loads_only_what_the_verb_needs(tmp_path: Path) -> None:
    code = "import sys; from symnum.cli import main; main(['diff', 'x^2', '--wrt', 'x']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"sympy", "numba", "sklearn", "egglog", "matplotlib", "numpy"} == set()


# --- optimize, calibrate, reports --------------------------------------------------------------------------------------------


def test_optimize_takes_the_formulas_together(symnum: Call) -> None:
    code, out, err = symnum("optimize", "--cost", "ops", "a*b + a*c", "b + c + d")
    assert (code, out, err) == (0, "a*(b + c)\nd + hold(b + c)\n", "")


def test_optimize_reports_on_stderr(symnum: Call) -> None:
    code, out, err = symnum("optimize", "--cost", "ops", "--report", "x^3 + x^2 + x")
    assert (code, out) == (0, "x*(x*(x + 1) + 1)\n")
    assert "cost (ops): 5 -> 4" in err
    assert "evidence: agrees" in err
    assert "candidates" not in err
    assert "candidates" in symnum("optimize", "--cost", "ops", "--trace", "x^3 + x^2 + x")[2]


def test_optimize_prints_json_and_latex(symnum: Call) -> None:
    code, out, _ = symnum("optimize", "--cost", "ops", "--json", "x*y + x*z")
    assert code == 0
    assert json.loads(out) == {
        "input": "x*y + x*z",
        "result": "x*(y + z)",
        "latex": sn.latex(sn.parse("x*(y + z)")),
        "model": "ops",
    }
    assert symnum("optimize", "--latex", "x*y + x*z")[1] == sn.latex(sn.parse("x*(y + z)")) + "\n"


def test_optimize_reads_a_network(symnum: Call, tmp_path: Path) -> None:
    text = "begin species\n1 A() 1\n2 B() 0\nend species\nbegin reactions\n1 1 2 k\nend reactions\n"
    path = tmp_path / "small.net"
    path.write_text("begin parameters\n1 k 2\nend parameters\n" + text)
    assert symnum("optimize", "--network", str(path)) == (0, "-k*s1\nk*s1\n", "")
    code, _, err = symnum("optimize", "--network", str(path), "x")
    assert code == 1
    assert "not both" in err
    path.write_text(text)
    code, _, err = symnum("optimize", "--network", str(path))
    assert code == 1
    assert "small.net, line 6" in err
    assert symnum("optimize", "--network", str(tmp_path / "none.net"))[0] == 1


def test_optimize_complains_about_what_it_cannot_take(symnum: Call) -> None:
    code, out, err = symnum("optimize", "--cost", "flops", "x")
    assert (code, out) == (1, "")
    assert "'flops'" in err
    assert "paper_cycles" in err
    assert symnum("optimize", "x +")[0] == 1
    assert symnum("optimize")[0] == 1


def test_simplify_traces_and_takes_generic_laws(symnum: Call) -> None:
    code, out, err = symnum("simplify", "--trace", "sin(x)^2 + cos(x)^2")
    assert (code, out) == (0, "1\n")
    assert "sin(a)^2 + cos(a)^2 -> 1" in err
    assert "stopped:" in err
    code, out, err = symnum("simplify", "--report", "log(x^2)")
    assert "stopped:" in err
    assert symnum("simplify", "--generic", "log(x^2)")[1] == "2*log(x)\n"


def test_calibrate_measures_and_keeps(symnum: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symnum.rewriting.calibration import measured_cycles

    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path))
    measured_cycles.cache_clear()
    try:
        code, out, err = symnum("calibrate", "--operators", "exp,+")
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == ["exp", "+"]
        assert "cycles-" in err
        code, out, _ = symnum("calibrate", "--operators", "+", "--json")
        assert json.loads(out)["+"] == 1.0
        code, _, err = symnum("calibrate", "--operators", "nope")
        assert code == 1
        assert "nope" in err
    finally:
        measured_cycles.cache_clear()
