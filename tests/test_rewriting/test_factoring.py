"""Factoring and sharing: what comes out for small sums, that the graph's cost is the terms', and that values are kept exactly."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symnum as sn
from symnum import term as interface
from symnum.rewriting import CostModel, cost_model, ops, sharing
from symnum.rewriting.canonical import normal_form, readable
from symnum.rewriting.evidence import compare
from symnum.rewriting.factoring import factor_sums, rarest_first
from symnum.rewriting.local_search import factor_and_share
from symnum.rewriting.nary import build, read
from symnum.rewriting.sharing import share

cycles = cost_model("table_cycles")
a, b, c, d, x, y, z, w = sn.symbols("a b c d x y z w")


def factored(text: str, model: CostModel = ops) -> str:
    graph, _ = factor_sums(read([sn.parse(text)]), model)
    return str(build(graph)[0])


def shared(*terms: object, model: CostModel = ops) -> list[object]:
    graph, complete = share(read(terms), model)
    assert complete
    return build(graph)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*b + a*c + d", "a*(b + c) + d"),
        ("x^3 + x^2 + x", "x*(x*(x + 1) + 1)"),
        ("x^6 + x^4", "x^4*(x^2 + 1)"),
        ("-a*x - b*x - c*y - d*y", "-(x*(a + b) + y*(c + d))"),
        ("3*a*b + 3*c*d + z", "z + 3*hold(a*b + c*d)"),
        ("a*x + a*y + b*x + b*y", "(a + b)*(x + y)"),
        ("a/x + b/x^2", "(a + b/x)/x"),
        ("a*sqrt(x) + b*sqrt(x)", "sqrt(x)*(a + b)"),
        ("a*x^y + b*x^y", "x^y*(a + b)"),
        ("exp(a*x + a*y)*b + exp(a*x + a*y)*c", "exp(a*(x + y))*(b + c)"),
        ("0.5*x + 0.5*y + 3", "0.5*hold(x + y) + 3"),
        ("a*b + 1e-30 + a*c", "a*(b + c) + 1e-30"),
        ("sin(x) + cos(x)", "sin(x) + cos(x)"),
        ("ifelse(x > 0, a*b + a*c, 0)", "ifelse(x > 0, a*(b + c), 0)"),
        ("7", "7"),
    ],
)
def test_sums_are_factored(text: str, expected: str) -> None:
    assert factored(text) == str(sn.parse(expected))


def test_a_common_part_of_sums_is_computed_once() -> None:
    assert shared(a + b + c, a + b + d) == [c + sn.hold(a + b), d + sn.hold(a + b)]
    assert shared(2 * a + 2 * b + 5, x * (a + b)) == [2 * sn.hold(a + b) + 5, x * (a + b)]
    assert shared(a - b + c, b - a + d) == [c + sn.hold(a - b), d - sn.hold(a - b)]
    assert shared(a + 1 + x, (a + 1) * y) == [x + sn.hold(a + 1), y * (a + 1)]


def test_a_common_part_of_products_is_computed_once() -> None:
    assert shared(a * b * c, a * b * d) == [sn.hold(a * b) * c, sn.hold(a * b) * d]
    assert shared(a**2 * b * c, a**2 * b * d) == [sn.hold(a**2 * b) * c, sn.hold(a**2 * b) * d]
    assert shared(a**3 * b * c, a**2 * b * d) == [a**3 * b * c, a**2 * b * d]


def test_one_division_serves_many_where_that_is_cheaper() -> None:
    quotients = [a / z, b / z, c / z]
    assert shared(*quotients, model=cycles) == [sn.hold(1 / z) * t for t in (a, b, c)]
    assert shared(*quotients, model=ops) == quotients


def test_what_is_used_once_is_not_kept_apart() -> None:
    assert shared(a + b + c + d, a + b + c + x) == [d + sn.hold(a + b + c), x + sn.hold(a + b + c)]


def test_more_pairs_than_are_looked_at_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MAX_PAIRS", 3)
    graph, complete = share(read([a + b + c + d, a + b + c + x, y + z, y + z + w]), ops)
    assert not complete
    assert compare([a + b + c + d, y + z + w], [build(graph)[0], build(graph)[3]]).agrees is True
    assert factor_and_share(graph, ops, 1.0).stop in ("pairs", "local optimum")


def test_equations_that_differ_in_sign_share_everything() -> None:
    flux = a * x - b * y + c
    graph, _ = factor_sums(read([flux, -flux]), ops)
    assert graph.cost(ops) == 5


def test_the_result_does_not_depend_on_how_a_sum_was_built() -> None:
    parts = [a * b, a * c, b * d, x * c, x * b * d, 3 * y]
    forward, backward = parts[0], parts[-1]
    for part in parts[1:]:
        forward = forward + part
    for part in parts[-2::-1]:
        backward = part + backward
    leaves = {n: sn.symbols(n, backend="tree") for n in "abcdxy"}
    results = {str(build(factor_and_share(read([t]), ops, 0.2).graph)[0]) for t in (forward, backward)}
    assert len(results) == 1
    tree = sn.parse(str(forward), symbols=leaves)
    assert cost_model("ops").dag(sn.optimize(tree, "ops")) == cost_model("ops").dag(
        sn.optimize(forward, "ops")
    )


def test_local_search_never_loses_against_the_greedy_choice() -> None:
    text = "a*b*x + a*c*y + b*c*z + a*b*z + x*y*c + x*z*a + b*y*d + c*d*x"
    greedy, _ = factor_sums(read([sn.parse(text)]), ops)
    found = factor_and_share(read([sn.parse(text)]), ops, 1.0)
    assert found.cost <= share(greedy, ops)[0].cost(ops)
    assert found.tried > 2
    rare, _ = factor_sums(read([sn.parse(text)]), ops, prefer=rarest_first)
    assert found.cost <= share(rare, ops)[0].cost(ops)


def test_wide_and_deep_terms_are_factored_without_recursion() -> None:
    polynomial = sum((x**k for k in range(1, 1500)), x**0)
    graph, _ = factor_sums(read([polynomial]), ops)
    assert graph.cost(ops) <= 2 * 1500
    nest = x
    for _ in range(10_000):
        nest = sn.sin(nest * a + nest * b)
    graph, _ = factor_sums(read([nest]), ops)
    assert graph.cost(ops) < ops.dag(nest)
    assert interface.node_count(build(graph)[0]) > 10_000


_ATOMS = [a, b, c, x, sn.sin(x), 1 / y, x + 1]


@st.composite
def systems(draw: st.DrawFn) -> list[object]:
    numbers = st.sampled_from([1, -1, 2, Fraction(1, 3), 0.5, -3])
    product = st.lists(st.sampled_from(_ATOMS), min_size=0, max_size=3)
    found = []
    for _ in range(draw(st.integers(1, 3))):
        total = sn.number(0)
        for factors, number in draw(st.lists(st.tuples(product, numbers), min_size=1, max_size=6)):
            term = sn.number(number)
            for factor in factors:
                term = term * factor
            total = total + term
        found.append(total)
    return found


@settings(max_examples=150, deadline=None)
@given(systems(), st.sampled_from(["ops", "table_cycles", "paper_cycles"]))
def test_factored_systems_are_the_same_and_priced_right(system: list[object], name: str) -> None:
    model = cost_model(name)
    found = factor_and_share(read(system), model, 0.05)
    built = build(found.graph)
    assert model.dag(*built) <= found.cost + 1e-9
    assert compare(system, built).agrees is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x*y + hold(x*y)", "2*x*y"),
        ("x*y - hold(x*y) + z", "z"),
        ("z*(x + y)*hold(x + y)", "z*(x + y)^2"),
        ("(x + y)/hold(x + y)", "1"),
    ],
)
def test_a_part_and_its_held_copy_are_one(text: str, expected: str) -> None:
    term = sn.parse(text)
    (found,) = build(read([term]))
    assert found is sn.parse(expected)
    assert sn.optimize_report(term, "ops").evidence.agrees is True


def test_numbers_that_cancel_are_zero_on_trees() -> None:
    like = sn.parse("x", backend="tree")
    one, minus = (interface.make_number(like, value) for value in (1, -1))
    assert str(readable(interface.make(like, "+", (one, minus)))) == "0"
    assert str(readable(normal_form(interface.make(like, "+", (one, minus, like))))) == "x"
