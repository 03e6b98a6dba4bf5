"""Ground multiset rewriting: exact interaction nets, chemical programs and rules over cells in any order [R].

Cells are ground values on location m.  A rule picks cells out of the heap, by moving others to location t and back, and puts cells with
fresh names; names come from a counter on location k.  As all values are ground, unification is matching.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.encodings.arithmetic import natural
from symnum.rewriting.machines.rmc.parser import value
from symnum.rewriting.machines.rmc.results import Answer
from symnum.rewriting.machines.rmc.syntax import constant, function, new, plus, pop, push, seq, star, unknown
from symnum.rewriting.machines.rmc.unification import unbound

_CELL = "cell"
_MARK = "#"


@dataclass(frozen=True, slots=True)
class GroundRule:
    """Cells taken and cells put, as values with unknowns; unknowns that only the right-hand side has become fresh names.

    ``GroundRule(["s(P, X)", "add(P, Y, R)"], ["s(R, W)", "add(X, Y, W)"])`` is one step of addition, W a new wire.
    """

    left: Sequence[str]
    right: Sequence[str]


def multiset_rewriting(rules: Iterable[GroundRule]) -> Node:
    """Return the program that applies rules any number of times, each to any cells.

    >>> from symnum.rewriting.machines import rmc
    >>> program = multiset_rewriting([GroundRule(["coin(X)", "coin(Y)"], ["pair(X, Y)"])])
    >>> [sorted(map(str, cells_of(a))) for a in rmc.run(program, multiset_memory(["coin(a)", "coin(b)"]), search="tabled")]
    [['coin(a)', 'coin(b)'], ['pair(b, a)'], ['pair(a, b)']]
    """
    return star(plus(*map(_step, rules)))


def _step(rule: GroundRule) -> Node:
    left, right = [[value(text) for text in side] for side in (rule.left, rule.right)]
    known = [u for term in left for u in unbound(term, {})]
    fresh = [u for u in dict.fromkeys([u for term in right for u in unbound(term, {})]) if u not in known]
    steps = [_pick(term) for term in left]
    for name in fresh:
        steps += [pop(name, "k"), push(function("s", name), "k")]
    steps += [push(function(_CELL, term), "m") for term in right]
    return new(dict.fromkeys([*known, *fresh]), seq(*steps))


def _pick(pattern: Any) -> Node:
    """Return the program that takes one cell out of the heap; the mark on t says that all others are back."""
    cell = function(_CELL, unknown("cell"))
    there = new("cell", seq(pop(cell, "m"), push(cell, "t")))
    back = new("cell", seq(pop(cell, "t"), push(cell, "m")))
    mark = constant(_MARK)
    return seq(star(there), pop(function(_CELL, pattern), "m"), star(back), pop(mark, "t"), push(mark, "t"))


def multiset_memory(cells: Iterable[str], names: int = 0) -> dict[str, tuple[Any, ...]]:
    """Return the memory that holds cells; fresh names are Peano numbers from ``names`` on, of which the cells must use none."""
    return {
        "m": tuple([function(_CELL, value(text)) for text in cells]),
        "t": (constant(_MARK),),
        "k": (natural(names),),
    }


def cells_of(answer: Answer) -> tuple[Any, ...]:
    """Return the cells of an answer, from the bottom of the heap."""
    return tuple([cell.args[0] for cell in answer.memory.get("m", ())])
