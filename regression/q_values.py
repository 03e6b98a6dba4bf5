"""Tabular double Q-learning over the prefixes of expressions (van Hasselt 2010), stepped along the prefix.

A state is a prefix, an action the next token, the reward comes with the last token.  Two tables A and B hold the value of each
choice after each known prefix.  An update tosses a coin; if it falls on A, then

    A(s, a) += rate * (r + discount * B(s', argmax A(s', .)) - A(s, a)),

else the same with A and B exchanged, so that no table judges the action that it chose itself.  Prefixes are found by their hash in a
table of bounded size, in which a new prefix takes the place of one that was seldom used.  Each simulation makes one more prefix known;
beyond it the simulation's own return takes the place of the value of the next state.  The values of a new prefix begin with the mean
reward, since beginning with 0 would make every choice that was tried once look better than all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symnum.regression.kernels import Array, kernel
from symnum.regression.prefixes import Rules, advance, begin, drawn, legal, mixed

PROBES = 8
"""Places that a prefix may take in the table."""

ROOT = 0x51ED270B35AE7C29
"""Hash of the empty prefix."""


class QTable(NamedTuple):
    """Hold, for each place of an open-addressing table, the hash of a prefix, how often it was used, and both values of each choice.

    ``values`` is (places, 2, choices); a choice that is not legal after the prefix has the value -inf.  ``best`` (1,) is the largest
    reward that was learned, ``usual`` (2,) the sum of all and their number.
    """

    keys: NDArray[np.uint64]
    uses: NDArray[np.int64]
    values: NDArray[np.float64]
    best: NDArray[np.float64]
    usual: NDArray[np.float64]

    @classmethod
    def empty(cls, places: int, choices: int) -> QTable:
        """Return a table in which no prefix is known; ``places`` is a power of two."""
        return cls(
            np.zeros(places, np.uint64),
            np.zeros(places, np.int64),
            np.zeros((places, 2, choices)),
            np.zeros(1),
            np.zeros(2),
        )


@kernel
def extended(key: Any, choice: int) -> Any:
    """Return the hash of a prefix, given as a hash, with one more choice."""
    return mixed(key, np.uint64(choice + 1)) | np.uint64(1)


@kernel
def find(keys: Array, key: Any) -> Any:
    """Return the place of a prefix, -1 when it is not known."""
    last = np.uint64(keys.shape[0] - 1)
    start = key >> np.uint64(20)
    for k in range(PROBES):
        place = np.int64((start + np.uint64(k)) & last)
        if keys[place] == key:
            return place
    return -1


@kernel
def claim(q: Any, key: Any, mask: Array, value: float) -> Any:
    """Make a prefix known, in place of the least used one where none is free; its legal choices begin with ``value``.  Return its place."""
    last = np.uint64(q.keys.shape[0] - 1)
    start = key >> np.uint64(20)
    chosen = np.int64(start & last)
    for k in range(PROBES):
        place = np.int64((start + np.uint64(k)) & last)
        if q.keys[place] == 0:
            chosen = place
            break
        if q.uses[place] < q.uses[chosen]:
            chosen = place
    q.keys[chosen] = key
    q.uses[chosen] = 0
    for k in range(mask.shape[0]):
        q.values[chosen, 0, k] = q.values[chosen, 1, k] = value if mask[k] else -np.inf
    return chosen


@kernel
def update(
    values: Array, place: int, choice: int, later: int, reward: float, discount: float, rate: float, coin: int
) -> None:
    """Move the value of a choice, in table ``coin`` (0 for A, 1 for B), towards ``reward + discount*later value``.

    The later value is what the other table thinks of the best choice of this one at the place ``later``; 0 where that is -1.
    """
    goal = reward
    if later >= 0:
        best = 0
        for k in range(1, values.shape[2]):
            if values[later, coin, k] > values[later, coin, best]:
                best = k
        goal += discount * values[later, 1 - coin, best]
    values[place, coin, choice] += rate * (goal - values[place, coin, choice])


@kernel
def returned(reward: float, steps: int, discount: float, step_reward: float) -> float:
    """Return what a reward is worth so many steps before it."""
    for _ in range(steps):
        reward = step_reward + discount * reward
    return reward


@kernel
def learn(
    q: Any, choices: Array, lengths: Array, rewards: Array, skipped: int, whole: bool, longest: int, table: Array,
    discount: float, rate: float, step_reward: float, random: Array,
) -> None:  # fmt: skip
    """Learn from finished expressions (expressions, longest), from the last token back to the first.

    The first ``skipped`` tokens of each are no choice of the search.  ``step_reward`` is the reward of a token that is not the last.
    With ``whole``, and for the best expression so far, all prefixes become known, else one more.
    """
    qkeys, uses, values = q.keys, q.uses, q.values
    walk = np.zeros((longest + 3, 3), np.int64)
    mask = np.zeros(table.shape[0], np.bool_)
    places = np.zeros(longest + 1, np.int64)
    keys = np.zeros(longest + 1, np.uint64)
    for e in range(choices.shape[0]):
        length = lengths[e]
        every = whole or rewards[e] > q.best[0]
        usual = q.usual[0] / max(1.0, q.usual[1])
        key = np.uint64(ROOT)
        known = 0  # places[skipped:known] are those of prefixes in the table
        for t in range(length):
            if t >= skipped:
                places[t] = find(qkeys, key)
                if places[t] < 0:
                    break
                keys[t] = key
                known = t + 1
            key = extended(key, choices[e, t])
        if known < length:
            known = max(known, skipped)
            unknown = known
            begin(walk)
            for t in range(length):
                if t == known:
                    legal(walk, longest, table, mask)
                    value = returned(usual, length - 1 - t, discount, step_reward)
                    places[t] = claim(q, key, mask, value)
                    keys[t] = key
                    known += 1
                    if not every:
                        break
                if t >= unknown:
                    key = extended(key, choices[e, t])
                advance(choices[e, t], walk, table)
        for t in range(known - 1, skipped - 1, -1):
            if qkeys[places[t]] != keys[t]:  # a later prefix took its place
                known = t
                continue
            goal = step_reward
            later = np.int64(-1)
            if t < known - 1:
                later = places[t + 1]
            else:  # beyond the last known prefix stands the return itself
                goal = returned(rewards[e], length - known, discount, step_reward)
            uses[places[t]] += 1
            coin = np.int64(2 * drawn(random))
            update(values, places[t], choices[e, t], later, goal, discount, rate, coin)
        q.best[0] = max(q.best[0], rewards[e])
        q.usual[0] += rewards[e]
        q.usual[1] += 1


@kernel
def pick(
    values: Array,
    place: int,
    mask: Array,
    count: int,
    epsilon: float,
    temperature: float,
    weights: Array,
    random: Array,
) -> int:
    """Draw one of the ``count`` choices in ``mask``: with probability epsilon by softmax((A + B)/temperature), else evenly.

    ``place`` is that of a known prefix in ``values``; ``weights`` (choices,) is room to work in.
    """
    if drawn(random) >= epsilon:
        return pick_evenly(mask, count, drawn(random))
    highest = -np.inf
    for k in range(mask.shape[0]):
        if mask[k]:
            highest = max(highest, values[place, 0, k] + values[place, 1, k])
    total = 0.0
    for k in range(mask.shape[0]):
        if mask[k]:
            total += np.exp((values[place, 0, k] + values[place, 1, k] - highest) / temperature)
        weights[k] = total
    goal = drawn(random) * total
    for k in range(mask.shape[0]):
        if mask[k] and weights[k] > goal:
            return k
    return pick_evenly(mask, count, drawn(random))  # nothing is left of a total that rounded to the goal


@kernel
def pick_evenly(mask: Array, count: int, number: float) -> int:
    """Return one of the ``count`` choices in ``mask`` as a number in [0, 1) tells, all with the same probability."""
    left = np.int64(number * count)
    for k in range(mask.shape[0]):
        if mask[k]:
            if left == 0:
                return k
            left -= 1
    return -1


class TabularQ:
    """Learn the values of choices after prefixes in two tables; ``table`` is what the simulations read, and never ``stale``."""

    stale = False

    def __init__(
        self, rules: Rules, longest: int, *, states: int, discount: float, rate: float, step_reward: float
    ) -> None:
        self.rules = rules
        self.longest = longest
        self.discount = discount
        self.rate = rate
        self.step_reward = step_reward
        self.table = QTable.empty(states, len(rules.choices))

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
        """Learn from finished expressions (expressions, longest) with their rewards; see :func:`learn`."""
        learn(
            self.table, choices, lengths, rewards, skipped, whole, self.longest, self.rules.table,
            self.discount, self.rate, self.step_reward, random,
        )  # fmt: skip

    def forget(self) -> None:
        """Forget everything that was learned."""
        for array in self.table:
            array[:] = 0

    def values(self, prefix: Sequence[int]) -> NDArray[np.float64] | None:
        """Return both values (2, choices) of each choice after a prefix, -inf where it is not legal; None for an unknown prefix."""
        place = find(self.table.keys, key_of(prefix))
        return None if place < 0 else self.table.values[place].copy()


def key_of(prefix: Sequence[int]) -> np.uint64:
    """Return the hash of a prefix of choices."""
    key = np.uint64(ROOT)
    for choice in prefix:
        key = np.uint64(extended(key, int(choice)))
    return key
