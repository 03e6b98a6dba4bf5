"""Other constants in front of sums: the forms are one function, and the simplest is the one that is reported."""

from __future__ import annotations

import numpy as np
import pytest

from symnum.regression import SymbolicRegressor
from symnum.regression.candidate import Candidate
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.rescaled import MOST_ADDENDS, MOST_FORMS, rescaled

GRAMMAR = Grammar(("x", "y"))


def candidate(text: str, *constants: float) -> Candidate:
    return Candidate(GRAMMAR.parse(text).tobytes(), constants)


@pytest.mark.parametrize(
    ("text", "constants"),
    [
        ("+ * C sqrt x * * C ^2 y sqrt x", (2.006, 0.1254)),
        ("* + * C x * C y ^-1 + C * C ^2 y", (0.5, -2.0, 1.5, 0.25)),
        ("sqrt + C * C ^2 x", (4.0, 9.0)),
        ("* sin x ^2 + C * C y", (2.0, 6.0)),
        ("* C ^-1 + C * C x", (3.0, 5.0, 2.0)),
    ],
)
def test_all_forms_are_one_function(text: str, constants: tuple[float, ...]) -> None:
    given = candidate(text, *constants)
    X = np.random.default_rng(0).uniform(0.5, 2, (2, 40))
    evaluator = Evaluator(GRAMMAR, X)
    wanted = evaluator.values([given.tokens], [given.constants])[0]
    found = rescaled(GRAMMAR, given)
    assert found and given.text not in {each.text for each in found}
    for each in found:
        values = evaluator.values([each.tokens], [each.constants])[0]
        np.testing.assert_allclose(values, wanted, rtol=1e-12)


def test_each_addend_is_once_the_one_without_a_constant() -> None:
    found = rescaled(GRAMMAR, candidate("* + * C x * C y ^-1 + C * C ^2 y", 0.5, -2.0, 1.5, 0.25))
    fronts = {round(each.constants[0], 9) for each in found}
    assert {round(above / below, 9) for above in (0.5, -2.0) for below in (1.5, 0.25)} <= fronts
    # and inside the numerator, the unit being one of the denominator
    assert any({0.5 / 0.25, -2.0 / 0.25} <= set(each.constants) for each in found)


def test_what_has_no_sum_of_few_addends_stays() -> None:
    assert rescaled(GRAMMAR, candidate("* C sin x", 2.0)) == []
    many = MOST_ADDENDS + 1
    text = " ".join([*("+ * C x" for _ in range(many - 1)), "* C y"])
    assert rescaled(GRAMMAR, candidate(text, *range(1, many + 1))) == []
    # a negative constant has no root, and 0 cannot be taken out
    roots = rescaled(GRAMMAR, candidate("sqrt + * C x C", -1.0, 9.0))
    assert all(each.constants[0] == 3.0 for each in roots) and roots
    assert len(rescaled(GRAMMAR, candidate("+ * C x C", 0.0, 2.0))) == 1


def test_the_number_of_forms_is_bounded() -> None:
    quotient = "* + + * C x * C y C ^-1 + + C * C x * C ^2 y"
    assert len(rescaled(GRAMMAR, candidate(f"* {quotient} {quotient}", *range(1, 13)))) <= 2 * MOST_FORMS


def test_the_reported_formula_has_the_simple_constants() -> None:
    X = np.random.default_rng(1).uniform(0.5, 3, (60, 2))
    y = 2.00606668 * np.sqrt(X[:, 0]) * (1 + X[:, 1] ** 2 / 16)
    model = SymbolicRegressor(max_evaluations=40_000, random_state=0).fit(X, y)
    assert "x1^2 + 16" in str(model.expression_) or "x1^2/16" in str(model.expression_)
