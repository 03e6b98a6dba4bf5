"""Products with matrices that are no stencils: few entries in a row are gathered by their columns, many are left to BLAS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from symnum.pde.loops.bands import entries_of
from symnum.pde.nodes import Product

MAX_GATHERED = 32
"""Entries of a row that are gathered one by one, if they are few of all."""

MOST_GATHERED = 0.25
"""Part of a row's entries that may be gathered."""

MAX_DENSE = 1 << 24
"""Entries of a matrix that is multiplied as a dense one."""


@dataclass(frozen=True, eq=False)
class Gather:
    """A matrix by rows of equal length: ``columns`` and ``values`` are (entry, row); short rows repeat a column with the value 0."""

    columns: Any
    values: Any


def gathered(node: Product) -> Gather | None:
    """Return the matrix of a product, seen from the entries of its result, or None where BLAS is the better way."""
    matrix = node.matrix if node.left else node.matrix.T
    rows, columns, values = entries_of(matrix)
    count = matrix.shape[0]
    per_row = np.bincount(rows, minlength=count)
    width = int(per_row.max(initial=0))
    if width > min(MAX_GATHERED, MOST_GATHERED * matrix.shape[1]):
        return None
    place = np.arange(len(rows)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    first = np.zeros(count, np.int64)
    first[rows[place == 0]] = columns[place == 0]
    found = Gather(np.tile(first, (width, 1)), np.zeros((width, count)))
    found.columns[place, rows] = columns
    found.values[place, rows] = values
    return found


@dataclass(frozen=True, slots=True)
class MatrixCall:
    """A call of BLAS: ``batch`` times target = matrix @ source (``left``) or source @ matrix, all stored row by row.

    The product is (rows, inner) @ (inner, columns); ``matrix`` is a place in ``numbers``.
    """

    left: bool
    batch: int
    rows: int
    inner: int
    columns: int
    source: tuple[str, int]
    target: tuple[str, int]
    matrix: int


def matrix_call(node: Product, source: tuple[str, int], target: tuple[str, int], matrix: int) -> MatrixCall:
    """Return the call that computes a product whose source and target lie in memory whole."""
    shape = node.source.shape
    if node.left:
        rows, inner = node.matrix.shape
        columns = shape[-1] if len(shape) > 1 else 1
        batch = prod(shape[:-2])
    else:
        inner, columns = node.matrix.shape
        rows, batch = prod(shape[:-1]), 1
    return MatrixCall(node.left, batch, rows, inner, columns, source, target, matrix)


@cache
def gemm_address(element: str) -> int:
    """Return the address of SciPy's product of matrices of "double" or "float"."""
    from numba.extending import get_cython_function_address

    name = "dgemm" if element == "double" else "sgemm"
    address: int = get_cython_function_address("scipy.linalg.cython_blas", name)
    return address


GEMM = "symnum_gemm"
"""Name in IR of BLAS' product of matrices."""


def call_text(number: int, call: MatrixCall, given: str, element: str) -> str:
    """Return the function that makes a call of this kind; its table has batch, rows, inner, columns, source, target and matrix.

    BLAS counts by columns, so the transposed product is asked of it: columns x rows from columns x inner and inner x rows.
    """
    words = ("batch", "rows", "inner", "columns", "source", "target", "matrix")
    lines = [f"define internal void @symnum_nest{number}({given}) nounwind {{", "entry:"]
    lines += ["%table = getelementptr i64, ptr %ints, i64 %at"]
    for k, word in enumerate(words):
        lines += [
            f"%{word}.at = getelementptr i64, ptr %table, i64 {k}",
            f"%{word} = load i64, ptr %{word}.at",
        ]
    lines += ["%letter = alloca i8", "store i8 78, ptr %letter"]  # N: nothing is transposed
    for word in ("rows", "inner", "columns"):
        lines += [
            f"%{word}.32 = trunc i64 %{word} to i32",
            f"%{word}.p = alloca i32",
            f"store i32 %{word}.32, ptr %{word}.p",
        ]
    for word, value in (("one", "1.0"), ("none", "0.0")):
        lines += [f"%{word}.p = alloca {element}", f"store {element} {value}, ptr %{word}.p"]
    matrix = f"%m = getelementptr {element}, ptr %numbers, i64 %matrix"
    sizes = ("%inner", "%columns") if call.left else ("%rows", "%inner")
    lines += [
        matrix,
        f"%source.first = getelementptr {element}, ptr %{call.source[0]}, i64 %source",
        f"%target.first = getelementptr {element}, ptr %{call.target[0]}, i64 %target",
        f"%source.size = mul i64 {sizes[0]}, {sizes[1]}",
        "%target.size = mul i64 %rows, %columns",
        "%mine = icmp eq i64 %part, 0",
        "br i1 %mine, label %next, label %end",
        "next:",
        "%i = phi i64 [ 0, %entry ], [ %i.next, %next ]",
        "%source.by = mul i64 %i, %source.size",
        "%target.by = mul i64 %i, %target.size",
        f"%s = getelementptr {element}, ptr %source.first, i64 %source.by",
        f"%r = getelementptr {element}, ptr %target.first, i64 %target.by",
    ]
    first, second = ("%s", "%m") if call.left else ("%m", "%s")
    passed = [
        "%letter", "%letter", "%columns.p", "%rows.p", "%inner.p", "%one.p", first, "%columns.p", second, "%inner.p", "%none.p",
        "%r", "%columns.p",
    ]  # fmt: skip
    lines += [
        f"call void @{GEMM}({', '.join(f'ptr {p}' for p in passed)})",
        "%i.next = add i64 %i, 1",
        "%more = icmp slt i64 %i.next, %batch",
        "br i1 %more, label %next, label %end",
        "end:",
        "ret void",
        "}",
        "",
    ]
    return "\n".join(lines)
