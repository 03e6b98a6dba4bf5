"""Peers of the evaluator: the same expressions in gplearn and in pyoperon (single precision), given as words in prefix order."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

INFIX = {
    "+": "({} + {})",
    "-": "({} - {})",
    "*": "({} * {})",
    "/": "({} / {})",
    "^2": "square({})",
    "neg": "(-{})",
}


def data(rows: int) -> np.ndarray:
    """Return the three variables (rows, 3)."""
    return np.random.default_rng(0).uniform(0.5, 2.0, (rows, 3))


def gplearn(texts: list[str], rows: int) -> float:
    """Return the least seconds to evaluate all expressions once."""
    from gplearn import _program, functions

    table = {
        "+": functions.add2, "-": functions.sub2, "*": functions.mul2, "/": functions.div2, "sin": functions.sin1, "cos": functions.cos1,
        "sqrt": functions.sqrt1, "log": functions.log1, "exp": functions._Function(np.exp, "exp", 1),
        "^2": functions._Function(np.square, "square", 1),
    }  # fmt: skip
    variables = {"x": 0, "y": 1, "z": 2}
    programs = []
    for text in texts:
        tokens = [
            variables[w] if w in variables else float(w) if w.isdigit() else table[w] for w in text.split()
        ]
        program = _program._Program.__new__(_program._Program)
        program.program = tokens
        programs.append(program)
    X = data(rows)
    with np.errstate(all="ignore"):
        return _least(lambda: [program.execute(X) for program in programs])


def pyoperon(texts: list[str], rows: int) -> float:
    """Return the least seconds to evaluate all expressions once, on one thread."""
    import pyoperon as op

    dataset = op.Dataset(np.asfortranarray(data(rows)))
    hashes = dict(zip("xyz", [variable.Hash for variable in dataset.Variables], strict=True))
    trees = [op.InfixParser.Parse(_infix(text), hashes) for text in texts]
    out = np.empty((len(trees), rows), np.float32)
    return _least(lambda: op.EvaluateTrees(trees, dataset, op.Range(0, rows), out, 1))


def _infix(text: str) -> str:
    stack: list[str] = []
    for word in reversed(text.split()):
        if word in ("+", "-", "*", "/"):
            stack.append(INFIX[word].format(stack.pop(), stack.pop()))
        elif word in INFIX:
            stack.append(INFIX[word].format(stack.pop()))
        elif word in ("sin", "cos", "exp", "log", "sqrt"):
            stack.append(f"{word}({stack.pop()})")
        else:
            stack.append(word)
    return stack[0]


def _least(function: Any) -> float:
    best = float("inf")
    for _ in range(7):
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best
