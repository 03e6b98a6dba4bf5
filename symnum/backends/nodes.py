"""Node classes of the ``interned`` backend and the weak table that makes equal nodes one object.

Sums hold {term: coefficient} and products {base: exponent}.  Growing a sum or product at its end shares one dict between the
old and the new node (each sees its first ``size`` entries), so that n additions cost O(n) in all; a node that is looked at
freezes its dict, and the next growth copies it once.  A node never keeps more than twice its own entries alive.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, ClassVar

from symnum.exact import Value
from symnum.expression import Expression

OTHER, NUMBER, SUM, SCALED, PRODUCT, POWER, BOOLEAN = range(7)

LOCK = threading.RLock()
"""Held while a node enters or leaves the table, and while a shared dict grows."""


class Interned(Expression):
    """Base of all interned nodes: equality is identity, ``head`` is "" for a leaf, ``mask`` has a bit for each symbol that may occur."""

    __slots__ = ("__weakref__", "_order", "_sort", "mask")
    backend = "interned"
    kind: ClassVar[int] = OTHER
    head: str = ""
    mask: int

    def __reduce__(self) -> tuple[Any, ...]:
        from symnum.text.serialize import from_program, to_program

        return from_program, (to_program([self]),)

    @property
    def args(self) -> tuple[Any, ...]:
        """Return the arguments of a call; a leaf has none."""
        return ()


class Symbol(Interned):
    """A variable with a sort and assumptions; two symbols of one name that differ in either are different."""

    __slots__ = ("assumptions", "name", "sort")
    name: str
    sort: str
    assumptions: frozenset[str]


class BooleanSymbol(Symbol):
    """A variable that is true or false."""

    __slots__ = ()
    kind = BOOLEAN


class Number(Interned):
    """A constant, keyed by type and value; it equals the Python number of the same type and value."""

    __slots__ = ("hash", "value")
    kind = NUMBER
    hash: int
    value: Value

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self.value):
            return False
        return number_key(other) == number_key(self.value)

    def __hash__(self) -> int:
        return self.hash


class Truth(Number):
    """One of the constants true and false."""

    __slots__ = ()
    kind = BOOLEAN
    __hash__ = Number.__hash__


class Call(Interned):
    """A call of an operator that has no canonical form of its own, such as sin or ifelse."""

    __slots__ = ("_args", "head")
    head: str
    _args: tuple[Interned, ...]

    @property
    def args(self) -> tuple[Any, ...]:
        """Return the arguments."""
        return self._args


class BooleanCall(Call):
    """A comparison, or a combination of conditions."""

    __slots__ = ()
    kind = BOOLEAN


class Power(Interned):
    """base ^ exponent, where the exponent is a Python number or a term."""

    __slots__ = ("_args", "base", "exponent")
    kind = POWER
    head = "^"
    base: Interned
    exponent: Any
    _args: tuple[Any, ...] | None


class Scaled(Interned):
    """coefficient * term, where the term has no numeric factor of its own."""

    __slots__ = ("_args", "coefficient", "term")
    kind = SCALED
    head = "*"
    coefficient: Value
    term: Interned
    _args: tuple[Any, ...] | None


class _Bag(Interned):
    """A sum or product: the first ``size`` entries of a dict that may be shared with longer ones."""

    __slots__ = ("_args", "_entries", "_frozen", "hash", "size")
    _entries: dict[Any, Any]
    _args: tuple[Any, ...] | None
    _frozen: bool
    size: int
    hash: int

    def entries(self) -> dict[Any, Any]:
        """Return the node's own dict, which must not be changed."""
        if not self._frozen:
            with LOCK:
                if len(self._entries) != self.size:
                    self._entries = dict(islice(self._entries.items(), self.size))
                self._frozen = True
        return self._entries

    def extend(self, key: Any, entry: Any) -> dict[Any, Any] | None:
        """Return a dict that holds this node's entries and one more, or None when ``key`` is among them.

        The caller holds LOCK.
        """
        shared = self._entries
        if len(shared) == self.size:
            if key in shared:
                return None
            if self._frozen or not self.size & (self.size - 1):
                # starting afresh at each power of two keeps a short sum from holding the parts of one far longer than itself
                shared = shared.copy()
        else:
            shared = self.entries()
            if key in shared:
                return None
            shared = shared.copy()
        shared[key] = entry
        return shared


class Sum(_Bag):
    """constant + sum of coefficient * term; no term is a sum, a number or scaled."""

    __slots__ = ("constant",)
    kind = SUM
    head = "+"
    constant: Value


class Product(_Bag):
    """Product of base ^ exponent; no base is a product or scaled, and the coefficient is one."""

    __slots__ = ()
    kind = PRODUCT
    head = "*"


class _Reference(weakref.ref):
    """A weak reference that knows its place in the table."""

    __slots__ = ("key", "table")
    key: Any
    table: dict[Any, Any]


def _forget(reference: _Reference, lock: Any = LOCK) -> None:
    """Remove a dead node from the table, unless its place is taken by a new one; globals may be gone when Python ends."""
    with lock:
        if reference.table.get(reference.key) is reference:
            del reference.table[reference.key]


Table = dict[Any, _Reference]


def lookup(table: Table, key: Any) -> Any | None:
    """Return the live node under ``key``, or None."""
    reference = table.get(key)
    return None if reference is None else reference()


def insert(table: Table, key: Any, node: Interned) -> None:
    """Put a new node under ``key``; the caller holds LOCK and has looked."""
    reference = _Reference(node, _forget)
    reference.key = key
    reference.table = table
    table[key] = reference


def intern(table: Table, key: Any, build: Callable[..., Interned], *parts: Any) -> Any:
    """Return the live node under ``key``, built by ``build(*parts)`` if there is none."""
    reference = table.get(key)
    if reference is not None:
        node = reference()
        if node is not None:
            return node
    with LOCK:
        node = lookup(table, key)
        if node is None:
            node = build(*parts)
            insert(table, key, node)
        return node


_CLASHES: set[int] = set()
"""Hashes under which two different live nodes once met; nodes of such a hash are kept under their entries."""


def intern_bag(table: Table, node: _Bag, same: Callable[[Any, Any], bool]) -> Any:
    """Return the live sum or product equal to ``node``, or ``node`` itself after putting it into the table."""
    key: Any = node.hash
    with LOCK:
        found = lookup(table, key)
        if found is not None:
            if same(found, node):
                return found
            _CLASHES.add(key)
        if key in _CLASHES:
            key = (
                key,
                frozenset((k, type(v), v) for k, v in node.entries().items()),
                getattr(node, "constant", None),
            )
            clashing = lookup(table, key)
            if clashing is not None and same(clashing, node):
                return clashing
        insert(table, key, node)
        return node


def number_key(value: Value) -> tuple[Any, ...]:
    """Return the key of a constant: type and value, with -0.0 apart from 0.0 and one NaN."""
    if type(value) is float and (value == 0 or value != value):
        return (float, repr(value))
    return (type(value), value)


def entry_hash(key: Any, entry: Any) -> int:
    """Return the hash of one entry; xor over the entries is the hash of a sum or product."""
    return hash((key, entry)) if type(entry) is int else hash((key, entry, type(entry)))


def bag_hash(entries: Iterable[tuple[Any, Any]]) -> int:
    """Return the order-free hash of the entries of a sum or product."""
    total = 0
    for pair in entries:
        total ^= hash(pair) if type(pair[1]) is int else entry_hash(*pair)
    return total


def same_entries(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    """Compare entries by value and type, so that 2*x and 2.0*x differ."""
    if a != b:
        return False
    if set(map(type, a.values())) == set(map(type, b.values())) == {int}:
        return True
    return all(type(entry) is type(b[key]) for key, entry in a.items())


def table_sizes(tables: Sequence[Table]) -> int:
    """Return the number of live nodes in ``tables``."""
    with LOCK:
        return sum(len(table) for table in tables)
