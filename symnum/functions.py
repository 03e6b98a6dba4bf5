"""The operators as Python functions: ``symnum.sin(x)`` builds the call of ``"sin"`` in the backend of ``x``.

>>> import symnum as sn
>>> x = sn.symbols("x")
>>> sn.sin(x)**2, sn.max(x, 1), sn.eq(x, 2)
(sin(x)^2, max(1, x), x == 2)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symnum import term as interface
from symnum.operators import OPERATORS, operator


def call(head: str, *args: Any) -> Any:
    """Build the call of any operator, also a user's own; raises LookupError for an unknown one.

    >>> import symnum as sn
    >>> call("atan2", sn.symbols("y"), 1)
    atan2(y, 1)
    """
    for arg in args:
        if isinstance(arg, list | tuple) and not interface.is_term(arg):
            raise TypeError(
                f"{head!r} takes its arguments one by one, but got a {type(arg).__name__}; write the call with *list"
            )
        if not isinstance(arg, int | float):
            return interface.make(arg, head, args)
    operator(head)
    return interface.make(0, head, args)


def _function(head: str) -> Callable[..., Any]:
    def function(*args: Any) -> Any:
        return call(head, *args)

    row = OPERATORS[head]
    function.__name__ = function.__qualname__ = head
    function.__doc__ = f"Build the term ``{row.signature()}``; it is defined where {row.domain}."
    return function


sqrt = _function("sqrt")
cbrt = _function("cbrt")
exp = _function("exp")
expm1 = _function("expm1")
log = _function("log")
log1p = _function("log1p")
log2 = _function("log2")
log10 = _function("log10")
sin = _function("sin")
cos = _function("cos")
tan = _function("tan")
cot = _function("cot")
sec = _function("sec")
csc = _function("csc")
asin = _function("asin")
acos = _function("acos")
atan = _function("atan")
acot = _function("acot")
asec = _function("asec")
acsc = _function("acsc")
atan2 = _function("atan2")
sinh = _function("sinh")
cosh = _function("cosh")
tanh = _function("tanh")
coth = _function("coth")
sech = _function("sech")
csch = _function("csch")
asinh = _function("asinh")
acosh = _function("acosh")
atanh = _function("atanh")
sign = _function("sign")
floor = _function("floor")
ceil = _function("ceil")
mod = _function("mod")
erf = _function("erf")
gamma = _function("gamma")
lgamma = _function("lgamma")
digamma = _function("digamma")
trigamma = _function("trigamma")
eq = _function("==")
ne = _function("!=")
lt = _function("<")
le = _function("<=")
gt = _function(">")
ge = _function(">=")
all_of = _function("and")
any_of = _function("or")
negation = _function("not")
ifelse = _function("ifelse")
hold = _function("hold")
min = _function("min")
max = _function("max")
abs = _function("abs")
pi = call("pi")
