"""Units: reading them, the unit of an expression, what is masked and refused, and what a search reports."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symnum.regression.admission import admitted, fits
from symnum.regression.constants import Model
from symnum.regression.declared import declared_constants
from symnum.regression.grammar import Grammar
from symnum.regression.problem import Problem
from symnum.regression.search import Search, Settings
from symnum.regression.units import COHERENT, PURE, SCALED, Units, is_coherent, parse_unit, unit_text
from symnum.term import is_number

NAMES = ("x", "t", "m", "r")
OF = ("m", "s", "kg", "1")
OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "^",
    "^2",
    "^-1",
    "sqrt",
    "sin",
    "exp",
    "abs",
    "atan2",
    "sign",
    "max",
    "mod",
    "cbrt",
    "neg",
)


def grammar(target: Any = "m", strict: bool = False, **options: Any) -> Grammar:
    units = Units.of(OF, target, NAMES, dimensionless_constants=strict)
    return Grammar(NAMES, **{"operators": OPERATORS, "units": units, **options})


# --- reading ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("m/s^2", (1, 0, -2, 0, 0, 0, 0)), ("kg*m^2/s^2", "J"), ("N m", "J"), ("W s", "J"), ("V*A", "W"), ("C/s", "A"), ("1", (0,) * 7),
        ("", (0,) * 7), ("1/s", "Hz"), ("m s^-1", "m/s"), ("m**2", (2, 0, 0, 0, 0, 0, 0)), ("J/(mol K)", "kg*m^2/(s^2*mol*K)"),
        ("J/mol/K", "J/(mol*K)"), ("(m/s)^2", "m^2/s^2"), ("m^(1/2)", (0.5, 0, 0, 0, 0, 0, 0)), ("m^0.5", "m^(1/2)"), ("m^(-2)", "1/m^2"),
        ("((m))", "m"), ("km/h", "m/s"), ("mN", "N"), ("µs", "s"), ("keV", "J"), ("rad/s", "Hz"), ("T", "V*s/m^2"), ("ohm·F", "s"),
        ("lm/m^2", "lx"), ("Gy", "J/kg"), ("kat", "mol/s"), ("Wb/H", "A"), ("S*V", "A"), ("mmol/L", "mol/m^3"), ("min", "s"),
    ],
)  # fmt: skip
def test_units_are_read(text: str, same: Any) -> None:
    assert parse_unit(text) == parse_unit(same)


@pytest.mark.parametrize("name", [*COHERENT, *SCALED])
def test_a_unit_is_written_as_it_is_read(name: str) -> None:
    unit = parse_unit(name)
    assert len(unit) == 7 and all(isinstance(e, Fraction) for e in unit)
    assert parse_unit(unit_text(unit)) == unit
    assert parse_unit(f"({name})^(-3/2)") == tuple(-3 * e / 2 for e in unit)


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("parsec2", ValueError, "'parsec2' is not a unit"), ((), ValueError, "a unit has seven exponents"),
        ("metre", ValueError, "there is no unit 'metre'; .*the base units are m, kg, s, A, K, mol, cd"),
        ("Jo", ValueError, "there is no unit 'Jo'; did you mean"),
        ("2*m", ValueError, "it has the factor 2; leave numbers out and rescale the data"),
        ("m/", ValueError, "it ends too early"), ("*m", ValueError, r"a unit is missing before '\*'"),
        ("m//s", ValueError, "a unit is missing before '/'"), ("(m", ValueError, "a bracket is not closed"),
        ("m)", ValueError, "a bracket is closed too early"), ("()", ValueError, "a bracket is closed too early"),
        ("m^s", ValueError, "an exponent must be a number"), ("m^", ValueError, "an exponent must be a number"),
        ("m^(1/0)", ValueError, "an exponent must be a number"), ("m^(1", ValueError, "the bracket of an exponent is not closed"),
        ("m^2^2", ValueError, r"'\^' is out of place"), ("m-s", ValueError, "'-' is out of place"),
        ("m$", ValueError, r"'\$' is no part of a unit"),
        ((1, 2), ValueError, r"a unit has seven exponents, .* but \(1, 2\) has 2"),
        (3, TypeError, "a unit is a text or seven exponents, but got 3; write '1' for a pure number"),
    ],
)  # fmt: skip
def test_bad_units_are_explained(spec: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        parse_unit(spec)


@pytest.mark.parametrize(
    ("variables", "target", "strict", "kind", "message"),
    [
        ("m", "m", False, TypeError, r"must be a mapping or a sequence, but are 'm'; write \{'x': 'm'\}"),
        (dict(x="m"), "m", False, ValueError, "the column 't' has no unit; write '1' for a pure number, or None"),
        (dict(x="m", t="s", q="1"), "m", False, ValueError, "there is no column 'q' .*; the columns are x, t"),
        (["m"], "m", False, ValueError, "there are 1 units for 2 columns"),
        (["km", "s"], "m", True, ValueError, "the unit 'km' of x has a factor besides the SI's 'm', which constants without a unit cannot"),
        (["m", "s"], "km/h", True, ValueError, "the unit 'km/h' of the target has a factor"),
    ],
)  # fmt: skip
def test_bad_tables_of_units_are_explained(
    variables: Any, target: Any, strict: bool, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        Units.of(variables, target, ("x", "t"), dimensionless_constants=strict)


def test_coherence_is_told_from_the_text() -> None:
    assert is_coherent("kg*m/s^2") and is_coherent("1") and is_coherent("")
    assert not is_coherent("g") and not is_coherent("N*cm")


# --- the unit of an expression ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("x", "m"), ("* x t", "m*s"), ("/ x t", "m/s"), ("+ x x", "m"), ("+ x t", None), ("- m m", "kg"), ("sin x", None), ("sin r", "1"),
        ("sin / x x", "1"), ("exp + r 1", "1"), ("+ x 1", None), ("* 2 x", "m"), ("^2 x", "m^2"), ("^-1 t", "1/s"), ("sqrt x", "m^(1/2)"),
        ("sqrt ^2 x", "m"), ("cbrt x", "m^(1/3)"), ("^ x 2", "m^2"), ("^ x / 1 2", "m^(1/2)"), ("^ x / 1 + 1 2", "m^(1/3)"),
        ("^ x neg 2", "1/m^2"), ("^ x ^-1 2", "m^(1/2)"), ("^ x r", None), ("^ r r", "1"), ("^ 2 x", None), ("^ x - 1 1", "1"),
        ("^ x * 2 2", "m^4"), ("abs x", "m"), ("neg x", "m"), ("atan2 x x", "1"), ("atan2 x t", None), ("sign x", "1"), ("max x x", "m"),
        ("max x t", None), ("mod t t", "s"), ("sqrt + ^2 x ^2 * / x t t", "m"), ("- 1 / ^2 x ^2 x", "1"),
        # constants take the unit that is wanted
        ("+ C x", "m"), ("+ x C", "m"), ("sin C", "1"), ("sin * C x", "1"), ("+ * C x t", "s"), ("* C x", "any"), ("C", "any"),
        ("sqrt C", "any"), ("/ C x", "any"), ("^ C 2", "any"), ("^ x C", "any"), ("^ r C", "1"), ("+ C C", "any"), ("max C x", "m"),
        ("+ * C sin x x", None),
    ],
)  # fmt: skip
def test_the_unit_of_an_expression(text: str, unit: str | None) -> None:
    language = grammar()
    rules = language.unit_rules
    assert rules is not None
    tokens = language.parse(text)
    if unit is None:
        assert not rules.consistent(tokens, language.arity)
        with pytest.raises(ValueError, match="the expression has no unit: it adds different units"):
            rules.unit(tokens, language.arity)
    else:
        assert rules.consistent(tokens, language.arity)
        found = rules.unit(tokens, language.arity)
        assert found == (None if unit == "any" else parse_unit(unit))


def test_a_fitted_exponent_gives_the_unit_when_its_value_is_known() -> None:
    language = grammar("m^2")
    rules = language.unit_rules
    assert rules is not None
    power = language.parse("^ x C")
    assert rules.unit(power, language.arity, [2.0]) == parse_unit("m^2")
    assert rules.fits(power, language.arity, [2.0]) and not rules.fits(power, language.arity, [1.5])
    total = language.parse("+ ^ x C * C t")
    assert rules.fits(total, language.arity, [2.0, 7.0])
    assert not rules.consistent(language.parse("+ ^ x 2 x"), language.arity)


def test_what_is_not_known_fits_anywhere() -> None:
    units = Units.of([None, "s"], None, ("q", "t"))
    language = Grammar(("q", "t"), units=units)
    assert language.allowed(language.parse("+ q t")) and language.allowed(language.parse("sin q"))
    assert not language.allowed(language.parse("sin t"))


def test_exponents_that_grow_without_bound_or_are_no_simple_fraction_have_no_unit() -> None:
    language = grammar()
    rules = language.unit_rules
    assert rules is not None
    assert not rules.consistent(language.parse("^2 " * 12 + "x"), language.arity)
    assert rules.consistent(language.parse("sqrt sqrt sqrt sqrt x"), language.arity)
    assert not rules.consistent(language.parse("sqrt " * 5 + "x"), language.arity)
    with pytest.raises(ValueError, match="the exponent 1/7 of a unit is no multiple of 1/720"):
        grammar(target=(Fraction(1, 7), *PURE[1:]))


def test_a_users_operator_takes_pure_numbers() -> None:
    language = grammar(operators=("+", "erf"))
    assert language.allowed(language.parse("erf r")) and not language.allowed(language.parse("erf x"))


# --- masks ------------------------------------------------------------------------------------------------------------------


def endings(language: Grammar, longest: int) -> tuple[set[tuple[int, ...]], int]:
    """Return the expressions that the mask leads to, and how many prefixes turned out to have no ending."""
    found: set[tuple[int, ...]] = set()
    dead, stack = 0, list[list[int]]([[]])
    while stack:
        prefix = stack.pop()
        following = np.flatnonzero(language.legal(prefix, longest)).tolist()
        stack += [[*prefix, token] for token in following]
        if not following:
            whole = language.end(np.array(prefix, np.int16), 0) == len(prefix)
            found |= {tuple(prefix)} if whole else set()
            dead += not whole
    return found, dead


def test_the_mask_takes_no_expression_with_a_unit_and_leaves_few_prefixes_without_ending() -> None:
    units = Units.of(["m", "s"], None, ("x", "t"))
    operators = ("+", "*", "/", "sin", "sqrt", "^2")
    language, plain = (Grammar(("x", "t"), operators, (1,), units=u) for u in (units, None))
    found, dead = endings(language, 5)
    every, none_dead = endings(plain, 5)
    assert none_dead == 0
    wanted = {t for t in every if language.allowed(np.array(t, np.int16))}
    assert wanted == {t for t in found if language.allowed(np.array(t, np.int16))}
    assert len(found) < 1.1 * len(wanted) and len(wanted) < 0.5 * len(every)
    assert dead < 0.2 * len(found)


@pytest.mark.parametrize(
    ("prefix", "following"),
    [
        ("+ x", "x + - * / ^ ^2 ^-1 sqrt abs max mod cbrt neg"),  # metres: no number and no sine
        ("sin", "r 1 2 + - * / ^ exp abs ^2 ^-1 sqrt atan2 sign max mod cbrt neg"),
        ("atan2 t", "t + - * / ^ ^2 ^-1 sqrt abs max mod cbrt neg"),
        ("+ ^2 x * x", "x + - * / ^ ^2 ^-1 sqrt abs max mod cbrt neg"),
        ("+ x / ^2 x", "x + - * / ^ ^2 ^-1 sqrt abs max mod cbrt neg"),
        ("+ ^2 x sqrt", "+ - * / ^ ^2 ^-1 abs max mod sqrt cbrt neg"),  # m^4: no leaf has it; square of a square root is no rule here
        ("^ x", "r 1 2 + - * / exp sin ^2 ^-1 sqrt abs atan2 sign max mod cbrt neg"),
    ],
)  # fmt: skip
def test_the_mask_knows_the_unit_that_is_wanted_next(prefix: str, following: str) -> None:
    language = grammar()
    tokens = [language.token(word) for word in prefix.split()]
    mask = language.legal(tokens, 12)
    names = {language.names[t] for t in np.flatnonzero(mask)}
    plain = Grammar(NAMES, OPERATORS).legal(tokens, 12)
    # the rules of nesting take tokens too
    allowed = {language.names[t] for t in np.flatnonzero(plain)}
    assert names == set(following.split()) & allowed
    assert names < allowed


def test_where_constants_are_pure_the_mask_asks_for_the_unit_of_the_target() -> None:
    language = grammar("m/s", strict=True)
    names = lambda *words: {
        language.names[t] for t in np.flatnonzero(language.legal([language.token(w) for w in words], 3))
    }
    assert not names() & {"x", "t", "r", "1", "sin", "exp", "sign", "atan2"}
    assert names("/", "x") == {"t"}
    assert names("*", "t") == set()  # the unit m/s^2 would need more tokens: this prefix has no ending
    assert not language.legal([language.token("+"), *language.parse("* x t")], 9)[0]


@pytest.mark.parametrize("text", ["+ x t", "* + x t r", "sin t"])
def test_a_prefix_without_a_unit_has_no_ending(text: str) -> None:
    language = grammar()
    tokens = [language.token("*"), *language.parse(text)]
    assert not language.legal(tokens, 20).any()


# --- constants without units ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "operators", "variables"),
    [("kg", ("+", "*", "/", "sqrt"), ("m", "s")), ("m^2", ("+", "-", "sin"), ("m", "1")), ("1", ("+", "-"), ("m", "s"))],
)  # fmt: skip
def test_units_that_no_formula_can_have_are_told_before_the_search(
    target: str, operators: tuple[str, ...], variables: tuple[str, ...]
) -> None:
    numbers = () if target == "1" else (1, 2)
    strict, free = (
        Units.of(variables, target, ("a", "b"), dimensionless_constants=flag) for flag in (True, False)
    )
    message = f"no formula can have the unit {target.replace('^', '.')} of the target: the columns have"
    with pytest.raises(ValueError, match=message):
        Grammar(("a", "b"), operators, numbers, units=strict)
    Grammar(("a", "b"), operators, numbers, units=free)


def test_a_declared_constant_can_make_units_possible() -> None:
    units = Units.of(("kg",), "J", ("m",), dimensionless_constants=True)
    with pytest.raises(ValueError, match="no formula can have the unit m.2.kg/s.2"):
        Grammar(("m",), units=units)
    constants = declared_constants({"c": (299792458.0, "m/s")})
    Grammar(("m",), numbers=(1, 2, *constants), units=units)


def test_which_views_of_the_target_an_expression_can_be_fitted_to() -> None:
    views = ("plain", "relative", "log", "reciprocal", "square", "root")
    language = grammar("m^2", strict=True)
    texts = ["* x x", "x", "r", "/ 1 ^2 x", "^2 * x x", "t"]
    assert fits(language, [language.parse(t) for t in texts], views).tolist() == [
        [True, True, False, False, False, False],
        [False, False, False, False, False, True],
        [False] * 6,  # exp(r) is a pure number
        [False, False, False, True, False, False],
        [False, False, False, False, True, False],
        [False] * 6,
    ]
    assert fits(grammar("1", strict=True), [language.parse("r")], views).all()
    assert fits(grammar("m^2"), [language.parse("t")], views).all()
    assert fits(grammar("m^2", operators=("log", "/")), [language.parse("t")], ("plain", "exp")).tolist() == [
        [True, False]
    ]


@pytest.mark.parametrize(
    ("text", "constants", "left"),
    [
        ("+ C * C x", [3.0, 2.0], ("* C x", [2.0])),
        ("* C x", [2.0], ("* C x", [2.0])),
        ("+ C * C t", [3.0, 2.0], None),
        ("+ * C x + C * C * x sin + C r", [1.0, 2.0, 3.0, 4.0], ("+ * C x * C * x sin + C r", [1.0, 3.0, 4.0])),
        ("sqrt + C * C + C ^2 x", [1.0, 2.0, 3.0], ("sqrt * C ^2 x", [2.0])),
    ],
)  # fmt: skip
def test_addends_that_a_unit_forbids_are_left_out(
    text: str, constants: list[float], left: tuple[str, list[float]] | None
) -> None:
    language = grammar("m", strict=True)
    found = admitted(language, language.parse(text), constants)
    if left is None:
        assert found is None
    else:
        assert found is not None
        assert found[0].tolist() == language.parse(left[0]).tolist() and found[1] == left[1]


def test_addends_stay_where_constants_have_units() -> None:
    language = grammar("m")
    tokens = language.parse("+ C * C t")
    found = admitted(language, tokens, [1.0, 2.0])
    assert found is not None and found[0].tolist() == tokens.tolist()
    plain = Grammar(("x",))
    assert admitted(plain, plain.parse("+ C x"), [1.0]) is not None


# --- whole searches ---------------------------------------------------------------------------------------------------------


METHODS = ("reduction", "slots", "subtrees")
"""All but sums and quotients, which take long for few evaluations."""


def search(language: Grammar, X: np.ndarray, y: np.ndarray, evaluations: int = 4000) -> list[Model]:
    problem = Problem.of(X, y, np.ones(len(y)))
    return (
        Search(problem, language, Settings(0, max_evaluations=evaluations, methods=METHODS))
        .run()
        .selection.models
    )


def test_a_search_reports_no_formula_with_a_wrong_unit() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(1, 3, (40, 3))
    y = np.sqrt(X[:, 0] + X[:, 1]) * (1 + 0.3 * np.sin(X[:, 2])) + rng.normal(0, 0.02, 40)
    names, operators = ("x", "t", "r"), ("+", "-", "*", "/", "sin", "sqrt")
    without = search(Grammar(names, operators), X, y)
    for strict in (False, True):
        units = Units.of(("m", "s", "1"), "m", names, dimensionless_constants=strict)
        language = Grammar(names, operators, units=units)
        rules = language.unit_rules
        assert rules is not None
        assert any(not rules.fits(m.tokens, language.arity, m.constants) for m in without)
        found = search(language, X, y, 12_000)
        assert any(not is_number(m.term) for m in found)
        assert all(rules.fits(m.tokens, language.arity, m.constants) for m in found)


def test_pure_constants_lead_to_the_one_formula_that_has_the_unit() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(1, 3, (30, 2))
    c = declared_constants({"c": (299792458.0, "m/s")})
    units = Units.of(("kg", "m/s"), "J", ("m", "v"), dimensionless_constants=True)
    language = Grammar(("m", "v"), numbers=(1, 2, *c), units=units)
    found = search(language, X, X[:, 0] * 299792458.0**2)
    assert str(found[-1].term) == "c^2*m"


def test_units_for_another_number_of_variables_are_refused() -> None:
    with pytest.raises(ValueError, match="units for 2 variables, but the grammar has 1"):
        Grammar(("x",), units=Units.of(("m", "s"), "m", ("x", "t")))


def test_every_pair_of_stored_parts_has_the_unit_of_its_tokens() -> None:
    language = grammar()
    rules = language.unit_rules
    assert rules is not None
    parts = [[int(t)] for t in language.leaves]
    width = language.constraint_rules.width
    pairs = list(itertools.product(range(len(parts)), repeat=2))
    left, right = (np.array(each) for each in zip(*pairs, strict=True))
    for token in map(int, language.searched):
        binary = language.arity[token] == 2
        ok, states = language.joined(token, left, right, language.leaf_states[language.leaves])
        for k, (a, b) in enumerate(pairs):
            tokens = np.array([token, *parts[a], *(parts[b] if binary else [])], np.int16)
            assert ok[k] == rules.consistent(tokens, language.arity)
            if ok[k]:
                unit = rules.unit(tokens, language.arity)
                assert unit == tuple(Fraction(int(e), 720) for e in states[k, width : width + 7])
