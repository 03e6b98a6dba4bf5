"""Write products of sums with other constant factors in front of the sums, where other constants may be simple.

The law 2.006*sqrt(L)*(1 + a^2/16) and the sum 2.006*sqrt(L) + 0.1254*a^2*sqrt(L) are one function, but only the first shows the 16;
(0.082*n*T - 3.59*n^2/V)/(V - 0.043*n) has simple constants only with V as the addend that has none.  Each addend in turn becomes the
one without a constant; which form is kept is decided by the length of its description.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from symnum.regression.candidate import Candidate
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import joined

MOST_ADDENDS = 6
"""Sums of more addends stay as they are."""

MOST_FORMS = 24

_POWERS = {"sqrt": 0.5, "cbrt": 1 / 3, "^-1": -1.0, "^2": 2.0, "^3": 3.0, "^4": 4.0}


@dataclass(frozen=True)
class _Factor:
    """Hold a factor: the powers around it, outermost first, and the addends (coefficient, tokens, their constants) of its base."""

    wrapped: tuple[int, ...]
    power: float
    addends: tuple[tuple[float, tuple[int, ...], tuple[float, ...]], ...]

    @property
    def is_sum(self) -> bool:
        return 2 <= len(self.addends) <= MOST_ADDENDS

    def over(self, unit: int | None) -> tuple[float, list[int], list[float]] | None:
        """Return (c, tokens, constants) of the factor without c, the addend ``unit`` having no constant; None as it is.

        None where c has no such power.
        """
        scale = 1.0 if unit is None else self.addends[unit][0]
        if scale == 0 or (scale < 0 and self.power != int(self.power)):
            return None
        parts: list[list[int]] = []
        constants: list[float] = []
        for place, (coefficient, body, inner) in enumerate(self.addends):
            alone = place == unit or (unit is None and coefficient == 1.0)
            if alone and body:
                parts.append(list(body))
            else:
                parts.append([_TIMES, _CONSTANT, *body] if body else [_CONSTANT])
                constants.append(coefficient / scale)
            constants += inner
        return scale**self.power, [*self.wrapped, *_summed(parts)], constants


_TIMES, _CONSTANT, _PLUS = -1, -2, -3
"""Stand for tokens of the grammar until the whole is written."""


def _summed(parts: list[list[int]]) -> list[int]:
    tokens: list[int] = []
    for place, part in enumerate(parts, 1):
        tokens += [*([_PLUS] if place < len(parts) else []), *part]
    return tokens


def rescaled(grammar: Grammar, candidate: Candidate) -> list[Candidate]:
    """Return other forms of a product of sums, or of powers of sums; none where it has no sum with constants.

    >>> grammar = Grammar(("x",))
    >>> tokens = grammar.parse("+ C * C x")
    >>> for each in rescaled(grammar, Candidate(tokens.tobytes(), (6.0, 3.0))):
    ...     print(" ".join(grammar.names[t] for t in each.tokens), each.constants)
    * C + C * C x (6.0, 1.0, 0.5)
    * C + C x (3.0, 2.0)
    """
    tokens = candidate.tokens
    factors = _factors(grammar, tokens, candidate.constants)
    if not any(each.is_sum for each in factors):
        return []
    choices = [range(len(each.addends)) if each.is_sum else (None,) for each in factors]
    found = []
    for units in itertools.islice(itertools.product(*choices), MOST_FORMS):
        written = [each.over(unit) for each, unit in zip(factors, units, strict=True)]
        if all(each is not None for each in written):
            found += _forms(grammar, factors, [each for each in written if each is not None])
    own = candidate.text
    return list({each.text: each for each in found if each.text != own}.values())


def _forms(
    grammar: Grammar, factors: list[_Factor], written: list[tuple[float, list[int], list[float]]]
) -> list[Candidate]:
    """Return the product with its constant in front, and with that constant inside the first factor that is a plain sum."""
    scale = math.prod(c for c, _, _ in written)
    parts = [([_CONSTANT], [scale]), *((tokens, constants) for _, tokens, constants in written)]
    forms = [parts]
    for place, each in enumerate(factors):
        if each.is_sum and each.power == 1.0 and len(factors) > 1:
            whole = [(c * scale / written[place][0], body, inner) for c, body, inner in each.addends]
            inside = _Factor((), 1.0, tuple(whole)).over(None)
            assert inside is not None
            forms.append([*parts[1 : place + 1], inside[1:], *parts[place + 2 :]])
            break
    return [_candidate(grammar, form) for form in forms]


def _candidate(grammar: Grammar, parts: list[tuple[list[int], list[float]]]) -> Candidate:
    names = {_TIMES: grammar.token("*"), _CONSTANT: grammar.constant, _PLUS: grammar.token("+")}
    whole = joined(grammar.token("*"), [[names.get(t, t) for t in tokens] for tokens, _ in parts])
    return Candidate(whole.tobytes(), tuple(c for _, constants in parts for c in constants))


def _factors(grammar: Grammar, tokens: Tokens, constants: tuple[float, ...]) -> list[_Factor]:
    """Return the factors of an expression from left to right; powers are taken apart around sums only."""
    slots = np.concatenate([[0], np.cumsum(tokens == grammar.constant)])
    names = grammar.names
    found: list[_Factor] = []
    waiting = [(0, (), 1.0)]
    while waiting:
        place, around, power = waiting.pop()
        name = names[tokens[place]]
        if name == "*" and not around:
            waiting += [(grammar.end(tokens, place + 1), around, power), (place + 1, around, power)]
            continue
        wrapped = list(around)
        while names[tokens[place]] in _POWERS:
            wrapped.append(int(tokens[place]))
            power *= _POWERS[names[tokens[place]]]
            place += 1
        addends = []
        for start, stop in _chain(grammar, tokens, place, "+"):
            addends.append(_addend(grammar, tokens[start:stop], constants[slots[start] : slots[stop]]))
        found.append(_Factor(tuple(wrapped), power, tuple(addends)))
    return found


def _chain(grammar: Grammar, tokens: Tokens, place: int, name: str) -> list[tuple[int, int]]:
    """Return where the parts of a chain of an operation begin and end."""
    parts, waiting = [], [place]
    while waiting:
        start = waiting.pop()
        if grammar.names[tokens[start]] == name:
            waiting += [grammar.end(tokens, start + 1), start + 1]
        else:
            parts.append((start, grammar.end(tokens, start)))
    return parts


def _addend(
    grammar: Grammar, tokens: Tokens, constants: tuple[float, ...]
) -> tuple[float, tuple[int, ...], tuple[float, ...]]:
    """Return the coefficient of an addend, and what it stands before with its constants."""
    C, body = grammar.constant, tuple(map(int, tokens))
    if body == (C,):
        return constants[0], (), ()
    if body[:2] == (grammar.token("*"), C):
        return constants[0], body[2:], constants[1:]
    return 1.0, body, constants
