"""The front of complexity against loss, and the choice of one formula from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from symnum.regression.constants import Model


@dataclass(frozen=True)
class Equation:
    """Hold one formula of a front.

    ``loss`` is the weighted mean of the squared residuals (of the logarithms where errors are relative), ``score`` the bits by
    which the formula shortens the description of the data, compared with the best constant: the larger the better.
    """

    complexity: int
    loss: float
    score: float
    expression: Any

    def __str__(self) -> str:
        return f"{self.complexity:4d}  {self.loss:11.4e}  {self.score:9.1f}  {self.expression}"


def noise_model(models: Sequence[Model]) -> str:
    """Return the noise model under which the shortest description is shortest."""
    return min(models, key=lambda model: (model.bits, model.complexity, model.noise)).noise


def front(models: Iterable[Model], rounding: float = 0.0) -> list[Model]:
    """Return, by complexity, the models that no model as simple beats in loss; of equal complexity the shortest description counts.

    Losses below ``rounding`` are equal, and so are losses that differ by less than one part in a million.
    """
    simplest: dict[int, Model] = {}
    for model in models:
        other = simplest.get(model.complexity)
        if other is None or (model.bits, str(model.term)) < (other.bits, str(other.term)):
            simplest[model.complexity] = model
    found: list[Model] = []
    for complexity in sorted(simplest):
        if not found or simplest[complexity].loss < (1 - 1e-6) * found[-1].loss > rounding:
            found.append(simplest[complexity])
    return found


def choose(models: Sequence[Model]) -> int:
    """Return the place of the shortest description."""
    return min(range(len(models)), key=lambda k: (models[k].bits, models[k].complexity))
