"""Machine code for systems of terms: the one place that says how right-hand sides and Jacobians are compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.codegen.function import compile as compile_terms


class TermCode:
    """Terms as a function of time, states and parameters that fills an array of floats."""

    def __init__(
        self, terms: Sequence[Any], time: Any, states: Sequence[Any], parameters: Sequence[Any], target: str
    ) -> None:
        self.size = len(terms)
        self._function = (
            compile_terms(list(terms), [time, *states, *parameters], target) if self.size else None
        )
        self.target = self._function.target if self._function else target
        self.why = self._function.why if self._function else "there is nothing to compute"

    def __call__(self, t: float, u: Any, p: Any, out: Any) -> None:
        """Fill ``out``: (terms,), from ``t``, ``u``: (states,) and ``p``: (parameters,)."""
        if self._function is not None:
            out[:] = self._function(float(t), *u.tolist(), *p.tolist())


class JacobianCode:
    """A sparse matrix of terms as a function that fills the data of a CSC matrix; ``indptr`` and ``indices`` are its pattern."""

    def __init__(
        self, matrix: Any, time: Any, states: Sequence[Any], parameters: Sequence[Any], target: str
    ) -> None:
        rows, columns = np.array(matrix.rows, np.int32), np.array(matrix.columns, np.int32)
        order = np.lexsort((rows, columns))
        self.shape = matrix.shape
        self.indices = rows[order]
        self.indptr = np.concatenate(
            [[0], np.cumsum(np.bincount(columns, minlength=matrix.shape[1]))]
        ).astype(np.int32)
        self.fill = TermCode([matrix.entries[k] for k in order], time, states, parameters, target)

    def __call__(self, t: float, u: Any, p: Any) -> Any:
        """Return the matrix at a time, state and parameters as a scipy.sparse.csc_matrix of its own arrays."""
        from scipy.sparse import csc_matrix

        data = np.empty(len(self.indices))
        self.fill(t, u, p, data)
        return csc_matrix((data, self.indices.copy(), self.indptr.copy()), shape=self.shape)
