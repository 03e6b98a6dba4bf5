"""Parameters that are numbers or formulas of each other, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symnum import term as interface
from symnum.algebra.evaluate import evaluate


def parameter_values(
    formulas: Mapping[str, Any], changed: Mapping[Any, Any] | None = None
) -> dict[str, float]:
    """Return {name: value}; ``changed`` {name or symbol: number} replaces the formulas of some.

    Raises ValueError for names that are no parameters, and for formulas that are defined by each other.

    >>> import symnum as sn
    >>> parameter_values({"k": 2, "h": sn.parse("k/4")}, {"k": 4})
    {'k': 4.0, 'h': 1.0}
    """
    waiting = dict(formulas)
    for key, number in (changed or {}).items():
        name = key if isinstance(key, str) else interface.name(key)
        if name not in waiting:
            listed = ", ".join(list(formulas)[:8]) + (", ..." if len(formulas) > 8 else "")
            raise ValueError(f"there is no parameter {name!r}; the parameters are {listed or 'none'}")
        waiting[name] = float(number)
    known: dict[str, float] = {}
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
            known[name] = formula_value(waiting.pop(name), known)
    return {name: known[name] for name in formulas}


def formula_value(formula: Any, known: Mapping[str, float]) -> float:
    """Return the value of a formula of ``known`` parameters.

    Raises ValueError for names that are not known, and ZeroDivisionError where the formula divides by an exact 0.
    """
    if interface.is_number(formula):
        return float(interface.value(formula))
    point = {}
    for s in interface.free_symbols(formula):
        name = interface.name(s)
        if name not in known:
            raise ValueError(f"the formula {formula} uses {name!r}, which is no parameter")
        point[s] = known[name]
    return float(evaluate(formula, point))


def formula_values(formulas: Sequence[Any], known: Mapping[str, float]) -> Any:
    """Return the values of several formulas as an array of floats."""
    import numpy as np

    return np.array([formula_value(f, known) for f in formulas], dtype=np.float64)
