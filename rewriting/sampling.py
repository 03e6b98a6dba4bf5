"""Points at which terms are compared: corners, random points of all signs and scales, and the places where terms have kinks.

A kink is where a comparison, abs, floor, min, max, mod or sign changes, where a denominator is zero, or where a domain ends.  It is
solved for along one symbol, so that a threshold at 10^6 is met as surely as one at 0.  Values are exact numbers within the
symbols' assumptions.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.algebra.evaluate import evaluate
from symnum.algebra.ring import PRODUCT, view
from symnum.operators import ARGUMENTS, OPERATORS
from symnum.order import order_key
from symnum.rewriting.modular import identity_of

Point = dict[Any, Any]
"""{identity of a symbol: int, Fraction or bool}; see :func:`symnum.rewriting.modular.identity_of`."""

CORNERS = (0, 1, -1, 2, Fraction(1, 2), -2, Fraction(-1, 2), 3)
_RARE = (Fraction(1, 1 << 27), Fraction(-1, 1 << 27), 10**6, -(10**6), 10, Fraction(1, 3), Fraction(math.pi))

_MOST_KINKS = 24
_MOST_SYMBOLS = 3  # along which a kink is solved for
_TABLE = 8  # boolean symbols up to which the whole truth table is taken
_KINK_NODES = 400  # in all kinks that are solved for; the others are left to chance
_MOST_CONSTANTS = 32
_GRID = (0.0, *(sign * 2.0**e for e in range(-30, 61, 3) for sign in (1, -1)))
_STEP = Fraction(1, 4096)

_COMPARISONS = frozenset(["<", "<=", ">", ">=", "==", "!="])
_AT_ZERO = frozenset(["abs", "sign"])
_AT_INTEGERS = frozenset(["floor", "ceil"])


class Sampler:
    """Yield points for the symbols of some terms, the same ones for the same terms and seed."""

    def __init__(self, roots: Sequence[Any], seed: int = 0) -> None:
        self.roots = list(roots)
        self.random = random.Random(seed)
        found = {identity_of(s): s for s in interface.free_symbols(*roots)}
        self.symbols = [found[identity] for identity in sorted(found)]
        self.specials: list[Any] = [*CORNERS, *CORNERS, *_RARE]

    def points(self, corners_first: bool = True) -> Iterator[Point]:
        """Yield points of six kinds in turn without end, and the corners before them or in between.

        Where all symbols are boolean and few, these are the rows of the truth table, once each.
        """
        if len(self.symbols) <= _TABLE and all(interface.sort_of(s) == "boolean" for s in self.symbols):
            for row in itertools.product((False, True), repeat=len(self.symbols)):
                yield {identity_of(s): value for s, value in zip(self.symbols, row)}
            return
        corners = [self._point(lambda value=value: value) for value in CORNERS[:4]]
        if corners_first:
            yield from corners
            corners = []
        self.specials += _constants(self.roots)
        kinks = self.kink_points()
        while True:
            yield self._point(self._near_one)
            yield self._point(lambda: abs(self._near_one()))
            yield self._point(self._any_scale)
            yield self._point(self._special)
            yield self._point(lambda: self._near_one() / 4)
            near_kink = next(kinks, {})
            yield near_kink or self._point(self._near_one)
            if corners:
                yield corners.pop(0)

    def near(self, point: Point) -> Point:
        """Return a point close by in no special place; integers move by a few units away from zero."""
        moved: Point = {}
        for symbol in self.symbols:
            value = point[identity_of(symbol)]
            if type(value) is not bool and interface.sort_of(symbol) == "integer":
                value += (-1 if value < 0 else 1) * self.random.randrange(2, 9)
            elif type(value) is not bool:
                value += max(abs(value), 1) * (1 if value > 0 else -1) * self._near_one() / (1 << 16)
            moved[identity_of(symbol)] = value if type(value) is bool else self._fitted(symbol, value)
        return moved

    # --- values ---

    def _near_one(self) -> Fraction:
        return Fraction(2 * self.random.randrange(-(1 << 21), 1 << 21) + 1, 1 << 20)

    def _special(self) -> Any:
        if self.random.random() < 0.4:
            return self._near_one()
        return self.random.choice(self.specials)

    def _any_scale(self) -> Fraction:
        shift = self.random.randrange(54)
        return self.random.choice((1, -1)) * Fraction(
            self.random.randrange(1 << 20, 1 << 21) << shift, 1 << 47
        )

    def _point(self, draw: Any) -> Point:
        return {identity_of(s): self._fitted(s, draw()) for s in self.symbols}

    def _fitted(self, symbol: Any, value: Any) -> Any:
        """Return the value or one like it that the symbol may have."""
        sort, known = interface.sort_of(symbol), interface.assumptions(symbol)
        if sort == "boolean":
            return self.random.random() < 0.5
        if sort == "integer":
            value = math.floor(value * 4) if abs(value) < 2 and type(value) is Fraction else round(value)
        if "positive" in known or "nonnegative" in known:
            value = abs(value)
        if "negative" in known:
            value = -abs(value)
        if value == 0 and known & {"positive", "negative", "nonzero"}:
            value = -1 if "negative" in known else 1
        return value.numerator if value.denominator == 1 else value

    # --- kinks ---

    def kink_points(self) -> Iterator[Point]:
        """Yield points on each kink and on both sides of it, round after round from other starting points.

        A round may start where the last kink was met, so that several thresholds are passed at once.
        """
        kinks = _kinks(self.roots)
        last: Point = {}
        solved = bool(kinks)
        while solved:
            solved = False
            for kink in kinks:
                symbols = [s for s in interface.free_symbols(kink) if interface.sort_of(s) != "boolean"]
                self.random.shuffle(symbols)
                for symbol in symbols[:_MOST_SYMBOLS]:
                    start = self._point(self.random.choice((self._near_one, self._special)))
                    start = last if last and self.random.random() < 0.6 else start
                    for value in _solutions(kink, symbol, start):
                        solved = True
                        step = _STEP * (abs(value) if abs(value) > 1 else 1)
                        around = [
                            {**start, identity_of(symbol): self._fitted(symbol, near)}
                            for near in (value, value + step, value - step)
                        ]
                        last = self.random.choice(around)
                        yield from around


def _constants(roots: Sequence[Any]) -> list[Any]:
    """Return the numbers in some terms, which may be thresholds, and their neighbours."""
    found: dict[Any, None] = {}
    for node in interface.postorder(*roots):
        if interface.is_number(node):
            value = interface.value(node)
            if type(value) is not bool and math.isfinite(value):
                found[Fraction(value)] = None
        if len(found) > _MOST_CONSTANTS:
            break
    return [v for value in sorted(found) for v in (value, -value, value + 1, value - 1)]


def _kinks(roots: Sequence[Any]) -> list[Any]:
    """Return terms whose zeros are kinks of the roots."""
    found: dict[Any, Any] = {}

    def add(term: Any) -> None:
        if interface.is_call(term) or interface.is_symbol(term):
            found.setdefault(order_key(term), term)

    for node in interface.postorder(*roots):
        if not interface.is_call(node):
            continue
        for term in _kinks_of(node):
            add(term)
        if len(found) >= 4 * _MOST_KINKS:
            break
    sizes = sorted((interface.node_count(term), key) for key, term in found.items())
    chosen, total = [], 0
    for size, key in sizes[:_MOST_KINKS]:
        total += size
        if total > _KINK_NODES:
            break
        chosen.append(found[key])
    return chosen


def _kinks_of(node: Any) -> list[Any]:
    head, args = interface.head(node), interface.args(node)
    if head in _COMPARISONS or head in ("min", "max"):
        return [interface.make(node, "-", (args[0], other)) for other in args[1:]]
    if head in _AT_ZERO:
        return [args[0]]
    if head in _AT_INTEGERS:
        return [interface.make(node, "-", (args[0], n)) for n in (0, 1, -1)]
    if head == "mod":
        return [args[0], args[1], interface.make(node, "-", args)]
    kind, _, pairs = view(node)
    if kind == PRODUCT:
        return [base for base, e in pairs if not (type(e) is int and e > 0)]
    row = OPERATORS.get(head)
    if row is None or row.domain == "true":
        return []
    from symnum.rewriting.pattern import template_of

    bindings = dict(zip(ARGUMENTS, args))
    return [template_of(text).build(node, bindings) for text in _domain_edges(row.domain)]


@lru_cache(maxsize=512)
def _domain_edges(domain: str) -> tuple[str, ...]:
    """Return the difference of the two sides of each comparison in the text of a domain.

    >>> _domain_edges("a >= -1 and a <= 1")
    ('a - (-1)', 'a - (1)')
    """
    from symnum.text.parser import parse

    nodes = interface.postorder(parse(domain, backend="tree"), ordered=True)
    sides = [interface.args(n) for n in nodes if interface.is_call(n) and interface.head(n) in _COMPARISONS]
    return tuple(f"{left} - ({right})" for left, right in sides)


def _solutions(kink: Any, symbol: Any, start: Point) -> list[Fraction]:
    """Return up to four values of a symbol at which a kink changes its sign, or a simple number beside each."""
    at: dict[Any, Any] = {
        s: v if type(v) is bool else float(v)
        for s in interface.free_symbols(kink)
        for v in [start[identity_of(s)]]
    }

    def value(x: float) -> float:
        at[symbol] = x
        try:
            return float(evaluate(kink, at))
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan  # outside the symbol's assumptions, or undefined here

    found: list[Fraction] = []
    grid = sorted({*_GRID, float(start[identity_of(symbol)])})
    values = [value(x) for x in grid]
    for i, (x, y) in enumerate(zip(grid, values)):
        if y == 0:
            found.append(Fraction(x))
        elif i and values[i - 1] * y < 0:
            found.append(_simple(*_bisected(value, grid[i - 1], x, y)))
        elif i and math.isnan(values[i - 1]) != math.isnan(y):
            found.append(_simple(*_edge(value, grid[i - 1], x, math.isnan(y))))
    return sorted(found, key=abs)[:4]


def _bisected(value: Any, low: float, high: float, at_high: float) -> tuple[float, float]:
    """Return neighbouring floats, or nearly so, between which a function changes its sign."""
    for _ in range(80):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        y = value(middle)
        if y == 0:
            return middle, middle
        low, high = (low, middle) if y * at_high > 0 else (middle, high)
    return low, high


def _edge(value: Any, low: float, high: float, outside_high: bool) -> tuple[float, float]:
    """Return neighbouring floats, or nearly so, between which a function stops being defined."""
    for _ in range(60):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if math.isnan(value(middle)) == outside_high else (middle, high)
    return low, high


def _simple(low: float, high: float) -> Fraction:
    """Return the fraction of a small denominator that a bracket is about, or its lower end."""
    near = Fraction(low).limit_denominator(1000)
    spread = max(abs(low), abs(high)) * 1e-14 + 1e-300
    return near if abs(float(near) - low) <= spread or low <= near <= high else Fraction(low)
