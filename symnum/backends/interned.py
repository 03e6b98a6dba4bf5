"""The ``interned`` backend: hash-consed terms, canonical at construction.

Sums are flat {term: coefficient} plus a constant, products flat {base: exponent} with a coefficient; numbers fold exactly;
``sqrt(a)`` is ``a^(1/2)``, ``a - b`` is ``a + (-1)*b`` and ``a/b`` is ``a*b^(-1)``.  Rewrites done here hold wherever the written
form is defined: x*x^-1 = 1 and x - x = 0 are made, sqrt(x^2) = x is not unless x is declared positive.  A sum is not
multiplied out: 2*(x + y) stays as it is.

The design follows SymEngine's and SymbolicUtils' Add and Mul (arXiv 2105.03949, section 3).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from operator import is_ as operator_is
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.arithmetic import (
    ASSUMPTIONS as ASSUMPTIONS,
)
from symnum.backends.arithmetic import (
    NUMBERS,
    POWERS,
    PRODUCTS,
    SCALED_TERMS,
    SUMS,
    SYMBOLS,
    add,
    add_scaled,
    as_term,
    multiply,
    power,
)
from symnum.backends.arithmetic import (
    SORTS as SORTS,
)
from symnum.backends.arithmetic import (
    add_many as add_many,
)
from symnum.backends.arithmetic import (
    multiply_many as multiply_many,
)
from symnum.backends.arithmetic import (
    number as number,
)
from symnum.backends.arithmetic import (
    product_of as product_of,
)
from symnum.backends.arithmetic import (
    scale as scale,
)
from symnum.backends.arithmetic import (
    sum_of as sum_of,
)
from symnum.backends.arithmetic import (
    symbol as symbol,
)
from symnum.backends.calls import CALLS, call, negate_condition
from symnum.backends.nodes import (
    BOOLEAN,
    LOCK,
    NUMBER,
    POWER,
    PRODUCT,
    SCALED,
    SUM,
    Interned,
    Number,
    Symbol,
    table_sizes,
)
from symnum.backends.views import (
    addends_of,
    args_of,
    factors_of,
    head_of,
    operands_of,
    sort_of,
    sorted_args_of,
)
from symnum.expression import Expression
from symnum.operators import OPERATORS, result_sort


def _real(term: Any, head: str) -> Any:
    if term.kind == BOOLEAN:
        result_sort(OPERATORS[head], (term.sort if isinstance(term, Symbol) else "boolean",))
    return term


def make(head: str, args: Iterable[Any]) -> Any:
    """Build the canonical term of ``head`` on ``args``; Python numbers among the arguments become constants."""
    terms = tuple([a if isinstance(a, Interned) else _foreign(a, head) for a in args])
    special = _SPECIAL.get(head)
    if special is None:
        return call(head, terms)
    count, function, real = special
    if count is not None and len(terms) != count:
        OPERATORS[head].check_arity(len(terms))
    if real:
        for term in terms:
            if term.kind == BOOLEAN:
                _real(term, head)
    return function(terms)


def _foreign(arg: Any, head: str) -> Any:
    if isinstance(arg, Expression):
        raise TypeError(
            f"cannot use {arg!s} of the {arg.backend!r} backend as an argument of {head!r} on interned terms; "
            f"convert it: symnum.convert(term, backend='interned')"
        )
    return number(arg)


_HALF = number(Fraction(1, 2))
_SPECIAL: dict[str, tuple[int | None, Callable[[tuple[Any, ...]], Any], bool]] = {
    "+": (None, lambda t: add(*t) if len(t) == 2 else add_many(t), True),
    "*": (None, lambda t: multiply(*t) if len(t) == 2 else multiply_many(t), True),
    "-": (2, lambda t: add(t[0], scale(-1, t[1])), True),
    "/": (2, lambda t: divide(*t), True),
    "neg": (1, lambda t: scale(-1, t[0]), True),
    "^": (2, lambda t: power(*t), True),
    "sqrt": (1, lambda t: power(t[0], _HALF), True),
    "not": (1, negate_condition, False),
}


def divide(a: Any, b: Any) -> Any:
    """Return a / b; two numbers are divided with one rounding, which a * (1/b) would not do."""
    if a.kind == NUMBER and b.kind == NUMBER and (type(a.value) is float or type(b.value) is float):
        return number(numbers.divide(a.value, b.value))
    return multiply(a, _reciprocal(b))


def _reciprocal(term: Any) -> Any:
    if term.kind == NUMBER and type(term.value) is float:
        return number(numbers.divide(1, term.value))
    return power(term, _MINUS_ONE)


_MINUS_ONE = number(-1)


def linear(constant: Any, pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Return constant + sum of coefficient * term, without a node for each addend; coefficients may be terms, too."""
    pairs = list(pairs)
    if isinstance(constant, Interned):
        pairs.append((constant, 1))
        constant = 0
    if len(pairs) == 1 and constant == 0:
        only = _scaled(*pairs[0])
        if type(constant) is int or (only.kind != SUM and only.kind != NUMBER):  # 0 + 0.0 is 0.0
            return only
    entries: dict[Any, Any] = {}
    for term, coefficient in pairs:
        if type(coefficient) is int and coefficient and term.kind != BOOLEAN:
            constant = add_scaled(entries, constant, coefficient, term)
        else:
            constant = add_scaled(entries, constant, 1, _scaled(term, coefficient))
    return sum_of(constant, entries)


def _scaled(term: Any, coefficient: Any) -> Any:
    real = _real(term, "*")
    return multiply(coefficient, real) if isinstance(coefficient, Interned) else scale(coefficient, real)


def monomial(coefficient: Any, pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Return coefficient * product of base ^ exponent, without a node for each factor that is no power; the coefficient may be a term."""
    factors = [
        power(_real(b, "^"), as_term(e)) if isinstance(e, Interned) or e != 1 else _real(b, "*")
        for b, e in pairs
    ]
    if isinstance(coefficient, Interned):
        return multiply_many([_real(coefficient, "*"), *factors])
    if len(factors) == 1:
        return scale(coefficient, factors[0])
    return multiply_many(
        factors if type(coefficient) is int and coefficient == 1 else [number(coefficient), *factors]
    )


def rebuild(node: Any, new: Mapping[Any, Any]) -> Any:
    """Return the call with its operands (see :func:`symnum.term.operands`) replaced: ``new`` has an entry for each.

    Only what changed is added or multiplied again.
    """
    kind = node.kind
    if kind == SUM:
        changed = [(t, c) for t, c in node.entries().items() if new[t] is not t]
        if not changed:
            return node
        entries, constant = node.entries().copy(), node.constant
        for t, _ in changed:
            del entries[t]
        for t, c in changed:
            constant = add_scaled(entries, constant, c, new[t])
        return sum_of(constant, entries)
    if kind == SCALED:
        inner = node.term
        inner = rebuild(inner, new) if inner.kind in (PRODUCT, POWER) else new[inner]
        return node if inner is node.term else scale(node.coefficient, inner)
    if kind == PRODUCT:
        changed = [
            (b, e)
            for b, e in node.entries().items()
            if new[b] is not b or (isinstance(e, Interned) and new[e] is not e)
        ]
        if not changed:
            return node
        entries = node.entries().copy()
        for b, _ in changed:
            del entries[b]
        raised = [(new[b], new[e] if isinstance(e, Interned) else e) for b, e in changed]
        return multiply_many(
            [b if type(e) is int and e == 1 else power(b, as_term(e)) for b, e in raised], entries
        )
    if kind == POWER:
        e = node.exponent
        base, exponent = new[node.base], new[e] if isinstance(e, Interned) else e
        return node if base is node.base and exponent is e else power(base, as_term(exponent))
    args = tuple([new[a] for a in node.args])
    return node if all(map(operator_is, args, node.args)) else call(node.head, args)


_metadata: Any = None


def metadata_of(node: Interned) -> Any:
    """Return what was attached to the term with :func:`with_metadata`."""
    return {} if _metadata is None else _metadata.get(node, {})


def with_metadata(node: Interned, **entries: Any) -> Interned:
    """Attach entries to a term, kept beside it as long as it lives; equality and hash do not see them."""
    global _metadata

    with LOCK:
        if _metadata is None:
            _metadata = weakref.WeakKeyDictionary()
        _metadata[node] = {**_metadata.get(node, {}), **entries}
    return node


def live_nodes() -> int:
    """Return how many interned nodes are alive."""
    return table_sizes((SYMBOLS, NUMBERS, CALLS, POWERS, SCALED_TERMS, SUMS, PRODUCTS))


Interned._make = staticmethod(make)
Interned._convert = staticmethod(number)


def _operator_method(head: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the method of a binary operator: straight to the constructor when both sides are interned numbers."""

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Interned) and other.kind != BOOLEAN and self.kind != BOOLEAN:
            return function(self, other)
        return self._binary(head, other)

    return method


for _name, _head, _construct in (
    ("__add__", "+", add),
    ("__mul__", "*", multiply),
    ("__sub__", "-", lambda a, b: add(a, scale(-1, b))),
    ("__truediv__", "/", lambda a, b: multiply(a, _reciprocal(b))),
    ("__pow__", "^", power),
):
    setattr(Interned, _name, _operator_method(_head, _construct))

interface.register(
    Interned,
    is_call=lambda node: node.head != "",
    head=head_of,
    args=args_of,
    sorted_args=sorted_args_of,
    make=make,
    is_symbol=lambda node: isinstance(node, Symbol),
    is_number=lambda node: isinstance(node, Number),
    name=lambda node: node.name,
    value=lambda node: node.value,
    number=number,
    sort_of=sort_of,
    assumptions=lambda node: node.assumptions,
    metadata=metadata_of,
    addends=addends_of,
    factors=factors_of,
    operands=operands_of,
    rebuild=rebuild,
    backend="interned",
)
