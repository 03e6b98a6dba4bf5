"""The gymnasium environment: it plays the game of the tree search, and keeps gymnasium's rules."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from symnum.regression import ExpressionEnv
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.constraints import Constraints
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem, Views
from symnum.regression.tree_search import TreeOptions, TreeSearch
from symnum.regression.units import Units

X = np.random.default_rng(0).uniform(0.5, 2, (30, 2))
Y = 2 * X[:, 0] * np.sin(X[:, 1]) + 1


def written(env: ExpressionEnv, text: str) -> tuple[Any, float, bool, bool, dict[str, Any]]:
    """Take the actions that a text of spellings means, and return what the last step gave."""
    for name in text.split():
        result = env.step(env.actions.index(name))
    return result


@pytest.mark.parametrize("dict_observation", [False, True])
def test_it_keeps_the_rules_of_gymnasium(dict_observation: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(
            "symnum/ExpressionBuilding-v0", X=X, y=Y, longest=9, dict_observation=dict_observation
        )
        assert isinstance(env.unwrapped, ExpressionEnv)
        check_env(env.unwrapped)


def test_it_is_registered_without_an_import_of_ours_when_its_module_is_named() -> None:
    code = (
        "import gymnasium, numpy as np; x = np.arange(5.0);"
        "env = gymnasium.make('symnum.regression.environment:symnum/ExpressionBuilding-v0', X=x[:, None], y=x);"
        "print(env.unwrapped.actions[0])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "x0\n", done.stderr


def test_an_expression_is_written_token_by_token_and_earns_what_it_explains() -> None:
    env = ExpressionEnv(X, Y, longest=8, step_reward=-0.01)
    observation, info = env.reset(seed=0)
    empty = len(env.actions)
    assert observation.tolist() == [empty] * 8 + [1, 8]
    assert info["action_mask"].dtype == np.int8
    observation, reward, terminated, truncated, info = written(env, "*")
    assert (reward, terminated, truncated) == (-0.01, False, False)
    assert observation.tolist() == [env.actions.index("*"), *[empty] * 7, 2, 7]
    observation, reward, terminated, truncated, info = written(env, "x0 sin x1")
    assert (terminated, truncated) == (True, False)
    assert reward == pytest.approx(0.99**4, rel=1e-9)
    assert info["expression"] == "x0*sin(x1)"
    assert not info["action_mask"].any()
    with pytest.raises(RuntimeError, match=r"call reset\(\) first"):
        env.step(0)
    env.reset()
    x0, y = X[:, 0], Y - Y.mean()
    slope = (x0 - x0.mean()) @ y / ((x0 - x0.mean()) @ (x0 - x0.mean()))
    error = np.sqrt(np.mean((y - slope * (x0 - x0.mean())) ** 2) / np.mean(y**2))
    assert env.views.names[0] == "plain"
    assert env.step(0)[1] >= 0.99 / (1 + error) - 1e-12  # other views may do better than the plain one
    plain = ExpressionEnv(X, Y - 3, Grammar(("u", "v"), operators=("+", "sin")))
    assert plain.views.names == ("plain",)
    plain.reset()
    assert plain.step(0)[1] == pytest.approx(0.99 / (1 + error), rel=1e-12)


def test_an_expression_that_is_undefined_on_the_data_earns_nothing() -> None:
    env = ExpressionEnv(X - 1.0, Y)
    env.reset()
    assert written(env, "log x0")[1] == 0.0


def test_masks_are_those_of_the_grammar_in_all_three_ways() -> None:
    env = ExpressionEnv(X, Y, longest=12, dict_observation=True)
    rng = np.random.default_rng(1)
    for _ in range(100):
        observation, info = env.reset()
        terminated = truncated = False
        while not (terminated or truncated):
            expected = env.grammar.legal(env.tokens.tolist(), 12)[env.rules.choices]
            for mask in (env.action_masks(), info["action_mask"], observation["action_mask"]):
                np.testing.assert_array_equal(mask, expected)
            action = int(rng.choice(np.flatnonzero(expected)))
            observation, _, terminated, truncated, info = env.step(action)
        assert terminated and not truncated
        assert env.grammar.allowed(env.tokens)
        assert len(env.prefix) <= 12


def test_an_illegal_action_writes_nothing_and_the_episode_ends_in_time() -> None:
    env = ExpressionEnv(X, Y, longest=5, illegal_reward=-0.5)
    env.reset()
    written(env, "sin")
    for step in range(2, 6):
        observation, reward, terminated, truncated, info = env.step(env.actions.index("cos"))
        assert (reward, terminated, truncated) == (-0.5, False, step == 5)
        assert info["illegal"] is True
    assert observation[-2:].tolist() == [1, 4]


def test_an_episode_can_start_from_given_tokens() -> None:
    env = ExpressionEnv(X, Y, longest=6)
    env.reset(options={"start": "* x0"})
    assert written(env, "sin x1")[1] == pytest.approx(0.99**4, rel=1e-9)
    for start, message in [
        ("sin cos", r"not legal at 'cos'; legal there are x0 x1 1 2 \+"),
        ("x0 x1", "none, as it is whole"),
        ("sin x0", "whole expression already"),
        ("C", "not legal at 'C'"),
    ]:
        with pytest.raises(ValueError, match=message):
            env.reset(options={"start": start})
    with pytest.raises(LookupError, match="no token 'zap'"):
        env.reset(options={"start": "zap"})


def test_the_text_of_an_episode(capsys: pytest.CaptureFixture[str]) -> None:
    env = ExpressionEnv(X, Y, render_mode="ansi")
    env.reset()
    assert env.render() == "?"
    written(env, "* x0")
    assert env.render() == "* x0 ?"
    written(env, "sin x1")
    assert env.render() == "x0*sin(x1): reward 0.9606"
    env = ExpressionEnv(X, Y, render_mode="human")
    env.reset()
    written(env, "x1")
    assert capsys.readouterr().out.startswith("?\nx1: reward 0.")
    assert env.render() is None


def test_the_reward_is_the_one_that_the_tree_search_works_with() -> None:
    grammar = Grammar(("x0", "x1"))
    env = ExpressionEnv(X, Y, grammar, longest=10)
    problem = Problem.of(X, Y, np.ones(len(Y)))
    views = Views.of(problem, grammar)
    search = TreeSearch(
        Bank(grammar, problem, 100), Archive(views), Evaluator(grammar, problem.X), np.random.default_rng(2),
        TreeOptions(longest=10, simulations=64),
    )  # fmt: skip
    search._plant()
    search._simulate(np.zeros(0, np.int16), 0, Budget())
    assert len(set(search.batch.rewards.round(6))) > 20
    for choices, length, reward in zip(
        search.batch.choices, search.batch.lengths, search.batch.rewards, strict=True
    ):
        env.reset()
        for choice in choices[:length]:
            _, earned, terminated, _, _ = env.step(int(choice))
        assert terminated
        assert earned == pytest.approx(
            reward, rel=1e-12
        )  # sums and products may have been scored in another order


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (dict(X=X[:, 0]), ValueError, r"shapes are \(30,\) and \(30,\); one column x is X=x\[:, None\]"),
        (dict(y=Y[:-1]), ValueError, r"\(30, 2\) and \(29,\)"),
        (dict(X=X[:0], y=Y[:0]), ValueError, r"\(0, 2\)"),
        (dict(X=np.where(X == X[3, 1], np.nan, X)), ValueError, "row 3 of X and y holds nan"),
        (dict(y=np.full(30, 2.5)), ValueError, "all values of y are the same"),
        (dict(sample_weight=np.ones(3)), ValueError, r"must be \(30,\) finite numbers"),
        (dict(sample_weight=-np.ones(30)), ValueError, "not negative"),
        (dict(sample_weight=np.zeros(30)), ValueError, "not all 0"),
        (dict(grammar="x0"), TypeError, r"grammar is a str; write grammar=Grammar"),
        (dict(grammar=Grammar(("a",))), ValueError, "1 variables, but X has 2 columns"),
        (dict(longest=0), ValueError, "longest is 0"),
        (dict(token_discount=1.5), ValueError, r"token_discount is 1\.5"),
        (dict(step_reward=np.inf), ValueError, "must be finite, but they are inf"),
        (dict(illegal_reward=np.nan), ValueError, "must be finite"),
        (dict(render_mode="rgb_array"), ValueError, "'rgb_array', but must be 'ansi', 'human' or None"),
    ],
)
def test_wrong_settings_are_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ExpressionEnv(**(dict(X=X, y=Y) | given))


def test_weights_count_as_repetitions() -> None:
    weights = np.random.default_rng(3).integers(0, 3, 30).astype(float)
    weighted = ExpressionEnv(X, Y, sample_weight=weights)
    repeated = ExpressionEnv(np.repeat(X, weights.astype(int), axis=0), np.repeat(Y, weights.astype(int)))
    tokens = weighted.grammar.parse("* x0 x1")
    assert weighted.reward_of(tokens) == pytest.approx(repeated.reward_of(tokens), rel=1e-12)


def test_masks_keep_the_constraints() -> None:
    grammar = Grammar(("a",), constraints=Constraints(nesting={"sin": {"exp": 0}}))
    env = ExpressionEnv(X[:, :1], Y, grammar)
    _, info = env.reset(options={"start": "sin"})
    assert info["action_mask"][env.actions.index("log")] == 1
    assert info["action_mask"][env.actions.index("exp")] == 0


def test_an_expression_without_an_ending_ends_the_episode_without_reward() -> None:
    # a function takes a pure number, of which a length alone makes none
    grammar = Grammar(("a",), ("+", "sin"), numbers=(), units=Units.of({"a": "m"}, None, ("a",)))
    env = ExpressionEnv(X[:, :1], Y, grammar, longest=4)
    env.reset()
    terminated = False
    for name in ("sin", "+", "sin", "a"):
        if terminated or not env.action_masks()[env.actions.index(name)]:
            break
        _, reward, terminated, _, info = env.step(env.actions.index(name))
    assert terminated and reward == 0.0 and "expression" not in info and "?" in env._text()
