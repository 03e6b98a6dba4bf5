"""Text of Horn clauses, as Prolog writes them, to clauses; a term is read with explicit stacks, so that it may be nested deep.

The subset: facts and rules that end in a full stop; atoms, also quoted; variables; integers (also ``0'a``); lists with ``|``; the
operators of :data:`INFIX` and :data:`PREFIX`; comments with ``%`` and ``/* */``.  Floats, strings and ``{}`` are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from symnum.text.tokens import Limits, ParseError

INFIX: dict[str, tuple[int, int, int]] = {
    ":-": (1200, 1199, 1199), ";": (1100, 1099, 1100), "->": (1050, 1049, 1050), ",": (1000, 999, 1000),
    **{name: (700, 699, 699) for name in ("=", "\\=", "==", "\\==", "is", "=:=", "=\\=", "<", "=<", ">", ">=", "=..")},
    **{name: (700, 699, 699) for name in ("@<", "@>", "@=<", "@>=")},
    "+": (500, 500, 499), "-": (500, 500, 499),
    **{name: (400, 400, 399) for name in ("*", "/", "//", "mod", "rem", "div", "<<", ">>")},
    "**": (200, 199, 199), "^": (200, 199, 200),
}  # fmt: skip
"""Infix operators: their priority, and the highest priorities of their left and right arguments (ISO 13211-1, table 7)."""

PREFIX: dict[str, tuple[int, int]] = {
    ":-": (1200, 1199),
    "\\+": (900, 900),
    "-": (200, 200),
    "+": (200, 200),
    "\\": (200, 200),
}
"""Prefix operators: their priority, and the highest priority of their argument."""

_ARGUMENT = 999

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|%[^\n]*|/\*.*?\*/)+)
      | (?P<integer>0'(?:\\.|''|[^\\\n])|[0-9]+)
      | (?P<variable>[A-Z_]\w*)
      | (?P<name>[^\W\d_]\w*|!|;|,|\|(?!\|))
      | (?P<quoted>'(?:[^'\\\n]|''|\\.)*')
      | (?P<bracket>\[\s*\]|[()\[\]])
      | (?P<end>\.(?=\s|%|$))
      | (?P<symbols>[-+*/\\^<>=~:.?@\#&$]+)""",
    re.VERBOSE | re.DOTALL,
)

_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "\\": "\\",
    "'": "'",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "r": "\r",
    "0": "\0",
    "`": "`",
    '"': '"',
}


class Token(NamedTuple):
    """A piece of a text: ``kind`` is "integer", "variable", "name", "quoted", "bracket", "end" (a full stop) or "eof"."""

    kind: str
    text: str
    offset: int
    spaced: bool


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A term as it is written: ``kind`` is "variable", "integer" or "call", an atom being a call of no arguments."""

    kind: str
    name: str
    offset: int
    arguments: tuple[Term, ...] = ()

    @property
    def indicator(self) -> str:
        """Name and number of arguments, as in append/3."""
        return f"{self.name}/{len(self.arguments)}"


@dataclass(frozen=True, slots=True)
class Clause:
    """``head :- goals``."""

    head: Term
    goals: tuple[Term, ...]


def clauses(text: str, limits: Limits | None = None) -> list[Clause]:
    """Read a program; raises ParseError, a ValueError that shows line, column and what is wrong.

    >>> [clause.head.indicator for clause in clauses("app([],Y,Y). app([H|T],Y,[H|Z]) :- app(T,Y,Z).")]
    ['app/3', 'app/3']
    """
    reader = _Reader(text, limits or Limits())
    found = []
    while reader.token.kind != "eof":
        term = reader.term()
        reader.full_stop(term)
        found.append(_clause(reader, term))
    return found


def goals(text: str, limits: Limits | None = None) -> tuple[Term, ...]:
    """Read a query, with or without ``?-`` and its full stop."""
    reader = _Reader(text, limits or Limits())
    if reader.token.text == "?-":
        reader.take()
    if reader.token.kind == "eof":
        reader.refuse("a query has at least one goal, as in append(X, Y, [1])")
    term = reader.term()
    if reader.token.kind == "end":
        reader.take()
    if reader.token.kind != "eof":
        reader.refuse("a query is one clause body; nothing may follow its full stop")
    return tuple(_conjunction(reader, term))


def _clause(reader: _Reader, term: Term) -> Clause:
    body: tuple[Term, ...] = ()
    if term.indicator == ":-/1":
        reader.refuse("directives are not run; leave the line out", term.offset)
    if term.indicator == ":-/2":
        term, written = term.arguments
        body = tuple(_conjunction(reader, written))
    if term.kind != "call":
        reader.refuse(
            f"a clause is about a predicate, and {term.name} is a{'n integer' if term.kind == 'integer' else ' variable'}",
            term.offset,
        )
    return Clause(term, body)


def _conjunction(reader: _Reader, term: Term) -> Iterator[Term]:
    """Yield the goals of a body from left to right."""
    stack = [term]
    while stack:
        goal = stack.pop()
        if goal.indicator == ",/2":
            stack.extend(reversed(goal.arguments))
        elif goal.kind != "call":
            reader.refuse(
                f"a goal is a call of a predicate, and {goal.name} is not known to be one; call/1 is outside of Horn clauses",
                goal.offset,
            )
        else:
            yield goal


class _Frame:
    """An open bracket, or the whole text: operands and operators so far, and the arguments that are complete."""

    __slots__ = ("complete", "has_tail", "kind", "name", "operands", "operators", "token")

    def __init__(self, kind: str, token: Token, name: str = "") -> None:
        self.kind, self.token, self.name = kind, token, name
        self.operands: list[tuple[Term, int]] = []
        self.operators: list[tuple[Token, int, int, int | None]] = []
        self.complete: list[Term] = []
        self.has_tail = False

    @property
    def most(self) -> int:
        """The highest priority of a term that may stand here."""
        return _ARGUMENT if self.kind in ("arguments", "list") else 1200


class _Reader:
    def __init__(self, text: str, limits: Limits) -> None:
        if not isinstance(text, str):
            raise TypeError(
                f"a program is a text, but got {text!r} of type {type(text).__name__}; write it in quotes"
            )
        self.text, self.limits = text, limits
        if len(text) > limits.max_length:
            raise ParseError(
                f"the text has {len(text):,} characters, and the limit is {limits.max_length:,}",
                text,
                limits.max_length,
            )
        self.tokens = list(self._tokens())
        self.place = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    @property
    def following(self) -> Token:
        return self.tokens[min(self.place + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def refuse(self, problem: str, offset: int | None = None) -> NoReturn:
        raise ParseError(problem, self.text, self.token.offset if offset is None else offset)

    def full_stop(self, term: Term) -> None:
        if self.token.kind != "end":
            self.refuse("a clause ends in a full stop '.', followed by a blank or a new line")
        self.take()

    def _tokens(self) -> Iterator[Token]:
        text, offset, spaced = self.text, 0, False
        while offset < len(text):
            match = _TOKEN.match(text, offset)
            if match is None:
                raise ParseError(self._strange(offset), text, offset)
            kind, found = match.lastgroup or "", match.group()
            if kind == "space":
                spaced = True
            else:
                if kind == "symbols" and found.startswith("/*"):
                    raise ParseError("the comment that begins here does not end; write */", text, offset)
                if kind == "integer" and re.match(r"\.[0-9]", text[match.end() : match.end() + 2]):
                    raise ParseError(
                        "numbers are integers here; scale, or write a quotient of integers", text, offset
                    )
                if kind == "integer" and len(found) > self.limits.max_digits:
                    raise ParseError(
                        f"an integer of {len(found):,} digits; the limit is {self.limits.max_digits:,}",
                        text,
                        offset,
                    )
                yield Token("name" if kind == "symbols" else kind, found, offset, spaced)
                spaced = False
            offset = match.end()
        yield Token("eof", "", len(text), spaced)

    def _strange(self, offset: int) -> str:
        found = self.text[offset]
        advice = {
            '"': "strings are not read; write an atom 'in single quotes' or a list",
            "'": "the quoted atom that begins here does not end on its line; write ' at its end",
            "{": "curly brackets are not read; write a list or a call",
            "}": "curly brackets are not read; write a list or a call",
            "|": "write ; between alternatives, or [H|T] for a list",
        }
        return advice.get(found, f"{found!r} is not part of the language")

    # --- terms ----------------------------------------------------------------------------------------------------------------

    def term(self) -> Term:
        """Read a term up to what cannot belong to it."""
        frames = [_Frame("text", self.token)]
        while True:
            if not self._operand(frames):
                continue
            while True:
                frame, token = frames[-1], self.token
                if token.kind == "bracket" and token.text in (")", "]") and len(frames) > 1:
                    if (token.text == "]") != (frame.kind == "list"):
                        self.refuse(
                            f"{token.text!r} stands where {self._closing(frame)} is needed, {self._opened(frame)}"
                        )
                    self.take()
                    frames.pop()
                    frames[-1].operands.append((self._closed(frame), 0))
                    continue
                if frame.most == _ARGUMENT and token.text == "," and token.kind == "name":
                    if frame.has_tail:
                        self.refuse("nothing follows the tail of a list but ']'")
                    self.take()
                    frame.complete.append(self._reduced(frame))
                    break
                if token.text == "|" and token.kind == "name":
                    if frame.kind != "list" or frame.has_tail:
                        self.refuse("'|' stands only before the tail of a list, as in [H|T]")
                    self.take()
                    frame.complete.append(self._reduced(frame))
                    frame.has_tail = True
                    break
                if token.kind == "name" and token.text in INFIX:
                    self._infix(frame)
                    break
                if len(frames) == 1:
                    if token.kind in ("end", "eof"):
                        return self._reduced(frame)
                    self.refuse(
                        f"{token.text!r} follows a complete term; an operator, or a full stop '.', is missing before it"
                    )
                if token.kind in ("end", "eof"):
                    self.refuse(
                        f"the {'clause' if token.kind == 'end' else 'text'} ends where {self._closing(frame)} is needed, "
                        f"{self._opened(frame)}"
                    )
                self.refuse(
                    f"{token.text!r} follows a complete term; an operator, or {self._closing(frame)}, is missing before it"
                )

    @staticmethod
    def _closing(frame: _Frame) -> str:
        return "']'" if frame.kind == "list" else "')'"

    def _opened(self, frame: _Frame) -> str:
        line = self.text.count("\n", 0, frame.token.offset) + 1
        column = frame.token.offset - self.text.rfind("\n", 0, frame.token.offset)
        return f"for the bracket opened at line {line}, column {column}"

    def _operand(self, frames: list[_Frame]) -> bool:
        """Read an operand, or what leads to one (a bracket, a prefix operator); tell whether an operand is complete."""
        frame, token = frames[-1], self.take()
        if len(frames) > self.limits.max_depth or len(frame.operators) > self.limits.max_depth:
            self.refuse(
                f"terms are nested deeper than {self.limits.max_depth:,}; pass limits=Limits(max_depth=...)",
                token.offset,
            )
        if token.kind == "variable":
            frame.operands.append((Term("variable", token.text, token.offset), 0))
            return True
        if token.kind == "integer":
            frame.operands.append((Term("integer", self._integer(token.text), token.offset), 0))
            return True
        if token.kind == "bracket":
            if token.text[0] == "[" and token.text[-1] == "]":
                frame.operands.append((Term("call", "[]", token.offset), 0))
                return True
            if token.text in "([":
                frames.append(_Frame("brackets" if token.text == "(" else "list", token))
                return False
        if token.kind == "quoted" or (token.kind == "name" and token.text not in (",", "|")):
            return self._named(frames, token)
        found = "the text ends" if token.kind == "eof" else f"{token.text!r} stands"
        self.refuse(f"{found} where a term is needed", token.offset)

    def _named(self, frames: list[_Frame], token: Token) -> bool:
        frame, after = frames[-1], self.token
        name = self._unquoted(token) if token.kind == "quoted" else token.text
        if after.text == "(" and not after.spaced:
            frames.append(_Frame("arguments", self.take(), name))
            frames[-1].token = token
            return False
        if token.kind == "name" and name == "-" and after.kind == "integer" and not after.spaced:
            self.take()
            frame.operands.append((Term("integer", "-" + self._integer(after.text), token.offset), 0))
            return True
        if token.kind == "name" and name in PREFIX and not self._ends_term(after):
            priority, most = PREFIX[name]
            frame.operators.append((token, priority, most, None))
            return False
        frame.operands.append((Term("call", name, token.offset), 0))
        return True

    def _ends_term(self, token: Token) -> bool:
        """Tell whether an operand cannot begin with a token, so that a prefix operator before it is an atom."""
        if token.kind in ("end", "eof"):
            return True
        if token.kind == "bracket":
            return token.text in (")", "]")
        if token.kind != "name":
            return False
        return token.text in (",", "|") or (
            token.text in INFIX and token.text not in PREFIX and self.following.text != "("
        )

    def _infix(self, frame: _Frame) -> None:
        token = self.take()
        priority, left, right = INFIX[token.text]
        while frame.operators and frame.operators[-1][1] <= left:
            self._reduce(frame)
        if frame.operands[-1][1] > left:
            self._clash(token)
        frame.operators.append((token, priority, right, left))

    def _reduced(self, frame: _Frame) -> Term:
        """Return the one term of what was read in a frame."""
        while frame.operators:
            self._reduce(frame)
        term, priority = frame.operands.pop()
        if priority > frame.most:
            self._clash_at(term)
        return term

    def _reduce(self, frame: _Frame) -> None:
        token, priority, most, left = frame.operators.pop()
        right, its_priority = frame.operands.pop()
        if its_priority > most:
            self._clash(token)
        arguments: tuple[Term, ...] = (right,)
        if left is not None:
            arguments = (frame.operands.pop()[0], right)
        frame.operands.append((Term("call", token.text, token.offset, arguments), priority))

    def _clash(self, token: Token) -> NoReturn:
        self.refuse(
            f"the operators around {token.text!r} bind equally or the wrong way; put brackets round one argument",
            token.offset,
        )

    def _clash_at(self, term: Term) -> NoReturn:
        self.refuse(f"{term.name!r} binds weaker than ',' here; put brackets round it", term.offset)

    def _closed(self, frame: _Frame) -> Term:
        """Return the term that a bracket makes."""
        last = self._reduced(frame)
        offset = frame.token.offset
        if frame.kind == "brackets":
            return last
        if frame.kind == "arguments":
            return Term("call", frame.name, offset, (*frame.complete, last))
        items, tail = [*frame.complete, last], Term("call", "[]", offset)
        if frame.has_tail:
            tail = items.pop()
        for item in reversed(items):
            tail = Term("call", "[|]", item.offset, (item, tail))
        return tail

    def _unquoted(self, token: Token) -> str:
        def unescaped(match: re.Match[str]) -> str:
            found = match.group()
            if found == "''":
                return "'"
            if found[1] not in _ESCAPES:
                self.refuse(
                    f"{found!r} is no escape that is read; write the character itself",
                    token.offset + 1 + match.start(),
                )
            return _ESCAPES[found[1]]

        return re.sub(r"\\.|''", unescaped, token.text[1:-1], flags=re.DOTALL)

    def _integer(self, text: str) -> str:
        if text.startswith("0'"):
            found = text[2:]
            return str(ord(_ESCAPES.get(found[1], found[1]) if len(found) == 2 else found))
        return text
