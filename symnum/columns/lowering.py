"""From rows to a straight program: sums and products become binary steps, each distinct step once, in an order of short live ranges.

Addends are computed where they are added and factors where they are multiplied, so that a long sum keeps one running total alive; the
laws are those of :mod:`symnum.codegen.lower`, but addends and factors come in the order of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.algebra.evaluate import to_float
from symnum.codegen.lower import MAX_CHAIN
from symnum.codegen.straight import StraightCode
from symnum.columns.arithmetic import value_of
from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel, part_of_kernel
from symnum.columns.store import Store, Unsupported
from symnum.columns.table import CALL, NUMBER, ONE, OPERATOR, PRODUCT, START, SUM, SYMBOL, Table, is_zero
from symnum.operators import OPERATORS

_STEPS = ("+", "-", "*", "/", "neg", "sqrt", "^")
_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE, _NEGATE, _ROOT, _POWER = range(len(_STEPS))
_HELD = -1
"""The step of ``hold``, which is its argument."""

_NONE = np.iinfo(np.int64).min
"""No operand yet."""

_COUNTS = 4
_N_STEPS, _N_CONSTANTS, _UNKNOWN = range(3)
"""Places in the counts of the lowering; the last is the row + 1 of a symbol that is no argument."""


def lower(
    store: Store, roots: Sequence[int], arguments: Sequence[int], split: int | None = None
) -> StraightCode:
    """Return the straight program that computes rows from symbols; the first ``split`` arguments are the states.

    Raises ValueError for a symbol that is no argument, and Unsupported for arguments that are truth values.

    >>> import symnum as sn
    >>> store = Store()
    >>> x, y = store.symbol("x"), store.symbol("y")
    >>> code = lower(store, store.add([sn.parse("x^2 - 3*y")]), [x, y])
    >>> [code.heads[op] for op in code.ops]
    ['*', '*', '+']
    """
    with store.lock:
        rows, given = store.checked(roots), store.checked_symbols(arguments)
        if any(
            store.symbols[int(store.table.parts[store.table.rows[r, START]])][1] == "boolean" for r in given
        ):
            raise Unsupported("arguments that are truth values are lowered as single terms")
        heads = [*_STEPS]
        operators = np.empty(len(store.heads), np.int64)
        folded = np.zeros(len(store.heads), np.bool_)
        for h, name in enumerate(store.heads):
            operators[h] = _HELD if name == "hold" else heads.index(name) if name in heads else len(heads)
            folded[h] = OPERATORS[name].associative
            if operators[h] == len(heads):
                heads.append(name)
        ops, operands, outputs, numbers, unknown = _lowered(store.table, rows, given, operators, folded)
        if unknown >= 0:
            name = store.symbols[int(store.table.parts[store.table.rows[unknown, START]])][0]
            raise ValueError(
                f"the expression has the symbol {name!r}, which is not among the arguments; add it to the list of arguments"
            )
        values = [store.value(int(row)) for row in numbers]
    return StraightCode(
        arguments=len(given),
        split=len(given) if split is None else split,
        constants=np.array([float(v) if type(v) is bool else to_float(v) for v in values], float),
        heads=tuple(heads),
        ops=ops,
        operands=operands,
        outputs=outputs,
        truth_constants=np.array([type(v) is bool for v in values], bool),
    )


@part_of_kernel
def _emit(steps: Any, slots: Any, counts: Any, first: int, op: int, a: int, b: int, c: int) -> int:
    """Return the operand of a step, which is added unless it is there already."""
    if (op == _ADD or op == _MULTIPLY) and a > b:
        a, b = b, a
    h = np.uint64(op) * np.uint64(0x9E3779B97F4A7C15)
    for value in (a, b, c):
        h ^= np.uint64(value)
        h *= np.uint64(0xFF51AFD7ED558CCD)
        h ^= h >> np.uint64(33)
    mask = len(slots) - 1
    slot = np.int64(h) & mask
    while slots[slot]:
        k = slots[slot] - 1
        if steps[k, 0] == op and steps[k, 1] == a and steps[k, 2] == b and steps[k, 3] == c:
            return first + k
        slot = (slot + 1) & mask
    k = counts[_N_STEPS]
    steps[k, 0], steps[k, 1], steps[k, 2], steps[k, 3] = op, a, b, c
    slots[slot] = k + 1
    counts[_N_STEPS] = k + 1
    return first + k


@part_of_kernel
def _constant(constant_of: Any, numbers: Any, counts: Any, row: int) -> int:
    """Return the operand of a number's row."""
    if constant_of[row] == 0:
        numbers[counts[_N_CONSTANTS]] = row
        counts[_N_CONSTANTS] += 1
        constant_of[row] = -counts[_N_CONSTANTS]
    return constant_of[row]


@part_of_kernel
def _power(steps: Any, slots: Any, counts: Any, first: int, base: int, exponent: int) -> int:
    """Return base^exponent for a whole exponent above 0, by squaring."""
    found = _NONE
    square = base
    while True:
        if exponent & 1:
            found = (
                square if found == _NONE else _emit(steps, slots, counts, first, _MULTIPLY, found, square, 0)
            )
        exponent >>= 1
        if not exponent:
            return found
        square = _emit(steps, slots, counts, first, _MULTIPLY, square, square, 0)


@part_of_kernel
def _longest(table: Table, roots: Any) -> tuple[int, int]:
    """Return bounds for the number of rows below some roots and for the number of steps that they become."""
    top = 0
    for row in roots:
        top = max(top, row + 1)
    mark = np.zeros(top, np.bool_)
    for row in roots:
        mark[row] = True
    steps = 16
    for row in range(top - 1, -1, -1):
        if mark[row] and table.rows[row, OPERATOR] > SYMBOL:
            begin, end = table.rows[row, START], table.rows[row + 1, START]
            steps += 2 * (end - begin) + 4
            for i in range(begin, end):
                mark[table.parts[i]] = True
            if table.rows[row, OPERATOR] == PRODUCT:
                steps += 6 * (end - begin)  # squarings and a root for each factor
    return top, steps


@kernel
def _lowered(table: Table, roots: Any, arguments: Any, operators: Any, folded: Any) -> Any:
    table = borrowed(table)
    first = len(arguments)
    top, most = _longest(table, roots)
    operand = np.full(top, _NONE, np.int64)
    for i in range(first):
        if arguments[i] < top:
            operand[arguments[i]] = i
    steps = np.empty((most, 4), np.int64)
    size = 64
    while size < 2 * most:
        size *= 2
    slots = np.zeros(size, np.int64)
    constant_of, numbers = np.zeros(table.header[0], np.int64), np.empty(table.header[0], np.int64)
    counts = np.zeros(_COUNTS, np.int64)
    # A frame is a row with the place of its next part, its running total or numerator, and its sign (of sums) or denominator.
    frames = np.empty((top + 1, 4), np.int64)
    unknown = -1
    for root in roots:
        depth = 0
        if operand[root] == _NONE:
            frames[0, 0], frames[0, 1], frames[0, 2], frames[0, 3] = root, 0, _NONE, _NONE
            depth = 1
        while depth:
            frame = frames[depth - 1]
            row = frame[0]
            operator, begin, end = (
                table.rows[row, OPERATOR],
                table.rows[row, START],
                table.rows[row + 1, START],
            )
            wanted = -1
            if operator == NUMBER:
                operand[row] = _constant(constant_of, numbers, counts, row)
            elif operator == SYMBOL:
                unknown = row
                operand[row] = 0
            elif operator == SUM:
                wanted = _sum_step(
                    table, operand, steps, slots, constant_of, numbers, counts, first, frame, begin, end
                )
            elif operator == PRODUCT:
                wanted = _product_step(
                    table, operand, steps, slots, constant_of, numbers, counts, first, frame, begin, end
                )
            else:
                h = operator - CALL
                wanted = _call_step(
                    table, operand, steps, slots, counts, first, frame, begin, end, operators[h], folded[h]
                )
            if wanted < 0:
                depth -= 1
            else:
                below = frames[depth]
                below[0], below[1], below[2], below[3] = wanted, 0, _NONE, _NONE
                depth += 1
    n = counts[_N_STEPS]
    outputs = np.empty(len(roots), np.int64)
    for i in range(len(roots)):
        outputs[i] = operand[roots[i]]
    return steps[:n, 0].copy(), steps[:n, 1:].copy(), outputs, numbers[: counts[_N_CONSTANTS]].copy(), unknown


@part_of_kernel
def _sum_step(
    table: Table, operand: Any, steps: Any, slots: Any, constant_of: Any, numbers: Any, counts: Any, first: int,
    frame: Any, begin: int, end: int,
) -> int:  # fmt: skip
    """Add the addends of a sum from where its frame stands; return a row that is needed first, or -1 when the sum is done.

    While only negative addends were met, the total is kept negated.
    """
    size = (end - begin) // 2
    total, negated = frame[2], frame[3] == 1
    while frame[1] <= size:
        k = frame[1]
        if k == size:  # the constant comes last
            row = table.parts[begin]
            n, d = value_of(table, row)
            frame[1] += 1
            if is_zero(n, d):
                continue
            negative = False
            addend = _constant(constant_of, numbers, counts, row)
        else:
            term, weight = table.parts[begin + 1 + 2 * k], table.parts[begin + 2 + 2 * k]
            addend = operand[term]
            if addend == _NONE:
                frame[2], frame[3] = total, 1 if negated else 0
                return term
            frame[1] += 1
            n, d = value_of(table, weight)
            negative = d == 1 and n == -1
            if d != 1 or (n != 1 and n != -1):
                factor = _constant(constant_of, numbers, counts, weight)
                addend = _emit(steps, slots, counts, first, _MULTIPLY, addend, factor, 0)
        if total == _NONE:
            total, negated = addend, negative
        elif negated == negative:
            total = _emit(steps, slots, counts, first, _ADD, total, addend, 0)
        else:
            a, b = (addend, total) if negated else (total, addend)
            total = _emit(steps, slots, counts, first, _SUBTRACT, a, b, 0)
            negated = False
    operand[frame[0]] = _emit(steps, slots, counts, first, _NEGATE, total, 0, 0) if negated else total
    return -1


@part_of_kernel
def _product_step(
    table: Table, operand: Any, steps: Any, slots: Any, constant_of: Any, numbers: Any, counts: Any, first: int,
    frame: Any, begin: int, end: int,
) -> int:  # fmt: skip
    """Multiply the factors of a product from where its frame stands; return a row that is needed first, or -1 when it is done."""
    size = (end - begin) // 2
    while frame[1] < size:
        k = frame[1]
        base, exponent = table.parts[begin + 1 + 2 * k], table.parts[begin + 2 + 2 * k]
        b = operand[base]
        if b == _NONE:
            return base
        below = False
        if table.rows[exponent, OPERATOR] != NUMBER:
            if operand[exponent] == _NONE:
                return exponent
            factor = _emit(steps, slots, counts, first, _POWER, b, operand[exponent], 0)
        else:
            n, d = value_of(table, exponent)
            if (d == 1 or d == 2) and n != 0 and abs(n) <= d * MAX_CHAIN:
                below = n < 0
                whole = abs(n) // d
                factor = _NONE
                if whole:
                    factor = _power(steps, slots, counts, first, b, whole)
                if d == 2:
                    root = _emit(steps, slots, counts, first, _ROOT, b, 0, 0)
                    factor = (
                        root
                        if factor == _NONE
                        else _emit(steps, slots, counts, first, _MULTIPLY, factor, root, 0)
                    )
            else:
                e = _constant(constant_of, numbers, counts, exponent)
                factor = _emit(steps, slots, counts, first, _POWER, b, e, 0)
        frame[1] += 1
        side = 3 if below else 2
        frame[side] = (
            factor
            if frame[side] == _NONE
            else _emit(steps, slots, counts, first, _MULTIPLY, frame[side], factor, 0)
        )
    coefficient = table.parts[begin]
    above, below_bar = frame[2], frame[3]
    if above == _NONE:
        c = _constant(constant_of, numbers, counts, coefficient)
        result = _emit(steps, slots, counts, first, _DIVIDE, c, below_bar, 0)
    else:
        result = (
            above if below_bar == _NONE else _emit(steps, slots, counts, first, _DIVIDE, above, below_bar, 0)
        )
        if coefficient != ONE:
            n, d = value_of(table, coefficient)
            if n == -1 and d == 1:
                result = _emit(steps, slots, counts, first, _NEGATE, result, 0, 0)
            else:
                c = _constant(constant_of, numbers, counts, coefficient)
                result = _emit(steps, slots, counts, first, _MULTIPLY, result, c, 0)
    operand[frame[0]] = result
    return -1


@part_of_kernel
def _call_step(
    table: Table, operand: Any, steps: Any, slots: Any, counts: Any, first: int, frame: Any, begin: int, end: int,
    op: int, fold: bool,
) -> int:  # fmt: skip
    """Compute a call once its arguments are there; return an argument that is needed first, or -1 when it is done."""
    for i in range(begin, end):
        if operand[table.parts[i]] == _NONE:
            return table.parts[i]
    a = operand[table.parts[begin]] if end > begin else 0
    if op == _HELD:
        operand[frame[0]] = a
    elif fold:
        for i in range(begin + 1, end):
            a = _emit(steps, slots, counts, first, op, a, operand[table.parts[i]], 0)
        operand[frame[0]] = a
    else:
        b = operand[table.parts[begin + 1]] if end > begin + 1 else 0
        c = operand[table.parts[begin + 2]] if end > begin + 2 else 0
        operand[frame[0]] = _emit(steps, slots, counts, first, op, a, b, c)
    return -1
