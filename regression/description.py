"""How long it takes to write down an expression, and data with its help: the criterion by which a formula is chosen.

Minimum description length (Rissanen 1978; Hansen and Yu 2001), in bits:

- an operation or a variable takes log2(how many there are), an exact number p/q takes log2((1 + |p|)*q) and a fitted constant c
  known to within s takes log2(|c|/s), its justified binary digits: a code after that of AI Feynman 2.0 (Udrescu et al. 2020).  The
  latter is the (1/2)*log2(rows) of BIC with the constant that BIC leaves out;
- the rows take rows*log2(sqrt(2*pi*e)*sigma) for normal errors of standard deviation sigma, estimated with as many degrees of
  freedom as there are rows more than fitted constants.  The errors are either all alike ("additive") or in proportion to the
  target ("relative": normal errors of the logarithm).

The criterion is a convention where the evidence is slight: with few rows, a difference of a few bits between two formulas depends
on how the numbers are coded.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnum import term as interface
from symnum.regression.problem import EXACT, Problem


def number_bits(value: int | Fraction) -> float:
    """Return the bits of an exact number.

    >>> number_bits(1), number_bits(3), number_bits(Fraction(3, 2))
    (1.0, 2.0, 3.0)
    """
    fraction = Fraction(value)
    return math.log2((1 + abs(fraction.numerator)) * fraction.denominator)


def parameter_bits(value: float, deviation: float) -> float:
    """Return the bits of a fitted constant: the binary digits that the data fix, at least one.

    >>> parameter_bits(8.0, 1.0)
    3.0
    """
    if not math.isfinite(value) or not math.isfinite(deviation):
        return 64.0
    return min(max(math.log2(abs(value) / deviation), 1.0), 52.0) if deviation > 0 and value != 0 else 1.0


def describe(term: Any, vocabulary: int) -> tuple[int, float]:
    """Return (complexity, bits) of a term's structure, where fitted (float) constants take no bits yet.

    The complexity counts what one writes: variables, numbers and operations; a sign, and a division, is one operation.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> [describe(t, 16)[0] for t in (x, 2*x, x - y, x/y, x**2, sn.sqrt(x), x**Fraction(3, 2))]
    [1, 3, 3, 3, 3, 2, 3]
    """
    each = math.log2(vocabulary)
    known: dict[Any, tuple[int, float]] = {}
    for node in interface.postorder(term):
        known[interface.key(node)] = _describe(node, known, each)
    return known[interface.key(term)]


def _describe(node: Any, known: dict[Any, tuple[int, float]], each: float) -> tuple[int, float]:
    if interface.is_symbol(node):
        return 1, each
    if interface.is_number(node):
        return _number(interface.value(node))
    head = interface.head(node)
    args = list(interface.args(node))
    if head == "*":
        return _product(args, known, each)
    if head == "^" and interface.is_number(args[1]):
        complexity, bits = known[interface.key(args[0])]
        extra, extra_bits = _exponent(interface.value(args[1]), each)
        return complexity + extra, bits + extra_bits
    complexity = max(len(args) - 1, 1) + sum(known[interface.key(arg)][0] for arg in args)
    return complexity, max(len(args) - 1, 1) * each + sum(known[interface.key(arg)][1] for arg in args)


def _number(value: Any) -> tuple[int, float]:
    return 1, 0.0 if isinstance(value, float) else number_bits(value)


def _exponent(value: Any, each: float) -> tuple[int, float]:
    """Return what an exponent adds to its base: 1/x adds a 1 and a division, sqrt(x) one operation, else a power and a number."""
    if value == Fraction(1, 2):
        return 1, each
    if value == -1:
        return 2, each + number_bits(1)
    return 2, each + _number(value)[1]


def _product(args: list[Any], known: dict[Any, tuple[int, float]], each: float) -> tuple[int, float]:
    complexity, bits, factors = 0, 0.0, 0
    above = any(not _is_reciprocal(arg) for arg in args)
    for arg in args:
        if interface.is_number(arg) and interface.value(arg) == -1:
            bits += 1
            continue
        found = known[interface.key(arg)]
        if above and _is_reciprocal(arg):
            base, exponent = interface.args(arg)
            inner = known[interface.key(base)]
            power = -interface.value(exponent)
            extra = (0, 0.0) if power == 1 else _exponent(power, each)
            found = (inner[0] + extra[0], inner[1] + extra[1])
        complexity += found[0]
        bits += found[1]
        factors += 1
    return complexity + max(factors - 1, 0), bits + max(factors - 1, 0) * each


def _is_reciprocal(node: Any) -> bool:
    if not interface.is_call(node) or interface.head(node) != "^":
        return False
    exponent = interface.args(node)[1]
    return interface.is_number(exponent) and interface.value(exponent) < 0


def residuals(problem: Problem, noise: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted residuals (..., rows) of predicted values: the logarithm of their ratio to the target for relative errors.

    A value of the other sign than its target has the residual nan.
    """
    with np.errstate(all="ignore"):
        difference = np.log(values / problem.y) if noise == "relative" else values - problem.y
    return np.asarray(np.sqrt(problem.weights) * difference)


def noise_floor(problem: Problem, noise: str) -> float:
    """Return the least standard deviation that counts: below it residuals are rounding."""
    return EXACT if noise == "relative" else EXACT * float(np.sqrt(np.mean(problem.weights * problem.y**2)))


def data_bits(problem: Problem, noise: str, loss: float, fitted: int) -> float:
    """Return the bits of the targets when the weighted mean square of the residuals is ``loss`` with ``fitted`` constants.

    They are infinite where no row is left to judge by.
    """
    if problem.rows <= fitted:
        return math.inf
    variance = loss * problem.rows / (problem.rows - fitted)
    deviation = max(math.sqrt(variance), noise_floor(problem, noise))
    bits = problem.rows * math.log2(math.sqrt(2 * math.pi * math.e) * deviation)
    return bits + float(problem.weights @ np.log2(np.abs(problem.y))) if noise == "relative" else bits
