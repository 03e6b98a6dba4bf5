"""Which fitted formulas may be reported: those that keep the constraints and have the unit of the target."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from symnum import term as interface
from symnum.regression.grammar import Grammar, Tokens

M = TypeVar("M", bound=Any)


def fitted_constants(term: Any) -> int:
    """Return how many numbers of a formula are fitted, that is floats.

    >>> import symnum as sn
    >>> fitted_constants(sn.parse("2*x + 0.5*sin(1.5*x)"))
    2
    """
    return sum(
        1
        for node in interface.postorder(term)
        if interface.is_number(node) and isinstance(interface.value(node), float)
    )


def admitted(
    grammar: Grammar, tokens: Tokens, constants: Sequence[float]
) -> tuple[Tokens, list[float]] | None:
    """Return a candidate, a formula with constants in its slots, if simple constants may yet make it one that is reported; else None.

    Where fitted constants are pure numbers, constant addends that have no unit to add to are left out: y = b + a*f then needs b = 0
    unless y is pure too.
    """
    if not grammar.restricted:
        return tokens, list(constants)
    rules = grammar.unit_rules
    if rules is not None:
        found = rules.repaired(tokens, grammar.arity, grammar.token("+"), grammar.constant, constants)
        if found is None:
            return None
        tokens, constants = np.asarray(found[0], np.int16), found[1]
    # a constant that becomes 0 or 1 takes an operation along
    least = len(tokens) - 2 * len(constants)
    return (tokens, list(constants)) if grammar.reportable(tokens, constants, complexity=least) else None


def reportable_models(grammar: Grammar, models: Sequence[M], otherwise: M) -> list[M]:
    """Return the models (with term, complexity, tokens and constants) whose formulas may be reported.

    When there is none, warn and return ``otherwise``, the best constant.
    """
    if not grammar.restricted:
        return list(models)
    kept = [
        m
        for m in models
        if grammar.reportable(m.tokens, m.constants, fitted=fitted_constants(m.term), complexity=m.complexity)
    ]
    if not kept:
        warnings.warn(
            "no formula that was found keeps the constraints and the units: the result is the best constant, which does not keep them "
            "either; allow more time, or loosen them",
            UserWarning,
            stacklevel=2,
        )
        return [otherwise]
    return kept
