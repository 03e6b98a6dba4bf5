"""compare: what it proves, what it finds, which limits it keeps, and that its counterexamples are genuine."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import terms

import symnum as sn
from symnum import term as interface
from symnum.rewriting import Evidence, EvidenceLimits, compare
from symnum.rewriting.enclosures import Judge, unevaluable
from symnum.symbols import convert
from symnum.text.printer import to_text

x, y, z = sn.symbols("x y z")
QUICK = EvidenceLimits(points=12, tries=60, seconds=60.0)


def read(before: str, after: str, backend: str = "interned", **options: Any) -> Evidence:
    left = sn.parse(before, backend=backend)
    shared = {interface.name(s): s for s in interface.free_symbols(left)}
    return compare([left], [sn.parse(after, backend=backend, symbols=shared)], **options)


def value_at(term: Any, point: Any) -> Any:
    """Return the value of a term at a counterexample, or nan where it has none."""
    symbols = interface.free_symbols(term)
    given_values = {s: point[interface.name(s)] for s in symbols if interface.name(s) in point}
    given_values |= {s: point[to_text(s, declare=True)] for s in symbols if to_text(s, declare=True) in point}
    try:
        return sn.evaluate(term, given_values, precision=80)
    except ZeroDivisionError:
        return sn.evaluate(0 * x / 0, {x: 1}, precision=10)


def is_genuine(before: Any, after: Any, found: Evidence) -> bool:
    left, right = value_at(before, found.counterexample), value_at(after, found.counterexample)
    return left == left and left != right


# --- agreement --------------------------------------------------------------------------------------------------------------


def test_identical_terms_are_not_looked_into() -> None:
    found = compare([x, sn.sin(x) * y], [x, y * sn.sin(x)])
    assert (found.agrees, found.method, found.points) == (True, "identical", 0)
    assert str(found) == "agrees (identical): each term is the one it was"
    assert compare([], []).method == "identical"
    assert compare([1, Fraction(1, 2)], [1, Fraction(1, 2)]).agrees is True


def test_rational_rewrites_are_proved_modulo_primes() -> None:
    found = compare([x * y + x, sn.exp(x * y + x), x], [x * (y + 1), sn.exp(x * (y + 1)), x])
    assert (found.agrees, found.method, found.points) == (True, "modular", 2)
    assert found.why == ("all 3 terms agree, 2 of them modulo 2 primes with an error probability below 2^-60")


def test_other_rewrites_are_found_to_agree_at_points() -> None:
    found = compare([sn.sin(2 * x), x * y + x], [2 * sn.sin(x) * sn.cos(x), x * (y + 1)])
    assert (found.agrees, found.method, found.points, found.worst) == (True, "sampling", 24, 0.0)
    assert found.why == "all 2 terms agree, 1 of them modulo 2 primes, 1 by their values at 24 points or more"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("log(x) + log(y)", "log(x*y)"),
        ("sqrt(x)*sqrt(y)", "sqrt(x*y)"),
        ("exp(log(x))", "x"),
        ("sin(asin(x))", "x"),
        ("sqrt(x^2)", "abs(x)"),
        ("(x^2)^(1/2)", "abs(x)"),
        ("x^(1/3)", "cbrt(x)"),
        ("2*log(x)", "log(x^2)"),
        ("1/(1/x)", "x"),
        ("x/x", "1"),
        ("(x^2 - y^2)/(x - y)", "x + y"),
        ("log(x) - log(x)", "0"),
        ("tan(x)", "sin(x)/cos(x)"),
        ("x::positive", "sqrt(x^2)"),
        ("sin(pi*n::integer)", "0"),
        ("cos(pi*n::integer)", "(-1)^n"),
        ("mod(n::integer^3 - n, 6)", "0"),
        ("ifelse(x < y, x, y)", "min(x, y)"),
        ("floor(x) + 1", "floor(x + 1)"),
        ("not (f::boolean and g::boolean)", "not f or not g"),
        ("f::boolean and (g::boolean or h::boolean)", "(f and g) or (f and h)"),
        ("x > y and y > x", "false"),
        ("ifelse(f::boolean and x > 0, log(x), 2)", "ifelse(x > 0 and f, log(x), 2)"),
        ("1 - 1e-20", "1.0"),
        ("x^2.0", "x^2"),
    ],
)
@pytest.mark.parametrize("backend", ["interned", "tree"])
def test_what_agrees_wherever_it_was_defined(before: str, after: str, backend: str) -> None:
    assert read(before, after, backend, limits=QUICK).agrees is True


# --- differences ------------------------------------------------------------------------------------------------------------

WRONG = [
    ("sqrt(x^2)", "x"),
    ("(x^2)^(1/2)", "x"),
    ("(x^4)^(1/4)", "x"),
    ("log(x^2)", "2*log(x)"),
    ("log(x*y)", "log(x) + log(y)"),
    ("sqrt(x*y)", "sqrt(x)*sqrt(y)"),
    ("x", "exp(log(x))"),
    ("x", "sin(asin(x))"),
    ("cbrt(x)", "x^(1/3)"),
    ("asin(sin(x))", "x"),
    ("atan2(y, x)", "atan(y/x)"),
    ("1", "0^x"),
    ("floor(-x)", "-floor(x)"),
    ("floor(x)", "ceil(x) - 1"),
    ("mod(-x, 5)", "-mod(x, 5)"),
    ("mod(x, 10^6)", "x"),
    ("floor(x/10^7)", "ifelse(x < 0, -1, 0)"),
    ("abs(x - 10^6) + x", "10^6"),
    ("max(x, 10^6)", "10^6"),
    ("min(x, -10^9)", "-10^9"),
    ("max(x, x + 10^-40)", "x"),
    ("ifelse(x > 10^6, -sin(x), cos(x))", "ifelse(x > 10^6, sin(x), cos(x))"),
    ("ifelse(x > 10^6 and y < -10^6, 1, 0)", "0"),
    ("ifelse(x > 10^6, ifelse(y < -10^6, ifelse(z > 12345, 1, 0), 0), 0)", "0"),
    ("ifelse(x*y > 10^15, x, -x)", "-x"),
    ("ifelse(x == 77777, x, 0)", "0"),
    ("ifelse(n::integer > 10^6, 1, 0)", "ifelse(n > 10^6 + 1, 1, 0)"),
    ("x > 1/3", "x >= 1/3"),
    ("sin(pi*x)", "0"),
    ("mod(x^3 - x, 6)", "0"),
    ("mod(n::integer^5 - n, 60)", "0"),
    ("abs(n::integer*(n - 1)*(n + 1)*(n - 2)*(n + 2)*(n - 3)*(n + 3)*(n - 4)*(n + 4))", "0"),
    ("sin(x)", "sin(x) + 10^-60"),
    ("sign(x)", "tanh(10^12*x)"),
    ("exp(pi*sqrt(163))", "262537412640768744"),
    (" and ".join(f"f{i}::boolean" for i in range(7)), "false"),
    (" or ".join(f"f{i}::boolean" for i in range(16)), "true"),
    (f"ifelse({' and '.join(f'f{i}::boolean' for i in range(9))}, x, y)", "y"),
    ("1/(x - 1)", "1/(x + 1)"),
    ("x*(y + 1)", "x*y + x + 10^-30"),
    (f"{2**61 - 1}*x*{2**89 - 1}", "0"),
    ("ifelse(x > 10^400, 1, 0)", "0"),
]


@pytest.mark.parametrize(("before", "after"), WRONG)
@pytest.mark.parametrize("backend", ["interned", "tree"])
def test_a_wrong_rewrite_is_found_with_a_genuine_counterexample(
    before: str, after: str, backend: str
) -> None:
    left = sn.parse(before, backend=backend)
    shared = {interface.name(s): s for s in interface.free_symbols(left)}
    right = sn.parse(after, backend=backend, symbols=shared)
    found = compare([left], [right])
    assert (found.agrees, found.pair) == (False, 0), str(found)
    assert found.counterexample is not None and is_genuine(left, right, found)


@pytest.mark.parametrize("size", [1, 10**5])
def test_a_small_constant_dropped_from_a_long_sum_is_found(size: int) -> None:
    total = sum(size * (k + 1) * sn.cos(k * x + y) for k in range(300))
    for dropped in (Fraction(1, 10**10), 1e-10, size * 1e-15):
        found = compare([y, total + dropped], [y, total])
        assert (found.agrees, found.pair) == (False, 1)
    rational = sum((k + 1) * x**k * y for k in range(300))
    assert compare([rational + Fraction(1, 10**10)], [rational]).agrees is False


@pytest.mark.parametrize("backend", ["interned", "tree"])
def test_float_coefficients_that_stay_hide_no_dropped_constant(backend: str) -> None:
    a, b = sn.symbols("x y", backend=backend)
    total = sum((12345.678 + k) * sn.cos(k * a + b) for k in range(200))
    found = compare([total + 1e-10], [total])
    assert found.agrees is False and is_genuine(total + 1e-10, total, found)
    assert compare([total + 1e-10], [total + 1.001e-10]).agrees is False
    left, right = (
        found.why.removeprefix("term 0 has the value ").removesuffix(" after the change").split(", but is ")
    )
    assert left != right


def test_a_changed_sign_in_one_of_many_branches_is_found() -> None:
    def total(changed: int) -> Any:
        signs = [-1 if k == changed else 1 for k in range(12)]
        return sum(sn.ifelse(x > 10**3 * (3 * k + 1), s * y, z) for k, s in enumerate(signs))

    before = total(-1)
    for changed in range(12):
        found = compare([before], [total(changed)])
        assert found.agrees is False and is_genuine(before, total(changed), found)


def test_the_counterexample_names_its_symbols() -> None:
    found = compare([sn.sqrt(x**2)], [x])
    assert found.counterexample == {"x": -1}
    assert found.why == "term 0 has the value 1, but is -1 after the change"
    assert str(compare([sn.log(x * y)], [sn.log(x) + sn.log(y)])) == (
        "differs (sampling): term 0 has the value 0, but is undefined after the change"
    )
    positive, whole = sn.symbols("x", positive=True), sn.symbols("x", integer=True)
    found = compare([x + positive + whole], [3 * x])
    assert set(found.counterexample or {}) == {"x", "x::positive", "x::integer"}
    assert is_genuine(x + positive + whole, 3 * x, found)


def test_points_lie_within_the_assumptions() -> None:
    positive, whole = sn.symbols("p", positive=True), sn.symbols("n", integer=True)
    truth = [sn.sqrt(positive**2 * y**2), sn.floor(sn.hold(whole))]
    assert compare(truth, [positive * sn.abs(y), whole]).agrees is True
    found = compare([sn.abs(positive - 3) * whole], [(positive - 3) * whole])
    assert found.agrees is False and found.counterexample is not None
    assert 0 < found.counterexample["p"] < 3 and type(found.counterexample["n"]) is int


# --- floats -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "agrees"),
    [
        ("0.1*x + 0.2*x", "0.3*x", True),
        ("0.1*x", "0.1000000000001*x", True),
        ("0.1*x", "0.100000000001*x", False),
        ("10*0.1*x + 0.1*y", "1.0*x + 0.1*y", True),
        ("0.1*x + 0.7*y", "0.7*x + 0.1*y", False),
        ("x^0.3*x^0.4", "x^0.7", True),
        ("exp(0.1)*x", "1.1051709180756477*x", True),
        ("exp(0.1)*x", "1.10517091808*x", False),
        ("sqrt(0.3 - (0.1 + 0.2) + x)", "sqrt(x)", True),
    ],
)
def test_constants_may_be_rounded_but_not_changed(before: str, after: str, agrees: bool) -> None:
    found = read(before, after, "tree")
    assert found.agrees is agrees, str(found)
    assert found.worst < 1e-11 or not agrees


def test_the_worst_rounding_is_reported() -> None:
    found = read("0.1*x", "0.1000000000001*x", "tree")
    assert 0.9e-12 < found.worst < 1.1e-12
    assert read("0.1*sin(2*x)", "0.2*sin(x)*cos(x)", "tree").worst < 1e-15


# --- no answer --------------------------------------------------------------------------------------------------------------


def test_nothing_is_said_where_nothing_is_defined() -> None:
    found = read("log(-1 - x^2)", "sin(x)")
    assert (found.agrees, found.pair, found.points) == (None, 0, 0)
    assert str(found) == (
        "unknown (sampling): term 0 is defined at too few of the 240 points tried (0 of 24 points agree)"
    )
    constant = read("1/0", "2", "tree")
    assert constant.agrees is None
    assert constant.why == (
        "term 0 is defined at none of its points, or not decided there (0 of 1 points agree)"
    )


def test_a_row_of_the_truth_table_that_is_not_decided_leaves_it_open() -> None:
    zero = "sin(1)^2 + cos(1)^2 - 1"
    found = read(f"ifelse(f::boolean, {zero} > 0, g::boolean)", "f and false or g and not f", "tree")
    assert (found.agrees, found.points) == (None, 2)


def test_the_limit_of_seconds_is_kept() -> None:
    found = compare([sn.sin(2 * x)], [2 * sn.sin(x) * sn.cos(x)], limits=EvidenceLimits(seconds=0))
    assert (found.agrees, found.method) == (None, "sampling")
    assert found.why == "term 0 was not settled within 0 seconds (0 of 24 points agree)"


def test_an_operator_without_an_arb_spelling_has_no_bounds() -> None:
    sn.register_operator("gate_of_evidence", 1, numpy="numpy.tanh({0})")
    call = interface.make(x, "gate_of_evidence", (x,))
    why = (
        "the operator 'gate_of_evidence' has no Arb spelling, so that its values have no bounds; "
        "give one in its row: symnum.register_operator('gate_of_evidence', ..., arb='{0}.exp()')"
    )
    assert unevaluable([call + 1]) == why
    found = compare([sn.sin(2 * call)], [2 * sn.sin(call) * sn.cos(call)])
    assert (found.agrees, found.why) == (None, f"term 0 cannot be sampled: {why} (0 of 0 points agree)")
    assert compare([call * (y + 1)], [call * y + call]).agrees is True


def test_a_rational_difference_needs_no_values() -> None:
    found = compare([x / (y * 0 + 1)], [x + 1], limits=EvidenceLimits(seconds=0))
    assert (found.agrees, found.method, found.counterexample) == (False, "modular", None)
    assert found.why == "term 0 became another rational function, as its residues modulo a prime show"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 0}, "the limit points is 0, but it must be a whole number from 1"),
        ({"tries": 2.5}, "the limit tries is 2.5, but it must be a whole number that is not negative"),
        ({"bits": True}, "the limit bits is True, but it must be a whole number that is not negative"),
        ({"seconds": -1}, "the limit seconds is -1, but it must be a number that is not negative"),
        ({"seconds": "2"}, "the limit seconds is '2', but it must be a number that is not negative"),
        (
            {"bits": 100},
            "values cannot be right to accuracy=200 bits when they have bits=100; give a smaller accuracy or more bits",
        ),
    ],
)
def test_limits_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        EvidenceLimits(**options)
    assert str(caught.value).partition("; write ")[0] == message


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError) as unequal:
        compare([x, y], [x])
    assert str(unequal.value) == (
        "compare takes as many terms after as before, but got 2 and 1; pair each term with the one that replaces it"
    )
    for wrong, shown in ((x, "x"), ("x", "'x'"), (3, "3"), (None, "None")):
        with pytest.raises(TypeError) as single:
            compare(wrong, [x])
        assert str(single.value) == (
            f"compare takes two lists of terms, but got {shown}; put a single term in a list: compare([before], [after])"
        )
    with pytest.raises(TypeError, match="'x' of type str is not a term"):
        compare(["x"], [x])
    with pytest.raises(TypeError) as truth:
        bool(compare([x], [x]))
    assert str(truth.value) == (
        "the truth of an Evidence is not clear, since it may be None; write evidence.agrees is True"
    )


def test_an_interruption_and_an_error_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for problem in (KeyboardInterrupt, RuntimeError("broken")):

        def fail(*_: Any, problem: Any = problem) -> None:
            raise problem

        monkeypatch.setattr(Judge, "call", fail)
        with pytest.raises(type(problem) if isinstance(problem, Exception) else problem):
            compare([sn.sin(2 * x)], [2 * sn.sin(x) * sn.cos(x)])


# --- determinism and size ---------------------------------------------------------------------------------------------------

SCRIPT = """
import symnum as sn
from symnum.rewriting import compare
x, y = sn.symbols("x y")
a = sum(sn.ifelse(x > 1000*k, sn.sin(k*y), sn.max(x, k*y)) for k in range(9))
print(compare([a, sn.abs(x*y)], [a + sn.ifelse(x > 10**5, 1, 0), x*y]))
print(compare([sn.abs(x*y + 1)], [x*y + 1]).counterexample)
"""


def test_the_answer_depends_on_the_seed_alone() -> None:
    outputs = set()
    for hash_seed in ("0", "1", "4242"):
        run = subprocess.run(
            [sys.executable, "-P", "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(run.stdout)
    assert len(outputs) == 1 and outputs.pop().startswith("differs (sampling): term 1 has")
    first = compare([sn.abs(x * y - 7)], [x * y - 7], seed=5)
    assert first == compare([sn.abs(x * y - 7)], [x * y - 7], seed=5)


def test_two_backends_are_compared_with_each_other() -> None:
    tree = sn.parse("2*sin(x)*cos(x) + x/x", backend="tree")
    assert compare([tree], [sn.sin(2 * x) + 1]).agrees is True
    found = compare([sn.sin(2 * x) + 1], [tree])
    assert (found.agrees, found.counterexample) == (False, {"x": 0})


@pytest.mark.parametrize("backend", ["interned", "tree"])
def test_ten_thousand_levels_and_two_to_the_eighteen_paths(backend: str) -> None:
    a, b = sn.symbols("x y", backend=backend)
    deep = wide = wide_again = a + b
    for _ in range(10_000):
        deep = sn.tanh(deep) + a
    found = compare([deep * (deep + 1)], [deep * deep + deep])
    assert (found.agrees, found.method) == (True, "modular")
    if backend == "interned":
        assert compare([sn.sin(2 * deep)], [2 * sn.sin(deep)], limits=QUICK).agrees is False
    for _ in range(18):
        wide, wide_again = wide * sn.sin(wide) + wide, wide_again * (sn.sin(wide_again) + 1)
    assert compare([wide], [wide_again]).method == "modular"
    assert compare([sn.log(sn.exp(wide))], [wide_again], limits=QUICK).agrees is True
    assert compare([wide], [wide_again + Fraction(1, 10**30) * sn.exp(a)], limits=QUICK).agrees is False


# --- random terms -----------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(terms(max_leaves=7, floats=False))
def test_simplify_and_conversion_agree_on_random_terms(term: Any) -> None:
    assert compare([term], [sn.simplify(term)], limits=QUICK).agrees is not False
    assert compare([convert(term, "tree")], [term], limits=QUICK).agrees is not False


@settings(max_examples=60)
@given(terms(max_leaves=7, floats=False, sort="real"), st.fractions(Fraction(1, 10**20), 1))
def test_a_shifted_random_term_never_agrees(term: Any, shift: Fraction) -> None:
    finite = sn.atan(term)
    found = compare([finite], [finite + shift], limits=QUICK)
    assert found.agrees is not True or found.method == "identical"  # nan + 1 is nan


@pytest.mark.parametrize(
    ("before", "after"), [("csc(x)", "1/sin(x)"), ("cot(x)", "cos(x)/sin(x)"), ("coth(x)", "cosh(x)/sinh(x)")]
)
def test_a_pole_may_be_written_in_two_ways(before: str, after: str) -> None:
    assert compare([sn.parse(before)], [sn.parse(after)]).agrees is True
    assert compare([sn.parse(after)], [sn.parse(before)]).agrees is True
