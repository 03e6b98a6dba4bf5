"""The machine of the Functional Machine Calculus with environments: no substitution, so that a step takes constant time.

[R] The standard step of Krivine's machine: a closure is (term, environment), an environment (closure, rest) or None.  Push stores
(N, E), pop extends E, and a variable runs what it stands for, with the rest of the program as continuation:

    (S, x.M, E, K) → (S, N, E', (⋆→M, E)·K)   if E(x) = (N, E')

A formula is worked out when it is pushed.  Tests hold the results, pushes and pops to those of the machine by substitution.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from symnum.rewriting.machines.binding import free_indices, instantiate
from symnum.rewriting.machines.fmc.memory import Stream
from symnum.rewriting.machines.fmc.substitution import StuckError, popped_from, truth
from symnum.rewriting.machines.fmc.syntax import (
    CASE,
    DONE,
    EXIT,
    LOOP,
    POP,
    PUSH,
    SKIP,
    build,
    run,
    trouble,
    value_of,
)
from symnum.rewriting.machines.nodes import Node, is_index, make

Closure = tuple[Any, Any]
"""A term and the environment of its free indices."""


class EnvironmentMachine:
    """Run a program with closures; what a user sees is read back as terms."""

    def __init__(self, program: Any, memory: dict[str, list[Any] | Stream]) -> None:
        self.term = program
        self.environment: Any = None
        self.memory: dict[str, Any] = {
            a: s if isinstance(s, Stream) else [(term, None) for term in s] for a, s in memory.items()
        }
        self.continuation: list[tuple[Any, Any, Any]] = []

    def step(self) -> str:
        """Make one step and return the name of its rule, or "" at the end; raises StuckError where no rule applies."""
        term = self.term
        head, args = term.head, term.args
        if head is PUSH:
            self.memory.setdefault(args[1].leaf[1], []).append(self._closure(args[0]))
            self.term = args[2]
            return "push"
        if head is POP:
            popped = popped_from(self.memory, args[0].leaf[1])
            self.environment = (popped if type(popped) is tuple else (popped, None), self.environment)
            self.term = args[2]
            return "pop"
        if head is EXIT:
            if not self.continuation:
                return ""
            label, then, environment = self.continuation.pop()
            if label is not args[0]:
                return "skip"
            self.term, self.environment = then, environment
            return "select"
        if head is CASE:
            self.continuation.append((args[1], args[2], self.environment))
            self.term = args[0]
            return "case"
        if head is LOOP:
            self.continuation.append((args[1], term, self.environment))
            self.term = args[0]
            return "loop"
        value, rest = args
        if not is_index(value):
            self.term = truth(value_of(self._closure(run(value))[0]))
            return "truth"
        if rest is not SKIP:
            self.continuation.append((DONE, rest, self.environment))
        self.term, self.environment = _found(self.environment, value.leaf[1])
        return "run"

    def _closure(self, term: Any) -> Closure:
        """Return what is pushed: what a variable stands for, the value of a formula, or a term with its environment."""
        value = value_of(term)
        if value is None:
            return term, self.environment if term.free else None
        if is_index(value):
            return _found(self.environment, value.leaf[1])
        known = self._worked_out(value) if term.free else None
        if known is not None:
            return run(known), None
        closed = read_back((term, self.environment)) if term.free else term
        why = trouble(value_of(closed))
        if why is not None:
            raise StuckError("push", why)
        return closed, None

    def _worked_out(self, formula: Any) -> Any | None:
        """Return the value of a formula of numbers and variables, or None for a larger one, or one that has none."""
        given = []
        for arg in formula.args:
            if is_index(arg):
                arg = value_of(_found(self.environment, arg.leaf[1])[0])
            if arg is None or isinstance(arg, Node):
                return None
            given.append(arg)
        try:
            return make(formula.head.name, given)
        except (TypeError, ValueError, ArithmeticError):
            return None  # the long way says why

    def stacks(self) -> dict[str, list[Any]]:
        """Return the stacks read back as terms, of streams what was pushed and not popped."""
        memo: dict[int, Any] = {}
        return {
            a: [_term(thing, memo) for thing in (s.pushed if isinstance(s, Stream) else s)]
            for a, s in self.memory.items()
        }

    def current(self) -> Any:
        """Return the term that runs, read back."""
        return read_back((self.term, self.environment))

    def waiting(self, most: int) -> list[tuple[str, Any]]:
        """Return the continuation read back, what comes next first, as (label, term); ``most`` entries of it."""
        return [
            (label.leaf[1], read_back((then, environment)))
            for label, then, environment in islice(reversed(self.continuation), most)
        ]


def _found(environment: Any, k: int) -> Closure:
    for _ in range(k):
        environment = environment[1]
    return environment[0]


def _term(thing: Any, memo: dict[int, Any]) -> Any:
    return read_back(thing, memo) if type(thing) is tuple else thing


def read_back(closure: Closure, memo: dict[int, Any] | None = None) -> Any:
    """Return the term that a closure stands for, without recursion; closures met before, by identity, are in ``memo``."""
    done = {} if memo is None else memo
    kept = [closure]  # an identity is good only as long as its object is
    stack = [closure]
    while stack:
        current = stack[-1]
        term, environment = current
        if id(current) in done:
            stack.pop()
            continue
        needed = {k: _found(environment, k) for k in free_indices(term)}
        missing = [c for c in needed.values() if id(c) not in done]
        if missing:
            kept.extend(missing)
            stack.extend(missing)
            continue
        values = [done[id(needed[k])] if k in needed else SKIP for k in range(term.free)]
        done[id(current)] = instantiate(term, values, build=build)
        stack.pop()
    return done[id(closure)]
