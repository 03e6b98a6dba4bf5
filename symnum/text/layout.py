"""What the printers share: signs, fractions, precedences, digits, and the size of a term written out.

A backend that registers ``addends`` has canonical sums and products; for it ``x + (-1)*y`` is written ``x - y`` and ``x*y^(-1)``
is written ``x/y``.  Terms of any other backend are written exactly as they are built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS

INFIX = frozenset({"+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "and", "or"})
"""Operators written between their arguments."""

ATOM = 100
"""Precedence of what never needs brackets."""

Factor = tuple[Any, Any]
"""A term and the number that is its exponent, or None where the term stands alone."""

_CHUNK = 4000


def precedence(head: str) -> int:
    """Return how tightly an operator binds in text; calls such as ``sin(x)`` are atoms."""
    row = OPERATORS.get(head)
    return ATOM if row is None else row.precedence


def is_canonical(term: Any) -> bool:
    """Tell whether sums and products of this backend are canonical, so that signs and fractions may be rearranged."""
    face = interface.interface(term)
    return face.addends is not None and face.factors is not None


def is_negative(value: Any) -> bool:
    """Tell whether a number is written with a minus sign."""
    return bool(value < 0) or (type(value) is float and value == 0 and math.copysign(1.0, value) < 0)


def digits(value: int) -> str:
    """Return an integer in decimal, of any length (Python's ``str`` refuses more than 4,300 digits).

    >>> len(digits(10**5000))
    5001
    """
    if value.bit_length() < 3 * _CHUNK:
        return str(value)
    sign, value = ("-", -value) if value < 0 else ("", value)
    # Halving is much quicker than taking digits off one end; the stack holds (number, width or None for the leading part).
    stack: list[tuple[int, int | None]] = [(value, None)]
    out: list[str] = []
    while stack:
        part, width = stack.pop()
        if part.bit_length() < 3 * _CHUNK:
            out.append(str(part) if width is None else str(part).zfill(width))
            continue
        low_width = int(part.bit_length() * 0.30103) // 2
        high, low = divmod(part, 10**low_width)
        stack.append((low, low_width))
        stack.append((high, None if width is None else width - low_width))
    return sign + "".join(out)


def number_text(value: Any) -> tuple[int, str]:
    """Return (precedence, text) of a number.

    >>> number_text(Fraction(-1, 3)), number_text(1e-7), number_text(True)
    ((60, '-1/3'), (100, '1e-07'), (100, 'true'))
    """
    if type(value) is bool:
        return ATOM, "true" if value else "false"
    if isinstance(value, Fraction):
        return precedence("/"), f"{digits(value.numerator)}/{digits(value.denominator)}"
    text = digits(value) if type(value) is int else repr(value)
    return (precedence("neg") if text[0] == "-" else ATOM), text


def quotient(term: Any, arguments: Callable[[Any], Sequence[Any]], whole: Callable[[Any], bool]) -> tuple[bool, list[Factor], list[Factor]]:
    """Return a canonical product or power as (negative, factors above the line, factors below it).

    ``arguments`` chooses the order; ``whole`` names terms that must not be taken apart.
    """
    coefficient: Any = 1
    above: list[Factor] = []
    below: list[Factor] = []
    for factor in arguments(term) if interface.head(term) == "*" else (term,):
        if interface.is_number(factor):
            coefficient = coefficient * interface.value(factor)
        elif interface.is_call(factor) and interface.head(factor) == "^" and (factor is term or not whole(factor)):
            base, power = interface.args(factor)
            exponent = interface.value(power) if interface.is_number(power) else power
            if not interface.is_number(power) or not exponent < 0:
                above.append((base, exponent))
            elif interface.is_number(base) and interface.value(base) == 0:
                above.append((base, exponent))  # 1/(0*x) would be read as 1/0
            else:
                below.append((base, None if exponent == -1 and type(exponent) is int else -exponent))
        else:
            above.append((factor, None))
    negative = is_negative(coefficient)
    coefficient = -coefficient if negative else coefficient
    if isinstance(coefficient, Fraction):
        below.insert(0, (coefficient.denominator, None))
        coefficient = coefficient.numerator
    if not above or type(coefficient) is not int or coefficient != 1:
        above.insert(0, (coefficient, None))
    return negative, above, below


def unfolded_sizes(root: Any) -> dict[Hashable, int]:
    """Return for each distinct sub-term how many nodes it has when written out without sharing, itself included."""
    sizes: dict[Hashable, int] = {}
    for node in interface.postorder(root):
        size = 1
        if interface.is_call(node):
            size += sum(sizes[interface.key(arg)] for arg in interface.args(node))
        sizes[interface.key(node)] = min(size, _MANY)
    return sizes


_MANY = 10**18
"""Sizes are counted up to here; a doubly shared term would need numbers of thousands of digits."""


def is_larger_than(term: Any, count: int) -> bool:
    """Tell whether a term has more than ``count`` distinct sub-terms, looking at no more than that."""
    return next(islice(interface.postorder(term), count, None), None) is not None
