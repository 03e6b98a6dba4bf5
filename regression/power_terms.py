"""Products of whole powers, negative ones included: the terms of many laws of physics, as in ``p^2/(2*m) + m*w^2*x^2/2``.

They are far too long to be stored by the enumeration, but there are few enough to look at all pairs of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from symnum.regression.grammar import Grammar, Tokens

MOST, STEEPEST = 4096, 4
"""How many terms there are at most, and the largest power of a variable."""

SUMMED, WIDTH = 4, 48
"""How many terms a sum may have, and the width of the beam that looks for it."""


def power_terms(grammar: Grammar) -> list[Tokens]:
    """Return products of powers by the sum of their exponents' sizes, as many degrees as there is room for.

    >>> grammar = Grammar(("a", "b"))
    >>> [str(grammar.term(tokens)) for tokens in power_terms(grammar)[:6]]
    ['b', '1/b', 'a', '1/a', 'b^2', '1/b^2']
    """
    count = len(grammar.variables)
    inverse = grammar.has("/") or grammar.has("^-1")
    found: list[Tokens] = []
    if not grammar.has("*"):
        return found
    for size in range(1, STEEPEST * count + 1):
        degree = [_written(grammar, powers) for powers in _exponents(count, size, inverse)]
        if len(found) + len(degree) > MOST:
            break
        found += degree
    return found


def _exponents(count: int, size: int, inverse: bool) -> Iterator[tuple[int, ...]]:
    """Yield the exponents of ``count`` variables whose sizes add up to ``size``."""
    waiting: list[tuple[tuple[int, ...], int]] = [((), size)]
    while waiting:
        powers, left = waiting.pop()
        if len(powers) == count:
            if left == 0:
                yield powers
            continue
        room = STEEPEST * (count - len(powers) - 1)
        for each in range(min(STEEPEST, left), -1, -1):
            if left - each <= room:
                waiting += [
                    ((*powers, sign * each), left - each) for sign in ((-1, 1) if each and inverse else (1,))
                ]


def _written(grammar: Grammar, powers: tuple[int, ...]) -> Tokens:
    """Return the product as tokens, what divides under one line."""
    above = [part for variable, power in enumerate(powers) for part in _factors(grammar, variable, power)]
    below = [part for variable, power in enumerate(powers) for part in _factors(grammar, variable, -power)]
    times = grammar.token("*")
    tokens = _product(times, above)
    if below:
        under = [grammar.token("^-1"), *_product(times, below)]
        tokens = [times, *tokens, *under] if above else under
    return np.array(tokens, np.int16)


def _factors(grammar: Grammar, variable: int, power: int) -> list[list[int]]:
    square = grammar.token("^2")
    if power <= 0:
        return []
    squares = {1: [variable], 2: [square, variable], 4: [square, square, variable]}
    return [squares[power]] if power in squares else [[variable], [square, variable]]


def _product(times: int, parts: list[list[int]]) -> list[int]:
    return [token for k, part in enumerate(parts, 1) for token in ([times] if k < len(parts) else []) + part]
