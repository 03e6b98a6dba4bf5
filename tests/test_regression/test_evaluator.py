"""The evaluator's machinery: blocks of rows, the stack of addresses, early abandon, and scores against a plain computation."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symnum as sn
from symnum.regression import kernels
from symnum.regression.evaluator import Evaluator, padded
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Problem, Views

GRAMMAR = Grammar(("x", "y"))
RNG = np.random.default_rng(12)


def random_tokens(longest: int) -> Tokens:
    prefix: list[int] = []
    while (mask := GRAMMAR.legal(prefix, longest)).any():
        choices = [int(k) for k in np.flatnonzero(mask)]
        if mask[0]:
            choices += [GRAMMAR.constant] * 2
        prefix.append(int(RNG.choice(choices)))
    return np.array(prefix, np.int16)


def problem(rows: int) -> tuple[Problem, Views]:
    X = RNG.uniform(0.5, 2, (rows, 2))
    y = 3 + 2 * np.sin(X[:, 0]) + X[:, 1] ** 2 + RNG.normal(0, 0.1, rows)
    found = Problem.of(X, y, RNG.uniform(0.5, 2, rows))
    return found, Views.of(found, GRAMMAR)


@pytest.mark.parametrize("rows", [1, 2, 17, 511, 512, 513, 2000])
def test_values_are_those_of_the_compiled_term_whatever_the_number_of_rows(rows: int) -> None:
    X = RNG.uniform(0.5, 2, (2, rows))
    evaluator = Evaluator(GRAMMAR, X)
    for _ in range(12):
        tokens = random_tokens(20)
        constants = RNG.uniform(0.5, 2, int(np.sum(tokens == GRAMMAR.constant)))
        values = evaluator.values([tokens], [constants])[0]
        symbols = [sn.symbols(f"c{k}") for k in range(len(constants))]
        f = sn.compile(GRAMMAR.term(tokens, symbols), [*symbols, *GRAMMAR.symbols], target="numpy")
        with np.errstate(all="ignore"):
            expected = np.broadcast_to(f(*[np.full(rows, c) for c in constants], *X), rows)
        # the term may be in another order, so that differences of like numbers are not the same to the last digit
        defined = np.isfinite(expected) & np.isfinite(values)
        np.testing.assert_allclose(
            values[defined],
            expected[defined],
            rtol=1e-8,
            atol=1e-11 * np.abs(expected[defined]).max(initial=1),
        )


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "C",
        "1",
        "+ x + x + y + x + y + x y",
        "+ + + + + + x y x y x y C",
        "* - x C - C y",
        "sin cos sin x",
    ],
)
@pytest.mark.parametrize("wires", [9, 400])
def test_the_smallest_stack_is_enough(text: str, wires: int) -> None:
    tokens, rows = GRAMMAR.parse(text), 23
    X = RNG.uniform(0.5, 2, (2, rows))
    evaluator = Evaluator(GRAMMAR, X)
    slots = np.array([0.7, 1.9, 1.1])
    # a guard above and below shows a value that is written where it does not belong
    memory = np.full((len(tokens) // 2 + 4, rows), 7.25)
    stack = memory[1 : len(tokens) // 2 + 3]
    steps, first, literals, temporaries = GRAMMAR.machine
    kernels.evaluate_one(
        tokens, len(tokens), slots, *evaluator.columns, steps, first, literals, stack, np.empty((temporaries, rows)),
        np.empty(wires, np.int64),
    )  # fmt: skip
    np.testing.assert_array_equal(stack[0], evaluator.values([tokens], [slots.tolist()])[0])
    assert (memory[0] == 7.25).all() and (memory[-1] == 7.25).all()


def plain_score(values: np.ndarray, views: Views, view: int) -> float:
    share, target = views.weights[view], views.targets[view]
    A = np.stack([values, np.ones_like(values)]) * np.sqrt(share)
    fitted = np.linalg.lstsq(A.T, target * np.sqrt(share), rcond=None)[0]
    return float(np.sum((target * np.sqrt(share) - fitted @ A) ** 2) / views.spread[view])


@pytest.mark.parametrize("rows", [10, 100, 700])
def test_scores_are_those_of_weighted_least_squares(rows: int) -> None:
    data, views = problem(rows)
    evaluator = Evaluator(GRAMMAR, data.X)
    expressions = [t for t in (random_tokens(9) for _ in range(60)) if not np.any(t == GRAMMAR.constant)]
    values = evaluator.values(expressions)
    scores = evaluator.scores(expressions, views)
    for row, score in zip(values, scores, strict=True):
        if not np.isfinite(row).all():
            assert (score == np.inf).all()
        elif np.ptp(row) > 1e-9 * np.abs(row).max():
            expected = [plain_score(row, views, v) for v in range(len(views.names))]
            np.testing.assert_allclose(score, expected, rtol=1e-7, atol=1e-12)
        else:
            np.testing.assert_array_equal(score, 1.0)


def test_an_expression_is_given_up_only_when_no_view_can_fall_below_the_threshold() -> None:
    data, views = problem(1500)
    evaluator = Evaluator(GRAMMAR, data.X)
    expressions = [random_tokens(8) for _ in range(400)]
    expressions = [t for t in expressions if not np.any(t == GRAMMAR.constant)] + [
        GRAMMAR.parse("+ * 2 sin x ^2 y")
    ]
    full = evaluator.scores(expressions, views)
    enough = np.full(len(views.names), 0.02)
    early = evaluator.scores(expressions, views, enough)
    kept = (full <= enough).any(axis=1)
    assert kept.any()
    np.testing.assert_array_equal(early[kept], full[kept])
    given_up = (early != full).any(axis=1)
    assert given_up.mean() > 0.3
    assert (early[given_up] > 0.02).all() and (early[given_up] <= full[given_up] * (1 + 1e-9)).all()
    with pytest.raises(
        ValueError,
        match=r"enough has the shape \(1,\), but there are \d views; give one number for each view",
    ):
        evaluator.scores(expressions, views, np.ones(1))


def test_values_that_are_undefined_on_a_late_row_are_noticed() -> None:
    X = np.ones((2, 1000))
    X[0, 999], X[0, :999] = -1.0, RNG.uniform(1, 2, 999)
    data = Problem(X, RNG.uniform(1, 2, 1000), np.ones(1000))
    views = Views.of(data, GRAMMAR)
    assert (Evaluator(GRAMMAR, X).scores([GRAMMAR.parse("log x")], views) == np.inf).all()
    assert np.isfinite(Evaluator(GRAMMAR, X).scores([GRAMMAR.parse("exp x")], views)).all()


def test_padding_keeps_what_was_there() -> None:
    tokens, lengths = padded([GRAMMAR.parse("x"), GRAMMAR.parse("+ x y")])
    assert lengths.tolist() == [1, 3] and tokens.shape == (2, 3)
    assert padded([])[0].shape == (0, 1)


def test_a_pickled_evaluator_holds_no_addresses() -> None:
    evaluator = Evaluator(GRAMMAR, RNG.uniform(0.5, 2, (2, 30)))
    tokens = [GRAMMAR.parse("+ sin x exp y")]
    expected = evaluator.values(tokens)
    text = pickle.dumps(evaluator)
    assert not any(int(address).to_bytes(8, "little") in text for address in GRAMMAR.machine[0][:, 0])
    np.testing.assert_array_equal(pickle.loads(text).values(tokens), expected)
