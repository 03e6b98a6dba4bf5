"""What the printers share: signs, fractions, precedences, and the size of a term written out.

A backend that registers ``addends`` and ``factors`` has canonical sums and products; for it ``x + (-1)*y`` is written ``x - y`` and
``x*y^(-1)`` is written ``x/y``.  Terms of any other backend are written exactly as they are built.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

from symnum import term as interface
from symnum.exact import to_digits
from symnum.operators import OPERATORS
from symnum.order import order_key

INFIX = frozenset({"+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "and", "or"})
"""Operators written between their arguments."""

COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})

ATOM = 100
"""Precedence of what never needs brackets."""

Factor = tuple[Any, Any]
"""A term and its exponent, a number or a term; None where the term stands alone."""

_MANY = 10**18


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


def number_text(value: Any) -> tuple[int, str]:
    """Return (precedence, text) of a number.

    >>> number_text(Fraction(-1, 3)), number_text(1e-7), number_text(True)
    ((60, '-1/3'), (100, '1e-07'), (100, 'true'))
    """
    if type(value) is bool:
        return ATOM, "true" if value else "false"
    if isinstance(value, Fraction):
        return precedence("/"), f"{to_digits(value.numerator)}/{to_digits(value.denominator)}"
    text = to_digits(value) if type(value) is int else repr(float(value))
    return (precedence("neg") if text[0] == "-" else ATOM), text


def quotient(
    coefficient: Any, pairs: Iterable[Factor], ordered: bool = True
) -> tuple[bool, list[Factor], list[Factor]]:
    """Return a product view as (negative, factors above the line, factors below it), in printing order if ``ordered``."""
    factors = list(pairs)
    if ordered and len(factors) > 1:
        factors.sort(key=lambda pair: order_key(pair[0]))
    above: list[Factor] = []
    below: list[Factor] = []
    for base, exponent in factors:
        if not isinstance(exponent, int | float | Fraction):
            above.append((base, exponent))
        elif exponent == 1 and type(exponent) is int:
            above.append((base, None))
        elif not exponent < 0 or (interface.is_number(base) and interface.value(base) == 0):
            above.append((base, exponent))  # 0^(-1) stays above: 1/(0*x) would be read as 1/0
        else:
            below.append((base, None if exponent == -1 and type(exponent) is int else -exponent))
    negative = is_negative(coefficient)
    coefficient = -coefficient if negative else coefficient
    if isinstance(coefficient, Fraction):
        below.insert(0, (coefficient.denominator, None))
        coefficient = coefficient.numerator
    if not above or type(coefficient) is not int or coefficient != 1:
        above.insert(0, (coefficient, None))
    return negative, above, below


def addends_in_order(total: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the addends of a canonical sum as (coefficient, term) in printing order; the constant has None for a term."""
    for addend in interface.sorted_args(total):
        if interface.is_number(addend):
            yield interface.value(addend), None
        else:
            ((term, coefficient),) = interface.addends(addend)[1]
            yield coefficient, term


def addends_as_built(total: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the addends of a canonical sum as they come, without building a node for each."""
    constant, pairs = interface.addends(total)
    for term, coefficient in pairs:
        yield coefficient, term
    if constant != 0:
        yield constant, None


class Graph:
    """Count what a term is made of: ``sizes`` is the unfolded size of each sub-term, ``uses`` how often it is an operand."""

    def __init__(self, root: Any, ordered: bool = False) -> None:
        self.sizes: dict[Hashable, int] = {}
        self.uses: dict[Hashable, int] = {}
        self.calls: list[Any] = []
        stack: list[tuple[Any, Any]] = [(root, None)]
        while stack:
            node, below = stack.pop()
            identity = interface.key(node)
            if identity in self.sizes:
                continue
            if below is None:
                if not interface.is_call(node):
                    self.sizes[identity] = 1
                    continue
                below = list(interface.operands(node))
                if ordered:
                    below.sort(key=order_key)
                stack.append((node, below))
                stack.extend([(operand, None) for operand in reversed(below)])
                continue
            keys = [interface.key(operand) for operand in below]
            for key in keys:
                self.uses[key] = self.uses.get(key, 0) + 1
            # Sizes stop at a large number: those of a doubly shared term would have thousands of digits.
            self.sizes[identity] = min(1 + sum([self.sizes[key] for key in keys]), _MANY)
            self.calls.append(node)
        self.size = self.sizes[interface.key(root)]


def is_larger_than(term: Any, count: int) -> bool:
    """Tell whether a term has more than ``count`` distinct sub-terms, without walking through all of a larger one."""
    seen: set[Hashable] = set()
    stack = [term]
    while stack and len(seen) <= count:
        node = stack.pop()
        identity = interface.key(node)
        if identity not in seen:
            seen.add(identity)
            if interface.is_call(node):
                stack.extend(islice(interface.operands(node), count + 1))
    return len(seen) > count
