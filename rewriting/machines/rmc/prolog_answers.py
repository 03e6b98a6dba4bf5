"""Answers of Horn programs as text: read, encoded, run compiled or by the readable interpreter, written as Prolog writes them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from symnum.rewriting.machines.rmc.horn import Query, encode
from symnum.rewriting.machines.rmc.machine import answers
from symnum.rewriting.machines.rmc.prolog_writer import text
from symnum.rewriting.machines.rmc.results import Answer, RunReport
from symnum.rewriting.machines.rmc.results import Limits as ReadableLimits

ENGINES = ("compiled", "readable")


class Solutions:
    """The answers of a query, each a dict {variable: text}, found as they are asked for.

    ``stopped`` is None while there may be more; "exhausted" says that there are no more, "answers" that the limit of answers was reached,
    and another word names the limit of the run that was.  The answers before stand in any case.  ``report`` counts steps: transitions
    of the readable machine, control instructions of the compiled one.
    """

    def __init__(self, asked: Query, found: Iterator[Answer], report: RunReport, limit: int | None) -> None:
        self._asked, self._found, self._left = asked, found, limit
        self.report = report
        self.stopped: str | None = None

    def __iter__(self) -> Iterator[dict[str, str]]:
        return self

    def __next__(self) -> dict[str, str]:
        if self.stopped is None and self._left == 0:
            self.stopped = "answers"
        if self.stopped is not None:
            raise StopIteration
        answer = next(self._found, None)
        if answer is None:
            self.stopped = self.report.stop
            if self.stopped != "exhausted":
                warnings.warn(
                    f"the search stopped ({self.stopped}) before it was exhausted: there may be more answers; give limits= for more",
                    RuntimeWarning,
                    stacklevel=2,
                )
            raise StopIteration
        if self._left is not None:
            self._left -= 1
        return {name: text(answer[name]) for name in self._asked.variables}


def prolog(
    program: str, query: str, limit: int | None = 10, *, engine: str = "compiled", limits: Any = None
) -> Solutions:
    """Run a query on a program of Horn clauses, and give its answers in Prolog's order.

    ``limit`` is the most answers, None for all; ``limits`` bounds the run: ``compiled.Limits``, or ``rmc.Limits`` for "readable"; without
    them it may take 60 s.  A search that a limit ends warns, and the answers before stand.
    Raises ParseError (line and column) for text that is no such program and for predicates that nothing defines, ArithmeticError
    where arithmetic has no value, MemoryError where the compiled run outgrows its limit.

    >>> for answer in prolog("app([],Y,Y). app([H|T],Y,[H|Z]) :- app(T,Y,Z).", "app(X,Y,[1,2])", engine="readable"):
    ...     print(answer)
    {'X': '[]', 'Y': '[1,2]'}
    {'X': '[1]', 'Y': '[2]'}
    {'X': '[1,2]', 'Y': '[]'}
    """
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ValueError(f"limit is {limit!r}, but it is the most answers: a whole number, or None for all")
    asked = encode(program, query)
    if engine == "readable":
        found = answers(asked.program, search="depth", limits=limits or ReadableLimits())
        return Solutions(asked, found, found.report, limit)
    if engine != "compiled":
        raise ValueError(f"there is no engine {engine!r}; choose one of {', '.join(map(repr, ENGINES))}")
    from symnum.rewriting.machines.compiled.relational import Limits as CompiledLimits
    from symnum.rewriting.machines.compiled.relational import answers as compiled_answers

    ready = compiled_answers(asked.program, limits=limits or CompiledLimits(seconds=ReadableLimits().seconds))
    return Solutions(asked, ready, ready.report, limit)


def consult(path: str | Path, query: str, limit: int | None = 10, **options: Any) -> Solutions:
    """Run a query on the program in a ``.pl`` file, see :func:`prolog`."""
    return prolog(Path(path).read_text(encoding="utf-8"), query, limit, **options)
