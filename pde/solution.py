"""What solving a system gives: times, states, observables, counts; as a table and as a picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TextIO


@dataclass(eq=False, repr=False)
class Solution:
    """A solved system: times ``t``: (n,), states ``u``: (n, *shape), and counts in ``stats``.

    ``names`` are those of the states, for tables and pictures; ``success`` and ``message`` say how the run ended;
    ``t_events`` and ``u_events`` have the times (zeros,) and states (zeros, *shape) of each event.
    """

    t: Any
    u: Any
    stats: dict[str, Any] = field(default_factory=dict)
    success: bool = True
    message: str = ""
    names: Sequence[str] = ()
    observe: Callable[[Any, Any], Mapping[str, Any]] | None = None
    t_events: list[Any] = field(default_factory=list)
    u_events: list[Any] = field(default_factory=list)

    @cached_property
    def observables(self) -> Mapping[str, Any]:
        """Return {name: values (n,)} of what is observed of the system."""
        return {} if self.observe is None else self.observe(self.t, self.u)

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return {name: values (n,)}: the observables and states of these names, or all observables, or, without any, all states.

        Raises ValueError for an unknown name.
        """
        flat = self.u.reshape(len(self.t), -1)
        places = {name: i for i, name in enumerate(self.names or [f"u{i}" for i in range(flat.shape[1])])}
        chosen = (list(self.observables) or list(places)) if names is None else names
        found = {}
        for name in chosen:
            if name in self.observables:
                found[name] = self.observables[name]
            elif name in places:
                found[name] = flat[:, places[name]]
            else:
                known = [*self.observables, *places]
                listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
                raise ValueError(f"there is no observable or state {name!r}; there are {listed}")
        return found

    def to_csv(self, path: str | os.PathLike[str] | TextIO, names: Sequence[str] | None = None) -> None:
        """Write a table with a first column t and one for each of ``columns(names)``; ``path`` may be an open text file."""
        columns = self.columns(names)
        if isinstance(path, str | os.PathLike):
            with open(path, "w", encoding="utf-8", newline="") as file:
                self.to_csv(file, names)
            return
        import csv

        rows = csv.writer(path, lineterminator="\n")
        rows.writerow(["t", *columns])
        for row in zip(self.t.tolist(), *(c.tolist() for c in columns.values())):
            rows.writerow([repr(x) for x in row])

    def plot(
        self,
        names: Sequence[str] | None = None,
        ax: Any = None,
        *,
        t: float | None = None,
        component: int | None = None,
    ) -> Any:
        """Draw the solution and return the matplotlib Axes.

        Small states, those with names, and ``columns(names)`` are lines over time.  A one-dimensional field is a heat map over x and
        t, or a line at the kept time that is nearest to ``t``; a two-dimensional one is a picture at ``t``, by default the last time.
        Of a state with several fields, along a short first or last axis, ``component`` says which.

        Raises ImportError without matplotlib, and ValueError for a component that there is not, or states that make no picture.
        """
        from symnum.pde.plots import plot

        return plot(self, names, ax, t, component)

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g} to {self.t[-1]:g}" if len(self.t) else "no times"
        ended = "" if self.success else f", ended early: {self.message}"
        return f"Solution({len(self.t)} times, {span}, states {self.u.shape[1:]}{ended})"
