"""Timing for the benchmark tables: least time over rounds, peers in their own process with a time limit.

A row is a dict: ``name`` of the workload, ``peer``, ``ours_seconds``, ``peer_seconds`` (None: not finished within the limit),
``ratio`` peer/ours, and ``bound``, the figure to reach in words.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
LIMIT = 60.0
"""Seconds that a peer gets for one workload before it counts as not finished."""


def least(function: Callable[[], Any], *, rounds: int = 5, seconds: float = 2.0) -> float:
    """Return the least wall time of one call, in seconds; stops early after ``seconds`` in all, but never before one call."""
    best = float("inf")
    started = time.perf_counter()
    for _ in range(rounds):
        gc.collect()
        begin = time.perf_counter()
        kept = function()
        best = min(best, time.perf_counter() - begin)
        del kept
        if time.perf_counter() - started > seconds:
            break
    return best


def per_call(function: Callable[[], Any], *, seconds: float = 0.3, rounds: int = 5) -> float:
    """Return the least mean time of a call over loops long enough to be measured, in seconds."""
    function()
    count = 1
    while True:
        begin = time.perf_counter()
        for _ in range(count):
            function()
        spent = time.perf_counter() - begin
        if spent > seconds / 10:
            break
        count *= 4
    best = spent / count
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(count):
            function()
        best = min(best, (time.perf_counter() - begin) / count)
    return best


def in_own_process(module: str, function: str, *arguments: Any, limit: float = LIMIT) -> Any:
    """Return what ``module.function(*arguments)`` of this folder returns, computed in a fresh process; None past the limit.

    A missing peer (ImportError) gives the text "not installed".
    """
    code = (
        f"import sys, json; sys.path.insert(0, {str(Path(__file__).parent)!r}); sys.setrecursionlimit(100000)\n"
        f"import {module}\nprint('RESULT', json.dumps({module}.{function}(*json.loads(sys.argv[1]))))"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(arguments)], capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return None
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[len("RESULT ") :])
    if "ModuleNotFoundError" in done.stderr:
        return "not installed"
    raise RuntimeError(f"{module}.{function}{arguments} failed:\n{done.stderr[-2000:]}")


def row(
    name: str, peer: str, ours: float, theirs: float | None, bound: str = "", least_ratio: float | None = None
) -> Row:
    """Return a table row; ``least_ratio`` is the ratio that counts as reached."""
    ratio = None if theirs is None else theirs / ours
    floor = LIMIT / ours if theirs is None else theirs / ours
    reached = None if least_ratio is None else floor >= least_ratio
    return dict(
        name=name,
        peer=peer,
        ours_seconds=ours,
        peer_seconds=theirs,
        ratio=ratio,
        bound=bound,
        reached=reached,
    )


def limit_row(name: str, ours: float, most: float, bound: str) -> Row:
    """Return a row that compares our own time with a stated limit."""
    return dict(
        name=name,
        peer="limit",
        ours_seconds=ours,
        peer_seconds=most,
        ratio=most / ours,
        bound=bound,
        reached=ours <= most,
    )


def count_row(
    name: str, peer: str, ours: float, theirs: float, unit: str, bound: str = "", most: float | None = None
) -> Row:
    """Return a row of counts instead of times; ``most`` is the count that counts as reached."""
    return dict(
        name=name,
        peer=peer,
        ours_seconds=ours,
        peer_seconds=theirs,
        ratio=theirs / ours if ours else float("inf"),
        bound=bound,
        reached=None if most is None else ours <= most,
        unit=unit,
    )


def rate_row(
    name: str, peer: str, ours: float, theirs: float, bound: str = "", least: float | None = None
) -> Row:
    """Return a row of percentages, where more is better: the ratio is ours/peer; ``least`` is the rate that counts as reached."""
    return dict(
        name=name,
        peer=peer,
        ours_seconds=ours,
        peer_seconds=theirs,
        ratio=ours / theirs if theirs else float("inf") if ours else 1.0,
        bound=bound,
        reached=None if least is None else ours >= least,
        unit="%",
    )


def amount_text(value: float | None, unit: str | None) -> str:
    """Return a count with its unit, or a duration where there is none.

    >>> amount_text(29965, "operations")
    '29,965 operations'
    """
    return (
        seconds_text(value)
        if unit is None or value is None
        else f"{value:,.6g} {unit}"
        if value < 1e6
        else f"{value:,.0f} {unit}"
    )


def seconds_text(value: float | None) -> str:
    """Return a duration in the unit that suits it.

    >>> seconds_text(0.0123)
    '12.3 ms'
    """
    if value is None:
        return f"> {LIMIT:.0f} s"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
