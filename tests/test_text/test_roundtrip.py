"""What is written reads back as the same term: text, JSON and pickle, over random terms of both backends."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import numbers, terms

import symnum as sn
from symnum.backends import interned, tree
from symnum.text.printer import to_text


def same(a: Any, b: Any) -> bool:
    """Interned terms are equal if they are one object; trees compare by structure."""
    return bool(a is b) if a.backend == "interned" else bool(a == b)


@given(terms(special=True))
def test_repr_of_an_interned_term_reads_back(term: Any) -> None:
    assert sn.parse(repr(term)) is term


@given(terms(plain=True))
def test_str_of_a_term_in_plain_symbols_reads_back(term: Any) -> None:
    assert sn.parse(str(term)) is term


@given(terms(backend="tree", special=True))
def test_repr_of_a_tree_reads_back_node_by_node(term: Any) -> None:
    assert sn.parse(repr(term), backend="tree") == term


@given(terms(backend="tree", operators=["+", "-", "*", "/", "^", "neg", "sqrt", "mod"], special=True))
def test_arithmetic_of_trees_keeps_its_shape(term: Any) -> None:
    assert sn.parse(repr(term), backend="tree") == term


@given(terms(backend="tree", operators=["and", "or", "not", "<", "==", "ifelse"], sort="boolean"))
def test_conditions_of_trees_keep_their_shape(term: Any) -> None:
    assert sn.parse(repr(term), backend="tree") == term


@given(numbers(special=True), st.sampled_from([interned, tree]))
def test_numbers_read_back_with_type_and_sign(value: Any, backend: Any) -> None:
    number = backend.number(value)
    back = sn.term.value(sn.parse(str(number), backend=number.backend))
    assert type(back) is type(sn.term.value(number))
    assert repr(back) == repr(sn.term.value(number))


@given(terms(special=True), terms(special=True))
def test_json_of_interned_terms_reads_back(a: Any, b: Any) -> None:
    assert sn.from_json(sn.to_json(a)) is a
    back = sn.from_json(sn.to_json([a, b, a]))
    assert [x is y for x, y in zip(back, [a, b, a], strict=True)] == [True] * 3


@given(terms(backend="tree", special=True))
def test_json_of_trees_reads_back(term: Any) -> None:
    back = sn.from_json(sn.to_json(term))
    assert back == term
    assert back.backend == "tree"


@given(terms(special=True), terms(backend="tree", special=True))
def test_pickle_keeps_the_term_and_its_backend(a: Any, b: Any) -> None:
    assert pickle.loads(pickle.dumps(a)) is a
    back = pickle.loads(pickle.dumps(b))
    assert back == b
    assert back.backend == "tree"
    assert copy.deepcopy(a) is a
    assert copy.copy(b) is b


@given(terms())
def test_a_cut_text_is_the_beginning_of_the_whole(term: Any) -> None:
    whole = str(term)
    cut = to_text(term, limit=10)
    assert cut == (whole if len(whole) <= 10 else whole[:10] + "...")


@given(terms(max_leaves=30, floats=False))
def test_latex_has_balanced_braces(term: Any) -> None:
    text = sn.latex(term).replace(r"\{", "").replace(r"\}", "")
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert text.count(r"\left") == text.count(r"\right")


# --- depth and sharing ----------------------------------------------------------------------------------------------------------


def deep(backend: Any, depth: int = 10_000) -> Any:
    node = x = backend.symbol("x")
    for _ in range(depth):
        node = backend.make("sin", (backend.make("+", (x, node)),))
    return node


def doubly_shared(backend: Any, levels: int = 200) -> Any:
    """A graph of 3 nodes a level with 2^levels paths."""
    node = backend.symbol("x")
    for _ in range(levels):
        node = backend.make("+", (backend.make("sin", (node,)), backend.make("cos", (node,))))
    return node


@pytest.mark.parametrize("backend", [interned, tree])
def test_a_deep_nest_passes_through_every_form(backend: Any) -> None:
    term = deep(backend)
    text = str(term)
    assert text.startswith("sin(")
    assert text.count("(") == 10_000
    name = term.backend
    assert same(sn.parse(text, backend=name), term)
    assert same(sn.from_json(sn.to_json(term)), term)
    assert same(pickle.loads(pickle.dumps(term)), term)
    assert copy.deepcopy(term) is term
    assert sn.latex(term).count(r"\sin") == 10_000


@pytest.mark.parametrize("backend", [interned, tree])
def test_a_doubly_shared_graph_is_written_with_definitions(backend: Any) -> None:
    term = doubly_shared(backend)
    text = str(term)
    assert text.startswith("_1 := ")
    assert len(text) < 20_000
    name = term.backend
    assert same(sn.parse(text, backend=name), term)
    assert same(sn.from_json(sn.to_json(term)), term)
    assert len(sn.to_json(term)) < 20_000
    assert same(pickle.loads(pickle.dumps(term)), term)
    with pytest.raises(ValueError, match="nodes when written out, too many for LaTeX"):
        sn.latex(term)
    assert term._repr_latex_() is None


def test_names_of_definitions_avoid_the_symbols_of_the_term() -> None:
    node = sn.symbols("_1") + sn.symbols("__2")
    for _ in range(20):
        node = sn.sin(node) + sn.cos(node)
    text = str(node)
    assert text.startswith("___1 := ")
    assert sn.parse(text) is node


def test_definitions_do_not_depend_on_how_the_term_was_built() -> None:
    def build(flip: bool) -> Any:
        node = sn.symbols("a")
        for _ in range(20):
            parts = [sn.sin(node), sn.cos(node), node * sn.exp(node)]
            node = sum(reversed(parts) if flip else parts)
        return sn.substitute(node, {"a": sn.symbols("b")}) if flip else node

    first = str(sn.substitute(build(False), {"a": sn.symbols("b")}))
    assert first == str(build(True))


def test_declared_symbols_in_definitions_read_back() -> None:
    p = sn.symbols("p", positive=True)
    node = p + sn.symbols("x")
    for _ in range(20):
        node = sn.sin(node) * p + sn.cos(node)
    text = repr(node)
    assert text.count("::positive") == 1
    assert sn.parse(text) is node


def test_long_integers_are_written_and_read() -> None:
    x, y = sn.symbols("x y")
    term = 7**8000 * x - y / 3**9500
    assert sn.parse(str(term)) is term
    assert sn.from_json(sn.to_json(term)) is term
    assert len(str(sn.number(7**8000))) == 6761


def test_a_sum_of_many_terms_reads_back() -> None:
    xs = sn.symbols("x0:5000")
    term = sum((-1) ** i * i * x for i, x in enumerate(xs))
    assert sn.parse(str(term)) is term
    assert str(term).startswith("-x1 + 2*x2 - 3*x3 + 4*x4")


def test_special_floats_keep_their_sign() -> None:
    assert math.copysign(1, sn.term.value(sn.parse("-0.0"))) == -1
    assert math.copysign(1, sn.term.value(sn.from_json(sn.to_json(sn.number(-0.0))))) == -1
    assert str(sn.symbols("x") * float("-inf")) == "-inf*x"
