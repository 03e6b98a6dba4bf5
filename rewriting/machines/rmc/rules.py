"""Reduction rules of the relational machine calculus, as data for the shared strategies.

They orient the equations of section 2.5 of the specification, with tests ``s == t`` as a constructor, so that every rule is local [R].
All are modulo associativity of ; and +, commutativity of + (no idempotence) and the names of bound variables, which construction takes
care of; the order of adjacent ``new``s and of steps of one kind at different locations is left as it is.

A closed star-free program ends as a sum of ``new x1 ... xn. pops; pushes``, whatever the order in which the rules are applied: measured
on random programs, equal to the spans of one symbolic run.  Inside a star everything is reduced; the star itself stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from symnum import term as interface
from symnum.rewriting.machines.binding import instantiate, replaced, shift, uses
from symnum.rewriting.machines.nodes import Node, call, index, is_head, is_index, is_variable
from symnum.rewriting.machines.rmc.syntax import (
    NEW,
    POP,
    PUSH,
    SEQ,
    SKIP,
    STAR,
    SUM,
    TEST,
    ZERO,
    is_program,
    location_of,
    skip,
    value_of,
    zero,
)


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction rule: a name, the law in text, and a function from a program to all that the rule makes of it at its top.

    Calling the rule gives the first result, or None, so that it is a rewriter for any strategy.
    """

    name: str
    law: str
    results: Callable[[Any], Iterator[Any]]

    def __call__(self, term: Any) -> Any | None:
        return next(self.results(term), None) if is_program(term) else None

    def __repr__(self) -> str:
        return f"<rule {self.name!r}: {self.law}>"


def _with(args: tuple[Any, ...], start: int, end: int, *new: Any) -> Any:
    """Return a sequence with the steps from ``start`` to ``end`` replaced."""
    return call(SEQ, *args[:start], *new, *args[end:])


def _zero(term: Node) -> Iterator[Node]:
    head, args = term.head.name, term.args
    if (head == SEQ and any(is_head(a, ZERO) for a in args)) or (head == NEW and is_head(args[1], ZERO)):
        yield zero
    elif head == STAR and is_head(args[0], ZERO):
        yield skip


def _idle(term: Node) -> Iterator[Node]:
    if term.head.name == STAR and is_head(term.args[0], SKIP):
        yield skip


def _distribute(term: Node) -> Iterator[Node]:
    head, args = term.head.name, term.args
    if head == SEQ:
        for i, part in enumerate(args):
            if is_head(part, SUM):
                yield call(SUM, *[_with(args, i, i + 1, choice) for choice in part.args])
    elif head == NEW and is_head(args[1], SUM):
        yield call(SUM, *[call(NEW, args[0], choice) for choice in args[1].args])


def _leading_tests(args: tuple[Any, ...]) -> int:
    return next((i for i, part in enumerate(args) if not is_head(part, TEST)), len(args))


def _extrude(term: Node) -> Iterator[Node]:
    if term.head.name != SEQ:
        return
    args = term.args
    first = _leading_tests(args)
    for i in range(first, len(args)):
        if is_head(args[i], NEW) and (i > first or i + 1 < len(args)):
            name, body = args[i].args
            inner = [shift(a, 1) for a in args[first:i]], [shift(a, 1) for a in args[i + 1 :]]
            yield call(SEQ, *args[:first], call(NEW, name, call(SEQ, *inner[0], body, *inner[1])))


def _collect(term: Node) -> Iterator[Node]:
    if term.head.name == NEW and not uses(term.args[1], 0):
        yield shift(term.args[1], -1)


def _pairs(term: Node, first: str, second: str) -> Iterator[tuple[int, Node, Node]]:
    if term.head.name == SEQ:
        for i, (one, two) in enumerate(zip(term.args, term.args[1:])):
            if is_head(one, first) and is_head(two, second):
                yield i, one, two


def _swap(term: Node) -> Iterator[Node]:
    for i, pushed, popped in _pairs(term, PUSH, POP):
        if location_of(pushed) != location_of(popped):
            yield _with(term.args, i, i + 2, popped, pushed)


def _meet(term: Node) -> Iterator[Node]:
    for i, pushed, popped in _pairs(term, PUSH, POP):
        if location_of(pushed) == location_of(popped):
            yield _with(term.args, i, i + 2, call(TEST, value_of(pushed), value_of(popped)))


def _trivial(term: Node) -> Iterator[Node]:
    if term.head.name == TEST and interface.key(term.args[0]) == interface.key(term.args[1]):
        yield skip


def is_unknown(term: Any) -> bool:
    """Tell whether a value is an unknown, bound or free."""
    return is_index(term) or is_variable(term)


def _decompose(term: Node) -> Iterator[Node]:
    if term.head.name != TEST:
        return
    left, right = term.args
    if is_unknown(left) or is_unknown(right) or interface.key(left) == interface.key(right):
        return
    if interface.is_call(left) and interface.is_call(right) and interface.head(left) == interface.head(right):
        one, two = interface.sorted_args(left), interface.sorted_args(right)
        if len(one) == len(two):
            yield call(SEQ, *[call(TEST, s, t) for s, t in zip(one, two)])


def _clash(term: Node) -> Iterator[Node]:
    if term.head.name != TEST:
        return
    left, right = term.args
    if is_unknown(left) or is_unknown(right) or interface.key(left) == interface.key(right):
        return
    if next(_decompose(term), None) is None:
        yield zero


def _occurs(term: Node) -> Iterator[Node]:
    if term.head.name != TEST:
        return
    for unknown, value in (term.args, term.args[::-1]):
        if is_unknown(unknown) and not is_unknown(value) and _is_in(unknown, value):
            yield zero


def _is_in(unknown: Node, value: Any) -> bool:
    return any(part is unknown for part in interface.postorder(value))


def _central(term: Node) -> Iterator[Node]:
    if term.head.name == SEQ:
        for i, (one, two) in enumerate(zip(term.args, term.args[1:])):
            if is_head(two, TEST) and not is_head(one, TEST):
                yield _with(term.args, i, i + 2, two, one)


def _steps(program: Node) -> tuple[Any, ...]:
    return program.args if program.head.name == SEQ else (program,)


def _float(term: Node) -> Iterator[Node]:
    if term.head.name != NEW:
        return
    name, body = term.args
    steps = _steps(body)
    for i in range(_leading_tests(steps)):
        if not uses(steps[i], 0):
            yield call(SEQ, shift(steps[i], -1), call(NEW, name, _with(steps, i, i + 1)))


def _bind(term: Node) -> Iterator[Node]:
    """Look through the ``new``s directly below for a test that says what the outermost unknown is."""
    if term.head.name != NEW:
        return
    names: list[Any] = []
    body = term.args[1]
    while is_head(body, NEW):
        names.append(body.args[0])
        body = body.args[1]
    k = len(names)
    steps = _steps(body)
    for i in range(_leading_tests(steps)):
        for unknown, value in (steps[i].args, steps[i].args[::-1]):
            if is_index(unknown) and unknown.leaf[1] == k and not uses(value, k):
                rest = _with(steps, i, i + 1)
                # the unknown gives way to its value, and what is bound further out moves in
                made = instantiate(_innermost(rest, k), [_innermost(value, k, gone=True)])
                for name in reversed(names):
                    made = call(NEW, name, made)
                yield made


def _innermost(term: Any, k: int, *, gone: bool = False) -> Any:
    """Return a term with index k made the innermost, or, if it does not occur, with the indices beyond it lowered by one."""

    def moved(leaf: Any, depth: int) -> Any:
        if not is_index(leaf) or leaf.leaf[1] < depth:
            return leaf
        n = leaf.leaf[1] - depth
        if gone:
            return index(n - 1 + depth) if n > k else leaf
        return index((0 if n == k else n + 1 if n < k else n) + depth)

    return replaced(term, moved, lambda part, depth: not isinstance(part, Node) or part.free <= depth)


def _solve(term: Node) -> Iterator[Node]:
    """Put what a test says of an unknown from outside for it in all that follows and in the other tests."""
    if term.head.name != SEQ:
        return
    steps = term.args
    for i in range(_leading_tests(steps)):
        pair = steps[i].args
        for unknown, value in (pair, pair[::-1]):
            if (
                not is_unknown(unknown)
                or _is_in(unknown, value)
                or (is_unknown(value) and not _gives_way(unknown, value))
            ):
                continue
            others = [*steps[:i], *steps[i + 1 :]]
            new = [_put(other, unknown, value) for other in others]
            if any(a != b for a, b in zip(new, others)):
                yield call(SEQ, *new[:i], steps[i], *new[i:])


def _gives_way(unknown: Node, other: Node) -> bool:
    """Tell which of two unknowns is replaced by the other: inner ones before outer ones, bound ones before free ones, then by name."""
    assert unknown.leaf is not None and other.leaf is not None
    if is_index(unknown) and is_index(other):
        return unknown.leaf[1] < other.leaf[1]
    return is_index(unknown) or (not is_index(other) and str(unknown) > str(other))


def _put(term: Any, unknown: Node, value: Any) -> Any:
    def put(leaf: Any, depth: int) -> Any:
        here = index(unknown.leaf[1] + depth) if is_index(unknown) else unknown  # type: ignore[index]  # a leaf
        return shift(value, depth) if leaf is here else leaf

    return replaced(term, put, lambda part, depth: False)


RULES: tuple[Reduction, ...] = (
    Reduction("zero", "0; M -> 0,  M; 0 -> 0,  new x. 0 -> 0,  0* -> skip", _zero),
    Reduction("idle", "skip* -> skip, which changes how often an answer is found, but not which", _idle),
    Reduction("triv", "t == t -> skip", _trivial),
    Reduction("clash", "f(...) == g(...) -> 0", _clash),
    Reduction("occurs", "x == t -> 0 if x is in t and is not t", _occurs),
    Reduction("decomp", "f(s1, ..., sn) == f(t1, ..., tn) -> s1 == t1; ...; sn == tn", _decompose),
    Reduction(
        "dist",
        "(M + N); P -> M; P + N; P,  P; (M + N) -> P; M + P; N,  new x. (M + N) -> new x. M + new x. N",
        _distribute,
    ),
    Reduction("meet", "[s]a; a<t> -> s == t", _meet),
    Reduction("swap", "[s]a; b<t> -> b<t>; [s]a if a is not b", _swap),
    Reduction("central", "M; s == t -> s == t; M", _central),
    Reduction(
        "extrude",
        "(new x. M); N -> new x. (M; N),  N; (new x. M) -> new x. (N; M) if x is not in N",
        _extrude,
    ),
    Reduction("float", "new x. (s == t; M) -> s == t; new x. M if x is not in s, t", _float),
    Reduction("bind", "new x. (x == t; M) -> {t/x}M if x is not in t", _bind),
    Reduction("gc", "new x. M -> M if x is not in M", _collect),
    Reduction("solve", "x == t; M -> x == t; {t/x}M if x is bound outside, and not in t", _solve),
)
"""The rules, in the order in which they are tried; every order ends in the same normal form."""
