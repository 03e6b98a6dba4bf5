"""A copying collector for the heap of the relational machine.

Cheney's algorithm (Communications of the ACM 13, 1970) on cells, as Touati and Hama (1988) have it for logic programs: a reference to
a variable inside of a structure moves the variable alone, and the structure, when it comes, refers to it. After a collection all
choice points have the new top of the heap for theirs, so that what survives is older than all of them and is trailed when bound.
"""

from __future__ import annotations

from typing import Any

from symnum.rewriting.machines.compiled.cells import (
    ARITY_BITS,
    CHOICE_TOP,
    F_DEPTH,
    F_GOAL,
    F_SAVED,
    F_TOP,
    F_TRAIL,
    HEADER,
    LAST_CHOICE,
    MOVED,
    MOVED_BLOCK,
    PAIR,
    REF,
    STRUCTURE,
    TAG,
    TAG_BITS,
    TOP,
    TRAIL_TOP,
)
from symnum.rewriting.machines.compiled.machine_code import kernel, part_of_kernel, pointer


@part_of_kernel
def move(old: Any, new: Any, address: int, top: int, mark: int) -> None:
    """Move one cell; what is in the new space already is marked MOVED there until it is scanned."""
    cell = old[address]
    tag = cell & TAG
    if tag == MOVED or tag == MOVED_BLOCK:
        new[top] = (cell & ~TAG) | MOVED
    elif cell == address << TAG_BITS:
        new[top] = top << TAG_BITS | MOVED
    else:
        new[top] = cell
    old[address] = top << TAG_BITS | mark


@part_of_kernel
def moved(old: Any, new: Any, cell: int, top: int, kept: int) -> tuple[int, int]:
    """Return (what a cell is after the collection, the new top); bound variables from ``kept`` on are passed over."""
    tag = cell & TAG
    while tag == REF:
        address = cell >> TAG_BITS
        following = old[address]
        tag = following & TAG
        if tag == MOVED or tag == MOVED_BLOCK:
            return following & ~TAG, top
        if following == cell or address < kept:
            move(old, new, address, top, MOVED)
            return top << TAG_BITS, top + 1
        cell = following
    if tag != STRUCTURE and tag != PAIR:
        return cell, top
    address = cell >> TAG_BITS
    head = old[address]
    if (head & TAG) == MOVED_BLOCK:
        return (head & ~TAG) | tag, top
    count = 2 if tag == PAIR else 1 + ((head >> TAG_BITS) & ((1 << ARITY_BITS) - 1))
    for k in range(count):
        move(old, new, address + k, top + k, MOVED if k else MOVED_BLOCK)
    return top << TAG_BITS | tag, top + count


@part_of_kernel
def collect_all(
    old: Any,
    new: Any,
    trail: Any,
    choices: Any,
    registers: Any,
    live: int,
    tops: Any,
    stacks: int,
    state: Any,
) -> None:
    """Collect as :func:`collect` does, over pointers."""
    last = state[LAST_CHOICE]
    kept = choices[last + F_TOP] if last >= 0 else 0
    top = 0
    for k in range(live):
        registers[k], top = moved(old, new, registers[k], top, kept)
    for k in range(stacks):
        tops[k], top = moved(old, new, tops[k], top, kept)
    frame = 0
    while frame < state[CHOICE_TOP]:
        choices[frame + F_GOAL], top = moved(old, new, choices[frame + F_GOAL], top, kept)
        size = F_SAVED + stacks + choices[frame + F_DEPTH]
        for k in range(F_SAVED, size):
            choices[frame + k], top = moved(old, new, choices[frame + k], top, kept)
        frame += size
    scanned = 0
    while scanned < top:
        cell = new[scanned]
        tag = cell & TAG
        if tag == MOVED:
            new[scanned] = cell & ~TAG
        elif tag != HEADER:
            new[scanned], top = moved(old, new, cell, top, kept)
        scanned += 1
    frame = 0
    read = 0
    written = 0
    while True:
        end = choices[frame + F_TRAIL] if frame < state[CHOICE_TOP] else state[TRAIL_TOP]
        while read < end:
            cell = old[trail[read]]
            if (cell & TAG) == MOVED or (cell & TAG) == MOVED_BLOCK:
                trail[written] = cell >> TAG_BITS
                written += 1
            read += 1
        if frame >= state[CHOICE_TOP]:
            break
        choices[frame + F_TRAIL] = written
        choices[frame + F_TOP] = top
        frame += F_SAVED + stacks + choices[frame + F_DEPTH]
    state[TRAIL_TOP] = written
    state[TOP] = top


@kernel
def collect(
    old: Any, new: Any, trail: Any, choices: Any, registers: Any, live: int, tops: Any, state: Any
) -> None:
    """Copy what the first ``live`` registers, the stacks and the choice points reach into ``new``.

    ``new`` must have as many cells as are in use of ``old``.
    """
    collect_all(
        pointer(old),
        pointer(new),
        pointer(trail),
        pointer(choices),
        pointer(registers),
        live,
        pointer(tops),
        tops.size,
        pointer(state),
    )
