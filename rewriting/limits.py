"""Limits as small frozen objects: what they may hold, and what is said to a wrong one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


def check_limits(limits: Any) -> None:
    """Raise ValueError unless every field of a limits object is a number that is not negative, a whole one where its default is."""
    for field in fields(limits):
        value = getattr(limits, field.name)
        whole = isinstance(field.default, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not value >= 0:
            raise ValueError(
                f"the limit {field.name} is {value!r}, but it must be a {'whole ' if whole else ''}number that is not negative; "
                f"write {type(limits).__name__}({field.name}={field.default!r})"
            )


def refuse_other_limits(limits: Any, kind: type, function: str) -> None:
    """Raise TypeError unless ``limits`` is of the kind that a function takes."""
    if not isinstance(limits, kind):
        known = ", ".join(f"{field.name}={field.default!r}" for field in fields(kind)[:2])
        raise TypeError(
            f"{function} takes limits={kind.__name__}(...), but got {limits!r}; write limits={kind.__name__}({known})"
        )
