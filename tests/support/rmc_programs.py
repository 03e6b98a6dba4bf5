"""Random programs of the relational machine calculus."""

from __future__ import annotations

from random import Random
from typing import Any

from symnum.rewriting.machines import rmc


def random_value(choice: Random, names: list[str], depth: int = 1, constants: str = "bc") -> Any:
    """Return an unknown among ``names``, a constant, or a call of f."""
    kind = choice.random()
    if names and kind < 0.5:
        return rmc.unknown(choice.choice(names))
    if kind < 0.85 or depth == 0:
        return rmc.constant(choice.choice(constants))
    return rmc.function(
        "f",
        random_value(choice, names, depth - 1, constants),
        random_value(choice, names, depth - 1, constants),
    )


def random_program(
    choice: Random, size: int, *, stars: bool = False, depth: int = 1, names: list[str] | None = None
) -> Any:
    """Return a program of about ``size`` steps at two locations, closed unless names of free unknowns are given."""
    known = names or []
    if size <= 1:
        kind = choice.random()
        location = choice.choice(["λ", "a"])
        if kind < 0.45:
            return rmc.push(random_value(choice, known, depth), location)
        if kind < 0.9:
            return rmc.pop(random_value(choice, known, depth), location)
        return rmc.skip if kind < 0.97 else rmc.zero
    kind = choice.random()
    if kind < 0.25:
        name = f"x{len(known)}"
        body = random_program(choice, size - 1, stars=stars, depth=depth, names=[*known, name])
        return rmc.new(name, body)
    if stars and kind < 0.35:
        return rmc.star(random_program(choice, size - 1, stars=stars, depth=depth, names=known))
    left = choice.randrange(1, size)
    parts = [
        random_program(choice, part, stars=stars, depth=depth, names=known) for part in (left, size - left)
    ]
    return rmc.seq(*parts) if kind < 0.8 else rmc.plus(*parts)
