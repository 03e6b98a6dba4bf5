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
    names, (axis, period) = _columns("planets.csv", "planet", "semi_major_axis", "period")
    return Planets(names, axis, period)


class Nebulae(NamedTuple):
    """Hold the names of nebulae, their distances in 10^6 parsecs and their velocities away from us in km/s."""

    names: tuple[str, ...]
    distance: NDArray[np.float64]
    velocity: NDArray[np.float64]


def load_nebulae() -> Nebulae:
    """Return the 24 nebulae by which Hubble found in 1929 that velocities grow with distances: law and much noise.

    Proceedings of the National Academy of Sciences 15, 168-173, table 1.  His distances were too small by a factor of about seven.

    >>> nebulae = load_nebulae()
    >>> len(nebulae.names), float(nebulae.velocity.max())
    (24, 1090.0)
    """
    names, (distance, velocity) = _columns("nebulae.csv", "nebula", "distance", "velocity")
    return Nebulae(names, distance, velocity)


def _columns(file: str, label: str, *numbers: str) -> tuple[tuple[str, ...], list[NDArray[np.float64]]]:
    """Return a column of text and columns of numbers of a table that ships with symnum."""
    import numpy as np

    text = (files("symnum.data") / file).read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    return tuple(row[label] for row in rows), [np.array([float(row[n]) for row in rows]) for n in numbers]
