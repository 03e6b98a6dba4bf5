"""Templates: a formula of which the structure is given and some functions are to be found.

>>> template = Template("y = f(x1) + g(x2)*sin(h(x1, x2))")
>>> [str(part) for part in template.parts]
['f(x1)', 'g(x2)', 'h(x1, x2)']

The structure is read by :func:`symnum.parse`; nothing in the text is executed.  An argument may be any formula of the columns, such as
``f(x1 - x2)``.  :func:`~symnum.regression.template_search.search_template` finds the functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.regression import operations
from symnum.regression.grammar import Grammar, Tokens
from symnum.symbols import symbol
from symnum.text.parser import parse
from symnum.text.tokens import ParseError, Token, tokens


@dataclass(frozen=True)
class Part:
    """Hold one function that is to be found: its name, and the terms that it is a function of."""

    name: str
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Template:
    """Hold a structure such as ``"y = f(x1) + a*g(x2)"``; ``parameters`` are names of constants that are fitted.

    Every name that is called and is no operator is a function to be found, and stands once.  Raises ValueError (ParseError for what is
    no formula) when a function is called twice with different arguments, has none, stands in another's argument, or when there is no
    function.
    """

    text: str
    parameters: tuple[str, ...] = ()
    parts: tuple[Part, ...] = field(init=False, compare=False, repr=False)
    structure: Any = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(
                f"a template is a text, but got {self.text!r}; write Template('y = f(x1) + g(x2)')"
            )
        if isinstance(self.parameters, str):
            raise ValueError(
                f"parameters must be a sequence of names, but is {self.parameters!r}; write parameters=({self.parameters!r},)"
            )
        object.__setattr__(self, "parameters", tuple(self.parameters))
        body = re.sub(r"^\s*\w+\s*=(?!=)", lambda found: " " * len(found[0]), self.text)
        rest, calls = _called(body)
        parts: dict[str, Part] = {}
        for name, texts in calls:
            part = Part(name, tuple(dict.fromkeys(parse(text) for text in texts)))
            if name in self.parameters:
                raise ValueError(
                    f"{name!r} is a parameter of the template and is called like a function; choose another name"
                )
            if parts.setdefault(name, part) != part:
                raise ValueError(
                    f"the template calls {parts[name]} and {part}; a function that is to be found has one list of arguments: give the "
                    "second one another name"
                )
        if not parts:
            raise ValueError(
                f"the template {self.text!r} has no function to be found; call one by a name that is no operator, as in 'y = f(x) + 1'"
            )
        object.__setattr__(self, "parts", tuple(parts.values()))
        object.__setattr__(self, "structure", parse(rest))

    @property
    def operators(self) -> tuple[str, ...]:
        """Return the operators that the structure and the arguments need tokens for."""
        heads: dict[str, None] = {}
        for root in (self.structure, *(argument for part in self.parts for argument in part.arguments)):
            for node in interface.postorder(root):
                if interface.is_call(node) and interface.head(node) != "pi":
                    heads[interface.head(node)] = None
        return (*heads, "neg", "^-1", "^2", "^3", "^4", "sqrt")

    def check(self, variables: Sequence[str], constants: Sequence[str] = ()) -> None:
        """Raise ValueError when a name is no column, declared constant, parameter or function of the template, or is two of these."""
        named = [part.name for part in self.parts]
        for name in (*named, *self.parameters):
            if name in variables or name in constants:
                raise ValueError(
                    f"{name!r} names a column or a declared constant, and something to be found in the template; rename it there"
                )
        known = {*variables, *constants, *self.parameters}
        for root, also in (
            (self.structure, set(named)),
            *((a, set[str]()) for p in self.parts for a in p.arguments),
        ):
            for each in interface.free_symbols(root):
                name = interface.name(each)
                if name not in known | also:
                    raise ValueError(
                        f"the template {self.text!r} has the name {name!r}, which is no column ({', '.join(variables)}); write "
                        f"{name}({variables[0]}) for a function to be found, or parameters=({name!r},) for a constant"
                    )
                if name in self.parameters and root is not self.structure:
                    raise ValueError(
                        f"the parameter {name!r} stands in the argument of a function that is to be found; leave it out: the function "
                        "finds it"
                    )
        counts = [interface.name(leaf) for leaf in _leaves(self.structure) if interface.is_symbol(leaf)]
        for name in (*named, *self.parameters):
            if counts.count(name) != 1:
                raise ValueError(
                    f"{name!r} stands {counts.count(name)} times in the structure {self.structure}; write it so that it stands once"
                )


def _called(text: str) -> tuple[str, list[tuple[str, list[str]]]]:
    """Return the text with calls of unknown functions replaced by their names, and the calls with the texts of their arguments."""
    words = list(tokens(text))
    rest, calls, place, done = [], [], 0, 0
    while place < len(words):
        word = words[place]
        if word.kind == "name" and word.text not in OPERATORS and words[place + 1 : place + 2]:
            if words[place + 1].text == "(":
                stop, arguments = _arguments(text, words, place + 1)
                inner = [_called(argument)[1] for argument in arguments]
                if any(inner):
                    raise ValueError(
                        f"the argument of {word.text} calls {next(i for i in inner if i)[0][0]}, which is to be found too; a function to "
                        "be found takes formulas of the columns"
                    )
                if arguments == [""]:
                    raise ValueError(
                        f"the function {word.text}() has no arguments; write {word.text}(x), or parameters=({word.text!r},) for a constant"
                    )
                calls.append((word.text, arguments))
                rest.append(text[done : word.offset] + word.text)
                done = words[stop].offset + 1
                place = stop
        place += 1
    return "".join(rest) + text[done:], calls


def _arguments(text: str, words: Sequence[Token], opening: int) -> tuple[int, list[str]]:
    """Return the place of the bracket that closes a call, and the texts of the arguments."""
    depth, start, found = 0, words[opening].offset + 1, []
    for place in range(opening, len(words)):
        word = words[place]
        depth += (word.text in ("(",) or word.kind == "section") - (word.text == ")")
        if word.kind == "section":
            depth -= 1  # an operator in brackets opens and closes
        if depth == 0 or (depth == 1 and word.text == ","):
            found.append(text[start : word.offset].strip())
            start = word.offset + 1
        if depth == 0:
            return place, found
    raise ParseError(
        "the bracket of this call is not closed; write ')' after its arguments", text, words[opening].offset
    )


def _leaves(root: Any) -> list[Any]:
    """Return the leaves of a term, a shared one as often as it stands."""
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        if interface.is_call(node) and len(interface.args(node)):
            stack += interface.args(node)
        else:
            found.append(node)
    return found


PLACEHOLDER = -1
"""Part k stands in the tokens of a structure as PLACEHOLDER - k, and a parameter as a constant slot."""


@dataclass(frozen=True)
class Assembly:
    """Hold a template in the tokens of a grammar, with one grammar for each of its parts."""

    template: Template
    grammar: Grammar
    structure: tuple[int, ...]
    languages: tuple[Grammar, ...]
    arguments: tuple[tuple[Tokens, ...], ...]

    @classmethod
    def of(cls, template: Template, grammar: Grammar) -> Assembly:
        """Return the template in the language of a search; raises ValueError for names and operators that do not fit it.

        Constraints of operators hold for each part.  Units cannot be used, nor can required or forbidden variables: the template says
        which variables there are.
        """
        declared = tuple(each.name for each in grammar.declared)
        template.check(grammar.variables, declared)
        limits = grammar.constraints
        if grammar.units is not None:
            raise ValueError("units cannot be checked in a template yet; leave the units or the template out")
        if limits is not None and (limits.required or limits.forbidden):
            raise ValueError(
                "required and forbidden variables cannot be combined with a template, whose functions name their arguments"
            )
        for name in template.operators:
            reason = operations.refusal(name) if name not in ("+", "*") else None
            if reason is not None:
                raise ValueError(f"the template's operator {name!r} cannot be used: {reason}")
        numbers = dict.fromkeys(
            interface.value(leaf)
            for root in (template.structure, *(a for p in template.parts for a in p.arguments))
            for leaf in _leaves(root)
            if interface.is_number(leaf)
        )
        whole = Grammar(
            grammar.variables,
            grammar.operators,
            tuple(dict.fromkeys((*grammar.numbers, *numbers))),
            spare=tuple(dict.fromkeys((*grammar.spare, *template.operators))),
        )
        if any(interface.is_call(leaf) for leaf in _leaves(template.structure)) and "pi" not in declared:
            raise ValueError("the template has pi; declare it, as in constants=['pi']")
        names = {part.name: PLACEHOLDER - k for k, part in enumerate(template.parts)}
        names |= dict.fromkeys(template.parameters, whole.constant)
        languages, arguments = [], []
        for part in template.parts:
            formals = tuple(
                interface.name(a) if interface.is_symbol(a) and interface.name(a) in grammar.variables else f"{part.name}_{i}"
                for i, a in enumerate(part.arguments, 1)
            )  # fmt: skip
            languages.append(replace(grammar, variables=formals))
            arguments.append(tuple(np.array(_tokens(whole, a, {}), np.int16) for a in part.arguments))
        return cls(template, whole, tuple(_tokens(whole, template.structure, names)), tuple(languages), tuple(arguments))  # fmt: skip

    def translated(self, part: int, local: Tokens) -> list[int]:
        """Return the tokens of a part's own language in that of the whole."""
        language, found = self.languages[part], list[int]()
        for token in local:
            if token < len(language.variables):
                found += self.arguments[part][token].tolist()
            elif token == language.constant:
                found.append(self.grammar.constant)
            elif token < language.constant:
                found.append(self._number(language.numbers[token - len(language.variables)]))
            else:
                found.append(self.grammar.token(language.names[token]))
        return found

    def _number(self, value: Any) -> int:
        return len(self.grammar.variables) + self.grammar.numbers.index(value)

    def joined(
        self, parts: Sequence[tuple[Tokens, Sequence[float]]], parameters: Sequence[float]
    ) -> tuple[Tokens, list[float]]:
        """Return the whole formula and its constants in order, from each part's tokens and constants and those of the parameters."""
        found, values, given = list[int](), list[float](), iter(parameters)
        for token in self.structure:
            if token <= PLACEHOLDER:
                local, constants = parts[PLACEHOLDER - token]
                found += self.translated(PLACEHOLDER - token, local)
                values += constants
            else:
                found.append(token)
                if token == self.grammar.constant:
                    values.append(next(given))
        return np.array(found, np.int16), values

    def split(
        self, parts: Sequence[Tokens], constants: Sequence[float]
    ) -> tuple[list[tuple[Tokens, list[float]]], list[float]]:
        """Return each part's constants, and the parameters', from those of the whole in order."""
        taken = iter(constants)
        each: dict[int, list[float]] = {}
        parameters = []
        for token in self.structure:
            if token <= PLACEHOLDER:
                k = PLACEHOLDER - token
                slots = int(np.sum(parts[k] == self.languages[k].constant))
                each[k] = [float(next(taken)) for _ in range(slots)]
            elif token == self.grammar.constant:
                parameters.append(float(next(taken)))
        return [(tokens, each[k]) for k, tokens in enumerate(parts)], parameters

    def part_term(self, part: int, local: Tokens, constants: Sequence[Any]) -> Any:
        """Return a part as a term of the columns."""
        return self.grammar.term(self.translated(part, local), list(constants))


def _tokens(grammar: Grammar, root: Any, names: dict[str, int]) -> list[int]:
    """Return a term as tokens in prefix order; ``names`` are the tokens of further symbols."""
    found: list[int] = []
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            found.append(grammar.token(node))
        elif interface.is_number(node):
            found.append(len(grammar.variables) + grammar.numbers.index(interface.value(node)))
        elif interface.is_symbol(node):
            name = interface.name(node)
            found.append(names[name] if name in names else grammar.token(name))
        else:
            stack += reversed(_spelled(node))
    return found


def _spelled(node: Any) -> list[Any]:
    """Return a call as the name of an operation and its arguments, sums and products two at a time."""
    head, args = interface.head(node), list(interface.args(node))
    if head == "pi":
        return ["pi"]
    if head == "^" and interface.is_number(args[1]):
        exponent = interface.value(args[1])
        if exponent == Fraction(1, 2):
            return ["sqrt", args[0]]
        if exponent in (-1, 2, 3, 4) and not isinstance(exponent, float):
            return [f"^{exponent}", args[0]]
    if head == "*" and any(interface.is_number(a) and interface.value(a) == -1 for a in args):
        rest = [a for a in args if not (interface.is_number(a) and interface.value(a) == -1)]
        return ["neg", *_spelled_run("*", rest)]
    return _spelled_run(head, args)


def _spelled_run(head: str, args: Sequence[Any]) -> list[Any]:
    if operations.arity(head) == 1 or len(args) == 2:
        return [head, *args]
    found: list[Any] = []
    for place, arg in enumerate(args):
        found += [head, arg] if place < len(args) - 1 else [arg]
    return found


def part_symbol(name: str) -> Any:
    """Return the symbol that stands for a part in the structure."""
    return symbol(name)
