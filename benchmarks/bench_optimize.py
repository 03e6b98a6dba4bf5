"""Optimising reaction networks: operations and time, beside SymPy, SymEngine and CasADi."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import Row, count_row, in_own_process, least, limit_row, row

import symnum as sn
from symnum import term as interface
from symnum.pde import ReactionNetwork
from symnum.rewriting import ops, optimize_report

NETWORKS = Path(__file__).resolve().parents[2] / "shared" / "data" / "networks"
PUBLISHED = {"bcr": (29_965, 2.0), "egfr_net": (12_288, None), "multisite2": (None, None)}
"""File -> (operations to reach, seconds to reach); the counts are those of greedy factoring shared across equations."""


def rows() -> list[Row]:
    """Measure all networks that are there."""
    if not NETWORKS.exists():
        print("the published networks are not there: no rows")
        return []
    found: list[Row] = []
    for name, (most, seconds) in PUBLISHED.items():
        found += _network(name, most, seconds)
    return found


def _network(name: str, most: float | None, seconds: float | None) -> list[Row]:
    rhs = ReactionNetwork.read(NETWORKS / f"{name}.net").rhs
    naive, given = ops.tree(*rhs), ops.dag(*rhs)
    spent = least(lambda: optimize_report(rhs, "ops"), rounds=3, seconds=8.0)
    report = optimize_report(rhs, "ops")
    count = report.cost_after
    label = f"{name}, right-hand side"
    bound = "" if most is None else f"<= {most:,}"
    found = [
        count_row(f"{label}: optimize", "as written", count, naive, "operations"),
        count_row(f"{label}: optimize", "shared fluxes", count, given, "operations", bound, most),
    ]
    if seconds is not None:
        found.append(limit_row(f"{label}: optimize, with its proof", spent, seconds, f"<= {seconds:g} s"))
    error = _relative_error(rhs, report.result)
    found.append(
        count_row(f"{label}: largest relative error, 20 points", "limit", error, 1e-12, "", "<= 1e-12", 1e-12)
    )
    for peer in ("sympy_cse", "symengine_cse", "casadi_instructions"):
        answer: Any = in_own_process("peers_optimize", peer, str(NETWORKS / f"{name}.net"), limit=60.0)
        if answer == "not installed":
            continue
        shown = peer.replace("_", " ")
        if answer is None:
            found.append(row(f"{label}: optimize", f"{shown} (> 60 s)", spent, None))
            continue
        found.append(count_row(f"{label}: optimize", shown, count, answer["operations"], "operations"))
        found.append(row(f"{label}: time to optimize", shown, spent, answer["seconds"]))
    return found


def _relative_error(before: list[Any], after: list[Any]) -> float:
    """Return the largest error relative to the sum of the magnitudes of the addends, which bounds what rounding can do."""
    arguments = interface.free_symbols(*before)
    sizes = []
    for term in before:
        constant, pairs = interface.addends(term)
        total = sn.number(abs(constant))
        for part, coefficient in pairs:
            total = total + abs(coefficient) * part
        sizes.append(total)
    f, g, s = (sn.compile(terms, arguments, target="tape") for terms in (before, after, sizes))
    random = np.random.default_rng(0)
    worst = 0.0
    for _ in range(20):
        point = 10.0 ** random.uniform(-3, 3, len(arguments))
        difference = np.abs(np.array(f(*point)) - np.array(g(*point)))
        worst = max(worst, float(np.max(difference / np.maximum(np.array(s(*point)), 1e-300))))
    return worst


if __name__ == "__main__":
    begin = time.perf_counter()
    for r in rows():
        print(r)
    print(f"{time.perf_counter() - begin:.0f} s")
