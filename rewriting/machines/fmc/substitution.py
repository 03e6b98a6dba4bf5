"""The machine of the Functional Machine Calculus by substitution: small steps, as on paper.

A state is (memory, term, continuation).  Rules, with the tags of :mod:`symnum.rewriting.machines.fmc.syntax`:

=========  ============================================  ============================================  ====
rule       before                                        after                                         tag
=========  ============================================  ============================================  ====
push       (S;S_a, [N]a.M, K)                            (S;S_a·N, M, K)                               [C]
pop        (S;S_a·N, a⟨x⟩.M, K)                          (S;S_a, {N/x}M, K)                            [C]
case       (S, N;i→M, K)                                 (S, N, (i→M)·K)                               [R]
loop       (S, M^i, K)                                   (S, M, (i→M^i)·K)                             [R]
select     (S, i, (i→M)·K)                               (S, M, K)                                     [C]
skip       (S, j, (i→M)·K), j other than i               (S, j, K)                                     [C]
truth      (S, true.M, K), (S, false.M, K)               (S, t, K), (S, f, K)                          [R]
=========  ============================================  ============================================  ====

In cons form there is no continuation: only push and pop occur.  A run ends at (S, i, ε).  The rule truth is an addition of
symnum, so that conditions on numbers (``[n == 0].⟨b⟩.b``) choose a case.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from symnum.rewriting.machines.fmc.memory import Stream
from symnum.rewriting.machines.fmc.syntax import (
    CASE,
    EXIT,
    LOOP,
    POP,
    PUSH,
    exit_with,
    substitute,
    trouble,
    value_of,
)

TRUTH = {True: exit_with("t"), False: exit_with("f")}
"""The exits of the two truth values."""


class StuckError(Exception):
    """Say which rule found nothing to do, within a machine; a run reports it."""

    def __init__(self, rule: str, why: str, location: str = "") -> None:
        super().__init__(why)
        self.rule, self.why, self.location = rule, why, location


class SubstitutionMachine:
    """Run a program by substituting what is popped."""

    def __init__(self, program: Any, memory: dict[str, list[Any] | Stream]) -> None:
        self.term = program
        self.memory = memory
        self.continuation: list[tuple[Any, Any]] = []

    def step(self) -> str:
        """Make one step and return the name of its rule, or "" at the end; raises StuckError where no rule applies."""
        term = self.term
        head, args = term.head, term.args
        if head is PUSH:
            pushed = args[0]
            if (value := value_of(pushed)) is not None and (why := trouble(value)) is not None:
                raise StuckError("push", why)
            self.memory.setdefault(args[1].leaf[1], []).append(pushed)
            self.term = args[2]
            return "push"
        if head is POP:
            self.term = substitute(args[2], popped_from(self.memory, args[0].leaf[1]))
            return "pop"
        if head is EXIT:
            if not self.continuation:
                return ""
            label, then = self.continuation.pop()
            if label is not args[0]:
                return "skip"
            self.term = then
            return "select"
        if head is CASE:
            self.continuation.append((args[1], args[2]))
            self.term = args[0]
            return "case"
        if head is LOOP:
            self.continuation.append((args[1], term))
            self.term = args[0]
            return "loop"
        self.term = truth(args[0])
        return "truth"

    def stacks(self) -> dict[str, list[Any]]:
        """Return a copy of the stacks, of streams what was pushed and not popped."""
        return {a: list(s.pushed if isinstance(s, Stream) else s) for a, s in self.memory.items()}

    def current(self) -> Any:
        """Return the term that runs."""
        return self.term

    def waiting(self, most: int) -> list[tuple[str, Any]]:
        """Return the continuation, what comes next first, as (label, term); ``most`` entries of it."""
        return [(label.leaf[1], then) for label, then in islice(reversed(self.continuation), most)]


def popped_from(memory: dict[str, list[Any] | Stream], location: str) -> Any:
    """Return what is popped from a location; raises StuckError where there is nothing."""
    try:
        return memory[location].pop()
    except (KeyError, IndexError):
        where = "the main location λ" if location == "λ" else f"location {location!r}"
        raise StuckError("pop", f"{where} is empty where the program pops it", location) from None


def truth(value: Any) -> Any:
    """Return the exit that a truth value stands for; raises StuckError for another value."""
    known = getattr(value, "value", None)
    if known is True or known is False:
        return TRUTH[known]
    what = "is a free variable" if not hasattr(value, "value") else "is a value"
    raise StuckError(
        "run", f"{value!s} {what} and cannot be run: bind it, or push it in brackets, as in [{value!s}]"
    )
