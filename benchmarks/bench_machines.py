"""Machine calculi: compiled machines beside the readable ones, Horn programs beside SWI-Prolog, regular expressions beside re.

Times are of the processor, on both sides: SWI-Prolog is another process, whose rounds cannot be taken in turn with ours.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from harness import Row, count_row, in_own_process, limit_row, row
from peers_machines import swi_prolog

from symnum.rewriting.machines import compiled, fmc, rmc
from symnum.rewriting.machines.compiled.relational import Answers
from symnum.rewriting.machines.rmc.encodings.regular import fullmatch
from symnum.rewriting.machines.rmc.horn import encode

REVERSE = """
app([], Y, Y).
app([H|T], Y, [H|Z]) :- app(T, Y, Z).
nrev([], []).
nrev([H|T], R) :- nrev(T, Q), app(Q, [H], R).
times(0, _).
times(N, L) :- N > 0, nrev(L, _), M is N - 1, times(M, L).
"""
QUEENS = """
queens(N, Qs) :- range(1, N, Ns), place(Ns, [], Qs).
range(N, N, [N]).
range(L, N, [L|T]) :- L < N, M is L + 1, range(M, N, T).
place([], Qs, Qs).
place(Left, Safe, Qs) :- sel(Q, Left, Rest), safe(Q, 1, Safe), place(Rest, [Q|Safe], Qs).
sel(X, [X|T], T).
sel(X, [H|T], [H|R]) :- sel(X, T, R).
safe(_, _, []).
safe(Q, D, [P|Ps]) :- Q =\\= P + D, Q =\\= P - D, E is D + 1, safe(Q, E, Ps).
"""
THIRTY = "[" + ",".join(map(str, range(1, 31))) + "]"
INFERENCES = 496
"""Logical inferences of the naive reverse of 30 elements."""

LOOP = "[⟨f⟩.c⟨x⟩.[x]c.[f].f].⟨g⟩.[1]c.[g].g"
"""A program that pushes, pops and runs closures for ever."""


def least(function: Callable[[], Any], *, rounds: int = 5, seconds: float = 2.0) -> float:
    """Return the least processor time of one call, in seconds; stops early after ``seconds`` in all, but never before one call."""
    best, spent = float("inf"), 0.0
    for _ in range(rounds):
        begin = time.process_time()
        function()
        last = time.process_time() - begin
        best, spent = min(best, last), spent + last
        if spent > seconds:
            break
    return best


def machine_rows() -> list[Row]:
    """Compare the compiled machines with the readable ones on the same programs, in transitions of the readable ones."""
    found = []
    program = encode(REVERSE, f"nrev({THIRTY}, R)").program
    ready = compiled.translated(program)
    steps = 0

    def readable() -> None:
        nonlocal steps
        run = rmc.answers(program, search="depth", limits=rmc.Limits(steps=10**9))
        assert len(list(run)) == 1
        steps = run.report.steps

    theirs = least(readable, rounds=3)
    ours = least(lambda: list(compiled.answers(ready)), rounds=200)
    found.append(
        row(
            f"relational machine, naive reverse of 30, {steps:,} transitions: "
            f"{steps / ours / 1e6:.3g} million a second compiled, {steps / theirs / 1e6:.2g} million readable",
            "readable machine",
            ours,
            theirs,
        )
    )
    count = 100_000
    theirs = least(lambda: fmc.execute(LOOP, limits=fmc.RunLimits(steps=count)), rounds=3)
    many = 1_000_000
    ours = (
        least(lambda: compiled.execute(LOOP, limits=compiled.FunctionalLimits(steps=many)), rounds=50)
        * count
        / many
    )
    found.append(
        row(
            f"functional machine, {count:,} steps of a run without end: "
            f"{count / ours / 1e6:.3g} million a second compiled, {count / theirs / 1e6:.2g} million readable",
            "readable machine",
            ours,
            theirs,
        )
    )
    return found


def _run(program: str, query: str) -> tuple[float, int, Answers]:
    """Return the least seconds of a run to its end, how many answers it has, and the run; it is read and compiled before."""
    ready = compiled.translated(encode(program, query).program)
    run = compiled.answers(ready)

    def all_answers() -> None:
        nonlocal run
        run = compiled.answers(ready)
        while run.advance():
            pass

    seconds = least(all_answers, rounds=300, seconds=5.0)
    assert run.report.exhausted
    return seconds, run.report.answers, run


def prolog_rows() -> list[Row]:
    """Compare compiled Horn programs, with the occurs check, with SWI-Prolog, which runs without."""
    found = []
    repeats = 200
    goal = f"times({repeats}, {THIRTY})"
    ours, answers, run = _run(REVERSE, goal)
    assert answers == 1
    inferences = INFERENCES * repeats
    theirs = swi_prolog(REVERSE, goal, rounds=300)
    if theirs is None:
        print("left out SWI-Prolog: swipl is not installed; apt-get install swi-prolog-nox", file=sys.stderr)
    else:
        found.append(
            row(
                f"naive reverse of 30, {repeats:,} times: {inferences / ours / 1e6:.3g} million inferences a second, "
                f"SWI {inferences / theirs / 1e6:.3g} million",
                "SWI-Prolog",
                ours,
                theirs,
                "within 10x",
                1 / 10,
            )
        )
    long, _, run = _run(REVERSE, f"times(20000, {THIRTY})")
    found.append(
        count_row(
            f"naive reverse of 30, 20,000 times ({long:.2g} s): memory of the run",
            "limit",
            8 * run.cells / 2**20,
            64,
            "MB",
            "<= 64 MB",
            64,
        )
    )
    ours, answers, _ = _run(QUEENS, "queens(8, Qs)")
    assert answers == 92
    for optimize in (False, True):
        theirs = swi_prolog(QUEENS, "queens(8, Qs)", rounds=300, optimize=optimize)
        if theirs is not None:
            name = "SWI-Prolog -O" if optimize else "SWI-Prolog"
            found.append(row("all 92 solutions of 8 queens", name, ours, theirs, "within 10x", 1 / 10))
    whole = least(lambda: list(rmc.prolog(QUEENS, "queens(8, Qs)", limit=None)), rounds=100, seconds=5.0)
    found.append(
        limit_row(
            "the same from text to text: read, compiled, run, 92 answers written", whole, 0.1, "<= 0.1 s"
        )
    )
    return found


def regular_rows() -> list[Row]:
    """Compare matching by the tabled machine with backtracking, where the latter takes exponential time."""
    pattern = "(a*)*b"
    found = []
    text = "a" * 24
    ours = least(lambda: fullmatch(pattern, text), rounds=50)
    theirs = in_own_process("peers_machines", "backtracking", pattern, text)
    found.append(row(f"{pattern} on 24 letters a", "Python re", ours, theirs, "faster", 1.0))
    seconds = {count: least(lambda: fullmatch(pattern, "a" * count), rounds=10) for count in (1000, 4000)}  # noqa: B023
    ratio = seconds[4000] / seconds[1000]
    found.append(
        count_row(
            f"{pattern} on 4,000 letters ({seconds[4000] * 1e3:.3g} ms), times the time on 1,000",
            "linear",
            ratio,
            4.0,
            "times",
            "<= 6",
            6.0,
        )
    )
    return found


def load() -> None:
    """Load the machine code, or compile it, before a clock runs; small heaps have the collectors called too."""
    list(rmc.prolog(REVERSE, f"times(9, {THIRTY})", limits=compiled.Limits(cells=1 << 13)))
    compiled.execute(LOOP, limits=compiled.FunctionalLimits(steps=10_000, cells=1 << 10))


def rows() -> list[Row]:
    """Return all rows of this benchmark."""
    load()
    return machine_rows() + prolog_rows() + regular_rows()
