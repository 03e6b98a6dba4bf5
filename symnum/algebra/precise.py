"""Values to any number of digits by ball arithmetic: FLINT's Arb bounds every rounding error, so the digits given are right.

A value on the way is an exact number, a ball, an infinity or nan (float), a boolean, or UNKNOWN: a condition whose two sides
overlap at this precision.  The working precision is doubled until each result is narrow enough.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.evaluate import exact_call, float_call, fold
from symnum.operators import ARGUMENTS, Operator

Value = Any

MAX_DIGITS = 1_000_000
_MAX_EXPONENT = 10**17
_GUARD = 40  # extra bits of the first attempt; most terms lose fewer
_LEAST_LIMIT = 1 << 14  # bits up to which doubling is always tried
_LIMIT_FACTOR = 16  # and how many times the first attempt's bits are tried for long results
_PRECISION = threading.Lock()  # FLINT's working precision belongs to the process


class _Unknown:
    """The truth of a condition that this precision does not decide."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


class _Undecided(ArithmeticError):
    """A value needs more bits; the message says which, should there be no more."""


def evaluate_balls(roots: Sequence[Any], values: Mapping[Any, Value], digits: int) -> list[Any]:
    """Return each root's value with ``digits`` significant digits as a Decimal, or as a bool; see :func:`symnum.evaluate`."""
    if type(digits) is not int or not 1 <= digits <= MAX_DIGITS:
        raise ValueError(
            f"precision is a number of decimal digits from 1 to {MAX_DIGITS}, but got {digits!r}; write precision=50"
        )
    import flint

    start = math.ceil(digits * math.log2(10)) + _GUARD
    limit = max(_LEAST_LIMIT, _LIMIT_FACTOR * start)
    bits = start
    results: list[Any] = [None] * len(roots)
    while True:
        last = 2 * bits > limit
        with _PRECISION, flint.ctx.workprec(bits):
            known = dict(values)
            for i, root in enumerate(roots):
                if results[i] is None:
                    try:
                        found = _exact(fold([root], known, _ball_of_call, _decided)[0])
                        results[i] = _rounded(found, digits, last)
                    except _Undecided as problem:
                        if last:
                            raise ArithmeticError(
                                f"{problem} (tried {bits} bits); evaluate without precision=, or move the point"
                            ) from None
        if None not in results:
            return results
        bits *= 2


def _exact(value: Value) -> Value:
    """Return a finite float as the exact number that it is."""
    return numbers.exact(Fraction(value)) if type(value) is float and math.isfinite(value) else value


def _decided(condition: Value) -> bool:
    if condition is UNKNOWN:
        raise _Undecided("the condition of an ifelse cannot be decided, its two sides agree")
    return bool(condition)


# --- calls ------------------------------------------------------------------------------------------------------------------


def _ball_of_call(node: Any, row: Operator, values: Sequence[Value], known: Mapping[Any, Value]) -> Value:
    import flint

    given = [_exact(v) for v in values]
    logic = _LOGIC.get(row.name)
    if logic is not None:
        return logic(given)
    if any(type(v) is float for v in given):
        return _value_at_infinity(row, given)
    if not any(isinstance(v, flint.arb) for v in given):
        found = exact_call(row, given)
        if found is not None:
            return found
    ball = _apply(row, given)
    if ball.is_finite():
        return ball
    inside = _in_domain(row, given)
    if inside is False:
        return _value_outside(row, given)
    raise _Undecided(
        f"the value of {row.name!r} cannot be bounded, since its arguments may lie outside its domain ({row.domain})"
    )


def _apply(row: Operator, values: Sequence[Value]) -> Any:
    balls = [to_ball(v) for v in values]
    function = _arb_function(row.name, row.arb, 2 if row.associative else row.arity[1] or 0)
    return reduce(function, balls) if row.associative else function(*balls)


def to_ball(value: Value) -> Any:
    """Return a number as a ball of the present precision."""
    import flint

    if type(value) is Fraction:
        return flint.arb(flint.fmpq(value.numerator, value.denominator))
    return value if isinstance(value, flint.arb) else flint.arb(value)


@lru_cache(maxsize=512)
def _arb_function(name: str, text: str, arity: int) -> Callable[..., Any]:
    """Return the Arb spelling of an operator as a function."""
    import flint

    if not text:
        raise ValueError(
            f"operator {name!r} has no Arb spelling, so precision= cannot be used with it; "
            f"give one in its row: symnum.register_operator({name!r}, ..., arb='{{0}}.exp()')"
        )
    names = ARGUMENTS[:arity]
    # The text is a cell of the operator table, which is code by definition; no user's formula reaches this place.
    function: Callable[..., Any] = eval(
        f"lambda {', '.join(names)}: {text.format(*names)}", {"arb": flint.arb}
    )
    return function


def _value_at_infinity(row: Operator, values: Sequence[Value]) -> Value:
    """Return the value of a call with an infinite or nan argument; its finite limits, such as atan(inf), come from Arb."""
    import flint

    found = float_call(row, [float(v) if isinstance(v, flint.arb) else v for v in values])
    if not math.isfinite(found):
        return found
    ball = _apply(row, values)
    return ball if ball.is_finite() else _exact(found)


def _value_outside(row: Operator, values: Sequence[Value]) -> float:
    """Return nan, or the infinity that NumPy gives at a pole such as log(0)."""
    import flint

    if any(isinstance(v, flint.arb) for v in values):
        return numbers.NAN
    found = float_call(row, values)
    return found if math.isinf(found) and all(float(v) == v for v in values) else numbers.NAN


def _in_domain(row: Operator, values: Sequence[Value]) -> Value:
    """Tell whether arguments lie in the operator's domain: True, False or UNKNOWN."""
    symbols, root = _domain_term(row.domain)
    known = {interface.key(s): values[ARGUMENTS.index(interface.name(s))] for s in symbols}
    try:
        return fold([root], known, _ball_of_call, _decided)[0]
    except _Undecided:
        return UNKNOWN


@lru_cache(maxsize=512)
def _domain_term(text: str) -> tuple[list[Any], Any]:
    from symnum.text.parser import parse

    root = parse(text, backend="tree")
    return interface.free_symbols(root), root


# --- conditions -------------------------------------------------------------------------------------------------------------


def _less(a: Value, b: Value) -> Value:
    if type(a) is float or type(b) is float or not (_is_ball(a) or _is_ball(b)):
        return bool(a < b)
    a, b = to_ball(a), to_ball(b)
    return True if a < b else False if a >= b else UNKNOWN


def _at_most(a: Value, b: Value) -> Value:
    if type(a) is float or type(b) is float or not (_is_ball(a) or _is_ball(b)):
        return bool(a <= b)
    a, b = to_ball(a), to_ball(b)
    return True if a <= b else False if a > b else UNKNOWN


def _equal(a: Value, b: Value) -> Value:
    if type(a) is float or type(b) is float or not (_is_ball(a) or _is_ball(b)):
        return bool(a == b)
    a, b = to_ball(a), to_ball(b)
    if a.is_exact() and b.is_exact():
        return bool(a == b)
    return UNKNOWN if a.overlaps(b) else False


def _is_ball(value: Value) -> bool:
    return hasattr(value, "overlaps")


def _not(value: Value) -> Value:
    return UNKNOWN if value is UNKNOWN else not value


def _all(values: Sequence[Value]) -> Value:
    return False if any(v is False for v in values) else UNKNOWN if UNKNOWN in values else True


_LOGIC: dict[str, Callable[[Sequence[Value]], Value]] = {
    "<": lambda v: _less(v[0], v[1]),
    "<=": lambda v: _at_most(v[0], v[1]),
    ">": lambda v: _less(v[1], v[0]),
    ">=": lambda v: _at_most(v[1], v[0]),
    "==": lambda v: _equal(v[0], v[1]),
    "!=": lambda v: _not(_equal(v[0], v[1])),
    "and": _all,
    "or": lambda v: _not(_all([_not(x) for x in v])),
    "not": lambda v: _not(v[0]),
}
"""Kleene's three-valued logic, by head."""


# --- rounding ---------------------------------------------------------------------------------------------------------------


def _rounded(value: Value, digits: int, last: bool) -> Decimal | bool:
    """Return a value as a Decimal of ``digits`` digits; raises _Undecided while the ball is too wide."""
    if type(value) is bool:
        return value
    if value is UNKNOWN:
        raise _Undecided("the comparison cannot be decided, its two sides agree")
    if type(value) is float:
        return Decimal(value)
    wide = Context(prec=digits + 40, Emax=_MAX_EXPONENT, Emin=-_MAX_EXPONENT)
    with localcontext(wide, prec=digits):
        if type(value) is int or type(value) is Fraction:
            return (
                +Decimal(value.numerator)
                if value.denominator == 1
                else Decimal(value.numerator) / Decimal(value.denominator)
            )
        middle, radius, exponent = (int(part) for part in value.mid_rad_10exp(digits + 10))
        if abs(exponent) > _MAX_EXPONENT // 2 and abs(middle) > radius:
            raise OverflowError(
                f"the value is about 10^{exponent}, beyond what Decimal holds; take the log of the term first"
            )
        if abs(exponent) > _MAX_EXPONENT // 2:
            raise _Undecided("the magnitude of the value cannot be bounded")
        low, high = (+Decimal(part).scaleb(exponent, wide) for part in (middle - radius, middle + radius))
        if low == high:
            return low
        # A decimal that ends in ...5 exactly is never bracketed: a ball this narrow is rounded by its middle.
        if abs(middle) > radius * 10 ** (digits + 5):
            return +Decimal(middle).scaleb(exponent, wide)
        if last and abs(middle) <= radius and len(str(radius)) + exponent < -digits:
            return Decimal((0, (0,), len(str(radius)) + exponent))
    raise _Undecided(
        f"{digits} digits of the value cannot be found, it may sit at a jump of floor, ceil, mod or sign"
    )
