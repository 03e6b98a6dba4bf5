"""Terms to SymPy and back: every operator, structure, values, assumptions, refusals, and size."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy
import pytest
import sympy
from sympy.codegen import cfunctions

import symnum as sn
from symnum import term as interface
from symnum.interop.sympy_write import SPELLED, sympy_class
from symnum.operators import _BUILT_IN, OPERATORS

x, y = sn.symbols("x y")
X, Y = sympy.symbols("x y", real=True)

POINTS = (-2.5, -1.0, -0.75, 0.5, 1.0, 3.25)


# --- every operator ---------------------------------------------------------------------------------------------------------


def calls(name: str) -> Iterator[Any]:
    """Yield calls of an operator with as many arguments as it takes, in symbols."""
    high = OPERATORS[name].arity[1]
    wants = OPERATORS[name].argument_sorts[0]
    symbols = [x > 0, y < 1, x < y] if wants == "boolean" and name != "ifelse" else [x, y, x * y]
    counts = [2, 3] if high is None else [high]
    for count in counts:
        given = [x > y, x, y + 1] if name == "ifelse" else symbols[:count]
        yield sn.call(name, *given) if given else interface.make(0, name, ())


@pytest.mark.parametrize("name", sorted(_BUILT_IN))
def test_every_operator_goes_and_returns_and_has_the_same_values(name: str) -> None:
    for term in calls(name):
        theirs = sn.to_sympy(term)
        assert sn.from_sympy(theirs) is term
        compared = 0
        for a in POINTS:
            for b in POINTS:
                ours = sn.evaluate(term, {s: v for s, v in ((x, a), (y, b)) if s in term.free_symbols})
                value = theirs.subs({X: a, Y: b})
                if isinstance(ours, bool):
                    assert bool(value) is ours
                elif math.isfinite(ours):
                    assert float(sympy.N(value)) == pytest.approx(float(ours), rel=1e-12, abs=1e-12)
                else:
                    continue
                compared += 1
        assert compared >= 6, f"{name} was compared at {compared} points only"


def test_each_row_names_a_class_of_its_own_or_is_spelled_by_the_bridge() -> None:
    rows = [OPERATORS[name] for name in _BUILT_IN]
    named = [sympy_class(row) for row in rows if row.sympy]
    assert len(set(named)) == len(named)
    assert {row.name for row in rows if not row.sympy} <= set(SPELLED)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (sn.sqrt(x) + x * y / 2, sympy.sqrt(X) + X * Y / 2),
        (3 * x**2 * y + sn.sin(x) + 1, 3 * X**2 * Y + sympy.sin(X) + 1),
        (sn.exp(-(x**2) / 2) * sn.log(1 + y**2), sympy.exp(-(X**2) / 2) * sympy.log(1 + Y**2)),
        (sn.parse("exp(1)*pi*x"), sympy.E * sympy.pi * X),
        (-x - y / x + 0.5, -X - Y / X + 0.5),
        (sn.sqrt(2) * x, sympy.sqrt(2) * X),
        (sn.cbrt(x), sympy.real_root(X, 3)),
        (sn.lgamma(x), sympy.log(sympy.Abs(sympy.gamma(X)))),
        (sn.digamma(x) - sn.trigamma(y), sympy.digamma(X) - sympy.polygamma(1, Y)),
        (sn.max(x, y, 3) - sn.min(x, y), sympy.Max(X, Y, 3) - sympy.Min(X, Y)),
        (sn.mod(x, 3), sympy.Mod(X, 3)),
        (sn.atan2(y, x), sympy.atan2(Y, X)),
        (sn.log1p(x) + sn.log2(y), cfunctions.log1p(X) + cfunctions.log2(Y)),
        ((x > 0) & (y <= 1) | sn.eq(x, y), sympy.Or(sympy.And(X > 0, Y <= 1), sympy.Eq(X, Y))),
        (sn.ifelse(x > 0, 1, y), sympy.Piecewise((1, X > 0), (Y, True))),
        (
            sn.ifelse(x > 0, 1, sn.ifelse(x < -1, 2, y)),
            sympy.Piecewise((1, X > 0), (2, X < -1), (Y, True)),
        ),
        (Fraction(2, 3), sympy.Rational(2, 3)),
        (sn.number(True), sympy.true),
        (sn.number(math.inf), sympy.oo),
        (-x * math.inf, sympy.Mul(-sympy.oo, X, evaluate=False)),
    ],
)
def test_a_term_becomes_what_one_would_write(ours: Any, theirs: Any) -> None:
    assert sn.to_sympy(ours) == theirs
    assert type(sn.to_sympy(ours)) is type(theirs)
    assert sn.from_sympy(theirs) == ours


def test_nothing_is_evaluated_on_the_way_but_can_be_afterwards() -> None:
    for term in (2 * (x + y), sn.sin(sn.pi), sn.sqrt(x**2), sn.exp(sn.log(x)), sn.parse("log(8)")):
        assert sn.from_sympy(sn.to_sympy(term)) is term
    assert sn.to_sympy(sn.sin(sn.pi)).doit() == 0
    assert sn.to_sympy(sn.sqrt(x**2)).doit() == sympy.Abs(X)


def test_a_branch_that_is_used_twice_stays_a_term_of_its_own() -> None:
    inner = sn.ifelse(x < 0, 1, y)
    term = sn.ifelse(x > 1, 2, inner) + inner
    theirs = sn.to_sympy(term)
    assert sn.from_sympy(theirs) is term
    assert sympy.Piecewise((1, X < 0), (Y, True)) in theirs.args


def test_conditions_of_conditions_are_ite() -> None:
    p, q = sn.symbols("p q", sort="boolean")
    P, Q = sympy.symbols("p q")
    term = sn.ifelse(p, q, x > 0)
    assert sn.to_sympy(term) == sympy.ITE(P, Q, X > 0)
    assert sn.from_sympy(sympy.ITE(P, Q, X > 0)) is term


def test_a_condition_that_holds_an_ifelse_is_kept() -> None:
    term = sn.ifelse(sn.ifelse(x > 0, x, y) > 2, x, y)
    assert sn.from_sympy(sn.to_sympy(term)) is term
    assert sn.to_sympy(term).subs({X: 3, Y: 5}) == 3


def test_lgamma_is_loggamma_where_that_is_real() -> None:
    k = sn.symbols("k", positive=True)
    assert sn.to_sympy(sn.lgamma(k)) == sympy.loggamma(sympy.Symbol("k", positive=True, real=True))
    assert sn.from_sympy(sn.to_sympy(sn.lgamma(k))) is sn.lgamma(k)
    assert sn.from_sympy(sympy.loggamma(X)) is sn.lgamma(x)


def test_cube_roots_are_found_within_products() -> None:
    theirs = 2 * Y * sympy.real_root(X, 3) * sympy.sign(Y) * sympy.sin(X)
    assert sn.from_sympy(theirs) is 2 * y * sn.cbrt(x) * sn.sign(y) * sn.sin(x)
    assert sn.from_sympy(sympy.sign(X) * sympy.Abs(Y) ** sympy.Rational(1, 3)) is sn.sign(x) * abs(
        y
    ) ** Fraction(1, 3)
    backwards = sympy.Mul(sympy.sign(X), Y, sympy.Abs(X) ** sympy.Rational(1, 3), evaluate=False)
    assert sn.from_sympy(backwards) is sn.cbrt(x) * y
    assert sn.from_sympy(sn.to_sympy(sn.cbrt(x) * sn.cbrt(y) ** 2)) is sn.cbrt(x) * sn.cbrt(y) ** 2


# --- random terms -----------------------------------------------------------------------------------------------------------


def random_term(rng: random.Random, depth: int, leaves: list[Any], backend: str = "interned") -> Any:
    if depth == 0:
        return rng.choice([*leaves, *leaves, 2, -3, Fraction(1, 3), 0.5])

    def part() -> Any:
        return random_term(rng, depth - 1, leaves, backend)

    unary = [
        "sin",
        "cos",
        "atan",
        "tanh",
        "asinh",
        "cbrt",
        "abs",
        "sign",
        "floor",
        "ceil",
        "erf",
        "neg",
        "exp",
        "log1p",
        "sqrt",
    ]
    kind = rng.random()
    like = leaves[0]
    if kind < 0.35:
        return interface.make(like, rng.choice(unary), (part(),))
    if kind < 0.75:
        return interface.make(like, rng.choice(["+", "*", "-", "/", "max", "min", "mod"]), (part(), part()))
    if kind < 0.85:
        return interface.make(like, "^", (part(), rng.choice([2, 3, -1, Fraction(1, 2)])))
    condition = interface.make(like, rng.choice(["<", "<=", ">", ">=", "==", "!="]), (part(), part()))
    if rng.random() < 0.5:
        condition = interface.make(
            like, rng.choice(["and", "or"]), (condition, interface.make(like, "not", (part() < 1,)))
        )
    return interface.make(like, "ifelse", (condition, part(), part()))


def compared(term: Any, theirs: Any, leaves: list[Any]) -> int:
    """Compare values at random points through SymPy's own printer to NumPy; return how many were finite."""
    function = sympy.lambdify([X, Y], theirs, ["scipy", "numpy"])
    finite = 0
    rng = random.Random(1)
    for _ in range(4):
        a, b = rng.uniform(-2, 2), rng.uniform(-2, 2)
        try:
            ours = sn.evaluate(term, {s: v for s, v in zip(leaves, (a, b)) if s in term.free_symbols})
            with numpy.errstate(all="ignore"):
                value = function(numpy.float64(a), numpy.float64(b))
        except ZeroDivisionError:  # a division by an exact zero
            continue
        if isinstance(ours, bool) or math.isfinite(ours):
            finite += 1
            assert value == pytest.approx(ours, rel=1e-9, abs=1e-9), (str(term), a, b)
    return finite


@pytest.mark.parametrize("seed", range(60))
def test_random_terms_keep_structure_and_value(seed: int) -> None:
    term = random_term(random.Random(seed), 4, [x, y])
    if not interface.is_call(term):
        return
    theirs = sn.to_sympy(term)
    assert sn.from_sympy(theirs) is term
    compared(term, theirs, [x, y])


def test_random_terms_have_values_to_compare() -> None:
    finite = 0
    for seed in range(40):
        term = random_term(random.Random(seed), 3, [x, y])
        if interface.is_call(term):
            finite += compared(term, sn.to_sympy(term), [x, y])
    assert finite > 60


@pytest.mark.parametrize("seed", range(20))
def test_trees_as_written_have_the_same_value_and_settle_after_one_round(seed: int) -> None:
    leaves = list(sn.symbols("x y", backend="tree"))
    term = random_term(random.Random(seed), 3, leaves, "tree")
    if not interface.is_term(term) or not interface.is_call(term):
        return
    theirs = sn.to_sympy(term)
    compared(term, theirs, leaves)
    once = sn.from_sympy(theirs, backend="tree")
    assert interface.is_number(once) or interface.backend_of(once) == "tree"
    assert sn.from_sympy(sn.to_sympy(once), backend="tree") == once


def test_a_tree_stays_as_written() -> None:
    a, b = sn.symbols("x y", backend="tree")
    assert sn.to_sympy(a + a) == sympy.Add(X, X, evaluate=False)
    assert sn.to_sympy(a - b) == X - Y
    assert sn.to_sympy(a / 3) == X / 3
    assert sn.to_sympy(-a) == -X
    assert sn.to_sympy(sn.sqrt(a)) == sympy.sqrt(X)
    assert sn.to_sympy(interface.make(a, "+", ())) == 0
    assert sn.to_sympy(interface.make(a, "max", (a,))) == X
    assert sn.to_sympy(interface.make(a, "and", ())) == sympy.true
    assert str(sn.from_sympy(X + Y, backend="tree")) == "x + y"


# --- what SymPy has and we spell otherwise ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "text"),
    [
        (sympy.E, "exp(1)"),
        (sympy.Pow(sympy.E, X, evaluate=False), "exp(x)"),
        (sympy.GoldenRatio, "1/2 + sqrt(5)/2"),
        (sympy.EulerGamma, "-digamma(1)"),
        (sympy.Heaviside(X), "ifelse(x == 0, 1/2, (1 + sign(x))/2)"),
        (sympy.Heaviside(X, 1), "ifelse(x == 0, 1, (1 + sign(x))/2)"),
        (sympy.sinc(X), "ifelse(x == 0, 1, sin(x)/x)"),
        (sympy.erfc(X), "1 - erf(x)"),
        (sympy.factorial(X), "gamma(x + 1)"),
        (sympy.binomial(X, Y), "gamma(x + 1)/(gamma(y + 1)*gamma(x - y + 1))"),
        (sympy.beta(X, Y), "gamma(x)*gamma(y)/gamma(x + y)"),
        (sympy.frac(X), "x - floor(x)"),
        (sympy.log(X, 2), "log(x)/log(2)"),
        (sympy.UnevaluatedExpr(X + 1), "x + 1"),
        (cfunctions.exp2(X), "2^x"),
        (cfunctions.hypot(X, Y), "sqrt(x^2 + y^2)"),
        (cfunctions.fma(X, Y, 3), "x*y + 3"),
        (cfunctions.Sqrt(X), "sqrt(x)"),
        (cfunctions.Cbrt(X), "x^(1/3)"),
        (sympy.Xor(X > 0, Y > 0), "x > 0 and not y > 0 or not x > 0 and y > 0"),
        (sympy.Implies(X > 0, Y > 0), "not x > 0 or y > 0"),
        (sympy.Equivalent(X > 0, Y > 0), "x > 0 and y > 0 or not x > 0 and not y > 0"),
        (sympy.Piecewise((1, X > 0), (2, X < -1)), "ifelse(x > 0, 1, ifelse(x < -1, 2, nan))"),
        (sympy.Float(0.5, 30), "0.5"),
        (-sympy.oo, "-inf"),
    ],
)
def test_other_sympy_classes_become_what_they_are_worth(theirs: Any, text: str) -> None:
    assert sn.from_sympy(theirs) is sn.parse(text)


def test_the_worth_of_constants_and_connectives_is_right() -> None:
    assert float(sn.evaluate(sn.from_sympy(sympy.TribonacciConstant), {})) == pytest.approx(
        float(sympy.TribonacciConstant), rel=1e-14
    )
    assert float(sn.evaluate(sn.from_sympy(sympy.EulerGamma), {})) == pytest.approx(
        float(sympy.EulerGamma), rel=1e-14
    )
    parts = sympy.symbols("p q r")
    for connective in (sympy.Xor, sympy.Equivalent):
        theirs = connective(*parts)
        ours = sn.from_sympy(theirs)
        for bits in range(8):
            at = {name: bool(bits >> i & 1) for i, name in enumerate("pqr")}
            assert sn.evaluate(ours, at) is bool(theirs.subs({sympy.Symbol(k): v for k, v in at.items()})), (
                connective,
                at,
            )


def test_lists_and_matrices() -> None:
    assert sn.from_sympy(sympy.Matrix([[X, 1], [2, X * Y]])) == [[x, 1], [2, x * y]]
    assert sn.from_sympy([X, [Y, 2]]) == [x, [y, 2]]
    assert sn.to_sympy([[x, 1], [2, x * y]]) == [[X, 1], [2, X * Y]]
    assert sympy.Matrix(sn.to_sympy([[x, y]])) == sympy.Matrix([[X, Y]])
    cells = numpy.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = x, y
    assert sn.to_sympy(cells) == [[X, Y]]
    assert sn.from_sympy([]) == []


# --- symbols and assumptions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "theirs"),
    [
        ({}, {"real": True}),
        ({"positive": True}, {"positive": True}),
        ({"negative": True}, {"negative": True}),
        ({"nonnegative": True}, {"nonnegative": True}),
        ({"nonzero": True}, {"real": True, "nonzero": True}),
        ({"integer": True}, {"integer": True}),
        ({"integer": True, "positive": True}, {"integer": True, "positive": True}),
        ({"integer": True, "nonzero": True}, {"integer": True, "nonzero": True}),
    ],
)
def test_assumptions_go_and_return(declared: dict[str, Any], theirs: dict[str, bool]) -> None:
    ours = sn.symbols("k", **declared)
    there = sn.to_sympy(ours)
    assert all(there.assumptions0[name] for name in theirs)
    assert there.is_real
    assert sn.from_sympy(there) is ours
    assert sn.from_sympy(sympy.Symbol("k", **theirs)) is ours


def test_a_plain_symbol_is_read_as_ours_and_written_as_real() -> None:
    plain = sympy.Symbol("x")
    assert sn.from_sympy(plain) is x
    assert sn.to_sympy(x) == X != plain
    e = plain**2 + sympy.sin(sympy.Symbol("y", positive=True))
    assert sn.to_sympy(sn.from_sympy(e), symbols=e.free_symbols) == e


def test_implied_assumptions_are_no_loss() -> None:
    assert sn.from_sympy(sympy.Symbol("x", finite=True)) is x
    assert sn.from_sympy(sympy.Symbol("x", real=True, commutative=True)) is x
    assert sn.from_sympy(sympy.Symbol("k", positive=True, nonzero=True)) is sn.symbols("k", positive=True)


@pytest.mark.parametrize(
    "assumption",
    [
        "even",
        "odd",
        "prime",
        "composite",
        "rational",
        "irrational",
        "imaginary",
        "complex",
        "nonpositive",
        "zero",
        "infinite",
        "extended_positive",
        "algebraic",
    ],
)
def test_assumptions_that_ours_cannot_hold_are_refused(assumption: str) -> None:
    theirs = sympy.Symbol("k", **{assumption: True})
    with pytest.raises(ValueError, match=f"'k' is declared {assumption}=True.*symbols="):
        sn.from_sympy(theirs + 1)
    assert sn.from_sympy(theirs + 1, symbols={theirs: x}) is x + 1


@pytest.mark.parametrize("assumption", ["commutative", "real", "integer", "positive", "finite"])
def test_denied_assumptions_are_refused(assumption: str) -> None:
    with pytest.raises(ValueError, match=f"{assumption}=False"):
        sn.from_sympy(sympy.Symbol("k", **{assumption: False}))


def test_symbols_that_would_become_one_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"two different SymPy symbols 'x', declared .*real.*would become one"
    ):
        sn.from_sympy(sympy.Symbol("x") * X)
    both = sn.from_sympy(sympy.Symbol("x") + sympy.Symbol("x", positive=True))
    assert both is x + sn.symbols("x", positive=True)


def test_boolean_symbols_are_known_by_their_place() -> None:
    p = sn.symbols("p", sort="boolean")
    P = sympy.Symbol("p")
    assert sn.to_sympy(p) == P
    assert sn.from_sympy(P & (X > 0)) is p & (x > 0)
    assert sn.from_sympy(sympy.Piecewise((1, P), (X, True))) is sn.ifelse(p, 1, x)
    assert sn.from_sympy(P, symbols=[p]) is p
    with pytest.raises(TypeError, match="boolean"):
        sn.from_sympy(P + sympy.Piecewise((1, P), (2, True)))


def test_the_mapping_of_symbols_works_both_ways() -> None:
    t = sn.symbols("t")
    T = sympy.Symbol("t")
    f = sympy.Function("f")(T)
    assert sn.to_sympy(x + t, symbols={x: T, "t": f}) == T + f
    assert sn.from_sympy(f.diff(T) + f**2 + T, symbols={f: y, f.diff(T): x}) is x + y**2 + t
    dummy = sympy.Dummy("t")
    assert sn.from_sympy(dummy + T, symbols={dummy: 5}) is t + 5
    assert sn.from_sympy(sympy.IndexedBase("A")[0] * 2, symbols={sympy.IndexedBase("A")[0]: x}) is 2 * x
    assert sn.from_sympy(sympy.Symbol(r"\alpha") + 1, symbols={r"\alpha": x}) is x + 1
    k = sn.symbols("x", positive=True)
    assert sn.from_sympy(sympy.Symbol("x") ** 2, symbols=[k]) is k**2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sn.to_sympy(x, symbols={x: "x"}), TypeError, "not a SymPy expression"),
        (lambda: sn.to_sympy(x, symbols={3: X}), TypeError, "not a symbol of ours"),
        (lambda: sn.to_sympy(x, symbols=[3]), TypeError, "not a SymPy symbol"),
        (lambda: sn.to_sympy(x, symbols=X), TypeError, "mapping or a list"),
        (
            lambda: sn.to_sympy(x, symbols=[X, sympy.Symbol("x")]),
            ValueError,
            "two different symbols named 'x'",
        ),
        (lambda: sn.from_sympy(X, symbols={X: "x"}), TypeError, "not a symnum term"),
        (lambda: sn.from_sympy(X, symbols={3: x}), TypeError, "not a SymPy expression or a name"),
        (lambda: sn.from_sympy(X, symbols=[x + 1]), TypeError, "not a symbol of ours"),
        (
            lambda: sn.from_sympy(X, symbols={X: sn.symbols("x", backend="tree")}),
            ValueError,
            "'tree' backend",
        ),
        (lambda: sn.from_sympy(X, backend="wood"), ValueError, "no term backend 'wood'"),
    ],
)
def test_wrong_mappings_are_refused(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# --- refusals ---------------------------------------------------------------------------------------------------------------

f = sympy.Function("f")


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (sympy.I + X, r"I of SymPy.*terms are real"),
        (sympy.zoo, r"zoo of SymPy.*terms are real"),
        (sympy.root(-1, 3), r"\(-1\)\*\*\(1/3\) of SymPy is a complex number.*real_root"),
        (X + sympy.Float("0.1", 30), r"Float 0\.1000.*103 bits.*expr\.n\(15\)"),
        (sympy.Float("1e400"), r"is no double"),
        (sympy.Float("1e-400"), r"is no double"),
        (sympy.Derivative(f(X), X), r"Derivative\(f\(x\), x\).*doit"),
        (sympy.Integral(X**X, X), r"Integral.*doit"),
        (sympy.Sum(X, (X, 1, Y)), r"Sum.*doit"),
        (f(X), r"f\(x\) of SymPy.*register_operator\('f', arity=1.*symbols=\{f\(x\): term\}"),
        (sympy.LambertW(X), r"LambertW\(x\).*register_operator"),
        (sympy.polygamma(2, X), r"order 0, digamma, and order 1, trigamma"),
        (sympy.re(sympy.Symbol("z")), r"re\(z\).*real=True"),
        (sympy.Catalan, r"Catalan.*expr\.n\(\)"),
        (sympy.Order(X), r"removeO"),
        (sympy.Tuple(X, Y), r"pass a list"),
        (sympy.FiniteSet(1), r"FiniteSet.*symbols="),
        (sympy.IndexedBase("A")[0], r"A\[0\].*symbols="),
        (sympy.MatrixSymbol("M", 2, 2), r"MatrixSymbol"),
        (sympy.Dummy("t"), r"Dummy _t.*symbols="),
        (sympy.Wild("w"), r"Wild w_"),
        (sympy.Symbol(r"\alpha"), r"not an identifier.*symbols="),
        (sympy.Symbol("gamma"), r"word of the formula language.*symbols="),
        (f(sum(sympy.symbols("a0:100"))), r"f\(\.\.\.\) of SymPy"),
    ],
)
def test_what_has_no_counterpart_is_named_with_the_way_out(theirs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sn.from_sympy(theirs)


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(TypeError, match=r"symnum\.parse\('x \+ 1'\)"):
        sn.from_sympy("x + 1")
    with pytest.raises(TypeError, match="of type object"):
        sn.from_sympy(object())
    with pytest.raises(TypeError, match="not a term"):
        sn.to_sympy("x")


def test_numbers() -> None:
    big = 10**400
    assert sn.to_sympy(sn.number(big)) == sympy.Integer(10) ** 400
    assert sn.from_sympy(sympy.Integer(big)) == big
    assert sn.from_sympy(sympy.Float(0.1)) == 0.1
    assert sn.from_sympy(sympy.Float(5e-324)) == 5e-324
    assert type(interface.value(sn.from_sympy(sympy.Float(2)))) is float
    assert type(interface.value(sn.from_sympy(sympy.Integer(2)))) is int
    assert sn.from_sympy(7) == 7
    assert math.isnan(interface.value(sn.from_sympy(sympy.nan)))
    assert sn.to_sympy(sn.number(math.nan)) is sympy.nan
    assert sn.from_sympy(sympy.false) == sn.number(False)


# --- operators of the user's ------------------------------------------------------------------------------------------------


def test_operators_of_the_user_go_and_return_by_name() -> None:
    sn.register_operator("bridge_softplus", 1, "1/(1 + exp(-a))", numpy="numpy.logaddexp(0.0, {0})")
    term = 2 * sn.call("bridge_softplus", x) + 1
    theirs = sn.to_sympy(term)
    assert str(theirs) == "2*bridge_softplus(x) + 1"
    assert sn.from_sympy(theirs) is term
    assert sn.from_sympy(2 * sympy.Function("bridge_softplus")(X) + 1) is term

    class bridge_softplus(sympy.Function):
        pass

    assert sn.from_sympy(bridge_softplus(X)) is sn.call("bridge_softplus", x)
    with pytest.raises(TypeError, match="takes 1 argument"):
        sn.from_sympy(sympy.Function("bridge_softplus")(X, Y))


def test_operators_of_the_user_may_name_a_class() -> None:
    sn.register_operator("bridge_lambert", 1, numpy="numpy.exp({0})", sympy="LambertW")
    assert sn.to_sympy(sn.call("bridge_lambert", x)) == sympy.LambertW(X)
    try:
        assert sn.from_sympy(sympy.LambertW(X + 1)) is sn.call("bridge_lambert", x + 1)
        sn.register_operator("bridge_wrong", 1, numpy="numpy.exp({0})", sympy="NoSuchClass")
        with pytest.raises(ValueError, match="'bridge_wrong' names the SymPy class 'NoSuchClass'"):
            sn.to_sympy(sn.call("bridge_wrong", x))
    finally:  # these rows would change what other tests read
        sn.register_operator("bridge_lambert", 1, numpy="numpy.exp({0})")
        sn.register_operator("bridge_wrong", 1, numpy="numpy.exp({0})")


def test_an_undefined_function_named_as_a_built_in_is_not_taken_for_it() -> None:
    for name in ("sin", "cbrt"):
        with pytest.raises(ValueError, match="no counterpart"):
            sn.from_sympy(sympy.Function(name)(X))


# --- SymPy's own functions on our terms -------------------------------------------------------------------------------------


def test_sympy_takes_our_terms() -> None:
    term = x**2 + sn.sin(y)
    assert sympy.sympify(term) == X**2 + sympy.sin(Y)
    assert X + term == X + X**2 + sympy.sin(Y)
    assert term + X == X + X**2 + sympy.sin(Y)
    assert sympy.sstr(term) == str(term)
    assert sympy.latex(term) == sn.latex(term)
    assert sympy.integrate(term, X) == X**3 / 3 + X * sympy.sin(Y)
    assert sympy.simplify(sn.sin(x) ** 2 + sn.cos(x) ** 2) == 1


def test_what_is_built_can_be_worked_with() -> None:
    theirs = sn.to_sympy(sn.ifelse(x > 0, sn.exp(2 * (x + 1)), sn.erf(x)) + sn.max(x, y) * sn.cbrt(x))
    assert theirs.func(*theirs.args) == theirs
    assert theirs.diff(X).subs({X: 1, Y: 5}).evalf() == pytest.approx(2 * math.exp(4) + 5 / 3)
    assert sympy.integrate(sn.to_sympy(x * sn.sin(x)), X) == sympy.sin(X) - X * sympy.cos(X)
    assert sn.to_sympy(sn.sin(x)).nargs == sympy.sin(X).nargs
    assert hash(sn.to_sympy(sn.sin(x) + 1)) == hash(sympy.sin(X) + 1)


# --- size -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["interned", "tree"])
def test_a_nest_of_ten_thousand(backend: str) -> None:
    term = sn.symbols("x", backend=backend)
    for _ in range(5_000):
        term = interface.make(term, "sin", (1 + term,))
    assert interface.key(sn.from_sympy(sn.to_sympy(term), backend=backend)) == interface.key(term)
    assert interface.key(sn.from_sympy(sn.to_sympy(term), backend=backend)) == interface.key(
        term
    )  # past SymPy's cache


@pytest.mark.parametrize("head", ["max", "ifelse", "^", "and", "*"])
def test_deep_nests_of_other_operators(head: str) -> None:
    a, b = sn.symbols("x y", backend="tree")
    term: Any = a
    for i in range(3_000):
        if head == "max":
            term = sn.max(sn.sin(term), b)
        elif head == "ifelse":
            term = sn.ifelse(sn.sin(term) > 0, sn.cos(term), b)
        elif head == "^":
            term = (1 + term) ** sn.sin(b)
        elif head == "and":
            term = sn.ifelse((term > i) & (b > i), term, b)
        else:
            term = (i + 1 + term) * (b + term)
    theirs = sn.to_sympy(term)
    once = sn.from_sympy(theirs, backend="tree")
    assert interface.node_count(once) == interface.node_count(term)
    again = sn.from_sympy(sn.to_sympy(once), backend="tree")
    assert again == once
    # equal all the way down: the same value, which no walk of a part only could have
    at = {"x": 0.25, "y": 0.5}
    assert sn.evaluate(once, at) == pytest.approx(sn.evaluate(term, at), rel=1e-9, nan_ok=True)


def test_a_long_chain_of_branches_is_one_piecewise() -> None:
    a, term = sn.symbols("x y", backend="tree")
    for i in range(10_000):
        term = sn.ifelse(a > i, i, term)
    theirs = sn.to_sympy(term)
    assert len(theirs.args) == 10_001
    assert theirs.args[0] == (9_999, X > 9_999)
    assert sn.from_sympy(theirs, backend="tree") == term


def test_deep_nests_of_cube_roots() -> None:
    term: Any = x
    for _ in range(2_000):
        term = sn.cbrt(term + y) * sn.lgamma(y)
    assert sn.from_sympy(sn.to_sympy(term)) is term


def test_deep_nests_of_interned_choices() -> None:
    term: Any = x
    for i in range(5_000):
        term = sn.ifelse(sn.max(sn.sin(term), y) > i, sn.mod(term, 3), abs(y))
    assert sn.from_sympy(sn.to_sympy(term)) is term


def test_shared_parts_stay_shared() -> None:
    term: Any = x
    for _ in range(18):
        term = sn.sin(term) * sn.cos(term)
    theirs = sn.to_sympy(term)
    distinct: set[int] = set()
    stack = [theirs]
    while stack:
        node = stack.pop()
        if id(node) not in distinct:
            distinct.add(id(node))
            stack.extend(node.args)
    assert len(distinct) == interface.node_count(term)
    assert sn.from_sympy(theirs) is term


def test_a_wide_sum() -> None:
    names = sn.symbols("s0:3000")
    term = sum(i * s**2 for i, s in enumerate(names, 1))
    theirs = sn.to_sympy(term)
    assert len(theirs.args) == 3000
    assert sn.from_sympy(theirs) is term


def test_a_type_of_the_users_own_is_taken() -> None:
    class Node:
        def __init__(self, head: str, *parts: Any) -> None:
            self.head, self.parts = head, parts

    interface.register(
        Node,
        is_call=lambda n: bool(n.parts),
        is_symbol=lambda n: not n.parts,
        head=lambda n: n.head,
        args=lambda n: n.parts,
        name=lambda n: n.head,
        make=lambda head, parts: Node(head, *parts),
    )
    a = Node("a")
    assert (
        sn.to_sympy(Node("+", Node("sin", a), Node("*", 2, a)))
        == sympy.sin(A := sympy.Symbol("a", real=True)) + 2 * A
    )
