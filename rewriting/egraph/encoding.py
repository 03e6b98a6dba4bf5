"""Terms as e-nodes: sums and products enter n-ary and in normal form.

    3/2*x*y^2 + 1   is   (Add (multiset-of (Scale "3/2" (Mul (multiset-of x (Power y "2")))) (Num "1")))

Bags of operands are egglog multisets, which egglog keeps canonical when operands are merged: order and brackets need no rules.
Numbers are exact and written as text; symbols, floats and what is not to be touched are leaves, known by their number.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.egraph.graph import Node, is_bag, number_text, number_value
from symnum.rewriting.views import (
    PRODUCT_HEADS,
    SUM_HEADS,
    call_of,
    is_value,
    product_of,
    product_view,
    sum_of,
    sum_view,
    view_parts,
)

PRELUDE = (
    "(sort T)",
    "(sort Bag (MultiSet T))",
    "(function name (i64) T :merge old)",
    "(constructor Num (String) T)",
    "(constructor Leaf (i64) T)",
    "(constructor Scale (String T) T)",
    "(constructor Power (T String) T)",
    "(constructor Add (Bag) T)",
    "(constructor Mul (Bag) T)",
)
"""What every e-graph declares; the constructors of other heads follow when they are first needed."""

_BASIC = {"number": "Num", "leaf": "Leaf", "scale": "Scale", "power": "Power", "+": "Add", "*": "Mul"}


def is_exact(value: Any) -> bool:
    """Tell whether a number is exact: floats keep their bits and take part in no arithmetic."""
    return not isinstance(value, float)


_NAME = "(name "


def class_text(name: int) -> str:
    """Return the program text that stands for an e-class."""
    return f"{_NAME}{name})"


def constructor_name(head: str, arity: int) -> str:
    """Return the name of the egglog constructor of a head other than those of sums, products and powers."""
    row = OPERATORS.get(head)
    if row is not None and (is_bag(head) or row.arity == (arity, arity)):
        return row.egglog
    return f"Call{'' if is_bag(head) else arity}_{head.encode().hex()}"


class Language:
    """The constructors in use, as program text, and the e-nodes that are known to be there.

    Text of an e-node that is in ``known`` becomes the name of its class, so that nothing is said twice.
    """

    def __init__(self) -> None:
        self.tables: dict[str, str] = {table: op for op, table in _BASIC.items()}
        self.known: Mapping[Node, int] = {}
        self._pending: list[str] = list(PRELUDE)
        self._declared = 0

    def flush(self) -> list[str]:
        """Return the declarations that are not yet in the e-graph."""
        commands, self._pending = self._pending, []
        self._declared = len(self.tables)
        return commands

    def tables_declared(self) -> list[str]:
        """Return the tables that are in the e-graph already."""
        return list(self.tables)[: self._declared]

    def constructor(self, head: str, arity: int) -> str:
        """Return the name of the constructor of a head, and declare it."""
        name = constructor_name(head, arity)
        if name not in self.tables:
            self.tables[name] = head
            sorts = "Bag" if is_bag(head) else " ".join("T" * arity)
            self._pending.append(f"(constructor {name} ({sorts}) T)")
        return name

    @contextmanager
    def unnamed(self) -> Iterator[None]:
        """Write every e-node out meanwhile: the actions of an egglog rule may not look up the names of classes."""
        known, self.known = self.known, {}
        try:
            yield
        finally:
            self.known = known

    def text(self, op: str, data: Any, children: Sequence[str]) -> str:
        """Return the program text of an e-node whose children are given as text."""
        if self.known and all(child.startswith(_NAME) for child in children):
            names = [int(child[len(_NAME) : -1]) for child in children]
            found = self.known.get(Node(op, data, tuple(sorted(names) if is_bag(op) else names)))
            if found is not None:
                return class_text(found)
        return self._spell(op, data, children)

    def node(self, node: Node) -> str:
        """Return the program text that makes an e-node."""
        return self._spell(node.op, node.data, [class_text(child) for child in node.children])

    def _spell(self, op: str, data: Any, children: Sequence[str]) -> str:
        if op == "number":
            return f'(Num "{data}")'
        if op == "leaf":
            return f"(Leaf {data})"
        if op == "scale":
            return f'(Scale "{data}" {children[0]})'
        if op == "power":
            return f'(Power {children[0]} "{data}")'
        name = _BASIC.get(op) or self.constructor(op, len(children))
        if is_bag(op):
            return f"({name} (multiset-of {' '.join(children)}))"
        return f"({name} {' '.join(children)})" if children else f"({name})"

    def rows(
        self, tables: dict[str, list[tuple[tuple[Any, ...], Any]]]
    ) -> Iterator[tuple[str, Any, tuple[int, ...], int]]:
        """Yield the rows of the constructors' tables as (op, data, children, class)."""
        for table, op in self.tables.items():
            for inputs, made in tables.get(table, ()):
                if op in ("number", "leaf"):
                    yield op, inputs[0], (), made
                elif op == "scale":
                    yield op, inputs[0], (inputs[1],), made
                elif op == "power":
                    yield op, inputs[1], (inputs[0],), made
                elif is_bag(op):
                    yield op, None, inputs[0], made
                else:
                    yield op, None, inputs, made


# --- building terms as program text -----------------------------------------------------------------------------------------


class Writer:
    """Writes sums and products of program texts in normal form."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def scaled(self, coefficient: Any, text: str) -> str:
        """Return coefficient * text."""
        return text if coefficient == 1 else self.language.text("scale", number_text(coefficient), [text])

    def powered(self, text: str, exponent: Any) -> str:
        """Return text ^ exponent, with an exact number as exponent."""
        return text if exponent == 1 else self.language.text("power", number_text(exponent), [text])

    def number(self, value: Any) -> str:
        """Return the text of an exact number."""
        return self.language.text("number", number_text(value), [])

    def sum(self, constant: Any, parts: Iterable[str]) -> str:
        """Return constant + parts."""
        items = sorted(parts)
        if constant != 0 or not items:
            items.append(self.number(constant))
        return items[0] if len(items) == 1 else self.language.text("+", None, items)

    def product(self, coefficient: Any, factors: Iterable[str]) -> str:
        """Return coefficient * factors."""
        items = sorted(factors)
        if not items or coefficient == 0:
            return self.number(coefficient)
        return self.scaled(coefficient, items[0] if len(items) == 1 else self.language.text("*", None, items))


def term_text(root: Any, language: Language, bound: dict[Hashable, str]) -> str:
    """Return a small interned term as program text, with the terms in ``bound`` replaced; it ends a symbol that is not bound."""
    writer = Writer(language)
    done = dict(bound)
    stack = [root]
    while stack:
        node = stack[-1]
        identity = interface.key(node)
        if identity in done:
            stack.pop()
            continue
        missing = [part for part in view_parts(node) if interface.key(part) not in done]
        if missing:
            stack.extend(missing)
            continue
        done[identity] = _compose(node, writer, done)
    return done[interface.key(root)]


def _compose(node: Any, writer: Writer, done: dict[Hashable, str]) -> str:
    """Return the text of one term from the texts of its parts."""
    if interface.is_number(node):
        return writer.number(interface.value(node))
    if interface.is_symbol(node):
        raise KeyError(interface.name(node))
    head = interface.head(node)
    if head in SUM_HEADS:
        constant, pairs = sum_view(node)
        return writer.sum(constant, [writer.scaled(c, done[interface.key(t)]) for t, c in pairs])
    if head in PRODUCT_HEADS:
        coefficient, factors = product_view(node)
        texts = [
            writer.powered(_text_of(b, writer, done), e)
            if is_value(e)
            else writer.language.text("^", None, [_text_of(b, writer, done), done[interface.key(e)]])
            for b, e in factors
        ]
        return writer.product(coefficient, texts)
    return writer.language.text(head, None, [done[interface.key(a)] for a in interface.sorted_args(node)])


def _text_of(base: Any, writer: Writer, done: dict[Hashable, str]) -> str:
    return writer.number(base) if is_value(base) else done[interface.key(base)]


# --- terms in, terms out -----------------------------------------------------------------------------------------------------


class Encoder:
    """Gives names to the e-nodes of interned terms, and makes terms of e-nodes again."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.leaves: list[Any] = []
        self.next_name = 0
        self._leaf_of: dict[Hashable, int] = {}
        self._name_of: dict[Hashable, int] = {}
        self._kept: list[Any] = []
        self._known: dict[Node, int] = {}

    def add(self, root: Any, opaque: frozenset[Hashable]) -> tuple[int, list[tuple[int, Node]]]:
        """Return the name of a term, and the named e-nodes that are new; the parts in ``opaque`` (by key) become leaves."""
        fresh: list[tuple[int, Node]] = []
        stack = [root]
        while stack:
            term = stack[-1]
            identity = interface.key(term)
            if identity in self._name_of:
                stack.pop()
                continue
            plain = identity not in opaque
            missing = [p for p in view_parts(term) if interface.key(p) not in self._name_of] if plain else []
            if missing:
                stack.extend(missing)
                continue
            self._kept.append(term)
            self._name_of[identity] = self._encode(term, fresh) if plain else self._leaf(term, fresh)
        return self._name_of[interface.key(root)], fresh

    def name_of(self, term: Any) -> int:
        """Return the name of a term that was added."""
        return self._name_of[interface.key(term)]

    def originals(self) -> Iterator[tuple[int, Any]]:
        """Yield (name, term) for every term that was added, parts first."""
        for term in self._kept:
            yield self._name_of[interface.key(term)], term

    def new_names(self, count: int) -> int:
        """Return the first of ``count`` names that are given to classes that egglog made."""
        first = self.next_name
        self.next_name += count
        return first

    def _encode(self, term: Any, fresh: list[tuple[int, Node]]) -> int:
        if interface.is_number(term):
            return self._number(interface.value(term), fresh)
        if interface.is_symbol(term):
            return self._leaf(term, fresh)
        head = interface.head(term)
        if head == "hold":
            return self._name_of[interface.key(interface.args(term)[0])]
        if head in SUM_HEADS:
            constant, pairs = sum_view(term)
            parts = [self._scaled(c, self._name_of[interface.key(t)], fresh) for t, c in pairs]
            if constant != 0:
                parts.append(self._number(constant, fresh))
            return self._bag("+", parts, fresh)
        if head in PRODUCT_HEADS:
            coefficient, factors = product_view(term)
            parts = [self._powered(b, e, fresh) for b, e in factors]
            if not is_exact(coefficient):
                parts.append(self._number(coefficient, fresh))
                coefficient = 1
            return self._scaled(coefficient, self._bag("*", parts, fresh), fresh)
        children = [self._name_of[interface.key(a)] for a in interface.sorted_args(term)]
        return self._node(
            Node(head, None, tuple(sorted(children)) if is_bag(head) else tuple(children)), fresh
        )

    def _bag(self, op: str, parts: list[int], fresh: list[tuple[int, Node]]) -> int:
        return parts[0] if len(parts) == 1 else self._node(Node(op, None, tuple(sorted(parts))), fresh)

    def _scaled(self, coefficient: Any, name: int, fresh: list[tuple[int, Node]]) -> int:
        if not is_exact(coefficient):
            return self._bag("*", [self._number(coefficient, fresh), name], fresh)
        return (
            name if coefficient == 1 else self._node(Node("scale", number_text(coefficient), (name,)), fresh)
        )

    def _powered(self, base: Any, exponent: Any, fresh: list[tuple[int, Node]]) -> int:
        name = self._number(base, fresh) if is_value(base) else self._name_of[interface.key(base)]
        if not is_value(exponent):
            return self._node(Node("^", None, (name, self._name_of[interface.key(exponent)])), fresh)
        if not is_exact(exponent):
            return self._node(Node("^", None, (name, self._number(exponent, fresh))), fresh)
        return name if exponent == 1 else self._node(Node("power", number_text(exponent), (name,)), fresh)

    def _number(self, value: Any, fresh: list[tuple[int, Node]]) -> int:
        if is_exact(value):
            return self._node(Node("number", number_text(value), ()), fresh)
        return self._leaf(interned_number(value), fresh)

    def _leaf(self, term: Any, fresh: list[tuple[int, Node]]) -> int:
        identity = interface.key(term)
        if identity not in self._leaf_of:
            self._leaf_of[identity] = len(self.leaves)
            self.leaves.append(term)
        return self._node(Node("leaf", self._leaf_of[identity], ()), fresh)

    def _node(self, node: Node, fresh: list[tuple[int, Node]]) -> int:
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = self.new_names(1)
            fresh.append((known, node))
        return known

    def term(self, node: Node, parts: Sequence[Any]) -> Any:
        """Return the interned term of an e-node whose children are the terms ``parts``."""
        op = node.op
        if op == "number":
            return interned_number(number_value(node.data))
        if op == "leaf":
            return self.leaves[node.data]
        like = _LIKE
        if op == "scale":
            return product_of(like, number_value(node.data), [(parts[0], 1)])
        if op == "power":
            return product_of(like, 1, [(parts[0], number_value(node.data))])
        if op == "*":
            return product_of(like, 1, [(part, 1) for part in parts])
        if op == "+":
            return sum_of(like, 0, [(part, 1) for part in parts])
        return call_of(like, op, list(parts))


def interned_number(value: Any) -> Any:
    """Return the interned term of a number."""
    from symnum.backends import interned

    return interned.number(value)


_LIKE = interned_number(0)


def named_text(language: Language, fresh: Iterable[tuple[int, Node]]) -> list[str]:
    """Return the commands that make named e-nodes, children before parents."""
    return [f"(set (name {name}) {language.node(node)})" for name, node in fresh]
