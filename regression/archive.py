"""The best expressions that a search has met, for each view and each length."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symnum.regression.grammar import Tokens
from symnum.regression.problem import Views


@dataclass(frozen=True, order=True)
class Entry:
    """Hold an expression f, what ``a*f + b`` leaves unexplained in a view, and its tokens; ordered by what is left."""

    left: float
    text: bytes

    @property
    def tokens(self) -> Tokens:
        """Return the token array."""
        return np.frombuffer(self.text, np.int16)


class Archive:
    """Keep, for each view and each number of tokens, the ``width`` expressions that explain most."""

    def __init__(self, views: Views, width: int = 6) -> None:
        self.views = views
        self.width = width
        self.best: list[dict[int, list[Entry]]] = [{} for _ in views.names]

    def offer(
        self, scores: NDArray[np.float64], lengths: NDArray[np.int64], tokens: Callable[[int], Tokens]
    ) -> None:
        """Take from a batch what is among the best; ``tokens(k)`` builds expression k."""
        for view, best in enumerate(self.best):
            column = scores[:, view]
            for length in np.unique(lengths):
                kept = best.setdefault(int(length), [])
                members = np.flatnonzero(lengths == length)
                limit = kept[-1].left if len(kept) == self.width else np.inf
                members = members[column[members] < min(limit, 1.0)]
                if len(members) > self.width:
                    members = members[np.argsort(column[members], kind="stable")[: 2 * self.width]]
                for k in members:
                    self._insert(kept, Entry(float(column[k]), tokens(int(k)).tobytes()))

    def add(self, view: int, entry: Entry) -> None:
        """Take an entry of another archive, if it is among the best of its length."""
        self._insert(self.best[view].setdefault(len(entry.tokens), []), entry)

    def _insert(self, kept: list[Entry], entry: Entry) -> None:
        """Put an entry in, unless an equally good one of its length is there."""
        place = bisect.bisect_left(kept, entry)
        if all(
            abs(near.left - entry.left) > 1e-9 * entry.left for near in kept[max(0, place - 1) : place + 1]
        ):
            kept.insert(place, entry)
            del kept[self.width :]

    def front(self, view: int) -> list[Entry]:
        """Return the entries that no shorter or equally long one beats, shortest first."""
        found: list[Entry] = []
        for length in sorted(self.best[view]):
            entries = self.best[view][length]
            if entries and (not found or entries[0].left < 0.999999 * found[-1].left):
                found.append(entries[0])
        return found

    def entries(self, view: int) -> Iterator[Entry]:
        """Yield all entries of a view, shortest first."""
        for length in sorted(self.best[view]):
            yield from self.best[view][length]

    def exact(self) -> bool:
        """Tell whether an expression leaves no more than rounding."""
        return any(
            entries and entries[0].left <= floor
            for best, floor in zip(self.best, self.views.floors, strict=True)
            for entries in best.values()
        )
