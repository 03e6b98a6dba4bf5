"""Derivatives: every operator row, shared graphs, sparse matrices, patterns, and substitution."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
import sympy

import symnum as sn
from symnum import term
from symnum.operators import OPERATORS

x, y, z = sn.symbols("x y z")

DIFFERENTIABLE = [
    row for row in OPERATORS.values() if row.derivative is not None or row.name in ("+", "*", "min", "max")
]
POINTS = {"acosh": 1.7, "asec": 1.7, "acsc": -1.7, "gamma": 2.3, "lgamma": 2.3, "digamma": 1.4}


@pytest.mark.parametrize("backend", ["interned", "tree"])
@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.name)
def test_every_row_against_central_differences(row: object, backend: str) -> None:
    name, (low, high) = row.name, row.arity  # type: ignore[attr-defined]  # a row of the table
    if high == 0 or name == "trigamma" or name.endswith("_doc"):
        pytest.skip("the row has no argument to differentiate by")
    count = max(low, 2) if high is None else high
    names = [f"v{i}" for i in range(count)]
    symbols = [sn.symbols(n, backend=backend) for n in names]
    args: list[object] = list(symbols)
    if name == "ifelse":
        args[0] = symbols[1] > symbols[2]
        names, symbols = names[1:], symbols[1:]
    call = sn.call(name, *args)
    draw = random.Random(3)
    at = {n: POINTS.get(name, draw.uniform(0.15, 0.85)) for n in names}
    for n, s in zip(names, symbols, strict=True):
        h = 1e-6
        up = sn.evaluate(call, {**at, n: at[n] + h})
        down = sn.evaluate(call, {**at, n: at[n] - h})
        assert value_at(sn.diff(call, s), at) == pytest.approx((up - down) / (2 * h), rel=2e-7, abs=2e-8)


def value_at(e: object, at: dict[str, float]) -> float:
    """Evaluate with the part of the point that the term needs."""
    return float(sn.evaluate(e, {term.name(s): at[term.name(s)] for s in term.free_symbols(e)}))


def random_expression(draw: random.Random, size: int) -> str:
    atoms = ["x", "y", "z", "2", "3", "1/2"]
    text = draw.choice(atoms)
    for _ in range(size):
        other = draw.choice(atoms)
        text = draw.choice(
            [
                f"({text} + {other})",
                f"({text})*({other})",
                f"sin({text})",
                f"exp(({text})/5)",
                f"(({text})^2 + 1)",
                f"({other})/(({text})^2 + 1)",
            ]
        )
    return text


@pytest.mark.parametrize("seed", range(40))
def test_random_expressions_against_sympy(seed: int) -> None:
    draw = random.Random(seed)
    text = random_expression(draw, 7)
    ours = sn.parse(text)
    theirs = sympy.sympify(text.replace("^", "**"))
    at = {n: draw.uniform(-1, 1) for n in "xyz"}
    for symbol in term.free_symbols(ours):
        slope = sn.diff(ours, symbol)
        expected = float(theirs.diff(term.name(symbol)).subs(at))
        assert value_at(slope, at) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "variable", "result"),
    [
        ("x^3*y", x, "3*x^2*y"),
        ("x^y", x, "x^y*y/x"),
        ("x^y", y, "x^y*log(x)"),
        ("log(x)^2", x, "2*log(x)/x"),
        ("sqrt(x)", x, "1/(2*sqrt(x))"),
        ("abs(x)", x, "sign(x)"),
        ("ifelse(x > 0, x^2, -x)", x, "ifelse(x > 0, 2*x, -1)"),
        ("sin(y)", x, "0"),
        ("exp(x*y)", x, "y*exp(x*y)"),
    ],
)
def test_known_derivatives(text: str, variable: object, result: str) -> None:
    assert sn.diff(sn.parse(text), variable) is sn.parse(result)


def test_orders_and_mixed_derivatives() -> None:
    e = x**5 * y**2
    assert sn.diff(e, x, 3) is 60 * x**2 * y**2
    assert sn.diff(e, x, 2, y) is 40 * x**3 * y
    assert sn.diff(e, x, 0) is e
    assert sn.diff([e, y], y) == [2 * x**5 * y, sn.number(1)]


def test_jacobian_takes_either_mode_to_the_same_result() -> None:
    many = sn.symbols("u0:12")
    total = sum((sn.sin(a) * b for a, b in itertools.pairwise(many)), sn.number(0))
    (reverse,) = sn.jacobian([total], many)
    forward = [sn.diff(total, u) for u in many]
    assert all(a is b for a, b in zip(reverse, forward, strict=True))
    assert sn.jacobian([], many) == [] and sn.jacobian([x], []) == [[]]


def test_hessian_is_symmetric_and_sparse() -> None:
    e = x**2 * sn.sin(y) + z
    dense = sn.hessian(e, [x, y, z])
    assert dense[0][1] is dense[1][0] is 2 * x * sn.cos(y)
    sparse = sn.hessian(e, [x, y, z], sparse=True)
    assert sparse.shape == (3, 3) and dict(sparse) == {
        (0, 0): 2 * sn.sin(y),
        (0, 1): dense[0][1],
        (1, 0): dense[0][1],
        (1, 1): dense[1][1],
    }
    assert sparse[2, 2] == 0 and sparse.todense()[0][0] is dense[0][0]
    with pytest.raises(IndexError, match="outside the 3 x 3 matrix"):
        sparse[3, 0]
    with pytest.raises(ValueError, match="2 values were given for 4 entries"):
        sparse.to_scipy([1.0, 2.0])
    values = sn.compile(list(sparse.entries), [x, y, z])(1.0, 2.0, 3.0)
    expected = [[2 * math.sin(2), 2 * math.cos(2), 0], [2 * math.cos(2), -math.sin(2), 0], [0, 0, 0]]
    assert np.allclose(sparse.to_scipy(values).toarray(), np.array(expected))


@pytest.mark.parametrize("seed", range(25))
def test_patterns_cover_the_derivatives(seed: int) -> None:
    draw = random.Random(100 + seed)
    exprs = [sn.parse(random_expression(draw, 6)) + x * y * draw.randint(0, 1) for _ in range(3)]
    xs = [x, y, z]
    pattern = sn.jacobian_sparsity(exprs, xs).toarray()
    dense = sn.jacobian(exprs, xs)
    for i in range(3):
        for j in range(3):
            assert pattern[i, j] or dense[i][j] == 0
    second = sn.hessian_sparsity(exprs[0], xs).toarray()
    for i, row in enumerate(sn.hessian(exprs[0], xs)):
        for j, entry in enumerate(row):
            assert second[i, j] or entry == 0


def test_hessian_pattern_sees_what_is_linear() -> None:
    e = 3 * x + sn.abs(y) + sn.ifelse(x > 0, y, z) + sn.max(x, z)
    assert sn.hessian_sparsity(e, [x, y, z]).nnz == 0
    assert sn.hessian_sparsity(sn.parse("x^y"), [x, y]).toarray().all()
    assert sn.hessian_sparsity(sn.parse("x*y/z"), [x, y, z]).toarray().tolist() == [
        [False, True, True],
        [True, False, True],
        [True, True, True],
    ]
    tree = sn.parse("x*y - z/x", backend="tree")
    assert sn.hessian_sparsity(tree, list(sn.symbols("x y z", backend="tree"))).toarray().tolist() == [
        [True, True, True], [True, False, False], [True, False, False]]  # fmt: skip


def test_a_chain_of_products_costs_linear_time() -> None:
    node = x
    for k in range(2000):
        node = sn.sin(node) * (y if k % 2 else z)
    slope = sn.diff(node, x)
    assert term.node_count(slope) < 20_000


def test_a_branch_not_taken_does_not_spoil_the_slope() -> None:
    e = sn.ifelse(x > 0, sn.sqrt(x), x**2) + sn.max(sn.log(y), y)
    for slopes in (sn.gradient(e, [x, y]), [sn.diff(e, x), sn.diff(e, y)], sn.jacobian([e], [x, y])[0]):
        assert value_at(slopes[0], {"x": -3.0}) == -6.0
        assert value_at(slopes[1], {"y": 2.0}) == 1.0
    assert sn.diff(sn.min(x, 2 * x, x**2), x) is sn.parse(
        "ifelse(x <= 2*x and x <= x^2, 1, ifelse(2*x <= x^2, 2, 2*x))"
    )


def test_refusals() -> None:
    with pytest.raises(ValueError, match="is a condition and has no derivative"):
        sn.diff(x > 0, x)
    with pytest.raises(TypeError, match=r"needs a variable; write symnum.diff\(term, x\)"):
        sn.diff(x)
    with pytest.raises(TypeError, match=r"with respect to x\^2; give a symbol"):
        sn.diff(x, x**2)
    with pytest.raises(ValueError, match="got the order 2"):
        sn.diff(x, 2)
    with pytest.raises(ValueError, match="order -1"):
        sn.diff(x, x, -1)
    with pytest.raises(ValueError, match="listed twice"):
        sn.gradient(x, [x, x])
    with pytest.raises(TypeError, match="boolean symbol"):
        sn.diff(x, sn.symbols("b", sort="boolean"))
    with pytest.raises(ValueError, match=r"operator 'trigamma' has no derivative rule.*register_operator"):
        sn.diff(sn.trigamma(x), x)
    sn.register_operator("no_slope", 1, numpy="numpy.abs({0})")
    with pytest.raises(ValueError, match="operator 'no_slope' has no derivative rule"):
        sn.diff(sn.call("no_slope", x), x)
    assert sn.diff(sn.call("no_slope", y), x) == 0


def test_user_operators_differentiate() -> None:
    sn.register_operator(
        "hill", 2, "b*a^(b - 1)/(1 + a^b)^2; a^b*log(a)/(1 + a^b)^2", numpy="({0}**{1}/(1 + {0}**{1}))"
    )
    e = sn.call("hill", x, 3)
    at = {"x": 0.8}
    assert sn.evaluate(sn.diff(e, x), at) == pytest.approx(3 * 0.64 / (1 + 0.512) ** 2, rel=1e-14)


def test_substitute_replaces_at_once() -> None:
    assert sn.substitute(x - 2 * y, {x: y, y: x}) is y - 2 * x
    assert sn.substitute(sn.sin(x) ** 2 + sn.sin(x), {sn.sin(x): y}) is y**2 + y
    assert sn.substitute(3 * x**2 * y, {x**2: z}) is 3 * y * z
    assert sn.substitute(x**y, {y: 2}) is x**2
    assert sn.substitute(0.5 * x - 1, {sn.number(0.5): 3}) is 3 * x - 1
    assert sn.substitute(x + y + 1, {"x": 2}) is y + 3
    assert sn.substitute([x, y], {x: 1}) == [sn.number(1), y]
    assert sn.substitute(x, {}) is x
    assert sn.substitute(sn.ifelse(x > 0, y, z), {x: -1}) is z


def test_substitute_refuses() -> None:
    with pytest.raises(TypeError, match="takes a mapping"):
        sn.substitute(x, [(x, 1)])
    with pytest.raises(TypeError, match="give a term or a number"):
        sn.substitute(x, {x: "2"})
    with pytest.raises(TypeError, match="the keys are symbols, terms or names"):
        sn.substitute(x, {3: x})
    with pytest.raises(TypeError, match="of sort boolean for x of sort real"):
        sn.substitute(x, {x: y > 0})
    with pytest.raises(ValueError, match="stands for 2 symbols"):
        sn.substitute(x + sn.symbols("x", positive=True), {"x": 1})
    with pytest.raises(TypeError, match=r"symnum\.convert"):
        sn.substitute(x + y, {x: sn.symbols("x", backend="tree")})
