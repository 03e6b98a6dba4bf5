"""SciPy's implicit solvers with sparse factorisations that are analysed once.

SciPy factorises I - c*J anew for every step size, and SuperLU then finds a column order (COLAMD) each time, though the pattern is the
same.  Here the matrices of a run share one pattern, and :class:`symnum.pde.sparse_lu.SparseLU` keeps what it found out about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import BDF, Radau

from symnum.pde.sparse_lu import SparseLU


class Shifted:
    """The matrix ``identity*I + J`` where ``data`` are the entries of J; SciPy's solvers form it as a*I - b*J."""

    __array_ufunc__ = None  # so that a NumPy number times this asks __rmul__
    __slots__ = ("data", "identity")

    def __init__(self, identity: Any, data: Any) -> None:
        self.identity, self.data = identity, data

    def __rmul__(self, number: Any) -> Shifted:
        return Shifted(number * self.identity, number * self.data)

    def __sub__(self, other: Shifted) -> Shifted:
        return Shifted(self.identity - other.identity, self.data - other.data)


class Factorizer:
    """Factorises the matrices a*I + b*J for entries of J in one pattern."""

    def __init__(self, matrix: Any) -> None:
        n = matrix.shape[0]
        # positions of the entries of J, and of the diagonal, in a pattern that has the whole diagonal
        column = np.repeat(np.arange(n), np.diff(matrix.indptr))
        key, diagonal = column * n + matrix.indices, np.arange(n) * (n + 1)
        distinct = np.sort(np.concatenate([key, np.setdiff1d(diagonal, key, assume_unique=True)]))
        self.matrix_indices, self.matrix_indptr = matrix.indices.copy(), matrix.indptr.copy()
        self.shape = matrix.shape
        self._jacobian, self._diagonal = np.searchsorted(distinct, key), np.searchsorted(distinct, diagonal)
        self._size = len(distinct)
        self._lu = SparseLU(np.searchsorted(distinct, np.arange(n + 1) * n), distinct % n)

    def fits(self, matrix: Any) -> bool:
        """Tell whether a matrix has the pattern that was given first."""
        return np.array_equal(matrix.indptr, self.matrix_indptr) and np.array_equal(
            matrix.indices, self.matrix_indices
        )

    def __call__(self, shifted: Shifted) -> Factored:
        """Return what solves with the matrix; where that is singular or not finite, its results are nan."""
        data = np.zeros(self._size, np.result_type(shifted.data, shifted.identity, float))
        data[self._jacobian] = shifted.data
        data[self._diagonal] += shifted.identity
        if not np.isfinite(data).all():
            return Factored(shifted, _nothing)
        try:
            return Factored(shifted, self._lu.factorize(data))
        except RuntimeError:  # exactly singular; the solvers answer nan with a smaller step
            return Factored(shifted, _nothing)


@dataclass(frozen=True, slots=True)
class Factored:
    """A matrix and the function that solves with it."""

    matrix: Shifted
    solve: Callable[[Any], Any]


def _nothing(b: Any) -> Any:
    return np.full(b.shape, np.nan, b.dtype)


class _SharedPattern:
    """Replaces what a SciPy solver does with its Jacobian; mixed into BDF and Radau, which call jac, lu and solve_lu."""

    njev: int
    nlu: int
    factors: tuple[str, ...]

    def __init__(self, fun: Any, t0: float, y0: Any, t_bound: float, *, jac: Any, **options: Any) -> None:
        super().__init__(fun, t0, y0, t_bound, jac=jac, **options)  # type: ignore[call-arg]  # that of BDF or Radau
        first = self.J  # type: ignore[has-type]  # set by BDF and Radau
        self.factorize = Factorizer(first)
        self.jacobian = jac
        self.I, self.J = Shifted(1.0, 0.0), Shifted(0.0, first.data)
        self.jac, self.lu, self.solve_lu = self._jac, self._lu, lambda factored, b: factored.solve(b)

    def _jac(self, t: float, y: Any, f: Any = None) -> Shifted:
        self.njev += 1
        matrix = self.jacobian(t, y)
        if not self.factorize.fits(matrix):
            raise ValueError(
                "the Jacobian changed its sparsity pattern; return every entry that may be non-zero, also where it is 0"
            )
        return Shifted(0.0, matrix.data)

    def _lu(self, shifted: Shifted) -> Factored:
        self.nlu += 1
        return self.factorize(shifted)

    def saved(self) -> dict[str, Any]:
        """Return the Jacobian and the matrices whose factors are in use, as arrays."""
        found = {"J": self.J.data}
        for name in self.factors:
            factored = getattr(self, name)
            if factored is not None:
                found |= {
                    f"{name}/identity": np.array(factored.matrix.identity),
                    f"{name}/data": factored.matrix.data,
                }
        return found

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Take what :meth:`saved` returned, and factorise again."""
        self.J = Shifted(0.0, arrays["J"])
        for name in self.factors:
            known = f"{name}/data" in arrays
            matrix = Shifted(arrays[f"{name}/identity"].item(), arrays[f"{name}/data"]) if known else None
            setattr(self, name, None if matrix is None else self.factorize(matrix))


class SparseBDF(_SharedPattern, BDF):
    """SciPy's BDF for a sparse Jacobian ``jac(t, y)`` of one pattern."""

    factors = ("LU",)


class SparseRadau(_SharedPattern, Radau):
    """SciPy's Radau for a sparse Jacobian ``jac(t, y)`` of one pattern."""

    factors = ("LU_real", "LU_complex")

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Take what :meth:`saved` returned, and interpolate the last step, from which the next one starts."""
        super().load(arrays)
        self.sol = None if self.t_old is None else self._compute_dense_output()
