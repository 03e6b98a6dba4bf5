"""Reaction networks: species, parameters, reactions by mass action or any rate law, observables; their right-hand side as terms.

The rate of a reaction is its rate law times the product of its reactants, each as often as it is listed; the statistical factor of
A + A is part of the rate law already, as BioNetGen writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.pde.net_formula import Function
from symnum.pde.rate_laws import RateLaw, as_term
from symnum.pde.reactions import Reaction, Reactions

if TYPE_CHECKING:
    from symnum.pde.solution import Solution
    from symnum.pde.system import OdeSystem


@dataclass(frozen=True, slots=True)
class NetworkArrays:
    """A network as arrays: the flux of reaction r is ``rates[rate[r]]`` times the amounts of its ``factors``.

    ``factors[factor_starts[r]:factor_starts[r + 1]]`` are places of species, with repetition; reaction r changes the species
    ``changed[change_starts[r]:change_starts[r + 1]]`` by ``change`` per event.  ``rates`` are distinct terms in parameters, and
    perhaps in states and time.
    """

    factor_starts: Any
    factors: Any
    change_starts: Any
    changed: Any
    change: Any
    rate: Any
    rates: tuple[Any, ...]


class ReactionNetwork:
    """Species, parameters and reactions; made by :meth:`read`, :meth:`parse`, or from its parts.

    ``species``: names; ``initial``: a number or a formula of parameters for each; ``parameters``: {name: number or formula of
    parameters}; ``reactions``: :class:`Reaction` objects; ``groups``: {name: ((place of a species, weight), ...)}, sums that are
    observed; ``functions``: {name: Function(arguments, body)}; ``fixed``: places of species whose amount never changes; ``time``: the
    name of time in formulas.  Rates and bodies are terms in the symbols of parameters, groups, functions, states and time.

    Raises ValueError for parts that do not fit together.

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
    >>> network.conservation_laws().tolist()
    [[1, 2]]
    """

    def __init__(
        self,
        species: Sequence[str],
        initial: Sequence[Any],
        parameters: Mapping[str, Any],
        reactions: Iterable[Reaction],
        *,
        groups: Mapping[str, Sequence[tuple[int, Any]]] | None = None,
        functions: Mapping[str, Function] | None = None,
        fixed: Iterable[int] = (),
        time: str = "t",
    ) -> None:
        self.species, self.initial = tuple(species), tuple(as_term(start) for start in initial)
        self.parameters = {name: as_term(formula) for name, formula in parameters.items()}
        self.reactions = reactions if isinstance(reactions, Reactions) else Reactions.of(reactions)
        self.groups = {name: tuple(members) for name, members in (groups or {}).items()}
        self.functions = {n: Function(f.arguments, as_term(f.body)) for n, f in (functions or {}).items()}
        self.fixed = frozenset(fixed)
        self.time = _symbol(time)
        self._check()

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ReactionNetwork:
        """Read a BioNetGen .net file, or an SBML file (.xml, .sbml; needs python-libsbml).

        Raises OSError, and ValueError that names file and line for what it cannot read.
        """
        if Path(path).suffix.lower() in (".xml", ".sbml"):
            from symnum.pde.sbml import read_sbml

            return read_sbml(path)
        from symnum.pde.net_reader import read_text

        return cls.parse(read_text(path), origin=os.fspath(path))

    @classmethod
    def parse(cls, text: str, origin: str = "text") -> ReactionNetwork:
        """Read the text of a .net file; ``origin`` is named in errors.  Raises TypeError for what is no text."""
        from symnum.pde.net_reader import NetReader

        if not isinstance(text, str):
            raise TypeError(
                f"parse takes the text of a .net file, but got {text!r}; write ReactionNetwork.read(path) for a file"
            )
        return cls(**NetReader(text, origin).fields())

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a .net file, or SBML where the name ends in .xml or .sbml.  Raises ValueError for what the format cannot say."""
        if Path(path).suffix.lower() in (".xml", ".sbml"):
            from symnum.pde.sbml import write_sbml

            write_sbml(self, path)
            return
        from symnum.pde.net_writer import net_text

        Path(path).write_text(net_text(self), encoding="utf-8")

    def _check(self) -> None:
        if len(self.initial) != len(self.species):
            raise ValueError(
                f"{len(self.initial)} initial amounts are given for {len(self.species)} species; give one for each"
            )
        count = len(self.species)
        for places, what in ((self.reactions.reactants, "reactants"), (self.reactions.products, "products")):
            if len(places) and not (0 <= places.min() and places.max() < count):
                wrong = int(places.max()) if places.max() >= count else int(places.min())
                raise ValueError(
                    f"the {what} name species {wrong}, but the {count} species are numbered from 0 to {count - 1}"
                )
        for place in (*self.fixed, *(i for members in self.groups.values() for i, _ in members)):
            if not 0 <= place < count:
                raise ValueError(
                    f"species {place} is fixed or in a group, but the {count} species are numbered from 0 to {count - 1}"
                )
        names = [*self.parameters, *self.groups, *self.functions]
        if len(set(names)) < len(names):
            double = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"{double!r} names two things among parameters, groups and functions; rename one"
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReactionNetwork):
            return NotImplemented
        return (
            self.species == other.species
            and self.fixed == other.fixed
            and list(self.groups.items()) == list(other.groups.items())
            and _keys(self.initial) == _keys(other.initial)
            and list(self.parameters) == list(other.parameters)
            and _keys(self.parameters.values()) == _keys(other.parameters.values())
            and [(n, f.arguments, interface.key(f.body)) for n, f in self.functions.items()]
            == [(n, f.arguments, interface.key(f.body)) for n, f in other.functions.items()]
            and self.reactions == other.reactions
        )

    __hash__ = None  # type: ignore[assignment]  # equal by content

    def __repr__(self) -> str:
        return (
            f"ReactionNetwork({len(self.species)} species, {len(self.reactions)} reactions, {len(self.parameters)} parameters, "
            f"{len(self.groups)} groups)"
        )

    # --- names and values ---------------------------------------------------------------------------------------------------

    @cached_property
    def states(self) -> list[Any]:
        """Return one symbol for the amount of each species: s1, s2, ..."""
        return [_symbol(name) for name in self.state_names()]

    def state_names(self) -> list[str]:
        """Return the names of :attr:`states`; where a parameter is called s7, all are called amount1, amount2, ..."""
        names = [f"s{i + 1}" for i in range(len(self.species))]
        taken = (
            self.parameters.keys() | self.groups.keys() | self.functions.keys() | {interface.name(self.time)}
        )
        return names if taken.isdisjoint(names) else [f"amount{n[1:]}" for n in names]

    def values(self, changed: Mapping[Any, Any] | None = None) -> dict[str, float]:
        """Return the value of each parameter, some of them ``changed`` {name: value}.

        Raises ValueError for parameters that are defined by each other, and for changes to names that are no parameters.
        """
        from symnum.pde.parameters import parameter_values

        return parameter_values(self.parameters, changed)

    def u0(self, changed: Mapping[Any, Any] | None = None) -> Any:
        """Return the initial amounts as an array of floats, one entry for each species."""
        from symnum.pde.parameters import formula_values

        return formula_values(self.initial, self.values(changed))

    # --- terms --------------------------------------------------------------------------------------------------------------

    @cached_property
    def observables(self) -> dict[str, Any]:
        """Return the groups as sums of :attr:`states`: {name: term}."""
        return {name: _weighted_sum(self.states, members) for name, members in self.groups.items()}

    @cached_property
    def definitions(self) -> dict[str, Any]:
        """Return what the names of groups and of functions without arguments stand for: terms in states, parameters and time.

        Raises ValueError for functions that are defined by each other.
        """
        known = dict(self.observables)
        waiting = {name: f.body for name, f in self.functions.items() if not f.arguments}
        while waiting:
            ready = [
                name
                for name, body in waiting.items()
                if waiting.keys().isdisjoint(interface.name(s) for s in interface.free_symbols(body))
            ]
            if not ready:
                raise ValueError(f"the functions {', '.join(sorted(waiting)[:5])} are defined by each other")
            for name in ready:
                known[name] = self._expanded(waiting[name], known)
            for name in ready:
                del waiting[name]
        return known

    def _expanded(self, term: Any, known: Mapping[str, Any]) -> Any:
        replaced = {s: known[n] for s in interface.free_symbols(term) if (n := interface.name(s)) in known}
        return substitute(term, replaced) if replaced else term

    @cached_property
    def arrays(self) -> NetworkArrays:
        """Return the network as integer arrays and its list of distinct rates."""
        import numpy as np

        reactions = self.reactions
        rates: list[Any] = []
        place: dict[Any, int] = {}

        def number(rate: Any) -> int:
            found = place.setdefault(interface.key(rate), len(rates))
            if found == len(rates):
                rates.append(rate)
            return found

        named = [isinstance(law, RateLaw) for law in reactions.laws]
        of_law = np.array(
            [
                -1 if is_named else number(self._expanded(law, self.definitions))
                for law, is_named in zip(reactions.laws, named)
            ],
            np.int64,
        )
        rate = of_law[reactions.law] if len(reactions) else np.zeros(0, np.int64)
        starts, factors = reactions.reactant_starts, reactions.reactants
        special = rate < 0
        special |= reactions.total[reactions.law] if len(reactions) else special
        if special.any():
            rows: dict[int, Sequence[int]] = {}
            for r in np.flatnonzero(special).tolist():
                law = reactions.laws[reactions.law[r]]
                if isinstance(law, RateLaw):
                    term, rows[r] = law.rate(reactions[r].reactants, self.states)
                    rate[r] = number(self._expanded(term, self.definitions))
                else:
                    rows[r] = ()
            sizes = np.diff(starts)
            kept = ~special[reactions.reactant_rows]
            for r, row in rows.items():
                sizes[r] = len(row)
            filled = np.empty(sizes.sum(), np.int64)
            starts = np.concatenate([[0], np.cumsum(sizes)])
            filled[~special[np.repeat(np.arange(len(sizes)), sizes)]] = factors[kept]
            for r, row in rows.items():
                filled[starts[r] : starts[r + 1]] = row
            factors = filled
        return NetworkArrays(starts, factors, *reactions.change(self.fixed), rate, tuple(rates))

    @property
    def rhs(self) -> list[Any]:
        """Return d(amount)/dt of each species as a sum of rate * reactants over the reactions that change it."""
        states = self.states
        if not states:
            return []
        arrays, like = self.arrays, states[0]
        factor_starts, factors = arrays.factor_starts.tolist(), arrays.factors.tolist()
        change_starts, changed, change = (
            arrays.change_starts.tolist(),
            arrays.changed.tolist(),
            arrays.change.tolist(),
        )
        flux: dict[tuple[int, tuple[int, ...]], Any] = {}
        addends: list[dict[tuple[int, tuple[int, ...]], int]] = [{} for _ in states]
        for r, rate in enumerate(arrays.rate.tolist()):
            identity = (rate, tuple(sorted(factors[factor_starts[r] : factor_starts[r + 1]])))
            if identity not in flux:
                flux[identity] = interface.make(
                    like, "*", (arrays.rates[rate], *(states[i] for i in identity[1]))
                )
            for k in range(change_starts[r], change_starts[r + 1]):
                entry = addends[changed[k]]
                entry[identity] = entry.get(identity, 0) + change[k]
        zero = interface.make_number(like, 0)
        return [
            interface.make(like, "+", (*_scaled(like, [(flux[i], c) for i, c in row.items()]), zero))
            for row in addends
        ]

    # --- what is done with a network ----------------------------------------------------------------------------------------

    def ode_system(self) -> OdeSystem:
        """Return the system of ordinary differential equations of this network.

        Observed are the groups, and the functions without arguments whose names do not begin with "_".
        """
        from symnum.pde.network_system import NetworkSystem

        return NetworkSystem(self)

    @cached_property
    def _system(self) -> OdeSystem:
        return self.ode_system()

    def simulate(self, times: Any, **options: Any) -> Solution:
        """Integrate over ``times``: (t0, t1), or all the times to keep; ``options`` are those of :meth:`OdeSystem.solve`.

        >>> network = ReactionNetwork(["A"], [1.0], {"k": 1.0}, [])
        >>> network.simulate((0.0, 1.0)).u[-1].tolist()
        [1.0]
        """
        import numpy as np

        points = np.asarray(times, dtype=np.float64)
        if points.ndim != 1 or len(points) < 2:
            raise ValueError(
                f"times are {times!r}; write simulate((0.0, 10.0)), or list the times to keep, from the first"
            )
        if len(points) > 2:
            options = {"t_eval": points, **options}
        return self._system.solve((points[0], points[-1]), **options)

    def conservation_laws(self) -> Any:
        """Return an integer basis of the weighted sums of species that no reaction changes: rows of an array (laws, species).

        The rows are a basis of the left null space of the stoichiometry matrix, exact and verified.
        """
        from symnum.pde.conservation import conservation_laws

        arrays = self.arrays
        return conservation_laws(arrays.change_starts, arrays.changed, arrays.change, len(self.species))

    def is_steady_state(self, u: Any, tol: float = 1e-6) -> bool:
        """Tell whether no amount changes by more than ``tol`` of the fluxes that change it; see :meth:`steady_state`."""
        from symnum.pde.steady import imbalance

        return bool(imbalance(self._system, u) <= tol)

    def steady_state(self, u0: Any = None, **options: Any) -> Any:
        """Return the steady state that the network reaches from ``u0``: array (species,).

        ``options`` are those of :func:`symnum.pde.steady.steady_state`.
        """
        from symnum.pde.steady import steady_state

        return steady_state(self._system, self.conservation_laws(), u0, **options)


def _symbol(name: str) -> Any:
    from symnum.backends import interned

    return interned.symbol(name)


def _keys(terms: Iterable[Any]) -> list[Any]:
    return [interface.key(term) for term in terms]


def _weighted_sum(states: Sequence[Any], members: Sequence[tuple[int, Any]]) -> Any:
    from symnum.backends import interned

    return interned.make("+", [interned.make("*", (weight, states[i])) for i, weight in members])


def _scaled(like: Any, pairs: Any) -> list[Any]:
    return [p if c == 1 else interface.make(like, "*", (c, p)) for p, c in pairs if c]
