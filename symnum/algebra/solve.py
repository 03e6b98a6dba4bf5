"""Equations: linear systems in any number of unknowns, and one polynomial equation of degree up to 4 in one unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnum import term as interface
from symnum.algebra.linear import Field, as_zero, linear_coefficients
from symnum.algebra.quotients import Quotient
from symnum.algebra.rational import gcd
from symnum.algebra.roots import roots
from symnum.expression import refuse_mixed

__all__ = ["roots", "solve"]


def solve(equations: Any, unknowns: Any) -> Any:
    """Solve equations for unknowns, exactly and over the reals.

    An equation is a term that is zero or ``symnum.eq(left, right)``; unknowns are symbols or calls such as f(t).

    - One unknown, as itself: the list of its real solutions, smallest first; see :func:`roots`.  Several equations have the
      solutions that are common to all.
    - A list of unknowns: the equations are linear, and the result is {unknown: term}.  An unknown that the equations leave free
      is not a key and may occur in the terms of the others.

    Solutions hold wherever their denominators are not zero.  Raises ValueError for equations without solution, for a system that
    is not linear, and for a polynomial that has no formula.

    >>> import symnum as sn
    >>> x, y, a = sn.symbols("x y a")
    >>> solve(x**2 - 2*x - 1, x)
    [-sqrt(2) + 1, sqrt(2) + 1]
    >>> solve([sn.eq(a*x + y, 1), x - y], [x, y])
    {x: 1/(a + 1), y: 1/(a + 1)}
    """
    given = list(equations) if isinstance(equations, list | tuple) else [equations]
    if not given:
        raise ValueError("solve got no equation; write solve(x**2 - 2, x), or solve([eq1, eq2], [x, y])")
    refuse_mixed([*given, *(unknowns if isinstance(unknowns, list | tuple) else [unknowns])])
    if not isinstance(unknowns, list | tuple):
        zeros = [as_zero(e) for e in given]
        return list(roots(zeros[0] if len(zeros) == 1 else gcd(*zeros), unknowns))
    return _solve_system(given, list(unknowns))


def _solve_system(equations: Sequence[Any], unknowns: Sequence[Any]) -> dict[Any, Any]:
    if not unknowns:
        raise ValueError("solve got no unknown; write solve([eq1, eq2], [x, y])")
    matrix, right = linear_coefficients(equations, unknowns)
    field = Field([t for row in matrix for t in row] + right, like=unknowns[0])
    rows = [[field.entry(t) for t in (*row, b)] for row, b in zip(matrix, right)]
    pivots = _eliminate(field, rows, len(unknowns))
    for row in rows[len(pivots) :]:
        if not row[-1][0].is_zero():
            rest = field.term(row[-1])
            condition = "" if interface.is_number(rest) else f", unless {rest!s} is zero"
            raise ValueError(
                f"the {len(equations)} equations contradict each other: together they say 0 = {rest!s}{condition}; "
                f"leave one out, or solve for more unknowns than {', '.join(map(str, unknowns))}"
            )
    solution = {}
    for row, column in zip(rows, pivots):
        parts = [field.ring.product(1, [field.term(row[-1])])]
        for j in range(column + 1, len(unknowns)):
            if j not in pivots and not row[j][0].is_zero():
                top, bottom = row[j]
                parts.append(field.ring.product(1, [field.term((-top, bottom)), unknowns[j]]))
        parts = [p for p in parts if not (interface.is_number(p) and interface.value(p) == 0)]
        solution[unknowns[column]] = field.ring.total(parts)
    return solution


def _eliminate(field: Field, rows: list[list[Quotient]], width: int) -> list[int]:
    """Bring rows to reduced echelon form in place, and return the columns of their pivots."""
    pivots: list[int] = []
    for column in range(width):
        top = len(pivots)
        candidates = [i for i in range(top, len(rows)) if not rows[i][column][0].is_zero()]
        if not candidates:
            continue
        # A constant pivot is never zero; a symbolic one only generically.
        best = min(candidates, key=lambda i: (_size(rows[i][column]), i))
        rows[top], rows[best] = rows[best], rows[top]
        pivot = rows[top][column]
        rows[top] = [field.divide(q, pivot) for q in rows[top]]
        for i, row in enumerate(rows):
            if i != top and not row[column][0].is_zero():
                factor = (-row[column][0], row[column][1])
                rows[i] = [field.add([q, field.multiply(factor, p)]) for q, p in zip(row, rows[top])]
        pivots.append(column)
    return pivots


def _size(quotient: Quotient) -> int:
    top, bottom = quotient
    return 0 if top.is_constant() and bottom.is_constant() else len(top) + len(bottom)
