"""The operator table: the one place that says what an operator is.

A row gives arity, algebraic flags, sorts, derivative, domain, cost and the spelling in every target.
Derivatives and domains are text in the argument names ``a, b, c`` and ``f`` (the call itself), so that
a row is plain data and works for every term backend.  To add an operator is to add a row, here or, at run
time, with :func:`register_operator`.

>>> OPERATORS["sin"].derivative
('cos(a)',)
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

ARGUMENTS = ("a", "b", "c")
"""Names of the arguments in the text fields of a row."""


@dataclass(frozen=True, slots=True, repr=False)
class Operator:
    """Describe one operator.

    Templates (``numpy``, ``numba``, ``c``, ``torch``, ``latex``, ``arb``) name the arguments ``{0}``, ``{1}``, ...; an associative
    operator gives the template of two arguments and is folded.  ``c_code`` defines functions that the template ``c`` calls, apart
    from those of math.h and of ``symnum.codegen.c_helpers``.  ``llvm`` is made of the words of
    ``symnum.codegen.llvm_words``: an instruction, an intrinsic or a function of C, empty where NumPy's own loop is called; ``sympy`` is the
    name of a SymPy class, empty where the bridge spells the operator in others.
    """

    name: str
    arity: tuple[int, int | None]
    derivative: tuple[str, ...] | None = None
    domain: str = "true"
    argument_sorts: tuple[str, ...] = ("real",)
    result_sort: str = "real"
    associative: bool = False
    commutative: bool = False
    idempotent: bool = False
    unit: int | bool | None = None
    zero: int | bool | None = None
    parity: str | None = None
    values: Mapping[Any, Any] = field(default_factory=lambda: MappingProxyType({}))
    exact: Callable[..., Any] | None = None
    cost: float = 1.0
    numpy: str = ""
    numba: str = ""
    llvm: str = ""
    c: str = ""
    c_code: str = ""
    torch: str = ""
    latex: str = ""
    egglog: str = ""
    sympy: str = ""
    arb: str = ""
    precedence: int = 100
    namespace: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        high = self.arity[1]
        if self.derivative is not None and high is not None and len(self.derivative) != high:
            raise ValueError(
                f"operator {self.name!r} takes {high} arguments but its row gives {len(self.derivative)} derivatives; "
                f"give one text per argument, such as derivative=('b', 'a') for a product"
            )

    def __repr__(self) -> str:
        return f"Operator({self.signature()!r})"

    def check_arity(self, count: int) -> None:
        """Raise TypeError unless the operator takes ``count`` arguments."""
        low, high = self.arity
        if count < low or (high is not None and count > high):
            wanted = f"{low}" if low == high else f"at least {low}" if high is None else f"{low} to {high}"
            plural = "" if wanted == "1" else "s"
            raise TypeError(
                f"operator {self.name!r} takes {wanted} argument{plural}, but {count} were given; "
                f"write {self.signature()}"
            )

    def signature(self) -> str:
        """Return how a call is written, such as ``atan2(a, b)``."""
        low, high = self.arity
        names = ", ".join(ARGUMENTS[: max(low, 1) if high is None else high])
        return f"{self.name}({names}{', ...' if high is None else ''})" if high != 0 else self.name


def _row(
    name: str, arity: int | tuple[int, int | None] = 1, derivative: str | None = None, **columns: Any
) -> Operator:
    """Build a table row: several derivatives are separated by ``;`` and unnamed spellings follow the operator's own name."""
    span = (arity, arity) if isinstance(arity, int) else arity
    if isinstance(columns.get("values"), dict):
        columns["values"] = MappingProxyType(columns["values"])
    call = ", ".join(f"{{{i}}}" for i in range(max(span[0], 1 if span[1] is None else span[1])))
    spelled = dict(
        numpy=f"numpy.{name}({call})",
        numba=f"math.{name}({call})",
        llvm=name,
        c=f"{name}({call})",
        torch=f"torch.{name}({call})",
        latex=rf"\operatorname{{{{{name}}}}}\left({call}\right)",
        egglog=name.capitalize(),
        sympy=name,
        arb=f"{{0}}.{name}()",
    )
    texts = None if derivative is None else tuple(part.strip() for part in derivative.split(";"))
    return Operator(name, span, texts, **{**spelled, **columns})


def _elementary(name: str, derivative: str, **columns: Any) -> Operator:
    """Build the row of a function whose LaTeX command is its name."""
    return _row(name, 1, derivative, **{"latex": rf"\{name}\left({{0}}\right)", **columns})


def _comparison(
    name: str, numpy: str, torch: str, llvm: str, latex: str, egglog: str, sympy: str, **columns: Any
) -> Operator:
    infix = f"({{0}} {name} {{1}})"
    return _row(name, 2, None, result_sort="boolean", numpy=f"numpy.{numpy}({{0}}, {{1}})", numba=infix, llvm=f"fcmp {llvm}", c=infix,
                torch=f"torch.{torch}({{0}}, {{1}})", latex=f"{{0}} {latex} {{1}}", egglog=egglog, sympy=sympy, arb="", precedence=40, **columns)  # fmt: skip


def _sign(value: Any) -> int:
    return (value > 0) - (value < 0)


def _same(a: Any) -> Any:
    return a


def _modulo(a: Any, b: Any) -> Any:
    return a % b if b != 0 else None


_REAL2 = ("real", "real")

_TRIGAMMA = (
    "numpy.where(numpy.less({0}, 0.0), numpy.square(numpy.pi/numpy.sin(numpy.pi*numpy.where(numpy.isfinite({0}),"
    " {0} - numpy.rint({0}), 0.0))), 0.0)"
    " + numpy.where(numpy.less({0}, 0.0), -1.0, 1.0)*_zeta(2.0, numpy.where(numpy.less({0}, 0.0), 1.0 - {0}, {0}))"
)
"""Hurwitz's zeta(2, a), reflected below 0, where scipy.special adds up |a| terms: trigamma(a) = pi^2/sin(pi a)^2 - trigamma(1 - a)."""

_ROWS = (
    # arithmetic
    _row("+", (0, None), None, associative=True, commutative=True, unit=0, result_sort="join", cost=1, numpy="({0} + {1})",
         numba="({0} + {1})", llvm="fadd", c="({0} + {1})", torch="({0} + {1})", latex="{0} + {1}", egglog="Add", sympy="Add", arb="({0} + {1})", precedence=50),
    _row("-", 2, "1; -1", result_sort="join", cost=1, numpy="({0} - {1})", numba="({0} - {1})", llvm="fsub", c="({0} - {1})",
         torch="({0} - {1})", latex="{0} - {1}", egglog="Sub", sympy="", arb="({0} - {1})", precedence=50),
    _row("*", (0, None), None, associative=True, commutative=True, unit=1, zero=0, result_sort="join", cost=3, numpy="({0} * {1})",
         numba="({0} * {1})", llvm="fmul", c="({0} * {1})", torch="({0} * {1})", latex="{0} {1}", egglog="Mul", sympy="Mul", arb="({0} * {1})", precedence=60),
    _row("/", 2, "1/b; -f/b", domain="b != 0", cost=24, numpy="({0} / {1})", numba="({0} / {1})", llvm="fdiv", c="({0} / {1})",
         torch="({0} / {1})", latex=r"\frac{{{0}}}{{{1}}}", egglog="Div", sympy="", arb="({0} / {1})", precedence=60),
    _row("^", 2, "b*a^(b - 1); f*log(a)", domain="a > 0 or a == 0 and b >= 0 or b == floor(b) and a != 0", result_sort="power", cost=100,
         numpy="numpy.power({0}, {1})", numba="math.pow({0}, {1})", llvm="pow", c="pow({0}, {1})", torch="torch.pow({0}, {1})",
         latex="{0}^{{{1}}}", egglog="Pow", sympy="Pow", arb="({0} ** {1})", precedence=80),
    _row("neg", 1, "-1", result_sort="join", parity="odd", cost=1, numpy="(-{0})", numba="(-{0})", llvm="fneg", c="(-{0})", torch="(-{0})",
         latex="-{0}", egglog="Neg", sympy="", arb="(-{0})", precedence=70),
    # roots, exponentials, logarithms
    _row("sqrt", 1, "1/(2*f)", domain="a >= 0", cost=20, llvm="llvm.sqrt", latex=r"\sqrt{{{0}}}", sympy=""),
    _row("cbrt", 1, "1/(3*f^2)", domain="true", parity="odd", values={0: 0, 1: 1, 8: 2, 27: 3}, cost=60, numba="_cbrt({0})",
         torch="(torch.sign({0}) * torch.abs({0}) ** (1 / 3))", latex=r"\sqrt[3]{{{0}}}", sympy="", arb="({0}.root(3) if {0} > 0 else -(-{0}).root(3))"),
    _elementary("exp", "f", values={0: 1}, cost=18, latex=r"e^{{{0}}}"),
    _row("expm1", 1, "f + 1", values={0: 0}, cost=30),
    _elementary("log", "1/a", domain="a > 0", values={1: 0}, cost=40),
    _row("log1p", 1, "1/(1 + a)", domain="a > -1", values={0: 0}, cost=124),
    _row("log2", 1, "1/(a*log(2))", domain="a > 0", values={1: 0, 2: 1}, cost=40, numba="_log2({0})", latex=r"\log_{{2}}\left({0}\right)", arb="{0}.log_base(2)"),
    _row("log10", 1, "1/(a*log(10))", domain="a > 0", values={1: 0, 10: 1}, cost=40, latex=r"\log_{{10}}\left({0}\right)", arb="{0}.log_base(10)"),
    # trigonometric and inverse
    _elementary("sin", "cos(a)", parity="odd", values={0: 0}, cost=134),
    _elementary("cos", "-sin(a)", parity="even", values={0: 1}, cost=134),
    _elementary("tan", "1 + f^2", domain="cos(a) != 0", parity="odd", values={0: 0}, cost=156),
    _elementary("cot", "-1 - f^2", domain="sin(a) != 0", parity="odd", cost=160, numpy="(1.0 / numpy.tan({0}))", numba="(1.0 / math.tan({0}))",
                llvm="tan | inverse", c="(1.0 / tan({0}))", torch="(1.0 / torch.tan({0}))"),
    _elementary("sec", "f*tan(a)", domain="cos(a) != 0", parity="even", values={0: 1}, cost=160, numpy="(1.0 / numpy.cos({0}))",
                numba="(1.0 / math.cos({0}))", llvm="cos | inverse", c="(1.0 / cos({0}))", torch="(1.0 / torch.cos({0}))"),
    _elementary("csc", "-f*cot(a)", domain="sin(a) != 0", parity="odd", cost=160, numpy="(1.0 / numpy.sin({0}))",
                numba="(1.0 / math.sin({0}))", llvm="sin | inverse", c="(1.0 / sin({0}))", torch="(1.0 / torch.sin({0}))"),
    _row("asin", 1, "1/sqrt(1 - a^2)", domain="a >= -1 and a <= 1", parity="odd", values={0: 0}, cost=127, numpy="numpy.arcsin({0})", latex=r"\arcsin\left({0}\right)"),
    _row("acos", 1, "-1/sqrt(1 - a^2)", domain="a >= -1 and a <= 1", values={1: 0}, cost=127, numpy="numpy.arccos({0})", latex=r"\arccos\left({0}\right)"),
    _row("atan", 1, "1/(1 + a^2)", parity="odd", values={0: 0}, cost=135, numpy="numpy.arctan({0})", latex=r"\arctan\left({0}\right)"),
    _row("acot", 1, "-1/(1 + a^2)", domain="a != 0", parity="odd", cost=140, numpy="numpy.arctan(1.0 / {0})", numba="math.atan(1.0 / {0})",
         llvm="inverse | atan", c="atan(1.0 / {0})", torch="torch.atan(1.0 / {0})", arb="(1 / {0}).atan()"),
    _row("asec", 1, "1/(a^2*sqrt(1 - 1/a^2))", domain="a <= -1 or a >= 1", values={1: 0}, cost=150, numpy="numpy.arccos(1.0 / {0})",
         numba="math.acos(1.0 / {0})", llvm="inverse | acos", c="acos(1.0 / {0})", torch="torch.acos(1.0 / {0})", arb="(1 / {0}).acos()"),
    _row("acsc", 1, "-1/(a^2*sqrt(1 - 1/a^2))", domain="a <= -1 or a >= 1", parity="odd", cost=150, numpy="numpy.arcsin(1.0 / {0})",
         numba="math.asin(1.0 / {0})", llvm="inverse | asin", c="asin(1.0 / {0})", torch="torch.asin(1.0 / {0})", arb="(1 / {0}).asin()"),
    _row("atan2", 2, "b/(a^2 + b^2); -a/(a^2 + b^2)", domain="a != 0 or b != 0", argument_sorts=_REAL2, cost=140, numpy="numpy.arctan2({0}, {1})", arb="arb.atan2({0}, {1})"),
    # hyperbolic and inverse
    _elementary("sinh", "cosh(a)", parity="odd", values={0: 0}, cost=40),
    _elementary("cosh", "sinh(a)", parity="even", values={0: 1}, cost=40),
    _elementary("tanh", "1 - f^2", parity="odd", values={0: 0}, cost=40),
    _row("coth", 1, "1 - f^2", domain="a != 0", parity="odd", cost=64, numpy="(1.0 / numpy.tanh({0}))", numba="(1.0 / math.tanh({0}))", llvm="tanh | inverse",
         c="(1.0 / tanh({0}))", torch="(1.0 / torch.tanh({0}))", latex=r"\coth\left({0}\right)"),
    _row("sech", 1, "-f*tanh(a)", parity="even", values={0: 1}, cost=64, numpy="(1.0 / numpy.cosh({0}))", numba="(1.0 / math.cosh({0}))", llvm="cosh | inverse",
         c="(1.0 / cosh({0}))", torch="(1.0 / torch.cosh({0}))"),
    _row("csch", 1, "-f*coth(a)", domain="a != 0", parity="odd", cost=64, numpy="(1.0 / numpy.sinh({0}))", numba="(1.0 / math.sinh({0}))", llvm="sinh | inverse",
         c="(1.0 / sinh({0}))", torch="(1.0 / torch.sinh({0}))"),
    _row("asinh", 1, "1/sqrt(1 + a^2)", parity="odd", values={0: 0}, cost=100, numpy="numpy.arcsinh({0})"),
    _row("acosh", 1, "1/(sqrt(a - 1)*sqrt(a + 1))", domain="a >= 1", values={1: 0}, cost=100, numpy="numpy.arccosh({0})"),
    _row("atanh", 1, "1/(1 - a^2)", domain="a > -1 and a < 1", parity="odd", values={0: 0}, cost=100, numpy="numpy.arctanh({0})"),
    # rounding and order
    _row("abs", 1, "sign(a)", result_sort="join", parity="even", exact=abs, cost=2, numba="abs({0})", llvm="llvm.fabs", c="fabs({0})",
         latex=r"\left|{0}\right|", sympy="Abs", arb="abs({0})"),
    _row("sign", 1, "0", result_sort="integer", parity="odd", exact=_sign, cost=3, numba="_sign({0})", llvm="sign", c="symnum_sign({0})", torch="torch.where(torch.isnan({0}), {0}, torch.sign({0}))", arb="{0}.sgn()"),
    _row("floor", 1, "0", result_sort="integer", exact=math.floor, cost=2, llvm="llvm.floor", numba="_floor({0})", latex=r"\left\lfloor {0} \right\rfloor"),
    _row("ceil", 1, "0", result_sort="integer", exact=math.ceil, cost=2, llvm="llvm.ceil", numba="_ceil({0})", latex=r"\left\lceil {0} \right\rceil", sympy="ceiling"),
    _row("mod", 2, "1; -floor(a/b)", domain="b != 0", result_sort="join", exact=_modulo, cost=30, numpy="numpy.mod({0}, {1})", numba="_mod({0}, {1})",
         llvm="modulo", c="symnum_mod({0}, {1})", torch="torch.remainder({0}, {1})", latex=r"{0} \bmod {1}", sympy="Mod", arb="({0} - {1} * ({0} / {1}).floor())"),
    _row("min", (1, None), None, associative=True, commutative=True, idempotent=True, result_sort="join", exact=min, cost=2,
         numpy="numpy.minimum({0}, {1})", numba="_min({0}, {1})", llvm="minimum", c="symnum_min({0}, {1})",
         torch="torch.minimum({0}, {1})", latex=r"\min\left({0}, {1}\right)", sympy="Min", arb="{0}.min({1})"),
    _row("max", (1, None), None, associative=True, commutative=True, idempotent=True, result_sort="join", exact=max, cost=2,
         numpy="numpy.maximum({0}, {1})", numba="_max({0}, {1})", llvm="maximum", c="symnum_max({0}, {1})",
         torch="torch.maximum({0}, {1})", latex=r"\max\left({0}, {1}\right)", sympy="Max", arb="{0}.max({1})"),
    # special functions
    _row("erf", 1, "2/sqrt(pi)*exp(-a^2)", parity="odd", values={0: 0}, cost=80, numpy="_erf({0})", torch="torch.special.erf({0})"),
    _row("gamma", 1, "f*digamma(a)", domain="a > 0 or a != floor(a)", values={1: 1, 2: 1, 3: 2, 4: 6, 5: 24}, cost=150, numpy="_gamma({0})", numba="_gamma({0})",
         llvm="", c="tgamma({0})", torch="_gamma({0})", latex=r"\Gamma\left({0}\right)"),
    _row("lgamma", 1, "digamma(a)", domain="a > 0 or a != floor(a)", values={1: 0, 2: 0}, cost=150, numpy="_lgamma({0})", sympy="", arb="({0}.lgamma() if {0} > 0 else abs({0}.gamma()).log())",
         numba="_lgamma({0})", llvm="", c="symnum_lgamma({0})", latex=r"\ln\left|\Gamma\left({0}\right)\right|"),
    _row("digamma", 1, "trigamma(a)", domain="a > 0 or a != floor(a)", cost=150, numpy="_digamma({0})", numba="_digamma({0})", llvm="", c="symnum_digamma({0})",
         torch="torch.special.digamma({0})", latex=r"\psi\left({0}\right)", sympy="", arb="{0}.digamma()"),
    _row("trigamma", 1, None, domain="a > 0 or a != floor(a)", cost=150, numpy=_TRIGAMMA, numba="_trigamma({0})", llvm="", c="symnum_trigamma({0})",
         torch="_trigamma({0})", latex=r"\psi^{{(1)}}\left({0}\right)", sympy="", arb="(arb(2).zeta({0}) if {0} > 0 else (arb.pi() / {0}.sin_pi()) ** 2 - arb(2).zeta(1 - {0}))"),
    # comparisons
    _comparison("<", "less", "lt", "olt", "<", "Lt", "StrictLessThan"),
    _comparison("<=", "less_equal", "le", "ole", r"\leq", "Le", "LessThan"),
    _comparison(">", "greater", "gt", "ogt", ">", "Gt", "StrictGreaterThan"),
    _comparison(">=", "greater_equal", "ge", "oge", r"\geq", "Ge", "GreaterThan"),
    _comparison("==", "equal", "eq", "oeq", "=", "Eq", "Equality", commutative=True),
    _comparison("!=", "not_equal", "ne", "une", r"\neq", "Ne", "Unequality", commutative=True),
    # booleans
    _row("and", (0, None), None, associative=True, commutative=True, idempotent=True, unit=True, zero=False, argument_sorts=("boolean",), result_sort="boolean",
         numpy="numpy.logical_and({0}, {1})", numba="({0} and {1})", llvm="and", c="({0} && {1})", torch="torch.logical_and({0}, {1})",
         latex=r"{0} \wedge {1}", egglog="And", sympy="And", arb="", precedence=20),
    _row("or", (0, None), None, associative=True, commutative=True, idempotent=True, unit=False, zero=True, argument_sorts=("boolean",), result_sort="boolean",
         numpy="numpy.logical_or({0}, {1})", numba="({0} or {1})", llvm="or", c="({0} || {1})", torch="torch.logical_or({0}, {1})",
         latex=r"{0} \vee {1}", egglog="Or", sympy="Or", arb="", precedence=10),
    _row("not", 1, None, argument_sorts=("boolean",), result_sort="boolean", numpy="numpy.logical_not({0})", numba="(not {0})", llvm="not", c="(!{0})",
         torch="torch.logical_not({0})", latex=r"\neg {0}", egglog="Not", sympy="Not", arb="", precedence=30),
    _row("ifelse", 3, "0; ifelse(a, 1, 0); ifelse(a, 0, 1)", argument_sorts=("boolean", "any", "any"), result_sort="branch", cost=2, numpy="numpy.where({0}, {1}, {2})",
         numba="({1} if {0} else {2})", llvm="select", c="({0} ? {1} : {2})", torch="torch.where({0}, {1}, {2})",
         latex=r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}", egglog="IfElse", sympy="Piecewise", arb=""),
    # a sum, product or power kept as a part of its own, where the backend would merge it into the one around it
    _row("hold", 1, "1", result_sort="join", parity="odd", exact=_same, cost=0, numpy="{0}", numba="{0}", llvm="", c="({0})", torch="({0})",
         latex=r"\left({0}\right)", sympy="UnevaluatedExpr", arb="{0}"),
    # constants are operators without arguments
    _row("pi", 0, None, cost=0, numpy="numpy.pi", numba="math.pi", llvm="", c="3.14159265358979323846", torch="torch.pi", latex=r"\pi", sympy="pi", arb="arb.pi()"),
)  # fmt: skip

_TABLE: dict[str, Operator] = {row.name: row for row in _ROWS}
_BUILT_IN = frozenset(_TABLE)
_LOCK = threading.Lock()

OPERATORS: Mapping[str, Operator] = MappingProxyType(_TABLE)
"""Read-only view of the table: name -> row."""


def operator(name: str) -> Operator:
    """Return the row of ``name``.

    Raises LookupError for a name that is not in the table.

    >>> operator("atan2").arity
    (2, 2)
    """
    row = _TABLE.get(name)
    if row is None:
        import difflib

        near = difflib.get_close_matches(str(name), _TABLE, n=1)
        hint = f"did you mean {near[0]!r}? otherwise " if near else ""
        raise LookupError(
            f"there is no operator {name!r}; {hint}add it with symnum.register_operator({str(name)!r}, arity=...)"
        )
    return row


def register_operator(
    name: str, arity: int, derivative: str | tuple[str, ...] | None = None, **columns: Any
) -> Operator:
    """Add an operator to the table and return its row.

    ``derivative`` holds one text per argument in the names ``a, b, c`` and ``f``; ``numpy`` and ``numba`` are templates
    such as ``"numpy.tanh({0})"`` or Python functions (``numba`` ones compiled by ``numba.njit``); other columns are those of
    :class:`Operator`.  Templates become part of the code that symnum generates: write them yourself, never take them from a file or
    a form that others fill in.  Raises ValueError for a built-in name or an incomplete row.

    >>> row = register_operator("softplus_doc", 1, "1/(1 + exp(-a))", numpy="numpy.logaddexp(0.0, {0})")
    >>> row.signature()
    'softplus_doc(a)'
    """
    if not name.isidentifier():
        raise ValueError(
            f"operator name {name!r} is not an identifier; use letters, digits and _, such as 'softplus'"
        )
    if name in _BUILT_IN:
        raise ValueError(
            f"operator {name!r} is built in and cannot be replaced; choose another name, such as {name + '_'!r}"
        )
    if not isinstance(arity, int) or not 0 < arity <= len(ARGUMENTS):
        raise ValueError(f"operator {name!r} needs an arity from 1 to {len(ARGUMENTS)}, but got {arity!r}")
    unknown = set(columns) - {f.name for f in fields(Operator)}
    if unknown:
        raise ValueError(
            f"operator {name!r} has unknown columns {sorted(unknown)}; the columns are those of symnum.Operator"
        )
    if "numpy" not in columns:
        raise ValueError(
            f"operator {name!r} has no numpy spelling, so no value of it could be computed; "
            f"give numpy='numpy.tanh({{0}})' or a function of {arity} arrays"
        )
    namespace = dict(columns.pop("namespace", {}))
    call = ", ".join(f"{{{i}}}" for i in range(arity))
    for target in ("numpy", "numba", "torch"):
        spelling = columns.get(target, "")
        if callable(spelling):
            namespace[f"_{name}_{target}"] = spelling
            columns[target] = f"_{name}_{target}({call})"
    for column in ("c", "c_code", "llvm", "latex", "arb"):
        if not isinstance(columns.get(column, ""), str):
            raise TypeError(
                f"the column {column!r} of operator {name!r} is text, but got {columns[column]!r}; write a template such as "
                f"'tanh({{0}})'"
            )
    spelled = dict(numba="", llvm="", c="", torch="", latex=rf"\operatorname{{{{{name}}}}}\left({call}\right)",
                   egglog=f"User_{name}", sympy="", arb="", cost=50.0)  # fmt: skip
    texts = (derivative,) if isinstance(derivative, str) else derivative
    if arity > 1 and isinstance(derivative, str):
        texts = tuple(part.strip() for part in derivative.split(";"))
    row = Operator(
        name, (arity, arity), texts, namespace=MappingProxyType(namespace), **{**spelled, **columns}
    )
    with _LOCK:
        _TABLE[name] = row
    return row


def result_sort(row: Operator, sorts: tuple[str, ...], last_value: Any = None) -> str:
    """Return the sort of a call from the sorts of its arguments.

    Raises TypeError when an argument has a sort that the operator does not take.
    """
    kinds = row.argument_sorts
    for index, sort in enumerate(sorts):
        wanted = kinds[index] if index < len(kinds) else kinds[-1]
        if wanted != "any" and (sort == "boolean") != (wanted == "boolean"):
            cure = (
                "write a comparison such as x > 0"
                if wanted == "boolean"
                else "write ifelse(condition, 1, 0) to use it as a number"
            )
            raise TypeError(
                f"operator {row.name!r} takes {wanted} arguments, but argument {index + 1} is {sort}; {cure}"
            )
    if row.result_sort == "join":
        return "integer" if sorts and all(sort == "integer" for sort in sorts) else "real"
    if row.result_sort == "power":
        whole = isinstance(last_value, int) and last_value >= 0
        return "integer" if sorts[0] == "integer" and whole else "real"
    if row.result_sort == "branch":
        first, second = sorts[1], sorts[2]
        if (first == "boolean") != (second == "boolean"):
            raise TypeError(
                f"both branches of ifelse must have one sort, but they are {first} and {second}; make them both numbers or both conditions"
            )
        return first if first == second else "real"
    return row.result_sort


def exact_value(row: Operator, values: tuple[Any, ...]) -> Any:
    """Return the exact value of a call on exact numbers, or None where there is none.

    >>> from fractions import Fraction
    >>> exact_value(OPERATORS["floor"], (Fraction(5, 2),))
    2
    """
    if len(values) == 1 and values[0] in row.values:
        return row.values[values[0]]
    return None if row.exact is None else row.exact(*values)
