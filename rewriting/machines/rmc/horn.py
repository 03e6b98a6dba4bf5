"""Horn clauses as programs of the relational machine.

Goals are values on a stack.  A clause ``H :- B1, ..., Bn`` with the variables x is ``new x. <H>; [Bn]; ...; [B1]``, a program the star
of the sum P of its clauses, and a query ``G1, ..., Gk`` is ``[end]; [Gk]; ...; [G1]; P*; <end>`` with its variables free.  Depth first, a
star left before it is entered, this is Prolog's search in Prolog's order, with the occurs check; there is no cut and no negation [R].

Primitive goals (``=``, ``is``, comparisons) at the beginning of a body are asked for at once, before the other goals are pushed, which is
when Prolog asks for them; later ones are pushed as goals, and P has a clause for each that is used so.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from symnum.backends import interned
from symnum.rewriting.machines.nodes import Node, call, variable
from symnum.rewriting.machines.rmc.primitives import COMPARISONS, OPERATIONS, TESTS, primitive
from symnum.rewriting.machines.rmc.prolog_reader import Clause, Term, clauses, goals
from symnum.rewriting.machines.rmc.symbols import symbol
from symnum.rewriting.machines.rmc.syntax import SEQ, new, plus, pop, push, star, test, zero
from symnum.text.tokens import ParseError

LIBRARY = """
append([], Y, Y).
append([H|T], Y, [H|Z]) :- append(T, Y, Z).
member(X, [X|_]).
member(X, [_|T]) :- member(X, T).
select(X, [X|T], T).
select(X, [H|T], [H|R]) :- select(X, T, R).
permutation([], []).
permutation(L, [H|T]) :- select(H, L, R), permutation(R, T).
reverse(L, R) :- reverse(L, [], R).
reverse([], R, R).
reverse([H|T], A, R) :- reverse(T, [H|A], R).
between(L, H, L) :- L =< H.
between(L, H, X) :- L < H, M is L + 1, between(M, H, X).
numlist(L, H, []) :- L > H.
numlist(L, H, [L|T]) :- L =< H, M is L + 1, numlist(M, H, T).
"""
"""Predicates that a program may use without defining them."""

PRIMITIVES = {
    "true/0",
    "fail/0",
    "false/0",
    "=/2",
    "is/2",
    *(f"{c}/2" for c in COMPARISONS),
    *(f"{n}/{a}" for n, a in TESTS),
}
"""The predicates that the machine computes itself."""

_NOT_HORN = {
    "!/0": "a cut is outside of Horn clauses; make the clauses exclude each other, by their first arguments or by a test",
    "\\+/1": "negation is outside of Horn clauses; say what holds instead, as in X \\== Y or X =\\= Y",
    ";/2": "alternatives are written as two clauses here",
    "->/2": "if-then-else is outside of Horn clauses; write one clause for each case, with a test that tells them apart",
    "call/1": "call/1 is outside of Horn clauses; name the goal itself",
    "not/1": "negation is outside of Horn clauses; say what holds instead, as in X \\== Y or X =\\= Y",
    "findall/3": "findall/3 is outside of Horn clauses; collect the answers of the query instead",
}  # fmt: skip


@dataclass(frozen=True)
class Query:
    """A program to run: ``program`` is a relational term, ``variables`` the names in the query that answers are about."""

    program: Node
    variables: tuple[str, ...]


def encode(program: str, asked: str) -> Query:
    """Encode a program and a query; raises ParseError for text that is wrong, and for predicates that nothing defines.

    >>> encode("p(a).", "p(X)").program
    [end]; [p(X)]; ⟨p(a)⟩*; ⟨end⟩
    """
    written = clauses(program)
    for clause in written:
        if clause.head.indicator in PRIMITIVES or clause.head.indicator in _NOT_HORN:
            raise ParseError(
                f"{clause.head.indicator} is built in and cannot be defined; choose another name",
                program,
                clause.head.offset,
            )
    wanted = goals(asked)
    defined = {clause.head.indicator for clause in written}
    library = _library_for(defined, [(program, written), (asked, [Clause(Term("call", "", 0), wanted)])])
    names = [t.name for t in _variables(wanted)]
    body = _Body(_Variables(), wanted)
    everything = [_encoded(clause) for clause in (*written, *library)]
    deferred = {indicator for c in (*written, *library) for indicator in _deferred(c.goals)} | set(
        _deferred(wanted)
    )
    everything += [_clause_of(indicator) for indicator in sorted(deferred)]
    end = call("end")
    steps = [*body.asked, push(end), *body.pushed, star(plus(*everything)), pop(end)]
    whole = new(body.variables.unnamed, call(SEQ, *steps)) if body.variables.unnamed else call(SEQ, *steps)
    return Query(whole, tuple(dict.fromkeys(n for n in names if n != "_")))


def _library_for(defined: set[str], used: Sequence[tuple[str, Sequence[Clause]]]) -> list[Clause]:
    """Return the clauses of the library that are needed; raises ParseError for a goal that nothing defines."""
    known = _library()
    needed: list[str] = []
    for source, written in used:
        for clause in written:
            for goal in clause.goals:
                if goal.indicator in defined or goal.indicator in PRIMITIVES:
                    if goal.indicator in PRIMITIVES:
                        _check_arithmetic(source, goal)
                elif goal.indicator in known:
                    needed.append(goal.indicator)
                else:
                    _refuse(source, goal, defined, known)
    found: dict[str, list[Clause]] = {}
    while needed:
        indicator = needed.pop()
        if indicator not in found and indicator not in defined:
            found[indicator] = known[indicator]
            needed += [g.indicator for c in known[indicator] for g in c.goals if g.indicator in known]
    return [clause for indicator in known for clause in found.get(indicator, ())]


@lru_cache(maxsize=1)
def _library() -> dict[str, list[Clause]]:
    found: dict[str, list[Clause]] = {}
    for clause in clauses(LIBRARY):
        found.setdefault(clause.head.indicator, []).append(clause)
    return found


def _refuse(source: str, goal: Term, defined: Iterable[str], library: Iterable[str]) -> NoReturn:
    """Raise ParseError for a goal that nothing defines, with what there is."""
    if goal.indicator in _NOT_HORN:
        raise ParseError(_NOT_HORN[goal.indicator], source, goal.offset)
    there = [*defined, *library, *PRIMITIVES]
    near = difflib.get_close_matches(goal.indicator, there, 3)
    own = ", ".join(sorted(defined)[:20]) or "nothing"
    raise ParseError(
        f"no clause defines {goal.indicator}{f'; did you mean {near[0]}?' if near else ''} The program defines {own}; "
        f"the library {', '.join(library)}; built in are {', '.join(sorted(PRIMITIVES))}",
        source,
        goal.offset,
    )


def _check_arithmetic(source: str, goal: Term) -> None:
    """Raise ParseError for an operation that arithmetic does not have."""
    expressions = (
        goal.arguments[1:] if goal.name == "is" else goal.arguments if goal.name in COMPARISONS else ()
    )
    stack = list(expressions)
    while stack:
        part = stack.pop()
        if part.kind == "call":
            if (part.name, len(part.arguments)) not in OPERATIONS:
                known = ", ".join(f"{name}/{arity}" for name, arity in OPERATIONS)
                raise ParseError(
                    f"arithmetic has no {part.indicator}; there are integers, {known}", source, part.offset
                )
            stack.extend(part.arguments)


class _Variables:
    """The unknowns for the variables of a clause; each ``_`` is one of its own."""

    def __init__(self) -> None:
        self.unnamed: list[str] = []

    def unknown(self, name: str) -> Node:
        """Return the unknown for a variable."""
        if name == "_":
            name = f"_{len(self.unnamed)}_"
            self.unnamed.append(name)
        return variable(name)

    def value(self, term: Term) -> Any:
        """Return a term as a value; a deep one needs no recursion."""
        values: list[Any] = []
        stack: list[tuple[Term, bool]] = [(term, False)]
        while stack:
            part, ready = stack.pop()
            if part.kind == "variable":
                values.append(self.unknown(part.name))
            elif part.kind == "integer":
                values.append(interned.number(int(part.name)))
            elif not ready and part.arguments:
                stack.append((part, True))
                stack.extend((argument, False) for argument in reversed(part.arguments))
            else:
                first = len(values) - len(part.arguments)
                values[first:] = [call(symbol(part.name), *values[first:])]
        return values[0]


class _Body:
    """The goals of a clause: ``asked`` are the steps for primitive goals at its beginning, ``pushed`` those that push the others."""

    def __init__(self, variables: _Variables, written: Sequence[Term]) -> None:
        self.variables = variables
        first = _primitives_first(written)
        self.asked = [step for goal in written[:first] for step in self._asked(goal)]
        self.pushed = [
            push(variables.value(goal)) for goal in reversed(written[first:]) if goal.indicator != "true/0"
        ]

    def _asked(self, goal: Term) -> Iterator[Node]:
        values = [self.variables.value(argument) for argument in goal.arguments]
        if goal.indicator in ("fail/0", "false/0"):
            yield zero
        elif goal.name == "=":
            yield test(*values)
        elif goal.indicator != "true/0":
            yield primitive(goal.name, *values)


def _primitives_first(written: Sequence[Term]) -> int:
    """Return how many goals at the beginning of a body are primitive."""
    return next((i for i, goal in enumerate(written) if goal.indicator not in PRIMITIVES), len(written))


def _deferred(written: Sequence[Term]) -> list[str]:
    """Return the primitive goals of a body that are pushed."""
    rest = written[_primitives_first(written) :]
    return [
        g.indicator
        for g in rest
        if g.indicator in PRIMITIVES and g.indicator not in ("true/0", "fail/0", "false/0")
    ]


def _clause_of(indicator: str) -> Node:
    """Return the clause by which a primitive goal is asked for when its turn comes."""
    name, _, arity = indicator.rpartition("/")
    if name == "=":
        return new("x", pop(call(symbol("="), variable("x"), variable("x"))))
    names = [variable(f"x{i}") for i in range(int(arity))]
    return new(names, call(SEQ, pop(call(symbol(name), *names)), primitive(name, *names)))


def _encoded(clause: Clause) -> Node:
    """Return the program of a clause."""
    variables = _Variables()
    head = pop(variables.value(clause.head))
    body = _Body(variables, clause.goals)
    names = dict.fromkeys(t.name for t in _variables((clause.head, *clause.goals)) if t.name != "_")
    unknowns = [*names, *variables.unnamed]
    steps = call(SEQ, head, *body.asked, *body.pushed)
    return new(unknowns, steps) if unknowns else steps


def _variables(terms: Iterable[Term]) -> Iterator[Term]:
    """Yield the variables of terms from left to right, as often as they occur."""
    stack = list(terms)[::-1]
    while stack:
        part = stack.pop()
        if part.kind == "variable":
            yield part
        stack.extend(reversed(part.arguments))
