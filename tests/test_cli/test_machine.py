"""``symnum machine``: programs of stacks, relations and Horn clauses at the shell; traces as text and as pages; exit codes."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from symnum.cli import main
from symnum.rewriting.machines import fmc
from symnum.rewriting.machines.trace_page import Frame, functional_frames, trace_page

APPEND = "app([],Y,Y).\napp([H|T],Y,[H|Z]) :- app(T,Y,Z).\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    def written(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return written


class Page(HTMLParser):
    """Collect the tags of a page, and the rows of its table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [v for k, v in attrs if k in ("src", "href") and v]
        if tag not in ("meta", "input"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.rows and "script" not in self.open:
            self.rows[-1] += data


def test_functional_programs(write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]) -> None:
    program = write("swap.fmc", "-- exchange two values\n<x>.<y>.[x].[y]\n")
    assert main(["machine", program, "--memory", "λ=p q", "--memory", "c=[1].x"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("c = [1].x\nλ = q p\n", "")
    assert main(["machine", program, "--memory", "λ=1 2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "memory": {"λ": ["2", "1"]}, "exit": "⋆", "steps": 4, "stop": "done", "why": "",
    }  # fmt: skip
    assert main(["machine", write("e.fmc", "[a]out;!e;[b]out")]) == 0
    assert capsys.readouterr().out == "out = a\nexit e\n"
    assert main(["machine", write("n.fmc", "*")]) == 0
    assert capsys.readouterr().out == ""


def test_types_and_normal_forms(write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]) -> None:
    program = write("p.fmc", "[2].<x>.[x].[x + 1]")
    assert main(["machine", program, "--type"]) == 0
    assert main(["machine", program, "--normal-form"]) == 0
    assert main(["machine", program, "--normal-form", "--json"]) == 0
    assert capsys.readouterr().out == 'ρ ⇒ o o ρ\n[2].[3]\n{"normal_form": "[2].[3]"}\n'
    relation = write("r.rmc", "[a]; <a>")
    assert main(["machine", relation, "--normal-form"]) == 0
    assert capsys.readouterr().out == "⋆\n"
    assert main(["machine", write("bad.fmc", "<x>.[x].x"), "--type"]) == 1
    assert "x has type α, but it is run where the type must be α ρ ⇒ σ" in capsys.readouterr().err


def test_relational_programs(write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]) -> None:
    program = write("choice.rmc", "[a]; (<b> + new x. <x>; [x]out)")
    assert main(["machine", program]) == 0
    shown = capsys.readouterr()
    assert shown.out == "out: a\n" and "1 answer" in shown.err
    assert main(["machine", program, "--memory", "c=1 2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["answers"] == [{"unknowns": {}, "memory": {"c": ["1", "2"], "out": ["a"]}}]
    assert main(["machine", write("none.rmc", "[a]; <b>")]) == 0
    assert capsys.readouterr().out == "no answer\n"
    assert main(["machine", write("loop.rmc", "([a])*; <b>"), "--steps", "100", "--search", "breadth"]) == 1
    assert "limit of steps" in capsys.readouterr().err


def test_prolog_programs(write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]) -> None:
    program = write("app.pl", APPEND)
    assert main(["machine", program, "--query", "app(X,Y,[1,2])"]) == 0
    assert capsys.readouterr().out == "X = [], Y = [1,2]\nX = [1], Y = [2]\nX = [1,2], Y = []\n"
    assert main(["machine", program, "--query", "app([],[],[])"]) == 0
    assert main(["machine", program, "--query", "app([],[],[1])"]) == 0
    assert capsys.readouterr().out == "true\nfalse\n"
    assert main(["machine", program, "--query", "app(X,Y,Z)", "--answers", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["answers"]) == 2
    assert main(["machine", program, "--query", "app(X,Y,[1])", "--trace"]) == 0
    shown = capsys.readouterr()
    assert "answer" in shown.err and len(shown.out.splitlines()) == 2


def test_traces_as_text_and_as_pages(
    write: Callable[[str, str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "run.html"
    program = write("p.fmc", "[2].<x>.[x < 3].[<y>.y]out")
    assert main(["machine", program, "--trace", "--html", str(page)]) == 0
    shown = capsys.readouterr()
    assert re.search(r"^ 2  pop +\[true\]", shown.err, re.M) and "wrote" in shown.err
    read = Page(page.read_text(encoding="utf-8"))
    assert read.open == [] and read.links == [], "every tag is closed, and nothing is loaded from elsewhere"
    assert len(read.rows) == 1 + 5 and "push" in read.rows[2] and "⟨y⟩.y" in read.rows[-1]
    for name, text, more in (
        ("r.rmc", "[a]; (<b> + <a>)", []),
        ("p.pl", APPEND, ["--query", "app(X,[],[1])"]),
    ):
        assert main(["machine", write(name, text), "--html", str(page), *more]) == 0
        rows = Page(page.read_text(encoding="utf-8")).rows
        assert any("fails" in row for row in rows) and any("answer" in row for row in rows)


def test_pages_escape_what_they_show() -> None:
    text = trace_page(
        "<b>", "<script>", [Frame(0, "", "</script><i>", (("λ", ("<u>",)),), ("<p>",), "<q>")], "&"
    )
    assert not any(tag in text for tag in ("<u>", "<q>", "<i>", "<h1><b>")) and "&lt;u&gt;" in text
    assert text.count("<script>") == 1 and "&lt;/script&gt;&lt;i&gt;" in text
    frames = functional_frames(fmc.execute("[a]out;!e;[b]out", trace=True).trace)
    assert frames[1].waiting == ("⋆ → [b]out",) and frames[3].stacks == (("out", ("a",)),)


def test_runs_that_end_badly(write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine", write("s.fmc", "[1].c<x>")]) == 1
    shown = capsys.readouterr()
    assert shown.out == "λ = 1\n"
    assert (
        "rule 'pop' found nothing to do: location 'c' is empty where the program pops it (1 steps"
        in shown.err
    )
    assert main(["machine", write("o.fmc", "[<x>.[x].x].<x>.[x].x"), "--steps", "7"]) == 1
    assert "did not end within 7 steps" in capsys.readouterr().err
    assert main(["machine", write("i.fmc", "[1].\n  <3>")]) == 1
    assert "line 2, column 4: '3' stands where the variable of a pop is needed" in capsys.readouterr().err
    assert main(["machine", "missing.fmc"]) == 1
    assert "missing.fmc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["p.txt"], "what is it written in?"),
        (["p.pl"], "is asked something; pass --query"),
        (["p.fmc", "--query", "p(X)"], "--query is for .pl programs"),
        (["p.pl", "--query", "p(X)", "--type"], "--type is for .fmc and .rmc programs"),
        (["p.pl", "--query", "p(X)", "--memory", "a=1"], "--memory is for .fmc and .rmc programs"),
        (["p.fmc", "--memory", "12"], "gives no location a stack"),
        (["p.fmc", "--compiled", "--trace"], "--compiled runs depth first and without a trace"),
        (["p.fmc", "--steps", "0"], "is not a whole number from 1"),
    ],
)
def test_wrong_usage(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine", *arguments]) == 2
    assert problem in capsys.readouterr().err


def test_machine_code_gives_the_same(
    write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text, memory in (
        ("p.fmc", "<f>.[<x>.[x].[x]].<g>.g.f", "λ=q [r]out.⟨_⟩"),
        ("e.fmc", "[a]out;!e;[b]out", "c=1"),
        ("r.rmc", "new x. <x>; ([x] + [f(x)])", "λ=a"),
    ):
        program, shown = write(name, text), []
        for more in ([], ["--compiled"]):
            assert main(["machine", program, "--memory", memory, *more]) == 0
            shown.append(capsys.readouterr().out)
        assert shown[0] == shown[1] != ""
    assert main(["machine", write("s.fmc", "[1].c<x>"), "--compiled"]) == 1
    assert "rule 'pop' found nothing to do" in capsys.readouterr().err
    assert main(["machine", write("w.rmc", "([a])*"), "--compiled", "--answers", "3"]) == 0
    assert capsys.readouterr().out.count("\n") == 3


def test_programs_from_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("[2].<x>.[x*x]"))
    assert main(["machine", "-", "--language", "fmc"]) == 0
    assert capsys.readouterr().out == "λ = 4\n"


def test_ctrl_c_keeps_the_memory_so_far(
    write: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from symnum.rewriting.machines.fmc.environment import EnvironmentMachine

    step = EnvironmentMachine.step

    def interrupted(machine: EnvironmentMachine) -> str:
        if len(machine.memory.get("out", ())) == 3:
            raise KeyboardInterrupt
        return step(machine)

    monkeypatch.setattr(EnvironmentMachine, "step", interrupted)
    assert main(["machine", write("w.fmc", "([1]out)^*")]) == 130
    shown = capsys.readouterr()
    assert shown.out == "out = 1 1 1\n" and "interrupted" in shown.err
    with pytest.raises(KeyboardInterrupt):
        fmc.run("([1]out)^*")
