"""Double Q-learning by two recurrent networks, which judge also prefixes that were never met.

The networks read a prefix token by token (gated recurrent units, Cho et al. 2014) and give the value of each next choice.  They learn
between the simulations from a memory of finished expressions, half of them the best ones.  A coin decides which network learns; it
chooses the next token, and the other judges the choice (van Hasselt 2010).  Since the outcome of an expression does not depend on
chance, no choice is worth less than the return of an expression that begins with it (He et al. 2017, "Learning to play in a day").

Their values of the prefixes that the tree search visits most are written into a table like that of :mod:`symnum.regression.q_values`,
which the simulations read, so that they need not wait for a network.

PyTorch is an extra: ``pip install 'symnum[torch]'``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression import q_values
from symnum.regression.kernels import Array, kernel
from symnum.regression.prefixes import Rules, advance, begin, legal
from symnum.regression.q_values import QTable, claim, extended, find


@dataclass(frozen=True)
class NetworkOptions:
    """Hold the numbers of the networks: sizes, how many expressions they remember, and how they learn.

    ``period`` is how often they learn: once every so many calls of :meth:`NeuralQ.learn`, ``steps`` times from ``batch`` expressions;
    ``elite`` of those remembered are the best.  Raises ValueError for numbers below 1 and a rate that is not positive.
    """

    embedding: int = 16
    hidden: int = 64
    memory: int = 4096
    elite: int = 512
    batch: int = 64
    steps: int = 4
    period: int = 5
    learning_rate: float = 3e-3

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0 or (name != "learning_rate" and value < 1):
                raise ValueError(f"{name} is {value!r}, but must be positive")


class NeuralQ:
    """Learn the values of choices after prefixes in two networks; ``table`` is what the simulations read.

    The same ``seed`` and the same expressions give the same networks.  ``stale`` tells that the networks changed since the table was
    written.  Raises ImportError without PyTorch.
    """

    def __init__(
        self, rules: Rules, longest: int, *, seed: int, states: int, discount: float, step_reward: float,
        options: NetworkOptions | None = None,
    ) -> None:  # fmt: skip
        try:
            import torch
        except ImportError as problem:
            raise ImportError(
                "q='neural' computes with PyTorch, which is not installed; run: pip install 'symnum[torch]', "
                "or write q='tabular', which needs nothing"
            ) from problem
        self._torch = torch
        self.rules = rules
        self.longest = longest
        self.discount = discount
        self.step_reward = step_reward
        self.options = options or NetworkOptions()
        self.table = QTable.empty(states, len(rules.choices))
        self._seeds = np.random.default_rng(seed)
        self.forget()

    def forget(self) -> None:
        """Forget everything that was learned; the networks start from new weights."""
        torch, size = self._torch, len(self.rules.choices)
        for array in self.table:
            array[:] = 0
        self.stale = False
        self.calls = 0
        self.rng = np.random.default_rng(self._seeds.integers(2**63))
        self.memory: dict[bytes, float] = {}  # in the order of arrival
        self.elite: dict[bytes, float] = {}
        self.networks = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self._seeds.integers(2**63)))
            for _ in range(2):
                embedding = torch.nn.Embedding(size + 1, self.options.embedding)  # the last is the beginning
                recurrent = torch.nn.GRU(self.options.embedding, self.options.hidden, batch_first=True)
                network = torch.nn.ModuleList(
                    [embedding, recurrent, torch.nn.Linear(self.options.hidden, size)]
                )
                self.networks.append(network)
        self._optimisers = [
            torch.optim.Adam(network.parameters(), lr=self.options.learning_rate) for network in self.networks
        ]

    def learn(
        self,
        choices: Array,
        lengths: Array,
        rewards: Array,
        random: Array,
        *,
        skipped: int = 0,
        whole: bool = False,
    ) -> None:
        """Remember finished expressions (expressions, longest) with their rewards, and learn when it is time.

        The first ``skipped`` tokens of each are no choice of the search; ``whole`` makes no difference here.
        """
        for row, length, reward in zip(choices, lengths, rewards, strict=True):
            text = row[:length].tobytes()
            self.memory.pop(text, None)
            self.memory[text] = self.elite[text] = float(reward)
        for text in list(self.memory)[: max(0, len(self.memory) - self.options.memory)]:
            del self.memory[text]
        if len(self.elite) > 2 * self.options.elite:
            best = sorted(self.elite.items(), key=lambda item: (-item[1], item[0]))
            self.elite = dict(best[: self.options.elite])
        self.calls += 1
        if self.calls % self.options.period == 0:
            with self._one_thread():
                for _ in range(self.options.steps):
                    self._step(skipped)
            self.stale = True

    def _step(self, skipped: int) -> None:
        """Let one network learn from remembered expressions."""
        torch = self._torch
        recent, best = list(self.memory.items()), list(self.elite.items())
        half = self.options.batch // 2
        chosen = [recent[k] for k in self.rng.integers(len(recent), size=self.options.batch - half)]
        chosen += [best[k] for k in self.rng.integers(len(best), size=half)]
        lengths = np.array([len(text) // 2 for text, _ in chosen])
        choices = np.zeros((len(chosen), self.longest), np.int64)
        for row, (text, _) in zip(choices, chosen, strict=True):
            row[: len(text) // 2] = np.frombuffer(text, np.int16)
        rewards = np.array([reward for _, reward in chosen])
        masks = masks_of(choices, lengths, self.longest, self.rules.table)
        learner = int(self.rng.integers(2))
        own = self._values(learner, choices)
        with torch.no_grad():
            other = self._values(1 - learner, choices)
        goals = goals_of(
            own.detach().numpy().astype(float), other.numpy().astype(float), masks, lengths, rewards, self.discount, self.step_reward
        )  # fmt: skip
        place = np.arange(self.longest)
        counted = torch.from_numpy((place >= skipped) & (place < lengths[:, None]))
        taken = own[:, :-1].gather(2, torch.from_numpy(choices)[:, :, None])[:, :, 0]
        loss = ((taken - torch.from_numpy(goals).to(taken.dtype)) ** 2)[counted].mean()
        self._optimisers[learner].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.networks[learner].parameters(), 1.0)
        self._optimisers[learner].step()

    def _values(self, which: int, choices: NDArray[np.int64]) -> Any:
        """Return (expressions, longest + 1, choices): the values after 0, 1, ... tokens of each of ``choices`` (expressions, longest)."""
        torch = self._torch
        embedding, recurrent, linear = self.networks[which]
        beginning = np.full((len(choices), 1), len(self.rules.choices))
        read = torch.from_numpy(np.concatenate([beginning, choices], axis=1))
        return linear(recurrent(embedding(read))[0])

    @contextmanager
    def _one_thread(self) -> Iterator[None]:
        """Let torch use one thread: networks this small gain nothing by more, and results do not depend on their number."""
        before = self._torch.get_num_threads()
        self._torch.set_num_threads(1)
        try:
            yield
        finally:
            self._torch.set_num_threads(before)

    def values(self, prefix: Sequence[int]) -> NDArray[np.float64]:
        """Return what both networks think (2, choices) of each choice after a prefix of choices, legal or not."""
        choices = np.zeros((1, self.longest), np.int64)
        choices[0, : len(prefix)] = prefix
        return self._both(choices, np.array([len(prefix)]))[:, 0]

    def refresh(self, prefixes: Sequence[Sequence[int]]) -> None:
        """Write the networks' values after these prefixes of choices into the table."""
        choices = np.zeros((len(prefixes), self.longest), np.int64)
        lengths = np.array([len(prefix) for prefix in prefixes])
        for row, prefix in zip(choices, prefixes, strict=True):
            row[: len(prefix)] = prefix
        write(self.table, choices, lengths, self._both(choices, lengths), self.longest, self.rules.table)
        self.stale = False

    def _both(self, choices: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what both networks think (2, prefixes, choices) after prefixes (prefixes, longest)."""
        with self._one_thread(), self._torch.no_grad():
            found = [self._values(which, choices).numpy() for which in range(2)]
        return np.array([each[np.arange(len(lengths)), lengths] for each in found], float)


@kernel
def masks_of(choices: Array, lengths: Array, longest: int, table: Array) -> Array:
    """Return (expressions, longest + 1, choices): what is legal after 0, 1, ... tokens of each expression."""
    masks = np.zeros((choices.shape[0], longest + 1, table.shape[0]), np.bool_)
    walk = np.zeros((longest + 3, 3), np.int64)
    for e in range(choices.shape[0]):
        begin(walk)
        for t in range(lengths[e]):
            legal(walk, longest, table, masks[e, t])
            advance(choices[e, t], walk, table)
    return masks


@kernel
def goals_of(
    own: Array,
    other: Array,
    masks: Array,
    lengths: Array,
    rewards: Array,
    discount: float,
    step_reward: float,
) -> Array:
    """Return (expressions, longest): where the value of each token is to move; the shapes are those of ``masks`` and of the values."""
    goals = np.zeros((own.shape[0], own.shape[1] - 1))
    for e in range(own.shape[0]):
        result = rewards[e]  # the return from here on
        goals[e, lengths[e] - 1] = result
        for t in range(lengths[e] - 2, -1, -1):
            result = step_reward + discount * result
            chosen = -1
            for k in range(own.shape[2]):
                if masks[e, t + 1, k] and (chosen < 0 or own[e, t + 1, k] > own[e, t + 1, chosen]):
                    chosen = k
            goals[e, t] = max(result, step_reward + discount * other[e, t + 1, chosen])
    return goals


@kernel
def write(q: Any, choices: Array, lengths: Array, values: Array, longest: int, table: Array) -> None:
    """Write values (2, prefixes, choices) of what is legal after each prefix (prefixes, longest) into a table."""
    walk = np.zeros((longest + 3, 3), np.int64)
    mask = np.zeros(table.shape[0], np.bool_)
    for e in range(choices.shape[0]):
        begin(walk)
        key = np.uint64(q_values.ROOT)
        for t in range(lengths[e]):
            advance(choices[e, t], walk, table)
            key = extended(key, choices[e, t])
        if legal(walk, longest, table, mask) == 0:
            continue
        place = find(q.keys, key)
        if place < 0:
            place = claim(q, key, mask, 0.0)
        q.uses[place] += 1
        for k in range(mask.shape[0]):
            if mask[k]:
                q.values[place, 0, k] = values[0, e, k]
                q.values[place, 1, k] = values[1, e, k]
