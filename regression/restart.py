"""One restart of the random part of a search: stages that take turns on an archive of their own.

A restart runs in slices.  A slice gets what the restart has reached and returns what it has reached then, both small and without
references, so that it may run in another process or on another machine, be repeated where that was lost, and be kept in a file.
Its random numbers follow from the seed, the number of the restart and the number of the slice alone.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symnum import operators
from symnum.interrupt import deferred
from symnum.regression.archive import Archive, Entry
from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.evolution import Evolution
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem, Views
from symnum.regression.slots import of_archive
from symnum.regression.target import TargetedArchive
from symnum.regression.tree_search import TreeOptions
from symnum.regression.tree_stage import TreeStage


class Stage(Protocol):
    """A method that searches at random: it reads the bank and offers what it meets to the archive.

    ``run`` returns "budget", "exact" or "no progress"; called again it goes on.  ``state`` returns arrays from which ``resume`` goes
    on in another process.
    """

    def run(self, budget: Budget) -> str:
        """Search until the budget is spent, the archive's ``exact()`` holds, or nothing improves any more."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what the stage has reached beside the archive."""

    def resume(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""


STAGES: dict[str, Callable[[Bank, Archive, Evaluator, np.random.Generator], Stage]] = {
    "tree search": TreeStage,
    "tree search, no q": functools.partial(TreeStage, options=TreeOptions(q="none")),
    "tree search, neural q": functools.partial(TreeStage, options=TreeOptions(q="neural")),
    "q alone": functools.partial(TreeStage, options=TreeOptions(tree=False)),
    "evolution": Evolution,
}
"""Name -> stage.  The stages of a restart take turns in equal shares of each slice."""

DEFAULT_STAGES = ("tree search", "evolution")


WRITTEN = 48
"""Expressions with constants inside that a restart keeps."""


class Stored(Bank):
    """Hold the expressions of a bank without their values."""

    def __init__(self, grammar: Grammar, structure: Mapping[str, NDArray[Any]]) -> None:
        self.grammar = grammar
        self.roots, self.left, self.right = (structure[name] for name in ("roots", "left", "right"))
        self.ends = [int(end) for end in structure["ends"]]
        self.size = len(self.roots)
        # what lies behind the last end is of a length that was not finished
        self.lengths = np.repeat(np.arange(1, len(self.ends) + 1), np.diff([*self.ends, self.size]))


def structure_of(bank: Bank) -> dict[str, NDArray[Any]]:
    """Return the arrays of a :class:`Stored` bank: first tokens, places of the arguments, and where each length ends."""
    size = bank.size
    return {
        "roots": bank.roots[:size].astype(np.int16),
        "left": bank.left[:size].astype(np.int32),
        "right": bank.right[:size].astype(np.int32),
        "ends": np.array(bank.ends, np.int64),
    }


@dataclass(frozen=True)
class Prepared:
    """Hold what all restarts share: the problem, the expressions found without chance, and the names of the stages.

    ``rows`` are the user's operators, which another process does not know; ``slots`` says whether constants inside are fitted.
    """

    grammar: Grammar
    problem: Problem
    views: Views
    bank: dict[str, NDArray[Any]]
    stages: tuple[str, ...]
    seed: int
    target_loss: float | None
    rows: tuple[dict[str, Any], ...]
    slots: bool = False

    def __getstate__(self) -> dict[str, Any]:
        # a grammar that was used remembers addresses of machine code, which mean nothing in another process
        return self.__dict__ | {"grammar": replace(self.grammar)}


@dataclass(frozen=True)
class Restart:
    """Hold what one restart has reached: the entries of its archive for each view, the states of its stages, and what it has used.

    ``written`` are expressions with fitted constants inside.  ``ended`` is empty while it may go on, else
    "exact", "target loss", "no progress" or "interrupted".
    """

    number: int
    entries: tuple[tuple[Entry, ...], ...]
    states: tuple[dict[str, NDArray[Any]], ...] = ()
    used: int = 0
    slices: int = 0
    ended: str = ""
    written: tuple[Candidate, ...] = ()


def archive_of(
    entries: tuple[tuple[Entry, ...], ...], evaluator: Evaluator, problem: Problem, views: Views, target_loss: float | None
) -> TargetedArchive:  # fmt: skip
    """Return an archive of its own with these entries."""
    archive = TargetedArchive(views, evaluator, problem, target_loss)
    for view, found in enumerate(entries):
        for entry in found:
            archive.add(view, entry)
    return archive


def entries_of(archive: Archive) -> tuple[tuple[Entry, ...], ...]:
    """Return the entries of an archive, for each view."""
    return tuple(tuple(archive.entries(view)) for view in range(len(archive.best)))


@dataclass(frozen=True)
class Allowance:
    """Hold what a slice may spend: evaluations, seconds, and when (``time.time()``) it must end, for it may begin late elsewhere."""

    evaluations: int | None
    seconds: float | None = None
    until: float | None = None

    def budget(self, watch: Callable[[], None]) -> Budget:
        """Return the budget of a slice that begins now."""
        limits = [] if self.seconds is None else [self.seconds]
        limits += [] if self.until is None else [max(self.until - time.time(), 0.0)]
        return Budget(self.evaluations, min(limits, default=None), watch)


def run_slice(
    prepared: Prepared,
    restart: Restart,
    allowance: Allowance,
    observe: Callable[[Archive, str, int], None] | None = None,
) -> Restart:
    """Let a restart go on for a slice and return what it has reached; Ctrl-C ends the slice early.

    ``observe`` is called with the archive, the name of the stage and the evaluations of this slice whenever there are more.
    """
    with deferred() as pressed:
        _learn(prepared.rows)
        evaluator = Evaluator(prepared.grammar, prepared.problem.X)
        archive = archive_of(
            restart.entries, evaluator, prepared.problem, prepared.views, prepared.target_loss
        )
        current = prepared.stages[0]

        def watch() -> None:
            if pressed():
                raise KeyboardInterrupt
            if observe is not None:
                observe(archive, current, budget.used)

        budget = allowance.budget(watch)
        stages = _stages(prepared, restart, archive, evaluator)
        reasons = set()
        ended, written = "", restart.written
        try:
            for name, stage in zip(prepared.stages, stages, strict=True):
                current = name
                reasons.add(stage.run(budget.share(1 / len(stages))))
                if "exact" in reasons:
                    ended = archive.reached
                    break
            if reasons == {"no progress"}:
                ended = "no progress"
            if prepared.slots and ended != "exact":
                current = "slots"
                fitted, exact = of_archive(archive, evaluator, prepared.problem, budget)
                written = tuple({each.text: each for each in (*fitted, *written)}.values())[:WRITTEN]
                ended = "exact" if exact else ended
        except KeyboardInterrupt:
            ended = "interrupted"
        states = tuple(stage.state() for stage in stages)
        used = restart.used + budget.used
        return Restart(restart.number, entries_of(archive), states, used, restart.slices + 1, ended, written)


def _stages(prepared: Prepared, restart: Restart, archive: Archive, evaluator: Evaluator) -> list[Stage]:
    """Return the stages as they were after the last slice, with the random numbers of this one."""
    bank = Stored(prepared.grammar, prepared.bank)
    seeds = _seeds(prepared.seed, restart, len(prepared.stages))
    stages = [
        STAGES[name](bank, archive, evaluator, np.random.default_rng(seed))
        for name, seed in zip(prepared.stages, seeds, strict=True)
    ]
    for stage, state in zip(stages, restart.states):  # there is none before the first slice
        stage.resume(state)
    return stages


def _seeds(seed: int, restart: Restart, count: int) -> list[np.random.SeedSequence]:
    """Return one seed for each stage in this slice."""
    return np.random.SeedSequence(seed, spawn_key=(restart.number + 1, restart.slices)).spawn(count)


def users_operators(grammar: Grammar) -> tuple[dict[str, Any], ...]:
    """Return the rows of the operators that a user has registered, as arguments of ``register_operator``."""
    rows = []
    for name in grammar.operators:
        row = operators.OPERATORS.get(name)
        if row is not None and name not in operators._BUILT_IN:
            columns = {f.name: getattr(row, f.name) for f in fields(row)}
            columns |= {
                "arity": row.arity[0],
                "values": dict(row.values),
                "namespace": dict(row.namespace),
            }
            rows.append(columns)
    return tuple(rows)


def _learn(rows: tuple[dict[str, Any], ...]) -> None:
    """Register the operators that this process does not know."""
    for row in rows:
        if row["name"] not in operators.OPERATORS:
            operators.register_operator(**row)
