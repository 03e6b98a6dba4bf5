"""NumPy's ufuncs and operators on traced arrays: each is a row of the operator table, or a formula of such."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from symnum.operators import OPERATORS
from symnum.pde.graph import Graph, is_boolean
from symnum.pde.refusal import refuse
from symnum.pde.traced import lift, wrap


def _head_of_ufunc(name: str) -> str | None:
    """Return the operator that a ufunc computes: the row of the table that is spelled with it."""
    return (
        _spelled_heads(len(OPERATORS)).get(name) or _INFIX.get(name) or (name if name in OPERATORS else None)
    )


@lru_cache(maxsize=4)
def _spelled_heads(row_count: int) -> dict[str, str]:
    """Return {ufunc: operator} from the ``numpy`` column; the table grows when a user registers an operator."""
    heads: dict[str, str] = {}
    for row in tuple(OPERATORS.values()):
        spelled = re.fullmatch(r"numpy\.(\w+)\(\{0\}(, \{\d\})*\)", row.numpy)
        if spelled and isinstance(getattr(np, spelled[1], None), np.ufunc):
            # built-in rows come first: a user's row that is spelled with numpy.exp does not take over every exp
            heads.setdefault(getattr(np, spelled[1]).__name__, row.name)
    return heads


_INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "^", "float_power": "^", "negative": "neg",
          "fabs": "abs", "gammaln": "lgamma", "psi": "digamma", "bitwise_and": "and", "bitwise_or": "or", "invert": "not"}  # fmt: skip
"""Ufuncs whose row is spelled with a sign, and those that are no function of NumPy's namespace."""

_COMPOSED: dict[str, Callable[..., Any]] = {
    "square": lambda a: a**2,
    "reciprocal": lambda a: 1 / a,
    "positive": lambda a: a,
    "conjugate": lambda a: a,
    "exp2": lambda a: 2**a,
    "hypot": lambda a, b: np.sqrt(a * a + b * b),
    "heaviside": lambda a, b: np.where(a == 0, b, np.where(a < 0, 0.0, 1.0)),
    "floor_divide": lambda a, b: np.floor(a / b),
    "deg2rad": lambda a: a * (np.pi / 180),
    "radians": lambda a: a * (np.pi / 180),
    "rad2deg": lambda a: a * (180 / np.pi),
    "degrees": lambda a: a * (180 / np.pi),
    "bitwise_xor": lambda a, b: (a & ~b) | (~a & b),
    "logical_xor": lambda a, b: (a & ~b) | (~a & b),
    "isnan": lambda a: a != a,
    "isfinite": lambda a: abs(a) < np.inf,
    "isinf": lambda a: abs(a) == np.inf,
    "expit": lambda a: 1 / (1 + np.exp(-a)),
    "vecdot": lambda a, b: (a * b).sum(-1),
    "clip": lambda a, low, high: np.minimum(np.maximum(a, low), high),
}
"""Ufuncs that are a formula of others."""

_BITWISE = frozenset({"bitwise_and", "bitwise_or", "bitwise_xor", "invert"})


def apply_ufunc(graph: Graph, ufunc: Any, inputs: Sequence[Any]) -> Any:
    """Return the traced result of a ufunc on traced arrays and numbers."""
    name = ufunc.__name__
    if name == "matmul" or any(map(is_sparse, inputs)):
        from symnum.pde.products import matmul

        if name == "matmul" or (name == "multiply" and any(map(_is_spmatrix, inputs))):
            return matmul(graph, *inputs)
        refuse(f"np.{name} of a traced array and a sparse array has no traced form", "write sparse @ u")
    nodes = [lift(graph, value) for value in inputs]
    if name in _BITWISE and not all(is_boolean(node) for node in nodes):
        refuse(
            f"np.{name} works on the bits of whole numbers, but a traced array holds floats",
            "combine conditions, such as (u > 0) & (u < 1)",
        )
    composed = _COMPOSED.get(name)
    if composed is not None:
        return composed(*[wrap(graph, node) for node in nodes])
    head = _head_of_ufunc(name)
    if head is None:
        refuse(
            f"np.{name} has no row in the operator table, so it has no symbolic meaning",
            f"write it with other functions, or add it with symnum.register_operator({name!r}, ..., numpy='numpy.{name}({{0}})')",
        )
    return wrap(graph, graph.elementwise(head, nodes))


def is_sparse(value: Any) -> bool:
    """Tell whether ``value`` is a sparse matrix or array of SciPy."""
    return type(value).__module__.startswith("scipy.sparse")


def _is_spmatrix(value: Any) -> bool:
    """Tell whether ``value`` is of the older kind, whose * is the product of matrices."""
    return is_sparse(value) and isinstance(value, sys.modules["scipy.sparse"].spmatrix)
