"""Settings of boolean symbols under which each branch is entered and each part of a condition decides.

Random truth values meet a conjunction of twelve symbols once in 4096 points.  Here each `and` and `or` is made true, false, and
false or true by one of its parts alone, under the conditions that lead to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symnum import term as interface
from symnum.rewriting.modular import identity_of

Setting = dict[Any, bool]
"""{identity of a boolean symbol: its value}; symbols that are left out may have any."""

_MOST = 240
_PARTS = 24  # of one condition that are made to decide
_NODES = 200  # of one condition that are looked into


def settings_of(roots: Sequence[Any]) -> list[Setting]:
    """Return distinct settings of the boolean symbols in some terms, those of the outer conditions first.

    >>> import symnum as sn
    >>> term = sn.parse("ifelse(f::boolean and g::boolean, x, y)")
    >>> settings = [{name: value for (name, _, _), value in s.items()} for s in settings_of([term])]
    >>> settings[:3]
    [{'f': True, 'g': True}, {'f': False, 'g': True}, {'f': True, 'g': False}]
    """
    found: dict[Any, Setting] = {}
    paths: dict[Any, Setting] = {}
    conditions = 0
    for node in reversed(list(interface.postorder(*roots, ordered=True))):
        path = paths.get(interface.key(node), {})
        if interface.is_call(node):
            _pass_on(node, path, paths)
        if interface.sort_of(node) != "boolean":
            continue
        for number, wishes in enumerate(_wishes(node)):
            conditions += number == 0
            setting = _met(wishes, path)
            found.setdefault(tuple(sorted(setting.items())), setting)
        if max(len(found), conditions) >= _MOST:
            break
    return [setting for setting in found.values() if setting]


def _pass_on(node: Any, path: Setting, paths: dict[Any, Setting]) -> None:
    """Give the parts of a node the setting under which they are computed."""
    args = interface.args(node)
    ways = [path] * len(args)
    if interface.head(node) == "ifelse":
        ways = [path, _met([(args[0], True)], path), _met([(args[0], False)], path)]
    for arg, way in zip(args, ways):
        paths.setdefault(interface.key(arg), way)


def _wishes(node: Any) -> Iterator[list[tuple[Any, bool]]]:
    """Yield lists of truth values for the parts of a condition, in each of which one part decides."""
    if interface.is_symbol(node):
        yield [(node, True)]
        yield [(node, False)]
    elif interface.is_call(node) and interface.head(node) in ("and", "or"):
        usual = interface.head(node) == "and"
        args = interface.sorted_args(node)
        yield [(arg, usual) for arg in args]
        for part in args[:_PARTS]:
            yield [(arg, usual != (arg is part)) for arg in args]


def _met(wishes: Sequence[tuple[Any, bool]], path: Setting) -> Setting:
    """Return the path with what makes conditions have the truth values wished for, as far as that fits."""
    found = dict(path)
    stack = list(reversed(wishes))
    seen: set[Any] = set()
    while stack and len(seen) < _NODES:
        node, value = stack.pop()
        if (interface.key(node), value) in seen:
            continue
        seen.add((interface.key(node), value))
        if interface.is_symbol(node):
            found.setdefault(identity_of(node), value)
        if not interface.is_call(node):
            continue
        head, args = interface.head(node), interface.sorted_args(node)
        if head == "not":
            stack.append((args[0], not value))
        elif head in ("and", "or"):
            usual = head == "and"
            # one part decides where the others may not: the last, which is the first to be looked at
            stack.extend((arg, value if arg is args[-1] else usual) for arg in args)
        elif head == "ifelse":
            stack.extend([(args[1], value), (args[0], True)])
    return found
