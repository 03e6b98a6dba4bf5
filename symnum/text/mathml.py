"""Terms to MathML, the mathematics of HTML, which browsers typeset without any script.

Fractions, roots, powers and brackets are laid out here; other operators are called by their names.

>>> import symnum as sn
>>> x = sn.symbols("x")
>>> print(mathml(x**2 / 2))
<math display="block"><mfrac><msup><mi>x</mi><mn>2</mn></msup><mn>2</mn></mfrac></math>
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symnum import term as interface
from symnum.exact import to_digits
from symnum.operators import OPERATORS
from symnum.text.latex import MAX_NODES
from symnum.text.layout import ATOM, Factor, Graph, is_canonical, is_negative, precedence, quotient

Part = str | tuple[Any, int]
"""A piece of markup, or a term with the least precedence that stands there without brackets."""

_SUM, _PRODUCT, _POWER = precedence("+"), precedence("*"), precedence("^")
_SIGNED = precedence("neg") + 1
_HALF = Fraction(1, 2)
_NAME = re.compile(r"([^\W\d_]+)_*(\d*)_*(.*)", re.DOTALL)
_MINUS, _TIMES, _APPLY = "<mo>−</mo>", "<mo>&#x2062;</mo>", "<mo>&#x2061;</mo>"
"""Minus, and the invisible signs of a product and of a function's call."""

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_INFIX = {
    "<": "&lt;",
    "<=": "≤",
    ">": "&gt;",
    ">=": "≥",
    "==": "=",
    "!=": "≠",
    "and": "∧",
    "or": "∨",
    "/": "/",
}
_FENCES = {"abs": ("|", "|"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉")}


def mathml(term: Any) -> str:
    """Return a term as a MathML element; names are escaped.

    Raises ValueError for a term of more than 100,000 nodes, shared ones counted each time they would be written.

    >>> import symnum as sn
    >>> print(mathml(-sn.sqrt(sn.symbols("k_on"))))
    <math display="block"><mo>−</mo><msqrt><msub><mi>k</mi><mi>on</mi></msub></msqrt></math>
    """
    size = Graph(term).size
    if size > MAX_NODES:
        raise ValueError(
            f"the term has {size:,}{'' if size < 10**18 else ' or more'} nodes when written out, "
            f"too many for MathML (at most {MAX_NODES:,}); write str(term), which names shared parts"
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
        stack.extend(reversed(_bracketed(parts) if binding < floor else list(parts)))
    return f'<math display="block">{"".join(pieces)}</math>'


def _bracketed(parts: Sequence[Part], left: str = "(", right: str = ")") -> list[Part]:
    return [f"<mrow><mo>{left}</mo>", *parts, f"<mo>{right}</mo></mrow>"]


def _row(*parts: Part) -> list[Part]:
    """Return one argument of an element: parts that belong together."""
    return list(parts) if len(parts) == 1 and isinstance(parts[0], str) else ["<mrow>", *parts, "</mrow>"]


# --- leaves -------------------------------------------------------------------------------------------------------------------


def _number(value: Any) -> tuple[int, list[Part]]:
    if type(value) is bool:
        return ATOM, [f"<mtext>{'true' if value else 'false'}</mtext>"]
    sign: list[Part] = [_MINUS] if is_negative(value) else []
    binding = _SIGNED - 1 if sign else ATOM
    size = -value if sign else value
    if isinstance(value, Fraction):
        above, below = to_digits(size.numerator), to_digits(size.denominator)
        return min(binding, _PRODUCT), [*sign, f"<mfrac><mn>{above}</mn><mn>{below}</mn></mfrac>"]
    if type(value) is int:
        return binding, [*sign, f"<mn>{to_digits(size)}</mn>"]
    if value != value:
        return ATOM, ["<mtext>NaN</mtext>"]
    if size == float("inf"):
        return binding, [*sign, "<mi>∞</mi>"]
    digits, _, power = repr(float(size)).partition("e")
    if not power:
        return binding, [*sign, f"<mn>{digits}</mn>"]
    lead = "" if digits == "1" else f"<mn>{digits}</mn><mo>·</mo>"
    exponent = power.lstrip("+0") if power[0] != "-" else "−" + power[1:].lstrip("0")
    return min(binding, _PRODUCT), [*sign, f"{lead}<msup><mn>10</mn><mn>{exponent}</mn></msup>"]


def _symbol(name: str) -> str:
    """Return a symbol's name with Greek letters and subscripts."""
    found = _NAME.fullmatch(name)
    if found is None:
        return f"<mi>{html.escape(name)}</mi>"
    stem, digits, rest = found.groups()
    letter = f"<mi>{html.escape(_GREEK.get(stem, stem))}</mi>"
    below = [f"<mn>{digits}</mn>"] * bool(digits)
    below += [f"<mn>{rest}</mn>" if rest.isdigit() else f"<mi>{html.escape(rest)}</mi>"] * bool(rest)
    if not below:
        return letter
    joined = below[0] if len(below) == 1 else f"<mrow>{'<mo>,</mo>'.join(below)}</mrow>"
    return f"<msub>{letter}{joined}</msub>"


# --- calls --------------------------------------------------------------------------------------------------------------------


def _layout(term: Any) -> tuple[int, Sequence[Part]]:
    """Return the precedence and the parts of one node."""
    if interface.is_number(term):
        return _number(interface.value(term))
    if interface.is_symbol(term):
        return ATOM, [_symbol(interface.name(term))]
    head, args = interface.head(term), interface.sorted_args(term)
    if head in ("*", "^") and is_canonical(term):
        return _product(*quotient(*interface.factors(term)))
    if head == "+" and args:
        return _SUM, _sum(args)
    if head == "*" and args:
        return _PRODUCT, _juxtaposed([(arg, None) for arg in args])
    if head == "^":
        return _power(args[0], args[1])
    if head == "-" and len(args) == 2:
        return _SUM, [(args[0], _SUM), _MINUS, (args[1], _SUM + 1)]
    if head == "neg":
        return _SIGNED - 1, [_MINUS, (args[0], _SIGNED)]
    if head == "exp":
        return _POWER, ["<msup><mi>e</mi>", *_row((args[0], 0)), "</msup>"]
    if head in _FENCES:
        return ATOM, _bracketed([(args[0], 0)], *_FENCES[head])
    if head in _INFIX and len(args) >= 2:
        row = OPERATORS[head]
        return row.precedence, _joined(args, f"<mo>{_INFIX[head]}</mo>", row.precedence + 1)
    if not args:
        return ATOM, [_symbol(head)]
    called = _bracketed(_joined(args, "<mo>,</mo>", 0))
    return ATOM, [f"<mi>{html.escape(head)}</mi>{_APPLY}", *called]


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
            parts.append(_MINUS if negative else "<mo>+</mo>")
        elif negative:
            parts.append(_MINUS)
        parts += inner
    return parts


def _product(negative: bool, above: Sequence[Factor], below: Sequence[Factor]) -> tuple[int, Sequence[Part]]:
    sign: list[Part] = [_MINUS] if negative else []
    if below:
        fraction = ["<mfrac>", *_grouped(above), *_grouped(below), "</mfrac>"]
        return _PRODUCT, [*sign, *fraction]
    if len(above) == 1:
        base, exponent = above[0]
        if exponent is not None:
            return (_PRODUCT if negative else _power(base, exponent)[0]), [*sign, *_power(base, exponent)[1]]
        return _PRODUCT, [*sign, (base, _PRODUCT + (not negative))]
    return _PRODUCT, [*sign, *_juxtaposed(above)]


def _grouped(factors: Sequence[Factor]) -> list[Part]:
    """Return the numerator or denominator of a fraction."""
    base, exponent = factors[0]
    if len(factors) == 1 and exponent is None and interface.is_number(base):
        return _row(*_layout(base)[1])
    if len(factors) == 1 and exponent is not None:
        return list(_power(base, exponent)[1])
    return _row(*_juxtaposed(factors))


def _juxtaposed(factors: Sequence[Factor]) -> list[Part]:
    """Lay factors side by side, with a dot before what begins with a digit."""
    if len(factors) == 1 and factors[0][1] is None:
        return [(factors[0][0], 0)]
    parts: list[Part] = []
    for base, exponent in factors:
        if parts:
            root = type(exponent) is Fraction and exponent == _HALF
            parts.append("<mo>·</mo>" if interface.is_number(base) and not root else _TIMES)
        parts += (
            [(base, _SIGNED if parts else _PRODUCT)] if exponent is None else list(_power(base, exponent)[1])
        )
    return parts


def _power(base: Any, exponent: Any) -> tuple[int, Sequence[Part]]:
    value = interface.value(exponent) if interface.is_number(exponent) else None
    if type(value) is Fraction and value == _HALF:
        return ATOM, ["<msqrt>", (base, 0), "</msqrt>"]
    if type(value) is Fraction and value.numerator == 1:
        return ATOM, ["<mroot>", *_row((base, 0)), f"<mn>{value.denominator}</mn></mroot>"]
    plain = interface.is_symbol(base) or interface.is_number(base)
    below = (
        _layout(base)[1] if plain and _layout(base)[0] > _POWER else ["<mrow>", (base, _POWER + 1), "</mrow>"]
    )
    above = (
        _row(*_layout(exponent)[1])
        if value is not None or interface.is_symbol(exponent)
        else _row((exponent, 0))
    )
    return _POWER, ["<msup>", *below, *above, "</msup>"]


def _joined(args: Sequence[Any], separator: str, floor: int) -> list[Part]:
    parts: list[Part] = []
    for arg in args:
        parts += [separator] if parts else []
        parts.append((arg, floor))
    return parts
