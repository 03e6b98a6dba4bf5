"""Programs as graphs: each step with the step that follows it, a choice with its branches in order.

A relational term has no procedures, so that what follows a step is known from the text; a star is a choice between leaving and its
body, which leads back to the choice. The unknowns in scope at a step are numbered from the outside in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symnum.rewriting.machines.nodes import Node
from symnum.rewriting.machines.rmc.primitives import PRIMITIVE
from symnum.rewriting.machines.rmc.syntax import NEW, POP, PUSH, SEQ, SKIP, STAR, SUM, TEST, ZERO


@dataclass(eq=False, slots=True)
class Step:
    """A push, pop, test, primitive or new unknown: ``kind`` is the head, ``values`` what it takes, ``depth`` the unknowns in scope."""

    kind: str
    name: str
    values: tuple[Any, ...]
    depth: int
    next: Place


@dataclass(eq=False, slots=True)
class Choice:
    """A choice between branches, tried in order; ``loops`` says that it is that of a star."""

    depth: int
    branches: list[Place] = field(default_factory=list)
    loops: bool = False


@dataclass(eq=False, slots=True)
class End:
    """An answer, or a failure."""

    answers: bool
    depth: int = 0


Place = Step | Choice | End


def graph(program: Node) -> Place:
    """Return the place at which a program begins; it ends in an answer."""
    failure = End(answers=False)
    following: list[Place] = [End(answers=True)]
    work: list[tuple[Any, ...]] = [("build", program, 0)]
    while work:
        task = work.pop()
        if task[0] == "from":
            following.append(task[1])
            continue
        if task[0] == "branch":
            task[1].branches.append(following.pop())
            continue
        if task[0] == "unknown":
            following[-1] = Step(NEW, "", (), task[1], following[-1])
            continue
        _, term, depth = task
        kind = term.head.name
        if kind == SEQ:
            work.extend(("build", part, depth) for part in term.args)  # the last one first
        elif kind == PUSH:
            following[-1] = Step(kind, term.args[1].leaf[1], (term.args[0],), depth, following[-1])
        elif kind == POP:
            following[-1] = Step(kind, term.args[0].leaf[1], (term.args[1],), depth, following[-1])
        elif kind == TEST:
            following[-1] = Step(kind, "", term.args, depth, following[-1])
        elif kind == PRIMITIVE:
            following[-1] = Step(kind, term.args[0].leaf[1], term.args[1:], depth, following[-1])
        elif kind == NEW:
            work += [("unknown", depth), ("build", term.args[1], depth + 1)]
        elif kind == ZERO:
            following[-1] = failure
        elif kind == SUM:
            after, following[-1] = following[-1], Choice(depth)
            for part in reversed(term.args):
                work += [("branch", following[-1]), ("build", part, depth), ("from", after)]
        elif kind == STAR:
            choice = Choice(depth, [following[-1]], loops=True)
            following[-1] = choice
            work += [("branch", choice), ("build", term.args[0], depth), ("from", choice)]
        elif kind != SKIP:
            raise TypeError(
                f"{term!s} has the head {kind!r}, which is none of a program; write {SKIP}, {SEQ}, {SUM}, {STAR}, {PUSH}, {POP}, ..."
            )
    return following[-1]


def entries(start: Place) -> dict[Place, int]:
    """Return the places that a program reaches, with the number of ways into each."""
    count: dict[Place, int] = {start: 1}
    stack = [start]
    while stack:
        place = stack.pop()
        for after in (
            place.branches if isinstance(place, Choice) else [place.next] if isinstance(place, Step) else ()
        ):
            if after not in count:
                count[after] = 0
                stack.append(after)
            count[after] += 1
    return count


def branches(choice: Choice) -> list[Place]:
    """Return the branches of a choice in order, with those of choices directly below spread out; a star stays as it is."""
    found: list[Place] = []
    stack: list[Place] = list(reversed(choice.branches))
    while stack:
        place = stack.pop()
        if isinstance(place, Choice) and not place.loops:
            stack.extend(reversed(place.branches))
        elif not isinstance(place, End) or place.answers:
            found.append(place)
    return found


def first_pop(place: Place) -> Step | None:
    """Return the pop that a branch begins with, unknowns aside, or None where it begins with something else."""
    while isinstance(place, Step) and place.kind == NEW:
        place = place.next
    return place if isinstance(place, Step) and place.kind == POP else None
