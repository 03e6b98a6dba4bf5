"""Programs of the relational machine calculus as text, which :func:`parse` reads again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node, is_index, is_variable
from symnum.rewriting.machines.rmc.syntax import (
    MAIN,
    NEW,
    POP,
    PUSH,
    SEQ,
    SKIP,
    STAR,
    SUM,
    TEST,
    ZERO,
    constant_name,
    is_program,
)
from symnum.text.printer import to_text

_UNICODE = {"skip": "⋆", "new": "∃", "open": "⟨", "close": "⟩", "test": " ≐ ", "main": "λ"}
_ASCII = {"skip": "skip", "new": "new ", "open": "<", "close": ">", "test": " == ", "main": ""}

_PLAIN = re.compile(r"[^\W\d_][^\W]*'*\Z|[#$•⊤⊥]\Z")
_WORDS = frozenset({"skip", "new", "exists"})


def format(program: Any, *, ascii: bool = False) -> str:
    """Return a program or a value as text.

    >>> from symnum.rewriting.machines import rmc
    >>> term = rmc.parse("new x. (a<x> + skip)*; [f(x, Y)]; ([b] + [c])")
    >>> format(term), format(term, ascii=True)
    ('∃x. (a⟨x⟩ + ⋆)*; [f(x, Y)]; ([b] + [c])', 'new x. (a<x> + skip)*; [f(x, Y)]; ([b] + [c])')
    """
    return "".join(_Printer(program, _ASCII if ascii else _UNICODE).pieces(program))


def brief(program: Any, most: int = 60) -> str:
    """Return the beginning of a program's text, for messages; the rest is not even written.

    >>> from symnum.rewriting.machines import rmc
    >>> brief(rmc.parse("[a]; [b]; [c]; [d]"), 12)
    '[a]; [b]; ...'
    """
    pieces: list[str] = []
    length = 0
    for piece in _Printer(program, _UNICODE).pieces(program):
        if length + len(piece) > most:
            return "".join([*pieces, "..."])
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


def quoted(name: str) -> str:
    """Return the name of a constant or location, in quotes where it would be read as something else.

    >>> quoted("nil"), quoted("Z"), quoted("#")
    ('nil', "'Z'", '#')
    """
    return name if _PLAIN.match(name) and name not in _WORDS and not name[0].isupper() else f"'{name}'"


class _Printer:
    """Walk a program with a stack of what is still to be written: pieces of text, terms, and what leaves a binder."""

    def __init__(self, root: Any, signs: dict[str, str]) -> None:
        self.signs = signs
        self.scope: list[str] = []
        self.taken = {name for part in interface.postorder(root) if (name := _name_of(part)) is not None}
        self.inside: set[str] = set()
        self.counts: dict[str, int] = {}
        self.before: list[tuple[str, int]] = []

    def pieces(self, root: Any) -> Iterable[str]:
        """Yield the text piece by piece."""
        # an entry is text, a callable, or (term, tightness of what is around it, whether a `new` may stand bare)
        stack: list[Any] = [(root, 0, True)]
        while stack:
            entry = stack.pop()
            if isinstance(entry, str):
                yield entry
            elif entry is None:
                self._leave()
            else:
                stack.extend(reversed(list(self._expand(*entry))))

    def _expand(self, term: Any, around: int, last: bool) -> list[Any]:
        if not is_program(term):
            return self._value(term)
        signs, head, args = self.signs, term.head.name, term.args
        if head == SKIP:
            return [signs["skip"]]
        if head == ZERO:
            return ["0"]
        if head == PUSH:
            return ["[", (args[0], 0, True), "]", self._location(args[1])]
        if head == POP:
            return [self._location(args[0]), signs["open"], (args[1], 0, True), signs["close"]]
        if head == TEST:
            return self._bracketed([(args[0], 0, True), signs["test"], (args[1], 0, True)], around > 3)
        if head == STAR:
            return [(args[0], 4, False), "*"]
        tightness = {SUM: 1, SEQ: 2, NEW: 0}[head]
        closed = around > tightness if head != NEW else not last
        last = last or closed
        if head == NEW:
            return self._bracketed(self._binder(term), closed)
        between = " + " if head == SUM else "; "
        inner: list[Any] = []
        for i, arg in enumerate(args):
            inner += [between] if i else []
            inner.append((arg, tightness + 1, last and i == len(args) - 1))
        return self._bracketed(inner, closed)

    @staticmethod
    def _bracketed(inner: list[Any], closed: bool) -> list[Any]:
        return ["(", *inner, ")"] if closed else inner

    def _binder(self, term: Node) -> list[Any]:
        names = []
        while term.head.name == NEW:
            assert term.args[0].leaf is not None
            names.append(self._enter(term.args[0].leaf[1]))
            term = term.args[1]
            if not is_program(term):
                break
        return [self.signs["new"], " ".join(names), ". ", (term, 0, True), *[None] * len(names)]

    def _enter(self, wanted: str) -> str:
        """Return a name for a binder that nothing in its scope has, and enter the scope."""
        name = wanted if _PLAIN.match(wanted) or wanted[:1] == "_" else "x"
        base = name.rstrip("0123456789") or "x"
        before = count = self.counts.get(base, 1)
        while name in self.taken or name in self.inside or name in _WORDS or name == "_":
            name, count = f"{base}{count}", count + 1
        self.counts[base] = count
        self.scope.append(name)
        self.inside.add(name)
        self.before.append((base, before))
        return name

    def _leave(self) -> None:
        self.inside.discard(self.scope.pop())
        base, before = self.before.pop()
        self.counts[base] = before

    def _location(self, leaf: Node) -> str:
        assert leaf.leaf is not None
        name = leaf.leaf[1]
        return "" if name == MAIN else quoted(name)

    def _value(self, term: Any) -> list[Any]:
        if type(term) is not Node:
            text = to_text(term)
            return [text if interface.is_number(term) and text[-1].isdigit() else f"{{{text}}}"]
        if is_index(term):
            assert term.leaf is not None
            k = term.leaf[1]
            return [self.scope[-1 - k] if k < len(self.scope) else f"#{k - len(self.scope)}"]
        if term.leaf is not None:
            return [_unknown_text(term)]
        name = quoted(constant_name(term) or term.head.name)
        if not term.args:
            return [name]
        inner: list[Any] = []
        for i, arg in enumerate(term.args):
            inner += [", "] if i else []
            inner.append((arg, 0, True))
        return [f"{name}(", *inner, ")"]


def _unknown_text(leaf: Node) -> str:
    assert leaf.leaf is not None
    name = leaf.leaf[1]
    if leaf.leaf[0] != "variable":
        return str(name)
    if isinstance(name, int):
        return f"_{name}"
    return name if _reads_as_unknown(name) else f"?{name}"


def _reads_as_unknown(name: str) -> bool:
    return (name[0].isupper() or name[0] == "_") and name != "_" and name.isidentifier()


def _name_of(part: Any) -> str | None:
    """Return the name that a part would take from the binders around it: that of a constant, an unknown or a symbol."""
    if is_variable(part):
        return str(part.leaf[1]) if isinstance(part.leaf[1], str) else f"_{part.leaf[1]}"
    if type(part) is Node:
        return constant_name(part)
    return interface.name(part) if interface.is_symbol(part) else None
