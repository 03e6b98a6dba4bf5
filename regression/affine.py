"""Leave out of an expression what the linear constants of its fit can do.

Where ``a*f + b`` is fitted, f and 2*f + 3 are the same candidate, and so are log(5*x) and log(x), or exp(x + 1) and exp(x).  The
search does not tell them apart by their scores; a formula should have the shortest.
"""

from __future__ import annotations

import numpy as np

from symnum.regression.grammar import Grammar, Tokens

SHIFT, SCALE = 1, 2
"""What may change in a part without changing the candidate: a constant added to it, a constant factor, or both."""

_PRODUCTS = ("*", "/")
_SUMS = ("+", "-")
_POWERS = ("sqrt", "cbrt", "neg", "abs", "^-1", "^2", "^3", "^4")


def without_constants(grammar: Grammar, tokens: Tokens) -> Tokens:
    """Return the expression without the constant addends and factors that a fit of ``a*f + b`` makes good.

    >>> grammar = Grammar(("x",))
    >>> text = "- * exp sqrt 2 log * 2 x 1"
    >>> [grammar.names[t] for t in without_constants(grammar, grammar.parse(text))]
    ['log', 'x']
    """
    while (shorter := _shortened(grammar, tokens)) is not None:
        tokens = shorter
    return tokens


def _shortened(grammar: Grammar, tokens: Tokens) -> Tokens | None:
    """Return the expression without the first constant part that can be left out, or None."""
    places = [(0, SHIFT | SCALE)]
    while places:
        place, free = places.pop()
        name = grammar.names[tokens[place]]
        if grammar.arity[tokens[place]] == 0:
            continue
        first = place + 1
        middle = grammar.end(tokens, first)
        divides = grammar.has("/") or grammar.has("^-1")
        if name == "exp" and free & SCALE and divides and grammar.names[tokens[first]] == "-":
            # exp(c - f) is a multiple of 1/exp(f)
            right = grammar.end(tokens, first + 1)
            if _is_constant(grammar, tokens[first + 1 : right]) and not _is_constant(
                grammar, tokens[right:middle]
            ):
                part = np.concatenate([[grammar.token("^-1"), tokens[place]], tokens[right:middle]])
                return _spliced(tokens, place, middle, part.astype(np.int16))
        if grammar.arity[tokens[place]] == 2:
            stop = grammar.end(tokens, middle)
            constant = [
                _is_constant(grammar, tokens[first:middle]),
                _is_constant(grammar, tokens[middle:stop]),
            ]
            drop = (name in _SUMS and free & SHIFT) or (name in _PRODUCTS and free & SCALE)
            if drop and constant[1] and not constant[0]:
                return _spliced(tokens, place, stop, tokens[first:middle])
            # c - f and c/f need a sign, and a reciprocal, that only a factor and nothing give
            if drop and constant[0] and not constant[1] and (name in "+*" or (name == "-" and free & SCALE)):
                return _spliced(tokens, place, stop, tokens[middle:stop])
        inner = _inner(name, free)
        if inner:
            places.append((first, inner))
            if grammar.arity[tokens[place]] == 2:
                places.append((middle, inner))
    return None


def _inner(name: str, free: int) -> int:
    """Return what may change in the arguments of an operation in which ``free`` may change."""
    if name in _PRODUCTS or name in _POWERS:
        return SCALE if free & SCALE else 0
    if name in _SUMS:
        return SHIFT if free & SHIFT else 0
    if name == "exp":
        return SHIFT if free & SCALE else 0
    return SCALE if name == "log" and free & SHIFT else 0


def _is_constant(grammar: Grammar, tokens: Tokens) -> bool:
    return bool(grammar.droppable[tokens].all())


def _spliced(tokens: Tokens, start: int, stop: int, part: Tokens) -> Tokens:
    return np.concatenate([tokens[:start], part, tokens[stop:]])
