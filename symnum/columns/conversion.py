"""Between interned terms and rows: what a term is as operator and parts, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.backends.arithmetic import as_term, number, product_of, scale, sum_of, symbol
from symnum.backends.interned import make
from symnum.backends.nodes import Interned
from symnum.columns.table import CALL, NUMBER, PRODUCT, SUM, SYMBOL

if TYPE_CHECKING:
    from symnum.columns.store import Store


def as_interned(term: Any) -> Interned:
    """Return a term of any backend as an interned one."""
    from symnum.symbols import convert

    if isinstance(term, Interned):
        return term
    return number(term) if interface.backend_of(term) == "python" else convert(term, "interned")


def parts_of(node: Any) -> list[Any]:
    """Return the terms that the row of an interned term refers to."""
    face = interface.interface(node)
    if not face.is_call(node):
        return []
    head = face.head(node)
    if head == "+":
        constant, pairs = interface.addends(node)
        return [number(constant), *[p for t, c in pairs for p in (t, number(c))]]
    if head in ("*", "^"):
        coefficient, pairs = interface.factors(node)
        return [number(coefficient), *[p for b, e in pairs for p in (b, as_term(e))]]
    return list(face.args(node))


def row_of(store: Store, node: Any, reference: Callable[[Any], int]) -> tuple[int, list[int]]:
    """Return operator and parts of an interned term; ``reference`` gives those that are terms."""
    face = interface.interface(node)
    if face.is_number(node):
        return NUMBER, list(store.number_parts(node.value))
    if face.is_symbol(node):
        return SYMBOL, [store.place(store.symbols, (node.name, node.sort, node.assumptions))]
    head = face.head(node)
    operator = SUM if head == "+" else PRODUCT if head in ("*", "^") else store.head(head)
    return operator, list(map(reference, parts_of(node)))


def term_of(store: Store, row: int, operator: int, parts: Sequence[int], found: Mapping[int, Any]) -> Any:
    """Return the interned term of a row from those of its parts."""
    if operator == NUMBER:
        return number(store.value(row))
    if operator == SYMBOL:
        return symbol(*store.symbols[parts[0]])
    if operator == SUM:
        pairs = zip(parts[1::2], parts[2::2])
        return sum_of(found[parts[0]].value, {found[t]: found[w].value for t, w in pairs})
    if operator == PRODUCT:
        entries = {}
        for base, exponent in zip(parts[1::2], parts[2::2]):
            e = found[exponent]
            entries[found[base]] = e.value if interface.is_number(e) else e
        return scale(found[parts[0]].value, product_of(entries))
    return make(store.heads[operator - CALL], [found[part] for part in parts])
