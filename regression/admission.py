"""What constraints and units demand of a whole: which expressions may be fitted in which view of the target, which formulas reported."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from symnum import term as interface
from symnum.regression import unit_rules
from symnum.regression.candidate import Candidate
from symnum.regression.constraint_kernels import BITS
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import outermost

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


def fitting(grammar: Grammar, states: NDArray[np.int64], views: Sequence[str]) -> NDArray[np.bool_]:
    """Tell (expressions, views) for expressions with these states whether ``undo(a*f + b)`` is allowed as a whole in a view of the target.

    See :meth:`Grammar.joined` for states.  Fitted constants may have any unit, unless they are pure numbers; b may be left out.
    """
    rules, limits = grammar.unit_rules, grammar.constraint_rules
    result = np.zeros((len(states), len(views)), bool)
    whole = states[:, BITS] == limits.limits[BITS]
    places = np.arange(len(states))
    for k, view in enumerate(views):
        inner, good = states.copy(), whole.copy()
        anything = slice(limits.width, limits.width + unit_rules.WIDTH)
        if rules is not None and not rules.strict:
            inner[:, anything] = rules.leaves[grammar.constant]
        for name in reversed(("exp",) if view == "log" else outermost(view)):
            ok, inner = grammar.joined(grammar.token(name), places, places, inner, formula=True)
            good &= ok
        if rules is not None:
            if view == "log" and not rules.strict:
                inner[:, anything] = rules.leaves[grammar.constant]
            good &= rules.agreeing(inner[:, anything])
        result[:, k] = good
    return result


def fits(grammar: Grammar, expressions: Sequence[Tokens], views: Sequence[str]) -> NDArray[np.bool_]:
    """Tell (expressions, views) whether ``undo(a*f + b)`` is allowed as a whole in a view of the target, and f by itself."""
    lengths = np.array([len(tokens) for tokens in expressions], np.int64)
    padded = np.zeros((len(expressions), max(lengths, default=1)), np.int16)
    for row, tokens in zip(padded, expressions, strict=True):
        row[: len(tokens)] = tokens
    return fits_padded(grammar, padded, lengths, views)


def fits_padded(
    grammar: Grammar, tokens: NDArray[np.int16], lengths: NDArray[np.int64], views: Sequence[str]
) -> NDArray[np.bool_]:
    """Do the same as :func:`fits` for padded expressions (expressions, longest)."""
    ok, states = grammar.states(tokens, lengths)
    return fitting(grammar, states, views) & ok[:, None]


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


def admitted_candidates(grammar: Grammar, found: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that :func:`admitted` lets pass, as it leaves them."""
    if not grammar.restricted:
        return list(found)
    kept = [admitted(grammar, each.tokens, each.constants) for each in found]
    return [Candidate(each[0].tobytes(), tuple(each[1])) for each in kept if each is not None]


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
