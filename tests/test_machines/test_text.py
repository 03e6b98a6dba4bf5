"""Tokens of programs and the reader's errors."""

from __future__ import annotations

import pytest

from symnum.rewriting.machines.text import SIGNS, Reader
from symnum.text.tokens import Limits, ParseError


def test_unicode_and_ascii_are_the_same_signs() -> None:
    a = [(t.kind, t.text) for t in Reader("c⟨x⟩.[x']c → ⋆ ≤ •").tokens]
    b = [(t.kind, t.text) for t in Reader("c<x> . [x']c -> ★ <= •").tokens]
    assert a == b
    assert ("name", "x'") in a and ("sign", "→") in a and ("name", "•") in a


def test_lines_columns_and_comments() -> None:
    tokens = Reader("a  -- the first\n  bc 12.5 'a b'\n\n d").tokens
    assert [(t.text, t.line, t.column) for t in tokens[:-1]] == [
        ("a", 1, 1), ("bc", 2, 3), ("12.5", 2, 6), ("'a b'", 2, 11), ("d", 4, 2),
    ]  # fmt: skip


def test_words_may_be_signs() -> None:
    reader = Reader("exists x . existsy", {**SIGNS, "exists": "∃"})
    assert [(t.kind, t.text) for t in reader.tokens[:-1]] == [
        ("sign", "∃"), ("name", "x"), ("sign", "."), ("name", "existsy"),
    ]  # fmt: skip


def test_errors_show_the_place_and_what_was_expected() -> None:
    with pytest.raises(ParseError) as caught:
        Reader("[x]\n  a ? b")
    assert (caught.value.line, caught.value.column) == (2, 5)
    assert "'?' is not part of the language" in str(caught.value)
    reader = Reader("a ]")
    assert reader.name("a location").text == "a"
    with pytest.raises(ParseError, match=r"']' stands where '⟨' or '<' is needed to pop"):
        reader.expect("⟨", "to pop")
    reader.take()
    with pytest.raises(ParseError, match=r"column 4: the program ends where a variable is needed"):
        reader.name("a variable")
    with pytest.raises(ParseError, match=r"has 5 characters, and the limit is 3"):
        Reader("abcde", limits=Limits(max_length=3))
    with pytest.raises(TypeError, match=r"a program is a text, but got 3"):
        Reader(3)  # type: ignore[arg-type]  # the mistake that is tested


def test_looking_ahead_never_passes_the_end() -> None:
    reader = Reader("a")
    assert reader.ahead(5).kind == "end"
    reader.take()
    reader.take()
    assert reader.token.kind == "end" and not reader.is_at("") and reader.accept(".") is None
