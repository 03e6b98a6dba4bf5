"""Constraints: each limit binds, and the mask reaches exactly the expressions that the whole-expression check allows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from symnum.regression.admission import fitted_constants, fitting
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.constants import Model
from symnum.regression.constraints import Constraints
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem, Views
from symnum.regression.search import Search, Settings
from symnum.regression.tree_search import TreeSearch
from symnum.regression.units import Units

OPERATORS = ("+", "*", "sin", "exp")

CASES: list[Any] = [
    dict(),
    dict(max_length=4),
    dict(max_depth=2),
    dict(max_count={"+": 1, "sin": 0}),
    dict(max_size={"*": (1, 3), "sin": 2}),
    dict(max_argument_depth={"+": 1, "exp": 2}),
    dict(nesting={"sin": {"exp": 0}, "*": {"+": 0, "*": 1}}),
    dict(nesting={"+": {"+": 0}}, max_depth=3),
    dict(required=("x",)),
    dict(required=("x", "y")),
    dict(required=("x", "y"), max_depth=3, max_size={"+": 2}),
    dict(required=("x", "y"), max_count={"+": 1, "*": 0}),
    dict(required=("y",), forbidden=("x",), max_argument_depth={"*": (1, 2)}),
    dict(required=("x", "y"), nesting={"exp": {"+": 0}}, max_size={"exp": 3}),
]


class Node:
    """A plain tree, as a second way to read a token array."""

    def __init__(self, name: str, args: list[Node]) -> None:
        self.name, self.args = name, args
        self.size: int = 1 + sum(a.size for a in args)
        self.depth: int = 1 + max((a.depth for a in args), default=0)

    def walk(self) -> Iterator[Node]:
        yield self
        for arg in self.args:
            yield from arg.walk()

    def nested(self, name: str) -> int:
        return (self.name == name) + max((a.nested(name) for a in self.args), default=0)


def tree(grammar: Grammar, tokens: list[int]) -> Node:
    stack: list[Node] = []
    for token in reversed(tokens):
        args = [stack.pop() for _ in range(grammar.arity[token])]
        stack.append(Node(grammar.names[token], args))
    (root,) = stack
    return root


def keeps(limits: Constraints, root: Node) -> bool:
    """The constraints again, as their documentation states them."""
    nodes = list(root.walk())
    names = [node.name for node in nodes]
    checks = [
        limits.max_length is None or root.size <= limits.max_length,
        limits.max_depth is None or root.depth <= limits.max_depth,
        all(names.count(name) <= most for name, most in limits.max_count.items()),
        all(name in names for name in limits.required),
        all(name not in names for name in limits.forbidden),
    ]
    for node in nodes:
        for table, measure in ((limits.max_size, "size"), (limits.max_argument_depth, "depth")):
            limit = table.get(node.name, 99)
            pair = limit if isinstance(limit, tuple) else (limit, limit)
            checks += [getattr(arg, measure) <= most for arg, most in zip(node.args, pair, strict=False)]
        for inner, most in limits.nesting.get(node.name, {}).items():
            checks += [arg.nested(inner) <= most for arg in node.args]
    return all(checks)


@cache
def every_expression(longest: int) -> list[list[int]]:
    """Return every expression of at most that many tokens that the rules without constraints allow."""
    plain = Grammar(("x", "y"), OPERATORS, numbers=())
    return [t for t in expressions(plain, longest) if plain.allowed(np.array(t, np.int16))]


def expressions(grammar: Grammar, longest: int) -> Iterator[list[int]]:
    """Yield every token array of at most that length that is an expression of the searched language."""
    for size in range(1, longest + 1):
        for tokens in itertools.product([*grammar.leaves, *grammar.searched], repeat=size):
            array = np.array(tokens, np.int16)
            if grammar.end(array, 0) == size:
                yield [int(t) for t in tokens]


def walks(grammar: Grammar, longest: int) -> Iterator[list[int]]:
    """Yield every expression that the mask leads to; every prefix on the way must have an end."""
    stack: list[list[int]] = [[]]
    while stack:
        prefix = stack.pop()
        following = np.flatnonzero(grammar.legal(prefix, longest)).tolist()
        if following:
            stack += [[*prefix, token] for token in following]
        else:
            assert grammar.end(np.array(prefix, np.int16), 0) == len(prefix), (
                f"{[grammar.names[t] for t in prefix]} has no end"
            )
            yield prefix


@pytest.mark.parametrize("case", CASES, ids=lambda case: ", ".join(f"{k}={v}" for k, v in case.items()))
def test_the_mask_reaches_exactly_the_allowed_expressions(case: dict[str, Any]) -> None:
    limits = Constraints(**case)
    grammar = Grammar(("x", "y"), OPERATORS, numbers=(), constraints=limits)
    every = every_expression(5)
    wanted = {tuple(t) for t in every if keeps(limits, tree(grammar, t))}
    assert wanted == {tuple(t) for t in every if grammar.allowed(np.array(t, np.int16))}
    assert wanted == {tuple(t) for t in walks(grammar, 5)}
    assert len(wanted) < len(every) if case else len(wanted) == len(every)


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: ", ".join(case))
def test_random_walks_of_long_expressions_end_in_allowed_ones(case: dict[str, Any]) -> None:
    limits = Constraints(**case)
    grammar = Grammar(("x", "y", "z"), ("+", "-", "*", "sin", "exp", "sqrt"), constraints=limits)
    rng = np.random.default_rng(5)
    for _ in range(60):
        prefix: list[int] = []
        while (mask := grammar.legal(prefix, 15)).any():
            prefix.append(int(rng.choice(np.flatnonzero(mask))))
        tokens = np.array(prefix, np.int16)
        assert grammar.end(tokens, 0) == len(tokens) <= 15
        assert grammar.allowed(tokens)
        assert keeps(limits, tree(grammar, prefix))


def test_three_required_variables_are_kept_room_for() -> None:
    limits = Constraints(required=("x", "y", "z"), max_depth=3)
    grammar = Grammar(("x", "y", "z"), ("+", "sin"), constraints=limits)
    names = lambda prefix: {grammar.names[t] for t in np.flatnonzero(grammar.legal(prefix, 5))}
    assert names([]) == {"+"}
    plus = grammar.token("+")
    assert names([plus]) == {"+", "x", "y", "z"}  # not a number, and no sine: five tokens are just enough
    assert names([plus, 0]) == {"+"}
    assert names([plus, plus, 0, 1]) == {"z"}


def test_the_mask_follows_the_shorter_of_two_limits_of_length() -> None:
    grammar = Grammar(("x",), ("+",), constraints=Constraints(max_length=3))
    plus = grammar.token("+")
    assert (
        not grammar.legal([plus], 9)[plus] and grammar.legal([], 9)[plus] and not grammar.legal([], 2)[plus]
    )


def test_parts_that_are_put_together_keep_the_same_limits() -> None:
    limits = Constraints(
        max_length=6,
        max_depth=4,
        max_count={"*": 1},
        max_size={"sin": 3},
        nesting={"exp": {"+": 1}},
        required=("y",),
    )
    grammar = Grammar(("x", "y"), OPERATORS, numbers=(), constraints=limits)
    parts = [[int(t)] for t in grammar.leaves]
    states = grammar.leaf_states[grammar.leaves]
    for _ in range(2):
        for token in map(int, grammar.searched):
            count = len(parts)
            left, right = (each.ravel() for each in np.meshgrid(np.arange(count), np.arange(count)))
            if grammar.arity[token] == 1:
                left = right = np.arange(count)
            chosen = np.random.default_rng(token).permutation(len(left))[:60]
            ok, joined = grammar.joined(token, left[chosen], right[chosen], states)
            loose = Constraints(**{**vars(limits), "required": ()})
            for k, good, state in zip(chosen, ok, joined, strict=True):
                tokens = [token, *parts[left[k]], *(parts[right[k]] if grammar.arity[token] == 2 else [])]
                assert good == keeps(loose, tree(grammar, tokens))
                if good:
                    parts.append(tokens)
                    states = np.vstack([states, state])
    whole = fitting(grammar, states, ("plain", "square"))
    y = grammar.token("y")
    assert whole.tolist() == [[y in tokens] * 2 for tokens in parts]
    assert whole.any() and not whole.all()


def test_a_formula_may_be_deeper_by_its_constants_but_keeps_the_other_limits() -> None:
    limits = Constraints(
        max_length=9,
        max_depth=2,
        max_size={"sin": 1},
        max_constants=1,
        nesting={"exp": {"sin": 0}},
        required=("x",),
    )
    grammar = Grammar(("x", "y"), OPERATORS, constraints=limits)
    fitted = grammar.parse("+ C * C sin * C x")
    assert not grammar.allowed(fitted)
    assert grammar.reportable(fitted, [1.0, 2.5, 3.0], fitted=1, complexity=8)
    assert not grammar.reportable(fitted, [1.5, 2.5, 3.0], fitted=2, complexity=8)
    assert not grammar.reportable(fitted, [1.0, 2.5, 3.0], fitted=1, complexity=10)
    assert not grammar.reportable(grammar.parse("exp * C sin x"), [0.5], fitted=1, complexity=5)
    assert not grammar.reportable(grammar.parse("* C sin y"), [0.5], fitted=1, complexity=4)


METHODS = ("reduction", "slots", "subtrees")
"""All but sums and quotients, which take long for few evaluations."""


def search(grammar: Grammar, X: np.ndarray, y: np.ndarray, evaluations: int = 4000) -> list[Model]:
    problem = Problem.of(X, y, np.ones(len(y)))
    return (
        Search(problem, grammar, Settings(0, max_evaluations=evaluations, methods=METHODS))
        .run()
        .selection.models
    )


def test_a_search_keeps_the_constraints_from_enumeration_to_report() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 2, (40, 2))
    y = np.exp(X[:, 0]) * X[:, 1] + np.sin(X[:, 0]) + rng.normal(0, 0.05, 40)
    free = search(Grammar(("x", "y")), X, y)
    assert any("exp" in str(m.term) for m in free) and max(m.complexity for m in free) > 9
    limits = Constraints(max_length=9, max_count={"exp": 0, "^": 0}, required=("y",), max_constants=2)
    found = search(Grammar(("x", "y"), constraints=limits), X, y)
    assert len(found) >= 2
    for model in found:
        text = str(model.term)
        assert (
            model.complexity <= 9 and "exp" not in text and "y" in text and fitted_constants(model.term) <= 2
        )


def test_the_tree_search_offers_only_what_is_allowed() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(0.5, 2, (30, 2))
    problem = Problem.of(X, np.exp(X[:, 0]) * X[:, 1], np.ones(30))
    limits = Constraints(max_count={"exp": 0}, max_length=9, required=("x",))
    units = Units.of(("m", "1"), None, ("x", "y"))
    grammar = Grammar(("x", "y"), ("+", "*", "exp", "sin"), constraints=limits, units=units)
    evaluator = Evaluator(grammar, problem.X)
    archive = Archive(Views.of(problem, grammar))
    bank = Bank(grammar, problem, 200)
    TreeSearch(bank, archive, evaluator, np.random.default_rng(0)).run(Budget(3000))
    found = [entry.tokens for view in range(len(archive.views.names)) for entry in archive.entries(view)]
    assert len(found) > 10
    assert all(grammar.allowed(tokens) for tokens in found)


def test_a_search_that_finds_nothing_within_the_limits_says_so() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(1, 2, (30, 1))
    y = 0.123456789 * X[:, 0] + 0.777123
    grammar = Grammar(("x",), ("+", "sin"), constraints=Constraints(max_constants=0, required=("x",)))
    with pytest.warns(
        UserWarning,
        match="no formula that was found keeps the constraints and the units: the result is the best constant",
    ):
        (model,) = search(grammar, X, y, 500)
    assert model.complexity == 1


def test_forbidden_variables_are_no_leaves() -> None:
    grammar = Grammar(("x", "y"), OPERATORS, constraints=Constraints(forbidden=("x",)))
    assert [grammar.names[t] for t in grammar.leaves] == ["y", "1", "2"]
    assert not grammar.allowed(grammar.parse("x")) and grammar.allowed(grammar.parse("y"))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (dict(max_length=0), r"max_length must be a whole number from 1 on, but is 0; write 3"),
        (dict(max_depth=2.5), "max_depth must be a whole number from 1 on, but is 2.5"),
        (dict(max_constants=-1), "max_constants must be a whole number from 0 on, but is -1"),
        (dict(max_count={"sin": True}), r"max_count\['sin'\] must be a whole number from 0 on, but is True"),
        (dict(max_count={"sin": (1, 2)}), r"max_count\['sin'\] must be a whole number from 0 on"),
        (dict(max_size={"+": (1, 0)}), r"max_size\['\+'\] must be a whole number from 1 on, but is 0"),
        (dict(max_argument_depth={"+": "a"}), r"max_argument_depth\['\+'\] must be a whole number from 1 on, but is 'a'"),
        (dict(nesting={"sin": 0}), r"nesting\['sin'\] must be a mapping from operators, but is 0; write nesting=\{'sin': ...\}"),
        (dict(nesting={"sin": {"exp": -1}}), r"nesting\['sin'\]\['exp'\] must be a whole number from 0 on, but is -1"),
        (dict(max_size=3), "max_size must be a mapping from operators, but is 3"),
        (dict(required="x"), r"required must be a sequence of variables, but is 'x'; write required=\('x',\)"),
        (dict(required=("x",), forbidden=("x",)), "'x' is required and forbidden"),
    ],
)  # fmt: skip
def test_bad_limits_are_named(case: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Constraints(**case)


@pytest.mark.parametrize(
    ("case", "kind", "message"),
    [
        (dict(max_count={"tan": 1}), LookupError, r"max_count names the operator 'tan', which is not searched; .* are \+ \* sin exp"),
        (dict(nesting={"sin": {"tan": 1}}), LookupError, "nesting names the operator 'tan'"),
        (dict(nesting={"^2": {"sin": 1}}), LookupError, "nesting names the operator '\\^2'"),
        (dict(required=("z",)), LookupError, "required names the variable 'z', but the variables are x, y; a column that does not vary"),
        (dict(forbidden=("z",)), LookupError, "forbidden names the variable 'z'"),
        (dict(max_size={"sin": (1, 2)}), ValueError, r"max_size\['sin'\] gives 2 limits, but 'sin' takes 1 arguments"),
        (dict(forbidden=("x", "y")), ValueError, r"all variables are forbidden \(x, y\)"),
        (dict(required=("x", "y"), max_depth=1), ValueError, "no expression within the limits has all required variables x, y"),
        (dict(required=("x", "y"), max_count={"+": 0, "*": 0}), ValueError, "no expression within the limits has all required variables"),
    ],
)  # fmt: skip
def test_limits_that_do_not_suit_the_language_are_named(
    case: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        Grammar(("x", "y"), OPERATORS, numbers=(), constraints=Constraints(**case))


def test_more_required_variables_than_bits_are_refused() -> None:
    names = tuple(f"x{k}" for k in range(61))
    with pytest.raises(ValueError, match="61 variables are required, but at most 60 can be"):
        Grammar(names, ("+",), constraints=Constraints(required=names))
