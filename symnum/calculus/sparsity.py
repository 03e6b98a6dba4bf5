"""Which derivatives can be non-zero, found without forming them.

Each node carries the set of variables that it depends on, as the bits of an int; second derivatives arise where two operands meet
in a product or in a function whose own second partial does not vanish (compare Gowda et al., "Sparsity programming", 2019).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.calculus.partials import DependencyGraph
from symnum.operators import OPERATORS


def jacobian_sparsity(terms: Any, xs: Any) -> Any:
    """Return which variables occur in which terms: a boolean scipy.sparse.csc_matrix, shape (terms, variables).

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> jacobian_sparsity([x + 1, x * y], [x, y]).toarray().tolist()
    [[True, False], [True, True]]
    """
    from symnum.calculus.derivative import _variables

    roots = [terms] if interface.is_term(terms) else list(terms)
    variables = _variables(xs)
    sets, _ = _dependencies(roots, variables)
    return _pattern([sets.get(interface.key(root), 0) for root in roots], len(variables))


def hessian_sparsity(term: Any, xs: Any) -> Any:
    """Return which second derivatives of one term can be non-zero: a symmetric boolean scipy.sparse.csc_matrix.

    The pattern may hold an entry that cancels, never miss one.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> hessian_sparsity(x * y + 3 * x, [x, y]).toarray().tolist()
    [[False, True], [True, False]]
    """
    from symnum.calculus.derivative import _variables

    variables = _variables(xs)
    sets, order = _dependencies([term], variables)
    rows = [0] * len(variables)
    for node in order:
        for a, b in _interactions(node):
            left, right = sets.get(interface.key(a), 0), sets.get(interface.key(b), 0)
            for i in _bits(left):
                rows[i] |= right
            for i in _bits(right):
                rows[i] |= left
    return _pattern(rows, len(variables))


def _dependencies(roots: list[Any], variables: list[Any]) -> tuple[dict[Any, int], list[Any]]:
    """Return the variable set of each node as bits, and the dependent calls."""
    if not variables:
        return {}, []
    graph = DependencyGraph(roots, variables)
    sets = {key: 1 << i for key, i in graph.index.items()}
    for node in graph.order:
        found = 0
        for child in interface.operands(node):
            found |= sets.get(interface.key(child), 0)
        sets[interface.key(node)] = found
    return sets, graph.order


def _interactions(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of operands that meet non-linearly in a call."""
    head = interface.head(node)
    if head == "+":
        return
    below = list(interface.operands(node))
    if head == "*" or (head == "^" and interface.interface(node).factors is not None):
        powers = interface.factors(node)[1]
        for base, exponent in powers:
            if not (isinstance(exponent, int) and exponent == 1):
                yield base, base
                if interface.is_term(exponent) and interface.is_call(exponent) | interface.is_symbol(
                    exponent
                ):
                    yield base, exponent
                    yield exponent, exponent
        for i, a in enumerate(below):
            for b in below[i + 1 :]:
                yield a, b
        return
    for i, j in second_order_pairs(head, len(below)):
        yield below[i], below[j]


@lru_cache(maxsize=256)
def second_order_pairs(head: str, count: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs of argument positions whose second partial derivative is not identically 0.

    >>> second_order_pairs("-", 2), second_order_pairs("sin", 1), second_order_pairs("abs", 1)
    ((), ((0, 0),), ())
    """
    from symnum.backends import interned
    from symnum.calculus.derivative import diff

    row = OPERATORS[head]
    sorts = [row.argument_sorts[min(i, len(row.argument_sorts) - 1)] for i in range(count)]
    places = [i for i in range(count) if sorts[i] != "boolean"]
    names = [interned.symbol(f"a{i}", "boolean" if sorts[i] == "boolean" else "real") for i in range(count)]
    call = interned.make(head, names)
    pairs = []
    for i in places:
        try:
            slope = diff(call, names[i])
            pairs += [(i, j) for j in places if j >= i and not _vanishes(diff(slope, names[j]))]
        except ValueError:
            pairs += [(i, j) for j in places if j >= i]  # no derivative in the table: any pair may interact
    return tuple(pairs)


def _vanishes(term: Any) -> bool:
    return interface.is_number(term) and interface.value(term) == 0


def _bits(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _pattern(rows: list[int], width: int) -> Any:
    """Return rows of bits as a boolean csc_matrix."""
    import numpy
    from scipy.sparse import csr_matrix

    columns = [list(_bits(row)) for row in rows]
    starts = numpy.cumsum([0, *map(len, columns)])
    flat = numpy.array([j for row in columns for j in row], dtype=numpy.int64)
    return csr_matrix((numpy.ones(len(flat), bool), flat, starts), shape=(len(rows), width)).tocsc()
