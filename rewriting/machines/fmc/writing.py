"""Programs of the Functional Machine Calculus to text that reads back as the same program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.binding import free_bound, instantiate, substitute, uses
from symnum.rewriting.machines.fmc.syntax import DONE, MAIN, SKIP, is_program, names_in, symbols_of
from symnum.rewriting.machines.nodes import Node, head_named, is_index, node, variable
from symnum.rewriting.strategies import bottom_up
from symnum.text.printer import to_text as core_text

_ASCII = {"⟨": "<", "⟩": ">", "→": "->", "⋆": "*"}


def to_text(term: Any, *, ascii: bool = False, limit: int | None = None) -> str:
    """Write a program, or a value, as text that :func:`parse` reads back; ``limit`` keeps that many characters.

    The names of bound variables are those of the program, with a number where one would be mistaken for another.

    >>> from symnum.rewriting.machines import fmc
    >>> program = fmc.parse("<x>.c<y>.[x]c.[x + y]; e -> !f")
    >>> to_text(program), to_text(program, ascii=True)
    ('⟨x⟩.c⟨y⟩.[x]c.[x + y];e→!f', '<x>.c<y>.[x]c.[x + y];e->!f')
    """
    pieces, length = [], 0
    for piece in _Writer(term).text():
        shown = "".join(_ASCII.get(c, c) for c in piece) if ascii else piece
        pieces.append(shown)
        length += len(shown)
        if limit is not None and length > limit:
            return "".join(pieces)[:limit] + "..."
    return "".join(pieces)


_LEAVE = object()
"""A mark on the writer's stack: the scope of the innermost variable ends."""


class _Writer:
    """Yield the text of one program from left to right, with an explicit stack."""

    def __init__(self, root: Any) -> None:
        self.root = root
        labels = set(names_in(root, "label"))
        symbols = symbols_of(root)
        self.fixed = {interface.name(s) for s in symbols} | labels
        self.quoted = {
            s: variable(f"'{interface.name(s)}'")
            for s in symbols
            if interface.name(s) in labels or not is_plain(interface.name(s))
        }
        self.in_scope: dict[str, int] = {}
        self.next: dict[str, int] = {}
        self.scope: list[str] = []
        for _ in range(free_bound(root)):
            self._enter("x")

    def text(self) -> Iterator[str]:
        """Yield the pieces of the text."""
        stack: list[Any] = [(self.root, "alone")]
        while stack:
            item = stack.pop()
            if item is _LEAVE:
                self.in_scope[self.scope.pop()] -= 1
            elif isinstance(item, str):
                yield item
            elif not is_program(item[0]):
                yield self._value(*item)
            else:
                stack.extend(reversed(list(self._parts(*item))))

    def _parts(self, term: Any, place: str) -> Iterator[Any]:
        """Yield text and smaller terms with their places: "alone", "left" or "right" of a case, or "next" after a dot."""
        head, given = term.head.name, term.args
        if head == "fmc.exit":
            yield "⋆" if term is SKIP else f"!{_named(given[0])}"
        elif head == "fmc.loop":
            yield from ("(", (given[0], "alone"), f")^{_named(given[1])}")
        elif head == "fmc.case":
            arrow = ";" if given[1] is DONE else f";{_named(given[1])}→"
            written = ((given[0], "left"), arrow, (given[2], "right"))
            yield from ("(", *written, ")") if place in ("right", "next") else written
        else:
            rest = given[-1]
            left: tuple[Any, ...] = ()
            if head == "fmc.run":
                yield (given[0], "alone" if rest is SKIP and place != "next" else "run")
            elif head == "fmc.push":
                yield from ("[", (given[0], "alone"), "]" + _written(given[1]))
            else:
                name = self._enter(given[1].leaf[1], rest)
                yield f"{_written(given[0])}⟨{name}⟩"
                left = (_LEAVE,)
            yield from () if rest is SKIP else (".", (rest, "next"))
            yield from left

    def _enter(self, wanted: str, body: Any = None) -> str:
        """Return a name for a binder that stands for nothing else in its scope, which begins here."""
        base = wanted
        if base in ("", "_"):
            base = "x" if body is None or uses(body, 0) else "_"
        name = base
        # where nothing from outside is used nothing can be hidden
        alone = body is not None and free_bound(body) <= 1
        while name in self.fixed or (self.in_scope.get(name) and not alone and name != "_"):
            self.next[base] = self.next.get(base, 0) + 1
            name = f"{base}{self.next[base]}"
        self.scope.append(name)
        self.in_scope[name] = self.in_scope.get(name, 0) + 1
        return name

    def _value(self, term: Any, place: str) -> str:
        """Return a formula; one after or before a dot stands in brackets."""
        if self.quoted:
            term = substitute(term, self.quoted, build=_as_it_is)
        if term.leaf is not None if isinstance(term, Node) else not interface.is_call(term):
            text = self.scope[-1 - term.leaf[1]] if is_index(term) else str(term)
        else:
            names = self.scope[len(self.scope) - free_bound(term) :]
            text = formula(instantiate(term, [variable(n) for n in reversed(names)], build=_as_it_is))
        simple = interface.is_symbol(term) or (text.endswith(")") and text.partition("(")[0].isidentifier())
        return text if simple or place == "alone" else f"({text})"


def _as_it_is(head: str, args: tuple[Any, ...]) -> Any:
    return node(head_named(head), args)


_POWER = re.compile(r"\^(?![0-9(-])")


def formula(value: Any) -> str:
    """Return a value as text; a power whose exponent is a name is written ``**``, as ``^`` with a name is a loop."""
    if isinstance(value, Node):  # a program where a value should be is written in brackets
        found = bottom_up(_in_brackets, make=lambda like, *call: _as_it_is(*call), prune=is_program)(value)
        value = value if found is None else found
    return _POWER.sub("**", core_text(value))


def _in_brackets(term: Any) -> Any | None:
    return variable(f"({to_text(term)})") if is_program(term) else None


def _written(location: Any) -> str:
    return "" if location is MAIN else _named(location)


def _named(name: Any) -> str:
    """Return the name of a location or label, in quotes where it would not be read as one."""
    return name.leaf[1] if is_plain(name.leaf[1]) or name is DONE else f"'{name.leaf[1]}'"


def is_plain(name: str) -> bool:
    """Tell whether a name is read as it stands."""
    return _NAME.fullmatch(name) is not None and name not in _WORDS


_NAME = re.compile(r"[^\W\d]\w*'*|[#$•⊤⊥]")
_WORDS = frozenset({"_", "and", "or", "not", "true", "false"})
