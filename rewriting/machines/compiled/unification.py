"""Kernels that read and bind cells: dereference, occurs check, unification, structural equality, integer arithmetic.

Walks keep their open ranges of cells on a work array of ``room`` words, (address, cells left), so that depth costs no recursion; the
last cell of a range is taken off before it is entered, so that lists of any length need one range.  A walk that has met many calls
remembers from then on which it met, in a hash table behind the ``room`` words, so that shared parts are not walked again and again.
Arrays are pointers here, see :func:`pointer`.
"""

from __future__ import annotations

from typing import Any

from symnum.rewriting.machines.compiled.arithmetic import (
    ABSOLUTE,
    ADD,
    DIVIDE_DOWN,
    DIVIDE_TO_ZERO,
    GREATER,
    MODULO,
    MULTIPLY,
    NEGATE,
    REMAINDER,
    SIGN,
    SMALLER,
    SUBTRACT,
)
from symnum.rewriting.machines.compiled.cells import (
    ARITY_BITS,
    CLASH,
    INT,
    LEAST_INTEGER,
    MOST_INTEGER,
    NOT_A_NUMBER,
    OVERFLOW,
    PAIR,
    REF,
    RUNNING,
    STRUCTURE,
    TAG,
    TAG_BITS,
    TOO_LONG,
    TRAIL_FULL,
    UNBOUND,
    WORK_FULL,
    ZERO_DIVISOR,
)
from symnum.rewriting.machines.compiled.machine_code import part_of_kernel

NO_WORK = -1
"""What a walk returns that needs a larger work array."""

_MANY = 256
"""Calls that a walk meets before it begins to remember them."""

_MOST_OPERATIONS = 1 << 26
"""Operations that the value of one expression may take: some tenths of a second."""

_ARITIES = (1 << ARITY_BITS) - 1


@part_of_kernel
def deref(heap: Any, cell: int) -> int:
    """Return what a cell stands for: follow references to a value or an unbound variable."""
    while (cell & TAG) == REF:
        following = heap[cell >> TAG_BITS]
        if following == cell:
            return cell
        cell = following
    return cell


@part_of_kernel
def first_argument(cell: int) -> int:
    """Return the address of the first argument of a structure or pair."""
    return (cell >> TAG_BITS) + ((cell & TAG) == STRUCTURE)


@part_of_kernel
def arity(heap: Any, cell: int) -> int:
    """Return how many arguments a structure or pair has."""
    if (cell & TAG) == PAIR:
        return 2
    return (heap[cell >> TAG_BITS] >> TAG_BITS) & _ARITIES


@part_of_kernel
def forget(work: Any, table: int) -> None:
    """Empty the table of a walk, which is (stamp, count, then stamp, one, other for each pair of calls)."""
    work[table] += 1
    work[table + 1] = 0


@part_of_kernel
def was_met(work: Any, table: int, room: int, one: int, other: int) -> int:
    """Return 1 if a pair is in the table, and otherwise add it and return 0, or NO_WORK if the table is full."""
    mask = room // 8 - 1
    stamp = work[table]
    place = (one * 0x9E3779B1 + other * 0x85EBCA77) >> 4 & mask
    while True:
        entry = table + 2 + 3 * place
        if work[entry] != stamp:
            if 2 * work[table + 1] > mask:
                return NO_WORK
            work[table + 1] += 1
            work[entry] = stamp
            work[entry + 1] = one
            work[entry + 2] = other
            return 0
        if work[entry + 1] == one and work[entry + 2] == other:
            return 1
        place = (place + 1) & mask


@part_of_kernel
def occurs(heap: Any, work: Any, room: int, base: int, variable: int, cell: int) -> int:
    """Return 1 if a variable occurs in a term, 0 if not, NO_WORK if the work array (from ``base`` on) is too small to tell."""
    depth = base
    calls = 0
    table = room + room // 2
    while True:
        cell = deref(heap, cell)
        if cell == variable:
            return 1
        tag = cell & TAG
        met = 0
        if tag == STRUCTURE or tag == PAIR:
            calls += 1
            if calls == _MANY:
                forget(work, table)
            if calls >= _MANY:
                met = was_met(work, table, room, cell, 0)
                if met < 0:
                    return NO_WORK
        if met == 0 and (tag == STRUCTURE or tag == PAIR):
            if depth + 2 > room:
                return NO_WORK
            work[depth] = first_argument(cell)
            work[depth + 1] = arity(heap, cell)
            depth += 2
        if depth == base:
            return 0
        address = work[depth - 2]
        cell = heap[address]
        if work[depth - 1] == 1:
            depth -= 2
        else:
            work[depth - 2] = address + 1
            work[depth - 1] -= 1


@part_of_kernel
def unify(
    heap: Any, trail: Any, trail_room: int, work: Any, room: int, a: int, b: int, top: int, kept: int
) -> tuple[int, int]:
    """Make two terms equal; return (RUNNING, CLASH, WORK_FULL or TRAIL_FULL, the new top of the trail).

    Variables below the address ``kept`` are trailed: they are older than the last choice point. Where memory is short the bindings
    made so far are trailed too, and unifying again goes on from them.
    """
    depth = 0
    calls = 0
    while True:
        a = deref(heap, a)
        b = deref(heap, b)
        if a != b:
            tag_a = a & TAG
            tag_b = b & TAG
            if tag_a == REF or tag_b == REF:
                if tag_a != REF or (tag_b == REF and a < b):  # the younger variable refers to the older one
                    a, b = b, a
                    tag_b = tag_a
                if tag_b == STRUCTURE or tag_b == PAIR:
                    found = occurs(heap, work, room, depth, a, b)
                    if found != 0:
                        return (CLASH if found == 1 else WORK_FULL), top
                address = a >> TAG_BITS
                if address < kept:
                    if top >= trail_room:
                        return TRAIL_FULL, top
                    trail[top] = address
                    top += 1
                heap[address] = b
            elif tag_a == tag_b and (
                tag_a == PAIR or (tag_a == STRUCTURE and heap[a >> TAG_BITS] == heap[b >> TAG_BITS])
            ):
                calls += 1
                met = 0
                if calls == _MANY:
                    forget(work, room)
                if calls >= _MANY:
                    met = was_met(work, room, room, a, b)
                if met < 0 or depth + 3 > room:
                    return WORK_FULL, top
                if met == 0:
                    work[depth] = first_argument(a)
                    work[depth + 1] = first_argument(b)
                    work[depth + 2] = arity(heap, a)
                    depth += 3
            else:
                return CLASH, top
        if depth == 0:
            return RUNNING, top
        a = heap[work[depth - 3]]
        b = heap[work[depth - 2]]
        if work[depth - 1] == 1:
            depth -= 3
        else:
            work[depth - 3] += 1
            work[depth - 2] += 1
            work[depth - 1] -= 1


@part_of_kernel
def identical(heap: Any, work: Any, room: int, a: int, b: int) -> int:
    """Return 1 if two terms are the same without binding anything, 0 if not, NO_WORK if the work array is too small to tell."""
    depth = 0
    calls = 0
    while True:
        a = deref(heap, a)
        b = deref(heap, b)
        if a != b:
            tag = a & TAG
            if tag != (b & TAG) or (tag != PAIR and tag != STRUCTURE):
                return 0
            if tag == STRUCTURE and heap[a >> TAG_BITS] != heap[b >> TAG_BITS]:
                return 0
            calls += 1
            met = 0
            if calls == _MANY:
                forget(work, room)
            if calls >= _MANY:
                met = was_met(work, room, room, a, b)
            if met < 0 or depth + 3 > room:
                return NO_WORK
            if met == 0:
                work[depth] = first_argument(a)
                work[depth + 1] = first_argument(b)
                work[depth + 2] = arity(heap, a)
                depth += 3
        if depth == 0:
            return 1
        a = heap[work[depth - 3]]
        b = heap[work[depth - 2]]
        if work[depth - 1] == 1:
            depth -= 3
        else:
            work[depth - 3] += 1
            work[depth - 2] += 1
            work[depth - 1] -= 1


@part_of_kernel
def compute(operation: int, a: int, b: int) -> tuple[int, int]:
    """Return (status, value) of an operation on integers; OVERFLOW where the value does not fit a cell."""
    if operation == ADD:
        value = a + b
    elif operation == SUBTRACT:
        value = a - b
    elif operation == MULTIPLY:
        if abs(float(a) * float(b)) >= 4.0e18:  # the product of two cells may not even fit 64 bits
            return OVERFLOW, 0
        value = a * b
    elif DIVIDE_TO_ZERO <= operation <= REMAINDER:
        if b == 0:
            return ZERO_DIVISOR, 0
        if operation == DIVIDE_DOWN:
            value = a // b
        elif operation == MODULO:
            value = a % b
        else:
            value = abs(a) // abs(b)
            if (a < 0) != (b < 0):
                value = -value
            if operation == REMAINDER:
                value = a - value * b
    elif operation == SMALLER:
        value = min(a, b)
    elif operation == GREATER:
        value = max(a, b)
    elif operation == NEGATE:
        value = -a
    elif operation == ABSOLUTE:
        value = abs(a)
    elif operation == SIGN:
        value = (a > 0) - (a < 0)
    else:  # ITSELF
        value = a
    if value > MOST_INTEGER or value < LEAST_INTEGER:
        return OVERFLOW, 0
    return RUNNING, value


@part_of_kernel
def evaluate(heap: Any, work: Any, room: int, operations: Any, cell: int) -> tuple[int, int]:
    """Return (status, value) of an arithmetic expression; for a status other than RUNNING the value is the cell at fault.

    ``operations[functor]`` is the operation that a functor denotes, or -1.
    """
    depth = 0
    left = _MOST_OPERATIONS
    while True:
        cell = deref(heap, cell)
        tag = cell & TAG
        if tag == STRUCTURE:
            left -= 1
            if left == 0:
                return TOO_LONG, cell
            head = heap[cell >> TAG_BITS] >> TAG_BITS
            if operations[head >> ARITY_BITS] < 0:
                return NOT_A_NUMBER, cell
            if depth + 3 > room:
                return WORK_FULL, cell
            work[depth] = (cell >> TAG_BITS) + 1
            work[depth + 1] = -1  # no argument is known yet
            work[depth + 2] = 0
            depth += 3
            cell = heap[(cell >> TAG_BITS) + 1]
            continue
        if tag == REF:
            return UNBOUND, cell
        if tag != INT:
            return NOT_A_NUMBER, cell
        value = cell >> TAG_BITS
        while True:
            if depth == 0:
                return RUNNING, value
            address = work[depth - 3]
            head = heap[address - 1] >> TAG_BITS
            if (head & _ARITIES) == 2 and work[depth - 1] == 0:
                work[depth - 2] = value
                work[depth - 1] = 1
                cell = heap[address + 1]
                break
            depth -= 3
            if (head & _ARITIES) == 2:
                status, value = compute(operations[head >> ARITY_BITS], work[depth + 1], value)
            else:
                status, value = compute(operations[head >> ARITY_BITS], value, 0)
            if status != RUNNING:
                return status, ((address - 1) << TAG_BITS) | STRUCTURE
