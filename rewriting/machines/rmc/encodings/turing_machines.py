"""Turing machines: a state on location q, and the tape as two stacks l and r, the symbol under the head on top of r [R].

Both half-tapes stand on a marker ``#``; before each move, blanks are put where the tape ends.  The dual of the program runs the machine
backwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.machine import answers
from symnum.rewriting.machines.rmc.printer import format
from symnum.rewriting.machines.rmc.results import DEFAULT_LIMITS, Limits
from symnum.rewriting.machines.rmc.syntax import (
    constant,
    constant_name,
    new,
    plus,
    pop,
    push,
    seq,
    star,
    unknown,
)

_MARK = "#"

Table = Mapping[tuple[str, str], tuple[str, str, str]]
"""(state, symbol read) -> (symbol written, "L" or "R", new state)."""


def turing(table: Table, halt: str, blank: str = "0") -> Node:
    """Return the program of a Turing machine: it ends in the state ``halt``.

    Raises ValueError for a move that is neither "L" nor "R".

    >>> print(turing({("a", "0"): ("1", "R", "h")}, "h"))
    (...; q⟨a⟩; r⟨'0'⟩; ['1']l; [h]q)*; q⟨h⟩
    """
    symbols = sorted({blank, *[c for _, c in table], *[written for written, _, _ in table.values()]})
    if _MARK in symbols:
        raise ValueError(f"the symbol {_MARK!r} marks the ends of the tape; use another one")
    grow = [
        plus(
            seq(pop(constant(_MARK), side), push(constant(_MARK), side), push(constant(blank), side)),
            *[seq(pop(constant(c), side), push(constant(c), side)) for c in symbols],
        )
        for side in ("l", "r")
    ]
    moves = [_move(entry, result) for entry, result in table.items()]
    return seq(star(seq(*grow, plus(*moves))), pop(constant(halt), "q"))


def _move(entry: tuple[str, str], result: tuple[str, str, str]) -> Node:
    (state, read), (written, move, after) = entry, result
    begin, end = [pop(constant(state), "q"), pop(constant(read), "r")], push(constant(after), "q")
    if move == "R":
        return seq(*begin, push(constant(written), "l"), end)
    if move != "L":
        raise ValueError(f"the move of state {state!r} at {read!r} is {move!r}; write 'L' or 'R'")
    x = unknown("x")
    return new("x", seq(*begin, pop(x, "l"), push(constant(written), "r"), push(x, "r"), end))


def turing_memory(start: str, tape: Sequence[str] = ()) -> dict[str, tuple[Any, ...]]:
    """Return the memory with which a machine starts on the first symbol of a tape.

    >>> turing_memory("a", "01")
    {'q': (a,), 'l': (#,), 'r': (#, 1, 0)}
    """
    mark = constant(_MARK)
    return {"q": (constant(start),), "l": (mark,), "r": (mark, *[constant(c) for c in reversed(tape)])}


@dataclass(frozen=True, slots=True)
class TuringRun:
    """The tape after a run, from left to right, the place of the head in it, and the steps of the relational machine."""

    tape: str
    head: int
    steps: int


def run_turing(
    table: Table,
    start: str,
    halt: str,
    tape: Sequence[str] = (),
    *,
    blank: str = "0",
    limits: Limits = DEFAULT_LIMITS,
) -> TuringRun | None:
    """Run a Turing machine, and return None where it stops without having reached its last state.

    Symbols must be single characters for the tape to be read.  Raises TimeoutError at a limit.

    >>> busy = {("A", "0"): ("1", "R", "B"), ("A", "1"): ("1", "L", "B"), ("B", "0"): ("1", "L", "A"), ("B", "1"): ("1", "R", "H")}
    >>> run_turing(busy, "A", "H").tape.count("1")
    4
    """
    found = answers(turing(table, halt, blank), turing_memory(start, tape), search="depth", limits=limits)
    answer = next(found, None)
    if answer is None:
        if not found.report.exhausted:
            raise TimeoutError(f"the machine has not stopped: {found.report.why}")
        return None
    left, right = [
        [constant_name(v) or format(v) for v in answer.memory.get(side, ())[1:]] for side in ("l", "r")
    ]
    return TuringRun("".join([*left, *reversed(right)]), len(left), found.report.steps)
