r"""Terms to LaTeX, for notebooks and papers.

The spelling of an operator is the ``latex`` template of its row.  Fractions, roots, signs and brackets are laid out here:

>>> import symnum as sn
>>> x1, alpha = sn.symbols("x1 alpha")
>>> print(latex(alpha / sn.sqrt(x1) - x1**2))
-x_{1}^{2} + \frac{\alpha}{\sqrt{x_{1}}}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symnum import term as interface
from symnum.exact import to_digits
from symnum.operators import OPERATORS
from symnum.text.layout import ATOM, Factor, Graph, is_canonical, is_negative, precedence, quotient

MAX_NODES = 100_000
"""Terms with more nodes, written out, are refused."""

NOTEBOOK_NODES = 300
"""Terms with more nodes are shown as text in notebooks, where typesetting them would be slow and unreadable."""

Part = str | tuple[Any, int]
"""A piece of text, or a term with the least precedence that stands there without brackets."""

_COMPARE, _SUM, _PRODUCT, _POWER = precedence("<"), precedence("+"), precedence("*"), precedence("^")
_SIGNED = precedence("neg") + 1
_HALF = Fraction(1, 2)

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ϑ": "vartheta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ϖ": "varpi", "ρ": "rho",
    "ϱ": "varrho", "σ": "sigma", "ς": "varsigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "ϕ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon",
    "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_COMMANDS = frozenset(_GREEK.values())
_NAME = re.compile(r"([^\W\d_]+)_*(\d*)_*(.*)", re.DOTALL)
_FIELD = re.compile(r"(\{\{|\}\}|\{\d\})")
_FUNCTION = re.compile(r"(\\(?:operatorname\{+\w+\}+|[a-zA-Z]+)(?:_\{\{\w+\}\})?)(\\left\(.*)", re.DOTALL)
"""A template such as \\sin\\left({0}\\right), split before the bracket."""


def latex(term: Any) -> str:
    """Return a term as LaTeX for mathematics mode, without dollar signs.

    Raises ValueError for a term of more than 100,000 nodes, shared ones counted each time they would be written.

    >>> import symnum as sn
    >>> x, y = sn.symbols("x y")
    >>> print(latex(sn.ifelse(x < y, sn.exp(-x) / 2, sn.abs(y))))
    \\begin{cases} \\frac{e^{-x}}{2} & \\text{if } x < y \\\\ \\left|y\\right| & \\text{otherwise} \\end{cases}
    """
    size = Graph(term).size
    if size > MAX_NODES:
        raise ValueError(
            f"the term has {size:,}{'' if size < 10**18 else ' or more'} nodes when written out, "
            f"too many for LaTeX (at most {MAX_NODES:,}); "
            f"write str(term), which names shared parts, or latex of a part: symnum.term.sorted_args(term)"
        )
    pieces: list[str] = []
    stack: list[Part] = [(term, 0)]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            pieces.append(part)
            continue
        node, floor = part
        binding, parts = _layout(node)
        stack.extend(reversed(_bracketed(parts) if binding < floor else parts))
    return "".join(pieces)


def repr_latex(term: Any) -> str | None:
    """Return what a notebook shows, or None for a term too large to typeset.

    >>> import symnum as sn
    >>> repr_latex(sn.symbols("x") ** 2)
    '$\\\\displaystyle x^{2}$'
    """
    return f"$\\displaystyle {latex(term)}$" if Graph(term).size <= NOTEBOOK_NODES else None


def _bracketed(parts: Sequence[Part]) -> list[Part]:
    return [r"\left(", *parts, r"\right)"]


# --- leaves -------------------------------------------------------------------------------------------------------------------


def _number(value: Any) -> tuple[int, str]:
    """Return (precedence, LaTeX) of a number."""
    if type(value) is bool:
        return ATOM, rf"\text{{{'true' if value else 'false'}}}"
    sign = "-" if is_negative(value) else ""
    binding = _SIGNED - 1 if sign else ATOM
    size = -value if sign else value
    if isinstance(value, Fraction):
        return min(
            binding, _PRODUCT
        ), rf"{sign}\frac{{{to_digits(size.numerator)}}}{{{to_digits(size.denominator)}}}"
    if type(value) is int:
        return binding, sign + to_digits(size)
    if value != value:
        return ATOM, r"\text{NaN}"
    if size == float("inf"):
        return binding, sign + r"\infty"
    digits, _, power = repr(float(size)).partition("e")
    if not power:
        return binding, sign + digits
    lead = "" if digits == "1" else rf"{digits} \cdot "
    return min(binding, _PRODUCT), rf"{sign}{lead}10^{{{int(power)}}}"


@lru_cache(maxsize=4096)
def symbol_latex(name: str) -> str:
    r"""Return a symbol's name with Greek letters and subscripts.

    >>> symbol_latex("alpha_12"), symbol_latex("k_on"), symbol_latex("rate")
    ('\\alpha_{12}', 'k_{\\mathrm{on}}', '\\mathrm{rate}')
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return rf"\mathrm{{{_escaped(name)}}}"
    stem, digits, rest = found.groups()
    letter = _GREEK.get(stem, stem if stem in _COMMANDS else "")
    spelled = f"\\{letter}" if letter else stem if len(stem) == 1 else rf"\mathrm{{{_escaped(stem)}}}"
    word = rest if rest.isdigit() or not rest else rf"\mathrm{{{_escaped(rest)}}}"
    below = [part for part in (digits, word) if part]
    return f"{spelled}_{{{','.join(below)}}}" if below else spelled


def _escaped(text: str) -> str:
    return "".join("\\" + c if c in "_&%$#{}" else c for c in text)


# --- calls --------------------------------------------------------------------------------------------------------------------


def _layout(term: Any) -> tuple[int, Sequence[Part]]:
    """Return the precedence and the parts of one node."""
    if interface.is_number(term):
        binding, text = _number(interface.value(term))
        return binding, [text]
    if interface.is_symbol(term):
        return ATOM, [symbol_latex(interface.name(term))]
    head, args = interface.head(term), interface.sorted_args(term)
    if head in ("*", "^") and is_canonical(term):
        return _product(*quotient(*interface.factors(term)))
    if head == "+" and args:
        return _SUM, _sum(args)
    if head == "*" and args:
        return _PRODUCT, _juxtaposed([(arg, None) for arg in args])
    if head == "^":
        return _power(args[0], args[1])
    if head == "-":
        return _SUM, [(args[0], _SUM), " - ", (args[1], _SUM + 1)]
    if head == "neg":
        return _SIGNED - 1, ["-", (args[0], _SIGNED)]
    return _from_template(head, args)


def _sum(args: Sequence[Any]) -> list[Part]:
    """Lay out a sum; in a canonical one negative addends are subtracted."""
    parts: list[Part] = []
    for arg in args:
        negative = False
        inner: list[Part] = [(arg, _SUM + 1 if parts else _SUM)]
        if is_canonical(arg):
            coefficient, pairs = interface.factors(arg)
            if is_negative(coefficient):
                negative, above, below = quotient(coefficient, pairs)
                inner = list(_product(False, above, below)[1])
        elif parts and interface.is_number(arg):
            inner = [(arg, _SIGNED)]
        if parts:
            parts.append(" - " if negative else " + ")
        elif negative:
            parts.append("-")
        parts += inner
    return parts


def _product(negative: bool, above: Sequence[Factor], below: Sequence[Factor]) -> tuple[int, Sequence[Part]]:
    sign = ["-"] if negative else []
    if below:
        return _PRODUCT, [*sign, r"\frac{", *_juxtaposed(above), "}{", *_juxtaposed(below), "}"]
    if len(above) == 1 and not negative:
        base, exponent = above[0]
        return (_PRODUCT, [(base, _PRODUCT + 1)]) if exponent is None else _power(base, exponent)
    alone = len(above) == 1 and above[0][1] is None
    return _PRODUCT, [*sign, (above[0][0], _PRODUCT)] if alone else [*sign, *_juxtaposed(above)]


def _juxtaposed(factors: Sequence[Factor]) -> list[Part]:
    r"""Lay factors side by side, with \cdot before what begins with a digit."""
    if len(factors) == 1 and factors[0][1] is None:
        return [(factors[0][0], 0)]
    parts: list[Part] = []
    for base, exponent in factors:
        if parts:
            root = type(exponent) is Fraction and exponent == _HALF
            parts.append(r" \cdot " if interface.is_number(base) and not root else " ")
        # A later factor with a sign gets brackets: 2 \left(-x\right).
        parts += [(base, _SIGNED if parts else _PRODUCT)] if exponent is None else _power(base, exponent)[1]
    return parts


def _power(base: Any, exponent: Any) -> tuple[int, Sequence[Part]]:
    value = interface.value(exponent) if interface.is_number(exponent) else None
    if type(value) is Fraction and value == _HALF:
        return ATOM, [r"\sqrt{", (base, 0), "}"]
    if type(value) is Fraction and value.numerator == 1:
        return ATOM, [rf"\sqrt[{value.denominator}]{{", (base, 0), "}"]
    raised: list[Part] = ["^{", (exponent, 0), "}"]
    if type(value) is int and value > 0 and interface.is_call(base):
        # \sin^{2}\left(x\right) reads better than \sin\left(x\right)^{2}
        row = OPERATORS.get(interface.head(base))
        function = _FUNCTION.fullmatch(row.latex) if row is not None and row.arity == (1, 1) else None
        if function is not None:
            name, inner = function.groups()
            return _POWER, [*_filled(name, (), 0), *raised, *_filled(inner, interface.args(base), 0)]
    return _POWER, [(base, _POWER + 1), *raised]


def _from_template(head: str, args: Sequence[Any]) -> tuple[int, Sequence[Part]]:
    row = OPERATORS.get(head)
    if row is None or not row.latex or not args:
        return ATOM, _called(head, args) if row is None or not row.latex or row.arity != (0, 0) else [
            row.latex
        ]
    if not _is_open(row.latex):
        # e^{x} and a choice of cases are the templates without brackets or bars around them.
        binding = _POWER if head == "exp" else _COMPARE if head == "ifelse" else ATOM
        return binding, _filled(row.latex, args, 0)
    binding = row.precedence if row.precedence < ATOM else _PRODUCT
    return binding, _filled(row.latex, args, ATOM if head == "not" else binding + 1)


def _is_open(template: str) -> bool:
    r"""Tell whether an argument stands at an end of the template, as in {0} \wedge {1}."""
    return template.startswith("{0}") or re.search(r"(?<!\{)\{\d\}$", template) is not None


def _called(head: str, args: Sequence[Any]) -> list[Part]:
    return [rf"\operatorname{{{_escaped(head)}}}\left(", *_joined(args, [", "], 0), r"\right)"]


def _filled(template: str, args: Sequence[Any], floor: int) -> list[Part]:
    """Put arguments into a template; one of two arguments is stretched over any number of them."""
    parts: list[Any] = []
    for piece in _FIELD.split(template):
        if len(piece) == 3 and piece[0] == "{" and piece[1].isdigit():
            parts.append(int(piece[1]))
        elif piece:
            parts.append({"{{": "{", "}}": "}"}.get(piece, piece))
    if 1 in parts and 2 not in parts and len(args) != 2:
        first, second = parts.index(0), parts.index(1)
        return [*parts[:first], *_joined(args, parts[first + 1 : second], floor), *parts[second + 1 :]]
    return [(args[part], floor) if isinstance(part, int) else part for part in parts]


def _joined(args: Sequence[Any], separator: Sequence[Part], floor: int) -> list[Part]:
    parts: list[Part] = []
    for arg in args:
        parts += separator if parts else []
        parts.append((arg, floor))
    return parts
