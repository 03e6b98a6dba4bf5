"""The ``numpy`` target: Python source of vectorised NumPy, one statement for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from symnum.codegen.lower import Program
from symnum.codegen.registers import allocate
from symnum.codegen.runtime import numpy_function, numpy_names
from symnum.codegen.source import Spelling, argument_comment
from symnum.codegen.target import Code, Options


class NumpyCode(Code):
    """The function of a program, and the globals that it was made with."""

    def __init__(self, program: Program, options: Options) -> None:
        self.text, names = write(program)
        exec(compile(self.text, "<symnum numpy>", "exec"), names)
        self.function = names["compiled"]
        self.single = len(program.outputs) == 1

    @property
    def source(self) -> str:
        """Return the Python source."""
        return self.text

    def rows(self, inputs: Sequence[Any], count: int, out: Any) -> None:
        """Fill ``out`` (outputs, count); a constant output is broadcast."""
        with numpy.errstate(all="ignore"):
            for row, value in zip(out, self.function(*inputs), strict=True):
                row[...] = value

    def scalar(self, *values: float) -> Any:
        """Return the value, or the tuple of values, at one point."""
        with numpy.errstate(all="ignore"):
            results = self.function(*map(numpy.float64, values))
        return (
            results[0].item()
            if self.single and hasattr(results[0], "item")
            else results[0]
            if self.single
            else results
        )


def build(program: Program, options: Options) -> Code:
    """Return the program as NumPy code."""
    if options.fastmath:
        raise ValueError(
            "fastmath is a choice of target='numba'; NumPy's functions are as they are: leave fastmath out"
        )
    return NumpyCode(program, options)


def write(program: Program) -> tuple[str, dict[str, Any]]:
    """Return the source and the globals it needs.  Names are used again when their value is dead, which frees its memory."""
    count = len(program.arguments)
    names: dict[str, Any] = {"numpy": numpy}
    templates = {}
    for row in program.operators():
        templates[row.name] = row.numpy
        if row.namespace:
            templates[row.name] = Spelling.call_of_user_function(row)
            names[Spelling.user_name(row)] = numpy_function(row)
        else:
            names.update(numpy_names(row.numpy))
    register, _ = allocate(count, [o for _, o in program.steps], program.outputs)
    spelled = Spelling(program, "numpy", register)
    lines = [argument_comment(program), f"def compiled({', '.join(f'a{i}' for i in range(count))}):"]
    for index, (op, operands) in enumerate(program.steps):
        lines.append(f"    t{register[index]} = {templates[op].format(*map(spelled, operands))}")
    lines.append(f"    return ({''.join(spelled(o) + ', ' for o in program.outputs)})")
    return "\n".join(lines) + "\n", names
