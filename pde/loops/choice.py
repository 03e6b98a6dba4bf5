"""Serial or parallel: decided by measuring both, and measured again when threads stop paying.

On an idle machine threads halve the time of a large grid; where another process holds a core, the same call waits a thousand times
longer for it than it computes.  So small programs never start threads, and a parallel program that becomes slower than it was on one
thread goes back to one.  Threads are tried again when so much has been computed that the last attempt is a small part of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try threads: seconds of computing.

    A call shorter than ``least`` is never shared.  Threads are tried when calls on one thread have taken ``before`` in all, since the
    code that shares them may be compiled then.  They are given up when ``slow`` calls in a row take longer than on one thread, until
    calls have taken ``again`` at first and ``longest`` at last, and ``times`` the time that the attempt has cost.  After ``good``
    calls that were not slow, the next pause is short again.
    """

    least: float = 12e-6
    before: float = 0.1
    rounds: int = 5
    slow: int = 2
    good: int = 200
    again: float = 0.25
    longest: float = 60.0
    times: float = 30.0


@dataclass
class Choice:
    """Decide for each call of one function whether it runs on ``threads`` threads; may be asked by several threads.

    ``begin`` gives the number of threads for the next call, and ``end`` takes the seconds that it took.
    """

    threads: int
    patience: Patience = field(default_factory=Patience)
    parallel: bool = False
    """Whether calls are shared among threads at present."""

    serial_time: float = float("inf")
    parallel_time: float = float("inf")
    settled: bool = False
    """Whether it will stay on one thread, so that calls need not be timed."""

    def __post_init__(self) -> None:
        self._process = os.getpid()
        self._calls, self._trial, self._shared = 0, 0, 0
        self._wait, self._pause = self.patience.before, self.patience.again
        self._slow, self._good, self._cost = 0, 0, 0.0
        self.settled = self.threads < 2

    def begin(self) -> int:
        """Return the number of threads for a call."""
        if not (self.parallel or self._trial % 2):
            return 1
        if os.getpid() != self._process:
            # a forked process has no threads to share with, and OpenMP ends it when it tries
            self.parallel, self.settled, self._trial = False, True, 0
            return 1
        return self.threads

    def end(self, threads: int, seconds: float) -> None:
        """Take the time of a call on so many threads."""
        # not locked: callers in several threads may lose a count, which changes nothing
        if threads > 1:
            self._end_parallel(seconds)
        else:
            self._end_serial(seconds)

    def _end_serial(self, seconds: float) -> None:
        if seconds < self.serial_time:
            self.serial_time = seconds
        if self._calls:  # the first call may have waited for a compiler
            self._wait -= seconds
        self._calls += 1
        if self._trial:
            self._advance()
        elif self._wait <= 0.0:
            self._trial, self._cost, self.parallel_time = 1, 0.0, float("inf")
        elif self._calls >= 20 and self.serial_time < self.patience.least:
            self.settled = True

    def _end_parallel(self, seconds: float) -> None:
        self._shared += 1
        if self._shared == 1:  # threads were started, and code was compiled or loaded
            return
        self.parallel_time = min(self.parallel_time, seconds)
        late = seconds > self.serial_time
        if late:
            self._cost += seconds - self.serial_time
        if self._trial:
            if seconds > 3 * self.serial_time:
                self._give_up()  # the threads wait for a busy processor
            else:
                self._advance()
        elif late:
            self._slow += 1
            if self._slow >= self.patience.slow:
                self._give_up()
        else:
            self._slow, self._cost, self._good = 0, 0.0, self._good + 1
            if self._good == self.patience.good:
                self._pause = self.patience.again

    def _advance(self) -> None:
        """Go on with a trial, in which odd calls are parallel."""
        self._trial += 1
        if self._trial <= 2 * self.patience.rounds:
            return
        if self.parallel_time < 0.9 * self.serial_time:
            self.parallel, self._trial, self._slow, self._good = True, 0, 0, 0
        else:
            self._give_up()

    def _give_up(self) -> None:
        self.parallel, self._trial = False, 0
        self._wait = max(self._pause, self.patience.times * self._cost)
        self._pause = min(2 * self._pause, self.patience.longest)

    @property
    def why(self) -> str:
        """Say what runs and what was measured."""
        if self.threads < 2:
            return "on one thread: numba has no more"
        serial = f"{self.serial_time * 1e6:.3g} us on one thread"
        if self.settled:
            reason = (
                "too short to share"
                if self._shared == 0
                else "this process was forked from one that uses threads"
            )
            return f"on one thread: {reason}, {serial}"
        if self.parallel_time == float("inf"):
            return "on one thread: threads were not tried yet"
        shared = f"{self.parallel_time * 1e6:.3g} us on {self.threads}"
        if self.parallel:
            return f"on {self.threads} threads: {shared}, {serial}"
        return f"on one thread: {serial}, {shared} or slower when others use the processor"
