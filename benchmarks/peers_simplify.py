"""What SymPy's simplify makes of the corpus, expression by expression."""

from __future__ import annotations

import signal
import time
from typing import Any


class _TooLong(Exception):
    pass


def _stop(*_: Any) -> None:
    raise _TooLong


def sympy_simplify(texts: list[str], most: float) -> list[tuple[float, str, list[int] | None]]:
    """Return (seconds, result, cost of the result as symnum counts) for each text; each gets ``most`` seconds.

    Symbols are real and keep their assumptions.  The cost is None where the result is no term of symnum.  The first expression is
    simplified twice, so that no start-up is timed, and SymPy's cache is emptied before each.
    """
    import sympy
    from sympy.core.cache import clear_cache
    from sympy.core.traversal import bottom_up

    import symnum as sn
    from symnum.rewriting import shared_cost

    signal.signal(signal.SIGALRM, _stop)
    # evaluated as SymPy's own constructors do it, which is not timed
    given = [
        bottom_up(sn.to_sympy(sn.parse(text)), lambda e: e.func(*e.args) if e.args else e) for text in texts
    ]
    sympy.simplify(given[0])
    found = []
    for expression in given:
        clear_cache()
        begin = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, most)
        try:
            result = sympy.simplify(expression)
        except _TooLong:
            found.append((most, f"not finished in {most:g} s", None))
            continue
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = time.perf_counter() - begin
        try:
            cost = list(shared_cost(sn.from_sympy(result)))
        except (TypeError, ValueError):
            cost = None
        found.append((seconds, str(result), cost))
    return found
