"""The loop over many rows: one small function for each number of lanes, compiled once, that calls the entry of any program.

It gathers a block of rows from their columns, computes them vector by vector, and scatters the results.  Columns are far apart in
memory, so a block is some vectors long; it stays in the second-level cache.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

from symnum.codegen import machine
from symnum.codegen.llvm_words import Types

ROWS = "symnum_rows"
GROUPS = 8
"""Vectors of rows in a block, at most."""

BLOCK = 1 << 17
"""Doubles in a block, at most: a megabyte."""


def groups(columns: int, lanes: int) -> int:
    """Return how many vectors of rows make a block, for a program with so many arguments and outputs together.

    >>> groups(10, 8), groups(2000, 8), groups(10**6, 8)
    (8, 8, 1)
    """
    return max(1, min(GROUPS, BLOCK // (lanes * max(columns, 1))))


@cache
def driver(lanes: int) -> Callable[..., None]:
    """Return the loop as a ctypes function of (point, columns, steps, result, rows, block, arguments, split, outputs, groups).

    ``point`` is the address of a program's entry for values of so many lanes.  ``columns`` are the addresses of the arguments' columns,
    ``steps`` the bytes from one row to the next, 8 or 0 with several lanes, and ``result`` is (outputs, rows).  ``block`` is memory for
    ``groups`` vectors of each argument and each output and for what the entry needs, aligned like a vector.  There must be as many rows
    as lanes at least.
    """
    library = machine.Library([machine.assemble(text(lanes), 2)], {}, (ROWS,))
    pointer, whole = ctypes.c_void_p, ctypes.c_int64
    kinds = [pointer] * 4 + [whole, pointer] + [whole] * 4
    function: Any = ctypes.CFUNCTYPE(None, *kinds)(library.addresses[ROWS])
    function.library = library  # keeps the code
    called: Callable[..., None] = function
    return called


def text(lanes: int) -> str:
    """Return the loop as a module.

    A last vector that would go beyond the last row begins earlier, and some rows are computed twice.
    """
    double = Types(lanes).of("double")
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
    return f"""\
define void @{ROWS}(ptr %point, ptr %columns, ptr %steps, ptr %result, i64 %rows, ptr %block,
                    i64 %arguments, i64 %split, i64 %outputs, i64 %most) nounwind {{
%inputs.size = mul i64 %most, %arguments
%results.size = mul i64 %most, %outputs
%results = getelementptr {double}, ptr %block, i64 %inputs.size
%w = getelementptr {double}, ptr %results, i64 %results.size
%last = sub i64 %rows, {lanes}
br label %begin
begin:
%at = phi i64 [ 0, %0 ], [ %following, %next ]
%beyond = icmp sgt i64 %at, %last
%row = select i1 %beyond, i64 %last, i64 %at
%left = sub i64 %rows, %row
%vectors = sdiv i64 %left, {lanes}
%few = icmp slt i64 %vectors, %most
%groups = select i1 %few, i64 %vectors, i64 %most
%any = icmp sgt i64 %arguments, 0
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
{load}%g.place = mul i64 %g, %arguments
%to.place = add i64 %g.place, %i
%to = getelementptr {double}, ptr %block, i64 %to.place
store {double} %value, ptr %to
%g.next = add i64 %g, 1
%g.more = icmp slt i64 %g.next, %groups
br i1 %g.more, label %gather, label %column.end
column.end:
%i.next = add i64 %i, 1
%i.more = icmp slt i64 %i.next, %arguments
br i1 %i.more, label %column, label %compute
compute:
%c = phi i64 [ 0, %begin ], [ 0, %column.end ], [ %c.next, %compute ]
%x.place = mul i64 %c, %arguments
%x = getelementptr {double}, ptr %block, i64 %x.place
%p = getelementptr {double}, ptr %x, i64 %split
%out.place = mul i64 %c, %outputs
%out = getelementptr {double}, ptr %results, i64 %out.place
call void %point(ptr %x, ptr %p, ptr %out, ptr %w)
%c.next = add i64 %c, 1
%c.more = icmp slt i64 %c.next, %groups
br i1 %c.more, label %compute, label %computed
computed:
%some = icmp sgt i64 %outputs, 0
br i1 %some, label %output, label %next
output:
%j = phi i64 [ 0, %computed ], [ %j.next, %output.end ]
%line = mul i64 %j, %rows
%line.row = add i64 %line, %row
%line.at = getelementptr double, ptr %result, i64 %line.row
br label %scatter
scatter:
%h = phi i64 [ 0, %output ], [ %h.next, %scatter ]
%h.place = mul i64 %h, %outputs
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
%j.more = icmp slt i64 %j.next, %outputs
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
