"""Well-known problems of symbolic regression, ready to be fitted: the lists of Nguyen, Livermore, Jin and others.

Sampling is that of the literature: U(low, high, n) are n uniform samples of each variable, E(low, high, n) a grid of n points.
"""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TEST_ROWS = 1000


@dataclass(frozen=True)
class Sampling:
    """Hold how a variable is sampled: ``kind`` is "U" (uniform) or "E" (grid), ``amount`` the points, or the step if below the range."""

    kind: str
    low: float
    high: float
    amount: float

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return the samples (rows,)."""
        if self.kind == "U":
            return rng.uniform(self.low, self.high, int(self.amount))
        span = self.high - self.low
        points = int(self.amount) if self.amount >= span else round(span / self.amount) + 1
        return np.linspace(self.low, self.high, points)

    def fresh(self) -> Sampling:
        """Return the uniform samples of the same range that a model is tested on."""
        return Sampling("U", self.low, self.high, TEST_ROWS)


def U(low: float, high: float, amount: float = 20) -> Sampling:
    """Return uniform sampling."""
    return Sampling("U", low, high, amount)


def E(low: float, high: float, amount: float = 20) -> Sampling:
    """Return a grid."""
    return Sampling("E", low, high, amount)


@dataclass(frozen=True)
class RegressionProblem:
    """Hold data to be explained: ``X`` (rows, columns), ``y`` (rows,), the columns' names, test data, and the law where it is known.

    The test data are fresh uniform samples of the same ranges, without noise; for a file they are None, and so is the law.
    """

    name: str
    X: Floats
    y: Floats
    feature_names: tuple[str, ...]
    X_test: Floats | None = None
    y_test: Floats | None = None
    law: Any = field(default=None, compare=False)

    def __iter__(self) -> Iterator[Floats]:
        """Yield X and y, so that ``X, y = load_problem(...)`` can be written."""
        return iter((self.X, self.y))

    def __repr__(self) -> str:
        law = "" if self.law is None else f", y = {self.law}"
        return f"RegressionProblem({self.name!r}, {len(self.y)} rows of {', '.join(self.feature_names)}{law})"


def load_problem(
    name: str | PathLike[str], *, target: str | None = None, noise: float = 0.0, random_state: int = 0
) -> RegressionProblem:
    """Return a problem of the literature by its name, or the table of a file (CSV, TSV, Parquet) whose column ``target`` is y.

    ``noise`` is the standard deviation of what is added to the training targets of a listed problem, in parts of their root mean square,
    as SRBench does.  The same ``random_state`` gives the same rows.  Raises LookupError for an unknown name, OSError for a file that
    cannot be read, ValueError for noise below 0 or a file without a target.

    >>> problem = load_problem("Nguyen-5")
    >>> problem.X.shape, problem.law, problem.feature_names
    ((20, 1), cos(x)*sin(x^2) - 1, ('x',))
    """
    if noise < 0:
        raise ValueError(f"noise is {noise!r}, but a standard deviation is not below 0; write noise=0.01")
    listed = {each[0].lower(): each for rows in LISTS.values() for each in rows}
    row = listed.get(str(name).lower())
    if row is not None:
        if target is not None:
            raise ValueError(
                f"target={target!r} was given, but {row[0]} is a problem of a list, whose target is y"
            )
        return _sampled(*row, noise, random_state)
    path = Path(name)
    if not (path.suffix or path.exists()):
        near = difflib.get_close_matches(str(name).lower(), listed, 3)
        hint = f"near are {', '.join(listed[each][0] for each in near)}" if near else "known are " + _known()
        raise LookupError(
            f"no problem is called {name!r}; {hint}; or give the path of a table and target=..."
        )
    if noise:
        raise ValueError(f"noise={noise!r} is for problems of a list; the data of {path.name} have their own")
    return _table(path, target)


def _known() -> str:
    return ", ".join(f"{rows[0][0]} to {rows[-1][0]}" for rows in LISTS.values())


def _table(path: Path, target: str | None) -> RegressionProblem:
    from symnum.regression.tables import read_table

    if target is None:
        raise ValueError(f"which column of {path.name} is to be explained? write target='name'")
    columns = dict(read_table(path).columns)
    if target not in columns:
        raise LookupError(f"{path.name} has no column {target!r}; it has {', '.join(columns)}")
    y = columns.pop(target)
    if not columns:
        raise ValueError(f"{path.name} has no column besides the target {target!r}")
    return RegressionProblem(path.name, np.column_stack(list(columns.values())), y, tuple(columns))


def _sampled(name: str, law: str, sampling: Sampling, noise: float, seed: int) -> RegressionProblem:
    term, names = _law(law)
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    X, y = _drawn(term, names, sampling, rng)
    X_test, y_test = _drawn(term, names, sampling.fresh(), rng)
    if noise:
        y = y + rng.normal(0, noise * float(np.sqrt(np.mean(y**2))), len(y))
    return RegressionProblem(name, X, y, names, X_test, y_test, term)


@cache
def _law(law: str) -> tuple[Any, tuple[str, ...]]:
    from symnum import term as interface
    from symnum.text.parser import parse

    term = parse(law)
    return term, tuple(sorted(str(symbol) for symbol in interface.free_symbols(term)))


def _drawn(
    term: Any, names: tuple[str, ...], sampling: Sampling, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    from symnum.codegen.function import compile
    from symnum.symbols import symbols

    columns = [sampling.draw(rng) for _ in names]
    if sampling.kind == "E" and len(names) > 1:
        columns = [axis.ravel() for axis in np.meshgrid(*columns, indexing="ij")]
    with np.errstate(all="ignore"):
        y = np.asarray(compile(term, [symbols(name) for name in names], target="numpy")(*columns), float)
    X = np.column_stack(columns)
    defined = np.isfinite(y)
    return X[defined], y[defined]


def _powers(degree: int) -> str:
    return "+".join(f"x**{k}" for k in range(degree, 0, -1))


_RATIONAL = (
    ("R-1", "(x+1)**3/(x**2-x+1)"),
    ("R-2", "(x**5-3*x**3+1)/(x**2+1)"),
    ("R-3", "(x**6+x**5)/(x**4+x**3+x**2+x+1)"),
)

LISTS: dict[str, tuple[tuple[str, str, Sampling], ...]] = {
    "nguyen": (
        ("Nguyen-1", "x**3+x**2+x", U(-1, 1)),
        ("Nguyen-2", "x**4+x**3+x**2+x", U(-1, 1)),
        ("Nguyen-3", "x**5+x**4+x**3+x**2+x", U(-1, 1)),
        ("Nguyen-4", "x**6+x**5+x**4+x**3+x**2+x", U(-1, 1)),
        ("Nguyen-5", "sin(x**2)*cos(x)-1", U(-1, 1)),
        ("Nguyen-6", "sin(x)+sin(x+x**2)", U(-1, 1)),
        ("Nguyen-7", "log(x+1)+log(x**2+1)", U(0, 2)),
        ("Nguyen-8", "sqrt(x)", U(0, 4)),
        ("Nguyen-9", "sin(x)+sin(y**2)", U(0, 1)),
        ("Nguyen-10", "2*sin(x)*cos(y)", U(0, 1)),
        ("Nguyen-11", "x**y", U(0, 1)),
        ("Nguyen-12", "x**4-x**3+y**2/2-y", U(0, 1)),
        ("Nguyen-12*", "x**4-x**3+y**2/2-y", U(0, 10)),
    ),
    "nguyen-c": (
        ("Nguyen-1c", "3.39*x**3+2.12*x**2+1.78*x", U(-1, 1)),
        ("Nguyen-2c", "0.48*x**4+3.39*x**3+2.12*x**2+1.78*x", U(-1, 1)),
        ("Nguyen-5c", "sin(x**2)*cos(x)-0.75", U(-1, 1)),
        ("Nguyen-7c", "log(x+1.4)+log(x**2+1.3)", U(0, 2)),
        ("Nguyen-8c", "sqrt(1.23*x)", U(0, 4)),
        ("Nguyen-9c", "sin(1.5*x)+sin(0.5*y**2)", U(0, 1)),
        ("Nguyen-10c", "sin(1.5*x)*cos(0.5*y)", U(0, 1)),
        ("Constant-4", "2.7*x**y", U(0, 1)),
        ("Constant-6", "x**0.426", U(0, 4)),
        ("Constant-7", "2*sin(1.3*x)*cos(y)", U(0, 1)),
    ),
    "rational": (
        *((name, law, E(-1, 1)) for name, law in _RATIONAL),
        *((f"{name}*", law, E(-10, 10)) for name, law in _RATIONAL),
    ),
    "livermore": (
        ("Livermore-1", "1/3+x+sin(x**2)", U(-10, 10, 1000)),
        ("Livermore-2", "sin(x**2)*cos(x)-2", U(-1, 1)),
        ("Livermore-3", "sin(x**3)*cos(x**2)-1", U(-1, 1)),
        ("Livermore-4", "log(x+1)+log(x**2+1)+log(x)", U(0, 2)),
        ("Livermore-5", "x**4-x**3+x**2-y", U(0, 1)),
        ("Livermore-6", "4*x**4+3*x**3+2*x**2+x", U(-1, 1)),
        ("Livermore-7", "sinh(x)", U(-1, 1)),
        ("Livermore-8", "cosh(x)", U(-1, 1)),
        ("Livermore-9", _powers(9), U(-1, 1)),
        ("Livermore-10", "6*sin(x)*cos(y)", U(0, 1)),
        ("Livermore-11", "x**2*y**2/(x+y)", U(-1, 1, 50)),
        ("Livermore-12", "x**5/y**3", U(-1, 1, 50)),
        ("Livermore-13", "x**(1/3)", U(0, 4)),
        ("Livermore-14", "x**3+x**2+x+sin(x)+sin(x**2)", U(-1, 1)),
        ("Livermore-15", "x**(1/5)", U(0, 4)),
        ("Livermore-16", "x**(2/5)", U(0, 4)),
        ("Livermore-17", "4*sin(x)*cos(y)", U(0, 1)),
        ("Livermore-18", "sin(x**2)*cos(x)-5", U(-1, 1)),
        ("Livermore-19", "x**5+x**4+x**2+x", U(-1, 1)),
        ("Livermore-20", "exp(-x**2)", U(-1, 1)),
        ("Livermore-21", _powers(8), U(-1, 1)),
        ("Livermore-22", "exp(-0.5*x**2)", U(-1, 1)),
    ),
    "jin": (
        ("Jin-1", "2.5*x**4-1.3*x**3+0.5*y**2-1.7*y", U(-3, 3, 100)),
        ("Jin-2", "8*x**2+8*y**3-15", U(-3, 3, 100)),
        ("Jin-3", "0.2*x**3+0.5*y**3-1.2*y-0.5*x", U(-3, 3, 100)),
        ("Jin-4", "1.5*exp(x)+5*cos(y)", U(-3, 3, 100)),
        ("Jin-5", "6*sin(x)*cos(y)", U(-3, 3, 100)),
        ("Jin-6", "1.35*x*y+5.5*sin((x-1)*(y-1))", U(-3, 3, 100)),
    ),
}
"""List -> rows of name, law and sampling.

nguyen: Uy et al. 2011; 12* is 12 on a wide range.  nguyen-c: RSRM's and SPL's problems with constants (1, 2, 5, 8, 9, 10), DSR's (1, 5,
7, 8, 10) and its others.  rational: Krawiec and Pawlak 2013, starred on [-10, 10].  livermore: Mundhenk et al. 2021, numbered as by NGGP,
RSRM and iMCTS.  jin: Jin et al. 2019.
"""
