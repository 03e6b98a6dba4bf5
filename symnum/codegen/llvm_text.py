"""LLVM IR text of straight programs: modules of bounded size, in which each function holds a chunk of the steps.

Within a chunk values are single assignments that LLVM gives registers; what later chunks need goes through slots of work memory, which
are few enough to stay in the first-level cache.  Every name is ``%v`` and such with a number, or begins with ``symnum_``: no name of
a user's occurs in the text.  Code size, memory and time grow linearly with the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy

from symnum.codegen.llvm_words import Spelled, Types, literal, spell
from symnum.codegen.straight import StraightCode, slots

CHUNK = 200
"""Steps in one function."""

PIECE = 20
"""Functions in one module."""

Formatter = Callable[..., str]

POINT = "symnum_point"
"""The entry for one point: ``void(double *x, double *p, double *out, double *work)``, of vectors where there are several lanes."""

ROWS = "symnum_rows"
"""The entry for many points: ``void(double **columns, long *steps, double *out, long stride, long rows, double *work)``."""

_SIGNATURE = "ptr noalias %x, ptr noalias %p, ptr noalias %out, ptr noalias %w"
_PASSED = "ptr %x, ptr %p, ptr %out, ptr %w"


@dataclass(frozen=True)
class Writer:
    """Write the modules of one program for values of the given types."""

    code: StraightCode
    types: Types

    @cached_property
    def spelled(self) -> list[tuple[Spelled, Spelled]]:
        """Return how each operator of the program is written where its result is a number, and where it is a truth value."""
        return [
            (spell(row, i, self.types, truth=False), spell(row, i, self.types, truth=True))
            for i, row in enumerate(self.code.rows)
        ]

    @cached_property
    def functions(self) -> list[str]:
        """Return the names of C's functions that the modules call."""
        return list(dict.fromkeys(name for plain, _ in self.spelled for name in plain.functions))

    @cached_property
    def loops(self) -> dict[str, int]:
        """Return {symbol: address} of NumPy's loops and of their data."""
        return {symbol: address for plain, _ in self.spelled for symbol, address in plain.loops}

    @property
    def spelled_text(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return all that the operators contribute to the modules."""
        return [(s.text, s.declared) for both in self.spelled for s in both]

    @cached_property
    def _slots(self) -> tuple[list[int], int]:
        return slots(self._last, self.code.arguments, CHUNK)

    @cached_property
    def _last(self) -> list[int]:
        found: list[int] = self.code.last_reads().tolist()
        return found

    @property
    def chunks(self) -> int:
        """Return the number of functions."""
        return -(-self.code.steps // CHUNK)

    @property
    def scalar_work(self) -> int:
        """Return how many doubles of work memory the entry for one point needs."""
        return max(self._slots[1], 1)

    @property
    def rows_work(self) -> int:
        """Return how many doubles of work memory the entry for many points needs; they must be aligned like a vector of the lanes."""
        return self.types.lanes * (self.code.arguments + len(self.code.outputs) + self.scalar_work)

    def modules(self) -> Iterator[str]:
        """Yield the text of each module; the last one has the entries."""
        for first in range(0, self.chunks, PIECE):
            yield self._piece(range(first, min(first + PIECE, self.chunks)))
        yield self._entries()

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
    def _formats(self) -> list[tuple[int, Formatter, Formatter]]:
        from symnum.codegen.straight import arity_of

        return [
            (arity_of(row), plain.text.format, truth.text.format)
            for row, (plain, truth) in zip(self.code.rows, self.spelled, strict=True)
        ]

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
        for place, operand in enumerate(self.code.outputs.tolist()):
            places.setdefault(operand, []).append(place)
        return places

    # --- entries ---

    def _entries(self) -> str:
        names = [f"symnum_chunk{i}" for i in range(self.chunks)]
        parts = [f"declare void @{name}(ptr, ptr, ptr, ptr) nounwind" for name in names]
        parts.append(self._copies())
        calls = "\n".join(f"call void @{name}({_PASSED})" for name in [*names, "symnum_copies"])
        parts.append(f"define void @{POINT}({_SIGNATURE}) nounwind {{\n{calls}\nret void\n}}\n")
        parts.append(self._rows())
        return "\n".join(parts)

    def _copies(self) -> str:
        """Return the function that stores the outputs which are arguments or constants."""
        code, double = self.code, self.types.of("double")
        lines = [f"define internal void @symnum_copies({_SIGNATURE}) nounwind {{"]
        for operand, places in self._stored.items():
            if operand >= code.arguments:
                continue
            if operand < 0:
                value = self.types.splat("double", literal(float(code.constants[-1 - operand])))
            else:
                base, place = ("x", operand) if operand < code.split else ("p", operand - code.split)
                value = f"%v{operand}"
                lines.append(f"%q{operand} = getelementptr {double}, ptr %{base}, i64 {place}")
                lines.append(f"{value} = load {double}, ptr %q{operand}")
            for position in places:
                lines.append(f"%o{position} = getelementptr {double}, ptr %out, i64 {position}")
                lines.append(f"store {double} {value}, ptr %o{position}")
        return "\n".join([*lines, "ret void\n}\n"])

    def _rows(self) -> str:
        """Return the loop over rows: gather a block of as many rows as there are lanes, compute, and scatter.

        With several lanes the last block begins early enough to be full, and some rows are computed twice.
        """
        lanes, code, double = self.types.lanes, self.code, self.types.of("double")
        load = f"%value = load {double}, ptr %from, align 8\n"
        if lanes > 1:
            load = (
                "%single = icmp eq i64 %step, 0\nbr i1 %single, label %spread, label %whole\n"
                "spread:\n%one = load double, ptr %from\n"
                f"%first = insertelement {double} poison, double %one, i32 0\n"
                f"%same = shufflevector {double} %first, {double} poison, <{lanes} x i32> zeroinitializer\n"
                "br label %gathered\n"
                f"whole:\n%many = load {double}, ptr %from, align 8\nbr label %gathered\n"
                f"gathered:\n%value = phi {double} [ %same, %spread ], [ %many, %whole ]\n"
            )
        gathered = "gathered" if lanes > 1 else "gather"
        return f"""
define void @{ROWS}(ptr %columns, ptr %steps, ptr %result, i64 %stride, i64 %rows, ptr %x) nounwind {{
%p = getelementptr {double}, ptr %x, i64 {code.split}
%out = getelementptr {double}, ptr %x, i64 {code.arguments}
%w = getelementptr {double}, ptr %x, i64 {code.arguments + len(code.outputs)}
%last = sub i64 %rows, {lanes}
br label %block
block:
%row = phi i64 [ 0, %0 ], [ %following, %next ]
%any = icmp sgt i64 {code.arguments}, 0
br i1 %any, label %gather, label %compute
gather:
%i = phi i64 [ 0, %block ], [ %i.next, %{gathered} ]
%column.at = getelementptr ptr, ptr %columns, i64 %i
%column = load ptr, ptr %column.at
%step.at = getelementptr i64, ptr %steps, i64 %i
%step = load i64, ptr %step.at
%offset = mul i64 %row, %step
%from = getelementptr i8, ptr %column, i64 %offset
{load}%to = getelementptr {double}, ptr %x, i64 %i
store {double} %value, ptr %to
%i.next = add i64 %i, 1
%more = icmp slt i64 %i.next, {code.arguments}
br i1 %more, label %gather, label %compute
compute:
call void @{POINT}({_PASSED})
%some = icmp sgt i64 {len(code.outputs)}, 0
br i1 %some, label %scatter, label %next
scatter:
%j = phi i64 [ 0, %compute ], [ %j.next, %scatter ]
%found.at = getelementptr {double}, ptr %out, i64 %j
%found = load {double}, ptr %found.at
%line = mul i64 %j, %stride
%place = add i64 %line, %row
%put = getelementptr double, ptr %result, i64 %place
store {double} %found, ptr %put, align 8
%j.next = add i64 %j, 1
%again = icmp slt i64 %j.next, {len(code.outputs)}
br i1 %again, label %scatter, label %next
next:
%stepped = add i64 %row, {lanes}
%over = icmp sgt i64 %stepped, %last
%following = select i1 %over, i64 %last, i64 %stepped
%done = icmp sge i64 %stepped, %rows
br i1 %done, label %end, label %block
end:
ret void
}}
"""
