"""Machine code for systems of terms: the one place that says how right-hand sides and Jacobians are compiled.

Systems go the way of columns: rows, factored, lowered and compiled by the native target.  Small ones, which would wait for kernels, are
lowered term by term for the same target; what that target cannot spell, and any other target that is asked for, goes through
:func:`symnum.compile`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum import term as interface
from symnum.codegen.function import compile as compile_terms
from symnum.codegen.lower import lower
from symnum.codegen.target import Unsupported

if TYPE_CHECKING:
    from symnum.codegen.straight import StraightCode
    from symnum.pde.rows import Rows

NATIVE = ("auto", "native")
"""Targets that are served by native code."""

COPIED = 8192
"""Up to so many outputs are computed into memory that the code saw in the last call, and copied: looking at new memory takes 6 us."""


class TermCode:
    """Terms as a function of time, states and parameters that fills an array of floats."""

    def __init__(
        self, terms: Sequence[Any], time: Any, states: Sequence[Any], parameters: Sequence[Any], target: str
    ) -> None:
        self._fill: NativeFill | None = None
        self._function: Any = None
        why = ""
        if target in NATIVE:
            used = {interface.key(s) for s in interface.free_symbols(*terms)}
            timed = interface.key(time) in used
            try:
                program = lower(list(terms), [*states, *([time] if timed else []), *parameters])
                self._fill = NativeFill(_straight(program, len(states)), timed)
            except Unsupported as problem:
                if target == "native":
                    raise
                why = f"no native code: {problem}; "
        if self._fill is None and len(terms):
            self._function = compile_terms(list(terms), [time, *states, *parameters], target)
        self.target = "native" if self._fill else self._function.target if self._function else target
        self._why = why

    @property
    def why(self) -> str:
        """Say which code runs and why."""
        if self._fill is not None:
            return self._fill.why
        return self._why + (self._function.why if self._function else "there is nothing to compute")

    @property
    def native(self) -> NativeFill | None:
        """Return the machine code, or None where another target computes the terms."""
        return self._fill

    def __call__(self, t: float, u: Any, p: Any, out: Any) -> None:
        """Fill ``out``: (terms,), from ``t``, ``u``: (states,) and ``p``: (parameters,)."""
        if self._fill is not None:
            self._fill(t, u, p, out)
        elif self._function is not None:
            out[:] = self._function(float(t), *u.tolist(), *p.tolist())


class NativeFill:
    """A straight program as machine code that fills an array from time, states and parameters, which are contiguous floats."""

    def __init__(self, code: StraightCode, timed: bool) -> None:
        from symnum.codegen.native import compile_code

        self.function = compile_code(code)
        self.timed = timed
        self.target = "native"
        self._outputs, self._parameters = len(code.outputs), code.arguments - code.split
        self._local = threading.local()

    @property
    def why(self) -> str:
        """Say which tier runs and what was cached."""
        return f"native: {self.function.why}"

    def __call__(self, t: float, u: Any, p: Any, out: Any) -> None:
        """Fill ``out`` from ``t``, ``u``: (states,) and ``p``: (parameters that occur,)."""
        if self._outputs > COPIED:
            self.function.fill(u, np.concatenate([[t], p]) if self.timed else p, out)
            return
        memory = getattr(self._local, "memory", None)
        if memory is None:
            memory = self._local.memory = np.empty(self._parameters), np.empty(self._outputs)
        rest, filled = memory
        if self.timed:
            rest[0], rest[1:] = t, p
        self.function.fill(u, rest if self.timed else p, filled)
        out[...] = filled


def _straight(program: Any, split: int) -> StraightCode:
    from symnum.codegen.straight import StraightCode

    return StraightCode.of_program(program, split)


class JacobianCode:
    """A sparse matrix of terms as a function that fills the data of a CSC matrix; ``indptr`` and ``indices`` are its pattern."""

    def __init__(self, shape: tuple[int, int], rows: Any, columns: Any, fill: Any) -> None:
        """``rows`` and ``columns`` are the places of the entries in the order of a CSC matrix; ``fill(t, u, p, out)`` computes them."""
        self.shape, self.fill = shape, fill
        self.indices = np.asarray(rows, np.int32)
        counts = np.bincount(columns, minlength=shape[1])
        self.indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    @classmethod
    def of_matrix(
        cls, matrix: Any, time: Any, states: Sequence[Any], parameters: Sequence[Any], target: str
    ) -> JacobianCode:
        """Compile a :class:`symnum.calculus.sparse.SparseMatrix`."""
        rows, columns = np.array(matrix.rows, np.int64), np.array(matrix.columns, np.int64)
        order = np.lexsort((rows, columns))
        fill = TermCode([matrix.entries[k] for k in order], time, states, parameters, target)
        return cls(matrix.shape, rows[order], columns[order], fill)

    @classmethod
    def of_rows(cls, rows: Rows) -> JacobianCode:
        """Compile the Jacobian of a system in columns."""
        i, j, entries = rows.jacobian
        shape = (len(rows.rhs), len(rows.states))
        return cls(shape, i, j, NativeFill(rows.code(entries), rows.timed))

    def __call__(self, t: float, u: Any, p: Any) -> Any:
        """Return the matrix at a time, state and parameters as a scipy.sparse.csc_matrix of its own arrays."""
        from scipy.sparse import csc_matrix

        data = np.empty(len(self.indices))
        self.fill(t, u, p, data)
        return csc_matrix((data, self.indices.copy(), self.indptr.copy()), shape=self.shape)
