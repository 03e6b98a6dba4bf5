"""Have the machine code of the search ready before its clock starts: compiling takes most of a minute once, loading less than a second."""

from __future__ import annotations

import functools
import logging
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_log = logging.getLogger("symnum")

PATIENCE = 8.0
"""Seconds after which the compilation is announced; loading what is on disk takes less."""


@contextmanager
def _announced() -> Iterator[None]:
    """Say what takes so long, when it does, and how long it took."""
    begin = time.perf_counter()
    text = "compiling the kernels of the search; this takes about a minute, once, and is kept on disk"
    timer = threading.Timer(PATIENCE, _log.warning, (text,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if (seconds := time.perf_counter() - begin) > PATIENCE:
        _log.warning("the kernels of the search are compiled (%.0f s)", seconds)


@functools.cache
def prepare() -> None:
    """Call every kernel once in this process, by a small search."""
    from symnum.regression.grammar import Grammar
    from symnum.regression.problem import Problem
    from symnum.regression.search import Search, Settings

    x = np.linspace(0.1, 2.0, 24)
    X = np.column_stack([x, x[::-1] ** 2])
    y = np.sin(1.3 * X[:, 0]) / (1 + np.exp(-X[:, 1])) + 0.1 * np.cos(37 * x)
    with _announced():
        search = Search(Problem.of(X, y, np.ones(24)), Grammar(("x", "y")), Settings(0, max_evaluations=3000))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = search.run()
    if outcome.stopped == "interrupted":  # here there is nothing yet to keep
        raise KeyboardInterrupt
