"""Powers and roots (DLMF 4.2(iv), Abramowitz and Stegun 3.2); roots of numbers are denested (Hall and Knight, Higher Algebra, art. 88)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.rewriting.rule_sets import RuleSet
from symnum.rewriting.rules import rule
from symnum.rewriting.theories.domains import defined_or_fixed
from symnum.rewriting.views import SUM_HEADS, head_of, is_value, product_of, product_view, sum_of, sum_view


def _square_root(value: Fraction) -> Fraction | None:
    """Return the rational square root of a number, or None."""
    if value < 0:
        return None
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    return Fraction(top, bottom) if Fraction(top * top, bottom * bottom) == value else None


def _is_sum(a: Any) -> bool:
    return head_of(a) in SUM_HEADS


def _denested(a: Any) -> Any | None:
    """Return sqrt(p + q*sqrt(r)), or of a sum of two roots, as a sum of two roots of rational numbers, or None."""
    constant, pairs = sum_view(a)
    squares = []  # a = first + second, given by their squares with signs
    for part, coefficient in pairs:
        inner, items = product_view(part)
        if type(coefficient) is float or inner != 1 or not items:
            return None
        square = Fraction(coefficient) ** 2
        for base, exponent in items:
            if not (
                interface.is_number(base)
                and is_value(exponent)
                and type(interface.value(base)) in (int, Fraction)
            ):
                return None
            if exponent * 2 != 1:
                return None
            square *= Fraction(interface.value(base))
        squares.append((square, 1 if coefficient > 0 else -1))
    if type(constant) is float:
        return None
    if constant != 0:
        squares.append((Fraction(constant) ** 2, 1 if constant > 0 else -1))
    if len(squares) != 2:
        return None
    squares.sort(key=lambda s: -s[0])
    (p, sign), (q, other) = squares
    root = _square_root(p - q)
    if sign < 0:
        return None
    # sqrt(P + s*Q) = sqrt((P + D)/2) + s*sqrt((P - D)/2) with P^2 = p, Q^2 = q and D^2 = p - q
    first = _square_root(p)
    if root is not None and first is not None:
        halves = [(first + root) / 2, (first - root) / 2]
        parts = [
            (product_of(a, 1, [(interface.make_number(a, numbers.normal(h)), Fraction(1, 2))]), s)
            for h, s in zip(halves, (1, other))
        ]
        return sum_of(a, 0, parts)
    return None


def _with_base(a: Any, n: Any) -> Any | None:
    """Return a numeric power 4^x or 8^x as a power of the smallest whole base."""
    if interface.is_number(n):
        return None
    value = interface.value(a)
    if type(value) is not int or value < 4:
        return None
    for k in range(value.bit_length(), 1, -1):
        root = numbers.power(value, Fraction(1, k))
        if type(root) is int:
            return product_of(a, 1, [(interface.make_number(a, root), sum_of(a, 0, [(n, k)]))])
    return None


powers = RuleSet(
    [
        rule("sqrt(a^2) -> abs(a)"),
        rule("(a^4)^(1/4) -> abs(a)"),
        rule("sqrt(a)*sqrt(b) -> sqrt(a*b)"),
        rule("sqrt(a)/sqrt(b) -> sqrt(a/b)"),
        rule("sqrt(a)", _denested, where={"a": _is_sum}, name="sqrt(p + q*sqrt(r)) -> sqrt(s) + sqrt(t)"),
        rule("a^n*b^n -> (a*b)^n", holds="generic"),
        rule("(a^n)^m -> a^(n*m)", holds="generic"),
        rule("(a::positive^n)^m -> a^(n*m)", condition=defined_or_fixed("m")),
        rule("a::positive^n*b::positive^n -> (a*b)^n"),
        rule("cbrt(a)^3 -> a"),
        rule("cbrt(a^3) -> a"),
        rule("cbrt(a)*cbrt(b) -> cbrt(a*b)"),
        rule("cbrt(a)/cbrt(b) -> cbrt(a/b)"),
    ],
    "powers",
)

common_base = RuleSet(
    [rule("a^n", _with_base, where={"a": interface.is_number}, name="(r^k)^x -> r^(k*x)")], "common base"
)
"""A spelling that lets powers of 2 and of 4 meet; it is tried as a form of the whole, not as a rule of its own."""
