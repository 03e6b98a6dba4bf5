"""Relations that the machine computes and no clause defines: integer arithmetic, comparisons, and tests of terms.

``primitive("is", x, t)`` unifies x with the value of the expression t, ``primitive("<", s, t)`` compares two values, and
``primitive("==", s, t)`` looks whether two terms are the same: machine integers as a primitive relation, an extension of the calculus [R].
This is their readable form; compiled/relational_loop.py has the same over cells.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting.machines.nodes import Node, atom, call, declare, is_variable
from symnum.rewriting.machines.rmc.symbols import spelled
from symnum.rewriting.machines.rmc.unification import Bindings, resolve, undo, unify

PRIMITIVE = "rmc.primitive"

declare(PRIMITIVE)


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


OPERATIONS: dict[tuple[str, int], Callable[..., int]] = {
    ("+", 2): operator.add,
    ("-", 2): operator.sub,
    ("*", 2): operator.mul,
    ("//", 2): _truncated,
    ("div", 2): operator.floordiv,
    ("mod", 2): operator.mod,
    ("rem", 2): lambda a, b: a - b * _truncated(a, b),
    ("min", 2): min,
    ("max", 2): max,
    ("-", 1): operator.neg,
    ("+", 1): operator.pos,
    ("abs", 1): abs,
    ("sign", 1): lambda a: (a > 0) - (a < 0),
}
"""What may stand in an arithmetic expression; ``//`` and ``rem`` round towards zero, ``div`` and ``mod`` downwards."""

COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "=<": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=:=": operator.eq,
    "=\\=": operator.ne,
}
"""Comparisons of two arithmetic expressions."""

TESTS = {("==", 2), ("\\==", 2), ("\\=", 2), ("var", 1), ("nonvar", 1), ("integer", 1), ("atom", 1)}
"""Tests that look at terms and bind nothing."""


def primitive(name: str, *values: Any) -> Node:
    """Return the program that asks for a primitive relation of values."""
    return call(PRIMITIVE, atom(name), *values)


def holds(name: str, values: list[Any], bindings: Bindings) -> bool:
    """Tell whether a primitive relation holds, and bind what makes it hold.

    >>> from symnum.rewriting.machines.nodes import call, variable
    >>> bindings = {}
    >>> holds("is", [variable("X"), call("'+", 1, 2)], bindings), bindings
    (True, {X: 3})
    """
    if name == "is":
        return unify(values[0], interned.number(evaluate(resolve(values[1], bindings))), bindings)
    if name in COMPARISONS:
        return COMPARISONS[name](*[evaluate(resolve(v, bindings)) for v in values])
    if name == "\\=":
        size = len(bindings)
        unifies = unify(values[0], values[1], bindings)
        undo(bindings, size)
        return not unifies
    found = [resolve(v, bindings) for v in values]
    if name in ("==", "\\=="):
        return (interface.key(found[0]) == interface.key(found[1])) == (name == "==")
    if name in ("var", "nonvar"):
        return is_variable(found[0]) == (name == "var")
    if name == "integer":
        return _is_integer(found[0])
    return isinstance(found[0], Node) and found[0].leaf is None and not found[0].args


def _is_integer(value: Any) -> bool:
    return not isinstance(value, Node) and interface.is_number(value) and type(interface.value(value)) is int


def evaluate(expression: Any) -> int:
    """Return the value of an arithmetic expression; raises ArithmeticError where it has none.

    >>> from symnum.rewriting.machines.nodes import call
    >>> evaluate(call("'*", 3, call("'-", 5)))
    -15
    """
    values: list[int] = []
    stack: list[Any] = [(expression, False)]
    while stack:
        part, ready = stack.pop()
        if _is_integer(part):
            values.append(interface.value(part))
            continue
        if is_variable(part):
            raise ArithmeticError(UNBOUND)
        key = (
            (spelled(part.head.name), len(part.args))
            if isinstance(part, Node) and part.leaf is None
            else None
        )
        if key is None or key not in OPERATIONS:
            raise ArithmeticError(not_a_number(part))
        if not ready:
            stack.append((part, True))
            stack.extend((argument, False) for argument in reversed(part.args))
            continue
        given = values[len(values) - len(part.args) :]
        del values[len(values) - len(part.args) :]
        if key[0] in ("//", "div", "mod", "rem") and given[1] == 0:
            raise ZeroDivisionError(BY_ZERO)
        values.append(OPERATIONS[key](*given))
    return values[0]


UNBOUND = "an unknown has no value where arithmetic needs a number; put the goal after one that binds it"
BY_ZERO = "a division by zero; test the divisor first, as in Y =\\= 0"


def not_a_number(value: Any) -> str:
    """Return what is said of a value that arithmetic cannot use."""
    from symnum.rewriting.machines.rmc.prolog_writer import text

    known = ", ".join(f"{name}/{arity}" for name, arity in OPERATIONS)
    return f"{text(value)} stands where arithmetic needs an integer; expressions are made of integers and {known}"
