"""Real roots of polynomials in closed form: factors over the rationals, then formulas up to degree 4.

Each formula is written so that it can be evaluated in floating point: cube roots are real, three real roots come in
trigonometric form (casus irreducibilis), and of two opposite terms the one without cancellation is computed first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from symnum import functions as sn
from symnum import term as interface
from symnum.algebra.polynomial import cancel, coefficients, expand, factor_list
from symnum.symbols import BACKENDS, convert, number

Coefficients = Sequence[Any]
"""Terms, lowest power first."""


def roots(polynomial: Any, unknown: Any) -> dict[Any, int]:
    """Return {real root: multiplicity} of a polynomial in one unknown, smallest root first.

    The polynomial is factored over the rationals; floats are read as the decimals that they print as, and give float roots.  Factors up to
    degree 4 have formulas, and so have those in a power of the unknown.
    Coefficients may hold other symbols in factors up to degree 2; their roots are those of the formula, which are real where
    the discriminant is not negative.  A rational function has the roots of its numerator in lowest terms.

    Raises ValueError when the term is not a polynomial in the unknown, is zero, or has a factor without formula.

    >>> import symnum as sn
    >>> x, a = sn.symbols("x a")
    >>> roots((x - 1)**2 * (x**2 - 2), x)
    {-sqrt(2): 1, 1: 2, sqrt(2): 1}
    >>> roots(x**2 + 1, x), roots(x**2 - a, x)
    ({}, {-sqrt(a): 1, sqrt(a): 1})
    """
    if not interface.is_term(unknown) or interface.is_number(unknown):
        raise ValueError(
            f"roots takes the unknown as a symbol, but got {unknown!r}; write roots(polynomial, x)"
        )
    if isinstance(polynomial, int | float | Fraction):
        polynomial = interface.make_number(unknown, polynomial)
    backend = interface.backend_of(unknown)
    x, term = (convert(t, "interned") for t in (unknown, polynomial))
    found: dict[Any, int] = {}
    for base, multiplicity in _factors(term, x):
        if multiplicity < 0 or not _holds(base, x):
            continue
        table = coefficients(base, x)
        for root in _roots_of_factor([table.get(i, number(0)) for i in range(max(table) + 1)], x):
            found[root] = found.get(root, 0) + multiplicity
    if _has_float(term):
        found = {
            root if interface.free_symbols(root) else number(float(root)): m for root, m in found.items()
        }
    if not any(interface.free_symbols(root) for root in found):
        found = dict(sorted(found.items(), key=lambda item: _magnitude(item[0])))
    if backend == "interned" or backend not in BACKENDS:
        return found
    return {convert(root, backend): multiplicity for root, multiplicity in found.items()}


def _factors(term: Any, x: Any) -> list[tuple[Any, int]]:
    if _has_float(term):
        term = _exact(term)
    coefficient, pairs = factor_list(cancel(term))
    if coefficient == 0:
        raise ValueError(f"the equation in {x!s} is 0 = 0, which every number solves; check the term")
    return pairs


def _has_float(term: Any) -> bool:
    return any(
        interface.is_number(t) and type(interface.value(t)) is float for t in interface.postorder(term)
    )


def _exact(term: Any) -> Any:
    """Return a term with each float replaced by the shortest decimal that it prints as."""
    known: dict[Any, Any] = {}
    for node in interface.postorder(term):
        new = node
        if interface.is_number(node) and type(interface.value(node)) is float:
            new = number(Fraction(repr(interface.value(node))))
        elif interface.is_call(node):
            new = interface.make(node, interface.head(node), [known[a] for a in interface.args(node)])
        known[node] = new
    return known[term]


def _holds(term: Any, x: Any) -> bool:
    return any(part is x for part in interface.postorder(term))


def _roots_of_factor(c: Coefficients, x: Any) -> list[Any]:
    """Return the real roots of an irreducible polynomial, in the power of x that it is a polynomial in."""
    degree = len(c) - 1
    step = math.gcd(*(i for i, value in enumerate(c) if not _is_zero(value)))
    inner = c[::step]
    if len(inner) - 1 > 4:
        raise ValueError(
            f"the factor of degree {degree} in {x!s} has no formula for its roots (degrees up to 4 have); find real roots in numbers: "
            f"numpy.roots of its coefficients, or scipy.optimize.brentq of the compiled term"
        )
    if len(inner) > 3 and any(interface.free_symbols(value) for value in inner):
        raise ValueError(
            f"the factor of degree {len(inner) - 1} in {x!s} has symbolic coefficients, and which of its roots are real depends on them; "
            f"give the symbols values with symnum.substitute first (degree 2 can be solved with symbols)"
        )
    return [x for t in _FORMULAS[len(inner) - 1](inner) for x in _power_roots(t, step)]


def _power_roots(t: Any, step: int) -> list[Any]:
    """Return the real solutions x of x^step = t."""
    if step == 1:
        return [t]
    constant = not interface.free_symbols(t)
    if step % 2:
        if constant and _sign(t) < 0:
            return [-((-t) ** Fraction(1, step))]
        if constant:
            return [t ** Fraction(1, step)]
        return [sn.cbrt(t) if step == 3 else sn.sign(t) * sn.abs(t) ** Fraction(1, step)]
    if constant and _sign(t) < 0:
        return []
    root = t ** Fraction(1, step)
    return [-root, root]


def _linear(c: Coefficients) -> list[Any]:
    return [cancel(-c[0] / c[1])]


def _quadratic(c: Coefficients) -> list[Any]:
    c0, b, a = c
    discriminant = expand(b**2 - 4 * a * c0)
    if not interface.free_symbols(discriminant):
        if _sign(discriminant) < 0:
            return []
        center, spread = -b / (2 * a), sn.sqrt(discriminant) / (2 * a)
        return [expand(center - spread), expand(center + spread)]
    if _is_zero(b):
        root = sn.sqrt(cancel(-c0 / a))
        return [-root, root]
    return [(-b - sn.sqrt(discriminant)) / (2 * a), (-b + sn.sqrt(discriminant)) / (2 * a)]


def _cubic(c: Coefficients) -> list[Any]:
    """Solve by Cardano, with one real root, or by cosines, with three; x = y - b/3 removes the square."""
    d, c1, b = (cancel(value / c[3]) for value in c[:3])
    p, q = expand(c1 - b**2 / 3), expand(2 * b**3 / 27 - b * c1 / 3 + d)
    shift = -b / 3
    if _is_zero(p):
        return [_real_cbrt(-q) + shift]
    square = expand((q / 2) ** 2 + (p / 3) ** 3)
    if _sign(square) > 0:
        # u is the larger of the two cube roots in size, so that nothing cancels; the other is -p/(3*u).
        half = -q / 2
        u = _real_cbrt(half - sn.sqrt(square)) if _sign(q) > 0 else _real_cbrt(half + sn.sqrt(square))
        return [u - p / (3 * u) + shift]
    radius = 2 * sn.sqrt(-p / 3)
    angle = sn.acos(expand(3 * q / p) / radius) / 3
    y = [radius * sn.cos(angle - 2 * sn.pi * k / 3) for k in range(3)]
    small, *others = sorted(y, key=lambda t: abs(_magnitude(t)))
    if abs(_magnitude(small)) < _magnitude(radius) / 1000:
        # As a cosine near zero it would lose digits in floats; the product of all three is -q.
        y[y.index(small)] = -q / (others[0] * others[1])
    return [t + shift for t in y]


def _quartic(c: Coefficients) -> list[Any]:
    """Solve by Ferrari: a positive root m of the resolvent cubic splits the depressed quartic into two quadratics."""
    e, d, c2, b = (cancel(value / c[4]) for value in c[:4])
    p = expand(c2 - 3 * b**2 / 8)
    q = expand(b**3 / 8 - b * c2 / 2 + d)
    r = expand(-3 * b**4 / 256 + b**2 * c2 / 16 - b * d / 4 + e)
    shift = -b / 4
    if _is_zero(q):
        return [y + shift for t in _quadratic([r, p, number(1)]) for y in _power_roots(t, 2)]
    resolvent = [expand(-(q**2)) / 8, expand(p**2 / 4 - r), p, number(1)]
    m = max(_resolvent_roots(resolvent), key=_magnitude)
    found = []
    side = sn.sqrt(2 * m)
    for sign in (1, -1):
        inside = -(2 * p + 2 * m + sign * 2 * q / side)
        if _sign(inside) >= 0:
            found += [
                (sign * side - sn.sqrt(inside)) / 2 + shift,
                (sign * side + sn.sqrt(inside)) / 2 + shift,
            ]
    return found


def _resolvent_roots(c: Coefficients) -> list[Any]:
    """Return the real roots of a cubic that need not be irreducible."""
    if not all(interface.is_number(value) for value in c):
        return _cubic(c)
    from symnum.symbols import symbol

    m = symbol("m")
    return list(roots(sum((value * m**i for i, value in enumerate(c)), number(0)), m))


_FORMULAS: dict[int, Callable[[Coefficients], list[Any]]] = {
    1: _linear,
    2: _quadratic,
    3: _cubic,
    4: _quartic,
}


def _real_cbrt(t: Any) -> Any:
    """Return the real cube root of a constant."""
    return -((-t) ** Fraction(1, 3)) if _sign(t) < 0 else t ** Fraction(1, 3)


def _is_zero(t: Any) -> bool:
    return interface.is_number(t) and interface.value(t) == 0


def _magnitude(t: Any) -> Any:
    """Return the value of a constant term, to compare with."""
    if interface.is_number(t):
        return Fraction(interface.value(t))
    from symnum.algebra.evaluate import evaluate

    return Fraction(evaluate(t, {}, precision=30))


def _sign(t: Any) -> int:
    """Return the sign of a constant term; raises ValueError where it cannot be told from zero."""
    if interface.is_number(t):
        value = interface.value(t)
        return (value > 0) - (value < 0)
    found = _magnitude(t)
    if found == 0:
        raise ValueError(
            f"the sign of {t!s} decides how many real roots there are, but it cannot be told from zero; "
            f"simplify the coefficients first"
        )
    return 1 if found > 0 else -1
