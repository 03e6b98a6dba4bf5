"""Regression: from a table of data to the equation behind it, as a scikit-learn estimator.

Import it as `symnum.regression`. The folder lies at the top of the repository, so a Python started there could also find it
under its bare name; the guard below turns that second, broken copy into one clear sentence.

>>> import numpy as np
>>> from symnum.regression import SymbolicRegressor
>>> a = np.array([[0.4], [0.7], [1.0], [1.5], [5.2], [9.5]])
>>> model = SymbolicRegressor(time_limit=None, max_evaluations=10_000).fit(a, a[:, 0] ** 1.5)
>>> print(model.expression_)
x0^(3/2)
"""

from __future__ import annotations

import importlib
from typing import Any

if __name__ != "symnum.regression":
    raise ImportError(
        f"this package was imported as {__name__!r}, but it is a part of symnum and works only as 'symnum.regression'; "
        "write 'import symnum.regression', or start Python with -P so that the current folder is not searched"
    )

_HOME = {
    "SymbolicRegressor": "estimator",
    "Constraints": "constraints",
    "Equation": "pareto",
    "ExpressionEnv": "environment",
    "FitReport": "report",
    "Loss": "losses",
    "Progress": "progress",
    "RegressionProblem": "problems",
    "Template": "templates",
    "Units": "units",
    "fit_report": "report",
    "load_problem": "problems",
}
"""Public name -> module; loaded at first use, because scikit-learn takes a second to import."""

__all__ = [
    "Constraints",
    "Equation",
    "ExpressionEnv",
    "FitReport",
    "Loss",
    "Progress",
    "RegressionProblem",
    "SymbolicRegressor",
    "Template",
    "Units",
    "fit_report",
    "load_problem",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'symnum.regression' has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    found = getattr(importlib.import_module(f"symnum.regression.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
