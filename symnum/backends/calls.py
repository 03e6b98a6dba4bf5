"""Calls of interned terms: folded on numbers, flat and sorted where the operator's row allows it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from symnum import exact as numbers
from symnum.backends.arithmetic import number, scale
from symnum.backends.nodes import (
    BOOLEAN,
    POWER,
    PRODUCT,
    SCALED,
    SUM,
    BooleanCall,
    Call,
    Number,
    Table,
    Truth,
    intern,
)
from symnum.backends.views import order_key, sort_of
from symnum.exact import Value
from symnum.operators import OPERATORS, exact_value, operator, result_sort

CALLS: Table = {}


def call(head: str, args: Sequence[Any]) -> Any:
    """Return the call of an operator without a canonical form of its own, folded where its row says so."""
    args = tuple(args)
    row = OPERATORS.get(head) or operator(head)
    low, high = row.arity
    if len(args) < low or (high is not None and len(args) > high):
        row.check_arity(len(args))
    if row.parity is not None and args[0].kind == SCALED and args[0].coefficient < 0:
        inner = call(head, (scale(-1, args[0]),))
        return inner if row.parity == "even" else scale(-1, inner)
    if row.associative:
        return _call_associative(head, row, args)
    constant = bool(args)
    for arg in args:
        if not isinstance(arg, Number):
            constant = False
    if constant:
        folded = _fold(head, row, args)
        if folded is not None:
            return folded
    if head == "ifelse":
        if isinstance(args[0], Truth):
            return args[1] if args[0].value else args[2]
        if args[1] is args[2]:
            return args[1]
    if head == "hold" and args[0].kind not in (SUM, SCALED, PRODUCT, POWER):
        return args[0]  # nothing would merge it
    if row.commutative and _pair_key(args[0]) > _pair_key(args[1]):
        args = (args[1], args[0])
    return _intern_call(head, row, args)


def _pair_key(node: Any) -> tuple[bool, Any]:
    """Order the sides of an equation: a number comes second."""
    return isinstance(node, Number), order_key(node)


def _intern_call(head: str, row: Any, args: tuple[Any, ...]) -> Any:
    reference = CALLS.get((head, args))
    if reference is not None:
        node = reference()
        if node is not None:
            return node
    if row.argument_sorts == ("real",) and row.result_sort != "join":
        for arg in args:
            if arg.kind == BOOLEAN:
                result_sort(row, tuple(map(sort_of, args)))
        sort = row.result_sort
    else:
        sort = result_sort(row, tuple(map(sort_of, args)))
    return intern(CALLS, (head, args), _build_call, head, args, sort == "boolean")


def _build_call(head: str, args: tuple[Any, ...], boolean: bool) -> Call:
    node = (BooleanCall if boolean else Call)()
    node.head, node._args = head, args
    mask = 0
    for arg in args:
        mask |= arg.mask
    node.mask = mask
    return node


def _fold(head: str, row: Any, args: tuple[Any, ...]) -> Any | None:
    """Return the number that a call on numbers is: exact for exact ones, a float if one of them is a float."""
    values = tuple(arg.value for arg in args)
    if row.argument_sorts[0] == "real" and any(type(v) is bool for v in values):
        result_sort(row, tuple(map(sort_of, args)))
    if head in _COMPARE:
        return number(_COMPARE[head](*values))
    if any(type(v) is float for v in values):
        from symnum.algebra.evaluate import float_call

        return number(float_call(row, values))
    folded = exact_value(row, values)
    if folded is None and row.parity is not None and type(values[0]) is not bool and values[0] < 0:
        inner = call(head, (number(-values[0]),))
        return inner if row.parity == "even" else scale(-1, inner)
    return None if folded is None else number(folded)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _call_associative(head: str, row: Any, args: tuple[Any, ...]) -> Any:
    """Return a call of min, max, and, or: flat, without repeats, numbers folded, in deterministic order."""
    distinct: dict[Any, None] = {}
    folded: Value = None
    result_sort(row, tuple(map(sort_of, args)))
    for arg in itertools.chain.from_iterable(
        a.args if isinstance(a, Call) and a.head == head else (a,) for a in args
    ):
        if not isinstance(arg, Number):
            distinct[arg] = None
        elif row.exact is not None:
            folded = arg.value if folded is None else _fold_pair(row, folded, arg.value)
        elif arg.value == row.zero:
            return number(row.zero)
    if head in ("and", "or") and any(
        isinstance(a, Call) and a.head == "not" and a.args[0] in distinct for a in distinct
    ):
        return number(row.zero)
    rest = sorted(distinct, key=order_key)
    if folded is not None:
        rest.insert(0, number(folded))
    if not rest:
        return number(row.unit)
    return rest[0] if len(rest) == 1 else _intern_call(head, row, tuple(rest))


def _fold_pair(row: Any, a: Value, b: Value) -> Value:
    return numbers.NAN if a != a or b != b else row.exact(a, b)


def negate_condition(args: Sequence[Any]) -> Any:
    (a,) = args
    if isinstance(a, Truth):
        return number(not a.value)
    if isinstance(a, Call) and a.head == "not":
        return a.args[0]
    return call("not", args)
