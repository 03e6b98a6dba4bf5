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

GROUPS = 8
"""Vectors of rows that are gathered at a time."""

BLOCK = 1 << 17
"""Doubles in a block of gathered rows, at most: a megabyte stays in the second-level cache."""

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
        return self.types.lanes * (self.groups * self._columns + self.scalar_work)

    @property
    def _columns(self) -> int:
        return self.code.arguments + len(self.code.outputs)

    @property
    def groups(self) -> int:
        """Return how many vectors of rows are gathered at a time: columns are far apart in memory, so few visits are better."""
        return max(1, min(GROUPS, BLOCK // (self.types.lanes * max(self._columns, 1))))

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
        """Return the loop over rows: gather a block of rows, compute one vector of them after the other, and scatter the block.

        A last vector that would go beyond the last row begins earlier, and some rows are computed twice.
        """
        lanes, double = self.types.lanes, self.types.of("double")
        arguments, outputs = self.code.arguments, len(self.code.outputs)
        load = f"%value = load {double}, ptr %from, align 8\n"
        if lanes > 1:
            load = (
                "%single = icmp eq i64 %step, 0\nbr i1 %single, label %spread, label %whole\n"
                "spread:\n%one = load double, ptr %from\n"
                f"%first = insertelement {double} poison, double %one, i32 0\n"
                f"%same = shufflevector {double} %first, {double} poison, <{lanes} x i32> zeroinitializer\n"
                "br label %read\n"
                f"whole:\n%many = load {double}, ptr %from, align 8\nbr label %read\n"
                f"read:\n%value = phi {double} [ %same, %spread ], [ %many, %whole ]\n"
            )
        read = "read" if lanes > 1 else "gather"
        return f"""
define void @{ROWS}(ptr %columns, ptr %steps, ptr %result, i64 %stride, i64 %rows, ptr %block) nounwind {{
%results = getelementptr {double}, ptr %block, i64 {self.groups * arguments}
%w = getelementptr {double}, ptr %results, i64 {self.groups * outputs}
%last = sub i64 %rows, {lanes}
br label %begin
begin:
%at = phi i64 [ 0, %0 ], [ %following, %next ]
%beyond = icmp sgt i64 %at, %last
%row = select i1 %beyond, i64 %last, i64 %at
%left = sub i64 %rows, %row
%vectors = sdiv i64 %left, {lanes}
%few = icmp slt i64 %vectors, {self.groups}
%groups = select i1 %few, i64 %vectors, i64 {self.groups}
%any = icmp sgt i64 {arguments}, 0
br i1 %any, label %column, label %compute
column:
%i = phi i64 [ 0, %begin ], [ %i.next, %column.end ]
%column.at = getelementptr ptr, ptr %columns, i64 %i
%start = load ptr, ptr %column.at
%step.at = getelementptr i64, ptr %steps, i64 %i
%step = load i64, ptr %step.at
br label %gather
gather:
%g = phi i64 [ 0, %column ], [ %g.next, %{read} ]
%g.rows = mul i64 %g, {lanes}
%from.row = add i64 %row, %g.rows
%offset = mul i64 %from.row, %step
%from = getelementptr i8, ptr %start, i64 %offset
{load}%g.place = mul i64 %g, {arguments}
%to.place = add i64 %g.place, %i
%to = getelementptr {double}, ptr %block, i64 %to.place
store {double} %value, ptr %to
%g.next = add i64 %g, 1
%g.more = icmp slt i64 %g.next, %groups
br i1 %g.more, label %gather, label %column.end
column.end:
%i.next = add i64 %i, 1
%i.more = icmp slt i64 %i.next, {arguments}
br i1 %i.more, label %column, label %compute
compute:
%c = phi i64 [ 0, %begin ], [ 0, %column.end ], [ %c.next, %compute ]
%x.place = mul i64 %c, {arguments}
%x = getelementptr {double}, ptr %block, i64 %x.place
%p = getelementptr {double}, ptr %x, i64 {self.code.split}
%out.place = mul i64 %c, {outputs}
%out = getelementptr {double}, ptr %results, i64 %out.place
call void @{POINT}({_PASSED})
%c.next = add i64 %c, 1
%c.more = icmp slt i64 %c.next, %groups
br i1 %c.more, label %compute, label %computed
computed:
%some = icmp sgt i64 {outputs}, 0
br i1 %some, label %output, label %next
output:
%j = phi i64 [ 0, %computed ], [ %j.next, %output.end ]
%line = mul i64 %j, %stride
%line.row = add i64 %line, %row
%line.at = getelementptr double, ptr %result, i64 %line.row
br label %scatter
scatter:
%h = phi i64 [ 0, %output ], [ %h.next, %scatter ]
%h.place = mul i64 %h, {outputs}
%found.place = add i64 %h.place, %j
%found.at = getelementptr {double}, ptr %results, i64 %found.place
%found = load {double}, ptr %found.at
%put = getelementptr {double}, ptr %line.at, i64 %h
store {double} %found, ptr %put, align 8
%h.next = add i64 %h, 1
%h.more = icmp slt i64 %h.next, %groups
br i1 %h.more, label %scatter, label %output.end
output.end:
%j.next = add i64 %j, 1
%j.more = icmp slt i64 %j.next, {outputs}
br i1 %j.more, label %output, label %next
next:
%done.rows = mul i64 %groups, {lanes}
%following = add i64 %row, %done.rows
%more = icmp slt i64 %following, %rows
br i1 %more, label %begin, label %end
end:
ret void
}}
"""
