"""How operands are written in generated source; every name in it is ours, so a user's names cannot collide with one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from symnum.codegen.lower import Program
from symnum.operators import Operator


class Spelling:
    """Spell operands: ``a0`` for an argument, ``t0`` for a result, constants as literals."""

    def __init__(self, program: Program, module: str, register: Sequence[int] | None = None) -> None:
        self.count = len(program.arguments)
        self.constants = [literal(value, module) for value in program.constants]
        self.register = register

    def __call__(self, operand: int) -> str:
        if operand < 0:
            return self.constants[-1 - operand]
        if operand < self.count:
            return f"a{operand}"
        index = operand - self.count
        return f"t{index if self.register is None else self.register[index]}"

    @staticmethod
    def user_name(row: Operator) -> str:
        """Return the name under which generated code calls an operator that brings Python functions of its own."""
        return f"user_{row.name}"

    @classmethod
    def call_of_user_function(cls, row: Operator) -> str:
        """Return the template of such a call."""
        return f"{cls.user_name(row)}({', '.join(f'{{{i}}}' for i in range(row.arity[0]))})"


def literal(value: float | bool, module: str) -> str:
    """Return a Python expression of a constant, in parentheses when it is negative.

    >>> literal(-2.0, "math"), literal(float("inf"), "math")
    ('(-2.0)', 'math.inf')
    """
    if type(value) is bool:
        return repr(value)
    if math.isnan(value):
        return f"{module}.nan"
    if math.isinf(value):
        return f"{module}.inf" if value > 0 else f"(-{module}.inf)"
    text = repr(float(value))
    return f"({text})" if text.startswith("-") else text


def without_outer_brackets(text: str) -> str:
    """Return ``(a + b)`` as ``a + b``, where the first bracket is closed by the last one.

    >>> without_outer_brackets("(a + b)"), without_outer_brackets("(a + b)*(c)")
    ('a + b', '(a + b)*(c)')
    """
    if not text.startswith("("):
        return text
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if position == len(text) - 1 else text
    return text


def argument_comment(program: Program, count: int | None = None) -> str:
    """Return a comment line that says which argument is which, of the first ``count`` (all)."""
    names = program.arguments[:count]
    if not names:
        return "# no arguments"
    return "# " + ", ".join(f"a{i}: {ascii(name)[1:-1]}" for i, name in enumerate(names))
