"""Run slices of restarts one after the other in this process, or side by side by joblib, also on a cluster.

Results come in the order of the restarts, up to the first that has ended the search: what comes after it depends on how many run side by
side, and is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import joblib

from symnum.regression.archive import Archive
from symnum.regression.restart import Allowance, Prepared, Restart, run_slice

ENDING = ("exact", "target loss")
"""Ends of a restart that end the search."""

ATTEMPTS = 3
"""How often a round is run when processes die in it."""


class WorkersLost(RuntimeError):
    """Processes died in each of several attempts at the same round."""


class Crew:
    """Run rounds of slices with ``n_jobs`` processes, as joblib understands it."""

    def __init__(self, n_jobs: int | None, pressed: Callable[[], bool] = lambda: False) -> None:
        self.n_jobs = n_jobs
        self.pressed = pressed
        self.size = joblib.effective_n_jobs(n_jobs)

    def round(
        self,
        prepared: Prepared,
        restarts: Sequence[Restart],
        allowances: Sequence[Allowance],
        observe: Callable[[Archive, str, int], None],
    ) -> Iterator[Restart]:
        """Yield each restart after its slice, up to the first that ends the search.

        ``observe`` is called only for slices in this process.  Raises WorkersLost, and KeyboardInterrupt where ``pressed`` tells why.
        """
        alone = self.size == 1 or len(restarts) == 1
        if alone:
            results: Iterator[Restart] = (
                run_slice(prepared, each, allowance, observe)
                for each, allowance in zip(restarts, allowances, strict=True)
            )
        else:
            results = iter(self._together(prepared, restarts, allowances))
        for result in results:
            yield result
            if result.ended in ENDING or (alone and result.ended == "interrupted"):
                return

    def _together(
        self, prepared: Prepared, restarts: Sequence[Restart], allowances: Sequence[Allowance]
    ) -> list[Restart]:
        for _ in range(ATTEMPTS):
            try:
                work: list[Any] = [
                    joblib.delayed(run_slice)(prepared, each, allowance)
                    for each, allowance in zip(restarts, allowances, strict=True)
                ]
                return list(joblib.Parallel(n_jobs=self.n_jobs)(work))
            except BrokenProcessPool as broken:
                if (
                    self.pressed()
                ):  # Ctrl-C reaches all processes of a terminal, also those that are just starting
                    raise KeyboardInterrupt from broken
                warnings.warn(
                    f"a process of the search died ({broken}); its last slice is run again, nothing else is lost",
                    UserWarning,
                    stacklevel=2,
                )
        raise WorkersLost(f"processes of the search died in {ATTEMPTS} attempts in a row")
