"""Rate laws that BioNetGen knows by name: Sat, MM and Hill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symnum.backends import interned
from symnum.exact import exact


@dataclass(frozen=True, slots=True)
class RateLaw:
    """A named rate law with its constants, and a number or term ``factor`` before it; its rate depends on the reactants.

    "Sat": factor*k*S1*S2*.../((K1 + S1)*(K2 + S2)*...), constants k, K1, ...; a reactant without a K is a plain factor.
    "MM": factor*k*E*S/(K + S) with the free substrate S = (b + sqrt(b^2 + 4*K*St))/2, b = St - E - K; constants k, K; reactants St, E.
    "Hill": factor*k*S^n/(K^n + S^n), times the other reactants; constants k, K, n.
    """

    kind: str
    constants: tuple[Any, ...]
    factor: Any = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "constants", tuple(as_term(c) for c in self.constants))
        object.__setattr__(self, "factor", as_term(self.factor))
        if self.kind not in RATE_LAWS:
            raise ValueError(f"there is no rate law {self.kind!r}; the named ones are {', '.join(RATE_LAWS)}")
        least, most, _, _ = RATE_LAWS[self.kind]
        if not least <= len(self.constants) <= most:
            count = str(least) if least == most else f"{least} or more"
            raise ValueError(f"{self.kind} takes {count} constants, but {len(self.constants)} are given")

    def check(self, reactants: Sequence[int]) -> None:
        """Raise ValueError if the law cannot belong to a reaction of these species."""
        _, _, wanted, _ = RATE_LAWS[self.kind]
        if self.kind == "Sat":
            wanted = max(wanted, len(self.constants) - 1)
        if len(reactants) < wanted or (self.kind == "MM" and len(reactants) != wanted):
            raise ValueError(
                f"{self.kind} with {len(self.constants)} constants needs {wanted} reactants, but there are {len(reactants)}"
            )
        if len(set(reactants)) < len(reactants):
            raise ValueError(
                f"{self.kind} takes each reactant once; write a reaction of two equal reactants as a function"
            )

    def rate(self, reactants: Sequence[int], amounts: Sequence[Any]) -> tuple[Any, tuple[int, ...]]:
        """Return (rate, species): the flux is the rate times the amounts of these species."""
        self.check(reactants)
        build = RATE_LAWS[self.kind][3]
        rate, rest = build(self.constants, [amounts[i] for i in reactants])
        return interned.make("*", (self.factor, rate)), tuple(reactants[len(reactants) - rest :])


def as_term(thing: Any) -> Any:
    """Return a Python number as a term, and a term as it is."""
    return interned.number(exact(thing)) if isinstance(thing, int | float | Fraction) else thing


def _saturation(constants: Sequence[Any], amounts: Sequence[Any]) -> tuple[Any, int]:
    k, *halves = constants
    below = [interned.make("+", (half, amount)) for half, amount in zip(halves, amounts)]
    return interned.make("/", (k, interned.make("*", below))), len(amounts)


def _michaelis_menten(constants: Sequence[Any], amounts: Sequence[Any]) -> tuple[Any, int]:
    (k, half), (substrate, enzyme) = constants, amounts
    b = interned.make("-", (interned.make("-", (substrate, enzyme)), half))
    root = interned.make(
        "sqrt", (interned.make("+", (interned.make("^", (b, 2)), interned.make("*", (4, half, substrate)))),)
    )
    free = interned.make("/", (interned.make("+", (b, root)), 2))
    return interned.make("/", (interned.make("*", (k, free)), interned.make("+", (half, free)))), 1


def _hill(constants: Sequence[Any], amounts: Sequence[Any]) -> tuple[Any, int]:
    k, half, exponent = constants
    above, below = (interned.make("^", (base, exponent)) for base in (amounts[0], half))
    return interned.make("/", (interned.make("*", (k, above)), interned.make("+", (below, above)))), len(
        amounts
    ) - 1


RATE_LAWS: dict[str, tuple[int, int, int, Callable[..., tuple[Any, int]]]] = {
    "Sat": (2, 100, 1, _saturation),
    "MM": (2, 2, 2, _michaelis_menten),
    "Hill": (3, 3, 1, _hill),
}
"""Kind -> least and largest number of constants, number of reactants, and what makes (rate, how many last reactants multiply it)."""
