"""Cost models: what operations cost, and that what is counted is what compiled code computes."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import terms

import symnum as sn
from symnum import term as interface
from symnum.codegen.lower import lower
from symnum.rewriting import CostModel, cost_model, ops, paper_cycles
from symnum.rewriting.cost import cost

x, y, z = sn.symbols("x y z")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x^2*y + x^2*z", 4),
        ("-x - y", 2),
        ("-2*x - y", 2),
        ("-x - 3", 1),
        ("y + 3/x", 2),
        ("x^3/sqrt(y)", 4),
        ("x^(5/2)", 3),
        ("1/(x*y^2)", 3),
        ("2*(x + y)", 2),
        ("min(x, y, z) + pi", 3),
        ("2*x^y", 2),
        ("x^2.5", 1),
        ("x^32 + 1", 6),
        ("x^33", 1),
        ("sin(x*y) + x*y", 3),
        ("hold(x + y) + z", 2),
        ("5", 0),
    ],
)
def test_operations_are_those_of_the_compiled_program(text: str, count: int) -> None:
    term = sn.parse(text)
    assert cost(term, "ops") == count
    assert len(lower([term], interface.free_symbols(term)).steps) == count


@settings(max_examples=200, deadline=None)
@given(terms(sort="real"))
def test_code_never_needs_more_operations_than_are_counted(term: object) -> None:
    arguments = [s for s in interface.free_symbols(term)]
    if any(interface.sort_of(s) == "boolean" for s in arguments):
        return  # reading a truth value from a number is a step of its own
    assert len(lower([term], arguments).steps) <= ops.dag(term)
    assert ops.dag(term) <= ops.tree(term)


def test_a_shared_part_is_counted_once_across_roots() -> None:
    shared = sn.sin(x * y)
    assert cost([shared, shared + 1], "ops") == 3
    assert ops.tree(shared, shared + 1) == 5


def test_the_papers_table_counts_leaves() -> None:
    assert paper_cycles.tree(sn.sin(x) * y) == 134 + 3 + 2
    assert paper_cycles.tree(x / y) == 24 + 2
    assert paper_cycles.dag(x * x + x) == 3 + 1 + 1


def test_the_tree_backend_costs_the_same() -> None:
    texts = ["x^2*y - x/z", "2*sin(x) + exp(-y)"]
    for text in texts:
        leaves = {n: sn.symbols(n, backend="tree") for n in "xyz"}
        assert cost(sn.parse(text, symbols=leaves), "ops") == cost(sn.parse(text), "ops")


def test_a_deep_term_is_priced_without_recursion() -> None:
    term = x
    for _ in range(10_000):
        term = sn.sin(term) + 1
    assert cost(term, "ops") == 20_000
    assert ops.tree(term) == 20_000


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "3", None, True])
def test_a_price_that_is_no_cost_is_refused(bad: Any) -> None:
    with pytest.raises(
        ValueError, match=r"weight of '\+' in the cost model 'mine'.*finite number that is not negative"
    ):
        CostModel("mine", {"+": bad})
    with pytest.raises(ValueError, match="default"):
        CostModel("mine", {}, default=bad)
    with pytest.raises(ValueError, match=r"price of 'sin' in the cost model 'mine'"):
        cost(sn.sin(x), CostModel("mine", lambda head: bad))


def test_unknown_models_and_things_that_are_no_terms_are_named() -> None:
    with pytest.raises(ValueError, match="no cost model 'flops'.*'paper_cycles'"):
        cost_model("flops")
    with pytest.raises(TypeError, match="cost takes a term.*'x \\+ 1'.*symnum.parse"):
        cost("x + 1")
