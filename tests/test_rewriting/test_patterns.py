"""Patterns: the kinds of slots, rules as text and as terms, and what is refused, with file and line."""

from __future__ import annotations

import os
import pickle
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import terms

import symnum as sn
from symnum import term as interface
from symnum.rewriting import Facts, Rule, default_slot, function_slot, rule, segment, slot, theories
from symnum.rewriting.canonical import normal_form
from symnum.rewriting.pattern import compile_pattern, pattern_slots
from symnum.rewriting.slots import declaration, read
from symnum.rewriting.template import template_of
from symnum.rewriting.variants import MAX_DEFAULTS

a, b, c, x, y, z = sn.symbols("a b c x y z")
BACKENDS = ["interned", "tree"]


def results(made: Rule, text: str, backend: str = "interned") -> list[str]:
    return [str(new) for new in made.results(normal_form(sn.parse(text, backend=backend)))]


def read_back(texts: list[str]) -> list[Any]:
    """Return what texts stand for: the backends write some terms differently."""
    return [sn.parse(text) for text in texts]


# --- slots ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        # any term, but no condition
        ("sin(a) -> a", "sin(x + y)", ["x + y"]),
        ("ifelse(p::boolean, a, b) -> b", "ifelse(x < y, x, z)", ["z"]),
        ("atan2(a, a) -> a", "atan2(x*y, y*x)", ["x*y"]),
        ("atan2(a, a) -> a", "atan2(x, y)", []),
        # sorts and assumptions
        ("abs(a::positive) -> a", "abs(exp(x))", ["exp(x)"]),
        ("abs(a::positive) -> a", "abs(x)", []),
        ("abs(a::nonnegative) -> a", "abs(sqrt(x))", ["sqrt(x)"]),
        ("sign(a::negative) -> 0", "sign(-exp(x))", []),  # is -sign(exp(x)): the sign of an argument is taken out
        ("sign(a::negative) -> 0", "sign(q::negative)", ["0"]),
        ("sign(a::nonzero)^2 -> 1", "sign(q::negative)^2", ["1"]),
        ("floor(n::integer) -> n", "floor(k::integer + 2)", ["k + 2"]),
        ("floor(n::integer) -> n", "floor(x + 2)", []),
        # words
        ("exp(a)^c::number -> exp(c*a)", "exp(x)^3", ["exp(3*x)"]),
        ("exp(a)^c::number -> exp(c*a)", "exp(x)^y", []),
        ("log(c::number*a) -> c", "log(3*x)", ["3"]),
        ("log(c::number*a) -> c", "log(y*x)", []),
        ("log(c::number + a) -> c", "log(x + 5)", ["5"]),
        ("log(v::symbol + exp(a)) -> v", "log(exp(x) + y)", ["y"]),
        ("log(v::symbol + exp(a)) -> v", "log(exp(x) + sin(y))", []),
        ("log(v::symbol::positive) -> v", "log(p::positive)", ["p"]),
        ("log(v::symbol::positive) -> v", "log(x)", []),
    ],
)  # fmt: skip
def test_slots_stand_for_terms_of_their_kind(backend: str, text: str, term: str, expected: list[str]) -> None:
    assert read_back(results(rule(text), term, backend)) == read_back(expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("exp(a + xs...) -> atan2(a, xs)", "exp(x + y + z)", ["atan2(x, y + z)", "atan2(y, x + z)", "atan2(z, x + y)"]),
        ("log(exp(a)*xs...) -> a + log(xs)", "log(x*exp(y)*z)", ["y + log(x*z)"]),
        ("log(exp(a)*b*xs...) -> atan2(a + b, xs)", "log(x*exp(y))", ["atan2(x + y, 1)"]),
        ("exp(sin(a) + b + xs...) -> atan2(a*b, xs)", "exp(sin(y) + z)", ["atan2(y*z, 0)"]),
        ("exp(sin(a) + xs...) -> atan2(a, xs)", "exp(sin(x) + 2*y - 3)", ["atan2(x, 2*y - 3)"]),
        ("max(exp(a), xs...) -> a + xs", "max(x, exp(y), z)", ["x + y + z"]),
        ("max(exp(a), xs...) -> max(a, xs)", "max(x, exp(y), z)", ["max(x, y, z)"]),
        ("max(exp(a), b, xs...) -> atan2(a*b, xs)", "max(x, exp(y))", []),
        ("min(xs..., 0) -> sin(xs)", "min(0, x, y)", ["sin(min(x, y))"]),
        ("max(exp(a), b, xs...) -> max(xs)", "max(x, exp(y))", []),
        ("max(exp(a), b, xs...) -> a if xs > 0", "max(x, exp(y))", []),
        ("F::function(cos(a), xs...) -> atan2(a, 1) + F(xs)", "cos(cos(y))", []),
        ("a < b and ps::boolean... -> not ps", "x < y and y <= z and z >= x", ["not (y <= z and z >= x)"]),
        ("a < b and ps::boolean... -> ps or a > b", "x < y and y <= z and z >= x", ["y <= z or z >= x or x > y"]),
        ("a < b and exp(c) <= 1 and ps::boolean... -> ifelse(ps, a, c)", "x < y and exp(z) <= 1", ["x"]),
        ("a < b or exp(c) <= 1 or ps::boolean... -> ifelse(ps, a, c)", "x < y or exp(z) <= 1", ["z"]),
        ("max(c, xs::number...) -> c", "max(2, x)", ["x"]),
        ("max(exp(c), xs...::positive) -> xs", "max(exp(x), p::positive, q::positive)", ["max(p, q)"]),
        ("max(exp(c), xs...::positive) -> xs", "max(exp(x), p::positive, y)", []),
        ("atan2(max(a, xs...), max(b, xs...)) -> a - b", "atan2(max(exp(x), y, z), max(cos(x), y, z))", ["exp(x) - cos(x)"]),
        ("F::function(xs..., cos(a)) -> F(cos(a), xs...)", "atan2(x, cos(y))", ["atan2(cos(y), x)"]),
        ("F::function(xs..., a, ys...) -> sin(F(xs..., 2*a, ys...))", "atan2(x, y)", ["sin(atan2(2*x, y))", "sin(atan2(x, 2*y))"]),
        ("F::function(xs...) -> max(xs, 0)", "atan2(x, y)", ["max(0, x, y)"]),
    ],
)  # fmt: skip
def test_segments_stand_for_any_number_of_terms(
    backend: str, text: str, term: str, expected: list[str]
) -> None:
    assert read_back(results(rule(text), term, backend)) == read_back(expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("log(a::positive^n::default) -> n*log(a)", "log(p::positive^3)", ["3*log(p)"]),
        ("log(a::positive^n::default) + 0*a -> n*log(a)", "log(p::positive)", []),  # the same term again is no change
        ("exp(n::default*log(a)) -> atan2(a, n)", "exp(x*log(y))", ["atan2(y, x)"]),
        ("exp(n::default*log(a)) -> atan2(a, n)", "exp(log(y))", ["atan2(y, 1)"]),
        ("tan(a + n::default) -> atan2(a, n)", "tan(x)", ["atan2(x, 0)"]),
        ("tan(sin(a) + n::default) -> atan2(a, n)", "tan(sin(x) + y)", ["atan2(x, y)"]),
        ("tan(sin(a) + n::default) -> atan2(a, n)", "tan(sin(x))", ["atan2(x, 0)"]),
        ("m::default*sin(a)^n::default -> atan2(m, n*a)", "tan(sin(x))", []),
        ("exp(m::default*sin(a)^n::default) -> atan2(m, n*a)", "exp(y*sin(x)^2)", ["atan2(y, 2*x)"]),
        ("exp(m::default*sin(a)^n::default) -> atan2(m, n*a)", "exp(sin(x))", ["atan2(1, x)"]),
        ("exp(m::default*sin(a)^n::default) -> atan2(m, n*a)", "exp(y*sin(x))", ["atan2(y, x)"]),
        ("not (p::boolean and a < b) -> p", "not (x < y)", []),
        ("ifelse(p::boolean::default and a < b, a, c) -> ifelse(p, c, b)", "ifelse(x < y, x, z)", ["z"]),
        ("ifelse(p::boolean::default or a < b, a, c) -> ifelse(p, c, b)", "ifelse(x < y, x, z)", ["y"]),
        ("ifelse(p::boolean::default and a < b, a, c) -> ifelse(p, c, b)", "ifelse(x < y and y < 2, x, z)", ["ifelse(y < 2, z, y)"]),
    ],
)  # fmt: skip
def test_default_slots_may_be_left_out(backend: str, text: str, term: str, expected: list[str]) -> None:
    changed = [new for new in results(rule(text), term, backend) if new != term.replace("::positive", "")]
    assert changed == expected


@pytest.mark.parametrize(
    ("text", "left_out", "there"),
    [
        ("tan(sin(a) + n::default::positive) -> n", "tan(sin(x))", ("tan(sin(x) + p::positive)", "p")),
        ("exp(n::default::symbol*sin(a)) -> n", "exp(sin(x))", ("exp(y*sin(x))", "y")),
        ("exp(n::default::negative*sin(a)) -> n", "exp(sin(x))", ("exp(q::negative*sin(x))", "q")),
    ],
)
def test_a_slot_is_left_out_only_where_it_may_be_what_is_left_out(
    text: str, left_out: str, there: tuple[str, str]
) -> None:
    assert results(rule(text), left_out) == []
    assert results(rule(text), there[0]) == [there[1]]


def test_predicates_hold_for_defaults_segments_and_functions_too() -> None:
    large = rule(
        "exp(n::default*sin(a)) -> n",
        where={"n": lambda t: interface.is_number(t) and interface.value(t) > 2},
    )
    assert results(large, "exp(sin(x))") == []
    assert results(large, "exp(2*sin(x))") == []
    assert results(large, "exp(3*sin(x))") == ["3"]
    symbols_only = rule("max(exp(a), xs...) -> xs", where={"xs": interface.is_symbol})
    assert results(symbols_only, "max(exp(x), y, z)") == ["max(y, z)"]
    assert results(symbols_only, "max(exp(x), y, sin(z))") == []
    odd = rule("F::function(-abs(a)) -> -F(abs(a))", where={"F": lambda head: head in ("floor", "ceil")})
    assert results(odd, "floor(-abs(x))") == ["-floor(abs(x))"]
    assert results(odd, "log(-abs(x))") == []


def test_a_slot_with_a_predicate_also_takes_a_coefficient_or_constant() -> None:
    whole = {"c": lambda t: interface.is_number(t) and type(interface.value(t)) is int}
    assert results(rule("cos(c*a) -> c", where=whole), "cos(3*x)") == ["3"]
    assert results(rule("cos(c*a) -> c", where=whole), "cos(x/2)") == []
    assert results(rule("cos(c + a) -> c", where=whole), "cos(x + 4)") == ["4"]
    assert results(rule("c*log(a) -> log(a^c)", where=whole), "3*log(x)") == ["log(x^3)"]
    both = rule("c*log(a) + d*log(b) -> log(a^c*b^d)", where={**whole, "d": whole["c"]})
    assert results(both, "3*log(x) - 2*log(y)")[0] == "log(x^3/y^2)"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("F::function(abs(a)) -> F(a)", "cos(abs(x))", ["cos(x)"]),
        ("F::function(abs(a)) -> F(a)", "abs(x)*y", []),
        ("F::function(abs(a)) -> F(a)", "abs(x) + y", []),
        ("F::function(abs(a)) -> F(a)", "abs(x)^y", []),
        ("F::function(a, b) -> F(b, a)", "atan2(x, y)", ["atan2(y, x)"]),
        ("F::function(a, b) -> F(b, a)", "cos(x)", []),
        ("F::function(a, exp(b)) -> F(b, a)", "max(exp(x), y)", ["max(x, y)"]),
        ("F::function(G::function(a)) -> G(F(a))", "sin(exp(x))", ["exp(sin(x))"]),
        ("F::function(F::function(a)) -> F(a)", "sin(sin(x))", ["sin(x)"]),
        ("F::function(F(a)) -> a", "sin(cos(x))", []),
        ("F::function(a)*F(b) -> F(a + b)", "z*exp(x)*exp(y)", ["z*exp(x + y)", "z*exp(x + y)"]),
        ("F::function(a) + F(b) -> F(a*b)", "log(x) + log(y)", ["log(x*y)", "log(x*y)"]),
        ("F::function::boolean(a, sin(b)) -> F(b, a)", "x < sin(y)", ["y < x"]),
        ("F::function::boolean(a, sin(b)) -> F(b, a)", "sin(y) == x", ["x == y"]),
        ("F::function(a, sin(b)) -> F(b, a)", "x < sin(y)", []),
        ("F::function(ifelse(p::boolean, a, b)) -> ifelse(p, F(a), F(b))", "exp(ifelse(x < y, x, z))", ["ifelse(x < y, exp(x), exp(z))"]),
        ("F::function::boolean(p::boolean, q::boolean, rs...::boolean) -> p", "x < y and y < z", ["x < y", "y < z"]),
    ],
)  # fmt: skip
def test_function_slots_stand_for_heads(backend: str, text: str, term: str, expected: list[str]) -> None:
    assert read_back(results(rule(text), term, backend)) == read_back(expected)


# --- terms and text ---------------------------------------------------------------------------------------------------------------

F, G = function_slot("F"), function_slot("G")
p, t = sn.symbols("p", positive=True), sn.symbols("t", sort="boolean")
number, n, xs = slot("c", "number"), default_slot("n"), segment("xs")


@pytest.mark.parametrize(
    ("pattern", "template", "options", "text"),
    [
        (sn.log(p**2), 2 * sn.log(p), {}, "log(p::positive^2) -> 2*log(p)"),
        (sn.exp(a) ** number, sn.exp(a * number), {}, "exp(a)^c::number -> exp(a*c::number)"),
        (sn.log(p**n), n * sn.log(p), {}, "log(p::positive^n::default) -> n::default*log(p)"),
        (sn.max(a, xs, -a), sn.max(abs(a), xs), {}, "max(a, -a, xs...) -> max(xs..., abs(a))"),
        (F(abs(a), xs), F(a, xs), {}, "F::function(abs(a), xs...) -> F::function(a, xs...)"),
        (F(G(p)), G(F(p)), {}, "F::function(G::function(p::positive)) -> G::function(F::function(p::positive))"),
        (sn.sin(a), 0, {}, "sin(a) -> 0"),
        (sn.sqrt(a**2), -a, {"condition": a < 0}, "sqrt(a^2) -> -a if a < 0"),
        (sn.ifelse(t, a, b), "b", {"condition": "not t"}, "ifelse(t::boolean, a, b) -> b if not t"),
        (function_slot("F", "boolean")(a, b), sn.parse("true"), {}, "F::function::boolean(a, b) -> true"),
        (sn.max(segment("xs", "number", positive=True), a), a, {}, "max(a, xs::number...::positive) -> a"),
        (sn.floor(slot("k", integer=True) + 0.5), slot("k", integer=True), {}, "floor(k::integer + 0.5) -> k"),
    ],
)  # fmt: skip
def test_rules_of_terms_are_those_of_their_text(
    pattern: Any, template: Any, options: dict[str, Any], text: str
) -> None:
    made = rule(pattern, template, **options)
    assert made.text == made.name == text
    again = rule(made.text)
    assert again.text == text
    assert (again.patterns, again.template, again.condition) == (made.patterns, made.template, made.condition)


@settings(max_examples=60)
@given(
    terms(max_leaves=8, floats=False, plain=True),
    terms(max_leaves=4, floats=False, plain=True),
    st.data(),
)
def test_the_text_of_any_rule_reads_back_as_an_equal_rule(left: Any, right: Any, data: st.DataObject) -> None:
    if not left.free_symbols or interface.is_symbol(left) or not right.free_symbols <= left.free_symbols:
        return
    if (interface.sort_of(left) == "boolean") != (interface.sort_of(right) == "boolean"):
        return
    made = rule(left, right, name="made")
    again = rule(made.text)
    assert again.text == made.text
    names = sorted(interface.name(s) for s in left.free_symbols)
    values = {s: data.draw(terms(max_leaves=2, sort="real", floats=False)) for s in names}
    instance = sn.substitute(left, values)
    subject = instance if interface.sort_of(instance) == "boolean" else 2 * instance + x
    for term in (instance, subject):
        assert [*again.results(term)] == [*made.results(term)]


def test_theories_read_back_from_their_text() -> None:
    written = [
        made
        for made in theories.ALL
        if all(part is None or interface.is_term(part) for part in (made.left, made.right, made.given))
    ]
    assert len(written) > 150
    for made in written:
        again = rule(made.text)
        assert again.text == made.text
        assert (again.left, again.right, again.given) == (made.left, made.right, made.given)


def test_a_rule_of_tree_terms_is_the_same_rule() -> None:
    u, v = sn.symbols("u v", backend="tree")
    made = rule(sn.log(u) - sn.log(v), sn.log(u / v))
    for backend in BACKENDS:
        assert results(made, "log(x) - log(y)", backend) == results(
            rule("log(u) - log(v) -> log(u/v)"), "log(x) - log(y)", backend
        )
    H = function_slot("H")
    swap = rule(H(u, segment("r", backend="tree")), H(segment("r", backend="tree"), u))
    assert swap.text == "H::function(u, r...) -> H::function(r..., u)"
    assert results(swap, "atan2(x, y)", "tree") == ["atan2(y, x)"]


def test_text_leaves_functions_out_by_name() -> None:
    def chosen(a: Any) -> Any:
        return a

    assert rule("sin(a)", chosen).text == "sin(a) -> <chosen>"
    assert rule("sin(a) -> a", condition=lambda a: True).text == "sin(a) -> a if <<lambda>>"


def test_text_may_run_over_lines_and_declare_a_slot_anywhere_once() -> None:
    made = rule(
        """sqrt(a^2)
           -> -a
           if a < 0"""
    )
    assert (made.name, made.text) == ("sqrt(a^2) -> -a if a < 0", "sqrt(a^2) -> -a if a < 0")
    first, second = rule("log(a::positive) + a -> a"), rule("log(a) + a::positive -> a")
    assert first.text == second.text == "a::positive + log(a) -> a"
    assert rule("max(xs..., sin(a)) -> xs... + a").text == "max(xs..., sin(a)) -> a + xs..."


def test_a_rule_knows_its_name_file_and_line() -> None:
    made = rule("sin(asin(a)) -> a", name="sine of arcsine", holds="generic")
    assert str(made) == made.name == "sine of arcsine"
    assert os.path.basename(made.file) == "test_patterns.py"
    with open(made.file, encoding="utf-8") as source:
        assert "sine of arcsine" in source.read().splitlines()[made.line - 1]
    assert repr(made) == f"<generic rule 'sine of arcsine' at test_patterns.py:{made.line}>"


def test_conditions_and_templates_may_be_functions() -> None:
    even = rule(
        "a^n -> abs(a)^n", condition=lambda a, n: interface.is_number(n) and interface.value(n) % 2 == 0
    )
    assert results(even, "x^4") == ["abs(x)^4"]
    assert results(even, "x^3") == []
    some = rule("atan2(a, b)", lambda a, **others: None if a is x else others["b"])
    assert results(some, "atan2(x, y)") == []
    assert results(some, "atan2(y, z)") == ["z"]
    assert results(rule(sn.sin(a), a, condition=True), "sin(x)") == ["x"]
    assert results(rule(sn.sin(a), a, condition=False), "sin(x)") == []


def test_a_function_that_fails_says_for_which_rule() -> None:
    def fails(a: Any) -> Any:
        raise LookupError("no table")

    with pytest.raises(LookupError, match="no table") as caught:
        results(rule("sin(a)", fails, name="by table"), "sin(x)")
    assert "while <total rule 'by table' at test_patterns.py:" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match="atan2' takes 2 arguments, but 1 were given") as caught_too:
        results(rule("F::function(a, b) -> F(a)"), "atan2(x, y)")
    assert "was applied" in caught_too.value.__notes__[0]


# --- refusals ---------------------------------------------------------------------------------------------------------------------

HERE = r"\(test_patterns.py, line \d+\)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sin(a) -> a*b", "a*b uses the slot 'b', which the pattern sin(a) does not bind ...; its slots are a"),
        ("sin(1) -> b", "b uses the slot 'b', which the pattern sin(1) does not bind ...; its slots are none"),
        ("sin(a) -> a if a < limit", "a < limit uses the slot 'limit', which the pattern sin(a) does not bind"),
        ("sin(a) -> max(a, xs...)", "uses the slot 'xs', which the pattern sin(a) does not bind"),
        ("sin(a) -> F::function(a)", "uses the slot 'F', which the pattern sin(a) does not bind"),
        ("sin(a) -> a if F::function::boolean(a)", "uses the slot 'F', which the pattern sin(a) does not bind"),
        ("sin(a)", "rule 'sin(a)' has no '->'; write rule('sin(a)^2 + cos(a)^2 -> 1')"),
        ("sin(a ->", "the rule part 'sin(a' ... is no formula"),
        ("sin(a) -> ", "the rule part '' ... is no formula"),
        ("sin(a) -> a if", "the rule part 'a if' ... is no formula"),
        ("a -> 0", "the pattern a would match at every place; give a call, sum or product"),
        ("2 -> 0", "the pattern 2 would match at every place; give a call, sum or product"),
        ("n::default*m::default -> 0", "the pattern m::default with n = 1 would match at every place"),
        ("xs... -> 0", "the segment xs... stands for one term in xs...; write it in a sum, product, min, max, and, or"),
        ("sin(xs...) -> 0", "the segment xs... stands for one term in sin(xs...)"),
        ("sin(a*xs...^2) -> 0", "the segment xs... stands for one term in a*xs...^2"),
        ("a^xs... -> 0", "the segment xs... stands for one term in a^xs..."),
        ("max(xs..., ys...) -> 0", "has the segments xs..., ys..., but its arguments have no order, so that any"),
        ("exp(a + xs... + ys...) -> 0", "has the segments xs..., ys..., but its arguments have no order, so that any"),
        ("exp(a*xs...*ys...) -> 0", "has the segments xs..., ys..., but its arguments have no order, so that any"),
        ("F::function(xs...) -> sin(xs)", "'xs' stands for one term in sin(xs...), but nothing says how"),
        ("atan2(max(a, xs...), min(b, xs...)) -> sin(xs)", "'xs' stands for one term in sin(xs...), but nothing says how"),
        ("sin(n::default) -> 0", "the slot 'n' has no default in sin(n::default): as a factor"),
        ("sin(n::default*a) + n -> 0", "the slot 'n' has several defaults in"),
        ("sin(a::positive) + cos(a::negative) -> 0", "is wrong: 'a' is declared as a::positive before and here as a::negative"),
        ("sin(a::positive) -> a::negative", "the rule part 'a::negative' ... is wrong: 'a' is declared as a::positive before"),
        ("F::function(a) -> F::function::boolean(a)", "is wrong: 'F' is declared as function_slot('F') before"),
        ("sin(a) -> max(a::positive, 0)", "is wrong: 'a' is declared as a before and here as a::positive"),
        ("F::function(F) -> 0", "the slot 'F' is declared in two ways, as F and as function_slot('F')"),
        ("sin(F::function) -> 0", "is wrong: the function slot 'F' stands alone in 'sin(F::function)'; apply it"),
        ("F::function(a) -> F", "the rule part 'F' ... is wrong: the function slot 'F' stands alone in 'F'; apply it"),
        ("F::function() -> 0", "is wrong: the function slot 'F' needs arguments; write F(a), or F(xs...) for any"),
        ("F::function(a -> 0", "is wrong: the bracket of F(...) is never closed in 'F(a'"),
        ("F::function::integer(a) -> 0", "is wrong: function slot 'F' has the sort 'integer'; use 'real' or 'boolean'"),
        ("sin(xs::default...) -> 0", "is wrong: the segment 'xs' may stand for nothing anyway; leave the word 'default' out"),
        ("sin(a) -> 0 if a", "the condition a is no truth value ...; write a comparison, such as a > 0"),
        ("max(a, xs...) -> sin(a) if xs", "is no truth value"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=HERE) as caught:
        rule(text)
    assert message in re.sub(f" {HERE}", " ...", str(caught.value))


@pytest.mark.parametrize(
    ("pattern", "options", "message"),
    [
        (sn.sin(a), {}, "the rule for sin(a) has no template; write rule(pattern, template)"),
        ("sin(a) -> a", {"template": b}, "has a template after '->' and another one as argument; give one of them"),
        ("sin(a) -> a if a > 0", {"condition": "a > 1"}, "has a condition after 'if' and another one as argument"),
        ("sin(a) -> a", {"holds": "always"}, "a rule holds 'total' or 'generic', but got 'always'"),
        ("sin(a) -> a", {"where": {"b": bool}}, "where={...} names the slot 'b', which the pattern sin(a) does not have"),
        ("sin(a)", {"template": lambda b: b}, "<lambda> has the parameter 'b', which is no slot of the pattern sin(a)"),
        ("sin(a) -> a", {"condition": lambda a, b: True}, "<lambda> has the parameter 'b', which is no slot"),
        ("atan2(a, b) -> a", {"condition": lambda a: True}, "<lambda> does not take the slot 'b' of the pattern atan2(a, b)"),
        ("sin(a) -> a", {"condition": 5}, "the condition 5 is no truth value"),
        (sn.sin(a) + sn.cos(sn.symbols("a", positive=True)), {"template": 0}, "'a' is declared in two ways, as"),
        (F(sn.symbols("F")), {"template": 0}, "the slot 'F' is declared in two ways, as"),
        (sn.sin(sn.symbols("F")), {"template": F(a)}, "uses the slot 'a', which the pattern sin(F) does not bind"),
        (F(a), {"template": sn.symbols("F")}, "F uses 'F' as a slot, but in the pattern F::function(a) it is a function slot"),
        (sn.max(a, xs), {"template": a + sn.symbols("xs")}, "uses 'xs' as a slot, but in the pattern max(a, xs...) it is a segment"),
        (sn.sin(a), {"template": [a]}, "[a] of type list is not a term"),
        ({}, {"template": a}, "{} of type dict is not a term"),
        (sn.sin(a), {"template": "b"}, "b uses the slot 'b', which the pattern sin(a) does not bind"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_with_file_and_line(
    pattern: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=HERE) as caught:
        rule(pattern, **options)
    assert message in str(caught.value)
    assert isinstance(caught.value, TypeError) == ("is not a term" in message)


def test_the_line_is_that_of_the_rule() -> None:
    with pytest.raises(ValueError, match="uses the slot 'b'") as caught:
        rule("sin(a) -> b")
    line = caught.traceback[0].lineno + 1
    assert f"(test_patterns.py, line {line})" in str(caught.value)


def test_patterns_too_deep_or_with_too_many_defaults_are_refused() -> None:
    deep = a
    for _ in range(120):
        deep = sn.sin(deep)
    with pytest.raises(ValueError, match=rf"the pattern is more than 100 deep; .* {HERE}"):
        rule(deep, a)
    names = "*".join(f"n{i}::default" for i in range(MAX_DEFAULTS + 1))
    with pytest.raises(
        ValueError, match=rf"has 7 default slots, more than the 6 allowed; write several rules {HERE}"
    ):
        rule(f"sin(a*{names}) -> a")
    assert len(rule(f"sin(a*{'*'.join(f'n{i}::default' for i in range(3))}) -> a").patterns) == 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: slot("a", "numbr"), r"slot 'a' has the unknown word 'numbr'; the words are 'number', 'symbol', 'default', and"),
        (lambda: slot("1a"), "symbol name '1a' is not an identifier"),
        (lambda: slot("a", funny=True), "symbol 'a' has unknown assumption 'funny'"),
        (lambda: slot("a", backend="paper"), "there is no term backend 'paper'; the backends are 'interned', 'tree'"),
        (lambda: segment("xs", "default"), "the segment 'xs' may stand for nothing anyway; leave the word 'default' out"),
        (lambda: default_slot("n", "any"), "slot 'n' has the unknown word 'any'"),
        (lambda: function_slot("F", "integer"), "function slot 'F' has the sort 'integer'; use 'real' or 'boolean'"),
        (lambda: function_slot("1F"), "symbol name '1F' is not an identifier"),
        (lambda: function_slot("F")(), r"the function slot 'F' needs arguments; write F\(a\), or F\(xs...\) for any"),
    ],
)  # fmt: skip
def test_wrong_slots_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_function_slot_takes_terms_and_numbers_only() -> None:
    with pytest.raises(TypeError, match="'a' of type str is not a term"):
        function_slot("F")("a")
    assert str(function_slot("F")(1, a)) == "F::function(1, a)"
    assert repr(function_slot("F")) == "function_slot('F')"


def test_slots_say_what_they_are() -> None:
    assert str(slot("a", "number", "default")) == str(slot("a", "default", "number")) == "a::number::default"
    assert declaration(slot("a", "symbol", "default")) == declaration(default_slot("a", "symbol"))
    assert declaration(segment("xs", "number")).words == ("number",)
    term, known = read("max(a, xs..., F::function(a))", {})
    assert sorted(known) == ["F", "xs"]
    assert str(term) == "max(F::function(a), a, xs...)"


# --- patterns and templates --------------------------------------------------------------------------------------------------------


def test_a_pattern_does_not_depend_on_the_order_in_which_it_was_built() -> None:
    u, v, w = sn.symbols("u v w")
    for one, other in (
        (w + v + u, sn.symbols("u2") - sn.symbols("u2") + u + v + w),
        (w * v * u, u * w * v),
    ):
        assert compile_pattern(sn.exp(one)) == compile_pattern(sn.exp(other))
    backwards, forwards = sn.symbols("g2") + sn.symbols("g1"), sn.symbols("h1") + sn.symbols("h2")
    for total, names in ((backwards, ("g1", "g2")), (forwards, ("h1", "h2"))):
        first, second = map(sn.symbols, names)
        assert results(rule(sn.exp(total), sn.atan2(first, second)), "exp(x + y + z)") == [
            "atan2(x, y + z)",
            "atan2(y, x + z)",
            "atan2(z, x + y)",
        ]


def test_the_rest_of_a_sum_goes_to_a_slot_that_nothing_else_binds() -> None:
    for text in ("log(a + b + exp(a)) -> atan2(a, b)", "log(a + b + exp(b)) -> atan2(b, a)"):
        assert results(rule(text), "log(x + y + z + exp(y))") == ["atan2(y, x + z)"]
    assert pattern_slots(rule("max(F::function(a), xs...) -> a").pattern) == {"F", "a", "xs"}


def test_templates_build_in_the_backend_of_the_term() -> None:
    template = template_of("a*b + log(a)^2")
    for backend in BACKENDS:
        u, v = sn.symbols("u v", backend=backend)
        built = template.build(u, {"a": u, "b": v})
        assert interface.backend_of(built) == backend
        assert sn.convert(built, backend="interned") is sn.parse("u*v + log(u)^2")
    assert template_of("a*b + log(a)^2") is template


def test_rules_and_slots_survive_pickling() -> None:
    for made in (
        rule("F::function(abs(a), xs...) -> F(a, xs)"),
        rule("exp(n::default*sin(a)) -> n*a if a > 0", name="named", holds="generic"),
        rule("exp(a)^c::number -> exp(c*a)"),
    ):
        again = pickle.loads(pickle.dumps(made))
        assert (again.text, again.name, again.holds, again.line) == (
            made.text,
            made.name,
            made.holds,
            made.line,
        )
        for term in ("atan2(abs(x), y)", "exp(x)^3", "exp(sin(p::positive))"):
            assert results(again, term) == results(made, term)


def test_facts_given_are_used() -> None:
    asked: list[Any] = []

    class Noted(Facts):
        def signs(self, term: Any) -> int:
            asked.append(term)
            return super().signs(term)

    assert list(rule("abs(a::positive) -> a").results(abs(x), Noted())) == []
    assert asked == [x]
