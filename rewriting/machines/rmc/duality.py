"""The dual of a program: its converse as a relation between memories [R: exact clauses; C: existence]."""

from __future__ import annotations

from symnum.rewriting.machines.nodes import Node, call
from symnum.rewriting.machines.rmc.syntax import NEW, POP, PUSH, SEQ, as_program, parts


def dual(program: Node | str) -> Node:
    """Return the program that relates outputs to inputs: sequences turn round, pushes and pops change places.

    The dual of the dual is the program itself, and the dual denotes the converse relation.

    >>> dual("∃x. ⟨x⟩; ([f(x)]a; b⟨c⟩)*; [d]")
    ∃x. ⟨d⟩; ([c]b; a⟨f(x)⟩)*; [x]
    """
    root = as_program(program)
    done: dict[int, Node] = {}
    stack = [root]
    while stack:
        term = stack[-1]
        inner = [part for part, _ in parts(term)]
        missing = [part for part in inner if id(part) not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if id(term) not in done:
            done[id(term)] = _turned(term, [done[id(part)] for part in inner])
    return done[id(root)]


def _turned(term: Node, inner: list[Node]) -> Node:
    head = term.head.name
    if head == PUSH:
        return call(POP, term.args[1], term.args[0])
    if head == POP:
        return call(PUSH, term.args[1], term.args[0])
    if head == SEQ:
        return call(SEQ, *reversed(inner))
    if head == NEW:
        return call(NEW, term.args[0], *inner)
    return call(head, *inner) if inner else term
