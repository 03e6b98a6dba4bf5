"""Most general unifiers with the occurs check, of any terms of the term interface.

A substitution is triangular: a dict {variable: term} whose terms may hold variables that are bound in turn (Baader and Snyder,
"Unification theory", Handbook of Automated Reasoning 2001, section 2.3).  A dict remembers the order of its entries, so that it is its
own trail: :func:`undo` takes the newest bindings off.

Unification is of terms as they stand: two calls unify when their heads are equal and their arguments, in the order of ``sorted_args``,
do.  Terms of symnum hold no unknowns, and their symbols are constants; a call of an operator of symnum whose unknowns have all become
terms of symnum is what symnum makes of it, so that +(X, 2) with X = 3 is 5.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from operator import is_
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS
from symnum.rewriting.machines.nodes import Node, is_variable, make, node

Bindings = dict[Node, Any]
"""A triangular substitution."""


def walk(term: Any, bindings: Bindings) -> Any:
    """Return what a variable stands for as far as its top is known; any other term is itself."""
    while is_variable(term):
        found = bindings.get(term)
        if found is None:
            return term
        term = found
    return term


def undo(bindings: Bindings, size: int) -> None:
    """Take bindings off, newest first, until ``size`` are left."""
    while len(bindings) > size:
        bindings.popitem()


def unbound(root: Any, bindings: Bindings) -> Iterator[Node]:
    """Yield the variables that are left in a term under the bindings, each once, in the order in which they occur.

    >>> from symnum.rewriting.machines.nodes import call, variable
    >>> list(unbound(call("f", variable("X"), variable("Y")), {variable("X"): call("g", variable("Z"))}))
    [Z, Y]
    """
    seen: set[Hashable] = set()
    stack = [root]
    while stack:
        term = walk(stack.pop(), bindings)
        if type(term) is not Node or term.ground or term in seen:
            continue
        seen.add(term)
        if term.leaf is not None:
            yield term
        else:
            stack.extend(reversed(term.args))


def unify(left: Any, right: Any, bindings: Bindings) -> bool:
    """Extend ``bindings`` to a most general unifier of two terms and return True, or leave them as they are and return False.

    >>> from symnum.rewriting.machines.nodes import call, variable
    >>> x, bindings = variable("X"), {}
    >>> unify(call("f", x, 1), call("f", call("a"), 1), bindings), bindings
    (True, {X: a})
    >>> unify(x, call("f", x), {})
    False
    """
    start = len(bindings)
    stack = [(left, right)]
    met: set[tuple[Hashable, Hashable]] = set()
    while stack:
        one, other = stack.pop()
        one, other = walk(one, bindings), walk(other, bindings)
        if one is other:
            continue
        if is_variable(one) or is_variable(other):
            if not is_variable(one) or (is_variable(other) and _is_younger(other, one)):
                one, other = other, one
            if any(part is one for part in unbound(other, bindings)):
                undo(bindings, start)
                return False
            bindings[one] = other
            continue
        pair = interface.key(one), interface.key(other)
        if pair[0] == pair[1] or pair in met:
            continue
        met.add(pair)
        parts = _paired(one, other, bindings)
        if parts is None:
            undo(bindings, start)
            return False
        stack.extend(parts)
    return True


def _is_younger(one: Node, other: Node) -> bool:
    """Tell which of two variables is bound to the other: one that a run made, the newest first, or else the later name."""
    assert one.leaf is not None and other.leaf is not None
    first, second = one.leaf[1], other.leaf[1]
    if isinstance(first, int) and isinstance(second, int):
        return first > second
    return isinstance(first, int) or (isinstance(second, str) and first > second)


def _paired(one: Any, other: Any, bindings: Bindings) -> list[tuple[Any, Any]] | None:
    """Return the pairs that remain to be unified, the last one first, or None for terms that clash."""
    if is_ground(one) and is_ground(other):
        return None
    if interface.is_call(one) and interface.is_call(other) and interface.head(one) == interface.head(other):
        first, second = interface.sorted_args(one), interface.sorted_args(other)
        if len(first) == len(second):
            return list(zip(first, second))[::-1]
    evaluated = [
        resolve(t, bindings) if type(t) is Node and t.head.name in OPERATORS else t for t in (one, other)
    ]
    if all(new is old for new, old in zip(evaluated, (one, other))):
        return None
    return [(evaluated[0], evaluated[1])]


def is_ground(term: Any) -> bool:
    """Tell whether a value has no unknowns; terms of symnum have none."""
    return type(term) is not Node or term.ground


def resolve(root: Any, bindings: Bindings, environment: Sequence[Any] = ()) -> Any:
    """Return a value with all bindings carried out, and bound variables taken from the environment, the innermost last.

    Shared parts stay shared.

    >>> from symnum.rewriting.machines.nodes import call, index, variable
    >>> x, y = variable("X"), variable("Y")
    >>> resolve(call("f", x, y, index(0)), {x: call("g", y), y: call("a")}, [y])
    f(g(a), a, a)
    """
    done: dict[int, Any] = {}
    calls: list[tuple[Node, list[Any]]] = []
    term = root
    while True:
        value = term
        if type(term) is Node and (term.free or not term.ground):
            if term.leaf is not None:
                kind, name = term.leaf
                found = environment[-1 - name] if kind == "index" else bindings.get(term)
                if found is not None:
                    term = found
                    continue
            else:
                value = done.get(id(term))
                if value is None:
                    calls.append((term, []))
                    term = term.args[0]
                    continue
        while calls:
            outer, new = calls[-1]
            new.append(value)
            if len(new) < len(outer.args):
                term = outer.args[len(new)]
                break
            calls.pop()
            if all(map(is_, new, outer.args)):
                value = outer
            else:
                value = (
                    node(outer.head, tuple(new))
                    if outer.head.name not in OPERATORS
                    else make(outer.head.name, new)
                )
            done[id(outer)] = value
        else:
            return value
