"""Text to tokens, and the error that shows where a text is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what :func:`symnum.parse` accepts, so that a hostile text costs little time and memory.

    ``max_length`` counts characters, ``max_depth`` nested brackets, ``max_digits`` the digits of one number, and
    ``max_exact_bits`` all the long exact numbers (over 256 bits) that are met while products and powers of numbers are worked out.
    """

    max_length: int = 10_000_000
    max_depth: int = 20_000
    max_digits: int = 50_000
    max_exact_bits: int = 1 << 24


class ParseError(ValueError):
    """Say what is wrong in a formula, where, and what to write instead.

    ``line`` and ``column`` count from 1; ``text`` is the whole formula and ``problem`` the message without the excerpt.

    >>> import symnum as sn
    >>> sn.parse("2*x + 3y")
    Traceback (most recent call last):
        ...
    symnum.text.tokens.ParseError: line 1, column 8: there is no operator between 3 and y; write 3*y
        2*x + 3y
               ^
    """

    def __init__(self, problem: str, text: str, offset: int) -> None:
        super().__init__(problem, text, offset)
        self.problem = problem
        self.text = text
        self.line = text.count("\n", 0, offset) + 1
        self.column = offset - (text.rfind("\n", 0, offset) + 1) + 1

    def __str__(self) -> str:
        excerpt, caret = self._excerpt()
        return f"line {self.line}, column {self.column}: {self.problem}\n    {excerpt}\n    {' ' * caret}^"

    def _excerpt(self, width: int = 60) -> tuple[str, int]:
        """Return the part of the line around the place, and where the place is in it."""
        offset = self.args[2]
        start = offset - self.column + 1
        end = self.text.find("\n", offset)
        end = len(self.text) if end < 0 else end
        first, last = max(start, offset - width), min(end, offset + width)
        shown = "".join(c if c.isprintable() else " " for c in self.text[first:last])
        left, right = "..." if first > start else "", "..." if last < end else ""
        return left + shown + right, offset - first + len(left)


class Token(NamedTuple):
    """A piece of a formula: ``kind`` is "number", "name", "section" (an operator in brackets), "sign" or "end"."""

    kind: str
    text: str
    offset: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<section>\(\s*(?:\*\*|<=|>=|==|!=|[-+*/^<>]|and\b|or\b)\s*\)(?=\s*\())
      | (?P<sign>:=|::|\*\*|<=|>=|==|!=|[-+*/^%()<>,;&|~·−])""",
    re.VERBOSE,
)

_SPELLING = {"**": "^", "%": "mod", "&": "and", "|": "or", "~": "not", "·": "*", "−": "-"}
_WORDS = frozenset({"and", "or", "not"})

GREEK = frozenset("αβγδεζηθικλμνξπρστυφχψωςϑϕϵϱϖΓΔΘΛΞΠΣΦΨΩ")
"""Greek letters that names may hold: those that do not look like Latin ones."""

_ADVICE = {
    "=": "write == to compare, or name := value; to define",
    "!": "write != for different, ~ or not for a negation, gamma(n + 1) for a factorial",
    ".": "terms have no attributes; a number needs a digit at the point, as in 0.5",
    "[": "write round brackets ( )",
    "]": "write round brackets ( )",
    "{": "write round brackets ( )",
    "}": "write round brackets ( )",
    "?": "write ifelse(condition, a, b)",
    ":": "write name := value; to define, or x::positive to declare",
    "'": "a formula holds no quoted text; write the name alone",
    '"': "a formula holds no quoted text; write the name alone",
    "\\": "LaTeX is not read; write sin(x), sqrt(x), x/y",
    "×": "write *",
    "÷": "write /",
    "²": "write ^2",
    "³": "write ^3",
    "√": "write sqrt(x)",
    "∞": "write inf",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "–": "write -",
    "—": "write -",
    "∧": "write and",
    "∨": "write or",
    "¬": "write not",
}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a formula, operators by their names in the operator table; the last is of kind "end".

    >>> [t.text for t in tokens("x**2 % 3")]
    ['x', '^', '2', 'mod', '3', '']
    """
    position, end = 0, len(text)
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            refuse_character(text, position)
        kind = found.lastgroup or ""
        if kind != "space":
            word = found.group()
            if kind == "section":
                word = word[1:-1].strip()
            elif kind == "name" and word in _WORDS:
                kind = "sign"
            yield Token(kind, _SPELLING.get(word, word), position)
        position = found.end()
    yield Token("end", "", end)


def refuse_character(text: str, offset: int) -> NoReturn:
    """Raise the error for a character that is not part of the language."""
    character = text[offset]
    advice = _ADVICE.get(character)
    if advice is None:
        advice = "write operators as + - * / ^, and names with letters, digits and _"
    shown = repr(character) if character.isprintable() else f"U+{ord(character):04X}"
    raise ParseError(f"{shown} is not part of the formula language; {advice}", text, offset)


def check_letters(text: str, name: Token) -> None:
    """Raise ParseError for a name with letters other than ASCII and Greek, which could be mistaken for those."""
    if name.text.isascii():
        return
    for i, letter in enumerate(name.text):
        if not letter.isascii() and letter not in GREEK:
            advice = _ADVICE.get(letter)
            if advice is None:
                advice = "write ASCII or Greek letters, or bind the name: parse(text, symbols={name: symbol})"
            raise ParseError(
                f"{letter!r} (U+{ord(letter):04X}) cannot be part of a name; {advice}", text, name.offset + i
            )
