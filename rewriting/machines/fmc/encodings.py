"""What the Functional Machine Calculus encodes: the lambda calculus by name and by value, a store, input and output, let and return.

Tags as in :mod:`symnum.rewriting.machines.fmc.syntax`.  Random and arbitrary choice is in
:mod:`symnum.rewriting.machines.fmc.choice`, exceptions and loops in :mod:`symnum.rewriting.machines.fmc.control`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting.machines.binding import abstract
from symnum.rewriting.machines.fmc.syntax import MAIN, compose, pop, program, push, run
from symnum.rewriting.machines.nodes import atom, index, is_head

_APPLY = pop(MAIN, "f", run(index(0)))


def by_name(term: Any) -> Any:
    """Encode a lambda term so that the machine evaluates it by name.

    [M] ``x = x``, ``λx.M = ⟨x⟩.M``, ``M N = [N].M``.  A weak head normal form is reached when the machine is stuck at ⟨x⟩ on an empty
    stack, or at a free variable with its arguments on the stack.

    >>> from symnum.rewriting.machines.fmc.lambda_calculus import parse_lambda
    >>> by_name(parse_lambda(r"(\\x y. x) z"))
    [z].⟨x⟩.⟨y⟩.x
    """

    def encode(part: Any, inner: dict[Any, Any]) -> Any:
        if is_head(part, "lambda.app"):
            return push(inner[part.args[1]], MAIN, inner[part.args[0]])
        if is_head(part, "lambda.abs"):
            return pop(MAIN, part.args[0].leaf[1], inner[part.args[1]])
        return run(part)

    return _encoded(term, encode)


def by_value(term: Any) -> Any:
    """Encode a lambda term so that the machine evaluates it by value, arguments before functions.

    [M] ``x = [x]``, ``λx.M = [⟨x⟩.M]``, ``M N = N;M;⟨f⟩.f``.  The value is the one term on λ at the end.

    >>> from symnum.rewriting.machines.fmc.lambda_calculus import parse_lambda
    >>> by_value(parse_lambda(r"(\\x. x) y"))
    [y].[⟨x⟩.[x]].⟨f⟩.f
    """

    def encode(part: Any, inner: dict[Any, Any]) -> Any:
        if is_head(part, "lambda.app"):
            return compose(inner[part.args[1]], compose(inner[part.args[0]], _APPLY))
        if is_head(part, "lambda.abs"):
            return push(pop(MAIN, part.args[0].leaf[1], inner[part.args[1]]))
        return push(run(part))

    return _encoded(term, encode)


def _encoded(term: Any, encode: Callable[[Any, dict[Any, Any]], Any]) -> Any:
    """Encode each distinct part of a lambda term once, from the leaves."""
    done: dict[Any, Any] = {}
    for part in interface.postorder(term):
        done[part] = encode(part, done)
    return done[term]


# let and return: the metalanguage and call by push value


def returning(value: Any) -> Any:
    """Return the program that returns a value: [M] ``return V = [V]``; a thunk is a program as a value."""
    return push(value)


def let(name: str, first: Any, then: Any) -> Any:
    """Return the program that runs ``first`` and names what it returns: [M] ``let x = N in M = N;⟨x⟩.M``.

    >>> from symnum.rewriting.machines import fmc
    >>> let("x", returning(2), fmc.parse("[x + 1]"))
    [2].⟨x⟩.[x + 1]
    """
    return compose(program(first), function(name, then))


def function(name: str, body: Any) -> Any:
    """Return the program that takes an argument: [M] ``λx.M = ⟨x⟩.M``."""
    return pop(MAIN, name, abstract(program(body), interned.symbol(name)))


def apply(term: Any, value: Any) -> Any:
    """Return a function applied to a value: [M] ``V'M = [V].M``."""
    return push(value, MAIN, program(term))


def force(value: Any) -> Any:
    """Return the program that runs a thunk: [M] ``force V``."""
    return program(value)


# the store and input and output


def get_cell(location: str) -> Any:
    """Return the program that copies a cell to λ: [C] ``get c = c⟨x⟩.[x]c.[x]``.

    >>> get_cell("c")
    c⟨x⟩.[x]c.[x]
    """
    return pop(location, "x", push(run(index(0)), location, push(run(index(0)))))


def set_cell(location: str) -> Any:
    """Return the program that moves the top of λ into a cell: [C] ``set c = ⟨x⟩.c⟨_⟩.[x]c``.

    >>> set_cell("c")
    ⟨x⟩.c⟨_⟩.[x]c
    """
    return pop(MAIN, "x", pop(location, "_", push(run(index(1)), location)))


def assign(location: str, value: Any) -> Any:
    """Return the program that puts a value into a cell: [M] ``c:=N = c⟨_⟩.[N]c``."""
    return pop(location, "_", push(value, location))


def read(location: str = "in", *, by: str = "value") -> Any:
    """Return the program that reads: [C] ``in⟨x⟩.[x]`` by value, and ``in⟨x⟩.x`` by name."""
    if by not in ("value", "name"):
        raise ValueError(f"reading is by 'value' or by 'name', but got {by!r}; write by='value'")
    return pop(location, "x", push(run(index(0))) if by == "value" else run(index(0)))


def write(value: Any, location: str = "out") -> Any:
    """Return the program that writes a value: [C] ``[N]out``."""
    return push(value, atom(location))


@dataclass(frozen=True, slots=True)
class Law:
    """Hold an equation between programs, as text; ``by`` names the rules that prove it."""

    name: str
    left: str
    right: str
    by: str


STORE_LAWS = (
    Law("set-set", "c⟨_⟩.[N]c.c⟨_⟩.[Q]c.M", "c⟨_⟩.[Q]c.M", "beta"),
    Law("set-get", "c⟨_⟩.[N]c.c⟨x⟩.[x]c.[x].M", "c⟨_⟩.[N]c.[N].M", "beta"),
    Law("get-get", "c⟨x⟩.[x]c.c⟨y⟩.[y]c.[x].[y].M", "c⟨x⟩.[x]c.[x].[x].M", "beta"),
    Law("get-set", "c⟨x⟩.[x]c.c⟨_⟩.[x]c.M", "M", "beta, eta"),
    Law("two cells", "c⟨_⟩.[N]c.d⟨_⟩.[Q]d.M", "d⟨_⟩.[Q]d.c⟨_⟩.[N]c.M", "passage, permutation"),
)
"""The laws of a store, all by reduction: tests run them."""
