"""Read formulas: a tokenizer and an operator-precedence parser with explicit stacks.

Nothing is ever evaluated, and no text can make the parser recurse.  Python's own ``ast`` does not serve here: it refuses more than
200 nested brackets, recurses, and gives ``^`` the wrong precedence.

Grammar, loosest first: ``a or b`` (``|``), ``a and b`` (``&``), ``not a`` (``~``), comparisons, ``+ -``, ``* / %``, unary ``-``, ``^`` or ``**``
(to the right), calls ``f(a, b)``, names, numbers, ``pi inf nan true false``.  ``x::positive`` declares a symbol's sort or assumptions;
``name := part; rest`` names a shared part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from symnum import term as interface
from symnum.exact import from_digits
from symnum.operators import OPERATORS


class ParseError(ValueError):
    """Say where a text is not a formula; ``line`` and ``column`` count from 1."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        self.text, self.position, self.problem = text, position, problem
        self.line = text.count("\n", 0, position) + 1
        start = text.rfind("\n", 0, position) + 1
        self.column = position - start + 1
        end = text.find("\n", position)
        line = text[start : len(text) if end < 0 else end]
        cut = max(0, self.column - 41)
        shown = line[cut : cut + 80].replace("\t", " ")
        super().__init__(f"{problem} (line {self.line}, column {self.column})\n    {shown}\n    {' ' * (self.column - 1 - cut)}^")

    def __reduce__(self) -> tuple[Any, ...]:
        return ParseError, (self.problem, self.text, self.position)


@dataclass(frozen=True, slots=True)
class TextLimits:
    """Bound what a text may ask for: characters, nested brackets and signs, digits of one number."""

    length: int = 10_000_000
    depth: int = 20_000
    digits: int = 50_000


DEFAULT_LIMITS = TextLimits()

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|<=|>=|==|!=|:=|::|[-+*/%^<>(),;=&|~·×−])"  # noqa: RUF001
)
_SAME = {"**": "^", "·": "*", "×": "*", "−": "-", "&": "and", "|": "or", "~": "not", "%": "mod"}  # noqa: RUF001
_BINARY = {"or": 10, "and": 20, "<": 40, "<=": 40, ">": 40, ">=": 40, "==": 40, "!=": 40, "+": 50, "-": 50, "*": 60, "/": 60, "mod": 60, "^": 80}
_PREFIX = {"-": 70, "+": 70, "not": 30}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "inf": float("inf"), "nan": float("nan")}
_CHAINED = ("+", "*", "and", "or")
_DECLARED = ("integer", "boolean", "real", "positive", "negative", "nonnegative", "nonzero")


@dataclass(slots=True)
class _Operand:
    """A parsed part: ``chain`` holds the arguments of an open a + b + c, ``literal`` a bare number."""

    term: Any
    position: int
    literal: Any = None
    chain: list[Any] | None = None
    head: str = ""


@dataclass(slots=True)
class _Pending:
    """An operator or bracket that waits for its right side."""

    kind: str
    head: str
    precedence: int
    position: int
    count: int = 0


def parse(
    text: str,
    symbols: Mapping[str, Any] | None = None,
    *,
    backend: str = "interned",
    strict: bool = False,
    limits: TextLimits = DEFAULT_LIMITS,
) -> Any:
    """Read a formula and return the term.

    ``symbols`` binds names to terms of the same backend; other names become plain real symbols, or are refused when ``strict``.
    Raises ParseError, a ValueError with ``line`` and ``column``, for a text that is no formula or exceeds ``limits``, and TypeError when
    ``text`` is no text.

    >>> parse("sin(x)^2 + 1/3")
    sin(x)^2 + 1/3
    >>> parse("2*(x + 1")
    Traceback (most recent call last):
    ...
    symnum.text.parser.ParseError: this bracket is not closed; add ')' (line 1, column 3)
        2*(x + 1
          ^
    """
    if not isinstance(text, str):
        raise TypeError(f"parse takes a text, but got {text!r} of type {type(text).__name__}; terms need no parsing")
    return _Parser(text, symbols or {}, backend, strict, limits).run()


class _Parser:
    def __init__(self, text: str, symbols: Mapping[str, Any], backend: str, strict: bool, limits: TextLimits) -> None:
        from symnum.symbols import backend_module

        self.text, self.symbols, self.strict, self.limits = text, dict(symbols), strict, limits
        self.backend = backend_module(backend)
        self.operands: list[_Operand] = []
        self.pending: list[_Pending] = []
        self.depth = 0
        self.sorts: dict[str, tuple[str, int]] = {}
        self.parts: dict[str, Any] = {}
        if len(text) > limits.length:
            self.fail(f"the text has {len(text)} characters, more than the limit of {limits.length}; raise it with limits=TextLimits(length=...)", 0)
        for name, bound in self.symbols.items():
            if not interface.is_term(bound):
                raise TypeError(f"symbols[{name!r}] is {bound!r} of type {type(bound).__name__}; give a term or a number")

    def fail(self, problem: str, position: int) -> NoReturn:
        raise ParseError(problem, self.text, position)

    # --- tokens

    def tokens(self) -> list[tuple[str, str, int]]:
        out: list[tuple[str, str, int]] = []
        position, text = 0, self.text
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                self.fail(_foreign_character(text[position]), position)
            kind = match.lastgroup or ""
            if kind == "number" and match.end() < len(text) and (text[match.end()].isalpha() or text[match.end()] in "_."):
                self.fail_number(match, text[match.end()])
            if kind != "space":
                word = match.group()
                out.append((kind, _SAME.get(word, word) if kind == "sign" else word, position))
            position = match.end()
        out.append(("end", "", len(text)))
        return out

    def fail_number(self, match: re.Match[str], after: str) -> NoReturn:
        if after == ".":
            self.fail("a number has one decimal point", match.end())
        word = re.match(r"\w+", self.text[match.end() :])
        self.fail(f"a product is written with *; write {match.group()[:20]}*{word.group()[:20] if word else after}", match.end())

    # --- the machine

    def run(self) -> Any:
        tokens = self.tokens()
        if tokens[0][0] == "end":
            self.fail("the text is empty; write a formula such as x^2 + 1", 0)
        want_operand = True
        index = 0
        while True:
            kind, word, position = tokens[index]
            if want_operand:
                index, want_operand = self.read_operand(tokens, index)
            elif kind == "end":
                return self.finish(position)
            elif word == ";":
                self.end_part(position)
                want_operand = True
                index += 1
            else:
                want_operand = self.read_operator(kind, word, position)
                index += 1

    def read_operand(self, tokens: list[tuple[str, str, int]], index: int) -> tuple[int, bool]:
        """Read one operand, prefix operator or opening bracket; returns the next index and whether an operand is still wanted."""
        kind, word, position = tokens[index]
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        if kind == "number":
            value = self.number(word, position)
            self.operands.append(_Operand(self.backend.number(value), position, literal=value))
            return index + 1, False
        if kind == "name" and word != "not":
            if after == ":=":
                self.begin_part(word, position)
                return index + 2, True
            if after == "(" and word not in self.symbols and word not in self.parts:
                return self.open_call(word, position, tokens[index + 2][1], index)
            return self.read_name(tokens, index), False
        if word == "(":
            self.nest(position)
            self.pending.append(_Pending("(", "", -1, position))
            return index + 1, True
        if word in _PREFIX:
            self.nest(position)
            self.pending.append(_Pending("prefix", word, _PREFIX[word], position))
            return index + 1, True
        if kind == "end":
            where = self.pending[-1].position if self.pending else position
            self.fail("the formula ends where a number, name or bracket is expected", position if not self.pending else max(where, position - 1))
        if word == ")" and self.pending and self.pending[-1].kind == "(":
            self.fail("the brackets are empty; write an expression between them", position)
        self.fail(f"{word!r} stands where a number, name or bracket is expected", position)

    def open_call(self, word: str, position: int, first: str, index: int) -> tuple[int, bool]:
        row = OPERATORS.get(word)
        if row is None or not word.isidentifier() or row.arity == (0, 0):
            self.fail(_unknown_function(word), position)
        self.nest(position)
        self.pending.append(_Pending("call", word, -1, position))
        if first == ")":
            self.fail(f"{word} needs an argument; write {row.signature()}", position)
        return index + 2, True

    def read_operator(self, kind: str, word: str, position: int) -> bool:
        """Read one binary operator, comma or closing bracket; returns whether an operand is wanted next."""
        if word in _BINARY and (kind == "sign" or word in ("and", "or")):
            precedence = _BINARY[word]
            self.reduce_to(precedence + (word == "^"), position, comparing=precedence == 40)
            self.pending.append(_Pending("binary", word, precedence, position))
            return True
        if word == ")":
            self.close(position)
            return False
        if word == ",":
            self.reduce_to(0, position)
            if not self.pending or self.pending[-1].kind != "call":
                self.fail("a comma separates the arguments of a call, but no call is open here", position)
            self.pending[-1].count += 1
            return True
        if word == "=":
            self.fail("'=' does not compare; write == for an equation", position)
        if word == ":=":
            self.fail("only a name can stand before ':='; write name := expression; formula", position)
        if word == "::":
            self.fail("'::' follows a name, as in x::positive", position)
        if kind == "sign":
            self.fail(f"{word!r} cannot follow a complete expression; write and, or, * or another operator before it", position)
        self.fail(f"an operator is missing before {word[:40]!r}; a product is written with *", position)

    def reduce_to(self, precedence: int, position: int, comparing: bool = False) -> None:
        """Apply the waiting operators that bind at least as tightly as ``precedence``."""
        while self.pending and self.pending[-1].precedence >= max(precedence, 0):
            top = self.pending.pop()
            if comparing and top.precedence == 40:
                self.fail("comparisons do not chain; write a < b and b < c", position)
            if top.kind == "prefix":
                self.depth -= 1
                self.apply_prefix(top)
            else:
                self.apply_binary(top)

    def apply_prefix(self, top: _Pending) -> None:
        operand = self.operands.pop()
        if operand.literal is not None and top.head in ("-", "+"):
            value = -operand.literal if top.head == "-" else operand.literal
            self.operands.append(_Operand(self.backend.number(value), top.position, literal=value))
            return
        inner = self.closed(operand)
        if top.head == "+":
            self.operands.append(_Operand(inner, top.position))
            return
        self.operands.append(_Operand(self.make("neg" if top.head == "-" else "not", (inner,), top.position), top.position))

    def apply_binary(self, top: _Pending) -> None:
        right = self.operands.pop()
        left = self.operands.pop()
        head = top.head
        if head in _CHAINED:
            chain = left.chain if left.head == head and left.chain is not None else [self.closed(left)]
            chain.append(self.closed(right))
            self.operands.append(_Operand(None, top.position, chain=chain, head=head))
            return
        if head == "/" and type(left.literal) is int and type(right.literal) is int and right.literal > 0:
            value = Fraction(left.literal, right.literal)
            exact = value.numerator if value.denominator == 1 else value
            self.operands.append(_Operand(self.backend.number(exact), left.position))
            return
        self.operands.append(_Operand(self.make(head, (self.closed(left), self.closed(right)), top.position), top.position))

    def closed(self, operand: _Operand) -> Any:
        """Return the term of an operand, building an open chain."""
        if operand.chain is not None:
            return self.make(operand.head, tuple(operand.chain), operand.position)
        return operand.term

    def close(self, position: int) -> None:
        self.reduce_to(0, position)
        if not self.pending:
            self.fail("this bracket was never opened; remove it or add '(' before", position)
        opened = self.pending.pop()
        if opened.kind == "part":
            self.fail("this bracket was never opened; remove it or add '(' before", position)
        self.depth -= 1
        if opened.kind == "(":
            self.operands.append(_Operand(self.closed(self.operands.pop()), opened.position))
            return
        count = opened.count + 1
        values = [self.closed(o) for o in self.operands[-count:]]
        del self.operands[-count:]
        self.operands.append(_Operand(self.make(opened.head, tuple(values), opened.position), opened.position))

    def make(self, head: str, args: tuple[Any, ...], position: int) -> Any:
        try:
            return self.backend.make(head, args)
        except TypeError as problem:
            self.fail(str(problem), position)

    def nest(self, position: int) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            self.fail(f"brackets and signs are nested more than {self.limits.depth} deep; raise it with limits=TextLimits(depth=...)", position)

    # --- leaves

    def number(self, word: str, position: int) -> Any:
        if len(word) > self.limits.digits:
            self.fail(f"the number is too large: it has {len(word)} digits and the limit is {self.limits.digits}; write it as a power", position)
        if word.isdigit():
            return from_digits(word)
        value = float(word)
        if value == float("inf"):
            self.fail(f"the number {word[:20]} is too large for a float (1.8e308); write it as an integer or a power", position)
        return value

    def read_name(self, tokens: list[tuple[str, str, int]], index: int) -> int:
        """Read a symbol, constant or bound name with its declarations; returns the next index."""
        _, word, position = tokens[index]
        index += 1
        words: list[str] = []
        while tokens[index][1] == "::":
            if tokens[index + 1][1] not in _DECLARED:
                self.fail(f"{tokens[index + 1][1]!r} is no sort or assumption; use {', '.join(_DECLARED)}", tokens[index + 1][2])
            words.append(tokens[index + 1][1])
            index += 2
        self.operands.append(_Operand(self.name(word, words, position), position, literal=self.constant(word, words)))
        return index

    def constant(self, word: str, words: list[str]) -> Any:
        value = None if words or word in self.symbols else _CONSTANTS.get(word)
        return value if isinstance(value, float) else None

    def name(self, word: str, words: list[str], position: int) -> Any:
        if not words and word in self.parts:
            return self.parts[word]
        if not words and word in self.symbols:
            bound = self.symbols[word]
            return self.backend.number(bound) if isinstance(bound, int | float | Fraction) else bound
        if word in _CONSTANTS and not words:
            return self.backend.number(_CONSTANTS[word])
        if word in ("pi", "π"):
            return self.backend.make("pi", ())
        if word in OPERATORS or word in ("and", "or", "mod"):
            row = OPERATORS[word]
            self.fail(f"{word!r} is an operator and needs its arguments; write {row.signature()}", position)
        if word.startswith("__"):
            self.fail(f"{word[:40]!r} cannot name a symbol: names do not begin with two underscores", position)
        if self.strict and not words:
            self.fail(f"the name {word[:40]!r} is not bound; add it to symbols={{{word[:40]!r}: ...}} or leave strict out", position)
        sort = next((w for w in words if w in ("integer", "boolean")), "real")
        known, where = self.sorts.setdefault(word, (sort, position))
        if (known == "boolean") != (sort == "boolean"):
            self.fail(f"the symbol {word[:40]!r} is used as {sort} here and as {known} before (column {where + 1}); give it one sort", position)
        from symnum.symbols import symbol

        assumed = {w: True for w in words if w not in ("integer", "boolean", "real")}
        try:
            return symbol(word, sort, self.backend.__name__.rpartition(".")[2], **assumed)
        except ValueError as problem:
            self.fail(str(problem), position)

    # --- named parts

    def begin_part(self, word: str, position: int) -> None:
        if self.pending or self.operands:
            self.fail("a named part stands at the beginning; write name := expression; formula", position)
        if word in self.parts or word in OPERATORS or word in _CONSTANTS:
            self.fail(f"the name {word!r} is taken; choose another name for the part", position)
        self.pending.append(_Pending("part", word, -1, position))

    def end_part(self, position: int) -> None:
        self.reduce_to(0, position)
        if len(self.pending) != 1 or self.pending[0].kind != "part":
            opened = next((p for p in self.pending if p.kind in ("(", "call")), None)
            if opened is not None:
                self.fail("this bracket is not closed; add ')'", opened.position)
            self.fail("';' ends a named part, but none is open; write name := expression; formula", position)
        self.parts[self.pending.pop().head] = self.closed(self.operands.pop())

    def finish(self, position: int) -> Any:
        self.reduce_to(0, position)
        if self.pending:
            opened = self.pending[-1]
            if opened.kind == "part":
                self.fail(f"the part {opened.head!r} is not followed by a formula; write {opened.head} := ...; formula", position)
            place = opened.position + (len(opened.head) if opened.kind == "call" else 0)
            self.fail("this bracket is not closed; add ')'", place)
        return self.closed(self.operands.pop())


def _foreign_character(character: str) -> str:
    if character in "\"'`":
        return f"{character} begins a text, which has no place in a formula"
    if character == ".":
        return "a point stands inside numbers only; attributes and methods are not part of the language"
    if character in "[]{}":
        return f"{character!r} is not a bracket of the language; use ( and )"
    if character == "!":
        return "'!' is not an operator; write gamma(n + 1) for a factorial and not for a negation"
    return f"the character {character!r} is not part of the language"


def _unknown_function(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, [name for name in OPERATORS if name.isidentifier()], n=1)
    hint = f"did you mean {near[0]}?" if near else f"write {word[:20]}*(...) for a product, or add it with symnum.register_operator"
    return f"there is no function {word[:40]!r}; {hint}"
