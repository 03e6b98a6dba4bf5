"""What an SBML model says, as plain data, and the reaction network that it means.

States are amounts.  A species that SBML counts as a concentration stands in formulas for its amount divided by the size of its
compartment; the network has a function of its name for that.  Units are not converted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.pde.net_formula import Function, number
from symnum.pde.network import ReactionNetwork
from symnum.pde.reactions import Reaction
from symnum.pde.sbml_math import Node, term_of


@dataclass(frozen=True, slots=True)
class SbmlSpecies:
    """A species; ``amount`` or ``concentration`` is its initial value, ``only_substance`` says that formulas mean amounts."""

    compartment: str
    amount: float | None = None
    concentration: float | None = None
    only_substance: bool = True
    boundary: bool = False
    constant: bool = False


@dataclass(frozen=True, slots=True)
class SbmlReaction:
    """A reaction with (species, stoichiometry) pairs, its kinetic law, and the law's own parameters."""

    reactants: Sequence[tuple[str, float]]
    products: Sequence[tuple[str, float]]
    law: Node
    local: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class SbmlModel:
    """The parts of a model, each {id: what it is}; ``initial`` are initial assignments, ``assigned`` and ``rates`` the rules."""

    compartments: dict[str, float | None] = field(default_factory=dict)
    species: dict[str, SbmlSpecies] = field(default_factory=dict)
    parameters: dict[str, float | None] = field(default_factory=dict)
    functions: dict[str, tuple[tuple[str, ...], Node]] = field(default_factory=dict)
    initial: dict[str, Node] = field(default_factory=dict)
    assigned: dict[str, Node] = field(default_factory=dict)
    rates: dict[str, Node] = field(default_factory=dict)
    reactions: dict[str, SbmlReaction] = field(default_factory=dict)


def network_of(model: SbmlModel, origin: str = "model") -> ReactionNetwork:
    """Return the network of a model.  Raises ValueError, naming the element, for what a network cannot be."""
    return _Builder(model, origin).network()


class _Builder:
    def __init__(self, model: SbmlModel, origin: str) -> None:
        self.model, self.origin = model, origin
        ids = [*model.compartments, *model.species, *model.parameters]
        self.clock = next(name for name in ("t", "time", "time_") if name not in ids)
        self.time = interned.symbol(self.clock)
        # what changes by reactions or rate rules is a state; what a rule assigns is a function
        self.states = [s for s in model.species if s not in model.assigned] + [
            p for p in model.rates if p in model.parameters
        ]
        self.place = {name: i for i, name in enumerate(self.states)}
        for name in model.rates:
            if name not in self.place:
                self.fail(
                    name,
                    "a rate rule needs a species or a parameter, and no other rule for it; sizes of compartments are constant",
                )
        for name in model.assigned:
            if name in model.compartments:
                self.fail(name, "the size of a compartment is constant here, but a rule changes it")
        prefix = "s" if {f"s{i + 1}" for i in range(len(self.states))}.isdisjoint(ids) else "amount"
        self.symbols = [interned.symbol(f"{prefix}{i + 1}") for i in range(len(self.states))]
        self.functions: dict[str, Function] = {}

    def fail(self, element: str, problem: str) -> None:
        raise ValueError(f"{self.origin}, {element}: {problem}")

    def network(self) -> ReactionNetwork:
        model = self.model
        library: dict[str, Function] = {}
        for name, (arguments, body) in model.functions.items():
            local = {a: interned.symbol(a) for a in arguments}
            library[name] = Function(arguments, self.term(name, body, local, library))
        names: dict[str, Any] = {
            name: interned.symbol(name) for name in (*model.compartments, *model.parameters, *model.assigned)
        }
        self.functions.update({name: Function((), None) for name in model.assigned})
        for name, i in self.place.items():
            names[name] = self.symbols[i]
            species = model.species.get(name)
            if species is not None and not species.only_substance:
                names[name] = interned.symbol(name)
                self.functions[name] = Function(
                    (), interned.make("/", (self.symbols[i], interned.symbol(species.compartment)))
                )
        for name, node in model.assigned.items():
            self.functions[name] = Function((), number(self.term(name, node, names, library)))
        parameters = self.parameters(names, library)
        reactions = [
            self.reaction(name, r, names, library, parameters) for name, r in model.reactions.items()
        ]
        for name, node in model.rates.items():
            rate = self.term(name, node, names, library)
            species = model.species.get(name)
            if species is not None and not species.only_substance:
                rate = interned.make("*", (rate, interned.symbol(species.compartment)))
            reactions.append(Reaction((), (self.place[name],), number(rate), total=True))
        fixed = [
            i for name, i in self.place.items()
            if name in model.species and (model.species[name].boundary or model.species[name].constant) and name not in model.rates
        ]  # fmt: skip
        return ReactionNetwork(
            self.states, [self.initial(name, names, library) for name in self.states], parameters, reactions,
            functions=self.functions, fixed=fixed, time=self.clock,
        )  # fmt: skip

    def term(
        self, element: str, node: Node, names: Mapping[str, Any], library: Mapping[str, Function]
    ) -> Any:
        try:
            return term_of(node, names, library, self.time)
        except ValueError as problem:
            raise ValueError(f"{self.origin}, {element}: {problem}") from None

    def parameters(self, names: Mapping[str, Any], library: Mapping[str, Function]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in {**self.model.compartments, **self.model.parameters}.items():
            if name in self.place or name in self.functions:
                continue
            if name in self.model.initial:
                found[name] = self.at_start(
                    number(self.term(name, self.model.initial[name], names, library)), names, library, {name}
                )
            elif value is None:
                self.fail(name, "it has no value; give it one, or an initial assignment")
            else:
                found[name] = interned.number(float(value))
        return found

    def initial(
        self,
        name: str,
        names: Mapping[str, Any],
        library: Mapping[str, Function],
        above: frozenset[str] | set[str] = frozenset(),
    ) -> Any:
        """Return the initial amount of a state as a formula of parameters."""
        species = self.model.species.get(name)
        if name in self.model.initial:
            start = self.at_start(
                number(self.term(name, self.model.initial[name], names, library)),
                names,
                library,
                {*above, name},
            )
            is_amount = species is None or species.only_substance
        elif species is None:
            value = self.model.parameters[name]
            if value is None:
                self.fail(name, "it has no initial value; give it one, or an initial assignment")
            return interned.number(float(value or 0.0))
        elif species.amount is None and species.concentration is None:
            raise ValueError(
                f"{self.origin}, {name}: it has no initial amount or concentration; give it one, or an initial assignment"
            )
        else:
            is_amount = species.amount is not None
            start = interned.number(
                float(species.amount if species.amount is not None else species.concentration or 0.0)
            )
        if is_amount or species is None:
            return start
        return interned.make("*", (start, interned.symbol(species.compartment)))

    def at_start(
        self, term: Any, names: Mapping[str, Any], library: Mapping[str, Function], above: set[str]
    ) -> Any:
        """Return a formula at the start: states and functions replaced by what they are then.  Raises ValueError for a circle."""
        state_of = {interface.key(symbol): name for name, symbol in zip(self.states, self.symbols)}
        for _ in range(len(self.states) + len(self.functions) + 1):
            replaced = {}
            for symbol in interface.free_symbols(term):
                name, key = interface.name(symbol), interface.key(symbol)
                if key in state_of:
                    if state_of[key] in above:
                        self.fail(state_of[key], "its initial assignment is defined by itself")
                    replaced[symbol] = self.initial(state_of[key], names, library, above)
                elif name in self.functions and self.functions[name].body is not None:
                    replaced[symbol] = self.functions[name].body
                elif key == interface.key(self.time):
                    replaced[symbol] = 0
            if not replaced:
                return term
            term = substitute(term, replaced)
        self.fail(", ".join(sorted(above)), "the assignments are defined by each other")
        return term

    def reaction(
        self,
        name: str,
        reaction: SbmlReaction,
        names: Mapping[str, Any],
        library: Mapping[str, Function],
        parameters: dict[str, Any],
    ) -> Reaction:
        local = dict(names)
        for own, value in reaction.local.items():
            shown = f"{name}_{own}"
            while shown in parameters or shown in names:
                shown += "_"
            parameters[shown] = interned.number(float(value))
            local[own] = interned.symbol(shown)
        left, right = self.side(name, reaction.reactants), self.side(name, reaction.products)
        rate = number(self.term(name, reaction.law, local, library))
        if left and self.are_factors(left, rate):
            rest = interned.make("*", (rate, *(interned.make("^", (self.symbols[i], -1)) for i in left)))
            return Reaction(left, right, rest)
        return Reaction(left, right, rate, total=bool(left))

    def are_factors(self, places: Sequence[int], rate: Any) -> bool:
        """Tell whether a rate is a product with these states as factors, so that dividing by them never divides by 0."""
        if not interface.is_term(rate) or interface.is_number(rate):
            return False
        powers = {interface.key(base): exponent for base, exponent in interface.factors(rate)[1]}
        wanted = {i: places.count(i) for i in places}
        return all(
            isinstance(power := powers.get(interface.key(self.symbols[i])), int) and power >= count
            for i, count in wanted.items()
        )

    def side(self, name: str, side: Sequence[tuple[str, float]]) -> tuple[int, ...]:
        found: list[int] = []
        for species, count in side:
            if species not in self.model.species:
                self.fail(name, f"{species!r} is no species")
            if count != int(count) or not 0 <= count <= 1000:
                self.fail(
                    name,
                    f"the stoichiometry of {species!r} is {count:g}; it must be a whole number from 0 to 1000",
                )
            if species in self.place:
                found += [self.place[species]] * int(count)
        return tuple(found)
