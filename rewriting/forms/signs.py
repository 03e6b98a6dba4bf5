"""Signs in products of sums: -(x + y)/(x*y - 1) is (x + y)/(1 - x*y), each sum turned where that makes it cheaper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symnum.rewriting.views import SUM_HEADS, head_of, product_of, product_view, sum_of, sum_view


def sign_forms(term: Any) -> Iterator[tuple[str, Any]]:
    """Yield a product with the sums that have more negative than positive addends turned, and then with one more turned."""
    coefficient, factors = product_view(term)
    sums = [
        i for i, (base, e) in enumerate(factors) if type(e) is int and e % 2 and head_of(base) in SUM_HEADS
    ]
    if not sums or not isinstance(coefficient, int):
        return
    first = {i for i in sums if _surplus(factors[i][0]) > 0}
    choices = [first] if first else []
    if coefficient < 0 or first:
        choices += [first ^ {i} for i in sums]
    for chosen in choices:
        if chosen:
            sign = -1 if len(chosen) % 2 else 1
            turned = [(_minus(base) if i in chosen else base, e) for i, (base, e) in enumerate(factors)]
            yield "signs", product_of(term, coefficient * sign, turned)


def _surplus(total: Any) -> int:
    """Return how many more negative than positive addends a sum has."""
    constant, pairs = sum_view(total)
    values = [c for _, c in pairs] + ([constant] if constant != 0 else [])
    return sum(1 if v < 0 else -1 for v in values)


def _minus(total: Any) -> Any:
    constant, pairs = sum_view(total)
    return sum_of(total, -constant, [(t, -c) for t, c in pairs])
