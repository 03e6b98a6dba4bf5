"""Dimensional analysis of token arrays, as numba kernels over the tables of a grammar.

The unit of an expression is nine integers: seven exponents in parts of 1/SCALE, 1 where any unit will do (a fitted constant, a column
whose unit is not known), and the value, in parts of 1/SCALE, of an expression of whole numbers, because a power with such an exponent
has a unit that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum.regression import kernels
from symnum.regression.kernels import kernel
from symnum.regression.units import PURE, Unit, Units, unit_text

Array = NDArray[Any]

SCALE = 720
"""Exponents are multiples of 1/SCALE: halves, thirds, quarters, fifths, ... up to sixteenths."""

ANY, VALUE, WIDTH = 7, 8, 9
"""Places of the flag and of the value among the nine integers."""

UNKNOWN = -(1 << 40)
"""The value of what is no whole number."""

_LARGEST = 1000 * SCALE

CALL, SAME, PRODUCT, QUOTIENT, POWER, SCALED, RATIO, ABSORB = range(8)
"""What an operation does with units: pure numbers to a pure number; equal ones kept; multiplied; divided; a power; multiplied by a
fixed exponent; equal ones to a pure number; any to a pure number."""

KIND = {
    "+": SAME, "-": SAME, "min": SAME, "max": SAME, "mod": SAME, "*": PRODUCT, "/": QUOTIENT, "^": POWER, "atan2": RATIO, "sign": ABSORB,
}  # fmt: skip

FIXED = {
    "neg": (1, 1), "abs": (1, 1), "hold": (1, 1), "sqrt": (1, 2), "cbrt": (1, 3), "^-1": (-1, 1), "^2": (2, 1), "^3": (3, 1),
    "^4": (4, 1),
}  # fmt: skip
"""Operation -> the exponent that it is, as numerator and denominator; every operation not named here or above takes pure numbers."""

_SIGNED = {"+": 1, "-": -1, "neg": -1}


@dataclass(frozen=True)
class UnitRules:
    """Hold what the kernels need to know of each token of a grammar: kind of rule, exponent, sign and the unit of a leaf.

    ``leaves`` is (tokens, WIDTH), ``kinds`` (tokens, 4): rule, numerator, denominator, and 1 or -1 for what whole numbers do;
    ``target`` (WIDTH,).
    """

    leaves: NDArray[np.int64]
    kinds: NDArray[np.int64]
    target: NDArray[np.int64]
    strict: bool

    @classmethod
    def of(cls, units: Units, grammar: Any) -> UnitRules:
        """Return the tables of a grammar; raises ValueError when the units make every formula impossible."""
        if len(units.variables) != len(grammar.variables):
            raise ValueError(
                f"there are units for {len(units.variables)} variables, but the grammar has {len(grammar.variables)}; give one for each"
            )
        leaves = np.zeros((len(grammar.names), WIDTH), np.int64)
        leaves[:, VALUE] = UNKNOWN
        for token, unit in enumerate(units.variables):
            leaves[token] = exponents(unit)
        for place, number in enumerate(grammar.numbers, len(units.variables)):
            if isinstance(number, int):
                leaves[place, VALUE] = number * SCALE
            else:
                leaves[place] = exponents(getattr(number, "unit", PURE))
        leaves[grammar.constant, ANY] = not units.dimensionless_constants
        kinds = np.zeros((len(grammar.names), 4), np.int64)
        for token, name in enumerate(grammar.all_operators, grammar.first_operator):
            top, bottom = FIXED.get(name, (0, 1))
            kinds[token] = (
                SCALED if name in FIXED else KIND.get(name, CALL),
                top,
                bottom,
                _SIGNED.get(name, 0),
            )
        rules = cls(leaves, kinds, exponents(units.target), units.dimensionless_constants)
        if rules.strict:
            rules._check_possible(units, grammar)
        return rules

    def _check_possible(self, units: Units, grammar: Any) -> None:
        """Raise ValueError when no expression of the grammar has the unit of the target."""
        if self.target[ANY] or np.any(self.leaves[: grammar.constant, ANY]):
            return
        found = [row[:7] for row in self.leaves[: grammar.constant]]
        wanted = self.target[:7]
        if any(np.array_equal(row, wanted) for row in found):
            return
        kinds = set(self.kinds[grammar.searched, 0].tolist())
        mixing = kinds & {PRODUCT, QUOTIENT, POWER} or any(
            self.kinds[t, 0] == SCALED and self.kinds[t, 1] != self.kinds[t, 2] for t in grammar.searched
        )
        pure = kinds & {CALL, RATIO, ABSORB}
        if mixing:
            basis = np.array(found, float).T
            coefficients = np.linalg.lstsq(basis, wanted.astype(float), rcond=None)[0]
            possible = np.allclose(basis @ coefficients, wanted, atol=1e-6)
        else:
            possible = bool(pure) and not wanted.any()
        if not possible:
            have = sorted({unit_text(unit) for unit in units.variables if unit is not None})
            raise ValueError(
                f"no formula can have the unit {unit_text(units.target or PURE)} of the target: the columns have {', '.join(have)}, the "
                f"operators are {' '.join(grammar.operators)}, and constants are pure numbers; let constants have units "
                "(dimensionless_constants=False), declare a constant that has one, or check the units"
            )

    @property
    def arrays(self) -> tuple[Array, Array]:
        """Return what every kernel takes."""
        return self.leaves, self.kinds

    def consistent(self, tokens: Array, arity: Array) -> bool:
        """Tell whether an expression, whole or part of one, has a unit."""
        return bool(analyse(tokens, np.zeros(0), arity, *self.arrays, np.zeros(WIDTH, np.int64)))

    def unit(self, tokens: Array, arity: Array, constants: Sequence[float] = ()) -> Unit | None:
        """Return the unit of an expression, None where any will do; raises ValueError for an inconsistent one."""
        found = np.zeros(WIDTH, np.int64)
        if not analyse(tokens, np.array(constants, float), arity, *self.arrays, found):
            raise ValueError(
                "the expression has no unit: it adds different units, or takes a function of one"
            )
        return None if found[ANY] else tuple(Fraction(int(e), SCALE) for e in found[:7])

    def fits(self, tokens: Array, arity: Array, constants: Sequence[float] = ()) -> bool:
        """Tell whether a formula, with its constants in their slots, has the unit of the target."""
        found = np.zeros(WIDTH, np.int64)
        return bool(analyse(tokens, np.array(constants, float), arity, *self.arrays, found)) and bool(
            agree(found, self.target)
        )

    def agreeing(self, states: Array) -> NDArray[np.bool_]:
        """Tell which of these units (expressions, WIDTH) can be that of the target."""
        anything = (states[:, ANY] == 1) | bool(self.target[ANY])
        return np.asarray(anything | np.all(states[:, :ANY] == self.target[:ANY], axis=1))

    def repaired(
        self, tokens: Array, arity: Array, plus: int, constant: int, constants: Sequence[float]
    ) -> tuple[Array, list[float]] | None:
        """Return the formula without the fitted addends that its unit forbids; None where that does not help.

        A fit writes ``b + a*f``; where constants are pure numbers and f is not, b must go.
        """
        values = list(constants)
        while not self.fits(tokens, arity, values):
            place = self._conflict(tokens, arity, plus, constant, values)
            if place is None:
                return None
            del values[int(np.sum(tokens[:place] == constant))]
            tokens = np.concatenate([tokens[:place], tokens[place + 2 :]])
        return tokens, values

    def _conflict(
        self, tokens: Array, arity: Array, plus: int, constant: int, values: Sequence[float]
    ) -> int | None:
        """Return the place of the first sum of a constant and a part that has another unit."""
        found = np.zeros(WIDTH, np.int64)
        for place in np.flatnonzero((tokens[:-1] == plus) & (tokens[1:] == constant)).tolist():
            part = tokens[place + 2 : int(kernels.end(tokens, place + 2, arity))]
            after = int(np.sum(tokens[: place + 2] == constant))
            inner = np.array(values[after : after + int(np.sum(part == constant))], float)
            if analyse(part, inner, arity, *self.arrays, found) and not agree(found, self.leaves[constant]):
                return int(place)
        return None


def exponents(unit: Unit | None) -> NDArray[np.int64]:
    """Return a unit as the kernels hold it.  Raises ValueError for an exponent that is no multiple of 1/SCALE."""
    if unit is None:
        return np.array([0] * 7 + [1, UNKNOWN], np.int64)
    for e in unit:
        if (e * SCALE).denominator != 1:
            raise ValueError(
                f"the exponent {e} of a unit is no multiple of 1/{SCALE}; use halves, thirds, quarters or fifths"
            )
    return np.array([*(int(e * SCALE) for e in unit), 0, UNKNOWN], np.int64)


@kernel
def pure(a: Array) -> bool:
    """Tell whether a unit can be that of a pure number."""
    if a[ANY] == 1:
        return True
    for k in range(7):
        if a[k] != 0:
            return False
    return True


@kernel
def agree(a: Array, b: Array) -> bool:
    """Tell whether two units can be one."""
    if a[ANY] == 1 or b[ANY] == 1:
        return True
    for k in range(7):
        if a[k] != b[k]:
            return False
    return True


@kernel
def scaled(a: Array, top: int, bottom: int, out: Array) -> bool:
    """Write the unit of a power with the exponent top/bottom; tell whether it has one."""
    out[ANY] = a[ANY]
    for k in range(7):
        if (a[k] * top) % bottom != 0 or abs(a[k] * top) > _LARGEST * bottom:
            return False
        out[k] = a[k] * top // bottom
    return True


@kernel
def combine(token: int, a: Array, b: Array, kinds: Array, out: Array) -> bool:
    """Write the unit of an operation from those of its arguments (``b`` is not read for one argument); tell whether it has one."""
    rule = kinds[token, 0]
    out[:] = 0
    out[VALUE] = UNKNOWN
    if rule == CALL:
        return pure(a) and pure(b)
    if rule == SAME:
        if not agree(a, b):
            return False
        out[:7] = b[:7] if a[ANY] == 1 else a[:7]
        out[ANY] = a[ANY] * b[ANY]
        if a[VALUE] != UNKNOWN and b[VALUE] != UNKNOWN and kinds[token, 3] != 0:
            out[VALUE] = a[VALUE] + kinds[token, 3] * b[VALUE]
        return True
    if rule == RATIO:
        return agree(a, b)
    if rule == ABSORB:
        return True
    if rule == SCALED:
        if a[VALUE] != UNKNOWN:
            if kinds[token, 3] == -1:
                out[VALUE] = -a[VALUE]
            elif kinds[token, 1] == -1 and a[VALUE] != 0 and (SCALE * SCALE) % a[VALUE] == 0:
                out[VALUE] = SCALE * SCALE // a[VALUE]
        return scaled(a, kinds[token, 1], kinds[token, 2], out)
    if rule == POWER:
        if not pure(b):
            return False
        if pure(a) and a[ANY] == 0:
            return True
        if a[ANY] == 1:
            out[ANY] = 1
            return True
        if b[VALUE] == UNKNOWN:  # only an exponent that is still to be fitted may take any value
            out[ANY] = 1
            return b[ANY] == 1
        for k in range(7):
            if abs(a[k] * (b[VALUE] / SCALE)) > _LARGEST:
                return False
            out[k] = round(a[k] * (b[VALUE] / SCALE))
        return True
    sign = 1 if rule == PRODUCT else -1
    out[ANY] = max(a[ANY], b[ANY])
    if out[ANY] == 0:
        for k in range(7):
            out[k] = a[k] + sign * b[k]
            if abs(out[k]) > _LARGEST:
                return False
    if a[VALUE] != UNKNOWN and b[VALUE] != UNKNOWN:
        top, bottom = (a[VALUE] * b[VALUE], SCALE) if sign == 1 else (a[VALUE] * SCALE, b[VALUE])
        if bottom != 0 and top % bottom == 0 and abs(top // bottom) < _LARGEST:
            out[VALUE] = top // bottom
    return True


@kernel
def leaf(token: int, leaves: Array, constants: Array, slot: int, out: Array) -> None:
    """Write the unit of a leaf; a constant that is given has its value."""
    out[:] = leaves[token]
    if slot >= 0 and abs(constants[slot]) < 1000.0:
        out[VALUE] = round(constants[slot] * SCALE)


@kernel
def analyse(tokens: Array, constants: Array, arity: Array, leaves: Array, kinds: Array, out: Array) -> bool:
    """Write the unit of a whole expression; tell whether it has one.

    ``constants`` are the values of the slots in order, or none, when the value of a fitted exponent is not known.
    """
    constant = -1
    stack = np.zeros((tokens.shape[0] + 1, WIDTH), np.int64)
    none = np.zeros(WIDTH, np.int64)
    result = np.zeros(WIDTH, np.int64)
    for token in range(arity.shape[0]):
        if arity[token] > 0:
            break
        constant = token  # the constant slot is the last leaf
    slot = constants.shape[0]
    top = -1
    for place in range(tokens.shape[0] - 1, -1, -1):
        token = tokens[place]
        if arity[token] == 0:
            top += 1
            if token == constant and slot > 0:
                slot -= 1
                leaf(token, leaves, constants, slot, stack[top])
            else:
                leaf(token, leaves, constants, -1, stack[top])
            continue
        b = stack[top - 1] if arity[token] == 2 else none
        if not combine(token, stack[top], b, kinds, result):
            return False
        top -= arity[token] - 1
        stack[top] = result
    out[:] = stack[0]
    return top == 0


@kernel
def analyse_many(
    tokens: Array, lengths: Array, arity: Array, leaves: Array, kinds: Array, ok: Array, out: Array
) -> None:
    """Write, for padded expressions (expressions, longest) without constants, whether they have a unit, and which."""
    constants = np.zeros(0)
    for e in range(tokens.shape[0]):
        ok[e] = analyse(tokens[e, : lengths[e]], constants, arity, leaves, kinds, out[e])


@kernel
def joined(
    token: int, binary: bool, left: Array, right: Array, states: Array, kinds: Array, ok: Array, out: Array
) -> None:
    """Write, for pairs of stored expressions, whether an operation on them has a unit, and which."""
    none = np.zeros(WIDTH, np.int64)
    for k in range(left.shape[0]):
        ok[k] = combine(token, states[left[k]], states[right[k]] if binary else none, kinds, out[k])


@kernel
def required(rule: int, top: int, bottom: int, side: int, wanted: Array, first: Array, out: Array) -> None:
    """Write the unit that an argument must have when the operation must have ``wanted`` and its first argument has ``first``."""
    out[:] = 0
    out[VALUE] = UNKNOWN
    if rule == CALL or (rule == POWER and side == 1):
        return
    known = wanted[ANY] == 0
    if rule == SAME and side == 1 and first[ANY] == 0:
        out[:7] = first[:7]
    elif rule == SAME and known:
        out[:7] = wanted[:7]
    elif rule == RATIO and side == 1 and first[ANY] == 0:
        out[:7] = first[:7]
    elif (
        rule == SCALED
        and known
        and top != 0
        and scaled(wanted, bottom if top > 0 else -bottom, abs(top), out)
    ):
        out[ANY] = 0
    elif rule == PRODUCT and side == 1 and known and first[ANY] == 0:
        out[:7] = wanted[:7] - first[:7]
    elif rule == QUOTIENT and side == 1 and known and first[ANY] == 0:
        out[:7] = first[:7] - wanted[:7]
    else:
        out[:7] = 0
        out[ANY] = 1


@kernel
def narrow(
    prefix: Array, count: int, arity: Array, leaves: Array, kinds: Array, target: Array, mask: Array
) -> None:
    """Take from ``mask`` the tokens that cannot have the unit which the unfinished ``prefix`` asks for next.

    Where the unit depends on what comes later (the first factor of a product) nothing is taken away, so that a prefix may still
    turn out to have no ending: then no token is left.
    """
    n = max(count, 1)
    op = np.zeros(n, np.int64)
    side = np.zeros(n, np.int64)
    wanted = np.zeros(
        (n + 1, WIDTH), np.int64
    )  # what call i must have, and at [depth] the place that is written next
    first = np.zeros((n, WIDTH), np.int64)
    state = np.zeros(WIDTH, np.int64)
    result = np.zeros(WIDTH, np.int64)
    none = np.zeros(WIDTH, np.int64)
    depth = 0
    wanted[0] = target
    for place in range(count):
        token = prefix[place]
        if arity[token] > 0:
            op[depth] = token
            side[depth] = 0
            depth += 1
        else:
            state[:] = leaves[token]
            while depth > 0 and side[depth - 1] + 1 == arity[op[depth - 1]]:
                depth -= 1
                binary = arity[op[depth]] == 2
                possible = (
                    combine(op[depth], first[depth], state, kinds, result)
                    if binary
                    else combine(op[depth], state, none, kinds, result)
                )
                if not possible:
                    mask[:] = False
                    return
                state[:] = result
            if depth > 0:
                first[depth - 1] = state
                side[depth - 1] = 1
        if depth > 0:
            k = kinds[op[depth - 1]]
            required(k[0], k[1], k[2], side[depth - 1], wanted[depth - 1], first[depth - 1], wanted[depth])
    need = wanted[depth]
    if need[ANY] == 1:
        return
    number = pure(need)
    for token in range(mask.shape[0]):
        if not mask[token]:
            continue
        rule = kinds[token, 0]
        if arity[token] == 0:
            mask[token] = agree(leaves[token], need)
        elif rule == CALL or rule == RATIO or rule == ABSORB:
            mask[token] = number
        elif rule == SCALED:
            top = kinds[token, 1]
            mask[token] = scaled(need, kinds[token, 2] if top > 0 else -kinds[token, 2], abs(top), result)
