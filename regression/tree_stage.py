"""The tree search as a stage of a restart: it runs until its budget is spent, and goes on in another process from arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.q_values import TabularQ
from symnum.regression.tree_search import TreeOptions, TreeSearch

REMEMBERED = 2048
"""Prefixes, those most used, whose values go from one slice of a restart to the next."""


class TreeStage:
    """Run :class:`~symnum.regression.tree_search.TreeSearch`; between slices the most used prefixes keep their values.

    A neural Q function learns anew in each slice, from what the archive holds.
    """

    def __init__(
        self,
        bank: Bank,
        archive: Archive,
        evaluator: Evaluator,
        rng: np.random.Generator,
        options: TreeOptions | None = None,
    ) -> None:
        self.search = TreeSearch(bank, archive, evaluator, rng, options)

    def run(self, budget: Budget) -> str:
        """Search until the budget is spent, an expression fits exactly, or nothing new is built."""
        while not budget.spent:
            stopped = self.search.run(budget)
            if stopped in ("complete", "no progress"):
                return "no progress"
            if stopped != "rounds":
                return stopped
        return "budget"

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the counts, and the values of the most used prefixes."""
        search = self.search
        found: dict[str, NDArray[Any]] = {
            "counts": np.array([search.simulations, search.evaluations, search.episodes], np.int64)
        }
        if isinstance(search.q, TabularQ):
            table = search.q.table
            used = np.flatnonzero(table.keys)
            places = np.sort(used[np.argsort(-table.uses[used], kind="stable")[:REMEMBERED]])
            found |= {
                "places": places,
                "keys": table.keys[places],
                "uses": table.uses[places],
                "values": table.values[places],
                "best": table.best,
                "usual": table.usual,
            }
        return found

    def resume(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        search = self.search
        search.simulations, search.evaluations, search.episodes = map(int, state["counts"])
        if isinstance(search.q, TabularQ) and "places" in state:
            table, places = search.q.table, state["places"]
            table.keys[places], table.uses[places] = state["keys"], state["uses"]
            table.values[places] = state["values"]
            table.best[:], table.usual[:] = state["best"], state["usual"]
