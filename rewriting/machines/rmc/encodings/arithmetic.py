"""Arithmetic and lists as relations: Peano numbers z, s(z), ...; lists nil, cons(head, tail).

The dual of a program runs it backwards: that of addition gives all ways to split a number [R; measured].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.parser import parse
from symnum.rewriting.machines.rmc.syntax import constant, function

_ADD = "(new x y. <s(x)>; <y>; [s(y)]; [x])*; <z>"

_MULTIPLY = f"""
    [z]acc;
    (new m n a. <s(m)>; <n>; acc<a>; [a]; [n]; {_ADD}; (new b. <b>; [b]acc); [n]; [m])*;
    <z>; (new n. <n>); new b. acc<b>; [b]
"""

_REVERSE = "[nil]acc; (new h t r. <cons(h, t)>; acc<r>; [cons(h, r)]acc; [t])*; <nil>; new r. acc<r>; [r]"


def natural(n: int) -> Any:
    """Return the Peano number of a whole number; raises ValueError for one that is negative.

    >>> natural(2)
    s(s(z))
    """
    if not isinstance(n, int) or n < 0:
        raise ValueError(f"a Peano number is a whole number that is not negative, but got {n!r}")
    value = constant("z")
    for _ in range(n):
        value = function("s", value)
    return value


def number(value: Any) -> int:
    """Return the whole number of a Peano number; raises ValueError for another value."""
    count, term = 0, value
    while interface.is_call(term) and interface.head(term) == "s":
        count, term = count + 1, interface.args(term)[0]
    if not (interface.is_call(term) and interface.head(term) == "z"):
        raise ValueError(f"{value!s} is no Peano number; these are z, s(z), s(s(z)), ...")
    return count


def addition() -> Node:
    """Return the program that adds the two numbers on top of the stack.

    >>> from symnum.rewriting.machines import rmc
    >>> [number(v) for answer in rmc.run(rmc.dual(addition()), [natural(2)]) for v in answer.memory["λ"]]
    [2, 0, 1, 1, 0, 2]
    """
    return parse(_ADD)


def multiplication() -> Node:
    """Return the program that multiplies the two numbers on top of the stack, with a location ``acc`` of its own.

    >>> from symnum.rewriting.machines import rmc
    >>> answer, = rmc.run(multiplication(), [natural(3), natural(2)])
    >>> number(answer.memory["λ"][0])
    6
    """
    return parse(_MULTIPLY)


def list_value(values: Iterable[Any]) -> Any:
    """Return the list of values; a text stands for the constant of that name.

    >>> list_value(["a", "b"])
    cons(a, cons(b, nil))
    """
    made = constant("nil")
    for value in reversed([constant(v) if isinstance(v, str) else v for v in values]):
        made = function("cons", value, made)
    return made


def elements(value: Any) -> list[Any]:
    """Return the values of a list; raises ValueError for what is none."""
    found, term = [], value
    while interface.is_call(term) and interface.head(term) == "cons":
        head, term = interface.args(term)
        found.append(head)
    if not (interface.is_call(term) and interface.head(term) == "nil"):
        raise ValueError(f"{value!s} is no list; these are nil and cons(head, tail)")
    return found


def reversal() -> Node:
    """Return the program that turns the list on top of the stack round, with a location ``acc`` of its own.

    >>> from symnum.rewriting.machines import rmc
    >>> answer, = rmc.run(reversal(), [list_value("abd")])
    >>> elements(answer.memory["λ"][0])
    [d, b, a]
    """
    return parse(_REVERSE)
