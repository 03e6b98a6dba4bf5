"""NumPy's ufuncs and operators on traced arrays: each is a row of the operator table, or a formula of such."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from symnum.operators import OPERATORS
from symnum.pde.graph import Graph, is_boolean
from symnum.pde.refusal import refuse
from symnum.pde.traced import lift, wrap


def head_of(name: str) -> str | None:
    """Return the operator that a ufunc computes: the row of the table that is spelled with it; None for a formula of others."""
    spelled = _spelled_heads(len(OPERATORS)).get(name)
    if spelled is not None or name in _COMPOSED:
        return spelled
    return _INFIX.get(name) or (name if name in OPERATORS else None)


def composed_of(name: str) -> Callable[..., Any] | None:
    """Return the formula of other ufuncs that a ufunc is, or None."""
    return _COMPOSED.get(name)


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
    "logit": lambda a: np.log(a / (1 - a)),
    "xlogy": lambda a, b: np.where((a == 0) & ~np.isnan(b), 0.0, a * np.log(b)),
    "xlog1py": lambda a, b: np.where((a == 0) & ~np.isnan(b), 0.0, a * np.log1p(b)),
    "logaddexp": lambda a, b: np.where(
        a == b, a + np.log(2.0), np.maximum(a, b) + np.log1p(np.exp(-abs(a - b)))
    ),
    "logaddexp2": lambda a, b: np.logaddexp(a * np.log(2.0), b * np.log(2.0)) / np.log(2.0),
    "fmax": lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b))),
    "fmin": lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.minimum(a, b))),
    "trunc": lambda a: np.where(a < 0, np.ceil(a), np.floor(a)),
    "rint": lambda a: _rounded(a, np.floor(a)),
    "fmod": lambda a, b: a - b * np.trunc(a / b),
    "divmod": lambda a, b: (a // b, a % b),
    "modf": lambda a: (a - np.trunc(a), np.trunc(a)),
    "signbit": lambda a: a < 0,
    "vecdot": lambda a, b: (a * b).sum(-1),
    "matvec": lambda a, b: (a @ b[..., None])[..., 0],
    "vecmat": lambda a, b: (a[..., None, :] @ b)[..., 0, :],
    "clip": lambda a, low, high: np.minimum(np.maximum(a, low), high),
}
"""Ufuncs that are a formula of others."""

_OF_CONDITIONS = {"add": "or", "multiply": "and", "maximum": "or", "minimum": "and"}
"""What NumPy's arithmetic means where all operands are conditions."""


def _rounded(a: Any, below: Any) -> Any:
    """Return the nearest whole number, the even one where two are as near; ``a - below`` is exact."""
    above = below + 1
    even = np.where(below % 2 == 0, below, above)
    return np.where(a == below, a, np.where(a - below < 0.5, below, np.where(a - below > 0.5, above, even)))


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
    if all(is_boolean(node) for node in nodes):
        if name in ("subtract", "negative"):
            raise TypeError(f"np.{name} of conditions is not defined; write ^ or ~, or u.astype(float)")
        name = _OF_CONDITIONS.get(name, name)
    head = head_of(name)
    if head is not None:
        return wrap(graph, graph.elementwise(head, nodes))
    composed = composed_of(name)
    if composed is None:
        unknown_ufunc(ufunc)
    return composed(*[wrap(graph, node) for node in nodes])


def unknown_ufunc(ufunc: Any) -> NoReturn:
    """Refuse a ufunc that has no symbolic meaning."""
    name = ufunc.__name__
    if {kind for kinds in ufunc.types for kind in kinds} <= {"O", "-", ">"}:
        refuse(
            f"{name} was made by np.frompyfunc, which calls a Python function for each entry",
            "call the function on whole arrays, with np.where for its branches",
        )
    refuse(
        f"np.{name} has no row in the operator table, so it has no symbolic meaning",
        f"write it with other functions, or add it with symnum.register_operator({name!r}, ..., numpy='numpy.{name}({{0}})')",
    )


REDUCED = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_or": "any",
    "logical_and": "all",
}
"""Ufuncs whose ``reduce`` is a function of NumPy."""

_ACCUMULATED = frozenset({"add", "multiply", "maximum", "minimum"})


def apply_method(
    graph: Graph, ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]
) -> Any:
    """Return the traced result of a ufunc's reduce, accumulate or outer; refuses the other methods."""
    name = ufunc.__name__
    options = {k: v for k, v in options.items() if k == "axis" or (v is not None and v is not np._NoValue)}
    if method == "reduce" and name in REDUCED:
        from symnum.pde.array_functions import call_function

        whole = {"axis": 0, **options} if len(inputs) == 1 else options
        return call_function(graph, REDUCED[name], getattr(np, REDUCED[name]), inputs, whole)
    if method == "accumulate" and name in _ACCUMULATED:
        from symnum.pde.reductions import accumulated

        axis = inputs[1] if len(inputs) > 1 else options.pop("axis", 0)
        return accumulated(graph, inputs[0], axis, options.get("dtype"), ufunc)
    if method == "outer" and not options:
        first, second = (wrap(graph, lift(graph, value)) for value in inputs)
        return ufunc(first[(..., *(None,) * second.ndim)], second)
    refuse(
        f"np.{name}.{method} is not among what can be traced",
        "write it with operators, slices, np.sum and np.max",
    )


def is_sparse(value: Any) -> bool:
    """Tell whether ``value`` is a sparse matrix or array of SciPy."""
    return type(value).__module__.startswith("scipy.sparse")


def _is_spmatrix(value: Any) -> bool:
    """Tell whether ``value`` is of the older kind, whose * is the product of matrices."""
    return is_sparse(value) and isinstance(value, sys.modules["scipy.sparse"].spmatrix)
