"""The loop of the relational machine: one kernel that runs a compiled program over flat arrays, a slice at a time.

What the program has and where it stands is in arrays (compiled/cells.py names the slots), so that the loop can come back at any
control instruction (for an answer, at the end of a slice, for more memory) and be entered again as if nothing had happened.

The organisation is that of Warren's abstract machine (SRI Technical Note 309, 1983) without its environments: a relational term has no
procedures, so the variables in scope at a place of the program are registers, and its continuation is the code that follows. Stacks
of the memory are lists on the heap; a choice point keeps their tops.
"""

from __future__ import annotations

from typing import Any

from symnum.rewriting.machines.compiled.arithmetic import (
    AT_LEAST,
    AT_MOST,
    EQUAL,
    IS_BOUND,
    IS_INTEGER,
    IS_VARIABLE,
    LESS,
    MORE,
    NOT_SAME,
    NOT_UNIFIABLE,
    SAME,
)
from symnum.rewriting.machines.compiled.cells import (
    ANSWERED,
    ATOM,
    CHOICE_TOP,
    CHOICES_FULL,
    CLASH,
    COMPARE,
    CULPRIT,
    EMPTY,
    EVALUATE,
    EXHAUSTED,
    F_DEPTH,
    F_END,
    F_GOAL,
    F_NEXT,
    F_PREVIOUS,
    F_SAVED,
    F_TOP,
    F_TRAIL,
    FAIL,
    FRESH,
    GET_PAIR,
    GET_STRUCTURE,
    HEAP_FULL,
    INFERENCES,
    INT,
    JUMP,
    LAST_CHOICE,
    MOVE,
    NEW,
    OLD,
    PAIR,
    PAUSED,
    PC,
    POP,
    PUSH,
    PUSH_PAIR,
    PUSH_STRUCTURE,
    PUT_PAIR,
    PUT_STRUCTURE,
    REF,
    RUNNING,
    STRUCTURE,
    SWITCH,
    TAG,
    TAG_BITS,
    TEST,
    TOP,
    TRAIL_FULL,
    TRAIL_TOP,
    TRY,
    UNIFY,
    VOID,
    WORK_FULL,
)
from symnum.rewriting.machines.compiled.machine_code import kernel, part_of_kernel, pointer
from symnum.rewriting.machines.compiled.unification import (
    NO_WORK,
    compute,
    deref,
    evaluate,
    first_argument,
    identical,
    occurs,
    unify,
)


@part_of_kernel
def bucket_of(keys: Any, mask: int, switch: int, cell: int) -> int:
    """Return the bucket of a principal cell in a switch, or -1; ``keys`` are rows (switch, cell, bucket), switch -1 where empty."""
    place = (cell * 0x9E3779B1 + switch * 0x85EBCA77) >> 4 & mask
    while keys[3 * place] >= 0:
        if keys[3 * place + 1] == cell and keys[3 * place] == switch:
            return keys[3 * place + 2]
        place = (place + 1) & mask
    return -1


@part_of_kernel
def principal(heap: Any, cell: int) -> int:
    """Return what tells a value from others at first sight: an atom or integer itself, the header of a structure, PAIR for pairs."""
    tag = cell & TAG
    if tag == STRUCTURE:
        return heap[cell >> TAG_BITS]
    return PAIR if tag == PAIR else cell


@part_of_kernel
def operand(heap: Any, registers: Any, code_word: int, address: int) -> int:
    """Return what an operand stands for when it is written at an address."""
    tag = code_word & TAG
    if tag == OLD:
        return deref(heap, registers[code_word >> TAG_BITS])
    if tag == NEW or tag == VOID:
        cell = address << TAG_BITS
        if tag == NEW:
            registers[code_word >> TAG_BITS] = cell
        return cell
    return code_word


@part_of_kernel
def read(
    heap: Any,
    trail: Any,
    trail_room: int,
    work: Any,
    room: int,
    registers: Any,
    code: Any,
    operands: int,
    count: int,
    address: int,
    trail_top: int,
    kept: int,
) -> tuple[int, int]:
    """Unify operands with the arguments at an address; return (status, the new top of the trail)."""
    for k in range(count):
        word = code[operands + k]
        tag = word & TAG
        cell = heap[address + k]
        if tag == NEW:
            registers[word >> TAG_BITS] = cell
        elif tag != VOID:
            if tag == OLD:
                word = registers[word >> TAG_BITS]
            if word != cell:
                outcome, trail_top = unify(heap, trail, trail_room, work, room, word, cell, trail_top, kept)
                if outcome != RUNNING:
                    return outcome, trail_top
    return RUNNING, trail_top


@part_of_kernel
def write_checked(
    heap: Any,
    work: Any,
    room: int,
    registers: Any,
    code: Any,
    operands: int,
    count: int,
    address: int,
    variable: int,
) -> int:
    """Write operands at an address, for a structure that a variable will stand for; CLASH where the variable occurs in one."""
    for k in range(count):
        word = operand(heap, registers, code[operands + k], address + k)
        tag = word & TAG
        if word == variable:
            return CLASH
        if tag == STRUCTURE or tag == PAIR:
            found = occurs(heap, work, room, 0, variable, word)
            if found != 0:
                return CLASH if found == 1 else WORK_FULL
        heap[address + k] = word
    return RUNNING


@part_of_kernel
def holds(comparison: int, a: int, b: int) -> bool:
    """Tell whether a comparison of two integers holds."""
    if comparison == LESS:
        return a < b
    if comparison == AT_MOST:
        return a <= b
    if comparison == MORE:
        return a > b
    if comparison == AT_LEAST:
        return a >= b
    return (a == b) == (comparison == EQUAL)


@part_of_kernel
def tested(heap: Any, work: Any, room: int, test: int, a: int, b: int) -> int:
    """Return 1 if a test on terms holds, 0 if not, NO_WORK if the work array is too small to tell."""
    if test == SAME or test == NOT_SAME:
        found = identical(heap, work, room, a, b)
        return found if found < 0 or test == SAME else 1 - found
    tag = a & TAG
    if test == IS_VARIABLE:
        return 1 if tag == REF else 0
    if test == IS_BOUND:
        return 0 if tag == REF else 1
    if test == IS_INTEGER:
        return 1 if tag == INT else 0
    return 1 if tag == ATOM else 0


@part_of_kernel
def loop(
    code: Any,
    keys: Any,
    mask: int,
    switches: Any,
    buckets: Any,
    targets: Any,
    operations: Any,
    heap: Any,
    heap_limit: int,
    trail: Any,
    trail_room: int,
    choices: Any,
    choices_room: int,
    registers: Any,
    tops: Any,
    stacks: int,
    work: Any,
    room: int,
    state: Any,
    kept_registers: int,
    goal_register: int,
    budget: int,
) -> int:
    """Run as :func:`run_relational` does, over pointers."""
    pc = state[PC]
    top = state[TOP]
    trail_top = state[TRAIL_TOP]
    last = state[LAST_CHOICE]
    choice_top = state[CHOICE_TOP]
    kept = choices[last + F_TOP] if last >= 0 else 0

    left = budget
    status = RUNNING
    while True:
        op = code[pc]
        if op == SWITCH or op == TRY:
            if left == 0 or top > heap_limit:
                status = PAUSED if left == 0 else HEAP_FULL
                break
            depth = code[pc + 1]
            goal = EMPTY
            popped = 0
            if op == SWITCH:
                location = code[pc + 2]
                switch = code[pc + 3]
                cell = tops[location]
                if cell == EMPTY:
                    bucket = switches[3 * switch + 0]
                else:
                    goal = deref(heap, heap[cell >> TAG_BITS])
                    if (goal & TAG) == REF:
                        bucket = switches[3 * switch + 1]
                    else:
                        bucket = bucket_of(keys, mask, switch, principal(heap, goal))
                        if bucket < 0:
                            bucket = switches[3 * switch + 2]
                        inner = buckets[5 * bucket + 3]
                        if inner >= 0:  # look at one argument too
                            argument = deref(heap, heap[first_argument(goal) + buckets[5 * bucket + 4]])
                            if (argument & TAG) != REF:
                                bucket = bucket_of(keys, mask, inner, principal(heap, argument))
                                if bucket < 0:
                                    bucket = switches[3 * inner + 2]
                        popped = buckets[5 * bucket + 2]
                start = buckets[5 * bucket + 0]
                end = buckets[5 * bucket + 1]
            else:
                location = 0
                start = code[pc + 2]
                end = code[pc + 3]
            if end - start > 1:
                frame = choice_top
                size = F_SAVED + stacks + depth
                if frame + size > choices_room:
                    status = CHOICES_FULL
                    break
                choice_top = frame + size
                choices[frame + F_PREVIOUS] = last
                choices[frame + F_NEXT] = start + 1
                choices[frame + F_END] = end
                choices[frame + F_TOP] = top
                choices[frame + F_TRAIL] = trail_top
                choices[frame + F_DEPTH] = depth
                choices[frame + F_GOAL] = goal
                for k in range(stacks):
                    choices[frame + F_SAVED + k] = tops[k]
                if popped:
                    choices[frame + F_SAVED + location] = heap[(tops[location] >> TAG_BITS) + 1]
                for k in range(depth):
                    choices[frame + F_SAVED + stacks + k] = registers[kept_registers + k]
                last = frame
                kept = top
            left -= 1
            if end == start:
                pc = 0
            else:
                if popped:
                    tops[location] = heap[(tops[location] >> TAG_BITS) + 1]
                    registers[goal_register] = goal
                pc = targets[start]
        elif op == GET_PAIR or op == GET_STRUCTURE:
            cell = deref(heap, registers[code[pc + 1]])
            address = cell >> TAG_BITS
            if op == GET_PAIR:
                count = 2
                operands = pc + 2
                reads = (cell & TAG) == PAIR
            else:
                count = code[pc + 3]
                operands = pc + 4
                reads = (cell & TAG) == STRUCTURE and heap[address] == code[pc + 2]
                address += 1
            if reads:
                outcome, trail_top = read(
                    heap,
                    trail,
                    trail_room,
                    work,
                    room,
                    registers,
                    code,
                    operands,
                    count,
                    address,
                    trail_top,
                    kept,
                )
            elif (cell & TAG) != REF:
                outcome = CLASH
            elif trail_top == trail_room:
                outcome = TRAIL_FULL
            else:
                made = top << TAG_BITS | PAIR
                address = top
                if op == GET_STRUCTURE:
                    made = top << TAG_BITS | STRUCTURE
                    heap[top] = code[pc + 2]
                    address += 1
                outcome = write_checked(heap, work, room, registers, code, operands, count, address, cell)
                if outcome == RUNNING:
                    top = address + count
                    address = cell >> TAG_BITS
                    if address < kept:
                        trail[trail_top] = address
                        trail_top += 1
                    heap[address] = made
            if outcome == RUNNING:
                pc = operands + count
            elif outcome == CLASH:
                pc = 0
            else:
                status = outcome
                break
        elif op >= PUT_STRUCTURE and op <= PUSH_PAIR:
            if op == PUT_PAIR or op == PUSH_PAIR:
                made = top << TAG_BITS | PAIR
                count = 2
                operands = pc + 2
            else:
                made = top << TAG_BITS | STRUCTURE
                heap[top] = code[pc + 2]
                top += 1
                count = code[pc + 3]
                operands = pc + 4
            for k in range(count):
                heap[top + k] = operand(heap, registers, code[operands + k], top + k)
            top += count
            if op == PUSH_PAIR or op == PUSH_STRUCTURE:
                heap[top] = made
                heap[top + 1] = tops[code[pc + 1]]
                tops[code[pc + 1]] = top << TAG_BITS | PAIR
                top += 2
            else:
                registers[code[pc + 1]] = made
            pc = operands + count
        elif op == PUSH:
            heap[top] = operand(heap, registers, code[pc + 2], top)
            heap[top + 1] = tops[code[pc + 1]]
            tops[code[pc + 1]] = top << TAG_BITS | PAIR
            top += 2
            pc += 3
        elif op == POP:
            cell = tops[code[pc + 1]]
            if cell == EMPTY:
                pc = 0
            else:
                registers[code[pc + 2]] = heap[cell >> TAG_BITS]
                tops[code[pc + 1]] = heap[(cell >> TAG_BITS) + 1]
                pc += 3
        elif op == UNIFY:
            outcome, trail_top = unify(
                heap,
                trail,
                trail_room,
                work,
                room,
                operand(heap, registers, code[pc + 1], 0),
                operand(heap, registers, code[pc + 2], 0),
                trail_top,
                kept,
            )
            if outcome == RUNNING:
                pc += 3
            elif outcome == CLASH:
                pc = 0
            else:
                status = outcome
                break
        elif op == JUMP:
            pc = code[pc + 1]
        elif op == FAIL:
            if last < 0:
                status = EXHAUSTED
                break
            top = choices[last + F_TOP]
            while trail_top > choices[last + F_TRAIL]:
                trail_top -= 1
                heap[trail[trail_top]] = trail[trail_top] << TAG_BITS
            for k in range(stacks):
                tops[k] = choices[last + F_SAVED + k]
            for k in range(choices[last + F_DEPTH]):
                registers[kept_registers + k] = choices[last + F_SAVED + stacks + k]
            registers[goal_register] = choices[last + F_GOAL]
            place = choices[last + F_NEXT]
            if place + 1 == choices[last + F_END]:
                choice_top = last
                last = choices[last + F_PREVIOUS]
                kept = choices[last + F_TOP] if last >= 0 else 0
            else:
                choices[last + F_NEXT] = place + 1
            pc = targets[place]
        elif op == FRESH:
            heap[top] = top << TAG_BITS
            registers[code[pc + 1]] = top << TAG_BITS
            top += 1
            pc += 2
        elif op == MOVE:
            registers[code[pc + 1]] = operand(heap, registers, code[pc + 2], 0)
            pc += 3
        elif op == EVALUATE:
            a_status, a = evaluate(heap, work, room, operations, operand(heap, registers, code[pc + 3], 0))
            b_status, b = evaluate(heap, work, room, operations, operand(heap, registers, code[pc + 4], 0))
            status = max(a_status, b_status)
            culprit = a if a_status != RUNNING else b
            if status == RUNNING:
                status, value = compute(code[pc + 1], a, b)
                culprit = ATOM
            if status != RUNNING:
                state[CULPRIT] = culprit
                break
            registers[code[pc + 2]] = value << TAG_BITS | INT
            pc += 5
        elif op == COMPARE:
            a_status, a = evaluate(heap, work, room, operations, operand(heap, registers, code[pc + 2], 0))
            b_status, b = evaluate(heap, work, room, operations, operand(heap, registers, code[pc + 3], 0))
            status = max(a_status, b_status)
            if status != RUNNING:
                state[CULPRIT] = a if a_status != RUNNING else b
                break
            pc = pc + 4 if holds(code[pc + 1], a, b) else 0
        elif op == TEST:
            test = code[pc + 1]
            a = operand(heap, registers, code[pc + 2], 0)
            b = operand(heap, registers, code[pc + 3], 0)
            if test == NOT_UNIFIABLE:
                outcome, reached = unify(heap, trail, trail_room, work, room, a, b, trail_top, top)
                while reached > trail_top:
                    reached -= 1
                    heap[trail[reached]] = trail[reached] << TAG_BITS
                found = 1 if outcome == CLASH else 0
                if outcome != CLASH and outcome != RUNNING:
                    status = outcome
                    break
            else:
                found = tested(heap, work, room, test, a, b)
                if found == NO_WORK:
                    status = WORK_FULL
                    break
            pc = pc + 4 if found == 1 else 0
        else:  # ANSWER: to be entered again is to look for another one
            pc = 0
            status = ANSWERED
            break
    state[PC] = pc
    state[TOP] = top
    state[TRAIL_TOP] = trail_top
    state[LAST_CHOICE] = last
    state[CHOICE_TOP] = choice_top
    state[INFERENCES] += budget - left
    return status


@kernel
def run_relational(
    code: Any,
    keys: Any,
    switches: Any,
    buckets: Any,
    targets: Any,
    operations: Any,
    heap: Any,
    trail: Any,
    choices: Any,
    registers: Any,
    tops: Any,
    work: Any,
    state: Any,
    kept_registers: int,
    goal_register: int,
    margin: int,
    budget: int,
) -> int:
    """Run until an answer, the end, ``budget`` control instructions, or a need of memory; return the status.

    ``margin`` is the number of heap cells that code between two control instructions may use, ``kept_registers`` the first register
    that a choice point saves (those before it hold the free variables of the program, which never change).
    """
    return loop(
        pointer(code),
        pointer(keys),
        keys.shape[0] - 1,
        pointer(switches),
        pointer(buckets),
        pointer(targets),
        pointer(operations),
        pointer(heap),
        heap.size - margin,
        pointer(trail),
        trail.size,
        pointer(choices),
        choices.size,
        pointer(registers),
        pointer(tops),
        tops.size,
        pointer(work),
        work.size // 2,
        pointer(state),
        kept_registers,
        goal_register,
        budget,
    )
