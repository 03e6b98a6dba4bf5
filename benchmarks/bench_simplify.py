"""Simplify beside SymPy's simplify on identities of the handbooks, and the rate of matching."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness import Row, count_row, in_own_process, least, limit_row, row

import symnum as sn
from symnum import term as interface
from symnum.rewriting import RuleSet, shared_cost, simplify_report

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from identities import CORPUS, HELD_OUT, Identity  # noqa: E402  the path to the table comes first

PAGE = ROOT / "docs" / "benchmarks_simplify.md"
PEER_SECONDS = 10.0
"""What SymPy gets for one expression."""

SHARE, TIMES, SLOWEST = 0.98, 100.0, 1.0
"""To reach: the share of expressions in their shortest form, how many times faster than SymPy, and the longest time."""

VISITS = 300_000
"""Node visits a second that matching with sixty rules has to reach."""


def rows() -> list[Row]:
    """Measure the corpora and the matcher, and write the page with every expression."""
    found = []
    lines = [
        "# Simplify, expression by expression",
        "",
        "Written by `make bench`; do not edit. Each expression of the corpus with its shortest known form, what `sn.simplify` and SymPy's",
        f"`simplify` make of it, and their times; SymPy gets {PEER_SECONDS:g} s for each. A form in bold costs more operations than the "
        "shortest known one.",
        "Sources: AS Abramowitz and Stegun, DLMF, GR Gradshteyn and Ryzhik, HK Hall and Knight; BA Boolean algebra, RA real numbers.",
    ]
    for title, corpus, decisive in (
        ("corpus", CORPUS, True),
        ("expressions held out while the rules were written", HELD_OUT, False),
    ):
        more, table = _corpus(title, corpus, decisive)
        found += more
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", *table]
    PAGE.write_text("\n".join(lines) + "\n")
    return found + _matching()


def _corpus(title: str, corpus: Sequence[Identity], decisive: bool) -> tuple[list[Row], list[str]]:
    answer: Any = in_own_process(
        "peers_simplify",
        "sympy_simplify",
        [identity.text for identity in corpus],
        PEER_SECONDS,
        limit=PEER_SECONDS * len(corpus),
    )
    table = [
        "| expression | shortest known | symnum | SymPy | symnum time | SymPy time | source |",
        "|---|---|---|---|---|---|---|",
    ]
    ratios, times = [], []
    reached = peers = 0
    for identity, (theirs, shown, peer_cost) in zip(corpus, answer):
        term = sn.parse(identity.text)
        shortest = sn.parse(identity.shortest, symbols={s.name: s for s in term.free_symbols})
        most = shared_cost(shortest)[0]
        ours = least(lambda t=term, g=identity.generic: simplify_report(t, generic=g, trace=False), rounds=3)
        result = simplify_report(term, generic=identity.generic, trace=False).result
        good = shared_cost(result)[0] <= most
        peer_good = peer_cost is not None and peer_cost[0] <= most
        reached, peers = reached + good, peers + peer_good
        ratios.append(theirs / ours)
        times.append(ours)
        cells = [
            f"`{identity.text}`",
            f"`{identity.shortest}`",
            _marked(str(result), good),
            _marked(shown, peer_good),
        ]
        source = identity.source + (", almost everywhere" if identity.generic else "")
        cells += [f"{ours * 1e3:.2f} ms", f"{theirs * 1e3:.0f} ms", source]
        table.append(f"| {' | '.join(cells)} |")
    count = len(corpus)
    least_ratio = TIMES if decisive else None
    missed = count - reached
    found = [
        count_row(
            f"{title}, {count} expressions: not in the shortest known form", "SymPy simplify", missed, count - peers, "expressions",
            f"<= {1 - SHARE:.0%}" if decisive else "", (1 - SHARE) * count if decisive else None,
        ),
        row(
            f"{title}: median time of one", "SymPy simplify", statistics.median(times),
            statistics.median(ratios) * statistics.median(times), f">= {TIMES:g}x, median of the ratios" if decisive else "", least_ratio,
        ),
        limit_row(f"{title}: the slowest", max(times), SLOWEST, f"<= {SLOWEST:g} s"),
    ]  # fmt: skip
    return found, table


def _marked(text: str, good: bool) -> str:
    return f"`{text}`" if good else f"**`{text}`**"


# --- matching -------------------------------------------------------------------------------------------------------------------


def sixty_rules() -> RuleSet:
    """Return sixty rules on sums, products, powers and functions, every family that the theories have."""
    from symnum.rewriting import theories

    families = [list(theory) for theory in theories.THEORIES.values()]
    chosen: list[Any] = []
    place = 0
    while len(chosen) < 60:
        chosen += [family[place] for family in families if place < len(family)]
        place += 1
    return RuleSet(chosen[:60], "sixty")


def _matching() -> list[Row]:
    """Visits a second: every distinct node of large terms is asked whether one of sixty rules fires there."""
    rules = sixty_rules()
    found = []
    for name, term in (("determinant by LU, 5x5", _determinant()), ("random program", _program())):
        nodes = interface.node_count(term)
        rounds = max(1, 20_000 // nodes)

        visit = partial(_asked, rules, term, rounds)
        visit()
        spent = least(visit, rounds=7) / (nodes * rounds)
        reference = least(partial(_asked, rules.interpreted(), term), rounds=3) / nodes
        found.append(
            limit_row(
                f"one visit, sixty rules, {name} ({nodes:,} nodes)",
                spent,
                1 / VISITS,
                f">= {VISITS:,} a second",
            )
        )
        found.append(row(f"one visit, sixty rules, {name}", "the same rules interpreted", spent, reference))
    return found


def _asked(rules: RuleSet, term: Any, rounds: int = 1) -> int:
    return sum(1 for _ in range(rounds) for _ in rules.matches(term))


def _determinant() -> Any:
    from bench_representation import determinant_by_lu

    return determinant_by_lu("interned")


def _program() -> Any:
    import programs

    xs = list(sn.symbols("x0:10"))
    values = programs.build(programs.shared_dag(5_000, False), xs, {"sin": sn.sin, "exp": sn.exp})[-10:]
    return sum(values[1:], values[0])
