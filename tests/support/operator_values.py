"""What tests of compiled operators share: points, lists of operators, tolerances, and the interpreter over columns."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from symnum.algebra.evaluate import evaluate
from symnum.codegen.c_library import COMPILERS
from symnum.operators import OPERATORS

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason="needs a C compiler: cc, gcc or clang"
)

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    3.0,
    -7.0,
    1e-300,
    1e10,
    1e300,
    -1e300,
    np.inf,
    -np.inf,
    np.nan,
]
LOOSER = {"gamma": 4e-15, "lgamma": 5e-12, "digamma": 1e-12, "trigamma": 4e-15}
"""Relative differences allowed where scipy.special itself (Cephes) is off by that much; others agree to 4 ulps."""

BUILT_IN = [row for row in OPERATORS.values() if not row.namespace and "_doc" not in row.name]
UNARY = [row.name for row in BUILT_IN if row.arity == (1, 1) and row.name not in ("not", "neg")]
BINARY = ["atan2", "mod", "^", "/", "-"]
FOLDED = ["+", "*", "min", "max"]
COMPARISONS = ["<", "<=", ">", ">=", "==", "!="]


def assert_agrees(got: Any, wanted: Any, tolerance: float, what: str) -> None:
    got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    assert got.shape == wanted.shape
    with np.errstate(all="ignore"):
        close = np.abs(got - wanted) <= tolerance * np.abs(wanted) + 1e-305
    good = (
        (got == wanted)
        | (np.isnan(got) & np.isnan(wanted))
        | (np.isfinite(got) & np.isfinite(wanted) & close)
    )
    where = np.nonzero(~good)[0][:3]
    assert good.all(), f"{what}: {[(int(i), got[i], wanted[i]) for i in where]}"


def interpreter(term: Any, columns: Mapping[Any, Any]) -> list[Any]:
    """Evaluate at each row; the columns are {symbol: values}."""
    rows = zip(*columns.values(), strict=True)
    return [evaluate(term, dict(zip(columns, map(float, row), strict=True))) for row in rows]
