"""The values of two terms at one point, told apart or not by ball arithmetic.

A term is defined at a point where each part that is computed is a real number or an infinity.  Arb's balls bound every rounding
error: disjoint balls prove a difference, and balls that overlap are narrowed by more bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symnum import exact as numbers
from symnum import term as interface
from symnum.algebra.evaluate import fold
from symnum.algebra.precise import (
    _PRECISION,
    UNKNOWN,
    _ball_of_call,
    _decided,
    _Undecided,
    to_ball,
)
from symnum.operators import OPERATORS, Operator
from symnum.rewriting.limits import check_limits
from symnum.rewriting.modular import identity_of

SAME, DIFFERENT, ONLY_LEFT, ONLY_RIGHT, NEITHER, UNDECIDED = (
    "same",
    "different",
    "only left",
    "only right",
    "neither",
    "undecided",
)
"""What can be found of two terms at a point: equal, not equal, one or both without a value, or not known."""

BITS = (256, 1024, 4096)
"""Working precisions that are tried one after the other."""

ROUNDING = 1e-12
"""Relative error that a float constant may carry, since constants are folded with rounding."""

_TIGHT_FLOATS = 20  # bits of a value that must survive such errors
_NOTHING = 1000  # a ball about 0 of radius below 2^-_NOTHING is 0
_LOST = 32  # bits that a first attempt may lose
_LONG = 4096  # bits of exact numbers that are carried on as such
_PLAIN_FLOAT = 1 << 20  # floats k/1024 below this size are taken as exact: 0.5, 2.0, 1.25


def check_sampling_limits(limits: Any) -> None:
    """Raise ValueError for limits that are no numbers, that look at nothing, or whose accuracy their bits cannot give."""
    check_limits(limits)
    for name in ("points", "tries", "accuracy", "bits"):
        if getattr(limits, name) < 1:
            raise ValueError(
                f"the limit {name} is {getattr(limits, name)!r}, but it must be a whole number from 1"
            )
    if limits.accuracy >= limits.bits:
        raise ValueError(
            f"values cannot be right to accuracy={limits.accuracy} bits when they have bits={limits.bits}; "
            f"give a smaller accuracy or more bits"
        )


_POLE = float("nan")
"""The value at a pole such as that of 1/x, known by its identity."""

_OF_EQUALS = {"<": False, "<=": True, ">": False, ">=": True, "==": True, "!=": False}
"""What a comparison of a value with itself is."""


class OutOfTime(Exception):
    """The time for comparing values is over."""


class _Undefined(ArithmeticError):
    """A condition compares what has a pole."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found at a point, with both values and their relative difference."""

    kind: str
    left: Any = None
    right: Any = None
    error: float = 0.0

    @property
    def is_pole(self) -> bool:
        """Tell whether one side is infinite and the other has no value, as csc(x) and 1/sin(x) at 0: one pole, written in two ways."""
        return self.kind in (ONLY_LEFT, ONLY_RIGHT) and all(type(v) is float for v in (self.left, self.right))


def unevaluable(roots: Iterable[Any]) -> str:
    """Return why some terms cannot be evaluated by ball arithmetic, or "" when they can."""
    for node in interface.postorder(*roots):
        if not interface.is_call(node):
            continue
        head = interface.head(node)
        row = OPERATORS.get(head)
        if row is None:
            return f"the operator {head!r} is not in the table, so that it has no values"
        if not row.arb and head != "ifelse" and row.result_sort != "boolean":
            return (
                f"the operator {head!r} has no Arb spelling, so that its values have no bounds; "
                f"give one in its row: symnum.register_operator({head!r}, ..., arb='{{0}}.exp()')"
            )
    return ""


class Judge:
    """Compare pairs of terms at points; what pairs share is evaluated once for each point."""

    def __init__(
        self,
        pairs: Sequence[tuple[Any, Any]],
        bits: int = BITS[-1],
        accuracy: int = 200,
        rounding: float = ROUNDING,
        end: float = math.inf,
    ) -> None:
        self.pairs, self.end = pairs, end
        self.bits, self.accuracy, self.rounding = bits, accuracy, rounding
        self.keys: dict[Any, list[Any]] = {}
        for symbol in interface.free_symbols(*[t for pair in pairs for t in pair]):
            self.keys.setdefault(identity_of(symbol), []).append(interface.key(symbol))
        self.floats = [_rough_floats(pair) for pair in pairs]
        self.changed = [_changed_floats(pair, floats) for pair, floats in zip(pairs, self.floats)]

    def verdicts(
        self, point: Mapping[Any, Any], indices: Iterable[int], deep: bool = False
    ) -> dict[int, Verdict]:
        """Return what is found of each of the pairs named; ``deep`` asks for all the bits there are.

        Raises OutOfTime when the clock (time.monotonic) passes the judge's ``end``.
        """
        import flint

        found: dict[int, Verdict] = {}
        waiting = list(indices)
        steps = [b for b in BITS if self.accuracy + _LOST < b < self.bits] + [self.bits]
        for bits in steps[-1:] if deep else steps:
            known = self._bound(point)
            rough: dict[frozenset[Any], dict[Any, Any]] = {}
            accuracy = self.bits // 2 if deep else self.accuracy
            with _PRECISION, flint.ctx.workprec(bits):
                for i in waiting:
                    verdict = self._verdict(i, known, accuracy, bits == steps[-1])
                    changed = self.changed[i]
                    if changed and verdict.kind not in (SAME, NEITHER):
                        keys = frozenset(changed)
                        known_roughly = rough.get(keys) or rough.setdefault(
                            keys, self._roughened(point, changed)
                        )
                        roughly = self._verdict(i, known_roughly, _TIGHT_FLOATS, False, exact=False)
                        # what rounding may have caused is no difference
                        verdict = roughly if roughly.kind != UNDECIDED else replace(verdict, kind=UNDECIDED)
                    found[i] = verdict
            waiting = [i for i in waiting if found[i].kind == UNDECIDED]
            if not waiting:
                break
        return found

    def _bound(self, point: Mapping[Any, Any]) -> dict[Any, Any]:
        return {key: point[identity] for identity, keys in self.keys.items() for key in keys}

    def _roughened(self, point: Mapping[Any, Any], floats: Mapping[Any, float]) -> dict[Any, Any]:
        """Return the point with some float constants as balls that cover their rounding."""
        import flint

        balls = {key: flint.arb(value, abs(value) * self.rounding) for key, value in floats.items()}
        return {**self._bound(point), **balls}

    def _verdict(
        self, index: int, known: dict[Any, Any], accuracy: int, last: bool, exact: bool = True
    ) -> Verdict:
        left, right = (_value(root, known, self.call) for root in self.pairs[index])
        if left is UNKNOWN or right is UNKNOWN:
            return Verdict(UNDECIDED, left, right)
        no_left, no_right = _is_nan(left), _is_nan(right)
        if no_left or no_right:
            kind = NEITHER if no_left and no_right else ONLY_RIGHT if no_left else ONLY_LEFT
            return Verdict(kind, left, right)
        kind = _compared(left, right, accuracy, last)
        return Verdict(kind, left, right, 0.0 if exact and kind == SAME else _relative(left, right))

    def call(self, node: Any, row: Operator, values: Sequence[Any], known: Mapping[Any, Any]) -> Any:
        """Return the value of a call; one that has an undefined argument is undefined, but a comparison is false there.

        At a pole compiled code finds an infinity, whose sign depends on how the pole is written: what compares it is undefined.
        Raises OutOfTime when the time is over.
        """
        if time.monotonic() > self.end:
            raise OutOfTime
        if any(v is _POLE for v in values):
            return _POLE
        if any(map(_is_nan, values)):
            return row.name == "!=" if row.name in _OF_EQUALS else numbers.NAN
        if row.name in _OF_EQUALS:
            a, b = interface.args(node)
            if interface.key(a) == interface.key(b):
                return _OF_EQUALS[row.name]  # balls never tell that two values are the same
        try:
            found = _ball_of_call(node, row, values, known)
        except ZeroDivisionError:
            return _POLE
        if type(found) in (int, Fraction) and found.numerator.bit_length() > _LONG:
            return to_ball(found)
        return found


def _compared(left: Any, right: Any, accuracy: int, last: bool) -> str:
    """Compare two values that are booleans, exact numbers, infinities or balls."""
    if type(left) is bool or type(right) is bool:
        return SAME if left is right else DIFFERENT
    if type(left) is float or type(right) is float:
        return SAME if type(left) is type(right) and left == right else DIFFERENT
    if not (hasattr(left, "overlaps") or hasattr(right, "overlaps")):
        return SAME if left == right else DIFFERENT
    a, b = to_ball(left), to_ball(right)
    if not a.overlaps(b):
        return DIFFERENT
    if a.rel_accuracy_bits() >= accuracy and b.rel_accuracy_bits() >= accuracy:
        return SAME
    if last and all(x.contains(0) and abs(x).upper() < _tiny() for x in (a, b)):
        return SAME
    return UNDECIDED


def _tiny() -> Any:
    import flint

    return flint.arb(2) ** -_NOTHING


def _relative(left: Any, right: Any) -> float:
    """Return the relative difference of two values, infinite where one of them is a truth value or an infinity."""
    if any(type(v) in (bool, float) for v in (left, right)):
        return 0.0 if left == right else math.inf
    a, b = to_ball(left).mid(), to_ball(right).mid()
    size = abs(a).max(abs(b))
    return 0.0 if size == 0 else float(abs(a - b) / size)


def _is_nan(value: Any) -> bool:
    return type(value) is float and value != value


# --- values -----------------------------------------------------------------------------------------------------------------


def _value(root: Any, known: dict[Any, Any], call: Callable[..., Any]) -> Any:
    """Return a root's value: exact, a ball, an infinity, a boolean, nan where it is undefined, or UNKNOWN at this precision."""
    try:
        found = fold([root], known, call, _truth)[0]
    except _Undefined:
        return numbers.NAN
    except _Undecided:
        return UNKNOWN
    if type(found) is float and math.isfinite(found):
        return numbers.exact(Fraction(found))
    return found


def _truth(condition: Any) -> bool:
    if _is_nan(condition):
        raise _Undefined("the condition of an ifelse has no value")
    return _decided(condition)


def _rough_floats(pair: tuple[Any, Any]) -> dict[Any, float]:
    """Return {key: value} of the float constants of two terms that folding may have rounded."""
    return {key: value for key, value in _floats(pair).items() if not _is_plain(value)}


def _floats(pair: tuple[Any, Any]) -> dict[Any, float]:
    found = {}
    for node in interface.postorder(*pair):
        if interface.is_number(node):
            value = interface.value(node)
            if type(value) is float and math.isfinite(value):
                found[interface.key(node)] = value
    return found


def _changed_floats(pair: tuple[Any, Any], rough: Mapping[Any, float]) -> dict[Any, float]:
    """Return the float constants that two terms do not use equally often, or nothing where all those that may be rounded are.

    The others were carried over as they are, so that they are one number on both sides, and their rounding hides nothing.
    """
    if not rough:
        return {}
    floats = _floats(pair)
    uses: dict[Any, int] = dict.fromkeys(floats, 0)
    for root, sign in zip(pair, (1, -1)):
        if interface.key(root) in uses:
            uses[interface.key(root)] += sign
        for node in interface.postorder(root):
            for part in interface.args(node) if interface.is_call(node) else ():
                if interface.key(part) in uses:
                    uses[interface.key(part)] += sign
    # 1 - 1e-20 is folded to 1.0, so that plain floats may carry the rounding of others
    return {key: floats[key] for key, count in uses.items() if count} if any(uses[k] for k in rough) else {}


def _is_plain(value: float) -> bool:
    return abs(value) < _PLAIN_FLOAT and (value * 1024).is_integer()
