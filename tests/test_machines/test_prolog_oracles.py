"""Horn programs beside their oracles: an SLD solver of the tests, and SWI-Prolog where there is one; the order of answers included."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random

import pytest
import sld
from horn_programs import APPEND, CASES, QUEENS, REVERSE, random_case

from symnum.rewriting.machines import compiled, rmc

SWIPL = shutil.which("swipl")
needs_swipl = pytest.mark.skipif(
    SWIPL is None, reason="swipl is not installed (Debian and Ubuntu: apt-get install swi-prolog-nox)"
)

_BEFORE = """
:- set_prolog_flag(occurs_check, true).
:- style_check(-discontiguous).
:- style_check(-singleton).
shown(Vs) :- copy_term(Vs, Cs), term_variables(Cs, Ns), numbered(Ns, 0),
    write_term(Cs, [quoted(true), numbervars(true), spacing(standard)]), nl.
numbered([], _).
numbered(['$VAR'(N)|Vs], N) :- M is N + 1, numbered(Vs, M).
"""


def swipl(program: str, query: str, names: Iterable[str], most: int = 1000) -> list[str]:
    """Return the answers of SWI-Prolog with the occurs check: a list of values each, variables A, B, ... as they occur."""
    main = f"main :- forall(limit({most}, ({query})), shown([{', '.join(names)}]))."
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.pl"
        file.write_text("\n".join([_BEFORE, program, main]), encoding="utf-8")
        done = subprocess.run(
            [SWIPL or "swipl", "-q", "-g", "main", "-t", "halt", str(file)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def renamed(answer: dict[str, str]) -> str:
    """Return an answer as :func:`swipl` writes it."""
    text = f"[{','.join(answer.values())}]"
    letters: dict[str, str] = {}

    def letter(match: re.Match[str]) -> str:
        n = len(letters)
        return letters.setdefault(match.group(), chr(65 + n % 26) + (str(n // 26) if n >= 26 else ""))

    return re.sub(r"(?<![\w'])[A-Z_]\w*", letter, text)


def test_the_solver_of_the_tests_knows_the_answers() -> None:
    assert [a["Z"] for a in sld.answers(APPEND, "app([1], [2], Z)")] == ["[1,2]"]
    assert len(list(sld.answers(APPEND, "app(X, Y, [1,2,3])"))) == 4
    assert list(sld.answers("p(X, f(X)).", "p(Y, Y)")) == []


@pytest.mark.parametrize("engine", ["compiled", "readable"])
@pytest.mark.parametrize("program, query", CASES)
def test_answers_and_their_order(program: str, query: str, engine: str) -> None:
    if engine == "readable" and "6" in query:
        query = query.replace("6", "4")
    found = rmc.prolog(program, query, limit=None, engine=engine)
    assert list(found) == list(sld.answers(program, query))
    assert found.stopped == "exhausted"


def test_random_programs_have_the_answers_of_the_solver() -> None:
    choice = Random(3)
    count = 0
    for number in range(150):
        program, query = random_case(choice)
        wanted = list(islice(sld.answers(program, query), 60))
        limits = compiled.Limits(cells=1 << 12) if number % 2 else None
        assert list(rmc.prolog(program, query, limit=60, limits=limits)) == wanted, f"{program}\n?- {query}"
        if len(wanted) < 10:
            assert list(rmc.prolog(program, query, limit=60, engine="readable")) == wanted
        count += len(wanted)
    assert count > 300


@pytest.mark.parametrize("query, most", [("app(X, [a], Y)", 5), ("app(X, Y, Z)", 4)])
def test_infinitely_many_answers_come_in_order(query: str, most: int) -> None:
    wanted = list(islice(sld.answers(APPEND, query), most))
    for engine in ("compiled", "readable"):
        found = rmc.prolog(APPEND, query, limit=most, engine=engine)
        assert list(found) == wanted
        assert found.stopped == "answers"


def test_the_queens() -> None:
    """The numbers of solutions are A000170 of the On-Line Encyclopedia of Integer Sequences."""
    counts = [sum(1 for _ in rmc.prolog(QUEENS, f"queens({n}, Qs)", limit=None)) for n in range(1, 9)]
    assert counts == [1, 0, 0, 2, 10, 4, 40, 92]


def test_naive_reverse_of_a_long_list_in_little_memory() -> None:
    items = ",".join(map(str, range(400)))
    (found,) = rmc.prolog(REVERSE, f"rev([{items}], R)", limits=compiled.Limits(cells=1 << 15))
    assert found["R"] == f"[{','.join(map(str, reversed(range(400))))}]"


@needs_swipl
@pytest.mark.parametrize("program, query", CASES)
def test_swi_prolog_gives_the_same_answers_in_the_same_order(program: str, query: str) -> None:
    found = list(rmc.prolog(program, query, limit=None))
    names = list(next(iter(rmc.prolog(program, query)), {"X": ""}))
    if not found:
        names = re.findall(r"\b[A-Z]\w*", query)
    assert list(map(renamed, found)) == swipl(program, query, names)


@needs_swipl
def test_swi_prolog_counts_the_same_queens() -> None:
    for n in (4, 5, 8):
        wanted = swipl(QUEENS, f"queens({n}, Qs)", ["Qs"])
        assert [renamed(a) for a in rmc.prolog(QUEENS, f"queens({n}, Qs)", limit=None)] == wanted


@needs_swipl
def test_swi_prolog_gives_the_same_answers_of_random_programs() -> None:
    choice = Random(5)
    for _ in range(12):
        program, query = random_case(choice)
        found = [renamed(a) for a in rmc.prolog(program, query, limit=40)]
        names = list(dict.fromkeys(re.findall(r"\b[A-Z]\w*", query)))
        assert found == swipl(program, query, names, most=40), f"{program}\n?- {query}"
