"""Hypothesis strategies: random well-sorted terms of any backend.

Write ``from strategies import terms`` in a test.  A term is grown call by call from a pool, so that sub-terms are shared, every row of the
operator table is as likely as any other, and an example shrinks to few calls on ``x``.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from symnum import term as interface
from symnum.operators import OPERATORS, Operator
from symnum.symbols import backend_module, symbol

BUILT_IN = tuple(name for name in OPERATORS)
"""The operators at the time of import: tests that register more do not change what is drawn."""

SYMBOLS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("x", "real", ()),
    ("y", "real", ()),
    ("z1", "real", ()),
    ("p", "real", ("positive",)),
    ("n", "integer", ()),
    ("m", "integer", ("nonnegative",)),
    ("flag", "boolean", ()),
    ("other_flag", "boolean", ()),
)
"""Name, sort and assumptions of the symbols drawn."""

_LONGEST = 200


def numbers(floats: bool = True, special: bool = False) -> st.SearchStrategy[Any]:
    """Draw int, Fraction and float values; ``special`` adds -0.0, inf, nan, extreme floats and long integers."""
    kinds: list[st.SearchStrategy[Any]] = [
        st.integers(-6, 6),
        st.builds(Fraction, st.integers(-9, 9), st.integers(1, 9)),
    ]
    if floats:
        kinds.append(st.sampled_from([0.5, -1.5, 0.1, 2.0, 1e-7, -3e20, 0.3333333333333333]))
        kinds.append(st.floats(-10, 10, allow_nan=False))
    if special:
        kinds.append(
            st.sampled_from(
                [-0.0, 0.0, float("inf"), float("-inf"), float("nan"), 5e-324, 1.7976931348623157e308]
            )
        )
        kinds.append(st.integers(-(10**40), 10**40))
    return st.one_of(*kinds)


@st.composite
def terms(
    draw: st.DrawFn,
    backend: str = "interned",
    max_leaves: int = 12,
    operators: Iterable[str] | None = None,
    sort: str = "any",
    symbols: Iterable[str] | None = None,
    floats: bool = True,
    special: bool = False,
    plain: bool = False,
) -> Any:
    """Draw a term with at most about ``max_leaves`` calls.

    ``operators`` are names of rows (all by default), ``sort`` is "real" (integers included), "boolean" or "any", ``symbols``
    chooses names out of :data:`SYMBOLS`, ``plain`` leaves out all declared ones, ``floats=False`` keeps numbers exact, and
    ``special`` is that of :func:`numbers`.
    """
    module = backend_module(backend)
    allowed = [
        row
        for row in SYMBOLS
        if (symbols is None or row[0] in symbols) and not (plain and (row[1] != "real" or row[2]))
    ]
    leaves = [symbol(name, kind, backend, **dict.fromkeys(assumed, True)) for name, kind, assumed in allowed]
    real_leaves = [leaf for leaf in leaves if interface.sort_of(leaf) != "boolean"]
    truths = [leaf for leaf in leaves if interface.sort_of(leaf) == "boolean"] + [
        module.number(True),
        module.number(False),
    ]
    real = (
        st.one_of(st.sampled_from(real_leaves), numbers(floats, special).map(module.number))
        if real_leaves
        else numbers(floats, special).map(module.number)
    )
    fresh = {"real": real, "boolean": st.sampled_from(truths)}
    pool: dict[str, list[Any]] = {"real": [], "boolean": []}
    rows = [OPERATORS[name] for name in (BUILT_IN if operators is None else operators)]
    result = draw(fresh["boolean" if sort == "boolean" else "real"])
    for _ in range(draw(st.integers(0, max_leaves))):
        row = draw(st.sampled_from(rows))
        made = module.make(row.name, _arguments(draw, row, pool, fresh))
        if _is_long(made):
            continue
        kind = "boolean" if interface.sort_of(made) == "boolean" else "real"
        pool[kind].append(made)
        if sort in ("any", kind):
            result = made
    return result


def _arguments(
    draw: st.DrawFn, row: Operator, pool: dict[str, list[Any]], fresh: dict[str, st.SearchStrategy[Any]]
) -> list[Any]:
    low, high = row.arity
    count = draw(st.integers(max(low, 1), 4)) if high is None else high
    branch = draw(st.sampled_from(["real", "real", "boolean"])) if "any" in row.argument_sorts else ""
    arguments = []
    for i in range(count):
        kind = row.argument_sorts[min(i, len(row.argument_sorts) - 1)]
        kind = branch if kind == "any" else kind
        known = pool[kind]
        # The newest sub-terms are the most likely, so that terms grow deep and not only wide.
        arguments.append(
            draw(
                st.one_of(st.sampled_from(known[-3:]), fresh[kind], st.sampled_from(known))
                if known
                else fresh[kind]
            )
        )
    return arguments


def _is_long(term: Any) -> bool:
    """Tell whether a number is so long that towers of powers of it would take all the time of a test."""
    value = interface.value(term) if interface.is_number(term) else interface.factors(term)[0]
    return (
        isinstance(value, int | Fraction)
        and max(value.numerator.bit_length(), value.denominator.bit_length()) > _LONGEST
    )
