"""Derivatives of token arrays: against symbolic differentiation, in both modes, and without rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.regression import operations
from symnum.regression.derivatives import Rules
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens

OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "^",
    "^2",
    "^3",
    "^-1",
    "sqrt",
    "exp",
    "log",
    "sin",
    "cos",
    "tanh",
    "atan",
    "neg",
)
GRAMMAR = Grammar(("x", "y"), OPERATORS)
X = np.random.default_rng(8).uniform(0.4, 1.6, (2, 600))  # more than one block of rows


def random_tokens(rng: np.random.Generator, longest: int, constants: int) -> Tokens:
    """Return a random expression with that many constant slots at most."""
    prefix: list[int] = []
    while (mask := GRAMMAR.legal(prefix, longest)).any():
        choices = [int(k) for k in np.flatnonzero(mask)]
        if prefix.count(GRAMMAR.constant) < constants and mask[0]:
            choices += [GRAMMAR.constant] * 4
        prefix.append(int(rng.choice(choices)))
    return np.array(prefix, np.int16)


def symbolic(tokens: Tokens, constants: np.ndarray) -> list[np.ndarray]:
    """Return the derivatives by the constants and variables as symnum.diff forms them."""
    names = [sn.symbols(f"c{k}") for k in range(len(constants))]
    term = GRAMMAR.term(tokens, names)
    symbols = [*names, *GRAMMAR.symbols]
    data = [*np.broadcast_to(constants[:, None], (len(constants), X.shape[1])), *X]
    found = []
    with np.errstate(all="ignore"):
        for name in symbols:
            value = sn.compile(sn.diff(term, name), symbols, target="numpy")(*data)
            found.append(np.broadcast_to(value, X.shape[1:]))
    return found


def test_derivatives_are_those_of_symbolic_differentiation() -> None:
    rng = np.random.default_rng(1)
    evaluator = Evaluator(GRAMMAR, X)
    compared = 0
    for _ in range(60):
        tokens = random_tokens(rng, 14, 3)
        constants = rng.uniform(0.5, 1.5, int(np.sum(tokens == GRAMMAR.constant)))
        found = evaluator.slopes([tokens], [constants])
        assert found.exact.all()
        np.testing.assert_array_equal(found.values, evaluator.values([tokens], [constants]))
        ours = [*found.by_constants[0][: len(constants)], *found.by_variables[0]]
        along = rng.normal(size=max(1, len(constants)) + 2)
        _, slope = evaluator.directional([tokens], [constants], along)
        defined = np.isfinite(found.values[0]) & np.all(np.isfinite(ours), axis=0)
        if not defined.any():
            continue
        for one, other in zip(ours, symbolic(tokens, constants), strict=True):
            scale = np.abs(other[defined]).max()
            np.testing.assert_allclose(one[defined], other[defined], rtol=1e-9, atol=1e-11 * scale)
        expected = along[-2:] @ ours[-2:]
        for rate, one in zip(along, ours[: len(constants)]):
            expected = expected + rate * one
        np.testing.assert_allclose(
            slope[0][defined], expected[defined], rtol=1e-8, atol=1e-10 * np.abs(expected[defined]).max()
        )
        compared += 1
    assert compared > 40


@pytest.mark.parametrize(
    "name", [n for n in (*sn.OPERATORS, *operations.POWERS) if operations.refusal(n) is None]
)
def test_each_operation_has_the_derivative_of_its_values(name: str) -> None:
    grammar = Grammar(("x", "y"), (name,))
    x = np.array([0.31, 0.62, 0.87, 1.43, 2.6])
    evaluator = Evaluator(grammar, np.array([x, x[::-1] + 0.1]))
    tokens = grammar.parse(f"{name} x" if operations.arity(name) == 1 else f"{name} x y")
    found = evaluator.slopes([tokens])
    assert found.exact.all() == (name not in Rules.of(grammar).missing)
    for k in range(2):
        moved = []
        for sign in (1, -1):
            shifted = evaluator.X.copy()
            shifted[k] += sign * 1e-5
            moved.append(Evaluator(grammar, shifted).values([tokens])[0])
        expected = (moved[0] - moved[1]) / 2e-5
        defined = np.isfinite(expected)
        np.testing.assert_allclose(found.by_variables[0, k][defined], expected[defined], rtol=1e-6, atol=1e-8)


def test_only_operators_whose_derivative_needs_a_choice_have_no_rule() -> None:
    usable = tuple(
        n for n in (*sn.OPERATORS, *operations.POWERS) if operations.refusal(n) is None and n in sn.OPERATORS
    )
    built_in = tuple(n for n in usable if not n.endswith("_test"))
    missing = set(Rules.of(Grammar(("x",), built_in)).missing)
    assert (
        missing & {"+", "*", "^", "min", "max", "mod", "gamma", "erf", "atan2", "sqrt", "tan", "asin", "cosh"}
        == set()
    )
    assert "digamma" in missing


def test_an_operator_without_a_rule_is_differentiated_by_central_differences_and_says_so() -> None:
    sn.register_operator("bump_test", 1, numpy="numpy.exp(-{0}*{0})")
    sn.register_operator("hill_test", 1, "-2*a*f", numpy="numpy.exp(-{0}*{0})")
    grammar = Grammar(("x",), ("+", "*", "bump_test", "hill_test"))
    x = np.random.default_rng(0).uniform(-2, 2, 700)
    evaluator = Evaluator(grammar, x[None])
    assert evaluator.rules.missing == ("bump_test",)
    texts = ["* C bump_test * C x", "* C hill_test * C x", "+ * C x bump_test 1"]
    expressions = [grammar.parse(t) for t in texts]
    constants: Any = [[2.0, 0.7], [2.0, 0.7], [2.0, 0.0]]
    found = evaluator.slopes(expressions, constants)
    # in the last one the operator stands apart from all constants and variables
    assert found.exact.tolist() == [False, True, True]
    np.testing.assert_allclose(found.by_constants[0], found.by_constants[1], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.by_variables[0], found.by_variables[1], rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(found.by_constants[2, 1], 0.0)
    _, slopes = evaluator.directional(expressions, constants, np.array([0.0, 1.0, 0.0]))
    assert np.isnan(slopes[0]).all()
    np.testing.assert_array_equal(slopes[1], found.by_constants[1, 1])
    np.testing.assert_array_equal(slopes[2], 0.0)


def test_a_variable_that_occurs_twice_gets_the_sum_of_both() -> None:
    evaluator = Evaluator(GRAMMAR, X)
    found = evaluator.slopes([GRAMMAR.parse("- * x x x"), GRAMMAR.parse("neg - y x"), GRAMMAR.parse("2")])
    np.testing.assert_allclose(found.by_variables[0, 0], 2 * X[0] - 1, rtol=1e-15)
    np.testing.assert_array_equal(found.by_variables[0, 1], 0.0)
    assert np.all(found.by_variables[1, 0] == 1) and np.all(found.by_variables[1, 1] == -1)
    np.testing.assert_array_equal(found.by_variables[2], 0.0)


def test_a_direction_of_the_wrong_size_is_refused() -> None:
    evaluator = Evaluator(GRAMMAR, X)
    with pytest.raises(
        ValueError,
        match=r"direction has the shape \(2,\), but there are 1 constant slots and 2 variables; give 3",
    ):
        evaluator.directional([GRAMMAR.parse("* C x")], [[1.0]], np.ones(2))
