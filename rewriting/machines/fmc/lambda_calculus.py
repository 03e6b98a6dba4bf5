"""The lambda calculus: terms, reading and writing, an evaluator by name and one by value.

The evaluators work on lambda terms and know nothing of programs, so that they can tell whether the encodings of
:mod:`symnum.rewriting.machines.fmc.encodings` are right.

>>> term = parse_lambda(r"(\\x y. x) (\\z. z)")
>>> term, evaluate_by_name(term)
((λx y. x) (λz. z), λy z. z)
"""

from __future__ import annotations

from typing import Any

from symnum import term as interface
from symnum.backends import interned
from symnum.rewriting.machines.binding import free_bound, free_indices, instantiate
from symnum.rewriting.machines.nodes import call, declare, hint, index, is_head, is_index, spell
from symnum.rewriting.machines.text import Reader

ABSTRACTION = declare("lambda.abs", arity=2, binds=(0, 1))
APPLICATION = declare("lambda.app", arity=2)

_SIGNS = {"λ": "λ", "\\": "λ", ".": ".", "(": "(", ")": ")"}


class NoValueError(RuntimeError):
    """Say that an evaluation did not end within its limit of steps."""


def abstraction(name: str, body: Any) -> Any:
    """Return λname. body, where index 0 of the body is the variable."""
    return call("lambda.abs", hint(name), body)


def application(function: Any, argument: Any) -> Any:
    """Return the application of a function to an argument."""
    return call("lambda.app", function, argument)


def parse_lambda(text: str) -> Any:
    r"""Read a lambda term: ``λx y. x y`` or ``\x y. x y``; a free name is a symbol.  Raises ParseError with line and column.

    >>> parse_lambda(r"\x. x (y x)")
    λx. x (y x)
    """
    reader = Reader(text, _SIGNS)
    scope: list[str] = []
    # what is open: a bracket or the names of an abstraction, and the application that has been read within it so far
    frames: list[tuple[Any, list[Any]]] = [(None, [])]
    while True:
        items = frames[-1][1]
        if reader.is_at("λ"):
            reader.take()
            names = [reader.name("a variable").text]
            while reader.token.kind == "name":
                names.append(reader.take().text)
            reader.expect(".", "after the variables of a λ")
            scope.extend(names)
            frames.append((names, []))
        elif reader.is_at("("):
            frames.append((reader.take(), []))
        elif reader.token.kind == "name":
            items.append(_leaf(reader.take().text, scope))
        elif not items:
            reader.refuse("a term is needed: x, λx. x, or a term in brackets")
        elif reader.is_at(")") or reader.token.kind == "end":
            made = _applied(items)
            opened = frames.pop()[0]
            if isinstance(opened, list):
                for name in reversed(opened):
                    scope.pop()
                    made = abstraction(name, made)
            elif opened is None:
                if reader.token.kind != "end":
                    reader.refuse("no bracket is open")
                return made
            elif reader.token.kind == "end":
                reader.refuse(f"')' is needed to close the bracket of column {opened.column}")
            else:
                reader.take()
            frames[-1][1].append(made)
        else:
            reader.refuse("a term is needed")


def _leaf(name: str, scope: list[str]) -> Any:
    for k, known in enumerate(reversed(scope)):
        if known == name:
            return index(k)
    return interned.symbol(name)


def _applied(items: list[Any]) -> Any:
    made = items[0]
    for argument in items[1:]:
        made = application(made, argument)
    return made


def lambda_text(term: Any) -> str:
    """Write a lambda term, with the names of its variables as far as they are not mistaken for others."""
    fixed = {interface.name(s) for s in interface.free_symbols(term) if interface.backend_of(s) != "machines"}
    scope: list[str] = [f"v{k}" for k in range(free_bound(term))][::-1]
    pieces: list[str] = []
    leave = object()
    stack: list[Any] = [(term, "top")]
    while stack:
        item = stack.pop()
        if item is leave:
            scope.pop()
        elif isinstance(item, str):
            pieces.append(item)
        elif is_head(item[0], "lambda.app"):
            function, argument = item[0].args
            parts: tuple[Any, ...] = ((function, "function"), " ", (argument, "argument"))
            stack.extend(reversed(("(", *parts, ")") if item[1] == "argument" else parts))
        elif is_head(item[0], "lambda.abs"):
            body, names = item[0], []
            while is_head(body, "lambda.abs"):
                wanted = body.args[0].leaf[1] or "x"
                name, k = wanted, 0
                while name in fixed or (name in scope and body.args[1].free > 1):
                    name, k = f"{wanted}{k + 1}", k + 1
                names.append(name)
                scope.append(name)
                body = body.args[1]
            parts = (f"λ{' '.join(names)}. ", (body, "top"), *[leave] * len(names))
            stack.extend(reversed(parts if item[1] == "top" else ("(", *parts, ")")))
        else:
            pieces.append(scope[-1 - item[0].leaf[1]] if is_index(item[0]) else str(item[0]))
    return "".join(pieces)


spell("lambda", lambda_text)


def evaluate_by_name(term: Any, limit: int = 10_000) -> Any:
    """Return the weak head normal form of a closed or open term; raises NoValueError after ``limit`` steps.

    Krivine's machine: an application pushes its argument, unevaluated, and an abstraction pops one.
    """
    current: Any = term
    environment: Any = None
    arguments: list[Any] = []
    for _ in range(limit):
        if is_head(current, "lambda.app"):
            arguments.append((current.args[1], environment))
            current = current.args[0]
        elif is_head(current, "lambda.abs") and arguments:
            environment = (arguments.pop(), environment)
            current = current.args[1]
        elif is_index(current):
            current, environment = _found(environment, current.leaf[1])
        else:
            made = _read((current, environment))
            while arguments:
                made = application(made, _read(arguments.pop()))
            return made
    raise NoValueError(
        f"{lambda_text(term)} has no weak head normal form within {limit:,} steps; pass a higher limit"
    )


def evaluate_by_value(term: Any, limit: int = 10_000) -> Any:
    """Return the value of a closed term, arguments before functions; raises NoValueError after ``limit`` steps.

    The machine of Landin and Felleisen with closures; a symbol in the place of a function raises TypeError.
    """
    current: Any = term
    environment: Any = None
    waiting: list[tuple[str, Any, Any]] = []
    for _ in range(limit):
        if is_head(current, "lambda.app"):
            waiting.append(("function", current.args[0], environment))
            current = current.args[1]
            continue
        value = _found(environment, current.leaf[1]) if is_index(current) else (current, environment)
        if not waiting:
            return _read(value)
        kind, then, kept = waiting.pop()
        if kind == "function":
            waiting.append(("apply", value, None))
            current, environment = then, kept
            continue
        function, closed = value
        if not is_head(function, "lambda.abs"):
            raise TypeError(f"{_read(value)!s} is applied but is no function; evaluate a closed term")
        current, environment = function.args[1], (then, closed)
    raise NoValueError(f"{lambda_text(term)} has no value within {limit:,} steps; pass a higher limit")


def _found(environment: Any, k: int) -> Any:
    for _ in range(k):
        environment = environment[1]
    return environment[0]


def _read(closure: Any) -> Any:
    """Return the term of a closure."""
    done: dict[int, Any] = {}
    kept: list[Any] = []
    stack = [closure]
    while stack:
        current = stack[-1]
        if id(current) in done:
            stack.pop()
            continue
        term, environment = current
        needed = {k: _found(environment, k) for k in free_indices(term)}
        missing = [c for c in needed.values() if id(c) not in done]
        if missing:
            stack.extend(missing)
            continue
        values = [done[id(needed[k])] if k in needed else index(0) for k in range(free_bound(term))]
        done[id(current)] = instantiate(term, values)
        kept.append(stack.pop())  # an identity is good only as long as its object is
    return done[id(closure)]


def church(n: int) -> Any:
    """Return the numeral λf x. f (f ... (f x)).

    >>> church(2)
    λf x. f (f x)
    """
    body: Any = index(0)
    for _ in range(n):
        body = application(index(1), body)
    return abstraction("f", abstraction("x", body))
