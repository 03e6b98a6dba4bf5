"""The tape, until a large function was called with single numbers so often that native code pays: what ``target="auto"`` may give.

Both compute the same values to the last bit, which is a condition, so nobody can see when the one takes over from the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symnum.codegen.llvm_words import is_exact
from symnum.codegen.lower import Program
from symnum.codegen.target import Code, Options

LEAST_STEPS = 500
"""Smaller programs cost little on the tape: a call of 100 operations takes 3.7 us there, and 2.1 us in native code."""

CALLS = 2000
"""Calls after which native code pays: it takes 25 us to make for each operation, and saves 17 ns of each operation in each call."""


class TapeThenNative(Code):
    """The tape, and native code for single points after :data:`CALLS` calls, made by a thread; no caller waits for it."""

    def __init__(self, tape: Code, program: Program) -> None:
        self.tape, self.program = tape, program
        self.native: Any = None
        self.scalar = self._scalar_function()

    @property
    def source(self) -> str:
        """Return the tape as text."""
        return self.tape.source

    @property
    def remark(self) -> str:  # type: ignore[override]  # nobody sets it here
        """Say what runs at the moment."""
        if self.native is None:
            told = f"single points by native code after {CALLS} calls"
        elif self.native.function.plain.running is not None:
            told = f"single points by native code: {self.native.remark}"
        else:
            failure = self.native.function.plain.failure
            told = f"no native code: {failure}" if failure else "native code for single points is being made"
        return f"{self.tape.remark}; {told}" if self.tape.remark else told

    def rows(self, inputs: Sequence[Any], count: int, out: Any) -> None:
        """Fill ``out`` (outputs, count)."""
        self.tape.rows(inputs, count, out)

    def begin(self) -> None:
        """Let native code be made."""
        from symnum.codegen.native import NativeCode
        from symnum.codegen.native_tiers import FIRST

        native = NativeCode(self.program, Options(tier="first"), made=False)
        native.function.plain.make_later(FIRST)
        self.native = native

    def _scalar_function(self) -> Callable[..., Any]:
        on_tape = self.tape.scalar
        left = CALLS

        def scalar(*values: float) -> Any:
            nonlocal left
            native = self.native
            if native is None:
                left -= 1
                if left <= 0:
                    self.begin()
            elif native.function.plain.running is not None:
                return native.scalar(*values)
            return on_tape(*values)

        return scalar


def promoting(tape: Code, program: Program) -> Code:
    """Return the tape, or the tape that native code takes over from, where the program is large and values stay the same."""
    if len(program.steps) < LEAST_STEPS or not all(map(is_exact, program.operators())):
        return tape
    return TapeThenNative(tape, program)
