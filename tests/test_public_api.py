"""The public names: each exists, says in one sentence what it does, and shows it in an example that runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
from typing import Any

import pytest

import symnum as sn

NAMES = [name for name in sn.__all__ if not name.startswith("__")]
VALUES = {"OPERATORS", "pi"}
"""Names that are no functions or classes; their modules document them."""


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert sn.__version__ == version("symnum")
    assert "__version__" in sn.__all__


def test_all_lists_each_name_once_and_in_order() -> None:
    assert len(set(sn.__all__)) == len(sn.__all__)
    assert sorted(NAMES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_exists_where_it_says(name: str) -> None:
    thing = getattr(sn, name)
    assert getattr(importlib.import_module(sn._MODULE_OF[name]), name) is thing
    assert getattr(sn, name) is thing


@pytest.mark.parametrize("name", [name for name in NAMES if name not in VALUES])
def test_a_public_name_says_what_it_does(name: str) -> None:
    thing = getattr(sn, name)
    assert callable(thing)
    text = inspect.getdoc(thing)
    assert text, f"{name} has no docstring"
    first = text.split("\n\n")[0].replace("\n", " ")
    assert first[0].isupper() or first[0] == "`", f"{name}: {first!r}"
    assert first.rstrip().endswith((".", ":")), f"the first paragraph of {name} is no sentence: {first!r}"
    assert text.splitlines()[0].strip(), name


@pytest.mark.parametrize("name", [name for name in NAMES if sn._MODULE_OF[name] != "symnum.functions"])
def test_a_public_function_has_an_example_that_runs(name: str) -> None:
    thing: Any = getattr(sn, name)
    if not inspect.isfunction(thing):
        return
    examples = [test for test in doctest.DocTestFinder(recurse=False).find(thing, name) if test.examples]
    assert examples, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    for test in examples:
        log: list[str] = []
        runner.run(test, out=log.append)
        assert runner.failures == 0, "".join(log)


def test_operators_as_functions_are_all_there() -> None:
    spelled = {
        "==": "eq",
        "!=": "ne",
        "<": "lt",
        "<=": "le",
        ">": "gt",
        ">=": "ge",
        "and": "all_of",
        "or": "any_of",
        "not": "negation",
    }
    infix = {"+", "-", "*", "/", "^", "neg"}
    from symnum.operators import _BUILT_IN

    for head in _BUILT_IN - infix:
        assert spelled.get(head, head) in sn.__all__, head


def test_dir_lists_the_names_and_the_parts() -> None:
    listed = dir(sn)
    assert set(sn.__all__) <= set(listed)
    assert {"rewriting", "regression", "pde", "term"} <= set(listed)
    assert listed == sorted(listed)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'symnum' has no attribute 'simplfy'.*dir\(symnum\)"):
        sn.simplfy
    assert not hasattr(sn, "utils")
    with pytest.raises(ImportError):
        from symnum import no_such_name  # noqa: F401


def test_a_part_is_reached_as_an_attribute() -> None:
    assert sn.term is importlib.import_module("symnum.term")
    assert sn.compile is not importlib.import_module("symnum.codegen")
