"""Derivatives of token arrays with respect to their constants and variables, row by row, in one pass over blocks of rows.

An expression acts on each row by itself, so one sweep from the root to the leaves (reverse mode) gives the derivatives of all rows with
respect to all constants: the whole Jacobian.  The rules are the texts of the operator table and of
:data:`symnum.regression.operations.DERIVATIVES`, turned into steps like the operations themselves; a user's operator with a derivative
has exact derivatives too.  Where an operator has no rule, the expression is differentiated by central differences.

>>> from symnum.regression.grammar import Grammar
>>> rules = Rules.of(Grammar(("x",), operators=("+", "*", "sin")))
>>> rules.missing
()
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.calculus.partials import _derivative_program
from symnum.codegen.loops import Micro, NoLoop, recipe
from symnum.operators import operator
from symnum.regression import operations
from symnum.regression.grammar import Grammar
from symnum.regression.kernels import BLOCK, CONSTANT, NUMBER, VARIABLE, apply_rows, copy, fill, kernel, run
from symnum.regression.vector_math import apart, borrowed, keep, row

Array = NDArray[Any]

ZERO, ONE, MINUS, MISSING, OPERAND = -1, -2, -3, -4, -8
"""Partial derivatives that need no step: 0, 1, -1, none known, and OPERAND + k for the k-th of a, b and the result."""

ONES, MINUS_ONES = 0, -1
"""Instead of the address of a row: all ones, all minus ones."""

STEP = 1e-5
"""Relative step of central differences."""


@dataclass(frozen=True)
class Rules:
    """Hold the operations of a grammar as the kernels take them, followed by the programs of their partial derivatives.

    ``partial`` is (operations, 2): which program is the derivative with respect to each argument, or one of the codes above.
    ``missing`` names the operations that have no rule.
    """

    steps: NDArray[np.int64]
    first: NDArray[np.int64]
    literals: NDArray[np.float64]
    temporaries: int
    partial: NDArray[np.int64]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, grammar: Grammar) -> Rules:
        """Return the rules of a grammar's operations."""
        names = grammar.all_operators
        recipes = [operations.recipe_of(name) for name in names]
        partial = np.full((len(names), 2), ZERO, np.int64)
        missing = []
        for k, name in enumerate(names):
            texts = operations.derivatives(name)
            try:
                programs = None if texts is None else [_program(text) for text in texts]
                operations.encoded([p for p in programs or () if not isinstance(p, int)])
            except NoLoop:
                programs = None
            if programs is None:
                partial[k] = MISSING
                missing.append(name)
                continue
            for side, program in enumerate(programs):
                if isinstance(program, int):
                    partial[k, side] = program
                else:
                    partial[k, side] = len(recipes)
                    recipes.append(program)
        table = operations.encoded(recipes)
        return cls(table.steps, table.first, table.literals, table.temporaries, partial, tuple(missing))

    @property
    def machine(self) -> tuple[Any, ...]:
        """Return what the kernels take."""
        return self.steps, self.first, self.literals, self.partial, self.temporaries


@lru_cache(maxsize=1024)
def _program(text: str) -> int | tuple[Micro, ...]:
    """Return the micro-instructions of a derivative text, whose operands are a, b and the result f as 0, 1 and 2, or a code."""
    micros: list[Micro] = []
    values: list[Any] = []  # of each step: operand of an instruction, or a float
    for head, detail in _derivative_program(text, ()):
        if head == "argument":
            values.append(2 if detail < 0 else detail)
        elif head == "value":
            values.append(float(detail))
        else:
            values.append(_call(head, [values[k] for k in detail], micros))
    result = values[-1]
    if isinstance(result, float):
        code = {0.0: ZERO, 1.0: ONE, -1.0: MINUS}.get(result)
        return ((np.add, (result, 0.0)),) if code is None else code
    # texts are read from the leaves to the root, so the last instruction gives the result
    return OPERAND + result if isinstance(result, int) else tuple(micros)


def _call(head: str, operands: list[Any], micros: list[Micro]) -> Any:
    """Append the instructions of one call and return the operand that holds its value; calls of numbers are computed."""
    if head == "pi":
        return math.pi
    if head in ("+", "*") and len(operands) != 2:
        value = operands[0]
        for other in operands[1:]:
            value = _call(head, [value, other], micros)
        return value
    power = (
        {-1.0: "^-1", 2.0: "^2", 3.0: "^3", 4.0: "^4", 0.5: "sqrt"}.get(operands[1]) if head == "^" else None
    )
    steps = operations.recipe_of(power) if power else recipe(operator(head))
    local: list[Any] = []
    for function, places in steps:
        given = [
            local[int(p[1:])] if isinstance(p, str) else operands[p] if isinstance(p, int) else p
            for p in places
        ]
        if all(isinstance(g, float) for g in given):
            local.append(float(function(*given)))
        else:
            micros.append((function, tuple(given)))
            local.append(f"#{len(micros) - 1}")
    return local[-1]


@kernel
def negate(a: int, out: int, rows: int) -> None:
    """Write -a."""
    apart()
    source, target = row(a, rows), row(out, rows)
    for i in range(rows):
        target[i] = -source[i]


@kernel
def multiply(a: int, b: int, out: int, rows: int) -> None:
    """Write a*b."""
    apart()
    left, right, target = row(a, rows), row(b, rows), row(out, rows)
    for i in range(rows):
        target[i] = left[i] * right[i]


@kernel
def add_product(a: int, b: int, out: int, rows: int) -> None:
    """Add a*b to a row."""
    apart()
    left, right, target = row(a, rows), row(b, rows), row(out, rows)
    for i in range(rows):
        target[i] += left[i] * right[i]


@kernel
def add(a: int, out: int, rows: int) -> None:
    """Add a row to another."""
    apart()
    source, target = row(a, rows), row(out, rows)
    for i in range(rows):
        target[i] += source[i]


@kernel
def write(source: int, out: int, rows: int) -> None:
    """Copy a row that may be all ones or all minus ones."""
    apart()
    if source == ONES:
        fill(out, rows, 1.0)
    elif source == MINUS_ONES:
        fill(out, rows, -1.0)
    elif source != out:
        copy(source, out, rows)


@kernel
def scaled(source: int, factor: int, mine: int, rows: int) -> int:
    """Return where ``source*factor`` is, either of which may be all ones or minus ones: at ``mine`` if it had to be computed."""
    apart()
    if factor == ONES:
        return source
    if source == ONES:
        return factor
    if factor == MINUS_ONES or source == MINUS_ONES:
        other = source if factor == MINUS_ONES else factor
        if other == MINUS_ONES:
            return ONES
        negate(other, mine, rows)
        return mine
    multiply(source, factor, mine, rows)
    return mine


@kernel
def derivative_space(longest: int, rows: int, temporaries: int) -> Any:
    """Return (store, space, wires, links), which the sweeps need for expressions of up to ``longest`` tokens."""
    block = min(rows, BLOCK)
    store, space = np.empty((2 * longest + 4, block)), np.empty((temporaries, block))
    return store, space, np.empty(9 + 2 * (longest // 2 + 2), np.int64), np.empty((5, longest), np.int64)


@kernel
def values_of_all(
    tokens: Array, length: int, constants: Array, wanted: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, partial: Array, store: Array, space: Array, wires: Array, links: Array,
    start: int, rows: int,
) -> bool:  # fmt: skip
    """Compute the value of every sub-expression; tell whether all the partial derivatives that are needed have a rule.

    ``wanted`` (constants and variables,) is the row of the Jacobian for each, -1 where none is wanted.  ``links`` gets, for the
    sub-expression at each place, the address of its value, its second argument (or slot), and whether something wanted is in it.
    """
    apart()
    slots = wanted.shape[0] - X.shape[0]
    places, second, needed, pending = links[0], links[1], links[3], links[4]
    variables = X.ctypes.data + start * 8
    column = X.shape[1] * 8
    at = store.ctypes.data
    width = store.shape[1] * 8
    known = True
    top = -1
    slot = 0
    for p in range(length):
        if kind[tokens[p]] == CONSTANT:
            slot += 1
    for p in range(length - 1, -1, -1):
        token = tokens[p]
        sort = kind[token]
        places[p] = at + p * width
        if sort == VARIABLE:
            places[p] = variables + code[token] * column
            second[p] = slots + code[token]
            needed[p] = wanted[second[p]] >= 0
        elif sort == NUMBER:
            fill(places[p], rows, numbers[code[token]])
            needed[p] = 0
        elif sort == CONSTANT:
            slot -= 1
            fill(places[p], rows, constants[slot])
            second[p] = slot
            needed[p] = wanted[slot] >= 0
        else:
            a = pending[top]
            b = a
            top -= 1
            needed[p] = needed[a]
            known &= not (needed[a] and partial[code[token], 0] == MISSING)
            if arity[token] == 2:
                b = pending[top]
                top -= 1
                needed[p] |= needed[b]
                known &= not (needed[b] and partial[code[token], 1] == MISSING)
            second[p] = b
            apply_rows(
                steps,
                first,
                literals,
                code[token],
                places[a],
                places[b],
                places[p],
                places[p],
                space,
                wires,
                rows,
            )
        top += 1
        pending[top] = p
    return known


@kernel
def partial_row(
    which: int,
    a: int,
    b: int,
    f: int,
    out: int,
    steps: Array,
    first: Array,
    literals: Array,
    space: Array,
    wires: Array,
    rows: int,
) -> int:
    """Return where a partial derivative that is not zero is: computed at ``out``, or an operand, or all ones or minus ones."""
    apart()
    if which == ONE:
        return ONES
    if which == MINUS:
        return MINUS_ONES
    if which == OPERAND:
        return a
    if which == OPERAND + 1:
        return b
    if which == OPERAND + 2:
        return f
    apply_rows(steps, first, literals, which, a, b, f, out, space, wires, rows)
    return out


@kernel
def slopes_of_block(
    tokens: Array, length: int, constants: Array, wanted: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, partial: Array, store: Array, space: Array, wires: Array, links: Array,
    start: int, rows: int, out: int, slopes: int, stride: int,
) -> bool:  # fmt: skip
    """Write the values of one expression at ``out`` and its derivatives, ``stride`` bytes apart, at ``slopes``; rows from ``start``.

    Tells whether the derivatives are exact; otherwise those by constants are central differences, and others are left as they were.
    """
    apart()
    known = values_of_all(
        tokens, length, constants, wanted, kind, code, arity, numbers, X, steps, first, literals, partial, store, space, wires, links,
        start, rows,
    )  # fmt: skip
    places, second, adjoint, needed = links[0], links[1], links[2], links[3]
    copy(places[0], out, rows)
    if not known:
        differences(
            tokens, length, constants, wanted, kind, code, arity, numbers, X, steps, first, literals, store, space, wires, start, rows,
            slopes, stride,
        )  # fmt: skip
        return False
    slots = wanted.shape[0] - X.shape[0]
    for w in range(wanted.shape[0]):
        if wanted[w] >= 0 and w >= slots:  # a variable may stand in several places, or in none
            fill(slopes + wanted[w] * stride, rows, 0.0)
    at = store.ctypes.data + length * store.shape[1] * 8
    width = store.shape[1] * 8
    temporary = at + length * width
    adjoint[0] = ONES
    for p in range(length):
        if not needed[p]:
            continue
        token = tokens[p]
        if kind[token] == CONSTANT:
            write(adjoint[p], slopes + wanted[second[p]] * stride, rows)
        elif kind[token] == VARIABLE:
            write(adjoint[p], temporary, rows)
            add(temporary, slopes + wanted[second[p]] * stride, rows)
        else:
            for side in range(arity[token]):
                child = p + 1 if side == 0 else second[p]
                if not needed[child]:
                    continue
                which = partial[code[token], side]
                mine = at + child * width
                if kind[tokens[child]] == CONSTANT:
                    mine = slopes + wanted[second[child]] * stride
                if which == ZERO:
                    fill(mine, rows, 0.0)
                    adjoint[child] = mine
                    continue
                factor = partial_row(
                    which, places[p + 1], places[second[p]], places[p], mine if adjoint[p] == ONES else temporary, steps, first,
                    literals, space, wires, rows,
                )  # fmt: skip
                adjoint[child] = scaled(adjoint[p], factor, mine, rows)
    return True


@kernel
def differences(
    tokens: Array, length: int, constants: Array, wanted: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, store: Array, space: Array, wires: Array, start: int, rows: int, slopes: int,
    stride: int,
) -> None:  # fmt: skip
    """Write central differences with respect to the constants that are wanted."""
    apart()
    stack = store[: length // 2 + 2]
    before = store.ctypes.data + (store.shape[0] - 1) * store.shape[1] * 8
    moved = constants.copy()
    for w in range(wanted.shape[0] - X.shape[0]):
        if wanted[w] < 0:
            continue
        after = slopes + wanted[w] * stride
        step = STEP * max(abs(constants[w]), 1e-4)
        for side in range(2):
            moved[w] = constants[w] + (step if side == 0 else -step)
            run(
                tokens, length, moved, kind, code, arity, numbers, X, steps, first, literals, stack, space, wires, start, rows,
                after if side == 0 else before,
            )  # fmt: skip
        moved[w] = constants[w]
        high, low = row(after, rows), row(before, rows)
        for i in range(rows):
            high[i] = (high[i] - low[i]) / (2.0 * step)


@kernel
def jacobians(
    tokens: Array, lengths: Array, constants: Array, wanted: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, partial: Array, temporaries: int, values: Array, slopes: Array, exact: Array,
) -> None:  # fmt: skip
    """Write the values (expressions, rows) and derivatives (expressions, wanted, rows) of many expressions, and which are exact.

    ``wanted`` is (constants and variables,), see :func:`values_of_all`; derivatives by constants that an expression lacks are 0, and
    so are derivatives by variables that are not exact.
    """
    kind, code, arity, numbers, X = (
        borrowed(kind),
        borrowed(code),
        borrowed(arity),
        borrowed(numbers),
        borrowed(X),
    )
    steps, first, literals = borrowed(steps), borrowed(first), borrowed(literals)
    tokens, constants, wanted, partial = (
        borrowed(tokens),
        borrowed(constants),
        borrowed(wanted),
        borrowed(partial),
    )
    rows = X.shape[1]
    owners = derivative_space(tokens.shape[1], rows, temporaries)
    store, space, wires, links = (
        borrowed(owners[0]),
        borrowed(owners[1]),
        borrowed(owners[2]),
        borrowed(owners[3]),
    )
    for e in range(tokens.shape[0]):
        slopes[e] = 0.0
        exact[e] = True
        for start in range(0, rows, BLOCK):
            exact[e] &= slopes_of_block(
                tokens[e], lengths[e], constants[e], wanted, kind, code, arity, numbers, X, steps, first, literals, partial, store,
                space, wires, links, start, min(BLOCK, rows - start), values.ctypes.data + (e * rows + start) * 8,
                slopes.ctypes.data + (e * slopes.shape[1] * rows + start) * 8, rows * 8,
            )  # fmt: skip
    keep(owners)


@kernel
def directional(
    tokens: Array, lengths: Array, constants: Array, direction: Array, kind: Array, code: Array, arity: Array, numbers: Array, X: Array,
    steps: Array, first: Array, literals: Array, partial: Array, temporaries: int, values: Array, slopes: Array,
) -> None:  # fmt: skip
    """Write the values and the derivatives along ``direction`` (constants and variables,), both (expressions, rows).

    This is forward mode: values and derivatives rise together from the leaves.  An expression that needs a missing rule gives nan.
    """
    rows = X.shape[1]
    wanted = np.full(direction.shape[0], -1)
    for w in range(direction.shape[0]):
        if direction[w] != 0.0:
            wanted[w] = 0
    store, space, wires, links = derivative_space(tokens.shape[1], rows, temporaries)
    places, second, needed = links[0], links[1], links[3]
    width = store.shape[1] * 8
    for e in range(tokens.shape[0]):
        length = lengths[e]
        at = store.ctypes.data + length * width
        temporary = at + length * width
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            known = values_of_all(
                tokens[e], length, constants[e], wanted, kind, code, arity, numbers, X, steps, first, literals, partial, store, space,
                wires, links, start, count,
            )  # fmt: skip
            copy(places[0], values.ctypes.data + (e * rows + start) * 8, count)
            for p in range(length - 1, -1, -1):
                token = tokens[e, p]
                mine = at + p * width
                if not needed[p]:
                    continue
                if kind[token] == CONSTANT or kind[token] == VARIABLE:
                    fill(mine, count, direction[second[p]])
                    continue
                fill(mine, count, 0.0)
                for side in range(arity[token]):
                    child = p + 1 if side == 0 else second[p]
                    which = partial[code[token], side]
                    if needed[child] and which != ZERO and known:
                        factor = partial_row(
                            which,
                            places[p + 1],
                            places[second[p]],
                            places[p],
                            temporary,
                            steps,
                            first,
                            literals,
                            space,
                            wires,
                            count,
                        )
                        write(factor, temporary, count)
                        add_product(temporary, at + child * width, mine, count)
            result = slopes.ctypes.data + (e * rows + start) * 8
            if not known:
                fill(result, count, np.nan)
            elif needed[0]:
                copy(at, result, count)
            else:
                fill(result, count, 0.0)
