"""Values of terms at points, and whether floats can judge that two terms are the same there."""

from __future__ import annotations

import math
import random
from typing import Any

import symnum as sn
from symnum import term as interface

GRID = [-2.5, -1.0, -0.75, -0.3, 0.0, 0.4, 0.9, 1.0, 1.7, 3.2]
HUGE = 1e12


INFINITE = [math.inf, -math.inf, math.inf, -math.inf, 0.0, 1.0, -2.5, 0.5]


def points(symbols: list[Any], seed: int, infinite: bool = False) -> list[dict[Any, Any]]:
    """Give values within the declared assumptions, on the grid or random; with ``infinite`` they are infinite more often than not."""
    choice = random.Random(seed)
    found = []
    for _ in range(120):
        point: dict[Any, Any] = {}
        for s in symbols:
            given_by = {
                "boolean": lambda: choice.random() < 0.5,
                "integer": lambda: float(choice.randint(-4, 4)),
            }
            draw = given_by.get(
                interface.sort_of(s),
                lambda: choice.choice(GRID) if choice.random() < 0.7 else choice.uniform(-4, 4),
            )
            value = choice.choice(INFINITE) if infinite and interface.sort_of(s) == "real" else draw()
            known = interface.assumptions(s)
            if "positive" in known or "nonnegative" in known:
                value = abs(value) + ("positive" in known and value == 0)
            elif "negative" in known:
                value = -abs(value) - (value == 0)
            elif "nonzero" in known:
                value += value == 0
            point[s] = value
        found.append(point)
    return found


def scale_of(term: Any, point: dict[Any, Any]) -> float:
    """Return the largest size of a finite intermediate value: rounding is relative to it."""
    parts = [t for t in interface.postorder(term) if interface.sort_of(t) != "boolean"]
    sizes = [abs(float(v)) for v in sn.evaluate(parts, point)]
    return max([1.0, *(s for s in sizes if math.isfinite(s))])


def agree(left: Any, right: Any, point: dict[Any, Any]) -> bool | None:
    """Tell whether both terms have one value at a point, or None where the left one is undefined or lost to rounding."""
    a = sn.evaluate(left, point)
    if isinstance(a, bool):
        return bool(sn.evaluate(right, point)) is a
    a = float(a)
    scale = scale_of(left, point)
    if math.isnan(a) or scale > HUGE:
        return None
    b = float(sn.evaluate(right, point))
    return a == b or abs(a - b) <= 1e-9 * scale


COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


def is_moderate(term: Any, point: dict[Any, Any]) -> bool:
    """Tell whether the term is defined at a point and no intermediate value is so large that rounding decides.

    Below a comparison nan is a value like others: the comparison is false.
    """
    outside = {
        interface.key(t)
        for t in interface.postorder(
            term, prune=lambda t: interface.is_call(t) and interface.head(t) in COMPARISONS
        )
    }
    parts = list(interface.postorder(term))
    try:
        root, *values = sn.evaluate([term, *parts], point)
    except (ZeroDivisionError, OverflowError):
        return False
    return root == root and all(
        isinstance(v, bool) or abs(float(v)) < 1e6 or (v != v and interface.key(part) not in outside)
        for part, v in zip(parts, values)
    )


def same(term: Any, found: Any, point: dict[Any, Any]) -> bool:
    a = sn.evaluate(term, point)
    if isinstance(a, bool):
        return sn.evaluate(found, point) is a or is_close_call(term, point)
    b = sn.evaluate(found, point)
    if abs(float(a) - float(b)) <= 1e-7 * max(1.0, abs(float(a))):
        return True
    return is_close_call(term, point)


def is_close_call(term: Any, point: dict[Any, Any]) -> bool:
    """Tell whether floats cannot judge a term at a point: 30 digits give another value, or none."""
    try:
        exact = sn.evaluate(term, point, precision=30)
    except ArithmeticError:
        return True  # a comparison of equal irrational numbers is not decided at any precision
    rounded = sn.evaluate(term, point)
    if isinstance(rounded, bool):
        return exact is not rounded
    return exact.is_nan() or abs(float(exact) - float(rounded)) > 1e-9 * max(1.0, abs(float(rounded)))
