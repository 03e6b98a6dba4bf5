"""Nodes of the machine calculi: heads that say what they bind, and hash-consed terms over them.

A head is a row: arity, algebraic flags, and how many variables it binds in each argument.  That is all that shifting,
substitution and equality up to renaming need, see :mod:`symnum.rewriting.machines.binding`.  Bound variables are de Bruijn indices;
the name that a user gave is a :func:`hint`, an argument that equals every other hint, so that it survives rewriting and never counts.

Each node keeps ``plain``, its one nameless and hash-consed twin.  Two nodes are equal when their twins are one object, so that
equality up to renaming costs nothing, also for terms 10,000 deep.  Terms of symnum are arguments as they are, and a call of an
operator on nothing but such terms is again a term of symnum: ``make(node, "+", (2, 3))`` is 5.

>>> from symnum.rewriting.machines.nodes import call, declare, hint, index
>>> bind = declare("demo.bind", arity=2, binds=(0, 1))
>>> call("demo.bind", hint("x"), index(0)) == call("demo.bind", hint("y"), index(0))
True
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.backends import interned
from symnum.operators import OPERATORS


@dataclass(frozen=True, slots=True)
class Head:
    """Describe what a call is of.

    ``arity`` is None for any number of arguments.  ``binds[i]`` is the number of variables bound in argument i, and the last entry
    stands for all further arguments; index 0 is the variable bound last.  ``unit`` and ``zero`` are names of heads without arguments.
    Construction flattens what is associative and leaves out units; the other flags are for rules to read.
    """

    name: str
    arity: int | None = None
    binds: tuple[int, ...] = ()
    associative: bool = False
    commutative: bool = False
    idempotent: bool = False
    unit: str | None = None
    zero: str | None = None

    def bound_in(self, position: int) -> int:
        """Return how many variables are bound in the argument at a position."""
        return self.binds[min(position, len(self.binds) - 1)] if self.binds else 0

    def check_arity(self, count: int) -> None:
        """Raise TypeError unless the head takes ``count`` arguments."""
        if self.arity is not None and count != self.arity:
            raise TypeError(
                f"{self.name!r} takes {self.arity} argument{'s' * (self.arity != 1)}, but {count} were given; "
                f"pass {', '.join(f'argument {i + 1}' for i in range(self.arity)) or 'none'}"
            )


_DECLARED: dict[str, Head] = {}
_SPELLING: dict[str, Callable[[Any], str]] = {}


def declare(name: str, **columns: Any) -> Head:
    """Add a head to the table and return it; the name is ``calculus.word``, and a second, different row of a name is refused."""
    row = Head(name, **columns)
    if _DECLARED.setdefault(name, row) != row:
        raise ValueError(
            f"head {name!r} is declared already, as {_DECLARED[name]}; choose another name than {name!r}"
        )
    return row


def spell(calculus: str, to_text: Callable[[Any], str]) -> None:
    """Say how ``str`` writes terms whose heads are of a calculus, such as "fmc"."""
    _SPELLING[calculus] = to_text


@lru_cache(maxsize=4096)
def head_named(name: str) -> Head:
    """Return the row of a name: a declared head, an operator of symnum, or else a function symbol of any arity.

    >>> head_named("+").commutative, head_named("cons")
    (True, Head(name='cons', ...))
    """
    found = _DECLARED.get(name)
    if found is not None:
        return found
    row = OPERATORS.get(name)
    if row is None:
        if "." in name:
            raise ValueError(
                f"there is no head {name!r}; declare it first: declare({name!r}, arity=..., binds=...)"
            )
        return Head(name)
    return Head(
        name,
        associative=row.associative,
        commutative=row.commutative,
        idempotent=row.idempotent,
    )


class Node:
    """A call of a :class:`Head`, or a leaf: ``leaf`` is then (kind, value), and None for a call.

    ``free`` is one more than the largest free index, so 0 for a term without free indices; ``ground`` says that there are no variables.
    """

    __slots__ = ("__weakref__", "_order", "args", "free", "ground", "head", "leaf", "plain")
    head: Head
    args: tuple[Any, ...]
    leaf: tuple[str, Any] | None
    free: int
    ground: bool
    plain: Node

    def __init__(self, head: Head, args: tuple[Any, ...], leaf: tuple[str, Any] | None, free: int) -> None:
        self.head, self.args, self.leaf, self.free = head, args, leaf, free
        self.ground = all([type(a) is not Node or a.ground for a in args]) and (
            leaf is None or leaf[0] != "variable"
        )
        self._order = None
        self.plain = self

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Node) and self.plain is other.plain)

    def __hash__(self) -> int:
        return object.__hash__(self.plain)

    def __bool__(self) -> bool:
        raise TypeError("a program has no truth value; compare it, as in a == b, or ask whether it is None")

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        spelling = _SPELLING.get(self.head.name.partition(".")[0]) if self.leaf is None else None
        return structure(self) if spelling is None else spelling(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_rows, (_to_rows(self),)


_LEAF = Head("leaf", 0)
_TABLE: weakref.WeakValueDictionary[Any, Node] = weakref.WeakValueDictionary()
_LOCK = threading.RLock()


def _one(key: Any, head: Head, args: tuple[Any, ...], leaf: tuple[str, Any] | None, free: int) -> Node:
    """Return the one plain node of a key."""
    found = _TABLE.get(key)
    if found is None:
        with _LOCK:
            found = _TABLE.get(key)
            if found is None:
                found = _TABLE[key] = Node(head, args, leaf, free)
    return found


def _leaf(kind: str, value: Any, free: int = 0) -> Node:
    return _one((kind, value), _LEAF, (), (kind, value), free)


def index(k: int) -> Node:
    """Return the bound variable of the k-th binder outwards, from 0."""
    return _leaf("index", k, k + 1)


def variable(name: str | int) -> Node:
    """Return a variable that no binder binds, such as an unknown of a search; equal names are one variable."""
    return _leaf("variable", name)


def atom(name: str) -> Node:
    """Return a name that stands for itself and is never replaced: a location or a label."""
    return _leaf("atom", name)


def hint(name: str) -> Node:
    """Return the name of a binder, for printing; all hints are equal."""
    if not name:
        return _leaf("hint", "")
    made = Node(_LEAF, (), ("hint", name), 0)
    made.plain = hint("")
    return made


def is_index(term: Any) -> bool:
    """Tell whether a term is a bound variable."""
    return type(term) is Node and term.leaf is not None and term.leaf[0] == "index"


def is_variable(term: Any) -> bool:
    """Tell whether a term is a variable that no binder binds, see :func:`variable`."""
    return type(term) is Node and term.leaf is not None and term.leaf[0] == "variable"


def is_head(term: Any, name: str) -> bool:
    """Tell whether a term is a node with this head."""
    return type(term) is Node and term.head.name == name and term.leaf is None


def make(head: str, args: Iterable[Any]) -> Any:
    """Build the call of a head: of a declared one as a node, of an operator on terms of symnum as a term of symnum."""
    given = tuple(args)
    row = head_named(head)
    if head in OPERATORS and not any(isinstance(a, Node) for a in given):
        return interface.make(given[0], head, given) if given else interned.make(head, given)
    return node(row, given)


def call(head: str, *args: Any) -> Any:
    """Build the call of a head on arguments, see :func:`make`."""
    return make(head, args)


def node(row: Head, args: tuple[Any, ...]) -> Any:
    """Build the node of a head; what is associative is flattened, units are left out, and Python numbers become constants."""
    terms = tuple([a if isinstance(a, Node) else _foreign(a) for a in args])
    if row.associative and row.name in _DECLARED:
        terms = _flattened(row, terms)
        if len(terms) == 1:
            return terms[0]
        if not terms and row.unit is not None:
            return make(row.unit, ())
    row.check_arity(len(terms))
    free, named = 0, False
    parts: list[Any] = []
    for position, arg in enumerate(terms):
        if type(arg) is Node:
            free = max(free, arg.free - row.bound_in(position))
            named = named or arg.plain is not arg
            parts.append(id(arg.plain))
        else:
            parts.append((interface.key(arg),))
    key = (row.name, *parts)
    if not named:
        return _one(key, row, terms, None, free)
    made = Node(row, terms, None, free)
    made.plain = _one(key, row, tuple([a.plain if type(a) is Node else a for a in terms]), None, free)
    return made


def _flattened(row: Head, terms: Sequence[Any]) -> tuple[Any, ...]:
    """Return the arguments of an associative call without units and with those of calls of the same head spread out."""
    flat: list[Any] = []
    for arg in terms:
        if is_head(arg, row.name):
            flat.extend(arg.args)  # flat already, as every node of the head was built here
        elif row.unit is None or not is_head(arg, row.unit):
            flat.append(arg)
    return tuple(flat)


def _foreign(term: Any) -> Any:
    """Return a term of another type; Python numbers become constants of symnum, so that equal numbers are one term."""
    if interface.backend_of(term) == "python":
        return interned.number(term)
    return term


def structure(root: Any) -> str:
    """Return a term as calls of heads on arguments, whatever the calculus.

    >>> structure(call("f", index(0), 2))
    'f(#0, 2)'
    """
    pieces: list[str] = []
    stack: list[Any] = [root]
    while stack:
        term = stack.pop()
        if isinstance(term, str):
            pieces.append(term)
        elif type(term) is Node and term.leaf is None:
            pieces.append(term.head.name)
            if term.args:
                inner: list[Any] = ["("]
                for position, arg in enumerate(term.args):
                    inner.extend([", ", arg] if position else [arg])
                stack.extend(reversed([*inner, ")"]))
        else:
            pieces.append(_leaf_text(term) if type(term) is Node else str(term))
    return "".join(pieces)


def _leaf_text(leaf: Node) -> str:
    assert leaf.leaf is not None
    kind, value = leaf.leaf
    if kind == "hint":
        return f"_{value}"
    return f"#{value}" if kind == "index" else f"_{value}" if isinstance(value, int) else value


def _to_rows(root: Node) -> list[Any]:
    """Return a node as a flat list of rows, arguments by their place, so that depth is no matter."""
    rows: list[Any] = []
    places: dict[int, int] = {}
    stack: list[Any] = [root]
    while stack:
        term = stack[-1]
        if id(term) in places:
            stack.pop()
            continue
        if type(term) is Node and term.leaf is None:
            missing = [a for a in term.args if id(a) not in places]
            if missing:
                stack.extend(reversed(missing))
                continue
            rows.append((term.head.name, [places[id(a)] for a in term.args]))
        else:
            rows.append(term.leaf if type(term) is Node else (None, term))
        places[id(term)] = len(rows) - 1
        stack.pop()
    return rows


_LEAVES: dict[str, Callable[[Any], Node]] = {
    "index": index,
    "variable": variable,
    "atom": atom,
    "hint": hint,
}


def _from_rows(rows: Sequence[Any]) -> Any:
    built: list[Any] = []
    for kind, rest in rows:
        if kind is None:
            built.append(rest)
        elif isinstance(rest, list):
            built.append(make(kind, [built[i] for i in rest]))
        else:
            built.append(_LEAVES[kind](rest))
    return built[-1]


def _call_only(term: Node) -> Node:
    if term.leaf is not None:
        raise TypeError(
            f"{term!s} is a leaf and has no head or arguments; ask symnum.term.is_call(term) first"
        )
    return term


def _name(term: Node) -> str:
    if term.leaf is None:
        raise TypeError(f"{term!s} is a call and has no name; ask symnum.term.is_symbol(term) first")
    return _leaf_text(term.plain)


interface.register(
    Node,
    is_call=lambda term: term.leaf is None,
    head=lambda term: _call_only(term).head.name,
    args=lambda term: _call_only(term).args,
    make=make,
    is_symbol=lambda term: term.leaf is not None,
    name=_name,
    number=interned.number,
    sort_of=lambda term: "real" if term.leaf is None else term.leaf[0],
    metadata=lambda term: {"name": term.leaf[1]} if term.leaf and term.leaf[0] == "hint" else {},
    backend="machines",
)
