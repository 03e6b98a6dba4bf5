"""Pictures of a fitted regressor, with matplotlib: the front, predictions and residuals, and how the search went.

``X`` and ``y`` are the rows to draw, by default the training rows; ``target`` is what y is called, such as "period [years]" (default:
the name that y has as a pandas Series, or y).  Each function draws on ``ax``, or on a new figure of its own, and returns the Axes;
``ax.figure.savefig("front.png")`` writes it.
``index`` is a place in ``equations_``, None the chosen equation.  The colours are those of Okabe and Ito, which the colour-blind can
tell apart, and differ in shape too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symnum import term as interface

Floats = NDArray[np.float64]

BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

POINTS = 5000
"""The most points of a cloud; of more rows, equally spaced ones are drawn, and the label says so."""

CURVE = 300
"""Points of a curve."""


def new_axes(width: float = 6.4, height: float = 4.4) -> Any:
    """Return the Axes of a new figure, which no window and no list of figures holds; raises ImportError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise ImportError("plots need matplotlib; run: pip install 'symnum[plot]'") from problem
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def pareto_front(model: Any, ax: Any = None) -> Any:
    """Draw loss against complexity for all equations, the front joined and the chosen one marked."""
    model.equation()  # tells whether there are any
    ax = new_axes() if ax is None else ax
    equations = model.equations_
    complexity = np.array([each.complexity for each in equations])
    loss = np.array([each.loss for each in equations])
    on_front = np.array([each.on_front for each in equations])
    positive = loss[loss > 0]
    lowest = positive.min() / 10 if len(positive) else 1e-300
    shown = np.maximum(loss, lowest)
    if not np.all(on_front):
        ax.plot(complexity[~on_front], shown[~on_front], "x", color=GREY, label="other equations")
    ax.plot(complexity[on_front], shown[on_front], "o-", color=BLUE, drawstyle="steps-post", label="front")
    if np.any(loss <= 0):
        ax.plot(complexity[loss <= 0], shown[loss <= 0], "v", color=BLUE, label="loss 0")
    best = equations.chosen
    text = str(equations[best].expression)
    label = f"chosen: {text}" if len(text) <= 60 else "chosen"
    ax.plot(complexity[best], shown[best], "*", color=VERMILION, markersize=15, label=_plain(label))
    ax.set_yscale("log")
    names = {"additive": "mean squared error", "relative": "mean squared error of log(y)"}
    ax.set(xlabel="complexity", ylabel=names.get(model.noise_, f"mean loss ({model.noise_})"))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(fontsize="small")
    return ax


def predictions(
    model: Any,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    index: int | None = None,
    ax: Any = None,
    target: str | None = None,
) -> Any:
    """Draw predictions against measurements, with the line on which they are equal."""
    _, measured, predicted = model._compared(X, y, index)
    ax = new_axes() if ax is None else ax
    some, label = _some(len(measured), "rows")
    both = np.concatenate([measured, predicted[np.isfinite(predicted)]])
    ends = [float(both.min()), float(both.max())]
    ax.plot(ends, ends, "-", color=GREY, label="equal")
    ax.plot(measured[some], predicted[some], "o", color=BLUE, label=label, **_cloud(measured))
    name = target_name(y, target)
    ax.set(xlabel=f"{name}, measured", ylabel=f"{name}, predicted")
    ax.legend(fontsize="small")
    return ax


def curve(
    model: Any,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    column: int = 0,
    level: float | None = None,
    index: int | None = None,
    ax: Any = None,
    feature: str | None = None,
    target: str | None = None,
) -> Any:
    """Draw measurements and the formula over one column, the others at their medians; with ``level``, the interval of a new measurement.

    ``feature`` is what the column is called, such as "distance [Mpc]".  Raises IndexError where there is no such column.
    """
    table, measured, _ = model._compared(X, y, index)
    count = table.shape[1]
    if not -count <= column < count:
        raise IndexError(f"there is no column {column}; X has {count}, so column is {-count} to {count - 1}")
    ax = new_axes() if ax is None else ax
    along = np.repeat(np.median(table, axis=0)[None], CURVE, axis=0)
    along[:, column] = np.linspace(table[:, column].min(), table[:, column].max(), CURVE)
    if level is not None:
        low, high = model._interval(along, level, index=index)
        label = f"{level:.0%} of new measurements"
        ax.fill_between(along[:, column], low, high, color=BLUE, alpha=0.2, label=label)
    some, label = _some(len(measured), "measured")
    ax.plot(table[some, column], measured[some], "o", color="black", label=label, **_cloud(measured))
    text = str(model.equation(index).expression)
    label = _plain(text) if len(text) <= 60 else "formula"
    label += "" if count == 1 else ", other columns at their medians"
    ax.plot(along[:, column], model._values(along, index), "-", color=BLUE, label=label)
    name = _plain(interface.name(model.symbols_[column])) if feature is None else feature
    ax.set(xlabel=name, ylabel=target_name(y, target))
    ax.legend(fontsize="small")
    return ax


def residuals(
    model: Any,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    index: int | None = None,
    ax: Any = None,
    target: str | None = None,
) -> Any:
    """Draw residuals against predictions; where errors are relative, they are logarithms of measured over predicted."""
    _, measured, predicted = model._compared(X, y, index)
    ax = new_axes() if ax is None else ax
    left = _left(model, measured, predicted)
    some, label = _some(len(left), "rows")
    ax.axhline(0.0, color=GREY)
    ax.plot(predicted[some], left[some], "o", color=BLUE, label=label, **_cloud(left))
    name = target_name(y, target)
    ylabel = "log(measured/predicted)" if model.noise_ == "relative" else "measured - predicted"
    ax.set(xlabel=f"{name}, predicted", ylabel=ylabel)
    ax.legend(fontsize="small")
    return ax


def residual_quantiles(
    model: Any,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    index: int | None = None,
    ax: Any = None,
) -> Any:
    """Draw the ordered residuals against quantiles of the normal distribution (QQ plot): normal errors lie on the line.

    Raises ValueError for less than two rows on which the formula is defined.
    """
    from scipy.special import ndtri

    _, measured, predicted = model._compared(X, y, index)
    left = _left(model, measured, predicted)
    left = np.sort(left[np.isfinite(left)])
    count = len(left)
    if count < 2:
        raise ValueError(
            f"a plot of quantiles needs two rows or more, and the formula is defined on {count}; give more rows"
        )
    ax = new_axes() if ax is None else ax
    quantiles = ndtri((np.arange(count) + 0.5) / count)
    scale, centre = float(np.std(left)), float(np.mean(left))
    some, label = _some(count, "residuals")
    ax.plot(quantiles, centre + scale * quantiles, "-", color=GREY, label="normal errors")
    ax.plot(quantiles[some], left[some], "o", color=BLUE, markersize=4, label=label)
    ax.set(xlabel="quantile of the normal distribution", ylabel="ordered residual")
    ax.legend(fontsize="small")
    return ax


def search_progress(model: Any, ax: Any = None) -> Any:
    """Draw the best loss over the time of the search, with the complexity of the equation that has it.

    The model needs ``history_``, rows (seconds, evaluations, best loss, complexity); raises ValueError where there is none.
    """
    model.equation()
    history = getattr(model, "history_", None)
    if history is None or len(history) == 0:
        what = "history_, which it does not have" if history is None else "history_, which is empty"
        raise ValueError(
            f"a plot of the progress needs the model's {what}: a fit records rows (seconds, evaluations, best loss, complexity), "
            "except where the target is constant and nothing is searched"
        )
    seconds, _, loss, complexity = np.array([tuple(row)[:4] for row in history], np.float64).T
    ax = new_axes() if ax is None else ax
    positive = loss[loss > 0]
    lowest = positive.min() / 10 if len(positive) else 1e-300
    shown = np.maximum(loss, lowest)
    ax.plot(seconds, shown, "o-", color=BLUE, drawstyle="steps-post", markersize=4, label="best loss")
    ax.set_yscale("log")
    ax.set(xlabel="time [s]", ylabel="best loss so far")
    right = ax.twinx()
    right.plot(seconds, complexity, "s--", color=VERMILION, drawstyle="steps-post", markersize=4, label="its complexity")  # fmt: skip
    right.set_ylabel("complexity")
    right.yaxis.get_major_locator().set_params(integer=True)
    ax.legend(handles=[*ax.get_lines(), *right.get_lines()], fontsize="small")
    return ax


def target_name(y: Any, target: str | None = None) -> str:
    """Return what a target is called: ``target``, or the name that a pandas Series has, else y."""
    name = getattr(y, "name", None) if target is None else target
    return _plain(str(name)) if name is not None else "y"


def _plain(text: str) -> str:
    """Return text in which matplotlib reads no mathematics."""
    return text.replace("$", r"\$")


def _left(model: Any, measured: Floats, predicted: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(
            np.log(measured / predicted) if model.noise_ == "relative" else measured - predicted
        )


def _cloud(values: Floats) -> dict[str, Any]:
    """Return how points are drawn: many of them as an image, also in a drawing of lines."""
    return {"markersize": 4, "alpha": 0.7, "rasterized": len(values) > 1000}


def _some(rows: int, what: str) -> tuple[NDArray[np.int64], str]:
    """Return places of the rows to draw, and what to call them."""
    if rows <= POINTS:
        return np.arange(rows), what
    return np.linspace(0, rows - 1, POINTS).astype(np.int64), f"{what} ({POINTS:,} of {rows:,})"
