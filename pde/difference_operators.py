"""Difference operators by their stencils, and which of them a stencil is a combination of.

An operator is a row: the derivative that it approximates, the name of the scheme, and its weights for the grid's spacings.

Sources: Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51, 1988, table 1 (along axes);
Abramowitz, Stegun, 25.3.30-33 (Laplacian of 9 points, biharmonic of 13, mixed derivative).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

Offset = tuple[int, ...]
Stencil = Mapping[Offset, float]

AXES = ("x", "y", "z")

_MANY = 14
"""Of more operators than this at most three are combined: there would be too many choices."""

_ALONG: tuple[tuple[int, str, str, dict[int, float]], ...] = (
    (1, "", "central", {-1: -1 / 2, 1: 1 / 2}),
    (2, "", "central", {-1: 1.0, 0: -2.0, 1: 1.0}),
    (1, "⁺", "forward", {0: -1.0, 1: 1.0}),
    (1, "⁻", "backward", {-1: -1.0, 0: 1.0}),
    (1, "", "central, 4th order", {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}),
    (2, "", "central, 4th order", {-2: -1 / 12, -1: 4 / 3, 0: -5 / 2, 1: 4 / 3, 2: -1 / 12}),
    (1, "⁺", "forward, 2nd order", {0: -3 / 2, 1: 2.0, 2: -1 / 2}),
    (1, "⁻", "backward, 2nd order", {-2: 1 / 2, -1: -2.0, 0: 3 / 2}),
    (3, "", "central", {-2: -1 / 2, -1: 1.0, 1: -1.0, 2: 1 / 2}),
    (4, "", "central", {-2: 1.0, -1: -4.0, 0: 6.0, 1: -4.0, 2: 1.0}),
    (1, "", "central, 2 cells", {-2: -1 / 4, 2: 1 / 4}),
    (2, "", "central, 2 cells", {-2: 1 / 4, 0: -1 / 2, 2: 1 / 4}),
)
"""Along one axis, for spacing 1: order, mark, scheme, weights; the earlier is preferred."""


@dataclass(frozen=True)
class Operator:
    """A difference operator: the derivative of ``order`` along the axes ``letters``, or, without letters, a power of the Laplacian.

    Without letters and of order 1 it is the gradient, or, with the mark "·", the divergence.
    """

    letters: str
    order: int
    mark: str
    scheme: str
    weights: Stencil

    @property
    def name(self) -> str:
        """Return how it is written before formulas."""
        if self.letters:
            return f"∂{self.letters}{self.mark}"
        return {1: f"∇{self.mark}", 2: "Δ", 4: "Δ²"}[self.order]

    def text(self, inner: str, is_field: bool) -> str:
        """Return what it makes of a field or of a formula.

        >>> operators([1.0])[1].text("u", True), operators([1.0])[1].text("u^2", False)
        ('u_xx', '∂xx(u^2)')
        """
        if not is_field:
            return f"{self.name}({inner})"
        return f"{inner}_{self.letters}{self.mark}" if self.letters else f"{self.name}{inner}"

    def latex(self, inner: str, is_field: bool) -> str:
        """Return :meth:`text` as LaTeX."""
        sign = {"⁺": "^{+}", "⁻": "^{-}", "·": r" \cdot", "": ""}[self.mark]
        if self.letters and is_field:
            return f"{{{inner}}}_{{{self.letters}}}{sign}"
        whole = {1: rf"\nabla{sign}", 2: r"\Delta", 4: r"\Delta^{2}"}
        operator = rf"\partial_{{{self.letters}}}{sign}" if self.letters else whole[self.order]
        return f"{operator} {inner}" if is_field else rf"{operator} \left({inner}\right)"


def operators(spacing: Sequence[float]) -> list[Operator]:
    """Return the operators on a grid of these spacings, the preferred first.

    >>> [row.name for row in operators([1.0])][:3]
    ['∂x', '∂xx', '∂x⁺']
    """
    dimension = len(spacing)
    found = _isotropic(spacing) if dimension > 1 else []
    for order, mark, scheme, weights in _ALONG:
        for axis in range(dimension):
            found.append(_along(axis, order, mark, scheme, weights, spacing))
    for first, second in combinations(range(dimension), 2):
        scale = 4 * spacing[first] * spacing[second]
        mixed = {_at(dimension, {first: i, second: j}): i * j / scale for i in (-1, 1) for j in (-1, 1)}
        found.append(Operator(AXES[first] + AXES[second], 2, "", "central", mixed))
    return found


def _along(
    axis: int, order: int, mark: str, scheme: str, weights: Mapping[int, float], spacing: Sequence[float]
) -> Operator:
    scaled = {_at(len(spacing), {axis: k}): w / spacing[axis] ** order for k, w in weights.items()}
    return Operator(AXES[axis] * order, order, mark, scheme, scaled)


def _isotropic(spacing: Sequence[float]) -> list[Operator]:
    """Return the Laplacian, its 9-point form in the plane, and its square."""
    dimension = len(spacing)
    second = [
        {_at(dimension, {axis: k}): w / h**2 for k, w in ((-1, 1.0), (0, -2.0), (1, 1.0))}
        for axis, h in enumerate(spacing)
    ]
    laplacian = _added(*second)
    found = [Operator("", 2, "", f"{len(laplacian)} points", laplacian)]
    if dimension == 2 and spacing[0] == spacing[1]:
        nine: dict[Offset, float] = {
            (i, j): (4.0 if i == 0 or j == 0 else 1.0) / (6 * spacing[0] ** 2)
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        }
        nine[0, 0] = -20 / (6 * spacing[0] ** 2)
        found.append(Operator("", 2, "", "9 points", nine))
        corners: dict[Offset, float] = {(i, j): 1 / (2 * spacing[0] ** 2) for i in (-1, 1) for j in (-1, 1)}
        found.append(Operator("", 2, "", "corners", {**corners, (0, 0): -2 / spacing[0] ** 2}))
    squared = _convolved(laplacian, laplacian)
    found.append(Operator("", 4, "", f"{len(squared)} points", squared))
    return found


def _at(dimension: int, places: Mapping[int, int]) -> Offset:
    return tuple(places.get(axis, 0) for axis in range(dimension))


def _added(*stencils: Stencil) -> dict[Offset, float]:
    total: dict[Offset, float] = {}
    for stencil in stencils:
        for offset, weight in stencil.items():
            total[offset] = total.get(offset, 0.0) + weight
    return total


def _convolved(first: Stencil, second: Stencil) -> dict[Offset, float]:
    total: dict[Offset, float] = {}
    for a, v in first.items():
        for b, w in second.items():
            at = tuple(i + j for i, j in zip(a, b, strict=True))
            total[at] = total.get(at, 0.0) + v * w
    return {offset: weight for offset, weight in total.items() if weight != 0}


def combination(stencil: Stencil, rows: Sequence[Operator]) -> list[tuple[float, Operator]] | None:
    """Return the fewest operators whose sum, with a coefficient for each, is the stencil to rounding; None where there are none.

    >>> rows = operators([0.5])
    >>> [(c, row.name) for c, row in combination({(-1,): 5.0, (0,): -8.0, (1,): 3.0}, rows)]
    [(-1, '∂x'), (1, '∂xx')]
    """
    usable = [row for row in rows if set(row.weights) <= set(stencil)]
    offsets = list(stencil)
    wanted = np.array([stencil[offset] for offset in offsets])
    columns = [np.array([row.weights.get(offset, 0.0) for offset in offsets]) for row in usable]
    scale = float(np.abs(wanted).max(initial=0.0))
    most = 5 if len(usable) <= _MANY else 3
    for count in range(1, min(most, len(usable)) + 1):
        for chosen in combinations(range(len(usable)), count):
            if len({usable[k].name for k in chosen}) < count or _mixes([usable[k] for k in chosen]):
                continue
            matrix = np.stack([columns[k] for k in chosen], axis=1)
            if (~matrix.any(axis=1) & (np.abs(wanted) > 1e-9 * scale)).any():
                continue  # a weight that none of them has
            found, *_ = np.linalg.lstsq(matrix, wanted, rcond=None)
            if np.abs(matrix @ found - wanted).max() <= 1e-9 * scale:
                return [(tidy(float(c)), usable[k]) for c, k in zip(found, chosen, strict=True)]
    return None


def _mixes(rows: Sequence[Operator]) -> bool:
    """Tell whether a Laplacian is chosen with one of its own parts: 4*u_yy + u_xx reads better than 4*Δu - 3*u_xx."""
    return any(
        not one.letters and other.letters == other.letters[:1] * one.order
        for one in rows
        for other in rows
        if other.letters
    )


def tidy(number: float) -> Any:
    """Return a number without its rounding error: the whole number or the decimal of 12 digits that it is next to.

    >>> tidy(99.9999999999999), tidy(0.1 + 0.2)
    (100, 0.3)
    """
    short = float(f"{number:.12g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short
