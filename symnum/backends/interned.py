"""The ``interned`` backend: hash-consed terms, canonical at construction.

Sums are flat {term: coefficient} plus a constant, products flat {base: exponent} with a coefficient; numbers fold exactly;
``sqrt(a)`` is ``a^(1/2)``, ``a - b`` is ``a + (-1)*b`` and ``a/b`` is ``a*b^(-1)``.  Rewrites done here hold wherever the written
form is defined: x*x^-1 = 1 and x - x = 0 are made, sqrt(x^2) = x is not unless x is declared positive.  A sum is not
multiplied out: 2*(x + y) stays as it is.

The design follows SymEngine's and SymbolicUtils' Add and Mul (arXiv 2105.03949, section 3).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from operator import is_ as operator_is
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.nodes import (
    BOOLEAN,
    LOCK,
    NUMBER,
    POWER,
    PRODUCT,
    SCALED,
    SUM,
    BooleanCall,
    BooleanSymbol,
    Call,
    Interned,
    Number,
    Power,
    Product,
    Scaled,
    Sum,
    Symbol,
    Table,
    Truth,
    bag_hash,
    entry_hash,
    intern,
    intern_bag,
    number_key,
    same_entries,
    table_sizes,
)
from symnum.exact import Value
from symnum.expression import Expression
from symnum.operators import OPERATORS, exact_value, operator, result_sort

ASSUMPTIONS = ("positive", "negative", "nonnegative", "nonzero")
SORTS = ("real", "integer", "boolean")

_symbols: Table = {}
_numbers: Table = {}
_calls: Table = {}
_powers: Table = {}
_scaled: Table = {}
_sums: Table = {}
_products: Table = {}
_MASK_BITS = 60
_bits = itertools.count()


# --- leaves -----------------------------------------------------------------------------------------------------------------


def symbol(name: str, sort: str = "real", assumptions: Iterable[str] = ()) -> Symbol:
    """Return the symbol of this name, sort and assumptions."""
    known = frozenset(assumptions)
    return intern(_symbols, (name, sort, known), _build_symbol, name, sort, known)


def _build_symbol(name: str, sort: str, assumptions: frozenset[str]) -> Symbol:
    node = (BooleanSymbol if sort == "boolean" else Symbol)()
    node.name, node.sort, node.assumptions = name, sort, assumptions
    node.mask = 1 << (next(_bits) % _MASK_BITS)
    return node


def number(value: Any) -> Number:
    """Return the constant of a Python or NumPy number."""
    value = numbers.exact(value)
    return intern(_numbers, number_key(value), _build_number, value)


def _build_number(value: Value) -> Number:
    node = (Truth if type(value) is bool else Number)()
    node.value = value
    node.mask = 0
    return node


ZERO, ONE, TRUE, FALSE = number(0), number(1), number(True), number(False)


# --- sums -------------------------------------------------------------------------------------------------------------------


def scale(coefficient: Value, term: Any) -> Any:
    """Return coefficient * term."""
    kind = term.kind
    if kind == NUMBER:
        return number(coefficient * term.value)
    if kind == SCALED:
        coefficient = coefficient * term.coefficient
        term = term.term
    if type(coefficient) is not int:
        coefficient = numbers.normal(coefficient)
    if type(coefficient) is int:
        if coefficient == 0:
            return ZERO
        return term if coefficient == 1 else intern(_scaled, (coefficient, term), _build_scaled, coefficient, term)
    if coefficient == 0:
        return number(coefficient)
    return intern(_scaled, (coefficient, term, type(coefficient)), _build_scaled, coefficient, term)


def _build_scaled(coefficient: Value, term: Interned) -> Scaled:
    node = Scaled()
    node.coefficient, node.term, node._args = coefficient, term, None
    node.mask = term.mask
    return node


def add(a: Any, b: Any) -> Any:
    """Return a + b."""
    if b.kind == SUM and a.kind != SUM:
        a, b = b, a
    if a.kind == SUM and b.kind != SUM:
        kind = b.kind
        if kind == NUMBER:
            return _sum_like(a, numbers.normal(a.constant + b.value))
        key, coefficient = (b.term, b.coefficient) if kind == SCALED else (b, 1)
        if key.kind != SUM:
            grown = _grow_sum(a, key, coefficient)
            if grown is not None:
                return grown
    elif a.kind != SUM:
        return _add_pair(a, b)
    return add_many((a, b))


def _add_pair(a: Any, b: Any) -> Any:
    """Return a + b where neither is a sum."""
    ka, kb = a.kind, b.kind
    if ka == NUMBER or kb == NUMBER:
        if ka == kb:
            return number(numbers.normal(a.value + b.value))
        constant, other = (a.value, b) if ka == NUMBER else (b.value, a)
        if constant == 0:
            return other
        key, coefficient = (other.term, other.coefficient) if other.kind == SCALED else (other, 1)
        return sum_of(constant, {key: coefficient}) if key.kind != SUM else add_many((a, b))
    key_a, coefficient_a = (a.term, a.coefficient) if ka == SCALED else (a, 1)
    key_b, coefficient_b = (b.term, b.coefficient) if kb == SCALED else (b, 1)
    if key_a is key_b:
        return scale(numbers.normal(coefficient_a + coefficient_b), key_a)
    if key_a.kind == SUM or key_b.kind == SUM:
        return add_many((a, b))
    return sum_of(0, {key_a: coefficient_a, key_b: coefficient_b})


def add_many(terms: Iterable[Any]) -> Any:
    """Return the sum of any number of terms."""
    entries: dict[Any, Value] = {}
    constant: Value = 0
    for term in terms:
        if term.kind == SUM and not entries:
            constant = constant + term.constant
            entries = term.entries().copy()
        else:
            constant = _add_scaled(entries, constant, 1, term)
    return sum_of(constant, entries)


def _add_scaled(entries: dict[Any, Value], constant: Value, coefficient: Value, term: Any) -> Value:
    """Add coefficient * term to the entries, and return the new constant."""
    kind = term.kind
    if kind == NUMBER:
        return constant + coefficient * term.value
    if kind == SCALED:
        coefficient, term = coefficient * term.coefficient, term.term
        kind = term.kind
    if kind == SUM:
        for key, inner in term.entries().items():
            _accumulate(entries, key, inner * coefficient)
        return constant + term.constant * coefficient
    _accumulate(entries, term, coefficient)
    return constant


def _accumulate(entries: dict[Any, Value], key: Any, coefficient: Value) -> None:
    old = entries.get(key)
    if old is None:
        entries[key] = coefficient if type(coefficient) is int else numbers.normal(coefficient)
        return
    new = old + coefficient
    if type(new) is not int:
        new = numbers.normal(new)
    if new == 0:
        del entries[key]
    else:
        entries[key] = new


def sum_of(constant: Value, entries: dict[Any, Value]) -> Any:
    """Return the sum of a constant and {term: coefficient}; takes the dict over."""
    if type(constant) is not int:
        constant = numbers.normal(constant)
    if not entries:
        return number(constant)
    if len(entries) == 1 and constant == 0:
        ((key, coefficient),) = entries.items()
        return scale(coefficient, key)
    mask = 0
    for key in entries:
        mask |= key.mask
    return intern_bag(_sums, _new_sum(constant, entries, bag_hash(entries.items()), mask), _same_sum)


def _new_sum(constant: Value, entries: dict[Any, Value], digest: int, mask: int) -> Sum:
    node = Sum()
    node.constant = constant
    node._entries, node.size, node._frozen, node._args = entries, len(entries), False, None
    node.hash = digest if constant == 0 else digest ^ hash((constant, type(constant)))
    node.mask = mask
    return node


def _same_sum(a: Sum, b: Sum) -> bool:
    return (
        a.size == b.size
        and type(a.constant) is type(b.constant)
        and a.constant == b.constant
        and same_entries(a.entries(), b.entries())
    )


def _entries_hash(node: Sum) -> int:
    return node.hash if node.constant == 0 else node.hash ^ hash((node.constant, type(node.constant)))


def _sum_like(node: Sum, constant: Value) -> Any:
    """Return the sum with another constant, sharing the entries."""
    if constant == 0:
        constant = 0
        if node.size == 1:
            return sum_of(0, node.entries().copy())
    return intern_bag(_sums, _new_sum(constant, node.entries(), _entries_hash(node), node.mask), _same_sum)


def _grow_sum(node: Sum, key: Any, coefficient: Value) -> Any | None:
    """Return the sum with one more entry in O(1), or None when ``key`` is already in it."""
    with LOCK:
        entries = node.extend(key, coefficient)
        if entries is None:
            return None
        grown = _new_sum(
            node.constant, entries, _entries_hash(node) ^ entry_hash(key, coefficient), node.mask | key.mask
        )
        return intern_bag(_sums, grown, _same_sum)


# --- products ---------------------------------------------------------------------------------------------------------------


def multiply(a: Any, b: Any) -> Any:
    """Return a * b."""
    ka, kb = a.kind, b.kind
    if ka == NUMBER:
        return scale(a.value, b)
    if kb == NUMBER:
        return scale(b.value, a)
    coefficient: Value = 1
    if ka == SCALED:
        coefficient, a = a.coefficient, a.term
        ka = a.kind
    if kb == SCALED:
        coefficient, b = coefficient * b.coefficient, b.term
        kb = b.kind
    if kb == PRODUCT and ka != PRODUCT:
        a, b = b, a
        ka, kb = kb, ka
    if ka == PRODUCT and kb != PRODUCT:
        base, exponent = (b.base, b.exponent) if kb == POWER else (b, 1)
        product = _grow_product(a, base, exponent)
        if product is None:
            product = multiply_many((a, b))
    else:
        base_a, exponent_a = (a.base, a.exponent) if ka == POWER else (a, 1)
        base_b, exponent_b = (b.base, b.exponent) if kb == POWER else (b, 1)
        if base_a is base_b or ka == PRODUCT:
            product = multiply_many((a, b))
        else:
            product = product_of({base_a: exponent_a, base_b: exponent_b})
    return product if coefficient == 1 and type(coefficient) is int else scale(coefficient, product)


def multiply_many(terms: Iterable[Any]) -> Any:
    """Return the product of any number of terms."""
    entries: dict[Any, Any] = {}
    coefficient: Value = 1
    again: list[Any] = []
    for term in terms:
        kind = term.kind
        if kind == NUMBER:
            coefficient = coefficient * term.value
            continue
        if kind == SCALED:
            coefficient, term = coefficient * term.coefficient, term.term
            kind = term.kind
        if kind == PRODUCT:
            if not entries:
                entries = term.entries().copy()
            else:
                for base, exponent in term.entries().items():
                    _merge_factor(entries, base, exponent, again)
        elif kind == POWER:
            _merge_factor(entries, term.base, term.exponent, again)
        else:
            _merge_factor(entries, term, 1, again)
    product = product_of(entries)
    for factor in again:
        product = multiply(product, factor)
    return scale(coefficient, product) if coefficient != 1 or type(coefficient) is not int else product


_COMPOUND = frozenset({NUMBER, SCALED, PRODUCT, POWER})
"""Kinds of base that a whole exponent dissolves: (2*x)^2 is 4*x^2."""


def _merge_factor(entries: dict[Any, Any], base: Any, exponent: Any, again: list[Any]) -> None:
    """Multiply {base: exponent} by base^exponent; what must be rebuilt from scratch goes to ``again``."""
    old = entries.get(base)
    if old is None:
        entries[base] = exponent
        return
    total = old + exponent
    if isinstance(total, Number):
        total = total.value
    if type(total) is not int:
        if isinstance(total, Interned) or base.kind not in _COMPOUND:
            entries[base] = total if isinstance(total, Interned) else numbers.normal(total)
            if type(entries[base]) is not int:
                return
            total = entries[base]
        else:
            del entries[base]
            again.append(power(base, number(total)))
            return
    if total == 0:
        del entries[base]
    elif base.kind in _COMPOUND:
        del entries[base]
        again.append(power(base, number(total)))
    else:
        entries[base] = total


def product_of(entries: dict[Any, Any]) -> Any:
    """Return the product of {base: exponent}; takes the dict over."""
    if not entries:
        return ONE
    if len(entries) == 1:
        ((base, exponent),) = entries.items()
        return base if type(exponent) is int and exponent == 1 else _power_node(base, exponent)
    mask = 0
    for base, exponent in entries.items():
        mask |= base.mask
        if isinstance(exponent, Interned):
            mask |= exponent.mask
    return intern_bag(_products, _new_product(entries, bag_hash(entries.items()), mask), _same_product)


def _new_product(entries: dict[Any, Any], digest: int, mask: int) -> Product:
    node = Product()
    node._entries, node.size, node._frozen, node._args = entries, len(entries), False, None
    node.hash = digest
    node.mask = mask
    return node


def _same_product(a: Product, b: Product) -> bool:
    return a.size == b.size and same_entries(a.entries(), b.entries())


def _grow_product(node: Product, base: Any, exponent: Any) -> Any | None:
    """Return the product with one more factor in O(1), or None when ``base`` is already in it."""
    mask = node.mask | base.mask
    if isinstance(exponent, Interned):
        mask |= exponent.mask
    with LOCK:
        entries = node.extend(base, exponent)
        if entries is None:
            return None
        return intern_bag(
            _products, _new_product(entries, node.hash ^ entry_hash(base, exponent), mask), _same_product
        )


# --- powers -----------------------------------------------------------------------------------------------------------------


def power(base: Any, exponent: Any) -> Any:
    """Return base ^ exponent for two terms."""
    if exponent.kind != NUMBER:
        return ONE if base is ONE else _power_node(base, exponent)
    e = exponent.value
    if e == 0:
        return ONE if type(e) is int else number(1.0)
    if e == 1 and type(e) is int:
        return base
    kind = base.kind
    if type(e) is int:
        if kind == NUMBER:
            folded = numbers.power(base.value, e)
            return _power_node(base, e) if folded is None else number(folded)
        if kind == SCALED:
            folded = numbers.power(base.coefficient, e)
            return _power_node(base, e) if folded is None else scale(folded, power(base.term, exponent))
        if kind == PRODUCT:
            return multiply_many(power(_power_node(b, x), exponent) for b, x in base.entries().items())
        if kind == POWER:
            return power(base.base, _as_term(base.exponent * e))
        return _power_node(base, e)
    return _fractional_power(base, kind, e)


def _fractional_power(base: Any, kind: int, e: Value) -> Any:
    if kind == NUMBER:
        folded = numbers.power(base.value, e)
        if folded is not None:
            return number(folded)
        if base.value > 0:
            coefficient, n, part = numbers.split_root(base.value, e)
            return scale(coefficient, _power_node(number(n), part))
        return _power_node(base, e)
    if kind == SCALED:
        size = abs(base.coefficient)
        if size != 1:
            sign = ONE if base.coefficient > 0 else number(-1)
            return multiply(power(number(size), number(e)), power(multiply(sign, base.term), number(e)))
    if kind == POWER and is_positive(base.base):
        return power(base.base, _as_term(base.exponent * e))
    if kind == PRODUCT:
        positive = [(b, x) for b, x in base.entries().items() if is_positive(b)]
        if positive:
            rest = product_of({b: x for b, x in base.entries().items() if not is_positive(b)})
            outside = [power(b, _as_term(x * e)) for b, x in positive]
            return multiply_many((*outside, rest if rest is ONE else _power_node(rest, e)))
    return _power_node(base, e)


def _as_term(value: Any) -> Any:
    return value if isinstance(value, Interned) else number(value)


def is_positive(node: Any) -> bool:
    """Tell whether a base is known to be positive."""
    if isinstance(node, Symbol):
        return "positive" in node.assumptions
    if node.kind == NUMBER:
        return bool(node.value > 0)
    return isinstance(node, Call) and node.head in ("exp", "cosh", "pi")


def _power_node(base: Any, exponent: Any) -> Any:
    """Return the power node without further folding; an exponent 1 gives the base."""
    if type(exponent) is int:
        if exponent == 1:
            return base
        return intern(_powers, (base, exponent), _build_power, base, exponent)
    if isinstance(exponent, Number):
        return power(base, exponent)
    return intern(_powers, (base, exponent, type(exponent)), _build_power, base, exponent)


def _build_power(base: Interned, exponent: Any) -> Power:
    node = Power()
    node.base, node.exponent = base, exponent
    node.mask = base.mask | exponent.mask if isinstance(exponent, Interned) else base.mask
    return node


# --- calls ------------------------------------------------------------------------------------------------------------------


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
    if row.commutative and _pair_key(args[0]) > _pair_key(args[1]):
        args = (args[1], args[0])
    return _intern_call(head, row, args)


def _pair_key(node: Any) -> tuple[bool, Any]:
    """Order the sides of an equation: a number comes second."""
    return isinstance(node, Number), order_key(node)


def _intern_call(head: str, row: Any, args: tuple[Any, ...]) -> Any:
    reference = _calls.get((head, args))
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
    return intern(_calls, (head, args), _build_call, head, args, sort == "boolean")


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


def _negate_condition(args: Sequence[Any]) -> Any:
    (a,) = args
    if isinstance(a, Truth):
        return number(not a.value)
    if isinstance(a, Call) and a.head == "not":
        return a.args[0]
    return call("not", args)


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
    "/": (2, lambda t: multiply(t[0], _reciprocal(t[1])), True),
    "neg": (1, lambda t: scale(-1, t[0]), True),
    "^": (2, lambda t: power(*t), True),
    "sqrt": (1, lambda t: power(t[0], _HALF), True),
    "not": (1, _negate_condition, False),
}


def _reciprocal(term: Any) -> Any:
    if term.kind == NUMBER and type(term.value) is float:
        return number(numbers.divide(1, term.value))
    return power(term, _MINUS_ONE)


_MINUS_ONE = number(-1)


# --- views ------------------------------------------------------------------------------------------------------------------


def head_of(node: Interned) -> str:
    """Return the head of a call; raises TypeError for a leaf."""
    if isinstance(node, Call):
        return node.head
    found = _HEADS.get(node.kind)
    if found is None or isinstance(node, Number):
        raise TypeError(f"{node!s} is a leaf and has no head; ask symnum.term.is_call(term) first")
    return found


_HEADS = {SUM: "+", SCALED: "*", PRODUCT: "*", POWER: "^"}


def args_of(node: Any) -> tuple[Any, ...]:
    """Return the arguments of a call; raises TypeError for a leaf."""
    kind = node.kind
    if kind == SUM:
        if node._args is None:
            terms = tuple([scale(c, t) for t, c in node.entries().items()])
            node._args = terms if node.constant == 0 else (*terms, number(node.constant))
        return node._args
    if kind == PRODUCT:
        if node._args is None:
            node._args = tuple([_power_node(b, e) for b, e in node.entries().items()])
        return node._args
    if kind == POWER:
        return (node.base, _as_term(node.exponent))
    if kind == SCALED:
        if node._args is None:
            inner = args_of(node.term) if node.term.kind == PRODUCT else (node.term,)
            node._args = (number(node.coefficient), *inner)
        return node._args
    if isinstance(node, Call):
        return node._args
    raise TypeError(f"{node!s} is a leaf and has no arguments; ask symnum.term.is_call(term) first")


def sorted_args_of(node: Any) -> tuple[Any, ...]:
    """Return the arguments in the order in which they are printed: constants last in sums and first in products."""
    if node.kind not in (SUM, PRODUCT, SCALED):
        return args_of(node)
    from symnum.order import sort_addends, sort_factors

    return sort_addends(args_of(node)) if node.kind == SUM else sort_factors(args_of(node))


def order_key(node: Any) -> Any:
    """Return the deterministic sorting key of a term."""
    from symnum.order import order_key as key

    return key(node)


def addends_of(node: Any) -> tuple[Value, Iterable[tuple[Any, Value]]]:
    """Return (constant, pairs (term, coefficient))."""
    kind = node.kind
    if kind == SUM:
        return node.constant, node.entries().items()
    if kind == NUMBER:
        return node.value, ()
    return (0, ((node.term, node.coefficient),)) if kind == SCALED else (0, ((node, 1),))


def factors_of(node: Any) -> tuple[Value, Iterable[tuple[Any, Any]]]:
    """Return (coefficient, pairs (base, exponent))."""
    coefficient: Value = 1
    if node.kind == SCALED:
        coefficient, node = node.coefficient, node.term
    kind = node.kind
    if kind == PRODUCT:
        return coefficient, node.entries().items()
    if kind == POWER:
        return coefficient, ((node.base, node.exponent),)
    return (node.value, ()) if kind == NUMBER else (coefficient, ((node, 1),))


def operands_of(node: Any) -> Iterable[Any]:
    """Return the terms of a sum, the bases and symbolic exponents of a product, or the arguments."""
    kind = node.kind
    if kind == SUM:
        return list(node.entries())
    if kind == SCALED:
        inner = node.term
        return operands_of(inner) if inner.kind in (PRODUCT, POWER) else [inner]
    if kind == PRODUCT:
        entries = node.entries()
        return [*entries, *[e for e in entries.values() if isinstance(e, Interned)]]
    if kind == POWER:
        return [node.base, node.exponent] if isinstance(node.exponent, Interned) else [node.base]
    return args_of(node)


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
            constant = _add_scaled(entries, constant, c, new[t])
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
        factors = [power(new[b], new[e] if isinstance(e, Interned) else number(e)) for b, e in changed]
        return multiply_many((product_of(entries), *factors))
    if kind == POWER:
        e = node.exponent
        base, exponent = new[node.base], new[e] if isinstance(e, Interned) else e
        return node if base is node.base and exponent is e else power(base, _as_term(exponent))
    args = tuple([new[a] for a in node.args])
    return node if all(map(operator_is, args, node.args)) else call(node.head, args)


def sort_of(node: Any) -> str:
    """Return "real", "integer" or "boolean"."""
    kind = node.kind
    if kind == BOOLEAN:
        return "boolean"
    if isinstance(node, Symbol):
        return node.sort
    if kind == NUMBER:
        return "integer" if type(node.value) is int else "real"
    return _compound_sort(node)


def _compound_sort(root: Any) -> str:
    """Return the sort of a call from those of its leaves, without recursion."""
    known: dict[Any, str] = {}
    for node in interface.postorder(root):
        if not interface.is_call(node):
            known[node] = sort_of(node)
            continue
        args = args_of(node)
        last = args[-1].value if args and isinstance(args[-1], Number) else None
        known[node] = result_sort(OPERATORS[head_of(node)], tuple(known[a] for a in args), last)
    return known[root]


_metadata: Any = None


def metadata_of(node: Interned) -> Any:
    """Return what was attached to the term with :func:`with_metadata`."""
    return {} if _metadata is None else _metadata.get(node, {})


def with_metadata(node: Interned, **entries: Any) -> Interned:
    """Attach entries to a term, kept beside it as long as it lives; equality and hash do not see them."""
    global _metadata
    import weakref

    with LOCK:
        if _metadata is None:
            _metadata = weakref.WeakKeyDictionary()
        _metadata[node] = {**_metadata.get(node, {}), **entries}
    return node


def live_nodes() -> int:
    """Return how many interned nodes are alive."""
    return table_sizes((_symbols, _numbers, _calls, _powers, _scaled, _sums, _products))


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
    is_call=lambda node: isinstance(node, Call) or node.kind in _HEADS,
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
