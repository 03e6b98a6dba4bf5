"""What a compiled function takes and gives: numbers, arrays of all kinds, out=, threads, copies."""

import copy
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.codegen.function import compile as compile_terms

x, y = sn.symbols("x y")
TERM = (x**2 + 3 * x + 1) * y - x / (y**2 + 2)


def by_hand(a, b):
    return (a * a + 3 * a + 1) * b - a / (b * b + 2)


@pytest.fixture(params=["tape", "numba", "numpy"], scope="module")
def target(request):
    return request.param


@pytest.fixture(scope="module")
def f(target):
    return compile_terms(TERM, [x, y], target)


@pytest.fixture(scope="module")
def several(target):
    return compile_terms([TERM, x, 2, x - y], [x, y], target)


def test_numbers_give_python_numbers(f):
    pairs: list[tuple[Any, Any]] = [
        (1.5, 2.5),
        (2, 3),
        (True, np.float64(2)),
        (np.int64(2), np.float32(0.5)),
        (np.array(1.0), 2.0),
        (np.uint8(3), 1),
    ]
    for one, two in pairs:
        value = f(one, two)
        assert type(value) is float and value == pytest.approx(by_hand(float(one), float(two)), rel=1e-15)
    assert f(Fraction(1, 2), 1) == pytest.approx(by_hand(0.5, 1))


def test_conditions_give_python_truth_values(target):
    condition = compile_terms(x < y, [x, y], target)
    assert condition(1.0, 2.0) is True and condition(2, 1) is False
    assert condition(np.array([1.0, 3.0]), 2.0).tolist() == [True, False]
    assert condition(np.array([1.0, 3.0]), 2.0).dtype == bool


def test_arrays_broadcast(f):
    random = np.random.default_rng(0)
    row, column = random.normal(size=(1, 5)), random.normal(size=(4, 1))
    for a, b in [
        (row, column),
        (row, 2.0),
        (3, column),
        (row[0], [[1.0], [2.0]]),
        (random.normal(size=(2, 3, 4)), random.normal(size=4)),
    ]:
        got = f(a, b)
        wanted = by_hand(np.asarray(a, float), np.asarray(b, float))
        assert got.shape == wanted.shape and np.allclose(got, wanted, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("length", [0, 1, 2, 7, 63, 64, 65, 1023, 1024, 1025, 5000])
def test_every_length_of_array(f, length):
    random = np.random.default_rng(length)
    a, b = random.normal(size=(2, length))
    assert np.allclose(f(a, b), by_hand(a, b), rtol=1e-14, atol=1e-14)
    assert np.allclose(f(a, 0.7), by_hand(a, 0.7), rtol=1e-14, atol=1e-14)
    assert f(a, b).shape == (length,)


def test_arrays_of_every_kind(f):
    random = np.random.default_rng(1)
    base = random.normal(size=(60, 6))
    other = random.normal(size=(60, 6))
    read_only = base.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + base.tobytes(), np.uint8)[1:].view(np.float64).reshape(base.shape)
    assert not unaligned.flags.aligned
    for a in (
        base,
        base.T.copy().T,
        base[::-1],
        base[:, ::2],
        base[5:6],
        read_only,
        unaligned,
        base.astype(">f8"),
        base.astype(object),
    ):
        b = other[: a.shape[0], : a.shape[1]]
        assert np.allclose(f(a, b), by_hand(a.astype(float), b), rtol=1e-14, atol=1e-14)
        assert np.allclose(
            f(a[:, 0], b[:, 1]), by_hand(a[:, 0].astype(float), b[:, 1]), rtol=1e-14, atol=1e-14
        )
    whole = np.arange(-4, 5)
    for kind in ("i1", "i4", "i8", "f4", "f2"):
        assert np.allclose(f(whole.astype(kind), 2), by_hand(whole, 2.0), rtol=1e-14)
    assert np.allclose(f(whole.tolist(), (2,)), by_hand(whole, 2.0), rtol=1e-14)
    assert np.allclose(f(np.broadcast_to(1.5, 9), whole), by_hand(1.5, whole), rtol=1e-14)


def test_shapes_of_several_terms(several, target):
    a = np.linspace(-1, 1, 6).reshape(2, 3)
    got = several(a, 2.0)
    assert got.shape == (4, 2, 3)
    assert np.allclose(got, [by_hand(a, 2.0), a, np.full_like(a, 2), a - 2], rtol=1e-14, atol=1e-14)
    assert several(1.0, 2.0).tolist() == [pytest.approx(by_hand(1.0, 2.0)), 1.0, 2.0, -1.0]
    assert several(np.empty((0, 3)), 1.0).shape == (4, 0, 3)
    nested = compile_terms([[x, y, 1], [x * y, 0, x]], [x, y], target)
    assert nested(2.0, 3.0).tolist() == [[2, 3, 1], [6, 0, 2]]
    assert nested([2.0, 1.0], 3.0).shape == (2, 3, 2)
    boxed = np.empty((1, 2), object)
    boxed[0, 0], boxed[0, 1] = x, y
    assert compile_terms(boxed, [x, y], target)(1.0, 2.0).tolist() == [[1, 2]]
    assert compile_terms([], [x], target)([1.0, 2.0]).shape == (0, 2)
    assert compile_terms(sn.pi / 2, [], target)() == np.pi / 2


def test_constant_terms_take_the_shape_of_the_inputs(target):
    constant = compile_terms(3, [x, y], target)
    assert constant(np.zeros((2, 1)), np.zeros(4)).tolist() == [[3.0] * 4] * 2
    assert constant(0.0, 0.0) == 3.0
    assert compile_terms([x, sn.pi], [x], target)([1.0, 2.0]).tolist() == [[1.0, 2.0], [np.pi, np.pi]]


def test_out_is_filled_and_returned(f, several):
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, 3, 400))
    out = np.empty((3, 400))
    assert f(a, b, out=out) is out and np.allclose(out, by_hand(a, b), rtol=1e-14, atol=1e-14)
    strided = np.zeros((6, 800))[::2, ::2]
    f(a, b, out=strided)
    assert np.array_equal(strided, out)
    many = np.empty((4, 3, 400))
    several(a, b, out=many)
    assert np.allclose(many[0], out) and np.array_equal(many[3], a - b) and (many[2] == 2).all()
    single = np.empty(())
    f(1.0, 2.0, out=single)
    assert single == pytest.approx(by_hand(1.0, 2.0))


def test_out_may_be_an_input(several, f):
    random = np.random.default_rng(3)
    data = random.normal(size=(5, 3000))
    wanted = several(data[0].copy(), data[4].copy())
    several(data[0], data[4], out=data[1:])
    assert np.array_equal(data[1:], wanted)
    data = random.normal(size=3001)
    wanted = f(data[1:].copy(), data[:-1].copy())
    f(data[1:], data[:-1], out=data[:-1])
    assert np.array_equal(data[:-1], wanted)


def test_no_warning_is_given_for_values_out_of_the_domain(target, recwarn):
    f = compile_terms([1 / x, sn.log(x), sn.sqrt(x), sn.exp(x)], [x], target)
    assert f(0.0)[:2].tolist() == [np.inf, -np.inf] and np.isnan(f(-1.0)[1:3]).all() and f(1e4)[3] == np.inf
    f(np.array([0.0, -1.0, 1e4]))
    assert not recwarn.list


def test_the_right_number_of_arguments(f):
    for values in [(), (1.0,), (1.0, 2.0, 3.0), (np.zeros(3),)]:
        with pytest.raises(TypeError, match=r"takes 2 arguments \(x, y\), but \d w"):
            f(*values)


def test_values_that_are_not_real_numbers(f):
    for value, message in [
        (1j, "argument 'x' is complex"),
        (np.zeros(2, complex), "argument 'x' is complex"),
        ("1.0", "argument 'x' has type"),
        ([None], "argument 'x' is not made of real numbers"),
        (x, "argument 'x' is not made of real numbers"),
        (np.ma.masked_array([1.0], [True]), "argument 'x' is a masked array"),
        (np.zeros(2, "M8[s]"), "argument 'x' has type"),
    ]:
        with pytest.raises(TypeError, match=message):
            f(value, 1.0)


def test_shapes_that_do_not_fit(f):
    with pytest.raises(ValueError, match=r"do not broadcast to one shape: x \(3,\), y \(4,\)"):
        f(np.zeros(3), np.zeros(4))


def test_a_wrong_out_is_refused(f, target):
    a = np.zeros(3)
    for out in (np.empty(4), np.empty((1, 3)), np.empty(3, np.float32), np.empty(3, bool)):
        with pytest.raises(ValueError, match=r"out must have shape \(3,\) and type float64"):
            f(a, a, out=out)
    with pytest.raises(TypeError, match="out must be a NumPy array"):
        f(a, a, out=[0.0] * 3)
    closed = np.empty(3)
    closed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        f(a, a, out=closed)
    condition = compile_terms(x < y, [x, y], target)
    with pytest.raises(ValueError, match="type bool"):
        condition(a, a, out=np.empty(3))
    assert condition(a, a + 1, out=np.empty(3, bool)).all()


def test_threads_share_a_function(f, several):
    random = np.random.default_rng(4)
    data = [random.normal(size=(2, 20_000)) for _ in range(8)]
    wanted = [by_hand(*d) for d in data]

    def work(i):
        for _ in range(20):
            assert np.allclose(f(*data[i]), wanted[i], rtol=1e-14, atol=1e-14)
            for k in range(50):
                assert f(data[i][0, k], data[i][1, k]) == pytest.approx(wanted[i][k], rel=1e-14)
                assert several(data[i][0, k], 2.0)[1] == data[i][0, k]
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_copies_are_the_function_itself(f):
    assert copy.copy(f) is f and copy.deepcopy([f])[0] is f


def test_pickle_in_this_process_and_in_another(target, tmp_path, code_folder):
    pytest.importorskip("symnum.text.serialize")
    k = sn.symbols("k", positive=True)
    f = compile_terms([TERM, sn.log(k), x], [x, y, k], target)
    text = pickle.dumps(f)
    assert b"def scalar" not in text and b"numpy.log" not in text
    again = pickle.loads(text)
    assert again.target == target and again(1.0, 2.0, 3.0).tolist() == f(1.0, 2.0, 3.0).tolist()
    (tmp_path / "f.pickle").write_bytes(text)
    script = """
        import pickle, sys
        f = pickle.load(open(sys.argv[1], "rb"))
        print(f.target, f(1.0, 2.0, 3.0).tolist())
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script), str(tmp_path / "f.pickle")],
        capture_output=True, text=True, check=True, env={**__import__("os").environ, "SYMNUM_CACHE_DIR": str(code_folder)},
    )  # fmt: skip
    assert done.stdout.strip() == f"{target} {f(1.0, 2.0, 3.0).tolist()}"


@pytest.mark.parametrize("target", ["tape", "numpy"])
def test_an_integer_beyond_floats_is_refused_by_name(target):
    x, y = sn.symbols("x y")
    f = sn.compile(x * y, [x, y], target=target)
    with pytest.raises(OverflowError, match="argument 'y' is beyond the largest float"):
        f(2, 10**400)
