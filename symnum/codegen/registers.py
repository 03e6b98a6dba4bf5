"""Which values of a straight program may share a place: a linear scan over their last uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush


def last_uses(count: int, steps: Sequence[tuple[int, ...]], kept: Sequence[int] = ()) -> list[int]:
    """Return for each of the ``count`` arguments and each step the index of the last step that reads it.

    ``steps`` holds the operands of each step; what is never read has -1, and values in ``kept`` live to the end.
    """
    last = [-1] * (count + len(steps))
    for index, operands in enumerate(steps):
        for operand in operands:
            if operand >= 0:
                last[operand] = index
    for operand in kept:
        if operand >= 0:
            last[operand] = len(steps)
    return last


def allocate(
    count: int,
    steps: Sequence[tuple[int, ...]],
    kept: Sequence[int],
    *,
    placed: Callable[[int], bool] = lambda step: False,
    in_place: Callable[[int], bool] = lambda step: True,
) -> tuple[list[int], int]:
    """Return (register of each step, number of registers).

    Values in ``kept`` keep their register to the end.  Steps for which ``placed(step)`` holds get no register (-1): their
    result has a place elsewhere.  ``in_place(step)`` tells whether a result may take the register of an operand that dies there.
    """
    last = last_uses(count, steps, kept)
    register = [-1] * len(steps)
    free: list[int] = []
    total = 0
    for index, operands in enumerate(steps):
        dying = {o - count for o in operands if o >= count and last[o] == index and register[o - count] >= 0}
        if in_place(index):
            for step in dying:
                heappush(free, register[step])
        if not placed(index):
            if free:
                register[index] = heappop(free)
            else:
                register[index] = total
                total += 1
        if not in_place(index):
            for step in dying:
                heappush(free, register[step])
        if register[index] >= 0 and last[count + index] == -1:
            heappush(free, register[index])
    return register, total
