"""The verb ``symnum discover``: a table in, the law behind one of its columns out."""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import warnings
from pathlib import Path
from typing import Any

from symnum.cli_simulate import INTERRUPTED, WRONG_USAGE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("table", metavar="FILE", help="a table: .csv, .tsv or .parquet (with pyarrow)")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to explain")
    parser.add_argument(
        "--features", type=_names, metavar="A,B", help="the columns to explain it by (default: all others)"
    )
    parser.add_argument("--weights", metavar="COLUMN", help="how often each row counts")
    parser.add_argument(
        "--operators", type=_names, metavar="OP,OP", help="what formulas are built from, such as +,*,sin"
    )
    parser.add_argument(
        "--time", type=_seconds, default=60.0, metavar="S", help="seconds to search (default 60)"
    )
    parser.add_argument("--max-evaluations", type=_count, metavar="N", help="expressions to try at most")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="for what is random (default 0)")
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="processes; -1 takes all cores")
    parser.add_argument(
        "--test-fraction", type=_fraction, metavar="F", help="hold this part of the rows back and test on it"
    )
    parser.add_argument(
        "--no-header", action="store_true", help="the first line is data; columns are called x0, x1, ..."
    )
    parser.add_argument(
        "--drop-missing", action="store_true", help="leave out rows in which a value is missing"
    )
    parser.add_argument("--report", metavar="FILE.html", help="write a page with plots")
    parser.add_argument("--out", metavar="FILE.csv", help="write the table of equations")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Search, write what was asked for, and return the exit code."""
    try:
        return _run(options)
    except ImportError as problem:  # an optional package: the message says which, and how to install it
        return _wrong(str(problem))


def _run(options: argparse.Namespace) -> int:
    import numpy as np

    from symnum.regression.tables import read_table

    for path in (options.out, options.report):
        _check_folder(path)
    table = read_table(
        options.table,
        _wanted(options),
        header=not options.no_header,
        drop_missing=options.drop_missing,
    )
    if table.dropped:
        _say(f"{table.dropped} of {table.dropped + table.rows} rows left out, in which a value is missing")
    columns = dict(table.columns)
    for role in ("target", "weights"):
        name = getattr(options, role)
        if name is not None and name not in columns:
            return _wrong(f"--{role} {name}: there is no such column; there are {', '.join(columns)}")
    y = columns.pop(options.target)
    weights = None if options.weights is None else columns.pop(options.weights)
    if not columns:
        return _wrong(f"{options.table} has no column beside {options.target} to explain it by; add one")
    X = np.column_stack(list(columns.values()))
    held = _held_back(options, len(y))
    if isinstance(held, str):
        return _wrong(held)
    model = _regressor(options, tuple(columns))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model.fit(X[~held], y[~held], None if weights is None else weights[~held])
    for warning in caught:
        _say(str(warning.message))
    _show(options, model, X[held], y[held])
    if options.out is not None:
        _write_equations(model, options.out)
        _say(f"wrote {options.out}")
    if options.report is not None:
        model.report(options.report, X[~held], y[~held], target=options.target)
        _say(f"wrote {options.report}")
    return INTERRUPTED if model.stopped_ == "interrupted" else 0


def _check_folder(path: str | None) -> None:
    """Raise FileNotFoundError before the search, not after it, where an output has no folder."""
    if path is not None and not Path(path).parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(Path(path).parent)!r} for {path}; make it first")


def _wanted(options: argparse.Namespace) -> list[str] | None:
    """Return the columns to read; None for all."""
    if options.features is None:
        return None
    others = [options.target, *([] if options.weights is None else [options.weights])]
    for name in others:
        if name in options.features:
            raise ValueError(
                f"column {name!r} is in --features and is the target or the weights; name it once"
            )
    repeated = [name for k, name in enumerate(options.features) if name in options.features[:k]]
    if repeated:
        raise ValueError(f"column {repeated[0]!r} is named twice in --features; name it once")
    return [*options.features, *others]


def _held_back(options: argparse.Namespace, rows: int) -> Any:
    """Return which rows are held back for the test, or what is wrong."""
    import numpy as np

    held = np.zeros(rows, bool)
    if options.test_fraction is not None:
        count = round(options.test_fraction * rows)
        if not 0 < count < rows:
            return (
                f"--test-fraction {options.test_fraction:g} of {rows} rows holds back {count}; "
                "choose it so that rows are left on both sides"
            )
        held[np.random.default_rng(options.seed).permutation(rows)[:count]] = True
    return held


def _regressor(options: argparse.Namespace, names: tuple[str, ...]) -> Any:
    from symnum.regression import SymbolicRegressor

    more = {} if options.jobs is None else {"n_jobs": options.jobs}
    return SymbolicRegressor(
        operators=None if options.operators is None else tuple(options.operators),
        time_limit=options.time,
        max_evaluations=options.max_evaluations,
        random_state=options.seed,
        feature_names=names,
        **more,
    )


def _show(options: argparse.Namespace, model: Any, X: Any, y: Any) -> None:
    """Print the chosen equation, the front, and how well the equation does on the rows held back."""
    import symnum as sn
    from symnum.regression.report import fit_report

    test = fit_report(model, X, y) if len(y) else None
    if options.json:
        found = {
            "target": options.target,
            "expression": str(model.expression_),
            "latex": sn.latex(model.expression_),
            "stopped": model.stopped_,
            "evaluations": model.n_evaluations_,
            "front": [
                {
                    "complexity": e.complexity,
                    "loss": e.loss,
                    "score": e.score,
                    "expression": str(e.expression),
                }
                for e in model.pareto_front_
            ],
        }
        if test is not None:
            found["test"] = {"rows": test.rows, "r2": _finite(test.r2), "rmse": _finite(test.rmse)}
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"{options.target} = {model.expression_}")
    print()
    print(model.pareto_front_)
    if test is not None:
        print()
        print(f"on the rows held back: {test}")
    _say(f"{model.n_evaluations_:,} expressions tried; ended because of: {model.stopped_}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _write_equations(model: Any, path: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["complexity", "loss", "score", "bits", "expression", "on_front", "chosen"])
        for place, (row, equation) in enumerate(zip(model.equations_.rows(), model.equations_, strict=True)):
            rows.writerow([*row, int(equation.on_front), int(place == model.equations_.chosen)])


def _say(text: str) -> None:
    print(f"symnum: {text}", file=sys.stderr)


def _wrong(problem: str) -> int:
    _say(problem)
    return WRONG_USAGE


# --- arguments ----------------------------------------------------------------------------------------------------------------


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds; write 60")
    return value


def _fraction(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1; write 0.2")
    return value


def _whole(text: str, least: int, example: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}; write {example}")
    return value


def _count(text: str) -> int:
    return _whole(text, 1, "100000")


def _seed(text: str) -> int:
    value = _whole(text, 0, "0")
    if value >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: seeds are less than 2^32; write 0")
    return value


def _jobs(text: str) -> int:
    if text == "-1":
        return -1
    return _whole(text, 1, "2, or -1 for all cores")
