"""The operator table: complete rows, spellings that compute the same in every language, and rows added at run time."""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.codegen.c_helpers import needed
from symnum.codegen.torch_source import HELPERS
from symnum.operators import ARGUMENTS, OPERATORS, Operator, operator, register_operator

BUILT_IN = [row for row in OPERATORS.values() if not row.egglog.startswith("User_")]
POINTS = [-2.5, -1.0, -0.7, -0.0, 0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 7.25]

REQUIRED = """+ - * / ^ neg sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan cot sec csc asin acos atan acot asec acsc atan2
sinh cosh tanh coth sech csch asinh acosh atanh
abs sign floor ceil mod min max erf gamma lgamma < <= > >= == != and or not ifelse""".split()


def test_the_required_operators_are_there() -> None:
    assert set(REQUIRED) <= set(OPERATORS)


@pytest.mark.parametrize("row", BUILT_IN, ids=lambda row: row.name)
def test_every_row_is_complete(row: Operator) -> None:
    low, high = row.arity
    assert high is None or 0 <= low <= high
    for column in ("numpy", "numba", "c", "torch", "latex", "egglog"):
        assert getattr(row, column), f"{row.name} has no {column} spelling"
    assert row.cost >= 0 and row.argument_sorts and row.result_sort
    assert (
        row.derivative is not None
        or row.result_sort == "boolean"
        or row.associative
        or row.name in ("trigamma", "pi")
    )
    places = max(low, 2) if high is None else high
    for column in ("numpy", "numba", "c", "torch", "latex"):
        spelled = getattr(row, column).format(*(f"<{i}>" for i in range(places)))
        assert all(f"<{i}>" in spelled for i in range(places)), f"{column} of {row.name} forgets an argument"
    declared = (
        {"a": sn.symbols("a", sort=row.argument_sorts[0])} if row.argument_sorts[0] == "boolean" else {}
    )
    for text in (*(row.derivative or ()), row.domain):
        names = {str(s) for s in sn.term.free_symbols(sn.parse(text, declared))}
        assert names <= {*ARGUMENTS, "f"}


def test_spellings_for_other_systems_are_one_to_one() -> None:
    for column in ("egglog", "sympy"):
        spelled = [getattr(row, column) for row in BUILT_IN if getattr(row, column)]
        assert len(spelled) == len(set(spelled)), f"two rows share a spelling in the column {column}"


def _arguments(row: Operator) -> list[tuple[float, ...]]:
    low, high = row.arity
    count = max(low, 2) if high is None else high
    if count == 0:
        return [()]
    if count == 1:
        return [(a,) for a in POINTS]
    if count == 2:
        return [(a, b) for a in POINTS for b in POINTS]
    return [(c, a, b) for c in (0.0, 1.0) for a, b in ((1.5, 2.5), (-1.0, 3.0))]


def _reference(row: Operator, values: tuple[float, ...]) -> float:
    from symnum.algebra.evaluate import float_call

    truth = [row.argument_sorts[min(i, len(row.argument_sorts) - 1)] == "boolean" for i in range(len(values))]
    return float(float_call(row, tuple(bool(v) if t else v for v, t in zip(values, truth))))


def _agree(got: float, want: float, row: Operator, values: tuple[float, ...], rel: float = 2e-14) -> None:
    # near a pole the sign of the infinity, and whether it is one, is the library's choice
    if (
        math.isinf(want)
        or math.isinf(got)
        or (math.isnan(want) and row.name in ("gamma", "lgamma", "digamma", "trigamma"))
    ):
        assert not math.isfinite(got) or abs(got) > 1e15 or not math.isfinite(want)
        return
    assert (math.isnan(got) and math.isnan(want)) or got == pytest.approx(want, rel=rel, abs=1e-15), (
        row.name,
        values,
    )


def test_c_spellings_compute_the_reference(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    rows = BUILT_IN
    source = ["#include <math.h>", *needed(row.c for row in rows)]
    for index, row in enumerate(rows):
        count = len(_arguments(row)[0])
        parameters = ", ".join(f"double v{i}" for i in range(count)) or "void"
        source.append(
            f"double row{index}({parameters}) {{ return {row.c.format(*(f'v{i}' for i in range(count)))}; }}"
        )
    (tmp_path / "rows.c").write_text("\n".join(source))
    subprocess.run(
        ["gcc", "-O1", "-shared", "-fPIC", "-o", str(tmp_path / "rows.so"), str(tmp_path / "rows.c"), "-lm"],
        check=True,
    )
    library = ctypes.CDLL(str(tmp_path / "rows.so"))
    for index, row in enumerate(rows):
        function = getattr(library, f"row{index}")
        function.restype = ctypes.c_double
        for values in _arguments(row):
            function.argtypes = [ctypes.c_double] * len(values)
            _agree(function(*values), _reference(row, values), row, values)


def test_torch_spellings_compute_the_reference() -> None:
    torch = pytest.importorskip("torch", reason="torch is an extra: pip install 'symnum[torch]'")
    names: dict[str, Any] = {"torch": torch}
    exec("\n".join(HELPERS.values()), names)
    for row in BUILT_IN:
        for values in _arguments(row):
            sorts = [row.argument_sorts[min(i, len(row.argument_sorts) - 1)] for i in range(len(values))]
            tensors = [
                torch.tensor(v, dtype=torch.bool if s == "boolean" else torch.float64)
                for v, s in zip(values, sorts)
            ]
            spelled = row.torch.format(*(f"v{i}" for i in range(len(values))))
            got = eval(spelled, {**names, **{f"v{i}": t for i, t in enumerate(tensors)}})
            # a power of 1/3, and torch's own polygamma, are less accurate
            _agree(
                float(got),
                _reference(row, values),
                row,
                values,
                rel=1e-9 if row.name in ("cbrt", "trigamma") else 2e-14,
            )


@pytest.mark.parametrize(
    "row", [r for r in BUILT_IN if r.domain != "true" and r.arity[1] in (1, 2)], ids=lambda row: row.name
)
def test_values_are_numbers_inside_the_stated_domain(row: Operator) -> None:
    inside = sn.parse(row.domain)
    for values in _arguments(row):
        at = {n: v for n, v in zip(ARGUMENTS, values) if n in {str(s) for s in sn.term.free_symbols(inside)}}
        if sn.evaluate(inside, at):
            assert not math.isnan(_reference(row, values)), values


@pytest.mark.parametrize("row", [r for r in BUILT_IN if r.parity], ids=lambda row: row.name)
def test_parity_holds(row: Operator) -> None:
    sign = -1.0 if row.parity == "odd" else 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for (a,) in _arguments(row):
            left, right = _reference(row, (-a,)), sign * _reference(row, (a,))
            assert left == right or (math.isnan(left) and math.isnan(right)) or math.isinf(left)


@pytest.mark.parametrize("row", [r for r in BUILT_IN if r.values], ids=lambda row: row.name)
def test_exact_values_are_values(row: Operator) -> None:
    for argument, exact in row.values.items():
        assert float(exact) == pytest.approx(_reference(row, (float(argument),)), abs=1e-15)
        assert sn.call(row.name, argument) is sn.number(exact)


def test_registering_an_operator() -> None:
    row = register_operator(
        "bump",
        1,
        "-2*a*f",
        numpy="numpy.exp(-{0}**2)",
        numba=lambda a: math.exp(-(a**2)),
        latex=r"b\left({0}\right)",
    )
    assert operator("bump") is row and row.signature() == "bump(a)"
    x = sn.symbols("x")
    e = sn.parse("bump(x)^2")
    assert sn.latex(e) and str(e) == "bump(x)^2"
    assert sn.evaluate(e, {x: 0.5}) == pytest.approx(math.exp(-0.5))
    slope = sn.diff(e, x)
    for target in ("tape", "numba", "numpy"):
        assert sn.compile(slope, [x], target=target)(0.5) == pytest.approx(-2 * math.exp(-0.5))
    assert np.allclose(sn.compile(e, [x])(np.array([0.0, 1.0])), [1, math.exp(-2)])


@pytest.mark.parametrize(
    ("arguments", "columns", "message"),
    [
        (("sin", 1), {"numpy": "numpy.sin({0})"}, "is built in and cannot be replaced"),
        (("two words", 1), {"numpy": "{0}"}, "is not an identifier"),
        (("nought", 0), {"numpy": "1.0"}, "needs an arity from 1 to 3"),
        (("bare", 1), {}, "has no numpy spelling"),
        (("odd_column", 1), {"numpy": "{0}", "fortran": "{0}"}, "unknown columns"),
        (("pair", 2, "1"), {"numpy": "({0} + {1})"}, "takes 2 arguments but its row gives 1 derivatives"),
    ],
)
def test_bad_rows_are_refused(arguments: tuple[Any, ...], columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        register_operator(*arguments, **columns)
    assert arguments[0] not in OPERATORS or arguments[0] == "sin"


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError):
        OPERATORS["sin"] = OPERATORS["cos"]  # type: ignore[index]  # the mistake under test
