"""The times and states that a run keeps: every step, or the times that are wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

MOST_BYTES = 4 << 30
"""Every step is kept up to so many bytes."""


class Kept:
    """Times (n,) and states (n, size) in arrays that grow; kernels write into them.

    ``wanted`` are the times to keep, in the order in which they are reached, or None for every step.
    """

    def __init__(self, size: int, wanted: Any = None, dtype: Any = np.float64) -> None:
        self.size, self.wanted, self.count = size, wanted, 0
        places = 16 if wanted is None else len(wanted)
        self._t, self._y = np.empty(places), np.empty((places, size), dtype)
        if wanted is not None:
            self._t[:] = wanted

    @property
    def t(self) -> Any:
        """Return the times that are kept."""
        return self._t[: self.count]

    @property
    def y(self) -> Any:
        """Return the states that are kept."""
        return self._y[: self.count]

    @property
    def next(self) -> float | None:
        """Return the next time that is wanted, or None where there is none."""
        return (
            None if self.wanted is None or self.count == len(self.wanted) else float(self.wanted[self.count])
        )

    def until(self, t: float, direction: float) -> Any:
        """Return the wanted times that are reached at ``t`` and not kept yet."""
        if self.wanted is None:
            return np.zeros(0)
        rest = self.wanted[self.count :]
        return rest[: int(np.count_nonzero((rest - t) * direction <= 0))]

    def add(self, t: float, y: Any) -> None:
        """Keep a time and a state."""
        times, rows = self.room(1)
        times[0], rows[0] = t, y
        self.count += 1

    def room(self, places: int) -> tuple[Any, Any]:
        """Return the next places of times and states; whoever fills them adds to ``count``.

        Raises MemoryError where the states of all steps would take more than ``MOST_BYTES``.
        """
        needed = self.count + places
        if needed > len(self._t):
            longer = max(needed, 2 * len(self._t))
            if needed * self.size * self._y.itemsize > MOST_BYTES:
                raise MemoryError(
                    f"{needed:,} steps of {self.size:,} numbers take {needed * self.size * self._y.itemsize / 2**30:.1f} GiB; "
                    f"keep fewer with t_eval=[...]"
                )
            old, self._t, self._y = (
                (self.t, self.y),
                np.empty(longer),
                np.empty((longer, self.size), self._y.dtype),
            )
            self._t[: self.count], self._y[: self.count] = old
        return self._t[self.count : needed], self._y[self.count : needed]

    def cut(self, t: float, y: Any, direction: float) -> None:
        """End at ``t`` before what was kept last: drop later times, and keep this one where every step is kept."""
        self.count = int(
            np.count_nonzero(
                (self.t - t) * direction < 0 if self.wanted is None else (self.t - t) * direction <= 0
            )
        )
        if self.wanted is None:
            self.add(t, y)
