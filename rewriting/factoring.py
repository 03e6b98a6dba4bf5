"""Greedy distributive factoring of n-ary sums: a*b + a*c + d is a*(b + c) + d, with one multiplication less.

In each sum the factor that saves most is taken out, and then the next, inside and outside of what was taken; Horner's scheme is what
comes out for a polynomial in one symbol.  Equal sums are factored once, up to their sign, so that equations share what they have in
common.  What is factored is what the sums hold as written: nothing is multiplied out.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from typing import Any

from symnum import exact as numbers
from symnum.rewriting.cost import CostModel
from symnum.rewriting.nary import CALL, LEAF, PRODUCT, Graph, Monomial, exact_ratio, times, whole_power

Letter = tuple[int, Any]
"""What can be taken out: (id, 1) a base, (id, -1) its reciprocal, (id, q) another power, (-1, value) a number."""

Factors = tuple[tuple[int, Any], ...]
"""Pairs (id, exponent) by id."""

Content = tuple[tuple[Factors, Any], ...]
"""A sum before it is factored: (factors, coefficient) for each addend, in order."""

Preference = Callable[[Letter, int], Any]
"""Breaks ties between letters that save the same: (letter, number of addends of the whole system that hold it) -> order, least first."""

_Task = Generator[Content, Monomial, Monomial]


KEEP: Letter = (-2, 0)
"""Stands for the choice to leave a sum as it is: its products may be shared with other sums."""


def most_common_first(letter: Letter, count: int) -> Any:
    """Prefer what occurs most in the whole system: its quotients are the likeliest to be shared."""
    return -count


def rarest_first(letter: Letter, count: int) -> Any:
    """Prefer what occurs least in the whole system."""
    return count


def factor_sums(
    graph: Graph,
    model: CostModel,
    *,
    prefer: Preference | None = most_common_first,
    forced: Mapping[Content, Letter] | None = None,
) -> tuple[Graph, list[tuple[Content, list[Letter]]]]:
    """Return the graph with its sums factored, and for each sum met the choices of its first step, the one taken first.

    ``forced`` says which letter a sum takes first, whatever it saves, or :data:`KEEP`; without ``prefer`` all other sums are kept.
    """
    run = _Factoring(graph, model, prefer, forced or {})
    run.all()
    return run.new, run.choices


class _Factoring:
    def __init__(
        self, old: Graph, model: CostModel, prefer: Preference | None, forced: Mapping[Content, Letter]
    ) -> None:
        self.old, self.new = old, Graph(old.like)
        self.model, self.forced = model, forced
        self.prefer, self.keeps = prefer or most_common_first, prefer is None
        self.choices: list[tuple[Content, list[Letter]]] = []
        self.made: dict[Hashable, Monomial] = {}
        self.common: dict[Letter, int] = {}
        self.monomials: dict[int, Monomial] = {}
        self.identities: dict[int, Factors] = {}
        self.letters: dict[int, int] = {}
        """{old id of a leaf: new id}."""

    def all(self) -> None:
        """Factor everything that the roots need, arguments first."""
        order = self.old.reachable()
        for identity in order:
            node = self.old.nodes[identity]
            if node[0] == LEAF:
                letter = self.letters[identity] = self.new.leaf(self.old.terms[identity])
                self.monomials[identity] = (1, {letter: 1})
            elif node[0] == CALL:
                args = tuple([self.new.scaled(self.monomials[i]) for i in node[2]])
                self.monomials[identity] = (1, {self.new.add((CALL, node[1], args)): 1})
            elif node[0] == PRODUCT:
                self.monomials[identity] = self.product(node[1])
            else:
                self.monomials[identity] = self.sum(node[1], node[2])
        self.new.roots = [self.new.scaled(self.monomials[root]) for root in self.old.roots]

    def product(self, factors: Any) -> Monomial:
        names = {self.letters[base]: exponent for base, exponent in factors if base in self.letters}
        if len(names) == len(factors):
            return 1, names
        total: Monomial = (1, {})
        for base, exponent in factors:
            inner = self.monomials[base]
            power = whole_power(inner, exponent)
            if power is None:
                power = (1, {self.new.scaled(inner): exponent})
            total = times(total, power)
        return total

    def sum(self, constant: Any, addends: Any) -> Monomial:
        collected: dict[Factors, Any] = {}
        if constant != 0:
            collected[()] = constant
        for part, coefficient in addends:
            value, factors = self.monomials[part]
            identity = self.identities.get(part)
            if identity is None:
                identity = self.identities[part] = _sorted(factors)
            total = collected.get(identity, 0) + coefficient * value
            collected[identity] = total if type(total) is int else numbers.normal(total)
        content = tuple(sorted([entry for entry in collected.items() if entry[1] != 0]))
        if len(addends) > 1:
            common = self.common
            for factors_of_one, _ in content:
                for pair in factors_of_one:
                    letter = pair if pair[1] == 1 else _letter(*pair)
                    common[letter] = common.get(letter, 0) + 1
        return self.run(content)

    def run(self, content: Content) -> Monomial:
        """Factor one sum, with a stack of generators instead of recursion."""
        sign, content = _turned(content)
        identity = _identity(content)
        found = self.made.get(identity)
        if found is None:
            stack = [(identity, self.factored(content))]
            answer: Any = None
            while stack:
                identity, task = stack[-1]
                try:
                    wanted = task.send(answer)
                except StopIteration as done:
                    answer = self.made[identity] = done.value
                    stack.pop()
                    continue
                identity = _identity(wanted)
                answer = self.made.get(identity)
                if answer is None:
                    stack.append((identity, self.factored(wanted)))
            found = answer
        return (numbers.normal(sign * found[0]), found[1]) if sign != 1 else found

    def factored(self, content: Content) -> _Task:
        """Take out letters while one is held by two addends; yields the sums that are left in the brackets."""
        pool = _Pool(content, self.model, self.prefer, self.common)
        letters = pool.best_letters()
        otherwise = KEEP if self.keeps else None
        forced = self.forced.get(content, otherwise) if self.forced else otherwise
        if letters:
            letters = [KEEP, *letters] if self.keeps else [*letters, KEEP]
            first = letters[0] if forced is None else forced
            self.choices.append((content, [first, *[letter for letter in letters if letter != first]]))
        while forced != KEEP:
            letter = forced if forced is not None and pool.count(forced) > 1 else pool.best()
            forced = None
            if letter is None:
                break
            outer, inner = pool.take(letter)
            sign, bracket = _turned(inner)
            answer = yield bracket
            pool.put(times((numbers.normal(outer[0] * sign), outer[1]), answer))
        return self.finished(pool.left())

    def finished(self, addends: Sequence[tuple[Factors, Any]]) -> Monomial:
        """Return the sum of what is left as one node."""
        if len(addends) == 1:
            return addends[0][1], dict(addends[0][0])
        constant: Any = 0
        pairs: dict[int, Any] = {}
        for factors, coefficient in addends:
            if factors:
                place = self.new.product(dict(factors))
                pairs[place] = numbers.normal(pairs.get(place, 0) + coefficient)
            else:
                constant = numbers.normal(constant + coefficient)
        return 1, {self.new.sum(constant, pairs): 1}


def _identity(content: Content) -> Hashable:
    """Return what tells a sum from others: of its numbers, floats are not what equals them in Python."""
    floats = [place for place, (_, c) in enumerate(content) if type(c) is float]
    return (content, *floats) if floats else content


def _turned(content: Content) -> tuple[int, Content]:
    """Return a sum with its first coefficient positive, and the sign: sums that differ in sign are one."""
    if content and content[0][1] < 0:
        return -1, tuple([(f, -c) for f, c in content])
    return 1, content


def _letter(identity: int, exponent: Any) -> Letter:
    return (identity, (1 if exponent > 0 else -1) if type(exponent) is int else exponent)


def _sorted(factors: Mapping[int, Any]) -> Factors:
    return tuple(sorted(factors.items())) if len(factors) > 1 else tuple(factors.items())


class _Pool:
    """The addends of one sum while letters are taken out of it: which addends hold which letter.

    Addends are removed by putting None in their place; the lists in ``holders`` may name such places until they are looked at.
    """

    def __init__(
        self, content: Content, model: CostModel, prefer: Preference, common: Mapping[Letter, int]
    ) -> None:
        self.addends: list[tuple[Factors, Any] | None] = []
        self.holders: dict[Letter, list[int]] = {}
        self.prefer, self.common = prefer, common
        self.multiply, self.divide = model.price("*"), model.price("/")
        for factors, coefficient in content:
            self._add(factors, coefficient)
        self.heap = [self._entry(letter, len(held)) for letter, held in self.holders.items() if len(held) > 1]
        heapq.heapify(self.heap)

    def count(self, letter: Letter) -> int:
        """Return how many addends hold a letter."""
        return len(self._held(letter))

    def _held(self, letter: Letter) -> list[int]:
        addends = self.addends
        held = [place for place in self.holders.get(letter, ()) if addends[place] is not None]
        self.holders[letter] = held
        return held

    def _add(self, factors: Factors, coefficient: Any) -> list[Letter]:
        letters = [pair if pair[1] == 1 else _letter(*pair) for pair in factors]
        if coefficient != 1 and coefficient != -1 and factors and coefficient == coefficient:
            letters.append((-1, abs(coefficient)))
        place, holders = len(self.addends), self.holders
        for letter in letters:
            if letter in holders:
                holders[letter].append(place)
            else:
                holders[letter] = [place]
        self.addends.append((factors, coefficient))
        return letters

    def _entry(self, letter: Letter, count: int) -> Any:
        price = self.divide if letter[1] == -1 else self.multiply
        tie = self.prefer(letter, self.common.get(letter, 0))
        return (-(count - 1) * price, tie, letter[0], float(letter[1]), count, letter)

    def best_letters(self, most: int = 4) -> list[Letter]:
        """Return the letters that save most, best first; asked before any is taken out."""
        return [entry[-1] for entry in heapq.nsmallest(most, self.heap)]

    def best(self) -> Letter | None:
        """Return the letter that saves most, or None when none is held twice."""
        while self.heap:
            *_, count, letter = self.heap[0]
            held = len(self._held(letter))
            if held == count:
                return letter
            if held > 1:
                heapq.heapreplace(self.heap, self._entry(letter, held))
            else:
                heapq.heappop(self.heap)
        return None

    def take(self, letter: Letter) -> tuple[Monomial, Content]:
        """Remove the addends that hold a letter; returns the power of the letter that all hold, and what is left of them."""
        identity, unit = letter
        places = self._held(letter)
        taken = [entry for place in places if (entry := self.addends[place]) is not None]
        for place in places:
            self.addends[place] = None
        self.holders[letter] = []
        outer: Monomial
        if identity == -1:
            outer = (unit, {})
            inner = [(factors, exact_ratio(coefficient, unit)) for factors, coefficient in taken]
            return outer, tuple(sorted(inner))
        power = unit
        if type(unit) is int:
            if not all([letter in factors for factors, _ in taken]):
                power = min([e for factors, _ in taken for i, e in factors if i == identity], key=abs)
        outer = (1, {identity: power})
        inner = []
        for factors, coefficient in taken:
            k = factors.index(letter) if letter in factors else [i for i, _ in factors].index(identity)
            over = factors[k][1] - power
            inner.append(
                (factors[:k] + (((identity, over),) if over != 0 else ()) + factors[k + 1 :], coefficient)
            )
        return outer, tuple(sorted(inner))

    def put(self, monomial: Monomial) -> None:
        """Add what a bracket became, times its letter."""
        for letter in self._add(_sorted(monomial[1]), monomial[0]):
            count = len(self.holders[letter])
            if count > 1:
                heapq.heappush(self.heap, self._entry(letter, count))

    def left(self) -> list[tuple[Factors, Any]]:
        """Return the addends that are there."""
        return [entry for entry in self.addends if entry is not None]
