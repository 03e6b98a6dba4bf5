"""Text to terms: a shunting-yard parser, so that depth is bounded by :class:`Limits` and not by Python's stack.

The language, from loosest to tightest: ``or |``, ``and &``, ``not ~``, comparisons (not chained), ``+ -``, ``* / %``, a sign,
``^ **`` (from the right: ``-x^2`` is ``-(x^2)``), calls such as ``atan2(y, x)``.  Constants are ``pi inf nan true false``; whole
numbers are exact, ``0.5`` and ``1e-3`` are floats.  ``k::positive`` or ``n::integer::nonnegative`` declares a symbol where it first
occurs.  ``s := x + y; s^2 + s`` defines names for sub-terms.  An operator in brackets is a function: ``(+)(x, y)`` is ``x + y``.

What is read into the ``tree`` backend is kept as written: ``x + y + z`` is one sum of three terms, ``x - y`` and ``x/y`` are calls of
``-`` and ``/``; a sign before a number, and a quotient of two whole numbers, are part of the number: ``-2``, ``1/3``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NoReturn

from symnum import term as interface
from symnum.exact import exact, from_digits
from symnum.operators import OPERATORS, Operator
from symnum.symbols import BACKENDS, backend_module, symbol
from symnum.text.layout import COMPARISONS, INFIX
from symnum.text.tokens import Limits as Limits
from symnum.text.tokens import ParseError as ParseError
from symnum.text.tokens import Token, check_letters, tokens

_CONSTANTS: dict[str, Any] = {"inf": math.inf, "nan": math.nan, "true": True, "false": False}
_RUNS = frozenset({"+", "*", "and", "or"})
_BINDING = {head: OPERATORS[head].precedence for head in INFIX} | {"mod": OPERATORS["*"].precedence}
_PREFIX = {
    "-": OPERATORS["neg"].precedence,
    "+": OPERATORS["neg"].precedence,
    "not": OPERATORS["not"].precedence,
}
_LONG = 256
_OTHER_NAMES = {
    "ln": "log", "lg": "log10", "tg": "tan", "ctg": "cot", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "fabs": "abs", "sgn": "sign", "ceiling": "ceil", "where": "ifelse",
    "Piecewise": "ifelse", "if": "ifelse", "iff": "ifelse", "minimum": "min", "maximum": "max", "fmod": "mod", "loggamma": "lgamma",
}  # fmt: skip
_DOUBLED = {
    "&&": "'&&' is not an operator; write & or and",
    "||": "'||' is not an operator; write | or or",
    "//": "'//' is not an operator; write floor(a/b)",
}
_OTHER_FORMS = {
    "pow": "a^b", "power": "a^b", "square": "a^2", "add": "a + b", "mul": "a*b", "sub": "a - b", "div": "a/b", "inv": "1/a",
    "factorial": "gamma(n + 1)", "lt": "a < b", "gt": "a > b", "eq": "a == b", "sum": "a + b + c", "degrees": "180/pi*a", "radians": "pi/180*a",
}  # fmt: skip


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
        self.text, self.bound, self.strict, self.limits = text, bound, strict, limits
        self._choose_backend(backend)
        self.stream = tokens(text)
        self.token = self.previous = Token("start", "", 0)
        self.following: Token | None = None
        self.operands: list[_Operand] = []
        self.pending: list[_Pending] = []
        self.depth = 0
        self.exact_bits = 0
        self.definitions: dict[str, Any] = {}
        self.defining: Token | None = None
        self.plain: dict[str, tuple[Any, int]] = {}
        self.declared: dict[str, list[Any]] = {}

    def _choose_backend(self, backend: str | None) -> None:
        like = next(
            (v for v in self.bound.values() if interface.is_term(v) and interface.backend_of(v) != "python"),
            None,
        )
        if backend is None and like is not None and interface.backend_of(like) not in BACKENDS:
            face = interface.interface(like)
            self.backend, self.make, self.number = face.backend, face.make, face.number
        else:
            self.backend = backend or ("interned" if like is None else interface.backend_of(like))
            module = backend_module(self.backend)
            self.make, self.number = module.make, module.number
            like = module.number(0)
        self.canonical = interface.interface(like).addends is not None

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
            self.definitions[self.defining.text] = result
            self._advance()

    def _begin_statement(self) -> None:
        name = self.token
        self.defining = None
        if name.kind != "name" or self._peek().text != ":=":
            return
        taken = "a function" if name.text in OPERATORS else "a constant" if name.text in _CONSTANTS else ""
        if not taken and (
            name.text in self.definitions or name.text in self.plain or name.text in self.declared
        ):
            taken = "already in use"
        if taken:
            self._refuse(
                f"{_brief(name.text)} cannot be defined, it is {taken}; choose another name", name.offset
            )
        check_letters(self.text, name)
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
                self._refuse_missing_operand(token)

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
        self._refuse_missing_operator(token)

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
                f"number too large: {_brief(token.text)} is beyond the largest float, 1.8e308; write inf if that is meant",
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
        if following.text == "(" and following.kind == "sign" and not self._is_value(name):
            self._refuse_unknown_function(token)
        self._advance()
        if self.token.text == "::":
            self.operands.append(_Operand(self._declared_symbol(token), token.offset))
        elif name in _CONSTANTS and name not in self.bound:
            self.operands.append(
                _Operand(_CONSTANTS[name], token.offset, int(type(_CONSTANTS[name]) is float))
            )
            if type(_CONSTANTS[name]) is bool:
                self.operands[-1].value = self.number(_CONSTANTS[name])
        else:
            self.operands.append(_Operand(self._value_of(token), token.offset))
        return True

    def _is_value(self, name: str) -> bool:
        return (
            name in self.bound
            or name in self.definitions
            or name in self.plain
            or name in self.declared
            or name in ("pi", "π")
        )

    def _value_of(self, token: Token) -> Any:
        name = token.text
        if name in self.bound:
            return self._bound_value(name)
        if name in self.definitions:
            return self.definitions[name]
        if name in self.plain:
            return self.plain[name][0]
        if name in self.declared:
            if len(self.declared[name]) > 1:
                self._refuse(
                    f"{_brief(name)} is declared in several ways, so it must say which is meant: {name}::real, ...",
                    token.offset,
                )
            return self.declared[name][0]
        if name in ("pi", "π"):
            return self.make("pi", ())
        row = OPERATORS.get(name)
        if row is not None:
            written = f"{row.signature()}^2 for a power of it" if self.token.text == "^" else row.signature()
            self._refuse(f"{name} is a function and needs arguments; write {written}", token.offset)
        check_letters(self.text, token)
        if self.strict or self.backend not in BACKENDS:
            self._refuse_unbound(token)
        found = symbol(name, backend_name=self.backend)
        self.plain[name] = (found, token.offset)
        return found

    def _bound_value(self, name: str) -> Any:
        value = self.bound[name]
        if not interface.is_term(value) or interface.backend_of(value) == "python":
            try:
                return self.number(exact(value))
            except TypeError:
                raise TypeError(
                    f"symbols[{name!r}] is {value!r} of type {type(value).__name__}; bind names to terms or numbers"
                ) from None
        if interface.backend_of(value) != self.backend:
            raise TypeError(
                f"symbols[{name!r}] is of the {interface.backend_of(value)!r} backend, but the formula is read into {self.backend!r}; "
                f"leave backend=... out, or convert the term: symnum.convert(term, backend={self.backend!r})"
            )
        return value

    def _declared_symbol(self, token: Token) -> Any:
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
        check_letters(self.text, token)
        found = self._make_symbol(token, words)
        name = token.text
        if name in self.bound:
            if interface.key(self._bound_value(name)) != interface.key(found):
                self._refuse(
                    f"{_brief(name)} is bound to another term by symbols={{...}}; leave the '::' part out",
                    token.offset,
                )
            return found
        if name in self.definitions:
            self._refuse(
                f"{_brief(name)} is defined above and cannot be declared; leave the '::' part out",
                token.offset,
            )
        if name in self.plain and self.plain[name][0] is not found:
            column = ParseError("", self.text, self.plain[name][1]).column
            self._refuse(
                f"{_brief(name)} was used before, at column {column}, as a plain real symbol; declare it where it first occurs, "
                f"or write {_brief(name)}::real there if two symbols are meant",
                token.offset,
            )
        known = self.declared.setdefault(name, [])
        if found not in known:
            known.append(found)
        return found

    def _make_symbol(self, token: Token, words: Sequence[Token]) -> Any:
        sort, assume = "real", {}
        for word in words:
            if word.text in ("real", "integer", "boolean"):
                sort = word.text
            else:
                assume[word.text] = True
        if self.backend not in BACKENDS:
            self._refuse_unbound(token)
        try:
            return symbol(token.text, sort, self.backend, **assume)
        except ValueError as problem:
            known = ("positive", "negative", "nonnegative", "nonzero", "real", "integer", "boolean")
            wrong = next((w for w in words if w.text not in known), token)
            self._refuse(str(problem), wrong.offset)

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

    def _refuse_missing_operand(self, token: Token) -> NoReturn:
        before = self.previous
        opening = self.pending[-1] if self.pending else None
        spelled = self.text[token.offset : token.offset + 1]
        if spelled == "|" and before.text != "or":
            self._refuse("'|' means or; write abs(x) for an absolute value", token.offset)
        doubled = _DOUBLED.get(self.text[before.offset : token.offset + 1])
        if doubled is not None:
            self._refuse(doubled, before.offset)
        if opening is not None and opening.kind in ("(", "call") and token.kind == "end":
            self._reduce_all()
        if before.kind == "sign" and before.text in ("(", ","):
            what = (
                "these brackets are empty"
                if before.text == "(" and token.text == ")"
                else f"there is no operand after '{before.text}'"
            )
        elif before.kind == "sign" and before.text not in (")", ";", ":="):
            what = f"there is no operand after {self._written(before)}"
        else:
            what = "there is no formula here"
        found = "the text ends" if token.kind == "end" else f"{self._written(token)} follows"
        self._refuse(f"{what}, {found}; write a number, a name or an expression in brackets", token.offset)

    def _written(self, token: Token) -> str:
        """Return a token as the user spelled it."""
        end = token.offset + max(len(token.text), 1)
        if token.text in ("^", "and", "or", "not", "mod"):
            spelled = self.text[token.offset : token.offset + 3]
            spelled = next((s for s in ("and", "or", "not", "**") if spelled.startswith(s)), spelled[:1])
            return f"'{spelled}'"
        return f"'{_brief(self.text[token.offset : end])}'"

    def _refuse_missing_operator(self, token: Token) -> NoReturn:
        before = self.previous
        left = _brief(before.text) if before.kind in ("number", "name") else "')'"
        if token.text in ("if", "else") or before.text in ("if", "else"):
            self._refuse("a choice is written as a function; write ifelse(condition, a, b)", token.offset)
        if token.text == ":=":
            self._refuse(
                "a definition stands at the beginning or after ';'; write name := value; formula",
                token.offset,
            )
        if token.text == "::":
            self._refuse("only a name can be declared; write x::positive", token.offset)
        if token.text == "not":
            self._refuse(
                "'not' stands before a condition; write a != b for different, or a and not b", token.offset
            )
        right = "(...)" if token.text == "(" else _brief(token.text)
        shown = "(...)" if left == "')'" else left
        if before.kind == "number" and (token.kind == "number" or token.text.startswith("_")):
            advice = "write one number, without spaces, _ or a second point, or an operator between them"
        else:
            advice = f"write {shown}*{right}"
        opened = "'('" if token.text == "(" else right
        self._refuse(f"there is no operator between {left} and {opened}; {advice}", token.offset)

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

    def _refuse_unknown_function(self, token: Token) -> NoReturn:
        name = token.text[:40]
        if name in _OTHER_FORMS:
            advice = f"write {_OTHER_FORMS[name]}"
        else:
            near = (
                [_OTHER_NAMES[name]]
                if name in _OTHER_NAMES
                else difflib.get_close_matches(name.lower(), _FUNCTIONS(), n=1)
            )
            advice = f"did you mean {near[0]!r}? " if near else ""
            advice += f"for a product write {_brief(name)}*(...)"
        self._refuse(f"there is no function {_brief(token.text)!r}; {advice}", token.offset)

    def _refuse_unbound(self, token: Token) -> NoReturn:
        near = difflib.get_close_matches(token.text[:40], [str(n) for n in list(self.bound)[:10_000]], n=1)
        advice = f"did you mean {near[0]!r}? otherwise " if near else ""
        self._refuse(
            f"the name {_brief(token.text)!r} is not bound; {advice}add it to symbols={{...}}", token.offset
        )


def _FUNCTIONS() -> list[str]:
    return [name for name, row in OPERATORS.items() if name.isidentifier() and row.arity[1] != 0]


def _brief(text: str, width: int = 40) -> str:
    return text if len(text) <= width else text[:width] + "..."


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
