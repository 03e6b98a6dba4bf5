"""The formulas of BioNetGen files: to terms, and back to text.

The language is that of muParser with BioNetGen's functions: ``+ - * / ^``, comparisons, ``&& || !``, ``if(condition, a, b)``, ``ln``,
``time()``.  Truth values count as 1 and 0 among numbers, and a number is true where it is not 0.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.backends import interned

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\*\*|&&|\|\||[<>=!~]=|[-+*/^<>(),!~])|(?P<end>$))"
)

_BINDING = {"||": 1, "&&": 2, "==": 4, "!=": 4, "~=": 4, "<": 4, ">": 4, "<=": 4, ">=": 4,
            "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7, "plus": 7, "!": 7, "~": 7, "^": 8, "**": 8}  # fmt: skip
_HEAD = {"||": "or", "&&": "and", "~=": "!=", "**": "^", "!": "not", "~": "not"}
_TRUTH = frozenset({"and", "or", "not"})
_PREFIX = {"-": "neg", "+": "plus", "!": "!", "~": "~"}

MAX_DIGITS = 1000
"""A whole number with more digits is refused."""


class FormulaError(ValueError):
    """A text is no formula; the message names the place."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a network: names of its ``arguments``, which stand in the ``body`` as symbols."""

    arguments: tuple[str, ...]
    body: Any


def number(term: Any) -> Any:
    """Return a term as a number: a truth value becomes 1 or 0."""
    return interned.make("ifelse", (term, 1, 0)) if interface.sort_of(term) == "boolean" else term


def truth(term: Any) -> Any:
    """Return a term as a truth value: a number is true where it is not 0."""
    return term if interface.sort_of(term) == "boolean" else interned.make("!=", (term, 0))


def _same(head: str) -> Callable[..., Any]:
    return lambda *args: interned.make(head, [number(a) for a in args])


def _rint(a: Any) -> Any:
    return interned.make("floor", (interned.make("+", (number(a), 0.5)),))


def _if(condition: Any, yes: Any, no: Any) -> Any:
    return interned.make("ifelse", (truth(condition), number(yes), number(no)))


def _average(*args: Any) -> Any:
    return interned.make("/", (interned.make("+", [number(a) for a in args]), len(args)))


_UNARY = ("exp", "log10", "log2", "abs", "floor", "ceil", "sqrt", "sign", "sin", "cos", "tan", "asin", "acos", "atan",
          "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")  # fmt: skip

_BUILT_IN: dict[str, tuple[int, int, Callable[..., Any]]] = {
    **{name: (1, 1, _same(name)) for name in _UNARY},
    "ln": (1, 1, _same("log")),
    "rint": (1, 1, _rint),
    "atan2": (2, 2, _same("atan2")),
    "if": (3, 3, _if),
    "min": (1, 1000, _same("min")),
    "max": (1, 1000, _same("max")),
    "sum": (1, 1000, _same("+")),
    "avg": (1, 1000, _average),
}
"""Function -> least and largest number of arguments, and what makes its term."""

_CONSTANTS: dict[str, Callable[[], Any]] = {
    "_pi": lambda: interned.make("pi", ()),
    "_e": lambda: interned.make("exp", (1,)),
}

_NOT_READ = {
    "log": "write ln(x) or log10(x): what log means differs between BioNetGen's tools",
    "int": "write floor(x)",
    "mratio": "ratios of Kummer functions are not supported",
    "tfun": "tabulated functions are not supported",
    "TFUN": "tabulated functions are not supported",
}


class FormulaReader:
    """Reads formulas of known ``names`` {name: term} and ``functions``; ``time`` is the term of ``time()``."""

    def __init__(self, names: Mapping[str, Any], functions: Mapping[str, Function], time: Any = None) -> None:
        self.names, self.functions, self.time = names, functions, time

    def read(self, text: str) -> Any:
        """Return the term of a formula; raises FormulaError for anything else.

        >>> from symnum import symbols
        >>> FormulaReader({"k": symbols("k")}, {}).read("if(k > 2, 2*k, 0) + ln(k)")
        ifelse(k > 2, 2*k, 0) + log(k)
        """
        # operands are finished terms; pending are operators as they wait, ("(", ...) an open bracket with what it belongs to
        operands: list[Any] = []
        pending: list[tuple[str, str, int]] = []
        wants_operand, position = True, 0
        while True:
            found = _TOKEN.match(text, position)
            if found is None:
                place = position + len(text[position:]) - len(text[position:].lstrip())
                raise FormulaError(f"{text[place]!r} at character {place + 1} is not part of a formula")
            kind, word = str(found.lastgroup), found.group(str(found.lastgroup))
            position = found.end()
            if wants_operand:
                if kind == "number":
                    operands.append(_number(word))
                    wants_operand = False
                elif kind == "name":
                    if text[position:].lstrip().startswith("("):
                        position = text.index("(", position) + 1
                        pending.append(("(", word, len(operands)))
                        if text[position:].lstrip().startswith(")"):
                            position = text.index(")", position) + 1
                            pending.pop()
                            operands.append(self._call(word, []))
                            wants_operand = False
                    else:
                        operands.append(self._name(word))
                        wants_operand = False
                elif word in _PREFIX and kind == "sign":
                    pending.append((_PREFIX[word], "", 0))
                elif word == "(":
                    pending.append(("(", "", len(operands)))
                else:
                    what = f"{word!r} stands" if word else "the formula ends"
                    raise FormulaError(f"{what} where a number or a name is missing (character {position})")
                continue
            if word in _BINDING and word not in ("!", "~"):
                # from the left, except powers
                self._reduce(operands, pending, _BINDING[word] + (word in ("^", "**")))
                pending.append((word, "", 0))
                wants_operand = True
            elif word in (",", ")"):
                self._reduce(operands, pending, 0)
                if not pending or (word == "," and not pending[-1][1]):
                    raise FormulaError(f"{word!r} at character {position} belongs to no open bracket")
                if word == ",":
                    wants_operand = True
                    continue
                _, name, first = pending.pop()
                if name:
                    operands[first:] = [self._call(name, operands[first:])]
            elif kind == "end":
                self._reduce(operands, pending, 0)
                if pending:
                    raise FormulaError("a bracket is not closed")
                return number(operands[0])
            else:
                raise FormulaError(f"an operator is missing before {word!r} (character {position})")

    def _reduce(self, operands: list[Any], pending: list[tuple[str, str, int]], binding: int) -> None:
        while pending and pending[-1][0] != "(" and _BINDING[pending[-1][0]] >= max(binding, 1):
            operator = pending.pop()[0]
            right = operands.pop()
            if operator == "plus":
                operands.append(number(right))
                continue
            head = _HEAD.get(operator, operator)
            as_wanted = truth if head in _TRUTH else number
            sides = (right,) if operator in ("neg", "!", "~") else (operands.pop(), right)
            operands.append(interned.make(head, [as_wanted(side) for side in sides]))

    def _name(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]()
        if name == "time" and self.time is not None:
            return self.time
        near = difflib.get_close_matches(name, self.names, 1)
        raise FormulaError(f"{name!r} is not defined" + (f"; is {near[0]!r} meant?" if near else ""))

    def _call(self, name: str, args: Sequence[Any]) -> Any:
        function = self.functions.get(name)
        if function is not None and (args or function.arguments):
            if len(args) != len(function.arguments):
                raise FormulaError(
                    f"{name} takes {len(function.arguments)} arguments, but {len(args)} are given"
                )
            symbols = [interned.symbol(a) for a in function.arguments]
            return substitute(function.body, dict(zip(symbols, map(number, args))))
        if not args and name not in _BUILT_IN and name not in _NOT_READ:
            return self._name(name)  # f(), an observable Obs() and time() are names
        if name not in _BUILT_IN:
            known = [*self.functions, *_BUILT_IN]
            near = difflib.get_close_matches(name, known, 1)
            advice = _NOT_READ.get(
                name, f"is {near[0]!r} meant?" if near else "define it in the block functions"
            )
            raise FormulaError(f"there is no function {name!r}; {advice}")
        least, most, build = _BUILT_IN[name]
        if not least <= len(args) <= most:
            raise FormulaError(
                f"{name} takes {least if least == most else 'one or more'} arguments, but {len(args)} are given"
            )
        return build(*args)


def _number(word: str) -> Any:
    if word.isdigit():
        if len(word) > MAX_DIGITS:
            raise FormulaError(f"the number {word[:12]}... has {len(word)} digits, more than {MAX_DIGITS}")
        return interned.number(int(word))
    value = float(word)
    if math.isinf(value):
        raise FormulaError(f"the number {word} is beyond the largest float, 1.8e308")
    return interned.number(value)


# --- and back ---------------------------------------------------------------------------------------------------------------

_CALL = {**{name: f"{name}({{0}})" for name in _UNARY}, "log": "ln({0})", "ifelse": "if({0},{1},{2})", "atan2": "atan2({0},{1})",
         "min": "min({...})", "max": "max({...})", "pi": "_pi"}  # fmt: skip
_INFIX = {"+": "+", "-": "-", "*": "*", "/": "/", "^": "^", "and": "&&", "or": "||",
          **{c: c for c in ("<", "<=", ">", ">=", "==", "!=")}}  # fmt: skip


def written(
    term: Any, names: Mapping[Any, str], calls: Mapping[str, str] = _CALL, language: str = "BioNetGen"
) -> str:
    """Return a term as a formula without blanks; ``names`` {key of a symbol: text} says how to write some symbols.

    ``calls`` are templates {head: text} of functions, with {...} for any number of arguments.
    Raises ValueError for an operator that the language does not have, and for nan and infinity.
    """
    done: dict[Any, str] = {}
    for node in interface.postorder(term):
        key = interface.key(node)
        if interface.is_symbol(node):
            done[key] = names.get(key, interface.name(node))
        elif interface.is_number(node):
            done[key] = _written_number(interface.value(node))
        else:
            head, args = interface.head(node), [done[interface.key(a)] for a in interface.sorted_args(node)]
            if head in calls:
                bare = [_bare(a) for a in args]
                done[key] = calls[head].replace("{...}", ",".join(bare)).format(*bare)
            elif head in _INFIX and args:
                done[key] = f"({_INFIX[head].join(args)})"
            elif head in ("neg", "not"):
                done[key] = f"({'-' if head == 'neg' else '!'}{args[0]})"
            else:
                raise ValueError(
                    f"{language} has no operator {head!r}; write the rate with + - * / ^ and {', '.join(calls)}"
                )
    return _bare(done[interface.key(term)])


def _written_number(value: Any) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written into a BioNetGen file")
        return repr(value) if value >= 0 else f"({value!r})"
    if isinstance(value, bool):
        return "(1==1)" if value else "(1==0)"
    return str(value) if value >= 0 and "/" not in str(value) else f"({value})"


def _bare(text: str) -> str:
    """Drop a bracket around the whole text."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and place < len(text) - 1:
            return text
    return text[1:-1]


def names_in(terms: Iterable[Any]) -> set[str]:
    """Return the names of the symbols in the terms."""
    return {interface.name(s) for s in interface.free_symbols(*terms)}
