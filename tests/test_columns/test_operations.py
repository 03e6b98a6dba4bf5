"""Operations on many rows give what the same operations on single terms give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import terms
from values import points

import symnum as sn
from symnum import term as interface
from symnum.columns import (
    Store,
    Unsupported,
    expand,
    factored,
    free_symbols,
    gradient,
    hessian,
    jacobian,
    jacobian_pattern,
    lower,
    products,
    substitute,
    sums,
)

SMOOTH = ["+", "-", "*", "/", "^", "neg", "sin", "cos", "exp", "log", "sqrt", "tanh", "atan", "sinh", "log1p"]


def _values(found: list[Any], wanted: list[Any], symbols: list[Any], seed: int) -> int:
    """Compare terms at points and return how many finite values were compared."""
    compared = 0
    for point in points(symbols, seed)[:6]:
        for a, b in zip(found, wanted, strict=True):
            try:
                x, y = float(sn.evaluate(a, point)), float(sn.evaluate(b, point))
            except (ZeroDivisionError, OverflowError):
                continue
            if math.isfinite(y) and abs(y) < 1e100:
                assert math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-6 * max(1.0, abs(y))) or not math.isfinite(
                    x
                )
                compared += math.isfinite(x)
    return compared


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        terms(operators=SMOOTH, sort="real", symbols=["x", "y", "p"], floats=False), min_size=1, max_size=3
    )
)
def test_jacobians_are_those_of_single_terms(roots: list[Any]) -> None:
    x, y = sn.symbols("x y")
    store = Store()
    try:
        i, j, rows = jacobian(store, store.add(roots), store.add([x, y]))
    except Unsupported:
        assume(False)
    wanted = dict(iter(sn.jacobian(roots, [x, y], sparse=True)))
    found = {(a, b): e for a, b, e in zip(i.tolist(), j.tolist(), store.terms(rows))}
    assert found.keys() == wanted.keys()
    assert all(found[place] is wanted[place] for place in found), (
        "the same terms, so that nothing depends on which way was taken"
    )
    for root in roots:
        try:
            slopes = store.terms(gradient(store, store.add([root])[0], store.add([x, y])))
        except Unsupported:  # in reverse a power may meet itself that forward does not
            continue
        assert all(a is b for a, b in zip(slopes, sn.gradient(root, [x, y]), strict=True))
    starts, columns = jacobian_pattern(store, store.add(roots), store.add([x, y]))
    pattern = {(k, int(c)) for k in range(len(roots)) for c in columns[starts[k] : starts[k + 1]]}
    assert found.keys() <= pattern


def test_kernels_reach_the_smooth_operators() -> None:
    """The property above is about something: these are not left to single terms."""
    store = Store()
    x, y = store.symbol("x"), store.symbol("y")
    for text in (
        "x^y",
        "2^x",
        "sin(x*y)^3/exp(y)",
        "log(x + y)",
        "sqrt(x)*y",
        "atan2(x, y)",
        "tanh(x)",
        "x^(y + 1)*x",
    ):
        term = sn.parse(text)
        rows = jacobian(store, store.add([term]), [x, y])[2]
        wanted = [e for _, e in sn.jacobian([term], sn.symbols("x y"), sparse=True)]
        assert _values(store.terms(rows), wanted, list(sn.symbols("x y")), 7) > 4, text


@pytest.mark.parametrize("text", ["ifelse(x < 0, x, y)", "max(x, y)"])
def test_choices_are_left_to_single_terms(text: str) -> None:
    store = Store()
    with pytest.raises(Unsupported):
        jacobian(store, store.add([sn.parse(text)]), [store.symbol("x")])
    x, y = sn.symbols("x y", backend="columns")
    term = sn.parse(text, symbols={"x": x, "y": y})
    wanted = sn.jacobian([sn.parse(text)], sn.symbols("x y"))
    assert [[str(e) for e in row] for row in sn.jacobian([term], [x, y])] == [
        [str(e) for e in row] for row in wanted
    ]


def test_gradient_and_hessian() -> None:
    x, y, z = sn.symbols("x y z")
    term = x**2 * sn.sin(y * z) + sn.exp(x * y) / z + x**y
    store = Store()
    (root,), variables = store.add([term]), store.add([x, y, z])
    slopes = store.terms(gradient(store, root, variables))
    assert _values(slopes, sn.gradient(term, [x, y, z]), [x, y, z], 1) > 6
    i, j, rows = hessian(store, root, variables)
    wanted = sn.hessian(term, [x, y, z])
    assert (j <= i).all() and len(rows) == 6
    expected = [wanted[a][b] for a, b in zip(i.tolist(), j.tolist())]
    assert _values(store.terms(rows), expected, [x, y, z], 2) > 6
    assert store.terms(gradient(store, root, [store.symbol("other")])) == [0]


@settings(max_examples=120, deadline=None)
@given(terms(sort="real", symbols=["x", "y", "p"]))
def test_substitution_is_that_of_single_terms(term: Any) -> None:
    x, y = sn.symbols("x y")
    store = Store()
    new = {x: y * 2 + 1, y: x}
    pairs = dict(zip(store.add(list(new)), store.add(list(new.values()))))
    try:
        (row,) = substitute(store, store.add([term]), pairs)
    except Unsupported:
        assume(False)
    assert store.terms([row])[0] is sn.substitute(term, new)


def test_substitution_of_numbers() -> None:
    store = Store()
    x, y = store.symbol("x"), store.symbol("y")
    (root,) = store.add([sn.parse("x^2*y/3 + x*y + y")])
    assert store.terms(substitute(store, [root], {x: store.number(3)})) == [sn.parse("7*y")]
    with pytest.raises(Unsupported):
        substitute(store, store.add([sn.parse("sin(x)")]), {x: store.number(0)})
    handle = sn.symbols("x", backend="columns")
    assert sn.substitute(sn.sin(handle) + handle, {handle: 0}) == 0
    assert y in free_symbols(store, [root]) and len(free_symbols(store, [root])) == 2


POLYNOMIALS = ["+", "-", "*", "neg"]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        terms(operators=POLYNOMIALS, sort="real", symbols=["x", "y", "p"], floats=False, max_leaves=20),
        min_size=1,
        max_size=4,
    )
)
def test_factored_sums_keep_their_values(roots: list[Any]) -> None:
    roots = [sn.expand(root) for root in roots]
    store = Store()
    try:
        rows = factored(store, store.add(roots))
    except Unsupported:
        assume(False)
    assert [sn.expand(t) for t in store.terms(rows)] == roots


def test_factoring_takes_out_what_is_common() -> None:
    store = Store()
    rows = factored(store, store.add([sn.parse("a*b + a*c - a*d*e - a*d*f + g"), sn.parse("c*h + b*h")]))
    first, second = store.terms(rows)
    assert first == sn.parse("a*(b + c - d*(e + f)) + g")
    assert second == sn.parse("h*(b + c)")


@settings(max_examples=100, deadline=None)
@given(st.lists(terms(sort="real", symbols=["x", "y", "p", "n"], special=True), min_size=1, max_size=3))
def test_lowered_programs_compute_what_the_tape_computes(roots: list[Any]) -> None:
    symbols = interface.free_symbols(*roots) or [sn.symbols("x")]
    store = Store()
    code = lower(store, store.add(roots), store.add(symbols))
    wanted = sn.compile(roots, symbols, target="numpy")
    for point in points(symbols, 3)[:4]:
        values = [float(point[s]) for s in symbols]
        for a, b in zip(_run(code, values), np.atleast_1d(wanted(*values))):
            # Sums are added in another order: what cancels may differ, what is infinite in between may become nan.
            close = math.isclose(a, float(b), rel_tol=1e-9)
            assert close or not (math.isfinite(a) and math.isfinite(b)) or abs(b) < 1e-6 or abs(b) > 1e15


def _run(code: Any, values: list[float]) -> list[float]:
    """Run a straight program with NumPy, one step at a time."""
    from symnum.algebra.evaluate import float_call
    from symnum.operators import OPERATORS

    known: list[Any] = list(values)

    def operand(o: int) -> Any:
        if o >= 0:
            return known[o]
        value = float(code.constants[-1 - o])
        return bool(value) if code.truth_constants[-1 - o] else value

    for op, operands in zip(code.ops.tolist(), code.operands.tolist()):
        row = OPERATORS[code.heads[op]]
        count = row.arity[0] if not row.associative else 2
        given = [operand(o) for o in operands[:count]]
        known.append((given[1] if given[0] else given[2]) if row.name == "ifelse" else float_call(row, given))
    return [float(operand(o)) for o in code.outputs.tolist()]


def test_a_program_of_rows_runs_on_the_tape() -> None:
    from symnum.codegen.target import Options, build

    store = Store()
    x, y = store.symbol("x"), store.symbol("y")
    code = lower(store, store.add([sn.parse("x^3*y - sin(x)"), sn.parse("ifelse(x < y, 1, y)")]), [x, y])
    tape = build(code.program(["x", "y"]), "tape", Options())
    assert list(tape.scalar(2.0, 3.0)) == [24.0 - math.sin(2.0), 1.0]


def test_lowering_shares_steps_and_refuses_unknown_symbols() -> None:
    store = Store()
    x, y = store.symbol("x"), store.symbol("y")
    code = lower(store, store.add([sn.parse("x^4*y"), sn.parse("sin(x^2) + x^4")]), [x, y], split=1)
    assert [code.heads[op] for op in code.ops].count("*") == 3 and code.split == 1
    with pytest.raises(ValueError, match="'y', which is not among the arguments"):
        lower(store, store.add([sn.parse("x + y")]), [x])
    with pytest.raises(Unsupported):
        lower(store, store.add([sn.parse("ifelse(b::boolean, x, y)")]), [x, y, store.symbol("b", "boolean")])


@settings(max_examples=60, deadline=None)
@given(
    terms(operators=["+", "-", "*", "neg", "sin"], sort="real", symbols=["x", "y", "p"], floats=False),
    st.integers(1, 4),
)
def test_expansion_is_that_of_flint(term: Any, power: int) -> None:
    store = Store()
    try:
        row = expand(store, store.add([(term + 1) ** power])[0])
    except Unsupported:
        assume(False)
    assert store.terms([row])[0] is sn.expand((term + 1) ** power, deep=False)


def test_expansion_beyond_machine_words_is_refused() -> None:
    store = Store()
    (row,) = store.add([sn.parse("(x + y)^50")])
    assert store.terms([expand(store, row)])[0] is sn.expand(sn.parse("(x + y)^50"))
    for text in ("(x + y)^80", "(x/2 + y)^2", "(x + 1.5)^2"):
        with pytest.raises(Unsupported):
            expand(store, store.add([sn.parse(text)])[0])


@pytest.mark.parametrize("left, right", [("2^(1/2)", "2^(2/3)"), ("(x*y)^(1/2)", "(x*y)^(1/2)")])
def test_powers_that_merging_takes_apart_are_left_to_single_terms(left: str, right: str) -> None:
    store = Store()
    with pytest.raises(Unsupported):
        products(store, [0, 2], store.add([sn.parse(left), sn.parse(right)]))


def test_products_and_sums_in_bulk() -> None:
    store = Store()
    x, y = store.symbol("x"), store.symbol("y")
    rows = products(store, [0, 0, 3], [x, y, x])
    assert store.terms(rows) == [1, sn.parse("x^2*y")]
    assert store.terms(sums(store, [0, 3, 3], [x, x, y], [1, -1, 2])) == [sn.parse("2*y"), 0]


CALLS: list[Any] = [
    lambda s, rows: jacobian(s, rows, []),
    lambda s, rows: jacobian(s, [0], rows),
    lambda s, rows: gradient(s, rows[0], []),
    lambda s, rows: hessian(s, rows[0], []),
    lambda s, rows: jacobian_pattern(s, rows, []),
    lambda s, rows: free_symbols(s, rows),
    lambda s, rows: lower(s, rows, []),
    lambda s, rows: factored(s, rows),
    lambda s, rows: expand(s, rows[0]),
    lambda s, rows: substitute(s, rows, {}),
    lambda s, rows: substitute(s, [0], {rows[0]: 0}),
    lambda s, rows: substitute(s, [0], {0: rows[0]}),
    lambda s, rows: products(s, [0, len(rows)], rows),
    lambda s, rows: sums(s, [0, len(rows)], rows, [1] * len(rows)),
    lambda s, rows: s.terms(rows),
    lambda s, rows: s.compact(rows),
]


@pytest.mark.parametrize("call", CALLS)
def test_rows_that_are_not_there_are_refused(call: Any) -> None:
    """Kernels read without looking, so this must come before them."""
    wrong: list[Any] = [[0.5], ["x"]]
    for rows in ([10_000], [-1]):
        with pytest.raises(IndexError, match=r"is not in the store, whose \d+ rows"):
            call(Store(), rows)
    for rows in wrong:
        with pytest.raises(TypeError, match="rows are a sequence of whole numbers"):
            call(Store(), rows)


def test_variables_are_distinct_symbols() -> None:
    store = Store()
    x, total = store.symbol("x"), store.add([sn.parse("x + 1")])[0]
    for function in (jacobian, jacobian_pattern, lower):
        with pytest.raises(TypeError, match=r"is x \+ 1 and no symbol"):
            function(store, [total], [total])
        with pytest.raises(ValueError, match="listed twice"):
            function(store, [total], [x, x])


def test_groups_and_weights_must_fit() -> None:
    store = Store()
    x = store.symbol("x")
    for starts in ([], [0], [0, 2], [1, 1], [0, 2, 1]):
        with pytest.raises(ValueError, match="starts must go from 0 to 1"):
            products(store, starts, [x])
    with pytest.raises(TypeError, match="one whole number for each"):
        sums(store, [0, 1], [x], [0.5])
    with pytest.raises(TypeError, match="one whole number for each"):
        sums(store, [0, 1], [x], [1, 2])
    with pytest.raises(OverflowError, match="62 bits"):
        sums(store, [0, 1], [x], [2**62])
