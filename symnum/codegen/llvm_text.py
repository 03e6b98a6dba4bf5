"""LLVM IR text of straight programs: modules of bounded size, in which each function holds a chunk of the steps.

Within a chunk values are single assignments that LLVM gives registers; what later chunks need goes through slots of work memory, which
are few enough to stay in the first-level cache.  Every name is ``%v`` and such with a number, or begins with ``symnum_``: no name of
a user's occurs in the text.  Code size, memory and time grow linearly with the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy

from symnum.codegen.llvm_words import Spelled, Types, literal, spell
from symnum.codegen.straight import StraightCode, arity_of, slots

CHUNK = 200
"""Steps in one function."""

PIECE = 20
"""Functions in one module."""

GATHERED = 500
"""Fewest outputs that are gathered at the end, if at least half of them are repetitions."""

Array = Any
Formatter = Callable[..., str]

POINT = "symnum_point"
"""The entry for one point: ``void(double *x, double *p, double *out, double *work)``, of vectors where there are several lanes."""

_SIGNATURE = "ptr noalias %x, ptr noalias %p, ptr noalias %out, ptr noalias %w"
_PASSED = "ptr %x, ptr %p, ptr %out, ptr %w"


@dataclass(frozen=True)
class Writer:
    """Write the modules of one program for values of the given types."""

    code: StraightCode
    types: Types

    @cached_property
    def spelled(self) -> dict[int, tuple[Spelled, Spelled]]:
        """Return for each operator that occurs how it is written where its result is a number, and where it is a truth value."""
        return {
            op: (spell(row, op, self.types, truth=False), spell(row, op, self.types, truth=True))
            for op, row in self.code.occurring.items()
        }

    @cached_property
    def functions(self) -> list[str]:
        """Return the names of C's functions that the modules call."""
        return list(dict.fromkeys(name for plain, _ in self.spelled.values() for name in plain.functions))

    @cached_property
    def loops(self) -> dict[str, int]:
        """Return {symbol: address} of NumPy's loops and of their data."""
        return {symbol: address for plain, _ in self.spelled.values() for symbol, address in plain.loops}

    @property
    def spelled_text(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return all that the operators contribute to the modules."""
        return [(s.text, s.declared) for both in self.spelled.values() for s in both]

    @cached_property
    def gathered(self) -> bool:
        """Tell whether outputs are gathered from work memory by a table at the end, instead of being stored where they are computed.

        Many equal outputs, as Jacobians have, are written in order that way: that is quicker, and it is much less code.
        """
        outputs = self.code.outputs
        return len(outputs) >= GATHERED and 2 * len(numpy.unique(outputs)) <= len(outputs)

    @cached_property
    def _slots(self) -> tuple[list[int], int]:
        return slots(self._last_reads, self.code.arguments, CHUNK)

    @cached_property
    def _last_reads(self) -> Array:
        last = self.code.last_reads()
        if self.gathered:
            last[self.code.outputs[self.code.outputs >= self.code.arguments]] = self.chunks * CHUNK
        return last

    @cached_property
    def _last(self) -> list[int]:
        found: list[int] = self._last_reads.tolist()
        return found

    @property
    def chunks(self) -> int:
        """Return the number of functions."""
        return -(-self.code.steps // CHUNK)

    @property
    def work(self) -> int:
        """Return how many values of work memory the entry needs."""
        return max(self._slots[1] + (len(self._copied) if self.gathered else 0), 1)

    def modules(self) -> Iterator[str]:
        """Yield the text of each module; the last one has the entry."""
        for first in range(0, self.chunks, PIECE):
            yield self._piece(range(first, min(first + PIECE, self.chunks)))
        for first in range(0, self.copies, PIECE):
            yield "".join(map(self._copy, range(first, min(first + PIECE, self.copies))))
        if self.gathered:
            yield self._gather()
        yield self._point()

    def _piece(self, numbers: range) -> str:
        ops = self.code.ops[numbers.start * CHUNK : numbers.stop * CHUNK]
        declared = dict.fromkeys(
            part for op in numpy.unique(ops).tolist() for part in self.spelled[op][0].declared
        )
        return "".join(declared) + "".join(map(self._chunk, numbers))

    def _chunk(self, number: int) -> str:
        code, double, boolean = self.code, self.types.of("double"), self.types.of("i1")
        start, stop = number * CHUNK, min((number + 1) * CHUNK, code.steps)
        states, arguments = code.split, code.arguments
        before = arguments + start  # the first operand that this chunk computes itself
        slot, last, constants = self._slots[0], self._last, self._constants
        formats, truth_of, stored = self._formats, self._truths, self._stored
        zero = self.types.splat("double", literal(0.0))
        at = f"getelementptr {double}, ptr"
        lines = [f"define void @symnum_chunk{number}({_SIGNATURE}) nounwind {{"]
        loaded: set[int] = set()
        for step, op, operands in zip(
            range(start, stop), code.ops[start:stop].tolist(), code.operands[start:stop].tolist(), strict=True
        ):
            names = []
            arity, plain, truth = formats[op]
            for operand in operands[:arity]:
                if operand < 0:
                    names.append(constants[operand])
                    continue
                if operand < before and operand not in loaded:
                    loaded.add(operand)
                    base, place = (
                        ("w", slot[operand - arguments]) if operand >= arguments
                        else ("x", operand) if operand < states
                        else ("p", operand - states)
                    )  # fmt: skip
                    lines.append(f"%q{operand} = {at} %{base}, i64 {place}")
                    if operand >= arguments and truth_of[operand - arguments]:
                        lines.append(f"%d{operand} = load {double}, ptr %q{operand}")
                        lines.append(f"%v{operand} = fcmp une {double} %d{operand}, {zero}")
                    else:
                        lines.append(f"%v{operand} = load {double}, ptr %q{operand}")
                names.append(f"%v{operand}")
            value = arguments + step
            is_truth = truth_of[step]
            lines.append((truth if is_truth else plain)(f"%v{value}", *names))
            crosses = last[value] >= stop
            positions = stored.get(value)
            if not crosses and positions is None:
                continue
            kept = f"%v{value}"
            if is_truth:
                kept = f"%d{value}"
                lines.append(f"{kept} = uitofp {boolean} %v{value} to {double}")
            if crosses:
                lines.append(f"%s{value} = {at} %w, i64 {slot[step]}")
                lines.append(f"store {double} {kept}, ptr %s{value}")
            for position in positions or ():
                lines.append(f"%o{position} = {at} %out, i64 {position}")
                lines.append(f"store {double} {kept}, ptr %o{position}")
        lines.append("ret void\n}\n")
        return "\n".join(lines)

    @cached_property
    def _formats(self) -> dict[int, tuple[int, Formatter, Formatter]]:
        rows = self.code.occurring
        return {
            op: (arity_of(rows[op]), plain.text.format, truth.text.format)
            for op, (plain, truth) in self.spelled.items()
        }

    @cached_property
    def _truths(self) -> list[bool]:
        found: list[bool] = self.code.truths.tolist()
        return found

    @cached_property
    def _constants(self) -> list[str]:
        """Return the constants as text, the last one first, so that operand -1 - c is the place of constant c."""
        splat = self.types.splat
        found = [
            splat("i1", "true" if value else "false") if truth else splat("double", literal(value))
            for value, truth in zip(
                self.code.constants.tolist(), self.code.truth_constants.tolist(), strict=True
            )
        ]
        return found[::-1]

    @cached_property
    def _stored(self) -> dict[int, list[int]]:
        """Return {operand: places among the outputs}."""
        places: dict[int, list[int]] = {}
        if self.gathered:
            return places
        for place, operand in enumerate(self.code.outputs.tolist()):
            places.setdefault(operand, []).append(place)
        return places

    # --- entries ---

    @cached_property
    def _copied(self) -> list[tuple[int, int]]:
        """Return (operand, place) of the outputs that are arguments or constants; the place is in ``out`` or, if gathered, in ``w``."""
        given = self.code.outputs[self.code.outputs < self.code.arguments]
        if self.gathered:
            first = self._slots[1]
            return [(operand, first + i) for i, operand in enumerate(numpy.unique(given).tolist())]
        places = numpy.flatnonzero(self.code.outputs < self.code.arguments)
        return list(zip(given.tolist(), places.tolist(), strict=True))

    @property
    def copies(self) -> int:
        """Return the number of functions that store outputs which no step computes."""
        return -(-len(self._copied) // CHUNK)

    def _copy(self, number: int) -> str:
        code, double = self.code, self.types.of("double")
        target = "w" if self.gathered else "out"
        lines = [f"define void @symnum_copy{number}({_SIGNATURE}) nounwind {{"]
        for operand, place in self._copied[number * CHUNK : (number + 1) * CHUNK]:
            if operand < 0:
                value = self.types.splat("double", literal(float(code.constants[-1 - operand])))
            else:
                base, index = ("x", operand) if operand < code.split else ("p", operand - code.split)
                value = f"%v{place}"
                lines.append(f"%q{place} = getelementptr {double}, ptr %{base}, i64 {index}")
                lines.append(f"{value} = load {double}, ptr %q{place}")
            lines.append(f"%o{place} = getelementptr {double}, ptr %{target}, i64 {place}")
            lines.append(f"store {double} {value}, ptr %o{place}")
        lines.append("ret void\n}\n")
        return "\n".join(lines)

    def _gather(self) -> str:
        """Return the function that fills the outputs from their places in work memory."""
        double = self.types.of("double")
        slot, arguments, copied = self._slots[0], self.code.arguments, dict(self._copied)
        places = [slot[o - arguments] if o >= arguments else copied[o] for o in self.code.outputs.tolist()]
        whole = "i16" if self.work < 1 << 16 else "i32"
        return f"""\
@symnum_places = internal constant [{len(places)} x {whole}] [{", ".join(f"{whole} {place}" for place in places)}]
define void @symnum_gather({_SIGNATURE}) nounwind {{
br label %next
next:
%i = phi i64 [ 0, %0 ], [ %i.next, %next ]
%at = getelementptr {whole}, ptr @symnum_places, i64 %i
%place = load {whole}, ptr %at
%wide = zext {whole} %place to i64
%from = getelementptr {double}, ptr %w, i64 %wide
%value = load {double}, ptr %from
%to = getelementptr {double}, ptr %out, i64 %i
store {double} %value, ptr %to
%i.next = add i64 %i, 1
%more = icmp ult i64 %i.next, {len(places)}
br i1 %more, label %next, label %end
end:
ret void
}}
"""

    def _point(self) -> str:
        names = [f"symnum_chunk{i}" for i in range(self.chunks)] + [
            f"symnum_copy{i}" for i in range(self.copies)
        ]
        names += ["symnum_gather"] if self.gathered else []
        declared = [f"declare void @{name}(ptr, ptr, ptr, ptr) nounwind" for name in names]
        calls = [f"call void @{name}({_PASSED})" for name in names]
        head = f"define void @{POINT}({_SIGNATURE}) nounwind {{"
        return "\n".join([*declared, head, *calls, "ret void\n}\n"])
