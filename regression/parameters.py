"""Check the parameters of a search, with errors that say what to write."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Mapping, Sequence
from typing import Any

from symnum.regression.constraints import Constraints
from symnum.regression.preparation import METHODS
from symnum.regression.restart import DEFAULT_STAGES, STAGES
from symnum.regression.selection import SELECTIONS


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ValueError for a parameter of :class:`~symnum.regression.SymbolicRegressor` that makes no sense, TypeError for a wrong kind.

    >>> check_parameters({"restarts": 0})
    Traceback (most recent call last):
    ...
    ValueError: restarts must be a whole number of at least 1, but is 0; write restarts=4
    """
    for name, check in _CHECKS.items():
        if name in parameters:
            check(name, parameters[name])
    if parameters.get("time_limit", 1) is None and parameters.get("max_evaluations", 1) is None:
        raise ValueError(
            "time_limit and max_evaluations are both None, so the search might never end; give one, such as time_limit=60"
        )


def sorted_methods(methods: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stages of a restart and the methods without chance among the given names; all for None.

    >>> sorted_methods(["evolution", "slots"])
    (('evolution',), ('slots',))
    """
    if methods is None:
        return DEFAULT_STAGES, METHODS
    return tuple(m for m in methods if m in STAGES), tuple(m for m in METHODS if m in methods)


def _constraints(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, Constraints):
        raise TypeError(
            f"{name} must be a Constraints or None, but is {value!r}; "
            "write constraints=Constraints(max_length=15) with symnum.regression.Constraints"
        )


def _methods(name: str, value: Any) -> None:
    known = [*METHODS, *STAGES]
    if value is None:
        return
    if isinstance(value, str) or any(not isinstance(each, str) or each not in known for each in value):
        wrong = value if isinstance(value, str) else next(each for each in value if each not in known)
        raise ValueError(
            f"{name} must be a sequence of names or None, but has {wrong!r}; the names are {', '.join(map(repr, known))}"
        )
    if not any(each in STAGES for each in value):
        raise ValueError(
            f"{name} is {value!r}, without a method of the random part, which goes on while there is time; "
            f"add one of {', '.join(map(repr, STAGES))}"
        )


def _operators(name: str, value: Any) -> None:
    if isinstance(value, str):
        raise ValueError(
            f"operators must be a sequence of names, but is the text {value!r}; write operators=('+', '*', 'sin')"
        )


def _time_limit(name: str, value: Any) -> None:
    if value is not None and not (_is_number(value) and value > 0):
        raise ValueError(f"{name} must be positive or None, but is {value!r}; write {name}=60")


def _max_evaluations(name: str, value: Any) -> None:
    if value is not None and not (_is_number(value) and value > 0):
        raise ValueError(f"{name} must be positive or None, but is {value!r}; write {name}=100000")


def _target_loss(name: str, value: Any) -> None:
    if value is not None and not (_is_number(value) and 0 <= value < math.inf):
        raise ValueError(f"{name} must be a loss of at least 0 or None, but is {value!r}; write {name}=1e-6")


def _restarts(name: str, value: Any) -> None:
    if not (_is_whole(value) and value >= 1):
        raise ValueError(f"{name} must be a whole number of at least 1, but is {value!r}; write {name}=4")


def _n_jobs(name: str, value: Any) -> None:
    if value is not None and not (_is_whole(value) and value != 0):
        raise ValueError(
            f"{name} must be a whole number other than 0 or None, but is {value!r}; write {name}=-1 for all processors"
        )


def _max_features(name: str, value: Any) -> None:
    if value is not None and not (_is_whole(value) and value >= 1):
        raise ValueError(
            f"{name} must be a whole number of at least 1 or None, but is {value!r}; write {name}=20"
        )


def _checkpoint(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a path or None, but is {value!r}; write {name}='search.npz'")


def _progress(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, bool) and not callable(value):
        raise TypeError(f"{name} must be True, False, None or a function, but is {value!r}")


def _model_selection(name: str, value: Any) -> None:
    if not callable(value) and value not in SELECTIONS:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, SELECTIONS))} or a function, but is {value!r}; write {name}='bits'"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


_CHECKS = {
    "operators": _operators,
    "time_limit": _time_limit,
    "max_evaluations": _max_evaluations,
    "target_loss": _target_loss,
    "constraints": _constraints,
    "methods": _methods,
    "restarts": _restarts,
    "n_jobs": _n_jobs,
    "max_features": _max_features,
    "checkpoint": _checkpoint,
    "progress": _progress,
    "model_selection": _model_selection,
}
