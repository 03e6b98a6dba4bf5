"""Monte Carlo tree search over prefixes of expressions, guided by double Q-learning (Xu, Liu and Sun 2024, "RSRM").

An episode begins with the empty prefix and commits to one token after the other.  Before each commitment it runs simulations from the
committed prefix: down the tree by the upper confidence bound Q + c*sqrt(ln N(s)/N(s, a)) (Kocsis and Szepesvari 2006), where Q is the
*largest* reward met below a node; one new node; from there to a whole expression by the Q function of :mod:`symnum.regression.q_values`.
The simulations before a commitment run side by side: a visit counts on the way down, the reward when all are scored (Chaslot et al. 2008).
A branch in which every expression was seen is closed.  Expressions that differ only in the order of sums and products are scored once.

The best expressions go to the archive, from which the evolution starts; what others put into the archive is learned from when
:meth:`TreeSearch.run` is called again.  So the two alternate.

>>> import numpy as np
>>> from symnum.regression.problem import Problem, Views
>>> from symnum.regression.grammar import Grammar
>>> x = np.linspace(0.5, 3.0, 30)
>>> grammar, problem = Grammar(("x",), operators=("+", "*", "sin")), Problem.of(x[:, None], 3 * x * np.sin(x * x) + 2, np.ones(30))
>>> archive = Archive(Views.of(problem, grammar))
>>> search = TreeSearch(Bank(grammar, problem, 100), archive, Evaluator(grammar, problem.X), np.random.default_rng(1))
>>> search.run(Budget(evaluations=20_000))
'exact'
>>> print(grammar.term(archive.front(0)[-1].tokens))  # a factor and an offset are free
x*sin(x^2)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symnum.regression import prefixes, q_values
from symnum.regression.admission import fits_padded
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.enumeration import Bank
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Tokens
from symnum.regression.kernels import Array
from symnum.regression.q_values import PROBES
from symnum.regression.tree import (
    CHOICE,
    OPEN,
    PARENT,
    VISITS,
    Batch,
    Known,
    Tree,
    back_up,
    graft,
    plant,
    promising,
    simulate,
)

BATCH = 250
"""Simulations that run side by side."""

WAITING = 4096
"""Expressions that wait until the archive takes them in, since many at a time cost it less."""

VISITED = 256
"""Prefixes whose values a neural Q function gives to the simulations at a time."""


@dataclass(frozen=True)
class TreeOptions:
    """Hold the numbers of the tree search; raises ValueError for one that makes no sense.

    q: "tabular", "neural" (needs torch) or "none": even draws instead of a Q function.  tree: False leaves out the tree, so that
        expressions are drawn by the Q function only.  feedback: learn from what others put into the archive.
    exploration: c of the upper confidence bound.  simulations: how many run before the first
        commitment; before each later one it is narrowing times as many, and fewer where nothing new comes.
    brevity: a simulation may write the tokens that it must and u^brevity of the others, where u is drawn evenly from 0 to 1.
    epsilon, temperature: a token is drawn by softmax((A + B)/temperature) with probability epsilon, else evenly.
    learning_rate, discount, step_reward: of Q-learning; step_reward is the reward of a token that is not the last.
    token_discount: the reward is token_discount^length/(1 + normalised root mean square error).
    longest: tokens that an expression may have.  rounds: episodes in one call of run.  renew: episodes after which the Q function
        starts afresh.  patience: commitments in a row without a new expression that end the search.
    nodes, states, known: sizes of the tree, the Q tables, and the table of known rewards.

    The published settings are epsilon 0.6, temperature 1, discount 0.95, token_discount 0.99, 20 tokens, 100 simulations, renewal
    after 25 episodes, step_reward -0.1 and a learning rate of 0.001.  The other defaults here follow from a thousand times as many
    simulations a second: more of them before a commitment, and a Q function that is heeded.  The length is discounted already, and at
    a rate of 0.001 a prefix would need a thousand visits to learn anything.
    """

    q: Literal["none", "tabular", "neural"] = "tabular"
    tree: bool = True
    feedback: bool = True
    exploration: float = 0.5
    simulations: int = 10_000
    narrowing: float = 0.5
    brevity: float = 3.0
    epsilon: float = 0.6
    temperature: float = 0.1
    learning_rate: float = 0.2
    discount: float = 0.95
    step_reward: float = 0.0
    token_discount: float = 0.99
    longest: int = 20
    rounds: int = 5
    renew: int = 25
    patience: int = 200
    nodes: int = 1 << 16
    states: int = 1 << 16
    known: int = 1 << 20

    def __post_init__(self) -> None:
        if self.q not in ("none", "tabular", "neural"):
            raise ValueError(f"there is no Q function {self.q!r}; write q='tabular', q='neural' or q='none'")
        if not self.tree and self.q == "none":
            raise ValueError("tree=False with q='none' would draw at random for ever; leave on one of them")
        for name in ("simulations", "longest", "rounds", "renew", "patience", "nodes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}, but must be at least 1")
        for name in ("states", "known"):
            size = getattr(self, name)
            if size < PROBES or size & (size - 1):
                raise ValueError(
                    f"{name} is {size!r}, but must be a power of two from {PROBES} on, such as {1 << 16}"
                )
        for name in ("epsilon", "learning_rate", "discount", "token_discount", "narrowing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}, but must lie between 0 and 1")
        for name in ("exploration", "brevity"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}, but must be finite and not negative")
        if not (self.temperature > 0 and math.isfinite(self.step_reward)):
            raise ValueError(
                "temperature must be positive and step_reward finite, "
                f"but they are {self.temperature!r} and {self.step_reward!r}"
            )


class TreeSearch:
    """Search for expressions that explain a view of the target, and offer them to the archive.

    ``start`` are tokens that every expression begins with: with ``+ A`` for a part A (its tokens) the search is for f in A + f, with
    ``* A`` and ``^ A`` for f in A*f and A^f; for f(A) give the evaluator A as a column of X.  Of the views, the best counts.
    ``simulations`` and ``evaluations`` count what was built and what was scored, ``episodes`` the descents from the root.
    Raises ValueError when ``start`` leaves nothing to search for, ImportError for q="neural" without torch.
    """

    def __init__(
        self, bank: Bank, archive: Archive, evaluator: Evaluator, rng: np.random.Generator,
        options: TreeOptions | None = None, start: Tokens | None = None,
    ) -> None:  # fmt: skip
        self.bank = bank
        self.grammar = bank.grammar
        self.archive = archive
        self.evaluator = evaluator
        self.options = options or TreeOptions()
        self.rules = prefixes.rules_of(self.grammar)
        self.restrictions = prefixes.restrictions_of(self.grammar)
        self.start, self.first = self._checked_start(np.zeros(0, np.int16) if start is None else start)
        self.random = rng.integers(2**63, size=1).astype(np.uint64)
        self.tree = Tree.empty(self.options.nodes if self.options.tree else 1, len(self.rules.choices))
        self.known = Known(np.zeros(self.options.known, np.uint64), np.zeros(self.options.known))
        self.q = self._q_function(rng)
        self.batch = Batch.empty(min(BATCH, self.options.simulations), self.options.longest)
        self.limits = np.ones((len(archive.views.names), self.options.longest + 1))
        self.waiting: list[tuple[Array, Array, Array]] = []
        self.taught: dict[bytes, float] = {}
        self.simulations = self.evaluations = self.episodes = self.barren = 0

    def _checked_start(self, start: Tokens) -> tuple[NDArray[np.int16], int]:
        """Return the choices of the start, and how many may follow it."""
        choices = self.rules.choice[np.asarray(start, np.int64)].astype(np.int16)
        mask = np.ones(len(self.rules.choices), bool)
        for place, choice in enumerate(choices):
            if choice < 0 or not self._legal(choices[:place])[choice]:
                raise ValueError(
                    f"start is {self._spelled(start)!r}, but {self.grammar.names[start[place]]!r} is not legal there: "
                    "it must be the beginning of an expression that the search may build, such as '+ x'"
                )
        mask = self._legal(choices)
        if not mask.any():
            raise ValueError(
                f"start is {self._spelled(start)!r}, a whole expression; leave out its last token"
            )
        return choices, int(mask.sum())

    def _legal(self, choices: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Return which choices may follow."""
        return prefixes.legal_after(self.rules, choices, self.options.longest, self.restrictions)

    def _spelled(self, tokens: Tokens) -> str:
        return " ".join(self.grammar.names[token] for token in tokens)

    def _q_function(self, rng: np.random.Generator) -> Any:
        options, longest = self.options, self.options.longest
        shared: dict[str, Any] = dict(discount=options.discount, step_reward=options.step_reward)
        if options.q == "neural":
            from symnum.regression.neural_q import NeuralQ  # torch is an extra, and slow to import

            return NeuralQ(
                self.rules, longest, seed=int(rng.integers(2**31)), states=options.states, **shared
            )
        states = options.states if options.q == "tabular" else PROBES
        return q_values.TabularQ(self.rules, longest, states=states, rate=options.learning_rate, **shared)

    def run(self, budget: Budget) -> str:
        """Run episodes; return why they ended.

        It is "budget", "exact" when an expression of the archive fits exactly, "complete" when the language has no other expression,
        "no progress" when all that is built is known, or "rounds".  An interruption (Ctrl-C) loses nothing, and a later call goes on.
        """
        self._read_limits()
        if self.options.feedback:
            self._learn_from_archive()
        if self.archive.exact():
            return "exact"
        try:
            return self._episodes(budget)
        finally:
            self._offer()

    def _episodes(self, budget: Budget) -> str:
        for _ in range(self.options.rounds):
            stopped = self._episode(budget)
            self._offer()
            if self.archive.exact():
                return "exact"
            if stopped is not None:
                return stopped
        return "rounds"

    def _episode(self, budget: Budget) -> str | None:
        """Commit to one token after the other until no open choice is left; return why the search ends, if it does."""
        if self.episodes and self.episodes % self.options.renew == 0:
            self.q.forget()
            self._teach(list(self.taught))
        self.episodes += 1
        self._plant()
        prefix, node = self.start, 0
        for depth in range(self.options.longest):
            for _ in range(0, max(1, round(self.options.simulations * self.options.narrowing**depth)), BATCH):
                if budget.spent:
                    return "budget"
                before = self.evaluations
                if self._simulate(prefix, node, budget):
                    return "exact"
                if self.evaluations == before:
                    self.barren += 1
                    break  # nothing new from here
                self.barren = 0
            if self.barren >= self.options.patience:
                return "no progress"
            if not self.options.tree:
                continue
            if self.tree.facts[0, OPEN] == 0:
                return "complete"
            children = self.tree.child[node]
            children = children[children > 0]
            children = children[self.tree.facts[children, OPEN] > 0]
            if len(children) == 0:
                break
            node = int(children[np.argmax(self.tree.best[children])])
            prefix = np.append(prefix, np.int16(self.tree.facts[node, CHOICE]))
        return None

    def _simulate(self, prefix: NDArray[np.int16], node: int, budget: Budget) -> bool:
        """Run the simulations before one commitment: build, score what is new, back up and learn; tell whether one fits exactly."""
        o, batch, views = self.options, self.batch, self.archive.views
        wanted = min(BATCH, o.simulations)
        if budget.evaluations is not None:
            wanted = min(wanted, max(1, budget.evaluations - budget.used))
        count, new = simulate(
            wanted, prefix, node, o.tree, o.q != "none", o.longest, o.exploration, o.brevity, o.epsilon,
            o.temperature, self.rules, self.restrictions, self.tree, self.q.table, self.known, self.simulations, self.random, batch,
        )  # fmt: skip
        self.simulations += count
        self.evaluations += new
        budget.spend(new)
        fresh, lengths = batch.fresh[:new], batch.fresh_lengths[:new]
        scores = self.evaluator.padded_scores(fresh, lengths, views)
        if self.grammar.restricted:  # what is not allowed has no reward
            scores[~fits_padded(self.grammar, fresh, lengths, views.names)] = np.inf
        back_up(count, scores, o.token_discount, self.known, self.tree, o.tree, batch)
        picked = np.empty(new, np.int64)
        picked = picked[: promising(scores, lengths, self.limits, picked)]
        if len(picked):
            self.waiting.append((scores[picked], lengths[picked], fresh[picked]))
            if sum(len(each[1]) for each in self.waiting) > WAITING:
                self._offer()
        if o.q != "none":
            self.q.learn(
                batch.choices[:count],
                batch.lengths[:count],
                batch.rewards[:count],
                self.random,
                skipped=len(self.start),
            )
            if self.q.stale:
                self.q.refresh(self._visited(VISITED))
        return bool(np.any(scores[picked] <= views.floors))

    def _offer(self) -> None:
        """Give the archive what waits for it."""
        if self.waiting:
            scores, lengths, tokens = map(np.concatenate, zip(*self.waiting, strict=True))
            self.waiting = []
            self.archive.offer(scores, lengths, lambda k: tokens[k, : lengths[k]])
            self._read_limits()

    def _read_limits(self) -> None:
        """Note below which score an expression of each length enters the archive."""
        for view, best in enumerate(self.archive.best):
            for length in range(1, self.options.longest + 1):
                kept = best.get(length, [])
                self.limits[view, length] = (
                    min(1.0, kept[-1].left) if len(kept) == self.archive.width else 1.0
                )

    def _plant(self) -> None:
        """Begin a new tree, with what others found already in it."""
        plant(self.tree, self.first)
        if self.options.tree and self.taught:
            graft(
                *self._arrays(list(self.taught)),
                len(self.start),
                self.options.longest,
                self.rules,
                self.restrictions,
                self.tree,
            )

    def _learn_from_archive(self) -> None:
        """Learn from the expressions of the archive that are new here and that this search could have built."""
        found: dict[bytes, float] = {}
        for view in range(len(self.archive.best)):
            for entry in self.archive.entries(view):
                if self._fits(entry.tokens):
                    value = prefixes.reward(entry.left, len(entry.tokens), self.options.token_discount)
                    found[entry.text] = max(value, found.get(entry.text, 0.0))
        before, self.taught = self.taught, found
        self._teach([text for text in found if text not in before])

    def _fits(self, tokens: Tokens) -> bool:
        choices, begins = self.rules.choice[tokens].astype(np.int16), len(self.start)
        return (
            begins < len(tokens) <= self.options.longest
            and np.array_equal(choices[:begins], self.start)
            and bool(prefixes.keeps_rules(choices, self.options.longest, self.rules.table))
            and (
                self.restrictions is None
                or all(self._legal(choices[:place])[choice] for place, choice in enumerate(choices))
            )
        )

    def _teach(self, texts: list[bytes]) -> None:
        """Let the Q function learn from expressions of others."""
        if texts and self.options.q != "none":
            self.q.learn(*self._arrays(texts), self.random, skipped=len(self.start), whole=True)

    def _arrays(self, texts: list[bytes]) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.float64]]:
        """Return expressions that others found as choices (expressions, longest), with their lengths and rewards."""
        choices = np.zeros((len(texts), self.options.longest), np.int16)
        lengths = np.array([len(text) // 2 for text in texts], np.int64)
        for row, text in zip(choices, texts, strict=True):
            row[: len(text) // 2] = self.rules.choice[np.frombuffer(text, np.int16)]
        return choices, lengths, np.array([self.taught[text] for text in texts])

    def _visited(self, count: int) -> list[list[int]]:
        """Return the prefixes, as choices, of the nodes that were visited most."""
        visits = self.tree.facts[: self.tree.size[0], VISITS]
        return [self._path(int(node)) for node in np.argsort(-visits, kind="stable")[:count]]

    def _path(self, node: int) -> list[int]:
        """Return the prefix of a node as choices."""
        path: list[int] = []
        while node > 0:
            path.append(int(self.tree.facts[node, CHOICE]))
            node = int(self.tree.facts[node, PARENT])
        return [*map(int, self.start), *reversed(path)]
