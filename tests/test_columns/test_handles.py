"""Handles of the columns backend: ordinary terms, whose operations on many terms run as kernels."""

from __future__ import annotations

import gc
import logging
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import terms

import symnum as sn
from symnum import term as interface
from symnum.backends import columns
from symnum.columns import kernels, ready


def test_handles_are_equal_as_their_terms_are() -> None:
    x, y = sn.symbols("x y", backend="columns")
    assert x + y == y + x and hash(x + y) == hash(y + x) and x + y != x - y
    assert x * 0 == 0 and x / x == 1 and x != sn.symbols("x")
    assert str(2 * x**2 + sn.sin(y) - 1) == str(sn.parse("2*x^2 + sin(y) - 1"))


def test_backends_do_not_mix() -> None:
    x = sn.symbols("x", backend="columns")
    with pytest.raises(TypeError, match=r"convert one of them: symnum.convert\(term, backend='columns'\)"):
        x + sn.symbols("x")
    with pytest.raises(TypeError, match="on terms in columns"):
        interface.make(x, "+", (x, sn.symbols("x")))
    assert sn.convert(sn.parse("x + 1"), "columns") == x + 1
    assert sn.convert(x + 1, "interned") is sn.parse("x + 1")


@settings(max_examples=60, deadline=None)
@given(terms(backend="columns"))
def test_handles_pickle_print_and_parse(term: Any) -> None:
    assert pickle.loads(pickle.dumps(term)) == term
    assert sn.from_json(sn.to_json(term)) == term
    assert interface.backend_of(term) == "columns"


def test_a_sum_grows_in_linear_time_and_is_one_term() -> None:
    xs = sn.symbols("x0:3000", backend="columns")
    total = xs[0]
    for k, x in enumerate(xs[1:]):
        total = total + k * x
    assert len(list(interface.addends(total)[1])) == 2999
    slopes = sn.gradient(total, xs[:3])
    assert slopes == [1, 0, 1]


def test_matrices_of_derivatives_come_from_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symnum.calculus.derivative._forward", None)  # single terms would need it
    monkeypatch.setattr("symnum.calculus.derivative._reverse", None)
    ready.prepare()
    x, y = sn.symbols("x y", backend="columns")
    assert sn.jacobian([x * y, sn.sin(x)], [x, y]) == [[y, x], [sn.cos(x), 0]]
    assert sn.gradient(x**2 * y, [x, y]) == [2 * x * y, x**2]
    assert sn.hessian(x**2 * y, [x, y]) == [[2 * y, 2 * x], [2 * x, 0]]
    assert sn.jacobian([x * y], [x, y], sparse=True).entries == (y, x)


def test_the_rewriter_runs_unchanged() -> None:
    x, y = sn.symbols("x y", backend="columns")
    assert sn.simplify(sn.sin(x) ** 2 + sn.cos(x) ** 2 + y) == y + 1
    assert sn.factor(sn.expand((x + y) ** 3)) == (x + y) ** 3
    assert sn.compile([x + y], [x, y])(1.0, 2.0)[0] == 3.0


def test_rows_that_no_handle_needs_are_dropped() -> None:
    xs = sn.symbols("x0:40", backend="columns")
    kept = sn.jacobian([sn.sin(a * b) for a in xs for b in xs[:5]], xs, sparse=True).entries[7]
    text = str(kept)
    gc.collect()
    left = columns.SHARED.compact()
    assert str(kept) == text and sn.jacobian([kept], xs, sparse=True).entries
    more = sn.jacobian([sn.cos(a * b) for a in xs for b in xs], xs, sparse=True)
    assert len(more) and columns.SHARED.compact() > left
    del more
    gc.collect()
    assert columns.SHARED.compact() <= left + 200


def test_small_terms_do_not_wait_for_kernels() -> None:
    code = (
        "import sys, symnum as sn\n"
        "x, y = sn.symbols('x y', backend='columns')\n"
        "assert sn.jacobian([x*y], [x, y]) == [[y, x]]\n"
        "assert 'numba' not in sys.modules and 'symnum.columns.store' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=120)


def test_compiling_the_kernels_is_announced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    noted: list[bool] = []
    monkeypatch.setattr(ready, "_ready", False)
    monkeypatch.setattr(ready, "is_complete", lambda: False)
    monkeypatch.setattr(ready, "complete", lambda: noted.append(True))
    with caplog.at_level(logging.WARNING, logger="symnum"):
        assert ready.prepare() > 0
    assert "compiling the kernels" in caplog.text and noted == [True]
    assert ready.are_ready() and ready.prepare() == 0.0


def test_damaged_machine_code_of_kernels_is_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("SYMNUM_CACHE_DIR", str(tmp_path))
    find = kernels.folder.__wrapped__
    folder = find()
    assert folder is not None
    monkeypatch.setattr(kernels, "folder", lambda: folder)
    code = folder / "__pycache__" / "columns" / "kernel.nbc"
    code.parent.mkdir(parents=True)
    code.write_bytes(b"machine code")
    assert not kernels.is_complete()
    kernels.complete()
    assert kernels.is_complete() and find() == folder and code.exists()
    code.write_bytes(b"machine cod")
    assert find() == folder and not code.exists() and not kernels.is_complete()
    assert "is damaged; it is compiled again" in caplog.text


def test_what_kernels_do_not_reach_is_logged_and_done_term_by_term(caplog: pytest.LogCaptureFixture) -> None:
    ready.prepare()
    x, y = sn.symbols("x y", backend="columns")
    plain_x, plain_y = sn.symbols("x y")
    with caplog.at_level(logging.INFO, logger="symnum"):
        choice = sn.ifelse(x < y, x**2, y)
        wanted = sn.ifelse(plain_x < plain_y, plain_x**2, plain_y)
        assert [str(s) for s in sn.gradient(choice, [x, y])] == [
            str(s) for s in sn.gradient(wanted, [plain_x, plain_y])
        ]
        assert str(sn.hessian(choice, [x, y])) == str(sn.hessian(wanted, [plain_x, plain_y]))
        assert sn.substitute(sn.sin(x) + y, {x: 0}) == y
        assert sn.substitute(x**y, {y: 0.0}) == 1.0
        assert sn.expand((x + y) ** 90 / 7) == sn.convert(sn.expand((plain_x + plain_y) ** 90 / 7), "columns")
    for operation in ("gradient", "hessian", "substitute", "expand"):
        assert f"{operation} of terms in columns goes term by term" in caplog.text


def test_polynomials_are_expanded_in_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    ready.prepare()
    x, y, k = sn.symbols("x y k", backend="columns")
    monkeypatch.setattr("symnum.algebra.polynomial._expanded", None)  # FLINT would need it
    assert sn.expand((x + y) ** 3) == x**3 + 3 * x**2 * y + 3 * x * y**2 + y**3
    assert sn.expand((x**k + y) ** 2) == x**k * y * 2 + x ** (2 * k) + y**2
    monkeypatch.undo()
    assert sn.expand((x + y) ** 90) == sn.convert(sn.expand(sn.parse("(x + y)^90")), "columns")
    assert sn.expand(sn.sin((x + y) ** 2)) == sn.sin(x**2 + 2 * x * y + y**2)
    with pytest.raises(ValueError, match="max_terms"):
        sn.expand((x + y) ** 30, max_terms=10)


def test_compiled_code_does_not_depend_on_the_order_of_rows() -> None:
    x, y = sn.symbols("x y", backend="columns")
    plain = list(sn.symbols("x y"))
    f = sn.compile([x**2 * y + sn.sin(x) + y, sn.ifelse(x < y, x, y)], [x, y], target="tape")
    g = sn.compile([sn.convert(t, "interned") for t in f.expression], plain, target="tape")
    assert f.source == g.source and f(2.0, 3.0).tolist() == g(2.0, 3.0).tolist()
    with pytest.raises(ValueError, match="'y', which is not among the arguments"):
        sn.compile(x + y, [x], target="tape")


def test_wide_jacobians_go_backward_as_those_of_single_terms() -> None:
    ready.prepare()
    xs, plain = sn.symbols("x0:9", backend="columns"), sn.symbols("x0:9")
    made = [sn.sin(sum(v[1:6], v[0]) * v[0]) * v[0] * 3 for v in (xs, plain)]
    ours, theirs = sn.jacobian([made[0]], xs), sn.jacobian([made[1]], plain)
    assert [str(e) for e in ours[0]] == [str(e) for e in theirs[0]] and ours[0][8] == 0
    assert len(sn.jacobian([made[0]], xs, sparse=True)) == 6


def test_numbers_are_put_in_by_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    ready.prepare()
    x, y = sn.symbols("x y", backend="columns")
    term = (x + y) ** 3 * x + y / 3
    monkeypatch.setattr("symnum.algebra.substitute._replace_operands", None)  # single terms would need it
    found = sn.substitute(term, {x: 0.3, y: 0.25})
    monkeypatch.undo()
    wanted = sn.substitute(sn.parse("(x + y)^3*x + y/3"), {"x": 0.3, "y": 0.25})
    assert interface.value(found) == interface.value(wanted)
