"""Declared constants, and operators of the user's own, in the language and in a search."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numba import njit, vectorize

import symnum as sn
from symnum.regression.constants import Model
from symnum.regression.declared import Declared, declared_constants, multiples, substitutes
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem
from symnum.regression.search import Search, Settings
from symnum.regression.units import Units, parse_unit

C = 299792458.0


METHODS = ("reduction", "slots", "subtrees")
"""All but sums and quotients, which take long for few evaluations."""


def search(grammar: Grammar, X: np.ndarray, y: np.ndarray, evaluations: int = 4000) -> list[Model]:
    problem = Problem.of(X, y, np.ones(len(y)))
    return (
        Search(problem, grammar, Settings(0, max_evaluations=evaluations, methods=METHODS))
        .run()
        .selection.models
    )


def test_declared_constants_are_leaves_between_numbers_and_slots() -> None:
    constants = declared_constants({"c": C, "pi": None})
    grammar = Grammar(("x",), ("*", "+"), numbers=(1, 2, *constants))
    assert grammar.names[:6] == ("x", "1", "2", "c", "pi", "C")
    assert grammar.declared == constants
    tokens = grammar.parse("+ * c x * C pi")
    values = Evaluator(grammar, np.array([[1.0, 2.0]])).values([tokens], [[0.5]])
    assert values.tolist() == [[C + 0.5 * math.pi, 2 * C + 0.5 * math.pi]]
    term = grammar.term(tokens, [0.5])
    assert str(term) == "c*x + 0.5*pi"
    assert str(grammar.term(grammar.parse("c"))) == "c"
    assert sn.substitute(term, substitutes(constants)) is sn.parse(f"{C}*x + 0.5*pi")
    assert [grammar.names[t] for t in grammar.leaves] == ["x", "1", "2", "c", "pi"]
    assert pickle.loads(pickle.dumps(grammar)) == grammar


def test_values_may_have_units_and_be_of_any_kind_of_number() -> None:
    a, b, c, d = declared_constants(
        {"a": 2, "b": (np.float32(0.5), "m/s"), "c": Fraction(1, 4), "d": np.int64(3)}
    )
    assert (a.value, b.value, c.value, d.value) == (2.0, 0.5, 0.25, 3.0)
    assert b.unit == parse_unit("m/s") and a.unit is None
    assert declared_constants(None) == () and declared_constants(["pi"])[0].value == math.pi


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"c": None}, ValueError, r"the constant 'c' needs a value, .* but got None; write constants=\{'c': 9.81\}"),
        (["c"], ValueError, "the constant 'c' needs a value"),
        ({"c": math.inf}, ValueError, "the constant 'c' needs a value, a finite number that is not 0, but got inf"),
        ({"c": 0}, ValueError, "a finite number that is not 0, but got 0"),
        ({"c": "3"}, ValueError, "but got '3'"),
        ({"c": True}, ValueError, "but got True"),
        ({"c": (1, 2, 3)}, ValueError, r"but got \(1, 2, 3\)"),
        ({"c": (3.0, "metre")}, ValueError, "there is no unit 'metre'"),
        ({"pi": 3.0}, ValueError, "the constant 'pi' is the circle's, but was given the value 3.0"),
        ({"sin": 3.0}, ValueError, "'sin' is a word of the formula language"),
        ({"2c": 3.0}, ValueError, "symbol name '2c' is not an identifier"),
        ("c", TypeError, r"constants must be a mapping from names to values, but is 'c'; write constants=\{'c': 299792458.0\}"),
        (3.0, TypeError, "constants must be a mapping from names to values, but is 3.0"),
    ],
)  # fmt: skip
def test_bad_constants_are_explained(given: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        declared_constants(given)


def test_a_name_that_is_taken_is_refused() -> None:
    (x,) = declared_constants({"x": 2.0})
    with pytest.raises(
        ValueError,
        match=r"the name 'x' of a declared constant is taken .*; rename it, as in constants=\{'x_': 2.0\}",
    ):
        Grammar(("x",), numbers=(1, x))
    with pytest.raises(ValueError, match="the name 'x' of a declared constant is taken"):
        Grammar(("y",), numbers=(x, x))


def test_a_search_builds_with_declared_constants_and_keeps_their_names() -> None:
    rng = np.random.default_rng(0)
    v = rng.uniform(0.1, 0.9, 40) * C
    (c,) = declared_constants({"c": C})
    found = search(Grammar(("v",), numbers=(1, 2, c)), v[:, None], 1 / np.sqrt(1 - v**2 / C**2), 20_000)
    best = min(found, key=lambda m: m.bits)
    assert "c" in {sn.term.name(s) for s in sn.term.free_symbols(best.term)}
    value = sn.substitute(best.term, substitutes([c]))
    compiled = sn.compile(value, [sn.symbols("v")])
    np.testing.assert_allclose(compiled(v), 1 / np.sqrt(1 - v**2 / C**2), rtol=1e-9)


def test_a_fitted_constant_is_recognised_as_a_multiple_of_declared_ones() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(1, 3, (30, 1))
    g, k = declared_constants({"g": 9.80665, "k": 1.380649e-23})
    assert (
        str(search(Grammar(("m",), numbers=(1, 2, g, k)), X, 1.5 * 1.380649e-23 * X[:, 0])[-1].term)
        == "3*k*m/2"
    )
    y = np.sqrt(2 * 9.80665 * X[:, 0])
    assert str(search(Grammar(("h",), ("*", "sqrt"), numbers=(g, k)), X, y * (1 + 1e-6 * X[:, 0] * 0))[-1].term) in (
        "sqrt(2*g*h)", "sqrt(2)*sqrt(g)*sqrt(h)", "sqrt(2)*sqrt(g*h)", "sqrt(2*g)*sqrt(h)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [(C, "c"), (C**2, "c^2"), (-3 * C / 2, "-3*c/2"), (0.25 / C, "1/(4*c)"), (math.sqrt(C), "sqrt(c)"), (2 * C / 6.5e-34, "2*c/h"),
     (6.5e-34**2 * C, "c*h^2")],
)  # fmt: skip
def test_multiples_are_products_of_a_fraction_and_powers(value: float, text: str) -> None:
    constants = declared_constants({"c": C, "h": 6.5e-34})
    found = multiples(value, abs(value) * 1e-9, constants)
    assert str(found[0][0]) == text
    assert found[0][1] == pytest.approx(value, rel=1e-12)


def test_what_is_no_multiple_is_left_alone() -> None:
    constants = declared_constants({"c": C, "n": -2.5})
    assert multiples(1.2345 * C, 1.0, constants) == []
    assert multiples(0.0, 1.0, constants) == [] and multiples(math.nan, 1.0, constants) == []
    assert multiples(1.001 * C, math.inf, constants) == [] and multiples(C, 1.0, ()) == []
    assert str(multiples(C, math.inf, constants)[0][0]) == "c"
    assert str(multiples(-2.5, 1e-9, constants[1:])[0][0]) == "n"
    assert multiples(1e300, 1e280, [Declared("t", 1e-200)]) == []  # powers out of range are passed over


def test_pure_constants_are_recognised_as_pure_ones_only() -> None:
    constants = declared_constants({"c": (C, "m/s"), "alpha": (0.0072973525693, "1"), "q": 3.7})
    units = Units.of(("m",), "m", ("x",), dimensionless_constants=True)
    strict = Grammar(("x",), numbers=(1, *constants), units=units)
    assert strict.multiples(C, 1.0) == [] and strict.multiples(3.7, 1e-9) == []
    assert [str(t) for t, _ in strict.multiples(0.0072973525693, 1e-12)] == ["alpha"]
    free = Grammar(("x",), numbers=(1, *constants))
    assert [str(t) for t, _ in free.multiples(C, 1.0)] == ["c"]


# --- operators of the user's own --------------------------------------------------------------------------------------------


@vectorize(["float64(float64)"])
def bump_ufunc(a: float) -> float:
    return 1.0 / (1.0 + a * a)


@njit
def bump_njit(a: float) -> float:
    return 1.0 / (1.0 + a * a)


def bump_python(a: Any) -> Any:
    return 1.0 / (1.0 + a * a)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("bump_ufunc", dict(numpy=bump_ufunc)),
        ("bump_njit", dict(numpy=bump_njit)),
        ("bump_python", dict(numpy=bump_python)),
        ("bump_both", dict(numpy=np.vectorize(bump_python), numba=bump_python)),
    ],
)
def test_an_operator_with_a_function_is_searched(name: str, columns: dict[str, Any]) -> None:
    sn.register_operator(name, 1, "-2*a*f^2", **columns)
    x = np.random.default_rng(3).uniform(-2, 2, (30, 1))
    y = 3 * bump_python(x[:, 0] + bump_python(x[:, 0]))
    found = search(Grammar(("x",), ("+", name)), x, y)
    assert str(found[-1].term) == f"3*{name}(x + {name}(x))"


def test_an_operator_of_two_arguments_with_a_function_is_evaluated() -> None:
    sn.register_operator(
        "gap_search",
        2,
        ("1", "-1"),
        numpy=lambda a, b: np.where(a > b, a - b, 0.0),
        numba=lambda a, b: a - b if a > b else 0.0,
    )
    grammar = Grammar(("x", "y"), ("gap_search",))
    values = Evaluator(grammar, np.array([[1.0, 5.0], [2.0, 3.0]])).values([grammar.parse("gap_search x y")])
    assert values.tolist() == [[0.0, 2.0]]


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("sorted_search", lambda a: np.sort(a), r"numba cannot compile its function for single numbers \(.+\);"),
        ("foreign_search", lambda a: __import__("scipy").special.j0(a), "numba cannot compile its function for single numbers"),
        ("shift_search", lambda a: a + np.size(a), r"at \(-2.5\) the array gives 5.5, the number alone -1.5"),
        ("mean_search", lambda a: np.asarray(a + 0.0).sum(), "does not work element by element|numba cannot compile"),
    ],
)  # fmt: skip
def test_an_operator_with_an_unsuitable_function_is_refused(name: str, function: Any, message: str) -> None:
    sn.register_operator(name, 1, "1", numpy=function)
    with pytest.raises(
        ValueError, match=f"operator '{name}' cannot be used in a search: .*({message})"
    ) as caught:
        Grammar(("x",), (name,))
    assert "or with a function of single numbers that numba compiles" in str(caught.value)


def test_a_numba_function_beside_a_template_that_is_no_ufunc_is_refused() -> None:
    sn.register_operator("template_search", 1, "1", numpy="numpy.sort({0})", numba=bump_python)
    with pytest.raises(ValueError, match="its numpy spelling does not call one function"):
        Grammar(("x",), ("template_search",))


def test_an_operator_of_three_arguments_is_refused() -> None:
    sn.register_operator("three_search", 3, ("1", "1", "1"), numpy="numpy.add({0}, numpy.add({1}, {2}))")
    with pytest.raises(ValueError, match="'three_search' cannot be used in a search: it takes 3 arguments"):
        Grammar(("x",), ("three_search",))


def test_spare_operators_have_tokens_but_are_not_searched() -> None:
    grammar = Grammar(("x",), ("+",), spare=("tanh", "+"))
    assert grammar.names.count("+") == 1 and "tanh" in grammar.names
    assert grammar.token("tanh") not in grammar.searched and not grammar.legal([], 9)[grammar.token("tanh")]
    assert Evaluator(grammar, np.array([[0.5]])).values([grammar.parse("tanh x")])[0, 0] == np.tanh(0.5)
    with pytest.raises(ValueError, match="'ifelse' cannot be used in a search"):
        Grammar(("x",), ("+",), spare=("ifelse",))
