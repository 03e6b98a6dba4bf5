"""The system of a reaction network: its terms are made when they are asked for, and its code without them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum.columns import ready
from symnum.pde.system import OdeSystem

if TYPE_CHECKING:
    from symnum.pde.network import ReactionNetwork


class NetworkSystem(OdeSystem):
    """The :class:`OdeSystem` of a :class:`ReactionNetwork`; observed are the groups, and functions without arguments whose names do
    not begin with "_"."""

    def __init__(self, network: ReactionNetwork) -> None:
        self.network = network
        observed = {
            name: term
            for name, term in network.definitions.items()
            if name in network.groups or not name.startswith("_")
        }
        # The states stand in for the right-hand side, which has as many terms and is made when it is asked for.
        super().__init__(
            network.states, network.states, network.initial, network.parameters,
            time=network.time, observables=observed, state_names=network.species,
        )  # fmt: skip

    def _parts(self) -> Sequence[Any]:
        return self.network.arrays.rates

    @property
    def rhs(self) -> list[Any]:
        """Return the right-hand side: one term for each species."""
        return self._made

    @cached_property
    def _made(self) -> list[Any]:
        return self.network.rhs

    def _rows(self) -> Any | None:
        """Return the system as rows, made of arrays and not of terms."""
        arrays = self.network.arrays
        if not ready.serve(lambda: len(arrays.rate) + len(self.states)):
            return None
        from symnum.pde.rows import Rows

        return Rows.of_network(arrays, self.states, list(self._symbols.values()), self.time)

    def sparsity(self) -> Any:
        """Return where the Jacobian may be non-zero: a boolean scipy.sparse.csc_matrix."""
        rows = self._rows()
        if rows is None:
            return super().sparsity()
        from scipy.sparse import csr_matrix

        from symnum.columns.patterns import jacobian_pattern

        starts, columns = jacobian_pattern(rows.store, rows.rhs, rows.states)
        return csr_matrix((np.ones(len(columns), bool), columns, starts), shape=2 * self.shape).tocsc()
