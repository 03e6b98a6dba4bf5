"""Own loops over rows for arithmetic and the common functions, written so that LLVM turns them into vector instructions.

A loop has the form of NumPy's inner loops (see :mod:`symnum.codegen.loops`), so that the evaluator calls either kind by its
address; rows must be contiguous.  Functions are free of branches: the argument is reduced to a small interval, a polynomial follows,
and special values are selected at the end.  Rows that the reduction does not cover (``sin`` of more than 2^30, ``pow`` of a negative
base) are counted on the way and done again, one by one, by the C library.

``ULP`` states how far a result may be from the exact one, in units in the last place of the exact result; arithmetic and ``sqrt`` are
correctly rounded.  The polynomials are Chebyshev fits, computed with 60 digits.  Reductions: W. Cody, W. Waite, Software Manual for the
Elementary Functions (1980); error-free sums and products: T. Dekker, Numer. Math. 18 (1971).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import cfunc, njit, types
from numba.extending import intrinsic
from numba.np.numpy_support import carray

from symnum.regression.machine_code import compiled

ULP = {
    "exp": 1.0, "expm1": 2.0, "log": 1.0, "log1p": 1.0, "sin": 1.0, "cos": 1.0, "tan": 2.5, "sinh": 2.5, "cosh": 1.5, "tanh": 3.0,
    "power": 1.0,
}  # fmt: skip
"""The largest error of each function."""

_intrinsic: Callable[..., Any] = intrinsic


def _inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of single numbers that is always put into its caller, without which no loop becomes vector code."""
    return njit(forceinline=True, error_model="numpy")(function)


@_intrinsic
def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a*b + c rounded once."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.fma(*values)

    return types.float64(types.float64, types.float64, types.float64), generate


@_intrinsic
def _bits(typing: Any, a: Any) -> Any:
    """Return the 64 bits of a double as an integer."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], ir.IntType(64))

    return types.int64(types.float64), generate


@_intrinsic
def _double(typing: Any, a: Any) -> Any:
    """Return the double that has these 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], ir.DoubleType())

    return types.float64(types.int64), generate


@_intrinsic
def _root(typing: Any, a: Any) -> Any:
    """Return the square root, nan below 0."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        double = ir.DoubleType()
        root = builder.module.declare_intrinsic("llvm.sqrt", [double])
        return builder.call(root, values)

    return types.float64(types.float64), generate


@_intrinsic
def _wide(typing: Any) -> Any:
    """Ask LLVM for vectors of 512 bits in this function, where the processor has them: by default it stops at 256."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        # llvmlite checks names against a list that has no attributes in the form of text
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


@_intrinsic
def apart(typing: Any) -> Any:
    """Keep the function in which this stands a function of its own: put into its callers, it would be compiled for each of them."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


@_intrinsic
def borrowed(typing: Any, array: Any) -> Any:
    """Return an array without a share in its memory, which therefore costs nothing to pass on; the owner must outlive it.

    Counting references takes longer than an operation on a hundred rows when a function has twenty arguments.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        view = context.make_array(array)(context, builder, value=values[0])
        view.meminfo = ir.Constant(view.meminfo.type, None)
        view.parent = ir.Constant(view.parent.type, None)
        return view._getvalue()

    return array(array), generate


@_intrinsic
def keep(typing: Any, array: Any) -> Any:
    """Hold the owner of a borrowed array until here."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.get_dummy_value()

    return types.void(array), generate


@_intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    """Return an address as a pointer to doubles."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], ir.DoubleType().as_pointer())

    return types.CPointer(types.float64)(types.int64), generate


@_inlined
def row(address: int, rows: int) -> Any:
    """Return the doubles at an address as an array."""
    return carray(_pointer(address), (rows,), np.float64)


# --- functions of one number ------------------------------------------------------------------------------------------------

_SHIFT = 1.5 * 2.0**52
"""Adding this rounds to a whole number, which then stands in the low bits."""

_LOG2_E = 1.4426950408889634
_LN2, _LN2_LOW = (
    0.6931471803691238,
    1.9082149292705877e-10,
)  # the first has 32 bits: its product with an exponent is exact
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI, _HALF_PI_2, _HALF_PI_3 = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
_TWO_THIRDS, _TWO_THIRDS_LOW = 0.6666666666666666, 3.700743415417188e-17

_LARGEST_ANGLE = 2.0**30
_LARGEST_EXPONENT = 1e15
_LOWEST, _HIGHEST = -746.0, 710.0
"""exp is 0 and infinite beyond these."""

_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD


@_inlined
def _exp_tail(r: float) -> float:
    """Return (exp(r) - 1 - r - r^2/2)/r^3 for |r| <= log(2)/2."""
    p = _fma(2.091125490208877e-09, r, 2.51004110820149e-08)
    p = _fma(p, r, 2.7557282931125736e-07)
    p = _fma(p, r, 2.7557268406190795e-06)
    p = _fma(p, r, 2.4801587317169235e-05)
    p = _fma(p, r, 0.00019841269863088255)
    p = _fma(p, r, 0.0013888888888886548)
    p = _fma(p, r, 0.008333333333330055)
    p = _fma(p, r, 0.041666666666666664)
    return _fma(p, r, 0.16666666666666669)


@_inlined
def _scaled(x: float, k: float) -> float:
    """Return x*2^k for whole |k| <= 1100, in two steps so that neither factor leaves the range."""
    n = _bits(k + _SHIFT) - _bits(_SHIFT)
    half = n >> 1
    return x * _double((half + 1023) << 52) * _double((n - half + 1023) << 52)


@_inlined
def _exp_sum(high: float, low: float) -> float:
    """Return exp(high + low) for a small ``low``; finite arguments beyond the range give 0 and infinity."""
    x = high if high < _HIGHEST else _HIGHEST
    x = x if x > _LOWEST else _LOWEST
    low = low if x == high else 0.0
    k = _fma(x, _LOG2_E, _SHIFT) - _SHIFT
    r = _fma(-k, _LN2, x)
    rest = low - k * _LN2_LOW
    s = r + rest
    rest += r - s
    return _scaled(1.0 + (s + _fma(s * s, _fma(_exp_tail(s), s, 0.5), rest)), k)


@_inlined
def _exp(x: float) -> float:
    y = _exp_sum(x, 0.0)
    return y if x == x else x


@_inlined
def _expm1(x: float) -> float:
    """Return exp(x) - 1 for finite x of at most 709."""
    v = x if x > -40.0 else -40.0
    k = _fma(v, _LOG2_E, _SHIFT) - _SHIFT
    r = _fma(-k, _LN2, v)
    rest = k * _LN2_LOW
    s = r - rest
    rest = (r - s) - rest
    p = s + _fma(s * s, _fma(_exp_tail(s), s, 0.5), rest)
    n = _bits(k + _SHIFT) - _bits(_SHIFT)
    half = n >> 1  # 2^1024 alone would be infinite
    scale, again = _double((half + 1023) << 52), _double((n - half + 1023) << 52)
    y = _fma(scale, p, scale - _double((1023 - (n - half)) << 52)) * again
    y = y if abs(x) > 1e-300 else x
    return y if x == x else x


@_inlined
def _log_parts(x: float) -> Any:
    """Return (k, f) with x = 2^k*(1 + f) and sqrt(1/2) <= 1 + f < sqrt(2), for positive finite x."""
    small = x < 2.2250738585072014e-308
    bits = _bits(x * 2.0**54 if small else x)
    shifted = bits - _SQRT_HALF_BITS
    n = shifted >> 52
    f = _double(bits - (n << 52)) - 1.0
    k = _double(n + _bits(_SHIFT)) - _SHIFT
    return (k - 54.0 if small else k), f


@_inlined
def _log_series(z: float) -> float:
    """Return (2*atanh(s) - 2*s)/s^3 at z = s^2."""
    p = _fma(0.13086767009948175, z, 0.13268759668560612)
    p = _fma(p, z, 0.15386240205813478)
    p = _fma(p, z, 0.18181795630884753)
    p = _fma(p, z, 0.2222222239180047)
    p = _fma(p, z, 0.2857142857080323)
    p = _fma(p, z, 0.4000000000000088)
    return _fma(p, z, 0.6666666666666666)


@_inlined
def _log_sum(k: float, f: float, low: float) -> float:
    """Return k*log(2) + log(1 + f) + low, where 2s = f - s*f and s = f/(2 + f) keep the leading term exact."""
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    tail = s * _fma(z, _log_series(z), half) + _fma(k, _LN2_LOW, low)
    return _fma(k, _LN2, f - (half - tail))


@_inlined
def _log(x: float) -> float:
    k, f = _log_parts(x)
    y = _log_sum(k, f, 0.0)
    y = y if x > 0.0 else math.nan
    y = y if x != 0.0 else -math.inf
    return y if x < math.inf else x


@_inlined
def _log1p(x: float) -> float:
    u = 1.0 + x
    big = abs(x) >= 1.0
    error = (1.0 - (u - x)) if big else (x - (u - 1.0))
    k, f = _log_parts(u)
    y = _log_sum(k, f, error / u)
    y = y if u > 0.0 else math.nan
    y = y if u != 0.0 else -math.inf
    y = y if abs(x) > 1e-16 else x
    return y if x < math.inf else x


@_inlined
def _reduced(x: float) -> Any:
    """Return (quadrant, r, rest) with x = quadrant*pi/2 + r + rest and |r| <= pi/4, for |x| <= 2^30; ``first`` is exact."""
    t = _fma(x, _TWO_OVER_PI, _SHIFT)
    n = t - _SHIFT
    first = _fma(-n, _HALF_PI, x)
    part = -n * _HALF_PI_2
    r = first + part
    taken = r - first
    lost = (first - (r - taken)) + (part - taken)
    rest = _fma(-n, _HALF_PI_3, lost + _fma(-n, _HALF_PI_2, -part))
    return _bits(t), r, rest


@_inlined
def _near_sin(r: float, rest: float) -> float:
    z = r * r
    p = _fma(-7.586691094197958e-13, z, 1.6058531516797758e-10)
    p = _fma(p, z, -2.5052106231802837e-08)
    p = _fma(p, z, 2.7557319219337312e-06)
    p = _fma(p, z, -0.00019841269841265063)
    p = _fma(p, z, 0.008333333333333331)
    p = _fma(p, z, -0.16666666666666666)
    return r + _fma(p * z, r, _fma(-0.5 * z, rest, rest))


@_inlined
def _near_cos(r: float, rest: float) -> float:
    z = r * r
    p = _fma(-1.1382623647474604e-11, z, 2.087614614655861e-09)
    p = _fma(p, z, -2.7557317271145144e-07)
    p = _fma(p, z, 2.480158729876456e-05)
    p = _fma(p, z, -0.0013888888888887398)
    p = _fma(p, z, 0.041666666666666664)
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + _fma(p * z, z, -r * rest))


@_inlined
def _sin(x: float) -> float:
    quadrant, r, rest = _reduced(x)
    y = _near_cos(r, rest) if quadrant & 1 else _near_sin(r, rest)
    y = _double(_bits(y) ^ ((quadrant & 2) << 62))
    return y if abs(x) > 1e-9 else x


@_inlined
def _cos(x: float) -> float:
    quadrant, r, rest = _reduced(x)
    y = _near_sin(r, rest) if quadrant & 1 else _near_cos(r, rest)
    return _double(_bits(y) ^ (((quadrant + 1) & 2) << 62))


@_inlined
def _tan(x: float) -> float:
    quadrant, r, rest = _reduced(x)
    s, c = _near_sin(r, rest), _near_cos(r, rest)
    odd = quadrant & 1
    y = (-c if odd else s) / (s if odd else c)
    return y if abs(x) > 1e-9 else x


@_inlined
def _sinh(x: float) -> float:
    e = _expm1(abs(x))
    y = 0.5 * (e + e / (e + 1.0))
    return math.copysign(y if abs(x) > 1e-9 else abs(x), x)


@_inlined
def _cosh(x: float) -> float:
    e = _exp_sum(abs(x), 0.0)
    y = _fma(0.5, e, 0.5 / e)
    return y if x == x else x


@_inlined
def _tanh(x: float) -> float:
    size = abs(x)
    e = _expm1(2.0 * (size if size < 20.0 else 20.0))
    y = math.copysign(e / (e + 2.0) if size > 1e-9 else size, x)
    return y if x == x else x


@_inlined
def _pow(x: float, y: float) -> float:
    """Return x^y for positive finite x and |y| <= 1e15, from a logarithm of twice the digits."""
    k, f = _log_parts(x)
    t = 2.0 + f
    t_low = f - (t - 2.0)
    s = f / t
    s_low = (_fma(-s, t, f) - s * t_low) / t
    # log(1 + f) = 2s + 2/3 s^3 + 2/5 s^5 + ..., the first two terms with twice the digits
    z = s * s
    z_low = _fma(s, s, -z) + 2.0 * s * s_low
    p = _fma(0.1291361767218225, z, 0.13285957435193352)
    p = _fma(p, z, 0.15385574796462032)
    p = _fma(p, z, 0.18181808247544543)
    p = _fma(p, z, 0.2222222227110234)
    p = _fma(p, z, 0.2857142857133851)
    p = _fma(p, z, 0.40000000000000024)
    c = z * _TWO_THIRDS
    c_low = _fma(z, _TWO_THIRDS, -c) + _fma(z, _TWO_THIRDS_LOW, z_low * _TWO_THIRDS) + p * z * z
    d = s * c
    d_low = _fma(s, c, -d) + _fma(s, c_low, s_low * c)
    # k*log(2) + 2s + d; each sum loses nothing, as the first part is 0 or the larger one
    a = k * _LN2
    h = a + 2.0 * s
    h_low = (a - h) + 2.0 * s if k != 0.0 else 0.0
    high = h + d
    low = ((h - high) + d) + (h_low + (2.0 * s_low + d_low) + k * _LN2_LOW)
    product = y * high
    return _exp_sum(product, _fma(y, high, -product) + y * low)


# --- loops -------------------------------------------------------------------------------------------------------------------
# Each takes the addresses of the operands and of the result, the number of rows, and two arguments that it has no use for.


def _sqrt_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = _root(a[i])


def _square_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = a[i] * a[i]


def _reciprocal_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = 1.0 / a[i]


def _negative_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = -a[i]


def _absolute_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = abs(a[i])


def _exp_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = _exp(a[i])


def _log_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = _log(a[i])


def _log1p_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = _log1p(a[i])


def _add_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (3,))
    a, b, out = row(at[0], n), row(at[1], n), row(at[2], n)
    for i in range(n):
        out[i] = a[i] + b[i]


def _subtract_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (3,))
    a, b, out = row(at[0], n), row(at[1], n), row(at[2], n)
    for i in range(n):
        out[i] = a[i] - b[i]


def _multiply_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (3,))
    a, b, out = row(at[0], n), row(at[1], n), row(at[2], n)
    for i in range(n):
        out[i] = a[i] * b[i]


def _divide_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (3,))
    a, b, out = row(at[0], n), row(at[1], n), row(at[2], n)
    for i in range(n):
        out[i] = a[i] / b[i]


def _sin_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    far = 0
    for i in range(n):
        out[i] = _sin(a[i])
        far += abs(a[i]) > _LARGEST_ANGLE
    if far:
        for i in range(n):
            if abs(a[i]) > _LARGEST_ANGLE:
                out[i] = math.sin(a[i])


def _cos_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    far = 0
    for i in range(n):
        out[i] = _cos(a[i])
        far += abs(a[i]) > _LARGEST_ANGLE
    if far:
        for i in range(n):
            if abs(a[i]) > _LARGEST_ANGLE:
                out[i] = math.cos(a[i])


def _tan_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    far = 0
    for i in range(n):
        out[i] = _tan(a[i])
        far += abs(a[i]) > _LARGEST_ANGLE
    if far:
        for i in range(n):
            if abs(a[i]) > _LARGEST_ANGLE:
                out[i] = math.tan(a[i])


def _expm1_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    far = 0
    for i in range(n):
        out[i] = _expm1(a[i])
        far += abs(a[i]) > 709.0
    if far:
        for i in range(n):
            if abs(a[i]) > 709.0:
                out[i] = math.expm1(a[i])


def _sinh_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    far = 0
    for i in range(n):
        out[i] = _sinh(a[i])
        far += abs(a[i]) > 709.0
    if far:
        for i in range(n):
            if abs(a[i]) > 709.0:
                out[i] = math.sinh(a[i])


def _cosh_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    far = 0
    for i in range(n):
        out[i] = _cosh(a[i])
        far += abs(a[i]) > 709.0
    if far:
        for i in range(n):
            if abs(a[i]) > 709.0:
                out[i] = math.cosh(a[i])


def _tanh_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (2,))
    a, out = row(at[0], n), row(at[1], n)
    for i in range(n):
        out[i] = _tanh(a[i])


def _power_loop(args: Any, count: Any, steps: Any, data: Any) -> None:
    _wide()
    n = carray(count, (1,))[0]
    at = carray(args, (3,))
    a, b, out = row(at[0], n), row(at[1], n), row(at[2], n)
    far = 0
    for i in range(n):
        out[i] = _pow(a[i], b[i])
        far += not ((a[i] > 0.0) & (a[i] < math.inf) & (abs(b[i]) <= _LARGEST_EXPONENT))
    if far:
        for i in range(n):
            if not ((a[i] > 0.0) & (a[i] < math.inf) & (abs(b[i]) <= _LARGEST_EXPONENT)):
                out[i] = math.pow(a[i], b[i])


LOOPS: dict[Any, Callable[..., None]] = {
    np.add: _add_loop, np.subtract: _subtract_loop, np.multiply: _multiply_loop, np.divide: _divide_loop, np.negative: _negative_loop,
    np.absolute: _absolute_loop, np.square: _square_loop, np.reciprocal: _reciprocal_loop, np.sqrt: _sqrt_loop, np.exp: _exp_loop,
    np.expm1: _expm1_loop, np.log: _log_loop, np.log1p: _log1p_loop, np.sin: _sin_loop, np.cos: _cos_loop, np.tan: _tan_loop,
    np.sinh: _sinh_loop, np.cosh: _cosh_loop, np.tanh: _tanh_loop, np.power: _power_loop,
}  # fmt: skip
"""NumPy's function -> our loop for it."""

_SIGNATURE = types.void(*[types.CPointer(types.int64)] * 3, types.voidptr)


def own_loop(function: Any) -> int | None:
    """Return the address of our loop for a NumPy function, or None where NumPy's own is to be used.

    A loop is compiled when it is first asked for, and kept on disk.  Without fused multiply-add in the processor there are none.

    >>> own_loop(np.hypot) is None
    True
    """
    compiled = _compiled(function) if function in LOOPS and fused() else None
    return None if compiled is None else int(compiled.address)


@lru_cache(maxsize=1)
def fused() -> bool:
    """Tell whether the processor multiplies and adds in one instruction."""
    if binding.get_process_triple().startswith(("aarch64", "arm64")):
        return True
    return bool(binding.get_host_cpu_features().get("fma", False))


@lru_cache(maxsize=len(LOOPS))
def _compiled(function: Any) -> Any:
    return compiled(functools.partial(cfunc, _SIGNATURE), LOOPS[function], error_model="numpy")
