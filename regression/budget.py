"""What a search may spend."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """Count evaluations and watch the clock; None means no limit.

    ``watch`` is called, without arguments, whenever evaluations are spent, here or in a share.

    >>> whole = Budget(evaluations=100)
    >>> half = whole.share(0.5)
    >>> half.spend(50)
    >>> half.spent, whole.spent, whole.used
    (True, False, 50)
    """

    def __init__(
        self,
        evaluations: int | None = None,
        seconds: float | None = None,
        watch: Callable[[], None] | None = None,
        whole: Budget | None = None,
    ) -> None:
        self.evaluations = evaluations
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.seconds = seconds
        self.watch = watch
        self.whole = whole
        self.used = 0

    def spend(self, count: int) -> None:
        """Note that ``count`` expressions were evaluated; what this is a share of is charged too."""
        each: Budget | None = self
        while each is not None:
            each.used += count
            if each.watch is not None:
                each.watch()
            each = each.whole

    @property
    def spent(self) -> bool:
        """Tell whether a limit is reached, here or in what this is a share of."""
        return (
            (self.evaluations is not None and self.used >= self.evaluations)
            or (self.deadline is not None and time.monotonic() >= self.deadline)
            or (self.whole is not None and self.whole.spent)
        )

    @property
    def seconds_left(self) -> float | None:
        """Return the seconds until the deadline, at least 0, or None without one."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def share(self, part: float) -> Budget:
        """Return the budget of a part of the work, which begins now; what it spends is charged to this one."""
        # at least one evaluation, so that whoever goes on while something is left comes to an end
        evaluations = None if self.evaluations is None else max(int(part * self.evaluations), 1)
        return Budget(evaluations, None if self.seconds is None else part * self.seconds, whole=self)
