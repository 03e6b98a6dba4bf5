"""Reaction networks: from the file to machine code, beside SymEngine, CasADi and SciPy by hand."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from harness import Row, count_row, in_own_process, limit_row, row

NETWORKS = Path(__file__).resolve().parents[2] / "shared" / "data" / "networks"
PEER_SECONDS = 240.0

LIMITS = {
    "first": 1.5,
    "call": 12e-6,
    "call_optimised": 8e-6,
    "jacobian": 0.15,
    "jacobian_compile": 1.5,
    "jacobian_call": 20e-6,
    "jacobian_call_optimised": 12e-6,
}
"""What the largest network has to reach."""

NAMES = {
    "first": "file to first right-hand side, cold process",
    "call": "right-hand side, first tier",
    "call_optimised": "right-hand side, optimised tier",
    "jacobian": "sparse Jacobian, symbolic",
    "jacobian_compile": "sparse Jacobian, compile and first call",
    "jacobian_call": "sparse Jacobian, first tier",
    "jacobian_call_optimised": "sparse Jacobian, optimised tier",
}


def rows() -> list[Row]:
    """Measure the four networks that come with the data, and random ones of growing size."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SYMNUM_CACHE_DIR"] = (
            cache  # no object code of earlier runs; numba keeps its kernels elsewhere
        )
        try:
            in_own_process("ours_network", "prepare", limit=600)
            if NETWORKS.exists():
                for name in ("bcr.net", "egfr_net.net", "multisite2.net", "multistate.net"):
                    found += _network(name, cache)
            found += _scaling(cache)
        finally:
            del os.environ["SYMNUM_CACHE_DIR"]
    return found


def _ours(cache: str, function: str, *arguments: Any) -> dict[str, float]:
    shutil.rmtree(Path(cache) / "native", ignore_errors=True)
    answer: dict[str, float] = in_own_process("ours_network", function, *arguments, limit=600)
    return answer


def _network(name: str, cache: str) -> list[Row]:
    path, title = str(NETWORKS / name), name.removesuffix(".net").removesuffix("_net").upper()
    largest = name == "bcr.net"
    runs = [_ours(cache, "network", path) for _ in range(3)]
    ours = {key: min(run[key] for run in runs) for key in runs[0]}
    peers = {
        "SymEngine LLVM": in_own_process("peers_network", "symengine", path, True, limit=PEER_SECONDS),
        "CasADi VM": in_own_process("peers_network", "casadi", path, True, False, limit=PEER_SECONDS),
        "CasADi C, gcc -O1": in_own_process("peers_network", "casadi", path, True, True, limit=PEER_SECONDS),
        "SciPy sparse by hand": in_own_process("peers_network", "scipy_by_hand", path, limit=PEER_SECONDS),
    }
    found = []
    for key, what in NAMES.items():
        if largest:
            found.append(limit_row(f"{title}: {what}", ours[key], LIMITS[key], f"<= {LIMITS[key]:g} s"))
        for peer, theirs in peers.items():
            if not isinstance(theirs, dict):
                continue
            assert abs(theirs["norm"] / ours["norm"] - 1) < 1e-9, (peer, theirs["norm"], ours["norm"])
            value = theirs.get(key.removesuffix("_optimised"))
            if value is not None:
                found.append(row(f"{title}: {what}", peer, ours[key], value))
    found.append(
        count_row(
            f"{title}: peak memory", "limit", ours["memory"], 600, "MiB", "<= 600 MiB" if largest else "", 600
        )
    )
    found.append(
        count_row(
            f"{title}: operations of the right-hand side and of the Jacobian",
            "",
            ours["operations"],
            ours["jacobian_operations"],
            "operations",
        )
    )
    return found


def _scaling(cache: str) -> list[Row]:
    """Time and memory at ten times the size, beside ten times those of the size before."""
    found = []
    before: dict[str, float] = {}
    for reactions in (1_000, 10_000, 100_000, 1_000_000):
        ours = _ours(cache, "scaled", reactions)
        for key, what in (
            ("first", "arrays to first right-hand side"),
            ("jacobian", "sparse Jacobian, symbolic"),
            ("call", "right-hand side"),
        ):
            if before:
                found.append(
                    row(
                        f"random mass action, {reactions:,} reactions: {what}",
                        "ten times the time before",
                        ours[key],
                        10 * before[key],
                    )
                )
            else:
                found.append(
                    limit_row(
                        f"random mass action, {reactions:,} reactions: {what}", ours[key], ours[key], ""
                    )
                )
        if before:
            found.append(
                count_row(
                    f"random mass action, {reactions:,} reactions: peak memory",
                    "ten times before",
                    ours["memory"],
                    10 * before["memory"],
                    "MiB",
                )
            )
        before = ours
    return found
