"""Search for formulas: enumerate short ones, add up stored ones, evolve longer ones, then fit, simplify and compare the best.

The stages share an archive of the best expressions, and every expression is scored with the best linear constants in each view of
the target (see :mod:`symnum.regression.problem`).  Given a number of evaluations, the result depends on the data and the seed only;
given a time, on the machine too.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from symnum.regression import finish, sums
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.candidate import Candidate
from symnum.regression.closed_forms import closed_forms, early_forms, early_sums
from symnum.regression.enumeration import Bank, enumerate_expressions
from symnum.regression.evaluator import Evaluator
from symnum.regression.evolution import Evolution
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem, Views
from symnum.regression.reductions import reduction

ROWS = 256
"""Rows on which expressions are compared while the search runs; the best are then fitted to all rows."""

MEMORY = 20_000_000
STORED = 150_000
"""Numbers that the bank may store, and expressions."""

REDUCED, ENUMERATION, SUMS = 0.4, 0.5, 0.05
"""Part of the budget that the reduced problem may take, the enumeration, and the sums in each view."""


@dataclass(frozen=True)
class Outcome:
    """Hold the formulas, how many expressions were evaluated, why the search stopped, and how each stage ended."""

    selection: finish.Selection
    evaluations: int
    stopped: str
    stages: dict[str, str]


class Search:
    """Run the stages on one problem."""

    def __init__(
        self, problem: Problem, grammar: Grammar, budget: Budget, seed: int, reduce: bool = True
    ) -> None:
        self.reduce = reduce
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.whole = problem
        self.problem = problem.sample(ROWS, self.rng)
        if self.problem.constant:  # the sample missed what little varies
            self.problem = problem
        self.grammar = grammar
        self.budget = budget
        self.views = Views.of(self.problem, grammar)
        self.archive = Archive(self.views)
        self.evaluator = Evaluator(grammar, self.problem.X)
        self.bank = Bank(grammar, self.problem, min(STORED, max(2000, MEMORY // self.problem.rows)))
        self.sums: list[sums.Sum] = []
        self.written: list[Candidate] = []
        self.stages: dict[str, str] = {}

    def run(self) -> Outcome:
        """Search until the budget is spent, a formula is exact, or nothing improves; Ctrl-C ends the search, not the fit."""
        stopped = "interrupted"
        try:
            stopped = self._search()
        except KeyboardInterrupt:
            warnings.warn(
                "the search was interrupted: the result is the best formula found so far",
                UserWarning,
                stacklevel=3,
            )
        return self._finish(stopped)

    def _search(self) -> str:
        if self.reduce and self._searched_reduced():
            return "exact"
        for found in early_forms(self.evaluator, self.views):
            self.written += found
            if finish.exact(self.problem, self.evaluator, found):
                return "exact"
        for some in early_sums(self.evaluator, self.views):
            self.sums += some
            self.budget.spend(len(some))
            if self._exact_sum(some):
                return "exact"
        first = self.budget.part(ENUMERATION)
        self.stages["enumeration"] = enumerate_expressions(self.bank, self.archive, first)
        self.budget.spend(first.used)
        if self.stages["enumeration"] == "exact" or self._exact_sum(self.sums):
            return "exact"
        for view in range(len(self.views.names)):
            if not self.budget.spent:
                second = self.budget.part(SUMS)
                self.sums += sums.grow(self.bank, self.views, view, second)
                self.budget.spend(second.used)
        if self._exact_sum(self.sums):
            return "exact"
        for found in closed_forms(self.bank, self.archive, self.evaluator, self.problem, self.budget):
            self.written += found
            if finish.exact(self.problem, self.evaluator, found):
                return "exact"
        if self.budget.spent:
            return "budget"
        return Evolution(self.bank, self.archive, self.evaluator, self.rng).run(self.budget)

    def _searched_reduced(self) -> bool:
        """Search the reduced problem, if the data allow a reduction; tell whether that gave an exact formula."""
        found = reduction(self.whole, self.grammar)
        if found is None:
            self.stages["reduction"] = "none"
            return False
        self.stages["reduction"] = str(found)
        budget = self.budget.part(REDUCED)
        inner = Search(found.problem, found.grammar, budget, self.seed, reduce=False)
        exact = (not found.problem.constant) and inner._search() == "exact"
        self.budget.spend(budget.used)
        self.written += [found.translated(each) for each in inner.candidates()]
        return exact

    def candidates(self) -> list[Candidate]:
        """Return what the stages found, as expressions of the target without repetition."""
        found = finish.candidates(self.archive, self.sums, self.evaluator, self.problem.sign)
        return list({each.text: each for each in (*found, *self.written)}.values())

    def _exact_sum(self, found: list[sums.Sum]) -> bool:
        """Tell whether a sum leaves no more than rounding, and is no mere approximation by many terms."""
        sums_left = [s for s in found if s.left <= self.views.floors[s.view] + sums.ROUNDING]
        sums_left.sort(key=lambda s: (len(s.terms), s.length, s.terms))
        written = [
            finish.of_sum(each, self.evaluator, self.views, self.problem.sign)
            for each in sums_left[: finish.PROMISING]
        ]
        return finish.exact(self.problem, self.evaluator, [each for each in written if each is not None])

    def _finish(self, stopped: str) -> Outcome:
        selection = finish.select(self.whole, self.problem, self.evaluator, self.candidates())
        return Outcome(selection, self.budget.used, stopped, self.stages)
