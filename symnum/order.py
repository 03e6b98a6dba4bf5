"""A total order on terms that depends on their structure only, never on a hash or on what was built before.

The key of a term is (degree, text that leads it, digest of the whole).  It is found bottom-up without recursion, and is kept on
the node where the node has a place for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from symnum import term as interface

_DIGITS = re.compile(r"\d+")
_LEAD = 24


class OrderKey(NamedTuple):
    """Sorting key: leading text, then degree, then digest."""

    lead: str
    degree: int
    digest: bytes


def order_key(root: Any) -> OrderKey:
    """Return the sorting key of a term, linear in its distinct sub-terms.

    >>> import symnum as sn
    >>> x2, x10 = sn.symbols("x2 x10")
    >>> order_key(x2) < order_key(x10)
    True
    """
    known = getattr(root, "_order", None)
    if known is not None:
        return known
    local: dict[Any, OrderKey] = {}
    for node in interface.postorder(root, prune=lambda t: getattr(t, "_order", None) is not None):
        found = getattr(node, "_order", None)
        if found is None:
            found = _key(node, local)
            if hasattr(type(node), "_order"):
                node._order = found
        local[interface.key(node)] = found
    return local[interface.key(root)]


def _key(node: Any, known: dict[Any, OrderKey]) -> OrderKey:
    if interface.is_number(node):
        value = interface.value(node)
        # Hexadecimal for exact numbers: Python refuses to write long integers in decimal.
        spelled = repr(value) if type(value) is float else f"{value.numerator:x}/{value.denominator:x}"
        return OrderKey("", 0, _digest(b"n", f"{type(value).__name__} {spelled}".encode()))
    if interface.is_symbol(node):
        name = interface.name(node)
        spelled = f"{name} {interface.sort_of(node)} {' '.join(sorted(interface.assumptions(node)))}"
        return OrderKey(
            "0" + _DIGITS.sub(lambda m: m.group().zfill(8), name), 1, _digest(b"s", spelled.encode())
        )
    head = interface.head(node)
    keys = [known[interface.key(arg)] for arg in interface.args(node)]
    if head in ("+", "*"):
        keys.sort()
    digest = _digest(b"c", head.encode(), *(k.digest for k in keys))
    if head == "^":
        exponent = interface.args(node)[1]
        e = interface.value(exponent) if interface.is_number(exponent) else 0
        return OrderKey(keys[0].lead, keys[0].degree * e if type(e) is int and e > 0 else 0, digest)
    if head == "*":
        lead = "".join(k.lead for k in keys if k.lead)[:_LEAD]
        return OrderKey(lead, sum(k.degree for k in keys), digest)
    if head == "+":
        return OrderKey(("2" + keys[0].lead)[:_LEAD], max((k.degree for k in keys), default=0), digest)
    return OrderKey(f"1{head} {keys[0].lead if keys else ''}"[:_LEAD], 0, digest)


def _digest(*parts: bytes) -> bytes:
    h = hashlib.blake2b(digest_size=16)
    for part in parts:
        h.update(part)
        h.update(b"\0")
    return h.digest()


def sort_addends(terms: Iterable[Any]) -> tuple[Any, ...]:
    """Return addends by falling degree, then alphabetically, constants last."""
    return tuple(sorted(terms, key=_addend_key))


def _addend_key(term: Any) -> tuple[Any, ...]:
    key = order_key(term)
    return (interface.is_number(term), -key.degree, key.lead, key.digest)


def sort_factors(terms: Iterable[Any]) -> tuple[Any, ...]:
    """Return factors alphabetically, the number first."""
    return tuple(sorted(terms, key=_factor_key))


def _factor_key(term: Any) -> tuple[Any, ...]:
    return (not interface.is_number(term), order_key(term))
