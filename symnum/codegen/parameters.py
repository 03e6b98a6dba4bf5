"""The trainable constants of terms: each becomes an argument of its own, with its value to begin with.

Floats are trainable.  Exact numbers (2, 1/3, pi) are part of the formula and stay; so do floats that are a coefficient of 1.0 or
-1.0 or a whole exponent, and floats that are not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from symnum import term as interface
from symnum.fold import fold
from symnum.symbols import BACKENDS, convert, symbol


@dataclass(frozen=True, slots=True)
class Parameters:
    """Terms in which symbols stand for their trainable constants."""

    terms: tuple[Any, ...]
    arguments: tuple[Any, ...]
    symbols: tuple[Any, ...]
    values: tuple[float, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the constants."""
        return tuple(map(interface.name, self.symbols))

    def with_values(self, values: Sequence[float]) -> list[Any]:
        """Return the terms with these values for the constants."""
        memo: dict[Hashable, Any] = {}
        for constant, value in zip(self.symbols, values, strict=True):
            memo[interface.key(constant)] = interface.make_number(constant, value)
        return [fold(term, _rebuilt, parts=_parts, memo=memo) for term in self.terms]


_FIXED: dict[str, Callable[[int, float], bool]] = {
    "*": lambda position, value: abs(value) == 1.0,
    "^": lambda position, value: position == 1 and value.is_integer(),
}
"""Head -> which float arguments are no trainable constants."""


def separate(terms: Sequence[Any], arguments: Sequence[Any]) -> Parameters:
    """Return terms and arguments with a symbol c0, c1, ... for each trainable constant.

    A constant of a shared sub-term is one constant; equal constants at different places are several.

    >>> import symnum as sn
    >>> x = sn.symbols("x")
    >>> found = separate([2.5*sn.sin(0.5*x)**2 + x/3], [x])
    >>> found.terms, found.values
    ((c1*sin(c0*x)^2 + x/3,), (0.5, 2.5))
    """
    terms = [_ours(t) for t in terms]
    arguments = [_ours(a) for a in arguments]
    taken = {interface.name(s) for s in (*interface.free_symbols(*terms), *arguments)}
    fresh: Iterator[str] = (name for i in count() if (name := f"c{i}") not in taken)
    symbols: list[Any] = []
    values: list[float] = []

    def constant(value: float, like: Any) -> Any:
        backend = interface.backend_of(like)
        symbols.append(symbol(next(fresh), "real", backend if backend in BACKENDS else "interned"))
        values.append(value)
        return symbols[-1]

    def visit(node: Any, parts: list[Any]) -> Any:
        if not interface.is_call(node):
            return node
        fixed = _FIXED.get(interface.head(node), lambda position, value: False)
        for position, part in enumerate(parts):
            value = _trainable(part)
            if value is not None and not fixed(position, value):
                parts[position] = constant(value, node)
        return _rebuilt(node, parts)

    memo: dict[Hashable, Any] = {}
    found = [fold(term, visit, parts=_parts, memo=memo) for term in terms]
    for position, root in enumerate(found):
        value = _trainable(root)
        if value is not None:
            found[position] = constant(value, root)
    return Parameters(tuple(found), tuple(arguments), tuple(symbols), tuple(values))


def _ours(term: Any) -> Any:
    """Return a term in a backend that can make symbols."""
    return term if interface.is_number(term) or interface.backend_of(term) in BACKENDS else convert(term)


def _parts(term: Any) -> Sequence[Any]:
    return interface.sorted_args(term) if interface.is_call(term) else ()


def _rebuilt(node: Any, parts: list[Any]) -> Any:
    if all(new is old for new, old in zip(parts, _parts(node), strict=True)):
        return node
    return interface.make(node, interface.head(node), parts)


def _trainable(term: Any) -> float | None:
    """Return the value of a float leaf that is finite, or None."""
    if not interface.is_number(term):
        return None
    value = interface.value(term)
    return value if type(value) is float and math.isfinite(value) else None
