"""Formulas of problem lists and of the peers' models, read as text without running it: for NumPy, and for SymPy.

The text is Python's arithmetic over names, numbers and calls, with ``^`` as a second spelling of ``**``.

>>> import numpy as np
>>> float(on_arrays("div(2*x^2, 1./4)", {"x": np.array(3.0)}))
72.0
>>> on_symbols("pow(x1, 0.5)/3", {"x1": sympy.Symbol("x1", positive=True)})
sqrt(x1)/3
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from scipy.special import digamma

Table = Mapping[str, Callable[..., Any]]

_BINARY = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
_UNARY = {ast.USub: operator.neg, ast.UAdd: operator.pos}

_ARITHMETIC: Table = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": operator.pow, "neg": operator.neg,
    "inv": lambda a: 1 / a, "square": lambda a: a**2,
}  # fmt: skip

ARRAYS: Table = {
    **_ARITHMETIC, "sin": np.sin, "cos": np.cos, "tan": np.tan, "cot": lambda a: 1 / np.tan(a), "asin": np.arcsin, "arcsin": np.arcsin,
    "acos": np.arccos, "arccos": np.arccos, "atan": np.arctan, "arctan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "exp": np.exp, "log": np.log, "log10": np.log10, "sqrt": np.sqrt, "cbrt": np.cbrt, "abs": np.abs, "Abs": np.abs,
    "harmonic": lambda n: digamma(n + 1) + np.euler_gamma,
}  # fmt: skip
"""Function name -> NumPy function."""

SYMBOLS: Table = {
    **_ARITHMETIC, "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "cot": sympy.cot, "asin": sympy.asin, "arcsin": sympy.asin,
    "acos": sympy.acos, "arccos": sympy.acos, "atan": sympy.atan, "arctan": sympy.atan, "sinh": sympy.sinh, "cosh": sympy.cosh,
    "tanh": sympy.tanh, "asinh": sympy.asinh, "acosh": sympy.acosh, "atanh": sympy.atanh, "sec": sympy.sec, "csc": sympy.csc,
    "coth": sympy.coth, "sech": sympy.sech, "csch": sympy.csch, "erf": sympy.erf, "gamma": sympy.gamma, "loggamma": sympy.loggamma,
    "exp": sympy.exp, "log": sympy.log, "log10": lambda a: sympy.log(a) / sympy.log(10), "log2": lambda a: sympy.log(a) / sympy.log(2),
    "log1p": lambda a: sympy.log(1 + a), "expm1": lambda a: sympy.exp(a) - 1, "sqrt": sympy.sqrt, "cbrt": sympy.cbrt, "abs": sympy.Abs,
    "Abs": sympy.Abs, "sign": sympy.sign, "Max": sympy.Max, "Min": sympy.Min, "Mod": sympy.Mod, "floor": sympy.floor,
    "harmonic": sympy.harmonic, "logabs": lambda a: sympy.log(sympy.Abs(a)), "sqrtabs": lambda a: sympy.sqrt(sympy.Abs(a)),
}  # fmt: skip
"""Function name -> SymPy function."""


def on_arrays(text: str, values: Mapping[str, Any]) -> Any:
    """Return the formula's value on arrays (or numbers) by name; nan or inf where it is undefined."""
    with np.errstate(all="ignore"):
        return calculate(text, {"pi": np.pi, **values}, ARRAYS, float)


def on_symbols(text: str, values: Mapping[str, Any]) -> Any:
    """Return the formula as a SymPy expression; decimal numbers become exact fractions."""
    return calculate(
        text, {"pi": sympy.pi, "E": sympy.E, **values}, SYMBOLS, lambda n: sympy.Rational(str(n))
    )


def calculate(text: str, values: Mapping[str, Any], functions: Table, number: Callable[[float], Any]) -> Any:
    """Return the value of a formula, given the values of its names, the functions, and what a number becomes.

    Raises ValueError for what is no arithmetic, LookupError for a name or function that is not given.
    """
    stack: list[Any] = []
    for node in _in_order(text):
        if isinstance(node, ast.Constant):
            stack.append(number(node.value))
        elif isinstance(node, ast.Name):
            stack.append(_named(node.id, values, text))
        elif isinstance(node, ast.UnaryOp):
            stack.append(_UNARY[type(node.op)](stack.pop()))
        elif isinstance(node, ast.BinOp):
            right, left = stack.pop(), stack.pop()
            stack.append(_BINARY[type(node.op)](left, right))
        else:
            arguments = [stack.pop() for _ in node.args][::-1]
            stack.append(_named(node.func.id, functions, text)(*arguments))
    return stack[0]


@lru_cache(maxsize=256)
def _in_order(text: str) -> tuple[ast.expr, ...]:
    """Return the nodes of a formula, parts before the whole."""
    try:
        waiting = [ast.parse(text.strip().replace("^", "**"), mode="eval").body]
    except SyntaxError as problem:
        raise ValueError(f"{text!r} is no formula: {problem.msg} at character {problem.offset}") from None
    order = []
    while waiting:
        order.append(waiting.pop())
        waiting += _parts(order[-1], text)
    return tuple(reversed(order))


def names(text: str) -> set[str]:
    """Return the names in a formula that are no functions.

    >>> sorted(names("a*sin(b) + 2*pi"))
    ['a', 'b', 'pi']
    """
    nodes = list(ast.walk(ast.parse(text.replace("^", "**"), mode="eval")))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called}


def _parts(node: ast.expr, text: str) -> list[ast.expr]:
    """Return the parts of a node, in order; the walk takes the last first, so that the first is calculated last."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return [left, right]
        case ast.UnaryOp(operand=operand, op=op) if type(op) in _UNARY:
            return [operand]
        case ast.Call(func=ast.Name(), args=args, keywords=[]):
            return list(args)
        case ast.Name():
            return []
        case ast.Constant(value=int() | float()):
            return []
    raise ValueError(f"{ast.unparse(node)!r} in {text!r} is no arithmetic; write + - * / **, calls and names")


def _named(name: str, table: Mapping[str, Any], text: str) -> Any:
    if name not in table:
        raise LookupError(f"{name!r} in {text!r} is unknown; known are {', '.join(sorted(table))}")
    return table[name]
