"""Variants: the plain patterns that a pattern with default slots stands for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from symnum import term as interface
from symnum.fold import fold
from symnum.operators import OPERATORS
from symnum.rewriting.canonical import normal_form
from symnum.rewriting.slots import applied, declaration, parts, rebuilt
from symnum.rewriting.template import in_view_order
from symnum.rewriting.views import PRODUCT_HEADS, SUM_HEADS, head_of, is_value, product_view, sum_view

MAX_DEFAULTS = 6
"""Most default slots of one pattern: each doubles the number of plain patterns that it stands for."""


def variants(root: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Return the terms that a pattern stands for when its default slots are left out or not, each with what is fixed.

    Raises ValueError for a default slot in a place that has no default, and for too many of them.
    """
    defaults = _defaults(root)
    if len(defaults) > MAX_DEFAULTS:
        raise ValueError(
            f"the pattern {root!s} has {len(defaults)} default slots, more than the {MAX_DEFAULTS} allowed; write several rules"
        )
    found = []
    for chosen in itertools.product((False, True), repeat=len(defaults)):
        fixed = {name: value for (name, value), take in zip(defaults.items(), chosen) if take}
        found.append((with_values(root, fixed), fixed))
    return found


def _defaults(root: Any) -> dict[str, Any]:
    """Return {name: what leaves the rest as it is} of the default slots."""
    found: dict[str, set[Any]] = {}

    def note(slot: Any, value: Any) -> None:
        if interface.is_symbol(slot) and applied(slot) is None and declaration(slot).default:
            values = found.setdefault(declaration(slot).name, set())
            if value is not None:
                values.add(value)

    note(root, None)
    for node in in_view_order(root):
        head = head_of(node)
        if head in SUM_HEADS:
            for addend, _ in sum_view(node)[1]:
                note(addend, 0)
        elif head in PRODUCT_HEADS:
            for base, exponent in product_view(node)[1]:
                note(base, 1)
                if not is_value(exponent):
                    note(exponent, 1)
        else:
            row = OPERATORS.get(head)
            for part in parts(node):
                note(part, None if row is None else row.unit)
    for name, values in sorted(found.items()):
        if len(values) != 1:
            problem = "several defaults" if values else "no default"
            raise ValueError(
                f"the slot {name!r} has {problem} in {root!s}: as a factor or exponent it is 1, as an addend 0, in and, or "
                f"true, false; write several rules"
            )
    return {name: values.pop() for name, values in sorted(found.items())}


def with_values(root: Any, fixed: Mapping[str, Any]) -> Any:
    """Return a pattern with slots replaced by numbers."""
    if not fixed:
        return root

    def visit(node: Any, new: list[Any]) -> Any:
        if interface.is_symbol(node) and applied(node) is None:
            name = declaration(node).name
            return interface.make_number(node, fixed[name]) if name in fixed else node
        return rebuilt(node, new) if new else node

    return normal_form(fold(root, visit, parts=parts))
