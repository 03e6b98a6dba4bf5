"""The interned backend: identity, canonical forms, exact numbers, memory, order."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import subprocess
import sys
import threading
import weakref
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnum as sn
from symnum import term
from symnum.backends import arithmetic, interned
from symnum.backends.nodes import _CLASHES

x, y, z = sn.symbols("x y z")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (x + y, y + x),
        ((x + y) + z, x + (y + z)),
        (x + x, 2 * x),
        (x - x, sn.number(0)),
        (x * y * x, x**2 * y),
        (x / x, sn.number(1)),
        (2 * (x + y) - 2 * x, 2 * y),
        (x * 0, sn.number(0)),
        ((2 * x) ** 3, 8 * x**3),
        ((x * y) ** 2, x**2 * y**2),
        ((x**2) ** 3, x**6),
        (x**y * x**2, x ** (y + 2)),
        (x**y / x**y, sn.number(1)),
        (sn.sqrt(x) * sn.sqrt(x), x),
        (sn.sqrt(8), 2 * sn.sqrt(2)),
        (sn.sqrt(sn.number(Fraction(1, 2))), sn.sqrt(2) / 2),
        (sn.sqrt(2 * x) * sn.sqrt(2 * x), 2 * x),
        (sn.sqrt(4), sn.number(2)),
        (sn.sqrt(4 * x), 2 * sn.sqrt(x)),
        (sn.sin(-x), -sn.sin(x)),
        (sn.cos(-2 * x), sn.cos(2 * x)),
        (sn.exp(0), sn.number(1)),
        (sn.max(x, sn.max(y, x)), sn.max(y, x)),
        (sn.max(x, 1, 3), sn.max(3, x)),
        ((x > 0) & (x > 0), x > 0),
        (~~(x > 0), x > 0),
        (sn.ifelse(x > 0, y, y), y),
        (sn.eq(x, y), sn.eq(y, x)),
        ((x * 5 / 2) * (2 * y), 5 * x * y),
        (sn.number(1) / 3 + sn.number(Fraction(2, 3)), sn.number(1)),
    ],
)
def test_equal_forms_are_one_object(left: object, right: object) -> None:
    assert left is right


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sn.number(1), sn.number(1.0)),
        (sn.number(1), sn.number(True)),
        (sn.number(0.0), sn.number(-0.0)),
        (2 * x, 2.0 * x),
        (x**2, x**2.0),
        (x + 1, x + 1.0),
        (sn.sqrt(x**2), x),
        ((x**y) ** z, x ** (y * z)),
        (sn.symbols("x", positive=True), x),
        (sn.symbols("x", integer=True), x),
    ],
)
def test_different_terms_stay_apart(left: object, right: object) -> None:
    assert left is not right and left != right


def test_nan_is_one_term() -> None:
    assert sn.number(math.nan) is sn.number(float("nan"))
    assert x * math.nan is x * float("nan")


def test_numbers_equal_python_numbers_of_the_same_type() -> None:
    assert sn.number(2) == 2 and hash(sn.number(2)) == hash(2)
    assert sn.number(2) != 2.0 and sn.number(0.5) == 0.5 and sn.number(0.0) != -0.0
    assert sn.number(np.float64(2.5)) is sn.number(2.5) and sn.number(np.int32(4)) is sn.number(4)


def test_exact_arithmetic_does_not_overflow() -> None:
    assert term.value(sn.number(3) ** 400) == 3**400
    assert term.value(sn.number(10) ** 30 + 1) == 10**30 + 1
    assert str(sn.number(2) ** 10**9) == "2^1000000000"


def test_exact_numbers_beyond_the_floats_meet_floats_as_infinities() -> None:
    huge = sn.number(10**400)
    assert huge * 1.5 is sn.number(math.inf) and huge * -1.5 is sn.number(-math.inf)
    assert huge + 1.5 is sn.number(math.inf) and 1.5 / huge is sn.number(0.0)
    assert huge * (1.5 * x) is sn.number(math.inf) * x
    assert huge**0.5 is sn.number(math.inf)


def test_powers_of_zero() -> None:
    zero = sn.number(0)
    assert zero**2 is zero and zero**0 is sn.number(1)
    assert term.is_call(zero**-1)


def test_positive_symbols_allow_roots_of_squares() -> None:
    p = sn.symbols("p", positive=True)
    assert sn.sqrt(p**2) is p
    assert sn.sqrt(p**2 * x) is p * sn.sqrt(x)


def test_growing_a_sum_does_not_change_the_shorter_ones() -> None:
    names = sn.symbols("s0:50")
    partial = [names[0] + names[1]]
    for name in names[2:]:
        partial.append(partial[-1] + name)
    for count, total in enumerate(partial, start=2):
        assert total is interned.add_many(names[:count])
        assert {term.name(a) for a in term.args(total)} == {f"s{i}" for i in range(count)}
    branch = partial[3] + 7 * names[40]
    assert branch is interned.add_many([*names[:5], 7 * names[40]])


def test_growing_a_product_does_not_change_the_shorter_ones() -> None:
    names = sn.symbols("q0:20")
    first = names[0] * names[1]
    longer = first * names[2] ** 3
    other = first * names[3]
    assert len(term.args(first)) == 2 and longer is not other
    assert longer is interned.multiply_many([names[2] ** 3, names[1], names[0]])


def test_memory_comes_back() -> None:
    gc.collect()
    before = interned.live_nodes()
    names = [sn.symbols(f"memory{i}") for i in range(500)]
    total = sum((sn.sin(n) * n**2 for n in names), sn.number(0))
    alive = weakref.ref(total)
    assert interned.live_nodes() > before + 1500
    del total, names
    gc.collect()
    assert alive() is None
    assert interned.live_nodes() <= before + 5


def test_a_short_sum_does_not_keep_a_long_one_alive() -> None:
    base = total = sn.sin(x) + sn.sin(y)
    gc.collect()
    before = interned.live_nodes()
    for i in range(1000):
        total = total + sn.symbols(f"kept{i}")
    del total
    gc.collect()
    assert interned.live_nodes() <= before + 5
    assert len(term.args(base)) == 2


def test_sorts_of_deep_choices_are_found_in_linear_time() -> None:
    node = n = sn.symbols("n", integer=True)
    for _ in range(20_000):
        node = sn.abs(sn.max(node, n) - 1)
    assert term.sort_of(node) == "integer"
    assert term.sort_of(node / 2) == "real"


def test_hash_clashes_keep_terms_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "bag_hash", lambda entries: 123456789)
    a, b, c = sn.symbols("clash_a clash_b clash_c")
    first, second = interned.sum_of(0, {a: 2, b: 3}), interned.sum_of(0, {b: 5, c: 7})
    assert first is not second
    assert interned.sum_of(0, {b: 3, a: 2}) is first
    del first
    gc.collect()
    assert interned.sum_of(0, {c: 7, b: 5}) is second
    _CLASHES.clear()


def test_metadata_is_outside_identity() -> None:
    marked = interned.with_metadata(sn.sin(x), line=3)
    assert marked is sn.sin(x) and term.metadata(sn.sin(x)) == {"line": 3}
    assert term.metadata(sn.cos(x)) == {}


def test_order_is_structural() -> None:
    script = "import symnum as sn; b, a, x10, x9 = sn.symbols('b a x10 x9'); print(sn.sin(b)*a + x10*x9 + a**2 + 3 + sn.max(x10, a))"
    texts = {
        subprocess.run(
            [sys.executable, "-P", "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert texts == {"a^2 + x9*x10 + a*sin(b) + max(a, x10) + 3\n"}


def test_threads_build_the_same_objects() -> None:
    found: list[list[object]] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        names = [sn.symbols(f"thread{i}") for i in range(200)]
        total = sn.number(0)
        out: list[object] = []
        for n in names:
            total = total + sn.exp(n) * n
            out.append(total)
        found.append(out)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 4
    for other in found[1:]:
        assert all(a is b for a, b in zip(found[0], other, strict=True))


def test_copies_and_pickles_are_the_same_object() -> None:
    root = sn.sin(x) ** 2 + y / 3 + sn.symbols("k", positive=True)
    assert copy.copy(root) is root and copy.deepcopy(root) is root
    assert pickle.loads(pickle.dumps(root)) is root


values = st.one_of(st.integers(-20, 20), st.fractions(min_value=-5, max_value=5, max_denominator=12))


@given(values, values, values)
def test_constant_arithmetic_equals_fractions(a: Fraction, b: Fraction, c: Fraction) -> None:
    got = (sn.number(a) + sn.number(b)) * sn.number(c)
    assert term.value(got) == (Fraction(a) + Fraction(b)) * Fraction(c)
    assert type(term.value(got)) in (int, Fraction)


@given(st.lists(st.tuples(st.sampled_from("abcd"), values), max_size=8))
def test_sums_do_not_depend_on_the_order_of_construction(pairs: list[tuple[str, Fraction]]) -> None:
    terms = [sn.number(c) * sn.symbols(n) for n, c in pairs]
    forward, backward = sn.number(0), sn.number(0)
    for t in terms:
        forward = forward + t
    for t in reversed(terms):
        backward = backward + t
    assert forward is backward is interned.add_many(terms)


def test_refusals() -> None:
    with pytest.raises(TypeError, match=r"truth of 'x > 0' is not known.*symnum.ifelse"):
        bool(x > 0)
    with pytest.raises(TypeError, match="truth of"):
        sorted([y, x])
    with pytest.raises(TypeError, match="cannot be iterated"):
        list(x + y)
    with pytest.raises(TypeError, match="cannot become an array of numbers; write f = symnum.compile"):
        np.asarray(x)
    with pytest.raises(TypeError, match="no float value; write symnum.evaluate"):
        math.sin(x)
    with pytest.raises(TypeError, match="compile the term and call it on the array"):
        np.arange(3.0) * x
    with pytest.raises(TypeError, match=r"symnum.parse\('y'\)"):
        x + "y"
    with pytest.raises(TypeError, match="terms are real"):
        x * 2j
    with pytest.raises(
        TypeError, match="takes boolean arguments, but argument 1 is real; write a comparison"
    ):
        x & (y > 0)
    with pytest.raises(TypeError, match=r"takes real arguments, but argument 1 is boolean; write ifelse"):
        (y > 0) + 1
    with pytest.raises(TypeError, match="takes 1 argument, but 2 were given"):
        sn.sin(x, y)


def test_mixing_backends_is_refused() -> None:
    t = sn.symbols("x", backend="tree")
    for mix in (lambda: x + t, lambda: t * x, lambda: sn.atan2(x, t), lambda: sn.atan2(t, x)):
        with pytest.raises(TypeError, match=r"backend.*symnum.convert"):
            mix()
    assert sn.convert(t) is x


def test_symbols_are_checked() -> None:
    assert sn.symbols("a, b c0:2") == (sn.symbols("a"), sn.symbols("b"), sn.symbols("c0"), sn.symbols("c1"))
    for bad, message in (
        ("2x", "not an identifier"),
        ("sin", "word of the formula language"),
        ("", "got no name"),
    ):
        with pytest.raises(ValueError, match=message):
            sn.symbols(bad)
    with pytest.raises(ValueError, match="unknown assumption 'prime'"):
        sn.symbols("p", prime=True)
    with pytest.raises(ValueError, match="both negative and positive"):
        sn.symbols("p", positive=True, negative=True)
    with pytest.raises(ValueError, match="no term backend 'tres'"):
        sn.symbols("p", backend="tres")
    with pytest.raises(TypeError, match="takes a text of names"):
        sn.symbols(["x"])  # type: ignore[arg-type]  # the mistake under test


def test_numpy_functions_build_terms() -> None:
    assert np.sin(x) is sn.sin(x) and np.arctan2(x, y) is sn.atan2(x, y)
    assert np.float64(2.0) * x is 2.0 * x
    box = np.empty(2, object)
    box[0], box[1] = x, y
    assert list(box * x) == [x**2, x * y]
