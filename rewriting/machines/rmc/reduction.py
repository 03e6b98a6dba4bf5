"""Reduction of programs by the rules, one step after the other, and their normal forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from symnum.rewriting.limits import check_limits, refuse_other_limits
from symnum.rewriting.machines.nodes import Node, call, is_head
from symnum.rewriting.machines.rmc.printer import brief
from symnum.rewriting.machines.rmc.rules import RULES, Reduction
from symnum.rewriting.machines.rmc.span import Span, has_star, spans, sum_of_spans
from symnum.rewriting.machines.rmc.syntax import NEW, POP, PUSH, SEQ, SUM, as_program, is_program, location_of
from symnum.rewriting.strategies import RewriteLoopError, Rewriter, bottom_up, first, fixpoint


@dataclass(frozen=True, slots=True)
class ReduceLimits:
    """Bound a reduction: ``steps`` rewrites at any one place, and passes over the program."""

    steps: int = 100_000

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True)
class ReductionStep:
    """One step: the rule's name, the part to which it was applied, and what became of it; ``#0`` is an unknown bound further out."""

    rule: str
    before: Node
    after: Node

    def __str__(self) -> str:
        return f"{self.rule}: {self.before!s}  =>  {self.after!s}"


def reduce(
    program: Node | str,
    *,
    rules: tuple[Reduction, ...] = RULES,
    trace: list[ReductionStep] | None = None,
    limits: ReduceLimits = ReduceLimits(),  # frozen
) -> Node:
    """Return the program after all reductions; ``trace`` collects each step as rule, part before and part after.

    The rules are run by the shared strategies, ``fixpoint(bottom_up(first(...)))``.  Raises RewriteLoopError at the limit of steps.

    >>> steps = []
    >>> reduce("[f(a)]; new x. <f(x)>; [x]", trace=steps)
    [a]
    >>> for step in steps:
    ...     print(step)
    extrude: [f(a)]; ∃x. ⟨f(x)⟩; [x]  =>  ∃x. [f(a)]; ⟨f(x)⟩; [x]
    meet: [f(a)]; ⟨f(#0)⟩; [#0]  =>  f(a) ≐ f(#0); [#0]
    decomp: f(a) ≐ f(#0)  =>  a ≐ #0
    solve: a ≐ #0; [#0]  =>  a ≐ #0; [a]
    bind: ∃x. a ≐ x; [a]  =>  [a]
    """
    refuse_other_limits(limits, ReduceLimits, "reduce")
    term = as_program(program)
    rewriters = rules if trace is None else tuple([_recorded(rule, trace) for rule in rules])
    once = _repeated(first(*rewriters), limits.steps)
    new = fixpoint(bottom_up(once), limit=limits.steps)(term)
    return term if new is None else new


def _repeated(rewriter: Rewriter, limit: int) -> Rewriter:
    """Apply a rewriter at one place until it changes nothing; the rules end there, so that the watch of ``fixpoint`` is not needed."""

    def repeated(term: Any) -> Any:
        current = term
        for _ in range(limit):
            new = rewriter(current)
            if new is None:
                return current
            current = new
        raise RewriteLoopError(
            f"{brief(current)!r} still changes after {limit:,} steps at one place; allow more: ReduceLimits(steps=...)"
        )

    return repeated


def _recorded(rule: Reduction, trace: list[ReductionStep]) -> Any:
    def applied(term: Any) -> Any:
        new = rule(term)
        if new is not None:
            trace.append(ReductionStep(rule.name, term, new))
        return new

    return applied


def reducts(program: Node, rules: tuple[Reduction, ...] = RULES) -> Iterator[tuple[Reduction, Node]]:
    """Yield (rule, program after it) for every rule at every place, each way in which it applies."""
    for path in _places(program):
        part = _at(program, path)
        for rule in rules:
            for new in rule.results(part):
                yield rule, _with_part(program, path, new)


def reduce_at_random(program: Node, choice: Random, *, steps: int = 10_000) -> Node:
    """Return a normal form that was reached by rules chosen at random, at random places: for tests of confluence.

    Raises RuntimeError where the steps run out.
    """
    for _ in range(steps):
        places = _places(program)
        choice.shuffle(places)
        new = None
        for path in places:
            part = _at(program, path)
            for rule in choice.sample(RULES, len(RULES)):
                found = list(rule.results(part))
                if found:
                    new = _with_part(program, path, choice.choice(found))
                    break
            if new is not None:
                break
        if new is None:
            return program
        program = new
    raise RuntimeError(
        f"{brief(program)!r} is no normal form after {steps:,} steps; allow more: reduce_at_random(..., steps=...)"
    )


Path = tuple[int, ...]


def _places(program: Node) -> list[Path]:
    """Return the places of all programs in a program, as positions of arguments from the top."""
    found: list[Path] = []
    stack: list[tuple[Node, Path]] = [(program, ())]
    while stack:
        term, path = stack.pop()
        found.append(path)
        stack.extend([(arg, (*path, i)) for i, arg in enumerate(term.args) if is_program(arg)])
    return found


def _at(program: Node, path: Path) -> Node:
    for position in path:
        program = program.args[position]
    return program


def _with_part(program: Node, path: Path, new: Node) -> Node:
    """Return a program with the part at a place replaced."""
    around = []
    for position in path:
        around.append((program, position))
        program = program.args[position]
    for outer, position in reversed(around):
        args = [*outer.args]
        args[position] = new
        new = call(outer.head.name, *args)
    return new


# --- normal forms -----------------------------------------------------------------------------------------------------------


def normalize(program: Node | str) -> Node:
    """Return the normal form of a program in a fixed order: equal for programs that are equal by the rules.

    A star-free program becomes the sum of its spans, found by one symbolic run; with a star, the program is reduced by the rules, and
    then steps, unknowns and choices are put in order.

    >>> normalize("([b] + [a]); new x. <x>; [f(x)]")
    [f(a)] + [f(b)]
    >>> normalize("(new x. [x]a; b<c>; a<d>)*; skip")
    b⟨c⟩*
    """
    term = as_program(program)
    return sum_of_spans(spans(term)) if not has_star(term) else in_order(reduce(term))


def in_order(program: Node) -> Node:
    """Return a program with runs of pops, and of pushes, sorted by location, and choices sorted by their text."""
    new = bottom_up(_sorted)(program)
    return program if new is None else new


def _sorted(term: Any) -> Any:
    if is_head(term, SUM):
        return call(SUM, *sorted(term.args, key=str))
    if not is_head(term, SEQ):
        return None
    steps: list[Node] = []
    run: list[Node] = []
    for step in [*term.args, None]:
        if run and (step is None or not is_head(step, run[0].head.name)):
            steps += sorted(run, key=location_of)
            run = []
        if step is not None:
            (run if is_head(step, PUSH) or is_head(step, POP) else steps).append(step)
    return call(SEQ, *steps)


def spans_of(normal: Node) -> Counter[Span]:
    """Return the spans that a normal form is the sum of, by reading it.

    Raises ValueError for a program that is no sum of ``new x1 ... xn. pops; pushes``.

    >>> spans_of(reduce("new x. <x>; ([x] + [a])"))
    Counter({<∃x0. ⟨x0⟩; [x0]>: 1, <∃x0. ⟨x0⟩; [a]>: 1})
    """
    found: Counter[Span] = Counter()
    for choice in normal.args if is_head(normal, SUM) else (normal,):
        if is_head(choice, "rmc.zero"):
            continue
        body = choice
        while is_head(body, NEW):
            body = body.args[1]
        kinds = [step.head.name for step in (body.args if is_head(body, SEQ) else (body,))]
        if not is_head(body, "rmc.skip") and kinds != [POP] * kinds.count(POP) + [PUSH] * kinds.count(PUSH):
            raise ValueError(
                f"{choice!s} is no span; pass what rmc.reduce makes of a closed star-free program"
            )
        found.update(spans(choice))
    return found
