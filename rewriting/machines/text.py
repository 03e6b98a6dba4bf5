"""Text of programs: tokens in Unicode and ASCII spellings, and a reader that says what it expected, where.

Both calculi are read with the same tokens: names, numbers and signs.  A calculus gives the table of its signs, each spelling with the
one that the parser sees.  A comment runs from ``--`` to the end of the line.

>>> reader = Reader("a<x>", SIGNS)
>>> [token.text for token in reader.tokens]
['a', '⟨', 'x', '⟩', '']
>>> reader.take().text, reader.accept("⟨"), reader.expect("⟩", "after the variable of a pop")
Traceback (most recent call last):
    ...
symnum.text.tokens.ParseError: line 1, column 3: 'x' stands where '⟩' or '>' is needed after the variable of a pop
    a<x>
      ^
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn

from symnum.text.tokens import Limits, ParseError

SIGNS: Mapping[str, str] = {
    "⟨": "⟨", "<": "⟨", "⟩": "⟩", ">": "⟩", "[": "[", "]": "]", "(": "(", ")": ")", "{": "{", "}": "}", "|": "|",
    ".": ".", ";": ";", ",": ",", "→": "→", "->": "→", "⇒": "⇒", "=>": "⇒", "⋆": "⋆", "★": "⋆", "*": "*", "+": "+", "-": "-",
    "−": "-", "/": "/", "^": "^", "=": "=", "==": "==", "!=": "!=", "≠": "!=", "<=": "<=", "≤": "<=", ">=": ">=", "≥": ">=",
    "∃": "∃", "†": "†", ":": ":", ":=": ":=", "⊕": "⊕", "≐": "≐",
}  # fmt: skip
"""Spellings of signs and the sign that each stands for."""


class Token(NamedTuple):
    """A piece of a program: ``kind`` is "name", "number", "sign" or "end"; ``line`` and ``column`` count from 1."""

    kind: str
    text: str
    offset: int
    line: int
    column: int


class Reader:
    """Hold the tokens of a program and a place among them.

    ``signs`` maps spellings to signs; a spelling made of letters, such as "exists", makes a sign of that word.
    ``limits`` bound the length of the text and the nesting that a parser should accept.
    """

    def __init__(self, text: str, signs: Mapping[str, str] = SIGNS, limits: Limits | None = None) -> None:
        if not isinstance(text, str):
            raise TypeError(
                f"a program is a text, but got {text!r} of type {type(text).__name__}; write it in quotes"
            )
        self.text = text
        self.signs = signs
        self.limits = limits or Limits()
        if len(text) > self.limits.max_length:
            raise ParseError(
                f"the program has {len(text):,} characters, and the limit is {self.limits.max_length:,}; "
                f"pass Limits(max_length=...)",
                text,
                self.limits.max_length,
            )
        self.tokens = _tokens(text, signs)
        self.place = 0

    @property
    def token(self) -> Token:
        """Return the token that comes next; the last is of kind "end"."""
        return self.tokens[self.place]

    def ahead(self, count: int) -> Token:
        """Return the token ``count`` places after the next."""
        return self.tokens[min(self.place + count, len(self.tokens) - 1)]

    def is_at(self, *signs: str) -> bool:
        """Tell whether the next token is one of these signs."""
        return self.token.kind == "sign" and self.token.text in signs

    def take(self) -> Token:
        """Return the next token and pass it."""
        taken = self.token
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return taken

    def accept(self, *signs: str) -> Token | None:
        """Pass the next token and return it if it is one of these signs, or else return None."""
        return self.take() if self.is_at(*signs) else None

    def expect(self, sign: str, where: str) -> Token:
        """Pass the sign that must come next; raises ParseError that says where it is needed."""
        if not self.is_at(sign):
            self.refuse(f"{self.spelled(sign)} is needed {where}")
        return self.take()

    def name(self, what: str) -> Token:
        """Pass the name that must come next; ``what`` says of what it is the name."""
        if self.token.kind != "name":
            self.refuse(f"{what} is needed")
        return self.take()

    def spelled(self, sign: str) -> str:
        """Return how a sign is written, each spelling in quotes."""
        spellings = [s for s, meant in self.signs.items() if meant == sign] or [sign]
        return " or ".join(repr(s) for s in spellings)

    def refuse(self, expected: str, token: Token | None = None) -> NoReturn:
        """Raise ParseError at a token: ``expected`` says what would be right there."""
        at = token or self.token
        found = "the program ends" if at.kind == "end" else f"{self.written(at)!r} stands"
        raise ParseError(f"{found} where {expected}", self.text, at.offset)

    def written(self, token: Token) -> str:
        """Return a token as the user spelled it."""
        if token.kind != "sign":
            return token.text
        here = [
            s
            for s, sign in self.signs.items()
            if sign == token.text and self.text.startswith(s, token.offset)
        ]
        return max(here, key=len, default=token.text)


_SPACE = re.compile(r"(?:\s+|--[^\n]*)+")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NAME = re.compile(r"[^\W\d]\w*'*|[#$•⊤⊥]|'[^'\n]+'")


def _tokens(text: str, signs: Mapping[str, str]) -> list[Token]:
    found: list[Token] = []
    by_length = sorted(signs, key=len, reverse=True)
    by_first: dict[str, list[str]] = {}
    for spelling in by_length:
        if not spelling[0].isalpha() or (len(spelling) == 1 and not spelling.isascii()):
            by_first.setdefault(spelling[0], []).append(spelling)
    offset, line, start = 0, 1, 0

    def add(kind: str, spelled: str) -> None:
        found.append(Token(kind, spelled, offset, line, offset - start + 1))

    while offset < len(text):
        space = _SPACE.match(text, offset)
        if space is not None:
            newlines = space.group().count("\n")
            if newlines:
                line, start = line + newlines, text.rindex("\n", 0, space.end()) + 1
            offset = space.end()
            continue
        sign = next((s for s in by_first.get(text[offset], ()) if text.startswith(s, offset)), None)
        if sign is not None:
            add("sign", signs[sign])
            offset += len(sign)
            continue
        match = _NUMBER.match(text, offset)
        kind = "number"
        if match is None:
            match, kind = _NAME.match(text, offset), "name"
        if match is None:
            raise ParseError(
                f"{text[offset]!r} is not part of the language; write names, numbers and {_list(signs)}",
                text,
                offset,
            )
        word = match.group()
        if kind == "name" and word in signs:
            add("sign", signs[word])
        else:
            add(kind, word)
        offset = match.end()
    add("end", "")
    return found


def _list(signs: Iterable[str]) -> str:
    return " ".join(signs)
