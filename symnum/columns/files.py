"""Stores on disk: the arrays of a table as an ``.npz`` file with its symbols, heads and large numbers as JSON text in it."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symnum.backends.arithmetic import ASSUMPTIONS, SORTS
from symnum.columns.rules import PLACEHOLDERS
from symnum.columns.store import Store
from symnum.columns.table import (
    CALL,
    NUMBER,
    OPERATOR,
    PARTS,
    PRODUCT,
    ROWS,
    START,
    SUM,
    SYMBOL,
    enter_rows,
    new_table,
)
from symnum.exact import exact, from_digits, to_digits
from symnum.operators import OPERATORS

VERSION = 1
"""The version that :func:`save` writes and :func:`load` reads."""


def save(store: Store, path: str | os.PathLike[str], roots: Sequence[int] = ()) -> None:
    """Write a store, with the rows that are meant, to a file that :func:`load` reads; the file is complete or not there."""
    with store.lock:
        used, end = int(store.table.header[ROWS]), int(store.table.header[PARTS])
        about = {
            "symnum columns": VERSION,
            "symbols": [[name, sort, sorted(known)] for name, sort, known in store.symbols],
            "heads": store.heads,
            "large": [_text(value) for value in store.large],
        }
        target = Path(path)
        temporary = target.with_name(target.name + ".writing")
        try:
            with open(temporary, "wb") as file:
                np.savez(
                    file,
                    about=np.frombuffer(json.dumps(about).encode(), np.uint8),
                    operators=store.table.rows[:used, OPERATOR].astype(np.int32),
                    starts=store.table.rows[: used + 1, START],
                    parts=store.table.parts[:end],
                    roots=store.checked(roots),
                )
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> tuple[Store, list[int]]:
    """Return the store of a file and the rows that were meant; nothing in the file is executed.

    Raises OSError, and ValueError for a file that is no store, was cut off, is of another version or refers to what is not there.
    """
    name = os.fspath(path)
    try:
        with np.load(name, allow_pickle=False) as file:
            arrays = {key: file[key] for key in ("about", "operators", "starts", "parts", "roots")}
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError) as problem:
        raise ValueError(
            f"{name} is no complete store of terms ({type(problem).__name__}); write it again with save"
        ) from None
    try:
        about = json.loads(arrays["about"].tobytes())
        version = about["symnum columns"]
    except (ValueError, KeyError, TypeError) as problem:
        raise ValueError(f"{name} is no store of terms: {problem!r}") from None
    if version != VERSION:
        raise ValueError(
            f"{name} was written as version {version!r} of the store, but this symnum reads version {VERSION}; "
            f"convert it with the symnum that wrote it: symnum.to_json(terms)"
        )
    store = Store(rows=64, parts=256)
    store.symbols = [(str(n), str(s), frozenset(map(str, known))) for n, s, known in about["symbols"]]
    for symbol, sort, known in store.symbols:
        named = symbol.isidentifier() or symbol in PLACEHOLDERS
        if not named or sort not in SORTS or not known <= set(ASSUMPTIONS):
            raise ValueError(
                f"{name} is damaged: {symbol!r} of sort {sort!r} is no symbol; write it again with save"
            )
    store.heads = [str(head) for head in about["heads"]]
    unknown = [head for head in store.heads if head not in OPERATORS]
    if unknown:
        raise ValueError(
            f"{name} has calls of {unknown[0]!r}, which is no operator here; "
            f"register it first: symnum.register_operator({unknown[0]!r}, ...)"
        )
    store.large = [_value(text) for text in about["large"]]
    operators, starts, parts = (arrays[key].astype(np.int64) for key in ("operators", "starts", "parts"))
    _check(name, store, operators, starts, parts, arrays["roots"])
    used = len(operators)
    store.table = new_table(
        2 * used + 64, 2 * len(parts) + 64, max(1024, int(np.diff(starts).max(initial=0)))
    )
    table = store.table
    table.rows[:used, OPERATOR] = operators
    table.rows[: used + 1, START] = starts
    table.parts[: len(parts)] = parts
    table.header[ROWS], table.header[PARTS] = used, len(parts)
    enter_rows(table)
    store.index_places()
    return store, arrays["roots"].tolist()


def _check(name: str, store: Store, operators: Any, starts: Any, parts: Any, roots: Any) -> None:
    """Raise ValueError for arrays that no store has written: kernels read them without looking."""

    def refuse(what: str) -> None:
        raise ValueError(f"{name} is damaged: {what}; write it again with save")

    used = len(operators)
    if (
        used < 4
        or len(starts) != used + 1
        or starts[0] != 0
        or starts[-1] != len(parts)
        or (np.diff(starts) < 0).any()
    ):
        refuse("its rows do not add up")
    if not ((operators >= NUMBER) & (operators < CALL + len(store.heads))).all():
        refuse("it has an unknown operator")
    lengths = np.diff(starts)
    leaf = operators <= SYMBOL
    owner = np.repeat(np.arange(used), lengths)
    inner = ~leaf[owner]
    if (parts[inner] < 0).any() or (parts[inner] >= owner[inner]).any():
        refuse("a row has parts that do not come before it")
    if (lengths[operators == NUMBER] != 2).any() or (lengths[operators == SYMBOL] != 1).any():
        refuse("a leaf has another length than leaves have")
    for operator, count in {(int(o), int(n)) for o, n in zip(operators, lengths) if o >= CALL}:
        low, high = OPERATORS[store.heads[operator - CALL]].arity
        if count < low or (high is not None and count > high):
            refuse(f"a call of {store.heads[operator - CALL]!r} has {count} arguments")
    bag = (operators == SUM) | (operators == PRODUCT)
    if ((lengths[bag] % 2) != 1).any() or (lengths[bag] < 3).any():
        refuse("a sum or product is not made of pairs")
    if (operators[parts[starts[:-1][bag]]] != NUMBER).any():
        refuse("a sum or product has no number in front")
    place = np.arange(len(parts)) - starts[owner]
    weights = parts[(operators[owner] == SUM) & (place % 2 == 0)]
    if (operators[weights] != NUMBER).any():
        refuse("a sum has a coefficient that is no number")
    symbols = parts[starts[:-1][operators == SYMBOL]]
    if ((symbols < 0) | (symbols >= len(store.symbols))).any():
        refuse("it has a symbol without a name")
    first = starts[:-1][operators == NUMBER]
    large = parts[first + 1] == -1
    if (parts[first + 1] < -2).any() or (
        (parts[first][large] < 0) | (parts[first][large] >= len(store.large))
    ).any():
        refuse("it has a number without a value")
    if len(roots) and not (0 <= roots.min() <= roots.max() < used):
        refuse("it means rows that it does not have")


def _text(value: Any) -> str:
    """Return a large int or fraction as text."""
    return f"{to_digits(value.numerator)}/{to_digits(value.denominator)}"


def _value(text: str) -> Any:
    from fractions import Fraction

    numerator, _, denominator = str(text).partition("/")
    sign, digits = (-1, numerator[1:]) if numerator.startswith("-") else (1, numerator)
    if not (digits.isascii() and digits.isdigit() and denominator.isascii() and denominator.isdigit()):
        raise ValueError(f"{text!r} is no large number of a store; write the store again with save")
    return exact(Fraction(sign * from_digits(digits), from_digits(denominator)))
