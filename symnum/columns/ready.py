"""Whether the kernels have machine code: compiling them takes a minute once, which no small input should wait for."""

from __future__ import annotations

import hashlib
import logging
import platform
import sys
import threading
import time
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from symnum.codegen.disk import cache_folder

_log = logging.getLogger("symnum")
_lock = threading.Lock()
_ready = False

SMALL = 2_000
"""Terms of fewer nodes go the way of single terms as long as the kernels have no machine code."""


@lru_cache(maxsize=1)
def _stamp() -> Path:
    """Return the file that says that numba has kept the machine code of these very kernels."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    digest.update(f"{sys.version}{version('numba')}{platform.machine()}{Path(__file__).parent}".encode())
    return cache_folder() / f"columns-{digest.hexdigest()[:32]}.ready"


def are_ready() -> bool:
    """Tell whether the kernels have machine code, in this process or on disk."""
    global _ready
    if not _ready:
        try:
            _ready = _stamp().exists()
        except (OSError, RuntimeError):  # no home folder: nothing is kept, and each process says so
            return False
    return _ready


def prepare() -> float:
    """Compile the kernels unless that was done before, say so while it lasts, and return the seconds it took."""
    global _ready
    with _lock:
        if are_ready():
            return 0.0
        _log.warning(
            "compiling the kernels for terms in columns; this takes about a minute, once, and is kept on disk"
        )
        begin = time.perf_counter()
        _run_all()
        seconds = time.perf_counter() - begin
        _log.warning("the kernels for terms in columns are compiled (%.0f s)", seconds)
        _ready = True
        try:
            _stamp().parent.mkdir(parents=True, exist_ok=True)
            _stamp().touch()
        except (OSError, RuntimeError) as problem:
            _log.warning("that the kernels are compiled could not be noted on disk: %s", problem)
        return seconds


def _run_all() -> None:
    """Call every kernel once, with the types that all later calls have."""
    from symnum.columns.bulk import products, sums
    from symnum.columns.derivative import gradient, hessian, jacobian
    from symnum.columns.expansion import expand
    from symnum.columns.factoring import factored
    from symnum.columns.lowering import lower
    from symnum.columns.patterns import jacobian_pattern
    from symnum.columns.store import Store
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
    expand(store, store.add([parse("(x + y)^2")])[0])
    sums(store, [0, 2], products(store, [0, 2, 3], [x, y, x]), [1, 1])
    (root,) = store.compact([root])
    store.reserve(len(store), len(store))
    store.terms([root])
