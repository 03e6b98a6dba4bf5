"""Linear algebra with terms as entries, exact and without divisions by what may be zero on the way.

Entries are fractions of polynomials in whatever they hold (FLINT); elimination is Bareiss's, whose divisions are exact
(Bareiss, Math. Comp. 22, 1968).  Singular means identically singular: a determinant that is a polynomial may still be zero somewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.algebra.laurent import checked_product
from symnum.algebra.quotients import Fractions, Quotient
from symnum.algebra.ring import Ring

Matrix = Sequence[Sequence[Any]]
Rows = list[list[Any]]

_MINORS = 7
"""Largest matrix whose determinant is expanded by minors: without divisions, which pays for entries that are symbols."""


def determinant(matrix: Matrix) -> Any:
    """Return the determinant of a square matrix (lists of lists, or an array) of terms and numbers, multiplied out.

    Raises ValueError for a matrix that is not square.

    >>> import symnum as sn
    >>> a, b, c, d = sn.symbols("a b c d")
    >>> determinant([[a, b], [c, d]])
    a*d - b*c
    """
    rows = _rows(matrix, "determinant")
    _check_square(rows, "determinant")
    field = Field([t for row in rows for t in row])
    polynomials, divisor = field.whole_rows(rows)
    return field.term((field.determinant(polynomials), divisor))


def inverse(matrix: Matrix) -> list[list[Any]]:
    """Return the inverse of a square matrix as a list of rows.

    Raises ValueError for a matrix that is not square, or whose determinant is identically zero.

    >>> import symnum as sn
    >>> a, b = sn.symbols("a b")
    >>> inverse([[a, b], [0, 1]])
    [[1/a, -b/a], [0, 1]]
    """
    rows = _rows(matrix, "inverse")
    _check_square(rows, "inverse")
    n = len(rows)
    unit = [[int(i == j) for j in range(n)] for i in range(n)]
    return _solved(rows, unit, "inverse")


def solve_linear(matrix: Matrix, right: Sequence[Any]) -> list[Any]:
    """Return the solution x of matrix * x = right, one term for each unknown; ``right`` may also be a list of rows.

    Raises ValueError for shapes that do not fit, and for a matrix whose determinant is identically zero.

    >>> import symnum as sn
    >>> a, b = sn.symbols("a b")
    >>> solve_linear([[a, 1], [1, 1]], [b, 0])
    [b/(a - 1), -b/(a - 1)]
    """
    rows = _rows(matrix, "solve_linear")
    _check_square(rows, "solve_linear")
    given = [t if _is_row(t) else _plain(t) for t in right]
    if len(given) != len(rows):
        raise ValueError(
            f"solve_linear got {len(rows)} equations, but {len(given)} right sides; give one for each row of the matrix"
        )
    if given and _is_row(given[0]):
        return _solved(rows, _rows(given, "solve_linear"), "solve_linear")
    return [row[0] for row in _solved(rows, [[t] for t in given], "solve_linear")]


def linear_coefficients(
    equations: Sequence[Any], unknowns: Sequence[Any]
) -> tuple[list[list[Any]], list[Any]]:
    """Return (A, b) such that the equations say A * unknowns = b; an equation is a term that is zero, or ``symnum.eq(a, b)``.

    Raises ValueError for an equation that is not linear in the unknowns, and names the part that is not.

    >>> import symnum as sn
    >>> x, y, a = sn.symbols("x y a")
    >>> linear_coefficients([a*x + y - 3, sn.eq(x, 2*y)], [x, y])
    ([[a, 1], [1, -2]], [3, 0])
    """
    from symnum.algebra.monomials import sum_of_monomials
    from symnum.algebra.polynomial import by_powers

    for given, what in ((equations, "equations"), (unknowns, "unknowns")):
        if interface.is_term(given):
            raise TypeError(
                f"linear_coefficients takes a list of {what}, but got the one term {given!s}; "
                f"write linear_coefficients([equation], [x])"
            )
    matrix, right = [], []
    for equation in equations:
        zero = as_zero(equation)
        ring, groups = by_powers(zero, list(unknowns))
        places = {ring.slot_of(x): i for i, x in enumerate(unknowns) if ring.slot_of(x) is not None}
        keys = {interface.key(x) for x in unknowns}
        row, constant = (
            [interface.make_number(ring.like, 0)] * len(unknowns),
            interface.make_number(ring.like, 0),
        )
        for powers, rest in groups.items():
            strange = _nonlinear_part(ring, powers, rest, keys)
            if strange is not None:
                raise ValueError(
                    f"the equation {zero!s} = 0 is not linear in the unknowns, since it holds {strange!s}; {_CURE}"
                )
            if powers:
                row[places[powers[0][0]]] = sum_of_monomials(ring, rest)
            else:
                constant = sum_of_monomials(ring, [(-c, e) for c, e in rest])
        matrix.append(row)
        right.append(constant)
    return matrix, right


_CURE = "symnum.solve takes one polynomial equation in one unknown too, up to degree 4"


def as_zero(equation: Any) -> Any:
    """Return an equation as the term that it says is zero."""
    if interface.is_call(equation) and interface.head(equation) == "==":
        left, right = interface.args(equation)
        return interface.make(equation, "-", (left, right))
    if interface.sort_of(equation) == "boolean":
        raise ValueError(
            f"{equation!s} is a condition and no equation; write symnum.eq(left, right), or a term that is to be zero"
        )
    return equation


def _nonlinear_part(
    ring: Ring, powers: Sequence[tuple[int, int]], rest: Any, unknowns: set[Any]
) -> Any | None:
    """Return the factor that keeps a group of monomials from being linear, or None."""
    if len(powers) > 1:
        return ring.product(1, [ring.power(*p) for p in powers])
    if powers and (powers[0][1] != 1 or ring.denominators[powers[0][0]] != 1):
        return ring.power(*powers[0])
    for _, exponents in rest:
        for slot, e in exponents.items():
            factor = ring.power(slot, e)
            if any(interface.key(part) in unknowns for part in interface.postorder(factor)):
                return factor
    return None


# --- elimination ------------------------------------------------------------------------------------------------------------


class Field(Fractions):
    """Fractions of the entries of a matrix, which may be Python numbers; ``like`` tells the backend of the results."""

    def __init__(self, entries: Sequence[Any], like: Any | None = None) -> None:
        roots = [t for t in entries if not isinstance(t, int | float | Fraction)]
        if not roots:
            from symnum.symbols import number

            roots = [number(0)]
        super().__init__(Ring(roots, fractions=True))
        if like is not None:
            self.ring.like = like
        if any(type(t) is float for t in entries):
            self.ring.exact = False

    def entry(self, term: Any) -> Quotient:
        """Return an entry as a fraction."""
        if isinstance(term, int | float | Fraction):
            return self.monomial(term, {})
        return self.fraction(term)

    def whole_rows(self, rows: Rows) -> tuple[Rows, Any]:
        """Return the rows with their denominators multiplied out, and the product of those."""
        product = self.one
        whole = []
        for row in rows:
            quotients = [self.entry(t) for t in row]
            common = self.one
            for _, bottom in quotients:
                common = common * (bottom / common.gcd(bottom))
            whole.append([top * (common / bottom) for top, bottom in quotients])
            product = product * common
        return whole, product

    def term(self, a: Quotient) -> Any:
        return super().term(self.quotient(*a))

    def determinant(self, rows: Rows) -> Any:
        n = len(rows)
        if n > _MINORS:
            reduced, sign = self.bareiss([list(row) for row in rows])
            return self.zero if reduced is None else reduced[-1][-1] * sign
        # minors[columns] is the determinant of the last rows in these columns (a bit set)
        minors = {0: self.one}
        for size, row in enumerate(reversed(rows), 1):
            grown = {}
            for columns in range(1 << n):
                if columns.bit_count() != size:
                    continue
                total, sign = self.zero, 1
                for j in range(n):
                    if columns >> j & 1:
                        minor = minors[columns & ~(1 << j)]
                        if not row[j].is_zero() and not minor.is_zero():
                            total = total + checked_product(row[j], minor, self.max_terms) * sign
                        sign = -sign
                grown[columns] = total
            minors = grown
        return minors[(1 << n) - 1]

    def bareiss(self, rows: Rows) -> tuple[Rows | None, int]:
        """Return the rows in triangular form and the sign of their exchange, or None when a pivot column is zero."""
        n, sign, previous = len(rows), 1, self.one
        for k in range(n):
            candidates = [i for i in range(k, n) if not rows[i][k].is_zero()]
            if not candidates:
                return None, sign
            best = min(candidates, key=lambda i: (len(rows[i][k]), i))
            if best != k:
                rows[k], rows[best], sign = rows[best], rows[k], -sign
            pivot = rows[k][k]
            for i in range(k + 1, n):
                factor = rows[i][k]
                for j in range(k + 1, len(rows[i])):
                    crossed = checked_product(pivot, rows[i][j], self.max_terms) - checked_product(
                        factor, rows[k][j], self.max_terms
                    )
                    rows[i][j] = crossed if k == 0 else crossed / previous
                rows[i][k] = self.zero
            previous = pivot
        return rows, sign


def _solved(matrix: Rows, right: Rows, what: str) -> Rows:
    n = len(matrix)
    field = Field([t for row in (*matrix, *right) for t in row])
    whole, _ = field.whole_rows([[*a, *b] for a, b in zip(matrix, right)])
    reduced, _ = field.bareiss(whole)
    if reduced is None:
        raise ValueError(
            f"{what} got a {n}x{n} matrix that is singular: its determinant is identically zero, so there is no solution or more than one; "
            f"leave out equations that follow from the others, or give more"
        )
    width = len(right[0]) if right else 0
    solution: list[list[Quotient]] = [[] for _ in range(n)]
    for i in reversed(range(n)):
        row = reduced[i]
        for c in range(width):
            known = [
                field.multiply((-row[j], field.one), solution[j][c])
                for j in range(i + 1, n)
                if not row[j].is_zero()
            ]
            total = field.add([(row[n + c], field.one), *known])
            solution[i].append(field.divide(total, (row[i], field.one)))
    return [[field.term(q) for q in row] for row in solution]


def _rows(matrix: Any, what: str) -> Rows:
    if interface.is_term(matrix) or matrix is None:
        raise TypeError(f"{what} takes a matrix, but got {matrix!s}; write [[a, b], [c, d]]")
    rows = [list(row) if _is_row(row) else row for row in matrix]
    for row in rows:
        if not isinstance(row, list):
            raise ValueError(f"{what} takes a matrix, but one of its rows is {row!s}; write [[a, b], [c, d]]")
    return [[_plain(t) for t in row] for row in rows]


def _is_row(row: Any) -> bool:
    return isinstance(row, list | tuple) or bool(getattr(row, "ndim", 0))


def _plain(entry: Any) -> Any:
    """Return a NumPy scalar as a Python number."""
    return entry.item() if type(entry).__module__ == "numpy" else entry


def _check_square(rows: Rows, what: str) -> None:
    lengths = sorted({len(row) for row in rows})
    if not rows or lengths != [len(rows)]:
        shape = f"{len(rows)}x{lengths[0]}" if len(lengths) == 1 else f"{len(rows)} rows of lengths {lengths}"
        raise ValueError(
            f"{what} takes a square matrix, but got {shape}; the numbers of rows and columns must agree"
        )
