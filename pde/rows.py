"""Systems as rows of a term table, and the straight programs of their right-hand side and Jacobian, factored and shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symnum.codegen.straight import StraightCode
from symnum.columns.bulk import products, sums
from symnum.columns.derivative import jacobian
from symnum.columns.factoring import factored
from symnum.columns.lowering import lower
from symnum.columns.patterns import free_symbols
from symnum.columns.store import Store

Array = Any


@dataclass(frozen=True)
class Rows:
    """The rows of a right-hand side, of its states, its parameters and of time in one store."""

    store: Store
    rhs: Array
    states: Array
    parameters: Array
    time: int

    @classmethod
    def of_terms(
        cls, rhs: Sequence[Any], states: Sequence[Any], parameters: Sequence[Any], time: Any
    ) -> Rows:
        """Bring the terms of a system into a store of their own."""
        store = Store()
        rows = np.array(store.add([*rhs, *states, *parameters, time]), np.int64)
        n, m = len(rhs), len(rhs) + len(states)
        return cls(store, rows[:n], rows[n:m], rows[m:-1], int(rows[-1]))

    @classmethod
    def of_network(cls, arrays: Any, states: Sequence[Any], parameters: Sequence[Any], time: Any) -> Rows:
        """Make the rows of a network's right-hand side from its arrays, without a term for each reaction.

        ``arrays`` is a :class:`symnum.pde.network.NetworkArrays`.
        """
        species = np.repeat(
            np.arange(len(arrays.rate)), np.diff(arrays.change_starts)
        )  # the reaction of each change
        order = np.argsort(arrays.changed, kind="stable")
        count = np.bincount(arrays.changed, minlength=len(states))
        store = Store(
            4 * len(arrays.rate) + 1024,
            8 * (len(arrays.factors) + len(arrays.changed)) + 1024,
            max(1024, 2 * int(count.max(initial=0))),
        )
        known = np.array(store.add([*states, *parameters, time, *arrays.rates]), np.int64)
        n, m = len(states), len(states) + len(parameters)
        state_rows, rates = known[:n], known[m + 1 :]
        # each product begins with its rate, and then has its species
        starts = arrays.factor_starts + np.arange(len(arrays.factor_starts))
        factors = np.empty(int(starts[-1]), np.int64)
        first = np.zeros(len(factors), bool)
        first[starts[:-1]] = True
        factors[first] = rates[arrays.rate]
        factors[~first] = state_rows[arrays.factors]
        fluxes = products(store, starts, factors)
        rhs = sums(
            store, np.concatenate([[0], np.cumsum(count)]), fluxes[species[order]], arrays.change[order]
        )
        return cls(store, rhs, state_rows, known[n:m], int(known[m]))

    @cached_property
    def symbols(self) -> frozenset[int]:
        """Return the rows of the symbols that the right-hand side has."""
        return frozenset(free_symbols(self.store, self.rhs).tolist())

    @cached_property
    def used(self) -> Array:
        """Return the places of the parameters that occur."""
        return np.array(
            [i for i, row in enumerate(self.parameters.tolist()) if row in self.symbols], np.int64
        )

    @property
    def timed(self) -> bool:
        """Tell whether time occurs."""
        return self.time in self.symbols

    @cached_property
    def jacobian(self) -> tuple[Array, Array, Array]:
        """Return the non-zero derivatives by state as (equation, state, row), in the order of a CSC matrix."""
        i, j, entries = jacobian(self.store, self.rhs, self.states)
        order = np.lexsort((i, j))
        return i[order], j[order], entries[order]

    def code(self, rows: Array) -> StraightCode:
        """Return the program that computes rows from states, then time if it occurs, and the parameters that occur."""
        arguments = [*self.states, *([self.time] if self.timed else []), *self.parameters[self.used]]
        return lower(self.store, factored(self.store, rows), arguments, split=len(self.states))
