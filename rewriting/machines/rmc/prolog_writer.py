"""Values as Prolog writes them: operators between their arguments, lists in square brackets, atoms quoted where they must be.

>>> from symnum.rewriting.machines.nodes import call, variable
>>> text(call("f", call("[|]", 1, call("[|]", variable("X"), variable(0))), call("'+", call("a b"), 2)))
"f([1,X|_0],'a b'+2)"
"""

from __future__ import annotations

import re
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.prolog_reader import INFIX, PREFIX
from symnum.rewriting.machines.rmc.symbols import spelled

_PLAIN = re.compile(r"[^\W\dA-Z_]\w*|[-+*/\\^<>=~:.?@#&$]+|\[\]|!|;|\{\}")
_SYMBOLS = frozenset("-+*/\\^<>=~:.?@#&$")
_ARGUMENT = 999
_GAP = ""
"""Stands behind a prefix operator, which must not touch a bracket that is not that of its argument."""
_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t"}


def quoted(name: str) -> str:
    """Return an atom, in quotes where it would not be read as one without.

    >>> quoted("abc"), quoted("=.."), quoted("Abc"), quoted("it's")
    ('abc', '=..', "'Abc'", "'it\\\\'s'")
    """
    if _PLAIN.fullmatch(name) and name != ".":
        return name
    return "'" + "".join(_ESCAPED.get(c, c) for c in name) + "'"


def text(value: Any) -> str:
    """Return the text of a value, as ``writeq`` of Prolog gives it; unknowns that a run made are ``_0``, ``_1``, ..."""
    pieces: list[str] = []
    stack: list[Any] = [(value, 1200)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            _append(pieces, item)
            continue
        part, most = item
        if not isinstance(part, Node):
            _append(pieces, _foreign(part))
        elif part.leaf is not None:
            name = part.leaf[1]
            _append(pieces, f"_{name}" if isinstance(name, int) else str(name))
        elif not part.args:
            name = spelled(part.head.name)
            atom = quoted(name)
            is_operand = most < 1200 and most != _ARGUMENT
            _append(pieces, f"({atom})" if is_operand and (name in INFIX or name in PREFIX) else atom)
        else:
            stack.extend(reversed(_call(part, most)))
    return "".join(pieces)


def _append(pieces: list[str], piece: str) -> None:
    """Add a piece, with a blank where it would run together with the one before."""
    if pieces and pieces[-1] == _GAP:
        pieces.pop()
        if piece[0] == "(":
            piece = " " + piece
    if pieces and piece:
        last = pieces[-1][-1]
        both_symbols = last in _SYMBOLS and piece[0] in _SYMBOLS
        both_words = (last.isalnum() or last == "_") and (piece[0].isalnum() or piece[0] == "_")
        if both_symbols or both_words:
            piece = " " + piece
    pieces.append(piece)


def _foreign(part: Any) -> str:
    """Return a number, or a term of symnum, which Prolog has no text for but an atom's."""
    if interface.is_number(part) and type(interface.value(part)) is int:
        return str(part)
    return quoted(str(part))


def _call(part: Node, most: int) -> list[Any]:
    """Return the pieces of a call: texts, and arguments with the highest priority that they may have."""
    name, arguments = spelled(part.head.name), part.args
    if name == "[|]" and len(arguments) == 2:
        return _list(part)
    if len(arguments) == 2 and name in INFIX:
        priority, left, right = INFIX[name]
        sign = f" {name} " if name[0].isalpha() else name
        found = [(arguments[0], left), sign, (arguments[1], right)]
        return ["(", *found, ")"] if priority > most else found
    if len(arguments) == 1 and name in PREFIX:
        priority, right = PREFIX[name]
        as_call = _priority(arguments[0]) > right  # whose brackets the argument needs anyway
        if not as_call and not (name in ("-", "+") and not isinstance(arguments[0], Node)):
            found = [name, _GAP, (arguments[0], right)]
            return ["(", *found, ")"] if priority > most else found
    pieces: list[Any] = [("'[]'" if name == "[]" else quoted(name)) + "("]
    for position, argument in enumerate(arguments):
        pieces += [",", (argument, _ARGUMENT)] if position else [(argument, _ARGUMENT)]
    return [*pieces, ")"]


def _priority(part: Any) -> int:
    """Return the priority of a term: that of the operator that it is a call of, or 0."""
    if not isinstance(part, Node) or part.leaf is not None:
        return 0
    name, count = spelled(part.head.name), len(part.args)
    if count == 2 and name in INFIX:
        return INFIX[name][0]
    return PREFIX[name][0] if count == 1 and name in PREFIX else 0


def _list(part: Node) -> list[Any]:
    """Return the pieces of a list, with its tail behind a bar unless it is the empty list."""
    pieces: list[Any] = ["["]
    rest: Any = part
    while isinstance(rest, Node) and rest.leaf is None and rest.head.name == "[|]" and len(rest.args) == 2:
        pieces += [",", (rest.args[0], _ARGUMENT)] if len(pieces) > 1 else [(rest.args[0], _ARGUMENT)]
        rest = rest.args[1]
    if not (isinstance(rest, Node) and rest.leaf is None and not rest.args and rest.head.name == "[]"):
        pieces += ["|", (rest, _ARGUMENT)]
    return [*pieces, "]"]
