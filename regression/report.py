"""How well a fitted model describes data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class FitReport:
    """Hold the number of rows, R2, the root mean square error, and the largest error relative to the target (over targets not 0)."""

    rows: int
    r2: float
    rmse: float
    max_relative_error: float

    @classmethod
    def of(cls, target: NDArray[np.float64], predicted: NDArray[np.float64]) -> FitReport:
        """Return how well predicted values (rows,) agree with targets (rows,)."""
        error = predicted - target
        spread = float(np.sum((target - target.mean()) ** 2))
        nonzero = target != 0
        relative = np.abs(error[nonzero] / target[nonzero])
        return cls(
            rows=len(target),
            r2=1 - float(np.sum(error**2)) / spread if spread > 0 else float("nan"),
            rmse=float(np.sqrt(np.mean(error**2))),
            max_relative_error=float(relative.max()) if len(relative) else float("nan"),
        )

    def __str__(self) -> str:
        return f"rows: {self.rows}, R2: {self.r2:.10g}, RMSE: {self.rmse:.4g}, largest relative error: {self.max_relative_error:.3g}"


def fit_report(model: Any, X: ArrayLike, y: ArrayLike) -> FitReport:
    """Return how well ``model.predict(X)`` agrees with ``y``.

    R2 is nan when all targets are equal.  Raises ValueError when ``y`` does not have one value for each prediction.

    >>> import numpy as np
    >>> class Doubling:
    ...     def predict(self, X):
    ...         return 2 * X[:, 0]
    >>> print(fit_report(Doubling(), np.array([[1.0], [2.0]]), [2.0, 5.0]))
    rows: 2, R2: 0.7777777778, RMSE: 0.7071, largest relative error: 0.2
    """
    predicted = np.asarray(model.predict(X), np.float64)
    target = np.asarray(y, np.float64)
    if target.shape != predicted.shape:
        raise ValueError(
            f"y has shape {target.shape}, but the model predicts shape {predicted.shape}; give one target for each row of X"
        )
    return FitReport.of(target, predicted)
