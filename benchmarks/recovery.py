"""Judge whether a model is the law: SRBench's symbolic rule, and beside it the errors on fresh data.

La Cava et al., "Contemporary symbolic regression methods and their relative performance" (2021): with the constants rounded to
three decimals, a model is the law when law - model simplifies to a constant, or model/law to a constant that is not 0; asked only
where R2 on test data is above 0.5.  The law is compared as it stands, and with its own numbers rounded too: 0.159 is 1/(2*pi).

SymPy simplifies in a process that is killed after a time (:mod:`worker`).  Before it is asked, law and model are evaluated with
many digits at points of the test data: where neither difference nor ratio is constant there, the model is not the law, whatever a
simplifier would say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import mpmath
import numpy as np
import sympy
from formulas import on_symbols
from worker import Worker

DECIMALS = 3
DIGITS = 50
SAME = mpmath.mpf(10) ** -30
POINTS = 12
LEAST_R2 = 0.5
NUMERIC = 1e-6
"""The relative error on fresh data below which a model counts as the law numerically."""

WAYS: dict[str, Callable[[Any], Any]] = {
    "as written": lambda e: e, "expanded": sympy.expand, "simplified": lambda e: sympy.simplify(e, ratio=1),
}  # fmt: skip
"""The ways in which a model is written before its constants are rounded."""


@dataclass(frozen=True)
class Verdict:
    """Hold what a judgement found.

    ``symbolic``: SymPy showed that the model, as written or simplified, is the law.  ``expanded``: it did so for the model, or for
    the model multiplied out before its constants were rounded.  ``identical``: law and model, rounded, agree to 30 digits at the
    points tried, shown by SymPy or not.  ``numeric``: the relative error on fresh data is below 1e-6.  ``how`` says what was shown,
    or why nothing was.
    """

    symbolic: bool
    expanded: bool
    identical: bool
    numeric: bool
    r2: float
    error: float
    how: str


def judge(
    worker: Worker, model: str, law: str, data: Mapping[str, Sequence[float]], expected: Any, predicted: Any,
    *, seconds: float = 20.0,
) -> Verdict:  # fmt: skip
    """Return the verdict on a model.

    ``worker`` runs this module; ``model`` is written in x0, x1, ..., in the order of ``data``: name in the law -> its values (rows,)
    on fresh test data.  ``expected`` and ``predicted`` are the law's and the model's values there (rows,).  SymPy is given
    ``seconds`` for each way to write the model, and half of that for evaluating it.
    """
    r2, error = accuracy(expected, predicted)
    numeric = error < NUMERIC
    if not r2 > LEAST_R2:
        return Verdict(False, False, False, numeric, r2, error, f"R2 is {r2:.3g}")
    columns = {name: [float(value) for value in values[:POINTS]] for name, values in data.items()}
    positive = [bool(np.min(values) >= 0) for values in data.values()]
    identical, expanded, how = False, False, "another formula"
    for way in WAYS:
        try:
            exact = worker.call("same_values", model, law, columns, positive, way, seconds=seconds / 2)
            identical = identical or bool(exact)
            found = (
                worker.call("shown", model, law, columns, positive, way, exact, seconds=seconds)
                if exact
                else ""
            )
        except (TimeoutError, RuntimeError) as problem:
            how = str(problem)
            continue
        if found and way != "expanded":
            return Verdict(True, True, True, numeric, r2, error, found)
        expanded = expanded or bool(found)
        if exact:
            how = found or "equal to 30 digits, but SymPy does not show it"
    return Verdict(False, expanded, identical, numeric, r2, error, how)


def accuracy(expected: Any, predicted: Any) -> tuple[float, float]:
    """Return R2 and the largest error relative to the target's size; -inf and inf where the model is undefined.

    The size of a target is its own plus the median one, so that targets near 0 do not decide.

    >>> accuracy([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    (1.0, 0.0)
    """
    y, p = np.asarray(expected, np.float64), np.asarray(predicted, np.float64)
    if not np.all(np.isfinite(p)):
        return -math.inf, math.inf
    spread = float(np.sum((y - y.mean()) ** 2))
    r2 = 1 - float(np.sum((p - y) ** 2)) / spread if spread > 0 else -math.inf
    sizes = np.abs(y) + np.median(np.abs(y))
    return r2, float(np.max(np.abs(p - y) / np.where(sizes > 0, sizes, 1.0)))


def same_values(
    model: str, law: str, columns: dict[str, list[float]], positive: list[bool], way: str
) -> list[bool]:
    """Return which forms of the model equal the law at the points, up to a constant added or multiplied.

    False stands for the form whose numbers are all rounded, as the law's then are too, True for the one that keeps simple fractions.
    """
    symbols = _symbols(list(columns), positive)
    points = list(zip(*columns.values(), strict=True))
    found = []
    for exact, (left, right) in _forms(model, law, symbols, way).items():
        free = sorted(left.free_symbols | right.free_symbols, key=str)
        used = [list(symbols.values()).index(s) for s in free]
        values = sympy.lambdify(free, [left, right], "mpmath")
        with mpmath.workdps(DIGITS):
            pairs = list(_values(values, [[point[k] for k in used] for point in points]))
            if len(pairs) >= 3 and (_constant([a - b for a, b in pairs], pairs) or _ratio_constant(pairs)):
                found.append(exact)
    return found


def shown(
    model: str, law: str, columns: dict[str, list[float]], positive: list[bool], way: str, exact: list[bool]
) -> str:
    """Return how SymPy shows that one of the forms is the law; empty where it does not."""
    forms = _forms(model, law, _symbols(list(columns), positive), way)
    for left, right in (forms[each] for each in exact):
        for what, expression in (("difference", right - left), ("ratio", left / right)):
            for step in (sympy.expand, sympy.simplify, lambda e: sympy.simplify(e.rewrite(sympy.exp))):
                expression = step(expression)
                if not expression.free_symbols and (what == "difference" or expression != 0):
                    return f"{what} {expression}, {way}"
    return ""


def _symbols(names: list[str], positive: list[bool]) -> dict[str, Any]:
    return {
        name: sympy.Symbol(name, **({"positive": True} if above else {"real": True}))
        for name, above in zip(names, positive, strict=True)
    }


def _forms(model: str, law: str, symbols: dict[str, Any], way: str) -> dict[bool, tuple[Any, Any]]:
    """Return the model written in a way, rounded, and the law: with simple fractions kept (True), and with none kept (False)."""
    true = on_symbols(law, symbols)
    given = WAYS[way](on_symbols(model, {f"x{k}": s for k, s in enumerate(symbols.values())}))
    return {True: (rounded(given, True), true), False: (rounded(given, False), rounded(true, False))}


def rounded(expression: Any, exact: bool) -> Any:
    """Return a SymPy expression with its numbers rounded to three decimals.

    Numbers that are multiplied or added are first evaluated.  With ``exact``, fractions with denominators up to 100 and multiples
    of pi are left as they are, since no rounding made them.

    >>> x = sympy.Symbol("x")
    >>> rounded(sympy.pi*x/3 + sympy.Rational("0.12345"), False), rounded(sympy.pi*x/3 + sympy.Rational("0.12345"), True)
    (1047*x/1000 + 123/1000, pi*x/3 + 123/1000)
    """
    done: dict[Any, Any] = {}
    for node in sympy.postorder_traversal(expression):
        if node in done:
            continue
        if node.is_number:
            done[node] = _rounded_number(node, exact)
        elif isinstance(node, sympy.Add | sympy.Mul):
            numbers = [a for a in node.args if a.is_number]
            together = [_rounded_number(node.func(*numbers), exact)] if numbers else []
            done[node] = node.func(*together, *(done[a] for a in node.args if not a.is_number))
        elif not node.args:
            done[node] = node
        else:
            done[node] = node.func(*(done[a] for a in node.args))
    return done[expression]


def _rounded_number(number: Any, exact: bool) -> Any:
    if number.is_Integer:
        return number
    if exact:
        fraction = number / sympy.pi if number.has(sympy.pi) else number
        if fraction.is_Rational and fraction.q <= 100:
            return number
    value = sympy.N(number, 30)
    if not value.is_Float:  # nan, infinite or complex
        return number
    return sympy.Rational(round(sympy.Rational(str(value)) * 10**DECIMALS), 10**DECIMALS)


def _values(function: Callable[..., Any], points: list[list[float]]) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of values at the points where both are real and finite."""
    for point in points:
        try:
            pair = [mpmath.mpmathify(v) for v in function(*map(mpmath.mpf, point))]
        except (ZeroDivisionError, OverflowError, ValueError):
            continue  # a pole
        if all(mpmath.isfinite(v) and abs(mpmath.im(v)) <= SAME * abs(v) for v in pair):
            yield mpmath.re(pair[0]), mpmath.re(pair[1])


def _constant(values: list[Any], pairs: list[tuple[Any, Any]]) -> bool:
    size = max(max(abs(a), abs(b)) for a, b in pairs)
    return bool(max(values) - min(values) <= SAME * size)


def _ratio_constant(pairs: list[tuple[Any, Any]]) -> bool:
    if any(b == 0 for _, b in pairs):
        return False
    ratios = [a / b for a, b in pairs]
    return bool(max(ratios) - min(ratios) <= SAME * max(map(abs, ratios)) and max(map(abs, ratios)) > 0)


def record(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as JSON holds it: what is not finite becomes text."""
    return {
        key: value if not isinstance(value, float) or math.isfinite(value) else str(value)
        for key, value in asdict(verdict).items()
    }
