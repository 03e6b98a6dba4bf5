"""Rows of numbers in text, comma or blank separated, through a compiled function."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TextIO

BLOCK = 4096
"""Rows that are read before the function is called on them."""

Line = tuple[int, str]
"""A line's number, from 1, and its text."""


def content_lines(stream: Iterable[str]) -> Iterator[Line]:
    """Yield the lines that are neither empty nor comments (#), without the blanks around them.

    >>> list(content_lines(["# x y", "", " 1 2 "]))
    [(3, '1 2')]
    """
    for number, line in enumerate(stream, 1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text


def evaluate_rows(
    function: Callable[..., Any],
    names: Sequence[str],
    lines: Iterable[Line],
    out: TextIO,
    *,
    as_json: bool = False,
) -> None:
    """Write the values of ``function`` for each row of ``lines`` to ``out``.

    A row holds one number for each of ``names``; a first row of names says which column is which and may have others besides.
    Several values are separated as the numbers of the row were.  Raises ValueError for the first row that does not fit, after
    writing the values of those before it.

    >>> import sys
    >>> evaluate_rows(lambda x, y: x * y, ["x", "y"], [(1, "y,x,z"), (2, "3,4,5")], sys.stdout)
    12.0
    """
    import numpy

    rest = iter(lines)
    first = next(rest, None)
    if first is None:
        return
    columns, width = list(range(len(names))), len(names)
    fields = _fields(first[1])
    if _is_header(fields):
        columns, width = _columns(fields, names, first[0]), len(fields)
    else:
        rest = chain([first], rest)
    between = "," if "," in first[1] else " "
    while block := list(islice(rest, BLOCK)):
        rows, problem = _numbers(block, width, names)
        if rows:
            inputs = [numpy.array([row[c] for row in rows]) for c in columns]
            values = numpy.asarray(function(*inputs))
            for row, results in zip(zip(*inputs), values.reshape(-1, len(rows)).T):
                if as_json:
                    at = {name: json_value(v) for name, v in zip(names, row)}
                    print(json.dumps({"at": at, "result": [json_value(v) for v in results]}), file=out)
                else:
                    print(between.join(shown(v) for v in results), file=out)
        if problem is not None:
            raise problem


def _fields(text: str) -> list[str]:
    return [field.strip() for field in text.split(",")] if "," in text else text.split()


def _is_header(fields: Sequence[str]) -> bool:
    return all(_number(field) is None for field in fields) and all(field.isidentifier() for field in fields)


def _columns(fields: Sequence[str], names: Sequence[str], number: int) -> list[int]:
    missing = [name for name in names if name not in fields]
    if missing:
        raise ValueError(
            f"stdin line {number} names the columns {', '.join(fields)}, but none of them is {' or '.join(missing)}; "
            f"add it, or leave the names out"
        )
    return [fields.index(name) for name in names]


def _numbers(
    block: Sequence[Line], width: int, names: Sequence[str]
) -> tuple[list[list[float]], ValueError | None]:
    """Return the rows before the first one that does not fit, and what is wrong with that one."""
    rows: list[list[float]] = []
    for number, text in block:
        fields = _fields(text)
        if len(fields) != width:
            return rows, ValueError(
                f"stdin line {number} has {len(fields)} numbers, but {width} are wanted ({', '.join(names)}): {text[:60]!r}"
            )
        row = [_number(field) for field in fields]
        if None in row:
            return rows, ValueError(
                f"stdin line {number}: {fields[row.index(None)]!r} is not a number; write digits such as 2.5 or 1e-3"
            )
        rows.append([v for v in row if v is not None])
    return rows, None


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def shown(value: Any) -> str:
    """Return a value as text: the shortest digits that read back as the same number, or true and false.

    >>> shown(0.1), shown(True)
    ('0.1', 'true')
    """
    plain = value.item() if hasattr(value, "item") else value
    return str(plain).lower() if isinstance(plain, bool) else repr(float(plain))


def json_value(value: Any) -> Any:
    """Return a value for JSON, which has no nan and inf: these become text.

    >>> json_value(2.5), json_value(math.nan)
    (2.5, 'nan')
    """
    plain = value.item() if hasattr(value, "item") else value
    return plain if isinstance(plain, bool) or math.isfinite(plain) else repr(float(plain))
