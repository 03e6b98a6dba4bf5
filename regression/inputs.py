"""Check what a user hands to ``fit`` and ``predict``: each error names the row and the column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from symnum.operators import OPERATORS
from symnum.regression.kernels import HUGE
from symnum.symbols import RESERVED

Floats = NDArray[np.float64]


def checked_table(estimator: Any, X: Any) -> Floats:
    """Return ``X`` (rows, columns) for a prediction."""
    return _checked(estimator, X, "no_validation", reset=False)[0]


def checked_data(estimator: Any, X: Any, y: Any) -> tuple[Floats, Floats]:
    """Return ``X`` (rows, columns) and ``y`` (rows,) or (rows, outputs), and note the columns in the estimator."""
    if issparse(y):
        raise TypeError("y is sparse, and a search needs dense targets; write y.toarray()")
    if y is not None:
        _check_finite_target(y)
    table, target = _checked(estimator, X, y, reset=True, multi_output=True, y_numeric=True)
    try:
        return table, np.asarray(target, np.float64)
    except ValueError as problem:
        raise ValueError(f"y holds what is no number ({problem}); give numbers") from problem


def _checked(estimator: Any, X: Any, y: Any, **options: Any) -> tuple[Floats, Any]:
    """Return what scikit-learn makes of X and y, after the checks of its own that need no row."""
    try:
        checked = validate_data(estimator, X, y, dtype=np.float64, ensure_all_finite=False, **options)
    except (TypeError, ValueError) as problem:
        where = _no_number(X)
        if where is None:
            raise
        raise type(problem)(
            f"{where}: {problem}; leave the column out, or encode it as numbers, such as with sklearn's OneHotEncoder"
        ) from problem
    table, target = checked if isinstance(checked, tuple) else (checked, None)
    _check_finite(table, getattr(estimator, "feature_names_in_", None))
    return table, target


def _no_number(X: Any) -> str | None:
    """Say which column of a table cannot be numbers, or return None."""
    for name, dtype, column in _columns(X):
        try:
            np.asarray(column, np.float64)
        except (TypeError, ValueError):
            for row, value in enumerate(column):
                try:
                    float(value)
                except (TypeError, ValueError):
                    return f"column {name!r} of X has dtype {dtype} and holds {value!r} in row {row}, which is no number"
    return None


def _columns(X: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield name, dtype and values of each column of a data frame or an array."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        for k, name in enumerate(X.columns):
            column = X.iloc[:, k] if hasattr(X, "iloc") else X[name]
            yield name, column.dtype, column
    elif not issparse(X):
        try:
            table = np.asarray(X)
        except ValueError:  # rows of different lengths
            return
        if table.ndim == 2 and table.dtype.kind in "OUS":
            for k in range(table.shape[1]):
                yield f"x{k}", table.dtype, table[:, k]


def _check_finite(table: Floats, names: Sequence[str] | None) -> None:
    bad = ~np.isfinite(table)
    if bad.any():
        row, k = (int(each[0]) for each in np.nonzero(bad))
        kind = "NaN" if np.isnan(table[row, k]) else "infinity"
        name = f"x{k}" if names is None else str(names[k])
        count = int(bad.any(axis=1).sum())
        raise ValueError(
            f"Input X contains {kind}: {table[row, k]} in row {row}, column {name!r} (column {k}); {count} of {len(table)} rows have "
            "such values: leave them out, as in X[np.isfinite(X).all(axis=1)], or fill them, such as with sklearn's SimpleImputer"
        )


def _check_finite_target(y: Any) -> None:
    try:
        values = np.asarray(y, np.float64)
    except (TypeError, ValueError):
        return  # scikit-learn says what is wrong
    bad = ~np.isfinite(values)
    if values.ndim in (1, 2) and bad.any():
        place = tuple(int(each[0]) for each in np.nonzero(bad))
        kind = "NaN" if np.isnan(values[place]) else "infinity"
        output = f", output {place[1]}" if len(place) == 2 else ""
        raise ValueError(
            f"Input y contains {kind}: {values[place]} in row {place[0]}{output}; leave out the rows without a target"
        )


def checked_weights(sample_weight: ArrayLike | None, rows: int) -> Floats:
    """Return weights (rows,); raises ValueError unless they are finite, not negative and not all zero."""
    if sample_weight is None:
        return np.ones(rows)
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == 0:
        weights = np.full(rows, float(weights))
    if weights.shape != (rows,):
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(rows,)}: give one weight for each row of X"
        )
    if not np.all(np.isfinite(weights)) or np.any(weights < 0):
        bad = int(np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[0])
        raise ValueError(
            f"sample_weight[{bad}] is {weights[bad]}, but weights are finite and not negative; "
            "leave the row out or give it weight 0"
        )
    if not np.any(weights > 0):
        raise ValueError(
            "every sample_weight is zero, so there is nothing to fit; give some rows a positive weight"
        )
    return weights


def check_size(X: Floats, y: Floats, names: Sequence[str]) -> None:
    """Raise ValueError for values whose squares overflow or vanish."""
    for name, values in (("y", y), *zip(names, X.T, strict=True)):
        largest = float(np.abs(values).max())
        if largest > HUGE or 0 < largest < 1 / HUGE:
            raise ValueError(
                f"the values of {name} reach {largest:.3g}, which a search cannot square in float64; "
                "rescale them, in other units"
            )


def varying(X: Floats) -> list[int]:
    """Return the columns that vary and do not repeat an earlier one.

    >>> varying(np.array([[1.0, 5.0, 1.0, 3.0], [2.0, 5.0, 2.0, 4.0]]))
    [0, 3]
    """
    seen: set[bytes] = set()
    kept = []
    for k, column in enumerate(X.T):
        key = np.ascontiguousarray(column + 0.0).tobytes()
        if np.ptp(column) > 0 and key not in seen:
            seen.add(key)
            kept.append(k)
    return kept


def feature_names(given: Sequence[Any] | None, count: int) -> list[str]:
    """Return the names of the symbols of the columns.

    >>> feature_names(["semi-major axis", "sin", "a b", "a_b"], 4)
    ['semi_major_axis', 'sin_', 'a_b', 'a_b_2']
    """
    if given is None:
        return [f"x{k}" for k in range(count)]
    names: list[str] = []
    for each in given:
        name = re.sub(r"\W", "_", str(each)) or "x"
        name = f"x_{name}" if name[0].isdigit() else name
        name = f"{name}_" if name in RESERVED or name in OPERATORS or not name.isidentifier() else name
        unique, suffix = name, 2
        while unique in names:
            unique, suffix = f"{name}_{suffix}", suffix + 1
        names.append(unique)
    return names
