"""The grammar, the operations, and the kernels that evaluate token arrays."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.regression import kernels, operations
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import DEFAULT_OPERATORS, Grammar

USABLE = tuple(name for name in (*sn.OPERATORS, *operations.POWERS) if operations.refusal(name) is None)


def test_most_real_operators_of_the_table_can_be_searched() -> None:
    refused = {name for name in sn.OPERATORS if operations.refusal(name) is not None}
    assert refused >= {"and", "or", "not", "<", "==", "ifelse", "pi"}
    assert set(USABLE) >= {
        *DEFAULT_OPERATORS,
        "tanh",
        "asin",
        "abs",
        "min",
        "max",
        "atan2",
        "mod",
        "^3",
        "gamma",
    }


@pytest.mark.parametrize("name", USABLE)
def test_each_operation_agrees_with_the_compiled_term(name: str) -> None:
    x = np.array([-2.5, -1.0, -0.5, 0.0, 0.3, 1.0, 2.0, 7.5])
    y = np.array([0.5, 2.0, -1.5, 1.0, -0.2, 0.0, 3.0, 1.25])
    grammar = Grammar(("x", "y"), operators=(name,))
    arity = operations.arity(name)
    tokens = grammar.parse(f"{name} x" if arity == 1 else f"{name} x y")
    values = Evaluator(grammar, np.array([x, y])).values([tokens])[0]
    with np.errstate(all="ignore"):
        expected = sn.compile(grammar.term(tokens), list(grammar.symbols), target="numpy")(x, y)
    np.testing.assert_allclose(values, expected, rtol=4e-16, atol=0)


def test_values_follow_ieee_rules_and_raise_nothing() -> None:
    grammar = Grammar(("x",))
    evaluator = Evaluator(grammar, np.array([[-1.0, 0.0, 1e200]]))
    values = evaluator.values([grammar.parse(t) for t in ("log x", "/ 1 x", "^2 x", "- x x")])
    assert np.isnan(values[0, 0]) and values[0, 1] == -np.inf
    assert values[1].tolist() == [-1.0, np.inf, 1e-200]
    assert values[2, 2] == np.inf
    assert values[3].tolist() == [0.0, 0.0, 0.0]


def test_an_expression_with_constants_reads_its_slots_in_order() -> None:
    grammar = Grammar(("x", "y"))
    tokens = grammar.parse("+ C * C - x ^ y C")
    evaluator = Evaluator(grammar, np.array([[3.0, 5.0], [2.0, 4.0]]))
    values = evaluator.values([tokens], [[10.0, 0.5, 3.0]])[0]
    assert values.tolist() == [10 + 0.5 * (3 - 8), 10 + 0.5 * (5 - 64)]
    several = evaluator.variants(tokens, np.array([[10.0, 0.5, 3.0], [0.0, 1.0, 1.0]]))
    assert several.tolist() == [values.tolist(), [1.0, 1.0]]
    assert str(grammar.term(tokens, [10, Fraction(1, 2), 3])) == str(sn.parse("10 + (x - y^3)/2"))


def test_evaluation_of_many_rows_and_many_expressions_at_once() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 2, (3, 1001))
    grammar = Grammar(("x", "y", "z"))
    texts = ["x", "+ x * y sin z", "sqrt + ^2 x ^2 y", "/ exp z log + 1 x", "2"]
    values = Evaluator(grammar, X).values([grammar.parse(t) for t in texts])
    x, y, z = X
    expected = [x, x + y * np.sin(z), np.sqrt(x**2 + y**2), np.exp(z) / np.log(1 + x), np.full(1001, 2.0)]
    np.testing.assert_allclose(values, expected, rtol=1e-15)


def test_a_users_operator_can_be_searched_when_it_is_spelled_with_ufuncs() -> None:
    sn.register_operator("softplus_search", 1, "1/(1 + exp(-a))", numpy="numpy.logaddexp(0.0, {0})")
    grammar = Grammar(("x",), operators=("+", "softplus_search"))
    x = np.array([-3.0, 0.0, 4.0])
    values = Evaluator(grammar, x[None]).values([grammar.parse("+ x softplus_search x")])[0]
    np.testing.assert_allclose(values, x + np.logaddexp(0, x), rtol=1e-15)
    sn.register_operator("opaque_search", 1, "1", numpy=lambda a: np.sort(a))
    with pytest.raises(
        ValueError, match=r"'opaque_search' cannot be used in a search: .*made of ufuncs, such as"
    ):
        Grammar(("x",), operators=("opaque_search",))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("sin x", True), ("sin cos x", False), ("sin + x cos x", False), ("exp log x", False), ("exp + 1 log x", True),
        ("sqrt ^2 x", False), ("sqrt + 1 ^2 x", True), ("^ x ^ x x", False), ("^ ^ x x x", True), ("exp exp x", False),
        ("+ sin x cos x", True),
    ],
)  # fmt: skip
def test_nesting_rules(text: str, allowed: bool) -> None:
    grammar = Grammar(("x",))
    assert grammar.allowed(grammar.parse(text)) is allowed


def test_the_mask_of_legal_tokens_leads_to_allowed_expressions_of_bounded_length_only() -> None:
    grammar = Grammar(("x", "y"))
    rng = np.random.default_rng(3)
    lengths = set()
    for _ in range(500):
        prefix: list[int] = []
        while (mask := grammar.legal(prefix, 12)).any():
            prefix.append(int(rng.choice(np.flatnonzero(mask))))
        tokens = np.array(prefix, np.int16)
        assert grammar.end(tokens, 0) == len(tokens) <= 12
        assert grammar.allowed(tokens)
        lengths.add(len(tokens))
    assert lengths >= {1, 2, 3, 12}


def test_the_mask_forbids_exactly_what_the_rules_forbid() -> None:
    grammar = Grammar(("x",), operators=("+", "sin", "cos", "exp", "log"))
    names = lambda mask: {grammar.names[k] for k in np.flatnonzero(mask)}
    assert names(grammar.legal([], 9)) == {"x", "1", "2", "+", "sin", "cos", "exp", "log"}
    assert names(grammar.legal(list(grammar.parse("sin x")[:1]), 9)) == {"x", "1", "2", "+", "exp", "log"}
    assert names(grammar.legal(list(grammar.parse("exp x")[:1]), 9)) == {"x", "1", "2", "+", "sin", "cos"}
    # the second argument of a sum whose first argument was a sine: the sine is over
    assert "cos" in names(grammar.legal(list(grammar.parse("+ sin x x")[:3]), 9))
    assert names(grammar.legal([grammar.token("+")], 3)) == {"x", "1", "2"}
    assert not grammar.legal(list(grammar.parse("sin x")), 9).any()


def test_terms_are_canonical() -> None:
    grammar = Grammar(("a",))
    (a,) = grammar.symbols
    assert grammar.term(grammar.parse("* a sqrt a")) is a ** Fraction(3, 2)
    assert grammar.term(grammar.parse("^2 ^2 a")) is a**4
    assert grammar.term(grammar.parse("+ 1 1")) is sn.number(2)


def bad_grammars() -> list[Any]:
    return [
        pytest.param(("sinn",), LookupError, "there is no operator 'sinn'; did you mean 'sin'", id="unknown"),
        pytest.param((), ValueError, "needs at least one operator", id="none"),
        pytest.param(
            ("and",), ValueError, "'and' cannot be used in a search: it deals with conditions", id="boolean"
        ),
        pytest.param(("ifelse",), ValueError, "it takes 3 arguments", id="ternary"),
        pytest.param(("pi",), ValueError, "it takes 0 arguments", id="constant"),
        pytest.param(("+", "+"), ValueError, "'\\+' is given twice", id="repeated"),
    ]


@pytest.mark.parametrize(("operators", "kind", "message"), bad_grammars())
def test_bad_operators_are_named(operators: tuple[str, ...], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        Grammar(("x",), operators=operators)


def test_bad_token_texts_are_named() -> None:
    grammar = Grammar(("x",))
    with pytest.raises(ValueError, match="not one expression in prefix order"):
        grammar.parse("+ x")
    with pytest.raises(ValueError, match="not one expression in prefix order"):
        grammar.parse("x x")
    with pytest.raises(LookupError, match="there is no token 'y'; the tokens are x 1 2 C"):
        grammar.parse("y")


def test_fingerprints_recognise_equal_functions_and_only_those() -> None:
    x = np.linspace(0.1, 2, 50)
    table = np.zeros(64, np.uint64)
    assert kernels.remember(table, np.sin(x) ** 2)
    assert not kernels.remember(table, 1 - np.cos(x) ** 2)  # equal up to rounding
    assert kernels.remember(table, np.sin(x) ** 2 * (1 + 1e-9))
    assert kernels.remember(table, -(np.sin(x) ** 2))


def test_unexplained_is_one_minus_r2_of_the_weighted_linear_fit() -> None:
    rng = np.random.default_rng(1)
    x, y, w = rng.normal(size=40), rng.normal(size=40), rng.uniform(0.1, 3, 40)
    share = w / w.sum()
    centred = y - share @ y
    spread = share @ centred**2
    result = np.empty(1)
    kernels.unexplained(x, centred[None], share[None], np.array([spread]), result)
    slope, offset = np.polyfit(x, y, 1, w=np.sqrt(w))
    assert result[0] == pytest.approx(share @ (y - slope * x - offset) ** 2 / spread, rel=1e-12)
    kernels.unexplained(3 * centred - 7, centred[None], share[None], np.array([spread]), result)
    assert result[0] < 1e-30
    kernels.unexplained(np.ones(40), centred[None], share[None], np.array([spread]), result)
    assert result[0] == 1.0
