"""The store: rows are terms, equal terms one row; numbers are exact; stores pickle, go to files and back, and are compacted."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import terms

import symnum as sn
from symnum.columns import Store, Unsupported, load, save, sums
from symnum.columns.table import HASH, OPERATOR, SMALL, START


@settings(max_examples=150, deadline=None)
@given(terms(special=True))
def test_terms_come_back_the_same_object(term: Any) -> None:
    store = Store(rows=16, parts=16, entries=4)  # room for little: kernels begin again with more
    (row,) = store.add([term])
    assert store.add([term]) == [row]
    store._terms.clear()
    store._rows.clear()
    assert store.terms([row])[0] is term
    assert store.add([term]) == [row], "an equal term has the same row, found by its content"


def test_terms_of_other_backends_and_numbers_come_in() -> None:
    store = Store()
    tree = sn.parse("x + y + x", backend="tree")
    assert store.terms(store.add([tree, 3, Fraction(1, 3), 0.5, True])) == [
        sn.parse("2*x + y"),
        sn.number(3),
        sn.number(Fraction(1, 3)),
        sn.number(0.5),
        sn.number(True),
    ]


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        SMALL - 1,
        SMALL,
        -SMALL,
        10**40,
        Fraction(1, 3),
        Fraction(1, 10**30),
        0.0,
        -0.0,
        float("inf"),
        False,
    ],
)
def test_numbers_are_exact(value: Any) -> None:
    store = Store()
    row = store.number(value)
    assert type(store.value(row)) is type(value) and repr(store.value(row)) == repr(value)
    assert store.number(value) == row


def test_kinds_of_numbers_are_different_rows() -> None:
    store = Store()
    assert len({store.number(v) for v in (1, 1.0, True, 0, 0.0, -0.0, False)}) == 7


def test_sums_beyond_machine_words_are_refused_and_not_wrapped() -> None:
    store = Store()
    x = store.symbol("x")
    big = SMALL - 1
    assert store.terms(sums(store, [0, 2], [x, x], [big // 2, big // 2])) == [
        2 * (big // 2) * sn.symbols("x")
    ]
    with pytest.raises(Unsupported):
        sums(store, [0, 2], [x, x], [big, big])
    (large,) = store.add([sn.parse(f"{10**30}*x")])
    with pytest.raises(Unsupported):
        sums(store, [0, 1], [large], [2])


def test_derivatives_with_large_numbers_go_through_python_integers() -> None:
    x = sn.symbols("x", backend="columns")
    slope = sn.diff(10**30 * x**7 * 10**10, x)
    assert slope == 7 * 10**40 * x**6
    (entry,) = sn.jacobian([(SMALL - 1) * x**5], [x], sparse=True).entries
    assert entry == 5 * (SMALL - 1) * x**4


def test_many_rows_grow_the_table() -> None:
    store = Store(rows=8, parts=8, entries=2)
    xs = sn.symbols("x0:50")
    term = sum((i * x**2 for i, x in enumerate(xs)), sn.number(0)) * sn.sin(xs[0])
    (row,) = store.add([term])
    assert store.terms([row])[0] is term and len(store) > 100


def test_compaction_keeps_what_is_named_and_drops_the_rest() -> None:
    store = Store()
    kept, other = sn.parse("sin(x)*y + z^k"), sn.parse("cos(a*b)^3 + c")
    row, _ = store.add([kept, other])
    before = len(store)
    (row,) = store.compact([row])
    assert len(store) < before and store.terms([row])[0] is kept
    again = len(store)
    assert store.add([kept]) == [row] and len(store) == again
    assert store.terms(store.add([other]))[0] is other


def test_stores_pickle() -> None:
    store = Store()
    term = sn.parse(f"sin(x)^2*p::positive + 0.5*y - {10**30}")
    (row,) = store.add([term])
    copy = pickle.loads(pickle.dumps(store))
    assert copy.terms([row])[0] is term and copy.add([term]) == [row]


def test_stores_go_to_files_and_back(tmp_path: Path) -> None:
    store = Store()
    term = sn.parse(f"ifelse(x < 1, sin(x)^2*p::positive + 0.5*y, {10**30}/7)")
    roots = store.add([term])
    save(store, tmp_path / "terms.npz", roots)
    copy, rows = load(tmp_path / "terms.npz")
    assert copy.terms(rows)[0] is term and copy.add([term]) == rows
    assert [p.name for p in tmp_path.iterdir()] == ["terms.npz"]


def _altered(path: Path, **changes: Any) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for name, change in changes.items():
        arrays[name] = change(arrays[name].copy())
    np.savez(path, **arrays)


def _set(place: int, value: int) -> Any:
    def change(array: Any) -> Any:
        array[place] = value
        return array

    return change


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"about": lambda a: np.frombuffer(bytes(a).replace(b'columns": 1', b'columns": 9'), np.uint8)},
            "version 9",
        ),
        ({"about": lambda a: a[:-3]}, "no store"),
        ({"about": lambda a: np.frombuffer(bytes(a).replace(b'"sin"', b'"sun"'), np.uint8)}, "no operator"),
        ({"parts": lambda a: a[:-1]}, "do not add up"),
        ({"starts": _set(2, -5)}, "do not add up"),
        ({"operators": _set(-1, 999)}, "unknown operator"),
        ({"parts": _set(-1, 10_000)}, "before it"),
        ({"parts": _set(-1, -1)}, "before it"),
        ({"roots": _set(0, 5_000)}, "does not have"),
        (
            {"about": lambda a: np.frombuffer(bytes(a).replace(b'"sin"', b'"atan2"'), np.uint8)},
            "has 1 arguments",
        ),
        ({"about": lambda a: np.frombuffer(bytes(a).replace(b'["x"', b'["x y"'), np.uint8)}, "is no symbol"),
    ],
)
def test_damaged_files_are_refused(changes: Any, message: str, tmp_path: Path) -> None:
    store = Store()
    roots = store.add([sn.parse("sin(x*y) + 2*x")])
    path = tmp_path / "terms.npz"
    save(store, path, roots)
    _altered(path, **changes)
    with pytest.raises(ValueError, match=message):
        load(path)


def test_files_that_are_no_stores_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "terms.npz"
    with pytest.raises(OSError):
        load(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match="no complete store"):
        load(path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(ValueError, match="no complete store"):
        load(path)
    store = Store()
    save(store, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="no complete store"):
        load(path)


def test_the_rows_of_a_table_are_what_the_module_says() -> None:
    store = Store()
    (row,) = store.add([sn.parse("2*x + 3")])
    table = store.table
    begin, end = table.rows[row, START], table.rows[row + 1, START]
    assert table.rows[row, OPERATOR] == 2 and end - begin == 3 and table.rows.shape[1] == HASH + 1
    assert [store.value(int(p)) for p in (table.parts[begin], table.parts[begin + 2])] == [3, 2]


def test_a_store_takes_no_more_than_it_may() -> None:
    store = Store(rows=64, parts=256, entries=8, most_bytes=100_000)
    xs = sn.symbols("x0:400")
    with pytest.raises(MemoryError, match=r"may take 0.1 MiB; make it with Store\(most_bytes=...\)"):
        store.add([sn.sin(x) * x for x in xs])
    assert store.terms(store.add([xs[0] + 1])) == [xs[0] + 1], "what is there stays usable"


def test_wide_sums_do_not_widen_the_table_of_rows() -> None:
    store = Store(rows=1 << 12, parts=1 << 15, entries=8)
    xs = [store.symbol(f"x{i}") for i in range(500)]
    for _ in range(3):
        sums(store, [0, 500], xs, [1] * 500)
        assert len(store.table.rows) < 3 << 12 and store.table.entries.shape[1] == 512
