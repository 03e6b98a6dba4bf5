"""Unfinished expressions: which tokens may follow a prefix, how prefixes are told apart, and what a finished expression is worth.

The tree search, its Q functions and the environment share these functions, so that they agree on what is legal and on the reward.
A *choice* is a token that a search may use, named by its place in ``Rules.choices``; here a prefix is an array of choices.  The inner
loops are numba functions, and take few arrays, because each array that one passes to another costs as much as the work itself.

>>> import numpy as np
>>> from symnum.regression.grammar import Grammar
>>> rules = rules_of(Grammar(("x",), operators=("+", "sin")))
>>> legal_after(rules, [3, 4], 3).tolist()  # + sin, and three tokens at most: no room for any argument
[False, False, False, False, False]
>>> legal_after(rules, [3, 4], 4).tolist()  # x 1 2 may follow; not another + or sin
[True, True, True, False, False]
>>> round(reward(0.25, 1, 0.99), 6)  # half of the standard deviation is left
0.66
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symnum.operators import OPERATORS
from symnum.regression import constraint_kernels, unit_rules
from symnum.regression.grammar import Grammar
from symnum.regression.kernels import Array, kernel

ARITY, FAMILY, FIRST, SECOND, INVERSE, JOINING = range(6)
"""Columns of ``Rules.table``."""

TOP, MISSING, LENGTH = 0, 1, 2
"""Where row 0 of a walk has the innermost open call, how many arguments are still to come, and how many tokens were written."""


class Rules(NamedTuple):
    """Hold the tokens (choices,) that a search may use, the ``choice`` (tokens,) that each token is, -1 if none, and what masks need.

    ``table`` (choices, 6) has for each choice its arity, its family, the families that are banned in its first and in its second
    argument, the choice that its argument may not be (-1: none), and 2 for an operation whose arguments may be exchanged and
    regrouped, 1 when they may be exchanged, else 0.
    """

    choices: NDArray[np.int64]
    choice: NDArray[np.int64]
    table: NDArray[np.int64]


def rules_of(grammar: Grammar) -> Rules:
    """Return the rules of a grammar; the choices are its variables, its numbers and the operations that the search may use."""
    choices = np.concatenate([grammar.leaves.astype(np.int64), grammar.searched])
    choice = np.full(len(grammar.names) + 1, -1, np.int64)  # the last place is that of the inverse -1
    choice[choices] = np.arange(len(choices))
    joining = grammar.commutative.astype(np.int64)
    for token, name in enumerate(grammar.all_operators, grammar.first_operator):
        if name in OPERATORS and OPERATORS[name].associative:
            joining[token] *= 2
    columns = [
        grammar.arity,
        grammar.family,
        grammar.banned[:, 0],
        grammar.banned[:, 1],
        choice[grammar.inverse],
        joining,
    ]
    return Rules(choices, choice[:-1], np.ascontiguousarray(np.stack(columns, axis=1)[choices]))


class Restrictions(NamedTuple):
    """Hold what constraints and units take from the masks: tables over the tokens of the grammar, see :meth:`Grammar.legal`.

    ``root`` is the unit of the whole: any, because the search is for f in ``a*f + b`` and in other views of the target.
    """

    arity: NDArray[np.int64]
    family: NDArray[np.int64]
    banned: NDArray[np.int64]
    inverse: NDArray[np.int64]
    constant: int
    stop: int
    limits: tuple[Array, ...]
    leaves: NDArray[np.int64]
    kinds: NDArray[np.int64]
    root: NDArray[np.int64]
    has_units: bool


def restrictions_of(grammar: Grammar) -> Restrictions | None:
    """Return what constraints and units take from the masks, None for a grammar without either."""
    if not grammar.restricted:
        return None
    units = grammar.unit_rules
    tokens = len(grammar.names)
    root = np.zeros(unit_rules.WIDTH, np.int64)
    root[unit_rules.ANY] = 1
    return Restrictions(
        grammar.arity,
        grammar.family,
        grammar.banned,
        grammar.inverse,
        grammar.constant,
        grammar.first_operator + len(grammar.operators),
        grammar.constraint_rules.arrays,
        np.zeros((tokens, unit_rules.WIDTH), np.int64) if units is None else units.leaves,
        np.zeros((tokens, 4), np.int64) if units is None else units.kinds,
        root,
        units is not None,
    )


def new_walk(longest: int) -> NDArray[np.int64]:
    """Return the walk of the empty prefix of an expression of at most ``longest`` tokens."""
    walk = np.zeros((longest + 3, 3), np.int64)
    begin(walk)
    return walk


def legal_after(
    rules: Rules, prefix: Sequence[int] | Array, longest: int, restrictions: Restrictions | None = None
) -> NDArray[np.bool_]:
    """Return (choices,): which choices may follow a prefix so that an allowed expression of ``longest`` tokens can still end.

    With units a prefix may turn out to have no ending; then nothing may follow, as after a whole expression.
    """
    mask = np.zeros(len(rules.choices), np.bool_)
    walk = new_walk(max(longest, len(prefix)))
    for choice in prefix:
        advance(int(choice), walk, rules.table)
    legal(walk, longest, rules.table, mask)
    if restrictions is not None:
        narrow(restrictions, np.array(prefix, np.int16), len(prefix), longest, rules.choices, mask)
    return mask


@kernel
def begin(walk: Array) -> None:
    """Go back to the empty prefix.

    Row 0 of a walk (longest + 3, 3) is described by TOP, MISSING and LENGTH; row 2 and those after it are the open calls: the
    operation, its argument that is being written, and the families that are banned there.  Row 1 is none.
    """
    walk[0, TOP] = 1
    walk[0, MISSING] = 1
    walk[0, LENGTH] = 0
    walk[1, 0] = -1
    walk[1, 1] = -1
    walk[1, 2] = 0


@kernel
def advance(choice: int, walk: Array, table: Array) -> None:
    """Write one more token."""
    top = walk[0, TOP]
    walk[0, LENGTH] += 1
    walk[0, MISSING] += table[choice, ARITY] - 1
    if table[choice, ARITY] > 0:
        walk[top + 1, 0] = choice
        walk[top + 1, 1] = 0
        walk[top + 1, 2] = walk[top, 2] | table[choice, FIRST]
        walk[0, TOP] = top + 1
        return
    while top > 1 and walk[top, 1] + 1 == table[walk[top, 0], ARITY]:
        top -= 1
    if top > 1:
        walk[top, 1] += 1
        walk[top, 2] = walk[top - 1, 2] | table[walk[top, 0], SECOND]
    walk[0, TOP] = top


@kernel
def legal(walk: Array, longest: int, table: Array, mask: Array) -> int:
    """Write which choices may follow, and return how many; the same as :meth:`Grammar.legal`, and none after a whole expression."""
    top = walk[0, TOP]
    room = longest - walk[0, LENGTH] - walk[0, MISSING]
    if walk[0, MISSING] == 0:
        room = -1
    banned = walk[top, 2]
    undone = table[walk[top, 0], INVERSE] if walk[top, 1] == 0 else -1
    count = 0
    for k in range(table.shape[0]):
        good = (table[k, ARITY] <= room) & ((table[k, FAMILY] & banned) == 0) & (k != undone)
        mask[k] = good
        count += good
    return count


@kernel
def narrow(restrictions: Any, choices: Array, length: int, longest: int, tokens: Array, mask: Array) -> int:
    """Take from the mask what constraints and units forbid after the first ``length`` choices; return how many are left."""
    prefix = np.empty(length, np.int64)
    for t in range(length):
        prefix[t] = tokens[choices[t]]
    allowed = np.zeros(restrictions.arity.shape[0], np.bool_)
    constraint_kernels.legal(
        prefix, length, longest, restrictions.arity, restrictions.family, restrictions.banned, restrictions.inverse,
        restrictions.constant, restrictions.stop, *restrictions.limits, allowed,
    )  # fmt: skip
    if restrictions.has_units:
        unit_rules.narrow(
            prefix,
            length,
            restrictions.arity,
            restrictions.leaves,
            restrictions.kinds,
            restrictions.root,
            allowed,
        )
    count = 0
    for k in range(mask.shape[0]):
        mask[k] = mask[k] and allowed[tokens[k]]
        count += mask[k]
    return count


@kernel
def mixed(a: Any, b: Any) -> Any:
    """Return a 64-bit hash of two 64-bit numbers, in this order."""
    h = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b)
    h ^= h >> np.uint64(30)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@kernel
def canonical(choices: Array, length: int, table: Array, room: Array) -> int:
    """Return a hash of an expression that does not see the order, and for sums the grouping, of arguments that may be exchanged.

    ``room`` (longest, 3) of unsigned 64-bit numbers is for hashes, for the sums over regrouped arguments, and for the operations.
    """
    top = -1
    for place in range(length - 1, -1, -1):
        choice = choices[place]
        count = table[choice, ARITY]
        joining = table[choice, JOINING]
        root = np.uint64(choice + 1)
        total = np.uint64(0)
        found = root
        if count == 2 and joining > 0:
            for side in range(2):
                regroup = joining == 2 and room[top - side, 2] == root
                total += room[top - side, 1] if regroup else mixed(np.uint64(7), room[top - side, 0])
            found = mixed(root, total)
        else:
            for side in range(count):
                found = mixed(found, room[top - side, 0])
        top += 1 - count
        room[top, 0] = found
        room[top, 1] = total
        room[top, 2] = root
    return mixed(np.uint64(3), room[0, 0]) | np.uint64(1)  # 0 marks an empty place of a table


@kernel
def drawn(random: Array) -> float:
    """Return the next number in [0, 1) of the generator whose state is ``random`` (1,), unsigned (Steele et al. 2014, SplitMix64)."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    return float(mixed(np.uint64(1), random[0]) >> np.uint64(11)) / 9007199254740992.0


@kernel
def reward(left: float, length: int, discount: float) -> float:
    """Return discount^length / (1 + e) for an expression that leaves the part ``left`` = e^2 of the target's variance, 0 if undefined.

    e is the root mean square error of the best ``a*f + b``, as a part of the target's standard deviation.
    """
    if not (left < np.inf):
        return 0.0
    return discount**length / (1.0 + np.sqrt(left))


@kernel
def keeps_rules(choices: Array, longest: int, table: Array) -> bool:
    """Tell whether an array of choices, where -1 is none, is one whole expression that a search with these rules may build."""
    walk = np.zeros((longest + 3, 3), np.int64)
    mask = np.zeros(table.shape[0], np.bool_)
    begin(walk)
    for choice in choices:
        legal(walk, longest, table, mask)
        if choice < 0 or not mask[choice]:
            return False
        advance(choice, walk, table)
    return walk[0, MISSING] == 0
