"""Templates: reading a structure, putting functions into it, and finding them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.regression.budget import Budget
from symnum.regression.constraints import Constraints
from symnum.regression.declared import declared_constants
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem
from symnum.regression.template_search import TemplateOutcome, TemplateSearch, search_template
from symnum.regression.templates import Assembly, Template
from symnum.regression.units import Units

GRAMMAR = Grammar(("x1", "x2"))

# --- reading ----------------------------------------------------------------------------------------------------------------


def test_a_structure_is_read_with_its_functions_and_parameters() -> None:
    template = Template("y = f(x1) + 2.5*g(x2)*sin(h(x1, x1 - 2*x2)) - 1/(3 + a*x1^2)", parameters=("a",))
    x1, x2 = sn.symbols("x1 x2")
    assert [p.name for p in template.parts] == ["f", "g", "h"]
    assert template.parts[2].arguments == (x1, x1 - 2 * x2)
    assert str(template.parts[2]) == "h(x1, x1 - 2*x2)"
    f, g, h, a = sn.symbols("f g h a")
    assert template.structure is f + 2.5 * g * sn.sin(h) - 1 / (a * x1**2 + 3)
    assert Template("f(x1)").structure is f
    assert Template("f(x1, x1)*f(x1)").structure is f**2


@pytest.mark.parametrize(
    "text",
    [
        "y = f(x1) + g(x2)*sin(h(x1, x2))",
        "f(max(x1, x2))/(1 + g(x2))",
        "-f(x1)^3*2",
        "exp(-f((x1 + x2)*x1))",
        "z=f(x1)==g(x2)",
    ],
)
def test_texts_with_brackets_and_commas_are_cut_in_the_right_places(text: str) -> None:
    template = Template(text)
    body = text.split("=", 1)[1] if text[1:4].strip().startswith("=") else text
    names = {p.name: p for p in template.parts}
    # with functions as plain symbols the text is an ordinary formula
    plain = body
    for name in names:
        start = plain.index(f"{name}(")
        depth, stop = 0, start + len(name)
        while True:
            depth += {"(": 1, ")": -1}.get(plain[stop], 0)
            stop += 1
            if depth == 0:
                break
        assert sn.parse(f"max({plain[start + len(name) + 1 : stop - 1]}, 0)") is not None
        plain = plain[:start] + name + plain[stop:]
    assert template.structure is sn.parse(plain)


@pytest.mark.parametrize(
    ("text", "parameters", "kind", "message"),
    [
        (3, (), TypeError, r"a template is a text, but got 3; write Template\('y = f\(x1\) \+ g\(x2\)'\)"),
        ("f(x1)", "a", ValueError, r"parameters must be a sequence of names, but is 'a'; write parameters=\('a',\)"),
        ("y = x1 + 2", (), ValueError, "has no function to be found; call one by a name that is no operator"),
        ("y = sin(x1)", (), ValueError, "has no function to be found"),
        ("f(x1) + f(x2)", (), ValueError, r"the template calls f\(x1\) and f\(x2\); a function .* has one list of arguments"),
        ("f(g(x1))", (), ValueError, "the argument of f calls g, which is to be found too"),
        ("f() + x1", (), ValueError, r"the function f\(\) has no arguments; write f\(x\), or parameters=\('f',\)"),
        ("a(x1)", ("a",), ValueError, "'a' is a parameter of the template and is called like a function"),
        ("y = f(x1", (), sn.ParseError, "column 6: the bracket of this call is not closed"),
        ("y = f(x1) +", (), sn.ParseError, "line 1"),
        ("y = f(x1,)", (), ValueError, "text is empty"),
        ("y = f(x1)) + 1", (), sn.ParseError, "line 1"),
        ("__import__('os')", (), ValueError, "quoted"),
    ],
)  # fmt: skip
def test_bad_templates_are_explained(text: Any, parameters: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        Template(text, parameters)


@pytest.mark.parametrize(
    ("template", "grammar", "message"),
    [
        (Template("f(x1) + z"), GRAMMAR, r"has the name 'z', which is no column \(x1, x2\); write z\(x1\) .*, or parameters=\('z',\)"),
        (Template("f(q)"), GRAMMAR, "has the name 'q', which is no column"),
        (Template("f(x1 + a)*a", ("a",)), GRAMMAR, "the parameter 'a' stands in the argument of a function"),
        (Template("f(x1) + f(x1)^2"), GRAMMAR, "'f' stands 2 times in the structure"),
        (Template("f(x1) + x2", ("a",)), GRAMMAR, "'a' stands 0 times in the structure"),
        (Template("x1(x2)"), GRAMMAR, "'x1' names a column or a declared constant, and something to be found"),
        (Template("f(x1) + pi"), GRAMMAR, r"the template has pi; declare it, as in constants=\['pi'\]"),
        (Template("f(x1) + ifelse(x1 > 0, 1, 2)"), GRAMMAR, "the template's operator '.*' cannot be used: it"),
        (Template("f(x1)"), Grammar(("x1",), units=Units.of(("m",), "m", ("x1",))), "units cannot be checked in a template yet"),
        (Template("f(x1)"), Grammar(("x1",), constraints=Constraints(required=("x1",))), "cannot be combined with a template"),
    ],
)  # fmt: skip
def test_what_does_not_suit_the_language_is_explained(
    template: Template, grammar: Grammar, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Assembly.of(template, grammar)


def test_functions_are_put_in_and_taken_out_again() -> None:
    constants = declared_constants({"c": 3.0, "pi": None})
    grammar = Grammar(("x1", "x2"), ("+", "*", "exp"), numbers=(1, *constants))
    template = Template("f(x1 - x2)/(g(x2) + a)^3 + c*pi*x1 - sqrt(tanh(b*x2))*7/4", ("a", "b"))
    assembly = Assembly.of(template, grammar)
    f, g = assembly.languages
    assert f.variables == ("f_1",) and g.variables == ("x2",)
    parts = [f.parse("* C exp f_1"), g.parse("+ * c x2 C")]
    tokens, values = assembly.joined([(parts[0], [10.0]), (parts[1], [20.0])], [0.5, 0.25])
    term = assembly.grammar.term(tokens, values)
    written = "10.0*exp(x1 - x2)/((c*x2 + 20.0) + 0.5)^3 + c*pi*x1 - sqrt(tanh(0.25*x2))*7/4"
    x = np.array([[1.5, 0.5], [0.7, 2.0]])
    expected = sn.compile(sn.parse(written), sn.symbols("x1 x2 c"))(*x, 3.0)
    found = Evaluator(assembly.grammar, x).values([tokens], [values])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_allclose(sn.compile(term, sn.symbols("x1 x2 c"))(*x, 3.0), expected, rtol=1e-14)
    split, parameters = assembly.split(parts, values)
    assert sorted([*split[0][1], *split[1][1], *parameters]) == [0.25, 0.5, 10.0, 20.0]
    assert split[0][1] == [10.0] and split[1][1] == [20.0] and set(parameters) == {0.5, 0.25}


# --- finding ----------------------------------------------------------------------------------------------------------------


def found(
    text: str, y: np.ndarray, X: np.ndarray, evaluations: int, grammar: Grammar = GRAMMAR, **options: Any
) -> TemplateOutcome:
    problem = Problem.of(X, y, np.ones(len(y)))
    return search_template(Template(text, **options), problem, grammar, Budget(evaluations, None), 0)


X = np.random.default_rng(0).uniform(0.5, 3, (80, 2))
A, B = X.T

LAWS: list[Any] = [
    ("y = f(x1) + g(x2)", A**2 + 3 * np.sin(B) + 1, dict(), "x1^2 + 3*sin(x2) + 1"),
    ("y = f(x1)*g(x2)", np.exp(A) * (B**2 + 1), dict(), "(x2^2 + 1)*exp(x1)"),
    ("y = f(x1) + g(x2)*sin(h(x1, x2))", A + B**2 * np.sin(A * B), dict(), "x2^2*sin(x1*x2) + x1"),
    (
        "y = exp(-f(x1 - x2)) + g(x1)",
        np.exp(-((A - B) ** 2)) + np.log(A),
        dict(),
        "exp(-(x1 - x2)^2) + log(x1)",
    ),
    ("y = f(x1)/(x2^2 + k)", np.sin(A) / (B**2 + 0.7), dict(parameters=("k",)), "sin(x1)/(x2^2 + 7/10)"),
]


@pytest.mark.parametrize(("text", "y", "options", "law"), [pytest.param(*law, id=law[0]) for law in LAWS])
def test_functions_are_found_in_exact_data(
    text: str, y: np.ndarray, options: dict[str, Any], law: str
) -> None:
    outcome = found(text, y, X, 120_000, **options)
    assert outcome.stopped == "exact"
    assert outcome.selection.models[-1].term is sn.parse(law)
    assert 0 < outcome.evaluations < 120_000
    parts = outcome.parts[-1]
    structure = Template(text, **options).structure
    assert set(parts) == {p.name for p in Template(text, **options).parts} | set(
        options.get("parameters", ())
    )
    # the functions, put into the structure, are the formula
    value = sn.substitute(structure, {sn.symbols(name): term for name, term in parts.items()})
    np.testing.assert_allclose(sn.compile(value, sn.symbols("x1 x2"))(A, B), y, rtol=1e-9)


def test_functions_are_found_in_noisy_data_and_results_repeat() -> None:
    y = A**2 + 3 * np.sin(B) + 1
    noisy = y + np.random.default_rng(1).normal(0, 0.03, len(y))
    one, again = (found("f(x1) + g(x2)", noisy, X, 25_000) for _ in range(2))
    best = min(one.selection.models, key=lambda m: m.bits)
    assert str(best.term) == "x1^2 + 3*sin(x2) + 1"
    assert [str(m.term) for m in one.selection.models] == [str(m.term) for m in again.selection.models]
    assert one.stopped in ("budget", "no progress") and len(one.parts) == len(one.selection.models)


def test_every_reported_formula_has_the_structure() -> None:
    y = np.log(A) * B + np.random.default_rng(2).normal(0, 0.2, len(A))
    outcome = found("exp(f(x1)) - g(x2)", y, X, 15_000)
    assert len(outcome.selection.models) >= 2
    for model, parts in zip(outcome.selection.models, outcome.parts, strict=True):
        names = {sn.term.name(s) for s in sn.term.free_symbols(parts["f"])}
        assert names <= {"x1"} and {sn.term.name(s) for s in sn.term.free_symbols(parts["g"])} <= {"x2"}
        whole = sn.compile(sn.exp(parts["f"]) - parts["g"], sn.symbols("x1 x2"))(A, B)
        np.testing.assert_allclose(
            np.broadcast_to(whole, A.shape), sn.compile(model.term, sn.symbols("x1 x2"))(A, B), rtol=1e-9
        )


def test_operators_and_constraints_hold_for_the_functions() -> None:
    grammar = Grammar(("x1", "x2"), ("+", "*"), constraints=Constraints(max_count={"*": 0}))
    outcome = found("sin(f(x1))*g(x2)", np.sin(A + 1) * (B + 1), X, 30_000, grammar)
    assert outcome.selection.models[-1].term is sn.parse("(x2 + 1)*sin(x1 + 1)")
    for parts in outcome.parts:
        assert all("sin" not in str(term) for term in parts.values())


def test_a_declared_constant_of_the_structure_has_its_value() -> None:
    grammar = Grammar(("x1", "x2"), numbers=(1, 2, *declared_constants({"g": 9.81, "pi": None})))
    outcome = found("g*f(x1) + pi*h(x2)", 9.81 * A**2 + np.pi * np.sqrt(B), X, 60_000, grammar)
    assert outcome.parts[-1]["f"] is sn.parse("x1^2") and outcome.parts[-1]["h"] is sn.parse("sqrt(x2)")
    assert outcome.selection.models[-1].term is sn.parse("g*x1^2 + pi*sqrt(x2)")


def test_an_argument_that_is_undefined_on_the_data_is_told() -> None:
    with pytest.raises(ValueError, match=r"an argument of f\(log\(x1 - 2\)\) is undefined on some rows"):
        found("f(log(x1 - 2))", A, X, 1000)


def test_a_structure_that_is_undefined_on_the_data_is_told() -> None:
    with pytest.raises(ValueError, match="was undefined on the data for every function that was tried"):
        found("sqrt(-1 - f(x1)^2)", A, X, 1000)


def test_an_interrupted_search_keeps_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    original = TemplateSearch._improved

    def interrupted(self: TemplateSearch, part: int, state: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise KeyboardInterrupt
        return original(self, part, state)

    monkeypatch.setattr(TemplateSearch, "_improved", interrupted)
    y = A**2 + 3 * np.sin(B) + np.random.default_rng(3).normal(0, 0.1, len(A))
    with pytest.warns(
        UserWarning, match="the search was interrupted: the result is the best formula found so far"
    ):
        outcome = found("f(x1) + g(x2)", y, X, 60_000)
    assert outcome.stopped == "interrupted" and outcome.selection.models


def test_a_target_that_nothing_explains_gives_the_constant_with_a_warning() -> None:
    rng = np.random.default_rng(4)
    table = rng.uniform(1, 2, (12, 1))
    y = rng.normal(5, 1, 12)
    grammar = Grammar(("x1",), ("sin",))
    with pytest.warns(
        UserWarning, match="no formula of the template explains the target better than a constant"
    ):
        outcome = found("7*x1 + tanh(f(x1))/1e30", y, table, 300, grammar)
    assert len(outcome.selection.models) == 1 and outcome.parts == [{}]
