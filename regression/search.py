"""Search for formulas: enumerate short ones, add up stored ones, evolve longer ones, then fit, simplify and compare the best.

The stages share an archive of the best expressions, and every expression is scored with the best linear constants in each view of
the target (see :mod:`symnum.regression.problem`).  Given a number of evaluations, the result depends on the data and the seed only;
given a time, on the machine too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from symnum.regression import description, sums
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.constants import Fit, Fitter, Model
from symnum.regression.enumeration import Bank, enumerate_expressions
from symnum.regression.evaluator import Evaluator
from symnum.regression.evolution import Evolution
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.pareto import front, noise_model
from symnum.regression.problem import Floats, Problem, Views, in_plain_target

ROWS = 256
"""Rows on which expressions are compared while the search runs; the best are then fitted to all rows."""

MEMORY = 6_000_000
STORED = 100_000
"""Numbers that the bank may store, and expressions."""

ENUMERATION = 0.5
"""Part of the budget that the enumeration may take."""

REFINED = 160
FINALISTS = 48
"""How many expressions get all their constants fitted, and how many of these go to the final comparison on all rows."""


@dataclass
class Outcome:
    """Hold the models on the front, the noise model, and how the search went."""

    models: list[Model]
    noise: str
    evaluations: int
    stopped: str
    baseline: float
    stages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """Hold an expression of y with constant slots, where its constants start, and roughly how many bits it takes."""

    bits: float
    text: bytes
    constants: tuple[float, ...]

    @property
    def tokens(self) -> Tokens:
        """Return the token array."""
        return np.frombuffer(self.text, np.int16)


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
        for view, name in enumerate(self.views.names):
            pool = (
                sums.monomials(self.grammar)
                if name in ("plain", "relative")
                else sums.logarithms(self.grammar)
                if name == "log"
                else []
            )
            self.sums += sums.eliminate(pool, self.evaluator, self.views, view)
            self.budget.spend(len(pool))
        first = self.budget.part(ENUMERATION)
        self.stages["enumeration"] = enumerate_expressions(self.bank, self.archive, first)
        self.budget.spend(first.used)
        if self.stages["enumeration"] == "exact":
            return "exact"
        if self._exact_sum():
            return "exact"
        for view, name in enumerate(self.views.names):
            if name in ("plain", "relative", "log") and not self.budget.spent:
                second = self.budget.part(0.1)
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

    # --- from the archive to formulas -------------------------------------------------------------------------------------------

    def _finish(self, stopped: str) -> Outcome:
        """Fit what was found under each noise model, and return the front under the one that fits best."""
        noises = ["additive", *(["relative"] if self.whole.relative else [])]
        candidates = sorted(self._candidates(), key=lambda c: (c.bits, c.text))
        final: list[Model] = []
        whole = Evaluator(self.grammar, self.whole.X)
        baseline = {}
        for noise in noises:
            rough = Fitter(self.problem, self.evaluator, noise)
            fine = Fitter(self.whole, whole, noise)
            final.append(self._constant_model(fine))
            baseline[noise] = final[-1].bits
            for tokens, start in self._finalists(rough, candidates):
                fitted = fine.fit(tokens, start)
                if fitted is None:
                    continue
                model = fine.model(tokens, fitted)
                hopeful = fine.least_bits(model, fitted) < min(each.bits for each in final)
                final.append(fine.snapped(tokens, fitted) if hopeful else fine.rounded(tokens, fitted, model))
        final = [model for model in final if np.isfinite(model.bits)]
        noise = noise_model(final)
        rounding = description.noise_floor(self.whole, noise) ** 2
        models = front((model for model in final if model.noise == noise), rounding)
        return Outcome(models, noise, self.budget.used, stopped, baseline[noise], self.stages)

    def _constant_model(self, fitter: Fitter) -> Model:
        """Return the best constant as a model."""
        weights = fitter.scale**2
        mean = float(weights @ self.whole.y / weights.sum())
        fitted = fitter.fit(np.array([self.grammar.constant], np.int16), np.array([mean]))
        assert fitted is not None
        return fitter.snapped(np.array([self.grammar.constant], np.int16), fitted)

    def _finalists(self, fitter: Fitter, candidates: list[Candidate]) -> Iterator[tuple[Tokens, Floats]]:
        """Yield the best candidates after all their constants were fitted to the rows of the search."""
        found: dict[bytes, tuple[float, int, Candidate, Fit]] = {}
        for candidate in candidates[: 2 * REFINED]:
            if candidate.text in found:
                continue
            fitted = fitter.fit(candidate.tokens, np.array(candidate.constants))
            if fitted is not None:
                model = fitter.model(candidate.tokens, fitted)
                found[candidate.text] = (model.bits, model.complexity, candidate, fitted)
        ranked = sorted(found.values(), key=lambda f: (f[0], f[2].text))
        chosen = ranked[: FINALISTS // 2]
        losses: dict[int, float] = {}
        for each in sorted(ranked, key=lambda f: (f[1], f[3].loss)):  # and whatever is on the front
            if each[3].loss < 0.999 * min(losses.values(), default=np.inf):
                losses[each[1]] = each[3].loss
                if each not in chosen and len(chosen) < FINALISTS:
                    chosen.append(each)
        for _, _, candidate, fitted in chosen:
            yield candidate.tokens, fitted.constants

    def _candidates(self) -> Iterator[Candidate]:
        """Yield what the archive holds, and the sums, as expressions of y; the best of each view and length, rest by bits."""
        token_bits = float(np.log2(len(self.grammar.searched) + len(self.grammar.leaves)))
        for view, name in enumerate(self.views.names):
            ranked = []
            for entry in self.archive.entries(view):
                left = max(entry.left, float(self.views.floors[view]))
                ranked.append((self.problem.rows / 2 * np.log2(left) + token_bits * len(entry.tokens), entry))
            fronted = set(self.archive.front(view))
            ranked.sort(key=lambda r: (r[0], r[1].text))
            chosen = [
                r for k, r in enumerate(ranked) if k < REFINED // len(self.views.names) or r[1] in fronted
            ]
            for bits, entry in chosen:
                values = self.evaluator.values([entry.tokens])[0]
                slope, offset = self.views.linear(view, values)
                written = in_plain_target(
                    self.grammar, name, [entry.tokens], [slope], offset, self.problem.sign
                )
                if written is not None:
                    yield Candidate(float(bits), written[0].tobytes(), tuple(written[1]))
        for each in self.sums:
            coefficients, offset = self.views.least_squares(each.view, self.evaluator.values(each.tokens))
            written = in_plain_target(
                self.grammar,
                self.views.names[each.view],
                each.tokens,
                coefficients,
                offset,
                self.problem.sign,
            )
            if written is not None:
                left = max(each.left, float(self.views.floors[each.view]))
                bits = self.problem.rows / 2 * np.log2(left) + token_bits * each.length
                yield Candidate(float(bits), written[0].tobytes(), tuple(written[1]))
