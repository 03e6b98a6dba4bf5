"""The ``tape`` target: a program is a table of instructions that a prebuilt interpreter runs on blocks of rows.

Nothing is compiled for an expression.  Rows go in blocks small enough that all registers stay in the first-level cache, and a
register is used again as soon as its value is dead.  Inputs are read where they lie, and outputs are written where they belong.
"""

from __future__ import annotations

import logging
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from symnum.codegen.loops import SELECT, Micro, NoLoop, find_loop, recipe
from symnum.codegen.lower import Constant, Program
from symnum.codegen.registers import allocate
from symnum.codegen.runtime import address_of
from symnum.codegen.target import Code, Options, Unsupported, refuse_disabled_jit

CACHE_BYTES = 32 << 10
"""How much of the first-level cache the registers of one block may fill."""

_log = logging.getLogger("symnum")

Array = Any


def _kernel() -> tuple[Callable[..., None], str]:
    """Return the interpreter; the first call in a process loads it, and the first ever on a machine compiles it."""
    name = "symnum.codegen.tape_kernel"
    if name not in sys.modules:
        began = time.perf_counter()
        from symnum.codegen import tape_kernel

        _log.info(
            "the tape's interpreter was loaded in %.2f s; numba keeps it on disk for the next process",
            time.perf_counter() - began,
        )
    from symnum.codegen import tape_kernel

    return tape_kernel.run, tape_kernel.REMARK


class Tape(Code):
    """A program as a table of instructions and a table of places; see ``tape_kernel`` for their columns."""

    def __init__(self, program: Program, options: Options) -> None:
        refuse_disabled_jit()
        self.assembly = assembly = _Assembly(program)
        self.kernel, self.remark = _kernel()
        self.inputs = len(program.arguments)
        self.outputs = len(program.outputs)
        self.result_type = numpy.dtype(bool if program.boolean else float)
        self.constants = _constant_memory(assembly.constants)
        self.registers = assembly.registers
        self.code = assembly.code
        used = 8 * (assembly.registers + min(self.inputs, 8))
        self.block = min(1024, max(64, (CACHE_BYTES // used) // 64 * 64)) if used else 1024
        self.places = self._template()
        self.result_steps = numpy.arange(self.outputs)
        self.pack_numbers = struct.Struct(f"{self.inputs}d").pack_into
        self.pack_inputs = struct.Struct(f"{3 * self.inputs}q").pack_into
        self.idle: list[tuple[Array, Array, Array]] = []
        self.scalar = self._scalar_function()  # a closure is quicker to call than a method

    @property
    def source(self) -> str:
        """Return the instructions as readable text."""
        return self.assembly.listing()

    def _template(self) -> Array:
        """Return the table of places with constants and registers filled in as far as they are known.

        A register has one place for numbers and one for truth values.
        """
        places = numpy.zeros(
            (self.inputs + len(self.constants) + 2 * self.registers + self.outputs, 3), numpy.int64
        )
        numbers = self.inputs + len(self.constants)
        truths = numbers + self.registers
        places[self.inputs : numbers, 0] = address_of(self.constants) + 8 * numpy.arange(len(self.constants))
        places[numbers:truths, 1] = 8
        places[truths : truths + self.registers, 1] = 1
        return places

    def _table(self, registers_at: int, block: int) -> tuple[Array, Array]:
        """Return a table of places of one's own, with the registers at an address, and the part of it for the outputs."""
        places = self.places.copy()
        numbers = self.inputs + len(self.constants)
        truths = numbers + self.registers
        results = truths + self.registers
        places[numbers:truths, 0] = places[truths:results, 0] = registers_at + 8 * block * numpy.arange(
            self.registers
        )
        return places, places[results:]

    def rows(self, inputs: Sequence[Array], count: int, out: Array) -> None:
        """Fill ``out`` (outputs, count) from float64 inputs of ``count`` rows or of one."""
        try:
            places, results, memory = self.idle.pop()
        except (
            IndexError
        ):  # tables wait in ``idle`` between calls: there are as many as threads ever called at once
            memory = numpy.empty(self.registers * self.block + 8)
            places, results = self._table(-(-address_of(memory) // 64) * 64, self.block)
        numbers: list[int] = []
        for given in inputs:
            step = given.strides[0] if given.shape[0] != 1 else 0
            numbers += (address_of(given), step, step)
        self.pack_inputs(places, 0, *numbers)
        address, step = address_of(out), out.itemsize
        if self.outputs == 1:
            results[0] = address, step, step
        else:
            results[:, 0] = address + out.strides[0] * self.result_steps
            results[:, 1:] = step
        self.kernel(self.code, places, count, self.block)
        self.idle.append((places, results, memory))

    def _scalar_function(self) -> Callable[..., Any]:
        """Return the function of floats, with tables of its own whose inputs and outputs never move."""
        idle: list[tuple[Array, Array, Array]] = []
        pack, kernel, code, table = self.pack_numbers, self.kernel, self.code, self._scalar_table
        single = self.outputs == 1

        def scalar(*values: float) -> Any:
            try:
                places, memory, out = idle.pop()
            except IndexError:
                places, memory, out = table()
            pack(memory, 0, *values)
            kernel(code, places, 1, 1)
            result = out.item() if single else out[:, 0].copy()
            idle.append((places, memory, out))
            return result

        return scalar

    def _scalar_table(self) -> tuple[Array, Array, Array]:
        memory = numpy.empty(self.inputs + self.registers + 1)
        out = numpy.empty((self.outputs, 1), self.result_type)
        places, results = self._table(address_of(memory) + 8 * self.inputs, 1)
        places[: self.inputs, 0] = address_of(memory) + 8 * numpy.arange(self.inputs)
        results[:, 0] = address_of(out) + out.itemsize * self.result_steps
        return places, memory, out


def build(program: Program, options: Options) -> Code:
    """Return the program as a tape; raises Unsupported when an operator has no inner loop."""
    if options.fastmath:
        raise ValueError(
            "fastmath is a choice of target='numba'; the tape runs NumPy's loops as they are: leave fastmath out"
        )
    return Tape(program, options)


def _constant_memory(constants: Sequence[Constant]) -> Array:
    memory = numpy.zeros(len(constants))
    for i, value in enumerate(constants):
        if type(value) is bool:
            memory[i : i + 1].view(numpy.uint8)[0] = value
        else:
            memory[i] = value
    return memory


class _Assembly:
    """Turn steps into micro-instructions, give the results registers, and write the table of instructions.

    Operands are numbered as in a program: inputs, then results of instructions, and constants from -1 down.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.inputs = len(program.arguments)
        self.constants: list[Constant] = list(program.constants)
        self.constant_of = {(type(v), repr(v)): i for i, v in enumerate(self.constants)}
        self.micros: list[tuple[Any, tuple[int, ...]]] = []
        self.boolean: list[bool] = []
        recipes = self._recipes()
        operand_of: list[int] = list(range(self.inputs))
        for op, operands in program.steps:
            given = [o if o < 0 else operand_of[o] for o in operands]
            operand_of.append(self._expand(op, recipes[op], given))
        self.destination: dict[int, int] = {}
        for position, output in enumerate(program.outputs):
            self._store(position, output if output < 0 else operand_of[output])
        self._assign()

    def _recipes(self) -> dict[str, tuple[Micro, ...]]:
        found = {}
        for row in self.program.operators():
            try:
                found[row.name] = recipe(row)
            except NoLoop as problem:
                raise Unsupported(f"operator {row.name!r} cannot run on the tape: {problem}") from None
        return found

    def _expand(self, op: str, micros: Sequence[Micro], given: Sequence[int]) -> int:
        results: list[int] = []
        for function, operands in micros:
            chosen = [
                given[o] if type(o) is int else results[int(o[1:])] if type(o) is str else self._constant(o)
                for o in operands
            ]
            try:
                results.append(self._emit(function, *chosen))
            except NoLoop as problem:
                raise Unsupported(f"operator {op!r} cannot run on the tape: {problem}") from None
        return results[-1]

    def _constant(self, value: Constant) -> int:
        key = (type(value), repr(value))
        if key not in self.constant_of:
            self.constant_of[key] = len(self.constants)
            self.constants.append(value)
        return -1 - self.constant_of[key]

    def _is_boolean(self, operand: int) -> bool:
        if operand < 0:
            return type(self.constants[-1 - operand]) is bool
        return operand >= self.inputs and self.boolean[operand - self.inputs]

    def _emit(self, function: Any, *operands: int) -> int:
        kinds = tuple([self._is_boolean(o) for o in operands])
        if function is SELECT and kinds[1]:
            condition, yes, no = operands
            both = self._emit(numpy.logical_and, condition, yes)
            neither = self._emit(numpy.logical_and, self._emit(numpy.logical_not, condition), no)
            return self._emit(numpy.logical_or, both, neither)
        self.boolean.append(False if function is SELECT else find_loop(function, kinds).boolean)
        self.micros.append((function, operands))
        return self.inputs + len(self.micros) - 1

    def _store(self, position: int, operand: int) -> None:
        """Let the instruction that computes an output write it where it belongs; anything else is copied there."""
        index = operand - self.inputs
        as_number = self._is_boolean(operand) and not self.program.boolean
        if index < 0 or index in self.destination or as_number:
            if as_number:
                operand = self._emit(SELECT, operand, self._constant(1.0), self._constant(0.0))
            elif self._is_boolean(operand):
                operand = self._emit(numpy.logical_or, operand, operand)
            else:
                operand = self._emit(numpy.positive, operand)
            index = operand - self.inputs
        self.destination[index] = position

    def _assign(self) -> None:
        operands = [o for _, o in self.micros]
        kinds = [self._kinds(o) for o in operands]
        register, self.registers = allocate(
            self.inputs,
            operands,
            (),
            placed=self.destination.__contains__,
            in_place=lambda i: (not self.boolean[i]) not in kinds[i],
        )
        first = self.inputs + len(self.constants)

        def place(operand: int) -> int:
            if operand < self.inputs:
                return operand if operand >= 0 else self.inputs - 1 - operand
            index = operand - self.inputs
            position = self.destination.get(index)
            if position is not None:
                return first + 2 * self.registers + position
            return first + register[index] + (self.registers if self.boolean[index] else 0)

        self.code = numpy.zeros((len(self.micros), 7), numpy.int64)
        for index, (function, given) in enumerate(self.micros):
            line = [place(o) for o in (*given, self.inputs + index)]
            if function is SELECT:
                head = [0, 0, 4]
            else:
                loop = find_loop(function, kinds[index])
                head = [loop.function, loop.data, len(line)]
            self.code[index, : 3 + len(line)] = head + line

    def _kinds(self, operands: tuple[int, ...]) -> tuple[bool, ...]:
        return tuple([self._is_boolean(o) for o in operands])

    def listing(self) -> str:
        """Return the program as readable text, one instruction a line."""
        first = self.inputs + len(self.constants)

        def spelled(place: int) -> str:
            if place < self.inputs:
                return self.program.arguments[place]
            if place < first:
                return repr(self.constants[place - self.inputs])
            register = place - first
            if register >= 2 * self.registers:
                return f"out[{register - 2 * self.registers}]"
            return f"r{register % self.registers}"

        lines = [
            f"tape: {len(self.code)} instructions, {self.registers} registers, "
            f"({', '.join(self.program.arguments)}) -> {len(self.program.outputs)} outputs"
        ]
        for (function, _), line in zip(self.micros, self.code.tolist(), strict=True):
            *given, result = [spelled(p) for p in line[3 : 3 + line[2]]]
            name = function if function is SELECT else function.__name__
            lines.append(f"{result} = {name}({', '.join(given)})")
        return "\n".join(lines) + "\n"
