"""Machine code for systems of terms: the one place that says how right-hand sides and Jacobians are compiled."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from symnum.codegen.function import compile as compile_terms
from symnum.codegen.lower import lower
from symnum.codegen.target import Unsupported


class TermCode:
    """Terms as a function of time, states and parameters that fills an array of floats.

    ``target`` is that of :func:`symnum.compile`; "auto" is native code, since a system is called thousands of times, or what
    :func:`symnum.compile` chooses where an operator has no native code; ``why`` says which.
    """

    def __init__(
        self, terms: Sequence[Any], time: Any, states: Sequence[Any], parameters: Sequence[Any], target: str
    ) -> None:
        self.size = len(terms)
        self._native: Any = None
        self._function: Any = None
        self._note = ""
        self._local = threading.local()
        if not self.size:
            return
        if target in ("auto", "native"):
            try:
                self._native = _native(terms, [*states, time, *parameters], len(states))
                return
            except Unsupported as problem:
                if target == "native":
                    raise
                self._note = f"no native code: {problem}; "
        self._function = compile_terms(list(terms), [time, *states, *parameters], target)

    @property
    def why(self) -> str:
        """Say what runs and why."""
        if self._native is not None:
            return f"native code for a system: {self._native.why}"
        return "there is nothing to compute" if self._function is None else self._note + self._function.why

    def __call__(self, t: float, u: Any, p: Any, out: Any) -> None:
        """Fill ``out``: (terms,), from ``t``, ``u``: (states,) and ``p``: (parameters,)."""
        if self._native is not None:
            # the states are the arguments that change at each call; time goes with the parameters.  The buffers stay, because the
            # code need not look at memory again that it saw in the last call.
            buffers = getattr(self._local, "buffers", None)
            if buffers is None:
                buffers = self._local.buffers = np.empty(len(p) + 1), np.empty(self.size)
            rest, filled = buffers
            rest[0], rest[1:] = t, p
            self._native.fill(np.ascontiguousarray(u, dtype=np.float64), rest, filled)
            out[...] = filled
        elif self._function is not None:
            out[:] = self._function(float(t), *u.tolist(), *p.tolist())


def _native(terms: Sequence[Any], arguments: Sequence[Any], split: int) -> Any:
    """Return native code of a system; raises Unsupported where it cannot be made."""
    from symnum.codegen.native import compile_code
    from symnum.codegen.straight import StraightCode

    return compile_code(StraightCode.of_program(lower(list(terms), list(arguments)), split))


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
