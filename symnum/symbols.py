"""Symbols by name, and the conversion of terms between backends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from symnum import term as interface
from symnum.backends import columns, interned, tree
from symnum.operators import OPERATORS

BACKENDS: Mapping[str, Any] = {"interned": interned, "tree": tree, "columns": columns}
"""Backend name -> the module with its ``symbol``, ``number`` and ``make``."""

RESERVED = frozenset({"True", "False", "None", "pi", "π", "inf", "nan", "true", "false", "and", "or", "not"})
"""Words that the formula language reads as something else than a symbol."""

_RANGE = re.compile(r"^(.*?)(\d+):(\d+)$")


def backend_module(name: str) -> Any:
    """Return the backend module of this name; raises ValueError for an unknown one."""
    found = BACKENDS.get(name)
    if found is None:
        raise ValueError(
            f"there is no term backend {name!r}; the backends are {', '.join(map(repr, BACKENDS))}"
        )
    return found


def symbol(name: str, sort: str = "real", backend_name: str = "interned", **assume: bool) -> Any:
    """Return one symbol; see :func:`symbols` for the meaning of the arguments.

    >>> symbol("k", positive=True) is symbols("k", positive=True)
    True
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(
            f"symbol name {name!r} is not an identifier; use letters, digits and _, such as 'x1'"
        )
    if name in RESERVED or name in OPERATORS:
        raise ValueError(
            f"{name!r} is a word of the formula language and cannot name a symbol; write {name + '_'!r}"
        )
    vague = [(a, holds) for a, holds in assume.items() if not isinstance(holds, bool)]
    if vague:
        raise TypeError(
            f"symbol {name!r} has the assumption {vague[0][0]}={vague[0][1]!r}; write {vague[0][0]}=True or leave it out"
        )
    if assume.pop("integer", False):
        sort = "integer"
    if assume.pop("real", True) is False:
        raise ValueError(
            f"symbol {name!r} cannot be complex: terms are real; use two symbols for real and imaginary part"
        )
    if sort not in interned.SORTS:
        raise ValueError(
            f"symbol {name!r} has unknown sort {sort!r}; the sorts are {', '.join(map(repr, interned.SORTS))}"
        )
    unknown = [a for a in assume if a not in interned.ASSUMPTIONS]
    if unknown:
        raise ValueError(
            f"symbol {name!r} has unknown assumption {unknown[0]!r}; use {', '.join(interned.ASSUMPTIONS)}, integer or sort=..."
        )
    known = {a for a, holds in assume.items() if holds}
    if sort == "boolean" and known:
        raise ValueError(f"boolean symbol {name!r} cannot be {sorted(known)[0]}; leave the assumption out")
    if "negative" in known and known & {"positive", "nonnegative"}:
        raise ValueError(
            f"symbol {name!r} cannot be both negative and {sorted(known - {'negative', 'nonzero'})[0]}; leave one out"
        )
    if "positive" in known:
        known -= {"nonnegative", "nonzero"}
    elif "negative" in known:
        known -= {"nonzero"}
    elif {"nonnegative", "nonzero"} <= known:
        known = {"positive"}
    return backend_module(backend_name).symbol(name, sort, known)


def symbols(names: str, *, sort: str = "real", backend: str = "interned", **assume: bool) -> Any:
    """Return the symbols that ``names`` lists, separated by spaces or commas; ``x0:3`` is x0, x1, x2.

    One name gives one symbol, several a tuple.  ``sort`` is "real", "integer" or "boolean"; assumptions are
    ``positive=True``, ``negative``, ``nonnegative``, ``nonzero`` and ``integer``.  Raises ValueError for a bad name.

    >>> symbols("x y")
    (x, y)
    >>> symbols("k", positive=True)
    k::positive
    """
    if not isinstance(names, str):
        raise TypeError(f"symbols takes a text of names, but got {names!r}; write symbols('x y z')")
    words = [w for w in re.split(r"[\s,]+", names.strip()) if w]
    if not words:
        raise ValueError("symbols got no name; write symbols('x y z')")
    spelled: list[str] = []
    for word in words:
        counted = _RANGE.match(word)
        spelled += (
            [f"{counted[1]}{i}" for i in range(int(counted[2]), int(counted[3]))] if counted else [word]
        )
    found = tuple(symbol(w, sort, backend, **assume) for w in spelled)
    return found[0] if len(words) == 1 and len(spelled) == 1 and not names.rstrip().endswith(",") else found


def number(value: Any, backend: str = "interned") -> Any:
    """Return the constant term of a Python or NumPy number.

    >>> number(3) is number(3), number(3) is number(3.0)
    (True, False)
    """
    return backend_module(backend).number(value)


def convert(term: Any, backend: str = "interned") -> Any:
    """Return ``term`` in another backend; sharing is kept, metadata is not carried over.

    >>> x = symbols("x", backend="tree")
    >>> convert(x + x, backend="interned")
    2*x
    """
    target = backend_module(backend)
    known: dict[Any, Any] = {}
    for node in interface.postorder(term, ordered=True):
        if interface.is_number(node):
            new = target.number(interface.value(node))
        elif interface.is_symbol(node):
            new = target.symbol(interface.name(node), interface.sort_of(node), interface.assumptions(node))
        else:
            new = target.make(
                interface.head(node), [known[interface.key(a)] for a in interface.sorted_args(node)]
            )
        known[interface.key(node)] = new
    return known[interface.key(term)]
