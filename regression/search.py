"""Search for formulas: enumerate short ones, add up stored ones, evolve longer ones, then fit, simplify and compare the best.

The first part, ``prepare``, is without chance and runs once.  The second is a number of restarts (:mod:`symnum.regression.restart`),
each with its own random numbers, its own part of the budget and an archive that starts from the prepared one; they run in slices,
side by side where ``n_jobs`` says so, and what they found is put together in their order.  So, given a number of evaluations, the
result depends on the data and the seed only; given a time, on the machine too.

Every expression is scored with the best linear constants in each view of the target (see :mod:`symnum.regression.problem`).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from symnum.interrupt import deferred
from symnum.regression import finish
from symnum.regression.admission import fits
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.checkpoint import Checkpoint, Snapshot, content, damage, differences
from symnum.regression.crew import ENDING, Crew, WorkersLost
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.finish import Selection
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.losses import Loss
from symnum.regression.preparation import METHODS, Preparation, bank_for, sampled
from symnum.regression.problem import Problem, Views
from symnum.regression.progress import Progress, Reporter
from symnum.regression.restart import (
    DEFAULT_STAGES,
    STAGES,
    Allowance,
    Prepared,
    Restart,
    archive_of,
    entries_of,
    structure_of,
    users_operators,
)
from symnum.regression.sums import Sum
from symnum.regression.target import TargetedArchive, best_formula

PREPARED = 0.7
"""Part of the budget that the part without chance may take."""

SLICE = 200_000
SLICE_SECONDS = 3.0
"""Evaluations of a slice of a restart, and seconds where there is a time limit."""

SAVE_SECONDS = 3.0
"""Seconds between two writings of a checkpoint."""


@dataclass(frozen=True)
class Settings:
    """Say how to search; limits are None for no limit.

    ``seed_matters`` is False where the seed was drawn and not given, so that a checkpoint brings its own.
    """

    seed: int
    time_limit: float | None = None
    max_evaluations: int | None = None
    target_loss: float | None = None
    restarts: int = 1
    n_jobs: int | None = None
    stages: tuple[str, ...] = DEFAULT_STAGES
    methods: tuple[str, ...] = METHODS
    seed_matters: bool = True


@dataclass(frozen=True)
class Outcome:
    """Hold the formulas, how many expressions were evaluated, why the search stopped, how each stage ended, and what was reached.

    ``snapshot`` is all of that, ``essence`` its best expressions only.
    """

    selection: finish.Selection
    evaluations: int
    stopped: str
    stages: dict[str, str]
    snapshot: Snapshot
    essence: Snapshot


class Search:
    """Run the stages on one problem.

    ``start`` is what an earlier search of the same problem with the same settings reached; ``hints`` are expressions that are tried
    first.  Raises ValueError for a checkpoint of other data or settings.
    """

    def __init__(
        self,
        problem: Problem,
        grammar: Grammar,
        settings: Settings,
        checkpoint: Checkpoint | None = None,
        reporter: Reporter | None = None,
        start: Snapshot | None = None,
        hints: Sequence[Tokens] = (),
        loss: Loss | None = None,
    ) -> None:
        self.loss = loss
        self.data, self.settings_key = content(problem), settings_key(grammar, settings, loss)
        self.checkpoint = checkpoint
        start = self._read(settings) or start
        seed = start.seed if start is not None else settings.seed
        self.settings = replace(settings, seed=seed)
        self.reporter = Reporter(False) if reporter is None else reporter
        self.pressed: Callable[[], bool] = lambda: False
        self.started = self.saved = time.monotonic()
        self.whole = problem
        self.problem = sampled(problem, seed)
        self.grammar = grammar
        self.views = Views.of(self.problem, grammar)
        self.evaluator = Evaluator(grammar, self.problem.X)
        self.archive: Archive = TargetedArchive(
            self.views, self.evaluator, self.problem, settings.target_loss
        )
        self.hints = [each for each in hints if len(each) and grammar.allowed(each)]
        self.sums: list[Sum] = []
        self.written: list[Candidate] = []
        self.stages: dict[str, str] = {}
        self.prepared: Prepared | None = None
        self.ended = ""
        self.restarts: list[Restart] = []
        self.earlier = 0.0  # seconds that were used before this search began
        if start is not None:
            wrong = damage(start, grammar, len(self.views.names))
            if wrong is not None:
                raise ValueError(f"the checkpoint is damaged: {wrong}; delete it to begin again")
            self._go_on(start)
        self.used = start.used if self.prepared is not None and start is not None else 0
        limit = settings.time_limit
        self.budget = Budget(
            settings.max_evaluations, None if limit is None else max(limit - self.earlier, 0.0)
        )
        self.budget.used = self.used + sum(each.used for each in self.restarts)

    def run(self) -> Outcome:
        """Search until the budget is spent, a formula is exact, or nothing improves; Ctrl-C ends the search, not the fit."""
        stopped = "interrupted"
        try:
            # small matrices gain nothing from threads, and the last digits would depend on how many there are
            with threadpool_limits(1, "blas"), deferred() as self.pressed:
                stopped = self.prepare() or self.restart()
        except KeyboardInterrupt:
            warnings.warn(
                "the search was interrupted: the result is the best formula found so far",
                UserWarning,
                stacklevel=3,
            )
        except WorkersLost as lost:
            stopped = "processes died"
            warnings.warn(
                f"{lost}: the result is the best formula found so far; use fewer n_jobs if memory is short",
                UserWarning,
                stacklevel=3,
            )
        return self.finish(stopped)

    # --- the part without chance ----------------------------------------------------------------------------------------------

    def prepare(self) -> str:
        """Find what can be found without chance; return why that ends the search, or an empty text."""
        if self.prepared is not None:
            return self.ended
        self.budget.watch = self._watch
        try:
            bank = bank_for(self.grammar, self.problem)
            if bank.size == 0:
                raise ValueError(
                    f"no variable of {', '.join(self.grammar.variables)} can be evaluated on the rows, so there is nothing to "
                    "build a formula from; rescale the columns or give others"
                )
            self._try_hints()
            self.ended = self._enumerate(bank)
        finally:
            self.budget.watch = None
        self.used = self.budget.used
        self._hand_over(structure_of(bank))
        self._save()
        return self.ended

    def _try_hints(self) -> None:
        if self.hints:
            scores = self.evaluator.scores(self.hints, self.views)
            if self.grammar.restricted:
                scores[~fits(self.grammar, self.hints, self.views.names)] = np.inf
            self.archive.offer(scores, np.array([len(each) for each in self.hints]), lambda k: self.hints[k])
            self.budget.spend(len(self.hints))

    def _enumerate(self, bank: Bank) -> str:
        preparation = Preparation(
            self.whole, self.problem, self.archive, self.evaluator, self.budget.share(PREPARED), self.settings.seed, self.settings.methods,
            self.settings.target_loss, self._by_chance,
        )  # fmt: skip
        # the lists are those of the search, so that an interruption keeps what they hold
        preparation.sums, preparation.written, preparation.stages = self.sums, self.written, self.stages
        stopped = preparation.run(bank)
        return "" if stopped == "budget" and not self.budget.spent else stopped

    def _by_chance(self, bank: Bank, archive: Archive, evaluator: Evaluator, budget: Budget) -> str:
        """Let the random stages work on a reduced problem, in turns."""
        seeds = np.random.SeedSequence(self.settings.seed, spawn_key=(1 << 20,)).spawn(
            len(self.settings.stages)
        )
        stages = [
            STAGES[name](bank, archive, evaluator, np.random.default_rng(seed))
            for name, seed in zip(self.settings.stages, seeds, strict=True)
        ]
        while True:
            reasons = {stage.run(budget.share(0.25)) for stage in stages}
            if "exact" in reasons:
                return "exact"
            if budget.spent:
                return "budget"
            if reasons == {"no progress"}:
                return "no progress"

    # --- the part with chance -------------------------------------------------------------------------------------------------

    def restart(self) -> str:
        """Let all restarts go on, slice by slice, and return why they ended."""
        assert self.prepared is not None
        crew = Crew(self.settings.n_jobs, self.pressed)
        while True:
            live = [each for each in self.restarts if not each.ended and self._left(each) != 0]
            if not live:
                return "budget" if any(not each.ended for each in self.restarts) else "no progress"
            if self.budget.spent:
                return "budget"
            for each in crew.round(self.prepared, live, self._allowances(live, crew.size), self._observe):
                self.budget.spend(each.used - self.restarts[each.number].used)
                self.restarts[each.number] = each
                if each.ended in ENDING:
                    return each.ended
                if time.monotonic() - self.saved > SAVE_SECONDS:
                    self._save()
            if any(each.ended == "interrupted" for each in self.restarts):
                raise KeyboardInterrupt
            self._observe(None, self.settings.stages[0], 0)

    def _allowances(self, live: Sequence[Restart], workers: int) -> list[Allowance]:
        """Return what the next slice of each restart may spend: they share what is left."""
        left = self.budget.seconds_left
        seconds = until = None
        if left is not None:
            seconds = min(SLICE_SECONDS, left * min(workers, len(live)) / len(live))
            until = time.time() + left
        own = (self._left(each) for each in live)
        return [Allowance(SLICE if each is None else min(SLICE, each), seconds, until) for each in own]

    def _left(self, restart: Restart) -> int | None:
        """Return how many evaluations of its part a restart has left."""
        if self.settings.max_evaluations is None:
            return None
        part = max(self.settings.max_evaluations - self.used, 0) // self.settings.restarts
        return max(part - restart.used, 0)

    # --- the result -----------------------------------------------------------------------------------------------------------

    def finish(self, stopped: str) -> Outcome:
        """Fit the best of what was found, and choose."""
        self._save()
        archive = self._together()
        found = finish.candidates(archive, self.sums, self.evaluator, self.problem.sign)
        more = (candidate for restart in self.restarts for candidate in restart.written)
        found = list({each.text: each for each in (*found, *self.written, *more)}.values())
        try:
            selection = self._selected(self.whole, found)
        except KeyboardInterrupt:
            warnings.warn(
                "the last fit was interrupted: constants are fitted to the rows that the search looked at, not to all",
                UserWarning,
                stacklevel=4,
            )
            stopped = "interrupted"
            selection = self._selected(self.problem, found)
        stages = self.stages | {
            f"restart {each.number + 1}": each.ended or "budget" for each in self.restarts
        }
        snapshot = self.snapshot()
        essence = replace(snapshot, entries=entries_of(archive), sums=(), written=(), bank={}, restarts=())
        return Outcome(selection, self.budget.used, stopped, stages, snapshot, essence)

    def _selected(self, whole: Problem, found: list[Candidate]) -> Selection:
        if self.loss is None:
            return finish.select(whole, self.problem, self.evaluator, found)
        return finish.select_under(self.loss, whole, self.problem, self.evaluator, found)

    def _together(self) -> Archive:
        """Return an archive of what all have found, in their order."""
        archive = archive_of(
            entries_of(self.archive), self.evaluator, self.problem, self.views, self.settings.target_loss
        )
        for restart in self.restarts:
            for view, found in enumerate(restart.entries):
                for entry in found:
                    archive.add(view, entry)
        return archive

    # --- snapshots ------------------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return what has been reached."""
        return Snapshot(
            self.data, self.settings_key, self.settings.seed, entries_of(self.archive), tuple(self.sums),
            {} if self.prepared is None else self.prepared.bank, dict(self.stages), self.used, self.ended, tuple(self.restarts),
            self.earlier + time.monotonic() - self.started, tuple(self.written),
        )  # fmt: skip

    def _save(self) -> None:
        if self.checkpoint is not None:
            try:
                self.checkpoint.write(self.snapshot())
            except OSError as problem:  # a disk that is full must not end a long search
                warnings.warn(
                    f"checkpoint {str(self.checkpoint.path)!r} could not be written ({problem}); the search goes on, and what it has "
                    "reached since the last writing is not yet kept",
                    UserWarning,
                    stacklevel=4,
                )
        self.saved = time.monotonic()

    def _read(self, settings: Settings) -> Snapshot | None:
        """Return the snapshot of the checkpoint, if there is one yet."""
        found = None if self.checkpoint is None else self.checkpoint.read()
        if found is None or self.checkpoint is None:
            return None
        wrong = differences(found, self.data, self.settings_key)
        if settings.seed_matters and found.seed != settings.seed:
            wrong.append(f"the seed was {found.seed} and is {settings.seed}")
        if wrong:
            raise ValueError(
                f"checkpoint {str(self.checkpoint.path)!r} belongs to another search: {'; '.join(wrong)}; "
                "name another file, or delete this one to begin again"
            )
        return found

    def _go_on(self, start: Snapshot) -> None:
        self.earlier = start.seconds
        for view, found in enumerate(start.entries):
            for entry in found:
                self.archive.add(view, entry)
        if not start.prepared:  # all of it is done again, but what it had found is kept
            return
        self.sums = list(start.sums)
        self.written = list(start.written)
        self.stages = dict(start.stages)
        # what ended by a limit or by Ctrl-C may go on
        self.ended = start.ended if start.ended == "exact" else ""
        self._hand_over(start.bank)
        if start.restarts:
            self.restarts = [
                replace(each, ended=each.ended if each.ended in ("exact", "no progress") else "")
                for each in start.restarts
            ]

    def _hand_over(self, bank: dict[str, Any]) -> None:
        """Begin the restarts with what is prepared."""
        self.prepared = Prepared(
            replace(self.grammar), self.problem, self.views, bank, self.settings.stages, self.settings.seed,
            self.settings.target_loss, users_operators(self.grammar), "slots" in self.settings.methods,
        )  # fmt: skip
        entries = entries_of(self.archive)
        self.restarts = [Restart(number, entries) for number in range(self.settings.restarts)]

    # --- progress -------------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        self._observe(self.archive, "enumeration" if "enumeration" not in self.stages else "combination", 0)
        if self.checkpoint is not None and time.monotonic() - self.saved > SAVE_SECONDS:
            self._save()

    def _observe(self, archive: Archive | None, stage: str, used: int) -> None:
        """End the search where Ctrl-C was pressed, else report when it is time.

        ``archive`` is the one in use, None for all; ``used`` are evaluations that the budget does not know yet.
        """
        if self.pressed():
            raise KeyboardInterrupt
        if self.reporter.due:
            self.reporter.show(self.progress(archive or self._together(), stage, used))

    def progress(self, archive: Archive, stage: str, used: int = 0) -> Progress:
        """Return how far the search is."""
        seconds = self.earlier + time.monotonic() - self.started
        text, loss, complexity = best_formula(archive, self.sums, self.written, self.evaluator, self.problem)
        return Progress(self.budget.used + used, seconds, text, loss, complexity, stage)


def settings_key(grammar: Grammar, settings: Settings, loss: Loss | None = None) -> dict[str, Any]:
    """Return what must be equal for a search to go on from a snapshot: all but the limits, the seed, and how many run side by side."""
    kept = {k: v for k, v in asdict(settings).items() if k in ("restarts", "stages", "methods")}
    return {"grammar": repr(grammar), "loss": "squared" if loss is None else loss.name, **kept}
