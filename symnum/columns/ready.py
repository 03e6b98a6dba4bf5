"""Whether the kernels have machine code: compiling them takes a minute once, which no small input should wait for."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
import time
from collections.abc import Callable

from symnum.columns.kernels import complete, is_complete

_log = logging.getLogger("symnum")
_lock = threading.Lock()
_ready = False

SMALL = 2_000
"""Terms of fewer nodes go the way of single terms as long as the kernels have no machine code."""


def are_ready() -> bool:
    """Tell whether the kernels have machine code, in this process or on disk."""
    return _ready or is_complete()


def serve(nodes: Callable[[], int]) -> bool:
    """Tell whether kernels serve terms of so many nodes: always once they are loaded, and for large terms, which wait for them."""
    if "symnum.columns.store" in sys.modules:
        return True
    if nodes() < SMALL:
        return False
    prepare()
    return True


def prepare() -> float:
    """Load the kernels; compile them unless that was done before, say so while it lasts, and return the seconds it took."""
    global _ready
    with _lock:
        if are_ready():
            importlib.import_module("symnum.columns.store")
            return 0.0
        _log.warning(
            "compiling the kernels for terms in columns; this takes about a minute, once, and is kept on disk"
        )
        begin = time.perf_counter()
        _run_all()
        seconds = time.perf_counter() - begin
        _log.warning("the kernels for terms in columns are compiled (%.0f s)", seconds)
        _ready = True
        complete()
        return seconds


def _run_all() -> None:
    """Call every kernel once, with the types that all later calls have."""
    import numpy as np

    from symnum.columns.bulk import products, sums
    from symnum.columns.derivative import gradient, hessian, jacobian
    from symnum.columns.expansion import expand, is_polynomial
    from symnum.columns.factoring import factored
    from symnum.columns.lowering import lower
    from symnum.columns.patterns import jacobian_pattern
    from symnum.columns.sieve import Needs, kinds_of, sieved
    from symnum.columns.store import Store, reachable
    from symnum.columns.substitution import substitute
    from symnum.text.parser import parse

    store = Store()
    x, y = store.symbol("x"), store.symbol("y")
    (root,) = store.add([parse("sin(x*y) + x*y + x^2*y")])
    jacobian(store, [root], [x, y])
    gradient(store, root, [x, y])
    hessian(store, root, [x, y])
    jacobian_pattern(store, [root], [x, y])
    lower(store, factored(store, [root]), [x, y])
    substitute(store, [root], {x: y})
    (power,) = store.add([parse("(x + y)^2")])
    assert is_polynomial(store, power)
    expand(store, power)
    sums(store, [0, 2], products(store, [0, 2, 3], [x, y, x]), [1, 1])
    masks = np.zeros((0, 1), np.uint64)
    rows = reachable(store.table, np.array([root], np.int64))
    kinds, own, of_factor = kinds_of(store.table, rows, 64)
    needs = Needs(masks, masks, masks, masks, masks, np.zeros(1, np.int64))
    sieved(store.table, rows[-1:], rows, own, of_factor, np.zeros((len(kinds), 1), np.uint64), needs)
    (root,) = store.compact([root])
    store.reserve(len(store), len(store))
    store.terms([root])
