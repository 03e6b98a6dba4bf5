"""C functions that spellings of the operator table's ``c`` column call and the C library lacks, or defines otherwise than NumPy.

A spelling that names one brings it into the generated file, with what that one calls.  They follow NumPy and scipy.special at
special values, as :mod:`symnum.codegen.special` does for numba.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HELPERS: dict[str, str] = {
    "symnum_sign": """\
static double symnum_sign(double a)
{
    return isnan(a) ? a : (double)((a > 0.0) - (a < 0.0));
}
""",
    "symnum_mod": """\
/* The rest has the sign of the divisor. */
static double symnum_mod(double a, double b)
{
    const double rest = fmod(a, b);
    if (rest == 0.0)
        return copysign(0.0, b);
    return (rest < 0.0) != (b < 0.0) ? rest + b : rest;
}
""",
    "symnum_min": """\
/* A nan is passed on, unlike in fmin. */
static double symnum_min(double a, double b)
{
    return a < b || isnan(a) ? a : b;
}
""",
    "symnum_max": """\
/* A nan is passed on, unlike in fmax. */
static double symnum_max(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}
""",
    "symnum_fraction": """\
/* a less the nearest whole number, which is exact */
static double symnum_fraction(double a)
{
    return fabs(a) < 4503599627370496.0 ? a - floor(a + 0.5) : 0.0;
}
""",
    "symnum_lgamma": """\
/* Near its zeros at 1 and 2 by the Taylor series at 2, whose coefficients are (-1)^k (zeta(k) - 1)/k (DLMF 5.7.3). */
static double symnum_lgamma(double a)
{
    static const double c[] = {
        0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
        0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939,
        9.945751278180853e-05, -4.492623673813314e-05, 2.050721277567069e-05, -9.439488275268397e-06,
        4.374866789907488e-06, -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07,
        2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08, -2.2711094608943164e-08,
        1.0838659214896955e-08, -5.183475041970047e-09, 2.4836745438024785e-09, -1.1921401405860912e-09,
        5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11};
    if (a <= 0.0 && a == floor(a))
        return isinf(a) ? a : INFINITY;
    if (a >= 0.5 && a <= 2.5) {
        const double z = a > 1.5 ? a - 2.0 : a - 1.0;
        double series = 0.0;
        for (int k = 27; k >= 0; k--)
            series = (series + c[k]) * z;
        series = (series + 0.42278433509846713) * z;
        return a > 1.5 ? series : series - log1p(z);
    }
    return lgamma(a);
}
""",
    "symnum_digamma": """\
static double symnum_digamma(double a)
{
    const double pi = 3.14159265358979323846;
    double total = 0.0;
    if (a == 0.0)
        return copysign(INFINITY, -a);
    if (isnan(a) || (a < 0.0 && a == floor(a)))
        return NAN;
    if (a < 0.0) { /* psi(a) = psi(1 - a) - pi/tan(pi a) */
        total = -pi / tan(pi * symnum_fraction(a));
        a = 1.0 - a;
    }
    if (a <= 10.0) {
        for (; a > 2.0; total += 1.0 / a)
            a -= 1.0;
        for (; a < 1.0; a += 1.0)
            total -= 1.0 / a;
        return total + symnum_digamma_between_1_and_2(a);
    }
    if (isinf(a))
        return a;
    const double w = 1.0 / (a * a); /* asymptotic series with the Bernoulli numbers B(2k)/(2k) */
    const double series = w * (1.0 / 12 - w * (1.0 / 120 - w * (1.0 / 252 - w * (1.0 / 240
        - w * (1.0 / 132 - w * (691.0 / 32760 - w / 12))))));
    return total + (log(a) - 0.5 / a - series);
}
""",
    "symnum_digamma_between_1_and_2": """\
/* J. Maddock's rational approximation (Boost.Math): exact about the root, which is held in three parts. */
static double symnum_digamma_between_1_and_2(double a)
{
    const double t = a - 1.0;
    double offset = a - 1569415565.0 / 1073741824.0;
    offset -= (381566830.0 / 1073741824.0) / 1073741824.0;
    offset -= 0.9016312093258695918615325266959189453125e-19;
    double top = -0.28919126444774784 + t * (-0.045251321448739056 - t * 0.0020713321167745952);
    top = 0.25479851061131551 + t * (-0.32555031186804491 + t * (-0.65031853770896507 + t * top));
    double bottom = 0.054151797245674225 + t * (0.0021284987017821144 - t * 0.55789841321675513e-6);
    bottom = 2.0767117023730469 + t * (1.4606242909763515 + t * (0.43593529692665969 + t * bottom));
    bottom = 1.0 + t * bottom;
    return offset * 0.99558162689208984 + offset * (top / bottom);
}
""",
    "symnum_trigamma": """\
static double symnum_trigamma(double a)
{
    if (a <= 0.0) { /* trigamma(a) = pi^2/sin(pi a)^2 - trigamma(1 - a) */
        if (a == floor(a))
            return INFINITY;
        const double pi = 3.14159265358979323846;
        const double root = pi / sin(pi * symnum_fraction(a));
        return root * root - symnum_trigamma_positive(1.0 - a);
    }
    return symnum_trigamma_positive(a);
}
""",
    "symnum_trigamma_positive": """\
static double symnum_trigamma_positive(double a)
{
    double total = 0.0;
    for (; a < 12.0; a += 1.0)
        total += 1.0 / (a * a);
    const double r = 1.0 / a, w = r * r; /* asymptotic series with the Bernoulli numbers B(2k) */
    const double series = w * (1.0 / 6 - w * (1.0 / 30 - w * (1.0 / 42 - w * (1.0 / 30
        - w * (5.0 / 66 - w * (691.0 / 2730 - w * (7.0 / 6 - w * 3617.0 / 510)))))));
    return total + (r + 0.5 * w + r * series);
}
""",
}
"""Name -> definition."""

_NAME = re.compile(r"\bsymnum_\w+")


def needed(spellings: Iterable[str]) -> list[str]:
    """Return the definitions that C text calls, each after what it calls itself.

    >>> [text.split("(")[0] for text in needed(["symnum_trigamma({0}) + symnum_sign({0})"])][-1]
    'static double symnum_trigamma'
    """
    found: dict[str, str] = {}
    stack = [name for text in spellings for name in _NAME.findall(text) if name in HELPERS]
    while stack:
        name = stack[-1]
        called = [n for n in _NAME.findall(HELPERS[name]) if n != name and n not in found]
        if called and name not in found:
            stack += called
            continue
        found.setdefault(stack.pop(), HELPERS[name])
    return list(found.values())
