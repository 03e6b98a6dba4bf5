"""Conservation laws: weighted sums of species that no reaction changes, as exact integer vectors.

A law is a vector y with y.S = 0 for every column of changes S.  A reaction such as A + B -> C says y_C = y_A + y_B, so most weights
are eliminated one by one, exactly and sparsely, the youngest species first; what is left, where weights other than 1 and -1 would
have to be divided by, is a small dense problem, for FLINT.
"""

from __future__ import annotations

from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np

Row = dict[int, int]

MAX_TERMS = 64
"""A weight that would be written by more other weights is left to the dense part."""


def conservation_laws(starts: Any, species: Any, change: Any, count: int) -> Any:
    """Return an integer basis of the left null space: an array (laws, count), of int64 or of Python integers where those are large.

    Reaction r changes ``species[starts[r]:starts[r + 1]]`` by ``change``.

    >>> conservation_laws([0, 3], [0, 1, 2], [-1, -1, 1], 3).tolist()
    [[1, 0, 1], [0, 1, 1]]
    """
    known, rest = _eliminate(_distinct_rows(starts, species, change))
    free = [i for i in range(count) if i not in known]
    laws = []
    for vector in _null_space(rest, free):
        law = dict(vector)
        for i, row in known.items():
            weight = sum(c * vector.get(j, 0) for j, c in row.items())
            if weight:
                law[i] = weight
        laws.append(law)
    return _verified(_as_array(laws, count), starts, species, change)


def _distinct_rows(starts: Any, species: Any, change: Any) -> list[Row]:
    """Return the distinct reactions as {species: change}; a reaction and its reverse are one."""
    bounds, places, amounts = (np.asarray(a).tolist() for a in (starts, species, change))
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], None] = {}
    for begin, end in pairwise(bounds):
        if begin == end:
            continue
        row = amounts[begin:end]
        if row[0] < 0:
            row = [-a for a in row]
        found[tuple(places[begin:end]), tuple(row)] = None
    return [dict(zip(*pair)) for pair in found]


def _eliminate(rows: list[Row]) -> tuple[dict[int, Row], list[Row]]:
    """Return {species: its weight in terms of free weights}, and the rows that are left over for the free weights."""
    known: dict[int, Row] = {}
    users: dict[int, set[int]] = {}
    rest: list[Row] = []
    for row in rows:
        row = _reduced(row, known)
        pivot = max((i for i, c in row.items() if c in (1, -1)), default=None)
        if pivot is None or len(row) > MAX_TERMS:
            if row:
                rest.append(row)
            continue
        sign = -row.pop(pivot)
        definition = {i: sign * c for i, c in row.items()}
        for user in users.pop(pivot, ()):
            entry = known[user]
            weight = entry.pop(pivot)
            for i, c in definition.items():
                new = entry.get(i, 0) + weight * c
                if new:
                    entry[i] = new
                    users.setdefault(i, set()).add(user)
                else:
                    entry.pop(i, None)
                    users[i].discard(user)
        known[pivot] = definition
        for i in definition:
            users.setdefault(i, set()).add(pivot)
    return known, [found for row in rest if (found := _reduced(row, known))]


def _reduced(row: Row, known: dict[int, Row]) -> Row:
    """Return a row with the known weights written by the free ones."""
    found: Row = {}
    for i, c in row.items():
        for j, d in known[i].items() if i in known else ((i, 1),):
            found[j] = found.get(j, 0) + c * d
    return {j: c for j, c in found.items() if c}


def _null_space(rows: list[Row], free: list[int]) -> list[Row]:
    """Return a basis of the weights of ``free`` species that vanish on all rows."""
    if not rows:
        return [{i: 1} for i in free]
    from flint import fmpz_mat

    # species that no row left over names are free; the others are solved for
    bound = sorted({i for row in rows for i in row})
    place = {i: k for k, i in enumerate(bound)}
    dense = [[0] * len(bound) for _ in rows]
    for line, row in zip(dense, rows):
        for i, c in row.items():
            line[place[i]] = c
    basis, nullity = fmpz_mat(dense).nullspace()
    touched = set(bound)
    found: list[Row] = [{i: 1} for i in free if i not in touched]
    for k in range(nullity):
        column = [int(basis[r, k]) for r in range(len(bound))]
        found.append({i: c for i, c in zip(bound, column) if c})
    return found


def _as_array(laws: list[Row], count: int) -> Any:
    """Return the laws divided by their common factors, their first weights positive."""
    large = any(abs(c) >= 2**31 for law in laws for c in law.values())
    found = np.zeros((len(laws), count), dtype=object if large else np.int64)
    for line, law in zip(found, laws):
        factor = gcd(*law.values())
        if law[min(law)] < 0:
            factor = -factor
        for i, c in law.items():
            line[i] = c // factor
    return found


def _verified(laws: Any, starts: Any, species: Any, change: Any) -> Any:
    species, change = np.asarray(species), np.asarray(change)
    if laws.dtype == np.int64 and len(change) and int(np.abs(change).max()) < 2**16:
        row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        total = np.zeros((len(laws), len(starts) - 1), np.int64)
        for k, law in enumerate(laws):
            np.add.at(total[k], row, law[species] * change)
        wrong = bool(total.any())
    else:
        wrong = any(
            sum(int(law[species[k]]) * int(change[k]) for k in range(starts[r], starts[r + 1]))
            for law in laws
            for r in range(len(starts) - 1)
        )
    if wrong:
        raise AssertionError(
            "a conservation law does not hold: this is a fault of symnum, please report it with the network"
        )
    return laws
