"""The neural Q function: what its networks learn, that seeds decide it, and that the tree search uses it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from symnum.regression import prefixes
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.enumeration import Bank
from symnum.regression.environment import ExpressionEnv
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.neural_q import NetworkOptions, NeuralQ, goals_of, masks_of
from symnum.regression.problem import Problem, Views
from symnum.regression.tree_search import TreeOptions, TreeSearch

GRAMMAR = Grammar(("x", "y"), operators=("+", "*", "sin", "exp"))
RULES = prefixes.rules_of(GRAMMAR)
RANDOM = np.array([1], np.uint64)


def network(seed: int = 0, **given: Any) -> NeuralQ:
    pytest.importorskip("torch", reason="torch is an extra: pip install 'symnum[torch]'")
    options = NetworkOptions(**(dict(period=1, steps=10, batch=32) | given))
    return NeuralQ(RULES, 8, seed=seed, states=1 << 10, discount=0.9, step_reward=0.0, options=options)


def expressions(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return random expressions as choices, with lengths, and a reward for each sine that is multiplied by something."""
    rng = np.random.default_rng(seed)
    choices, lengths, rewards = np.zeros((count, 8), np.int16), np.zeros(count, np.int64), np.zeros(count)
    times, sine = (int(RULES.choice[GRAMMAR.token(name)]) for name in ("*", "sin"))
    for e in range(count):
        prefix: list[int] = []
        while (mask := prefixes.legal_after(RULES, prefix, 8)).any():
            prefix.append(int(rng.choice(np.flatnonzero(mask))))
        choices[e, : len(prefix)] = prefix
        lengths[e] = len(prefix)
        rewards[e] = 0.9 if prefix[0] == times and sine in prefix else 0.1
    return choices, lengths, rewards


def test_masks_along_expressions_are_those_of_their_prefixes() -> None:
    choices, lengths, _ = expressions(30, 0)
    masks = masks_of(choices, lengths, 8, RULES.table)
    for e, length in enumerate(lengths):
        for t in range(9):
            expected = (
                prefixes.legal_after(RULES, choices[e, :t], 8)
                if t < length
                else np.zeros(masks.shape[2], bool)
            )
            np.testing.assert_array_equal(masks[e, t], expected)


def test_goals_are_those_of_double_q_learning_and_never_below_the_return() -> None:
    own = np.array([[[9.0, 9.0], [0.2, 0.9], [0.5, 0.1], [0.0, 0.0]]])
    other = np.array([[[9.0, 9.0], [0.6, 0.7], [0.3, 0.8], [0.0, 0.0]]])
    masks = np.ones((1, 4, 2), bool)
    goals = goals_of(own, other, masks, np.array([3]), np.array([0.5]), 0.5, -0.1)
    # after one token the first network likes choice 1, of which the second thinks 0.7; the return from there is -0.1 + 0.5*0.5
    assert goals[0] == pytest.approx([-0.1 + 0.5 * 0.7, -0.1 + 0.5 * 0.5, 0.5], abs=1e-15)
    masks[0, 1, 1] = False
    goals = goals_of(own, other, masks, np.array([3]), np.array([0.5]), 0.5, -0.1)
    assert goals[0, 0] == pytest.approx(-0.1 + 0.5 * 0.6, abs=1e-15)


def test_the_networks_learn_and_generalise_to_prefixes_that_were_never_met() -> None:
    q = network()
    choices, lengths, rewards = expressions(600, 1)
    times, plus, sine, x = (int(RULES.choice[GRAMMAR.token(name)]) for name in ("*", "+", "sin", "x"))
    apart = (choices[:, 0] == times) & (choices[:, 1] == plus) & (choices[:, 2] == plus)  # kept from it
    for _ in range(15):
        q.learn(choices[~apart], lengths[~apart], rewards[~apart], RANDOM)
    start = q.values([]).mean(axis=0)
    assert start[times] > start[plus] + 0.2
    for prefix in ([times, plus, plus, x], [times, plus, plus, x, x]):
        after = q.values(prefix).mean(axis=0)
        assert after[sine] > 0.5


def test_the_table_that_simulations_read_holds_the_values_of_the_networks() -> None:
    q = network()
    q.learn(*expressions(100, 2), RANDOM)
    assert q.stale
    times, sine = (int(RULES.choice[GRAMMAR.token(name)]) for name in ("*", "sin"))
    paths = [[], [times], [times, sine], [sine, 0]]
    q.refresh(paths)
    assert not q.stale
    assert np.count_nonzero(q.table.keys) == 3  # the last is whole
    from symnum.regression.q_values import find, key_of

    for path in paths[:3]:
        written = q.table.values[find(q.table.keys, key_of(path))]
        legal = prefixes.legal_after(RULES, path, 8)
        np.testing.assert_allclose(written[:, legal], q.values(path)[:, legal], rtol=1e-6)
        assert np.isneginf(written[:, ~legal]).all()


def test_the_seed_decides_and_torchs_own_generator_is_left_alone() -> None:
    torch = pytest.importorskip("torch", reason="torch is an extra: pip install 'symnum[torch]'")

    def values(seed: int) -> np.ndarray:
        q = network(seed)
        for part in range(3):
            q.learn(*expressions(50, part), RANDOM)
        return q.values([])

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = values(1), values(1), values(2)
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_memory_is_bounded_and_keeps_the_best() -> None:
    q = network(memory=40, elite=10)
    choices, lengths, rewards = expressions(300, 3)
    for start in range(0, 300, 60):
        part = slice(start, start + 60)
        q.learn(choices[part], lengths[part], rewards[part], RANDOM)
    assert len(q.memory) == 40 and len(q.elite) <= 20
    assert sorted(q.elite.values())[-10:] == [0.9] * 10
    q.forget()
    assert not q.memory and not q.elite and not q.table.keys.any()


def test_the_tree_search_finds_a_law_with_it_and_agrees_with_the_environment() -> None:
    pytest.importorskip("torch", reason="torch is an extra: pip install 'symnum[torch]'")
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 3, (30, 2))
    y = X[:, 0] * np.sin(X[:, 1]) + 2

    def run() -> tuple[str, int, TreeSearch]:
        problem = Problem.of(X, y, np.ones(30))
        search = TreeSearch(
            Bank(GRAMMAR, problem, 100), Archive(Views.of(problem, GRAMMAR)), Evaluator(GRAMMAR, problem.X), np.random.default_rng(3),
            TreeOptions(q="neural", longest=8, rounds=100, simulations=20),
        )  # fmt: skip
        return search.run(Budget(20_000)), search.evaluations, search

    stopped, evaluations, search = run()
    assert stopped == "exact" and evaluations == run()[1]
    assert np.count_nonzero(search.q.table.keys) > 20
    env = ExpressionEnv(X, y, GRAMMAR, longest=8)
    for text, reward in list(search.q.memory.items())[-50:]:
        choices = np.frombuffer(text, np.int16)
        # it was scored with its sums and products in this order or in another one
        assert env.reward_of(RULES.choices[choices]) == pytest.approx(reward, rel=1e-12)


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'symnum\[torch\]', or write q='tabular'"):
        NeuralQ(RULES, 8, seed=0, states=8, discount=0.9, step_reward=0.0)


@pytest.mark.parametrize("given", [dict(hidden=0), dict(learning_rate=-1.0), dict(period=0)])
def test_network_options_that_make_no_sense_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(given))} is .*, but must be positive"):
        NetworkOptions(**given)
