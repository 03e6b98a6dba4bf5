"""Physical units: reading them, and finding out which expressions have one.

A unit is a vector of seven exponents, those of m, kg, s, A, K, mol and cd.  An expression is *consistent* when sums have terms of
one unit, functions such as sin take pure numbers, and exponents are pure numbers.  Whole numbers are pure.  A fitted constant may
have any unit: in ``a*f + b`` that is what makes every consistent f possible.  With ``dimensionless_constants`` fitted constants are
pure as well: then f must have the unit of the target itself, and b is left out unless that is a pure number.

>>> unit_text(parse_unit("N*m/kg"))
'm^2/s^2'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

Unit = tuple[Fraction, ...]
"""Exponents of the seven base units."""

BASE = ("m", "kg", "s", "A", "K", "mol", "cd")

PURE: Unit = (Fraction(0),) * 7
"""The unit of a pure number."""


def _unit(**exponents: int) -> Unit:
    return tuple(Fraction(exponents.get(name, 0)) for name in BASE)


_NEWTON = dict(kg=1, m=1, s=-2)
_JOULE = dict(kg=1, m=2, s=-2)
_VOLT = dict(kg=1, m=2, s=-3, A=-1)

COHERENT: Mapping[str, Unit] = {
    **{name: _unit(**{name: 1}) for name in BASE},
    "rad": PURE, "sr": PURE, "Hz": _unit(s=-1), "Bq": _unit(s=-1), "N": _unit(**_NEWTON), "Pa": _unit(kg=1, m=-1, s=-2),
    "J": _unit(**_JOULE), "W": _unit(kg=1, m=2, s=-3), "C": _unit(A=1, s=1), "V": _unit(**_VOLT), "F": _unit(kg=-1, m=-2, s=4, A=2),
    "ohm": _unit(kg=1, m=2, s=-3, A=-2), "Ω": _unit(kg=1, m=2, s=-3, A=-2), "S": _unit(kg=-1, m=-2, s=3, A=2),
    "Wb": _unit(kg=1, m=2, s=-2, A=-1), "T": _unit(kg=1, s=-2, A=-1), "H": _unit(kg=1, m=2, s=-2, A=-2), "lm": _unit(cd=1),
    "lx": _unit(cd=1, m=-2), "Gy": _unit(m=2, s=-2), "Sv": _unit(m=2, s=-2), "kat": _unit(mol=1, s=-1),
}  # fmt: skip
"""Units whose products are related by the factor 1 (BIPM, The International System of Units, 9th edition, tables 2 and 4)."""

SCALED: Mapping[str, str] = {
    "g": "kg", "t": "kg", "u": "kg", "min": "s", "h": "s", "day": "s", "yr": "s", "au": "m", "ly": "m", "pc": "m", "ft": "m", "inch": "m",
    "L": "m^3", "l": "m^3", "ha": "m^2", "bar": "Pa", "atm": "Pa", "mmHg": "Pa", "eV": "J", "cal": "J", "Wh": "J", "deg": "1", "G": "T",
}  # fmt: skip
"""Other units and what they measure; data in them have a unit, but a factor besides."""

PREFIXES = (
    *("da", "y", "z", "a", "f", "p", "n", "u", "µ", "m", "c", "d", "h", "k", "M"),
    *("G", "T", "P", "E", "Z", "Y"),
)

_TOKENS = re.compile(r"\s*(?:(?P<name>[A-Za-zµΩ°%]+)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>\*\*|[*·/^()+-]))")


def parse_unit(spec: str | Sequence[float] | None) -> Unit:
    """Return the exponents of a unit such as ``"kg*m^2/s^2"``, ``"J/(mol K)"``, ``"m^(1/2)"``, ``"1"``, or of seven numbers.

    A space is a product.  Raises ValueError for what is no unit, TypeError for another kind of thing.

    >>> [str(e) for e in parse_unit("N^(1/2)")]
    ['1/2', '1/2', '-1', '0', '0', '0', '0']
    """
    if isinstance(spec, str):
        return _Reader(spec).unit()
    if isinstance(spec, Iterable):
        exponents = list(spec)
        if len(exponents) != 7:
            raise ValueError(
                f"a unit has seven exponents, of {', '.join(BASE)}, but {spec!r} has {len(exponents)}; "
                "write a text such as 'm/s^2', or all seven"
            )
        return tuple(Fraction(e).limit_denominator(1000) for e in exponents)
    raise TypeError(f"a unit is a text or seven exponents, but got {spec!r}; write '1' for a pure number")


class _Reader:
    """Read one unit, with a stack for brackets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[tuple[str, str]] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKENS.match(text, place)
            if match is None:
                self._refuse(f"{text[place:].strip()[0]!r} is no part of a unit")
            kind = str(match.lastgroup)
            self.words.append((kind, match[kind]))
            place = match.end()
        self.at = 0

    def _refuse(self, problem: str) -> NoReturn:
        raise ValueError(
            f"{self.text!r} is not a unit: {problem}; write it with {', '.join(BASE)} and derived units such as N, J, W, Pa, as in "
            "'kg*m^2/s^2', or '1' for a pure number"
        )

    def _next(self) -> tuple[str, str]:
        word = self.words[self.at] if self.at < len(self.words) else ("end", "")
        self.at += 1
        return word

    def unit(self) -> Unit:
        """Return the exponents."""
        waiting: list[tuple[Unit, int]] = []  # what stands before an open bracket, and the sign of its power
        total, sign, due = PURE, 1, True  # due: a factor must follow
        if not self.words:
            return PURE
        while True:
            kind, word = self._next()
            if kind == "name" or kind == "number":
                if kind == "number" and word != "1":
                    self._refuse(f"it has the factor {word}; leave numbers out and rescale the data")
                factor = unit_named(word, self.text) if kind == "name" else PURE
                total, sign, due = _product(total, factor, sign * self._power()), 1, False
            elif word == "(":
                waiting.append((total, sign))
                total, sign, due = PURE, 1, True
            elif word == ")":
                if due or not waiting:
                    self._refuse("a bracket is closed too early")
                inner, (total, sign) = total, waiting.pop()
                total, sign = _product(total, inner, sign * self._power()), 1
            elif word in ("*", "·", "/"):
                if due:
                    self._refuse(f"a unit is missing before {word!r}")
                sign, due = (-1 if word == "/" else 1), True
            elif kind == "end":
                if due or waiting:
                    self._refuse("it ends too early" if due else "a bracket is not closed")
                return total
            else:
                self._refuse(f"{word!r} is out of place")

    def _power(self) -> Fraction:
        """Read an exponent, or return 1 where there is none."""
        if self.at >= len(self.words) or self.words[self.at][1] not in ("^", "**"):
            return Fraction(1)
        self._next()
        bracket = self.at < len(self.words) and self.words[self.at][1] == "("
        self.at += bracket
        kind, word = self._next()
        sign = -1 if word == "-" else 1
        if word in ("-", "+"):
            kind, word = self._next()
        if kind != "number":
            self._refuse("an exponent must be a number, as in m^2, s^-1 or m^(1/2)")
        exponent = sign * Fraction(word)
        if bracket:
            kind, word = self._next()
            if word == "/":
                kind, word = self._next()
                if kind != "number" or Fraction(word) == 0:
                    self._refuse("an exponent must be a number, as in m^(1/2)")
                exponent /= Fraction(word)
                kind, word = self._next()
            if word != ")":
                self._refuse("the bracket of an exponent is not closed")
        return exponent


def _product(a: Unit, b: Unit, power: Fraction | int) -> Unit:
    return tuple(x + y * power for x, y in zip(a, b, strict=True))


def unit_named(name: str, text: str) -> Unit:
    """Return the exponents of one unit symbol, with a prefix or without; raises ValueError for an unknown one."""
    if name in COHERENT:
        return COHERENT[name]
    if name in SCALED:
        return parse_unit(SCALED[name])
    for prefix in PREFIXES:
        rest = name.removeprefix(prefix)
        if rest != name and rest in COHERENT and rest != "kg":
            return COHERENT[rest]
        if rest != name and rest in ("g", "eV", "bar", "L", "l", "cal", "Wh", "pc"):
            return parse_unit(SCALED[rest])
    import difflib

    near = difflib.get_close_matches(name, [*COHERENT, *SCALED], n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(
        f"{text!r} is not a unit: there is no unit {name!r}; {hint}the base units are {', '.join(BASE)}, and N, J, W, Pa, C, V and "
        "other derived ones are known"
    )


def is_coherent(spec: str) -> bool:
    """Tell whether a unit text uses base and derived units of the SI only, without a prefix or another factor.

    >>> is_coherent("kg*m/s^2"), is_coherent("km/h")
    (True, False)
    """
    return all(word in COHERENT for kind, word in _Reader(spec).words if kind == "name")


def unit_text(unit: Unit) -> str:
    """Return a unit in base units, as :func:`parse_unit` reads it.

    >>> unit_text(parse_unit("V")), unit_text(PURE)
    ('m^2*kg/(s^3*A)', '1')
    """
    above = [_factor(name, e) for name, e in zip(BASE, unit, strict=True) if e > 0]
    below = [_factor(name, -e) for name, e in zip(BASE, unit, strict=True) if e < 0]
    top = "*".join(above) or "1"
    bottom = f"({'*'.join(below)})" if len(below) > 1 else "".join(below)
    return f"{top}/{bottom}" if below else top


def _factor(name: str, exponent: Fraction) -> str:
    if exponent == 1:
        return name
    return f"{name}^{exponent}" if exponent.denominator == 1 else f"{name}^({exponent})"


@dataclass(frozen=True)
class Units:
    """Hold the units of the columns and of the target, and whether fitted constants are pure numbers.

    A unit None is not known, and fits anywhere.

    >>> units = Units.of({"x": "m", "t": "s"}, "m/s", ("x", "t"))
    >>> unit_text(units.target)
    'm/s'
    """

    variables: tuple[Unit | None, ...]
    target: Unit | None
    dimensionless_constants: bool = False

    @classmethod
    def of(
        cls,
        variables: Mapping[str, Any] | Sequence[Any],
        target: Any,
        names: Sequence[str],
        dimensionless_constants: bool = False,
    ) -> Units:
        """Return the units of the columns ``names``, from a mapping by name or a sequence in their order.

        Raises ValueError for a unit that cannot be read, for a column without one, and, where constants are pure, for units that
        are not coherent, such as km beside m.
        """
        if isinstance(variables, str) or not isinstance(variables, Mapping | Sequence):
            raise TypeError(
                f"the units of the columns must be a mapping or a sequence, but are {variables!r}; "
                f"write {{{(names or ['x'])[0]!r}: 'm'}}"
            )
        if isinstance(variables, Mapping):
            unknown = [name for name in variables if name not in names]
            missing = [name for name in names if name not in variables]
            if unknown:
                raise ValueError(
                    f"there is no column {unknown[0]!r} that a unit could belong to; the columns are {', '.join(names)}"
                )
            if missing:
                raise ValueError(
                    f"the column {missing[0]!r} has no unit; write '1' for a pure number, or None where it is not known"
                )
            variables = [variables[name] for name in names]
        if len(variables) != len(names):
            raise ValueError(f"there are {len(variables)} units for {len(names)} columns; give one for each")
        if dimensionless_constants:
            for name, spec in [*zip(names, variables, strict=True), ("the target", target)]:
                if isinstance(spec, str) and not is_coherent(spec):
                    raise ValueError(
                        f"the unit {spec!r} of {name} has a factor besides the SI's {unit_text(parse_unit(spec))!r}, which constants "
                        "without a unit cannot make good; convert the data, or allow constants to have units"
                    )
        read = [None if spec is None else parse_unit(spec) for spec in variables]
        return cls(tuple(read), None if target is None else parse_unit(target), dimensionless_constants)
