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
from symnum.regression.enumeration import Bank, enumerate_expressions
from symnum.regression.evaluator import Evaluator
from symnum.regression.evolution import Evolution
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem, Views

ROWS = 256
"""Rows on which expressions are compared while the search runs; the best are then fitted to all rows."""

MEMORY = 6_000_000
STORED = 100_000
"""Numbers that the bank may store, and expressions."""

ENUMERATION, SUMS = 0.5, 0.05
"""Part of the budget that the enumeration may take, and the sums in each view."""


@dataclass(frozen=True)
class Outcome:
    """Hold the formulas, how many expressions were evaluated, why the search stopped, and how each stage ended."""

    selection: finish.Selection
    evaluations: int
    stopped: str
    stages: dict[str, str]


class Search:
    """Run the stages on one problem."""

    def __init__(self, problem: Problem, grammar: Grammar, budget: Budget, seed: int) -> None:
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
        pools = {"log": sums.logarithms(self.grammar)} | dict.fromkeys(
            ("plain", "relative"), sums.monomials(self.grammar)
        )
        for view, name in enumerate(self.views.names):
            pool = pools.get(name, [])
            self.sums += sums.eliminate(pool, self.evaluator, self.views, view)
            self.budget.spend(len(pool))
        first = self.budget.part(ENUMERATION)
        self.stages["enumeration"] = enumerate_expressions(self.bank, self.archive, first)
        self.budget.spend(first.used)
        if self.stages["enumeration"] == "exact" or self._exact_sum():
            return "exact"
        for view in range(len(self.views.names)):
            if not self.budget.spent:
                second = self.budget.part(SUMS)
                self.sums += sums.grow(self.bank, self.views, view, second)
                self.budget.spend(second.used)
        if self._exact_sum():
            return "exact"
        if self.budget.spent:
            return "budget"
        return Evolution(self.bank, self.archive, self.evaluator, self.rng).run(self.budget)

    def _exact_sum(self) -> bool:
        """Tell whether a sum leaves no more than rounding."""
        return any(each.left <= self.views.floors[each.view] + sums.ROUNDING for each in self.sums)

    def _finish(self, stopped: str) -> Outcome:
        found = finish.candidates(self.archive, self.sums, self.evaluator, self.problem.sign)
        selection = finish.select(self.whole, self.problem, self.evaluator, found)
        return Outcome(selection, self.budget.used, stopped, self.stages)
