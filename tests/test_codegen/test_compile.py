"""What compile takes and refuses, how programs are lowered, and that large ones take linear time."""

import math
import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import symnum as sn
from symnum import term as interface
from symnum.codegen.function import compile as compile_terms
from symnum.codegen.lower import lower
from symnum.codegen.registers import allocate
from symnum.codegen.source import literal

TARGETS = ("tape", "numba", "numpy")
x, y = sn.symbols("x y")


def steps(term, *arguments):
    """Return the steps of a term as text, such as ``t0 = x * x``."""
    symbols = arguments or (x, y)
    program = lower([term], symbols)
    names = [*program.arguments, *(f"t{i}" for i in range(len(program.steps)))]
    spelled = [
        " ".join([op, *(str(program.constants[-1 - o]) if o < 0 else names[o] for o in ops)])
        for op, ops in program.steps
    ]
    return "; ".join(spelled)


# --- lowering ---------------------------------------------------------------------------------------------------------------


def test_sums_and_products():
    assert steps(x - y) == "- x y"
    assert steps(-x + y) == "- y x"
    assert steps(-x - y) == "+ x y; neg t0"
    assert steps(2 * x - 3 * y + 1) in (
        "* x 2.0; * y 3.0; - t0 t1; + t2 1.0",
        "* y 3.0; * x 2.0; - t1 t0; + t2 1.0",
    )
    assert steps(-x * y) == "* x y; neg t0"
    assert steps(x - 1) == "- x 1.0" and steps(1 - x) == "- 1.0 x"


def test_division_and_powers():
    assert steps(x / y) == "/ x y"
    assert steps(2 / x) == "/ 2.0 x" and steps(-1 / x) == "/ -1.0 x"
    assert steps(y + 2 / x) in ("/ 2.0 x; + y t0", "/ 2.0 x; + t0 y")
    assert steps(x * y**-2) == "* y y; / x t0"
    assert steps(x**3) == "* x x; * t0 x"
    assert steps(x**8).count("*") == 3
    assert steps(sn.sqrt(x)) == "sqrt x" and steps(1 / sn.sqrt(x)) == "sqrt x; / 1.0 t0"
    assert steps(sn.sqrt(x) ** 3) in ("sqrt x; * x t0",)
    assert steps(x**100) == "^ x 100.0" and steps(x**y) == "^ x y"
    assert steps(x**2.0) == "* x x" and steps(x**2.5) == "^ x 2.5" and steps(x**0.5) == "^ x 0.5"


def test_shared_values_are_computed_once_and_dead_ones_never():
    e = sn.sin(x * y)
    program = lower([e + 1, e * 2, x], [x, y])
    assert [op for op, _ in program.steps].count("sin") == 1 and program.outputs[2] == 0
    assert steps(sn.ifelse(x < x + 1, x, x)) == ""
    assert steps(3 * x * y + sn.exp(2 * x * y)).count("* x y") == 1


def test_constants_are_folded_with_the_values_of_the_interpreter():
    assert lower([x * sn.sqrt(2) * sn.sin(1)], [x]).constants in (
        (math.sqrt(2), math.sin(1)),
        (math.sin(1), math.sqrt(2)),
    )
    assert compile_terms([sn.sqrt(2), sn.log(sn.pi), sn.gamma(5)], [], "numpy")().tolist() == [
        math.sqrt(2),
        math.log(math.pi),
        24,
    ]
    huge = compile_terms(x * 10**400, [x])
    assert huge(1.0) == math.inf


def test_tree_terms_are_lowered_as_written():
    a, b = sn.symbols("a b", backend="tree")
    assert steps(a - b / 2 + a, a, b) == "/ b 2.0; - a t0; + t1 a"
    assert steps(a + (-b), a, b) == "- a b" and steps(a * 1, a, b) == ""
    assert compile_terms([a**2 / b, -1 * (-a), sn.sqrt(a)], [a, b])(4.0, 2.0).tolist() == [8, 4, 2]


def test_the_program_does_not_depend_on_how_the_term_was_built():
    names = sn.symbols("x0:12")
    forward = sum(sn.sin(s) * s for s in names)
    backward = sum(s * sn.sin(s) for s in reversed(names))
    assert lower([forward], names) == lower([backward], names)


def test_few_values_are_alive_in_a_wide_sum_and_in_a_deep_nest():
    wide = sum(sn.sin(i * x) for i in range(1, 400))
    deep = x
    for i in range(1, 400):
        deep = sn.sin(deep) + i * y
    for term in (wide, deep):
        program = lower([term], [x, y])
        assert allocate(2, [o for _, o in program.steps], program.outputs)[1] <= 4


def test_registers_are_not_used_again_while_their_value_lives():
    random = np.random.default_rng(0)
    for _ in range(200):
        count = 3
        program = [tuple(random.integers(0, count + i, 2).tolist()) for i in range(30)]
        kept = [int(random.integers(count, count + 30))]
        in_place = bool(random.integers(2))
        register, total = allocate(count, program, kept, in_place=lambda step: in_place)  # noqa: B023
        holds: dict[int, int] = {}
        for index, operands in enumerate(program):
            for operand in operands:
                assert operand < count or holds[register[operand - count]] == operand
            if not in_place:
                assert register[index] not in {register[o - count] for o in operands if o >= count}
            holds[register[index]] = count + index
        assert holds[register[kept[0] - count]] == kept[0] and max(register) == total - 1


def test_literals():
    assert [literal(v, "math") for v in (1.5, -0.0, math.nan, -math.inf, True)] == [
        "1.5",
        "(-0.0)",
        "math.nan",
        "(-math.inf)",
        "True",
    ]
    assert all(eval(literal(v, "math"), {"math": math}) == v for v in (0.1, 1e300, -5e-324, math.inf))


# --- errors -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [*TARGETS, "auto"])
def test_bad_arguments(target):
    with pytest.raises(ValueError, match="has the symbol 'y', which is not among the arguments \\(x\\)"):
        compile_terms(x + y, [x], target)
    with pytest.raises(ValueError, match="'x' is given twice"):
        compile_terms(x, [x, x], target)
    positive = sn.symbols("x", positive=True)
    with pytest.raises(ValueError, match="two arguments are named 'x'"):
        compile_terms(x, [x, positive], target)
    with pytest.raises(ValueError, match="'x' of the expression is not the argument 'x'"):
        compile_terms(x, [positive], target)
    for wrong in (x + 1, 2, "x"):
        with pytest.raises(TypeError, match="is not a symbol"):
            compile_terms(x, [wrong], target)
    for wrong in ("x", None, object()):
        with pytest.raises(TypeError, match="the arguments are a list of symbols"):
            compile_terms(x, wrong, target)


def test_bad_expressions_and_targets():
    with pytest.raises(
        ValueError, match=r"there is no target 'fortran'; the targets are 'auto', 'tape', 'numba', 'numpy'"
    ):
        compile_terms(x, [x], "fortran")
    with pytest.raises(TypeError, match=r"symnum\.parse"):
        compile_terms("x + 1", [x])
    for ragged in ([[x, y], [x]], [[x], y]):
        with pytest.raises(ValueError, match="rows of one length"):
            compile_terms(ragged, [x, y])
    for target in ("tape", "numpy", "auto"):
        with pytest.raises(ValueError, match="fastmath is a choice of target='numba'"):
            compile_terms(x, [x], target, fastmath=True)


def test_a_lone_symbol_and_the_public_name():
    assert sn.compile(x**2, x)(3.0) == 9.0
    assert compile_terms([True, x], x)(3.0).tolist() == [1.0, 3.0]


# --- users' operators -------------------------------------------------------------------------------------------------------


def sinc_of_numbers(a):
    return math.sin(a) / a if a != 0 else 1.0


def sinc_of_arrays(a):
    return np.sinc(np.asarray(a) / np.pi)


def test_operators_of_the_user():
    sn.register_operator(
        "codegen_text", 1, "0", numpy="(2.0 * numpy.tanh({0}))", numba="(2.0 * math.tanh({0}))"
    )
    sn.register_operator("codegen_python", 1, "0", numpy=sinc_of_arrays, numba=sinc_of_numbers)
    sn.register_operator("codegen_ufunc", 2, ("0", "0"), numpy=np.logaddexp)
    text, python, ufunc = (
        sn.call("codegen_text", x),
        sn.call("codegen_python", x),
        sn.call("codegen_ufunc", x, y),
    )
    for target in TARGETS:
        assert compile_terms(text, [x], target)(0.5) == pytest.approx(2 * math.tanh(0.5), rel=1e-15)
    for target in ("numba", "numpy"):
        f = compile_terms(python + x, [x], target)
        assert f(0.5) == pytest.approx(math.sin(0.5) / 0.5 + 0.5, rel=1e-15)
        assert f([0.0, 0.5]) == pytest.approx([1.0, math.sin(0.5) / 0.5 + 0.5], rel=1e-15)
    assert "'codegen_python' brings a Python function" in compile_terms(python, [x], "numba").why
    assert compile_terms(ufunc, [x, y], "tape")([1.0, 2.0], 3.0) == pytest.approx(
        np.logaddexp([1.0, 2.0], 3.0), rel=1e-15
    )


def test_an_operator_without_a_spelling_names_the_column_or_falls_back():
    sn.register_operator("codegen_lame", 1, "0", numpy=sinc_of_arrays)
    lame = sn.call("codegen_lame", x)
    with pytest.raises(ValueError, match=r"operator 'codegen_lame' has no numba spelling; .*numba='math"):
        compile_terms(lame, [x], "numba")
    with pytest.raises(
        ValueError, match=r"operator 'codegen_lame' cannot run on the tape: .* not made of NumPy ufuncs"
    ):
        compile_terms(lame, [x], "tape")
    f = compile_terms(lame, [x])
    assert f.target == "numpy" and "operator 'codegen_lame' cannot run on the tape" in f.why
    assert f(0.5) == pytest.approx(math.sin(0.5) / 0.5)


def test_a_function_that_numba_cannot_compile_is_named():
    def opens_a_file(a):
        return float(open("/dev/null").read() or a)

    sn.register_operator("codegen_odd", 1, "0", numpy=sinc_of_arrays, numba=opens_a_file)
    with pytest.raises(ValueError, match="numba cannot compile the functions given for 'codegen_odd'"):
        compile_terms(sn.call("codegen_odd", x), [x], "numba")


def test_namespaces_of_two_operators_do_not_mix():
    sn.register_operator("codegen_one", 1, "0", numpy="t0({0})", numba="t0({0})", namespace={"t0": np.sin})
    sn.register_operator("codegen_two", 1, "0", numpy="t0({0})", numba="t0({0})", namespace={"t0": np.cos})
    term = sn.call("codegen_one", x) + 10 * sn.call("codegen_two", x)
    for target in TARGETS:
        assert compile_terms(term, [x], target)(0.5) == pytest.approx(
            math.sin(0.5) + 10 * math.cos(0.5), rel=1e-15
        )


# --- names, sources, reasons ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_names_of_the_user_never_collide_with_ours(target):
    names = [
        "x0",
        "a1",
        "a0",
        "t0",
        "t1",
        "math",
        "numpy",
        "def",
        "lambda",
        "out",
        "rows",
        "scalar",
        "kernel",
        "w",
        "naïve",
        "_min",
    ]
    arguments = [sn.symbols(n) for n in names]
    term = sum((i + 1) * sn.sin(s) for i, s in enumerate(arguments))
    values = [0.1 * i for i in range(len(names))]
    wanted = sum((i + 1) * math.sin(v) for i, v in enumerate(values))
    assert compile_terms(term, arguments, target)(*values) == pytest.approx(wanted, rel=1e-14)
    # arguments that do not occur keep their place
    assert compile_terms(arguments[2] - arguments[0], arguments, target)(*values) == pytest.approx(0.2)


def test_source_and_reasons():
    tape = compile_terms([x * y + 1, x], [x, y])
    assert tape.target == "tape" and tape.why.startswith("auto: the tape")
    assert tape.source.splitlines()[1:] == [
        "r0 = multiply(x, y)",
        "out[0] = add(r0, 1.0)",
        "out[1] = positive(x)",
    ]
    assert tape.operations == 2
    assert repr(tape) == "<symnum function (x, y) -> 2 values, 2 operations, target 'tape'>"
    plain = compile_terms(sn.log(x) - y, [x, y], "numpy")
    assert "numpy.log(a0)" in plain.source and plain.why == "asked for"
    scope: dict[str, object] = {"numpy": np}
    exec(plain.source, scope)
    assert scope["compiled"](1.0, 2.0) == (-2.0,)  # type: ignore[operator]
    jit = compile_terms(sn.log(x) - y, [x, y], "numba")
    assert "t0 = math.log(a0)" in jit.source and re.search(
        r"1? ?operations in .* s, (kept in|loaded from) ", jit.why
    )
    with pytest.raises(AttributeError, match="compile with target='numba'"):
        _ = tape.numba


def test_the_scalar_function_serves_users_own_njit_code():
    from numba import njit

    one = compile_terms(x * y + 1, [x, y], "numba").numba
    two = compile_terms([x + y, x < y], [x, y], "numba").numba

    @njit
    def caller(n):
        total = 0.0
        for i in range(n):
            sum_, less = two(float(i), 2.0)
            total += one(i, 2.0) + (sum_ if less else 0.0)
        return total

    assert caller(4) == (1 + 3 + 5 + 7) + 2 + 3


def test_fastmath_reaches_the_source():
    f = compile_terms(x + y, [x, y], "numba", fastmath=True)
    assert "fastmath=True" in f.source and f(1.0, 2.0) == 3.0
    assert "fastmath=False" in compile_terms(x + y, [x, y], "numba").source


def test_numba_switched_off_falls_back_to_numpy():
    script = """
        import symnum as sn
        from symnum.codegen.function import compile
        x = sn.symbols("x")
        f = compile(x + 1, [x])
        print(f.target, f(1.0), "NUMBA_DISABLE_JIT is set" in f.why)
    """
    command = [sys.executable, "-P", "-c", textwrap.dedent(script)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}
    )
    assert done.stdout.split() == ["numpy", "2.0", "True"]


# --- size -------------------------------------------------------------------------------------------------------------------


def nest(leaf, other, depth):
    term, value = leaf, 0.3
    for i in range(depth):
        term, value = sn.sin(term) + other * (i % 7), math.sin(value) + 0.4 * (i % 7)
    return term, value


@pytest.mark.parametrize("backend", ["interned", "tree"])
@pytest.mark.parametrize("target", ["tape", "numpy"])
def test_a_nest_ten_thousand_deep(target, backend):
    a, b = sn.symbols("a b", backend=backend)
    term, value = nest(a, b, 10_000)
    f = compile_terms(term, [a, b], target)
    assert f(0.3, 0.4) == pytest.approx(value, rel=1e-9)
    assert f(np.full(100, 0.3), 0.4) == pytest.approx([value] * 100, rel=1e-9)


def test_a_large_program_for_numba_is_cut_into_functions_of_bounded_size():
    term, value = nest(x, y, 800)
    inner = sn.sin(x)  # lives from the first part to the last
    f = compile_terms([term + inner, x < y, inner, 7, y, inner], [x, y], "numba")
    assert f.source.count("def part") == math.ceil(f.operations / 500) > 1
    longest = max(len(part.splitlines()) for part in f.source.split("def part")[1:-1])
    assert longest < 1200
    wanted = [value + math.sin(0.3), 1.0, math.sin(0.3), 7.0, 0.4, math.sin(0.3)]
    assert f(0.3, 0.4) == pytest.approx(wanted, rel=1e-12)
    assert f([0.3, 0.3], 0.4) == pytest.approx(np.array([wanted, wanted]).T, rel=1e-12)
    assert f.numba(0.3, 0.4) == pytest.approx(wanted, rel=1e-12) and f.numba(0.3, 0.4)[1] is True


def test_many_arguments_and_many_outputs():
    names = sn.symbols("s0:120")
    terms = [names[i] * names[(i + 1) % 120] for i in range(120)]
    data = np.random.default_rng(0).normal(size=(120, 50))
    wanted = data * np.roll(data, -1, axis=0)
    for target in TARGETS:
        f = compile_terms(terms, names, target)
        assert np.array_equal(f(*data), wanted) and np.array_equal(f(*data[:, 0]), wanted[:, 0])


@pytest.mark.parametrize("target", TARGETS)
def test_a_doubly_shared_graph_costs_its_distinct_nodes(target):
    term, value = x, 0.3
    for _ in range(18):
        term, value = sn.cos(term) * term + sn.sin(term), math.cos(value) * value + math.sin(value)
    f = compile_terms(term, [x], target)
    assert f.operations == 18 * 4
    assert f(0.3) == pytest.approx(value, rel=1e-12)
    assert interface.node_count(term) == 18 * 4 + 1
