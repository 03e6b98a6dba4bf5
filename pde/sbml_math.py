"""SBML's mathematics: trees of nodes to terms, and terms to SBML's infix text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.pde.net_formula import Function, number, truth, written


@dataclass(frozen=True, slots=True)
class Node:
    """A node of SBML's syntax tree; ``kind`` is libsbml's name of it without AST_, such as "PLUS", "FUNCTION_SIN", "NAME"."""

    kind: str
    value: Any = None
    children: tuple[Node, ...] = ()


AVOGADRO = 6.02214179e23
"""The number that SBML Level 3 fixes."""


def _call(head: str) -> Callable[..., Any]:
    return lambda *args: interned.make(head, [number(a) for a in args])


def _logical(head: str) -> Callable[..., Any]:
    return lambda *args: interned.make(head, [truth(a) for a in args])


def _minus(*args: Any) -> Any:
    return interned.make("neg" if len(args) == 1 else "-", [number(a) for a in args])


def _piecewise(*args: Any) -> Any:
    found = number(args[-1]) if len(args) % 2 else interned.number(float("nan"))
    for value, condition in reversed(list(zip(args[0::2], args[1::2]))):
        found = interned.make("ifelse", (truth(condition), number(value), found))
    return found


def _log(base: Any, a: Any) -> Any:
    if interface.is_number(base) and interface.value(base) in (2, 10):
        return interned.make(f"log{interface.value(base):g}", (number(a),))
    return interned.make("/", (interned.make("log", (number(a),)), interned.make("log", (number(base),))))


def _root(degree: Any, a: Any) -> Any:
    if interface.is_number(degree) and interface.value(degree) == 2:
        return interned.make("sqrt", (number(a),))
    return interned.make("^", (number(a), interned.make("/", (1, number(degree)))))


def _chain(head: str) -> Callable[..., Any]:
    """Return what reads a < b < c as a < b and b < c."""

    def build(*args: Any) -> Any:
        pairs = [interned.make(head, (number(a), number(b))) for a, b in pairwise(args)]
        return pairs[0] if len(pairs) == 1 else interned.make("and", pairs)

    return build


def _xor(*args: Any) -> Any:
    found = truth(args[0])
    for arg in args[1:]:
        other = truth(arg)
        found = interned.make("or", (interned.make("and", (found, interned.make("not", (other,)))),
                                     interned.make("and", (interned.make("not", (found,)), other))))  # fmt: skip
    return found


_ELEMENTARY = (
    "EXP",
    "FLOOR",
    "SIN",
    "COS",
    "TAN",
    "COT",
    "SEC",
    "CSC",
    "SINH",
    "COSH",
    "TANH",
    "COTH",
    "SECH",
    "CSCH",
    "ABS",
    "MIN",
    "MAX",
)
_ARCS = {"ARCSIN": "asin", "ARCCOS": "acos", "ARCTAN": "atan", "ARCCOT": "acot", "ARCSEC": "asec", "ARCCSC": "acsc",
         "ARCSINH": "asinh", "ARCCOSH": "acosh", "ARCTANH": "atanh"}  # fmt: skip

_BUILD: dict[str, Callable[..., Any]] = {
    "PLUS": _call("+"), "TIMES": _call("*"), "MINUS": _minus, "DIVIDE": _call("/"), "POWER": _call("^"), "FUNCTION_POWER": _call("^"),
    "FUNCTION_ROOT": _root, "FUNCTION_LN": _call("log"), "FUNCTION_LOG": _log, "FUNCTION_CEILING": _call("ceil"),
    "FUNCTION_REM": _call("mod"), "FUNCTION_PIECEWISE": _piecewise,
    **{f"FUNCTION_{name}": _call(name.lower()) for name in _ELEMENTARY},
    **{f"FUNCTION_{name}": _call(head) for name, head in _ARCS.items()},
    "LOGICAL_AND": _logical("and"), "LOGICAL_OR": _logical("or"), "LOGICAL_NOT": _logical("not"), "LOGICAL_XOR": _xor,
    "RELATIONAL_LT": _chain("<"), "RELATIONAL_LEQ": _chain("<="), "RELATIONAL_GT": _chain(">"), "RELATIONAL_GEQ": _chain(">="),
    "RELATIONAL_EQ": _chain("=="), "RELATIONAL_NEQ": _chain("!="),
}  # fmt: skip
"""Kind of a call -> what makes its term."""

_LEAF: dict[str, Callable[[Any], Any]] = {
    "INTEGER": lambda value: interned.number(int(value)),
    "REAL": lambda value: interned.number(float(value)),
    "RATIONAL": lambda value: interned.number(Fraction(*value)),
    "CONSTANT_E": lambda value: interned.make("exp", (1,)),
    "CONSTANT_PI": lambda value: interned.make("pi", ()),
    "CONSTANT_TRUE": lambda value: interned.number(True),
    "CONSTANT_FALSE": lambda value: interned.number(False),
    "NAME_AVOGADRO": lambda value: interned.number(AVOGADRO),
}


def term_of(node: Node, names: Mapping[str, Any], functions: Mapping[str, Function], time: Any) -> Any:
    """Return the term of a tree; ``names`` are {id: term}, ``functions`` the model's own.

    Raises ValueError for unknown ids and for what is not supported, such as delays.

    >>> import symnum as sn
    >>> term_of(Node("TIMES", None, (Node("NAME", "k"), Node("REAL", 0.5))), {"k": sn.symbols("k")}, {}, sn.symbols("t"))
    0.5*k
    """
    done: list[Any] = []
    waiting: list[tuple[Node, bool]] = [(node, False)]
    while waiting:
        part, ready = waiting.pop()
        if not ready:
            waiting.append((part, True))
            waiting.extend((child, False) for child in reversed(part.children))
            continue
        count = len(part.children)
        args = done[len(done) - count :]
        del done[len(done) - count :]
        done.append(_one(part, args, names, functions, time))
    return done[0]


def _one(
    node: Node, args: Sequence[Any], names: Mapping[str, Any], functions: Mapping[str, Function], time: Any
) -> Any:
    if node.kind in _LEAF:
        return _LEAF[node.kind](node.value)
    if node.kind == "NAME_TIME":
        return time
    if node.kind == "NAME":
        if node.value not in names:
            raise ValueError(f"{node.value!r} is no species, compartment or parameter")
        return names[node.value]
    if node.kind == "FUNCTION":
        function = functions.get(node.value)
        if function is None or len(function.arguments) != len(args):
            raise ValueError(f"there is no function {node.value!r} of {len(args)} arguments")
        replaced = {interned.symbol(a): number(b) for a, b in zip(function.arguments, args)}
        return substitute(function.body, replaced) if replaced else function.body
    if node.kind not in _BUILD:
        raise ValueError(
            f"{node.kind.lower()} is not supported; write the formula with arithmetic, the usual functions and piecewise"
        )
    return _BUILD[node.kind](*args)


_SBML_CALL = {"ifelse": "piecewise({1},{0},{2})", "log": "ln({0})", "log10": "log10({0})", "log2": "log(2,{0})", "mod": "rem({0},{1})",
              **{name.lower(): f"{name.lower()}({{0}})" for name in _ELEMENTARY if name not in ("MIN", "MAX")},
              **{head: f"{name.lower()}({{0}})" for name, head in _ARCS.items()}, "ceil": "ceil({0})", "sqrt": "sqrt({0})",
              "min": "min({...})", "max": "max({...})", "pi": "pi"}  # fmt: skip


def infix(term: Any, names: Mapping[Any, str]) -> str:
    """Return a term in SBML's Level 3 infix; raises ValueError for an operator that SBML does not have."""
    return written(term, names, _SBML_CALL, "SBML")
