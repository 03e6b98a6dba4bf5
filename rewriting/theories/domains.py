"""Where a rule holds whose sides differ at infinite values, such as those of 1/x at 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from symnum import term as interface
from symnum.rewriting.facts import Facts
from symnum.rewriting.sign_sets import ZERO


def defined(**slots: Any) -> bool:
    """Tell whether all slots certainly are finite numbers, where the symbols are real numbers."""
    facts = Facts()
    return all(facts.is_defined(t) for t in slots.values())


def nonzero(**slots: Any) -> bool:
    """Tell whether all slots certainly are finite numbers other than 0."""
    facts = Facts()
    return all(facts.is_defined(t) and not facts.signs(t) & ZERO for t in slots.values())


def defined_or_fixed(exponent: str) -> Callable[..., bool]:
    """Return the condition that all slots certainly are finite numbers, or that the one named is a number other than 0."""
    return partial(_defined_or_fixed, exponent)


def _defined_or_fixed(exponent: str, /, **slots: Any) -> bool:
    fixed = slots[exponent]
    return (interface.is_number(fixed) and 0 < abs(interface.value(fixed)) < math.inf) or defined(**slots)


FINITE: tuple[tuple[Callable[..., bool] | None, str], ...] = ((defined, "total"), (None, "generic"))
"""(condition, holds) of the two rules for a law that is total for finite values, and holds almost everywhere without that."""
