"""Points at which terms are compared: corners, random points of all signs and scales, and the places where terms have kinks.

A kink is where a comparison, abs, floor, min, max, mod or sign changes, where a denominator is zero, or where a domain ends.  It is
solved for along one symbol, so that a threshold at 10^6 is met as surely as one at 0.  Boolean symbols are set so that each branch
and each part of a condition decides in turn.  Values are exact numbers within the symbols' assumptions.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.algebra.evaluate import _value_of_call, exact_call, fold
from symnum.algebra.ring import PRODUCT, view
from symnum.operators import ARGUMENTS, OPERATORS, Operator
from symnum.order import order_key
from symnum.rewriting.modular import identity_of
from symnum.rewriting.template import template_of
from symnum.rewriting.truths import settings_of

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
_FINE = tuple(k / 16 for k in range(-64, 65))  # for kinks in one symbol, which are solved for once
_OFF_THE_LINE = (Fraction(-7, 3), Fraction(1, 97), Fraction(10**9 + 1, 7), -(10**30) + 1)
_CLOSE = Fraction(1, 1 << 32)  # relative to the place of a kink, however small that is
_STEPS = (Fraction(1, 4096), _CLOSE, Fraction(1, 1 << 60))  # beside a kink, in turn

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
        truths = [s for s in self.symbols if interface.sort_of(s) == "boolean"]
        self.is_table = len(truths) == len(self.symbols) <= _TABLE
        self.settings = settings_of(roots) if truths and not self.is_table else []
        self.turn = 0

    def points(self, corners_first: bool = True) -> Iterator[Point]:
        """Yield points of six kinds in turn without end, and the corners before them or in between.

        Where all symbols are boolean and few, these are the rows of the truth table, once each (``is_table``).
        """
        if self.is_table:
            for row in itertools.product((False, True), repeat=len(self.symbols)):
                yield {identity_of(s): value for s, value in zip(self.symbols, row)}
            return
        corners = [self._point(lambda value=value: value) for value in CORNERS[:4]]
        self.turn = 0  # at a corner two branches may agree by chance
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

    def places(self) -> Iterator[Point]:
        """Yield a point for each setting of boolean symbols, and then those around kinks."""
        self.turn = 0
        for _ in self.settings:
            yield self._point(self._near_one)
        yield from self.kink_points()

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
        truths = self._truths() if self.settings else {}
        return {
            identity: truths[identity] if identity in truths else self._fitted(s, draw())
            for identity, s in zip(map(identity_of, self.symbols), self.symbols)
        }

    def _truths(self) -> dict[Any, bool]:
        """Return the next setting of boolean symbols, at times with another one beneath it."""
        found = dict(self.settings[self.turn % len(self.settings)])
        self.turn += 1
        if self.random.random() < 0.5:
            found = {**self.random.choice(self.settings), **found}
        return found

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
        """Yield points on each kink and close by on both sides, round after round from other starting points.

        A round may start where the last kink was met, so that several thresholds are passed at once.
        """
        kinks = _kinks(self.roots)
        more = sorted({*map(_to_float, _constants(self.roots)), *_FINE})
        known: dict[Any, list[Fraction]] = {}  # the solutions for kinks in one symbol
        last: Point = {}
        solved = bool(kinks)
        for size in itertools.cycle(_STEPS):
            if not solved:
                break
            solved = False
            for kink in kinks:
                symbols = [s for s in interface.free_symbols(kink) if interface.sort_of(s) != "boolean"]
                self.random.shuffle(symbols)
                for symbol in symbols[:_MOST_SYMBOLS]:
                    start = self._point(self.random.choice((self._near_one, self._special)))
                    start = last if last and self.random.random() < 0.6 else start
                    lone = interface.key(kink) if len(symbols) == 1 and not _truths_in(kink) else None
                    solutions = known.get(lone) if lone is not None else None
                    if solutions is None:
                        solutions = _solutions(kink, symbol, start, more if lone is not None else ())
                    if lone is not None:
                        known[lone] = solutions
                    for value in solutions:
                        solved = True
                        step = size * (abs(value) if abs(value) > 1 or (size == _CLOSE and value) else 1)
                        step = Fraction(1) if interface.sort_of(symbol) == "integer" else step
                        around = [
                            {**start, identity_of(symbol): self._fitted(symbol, near)}
                            for near in (value, value + step, value - step)
                        ]
                        last = self.random.choice(around)
                        yield from around


def _constants(roots: Sequence[Any]) -> list[Any]:
    """Return the numbers in some terms, which may be thresholds or scales, and their neighbours."""
    found: dict[Any, None] = {}
    for node in interface.postorder(*roots):
        if interface.is_number(node):
            value = interface.value(node)
            if type(value) is not bool and (type(value) is not float or math.isfinite(value)):
                found[Fraction(value)] = None
        if len(found) > _MOST_CONSTANTS:
            break
    near = [v for value in sorted(found) for v in (value, -value, value + 1, value - 1)]
    return near + [1 / value for value in sorted(found) if abs(value) > 1000]


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


def _solutions(kink: Any, symbol: Any, start: Point, more: Iterable[float] = ()) -> list[Fraction]:
    """Return up to four values of a symbol at which a kink changes its sign, or a simple number beside each.

    The signs are looked at on a grid that ``more`` adds to.
    """
    import numpy

    at: dict[Any, Any] = {
        interface.key(s): v if type(v) is bool else _to_float(v)
        for s in interface.free_symbols(kink)
        for v in [start[identity_of(s)]]
    }

    def value(x: float) -> float:
        at[interface.key(symbol)] = x
        try:
            # the function between the integers is what tells where an integer passes a threshold
            return _to_float(fold([kink], dict(at), _value_of_call)[0])
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan

    known = interface.assumptions(symbol)
    above = 0.0 if known & {"positive", "nonnegative"} else -math.inf
    below = 0.0 if "negative" in known else math.inf
    found, is_linear = _linear_root(kink, symbol, start)
    if is_linear:
        return found
    points = {*_GRID, _to_float(start[identity_of(symbol)]), *more}
    grid = sorted(x for x in points if math.isfinite(x) and above <= x <= below)
    with numpy.errstate(all="ignore"):
        found += _float_roots(value, grid, 4 - len(found))
    return sorted(set(found), key=lambda v: (abs(v), v))


def _float_roots(value: Callable[[float], float], grid: Sequence[float], most: int) -> list[Fraction]:
    """Return the places next to 0 where a function changes its sign or stops being defined between points of a grid."""
    found: list[Fraction] = []
    values = [value(x) for x in grid]
    places: list[tuple[float, int]] = []  # where to look, those next to 0 first
    for i, (x, y) in enumerate(zip(grid, values)):
        before = values[i - 1] if i else y
        if y == 0 or before * y < 0 or math.isnan(before) != math.isnan(y):
            places.append((abs(x) if y == 0 else min(abs(grid[i - 1]), abs(x)), i))
    for _, i in sorted(places)[:most]:
        x, y = grid[i], values[i]
        if y == 0:
            found.append(Fraction(x))
        elif math.isnan(values[i - 1]) != math.isnan(y):
            found.append(_simple(*_edge(value, grid[i - 1], x, math.isnan(y))))
        else:
            found.append(_simple(*_bisected(value, grid[i - 1], x, y)))
    return found


def _linear_root(kink: Any, symbol: Any, start: Point) -> tuple[list[Fraction], bool]:
    """Return the exact zero of a line through a kink if that is one of the kink's, and whether the kink seems to be that line.

    The zero may be beyond all floats.
    """
    at = {interface.key(s): start[identity_of(s)] for s in interface.free_symbols(kink)}

    def value(x: Any) -> Any:
        at[interface.key(symbol)] = x
        return fold([kink], dict(at), _exact_only)[0]

    try:
        first, second = value(1), value(2)
        if type(first) is bool or first == second:
            return [], False
        root = 1 - Fraction(first) / (second - first)
        if value(root.numerator if root.denominator == 1 else root) != 0:
            return [], False
        return [root], all(value(x) == first + (x - 1) * (second - first) for x in _OFF_THE_LINE)
    except (ValueError, ZeroDivisionError):
        return [], False


def _exact_only(node: Any, row: Operator, values: Sequence[Any], known: Any) -> Any:
    """Return the exact value of a call; raises ValueError where there is none."""
    found = None if any(type(v) is float for v in values) else exact_call(row, values)
    if found is None:
        raise ValueError(f"{row.name!r} has no exact value here")
    return found


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _truths_in(term: Any) -> bool:
    """Tell whether a term has boolean symbols."""
    return any(interface.sort_of(s) == "boolean" for s in interface.free_symbols(term))


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
