"""Local search over the choices of the factoring optimiser: in one sum at a time another factor is taken out first.

A change stays if the whole system becomes cheaper, with everything shared that can be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from symnum.rewriting.cost import CostModel
from symnum.rewriting.factoring import (
    Content,
    Letter,
    Preference,
    factor_sums,
    most_common_first,
    rarest_first,
)
from symnum.rewriting.nary import Graph
from symnum.rewriting.sharing import share


@dataclass(frozen=True, slots=True)
class Factored:
    """The cheapest graph found, its cost, how many forms were tried, and why the search stopped.

    ``stop`` is "local optimum" when no other first choice in one sum helps, "seconds" when the time was up, or "pairs" when the system
    was too large to look at every pair of addends.
    """

    graph: Graph
    cost: float
    tried: int
    stop: str


def factor_and_share(graph: Graph, model: CostModel, seconds: float) -> Factored:
    """Return the cheapest factored and shared form of a graph found within about ``seconds``, at least the greedy one."""
    return _Search(graph, model, seconds).run()


class _Search:
    def __init__(self, graph: Graph, model: CostModel, seconds: float) -> None:
        self.graph, self.model = graph, model
        self.end = time.monotonic() + seconds
        self.longest = 0.0
        self.tried = 0
        self.complete = True
        self.prefer: Preference | None = most_common_first
        self.forced: dict[Content, Letter] = {}
        self.choices: list[tuple[Content, list[Letter]]] = []
        self.best, self.cost = graph, float("inf")

    def run(self) -> Factored:
        """Climb down until no single change helps or the time is up."""
        self.attempt(self.forced, most_common_first)
        stop = "local optimum" if self.climb() else "seconds"
        return Factored(self.best, self.cost, self.tried, stop if self.complete else "pairs")

    def climb(self) -> bool:
        """Return False when the time is up."""
        for prefer in (None, rarest_first):
            if not self.in_time():
                return False
            self.attempt({}, prefer)
        improved = True
        while improved:
            improved = False
            for content, letters in list(self.choices):
                for letter in letters[1:]:
                    if not self.in_time():
                        return False
                    improved |= self.attempt({**self.forced, content: letter}, self.prefer)
        return True

    def in_time(self) -> bool:
        """Tell whether one more form can be tried."""
        return time.monotonic() + self.longest <= self.end

    def attempt(self, forced: dict[Content, Letter], prefer: Preference | None) -> bool:
        """Make one form and keep it if it is the cheapest so far."""
        begun = time.monotonic()
        factored, choices = factor_sums(self.graph, self.model, prefer=prefer, forced=forced)
        shared, complete = share(factored, self.model)
        cost = shared.cost(self.model)
        self.tried += 1
        self.complete = self.complete and complete
        self.longest = max(self.longest, time.monotonic() - begun)
        if not cost < self.cost:
            return False
        self.best, self.cost, self.choices = shared, cost, choices
        self.forced, self.prefer = forced, prefer
        return True
