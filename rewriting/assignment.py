"""How a search for matches is kept short: counting attempts, failing once, and giving many patterns an item each.

Nothing here knows what a pattern is; patterns are asked for their slots and heads only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from symnum import term as interface
from symnum.backends.nodes import number_key
from symnum.rewriting.facts import Facts
from symnum.rewriting.pattern import MANY, Segment, Slot, base_head, pattern_slots
from symnum.rewriting.views import is_value

MAX_ATTEMPTS = 1_000_000
"""Most attempts to match one rule at one place; each takes about a microsecond."""

Bound = dict[str, Any]
"""{slot name: term, tuple of terms for a segment, or head for a function slot}."""

Items = list[tuple[Any, Any]]
"""Pairs (term, coefficient) of a sum or (base, exponent) of a product."""


class MatchLimitWarning(RuntimeWarning):
    """Say that the search for a match was given up, so that a rule may have been passed over."""


class GivenUp(Exception):
    """Carries the end of a search that took too many attempts out of it."""


class Search:
    """One search for matches: what is known of terms, and how many attempts were made."""

    __slots__ = ("attempts", "facts", "limit")

    def __init__(self, facts: Facts, limit: int = MAX_ATTEMPTS) -> None:
        self.facts, self.attempts, self.limit = facts, 0, limit

    def attempt(self) -> None:
        """Count an attempt; raises GivenUp when there were too many, or when the facts' deadline has passed."""
        self.attempts += 1
        if self.attempts > self.limit or (not self.attempts % 256 and time.monotonic() > self.facts.deadline):
            raise GivenUp


# --- failing once -----------------------------------------------------------------------------------------------------------------


def identity_of(binding: Any) -> Hashable:
    """Return what tells a binding from others: the key of a term, the keys of a segment's terms, the head of a function slot."""
    if binding is None or isinstance(binding, str):
        return binding
    if type(binding) is tuple:
        return tuple(map(interface.key, binding))
    return interface.key(binding)


def item_key(item: tuple[Any, Any]) -> Hashable:
    """Return an addend or factor as something that can be compared."""
    term, weight = item
    return interface.key(term), number_key(weight) if is_value(weight) else interface.key(weight)


def slots_in(parts: Sequence[Any]) -> tuple[str, ...]:
    """Return the slots of patterns, of factors (base, exponent) and of addends (coefficient, product), in the order of their names."""
    found: set[str] = set()
    for part in parts:
        for pattern in part if type(part) is tuple else (part,):
            if not is_value(pattern):
                found |= pattern_slots(pattern)
    return tuple(sorted(found))


def each_way(
    ways: Iterator[Bound],
    rest: Sequence[Any],
    bound: Bound,
    then: Callable[[Bound], Iterator[Any]],
    hopeless: Callable[[], bool] | None = None,
) -> Iterator[Any]:
    """Yield what follows from each way in which a part matches, where ``rest`` is matched thereafter.

    When nothing followed from one way, another way that binds the slots of the rest to the same is not followed, and where the part
    binds no slot of the rest, or the rest is ``hopeless`` by itself, the other ways are not even looked for.
    """
    shared: list[str] | None = None
    failed: set[Hashable] = set()
    for new in ways:
        if shared is not None and _bindings(shared, new) in failed:
            continue
        fruitless = True
        for found in then(new):
            fruitless = False
            yield found
        if fruitless:
            if shared is None:
                shared = [name for name in slots_in(rest) if name in new and name not in bound]
                if not shared or (hopeless is not None and hopeless()):
                    return
            failed.add(_bindings(shared, new))


def _bindings(names: Sequence[str], bound: Bound) -> Hashable:
    return tuple([identity_of(bound.get(name)) for name in names])


class DeadEnds:
    """What is known to have no match: patterns from one on, with the items that are left and the bindings that matter to them."""

    __slots__ = ("_failed", "_slots")

    def __init__(self, patterns: Sequence[Any]) -> None:
        self._slots = (
            [slots_in(patterns[i:]) for i in range(len(patterns) + 1)] if len(patterns) > MANY else []
        )
        self._failed: set[Hashable] = set()

    def through(
        self, index: int, bound: Bound, state: Callable[[], Hashable], ways: Iterator[Any]
    ) -> Iterator[Any]:
        """Return what a search yields from a pattern on, without what is known to yield nothing.

        ``state()`` tells what is left from what is left elsewhere.  It is not asked for few patterns: going through all is faster then.
        """
        return self._through(index, bound, state, ways) if self._slots else ways

    def _through(
        self, index: int, bound: Bound, state: Callable[[], Hashable], ways: Iterator[Any]
    ) -> Iterator[Any]:
        where = (index, _bindings(self._slots[index], bound), state())
        if where in self._failed:
            return
        fruitless = True
        for found in ways:
            fruitless = False
            yield found
        if fruitless:
            self._failed.add(where)


_NO_DEAD_ENDS = DeadEnds(())


def dead_ends(patterns: Sequence[Any]) -> DeadEnds:
    """Return a memory for a search through patterns, which for few of them is one that remembers nothing."""
    return DeadEnds(patterns) if len(patterns) > MANY else _NO_DEAD_ENDS


# --- many patterns, many items --------------------------------------------------------------------------------------------------

Fits = Callable[[Any, Any, Bound], Iterator[Bound]]
"""A function of a pattern, an item and the bindings that yields the ways in which they fit."""

Finish = Callable[[Bound, list[Any]], Iterator[Any]]
"""A function of the bindings and the items that are left over that yields what a search yields in the end."""


def assign(
    patterns: Sequence[Any],
    items: list[Any],
    bound: Bound,
    fits: Fits,
    search: Search,
    finish: Finish,
    last: Slot | Segment | None = None,
) -> Iterator[Any]:
    """Give each pattern an item of its own, and ``finish`` what is left over; ``last`` is the slot that it binds, if any."""
    if len(patterns) > len(items):
        return
    if len(patterns) <= MANY:
        yield from _assign_in_order(patterns, 0, items, bound, fits, search, finish, last)
        return
    fitting = fitting_items(patterns, items, bound, fits, search)
    if fitting is not None:
        everyone = tuple(range(len(patterns)))
        yield from _FewFirst(patterns, items, fits, search, finish, last).assign(
            everyone, fitting, frozenset(), bound
        )


def fitting_items(
    patterns: Sequence[Any], items: Sequence[Any], bound: Bound, fits: Fits, search: Search
) -> list[list[int]] | None:
    """Return the places of the items that fit each pattern, whatever the others take, or None when not all can have one."""
    fitting = []
    for pattern in patterns:
        fitting.append(
            [i for i, item in enumerate(items) if _fits_at_all(pattern, item, bound, fits, search)]
        )
        if not fitting[-1]:
            return None
    return fitting if can_all_have_one(fitting) else None


def _fits_at_all(pattern: Any, item: Any, bound: Bound, fits: Fits, search: Search) -> bool:
    search.attempt()
    return next(fits(pattern, item, bound), None) is not None


def _assign_in_order(
    patterns: Sequence[Any],
    index: int,
    items: list[Any],
    bound: Bound,
    fits: Fits,
    search: Search,
    finish: Finish,
    last: Slot | Segment | None,
) -> Iterator[Any]:
    if index == len(patterns):
        yield from finish(bound, items)
        return
    after = [*patterns[index + 1 :], *([] if last is None else [last])]

    def then(new: Bound) -> Iterator[Any]:
        return _assign_in_order(patterns, index + 1, rest, new, fits, search, finish, last)

    for place, item in enumerate(items):
        search.attempt()
        rest = items[:place] + items[place + 1 :]
        yield from each_way(fits(patterns[index], item, bound), after, bound, then)


class _FewFirst:
    """Give the pattern with the fewest fitting items one first, as long as all others can still have one each."""

    def __init__(
        self,
        patterns: Sequence[Any],
        items: list[Any],
        fits: Fits,
        search: Search,
        finish: Finish,
        last: Slot | Segment | None,
    ) -> None:
        self._patterns, self._items, self._fits, self._search = patterns, items, fits, search
        self._finish, self._last = finish, () if last is None else (last,)
        self._slots = [slots_in((pattern,)) for pattern in patterns]
        self._failed: set[Hashable] = set()

    def assign(
        self, open_: tuple[int, ...], fitting: list[list[int]], used: frozenset[int], bound: Bound
    ) -> Iterator[Any]:
        """Yield what comes of giving items to the open patterns; ``fitting`` has the places of those that each may have."""
        if not open_:
            yield from self._finish(bound, [item for i, item in enumerate(self._items) if i not in used])
            return
        if not can_all_have_one([fitting[p] for p in open_]):
            return
        slots = slots_in([*[self._patterns[p] for p in open_], *self._last])
        where = (open_, used, _bindings(slots, bound))
        if where in self._failed:
            return
        fruitless = True
        for found in self._choose(open_, fitting, used, bound):
            fruitless = False
            yield found
        if fruitless:
            self._failed.add(where)

    def _choose(
        self, open_: tuple[int, ...], fitting: list[list[int]], used: frozenset[int], bound: Bound
    ) -> Iterator[Any]:
        pick = min(open_, key=lambda p: len(fitting[p]))
        rest = tuple([p for p in open_ if p != pick])
        after = [*[self._patterns[p] for p in rest], *self._last]

        def then(new: Bound) -> Iterator[Any]:
            narrowed = [
                self._narrowed(p, row, place, new, bound) if p in rest else row
                for p, row in enumerate(fitting)
            ]
            if all(narrowed[p] for p in rest):
                yield from self.assign(rest, narrowed, used | {place}, new)

        for place in fitting[pick]:
            self._search.attempt()
            yield from each_way(
                self._fits(self._patterns[pick], self._items[place], bound), after, bound, then
            )

    def _narrowed(self, pattern: int, row: list[int], place: int, new: Bound, bound: Bound) -> list[int]:
        """Return the items that a pattern may still have when another one took that at ``place``."""
        left = [j for j in row if j != place]
        if not any(name in new and name not in bound for name in self._slots[pattern]):
            return left
        items, search = self._items, self._search
        return [j for j in left if _fits_at_all(self._patterns[pattern], items[j], new, self._fits, search)]


def can_all_have_one(fitting: list[list[int]]) -> bool:
    """Tell whether there is a matching that gives each row an item of its own (Kuhn's algorithm)."""
    taken: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for item in fitting[row]:
            if item not in seen:
                seen.add(item)
                if item not in taken or place(taken[item], seen):
                    taken[item] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(fitting)))


def enough_heads(patterns: Sequence[Any], heads: Sequence[str]) -> bool:
    """Tell whether there are as many terms with each head as patterns that need it."""
    if len(patterns) > len(heads):
        return False
    needed: dict[str, int] = {}
    for pattern in patterns:
        head = base_head(pattern)
        if head:
            needed[head] = needed.get(head, 0) + 1
    return all(heads.count(head) >= count for head, count in needed.items())
