"""Soundness: 100,000 random terms through simplify and optimize, their values compared wherever they are defined."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from harness import Row, count_row

import symnum as sn
from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting import OptimizeLimits, optimize_report, simplify_report
from symnum.rewriting.canonical import normal_form

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from values import is_moderate, points, same

TERMS = 100_000
CALLS = 8
"""Most calls of one term: small terms meet the corners of the domains oftener than large ones."""

POINTS = 12
LIMITS = OptimizeLimits(seconds=0.5, search=0.02, egraph_nodes=0)
SATURATED = OptimizeLimits(seconds=0.5, search=0.02, egraph_nodes=16)
"""Short searches: every third term enters the e-graph, all go through the other candidates."""

CHUNK = 500


def rows() -> list[Row]:
    """Run all terms on all cores and count those whose value was changed, or that raised."""
    begin = time.perf_counter()
    compared = {"simplify": 0, "optimize": 0}
    changed: list[str] = []
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        for done, (counts, found) in enumerate(pool.imap_unordered(_chunk, range(TERMS // CHUNK)), 1):
            for name, count in counts.items():
                compared[name] += count
            changed += found
            for line in found:
                print(line, flush=True)
            if done % 10 == 0:
                print(f"{done * CHUNK:,} terms, {len(changed)} changed", file=sys.stderr, flush=True)
    print(f"{time.perf_counter() - begin:.0f} s")
    found_rows = []
    for name, count in compared.items():
        bad = sum(line.startswith(name) for line in changed)
        found_rows.append(
            count_row(
                f"{name}: values changed or errors, {TERMS:,} random terms, {count:,} values compared",
                "limit",
                bad,
                0,
                "values",
                "0",
                0,
            )
        )
    return found_rows


def _chunk(seed: int) -> tuple[dict[str, int], list[str]]:
    """Return how many values were compared for each function, and a line for each that was changed."""
    rng = random.Random(seed)
    counts = {"simplify": 0, "optimize": 0}
    changed = []
    for number in range(CHUNK):
        term = random_term(rng, "tree" if number % 5 == 0 else "interned")
        sampled = points(interface.free_symbols(term), seed * CHUNK + number)[:POINTS]
        written = normal_form(term)
        moderate = [
            point for point in sampled if is_moderate(term, point) and _is_what_it_says(term, written, point)
        ]
        limits = SATURATED if number % 3 == 0 else LIMITS
        functions: dict[str, Callable[[Any], Any]] = {
            "simplify": lambda t: simplify_report(t, trace=False).result,
            "optimize": lambda t, limits=limits: optimize_report(t, "table_cycles", limits=limits).result[0],  # type: ignore[misc]
        }
        for name, function in functions.items():
            try:
                result = function(term)
            except Exception as problem:  # each is a row of the table, and none ends the run
                changed.append(f"{name}: {term} ({interface.backend_of(term)}) raised {problem!r}")
                continue
            counts[name] += len(moderate)
            changed += [
                f"{name}: {term} became {result}, at {point}"
                for point in moderate
                if not same(term, result, point)
            ]
    return counts, changed


def _is_what_it_says(term: Any, written: Any, point: dict[Any, Any]) -> bool:
    """Tell whether a term is its normal form at a point; a - a is 0 by convention, also where nan below a comparison says otherwise."""
    try:
        undefined = any(v != v for v in sn.evaluate(list(interface.postorder(term)), point))
        return not undefined or sn.evaluate(term, point) == sn.evaluate(written, point)
    except ZeroDivisionError:
        return False  # an exact 0 below the bar: there is no value to compare


def random_term(rng: random.Random, backend: str) -> Any:
    """Return a random well-sorted term over the whole operator table, its parts shared."""
    from symnum.symbols import backend_module

    module = backend_module(backend)
    leaves = {
        "real": [
            *sn.symbols("x y", backend=backend),
            sn.symbols("p", positive=True, backend=backend),
            sn.symbols("q", negative=True, backend=backend),
            sn.symbols("n", sort="integer", backend=backend),
            *[module.number(v) for v in (0, 1, -1, 2, -2, 3, Fraction(1, 2), Fraction(-3, 2))],
        ],
        "boolean": [sn.symbols("f", sort="boolean", backend=backend), module.number(True)],
    }
    pool: dict[str, list[Any]] = {"real": [], "boolean": []}
    names = [name for name, row in OPERATORS.items() if row.arity[1] != 0 and name != "hold"]
    result = rng.choice(leaves["real"])
    for _ in range(rng.randint(2, CALLS)):
        # half of all calls are arithmetic, as in what people write
        head = rng.choice(("+", "*", "^", "-", "/")) if rng.random() < 0.5 else rng.choice(names)
        made = module.make(head, list(_arguments(rng, head, leaves, pool)))
        if interface.is_number(made) and not isinstance(interface.value(made), bool):
            value = interface.value(made)
            if isinstance(value, float) or max(abs(value.numerator), value.denominator) > 10**6:
                continue
        kind = "boolean" if interface.sort_of(made) == "boolean" else "real"
        pool[kind].append(made)
        result = made
    return result


def _arguments(
    rng: random.Random, head: str, leaves: dict[str, list[Any]], pool: dict[str, list[Any]]
) -> Iterator[Any]:
    row = OPERATORS[head]
    low, high = row.arity
    branch = rng.choice(("real", "real", "boolean"))
    for i in range(rng.randint(max(low, 2), 3) if high is None else high):
        kind = row.argument_sorts[min(i, len(row.argument_sorts) - 1)]
        kind = branch if kind == "any" else "real" if kind == "integer" else kind
        known = pool[kind]
        yield rng.choice(known[-3:]) if known and rng.random() < 0.6 else rng.choice(leaves[kind])
