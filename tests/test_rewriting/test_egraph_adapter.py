"""The one border to egglog: who imports it, how failures come out, and tables in a batch of commands."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import symnum as sn
from symnum.rewriting.egraph import EGraph, EGraphError, EGraphLimits, adapter
from symnum.rewriting.egraph.encoding import PRELUDE

SOURCES = Path(adapter.__file__).resolve().parents[2]


class PanicException(BaseException):
    """Stand in for the class of that name that a Rust panic raises: it is no Exception, and nobody can import it."""


class EggSmolError(Exception):
    """Stand in for egglog's own error."""


def bindings(fail: Callable[[str], None]) -> Any:
    """Return the bindings of egglog, on which each call of the engine is told first."""
    from egglog import bindings as real

    class Failing:
        def __init__(self) -> None:
            self._egraph = real.EGraph()

        def __getattr__(self, name: str) -> Any:
            fail(name)
            return getattr(self._egraph, name)

    return SimpleNamespace(EGraph=Failing, EggSmolError=EggSmolError)


def test_one_module_imports_egglog() -> None:
    folders = [SOURCES / name for name in ("symnum", "rewriting", "regression", "pde")]
    importers = set()
    for file in {path.resolve() for folder in folders for path in folder.rglob("*.py")}:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "egglog" for name in names):
                importers.add(file)
    assert importers == {Path(adapter.__file__).resolve()}


def test_egglog_is_loaded_with_the_first_graph_only() -> None:
    program = (
        "import sys; from symnum.rewriting import EGraph, optimize; print('egglog' in sys.modules);"
        "EGraph(); print('egglog' in sys.modules)"
    )
    output = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (PanicException("index out of bounds"), "PanicException: index out of bounds"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (MemoryError(), "MemoryError:"),
        (EggSmolError("unbound"), "EggSmolError: unbound"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("place", ["parse_program", "run_program", "freeze", "value_to_multiset"])
def test_a_failure_is_told_and_closes_the_engine(
    monkeypatch: pytest.MonkeyPatch, problem: BaseException, told: str, place: str
) -> None:
    failing = False

    def fail(name: str) -> None:
        if failing and name == place:
            raise problem

    monkeypatch.setattr(adapter, "_bindings", lambda: bindings(fail))
    graph = EGraph()
    start = graph.add(sn.parse("x*y + x*z"))
    failing = True
    with pytest.raises(EGraphError) as caught:
        graph.run()
    assert f"with {told}; start again with EGraph(), on smaller terms or with smaller EGraphLimits" in str(
        caught.value
    )
    assert str(caught.value).startswith("egglog failed on ")
    assert caught.value.__cause__ is problem
    failing = False
    with pytest.raises(
        EGraphError, match=f"this e-graph is closed after a failure: {told}.*start again with"
    ):
        graph.run()
    with pytest.raises(EGraphError, match="this e-graph is closed"):
        graph.add(sn.parse("sin(w)"))
    assert graph.extract(start, cost="ops")[0] == start.term


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_failure(monkeypatch: pytest.MonkeyPatch, interrupt: type[BaseException]) -> None:
    waiting = [interrupt()]

    def fail(name: str) -> None:
        if name == "freeze" and waiting:
            raise waiting.pop()

    monkeypatch.setattr(adapter, "_bindings", lambda: bindings(fail))
    engine = adapter.Engine()
    engine.run(PRELUDE)
    with pytest.raises(interrupt):
        engine.read(["Num"])
    assert engine.read(["Num"]) == {"Num": []}


def test_an_error_of_egglog_names_the_command() -> None:
    engine = adapter.Engine()
    with pytest.raises(
        EGraphError, match=r"egglog failed on '\(frobnicate 1\)' with EggSmolError: .*frobnicate"
    ):
        engine.run(["(frobnicate 1)"])
    with pytest.raises(EGraphError, match="closed after a failure: EggSmolError"):
        engine.read(["Num"])
    long = adapter.Engine()
    with pytest.raises(EGraphError) as caught:
        long.run([f"(frobnicate {'x ' * 500})"])
    assert str(caught.value).split(" with ")[0].endswith("x...'")


def test_without_egglog_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "egglog", None)
    with pytest.raises(EGraphError, match=r"needs egglog 13 or 14.*write pip install 'egglog>=13.2,<15'"):
        EGraph()


def test_text_goes_in_and_tables_come_out() -> None:
    engine = adapter.Engine()
    engine.run(
        [
            *PRELUDE,
            "(relation seen (i64 String Bag))",
            "(set (name 0) (Leaf 7))",
            '(set (name 1) (Power (name 0) "1/2"))',
            "(set (name 2) (Mul (multiset-of (name 1) (name 0) (name 0))))",
            '(seen 5 "five" (multiset-of (name 1)))',
        ]
    )
    found = engine.read(["Leaf", "Power", "Mul", "name", "seen"])
    leaf, power, product = (made for _, made in sorted(found["name"]))
    assert len({leaf, power, product}) == 3
    assert found["Leaf"] == [((7,), leaf)]
    assert found["Power"] == [((leaf, "1/2"), power)]
    ((bag,), made) = found["Mul"][0]
    assert sorted(bag) == sorted([leaf, leaf, power]) and made == product
    assert found["seen"] == [((5, "five", (power,)), None)]
    engine.run(["(union (name 0) (name 1))"])
    found = engine.read(["name", "Mul"])
    (one, also_one, _) = (made for _, made in sorted(found["name"]))
    assert one == also_one and found["Mul"][0][0] == ((one, one, one),)


def test_programs_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(adapter, "_bindings", lambda: bindings(calls.append))
    engine = adapter.Engine()
    engine.run([*PRELUDE, *(f"(set (name {i}) (Leaf {i}))" for i in range(100))])
    assert calls.count("run_program") == -(-(len(PRELUDE) + 100) // adapter.BATCH)
    assert len(engine.read(["Leaf"])["Leaf"]) == 100


def test_a_failure_in_the_middle_of_a_run_leaves_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0

    def fail(name: str) -> None:
        nonlocal reads
        reads += name == "freeze"
        if reads == 6:
            raise PanicException("slice index starts at 1 but ends at 0")

    monkeypatch.setattr(adapter, "_bindings", lambda: bindings(fail))
    graph = EGraph(EGraphLimits(seconds=60.0))
    start = graph.add(sn.parse("2*a + 2*b - a*(a + b)"))
    with pytest.raises(EGraphError, match="PanicException: slice index"):
        graph.run()
    assert str(graph.extract(start, cost="ops")[0]) == "(-a + 2)*(a + b)"
