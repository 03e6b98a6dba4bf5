"""Choose one formula of a front.

``"bits"`` takes the shortest description of the data, ``"accuracy"`` the least loss, ``"score"`` the steepest fall of the logarithm of the
loss for each unit of complexity among those whose loss is at most 1.5 times the least (as PySR's "best" does, Cranmer 2023).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from symnum.regression.pareto import Equation

TOLERATED = 1.5
"""How many times the least loss a formula may have to be chosen by its score."""


def _bits(equations: Sequence[Equation]) -> int:
    return min(range(len(equations)), key=lambda k: (-equations[k].score, equations[k].complexity))


def _accuracy(equations: Sequence[Equation]) -> int:
    return min(range(len(equations)), key=lambda k: (equations[k].loss, equations[k].complexity))


def _score(equations: Sequence[Equation]) -> int:
    least = min(each.loss for each in equations)

    def fall(k: int) -> float:
        if k == 0:
            return 0.0
        before, after = equations[k - 1], equations[k]
        tiny = 1e-300  # a loss of 0 has no logarithm
        return math.log(max(before.loss, tiny) / max(after.loss, tiny)) / (
            after.complexity - before.complexity
        )

    near = [k for k in range(len(equations)) if equations[k].loss <= TOLERATED * least]
    return max(near, key=lambda k: (fall(k), -equations[k].complexity))


SELECTIONS: dict[str, Callable[[Sequence[Equation]], int]] = {
    "bits": _bits,
    "accuracy": _accuracy,
    "score": _score,
}


def choose(model_selection: str | Callable[[Sequence[Equation]], Any], equations: Sequence[Equation]) -> int:
    """Return the place of the chosen formula; raises ValueError where a function returns no place in the list.

    >>> front = [Equation(1, 1.0, 0.0, None), Equation(3, 1e-6, 90.0, None), Equation(9, 0.9e-6, 40.0, None)]
    >>> [choose(how, front) for how in ("bits", "accuracy", "score", lambda front: 0)]
    [1, 2, 1, 0]
    """
    if not callable(model_selection):
        return SELECTIONS[model_selection](equations)
    place = model_selection(list(equations))
    try:
        chosen = range(len(equations))[place]
    except (TypeError, IndexError) as problem:
        raise ValueError(
            f"model_selection returned {place!r} for a front of {len(equations)} equations; "
            "return the place of one in the list, such as min(range(len(front)), key=lambda k: front[k].loss)"
        ) from problem
    if not isinstance(chosen, int):  # a slice gives a range
        raise ValueError(f"model_selection returned {place!r}; return one whole number")
    return chosen
