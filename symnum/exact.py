"""Exact numbers: what a Python or NumPy scalar becomes inside a term, and the arithmetic that keeps it exact.

A value is an int, a Fraction that is not whole, a float, or a bool.  Nothing is rounded unless a float takes part, and
nothing overflows: results too large to be worth having (more than ``MAX_BITS`` bits) stay unevaluated.
"""

from __future__ import annotations

import math
import numbers
from fractions import Fraction
from typing import Any

Value = Any

MAX_BITS = 1 << 17
"""Powers of exact numbers whose value would need more bits than this are left as powers."""

NAN = math.nan
"""The one NaN used inside terms, so that identity makes it equal to itself."""

_TRIAL_LIMIT = 1000
"""Largest trial divisor when a root is split off an integer; the rest stays under the root."""


def exact(value: object) -> Value:
    """Return ``value`` as int, Fraction, float or bool; raises TypeError or ValueError for anything else.

    >>> exact(Fraction(4, 2)), exact(1.5)
    (2, 1.5)
    """
    cls = type(value)
    if cls is int or cls is bool:
        return value
    if cls is float:
        return NAN if value != value else value
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    if cls.__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return exact(value.item())
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Rational):
        return exact(Fraction(int(value.numerator), int(value.denominator)))
    if isinstance(value, numbers.Real):
        return exact(float(value))
    if isinstance(value, numbers.Complex):
        raise TypeError(
            f"complex number {value!r} cannot be part of a term: terms are real; split it into real and imaginary parts"
        )
    raise TypeError(
        f"{value!r} of type {cls.__name__} is not a number; use an int, float or fractions.Fraction"
    )


def parse_number(text: str) -> Value:
    """Return the value of a numeral such as ``"12"``, ``"1/3"``, ``"0.5"`` or ``"1e-3"``; raises ValueError.

    >>> parse_number("1/3"), parse_number("2.50")
    (Fraction(1, 3), 2.5)
    """
    stripped = text.strip()
    try:
        if "/" in stripped:
            return exact(Fraction(stripped))
        return int(stripped) if stripped.lstrip("+-").isdigit() else exact(float(stripped))
    except (ValueError, ZeroDivisionError) as problem:
        raise ValueError(
            f"{text!r} is not a number ({problem}); write digits such as '3', '1/3' or '2.5'"
        ) from None


_CHUNK = 4000
"""Digits converted at once: Python refuses longer texts of integers by default."""


def to_digits(n: int) -> str:
    """Return the decimal digits of an integer of any size.

    >>> to_digits(-10**5000) == "-1" + "0" * 5000
    True
    """
    if n.bit_length() < 3 * _CHUNK:
        return str(n)
    if n < 0:
        return "-" + to_digits(-n)
    chunks = []
    while n:
        n, low = divmod(n, 10**_CHUNK)
        chunks.append(str(low).zfill(_CHUNK))
    return "".join(reversed(chunks)).lstrip("0")


def from_digits(text: str) -> int:
    """Return the integer that decimal digits spell, of any size."""
    if len(text) <= _CHUNK:
        return int(text)
    value = 0
    for start in range(0, len(text), _CHUNK):
        chunk = text[start : start + _CHUNK]
        value = value * 10 ** len(chunk) + int(chunk)
    return value


def is_integer(value: Value) -> bool:
    """Tell whether ``value`` is an exact integer (a float never is)."""
    return type(value) is int


def normal(value: Value) -> Value:
    """Return a Fraction that is whole as an int, and any NaN as the one NaN."""
    if type(value) is int:
        return value
    if type(value) is Fraction:
        return value.numerator if value.denominator == 1 else value
    return NAN if value != value else value


def plus(a: Value, b: Value) -> Value:
    """Return a + b; an exact number too large for a float counts as an infinity beside a float, as in IEEE arithmetic."""
    try:
        return a + b
    except OverflowError:
        return to_float(a) + to_float(b)


def times(a: Value, b: Value) -> Value:
    """Return a * b, with the same treatment of large exact numbers as :func:`plus`.

    >>> times(10**400, -1.5)
    -inf
    """
    try:
        return a * b
    except OverflowError:
        return to_float(a) * to_float(b)


def to_float(value: Value) -> float:
    """Return the nearest float; beyond its range an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def divide(a: Value, b: Value) -> Value:
    """Return a / b, exact for exact numbers; raises ZeroDivisionError on an exact zero."""
    if type(a) is float or type(b) is float:
        a, b = to_float(a), to_float(b)
        if b == 0:
            return NAN if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)
        return a / b
    if type(a) is int and type(b) is int and b and not a % b:
        return a // b
    return normal(Fraction(a) / Fraction(b))


def power(base: Value, exponent: Value) -> Value | None:
    """Return base ^ exponent when it is one number, else None (an irrational root, a huge power, or 0 to a negative power).

    >>> power(8, Fraction(1, 3)), power(2, Fraction(1, 2)), power(Fraction(2, 3), -2)
    (2, None, Fraction(9, 4))
    """
    if type(base) is float or type(exponent) is float:
        return _float_power(to_float(base), to_float(exponent))
    if type(exponent) is int:
        if base == 0 and exponent < 0:
            return None
        if base in (0, 1, -1):
            return base if exponent % 2 else abs(base) if exponent else 1
        bits = max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(exponent)
        return (
            None
            if bits > MAX_BITS
            else normal(Fraction(base) ** exponent if exponent < 0 else base**exponent)
        )
    if base in (0, 1):
        return base if exponent > 0 else (1 if base == 1 else None)
    if base < 0:
        return None
    top, bottom = (
        _exact_root(base.numerator, exponent.denominator),
        _exact_root(base.denominator, exponent.denominator),
    )
    return None if top is None or bottom is None else power(normal(Fraction(top, bottom)), exponent.numerator)


def _float_power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf if base > 0 or exponent % 2 == 0 else -math.inf
    except ValueError:
        return (
            math.copysign(math.inf, base)
            if base == 0 and exponent % 2 == 1
            else math.inf
            if base == 0
            else NAN
        )


def _exact_root(n: int, degree: int) -> int | None:
    """Return the integer whose ``degree``-th power is n, or None."""
    if n < 2:
        return n
    if degree > n.bit_length():
        return None
    root = (
        math.isqrt(n)
        if degree == 2
        else round(n ** (1.0 / degree))
        if n.bit_length() < 1000
        else _newton_root(n, degree)
    )
    return next((r for r in (root - 1, root, root + 1) if r >= 0 and r**degree == n), None)


def _newton_root(n: int, degree: int) -> int:
    root = 1 << -(-n.bit_length() // degree)
    while True:
        step = ((degree - 1) * root + n // root ** (degree - 1)) // degree
        if step >= root:
            return root
        root = step


def split_root(base: Value, exponent: Fraction) -> tuple[Value, int, Fraction]:
    """Return (c, n, e) with base^exponent = c * n^e, 0 < e < 1 and n a positive integer free of small ``e.denominator``-th powers.

    ``base`` is positive.  The denominator of a rational base moves to the coefficient.

    >>> split_root(8, Fraction(1, 2)), split_root(Fraction(1, 2), Fraction(1, 2))
    ((2, 2, Fraction(1, 2)), (Fraction(1, 2), 2, Fraction(1, 2)))
    """
    whole = math.floor(exponent)
    part = exponent - whole
    coefficient = normal(Fraction(base) ** whole)
    degree = part.denominator
    n = base.numerator * base.denominator ** (degree - 1)
    coefficient = normal(Fraction(coefficient) / Fraction(base.denominator) ** part.numerator)
    divisor = 2
    while divisor <= _TRIAL_LIMIT and divisor**degree <= n:
        unit = divisor**degree
        while n % unit == 0:
            n //= unit
            coefficient *= divisor**part.numerator
        divisor += 1 if divisor == 2 else 2
    return normal(coefficient), n, part
