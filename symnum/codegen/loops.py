"""NumPy's own inner loops by address, and the operator table's ``numpy`` column as sequences of them.

A ufunc keeps one compiled, vectorised C loop for each combination of types (``PyUFuncObject.functions`` of NumPy's documented C
interface).  The tape calls these loops on blocks of rows, so that its values are NumPy's to the last bit.
"""

from __future__ import annotations

import ast
import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy

from symnum.codegen.runtime import numpy_names
from symnum.operators import Operator


class NoLoop(Exception):
    """Say why an operator cannot run on the tape."""


class _UFuncObject(ctypes.Structure):
    """The head of ``PyUFuncObject`` in numpy/ufuncobject.h, unchanged since NumPy 1."""

    _fields_ = (
        ("object_head", ctypes.c_char * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
    )


SELECT = "select"
"""The one micro-instruction that is no ufunc: numpy.where."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One inner loop: address of the function, address of its data, and whether it gives truth values."""

    function: int
    data: int
    boolean: bool


@lru_cache(maxsize=1024)
def find_loop(ufunc: numpy.ufunc, boolean: tuple[bool, ...]) -> Loop:
    """Return the float64 loop of a ufunc; ``boolean`` tells which inputs are truth values.  Raises NoLoop when there is none."""
    name = getattr(ufunc, "__name__", "?")
    wanted = "".join("?" if b else "d" for b in boolean) + "->"
    if ufunc.nin != len(boolean) or ufunc.nout != 1 or ufunc.signature is not None:
        raise NoLoop(f"the ufunc {name} does not take {len(boolean)} numbers to one number")
    for index, types in enumerate(ufunc.types):
        if types in (wanted + "d", wanted + "?"):
            raw = _UFuncObject.from_address(id(ufunc))
            if (raw.nin, raw.nout, raw.ntypes, raw.name) != (
                ufunc.nin,
                ufunc.nout,
                ufunc.ntypes,
                name.encode(),
            ):
                raise NoLoop("this NumPy keeps its ufuncs in an unknown layout")
            if raw.functions[index]:
                return Loop(raw.functions[index], raw.data[index] or 0, types.endswith("?"))
    raise NoLoop(f"the ufunc {name} has no loop {wanted}d; its loops are {' '.join(ufunc.types)}")


Micro = tuple[Any, tuple[Any, ...]]
"""A ufunc or SELECT, and its operands: the index of an argument, a float, or a string "#k" for the result of micro k."""


def recipe(row: Operator) -> tuple[Micro, ...]:
    """Return a row's ``numpy`` template as micro-instructions, the last of which gives the value.

    Raises NoLoop when the template does more than arithmetic and calls of ufuncs.
    """
    template = row.numpy
    names = {**numpy_names(template), **row.namespace}
    low, high = row.arity
    count = max(low, 2) if high is None else high
    spelled = template.format(*[f"argument_{i}" for i in range(count)])
    micros: list[Micro] = []
    try:
        tree = ast.parse(spelled.strip(), mode="eval")
    except SyntaxError as problem:
        raise NoLoop(f"its numpy template {row.numpy!r} is not an expression ({problem.msg})") from None
    result = _micro(tree.body, names, row, micros)
    if not isinstance(result, str):
        raise NoLoop(f"its numpy template {row.numpy!r} computes nothing")
    return tuple(micros)


_ARITHMETIC = {
    ast.Add: numpy.add,
    ast.Sub: numpy.subtract,
    ast.Mult: numpy.multiply,
    ast.Div: numpy.divide,
    ast.Pow: numpy.power,
}


def _micro(node: ast.expr, names: dict[str, Any], row: Operator, micros: list[Micro]) -> Any:
    """Append the micro-instructions of a template's sub-expression and return its operand."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id.startswith("argument_"):
        return int(node.id.removeprefix("argument_"))
    operands: Sequence[ast.expr]
    function: Any = None
    if isinstance(node, ast.BinOp):
        function, operands = _ARITHMETIC.get(type(node.op)), (node.left, node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        function, operands = numpy.negative, (node.operand,)
    elif isinstance(node, ast.Call) and not node.keywords:
        function, operands = _value(node.func, names), node.args
    else:
        found = _value(node, names)
        if isinstance(found, float):
            return found
    if function is numpy.where and len(operands) == 3:
        function = SELECT
    if function is not SELECT and not isinstance(function, numpy.ufunc):
        raise NoLoop(f"its numpy spelling {row.numpy!r} is not made of NumPy ufuncs")
    micros.append((function, tuple([_micro(o, names, row, micros) for o in operands])))
    return f"#{len(micros) - 1}"


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    """Return what a dotted name stands for, or None."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, names), node.attr, None)
    return None
