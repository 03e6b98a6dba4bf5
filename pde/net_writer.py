"""Write a reaction network as a BioNetGen .net file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from symnum import term as interface
from symnum.pde.net_formula import written
from symnum.pde.rate_laws import RateLaw

if TYPE_CHECKING:
    from symnum.pde.network import ReactionNetwork


def net_text(network: ReactionNetwork) -> str:
    """Return the text of a .net file; what is read from it equals the network.

    A .net file names species only in groups, so rates that use amounts of species get groups of one species each; such a network
    comes back with these groups.  Raises ValueError for rates that BioNetGen cannot say.
    """
    reactions = network.reactions
    if reactions.total.any():
        number = int(reactions.total.argmax())
        raise ValueError(
            f"the rate {reactions.laws[number]} is a whole rate, not multiplied by the reactants, which a .net file cannot say; "
            f"divide it by the reactants, or write SBML"
        )
    groups = dict(network.groups)
    clock = interface.key(network.time)
    names: dict[Any, str] = {clock: "time()"}
    used = {interface.key(s) for s in interface.free_symbols(*_terms(network))}
    for place, state in enumerate(network.states):
        if interface.key(state) in used:
            name = next((g for g, members in groups.items() if members == ((place, 1),)), None)
            if name is None:
                name = f"_amount{place + 1}"
                groups[name] = ((place, 1),)
            names[interface.key(state)] = name
    lines = ["# Created by symnum"]
    lines += _block(
        "parameters", (f"{name} {written(term, names)}" for name, term in network.parameters.items())
    )
    if network.functions:
        lines += _block("functions", (
            f"{name}({','.join(f.arguments)}) {written(f.body, names)}" for name, f in network.functions.items()
        ))  # fmt: skip
    lines += _block("species", (
        f"{_species(name, i in network.fixed)} {written(start, names)}"
        for i, (name, start) in enumerate(zip(network.species, network.initial))
    ))  # fmt: skip
    laws = [_law(law, names) for law in reactions.laws]
    left = _places(reactions.reactant_starts.tolist(), reactions.reactants.tolist())
    right = _places(reactions.product_starts.tolist(), reactions.products.tolist())
    lines += _block(
        "reactions", (f"{a} {b} {laws[k]}" for a, b, k in zip(left, right, reactions.law.tolist()))
    )
    if groups:
        lines += _block(
            "groups",
            (f"{name} {','.join(map(_member, members))}".rstrip() for name, members in groups.items()),
        )
    return "\n".join(lines) + "\n"


def _terms(network: ReactionNetwork) -> Iterator[Any]:
    for law in network.reactions.laws:
        yield from (law.factor, *law.constants) if isinstance(law, RateLaw) else (law,)
    yield from (f.body for f in network.functions.values())


def _block(name: str, rows: Iterator[str]) -> list[str]:
    return [f"begin {name}", *(f"    {place} {row}" for place, row in enumerate(rows, 1)), f"end {name}"]


def _species(name: str, fixed: bool) -> str:
    if not fixed:
        return name
    compartment, colons, rest = name.partition("::")
    return f"{compartment}::${rest}" if colons else f"${name}"


def _places(starts: Sequence[int], places: Sequence[int]) -> Iterator[str]:
    for begin, end in pairwise(starts):
        yield ",".join(str(i + 1) for i in places[begin:end]) or "0"


def _member(member: tuple[int, Any]) -> str:
    place, weight = member
    return str(place + 1) if weight == 1 else f"{weight!r}*{place + 1}"


def _law(law: Any, names: Mapping[Any, str]) -> str:
    if not isinstance(law, RateLaw):
        return written(law, names)
    factor = (
        ""
        if interface.is_number(law.factor) and interface.value(law.factor) == 1
        else f"{written(law.factor, names)}*"
    )
    return f"{factor}{law.kind} {' '.join(written(c, names) for c in law.constants)}"
