"""Control: conditionals, loops, exceptions and data, from exits, cases and loops.

Heijltjes, "The Functional Machine Calculus III: Control", MFPS 2025, arXiv 2510.07851.  Truth values are the exits t and f.
Labels that an encoding needs for itself are new in the programs that it joins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symnum.rewriting.machines.fmc.syntax import SKIP, case, exit_with, loop, names_in, program, push


def if_then_else(condition: Any, then: Any, otherwise: Any) -> Any:
    """Return the program that runs a condition, and then one of two programs by its exit, t or f.

    [R] ``(((B;t→yes);f→(N;done));yes→(M;done));done→⋆`` with yes and done new, so that
    exits of the branches are never taken for those of the condition.

    >>> from symnum.rewriting.machines import fmc
    >>> fmc.run(if_then_else(fmc.parse("!f"), fmc.parse("[1]"), fmc.parse("[2]")))
    {'λ': [2]}
    """
    yes, done = _new(("yes", "done"), condition, then, otherwise)
    refused = case(case(condition, "t", exit_with(yes)), "f", _and(otherwise, done))
    return case(case(refused, yes, _and(then, done)), done, SKIP)


def while_do(condition: Any, body: Any) -> Any:
    """Return the program that runs a body while a condition exits with t: [R] ``((B;f→brk);t→M)^⋆;brk→⋆`` with brk new.

    >>> from symnum.rewriting.machines import fmc
    >>> countdown = while_do(fmc.parse("n<m>.[m]n.(m > 0)"), fmc.parse("n<m>.[m]out.[m - 1]n"))
    >>> fmc.run(countdown, {"n": [3]})
    {'n': [0], 'out': [3, 2, 1]}
    """
    (stop,) = _new(("brk",), condition, body)
    return case(loop(case(case(condition, "f", exit_with(stop)), "t", body), "⋆"), stop, SKIP)


def try_catch(body: Any, label: str, handler: Any) -> Any:
    """Return the program that runs a body, and a handler if it exits with the label: [R] ``try M catch e. N = M;e→N``."""
    return case(body, label, handler)


def throw(label: str) -> Any:
    """Return the program that exits with a label: [R] ``throw e = e``."""
    return exit_with(label)


def construct(label: str, fields: Iterable[Any] = ()) -> Any:
    """Return the program that builds data: it pushes the fields, the first last, and exits with the constructor.

    >>> construct("cons", [1, 2])
    [2].[1];!cons
    """
    made = exit_with(label)
    pushed = SKIP
    for value in fields:
        pushed = push(program(value), "λ", pushed)
    return made if pushed is SKIP else _and(pushed, label)


def match(data: Any, branches: Mapping[str, Any]) -> Any:
    """Return the program that runs data, and the branch of its constructor, which finds the fields on λ: a chain of cases [R].

    >>> from symnum.rewriting.machines import fmc
    >>> length = match(construct("cons", [5, 7]), {"nil": fmc.parse("[0]"), "cons": fmc.parse("<h>.<t>.[h + t]")})
    >>> fmc.run(length)
    {'λ': [12]}
    """
    (done,) = _new(("done",), data, *branches.values())
    inner = {label: _new((label,), data, *branches.values())[0] for label in branches}
    made = data
    for label in branches:
        made = case(made, label, exit_with(inner[label]))
    for label, branch in branches.items():
        made = case(made, inner[label], _and(branch, done))
    return case(made, done, SKIP)


def _and(term: Any, label: str) -> Any:
    return case(term, "⋆", exit_with(label))


def _new(wanted: Iterable[str], *programs: Any) -> list[str]:
    """Return labels like the wanted ones that none of some programs uses."""
    taken = {label for term in programs for label in names_in(term, "label")}
    found = []
    for name in wanted:
        while name in taken:
            name += "'"
        taken.add(name)
        found.append(name)
    return found
