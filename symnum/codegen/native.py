"""The ``native`` target: LLVM IR emitted directly, compiled in next to no time at first, and optimised in the background.

Values do not depend on the tier: both compute the same operations in the same order.  One point at a time is computed by scalar
code; many rows go through code whose values are vectors, made when there were enough of them.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from symnum.codegen import machine
from symnum.codegen.llvm_text import CHUNK, Writer
from symnum.codegen.llvm_words import Types
from symnum.codegen.lower import Program
from symnum.codegen.native_tiers import FIRST, OPTIMISED, Running, Variant
from symnum.codegen.runtime import address_of
from symnum.codegen.straight import StraightCode
from symnum.codegen.target import TIERS, Code, Options

_FLOAT64 = numpy.dtype(float)
Array = Any


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """Choices of the native target.

    ``tier`` is "first" (stay with quick code generation), "optimised" (wait for optimised code), or "auto": the first tier, and the
    optimised one after ``calls`` calls, and after ``rows`` rows code that computes several rows at a time.  ``fastmath`` lets LLVM
    contract and reorder arithmetic and ignore nan.  ``keep=False`` keeps nothing on disk.
    """

    fastmath: bool = False
    tier: str = "auto"
    calls: int = 200_000
    rows: int = 20_000
    keep: bool = True

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise ValueError(f"there is no tier {self.tier!r}; the tiers are {', '.join(map(repr, TIERS))}")
        if self.calls < 1 or self.rows < 1:
            raise ValueError(f"calls={self.calls} and rows={self.rows} must both be at least 1")


def compile_code(code: StraightCode, options: NativeOptions | None = None) -> NativeFunction:
    """Compile a straight program to machine code.

    Raises Unsupported for an operator that cannot be spelled for LLVM.

    >>> code = StraightCode(2, 1, [3.0], ("*", "+"), [0, 1], [(0, 1, 0), (2, -1, 0)], [3])  # x*p + 3
    >>> f = compile_code(code)
    >>> out = numpy.empty(1)
    >>> f.fill(numpy.array([2.0]), numpy.array([5.0]), out)
    >>> out
    array([13.])
    """
    return NativeFunction(code, NativeOptions() if options is None else options)


class NativeFunction:
    """Machine code of a straight program, made by :func:`compile_code`.

    Several threads may call it at once, and none holds the interpreter's lock meanwhile.  ``tier`` and ``why`` say what runs.
    It pickles as the program, never as code.
    """

    def __init__(self, code: StraightCode, options: NativeOptions, *, made: bool = True) -> None:
        self.code, self.options = code, options
        self.plain = Variant(code, Types(fastmath=options.fastmath), options.keep)
        self.wide = Variant(code, Types(machine.best_lanes(), options.fastmath), options.keep)
        optimised = options.tier == "optimised" or (options.tier == "auto" and code.steps <= CHUNK)
        if made:
            self.plain.make(OPTIMISED if optimised else FIRST)
        self.calls_left = 0 if optimised or options.tier == "first" else options.calls
        self.rows_left = options.rows
        self._states, self._parameters, self._outputs = (
            code.split,
            code.arguments - code.split,
            len(code.outputs),
        )
        self._as_states = (ctypes.c_double * self._states).from_buffer
        self._nothing = (ctypes.c_double * 1)()
        # parameters and output of the last call, which solvers pass again; the ctypes views keep the memory in place
        self._last: tuple[Any, Any, Any, Any] = (self, None, self, None)
        self._idle: list[Any] = []  # work memory between calls: as many as threads ever called at once

    @property
    def _running(self) -> Running:
        running = self.plain.running
        if running is None:
            raise RuntimeError("this function is not made yet; call plain.make or plain.make_later first")
        return running

    @property
    def tier(self) -> str:
        """Return which tier computes single points: "first" or "optimised"."""
        return "first" if self._running.level == FIRST else "optimised"

    @property
    def address(self) -> int:
        """Return the address of ``void(double *x, double *p, double *out, double *work)`` of the tier in use.

        The four must not overlap; ``work`` is room for :attr:`work` doubles.  It stays valid as long as this function lives.
        """
        return self._running.built.point

    @property
    def work(self) -> int:
        """Return how many doubles of work memory the function at :attr:`address` needs."""
        return self._running.built.point_work

    @property
    def source(self) -> str:
        """Return the LLVM IR."""
        return "\n".join(Writer(self.code, self.plain.types).modules())

    @property
    def why(self) -> str:
        """Say what runs, what was kept on disk, and what would make it faster."""
        running, options = self._running, self.options
        built = running.built
        parts = [
            f"{self.code.steps} operations, {self.tier} tier, ready in {built.seconds:.2f} s, {built.kept}",
        ]
        if self.plain.failure:
            parts.append(f"no optimised tier: {self.plain.failure}")
        elif self.plain.pending:
            parts.append("the optimised tier is being made")
        elif self.calls_left > 0:
            parts.append(f"an optimised tier follows after {options.calls} calls")
        wide = self.wide.running
        if wide is not None:
            by_lane = Writer(self.code, wide.built.types).functions
            calls = f", but {', '.join(sorted(by_lane))} one by one" if by_lane else ""
            parts.append(f"{wide.built.types.lanes} rows at a time{calls}")
        if self.wide.failure:
            parts.append(f"no vectors: {self.wide.failure}")
        by_value = sorted({row.name for row in self.code.rows if row.llvm == ""})
        if by_value:
            parts.append(f"{', '.join(by_value)} by NumPy's loops, value by value")
        return "; ".join(parts)

    # --- one point ---

    def fill(self, x: Array, p: Array | None, out: Array) -> None:
        """Compute the outputs at states ``x`` and parameters ``p``, which may be None where there are none.

        All are contiguous float64 arrays, and ``out`` overlaps neither of the others.  Raises TypeError or ValueError for others.
        """
        known_p, parameters, known_out, results = self._last
        try:
            if x.dtype is not _FLOAT64 or x.size != self._states or x is out:
                raise TypeError
            given = self._as_states(x)
            if p is not known_p or out is not known_out:
                given, parameters, results = self._checked(x, p, out)
                self._last = p, parameters, out, results
        except (TypeError, ValueError, AttributeError):
            given, parameters, results = self._checked(x, p, out)
        try:
            work = self._idle.pop()
        except IndexError:
            work = (ctypes.c_double * self.work)()
        if self.calls_left > 0:
            self.count()
        self._running.point(given, parameters, results, work)
        self._idle.append(work)

    def count(self) -> None:
        """Count a call, and let the optimised tier be made when it was the last of the first tier."""
        self.calls_left -= 1  # threads may lose counts to each other, which only delays it
        if self.calls_left <= 0:
            self.plain.make_later(OPTIMISED)

    def _checked(self, x: Any, p: Any, out: Any) -> tuple[Any, Any, Any]:
        """Return the three arrays for ctypes, also read-only ones, or raise what is wrong with them."""
        sizes = {"x": self._states, "p": self._parameters, "out": self._outputs}
        found: list[Any] = []
        for (name, size), array in zip(sizes.items(), (x, p, out), strict=True):
            if array is None and name == "p" and size == 0:
                found.append(self._nothing)
                continue
            if not isinstance(array, numpy.ndarray) or array.dtype != _FLOAT64:
                kind = getattr(array, "dtype", type(array).__name__)
                raise TypeError(
                    f"{name} must be an array of float64, but is {kind}; write numpy.ascontiguousarray({name}, float)"
                )
            if array.size != size or not (array.flags.c_contiguous and array.flags.aligned):
                raise ValueError(
                    f"{name} must be contiguous and have {size} values, but has shape {array.shape} and strides {array.strides}; "
                    f"write numpy.ascontiguousarray({name})"
                )
            memory: Any = ctypes.c_double * size
            found.append(
                memory.from_buffer(array) if array.flags.writeable else memory.from_address(address_of(array))
            )
        if not out.flags.writeable:
            raise ValueError("out is read-only; pass an array that may be written")
        if any(isinstance(a, numpy.ndarray) and numpy.may_share_memory(a, out) for a in (x, p)):
            raise ValueError(
                "out shares memory with x or p, which are read after parts of out are written; pass another out"
            )
        given, parameters, results = found
        return given, parameters, results

    # --- many points ---

    def fill_rows(self, columns: Sequence[Array], count: int, out: Array) -> None:
        """Compute ``count`` points: ``out`` (outputs, count) is C-contiguous float64, and each argument has a column.

        A column is an aligned one-dimensional float64 array of ``count`` values or of one; none shares memory with ``out``.
        """
        running = self._rows_variant(count)
        lanes = running.built.types.lanes
        kept = [_plain(column) for column in columns] if lanes > 1 else columns
        table = numpy.array([address_of(column) for column in kept] or [0], numpy.int64)
        steps = numpy.array([c.strides[0] if c.shape[0] != 1 else 0 for c in kept] or [0], numpy.int64)
        memory = numpy.empty(running.built.rows_work + 8)
        aligned = -(-address_of(memory) // 64) * 64
        running.rows(address_of(table), address_of(steps), address_of(out), count, count, aligned)

    def _rows_variant(self, count: int) -> Running:
        """Return the code for so many rows: vectors if there are enough rows, and if they are compiled or that pays."""
        options, lanes = self.options, self.wide.types.lanes
        wide = self.wide.running
        if count < lanes or options.tier == "first":
            return self._running
        if wide is not None:
            return wide
        if options.tier == "optimised":
            return self.wide.make(OPTIMISED)
        self.rows_left -= count
        if count >= options.rows:  # these rows alone take longer than compiling
            return self.wide.make(self._wide_level)
        if self.rows_left <= 0:
            self.wide.make_later(self._wide_level)
        return self._running

    @property
    def _wide_level(self) -> int:
        return OPTIMISED if self.code.steps <= CHUNK else FIRST

    def __reduce__(self) -> tuple[Any, ...]:
        return compile_code, (self.code, self.options)

    def __repr__(self) -> str:
        return (
            f"<native function of {self._states} states and {self._parameters} parameters to {self._outputs} values, "
            f"{self.code.steps} operations, {self.tier} tier>"
        )


def _plain(column: Array) -> Array:
    """Return a column whose values lie side by side, which vectors want."""
    return column if column.shape[0] == 1 or column.strides[0] == 8 else column.copy()


# --- the target of symnum.compile ---------------------------------------------------------------------------------------------


class NativeCode(Code):
    """A native function of numbers and of columns; all arguments are states."""

    def __init__(self, program: Program, options: Options, *, made: bool = True) -> None:
        code = StraightCode.of_program(program)
        chosen = NativeOptions(fastmath=options.fastmath, tier=options.tier)
        self.function = NativeFunction(code, chosen, made=made)
        self.boolean = program.boolean
        self.scalar = self._scalar_function()  # a closure is quicker to call than a method

    @property
    def address(self) -> int:
        """Return the address of the tier in use."""
        return self.function.address

    @property
    def work(self) -> int:
        """Return how many doubles of work memory the function at that address needs."""
        return self.function.work

    @property
    def tier(self) -> str:
        """Return which tier runs."""
        return self.function.tier

    @property
    def remark(self) -> str:  # type: ignore[override]  # nobody sets it here
        """Say what runs at the moment."""
        return self.function.why

    @property
    def source(self) -> str:
        """Return the LLVM IR."""
        return self.function.source

    def rows(self, inputs: Sequence[Array], count: int, out: Array) -> None:
        """Fill ``out`` (outputs, count)."""
        if not self.boolean:
            self.function.fill_rows(inputs, count, out)
            return
        numbers = numpy.empty(out.shape)
        self.function.fill_rows(inputs, count, numbers)
        out[...] = numbers

    def _scalar_function(self) -> Callable[..., Any]:
        """Return the function of floats, with memory of its own for inputs and outputs."""
        function, variant = self.function, self.function.plain
        inputs, outputs = function.code.arguments, len(function.code.outputs)
        pack = struct.Struct(f"{inputs}d").pack_into
        nothing = (ctypes.c_double * 1)()
        idle: list[Any] = []
        boolean = self.boolean

        def scalar(*values: float) -> Any:
            try:
                memory = idle.pop()
            except IndexError:
                given, results, space = ((ctypes.c_double * n)() for n in (inputs, outputs, function.work))
                memory = given, results, space, numpy.ctypeslib.as_array(results)
            given, results, space, array = memory
            pack(given, 0, *values)
            if function.calls_left > 0:
                function.count()
            running = variant.running
            assert running is not None
            running.point(given, nothing, results, space)
            found: Any = results[0] if outputs == 1 else array.copy()
            idle.append(memory)
            return bool(found) if boolean and outputs == 1 else found

        return scalar


def build(program: Program, options: Options) -> Code:
    """Return the program as native code; raises Unsupported when an operator cannot be spelled for LLVM."""
    return NativeCode(program, options)
