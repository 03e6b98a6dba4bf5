"""Derivatives over the shared graph: each distinct sub-term is differentiated once.

Every call contributes its local partial derivatives, read from the sum and product views and from the operator table; forward
mode (one sweep that carries sparse gradients) and reverse mode (adjoints) chain them.  The cost follows the number of distinct
nodes, never the unfolded tree (compare arXiv 2509.20534 on memoised differentiation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symnum import term as interface
from symnum.calculus.partials import DependencyGraph, alternatives, brief
from symnum.calculus.sparse import SparseMatrix
from symnum.operators import OPERATORS

MAX_ORDER = 10_000
"""Highest order of a derivative that is formed."""


def diff(term: Any, *variables: Any) -> Any:
    """Return the derivative of a term, or of each term of a list.

    ``diff(e, x)``, ``diff(e, x, 3)`` for the third derivative, ``diff(e, x, y)`` for a mixed one.  Raises TypeError for a
    variable that is not a symbol, and ValueError for an operator without a derivative.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> diff(sn.sin(x * y), x)
    y*cos(x*y)
    >>> diff(x**4, x, 2)
    12*x^2
    """
    if isinstance(term, list | tuple) and not interface.is_term(term):
        return [diff(t, *variables) for t in term]
    for variable, order in _orders(variables):
        if order > MAX_ORDER:
            raise ValueError(
                f"the order {order} is more than {MAX_ORDER}; find the pattern of the first derivatives instead"
            )
        for _ in range(order):
            in_bulk = interface.in_bulk("jacobian", [term], [variable])
            rows = _forward([term], [variable]) if in_bulk is None else in_bulk
            term = rows[0].get(0, interface.make_number(term, 0))
            if interface.is_number(term) and interface.value(term) == 0:
                break
    return term


def _orders(variables: Sequence[Any]) -> list[tuple[Any, int]]:
    """Return (variable, order) pairs from ``x, 2, y``."""
    if not variables:
        raise TypeError("diff needs a variable; write symnum.diff(term, x)")
    out: list[tuple[Any, int]] = []
    for item in variables:
        if isinstance(item, int) and not isinstance(item, bool):
            if not out or item < 0:
                raise ValueError(
                    f"diff got the order {item!r}; write symnum.diff(term, x, 2) with a variable first and an order >= 0"
                )
            out[-1] = (out[-1][0], item)
        else:
            out.append((_variable(item), 1))
    return out


def _variable(item: Any) -> Any:
    if isinstance(item, str) and not interface.is_term(item):
        raise TypeError(
            f"cannot differentiate with respect to the text {item!r}; give the symbol: symnum.symbols({item!r})"
        )
    if isinstance(item, float):
        raise TypeError(
            f"the order of a derivative is an int, but got {item!r}; write symnum.diff(term, x, 2)"
        )
    if not interface.is_term(item) or not interface.is_symbol(item):
        raise TypeError(
            f"cannot differentiate with respect to {item!s}; give a symbol, and substitute it for the expression first"
        )
    if interface.sort_of(item) == "boolean":
        raise TypeError(
            f"cannot differentiate with respect to the boolean symbol {item!s}; derivatives need a real symbol"
        )
    return item


def _variables(xs: Any) -> list[Any]:
    """Return ``xs`` as a list of distinct symbols."""
    given = [xs] if interface.is_term(xs) else list(xs)
    out = [_variable(x) for x in given]
    if len({interface.key(x) for x in out}) < len(out):
        raise ValueError(f"a variable is listed twice in {', '.join(map(str, out))}; list each once")
    return out


def gradient(term: Any, xs: Any) -> list[Any]:
    """Return the partial derivatives of one term with respect to each of ``xs``, by one reverse sweep.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> gradient(x**2 * y, [x, y])
    [2*x*y, x^2]
    """
    variables = _variables(xs)
    _one_term(term)
    in_bulk = interface.in_bulk("gradient", term, variables) if variables else None
    if in_bulk is not None:
        return list(in_bulk)
    found = _reverse([term], variables)[0] if variables else {}
    zero = interface.make_number(term, 0)
    return [found.get(j, zero) for j in range(len(variables))]


def _one_term(term: Any) -> None:
    if isinstance(term, list | tuple) and not interface.is_term(term):
        raise TypeError(
            f"gradient and hessian take one term, but got a {type(term).__name__} of {len(term)}; write symnum.jacobian(terms, xs)"
        )


def jacobian(terms: Any, xs: Any, *, sparse: bool = False) -> Any:
    """Return the matrix of partial derivatives: a list of rows, or a :class:`SparseMatrix` of the non-zero entries.

    Shape (number of terms, number of variables).  The cheaper of forward and reverse mode is taken.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> jacobian([x * y, sn.sin(x)], [x, y])
    [[y, x], [cos(x), 0]]
    >>> jacobian([x * y, sn.sin(x)], [x, y], sparse=True)
    SparseMatrix(2 x 2, 3 entries)
    """
    roots = [terms] if interface.is_term(terms) else list(terms)
    variables = _variables(xs)
    rows: list[dict[int, Any]] | None = interface.in_bulk("jacobian", roots, variables) if variables else None
    if not roots or not variables:
        rows = [{} for _ in roots]
    elif rows is None:
        rows = (_reverse if goes_backward(roots, variables) else _forward)(roots, variables)
    return _matrix(rows, roots, len(variables), sparse)


def goes_backward(roots: Sequence[Any], variables: Sequence[Any]) -> bool:
    """Tell whether a Jacobian of this shape is formed row by row in reverse, and not in one forward sweep."""
    return len(roots) < len(variables) // 4


def hessian(term: Any, xs: Any, *, sparse: bool = False) -> Any:
    """Return the matrix of second derivatives of one term: forward mode over its reverse-mode gradient.

    A nest of n functions has a product of n factors for its slope, so that its second derivative has n^2 parts.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> hessian(x**2 * y, [x, y])
    [[2*y, 2*x], [2*x, 0]]
    """
    variables = _variables(xs)
    _one_term(term)
    in_bulk = interface.in_bulk("hessian", term, variables) if variables else None
    if in_bulk is not None:
        return _matrix(in_bulk, [term] * len(variables), len(variables), sparse)
    slopes = gradient(term, variables)
    rows = _forward(slopes, variables) if variables else []
    symmetric: list[dict[int, Any]] = [{} for _ in rows]
    for i, row in enumerate(rows):
        for j in sorted(row):
            if j <= i:
                symmetric[i][j] = symmetric[j][i] = row[j]
    return _matrix([dict(sorted(row.items())) for row in symmetric], slopes, len(variables), sparse)


def _matrix(rows: list[dict[int, Any]], roots: Sequence[Any], width: int, sparse: bool) -> Any:
    if sparse:
        return SparseMatrix.from_rows(rows, width)
    zeros = [interface.make_number(root, 0) for root in roots]
    return [[row.get(j, zero) for j in range(width)] for row, zero in zip(rows, zeros, strict=True)]


def _forward(roots: Sequence[Any], variables: Sequence[Any]) -> list[dict[int, Any]]:
    """Carry {variable index: derivative} from the variables to the roots."""
    graph = DependencyGraph(_numeric(roots), variables)
    gradients: dict[Any, dict[int, Any]] = {key: {i: None} for key, i in graph.index.items()}
    add, multiply = graph.add, graph.multiply
    for node in graph.order:
        cases = alternatives(node)
        if cases is not None:
            gradients[interface.key(node)] = _choose(graph, gradients, *cases)
            continue
        if OPERATORS[interface.head(node)].result_sort == "boolean":
            gradients[interface.key(node)] = {}
            continue
        contributions: dict[int, list[Any]] = {}
        for child, partial in graph.partials(node):
            for i, inner in gradients[child].items():
                chained = partial if inner is None else multiply(partial, inner)
                if i in contributions:
                    contributions[i].append(chained)
                else:
                    contributions[i] = [chained]
        found = {}
        for i, terms in contributions.items():
            total = add(terms)
            if total != 0:
                found[i] = total
        gradients[interface.key(node)] = found
    out = []
    for root in roots:
        row = gradients.get(interface.key(root), {})
        out.append({i: graph.one if row[i] is None else row[i] for i in sorted(row)})
    return out


def _numeric(roots: Sequence[Any]) -> Sequence[Any]:
    for root in roots:
        if interface.is_call(root) and OPERATORS[interface.head(root)].result_sort == "boolean":
            raise ValueError(
                f"{brief(root)} is a condition and has no derivative; write ifelse(condition, 1, 0) to get a number"
            )
    return roots


def _choose(
    graph: DependencyGraph, gradients: dict[Any, dict[int, Any]], cases: list[tuple[Any, Any]], other: Any
) -> dict[int, Any]:
    """Return the gradient of a choice: the choice between the gradients."""
    below = [gradients.get(interface.key(value), {}) for _, value in cases]
    last = gradients.get(interface.key(other), {})
    found = {}
    for i in sorted({i for inner in (*below, last) for i in inner}):
        slopes = [inner.get(i, 0) for inner in (*below, last)]
        total = graph.one if slopes[-1] is None else slopes[-1]
        for (condition, _), slope in zip(reversed(cases), reversed(slopes[:-1]), strict=True):
            total = graph.make("ifelse", (condition, graph.one if slope is None else slope, total))
        found[i] = total
    return found


def _reverse(roots: Sequence[Any], variables: Sequence[Any]) -> list[dict[int, Any]]:
    """Carry adjoints from each root down to the variables; a graph that chooses goes forward, so that branches stay apart."""
    graph = DependencyGraph(_numeric(roots), variables)
    if graph.chooses:
        return _forward(roots, variables)
    add, multiply = graph.add, graph.multiply
    out = []
    for root in roots:
        adjoints: dict[Any, list[Any]] = {interface.key(root): [graph.one]}
        for node in reversed(graph.order):
            parts = adjoints.pop(interface.key(node), None)
            if parts is None:
                continue
            total = add(parts)
            for child, partial in graph.partials(node):
                adjoints.setdefault(child, []).append(multiply(partial, total))
        row = {graph.index[key]: add(parts) for key, parts in adjoints.items() if key in graph.index}
        out.append({i: row[i] for i in sorted(row) if row[i] != 0})
    return out
