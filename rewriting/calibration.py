"""Calibration: what each operator costs on this machine, measured in compiled code and kept for the cost model "cycles".

One addition is the unit.  An operator is timed as the difference between a compiled sum of many calls and the same sum without them,
over rows that stay in the first-level cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from symnum.codegen.disk import cache_folder
from symnum.functions import call, hold, ifelse
from symnum.operators import OPERATORS, operator
from symnum.rewriting.cost import CostModel, table_cycles

CALLS, CHEAP_CALLS = 8, 48
"""Calls in one timed sum, and those of a cheap operator, which must outweigh reading the rows."""

CHEAP = 30
"""Cost in the operator table below which an operator is cheap."""

ROWS = 1024
"""Rows of one timed evaluation; their floats fill half of a first-level cache of 32 KiB."""

LEAST = 0.5
"""Least cost of an instruction: one that runs beside the additions of the timed sum still takes its place in a program."""

_STRUCTURE = frozenset(["hold", "pi"])
_LIKE_ADDITION = ("-", "neg", "not", "and", "or", "<", "<=", ">", ">=", "==", "!=")
"""Single instructions that compilers merge with their neighbours, so that they cannot be timed alone."""


def calibrate(
    operators: Iterable[str] | None = None,
    *,
    rounds: int = 7,
    progress: Callable[[str, float], None] | None = None,
) -> CostModel:
    """Measure the operators, keep the result for this machine, and return it as a cost model.

    ``operators`` restricts the measurement to some names; the others keep the cost that is known.  ``progress(name, cost)`` is called
    for each.  It takes about half a minute, most of it for compilation.  Raises LookupError for a name that is not in the table,
    ValueError for no names, and OSError where the result cannot be written.
    """
    chosen = [operator(name).name for name in operators] if operators is not None else sorted(OPERATORS)
    if not chosen:
        raise ValueError(
            f"calibrate got no operators to measure; name some, such as {sorted(OPERATORS)[:3]}, or leave them out"
        )
    known = measured_cycles()
    weights = dict(known.weights) if known is not None and not callable(known.weights) else {}
    timer = _Timer(rounds)
    for name in chosen:
        if name in _STRUCTURE:
            weights[name] = 0.0
        elif name == "+" or name in _LIKE_ADDITION:
            weights[name] = 1.0
        else:
            weights[name] = round(max(timer.operator(name) / timer.addition, LEAST), 3)
        if progress is not None:
            progress(name, weights[name])
    path = calibration_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    partial.write_text(
        json.dumps(
            {"machine": machine(), "nanoseconds_per_addition": timer.addition * 1e9, "weights": weights}
        )
    )
    partial.replace(path)
    measured_cycles.cache_clear()
    found = measured_cycles()
    assert found is not None
    return found


def machine() -> dict[str, str]:
    """Return what the costs depend on: the processor, and the compiler's version."""
    from importlib.metadata import version

    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "numba": version("numba"),
        "llvmlite": version("llvmlite"),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # no such file on this platform
    return platform.processor() or platform.machine()


def calibration_file() -> Path:
    """Return where the costs of this machine are kept."""
    digest = hashlib.sha256(json.dumps(machine(), sort_keys=True).encode()).hexdigest()[:16]
    return cache_folder() / f"cycles-{digest}.json"


@lru_cache(maxsize=1)
def measured_cycles() -> CostModel | None:
    """Return the cost model that :func:`calibrate` kept for this machine, or None; a file that cannot be read is warned of."""
    path = calibration_file()
    try:
        weights = json.loads(path.read_text())["weights"]
        known = {name: weight for name, weight in weights.items() if name in OPERATORS}
        return CostModel("cycles", {**_table_weights(), **known}, default=20.0)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        warnings.warn(
            f"the calibration {path} cannot be used ({problem}), so costs are those of the operator table; "
            f"run symnum calibrate to measure again",
            RuntimeWarning,
            stacklevel=3,
        )
        return None


def _table_weights() -> dict[str, float]:
    return {name: table_cycles.price(name) for name in OPERATORS}


class _Timer:
    """Times compiled sums; the addition is timed when it is first needed."""

    def __init__(self, rounds: int) -> None:
        import numpy as np

        from symnum.symbols import symbols

        self.rounds = rounds
        self.x, self.y = symbols("x y")
        random = np.random.default_rng(0)
        self.columns = random.uniform(0.1, 0.4, ROWS), random.uniform(1.2, 1.9, ROWS)
        # arguments differ, or the calls would be one
        self.shifts = [hold(self.x + k / 64) for k in range(1, CHEAP_CALLS + 1)]
        self.plain = {n: self.seconds(_total(self.shifts[:n])) for n in (CALLS, CHEAP_CALLS)}
        wide = _total([hold(shift + self.y) for shift in self.shifts])
        self.addition = max((self.seconds(wide) - self.plain[CHEAP_CALLS]) / CHEAP_CALLS, 1e-12)

    def operator(self, name: str) -> float:
        """Return the seconds of one call for one row."""
        if name == "*":  # timed in a chain of its own: between additions it would run beside them
            product = self.shifts[0]
            for shift in self.shifts[1:]:
                product = hold(product) * shift
            return self.addition + (self.seconds(product) - self.plain[CHEAP_CALLS]) / (CHEAP_CALLS - 1)
        count = CHEAP_CALLS if OPERATORS[name].cost < CHEAP else CALLS
        total = _total([self.call(name, shift) for shift in self.shifts[:count]])
        return (self.seconds(total) - self.plain[count]) / count

    def call(self, name: str, shift: Any) -> Any:
        low, high = OPERATORS[name].arity
        if name == "/":
            return shift / self.y
        if name == "ifelse":
            return ifelse(shift > self.y - 1, self.x, self.y)
        if name in ("asec", "acsc", "acosh"):
            shift = shift + 1  # their domains begin at 1
        return call(name, shift) if max(low, 1 if high is None else high) == 1 else call(name, shift, self.y)

    def seconds(self, term: Any) -> float:
        """Return the least time of one row."""
        from symnum.codegen.function import compile as compile_terms

        function = compile_terms(term, [self.x, self.y], target="numba")
        best = float("inf")
        for _ in range(self.rounds):
            begin = time.perf_counter()
            for _ in range(50):
                function(*self.columns)
            best = min(best, time.perf_counter() - begin)
        return best / (50 * ROWS)


def _total(parts: list[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = hold(total) + part
    return total
