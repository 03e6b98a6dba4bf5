"""Read the columns of a table from a file: comma- or tab-separated text, or Parquet.

Nothing is guessed about bad cells: each is an error that names file, line, column and value, and what to do.

>>> import io
>>> read_text(io.StringIO("a,b\\n1,2\\n3,4\\n"), "small.csv").columns["b"].tolist()
[2.0, 4.0]
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""Cells that say there is no value, in lower case."""

DELIMITERS = ",;\t|"
"""What may stand between cells; the one that the header has most of is taken."""

PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Table:
    """Hold columns (rows,) by name, in the order of the file, and how many rows were dropped because a value is missing."""

    columns: dict[str, NDArray[np.float64]]
    dropped: int

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


def read_table(
    path: str | Path, names: Sequence[str] | None = None, *, header: bool = True, drop_missing: bool = False
) -> Table:
    """Return the columns ``names`` of a file, by default all.

    .parquet and .pq are Parquet, .tsv and .tab have tabs between cells, in other files the delimiter is found from the first line; where
    it has none, cells of .txt and .dat files are separated by spaces.
    Lines before the header that begin with # are comments.  Without a ``header`` columns are called x0, x1, ...  With ``drop_missing`` rows
    with a missing value are left out and counted.  Raises OSError for a file that cannot be read, ImportError for Parquet without
    pyarrow, LookupError for an unknown column and ValueError for a cell that is missing or no finite number.
    """
    path = Path(path)
    if path.suffix.lower() in PARQUET:
        return _read_parquet(path, names, drop_missing)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            tabs = path.suffix.lower() in (".tsv", ".tab")
            return read_text(
                file,
                str(path),
                names,
                header=header,
                drop_missing=drop_missing,
                delimiter="\t" if tabs else None,
                spaces=path.suffix.lower() in (".txt", ".dat"),
            )
    except UnicodeDecodeError as problem:
        raise ValueError(
            f"{path} is no UTF-8 text (byte {problem.start} is {problem.object[problem.start]:#04x}); save it as UTF-8, as CSV and not "
            "as a spreadsheet"
        ) from problem


def read_text(
    file: TextIO,
    where: str,
    names: Sequence[str] | None = None,
    *,
    header: bool = True,
    drop_missing: bool = False,
    delimiter: str | None = None,
    spaces: bool = False,
) -> Table:
    """Return the columns of an open text file that messages call ``where``; see :func:`read_table`."""
    first = _first_line(file, where)
    lines: Iterator[str] = chain([first[1]], file)
    if spaces and not any(mark in first[1] for mark in DELIMITERS):
        delimiter, lines = " ", (" ".join(line.split()) + "\n" for line in lines)
    delimiter = delimiter or max(DELIMITERS, key=first[1].count)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        return _collected(reader, first[0] - 1, where, names, header, drop_missing)
    except csv.Error as problem:
        raise ValueError(
            f"{where}, line {first[0] - 1 + reader.line_num}: {problem}; close each quotation mark"
        ) from problem


def _first_line(file: TextIO, where: str) -> tuple[int, str]:
    """Return the number and text of the first line that is neither empty nor a comment."""
    for number, line in enumerate(file, 1):
        if line.strip() and not line.startswith("#"):
            return number, line
    raise ValueError(f"{where} has no rows; give a file with a header and at least one row of numbers")


def _collected(
    reader: Any, before: int, where: str, names: Sequence[str] | None, header: bool, drop_missing: bool
) -> Table:
    first = [cell.strip() for cell in next(reader)]
    titles = first if header else [f"x{k}" for k in range(len(first))]
    if header and all(_is_number(cell) for cell in first):
        raise ValueError(
            f"{where}, line {before + 1}: the header has only numbers ({', '.join(first[:4])}), so it is no header; say --no-header "
            "(header=False), and columns are called x0, x1, ..."
        )
    chosen = _places(titles, names, where)
    rows: list[list[float]] = []
    dropped = 0
    body: Iterator[list[str]] = reader if header else chain([first], reader)
    for cells in body:
        line = before + reader.line_num
        if not cells or (len(cells) == 1 and not cells[0].strip() and len(titles) > 1):
            continue
        if len(cells) != len(titles):
            raise ValueError(
                f"{where}, line {line}: {len(cells)} cells, but the table has {len(titles)} columns; "
                "put a cell with a delimiter in it into quotation marks"
            )
        row = []
        for name, place in chosen.items():
            cell = cells[place].strip()
            if cell.lower() in MISSING:
                if not drop_missing:
                    raise ValueError(_missing(f"{where}, line {line}", name, cell))
                dropped += 1
                break
            row.append(_number(cell, where, line, name))
        else:
            rows.append(row)
    _require_rows(len(rows), dropped, where)
    values = np.array(rows, np.float64)
    return Table({name: values[:, k].copy() for k, name in enumerate(chosen)}, dropped)


def _places(titles: Sequence[str], names: Sequence[str] | None, where: str) -> dict[str, int]:
    """Return where the columns are; raises LookupError for one that is not there, ValueError for one that is there twice."""
    found = {}
    for name in titles if names is None else names:
        if name not in titles:
            shown = ", ".join(titles[:12]) + (f", ... ({len(titles)} in all)" if len(titles) > 12 else "")
            raise LookupError(f"{where} has no column {name!r}; there are {shown}")
        if titles.count(name) > 1:
            raise ValueError(f"{where} has {titles.count(name)} columns called {name!r}; rename all but one")
        found[name] = titles.index(name)
    return found


def _number(cell: str, where: str, line: int, name: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = None
    if value is None:
        cure = "leave the column out by naming the others (--features a,b), or write numbers"
        if cell.count(",") == 1 and _is_number(cell.replace(",", ".")):
            cure = "write the decimal comma as a point"
        raise ValueError(f"{where}, line {line}, column {name!r}: {cell!r} is not a number; {cure}")
    if not math.isfinite(value):
        raise ValueError(
            f"{where}, line {line}, column {name!r}: {cell!r} is infinite; correct the value or take the row out"
        )
    return value


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _missing(where: str, name: str, shown: str) -> str:
    return (
        f"{where}, column {name!r}: the value is missing (the cell is {shown!r}); "
        "fill it in, or leave such rows out with --drop-missing (drop_missing=True)"
    )


def _require_rows(rows: int, dropped: int, where: str) -> None:
    if rows == 0:
        why = f"a value is missing in each of its {dropped} rows" if dropped else "it has a header only"
        raise ValueError(f"{where} has no rows to learn from: {why}; give at least one complete row")


def _read_parquet(path: Path, names: Sequence[str] | None, drop_missing: bool) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as problem:
        raise ImportError(
            f"reading {path} needs pyarrow; run: pip install pyarrow, or save the table as CSV"
        ) from problem
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as problem:
        raise ValueError(f"{path} is no Parquet file: {problem}; name CSV files .csv") from problem
    with file:
        schema = file.schema_arrow
        chosen = list(_places(schema.names, names, str(path)))
        for name in chosen:
            kind = schema.field(name).type
            types = pyarrow.types
            if not (
                types.is_integer(kind)
                or types.is_floating(kind)
                or types.is_boolean(kind)
                or types.is_decimal(kind)
            ):
                raise ValueError(
                    f"{path}, column {name!r} holds {kind}, not numbers; "
                    "leave it out by naming the others (--features a,b)"
                )
        read = file.read(columns=chosen)
    values = np.column_stack(
        [
            np.array(read[name].cast(pyarrow.float64()).to_numpy(zero_copy_only=False), np.float64)
            for name in chosen
        ]
    )
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        row, k = infinite[0]
        raise ValueError(
            f"{path}, row {row + 1}, column {chosen[k]!r}: the value is infinite; correct the value or take the row out"
        )
    missing = np.isnan(values)
    if missing.any() and not drop_missing:
        row, k = np.argwhere(missing)[0]
        raise ValueError(_missing(f"{path}, row {row + 1}", chosen[k], "null"))
    kept = ~missing.any(axis=1)
    dropped = int(np.sum(~kept))
    _require_rows(int(kept.sum()), dropped, str(path))
    return Table({name: values[kept, k].copy() for k, name in enumerate(chosen)}, dropped)
