"""Constants that the user declares: leaves with a name and a fixed value, such as the speed of light.

They stand among the ``numbers`` of a :class:`~symnum.regression.grammar.Grammar`, keep their name in every formula, and fitted
constants are replaced by simple multiples of them where the data allow it.

>>> c, pi = declared_constants({"c": (299792458.0, "m/s"), "pi": None})
>>> str(c), float(c), str(pi.term)
('c', 299792458.0, 'pi')
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symnum.backends import interned
from symnum.regression.units import Unit, parse_unit
from symnum.symbols import symbol

EXPONENTS = tuple(Fraction(k, 2) for k in (2, 4, 1, -2, -4, -1))
"""Powers of a declared constant that a fitted constant may be recognised as."""

NUMERATOR, DENOMINATOR = 12, 12
"""Bounds of the fraction before such a power."""


@dataclass(frozen=True)
class Declared:
    """Hold a named number and its unit (None: not known); ``float`` gives the value and ``str`` the name."""

    name: str
    value: float
    unit: Unit | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return self.name

    @property
    def term(self) -> Any:
        """Return the constant as a term: the exact pi, or a symbol with its name."""
        return interned.make("pi", ()) if self.name == "pi" else symbol(self.name)


def declared_constants(given: Mapping[str, Any] | Sequence[str] | None) -> tuple[Declared, ...]:
    """Return the constants of a mapping from names to values, or to pairs of value and unit.

    ``pi`` needs no value (give None) and is exact; a sequence of names is enough where all have a value of their own.  Raises
    ValueError for a value that is no finite number or is zero, and for a name that cannot be a symbol; TypeError for another kind
    of argument.
    """
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, Mapping | Sequence):
        raise TypeError(
            f"constants must be a mapping from names to values, but is {given!r}; write constants={{'c': 299792458.0}}"
        )
    pairs = given.items() if isinstance(given, Mapping) else [(name, None) for name in given]
    return tuple(_declared(name, what) for name, what in pairs)


def _declared(name: str, what: Any) -> Declared:
    value, unit = what if isinstance(what, tuple) and len(what) == 2 else (what, None)
    if name == "pi":
        if value is not None and not (_is_number(value) and abs(float(value) - math.pi) < 1e-6):
            raise ValueError(
                f"the constant 'pi' is the circle's, but was given the value {value!r}; leave the value out, or choose another name"
            )
        return Declared("pi", math.pi, parse_unit("1"))
    if not _is_number(value) or not math.isfinite(value) or value == 0:
        raise ValueError(
            f"the constant {name!r} needs a value, a finite number that is not 0, but got {value!r}; "
            f"write constants={{{name!r}: 9.81}} or, with a unit, {{{name!r}: (9.81, 'm/s^2')}}"
        )
    symbol(name)  # raises ValueError for what is no name
    return Declared(name, float(value), None if unit is None else parse_unit(unit))


def _is_number(value: Any) -> bool:
    # NumPy's numbers register with these classes' abstract parents only, so ask for the conversion
    return not isinstance(value, bool | str | bytes) and hasattr(value, "__float__")


def check_names(variables: Sequence[str], declared: Sequence[Declared]) -> None:
    """Raise ValueError when a declared constant has the name of a variable or of another one."""
    seen = set(variables)
    for each in declared:
        if each.name in seen:
            raise ValueError(
                f"the name {each.name!r} of a declared constant is taken by a column or by another constant; "
                f"rename it, as in constants={{{each.name + '_'!r}: {each.value!r}}}"
            )
        seen.add(each.name)


def substitutes(declared: Sequence[Declared]) -> dict[Any, float]:
    """Return symbol -> value for the constants that a formula shows as symbols, as :func:`symnum.substitute` takes it."""
    return {each.term: each.value for each in declared if each.name != "pi"}


def multiples(value: float, deviation: float, declared: Sequence[Declared]) -> list[tuple[Any, float]]:
    """Return products of a simple fraction and powers of one or two declared constants near ``value``, as terms and floats.

    Near means within 5 standard deviations and rounding, as for other simple numbers; those with the smallest fractions come
    first.

    >>> c = declared_constants({"c": 299792458.0})
    >>> [str(term) for term, _ in multiples(0.5 * 299792458.0**2, 1.0, c)]
    ['c^2/2']
    """
    if not declared or not math.isfinite(value) or value == 0:
        return []
    # of a constant that the data do not fix only what is equal up to rounding is recognised
    reach = 1e-11 * abs(value) + (5 * deviation if math.isfinite(deviation) else 0.0)
    found: list[tuple[int, int, Any, float]] = []
    for powers in _powers(declared):
        with np.errstate(all="ignore"):  # powers out of range are passed over
            size = float(np.prod([np.float64(abs(each.value)) ** float(power) for each, power in powers]))
        if not 0 < size < math.inf or any(each.value < 0 and power.denominator > 1 for each, power in powers):
            continue
        sign = math.prod(-1 if each.value < 0 and power.numerator % 2 else 1 for each, power in powers)
        ratio = value / size * sign
        if not 1 / (2 * DENOMINATOR) < abs(ratio) < 2 * NUMERATOR:
            continue
        fraction = Fraction(ratio).limit_denominator(DENOMINATOR)
        if not 0 < abs(fraction.numerator) <= NUMERATOR:
            continue
        exact = float(fraction) * size * sign
        if abs(exact - value) <= reach:
            factors = [interned.make("^", (each.term, interned.number(power))) for each, power in powers]
            term = interned.make("*", (interned.number(fraction), *factors))
            found.append((abs(fraction.numerator) * fraction.denominator, len(powers), term, exact))
    found.sort(key=lambda each: (*each[:2], abs(each[3] - value)))
    return [(term, exact) for _, _, term, exact in found[:4]]


def _powers(declared: Sequence[Declared]) -> Iterator[tuple[tuple[Declared, Fraction], ...]]:
    for each in declared:
        for power in EXPONENTS:
            yield ((each, power),)
    for first, second in itertools.combinations(declared, 2):
        for one, two in itertools.product(EXPONENTS, repeat=2):
            yield ((first, one), (second, two))
