"""The loop of the functional machine: Krivine's machine with locations and exits, over flat arrays.

The heap holds triples (code, environment, rest): a link of an environment, or of a stack, has a closure (code and environment) and what
is further out, or below. Address 0 is the empty environment and the empty stack. The continuation is an array of (label, code,
environment). The collector is Cheney's (Communications of the ACM 13, 1970).
"""

from __future__ import annotations

from typing import Any

from symnum.rewriting.machines.compiled.machine_code import kernel, part_of_kernel, pointer

(F_PUSH, F_PUSH_VARIABLE, F_POP, F_EXIT, F_CASE, F_LOOP, F_RUN, F_TRUTH, F_STUCK) = range(9)
"""Instructions; of each the operands are (two numbers, the instruction that follows)."""

(F_GOING, F_DONE, F_PAUSED, F_EMPTY, F_NO_RULE, F_HEAP_FULL, F_CONTINUATION_FULL) = range(7)
"""Why the loop came back."""

(F_CODE, F_ENVIRONMENT, F_FREE, F_WAITING, F_STEPS) = range(5)
"""Slots of the machine's state; F_RULES and the following ones count how often each rule was used."""

RULES = ("push", "pop", "case", "loop", "select", "skip", "run", "truth")
F_RULES = 5
(_PUSH, _POP, _CASE, _LOOP, _SELECT, _SKIP, _RUN, _TRUTH) = range(F_RULES, F_RULES + 8)

TRIPLE = 3
WIDTH = 4
"""Words of an instruction."""


@part_of_kernel
def going(
    code: Any,
    heap: Any,
    heap_room: int,
    tops: Any,
    continuation: Any,
    continuation_room: int,
    state: Any,
    budget: int,
) -> int:
    """Run as :func:`run_functional` does, over pointers."""
    at = state[F_CODE]
    environment = state[F_ENVIRONMENT]
    free = state[F_FREE]
    waiting = state[F_WAITING]
    left = budget
    status = F_GOING
    while True:
        if left == 0:
            status = F_PAUSED
            break
        place = WIDTH * at
        op = code[place]
        one = code[place + 1]
        two = code[place + 2]
        if op <= F_POP and op != F_POP:
            if free + TRIPLE > heap_room:
                status = F_HEAP_FULL
                break
            if op == F_PUSH:
                heap[free] = two
                heap[free + 1] = environment
            else:
                found = environment
                for _ in range(two):
                    found = heap[found + 2]
                heap[free] = heap[found]
                heap[free + 1] = heap[found + 1]
            heap[free + 2] = tops[one]
            tops[one] = free
            free += TRIPLE
            at = code[place + 3]
            state[_PUSH] += 1
        elif op == F_POP:
            found = tops[one]
            if found == 0:
                status = F_EMPTY
                break
            if free + TRIPLE > heap_room:
                status = F_HEAP_FULL
                break
            tops[one] = heap[found + 2]
            heap[free] = heap[found]
            heap[free + 1] = heap[found + 1]
            heap[free + 2] = environment
            environment = free
            free += TRIPLE
            at = code[place + 3]
            state[_POP] += 1
        elif op == F_RUN:
            if two >= 0:  # there is something to do after it
                if waiting + TRIPLE > continuation_room:
                    status = F_CONTINUATION_FULL
                    break
                continuation[waiting] = 0
                continuation[waiting + 1] = two
                continuation[waiting + 2] = environment
                waiting += TRIPLE
            found = environment
            for _ in range(one):
                found = heap[found + 2]
            at = heap[found]
            environment = heap[found + 1]
            state[_RUN] += 1
        elif op == F_EXIT:
            if waiting == 0:
                status = F_DONE
                break
            waiting -= TRIPLE
            if continuation[waiting] == one:
                at = continuation[waiting + 1]
                environment = continuation[waiting + 2]
                state[_SELECT] += 1
            else:
                state[_SKIP] += 1
        elif op == F_CASE or op == F_LOOP:
            if waiting + TRIPLE > continuation_room:
                status = F_CONTINUATION_FULL
                break
            continuation[waiting] = one
            continuation[waiting + 1] = code[place + 3]
            continuation[waiting + 2] = environment
            waiting += TRIPLE
            at = two
            if op == F_CASE:
                state[_CASE] += 1
            else:
                state[_LOOP] += 1
        elif op == F_TRUTH:
            at = code[place + 3]
            state[_TRUTH] += 1
        else:
            status = F_NO_RULE
            break
        left -= 1
    state[F_CODE] = at
    state[F_ENVIRONMENT] = environment
    state[F_FREE] = free
    state[F_WAITING] = waiting
    state[F_STEPS] += budget - left
    return status


@kernel
def run_functional(code: Any, heap: Any, tops: Any, continuation: Any, state: Any, budget: int) -> int:
    """Run until the end, ``budget`` steps, or a need of memory; return the status."""
    return going(
        pointer(code),
        pointer(heap),
        heap.size,
        pointer(tops),
        pointer(continuation),
        continuation.size,
        pointer(state),
        budget,
    )


@part_of_kernel
def moved_triple(old: Any, new: Any, address: int, free: int) -> tuple[int, int]:
    """Return (where a triple is after the collection, the new end); one that was moved has -1 - its address for its code."""
    if address == 0:
        return 0, free
    if old[address] < 0:
        return -1 - old[address], free
    for k in range(TRIPLE):
        new[free + k] = old[address + k]
    old[address] = -1 - free
    return free, free + TRIPLE


@part_of_kernel
def collect_triples(old: Any, new: Any, tops: Any, stacks: int, continuation: Any, state: Any) -> None:
    """Collect as :func:`collect_functional` does, over pointers."""
    free = TRIPLE
    scanned = TRIPLE
    state[F_ENVIRONMENT], free = moved_triple(old, new, state[F_ENVIRONMENT], free)
    for k in range(stacks):
        tops[k], free = moved_triple(old, new, tops[k], free)
    for k in range(0, state[F_WAITING], TRIPLE):
        continuation[k + 2], free = moved_triple(old, new, continuation[k + 2], free)
    while scanned < free:
        new[scanned + 1], free = moved_triple(old, new, new[scanned + 1], free)
        new[scanned + 2], free = moved_triple(old, new, new[scanned + 2], free)
        scanned += TRIPLE
    state[F_FREE] = free


@kernel
def collect_functional(old: Any, new: Any, tops: Any, continuation: Any, state: Any) -> None:
    """Copy what the environment, the stacks and the continuation reach into ``new``, which has as many words as ``old``."""
    collect_triples(
        pointer(old), pointer(new), pointer(tops), tops.size, pointer(continuation), pointer(state)
    )
