"""Deep and shared terms: each pass in time linear in the distinct nodes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from harness import Row, least, limit_row

import symnum as sn

x, y = sn.symbols("x y")


def nest(depth: int) -> Any:
    """Return sin(y + sin(y + ... x)), two nodes a level."""
    node = x
    for _ in range(depth):
        node = sn.sin(node + y)
    return node


def tower(levels: int) -> Any:
    """Return a graph of three nodes a level in which the paths to the leaf double at each level."""
    node = x
    for _ in range(levels):
        node = sn.atan2(sn.cos(node), sn.sin(node))
    return node


def passes(build: Callable[[int], Any], size: int) -> dict[str, Callable[[], Any]]:
    """Return the passes over the term of this size, by name."""
    term = build(size)
    text, packed = str(term), pickle.dumps(term)
    symbols = sn.term.free_symbols(term)
    point = {s: 0.3 for s in symbols}
    return {
        "build": lambda: build(size),
        "print": lambda: str(term),
        "parse": lambda: sn.parse(text),
        "differentiate": lambda: sn.diff(term, x),
        "substitute": lambda: sn.substitute(term, {x: y + 1}),
        "evaluate": lambda: sn.evaluate(term, point),
        "compile (tape) and call": lambda: sn.compile(term, symbols, target="tape")(*point.values()),
        "pickle": lambda: pickle.dumps(term),
        "unpickle": lambda: pickle.loads(packed),
    }


def rows() -> list[Row]:
    """Compare each pass at ten times the size with ten times its time; twice that is allowed for caches and collection."""
    out = []
    for name, build, small, large in (
        ("nest", nest, 1_000, 10_000),
        ("doubly shared graph", tower, 190, 1_900),
    ):
        at_small, at_large = passes(build, small), passes(build, large)
        for what in at_small:
            most = 20 * least(at_small[what], rounds=5)
            out.append(
                limit_row(
                    f"{what}, {name}, {large:,} deep",
                    least(at_large[what], rounds=3),
                    most,
                    f"<= 20x that of {small:,} deep",
                )
            )
    return out
