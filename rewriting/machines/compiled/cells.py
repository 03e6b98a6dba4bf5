"""Cells, instructions and statuses: the numbers that programs, the heap and the loop of the relational machine are written in.

A cell is an int64 whose low three bits are its tag. A variable is a reference to itself; a structure is the address of a header
cell with its arguments behind it; a list cell, and a stack of the memory, is the address of a pair.
"""

from __future__ import annotations

TAG_BITS = 3
TAG = 7

REF, ATOM, INT, STRUCTURE, PAIR, HEADER, MOVED, MOVED_BLOCK = range(8)
"""Tags. MOVED and MOVED_BLOCK are left behind by the collector: where a cell, or a cell with the block that it begins, went."""

VOID, NEW, OLD = 0, 6, 7
"""Tags of operands in code, beside ATOM and INT: an unnamed variable, the first and a later use of a register."""

ARITY_BITS = 20
"""A header holds functor << ARITY_BITS | arity."""

MOST_INTEGER = (1 << 60) - 1
LEAST_INTEGER = -(1 << 60)
"""The integers that fit beside a tag; others are atoms, which only unify."""

EMPTY = ATOM
"""The cell of atom 0: the empty stack, and the empty list."""

(
    FAIL,
    JUMP,
    POP,
    GET_STRUCTURE,
    GET_PAIR,
    UNIFY,
    PUT_STRUCTURE,
    PUT_PAIR,
    PUSH_STRUCTURE,
    PUSH_PAIR,
    PUSH,
    FRESH,
    SWITCH,
    TRY,
    ANSWER,
    EVALUATE,
    COMPARE,
    TEST,
    MOVE,
) = range(19)
"""Instructions; compiled/assembler.py says what their operands are."""

(
    RUNNING,
    ANSWERED,
    EXHAUSTED,
    PAUSED,
    HEAP_FULL,
    TRAIL_FULL,
    CHOICES_FULL,
    WORK_FULL,
    UNBOUND,
    NOT_A_NUMBER,
    OVERFLOW,
    ZERO_DIVISOR,
    TOO_LONG,
    CLASH,
) = range(14)
"""Why the loop came back."""

(PC, TOP, TRAIL_TOP, LAST_CHOICE, CHOICE_TOP, INFERENCES, CULPRIT, MOST_HEAP) = range(8)
"""Slots of the machine's state between two slices of a run."""

(F_PREVIOUS, F_NEXT, F_END, F_TOP, F_TRAIL, F_DEPTH, F_GOAL, F_SAVED) = range(8)
"""Slots of a choice point; the tops of the stacks and the registers in scope follow from F_SAVED on."""


def cell(tag: int, payload: int) -> int:
    """Return a cell.

    >>> cell(INT, 5)
    42
    """
    return payload << TAG_BITS | tag


def header(functor: int, arity: int) -> int:
    """Return the header cell of a structure."""
    return cell(HEADER, functor << ARITY_BITS | arity)
