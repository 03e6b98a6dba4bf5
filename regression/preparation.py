"""The part of a search without chance: enumerate short formulas, and combine them by linear algebra.

The methods besides the enumeration, each of which may be left out, in this order:

- "reduction": search the problem with fewer variables to which the symmetries of the data lead (:mod:`symnum.regression.reductions`);
- "forms": sums, quotients and products whose parts are given or stored (:mod:`symnum.regression.closed_forms`);
- "slots": fit constants inside the best and the shortest expressions (:mod:`symnum.regression.slots`);
- "subtrees": enumerate again, with the parts that good expressions share as variables (:mod:`symnum.regression.subtrees`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from symnum.regression import closed_forms, finish, sums
from symnum.regression.admission import admitted_candidates
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.enumeration import Bank, enumerate_expressions
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem, Views
from symnum.regression.reductions import Reduction, reduction
from symnum.regression.slots import inner_constants, quick_constants
from symnum.regression.subtrees import common_parts, enriched
from symnum.regression.target import plain_loss

METHODS = ("reduction", "forms", "slots", "subtrees")

ROWS = 256
"""Rows on which expressions are compared while the search runs; the best are then fitted to all rows."""

MEMORY = 20_000_000
STORED = 150_000
"""Numbers that the bank may store, and expressions."""

REDUCED, SQUARED, ENUMERATION, SUMS, SLOTS, SUBTREES = 0.4, 0.15, 0.4, 0.05, 0.4, 0.1
"""Part of the budget that the reduced problem may take, one with squares for variables, the enumeration, the sums in each view, slots,
and a set of shared parts."""

REDUCING = 0.4
"""Part of the budget in which the reduction must be found."""

QUICKLY = 0.1
"""Part of the budget that the sums of the shortest expressions may take in all views together."""

THOROUGH = 4000
"""Evaluations below which only what is quick is done."""

QUICK = 4000
"""Expressions that are looked at before anything else."""

KEPT = 200
"""Candidates with constants that are kept, besides those of the archive and the sums."""

SETS_OF_PARTS = 2
"""How often shared parts become variables."""

Chance = Callable[[Bank, Archive, Evaluator, Budget], str]
"""What goes on at random with a reduced problem; it returns why it ended."""


def sampled(whole: Problem, seed: int) -> Problem:
    """Return the rows on which expressions are compared: all of them where a sample would miss what little varies."""
    problem = whole.sample(ROWS, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))))
    return whole if problem.constant else problem


def bank_for(grammar: Grammar, problem: Problem) -> Bank:
    """Return an empty bank of the size that the number of rows allows."""
    return Bank(grammar, problem, min(STORED, max(2000, MEMORY // problem.rows)))


class Preparation:
    """Run the methods on one problem; what they find is in ``archive``, ``sums`` and ``written``, how they ended in ``stages``."""

    def __init__(
        self,
        whole: Problem,
        problem: Problem,
        archive: Archive,
        evaluator: Evaluator,
        budget: Budget,
        seed: int,
        methods: Sequence[str] = METHODS,
        target_loss: float | None = None,
        chance: Chance | None = None,
    ) -> None:
        self.whole = whole
        self.problem = problem
        self.grammar = evaluator.grammar
        self.archive = archive
        self.views = archive.views
        self.evaluator = evaluator
        self.budget = budget
        self.seed = seed
        self.methods = tuple(methods)
        self.target_loss = target_loss
        self.chance = chance
        self.sums: list[sums.Sum] = []
        self.written: list[Candidate] = []
        self.stages: dict[str, str] = {}
        self.unexplained = finish.UNEXPLAINED

    def run(self, bank: Bank) -> str:
        """Fill the bank and find what can be found without chance; return "exact", "target loss", "budget" or an empty text."""
        for stage in self._stages(bank):
            if stage:
                return stage
            if self.budget.spent:
                return "budget"
        return ""

    def candidates(self) -> list[Candidate]:
        """Return what was found, as expressions of the target without repetition."""
        found = finish.candidates(self.archive, self.sums, self.evaluator, self.problem.sign)
        return list({each.text: each for each in (*found, *self.written)}.values())

    def _stages(self, bank: Bank) -> Iterator[str]:
        """Do one thing after the other, and yield after each what was reached."""
        # with a few thousand evaluations an answer is wanted at once
        thorough = self.budget.evaluations is None or self.budget.evaluations >= THOROUGH
        yield self._quick(thorough)
        if "reduction" in self.methods:
            yield self._reduced()
        if "forms" in self.methods:
            for summed in closed_forms.early_sums(self.evaluator, self.views):
                yield self._with_sums(summed)
            for found in (
                closed_forms.early_forms(self.evaluator, self.views, self.problem, self.budget)
                if thorough
                else ()
            ):
                yield self._with_written(found)
        self.stages["enumeration"] = enumerate_expressions(bank, self.archive, self.budget.share(ENUMERATION))
        yield self._reached() if self.stages["enumeration"] == "exact" else ""
        if "forms" in self.methods:
            for summed in (
                closed_forms.power_sums(self.evaluator, self.views, self.budget) if thorough else ()
            ):
                yield self._with_sums(summed)
            for found in (
                closed_forms.closed_forms(bank, self.evaluator, self.problem, self.budget) if thorough else ()
            ):
                yield self._with_written(found)
        if "slots" in self.methods:
            share = self.budget.share(SLOTS)
            for found in inner_constants(bank, self.archive, self.evaluator, self.problem, share):
                yield self._with_written(found)
        if "forms" in self.methods:
            for view in range(len(self.views.names)):
                yield self._with_sums(sums.grow(bank, self.views, view, self.budget.share(SUMS)))
        if "subtrees" in self.methods:
            known: set[int] = set()
            for _ in range(SETS_OF_PARTS):
                parts = common_parts(self.archive, self.evaluator, known)
                if parts:
                    rest = tuple(m for m in self.methods if m not in ("reduction", "subtrees"))
                    yield self._inner(enriched(self.whole, self.grammar, parts), SUBTREES, rest, None)

    def _quick(self, thorough: bool) -> str:
        """Look at the shortest expressions, and at their sums, before anything that takes longer."""
        bank = Bank(self.grammar, self.problem, QUICK)
        self.unexplained = 0
        try:
            return self._quickly(bank, thorough)
        finally:
            self.unexplained = finish.UNEXPLAINED

    def _quickly(self, bank: Bank, thorough: bool) -> str:
        if enumerate_expressions(bank, self.archive, self.budget.share(ENUMERATION / 4)) == "exact":
            return self._reached()
        if "forms" in self.methods:
            quick = self.budget.share(QUICKLY)
            for view in range(len(self.views.names)):
                if quick.spent:
                    break
                share = quick.share(SUMS / (4 * QUICKLY))
                if stopped := self._with_sums(sums.grow(bank, self.views, view, share)):
                    return stopped
        if "slots" in self.methods and thorough:
            for found in quick_constants(bank, self.evaluator, self.problem, self.budget.share(QUICKLY)):
                if stopped := self._with_written(found):
                    return stopped
        return ""

    def _keep_best(self) -> None:
        """Drop, of many candidates, all but the best by what they leave with the constants that they have."""
        if len(self.written) > 2 * KEPT:
            bits = finish.rough_bits(self.written, self.evaluator, self.problem)
            best = sorted(np.argsort(bits, kind="stable")[:KEPT].tolist())
            self.written[:] = [self.written[k] for k in best]

    def _reduced(self) -> str:
        found = reduction(self.whole, self.grammar, self.budget.share(REDUCING))
        if found is not None and self.grammar.restricted:
            parts = [*found.variables, *([] if found.factor is None else [found.factor])]
            found = found if all(map(self.grammar.suits, parts)) else None
        self.stages["reduction"] = "none" if found is None else str(found)
        if found is None:
            return ""
        rest = tuple(m for m in self.methods if m != "reduction")
        return self._inner(found, SQUARED if found.only_parity else REDUCED, rest, self.chance)

    def _inner(self, found: Reduction, share: float, methods: tuple[str, ...], chance: Chance | None) -> str:
        """Search another form of the problem, and translate what that finds, also when it is interrupted."""
        if found.problem.constant:
            constant = np.array([found.grammar.constant], np.int16).tobytes()
            one = found.translated(Candidate(constant, (float(np.mean(found.problem.y)),)))
            return self._with_written([one])
        problem = sampled(found.problem, self.seed)
        evaluator = Evaluator(found.grammar, problem.X)
        archive = Archive(Views.of(problem, found.grammar))
        budget = self.budget.share(share)
        inner = Preparation(found.problem, problem, archive, evaluator, budget, self.seed, methods)
        bank = bank_for(found.grammar, problem)
        try:
            stopped = inner.run(bank)
            if not stopped and chance is not None:
                stopped = chance(bank, archive, evaluator, budget)
        finally:
            translated = [found.translated(each) for each in inner.candidates()]
            self.written += admitted_candidates(self.grammar, translated)
            self._keep_best()
        if stopped == "exact" and not self.grammar.restricted:
            return "exact"
        # what is exact in the other form need not be allowed here
        return self._what(self.written) if self.target_loss is not None or stopped == "exact" else ""

    def _with_sums(self, found: list[sums.Sum]) -> str:
        self.sums += found
        self.budget.spend(len(found))
        exact = [s for s in found if s.left <= self.views.floors[s.view] + sums.ROUNDING]
        exact.sort(key=lambda s: (len(s.terms), s.length, s.terms))
        if self.target_loss is not None:
            exact += sorted(found, key=lambda s: s.left)[:1]
        written = [
            finish.of_sum(s, self.evaluator, self.views, self.problem.sign)
            for s in exact[: finish.PROMISING + 1]
        ]
        return self._what([each for each in written if each is not None])

    def _with_written(self, found: list[Candidate]) -> str:
        found = admitted_candidates(self.grammar, found)
        self.written += found
        self._keep_best()
        return self._what(found)

    def _what(self, found: Sequence[Candidate]) -> str:
        """Return what one of the candidates reaches."""
        if finish.exact(self.problem, self.evaluator, found, self.unexplained):
            return "exact"
        if self.target_loss is not None:
            for each in found:
                if (
                    plain_loss((each.tokens, list(each.constants)), self.evaluator, self.problem)
                    <= self.target_loss
                ):
                    return "target loss"
        return ""

    def _reached(self) -> str:
        return getattr(self.archive, "reached", "exact")
