"""What the names of a formula stand for: bound terms, definitions, declared symbols and plain ones."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from symnum import term as interface
from symnum.exact import exact
from symnum.operators import OPERATORS
from symnum.symbols import BACKENDS, backend_module, symbol
from symnum.text.mistakes import brief
from symnum.text.tokens import ParseError, Token, check_letters

CONSTANTS: dict[str, Any] = {"inf": math.inf, "nan": math.nan, "true": True, "false": False}
_PI = frozenset({"pi", "π"})
_SORTS = ("real", "integer", "boolean")
_ASSUMPTIONS = ("positive", "negative", "nonnegative", "nonzero")


class Names:
    """Resolve the names of one text in one backend, whose ``make`` and ``number`` build its terms."""

    def __init__(self, text: str, bound: Mapping[str, Any], backend: str | None, strict: bool) -> None:
        self.text, self.bound, self.strict = text, bound, strict
        self.definitions: dict[str, Any] = {}
        self.plain: dict[str, tuple[Any, int]] = {}
        self.declared: dict[str, list[Any]] = {}
        like = next(
            (v for v in bound.values() if interface.is_term(v) and interface.backend_of(v) != "python"), None
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

    def _refuse(self, problem: str, offset: int) -> NoReturn:
        raise ParseError(problem, self.text, offset)

    def known(self, name: str) -> bool:
        """Tell whether a name stands for a term already, so that ``name(...)`` is a product without its sign."""
        return name in self.bound or name in _PI or self._met(name)

    def _met(self, name: str) -> bool:
        return name in self.definitions or name in self.plain or name in self.declared

    def check_definable(self, name: Token) -> None:
        """Raise ParseError for a name that cannot be defined."""
        word = name.text
        taken = (
            "a function or constant"
            if word in OPERATORS or word in CONSTANTS or word in _PI
            else "bound by symbols={...}"
            if word in self.bound
            else "already in use"
            if self._met(word)
            else ""
        )
        if taken:
            self._refuse(f"{brief(word)} cannot be defined, it is {taken}; choose another name", name.offset)
        check_letters(self.text, name)

    def define(self, name: Token, term: Any) -> None:
        """Let a name stand for a term from here on."""
        if self._met(name.text):
            self._refuse(f"{brief(name.text)} is defined by itself; choose another name", name.offset)
        self.definitions[name.text] = term

    def value(self, token: Token, after: str) -> Any:
        """Return what a name stands for, a new plain symbol if nothing else; ``after`` is the token that follows."""
        name = token.text
        if name in self.bound:
            return self._bound(name)
        if name in self.definitions:
            return self.definitions[name]
        if name in self.plain:
            return self.plain[name][0]
        if name in self.declared:
            if len(self.declared[name]) > 1:
                self._refuse(
                    f"{brief(name)} is declared in several ways, so it must say which is meant: {brief(name)}::real, ...",
                    token.offset,
                )
            return self.declared[name][0]
        if name in _PI:
            return self.make("pi", ())
        row = OPERATORS.get(name)
        if row is not None:
            written = f"{row.signature()}^2 for a power of it" if after == "^" else row.signature()
            self._refuse(f"{name} is a function and needs arguments; write {written}", token.offset)
        check_letters(self.text, token)
        if self.strict or self.backend not in BACKENDS:
            self._refuse_unbound(token)
        found = symbol(name, backend_name=self.backend)
        self.plain[name] = (found, token.offset)
        return found

    def _bound(self, name: str) -> Any:
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
                f"symbols[{name!r}] is of the {interface.backend_of(value)!r} backend, "
                f"but the formula is read into {self.backend!r}; "
                f"leave backend=... out, or convert the term: symnum.convert(term, backend={self.backend!r})"
            )
        return value

    def declare(self, token: Token, words: Sequence[Token]) -> Any:
        """Return the symbol ``name::word::word``, which the bare name stands for from here on."""
        check_letters(self.text, token)
        found = self._symbol(token, words)
        name, same = token.text, interface.key(found)
        if name in self.bound:
            if interface.key(self._bound(name)) != same:
                self._refuse(
                    f"{brief(name)} is bound to another term by symbols={{...}}; leave the '::' part out",
                    token.offset,
                )
            return found
        if name in self.definitions:
            self._refuse(
                f"{brief(name)} is defined above and cannot be declared; leave the '::' part out",
                token.offset,
            )
        if name in self.plain and interface.key(self.plain[name][0]) != same:
            column = ParseError("", self.text, self.plain[name][1]).column
            self._refuse(
                f"{brief(name)} was used before, at column {column}, as a plain real symbol; "
                f"declare it where it first occurs, or write {brief(name)}::real there if two symbols are meant",
                token.offset,
            )
        known = self.declared.setdefault(name, [])
        if all(interface.key(other) != same for other in known):
            known.append(found)
        return found

    def _symbol(self, token: Token, words: Sequence[Token]) -> Any:
        if self.backend not in BACKENDS or (self.strict and token.text not in self.bound):
            self._refuse_unbound(token)
        sort = next((word.text for word in words if word.text in _SORTS), "real")
        assumed = {word.text: True for word in words if word.text not in _SORTS}
        try:
            return symbol(token.text, sort, self.backend, **assumed)
        except ValueError as problem:
            wrong = next((word for word in words if word.text not in _SORTS + _ASSUMPTIONS), token)
            self._refuse(str(problem), wrong.offset)

    def _refuse_unbound(self, token: Token) -> NoReturn:
        near = difflib.get_close_matches(token.text[:40], [str(n) for n in list(self.bound)[:10_000]], n=1)
        advice = f"did you mean {near[0]!r}? otherwise " if near else ""
        self._refuse(
            f"the name {brief(token.text)!r} is not bound; {advice}add it to symbols={{...}}", token.offset
        )
