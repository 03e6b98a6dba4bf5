"""Text to terms: a shunting-yard parser, so that depth is bounded by :class:`Limits` and not by Python's stack.

The language, from loosest to tightest: ``or |``, ``and &``, ``not ~``, comparisons (not chained), ``+ -``, ``* / %``, a sign,
``^ **`` (from the right: ``-x^2`` is ``-(x^2)``), calls such as ``atan2(y, x)``.  Constants are ``pi inf nan true false``; whole
numbers are exact, ``0.5`` and ``1e-3`` are floats.  ``k::positive`` or ``n::integer::nonnegative`` declares a symbol where it first
occurs.  ``s := x + y; s^2 + s`` defines names for sub-terms.  An operator in brackets is a function: ``(+)(x, y)`` is ``x + y``.

What is read into the ``tree`` backend is kept as written: ``x + y + z`` is one sum of three terms, ``x - y`` and ``x/y`` are calls of
``-`` and ``/``; a sign before a number, and a quotient of two whole numbers, are part of the number: ``-2``, ``1/3``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NoReturn

from symnum import term as interface
from symnum.exact import exact, from_digits
from symnum.operators import OPERATORS, Operator
from symnum.text.layout import COMPARISONS, INFIX
from symnum.text.mistakes import (
    brief,
    refuse_missing_operand,
    refuse_missing_operator,
    refuse_unknown_function,
)
from symnum.text.names import CONSTANTS, Names
from symnum.text.tokens import Limits as Limits
from symnum.text.tokens import ParseError as ParseError
from symnum.text.tokens import Token, tokens

_RUNS = frozenset({"+", "*", "and", "or"})
_BINDING = {head: OPERATORS[head].precedence for head in INFIX} | {"mod": OPERATORS["*"].precedence}
_PREFIX = {
    "-": OPERATORS["neg"].precedence,
    "+": OPERATORS["neg"].precedence,
    "not": OPERATORS["not"].precedence,
}
_LONG = 256


def parse(
    text: str,
    symbols: Mapping[str, Any] | None = None,
    *,
    backend: str | None = None,
    strict: bool = False,
    limits: Limits | None = None,
) -> Any:
    """Read a formula and return its term.

    ``symbols`` binds names to symbols, terms or numbers; other names become plain real symbols, or are refused if ``strict``.
    ``backend`` is by default that of the bound terms, else "interned".  Nothing in the text is ever executed.
    Raises :class:`ParseError`, a ValueError that shows the place, and TypeError for arguments of a wrong type.

    >>> import symnum as sn
    >>> sn.parse("sin(x)^2 + 1/3*y - 0.5")
    y/3 + sin(x)^2 - 0.5
    >>> parse("rate*t", symbols={"rate": 3})
    3*t
    """
    if not isinstance(text, str):
        raise TypeError(
            f"parse reads a text, but got {text!r} of type {type(text).__name__}; write parse('x + 1')"
        )
    if symbols is not None and not isinstance(symbols, Mapping):
        raise TypeError(
            f"symbols must be a mapping from names to terms, but got {symbols!r}; write symbols={{'x': x}}"
        )
    bounds = limits or Limits()
    if len(text) > bounds.max_length:
        raise ParseError(
            f"the text has {len(text):,} characters, more than the {bounds.max_length:,} allowed; "
            f"split it, or write parse(text, limits=Limits(max_length=...))",
            text,
            bounds.max_length,
        )
    return _Parser(text, symbols or {}, backend, strict, bounds).formula()


class _Operand:
    """A term that has been read, or one that may still grow: a number literal, or a run such as ``a + b``.

    ``literal`` is 1 for a bare number and -1 for a number with a sign before it; ``head`` names the operator of a run.
    """

    __slots__ = ("head", "literal", "offset", "offsets", "terms", "value")

    def __init__(self, value: Any, offset: int, literal: int = 0) -> None:
        self.value, self.offset, self.literal = value, offset, literal
        self.head = ""
        self.terms: list[Any] = []
        self.offsets: list[int] = []


class _Pending:
    """An operator whose right operand is not read yet, or an open bracket (``kind`` "(" or "call")."""

    __slots__ = ("binding", "first", "head", "kind", "offset")

    def __init__(self, kind: str, head: str, binding: int, offset: int, first: int = 0) -> None:
        self.kind, self.head, self.binding, self.offset, self.first = kind, head, binding, offset, first


class _Parser:
    def __init__(
        self, text: str, bound: Mapping[str, Any], backend: str | None, strict: bool, limits: Limits
    ) -> None:
        self.text, self.limits = text, limits
        self.names = Names(text, bound, backend, strict)
        self.make, self.number, self.canonical = self.names.make, self.names.number, self.names.canonical
        self.stream = tokens(text)
        self.token = self.previous = Token("start", "", 0)
        self.following: Token | None = None
        self.operands: list[_Operand] = []
        self.pending: list[_Pending] = []
        self.depth = 0
        self.exact_bits = 0
        self.defining: Token | None = None

    # --- tokens -------------------------------------------------------------------------------------------------------------

    def _advance(self) -> Token:
        self.previous = self.token
        if self.following is not None:
            self.token, self.following = self.following, None
        else:
            self.token = next(self.stream)
        return self.token

    def _peek(self) -> Token:
        if self.following is None:
            self.following = next(self.stream) if self.token.kind != "end" else self.token
        return self.following

    def _refuse(self, problem: str, offset: int) -> NoReturn:
        raise ParseError(problem, self.text, offset)

    # --- the loop -----------------------------------------------------------------------------------------------------------

    def formula(self) -> Any:
        """Read definitions and the formula."""
        if not self.text.strip():
            self._refuse("the text is empty; write a formula such as x + 1", 0)
        self._advance()
        while True:
            self._begin_statement()
            self._statement()
            result = self._term(self.operands.pop())
            if self.defining is None:
                if self.token.text == ";":
                    self._refuse(
                        "only a definition ends with ';'; write name := value; or leave the ';' out",
                        self.token.offset,
                    )
                return result
            if self.token.text != ";":
                self._refuse(
                    "the text ends with a definition; write ';' and the formula after it",
                    self.defining.offset,
                )
            self.names.define(self.defining, result)
            self._advance()

    def _begin_statement(self) -> None:
        name = self.token
        self.defining = None
        if name.kind != "name" or self._peek().text != ":=":
            return
        self.names.check_definable(name)
        self.defining = name
        self._advance()
        self._advance()

    def _statement(self) -> None:
        """Read tokens up to ';' or the end, and leave one operand."""
        while True:
            self._operand()
            while not self._operator():
                if self.token.kind == "end" or self.token.text == ";":
                    self._reduce_all()
                    return

    def _operand(self) -> None:
        """Read signs, opening brackets and one number or name, or an empty argument list."""
        while True:
            token = self.token
            if token.kind == "number":
                self.operands.append(_Operand(self._number(token), token.offset, 1))
                self._advance()
                return
            if token.kind == "name":
                if self._name(token):
                    return
                continue
            if token.text in _PREFIX and token.kind == "sign":
                self._push(_Pending("prefix", token.text, _PREFIX[token.text], token.offset))
                self._advance()
            elif token.kind == "section":
                self._open_call(token)
            elif token.text == "(":
                self._push(_Pending("(", "", -1, token.offset))
                self._advance()
            elif (
                token.text == ")"
                and self.pending
                and self.pending[-1].kind == "call"
                and self.previous.text == "("
            ):
                self._close()
                return
            else:
                if self.pending and self.pending[-1].kind in ("(", "call") and token.kind == "end":
                    self._reduce_all()
                refuse_missing_operand(self.text, self.previous, token)

    def _operator(self) -> bool:
        """Read what follows an operand; return whether another operand must follow."""
        token = self.token
        if token.kind == "sign" and token.text in _BINDING:
            self._infix(token)
            self._advance()
            return True
        if token.text == ")":
            self._close()
            return False
        if token.text == ",":
            self._reduce_all(keep_brackets=True)
            if not self.pending or self.pending[-1].kind != "call":
                self._refuse(
                    "a comma stands only between the arguments of a function, as in atan2(y, x)", token.offset
                )
            self._advance()
            return True
        if token.text == ";" or token.kind == "end":
            return False
        refuse_missing_operator(self.text, self.previous, token)

    def _push(self, entry: _Pending) -> None:
        if entry.kind in ("(", "call"):
            self.depth += 1
        if self.depth > self.limits.max_depth or len(self.pending) > 4 * self.limits.max_depth:
            self._refuse(
                f"the formula is nested deeper than {self.limits.max_depth:,} brackets; "
                f"define parts of it (s := ...; s + 1), or write parse(text, limits=Limits(max_depth=...))",
                entry.offset,
            )
        self.pending.append(entry)

    def _infix(self, token: Token) -> None:
        head, binding = token.text, _BINDING[token.text]
        right_to_left = head == "^" or head in COMPARISONS
        while self.pending:
            top = self.pending[-1]
            if top.binding < binding or (top.binding == binding and right_to_left):
                break
            self._reduce()
        if head in COMPARISONS and self.pending and self.pending[-1].head in COMPARISONS:
            self._refuse_chain(token)
        self._push(_Pending("infix", head, binding, token.offset))

    def _reduce_all(self, keep_brackets: bool = False) -> None:
        while self.pending and self.pending[-1].kind not in ("(", "call"):
            self._reduce()
        if self.pending and not keep_brackets:
            opening = self.pending[-1]
            self._refuse(
                "this bracket is never closed; write ')' where it ends", self.text.find("(", opening.offset)
            )

    def _close(self) -> None:
        """Handle a closing bracket."""
        self._reduce_all(keep_brackets=True)
        if not self.pending:
            self._refuse(
                "this bracket was never opened; leave it out, or write '(' before", self.token.offset
            )
        opening = self.pending.pop()
        self.depth -= 1
        if opening.kind == "call":
            self._finish_call(opening)
        else:
            inner = self.operands.pop()
            self.operands.append(_Operand(self._term(inner), opening.offset))
        self._advance()

    # --- operands -----------------------------------------------------------------------------------------------------------

    def _number(self, token: Token) -> Any:
        if len(token.text) > self.limits.max_digits:
            self._refuse(
                f"number too large: it has {len(token.text):,} digits, more than the {self.limits.max_digits:,} allowed; "
                f"write a power such as 10^5000, or parse(text, limits=Limits(max_digits=...))",
                token.offset,
            )
        if token.text.isdigit():
            return from_digits(token.text)
        value = float(token.text)
        if math.isinf(value):
            self._refuse(
                f"number too large: {brief(token.text)} is beyond the largest float, 1.8e308; write inf if that is meant",
                token.offset,
            )
        return value

    def _name(self, token: Token) -> bool:
        """Read a name; return False when it opens a call, so that an operand must still follow."""
        name, following = token.text, self._peek()
        if (
            following.text == "("
            and following.kind == "sign"
            and name in OPERATORS
            and OPERATORS[name].arity[1] != 0
        ):
            self._open_call(token)
            return False
        if following.text == "(" and following.kind == "sign" and not self.names.known(name):
            refuse_unknown_function(self.text, token)
        self._advance()
        if self.token.text == "::":
            self.operands.append(_Operand(self._declared(token), token.offset))
        elif name in CONSTANTS and name not in self.names.bound:
            self.operands.append(_Operand(CONSTANTS[name], token.offset, int(type(CONSTANTS[name]) is float)))
            if type(CONSTANTS[name]) is bool:
                self.operands[-1].value = self.number(CONSTANTS[name])
        else:
            self.operands.append(_Operand(self.names.value(token, self.token.text), token.offset))
        return True

    def _declared(self, token: Token) -> Any:
        """Read ``::positive`` and so on after a name."""
        words: list[Token] = []
        while self.token.text == "::":
            word = self._advance()
            if word.kind != "name":
                self._refuse(
                    "'::' needs a sort or an assumption; write x::integer or x::positive", word.offset
                )
            words.append(word)
            self._advance()
        return self.names.declare(token, words)

    # --- calls --------------------------------------------------------------------------------------------------------------

    def _open_call(self, token: Token) -> None:
        self._push(_Pending("call", token.text, -1, token.offset, len(self.operands)))
        self._advance()
        self._advance()

    def _finish_call(self, opening: _Pending) -> None:
        arguments = self.operands[opening.first :]
        del self.operands[opening.first :]
        row = OPERATORS[opening.head]
        try:
            row.check_arity(len(arguments))
        except TypeError as problem:
            self._refuse(str(problem), opening.offset)
        terms = [self._term(a) for a in arguments]
        self.operands.append(
            _Operand(
                self._build(row.name, terms, [a.offset for a in arguments], opening.offset), opening.offset
            )
        )

    # --- reduction ----------------------------------------------------------------------------------------------------------

    def _reduce(self) -> None:
        """Apply the last pending operator to its operands."""
        entry = self.pending.pop()
        right = self.operands.pop()
        if entry.kind == "prefix":
            self.operands.append(self._signed(entry, right))
            return
        left = self.operands.pop()
        head = entry.head
        if (
            head == "/"
            and left.literal
            and right.literal == 1
            and type(left.value) is type(right.value) is int
            and right.value != 0
        ):
            self.operands.append(_Operand(self.number(exact(Fraction(left.value, right.value))), left.offset))
            return
        term = self._term(right)
        if head == "-" and self.canonical:
            # One run of additions, so that a long sum of either sign is built at once.
            head, term = "+", self._build("neg", [term], [right.offset], entry.offset)
        if head in _RUNS:
            if left.head != head:
                run = _Operand(None, left.offset)
                run.head, run.terms, run.offsets = head, [self._term(left)], [left.offset]
                left = run
            left.terms.append(term)
            left.offsets.append(right.offset)
            self.operands.append(left)
        else:
            terms, offsets = [self._term(left), term], [left.offset, right.offset]
            self.operands.append(_Operand(self._build(head, terms, offsets, entry.offset), left.offset))

    def _signed(self, entry: _Pending, operand: _Operand) -> _Operand:
        if entry.head == "-" and operand.literal == 1:
            return _Operand(-operand.value, entry.offset, -1)
        term = self._term(operand)
        if entry.head == "+":
            return _Operand(term, entry.offset)
        head = "neg" if entry.head == "-" else "not"
        return _Operand(self._build(head, [term], [operand.offset], entry.offset), entry.offset)

    def _term(self, operand: _Operand) -> Any:
        """Return the finished term of an operand."""
        if operand.head:
            return self._build(operand.head, operand.terms, operand.offsets, operand.offset)
        return self.number(operand.value) if operand.literal else operand.value

    def _build(self, head: str, terms: Sequence[Any], offsets: Sequence[int], offset: int) -> Any:
        if self.canonical:
            for term, place in zip(terms, offsets, strict=True):
                self._weigh(term, place)
        try:
            return self.make(head, terms)
        except (TypeError, ValueError, ArithmeticError) as problem:
            self._refuse(str(problem), _misfit(OPERATORS[head], terms, offsets, offset))

    def _weigh(self, term: Any, offset: int) -> None:
        """Count the long exact numbers that go into canonical sums and products: short texts can make them explode."""
        if interface.is_number(term):
            bits = _bits(interface.value(term))
        else:
            bits = _bits(interface.factors(term)[0]) + _bits(interface.addends(term)[0])
        if bits > _LONG:
            self.exact_bits += bits
            if self.exact_bits > self.limits.max_exact_bits:
                self._refuse(
                    "number too large: the exact numbers worked out for this formula grow too long; "
                    "write floats such as 1e300, or parse(text, limits=Limits(max_exact_bits=...))",
                    offset,
                )

    # --- mistakes -----------------------------------------------------------------------------------------------------------

    def _refuse_chain(self, token: Token) -> NoReturn:
        first = self.pending[-1]
        middle = self.text[self.operands[-1].offset : token.offset].strip()
        left = self.text[self.operands[-2].offset : first.offset].strip()
        if len(left) + len(middle) > 40:
            left, middle = "a", "b"
        self._refuse(
            f"comparisons cannot be chained; write {left} {first.head} {middle} and {middle} {token.text} ...",
            token.offset,
        )


def _bits(value: Any) -> int:
    if type(value) is int:
        return value.bit_length()
    return value.numerator.bit_length() + value.denominator.bit_length() if type(value) is Fraction else 0


def _misfit(row: Operator, terms: Sequence[Any], offsets: Sequence[int], otherwise: int) -> int:
    """Return where the first argument of a wrong sort stands."""
    kinds = row.argument_sorts
    for index, (term, offset) in enumerate(zip(terms, offsets, strict=True)):
        wanted = kinds[min(index, len(kinds) - 1)]
        if wanted != "any" and (interface.sort_of(term) == "boolean") != (wanted == "boolean"):
            return offset
    return otherwise
