"""The ``tree`` backend: plain immutable nodes, exactly as written.

Nothing is shared, sorted or folded: ``x + 0`` stays ``x + 0``.  It is the reference for the canonical backends and the baseline
of the benchmarks.  Equality is structural; the hash is found at construction from those of the arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.expression import Expression, refuse_mixed
from symnum.operators import OPERATORS, operator, result_sort


class Tree(Expression):
    """A node: ``head`` is "symbol" or "number" for leaves, an operator name otherwise."""

    __slots__ = ("__weakref__", "_hash", "_order", "args", "head", "leaf", "meta", "sort")
    backend = "tree"
    head: str
    args: tuple[Any, ...]
    leaf: Any
    sort: str
    meta: dict[str, Any]

    def __init__(
        self, head: str, args: tuple[Any, ...], leaf: Any, sort: str, meta: dict[str, Any] | None = None
    ) -> None:
        self.head, self.args, self.leaf, self.sort, self.meta = head, args, leaf, sort, meta or {}
        self._hash = hash((head, args, leaf))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Tree):
            return (
                self.head == "number"
                and type(other) is type(self.leaf[1])
                and number_key(other) == self.leaf[0]
            )
        return _equal(self, other)

    def __reduce__(self) -> tuple[Any, ...]:
        from symnum.text.serialize import from_program, to_program

        return from_program, (to_program([self]),)


def _equal(a: Tree, b: Tree) -> bool:
    """Compare two trees without recursion; a pair met before is not compared again."""
    seen: set[tuple[int, int]] = set()
    stack = [(a, b)]
    while stack:
        left, right = stack.pop()
        if left is right or (id(left), id(right)) in seen:
            continue
        if (
            left._hash != right._hash
            or left.head != right.head
            or left.leaf != right.leaf
            or len(left.args) != len(right.args)
        ):
            return False
        seen.add((id(left), id(right)))
        stack.extend(zip(left.args, right.args, strict=True))
    return True


def symbol(name: str, sort: str = "real", assumptions: Iterable[str] = ()) -> Tree:
    """Return a symbol of this name, sort and assumptions."""
    return Tree("symbol", (), (name, sort, frozenset(assumptions)), sort)


def number(value: Any) -> Tree:
    """Return the constant of a Python or NumPy number."""
    exact = numbers.exact(value)
    sort = "boolean" if type(exact) is bool else "integer" if type(exact) is int else "real"
    return Tree("number", (), (number_key(exact), exact if exact == exact else numbers.NAN), sort)


def make(head: str, args: Iterable[Any]) -> Tree:
    """Build the call of ``head`` on ``args`` as it stands; Python numbers among the arguments become constants."""
    given = tuple(args)
    refuse_mixed(given)
    terms = tuple([a if isinstance(a, Tree) else number(a) for a in given])
    row = OPERATORS.get(head) or operator(head)
    row.check_arity(len(terms))
    last = terms[-1].leaf[1] if terms and terms[-1].head == "number" else None
    return Tree(head, terms, None, result_sort(row, tuple([t.sort for t in terms]), last))


def with_metadata(node: Tree, **entries: Any) -> Tree:
    """Return an equal node that carries more metadata."""
    return Tree(node.head, node.args, node.leaf, node.sort, {**node.meta, **entries})


def _call_only(node: Tree) -> Tree:
    if node.leaf is not None:
        raise TypeError(
            f"{node!s} is a leaf and has no head or arguments; ask symnum.term.is_call(term) first"
        )
    return node


Tree._make = staticmethod(make)
Tree._convert = staticmethod(number)

interface.register(
    Tree,
    is_call=lambda node: node.leaf is None,
    head=lambda node: _call_only(node).head,
    args=lambda node: _call_only(node).args,
    make=make,
    is_symbol=lambda node: node.head == "symbol",
    is_number=lambda node: node.head == "number",
    name=lambda node: node.leaf[0],
    value=lambda node: node.leaf[1],
    number=number,
    sort_of=lambda node: node.sort,
    assumptions=lambda node: node.leaf[2],
    metadata=lambda node: node.meta,
    backend="tree",
)
