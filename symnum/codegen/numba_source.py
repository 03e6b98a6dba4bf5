"""The ``numba`` target: Python source of scalar code in ``math``, compiled by numba, and kept on disk.

A small program becomes one function of numbers, and a loop over arrays that calls it.  A large one becomes functions of bounded
size that share an array of values, so that compile time grows linearly with the number of steps.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numba
import numpy

import symnum
from symnum.codegen import disk
from symnum.codegen.lower import Program
from symnum.codegen.registers import allocate, last_uses
from symnum.codegen.runtime import template_function
from symnum.codegen.source import Spelling, argument_comment
from symnum.codegen.target import Code, Options, Unsupported, refuse_disabled_jit
from symnum.operators import Operator

_log = logging.getLogger("symnum")

WHOLE = 1000
"""Largest number of steps that is compiled as one function."""

PART = 500
"""Number of steps in each function of a large program."""

FEW = 32
"""Largest number of arguments, and of outputs, that are passed one by one."""

BROADCAST_ROWS = 1024
"""Rows at a time when some arguments are single numbers; these are spread over an array of this length."""


class NumbaCode(Code):
    """The compiled functions of a program."""

    def __init__(self, program: Program, options: Options) -> None:
        refuse_disabled_jit()
        rows = program.operators()
        for row in rows:
            if not row.numba:
                raise Unsupported(
                    f"operator {row.name!r} has no numba spelling; give one with symnum.register_operator({row.name!r}, ..., "
                    f"numba='math.tanh({{0}})'), or a Python function that numba can compile"
                )
        own = {Spelling.user_name(row): row for row in rows if row.namespace}
        self.large = len(program.steps) > WHOLE or max(len(program.arguments), len(program.outputs)) > FEW
        self.text = (write_parts if self.large else write_whole)(program, options)
        began = time.perf_counter()
        self.module, kept = load(self.text, own)
        self.remark = f"{len(program.steps)} operations in {time.perf_counter() - began:.2f} s, {kept}"
        if self.large:
            self.remark += (
                "; numba takes a second or more for 1000 operations, where the tape needs no compile time"
            )
        _log.info("numba: %s", self.remark)
        self.kernel = self.module.kernel
        self.outputs = len(program.outputs)
        self.every_row = numpy.ones(len(program.arguments), numpy.int64)
        self.result_type = bool if program.boolean else float
        if not self.large:
            self.scalar = self.module.scalar  # type: ignore[method-assign]  # called directly: numba's dispatch is all that it costs

    @property
    def source(self) -> str:
        """Return the Python source."""
        return self.text

    @property
    def numba(self) -> Any:
        """Return the scalar function; its module must be known to Python when numba compiles a caller of it."""
        if self.module.KEPT_ON_DISK:
            sys.modules.setdefault(self.module.__name__, self.module)
        return self.module.scalar

    def rows(self, inputs: Sequence[Any], count: int, out: Any) -> None:
        """Fill ``out`` (outputs, count)."""
        if self.large:
            table = numpy.empty((len(inputs), count))
            for row, given in zip(table, inputs, strict=True):
                row[:] = given
            self.kernel(table, out)
            return
        for given in inputs:
            if given.shape[0] != count or not given.flags.carray:
                break
        else:
            self.kernel(count, count, self.every_row, out, *inputs)
            return
        block = min(count, BROADCAST_ROWS) if any(a.shape[0] != count for a in inputs) else count
        steps = numpy.array([a.shape[0] == count for a in inputs], numpy.int64)
        spread = [_plain(a) if a.shape[0] == count else numpy.full(block, a[0]) for a in inputs]
        self.kernel(count, block, steps, out, *spread)

    def scalar(self, *values: float) -> Any:
        """Return the value, or an array of the values, at one point; small programs have a compiled function instead."""
        out = numpy.empty((self.outputs, 1), self.result_type)
        self.kernel(numpy.array(values, float).reshape(-1, 1), out)
        return out.item() if self.outputs == 1 else out[:, 0]


def _plain(array: Any) -> Any:
    """Return a contiguous array that may be written, since numba gives other arrays another type."""
    return array if array.flags.carray else array.copy()


def build(program: Program, options: Options) -> Code:
    """Return the program as numba code; raises Unsupported when an operator has no numba spelling."""
    return NumbaCode(program, options)


# --- source -----------------------------------------------------------------------------------------------------------------

_HEADER = """\
{comment}
import math
import numpy
from numba import boolean, float64, int64, njit
from symnum.codegen.special import _cbrt, _ceil, _digamma, _floor, _gamma, _lgamma, _log2, _max, _min, _mod, _sign, _trigamma

options = dict(error_model="numpy", nogil=True, fastmath={fastmath}, cache=KEPT_ON_DISK)
"""


def _templates(program: Program) -> dict[str, str]:
    return {
        row.name: Spelling.call_of_user_function(row) if row.namespace else row.numba
        for row in program.operators()
    }


def _out_type(program: Program) -> str:
    return f"{'boolean' if program.boolean else 'float64'}[:, ::1]"


def write_whole(program: Program, options: Options) -> str:
    """Return the source of one scalar function and of the loop over arrays."""
    spelled = Spelling(program, "math")
    templates = _templates(program)
    count, outputs = len(program.arguments), len(program.outputs)
    names = [f"a{i}" for i in range(count)]
    results = [spelled(o) for o in program.outputs]
    lines = [
        _HEADER.format(comment=argument_comment(program), fastmath=options.fastmath),
        "",
        f"@njit(({'float64, ' * count}), **options)",
        f"def scalar({', '.join(names)}):",
        *[
            f"    t{i} = {templates[op].format(*map(spelled, operands))}"
            for i, (op, operands) in enumerate(program.steps)
        ],
        f"    return {results[0] if outputs == 1 else '(' + ''.join(r + ', ' for r in results) + ')'}",
        "",
        "",
        f"@njit((int64, int64, int64[::1], {_out_type(program)}, {'float64[::1], ' * count}), **options)",
        f"def kernel({', '.join(['rows', 'block', 'steps', 'out', *[f'x{i}' for i in range(count)]])}):",
        "    for start in range(0, rows, block):",
        "        size = min(block, rows - start)",
        *[f"        v{i} = x{i}[start * steps[{i}] : start * steps[{i}] + size]" for i in range(count)],
        *[f"        o{j} = out[{j}, start : start + size]" for j in range(outputs)],
        "        for i in range(size):",
    ]
    call = f"scalar({', '.join(f'v{i}[i]' for i in range(count))})"
    targets = ", ".join(f"o{j}[i]" for j in range(outputs))
    lines.append(f"            {targets} = {call}" if outputs else "            pass")
    return "\n".join(lines) + "\n"


def write_parts(program: Program, options: Options) -> str:
    """Return the source of functions of bounded size over an array ``w``: arguments, outputs, and values that cross parts."""
    count, outputs = len(program.arguments), len(program.outputs)
    templates = _templates(program)
    spelled = Spelling(program, "math")
    operands = [o for _, o in program.steps]
    part_of_last = last_uses(count, operands)
    crossing = [part_of_last[count + i] // PART > i // PART for i in range(len(operands))]
    register, total = allocate(
        count, operands, (), placed=lambda i: not crossing[i], in_place=lambda i: False
    )
    first = count + outputs
    places = [first + r for r in register]
    wanted: dict[int, list[int]] = {}
    for position, output in enumerate(program.outputs):
        wanted.setdefault(output, []).append(position)
    lines = [_HEADER.format(comment=argument_comment(program), fastmath=options.fastmath)]
    parts = range(0, len(operands), PART) or range(1)
    for part, start in enumerate(parts):
        lines += ["", "@njit((float64[::1],), **options)", f"def part{part}(w):"]
        known: set[int] = set()
        for index in range(start, min(start + PART, len(operands))):
            for operand in operands[index]:
                if operand >= 0 and operand not in known and operand < count + start:
                    place = operand if operand < count else places[operand - count]
                    truth = " != 0.0" if program.is_boolean(operand) else ""
                    lines.append(f"    {spelled(operand)} = w[{place}]{truth}")
                known.add(operand)
            lines.append(
                f"    t{index} = {templates[program.steps[index][0]].format(*map(spelled, operands[index]))}"
            )
            known.add(count + index)
            kept = [places[index]] if crossing[index] else []
            lines += [
                f"    w[{p}] = t{index}" for p in kept + [count + q for q in wanted.get(count + index, ())]
            ]
        if part == 0:
            for output, positions in wanted.items():
                if output < count:
                    value = spelled(output) if output < 0 else f"w[{output}]"
                    lines += [f"    w[{count + q}] = {value}" for q in positions]
        lines += ["    return", ""]
    calls = [f"part{part}(w)" for part in range(len(parts))]
    truths = [program.is_boolean(o) for o in program.outputs]
    values = "".join(f"w[{count + j}]{' != 0.0' if truths[j] else ''}, " for j in range(outputs))
    names = [f"a{i}" for i in range(count)]
    lines += [
        "",
        "@njit(**options)",
        f"def scalar({', '.join(names)}):",
        f"    w = numpy.empty({first + total})",
        *[f"    w[{i}] = a{i}" for i in range(count)],
        *[f"    {call}" for call in calls],
        f"    return {values.removesuffix(', ') if outputs == 1 else f'({values})'}",
        "",
        "",
        f"@njit((float64[:, ::1], {_out_type(program)}), **options)",
        "def kernel(x, out):",
        f"    w = numpy.empty({first + total})",
        "    for i in range(out.shape[1]):",
        f"        for k in range({count}):",
        "            w[k] = x[k, i]",
        *[f"        {call}" for call in calls],
        f"        for k in range({outputs}):",
        f"            out[k, i] = w[{count} + k]{' != 0.0' if program.boolean else ''}",
    ]
    return "\n".join(lines) + "\n"


# --- modules ----------------------------------------------------------------------------------------------------------------

_MODULES: OrderedDict[str, tuple[ModuleType, str]] = OrderedDict()
_MAX_MODULES = 256
_LOCK = threading.RLock()


def load(source: str, own: dict[str, Operator]) -> tuple[ModuleType, str]:
    """Return the compiled module of a source, and what was kept where.

    ``own`` names operators that bring Python functions: these exist in this process only, so nothing is kept on disk then.
    """
    with _LOCK:
        if own:
            return _load_with_users_functions(source, own)
        name = disk.module_name(source, symnum.__version__, numba.__version__, _special_text())
        known = _MODULES.get(name)
        if known is None:
            known = _MODULES[name] = _load_kept(name, source)
            while len(_MODULES) > _MAX_MODULES:
                forgotten, _ = _MODULES.popitem(last=False)
                sys.modules.pop(forgotten, None)
        _MODULES.move_to_end(name)
        return known


def _load_with_users_functions(source: str, own: dict[str, Operator]) -> tuple[ModuleType, str]:
    names = ", ".join(repr(row.name) for row in own.values())
    try:
        functions = {name: _njit_function(row) for name, row in own.items()}
        module = _execute("symnum_generated", source, None, functions)
    except numba.core.errors.NumbaError as problem:
        raise ValueError(
            f"numba cannot compile the functions given for {names}; write them as scalar code with math, or compile with "
            f"target='numpy'. numba says: {str(problem).strip()}"
        ) from problem
    return module, f"not kept on disk, because {names} brings a Python function"


def _load_kept(name: str, source: str) -> tuple[ModuleType, str]:
    try:
        path = disk.store(name, source)
    except disk.CacheUnavailable as problem:
        return _execute(name, source, None, {}), f"not kept on disk: {problem}"
    module = _execute(name, source, path, {})
    if sum(module.kernel.stats.cache_hits.values()):
        return module, f"loaded from {path.parent}"
    disk.seal(path.parent)
    return module, f"kept in {path.parent}"


def _execute(name: str, source: str, path: Path | None, scope: dict[str, Any]) -> ModuleType:
    """Run a generated module; numba wants it in sys.modules before it compiles or loads a function of it."""
    module = ModuleType(name)
    module.__dict__.update(scope, KEPT_ON_DISK=path is not None)
    if path is not None:
        module.__file__ = str(path)
        sys.modules[name] = module
    exec(compile(source, str(path or f"<{name}>"), "exec"), module.__dict__)
    return module


def _njit_function(row: Operator) -> Callable[..., Any]:
    """Return the numba spelling of a user's operator as an njit function."""
    scope = {
        key: numba.njit(found, error_model="numpy") if isinstance(found, FunctionType) else found
        for key, found in row.namespace.items()
    }
    function = template_function(row, row.numba, {"math": math, "numpy": numpy, **_special_names(), **scope})
    compiled: Callable[..., Any] = numba.njit(function, error_model="numpy")
    return compiled


def _special_names() -> dict[str, Any]:
    from symnum.codegen import special

    return {
        name: found
        for name, found in vars(special).items()
        if name.startswith("_") and not name.startswith("__")
    }


@cache
def _special_text() -> str:
    """Return the text of the functions that generated code links with, so that a change of them is noticed."""
    from symnum.codegen import special

    return Path(special.__file__).read_text()
