"""Run the benchmarks and write docs/benchmarks.md: every row beside a peer, ratios measured in this one run.

``python benchmarks/run.py [name ...]`` runs the files ``bench_<name>.py``; without names, all of them.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import Row, amount_text

HERE = Path(__file__).parent
TABLE = HERE.parent / "docs" / "benchmarks.md"


def table(rows: list[Row]) -> list[str]:
    """Return the rows as a Markdown table."""
    lines = [
        "| workload | symnum | peer | peer's time | ratio | to reach | reached |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        ratio = (
            "more than " + f"{60 / r['ours_seconds']:.3g}x" if r["ratio"] is None else f"{r['ratio']:.3g}x"
        )
        ratio = "" if r["ratio"] == float("inf") else ratio  # the peer's rate is 0
        reached = {True: "yes", False: "**no**", None: ""}[r.get("reached")]
        unit = r.get("unit")
        ours, theirs = amount_text(r["ours_seconds"], unit), amount_text(r["peer_seconds"], unit)
        lines.append(
            f"| {r['name']} | {ours} | {r['peer']} | {theirs} | {ratio} | {r.get('bound', '')} | {reached} |"
        )
    return lines


def versions() -> str:
    """Return the versions of what was measured."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in (
        "numpy",
        "scipy",
        "numba",
        "sympy",
        "symengine",
        "casadi",
        "py-pde",
        "pyoperon",
        "gplearn",
    ):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def main(names: list[str]) -> int:
    """Run the named benchmarks, print their tables and write the page; timings decide nothing, so the exit status is 0.

    With names only their sections of the page are written anew: the peers of one section are always measured in one run.
    """
    chosen = names or sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    sections = sections_of_page() if names else {}
    missed = 0
    for name in chosen:
        module = importlib.import_module(f"bench_{name}")
        started = time.perf_counter()
        rows = module.rows()
        missed += sum(r.get("reached") is False for r in rows)
        title = (module.__doc__ or name).strip().splitlines()[0].rstrip(".")
        sections[title] = table(rows)
        print(
            f"\n## {title}\n",
            *table(rows),
            f"\n({time.perf_counter() - started:.0f} s)",
            sep="\n",
            flush=True,
        )
    write_page(sections)
    print(f"\nwrote {TABLE.name}; {missed} figures missed")
    return 0


def sections_of_page() -> dict[str, list[str]]:
    """Return {title: lines} of the sections of the page that is there."""
    found: dict[str, list[str]] = {}
    for line in TABLE.read_text().splitlines() if TABLE.exists() else []:
        if line.startswith("## "):
            found[line[3:]] = lines = []
        elif found and line:
            lines.append(line)
    return found


def write_page(sections: dict[str, list[str]]) -> None:
    """Write the page: the head, and the sections in the order of their titles."""
    page = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Least time over rounds; a peer is given 60 s for a workload, in a process of its own.",
        "Ratios are peer/symnum, each section measured in one run on one machine: more than 1 means that symnum is faster.",
        "A `limit` row compares with a stated figure. Where a row counts something, the unit stands beside the number.",
        "",
        f"Machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; {versions()}.",
    ]
    for title in sorted(sections):
        page += ["", f"## {title}", "", *sections[title]]
    TABLE.write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
