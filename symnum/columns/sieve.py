"""The sieve of a rule set as a kernel: which rows have the features that some rule needs.

A feature is a bit; masks are several machine words.  What a factor base^exponent has is looked up by its *kind*, the pair of the head of
its base and its exponent: of these there are few, and the caller says what each has.
See :mod:`symnum.rewriting.column_sieve` for the meaning.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symnum.columns.borrowing import borrowed
from symnum.columns.kernels import kernel, part_of_kernel
from symnum.columns.table import CALL, NUMBER, ONE, OPERATOR, PRODUCT, START, SUM, SYMBOL, Table

POWER, LEAF, CONSTANT = -1, -2, -3
"""Heads beside SUM, PRODUCT and the operators of calls: of a power, of a symbol, and of a number."""

TERM = -1
"""The exponent of kinds whose exponent is a term."""

_SHIFT = 3
"""Added to a head, so that it is a place."""


class Needs(NamedTuple):
    """What a rule set asks for, as arrays of masks (n, words).

    ``addends`` and ``addend_bits``: what the factors of an addend need to give its sum a feature; ``inside`` and ``inside_bits`` likewise
    for a sum that is a factor; ``rules`` with ``starts``: for each head + 3, the features that some rule needs at the top.
    """

    addends: Any
    addend_bits: Any
    inside: Any
    inside_bits: Any
    rules: Any
    starts: Any


@part_of_kernel
def head_of(table: Table, row: int) -> int:
    """Return the head of a row."""
    operator, begin = table.rows[row, OPERATOR], table.rows[row, START]
    if operator == NUMBER:
        return CONSTANT
    if operator == SYMBOL:
        return LEAF
    if operator == PRODUCT and table.parts[begin] == ONE and table.rows[row + 1, START] - begin == 3:
        return POWER
    return operator


@part_of_kernel
def _kind(table: Table, base: int, exponent: int, slots: Any, kinds: Any, count: Any) -> int:
    """Return the number of a kind of factor, a new one when it was not met before, or -1 when there are too many."""
    head = head_of(table, base)
    if table.rows[exponent, OPERATOR] != NUMBER:
        exponent = TERM
    h = np.uint64(head + _SHIFT) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(exponent) * np.uint64(
        0xFF51AFD7ED558CCD
    )
    mask = len(slots) - 1
    slot = np.int64(h >> np.uint64(32)) & mask
    while slots[slot]:
        k = slots[slot] - 1
        if kinds[k, 0] == head and kinds[k, 1] == exponent:
            return k
        slot = (slot + 1) & mask
    k = count[0]
    if k == len(kinds):
        return -1
    kinds[k, 0], kinds[k, 1] = head, exponent
    slots[slot] = k + 1
    count[0] = k + 1
    return k


@kernel
def kinds_of(table: Table, rows: Any, most: int) -> Any:
    """Return the kinds of factor below some rows as (head, exponent's row), none when there are more than ``most``; and for each factor
    of the rows its kind, in the order of their parts."""
    table = borrowed(table)
    size = 64
    while size < 4 * most:
        size *= 2
    slots, kinds, count = np.zeros(size, np.int64), np.empty((most, 2), np.int64), np.zeros(1, np.int64)
    own = np.empty(len(rows), np.int64)  # the kind of a row as a factor to the power 1
    of_factor = np.empty(table.header[1], np.int64)  # by place of the base among the parts
    for i in range(len(rows)):
        row = rows[i]
        own[i] = _kind(table, row, ONE, slots, kinds, count)
        if own[i] < 0:
            return kinds[:0], own, of_factor
        if table.rows[row, OPERATOR] == PRODUCT:
            for k in range(table.rows[row, START] + 1, table.rows[row + 1, START], 2):
                of_factor[k] = _kind(table, table.parts[k], table.parts[k + 1], slots, kinds, count)
                if of_factor[k] < 0:
                    return kinds[:0], own, of_factor
    return kinds[: count[0]].copy(), own, of_factor


@part_of_kernel
def _add_bits(mask: Any, has: Any, needed: Any, bits: Any) -> None:
    """Add the bits whose needs are among what there is."""
    for n in range(len(needed)):
        good = True
        for w in range(len(has)):
            if needed[n, w] & ~has[w]:
                good = False
                break
        if good:
            for w in range(len(mask)):
                mask[w] |= bits[n, w]


@part_of_kernel
def _wanted(head: int, mask: Any, needs: Needs) -> bool:
    """Tell whether a rule may fire at a head with these features."""
    if head + _SHIFT + 1 >= len(needs.starts):
        return False
    for n in range(needs.starts[head + _SHIFT], needs.starts[head + _SHIFT + 1]):
        good = True
        for w in range(len(mask)):
            if needs.rules[n, w] & ~mask[w]:
                good = False
                break
        if good:
            return True
    return False


@part_of_kernel
def _asked(table: Table, roots: Any, rows: Any) -> Any:
    """Return for each row of the table whether it is a node: x*y in 2*x*y + 1 is none, for 2*x*y has the parts 2, x and y."""
    asked = np.zeros(table.header[0], np.bool_)
    for row in roots:
        asked[row] = True
    for i in range(len(rows)):
        row = rows[i]
        operator, begin, end = table.rows[row, OPERATOR], table.rows[row, START], table.rows[row + 1, START]
        if operator == SUM:
            for k in range(begin + 1, end, 2):
                if table.parts[k + 1] == ONE or head_of(table, table.parts[k]) != PRODUCT:
                    asked[table.parts[k]] = True
        elif operator > SYMBOL:
            for k in range(begin, end):
                asked[table.parts[k]] = True
    return asked


@kernel
def sieved(
    table: Table, roots: Any, rows: Any, own: Any, of_factor: Any, kind_masks: Any, needs: Needs
) -> Any:
    """Return what passes as (row, part, mask number) and the masks.

    ``part`` is -1 for the row itself; for a multiple in a sum it is the place of its coefficient among the parts, and for a power in a
    product that of its exponent.
    """
    words = kind_masks.shape[1]
    place = np.full(table.header[0], -1, np.int64)
    for i in range(len(rows)):
        place[rows[i]] = i
    asked = _asked(table, roots, rows)
    as_product = np.zeros((len(rows), words), np.uint64)
    inside = np.zeros((len(rows), words), np.uint64)
    as_addend, is_known = np.zeros((len(rows), words), np.uint64), np.zeros(len(rows), np.bool_)
    mask, plain = np.zeros(words, np.uint64), np.zeros(words, np.uint64)
    # Whether a power of a kind, or a multiple of a row, is wanted: found once.
    of_kind, of_row = np.full(len(kind_masks), -1, np.int8), np.full(len(rows), -1, np.int8)
    found, masks = np.empty((64, 3), np.int64), np.empty((64, words), np.uint64)
    used = 0
    for i in range(len(rows)):
        row = rows[i]
        operator, begin, end = table.rows[row, OPERATOR], table.rows[row, START], table.rows[row + 1, START]
        if used + end - begin + 1 > len(found):
            more = np.empty((2 * (used + end - begin + 1), 3), np.int64)
            more[:used] = found[:used]
            found = more
            more_masks = np.empty((len(found), words), np.uint64)
            more_masks[:used] = masks[:used]
            masks = more_masks
        mask[:] = 0
        if operator == PRODUCT:
            for k in range(begin + 1, end, 2):
                base = place[table.parts[k]]
                for w in range(words):
                    as_product[i, w] |= kind_masks[of_factor[k], w] | inside[base, w]
                # A power in a product is asked without being built.
                if head_of(table, row) == PRODUCT and table.parts[k + 1] != ONE:
                    kind = of_factor[k]
                    holds = table.rows[table.parts[k], OPERATOR] == SUM and len(needs.inside) > 0
                    if not holds and of_kind[kind] == 0:
                        continue
                    for w in range(words):
                        mask[w] = kind_masks[kind, w] | inside[base, w]
                    wanted = _wanted(POWER, mask, needs)
                    if not holds:
                        of_kind[kind] = wanted
                    if wanted:
                        found[used, 0], found[used, 1], found[used, 2] = row, k + 1, used
                        masks[used] = mask
                        used += 1
            mask[:] = as_product[i]
        else:
            if operator == SUM:
                for k in range(begin + 1, end, 2):
                    addend = place[table.parts[k]]
                    if not is_known[addend]:
                        is_known[addend] = True
                        _add_bits(as_addend[addend], as_product[addend], needs.addends, needs.addend_bits)
                    for w in range(words):
                        mask[w] |= as_addend[addend, w]
                    if of_row[addend] < 0 and table.parts[k + 1] != ONE:
                        of_row[addend] = _wanted(PRODUCT, as_product[addend], needs)
                    if table.parts[k + 1] != ONE and of_row[addend]:
                        found[used, 0], found[used, 1], found[used, 2] = row, k + 1, used
                        masks[used] = as_product[addend]
                        used += 1
                    if len(needs.inside):
                        _plain(table, table.parts[k], own[addend], of_factor, kind_masks, plain)
                        _add_bits(inside[i], plain, needs.inside, needs.inside_bits)
            elif operator >= CALL:
                for k in range(begin, end):
                    for w in range(words):
                        mask[w] |= as_product[place[table.parts[k]], w]
            for w in range(words):
                as_product[i, w] = kind_masks[own[i], w] | inside[i, w]
        if operator > SYMBOL and asked[row] and _wanted(head_of(table, row), mask, needs):
            found[used, 0], found[used, 1], found[used, 2] = row, -1, used
            masks[used] = mask
            used += 1
    return found[:used].copy(), masks[:used].copy()


@part_of_kernel
def _plain(table: Table, row: int, own: int, of_factor: Any, kind_masks: Any, plain: Any) -> None:
    """Write the features of the factors of a row, without what sums among them hold."""
    plain[:] = 0
    if table.rows[row, OPERATOR] == PRODUCT:
        for k in range(table.rows[row, START] + 1, table.rows[row + 1, START], 2):
            for w in range(len(plain)):
                plain[w] |= kind_masks[of_factor[k], w]
    else:
        for w in range(len(plain)):
            plain[w] = kind_masks[own, w]
