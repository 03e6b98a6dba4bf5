"""Enumerate expressions by length, from the bottom up, and each function once.

Two expressions are the same function when their values on the rows round to the same 38 bits.  The values of what was found are
stored, so that a longer expression costs one operation a row.  The number of expressions of a length grows about sixfold with
each token; what no longer fits into memory is scored but not built upon.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from symnum.regression import kernels
from symnum.regression.admission import fitting
from symnum.regression.archive import Archive
from symnum.regression.budget import Budget
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Problem

CHUNK = 4096
"""Combinations that are tried in one call."""


RATIONAL = ("neg", "^-1", "^2", "^3", "^4")
"""Operations that make a rational number of one."""


class Bank:
    """Hold distinct expressions with their values, in the order of their lengths."""

    def __init__(self, grammar: Grammar, problem: Problem, capacity: int, table_bits: int = 22) -> None:
        self.grammar = grammar
        self.values = np.empty((capacity, problem.rows))
        self.families = np.zeros(capacity, np.int64)
        self.roots = np.zeros(capacity, np.int64)
        self.left = np.zeros(capacity, np.int64)
        self.right = np.zeros(capacity, np.int64)
        self.lengths = np.zeros(capacity, np.int64)
        self.constant = np.zeros(capacity, np.bool_)
        # what constraints and units need to know; nothing where there are none
        width = grammar.leaf_states.shape[1] if grammar.restricted else 0
        self.states = np.zeros((capacity, width), np.int64)
        self.table = np.zeros(1 << table_bits, np.uint64)
        self.buffer = np.empty((CHUNK, problem.rows))
        self.size = 0
        self.met = 0  # keys in the table
        self.ends = [0]  # expressions of length n lie between ends[n - 1] and ends[n]
        numbers = [np.full(problem.rows, float(number)) for number in grammar.numbers]
        count = len(grammar.variables)
        leaves = [
            *range(count, grammar.constant),
            *range(count),
        ]  # numbers first: a column that equals one is that number
        for token, values in zip(leaves, [*numbers, *problem.X], strict=True):
            if token not in grammar.leaves:
                continue
            if self.size < capacity and kernels.usable(values) and kernels.remember(self.table, values):
                if grammar.restricted:
                    self.states[self.size] = grammar.leaf_states[token]
                self.values[self.size] = values
                self.roots[self.size] = token
                self.lengths[self.size] = 1
                self.constant[self.size] = token >= count
                self.size += 1
        self.met = self.size
        self.ends.append(self.size)

    @property
    def full(self) -> bool:
        """Tell whether no more expressions can be stored."""
        return self.size == len(self.values)

    def tokens(self, index: int) -> Tokens:
        """Return the token array of a stored expression."""
        found: list[int] = []
        stack = [index]
        while stack:
            k = stack.pop()
            token = int(self.roots[k])
            found.append(token)
            if self.grammar.arity[token] == 2:
                stack.append(int(self.right[k]))
            if self.grammar.arity[token] > 0:
                stack.append(int(self.left[k]))
        return np.array(found, np.int16)


def enumerate_expressions(bank: Bank, archive: Archive, budget: Budget) -> str:
    """Fill the bank and offer all expressions to the archive, length by length; return why it ended.

    It ends when the budget is spent, when an expression fits exactly (the length is finished first), when the bank is full, or when
    the language has no more functions.
    """
    leaves = np.arange(bank.size)
    scores = np.empty((bank.size, len(archive.views.names)))
    for k in leaves:
        kernels.unexplained(
            bank.values[k], archive.views.targets, archive.views.weights, archive.views.spread, scores[k]
        )
    if bank.grammar.restricted:
        scores[~fitting(bank.grammar, bank.states[: bank.size], archive.views.names)] = np.inf
    archive.offer(scores, bank.lengths[: bank.size], bank.tokens)
    budget.spend(bank.size)
    length = grown = 1
    while True:
        if archive.exact():
            return "exact"
        if bank.full:
            return "bank full"
        length += 1
        found = 0
        for token, left, right in _combinations(bank, length):
            if budget.spent:
                return "budget"
            budget.spend(len(left))
            found += _try(bank, archive, token, left, right, length)
        bank.ends.append(bank.size)
        if found:
            grown = length
        elif length > 2 * grown:
            return "complete"


def _combinations(bank: Bank, length: int) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (operation, left, right) in chunks, for all expressions of a length."""
    grammar = bank.grammar
    for token in map(int, grammar.searched):
        if grammar.arity[token] == 1:
            start, stop = bank.ends[length - 2], bank.ends[length - 1]
            for first in range(start, stop, CHUNK):
                left = np.arange(first, min(first + CHUNK, stop))
                # constants such as cos(2) fit anything and mean nothing; slots find those that are wanted
                if grammar.names[token] not in RATIONAL:
                    left = left[~bank.constant[left]]
                if len(left):
                    yield token, left, left
    for token in map(int, grammar.searched):
        if grammar.arity[token] != 2:
            continue
        for a in range(1, length - 1):
            b = length - 1 - a
            if grammar.commutative[token] and a > b:
                continue
            low, high = (bank.ends[a - 1], bank.ends[a]), (bank.ends[b - 1], bank.ends[b])
            width = high[1] - high[0]
            total = (low[1] - low[0]) * width
            for first in range(0, total, CHUNK):
                left, right = np.divmod(np.arange(first, min(first + CHUNK, total)), width)
                left += low[0]
                right += high[0]
                if grammar.commutative[token] and a == b:
                    once = left <= right
                    left, right = left[once], right[once]
                if len(left):
                    yield token, left, right


def _try(
    bank: Bank, archive: Archive, token: int, left: NDArray[np.int64], right: NDArray[np.int64], length: int
) -> int:
    """Apply an operation to stored expressions; store and offer what is new, and return how much that is."""
    grammar, views = bank.grammar, archive.views
    if grammar.restricted:
        ok, states = grammar.joined(token, left, right, bank.states)
        left, right, states = left[ok], right[ok], states[ok]
    count = len(left)
    values = bank.buffer
    families, picked = np.empty(count, np.int64), np.empty(count, np.int64)
    scores = np.empty((count, len(views.names)))
    if bank.met + count > len(bank.table) // 2:
        bank.table[:] = 0  # forget, rather than let the table fill up: some functions may then come twice
        bank.met = 0
    found = kernels.expand(
        int(grammar.code[token]), grammar.arity[token] == 2, left, right, int(grammar.banned[token, 0]), int(grammar.banned[token, 1]),
        int(grammar.inverse[token]), int(grammar.family[token]), bank.values, bank.families, bank.roots, bank.table, *grammar.machine,
        views.targets, views.weights, views.spread, values, families, scores, picked,
    )  # fmt: skip
    bank.met += found
    stored = min(found, len(bank.values) - bank.size)
    place = slice(bank.size, bank.size + stored)
    bank.values[place] = values[:stored]
    bank.families[place] = families[:stored]
    bank.roots[place] = token
    bank.left[place] = left[picked[:stored]]
    bank.right[place] = right[picked[:stored]]
    bank.lengths[place] = length
    bank.constant[place] = bank.constant[bank.left[place]] & bank.constant[bank.right[place]]
    if grammar.restricted:
        bank.states[place] = states[picked[:stored]]
        scores[:found][~fitting(grammar, states[picked[:found]], views.names)] = np.inf
    bank.size += stored
    first_argument, second_argument = left[picked[:found]], right[picked[:found]]

    def tokens(k: int) -> Tokens:
        parts = [np.array([token], np.int16), bank.tokens(int(first_argument[k]))]
        if grammar.arity[token] == 2:
            parts.append(bank.tokens(int(second_argument[k])))
        return np.concatenate(parts)

    archive.offer(scores[:found], np.full(found, length), tokens)
    return found
