"""Evolve longer expressions from the best that the enumeration found.

Offspring come from crossover, from the exchange of a part for a stored expression, of an operation for another one, and from
joining two parents by an operation.  Parents and offspring compete by description length, and of equal functions one survives.
When nothing has improved for a while the population starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression.admission import fits
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Tokens

POPULATION = 300
LONGEST = 32
"""Tokens that an expression may have."""

STALL = 25
"""Generations without progress after which the population starts again."""

PATIENCE = 12
"""Fresh starts in a row that may bring nothing before the search ends."""


class Evolution:
    """Hold a population of expressions, without constant slots, and what their variation needs."""

    def __init__(self, bank: Bank, archive: Archive, evaluator: Evaluator, rng: np.random.Generator) -> None:
        self.bank = bank
        self.grammar = bank.grammar
        self.archive = archive
        self.evaluator = evaluator
        self.rng = rng
        self.same_arity = {
            int(t): [
                int(u)
                for u in self.grammar.searched
                if self.grammar.arity[u] == self.grammar.arity[t] and u != t
            ]
            for t in self.grammar.searched
        }
        self.joining = [int(t) for t in self.grammar.searched if self.grammar.arity[t] == 2]
        self.population: list[tuple[float, Tokens]] = []
        self.quiet = self.barren = 0  # generations, and fresh starts, without progress
        self.best = np.inf

    def run(self, budget: Budget) -> str:
        """Evolve until the budget is spent, an expression fits exactly, or fresh starts bring nothing; return which it was.

        A later call goes on where this one ended.
        """
        if not self.population:
            self._restart(budget)
        while True:
            while self.quiet < STALL:
                if budget.spent:
                    return "budget"
                if self.archive.exact():
                    return "exact"
                self.quiet = 0 if self._generation(budget) else self.quiet + 1
            reached = self.population[0][0] if self.population else np.inf
            self.barren = 0 if reached < self.best - 1e-6 else self.barren + 1
            self.best = min(self.best, reached)
            self.quiet = 0
            self._restart(budget)
            if self.barren == PATIENCE:
                self.barren = 0
                return "no progress"

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what :meth:`resume` needs to go on: the population, and how long it has not improved."""
        return {
            "fitness": np.array([fitness for fitness, _ in self.population]),
            "lengths": np.array([len(tokens) for _, tokens in self.population], np.int64),
            "tokens": np.concatenate([np.zeros(0, np.int16), *(tokens for _, tokens in self.population)]),
            "counts": np.array([self.quiet, self.barren]),
            "best": np.array(self.best),
        }

    def resume(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state; raises ValueError where that holds something else than expressions."""
        ends = np.cumsum(state["lengths"])
        tokens = np.asarray(state["tokens"], np.int16)
        parts = np.split(tokens, ends[:-1]) if len(ends) else []
        known = np.all((tokens >= 0) & (tokens < len(self.grammar.names)))
        if not known or any(len(p) == 0 or self.grammar.end(p, 0) != len(p) for p in parts):
            raise ValueError(
                "the state of the evolution holds tokens that are no expression; begin without it, from a new checkpoint"
            )
        self.population = list(zip(map(float, state["fitness"]), parts, strict=True))
        self.quiet, self.barren = map(int, state["counts"])
        self.best = float(state["best"])

    def _restart(self, budget: Budget) -> None:
        """Fill the population with the archive's fronts and with stored expressions."""
        self.population = []
        known = [
            e.tokens
            for view in range(len(self.archive.best))
            for e in self.archive.entries(view)
            if len(e.text) <= 2 * LONGEST
        ]
        seeds = [known[k] for k in self.rng.permutation(len(known))[: POPULATION // 3]]
        seeds += [self._stored() for _ in range(POPULATION - len(seeds))]
        self._compete(seeds, budget)

    def _generation(self, budget: Budget) -> bool:
        offspring = []
        for _ in range(POPULATION):
            child = self._vary()
            if child is not None and len(child) <= LONGEST and self.grammar.allowed(child):
                offspring.append(child)
        budget.spend(
            POPULATION - len(offspring)
        )  # a child that is not allowed costs too, so that the loop ends
        return self._compete(offspring, budget)

    def _compete(self, newcomers: list[Tokens], budget: Budget) -> bool:
        """Score newcomers and keep the best; tell whether the best improved."""
        if not newcomers:
            return False
        budget.spend(len(newcomers))
        scores = self.evaluator.scores(newcomers, self.archive.views)
        if self.grammar.restricted:
            scores[~fits(self.grammar, newcomers, self.archive.views.names)] = np.inf
        lengths = np.array([len(tokens) for tokens in newcomers])
        self.archive.offer(scores, lengths, lambda k: newcomers[k])
        fitness = self._bits(scores, lengths)
        before = self.population[0][0] if self.population else np.inf
        pool = self.population + [
            (float(f), t) for f, t in zip(fitness, newcomers, strict=True) if np.isfinite(f)
        ]
        kept: dict[float, tuple[float, Tokens]] = {}
        for each in sorted(pool, key=lambda p: (p[0], len(p[1]), p[1].tobytes())):
            kept.setdefault(round(each[0], 6), each)  # equal functions of equal length have equal bits
            if len(kept) == POPULATION:
                break
        self.population = list(kept.values())
        return bool(self.population and self.population[0][0] < before - 1e-6)

    def _bits(self, scores: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the description length, up to a constant, in the view that gives the least."""
        with np.errstate(divide="ignore"):
            left = np.log2(np.maximum(scores, self.archive.views.floors)).min(axis=1)
        return self.evaluator.rows / 2 * left + self.grammar.token_bits * lengths

    def _parent(self) -> Tokens:
        """Return the best of four: the population is sorted, so it is the least of four places."""
        return self.population[min(self.rng.integers(len(self.population), size=4).tolist())][1]

    def _stored(self) -> Tokens:
        """Return a stored expression: a length first, then one of it."""
        ends = self.bank.ends
        lengths = [n for n in range(1, len(ends)) if ends[n] > ends[n - 1]]
        n = lengths[int(self.rng.integers(len(lengths)))]
        return self.bank.tokens(int(self.rng.integers(ends[n - 1], ends[n])))

    def _part(self, tokens: Tokens) -> tuple[int, int]:
        start = int(self.rng.integers(len(tokens)))
        return start, self.grammar.end(tokens, start)

    def _vary(self) -> Tokens | None:
        if not self.population:
            return self._stored()
        parent, choice = self._parent(), self.rng.random()
        if choice < 0.5:
            other = self._parent()
            start, stop = self._part(other)
            return self._replaced(parent, other[start:stop])
        if choice < 0.75:
            return self._replaced(parent, self._stored())
        if choice < 0.9 and self.joining:
            other = self._parent() if self.rng.random() < 0.5 else self._stored()
            pair = (parent, other) if self.rng.random() < 0.5 else (other, parent)
            return np.concatenate(
                [np.array([self.joining[int(self.rng.integers(len(self.joining)))]], np.int16), *pair]
            )
        return self._retyped(parent)

    def _replaced(self, tokens: Tokens, part: Tokens) -> Tokens:
        start, stop = self._part(tokens)
        return np.concatenate([tokens[:start], part, tokens[stop:]])

    def _retyped(self, tokens: Tokens) -> Tokens | None:
        """Return the expression with one token exchanged for another of its kind, or one operation of one argument taken out or put in."""
        place = int(self.rng.integers(len(tokens)))
        token = int(tokens[place])
        unary = [int(t) for t in self.grammar.searched if self.grammar.arity[t] == 1]
        if unary and self.rng.random() < 0.3:
            return np.insert(tokens, place, unary[int(self.rng.integers(len(unary)))])
        if self.grammar.arity[token] == 1 and self.rng.random() < 0.5:
            return np.delete(tokens, place)
        others = (
            self.same_arity.get(token)
            if self.grammar.arity[token]
            else [int(t) for t in self.grammar.leaves if t != token]
        )
        if not others:
            return None
        changed = tokens.copy()
        changed[place] = others[int(self.rng.integers(len(others)))]
        return changed
