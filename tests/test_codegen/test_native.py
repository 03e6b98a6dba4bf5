"""Native code: values, entries for machine code, pickles and errors."""

import ctypes
import itertools
import pickle
import random
import threading
from typing import Any

import numpy as np
import pytest
from native_programs import big_function, random_program, same_bits

import symnum as sn
from symnum.codegen import llvm_text, native
from symnum.codegen.function import compile as compile_terms
from symnum.codegen.llvm_rows import driver
from symnum.codegen.llvm_words import Types
from symnum.codegen.lower import Program, lower
from symnum.codegen.native import NativeOptions, compile_code
from symnum.codegen.straight import StraightCode
from symnum.codegen.tape import Tape
from symnum.codegen.target import Options, Unsupported
from symnum.operators import _BUILT_IN, OPERATORS

x, y, z = sn.symbols("x y z")
SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -7.0, 5e-324, -5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e10,
    1e300, -1e300, 1.7976931348623157e308, -1.7976931348623157e308, np.inf, -np.inf, np.nan,
]  # fmt: skip


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
        if r.arity in ((1, 1), (2, 2)) and r.argument_sorts[0] == "real" and r.name in _BUILT_IN
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
    on_tape = np.empty_like(by_row)
    Tape(program, Options()).rows(list(points), points.shape[1], on_tape)
    for term, a, b, c in zip([*terms, truth], by_row, by_lane, on_tape, strict=True):
        assert same_bits(a, b), str(term)
        assert np.allclose(a, c, rtol=9e-16, atol=1e-322, equal_nan=True), str(
            term
        )  # four ulps of C's functions
    for k in range(0, points.shape[1], 13):
        assert same_bits(first.scalar(*points[:, k]), by_row[:, k])


@pytest.mark.parametrize("size", [1, 3])
def test_values_and_truth_values_cross_functions_and_modules(monkeypatch, size):
    monkeypatch.setattr(llvm_text, "CHUNK", size)
    monkeypatch.setattr(llvm_text, "PIECE", 2)
    less, more = x < y, x * y > 0.5
    parts = [
        sn.ifelse(less, sn.mod(x, 3), sn.max(y, 0.25)),
        sn.sqrt(sn.abs(x)) / y,
        sn.ifelse(more, sn.sign(x), -y),
        sn.floor(x - y),
    ]
    both = sn.all_of(less, sn.negation(more))
    terms = [
        *parts,
        sn.ifelse(sn.any_of(both, x > 1), parts[1], parts[2] * parts[3]),
        sn.ifelse(less, more, both),
        both,
        x,
        2.5,
        True,
    ]
    program = lower(terms, [x, y])
    code = StraightCode.of_program(program, 1)
    points = np.array(
        list(itertools.product([-1.3, -0.0, 0.2, 0.9, 2.6, np.nan, np.inf], [-0.7, 0.25, 1.9, np.inf]))
    ).T
    wanted = np.empty((len(terms), points.shape[1]))
    Tape(program, Options()).rows(list(points), points.shape[1], wanted)
    for tier in ("first", "optimised"):
        f, got, out = (
            compile_code(code, NativeOptions(tier=tier, keep=False)),
            np.empty_like(wanted),
            np.empty(len(terms)),
        )
        f.fill_rows(list(points), points.shape[1], got)
        assert same_bits(got + 0.0, wanted + 0.0)
        for point, values in zip(points.T, wanted.T, strict=True):
            f.fill(point[:1].copy(), point[1:].copy(), out)
            assert same_bits(out + 0.0, values + 0.0)


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


@pytest.mark.parametrize("gathered", [True, False])
def test_many_outputs(monkeypatch, gathered):
    """Values of steps, truth values, arguments and constants, each at many places, stored one by one or gathered at the end."""
    monkeypatch.setattr(llvm_text, "GATHERED", 500 if gathered else 10**9)
    program = random_program(700, heads=("+", "-", "*"))
    steps = (*program.steps, ("<", (0, 1)))
    draw = random.Random(0)
    known = [*range(-5, 12), *range(7 + 600, 7 + 701)]
    outputs = tuple(draw.choice(known) for _ in range(3000))
    program = Program(program.arguments, program.constants, steps, (False,) * 700 + (True,), outputs)
    points = np.random.default_rng(2).normal(size=(7, 50))
    wanted = np.empty((3000, 50))
    Tape(program, Options()).rows(list(points), 50, wanted)
    for tier in ("first", "optimised"):
        f = compile_code(StraightCode.of_program(program, 4), NativeOptions(tier=tier, keep=False))
        got, out = np.empty_like(wanted), np.empty(3000)
        f.fill_rows(list(points), 50, got)
        assert same_bits(got, wanted)
        f.fill(points[:4, 7].copy(), points[4:, 7].copy(), out)
        assert same_bits(out, wanted[:, 7])
    assert ("define void @symnum_gather" in f.source) == gathered
    longest = max(text.count("store") for text in f.source.split("define "))
    assert longest < 700 if gathered else longest > 700


def test_outputs_that_no_step_computes_are_stored_by_functions_of_bounded_size():
    places = np.arange(3000) % 2900
    code = StraightCode(3000, 1700, [2.5], ("+",), [0], [(0, 1, 0)], [3000, -1, *places])
    f, out, values = compile_code(code, NativeOptions(tier="first")), np.empty(3002), np.arange(3000.0)
    f.fill(values[:1700], values[1700:], out)
    assert out[:2].tolist() == [1.0, 2.5] and (out[2:] == places).all()
    assert f.source.count("define void @symnum_copy") == 16


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
    "part of x": (lambda a, p, o: (p, a[:1], a), ValueError, "x must be contiguous and have 2"),
    "no out": (lambda a, p, o: (a, p, None), TypeError, "out must be an array of float64, but is NoneType"),
    "read-only": (lambda a, p, o: (a, p, np.frombuffer(bytes(16))), ValueError, "out is read-only"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_arrays_are_named(affine, case):
    change, error, message = BAD[case]
    fresh = pickle.loads(pickle.dumps(affine))
    for function in (fresh, affine):  # before the first call, and after others
        with pytest.raises(error, match=message):
            function.fill(*change(np.ones(2), np.ones(1), np.ones(2)))


def test_parameters_and_outputs_change_between_calls(affine):
    states = np.array([2.0, 3.0])
    for k in range(6):
        parameters, out = np.array([5.0 + k // 2]), np.empty(2)
        affine.fill(states, parameters, out)
        parameters[0] += 10.0
        assert out.tolist() == [2 * (5.0 + k // 2) + 3, 3 * (5.0 + k // 2)]
        affine.fill(states, parameters, out)  # the same arrays with other values
        assert out.tolist() == [2 * (15.0 + k // 2) + 3, 3 * (15.0 + k // 2)]
    alone = compile_code(StraightCode(1, 1, [], ("+",), [0], [(0, 0, 0)], [1]))
    out = np.empty(1)
    for nothing in (None, np.empty(0), None):
        alone.fill(np.array([4.0]), nothing, out)
        assert out[0] == 8.0
    total = compile_code(StraightCode(2, 1, [], ("+",), [0], [(0, 1, 0)], [2]))
    for _ in range(2):
        with pytest.raises(ValueError, match="out shares memory"):
            total.fill(np.array([4.0]), out, out)


def test_machine_code_is_called_by_address():
    f = compile_terms([x * y, x + y], [x, y], "native")
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(f.address)
    given, out, work = np.array([3.0, 4.0]), np.empty(2), np.empty(f.work)
    function(given.ctypes.data, 0, out.ctypes.data, work.ctypes.data)
    assert out.tolist() == [12.0, 7.0]
    with pytest.raises(AttributeError, match="no address; compile with target='native'"):
        _ = compile_terms(x, [x], "tape").address


def test_machine_code_stays_within_its_memory():
    f = compile_code(StraightCode.of_program(random_program(3000, seed=5), 3), NativeOptions(tier="first"))
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(f.address)
    memory = [np.full(n + 64, 7.25) for n in (3, 4, 9, f.work)]
    memory[0][32:35] = memory[1][32:36] = 0.9
    function(*[array[32:].ctypes.data for array in memory])
    for array, size in zip(memory, (3, 4, 9, f.work), strict=True):
        changed = np.flatnonzero(array != 7.25)
        assert (changed >= 32).all() and (changed < 32 + size).all()
    assert (memory[3] != 7.25).sum() == f.work > 20


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
    entries: list[Any] = [code.function.plain.point, driver(1)]
    for entry in entries:
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
