"""Unification of types: first order, with occurs check, without recursion.

Types are terms: variables for types and for rows (the rest of a stack), ``type.base``, ``type.cons`` (a type on top of a row) and
``type.arrow`` (rows of all locations before, then after for each exit).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from symnum.rewriting.machines.nodes import Node, call, declare, is_head, is_variable, make, variable

BASE = declare("type.base", arity=0)
CONS = declare("type.cons", arity=2)
ARROW = declare("type.arrow")

BASE_TYPE: Any = call("type.base")


class MismatchError(Exception):
    """Say that two types have no common instance: ``left`` and ``right`` are the parts that differ, or one holds the other."""

    def __init__(self, left: Any, right: Any, cyclic: bool) -> None:
        super().__init__(left, right, cyclic)
        self.left, self.right, self.cyclic = left, right, cyclic


class Unifier:
    """Hold what is known about variables so far, as a triangular substitution.

    A ``careful`` unifier looks whether a variable occurs in what it is bound to at once, so that an error comes where it arises.
    Otherwise :meth:`is_cyclic` tells at the end, equal terms are merged on the way, and all takes almost linear time (Huet, 1976).
    """

    def __init__(self, *, careful: bool = True) -> None:
        self.careful = careful
        self.bound: dict[Node, Any] = {}
        self._numbers = count()

    def fresh(self, kind: str) -> Any:
        """Return a new variable, for a "type" or a "row"."""
        return variable(f"{kind}{next(self._numbers)}")

    def walk(self, term: Any) -> Any:
        """Return what a variable is bound to at last, or the term itself."""
        while term in self.bound:
            term = self.bound[term]
        return term

    def bind(self, name: Any, term: Any) -> None:
        """Bind a variable that is known not to occur in the term."""
        self.bound[name] = term

    def unify(self, left: Any, right: Any) -> None:
        """Make two types equal; raises MismatchError where that cannot be."""
        stack = [(left, right)]
        seen: set[tuple[Any, Any]] = set()
        while stack:
            a, b = stack.pop()
            a, b = self.walk(a), self.walk(b)
            if a is b or (a, b) in seen:
                continue
            if is_variable(a) or is_variable(b):
                name, term = (a, b) if is_variable(a) else (b, a)
                if self.careful and self._occurs(name, term):
                    raise MismatchError(name, term, True)
                self.bound[name] = term
            elif a.head is not b.head or len(a.args) != len(b.args):
                raise MismatchError(a, b, False)
            else:
                if self.careful:
                    seen.add((a, b))
                else:
                    self.bound[a] = b
                stack.extend(reversed(list(zip(a.args, b.args))))

    def is_cyclic(self) -> bool:
        """Tell whether something was bound to a term that holds it."""
        entered: dict[Any, bool] = {}
        for root in self.bound:
            stack = [root]
            while stack:
                part = stack[-1]
                if part in entered:
                    entered[stack.pop()] = False
                    continue
                entered[part] = True
                for inner in (self.bound[part],) if part in self.bound else part.args:
                    if inner not in entered:
                        stack.append(inner)
                    elif entered[inner]:
                        return True
        return False

    def _occurs(self, name: Any, term: Any) -> bool:
        seen: set[Any] = set()
        stack = [term]
        while stack:
            part = self.walk(stack.pop())
            if part is name:
                return True
            if part not in seen:
                seen.add(part)
                stack.extend(part.args)
        return False

    def resolved(self, term: Any) -> Any:
        """Return a type with all that is known put in, sharing kept."""
        done: dict[Any, Any] = {}
        stack = [term]
        while stack:
            part = stack[-1]
            if part in done:
                stack.pop()
                continue
            target = self.bound.get(part)
            if target is not None:
                if target in done:
                    done[part] = done[target]
                else:
                    stack.append(target)
                continue
            missing = [a for a in part.args if a not in done]
            if missing:
                stack.extend(missing)
                continue
            done[part] = make(part.head.name, [done[a] for a in part.args]) if part.args else part
        return done[term]


def renamed(term: Any, rename: Callable[[Any], Any]) -> Any:
    """Return a type with its variables renamed."""
    done: dict[Any, Any] = {}
    stack = [term]
    while stack:
        part = stack[-1]
        if part in done:
            stack.pop()
        elif is_variable(part):
            done[part] = rename(part)
        else:
            missing = [a for a in part.args if a not in done]
            stack.extend(missing)
            if not missing:
                done[part] = make(part.head.name, [done[a] for a in part.args]) if part.args else part
    return done[term]


def row(items: list[Any], tail: Any) -> Any:
    """Return the row of some types, the top first, above a tail."""
    for item in reversed(items):
        tail = call("type.cons", item, tail)
    return tail


def split(term: Any) -> tuple[list[Any], Any]:
    """Return the types of a row, the top first, and its tail."""
    items = []
    while is_head(term, "type.cons"):
        items.append(term.args[0])
        term = term.args[1]
    return items, term
