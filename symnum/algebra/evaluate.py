"""The value of a term at a point: exact where the numbers are exact, IEEE float64 otherwise, or to any number of digits.

This is the reference that compiled functions are tested against.  The walk is demand-driven and visits each distinct sub-term
once; the branch of an ifelse that is not taken is not entered.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.operators import OPERATORS, Operator, exact_value

Value = Any


def evaluate(term: Any, values: Mapping[Any, Any], *, precision: int | None = None) -> Any:
    """Return the value of a term where its symbols have the given values.

    Keys of ``values`` are symbols or their names; values are an int, Fraction, float, bool, NumPy scalar, Decimal, or text such as
    ``"1/3"``.  Exact numbers stay exact through rational operators (the result is then an int or Fraction, as long as it has fewer
    than ``symnum.exact.MAX_BITS`` bits); one float makes the result a float with NumPy's semantics: 1/0.0 is inf, log(-1) is nan.
    A list or tuple of terms gives a list.

    With ``precision`` given, the result is a ``decimal.Decimal`` with that many correct digits, found by ball arithmetic (Arb,
    in FLINT); a float then means its exact binary value, and text its exact decimal value.  An undefined value is
    ``Decimal('NaN')``; one that cannot be told from zero is a zero whose exponent tells how small it is, such as ``0E-1000``.

    Raises ValueError for a symbol without a value, for a name that is not in the term or stands for two symbols, and for a value
    against the symbol's assumptions; TypeError for what is not a number; ZeroDivisionError for a division by an exact zero;
    ArithmeticError where a comparison cannot be decided at any affordable precision.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> evaluate(x/3 + y, {x: 1, "y": "1/6"}), evaluate(sn.exp(x), {x: 0.5})
    (Fraction(1, 2), 1.6487212707001282)
    >>> evaluate(sn.exp(x), {x: 1}, precision=30)
    Decimal('2.71828182845904523536028747135')
    """
    from symnum.algebra.point import bind

    several = isinstance(term, list | tuple) and not interface.is_term(term)
    roots = list(term) if several else [term]
    known = bind(roots, values, decimal_text=precision is not None)
    if precision is not None:
        from symnum.algebra.precise import evaluate_balls

        results = evaluate_balls(roots, known, precision)
    else:
        import numpy

        with numpy.errstate(all="ignore"):
            results = fold(roots, known, _value_of_call)
    return results if several else results[0]


def fold(
    roots: Sequence[Any],
    known: dict[Any, Value],
    apply: Callable[[Any, Operator, Sequence[Value], Mapping[Any, Value]], Value],
    truth: Callable[[Value], bool] = bool,
) -> list[Value]:
    """Compute a value for each root from those of its arguments; ``known`` holds values by key and is filled.

    ``apply(node, row, values, known)`` gives the value of a call.  Of an ifelse only the condition and the branch that ``truth``
    chooses are computed.
    """
    stack = list(reversed(roots))
    while stack:
        node = stack[-1]
        face = interface.interface(node)
        identity = face.key(node)
        if identity in known:
            stack.pop()
            continue
        if not face.is_call(node):
            known[identity] = face.value(node)
            stack.pop()
            continue
        head, args = face.head(node), face.args(node)
        if head == "ifelse":
            wanted = args[0]
            if interface.key(wanted) in known:
                wanted = args[1 if truth(known[interface.key(wanted)]) else 2]
                if interface.key(wanted) in known:
                    known[identity] = known[interface.key(wanted)]
                    stack.pop()
                    continue
            stack.append(wanted)
            continue
        row = OPERATORS[head]
        if len(args) > 2 and row.associative:
            args = face.sorted_args(node)  # float sums must not depend on the order in which a sum was built
        missing = [arg for arg in args if interface.key(arg) not in known]
        if missing:
            stack.extend(reversed(missing))
            continue
        known[identity] = apply(node, row, [known[interface.key(arg)] for arg in args], known)
        stack.pop()
    return [known[interface.key(root)] for root in roots]


# --- exact and float values -------------------------------------------------------------------------------------------------


def _value_of_call(node: Any, row: Operator, values: Sequence[Value], known: Mapping[Any, Value]) -> Value:
    if not any(type(v) is float for v in values):
        found = exact_call(row, values)
        if found is not None:
            return found
    elif row.name == "*":
        return _float_product(node, known)
    elif row.name == "^":
        return _float_power(*values)
    return _float_call(row, values)


def _float_product(node: Any, known: Mapping[Any, Value]) -> float:
    """Return the float value of a product as compiled code finds it: one division, then the coefficient."""
    coefficient: Value = 1
    above: float | None = None
    below: float | None = None
    face = interface.interface(node)
    for arg in face.sorted_args(node):
        if interface.is_number(arg):
            coefficient = coefficient * interface.value(arg)
            continue
        reciprocal = _reciprocal(arg)
        if reciprocal is None:
            value = to_float(known[interface.key(arg)])
            above = value if above is None else above * value
        else:
            value = _float_power(known[interface.key(reciprocal[0])], reciprocal[1])
            below = value if below is None else below * value
    if above is None:
        return to_float(coefficient) if below is None else float(numbers.divide(to_float(coefficient), below))
    quotient = above if below is None else float(numbers.divide(above, below))
    return quotient * to_float(coefficient)


def _reciprocal(factor: Any) -> tuple[Any, Value] | None:
    """Return (base, exponent) of a factor that is written 1/base^exponent."""
    if not interface.is_call(factor) or interface.head(factor) != "^":
        return None
    base, exponent = interface.args(factor)
    if not interface.is_number(exponent):
        return None
    value = interface.value(exponent)
    return (base, -value) if value < 0 and (type(value) is int or _is_half(value)) else None


def _float_power(base: Value, exponent: Value) -> float:
    """Return a float power; an exponent of exact halves is a square root, as which it was written."""
    if type(exponent) is int and exponent == 1:
        return to_float(base)
    if exponent < 0 and (type(exponent) is int or _is_half(exponent)):
        return float(numbers.divide(1.0, _float_power(base, -exponent)))
    if _is_half(exponent):
        root = float(_float_call(OPERATORS["sqrt"], (base,)))
        whole = exponent.numerator // 2
        return root if whole == 0 else _float_power(base, whole) * root
    return float(_float_call(OPERATORS["^"], (base, exponent)))


def _is_half(exponent: Value) -> bool:
    return type(exponent) is Fraction and exponent.denominator == 2


def exact_call(row: Operator, values: Sequence[Value]) -> Value | None:
    """Return the exact value of a call on exact numbers and booleans, or None where it is not rational or is huge.

    Raises ZeroDivisionError for a division by zero.
    """
    function = _EXACT.get(row.name)
    if function is not None:
        found = function(values)
    elif row.associative and row.exact is not None:
        found = reduce(row.exact, values)
    else:
        found = exact_value(row, tuple(values))
    if found is None or type(found) is bool:
        return found
    found = numbers.normal(found)
    return (
        found if found.numerator.bit_length() + found.denominator.bit_length() <= numbers.MAX_BITS else None
    )


def _exact_quotient(values: Sequence[Value]) -> Value:
    a, b = values
    if b == 0:
        raise ZeroDivisionError(
            f"the term divides {a} by an exact 0 at this point; guard it with "
            f"symnum.ifelse(symnum.ne(denominator, 0), ..., ...), or give the values as floats (0.0) to get inf or nan"
        )
    return numbers.divide(a, b)


def _exact_power(values: Sequence[Value]) -> Value | None:
    base, exponent = values
    return (
        _exact_quotient((1, 0))
        if base == 0 and exponent < 0
        else 1
        if exponent == 0
        else numbers.power(base, exponent)
    )


def _exact_modulo(values: Sequence[Value]) -> Value:
    a, b = values
    return a % b if b else _exact_quotient(values)


_EXACT: dict[str, Callable[[Sequence[Value]], Value | None]] = {
    "+": sum,
    "*": math.prod,
    "-": lambda v: v[0] - v[1],
    "neg": lambda v: -v[0],
    "/": _exact_quotient,
    "^": _exact_power,
    "mod": _exact_modulo,
    "sqrt": lambda v: numbers.power(v[0], Fraction(1, 2)),
    "<": lambda v: v[0] < v[1],
    "<=": lambda v: v[0] <= v[1],
    ">": lambda v: v[0] > v[1],
    ">=": lambda v: v[0] >= v[1],
    "==": lambda v: v[0] == v[1],
    "!=": lambda v: v[0] != v[1],
    "and": all,
    "or": any,
    "not": lambda v: not v[0],
}
"""Exact arithmetic by head, for the operators whose exactness is not a column of the table."""

# Python's own float operators agree with NumPy's bit by bit, and are ten times quicker than a NumPy call.
_PLAIN: dict[str, Callable[[float, float], Any]] = {
    "+": operator.add,
    "*": operator.mul,
    "-": operator.sub,
    "/": numbers.divide,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def float_call(row: Operator, values: Sequence[Value]) -> float | bool:
    """Return the value of one operator on numbers, by its NumPy spelling and with NumPy's float64 semantics.

    >>> float_call(OPERATORS["log"], (-1.0,)), float_call(OPERATORS["/"], (1, 0.0))
    (nan, inf)
    """
    import numpy

    with numpy.errstate(all="ignore"):
        return _float_call(row, values)


def _float_call(row: Operator, values: Sequence[Value]) -> float | bool:
    """Compute :func:`float_call` where NumPy's warnings are silenced already."""
    given = [v if type(v) is bool else to_float(v) for v in values]
    plain = _PLAIN.get(row.name)
    if plain is not None and given:
        found = reduce(plain, given)
    elif not given and row.unit is not None:
        found = row.unit
    elif row.associative:
        found = reduce(_numpy_function(row), given)
    else:
        found = _numpy_function(row)(*map(_scalar, given))
    return bool(found) if row.result_sort == "boolean" else float(found)


def _scalar(value: float | bool) -> Any:
    import numpy

    return numpy.bool_(value) if type(value) is bool else numpy.float64(value)


def to_float(value: Value) -> float:
    """Return a number as a float; what is too large is an infinity.

    >>> to_float(-10**400)
    -inf
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_FUNCTIONS: dict[str, tuple[Operator, Callable[..., Any]]] = {}


def _numpy_function(row: Operator) -> Callable[..., Any]:
    """Return the NumPy spelling of an operator as a function, compiled once for each row of the table."""
    known = _FUNCTIONS.get(row.name)
    if known is None or known[0] is not row:
        from symnum.codegen.runtime import numpy_function

        known = _FUNCTIONS[row.name] = (row, numpy_function(row))
    return known[1]
