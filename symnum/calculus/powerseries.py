"""Truncated Laurent series whose coefficients are exact numbers, floats or interned terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import functions as sn
from symnum import term as interface
from symnum.exact import Value

Coefficient = Any
"""A Python number, or a term that is not a number."""


class NotAnalytic(ValueError):
    """The function has no power series here; the message says why."""


class TooFewTerms(ArithmeticError):
    """All known terms of what must not vanish are zero: more terms are needed."""


class Series:
    """Coefficients of h^low, h^(low + 1), ... below h^order."""

    __slots__ = ("c", "low")

    def __init__(self, low: int, c: list[Coefficient]) -> None:
        self.low, self.c = low, c

    @property
    def order(self) -> int:
        """Return the exponent from which on nothing is known."""
        return self.low + len(self.c)

    def terms(self) -> Iterator[tuple[int, Any]]:
        """Yield (exponent, coefficient) without the zeros."""
        return ((self.low + i, value) for i, value in enumerate(self.c) if not _is_zero(value))

    def at(self, exponent: int) -> Coefficient:
        """Return one known coefficient."""
        return self.c[exponent - self.low] if exponent >= self.low else 0


class Arithmetic:
    """Operations on series that are known to about ``order`` terms."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.shortage = "its leading terms cancel"
        """Why a result may have fewer terms than ``order``."""

    # --- making and rational operations ---

    def series(self, low: int, c: Sequence[Coefficient]) -> Series:
        """Return a polynomial as a series."""
        given = [interface.value(v) if interface.is_number(v) else v for v in c]
        return Series(low, (given + [0] * self.order)[: max(self.order, 1)])

    def constant(self, value: Coefficient) -> Series:
        """Return a constant as a series."""
        return self.series(0, [value])

    def truncated(self, value: Coefficient) -> Series:
        """Return a series of which only the constant term is known."""
        return Series(0, [value])

    def add(self, parts: Sequence[Series]) -> Series:
        """Return the sum."""
        low, order = min(s.low for s in parts), min(s.order for s in parts)
        return Series(
            min(low, order), [total([(1, s.at(k)) for s in parts if s.low <= k]) for k in range(low, order)]
        )

    def scale(self, factor: Value, a: Series) -> Series:
        """Return number * series."""
        return Series(a.low, [total([(factor, v)]) for v in a.c])

    def multiply(self, a: Series, b: Series) -> Series:
        """Return a * b."""
        n = min(len(a.c), len(b.c))
        return Series(a.low + b.low, [total([(a.c[i], b.c[k - i]) for i in range(k + 1)]) for k in range(n)])

    def product(self, parts: Sequence[Series]) -> Series:
        """Return the product of several series."""
        found = parts[0]
        for part in parts[1:]:
            found = self.multiply(found, part)
        return found

    def divide(self, a: Series, b: Series) -> Series:
        """Return a / b; a zero of b is a pole."""
        return self.multiply(a, self._rational_power(b, -1))

    def derivative(self, a: Series) -> Series:
        """Return da/dh."""
        if a.low == 0:
            return Series(0, [total([(i, v)]) for i, v in enumerate(a.c)][1:])
        return Series(a.low - 1, [total([(a.low + i, v)]) for i, v in enumerate(a.c)])

    def integral(self, a: Series, start: Coefficient) -> Series:
        """Return the series with derivative ``a`` and constant term ``start``."""
        if a.low < 0:
            a = self.leading(a)
        if a.low < 0:
            raise NotAnalytic(
                "its derivative has a pole there (a branch point of the function, or the end of its domain)"
            )
        c = [start] + [0] * a.low + [total([(Fraction(1, a.low + i + 1), v)]) for i, v in enumerate(a.c)]
        return Series(0, c[: max(self.order, 1)])

    def leading(self, a: Series) -> Series:
        """Return the series without leading zeros; raises TooFewTerms when nothing is left."""
        for i, value in enumerate(a.c):
            if not vanishes(value):
                return Series(a.low + i, a.c[i:])
        raise TooFewTerms(
            "what it divides by, or takes a root or logarithm of, seems to be zero near the point"
        )

    # --- powers, roots, exp and log ---

    def power(self, a: Series, b: Series) -> Series:
        """Return a ^ b."""
        if all(_is_zero(v) for v in b.c[1 - b.low :]) and b.low == 0:
            exponent = b.at(0)
            if type(exponent) in (int, Fraction):
                return self._rational_power(a, exponent)
            return self._general_power(a, exponent)
        return self.exp(self.multiply(b, self.log(a)))

    def root(self, a: Series, degree: int) -> Series:
        """Return the real root of degree 2 or 3, as sqrt and cbrt are."""
        if degree == 2:
            return self._rational_power(a, Fraction(1, 2))
        lead = self.leading(a)
        if lead.low % 3:
            raise NotAnalytic("the argument of cbrt vanishes there, which is a branch point")
        sign = -1 if sign_of(lead.c[0]) == -1 else 1
        found = self._power_recurrence(self.scale(sign, lead).c, Fraction(1, 3))
        return self.scale(sign, Series(lead.low // 3, found))

    def _rational_power(self, a: Series, exponent: Value) -> Series:
        if exponent == 0:
            return self.constant(1)
        if type(exponent) is int and exponent > 0 and all(_is_zero(v) for v in a.c):
            return Series(a.order * exponent, [])
        lead = self.leading(a)
        low = lead.low * exponent
        if numbers.normal(Fraction(low)) != int(low):
            raise NotAnalytic(f"the base of the power {exponent} vanishes there, which is a branch point")
        if type(exponent) is Fraction:
            self._check_root(lead, exponent)
        return Series(int(low), self._power_recurrence(lead.c, exponent))

    def _check_root(self, lead: Series, exponent: Fraction) -> None:
        """Refuse roots of what is negative near the point, or on one side of it."""
        if lead.low % 2 and exponent.denominator % 2 == 0:
            raise NotAnalytic(f"the base of the power {exponent} vanishes there, which is a branch point")
        if lead.low != 0 and (exponent * lead.low) % 2:
            raise NotAnalytic(
                f"the power {exponent} of what vanishes there has a kink, as sqrt(x^2) = |x| has"
            )
        if sign_of(lead.c[0]) == -1:
            raise NotAnalytic(
                f"the base of the power {exponent} is negative there, where the power is not real"
            )

    def _general_power(self, a: Series, exponent: Coefficient) -> Series:
        lead = self.leading(a)
        if lead.low != 0:
            raise NotAnalytic(f"the base of the power {exponent!s} vanishes or has a pole there")
        if sign_of(lead.c[0]) == -1:
            raise NotAnalytic(
                f"the base of the power {exponent!s} is negative there, where the power is not real"
            )
        return Series(0, self._power_recurrence(lead.c, exponent))

    def _power_recurrence(self, u: Sequence[Coefficient], r: Coefficient) -> list[Coefficient]:
        """Return the coefficients of u^r from u*f' = r*u'*f (Knuth, TAOCP 2, 4.7)."""
        f = [evaluated(lambda: as_term(u[0]) ** r)]
        inverse = evaluated(lambda: as_term(u[0]) ** -1)
        for k in range(1, len(u)):
            inner = total([(total([(total([(j, r), (j - k, 1)]), u[j])]), f[k - j]) for j in range(1, k + 1)])
            f.append(total([(total([(Fraction(1, k), inner)]), inverse)]))
        return f

    def exp(self, a: Series) -> Series:
        """Return exp(a) from f' = a'*f."""
        a = self.require_finite(a, "exp")
        f = [evaluated(lambda: sn.exp(as_term(a.c[0])))]
        for k in range(1, len(a.c)):
            f.append(total([(Fraction(j, k), total([(a.c[j], f[k - j])])) for j in range(1, k + 1)]))
        return Series(0, f)

    def log(self, a: Series) -> Series:
        """Return log(a) from f' = a'/a."""
        lead = self.leading(a)
        if lead.low != 0:
            raise NotAnalytic("the argument of a logarithm is zero or infinite there")
        if sign_of(lead.c[0]) == -1:
            raise NotAnalytic("the argument of a logarithm is negative there")
        slope = self.divide(self.derivative(lead), lead)
        return self.integral(slope, evaluated(lambda: sn.log(as_term(lead.c[0]))))

    # --- circular and hyperbolic functions ---

    def circular(self, a: Series) -> tuple[Series, Series]:
        """Return sin(a) and cos(a)."""
        a = self.require_finite(a, "sin")
        start = as_term(a.c[0])
        s, c = evaluated(lambda: sn.sin(start)), evaluated(lambda: sn.cos(start))
        return self._rotation(a, *_quarter_turn(a.c[0], s, c), -1)

    def hyperbolic(self, a: Series) -> tuple[Series, Series]:
        """Return sinh(a) and cosh(a)."""
        a = self.require_finite(a, "sinh")
        start = as_term(a.c[0])
        s, c = evaluated(lambda: sn.sinh(start)), evaluated(lambda: sn.cosh(start))
        return self._rotation(a, s, c, 1)

    def _rotation(self, a: Series, s0: Coefficient, c0: Coefficient, sign: int) -> tuple[Series, Series]:
        """Solve s' = a'*c and c' = sign*a'*s."""
        s, c = [s0], [c0]
        for k in range(1, len(a.c)):
            s.append(total([(Fraction(j, k), total([(a.c[j], c[k - j])])) for j in range(1, k + 1)]))
            c.append(total([(Fraction(sign * j, k), total([(a.c[j], s[k - j])])) for j in range(1, k + 1)]))
        return Series(0, s), Series(0, c)

    # --- what is decided at the point ---

    def require_finite(self, a: Series, head: str) -> Series:
        """Return a series from its constant term on; raises NotAnalytic for a pole."""
        if a.low < 0:
            while a.low < 0 and a.c and vanishes(a.c[0]):
                a = Series(a.low + 1, a.c[1:])
        if a.low < 0:
            raise NotAnalytic(f"the argument of {head} has a pole there")
        if a.order < 1:
            raise TooFewTerms(f"too few terms of the argument of {head} are known")
        return Series(0, [0] * a.low + a.c)

    def value_of(self, head: str, args: Sequence[Series]) -> Coefficient:
        """Return the value of a call at the point itself."""
        given = [as_term(a.at(0)) for a in args]
        found = evaluated(lambda: interface.make(given[0], head, given))
        if not interface.is_number(found) and not interface.free_symbols(found):
            from symnum.algebra.evaluate import evaluate

            value = evaluate(found, {}, precision=15)
            if not value.is_finite():
                raise NotAnalytic(f"{found!s} is outside the domain of {head}")
        return found

    def step_function(self, head: str, args: Sequence[Series], start: Coefficient) -> Series:
        """Return sign, floor or ceil, which is constant beside its jumps."""
        (a,) = args
        if head == "sign":
            return self.constant(self._sign_near(a, "sign"))
        at_jump = vanishes(total([(1, start), (-1, a.at(0))])) and not all(
            _is_zero(v) for v in a.c[1 - a.low :]
        )
        if at_jump:
            raise NotAnalytic(f"{head} jumps there")
        return self.constant(start)

    def absolute(self, a: Series) -> Series:
        """Return |a|, which is a or -a."""
        if all(_is_zero(v) for v in a.c):
            return a
        sign = self._sign_near(a, "abs")
        return self.multiply(self.constant(sign), a)

    def _sign_near(self, a: Series, head: str) -> Coefficient:
        lead = self.leading(a)
        if lead.low % 2:
            raise NotAnalytic(f"the argument of {head} changes its sign there")
        sign = sign_of(lead.c[0])
        return evaluated(lambda: sn.sign(as_term(lead.c[0]))) if sign is None else sign

    def sign_of_difference(self, a: Series, b: Series, head: str) -> int:
        """Return the sign of a - b at the point; raises NotAnalytic where it changes or is not known."""
        difference = self.add([a, self.scale(-1, b)])
        first = difference.at(0) if difference.low == 0 and difference.c else None
        sign = None if first is None or vanishes(first) else sign_of(first)
        if sign is None:
            raise NotAnalytic(f"it is not decided there which side of {head} is larger")
        return sign

    def equal(self, a: Series, b: Series) -> bool:
        """Tell whether two series differ at the point; raises NotAnalytic where they agree only there."""
        return self.sign_of_difference(a, b, "==") == 0

    def choice(self, parts: Sequence[Series], wanted: int) -> Series:
        """Return the minimum (wanted = -1) or maximum (1) of series."""
        best = parts[0]
        for part in parts[1:]:
            if self.sign_of_difference(part, best, "min" if wanted < 0 else "max") == wanted:
                best = part
        return best

    def decide(self, condition: Any) -> bool:
        """Return the truth of a condition without the variable; raises NotAnalytic when it has free symbols."""
        from symnum.algebra.evaluate import evaluate

        if interface.free_symbols(condition):
            raise NotAnalytic(f"the condition {condition!s} is not decided; give its symbols values first")
        return bool(evaluate(condition, {}))


# --- coefficients -----------------------------------------------------------------------------------------------------------


def as_term(value: Coefficient) -> Any:
    """Return a coefficient as a term."""
    from symnum.symbols import number

    return number(value) if isinstance(value, int | float | Fraction) else value


def evaluated(make: Any) -> Coefficient:
    """Return the value of a call at the point: a number where it is one, also where it is zero in disguise, as sin(pi)."""
    found = make()
    if interface.is_number(found):
        return interface.value(found)
    return 0 if _is_hidden_zero(found) else found


def total(pairs: Sequence[tuple[Coefficient, Coefficient]]) -> Coefficient:
    """Return the sum of products, expanded."""
    present = [(a, b) for a, b in pairs if not _is_zero(a) and not _is_zero(b)]
    if not present:
        return 0
    if all(_is_value(a) and _is_value(b) for a, b in present):
        return numbers.normal(sum(a * b for a, b in present))
    from symnum.algebra.polynomial import expand

    found = expand(interface.make(0, "+", [as_term(a) * as_term(b) for a, b in present]))
    return interface.value(found) if interface.is_number(found) else found


def _is_value(value: Coefficient) -> bool:
    return isinstance(value, int | float | Fraction)


def _is_zero(value: Coefficient) -> bool:
    return _is_value(value) and value == 0


def vanishes(value: Coefficient) -> bool:
    """Tell whether a coefficient is zero, looking into its form and, for a constant, at a thousand digits."""
    if _is_value(value):
        return bool(value == 0)
    if interface.free_symbols(value):
        from symnum.algebra.rational import cancel

        reduced = cancel(value)
        return interface.is_number(reduced) and interface.value(reduced) == 0
    return _is_hidden_zero(value)


def _is_hidden_zero(term: Any) -> bool:
    if interface.free_symbols(term):
        return False
    from symnum.algebra.evaluate import evaluate

    found = evaluate(term, {}, precision=20)
    if found.is_nan() or found.is_infinite():
        raise NotAnalytic(f"{term!s} is not a real number")
    return bool(found == 0)


def sign_of(value: Coefficient) -> int | None:
    """Return the sign of a coefficient, or None when it depends on symbols."""
    if _is_value(value):
        return (value > 0) - (value < 0)
    if interface.free_symbols(value):
        return None
    from symnum.algebra.evaluate import evaluate

    found = evaluate(value, {}, precision=20)
    return (found > 0) - (found < 0)


def _quarter_turn(angle: Coefficient, s: Coefficient, c: Coefficient) -> tuple[Coefficient, Coefficient]:
    """Return (sin, cos) of an angle; where one of them is zero, the other is 1 or -1."""
    if _is_zero(s) and not _is_value(c):
        return 0, sign_of(c) if sign_of(c) is not None else c
    if _is_zero(c) and not _is_value(s):
        return sign_of(s) if sign_of(s) is not None else s, 0
    return s, c
