"""The constants of a formula: which there are, which were fitted and which are exact, and the formula with other values for them.

A fitted constant is a float in the term.  Exact are the numbers that were snapped (whole numbers, fractions, short decimals).  Signs,
divisions and square roots are operations, not constants, as in :func:`symnum.regression.description.describe`.

>>> import symnum as sn
>>> x = sn.symbols("x")
>>> given = Formula.of(2.5*sn.exp(-x/3) + 1, [x])
>>> print(given.named, given.values)
c0*exp(c1*x) + c2 (2.5, Fraction(-1, 3), 1)
>>> given.fitted
('c0',)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.codegen.function import compile as compile_term
from symnum.symbols import symbol

Floats = NDArray[np.float64]

_OPERATIONS = {"*": (-1,), "^": (-1, Fraction(1, 2), Fraction(-1, 2))}
"""Numbers that are written as operations, in products and as exponents."""


@dataclass(frozen=True)
class Formula:
    """Hold an expression with ``named`` constants, whose names are in the order in which they are printed, and their values.

    ``values`` are floats for fitted constants, exact numbers otherwise; ``opened`` is the expression in which only the fitted ones are
    names, a function of ``arguments`` and of these.
    """

    names: tuple[str, ...]
    values: tuple[Any, ...]
    named: Any
    opened: Any
    arguments: tuple[Any, ...]
    _symbols: tuple[Any, ...] = field(repr=False)

    @classmethod
    def of(
        cls,
        expression: Any,
        arguments: Sequence[Any],
        exact: bool = True,
        known: Mapping[Any, float] | None = None,
    ) -> Formula:
        """Return the constants of an expression over the symbols ``arguments``; with ``exact=False`` all numbers count as fitted.

        ``known`` are the values of other symbols.

        They are c0, c1, ..., or c_0, c_1, ... where a column is already called so.  A sub-term that occurs twice is one.
        """
        found = _constants(expression)
        if not exact:
            found = {place: float(value) for place, value in found.items()}
        taken = {interface.name(argument) for argument in arguments}
        prefix = "c"
        while any(f"{prefix}{k}" in taken for k in range(len(found))):
            prefix += "_"
        names = tuple(f"{prefix}{k}" for k in range(len(found)))
        symbols = dict(zip(found, map(symbol, names), strict=True))
        fitted = {place: each for place, each in symbols.items() if isinstance(found[place], float)}
        return cls(
            names,
            tuple(found.values()),
            _replaced(expression, symbols),
            substitute(_replaced(expression, fitted), dict(known or {})),
            tuple(arguments),
            tuple(fitted.values()),
        )

    @property
    def fitted(self) -> tuple[str, ...]:
        """Return the names of the fitted constants."""
        return tuple(interface.name(each) for each in self._symbols)

    @cached_property
    def start(self) -> Floats:
        """Return the values of the fitted constants."""
        return np.array([value for value in self.values if isinstance(value, float)])

    @cached_property
    def _function(self) -> Callable[..., Any]:
        return compile_term(self.opened, [*self.arguments, *self._symbols], target="numpy")

    def evaluate(self, columns: Floats, constants: Floats) -> Floats:
        """Return values (settings, rows) on ``columns`` (variables, rows) for ``constants`` (settings, fitted constants)."""
        with np.errstate(all="ignore"):
            found = self._function(*columns, *constants.T[:, :, None])
        return np.broadcast_to(np.asarray(found, float), (len(constants), columns.shape[1]))


Place = tuple[Any, int]
"""The key of a call and the place of an argument in it; the whole term is argument 0 of None."""


def _constants(expression: Any) -> dict[Place, Any]:
    """Return the constants of a term by where they stand, in printing order."""
    found: dict[Place, Any] = {}
    seen: set[Any] = set()
    stack: list[tuple[Place, Any, str]] = [((None, 0), expression, "")]
    while stack:
        place, node, above = stack.pop()
        if interface.is_number(node):
            value = interface.value(node)
            written = not isinstance(value, float) and value in _OPERATIONS.get(above, ())
            if not isinstance(value, bool) and not written:
                found[place] = value
        elif interface.is_call(node) and (key := interface.key(node)) not in seen:
            seen.add(key)
            head, args = interface.head(node), list(enumerate(interface.sorted_args(node)))
            stack += [((key, k), arg, "" if head == "^" and k == 0 else head) for k, arg in reversed(args)]
    return found


def _replaced(expression: Any, symbols: dict[Place, Any]) -> Any:
    """Return the term with symbols at these places."""
    if (None, 0) in symbols:
        return symbols[None, 0]
    known: dict[Any, Any] = {}
    for node in interface.postorder(expression):
        key = interface.key(node)
        known[key] = node
        if interface.is_call(node):
            args = [
                symbols.get((key, k), known[interface.key(arg)])
                for k, arg in enumerate(interface.sorted_args(node))
            ]
            known[key] = interface.make(node, interface.head(node), args)
    return known[interface.key(expression)]
