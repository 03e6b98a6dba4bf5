"""The inner loops of the tree search: the tree in flat arrays, simulations, and the rewards that go up.

See :mod:`symnum.regression.tree_search` for what they are for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symnum.regression import prefixes
from symnum.regression.kernels import Array, kernel
from symnum.regression.prefixes import LENGTH, MISSING, advance, begin, canonical, drawn, legal, narrow
from symnum.regression.q_values import PROBES, ROOT, extended, find, pick, pick_evenly


class Tree(NamedTuple):
    """Hold nodes in flat arrays; node 0 is the root, ``size`` (1,) how many there are.

    ``child`` (nodes, choices) is 0 where there is none.  ``facts`` (nodes, 4) are the parent, the choice that leads from it to the
    node, the visits, and how many legal choices are not closed, so that 0 marks a closed node.  ``best`` (nodes,) is the largest
    reward below a node, -inf before the first.
    """

    child: NDArray[np.int32]
    facts: NDArray[np.int64]
    best: NDArray[np.float64]
    size: NDArray[np.int64]

    @classmethod
    def empty(cls, nodes: int, choices: int) -> Tree:
        """Return room for a tree; :func:`plant` makes its root."""
        return cls(
            np.zeros((nodes, choices), np.int32),
            np.zeros((nodes, 4), np.int64),
            np.zeros(nodes),
            np.zeros(1, np.int64),
        )


PARENT, CHOICE, VISITS, OPEN = range(4)
"""Columns of ``Tree.facts``."""


class Known(NamedTuple):
    """Hold the rewards of known expressions by their canonical hash; a reward below 0 is -1 - number of the simulation that scores it."""

    keys: NDArray[np.uint64]
    rewards: NDArray[np.float64]


class Batch(NamedTuple):
    """Hold the expressions that are built before one commitment, all (expressions, ...).

    ``choices`` (..., longest) with ``lengths``; the ``leaves`` of the tree that they left from, their hashes ``keys`` and ``rewards``;
    ``sources``: the place among the new ones, or -1 where the reward is known.  Of the new ones, ``fresh`` (..., longest) are the tokens.
    """

    choices: NDArray[np.int16]
    lengths: NDArray[np.int64]
    leaves: NDArray[np.int64]
    keys: NDArray[np.uint64]
    rewards: NDArray[np.float64]
    sources: NDArray[np.int64]
    fresh: NDArray[np.int16]
    fresh_lengths: NDArray[np.int64]

    @classmethod
    def empty(cls, count: int, longest: int) -> Batch:
        """Return room for ``count`` expressions."""
        whole = [np.zeros(count, np.int64) for _ in range(4)]
        rows = [np.zeros((count, longest), np.int16) for _ in range(2)]
        return cls(
            rows[0],
            whole[0],
            whole[1],
            np.zeros(count, np.uint64),
            np.zeros(count),
            whole[2],
            rows[1],
            whole[3],
        )


@kernel
def plant(tree: Any, choices: int) -> None:
    """Make the root the only node; ``choices`` are the legal ones."""
    tree.child[: tree.size[0]] = 0
    tree.size[0] = 0
    sprout(tree, -1, 0, choices)


@kernel
def sprout(tree: Any, parent: int, choice: int, choices: int) -> int:
    """Add a node with so many legal choices, and return it; a node without any closes what it completes."""
    child, facts = tree.child, tree.facts
    node = tree.size[0]
    tree.size[0] = node + 1
    tree.best[node] = -np.inf
    facts[node, PARENT] = parent
    facts[node, CHOICE] = choice
    facts[node, VISITS] = 0
    facts[node, OPEN] = choices
    if parent >= 0:
        child[parent, choice] = node
    closed = choices == 0
    while closed and parent >= 0:
        facts[parent, OPEN] -= 1
        closed = facts[parent, OPEN] == 0
        parent = facts[parent, PARENT]
    return node


@kernel
def simulate(
    count: int, start: Array, top: int, use_tree: bool, use_q: bool, longest: int, exploration: float, brevity: float,
    epsilon: float, temperature: float, rules: Any, restrictions: Any, tree: Any, q: Any, known: Any, serial: int, random: Array,
    batch: Any,
) -> Any:  # fmt: skip
    """Build up to ``count`` expressions from the prefix ``start``, which is that of node ``top``; return how many, and how many are new.

    ``serial`` numbers the first simulation.  With restrictions (else None) a prefix may have no ending: it counts as known, without reward.
    """
    table, tokens = rules.table, rules.choices
    child, facts, best = tree.child, tree.facts, tree.best
    q_keys, q_values_ = q.keys, q.values
    known_keys, known_rewards = known.keys, known.rewards
    all_choices, sources, fresh = batch.choices, batch.sources, batch.fresh
    last = np.uint64(known_keys.shape[0] - 1)
    walk = np.zeros((longest + 3, 3), np.int64)
    mask = np.zeros(table.shape[0], np.bool_)
    weights = np.zeros(table.shape[0])
    room = np.zeros((longest, 3), np.uint64)
    new = 0
    for e in range(count):
        if use_tree and facts[top, OPEN] == 0:
            return e, new
        begin(walk)
        key = np.uint64(ROOT)
        for t in range(start.shape[0]):
            advance(start[t], walk, table)
            key = extended(key, start[t])
            all_choices[e, t] = start[t]
        node = top
        while use_tree:
            facts[node, VISITS] += 1
            untried = legal(walk, longest, table, mask)
            if restrictions is not None:
                untried = narrow(restrictions, all_choices[e], walk[0, LENGTH], longest, tokens, mask)
            for k in range(mask.shape[0]):
                if mask[k] and child[node, k] != 0:
                    mask[k] = False
                    untried -= 1
            if untried > 0:
                if tree.size[0] == best.shape[0]:
                    break  # no room: go on without the tree
                place = find(q_keys, key) if use_q else -1
                if place >= 0:
                    choice = pick(q_values_, place, mask, untried, epsilon, temperature, weights, random)
                else:
                    choice = pick_evenly(mask, untried, drawn(random))
            else:  # the greatest upper confidence bound
                choice = -1
                highest = -np.inf
                logarithm = np.log(facts[node, VISITS])
                for k in range(mask.shape[0]):
                    below = child[node, k]
                    if below != 0 and facts[below, OPEN] > 0:
                        bound = max(0.0, best[below]) + exploration * np.sqrt(
                            logarithm / facts[below, VISITS]
                        )
                        if bound > highest:
                            highest = bound
                            choice = k
            all_choices[e, walk[0, LENGTH]] = choice
            advance(choice, walk, table)
            key = extended(key, choice)
            if untried > 0:
                possible = legal(walk, longest, table, mask)
                if restrictions is not None:
                    possible = narrow(restrictions, all_choices[e], walk[0, LENGTH], longest, tokens, mask)
                node = sprout(tree, node, choice, possible)
                facts[node, VISITS] = 1
                break
            node = child[node, choice]
        batch.leaves[e] = node
        # even draws would nearly always reach the greatest length: each simulation has a length of its own
        least = walk[0, LENGTH] + walk[0, MISSING]
        within = least + np.int64(drawn(random) ** brevity * (longest - least + 1))
        place = 0 if use_q else -1
        while walk[0, MISSING] > 0:
            possible = legal(walk, within, table, mask)
            if restrictions is not None:
                possible = narrow(restrictions, all_choices[e], walk[0, LENGTH], within, tokens, mask)
                if possible == 0 and within < longest:  # what is required needs more room
                    within = longest
                    continue
                if possible == 0:
                    break
            if place >= 0:  # beyond an unknown prefix all are unknown
                place = find(q_keys, key)
            if place >= 0:
                choice = pick(q_values_, place, mask, possible, epsilon, temperature, weights, random)
                key = extended(key, choice)
            else:
                choice = pick_evenly(mask, possible, drawn(random))
            all_choices[e, walk[0, LENGTH]] = choice
            advance(choice, walk, table)
        length = walk[0, LENGTH]
        if walk[0, MISSING] > 0:
            batch.lengths[e] = length
            batch.rewards[e] = 0.0
            sources[e] = -1
            continue
        own = canonical(all_choices[e], length, table, room)
        batch.lengths[e] = length
        batch.keys[e] = own
        sources[e] = new
        for k in range(PROBES):
            at = np.int64(((own >> np.uint64(20)) + np.uint64(k)) & last)
            if known_keys[at] == own:
                reward = known_rewards[at]
                if reward >= 0:
                    batch.rewards[e] = reward
                    sources[e] = -1
                elif -reward - 1 >= serial:  # the same expression was built a moment ago
                    sources[e] = sources[np.int64(-reward - 1) - serial]
                break
            if known_keys[at] == 0:
                break
        if sources[e] == new:
            note(known, own, -1.0 - (serial + e))
            batch.fresh_lengths[new] = length
            for t in range(length):
                fresh[new, t] = tokens[all_choices[e, t]]
            new += 1
    return count, new


@kernel
def note(known: Any, key: Any, reward: float) -> None:
    """Put the reward of an expression into the table; where all places are taken, into the first one."""
    last = np.uint64(known.keys.shape[0] - 1)
    chosen = np.int64((key >> np.uint64(20)) & last)
    for k in range(PROBES):
        at = np.int64(((key >> np.uint64(20)) + np.uint64(k)) & last)
        if known.keys[at] == key or known.keys[at] == 0:
            chosen = at
            break
    known.keys[chosen] = key
    known.rewards[chosen] = reward


@kernel
def back_up(
    count: int, scores: Array, token_discount: float, known: Any, tree: Any, use_tree: bool, batch: Any
) -> None:
    """Give each expression its reward, by what it leaves unexplained in its best view (fresh, views), and its nodes the largest."""
    rewards, sources, best, facts = batch.rewards, batch.sources, tree.best, tree.facts
    for e in range(count):
        if sources[e] >= 0:
            left = np.inf
            for view in range(scores.shape[1]):
                left = min(left, scores[sources[e], view])
            rewards[e] = prefixes.reward(left, batch.lengths[e], token_discount)
            note(known, batch.keys[e], rewards[e])
        if use_tree:
            node = batch.leaves[e]
            while node >= 0 and best[node] < rewards[e]:
                best[node] = rewards[e]
                node = facts[node, PARENT]


@kernel
def graft(
    choices: Array,
    lengths: Array,
    rewards: Array,
    skipped: int,
    longest: int,
    rules: Any,
    restrictions: Any,
    tree: Any,
) -> None:
    """Put the prefixes of finished expressions (expressions, longest) into the tree, with their rewards."""
    table = rules.table
    walk = np.zeros((longest + 3, 3), np.int64)
    mask = np.zeros(table.shape[0], np.bool_)
    for e in range(choices.shape[0]):
        begin(walk)
        node = 0
        for t in range(lengths[e]):
            choice = choices[e, t]
            advance(choice, walk, table)
            if t < skipped:
                continue
            below = tree.child[node, choice]
            if below == 0:
                if tree.size[0] == tree.best.shape[0]:
                    break
                possible = legal(walk, longest, table, mask)
                if restrictions is not None:
                    possible = narrow(restrictions, choices[e], t + 1, longest, rules.choices, mask)
                below = sprout(tree, node, choice, possible)
                tree.facts[node, VISITS] += 1
                tree.facts[below, VISITS] = 1
            node = below
        while node >= 0 and tree.best[node] < rewards[e]:
            tree.best[node] = rewards[e]
            node = tree.facts[node, PARENT]


@kernel
def promising(scores: Array, lengths: Array, limits: Array, picked: Array) -> int:
    """Write which expressions are better, in some view, than ``limits`` (views, longest + 1); return how many."""
    count = 0
    for e in range(scores.shape[0]):
        for view in range(scores.shape[1]):
            if scores[e, view] < limits[view, lengths[e]]:
                picked[count] = e
                count += 1
                break
    return count
