"""Native code: values, tiers, entries for machine code, threads, pickles and errors."""

import ctypes
import itertools
import pickle
import random
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.codegen import auto, llvm_text, machine, native, native_tiers
from symnum.codegen.function import compile as compile_terms
from symnum.codegen.llvm_words import Types
from symnum.codegen.lower import Program, lower
from symnum.codegen.native import NativeOptions, compile_code
from symnum.codegen.straight import StraightCode
from symnum.codegen.tape import Tape
from symnum.codegen.target import Options, Unsupported
from symnum.operators import OPERATORS

x, y, z = sn.symbols("x y z")
SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -7.0, 5e-324, -5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e10,
    1e300, -1e300, 1.7976931348623157e308, -1.7976931348623157e308, np.inf, -np.inf, np.nan,
]  # fmt: skip


def random_program(steps, inputs=7, seed=0, heads=("+", "-", "*", "/"), outputs=9):
    """Return a program whose steps read near and far values, so that some of them cross many chunks."""
    draw = random.Random(seed)
    constants = tuple(draw.uniform(-2, 2) for _ in range(5))
    made = []
    for k in range(steps):
        known = inputs + k
        near = draw.randrange(max(0, known - 12), known)
        other = draw.choice([draw.randrange(known), -1 - draw.randrange(5), draw.randrange(inputs)])
        made.append((draw.choice(heads), (near, other)))
    results = tuple(draw.randrange(-5, inputs + steps) for _ in range(outputs - 1))
    return Program(
        tuple(f"x{i}" for i in range(inputs)), constants, tuple(made), (False,) * steps, (*results, inputs + steps - 1)
    )  # fmt: skip


def same_bits(got, wanted):
    """Tell whether arrays agree to the last bit; any nan equals any other."""
    got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    nan = np.isnan(got) & np.isnan(wanted)
    return got.shape == wanted.shape and bool((nan | (got.view(np.int64) == wanted.view(np.int64))).all())


# --- values -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["first", "optimised"])
@pytest.mark.parametrize(
    "steps", [0, 1, 199, 200, 201, 9000]
)  # within a chunk, at its bounds, several modules
def test_arithmetic_is_the_tapes_to_the_last_bit(steps, tier):
    program = random_program(steps, seed=steps)
    tape = Tape(program, Options())
    code = native.NativeCode(program, Options(tier=tier))
    points = np.random.default_rng(steps).normal(size=(7, 77))
    points[:, :23] = [np.roll(SPECIAL, i) for i in range(7)]
    wanted, got = np.empty((9, 77)), np.empty((9, 77))
    tape.rows(list(points), 77, wanted)
    code.rows(list(points), 77, got)
    assert same_bits(got, wanted)
    for point, values in zip(points.T[:40], wanted.T, strict=False):
        assert same_bits(code.scalar(*point), values)


@pytest.mark.parametrize("tier", ["first", "optimised"])
def test_each_operation_of_arithmetic_and_order_at_the_corners(tier):
    grid = np.array(list(itertools.product(SPECIAL, SPECIAL)))
    names = ["+", "-", "*", "/", "mod", "min", "max", "<", "<=", ">", ">=", "==", "!="]
    terms = [sn.call(name, x, y) for name in names]
    terms += [sn.call(name, x) for name in ("sqrt", "abs", "sign", "floor", "ceil")] + [-x]
    native_f, tape = (compile_terms(terms, [x, y], t) for t in ("native", "tape"))
    if tier == "optimised":
        native_f = compile_terms(terms, [x, y], "native", tier=tier)
        assert "rows at a time" not in native_f.why
    got, wanted = native_f(*grid.T), tape(*grid.T)
    for term, a, b in zip(terms, got, wanted, strict=True):
        if sn.term.is_call(term) and sn.term.head(term) in (
            "min",
            "max",
        ):  # which zero NumPy takes depends on the processor
            a, b = a + 0.0, b + 0.0
        assert same_bits(a, b), str(term)
    assert ("rows at a time" in native_f.why) == (tier == "optimised")
    for (a, b), values in list(zip(grid, got.T, strict=True))[::7]:
        assert same_bits(native_f(a, b), values)


def test_all_operators_have_one_value_in_all_variants():
    """Scalar code, rows one by one, and vectors with calls lane by lane or of NumPy's loops."""
    names = [
        r.name for r in OPERATORS.values()
        if r.arity in ((1, 1), (2, 2)) and r.argument_sorts[0] == "real" and not r.namespace and "_doc" not in r.name
    ]  # fmt: skip
    arity = {name: OPERATORS[name].arity[0] for name in names}
    terms = [sn.call(name, *(x, y)[: arity[name]]) for name in names]
    truth = sn.ifelse(sn.any_of(x < y, sn.negation(sn.all_of(x > 0, y > 0))), x, y)
    program = lower([*terms, truth], [x, y])
    assert {op for op, _ in program.steps} >= set(names) - {"hold"}
    points = np.array(list(itertools.product([*SPECIAL, 0.3, 1.7, -2.4], SPECIAL))).T
    first, optimised = (native.NativeCode(program, Options(tier=t)) for t in ("first", "optimised"))
    by_row, by_lane = (np.empty((len(program.outputs), points.shape[1])) for _ in range(2))
    first.rows(list(points), points.shape[1], by_row)
    optimised.rows(list(points), points.shape[1], by_lane)
    assert first.function.wide.running is None and optimised.function.wide.running is not None
    for term, a, b in zip([*terms, truth], by_row, by_lane, strict=True):
        assert np.allclose(a, b, rtol=1e-15, atol=0, equal_nan=True), str(term)
    for k in range(0, points.shape[1], 13):
        assert same_bits(first.scalar(*points[:, k]), by_row[:, k])


def test_truth_values_cross_chunks_and_come_out_as_bool():
    condition = x < y
    total = x
    for i in range(250):
        total = sn.sin(total) + i * y
    terms = [sn.ifelse(condition, total, -total), sn.ifelse(condition, y, total)]
    f, tape = compile_terms(terms, [x, y], "native", tier="first"), compile_terms(terms, [x, y], "tape")
    assert f.operations > 2 * llvm_text.CHUNK
    for point in ((1.0, 2.0), (2.0, 1.0), (np.nan, 1.0)):
        assert np.allclose(f(*point), tape(*point), rtol=1e-12, equal_nan=True)
    truth = compile_terms(x < y, [x, y], "native")
    assert truth(1.0, 2.0) is True and truth([1.0, 3.0], 2.0).tolist() == [True, False]
    out = np.zeros(40, bool)
    assert truth(np.arange(40.0), 7.0, out=out) is out and out.sum() == 7
    both = compile_terms([x < y, y < x], [x, y], "native")
    assert both(1.0, 2.0).dtype == bool and both(1.0, 2.0).tolist() == [True, False]
    mixed = compile_terms([x < y, x, True, 2.5], [x, y], "native")
    assert mixed(1.0, 2.0).tolist() == [1.0, 1.0, 1.0, 2.5]


def test_arrays_broadcast_and_fill_out():
    f = compile_terms([x * y + z, x, 7], [x, y, z], "native", tier="optimised")
    a, b = np.arange(105.0)[::3], np.arange(35.0)
    wanted = np.stack([a * b + 2, a, np.full(35, 7.0)])
    assert (f(a, b, 2.0) == wanted).all()  # a column that is not contiguous, and one number
    out = np.empty((3, 35))
    assert f(a, b, np.full(35, 2.0), out=out) is out and (out == wanted).all()
    assert (f(a.reshape(5, 7), b.reshape(5, 7), 2) == wanted.reshape(3, 5, 7)).all()
    assert f([], 1.0, 2.0).shape == (3, 0)
    for count in range(1, 40):  # fewer rows than lanes, and all rests of blocks
        assert (f(a[:count], b[:count], 2.0) == wanted[:, :count]).all()
    assert compile_terms(3, [], "native")() == 3.0 and compile_terms([], [x], "native")(1.0).shape == (0,)
    assert "rows at a time" in f.why


def test_names_of_users_never_meet_generated_ones():
    names = "x0 x1 w out double p x v3 q1 symnum_point symnum_chunk0 define ret entry".split()
    given = sn.symbols(" ".join(names))
    total = sum((i + 1) * sn.sin(s) for i, s in enumerate(given))
    f = compile_terms([total, *given], given, "native")
    values = [0.1 * i for i in range(len(names))]
    assert f(*values)[1:].tolist() == values
    assert f(*values)[0] == pytest.approx(sum((i + 1) * np.sin(v) for i, v in enumerate(values)), rel=1e-14)
    assert "define ret" not in f.source and "%ret" not in f.source


def test_the_source_is_the_ir():
    f = compile_terms(x * y + 3, [x, y], "native")
    assert "define void @symnum_point(" in f.source and "fadd double" in f.source and f.target == "native"
    fast = compile_terms(x * y + 3, [x, y], "native", fastmath=True)
    assert "fadd fast double" in fast.source and fast(2.0, 5.0) == 13.0


# --- the lower-level function ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def affine():
    """Return x0*p0 + x1 and x1*p0 as a function of two states and a parameter."""
    code = StraightCode(3, 2, [], ("*", "+"), [0, 1, 0], [(0, 2, 0), (3, 1, 0), (1, 2, 0)], [4, 5])
    return compile_code(code)


def test_states_and_parameters_are_apart(affine):
    states, parameters, out = np.array([2.0, 3.0]), np.array([5.0]), np.empty(2)
    affine.fill(states, parameters, out)
    assert out.tolist() == [13.0, 15.0] and "2 states and 1 parameters" in repr(affine)
    for array in (states, parameters):
        array.flags.writeable = False
    affine.fill(states, parameters, out[:])
    assert out.tolist() == [13.0, 15.0]


BAD = {
    "type of x": (lambda a, p, o: (a.astype(np.float32), p, o), TypeError, "x must be an array of float64"),
    "list": (lambda a, p, o: ([1.0, 2.0], p, o), TypeError, "x must be an array of float64, but is list"),
    "type of p": (lambda a, p, o: (a, p.astype(int), o), TypeError, "p must be"),
    "no p": (lambda a, p, o: (a, None, o), TypeError, "p must be an array of float64, but is NoneType"),
    "type of out": (lambda a, p, o: (a, p, o.astype(complex)), TypeError, "out must be"),
    "size of x": (lambda a, p, o: (np.ones(3), p, o), ValueError, "x must be contiguous and have 2 values"),
    "size of p": (lambda a, p, o: (a, np.ones(2), o), ValueError, "p must be contiguous and have 1 values"),
    "size of out": (lambda a, p, o: (a, p, np.ones(3)), ValueError, "out must be contiguous and have 2"),
    "strides": (lambda a, p, o: (np.ones(4)[::2], p, o), ValueError, "write numpy.ascontiguousarray"),
    "in place": (lambda a, p, o: (a, p, a), ValueError, "out shares memory"),
    "read-only": (lambda a, p, o: (a, p, np.frombuffer(bytes(16))), ValueError, "out is read-only"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_arrays_are_named(affine, case):
    change, error, message = BAD[case]
    with pytest.raises(error, match=message):
        affine.fill(*change(np.ones(2), np.ones(1), np.ones(2)))


def test_machine_code_is_called_by_address():
    f = compile_terms([x * y, x + y], [x, y], "native")
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(f.address)
    given, out, work = np.array([3.0, 4.0]), np.empty(2), np.empty(f.work)
    function(given.ctypes.data, 0, out.ctypes.data, work.ctypes.data)
    assert out.tolist() == [12.0, 7.0]
    with pytest.raises(AttributeError, match="no address; compile with target='native'"):
        _ = compile_terms(x, [x], "tape").address


def test_machine_code_is_called_from_njit():
    numba = pytest.importorskip("numba")
    f = compile_terms([x * y, x + y], [x, y], "native")
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(f.address)

    @numba.njit
    def total(points, out, work):
        found = 0.0
        for k in range(points.shape[0]):
            function(points[k].ctypes, points[k].ctypes, out.ctypes, work.ctypes)
            found += out[0] - out[1]
        return found

    points = np.arange(20.0).reshape(10, 2)
    assert total(points, np.empty(2), np.empty(f.work)) == (points.prod(axis=1) - points.sum(axis=1)).sum()


def test_threads_run_at_once_without_the_interpreters_lock():
    program = random_program(3000, heads=("+", "-", "*"))
    code = native.NativeCode(program, Options(tier="first"))
    running: Any = code.function.plain.running
    for entry in (running.point, running.rows):
        assert not entry._flags_ & 0x4  # ctypes' FUNCFLAG_PYTHONAPI: keeps the lock
    points = np.random.default_rng(3).normal(size=(7, 400))
    wanted = np.empty((9, 400))
    code.rows(list(points), 400, wanted)
    results = [np.empty((9, 400)) for _ in range(4)]
    singles: list[list[Any]] = [[] for _ in range(4)]

    def work(k):
        code.rows(list(points), 400, results[k])
        singles[k] += [code.scalar(*point) for point in points.T[:50]]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same_bits(r, wanted) for r in results)
    assert all(same_bits(np.array(s).T, wanted[:, :50]) for s in singles)


# --- tiers --------------------------------------------------------------------------------------------------------------------


def big_function(**options):
    return compile_code(StraightCode.of_program(random_program(900, seed=2)), NativeOptions(**options))


def test_the_optimised_tier_comes_after_enough_calls():
    f = big_function(calls=3, keep=False)
    given, out, first = np.ones(7), np.empty(9), np.empty(9)
    address = f.address
    for _ in range(2):
        f.fill(given, None, first)
    assert f.tier == "first" and "an optimised tier follows after 3 calls" in f.why and not f.plain.pending
    f.fill(given, None, out)
    f.plain.wait()
    assert f.tier == "optimised" and f.address != address and "optimised tier" in f.why
    f.fill(given, None, out)
    assert same_bits(out, first)
    work = np.empty(f.work)  # code that was replaced stays callable
    replaced = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(address)
    replaced(given.ctypes.data, 0, out.ctypes.data, work.ctypes.data)
    assert same_bits(out, first)


def test_scalar_calls_of_compiled_functions_count(monkeypatch):
    monkeypatch.setattr(
        native, "NativeOptions", lambda **options: NativeOptions(calls=2, keep=False, **options)
    )
    total = x
    for _ in range(300):
        total = sn.sin(total) * y
    f = compile_terms(total, [x, y], "native")
    assert f.tier == "first"
    wanted = [f(1.0, 1.1) for _ in range(2)]
    code: Any = f._code
    code.function.plain.wait()
    assert f.tier == "optimised" and f(1.0, 1.1) == wanted[0] == wanted[1]
    assert "optimised tier" in f.why and f.why.startswith("asked for; ")


def test_tiers_are_switchable():
    first = big_function(tier="first", keep=False, calls=1)
    first.fill(np.ones(7), None, np.empty(9))
    assert not first.plain.pending and first.tier == "first" and "follows" not in first.why
    assert big_function(tier="optimised", keep=False).tier == "optimised"
    assert (
        compile_terms(x + y, [x, y], "native").tier == "optimised"
    )  # small: there is nothing to gain from two tiers
    assert compile_terms(x + y, [x, y], "native", tier="first").tier == "first"


def test_vectors_come_after_enough_rows():
    f = big_function(rows=100, keep=False)
    columns = list(np.random.default_rng(1).normal(size=(7, 60)))
    out, again = np.empty((9, 60)), np.empty((9, 60))
    f.fill_rows(columns, 60, out)
    assert f.wide.running is None and not f.wide.pending
    f.fill_rows(columns, 60, out)
    f.wide.wait()
    assert f.wide.running is not None and f"{machine.best_lanes()} rows at a time" in f.why
    f.fill_rows(columns, 60, again)
    assert same_bits(out, again)
    at_once = big_function(rows=50, keep=False)
    at_once.fill_rows(
        columns, 60, again
    )  # so many rows in one call pay for the compilation that they wait for
    assert at_once.wide.running is not None and same_bits(out, again)


def test_a_failure_in_the_background_is_said_and_harmless(monkeypatch, caplog):
    f = big_function(calls=1, keep=False)

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(native_tiers, "build_native", fail)
    out = np.empty(9)
    f.fill(np.ones(7), None, out)
    f.plain.wait()
    f.fill(np.ones(7), None, out)
    assert f.tier == "first" and "no optimised tier: MemoryError: no room" in f.why
    assert any("could not be made" in record.message for record in caplog.records)


def test_what_nobody_waits_for_is_not_finished(monkeypatch):
    begun, go = threading.Event(), threading.Event()
    texts = []
    f = big_function(calls=1, keep=False)
    assemble = machine.assemble

    def slow(text, level):
        texts.append(level)
        begun.set()
        assert go.wait(20)
        return assemble(text, level)

    monkeypatch.setattr(machine, "assemble", slow)
    f.fill(np.ones(7), None, np.empty(9))
    assert begun.wait(20)
    thread = f.plain._thread
    assert "the optimised tier is being made" in f.why
    del f
    go.set()
    thread.join()
    assert len(texts) == 1  # the second module was not begun


def polynomial(length, function=lambda a: a * a):
    """Return a term of many operations."""
    total = x
    for i in range(length):
        total = function(total) * 0.5 - y * i
    return total


def test_auto_lets_native_code_take_over_without_a_change_of_values(monkeypatch):
    monkeypatch.setattr(auto, "CALLS", 3)
    f = compile_terms([polynomial(200), x < y], [x, y], "auto")
    assert f.target == "tape" and "single points by native code after 3 calls" in f.why
    wanted = [f(0.3, 0.001 * k) for k in range(3)]
    code: Any = f._code
    code.native.function.plain.wait()
    assert "single points by native code: " in f.why and "first tier" in f.why
    monkeypatch.setattr(code.tape, "kernel", None)
    got = [f(0.3, 0.001 * k) for k in range(3)]
    assert same_bits(got, wanted) and got[0].dtype == wanted[0].dtype
    truths = compile_terms([polynomial(200) < x, x < y], [x, y], "auto")
    tape = [truths(1.0, 2.0).tolist() for _ in range(3)]
    code = truths._code
    code.native.function.plain.wait()
    assert truths(1.0, 2.0).tolist() == tape[0] and truths(1.0, 2.0).dtype == bool


def test_auto_stays_with_the_tape_for_small_programs_and_for_inexact_functions(monkeypatch):
    monkeypatch.setattr(auto, "CALLS", 1)
    for term in (x * y, polynomial(200, sn.sin), sn.min(polynomial(200), y)):
        f = compile_terms(term, [x, y], "auto")
        assert f.target == "tape" and "native code" not in f.why
    assert "native code" in compile_terms(polynomial(200, sn.sqrt), [x, y], "auto").why


def test_auto_says_when_no_native_code_could_be_made(monkeypatch):
    monkeypatch.setattr(auto, "CALLS", 1)

    def fail(*_):
        raise OSError("no memory to execute")

    monkeypatch.setattr(native_tiers, "build_native", fail)
    f = compile_terms(polynomial(200), [x, y], "auto")
    first = f(0.5, 0.1)
    code: Any = f._code
    code.native.function.plain.wait()
    assert f(0.5, 0.1) == first and "no native code: OSError: no memory to execute" in f.why


def run_in_process(script):
    return subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=120)


BEGIN = """
import os, sys
import numpy as np
from symnum.codegen.straight import StraightCode
from symnum.codegen.native import NativeOptions, compile_code
n = {steps}
operands = np.stack([np.arange(n), np.maximum(np.arange(n) - 50, 0), np.zeros(n, int)], axis=1)
code = StraightCode(1, 1, [], ("+", "*"), np.arange(n) % 2, operands, [n])
f = compile_code(code, NativeOptions(calls=1, keep=False))
x, out = np.full(1, 0.5), np.empty(1)
f.fill(x, None, out)
"""


def test_the_interpreter_exits_while_code_is_made():
    done = run_in_process(BEGIN.format(steps=30_000) + "\nprint(f.plain.pending, 'numba' in sys.modules)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "True False\n", "")


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="fork is POSIX")
def test_a_child_may_compile_although_its_parent_was_compiling():
    done = run_in_process(
        BEGIN.format(steps=4000)
        + """
import warnings
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    g = compile_code(code, NativeOptions(tier="first", keep=False))
    g.fill(x, None, out)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")


# --- pickles, operators of users, errors -----------------------------------------------------------------------------------------


def test_functions_pickle_as_what_was_compiled():
    f = compile_terms([x * y, sn.sin(x)], [x, y], "native", tier="optimised")
    data = pickle.dumps(f)
    again = pickle.loads(data)
    assert b"symnum_point" not in data and b"ELF" not in data
    assert again.target == "native" and (again(1.0, 2.0) == f(1.0, 2.0)).all()
    g = big_function(tier="first", calls=5)
    other = pickle.loads(pickle.dumps(g))
    assert other.options == g.options and other.code.digest == g.code.digest
    a, b = np.empty(9), np.empty(9)
    g.fill(np.ones(7), None, a)
    other.fill(np.ones(7), None, b)
    assert same_bits(a, b)


def test_operators_of_users():
    sn.register_operator(
        "native_loop", 2, numpy="numpy.where(numpy.greater({0}, {1}), numpy.logaddexp({0}, {1}), 2.0 * {1})"
    )
    sn.register_operator("native_function", 1, numpy="_erfc({0})", llvm="erfc")
    sn.register_operator("native_words", 1, numpy="1 / numpy.exp(-{0})", llvm="fneg | exp | inverse")
    terms = [sn.call("native_loop", x, y), sn.call("native_function", x), sn.call("native_words", x)]
    f = compile_terms(terms, [x, y], "native")
    wanted = [np.logaddexp(1.0, 0.5), 0.15729920705028513, 1 / np.exp(-1.0)]
    assert np.allclose(f(1.0, 0.5), wanted, rtol=1e-15)
    assert f(0.5, 1.0)[0] == 2.0 and "native_loop by NumPy's loops" in f.why
    points = np.linspace(-2, 2, 33)
    wide = compile_terms(terms[0], [x, y], "native", tier="optimised")
    assert np.allclose(wide(points, 0.5), np.where(points > 0.5, np.logaddexp(points, 0.5), 1.0), rtol=1e-15)


BAD_SPELLINGS: dict[str, tuple[dict[str, Any], str]] = {
    "python": (dict(numpy=lambda a: a + 1), "cannot be spelled for LLVM"),
    "symbol": (dict(numpy="{0}", llvm="no_such_function"), "no function 'no_such_function'"),
    "word": (dict(numpy="{0}", llvm="fadd; ret"), "which symnum does not know"),
}


@pytest.mark.parametrize("kind", BAD_SPELLINGS)
def test_what_cannot_be_spelled_is_refused(kind):
    columns, message = BAD_SPELLINGS[kind]
    sn.register_operator(f"native_{kind}", 1, **columns)
    with pytest.raises(Unsupported, match=message):
        compile_terms(sn.call(f"native_{kind}", x), [x], "native")


def test_choices_are_checked():
    with pytest.raises(ValueError, match="no tier 'second'; the tiers are 'auto', 'first', 'optimised'"):
        compile_terms(x, [x], "native", tier="second")
    with pytest.raises(ValueError, match="tier='first' is a choice of target='native'"):
        compile_terms(x, [x], "tape", tier="first")
    with pytest.raises(ValueError, match="no tier 'second'"):
        NativeOptions(tier="second")
    with pytest.raises(ValueError, match="calls=0"):
        NativeOptions(calls=0)


# --- size ---------------------------------------------------------------------------------------------------------------------


def test_text_and_work_grow_linearly_and_modules_stay_small():
    sizes = {}
    for steps in (2_000, 20_000):
        writer = llvm_text.Writer(StraightCode.of_program(random_program(steps)), Types())
        texts = list(writer.modules())
        assert max(map(len, texts)) < 250 * llvm_text.CHUNK * llvm_text.PIECE
        sizes[steps] = sum(map(len, texts)) / steps
    assert sizes[20_000] < 1.2 * sizes[2_000]


def test_a_network_is_what_the_tape_says(shared_data):
    from symnum.pde import ReactionNetwork
    from symnum.rewriting import optimize

    network = ReactionNetwork.read(shared_data / "networks" / "multisite2.net")
    terms = optimize(network.rhs)
    names = {sn.term.name(s) for s in network.states}
    rates = [s for s in sn.term.free_symbols(*terms) if sn.term.name(s) not in names]
    program = lower(terms, [*network.states, *rates])
    values = np.random.default_rng(1).random(len(program.arguments))
    code = StraightCode.of_program(program, len(names))
    f, out = compile_code(code, NativeOptions(tier="first")), np.empty(len(terms))
    f.fill(values[: len(names)], values[len(names) :], out)
    assert same_bits(out, Tape(program, Options()).scalar(*values))
