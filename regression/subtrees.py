"""Sub-tree discovery: parts that good expressions share become variables of a further search.

Xu, Liu and Sun (2024, section 3.3) look for the part A that the best expressions have in common, and search f in A + f, A*f, A^f and f(A).
With A as a leaf of the enumeration all four are short expressions, and so is A inside a larger one.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from symnum.regression.archive import Archive
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.kernels import fingerprint, usable
from symnum.regression.problem import Problem
from symnum.regression.reductions import Reduction

BEST, PARTS = 40, 3
"""Expressions of each view whose parts are counted, and how many parts become variables."""

LONGEST = 12
"""Tokens that a part may have."""


def common_parts(archive: Archive, evaluator: Evaluator, known: set[int]) -> list[Tokens]:
    """Return the parts that the best expressions share most, equal functions taken as one, none of which is ``known``.

    What is returned becomes known.  A part counts by the rank of the expressions that have it, and longer parts before shorter ones
    that are as frequent.
    """
    grammar, views = evaluator.grammar, archive.views
    counts: Counter[int] = Counter()
    shortest: dict[int, Tokens] = {}
    for view in range(len(views.names)):
        entries = sorted(
            archive.entries(view),
            key=lambda e: (
                evaluator.rows / 2 * float(np.log2(max(e.left, views.floors[view])))
                + grammar.token_bits * len(e.tokens),
                e.text,
            ),
        )[:BEST]
        for rank, entry in enumerate(entries):
            parts = {}
            for start in range(len(entry.tokens)):
                part = entry.tokens[start : grammar.end(entry.tokens, start)]
                if 2 <= len(part) <= LONGEST and np.any(part < len(grammar.variables)):
                    parts[part.tobytes()] = part
            keys = {}
            for part, values in zip(
                parts.values(), evaluator.values(list(parts.values())) if parts else [], strict=True
            ):
                if usable(values) and np.ptp(values) > 0:
                    keys[int(fingerprint(values))] = part
            for key, part in keys.items():
                counts[key] += BEST - rank
                if key not in shortest or len(part) < len(shortest[key]):
                    shortest[key] = part
    ranked = sorted(counts, key=lambda k: (-counts[k] * len(shortest[k]), shortest[k].tobytes()))
    chosen = [key for key in ranked if key not in known][:PARTS]
    known.update(chosen)
    return [shortest[key] for key in chosen]


def enriched(problem: Problem, grammar: Grammar, parts: list[Tokens]) -> Reduction:
    """Return the problem with the parts as further variables."""
    leaves = [np.array([k], np.int16) for k in range(len(grammar.variables))]
    columns = Evaluator(grammar, problem.X).values(parts)
    X = np.vstack([problem.X, columns])
    return Reduction(Problem.of(X.T, problem.y, problem.weights), (*leaves, *parts), None, grammar)
