"""SWI-Prolog as a peer: a program and a goal in a process of its own, the goal timed inside of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

_TIMED = """
timed(0, Best, Best) :- !.
timed(N, Best, Least) :-
    statistics(cputime, A), (goal, fail ; true), statistics(cputime, B),
    Next is min(Best, B - A), M is N - 1, timed(M, Next, Least).
main :- timed({rounds}, 1.0e9, T), write('RESULT '), write(T), nl.
"""


def swi_prolog(program: str, goal: str, rounds: int = 5, optimize: bool = False) -> float | None:
    """Return the least CPU time of finding all answers of a goal, in seconds; None where SWI-Prolog is not installed."""
    found = shutil.which("swipl")
    if found is None:
        return None
    text = "\n".join(
        [":- style_check(-singleton).", program, f"goal :- {goal}.", _TIMED.format(rounds=rounds)]
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.pl"
        file.write_text(text, encoding="utf-8")
        flags = ["-O"] if optimize else []
        done = subprocess.run(
            [found, *flags, "-q", "-g", "main", "-t", "halt", str(file)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return float(line.split()[1])


def backtracking(pattern: str, text: str) -> float:
    """Return the seconds that Python's ``re`` takes to match a whole text."""
    import re
    import time

    begin = time.process_time()
    re.fullmatch(pattern, text)
    return time.process_time() - begin
