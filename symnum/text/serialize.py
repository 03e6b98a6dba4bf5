"""Terms as flat programs: for pickle, and as JSON with a version.

A program lists each distinct sub-term once, arguments before calls, so that depth and sharing cost nothing.  The JSON form is

.. code-block:: json

   {"symnum": 1, "backend": "interned", "nodes": [["symbol", "x"], ["int", "2"], ["call", "^", 0, 1]], "root": 2}

with ``"roots": [2, 0]`` in place of ``"root"`` for a list of terms.  The nodes are ``["symbol", name, sort, assumption, ...]`` (the sort
is left out if real and nothing is assumed), ``["int", "2"]``, ``["rational", "1/3"]``, ``["float", "0.5"]``, ``["bool", "true"]`` and
``["call", head, argument, ...]`` with the positions of earlier nodes.  Numbers are text, so that they are exact in every JSON reader.
Equal terms give equal text.  Metadata is not written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.exact import from_digits, to_digits
from symnum.operators import OPERATORS, operator
from symnum.symbols import BACKENDS, backend_module, symbol

VERSION = 1
"""The version that :func:`to_json` writes and :func:`from_json` reads."""

MAX_DIGITS = 1_000_000
"""Longer numbers are refused: turning them into binary would take minutes."""

Program = tuple[str, tuple[tuple[Any, ...], ...], tuple[int, ...]]
"""Backend, nodes and positions of the roots; a node is ("symbol", name, sort, assumptions), ("number", value) or (head, arguments)."""


# --- programs -----------------------------------------------------------------------------------------------------------------


def to_program(terms: Sequence[Any], *, ordered: bool = False) -> Program:
    """Return terms as a flat program; ``ordered`` makes it the same for equal terms however they were built.

    Metadata is left out.  Raises TypeError when the terms are of different backends.

    >>> import symnum as sn
    >>> to_program([sn.sin(sn.symbols("x"))])
    ('interned', (('symbol', 'x', 'real', ()), ('sin', (0,))), (1,))
    """
    backends = sorted({interface.backend_of(t) for t in terms} - {"python"})
    if len(backends) > 1:
        raise TypeError(
            f"the terms are of the backends {' and '.join(map(repr, backends))}; convert them first: symnum.convert(term, backend=...)"
        )
    where: dict[Hashable, int] = {}
    nodes: list[tuple[Any, ...]] = []
    for node in interface.postorder(*terms, ordered=ordered):
        face = interface.interface(node)
        if face.is_number(node):
            entry: tuple[Any, ...] = ("number", face.value(node))
        elif face.is_symbol(node):
            entry = ("symbol", face.name(node), face.sort_of(node), tuple(sorted(face.assumptions(node))))
        else:
            below = face.sorted_args(node) if ordered else face.args(node)
            entry = (face.head(node), tuple([where[interface.key(arg)] for arg in below]))
        where[face.key(node)] = len(nodes)
        nodes.append(entry)
    return (
        backends[0] if backends else "interned",
        tuple(nodes),
        tuple([where[interface.key(t)] for t in terms]),
    )


def from_program(program: Program) -> Any:
    """Return the term of a program with one root; undoes ``to_program([term])``."""
    backend, nodes, (root,) = program
    module = backend_module(backend)
    built: list[Any] = []
    for what, *rest in nodes:
        if what == "number":
            built.append(module.number(rest[0]))
        elif what == "symbol":
            built.append(module.symbol(*rest))
        else:
            built.append(module.make(what, [built[i] for i in rest[0]]))
    return built[root]


# --- JSON -------------------------------------------------------------------------------------------------------------------


def to_json(terms: Any) -> str:
    """Return a term, or a list of terms, as JSON text that :func:`from_json` reads back exactly.

    >>> import symnum as sn
    >>> to_json(2 * sn.symbols("x"))
    '{"symnum":1,"backend":"interned","nodes":[["int","2"],["symbol","x"],["call","*",0,1]],"root":2}'
    """
    several = isinstance(terms, list | tuple)
    backend, nodes, roots = to_program(terms if several else [terms], ordered=True)
    document: dict[str, Any] = {
        "symnum": VERSION,
        "backend": backend,
        "nodes": [_encode(node) for node in nodes],
    }
    document |= {"roots": list(roots)} if several else {"root": roots[0]}
    return json.dumps(document, separators=(",", ":"))


def _encode(node: tuple[Any, ...]) -> list[Any]:
    what, *rest = node
    if what == "symbol":
        name, sort, assumptions = rest
        return (
            ["symbol", name] if sort == "real" and not assumptions else ["symbol", name, sort, *assumptions]
        )
    if what != "number":
        return ["call", what, *rest[0]]
    (value,) = rest
    if type(value) is bool:
        return ["bool", "true" if value else "false"]
    if type(value) is int:
        return ["int", to_digits(value)]
    if isinstance(value, Fraction):
        return ["rational", f"{to_digits(value.numerator)}/{to_digits(value.denominator)}"]
    return ["float", repr(float(value))]


def from_json(text: str, backend: str | None = None) -> Any:
    """Read what :func:`to_json` wrote: a term, or a list of terms if a list was written.

    ``backend`` replaces the one named in the text.  Nothing in the text is trusted: raises ValueError that says which part is wrong,
    and TypeError when ``text`` is not text.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> from_json(to_json(sn.sin(x) / 3)) is sn.sin(x) / 3
    True
    """
    if not isinstance(text, str | bytes):
        raise TypeError(
            f"from_json reads a text, but got {text!r} of type {type(text).__name__}; write from_json(path.read_text())"
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ValueError(
            f"the text is not JSON: {problem}; it must be what symnum.to_json wrote, whole"
        ) from None
    return _Reader(document, backend).result()


class _Reader:
    """Build the terms of a document, checking every part."""

    def __init__(self, document: Any, backend: str | None) -> None:
        if not isinstance(document, dict) or "symnum" not in document:
            raise ValueError(
                "the JSON is not a symnum document: it must be an object with a 'symnum' version, as symnum.to_json writes it"
            )
        version = document["symnum"]
        if type(version) is not int or version != VERSION:
            raise ValueError(
                f"the document has version {_short(version)}, but this symnum reads version {VERSION}; "
                f"write it again with this symnum, or read it with the one that wrote it"
            )
        known = {"symnum", "backend", "nodes", "root", "roots"}
        extra = sorted(set(document) - known)
        if extra or ("root" in document) == ("roots" in document):
            wrong = (
                f"the unknown entry {_short(extra[0])}" if extra else "not exactly one of 'root' and 'roots'"
            )
            raise ValueError(
                f"the document has {wrong}; its entries are symnum, backend, nodes, and root or roots"
            )
        name = backend if backend is not None else document.get("backend", "interned")
        if not isinstance(name, str) or name not in BACKENDS:
            raise ValueError(
                f"the document names the backend {_short(name)}; read it into another one: "
                f"from_json(text, backend='interned'); the backends are {', '.join(map(repr, BACKENDS))}"
            )
        self.document, self.name, self.backend = document, name, backend_module(name)

    def result(self) -> Any:
        """Return the root or the list of roots."""
        nodes = self.document.get("nodes")
        if not isinstance(nodes, list):
            raise ValueError(f"'nodes' must be a list, but is {_short(nodes)}")
        built: list[Any] = []
        for index, node in enumerate(nodes):
            try:
                built.append(self._node(node, built))
            except (TypeError, ValueError, LookupError, ArithmeticError) as problem:
                raise ValueError(f"node {index}, {_short(node)}: {problem}") from None
        if "root" in self.document:
            return self._root(self.document["root"], built, "'root'")
        roots = self.document["roots"]
        if not isinstance(roots, list):
            raise ValueError(f"'roots' must be a list of positions, but is {_short(roots)}")
        return [self._root(root, built, f"entry {i} of 'roots'") for i, root in enumerate(roots)]

    def _root(self, index: Any, built: list[Any], where: str) -> Any:
        if type(index) is not int or not 0 <= index < len(built):
            raise ValueError(
                f"{where} is {_short(index)}, but must be the position of one of the {len(built)} nodes"
            )
        return built[index]

    def _node(self, node: Any, built: list[Any]) -> Any:
        if not isinstance(node, list) or len(node) < 2 or not all(isinstance(part, str) for part in node[:2]):
            raise ValueError('a node is a list such as ["int", "2"], ["symbol", "x"] or ["call", "sin", 0]')
        kind, what, *rest = node
        if kind == "call":
            return self._call(what, rest, built)
        if kind == "symbol":
            return self._symbol(what, rest)
        read = _NUMBERS.get(kind)
        if read is None:
            raise ValueError(
                f"there is no node kind {_short(kind)}; the kinds are symbol, call, {', '.join(_NUMBERS)}"
            )
        if rest:
            raise ValueError(f"a number has one entry, but {_short(rest[0])} follows it")
        return self.backend.number(read(what))

    def _call(self, head: str, indices: list[Any], built: list[Any]) -> Any:
        if head not in OPERATORS:
            operator(head[:60])
        arguments = []
        for i in indices:
            if type(i) is not int or not 0 <= i < len(built):
                raise ValueError(
                    f"argument {_short(i)} is not the position of an earlier node (0 to {len(built) - 1})"
                )
            arguments.append(built[i])
        return self.backend.make(head, arguments)

    def _symbol(self, name: str, kinds: list[Any]) -> Any:
        if not all(isinstance(kind, str) for kind in kinds):
            raise ValueError('a symbol is written ["symbol", "x"] or ["symbol", "x", "integer", "positive"]')
        sort, *assumed = kinds or ["real"]
        if "integer" in assumed or "real" in assumed:
            raise ValueError("the sort stands before the assumptions")
        return symbol(name, sort, self.name, **dict.fromkeys(assumed, True))


_INTEGER = re.compile(r"-?[0-9]+")
_RATIONAL = re.compile(r"(-?[0-9]+)/([0-9]+)")
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|inf)|nan")


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{_short(text)} is not an integer; write digits such as '-12'")
    if len(text) > MAX_DIGITS:
        raise ValueError(f"the number is too large: it has {len(text):,} digits, more than {MAX_DIGITS:,}")
    return -from_digits(text[1:]) if text[0] == "-" else from_digits(text)


def _rational(text: str) -> Fraction:
    found = _RATIONAL.fullmatch(text)
    if not found or not found[2].strip("0"):
        raise ValueError(f"{_short(text)} is not a rational number; write digits such as '-1/3'")
    return Fraction(_integer(found[1]), _integer(found[2]))


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text) or len(text) > 400:
        raise ValueError(f"{_short(text)} is not a float; write digits such as '-0.5' or '1e-07', inf or nan")
    return float(text)


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{_short(text)} is not 'true' or 'false'")
    return text == "true"


_NUMBERS: dict[str, Callable[[str], Any]] = {
    "int": _integer,
    "rational": _rational,
    "float": _float,
    "bool": _bool,
}


def _short(thing: Any, width: int = 60) -> str:
    """Return the beginning of a value for a message, whatever it is."""
    if isinstance(thing, list | dict):
        kind = "a list" if isinstance(thing, list) else "an object"
        if (
            not isinstance(thing, list)
            or len(thing) > 6
            or any(isinstance(part, list | dict) for part in thing)
        ):
            return f"{kind} of {len(thing)} entries"
        return "[" + ", ".join(_short(part, 20) for part in thing) + "]"
    text = json.dumps(thing[:width] if isinstance(thing, str) else thing)
    return text if len(text) <= width + 2 else text[:width] + "..."
