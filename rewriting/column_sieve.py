"""Rule sets on terms in columns: heads and features are looked at by a kernel, and only what passes is asked term by term.

What the kernel decides is what :meth:`symnum.rewriting.compiled.CompiledSet.walk` decides, so that the same rules fire at the same nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum import term as interface
from symnum.backends.arithmetic import as_term
from symnum.backends.columns import SHARED, Column, kernels_serve
from symnum.backends.interned import make
from symnum.columns.sieve import CONSTANT, LEAF, POWER, TERM, Needs, kinds_of, sieved
from symnum.columns.store import Store, reachable
from symnum.columns.table import CALL, OPERATOR, PRODUCT, SUM

if TYPE_CHECKING:
    from symnum.rewriting.compiled import CompiledSet
    from symnum.rewriting.facts import Facts
    from symnum.rewriting.gates import CompiledRule
    from symnum.rewriting.rule_sets import RuleSet
    from symnum.rewriting.rules import Rule

MOST_KINDS = 4096
"""Terms with more kinds of factor are walked node by node."""

_NAMES = {SUM: "+", PRODUCT: "*", POWER: "^", LEAF: "", CONSTANT: "#"}


def _name(store: Store, head: int) -> str:
    return _NAMES[head] if head in _NAMES else store.heads[head - CALL]


def _words(masks: list[int], words: int) -> Any:
    """Return masks as rows of machine words."""
    text = b"".join(mask.to_bytes(8 * words, "little") for mask in masks)
    return np.frombuffer(text, np.dtype("<u8")).reshape(len(masks), words).astype(np.uint64)


def needs_of(compiled: CompiledSet, store: Store) -> tuple[Needs, int]:
    """Return what the rules of a set need at each head of a store, and the number of words of a mask; the last answer is kept."""
    known = tuple(store.heads)
    if compiled.column_needs is None or compiled.column_needs[0] != known:
        compiled.column_needs = (known, _needs_of(compiled, store))
    found: tuple[Needs, int] = compiled.column_needs[1]
    return found


def _needs_of(compiled: CompiledSet, store: Store) -> tuple[Needs, int]:
    features = compiled.features
    words = max(len(features.bits), len(features.addends), 1) // 64 + 1
    rules: list[int] = []
    starts = [0]
    for head in range(CONSTANT, CALL + len(store.heads)):
        if head not in (LEAF, CONSTANT) and (head in _NAMES or head >= CALL):
            rules += [need for entry in compiled.at_head(_name(store, head)) for need in entry.needs]
        starts.append(len(rules))
    return (
        Needs(
            _words(list(features.addends), words),
            _words(list(features.addends.values()), words),
            _words(list(features.inside), words),
            _words(list(features.inside.values()), words),
            _words(rules, words),
            np.array(starts, np.int64),
        ),
        words,
    )


def firing_below(rules: RuleSet, root: Column, facts: Facts) -> list[tuple[Rule, Column, Column]] | None:
    """Return (rule, node, new term) for the nodes of a term where a rule fires, or None where the kernels do not serve."""
    if not kernels_serve([root]):
        return None
    with SHARED.rows([root]) as (store, rows):
        passed = walk(rules.compiled, store, rows[0])
        if passed is None:
            return None
        return [(rule, Column(node), Column(new)) for rule, node, new in rules.first_results(passed, facts)]


def walk(
    compiled: CompiledSet, store: Store, root: int
) -> Iterator[tuple[Any, str, tuple[CompiledRule, ...]]] | None:
    """Yield (interned node, head, rules that pass the first two sieves) where there are such rules; None for too many kinds."""
    table = store.table
    roots = np.array([root], np.int64)
    rows = reachable(table, roots)
    kinds, own, of_factor = kinds_of(table, rows, MOST_KINDS)
    if not len(kinds):
        return None
    needs, words = needs_of(compiled, store)
    of = compiled.features.of_factor
    masks = [
        of(_name(store, head), None if exponent == TERM else store.value(exponent))
        for head, exponent in kinds.tolist()
    ]
    found, passed = sieved(table, roots, rows, own, of_factor, _words(masks, words), needs)
    return _nodes(compiled, store, found, passed) if len(found) else iter(())


def _nodes(
    compiled: CompiledSet, store: Store, found: Any, passed: Any
) -> Iterator[tuple[Any, str, tuple[CompiledRule, ...]]]:
    parts = store.table.parts
    seen: set[Any] = set()
    terms = store.terms(found[:, 0])
    for (row, part, number), term in zip(found.tolist(), terms):
        if part >= 0:
            term = _inner(store, parts, row, part)
        if term in seen:
            continue
        seen.add(term)
        head = interface.head(term)
        candidates = compiled.fill(head, int.from_bytes(passed[number].astype("<u8").tobytes(), "little"))
        if candidates:
            yield term, head, candidates


def _inner(store: Store, parts: Any, row: int, part: int) -> Any:
    """Return the multiple in a sum, or the power in a product, whose coefficient or exponent stands at a place."""
    base, weight = store.terms([int(parts[part - 1]), int(parts[part])])
    if store.table.rows[row, OPERATOR] == SUM:
        return make("*", (weight, base))
    return make("^", (base, as_term(weight)))
