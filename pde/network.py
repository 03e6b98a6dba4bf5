"""Reaction networks in BioNetGen's .net format, and their mass-action right-hand side as terms.

The rate of a reaction is its rate law times the product of its reactants, each as often as it is listed; the statistical factor of
A + A is part of the rate law already, as BioNetGen writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symnum import term as interface


@dataclass(frozen=True, slots=True)
class Reaction:
    """``reactants`` and ``products`` are places in the list of species, from 0, with repetition; ``rate`` is a term."""

    reactants: tuple[int, ...]
    products: tuple[int, ...]
    rate: Any


@dataclass(frozen=True, slots=True)
class ReactionNetwork:
    """Species, parameters and reactions; made by :meth:`read` or :meth:`parse`.

    ``parameters`` are {name: term}, a number or a formula of parameters; ``initial`` has one such term for each species.

    >>> network = ReactionNetwork.parse('''
    ... begin parameters
    ...   1 k  0.5
    ... end parameters
    ... begin species
    ...   1 A() 10
    ...   2 B() 0
    ... end species
    ... begin reactions
    ...   1 1,1 2 k
    ... end reactions
    ... ''')
    >>> network.rhs
    [-2*k*s1^2, k*s1^2]
    """

    species: tuple[str, ...]
    initial: tuple[Any, ...]
    parameters: Mapping[str, Any]
    reactions: tuple[Reaction, ...]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ReactionNetwork:
        """Read a .net file.  Raises OSError, and ValueError that names file and line for what it cannot read."""
        return cls.parse(Path(path).read_text(encoding="utf-8"), origin=os.fspath(path))

    @classmethod
    def parse(cls, text: str, origin: str = "text") -> ReactionNetwork:
        """Read the text of a .net file; ``origin`` is named in errors.  Raises TypeError for what is no text."""
        if not isinstance(text, str):
            raise TypeError(
                f"parse takes the text of a .net file, but got {text!r}; write ReactionNetwork.read(path) for a file"
            )
        return _Reader(origin).network(text)

    @property
    def states(self) -> list[Any]:
        """Return one symbol for the amount of each species: s1, s2, ..."""
        from symnum.symbols import symbols

        return [symbols(name) for name in self.state_names()]

    def state_names(self) -> list[str]:
        """Return the names of :attr:`states`; where a parameter is called s7, all are called amount1, amount2, ..."""
        names = [f"s{i + 1}" for i in range(len(self.species))]
        return names if self.parameters.keys().isdisjoint(names) else [f"amount{n[1:]}" for n in names]

    def values(self) -> dict[str, float]:
        """Return the value of each parameter.  Raises ValueError for parameters that are defined by each other."""
        from symnum.algebra.evaluate import evaluate

        known: dict[str, float] = {}
        waiting = dict(self.parameters)
        while waiting:
            ready = [
                name
                for name, formula in waiting.items()
                if all(interface.name(s) in known for s in interface.free_symbols(formula))
            ]
            if not ready:
                raise ValueError(
                    f"the parameters {', '.join(sorted(waiting)[:5])} are defined by each other or by names that are no "
                    f"parameters; give one of them a number"
                )
            for name in ready:
                formula = waiting.pop(name)
                point = {s: known[interface.name(s)] for s in interface.free_symbols(formula)}
                known[name] = float(evaluate(formula, point))
        return known

    def u0(self) -> Any:
        """Return the initial amounts as an array of floats, one entry for each species."""
        import numpy as np

        from symnum.algebra.evaluate import evaluate

        values = self.values()
        return np.array(
            [
                float(evaluate(f, {s: values[interface.name(s)] for s in interface.free_symbols(f)}))
                for f in self.initial
            ]
        )

    @property
    def rhs(self) -> list[Any]:
        """Return d(amount)/dt of each species as a sum of rate * reactants over the reactions that change it."""
        states = self.states
        if not states:
            return []
        like = states[0]
        flux: dict[tuple[Any, tuple[int, ...]], Any] = {}
        addends: list[dict[Any, list[Any]]] = [{} for _ in states]
        for reaction in self.reactions:
            reactants = tuple(sorted(reaction.reactants))
            identity = (interface.key(reaction.rate), reactants)
            product = flux.get(identity)
            if product is None:
                product = interface.make(like, "*", (reaction.rate, *(states[i] for i in reactants)))
                flux[identity] = product
            change: dict[int, int] = {}
            for i in reaction.reactants:
                change[i] = change.get(i, 0) - 1
            for i in reaction.products:
                change[i] = change.get(i, 0) + 1
            for i, amount in change.items():
                if amount:
                    entry = addends[i].setdefault(interface.key(product), [product, 0])
                    entry[1] += amount
        zero = interface.make_number(like, 0)
        return [interface.make(like, "+", (*_scaled(like, a.values()), zero)) for a in addends]


def _scaled(like: Any, pairs: Any) -> list[Any]:
    return [p if c == 1 else interface.make(like, "*", (c, p)) for p, c in pairs]


class _Reader:
    """Reads blocks of lines; every complaint names file and line."""

    def __init__(self, origin: str) -> None:
        self.origin = os.path.basename(origin)
        self.formulas: dict[str, Any] = {}

    def network(self, text: str) -> ReactionNetwork:
        blocks = self.blocks(text)
        for needed in ("species", "reactions"):
            if needed not in blocks:
                raise ValueError(
                    f"{self.origin} has no block 'begin {needed}'; a BioNetGen .net file has the blocks parameters, "
                    f"species and reactions"
                )
        if blocks.get("functions"):
            number, _ = blocks["functions"][0]
            raise ValueError(
                f"{self.origin}, line {number}: rate laws that are functions are not read yet; "
                f"write them as constants or as formulas of parameters"
            )
        parameters = {}
        for number, fields in self.rows(blocks.get("parameters", ()), "parameters", 2):
            if fields[0] in parameters:
                raise ValueError(
                    f"{self.origin}, line {number}: the parameter {fields[0]!r} is defined twice"
                )
            parameters[fields[0]] = self.formula(" ".join(fields[1:]), number)
        species, initial = [], []
        for number, fields in self.rows(blocks["species"], "species", 2):
            species.append(fields[0].lstrip("$"))
            initial.append(self.formula(" ".join(fields[1:]), number))
            if fields[0].startswith("$"):
                raise ValueError(
                    f"{self.origin}, line {number}: species of fixed amount ($) are not read yet"
                )
        reactions = []
        for number, fields in self.rows(blocks["reactions"], "reactions", 3):
            left, right = (self.places(f, len(species), number) for f in fields[:2])
            rate = self.formula(" ".join(fields[2:]), number)
            unknown = [n for s in interface.free_symbols(rate) if (n := interface.name(s)) not in parameters]
            if unknown:
                raise ValueError(
                    f"{self.origin}, line {number}: the rate {' '.join(fields[2:])!r} uses {unknown[0]!r}, which is no parameter"
                )
            reactions.append(Reaction(left, right, rate))
        return ReactionNetwork(tuple(species), tuple(initial), parameters, tuple(reactions))

    def blocks(self, text: str) -> dict[str, list[tuple[int, str]]]:
        """Return {block: [(line number, line without its comment), ...]}."""
        found: dict[str, list[tuple[int, str]]] = {}
        name = ""
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if words[0] == "begin":
                name = " ".join(words[1:])
                found.setdefault(name, [])
            elif words[0] == "end":
                name = ""
            elif name:
                found[name].append((number, " ".join(words)))
        if name:
            raise ValueError(f"{self.origin} ends within the block {name!r}; the file was cut off")
        return found

    def rows(
        self, lines: Sequence[tuple[int, str]], block: str, least: int
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield the fields after the row number, which counts from 1."""
        for place, (number, line) in enumerate(lines, 1):
            fields = line.split()
            if fields[0] != str(place) or len(fields) <= least:
                raise ValueError(
                    f"{self.origin}, line {number}: {line!r} is no row {place} of the block {block}, "
                    f"which has {least} fields after its number"
                )
            yield number, fields[1:]

    def places(self, text: str, count: int, number: int) -> tuple[int, ...]:
        """Return the places of the species in "1,2"; "0" is nothing."""
        if text == "0":
            return ()
        parts = text.split(",")
        if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= count for part in parts):
            raise ValueError(
                f"{self.origin}, line {number}: {text!r} must be numbers of species from 1 to {count}"
            )
        return tuple(int(part) - 1 for part in parts)

    def formula(self, text: str, number: int) -> Any:
        found = self.formulas.get(text)
        if found is None:
            from symnum.text.parser import ParseError, parse

            try:
                found = self.formulas[text] = parse(text)
            except ParseError as problem:
                raise ValueError(f"{self.origin}, line {number}: {text!r} is no formula: {problem}") from None
        return found
