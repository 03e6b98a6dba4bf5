"""Text to programs of the Functional Machine Calculus.

From the loosest to the tightest::

    M;N   M;i→N          sequence and case, to the left: a;i→b;j→c is (a;i→b);j→c
    M.N                  instructions one after another; the variable of a pop is known up to the next ; or closing bracket
    a < b  a == b  ...   formulas over values
    a + b, a*b, -a, a**b, f(a, b)
    M^i                  loop; a power of a number is also written x^2

A name that is bound is a variable; a name that stands before → or after ^ somewhere in the program is a label; every other name is a
symbol.  ``!i`` is the exit with label i, and ``'i'`` the symbol, whatever else the program says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from symnum.backends import interned
from symnum.rewriting.machines.fmc.syntax import (
    DONE_NAME,
    MAIN,
    SKIP,
    case,
    compose,
    exit_with,
    loop,
    pop,
    program,
    push,
    run,
    value_of,
)
from symnum.rewriting.machines.nodes import atom, index, make
from symnum.rewriting.machines.text import SIGNS, Reader, Token
from symnum.text.tokens import Limits, ParseError

_SIGNS: Mapping[str, str] = {
    **SIGNS,
    "**": "**",
    "!": "!",
    "and": "and",
    "or": "or",
    "not": "not",
    "%": "mod",
}

_BINARY = {
    ";": (1, "left"), ".": (2, "right"), "or": (3, "left"), "and": (4, "left"),
    "⟨": (6, "left"), "⟩": (6, "left"), "<=": (6, "left"), ">=": (6, "left"), "==": (6, "left"), "!=": (6, "left"),
    "+": (7, "left"), "-": (7, "left"), "*": (8, "left"), "/": (8, "left"), "mod": (8, "left"), "**": (10, "right"),
}  # fmt: skip
"""Sign -> how tightly it binds, and to which side it leans."""

_PREFIX = {"not": (5, "not"), "-": (9, "neg")}
"""Sign before an operand -> how tightly it binds, and its operator."""

_HEADS = {"⟨": "<", "⟩": ">", "**": "^"}
"""Signs whose operator has another name."""


@dataclass(slots=True)
class _Pop:
    """A pop that still waits for its continuation."""

    location: Any
    name: str


@dataclass(slots=True)
class _Frame:
    """What stands between two brackets: operands, operators that wait, and how much of the scope was known before."""

    opened: Token | None
    close: str
    scope: int
    operands: list[Any] = field(default_factory=list)
    operators: list[tuple[Token, int, Any]] = field(default_factory=list)
    function: str = ""
    given: list[Any] = field(default_factory=list)


def parse(text: str, names: Mapping[str, Any] | None = None, *, limits: Limits | None = None) -> Any:
    """Read a program, in Unicode (``c⟨x⟩.[x]c``) or ASCII (``c<x>.[x]c``); ``names`` gives programs for free names.

    ``⋆`` is also written ``*``; locations follow what is pushed, and λ is left out.  Raises ParseError, a ValueError with line and
    column; TypeError for what is no text.

    >>> from symnum.rewriting.machines import fmc
    >>> fmc.parse("<x>.<y>.[x].[y]")
    ⟨x⟩.⟨y⟩.[x].[y]
    >>> fmc.parse("twice.twice", {"twice": fmc.parse("<f>.[[f].f]")})
    ⟨f⟩.[[f].f].⟨f⟩.[[f].f]
    """
    return _Parser(text, names or {}, limits).program()


class _Parser:
    """Read one program with an explicit stack of brackets, so that depth is no matter."""

    def __init__(self, text: str, names: Mapping[str, Any], limits: Limits | None) -> None:
        self.reader = Reader(text, _SIGNS, limits)
        self.names = names
        self.scope: list[str] = []
        self.bound: dict[str, list[int]] = {}
        self.labels = _labels(self.reader.tokens)
        self.frames = [_Frame(None, "", 0)]

    def program(self) -> Any:
        """Read all of the text as one program."""
        reader = self.reader
        wanted = True
        while True:
            frame = self.frames[-1]
            if wanted:
                wanted = self._operand(frame)
            elif reader.is_at("^"):
                wanted = self._loop_or_power(frame)
            elif reader.token.kind == "sign" and reader.token.text in _BINARY:
                self._operator(frame)
                wanted = True
            elif len(self.frames) == 1 and reader.token.kind == "end":
                return self._close(frame)
            elif len(self.frames) > 1 and reader.is_at(frame.close):
                self._leave()
            elif frame.function and reader.is_at(","):
                frame.given.append(self._value(self._close(frame), reader.take()))
                wanted = True
            else:
                self._refuse_follower(frame)

    # operands

    def _operand(self, frame: _Frame) -> bool:
        """Read one operand, or open a bracket and return True, as an operand is still wanted then."""
        reader = self.reader
        while reader.is_at(*_PREFIX):
            frame.operators.append(
                (reader.token, _PREFIX[reader.token.text][0], _PREFIX[reader.take().text][1])
            )
        token = reader.token
        if token.kind == "sign" and token.text in _OPENING:
            return self._open(_OPENING[token.text])
        if token.text == "⟨" and token.kind == "sign":
            self._pop(MAIN)
            return False
        if token.kind == "number":
            reader.take()
            frame.operands.append(run(_number(token, reader)))
        elif reader.accept("⋆", "*"):
            frame.operands.append(SKIP)
        elif reader.accept("!"):
            frame.operands.append(exit_with(self._label("after '!'")))
        elif token.kind == "name":
            after = [reader.ahead(k) for k in (1, 2, 3)]
            if after[0].text == "⟨" and after[1].kind == "name" and after[2].text == "⟩":
                reader.take()
                self._pop(atom(unquoted(token)))
            elif (
                after[0].text == "("
                and after[0].kind == "sign"
                and after[0].offset == token.offset + len(token.text)
            ):
                reader.take()
                return self._open(")", function=token.text)
            else:
                reader.take()
                frame.operands.append(self._name(token))
        else:
            reader.refuse("an instruction is needed: x, [N], [N]a, ⟨x⟩, a⟨x⟩, ⋆ or a program in brackets")
        return False

    def _open(self, close: str, function: str = "") -> bool:
        opened = self.reader.take()
        if len(self.frames) > self.reader.limits.max_depth:
            raise ParseError(
                f"the brackets are nested more than {self.reader.limits.max_depth:,} deep; pass Limits(max_depth=...)",
                self.reader.text,
                opened.offset,
            )
        self.frames.append(_Frame(opened, close, len(self.scope), function=function))
        return True

    def _pop(self, location: Any) -> None:
        reader = self.reader
        reader.expect("⟨", "to pop")
        if reader.token.text[:1] == "'":
            reader.refuse("the variable of a pop is needed, without quotes")
        name = reader.name("the variable of a pop").text
        reader.expect("⟩", "after the variable of a pop")
        self.frames[-1].operands.append(_Pop(location, name))
        self.bound.setdefault(name, []).append(len(self.scope))
        self.scope.append(name)

    def _name(self, token: Token) -> Any:
        """Return what a name stands for: what is bound, given, a label, or a symbol."""
        name = token.text
        if name[0] == "'":
            return run(interned.symbol(unquoted(token)))
        if name == "_":
            self.reader.refuse("a name is needed, as '_' is never bound", token)
        if self.bound.get(name):
            return run(index(len(self.scope) - 1 - self.bound[name][-1]))
        if name in self.names:
            return program(self.names[name])
        if name in self.labels:
            return exit_with(name)
        if name in _CONSTANTS:
            return run(_CONSTANTS[name])
        return run(interned.symbol(name))

    def _label(self, where: str) -> str:
        reader = self.reader
        if reader.accept("⋆", "*"):
            return DONE_NAME
        if reader.token.kind != "name":
            reader.refuse(f"a label is needed {where}")
        return unquoted(reader.take())

    # operators

    def _loop_or_power(self, frame: _Frame) -> bool:
        """Read ``^``: a power if a number or a bracket follows, so that an operand is wanted, or else a loop with its label."""
        reader = self.reader
        token = reader.take()
        if reader.token.kind == "number" or reader.is_at("(", "-"):
            self._push_operator(frame, token._replace(text="**"), None)
            return True
        label = self._label("after '^'; a power is written with '**'")
        body = frame.operands.pop()
        if isinstance(body, _Pop):  # its continuation ends here, so nothing after the loop knows its variable
            self.bound[self.scope.pop()].pop()
        frame.operands.append(loop(self._finished(body), label))
        return False

    def _operator(self, frame: _Frame) -> None:
        reader = self.reader
        token = reader.take()
        label = None
        if token.text == ";":
            label = DONE_NAME
            if reader.ahead(1).text == "→" and reader.ahead(1).kind == "sign":
                label = self._label("before '→'")
                reader.take()
        self._push_operator(frame, token, label)
        if token.text == ";":
            self._forget(frame)

    def _push_operator(self, frame: _Frame, token: Token, label: str | None) -> None:
        strength, side = _BINARY[token.text]
        while frame.operators and (
            frame.operators[-1][1] > strength or (frame.operators[-1][1] == strength and side == "left")
        ):
            self._reduce(frame)
        frame.operators.append((token, strength, label))

    def _reduce(self, frame: _Frame) -> None:
        """Apply the operator that was read last to its operands."""
        token, strength, label = frame.operators.pop()
        right = frame.operands.pop()
        if (strength, label) in _PREFIX.values():
            frame.operands.append(self._formula(label, [self._value(right, token)], token))
            return
        left = frame.operands.pop()
        if token.text == ";":
            made = case(self._finished(left), label, self._finished(right))
        elif token.text == ".":
            made = self._then(left, self._finished(right))
        else:
            values = [self._value(left, token), self._value(right, token)]
            made = self._formula(_HEADS.get(token.text, token.text), values, token)
        frame.operands.append(made)

    def _then(self, left: Any, right: Any) -> Any:
        return pop(left.location, left.name, right) if isinstance(left, _Pop) else compose(left, right)

    def _finished(self, operand: Any) -> Any:
        """Return an operand as a program: a pop that nothing follows does nothing with what it popped."""
        return pop(operand.location, operand.name, SKIP) if isinstance(operand, _Pop) else operand

    def _value(self, operand: Any, token: Token) -> Any:
        value = None if isinstance(operand, _Pop) else value_of(operand)
        if value is None:
            self.reader.refuse("both sides must be values: numbers, names or formulas", token)
        return value

    def _formula(self, head: str, values: list[Any], token: Token) -> Any:
        try:
            return run(make(head, values))
        except (TypeError, ValueError, ArithmeticError) as error:
            # a wrong number of arguments, a truth value in a sum
            raise ParseError(str(error), self.reader.text, token.offset) from error

    # brackets

    def _close(self, frame: _Frame) -> Any:
        """Return what stands in a frame so far as one program."""
        while frame.operators:
            self._reduce(frame)
        self._forget(frame)
        return self._finished(frame.operands.pop())

    def _forget(self, frame: _Frame) -> None:
        """Leave the scope of the pops of a frame."""
        for name in self.scope[frame.scope :]:
            self.bound[name].pop()
        del self.scope[frame.scope :]

    def _leave(self) -> None:
        """Pass a closing bracket and make what was in it an operand of the frame around."""
        reader = self.reader
        frame = self.frames.pop()
        made = self._close(frame)
        closed = reader.take()
        around = self.frames[-1].operands
        if frame.function:
            assert frame.opened is not None
            values = [*frame.given, self._value(made, closed)]
            around.append(self._formula(frame.function, values, frame.opened))
        elif frame.close == ")":
            around.append(made)
        else:
            follows = reader.token.kind == "name" and reader.token.offset == closed.offset + 1
            around.append(push(made, unquoted(reader.take()) if follows else MAIN))

    def _refuse_follower(self, frame: _Frame) -> NoReturn:
        reader = self.reader
        if reader.token.kind == "end":
            assert frame.opened is not None
            raise ParseError(
                f"this {frame.opened.text!r} is not closed; the program ends where {frame.close!r} is needed",
                reader.text,
                frame.opened.offset,
            )
        if reader.is_at(")", "]") and len(self.frames) == 1:
            reader.refuse("no bracket is open")
        if reader.is_at(")", "]"):
            reader.refuse(f"the bracket to close is {frame.close!r}")
        reader.refuse("'.', ';' or an operator is needed between two instructions")


_OPENING = {"[": "]", "(": ")"}
_CONSTANTS: Mapping[str, Any] = {"true": interned.number(True), "false": interned.number(False)}


def unquoted(name: Token) -> str:
    """Return the name of a token, without its quotes."""
    return name.text[1:-1] if name.text[0] == "'" else name.text


def _labels(tokens: Sequence[Token]) -> set[str]:
    """Return the names that are used as labels: those before → and after ^."""
    return {
        unquoted(name)
        for before, name, after in zip(tokens, tokens[1:], tokens[2:])
        if name.kind == "name"
        and ((after.kind, after.text) == ("sign", "→") or (before.kind, before.text) == ("sign", "^"))
    }


def _number(token: Token, reader: Reader) -> Any:
    """Return the constant of a number: an exact integer, or a float where there is a point or an exponent."""
    if len(token.text) > _DIGITS:
        raise ParseError(
            f"the number has {len(token.text):,} digits, and the limit is {_DIGITS:,}",
            reader.text,
            token.offset,
        )
    return interned.number(int(token.text) if token.text.isdecimal() else float(token.text))


_DIGITS = 4300
"""Most digits of a number: what Python itself reads without being told otherwise."""
