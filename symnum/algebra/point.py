"""The values that a user gives for symbols: checked, made exact, and bound to the symbols of a term."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.expression import refuse_mixed

_HOLDS = {
    "positive": lambda v: v > 0,
    "negative": lambda v: v < 0,
    "nonnegative": lambda v: v >= 0,
    "nonzero": lambda v: v != 0,
}


def bind(roots: Sequence[Any], values: Mapping[Any, Any], *, decimal_text: bool = False) -> dict[Any, Any]:
    """Return {key of symbol: number} for every symbol of the roots.

    A symbol among the keys that the roots do not hold is left out, since a simplified term may have lost it; a name is
    refused, since it may be a slip of the pen.  ``decimal_text`` reads "0.1" as one tenth and not as a float.
    """
    if not isinstance(values, Mapping):
        raise TypeError(
            f"the values are a mapping of symbols to numbers, but got {values!r}; write evaluate(term, {{x: 1.5}})"
        )
    refuse_mixed([*roots, *values])
    symbols = interface.free_symbols(*roots)
    named: dict[str, list[Any]] = {}
    for symbol in symbols:
        named.setdefault(interface.name(symbol), []).append(symbol)
    bound: dict[Any, Any] = {}
    for key, value in values.items():
        for symbol in _symbols_of(key, named):
            identity = interface.key(symbol)
            if identity in bound:
                raise ValueError(
                    f"symbol {interface.name(symbol)!r} is given twice, once by name and once as a symbol; keep one"
                )
            bound[identity] = _checked(
                symbol, read_number(value, interface.name(symbol), decimal_text=decimal_text)
            )
    missing = [s for s in symbols if interface.key(s) not in bound]
    if missing:
        raise ValueError(_missing_message(missing, values))
    return bound


def _symbols_of(key: Any, named: Mapping[str, list[Any]]) -> list[Any]:
    """Return the symbols of the term that a key stands for: none or one."""
    if isinstance(key, str):
        found = named.get(key, [])
        if len(found) > 1:
            kinds = ", ".join(_describe(s) for s in found)
            raise ValueError(
                f"the name {key!r} stands for {len(found)} symbols of the term ({kinds}); give the symbol itself as the key"
            )
        if not found:
            near = difflib.get_close_matches(key, named, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"its symbols are {', '.join(sorted(named)) or 'none'}"
            )
            raise ValueError(
                f"there is no symbol {key!r} in the term; {hint} (a symbol as the key may be absent, a name may not)"
            )
        return found
    if not interface.is_term(key) or not interface.is_symbol(key):
        raise TypeError(
            f"{key!s} of type {type(key).__name__} cannot have a value: the keys are symbols or their names; "
            f"write symnum.substitute(term, {{...}}) first to replace a whole sub-term"
        )
    return [s for s in named.get(interface.name(key), []) if _identity(s) == _identity(key)]


def _identity(symbol: Any) -> tuple[Any, ...]:
    return interface.name(symbol), interface.sort_of(symbol), interface.assumptions(symbol)


def _describe(symbol: Any) -> str:
    sort = interface.sort_of(symbol)
    words = sorted(interface.assumptions(symbol)) + ([sort] if sort != "real" else [])
    return f"{interface.name(symbol)}::{','.join(words)}" if words else f"plain {interface.name(symbol)}"


def _missing_message(missing: Sequence[Any], values: Iterable[Any]) -> str:
    names = [interface.name(s) for s in missing]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    message = f"no value is given for {shown}; write evaluate(term, {{..., {names[0]!r}: 1.0}})"
    for key in values:
        if (
            not isinstance(key, str)
            and interface.is_term(key)
            and interface.is_symbol(key)
            and interface.name(key) in names
        ):
            wanted = missing[names.index(interface.name(key))]
            return f"{message}; the {_describe(key)} among the keys is another symbol than the term's {_describe(wanted)}"
    return message


def read_number(value: Any, name: str, *, decimal_text: bool = False) -> Any:
    """Return a user's value for the symbol ``name`` as an int, Fraction, float or bool."""
    cls = type(value)
    if cls is int or cls is float or cls is bool:
        return value
    if isinstance(value, str):
        try:
            return numbers.exact(Fraction(value)) if decimal_text else numbers.parse_number(value)
        except (ValueError, ZeroDivisionError):
            raise ValueError(
                f"the value {value!r} of {name!r} is not a number; write digits such as '3', '1/3' or '2.5'"
            ) from None
    if isinstance(value, Decimal):
        return numbers.exact(Fraction(value)) if value.is_finite() else float(value)
    if getattr(value, "ndim", 0) or isinstance(value, list | tuple):
        shape = getattr(value, "shape", (len(value),))
        raise TypeError(
            f"the value of {name!r} is an array of shape {tuple(shape)}, but evaluate takes single numbers; "
            f"compile the term and call it on arrays: f = symnum.compile(term, symbols); f(array)"
        )
    if interface.is_term(value) and not isinstance(value, Fraction):
        if not interface.is_number(value):
            raise TypeError(
                f"the value {value!s} of {name!r} is symbolic; put it in with symnum.substitute(term, {{{name}: ...}}) first"
            )
        return interface.value(value)
    try:
        return numbers.exact(value)
    except TypeError as problem:
        raise TypeError(f"cannot give {name!r} this value: {problem}") from None


def _checked(symbol: Any, value: Any) -> Any:
    """Return ``value``, or raise when the symbol's sort or assumptions exclude it; nan passes."""
    name, sort = interface.name(symbol), interface.sort_of(symbol)
    if (sort == "boolean") != (type(value) is bool):
        cure = "give True or False" if sort == "boolean" else f"write {int(value)}"
        raise TypeError(f"symbol {name!r} is {sort}, but its value is {value!r}; {cure}")
    if sort == "boolean" or value != value:
        return value
    if sort == "integer" and type(value) is not int and not (math.isinf(value) or value == math.floor(value)):
        raise ValueError(
            f"symbol {name!r} was declared an integer, but its value is {value!r}; give a whole number, or declare it real"
        )
    for assumption in sorted(interface.assumptions(symbol)):
        if assumption in _HOLDS and not _HOLDS[assumption](value):
            raise ValueError(
                f"symbol {name!r} was declared {assumption}, but its value is {value!r}, where simplified terms need not hold; "
                f"give a {assumption} number, or declare the symbol without {assumption}=True"
            )
    return value
