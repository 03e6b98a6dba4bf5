"""The names that templates of the operator table's ``numba`` column may use, as scalar njit functions.

They follow NumPy and scipy.special at special values: minimum and maximum propagate nan, mod takes the sign of the divisor and is
nan for a zero divisor, sign(nan) is nan, gamma is nan at negative whole numbers and inf with the sign of a zero argument.
"""

from __future__ import annotations

import math

from numba import njit
from numpy import ceil, floor, fmod, log2, pi

_scalar = njit(error_model="numpy", nogil=True)


@_scalar
def _cbrt(a: float) -> float:
    if a == 0.0 or not math.isfinite(a):
        return a
    size = abs(a)
    scale = 1.0
    if size < 1e-290:  # keep the Newton step away from subnormal numbers
        size *= 2.0**162
        scale = 2.0**-54
    root = math.pow(size, 1.0 / 3.0)
    root -= (root - size / (root * root)) / 3.0
    return math.copysign(root * scale, a)


@_scalar
def _log2(a: float) -> float:
    return log2(a)


@_scalar
def _sign(a: float) -> float:
    if a > 0.0:
        return 1.0
    if a < 0.0:
        return -1.0
    return 0.0 if a == 0.0 else math.nan


@_scalar
def _floor(a: float) -> float:
    return floor(a)


@_scalar
def _ceil(a: float) -> float:
    return ceil(a)


@_scalar
def _mod(a: float, b: float) -> float:
    rest = fmod(a, b)
    if rest == 0.0:
        return math.copysign(0.0, b)
    return rest + b if (rest < 0.0) != (b < 0.0) else rest


@_scalar
def _min(a: float, b: float) -> float:
    return a if a < b or a != a else b


@_scalar
def _max(a: float, b: float) -> float:
    return a if a > b or a != a else b


@_scalar
def _gamma(a: float) -> float:
    if a == 0.0:
        return math.copysign(math.inf, a)
    if a < 0.0 and a == floor(a):
        return math.nan
    return math.gamma(a)


_LGAMMA_AT_2 = (
    0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
    0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939,
    9.945751278180853e-05, -4.492623673813314e-05, 2.050721277567069e-05, -9.439488275268397e-06,
    4.374866789907488e-06, -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07,
    2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08, -2.2711094608943164e-08,
    1.0838659214896955e-08, -5.183475041970047e-09, 2.4836745438024785e-09, -1.1921401405860912e-09,
    5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11,
)  # fmt: skip
"""(-1)^k (zeta(k) - 1)/k for k from 2: the Taylor coefficients of lgamma at 2 (DLMF 5.7.3)."""


@_scalar
def _lgamma(a: float) -> float:
    if a <= 0.0 and a == floor(a):
        return math.inf if a > -math.inf else a
    if 0.5 <= a <= 2.5:  # the zeros at 1 and 2: math.lgamma is exact there in absolute terms only
        z = a - 2.0 if a > 1.5 else a - 1.0
        series = 0.0
        for k in range(len(_LGAMMA_AT_2) - 1, -1, -1):
            series = (series + _LGAMMA_AT_2[k]) * z
        series = (series + 0.42278433509846713) * z
        return series if a > 1.5 else series - math.log1p(z)
    return math.lgamma(a)


@_scalar
def _fraction(a: float) -> float:
    """Return ``a`` less the nearest whole number, which is exact."""
    return a - floor(a + 0.5) if abs(a) < 4503599627370496.0 else 0.0


@_scalar
def _digamma_between_1_and_2(a: float) -> float:
    # J. Maddock's rational approximation (Boost.Math, digamma_imp_1_2): exact about the root, which is held in three parts
    offset = a - 1569415565.0 / 1073741824.0
    offset -= (381566830.0 / 1073741824.0) / 1073741824.0
    offset -= 0.9016312093258695918615325266959189453125e-19
    t = a - 1.0
    top = -0.28919126444774784 + t * (-0.045251321448739056 - t * 0.0020713321167745952)
    top = 0.25479851061131551 + t * (-0.32555031186804491 + t * (-0.65031853770896507 + t * top))
    bottom = 0.054151797245674225 + t * (0.0021284987017821144 - t * 0.55789841321675513e-6)
    bottom = 2.0767117023730469 + t * (1.4606242909763515 + t * (0.43593529692665969 + t * bottom))
    bottom = 1.0 + t * bottom
    return offset * 0.99558162689208984 + offset * (top / bottom)


@_scalar
def _digamma(a: float) -> float:
    if a == 0.0:
        return math.copysign(math.inf, -a)
    if a != a or a == -math.inf or (a < 0.0 and a == floor(a)):
        return math.nan
    total = 0.0
    if a < 0.0:  # psi(a) = psi(1 - a) - pi/tan(pi a)
        total = -pi / math.tan(pi * _fraction(a))
        a = 1.0 - a
    if a <= 10.0:
        while a > 2.0:
            a -= 1.0
            total += 1.0 / a
        while a < 1.0:
            total -= 1.0 / a
            a += 1.0
        return total + _digamma_between_1_and_2(a)
    if a == math.inf:
        return a
    w = 1.0 / (a * a)  # asymptotic series with the Bernoulli numbers B(2k)/(2k)
    series = w * (
        1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132 - w * (691 / 32760 - w / 12)))))
    )
    return total + (math.log(a) - 0.5 / a - series)


@_scalar
def _trigamma(a: float) -> float:
    if a <= 0.0:
        if a == floor(a):
            return math.inf
        sine = math.sin(pi * _fraction(a))  # trigamma(a) = pi^2/sin(pi a)^2 - trigamma(1 - a)
        return (pi / sine) * (pi / sine) - _trigamma_positive(1.0 - a)
    return _trigamma_positive(a)


@_scalar
def _trigamma_positive(a: float) -> float:
    total = 0.0
    while a < 12.0:
        total += 1.0 / (a * a)
        a += 1.0
    if a != a:
        return a
    r = 1.0 / a
    w = r * r  # asymptotic series with the Bernoulli numbers B(2k)
    series = w * (
        1 / 6
        - w
        * (
            1 / 30
            - w * (1 / 42 - w * (1 / 30 - w * (5 / 66 - w * (691 / 2730 - w * (7 / 6 - w * 3617 / 510)))))
        )
    )
    return total + (r + 0.5 * w + r * series)
