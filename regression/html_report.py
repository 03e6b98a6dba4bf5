"""One self-contained HTML page about a formula: no script, nothing from the network, plots inside.

The equation is MathML, which browsers typeset themselves.  All that comes from the data (names of columns, titles) is escaped, and a
content-security policy forbids scripts and requests.
"""

from __future__ import annotations

import base64
import html
import io
import os
import platform
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import symnum
from symnum import term as interface
from symnum.regression import plots
from symnum.regression.report import FitReport
from symnum.text.latex import latex
from symnum.text.mathml import mathml

Floats = NDArray[np.float64]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
math { font-size: 1.4rem; margin: 1rem 0; overflow-x: auto; } code, pre { font: 0.9rem ui-monospace, monospace; }
pre { background: #f5f5f5; padding: 0.7rem; overflow-x: auto; } table { border-collapse: collapse; }
th, td { padding: 0.2rem 0.7rem; border-bottom: 1px solid #e4e4e4; text-align: left; } .wide { overflow-x: auto; }
tr.other { color: #707070; } figure { display: inline-block; margin: 0.5rem; } img { max-width: 100%; } .note { color: #707070; }
@media print { body { margin: 0; } }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_report(
    model: Any,
    path: str | os.PathLike[str],
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    index: int | None = None,
    title: str | None = None,
    target: str | None = None,
) -> str:
    """Write the page of :func:`page` to ``path`` and return the path.

    The file appears complete or not at all.  Raises OSError where it cannot be written, before anything is drawn.
    """
    model.equation(index)
    place = Path(path)
    if place.is_dir():
        raise IsADirectoryError(
            f"{str(place)!r} is a folder; name a file in it, such as {str(place / 'report.html')!r}"
        )
    if not place.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(place.parent)!r} for the report; make it, or write elsewhere"
        )
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".report-", suffix=".html")
    except OSError as problem:
        raise type(problem)(
            f"the report cannot be written to {str(place)!r}: {problem.strerror or problem}; name a folder that you may write to"
        ) from problem
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(page(model, X, y, index=index, title=title, target=target))
        os.chmod(name, 0o644)
        os.replace(name, place)
    except BaseException:
        os.unlink(name)
        raise
    return str(place)


def page(
    model: Any,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    index: int | None = None,
    title: str | None = None,
    target: str | None = None,
) -> str:
    """Return the page about an equation on ``X`` and ``y``, by default the training rows.

    Without matplotlib it has no plots, says so, and a UserWarning is given.  Raises ValueError for only one of X and y, and for training
    rows that the model does not keep.
    """
    equation = model.equation(index)
    name = target or str(getattr(y, "name", None) or "y")
    table, measured, predicted = model._compared(X, y, index)
    source = "the training rows, equal ones merged" if X is None else "the rows given for this report"
    title = title or f"{name} = {_short(str(equation.expression))}"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        *_equation(equation, name),
        *_quality(model, measured, predicted, source),
        "<h2>Equations</h2>",
        f'<div class="wide">{model.equations_._repr_html_()}</div>',
        '<p class="note">Bits are the length of the description of formula and data; the score is what they save compared with the best '
        "constant. The chosen equation has the fewest bits.</p>",
        *_uncertainty(model, X, y, index),
        *_plots(model, X, y, index, name),
        *_data(model, table, measured, name),
        *_settings(model),
        *_reuse(model, equation, name),
        *_versions(),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _short(text: str, longest: int = 60) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


# --- sections -----------------------------------------------------------------------------------------------------------------


def _equation(equation: Any, name: str) -> Iterator[str]:
    typeset = mathml(equation.expression)
    opening = '<math display="block">'
    left = f"{opening}<mi>{html.escape(name)}</mi><mo>=</mo>"
    yield left + typeset.removeprefix(opening)
    yield f"<pre>{html.escape(name)} = {html.escape(str(equation.expression))}</pre>"
    yield _table(
        [
            ("complexity", str(equation.complexity)),
            ("loss", f"{equation.loss:.6g}"),
            ("score (bits saved)", f"{equation.score:.1f}"),
        ]
    )


def _quality(model: Any, measured: Floats, predicted: Floats, source: str) -> Iterator[str]:
    """Yield how well the equation describes the rows."""
    defined = np.isfinite(predicted)
    yield "<h2>Fit</h2>"
    rows = [("rows", f"{len(measured):,} ({source})")]
    if not defined.all():
        rows.append(("undefined on", f"{int(np.sum(~defined)):,} rows, which are left out of what follows"))
    if defined.any():
        report = FitReport.of(measured[defined], predicted[defined])
        rows += [
            ("R2", f"{report.r2:.10g}"),
            ("root mean square error", f"{report.rmse:.4g}"),
            ("largest relative error", f"{report.max_relative_error:.3g}"),
        ]
    kinds = {"additive": "all alike", "relative": "in proportion to the target"}
    rows.append(("errors", kinds.get(model.noise_, f"weighed by the loss {model.noise_}")))
    yield _table(rows)


def _uncertainty(model: Any, X: Any, y: Any, index: int | None) -> Iterator[str]:
    yield "<h2>Constants</h2>"
    try:
        yield model.uncertainty(index, X, y)._repr_html_()
    except ValueError as problem:
        yield f'<p class="note">No standard deviations: {html.escape(str(problem))}</p>'


def _plots(model: Any, X: Any, y: Any, index: int | None, name: str) -> Iterator[str]:
    yield "<h2>Plots</h2>"
    drawings: list[tuple[str, Callable[[Any], Any]]] = [
        ("complexity and loss", lambda ax: plots.pareto_front(model, ax)),
        ("predictions", lambda ax: plots.predictions(model, X, y, index, ax, name)),
        ("residuals", lambda ax: plots.residuals(model, X, y, index, ax, name)),
        ("residuals beside normal errors", lambda ax: plots.residual_quantiles(model, X, y, index, ax)),
        ("the search", lambda ax: plots.search_progress(model, ax)),
    ]
    for caption, draw in drawings:
        try:
            ax = plots.new_axes(5.6, 3.9)
        except ImportError as problem:
            warnings.warn(f"the report has no plots: {problem}", UserWarning, stacklevel=5)
            yield f'<p class="note">No plots: {html.escape(str(problem))}</p>'
            return
        try:
            draw(ax)
        except ValueError as problem:  # too few rows, no history: the page says which
            yield f'<p class="note">No plot of {html.escape(caption)}: {html.escape(str(problem))}</p>'
            continue
        yield f'<figure><img alt="{caption}" src="data:image/svg+xml;base64,{_svg(ax.figure)}"></figure>'


def _svg(figure: Any) -> str:
    import matplotlib

    drawn = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "symnum", "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None}, dpi=150)
    return base64.b64encode(drawn.getvalue()).decode("ascii")


def _data(model: Any, table: Floats, measured: Floats, name: str) -> Iterator[str]:
    """Yield a summary of each column that the formula may use, and of the target."""
    yield "<h2>Data</h2>"
    given = model._column_names(len(model.symbols_))
    rows = []
    for k, (symbol, column) in enumerate(zip(model.symbols_, table.T, strict=True)):
        shown = interface.name(symbol)
        original = shown if given is None else str(given[k])
        rows.append((shown if shown == original else f"{shown} ({original})", column))
    rows.append((name, measured))
    head = "".join(
        f"<th>{text}</th>" for text in ("column", "least", "mean", "largest", "standard deviation")
    )
    body = "".join(
        f"<tr><td>{html.escape(column)}</td>"
        + "".join(f"<td>{v:.6g}</td>" for v in (values.min(), values.mean(), values.max(), values.std()))
        + "</tr>"
        for column, values in rows
    )
    yield f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _settings(model: Any) -> Iterator[str]:
    yield "<h2>Search</h2>"
    done = [("evaluations", f"{model.n_evaluations_:,}"), ("ended because of", str(model.stopped_))]
    settings = [(name, repr(value)) for name, value in sorted(model.get_params(deep=False).items())]
    yield _table([*done, *settings])


def _reuse(model: Any, equation: Any, name: str) -> Iterator[str]:
    """Yield code that evaluates the formula elsewhere."""
    arguments = [interface.name(symbol) for symbol in model.symbols_]
    yield "<h2>Use the formula</h2>"
    code = f"import symnum as sn\n\nformula = sn.parse({str(equation.expression)!r})\n"
    declared = {interface.name(symbol): value for symbol, value in model._declared().items()}
    if declared:
        code += f"formula = sn.substitute(formula, {{sn.symbol(name): value for name, value in {declared!r}.items()}})\n"
    code += f"arguments = [sn.symbol(name) for name in {arguments!r}]\n"
    code += "f = sn.compile(formula, arguments)  # a function of numbers or arrays, in this order"
    yield f"<pre>{html.escape(code)}</pre>"
    function = model.to_function(None if equation is model.equation() else _place(model, equation), "numpy")
    yield f"<p>The same in NumPy alone:</p><pre>import numpy\n\n{html.escape(function.source.strip())}</pre>"
    yield f"<p>LaTeX:</p><pre>{html.escape(latex(equation.expression))}</pre>"


def _place(model: Any, equation: Any) -> int:
    return next(k for k, each in enumerate(model.equations_) if each is equation)


def _versions() -> Iterator[str]:
    import scipy
    import sklearn

    versions = {"symnum": symnum.__version__, "Python": platform.python_version(), "NumPy": np.__version__}
    versions |= {"SciPy": scipy.__version__, "scikit-learn": sklearn.__version__}
    yield f'<p class="note">{", ".join(f"{name} {version}" for name, version in versions.items())}</p>'


def _table(rows: list[tuple[str, str]]) -> str:
    body = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows
    )
    return f"<table><tbody>{body}</tbody></table>"
