"""What a search may spend."""

from __future__ import annotations

import time


class Budget:
    """Count evaluations and watch the clock; None means no limit."""

    def __init__(self, evaluations: int | None = None, seconds: float | None = None) -> None:
        self.evaluations = evaluations
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.seconds = seconds
        self.used = 0

    def spend(self, count: int) -> None:
        """Note that ``count`` expressions were evaluated."""
        self.used += count

    @property
    def spent(self) -> bool:
        """Tell whether a limit is reached."""
        return (self.evaluations is not None and self.used >= self.evaluations) or (
            self.deadline is not None and time.monotonic() >= self.deadline
        )

    def part(self, share: float) -> Budget:
        """Return the budget of a first part of the work, which is to be charged to this one afterwards."""
        evaluations = None if self.evaluations is None else int(share * self.evaluations)
        return Budget(evaluations, None if self.seconds is None else share * self.seconds)
