"""Many reactions as integer arrays: who reacts to what, and by which of the distinct rate laws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np

from symnum import term as interface
from symnum.pde.rate_laws import RateLaw, as_term


@dataclass(frozen=True, slots=True)
class Reaction:
    """``reactants`` and ``products`` are places in the list of species, from 0, with repetition.

    ``rate`` is a term, which is multiplied by the amounts of all reactants (A + A without a half), or a :class:`RateLaw`.
    ``total=True`` says that the term is the whole rate and is not multiplied.
    """

    reactants: tuple[int, ...]
    products: tuple[int, ...]
    rate: Any
    total: bool = False


class Reactions(Sequence[Reaction]):
    """A sequence of :class:`Reaction` that are made when they are asked for.

    Reaction r has the reactants ``reactants[reactant_starts[r]:reactant_starts[r + 1]]``, the products alike, and the rate
    ``laws[law[r]]``; ``total`` says which laws are whole rates.
    """

    def __init__(self, reactant_starts: Any, reactants: Any, product_starts: Any, products: Any, law: Any,
                 laws: Sequence[Any], total: Any = None) -> None:  # fmt: skip
        self.reactant_starts, self.reactants = _integers(reactant_starts), _integers(reactants)
        self.product_starts, self.products = _integers(product_starts), _integers(products)
        self.law, self.laws = _integers(law), tuple(laws)
        self.total = np.zeros(len(self.laws), bool) if total is None else np.asarray(total, bool)

    @classmethod
    def of(cls, reactions: Iterable[Reaction]) -> Reactions:
        """Return the arrays of these reactions."""
        given = list(reactions)
        if any(not isinstance(r, Reaction) for r in given):
            wrong = next(r for r in given if not isinstance(r, Reaction))
            raise TypeError(f"reactions are Reaction(reactants, products, rate), but got {wrong!r}")
        numbers: dict[Any, int] = {}
        laws: list[Any] = []
        law = []
        for reaction in given:
            rate = as_term(reaction.rate)
            identity = (law_key(rate), reaction.total)
            if identity not in numbers:
                numbers[identity] = len(laws)
                laws.append((rate, reaction.total))
            law.append(numbers[identity])
        return cls(*_ragged([r.reactants for r in given]), *_ragged([r.products for r in given]), law,
                   [rate for rate, _ in laws], [total for _, total in laws])  # fmt: skip

    def __len__(self) -> int:
        return len(self.law)

    @overload
    def __getitem__(self, place: int) -> Reaction: ...
    @overload
    def __getitem__(self, place: slice) -> list[Reaction]: ...
    def __getitem__(self, place: int | slice) -> Reaction | list[Reaction]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        r = range(len(self))[place]
        number = int(self.law[r])
        return Reaction(
            tuple(self.reactants[self.reactant_starts[r] : self.reactant_starts[r + 1]].tolist()),
            tuple(self.products[self.product_starts[r] : self.product_starts[r + 1]].tolist()),
            self.laws[number],
            bool(self.total[number]),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reactions):
            return NotImplemented
        arrays = ("reactant_starts", "reactants", "product_starts", "products", "law", "total")
        return all(np.array_equal(getattr(self, a), getattr(other, a)) for a in arrays) and [
            law_key(x) for x in self.laws
        ] == [law_key(x) for x in other.laws]

    __hash__ = None  # type: ignore[assignment]  # equal by content, and arrays can change

    def __repr__(self) -> str:
        return f"Reactions({len(self)} reactions, {len(self.laws)} rate laws)"

    @cached_property
    def reactant_rows(self) -> Any:
        """Return for each entry of ``reactants`` the reaction it belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.reactant_starts))

    def change(self, fixed: Iterable[int] = ()) -> tuple[Any, Any, Any]:
        """Return what each reaction changes as (starts, species, amounts): sorted species, no zeros, none of ``fixed``."""
        row = np.concatenate(
            [self.reactant_rows, np.repeat(np.arange(len(self)), np.diff(self.product_starts))]
        )
        species = np.concatenate([self.reactants, self.products])
        amount = np.ones(len(row), np.int64)
        amount[: len(self.reactants)] = -1
        order = np.lexsort((species, row))
        row, species, amount = row[order], species[order], amount[order]
        new = np.ones(len(row), bool)
        new[1:] = (np.diff(row) != 0) | (np.diff(species) != 0)
        first = np.flatnonzero(new)
        total = np.add.reduceat(amount, first) if len(first) else amount
        kept = (total != 0) & ~np.isin(species[first], np.fromiter(fixed, np.int64))
        starts = np.concatenate([[0], np.cumsum(np.bincount(row[first][kept], minlength=len(self)))])
        return starts, species[first][kept], total[kept]


def law_key(law: Any) -> Any:
    """Return what tells rate laws apart."""
    if isinstance(law, RateLaw):
        return (law.kind, tuple(interface.key(c) for c in law.constants), interface.key(law.factor))
    return interface.key(law)


def _integers(values: Any) -> Any:
    return np.ascontiguousarray(values, dtype=np.int64)


def _ragged(rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    return starts, np.array([i for row in rows for i in row], dtype=np.int64)
