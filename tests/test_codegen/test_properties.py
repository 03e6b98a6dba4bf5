"""Random terms: all targets agree with the interpreter, and the tape with NumPy to the last bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import symnum as sn
from symnum.algebra.evaluate import evaluate
from symnum.codegen.function import compile as compile_terms

SYMBOLS = sn.symbols("x y z")
FUNCTIONS = [sn.sin, sn.cos, sn.atan, sn.tanh, sn.abs, sn.sign, sn.erf, lambda t: sn.exp(sn.sin(t)), lambda t: sn.sqrt(sn.abs(t)),
             lambda t: sn.log(1 + t**2), lambda t: -t, lambda t: t**2, lambda t: t**-3, lambda t: (1 + t**2) ** -1.5]  # fmt: skip
PAIRS = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (1 + b**2), sn.min, sn.max, sn.atan2,
         lambda a, b: sn.ifelse(a < b, a, -b), lambda a, b: a * 3 - b / 7 + 1, lambda a, b: sn.mod(a, 2 + sn.abs(b))]  # fmt: skip
LEAVES = (
    st.sampled_from(SYMBOLS)
    | st.integers(-3, 3).map(sn.number)
    | st.fractions(-2, 2, max_denominator=9).map(sn.number)
)


@st.composite
def terms(draw):
    pool = [draw(LEAVES) for _ in range(3)] + [SYMBOLS[0]]
    for _ in range(draw(st.integers(1, 14))):
        if draw(st.booleans()):
            pool.append(draw(st.sampled_from(FUNCTIONS))(draw(st.sampled_from(pool))))
        else:
            pool.append(
                draw(st.sampled_from(PAIRS))(draw(st.sampled_from(pool)), draw(st.sampled_from(pool)))
            )
    return pool[-3:]


def divides_by_an_exact_zero(build):
    try:
        return build(), False
    except ZeroDivisionError:
        return None, True


@settings(max_examples=150)
@given(terms(), st.integers(0, 2**32 - 1))
def test_tape_numpy_and_interpreter_agree(several, seed):
    random = np.random.default_rng(seed)
    data = random.normal(size=(3, 70)) * 2
    data[:, 60:] = random.choice([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e200], size=(3, 10))
    tape, plain = (compile_terms(several, SYMBOLS, target)(*data) for target in ("tape", "numpy"))
    assert np.array_equal(tape, plain, equal_nan=True)
    for column in range(0, 60, 20):
        point = dict(zip(SYMBOLS, map(float, data[:, column]), strict=True))
        wanted, undefined = divides_by_an_exact_zero(lambda: [float(evaluate(t, point)) for t in several])  # noqa: B023
        if not undefined:
            assert np.allclose(tape[:, column], wanted, rtol=1e-9, atol=1e-9, equal_nan=True), point


@settings(max_examples=6)
@given(terms(), st.integers(0, 2**32 - 1))
def test_numba_agrees_with_the_tape(several, seed):
    data = np.random.default_rng(seed).normal(size=(3, 70)) * 2
    tape, machine = (compile_terms(several, SYMBOLS, target)(*data) for target in ("tape", "numba"))
    assert np.allclose(tape, machine, rtol=1e-9, atol=1e-9, equal_nan=True)
