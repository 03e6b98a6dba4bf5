"""Text to programs of the relational machine calculus; depth is bounded by ``Limits`` and not by Python's stack.

    sum      =  sequence + sequence + ...
    sequence =  step; step; ...
    step     =  skip | 0 | [value]location | location<value> | value == value | (sum) | new names. sum | step* | step^
    value    =  name | name(value, ...) | number | Unknown | ?unknown | {formula of symnum} | _

In Unicode: ⋆, ⟨value⟩, ∃, ≐, † for the dual.  The location λ may be left out.  ``new x y. M`` reaches as far to the right as it can.
A name is bound by the ``new`` around it; else one that begins with a capital or ``_`` is an unknown of the whole program, and any
other a constant.  Other names are quoted, as in 'Z'.  ``_`` alone is an unknown that nothing else uses.  A comment runs from ``--``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting.machines.nodes import Node, atom, call, hint, index, variable
from symnum.rewriting.machines.rmc.syntax import (
    MAIN,
    NEW,
    POP,
    PUSH,
    SEQ,
    STAR,
    SUM,
    TEST,
    constant,
    skip,
    zero,
)
from symnum.rewriting.machines.text import Reader, Token
from symnum.text.tokens import Limits, ParseError

SIGNS = {
    "⟨": "⟨", "<": "⟨", "⟩": "⟩", ">": "⟩", "[": "[", "]": "]", "(": "(", ")": ")", "{": "{", "}": "}", "?": "?",
    ".": ".", ";": ";", ",": ",", "⋆": "⋆", "★": "⋆", "skip": "⋆", "*": "*", "+": "+", "-": "-", "−": "-", "/": "/",
    "∃": "∃", "exists": "∃", "new": "∃", "†": "†", "^": "†", "≐": "≐", "==": "≐",
    "|": "|", "&": "&", "~": "~", ":": ":", "%": "%", "=": "=", "!=": "!=",
}  # fmt: skip
"""Spellings of signs; those of the last row occur in formulas only."""


def parse(text: str, *, limits: Limits | None = None) -> Node:
    """Read a program; raises ParseError, a ValueError that shows line, column and what is needed there.

    >>> parse("∃x y. ⟨x⟩; ⟨y⟩; [x]; [y]")
    ∃x y. ⟨x⟩; ⟨y⟩; [x]; [y]
    >>> parse("([a]; b<f(X, {sin(t)})>)* + skip")
    ([a]; b⟨f(X, {sin(t)})⟩)* + ⋆
    """
    return _Parser(text, limits).program()


def value(text: str, *, limits: Limits | None = None) -> Any:
    """Read one value; raises ParseError where the text is none.

    >>> value("f(X, s(z))")
    f(X, s(z))
    """
    parser = _Parser(text, limits)
    found = parser.value()
    parser.finish("after the value")
    return found


def values(text: str, *, limits: Limits | None = None) -> tuple[Any, ...]:
    """Read any number of values, separated by blanks or commas.

    >>> values("a f(b) 3")
    (a, f(b), 3)
    """
    parser = _Parser(text, limits)
    found = []
    while parser.reader.token.kind != "end":
        found.append(parser.value())
        parser.reader.accept(",")
    return tuple(found)


class _Open:
    """A bracket, or a ``new``, whose program is not read to its end: the choices so far, and the steps of the last one."""

    __slots__ = ("choices", "names", "steps", "token")

    def __init__(self, token: Token | None, names: tuple[str, ...] = ()) -> None:
        self.token, self.names = token, names
        self.choices: list[list[Node]] = []
        self.steps: list[Node] = []

    def take(self, group: list[list[Node]], more_follows: bool) -> None:
        """Add what was read in a bracket, without making a program of it where the bracket makes no difference."""
        if len(group) == 1:
            self.steps.extend(group[0])
        elif self.steps or more_follows:
            self.steps.append(_joined(group))
        else:
            self.choices.extend(group[:-1])
            self.steps = group[-1]

    def end_choice(self) -> None:
        """Begin the next choice."""
        self.choices.append(self.steps)
        self.steps = []


def _joined(choices: list[list[Node]]) -> Node:
    return call(SUM, *[call(SEQ, *steps) for steps in choices])


class _Parser:
    def __init__(self, text: str, limits: Limits | None) -> None:
        self.reader = Reader(text, SIGNS, limits)
        self.depth = 0
        self.levels: dict[str, list[int]] = {}
        self.blanks: list[str] = []
        self.used: dict[str, Token] = {}

    # --- programs -----------------------------------------------------------------------------------------------------------

    def program(self) -> Node:
        """Read the whole text as a program."""
        reader = self.reader
        open_frames = [_Open(None)]
        while True:
            if reader.is_at("("):
                open_frames.append(_Open(reader.take()))
                self._check_nesting(len(open_frames))
                continue
            if reader.is_at("∃"):
                open_frames.append(self._binder())
                self._check_nesting(len(open_frames))
                continue
            group = [[self._step()]]
            while True:
                if reader.is_at("*", "†"):
                    group = [[self._repeated(_joined(group))]]
                open_frames[-1].take(group, reader.is_at(";"))
                if reader.accept(";"):
                    break
                open_frames[-1].end_choice()
                if reader.accept("+"):
                    break
                while open_frames[-1].names:
                    bound = self._bound(open_frames.pop())
                    open_frames[-1].steps.append(bound)
                    open_frames[-1].end_choice()
                frame = open_frames[-1]
                if frame.token is None:
                    self.finish("after a step: ';', '+' or the end")
                    return _joined(frame.choices)
                if not reader.accept(")"):
                    reader.refuse(
                        f"';', '+' or ')' is needed, for the bracket opened at line {frame.token.line}, column {frame.token.column}"
                    )
                open_frames.pop()
                group = frame.choices

    def finish(self, where: str) -> None:
        """Raise ParseError unless the text is at its end."""
        if self.reader.token.kind != "end":
            self.reader.refuse(f"nothing more is expected {where}")

    def _check_nesting(self, depth: int) -> None:
        if depth > self.reader.limits.max_depth:
            self.reader.refuse(
                f"programs are nested deeper than {depth - 1:,}; pass limits=Limits(max_depth=...)"
            )

    def _binder(self) -> _Open:
        reader = self.reader
        token = reader.take()
        names = [reader.name("the name of an unknown after 'new'").text]
        while not reader.accept("."):
            reader.accept(",")
            names.append(reader.name("another name, or the '.' that ends the names of 'new',").text)
        for name in names:
            self.levels.setdefault(name, []).append(self.depth)
            self.depth += 1
        return _Open(token, tuple(names))

    def _bound(self, frame: _Open) -> Node:
        body = _joined(frame.choices)
        for name in reversed(frame.names):
            body = call(NEW, hint(name), body)
            self.levels[name].pop()
            self.depth -= 1
        name = frame.names[0]
        if (
            len(frame.names) == 1
            and len(name) > 1
            and name not in self.used
            and set(name) <= self.used.keys()
        ):
            assert frame.token is not None
            self.reader.refuse(
                f"one unknown {name!r} is made, which nothing uses, while {', '.join(name)} are used; separate the names: "
                f"'new {' '.join(name)}.'",
                frame.token,
            )
        return body

    def _repeated(self, step: Node) -> Node:
        from symnum.rewriting.machines.rmc.duality import dual

        while mark := self.reader.accept("*", "†"):
            step = call(STAR, step) if mark.text == "*" else dual(step)
        return step

    def _step(self) -> Node:
        reader = self.reader
        if reader.accept("⋆"):
            return skip
        if reader.accept("["):
            pushed = self.value()
            reader.expect("]", "after the value of a push")
            where = self._name() if reader.token.kind == "name" else MAIN
            return self._closed(call(PUSH, pushed, atom(where)))
        if reader.is_at("⟨") or (reader.token.kind == "name" and reader.ahead(1).text == "⟨"):
            where = MAIN if reader.is_at("⟨") else self._name()
            reader.take()
            popped = self.value()
            reader.expect("⟩", "after the value of a pop")
            return self._closed(call(POP, atom(where), popped))
        if reader.token.text == "0" and not (reader.ahead(1).kind == "sign" and reader.ahead(1).text in "≐/"):
            reader.take()
            return zero
        if reader.token.kind in ("name", "number") or reader.is_at("{", "?", "-"):
            left = self.value()
            reader.expect(
                "≐", "after a value: a test is 'value == value', a push '[value]', a pop 'location<value>'"
            )
            return self._closed(call(TEST, left, self.value()))
        return reader.refuse("a step is needed: [value], <value>, skip, 0, 'new x.', a test or '('")

    def _closed(self, step: Node) -> Node:
        """Bind the unknowns that were written ``_``."""
        if not self.blanks:
            return step
        from symnum.rewriting.machines.rmc.syntax import new

        names, self.blanks = self.blanks, []
        return new(names, step)

    # --- values -------------------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        text = self.reader.take().text
        return text[1:-1] if text[0] == "'" else text

    def value(self) -> Any:
        """Read one value."""
        reader = self.reader
        calls: list[tuple[str, list[Any]]] = []
        while True:
            if reader.token.kind == "name" and reader.ahead(1).text == "(":
                calls.append((self._name(), []))
                self._check_nesting(len(calls))
                opened = reader.take()
                if not reader.is_at(")"):
                    continue
                found = None
            else:
                found = self._leaf()
            while calls:
                name, arguments = calls[-1]
                if found is not None:
                    arguments.append(found)
                    if reader.accept(","):
                        break
                reader.expect(")", f"after the arguments of {name!r}, or ',' before one more")
                calls.pop()
                found = self._call(name, arguments, opened)
            else:
                return found

    def _call(self, name: str, arguments: list[Any], token: Token) -> Any:
        try:
            return call(name, *arguments)
        except (TypeError, ValueError) as problem:
            raise ParseError(str(problem), self.reader.text, token.offset) from None

    def _leaf(self) -> Any:
        reader = self.reader
        token = reader.token
        if reader.accept("?"):
            return variable(reader.name("the name of an unknown after '?'").text)
        if reader.accept("{"):
            return self._formula(token)
        if token.kind == "number" or reader.is_at("-"):
            return self._number()
        if token.kind != "name":
            reader.refuse("a value is needed: a name, a number, f(...), ?X or {formula}")
        quoted = token.text[0] == "'"
        name = self._name()
        if quoted:
            return constant(name)
        if name == "_":
            self.blanks.append(f"_{len(self.blanks)}")
            return variable(self.blanks[-1])
        self.used.setdefault(name, token)
        found = self._unknown(name)
        return constant(name) if found is None else found

    def _unknown(self, name: str) -> Any | None:
        """Return the unknown for which a name stands, or None for a constant."""
        levels = self.levels.get(name)
        if levels:
            return index(self.depth - levels[-1] - 1)
        return variable(name) if name[0].isupper() or name[0] == "_" else None

    def _number(self) -> Any:
        reader = self.reader
        sign = -1 if reader.accept("-") else 1
        token = reader.take()
        if token.kind != "number":
            reader.refuse("a number is needed after '-'", token)
        if not token.text.isdigit():
            return interned.number(sign * float(token.text))
        if reader.accept("/"):
            below = reader.take()
            if not below.text.isdigit() or int(below.text) == 0:
                reader.refuse("a whole number other than 0 is needed after '/'", below)
            return interned.number(sign * Fraction(int(token.text), int(below.text)))
        return interned.number(sign * int(token.text))

    def _formula(self, opened: Token) -> Any:
        """Read a formula of symnum in braces; names that are unknowns here are unknowns there."""
        from symnum.text.parser import parse as parse_formula

        reader = self.reader
        while not reader.is_at("}"):
            if reader.token.kind == "end":
                reader.refuse(
                    f"'}}' is needed, for the brace opened at line {opened.line}, column {opened.column}"
                )
            reader.take()
        start, end = opened.offset + 1, reader.take().offset
        try:
            formula = parse_formula(reader.text[start:end])
        except ParseError as problem:
            raise ParseError(problem.problem, reader.text, start + problem.args[2]) from None
        replacements = {
            symbol: unknown
            for symbol in interface.free_symbols(formula)
            if (unknown := self._unknown(interface.name(symbol))) is not None
        }
        return with_unknowns(formula, replacements.get) if replacements else formula


def with_unknowns(formula: Any, unknown: Callable[[Any], Any | None]) -> Any:
    """Return a term of symnum with some of its symbols replaced by unknowns; calls around them become calls of the calculus.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> with_unknowns(sn.sin(x) + 1, {x: variable("X")}.get)
    +(sin(X), 1)
    """
    done: dict[Any, Any] = {}
    for part in interface.postorder(formula):
        if interface.is_call(part):
            old = interface.sorted_args(part)
            new = [done[interface.key(a)] for a in old]
            same = all(a is b for a, b in zip(old, new))
            done[interface.key(part)] = part if same else call(interface.head(part), *new)
        else:
            found = unknown(part) if interface.is_symbol(part) else None
            done[interface.key(part)] = part if found is None else found
    return done[interface.key(formula)]
