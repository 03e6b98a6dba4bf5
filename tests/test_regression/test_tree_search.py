"""The tree search: its masks, its Q-learning, its tree, what it finds and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from symnum.regression import prefixes, q_values
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.constraints import Constraints
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.evolution import Evolution
from symnum.regression.grammar import Grammar
from symnum.regression.kernels import Array
from symnum.regression.problem import Problem, Views
from symnum.regression.q_values import QTable, TabularQ
from symnum.regression.tree import CHOICE, OPEN, PARENT, VISITS
from symnum.regression.tree_search import TreeOptions, TreeSearch
from symnum.regression.units import Units

Law = Callable[..., Array]

GRAMMARS = (
    Grammar(("x",)),
    Grammar(("x", "y"), operators=("+", "*", "sin", "cos", "exp", "log", "sqrt", "^2")),
    Grammar(("x", "y", "z"), operators=("/", "^", "neg", "tanh", "min", "^-1", "^3"), numbers=(1, 2, 3)),
)


def search_of(
    law: Law, names: tuple[str, ...], seed: int = 0, operators: tuple[str, ...] | None = None, start: str = "",
    noise: float = 0.0, grammar: Grammar | None = None, **options: Any,
) -> TreeSearch:  # fmt: skip
    rng = np.random.default_rng(1000 + seed)
    X = rng.uniform(0.5, 3, (30, len(names)))
    y = law(*X.T) + noise * rng.normal(size=30)
    grammar = grammar or (Grammar(names) if operators is None else Grammar(names, operators))
    problem = Problem.of(X, y, np.ones(30))
    archive, bank = Archive(Views.of(problem, grammar)), Bank(grammar, problem, 200)
    tokens = np.array([grammar.token(name) for name in start.split()], np.int16)
    return TreeSearch(
        bank,
        archive,
        Evaluator(grammar, problem.X),
        np.random.default_rng(seed),
        TreeOptions(**options),
        tokens,
    )


RANDOM = np.array([1], np.uint64)


def walks(grammar: Grammar, longest: int, count: int, seed: int) -> Iterator[list[int]]:
    """Yield the tokens of random expressions, drawn with the grammar's own mask."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        prefix: list[int] = []
        while (mask := grammar.legal(prefix, longest)).any():
            prefix.append(int(rng.choice(np.flatnonzero(mask))))
        yield prefix


def wave(x: Array, y: Array) -> Array:
    return x * np.sin(x + y)


# --- prefixes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_masks_are_those_of_the_grammar(grammar: Grammar) -> None:
    rules = prefixes.rules_of(grammar)
    for tokens in walks(grammar, 15, 150, 0):
        choices = rules.choice[tokens]
        assert choices.min() >= 0
        for end in range(len(tokens) + 1):
            expected = grammar.legal(tokens[:end], 15)
            assert (
                np.flatnonzero(expected).tolist()
                == rules.choices[prefixes.legal_after(rules, choices[:end], 15)].tolist()
            )
        assert prefixes.keeps_rules(choices, 15, rules.table)
        assert not prefixes.keeps_rules(choices, len(choices) - 1, rules.table)
        assert not prefixes.keeps_rules(choices[:-1], 15, rules.table)
        assert not prefixes.keeps_rules(np.append(choices, 0), 16, rules.table)


def test_an_expression_outside_the_language_does_not_keep_the_rules() -> None:
    grammar = GRAMMARS[1]
    rules = prefixes.rules_of(grammar)
    for text in ("sin cos x", "exp log x", "+ C x", "^ x y"):
        assert not prefixes.keeps_rules(rules.choice[grammar.parse(text)], 15, rules.table)


def hash_of(grammar: Grammar, text: str) -> int:
    rules = prefixes.rules_of(grammar)
    choices = rules.choice[grammar.parse(text)]
    return int(prefixes.canonical(choices, len(choices), rules.table, np.zeros((len(choices), 3), np.uint64)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+ x y", "+ y x", True), ("+ x + y z", "+ + z x y", True), ("* x * y + 1 z", "* * + z 1 y x", True),
        ("sin + x * y z", "sin + * z y x", True), ("- x y", "- y x", False), ("/ x y", "/ y x", False), ("^ x y", "^ y x", False),
        ("+ x * y z", "* x + y z", False), ("+ x y", "+ x z", False), ("+ x x", "+ x + x x", False), ("sin x", "cos x", False),
        ("+ sin x y", "+ sin y x", False), ("* + x y + x z", "* + x z + y x", True), ("* + x y + x z", "* + x y + y z", False),
        ("- + x y z", "- + y x z", True), ("+ 1 x", "+ 2 x", False), ("+ - x y z", "+ - x z y", False),
    ],
)  # fmt: skip
def test_the_canonical_hash_sees_through_the_order_of_sums_and_products(
    one: str, other: str, same: bool
) -> None:
    grammar = Grammar(("x", "y", "z"))
    assert (hash_of(grammar, one) == hash_of(grammar, other)) is same


def test_canonical_hashes_are_equal_only_for_equal_values() -> None:
    grammar = GRAMMARS[0]
    rules, x = prefixes.rules_of(grammar), np.array([[0.3, 0.7, 1.9]])
    met: dict[int, Array] = {}
    collected = 0
    for tokens in walks(grammar, 7, 3000, 5):
        choices = rules.choice[tokens]
        key = int(prefixes.canonical(choices, len(choices), rules.table, np.zeros((7, 3), np.uint64)))
        values = Evaluator(grammar, x).values([np.array(tokens, np.int16)])[0]
        if key in met:
            np.testing.assert_allclose(values, met[key], rtol=1e-12, equal_nan=True)
            collected += 1
        met[key] = values
    assert collected > 100


def test_the_reward() -> None:
    assert prefixes.reward(0.0, 4, 0.99) == 0.99**4
    assert prefixes.reward(1.0, 1, 0.5) == 0.25
    assert prefixes.reward(np.inf, 3, 0.99) == prefixes.reward(np.nan, 3, 0.99) == 0.0


def test_numbers_are_drawn_evenly() -> None:
    random = np.array([3], np.uint64)
    drawn = np.array([prefixes.drawn(random) for _ in range(20_000)])
    assert 0 <= drawn.min() < 0.001 and 0.999 < drawn.max() < 1
    counts = np.histogram(drawn, 10, (0, 1))[0]
    assert np.sum((counts - 2000) ** 2 / 2000) < 27.9  # chi-square of 9 degrees at 0.1 %
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.025


# --- Q-learning ---------------------------------------------------------------------------------------------------------------


def test_an_update_is_that_of_double_q_learning() -> None:
    values = np.array(
        [
            [[0.1, 0.2, -np.inf], [0.3, 0.0, -np.inf]],
            [[0.5, 0.4, 0.45], [0.2, 0.9, 0.6]],
            [[0.0] * 3, [0.0] * 3],
        ]
    )
    first = values.copy()
    q_values.update(
        first, 0, 0, 1, -0.1, 0.9, 0.25, 0
    )  # A learns: it likes choice 0 best, B thinks 0.2 of it
    assert first[0, 0, 0] == pytest.approx(0.1 + 0.25 * (-0.1 + 0.9 * 0.2 - 0.1), abs=1e-15)
    second = values.copy()
    q_values.update(
        second, 0, 1, 1, -0.1, 0.9, 0.25, 1
    )  # B learns: it likes choice 1 best, A thinks 0.4 of it
    assert second[0, 1, 1] == pytest.approx(0.0 + 0.25 * (-0.1 + 0.9 * 0.4 - 0.0), abs=1e-15)
    last = values.copy()
    q_values.update(last, 1, 2, -1, 0.8, 0.9, 0.5, 1)  # the end: nothing follows
    assert last[1, 1, 2] == pytest.approx(0.6 + 0.5 * (0.8 - 0.6), abs=1e-15)
    for changed, place in ((first, (0, 0, 0)), (second, (0, 1, 1)), (last, (1, 1, 2))):
        changed[place] = values[place]
        np.testing.assert_array_equal(changed, values)


def learner(grammar: Grammar, **given: Any) -> TabularQ:
    settings: dict[str, Any] = dict(states=1 << 10, discount=0.5, rate=1.0, step_reward=-0.125)
    return TabularQ(prefixes.rules_of(grammar), 6, **(settings | given))


def taught(q: TabularQ, texts: list[str], rewards: list[float], grammar: Grammar, **given: Any) -> None:
    choices, lengths = np.zeros((len(texts), 6), np.int16), np.zeros(len(texts), np.int64)
    for row, text in enumerate(texts):
        found = q.rules.choice[grammar.parse(text)]
        choices[row, : len(found)] = found
        lengths[row] = len(found)
    q.learn(choices, lengths, np.array(rewards), RANDOM, **given)


def test_each_simulation_makes_one_more_prefix_known_and_the_best_one_all() -> None:
    grammar = Grammar(("x", "y"), operators=("+", "sin"))
    q = learner(grammar)
    plus, x, sine, y = (int(q.rules.choice[grammar.token(name)]) for name in ("+", "x", "sin", "y"))
    q.table.best[0] = 1.0
    taught(q, ["+ x sin y"], [0.5], grammar)
    assert q.values([plus]) is None
    root = q.values([])
    assert root is not None
    # the return of the whole expression stands for what follows: 0.5, then three steps of -0.125 with discount 1/2
    assert sorted(root[:, plus]) == [
        -0.21875,
        -0.15625,
    ]  # the other table has what a reward of 0 is worth here
    assert np.isfinite(root).all()
    taught(q, ["+ x sin y"], [0.5], grammar)
    assert q.values([plus]) is not None and q.values([plus, x]) is None
    taught(q, ["+ x sin y"], [2.0], grammar)
    after_sine = q.values([plus, x, sine])
    assert after_sine is not None
    assert after_sine[:, y].max() == 2.0
    assert after_sine[:, x].tolist() == [0.5] * 2  # the mean so far
    assert np.isneginf(after_sine[:, sine]).all()  # sin in sin
    assert q.values([y]) is None


def test_values_pass_along_the_prefix_from_the_last_token_to_the_first() -> None:
    grammar = Grammar(("x", "y"), operators=("+", "sin"))
    q = learner(grammar, step_reward=0.0)
    sine, x, y = (int(q.rules.choice[grammar.token(name)]) for name in ("sin", "x", "y"))
    for _ in range(60):
        taught(q, ["sin x", "sin y", "x"], [0.8, 0.4, 0.1], grammar, whole=True)
    after_sine, root = q.values([sine]), q.values([])
    assert after_sine is not None and root is not None
    assert after_sine[:, [x, y]].tolist() == [[0.8, 0.4]] * 2
    assert root[:, [sine, x]].tolist() == [[0.5 * 0.8, 0.1]] * 2
    q.forget()
    assert q.values([]) is None and not q.table.best.any() and not q.table.usual.any()


def test_the_tokens_that_were_given_are_not_learned() -> None:
    grammar = Grammar(("x", "y"), operators=("+", "sin"))
    q = learner(grammar)
    taught(q, ["+ x sin y"], [0.5], grammar, skipped=2, whole=True)
    plus, x, sine = (int(q.rules.choice[grammar.token(name)]) for name in ("+", "x", "sin"))
    assert q.values([]) is None and q.values([plus]) is None
    assert q.values([plus, x]) is not None and q.values([plus, x, sine]) is not None


def test_a_full_table_gives_the_places_of_seldom_used_prefixes_to_new_ones() -> None:
    q = QTable.empty(8, 2)
    mask = np.array([True, False])
    for number in range(8):
        place = q_values.claim(q, np.uint64((number + 1) << 40), mask, 0.5)
        q.uses[place] = 10 - number
    assert np.count_nonzero(q.keys) == 8
    place = q_values.claim(q, np.uint64(99 << 40), mask, 0.5)
    assert q_values.find(q.keys, np.uint64(8 << 40)) == -1  # it was used least
    assert q_values.find(q.keys, np.uint64(99 << 40)) == place
    assert q.values[place].tolist() == [[0.5, -np.inf]] * 2


def test_learning_in_a_table_that_is_much_too_small_keeps_values_in_bounds() -> None:
    grammar = GRAMMARS[0]
    q = TabularQ(prefixes.rules_of(grammar), 12, states=8, discount=1.0, rate=0.5, step_reward=0.0)
    rng = np.random.default_rng(0)
    for tokens in walks(grammar, 12, 300, 1):
        choices = np.zeros((1, 12), np.int16)
        choices[0, : len(tokens)] = q.rules.choice[tokens]
        q.learn(choices, np.array([len(tokens)]), rng.random(1), np.array([2], np.uint64), whole=True)
    values = q.table.values[np.isfinite(q.table.values)]
    assert values.min() >= 0 and 0 < values.max() <= 1


@pytest.mark.parametrize(
    ("epsilon", "expected"), [(1.0, [0.1966, 0.0, 0.2689, 0.5344]), (0.0, [1 / 3, 0, 1 / 3, 1 / 3])]
)
def test_choices_are_drawn_by_the_softmax_of_both_tables_or_evenly(
    epsilon: float, expected: list[float]
) -> None:
    values = np.zeros((1, 2, 4))
    values[0, 0] = [0.0, 9.0, 0.1, 0.1]
    values[0, 1] = [0.1, 9.0, 0.1634, 0.5]
    if epsilon:
        weights = np.exp((values[0, 0] + values[0, 1]) / 0.5) * [1, 0, 1, 1]
        expected = (weights / weights.sum()).tolist()
    mask, random, room = np.array([True, False, True, True]), np.array([7], np.uint64), np.zeros(4)
    drawn = [q_values.pick(values, 0, mask, 3, epsilon, 0.5, room, random) for _ in range(9000)]
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 9000, expected, atol=0.02)


# --- the tree -----------------------------------------------------------------------------------------------------------------


def test_every_expression_that_is_built_is_allowed_and_scored_once() -> None:
    search = search_of(wave, ("x", "y"), longest=11, simulations=200, noise=0.1)
    met: set[int] = set()
    scored = 0
    original = search.evaluator.padded_scores

    def watched(tokens: Array, lengths: Array, views: Any) -> Array:
        nonlocal scored
        for row, length in zip(tokens, lengths, strict=True):
            expression = row[:length]
            assert search.grammar.end(expression, 0) == length <= 11
            assert search.grammar.allowed(expression)
            choices = search.rules.choice[expression]
            met.add(
                int(prefixes.canonical(choices, length, search.rules.table, np.zeros((11, 3), np.uint64)))
            )
        scored += len(tokens)
        return original(tokens, lengths, views)

    search.evaluator.padded_scores = watched  # type: ignore[method-assign, assignment]
    assert search.run(Budget(20_000)) in ("rounds", "budget")
    assert scored == search.evaluations == len(met) > 3000
    assert search.simulations > search.evaluations


RESTRICTED = {
    "nesting": Grammar(("x", "y"), constraints=Constraints(nesting={"sin": {"sin": 0, "exp": 0}})),
    "sizes": Grammar(("x", "y"), constraints=Constraints(max_size={"sin": 1, "*": (1, 5)}, max_depth=4)),
    "required": Grammar(("x", "y"), constraints=Constraints(required=("x", "y"), max_count={"+": 1})),
    "units": Grammar(("x", "y"), units=Units.of({"x": "m", "y": "s"}, "m/s", ("x", "y"))),
}


@pytest.mark.parametrize("kind", RESTRICTED)
def test_masks_keep_constraints_and_units(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grammar = RESTRICTED[kind]
    search = search_of(lambda x, y: np.sin(x) * y + x, ("x", "y"), grammar=grammar, longest=12)
    built: list[bytes] = []
    scores = Evaluator.padded_scores

    def noted(self: Evaluator, tokens: Array, lengths: Array, views: Views) -> Array:
        built.extend(row[:length].tobytes() for row, length in zip(tokens, lengths, strict=True))
        return scores(self, tokens, lengths, views)

    monkeypatch.setattr(Evaluator, "padded_scores", noted)
    assert search.run(Budget(2000)) in ("budget", "exact")
    free = search_of(lambda x, y: np.sin(x) * y + x, ("x", "y"), longest=12)
    restricted = built.copy()
    free.run(Budget(len(built)))
    assert len(restricted) > 300
    suitable = [
        np.mean([grammar.suits(np.frombuffer(text, np.int16)) for text in texts])
        for texts in (restricted, built[len(restricted) :])
    ]
    if kind == "units":  # whether an exponent is a number that is known shows at its last token
        assert suitable[0] > 0.9 and suitable[1] < 0.5
        return
    assert suitable[0] == 1.0 and (suitable[1] < 1.0 or kind == "required")
    assert all(grammar.allowed(np.frombuffer(text, np.int16)) for text in restricted)
    assert search.tree.facts[: search.tree.size[0], OPEN].min() >= 0


def test_a_prefix_without_an_ending_has_no_reward() -> None:
    # metres plus a call: no variable, number or function of them has this unit, and constants are not searched
    grammar = Grammar(("x", "y"), ("+", "sin"), units=Units.of({"x": "m", "y": "s"}, None, ("x", "y")))
    search = search_of(lambda x, y: x + y, ("x", "y"), grammar=grammar, longest=7)
    search.run(Budget(500))
    for entry in search.archive.entries(0):
        assert grammar.suits(entry.tokens)


def test_the_tree_holds_the_largest_reward_below_each_node() -> None:
    search = search_of(wave, ("x", "y"), longest=9, simulations=500, noise=0.1)
    search._plant()
    rewards: dict[int, list[float]] = {}
    for _ in range(8):
        search._simulate(search.start, 0, Budget())
        for leaf, reward in zip(search.batch.leaves, search.batch.rewards, strict=True):
            rewards.setdefault(int(leaf), []).append(float(reward))
    facts, best = search.tree.facts, search.tree.best
    size = int(search.tree.size[0])
    assert size == 2001 and facts[0, VISITS] == 2000
    below: dict[int, list[int]] = {}
    for node in range(1, size):
        below.setdefault(int(facts[node, PARENT]), []).append(node)
        assert search.tree.child[facts[node, PARENT], facts[node, CHOICE]] == node
    for node in range(size):
        children = below.get(node, [])
        known = [best[c] for c in children] + rewards.get(node, [])
        assert best[node] == max(known)
        if node:
            assert facts[node, VISITS] == sum(facts[c, VISITS] for c in children) + 1
        legal = prefixes.legal_after(search.rules, search._path(node), 9).sum()
        assert facts[node, OPEN] == legal - sum(facts[c, OPEN] == 0 for c in children)


def test_the_bound_is_that_of_the_published_formula() -> None:
    search = search_of(
        wave, ("x", "y"), operators=("+",), longest=3, simulations=1, exploration=0.3, noise=0.1
    )
    search._plant()
    for _ in range(5):  # x, y, 1, 2 and one sum: all choices are tried, and the sum alone stays open
        search._simulate(search.start, 0, Budget())
    plus = int(search.rules.choice[search.grammar.token("+")])
    node = int(search.tree.child[0, plus])
    for _ in range(4):
        search._simulate(search.start, 0, Budget())
    arguments = search.tree.child[node][search.tree.child[node] > 0]
    assert len(arguments) == 4
    for number in range(8):
        facts, best = search.tree.facts.copy(), search.tree.best.copy()
        opened = [int(a) for a in arguments if facts[a, OPEN] > 0]
        bounds = [best[a] + 0.3 * np.sqrt(np.log(facts[node, VISITS] + 1) / facts[a, VISITS]) for a in opened]
        search._simulate(search.start, 0, Budget())
        visited = [a for a in opened if search.tree.facts[a, VISITS] > facts[a, VISITS]]
        assert visited == [opened[int(np.argmax(bounds))]], number


def test_a_language_of_few_expressions_is_searched_completely_and_each_is_built_once_by_the_tree() -> None:
    search = search_of(wave, ("x", "y"), operators=("-", "sin"), longest=4, noise=0.1)
    assert search.run(Budget(seconds=60)) == "complete"
    everything, level = 0, [[]]  # type: ignore[var-annotated]
    while level:
        level = [[*p, int(t)] for p in level for t in np.flatnonzero(search.grammar.legal(p, 4))]
        everything += sum(not search.grammar.legal(p, 4).any() for p in level)
    assert search.evaluations == everything  # "-" has no second form, so no two are the same


def test_a_tree_without_room_goes_on_without_new_nodes() -> None:
    search = search_of(wave, ("x", "y"), nodes=20, noise=0.1, rounds=1000)
    assert search.run(Budget(3000)) == "budget"
    assert search.tree.size[0] == 20
    assert search.evaluations == 3000


def test_an_expression_that_is_undefined_on_the_data_has_no_reward_and_is_not_kept() -> None:
    search = search_of(lambda x: x**2, ("x",), operators=("-", "log"), longest=4, noise=0.1, rounds=1000)
    assert search.run(Budget()) == "complete"
    key = np.uint64(hash_of(search.grammar, "log - x x"))
    assert search.known.rewards[search.known.keys == key].tolist() == [0.0]
    kept = [entry.tokens.tolist() for entry in search.archive.entries(0)]
    assert search.grammar.parse("log - x x").tolist() not in kept and len(kept) > 5


# --- the search ---------------------------------------------------------------------------------------------------------------


def test_laws_are_found_from_a_fixed_number_of_evaluations() -> None:
    laws: list[tuple[Law, tuple[str, ...]]] = [
        (lambda x, y: x / (1 + y**2), ("x", "y")),
        (lambda x, y, z: x * np.sqrt(y) * np.sin(z), ("x", "y", "z")),  # 7 tokens of 16
    ]
    for law, names in laws:
        search = search_of(law, names, rounds=10_000)
        assert search.run(Budget(150_000)) == "exact", names
        assert search.archive.exact()


def test_the_same_seed_gives_the_same_search() -> None:
    def entries(seed: int) -> list[list[Any]]:
        search = search_of(wave, ("x", "y"), noise=0.1)
        search.random[:] = seed
        search.run(Budget(5000))
        return [list(search.archive.entries(view)) for view in range(len(search.archive.best))]

    assert entries(1) == entries(1)
    assert entries(1) != entries(2)


def test_budgets_are_kept() -> None:
    search = search_of(wave, ("x", "y"), noise=0.1, rounds=10_000)
    budget = Budget(1234)
    assert search.run(budget) == "budget"
    assert budget.used == search.evaluations == 1234
    assert search.run(budget) == "budget" and search.evaluations == 1234
    assert search.run(Budget(seconds=0.0)) == "budget" and search.evaluations == 1234
    assert search.run(Budget(seconds=0.05)) == "budget" and search.evaluations > 1234
    assert search_of(wave, ("x", "y"), noise=0.1, rounds=2).run(Budget()) == "rounds"


def test_a_search_ends_soon_after_the_archive_is_content() -> None:
    search = search_of(wave, ("x", "y"), noise=0.1, rounds=10_000, simulations=250, longest=9)
    search.archive.exact = lambda: search.archive.front(0)[-1].left < 0.7  # type: ignore[method-assign]
    with pytest.raises(IndexError):
        search.archive.exact()  # nothing is there yet
    search.archive.offer(
        np.full((1, len(search.archive.best)), 0.99), np.array([1]), lambda k: search.grammar.parse("x")
    )
    assert search.run(Budget(1_000_000)) == "exact"
    assert search.evaluations < 20_000
    assert search.run(Budget(1_000_000)) == "exact"


def test_an_interruption_loses_nothing_and_the_search_goes_on() -> None:
    search = search_of(wave, ("x", "y"), noise=0.1, simulations=500)
    original, calls = search.evaluator.padded_scores, 0

    def interrupted(*args: Any) -> Array:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise KeyboardInterrupt
        return original(*args)

    search.evaluator.padded_scores = interrupted  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        search.run(Budget())
    assert list(search.archive.entries(0)) and not search.waiting
    kept = search.archive.front(0)[-1].left
    assert search.run(Budget()) == "rounds"
    assert search.archive.front(0)[-1].left <= kept
    assert (
        search.known.rewards[search.known.keys != 0] >= 0
    ).mean() > 0.98  # the interrupted ones were scored later


def test_a_search_in_which_nothing_is_new_ends() -> None:
    search = search_of(
        wave, ("x", "y"), operators=("+",), longest=3, noise=0.1, tree=False, patience=20, rounds=10_000
    )
    assert search.run(Budget()) == "no progress"


def test_without_the_tree_expressions_are_drawn_by_the_q_function() -> None:
    search = search_of(lambda x, y: x * np.sin(y), ("x", "y"), tree=False, rounds=1000)
    assert search.run(Budget(100_000)) == "exact"
    assert search.tree.size[0] <= 1


def test_what_evolution_finds_is_learned_and_grafted() -> None:
    search = search_of(wave, ("x", "y"), noise=0.1, longest=12)
    found = search.grammar.parse("* x sin + x y")
    scores = search.evaluator.scores([found], search.archive.views)
    foreign = [search.grammar.parse(text) for text in ("+ x C", "+ + + + + + x x x x x x x")]
    search.archive.offer(scores, np.array([6]), lambda k: found)
    for tokens in foreign:  # a slot, and an expression that is too long
        search.archive.offer(scores * 0.5, np.array([len(tokens)]), lambda k, tokens=tokens: tokens)  # type: ignore[misc]
    search.run(Budget(1))
    assert list(search.taught) == [found.tobytes()]
    choices = search.rules.choice[found]
    after = search.q.values(choices[:-1])
    assert after is not None
    reward = prefixes.reward(scores.min(), 6, 0.99)
    assert after[:, choices[-1]].max() == pytest.approx(0.2 * reward)
    node = 0
    for choice in choices:
        node = int(search.tree.child[node, choice])
        assert node > 0 and search.tree.best[node] >= reward
    assert search.tree.facts[node, OPEN] == 0
    deaf = search_of(wave, ("x", "y"), noise=0.1, longest=12, feedback=False)
    deaf.archive.offer(scores, np.array([6]), lambda k: found)
    deaf.run(Budget(1))
    assert not deaf.taught and deaf.q.values(choices[:-1]) is None


def test_evolution_and_tree_search_alternate_on_one_archive() -> None:
    search = search_of(lambda x: x**4 + x**3 + x**2 + x, ("x",), rounds=1, simulations=500)
    evolution = Evolution(search.bank, search.archive, search.evaluator, np.random.default_rng(0))
    whole, stopped = Budget(200_000), "rounds"
    while stopped == "rounds" and not whole.spent:
        stopped = search.run(whole)
        if stopped == "rounds":
            part = Budget(5000)
            evolution.run(part)
            whole.spend(part.used)
            stopped = "exact" if search.archive.exact() else stopped
    assert stopped == "exact"


@pytest.mark.parametrize(
    ("start", "law"),
    [
        ("+ sin x", lambda x, y: np.sin(x) + y * np.exp(-x)),
        ("* sin x", lambda x, y: np.sin(x) * (y + x**2)),
        ("^ y", lambda x, y: y ** (x * np.cos(x))),
    ],
)
def test_a_known_part_is_completed(start: str, law: Law) -> None:
    search = search_of(law, ("x", "y"), start=start, rounds=1000)
    assert search.run(Budget(200_000)) == "exact"
    words = start.split()
    for view in range(len(search.archive.best)):
        for entry in search.archive.entries(view):
            assert [search.grammar.names[t] for t in entry.tokens[: len(words)]] == words


def test_a_known_argument_is_a_column() -> None:
    rng = np.random.default_rng(4)
    X = rng.uniform(0.5, 3, (30, 2))
    part = X[:, 0] * X[:, 1] / (1 + X[:, 0])
    y = np.cos(part) / part
    problem = Problem.of(np.column_stack([X, part]), y, np.ones(30))
    grammar = Grammar(("x", "y", "A"))
    search = TreeSearch(
        Bank(grammar, problem, 200),
        Archive(Views.of(problem, grammar)),
        Evaluator(grammar, problem.X),
        rng,
        TreeOptions(rounds=1000),
    )
    assert search.run(Budget(50_000)) == "exact"


def test_with_q_learning_the_simulations_reach_larger_rewards() -> None:
    reached: dict[float, list[float]] = {0.6: [], 0.0: []}  # with epsilon 0 the Q function is not asked
    for epsilon, means in reached.items():
        for seed in range(8):
            search = search_of(
                wave,
                ("x", "y"),
                seed=seed,
                noise=0.1,
                tree=False,
                epsilon=epsilon,
                longest=10,
                simulations=250,
                rounds=2,
            )
            search.run(Budget())  # twenty times 250
            means.append(float(search.batch.rewards.mean()))
    difference = np.array(reached[0.6]) - np.array(reached[0.0])
    assert difference.mean() > 3 * difference.std(ddof=1) / np.sqrt(8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(q="deep"), "no Q function 'deep'; write q='tabular'"),
        (dict(q="none", tree=False), "would draw at random for ever"),
        (dict(simulations=0), "simulations is 0, but must be at least 1"),
        (dict(states=1000), "states is 1000, but must be a power of two"),
        (dict(known=4), "known is 4, but must be a power of two from 8 on"),
        (dict(epsilon=1.5), r"epsilon is 1\.5, but must lie between 0 and 1"),
        (dict(discount=-0.1), "discount is -0.1"),
        (dict(narrowing=2.0), r"narrowing is 2\.0, but must lie between 0 and 1"),
        (dict(temperature=0.0), "temperature must be positive"),
        (dict(exploration=-1.0), r"exploration is -1\.0, but must be finite and not negative"),
        (dict(brevity=np.inf), "brevity is inf"),
        (dict(step_reward=np.nan), "step_reward finite"),
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TreeOptions(**given)


@pytest.mark.parametrize(
    ("start", "message"),
    [("sin cos", "start is 'sin cos', but 'cos' is not legal"), ("+ C", "'C' is not legal"), ("sin x", "a whole expression")],
)  # fmt: skip
def test_a_start_that_cannot_be_gone_on_with_is_refused(start: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search_of(wave, ("x", "y"), start=start)
