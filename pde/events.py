"""Events: where a function of time and state passes through zero in the course of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Event = Callable[[float, Any], float]


class Events:
    """Functions ``g(t, u)`` that are watched, and the times and states where they pass through zero.

    As SciPy's: the attribute ``direction`` of a function says whether it must rise (> 0) or fall (< 0) there, ``terminal`` that the run
    ends there: True, or the number of the zero with which it ends.

    Raises TypeError for what is no function, or does not return one real number.
    """

    def __init__(
        self, functions: Event | Sequence[Event] | None, t: float, y: Any, shape: tuple[int, ...]
    ) -> None:
        if functions is None:
            listed: list[Event] = []
        else:
            listed = [functions] if callable(functions) else list(functions)
        self.functions, self.shape = listed, shape
        self.directions, self.limits = [], []
        for function in listed:
            if not callable(function):
                raise TypeError(
                    f"events are functions g(t, u), but got {function!r}; write events=lambda t, u: u[0] - 1.0"
                )
            self.directions.append(float(getattr(function, "direction", 0.0)))
            self.limits.append(_limit(getattr(function, "terminal", False), function))
        self.t: list[list[float]] = [[] for _ in listed]
        self.y: list[list[Any]] = [[] for _ in listed]
        self._values = [self._value(g, t, y) for g in listed]

    def __bool__(self) -> bool:
        return bool(self.functions)

    def _value(self, function: Event, t: float, y: Any) -> float:
        try:
            found = np.asarray(function(t, y.reshape(self.shape)))
        except TypeError as problem:
            raise TypeError(
                f"event {_name(function)} cannot be called as g(t, u) with u of shape {self.shape}: {problem}"
            ) from problem
        if found.size != 1 or found.dtype.kind not in "biuf":
            raise TypeError(
                f"event {_name(function)} returned {found.dtype} of shape {found.shape}, but it must return one real number; "
                f"write for example u.max() - 1.0"
            )
        return float(found.reshape(()))

    def passed(
        self, t_old: float, t: float, y: Any, curve: Callable[[], Callable[[float], Any]]
    ) -> tuple[float, Any] | None:
        """Note the zeros in a step; return the time and state at which the run ends, or None.

        ``curve()`` gives a function that interpolates the states of the step, and is called where there is a zero.
        """
        from scipy.optimize import brentq

        values = [self._value(g, t, y) for g in self.functions]
        changed = [
            k
            for k, (old, new, direction) in enumerate(zip(self._values, values, self.directions))
            if ((old <= 0 <= new and direction >= 0) or (old >= 0 >= new and direction <= 0))
            and old != new
            and old != 0.0
        ]
        self._values = values
        if not changed:
            return None
        between = curve()
        found: list[tuple[float, int]] = []
        for k in changed:
            g = self.functions[k]
            root = (
                t
                if values[k] == 0.0
                else float(
                    brentq(
                        lambda s, g=g: self._value(g, s, between(s)),
                        t_old,
                        t,
                        xtol=4e-16 * max(abs(t), abs(t_old), 1e-300),
                        rtol=1e-14,
                    )
                )
            )
            found.append((root, k))
        for root, k in sorted(found, key=lambda each: abs(each[0] - t_old)):
            state = np.array(y if root == t else between(root))
            self.t[k].append(root)
            self.y[k].append(state)
            if self.limits[k] and len(self.t[k]) >= self.limits[k]:
                return root, state
        return None

    def arrays(self) -> tuple[list[Any], list[Any]]:
        """Return the times and the states of each function: (zeros,) and (zeros, *shape)."""
        return [np.array(t) for t in self.t], [np.array(y).reshape(len(y), *self.shape) for y in self.y]

    def state(self) -> dict[str, Any]:
        """Return what was found so far as arrays."""
        found: dict[str, Any] = {"values": np.array(self._values, float)}
        for k, (t, y) in enumerate(zip(self.t, self.y)):
            found |= {f"{k}/t": np.array(t, float), f"{k}/y": np.array(y, float).reshape(len(y), -1)}
        return found

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self._values = arrays["values"].tolist()
        self.t = [arrays[f"{k}/t"].tolist() for k in range(len(self.functions))]
        self.y = [list(arrays[f"{k}/y"]) for k in range(len(self.functions))]


def _limit(terminal: Any, function: Event) -> int:
    if not isinstance(terminal, bool | int | np.bool_ | np.integer) or terminal < 0:
        raise TypeError(
            f"event {_name(function)} has terminal = {terminal!r}; set it to True, or to the number of the zero to stop at"
        )
    return int(terminal)


def _name(function: Event) -> str:
    return getattr(function, "__name__", repr(function))
