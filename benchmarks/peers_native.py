"""Peers of native code: the steps of a program replayed in SymEngine and CasADi, compiled there and called."""

from __future__ import annotations

import json
import operator
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def replay(file: str, inputs: list[Any]) -> list[Any]:
    """Return the outputs of the program in a file, computed with the peer's own numbers."""
    program = json.loads(Path(file).read_text())
    values, constants = list(inputs), program["constants"]
    for op, operands in program["steps"]:
        given = [values[o] if o >= 0 else constants[-1 - o] for o in operands]
        values.append(-given[0] if op == "neg" else OPERATIONS[op](*given))
    return [values[o] if o >= 0 else constants[-1 - o] for o in program["outputs"]]


def call_time(function: Callable[[], Any]) -> float:
    """Return the least time of a call over many short rounds, in seconds; long rounds would measure what else the machine does."""
    best = float("inf")
    for _ in range(300):
        begin = time.perf_counter()
        for _ in range(10):
            function()
        best = min(best, (time.perf_counter() - begin) / 10)
    return best


def symengine(file: str, arguments: int) -> list[Any]:
    """Return [seconds to compile with LLVM, seconds of a call, first values]."""
    import symengine

    names = [symengine.Symbol(f"a{i}") for i in range(arguments)]  # its temporaries are called x0, x1, ...
    outputs = replay(file, names)
    begin = time.perf_counter()
    f = symengine.Lambdify(names, outputs, backend="llvm", cse=True)
    point = np.random.default_rng(0).random(arguments)
    found = np.asarray(f(point), float)
    compiled = time.perf_counter() - begin
    out = np.empty(len(outputs))
    return [compiled, call_time(lambda: f.unsafe_real(point, out)), found[:3].tolist()]


def casadi(file: str, arguments: int) -> list[Any]:
    """Return [seconds to make a function of CasADi's virtual machine, seconds of a call, first values]."""
    import casadi

    given = casadi.SX.sym("a", arguments)
    outputs = replay(file, casadi.vertsplit(given))
    begin = time.perf_counter()
    f = casadi.Function("f", [given], [casadi.densify(casadi.vertcat(*outputs))])
    point = np.random.default_rng(0).random(arguments)
    out = np.empty(len(outputs))
    buffer, call = f.buffer()
    buffer.set_arg(0, memoryview(point))
    buffer.set_res(0, memoryview(out))
    call()
    compiled = time.perf_counter() - begin
    return [compiled, call_time(call), out[:3].tolist()]
