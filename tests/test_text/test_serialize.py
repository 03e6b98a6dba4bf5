"""The JSON form: its text, and what it refuses."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

import symnum as sn
from symnum.backends import tree
from symnum.text.serialize import from_program, to_program

x, y = sn.symbols("x y")


def test_the_text_is_the_documented_one() -> None:
    p = sn.symbols("p", positive=True)
    assert json.loads(sn.to_json(p**2 - Fraction(1, 3))) == {
        "symnum": 1,
        "backend": "interned",
        "nodes": [
            ["symbol", "p", "real", "positive"],
            ["int", "2"],
            ["call", "^", 0, 1],
            ["rational", "-1/3"],
            ["call", "+", 2, 3],
        ],
        "root": 4,
    }


def test_equal_terms_give_equal_text() -> None:
    assert sn.to_json(sn.sin(x) + y + x * y) == sn.to_json(y * x + (y + sn.sin(x)))


def test_shared_terms_are_written_once() -> None:
    s = sn.sin(x + y)
    assert sn.to_json([s * 2, s + 1, s]).count('"sin"') == 1


def test_lists_numbers_and_the_empty_list() -> None:
    assert sn.from_json(sn.to_json([x, 2])) == [x, sn.number(2)]
    assert sn.from_json(sn.to_json([])) == []
    assert sn.from_json(sn.to_json(0.1)) is sn.number(0.1)


def test_another_backend_can_be_asked_for() -> None:
    a = tree.symbol("a")
    text = sn.to_json(a + a)
    assert sn.from_json(text) == a + a
    assert sn.from_json(text, backend="interned") is 2 * sn.symbols("a")


def test_metadata_is_left_out() -> None:
    assert "note" not in sn.to_json(tree.with_metadata(tree.symbol("a"), note="kept apart"))


def test_mixed_backends_are_refused() -> None:
    with pytest.raises(TypeError, match=r"the backends 'interned' and 'tree'; convert them first"):
        sn.to_json([x, tree.symbol("x")])


def test_programs_are_plain_data() -> None:
    program = to_program([sn.sin(x) * 2])
    assert program == (
        "interned",
        (("number", 2), ("symbol", "x", "real", ()), ("sin", (1,)), ("*", (0, 2))),
        (3,),
    )
    assert from_program(program) is 2 * sn.sin(x)


def document(**changes: Any) -> str:
    good = {
        "symnum": 1,
        "backend": "interned",
        "nodes": [["symbol", "x"], ["int", "2"], ["call", "^", 0, 1]],
        "root": 2,
    }
    return json.dumps({**good, **changes})


def test_the_document_of_these_tests_is_good() -> None:
    assert sn.from_json(document()) is x**2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is not JSON"),
        (document()[:-10], "the text is not JSON"),
        ("[" * 100_000, "the text is not JSON"),
        ("[1]", "not a symnum document"),
        ("{}", "not a symnum document"),
        (document(symnum=2), "has version 2, but this symnum reads version 1"),
        (document(symnum=True), "has version true"),
        (document(extra=1), 'the unknown entry "extra"'),
        (document(roots=[0]), "not exactly one of 'root' and 'roots'"),
        (document(backend="bush"), 'names the backend "bush"'),
        (document(backend=[]), "names the backend"),
        (document(nodes={}), "'nodes' must be a list"),
        (document(nodes=[]), "'root' is 2, but must be the position of one of the 0 nodes"),
        (document(root=-1), "'root' is -1"),
        (document(root=True), "'root' is true"),
        (document(root="2"), "'root' is \"2\""),
        (document(nodes=[["int", "1"], 7], root=0), "node 1, 7: a node is a list"),
        (document(nodes=[["int", 1]], root=0), 'node 0, ["int", 1]: a node is a list'),
        (document(nodes=[["int", "1_0"]], root=0), "is not an integer"),
        (document(nodes=[["int", "١"]], root=0), "is not an integer"),
        (document(nodes=[["int", "1", "2"]], root=0), "a number has one entry"),
        (
            document(nodes=[["int", "9" * 1_000_001]], root=0),
            "the number is too large: it has 1,000,001 digits",
        ),
        (document(nodes=[["rational", "1/0"]], root=0), "is not a rational number"),
        (document(nodes=[["float", "0x1p3"]], root=0), "is not a float"),
        (document(nodes=[["bool", "True"]], root=0), "is not 'true' or 'false'"),
        (document(nodes=[["text", "x"]], root=0), 'there is no node kind "text"'),
        (document(nodes=[["symbol", "x y"]], root=0), "is not an identifier"),
        (document(nodes=[["symbol", "x", "complex"]], root=0), "unknown sort 'complex'"),
        (document(nodes=[["symbol", "x", "real", "odd"]], root=0), "unknown assumption 'odd'"),
        (document(nodes=[["symbol", "x", 3]], root=0), "a symbol is written"),
        (document(nodes=[["call", "sine", 0]], root=0), "there is no operator 'sine'; did you mean 'sin'?"),
        (document(nodes=[["call", "sin", 0]], root=0), "argument 0 is not the position of an earlier node"),
        (document(nodes=[["int", "1"], ["call", "sin", 0.0]], root=1), "argument 0.0 is not the position"),
        (document(nodes=[["int", "1"], ["call", "sin", 0, 0]], root=1), "takes 1 argument, but 2 were given"),
        (document(nodes=[["int", "1"], ["call", "not", 0]], root=1), "takes boolean arguments"),
    ],
)
def test_bad_documents_are_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        sn.from_json(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(TypeError, match="from_json reads a text, but got 3"):
        sn.from_json(3)
