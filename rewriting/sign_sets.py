"""Sets of signs as bit masks, and what operations do to them: ``ZERO | POSITIVE`` is what a square can be.

A set tells of the values that a term has where it is defined, infinite ones included.  A power below zero of what may be infinite may
be zero, and so may exp: whoever asks says whether an argument certainly is finite.
"""

from __future__ import annotations

from typing import Any

from symnum.exact import is_integer

NEGATIVE, ZERO, POSITIVE = 1, 2, 4
ANY = NEGATIVE | ZERO | POSITIVE

ASSUMED = {
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "nonnegative": ZERO | POSITIVE,
    "nonzero": NEGATIVE | POSITIVE,
}
"""What an assumption on a symbol or slot says about signs."""

_ALWAYS = {
    "cosh": POSITIVE, "pi": POSITIVE, "acosh": ZERO | POSITIVE, "acos": ZERO | POSITIVE, "asec": ZERO | POSITIVE,
}  # fmt: skip
_LIKE_ARGUMENT = frozenset("sinh tanh asinh atanh atan asin erf cbrt sign expm1 log1p".split())


def sign_of(value: Any) -> int:
    """Return the sign of a number; of a truth value and of nan nothing is known."""
    if isinstance(value, bool) or value != value:
        return ANY
    return POSITIVE if value > 0 else ZERO if value == 0 else NEGATIVE


def negated(signs: int) -> int:
    """Return the signs of -a."""
    return signs & ZERO | (POSITIVE if signs & NEGATIVE else 0) | (NEGATIVE if signs & POSITIVE else 0)


def added(a: int, b: int) -> int:
    """Return the signs of a + b."""
    if a == ZERO or b == ZERO:
        return b if a == ZERO else a
    if (a | b) & NEGATIVE and (a | b) & POSITIVE:
        return ANY
    return (a | b) & ~ZERO | (ZERO if a & ZERO and b & ZERO else 0)


def multiplied(a: int, b: int) -> int:
    """Return the signs of a * b."""
    found = (a | b) & ZERO
    if b & POSITIVE:
        found |= a & ~ZERO
    if b & NEGATIVE:
        found |= negated(a) & ~ZERO
    return found


def powered(signs: int, exponent: Any, finite: bool) -> int:
    """Return the signs of base^exponent for a number as exponent; a negative power of zero is infinite, of no known sign."""
    if exponent < 0 and signs & ZERO:
        return ANY if is_integer(exponent) and exponent % 2 else ZERO | POSITIVE
    vanishes = ZERO if exponent < 0 and not finite else 0
    if is_integer(exponent):
        return (signs if exponent % 2 else signs & ZERO | (POSITIVE if signs & ~ZERO else 0)) | vanishes
    return (signs & (ZERO | POSITIVE) or ANY) | vanishes


def of_power(base: int, finite: bool) -> int:
    """Return the signs of base^exponent for a term as exponent; ``finite`` says that both certainly are finite."""
    if base & NEGATIVE:
        return ANY
    return POSITIVE if base == POSITIVE and finite else ZERO | POSITIVE


def of_call(head: str, signs: list[int], finite: bool) -> int:
    """Return the signs of a call of another head than those of sums, products and powers, from the signs of its arguments."""
    if head in _ALWAYS:
        return _ALWAYS[head]
    if head in ("exp", "sech"):
        return POSITIVE if finite else ZERO | POSITIVE
    if head == "abs":
        return signs[0] & ZERO | (POSITIVE if signs[0] & ~ZERO else 0)
    if head in _LIKE_ARGUMENT:
        return signs[0]
    if head == "ifelse":
        return signs[1] | signs[2]
    if head in ("min", "max"):
        return _extreme(signs, head == "max")
    return ANY


def _extreme(signs: list[int], largest: bool) -> int:
    """Return the signs of a maximum: the largest sign of each combination; of a minimum, the smallest."""
    turned = signs if largest else [negated(s) for s in signs]
    found = 0
    lowest = max(s & -s for s in turned)
    for s in turned:
        found |= s
    found &= ~(lowest - 1)
    return found if largest else negated(found)
