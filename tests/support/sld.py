"""A short SLD solver, the default oracle of Horn programs: it shares the reader of clauses with symnum and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from symnum.rewriting.machines.rmc.prolog_reader import Term, clauses, goals

Bindings = dict[Any, Any]
OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: int(a / b),
    "mod": lambda a, b: a % b,
}
COMPARISONS = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=<": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=:=": lambda a, b: a == b,
    "=\\=": lambda a, b: a != b,
}


def walk(term: Any, bindings: Bindings) -> Any:
    while term[0] == "variable" and term in bindings:
        term = bindings[term]
    return term


def occurs(variable: Any, term: Any, bindings: Bindings) -> bool:
    term = walk(term, bindings)
    return term == variable or (term[0] == "call" and any(occurs(variable, t, bindings) for t in term[2:]))


def unify(one: Any, other: Any, bindings: Bindings) -> Bindings | None:
    one, other = walk(one, bindings), walk(other, bindings)
    if one == other:
        return bindings
    if one[0] == "variable":
        return None if occurs(one, other, bindings) else {**bindings, one: other}
    if other[0] == "variable":
        return unify(other, one, bindings)
    if one[0] != "call" or other[0] != "call" or one[1] != other[1] or len(one) != len(other):
        return None
    found: Bindings | None = bindings
    for a, b in zip(one[2:], other[2:]):
        found = None if found is None else unify(a, b, found)
    return found


def value(term: Any, bindings: Bindings) -> int:
    term = walk(term, bindings)
    if term[0] == "integer":
        return term[1]
    arguments = [value(t, bindings) for t in term[2:]]
    return -arguments[0] if len(arguments) == 1 else OPERATIONS[term[1]](*arguments)


def built(term: Term, version: int) -> Any:
    """Return a term as tuples, its variables marked with a number."""
    if term.kind == "variable":
        return ("variable", term.name if term.name != "_" else f"_{term.offset}", version)
    if term.kind == "integer":
        return ("integer", int(term.name))
    return ("call", term.name, *[built(t, version) for t in term.arguments])


def answers(program: str, query: str) -> Iterator[dict[str, str]]:
    """Yield the answers of a query in Prolog's order, as texts; unknowns are numbered as they occur."""
    known, asked = clauses(program), goals(query)
    versions = itertools.count(1)
    names = [t.name for t in _variables(asked) if t.name != "_"]
    waiting: list[tuple[Any, Bindings]] = [(_stack([built(g, 0) for g in asked], None), {})]
    while waiting:
        goal_stack, bindings = waiting.pop()
        if goal_stack is None:
            yield _texts(dict.fromkeys(names), bindings)
            continue
        goal, rest = goal_stack
        name, arguments = goal[1], goal[2:]
        if name in ("=", "is") or name in COMPARISONS:
            found: Bindings | None = bindings
            if name == "=":
                found = unify(arguments[0], arguments[1], bindings)
            elif name == "is":
                found = unify(arguments[0], ("integer", value(arguments[1], bindings)), bindings)
            elif not COMPARISONS[name](*[value(a, bindings) for a in arguments]):
                found = None
            if found is not None:
                waiting.append((rest, found))
            continue
        follow = []
        for clause in known:
            if clause.head.name == name and len(clause.head.arguments) == len(arguments):
                version = next(versions)
                found = unify(goal, built(clause.head, version), bindings)
                if found is not None:
                    follow.append((_stack([built(g, version) for g in clause.goals], rest), found))
        waiting.extend(reversed(follow))


def _stack(items: list[Any], rest: Any) -> Any:
    for item in reversed(items):
        rest = (item, rest)
    return rest


def _variables(terms: Any) -> Iterator[Term]:
    for term in terms:
        if term.kind == "variable":
            yield term
        yield from _variables(term.arguments)


def _texts(names: dict[str, None], bindings: Bindings) -> dict[str, str]:
    found: dict[Any, str] = {}
    for name in names:
        term = walk(("variable", name, 0), bindings)
        if term[0] == "variable":
            found.setdefault(term, name)
    made = itertools.count()

    def text(term: Any) -> str:
        term = walk(term, bindings)
        if term[0] == "variable":
            if term not in found:
                found[term] = f"_{next(made)}"
            return found[term]
        if term[0] == "integer":
            return str(term[1])
        if term[1] == "[|]":
            items = []
            while term[:2] == ("call", "[|]"):
                items.append(text(term[2]))
                term = walk(term[3], bindings)
            tail = "" if term[:2] == ("call", "[]") else "|" + text(term)
            return f"[{','.join(items)}{tail}]"
        return f"{term[1]}({','.join(map(text, term[2:]))})" if len(term) > 2 else term[1]

    return {name: text(("variable", name, 0)) for name in names}
