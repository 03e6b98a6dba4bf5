"""The elementwise operations of the search kernels, generated from the operator table.

Every row of the table that maps one or two reals to a real and has a ``numba`` spelling gets an opcode; whole powers such as
``"^2"`` have opcodes of their own because they are cheaper than ``"^"``.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numba

from symnum.codegen import special
from symnum.operators import _BUILT_IN, OPERATORS, Operator, operator

POWERS = {
    "^-1": "(1.0 / {0})",
    "^2": "({0} * {0})",
    "^3": "({0} * {0} * {0})",
    "^4": "(({0} * {0}) * ({0} * {0}))",
}
"""Operations that are the operator ``^`` with a fixed exponent, and their spelling."""

_HELPER = re.compile(r"(?<![\w.])_\w+")


def _arity(row: Operator) -> int:
    """Return how many arguments an operation of this row takes: sums and products are taken two at a time."""
    _, high = row.arity
    return 2 if high is None else high


def refusal(name: str) -> str | None:
    """Return why an operator cannot be used in a search, or None when it can; raises LookupError for an unknown name."""
    if name in POWERS:
        return None
    row = operator(name)
    if _arity(row) not in (1, 2):
        return f"it takes {_arity(row)} arguments, and a search builds operators of one and two"
    if row.result_sort == "boolean" or any(sort == "boolean" for sort in row.argument_sorts):
        return "it deals with conditions, and a search builds real functions"
    if not row.numba:
        return "its row has no numba spelling; register the operator with numba='math.name({0})' or a function made by numba.njit"
    return None


BUILT_IN: tuple[str, ...] = (
    *(name for name in OPERATORS if name in _BUILT_IN and refusal(name) is None),
    *POWERS,
)
"""The names that have an opcode in the kernels that are cached on disk, in the order of the opcodes."""


def arity(name: str) -> int:
    """Return the number of arguments of an operation.

    >>> arity("^2"), arity("+"), arity("sin")
    (1, 2, 1)
    """
    return 1 if name in POWERS else _arity(operator(name))


def source(names: Iterable[str]) -> str:
    """Return Python source of ``apply(op, a, b, out)``, which applies operation number ``op`` to rows of values."""
    lines = ["def apply(op, a, b, out):", "    n = out.shape[0]"]
    for code, name in enumerate(names):
        spelling = POWERS.get(name) or OPERATORS[name].numba
        lines += [
            f"    {'if' if code == 0 else 'elif'} op == {code}:  # {name}",
            "        for i in range(n):",
            f"            out[i] = {spelling.format('a[i]', 'b[i]')}",
        ]
    return "\n".join(lines) + "\n"


def compile_apply(names: tuple[str, ...]) -> Callable[..., Any]:
    """Compile ``apply`` for these operations; values follow NumPy (log(-1) is nan, 1/0 is inf) and nothing raises."""
    namespace: dict[str, Any] = {"math": math}
    for name in names:
        if name not in POWERS:
            row = OPERATORS[name]
            helpers = [helper for helper in _HELPER.findall(row.numba) if hasattr(special, helper)]
            namespace |= {helper: getattr(special, helper) for helper in helpers} | dict(row.namespace)
    # the source is generated from the operator table, never from a user's text
    exec(compile(source(names), "<operations of the search>", "exec"), namespace)
    return numba.njit(error_model="numpy", nogil=True)(namespace["apply"])


apply = compile_apply(BUILT_IN)
"""The built-in operations; the kernels that call it are cached on disk, this function is compiled only with them."""

DIGEST = int.from_bytes(hashlib.blake2b(source(BUILT_IN).encode(), digest_size=7).digest(), "big")
"""What the kernels were compiled from: numba's cache does not notice a change of another file, this number does."""
