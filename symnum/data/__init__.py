"""Small tables of real measurements for examples and tests.

>>> from symnum.data import load_planets
>>> planets = load_planets()
>>> planets.names[2], planets.semi_major_axis.shape
('Earth', (8,))
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Planets(NamedTuple):
    """Hold the planets' names, semi-major axes in astronomical units and sidereal periods in Julian years."""

    names: tuple[str, ...]
    semi_major_axis: NDArray[np.float64]
    period: NDArray[np.float64]


def load_planets() -> Planets:
    """Return the orbits of the eight planets as published by NASA's Jet Propulsion Laboratory (Solar System Dynamics).

    Semi-major axes are those of "Approximate Positions of the Planets", table 1 (J2000); periods are the sidereal orbit periods of
    "Planetary Physical Parameters".  They are independent publications: no period was computed from Kepler's law, and the
    planets' masses and mutual perturbations show as deviations of up to 6e-4 from it.

    >>> float(load_planets().period[0])
    0.2408467
    """
    import numpy as np

    text = (files("symnum.data") / "planets.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    return Planets(
        tuple(row["planet"] for row in rows),
        np.array([float(row["semi_major_axis"]) for row in rows]),
        np.array([float(row["period"]) for row in rows]),
    )
