"""The elementwise operations of the search: every suitable row of the operator table as compiled loops over rows.

An operation is a short sequence of steps; a step calls, on whole rows of values, our own loop for a ufunc where there is one (see
:mod:`symnum.regression.vector_math`), else NumPy's inner loop (see :mod:`symnum.codegen.loops`).  So nothing is compiled for a user's
operator.  Values are those of a compiled formula up to rounding: own loops for exp, sin and the like round within the bounds stated
beside them, and so does NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symnum.codegen.loops import SELECT, Micro, NoLoop, find_loop
from symnum.operators import Operator, operator
from symnum.regression.user_operators import loops
from symnum.regression.vector_math import own_loop

POWERS: dict[str, tuple[Micro, ...]] = {
    "^-1": ((np.reciprocal, (0,)),),
    "^2": ((np.square, (0,)),),
    "^3": ((np.square, (0,)), (np.multiply, ("#0", 0))),
    "^4": ((np.square, (0,)), (np.square, ("#0",))),
}
"""Operations that are the operator ``^`` with a fixed exponent, because they are cheaper and simpler than ``^``."""

DERIVATIVES: dict[str, tuple[str, ...]] = {
    "+": ("1", "1"),
    "*": ("b", "a"),
    "min": ("(1 + sign(b - a))/2", "(1 - sign(b - a))/2"),
    "max": ("(1 - sign(b - a))/2", "(1 + sign(b - a))/2"),
    "^-1": ("-f^2",),
    "^2": ("2*a",),
    "^3": ("3*a^2",),
    "^4": ("4*a^3",),
}
"""Partial derivatives, in the language of the operator table, of the operations whose row there has none for two arguments."""

OPERANDS = 2
"""The most operands that a step may have."""

TEMPORARY, LITERAL = 3, 1 << 20
"""Operands of a step: 0 and 1 are the arguments, 2 is the result (for derivatives), then come results of earlier steps, then numbers."""


@dataclass(frozen=True)
class Table:
    """Hold operations as arrays for the kernels.

    ``steps`` is (steps, 3 + OPERANDS): address of the loop, of its data, number of operands, operands; operation k has the steps
    from ``first[k]`` to ``first[k + 1]``.
    """

    steps: NDArray[np.int64]
    first: NDArray[np.int64]
    literals: NDArray[np.float64]
    temporaries: int


def arity(name: str) -> int:
    """Return the number of arguments of an operation: sums and products are taken two at a time.

    >>> arity("^2"), arity("+"), arity("sin")
    (1, 2, 1)
    """
    return 1 if name in POWERS else _arity(operator(name))


def _arity(row: Operator) -> int:
    _, high = row.arity
    return 2 if high is None else high


def derivatives(name: str) -> tuple[str, ...] | None:
    """Return the partial derivative with respect to each argument, in the arguments a and b and the result f; None without a rule.

    >>> derivatives("^3"), derivatives("exp")
    (('3*a^2',), ('f',))
    """
    return DERIVATIVES[name] if name in DERIVATIVES else operator(name).derivative


def refusal(name: str) -> str | None:
    """Return why an operator cannot be used in a search, or None when it can; raises LookupError for an unknown name."""
    if name in POWERS:
        return None
    row = operator(name)
    if _arity(row) not in (1, 2):
        return f"it takes {_arity(row)} arguments, and a search builds operators of one and two"
    if row.result_sort == "boolean" or any(sort == "boolean" for sort in row.argument_sorts):
        return "it deals with conditions, and a search builds real functions"
    try:
        _encoded(recipe_of(name), [])
    except NoLoop as problem:
        return (
            f"{problem}; register it with a numpy spelling made of ufuncs, such as numpy='numpy.tanh({{0}})', or with a function of "
            "single numbers that numba compiles"
        )
    return None


def recipe_of(name: str) -> tuple[Micro, ...]:
    """Return an operation as micro-instructions."""
    return POWERS[name] if name in POWERS else loops(operator(name))


def table(names: Sequence[str]) -> Table:
    """Return the operations of these names, in this order."""
    return encoded([recipe_of(name) for name in names])


def encoded(recipes: Sequence[Sequence[Micro]]) -> Table:
    """Return operations given as micro-instructions; raises NoLoop for one that is not made of loops."""
    literals: list[float] = []
    programs = [_encoded(micros, literals) for micros in recipes]
    first = np.cumsum([0, *map(len, programs)])
    steps = np.array([step for program in programs for step in program], np.int64).reshape(-1, 3 + OPERANDS)
    return Table(steps, first, np.array([*literals, 0.0]), max(map(len, programs), default=1))


def _encoded(micros: Sequence[Micro], literals: list[float]) -> list[list[int]]:
    """Return the steps of one operation, and put the numbers that it needs into ``literals``."""
    steps = []
    for function, operands in micros:
        if function is SELECT or len(operands) > OPERANDS:
            raise NoLoop("its numpy spelling chooses between values")
        loop = find_loop(function, (False,) * len(operands))
        if loop.boolean:
            raise NoLoop("its numpy spelling computes truth values")
        places = []
        for operand in operands:
            if isinstance(operand, str):
                places.append(TEMPORARY + int(operand[1:]))
            elif isinstance(operand, float):
                places.append(LITERAL + len(literals))
                literals.append(operand)
            else:
                places.append(operand)
        whole_rows = not any(isinstance(operand, float) for operand in operands)
        own = own_loop(function) if whole_rows else None
        address, data = (loop.function, loop.data) if own is None else (own, 0)
        steps.append([address, data, len(operands), *places, *[0] * (OPERANDS - len(operands))])
    return steps
